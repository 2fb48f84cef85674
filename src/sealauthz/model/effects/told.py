"""Whom events of an enterprise go to: its administrators, those who run its seals, and those who watch them.

Nothing of a hold that the platform or a court placed goes to those whom it concerns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sealauthz.model.effects.acting import is_live, is_standing
from sealauthz.schema import Act, Duty, Event, Instant, MetBy
from sealauthz.schema.effect import Value

MONITORED = {
    "use": "SEAL_USED",
    "auto_use": "SEAL_USED",
    "emergency_use": "SEAL_USED_IN_EMERGENCY",
    "stamp": "SEAL_USED",
    "carry_out": "SEAL_CARRIED_OUT",
    "record_return": "SEAL_RETURNED",
    "sign": "SIGNED_FOR_ENTERPRISE",
    "freeze": "SEAL_FREEZE_PLACED",
    "report_lost": "SEAL_REPORTED_LOST",
    "report_found": "SEAL_REPORTED_FOUND",
    "release": "SEAL_HOLD_RELEASED",
}
"""What those who watch are told, by the action."""

_OF_AUTHORITY = ("PLATFORM", "JUDICIAL")


def persons(ids: Iterable[str], without: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the ids of persons once each, in their order, without some."""
    left_out = set(without)
    return tuple(dict.fromkeys(person_id for person_id in ids if person_id not in left_out))


def holders_of(enterprise: Any, now: Instant, *roles: str) -> list[str]:
    """Return the ids of the persons who hold one of the roles now; of LEGAL_REP, whom the registry names."""
    found = [
        membership.person_id
        for membership in enterprise.memberships
        if any(assignment.role in roles and is_standing(assignment, now) for assignment in membership.assignments)
    ]
    if "LEGAL_REP" in roles:
        found += [
            snapshot.legal_rep_id
            for snapshot in enterprise.registry_snapshots
            if snapshot.is_current and snapshot.is_matched and snapshot.legal_rep_id is not None
        ]
    return found


def administrators(enterprise: Any, now: Instant) -> list[str]:
    """Return the ids of those who run an enterprise."""
    return holders_of(enterprise, now, "SYSTEM_ADMIN", "LEGAL_REP")


def seal_administrators(enterprise: Any, now: Instant) -> list[str]:
    """Return the ids of those who run its seals."""
    return holders_of(enterprise, now, "SEAL_ADMIN", "LEGAL_REP")


def keepers(seal: Any, now: Instant) -> list[str]:
    """Return the ids of those who keep a seal now, the one in whose place another does among them."""
    members = [seal.custodian] if seal.custodian is not None else []
    if seal.acting_custodian is not None and seal.acting_from <= now < seal.acting_to:
        members.append(seal.acting_custodian)
    return [member.person_id for member in members if is_live(member, now)]


def watchers(enterprise: Any, now: Instant, seal_id: str | None = None) -> list[str]:
    """Return the ids of those who watch a seal of an enterprise, or all of its seals where none is named."""
    leaders = [
        subscription.leader.person_id
        for subscription in enterprise.monitors
        if subscription.state == "ACTIVE"
        and subscription.seal_id in (None, seal_id)
        and is_live(subscription.leader, now)
    ]
    return holders_of(enterprise, now, "SYSTEM_ADMIN", "LEGAL_REP", "SEAL_AUDITOR") + leaders


def watchers_of(seal: Any, now: Instant) -> list[str]:
    """Return the ids of those who watch a seal, those among them who have the right to audit this one alone."""
    return [*watchers(seal.enterprise, now, seal.id), *_auditors(seal, now)]


def _auditors(seal: Any, now: Instant) -> Iterator[str]:
    """Return the ids of the members who hold a right to audit a seal, while the one who gave it may give it."""
    for grant in seal.grants:
        if (
            grant.right == "AUDIT"
            and grant.state == "ACTIVE"
            and grant.valid_from <= now < grant.valid_to
            and is_live(grant.membership, now)
            and grant.membership.enterprise_id == seal.enterprise_id
            and is_standing(grant.grantor, now)
        ):
            yield grant.membership.person_id


def holder_of_use(act: Act) -> Any:
    """Return the enterprise that uses the seal of another one by this act; None where the owner's own people do."""
    grant_id = act.obligations.get("DECREMENT_USE", {}).get("cross_grant_id")
    grant = None if grant_id is None else act.snapshot.find("CrossEnterpriseGrant", str(grant_id))
    return None if grant is None else act.snapshot.find("Enterprise", grant.holder_id)


def is_of_authority(hold: Any) -> bool:
    """Tell whether the platform or a court placed a hold."""
    return hold.source in _OF_AUTHORITY


