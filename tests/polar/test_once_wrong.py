"""Policies that the compiled engine once answered otherwise than oso: names, constants, and what is equal.

Each case is asked of oso as well, so that what stands here as right is what oso says.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from dataclasses import dataclass
from typing import Any

import pytest
from agreement import Answer, Silence, key_of
from programs import CLASSES, PLAIN, RECORDS, wired

from sealauthz.polar import Source
from sealauthz.polar.compile import nodes
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.parse import parse
from sealauthz.polar.reference import ReferenceEngine
from sealauthz.polar.runtime import FREE, same
from sealauthz.polar.syntax import Variable
from sealauthz.runtime.errors import BundleRefused, EvaluationFailed

_TEAM = {"name": "a", "size": 1, "is_open": True, "motto": None, "parent_id": None, "boss_id": None}
_ANN = {"name": "a", "age": 1, "is_active": True, "nick": None, "rank": None, "team_id": "team", "friend_id": None}
_BOB = {"name": "b", "age": 2, "is_active": True, "nick": "n", "rank": 3, "team_id": "team", "friend_id": "ann"}
WORLD = wired(
    (("Team", {"id": "team"} | _TEAM), ("Person", {"id": "ann"} | _ANN), ("Person", {"id": "bob"} | _BOB)),
)
"""Bob has a friend, Ann, who has none."""

ANN, BOB, TEAM = WORLD["ann"], WORLD["bob"], WORLD["team"]
NAN, INF, BIG = math.nan, math.inf, 2**53
NO: frozenset[Any] = frozenset()


def solutions(*found: object) -> frozenset[Any]:
    return frozenset(key_of([value]) for value in found)


def compiled(text: str) -> CompiledEngine:
    return CompiledEngine(parse(Source("p.polar", text)), RECORDS, PLAIN)


def answer(engine: ReferenceEngine | CompiledEngine, *arguments: object) -> Answer:
    try:
        if any(argument is FREE for argument in arguments):
            return frozenset(map(key_of, ([*values] for values in engine.each("f", *arguments))))
        return engine.holds("f", *arguments)
    except EvaluationFailed as error:
        return Silence("raised", str(error))


def assert_both(text: str, arguments: tuple[object, ...], right: Answer) -> None:
    """Ask oso, and the compiled engine plain and traced."""
    assert answer(ReferenceEngine([Source("p.polar", text)], CLASSES), *arguments) == right
    engine = compiled(text)
    assert answer(engine, *arguments) == right
    if isinstance(right, bool):
        assert any(attempt.is_met for attempt in engine.explain("f", *arguments)) is right


# --- nil ------------------------------------------------------------------------------------------------------------

FRIENDS = "f(p: Person) if x = p.friend and x != nil and x.age = 99; f(p: Person) if nil = p.friend and p.age != nil;"
WHY = (
    'f("old", p: Person) if x = p.friend and x != nil and x.age = 99; f("lone", p: Person) if nil = p.friend;'
    'f("young", p: Person) if x = p.friend and x != nil and x.age = 1;'
)


@pytest.mark.parametrize(
    ("text", "arguments", "right"),
    [
        ("f(nil);", (ANN,), False),
        ("f(nil);", (None,), True),
        ("f(nil);", (1,), False),
        ("f(nil);", (FREE,), solutions(None)),
        ("f(nil, nil);", (None, ANN), False),
        ("f(nil: Integer);", (FREE,), NO),
        ("f(nil: Integer);", (None,), False),
        ("g(nil: Integer); f(x) if g(_) and x = 1;", (1,), False),
        ("g(nil); f(x) if g(x);", (ANN,), False),
        ("g(nil); f(x) if g(x);", (None,), True),
        ("g(nil); f(p: Person) if g(p.friend);", (BOB,), False),
        ("g(nil); f(p: Person) if g(p.friend);", (ANN,), True),
        ("g(nil); f(p: Person) if not g(p.friend);", (ANN,), False),
        ("g(nil); f(p: Person) if not g(p.friend);", (BOB,), True),
        ("g(nil); f(x) if x in [1, nil] and g(x);", (FREE,), solutions(None)),
        ("g(nil, 1); g(x, 2) if x = 3; f(x) if g(nil, x);", (FREE,), solutions(1)),
        ("g(x, y) if x = y; f(x) if g(x, nil);", (ANN,), False),
        ("f(x) if not (x = nil);", (None,), False),
        ("f(x) if nil != x;", (ANN,), True),
        ("f(x) if x in [nil, 1];", (None,), True),
        ("f(x) if nil in [x, 1];", (ANN,), False),
        ("f(p: Person) if forall(x in [nil, p.friend], x = nil);", (BOB,), False),
        ("f(p: Person) if forall(x in [nil, p.friend], x = nil);", (ANN,), True),
        ("f(x) if [x, nil] = [nil, x];", (ANN,), False),
        ("f(x) if {k: x} = {k: nil};", (None,), True),
        ("f([nil]);", ([1],), False),
        ("f({k: nil});", ({"k": None},), True),
        ("f(x) if nil matches Integer and x = x;", (1,), False),
        ("f(x: Integer) if x = nil;", (FREE,), NO),
        (FRIENDS, (BOB,), False),
        (FRIENDS, (ANN,), True),
        (WHY, (FREE, BOB), solutions("young")),
        (WHY, (FREE, ANN), solutions("lone")),
    ],
)
def test_nil_is_nothing_and_no_variable(text: str, arguments: tuple[object, ...], right: Answer) -> None:
    assert_both(text, arguments, right)


@pytest.mark.parametrize(
    ("text", "column"), [("f(x) if nil := x;", 9), ("f(x) if [*nil] = [x];", 11), ("f([*nil]);", 5)]
)
def test_nothing_gives_nil_a_value(text: str, column: int) -> None:
    with pytest.raises(BundleRefused, match="`nil` is a constant and takes no value") as refused:
        compiled(text)
    assert refused.value.column == column


# --- classes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Person", "SignCtx", "Integer", "String", "Boolean", "Float", "List", "Dictionary"])
@pytest.mark.parametrize(
    "text",
    [
        "f(#);",
        "f(_, #);",
        "f([#]);",
        "f({k: #});",
        "f(x) if x = #;",
        "f(x) if not (# = x);",
        "f(x) if x != #;",
        "f(x) if x in [1, #];",
        "f(x) if g(x, #); g(_, _);",
        "f(x) if forall(y in [x], y = #);",
        "f(x) if x = #.id;",
        "f(x) if # matches Person and x = x;",
        "f(x) if # := x;",
        "f(x) if [x, *#] = [1];",
        "f(x) if x = {#};",
        "f(#: Person);",
        "f(x) if # < x;",
        "f(x) if # + 1 = x;",
        "f(x) if x = 1 or #;",
    ],
)
def test_a_class_is_refused_where_a_value_stands(name: str, text: str) -> None:
    with pytest.raises(BundleRefused, match=f"`{name}` is a class and no value: write `x matches {name}`") as refused:
        compiled(text.replace("#", name))
    assert (refused.value.file, refused.value.line) == ("p.polar", 1)
    assert refused.value.column == text.index("#") + 1


@pytest.mark.parametrize("name", ["Actor", "Resource"])
def test_what_stands_for_several_classes_is_no_value_either(name: str) -> None:
    with pytest.raises(BundleRefused, match=f"`{name}` is a class and no value"):
        compiled(f"f({name});")


def test_a_changed_rule_is_resolved_like_the_others() -> None:
    engine = compiled("f(x) if g(x); g(1);")
    (_, old) = parse(Source("p.polar", "f(x) if g(x); g(1);"))
    (_, nil) = parse(Source("p.polar", "f(x) if g(x); g(nil);"))
    (_, cls) = parse(Source("p.polar", "f(x) if g(x); g(Person);"))
    changed = engine.changed(old, nil)  # type: ignore[arg-type]
    assert (changed.holds("f", ANN), changed.holds("f", None)) == (False, True)
    with pytest.raises(BundleRefused, match="`Person` is a class and no value"):
        engine.changed(old, cls)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["Nil", "Related", "Actor_", "seal"])
def test_a_block_of_a_class_named_like_what_it_is_written_out_with_is_right(name: str) -> None:
    """`related` and `nil` would stand for something else where the block's own variable is called so."""
    cls: Any = type(name, (), {"__annotations__": {"id": str}})
    cls.__annotations__["up"] = cls | None
    cls = dataclass(cls)
    text = f"""
    actor Person {{}}
    resource {name} {{ roles = ["a", "b"]; relations = {{up: {name}}}; "a" if "b"; "b" if "a" on "up"; }}
    has_role(_: Person, "a", x: {name}) if x.id = "top";
    has_relation(o: {name}, "up", x: {name}) if o = x.up;
    """
    engine = CompiledEngine(parse(Source("p.polar", text)), RECORDS, [cls])
    top = cls("top", None)
    assert engine.holds("has_role", ANN, "b", cls("below", top))
    assert engine.holds("has_role", ANN, "a", cls("below", top))
    assert not engine.holds("has_role", ANN, "b", cls("above", cls("under", None)))


