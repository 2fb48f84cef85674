"""Claims that the administrator has gone: who is asked, and what ends one that waits for an answer."""

from __future__ import annotations

from typing import Any

from sealauthz.model.effects.members import administrators, persons_of
from sealauthz.model.records.retrieval import CaseState
from sealauthz.schema import FOREVER, Event, Instant, RecordChange, Update

EVENTS = {"RETRIEVAL_RESOLVED": "An administrator answered, so that the retrieval is over."}


def asked(enterprise: Any, now: Instant) -> tuple[str, ...]:
    """Return whom a claim asks: the active administrators and the legal representative."""
    named = (each.legal_rep_id for each in enterprise.registry_snapshots if each.is_current and each.legal_rep_id)
    return tuple(dict.fromkeys((*persons_of(administrators(enterprise, now)), *named)))


def is_waiting(case: Any, now: Instant) -> bool:
    """Tell whether a claim may still be answered."""
    return bool(case.state == "CLAIMED" and now < case.claimed_until)


def is_settled(case: Any) -> bool:
    """Tell whether a claim is answered though its time ran out, as the rules do (`was_settled`, words.polar)."""
    until = case.claimed_until
    own = [each for each in case.enterprise.applications if each.person_id == case.applicant_id]
    if any(case.opened_at <= each.decided_at < until for each in own):
        return True
    could_decide = case.enterprise.operating_state == "ACTIVE"
    return case.in_charge_at > 0 and not (could_decide and any(_was_left_undecided(each, until) for each in own))


def _was_left_undecided(application: Any, until: Instant) -> bool:
    if application.state in ("PENDING", "EXPIRED"):
        return bool(until <= application.expires_at)
    return bool(until <= application.decided_at)


def ended(case: Any, state: CaseState, now: Instant) -> Update:
    """Return the end of a case. A claim that still waited is answered by it, and never goes unanswered."""
    is_answered = case.state == "CLAIMED" and (is_waiting(case, now) or is_settled(case))
    values = {"state": state, **({"claimed_until": FOREVER} if is_answered else {})}
    return Update("RetrievalCase", case.id, values)


def resolved(cases: list[Any], now: Instant) -> tuple[list[RecordChange], list[Event]]:
    """Return the ends of cases that an administrator answered, and what their applicants hear of it."""
    about = [
        Event("RETRIEVAL_RESOLVED", case.enterprise_id, ("RetrievalCase", case.id), (case.applicant_id,))
        for case in cases
    ]
    return [ended(case, CaseState.RESOLVED_BY_ADMIN, now) for case in cases], about


def waiting(enterprise: Any, now: Instant, applicant_id: str | None = None) -> list[Any]:
    """Return the claim that waits for an answer, of this applicant or of anybody; there is one at most."""
    return [
        case
        for case in enterprise.retrieval_cases
        if is_waiting(case, now) and applicant_id in (None, case.applicant_id)
    ]
