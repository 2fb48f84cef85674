"""Looking for records whose time has come, in the order in which it came."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from sealauthz.facts.store.tables import Tables
from sealauthz.schema import Sweep

Place = tuple[int, str]
"""The place of a record among those that may be due: the instant in its column, and its id."""


def due(
    connection: Connection, tables: Tables, sweep: Sweep, until: int, limit: int, after: Place | None
) -> list[Place]:
    """Return the places of what may be due with an instant until then, behind a place; none where the database does not
    have the columns yet.
    """
    table = tables.of(sweep.record_type)
    named = {sweep.due, *sweep.where}
    if (table.name, "") in tables.absent or any((table.name, column) in tables.absent for column in named):
        return []
    at = table.c[sweep.due]
    holds: list[ColumnElement[bool]] = [table.c[column].in_(values) for column, values in sweep.where.items()]
    if after is not None:
        holds.append(or_(at > after[0], and_(at == after[0], table.c.id > after[1])))
    statement = select(at, table.c.id).where(at <= until, *holds).order_by(at, table.c.id).limit(limit)
    return [(moment, record_id) for moment, record_id in connection.execute(statement)]
