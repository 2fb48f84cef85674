"""The enterprise itself: how it is certified and authenticated, its name, what leaves it, and who watches its seals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from sealauthz.model.effects.acting import refuse
from sealauthz.model.effects.members import Ending, administrators, administrators_of, give_role, persons_of, take_in
from sealauthz.model.records.membership import JoinedVia, Role
from sealauthz.model.records.organisation import (
    AuthenticationState,
    CertificationMethod,
    CertificationState,
    MonitorSubscription,
    SubscriptionState,
)
from sealauthz.model.records.retrieval import EnterpriseAuthentication, ReviewVerdict
from sealauthz.model.records.seals import CertificateState, ProposalState, SealState
from sealauthz.schema import Act, Duty, Event, MetBy, Outcome, Put, RecordChange
from sealauthz.schema.effect import Value
from sealauthz.schema.record import Ref

EVENTS = {
    "CERTIFICATION_OPENED": "A certification of an enterprise waits for the platform's reviewers.",
    "CERTIFICATION_PASSED": "A certification passed its review.",
    "CERTIFICATION_REJECTED": "A certification did not pass its review.",
    "CERTIFICATION_WITHDRAWN": "Who gave a certification took it back.",
    "ENTERPRISE_AUTHENTICATED": "An enterprise is authenticated, and has its first administrator.",
    "NAME_CHANGED": "An enterprise bears the name that the registry states now; its seals and certificates ended.",
    "CERTIFICATE_WANTED": "The certificate authority is to issue a certificate in the new name.",
    "DATA_EXPORTED": "Somebody took the data of the enterprise out.",
    "MONITORING_CHANGED": "Somebody watches the seals from now on, or no longer.",
}

_DECIDED = {ReviewVerdict.PASSED: CertificationState.PASSED, ReviewVerdict.REJECTED: CertificationState.REJECTED}


def _told(record: Any, code: str, *recipients: str, **values: Any) -> Event:
    return Event(code, record.enterprise_id, (type(record).__name__, record.id), recipients, values)


# --- certifying and authenticating ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CertifyArguments:
    """Certifying an enterprise or a case: how."""

    method: CertificationMethod


def certify(act: Act) -> Outcome:
    """Open the first certification of an enterprise, which the platform's staff decide.

    It gives nothing by itself. Who certifies again takes back what they certified before; and once an authentication
    has failed, nobody's earlier certification counts any more.
    """
    enterprise, has_failed = act.resource, act.resource.auth_state == "AUTH_FAILED"
    changes: list[RecordChange] = [
        act.set(each, state=CertificationState.EXPIRED)
        for each in enterprise.authentications
        if each.purpose == "FIRST"
        and each.state in ("SUBMITTED", "IN_REVIEW", "PASSED")
        and (has_failed or each.applicant_id == act.subject.id)
    ]
    made = EnterpriseAuthentication(
        act.new_id("certification"), enterprise.id, act.subject.id, act.arguments.method, act.now
    )
    changes.append(Put(made))
    if enterprise.auth_state != "CERTIFYING":
        changes.append(act.set(enterprise, auth_state=AuthenticationState.CERTIFYING))
    return Outcome(tuple(changes), (_told(made, "CERTIFICATION_OPENED"),), {"certification_id": made.id})


@dataclass(frozen=True, slots=True)
class DecideCertificationArguments:
    """Deciding a certification: what was found; and who was found to be the sole owner, where that was examined."""

    verdict: ReviewVerdict
    owner: Annotated[str | None, Ref("Person")] = None


def decide_certification(act: Act) -> Outcome:
    """Write down what a reviewer found. The enterprise is authenticated by its applicant, and not by this.

    Where nothing else waits or has passed, the authentication has failed, and is begun again by another certification.
    """
    said: DecideCertificationArguments = act.arguments
    certification, enterprise = act.resource, act.resource.enterprise
    if said.owner is not None and said.owner == act.subject.id:
        refuse("arguments[owner]", "is who decides")
    if said.owner is not None and said.verdict != "PASSED":
        refuse("arguments[owner]", "goes with the verdict PASSED")
    decided = {"decided_at": act.now, "reviewer_id": act.subject.id, "owner_id": said.owner}
    changes = [act.set(certification, state=_DECIDED[said.verdict], **decided)]
    is_first = certification.purpose == "FIRST" and enterprise.auth_state == "CERTIFYING"
    others = (each for each in enterprise.authentications if each.purpose == "FIRST" and each.id != certification.id)
    hopes = any(each.state in ("SUBMITTED", "IN_REVIEW", "PASSED") for each in others)
    if said.verdict == "REJECTED" and is_first and not hopes:
        changes.append(act.set(enterprise, auth_state=AuthenticationState.AUTH_FAILED))
    return Outcome(tuple(changes), (_told(certification, f"CERTIFICATION_{said.verdict}", certification.applicant_id),))


def withdraw_certification(act: Act) -> Outcome:
    """Take back what one gave to be examined."""
    change = act.set(act.resource, state=CertificationState.EXPIRED)
    return Outcome((change,), (_told(act.resource, "CERTIFICATION_WITHDRAWN"),))


def authenticate(act: Act) -> Outcome:
    """Authenticate the enterprise on the passed certification of the person who asks, who becomes its administrator.

    Asking opens nothing: `certify` opens the certification that is needed, and somebody of the platform decides it. The
    enterprise takes the name that the registry states, where it states one.
    """
    enterprise = act.resource
    if enterprise.auth_state == "AUTH_FAILED":
        refuse("resource", "failed its authentication: certify it again first")
    ending = Ending(act.snapshot, act.now, enterprise)
    membership_id, membership, changes = take_in(act, ending, enterprise, act.subject.id, JoinedVia.AUTHENTICATOR)
    is_primary = not any(each.is_primary for each in administrators_of(enterprise))
    assignment_id, given = give_role(
        act, ending, Role.SYSTEM_ADMIN, membership_id, membership, None, is_primary=is_primary
    )
    # Who authenticated it makes its first seals, as a seal administrator for the first days.
    ends = act.now + act.context.parameters.first_days
    _, runs_seals = give_role(act, ending, Role.SEAL_ADMIN, membership_id, membership, None, valid_to=ends)
    name = next((each.registered_name for each in enterprise.registry_snapshots if each.is_current), "")
    changes.append(act.set(enterprise, auth_state=AuthenticationState.AUTHENTICATED, name=name or enterprise.name))
    about = ("Enterprise", enterprise.id)
    told = Event("ENTERPRISE_AUTHENTICATED", enterprise.id, about, (act.subject.id,), {"assignment_id": assignment_id})
    values = {"membership_id": membership_id, "assignment_id": assignment_id}
    return Outcome((*ending.changes, *changes, *given, *runs_seals), (*ending.events, told), values)


# --- the name ---------------------------------------------------------------------------------------------------------


def change_name(act: Act) -> Outcome:
    """Take the name that the registry states. What bears the old name ends with it.

    Every seal of the enterprise's own is revoked, at once and for good; the legal representative's bears a person's
    name, and one that was collected waits for its destruction. The certificates are revoked, too: the certificate
    authority issues another one in the new name, and nothing is sealed before.
    """
    enterprise = act.resource
    name = next(each.registered_name for each in enterprise.registry_snapshots if each.is_current)
    changes: list[RecordChange] = [act.set(enterprise, name=name)]
    for seal in enterprise.seals:
        if seal.kind == "LEGAL_REP" or seal.state in ("REVOKED", "DESTROYED", "COLLECTED"):
            continue
        changes.append(act.set(seal, state=SealState.REVOKED))
        changes += [act.set(each, state=ProposalState.WITHDRAWN) for each in seal.proposals if each.state == "OPEN"]
    ended = [each for each in enterprise.certificates if each.state != "REVOKED"]
    changes += [act.set(each, state=CertificateState.REVOKED) for each in ended]
    about = ("Enterprise", enterprise.id)
    told = persons_of(administrators(enterprise, act.now))
    seals = sum(1 for change in changes if getattr(change, "record_type", "") == "Seal")
    events = [Event("NAME_CHANGED", enterprise.id, about, told, {"seals": seals, "certificates": len(ended)})]
    if ended:
        events.append(Event("CERTIFICATE_WANTED", enterprise.id, about))
    return Outcome(tuple(changes), tuple(events))


# --- watching ---------------------------------------------------------------------------------------------------------


def subscribe(act: Act) -> Outcome:
    """Name a leader who watches a seal, or all of them. Who watches it already goes on, and is named once."""
    enterprise, leader, seal = act.resource, act.context.leader, act.context.seal
    seal_id = None if seal is None else seal.id
    for each in enterprise.monitors:
        if (each.leader_id, each.seal_id, each.state) == (leader.id, seal_id, "ACTIVE"):
            return Outcome(values={"subscription_id": each.id})
    made = MonitorSubscription(act.new_id("subscription"), enterprise.id, leader.id, seal_id)
    return Outcome((Put(made),), values={"subscription_id": made.id})


def end_subscription(act: Act) -> Outcome:
    """End a watch."""
    return Outcome((act.set(act.resource, state=SubscriptionState.ENDED),))


def _tell_watchers(act: Act, _named: Mapping[str, Value]) -> Iterable[Event]:
    """Tell those who run the enterprise, and the leader, that the watching changed."""
    if act.action == "subscribe":
        enterprise, leader = act.resource, act.context.leader
    else:
        enterprise, leader = act.resource.enterprise, act.resource.leader
    told = persons_of((leader, *administrators(enterprise, act.now)))
    about = (type(act.resource).__name__, act.resource.id)
    yield Event("MONITORING_CHANGED", enterprise.id, about, told, {"membership_id": leader.id})


def _tell_export(act: Act, _named: Mapping[str, Value]) -> Iterable[Event]:
    """Tell those who run the enterprise, and the registered contact, that data was taken out."""
    about = ("Enterprise", act.resource.id)
    told = persons_of(administrators(act.resource, act.now))
    yield Event("DATA_EXPORTED", act.resource.id, about, told, {"person_id": act.subject.id})
    yield Event("DATA_EXPORTED", act.resource.id, about, (), {"person_id": act.subject.id})


DUTIES = (
    Duty("TAKE_REGISTERED_NAME", MetBy.EFFECT),
    Duty("REVOKE_NAMED_SEALS", MetBy.EFFECT),
    Duty("LOG_EXPORT", MetBy.EVENT, tell=_tell_export),
    Duty("WATERMARK", MetBy.CALLER),
    Duty("MASK_PERSONAL_DATA", MetBy.CALLER),
    Duty("LOG_SUBSCRIPTION_CHANGE", MetBy.EVENT, tell=_tell_watchers),
)
