"""What policy text must never contain is refused with its place, before oso sees it."""

from __future__ import annotations

import pytest

from sealauthz.polar import RuleNode, Source, admit
from sealauthz.polar.scanner import MAX_FILE_BYTES
from sealauthz.polar.tree import MAX_DEPTH
from sealauthz.polar.unparse import written_head
from sealauthz.runtime.errors import BundleRefused

ATTRIBUTES = frozenset({"state", "holds"})


def refused(text: str) -> BundleRefused:
    with pytest.raises(BundleRefused) as raised:
        admit(Source("a.polar", text), ATTRIBUTES)
    return raised.value


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("?= f(1);", 1, 1, "inline queries"),
        ("f(x) if x = 1;\n?= f(1);", 2, 1, "inline queries"),
        ("f(x) if\n  x = new Thing();", 2, 7, "`new` is not accepted"),
        ("f(x) if print(x);", 1, 9, "`print` is not accepted"),
        ("f(_) if debug();", 1, 9, "`debug` is not accepted"),
        ("f(x) if x = 1 and cut;", 1, 19, "`cut` is not accepted"),
        ("f(x) if x.__class__ = 1;", 1, 11, "`__class__` is not an attribute"),
        ("f(x) if x._state = 1;", 1, 11, "`_state` is not an attribute"),
        ("f(x) if x.state() = 1;", 1, 11, "would call host code"),
        ('f(x) if x.("state") = 1;', 1, 11, "only a plain attribute name"),
        ("f(x, k) if x.(k) = 1;", 1, 14, "only a plain attribute name"),
        ("f(x) if x.stat = 1;", 1, 11, "no fact has an attribute `stat`"),
        ("f(x) if x matches Seal{state: 1};", 1, 19, "field patterns"),
        ("f(_: Seal{state: 1});", 1, 3, "a parameter is"),
        ("f(-1);", 1, 3, "a parameter is"),
        ("f(1.5);", 1, 3, "a parameter is"),
        ("f([x]);", 1, 3, "a parameter is"),
        ("type f(x: {state: 1});", 1, 8, "a parameter is"),
        ("f(x) if x = {new: 1};", 1, 13, "`new` is not accepted"),
        ("f(x) if x matches {state: 1};", 1, 19, "field patterns"),
        ("f(x) if x in {state: 1};", 1, 14, "looks into a list"),
        ('f(x) if x = "open', 1, 13, "does not end on its line"),
        ("f(x) if x = 1", 1, 14, "expected `;`"),
        ("f(x) if (x = 1;", 1, 15, "the `(` of line 1, column 9 is still open"),
        ("f(x) if x = 1);", 1, 14, "found `)`"),
        ("f(x) unless x;", 1, 6, "expected `;` or `if`"),
        ("f(x) if x = 1 & x = 2;", 1, 15, "`&` is no part of Polar"),
        ("#@ U-1 nonsense\nf(1);", 1, 1, "a tag line names rule ids only"),
        ("resource Seal { x = [new]; }", 1, 22, "`new` is not accepted"),
        ("# 云杉印务\nf(x) if debug();", 2, 9, "`debug` is not accepted"),
    ],
)
def test_what_is_not_accepted_is_refused_with_its_place(text: str, line: int, column: int, message: str) -> None:
    error = refused(text)
    assert message in str(error)
    assert (error.file, error.line, error.column) == ("a.polar", line, column)
    assert str(error).startswith(f"a.polar:{line}:{column}: ")


def test_words_in_strings_and_comments_are_no_words() -> None:
    (rule,) = admit(Source("a.polar", '# new print debug cut ?=\nf(x) if x.state = "new print ?= cut";'), ATTRIBUTES)
    assert isinstance(rule, RuleNode)
    assert written_head(rule.name, rule.parameters) == "f(x)"


def test_non_ascii_text_is_accepted_anywhere_it_makes_sense() -> None:
    statements = admit(Source("a.polar", '# é印章\nf("seal", x) if x.state = "启用"; # é\n'), ATTRIBUTES)
    assert len(statements) == 1


def test_deep_and_huge_text_is_a_clean_refusal() -> None:
    assert "nest deeper" in str(refused("f(x) if " + "(" * (MAX_DEPTH + 1) + "x = 1" + ")" * (MAX_DEPTH + 1) + ";"))
    assert "at most" in str(refused("# " + "x" * MAX_FILE_BYTES))


def test_tags_stand_until_the_next_tag_or_blank_line() -> None:
    text = "#@ U-01 U-26\nf(1);\nf(2);\n#@ M-01\nf(3);\n\nf(4);\n"
    tags = [rule.tags for rule in admit(Source("a.polar", text), ATTRIBUTES) if isinstance(rule, RuleNode)]
    assert tags == [("U-01", "U-26"), ("U-01", "U-26"), ("M-01",), ()]


def test_a_tag_that_means_always_stands_for_one_rule_and_is_no_id() -> None:
    text = "#@ U-01 always\nf(1);\nf(2);\n#@ always\nf(3);\n\nf(4);\n#@ always\nresource Seal {}\nf(5);\n"
    rules = [rule for rule in admit(Source("a.polar", text), ATTRIBUTES) if isinstance(rule, RuleNode)]
    assert [rule.is_always for rule in rules] == [True, False, True, False, True]
    assert [rule.tags for rule in rules] == [("U-01",), ("U-01",), (), (), ()]
