"""Contracts, their documents and parties, and the signing tasks that persons carry out."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from sealauthz.domain.identity import Person
from sealauthz.domain.record import FOREVER, Check, Instant, Ref, Unique, many, one, record


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


@record(permanent=True)
class Contract:
    """A contract that its initiator sends round for signing."""

    id: str
    initiator_id: Annotated[str, Ref("Enterprise")]
    contract_type: str
    state: ContractState = ContractState.DRAFT
    deadline: Instant = FOREVER

    documents: list[ContractDocument] = many("contract_id")
    signatories: list[Signatory] = many("contract_id")


@record(Unique("U-03", ("contract_id", "digest")))
class ContractDocument:
    """One document of a contract, by the digest of its content."""

    id: str
    contract_id: Annotated[str, Ref("Contract")]
    digest: str

    contract: Contract = one("contract_id")


@record(
    Check(
        "C-02",
        "(kind = 'PERSON' AND person_id IS NOT NULL AND enterprise_id IS NULL)"
        " OR (kind = 'ENTERPRISE' AND enterprise_id IS NOT NULL AND person_id IS NULL)",
    ),
    permanent=True,
)
class Signatory:
    """A party of a contract: one person or one enterprise."""

    id: str
    contract_id: Annotated[str, Ref("Contract")]
    kind: PartyKind
    person_id: Annotated[str | None, Ref("Person")] = None
    enterprise_id: Annotated[str | None, Ref("Enterprise")] = None

    contract: Contract = one("contract_id")
    tasks: list[SigningTask] = many("signatory_id")


@record(Check("C-01", "position >= 1"), permanent=True)
class SigningTask:
    """One act that a signatory owes. `position` orders the tasks of a contract; equal positions run side by side."""

    id: str
    signatory_id: Annotated[str, Ref("Signatory")]
    action: TaskAction
    position: int = 1
    state: TaskState = TaskState.WAITING
    handler_id: Annotated[str | None, Ref("Person")] = None

    signatory: Signatory = one("signatory_id")
    operators: list[TaskOperator] = many("task_id")
    fixed_seals: list[TaskSeal] = many("task_id")


@record(Unique("C-02", ("task_id", "person_id")))
class TaskOperator:
    """A person named to carry out a task. Where any is named, only they may."""

    id: str
    task_id: Annotated[str, Ref("SigningTask")]
    person_id: Annotated[str, Ref("Person")]

    task: SigningTask = one("task_id")
    person: Person = one("person_id")


@record(Unique("C-05", ("task_id", "seal_id")))
class TaskSeal:
    """A seal fixed for a task when it was made. Where any is fixed, only these may be used."""

    id: str
    task_id: Annotated[str, Ref("SigningTask")]
    seal_id: Annotated[str, Ref("Seal")]

    task: SigningTask = one("task_id")
