"""Laying a policy file out changes nothing but its spaces and line breaks, and doing it twice changes nothing more."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polar_text import STATEMENTS, placeless
from programs import programs

from sealauthz.polar.layout import WIDTH, formatted
from sealauthz.polar.parse import parse
from sealauthz.polar.pieces import pieces_of
from sealauthz.polar.scanner import tokens_of
from sealauthz.polar.source import Source
from sealauthz.runtime.errors import BundleRefused

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path
    for pattern in ("policies/s*.polar", "docs/examples/**/*.polar", "tests/**/*.polar")
    for path in ROOT.glob(pattern)
)
"""Of those that are shipped, some: `make generated` finds that all are laid out."""


def said(text: str) -> object:
    """What a file says: its statements with their tags, its tokens, and its comments."""
    source = Source("a.polar", text)
    comments = [piece.text for piece in pieces_of(source) if piece.is_comment]
    return placeless(parse(source)), [(token.type, token.text) for token in tokens_of(source)], comments


def law(text: str) -> str:
    found = formatted(Source("a.polar", text))
    assert said(found) == said(text)
    assert formatted(Source("a.polar", found)) == found
    return found


def can_be_read(text: str) -> bool:
    try:
        parse(Source("a.polar", text))
    except BundleRefused:
        return False
    return True


def scattered(text: str, choices: random.Random) -> str:
    """The same statements with other spaces, line breaks, comments and tags between their tokens."""
    gaps = [
        " ",
        " ",
        " ",
        "\n",
        "\n\n",
        "\n\n\n",
        "\t",
        "\r\n",
        " # why\n",
        "\n# …\n",
        "\n#@ U-07\n",
        "\n\n    #\n",
        " #@ A-01 always\n",
    ]
    words = [token.text for token in tokens_of(Source("a.polar", text))]
    return "".join(word + choices.choice(gaps) for word in words)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_policies_say_the_same_however_they_were_laid_out(path):
    text = path.read_text(encoding="utf-8")
    if can_be_read(text):
        law(text)
        law(scattered(text, random.Random(path.name)))


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(STATEMENTS, min_size=1, max_size=4), st.integers(0, 10_000))
def test_random_text_says_the_same(statements, seed):
    text = "\n".join(filter(can_be_read, statements))
    law(text)
    law(scattered(text, random.Random(seed)))


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(programs(), st.integers(0, 10_000))
def test_random_programs_say_the_same(program, seed):
    if can_be_read(program.text):
        law(program.text)
        law(scattered(program.text, random.Random(seed)))


STYLE = {
    "what fits on the line on which it was written stays there": (
        'f ( x:Seal ,_ ) if x . state="A" and not g(x)  ;',
        'f(x: Seal, _) if x.state = "A" and not g(x);\n',
    ),
    "where the body begins on a line of its own, each condition has one": (
        'f(x: Seal) if\n      x.state = "A" and g(x) or\n h(x);',
        'f(x: Seal) if\n  x.state = "A" and\n  g(x) or\n  h(x);\n',
    ),
    "line breaks in brackets stay, with one step more": (
        'f(x) if x in [\n"A",\n      "B"\n];\ng("X",\n  "Y");\nh("X",\n  "Y", [\n"Z"]);',
        'f(x) if x in [\n  "A",\n  "B"\n];\ng("X",\n  "Y");\nh("X",\n  "Y", [\n    "Z"]);\n',
    ),
    "lines below the first argument stay there, and conditions in brackets stand below the first": (
        "f(x) if\n  forall(g(x, y),\n           h(y)) and\n  (a(x) or\n b(x));",
        "f(x) if\n  forall(g(x, y),\n         h(y)) and\n  (a(x) or\n   b(x));\n",
    ),
    "comments stay where they are": (
        "# one\n\n\n\n# two\nf(x) if   # three\n# four\n  g(x) and\n        # five\n  h(x);# six\n   # seven",
        "# one\n\n# two\nf(x) if   # three\n  # four\n  g(x) and\n  # five\n  h(x);  # six\n# seven\n",
    ),
    "comments that stand one below the other stay so": (
        'f("a");     # one\nf("bc");    # two',
        'f("a");     # one\nf("bc");    # two\n',
    ),
    "a block has a line for each of its parts, unless it is on one line": (
        'resource  Seal{ roles=["a"];relations={e:E} ; \n\n "a" if "b"  on "c";}\n'
        'actor Person { }\nresource T { roles=["a"]; }',
        'resource Seal {\n  roles = ["a"];\n  relations = { e: E };\n\n  "a" if "b" on "c";\n}\n'
        'actor Person {}\nresource T { roles = ["a"]; }\n',
    ),
    "signs belong to their numbers": (
        "f(x) if x = - 1 and x<x - 1 and [* y] = x;",
        "f(x) if x = -1 and x < x - 1 and [*y] = x;\n",
    ),
    "a blank line that ends the tags is not lost": (
        "#@ U-01\nf(x) if\n  g(x) and\n\n  h(x);\nk(1);",
        "#@ U-01\nf(x) if\n  g(x) and\n  h(x);\n\nk(1);\n",
    ),
    "each statement begins a line": ("f(1); f(2); # two\nf(3);", "f(1);\nf(2);       # two\nf(3);\n"),
    "nothing stays nothing": ("\n\n", ""),
}


@pytest.mark.parametrize("case", STYLE)
def test_style(case):
    written, expected = STYLE[case]
    assert law(written) == expected


LONG = '"{}"'.format("A" * 30)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (
            f"f(x, {LONG}) if x.state = {LONG} and x.kind = {LONG};",
            f"f(x, {LONG}) if\n  x.state = {LONG} and\n  x.kind = {LONG};\n",
        ),
        (f"f({LONG}, {LONG}, {LONG}, abcdefg) if b(x);", f"f({LONG}, {LONG}, {LONG}, abcdefg) if\n  b(x);\n"),
        (
            f"f({LONG}, {LONG}, {LONG}, aaaaa, bbbbb, ccccc);",
            f"f(\n  {LONG}, {LONG}, {LONG}, aaaaa, bbbbb,\n  ccccc);\n",
        ),
        (
            f"f({LONG}, {LONG}, {LONG}, {LONG});",
            f"f(\n  {LONG}, {LONG}, {LONG},\n  {LONG});\n",
        ),
        (
            f"f(x) if\n  x in [{LONG}, {LONG}, {LONG}, aaaaaaaaaaaaaaa, b];",
            f"f(x) if\n  x in [\n    {LONG}, {LONG}, {LONG},\n    aaaaaaaaaaaaaaa, b];\n",
        ),
        (
            f"f(x) if\n  x.name = {LONG} + {LONG} + {LONG} + abcdefg;",
            f"f(x) if\n  x.name = {LONG} + {LONG} + {LONG} +\n    abcdefg;\n",
        ),
    ],
)
def test_what_is_too_long_is_broken(written, expected):
    found = law(written)
    assert found == expected
    assert all(len(line) <= WIDTH for line in found.splitlines())


def test_a_text_that_is_too_long_stays_whole():
    text = '"{}"'.format("A" * 200)
    assert law(f"f({text}, b);") == f"f(\n  {text},\n  b);\n"


def test_what_is_no_policy_is_refused_with_its_place():
    with pytest.raises(BundleRefused, match=r"^a\.polar:2:8: "):
        formatted(Source("a.polar", "f(1);\nfoo(x) iff x;\n"))
