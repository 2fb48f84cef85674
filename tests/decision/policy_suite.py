"""The tests of the shipped bundle (`policies/tests`) as data: for the laws, and for what wants facts and questions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Iterator
from functools import cache
from typing import Any

from effort import EFFORT, Effort
from scene import BUNDLE, NOW, POLICIES, POLICY_TESTS, Scene

from sealauthz.decision import PolicyDecisionPoint, Question
from sealauthz.decision.assembly import IN_PROCESS
from sealauthz.decision.policies import Policies
from sealauthz.policytools.testing.fixtures import FactSet
from sealauthz.policytools.testing.loading import files_of_tests, load_suite
from sealauthz.policytools.testing.suite import Ask, PolicyTest
from sealauthz.schema import shape_of


@cache
def suite() -> tuple[PolicyTest, ...]:
    """All tests of the bundle."""
    return load_suite(files_of_tests([POLICY_TESTS]), BUNDLE)


def asks() -> Iterator[Ask]:
    """Every single question of every test that the service itself asks. What policies read of its facts is let go
    behind each test: it is large.
    """
    for test in suite():
        yield from (ask for ask in test.asks if isinstance(ask, Ask) and ask.caller == IN_PROCESS)
        for ask in test.asks:
            ask.facts.release()


def asks_by(kind: Callable[[Ask], Hashable]) -> Iterator[Ask]:
    """One question of each kind; `make thorough` takes every one."""
    seen: set[Hashable] = set()
    for ask in asks():
        of_kind = kind(ask)
        if of_kind not in seen or EFFORT is Effort.THOROUGH:
            seen.add(of_kind)
            yield ask


def answer_of(ask: Ask) -> Hashable:
    """What is asked, and every way in which it is expected to be answered."""
    expected = ask.expected
    return ask.question.action, ask.question.resource.type, expected.effect, expected.reasons


def point_of(ask: Ask, policies: Policies = POLICIES) -> PolicyDecisionPoint:
    """The decision point that a question is asked of."""
    return PolicyDecisionPoint(ask.facts.fact_cache, policies, lambda: ask.now)


@dataclasses.dataclass(frozen=True)
class Pair:
    """A question, the facts of its first answer, and the one fact that flips it."""

    name: str
    given: Scene
    question: Question
    but: Callable[[Scene], Scene]


@cache
def pairs() -> list[Pair]:
    """The pairs of the tests that turn on a fact, and not on the time or on what the client says."""
    found = []
    for test in suite():
        match test.asks:
            case (Ask() as first, Ask(label="but") as second) if first.now == second.now == NOW:
                if first.question == second.question and first.caller == second.caller == IN_PROCESS:
                    given = Scene(first.facts.records)
                    found.append(Pair(test.name, given, first.question, _flip(first.facts, second.facts)))
    return found


def _flip(before: FactSet, after: FactSet) -> Callable[[Scene], Scene]:
    """What changes one set of facts into the other, for any facts; where it does not fit them it changes nothing."""
    old, new = _by_key(before.records), _by_key(after.records)

    def apply(scene: Scene) -> Scene:
        held = _by_key(scene.records)
        changed = scene
        for key in old.keys() - new.keys():
            changed = changed.drop(*key)
        for key, record in new.items():
            if key not in old:
                changed = changed.put(record)
            elif record != old[key] and key in held:
                changed = changed.change(*key, **_difference(old[key], record))
        return changed if _is_whole(changed) else scene

    return apply


def _by_key(records: list[Any]) -> dict[tuple[str, str], Any]:
    return {(type(record).__name__, record.id): record for record in records}


def _difference(old: Any, new: Any) -> dict[str, Any]:
    names = (column.name for column in shape_of(type(new)).columns)
    return {name: getattr(new, name) for name in names if getattr(old, name) != getattr(new, name)}


def _is_whole(scene: Scene) -> bool:
    """Whether every record that another names is there."""
    held = _by_key(scene.records)
    return all(
        getattr(record, column.name) is None or (column.ref, getattr(record, column.name)) in held
        for record in scene.records
        for column in shape_of(type(record)).columns
        if column.ref is not None
    )
