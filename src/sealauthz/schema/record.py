"""What a record is: one typed class, from which table, wire form, policy types and the rules of writing derive.

A column is an annotated field. A relation is `one("seal_id")` (the record that a key of ours names) or
`many("seal_id")` (the records whose key names us); it has no column and is not on the wire. The fact cache fills
relations; an unset relation means "not loaded" and raises when read, so that it can never pass for empty.
"""

from __future__ import annotations

import builtins
import dataclasses
import re
import sys
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from operator import attrgetter
from typing import Annotated, Any, Literal, TypeVar, dataclass_transform

from sealauthz.schema.rules import Check, Constraint, OwnedByActs, RelatedTo, Root, Rule, Unique

T = TypeVar("T")

_TARGET = re.compile(r"(?:list\[)?(\w+)\]?(?: \| None)?")

UNLIMITED = 2**63 - 1
"""A count without a limit, said explicitly."""

Instant = Annotated[int, "instant"]
"""Microseconds since 1970-01-01T00:00:00Z. Intervals are half-open: `[from, to)`."""


class Collection(list[Any]):
    """A collection of records that never changes once wired, with look-ups that are made on first use.

    `by[column]` maps each value in a column to the records that hold it, in their order. `having[name]` has the records
    whose own collection of that name has members, in their order, and those of which that is not known.
    """

    __slots__ = ("by", "having")

    by: Mapping[str, Mapping[Any, Sequence[Any]]]
    having: Mapping[str, Sequence[Any]]

    def __getattr__(self, name: str) -> Any:
        # Called where the slot is empty, as in most collections it stays. Two threads may both fill it.
        if name == "by":
            self.by = _ByColumn(self)
            return self.by
        if name == "having":
            self.having = _Having(self)
            return self.having
        raise AttributeError(f"a collection has no attribute `{name}`", name=name, obj=self)

    def holding(self, column: str, value: Any) -> Sequence[Any]:
        """The records that hold a value in a column, in their order."""
        return self.by[column].get(value, ())


class _ByColumn(dict[str, dict[Any, list[Any]]]):
    """The look-ups of one collection. They never change once made."""

    __slots__ = ("_records",)

    def __init__(self, records: Sequence[Any]) -> None:
        self._records = records

    def __missing__(self, column: str) -> dict[Any, list[Any]]:
        found: dict[Any, list[Any]] = {}
        for record in self._records:
            found.setdefault(getattr(record, column), []).append(record)
        # Two threads may both make it; either is right.
        self[column] = found
        return found


_UNKNOWN = object()


def having(records: Iterable[Any], name: str) -> list[Any]:
    """Return the records whose collection of that name has members, and those of which that is not known: to read it is
    an error, and must stay one.
    """
    return [record for record in records if getattr(record, name, _UNKNOWN)]


class _Having(dict[str, list[Any]]):
    """The members of one collection that have members of their own, by the name of the collection. They never change
    once made.
    """

    __slots__ = ("_records",)

    def __init__(self, records: Sequence[Any]) -> None:
        self._records = records

    def __missing__(self, name: str) -> list[Any]:
        found = having(self._records, name)
        # Two threads may both make it; either is right.
        self[name] = found
        return found


EMPTY = Collection()
"""The collection without records, shared by all who have none."""


@dataclass(frozen=True, slots=True)
class Ref:
    """Marks a column that holds the id of another record: `Annotated[str, Ref("Seal")]`.

    `crosses`: it may name a record of another tenant. A writer then locks the home of what it names.
    """

    record: str
    crosses: bool = False


def mask_all(text: str) -> str:
    """Hide every character."""
    return "*" * len(text)


@dataclass(frozen=True, slots=True)
class PersonalText:
    """Marks text about a person: masked on every way out, absent from change images, blank once erased.

    `mask` is what readers are shown. `has_stars`: a true value may contain stars, so that only a text of nothing else
    counts as masked. `is_told`: a next step may tell it, as it is, to the person whom the record is about.
    """

    mask: Callable[[str], str] = mask_all
    has_stars: bool = True
    is_told: bool = False

    def is_masked(self, text: str) -> bool:
        """Tell whether the text is what a reader was shown instead of the value, by us or by others."""
        if self.has_stars:
            return text != "" and text == mask_all(text)
        return "*" in text or "＊" in text