# --- names of the generated code ------------------------------------------------------------------------------------


DOCS = "g(p: Person) if d in p.docs and d.level = 2;"


@pytest.mark.parametrize(
    ("text", "arguments", "right"),
    [
        ("f(t: Team, y: Integer) if argument in [t.size] and y = argument;", (TEAM, 99), False),
        ("f(t: Team, y: Integer) if argument in [t.size] and y = argument;", (TEAM, 1), True),
        ("f(t: Team) if f in t.members and g(f); g(p: Person) if g in p.team.members and g.age = 2;", (TEAM,), True),
        ("f(t: Team) if g in t.members and not g(g); g(p: Person) if x in p.docs and x.level = 2;", (TEAM,), True),
        ("f(t: Team) if x in t.members and g in t.members and x.age < g.age and not g(x); " + DOCS, (TEAM,), True),
        ("f(t: Team) if not g(t) and x in [1] and g in [2] and x < g; g(t) if m in [t] and m.size = 2;", (TEAM,), True),
        ("f(t: Team) if budget in t.members and found in budget.docs and found.level = 1;", (TEAM,), False),
        ("f(t: Team) if len in t.members and isinstance in [1] and len.age = isinstance;", (TEAM,), True),
        ("f(t: Team) if same in t.members and compare in t.members and same.age < compare.age;", (TEAM,), True),
        ("f(t: Team) if v1 in t.members and v2 in t.members and v1.age < v2.age;", (TEAM,), True),
        ("f(t: Team) if v1_v2 in t.members and v2_v1 in t.members and v2_v1.age < v1_v2.age;", (TEAM,), True),
        (
            "f(t: Team) if class_Team in t.members and c0_Team in t.members and class_Team.age < c0_Team.age;",
            (TEAM,),
            True,
        ),
        ("f(t: Team) if lambda in t.members and def in t.members and lambda.age < def.age;", (TEAM,), True),
        ("f(t: Team) if a0 in t.members and a1 in a0.docs and a1.level = 1;", (TEAM,), False),
        ("f(x) if r1_f in [x] and r2 in [r1_f] and r2 = 3;", (3,), True),
    ],
)
def test_a_name_of_a_policy_meets_no_name_of_the_code(text: str, arguments: tuple[object, ...], right: Answer) -> None:
    if right is None:
        # Two spellings that are one letter to Python are refused when they are read.
        with pytest.raises(BundleRefused, match="plain letters"):
            compiled(text)
    else:
        assert_both(text, arguments, right)


