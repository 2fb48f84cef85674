"""Contracts, their documents and parties, and the signing tasks that persons carry out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

from sealauthz.model.normal_forms import currency_problem, normalise_currency
from sealauthz.model.records.identity import Person
from sealauthz.model.verdicts import is_decided
from sealauthz.schema.record import FOREVER, NEVER, Instant, Normalised, Personal, Ref, many, one, record
from sealauthz.schema.rules import ActsFor, Check, Fixed, Life, OwnedByActs, RelatedTo, SetOnce, Shared, Unique, Valid


class ContractState(StrEnum):
    """Where a contract is in its life."""

    DRAFT = "DRAFT"
    FILLING = "FILLING"
    SIGNING = "SIGNING"
    COMPLETE = "COMPLETE"
    REJECTED = "REJECTED"
    RECALLED = "RECALLED"
    EXPIRED = "EXPIRED"
    TERMINATING = "TERMINATING"
    TERMINATED = "TERMINATED"
    FORCE_FINISHED = "FORCE_FINISHED"
    DELETED = "DELETED"


class ContractMatter(StrEnum):
    """What a contract is about, as far as the rules ask. What is UNSTATED is not sealed; from MARRIAGE on, nothing is.

    Source of the excluded matters: Electronic Signature Law, Art. 3.
    """

    UNSTATED = "UNSTATED"
    GENERAL = "GENERAL"
    FINANCE = "FINANCE"
    PERSONNEL = "PERSONNEL"
    GUARANTEE = "GUARANTEE"
    MARRIAGE = "MARRIAGE"
    ADOPTION = "ADOPTION"
    INHERITANCE = "INHERITANCE"
    PUBLIC_UTILITY_STOP = "PUBLIC_UTILITY_STOP"


class DocumentState(StrEnum):
    """Whether a document still has blanks."""

    INCOMPLETE = "INCOMPLETE"
    COMPLETE = "COMPLETE"


class ReviewState(StrEnum):
    """What a party's own review of a contract found. SIGN_REJECTED ends the signing."""

    PENDING = "PENDING"
    PASSED = "PASSED"
    REJECTED = "REJECTED"
    SIGN_REJECTED = "SIGN_REJECTED"


class ConsentKind(StrEnum):
    """What a party consented to."""

    DOUBLE_AGENCY = "DOUBLE_AGENCY"
    TERMINATION = "TERMINATION"


class PartyKind(StrEnum):
    """Whether a signatory is a person or an enterprise."""

    PERSON = "PERSON"
    ENTERPRISE = "ENTERPRISE"


class TaskAction(StrEnum):
    """What a signing task asks for."""

    CORPORATE_SEAL = "CORPORATE_SEAL"
    LEGAL_REP_SEAL = "LEGAL_REP_SEAL"
    HANDLER_SIGN = "HANDLER_SIGN"
    PERSONAL_SIGN = "PERSONAL_SIGN"
    APPROVE = "APPROVE"
    FILL = "FILL"


class TaskState(StrEnum):
    """How far a signing task is."""

    WAITING = "WAITING"
    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    SIGNED = "SIGNED"
    REJECTED = "REJECTED"
    TRANSFERRED = "TRANSFERRED"
    VOIDED = "VOIDED"
    EXPIRED = "EXPIRED"


class SealUseState(StrEnum):
    """What became of a use of a seal: whether the impression was made."""

    RESERVED = "RESERVED"
    SEALED = "SEALED"
    NOT_SEALED = "NOT_SEALED"
    UNKNOWN = "UNKNOWN"


class SealUseAct(StrEnum):
    """By which act a seal was used."""

    USE = "USE"
    AUTO_USE = "AUTO_USE"
    EMERGENCY_USE = "EMERGENCY_USE"


TERMS = ("contract_type", "matter", "is_monetary", "amount", "currency", "template_id")
"""What a contract says beside its documents, as the parties sign it."""


