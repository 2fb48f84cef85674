"""The types of a policy: the classes that it may name, and what each attribute of a record or a plain class holds.

One table serves both readers: the checker knows a value by the name of its type and by its words (`ValueType`), the
compiler by its Python class (`Known`).
"""

from __future__ import annotations

import dataclasses
import functools
import operator
import re
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from sealauthz.polar.syntax import Place
from sealauthz.polar.unchanging import unchanging
from sealauthz.schema import Column, Shape, shape_of
from sealauthz.schema.parameters import counts_of, ranges_of
from sealauthz.schema.record import is_record
from sealauthz.schema.rules import Check

BUILTIN: Mapping[str, type] = {
    "String": str,
    "Integer": int,
    "Boolean": bool,
    "Float": float,
    "List": list,
    "Dictionary": dict,
}
"""The classes that Polar itself has."""


Unit = Literal["", "instant", "duration", "number"]
"""What a number counts: microseconds since 1970, microseconds, or nothing, as it stands in a rule. Empty: not known."""


@unchanging
class ValueType:
    """What is known of a value.

    `name` is a class, one of `str int bool float list dict`, `nil` for nothing at all, or empty where nothing is known.
    `words` are the values it can have, where they are known: an enumeration's words, or a literal. `element` is what
    a list holds. `is_given` marks a value of the context, which is None where the client left it out. `column` names
    the enumeration's column for messages; it makes no difference between types. `names` is the record whose id it is,
    empty where that is not known. `origin` is where a literal stands that was handed to a rule.
    """

    name: str
    is_optional: bool = False
    words: frozenset[object] | None = None
    element: ValueType | None = None
    is_given: bool = False
    column: str = field(default="", compare=False)
    names: str = ""
    unit: Unit = ""
    origin: Place | None = field(default=None, compare=False)

    def __hash__(self) -> int:
        # Less than makes the difference, because a hash is asked for more often than all else; sets keep theirs.
        words = self.words
        return hash(self.name) if words is None else hash(words)

    def present(self) -> ValueType:
        """The same type, once it is known that there is a value."""
        return dataclasses.replace(self, is_optional=False, is_given=False) if self.is_optional else self

    def __str__(self) -> str:
        said = f"a list of {self.element}" if self.element is not None else self.name or "anything"
        return f"{said} or nil" if self.is_optional and self.name != "nil" else said


ANYTHING = ValueType("")
NIL = ValueType("nil", is_optional=True)


@unchanging
class Known:
    """A value is an instance of exactly `cls`, or of a class derived from it if not `is_exact`; or None, if optional.

    `element` is the class of the members of a collection of records.
    """

    cls: type
    is_optional: bool = False
    is_exact: bool = True
    element: type | None = None

    def __hash__(self) -> int:
        # Fewer than make the difference, because a hash is asked for more often than all else.
        return hash(self.cls)


@unchanging
class AttributeType:
    """What reading an attribute gives, and what sort of attribute it is. No rule reads a personal one.

    `known` is None where the class of the value is not in the table.
    """

    value: ValueType
    known: Known | None
    sort: Literal["column", "one", "many", "field"]
    is_instant: bool = False
    is_personal: bool = False


_BEFORE = re.compile(r"\b(\w+) <=? (\w+)\b")
"""In a check of a record: one column before another."""


@dataclass(frozen=True, slots=True)
class Intervals:
    """The columns that are bounds of intervals: where one begins with where it ends, and the other way round."""

    uppers: Mapping[str, frozenset[str]]
    lowers: Mapping[str, frozenset[str]]


