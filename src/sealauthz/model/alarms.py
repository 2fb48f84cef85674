"""What the service itself alerts of: a seal that is out, a receipt that nobody closed, attempts that were denied."""

from __future__ import annotations

from sealauthz.model.effects.told import is_of_authority
from sealauthz.model.records.monitoring import DeniedAttempt
from sealauthz.schema.action import Snapshot
from sealauthz.schema.alarms import Alarm, Attempt, Attempts

_DAY = 24 * 3_600_000_000
_MOST_IN_A_DAY = 20
"""Of one person, one seal and one action, so that no other act hides a denied use. The audit log has all of them."""

_NOT_RECORDED = frozenset({"place_hold"})
"""Nobody of the enterprise learns that the platform or a court is about to hold a seal."""

_FROZEN = "SEAL_FROZEN"

ALARMS = (
    Alarm("SealOuting", "alert", ("holder", "person_id"), "out_from", {"state": ("OUT",)}),
    # What turned out to be UNKNOWN long before there were alerts is no news.
    Alarm("SealUse", "alert", ("person_id",), "closed_at", {"state": ("UNKNOWN",)}, within=7 * _DAY),
)


def _recorded(snapshot: Snapshot, attempt: Attempt) -> DeniedAttempt | None:
    if attempt.action in _NOT_RECORDED or snapshot.find("Person", attempt.subject_id) is None:
        return None
    ids = snapshot.matching("DeniedAttempt", seal_id=attempt.topic_id, person_id=attempt.subject_id)
    others = (snapshot.find("DeniedAttempt", each) for each in ids)
    earlier = [each.action for each in others if each is not None and each.attempted_at > attempt.at - _DAY]
    if earlier.count(attempt.action) >= _MOST_IN_A_DAY:
        return None
    ids_of = (attempt.id, attempt.topic_id, attempt.subject_id)
    reason = "" if _tells_of_authority(snapshot, attempt) else attempt.reason
    return DeniedAttempt(*ids_of, attempt.action, reason, attempt.at, len(earlier) + 1)


def _tells_of_authority(snapshot: Snapshot, attempt: Attempt) -> bool:
    """Whether the reason gives away a hold of the platform or a court: there is no other one."""
    if attempt.reason != _FROZEN:
        return False
    holds = (snapshot.find("SealHold", each) for each in snapshot.matching("SealHold", seal_id=attempt.topic_id))
    return not any(hold is not None and hold.state == "PLACED" and not is_of_authority(hold) for hold in holds)


ATTEMPTS = Attempts(
    "Seal",
    _recorded,
    Alarm("DeniedAttempt", "alert", ("person_id",), "attempted_at", {}),
)
