"""Making, changing, reviewing, keeping and ending seals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from sealauthz.model.effects.acting import own_membership, refuse
from sealauthz.model.effects.told import about_seal, persons, seal_administrators, watchers_of
from sealauthz.model.records.requests import UseRequestState
from sealauthz.model.records.seals import (
    ProposalState,
    Seal,
    SealCategory,
    SealEnding,
    SealKind,
    SealProposal,
    SealReview,
    SealReviewState,
    SealState,
    SealWitness,
)
from sealauthz.schema import NEVER, Act, Event, Instant, Outcome, Put, RecordChange
from sealauthz.schema.record import Ref

_LIVING = ("DRAFT", "PENDING_REVIEW", "ACTIVE", "DISABLED", "LOST", "EXPIRED", "COLLECTED")
_OPEN_REQUESTS = ("DRAFT", "IN_APPROVAL", "APPROVED", "IN_USE")
_VERDICTS = {
    "PASSED": (SealReviewState.PASSED, SealState.ACTIVE),
    "REJECTED": (SealReviewState.REJECTED, SealState.REVIEW_REJECTED),
}


@dataclass(frozen=True, slots=True)
class NewSeal:
    """A seal that is made: its kind is in the context, because who may make it depends on that."""

    name: str
    category: SealCategory = SealCategory.ELECTRONIC
    certificate: Annotated[str | None, Ref("Certificate")] = None
    device: Annotated[str | None, Ref("Device")] = None
    face_digest: str = ""


@dataclass(frozen=True, slots=True)
class SealEdit:
    """What is changed of a seal; what is left out stays. Another kind is another seal.

    A new face of a seal that was in use needs `name_on_seal`, because it is submitted for review in the same write.
    """

    name: str | None = None
    certificate: Annotated[str | None, Ref("Certificate")] = None
    device: Annotated[str | None, Ref("Device")] = None
    face_digest: str | None = None
    name_on_seal: str = ""


@dataclass(frozen=True, slots=True)
class Submission:
    """The name that stands on the face of a seal, as a reviewer is to compare it with the registry's."""

    name_on_seal: str


@dataclass(frozen=True, slots=True)
class Custody:
    """For how long the custodian of the context keeps the seal in another's place; without a time, for good."""

    acting_from: Instant = NEVER
    acting_to: Instant = NEVER


@dataclass(frozen=True, slots=True)
class Ending:
    """How a seal is to end."""

    ending: SealEnding


# --- making and changing ----------------------------------------------------------------------------------------------


def create_seal(act: Act) -> Outcome:
    """Make a draft. The legal representative's is of the person who makes it."""
    enterprise, new = act.resource, act.arguments
    if act.context.kind not in tuple(SealKind):
        refuse("context[kind]", "must be a kind of seal")
    kind = SealKind(act.context.kind)
    if not new.name:
        refuse("arguments[name]", "must not be empty")
    if kind is SealKind.LEGAL_REP and any(s.kind == kind and s.state in _LIVING for s in enterprise.seals):
        refuse("context[kind]", "is the legal representative's, of which the enterprise has a living seal")
    if new.category == SealCategory.PHYSICAL and new.certificate is not None:
        refuse("arguments[certificate]", "is nothing that a physical seal has")
    _check_own(enterprise.certificates, new.certificate, "certificate")
    _check_own(enterprise.devices, new.device, "device")
    seal = Seal(
        act.new_id("seal"),
        enterprise.id,
        new.name,
        kind,
        category=SealCategory(new.category),
        certificate_id=new.certificate,
        device_id=new.device,
        face_digest=new.face_digest,
        legal_rep_id=act.subject.id if kind is SealKind.LEGAL_REP else None,
    )
    return Outcome((Put(seal),), values={"seal_id": seal.id})


