"""What random programs hold on purpose: names that meet others, and clauses that differ in one symbol."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from sealauthz.polar.syntax import Assign, Literal, Matches, Place, RuleNode, Term, Variable

_MADE = (
    # What the compiler calls, or once called, what it makes.
    *("argument", "argument_0", "argument_1", "a0", "a1", "budget", "found", "value", "v1", "v2", "v1_v1"),
    *(
        "class_Team",
        "class_Person",
        "c0",
        "c1_Person",
        "part",
        "either",
        "r1_part",
        "items",
        "items_2",
        "is_any",
        "any",
    ),
    # What it calls.
    *("same", "compare", "calculate", "whole", "truth", "where", "contains", "attribute", "exhausted", "len", "EMPTY"),
    *("isinstance", "True", "None", "print_", "self", "__builtins__", "_r1", "__class__", "x_"),
    # Rules, what blocks are written out with, and what looks like a class or like nil.
    *("r1", "r2", "r3", "r4", "r1_1", "r2_2", "t1", "under", "above", "allow", "has_role", "rule", "rule_1", "rule_2"),
    *("actor", "resource", "related", "team", "person", "doc", "Nil", "none", "TEAM", "integer", "NIL"),
    # Words of Python that are none of Polar.
    *("lambda", "def", "class", "return", "is", "while", "yield", "global", "pass", "del", "async", "match"),
)
NAMES = tuple(name for at, made in enumerate(_MADE) for name in (("argument", made) if at % 12 == 0 else (made,)))
"""Names that may meet those of the code that is made. oso itself makes `_value_1` and `__1`: these it gets wrong."""

RULES = ("argument", "found", "budget", "value", "rule", "part", "len", "same", "lambda", "def", "v1")
"""Names of rules that may meet them."""


def changed(term: Any, at: int, by: Callable[[Term], Term]) -> Any:
    """A term with its leaf number `at` changed: a literal or a variable, wherever a value stands."""
    left = [at]

    def of(part: Any) -> Any:
        if isinstance(part, Literal | Variable):
            left[0] -= 1
            return by(part) if left[0] == -1 else part
        if isinstance(part, Place):
            return part
        if isinstance(part, tuple):
            return tuple(map(of, part))
        if isinstance(part, Matches):
            return dataclasses.replace(part, term=of(part.term))
        if isinstance(part, Assign):
            return dataclasses.replace(part, term=of(part.term))
        if dataclasses.is_dataclass(part) and not isinstance(part, type):
            held = {field.name: of(getattr(part, field.name)) for field in dataclasses.fields(part)}
            return dataclasses.replace(part, **held)
        return part

    return of(term)


def leaves(term: Any) -> Iterator[Term]:
    """The literals and variables in a term, as `changed` counts them."""
    if isinstance(term, Literal | Variable):
        yield term
    elif isinstance(term, tuple):
        for part in term:
            yield from leaves(part)
    elif isinstance(term, Matches | Assign):
        yield from leaves(term.term)
    elif dataclasses.is_dataclass(term) and not isinstance(term, type | Place):
        for field in dataclasses.fields(term):
            yield from leaves(getattr(term, field.name))


def respelled(rule: RuleNode, spelling: Callable[[str], str]) -> RuleNode:
    """A rule with its variables called otherwise."""

    def of(part: Any) -> Any:
        if isinstance(part, Variable):
            return Variable(spelling(part.name), part.place)
        if isinstance(part, Place):
            return part
        if isinstance(part, tuple):
            return tuple(map(of, part))
        if dataclasses.is_dataclass(part) and not isinstance(part, type):
            return type(part)(**{field.name: of(getattr(part, field.name)) for field in dataclasses.fields(part)})
        return part

    return dataclasses.replace(
        rule,
        parameters=tuple(dataclasses.replace(p, term=of(p.term)) for p in rule.parameters),
        body=of(rule.body),
    )