@record(
    Valid("U-05", "currency", currency_problem, says="a currency is its code of three letters"),
    Check("U-04", "amount IS NULL OR amount >= 0", says="an amount is not negative"),
    Check("U-05", "(amount IS NULL) = (currency = '')", says="an amount needs its currency, and a currency its amount"),
    # A party stays the same party: tasks, fixed seals and the rights of callers depend on it.
    Fixed("C-02", "initiator_id", says="a contract keeps its initiator"),
    SetOnce("I17", "initiated_by_id", says="who began a contract is history"),
    Fixed(
        "I15",
        *TERMS,
        once=lambda contract: contract.state not in ("DRAFT", "FILLING", "SIGNING"),
        says="what the parties signed or refused stays as it was",
    ),
    Life(
        {
            "DRAFT": ("FILLING", "DELETED"),
            "FILLING": ("SIGNING",),
            "SIGNING": ("COMPLETE", "REJECTED", "RECALLED", "EXPIRED", "FORCE_FINISHED"),
            "COMPLETE": ("TERMINATING", "DELETED"),
            "TERMINATING": ("TERMINATED",),
            "TERMINATED": ("DELETED",),
            "REJECTED": ("DELETED",),
            "RECALLED": ("DELETED",),
            "EXPIRED": ("DELETED",),
            "FORCE_FINISHED": ("DELETED",),
        },
        # The parties do not agree that it ends.
        {"TERMINATING": ("COMPLETE",)},
    ),
    RelatedTo(
        "Person",
        "~Signatory.contract_id/~SigningTask.signatory_id/handler_id",
        "~Signatory.contract_id/~SigningTask.signatory_id/~TaskOperator.task_id/person_id",
    ),
    root=Shared(("initiator_id", "~Signatory.contract_id/enterprise_id")),
    permanent=True,
)
class Contract:
    """A contract that its initiator sends round for signing.

    `amount` is in minor units of `currency`; where `is_monetary` and none is given, it is unknown. `category_id` is the
    initiator's own category, `template_id` the template that the contract was made from.
    """

    id: str
    initiator_id: Annotated[str, Ref("Enterprise")]
    contract_type: str
    state: ContractState = ContractState.DRAFT
    deadline: Instant = FOREVER
    matter: ContractMatter = ContractMatter.UNSTATED
    is_monetary: bool = True
    amount: int | None = None
    currency: Annotated[str, Normalised(normalise_currency)] = ""
    template_id: str = ""
    initiated_by_id: Annotated[str | None, Ref("Person")] = None
    category_id: Annotated[str | None, Ref("BusinessCategory")] = None
    forbids_transfer: bool = False

    documents: list[ContractDocument] = many("contract_id")
    signatories: list[Signatory] = many("contract_id")


@record(
    Unique("U-03", ("contract_id", "digest"), says="a contract has each document once"),
    Life({"INCOMPLETE": ("COMPLETE",)}, {"COMPLETE": ("INCOMPLETE",)}),
    home="contract_id",
)
class ContractDocument:
    """One document of a contract, by the digest of its content."""

    id: str
    contract_id: Annotated[str, Ref("Contract")]
    digest: str
    state: DocumentState = DocumentState.INCOMPLETE

    contract: Contract = one("contract_id")


def whole_digest(digests: Iterable[str]) -> str | None:
    """The digest of all documents of a contract: what a check of intent to sign them is bound to.

    One document's is its own digest. That of several is `sha256:` and the SHA-256, in hexadecimal, of their digests:
    each once, in the order of their UTF-8 bytes, joined by line feeds. None where there is no document, or one of them
    has no digest.
    """
    distinct = set(digests)
    if not distinct or "" in distinct:
        return None
    if len(distinct) == 1:
        return distinct.pop()
    whole = hashlib.sha256(b"\n".join(sorted(digest.encode() for digest in distinct)))
    return f"sha256:{whole.hexdigest()}"


