"""Contracts, their documents and parties, and the signing tasks that persons carry out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from sealauthz.model.normal_forms import currency_problem, normalise_currency
from sealauthz.runtime.instants import FOREVER
from sealauthz.schema.record import Instant, Normalised, Ref, many, one, record
from sealauthz.schema.rules import Check, Fixed, Life, RelatedTo, SetOnce, Shared, Unique, Valid

if TYPE_CHECKING:
    from sealauthz.model.records.signing import Signatory


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
    root=Shared(("initiator_id", "~Signatory.contract_id/enterprise_id"), owner="initiator_id"),
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
