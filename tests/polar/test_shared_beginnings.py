"""Clauses that begin alike are compiled together: this must not change an answer."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from agreement import key_of
from programs import PLAIN, RECORDS, Program, Seeded, program_from, value_of, wired

from sealauthz.polar.compile.clauses import Clauses
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.runtime import FREE
from sealauthz.polar.syntax import And, RuleNode, Statement
from sealauthz.runtime.errors import BundleRefused, EvaluationFailed

PROGRAMS = 150


def with_clauses_that_begin_alike(program: Program, seed: int) -> list[Statement]:
    """A program in which each rule stands again with the first of its goals, and perhaps another one."""
    chance = random.Random(seed)
    statements: list[Statement] = []
    for statement in program.statements:
        statements.append(statement)
        if isinstance(statement, RuleNode) and isinstance(statement.body, And):
            parts = statement.body.parts
            goals = [*parts[: chance.randint(1, len(parts))], *chance.sample(parts, chance.randint(0, 1))]
            body = And(tuple(goals), statement.body.place) if len(goals) > 1 else goals[0]
            statements.append(dataclasses.replace(statement, body=body))
    return statements


def answers_of(statements: Sequence[Statement], program: Program) -> list[Any] | None:
    """The answer to every question of a program; None where it does not load."""
    world = wired(program.rows)
    try:
        engine = CompiledEngine(statements, RECORDS, PLAIN)
    except BundleRefused:
        return None
    return [
        _answer(engine, question.rule, [value_of(a, world) for a in question.arguments])
        for question in program.questions
    ]


def _answer(engine: CompiledEngine, rule: str, values: list[Any]) -> Any:
    try:
        if any(value is FREE for value in values):
            return frozenset(map(key_of, engine.each(rule, *values)))
        return engine.holds(rule, *values)
    except EvaluationFailed:
        return "no answer"


def test_what_clauses_begin_with_together_they_answer_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    programs = [program_from(Seeded(77_000_000_000 + number)) for number in range(PROGRAMS)]
    changed = [with_clauses_that_begin_alike(program, number) for number, program in enumerate(programs)]
    shared = 0
    joined: Callable[..., Any] = Clauses._together

    def counted(*arguments: Any) -> Any:
        nonlocal shared
        shared += 1
        return joined(*arguments)

    monkeypatch.setattr(Clauses, "_together", counted)
    together = list(map(answers_of, changed, programs))
    monkeypatch.setattr(Clauses, "_grouped", lambda _self, ways: [[way] for way in ways])
    monkeypatch.setattr(Clauses, "_runs", lambda _self, ways: [[way] for way in ways])
    apart = list(map(answers_of, changed, programs))
    assert together == apart
    assert shared > PROGRAMS
