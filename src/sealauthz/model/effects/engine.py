"""What the sealing engine reports of a use that was reserved for it, and what becomes of a use that nobody reports.

A count comes back in one way: the engine says that nothing was sealed, before it said that something was. What nobody
reports in time is UNKNOWN and counts: there may be an impression somewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sealauthz.model.effects.told import watched
from sealauthz.model.effects.turns import signed
from sealauthz.model.records.requests import UseRequestState
from sealauthz.model.records.seal_uses import SealUseState
from sealauthz.model.records.signing import TaskState
from sealauthz.schema import Act, Event, Instant, Outcome, RecordChange, Update
from sealauthz.schema.action import Snapshot
from sealauthz.schema.effect import Value

REPORTED_WITHIN = 3_600_000_000
"""How long a use stays RESERVED, in microseconds: far longer than its receipt lasts, so that an engine that was away
for a while still reports.
"""

_COUNTED_ON = {"grant_id": "SealGrant", "open_grant_id": "OpenGrant", "cross_grant_id": "CrossEnterpriseGrant"}


def seal(act: Act) -> Outcome:
    """Put the seal of a reserved use, now and once. The engine reports what became of it."""
    made = act.resource
    values = {"use_id": made.id, "digest": made.digest, "position": made.position, "impressions": made.impressions}
    return Outcome((act.set(made, sealing_at=act.now),), values=values)


def confirm_sealed(act: Act) -> Outcome:
    """Report that the seal was put. The task is SIGNED with the last of its documents, which keep the state they have:
    only complete ones are sealed.
    """
    made = act.resource
    task = made.task
    changes: list[RecordChange] = [act.set(made, state=SealUseState.SEALED, closed_at=act.now)]
    events: list[Event] = []
    sealed = {other.digest for other in task.uses if other.state == "SEALED"} | {made.digest}
    # A task that ended in the meantime stays as it is, and what was sealed in it is on record all the same.
    is_open = task.state in ("PENDING", "IN_PROGRESS")
    if is_open and all(document.digest in sealed for document in task.signatory.contract.documents):
        followed, events = signed(act, task, made.person_id, made.signed_for_id)
        changes += followed
    changes += _completed_requests(act, made)
    return Outcome(tuple(changes), tuple(events))


def report_not_sealed(act: Act) -> Outcome:
    """Report that no seal was put. With the last use of an act its counts come back; the check that it rested on stays
    used up, and so does a task of a list. A task that nobody else seals waits again.
    """
    made = act.resource
    task = made.task
    others = [other for other in task.uses if other.id != made.id]
    changes: list[RecordChange] = [act.set(made, state=SealUseState.NOT_SEALED, closed_at=act.now)]
    if task.state == "IN_PROGRESS" and all(other.state == "NOT_SEALED" for other in others):
        changes.append(act.set(task, state=TaskState.PENDING))
    beside = [other for other in others if other.operation_id == made.operation_id]
    if all(other.state == "NOT_SEALED" for other in beside):
        changes += _given_back(act.snapshot, made)
    values = {"actor_id": act.subject.id, "use_id": made.id, "task_id": task.id}
    told = _told("SEAL_USE_NOT_SEALED", act.snapshot, act.now, made, values, made.person_id)
    return Outcome(tuple(changes), tuple(told))


def _told(
    code: str, snapshot: Snapshot, now: Instant, made: Any, values: Mapping[str, Value], *others: str
) -> Iterable[Event]:
    """Tell those who watch the seal of a use, and those who watch at the enterprise that holds the seal."""
    holder = None if made.holder_id is None else snapshot.find("Enterprise", made.holder_id)
    return watched(code, snapshot.find("Seal", made.seal_id), holder, now, values, *others, use_id=made.id)


def _given_back(snapshot: Snapshot, made: Any) -> Iterable[RecordChange]:
    """One use less of each record that the act was counted on."""
    for column, record_type in _COUNTED_ON.items():
        record_id = getattr(made, column)
        if record_id is None:
            continue
        record = snapshot.find(record_type, record_id)
        yield Update(record_type, record_id, {"used": record.used - 1})
        if record_type == "SealGrant" and record.parent_id is not None:
            yield Update(record_type, record.parent_id, {"used": record.parent.used - 1})
    for counted in made.counted_requests:
        request = snapshot.find("SealUseRequest", counted.request_id)
        yield Update("SealUseRequest", request.id, {"used": request.used - 1})


def _completed_requests(act: Act, made: Any) -> Iterable[RecordChange]:
    """The requests that this was the last use of: used up, and with no other use that may still come back."""
    for counted in made.counted_requests:
        request = act.snapshot.find("SealUseRequest", counted.request_id)
        if request.state != "IN_USE" or request.used < request.uses:
            continue
        others = act.snapshot.matching("CountedRequest", request_id=request.id)
        uses = [act.snapshot.find("CountedRequest", each).use for each in others if each != counted.id]
        if all(other.state != "RESERVED" for other in uses if other.id != made.id):
            yield Update("SealUseRequest", request.id, {"state": UseRequestState.COMPLETED})


def unreported(snapshot: Snapshot, made: Any, now: Instant) -> Outcome:
    """What the sweep writes of a use that nobody reported in time: it is UNKNOWN, and those who watch are alerted.

    Nothing depends on it: a receipt has ended long before, and the counts stay.
    """
    values = {"use_id": made.id, "task_id": made.task_id, "person_id": made.person_id}
    unknown = Update("SealUse", made.id, {"state": SealUseState.UNKNOWN, "closed_at": now})
    return Outcome((unknown,), tuple(_told("SEAL_USE_UNKNOWN", snapshot, now, made, values)))


EVENTS = {
    "SEAL_USE_NOT_SEALED": "A sealing engine reported that a reserved use was not sealed, and its count came back.",
    "SEAL_USE_UNKNOWN": "No sealing engine reported what became of a reserved use; it counts.",
}
"""The codes of these events, each with what it tells."""
