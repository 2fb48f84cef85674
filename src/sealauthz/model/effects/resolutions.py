"""Recording what an enterprise resolved about a contract, confirming it, and taking it back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sealauthz.model.effects.acting import refuse
from sealauthz.model.effects.told import administrators, persons
from sealauthz.model.records.contracts import whole_digest
from sealauthz.model.records.procedures import BoardResolution, ResolutionKind, ResolutionSource, ResolutionState
from sealauthz.schema import Act, Event, Instant, Outcome, Put


@dataclass(frozen=True, slots=True)
class NewResolution:
    """What was resolved: by whom, about which contract and for whose benefit is in the context."""

    kind: ResolutionKind
    passed_at: Instant
    valid_to: Instant
    amount_max: int = 0
    currency: str = ""


def record_resolution(act: Act) -> Outcome:
    """Record a resolution, for the documents that its contract has now. One of the board or the shareholders counts
    once another person has confirmed it.
    """
    enterprise, context, given = act.resource, act.context, act.arguments
    if not given.passed_at <= act.now < given.valid_to:
        refuse("arguments[passed_at]", "must be in the past, and `valid_to` to come")
    if given.amount_max < 0 or (given.amount_max == 0) != (given.currency == ""):
        refuse("arguments[amount_max]", "must come with its currency, and a currency with it")
    if given.kind == ResolutionKind.SELF_DEALING and context.beneficiary is None:
        refuse("context[beneficiary]", "must name whom the resolution lets deal with themself")
    digest = whole_digest(document.digest for document in context.contract.documents)
    if digest is None:
        refuse("context[contract]", "has no document, or one whose digest is not known")
    made = BoardResolution(
        act.new_id("resolution"),
        enterprise.id,
        context.contract.id,
        ResolutionKind(given.kind),
        ResolutionSource(context.source),
        passed_at=given.passed_at,
        recorded_by_id=act.subject.id,
        recorded_at=act.now,
        beneficiary_id=None if context.beneficiary is None else context.beneficiary.id,
        bound_digest=digest,
        amount_max=given.amount_max,
        currency=given.currency,
        valid_to=given.valid_to,
    )
    if made.source == ResolutionSource.LEGAL_REP:
        return Outcome((Put(made),), values={"resolution_id": made.id})
    without = [act.subject.id, *([] if made.beneficiary_id is None else [made.beneficiary_id])]
    told = persons(administrators(enterprise, act.now), without)
    event = _event("RESOLUTION_TO_CONFIRM", act, enterprise, made.id, told)
    return Outcome((Put(made),), (event,), {"resolution_id": made.id})


def countersign(act: Act) -> Outcome:
    """Confirm that a resolution was passed as it is recorded."""
    resolution = act.resource
    told = () if resolution.recorded_by_id is None else (resolution.recorded_by_id,)
    event = _event("RESOLUTION_CONFIRMED", act, resolution.enterprise, resolution.id, told)
    return Outcome((act.set(resolution, confirmed_by_id=act.subject.id, confirmed_at=act.now),), (event,))


def withdraw(act: Act) -> Outcome:
    """Take a resolution back: from now on it permits nothing."""
    resolution = act.resource
    authors = [each for each in (resolution.recorded_by_id, resolution.confirmed_by_id) if each is not None]
    event = _event(
        "RESOLUTION_WITHDRAWN", act, resolution.enterprise, resolution.id, persons(authors, [act.subject.id])
    )
    return Outcome((act.set(resolution, state=ResolutionState.WITHDRAWN),), (event,))


def _event(code: str, act: Act, enterprise: Any, resolution_id: str, told: tuple[str, ...]) -> Event:
    return Event(code, enterprise.id, ("BoardResolution", resolution_id), told, {"actor_id": act.subject.id})


EVENTS = {
    "RESOLUTION_TO_CONFIRM": "A resolution was recorded; for those who may confirm it.",
    "RESOLUTION_CONFIRMED": "A resolution was confirmed; for the person who recorded it.",
    "RESOLUTION_WITHDRAWN": "A resolution was taken back; for those who recorded and confirmed it.",
}
"""The codes of these events, each with what it tells."""
