"""Statements that are compiled once and run by the driver itself: SQLAlchemy would cost more than they do.

What the driver raises is raised as SQLAlchemy would: a broken constraint as IntegrityError, so that those who look at
it need not know who ran the statement.
"""

from __future__ import annotations

import importlib
import logging
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

from sqlalchemy import Connection, Dialect, Table, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql import ClauseElement

if TYPE_CHECKING:
    import psycopg


def _name_errors(record: logging.LogRecord) -> bool:
    """Let what the driver logs of a pipeline that failed name the error only, which may quote a row."""
    import psycopg

    if isinstance(record.args, tuple):
        record.args = tuple(type(said).__name__ if isinstance(said, psycopg.Error) else said for said in record.args)
    return True


logging.getLogger("psycopg").addFilter(_name_errors)

_PARAMETER = re.compile(r"%\((\w+)\)s")

BROKEN = "broken"
"""Said of a connection of which a pipeline has failed: it must serve nobody any more. The driver takes statements that
it sent behind the failed one for prepared, and they are not.
"""


_QUOTING = ("22", "P0")
"""The classes of SQLSTATE whose messages quote values: data that is not valid, and what a trigger raises."""


# A command on SQLite starts sooner without the dialect of PostgreSQL, and the other way round.
def dialect_of(is_postgresql: bool) -> Any:
    """Return SQLAlchemy's module of a database, for statements that only it has."""
    return importlib.import_module(f"sqlalchemy.dialects.{'postgresql' if is_postgresql else 'sqlite'}")


@cache
def dialect(is_postgresql: bool) -> Dialect:
    """Return the dialect that writes parameters by name, as both drivers take them."""
    if is_postgresql:
        from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

        return PGDialect_psycopg()  # type: ignore[no-untyped-call]
    from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

    return SQLiteDialect_pysqlite(paramstyle="named")


def compiled(statement: ClauseElement, is_postgresql: bool, columns: Sequence[str] | None = None) -> str:
    """Return a statement as text for the driver. `columns`: the parameters that an INSERT or UPDATE sets columns to."""
    names = None if columns is None else list(columns)
    return str(statement.compile(dialect=dialect(is_postgresql), column_keys=names))


class InsertRow(str):
    """A compiled statement that inserts one row; it knows the table and the columns, for who inserts many at once."""

    __slots__ = ("columns", "table")

    table: Table
    columns: tuple[str, ...]


@cache
def insert_row(table: Table, columns: tuple[str, ...], is_postgresql: bool) -> InsertRow:
    """Return the statement that inserts a row into some columns of a table; their names are those of the parameters."""
    statement = InsertRow(compiled(insert(table), is_postgresql, columns))
    statement.table, statement.columns = table, columns
    return statement


def driver(connection: Connection) -> Any:
    """Return the driver's own connection, for statements that SQLAlchemy has nothing to add to."""
    return connection.connection.driver_connection


def forget_values(error: psycopg.Error) -> str | None:
    """Leave of what PostgreSQL says the first line: the detail below it quotes the row, and some messages a value.

    Return what is left; None for what the server did not say.
    """
    if not error.sqlstate:
        return None
    said = error.diag.message_primary
    if error.sqlstate.startswith(_QUOTING) or not said:
        said = f"SQLSTATE {error.sqlstate}"
    error.args = (said,)
    return said


class RowsNotMet(IntegrityError):
    """A statement met other rows than it was written for: one of them is gone. Nothing may commit."""

    def __init__(self, cause: BaseException | None = None) -> None:
        super().__init__(None, None, cause or LookupError("a row is gone"))


@cache
def _errors() -> tuple[type[Exception], ...]:
    """The errors of the drivers that `_raise` turns into others."""
    # Here, as wherever it is needed: a process on SQLite loads the driver of PostgreSQL at most when something fails.
    import psycopg

    return (psycopg.Error, sqlite3.IntegrityError)


def _raise(error: Exception) -> NoReturn:
    """Raise an error of the driver as SQLAlchemy would, as far as anybody asks."""
    import psycopg

    if isinstance(error, psycopg.Error):
        forget_values(error)
    if isinstance(error, psycopg.errors.DivisionByZero):
        raise RowsNotMet(error) from error  # we divide where rows are counted, and nowhere else
    if isinstance(error, psycopg.IntegrityError | sqlite3.IntegrityError):
        raise IntegrityError(None, None, error) from error
    raise error


