"""Columns that somebody reads or writes, and facts as somebody sees them who reads no more than some columns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from sealauthz.schema import Change, Delete, Model, Put, RecordChange, Update, values_of


@dataclass(frozen=True, slots=True)
class Reads:
    """The columns that may be read, by record type, and the types of which a record that comes or goes may be seen."""

    columns: frozenset[tuple[str, str]]
    types: frozenset[str]

    @classmethod
    def of(cls, model: Model, names: Iterable[str], types: Iterable[str] = ()) -> Reads:
        """Return what may be read by these names; of `types`, each record by itself."""
        known = frozenset(names)
        columns: set[tuple[str, str]] = set()
        seen = {*types, *(known & model.records.keys())}
        for type_, shape in model.shapes.items():
            columns.update((type_, column.name) for column in shape.columns if column.name in known)
            for relation in shape.relations:
                if relation.name in known:
                    # Who is in a collection is decided by a key of its members.
                    columns.add((type_ if relation.is_one else relation.record, relation.key))
                    seen.add(relation.record)
        # A record is reached by a relation, as an argument, or by its type: a column of no other is read.
        return cls(frozenset(each for each in columns if each[0] in seen), frozenset(seen))

    @classmethod
    def all(cls, model: Model) -> Reads:
        """Return what sees every change."""
        columns = ((type_, column.name) for type_, shape in model.shapes.items() for column in shape.columns)
        return cls(frozenset(columns), frozenset(model.records))

    def __or__(self, other: Reads) -> Reads:
        return Reads(self.columns | other.columns, self.types | other.types)

    def sees(self, changes: Iterable[Change]) -> bool:
        """Tell whether a change of facts may be seen."""
        return any(self._sees(change) for change in changes)

    def _sees(self, change: Change) -> bool:
        if change.before is None or change.after is None:
            return change.record_type in self.types
        names = type(change.after).__dataclass_fields__
        pairs = zip(names, values_of(change.before), values_of(change.after), strict=False)
        return any(old != new and (change.record_type, name) in self.columns for name, old, new in pairs)

    def by_type(self) -> dict[str, tuple[str, ...]]:
        """Return the columns that may be read of each type that may be seen at all."""
        found: dict[str, list[str]] = {type_: [] for type_ in self.types}
        for type_, column in self.columns:
            found.setdefault(type_, []).append(column)
        return {type_: tuple(sorted(columns)) for type_, columns in sorted(found.items())}


class View:
    """Facts as somebody sees them who reads no more than some `reads`: a number for each record that they may look at.

    Two views are different ones even where they read the same: make one for each purpose, and keep it.
    """

    __slots__ = ("_of",)

    def __init__(self, reads: Reads) -> None:
        self._of = {type_: attrgetter("id", *columns) for type_, columns in reads.by_type().items()}

    def mark(self, record: Any) -> int:
        """Return what a record is in this view, as a number: 0 where it is not seen, or there is none."""
        name = type(record).__name__
        seen = self._of.get(name)
        return 0 if seen is None else hash((name, seen(record)))


@dataclass(frozen=True, slots=True)
class Writes:
    """What an act may write: records of these types come and go, and these columns of others change. `made` are those
    of the types of which a record may come.
    """

    types: frozenset[str]
    columns: frozenset[tuple[str, str]]
    made: frozenset[str]

    def may_be_seen_by(self, reads: Reads) -> bool:
        """Tell whether something reads what is written."""
        return not self.types.isdisjoint(reads.types) or not self.columns.isdisjoint(reads.columns)

    def covers(self, changes: Iterable[RecordChange]) -> bool:
        """Tell whether these changes are among what may be written."""
        return all(map(self._covers, changes))

    def _covers(self, change: RecordChange) -> bool:
        match change:
            case Put():
                return type(change.record).__name__ in self.made
            case Update():
                return self.columns.issuperset((change.record_type, name) for name in change.values)
            case Delete():
                return change.record_type in self.types
