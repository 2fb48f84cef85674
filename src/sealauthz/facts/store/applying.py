"""Writing the rows of a transaction: what may wait for others before its revision is known, and the rest with it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import Connection, Update, bindparam, insert, literal_column, update
from sqlalchemy.exc import IntegrityError

from sealauthz.facts.store.rows import DatabaseRows, among, ids_parameter
from sealauthz.facts.store.statements import Driver, check_met, compiled
from sealauthz.facts.store.tables import Tables, refusal_of
from sealauthz.runtime.errors import FactsUnavailable
from sealauthz.schema import Change, Changes, shape_of, values_of
from sealauthz.schema.rules import Unique

_COPIED_FROM = 20
"""New rows of one type from which on a COPY costs less than an INSERT each."""


@cache
def _waits(cls: type) -> frozenset[str]:
    """Return the columns of which a new value may wait for another transaction: keys, and all that is unique."""
    shape = shape_of(cls)
    unique = (rule for rule in shape.constraints if isinstance(rule, Unique))
    found = {name for rule in unique for name in (*rule.columns, *re.findall(r"\w+", rule.where or ""))}
    return frozenset(found | {column.name for column in shape.columns if column.ref is not None} | {"id"})


@cache
def _insert(tables: Tables, record_type: str, columns: tuple[str, ...], is_postgresql: bool) -> str:
    return compiled(insert(tables.of(record_type)), is_postgresql, (*columns, "revision"))


def _counted(statement: Update, is_postgresql: bool) -> Any:
    """Let a statement return a row for each that it meets, where it becomes a part of a larger one."""
    return statement.returning(literal_column("1")) if is_postgresql else statement


@cache
def _update(tables: Tables, record_type: str, columns: tuple[str, ...], is_postgresql: bool) -> str:
    table = tables.of(record_type)
    changed = update(table).where(table.c.id == bindparam("at_id"))
    return compiled(_counted(changed, is_postgresql), is_postgresql, columns)


@cache
def _stamp(tables: Tables, record_type: str, is_postgresql: bool) -> str:
    table = tables.of(record_type)
    stamped = update(table).where(among(table.c.id, "ids", is_postgresql))
    return compiled(_counted(stamped, is_postgresql), is_postgresql, ("revision",))


@cache
def _delete(tables: Tables, record_type: str, is_postgresql: bool) -> str:
    table = tables.of(record_type)
    return compiled(table.delete().where(among(table.c.id, "ids", is_postgresql)), is_postgresql)


class Applying:
    """The rows of one transaction. `is_careful`: row by row, so that the row that breaks a constraint is known.

    `in_two_steps`: rows that can wait for nobody are written with their revision, and not before it. `expected` is the
    revision that rows are written with before it is known, 0 for none: they are written again only if it is another.
    """

    def __init__(
        self, connection: Connection, tables: Tables, *, is_careful: bool, in_two_steps: bool, expected: int = 0
    ) -> None:
        self._connection = connection
        self._driver = Driver(connection)
        self._tables = tables
        self.is_careful = is_careful
        self._in_two_steps = in_two_steps and not is_careful
        self._expected = expected
        self._later: list[tuple[Change, dict[str, Any]]] = []
        self._stamped: dict[str, set[str]] = defaultdict(set)
        self._deleted: list[tuple[Any, int]] = []

    def write(self, changes: Changes) -> None:
        """Write the rows that may wait for others, in the order in which they can be written."""
        puts, deletes = in_order(self._tables, changes)
        if self.is_careful:
            self._write_each([*puts, *deletes])
        else:
            self._put(puts)
            self._delete(deletes)

    def try_all(self, changes: Changes) -> None:
        """Write all rows of what will not be committed, to learn what the database says."""
        self.write(changes)
        for statement, parameters, _ in self.stamps(0):
            self._driver.run(statement, parameters)

    def check_deleted(self) -> None:
        """Check that all was there that was deleted, once the pipeline is over. Raises RowsNotMet."""
        for cursor, count in self._deleted:
            check_met(cursor, count)

    def stamps(self, revision: int) -> list[tuple[str, dict[str, Any], int]]:
        """Return what writes the rest, and the revision on everything, with how many rows each meets: every row that
        was written is among them. INVARIANT: this waits for nobody.
        """
        tables, is_postgresql = self._tables, self._driver.is_postgresql
        found: list[tuple[str, dict[str, Any], int]] = []
        for change, values in self._later:
            statement = _update(tables, change.record_type, (*values, "revision"), is_postgresql)
            found.append((statement, {**values, "revision": revision, "at_id": change.id}, 1))
        for record_type, ids in self._stamped.items() if revision != self._expected else ():
            parameters = {"ids": ids_parameter(ids, is_postgresql), "revision": revision}
            found.append((_stamp(tables, record_type, is_postgresql), parameters, len(ids)))
        return found

    def _write_each(self, pending: list[Change]) -> None:
        """Write row by row. A row that another row of the batch must make room for waits until that one is written."""
        savepoint = self._driver.run
        while pending:
            waiting: list[Change] = []
            refusals: list[tuple[Change, IntegrityError]] = []
            for change in pending:
                savepoint("SAVEPOINT one_row")
                try:
                    self._delete([change]) if change.after is None else self._put([change])
                except IntegrityError as error:
                    savepoint("ROLLBACK TO SAVEPOINT one_row")
                    waiting.append(change)
                    refusals.append((change, error))
                savepoint("RELEASE SAVEPOINT one_row")
            if len(waiting) == len(pending):
                refused, cause = refusals[0]
                # The id of a new record may have come to exist since we looked.
                rows = DatabaseRows(self._connection, self._tables)
                is_taken = refused.before is None and bool(rows.get(refused.record_type, [refused.id]))
                raise refusal_of(cause, self._tables, str(refused), is_taken) from cause
            pending = waiting

    def _put(self, changes: Iterable[Change]) -> None:
        """Write new rows, and what has changed in rows; later, what can wait for nobody."""
        tables, is_postgresql = self._tables, self._driver.is_postgresql
        statements: dict[str, list[dict[str, Any]]] = defaultdict(list)
        inserted: dict[str, str] = {}
        for change in changes:
            record_type = change.record_type
            values = changed_values(tables, change)
            if change.before is None:
                statement = _insert(tables, record_type, tuple(values), is_postgresql)
                values["revision"] = self._expected
                statements[statement].append(values)
                inserted[statement] = record_type
            elif self._in_two_steps and waits_for_nobody(change, values):
                self._later.append((change, values))
                continue
            elif values:
                if self._expected:
                    values["revision"] = self._expected
                statement = _update(tables, record_type, tuple(values), is_postgresql)
                statements[statement].append({**values, "at_id": change.id})
            self._stamped[record_type].add(change.id)
        for statement, rows in statements.items():
            if self._expected and is_postgresql and statement in inserted and len(rows) >= _COPIED_FROM:
                self._driver.copy(tables.of(inserted[statement]).name, tuple(rows[0]), [row.values() for row in rows])
            else:
                self._driver.run_each(statement, rows)

    def _delete(self, changes: Iterable[Change]) -> None:
        by_type: dict[str, list[str]] = defaultdict(list)
        for change in changes:
            by_type[change.record_type].append(change.id)
        for record_type, ids in by_type.items():
            statement = _delete(self._tables, record_type, self._driver.is_postgresql)
            cursor = self._driver.run(statement, {"ids": ids_parameter(ids, self._driver.is_postgresql)})
            self._deleted.append((cursor, len(ids)))


def in_order(tables: Tables, changes: Iterable[Change]) -> tuple[list[Change], list[Change]]:
    """Return the changes that put a record and those that delete one, each in an order in which they can be made."""
    order = tables.dependency_order
    puts: list[Change] = []
    deletes: list[Change] = []
    for change in changes:
        (deletes if change.after is None else puts).append(change)
    # Updates first: they may free what a new row takes.
    puts.sort(key=lambda change: (order[change.record_type], change.before is None, change.id))
    deletes.sort(key=lambda change: (-order[change.record_type], change.id))
    return puts, deletes


def waits_for_nobody(change: Change, values: Mapping[str, Any]) -> bool:
    """Tell whether these values of a record that is there can be written without waiting for another transaction."""
    cls: type = type(change.after)
    return not values.keys() & _waits(cls)


def changed_values(tables: Tables, change: Change) -> dict[str, Any]:
    """Return the columns that a change gives another value; all of a new row. Raises FactsUnavailable."""
    record_type = change.record_type
    columns = tables.model.shapes[record_type].columns
    table = tables.of(record_type)
    if (table.name, "") in tables.absent:
        said = f"the database has no `{record_type}` yet"
        raise FactsUnavailable(f"{said}: run `sealauthz db upgrade`, and then write it again")
    after = zip((column.name for column in columns), values_of(change.after), strict=True)
    if change.before is None:
        values = dict(after)
    else:
        before = values_of(change.before)
        values = {name: value for (name, value), old in zip(after, before, strict=True) if value != old}
    return _there(tables, record_type, table.name, values) if tables.absent else values


def _there(tables: Tables, record_type: str, table: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out columns that the database does not have yet. Raises FactsUnavailable where that loses a value."""
    shape = tables.model.shapes[record_type]
    for name, value in values.items():
        if (table, name) in tables.absent and value != shape.column(name).default:
            said = f"the database has no `{name}` of `{record_type}` yet"
            raise FactsUnavailable(f"{said}: run `sealauthz db upgrade`, and then write it again")
    return {name: value for name, value in values.items() if (table, name) not in tables.absent}
