"""Upstream's facts about answers hold on both engines, and what we refuse is refused."""

from __future__ import annotations

import pytest
from agreement import key_of, traced_answer
from programs import RECORDS
from spec_cases import CASES, PLAIN, RAISES, REFUSED, UNLOADABLE, Case, No, Right

from sealauthz.polar import Source
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.parse import parse
from sealauthz.polar.reference import ReferenceEngine
from sealauthz.polar.runtime import FREE
from sealauthz.runtime.errors import BundleRefused, EvaluationFailed

Engine = ReferenceEngine | CompiledEngine


def answer(engine: Engine, arguments: tuple[object, ...]) -> Right:
    try:
        if any(argument is FREE for argument in arguments):
            return frozenset(map(key_of, ([*values] for values in engine.each("f", *arguments))))
        return engine.holds("f", *arguments)
    except EvaluationFailed as error:
        return REFUSED if isinstance(error.__cause__, BundleRefused) else RAISES


def on_oso(case: Case) -> Right:
    try:
        return answer(ReferenceEngine([Source("p.polar", case.text)], (*RECORDS.values(), *PLAIN)), case.arguments)
    except BundleRefused:
        return UNLOADABLE


def compiled(case: Case) -> Right:
    """Ask the compiled engine, and see that an explanation says the same."""
    try:
        engine = CompiledEngine(parse(Source("p.polar", case.text)), RECORDS, PLAIN)
    except BundleRefused:
        return REFUSED
    said = answer(engine, case.arguments)
    if isinstance(said, bool):
        assert traced_answer(engine, "f", case.arguments) == said
    return said


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=f"{kind}-{number}") for kind, cases in CASES.items() for number, case in enumerate(cases)],
)
def test_what_upstream_states_holds_on_both_engines(case: Case) -> None:
    assert on_oso(case) == case.right
    expected = case.right if case.ours is None else case.ours
    ours = compiled(case)
    # A policy that cannot be compiled for a question is refused before it is asked: so is what oso would raise on.
    if expected in (UNLOADABLE, RAISES):
        assert ours in (REFUSED, RAISES)
    else:
        assert ours == expected


def test_where_we_differ_we_give_no_answer() -> None:
    cases = [case for cases in CASES.values() for case in cases]
    assert all(isinstance(case.ours, No) for case in cases if case.ours is not None)
    assert len(cases) >= 100
