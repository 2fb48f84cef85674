"""The types that policies are checked against: what each attribute of a record or a plain class holds."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from sealauthz.schema import Column, shape_of

BUILTIN: Mapping[str, str] = {
    "String": "str",
    "Integer": "int",
    "Boolean": "bool",
    "Float": "float",
    "List": "list",
    "Dictionary": "dict",
}
"""The classes that Polar itself has, and what they are called here."""


@dataclass(frozen=True, slots=True)
class ValueType:
    """What is known of a value.

    `name` is a class, one of `str int bool float list dict`, `nil` for nothing at all, or empty where nothing is known.
    `words` are the values it can have, where they are known: an enumeration's words, or a literal. `element` is what
    a list holds. `is_given` marks a value of the context, which is None where the asker left it out. `column` names the
    enumeration's column for messages; it makes no difference between types.
    """

    name: str
    is_optional: bool = False
    words: frozenset[object] | None = None
    element: ValueType | None = None
    is_given: bool = False
    column: str = field(default="", compare=False)

    def present(self) -> ValueType:
        """The same type, once it is known that there is a value."""
        return dataclasses.replace(self, is_optional=False, is_given=False) if self.is_optional else self

    def __str__(self) -> str:
        said = f"a list of {self.element}" if self.element is not None else self.name or "anything"
        return f"{said} or nil" if self.is_optional and self.name != "nil" else said


ANYTHING = ValueType("")
NIL = ValueType("nil", is_optional=True)


@dataclass(frozen=True, slots=True)
class AttributeType:
    """What reading an attribute gives, and what sort of attribute it is. No rule reads a personal one."""

    value: ValueType
    sort: Literal["column", "one", "many", "field"]
    is_instant: bool = False
    is_personal: bool = False


class Types:
    """The classes that a policy may name: records, and plain dataclasses such as contexts and parameters.

    `records` and `classes` are their names; the latter include Polar's own.
    """

    def __init__(self, records: Mapping[str, type], plain: Iterable[type] = ()) -> None:
        plain = tuple(plain)
        self.records = frozenset(records)
        self.classes = frozenset((*records, *(cls.__name__ for cls in plain), *BUILTIN))
        self._attributes: dict[str, dict[str, AttributeType]] = {}
        self._above: dict[str, frozenset[str]] = {}
        self._words: dict[str, frozenset[object]] = {}
        for name, cls in records.items():
            self._above[name] = frozenset({name})
            self._attributes[name] = self._of_record(cls)
        for cls in plain:
            self._above[cls.__name__] = frozenset(base.__name__ for base in cls.__mro__[:-1])
        for cls in plain:
            self._attributes[cls.__name__] = dict(self._of_plain(cls))

    def attribute(self, type_: str, name: str) -> AttributeType | None:
        """What an attribute holds; None where the class does not have it."""
        return self._attributes.get(type_, {}).get(name)

    def attributes(self, type_: str) -> tuple[str, ...]:
        """The attributes that a rule may read of a class."""
        return tuple(name for name, found in self._attributes.get(type_, {}).items() if not found.is_personal)

    def is_class(self, name: str) -> bool:
        """Whether a value of that type has attributes."""
        return name in self._attributes

    def is_a(self, type_: str, other: str) -> bool:
        """Whether every value of a type is one of the other."""
        return type_ == other or other in self._above.get(type_, ())

    def words_of(self, column: str) -> frozenset[object]:
        """All words of an enumeration's column, as in `Seal.state`; empty for any other."""
        return self._words.get(column, frozenset())

    def _of_record(self, cls: type) -> dict[str, AttributeType]:
        shape = shape_of(cls)
        found: dict[str, AttributeType] = {}
        for column in shape.columns:
            value = self._of_column(shape.name, column)
            found[column.name] = AttributeType(value, "column", column.is_instant, column.is_personal)
        for relation in shape.relations:
            target = ValueType(relation.record)
            if relation.is_one:
                is_optional = shape.column(relation.key).is_optional
                found[relation.name] = AttributeType(dataclasses.replace(target, is_optional=is_optional), "one")
            else:
                found[relation.name] = AttributeType(ValueType("list", element=target), "many")
        return found

    def _of_column(self, record: str, column: Column) -> ValueType:
        name = f"{record}.{column.name}"
        words = self._enumeration(name, column.words)
        return ValueType(column.type.__name__, column.is_optional, words, column=name if words else "")

    def _enumeration(self, column: str, words: type[StrEnum] | None) -> frozenset[object] | None:
        if words is None:
            return None
        self._words[column] = frozenset(word.value for word in words)
        return self._words[column]

    def _of_plain(self, cls: Any) -> Iterable[tuple[str, AttributeType]]:
        hints = typing.get_type_hints(cls)
        for declared in dataclasses.fields(cls):
            hint = hints[declared.name]
            is_optional = typing.get_origin(hint) in (types.UnionType, typing.Union)
            if is_optional:
                hint = next(part for part in typing.get_args(hint) if part is not type(None))
            yield declared.name, AttributeType(self._of_hint(cls.__name__, declared.name, hint, is_optional), "field")

    def _of_hint(self, owner: str, name: str, hint: Any, is_optional: bool) -> ValueType:
        if typing.get_origin(hint) is list:
            element = self._of_hint(owner, name, typing.get_args(hint)[0], False)
            return ValueType("list", is_optional, element=element, is_given=is_optional)
        if isinstance(hint, type) and issubclass(hint, StrEnum):
            words = self._enumeration(f"{owner}.{name}", hint)
            return ValueType("str", is_optional, words, is_given=is_optional, column=f"{owner}.{name}")
        return ValueType(self._hinted_name(hint), is_optional, is_given=is_optional)

    def _hinted_name(self, hint: Any) -> str:
        name = getattr(hint, "__name__", "")
        return name if name in self._above or name in BUILTIN.values() else ""
