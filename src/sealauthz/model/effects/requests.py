"""Asking for the use of a seal, deciding on that, and what is owed after a use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sealauthz.model.effects.acting import check_length, own_membership, refuse
from sealauthz.model.effects.approval import Course, approvers_of, course_of
from sealauthz.model.effects.members import live_membership
from sealauthz.model.effects.told import about_seal, alert, persons, seal_administrators, watchers_of
from sealauthz.model.records.requests import (
    Approval,
    ApprovalVerdict,
    RequestDocument,
    SealUseRequest,
    UsePhoto,
    UseRequestState,
)
from sealauthz.schema import Act, Event, Instant, Outcome, Put, Update
from sealauthz.schema.action import Snapshot
from sealauthz.schema.record import Ref


@dataclass(frozen=True, slots=True)
class UseRequest:
    """What a member asks to use a seal for: a contract, whose documents are known, or papers by their digests."""

    valid_to: Instant
    valid_from: Instant | None = None
    contract: Annotated[str | None, Ref("Contract")] = None
    documents: tuple[str, ...] = ()
    purpose: str = ""
    uses: int = 1
    is_out_of_hours: bool = False
    carries_out: bool = False


@dataclass(frozen=True, slots=True)
class UsePhotos:
    """Photos of a use, by their digests."""

    digests: tuple[str, ...]


def request_use(act: Act) -> Outcome:
    """Ask to use a seal, and submit that for approval. It lasts no longer than the year in which it begins, by the
    calendar of the seal's owner: then it is asked for again.

    The documents are those of the contract as they are now: another document is another request.
    """
    seal, given, process = act.resource, act.arguments, act.context.process
    applicant = own_membership(act, seal.enterprise)
    begin = act.now if given.valid_from is None else given.valid_from
    if not max(begin, act.now) < given.valid_to:
        refuse("arguments[valid_to]", "must be after the request begins, and to come")
    check_length(begin, given.valid_to, act.context.parameters.request_longest)
    end = min(given.valid_to, _year_end(begin, seal.enterprise.timezone))
    if end <= act.now:
        refuse("arguments[valid_from]", "is in a year that is over")
    if given.uses < 1:
        refuse("arguments[uses]", "must be at least 1")
    digests = _documents(act, seal, given)
    if given.carries_out and seal.category != "PHYSICAL":
        refuse("arguments[carries_out]", "is for a physical seal")
    made = SealUseRequest(
        act.new_id("request"),
        seal.id,
        applicant.id,
        act.now,
        begin,
        end,
        contract_id=given.contract,
        state=UseRequestState.IN_APPROVAL,
        uses=given.uses,
        purpose=given.purpose,
        process_id=process and process.id,
        is_out_of_hours=given.is_out_of_hours,
        device_id=seal.device_id if seal.category == "PHYSICAL" else None,
        carries_out=given.carries_out,
    )
    details = (Put(RequestDocument(act.new_id(f"document-{each}"), made.id, each)) for each in digests)
    if process is None:
        next_ = approvers_of(seal, act.now)
    else:
        next_ = Course(process, applicant, act.now, (), act.now).awaited(seal.enterprise)
    told = persons(next_, [act.subject.id])
    event = about_seal("APPROVAL_WANTED", act, seal, told, request_id=made.id, valid_until=made.valid_to)
    return Outcome((Put(made), *details), (event,), {"request_id": made.id, "valid_to": made.valid_to})


def _year_end(at: Instant, timezone: str) -> Instant:
    """Return when the year that an instant is in ends in a time zone."""
    start = datetime(1970, 1, 1, tzinfo=UTC)
    try:
        zone = ZoneInfo(timezone)
        local = (start + timedelta(microseconds=at)).astimezone(zone)
        ends = datetime(local.year + 1, 1, 1, tzinfo=zone)
        return (ends.astimezone(UTC) - start) // timedelta(microseconds=1)
    except (ZoneInfoNotFoundError, ValueError, OverflowError):
        refuse("arguments[valid_from]", "is in no year of the owner's calendar: check it, and the owner's `timezone`")


def _documents(act: Act, seal: Any, given: Any) -> tuple[str, ...]:
    """The digests of what is to be sealed: of the contract's documents, or of the papers that the request lists."""
    if given.contract is None:
        digests = tuple(dict.fromkeys(given.documents))
        if not digests or "" in digests:
            refuse("arguments[documents]", "must list the papers, or the contract whose documents they are")
        return digests
    if given.documents:
        refuse("arguments[documents]", "is for papers without a contract: a contract says which documents it has")
    contract = act.snapshot.find("Contract", given.contract)
    if contract is None or all(party.enterprise_id != seal.enterprise_id for party in contract.signatories):
        refuse("arguments[contract]", "is none that the seal's owner is a party of")
    digests = tuple(dict.fromkeys(document.digest for document in contract.documents))
    if not digests or "" in digests:
        refuse("arguments[contract]", "has no document, or one whose digest is not known")
    return digests


# --- deciding ---------------------------------------------------------------------------------------------------------


