"""Whom each event goes to: who must be told, who may be, and that nobody else is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from act_laws import Deed, Records

from sealauthz.model import MODEL
from sealauthz.schema import Event

RUN = "who run the enterprise"
SEALS = "who run its seals"
WATCH = "who watch its seals"
NAMED = "whom the record names, or one that the event names"
MEMBERS = "members"
SIGN = "who were named to sign, in a task that the event is about"
FORMER = "who ran the enterprise or its seals until this act"


class Told(NamedTuple):
    """Of one event: the paths through keys from its record to those who must be told, the groups to which everybody
    else belongs who may be, and the group of which everybody must be; where it is for others, not who acted.
    """

    must: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    all_of: str = ""
    is_for_others: bool = False


def _to(*paths: str) -> Told:
    """To these, and to nobody else."""
    return Told(paths)


_NOBODY = Told()
"""To nobody by name: for the platform's own staff, or for whom it knows."""
_WATCHERS = Told((), (WATCH,), RUN)
_RUNNERS = Told((), (RUN,))
_MEMBER = "membership_id.person_id"
_CONCERNED = Told(("applicant_id",), (RUN, SEALS, FORMER))

RECIPIENTS: Mapping[str, Told] = {
    # Joining
    "APPLICATION_RECEIVED": Told(("handler_id.person_id",), (RUN,)),
    "APPLICATION_REMINDER": _to("handler_id.person_id"),
    "APPLICATION_APPROVED": _to("person_id"),
    "APPLICATION_REJECTED": _to("person_id"),
    "APPLICATION_EXPIRED": _to("person_id"),
    "APPLICATION_REROUTED": _RUNNERS,
    "APPLICATION_WITHDRAWN": Told((), (RUN,)),
    "INVITED": Told((), (NAMED,)),
    "INVITATION_CLAIMED": _to("inviter_id.person_id"),
    "INVITATION_CONFIRMED": _to("target_id"),
    "INVITATION_ACCEPTED": _to("inviter_id.person_id"),
    "INVITATION_EXPIRED": _to("inviter_id.person_id"),
    # Members and roles
    "ROLE_GIVEN": _to(_MEMBER),
    "ROLE_ENDED": _to(_MEMBER),
    "MEMBERSHIP_ENDED": _to("person_id"),
    "MEMBERSHIP_SUSPENDED": _to("person_id"),
    "MEMBERSHIP_REINSTATED": _to("person_id"),
    "ABSENCE_RECORDED": _to(_MEMBER, "substitute_id.person_id"),
    "ADMINISTRATION_HANDED_OVER": Told((_MEMBER,), (NAMED,)),
    "DELEGATION_OFFERED": _to("delegate_id.person_id"),
    "DELEGATION_ACCEPTED": _to("principal_id.person_id"),
    "DELEGATION_ENDED": Told((), (NAMED,)),
    "DELEGATION_EXPIRED": _to("principal_id.person_id", "delegate_id.person_id"),
    # The enterprise
    "CERTIFICATION_OPENED": _NOBODY,
    "CERTIFICATION_WITHDRAWN": _NOBODY,
    "CERTIFICATION_PASSED": _to("applicant_id"),
    "CERTIFICATION_REJECTED": _to("applicant_id"),
    "ENTERPRISE_AUTHENTICATED": _RUNNERS,
    "NAME_CHANGED": Told((), (RUN, SEALS)),
    "CERTIFICATE_WANTED": _NOBODY,
    "DATA_EXPORTED": Told((), (RUN,)),
    "MONITORING_CHANGED": Told((), (WATCH, MEMBERS)),
    "RULE_CHANGE_PROPOSED": _RUNNERS,
    "RULE_CHANGE_CONFIRMED": _to("proposed_by_id"),
    "RULE_CHANGE_WITHDRAWN": Told((), (NAMED,)),
    "RULES_CHANGED": Told((), (WATCH,), RUN, is_for_others=True),
    "RESOLUTION_TO_CONFIRM": Told((), (RUN, MEMBERS)),
    "RESOLUTION_CONFIRMED": _to("recorded_by_id"),
    "RESOLUTION_WITHDRAWN": Told((), (NAMED,)),
    "SOLE_OWNER_NOTICE": _NOBODY,
    "SOLE_OWNER_ALERT": _WATCHERS,
    # Rights
    "GRANT_CONFIRMED": Told((), (NAMED, MEMBERS)),
    "GRANT_REVOKED": Told((), (NAMED, MEMBERS)),
    "GRANT_EXPIRED": Told((), (NAMED, RUN)),
    "GRANT_INVALIDATED": Told((), (NAMED, RUN)),
    "GRANT_TO_CONFIRM": Told((), (RUN, SEALS)),
    "LETTER_TO_VERIFY": Told((), (RUN, SEALS)),
    "LETTER_VERIFIED": Told((), (NAMED, MEMBERS)),
    "HOLDER_ASSIGNED": Told((), (MEMBERS,)),
    "HOLDER_UNASSIGNED": Told((), (MEMBERS,)),
    # Using seals
    "APPROVAL_WANTED": Told((), (NAMED, MEMBERS, RUN)),
    "REQUEST_APPROVED": Told((), (NAMED, MEMBERS)),
    "REQUEST_REJECTED": Told((), (NAMED, MEMBERS)),
    "REQUEST_EXPIRED": Told((), (NAMED, MEMBERS)),
    "EMERGENCY_USE_APPROVED": Told((), (NAMED, MEMBERS)),
    "EMERGENCY_USE_NOT_APPROVED": Told((), (NAMED, WATCH)),
    "SEAL_USE_NOT_SEALED": Told(("person_id",), (WATCH,), RUN),
    "SEAL_USE_UNKNOWN": Told((), (WATCH, NAMED), RUN),
    "SEAL_OVERDUE": Told((), (WATCH, NAMED), RUN),
    "SEAL_STAMPED_TOO_OFTEN": _WATCHERS,
    "SIGNED_FOR_ENTERPRISE": _WATCHERS,
    # Seals
    **dict.fromkeys(
        (
            "SEAL_USED",
            "SEAL_USED_IN_EMERGENCY",
            "SEAL_RETURNED",
            "SEAL_FREEZE_PLACED",
            "SEAL_REPORTED_LOST",
            "SEAL_REPORTED_FOUND",
            "SEAL_HOLD_RELEASED",
            "SEAL_DISABLED",
            "SEAL_ENABLED",
            "SEAL_COLLECTED",
        ),
        _WATCHERS,
    ),
    "SEAL_CARRIED_OUT": Told((), (WATCH, NAMED), RUN),
    "SEAL_ENDED": Told((), (WATCH, MEMBERS), RUN),
    "SEAL_CUSTODY_GIVEN": Told(("custodian_id.person_id",), (NAMED, MEMBERS)),
    "SEAL_REVIEW_WANTED": Told((), (RUN, SEALS, MEMBERS)),
    "SEAL_REVIEWED": Told((), (NAMED, MEMBERS)),
    "SEAL_ENDING_PROPOSED": Told((), (RUN, SEALS)),
    "SEAL_ENDING_WITHDRAWN": Told((), (NAMED, MEMBERS)),
    "SEAL_WITNESS_FOUND": Told((), (NAMED, MEMBERS)),
    # Contracts
    "TASK_DUE": Told((), (SIGN, NAMED, MEMBERS)),
    "TASK_PASSED_ON": Told((), (SIGN, NAMED, MEMBERS)),
    "TASK_PARKED": Told((), (RUN, MEMBERS)),
    "HANDLER_NAMED": Told((), (NAMED, MEMBERS)),
    "TASK_REFUSED": Told((), (NAMED, MEMBERS)),
    "REVIEW_REQUESTED": Told((), (MEMBERS,)),
    "REVIEW_ENDED_SIGNING": Told((), (NAMED, MEMBERS)),
    "CONTRACT_COMPLETE": Told((), (NAMED, MEMBERS)),
    "CONTRACT_ENDED": Told((), (SIGN, NAMED, MEMBERS)),
    "CONTRACT_RECALLED": Told((), (SIGN, NAMED, MEMBERS, RUN)),
    "CONTRACT_TERMINATED": _to("initiated_by_id"),
    # Retrieving an enterprise
    "RETRIEVAL_OPENED": _to("applicant_id"),
    "RETRIEVAL_SUBMITTED": _NOBODY,
    "RETRIEVAL_REJECTED": _to("applicant_id"),
    "RETRIEVAL_RESOLVED": _to("applicant_id"),
    "RETRIEVAL_CLAIMED": _RUNNERS,
    "RETRIEVAL_CLAIM_RUNS": Told(("applicant_id",), (RUN,)),
    "RETRIEVAL_IN_CHARGE": _to("applicant_id"),
    "RETRIEVAL_UNANSWERED": Told(("applicant_id",), (RUN,)),
    "RETRIEVAL_ENDED": _CONCERNED,
    "RETRIEVAL_NOTICE_WANTED": Told((), (RUN, SEALS, FORMER)),
    "RETRIEVAL_NOTICE": _CONCERNED,
    "RETRIEVAL_WITHDRAWN": Told((), (RUN, SEALS, FORMER)),
    "RETRIEVAL_OBJECTION": _to("applicant_id"),
    "RETRIEVAL_OBJECTION_DECIDED": Told(("applicant_id",), (RUN, SEALS, FORMER)),
    "RETRIEVAL_EXECUTED": _CONCERNED,
    "RETRIEVAL_APPEALED": _to("applicant_id"),
    "RETRIEVAL_APPEAL_DECIDED": _CONCERNED,
    # Alerts
    **dict.fromkeys((code for code in MODEL.events if code.startswith("ALERT_")), _WATCHERS),
}
"""Of each event. An applicant who retrieves an enterprise is told nothing of what its own people are, nor they of him
before the notice, but for the alert of those who watch.
"""