def edit(act: Act) -> Outcome:
    """Change a seal. A new face of a seal in use puts it under review; a new certificate of an expired one leaves it
    switched off.
    """
    seal, new = act.resource, act.arguments
    values: dict[str, Any] = {}
    if new.name is not None:
        values["name"] = new.name or refuse("arguments[name]", "must not be empty")
    if new.certificate is not None:
        if seal.category == "PHYSICAL":
            refuse("arguments[certificate]", "is nothing that a physical seal has")
        _check_own(seal.enterprise.certificates, new.certificate, "certificate")
        values["certificate_id"] = new.certificate
        if seal.state == "EXPIRED" and new.certificate != seal.certificate_id:
            values["state"] = SealState.DISABLED
    if new.device is not None:
        _check_own(seal.enterprise.devices, new.device, "device")
        values["device_id"] = new.device
    if new.face_digest is None or new.face_digest == seal.face_digest:
        return Outcome((act.set(seal, **values),) if values else ())
    values["face_digest"] = new.face_digest
    if seal.state in ("DRAFT", "REVIEW_REJECTED"):
        return Outcome((act.set(seal, **values),))
    if seal.state not in ("ACTIVE", "DISABLED") or _is_in_review(seal):
        refuse("arguments[face_digest]", "changes the face of a seal that is neither a draft nor in use")
    return _submitted(act, seal, new.face_digest, new.name_on_seal, values)


def submit_review(act: Act) -> Outcome:
    """Submit the face of a seal to another person's review; until then nobody uses the seal."""
    seal = act.resource
    return _submitted(act, seal, seal.face_digest, act.arguments.name_on_seal, {})


def _submitted(act: Act, seal: Any, face: str, name_on_seal: str, values: dict[str, Any]) -> Outcome:
    if not name_on_seal or not face:
        refuse("arguments[name_on_seal]", "must say which name the face bears")
    author = own_membership(act, seal.enterprise)
    review = SealReview(act.new_id("review"), seal.id, author.id, act.now, face, name_on_seal)
    told = persons(seal_administrators(seal.enterprise, act.now), [act.subject.id])
    event = about_seal("SEAL_REVIEW_WANTED", act, seal, told, review_id=review.id)
    change = act.set(seal, **{**values, "state": SealState.PENDING_REVIEW})
    return Outcome((change, Put(review)), (event,), {"review_id": review.id})


def decide(act: Act) -> Outcome:
    """Decide a review: a seal that passed it is in use, one that did not goes back to those who made it."""
    return _decided(act, {"decided_by_id": own_membership(act, act.resource.seal.enterprise).id})


def examine(act: Act) -> Outcome:
    """Decide a review in the first days of an enterprise, as a reviewer of the platform."""
    return _decided(act, {"examiner_id": act.subject.id})


def _decided(act: Act, by: dict[str, str]) -> Outcome:
    review, verdict = act.resource, act.context.verdict
    if verdict not in _VERDICTS:
        refuse("context[verdict]", "must be `PASSED` or `REJECTED`")
    found, moved = _VERDICTS[verdict]
    decided = act.set(review, state=found, decided_at=act.now, **by)
    event = about_seal("SEAL_REVIEWED", act, review.seal, [review.submitted_by.person_id], verdict=verdict)
    return Outcome((decided, act.set(review.seal, state=moved)), (event,))


def disable(act: Act) -> Outcome:
    """Switch a seal off, until it is enabled."""
    return _moved(act, SealState.DISABLED, "SEAL_DISABLED")


def enable(act: Act) -> Outcome:
    """Switch a seal on."""
    return _moved(act, SealState.ACTIVE, "SEAL_ENABLED")


def collect(act: Act) -> Outcome:
    """Collect a physical seal that is switched off: it is not used any more, and can be destroyed before witnesses."""
    return _moved(act, SealState.COLLECTED, "SEAL_COLLECTED")


def _moved(act: Act, state: SealState, code: str) -> Outcome:
    seal = act.resource
    if seal.state == state:
        return Outcome()
    told = watchers_of(seal, act.now)
    return Outcome((act.set(seal, state=state),), (about_seal(code, act, seal, told),))


def assign_custodian(act: Act) -> Outcome:
    """Give a seal into the keeping of the custodian that the context names: for good, or for a time in the place of
    the one who keeps it.
    """
    seal, custodian, term = act.resource, act.context.custodian, act.arguments
    told = [custodian.person_id, *([] if seal.custodian is None else [seal.custodian.person_id])]
    event = about_seal("SEAL_CUSTODY_GIVEN", act, seal, told)
    if term.acting_from == term.acting_to == NEVER:
        return Outcome((act.set(seal, custodian_id=custodian.id),), (event,))
    if not max(term.acting_from, act.now) < term.acting_to:
        refuse("arguments[acting_to]", "must be after the term begins, and to come")
    acting = {"acting_custodian_id": custodian.id, "acting_from": term.acting_from, "acting_to": term.acting_to}
    return Outcome((act.set(seal, **acting),), (event,))


# --- ending -----------------------------------------------------------------------------------------------------------


