"""What the services may do that carry contracts, messages and seals: documents that change, tasks that become due,
notices that arrive, controllers that report.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from sealauthz.model.outside.changes import Happening, becomes, fresh
from sealauthz.model.records.contracts import ContractMatter, ContractState, DocumentState
from sealauthz.model.records.requests import StampReport, UseRequestState
from sealauthz.model.records.retrieval import DeliveryState, NoticeChannel, NoticeDelivery
from sealauthz.model.records.seals import DeviceState
from sealauthz.model.records.signing import TaskOperator, TaskSeal, TaskState
from sealauthz.schema import Instant, OutsideMove, Put, Update
from sealauthz.schema.outside import Found

_CAN_BE_USED = (UseRequestState.APPROVED, UseRequestState.IN_USE)
_OPEN = (TaskState.WAITING, TaskState.PENDING, TaskState.IN_PROGRESS)


def _other_documents(found: Found, _now: Instant) -> Iterator[Happening]:
    for document in found.get("ContractDocument", {}).values():
        yield (
            f"{document.id} is changed",
            (Update("ContractDocument", document.id, {"digest": f"changed-{document.digest}"}),),
        )


def _other_terms(found: Found, _now: Instant) -> Iterator[Happening]:
    for name in ("Contract", "Signatory"):
        for record in found.get(name, {}).values():
            for matter in ContractMatter:
                if matter != record.matter:
                    yield f"{name}:{record.id} is a matter of {matter}", (Update(name, record.id, {"matter": matter}),)
            if record.amount:
                yield f"{name}:{record.id} is about less", (Update(name, record.id, {"amount": 0}),)


def _operators(found: Found, _now: Instant) -> Iterator[Happening]:
    for task in found.get("SigningTask", {}).values():
        known = {each.person_id for each in found.get("TaskOperator", {}).values() if each.task_id == task.id}
        for person_id in sorted(found.get("Person", {}).keys() - known) if task.state in _OPEN else ():
            new_id = fresh(found, "TaskOperator", f"{task.id}-{person_id}")
            yield f"{person_id} is named for {task.id}", (Put(TaskOperator(new_id, task.id, person_id)),)


def _fixed_seals(found: Found, _now: Instant) -> Iterator[Happening]:
    for task in found.get("SigningTask", {}).values():
        known = {each.seal_id for each in found.get("TaskSeal", {}).values() if each.task_id == task.id}
        for seal_id in sorted(found.get("Seal", {}).keys() - known) if task.state in _OPEN else ():
            new_id = fresh(found, "TaskSeal", f"{task.id}-{seal_id}")
            yield f"{seal_id} is fixed for {task.id}", (Put(TaskSeal(new_id, task.id, seal_id)),)


def _notices(found: Found, now: Instant) -> Iterator[Happening]:
    for case in found.get("RetrievalCase", {}).values():
        for person_id in found.get("Person", {}):
            new_id = fresh(found, "NoticeDelivery", f"{case.id}-{person_id}")
            yield (
                f"{person_id} is written to about {case.id}",
                (Put(NoticeDelivery(new_id, case.id, person_id, NoticeChannel.SMS, now)),),
            )


def _reports(found: Found, now: Instant) -> Iterator[Happening]:
    for request in found.get("SealUseRequest", {}).values():
        if request.device_id is None:
            continue
        for impressions in (request.used, request.used + 1):
            new_id = fresh(found, "StampReport", f"{request.id}-{impressions}")
            yield (
                f"{request.device_id} counted {impressions} for {request.id}",
                (Put(StampReport(new_id, request.id, request.device_id, impressions, now)),),
            )


def _codes(found: Found, _now: Instant) -> Iterator[Happening]:
    for request in found.get("SealUseRequest", {}).values():
        if request.device_id is not None and request.state in _CAN_BE_USED:
            changed = Update("SealUseRequest", request.id, {"code_digest": f"code-{request.id}"})
            yield f"a code is made for {request.id}", (changed,)


MOVES = (
    OutsideMove(
        "a document of a contract is changed", "the service of contracts", "writes another digest", _other_documents
    ),
    OutsideMove(
        "the blanks of a document are opened, or filled in",
        "the service of contracts",
        "writes whether a document has blanks",
        partial(
            becomes,
            "ContractDocument",
            "state",
            {DocumentState.COMPLETE: (DocumentState.INCOMPLETE,), DocumentState.INCOMPLETE: (DocumentState.COMPLETE,)},
        ),
    ),
    OutsideMove("a contract is about something else", "the service of contracts", "writes other terms", _other_terms),
    OutsideMove(
        "a contract goes on, or ends",
        "the service of contracts",
        "writes the state of a contract",
        partial(
            becomes,
            "Contract",
            "state",
            {
                ContractState.DRAFT: (ContractState.FILLING, ContractState.DELETED),
                ContractState.FILLING: (ContractState.SIGNING,),
                ContractState.SIGNING: (ContractState.EXPIRED, ContractState.FORCE_FINISHED),
                ContractState.COMPLETE: (ContractState.TERMINATING, ContractState.DELETED),
                ContractState.TERMINATING: (ContractState.COMPLETE,),
            },
        ),
    ),
    OutsideMove(
        "a task becomes due, or runs out",
        "the service of contracts",
        "writes the state of a task",
        partial(
            becomes,
            "SigningTask",
            "state",
            {
                TaskState.WAITING: (TaskState.PENDING,),
                TaskState.PENDING: (TaskState.EXPIRED,),
                TaskState.IN_PROGRESS: (TaskState.PENDING, TaskState.EXPIRED),
            },
        ),
    ),
    OutsideMove("a person is named for a task", "the service of contracts", "writes who may do a task", _operators),
    OutsideMove(
        "a seal is fixed for a task", "the service of contracts", "writes which seal a task takes", _fixed_seals
    ),
    OutsideMove("a notice is sent", "the service of messages", "writes that a message was sent", _notices),
    OutsideMove(
        "a notice arrives, or does not",
        "the service of messages",
        "writes what became of a message",
        partial(
            becomes,
            "NoticeDelivery",
            "state",
            {DeliveryState.SENT: (DeliveryState.ACCEPTED, DeliveryState.FAILED)},
        ),
    ),
    OutsideMove("a code is made for a controller", "the service of devices", "writes what opens it once", _codes),
    OutsideMove("a controller reports what it counted", "the service of devices", "writes a report", _reports),
    OutsideMove(
        "a controller is taken out of service",
        "the service of devices",
        "writes what a device is",
        partial(becomes, "Device", "state", {DeviceState.ACTIVE: (DeviceState.RETIRED,)}),
    ),
)