@record(
    Valid("U-05", "currency", currency_problem, says="a currency is its code of three letters"),
    Check(
        "C-02",
        "(kind = 'PERSON' AND person_id IS NOT NULL AND enterprise_id IS NULL)"
        " OR (kind = 'ENTERPRISE' AND enterprise_id IS NOT NULL AND person_id IS NULL)",
        says="a party is either a person or an enterprise, and names that one only",
    ),
    Check("U-04", "amount IS NULL OR amount >= 0", says="an amount is not negative"),
    Check("U-05", "(amount IS NULL) = (currency = '')", says="an amount needs its currency, and a currency its amount"),
    Check("A-05", "guarantor_for_id IS NULL OR kind = 'PERSON'", says="a guarantor in person is a person"),
    Fixed("C-02", "kind", "person_id", "enterprise_id", says="a party of a contract stays the same party"),
    Fixed("A-05", "guarantor_for_id", says="for whom a party is the guarantor does not change"),
    RelatedTo(
        "Person", "~SigningTask.signatory_id/handler_id", "~SigningTask.signatory_id/~TaskOperator.task_id/person_id"
    ),
    home="contract_id",
    permanent=True,
)
class Signatory:
    """A party of a contract: one person or one enterprise.

    An enterprise has its own category for it, and states for itself what the contract is about and how much money it
    moves, as the contract says it for the sender. A person may be a party only to guarantee the debt of an enterprise
    that is a party too, which `guarantor_for_id` names.
    """

    id: str
    contract_id: Annotated[str, Ref("Contract")]
    kind: PartyKind
    person_id: Annotated[str | None, Ref("Person")] = None
    enterprise_id: Annotated[str | None, Ref("Enterprise")] = None
    category_id: Annotated[str | None, Ref("BusinessCategory")] = None
    needs_review: bool = False
    matter: ContractMatter = ContractMatter.UNSTATED
    is_monetary: bool = True
    amount: int | None = None
    currency: Annotated[str, Normalised(normalise_currency)] = ""
    guarantor_for_id: Annotated[str | None, Ref("Enterprise")] = None

    contract: Contract = one("contract_id")
    tasks: list[SigningTask] = many("signatory_id")
    reviews: list[InternalReview] = many("signatory_id")
    consents: list[PartyConsent] = many("signatory_id")


@record(
    Check("C-01", "position >= 1", says="tasks are ordered from 1"),
    # The party whose act it is; for a person\'s own signature, the enterprise that sent the contract.
    ActsFor("signatory_id/enterprise_id", "signatory_id/contract_id/initiator_id"),
    Check(
        "A-12",
        "refused_by_id IS NULL OR (state = 'REJECTED' AND refused_at > 0)",
        says="a task that somebody refused is rejected, and says when",
    ),
    SetOnce("I16", "signed_by_id", "signed_for_id", says="who signed, and for whom, is history"),
    SetOnce("A-12", "refused_by_id", "refused_at", says="who refused, and when, is history"),
    Fixed("C-02", "action", says="another act is another task"),
    Life(
        {
            "WAITING": ("PENDING",),
            "PENDING": ("IN_PROGRESS",),
            "IN_PROGRESS": ("SIGNED", "REJECTED", "TRANSFERRED", "VOIDED", "EXPIRED"),
        },
        # The signer began, and left again.
        {"IN_PROGRESS": ("PENDING",)},
    ),
    RelatedTo("Person", "handler_id", "~TaskOperator.task_id/person_id"),
    home="signatory_id",
    permanent=True,
)
class SigningTask:
    """One act that a signatory owes. `position` orders the tasks of a contract; equal positions run side by side.

    `signed_for_id` is the member for whom a delegate sealed (the principal of the delegation). `refused_by_id` refused
    it, and `refusal_reason` is what they said.
    """

    id: str
    signatory_id: Annotated[str, Ref("Signatory")]
    action: TaskAction
    position: int = 1
    state: TaskState = TaskState.WAITING
    handler_id: Annotated[str | None, Ref("Person")] = None
    signed_by_id: Annotated[str | None, Ref("Person")] = None
    signed_for_id: Annotated[str | None, Ref("Person")] = None
    refused_by_id: Annotated[str | None, Ref("Person")] = None
    refused_at: Instant = NEVER
    refusal_reason: Personal = ""

    signatory: Signatory = one("signatory_id")
    operators: list[TaskOperator] = many("task_id")
    fixed_seals: list[TaskSeal] = many("task_id")
    uses: list[SealUse] = many("task_id")