@cache
def _as_one(statements: tuple[str, ...], counted: frozenset[int] = frozenset()) -> str:
    """Return one statement that does what these do; the parameters of each end in its number.

    Those that are `counted` return a row for each that they meet; where these are not as many as `met_N` says, nothing
    is done at all.
    """
    *first, last = (_PARAMETER.sub(rf"%(\1_{n})s", statement) for n, statement in enumerate(statements))
    parts = ", ".join(f"s{n} AS ({statement})" for n, statement in enumerate(first))
    if counted:
        counts = (f"(SELECT count(*) FROM s{n}) = %(met_{n})s" for n in sorted(counted))  # noqa: S608 (names of ours)
        all_met = " AND ".join(counts)
        last = f"{last}, 1 / CASE WHEN {all_met} THEN 1 ELSE 0 END"
    return f"WITH {parts} {last}" if first else last


@cache
def _by_place_cursor() -> Any:
    """Return the kind of cursor that takes parameters by place."""
    import psycopg

    return psycopg.RawCursor


@cache
def _by_place(statement: str) -> tuple[bytes, tuple[str, ...]]:
    """Return a statement with parameters by place, as PostgreSQL takes them, and their names in order.

    The driver would look for the names again each time: what it remembers of statements excludes long ones.
    """
    places: dict[str, int] = {}

    def place(found: re.Match[str]) -> str:
        return f"${places.setdefault(found[1], len(places) + 1)}"

    return _PARAMETER.sub(place, statement).replace("%%", "%").encode(), tuple(places)


def array_of(texts: Iterable[str]) -> str:
    """Return texts as an array of PostgreSQL, for a statement that says what it is (`::text[]`): the driver would look
    at each of them.
    """
    quoted = [each.replace("\\", "\\\\").replace('"', '\\"') for each in texts]
    return '{"' + '","'.join(quoted) + '"}' if quoted else "{}"


def check_met(cursor: Any, met: int) -> None:
    """Raise RowsNotMet unless a statement that was run met so many rows."""
    if cursor.rowcount != met:
        raise RowsNotMet


class Driver:
    """Runs compiled statements in the transaction of one connection."""

    __slots__ = ("_driver", "_info", "is_postgresql")

    def __init__(self, connection: Connection) -> None:
        self._info = connection.info
        self._driver = driver(connection)
        self.is_postgresql = connection.dialect.name == "postgresql"

    def run(self, statement: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Run a statement; return the cursor, whose rows are there once the pipeline is over, if there is one."""
        try:
            return self._run(statement, parameters or {})
        except _errors() as error:
            _raise(error)

    def _run(self, statement: str, parameters: Mapping[str, Any]) -> Any:
        if not self.is_postgresql:
            return self._driver.execute(statement, parameters)
        text, names = _by_place(statement)
        return _by_place_cursor()(self._driver).execute(text, [parameters[name] for name in names])

    def run_each(self, statement: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run a statement for each row of parameters."""
        try:
            if len(rows) == 1:
                self._run(statement, rows[0])
            elif self.is_postgresql:
                text, names = _by_place(statement)
                values = ([row[name] for name in names] for row in rows)
                _by_place_cursor()(self._driver).executemany(text, values)
            else:
                self._driver.cursor().executemany(statement, rows)
        except _errors() as error:
            _raise(error)

    def copy(self, table: str, columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
        """Insert many rows into a table of PostgreSQL, outside of a pipeline: it costs a tenth of other ways."""
        names = ", ".join(f'"{column}"' for column in columns)
        try:
            with self._driver.cursor() as cursor, cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
                for row in rows:
                    copy.write_row(tuple(row))
        except _errors() as error:
            _raise(error)

    def rows(self, statement: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows."""
        try:
            return self._run(statement, parameters or {}).fetchall()  # type: ignore[no-any-return]
        except _errors() as error:
            _raise(error)

    def run_counted(self, statement: str, parameters: Mapping[str, Any], met: int) -> None:
        """Run a statement that meets so many rows. Raises RowsNotMet where it does not. Not within a pipeline."""
        check_met(self.run(statement, parameters), met)

    def run_as_one(
        self,
        statements: Sequence[tuple[str, Mapping[str, Any]]],
        last: tuple[str, Mapping[str, Any]],
        met: Mapping[int, int],
    ) -> None:
        """Run statements of which none reads what another writes, and one that selects, as one; on PostgreSQL only.

        `met`: of some of them, by their number, how many rows they return. Raises RowsNotMet where they do not.
        """
        both = (*statements, last)
        values = {f"{name}_{n}": value for n, (_, named) in enumerate(both) for name, value in named.items()}
        values |= {f"met_{n}": count for n, count in met.items()}
        self.run(_as_one(tuple(statement for statement, _ in both), frozenset(met)), values)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Wait for nothing of what is run in this block until all of it is sent, where that can be had."""
        if not self.is_postgresql:
            yield
            return
        try:
            with self._driver.pipeline():
                yield
        except BaseException as error:
            self._info[BROKEN] = True
            if isinstance(error, _errors()):
                _raise(error)
            raise
