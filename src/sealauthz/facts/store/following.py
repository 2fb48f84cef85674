"""Following what others write: how far the log of decisions was followed, and causes of alarms that were not raised."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, exists, func, literal, select

from sealauthz.facts.store.statements import dialect_of
from sealauthz.facts.store.system_tables import AUDIT_FOLLOWED, AUDIT_LOG, FACT_OPERATION
from sealauthz.facts.store.tables import Tables
from sealauthz.schema.alarms import Alarm

_FROM_THE_FIRST = 10_000
"""Of a log that nobody has followed, so many records at most are read from the first on; of a longer one, none."""


MOST_LOOKED_AT = 10_000
"""So many records are looked at in one statement."""


def followed_to(connection: Connection, name: str) -> int:
    """Return the number of the first record of the log that was not followed yet."""
    row = AUDIT_FOLLOWED.c
    found = connection.execute(select(row.number).where(row.name == name)).scalar()
    if found is not None:
        return int(found)
    size = connection.execute(select(func.max(AUDIT_LOG.c.number))).scalar()
    return 0 if size is None or size < _FROM_THE_FIRST else size + 1


def follow_to(connection: Connection, name: str, number: int) -> None:
    """Keep that the log was followed up to a record, not included. It never goes back."""
    dialect = dialect_of(connection.dialect.name == "postgresql")
    statement = dialect.insert(AUDIT_FOLLOWED).values(name=name, number=number)
    newer = AUDIT_FOLLOWED.c.number < statement.excluded.number
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["name"], set_={"number": statement.excluded.number}, where=newer
        )
    )


def logged_from(connection: Connection, number: int, kind: str, limit: int) -> tuple[int, list[tuple[int, str]]]:
    """Return records of a kind from a number of the log on, in their order, each with its number; and up to which
    number, not included, these are all. Others may be among them that only mention the kind.

    The database looks for them: of a busy log nearly all records are of other kinds, and need not be sent.
    """
    row = AUDIT_LOG.c
    size = connection.execute(select(func.max(row.number))).scalar()
    end = min(number if size is None else size + 1, number + MOST_LOOKED_AT)
    is_meant = row.record.contains(f'"kind":"{kind}"', autoescape=True)  # as `written` writes it
    statement = select(row.number, row.record).where(row.number >= number, row.number < end, is_meant)
    found = [(each.number, each.record) for each in connection.execute(statement.order_by(row.number).limit(limit))]
    return (found[-1][0] + 1 if len(found) == limit else max(number, end)), found


def request_of(alarm: Alarm, record_id: str) -> str:
    """Return the id of the request by which the service raises an alarm: one for each cause."""
    return f"{_prefix(alarm.action, alarm.record_type)}{record_id}"


def _prefix(action: str, record_type: str) -> str:
    return f"{action}-{record_type}-"


def unraised(
    connection: Connection, tables: Tables, alarm: Alarm, caller: str, now: int, after: tuple[int, str], limit: int
) -> list[tuple[int, str]]:
    """Return causes for which nothing was performed yet, behind a place: the instant and the id of each, in order."""
    table, done = tables.of(alarm.record_type), FACT_OPERATION.c
    if (table.name, "") in tables.absent:
        return []
    at = table.c[alarm.since]
    request = literal(_prefix(alarm.action, alarm.record_type)) + table.c.id
    statement = select(at, table.c.id).where(
        at <= now, ~exists().where(done.caller == bindparam("by"), done.request_id == request)
    )
    if alarm.within:
        statement = statement.where(at > now - alarm.within)
    for column, values in alarm.where.items():
        statement = statement.where(table.c[column].in_(values))
    statement = statement.where((at > after[0]) | ((at == after[0]) & (table.c.id > after[1])))
    found = connection.execute(statement.order_by(at, table.c.id).limit(limit), {"by": caller})
    return [(row[0], row[1]) for row in found]
