"""What was found out and compiled, written down and read again: what starts from it is what starts from nothing."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from check_cases import CASES
from effort import tries
from programs import PLAIN, RECORDS
from test_analysis import analysis_of, bundle
from test_check import BASE, CONTRACT, FLOOR, TYPES
from test_core import a_change_of, answers, asked, engine_of, programs_from

from sealauthz.decision.stored_analysis import from_bytes, to_bytes
from sealauthz.polar import Source, Statement
from sealauthz.polar.check import Analysis
from sealauthz.polar.compile import Passes
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.parse import parse, remember
from sealauthz.polar.types import TypeTable
from sealauthz.runtime.errors import BundleRefused

FIRST = 99_000_000_000
TABLE = TypeTable(RECORDS, PLAIN)


def read_again(engine: CompiledEngine, statements: Sequence[Statement]) -> tuple[CompiledEngine, Sequence[Statement]]:
    """An engine to begin with, and its statements, as another process has them."""
    engine.stored()
    kept = engine.kept()
    assert kept is not None
    there, code = from_bytes(to_bytes((tuple(statements), kept), TABLE), TABLE)
    return CompiledEngine.of_kept(code, TABLE), there


def test_an_engine_that_begins_with_one_that_was_read_answers_as_a_fresh_one() -> None:
    differing = kept = 0
    count = tries(100, 2_000)
    for program, engine, chance in programs_from(FIRST, count):
        everything = range(len(program.questions))
        answered = asked(engine, program, chance.sample(everything, chance.randint(1, len(everything))))
        try:
            begun, statements = read_again(engine, program.statements)
        except BundleRefused:
            continue  # a rule that nobody had asked for yet
        changed = a_change_of(statements, chance)
        fresh = answers(program, engine_of, changed)
        try:
            reloaded = begun.reloaded(changed)
        except BundleRefused:
            assert set(fresh) == {"refused"}
            continue
        kept += len(reloaded._code.compiler.definitions)
        assert asked(reloaded, program, everything) == fresh, program
        differing += fresh != answered
    assert differing > count / 4
    assert kept > count


def test_an_analysis_that_begins_with_one_that_was_read_finds_what_it_finds_alone() -> None:
    chance = random.Random(7)
    texts = [text for case in CASES for text in (case.bad, case.good)]
    base = [Source("contract.polar", CONTRACT), Source("floor.polar", FLOOR), Source("base.polar", BASE)]
    before: Analysis | None = None
    reused = 0
    for text in chance.sample(texts, tries(40, len(texts))):
        statements = bundle(text)
        alone = analysis_of(statements, None)
        after = analysis_of(statements, before)
        assert after.diagnostics == alone.diagnostics, text
        if before is not None and after.flow is not None:
            ours, theirs = set(map(id, after.rules.clauses)), map(id, before.rules.clauses)
            reused += len(ours.intersection(theirs))
        kept = alone.kept()
        if kept is None:
            continue
        counts = [len(parse(source)) for source in base]
        found, there = from_bytes(to_bytes((kept, tuple(statements)), TYPES), TYPES)
        before = Analysis.of_kept(found, TYPES)
        for at, source in enumerate(base):
            start = sum(counts[:at])
            remember(source, there[start : start + counts[at]])
    assert reused > 100


def test_what_began_with_another_is_not_kept() -> None:
    (rule,) = parse(Source("a.polar", "f(x: Person) if x.age > 24;\n"))
    engine = CompiledEngine([rule], RECORDS, PLAIN)
    engine.prepare("f", RECORDS["Person"])
    assert engine.kept() is None, "nothing is defined yet"
    engine.stored()
    assert engine.kept() is not None
    assert engine.reloaded([rule]).kept() is None
    alone = analysis_of(bundle(CASES[0].good), None)
    assert alone.kept() is not None
    assert analysis_of(bundle(CASES[0].good), alone).kept() is None


@pytest.mark.parametrize("field", ["writes_out", "shares", "looks_up", "remembers"])
def test_what_was_compiled_in_another_way_is_not_kept(field: str) -> None:
    (rule,) = parse(Source("a.polar", "f(x: Person) if x.age > 24;\n"))
    engine = CompiledEngine([rule], RECORDS, PLAIN, passes=Passes(**{field: False}))
    engine.stored()
    assert engine.kept() is None