OF_AUTHORITY = {"place_hold", "propose_lift", "lift"}
"""The acts of the platform and of courts of which nobody is told."""


def assert_told(deed: Deed | None, events: list[Event], before: Records, after: Records, now: int) -> None:
    """Each event goes to those whom its row names, and to nobody else; nothing is told of what an authority does."""
    assert deed is None or deed.action not in OF_AUTHORITY or not events, f"{deed} is told: {events}"
    for event in events:
        _assert_told(event, before, after, now)


def _assert_told(event: Event, before: Records, after: Records, now: int) -> None:
    record = after.get(event.about) or before[event.about]
    assert not _is_of_authority(record), f"{event} tells of what an authority holds"
    row, people = RECIPIENTS[event.code], set(event.recipients)
    known = {**before, **after}
    must = {end for path in row.must if (end := _end(record, path, known)) is not None}
    assert must <= people, f"{event} does not tell {must - people}"
    tenant = event.tenant_id
    if row.all_of == RUN:
        always = set(_holders(tenant, before, now, "SYSTEM_ADMIN")) & set(_holders(tenant, after, now, "SYSTEM_ADMIN"))
        if row.is_for_others:
            always.discard(str(event.values["actor_id"]))
        assert always <= people, f"{event} does not tell {always - people}, who run the enterprise"
    sides = ((name, records) for name in row.may for records in (before, after))
    may = {person for name, records in sides for person in _group(name, event, record, records, now)}
    assert people <= must | may, f"{event} tells {people - must - may}, who are none of {row.may}"


