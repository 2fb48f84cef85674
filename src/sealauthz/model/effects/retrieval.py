"""Taking an enterprise back: the case, from its opening over certification and review to its notice and objections."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sealauthz.model.effects import claims
from sealauthz.model.effects.acting import refuse
from sealauthz.model.effects.bound import check_arguments
from sealauthz.model.effects.members import held_roles, persons_of
from sealauthz.model.records.organisation import CertificationMethod, CertificationPurpose, CertificationState
from sealauthz.model.records.retrieval import (
    CaseState,
    EnterpriseAuthentication,
    Objection,
    ObjectionState,
    RetrievalCase,
    RetrievalPath,
    RetrievalReason,
    RetrievalReview,
    ReviewVerdict,
)
from sealauthz.schema import FOREVER, Act, Duty, Event, MetBy, Outcome, Put, RecordChange
from sealauthz.schema.effect import Value

EVENTS = {
    "RETRIEVAL_OPENED": "Somebody opened a case to retrieve the enterprise.",
    "RETRIEVAL_CLAIMED": "Somebody claims that the administrator has gone: ask all in charge, by every channel.",
    "RETRIEVAL_CLAIM_RUNS": "All in charge were asked, and the time to answer a claim runs.",
    "RETRIEVAL_IN_CHARGE": "An administrator answered a claim: they are in charge, and decide the application.",
    "RETRIEVAL_UNANSWERED": "Nobody answered a claim in its time: its applicant goes on to certify it.",
    "RETRIEVAL_ENDED": "A case ended unfinished: another one takes its place, or it was let lie.",
    "RETRIEVAL_SUBMITTED": "A case waits for the platform's reviewers.",
    "RETRIEVAL_REJECTED": "The reviewers did not pass the case; its applicant may try again.",
    "RETRIEVAL_NOTICE_WANTED": "Everybody concerned is to be told of the case now, by every channel.",
    "RETRIEVAL_NOTICE": "The time of the notice runs; those concerned may object until it ends.",
    "RETRIEVAL_OBJECTION": "Somebody objects to the case.",
    "RETRIEVAL_OBJECTION_DECIDED": "The objections to the case were decided.",
    "RETRIEVAL_WITHDRAWN": "The applicant gave the case up.",
}


class Finding(StrEnum):
    """What was found about an objection or an appeal."""

    UPHELD = "UPHELD"
    DISMISSED = "DISMISSED"


def told(case: Any, code: str, *recipients: str, **values: Any) -> Event:
    """Return an event about a case."""
    return Event(code, case.enterprise_id, ("RetrievalCase", case.id), tuple(dict.fromkeys(recipients)), values)


def concerned(case: Any) -> tuple[str, ...]:
    """Return whom a case concerns: who runs the enterprise or its seals, suspended or not, and whom the registry names.

    Never its applicant, who learns of it otherwise.
    """
    enterprise = case.enterprise
    officers = [
        each
        for each in enterprise.memberships
        if each.state != "ENDED" and any(role.role in ("SYSTEM_ADMIN", "SEAL_ADMIN") for role in held_roles(each))
    ]
    named = (each.legal_rep_id for each in enterprise.registry_snapshots if each.is_current and each.legal_rep_id)
    found = dict.fromkeys((*persons_of(officers), *named))
    return tuple(each for each in found if each != case.applicant_id)


# --- opening, certifying, submitting ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RetrieveArguments:
    """Opening a case: on which path, and what there is to say beside the reason."""

    path: RetrievalPath
    reason_text: str = ""


def retrieve(act: Act) -> Outcome:
    """Open a case. It claims something, and moves no power. One that is unfinished ends for it."""
    said: RetrieveArguments = act.arguments
    made = RetrievalCase(
        act.new_id("case"),
        act.resource.id,
        act.subject.id,
        RetrievalReason(act.context.reason),
        said.path,
        act.now,
        reason_text=said.reason_text,
    )
    return Outcome((Put(made),), (told(made, "RETRIEVAL_OPENED", act.subject.id),), {"case_id": made.id})


def claim(act: Act) -> Outcome:
    """Claim that the administrator has gone: all in charge are asked, and the case waits for their answer."""
    said: RetrieveArguments = act.arguments
    if not said.reason_text.strip():
        refuse("arguments[reason_text]", "must not be empty: say how you know that the administrator has gone")
    made = RetrievalCase(
        act.new_id("case"),
        act.resource.id,
        act.subject.id,
        RetrievalReason(act.context.reason),
        said.path,
        act.now,
        CaseState.CLAIMED,
        reason_text=said.reason_text,
        claimed_until=FOREVER,
    )
    whom = tuple(each for each in claims.asked(act.resource, act.now) if each != act.subject.id)
    events = (told(made, "RETRIEVAL_OPENED", act.subject.id), told(made, "RETRIEVAL_CLAIMED", *whom))
    return Outcome((Put(made),), events, {"case_id": made.id})


def answer(act: Act) -> Outcome:
    """Say that one is in charge. What its applicant applied for is then to be decided; without that, the case is over.

    The time to decide does not begin before everybody was asked.
    """
    case = act.resource
    pending = [
        each
        for each in case.enterprise.applications
        if (each.person_id, each.state) == (case.applicant_id, "PENDING") and act.now < each.expires_at
    ]
    if not pending:
        change = act.set(case, state=CaseState.RESOLVED_BY_ADMIN, in_charge_at=act.now, claimed_until=FOREVER)
        return Outcome((change,), (told(case, "RETRIEVAL_RESOLVED", case.applicant_id),))
    runs = case.claimed_until != FOREVER
    until = act.now + act.context.parameters.claim_decision_within if runs else FOREVER
    times = {"decision_until": until} if runs else {}
    event = told(case, "RETRIEVAL_IN_CHARGE", case.applicant_id, **times)
    return Outcome((act.set(case, in_charge_at=act.now, claimed_until=until),), (event,))


def _end_unfinished(act: Act, named: Mapping[str, Value]) -> Iterable[RecordChange]:
    """End the case in whose place the new one comes: the representative's supersedes it, or it was let lie."""
    case = next(each for each in act.resource.retrieval_cases if each.id == named["case_id"])
    is_representative = any(
        each.is_current and each.legal_rep_id == act.subject.id for each in act.resource.registry_snapshots
    )
    is_superseded = is_representative and case.applicant_id != act.subject.id
    yield claims.ended(case, CaseState.SUPERSEDED if is_superseded else CaseState.EXPIRED, act.now)


