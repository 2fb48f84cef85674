"""A decision whose questions share what they find out is the one that asks each question alone."""

from __future__ import annotations

import dataclasses

import pytest
from effort import tries
from hypothesis import HealthCheck, given, settings
from random_scenes import asked_scenes
from scene import BUNDLE, NOW, Scene

from sealauthz.decision import PolicyDecisionPoint, Question
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.model import MODEL
from sealauthz.polar.compile.remembering import ANSWERS
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.runtime import FREE
from sealauthz.polar.trace import Attempt
from sealauthz.runtime.errors import EvaluationFailed, SealAuthzError


class Alone:
    """The compiled engine, as one that can only be asked one question at a time."""

    def __init__(self, engine: CompiledEngine) -> None:
        self._engine = engine

    def holds(self, rule: str, *arguments: object) -> bool:
        return self._engine.holds(rule, *arguments)

    def each(self, rule: str, *arguments: object) -> list[tuple[object, ...]]:
        return self._engine.each(rule, *arguments)

    def explain(self, rule: str, *arguments: object) -> tuple[Attempt, ...]:
        return self._engine.explain(rule, *arguments)


ALONE = dataclasses.replace(BUNDLE, engine=Alone(BUNDLE.engine))  # type: ignore[arg-type]


def told(point: PolicyDecisionPoint, question: Question) -> object:
    try:
        decision = point.decide(question)
    except SealAuthzError as error:
        return type(error), str(error)
    return dataclasses.replace(decision, decision_id="")


@given(asked=asked_scenes())
@settings(max_examples=tries(60, 600), deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_shared_changes_no_decision(asked: tuple[Scene, Question]) -> None:
    scene, question = asked
    facts = FactCache.of_records(MODEL, scene.records)
    shared, alone = (PolicyDecisionPoint(facts, bundle, lambda: NOW) for bundle in (BUNDLE, ALONE))
    first, second = told(shared, question), told(shared, question)
    assert first == told(alone, question)
    # Nothing is left of one decision for the next.
    assert second == first


def test_two_decisions_share_nothing() -> None:
    engine = BUNDLE.engine
    assert isinstance(engine, CompiledEngine)
    subject, resource, context = object(), object(), object()
    one, other = (engine.begin(subject, resource, context) for _ in range(2))
    assert one is not other
    assert one == other
    one[ANSWERS][1] = "remembered", subject
    assert engine.begin(subject, resource, context) == other


def test_what_cannot_be_asked_is_no_answer() -> None:
    engine = BUNDLE.engine
    assert isinstance(engine, CompiledEngine)
    person, seal = MODEL.records["Person"], MODEL.records["Seal"]
    ask = engine.asker("allow", person, "use", seal, MODEL.action("use", "Seal").context)
    with pytest.raises(EvaluationFailed):
        ask(engine.begin(None))
    each = engine.asker("has_permission", person, FREE, seal)
    with pytest.raises(EvaluationFailed):
        each(engine.begin(None))