def _is_of_authority(record: Any) -> bool:
    return type(record).__name__ == "SealHold" and record.source in ("PLATFORM", "JUDICIAL")


def _end(record: Any, path: str, records: Records) -> Any:
    """Return what stands at the end of a path through keys; None where it breaks off."""
    *before, last = path.split(".")
    for name in before:
        ref = MODEL.shapes[type(record).__name__].column(name).ref or ""
        record = records.get((ref, getattr(record, name)))
        if record is None:
            return None
    return getattr(record, last)


def _group(name: str, event: Event, record: Any, records: Records, now: int) -> Iterator[str]:
    tenant = event.tenant_id
    if name == NAMED:
        yield from _named_by(record, records)
        for value in event.values.values():
            for kind in MODEL.records:
                if (kind, value) in records:
                    yield from _named_by(records[kind, str(value)], records)
    elif name == SIGN:
        for (kind, _), each in records.items():
            if kind == "TaskOperator" and event.about == ("SigningTask", each.task_id):
                yield each.person_id
    elif name == MEMBERS:
        yield from (m.person_id for m in _members(tenant, records) if m.state != "ENDED")
    elif name == FORMER:
        ids = {m.id: m.person_id for m in _members(tenant, records)}
        for (kind, _), each in records.items():
            if kind == "RoleAssignment" and each.membership_id in ids and each.role in ("SYSTEM_ADMIN", "SEAL_ADMIN"):
                yield ids[each.membership_id]
    else:
        roles = {RUN: ("SYSTEM_ADMIN", "LEGAL_REP"), SEALS: ("SEAL_ADMIN", "LEGAL_REP")}
        yield from _holders(tenant, records, now, *roles.get(name, ("SYSTEM_ADMIN", "LEGAL_REP", "SEAL_AUDITOR")))
        yield from _registered(tenant, records)
        if name == WATCH:
            yield from _watching(tenant, records, now)


def _members(tenant: str, records: Records) -> Iterator[Any]:
    for (kind, _), each in records.items():
        if kind == "Membership" and each.enterprise_id == tenant:
            yield each


def _holders(tenant: str, records: Records, now: int, *roles: str) -> Iterator[str]:
    """Those who hold a role now."""
    present = {
        each.id: each.person_id
        for each in _members(tenant, records)
        if each.state == "ACTIVE" and each.joined_at <= now < each.ended_at
    }
    for (kind, _), each in records.items():
        if (
            kind == "RoleAssignment"
            and each.membership_id in present
            and each.role in roles
            and each.state == "ACTIVE"
            and each.valid_from <= now < each.valid_to
        ):
            yield present[each.membership_id]


def _registered(tenant: str, records: Records) -> Iterator[str]:
    for (kind, _), each in records.items():
        if kind == "RegistrySnapshot" and each.enterprise_id == tenant and each.legal_rep_id is not None:
            yield each.legal_rep_id


def _watching(tenant: str, records: Records, now: int) -> Iterator[str]:
    """The leaders who subscribed, and the members who may audit a seal."""
    members = {m.id: m.person_id for m in _members(tenant, records)}
    for (kind, _), each in records.items():
        if kind == "MonitorSubscription" and each.state == "ACTIVE" and each.leader_id in members:
            yield members[each.leader_id]
        if kind == "SealGrant" and each.right == "AUDIT" and each.state == "ACTIVE" and each.membership_id in members:
            yield members[each.membership_id]


def _named_by(record: Any, records: Records, depth: int = 3) -> Iterator[str]:
    """The persons whom a record names, by itself or by what it names; not those of an enterprise that it names."""
    for column in MODEL.shapes[type(record).__name__].columns:
        key = getattr(record, column.name)
        if column.ref == "Person" and key is not None:
            yield key
        elif column.ref not in (None, "Enterprise") and depth:
            named = records.get((column.ref or "", key))
            if named is not None:
                yield from _named_by(named, records, depth - 1)
