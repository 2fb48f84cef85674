"""Looking for records whose time has come, in the order in which it came."""

from __future__ import annotations

from sqlalchemy import Connection, select

from sealauthz.facts.store.tables import Tables
from sealauthz.schema import Sweep


def due(connection: Connection, tables: Tables, sweep: Sweep, now: int, limit: int) -> list[str]:
    """Return the ids of what is due at an instant; none where the database does not have the columns yet."""
    table = tables.of(sweep.record_type)
    named = {sweep.due, *sweep.where}
    if (table.name, "") in tables.absent or any((table.name, column) in tables.absent for column in named):
        return []
    at = table.c[sweep.due]
    holds = [table.c[column].in_(values) for column, values in sweep.where.items()]
    statement = select(table.c.id).where(at <= now - sweep.delay, *holds).order_by(at, table.c.id).limit(limit)
    return list(connection.execute(statement).scalars())
