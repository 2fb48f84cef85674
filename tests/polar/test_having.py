"""Members are looked up by a collection of theirs that a solution needs a member of, and all answers stay."""

from __future__ import annotations

import itertools
import random
from typing import Any

from agreement import interpreter_of, key_of
from effort import tries
from programs import PLAIN, RECORDS, Row, wired

from sealauthz.polar import Source
from sealauthz.polar.compile.forms import Passes
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.parse import parse
from sealauthz.polar.reference import ReferenceEngine
from sealauthz.polar.runtime import FREE
from sealauthz.runtime.errors import BundleRefused, EvaluationFailed
from sealauthz.schema import Collection
from sealauthz.schema.record import having

WORLDS = 30
POLICY = """
a(team: Team) if p in team.members and p.is_active and d in p.docs and d.is_secret;
b(team: Team, p) if p in team.members and d in p.docs and n in d.notes and n.is_done;
c(team: Team, p) if p in team.members and writes(p, "secret");
d(team: Team, p) if p in team.members and writes(p, _);
e(team: Team, p) if p in team.members and ((d in p.docs and d.level > 1) or (d in p.docs and d.is_secret));
g(team: Team, p) if p in team.members and ((d in p.docs and d.level > 1) or p.is_active);
h(team: Team) if not b(team, _);
i(team: Team, p) if p in team.members and not writes(p, "secret");
j(team: Team, p) if p in team.members and p.team_id = team.id and writes(p, "open");
k(team: Team, p) if p in team.members and leads(p, p);
l(team: Team, p) if p in team.members and chain(p);
m(team: Team, d) if p in team.members and d in p.docs;
o(team: Team, p) if p in team.members and forall(d in p.docs, d.is_secret);
writes(p: Person, "secret") if d in p.docs and d.is_secret;
writes(p: Person, "open") if d in p.docs and not d.is_secret;
writes(p: Person, "first") if p.age > 100;
leads(p: Person, p) if d in p.docs and d.is_secret;
chain(p: Person) if q = p.friend and q matches Person and _ in q.docs and writes(p, "secret");
"""
NEEDED = {
    "a": {"docs"},
    "b": {"docs", "notes"},
    "c": {"docs"},
    "d": set(),
    "e": {"docs"},
    "g": set(),
    "i": set(),
    "k": set(),
    "l": {"docs"},
    "m": {"docs"},
    "o": set(),
}
"""By what members are looked up in which rule."""

RULES = "abcdeghijklmo"
SLOW = Passes(looks_up=False)


def rows_of(rng: random.Random) -> list[Row]:
    """Two teams with few or many members, some of whom have documents, of which some have notes."""
    rows: list[Row] = []
    for team, most in (("t0", 3), ("t1", 80)):
        rows.append(
            (
                "Team",
                {
                    "id": team,
                    "name": team,
                    "size": 1,
                    "is_open": True,
                    "motto": None,
                    "parent_id": None,
                    "boss_id": None,
                },
            )
        )
        for number in range(rng.randint(0, most)):
            person = f"{team}p{number}"
            rows.append(
                (
                    "Person",
                    {
                        "id": person,
                        "name": "n",
                        "age": rng.choice((30, 101)),
                        "nick": None,
                        "rank": None,
                        "is_active": rng.random() < 0.5,
                        "team_id": team,
                        "friend_id": rng.choice((None, f"{team}p0")),
                    },
                )
            )
            for doc in range(rng.choice((0, 0, 0, 0, 1, 2, 14))):
                owned = f"{person}d{doc}"
                rows.append(
                    (
                        "Doc",
                        {
                            "id": owned,
                            "title": "x",
                            "level": rng.randint(0, 2),
                            "tag": None,
                            "is_secret": rng.random() < 0.3,
                            "owner_id": person,
                            "team_id": None,
                        },
                    )
                )
                if rng.random() < 0.2:
                    rows.append(
                        (
                            "Note",
                            {
                                "id": f"{owned}n",
                                "text": "x",
                                "level": 1,
                                "is_done": rng.random() < 0.5,
                                "doc_id": owned,
                                "author_id": None,
                            },
                        )
                    )
    return rows


def answers(engine: Any, world: dict[str, Any]) -> dict[tuple[str, str], Any]:
    found: dict[tuple[str, str], Any] = {}
    for team in ("t0", "t1"):
        for rule in RULES:
            if rule in "ah":
                found[rule, team] = engine.holds(rule, world[team])
            else:
                found[rule, team] = sorted(set(map(key_of, engine.each(rule, world[team], FREE))))
    return found


def test_what_is_looked_up_is_answered_as_oso_and_the_interpreter_do() -> None:
    source = Source("a.polar", POLICY)
    statements = parse(source)
    engines = (
        CompiledEngine(statements, RECORDS, PLAIN),
        CompiledEngine(statements, RECORDS, PLAIN, passes=Passes(looks_up=False)),
        interpreter_of(statements),
        ReferenceEngine([source], RECORDS.values()),
    )
    rng = random.Random(15)
    seen: set[Any] = set()
    for _ in range(tries(WORLDS, 10 * WORLDS)):
        world = wired(rows_of(rng))
        found, *others = [answers(engine, world) for engine in engines]
        for other in others:
            assert other == found
        # The same again: by now everything is looked up that ever is.
        assert answers(engines[0], world) == found
        seen |= {(rule, bool(each)) for (rule, team), each in found.items() if team == "t1"}
    # Whom `i` and `o` name, there nearly always is.
    assert seen >= {(rule, is_found) for rule in RULES for is_found in (True, rule in "io")}


