"""What can be known of two values together: what both are, and what either is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from functools import lru_cache

from sealauthz.polar.types import ANYTHING, BUILTIN, NIL, TypeTable, ValueType
from sealauthz.polar.unchanging import unchanging

NUMBERS = ("int", "float")
_NATIVE = frozenset({"str", "int", "float", "bool", "list", "dict"})


@unchanging
class Free:
    """A variable without a value yet; `limit` is the class that its head demands of it."""

    limit: str = ""


FREE = Free()

Value = ValueType | Free


def literal(value: object) -> ValueType:
    """The type of a literal."""
    return _literal(type(value).__name__, value)


@lru_cache(10_000)
def _literal(name: str, value: object) -> ValueType:
    return ValueType(name, words=frozenset({value}))


def both(left: ValueType, right: ValueType, types: TypeTable) -> ValueType | None:
    """What a value is that is both; None where nothing can be both."""
    if left.name == right.name and left.words is right.words and left.is_optional == right.is_optional:
        return left if left.element is not None or left.names or left.unit else right
    is_optional = left.is_optional and right.is_optional
    if left.name == "nil" or right.name == "nil":
        other = right if left.name == "nil" else left
        return NIL if is_optional or not other.name else None
    if not left.name or not right.name:
        return left if left.name else right
    name = _narrower(left.name, right.name, types)
    if name is None:
        return NIL if is_optional else None
    words = left.words
    if words is None or right.words is None:
        words = words if words is not None else right.words
    elif not (words := words & right.words):
        return NIL if is_optional else None
    return ValueType(
        name,
        is_optional,
        words,
        left.element or right.element,
        is_optional and (left.is_given or right.is_given),
        left.column or right.column,
        left.names or right.names,
        left.unit or right.unit,
        left.origin or right.origin,
    )


def _narrower(left: str, right: str, types: TypeTable) -> str | None:
    if types.is_a(left, right):
        return left
    if types.is_a(right, left) or (left in NUMBERS and right in NUMBERS):
        return right
    return None


def either(left: Value, right: Value) -> Value:
    """What a value is that is one or the other."""
    if left == right:
        return left
    if isinstance(left, Free) or isinstance(right, Free):
        return FREE
    is_optional = left.is_optional or right.is_optional
    is_given = left.is_given or right.is_given
    if left.name == "nil" or right.name == "nil":
        other = right if left.name == "nil" else left
        return dataclasses.replace(other, is_optional=True)
    if left.name != right.name:
        return dataclasses.replace(ANYTHING, is_optional=is_optional, is_given=is_given)
    words = left.words | right.words if left.words is not None and right.words is not None else None
    element = left.element if left.element == right.element else None
    column = left.column or right.column
    names = left.names if left.names == right.names else ""
    unit = left.unit if left.unit == right.unit else ""
    return ValueType(left.name, is_optional, words, element, is_given, column if words is not None else "", names, unit)


def either_of(values: Iterable[Value]) -> Value:
    """What a value is that is one of these, of which there is one at least.

    They are joined two and two: one after the other, the words of each would be copied with those of all before it.
    """
    joined = list(values)
    while len(joined) > 1:
        last = joined[-1:] if len(joined) % 2 else []
        joined = [*map(either, joined[::2], joined[1::2]), *last]
    return joined[0]


def are_of_one_record(left: ValueType, right: ValueType) -> bool:
    """Whether two texts can be the id of the same record, as far as it is known what they name."""
    return left.names == right.names or not left.names or not right.names


def are_comparable(left: ValueType, right: ValueType, types: TypeTable) -> bool:
    """Whether the two can be equal at all, as far as their classes go."""
    if not left.name or not right.name or "nil" in (left.name, right.name):
        return True
    return _narrower(left.name, right.name, types) is not None


@lru_cache(1_000)
def of_class(name: str) -> ValueType:
    """The type that the class of a pattern is."""
    return ValueType(BUILTIN[name].__name__ if name in BUILTIN else name)
