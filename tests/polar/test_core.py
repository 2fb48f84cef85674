"""The core form: its interpreter answers as the compiled engine, whatever passes this uses, fresh or reloaded."""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pytest
from agreement import interpreter_of, key_of
from colliding import changed as with_leaf
from colliding import leaves
from effort import tries
from programs import PLAIN, RECORDS, Plain, Program, Seeded, program_from, value_of, wired

from sealauthz.polar import Source
from sealauthz.polar.compile import ALL_PASSES, Passes
from sealauthz.polar.core.interpreter import Interpreter
from sealauthz.polar.core.lower import Lowering
from sealauthz.polar.core.nodes import All, AnyOf, Call, Clause, Not, numbers_in
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.parse import parse
from sealauthz.polar.program import program_of
from sealauthz.polar.runtime import FREE
from sealauthz.polar.syntax import Literal, Parameter, Place, RuleNode, Statement, TypePattern, Variable
from sealauthz.polar.types import TypeTable
from sealauthz.runtime.errors import BundleRefused, EvaluationFailed

PROGRAMS = 150
FIRST = 88_000_000_000

NO_PASSES = Passes(writes_out=False, shares=False, looks_up=False)
SOME_PASSES = [dataclasses.replace(ALL_PASSES, **{field.name: False}) for field in dataclasses.fields(Passes)]

Engine = CompiledEngine | Interpreter


def engine_of(statements: Sequence[Statement], passes: Passes = ALL_PASSES) -> CompiledEngine:
    return CompiledEngine(statements, RECORDS, PLAIN, passes=passes)


def answers(program: Program, make: Callable[..., Engine], *arguments: Any) -> list[Any]:
    """The answer of a new engine to every question: True, False, solutions, or why there is none."""
    try:
        engine = make(*arguments)
    except BundleRefused:
        return ["refused"] * len(program.questions)
    return asked(engine, program, range(len(program.questions)))


def asked(engine: Engine, program: Program, numbers: Iterable[int]) -> list[Any]:
    """The answers of an engine to some questions."""
    world = wired(program.rows)
    questions = [program.questions[number] for number in numbers]
    return [answer(engine, each.rule, [value_of(a, world) for a in each.arguments]) for each in questions]


def answer(engine: Engine, rule: str, values: Sequence[Any]) -> Any:
    try:
        if any(value is FREE for value in values):
            return frozenset(map(key_of, ([*found] for found in engine.each(rule, *values))))
        return engine.holds(rule, *values)
    except EvaluationFailed:
        return "raised"
    except BundleRefused:
        return "refused"


def test_the_interpreter_answers_as_the_engine_with_each_pass_on_and_off() -> None:
    counts: Counter[str] = Counter()
    for number in range(tries(PROGRAMS, 10 * PROGRAMS)):
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


_TYPES = ("Person", "Team", "Doc", "Integer", "String", "Boolean", "Resource")


def a_change_of(statements: Sequence[Statement], chance: random.Random) -> list[Statement]:
    """A policy in which a rule is gone, stands elsewhere, stands again with another head, or differs in one symbol."""
    changed = [*statements]
    rules = [index for index, statement in enumerate(changed) if isinstance(statement, RuleNode)]
    if not rules:
        return changed
    at = chance.choice(rules)
    rule = changed[at]
    assert isinstance(rule, RuleNode)
    how = chance.random()
    if how < 0.15:
        del changed[at]
    elif how < 0.3:
        changed.insert(chance.randint(0, at), changed.pop(at))
    elif how < 0.65 and rule.parameters:
        other = with_another_head(rule, chance)
        changed[at : at + 1] = [other] if chance.random() < 0.3 else [rule, other]
    else:
        inside = [*leaves(rule.body)]
        if inside:
            new = a_leaf(rule.place, chance)
            body = with_leaf(rule.body, chance.randrange(len(inside)), lambda _old: new)
            changed[at] = dataclasses.replace(rule, body=body)
    return changed


def a_leaf(place: Place, chance: random.Random) -> Literal | Variable:
    value = chance.choice([1, 2, True, 1.0, None, "a", "b"])
    return Variable("nil", place) if value is None else Literal(value, place)


def with_siblings(program: Program) -> Program:
    """A program whose rules take contexts of any class, and that is asked each question about a context about one of
    the other class as well.
    """
    questions = []
    for question in program.questions:
        other = dataclasses.replace(question, arguments=tuple(map(_sibling, question.arguments)))
        questions += [question] if other == question else [other, question]
    statements = tuple(map(_for_any_context, program.statements))
    return dataclasses.replace(program, statements=statements, questions=tuple(questions))