def test_names_that_are_one_to_python_are_two_variables() -> None:
    """From a tree, which no parser has looked at: `ﬁ` and `fi` are one name to Python."""
    text = "f(x, y) if fi in [x] and fj in [y] and fi = 1 and fj = 2;"
    (rule,) = parse(Source("p.polar", text))
    engine = CompiledEngine([_renamed(rule, "fj", "ﬁ")], RECORDS, PLAIN)
    assert engine.holds("f", 1, 2)
    assert not engine.holds("f", 2, 2)


def _renamed(part: Any, old: str, new: str) -> Any:
    if isinstance(part, Variable):
        return Variable(new, part.place) if part.name == old else part
    if isinstance(part, tuple):
        return tuple(_renamed(each, old, new) for each in part)
    if dataclasses.is_dataclass(part) and not isinstance(part, type):
        held = {field.name: getattr(part, field.name) for field in dataclasses.fields(part)}
        return type(part)(**{name: _renamed(value, old, new) for name, value in held.items()})
    return part


def test_only_letter_and_number_tell_names_of_the_code_apart() -> None:
    engine = compiled("f(x) if x = 1;")
    fixed = {*engine._code._namespace} - {*engine._code.compiler.classes} | {nodes.BUDGET, nodes.FOUND}
    assert not [name for name in fixed if name[1:2].isdigit()]
    assert all(name[0] == "c" and name[1].isdigit() for name in engine._code.compiler.classes)
    made = [nodes.numbered("v", number, hint) for number in (1, 11) for hint in ("", "1", "x", "_1", "é", "v1")]
    assert {name.split("_")[0] for name in made} == {"v1", "v11"}