def certify_case(act: Act) -> Outcome:
    """Give a certification for a case: papers, a letter, a payment, or the representative's own word.

    After a rejection it begins the next attempt. What one gave before in the same way is taken back by it.
    """
    case, method = act.resource, CertificationMethod(act.context.method)
    attempt = case.attempt + 1 if case.state == "REJECTED" else case.attempt
    changes: list[RecordChange] = [
        act.set(each, state=CertificationState.EXPIRED)
        for each in case.certifications
        if (each.method, each.attempt, each.state) == (method, attempt, "SUBMITTED")
    ]
    made = EnterpriseAuthentication(
        act.new_id("certification"),
        case.enterprise_id,
        case.applicant_id,
        method,
        act.now,
        CertificationPurpose.RETRIEVAL,
        case_id=case.id,
        attempt=attempt,
    )
    changes.append(Put(made))
    # What is prepared while a claim waits for its answer does not move it on.
    state = CaseState.CLAIMED if claims.is_waiting(case, act.now) else CaseState.CERTIFYING
    changes.append(act.set(case, state=state, attempt=attempt))
    return Outcome(tuple(changes), values={"certification_id": made.id})


def submit(act: Act) -> Outcome:
    """Hand a case in. Papers wait for the reviewers; the representative's own path goes to its notice at once."""
    case = act.resource
    if case.state == "REJECTED":
        refuse("resource", "was rejected: certify it again first, for the next attempt")
    if case.path == RetrievalPath.LEGAL_REP_ONLINE:
        passed = [
            act.set(each, state=CertificationState.PASSED, decided_at=act.now)
            for each in _certifications(case, ("SUBMITTED", "IN_REVIEW"))
        ]
        change = act.set(case, state=CaseState.NOTICE, notice_from=act.now)
        return Outcome((*passed, change), (told(case, "RETRIEVAL_NOTICE_WANTED", *concerned(case)),))
    waiting = [act.set(each, state=CertificationState.IN_REVIEW) for each in _certifications(case, ("SUBMITTED",))]
    return Outcome((*waiting, act.set(case, state=CaseState.IN_REVIEW)), (told(case, "RETRIEVAL_SUBMITTED"),))