Personal = Annotated[str, PersonalText()]
"""Free text about a person, which is hidden as a whole."""


@dataclass(frozen=True, slots=True)
class Normalised:
    """Marks a column of which every written value is first put into its normal form."""

    normalise: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a record. `type` is `str`, `int` or `bool`; `words` is set for an enumeration."""

    name: str
    type: type
    is_optional: bool
    default: Any
    words: builtins.type[StrEnum] | None
    ref: str | None
    is_instant: bool
    personal: PersonalText | None
    normalise: Callable[[str], str] | None
    crosses: bool

    @property
    def is_personal(self) -> bool:
        """Whether it holds text about a person."""
        return self.personal is not None

    @property
    def has_default(self) -> bool:
        """Whether a record may leave the column out."""
        return self.default is not dataclasses.MISSING


@dataclass(frozen=True, slots=True)
class Relation:
    """One relation of a record: to `record`, by the column `key` (ours if `is_one`, theirs otherwise).

    Units of the record's home hold a collection whole; `whole_in` names the roots of further units that do.
    """

    name: str
    record: str
    key: str
    is_one: bool
    whole_in: tuple[str, ...] = ()


def one(key: str, *, init: Literal[False] = False) -> Any:
    """Declare the relation to the record that our column `key` names (None where the key is None)."""
    return dataclasses.field(init=init, repr=False, compare=False, metadata={"one": key})


def many(key: str, *, whole_in: tuple[str, ...] = (), init: Literal[False] = False) -> Any:
    """Declare the relation to all records whose column `key` names us."""
    return dataclasses.field(init=init, repr=False, compare=False, metadata={"many": key, "whole_in": whole_in})


@dataclass(frozen=True)
class Shape:
    """What a record class declares, in the order of definition; the first column is `id`.

    `home` is the column that leads towards the root of the unit that the record is at home in; empty for a root.
    """

    name: str
    columns: tuple[Column, ...]
    relations: tuple[Relation, ...]
    rules: tuple[Rule, ...]
    home: str
    root: Root | None
    is_permanent: bool

    def column(self, name: str) -> Column:
        """Return the column of that name. Raises KeyError."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> Mapping[str, Column]:
        return {column.name: column for column in self.columns}

    def rules_of(self, kind: type[T]) -> tuple[T, ...]:
        """Return the rules of one kind."""
        found = self._by_kind.get(kind)
        if found is None:
            found = self._by_kind[kind] = tuple(rule for rule in self.rules if isinstance(rule, kind))
        return found

    @cached_property
    def _by_kind(self) -> dict[type, tuple[Any, ...]]:
        return {}

    @cached_property
    def owned_by_acts(self) -> frozenset[str]:
        """The columns that acts own."""
        rules = self.rules_of(OwnedByActs)
        return frozenset(column.name for column in self.columns if any(rule.owns(column.name) for rule in rules))

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """The rules that the database itself keeps."""
        return tuple(rule for rule in self.rules if isinstance(rule, Unique | Check))

    @property
    def related_to(self) -> dict[str, tuple[str, ...]]:
        """The paths to the roots of further units that hold the record, by the record type of the root."""
        return {rule.root: rule.paths for rule in self.rules_of(RelatedTo)}


@dataclass_transform(field_specifiers=(one, many))
def record(
    *rules: Rule, home: str = "", root: Root | None = None, permanent: bool = False
) -> Callable[[type[T]], type[T]]:
    """Make a class a record: a root of units, or at home where its column `home` leads.

    `permanent`: it is history and is never deleted.
    """
    if (root is None) == (home == ""):
        raise TypeError("a record is a root or has a home")

    def declare(cls: type[T]) -> type[T]:
        made = dataclass(slots=True)(cls)
        made.__record__ = (rules, home, root, permanent)  # type: ignore[attr-defined]
        return made

    return declare


def is_record(cls: object) -> bool:
    """Tell whether something is a record class."""
    return isinstance(cls, type) and "__record__" in vars(cls)