def test_whatever_goes_wrong_in_compiled_code_is_no_answer() -> None:
    class Odd:
        def __eq__(self, other: object) -> bool:
            raise ZeroDivisionError

        __hash__ = None  # type: ignore[assignment]

    engine = compiled("f(x, y) if x = y;")
    for ask in (engine.holds, engine.explain):
        with pytest.raises(EvaluationFailed):
            ask("f", Odd(), Odd())
    engine = compiled("f(x, y) if y in [x] and x = y;")
    with pytest.raises(EvaluationFailed):
        engine.each("f", Odd(), FREE) and engine.holds("f", Odd(), Odd())


# --- what is equal --------------------------------------------------------------------------------------------------

NUMBERS = (True, False, 0, 1, 2, -1, 0.0, -0.0, 1.0, 1.5, BIG, BIG + 1, float(BIG), 2**63 - 1, float(2**63), 10.0**300)
VALUES = (*NUMBERS, None, "1", "")


def _written(value: object) -> str:
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else repr(value).replace("e+", "e")


def _asks(value: object, at: int, other: object) -> dict[str, tuple[object, ...]]:
    """Rules that ask in different ways whether two values are equal, with the arguments to ask them for."""
    one, two = _written(value), _written(other)
    asks: dict[str, tuple[object, ...]] = {
        f"f{at}() if {one} = {two};": (),
        f"f{at}() if {one} in [{two}];": (),
        f"f{at}() if y = {one} and y in [{two}, {two}];": (),
        f"f{at}() if y in [{one}] and y = {two};": (),
        f"f{at}() if [{one}] = [{two}];": (),
        f"f{at}() if g({at}, {one});": (),
        f"f{at}() if y in [{one}] and g({at}, y);": (),
        f"f{at}({two});": (value,),
        f"f{at}(x, x);": (value, other),
        f"f{at}(x, y) if x = y;": (value, other),
        f"f{at}(x, y) if x in [y];": (value, other),
        f"f{at}(x, y) if [x] = [y];": (value, other),
        f"f{at}(x) if x in [{two}];": (value,),
    }
    return asks if other is None else {**asks, f"f{at}(x) if x matches {two};": (value,), f"f{at}(_: {two});": (value,)}


@pytest.mark.parametrize("value", VALUES, ids=_written)
def test_constants_are_equal_as_values_are_and_as_oso_says(value: object) -> None:
    rules = [(ask, other, at) for at, other in enumerate(VALUES) for ask in _asks(value, at, other).items()]
    # Each rule has a name of its own.
    texts = [text.replace(f"f{at}(", f"f{at}_{number}(", 1) for number, ((text, _), _, at) in enumerate(rules)]
    facts = "".join(f"g({at}, {_written(other)}); " for at, other in enumerate(VALUES))
    sources = [Source("p.polar", facts + "\n".join(texts))]
    engines = ReferenceEngine(sources, CLASSES), CompiledEngine(parse(sources[0]), RECORDS, PLAIN)
    for text, ((_, arguments), other, _) in zip(texts, rules, strict=True):
        found = [engine.holds(text.split("(")[0], *arguments) for engine in engines]
        assert found == [same(value, other, [1_000])] * 2, text


