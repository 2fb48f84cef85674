"""Who is suspended, has not begun or is locked out does nothing that they did before, in any action (M-13)."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from policy_suite import suite
from scene import BUNDLE, HOUR

from sealauthz.decision import PolicyDecisionPoint
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.model import MODEL
from sealauthz.policytools.testing.suite import Ask

EACH = 1
"""How many allowed questions of each action are asked again: many more take minutes, and show the same."""

REPORTED = {
    ("alert", "DeniedAttempt"): "the service does it, in the name of whom it is about",
    ("alert", "SealOuting"): "the service does it, in the name of whom it is about",
    ("alert", "SealUse"): "the service does it, in the name of whom it is about",
    ("confirm_sealed", "SealUse"): "the engine reports what happened",
    ("report_not_sealed", "SealUse"): "the engine reports what happened",
}
OWN_HISTORY = {
    ("view", "SealUse"): "what one did oneself",
    ("view_administrator", "Enterprise"): "whom to ask about it",
    ("view_history", "Membership"): "one's own membership",
    ("view_progress", "JoinApplication"): "what one asked for",
    ("view_progress", "SealUseRequest"): "what one asked for",
    ("view_progress", "SigningTask"): "one's own task",
    ("view_refusal", "Contract"): "what one refused oneself",
}
TAKEN_BACK = {
    ("appeal", "RetrievalCase"): "R-13: by it they got lost what they had",
    ("object", "RetrievalCase"): "R-09: or one administrator could silence the others",
}
AS_OUTSIDERS = {
    ("authenticate", "Enterprise"): "a founder is no member yet",
    ("certify", "Enterprise"): "a founder is no member yet",
    ("certify", "RetrievalCase"): "the applicant is connected by something else",
    ("execute", "RetrievalCase"): "the applicant is connected by something else",
    ("join", "Enterprise"): "the membership is of another enterprise, or has run out",
    ("retrieve", "Enterprise"): "the applicant is connected by something else",
    ("submit", "RetrievalCase"): "the applicant is connected by something else",
}

STILL: dict[str, dict[tuple[str, str], str]] = {
    "suspended": {**REPORTED, **OWN_HISTORY, **TAKEN_BACK, ("join", "Enterprise"): AS_OUTSIDERS["join", "Enterprise"]},
    "not begun": {**REPORTED, **OWN_HISTORY, **TAKEN_BACK, **AS_OUTSIDERS},
    "locked": REPORTED,
}
"""What is still allowed, and why."""

Change = Callable[[Any, Ask], dict[str, Any]]


def _of_membership(**values: Callable[[Ask], Any]) -> Change:
    def change(record: Any, ask: Ask) -> dict[str, Any]:
        is_own = type(record).__name__ == "Membership" and record.person_id == ask.question.subject.id
        return {name: of(ask) for name, of in values.items()} if is_own and record.state == "ACTIVE" else {}

    return change


def _of_account(record: Any, ask: Ask) -> dict[str, Any]:
    is_own = type(record).__name__ == "Person" and record.id == ask.question.subject.id
    return {"account_state": "LOCKED"} if is_own else {}


AWAY: dict[str, Change] = {
    "suspended": _of_membership(state=lambda _: "SUSPENDED", suspended_at=lambda ask: ask.now - HOUR),
    "not begun": _of_membership(joined_at=lambda ask: ask.now + HOUR),
    "locked": _of_account,
}


def _represents(ask: Ask) -> bool:
    """Tell whether the subject speaks for an enterprise by the registry, with or without a membership."""
    named = (each for each in ask.facts.records if type(each).__name__ == "RegistrySnapshot")
    return any(each.legal_rep_id == ask.question.subject.id for each in named)


@pytest.mark.parametrize("how", AWAY)
def test_who_is_away_does_nothing(how: str) -> None:
    asked: Counter[tuple[str, str]] = Counter()
    allowed = set()
    for ask in (each for test in suite() if not test.allow_impossible for each in test.asks):
        if not isinstance(ask, Ask) or ask.expected.effect != "ALLOW":
            continue
        act = ask.question.action, ask.question.resource.type
        if asked[act] == EACH or (how != "locked" and _represents(ask)):
            continue
        changed = [(record, AWAY[how](record, ask)) for record in ask.facts.records]
        if not any(values for _, values in changed):
            continue
        asked[act] += 1
        cache = FactCache.of_records(MODEL, [dataclasses.replace(r, **v) if v else r for r, v in changed])
        if PolicyDecisionPoint(cache, BUNDLE, lambda: ask.now).decide(ask.question):  # noqa: B023 (called here)
            allowed.add(act)
    assert allowed <= STILL[how].keys(), allowed - STILL[how].keys()
    assert len(asked) > 90
