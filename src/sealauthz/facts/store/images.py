"""What the history keeps of a change: the record before and after, without personal text, and whom it concerned."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any

from sealauthz.schema import Change, shape_of


def image_of(change: Change, concerned_before: frozenset[str], concerned_after: frozenset[str]) -> dict[str, Any]:
    """Return a change with what the record said before and after, without personal text, and whom it concerned."""
    return {
        "type": change.record_type,
        "id": change.id,
        "before": _public(change.before),
        "after": _public(change.after),
        "enterprises_before": [] if change.before is None else sorted(concerned_before),
        "enterprises_after": sorted(concerned_after),
    }


def moves(change: Change) -> bool:
    """Tell whether a record goes, or names another record than it did."""
    if change.before is None:
        return False
    if change.after is None:
        return True
    cls: type = type(change.after)
    return any(getattr(change.before, key) != getattr(change.after, key) for key in _keys(cls))


@cache
def _keys(cls: type) -> tuple[str, ...]:
    return tuple(column.name for column in shape_of(cls).columns if column.ref is not None)


def _public(record: Any) -> dict[str, Any] | None:
    """Return a record's columns, except the personal ones."""
    if record is None:
        return None
    cls: type = type(record)
    names, values = _public_columns(cls)
    return dict(zip(names, values(record), strict=True))


@cache
def _public_columns(cls: type) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    """Return the names of the columns that are not personal, and what tells their values."""
    names = tuple(column.name for column in shape_of(cls).columns if not column.is_personal)
    return (names, attrgetter(*names)) if len(names) > 1 else (names, lambda record: (getattr(record, names[0]),))