def _certifications(case: Any, states: tuple[str, ...]) -> Iterator[Any]:
    """Return what decides the present attempt in these states: a payment is decided by itself."""
    for each in case.certifications:
        if each.attempt == case.attempt and each.state in states and each.method != "BANK_TRANSFER":
            yield each


def withdraw_case(act: Act) -> Outcome:
    """Give a case up."""
    case = act.resource
    whom = () if case.state in ("DRAFT", "CERTIFYING", "IN_REVIEW", "REJECTED") else concerned(case)
    change = claims.ended(case, CaseState.WITHDRAWN, act.now)
    return Outcome((change,), (told(case, "RETRIEVAL_WITHDRAWN", *whom),))


# --- review and notice ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReviewArguments:
    """Reviewing an attempt: what was found."""

    verdict: ReviewVerdict


def _review(act: Act, case: Any, verdict: ReviewVerdict) -> RetrievalReview:
    """Return the review of the present attempt by the subject, from the post of a reviewer."""
    posts = sorted(each.id for each in act.subject.staff_posts if (each.duty, each.state) == ("REVIEWER", "ACTIVE"))
    return RetrievalReview(act.new_id("review"), case.id, posts[0], case.attempt, verdict, act.now)


def review(act: Act) -> Outcome:
    """Review an attempt. One refusal rejects it; with the last review that is needed its notice begins.

    Two reviewers are needed, and three where the registry lists the enterprise as abnormal (A-04).
    """
    case, verdict = act.resource, act.arguments.verdict
    made = _review(act, case, verdict)
    if verdict == "REJECTED":
        refused = [
            act.set(each, state=CertificationState.REJECTED, decided_at=act.now)
            for each in _certifications(case, ("SUBMITTED", "IN_REVIEW"))
        ]
        changes: tuple[RecordChange, ...] = (Put(made), *refused, act.set(case, state=CaseState.REJECTED))
        return Outcome(changes, (told(case, "RETRIEVAL_REJECTED", case.applicant_id),), {"review_id": made.id})
    passed = {each.staff.person_id for each in case.reviews if _is_pass(each, case)} | {act.subject.id}
    is_abnormal = any(each.is_current and each.status == "ABNORMAL" for each in case.enterprise.registry_snapshots)
    if len(passed) < (3 if is_abnormal else 2):
        return Outcome((Put(made),), values={"review_id": made.id})
    papers = [
        act.set(each, state=CertificationState.PASSED, decided_at=act.now)
        for each in _certifications(case, ("SUBMITTED", "IN_REVIEW"))
    ]
    change = act.set(case, state=CaseState.NOTICE, notice_from=act.now)
    event = told(case, "RETRIEVAL_NOTICE_WANTED", *concerned(case))
    return Outcome((Put(made), *papers, change), (event,), {"review_id": made.id})


def _is_pass(each: Any, case: Any) -> bool:
    return bool((each.attempt, each.verdict, each.staff.duty) == (case.attempt, "PASSED", "REVIEWER"))