@pytest.mark.parametrize(
    ("text", "arguments", "right"),
    [
        ("f(x) if y in [true, 2] and y matches Integer and y = x;", (1,), False),
        ("f(x) if y in [true, 2] and y matches Integer and y = x;", (2,), True),
        ("f(x) if y in [true, 2] and y matches Integer and not y = x;", (1,), True),
        ("f(x: Integer) if x in [1, 2];", (True,), False),
        ("f(x) if y in [x] and y matches Integer and y in [1, 2];", (True,), False),
        ("f(x: Integer, y: Integer) if x = y;", (True, 1), False),
        ("f(x: Boolean, y: Integer) if x = y;", (True, True), True),
        ("f(x) if x = x;", (NAN,), True),
        ("f(x) if not x = x;", (NAN,), False),
        ("f(x) if not [x] = [x];", (NAN,), False),
        ("f(x) if not {k: x} = {k: x};", (NAN,), False),
        ("f(x) if y = x and y = x;", (NAN,), False),
        ("f(x) if y = x / x and not y = y;", (0,), False),
        ("f(x) if x == x;", (NAN,), False),
        ("f(x, x);", (NAN, NAN), False),
        ("f(x, y) if x < y and not x = y;", (BIG, float(BIG)), False),
        ("f(x) if 1 / -0.0 < x;", (0,), True),
        ("g(x, y) if y = 1 / x; f(x) if g(0.0, y) and y > 0 and g(-0.0, z) and z < 0 and x = x;", (1,), True),
        ("f(x) if y = x / 0 and y = y and not y < 0;", (NAN,), True),
        ("f(x) if y = 5 mod x and not y = 5;", (INF,), True),
        ("f(x) if y = x rem 0.0 and not y < 1;", (5,), True),
        # A head that says two types of one variable.
        ('f(x: Integer, x: String) if x = "a";', (FREE, FREE), NO),
        ('g(x: Integer, x: String) if x = "a"; f(x) if g(y, z) and y = z and x = x;', (1,), False),
        ('g(_: Integer) if _ in ["a"]; f(x) if not g(_) and x = x;', (1,), False),
        ("f(x) if _ := x and _ = 2;", (1,), True),
        # Solutions that are equal to Python and not to Polar.
        ("f(x) if x in [[1], [true]];", (FREE,), solutions([1], [True])),
        ("f(x) if x in [{k: 1}, {k: true}];", (FREE,), solutions({"k": 1}, {"k": True})),
        # What a value equals may be of another type than the value.
        ("g(b: Person, y) if y in [1.0] and y = b.age; f(p: Person) if g(p, y) and y matches Integer;", (ANN,), False),
        ("g(x, x, x); f(x) if g(x, 1.0, y) and y matches Float;", (1,), False),
        ("f(x: Integer, x: Float);", (1, 1.0), False),
        ("g(x, x: Float); f(x) if g(x, 1.0);", (1,), False),
        ("g(x, x: Float); f(x) if g(x, 1.0);", (1.0,), True),
    ],
)
def test_equality_is_one(text: str, arguments: tuple[object, ...], right: Answer) -> None:
    assert_both(text, arguments, right)


def test_a_variable_that_stands_twice_in_a_head_is_of_each_type_that_the_head_asks_for() -> None:
    types = ("", ": Integer", ": Float", ": Boolean")
    heads = [(f"h{at}", one, other) for at, (one, other) in enumerate(itertools.product(types, types))]
    text = "".join(f'{name}(x{one}, x{other}); f("{name}", x, y) if {name}(x, y);' for name, one, other in heads)
    engines = ReferenceEngine([Source("p.polar", text)], CLASSES), compiled(text)
    pairs = [(1, 1.0), (1.0, 1), (1, 1), (1.0, 1.0), (True, 1), (True, True)]
    for (name, one, other), pair in itertools.product(heads, (*pairs, (FREE, 1.0), (1, FREE))):
        theirs, ours = (answer(engine, name, *pair) for engine in engines)
        assert theirs == ours, (one, other, pair)


@pytest.mark.parametrize(
    ("text", "argument"),
    [
        ("f(x) if y in [true, x] and y matches Integer and y + 1 > 0;", True),
        ("f(x: Integer) if x + 9223372036854775807 > 0;", 1),
        ("f(p: Person) if p.age + 9223372036854775807 > 0;", ANN),
        ("f(p: Person) if not p.age + 9223372036854775807 < 0;", ANN),
        ("f(p: Person) if 0 - 9223372036854775807 - p.age - p.age < 0;", ANN),
    ],
)
def test_where_oso_does_not_calculate_nothing_is_allowed(text: str, argument: object) -> None:
    for engine in (ReferenceEngine([Source("p.polar", text)], CLASSES), compiled(text)):
        with pytest.raises(EvaluationFailed):
            engine.holds("f", argument)
