"""What policy tests are once they are read: lists of questions over facts, with the answers that are expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sealauthz.answers import ParameterValue
from sealauthz.decision import Effect, Question
from sealauthz.policytest.fixtures import FactSet


@dataclass(frozen=True, slots=True)
class Item:
    """A next step or obligation that is expected; None for parameters means that they may be anything."""

    code: str
    parameters: Mapping[str, ParameterValue] | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a decision must be. None means that this part may be anything."""

    effect: Effect
    reasons: tuple[str, ...] | None = None
    next_steps: tuple[Item, ...] | None = None
    obligations: tuple[Item, ...] | None = None
    valid_until: int | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """One question over some facts at one time, and its answer. `label` says which part of its test it is."""

    facts: FactSet = field(repr=False)
    now: int
    question: Question
    expected: Expectation
    label: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class ListAsk:
    """A question for everything that is allowed: of `questions`, by the name that stands for each, exactly those of
    `expected` are.
    """

    facts: FactSet = field(repr=False)
    now: int
    questions: Mapping[str, Question] = field(repr=False)
    expected: frozenset[str]
    label: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """One test: it passes when every answer is as expected."""

    name: str
    rules: tuple[str, ...]
    asks: tuple[Ask | ListAsk, ...]
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Suite:
    """The tests of some files, in their order."""

    tests: tuple[PolicyTest, ...]
