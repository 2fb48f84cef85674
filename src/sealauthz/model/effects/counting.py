"""Counting what an act uses up: grants, requests, codes and the items of a list; and the alerts of a use.

A count is one higher than what the decision read. The store refuses the write where it is not that any more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sealauthz.model.effects.alerts import record_of
from sealauthz.model.effects.told import by_hand, holder_of_use, watched
from sealauthz.model.records.requests import UseRequestState
from sealauthz.runtime.errors import EvaluationFailed
from sealauthz.schema import Act, Duty, Event, MetBy, RecordChange, Update
from sealauthz.schema.effect import Value
from sealauthz.schema.record import UNLIMITED

COUNTED_ON = {
    "grant_id": "SealGrant",
    "parent_grant_id": "SealGrant",
    "open_grant_id": "OpenGrant",
    "cross_grant_id": "CrossEnterpriseGrant",
    "request_id": "SealUseRequest",
    "process_request_ids": "SealUseRequest",
}
"""What the count of a use may be taken from: the record type, by the name under which an obligation names it."""

NOT_COUNTED = frozenset({"approval_ids", "delegation_id"})
"""What else it names: on what the request or the right rests, which has no count of its own."""

_RESERVING = frozenset({"use", "auto_use", "emergency_use"})


def named_ids(value: Value | None) -> list[str]:
    """Return the ids that an obligation names: one as it is, several as an array of JSON; none for None."""
    if value is None:
        return []
    text = str(value)
    return json.loads(text) if text.startswith("[") else [text]


def counted(named: Mapping[str, Value]) -> list[tuple[str, str]]:
    """Return the records that an obligation takes a use from, each once. Raises EvaluationFailed for other names."""
    found: dict[tuple[str, str], None] = {}
    for name, value in named.items():
        if name in NOT_COUNTED:
            continue
        if name not in COUNTED_ON:
            raise EvaluationFailed(f"nobody says how `{name}` is counted")
        for record_id in named_ids(value):
            found[COUNTED_ON[name], record_id] = None
    return list(found)


def _decrement(act: Act, named: Mapping[str, Value]) -> Iterable[RecordChange]:
    """Count one use of each record that is named."""
    for record_type, record_id in counted(named):
        record = act.snapshot.find(record_type, record_id)
        if record is None:
            raise EvaluationFailed(f"`{record_type}:{record_id}` is to be counted and is not there")
        values: dict[str, Any] = {"used": record.used + 1}
        if record_type == "SealUseRequest":
            values["state"] = UseRequestState.IN_USE
            # What is only reserved may come back: the engine's report completes the request.
            if act.action not in _RESERVING and values["used"] >= record.uses:
                values["state"] = UseRequestState.COMPLETED
        yield Update(record_type, record_id, values)


def _left_after(act: Act) -> int | None:
    """How often what this use is counted on can be used after it; None where nothing limits that."""
    left = []
    for record_type, record_id in counted(act.obligations.get("DECREMENT_USE", {})):
        record = act.snapshot.find(record_type, record_id)
        limit = None if record is None else getattr(record, "use_limit", UNLIMITED)
        if limit != UNLIMITED and limit is not None:
            left.append(max(limit - record.used - 1, 0))
    return min(left, default=None)


def _use_code(_act: Act, named: Mapping[str, Value]) -> Iterable[RecordChange]:
    """Forget the code that opened the controller: it opens it once, and the next one is another."""
    yield Update("SealUseRequest", str(named["request_id"]), {"code_digest": ""})


def _use_item(act: Act, named: Mapping[str, Value]) -> Iterable[RecordChange]:
    """Use up one task of the list that a check is for."""
    yield Update("IntentBatchItem", str(named["item_id"]), {"used_at": act.now})


def _owe_photo(act: Act, _named: Mapping[str, Value]) -> Iterable[RecordChange]:
    """Owe a photo of what was just done. Who owes one asks for no other use."""
    request = act.context.request
    yield act.set(request, photos_owed=request.photos_owed + 1)


def _alert(code: str) -> Callable[[Act, Mapping[str, Value]], Iterable[Event]]:
    def tell(act: Act, _named: Mapping[str, Value]) -> Iterable[Event]:
        """Alert those who watch the seal."""
        values: dict[str, Value] = {"actor_id": act.subject.id, "action": act.action}
        left = _left_after(act)
        if left is not None:
            values["left"] = left
        if type(act.resource).__name__ == "SigningTask":  # by hand, and no seal
            yield by_hand(code, act, values)
            return
        yield from watched(code, act.resource, holder_of_use(act), act.now, values)

    return tell


ALERTS = {
    "ALERT_NEAR_LIMIT": "More than four fifths of the uses of a right are used.",
    "ALERT_FIRST_USE": "A right to use a seal was used for the first time.",
    "ALERT_AFTER_ADMIN_CHANGE": "A seal was used shortly after the administrators changed.",
    "ALERT_OUT_OF_HOURS": "A seal was used out of working hours.",
    "ALERT_EMERGENCY_USE": "A seal was used in an emergency.",
    "ALERT_ABNORMAL_LICENCE": "A seal of an enterprise was used that the registry lists as abnormal.",
}
"""The alerts of a use, each with what it tells: the obligation and the event have the same code."""

DUTIES = (
    Duty("DECREMENT_USE", MetBy.TRANSACTION, meet=_decrement),
    Duty("CONSUME_USE_CODE", MetBy.TRANSACTION, meet=_use_code),
    Duty("CONSUME_BATCH_ITEM", MetBy.TRANSACTION, meet=_use_item),
    Duty("CAPTURE_PHOTO", MetBy.TRANSACTION, meet=_owe_photo),
    *(Duty(code, MetBy.ALERT, record_of(code), _alert(code)) for code in ALERTS),
)

EVENTS = ALERTS
"""The codes of these events, each with what it tells."""
