"""The values that columns hold: instants, durations, their extremes, and collections of records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Annotated, Any

NEVER = 0
"""An instant before all others: it has not happened."""

FOREVER = 253_402_300_799_000_000
"""An instant after all others (the end of the year 9999): there is no end."""

UNLIMITED = 2**63 - 1
"""A count without a limit, said explicitly."""


class Mark(Enum):
    """What a column means beyond its Python type."""

    INSTANT = "instant"


Instant = Annotated[int, Mark.INSTANT]
"""Microseconds since 1970-01-01T00:00:00Z. Intervals are half-open: `[from, to)`."""

Duration = int
"""A length of time in microseconds."""


class Collection(list[Any]):
    """A collection of records that never changes once wired, with look-ups by column that are made on first use."""

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
