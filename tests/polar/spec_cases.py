"""What upstream states about answers, as a table of our own: which question has which answer under a small policy.

The facts are those of oso 0.27.3's specification (`test/spec/*.yml`, `test/test.polar`) and of its Python tests
(`test_polar.py`, `parity/test_polar.py`, `resource_blocks.polar`); policies and questions are ours. Each is asked of
both engines, as `f` with some arguments. What we refuse and oso answers belongs to a class of differences that
`docs/polar-differences.md` names.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import Any

from agreement import key_of
from programs import wired

from sealauthz.polar.runtime import FREE


class No(Enum):
    """No answer: the policy does not load, it cannot be asked like this, or the question raises."""

    UNLOADABLE = "unloadable"
    REFUSED = "refused"
    RAISES = "raises"


Right = bool | frozenset[Any] | No

UNLOADABLE, REFUSED, RAISES = No.UNLOADABLE, No.REFUSED, No.RAISES


@dataclass(frozen=True)
class Case:
    """One fact: a policy, the arguments of `f`, what oso says, and what we say where that is something else."""

    text: str
    arguments: tuple[object, ...]
    right: Right
    ours: Right | None = None


def solutions(*found: object) -> frozenset[Any]:
    """The solutions of a question with one open argument."""
    return frozenset(key_of([value]) for value in found)


# --- classes and facts ----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Vehicle:
    wheels: int = 4


@dataclass(slots=True)
class Car(Vehicle):
    plate: str = "A1"


@dataclass(slots=True)
class Taxi(Car):
    is_free: bool = True


@dataclass(slots=True)
class Boat:
    name: str = "b"


@dataclass(slots=True, order=True)
class Version:
    number: int = 0


PLAIN = (Vehicle, Car, Taxi, Boat, Version)

_TEAM = {"size": 1, "is_open": True, "motto": None, "parent_id": None, "boss_id": None}
_PERSON = {"age": 30, "is_active": True, "nick": None, "rank": None, "friend_id": None}
WORLD = wired(
    (
        ("Team", {"id": "org", "name": "org"} | _TEAM | {"boss_id": "owner"}),
        ("Team", {"id": "crew", "name": "crew"} | _TEAM | {"parent_id": "org", "boss_id": "lead"}),
        ("Team", {"id": "other", "name": "other"} | _TEAM | {"is_open": False}),
        ("Person", {"id": "owner", "name": "o", "team_id": "org"} | _PERSON),
        ("Person", {"id": "lead", "name": "l", "team_id": "crew"} | _PERSON),
        ("Person", {"id": "guest", "name": "g", "team_id": "other"} | _PERSON),
        (
            "Doc",
            {
                "id": "doc",
                "title": "plan",
                "level": 1,
                "is_secret": False,
                "tag": None,
                "owner_id": "lead",
                "team_id": "crew",
            },
        ),
    )
)
ORG, CREW, OTHER = WORLD["org"], WORLD["crew"], WORLD["other"]
OWNER, LEAD, GUEST, DOC = WORLD["owner"], WORLD["lead"], WORLD["guest"], WORLD["doc"]
CAR, TAXI, BOAT = Car(), Taxi(), Boat()

# --- data types -----------------------------------------------------------------------------------------------------

DATA_TYPES = [
    Case("f(1);", (1,), True),
    Case("f(1);", (2,), False),
    Case('f("abc");', ("abc",), True),
    Case('f("abc");', ("cba",), False),
    Case("f(true);", (True,), True),
    Case("f(true);", (False,), False),
    Case("f([1, 2, 3]);", ([1, 2, 3],), True),
    Case("f([1, 2, 3]);", ([3, 2, 1],), False),
    Case('f([1, "abc", true]);', ([1, "abc", True],), True),
    Case('f([1, "abc", true]);', ([],), False),
    Case("f(1);", (FREE,), solutions(1)),
    Case('f("abc");', (FREE,), solutions("abc")),
    Case("f(true);", (FREE,), solutions(True)),
    Case("f([1, 2, 3]);", (FREE,), solutions([1, 2, 3])),
    Case('f([1, "abc", true]);', (FREE,), solutions([1, "abc", True])),
    Case("f(_: Integer);", (2,), True),
    Case("f(_: Integer);", ("2",), False),
    Case("f(_: Integer);", (2.0,), False),
    Case("f(_: Float);", (2.0,), True),
    Case("f(_: String);", ("cba",), True),
    Case("f(_: String);", (1,), False),
    Case("f(_: Boolean);", (False,), True),
    Case("f(_: Boolean);", (0,), False),
    Case("f(_: List);", ([3, 2, 1],), True),
    Case("f(_: Dictionary);", ({"x": 1, "y": 2},), True),
    Case("f(_: Dictionary);", ([1],), False),
    Case("f(nil);", (None,), True),
    Case("f(nil);", ([],), False),
    Case("f(nil);", (FREE,), solutions(None)),
    Case("f(x) if x = nan;", (FREE,), solutions(math.nan), REFUSED),
    Case("f(x) if x = nan;", (math.nan,), False, REFUSED),
    Case("f(x) if x = inf;", (FREE,), solutions(math.inf), REFUSED),
    Case("f(x) if x = inf;", (math.inf,), True, REFUSED),
    Case("f(x) if x = inf;", (-math.inf,), False, REFUSED),
    Case("f(x) if x < inf;", (-math.inf,), True, REFUSED),
    Case("f(x, y) if x = y;", (FREE, FREE), RAISES),
    Case("f(x: Boolean) if x = true;", (True,), True),
    Case("f(x: Integer) if x > 0;", (1,), True),
    Case("f(x: Float) if x > 0.0;", (0.5,), True),
    Case('f(x: List) if x = ["foo", *_rest];', (["foo", 1],), True, REFUSED),
    Case('f(x: String) if x = "foo";', ("foo",), True),
    Case("f(x: Dictionary) if x.foo = 1;", ({"foo": 1},), True, REFUSED),
    Case("f(x) if x in [1, 2] and y = {a: 42} and y.a = 42;", (1,), True, REFUSED),
]

# --- operators, and values of different types -----------------------------------------------------------------------

OPERATORS = [
    Case("f(x, y) if x > y;", (2, 1), True),
    Case("f(x, y) if x > y;", (1, 2), False),
    Case("f(x, y) if x < y;", (1, 2), True),
    Case("f(x, y) if x < y;", (2, 1), False),
    Case("f(x, y) if x >= y;", (1, 1), True),
    Case("f(x, y) if x >= y;", (0, 1), False),
    Case("f(x, y) if x <= y;", (1, 1), True),
    Case("f(x, y) if x <= y;", (3, 2), False),
    Case("f(x, y) if x == y;", (1, 1), True),
    Case("f(x, y) if x != y;", (1, 1), False),
    Case("f(x, y) if x != y;", (3, 2), True),
    Case("f(x) if x = 1 and x == 1;", (FREE,), solutions(1)),
    Case("f(x, y) if x < y;", ("a", "b"), True),
    Case("f(x, y) if x = y;", (1, 1.0), True),
    Case("f(x, y) if x == y;", (1, 1.0), True),
    Case("f(x, y) if x < y;", (1, 1.5), True),
    Case("f(x, y) if x = y;", (1, True), False),
    Case("f(x, y) if x == y;", (1, True), True),
    Case("f(x, y) if x = y;", (1, "1"), False),
    Case("f(x, y) if x == y;", (1, "1"), RAISES),
    Case("f(x, y) if x != y;", (1, "1"), RAISES),
    Case("f(x, y) if x < y;", ("a", 1), RAISES),
    Case("f(x, y) if x = y;", ([1, [2]], [1, [2]]), True),
    Case("f(x, y) if x == y;", ([1], [1]), RAISES),
    Case("f(x, y) if x = y;", ({"x": 1, "y": 2}, {"y": 2, "x": 1}), True),
    Case("f(x, y) if x = y;", ({"x": 1, "y": 2}, {"y": 1, "x": 2}), False),
    Case("f(x, y) if x = y;", ({"x": 1}, {"y": 1}), False),
    Case("f(x, y) if x = y;", (Version(1), Version(1)), True),
    Case("f(x, y) if x == y;", (Version(1), Version(1)), True),
    Case("f(x, y) if not x = y;", (Version(1), Version(2)), True),
    Case("f(x: Version, y: Version) if x < y;", (Version(1), Version(2)), True),
    Case("f(x: Version, y: Version) if x >= y;", (Version(1), Version(2)), False),
    Case("f(x) if x = 1 + 2 * 3;", (FREE,), solutions(7)),
    Case("f(x) if x = (1 + 2) * 3;", (FREE,), solutions(9)),
    Case("f(x) if x = 6 / 4;", (FREE,), solutions(1.5)),
    Case("f(x, y) if 0 - x mod 3 = y;", (5, FREE), solutions(-2)),
    Case("f(x) if x mod 3 = 1;", (-5,), True),
    Case("f(x) if x rem 3 = -2;", (-5,), True),
    Case("f(x) if 1 / x = inf;", (0,), True, REFUSED),
    Case("f(x) if 1 mod x = 0;", (0,), RAISES),
    Case("f(x) if x + 1 > x;", (2**63 - 1,), RAISES),
    Case('f(x) if x + "a" = "ba";', ("b",), RAISES),
]

# --- iteration ------------------------------------------------------------------------------------------------------

ITERATION = [
    Case("f(x) if x in [1, 2, 3];", (FREE,), solutions(1, 2, 3)),
    Case("f(x) if x in [];", (FREE,), solutions()),
    Case("f(x, y) if x in y;", (FREE, [1, 2, 3]), solutions(1, 2, 3)),
    Case("f(x, y) if x in y;", (FREE, [[1, 2], 7]), solutions([1, 2], 7)),
    Case("f(x, y) if x in y;", (4, [1, 2, 3]), False),
    Case("f(x, y) if x in y;", (1, 2), RAISES),
    Case("f(x) if 1 in x;", (False,), RAISES),
    Case("f(x) if y in x and y = 1;", (BOAT,), RAISES),
    Case('f() if 3.14159 in ["pi", 3.14159];', (), True),
    Case("f(x, y) if not x in y;", (4, [1, 2, 3]), True),
    Case("f(x, y) if not x in y;", (1, [1, 1, 1]), False),
    Case('f(x) if x in "abc";', (FREE,), solutions("a", "b", "c")),
    Case('f(x) if x in "abc";', ("ab",), False),
    Case("f(t: Team, x) if x in t.subteams;", (ORG, FREE), solutions(CREW)),
    Case("f(t: Team) if p in t.members and p.age > 40;", (ORG,), False),
    Case("f(tail) if [_, *tail] = [1, 2, 3];", (FREE,), solutions([2, 3]), REFUSED),
    Case("f(x) if [_, *x] = [1];", (FREE,), solutions([]), REFUSED),
    Case("f([first, *rest], first, rest);", ([1, 2], 1, [2]), True, REFUSED),
]

# --- rules: alternatives, order, recursion --------------------------------------------------------------------------

RULES = [
    Case('f("foo"); f("bar"); f("baz");', (FREE,), solutions("foo", "bar", "baz")),
    Case('f(x) if b(x) and c(x); b("apple"); c("apple");', ("apple",), True),
    Case('f(x) if b(x) and c(x); b("apple"); c("pear");', ("apple",), False),
    Case("f(1); f(_, _);", (2,), False),
    Case("f(1); f(_, _);", (2, 3), True),
    Case("f(1); f(x) if x = 1 and x = 2;", (FREE,), solutions(1)),
    Case("f(x) if 1 = 0 or x = 1;", (1,), True),
    Case("f(a, b, c) if (a = b and b = c) or 1 = 0;", (1, 1, 0), False),
    Case("f(a, b, c) if (a = b) and (b = c);", (1, 1, 1), True),
    Case("f(a, b, c) if ((a = b and b = c));", (1, 0, 1), False),
    Case("f(x) if x = 1 and (1 = 0 or x = 1);", (1,), True),
    Case("f(x) if x = 0 and (1 = 0 or x = 0);", (1,), False),
    Case('d("a", "b"); d("b", "c"); d("c", "e"); f(x) if d("a", x);', (FREE,), solutions("b")),
    Case(
        'd("a", "b"); d("b", "c"); d("c", "e"); f(x, y) if d(x, y); f(x, y) if d(x, z) and f(z, y);',
        ("a", FREE),
        solutions("b", "c", "e"),
    ),
    Case(
        'd("a", "b"); d("b", "c"); d("c", "e"); f(x, y) if d(x, y); f(x, y) if d(x, z) and f(z, y);',
        ("a", "e"),
        True,
    ),
    Case("f(x) if f(x);", (1,), RAISES),
    Case('f("with", "a", "lot", "of", "arguments", 1, 2, 3);', ("with", "a", "lot", "of", "arguments", 1, 2, 3), True),
    Case("f(x) if g(x, 1); g(x, y) if x = y;", (FREE,), solutions(1)),
    Case("f(_, y) if y = 1;", (7, FREE), solutions(1)),
    Case("f(y) if x := 1 and y = x;", (FREE,), solutions(1)),
    Case("f(y) if x := 1 and x := 2 and y = x;", (FREE,), RAISES, REFUSED),
    Case("f(x) if x;", (True,), True),
    Case("f(x: Boolean) if x;", (True,), True),
    Case("f(x: Integer) if x;", (1,), RAISES, REFUSED),
    Case("f(x) if x > 2;", (FREE,), RAISES),
    Case("f(d.title, d: Doc);", ("plan", DOC), True, REFUSED),
    Case("f(d.title, d: Doc);", ("else", DOC), False, REFUSED),
]

# --- which rules a class picks --------------------------------------------------------------------------------------

LEVELS = "f(_: Car, level) if level = 2; f(_: Taxi, level) if level = 3; f(_: Vehicle, level) if level = 1;"
CLASSES = [
    Case("f(_: Boat);", (BOAT,), True),
    Case("f(_: Boat);", (CAR,), False),
    Case("f(_: Vehicle);", (TAXI,), True),
    Case("f(_: Taxi);", (CAR,), False),
    Case("f(_: Vehicle); f(_: Car);", (CAR,), True),
    Case(LEVELS, (TAXI, FREE), solutions(3, 2, 1)),
    Case(LEVELS, (CAR, FREE), solutions(2, 1)),
    Case(LEVELS, (BOAT, FREE), solutions()),
    Case(LEVELS, (CAR, 3), False),
    Case("f(x) if x matches Car;", (TAXI,), True),
    Case("f(x) if x matches Car;", (BOAT,), False),
    Case("f(x) if not x matches Taxi;", (CAR,), True),
    Case("f(x) if x matches Integer;", (1,), True),
    Case("f(x, c: Car) if x = c.plate;", (FREE, TAXI), solutions("A1")),
    Case("f(x, c: Car) if x = c.plate;", ("A2", CAR), False),
    Case("f(x, c: Car) if x = c.plate;", ("A1", BOAT), False),
    Case("f(_: {wheels: 4});", (CAR,), True, REFUSED),
    Case("f(_: Car{wheels: 4});", (CAR,), True, REFUSED),
    Case("f(x) if x matches {x: 1};", ({"x": 1, "y": 2},), True, REFUSED),
    Case("f(x) if x = {wheels: 4};", (CAR,), False),
    Case("f(x: Car) if x.colour = 1;", (CAR,), RAISES, REFUSED),
    Case("f(t: Team) if t.motto = nil;", (ORG,), True),
    Case("f(t: Team) if t.parent.parent = nil;", (ORG,), RAISES),
]

# --- negation and forall --------------------------------------------------------------------------------------------

NEGATION = [
    Case('f(x) if not b(x); b("apple");', ("apple",), False),
    Case('f(x) if not b(x); b("apple");', ("pear",), True),
    Case("f(x) if not (x = 1 or x = 2);", (1,), False),
    Case("f(x) if not (x = 1 or x = 2);", (3,), True),
    Case("f(x) if not (not x = 1);", (1,), True),
    Case("f(x) if not (x > 1 and x < 3);", (2,), False),
    Case("f() if forall(x in [1, 1], x = 1);", (), True),
    Case("f() if forall(x in [1, 2], x = 1);", (), False),
    Case("f() if not forall(x in [1, 2], x = 1);", (), True),
    Case("f(y) if forall(x in y, x = 1);", ([],), True),
    Case("f(y, z) if forall(x in y, x in z);", ([1, 2], [2, 1, 3]), True),
    Case("f(t: Team) if forall(p in t.members, p.is_active);", (CREW,), True),
    Case("f(t: Team) if forall(p in t.members, p.age > 40);", (CREW,), False),
    Case("f(x) if not (x < 1);", ("a",), RAISES),
]

# --- roles and relations --------------------------------------------------------------------------------------------

BLOCKS = """
actor Person {}
resource Team {
  roles = ["owner", "member"];
  permissions = ["invite", "rename"];
  relations = { parent: Team, owns: Person };
  "member" if "owner";
  "rename" if "owner";
  "invite" if "member";
  "owner" if "owns";
  "owner" if "owner" on "parent";
}
resource Doc {
  permissions = ["pull", "push"];
  relations = { home: Team };
  "push" if "owner" on "home";
  "pull" if "member" on "home";
}
has_relation(parent: Team, "parent", team: Team) if parent = team.parent;
has_relation(person: Person, "owns", team: Team) if person = team.boss;
has_relation(team: Team, "home", doc: Doc) if team = doc.team;
has_role(person: Person, "member", team: Team) if team = person.team;
has_permission(_: Person, "pull", doc: Doc) if doc.is_secret = false;
"""
ASKED = "asked(person: Person, name, x) if has_permission(person, name, x);"
MAY = f"{BLOCKS} f(person: Person, name, x) if has_permission(person, name, x);"
IS = f"{BLOCKS} f(person: Person, name, x) if has_role(person, name, x); {ASKED}"
ROLES = [
    Case(MAY, (OWNER, "rename", ORG), True),
    Case(MAY, (OWNER, "rename", CREW), True),
    Case(MAY, (LEAD, "rename", CREW), True),
    Case(MAY, (LEAD, "rename", ORG), False),
    Case(MAY, (GUEST, "invite", OTHER), True),
    Case(MAY, (GUEST, "rename", OTHER), False),
    Case(MAY, (GUEST, "invite", ORG), False),
    Case(MAY, (OWNER, "push", DOC), True),
    Case(MAY, (LEAD, "push", DOC), True),
    Case(MAY, (GUEST, "push", DOC), False),
    Case(MAY, (GUEST, "pull", DOC), True),
    Case(MAY, (OWNER, FREE, ORG), solutions("invite", "rename")),
    Case(MAY, (GUEST, FREE, DOC), solutions("pull")),
    Case(IS, (OWNER, FREE, CREW), solutions("owner", "member")),
    Case(IS, (LEAD, FREE, ORG), solutions()),
    Case(f"{BLOCKS} f(_: Actor); {ASKED}", (OWNER,), True),
    Case(f"{BLOCKS} f(_: Actor); {ASKED}", (DOC,), False),
    Case(f"{BLOCKS} f(_: Resource); {ASKED}", (DOC,), True),
    Case('resource Team { roles = ["a"]; "b" if "a"; }', (), UNLOADABLE),
    Case('resource Team { roles = ["a"]; "a" if "a" on "up"; }', (), UNLOADABLE),
    Case('resource Team { roles = ["a", "a"]; }', (), UNLOADABLE),
    Case('resource Team { roles = ["a"]; permissions = ["a"]; }', (), UNLOADABLE),
    Case('resource Nothing { roles = ["a"]; }', (), UNLOADABLE),
    Case('thing Team { roles = ["a"]; }', (), UNLOADABLE),
    Case('resource Team { roles = ["a"]; roles = ["b"]; }', (), UNLOADABLE),
]

# --- what does not load, and what we do not take --------------------------------------------------------------------

LOADING = [
    Case("f(a) if a = 18446744073709551616;", (1,), UNLOADABLE),
    Case('f(a) if a = "this is not\nallowed";', ("a",), UNLOADABLE),
    Case("f(a)", (1,), UNLOADABLE),
    Case("1;", (1,), UNLOADABLE),
    Case("f(x) if g(x);", (1,), UNLOADABLE),
    Case("f(x) if x = {a: 1, a: 2};", (1,), UNLOADABLE),
    Case('f("a", x: Doc.title);', ("a", DOC), UNLOADABLE),
    Case("f(x) if (x = 1) = 1;", (1,), UNLOADABLE),
    Case("f(x) if x matches Nobody;", (1,), UNLOADABLE, REFUSED),
    Case("type f(_x: Integer); f(1);", (1,), True),
    Case("f(x) if x in [1, 2, 3] and x > 1 and cut and x == 2;", (FREE,), solutions(2), REFUSED),
    Case("f(x) if x = 1 and print(x);", (1,), True, REFUSED),
    # Upstream makes an instance, and calls a method. Strict oso does neither.
    Case("f(x) if x = new Boat();", (BOAT,), RAISES, REFUSED),
    Case("f(x: Boat) if x.name.upper() = x.name;", (BOAT,), RAISES, REFUSED),
    Case("?= 1 = 1; f(1);", (1,), True, REFUSED),
    Case("f(d, k, v) if d.(k) = v;", ({"hello": "steve"}, "hello", "steve"), True, REFUSED),
    Case("f(x) if x = Boat;", (1,), False, REFUSED),
    Case("f(y) if y > x and x = 1;", (5,), True, REFUSED),
]

CASES = {
    "data types": DATA_TYPES,
    "operators": OPERATORS,
    "iteration": ITERATION,
    "rules": RULES,
    "classes": CLASSES,
    "negation": NEGATION,
    "roles": ROLES,
    "loading": LOADING,
}