def propose_end(act: Act) -> Outcome:
    """Propose how a seal ends; another person carries it out."""
    seal, ending = act.resource, act.arguments.ending
    if ending == SealEnding.DESTROY and seal.category != "PHYSICAL":
        refuse("arguments[ending]", "is for a physical seal: an electronic one is revoked")
    author = own_membership(act, seal.enterprise)
    proposal = SealProposal(act.new_id("proposal"), seal.id, ending, author.id, act.now, act.context.reason)
    told = persons(seal_administrators(seal.enterprise, act.now), [act.subject.id])
    event = about_seal("SEAL_ENDING_PROPOSED", act, seal, told, proposal_id=proposal.id)
    return Outcome((Put(proposal),), (event,), {"proposal_id": proposal.id})


def revoke(act: Act) -> Outcome:
    """End a seal for good, as another person proposed. Requests that wait for it are void; its grants give nothing
    and stay on record as they were.
    """
    return _ended(act, SealEnding.REVOKE, SealState.REVOKED)


def destroy(act: Act) -> Outcome:
    """Destroy a collected seal before its witnesses, as another person proposed."""
    return _ended(act, SealEnding.DESTROY, SealState.DESTROYED)


def _ended(act: Act, ending: SealEnding, state: SealState) -> Outcome:
    seal = act.resource
    changes: list[RecordChange] = [act.set(seal, state=state)]
    changes += [
        act.set(proposal, state=ProposalState.CARRIED_OUT)
        for proposal in seal.proposals
        if proposal.state == "OPEN" and proposal.ending == ending
    ]
    changes += [
        act.set(request, state=UseRequestState.VOIDED)
        for request in seal.use_requests
        if request.state in _OPEN_REQUESTS
    ]
    told = watchers_of(seal, act.now)
    applicants = [request.applicant.person_id for request in seal.use_requests if request.state in _OPEN_REQUESTS]
    return Outcome(tuple(changes), (about_seal("SEAL_ENDED", act, seal, [*told, *applicants]),))


def witness(act: Act) -> Outcome:
    """Agree to witness that a seal is destroyed."""
    proposal = act.resource
    member = own_membership(act, proposal.seal.enterprise)
    made = SealWitness(act.new_id("witness"), proposal.id, member.id, act.now)
    return Outcome((Put(made),), (_to_proposer("SEAL_WITNESS_FOUND", act),), {"witness_id": made.id})


def withdraw_proposal(act: Act) -> Outcome:
    """Take a proposal to end a seal back."""
    return Outcome(
        (act.set(act.resource, state=ProposalState.WITHDRAWN),), (_to_proposer("SEAL_ENDING_WITHDRAWN", act),)
    )


def _to_proposer(code: str, act: Act) -> Event:
    proposal = act.resource
    return about_seal(code, act, proposal.seal, [proposal.proposed_by.person_id], proposal_id=proposal.id)


def _is_in_review(seal: Any) -> bool:
    return any(review.state == "IN_REVIEW" for review in seal.reviews)


def _check_own(records: Any, record_id: str | None, argument: str) -> None:
    """Refuse what is another enterprise's, or is not in service."""
    if record_id is None:
        return
    found = records.holding("id", record_id)
    if not found or found[0].state != "ACTIVE":
        refuse(f"arguments[{argument}]", "is none of this enterprise that is in service")


EVENTS = {
    "SEAL_REVIEW_WANTED": "The face of a seal waits for a review; for those who may decide it.",
    "SEAL_REVIEWED": "The review of a seal was decided; for the person who submitted it.",
    "SEAL_DISABLED": "A seal was switched off; for those who watch it.",
    "SEAL_ENABLED": "A seal was switched on; for those who watch it.",
    "SEAL_COLLECTED": "A physical seal was collected; for those who watch it.",
    "SEAL_CUSTODY_GIVEN": "A seal is kept by somebody else; for the old and the new custodian.",
    "SEAL_ENDING_PROPOSED": "Somebody proposed to end a seal; for those who may carry it out.",
    "SEAL_ENDING_WITHDRAWN": "A proposal to end a seal was taken back; for the person who made it.",
    "SEAL_WITNESS_FOUND": "Somebody agreed to witness a destruction; for the person who proposed it.",
    "SEAL_ENDED": "A seal was revoked or destroyed; for those who watch it and those whose requests are void.",
}
"""The codes of these events, each with what it tells."""
