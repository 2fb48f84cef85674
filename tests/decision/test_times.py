"""The words of times.polar say what they say, on both engines; a bare number of microseconds is found."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from sealauthz.decision.checking import engine_classes, plain_classes
from sealauthz.decision.inspection import inspect
from sealauthz.model import MODEL
from sealauthz.model.actions.seals import SealUseContext
from sealauthz.polar import Source
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.parse import parse
from sealauthz.polar.runtime import FREE
from sealauthz.policytools.testing.loading import PolicyTests
from sealauthz.runtime.instants import NEVER

TEXT = (Path(__file__).parents[2] / "policies" / "times.polar").read_text(encoding="utf-8")
# What asks for the hours of an enterprise is tested with them (working_days.yaml).
SOURCE = Source("times.polar", TEXT.partition("# A day on which")[0])

SECOND = 1_000_000
SIZES = {
    "second": SECOND,
    "minute": 60 * SECOND,
    "hour": 3600 * SECOND,
    "day": 86_400 * SECOND,
    "week": 604_800 * SECOND,
}
NOW = 1_790_000_000_123_456


def engines():
    yield CompiledEngine(parse(SOURCE), MODEL.records, plain_classes(MODEL))
    if importlib.util.find_spec("oso") is not None:
        from sealauthz.polar.reference import ReferenceEngine

        yield ReferenceEngine([SOURCE], engine_classes(MODEL))


@pytest.fixture(scope="module")
def both():
    return list(engines())


def context(**local):
    return SealUseContext(now=NOW, parameters=None, caller="test", **local)


def holds(engine, rule, *arguments):
    return engine.holds(rule, *arguments)


EDGES = [-1, 0, 1]


@pytest.mark.parametrize("unit", [*SIZES, *(f"{unit}s" for unit in SIZES)])
def test_lengths_are_counted_from_edge_to_edge(both, unit):
    length = 3 * SIZES[unit.removesuffix("s")]
    for engine in both:
        for edge in EDGES:
            at = NOW - length + edge
            assert holds(engine, "is_within_last", at, 3, unit, context()) == (edge > 0)
            assert holds(engine, "is_ago", at, 3, unit, context()) == (edge <= 0)
            assert holds(engine, "is_within", at, 3, unit, NOW) == (edge > 0)
            assert holds(engine, "is_within", NOW, 3, unit, at) == (edge > 0)
        assert holds(engine, "is_within_last", NOW, 3, unit, context())
        assert not holds(engine, "is_within_last", NOW + 1, 3, unit, context())
        assert not holds(engine, "is_ago", NOW + 1, 3, unit, context())
        assert list(engine.each("time_after", NOW, 3, unit, FREE)) == [(NOW + length,)]
        assert list(engine.each("time_before", NOW, 3, unit, FREE)) == [(NOW - length,)]


def test_a_time_that_is_not_there_is_neither_near_nor_long_ago(both):
    for engine in both:
        for rule in ("is_within_last", "is_ago"):
            assert not holds(engine, rule, None, 3, "days", context())
        assert not holds(engine, "is_within", None, 3, "days", NOW)
        assert not holds(engine, "is_within", NOW, 3, "days", None)
        for count in (3, 30_000):
            assert not holds(engine, "is_within_last", NEVER, count, "days", context())
        assert not holds(engine, "is_within_last", NOW, 3, "fortnights", context())
        assert not holds(engine, "is_ago", NEVER, 3, "days", context())
        assert not holds(engine, "is_within", NEVER, 3, "days", NEVER)
        assert not holds(engine, "is_ago", SECOND, 3, "fortnights", context())
        assert not holds(engine, "is_within_last", NOW, -3, "days", context())


def test_a_minute_begins_where_the_clock_says(both):
    for engine in both:
        (found,) = engine.each("minute_of", NOW, FREE)
        assert found == (NOW - NOW % (60 * SECOND),)


def test_days_and_hours_are_those_where_the_enterprise_is(both):
    names = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    for engine in both:
        for number, name in enumerate(names, 1):
            here = context(local_weekday=number, local_minute=9 * 60)
            assert [day for day in names if holds(engine, "is_on_day", day, here)] == [name]
            assert holds(engine, "is_weekday", here) == (number <= 5)
        for minute, is_open in ((8 * 60 + 59, False), (9 * 60, True), (17 * 60 + 59, True), (18 * 60, False)):
            assert holds(engine, "is_between_hours", 9, 18, context(local_minute=minute)) == is_open
        # Where the time zone is not known, none of it holds.
        assert not holds(engine, "is_between_hours", 0, 24, context())
        assert not holds(engine, "is_weekday", context())
        assert not any(holds(engine, "is_on_day", day, context()) for day in names)


HEAD = (
    'requires("use", _: Seal, "MINE");\nmeets(_: Person, "MINE", "use", seal: Seal, context) if\n  h in seal.holds and '
)
TAIL = ';\notherwise("MINE", "NOT_MINE");\nreason("NOT_MINE", 90, "USER", "ASSIGN_OTHER_PERSON");\n'
SAID = '[reasons]\nNOT_MINE.en = "No."\nNOT_MINE.zh = "不。"\n'


def found(folder, condition, more=""):
    (folder / "bundle.toml").write_text('extends = "default"\n', encoding="utf-8")
    (folder / "texts.toml").write_text(SAID, encoding="utf-8")
    (folder / "ours.polar").write_text(HEAD + condition + TAIL + more, encoding="utf-8")
    return [(str(each.severity), each.code, each.message, each.hint) for each in inspect(MODEL, folder).diagnostics]


def test_words_are_called_without_a_warning(tmp_path):
    conditions = [
        'is_within_last(h.placed_at, 30, "minutes", context)',
        'is_ago(h.placed_at, 1, "day", context)',
        'is_within(h.placed_at, 2, "weeks", context.now)',
        'time_after(h.placed_at, 1, "hour", at) and context.now < at + context.parameters.face_for_use',
        'is_on_day("Monday", context) and is_weekday(context) and is_between_hours(9, 18, context)',
        "is_working_day(seal.enterprise, context) and is_in_working_hours(seal.enterprise, context)",
    ]
    assert found(tmp_path, " and ".join(conditions)) == []


def test_a_time_beside_a_bare_number_and_a_unit_that_is_not_known_are_found(tmp_path):
    plain = "`1798761600000000` is a plain number and has no unit, and `h.placed_at` is an instant"
    bare = [each for each in found(tmp_path, "h.placed_at < 1798761600000000") if each[1] == "units"]
    ((severity, _, message, hint),) = bare
    assert (severity, message) == ("warning", plain)
    assert "is_within_last" in hint
    assert "units" not in {code for _, code, *_ in found(tmp_path, "h.placed_at > 0")}

    wrong = found(tmp_path, 'is_ago(h.placed_at, 3, "dais", context)')
    unit = ("error", "word", 'there is no unit of time "dais"', "did you mean `days`?")
    assert unit in wrong

    said = found(tmp_path, "h.placed_at > 0", 'unit_of_time("minutes", 1);\n')
    assert [(severity, code) for severity, code, *_ in said if severity == "error"] == [("error", "units")]


WORKING_DAYS = """\
include: ["default:working_days.yaml"]
fixture: spruce
tests:
  - name: a Saturday that makes up for a Wednesday is a working day
    now: 2026-09-26T02:00:00Z
    given: ["user has shown their face, and the certificate stands", Spruce works on weekdays and on Fridays until noon]
    subject: user
    action: use
    resource: Seal:s
    context: {task: t, verification: v-user}
    expect: [MINE_NOT_MET, OUT_OF_HOURS]
    but: {put: {Holiday: {made-up: {enterprise_id: e, day: 20722, kind: WORKDAY, weekday: 3}}}}
    then: allow
  - name: a Friday evening is on a working day
    now: 2026-09-25T12:00:00Z
    given: ["user has shown their face, and the certificate stands", Spruce works on weekdays and on Fridays until noon]
    subject: user
    action: use
    resource: Seal:s
    context: {task: t, verification: v-user}
    expect: [OUT_OF_HOURS]
  - name: a holiday is none
    now: 2026-09-25T12:00:00Z
    given:
      - user has shown their face, and the certificate stands
      - Spruce works on weekdays and on Fridays until noon
      - {put: {Holiday: {feast: {enterprise_id: e, day: 20721, kind: HOLIDAY}}}}
    subject: user
    action: use
    resource: Seal:s
    context: {task: t, verification: v-user}
    expect: [MINE_NOT_MET, OUT_OF_HOURS]
"""


def test_a_working_day_is_one_on_which_the_enterprise_works(tmp_path):
    rule = (
        'requires("use", _: Seal, "MINE");\nmeets(_: Person, "MINE", "use", seal: Seal, context) if\n'
        "  is_working_day(seal.enterprise, context);\n"
    )
    said = 'otherwise("MINE", "MINE_NOT_MET");\nreason("MINE_NOT_MET", 90, "USER", "NONE");\n'
    (tmp_path / "bundle.toml").write_text('extends = "default"\n', encoding="utf-8")
    (tmp_path / "ours.polar").write_text(rule + said, encoding="utf-8")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "ours.yaml").write_text(WORKING_DAYS, encoding="utf-8")
    tests = PolicyTests(MODEL, tmp_path)
    assert len(tests.tests) == 3
    assert [str(failure) for failure in tests.failures()] == []