def records_of(module: types.ModuleType) -> tuple[type, ...]:
    """Return the record classes that a module defines, in their order."""
    return tuple(cls for cls in vars(module).values() if is_record(cls) and cls.__module__ == module.__name__)


def _unwrap(hint: Any) -> tuple[Any, bool, tuple[Any, ...]]:
    """Split a column's annotation into its plain type, whether it is optional, and its marks."""
    marks: tuple[Any, ...] = ()
    is_optional = False
    while True:
        if typing.get_origin(hint) is Annotated:
            hint, *extra = typing.get_args(hint)
            marks += tuple(extra)
        elif typing.get_origin(hint) in (types.UnionType, typing.Union):
            hint, nothing = typing.get_args(hint)
            if nothing is not type(None):
                raise TypeError(f"{hint} | {nothing}: a column is one type, or one type | None")
            is_optional = True
        else:
            return hint, is_optional, marks


def shape_of(cls: type) -> Shape:
    """Read the shape of a record class."""
    return _shape_of(cls)


@cache
def _shape_of(cls: Any) -> Shape:
    columns: list[Column] = []
    relations: list[Relation] = []
    for field in dataclasses.fields(cls):
        if "one" in field.metadata or "many" in field.metadata:
            relations.append(_relation_of(field))
        else:
            # Only columns are evaluated: what a relation names may be defined in a module that imports this one.
            columns.append(column_of(field, annotation_of(cls, field)))
    rules, home, root, permanent = cls.__record__
    return Shape(cls.__name__, tuple(columns), tuple(relations), rules, home, root, permanent)


def _relation_of(field: dataclasses.Field[Any]) -> Relation:
    target = _TARGET.fullmatch(str(field.type))
    if target is None:
        raise TypeError(f"`{field.name}`: a relation is to one record, or to a list of them")
    if "one" in field.metadata:
        return Relation(field.name, target[1], field.metadata["one"], is_one=True)
    return Relation(field.name, target[1], field.metadata["many"], is_one=False, whole_in=field.metadata["whole_in"])


def annotation_of(cls: type, field: dataclasses.Field[Any]) -> Any:
    """Return what a field of a dataclass is annotated with, evaluated where the class is defined."""
    names = vars(sys.modules[cls.__module__])
    return eval(field.type, names) if isinstance(field.type, str) else field.type  # noqa: S307 (our own code)


def column_of(field: dataclasses.Field[Any], hint: Any) -> Column:
    """Return the column that a field with this annotation declares. Raises TypeError."""
    plain, is_optional, marks = _unwrap(hint)
    words = plain if issubclass(plain, StrEnum) else None
    ref = next((mark for mark in marks if isinstance(mark, Ref)), None)
    normalised = next((mark for mark in marks if isinstance(mark, Normalised)), None)
    return Column(
        name=field.name,
        type=str if words else plain,
        is_optional=is_optional,
        default=field.default,
        words=words,
        ref=ref.record if ref else None,
        is_instant="instant" in marks,
        personal=next((mark for mark in marks if isinstance(mark, PersonalText)), None),
        normalise=normalised.normalise if normalised else None,
        crosses=ref is not None and ref.crosses,
    )


def values_of(record: Any) -> tuple[Any, ...]:
    """Return the column values of a record, in the order of its shape."""
    cls: type = type(record)
    return _values_getter(cls)(record)


@cache
def _values_getter(cls: type) -> Callable[[Any], tuple[Any, ...]]:
    first, *names = (column.name for column in shape_of(cls).columns)
    if not names:
        return lambda record: (getattr(record, first),)
    return attrgetter(first, *names)


def exact(record: T) -> T:
    """Return the record with every enumeration member replaced by its plain word.

    Policies compare words as plain strings, so a record that enters the cache holds exact `str`, never a subclass.
    """
    cls: type = type(record)
    for name in _names_of_words(cls):
        value = getattr(record, name)
        if value is not None and type(value) is not str:
            setattr(record, name, str(value))
    return record


@cache
def _names_of_words(cls: type) -> tuple[str, ...]:
    return tuple(column.name for column in shape_of(cls).columns if column.words is not None)
