"""The core form: its interpreter answers as the compiled engine, whatever passes this uses, fresh or reloaded."""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from agreement import interpreter_of, key_of
from colliding import changed as with_leaf
from colliding import leaves
from programs import PLAIN, RECORDS, Program, Seeded, program_from, value_of, wired

from sealauthz.errors import BundleRefused, EvaluationFailed
from sealauthz.polar import Source
from sealauthz.polar.compile import ALL_PASSES, Passes
from sealauthz.polar.core.interpreter import Interpreter
from sealauthz.polar.core.lower import Lowering
from sealauthz.polar.core.nodes import All, AnyOf, Call, Clause, Not, numbers_in
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.parse import parse
from sealauthz.polar.program import program_of
from sealauthz.polar.runtime import FREE
from sealauthz.polar.syntax import Literal, RuleNode, Statement, Variable
from sealauthz.polar.types import TypeTable

PROGRAMS = 150
FIRST = 88_000_000_000

NO_PASSES = Passes(writes_out=False, shares=False, looks_up=False)
SOME_PASSES = [dataclasses.replace(ALL_PASSES, **{field.name: False}) for field in dataclasses.fields(Passes)]

Engine = CompiledEngine | Interpreter


def engine_of(statements: Sequence[Statement], passes: Passes = ALL_PASSES) -> CompiledEngine:
    return CompiledEngine(statements, RECORDS, PLAIN, passes=passes)


def answers(program: Program, make: Callable[..., Engine], *arguments: Any) -> list[Any]:
    """The answer to every question: True, False, solutions, or why there is none."""
    world = wired(program.rows)
    try:
        engine = make(*arguments)
    except BundleRefused:
        return ["refused"] * len(program.questions)
    return [
        answer(engine, question.rule, [value_of(argument, world) for argument in question.arguments])
        for question in program.questions
    ]


def answer(engine: Engine, rule: str, values: Sequence[Any]) -> Any:
    try:
        if any(value is FREE for value in values):
            return frozenset(map(key_of, ([*found] for found in engine.each(rule, *values))))
        return engine.holds(rule, *values)
    except EvaluationFailed:
        return "raised"
    except BundleRefused:
        return "refused"


@pytest.mark.unwatched  # long, and others reach the same lines
def test_the_interpreter_answers_as_the_engine_with_each_pass_on_and_off() -> None:
    counts: Counter[str] = Counter()
    for number in range(PROGRAMS):
        program = program_from(Seeded(FIRST + number))
        interpreted = answers(program, interpreter_of, program.statements)
        for passes in (ALL_PASSES, *SOME_PASSES, NO_PASSES):
            compiled = answers(program, engine_of, program.statements, passes)
            for ours, theirs in zip(compiled, interpreted, strict=True):
                counts["asked"] += 1
                if "raised" not in (ours, theirs) and "refused" not in (ours, theirs):
                    counts["compared"] += 1
                    assert ours == theirs, f"{passes}\n{program}"
    assert counts["compared"] >= 0.8 * counts["asked"], counts


# --- reloading ------------------------------------------------------------------------------------------------------


def a_change_of(statements: Sequence[Statement], chance: random.Random) -> list[Statement]:
    """A policy in which a rule is gone, stands elsewhere, or differs in one symbol."""
    changed = [*statements]
    at = chance.choice([index for index, statement in enumerate(changed) if isinstance(statement, RuleNode)])
    rule = changed[at]
    assert isinstance(rule, RuleNode)
    how = chance.random()
    if how < 0.2:
        del changed[at]
    elif how < 0.4:
        changed.insert(chance.randint(0, at), changed.pop(at))
    else:
        inside = [*leaves(rule.body)]
        if inside:
            value = chance.choice([1, 2, True, 1.0, None, "a", "b"])
            place = rule.place
            new = Variable("nil", place) if value is None else Literal(value, place)
            body = with_leaf(rule.body, chance.randrange(len(inside)), lambda _old: new)
            changed[at] = dataclasses.replace(rule, body=body)
    return changed


@pytest.mark.unwatched  # long, and others reach the same lines
def test_a_reloaded_engine_answers_as_a_fresh_one() -> None:
    differing = 0
    for number in range(PROGRAMS):
        program = program_from(Seeded(FIRST + number))
        chance = random.Random(number)
        try:
            engine = engine_of(program.statements)
        except BundleRefused:
            continue
        first = answers(program, engine.reloaded, program.statements)
        for statements in (a_change_of(program.statements, chance), a_change_of(program.statements, chance)):
            fresh = answers(program, engine_of, statements)
            reloaded = answers(program, engine.reloaded, statements)
            assert reloaded == fresh, program
            differing += fresh != first
            try:
                engine = engine.reloaded(statements)
            except BundleRefused:
                continue
        assert answers(program, engine.reloaded, program.statements) == first, program
    assert differing > PROGRAMS / 10


