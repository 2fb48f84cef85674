"""Up to where rows were read: what a cursor is, and how far the rows of a run may move it.

A cursor that is too high hides every later row below it for good. So a time never moves it further than to now, and a
few rows that lie far beyond all others do not move it at all: they are read again each time, and found equal.
"""

from __future__ import annotations

import datetime
import heapq
from collections.abc import Iterable
from typing import Any

Cursor = int | str
"""What orders changes: a whole number, or a time in ISO 8601."""

FEW = 10
"""So many rows do not move a cursor over a gap."""


def reached(since: Cursor | None, numbers: Iterable[int], max_step: int) -> int | None:
    """Return the number up to which nothing need be read again, at least `since`; None where that is from the start.

    `numbers` are those of the rows that were read, one of each record. Over a gap of more than `max_step` goes only
    what more than `FEW` rows lie beyond.
    """
    start = since if isinstance(since, int) else None
    highest = heapq.nlargest(FEW + 1, numbers)
    if not highest:
        return start
    bottom = min(0, highest[-1]) if start is None else start
    found: int | None = highest[0]
    for number, above in enumerate(highest[:FEW]):
        is_last = number + 1 == len(highest)
        below = bottom if is_last else highest[number + 1]
        if above - below > max_step:
            found = start if is_last else below
    return found if start is None or found is None else max(start, found)


def read_cursor(value: Any) -> int | datetime.datetime | None:
    """Return a cursor: a whole number, or a time, in UTC where it names no zone."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        value = datetime.datetime.combine(value, datetime.time())
    if isinstance(value, str):
        text = value.strip()
        if text.lstrip("-").isdecimal() and text.isascii():
            return int(text)
        try:
            value = datetime.datetime.fromisoformat(text)
        except ValueError:
            return None
    if not isinstance(value, datetime.datetime):
        return int(value) if hasattr(value, "to_integral_value") and value == value.to_integral_value() else None
    try:
        return value.replace(tzinfo=datetime.UTC) if value.tzinfo is None else value.astimezone(datetime.UTC)
    except OverflowError:
        return None


def said_cursor(cursor: Any) -> Cursor | None:
    """Return a cursor as it is kept and asked for."""
    return cursor.isoformat() if isinstance(cursor, datetime.datetime) else cursor


def moved(since: Cursor, by: int) -> Any:
    """Return a cursor, moved by so many seconds or numbers."""
    read = read_cursor(since)
    if not isinstance(read, datetime.datetime):
        return (read or 0) + by
    try:
        return not_ahead(read) + datetime.timedelta(seconds=by)
    except OverflowError:
        return datetime.datetime.min.replace(tzinfo=datetime.UTC)


def not_ahead(cursor: Any) -> Any:
    """Return a cursor, or now where it is a time to come: what changes until then would never be read."""
    return min(cursor, datetime.datetime.now(datetime.UTC)) if isinstance(cursor, datetime.datetime) else cursor


def is_before(one: Any, other: Any) -> bool:
    """Tell whether a cursor is before another; one of another kind is not, so that its row is read."""
    return type(one) is type(other) and one < other
