"""Groups of actions are spelled out into plain requirements, the same for the checker and every engine."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from test_check import FLOOR, diagnostics

from sealauthz.polar import Source
from sealauthz.polar.check import Severity
from sealauthz.polar.diagnostic import Diagnostics
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.gate import admit
from sealauthz.polar.groups import Expansion, expand, expanded
from sealauthz.polar.parse import parse
from sealauthz.polar.plain_sources import plain_sources
from sealauthz.polar.reference import ReferenceEngine
from sealauthz.polar.runtime import FREE
from sealauthz.polar.syntax import RuleNode
from sealauthz.polar.unparse import written_statement
from sealauthz.runtime.errors import BundleRefused

SEALING = """\
group("SEALING", _: Seal, ["use", "stamp"]);
group("SEALING", _: SigningTask, ["sign"]);
group_requires("SEALING", ["SEAL_USABLE",
  "FRESH_FACE"]);
exempt("SEALING", "stamp", _: Seal, "FRESH_FACE", "The seal is in the hand of its keeper.");
"""


def expansion_of(text: str, *others: Source) -> Expansion:
    return expanded(node for source in (Source("a.polar", text), *others) for node in parse(source))


def said(expansion: Expansion) -> list[str]:
    return list(map(written_statement, expansion.statements))


def mistakes(text: str, *others: Source) -> list[tuple[str, str, int, int, str]]:
    """What is wrong with groups: code, message, line, column and hint."""
    found = Diagnostics()
    expand([node for source in (Source("a.polar", text), *others) for node in parse(source)], found)
    return [(each.code, each.message, each.place.line, each.place.column, each.hint) for each in found.by_place()]


# --- what is spelled out --------------------------------------------------------------------------------------------


def test_a_group_is_spelled_out_in_the_place_of_its_requirements() -> None:
    assert said(expansion_of(f"first(1);\n{SEALING}last(1);")) == [
        "first(1);",
        'requires("use", _: Seal, "SEAL_USABLE");',
        'requires("stamp", _: Seal, "SEAL_USABLE");',
        'requires("sign", _: SigningTask, "SEAL_USABLE");',
        'requires("use", _: Seal, "FRESH_FACE");',
        'requires("sign", _: SigningTask, "FRESH_FACE");',
        "last(1);",
    ]


def test_what_is_spelled_out_stands_where_the_group_requires_it_and_has_its_tags() -> None:
    rules = expansion_of(
        "#@ S-04 U-26\n" + SEALING.replace("\ngroup_requires", "\n\n#@ U-09\ngroup_requires")
    ).statements
    places = [(rule.place.line, rule.place.column, rule.tags) for rule in rules if isinstance(rule, RuleNode)]
    assert places == [(6, 28, ("U-09",))] * 3 + [(7, 3, ("U-09",))] * 2


def test_a_requirement_counts_once_however_often_it_is_stated() -> None:
    again = (
        'requires("use", _: Seal, "FRESH_FACE");\n'
        'group("OTHER", _: Seal, ["use", "stamp"]);\n'
        'group_requires("OTHER", ["SEAL_USABLE"]);\n'
        'group_requires("SEALING", ["SEAL_USABLE"]);\n'
    )
    texts = said(expansion_of(SEALING + again))
    assert len(texts) == len(set(texts)) == 5


def test_an_exemption_leaves_out_what_its_own_group_gives_and_no_more() -> None:
    other = 'group("PHYSICAL", _: Seal, ["stamp"]);\ngroup_requires("PHYSICAL", ["FRESH_FACE"]);\n'
    assert 'requires("stamp", _: Seal, "FRESH_FACE");' in said(expansion_of(SEALING + other))
    own = Source("b.polar", 'requires("stamp", _: Seal, "FRESH_FACE");')
    assert 'requires("stamp", _: Seal, "FRESH_FACE");' in said(expansion_of(SEALING, own))


def test_the_floor_keeps_what_others_state_again() -> None:
    floor = Source("floor.polar", 'group("ALL", _: Seal, ["use"]);\ngroup_requires("ALL", ["MEMBER"]);\n')
    for again in (
        'requires("use", _: Seal, "MEMBER");',
        'group("G", _: Seal, ["use"]);group_requires("G", ["MEMBER"]);',
    ):
        (rule,) = expansion_of(again, floor).statements
        assert rule.place.file == "floor.polar"


def test_what_is_read_again_is_spelled_out_as_the_same_objects() -> None:
    text = f'{SEALING}because(["A", "B"], "C", _: Person, s: Seal, _) if s.x = 1;\n'
    first = expansion_of(text).statements
    again = expansion_of(text + "f(1);\n").statements
    assert [one is two for one, two in zip(first, again, strict=False)] == [True] * 7
    other = expansion_of(text.replace("s.x = 1", "s.x = true")).statements
    assert [one is two for one, two in zip(first, other, strict=True)] == [True] * 5 + [False] * 2


def test_a_reason_of_several_requirements_is_spelled_out() -> None:
    rules = expansion_of('because(["A", "B"], "C", _: Person, s: Seal, _) if s.state = "X";').statements
    assert [(written_statement(rule), rule.place.column) for rule in rules] == [
        ('because("A", "C", _: Person, s: Seal, _) if s.state = "X";', 10),
        ('because("B", "C", _: Person, s: Seal, _) if s.state = "X";', 15),
    ]


def test_an_obligation_of_several_actions_is_spelled_out() -> None:
    text = (
        'obligation(_: Person, ["use", "stamp"], s: Seal, _, "LOG") if s.state = "X";\n'
        'obligation_parameter("LOG", "id", id, _: Person, ["use", "stamp"], s: Seal, _) if id = s.id;\n'
        'lapses(_: Person, ["use", "stamp"], s: Seal, _, at) if at = s.valid_to;\n'
    )
    rules = expansion_of(text).statements
    assert [(written_statement(rule), rule.place.line, rule.place.column) for rule in rules] == [
        ('obligation(_: Person, "use", s: Seal, _, "LOG") if s.state = "X";', 1, 24),
        ('obligation(_: Person, "stamp", s: Seal, _, "LOG") if s.state = "X";', 1, 31),
        ('obligation_parameter("LOG", "id", id, _: Person, "use", s: Seal, _) if id = s.id;', 2, 51),
        ('obligation_parameter("LOG", "id", id, _: Person, "stamp", s: Seal, _) if id = s.id;', 2, 58),
        ('lapses(_: Person, "use", s: Seal, _, at) if at = s.valid_to;', 3, 20),
        ('lapses(_: Person, "stamp", s: Seal, _, at) if at = s.valid_to;', 3, 27),
    ]
    (source,) = plain_sources([Source("a.polar", text)])
    assert [written_statement(node) for node in parse(source)] == said(expansion_of(text))


def test_oso_reads_what_is_spelled_out_on_the_same_lines() -> None:
    text = f'{SEALING}f(1); because(\n  ["A", "B"],  # ; why\n  "C; e") if f(1); g(2);\n\nh(3);\n'
    (source,) = plain_sources([Source("a.polar", text)])
    assert source.text.count("\n") == text.count("\n")
    assert source.text.splitlines()[5:] == [
        'f(1); because("A", "C; e") if f(1); because("B", "C; e") if f(1);',
        "",
        " g(2);",
        "",
        "h(3);",
    ]
    plain = [written_statement(node) for node in parse(source)]
    assert plain == said(expansion_of(text))
    untouched = Source("a.polar", "# No group(s), nor because of them.\nf(1);\n")
    assert plain_sources([untouched]) == (untouched,)


def test_the_gate_takes_lists_where_they_are_spelled_out_and_nowhere_else() -> None:
    assert admit(Source("a.polar", SEALING), frozenset()) == parse(Source("a.polar", SEALING))
    for text in ('f(["A"]);', 'because("A", ["B"], 1, 2, 3);', 'requires(["use"], _: Seal, "A");'):
        with pytest.raises(BundleRefused, match="a parameter is a string"):
            admit(Source("a.polar", text), frozenset())


# --- the law: an independent reading finds the same, and so do both engines -----------------------------------------

ACTIONS, REQUIREMENTS, NAMES = ("use", "stamp", "sign", "view"), ("A", "B", "C", "D"), ("G", "H", "I")


@dataclass
class Person:
    name: str


def random_tables(chance: random.Random) -> tuple[str, set[tuple[str, str]]]:
    """Groups at random, as text, and the (action, requirement) pairs that they mean."""
    lines, meant = [], set()
    for name in chance.sample(NAMES, chance.randint(1, 3)):
        actions, needs = (chance.sample(of, chance.randint(1, 4)) for of in (ACTIONS, REQUIREMENTS))
        cut = chance.randint(0, len(needs) - 1)
        listed = (actions, actions[: chance.randint(1, 4)])
        lines += [f'group("{name}", _: Person, {str(each).replace(chr(39), chr(34))});' for each in listed]
        for each in (needs[:cut], needs[cut:]):
            if each:
                lines.append(f'group_requires("{name}", {str(each).replace(chr(39), chr(34))});')
        pairs = [(action, need) for action in actions for need in needs]
        exempt = chance.sample(pairs, chance.randint(0, min(3, len(pairs))))
        lines += [f'exempt("{name}", "{action}", _: Person, "{need}", "so");' for action, need in exempt]
        meant |= {*pairs} - {*exempt}
    chance.shuffle(lines)
    return "\n".join(lines) + '\nrequires("x", _: Person, "X");\n', {
        *meant,
        ("x", "X"),
    }


def test_random_groups_mean_what_they_say_on_every_engine() -> None:
    chance = random.Random(7)
    exempted = 0
    reloaded = CompiledEngine(parse(Source("a.polar", "f(1);")), {}, [Person])
    for _ in range(60):
        text, meant = random_tables(chance)
        exempted += "exempt" in text
        source = Source("a.polar", text)
        compiled = CompiledEngine(parse(source), {}, [Person])
        reference = ReferenceEngine([source], [Person])
        reloaded = reloaded.reloaded(parse(source))
        for engine in (compiled, reloaded, reference):
            answers: Sequence[tuple[object, ...]] = engine.each("requires", FREE, Person("a"), FREE)
            assert {*answers} == meant, text
            assert len(answers) == len(meant)
    assert exempted > 20


# --- what is wrong --------------------------------------------------------------------------------------------------

HOW = {
    "group": 'write `group("NAME", _: Type, ["action", …]);`',
    "group_requires": 'write `group_requires("NAME", ["REQUIREMENT", …]);`',
    "exempt": 'write `exempt("NAME", "action", _: Type, "REQUIREMENT", "why");`',
}
G, R = 'group("G", _: Seal, ["use", "stamp"]);', 'group_requires("G", ["A", "B"]);'
OWN = 'requires("use", _: Seal, "A");'


GR = G + R
MISTAKES = [
    ('group("G", ["use"]);', "`group` has 3 parameters, not 2", "group", HOW["group"]),
    ('group("G", _: Seal, ["use"]) if x = 1;', "`group` is a fact and has no `if`", "group", HOW["group"]),
    ("type group(a, b, c);", "`group` is a fact of a group and has no type", "type", HOW["group"]),
    ('group(name, _: Seal, ["use"]);', "the name of `group` is a text, not `name`", "name", HOW["group"]),
    ('group("", _: Seal, ["use"]);', "the name of `group` is empty", '""', HOW["group"]),
    ('group("G", _, ["use"]);', "the resource of `group` names its type, as in `_: Seal`", "_,", HOW["group"]),
    ('group("G", "Seal", ["use"]);', "the resource of `group` names its type, as in `_: Seal`", '"Seal"', HOW["group"]),
    ('group("G", _: Seal, "use");', "the actions of `group` are a list of texts", '"use"', HOW["group"]),
    ('group("G", _: Seal, []);', "the actions of `group` are a list of texts", "[]", HOW["group"]),
    ('group("G", _: Seal, ["use", *rest]);', "the actions of `group` are a list of texts", "[", HOW["group"]),
    ('group("G", _: Seal, ["use", x]);', "the actions of `group` are a list of texts, and `x` is none", "x]", ""),
    (f'{R}group("G", _: Seal, ["use", "use"]);', "`use` stands twice in this list", '"use"]', "leave one out"),
    (G, "the group G requires nothing", '"use"', HOW["group_requires"]),
    (f'{GR}group_requires("g", ["A"]);', "there is no group `g`", '"g"', HOW["group"]),
    (f'{GR}exempt("GG", "use", _: Seal, "A", "w");', "there is no group `GG`", '"GG"', "did you mean `G`?"),
    (f'{GR}group_requires("G", "A");', "the requirements of `group_requires` are a list of texts", '"A");', ""),
    (f'{GR}exempt("G", "use", _: Seal, "A");', "`exempt` has 5 parameters, not 4", "exempt", HOW["exempt"]),
    (f'{GR}exempt("G", "use", _: Seal, "A", " ");', "the reason of `exempt` is empty", '" ");', HOW["exempt"]),
    (f'{GR}exempt("G", "use", _: Seal, "A", why);', "the reason of `exempt` is a text, not `why`", "why", ""),
    (
        f'{GR}exempt("G", "stomp", _: Seal, "A", "w");',
        "`stomp` on Seal is no action of the group G",
        '"stomp"',
        "stamp",
    ),
    (f'{GR}exempt("G", "use", _: Deal, "A", "w");', "`use` on Deal is no action of the group G", '"use", _: Deal', ""),
    (
        f'{GR}exempt("G", "use", _: Seal, "C", "w");',
        "the group G requires no `C` that `use` on Seal could leave out",
        '"C"',
        "",
    ),
    (
        f'{GR}exempt("G", "use", _: Seal, "A", "w");exempt("G", "use", _: Seal, "A", "v");',
        "the group G exempts `use` on Seal from `A` already",
        'exempt("G", "use", _: Seal, "A", "v")',
        "",
    ),
    (
        f'{GR}{OWN}exempt("G", "use", _: Seal, "A", "w");',
        "this exempts `use` on Seal from `A`, which a.polar:1:71 requires of it",
        "exempt",
        "leave one of the two out",
    ),
    ('because([], "X", 1, 2, 3);', "the requirements of `because` are a text, or a list of texts", "[", ""),
    ('because(["A", b], "X", 1);', "the requirements of `because` are a list of texts, and `b` is none", "b]", ""),
    ('because(["A", "A"], "X", 1, 2, 3);', "`A` stands twice in this list", '"A"]', "leave one out"),
    ('obligation(p, [], s, c, "X");', "the actions of `obligation` are a text, or a list of texts", "[", ""),
    ('lapses(p, ["A", b], s, c, at);', "the actions of `lapses` are a list of texts, and `b` is none", "b]", ""),
    ('obligation(p, ["A", "A"], s, c, "X");', "`A` stands twice in this list", '"A"]', "leave one out"),
]


@pytest.mark.parametrize(("text", "message", "at", "hint"), MISTAKES)
def test_a_mistake_is_told_with_its_place_and_what_to_write(text: str, message: str, at: str, hint: str) -> None:
    (found,) = mistakes(text)
    column = text.index(at) + 1
    assert found[:4] == ("group", message, 1, column)
    assert hint in found[4]
    with pytest.raises(BundleRefused) as caught:
        expansion_of(text)
    assert str(caught.value) == f"a.polar:1:{column}: {message}"


FLOOR_GROUP = Source("floor.polar", 'group("F", _: Seal, ["use"]);\ngroup_requires("F", ["MEMBER"]);\n')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'exempt("F", "use", _: Seal, "MEMBER", "why");',
            "`MEMBER` of `use` on Seal belongs to the floor: only floor.polar exempts from it",
        ),
        ('group("F", _: Seal, ["stamp"]);', "`F` is a group of the floor: only floor.polar says what belongs to it"),
    ],
)
@pytest.mark.parametrize("file", ["a.polar", "z.polar"])
def test_nobody_else_changes_the_groups_of_the_floor(file: str, text: str, message: str) -> None:
    found = Diagnostics()
    sources = sorted((FLOOR_GROUP, Source(file, text)), key=lambda source: source.file)
    expand([node for source in sources for node in parse(source)], found)
    assert [(each.code, each.message) for each in found.by_place()] == [("floor", message)]


def test_others_add_requirements_to_a_group_of_the_floor_and_exempt_from_those() -> None:
    text = 'group_requires("F", ["MINE"]);\nexempt("F", "use", _: Seal, "MINE", "why");\n'
    assert said(expansion_of(text, FLOOR_GROUP)) == ['requires("use", _: Seal, "MEMBER");']


def test_no_engine_takes_what_is_not_spelled_out() -> None:
    for text in (G, f'{G}{R}exempt("G", "use", _: Seal, "C", "w");'):
        with pytest.raises(BundleRefused, match="the group G requires no"):
            CompiledEngine(parse(Source("a.polar", text)), {})
        with pytest.raises(BundleRefused, match="the group G requires no"):
            ReferenceEngine([Source("a.polar", text)], [])


# --- in a whole bundle ----------------------------------------------------------------------------------------------

ACTS = """
resource Seal { permissions = ["stamp", "auto_use"]; }
has_permission(_: Person, "stamp", _: Seal);
has_permission(_: Person, "auto_use", _: Seal);
requires("stamp", _: Seal, "R");
meets(_: Person, "R", "stamp", seal: Seal, _) if seal.state = "ACTIVE";
otherwise("Q", "NO");
"""
ACTS_FLOOR = FLOOR.replace('requires("use", _: Seal, "ACCOUNT_ACTIVE");', "").replace('"use", _: Seal', "_, _") + (
    'group("ALL", _: Seal, ["use", "stamp", "auto_use"]);\ngroup_requires("ALL", ["ACCOUNT_ACTIVE"]);\n'
)
ALL_MEET = "".join(
    f'meets(_: Person, "Q", "{act}", seal: Seal, _) if seal.state = "ACTIVE";\n' for act in ("use", "stamp", "auto_use")
)


def test_a_requirement_that_a_member_lacks_is_told() -> None:
    group = 'group("SEALING", _: Seal, ["use", "stamp", "auto_use"]);\ngroup_requires("SEALING", ["Q"]);\n'
    (found,) = diagnostics(ACTS + ALL_MEET + group, floor=ACTS_FLOOR)
    assert (found.code, found.severity, found.place.file) == ("group", Severity.WARNING, "base.polar")
    assert found.message == (
        "in the group SEALING, `use` on Seal and `stamp` on Seal require `R` by lines of their own, and `auto_use` on "
        "Seal does not"
    )
    assert found.hint == (
        'state it once: group_requires("SEALING", ["R"]); and where it is not meant: '
        'exempt("SEALING", "auto_use", _: Seal, "R", "why");'
    )
    stated = group.replace('["Q"]', '["Q", "R"]')
    exempt = 'exempt("SEALING", "auto_use", _: Seal, "R", "A machine has no say in it.");\n'
    assert diagnostics(ACTS + ALL_MEET + stated + exempt, floor=ACTS_FLOOR) == []
    # One member alone may have a requirement of its own, and the groups of the floor are no acts.
    assert diagnostics(
        ACTS + ALL_MEET + group.replace(', "stamp"', ""), floor=ACTS_FLOOR.replace("stamp", "stamp")
    ) != [found]


def test_all_that_a_group_requires_and_nothing_meets_is_told_at_once() -> None:
    group = 'group("SEALING", _: Seal, ["use", "stamp"]);\ngroup_requires("SEALING", ["Q"]);\n'
    (found,) = diagnostics(ACTS + group, floor=ACTS_FLOOR)
    assert (found.code, found.message) == ("unmeetable", "nothing meets `Q` for `use` on Seal, `stamp` on Seal")
    assert (found.place.file, found.place.line) == ("a.polar", (ACTS + group).count("\n"))


def test_a_mistake_in_a_group_hides_what_follows_from_it() -> None:
    found = diagnostics(ACTS + 'group_requires("SEALING", ["Q"]);\n', floor=ACTS_FLOOR)
    assert [each.message for each in found] == ["there is no group `SEALING`"]
