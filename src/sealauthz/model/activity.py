"""What those who monitor seals are shown: what each change of a record tells, and who sees it.

Of one use, that is decided by `view` on it: its seal's owner sees every use, an enterprise that holds the seal its own
ones. Denied attempts on a seal are seen by who may `view_attempts` on it, what else happens to it by who may `view_log`
on it, and what happens to the enterprise by who may `monitor` it.

Nothing of a hold that the platform or a court placed is shown: those whom it concerns are told by who placed it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from sealauthz.model.effects.told import is_of_authority
from sealauthz.schema import Monitored, Shown, Sighting
from sealauthz.schema.action import Snapshot
from sealauthz.schema.effect import Value

_OF_ITS_SEAL = (("seal_id", "enterprise_id"),)
_WATCHED_ROLES = ("SYSTEM_ADMIN", "LEGAL_REP", "SEAL_ADMIN", "SEAL_AUDITOR")
_MOST_LEVELS = 20
_ACTS_OF_USE = ("use", "auto_use", "emergency_use", "stamp", "carry_out")
"""The actions that put a seal, or carry it out of the house."""

Tells = Callable[[Any, Any], Sighting | None]


def _came_to(before: Any, after: Any) -> str | None:
    """The state that a record came to; None where it stays in the one it had, or is gone."""
    if after is None or (before is not None and before.state == after.state):
        return None
    return str(after.state)


def _named(prefix: str, *columns: str) -> Tells:
    """Tell each state that a record comes to: the code ends in it, and these columns go with it."""

    def tells(before: Any, after: Any) -> Sighting | None:
        state = _came_to(before, after)
        if state is None:
            return None
        values = {column: getattr(after, column) for column in columns}
        return Sighting(f"{prefix}_{state}", {name: value for name, value in values.items() if value is not None})

    return tells


def _grant(before: Any, after: Any) -> Sighting | None:
    """A right on a seal: given out, confirmed, used up or ended. That it is counted down is told by the uses."""
    state = _came_to(before, after)
    if state is None:
        return None
    values: dict[str, Value] = {"state": state}
    right = getattr(after, "right", None)
    if right is not None:
        values["right"] = str(right)
    return Sighting("SEAL_GRANT_GIVEN" if before is None else "SEAL_GRANT_CHANGED", values)


def _hold(before: Any, after: Any) -> Sighting | None:
    record = before if after is None else after
    if is_of_authority(record):
        return None
    state = "RELEASED" if after is None else _came_to(before, after)
    return None if state is None else Sighting(f"SEAL_HOLD_{state}", {"source": str(record.source)})


def _seal(before: Any, after: Any) -> Sighting | None:
    """What becomes of the seal itself, and who keeps it."""
    state = _came_to(before, after)
    if state is not None:
        return Sighting(f"SEAL_{state}" if before is not None else "SEAL_MADE", {"state": state})
    kept_by = ("custodian_id", "acting_custodian_id")
    if after is not None and any(getattr(before, column) != getattr(after, column) for column in kept_by):
        return Sighting("SEAL_KEEPER_CHANGED")
    return None


def _stamped(before: Any, after: Any) -> Sighting | None:
    """A stamp with a physical seal: a use is taken from a request that names the controller."""
    if before is None or after is None or after.device_id is None or after.used <= before.used:
        return None
    return Sighting("SEAL_STAMPED", {"request_id": after.id, "used": after.used, "uses": after.uses})


def _outing(before: Any, after: Any) -> Sighting | None:
    state = _came_to(before, after)
    if state is None:
        return None
    code = {"OUT": "SEAL_CARRIED_OUT", "RETURNED": "SEAL_RETURNED", "LOST": "SEAL_LOST_OUTSIDE"}[state]
    return Sighting(code, {"due_at": after.due_at})


def _role(before: Any, after: Any) -> Sighting | None:
    """Who runs the enterprise, its seals or their audit."""
    record = before if after is None else after
    state = _came_to(before, after)
    if state is None or record.role not in _WATCHED_ROLES:
        return None
    code = "ROLE_GIVEN" if state == "ACTIVE" else "ROLE_ENDED"
    return Sighting(code, {"role": str(record.role)})


def _case(before: Any, after: Any) -> Sighting | None:
    """A case of retrieval, once it is more than its applicant's draft."""
    state = _came_to(before, after)
    if state is None or state == "DRAFT":
        return None
    if before is not None and before.state == "DRAFT" and state in ("WITHDRAWN", "EXPIRED", "SUPERSEDED"):
        return None
    return Sighting(
        "RETRIEVAL_CASE_NEW" if before is None or before.state == "DRAFT" else "RETRIEVAL_CASE_CHANGED",
        {"state": state},
    )


