"""Personal text that policies have added to a record is erased with its own: who erases need not know of it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from sealauthz.schema import Change, Changes, Model


@cache
def _personal(model: Model, record_type: str) -> tuple[tuple[str, ...], dict[str, str | None]]:
    """Return the personal columns that a record has by itself, and what those that were added hold once erased."""
    added = model.added_columns(record_type)
    personal = [column for column in model.shapes[record_type].columns if column.is_personal]
    own = tuple(column.name for column in personal if column.name not in added)
    return own, {column.name: None if column.is_optional else "" for column in personal if column.name in added}


def erased_with(model: Model, change: Change) -> dict[str, str | None]:
    """Return what is to be erased with a change: nothing, unless it erases all personal text of the record's own."""
    own, added = _personal(model, change.record_type)
    if not added or not own or change.before is None or change.after is None:
        return {}
    had, has = (any(getattr(side, name) for name in own) for side in (change.before, change.after))
    return added if had and not has else {}


def with_erased(model: Model, changes: Changes) -> Changes:
    """Return changes of which those that erase a record erase also what was added to it."""
    if model.extends is None:
        return changes
    return Changes(_with_erased(model, change) for change in changes)


def _with_erased(model: Model, change: Change) -> Change:
    values: dict[str, Any] = dict(erased_with(model, change))
    return replace(change, after=replace(change.after, **values)) if values else change
