"""Each rule of the rulebook is tested, from both sides. The tests themselves are in `policies/tests`."""

from __future__ import annotations

from policy_suite import asks, suite
from scene import BUNDLE

from sealauthz.decision import Effect
from sealauthz.policytools.testing.suite import Ask

FOUNDING_RULES = {
    *(f"M-{n:02}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 13, 14, 15)),
    *(f"S-{n:02}" for n in (1, 3, 6, 7, 17)),
    *(f"U-{n:02}" for n in (1, 2, 3, 6, 7, 9, 11)),
    *(f"C-{n:02}" for n in (1, 2, 3, 4, 5)),
    *(f"R-{n:02}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 16)),
}


def test_every_founding_rule_has_a_test_in_which_one_fact_flips_the_answer() -> None:
    flipped = {rule for test in suite() for rule in test.rules if any(ask.label == "but" for ask in test.asks)}
    assert flipped >= FOUNDING_RULES


def test_every_rule_that_a_policy_names_is_seen_to_allow_and_to_deny() -> None:
    named = {tag for rules in BUNDLE.rulebook.rules.values() for rule in rules for tag in rule.tags}
    for effect in Effect:
        seen = {
            rule
            for test in suite()
            for rule in test.rules
            if any(isinstance(ask, Ask) and ask.expected.effect is effect for ask in test.asks)
        }
        assert seen >= named, effect


def test_every_reason_that_the_service_can_give_is_expected_somewhere() -> None:
    expected = {code for ask in asks() for code in ask.expected.reasons or ()}
    assert set(BUNDLE.rulebook.reasons) - expected == {
        # Of questions that the tests cannot ask, and of answers that they must not expect.
        "UNKNOWN_ACTION",
        "UNKNOWN_TYPE",
        "FACT_UNAVAILABLE",
        "POLICY_ERROR",
    }
