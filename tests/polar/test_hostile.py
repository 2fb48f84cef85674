"""Hostile policies are analysed and compiled, or refused with their place, within a bounded number of steps.

Work is counted in calls of the product's own functions and by them, which a busy machine does not change.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest
from facts_scene import enterprise, person
from hostile import HOSTILE, groups, mutual_recursion

import sealauthz
from sealauthz.model import MODEL
from sealauthz.polar import Source
from sealauthz.polar.budget import MAX_STATEMENTS
from sealauthz.polar.check import Severity, analyse
from sealauthz.polar.check.graph import _check_negation
from sealauthz.polar.diagnostic import Diagnostics
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.groups import expanded
from sealauthz.polar.parse import parse
from sealauthz.polar.syntax import Place
from sealauthz.polar.types import TypeTable
from sealauthz.runtime.errors import BundleRefused, EvaluationFailed

PERSON = person("w7")
ENTERPRISE, SEAL = enterprise(1)[0], MODEL.records["Seal"]("s1", "e1", "seal", "OTHER")
TYPES = TypeTable(MODEL.records, MODEL.contexts)
OWN = str(Path(sealauthz.__file__).parent)
MOST_CALLS = 12_000_000
"""Calls that no hostile policy may take: an analysis without a bound takes them in about ten seconds, and goes on."""


class Unbounded(BaseException):
    """An analysis takes more calls than any may; nothing catches it on the way."""


@contextmanager
def at_most(calls: int) -> Iterator[Callable[[], int]]:
    left = calls

    def count(frame: FrameType, event: str, called: object) -> None:
        nonlocal left
        if event in ("call", "c_call") and frame.f_code.co_filename.startswith(OWN):
            if getattr(called, "__module__", None) == "slipcover.probe":
                return  # what measures coverage calls a function per line
            left -= 1
            if left < 0:
                sys.setprofile(None)
                raise Unbounded

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield lambda: left
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
    """A rule calls all others: of twice the rules the text is four times as long."""
    spent = []
    for size in (20, 40):
        with at_most(MOST_CALLS) as left:
            assert refusals(mutual_recursion(size)) == []
        spent.append(MOST_CALLS - left())
    assert spent[1] < 5 * spent[0]


def test_a_bundle_of_too_many_rules_is_refused_at_the_first_that_is_too_many() -> None:
    """Before anything is analysed: time and memory are in proportion to the rules."""
    rules = [f"own_{number}({number});" for number in range(MAX_STATEMENTS + 10)]
    assert refusals("\n".join(rules)) == [("hostile.polar", MAX_STATEMENTS + 1)]


def test_groups_that_spell_out_too_many_requirements_are_refused() -> None:
    assert refusals(groups(2_000)) == [("hostile.polar", 2)]
    assert refusals(groups(20)) == []


def test_a_question_that_takes_too_much_code_leaves_the_others_their_own() -> None:
    """Each question that was not prepared is compiled with a budget of its own: none is refused for those before."""
    text = "\n".join(f'own("w{n}", p: Person) if other(p, "w{n}");' for n in range(50))
    text += "\nother(p: Person, word) if p.id = word;"
    engine = CompiledEngine(expanded(parse(Source("own.polar", text))).statements, MODEL.records, MODEL.contexts)
    compiler = engine._code.compiler
    assert not engine.holds("own", "w0", PERSON)
    taken = compiler.budget.spent
    for number in range(1, 50):
        assert engine.holds("own", f"w{number}", PERSON) is (number == 7)
        assert 0 < compiler.budget.spent <= 2 * taken


def test_a_question_that_cannot_be_compiled_is_never_answered() -> None:
    """The second time without another look: that takes seconds."""
    engine = CompiledEngine(
        expanded(parse(Source("hostile.polar", HOSTILE["nested_negations"][0](20)))).statements,
        MODEL.records,
        MODEL.contexts,
    )
    with at_most(MOST_CALLS), pytest.raises(EvaluationFailed, match="the rules take too much code"):
        engine.holds("nested", ENTERPRISE, SEAL)
    with at_most(100), pytest.raises(EvaluationFailed, match="the rules take too much code"):
        engine.holds("nested", ENTERPRISE, SEAL)


def test_what_depends_on_its_own_negation_is_what_a_walk_from_each_negation_finds() -> None:
    """On random calls, against the plain way, which takes a walk for each negation."""
    chance = random.Random(7)
    kinds = set()
    for _ in range(300):
        rules = chance.randrange(1, 9)
        calls = {i: {(chance.randrange(rules), chance.random() < 0.3) for _ in range(3)} for i in range(rules)}
        calls |= {i: set() for i in calls if chance.random() < 0.3}

        def reached(start: int, calls: dict[int, set[tuple[int, bool]]] = calls) -> set[int]:
            found, waiting = set(), [start]
            while waiting:
                if (at := waiting.pop()) not in found:
                    found.add(at)
                    waiting += [target for target, _ in calls[at]]
            return found

        expected = {(i, t) for i, each in calls.items() for t, is_negated in each if is_negated and i in reached(t)}
        found = Diagnostics()
        keys = {i: (f"r{i}", 1) for i in calls}
        _check_negation(
            {keys[i]: [(keys[t], is_negated, Place("a", i, t)) for t, is_negated in each] for i, each in calls.items()},
            found,
        )
        assert {(place.line, place.column) for place in found.errors()} == expected
        kinds.add(bool(expected))
    assert kinds == {True, False}
