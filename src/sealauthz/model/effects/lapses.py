"""What time alone has ended, written down: what nobody decided, accepted, confirmed or used in its time.

Every rule reads the times themselves, so that nothing is wrong while this is late. It is written so that people are
told, and that what is over stands nowhere as if it were open.
"""

from __future__ import annotations

from typing import Any

from sealauthz.model.effects.told import administrators, alert, persons
from sealauthz.model.records.grants import DelegationState, GrantState
from sealauthz.model.records.membership import ApplicationState, InvitationState
from sealauthz.model.records.requests import UseRequestState
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


EVENTS = {
    "APPLICATION_EXPIRED": "Nobody decided an application to join in its time; for the applicant.",
    "INVITATION_EXPIRED": "An invitation was not accepted in its time; for the person who invited.",
    "REQUEST_EXPIRED": "A request to use a seal was not decided, or not used up, in its time; for the applicant.",
    "GRANT_EXPIRED": "A right on a seal is over; for the person who had it, or who gave it to others.",
    "DELEGATION_EXPIRED": "The time of a delegation is over; for both.",
}
"""The codes of these events, each with what it tells."""