@record(
    Unique("C-02", ("task_id", "person_id"), says="a task names each operator once"),
    Fixed("C-02", "person_id", says="another operator takes a new row"),
    RelatedTo("Person", "person_id"),
    home="task_id",
)
class TaskOperator:
    """A person named to carry out a task. Where any is named, only they may."""

    id: str
    task_id: Annotated[str, Ref("SigningTask")]
    person_id: Annotated[str, Ref("Person")]

    task: SigningTask = one("task_id")
    person: Person = one("person_id")


@record(
    Unique("C-05", ("task_id", "seal_id"), says="a task fixes each seal once"),
    Fixed("C-05", "seal_id", says="another seal takes a new row"),
    home="task_id",
)
class TaskSeal:
    """A seal fixed for a task when it was made. Where any is fixed, only these may be used."""

    id: str
    task_id: Annotated[str, Ref("SigningTask")]
    seal_id: Annotated[str, Ref("Seal")]

    task: SigningTask = one("task_id")


@record(
    Fixed(
        "C-07",
        "reviewer_id",
        "decided_at",
        "bound_digest",
        once=is_decided,
        says="who decided a review, when and on which documents, is history",
    ),
    Life({"PENDING": ("PASSED", "REJECTED", "SIGN_REJECTED")}, invariant="C-07"),
    OwnedByActs(),
    home="signatory_id",
    permanent=True,
)
class InternalReview:
    """A party's own review of a contract before it signs. `bound_digest` is that of the documents that were reviewed
    (`whole_digest`): a review of other ones says nothing.
    """

    id: str
    signatory_id: Annotated[str, Ref("Signatory")]
    state: ReviewState = ReviewState.PENDING
    reviewer_id: Annotated[str | None, Ref("Person")] = None
    decided_at: Instant = NEVER
    bound_digest: str = ""

    signatory: Signatory = one("signatory_id")


@record(
    Valid("U-05", "currency", currency_problem, says="a currency is its code of three letters"),
    Check(
        "U-14",
        "kind <> 'DOUBLE_AGENCY' OR person_id IS NOT NULL",
        says="a consent to double agency names the person who acts for both sides",
    ),
    Check(
        "A-05",
        "amount_max >= 0 AND (amount_max = 0) = (currency = '')",
        says="an amount limit needs its currency, and a currency its amount limit",
    ),
    Fixed(
        "U-14",
        "kind",
        "given_by_id",
        "person_id",
        "given_at",
        "bound_digest",
        "amount_max",
        "currency",
        "valid_to",
        says="what was consented to, by whom and when, is history",
    ),
    SetOnce("U-14", "withdrawn_at", says="a consent that was withdrawn stays withdrawn"),
    OwnedByActs(),
    home="signatory_id",
    permanent=True,
)
class PartyConsent:
    """What a party consented to: that this person also acts for another party, or that the contract ends.

    It is for these documents (`bound_digest`, as `whole_digest` gives it), up to this amount (in minor units of
    `currency`; 0 covers no contract about money), and until `valid_to`.
    """

    id: str
    signatory_id: Annotated[str, Ref("Signatory")]
    kind: ConsentKind
    given_by_id: Annotated[str, Ref("Person")]
    person_id: Annotated[str | None, Ref("Person")] = None
    given_at: Instant = NEVER
    bound_digest: str = ""
    amount_max: int = 0
    currency: Annotated[str, Normalised(normalise_currency)] = ""
    valid_to: Instant = NEVER
    withdrawn_at: Instant = NEVER

    signatory: Signatory = one("signatory_id")


