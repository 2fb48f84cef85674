"""What the rules of a bundle compare with what: which values may fit where one is said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sealauthz.polar import RuleNode, Statement
from sealauthz.polar.syntax import Attribute, Compare, In, ListTerm, Literal, Term, Unify, Variable
from sealauthz.polar.terms import nodes_of

_Node = tuple[str, Any]
"""A side of a comparison: an attribute or a variable by its name, or a value that stands in the rule."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What is compared with the attributes of one name: attributes of other names, and values in the rules."""

    names: frozenset[str] = frozenset()
    values: frozenset[str | int] = frozenset()


NOTHING = Compared()


def comparisons(statements: Iterable[Statement]) -> Mapping[str, Compared]:
    """Return what the rules compare with the attributes of each name, within one rule and over its variables.

    What a rule hands to another one is not followed.
    """
    names: dict[str, set[str]] = {}
    values: dict[str, set[str | int]] = {}
    for statement in statements:
        if isinstance(statement, RuleNode):
            for group in _groups(statement):
                attributes = {name for kind, name in group if kind == "attribute"}
                said = {value for kind, value in group if kind == "value"}
                for name in attributes:
                    names.setdefault(name, set()).update(attributes - {name})
                    values.setdefault(name, set()).update(said)
    return {name: Compared(frozenset(names[name]), frozenset(values[name])) for name in names}


def _groups(rule: RuleNode) -> list[set[_Node]]:
    """The sides of comparisons of a rule, those together that are compared with each other."""
    groups: list[set[_Node]] = []
    for node in nodes_of(rule):
        sides = set(_sides(node))
        if len(sides) > 1:
            apart = [each for each in groups if each.isdisjoint(sides)]
            groups = [*apart, sides.union(*(each for each in groups if not each.isdisjoint(sides)))]
    return groups


def _sides(node: Any) -> Iterator[_Node]:
    match node:
        case Unify() | Compare():
            yield from _side(node.left)
            yield from _side(node.right)
        case In():
            yield from _side(node.item)
            if isinstance(node.collection, ListTerm):
                for item in node.collection.items:
                    yield from _side(item)


def _side(term: Term) -> Iterator[_Node]:
    match term:
        case Attribute(arguments=None):
            yield "attribute", term.name
        case Variable() if term.name != "_":
            yield "variable", term.name
        case Literal(value=str() | int()) if not isinstance(term.value, bool):
            yield "value", term.value
