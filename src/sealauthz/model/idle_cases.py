"""Until when a retrieval case waits for its applicant: what the rules say (`words.polar`), to show it or write it."""

from __future__ import annotations

from typing import Any

from sealauthz.runtime.instants import FOREVER, NEVER
from sealauthz.schema.record import Instant

WAITING = ("DRAFT", "CLAIMED", "CERTIFYING", "REJECTED", "NOTICE", "APPROVED")
"""The states in which a case waits for its applicant: it is over when they let it lie."""


def waits_until(case: Any, parameters: Any) -> Instant:
    """Return when a case is over if nothing happens in it any more; FOREVER where it does not wait for them."""
    if case.state == "DRAFT":
        return int(case.opened_at + parameters.retrieval_draft_for)
    if case.state not in WAITING:
        return FOREVER
    happened = [
        case.opened_at,
        case.claimed_until if case.claimed_until < FOREVER else NEVER,
        *(review.decided_at for review in case.reviews),
    ]
    happened += [at for each in case.certifications for at in (each.submitted_at, each.decided_at)]
    if case.state in ("NOTICE", "APPROVED"):
        happened.append(case.notice_from + parameters.notice_documents)
    return int(max(happened) + parameters.retrieval_idle_for)


def is_left_idle(case: Any, parameters: Any, now: Instant) -> bool:
    """Tell whether the applicant let a case lie until it was over."""
    return waits_until(case, parameters) <= now