# --- rules by chance, and reloads of them ---------------------------------------------------------------------------

ON_MEMBERS = (
    "p.is_active",
    "p.age > 30",
    "p.rank = 1.0",
    "p.nick = nil",
    "p.friend_id = p.id",
    "d in p.docs and d.is_secret",
    "d in p.docs and d.level = 1.0 and n in d.notes and n.is_done",
    "_ in p.docs",
    "forall(d in p.docs, d.is_secret)",
    "q = p and e in q.docs and e.level > 0",
    "q in team.members and q.friend_id = p.id and _ in q.docs",
)
GIVEN = ("1", "1.0", "true", '"1"', "nil", "p", "_")


def on_member(chance: random.Random, depth: int = 2) -> str:
    """What is asked of a member `p` of `team`."""
    how = chance.random() if depth else 1.0
    if how < 0.2:
        return f"({on_member(chance, depth - 1)} {chance.choice(('or', 'and'))} {on_member(chance, depth - 1)})"
    if how < 0.3:
        return f"not ({on_member(chance, depth - 1)})"
    if how < 0.75:
        return f"h{chance.randint(0, 2)}(p, {chance.choice(GIVEN)})"
    return chance.choice(ON_MEMBERS)


def rules_by_chance(chance: random.Random) -> list[str]:
    lines = []
    for number in range(3):
        for _ in range(chance.randint(1, 3)):
            asked = on_member(chance, 0).replace("team.", "p.team.")
            lines.append(f"h{number}(p: Person, {chance.choice((*GIVEN, *['_'] * 7, '_x: Integer'))}) if {asked};")
    goals = [f"p in team.members and {on_member(chance)} and {on_member(chance)}" for _ in range(3)]
    a, b, c = goals
    return [*lines, f"a(team: Team) if {a};", f"b(team: Team, p) if {b};", f"c(team: Team) if not ({c});"]


def said(engine: Any, world: dict[str, Any]) -> list[Any]:
    found: list[Any] = []
    for rule, team in itertools.product("abc", ("t0", "t1")):
        try:
            one = world[team]
            given = engine.each(rule, one, FREE) if rule == "b" else engine.holds(rule, one)
            found.append(sorted(set(map(key_of, given))) if rule == "b" else given)
        except (EvaluationFailed, BundleRefused):
            found.append("raised")
    return found


def test_rules_by_chance_are_answered_alike_and_so_are_reloads_of_them() -> None:
    chance = random.Random(135)
    looked_up = changed = 0
    made = tries(40, 800)
    for _ in range(made):
        lines = rules_by_chance(chance)
        world = wired(rows_of(chance))
        statements = parse(Source("a.polar", "\n".join(lines)))
        engine = CompiledEngine(statements, RECORDS, PLAIN)
        before = said(engine, world)
        looked_up += ".having[" in engine.show()
        for other in (CompiledEngine(statements, RECORDS, PLAIN, passes=SLOW), interpreter_of(statements)):
            for ours, theirs in zip(before, said(other, world), strict=True):
                assert ours == theirs or "raised" in (ours, theirs), lines
        # Which members a loop walks through rests on the rules that it calls: one of these says something else now.
        at = chance.randrange(len(lines) - 3)
        head = lines[at].partition(" if ")[0]
        lines[at] = f"{head} if {on_member(chance, 0).replace('team.', 'p.team.')};"
        statements = parse(Source("a.polar", "\n".join(lines)))
        after = said(engine.reloaded(statements), world)
        assert after == said(CompiledEngine(statements, RECORDS, PLAIN), world), lines
        changed += after != before
    assert looked_up > made / 2
    assert changed > made / 8


def test_members_are_looked_up_by_what_each_solution_needs_and_by_nothing_else() -> None:
    for rule, names in NEEDED.items():
        engine = CompiledEngine(parse(Source("a.polar", POLICY)), RECORDS, PLAIN)
        engine.prepare(rule, *((RECORDS["Team"],) if rule == "a" else (RECORDS["Team"], FREE)))
        shown = engine.show()
        assert {name for name in ("docs", "notes") if f".having['{name}']" in shown} == names, rule


def test_a_member_whose_collection_is_not_known_stays_in() -> None:
    """To read it is an error: an answer must not be found without it."""

    class Unknown:
        id = "u"

        @property
        def docs(self) -> list[Any]:
            raise AttributeError("docs")

    class Known:
        def __init__(self, docs: list[Any]) -> None:
            self.docs = docs

    unknown, empty, full = Unknown(), Known([]), Known([1])
    assert having([empty, unknown, full], "docs") == [unknown, full]
    assert Collection([empty, unknown, full]).having["docs"] == [unknown, full]
