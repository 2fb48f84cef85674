"""What an allow obliges to names what is to be used up, wherever the policy tests allow something."""

from __future__ import annotations

import json

import pytest
from policy_suite import asks
from scene import BUNDLE

from sealauthz.decision import Decision, PolicyDecisionPoint
from sealauthz.decision.questions import named_by_obligations

CONSUMING = {
    "CONSUME_VERIFICATION": "verification",
    "CONSUME_NEW_ADMIN_VERIFICATION": "receiver_verification",
    "CONSUME_USE_CODE": "request",
}
AUTHORITIES = [
    {"grant_id"},
    {"request_id", "approval_ids"},
    {"open_grant_id"},
    {"delegation_id", "grant_id"},
    {"cross_grant_id"},
]


def allowed() -> list[Decision]:
    """At most twenty allows of each action that has to name something."""
    naming = named_by_obligations(BUNDLE.rulebook)
    found: dict[tuple[str, str], list[Decision]] = {}
    for ask in asks():
        key = (ask.question.action, ask.question.resource.type)
        if key in naming and len(found.setdefault(key, [])) < 20 and ask.expected.effect == "ALLOW":
            decision = PolicyDecisionPoint(ask.facts.fact_cache, BUNDLE, lambda: ask.now).decide(ask.question)  # noqa: B023
            found[key].append(decision)
    assert all(found.get(key) for key in naming)
    return [decision for decisions in found.values() for decision in decisions]


def test_what_uses_something_up_names_it() -> None:
    for decision in allowed():
        for obligation in decision.obligations:
            key = CONSUMING.get(obligation.code)
            if key is not None:
                assert list(obligation.parameters.values()) == [decision.question.context[key]]
            elif obligation.code == "DECREMENT_USE" and obligation.parameters:
                # Beside the authority stand what it comes from and what the owner's own rules asked for.
                authority = obligation.parameters.keys() - {"parent_grant_id", "process_request_ids"}
                assert authority in AUTHORITIES or not authority
                if "approval_ids" in obligation.parameters:
                    assert json.loads(str(obligation.parameters["approval_ids"]))


@pytest.mark.parametrize("code", ["CONSUME", "DECREMENT", "POST_APPROVAL"])
def test_every_action_that_uses_something_up_names_it(code: str) -> None:
    naming = named_by_obligations(BUNDLE.rulebook)
    for key, codes in BUNDLE.rulebook.obligations.items():
        for obligation in codes:
            if obligation.startswith(code):
                assert naming[key][obligation], (key, obligation)
