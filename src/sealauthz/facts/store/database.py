"""Connections and transactions: SQLite and PostgreSQL behave alike, and their errors become ours.

The drivers run in autocommit and every transaction begins with our own statement, because with the drivers' default
transactions a load of several statements can mix two commits.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, event
from sqlalchemy.exc import DisconnectionError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from sealauthz.facts.store.engine import LIVELINESS, LOCK_TIMEOUT_S, MAX_CONNECTIONS, make_engine, parse
from sealauthz.facts.store.extensions import applied, check_has
from sealauthz.facts.store.identity import Identity, SchemaMoved, Seen, catalog_statement
from sealauthz.facts.store.serving import served_schema
from sealauthz.facts.store.statements import BROKEN, dialect, driver
from sealauthz.facts.store.tables import Tables, tables_of
from sealauthz.runtime.errors import FactsUnavailable
from sealauthz.schema import NO_EXTENSION, Model

if TYPE_CHECKING:
    import psycopg

T = TypeVar("T")


READ_TIMEOUT_S = 15
"""How long PostgreSQL works on one statement of a read before it gives up."""

CHANNEL = "sealauthz_facts"
"""The channel of PostgreSQL's NOTIFY on which every revision is announced, with its history: `announced`."""


FEED_NAME = "sealauthz feed"
"""What PostgreSQL shows as the application of a connection that listens."""


def announced(timeline: str, revision: int) -> str:
    """Return what is said of a new revision."""
    return f"{timeline}/{revision}"


_LOCK_ATTEMPT_MS = 800
_GENERATION, _IS_NEW = "generation", "is_new"
"""How long a read waits for its locks before it lets go of them and begins again.

Less than PostgreSQL's `deadlock_timeout` (1 second): where a read and a restore each hold what the other one wants, it
is never the restore that PostgreSQL ends.
"""


# INVARIANT: the locks come first. LOCK takes no snapshot; the first query takes it, and for all that follow. A
# snapshot from before a table was rewritten or truncated would read that table as empty: a right without its limits.
@cache
def _read_postgresql(tables: Tables) -> str:
    """Return the statements that begin a read, before its first query."""
    names = ", ".join(map(dialect(True).identifier_preparer.format_table, tables.there))
    statements = (
        "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        f"SET LOCAL statement_timeout = {_LOCK_ATTEMPT_MS}",
        f"LOCK TABLE {names} IN ACCESS SHARE MODE",
        f"SET LOCAL statement_timeout = '{READ_TIMEOUT_S}s'",
    )
    return "".join(f"{statement}; " for statement in statements)


# Not READ WRITE, which would write to a database that is set to be read only, as providers do when its disk fills up.
_WRITE_POSTGRESQL = "BEGIN ISOLATION LEVEL READ COMMITTED"


# The driver of PostgreSQL is imported where it is used: a command on SQLite starts sooner without it, and loads it at
# most when something fails.
@cache
def _errors() -> tuple[type[Exception], ...]:
    """What the databases raise."""
    import psycopg

    return (SQLAlchemyError, psycopg.Error, sqlite3.Error)