def _emergency(before: Any, after: Any) -> Sighting | None:
    if before is None:
        return Sighting("EMERGENCY_USE_MADE", {"used_at": after.used_at})
    if after is not None and before.approved_at != after.approved_at:
        return Sighting("EMERGENCY_USE_APPROVED", {"used_at": after.used_at})
    return None


def _of_seal(record_type: str, tells: Tells, *subject: str, action: str = "view_log") -> Shown:
    """What happens to a seal, seen by those who may do `action` on it: mostly read its log."""
    return Shown(record_type, tells, _OF_ITS_SEAL, action, ("seal_id",), ("seal_id",), subject)


def _alert(before: Any, after: Any) -> Sighting | None:
    state = _came_to(before, after)
    if state is None:
        return None
    code = "ALERT_RAISED" if state == "OPEN" else "ALERT_ACKNOWLEDGED"
    return Sighting(code, {"alert": after.kind, "raised_for": after.raised_for})


def _denied(before: Any, after: Any) -> Sighting | None:
    if before is not None or after is None:
        return None
    code = "SEAL_USE_DENIED" if after.action in _ACTS_OF_USE else "SEAL_ACT_DENIED"
    return Sighting(code, {"action": after.action, "reason": after.reason, "number": after.within_day})


_SHOWN = (
    Shown("Alert", _alert, (("enterprise_id",),), "view", ("id",), ("seal_id",), ("person_id",)),
    _of_seal("DeniedAttempt", _denied, "person_id", action="view_attempts"),
    # Of the owner of the seal and, where the use was its own, of the enterprise that holds it.
    Shown(
        "SealUse",
        _named("SEAL_USE", "task_id", "grant_id", "holder_id"),
        (*_OF_ITS_SEAL, ("holder_id",)),
        "view",
        ("id",),
        ("seal_id",),
        ("person_id",),
    ),
    Shown("Seal", _seal, (("enterprise_id",),), "view_log", ("id",), ("id",)),
    _of_seal("SealHold", _hold, "placed_by_id"),
    _of_seal("SealOuting", _outing, "holder_id", "person_id"),
    _of_seal("SealUseRequest", _stamped, "applicant_id", "person_id"),
    _of_seal("SealGrant", _grant, "membership_id", "person_id"),
    _of_seal("OpenGrant", _grant),
    _of_seal("CrossEnterpriseGrant", _grant),
    Shown(
        "EmergencyUse",
        _emergency,
        (("grant_id", "seal_id", "enterprise_id"),),
        "view_log",
        ("grant_id", "seal_id"),
        ("grant_id", "seal_id"),
        ("grant_id", "membership_id", "person_id"),
    ),
    Shown(
        "Delegation",
        _named("DELEGATION", "power"),
        (("principal_id", "enterprise_id"),),
        "monitor",
        ("principal_id", "enterprise_id"),
        ("seal_id",),
        ("delegate_id", "person_id"),
    ),
    Shown(
        "RoleAssignment",
        _role,
        (("membership_id", "enterprise_id"),),
        "monitor",
        ("membership_id", "enterprise_id"),
        (),
        ("membership_id", "person_id"),
    ),
    Shown("RetrievalCase", _case, (("enterprise_id",),), "monitor", ("enterprise_id",)),
)


def _branches(snapshot: Snapshot, tenant_id: str, subject_id: str) -> Iterator[str]:
    """The departments of an enterprise that a person belongs to, the ones above their own among them; and the
    enterprise with those above it.
    """
    enterprise = snapshot.find("Enterprise", tenant_id)
    person = snapshot.find("Person", subject_id) if subject_id else None
    for membership in () if person is None else person.memberships:
        if membership.enterprise_id == tenant_id and membership.state != "ENDED":
            yield from _upwards(snapshot, "Department", membership.department_id)
    if enterprise is not None:
        yield from _upwards(snapshot, "Enterprise", enterprise.id)


