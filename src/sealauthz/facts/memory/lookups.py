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

Key = tuple[str, tuple[tuple[str, str], ...]]
"""A record type, and what columns hold: names and values, in the order of the names."""

PageKey = tuple[str, str, str, int]
"""A record type, a column, the value that the page follows, and how many there are at most."""


def key_of(record_type: str, values: Mapping[str, str]) -> Key:
    """Return the key of a look-up."""
    return record_type, tuple(sorted(values.items()))


class Found(NamedTuple):
    """What a look-up found, in its order, and since which revision it finds that."""

    values: tuple[str, ...]
    since: int


class LookUps:
    """The look-ups of one line of history. Any thread may read; a thread that changes it holds the lock of the cache.

    INVARIANT: what is remembered is so at the revision of the timeline, and ever since `Found.since`.
    """

    __slots__ = (
        "_changed_at",
        "_columns",
        "_known_since",
        "_old",
        "_page_bytes",
        "_pages",
        "_room",
        "_young",
        "_young_bytes",
    )

    _changed_at: dict[str, int]
    _columns: dict[str, dict[tuple[str, ...], None]]
    _young: dict[Key, Found]
    _old: dict[Key, Found]
    _pages: dict[tuple[str, str], dict[PageKey, Found]]
    _young_bytes: int
    _page_bytes: int

    def __init__(self, budget: int, revision: int) -> None:
        self._room = budget // _SHARE_OF_BUDGET // 3
        self.forget(revision)

    def get(self, key: Key | PageKey) -> Found | None:
        """Return what a look-up finds, if that is remembered."""
        if len(key) == 4:
            pages = self._pages.get((key[0], key[1]))
            return None if pages is None else pages.get(key)
        return self._young.get(key) or self._old.get(key)

    def same_since(self, record_type: str) -> int:
        """Return a revision since which all records of a type are as they are now."""
        return self._changed_at.get(record_type, self._known_since)

    def keep(self, key: Key | PageKey, values: Iterable[str], revision: int) -> None:
        """Remember what was found at a revision, unless records of the type have changed since."""
        since = self.same_since(key[0])
        found = Found(tuple(values), since)
        if since > revision or _size(found) > self._room:
            return
        if len(key) == 4:
            if self._page_bytes + _size(found) > self._room:
                self._pages, self._page_bytes = {}, 0
            self._page_bytes += _size(found)
            self._pages.setdefault((key[0], key[1]), {})[key] = found
        elif all(value is not None for _, value in key[1]):  # in a database nothing equals no value
            self._columns.setdefault(key[0], {})[tuple(name for name, _ in key[1])] = None
            self._put(key, found)

    def is_old(self, key: Key | PageKey) -> bool:
        """Tell whether a look-up is among those that are forgotten next."""
        return len(key) == 2 and key not in self._young

    def renew(self, key: Key | PageKey) -> None:
        """Keep a look-up that was asked for again. Those outlive the ones asked for once."""
        found = self._old.get(key) if len(key) == 2 else None
        if found is not None and len(key) == 2:
            self._put(key, found)

    def advance(self, revision: int, rows: Iterable[Changed] | None) -> None:
        """Move on to a revision, until which these rows have changed; None: it is not known which."""
        if rows is None:
            self.forget(revision)
            return
        for row in rows:
            self._changed_at[row.record_type] = revision
            for columns in list(self._columns.get(row.record_type, ())):
                self._move(row, columns, revision)
            for (record_type, column), pages in list(self._pages.items()):
                if record_type == row.record_type:
                    self._move_pages(row, column, pages, revision)

    def forget(self, revision: int) -> None:
        """Forget everything: what is not known to be unchanged must never pass for it."""
        self._known_since = revision
        self._changed_at = {}
        self._columns = {}
        self._young = {}
        self._old = {}
        self._pages = {}
        self._young_bytes = self._page_bytes = 0

    def _put(self, key: Key, found: Found) -> None:
        if self._young_bytes + _size(found) > self._room:
            self._old, self._young, self._young_bytes = self._young, {}, 0
        self._young_bytes += _size(found)
        self._young[key] = found

    def _move(self, row: Changed, columns: tuple[str, ...], revision: int) -> None:
        """Take a row from where it was found, and put it where it is found now."""
        sides = (row.before, row.after)
        if any(side is not None and name not in side for side in sides for name in columns):
            # The image does not tell: the column is personal, or the writer does not know it yet.
            self._forget_columns(row.record_type, columns)
            return
        before, after = (None if side is None else (row.record_type, _values_in(side, columns)) for side in sides)
        if before == after:
            return
        for key, is_there in ((before, False), (after, True)):
            for kept in (self._young, self._old):
                found = None if key is None else kept.get(key)
                if key is not None and found is not None:
                    kept[key] = Found(_with(found.values, row.id, is_there=is_there), revision)

    def _forget_columns(self, record_type: str, columns: tuple[str, ...]) -> None:
        del self._columns[record_type][columns]
        for kept in (self._young, self._old):
            for key in [key for key in kept if key[0] == record_type]:
                if tuple(name for name, _ in key[1]) == columns:
                    del kept[key]

    def _move_pages(self, row: Changed, column: str, pages: dict[PageKey, Found], revision: int) -> None:
        """Take a value out of the pages, and put one into those where it belongs; forget those that cannot tell."""
        sides = (row.before, row.after)
        if any(side is not None and column not in side for side in sides):
            pages.clear()
            return
        gone, come = (None if side is None else side[column] for side in sides)
        if gone == come:
            return
        for key, found in list(pages.items()):
            _, _, after, size = key
            values = found.values
            if gone is not None and gone in values:
                if column != "id" or len(values) == size:
                    # Others may hold the value too; and what follows a full page is not known.
                    del pages[key]
                    continue
                values = _with(values, gone, is_there=False)
            if come is not None and come > after and (len(values) < size or come < values[-1]):
                values = _with(values, come, is_there=True)[:size]
            if values != found.values:
                pages[key] = Found(values, revision)


def _size(found: Found) -> int:
    return _FOUND_BYTES + _VALUE_BYTES * len(found.values)


def _values_in(side: Mapping[str, Any], columns: tuple[str, ...]) -> tuple[tuple[str, Any], ...]:
    return tuple((name, side[name]) for name in columns)


def _with(values: tuple[str, ...], value: str, *, is_there: bool) -> tuple[str, ...]:
    """Return ordered values with one, or without it."""
    at = bisect_left(values, value)
    has_it = at < len(values) and values[at] == value
    if is_there == has_it:
        return values
    return (*values[:at], value, *values[at:]) if is_there else values[:at] + values[at + 1 :]
