"""The compiled engine: what it answers, what it refuses with a place, and what once went wrong."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from sealauthz.polar import Source
from sealauthz.polar.engine import MAX_DEPTH, CompiledEngine
from sealauthz.polar.parse import parse
from sealauthz.polar.runtime import FREE
from sealauthz.runtime.errors import BundleRefused, EvaluationFailed, FactNotLoaded
from sealauthz.schema import EMPTY


@dataclass
class Team:
    """A team, perhaps inside another."""

    id: str
    parent: Team | None = None
    members: list[Person] = field(default_factory=list)


@dataclass
class Person:
    """A person of an age."""

    id: str
    age: int = 30
    team: Team | None = None


@dataclass(slots=True)
class Lazy:
    """A class whose attribute may not be loaded."""

    id: str
    parts: list[str] = field(init=False)


A = Team("a")
B = Team("b", A)
ANN = Person("ann", 30, B)


def engine(text: str, **more: int) -> CompiledEngine:
    return CompiledEngine(parse(Source("a.polar", text)), {}, [Team, Person, Lazy], **more)


def test_it_finds_and_it_tests() -> None:
    loaded = engine('f("a", 1);\nf("b", 2);\nf("c", x) if x = 3;\ng(x) if f(_, x) and x > 1;')
    assert loaded.each("f", FREE, FREE) == [("a", 1), ("b", 2), ("c", 3)]
    assert loaded.each("g", FREE) == [(2,), (3,)]
    assert loaded.holds("g", 3)
    assert not loaded.holds("g", 1)
    assert not loaded.holds("f", "z", 1)


def test_constants_and_types_fold_away() -> None:
    loaded = engine('may(_: Person, "read", _: Team);\nmay(p: Person, "write", t: Team) if p.team = t;')
    assert loaded.holds("may", ANN, "read", A)
    assert not loaded.holds("may", A, "read", A)
    assert not loaded.holds("may", ANN, "write", A)
    assert "read" not in loaded.show()
    assert not loaded.holds("may", ANN, "burn", A)


@pytest.mark.parametrize("asked_first", ["original", "changed", "between"])
def test_a_changed_engine_has_what_the_original_defines_before_and_after(asked_first: str) -> None:
    text = "\n".join(
        (
            # Too large to be written out in place of a call.
            f"old(p: Person) if {' and '.join(f'p.age > {number}' for number in range(25))};",
            "f(p: Person) if old(p) and g(p);",
            "g(p: Person) if p.age < 50;",
            "h(p: Person) if old(p) and not g(p);",
        )
    )
    original = engine(text)
    for rule in "fgh":
        original.prepare(rule, Person)
    if asked_first == "original":
        assert original.holds("f", ANN)
    statements = parse(Source("a.polar", text))
    (replacement,) = parse(Source("b.polar", "g(p: Person) if p.age < 20;"))
    changed = original.changed(statements[2], replacement)
    if asked_first == "between":
        assert original.holds("f", ANN)
    assert (changed.holds("f", ANN), changed.holds("h", ANN)) == (False, True)
    assert (original.holds("f", ANN), original.holds("h", ANN)) == (True, False)
    assert (changed.holds("f", ANN), changed.holds("h", ANN)) == (False, True)
    assert not original.holds("f", Person("old", 24))


def test_the_printed_code_names_the_lines_of_the_policy() -> None:
    loaded = engine("f(p: Person) if p.age > 3 and\n  p.age < 9;\n# a comment\nf(p: Person) if p.age = 50;")
    loaded.holds("f", ANN)
    assert "a.polar:1:1" in loaded.show()
    assert "# a.polar:4:1" in loaded.show()


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("f(x) if y > x and y = 5;", "`y` has no value yet", 1),
        ("f(x) if not y = x and y = 5;", "`y` has no value yet where it is negated", 1),
        ("f(_) if x = y and x = 1 and y = 1;", "`x` has no value yet, and neither has the other side", 1),
        ("f(p: Person) if\n  p.agee = 1;", "Person has no attribute `agee`", 2),
        ("f(x) if\n  g(x);", "no rule is called `g`", 2),
        ("g(1, 2);\nf(x) if g(x);", "`g` has 2 parameters, not 1", 2),
        ("g(0, 1);\nf(x) if g(y, y) and x = y;", "`y` stands twice in this call and has no value yet", 2),
        ("f(x) if x.go(1);", "this is not compiled as a value", 1),
        ("f(p: Person) if p.age;", "only a boolean is a condition by itself", 1),
        ("f(_: Persn);", "no class is called `Persn`", 1),
    ],
)
def test_what_it_does_not_compile_is_refused_with_its_place(text: str, message: str, line: int) -> None:
    loaded = engine(text)
    with pytest.raises(BundleRefused) as raised:
        loaded.prepare("f", Person)
    assert message in str(raised.value)
    assert (raised.value.file, raised.value.line) == ("a.polar", line)
    # The second time it says the same: nothing half-made is left behind.
    with pytest.raises(EvaluationFailed, match=r"cannot be asked like this") as again:
        loaded.holds("f", ANN)
    assert message in str(again.value)


def test_a_typed_parameter_is_checked_when_the_body_gives_it_its_value() -> None:
    loaded = engine(
        "above(v: Team, w: Team) if w = v.parent;\nf(t: Team) if above(t, _);\ng(t: Team) if not above(t, _);"
    )
    assert not loaded.holds("f", A)
    assert loaded.holds("f", B)
    assert loaded.holds("g", A)
    assert loaded.each("above", A, FREE) == []


def test_an_alternative_may_bind_what_nobody_needs() -> None:
    loaded = engine("f(x) if (y = x) or x = 1;\nh(x) if not ((y = x and y = 2) or x = 1);")
    assert loaded.holds("f", 3)
    assert [loaded.holds("h", n) for n in (1, 2, 3)] == [False, False, True]


def test_true_and_one_are_two_solutions() -> None:
    assert engine("g(x) if x in [1, true];").each("g", FREE) == [(1,), (True,)]


def test_recursion_through_blocks_ends() -> None:
    loaded = engine(
        """
        actor Person {}
        resource Team {
          roles = ["member"]; permissions = ["view", "edit"]; relations = {parent: Team};
          "view" if "member"; "view" if "view" on "parent"; "edit" if "view" on "parent"; "view" if "edit";
        }
        has_role(p: Person, "member", t: Team) if p.team = t;
        has_relation(t: Team, "parent", s: Team) if t = s.parent;
        """
    )
    assert sorted(loaded.each("has_permission", ANN, FREE, Team("c", B))) == [("edit",), ("view",)]
    assert not loaded.holds("has_permission", ANN, "edit", A)


def test_a_fact_that_is_not_loaded_is_told_from_one_that_does_not_exist() -> None:
    with pytest.raises(FactNotLoaded):
        engine("f(x: Lazy) if not (_y in x.parts);").holds("f", Lazy("l"))
    with pytest.raises(EvaluationFailed):
        engine("f(t: Team) if not t.parent.id = 1;").holds("f", A)


def test_searches_that_nest_too_deep_are_no_answer_and_leave_the_process_alive() -> None:
    """CPython aborts the process in a nest of a thousand generators."""
    loaded = engine("f(x) if after(x, y) and y < 0;\nafter(n, y) if y = n;\nafter(n, y) if m = n + 1 and after(m, y);")
    for _ in range(3):
        with pytest.raises(EvaluationFailed, match="more steps"):
            loaded.holds("f", 1)
    assert engine("f(x) if x = 1;").holds("f", 1)
    assert MAX_DEPTH < 200


def test_steps_are_counted_at_every_loop() -> None:
    loaded = engine("f(t: Team) if a in t.members and b in t.members and a.age + b.age < 0;", max_steps=1_000)
    assert not loaded.holds("f", Team("t", None, [ANN] * 25))
    with pytest.raises(EvaluationFailed, match="more steps"):
        loaded.holds("f", Team("t", None, [ANN] * 40))


def test_an_explanation_names_the_first_condition_that_no_try_got_past() -> None:
    loaded = engine("f(t: Team) if p in t.members and\n  old(p) and\n  p.id = 1;\nold(p: Person) if p.age > 40;\n")
    (attempt,) = loaded.explain("f", Team("t", None, [ANN, Person("bob", 35)]))
    assert not attempt.is_met
    assert (attempt.condition, attempt.place.line if attempt.place else 0) == ("old(p)", 2)
    (under,) = attempt.under
    assert (under.condition, under.values) == ("p.age > 40", ("35", "40"))
    (met,) = loaded.explain("old", Person("cy", 50))
    assert met.is_met


def test_the_clause_that_holds_first_is_told_as_a_trace_proves_it() -> None:
    text = """
    f(p: Person, x: Integer) if t = p.team and t != nil and p.age = x;
    f(p: Person, x: Integer) if t = p.team and t != nil and p.age != x and x = 3;
    f(_: Person, x) if x in [1, 2];
    f(t: Team, "b") if t.parent = nil;
    f(_, _: String);
    f(p, 5) if f(p, 1);
    """
    made, lines = engine(text), set()
    for one in (ANN, Person("bob", 3, A), Person("eve"), A, B):
        for x in (1, 3, 4, 5, 30, "a", "b", 1.0):
            proved, told = made.proved("f", one, x), made.first_proved(made.begin(one), "f", one, x)
            assert told is (proved[0] if proved else None), (one, x)
            assert (told is not None) is made.holds("f", one, x)
            lines.add(0 if told is None else told.place.line)
    assert lines == {0, 2, 3, 4, 5, 6, 7}


def test_the_clause_that_holds_first_is_one_of_the_policy_that_is_asked() -> None:
    made = engine("f(p: Person) if p.age = 30;\nf(p: Person) if p.age > 3;")
    assert made.first_proved(made.begin(ANN), "f", ANN).place.line == 1
    after = made.reloaded(parse(Source("a.polar", "f(p: Person) if p.age = 31;\nf(p: Person) if p.age > 3;")))
    assert after.first_proved(after.begin(ANN), "f", ANN).place.line == 2
    with pytest.raises(EvaluationFailed):
        after.first_proved(after.begin(ANN), "g", ANN)


def test_coverage_counts_both_sides_of_each_condition() -> None:
    loaded = engine("f(p: Person) if p.age > 40 and p.id = 1;")
    tally = loaded.tally()
    for age in (30, 50, 60):
        tally.add(loaded.counted("f", Person("x", age)))
    counted = {c.condition.term.place.column: (c.met, c.unmet) for c in tally.taken()[0] if c.condition.term}
    assert counted == {17: (2, 1), 32: (0, 2)}


WHY = """
why("young", t: Team) if m in t.members and m.age < 20;
why("lone", t: Team) if t.id = "lone";
why("old", team: Team) if one in team.members and one.age > 60;
why("pair", t: Team) if m in t.members and n in t.members and m != n;
"""


def test_clauses_that_begin_alike_walk_through_a_collection_once() -> None:
    loaded = engine(WHY)
    young, old = Person("young", 10), Person("old", 70)
    assert loaded.each("why", FREE, Team("lone")) == [("lone",)]
    assert loaded.each("why", FREE, Team("a", members=[old])) == [("old",)]
    assert sorted(loaded.each("why", FREE, Team("a", members=[old, young]))) == [("old",), ("pair",), ("young",)]
    assert loaded.each("why", FREE, Team("a", members=[ANN])) == []
    # Once for all three that begin with it, and once for `n`.
    assert loaded.show().count(".members") == 2


def test_values_keep_the_order_of_the_text() -> None:
    loaded = engine(
        "f(p: Person, x) if p.age > 1 and x = 2;\nf(q: Person, x) if q.age > 1 and x = 1;\nf(_, x) if x = 3;"
    )
    assert loaded.each("f", ANN, FREE) == [(2,), (1,), (3,)]
    # The test that both begin with is made once.
    assert loaded.show().count(".age") == 1


NAMES = """
named(person: Person, id) if person.id = id;
named(person: Person, id) if person.team matches Team and person.team.id = id;
above(team: Team, found) if found = team.parent;
above(team: Team, found) if team = found;
f(p: Person, t: Team) if named(p, id) and id = t.id;
g(t: Team, id) if above(t, other) and other matches Team and other.id = id;
"""


def test_what_a_rule_finds_has_the_type_of_what_it_equals_on_either_side() -> None:
    loaded = engine(NAMES)
    assert loaded.holds("f", Person("a"), A)
    assert loaded.holds("f", Person("y", 30, A), A)
    assert not loaded.holds("f", Person("y"), A)
    assert loaded.each("g", B, FREE) == [("a",), ("b",)]
    assert loaded.each("g", A, FREE) == [("a",)]
    shown = loaded.show()
    assert "same(" not in shown
    assert "attribute(" not in shown


def test_what_clauses_find_of_different_types_has_none() -> None:
    loaded = engine("h(p: Person, x) if p.id = x; h(p: Person, x) if p.age = x; k(p: Person, y) if h(p, x) and x = y;")
    assert loaded.each("k", ANN, FREE) == [("ann",), (30,)]
    assert loaded.holds("k", ANN, 30)
    assert loaded.holds("k", ANN, 30.0)
    assert not loaded.holds("k", ANN, "30")
    assert "same(" in loaded.show()


def test_a_common_beginning_binds_for_each_clause_what_it_needs() -> None:
    text = "f(p: Person, x) if t = p.team and x = t.id;\nf(p: Person, x) if t = p.team and u = t.parent and x = u.id;"
    assert engine(text).each("f", ANN, FREE) == [("b",), ("a",)]
    both = 'g(p: Person) if t = p.team and t.id = "z";\ng(q: Person) if u = q.team and u.id = "b";'
    assert engine(both).holds("g", ANN)


MANY = 5_000
WALKS = {
    "walk": "f(t: Team) if m in t.members and m.age > 90;",
    "walk in a helper": "f(t: Team) if g(t, m) and m.age > 90; g(t: Team, m) if m in t.members;",
    "forall": "f(t: Team) if not forall(m in t.members, m.age < 90);",
    "in a collection": "f(t: Team) if o in [1] and h(o, t.members); h(o, c) if o in c;",
    "equal lists": "f(t: Team) if h(t.members, t.members) and t.id = 1; h(a, b) if a = b;",
    "listed values": f"f(t: Team) if h(t.id); h(x) if x in [{', '.join(map(str, range(MANY)))}];",
}


@pytest.mark.parametrize("walk", WALKS)
@pytest.mark.parametrize("members", [1, 11, MANY])
def test_each_element_that_is_touched_is_a_step(walk: str, members: int) -> None:
    team = Team("a", members=[Person(f"p{number}", 20) for number in range(members)])
    touched = MANY if walk == "listed values" else members
    assert not engine(WALKS[walk], max_steps=4 * touched + 10).holds("f", team)
    with pytest.raises(EvaluationFailed, match="more steps"):
        engine(WALKS[walk], max_steps=touched - 1).holds("f", team)


def test_solutions_that_are_compared_with_each_other_are_steps() -> None:
    found = engine("f(t: Team, m) if m in t.members;", max_steps=1_000)
    assert len(found.each("f", Team("a", members=[Person(f"p{n}", n) for n in range(30)]), FREE)) == 30
    with pytest.raises(EvaluationFailed, match="more steps"):
        found.each("f", Team("a", members=[Person(f"p{n}", n) for n in range(200)]), FREE)


def test_turns_that_walk_on_or_call_are_counted_however_few_there_are() -> None:
    text = "f(t: Team) if m in t.members and n in t.members and o in t.members and m.age + n.age + o.age > 900;"
    with pytest.raises(EvaluationFailed, match="more steps"):
        engine(text, max_steps=4).holds("f", Team("a", members=[ANN] * 5))


def test_what_is_no_collection_is_not_taken_for_an_empty_one() -> None:
    loaded = engine("f(t: Team) if not (m in t.members and m.age > 0);")
    assert loaded.holds("f", Team("a", members=[]))
    assert loaded.holds("f", Team("a", members=EMPTY))
    for other in (None, False, 0):
        with pytest.raises(EvaluationFailed):
            loaded.holds("f", Team("a", members=other))  # type: ignore[arg-type]


REMEMBERED = """
g(t: Team, x) if f(t, x);
g(t: Team, x) if t.id != "" and f(t, x);
f(t: Team, x) if t.id = "none" and x = t.id;
f(t: Team, x) if m in t.members and old(m, t) and tall(m, t) and far(m, t) and near(m, t) and x = m.id;
old(m: Person, t: Team) if n in t.members and m.age >= n.age;
tall(m: Person, t: Team) if n in t.members and m.age > n.age or t.id != m.id;
far(m: Person, t: Team) if n in t.members and m.age + n.age > 0;
near(m: Person, t: Team) if n in t.members and m.age + n.age > 1;
"""


def test_all_solutions_are_found_once_in_a_decision_and_anew_in_the_next() -> None:
    loaded = engine(REMEMBERED)
    loaded.prepare("g", Team, FREE)  # which calls `f` from two places
    ask = loaded.asker("f", Team, FREE)
    team = Team("a", members=[ANN])
    work = loaded.begin(team)
    first = ask(work)
    assert first == [(ANN.id,)]
    assert ask(work) is first
    assert ask(loaded.begin(Team("b", members=[]))) == []
    team.members.append(Person("old", ANN.age + 1))
    assert sorted(ask(loaded.begin(team))) == sorted([(ANN.id,), ("old",)])


def test_only_what_is_called_from_two_places_remembers() -> None:
    loaded = engine(REMEMBERED)
    ask = loaded.asker("f", Team, FREE)
    work = loaded.begin(Team("a", members=[ANN]))
    first = ask(work)
    again = ask(work)
    assert again == first
    assert again is not first


def test_what_is_remembered_counts_for_the_very_same_objects() -> None:
    loaded = engine(REMEMBERED + "h(t: Team, o: Team, x, y) if f(t, x) and f(o, y);")
    one, other = Team("a", members=[ANN]), Team("a", members=[Person("old", ANN.age)])
    assert loaded.each("h", one, other, FREE, FREE) == [(ANN.id, "old")]


def test_a_rule_that_calls_itself_is_counted() -> None:
    text = "f(t: Team) if p = t.parent and p matches Team and (f(p) or f(p));"
    chain = Team("root")
    for number in range(40):
        chain = Team(f"t{number}", chain)
    with pytest.raises(EvaluationFailed, match="more steps"):
        engine(text, max_steps=10_000).holds("f", chain)


@dataclass
class Asked:
    """What every question comes with."""

    now: int = 0


@dataclass
class AskedAtWork(Asked):
    """A question from work."""

    desk: str = "none"


@dataclass
class AskedAtHome(Asked):
    """A question from home."""

    desk: int = 0


def asked(text: str) -> CompiledEngine:
    return CompiledEngine(parse(Source("a.polar", text)), {}, [Person, Team, Asked, AskedAtWork, AskedAtHome])


def test_what_reads_only_what_classes_have_in_common_is_compiled_once_for_all_of_them() -> None:
    loaded = asked("f(p: Person, c) if late(c) and p.age > 3;\nlate(c) if c.now > 5 and c.now != 7;")
    assert loaded.holds("f", ANN, AskedAtWork(6))
    assert not loaded.holds("f", ANN, AskedAtHome(5))
    assert loaded.holds("f", ANN, Asked(6))
    assert loaded.show().count("def ") == 1


@pytest.mark.parametrize(
    ("text", "work", "home", "plain"),
    [
        ("f(c: AskedAtWork) if c.now = 1; f(_) if 1 = 2;", True, False, False),
        ("f(c) if g(c); g(_: AskedAtHome); g(c: AskedAtWork) if c.now = 2;", False, True, False),
        ("f(c) if not c matches AskedAtWork;", False, True, True),
        ("f(c) if g(c, x) and x = 1; g(c: AskedAtWork, x) if x = c.now; g(_: AskedAtHome, 3);", True, False, False),
        ("f(c) if g(c); g(c) if h(c) or 1 = 2; h(_: Asked) if 1 = 2; h(_: AskedAtHome);", False, True, False),
        ('f(c) if c matches AskedAtWork and c.desk = "none";', True, False, False),
    ],
)
def test_what_tells_classes_apart_is_compiled_for_each_of_them(text: str, work: bool, home: bool, plain: bool) -> None:
    wanted = [(AskedAtWork(1), work), (AskedAtHome(1), home), (Asked(1), plain)]
    for order in (wanted, wanted[::-1], wanted[1:] + wanted[:1]):
        loaded = asked(text)
        assert [(c, loaded.holds("f", c)) for c, _ in order] == order


def test_an_attribute_that_siblings_define_differently_tells_them_apart() -> None:
    loaded = asked('f(c) if g(c); g(c) if c.desk = "none";')
    assert not loaded.holds("f", AskedAtHome(1))
    assert loaded.holds("f", AskedAtWork(1))
    with pytest.raises(EvaluationFailed, match="Asked has no attribute `desk`"):
        loaded.holds("f", Asked(1))


@pytest.mark.parametrize("rule", ["f", "g"])
def test_whoever_asks_again_and_again_is_told_true_and_nothing_like_it(
    rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = engine('f(a: Team) if a.name = "x";\ng(a: Team, b: Team, c: Team) if a.name = b.name and c.name = a.name;')
    teams = [Team] * (1 if rule == "f" else 3)
    monkeypatch.setattr(loaded._code, "enter", lambda *_, **__: (lambda *_: [("not", "True")], None, None))
    assert loaded.asker(rule, *teams)(loaded.begin(*(object() for _ in teams))) is False
