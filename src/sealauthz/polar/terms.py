"""Walking through terms: their parts, their variables, and whether two of them say the same."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from sealauthz.polar.syntax import (
    And,
    Arithmetic,
    Assign,
    Attribute,
    Call,
    Compare,
    DictPattern,
    DictTerm,
    Forall,
    In,
    ListTerm,
    Literal,
    Matches,
    Not,
    Or,
    Parameter,
    Pattern,
    Place,
    RuleNode,
    Term,
    TypePattern,
    Unify,
    Variable,
)

Node = Term | Pattern


def parts(node: Node) -> tuple[Node, ...]:
    """The terms and patterns directly inside one."""
    return _PARTS[type(node)](node)


def _none(_: Any) -> tuple[Node, ...]:
    return ()


def _sides(node: Any) -> tuple[Node, ...]:
    return node.left, node.right


def _fields(node: Any) -> tuple[Node, ...]:
    return tuple([value for _, value in node.fields])


# By the type: every pass walks through every tree, and a `match` would take most of its time.
_PARTS: Mapping[type, Callable[[Any], tuple[Node, ...]]] = {
    Literal: _none,
    Variable: _none,
    Attribute: lambda node: (node.base, *(node.arguments or ())),
    Call: lambda node: node.arguments,
    Unify: _sides,
    Compare: _sides,
    Arithmetic: _sides,
    In: lambda node: (node.item, node.collection),
    Forall: lambda node: (node.condition, node.action),
    Assign: lambda node: (node.variable, node.term),
    And: lambda node: node.parts,
    Or: lambda node: node.parts,
    Not: lambda node: (node.term,),
    Matches: lambda node: (node.term, node.pattern),
    ListTerm: lambda node: node.items if node.rest is None else (*node.items, node.rest),
    DictTerm: _fields,
    TypePattern: _fields,
    DictPattern: _fields,
}


_LEAVES = frozenset({Literal, Variable})
"""Most of what is walked through."""


def walk(node: Node) -> Iterator[Node]:
    """A term and everything in it, from left to right."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        yield found
        kind = type(found)
        if kind not in _LEAVES:
            waiting += _PARTS[kind](found)[::-1]


def nodes_of(rule: RuleNode) -> Iterator[Node]:
    """Everything in the body of a rule; nothing for a fact."""
    return iter(()) if rule.body is None else walk(rule.body)


def in_parameter(parameter: Parameter) -> Iterator[Node]:
    """Everything in a parameter, its term before its pattern."""
    if type(parameter.term) in _LEAVES:
        yield parameter.term
    else:
        yield from walk(parameter.term)
    if parameter.pattern is not None:
        yield from walk(parameter.pattern)


def variables(node: Node) -> Iterator[str]:
    """Every occurrence of a named variable in a term, from left to right; `_` is none."""
    return (part.name for part in walk(node) if isinstance(part, Variable) and part.name != "_")


def conjuncts(term: Term) -> Iterator[Term]:
    """The conditions that must all hold, of an `and` and of those within it, in their order."""
    if isinstance(term, And):
        for part in term.parts:
            yield from conjuncts(part)
    else:
        yield term


def occurrences(*nodes: Node) -> Counter[str]:
    """How often each named variable stands in terms, in the order in which they stand there first."""
    counts: Counter[str] = Counter()
    waiting = [*nodes[::-1]]
    while waiting:
        node = waiting.pop()
        kind = type(node)
        if isinstance(node, Variable):
            if node.name != "_":
                counts[node.name] = counts.get(node.name, 0) + 1
        elif kind is not Literal:
            waiting += _PARTS[kind](node)[::-1]
    return counts


def written(node: Node) -> str:
    """A short way to name a term in a message."""
    match node:
        case Literal(value, _):
            return f'"{value}"' if isinstance(value, str) else str(value).lower()
        case Variable(name, _):
            return name
        case Attribute(base, name, _, _):
            return f"{written(base)}.{name}"
        case Call(name, _, _):
            return f"{name}(…)"
        case _:
            return "this"


def shape(value: object, names: dict[str, int]) -> object:
    """What a piece of the tree says, whatever its place and however its variables are called."""
    if isinstance(value, Place):
        return None
    if isinstance(value, Variable):
        if value.name == "_":
            return ("_",)
        return ("variable", names.setdefault(value.name, len(names)))
    if isinstance(value, tuple):
        return tuple(shape(item, names) for item in value)
    if isinstance(value, Literal):
        return (type(value.value).__name__, value.value)
    cls: Any = type(value)
    fields = _fields_of(cls)
    if fields is not None:
        return (type(value).__name__, *[shape(getattr(value, name), names) for name in fields])
    return value


def rebuilt(node: Any, of: Callable[[Any], Any]) -> Any:
    """Return a tree in which each part is what `of` makes of it. What `of` leaves as it is, is made again of its parts,
    or is the same object where they are.
    """
    made = of(node)
    if made is not node:
        return made
    if isinstance(node, tuple):
        parts = tuple(rebuilt(part, of) for part in node)
        return parts if any(new is not old for new, old in zip(parts, node, strict=True)) else node
    if dataclasses.is_dataclass(node) and not isinstance(node, type | Place):
        values = {field.name: getattr(node, field.name) for field in dataclasses.fields(node)}
        changed = {name: rebuilt(value, of) for name, value in values.items()}
        if any(changed[name] is not value for name, value in values.items()):
            return dataclasses.replace(node, **changed)
    return node


def placeless(value: object) -> object:
    """What a piece of the tree says, wherever it stands."""
    if isinstance(value, Place):
        return None
    if isinstance(value, tuple):
        return tuple(map(placeless, value))
    if isinstance(value, Literal):
        # `true` is equal to 1, and means something else.
        return type(value.value).__name__, value.value
    cls: Any = type(value)
    fields = _fields_of(cls)
    if fields is not None:
        return (type(value).__name__, *[placeless(getattr(value, name)) for name in fields])
    return value


@cache
def _fields_of(cls: Any) -> tuple[str, ...] | None:
    """The names of the fields of a class of the tree; None for any other class."""
    return tuple(field.name for field in dataclasses.fields(cls)) if dataclasses.is_dataclass(cls) else None
