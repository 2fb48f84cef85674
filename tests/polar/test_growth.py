"""Reading, checking and compiling policies takes work in proportion to the rules, also where one name is in many files.

Work is counted in calls of the product's own functions. A busy machine does not change that; and where coverage is
measured, its tool takes its probes out again at times that nobody knows, by many calls of its own.
"""

from __future__ import annotations

import cProfile
import pstats
from pathlib import Path

import pytest

import sealauthz
from sealauthz.model import MODEL
from sealauthz.polar import Source
from sealauthz.polar.check import check
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.parse import parse
from sealauthz.polar.types import TypeTable

TYPES = TypeTable(MODEL.records, MODEL.contexts)
OWN = Path(sealauthz.__file__).parent
FILES = 8
FEW, TIMES = 100, 4


def _facts(count: int) -> list[str]:
    return [f'known("w{number}", {number});' for number in range(count)]


def _rules(count: int) -> list[str]:
    return [
        f'may_{number // 20}(person: Person, seal: Seal) if person.id = "p{number}" and is_live(seal);'
        for number in range(count - 1)
    ] + ['is_live(seal: Seal) if seal.state = "ACTIVE" and seal.kind in ["OFFICIAL", "OTHER"];']


def _calls(lines: list[str], asked: list[tuple[object, ...]]) -> int:
    """Count the calls that a load of these lines takes, spread over files."""
    sources = [Source(f"{number}.polar", "\n".join(lines[number::FILES])) for number in range(FILES)]
    profile = cProfile.Profile()
    profile.enable()
    statements = [statement for source in sources for statement in parse(source)]
    check(
        statements,
        TYPES,
        lambda action, type_: MODEL.action(action, type_).context,
        subjects=MODEL.subjects,
        sources=sources,
    )
    engine = CompiledEngine(statements, MODEL.records, MODEL.contexts)
    for rule, *arguments in asked:
        engine.prepare(str(rule), *arguments)
    profile.disable()
    counted: dict[tuple[str, int, str], tuple[int, ...]] = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    return sum(calls for (file, *_), (_, calls, *_) in counted.items() if Path(file).is_relative_to(OWN))


@pytest.mark.parametrize("kind", ["facts", "rules"])
def test_four_times_the_rules_take_four_times_the_work(kind: str) -> None:
    person, seal = MODEL.records["Person"], MODEL.records["Seal"]

    def work(count: int) -> int:
        if kind == "facts":
            return _calls(_facts(count), [("known", str, int)])
        return _calls(_rules(count), [(f"may_{number}", person, seal) for number in range((count - 1) // 20)])

    work(FILES)  # what is made once for all loads
    assert work(TIMES * FEW) <= 1.15 * TIMES * work(FEW)
