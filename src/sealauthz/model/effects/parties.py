"""What a party of a contract says itself: that a person acts for both sides, that it ends, and what its review said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sealauthz.model.effects.acting import refuse
from sealauthz.model.effects.turns import ended, sender_event
from sealauthz.model.records.contracts import ContractState
from sealauthz.model.records.signing import ConsentKind, InternalReview, PartyConsent, ReviewState
from sealauthz.schema import Act, Event, Instant, Outcome, Put

_VERDICTS = {
    "PASSED": ReviewState.PASSED,
    "REJECTED": ReviewState.REJECTED,
    "SIGN_REJECTED": ReviewState.SIGN_REJECTED,
}
_UNDER_WAY = frozenset({"FILLING", "SIGNING"})


@dataclass(frozen=True, slots=True)
class ConsentArguments:
    """Consenting: `valid_to` is when the consent ends by itself."""

    valid_to: Instant


def _consent(act: Act, kind: ConsentKind, **values: Any) -> Outcome:
    if act.arguments.valid_to <= act.now:
        refuse("arguments[valid_to]", "must be later than now")
    # What the subject consents to is what the contract says now: nobody may state other documents or another amount.
    consent = PartyConsent(
        act.new_id("consent"),
        act.resource.id,
        kind,
        act.subject.id,
        given_at=act.now,
        bound_digest=act.context.documents_digest,
        valid_to=act.arguments.valid_to,
        **values,
    )
    return Outcome((Put(consent),), values={"consent_id": consent.id})


def permit_double_agency(act: Act) -> Outcome:
    """Let a person act for another party too: for these documents, and up to the largest amount that is stated in the
    contract's currency. Amounts in another currency stay beyond it.
    """
    contract = act.resource.contract
    stated = [each.amount for each in (contract, *contract.signatories) if each.currency == contract.currency]
    limit = {"amount_max": max((amount for amount in stated if amount is not None), default=0)}
    currency = contract.currency if limit["amount_max"] else ""
    return _consent(act, ConsentKind.DOUBLE_AGENCY, person_id=act.context.person.id, currency=currency, **limit)


def agree_to_termination(act: Act) -> Outcome:
    """Agree that a complete contract ends. It does not end by that: the sender terminates it when all have agreed."""
    return _consent(act, ConsentKind.TERMINATION)


def request_review(act: Act) -> Outcome:
    """Ask for the party's own review: until somebody has passed it, nothing is signed for the party."""
    if any(review.state == "PENDING" for review in act.resource.reviews):
        refuse("resource", "waits for a review already")
    review = InternalReview(act.new_id("review"), act.resource.id)
    tenant = str(act.resource.enterprise_id)
    told = {"contract_id": act.resource.contract_id, "actor_id": act.subject.id}
    event = Event("REVIEW_REQUESTED", tenant, ("InternalReview", review.id), (), told)
    return Outcome((Put(review),), (event,), {"review_id": review.id})


def decide_review(act: Act) -> Outcome:
    """Decide the party's own review, of the documents as they are now. SIGN_REJECTED ends the signing for everybody."""
    review, verdict = act.resource, act.context.verdict
    if verdict not in _VERDICTS:
        refuse("context[verdict]", f"must be one of {', '.join(sorted(_VERDICTS))}")
    decided = act.set(
        review,
        state=_VERDICTS[verdict],
        reviewer_id=act.subject.id,
        decided_at=act.now,
        bound_digest=act.context.documents_digest or "",
    )
    contract = review.signatory.contract
    event = sender_event("REVIEW_ENDED_SIGNING", contract, actor_id=act.subject.id)
    if verdict != "SIGN_REJECTED" or contract.state not in _UNDER_WAY:
        return Outcome((decided,))
    changes, events = ended(act, contract, ContractState.REJECTED, "CONTRACT_ENDED")
    return Outcome((decided, *changes), (event, *events))


def withdraw_consent(act: Act) -> Outcome:
    """Take a consent back. What was signed on it stays signed."""
    return Outcome((act.set(act.resource, withdrawn_at=act.now),))


EVENTS = {
    "REVIEW_REQUESTED": "A party's own review of a contract was asked for; for those who look after its contracts.",
    "REVIEW_ENDED_SIGNING": "A party's own review ended the signing; for who sent the contract.",
    "CONTRACT_ENDED": "A contract ended in which the recipient was to sign.",
}
"""The codes of these events, each with what it tells."""