POLICY = "\n".join(
    (
        f"old(p: Person) if {' and '.join(f'p.age > {number}' for number in range(25))};",
        "friend_of(p: Person, other) if other = p.friend and other matches Person and old(other);",
        "f(p: Person) if old(p) and friend_of(p, other) and other.age < 99;",
        "g(p: Person) if p.is_active;",
    )
)


def loaded(text: str) -> CompiledEngine:
    return CompiledEngine(parse(Source("a.polar", text)), RECORDS, PLAIN)


def prepared(engine: CompiledEngine) -> list[str]:
    """The functions of an engine that can be asked `f` and `g`."""
    for rule in "fg":
        engine.prepare(rule, RECORDS["Person"])
    return [*engine._code.compiler.definitions]


def test_a_reload_compiles_again_what_changed_and_what_calls_it() -> None:
    engine = loaded(POLICY)
    before = prepared(engine)
    comment = engine.reloaded(parse(Source("a.polar", f"# A comment.\n{POLICY}")))
    assert prepared(comment) == before
    renamed = engine.reloaded(parse(Source("a.polar", POLICY.replace("other", "someone"))))
    assert prepared(renamed) == before
    changed = engine.reloaded(parse(Source("a.polar", POLICY.replace("is_active", "is_active = false"))))
    kept = [name for name in prepared(changed) if name in before]
    assert [name.split("_")[0] for name in before if name not in kept] == [
        name.split("_")[0] for name in before if "_g" in name
    ]
    deep = engine.reloaded(parse(Source("a.polar", POLICY.replace("p.age > 24", "p.age > 25"))))
    assert not {name for name in prepared(deep) if name in before} - {name for name in before if "_g" in name}


@pytest.mark.parametrize(("first", "second"), [("1", "true"), ("true", "1"), ("1", "1.0"), ("0.0", "-0.0")])
def test_a_reload_tells_values_apart_that_python_takes_for_one(first: str, second: str) -> None:
    def solutions(engine: CompiledEngine) -> list[str]:
        return [repr(value) for (value,) in engine.each("f", FREE)]

    texts = [f"f(x) if x in [{value}];" for value in (first, second)]
    engine = loaded(texts[0])
    before = solutions(engine)
    after = solutions(engine.reloaded(parse(Source("a.polar", texts[1]))))
    assert after == solutions(loaded(texts[1]))
    assert after != before


# --- what a goal knows of its variables -----------------------------------------------------------------------------


def goals_in(goal: Any) -> list[Any]:
    inner = goal.goals if isinstance(goal, All | AnyOf) else (goal.goal,) if isinstance(goal, Not) else ()
    return [goal, *(found for part in inner for found in goals_in(part))]


def clauses_of(text: str) -> list[Clause]:
    table = TypeTable(RECORDS, PLAIN)
    program = program_of(parse(Source("a.polar", text)), table.classes)
    lowering = Lowering(program, table.classes)
    return [clause for found in program.clauses.values() for clause in lowering.clauses(found)]


def test_two_variables_have_two_numbers_and_each_anonymous_one_its_own() -> None:
    (clause,) = clauses_of("f(x, _, y: Person) if g(x, _, _) and not h(y, z, z) and z = x;")
    assert clause.names == ("x", "_", "y", "_", "_", "z")
    call, negation, _ = clause.goals
    assert isinstance(call, Call)
    assert [*numbers_in(call.variables)] == [0, 3, 4]
    assert [*numbers_in(call.own)] == [3, 4]
    assert isinstance(negation, Not)
    assert isinstance(negation.goal, Call)
    assert [*numbers_in(negation.goal.repeated)] == [5]
    assert not negation.own


def test_what_is_own_to_a_part_is_own_to_the_whole() -> None:
    for number in range(PROGRAMS):
        program = program_from(Seeded(FIRST + number))
        table = TypeTable(RECORDS, PLAIN)
        try:
            written = program_of(program.statements, table.classes)
        except BundleRefused:
            continue
        lowering = Lowering(written, table.classes)
        for found in written.clauses.values():
            for clause in lowering.clauses(found):
                for goal in clause.goals:
                    for part in goals_in(goal):
                        assert part.own & ~part.variables == 0
                        assert all(inner.own & ~part.own == 0 for inner in goals_in(part))
                        assert not part.own & clause.in_head