def publish_notice(act: Act) -> Outcome:
    """Let the time of the notice, or to answer a claim, run from now on: those concerned have been written to before.

    What became of each writing is a fact of the platform (NoticeDelivery). Where the policies say that somebody was not
    reached, or that there is nobody to reach, the notice is made public beside it.
    """
    case = act.resource
    is_public = "MAKE_NOTICE_PUBLIC" in act.obligations
    values = {"notice_from": act.now, **({"published_at": act.now} if is_public else {})}
    numbers = act.context.parameters
    if case.state == "CLAIMED":
        until = act.now + numbers.claim_answer_within
        times = {"notice_from_at": act.now, "notice_until": until}
        event = told(case, "RETRIEVAL_CLAIM_RUNS", case.applicant_id, *claims.asked(case.enterprise, act.now), **times)
        return Outcome((act.set(case, **values, claimed_until=until),), (event,))
    is_short = case.path == RetrievalPath.LEGAL_REP_ONLINE and not is_public
    until = act.now + (numbers.notice_legal_rep if is_short else numbers.notice_documents)
    times = {"notice_from_at": act.now, "notice_until": until}
    event = told(case, "RETRIEVAL_NOTICE", case.applicant_id, *concerned(case), **times)
    return Outcome((act.set(case, **values),), (event,))


# --- objections -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ObjectArguments:
    """Objecting: on which ground."""

    ground: str = ""


def object_to(act: Act) -> Outcome:
    """Object to a case. It waits for the reviewers then; on the representative's own path it goes on all the same."""
    check_arguments(act)
    case = act.resource
    made = Objection(act.new_id("objection"), case.id, act.subject.id, act.now, ground=act.arguments.ground)
    changes: list[RecordChange] = [Put(made)]
    if case.state != "OBJECTED":
        changes.append(act.set(case, state=CaseState.OBJECTED))
    event = told(case, "RETRIEVAL_OBJECTION", case.applicant_id, objection_id=made.id)
    return Outcome(tuple(changes), (event,), {"objection_id": made.id})


@dataclass(frozen=True, slots=True)
class FindingArguments:
    """Deciding about objections or an appeal: what was found."""

    finding: Finding


def adjudicate(act: Act) -> Outcome:
    """Say what a reviewer finds about the objections to a case that are open: it counts as a review of the attempt.

    To dismiss takes two reviewers. With the second the case is in its notice again, so that others may still object
    until that ends. To uphold takes one, since no case is executed that one reviewer refused; only the legal
    representative's own path goes on.
    """
    case, finding = act.resource, act.arguments.finding
    made = _review(act, case, ReviewVerdict.PASSED if finding == "DISMISSED" else ReviewVerdict.REJECTED)
    is_open = [each for each in case.objections if each.state == "OPEN"]
    changes: list[RecordChange] = [Put(made)]
    values = {"review_id": made.id}
    decided = told(case, "RETRIEVAL_OBJECTION_DECIDED", case.applicant_id, *(each.person_id for each in is_open))
    if finding == "UPHELD":
        changes += [act.set(each, state=ObjectionState.UPHELD) for each in is_open]
        goes_on = case.path == RetrievalPath.LEGAL_REP_ONLINE
        changes.append(act.set(case, state=CaseState.NOTICE if goes_on else CaseState.REJECTED_FINAL))
        return Outcome(tuple(changes), (decided,), values)
    dismissed = [each for each in is_open if _dismissed_by_another(each, act.subject.id, case)]
    changes += [act.set(each, state=ObjectionState.DISMISSED) for each in dismissed]
    if len(dismissed) < len(is_open):
        return Outcome(tuple(changes), values=values)
    changes.append(act.set(case, state=CaseState.NOTICE))
    return Outcome(tuple(changes), (decided,), values)


def _dismissed_by_another(objection: Any, person_id: str, case: Any) -> bool:
    """Tell whether another reviewer, who had not judged the case before the objection, found nothing in it."""
    for each in case.reviews:
        by = each.staff.person_id
        if not _is_pass(each, case) or by in (person_id, objection.person_id):
            continue
        if all(earlier.decided_at >= objection.raised_at for earlier in case.reviews if earlier.staff.person_id == by):
            return True
    return False


DUTIES = (
    Duty("END_UNFINISHED_CASE", MetBy.TRANSACTION, meet=_end_unfinished),
    Duty("MAKE_NOTICE_PUBLIC", MetBy.EFFECT),
)