@cache
def _waited_for_locks() -> tuple[type[Exception], ...]:
    """What PostgreSQL raises where a lock was not to be had in time."""
    from psycopg.errors import LockNotAvailable, QueryCanceled

    return (QueryCanceled, LockNotAvailable)


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn what the database raises into FactsUnavailable, except for broken constraints."""
    try:
        yield
    except IntegrityError:
        raise
    except _errors() as error:
        raise FactsUnavailable(f"the facts cannot be {doing} now") from error


class ReadTransaction:
    """One read transaction: everything in it is read at `revision` of the history `timeline`.

    `mark` tells the newest change apart from one that another history has at the same revision.
    """

    __slots__ = (
        "_driver",
        "_is_open",
        "connection",
        "is_postgresql",
        "mark",
        "restored",
        "revision",
        "schema",
        "tables",
        "timeline",
    )

    def __init__(
        self,
        connection: Connection,
        tables: Tables,
        identity: Identity,
        is_postgresql: bool,
        *,
        may_be_incomplete: bool = False,
    ) -> None:
        self.connection = connection
        self.tables = tables
        self.is_postgresql = is_postgresql
        self.schema = identity.schema
        self._driver: Any = driver(connection)
        known = identity.last  # before the snapshot, which must have it
        looking = identity.statement
        if is_postgresql:
            cursor = _begin_read(self._driver, _read_postgresql(tables) + looking)
        else:
            self._driver.execute("BEGIN")
            cursor = self._driver.execute(looking)
        seen = identity.check(cursor.fetchall(), known, server_of(connection), self._rows)
        # INVARIANT: of the same snapshot as the facts. Who decides by these asks for nothing else.
        if not may_be_incomplete:
            seen.check_complete()
        self.restored = seen.restored
        self.revision: int = seen.revision
        self.timeline: str = seen.timeline
        self.mark: tuple[Any, ...] = seen.mark
        self._is_open = True

    def end(self) -> None:
        """Answer nothing more: the connection is about to serve somebody else."""
        self._is_open = False

    def fetch(self, statement: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run one compiled statement and return its rows."""
        self._check_open()
        with translated("read"):
            return self._driver.execute(statement, parameters).fetchall()  # type: ignore[no-any-return]

    def fetch_each(self, statements: Sequence[str], parameters: Mapping[str, Any]) -> list[list[tuple[Any, ...]]]:
        """Run several compiled statements with the same parameters, in one round trip where that can be had."""
        self._check_open()
        with translated("read"):
            if not self.is_postgresql:
                return [self._driver.execute(statement, parameters).fetchall() for statement in statements]
            with self._driver.pipeline():
                cursors = [self._driver.execute(statement, parameters) for statement in statements]
                return [cursor.fetchall() for cursor in cursors]

    def catalog(self) -> str:
        """Return what changes when a table is rewritten, emptied, or dropped and made again."""
        with translated("read"):
            return str(self._rows(catalog_statement(self.tables, self.is_postgresql))[0][0])

    def _rows(self, statement: str) -> list[tuple[Any, ...]]:
        return self._driver.execute(statement).fetchall()  # type: ignore[no-any-return]

    def _check_open(self) -> None:
        if not self._is_open:
            raise RuntimeError("a transaction is used after its end")


def _begin_read(connection: Any, statements: str) -> Any:
    """Begin a read on PostgreSQL, in one round trip; return what the last query of it found.

    Raises one of `_waited_for_locks` where somebody has kept a table locked for LOCK_TIMEOUT_S.
    """
    until = time.monotonic() + LOCK_TIMEOUT_S
    while True:
        try:
            cursor = connection.execute(statements)
        except _waited_for_locks():
            connection.execute("ROLLBACK")
            if time.monotonic() >= until:
                raise
        else:
            while cursor.nextset():
                pass
            return cursor


