"""What rules say together, and none of them says alone."""

from __future__ import annotations

import sys

import pytest

from sealauthz.decision.checking import types_of
from sealauthz.model import MODEL
from sealauthz.polar import RuleNode
from sealauthz.polar.check.covering import settling, together
from sealauthz.polar.parse import parse
from sealauthz.polar.source import Source
from sealauthz.polar.unparse import written

TYPES = types_of(MODEL)
STATES = sorted(map(str, TYPES.words_of("Seal.state")))


def said(*bodies: str, head: str = "f(person: Person, seal: Seal, context)") -> list[str]:
    """What rules with these bodies say together, each as its conditions."""
    return of_text("".join(f"{head} if {body};" for body in bodies))


def of_text(text: str) -> list[str]:
    rules = [each for each in parse(Source("a.polar", text)) if isinstance(each, RuleNode)]
    rules = [each if each.name == "f" else settling(each) for each in rules]
    return ["" if each.rule.body is None else written(each.rule.body) for each in together(rules, TYPES)]


def quoted(words: list[str]) -> str:
    return ", ".join(f'"{word}"' for word in words)


@pytest.mark.parametrize(
    "bodies",
    [
        ("seal.flag = true", "seal.flag = false"),
        ("seal.flag", "not seal.flag"),
        ("seal.flag = true", "not seal.flag"),
        ("seal.n <= 3", "seal.n > 3"),
        ("seal.n <= 3", "3 < seal.n"),
        ("seal.n <= 3", "seal.n >= 4"),
        ("seal.n < 3", "seal.n = 3", "seal.n > 3"),
        ('seal.name in ["a", "b"]', 'not seal.name in ["a", "b"]'),
        ('seal.name = "a"', 'seal.name != "a"'),
        ("seal.acting_to < context.now", "context.now <= seal.acting_to"),
        ("g(seal)", "not g(seal)"),
        ("g(seal) or h(seal)", "not g(seal)"),
        ("seal.name in person.names", "not seal.name in person.names"),
        ("e = seal.enterprise and e.flag = true", "seal.enterprise.flag = false"),
        ("seal.flag = true and seal.n = 1", "seal.flag = true and seal.n != 1", "seal.flag = false"),
        (f"seal.state in [{quoted(STATES[:3])}]", f"seal.state in [{quoted(STATES[3:])}]"),
        tuple(f'seal.state = "{state}"' for state in STATES),
    ],
)
def test_one_of_them_always_holds(bodies: tuple[str, ...]) -> None:
    assert "" in said(*bodies)
    assert "" not in said(*bodies[1:])
    assert "" in said(*bodies[::-1])


@pytest.mark.parametrize(
    "bodies",
    [
        ("seal.n <= 3", "seal.n >= 5"),
        ("seal.n < 3", "seal.n > 3"),
        ("seal.flag = true", "seal.other = false"),
        ("seal.flag = true", 'seal.flag = "false"'),
        ('seal.name = "a"', 'seal.name = "b"'),
        (f"seal.state in [{quoted(STATES[:3])}]", f"seal.state in [{quoted(STATES[4:])}]"),
        ("seal.acting_to < context.now", "context.now < seal.acting_to"),
        ("g(seal)", "not g(person)"),
        ("g(seal)", "not g(seal, person)"),
        ("seal.flag = true", "person.flag = false"),
    ],
)
def test_something_is_left_out(bodies: tuple[str, ...]) -> None:
    assert said(*bodies) == []


@pytest.mark.parametrize(
    ("bodies", "rest"),
    [
        (("seal.flag = true and g(seal)", "seal.flag = false and h(seal)"), "g($1) and h($1)"),
        (("seal.flag = true and g(seal)", "seal.flag = false"), "g($1)"),
        (("x in seal.grants and x.flag = true", "y in seal.grants and y.flag = false"), "?3 in $1.grants"),
        # What may be missing must be there.
        (('seal.custodian_id = "a"', 'not seal.custodian_id in ["a"]'), ""),
        (('seal.custodian_id < "a"', 'seal.custodian_id >= "a"'), "$1.custodian_id != nil"),
        (
            ("seal.custodian.joined_at < context.now", "seal.custodian.joined_at >= context.now"),
            ("$1.custodian.joined_at != nil"),
        ),
        (("seal.custodian_id < seal.id", "seal.custodian_id >= seal.id"), "$1.custodian_id != nil"),
    ],
)
def test_what_is_asked_besides_is_left(bodies: tuple[str, ...], rest: str) -> None:
    assert said(*bodies) == [rest]


def test_rules_with_other_heads_are_not_put_together() -> None:
    assert of_text("f(s: Seal, 1) if s.flag = true; f(s: Seal, 2) if s.flag = false;") == []
    assert of_text("f(s: Seal) if s.flag = true; f(s: Device) if s.flag = false;") == []
    assert of_text("f(s: Seal, s) if s.flag = true; f(s: Seal, s) if s.flag = false;") == []
    assert of_text("f(s: Seal, nil) if s.flag = true; f(s: Seal, _) if s.flag = false;") == []
    assert of_text('f(s: Seal{kind: "OTHER"}) if s.flag = true; f(s: Seal{kind: "OTHER"}) if s.flag = false;') == []


def test_a_requirement_is_met_or_waived_together() -> None:
    meets = 'meets(_: Person, "R", "use", seal: Seal, _) if seal.flag = true;'
    assert of_text(meets + 'waived("R", "use", seal: Seal, _) if seal.flag = false;') == [""]
    assert of_text(meets + 'waived("S", "use", seal: Seal, _) if seal.flag = false;') == []
    assert of_text(meets + 'waived("R", "sign", seal: Seal, _) if seal.flag = false;') == []


def test_many_rules_and_long_lists_take_no_time() -> None:
    """Counted in calls: with each pair of rules compared, these would be millions."""
    words = quoted([f"w{number}" for number in range(500)])
    many = [f'seal.name = "w{number}" and g(seal)' for number in range(500)]
    either = " or ".join(f"seal.n = {number}" for number in range(16))
    nested = " and ".join(f"({either})" for _ in range(12))
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        assert said(*many, "seal.flag = true") == []
        assert said(f"seal.name in [{words}]", f"not seal.name in [{words}]") == [""]
        assert said(nested, "seal.flag = true") == []
    finally:
        sys.setprofile(None)
    assert calls < 1_500_000
