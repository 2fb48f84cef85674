"""Who signs a contract, as which party, with which seals, and what each side reviews and consents to."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from sealauthz.model.normal_forms import currency_problem, normalise_currency
from sealauthz.model.records.contracts import Contract, ContractMatter
from sealauthz.model.records.identity import Person
from sealauthz.model.verdicts import is_decided
from sealauthz.runtime.instants import NEVER
from sealauthz.schema.record import Instant, Normalised, Personal, Ref, many, one, record
from sealauthz.schema.rules import (
    ActsFor,
    Check,
    Fixed,
    Life,
    OwnedByActs,
    RelatedTo,
    RootOwned,
    SetOnce,
    Unique,
    Valid,
)

if TYPE_CHECKING:
    from sealauthz.model.records.seal_uses import SealUse


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


@record(
    # What a party says and does is that party's; for a person, the enterprise's that sent the contract. So is all that
    # is under it. The sender says who the parties are.
    ActsFor("enterprise_id", "contract_id/initiator_id"),
    RootOwned("contract_id", "kind", "person_id", "enterprise_id", "guarantor_for_id"),
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
    Check(
        "A-12",
        "refused_by_id IS NULL OR (state = 'REJECTED' AND refused_at > 0)",
        says="a task that somebody refused is rejected, and says when",
    ),
    SetOnce("I16", "signed_by_id", "signed_for_id", "signed_at", says="who signed, for whom and when, is history"),
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
    # The sender says what is to be done, and in which order.
    RootOwned("signatory_id", "action", "position"),
    # The platform makes tasks and says whose turn it is; that somebody did one, or refused it, is an act.
    OwnedByActs("signed_by_id", "signed_for_id", "signed_at", "refused_by_id", "refused_at", "refusal_reason"),
    home="signatory_id",
    permanent=True,
)
class SigningTask:
    """One act that a signatory owes. `position` orders the tasks of a contract; equal positions run side by side.

    `signed_at` is when `signed_by_id` did it, and `signed_for_id` the member for whom a delegate sealed (the principal
    of the delegation). `refused_by_id` refused it, and `refusal_reason` is what they said.
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
    signed_at: Instant = NEVER

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
