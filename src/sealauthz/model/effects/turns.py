"""Whose turn it is in a contract: what follows when a task of it is done, and what when it ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sealauthz.model.records.contracts import ContractState
from sealauthz.model.records.signing import TaskState
from sealauthz.schema import Act, Event, RecordChange

OPEN = frozenset({"WAITING", "PENDING", "IN_PROGRESS"})
_FAILED = frozenset({"REJECTED", "EXPIRED"})


def tasks_of(contract: Any) -> Iterator[Any]:
    """The tasks of all parties of a contract."""
    for party in contract.signatories:
        yield from party.tasks


def named_persons(task: Any) -> list[str]:
    """The ids of the persons who are named for a task."""
    named = [operator.person_id for operator in task.operators]
    named += [person_id for person_id in (task.handler_id, task.signatory.person_id) if person_id]
    return list(dict.fromkeys(named))


def tenant_of(task: Any) -> str:
    """Whose act a task is: its party's, or the sender's where the party is a person."""
    return str(task.signatory.enterprise_id or task.signatory.contract.initiator_id)


def task_event(code: str, task: Any, recipients: Iterable[str], **values: str | int) -> Event:
    """Return an event about a task."""
    contract = task.signatory.contract
    told = {
        "task_id": task.id,
        "contract_id": contract.id,
        "sender_id": contract.initiator_id,
        "sign_until": contract.deadline,
        **values,
    }
    return Event(code, tenant_of(task), ("SigningTask", task.id), tuple(dict.fromkeys(recipients)), told)


def sender_event(code: str, contract: Any, about: Any = None, **values: str | int) -> Event:
    """Return an event for who sent a contract, and where nobody is on record, for those who look after it there."""
    sender = (contract.initiated_by_id,) if contract.initiated_by_id else ()
    resource = contract if about is None else about
    told = {"contract_id": contract.id, **values}
    return Event(code, contract.initiator_id, (type(resource).__name__, resource.id), sender, told)


def signed(act: Act, task: Any, signed_by: str, signed_for: str | None) -> tuple[list[RecordChange], list[Event]]:
    """Return what follows when a task is done: it is SIGNED, whose turn comes next is PENDING, and a contract of which
    everything is done is COMPLETE.
    """
    contract = task.signatory.contract
    values: dict[str, Any] = {"state": TaskState.SIGNED, "signed_by_id": signed_by, "signed_at": act.now}
    if signed_for is not None:
        values["signed_for_id"] = signed_for
    changes: list[RecordChange] = [act.set(task, **values)]
    events: list[Event] = []
    others = [other for other in tasks_of(contract) if other.id != task.id]
    if any(other.state in _FAILED for other in others):
        return changes, events
    waiting = [other for other in others if other.state in OPEN]
    if not waiting and contract.state == "SIGNING":
        changes.append(act.set(contract, state=ContractState.COMPLETE))
        events.append(sender_event("CONTRACT_COMPLETE", contract))
    turn = min((other.position for other in waiting), default=0)
    for other in waiting:
        if other.state == "WAITING" and other.position == turn:
            changes.append(act.set(other, state=TaskState.PENDING))
            events.append(task_event("TASK_DUE", other, named_persons(other)))
    return changes, events


def ended(act: Act, contract: Any, state: ContractState, code: str) -> tuple[list[RecordChange], list[Event]]:
    """Return what follows when a contract ends before it is complete: its open tasks are VOIDED, and those who were
    named for one are told. What was signed stays. A receipt for a use in it is void, because sealing is decided again.
    """
    voided = [task for task in tasks_of(contract) if task.state in OPEN]
    changes: list[RecordChange] = [act.set(contract, state=state)]
    changes += [act.set(task, state=TaskState.VOIDED) for task in voided]
    return changes, [task_event(code, task, named_persons(task)) for task in voided]


EVENTS = {
    "TASK_DUE": "It is the recipient's turn in a contract.",
    "CONTRACT_COMPLETE": "Everybody has signed; for who sent the contract.",
}
"""The codes of these events, each with what it tells."""
