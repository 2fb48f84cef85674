"""What time alone has ended, written down: what nobody decided, accepted, confirmed or used in its time.

Every rule reads the times themselves, so that nothing is wrong while this is late. It is written so that people are
told, and that what is over stands nowhere as if it were open.
"""

from __future__ import annotations

from typing import Any

from sealauthz.model.effects.claims import asked, is_settled, resolved
from sealauthz.model.effects.members import Ending
from sealauthz.model.effects.retrieval import concerned, told
from sealauthz.model.effects.told import administrators, alert, persons
from sealauthz.model.records.delegations import DelegationState
from sealauthz.model.records.grants import GrantState
from sealauthz.model.records.membership import ApplicationState, EndReason, InvitationState
from sealauthz.model.records.requests import UseRequestState
from sealauthz.model.records.retrieval import CaseState
from sealauthz.schema import Event, Instant, Outcome, Update
from sealauthz.schema.action import Snapshot


def _written(record: Any, state: str, *events: Event) -> Outcome:
    return Outcome((Update(type(record).__name__, record.id, {"state": state}),), events)


def application(_snapshot: Snapshot, record: Any, _now: Instant) -> Outcome:
    """Nobody decided an application: its applicant is told, and may apply again at once."""
    about = ("JoinApplication", record.id)
    event = Event("APPLICATION_EXPIRED", record.enterprise_id, about, (record.person_id,))
    return _written(record, ApplicationState.EXPIRED, event)


def invitation(_snapshot: Snapshot, record: Any, _now: Instant) -> Outcome:
    """Nobody accepted an invitation: the inviter is told."""
    about = ("Invitation", record.id)
    event = Event("INVITATION_EXPIRED", record.enterprise_id, about, (record.inviter.person_id,))
    return _written(record, InvitationState.EXPIRED, event)


def request(_snapshot: Snapshot, record: Any, _now: Instant) -> Outcome:
    """A request was not decided, or not used up, in its time: its applicant is told."""
    told = [record.applicant.person_id]
    return _written(record, UseRequestState.EXPIRED, alert("REQUEST_EXPIRED", record.seal, told, request_id=record.id))


def grant(_snapshot: Snapshot, record: Any, _now: Instant) -> Outcome:
    """A right on a seal is over: the person who had it is told, or the one who gave it to all members."""
    is_of_member = type(record).__name__ == "SealGrant"
    told = [(record if is_of_member else record.grantor).membership.person_id]
    return _written(record, GrantState.EXPIRED, alert("GRANT_EXPIRED", record.seal, told, grant_id=record.id))


def cross_grant(snapshot: Snapshot, record: Any, now: Instant) -> Outcome:
    """The right of another enterprise is over: who gave it is told, and those who run the other enterprise."""
    giver = alert("GRANT_EXPIRED", record.seal, [record.grantor.membership.person_id], grant_id=record.id)
    holder = snapshot.find("Enterprise", record.holder_id)
    about = ("CrossEnterpriseGrant", record.id)
    values = {"seal_id": record.seal_id, "grant_id": record.id}
    other = Event("GRANT_EXPIRED", record.holder_id, about, persons(administrators(holder, now)), values)
    return _written(record, GrantState.EXPIRED, giver, other)


def delegation(_snapshot: Snapshot, record: Any, _now: Instant) -> Outcome:
    """Nobody uses seals in another's place any more: both are told."""
    told = (record.principal.person_id, record.delegate.person_id)
    about = ("Delegation", record.id)
    event = Event("DELEGATION_EXPIRED", record.principal.enterprise_id, about, told)
    # What was never accepted has not been in force.
    state = DelegationState.EXPIRED if record.state == "ACTIVE" else DelegationState.LAPSED
    return _written(record, state, event)


def case(_snapshot: Snapshot, record: Any, _now: Instant) -> Outcome:
    """The applicant let a case lie: they are told, and all who were told of it before."""
    whom = concerned(record) if record.state in ("NOTICE", "APPROVED") else ()
    return _written(record, CaseState.EXPIRED, told(record, "RETRIEVAL_ENDED", record.applicant_id, *whom))


def claim(_snapshot: Snapshot, record: Any, now: Instant) -> Outcome:
    """The time to answer a claim is over: it goes on, unless somebody in charge has settled it."""
    if is_settled(record):
        changes, events = resolved([record], now)
        return Outcome(tuple(changes), tuple(events))
    event = told(record, "RETRIEVAL_UNANSWERED", record.applicant_id, *asked(record.enterprise, now))
    return _written(record, CaseState.CERTIFYING, event)


def membership(snapshot: Snapshot, record: Any, now: Instant) -> Outcome:
    """A membership is over, with all that it carries: its person is told, and those who had a right under its
    roles. Open applications wait for an administrator who is there.
    """
    ending = Ending(snapshot, now, record.enterprise)
    ending.membership(record, record.end_reason or EndReason.REMOVED, record.ended_at)
    ending.reroute_to_named()
    about = ("Membership", record.id)
    event = Event("MEMBERSHIP_ENDED", record.enterprise_id, about, (record.person_id,))
    return Outcome(ending.changes, (*ending.events, event))


def role(snapshot: Snapshot, record: Any, now: Instant) -> Outcome:
    """A role is over, with what was given under it and reached as far: its person is told."""
    enterprise = record.membership.enterprise
    ending = Ending(snapshot, now, enterprise)
    ending.assignment(record)
    ending.reroute_to_named()
    values = {"assignment_id": record.id, "role": str(record.role)}
    event = Event("ROLE_ENDED", enterprise.id, ("RoleAssignment", record.id), (record.membership.person_id,), values)
    return Outcome(ending.changes, (*ending.events, event))


def may_end(record: Any, _parameters: Any, _now: Instant) -> bool:
    """Tell whether a role, or a membership, can be written down as over: an enterprise that operates keeps somebody on
    record as its administrator (I4), whose time is over all the same.
    """
    membership = record.membership if type(record).__name__ == "RoleAssignment" else record
    enterprise = membership.enterprise
    if (enterprise.auth_state, enterprise.operating_state) != ("AUTHENTICATED", "ACTIVE"):
        return True
    administrators_on_record = [
        assignment
        for each in enterprise.memberships
        if each.state == "ACTIVE"
        for assignment in each.assignments
        if (assignment.role, assignment.state) == ("SYSTEM_ADMIN", "ACTIVE")
    ]
    left = [each for each in administrators_on_record if record.id not in (each.id, each.membership_id)]
    return bool(left) or not administrators_on_record


EVENTS = {
    "APPLICATION_EXPIRED": "Nobody decided an application to join in its time; for the applicant.",
    "INVITATION_EXPIRED": "An invitation was not accepted in its time; for the person who invited.",
    "REQUEST_EXPIRED": "A request to use a seal was not decided, or not used up, in its time; for the applicant.",
    "GRANT_EXPIRED": "A right on a seal is over; for the person who had it, or who gave it to others.",
    "DELEGATION_EXPIRED": "The time of a delegation is over; for both.",
}
"""The codes of these events, each with what it tells."""
