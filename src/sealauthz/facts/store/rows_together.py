"""Rows of acts that share a transaction of PostgreSQL: those of all acts that are alike are written by one statement.

A statement takes its rows as one parameter, a list in JSON. So its text is the same for any number of acts, and it is
planned once per connection; and what PostgreSQL and the driver do for each statement is done once for all acts.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import JSON, Connection, Table, bindparam, cast, func, insert, select, update
from sqlalchemy import column as sql_column

from sealauthz.facts.store.applying import changed_values, in_order, waits_for_nobody
from sealauthz.facts.store.rows import among
from sealauthz.facts.store.statements import Driver, InsertRow, check_met, compiled, dialect_of
from sealauthz.facts.store.system_tables import FACT_CHANGE_UNIT, FACT_REQUEST
from sealauthz.facts.store.tables import Tables
from sealauthz.schema import Change, Changes

SETTINGS = "".join(f"; SET LOCAL enable_{way} = off" for way in ("hashjoin", "mergejoin", "seqscan"))
"""For these statements: PostgreSQL takes a list for a hundred rows, and would rather read the whole of a small table
than look for each of them. The plan would stay when the table has grown.
"""

Rows = Sequence[Mapping[str, Any]]

_KEY = ("caller", "request_id")
_encode = json.JSONEncoder(ensure_ascii=True).encode


def as_list(rows: Rows) -> str:
    """Return rows in the form that the statements take."""
    import msgspec  # here: most commands write no act, and loading it takes some milliseconds

    try:
        return msgspec.json.encode(rows).decode()
    except TypeError:  # a subclass of a text or a number
        return _encode([dict(row) for row in rows])


def _each(table: Table, columns: Iterable[str]) -> Any:
    """Select the rows of a list, with the types that their columns have in a table."""
    typed = (sql_column(name, table.c[name].type) for name in columns)
    listed = func.json_to_recordset(cast(bindparam("rows"), JSON)).table_valued(*typed)
    return listed.render_derived("each", with_types=True)


@cache
def insert_rows(table: Table, columns: tuple[str, ...]) -> str:
    """Return the statement that inserts rows."""
    each = _each(table, columns)
    return compiled(insert(table).from_select(list(columns), select(*(each.c[name] for name in columns))), True)


@cache
def _update_rows(table: Table, keys: tuple[str, ...], columns: tuple[str, ...]) -> str:
    """Return the statement that updates rows; it returns one for each that it meets."""
    each = _each(table, (*keys, *columns))
    changed = update(table).values({name: each.c[name] for name in columns})
    for name in keys:
        changed = changed.where(table.c[name] == each.c[name])
    return compiled(changed.returning(sql_column("1", is_literal=True)), True)


@cache
def _met(statement: str) -> str:
    """Return a statement that fails unless another one meets so many rows."""
    counted = "1 / CASE WHEN (SELECT count(*) FROM written) = %(met)s THEN 1 ELSE 0 END"
    return f"WITH written AS ({statement}) SELECT {counted}"


@cache
def _delete_rows(table: Table) -> str:
    return compiled(table.delete().where(among(table.c.id, "ids", True)), True)


@cache
def _take_keys() -> str:
    """Return the statement that takes the keys of requests, and returns those that were free."""
    insert_or_leave = dialect_of(True).insert
    columns = tuple(FACT_REQUEST.c.keys())
    each = _each(FACT_REQUEST, columns)
    taking = insert_or_leave(FACT_REQUEST).from_select(list(columns), select(*(each.c[name] for name in columns)))
    return compiled(taking.on_conflict_do_nothing().returning(*(FACT_REQUEST.c[name] for name in _KEY)), True)


def take_keys(driver: Driver, rows: Rows) -> Any:
    """Take the keys of requests, in this order; return the cursor, with the caller and the id of each that was free."""
    return driver.run(_take_keys(), {"rows": as_list(rows)})


class RowsTogether:
    """The rows of the records that the acts of one transaction change."""

    def __init__(self, connection: Connection, tables: Tables) -> None:
        self._driver = Driver(connection)
        self._tables = tables
        self._later: dict[tuple[str, tuple[str, ...]], list[tuple[int, dict[str, Any]]]] = defaultdict(list)
        self._deleted: list[tuple[Any, int]] = []

    def write(self, acts: Sequence[Changes]) -> None:
        """Write the rows that may wait for others, in the order in which they can be written."""
        of_act = {id(change): number for number, changes in enumerate(acts) for change in changes}
        puts, deletes = in_order(self._tables, [change for changes in acts for change in changes])
        first: dict[tuple[str, bool, tuple[str, ...]], list[dict[str, Any]]] = defaultdict(list)
        for change in puts:
            self._put(change, of_act[id(change)], first)
        for (record_type, is_new, columns), rows in first.items():
            table = self._tables.of(record_type)
            statement = insert_rows(table, columns) if is_new else _update_rows(table, ("id",), columns)
            self._driver.run(statement, {"rows": as_list(rows)})
        ids: dict[str, list[str]] = defaultdict(list)
        for change in deletes:
            ids[change.record_type].append(change.id)
        for record_type, some in ids.items():
            cursor = self._driver.run(_delete_rows(self._tables.of(record_type)), {"ids": some})
            self._deleted.append((cursor, len(some)))

    def _put(
        self, change: Change, act: int, first: Mapping[tuple[str, bool, tuple[str, ...]], list[dict[str, Any]]]
    ) -> None:
        """Put a row to those that are written first, or with their revision."""
        values = changed_values(self._tables, change)
        is_new = change.before is None
        if not is_new and waits_for_nobody(change, values):
            self._later[change.record_type, (*values, "revision")].append((act, {"id": change.id, **values}))
            return
        if is_new:
            values["revision"] = 0
            first[change.record_type, True, tuple(values)].append(values)
        elif values:
            first[change.record_type, False, tuple(values)].append({"id": change.id, **values})
        self._later[change.record_type, ("revision",)].append((act, {"id": change.id}))

    def check_deleted(self) -> None:
        """Check that all was there that was deleted, once the pipeline is over. Raises RowsNotMet."""
        for cursor, count in self._deleted:
            check_met(cursor, count)

    def stamp(self, revisions: Sequence[int]) -> None:
        """Write the rest, and its revision on everything that an act has written. INVARIANT: this waits for nobody.

        Raises RowsNotMet, once the pipeline is over, where a row is gone.
        """
        for (record_type, columns), rows in self._later.items():
            stamped = [{**values, "revision": revisions[act]} for act, values in rows]
            statement = _met(_update_rows(self._tables.of(record_type), ("id",), columns))
            self._driver.run(statement, {"rows": as_list(stamped), "met": len(stamped)})


def keep_together(
    driver: Driver,
    kept: Iterable[tuple[str, Mapping[str, Any]]],
    units: Rows,
    answers: Rows,
    last: tuple[str, Mapping[str, Any]],
) -> None:
    """Keep what acts leave beside the facts, as one statement: what they `kept`, the `units` that their revisions
    touched, and the `answers` to their requests. `last` is a statement that selects.
    """
    listed: dict[InsertRow, list[Mapping[str, Any]]] = defaultdict(list)
    for statement, values in kept:
        if isinstance(statement, InsertRow):
            listed[statement].append(values)
        else:
            driver.run(statement, values)
    many = [(insert_rows(each.table, each.columns), rows) for each, rows in listed.items()]
    many.append((insert_rows(FACT_CHANGE_UNIT, tuple(FACT_CHANGE_UNIT.c.keys())), list(units)))
    many.append((_update_rows(FACT_REQUEST, _KEY, ("revision", "at")), list(answers)))
    driver.run_as_one([(statement, {"rows": as_list(rows)}) for statement, rows in many], last, {})
