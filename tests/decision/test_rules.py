"""Each rule of the rulebook, by a pair of cases that differ by one fact."""

from __future__ import annotations

import pytest
from rule_pairs import CONTEXT_PAIRS, PAIRS, ContextPair, Pair
from scene import Scene, codes

FOUNDING_RULES = {
    *(f"M-{n:02}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 13, 14, 15)),
    *(f"S-{n:02}" for n in (1, 3, 6, 7, 17)),
    *(f"U-{n:02}" for n in (1, 2, 3, 6, 7, 9, 11)),
    *(f"C-{n:02}" for n in (1, 2, 3, 4, 5)),
    *(f"R-{n:02}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 16)),
}


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_one_fact_turns_an_allow_into_a_deny_with_that_reason(pair: Pair) -> None:
    given = pair.given(Scene())
    allowed = given.ask(pair.subject, pair.action, pair.resource, **pair.context)
    assert allowed, codes(allowed)
    denied = pair.but(given).ask(pair.subject, pair.action, pair.resource, **pair.context)
    assert not denied
    assert codes(denied) == [pair.reason]


@pytest.mark.parametrize("pair", CONTEXT_PAIRS, ids=str)
def test_what_the_client_leaves_out_or_says_wrongly_denies(pair: ContextPair) -> None:
    given = pair.given(Scene())
    allowed = given.ask(pair.subject, pair.action, pair.resource, **pair.allowed)
    assert allowed, codes(allowed)
    denied = given.ask(pair.subject, pair.action, pair.resource, **pair.denied)
    assert codes(denied) == [pair.reason]


def test_every_founding_rule_has_a_pair() -> None:
    covered = {pair.rule for pair in PAIRS} | {pair.rule for pair in CONTEXT_PAIRS}
    assert covered >= FOUNDING_RULES
