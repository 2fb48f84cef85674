"""To follow a next step gets on: a deny for want of a face check, the check made as the step says, an allow."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from functools import cache

from policy_suite import answer_of, asks_by, point_of
from scene import BUNDLE, MINUTE, POLICIES

from sealauthz.decision import Decision, PolicyDecisionPoint, Question
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.model import MODEL
from sealauthz.model.records.identity import IdentityVerification
from sealauthz.policytools.testing.suite import Ask

STEP = "VERIFY_FACE"

BOOK = BUNDLE.rulebook
FACE_REASONS = frozenset(code for code, entry in BOOK.reasons.items() if STEP in entry.next_steps)
SHOWN_BEFORE = frozenset({("confirm", "CrossEnterpriseGrant"), ("seal", "SealUse")})
"""Where no check that is shown now is asked: what a signed letter alone confirms, and what a use took up."""

WANTED = (
    frozenset(key for key, needs in BOOK.requirements.items() if STEP in BOOK.steps_of(needs, key[1])) - SHOWN_BEFORE
)


@cache
def denied_for_want_of_a_face_check() -> tuple[tuple[Ask, Question, Decision], ...]:
    """The questions of the policy tests, as they are and without their check, to which nothing else is an obstacle."""
    return tuple(_denied())


def _denied() -> Iterator[tuple[Ask, Question, Decision]]:
    for ask in asks_by(lambda ask: (answer_of(ask), ask.file)):
        asked = ask.question
        if (asked.action, asked.resource.type) not in WANTED or not FACE_REASONS.issuperset(ask.expected.reasons or ()):
            continue
        point = point_of(ask)
        without = {key: value for key, value in asked.context.items() if key != "verification"}
        for context in (asked.context, without):
            question = Question(asked.subject, asked.action, asked.resource, context)
            decision = point.decide(question)
            # For rules that are not named yet no face can be shown, and no step says so.
            is_asked = any(step.code == STEP for step in decision.next_steps)
            if is_asked and {reason.code for reason in decision.reasons} <= FACE_REASONS:
                yield ask, question, decision


def followed(ask: Ask, question: Question, decision: Decision) -> Decision:
    """The answer once a check is made exactly as the step says."""
    (step,) = (each for each in decision.next_steps if each.code == STEP)
    assert step.parameters.keys() <= {"purpose", "bound_type", "bound_id", "bound_digest"}
    said = {name: str(value) for name, value in step.parameters.items()}
    check = IdentityVerification(
        "followed",
        question.subject.id,
        "FACE",  # type: ignore[arg-type]
        said["purpose"],  # type: ignore[arg-type]
        "followed",
        said["bound_type"],
        said["bound_id"],
        said.get("bound_digest", ""),
        "PASSED",  # type: ignore[arg-type]
        ask.now - MINUTE,
    )
    again = Question(
        question.subject, question.action, question.resource, {**question.context, "verification": "followed"}
    )
    fact_cache = FactCache.of_records(MODEL, (*ask.facts.records, check))
    return PolicyDecisionPoint(fact_cache, POLICIES, lambda: ask.now).decide(again)


def test_whoever_verifies_the_face_as_the_step_says_is_allowed() -> None:
    seen = set()
    for ask, question, decision in denied_for_want_of_a_face_check():
        answer = followed(ask, question, decision)
        assert answer, (ask.label, ask.file, ask.line, [reason.code for reason in answer.reasons])
        seen.add((question.action, question.resource.type))
    assert seen == WANTED


def test_where_a_digest_is_wanted_the_step_names_it() -> None:
    named = set()
    for _, question, decision in denied_for_want_of_a_face_check():
        (step,) = (each for each in decision.next_steps if each.code == STEP)
        if step.parameters.get("bound_digest"):
            named.add((question.action, question.resource.type))
    sealing = {("sign", "SigningTask"), *((name, "Seal") for name in ("use", "emergency_use", "stamp", "carry_out"))}
    own_rules = {key for key, needs in BOOK.requirements.items() if "CHANGE_AGREED" in needs} & WANTED
    assert len(own_rules) == 8
    contexts = {key: {each.name for each in dataclasses.fields(MODEL.action(*key).context)} for key in WANTED}
    of_the_act = {key for key, names in contexts.items() if "intent_digest" in names}
    assert len(of_the_act) == 13
    assert named == sealing | own_rules | of_the_act
