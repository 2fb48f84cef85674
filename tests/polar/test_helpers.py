"""What rules call is written out in place of the calls, and says what it said."""

from __future__ import annotations

import itertools
import random

import pytest
from effort import tries
from programs import PLAIN, RECORDS, Row, wired

from sealauthz.polar import RuleNode, Source
from sealauthz.polar.check.covering import Together, together
from sealauthz.polar.check.helpers import Helpers
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.parse import parse
from sealauthz.polar.program import Key
from sealauthz.polar.types import TypeTable

TYPES = TypeTable(RECORDS, PLAIN)
POLICIES = 150
LEVELS, TITLES = (0, 1, 2, 3), ("a", "b", "c")


def rules_of(text: str) -> dict[Key, list[RuleNode]]:
    found: dict[Key, list[RuleNode]] = {}
    for each in parse(Source("a.polar", text)):
        assert isinstance(each, RuleNode)
        found.setdefault((each.name, len(each.parameters)), []).append(each)
    return found


def may_be(given: str | None, asked: str | None) -> bool:
    return None in (given, asked) or given == asked


def said(text: str) -> list[Together]:
    rules = rules_of(text)
    return together(rules[("f", 1)], TYPES, Helpers(rules, may_be))


def is_unconditional(text: str) -> bool:
    return any(each.rule.body is None for each in said(text))


@pytest.mark.parametrize(
    "text",
    [
        "f(d: Doc) if h(d); f(d: Doc) if not d.is_secret; h(d: Doc) if d.is_secret;",
        "f(d: Doc) if h(d); f(d: Doc) if not k(d); h(d: Doc) if d.is_secret; k(d: Doc) if d.is_secret;",
        'f(d: Doc) if h(d, "a"); f(d: Doc) if h(d, "b"); h(d, "a") if d.is_secret; h(d, "b") if not d.is_secret;',
        'f(d: Doc) if h(d.is_secret, "a"); f(d: Doc) if h(d.is_secret, "b"); h(x, "a") if x; h(x, "b") if not x;',
        "f(d: Doc) if h(d); h(d: Doc) if d.is_secret; h(d) if not d.is_secret;",
        "f(d: Doc) if h(d, d.level); h(d: Doc, n) if n < 3; h(_: Doc, n) if n >= 3;",
        "f(d: Doc) if h(d); h(d: Doc) if k(d); k(d: Doc) if d.level < 1; k(d) if d.level >= 1;",
        "f(d: Doc) if x in [1] and d.level = x; f(d: Doc) if x = 1 and not d.level = x;",
        "f(d: Doc) if d.title matches \"a\"; f(d: Doc) if not d.title = \"a\";",
        "f(d: Doc) if h(d) and d.level > 1; f(d: Doc) if not (h(d) and d.level > 1); h(d: Doc) if n in d.notes;",
        "f(d: Doc) if h(d); f(d: Doc) if d.is_secret; h(_: Note); h(d: Doc) if not d.is_secret;",
        "f(d: Doc) if h(d, d); f(d: Doc) if not d.is_secret; h(a, a) if a.is_secret;",
    ],
)  # fmt: skip
def test_what_is_called_leaves_nothing_out(text: str) -> None:
    assert is_unconditional(text)


@pytest.mark.parametrize(
    "text",
    [
        "f(d: Doc) if h(d); f(d: Doc) if not d.is_secret; h(d: Doc) if d.owner.is_active;",
        "f(d: Doc) if h(d); f(d: Doc) if not d.is_secret; h(n: Note) if n.is_done; h(_: Person);",
        "f(d: Doc) if h(d, d.owner); f(d: Doc) if not d.is_secret; h(a, a) if a.is_secret;",
        'f(d: Doc) if h(d, "a"); f(d: Doc) if h(d, "a"); h(d, "a") if d.is_secret; h(d, "b") if not d.is_secret;',
        # One note that is done and one that is not: neither holds.
        "f(d: Doc) if h(d); f(d: Doc) if k(d); h(d: Doc) if not (n in d.notes and n.is_done);"
        "k(d: Doc) if not (n in d.notes and not n.is_done);",
        # What calls itself is a call.
        "f(d: Doc) if h(d); f(d: Doc) if not d.is_secret; h(d: Doc) if d.is_secret and h(d);",
        # A value that two rules find is not the same one.
        "f(d: Doc) if n in d.notes and h(n); f(d: Doc) if n in d.notes and not h(n); h(n: Note) if n.is_done;",
    ],
)
def test_what_is_called_leaves_something_out(text: str) -> None:
    assert not is_unconditional(text)


def documents() -> list[object]:
    rows: list[Row] = []
    for number, (level, title, is_secret) in enumerate(itertools.product(LEVELS, TITLES, (True, False))):
        values = {"id": f"d{number}", "title": title, "level": level, "is_secret": is_secret}
        rows.append(("Doc", {**values, "tag": None, "owner_id": "p", "team_id": None}))
    return list(wired(rows).values())


def condition(chance: random.Random, calls: list[str], depth: int) -> str:
    how = chance.random()
    if depth and how < 0.5:
        parts = [condition(chance, calls, depth - 1) for _ in range(2)]
        return f"({chance.choice((' and ', ' or ')).join(parts)})"
    if depth and how < 0.6:
        return f"not ({condition(chance, calls, depth - 1)})"
    if calls and how < 0.85:
        return chance.choice(calls)
    level, title = chance.choice(LEVELS[1:]), chance.choice(TITLES)
    return chance.choice(
        (
            "d.is_secret",
            "not d.is_secret",
            f"d.level < {level}",
            f"d.level >= {level}",
            f'd.title = "{title}"',
            f'd.title != "{title}"',
        )
    )


def policy(chance: random.Random) -> str:
    lines: list[str] = []
    calls: list[str] = []
    for name in ("h", "k"):
        lines += [f"{name}(d: Doc) if {condition(chance, calls, 1)};" for _ in range(chance.choice((1, 1, 2)))]
        calls += [f"{name}(d)", f"not {name}(d)"]
    lines += ['w(d: Doc, "x") if d.is_secret;', f'w(d: Doc, "y") if {condition(chance, [], 0)};']
    calls += ['w(d, "x")', 'w(d, "y")']
    return "\n".join(
        [*lines, *(f"f(d: Doc) if {condition(chance, calls, 1)};" for _ in range(chance.choice((1, 2, 3))))]
    )


def test_what_is_found_to_hold_for_all_holds_for_all() -> None:
    chance = random.Random(32)
    docs = documents()
    found = missed = left_out = 0
    made = tries(POLICIES, 20 * POLICIES)
    for _ in range(made):
        text = policy(chance)
        engine = CompiledEngine(parse(Source("a.polar", text)), RECORDS, PLAIN)
        holds = all(engine.holds("f", doc) for doc in docs)
        if is_unconditional(text):
            assert holds, text
            found += 1
        elif holds:
            missed += 1
        else:
            left_out += 1
    assert found > made / 5
    assert left_out > made / 5
    assert missed < found / 100