class Listener:
    """A connection of its own on which PostgreSQL says that there is a new revision. For one thread."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        try:
            connection.execute(f"LISTEN {CHANNEL}")
        except BaseException:
            connection.close()
            raise

    def fileno(self) -> int:
        """Return what can be waited for with `select`."""
        return self._connection.fileno()

    def take(self) -> list[str]:
        """Take what has come: which revisions are announced. Raises FactsUnavailable when the connection is lost."""
        with translated("followed"):
            return [notify.payload for notify in self._connection.notifies(timeout=0)]

    def hears(self, payload: str, within_s: float) -> bool:
        """Wait for one announcement; return whether it came. Raises FactsUnavailable when the connection is lost."""
        with translated("followed"):
            return any(notify.payload == payload for notify in self._connection.notifies(timeout=within_s))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class Database:
    """The engine of one database, and the two kinds of transaction."""

    def __init__(self, url: str, model: Model) -> None:
        self.model = model
        self.tables = tables_of(model)
        parsed = parse(url)
        self.is_postgresql = parsed.get_backend_name() == "postgresql"
        self._writer = threading.Lock()
        self._path = None if self.is_postgresql else Path(parsed.database or "").absolute()
        self._file: tuple[int, int] | None = None
        self.identity = Identity(self.is_postgresql)
        self.engine = make_engine(parsed, must_exist=True)
        self._generation = 0
        event.listen(self.engine, "do_connect", self._note_generation)
        event.listen(self.engine, "checkout", self._replace_what_is_of_before)
        event.listen(self.engine, "checkin", self._close_what_is_of_before)

    def close(self) -> None:
        """Close every connection: one that is in use when it is given back."""
        self._generation += 1
        self.engine.dispose()

    @property
    def connections(self) -> tuple[int, int]:
        """How many connections of the pool are in use, and how many may be."""
        pool = self.engine.pool
        return (pool.checkedout() if isinstance(pool, QueuePool) else 0), MAX_CONNECTIONS - 1

    def listen(self, name: str = FEED_NAME) -> Listener | None:
        """Listen for new revisions, as an application of this name; None where the database cannot say so.

        Raises FactsUnavailable.
        """
        if not self.is_postgresql:
            return None
        import psycopg

        _, options = self.engine.dialect.create_connect_args(self.engine.url)
        settings: dict[str, Any] = {**options, **LIVELINESS, "application_name": name}
        with translated("followed"):
            connection = psycopg.connect(**settings, autocommit=True)
            return Listener(connection)

    @contextmanager
    def plain(self) -> Iterator[Connection]:
        """Open a connection outside of any transaction. Raises FactsUnavailable."""
        self._check_file()
        with translated("read"), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def read(self, *, may_be_incomplete: bool = False) -> Iterator[ReadTransaction]:
        """Open a read transaction. Raises FactsUnavailable; RestoreIncomplete unless the store `may_be_incomplete`."""
        with ExitStack() as stack:
            try:
                transaction = stack.enter_context(self._reading(may_be_incomplete))
            except SchemaMoved:
                self.adapt()
                transaction = stack.enter_context(self._reading(may_be_incomplete))
            stack.callback(transaction.end)
            yield transaction

    def _reading(self, may_be_incomplete: bool) -> AbstractContextManager[ReadTransaction]:
        return self._transaction(
            "read",
            lambda connection: ReadTransaction(
                connection, self.tables, self.identity, self.is_postgresql, may_be_incomplete=may_be_incomplete
            ),
        )

    def adapt(self) -> None:
        """Make statements for the schema that the database has now. Raises FactsUnavailable for one that nobody knows.

        What is in memory was read with other statements: readings tell by `ReadTransaction.schema`.
        """
        with self.plain() as connection:
            served = served_schema(connection, self.model)
            extension, generation = applied(connection) if self.model.extends is not None else (NO_EXTENSION, 0)
        check_has(extension, self.model)
        self.tables = tables_of(self.model, served.absent)
        self.identity.is_extended = generation > 0
        self.identity.schema = f"{served.version}+{generation}" if generation else served.version

    @contextmanager
    def write(self, settings: str = "") -> Iterator[Connection]:
        """Open a write transaction; it commits unless an exception leaves. Raises FactsUnavailable, IntegrityError.

        `settings` are set for it on PostgreSQL, in the same round trip.
        """
        begin = partial(self._begin_write, settings)
        with self._one_writer(), self._transaction("written", begin) as connection:
            yield connection

    @contextmanager
    def _one_writer(self) -> Iterator[None]:
        """Let writers of this process queue for SQLite: it lets one in at a time, but makes the others poll."""
        if self.is_postgresql:
            yield
            return
        if not self._writer.acquire(timeout=LOCK_TIMEOUT_S):
            raise FactsUnavailable("the facts cannot be written now")
        try:
            yield
        finally:
            self._writer.release()

    def _begin_write(self, settings: str, connection: Connection) -> Connection:
        driver(connection).execute(f"{_WRITE_POSTGRESQL}{settings}" if self.is_postgresql else "BEGIN IMMEDIATE")
        return connection

    @contextmanager
    def _transaction(self, doing: str, begin: Callable[[Connection], T]) -> Iterator[T]:
        """Take a connection, begin, and commit or roll back at the end."""
        self._check_file()
        with translated(doing):
            connection, begun = self._begin(begin)
        is_sound = False
        try:
            with translated(doing):
                yield begun
                if not _has_ended(connection):
                    driver(connection).execute("COMMIT")
            is_sound = True
        except FactsUnavailable:
            is_sound = self._survives(connection)
            raise
        except BaseException:
            is_sound = _is_rolled_back(connection) and BROKEN not in connection.info
            raise
        finally:
            _give_back(connection, is_sound)

    def _begin(self, begin: Callable[[Connection], T]) -> tuple[Connection, T]:
        """Begin on a pooled connection. One that died while it was idle is replaced once: nothing has been done yet."""
        connection = self.engine.connect()
        generation: int = connection.info[_GENERATION]
        try:
            return connection, begin(connection)
        except BaseException as error:
            _give_back(connection, self._survives(connection))
            if not _is_of_the_connection(error):
                raise
        # Its neighbours in the pool have most likely died with it. Each is replaced when it is taken: to a pool that is
        # disposed of, others would give back what they are just connecting, and nobody would close that.
        self._generation = max(self._generation, generation + 1)
        connection = self.engine.connect()
        try:
            return connection, begin(connection)
        except BaseException:
            _give_back(connection, is_sound=False)
            raise

    def _survives(self, connection: Connection) -> bool:
        """Roll back what failed. Tell whether the connection may be used again, as one to SQLite may.

        The last connection to an SQLite file that closes takes the index of the log with it, and a disk without room
        takes no new one: what could still be read could be read no longer.
        """
        return not self.is_postgresql and _is_rolled_back(connection)

    def _note_generation(self, _dialect: object, record: ConnectionPoolEntry, *_how: object) -> None:
        """Note it before a connection is made: one that leads to what was there before must not count as of after."""
        record.info[_GENERATION], record.info[_IS_NEW] = self._generation, True

    def _replace_what_is_of_before(self, _connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
        """Have the pool connect again where others of the same age have died; not what was made a moment ago."""
        if not record.info.pop(_IS_NEW, False) and record.info[_GENERATION] != self._generation:
            raise DisconnectionError

    def _close_what_is_of_before(self, _connection: object, record: ConnectionPoolEntry) -> None:
        """Close it when it is given back: a pool that was disposed of would keep it open until garbage is collected."""
        if record.info.get(_GENERATION) != self._generation:
            record.invalidate()

    def _check_file(self) -> None:
        """See that the SQLite file is still the one that we opened: an open file outlives its name."""
        if self._path is None:
            return
        try:
            status = self._path.stat()
        except OSError as error:
            raise FactsUnavailable(
                "the database file is not there; if it never was, run `sealauthz db upgrade`"
            ) from error
        file = (status.st_dev, status.st_ino)
        if self._file != file:
            if self._file is not None:
                self._generation += 1
            self._file = file


def server_of(connection: Connection) -> str:
    """Return what names the database that a connection is to, as `identity.SERVER` does; empty on SQLite."""
    return str(connection.info.get("server", ""))


def look(connection: Connection, identity: Identity) -> Callable[[], Seen]:
    """Look for the newest revision in the middle of a transaction; it is told once the pipeline is over, if there is
    one. Telling raises FactsUnavailable, HistoryLost.
    """
    known = identity.last
    asked = driver(connection).execute(identity.statement)

    def fetch(statement: str) -> list[tuple[Any, ...]]:
        return driver(connection).execute(statement).fetchall()  # type: ignore[no-any-return]

    return lambda: identity.check(asked.fetchall(), known, server_of(connection), fetch)


def end(connection: Connection) -> None:
    """Commit with what was sent before, on PostgreSQL; elsewhere the transaction does, when it is left."""
    if connection.dialect.name == "postgresql":
        driver(connection).execute("COMMIT")


def _has_ended(connection: Connection) -> bool:
    """Tell whether a transaction was committed by `end`."""
    if connection.dialect.name != "postgresql":
        return False
    from psycopg.pq import TransactionStatus

    return bool(driver(connection).pgconn.transaction_status == TransactionStatus.IDLE)


def _is_of_the_connection(error: BaseException) -> bool:
    """Tell whether the driver of PostgreSQL lost its connection, rather than did not get a lock in time."""
    import psycopg

    return isinstance(error, psycopg.OperationalError) and not isinstance(error, _waited_for_locks())


def _is_rolled_back(connection: Connection) -> bool:
    """Roll back. False if that failed and the connection must not be used again."""
    used = driver(connection)
    if used is None:
        return False  # the store was closed, and then nobody was left who would end what was begun: the pool closed it
    try:
        # SQLite has rolled back by itself after some errors, and refuses to do it twice.
        if getattr(used, "in_transaction", True):
            used.execute("ROLLBACK")
    except _errors():
        return False
    return True


def _give_back(connection: Connection, is_sound: bool) -> None:
    """Return the connection to the pool, or close it for good where it may be in any state."""
    try:
        if not is_sound:
            connection.invalidate()
        connection.close()
    except _errors():
        pass