def _for_any_context(statement: Statement) -> Statement:
    if not isinstance(statement, RuleNode):
        return statement
    names = {cls.__name__ for cls in PLAIN}
    return dataclasses.replace(
        statement,
        parameters=tuple(
            dataclasses.replace(parameter, pattern=None) if parameter.type in names else parameter
            for parameter in statement.parameters
        ),
    )


def _sibling(argument: Any) -> Any:
    if not isinstance(argument, Plain):
        return argument
    other = next(cls for cls in PLAIN if cls.__name__ != argument.cls)
    names = {field.name for field in dataclasses.fields(other)}
    return Plain(other.__name__, tuple((name, value) for name, value in argument.values if name in names))


def with_another_head(rule: RuleNode, chance: random.Random) -> RuleNode:
    """A rule that takes another class or value for one of its arguments, perhaps without its condition."""
    parameters = [*rule.parameters]
    at = chance.randrange(len(parameters))
    place = parameters[at].place
    if chance.random() < 0.75:
        # Half of them a class that makes a difference between contexts.
        name = chance.choice(PLAIN).__name__ if chance.random() < 0.5 else chance.choice(_TYPES)
        pattern = TypePattern(name, (), place)
        parameters[at] = Parameter(Variable(f"other_{at}", place), pattern, place)
    else:
        parameters[at] = Parameter(a_leaf(place, chance), None, place)
    return dataclasses.replace(rule, parameters=tuple(parameters), body=rule.body if chance.random() < 0.5 else None)


def programs_from(first: int, count: int) -> Iterator[tuple[Program, CompiledEngine, random.Random]]:
    """Random programs that load, each with its engine and the chance of what is done with it."""
    for number in range(count):
        program = with_siblings(program_from(Seeded(first + number)))
        try:
            engine = engine_of(program.statements)
        except BundleRefused:
            continue
        yield program, engine, random.Random(number)


def test_a_reloaded_engine_answers_as_a_fresh_one() -> None:
    differing = 0
    count = tries(2 * PROGRAMS, 20 * PROGRAMS)
    for program, first, chance in programs_from(FIRST, count):
        everything = range(len(program.questions))
        engine, statements = first, program.statements
        answered = answers(program, engine_of, statements)
        for _ in range(3):
            # Asked some questions only, so that others come for the first time after the reload.
            asked(engine, program, chance.sample(everything, chance.randint(1, len(everything))))
            before = statements
            statements = a_change_of(statements, chance)
            fresh = answers(program, engine_of, statements)
            try:
                reloaded = engine.reloaded(statements)
            except BundleRefused:
                assert set(fresh) == {"refused"}
                statements = before
                continue
            assert asked(reloaded, program, everything) == fresh, program
            differing += fresh != answered
            engine, answered = reloaded, fresh
    assert differing > count / 4


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


def test_what_was_for_all_contexts_is_for_none_that_a_new_rule_names() -> None:
    cls = {each.__name__: each for each in PLAIN}
    text = "f(c) if x in [1, 2] and x = c.now;\nok(c) if not f(c);"
    plain, sign = cls["Ctx"](now=5, caller="x"), cls["SignCtx"](now=5, caller="x")
    engine = loaded(text)
    assert engine.holds("ok", plain)
    changed = f"{text}\nf(_: SignCtx);"
    reloaded = engine.reloaded(parse(Source("a.polar", changed)))
    assert [reloaded.holds("ok", each) for each in (plain, sign)] == [True, False]
    assert [loaded(changed).holds("ok", each) for each in (plain, sign)] == [True, False]


@pytest.mark.parametrize("order", ["fg", "gf"])
def test_a_reload_drops_what_calls_a_rule_that_was_not_finished_yet(order: str) -> None:
    big = " and ".join(f"p.age > {number}" for number in range(0, -25, -1))
    text = f"""
        f(n: Integer, p: Person) if x in [1, 2] and x > 5 and h(x, p) and n > 0;
        f(n: Integer, p: Person) if n < 3 and t(n, p);
        f(n: Integer, p: Person) if n >= 3 and k(p);
        h(x, p) if x = p.age;
        t(n: Integer, p: Person) if p.age > 100 or f(n + 1, p);
        k(p: Person) if {big} and p.age > 50;
        g(n: Integer, p: Person) if t(n, p) and p.age > 1;
    """
    row = {"id": "p", "name": "n", "age": 5, "is_active": True, "nick": None, "rank": None, "team_id": "t"}
    person = RECORDS["Person"](**row, friend_id=None)
    engine = loaded(text)
    assert not any(engine.holds(rule, 1, person) for rule in order)
    reloaded = engine.reloaded(parse(Source("a.polar", text.replace("p.age > 50", "p.age > 2"))))
    assert all(reloaded.holds(rule, 1, person) for rule in "gft")


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
