"""Look-ups by a column, remembered: which records hold some values, and which values follow one in their order.

Rows that change move them on, so that what is asked again is answered from memory. Where it is not known which rows
have changed, everything is forgotten. Nobody writes down beforehand which columns are looked up: those are known by the
first look-up of each.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sealauthz.facts.store.history import Changed

_FOUND_BYTES = 400
_VALUE_BYTES = 60
"""What a look-up takes, and each value that it found, at most."""

_SHARE_OF_BUDGET = 20
"""Look-ups take that part of the room of the units, beside it."""


class Holding(NamedTuple):
    """The look-up of the records of a type whose columns hold values: names and values, in the order of the names."""

    record_type: str
    values: tuple[tuple[str, str], ...]


class Following(NamedTuple):
    """The look-up of a page: the values of a column that follow one, and how many there are at most."""

    record_type: str
    column: str
    after: str
    size: int


Key = Holding | Following


def holding(record_type: str, values: Mapping[str, str]) -> Holding:
    """Return the look-up of records by what they hold."""
    return Holding(record_type, tuple(sorted(values.items())))


class Found(NamedTuple):
    """What a look-up found, in its order, and since which revision it finds that."""

    values: tuple[str, ...]
    since: int


class LookUps:
    """The look-ups of one line of history. Any thread may read; a thread that changes it holds the lock of the cache.

    INVARIANT: what is remembered is so at the revision of the timeline, and ever since `Found.since`.
    """

    __slots__ = ("_changed_at", "_holding", "_known_since", "_pages", "_room")

    def __init__(self, budget: int, revision: int) -> None:
        self._room = budget // _SHARE_OF_BUDGET // 3
        self._known_since = revision
        self._changed_at: dict[str, int] = {}
        self._holding = _HoldingKept(self._room)
        self._pages = _PagesKept(self._room)

    def get(self, key: Key) -> Found | None:
        """Return what a look-up finds, if that is remembered."""
        return self._pages.get(key) if isinstance(key, Following) else self._holding.get(key)

    def same_since(self, record_type: str) -> int:
        """Return a revision since which all records of a type are as they are now."""
        return self._changed_at.get(record_type, self._known_since)

    def keep(self, key: Key, values: Iterable[str], revision: int) -> None:
        """Remember what was found at a revision, unless records of the type have changed since."""
        since = self.same_since(key.record_type)
        found = Found(tuple(values), since)
        if since > revision or _size(found) > self._room:
            return
        if isinstance(key, Following):
            self._pages.keep(key, found)
        else:
            self._holding.keep(key, found)

    def is_old(self, key: Key) -> bool:
        """Tell whether a look-up is among those that are forgotten next."""
        return isinstance(key, Holding) and self._holding.is_old(key)

    def renew(self, key: Key) -> None:
        """Keep a look-up that was asked for again. Those outlive the ones asked for once."""
        if isinstance(key, Holding):
            self._holding.renew(key)

    def advance(self, revision: int, rows: Iterable[Changed] | None) -> None:
        """Move on to a revision, until which these rows have changed; None: it is not known which."""
        if rows is None:
            self.forget(revision)
            return
        for row in rows:
            self._changed_at[row.record_type] = revision
            self._holding.move(row, revision)
            self._pages.move(row, revision)

    def forget(self, revision: int) -> None:
        """Forget everything: what is not known to be unchanged must never pass for it."""
        self._known_since = revision
        self._changed_at = {}
        self._holding = _HoldingKept(self._room)
        self._pages = _PagesKept(self._room)


class _HoldingKept:
    """Look-ups of records by what they hold; those asked for again outlive those asked for once."""

    __slots__ = ("_columns", "_old", "_room", "_young", "_young_bytes")

    def __init__(self, room: int) -> None:
        self._room = room
        self._columns: dict[str, dict[tuple[str, ...], None]] = {}
        self._young: dict[Holding, Found] = {}
        self._old: dict[Holding, Found] = {}
        self._young_bytes = 0

    def get(self, key: Holding) -> Found | None:
        return self._young.get(key) or self._old.get(key)

    def keep(self, key: Holding, found: Found) -> None:
        if all(value is not None for _, value in key.values):  # in a database nothing equals no value
            self._columns.setdefault(key.record_type, {})[tuple(name for name, _ in key.values)] = None
            self._put(key, found)

    def is_old(self, key: Holding) -> bool:
        return key not in self._young

    def renew(self, key: Holding) -> None:
        found = self._old.get(key)
        if found is not None:
            self._put(key, found)

    def move(self, row: Changed, revision: int) -> None:
        """Take a row from where it was found, and put it where it is found now."""
        for columns in list(self._columns.get(row.record_type, ())):
            self._move(row, columns, revision)

    def _put(self, key: Holding, found: Found) -> None:
        if self._young_bytes + _size(found) > self._room:
            self._old, self._young, self._young_bytes = self._young, {}, 0
        self._young_bytes += _size(found)
        self._young[key] = found

    def _move(self, row: Changed, columns: tuple[str, ...], revision: int) -> None:
        sides = (row.before, row.after)
        if any(side is not None and name not in side for side in sides for name in columns):
            # The image does not tell: the column is personal, or the writer does not know it yet.
            self._forget(row.record_type, columns)
            return
        before, after = (None if side is None else _key_in(row.record_type, side, columns) for side in sides)
        if before == after:
            return
        for key, is_there in ((before, False), (after, True)):
            for kept in (self._young, self._old):
                found = None if key is None else kept.get(key)
                if key is not None and found is not None:
                    kept[key] = Found(_with(found.values, row.id, is_there=is_there), revision)

    def _forget(self, record_type: str, columns: tuple[str, ...]) -> None:
        del self._columns[record_type][columns]
        for kept in (self._young, self._old):
            for key in [key for key in kept if key.record_type == record_type]:
                if tuple(name for name, _ in key.values) == columns:
                    del kept[key]


class _PagesKept:
    """Look-ups of pages, by record type and column. All are forgotten when there is no more room."""

    __slots__ = ("_bytes", "_pages", "_room")

    def __init__(self, room: int) -> None:
        self._room = room
        self._pages: dict[tuple[str, str], dict[Following, Found]] = {}
        self._bytes = 0

    def get(self, key: Following) -> Found | None:
        pages = self._pages.get((key.record_type, key.column))
        return None if pages is None else pages.get(key)

    def keep(self, key: Following, found: Found) -> None:
        if self._bytes + _size(found) > self._room:
            self._pages, self._bytes = {}, 0
        self._bytes += _size(found)
        self._pages.setdefault((key.record_type, key.column), {})[key] = found

    def move(self, row: Changed, revision: int) -> None:
        """Take a value out of the pages, and put one into those where it belongs; forget those that cannot tell."""
        for (record_type, column), pages in list(self._pages.items()):
            if record_type == row.record_type:
                self._move(row, column, pages, revision)

    def _move(self, row: Changed, column: str, pages: dict[Following, Found], revision: int) -> None:
        sides = (row.before, row.after)
        if any(side is not None and column not in side for side in sides):
            pages.clear()
            return
        gone, come = (None if side is None else side[column] for side in sides)
        if gone == come:
            return
        for key, found in list(pages.items()):
            values = found.values
            if gone is not None and gone in values:
                if column != "id" or len(values) == key.size:
                    # Others may hold the value too; and what follows a full page is not known.
                    del pages[key]
                    continue
                values = _with(values, gone, is_there=False)
            if come is not None and come > key.after and (len(values) < key.size or come < values[-1]):
                values = _with(values, come, is_there=True)[: key.size]
            if values != found.values:
                pages[key] = Found(values, revision)


def _size(found: Found) -> int:
    return _FOUND_BYTES + _VALUE_BYTES * len(found.values)


def _key_in(record_type: str, side: Mapping[str, Any], columns: tuple[str, ...]) -> Holding:
    return Holding(record_type, tuple((name, side[name]) for name in columns))


def _with(values: tuple[str, ...], value: str, *, is_there: bool) -> tuple[str, ...]:
    """Return ordered values with one, or without it."""
    at = bisect_left(values, value)
    has_it = at < len(values) and values[at] == value
    if is_there == has_it:
        return values
    return (*values[:at], value, *values[at:]) if is_there else values[:at] + values[at + 1 :]