def watched(
    code: str,
    seal: Any,
    holder: Any,
    now: Instant,
    values: Mapping[str, Value],
    *others: str,
    use_id: str = "",
) -> Iterator[Event]:
    """Return the events about a use of a seal: for those who watch it at its owner, and `others`; and for those who
    watch at the enterprise that holds the seal, where the use was its own.
    """
    about = ("SealUse", use_id) if use_id else ("Seal", seal.id)
    told = {"seal_id": seal.id, **values}
    owners = persons([*watchers_of(seal, now), *others])
    yield Event(code, seal.enterprise_id, about, owners, told)
    if holder is not None:
        yield Event(code, holder.id, about, persons(watchers(holder, now, seal.id)), told)


def by_hand(code: str, act: Act, values: Mapping[str, Value]) -> Event:
    """Return the event about a signature that stands for the enterprise and puts no seal."""
    task, enterprise = act.resource, act.context.enterprise
    told = persons(watchers(enterprise, act.now))
    return Event(code, enterprise.id, ("SigningTask", task.id), told, {"task_id": task.id, **values})


def alert(code: str, seal: Any, recipients: Iterable[str], **values: Value) -> Event:
    """Return an event about a seal to which no act led."""
    return Event(code, seal.enterprise_id, ("Seal", seal.id), persons(recipients), {"seal_id": seal.id, **values})


def about_seal(code: str, act: Act, seal: Any, recipients: Iterable[str], **values: Value) -> Event:
    """Return an event about a seal, which names who acted."""
    told = {"seal_id": seal.id, "actor_id": act.subject.id, **values}
    return Event(code, seal.enterprise_id, ("Seal", seal.id), persons(recipients), told)


def _tell_watchers(act: Act, _named: Mapping[str, Value]) -> Iterable[Event]:
    """Tell those who watch what happened to a seal; nothing of what the platform or a court holds."""
    resource, kind = act.resource, type(act.resource).__name__
    if kind == "SealHold" and is_of_authority(resource):
        return
    code = MONITORED[act.action]
    if kind == "SigningTask":
        yield by_hand(code, act, {"actor_id": act.subject.id})
        return
    seal = resource if kind == "Seal" else resource.seal
    values: dict[str, Value] = {"actor_id": act.subject.id}
    others: tuple[str, ...] = ()
    if act.action == "carry_out":
        values["due_at"] = act.obligations["RECORD_OUTING"]["due_at"]
        others = persons(keepers(seal, act.now), without=(act.subject.id,))
    yield from watched(code, seal, holder_of_use(act), act.now, values, *others)


def _enterprise_of(act: Act) -> Any:
    """The enterprise of a resource that the owner of a company of one acts on alone."""
    kind = type(act.resource).__name__
    if kind == "Enterprise":
        return act.resource
    if kind in ("ApprovalProcess", "BusinessCategory", "Seal"):
        return act.resource.enterprise
    return act.context.enterprise if kind == "SigningTask" else act.resource.seal.enterprise


def _alone(code: str, act: Act, recipients: Iterable[str]) -> Event:
    enterprise = _enterprise_of(act)
    about = (type(act.resource).__name__, act.resource.id)
    return Event(code, enterprise.id, about, persons(recipients), {"action": act.action, "actor_id": act.subject.id})


def _tell_contact(act: Act, _named: Mapping[str, Value]) -> Iterable[Event]:
    """Tell the registered contact, whom the delivering platform knows, what the owner did alone."""
    yield _alone("SOLE_OWNER_NOTICE", act, ())


def _alert(act: Act, _named: Mapping[str, Value]) -> Iterable[Event]:
    """Alert those who watch of what the owner did alone."""
    yield _alone("SOLE_OWNER_ALERT", act, watchers(_enterprise_of(act), act.now))


DUTIES = (
    Duty("NOTIFY_MONITORS", MetBy.EVENT, tell=_tell_watchers),
    Duty("NOTIFY_REGISTERED_CONTACT", MetBy.EVENT, tell=_tell_contact),
    Duty("ALERT_SOLE_OWNER", MetBy.EVENT, tell=_alert),
)

EVENTS = {
    **dict.fromkeys(MONITORED.values(), "Something happened to a seal that the recipient watches."),
    "SEAL_CARRIED_OUT": "A seal was carried out of the house; for those who watch or keep it.",
    "SOLE_OWNER_NOTICE": "The owner of a company of one did something alone; for the registered contact.",
    "SOLE_OWNER_ALERT": "The owner of a company of one did something alone; for those who watch.",
}
"""The codes of these events, each with what it tells."""
