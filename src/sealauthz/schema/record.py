"""What a record is: one typed class, from which table, wire form and policy types derive.

A column is an annotated field. A relation is `one("seal_id")` (the record that a key of ours names) or
`many("seal_id")` (the records whose key names us); it has no column and is not on the wire. The fact cache fills
relations; an unset relation means "not loaded" and raises when read, so that it can never pass for empty.
"""

from __future__ import annotations

import builtins
import dataclasses
import types
import typing
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, dataclass_transform

T = TypeVar("T")

NEVER = 0
"""An instant before all others: it has not happened."""

FOREVER = 253_402_300_799_000_000
"""An instant after all others (the end of the year 9999): there is no end."""

UNLIMITED = 2**63 - 1
"""A count without a limit, said explicitly."""


class Mark(Enum):
    """What a column means beyond its Python type."""

    INSTANT = "instant"
    PERSONAL = "personal"


@dataclass(frozen=True, slots=True)
class Ref:
    """Marks a column that holds the id of another record: `Annotated[str, Ref("Seal")]`."""

    record: str


Instant = Annotated[int, Mark.INSTANT]
"""Microseconds since 1970-01-01T00:00:00Z. Intervals are half-open: `[from, to)`."""

Duration = int
"""A length of time in microseconds."""

Personal = Annotated[str, Mark.PERSONAL]
"""Text about a person: masked on every way out, absent from change images, blank once erased."""


@dataclass(frozen=True, slots=True)
class Unique:
    """No two records (of those where `where` holds) agree in these columns."""

    invariant: str
    columns: tuple[str, ...]
    where: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A condition on one record, in the SQL that SQLite and PostgreSQL share."""

    invariant: str
    condition: str


Constraint = Unique | Check


class Collection(list[Any]):
    """A collection of records that is never changed once wired, with look-ups by column that are made when first
    used.
    """

    __slots__ = ("_by_column",)

    def __init__(self, records: Iterable[Any] = ()) -> None:
        super().__init__(records)
        self._by_column: dict[str, dict[Any, list[Any]]] | None = None

    def holding(self, column: str, value: Any) -> Sequence[Any]:
        """The records that hold a value in a column, in their order."""
        by_column = self._by_column
        if by_column is None:
            by_column = self._by_column = {}
        found = by_column.get(column)
        if found is None:
            found = {}
            for record in self:
                found.setdefault(getattr(record, column), []).append(record)
            # Two threads may both make it; either is right.
            by_column[column] = found
        return found.get(value, ())


EMPTY = Collection()
"""The collection without records, shared by all who have none."""


def one(key: str, *, init: Literal[False] = False) -> Any:
    """Declare the relation to the record that our column `key` names (None where the key is None)."""
    return dataclasses.field(init=init, repr=False, compare=False, metadata={"one": key})


def many(key: str, *, init: Literal[False] = False) -> Any:
    """Declare the relation to all records whose column `key` names us."""
    return dataclasses.field(init=init, repr=False, compare=False, metadata={"many": key})


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
    is_personal: bool

    @property
    def has_default(self) -> bool:
        """Whether a record may leave the column out."""
        return self.default is not dataclasses.MISSING


@dataclass(frozen=True, slots=True)
class Relation:
    """One relation of a record: to `record`, by the column `key` (ours if `is_one`, theirs otherwise)."""

    name: str
    record: str
    key: str
    is_one: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """What a record class declares, in the order of definition; the first column is `id`."""

    name: str
    columns: tuple[Column, ...]
    relations: tuple[Relation, ...]
    constraints: tuple[Constraint, ...]
    is_permanent: bool

    def column(self, name: str) -> Column:
        """Return the column of that name. Raises KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


RECORDS: dict[str, type] = {}
"""Every record class by name, in the order of definition (a record only refers to what the order allows)."""


@dataclass_transform(field_specifiers=(one, many))
def record(*constraints: Constraint, permanent: bool = False) -> Callable[[type[T]], type[T]]:
    """Make a class a record. `permanent`: it is history and is never deleted."""

    def declare(cls: type[T]) -> type[T]:
        made = dataclass(slots=True)(cls)
        made.__record__ = (constraints, permanent)  # type: ignore[attr-defined]
        RECORDS[made.__name__] = made
        return made

    return declare


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
    hints = typing.get_type_hints(cls, localns=RECORDS, include_extras=True)
    columns: list[Column] = []
    relations: list[Relation] = []
    for field in dataclasses.fields(cls):
        hint = hints[field.name]
        if "one" in field.metadata or "many" in field.metadata:
            is_one = "one" in field.metadata
            target = _unwrap(hint)[0] if is_one else typing.get_args(hint)[0]
            relations.append(Relation(field.name, target.__name__, field.metadata["one" if is_one else "many"], is_one))
            continue
        plain, is_optional, marks = _unwrap(hint)
        words = plain if issubclass(plain, StrEnum) else None
        ref = next((mark.record for mark in marks if isinstance(mark, Ref)), None)
        columns.append(
            Column(
                name=field.name,
                type=str if words else plain,
                is_optional=is_optional,
                default=field.default,
                words=words,
                ref=ref,
                is_instant=Mark.INSTANT in marks,
                is_personal=Mark.PERSONAL in marks,
            )
        )
    constraints, permanent = cls.__record__
    return Shape(cls.__name__, tuple(columns), tuple(relations), constraints, permanent)


def values_of(record: Any) -> tuple[Any, ...]:
    """Return the column values of a record, in the order of its shape."""
    return tuple(getattr(record, column.name) for column in shape_of(type(record)).columns)


def exact(record: T) -> T:
    """Return the record with every enumeration member replaced by its plain word.

    Policies compare words as plain strings, so a record that enters a fact cache holds exact `str`, never a subclass.
    """
    for column in shape_of(type(record)).columns:
        if column.words is not None:
            value = getattr(record, column.name)
            if value is not None and type(value) is not str:
                setattr(record, column.name, str(value))
    return record
