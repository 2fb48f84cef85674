"""Bringing the schema of the database up to date."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, MetaData, String, Table, event, insert

from sealauthz.facts.store.database import translated
from sealauthz.facts.store.engine import LOCK_TIMEOUT_S, make_engine, parse
from sealauthz.facts.store.extensions import apply, model_of
from sealauthz.facts.store.identity import seal_statement
from sealauthz.facts.store.serving import alembic_config, current, head, scripts_in, serves_from
from sealauthz.facts.store.statements import driver
from sealauthz.facts.store.system_tables import STORE_IDENTITY
from sealauthz.facts.store.tables import tables_of
from sealauthz.runtime.errors import FactsUnavailable
from sealauthz.schema import Model

_UPGRADE_LOCK = 0x5EA1_A073
"""The key of PostgreSQL's advisory lock under which one upgrade runs at a time."""

_TURN_WITHIN_S = 60
"""How long an upgrade waits for another one: on a busy machine one takes longer than any write."""

_CHANGING = frozenset({"CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE"})

_VERSION = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))


def upgrade(url: str, model: Model, *, drop_unused: bool = False) -> str:
    """Bring the database up to the newest schema, in one transaction; return that schema's revision.

    A missing SQLite file is created. A model without migrations gets its tables in an empty database. What the model
    was extended by is added. What the database was extended by beside stays, or goes if `drop_unused`. Raises
    ConfigRefused, FactsUnavailable.
    """
    with _upgrading(url, model, must_exist=False, drop_unused=drop_unused):
        pass
    return head(model)


def model_in(url: str, model: Model) -> Model:
    """Return the model that a database holds, with what was applied to it; the model itself where there is no database.

    Raises ConfigRefused, FactsUnavailable.
    """
    parsed = parse(url)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").exists():
        return model.built_in
    engine = make_engine(parsed, must_exist=True)
    try:
        with translated("read"), closing(engine.connect()) as connection:
            return model_of(connection, model)
    finally:
        engine.dispose()


def upgrade_statements(url: str, model: Model, *, drop_unused: bool = False) -> list[str]:
    """Return the statements with which `upgrade` would change this database as it is now; nothing is changed.

    They are run and rolled back, because some depend on the rows that are there: meanwhile the tables are locked. None
    where the database is at the newest schema. Raises ConfigRefused, FactsUnavailable.
    """
    statements: list[str] = []
    how = partial(_upgrading, url, model, must_exist=True, drop_unused=drop_unused)
    with suppress(_RolledBack), how(statements=statements) as is_newest:
        if is_newest:
            statements.clear()
        raise _RolledBack
    return statements


class _RolledBack(Exception):
    """Ends an upgrade that is only to be shown."""


@contextmanager
def _upgrading(
    url: str, model: Model, *, must_exist: bool, drop_unused: bool, statements: list[str] | None = None
) -> Iterator[bool]:
    """Upgrade and, unless an exception comes in, commit. Yields whether there was nothing to do.

    `statements` takes those that change something.
    """
    from alembic.util import CommandError

    parsed = parse(url)
    _ = tables_of(model.built_in).metadata  # takes a while the first time, in which nothing need be locked
    engine = make_engine(parsed, must_exist=must_exist)
    try:
        # SQLAlchemy's transaction keeps Alembic from committing; ours is the one that the database sees.
        with translated("upgraded"), closing(engine.connect()) as connection, connection.begin():
            is_postgresql = connection.dialect.name == "postgresql"
            if is_postgresql:
                driver(connection).execute("BEGIN")
                driver(connection).execute(f"SET LOCAL lock_timeout = '{_TURN_WITHIN_S}s'")
                driver(connection).execute(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})")
                driver(connection).execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'")
            else:
                driver(connection).execute(f"PRAGMA busy_timeout = {_TURN_WITHIN_S * 1000}")
                # A table that is made again must not take the rows that point to it along. Only this connection is so.
                driver(connection).execute("PRAGMA foreign_keys = OFF")
                driver(connection).execute("BEGIN IMMEDIATE")
            was_newest = current(connection) == head(model)
            if statements is not None:
                _record(connection, statements)
            model_of(connection, model)  # before anything is changed
            _bring_up(connection, model.built_in)
            was_newest = not apply(connection, model, drop_unused=drop_unused) and was_newest
            if statements is not None and is_postgresql:
                statements.append(_seal(connection, model))
            if not is_postgresql and driver(connection).execute("PRAGMA foreign_key_check").fetchone():
                raise FactsUnavailable("the database holds a record that refers to none")
            yield was_newest
    except CommandError as error:
        raise FactsUnavailable("the database is at a schema that this version does not know") from error
    finally:
        engine.dispose()


def _record(connection: Connection, statements: list[str]) -> None:
    """Have each statement that changes something written down, with its values."""

    def note(statement: str) -> None:
        if statement.split(None, 1)[:1] and statement.split(None, 1)[0].upper() in _CHANGING:
            statements.append(statement.strip())

    if connection.dialect.name == "sqlite":
        driver(connection).set_trace_callback(note)
        return

    # Here, because only PostgreSQL's statements are noted, and only by an upgrade.
    from psycopg import ClientCursor

    def before(_: Any, cursor: Any, statement: str, parameters: Any, __: Any, is_many: bool) -> None:
        for values in parameters if is_many else [parameters]:
            note(ClientCursor(cursor.connection).mogrify(statement, values))

    event.listen(connection, "before_cursor_execute", before)


def _seal(connection: Connection, model: Model) -> str:
    return seal_statement(connection.dialect.name == "postgresql", serves_from(model))


def _bring_up(connection: Connection, model: Model) -> None:
    if model.migrations:
        if current(connection) != head(model):
            _migrate(connection, model)
    elif not current(connection):
        tables_of(model).metadata.create_all(connection)
        connection.execute(insert(STORE_IDENTITY).values(store_id=str(uuid.uuid4()), timeline_id=str(uuid.uuid4())))
        _VERSION.create(connection)
        connection.execute(insert(_VERSION).values(version_num=head(model)))
    driver(connection).execute(_seal(connection, model))


def _migrate(connection: Connection, model: Model) -> None:
    """Run the migrations that a database lacks, as Alembic's own command does, which reads all of them each time."""
    from alembic.runtime.environment import EnvironmentContext

    config, scripts = alembic_config(model), scripts_in(model.migrations)
    config.attributes["connection"] = connection
    config.attributes["metadata"] = tables_of(model).metadata
    newest = head(model)
    with EnvironmentContext(
        config, scripts, fn=lambda found, _: scripts._upgrade_revs(newest, found), destination_rev=newest
    ):
        scripts.run_env()
