"""What an allow obliges to names what is to be used up, wherever the policy tests allow something; and every act that
changes something uses up a check of its person, or needs their own word.
"""

from __future__ import annotations

import json
from functools import cache

import pytest
from policy_suite import asks, point_of
from scene import BUNDLE, Scene

from sealauthz.decision import Decision
from sealauthz.decision.questions import named_by_obligations
from sealauthz.model import MODEL
from sealauthz.schema.effect import looks

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


CHECKS = {"CONSUME_VERIFICATION", "CONSUME_CARRIER_MATCH", "CONSUME_BATCH_ITEM"}
"""What uses up a check that showed the person."""
NOBODY_THERE = {
    ("auto_use", "Seal"),
    ("seal", "SealUse"),
    ("confirm_sealed", "SealUse"),
    ("report_not_sealed", "SealUse"),
    *(("alert", name) for name in ("SealUse", "SealOuting", "DeniedAttempt")),
}
"""Acts of a service: the person is not there when they happen."""


@cache
def allowed() -> list[Decision]:
    """At most twenty allows of each action that changes something."""
    naming = changing()
    found: dict[tuple[str, str], list[Decision]] = {}
    for ask in asks():
        key = (ask.question.action, ask.question.resource.type)
        if key in naming and len(found.setdefault(key, [])) < 20 and ask.expected.effect == "ALLOW":
            decision = point_of(ask).decide(ask.question)
            found[key].append(decision)
    assert all(found.get(key) for key in naming)
    return [decision for decisions in found.values() for decision in decisions]


def changing() -> set[tuple[str, str]]:
    """The actions of the bundle that change something."""
    return {key for key in BUNDLE.rulebook.requirements if MODEL.action(*key).effect is not looks}


def test_an_act_rests_on_a_check_of_its_person_or_on_their_own_word() -> None:
    for decision in allowed():
        key = (decision.question.action, decision.question.resource.type)
        codes = {obligation.code for obligation in decision.obligations}
        ways = [bool(codes & CHECKS), "CONSUME_ASSERTION" in codes, key in NOBODY_THERE]
        assert sum(ways) == 1, (key, codes)


def test_who_only_looks_needs_neither() -> None:
    for key, codes in BUNDLE.rulebook.obligations.items():
        if key not in changing():
            assert not {*CHECKS, "CONSUME_ASSERTION"} & set(codes), key


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
            # An assertion is named by nobody beforehand: it comes with the act.
            if obligation.startswith(code) and obligation != "CONSUME_ASSERTION":
                assert naming[key][obligation], (key, obligation)


DOCUMENTS, RULES, CONTACT = "the documents", "the rules that are written", "the contact"
TERMS = "what is done, on which terms, by which arguments (`model.actions.bound`)"
BOUND_TO = {
    ("use", "Seal"): DOCUMENTS,
    ("emergency_use", "Seal"): DOCUMENTS,
    ("stamp", "Seal"): DOCUMENTS,
    ("carry_out", "Seal"): DOCUMENTS,
    ("sign", "SigningTask"): DOCUMENTS,
    ("set_amount_bands", "Enterprise"): RULES,
    ("set_working_hours", "Enterprise"): RULES,
    ("set_holidays", "Enterprise"): RULES,
    ("change_settings", "Enterprise"): RULES,
    ("create_process", "Enterprise"): RULES,
    ("create_category", "Enterprise"): RULES,
    ("edit", "ApprovalProcess"): RULES,
    ("edit", "BusinessCategory"): RULES,
    ("claim", "Invitation"): CONTACT,
    (
        "transfer_admin",
        "Enterprise",
    ): TERMS,  # the membership that receives it; of the receiver, the enterprise
    ("assign_role", "Membership"): TERMS,  # the same
    ("confirm", "SealGrant"): TERMS,
    ("confirm", "OpenGrant"): TERMS,
    ("decide", "SealReview"): TERMS,
    ("release", "SealHold"): TERMS,
    ("report_found", "Seal"): TERMS,
    ("authenticate", "Enterprise"): TERMS,
    ("submit", "RetrievalCase"): TERMS,
    ("answer_claim", "RetrievalCase"): TERMS,
    ("execute", "RetrievalCase"): TERMS,
    ("object", "RetrievalCase"): TERMS,
    ("appeal", "RetrievalCase"): TERMS,
}
"""What the check that an act uses up is bound to, beside its person and purpose. A new act says it here, too."""


def test_a_check_serves_nothing_but_what_it_is_bound_to() -> None:
    tried = set()
    for ask in asks():
        key = (ask.question.action, ask.question.resource.type)
        codes = {*BUNDLE.rulebook.obligations.get(key, ())}
        if key in tried or ask.expected.effect != "ALLOW" or not codes & CHECKS:
            continue
        scene = Scene(ask.facts.records)
        decision = scene.pdp(ask.now).decide(ask.question)
        used = [
            each.parameters["verification_id"]
            for each in decision.obligations
            if each.code in CHECKS and "verification_id" in each.parameters
        ]
        if not used:
            continue
        tried.add(key)
        (check,) = map(str, used)
        for column in ("bound_type", "bound_id", "bound_digest"):
            for value in ("another", ""):
                other = scene.change("IdentityVerification", check, **{column: value})
                assert not other.pdp(ask.now).decide(ask.question), (key, column)
    assert tried == BOUND_TO.keys()