@record(
    Unique(
        "I15",
        ("task_id", "seal_id", "digest"),
        where="state <> 'NOT_SEALED'",
        says="a seal is used once for a task and a document",
    ),
    Check(
        "I16",
        "state = 'SEALED' OR (audience <> '' AND operation_id <> '')",
        says="a use that is reserved says by which operation, and who is to seal",
    ),
    Check("I16", "sealing_at = 0 OR used_at <= sealing_at", says="a seal is put after its use was reserved"),
    Check("I16", "closed_at = 0 OR state <> 'RESERVED'", says="what is reserved is not closed yet"),
    Check("I16", "impressions >= 1", says="impressions are counted from 1"),
    ActsFor("task_id/signatory_id/enterprise_id", "task_id/signatory_id/contract_id/initiator_id"),
    Fixed(
        "I16",
        "seal_id",
        "person_id",
        "digest",
        "used_at",
        "grant_id",
        "holder_id",
        "act",
        "operation_id",
        "audience",
        "documents_digest",
        "certificate_id",
        "verification_id",
        "open_grant_id",
        "cross_grant_id",
        "delegation_id",
        "signed_for_id",
        "position",
        "impressions",
        says="a use of a seal is history",
    ),
    OwnedByActs(),
    SetOnce("I16", "sealing_at", "closed_at", says="when a seal was put, and when that was known, is history"),
    # What nobody reported in time may turn out to be sealed, and never to be not.
    Life({"RESERVED": ("NOT_SEALED", "UNKNOWN"), "UNKNOWN": ("SEALED",)}, invariant="I16"),
    home="task_id",
    permanent=True,
)
class SealUse:
    """One use of a seal for a signing task: by whom, under which grant, for which holder if not for the owner.

    It is RESERVED from the act that counts it until the sealing engine (`audience`) reports what became of it; SEALED
    where a platform writes down what it sealed itself. `sealing_at` is when the engine was let put the seal,
    `closed_at` when the use left RESERVED. One act (`operation_id`) makes one use for each document and counts once:
    `grant_id`, `open_grant_id`, `cross_grant_id` and the counted requests say on what. `documents_digest` is of all
    documents then (`whole_digest`), `verification_id` the check that was used up, `signed_for_id` the person whose
    authority a delegate used.
    """

    id: str
    task_id: Annotated[str, Ref("SigningTask")]
    seal_id: Annotated[str, Ref("Seal")]
    person_id: Annotated[str, Ref("Person")]
    digest: str
    used_at: Instant
    grant_id: Annotated[str | None, Ref("SealGrant")] = None
    holder_id: Annotated[str | None, Ref("Enterprise")] = None
    state: SealUseState = SealUseState.SEALED
    act: SealUseAct = SealUseAct.USE
    operation_id: str = ""
    audience: str = ""
    documents_digest: str = ""
    certificate_id: Annotated[str | None, Ref("Certificate")] = None
    verification_id: Annotated[str | None, Ref("IdentityVerification")] = None
    open_grant_id: Annotated[str | None, Ref("OpenGrant")] = None
    cross_grant_id: Annotated[str | None, Ref("CrossEnterpriseGrant")] = None
    delegation_id: Annotated[str | None, Ref("Delegation")] = None
    signed_for_id: Annotated[str | None, Ref("Person")] = None
    position: str = ""
    impressions: int = 1
    sealing_at: Instant = NEVER
    closed_at: Instant = NEVER

    task: SigningTask = one("task_id")
    counted_requests: list[CountedRequest] = many("use_id")


@record(
    Unique("I10", ("use_id", "request_id"), says="a use takes one use of a request"),
    Fixed("I10", "request_id", says="on what a use was counted is history"),
    OwnedByActs(),
    home="use_id",
    permanent=True,
)
class CountedRequest:
    """A request of which one use was taken for a use of a seal: the applicant's, or one that the owner's rules want."""

    id: str
    use_id: Annotated[str, Ref("SealUse")]
    request_id: Annotated[str, Ref("SealUseRequest")]

    use: SealUse = one("use_id")
