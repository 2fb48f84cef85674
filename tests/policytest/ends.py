"""The law of ends: an allow stands no longer than any fact that it rests on.

Of every question that a policy test allows, each time to come of a fact, and each end that is open, is moved to a
second from now. Where the question is denied in a second, but its answer said that it stands for longer, a service that
kept the answer would act on what is over: the rules lack a `lapses`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from neighbours import answered

from sealauthz.decision import Decision, Effect, PolicyDecisionPoint
from sealauthz.decision.policies import Policies
from sealauthz.policytools.testing.fixtures import FactSet, Key
from sealauthz.policytools.testing.possible import refusal
from sealauthz.policytools.testing.suite import Ask, PolicyTest, options_of
from sealauthz.runtime.errors import SealAuthzError
from sealauthz.schema.parameters import UNITS_OF_TIME

SOON = UNITS_OF_TIME["second"]

Seen = set[tuple[str, str, Key, str]]
"""The actions and types that were asked about, each with a fact that many tests share, and its column."""


@dataclass(frozen=True, slots=True)
class Ending:
    """An allowed question over facts of which one time comes in a second. `column` is `Type.column`."""

    test: PolicyTest
    ask: Ask
    key: Key
    column: str
    facts: FactSet = dataclasses.field(repr=False)

    def __str__(self) -> str:
        return f"{self.ask.file}:{self.ask.line}: {self.test.name}: {self.column} of {self.key[1]} comes in a second"


def allowed(tests: Iterable[PolicyTest]) -> list[tuple[PolicyTest, Ask]]:
    """Return the questions that are to be allowed, over facts that a store takes."""
    return answered(tests, Effect.ALLOW)


def endings_of(test: PolicyTest, ask: Ask, seen: Seen) -> Iterator[Ending]:
    """Return what may end of an allowed question: of all that its test gave, and of the facts that tests share what was
    not `seen` with this action before.
    """
    shapes = ask.facts.model.shapes
    before = ask.facts.last_whole
    given = {key for key, _, _ in (() if before is None else ask.facts.since(before))}
    for record in ask.facts.records:
        key = (type(record).__name__, record.id)
        for column in shapes[key[0]].columns:
            if not column.is_instant or getattr(record, column.name) <= ask.now + SOON:
                continue
            about = (ask.question.action, ask.question.resource.type, key, column.name)
            if key not in given:
                if about in seen:
                    continue
                seen.add(about)
            changed = dataclasses.replace(record, **{column.name: ask.now + SOON})
            yield Ending(test, ask, key, f"{key[0]}.{column.name}", ask.facts.with_records([changed]))


def outlives(ending: Ending, policies: Policies) -> bool:
    """Whether the question is allowed for longer than it stays allowed, over facts that a store would take."""
    ask = ending.ask
    now = _decided(ending, policies, ask.now)
    if now is None or not now or now.valid_until <= ask.now + SOON:
        return False
    then = _decided(ending, policies, ask.now + SOON)
    return not then and refusal(ending.facts) == ""


def _decided(ending: Ending, policies: Policies, at: int) -> Decision | None:
    point = PolicyDecisionPoint(ending.facts.fact_cache, policies, lambda: at)
    try:
        return point.decide(ending.ask.question, options_of(ending.ask))
    except SealAuthzError:
        return None


def outliving(asks: Iterable[tuple[PolicyTest, Ask]], policies: Policies, seen: Seen | None = None) -> Iterator[Ending]:
    """Return the endings that an allow outlives."""
    known: Seen = set() if seen is None else seen
    for test, ask in asks:
        yield from (each for each in endings_of(test, ask, known) if outlives(each, policies))
        ask.facts.release()
