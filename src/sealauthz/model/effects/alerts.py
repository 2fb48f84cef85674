"""Alerts: what those who watch must see, put down with its cause, until one of them acknowledges it.

Whether there is one is a rule of the policies: an obligation of the act that it is about, or, where no act is the
cause, of the act `alert` that the service performs itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from sealauthz.model.effects.told import holder_of_use, persons, watched, watchers
from sealauthz.model.records.monitoring import Alert, AlertState
from sealauthz.schema import Act, Delete, Duty, Event, Instant, MetBy, Outcome, Put, RecordChange
from sealauthz.schema.action import Snapshot
from sealauthz.schema.effect import Value

KEPT_FOR = 30 * 24 * 3_600_000_000
"""How long an alert that was acknowledged is kept, and an attempt, in microseconds; what happened stays in history."""

ALERTS = {
    "ALERT_UNRETURNED_SEAL": "A physical seal that was carried out did not come back in its time.",
    "ALERT_UNCLOSED_RECEIPT": "Nobody reported what became of a receipt for the use of a seal.",
    "ALERT_DENIED_ATTEMPTS": "A person was denied several attempts on a seal.",
    "ALERT_BLOCKED_SEAL": "Somebody tried to use a seal that is frozen or lost.",
    "ALERT_RETRIEVAL_CASE": "Somebody applied to retrieve the enterprise.",
}
"""The alerts of what is no use of a seal, each with what it tells: the obligation and the event have the same code."""


def acknowledge(act: Act) -> Outcome:
    """Say that an alert was seen."""
    seen = {"state": AlertState.ACKNOWLEDGED, "acknowledged_by_id": act.subject.id, "acknowledged_at": act.now}
    return Outcome((act.set(act.resource, **seen),))


def raised(act: Act) -> Outcome:
    """The act of the service itself: all that it does is what its obligations say."""
    return Outcome(values={"about_id": act.resource.id})


def forgotten(_snapshot: Snapshot, record: Any, _now: Instant) -> Outcome:
    """What the sweep writes of what was seen long ago."""
    return Outcome((Delete(type(record).__name__, record.id),))


def record_of(code: str) -> Callable[[Act, Mapping[str, Value]], Iterable[RecordChange]]:
    """Return what puts an alert down: one for each enterprise whose watchers it is for."""

    def meet(act: Act, _named: Mapping[str, Value]) -> Iterable[RecordChange]:
        seal, kind = _seal_of(act), type(act.resource).__name__
        cause = f"Operation:{act.operation_id}" if kind == "Seal" else f"{kind}:{act.resource.id}"
        seal_id = None if seal is None else seal.id
        for enterprise_id in _enterprises(act, seal):
            alert_id = act.new_id(f"{code} {enterprise_id}")
            yield Put(Alert(alert_id, enterprise_id, code, cause, act.now, seal_id, act.subject.id))

    return meet


def _seal_of(act: Act) -> Any:
    """The seal that an alert is about; None where it is about the enterprise."""
    kind = type(act.resource).__name__
    if kind == "Seal":
        return act.resource
    if kind in ("Enterprise", "RetrievalCase", "SigningTask"):
        return None
    return act.snapshot.find("Seal", act.resource.seal_id)


def _holder(act: Act) -> Any:
    """The enterprise that holds the seal, where the use was its own."""
    if type(act.resource).__name__ == "SealUse":
        holder_id = act.resource.holder_id
        return None if holder_id is None else act.snapshot.find("Enterprise", holder_id)
    return holder_of_use(act)


def _enterprises(act: Act, seal: Any) -> Iterator[str]:
    if seal is None:
        by_hand = type(act.resource).__name__ == "SigningTask"
        yield act.context.enterprise.id if by_hand else _enterprise(act.resource).id
        return
    yield seal.enterprise_id
    holder = _holder(act)
    if holder is not None and holder.id != seal.enterprise_id:
        yield holder.id


def _enterprise(resource: Any) -> Any:
    """The enterprise that a case is of, or that is claimed to be without an administrator."""
    return resource if type(resource).__name__ == "Enterprise" else resource.enterprise


def _tell(code: str) -> Callable[[Act, Mapping[str, Value]], Iterable[Event]]:
    def tell(act: Act, _named: Mapping[str, Value]) -> Iterable[Event]:
        """Alert those who watch."""
        seal, values = _seal_of(act), {"actor_id": act.subject.id}
        if seal is not None:
            use_id = act.resource.id if type(act.resource).__name__ == "SealUse" else ""
            yield from watched(code, seal, _holder(act), act.now, values, use_id=use_id)
            return
        enterprise = _enterprise(act.resource)
        told = persons(watchers(enterprise, act.now))
        yield Event(code, enterprise.id, (type(act.resource).__name__, act.resource.id), told, values)

    return tell


DUTIES = tuple(Duty(code, MetBy.ALERT, record_of(code), _tell(code)) for code in ALERTS)

EVENTS = ALERTS
"""The codes of these events, each with what it tells."""
