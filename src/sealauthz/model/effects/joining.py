"""Coming in: applications to join and what is decided about them, and invitations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from sealauthz.model.effects import claims
from sealauthz.model.effects.acting import refuse
from sealauthz.model.effects.members import Ending, administrators, live_membership, take_in
from sealauthz.model.records.membership import ApplicationState, Invitation, InvitationState, JoinApplication, JoinedVia
from sealauthz.model.records.retrieval import CaseState
from sealauthz.schema import Act, Duty, Event, Instant, MetBy, Outcome, Put, RecordChange
from sealauthz.schema.record import Ref

EVENTS = {
    "APPLICATION_RECEIVED": "Somebody applied to join, and the named administrator decides.",
    "APPLICATION_REMINDER": "The applicant reminds the named administrator.",
    "APPLICATION_APPROVED": "The applicant is a member now.",
    "APPLICATION_REJECTED": "The application was turned down; its record holds the reason.",
    "APPLICATION_WITHDRAWN": "The applicant took the application back.",
    "INVITED": "Somebody is invited to join.",
    "INVITATION_CLAIMED": "Somebody claims an invitation by phone, and the inviter says whether they are meant.",
    "INVITATION_CONFIRMED": "The inviter confirmed who claimed the invitation, who may accept it now.",
    "INVITATION_ACCEPTED": "Somebody came in by an invitation.",
}

_DAY = 86_400_000_000
_APPLICATION_FOR = 30 * _DAY
_INVITATION_FOR = 30 * _DAY
_PHONE_INVITATION_FOR = 7 * _DAY
_RESOLVABLE = frozenset({"DRAFT", "CLAIMED", "CERTIFYING", "IN_REVIEW", "NOTICE"})


def _told(record: Any, code: str, *recipients: str, **values: Any) -> Event:
    return Event(code, record.enterprise_id, (type(record).__name__, record.id), recipients, values)


# --- applying ---------------------------------------------------------------------------------------------------------


def join(act: Act) -> Outcome:
    """Apply to join: the application waits for the administrator who is named in it, for 30 days.

    One of one's own that ran out before is marked so. Where nobody administers, it names nobody, and is given to who
    does next.
    """
    enterprise = act.resource
    old = [
        act.set(each, state=ApplicationState.EXPIRED)
        for each in enterprise.applications
        if each.person_id == act.subject.id and each.state == "PENDING"
    ]
    handler = next(iter(administrators(enterprise, act.now)), None)
    made = JoinApplication(
        act.new_id("application"),
        act.subject.id,
        enterprise.id,
        act.now,
        act.now + _APPLICATION_FOR,
        handler_id=handler and handler.id,
    )
    told = () if handler is None else (handler.person_id,)
    return Outcome(
        (*old, Put(made)),
        (_told(made, "APPLICATION_RECEIVED", *told, expires_at=made.expires_at),),
        {"application_id": made.id},
    )


def remind(act: Act) -> Outcome:
    """Remind the administrator who is named now: the one of the application may have gone."""
    application = act.resource
    named = administrators(application.enterprise, act.now)[0]
    count = application.reminders + 1
    change = act.set(application, reminders=count, last_reminded_at=act.now, handler_id=named.id)
    values = {"reminders": count, "expires_at": application.expires_at}
    return Outcome((change,), (_told(application, "APPLICATION_REMINDER", named.person_id, **values),))


def withdraw_application(act: Act) -> Outcome:
    """Take one's own application back, and with it a claim that the administrator has gone."""
    application = act.resource
    handler = application.handler
    told = () if handler is None else (handler.person_id,)
    change = act.set(application, state=ApplicationState.WITHDRAWN)
    claimed = claims.waiting(application.enterprise, act.now, application.person_id)
    given_up = (claims.ended(case, CaseState.WITHDRAWN, act.now) for case in claimed)
    return Outcome((change, *given_up), (_told(application, "APPLICATION_WITHDRAWN", *told),))


# --- deciding ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ApproveJoinArguments:
    """Taking somebody in: into which department."""

    department: Annotated[str | None, Ref("Department")] = None


def approve_join(act: Act) -> Outcome:
    """Take the applicant in. A retrieval that the applicant has opened is over with it: the administrator answered."""
    application, enterprise = act.resource, act.resource.enterprise
    department_id = act.arguments.department
    if department_id is not None and all(each.id != department_id for each in enterprise.departments):
        refuse("arguments[department]", "is no department of this enterprise")
    ending = Ending(act.snapshot, act.now, enterprise)
    membership_id, _, changes = take_in(
        act, ending, enterprise, application.person_id, JoinedVia.APPLICATION, department_id
    )
    decided = {"state": ApplicationState.APPROVED, "decided_by_id": act.subject.id, "decided_at": act.now}
    changes.append(act.set(application, **decided))
    values = {"membership_id": membership_id}
    events = [_told(application, "APPLICATION_APPROVED", application.person_id, **values)]
    own = [each for each in enterprise.retrieval_cases if each.applicant_id == application.person_id]
    over, heard = claims.resolved([each for each in own if each.state in _RESOLVABLE], act.now)
    return Outcome((*ending.changes, *changes, *over), (*ending.events, *events, *heard), values)


