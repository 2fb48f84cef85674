"""Hostile policies are analysed and compiled, or refused with their place, within a bounded number of steps.

Work is counted in calls of the product's own functions, which a busy machine does not change.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest
from hostile import HOSTILE, groups, mutual_recursion

import sealauthz
from sealauthz.model import MODEL
from sealauthz.polar import Source
from sealauthz.polar.budget import MAX_STATEMENTS
from sealauthz.polar.check import Severity, analyse
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.groups import expanded
from sealauthz.polar.parse import parse
from sealauthz.polar.types import TypeTable
from sealauthz.runtime.errors import BundleRefused

TYPES = TypeTable(MODEL.records, MODEL.contexts)
OWN = str(Path(sealauthz.__file__).parent)
MOST_CALLS = 12_000_000
"""Calls that no hostile policy may take: an analysis without a bound takes them in about ten seconds, and goes on."""


class Unbounded(BaseException):
    """An analysis takes more calls than any may; nothing catches it on the way."""


@contextmanager
def at_most(calls: int) -> Iterator[None]:
    left = calls

    def count(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal left
        if event == "call" and frame.f_code.co_filename.startswith(OWN):
            left -= 1
            if left < 0:
                sys.setprofile(None)
                raise Unbounded

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(before)


def refusals(text: str) -> list[tuple[str, int]]:
    """Load a policy; return why it is refused, each with its file and line."""
    source = Source("hostile.polar", text)
    try:
        statements = expanded(parse(source)).statements
        found = analyse(
            statements,
            TYPES,
            lambda action, type_: MODEL.action(action, type_).context,
            subjects=MODEL.subjects,
            sources=[source],
        )
        deep = [d for d in found.diagnostics if d.code == "too-much" and d.severity is Severity.ERROR]
        if deep:
            return [(d.place.file, d.place.line) for d in deep]
        engine = CompiledEngine(statements, MODEL.records, MODEL.contexts)
        for (name, _), clauses in engine.program.clauses.items():
            types = [parameter.pattern.name if parameter.pattern else "" for parameter in clauses[0].parameters]  # type: ignore[union-attr]
            engine.prepare(name, *(MODEL.records.get(type_, str) for type_ in types))
    except BundleRefused as refused:
        return [(refused.file, refused.line)]
    return []


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_policy_is_loaded_or_refused_with_its_place(name: str) -> None:
    make, size = HOSTILE[name]
    with at_most(MOST_CALLS):
        found = refusals(make(size))
    assert all(file == "hostile.polar" and line > 0 for file, line in found)


def test_mutual_recursion_takes_work_in_proportion_to_its_calls() -> None:
    """A rule calls all others: a quarter of the rules is a sixteenth of the text."""
    with at_most(2_000_000):
        assert refusals(mutual_recursion(45)) == []


def test_a_bundle_of_too_many_rules_is_refused_at_the_first_that_is_too_many() -> None:
    """Before anything is analysed: time and memory are in proportion to the rules."""
    rules = [f"own_{number}({number});" for number in range(MAX_STATEMENTS + 10)]
    assert refusals("\n".join(rules)) == [("hostile.polar", MAX_STATEMENTS + 1)]


def test_groups_that_spell_out_too_many_requirements_are_refused() -> None:
    assert refusals(groups(2_000)) == [("hostile.polar", 2)]
    assert refusals(groups(20)) == []