class TypeTable:
    """The classes that a policy may name: records, and plain dataclasses such as contexts and parameters.

    `classes` are all of them by name, Polar's own included; `records` are the names of records, `told` of those with a
    text that a next step may tell; `intervals` are the instants between which something holds. `stem_names` has the
    plain classes that have siblings, with the class that they derive from. Of names that mean the same in every class,
    `keys_of_relations` has the columns with the ids of related records, by the relations, `whole_numbers` are those of
    whole numbers, `moments` those of instants that no record has and that are always there, and `least` has the
    numbers of a bundle with the least that `parameters.toml` can say: 0 of a count, and 1 of a length of time.
    """

    def __init__(self, records: Mapping[str, type], plain: Iterable[type] = ()) -> None:
        plain = tuple(plain)
        self.records = frozenset(records)
        self.classes: dict[str, type] = {**BUILTIN, **records, **{cls.__name__: cls for cls in plain}}
        self._above = {name: frozenset({name}) for name in records}
        self._above |= {cls.__name__: frozenset(base.__name__ for base in cls.__mro__[:-1]) for cls in plain}
        self._words: dict[str, frozenset[object]] = {}
        self._attributes = {name: dict(self._of_record(cls, records)) for name, cls in records.items()}
        self._attributes |= {cls.__name__: dict(self._of_plain(cls)) for cls in plain}
        self._of_class: dict[type, dict[str, Known]] = {
            self.classes[name]: {key: held.known for key, held in found.items() if held.known is not None}
            for name, found in self._attributes.items()
        }
        self._stems = dict(_stems(plain))
        self.stem_names = {cls.__name__: stem.__name__ for cls, stem in self._stems.items()}
        self._common = {stem: frozenset(self._common_of(stem)) for stem in self._stems.values()}
        self.intervals = _intervals_of(map(shape_of, records.values()))
        self.keys_of_relations = dict(self._keys_of_relations(map(shape_of, records.values())))
        self.whole_numbers = frozenset(self._names_of(lambda held: held.value.name == "int"))
        self.moments = frozenset(self._names_of(_is_moment))
        self.least = dict(self._least_of(plain))
        self.told = frozenset(name for name, cls in records.items() if _has_told_text(cls))

    # --- by name: the checker ---------------------------------------------------------------------------------------

    def attribute(self, type_: str, name: str) -> AttributeType | None:
        """What an attribute holds; None where the class does not have it."""
        return self._attributes.get(type_, {}).get(name)

    def attributes(self, type_: str) -> tuple[str, ...]:
        """The attributes that a rule may read of a class."""
        return tuple(name for name, found in self._attributes.get(type_, {}).items() if not found.is_personal)

    def is_record(self, cls: object) -> bool:
        """Whether a class is that of a record."""
        name = getattr(cls, "__name__", "")
        return name in self.records and self.classes[name] is cls

    def is_class(self, name: str) -> bool:
        """Whether a value of that type has attributes."""
        return name in self._attributes

    def is_a(self, type_: str, other: str) -> bool:
        """Whether every value of a type is one of the other."""
        return type_ == other or other in self._above.get(type_, ())

    def words_of(self, column: str) -> frozenset[object]:
        """All words of an enumeration's column, as in `Seal.state`; empty for any other."""
        return self._words.get(column, frozenset())

    # --- by class: the compiler -------------------------------------------------------------------------------------

    def known(self, cls: type, name: str) -> Known | None:
        """What an attribute of a class holds; None if the class has no such attribute or is not in the table."""
        return self._of_class.get(cls, {}).get(name)

    def knows(self, cls: type) -> bool:
        """Whether all attributes of a class are known."""
        return cls in self._of_class

    def stem(self, cls: type) -> type | None:
        """The plain class that a plain class and its siblings derive from; None for all others."""
        return self._stems.get(cls)

    def is_common(self, cls: type, name: str) -> bool:
        """Whether an attribute is the same in every class of that stem."""
        stem = self._stems.get(cls)
        return stem is not None and name in self._common[stem]

    # --- making -----------------------------------------------------------------------------------------------------

    def _common_of(self, stem: type) -> Iterable[str]:
        family = [cls for cls, other in self._stems.items() if other is stem]
        for name, known in self._of_class[stem].items():
            if all(self.known(cls, name) == known for cls in family):
                yield name

    def _named(self) -> Mapping[str, list[AttributeType]]:
        """What the attributes of all classes hold, by name."""
        named: dict[str, list[AttributeType]] = {}
        for held in self._attributes.values():
            for name, attribute in held.items():
                named.setdefault(name, []).append(attribute)
        return named

    def _keys_of_relations(self, shapes: Iterable[Shape]) -> Iterator[tuple[str, str]]:
        keys: dict[str, set[str]] = {}
        for shape in shapes:
            for relation in shape.relations:
                keys.setdefault(relation.name, set()).add(relation.key if relation.is_one else "")
        plain = [held for name, held in self._attributes.items() if name not in self.records]
        for name, columns in keys.items():
            column = min(columns)
            # A class that is no record may have both, and they need not belong together.
            if len(columns) == 1 and column and not any(name in held and column in held for held in plain):
                yield name, column

    def _names_of(self, is_meant: Callable[[AttributeType], bool]) -> Iterator[str]:
        """The names of attributes that are meant in every class that has them."""
        for name, held in self._named().items():
            if all(map(is_meant, held)):
                yield name

    def _least_of(self, plain: Iterable[type]) -> Iterator[tuple[str, int]]:
        named = self._named()
        for cls in plain:
            counts = counts_of(cls)
            for name in ranges_of(cls):
                if len(named[name]) == 1:
                    yield name, 0 if name in counts else 1

    def _of_record(self, cls: type, records: Mapping[str, type]) -> Iterable[tuple[str, AttributeType]]:
        shape = shape_of(cls)
        for column in shape.columns:
            known = Known(column.type, column.is_optional)
            value = self._of_column(shape.name, column)
            yield column.name, AttributeType(value, known, "column", column.is_instant, column.is_personal)
        for relation in shape.relations:
            target, holds = ValueType(relation.record), records.get(relation.record)
            if relation.is_one:
                is_optional = shape.column(relation.key).is_optional
                value = dataclasses.replace(target, is_optional=is_optional)
                yield relation.name, AttributeType(value, Known(holds, is_optional) if holds else None, "one")
            else:
                known = Known(list, element=holds)
                yield relation.name, AttributeType(ValueType("list", element=target), known, "many")

    def _of_column(self, record: str, column: Column) -> ValueType:
        name = f"{record}.{column.name}"
        words = self._enumeration(name, column.words)
        return ValueType(
            column.type.__name__,
            column.is_optional,
            words,
            column=name if words else "",
            names=record if column.name == "id" else column.ref or "",
            unit="instant" if column.is_instant else "",
        )

    def _enumeration(self, column: str, words: type[StrEnum] | None) -> frozenset[object] | None:
        if words is None:
            return None
        self._words[column] = frozenset(word.value for word in words)
        return self._words[column]

    def _of_plain(self, cls: Any) -> Iterable[tuple[str, AttributeType]]:
        hints = typing.get_type_hints(cls)
        for declared in dataclasses.fields(cls):
            hint = self._ours(hints[declared.name])
            unit = _unit_of(declared)
            is_optional = typing.get_origin(hint) in (types.UnionType, typing.Union)
            if is_optional:
                hint = next(part for part in typing.get_args(hint) if part is not type(None))
            value = dataclasses.replace(self._of_hint(cls.__name__, declared.name, hint, is_optional), unit=unit)
            yield declared.name, AttributeType(value, self._known_by_hint(hint, is_optional), "field")

    def _ours(self, hint: Any) -> Any:
        """An annotation with the records of this table: where a model is extended, others of the same names."""
        origin = typing.get_origin(hint)
        if origin is list:
            return list[tuple(map(self._ours, typing.get_args(hint)))]  # type: ignore[misc]
        if origin in (types.UnionType, typing.Union):
            one, *more = map(self._ours, typing.get_args(hint))
            return functools.reduce(operator.or_, more, one)
        return self.classes[hint.__name__] if is_record(hint) and hint.__name__ in self.records else hint

    def _known_by_hint(self, hint: Any, is_optional: bool) -> Known:
        """What the compiler may rest on: of a list of records, that its members are of that class."""
        if typing.get_origin(hint) is not list:
            return Known(hint, is_optional)
        (element,) = typing.get_args(hint)
        return Known(list, is_optional, element=element if self.is_record(element) else None)

    def _of_hint(self, owner: str, name: str, hint: Any, is_optional: bool) -> ValueType:
        if typing.get_origin(hint) is list:
            element = self._of_hint(owner, name, typing.get_args(hint)[0], False)
            return ValueType("list", is_optional, element=element, is_given=is_optional)
        if isinstance(hint, type) and issubclass(hint, StrEnum):
            words = self._enumeration(f"{owner}.{name}", hint)
            return ValueType("str", is_optional, words, is_given=is_optional, column=f"{owner}.{name}")
        named = getattr(hint, "__name__", "")
        is_known = named in self._above or hint in BUILTIN.values()
        return ValueType(named if is_known else "", is_optional, is_given=is_optional)