def reject_join(act: Act) -> Outcome:
    """Turn the applicant down, for the reason that the context states. It answers their claim, too."""
    application = act.resource
    decided = {"state": ApplicationState.REJECTED, "decided_by_id": act.subject.id, "decided_at": act.now}
    change = act.set(application, **decided, reason=act.context.reason)
    over, heard = claims.resolved(claims.waiting(application.enterprise, act.now, application.person_id), act.now)
    return Outcome((change, *over), (_told(application, "APPLICATION_REJECTED", application.person_id), *heard))


# --- inviting ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class InviteArguments:
    """Inviting: a person, or a phone with a name, by their keyed hashes; with which token (its hash), until when."""

    token_hash: str
    expires_at: Instant
    target: Annotated[str | None, Ref("Person")] = None
    phone_hash: str = ""
    contact_digest: str = ""


def invite(act: Act) -> Outcome:
    """Invite a person, or the one whom the carrier matches with a phone and a name.

    An invitation names the member who invites, so that the legal representative invites as a member.
    """
    said: InviteArguments = act.arguments
    enterprise = act.resource
    inviter = live_membership(enterprise, act.subject.id, act.now)
    if inviter is None:
        refuse("subject", "is no member of this enterprise, and members invite")
    if (said.target is None) == (said.phone_hash == ""):
        refuse("arguments[target]", "or `phone_hash` is needed, and not both")
    if (said.phone_hash == "") != (said.contact_digest == ""):
        refuse("arguments[contact_digest]", "goes with `phone_hash`: an invited phone has a name")
    longest = _INVITATION_FOR if said.target is not None else _PHONE_INVITATION_FOR
    if not act.now < said.expires_at <= act.now + longest:
        refuse("arguments[expires_at]", f"must be within {longest // _DAY} days from now")
    if said.token_hash == "":
        refuse("arguments[token_hash]", "must not be empty")
    if any(each.person_id == said.target and each.state != "ENDED" for each in enterprise.memberships):
        refuse("arguments[target]", "is a member of this enterprise already")
    made = Invitation(
        act.new_id("invitation"),
        enterprise.id,
        inviter.id,
        said.token_hash,
        act.now,
        said.expires_at,
        target_id=said.target,
        phone_hash=said.phone_hash,
        contact_digest=said.contact_digest,
    )
    told = () if said.target is None else (said.target,)
    return Outcome(
        (Put(made),), (_told(made, "INVITED", *told, expires_at=made.expires_at),), {"invitation_id": made.id}
    )


def claim(act: Act) -> Outcome:
    """Say that an invitation to a phone is one's own: it names the subject from now on, and the inviter confirms."""
    invitation = act.resource
    change = act.set(invitation, target_id=act.subject.id)
    return Outcome((change,), (_told(invitation, "INVITATION_CLAIMED", invitation.inviter.person_id),))


def confirm_invitee(act: Act) -> Outcome:
    """Confirm who claimed the invitation."""
    change = act.set(act.resource, confirmed_at=act.now)
    return Outcome(
        (change,),
        (_told(act.resource, "INVITATION_CONFIRMED", act.resource.target_id, expires_at=act.resource.expires_at),),
    )


def accept(act: Act) -> Outcome:
    """Come in by an invitation, to plain membership. An application that waits beside it has done its part."""
    invitation, enterprise = act.resource, act.resource.enterprise
    ending = Ending(act.snapshot, act.now, enterprise)
    changes: list[RecordChange]
    membership_id, _, changes = take_in(act, ending, enterprise, act.subject.id, JoinedVia.INVITE)
    changes.append(act.set(invitation, state=InvitationState.ACCEPTED))
    for application in enterprise.applications:
        if application.person_id == act.subject.id and application.state == "PENDING":
            changes.append(act.set(application, state=ApplicationState.SUPERSEDED))
    told = _told(invitation, "INVITATION_ACCEPTED", invitation.inviter.person_id)
    over, heard = claims.resolved(claims.waiting(enterprise, act.now, act.subject.id), act.now)
    values = {"membership_id": membership_id}
    return Outcome((*ending.changes, *changes, *over), (*ending.events, told, *heard), values)


DUTIES = (
    Duty("NAME_INVITEE", MetBy.EFFECT),
    Duty("RECORD_CONFIRMATION", MetBy.EFFECT),
    Duty("JOIN_IN_ONE_TRANSACTION", MetBy.EFFECT),
)
