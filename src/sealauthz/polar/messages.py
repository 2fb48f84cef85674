"""What is wrong with policy text, in the words of its author: sentences for errors, and the line with a caret."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence, Set
from typing import Protocol

from sealauthz.polar.source import Source
from sealauthz.polar.syntax import (
    And,
    Arithmetic,
    Assign,
    Call,
    Compare,
    DictTerm,
    Forall,
    In,
    ListTerm,
    Literal,
    Matches,
    Not,
    Or,
    Place,
    Term,
    Unify,
)

END = "$END"
"""The type of the token behind the last one."""

REFUSED_WORDS = {
    "new": "policies construct nothing: `new` is not accepted",
    "print": "`print` is not accepted",
    "debug": "`debug` is not accepted",
    "cut": "`cut` is not accepted: order must not decide",
    "isa": "`isa` is not accepted: write `matches`",
    "inf": "`inf` is not accepted: policies count in finite numbers",
    "nan": "`nan` is not accepted: it equals nothing, not even itself",
}
"""Words that Polar reserves and policies must not use."""

_TERM_STARTS = {
    "NAME",
    "STRING",
    "NUMBER",
    "TRUE",
    "FALSE",
    "LPAR",
    "LSQB",
    "LBRACE",
    "PLUS",
    "MINUS",
    "NOT",
    "FORALL",
}
_PATTERN_STARTS = _TERM_STARTS - {"LPAR", "NOT", "FORALL"}
_OPERATORS = {"COMPARE", "EQUAL", "PLUS", "MINUS", "STAR", "SLASH", "MOD", "REM", "IN", "MATCHES", "DOT"}
_KEYWORDS = {"TYPE", "CUT", "DEBUG", "PRINT", "IN", "FORALL", "IF", "AND", "OR", "NOT", "NEW", "MATCHES"}

# In the order in which an author would think of them.
_ORDER = ("SEMICOLON", "RPAR", "RSQB", "RBRACE", "COMMA", "IF", "AND", "OR")

_HINTS = {
    "'": "a string stands between double quotes",
    "&": "write `and`",
    "|": "write `or`",
    "!": "write `not`, or `!=` between values",
    "?": "`?` may only end a name",
    "\u3001": "write `,`",
    "\u3002": "write `.`",
    "\u201c": 'write `"`',
    "\u201d": 'write `"`',
}

_LINE_MAX = 160
"""An excerpt shows at most so many characters of a line."""


class Found(Protocol):
    """A token, as far as an error must know it."""

    @property
    def type(self) -> str:
        """The name of its terminal in the grammar."""

    @property
    def text(self) -> str:
        """The characters of the token."""

    @property
    def place(self) -> Place:
        """Where it stands."""


def unexpected(
    found: Found, before: Found | None, accepted: Set[str], marks: Mapping[str, str], brackets: Sequence[Found]
) -> tuple[str, Place]:
    """Say what was expected where another token was found, and where to look.

    `accepted` names the terminals that could stand there, `marks` how each of them is written, `brackets` are those
    open before the token.
    """
    message = _named(found, before, accepted)
    if message is not None:
        return message, found.place
    expected = _expected(accepted, marks, before)
    opened = brackets[-1] if brackets else None
    if found.type in {END, "SEMICOLON"} and opened is not None:
        at = f"line {opened.place.line}, column {opened.place.column}"
        return f"expected {expected}: the `{opened.text}` of {at} is still open", found.place
    if before is not None and "SEMICOLON" in accepted and found.place.line > before.place.line:
        # A missing end belongs behind the last token of its statement, not where the next one starts.
        behind = Place(before.place.file, before.place.line, before.place.column + len(before.text))
        return f"expected {expected} after {_quoted(before)}, found {_quoted(found)}", behind
    # Polar allows operators and brackets in some patterns, where we do not.
    starts = found.type == "LPAR" and accepted >= _PATTERN_STARTS
    calculates = starts or (found.type in _OPERATORS and accepted <= {"COMMA", "RSQB", "RBRACE", "LBRACE"})
    hint = ": nothing is calculated here" if calculates else ""
    return f"expected {expected}, found {_quoted(found)}{hint}", found.place


def not_polar(text: str, position: int) -> str:
    """Say why no token starts at this position."""
    char = text[position]
    if char == '"':
        return "this string does not end on its line"
    if text.startswith("?=", position):
        return "inline queries (`?=`) are not accepted"
    plain = unicodedata.normalize("NFKC", char)
    hint = _HINTS.get(char) or (f"write `{plain}`" if plain != char and plain.isascii() and plain.strip() else "")
    return f"{shown(char)} is no part of Polar" + (f": {hint}" if hint else "")


def not_ascii(what: str, char: str) -> str:
    """Say that a character of a name is not ASCII; `char` is how it is shown."""
    return f"{what} has ASCII letters and digits only, so that none looks like another: {char}"


def no_value(term: Term) -> str:
    """Say that a condition stands where a value must."""
    hint = ": it gives a result through a parameter" if isinstance(term, Call) else ""
    return f"a value must stand here, and {_sort_of(term)} is none{hint}"


def no_condition(term: Term) -> str:
    """Say that a value stands where a condition must."""
    return f"a condition must stand here, and {_sort_of(term)} is none"


def no_chain(operator: str) -> str:
    """Say that comparisons do not chain."""
    return f"`{operator}` cannot follow a comparison: write `a < b and b < c`"


def shown(char: str) -> str:
    """Write a character so that it can be seen and does nothing."""
    number = f"U+{ord(char):04X}"
    if not char.isprintable() or char.isspace() or unicodedata.combining(char):
        return number
    return f"`{char}`" if char.isascii() else f"`{char}` ({number})"


def excerpt(source: Source, line: int, column: int) -> str:
    """Show a line of a policy with a caret under one of its characters: two lines, or nothing for a place outside.

    Wide characters take two columns and combining ones none, as terminals draw them. What a terminal would obey is
    replaced, and of a very long line only the surroundings are shown.
    """
    lines = source.text.split("\n")
    if not 1 <= line <= len(lines):
        return ""
    text = lines[line - 1].removesuffix("\r")
    column = min(max(column, 1), len(text) + 1)
    start = max(0, column - _LINE_MAX // 2) if len(text) > _LINE_MAX else 0
    end = start + _LINE_MAX
    before = "".join(map(_drawable, text[start : column - 1]))
    after = "".join(map(_drawable, text[column - 1 : end]))
    lead = "…" if start else ""
    padding = " " * len(lead) + "".join(_blank(char) for char in before)
    gutter = f"{line:>4} | "
    shown_line = f"{gutter}{lead}{before}{after}" + ("…" if end < len(text) else "")
    return f"{shown_line.rstrip()}\n{' ' * (len(gutter) - 2)}| {padding}^"


def _named(found: Found, before: Found | None, accepted: Set[str]) -> str | None:
    """Name the construct that is refused here, or the mistake that is often made."""
    after = before.type if before is not None else ""
    word = found.text
    if word in REFUSED_WORDS and found.type == word.upper():
        return REFUSED_WORDS[word]
    match found.type:
        case "LPAR" if after == "DOT":
            return "only a plain attribute name may follow `.`"
        case "COLON" if after == "NAME" and accepted & {"RPAR"}:
            return "keyword arguments are not accepted: arguments go by their order"
        case "DEFINE":
            return "only a variable may stand before `:=`, at the start of a condition"
        case "NOT" if after == "NOT":
            return "`not` cannot follow `not`: write `not (not …)`"
        case "COMMA" if after == "COMMA":
            return "something is missing between two commas"
        case "STAR" if after == "COMMA" and accepted & {"RPAR"}:
            return "`*` stands only before the last variable of a list"
        case "LBRACE" if accepted <= {"LPAR", "NAME"} and before is not None:
            return f"expected `actor` or `resource` before {_quoted(before)}"
        case "LBRACE" if after == "NAME" and before is not None:
            return f"`{_cut(before.text)}{{` may only follow `matches`, or `:` in a parameter"
    if found.type in _KEYWORDS and "NAME" in accepted:
        return f"`{word}` is a keyword of Polar and cannot be a name here"
    return None


def _expected(accepted: Set[str], marks: Mapping[str, str], before: Found | None) -> str:
    rest = set(accepted)
    words: list[str] = []
    if rest >= _TERM_STARTS:
        joins = before is not None and before.type in {"IF", "AND", "OR"}
        words.append("a condition" if joins else "a condition or a value")
        rest -= _TERM_STARTS
    elif rest >= _TERM_STARTS - {"NOT"}:
        words.append("a value")
        rest -= _TERM_STARTS
    elif rest >= _PATTERN_STARTS:
        words.append("a type or a value")
        rest -= _PATTERN_STARTS
    if END in rest:
        return "a rule, a rule type or a block"
    if rest >= _KEYWORDS:
        rest -= _KEYWORDS
    # These make a value or condition longer; beside an end or a conjunction they need no list.
    operators = bool(rest & {"COMPARE", "PLUS", "MATCHES"})
    if operators:
        rest -= _OPERATORS | {"DEFINE"}
        rest -= {"LPAR"}
    kinds = {"NAME": "a name", "STRING": "a string", "NUMBER": "a number"}
    named = [name for name in _ORDER if name in rest] + sorted(rest - set(_ORDER))
    words += [kinds.get(name) or f"`{marks.get(name, name)}`" for name in named]
    if operators:
        words.append("an operator")
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else "nothing more"


def _quoted(found: Found) -> str:
    return "the end of the file" if found.type == END else f"`{_cut(found.text)}`"


def _cut(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"


def _sort_of(term: Term) -> str:
    match term:
        case Literal(value=str()):
            return "a string"
        case Literal():
            return "a number"
        case ListTerm():
            return "a list"
        case DictTerm():
            return "a dictionary"
        case Arithmetic(operator=operator) | Compare(operator=operator):
            return f"`{operator}`"
        case Call(name=name):
            return f"the rule `{_cut(name)}`"
        case Unify():
            return "`=`"
        case Assign():
            return "`:=`"
        case Not() | And() | Or() | In() | Matches() | Forall():
            return f"`{type(term).__name__.lower()}`"
        case _:
            return "this"


def _drawable(char: str) -> str:
    """Replace control and format characters: a terminal must not be steered, nor its text be turned around."""
    category = unicodedata.category(char)
    if char == "\t" or category == "Zs" or category[0] not in "CZ":
        return char
    return "\ufffd"


def _blank(char: str) -> str:
    return "\t" if char == "\t" else " " * _width(char)


def _width(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1