def _is_moment(held: AttributeType) -> bool:
    return held.sort == "field" and held.value.unit == "instant" and not held.value.is_optional


def _unit_of(declared: dataclasses.Field[Any]) -> Unit:
    """Whether a field of a plain class is an instant or a length of time, as its annotation says."""
    name = str(declared.type).removesuffix(" | None")
    if name == "Instant" or declared.metadata.get("is_instant"):
        return "instant"
    return "duration" if name == "Duration" else ""


def _stems(plain: tuple[type, ...]) -> Iterable[tuple[type, type]]:
    """Each class that derives from another one of these, or is derived from, with the one at the root."""
    for cls in plain:
        root = next(other for other in reversed(cls.__mro__) if other in plain)
        if root is not cls or any(cls is not other and issubclass(other, cls) for other in plain):
            yield cls, root


def _intervals_of(shapes: Iterable[Shape]) -> Intervals:
    """Find the intervals of records: two instants of which a check of the record says that one is before the other."""
    uppers: dict[str, set[str]] = {}
    lowers: dict[str, set[str]] = {}
    for shape in shapes:
        instants = {column.name for column in shape.columns if column.is_instant}
        for check in shape.rules_of(Check):
            for lower, upper in _BEFORE.findall(check.condition):
                if lower in instants and upper in instants:
                    uppers.setdefault(lower, set()).add(upper)
                    lowers.setdefault(upper, set()).add(lower)
    return Intervals(
        {name: frozenset(found) for name, found in uppers.items()},
        {name: frozenset(found) for name, found in lowers.items()},
    )


def _has_told_text(cls: type) -> bool:
    return any(column.personal is not None and column.personal.is_told for column in shape_of(cls).columns)
