"""Paths in SQL: which rows lead to a root, and which concern some tenants."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import ColumnElement, Select, or_, select

from sealauthz.facts.store.rows import among
from sealauthz.facts.store.tables import Tables
from sealauthz.schema.units import Path

IsEnd = Callable[[ColumnElement[str]], ColumnElement[bool]]
"""The condition that the column with the id of a root is at the end of a path."""


def leads(tables: Tables, record_type: str, path: Path, is_end: IsEnd) -> ColumnElement[bool]:
    """Return the condition that a path leads from a row to an end; an empty one, that the row itself is the end."""
    table = tables.of(record_type)
    if not path:
        return is_end(table.c.id)
    step, rest = path[0], path[1:]
    if step.is_up and not rest:
        return is_end(table.c[step.column])
    if step.is_up:
        above = tables.model.shapes[record_type].column(step.column).ref or ""
        return table.c[step.column].in_(ids_along(tables, above, rest, is_end))
    return table.c.id.in_(ids_along(tables, record_type, path, is_end))


def ids_along(tables: Tables, record_type: str, path: Path, is_end: IsEnd) -> Select[tuple[str]]:
    """Select the ids of the records from which a path leads to an end."""
    if path and not path[0].is_up:
        step, rest = path[0], path[1:]
        below = tables.of(step.record)
        return select(below.c[step.column]).where(leads(tables, step.record, rest, is_end))
    table = tables.of(record_type)
    return select(table.c.id).where(leads(tables, record_type, path, is_end))


def within(tables: Tables, record_type: str, parameter: str, is_postgresql: bool) -> ColumnElement[bool] | None:
    """Return the condition that a row concerns one of the tenants of a parameter; None where none is needed."""
    units = tables.units
    kind = units.home_kind(record_type)
    if units.is_of_subject(kind):
        return None

    path = units.home_path(record_type)

    def is_tenant(column: ColumnElement[str]) -> ColumnElement[bool]:
        return among(column, parameter, is_postgresql)

    if units.is_of_tenant(kind):
        return leads(tables, record_type, path, is_tenant)
    root = units.root_of[kind]
    concerned = or_(*(leads(tables, root, concern, is_tenant) for concern in units.shared[root]))
    if not path:
        return concerned
    roots = select(tables.of(root).c.id).where(concerned)
    return leads(tables, record_type, path, lambda column: column.in_(roots))