def _standing(snapshot: Snapshot, tenant_id: str) -> Iterator[tuple[Any, int]]:
    """The alerts of an enterprise that nobody has acknowledged."""
    for alert_id in snapshot.matching("Alert", enterprise_id=tenant_id):
        alert = snapshot.find("Alert", alert_id)
        if alert is not None and alert.state == "OPEN":
            yield alert, alert.raised_at


def _upwards(snapshot: Snapshot, record_type: str, record_id: str | None) -> Iterator[str]:
    for _ in range(_MOST_LEVELS):
        record = None if record_id is None else snapshot.find(record_type, record_id)
        if record is None:
            return
        yield f"{record_type}:{record.id}"
        record_id = record.parent_id


CODES = {
    "ALERT_RAISED": "Something happened that those who watch must see.",
    "ALERT_ACKNOWLEDGED": "One of those who watch has seen an alert.",
    "SEAL_USE_DENIED": "A person tried to use a seal and was denied.",
    "SEAL_ACT_DENIED": "A person tried another act on a seal and was denied.",
    "SEAL_USE_RESERVED": "A use of a seal was allowed and counted; the sealing engine has not reported yet.",
    "SEAL_USE_SEALED": "A seal was put.",
    "SEAL_USE_NOT_SEALED": "A use that was reserved was not sealed, and its count came back.",
    "SEAL_USE_UNKNOWN": "Nobody reported what became of a reserved use; it counts.",
    "SEAL_MADE": "A seal was made.",
    "SEAL_DRAFT": "A seal became a draft.",
    "SEAL_PENDING_REVIEW": "A seal waits for its review.",
    "SEAL_REVIEW_REJECTED": "The review rejected a seal.",
    "SEAL_ACTIVE": "A seal can be used from now on.",
    "SEAL_DISABLED": "A seal was disabled.",
    "SEAL_LOST": "A seal was reported lost.",
    "SEAL_EXPIRED": "A seal has expired.",
    "SEAL_REVOKED": "A seal was revoked.",
    "SEAL_COLLECTED": "A seal was collected.",
    "SEAL_DESTROYED": "A seal was destroyed.",
    "SEAL_KEEPER_CHANGED": "Somebody else keeps a seal.",
    "SEAL_HOLD_PLACED": "A seal was frozen.",
    "SEAL_HOLD_RELEASED": "A hold on a seal was released.",
    "SEAL_CARRIED_OUT": "A physical seal was carried out of the house.",
    "SEAL_RETURNED": "A seal that was out came back.",
    "SEAL_LOST_OUTSIDE": "A seal that was out was reported lost.",
    "SEAL_STAMPED": "A physical seal was used to stamp.",
    "SEAL_GRANT_GIVEN": "A right on a seal was given.",
    "SEAL_GRANT_CHANGED": "A right on a seal was confirmed, used up or ended.",
    "EMERGENCY_USE_MADE": "A seal was used in an emergency.",
    "EMERGENCY_USE_APPROVED": "An emergency use was approved afterwards.",
    "DELEGATION_PENDING_ACCEPT": "A member wants another to use seals in their place.",
    "DELEGATION_ACTIVE": "A member uses seals in another's place from now on.",
    "DELEGATION_EXPIRED": "The time of a delegation is over.",
    "DELEGATION_REVOKED": "A delegation was revoked.",
    "DELEGATION_LAPSED": "A delegation lapsed.",
    "ROLE_GIVEN": "Somebody became administrator, seal administrator or auditor.",
    "ROLE_ENDED": "Somebody is no longer administrator, seal administrator or auditor.",
    "RETRIEVAL_CASE_NEW": "Somebody applied to retrieve the enterprise.",
    "RETRIEVAL_CASE_CHANGED": "A case of retrieval went on.",
}
"""The codes of activity, each with what it tells."""

MONITORED = Monitored(
    tenant_action="monitor",
    topic_type="Seal",
    topic_action="view_log",
    shown=_SHOWN,
    codes=CODES,
    branch_types=("Department", "Enterprise"),
    standing=_standing,
    branches=_branches,
)
"""What can be monitored."""