def approve(act: Act) -> Outcome:
    """Give a verdict on the step whose turn it is. The last one approves the request."""
    request = act.resource
    approval = _verdict(act, request, ApprovalVerdict.PASSED)
    course = course_of(request, act.now, approval)
    if course is None or all(course.is_passed(step) for step in course.steps):
        event = _to_applicant("REQUEST_APPROVED", act, request)
        return Outcome(
            (Put(approval), act.set(request, state=UseRequestState.APPROVED)), (event,), {"approval_id": approval.id}
        )
    seen = [act.subject.id, request.applicant.person_id, *(each.approver.person_id for each in request.approvals)]
    told = persons(course.awaited(request.seal.enterprise), seen)
    named = {"request_id": request.id, "valid_until": request.valid_to}
    event = about_seal("APPROVAL_WANTED", act, request.seal, told, **named)
    return Outcome((Put(approval),), (event,), {"approval_id": approval.id})


def reject(act: Act) -> Outcome:
    """Refuse a request, for the reason that the context states: that ends it, whatever others have said."""
    request = act.resource
    approval = _verdict(act, request, ApprovalVerdict.REJECTED, act.context.reason)
    changes = (Put(approval), act.set(request, state=UseRequestState.REJECTED))
    return Outcome(changes, (_to_applicant("REQUEST_REJECTED", act, request),), {"approval_id": approval.id})


def withdraw(act: Act) -> Outcome:
    """Take back a request that is not used yet."""
    return Outcome((act.set(act.resource, state=UseRequestState.WITHDRAWN),))


def deliver_photos(act: Act) -> Outcome:
    """Deliver photos that are owed of a physical use; each counts once."""
    request, digests = act.resource, act.arguments.digests
    if not digests or "" in digests or len(set(digests)) < len(digests):
        refuse("arguments[digests]", "must name each photo once, by its digest")
    if len(digests) > request.photos_owed:
        refuse("arguments[digests]", f"has more photos than the {request.photos_owed} that are owed")
    if not {photo.digest for photo in request.photos}.isdisjoint(digests):
        refuse("arguments[digests]", "has a photo that was delivered before")
    photos = [UsePhoto(act.new_id(f"photo/{each}"), request.id, each, act.now, act.subject.id) for each in digests]
    owed = act.set(request, photos_owed=request.photos_owed - len(digests))
    return Outcome((owed, *map(Put, photos)))


def approve_afterwards(act: Act) -> Outcome:
    """Approve an emergency use after it."""
    use = act.resource
    approver = live_membership(use.grant.seal.enterprise, act.subject.id, act.now)
    # The legal representative approves with or without a membership.
    by = {"representative_id": act.subject.id} if approver is None else {"approved_by_id": approver.id}
    event = about_seal("EMERGENCY_USE_APPROVED", act, use.grant.seal, [use.grant.membership.person_id], use_id=use.id)
    return Outcome((act.set(use, approved_at=act.now, **by),), (event,))


def unapproved(_snapshot: Snapshot, use: Any, now: Instant) -> Outcome:
    """What the sweep writes of an emergency use that nobody approved in time: those concerned are alerted, once.

    No approval comes after that: what was missed is for the enterprise to settle.
    """
    seal, user = use.grant.seal, use.grant.membership.person_id
    told = [user, *approvers_of(seal, now), *seal_administrators(seal.enterprise, now), *watchers_of(seal, now)]
    event = alert("EMERGENCY_USE_NOT_APPROVED", seal, told, use_id=use.id, person_id=user, used_at=use.used_at)
    return Outcome((Update("EmergencyUse", use.id, {"alerted_at": now}),), (event,))


def _verdict(act: Act, request: Any, verdict: ApprovalVerdict, reason: str = "") -> Approval:
    """A verdict on the step whose turn it is, and that names the subject, as the policies have decided."""
    approver = own_membership(act, request.seal.enterprise)
    course = course_of(request, act.now)
    place, step_id = 1, None
    if course is not None:
        step = course.step_for(approver) or refuse("resource", "has no step that waits for the subject")
        place, step_id = step.position, step.id
    made = Approval(act.new_id("approval"), request.id, approver.id, verdict, act.now, place, step_id, reason)
    made.approver = approver  # as the facts will have it, for what follows from it
    return made


def _to_applicant(code: str, act: Act, request: Any) -> Event:
    named = {"request_id": request.id, "uses": request.uses, "valid_until": request.valid_to}
    return about_seal(code, act, request.seal, [request.applicant.person_id], **named)


EVENTS = {
    "APPROVAL_WANTED": "A request to use a seal waits for a verdict; for those whose turn it is.",
    "REQUEST_APPROVED": "A request to use a seal was approved; for the applicant.",
    "REQUEST_REJECTED": "A request to use a seal was refused; for the applicant.",
    "EMERGENCY_USE_APPROVED": "An emergency use was approved afterwards; for the person who used the seal.",
    "EMERGENCY_USE_NOT_APPROVED": "Nobody approved an emergency use in its time; for those concerned.",
}
"""The codes of these events, each with what it tells."""
