"""The schema of the database: bringing it up to date, and refusing one that is not."""

from __future__ import annotations

from contextlib import closing

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from sealauthz.errors import FactsUnavailable
from sealauthz.facts.store.database import driver, make_engine, parse, translated

_UPGRADE_LOCK = 0x5EA1_A073
"""The key of PostgreSQL's advisory lock under which one upgrade runs at a time."""


def _config() -> Config:
    """Return Alembic's configuration; there is no file."""
    config = Config()
    config.set_main_option("script_location", "sealauthz.facts:migrations")
    config.set_main_option("path_separator", "os")
    return config


def head() -> str:
    """Return the newest revision of the schema."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def upgrade(url: str) -> str:
    """Bring the database up to the newest schema, in one transaction; return that schema's revision.

    A missing SQLite file is created. Raises ConfigRefused, FactsUnavailable.
    """
    parsed = parse(url)
    engine = make_engine(parsed, must_exist=False)
    config = _config()
    try:
        # SQLAlchemy's transaction keeps Alembic from committing; ours is the one that the database sees.
        with translated("upgraded"), closing(engine.connect()) as connection, connection.begin():
            is_postgresql = connection.dialect.name == "postgresql"
            if is_postgresql:
                driver(connection).execute("BEGIN")
                driver(connection).execute(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})")
            else:
                # A table that is made anew must not take the rows that point to it along. Only this connection is so.
                driver(connection).execute("PRAGMA foreign_keys = OFF")
                driver(connection).execute("BEGIN IMMEDIATE")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            if not is_postgresql and driver(connection).execute("PRAGMA foreign_key_check").fetchone():
                raise FactsUnavailable("the database holds a record that refers to none")
    except CommandError as error:
        raise FactsUnavailable("the database is at a schema that this version does not know") from error
    finally:
        engine.dispose()
    return head()


def current(connection: Connection) -> str:
    """Return the schema's revision; empty for a database without one."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def check_schema(connection: Connection) -> None:
    """Raises FactsUnavailable if the database is not at the newest schema."""
    found, wanted = current(connection), head()
    if found != wanted:
        was = f"at schema `{found}`" if found else "without a schema"
        raise FactsUnavailable(f"the database is {was}, not at `{wanted}`; run `sealauthz db upgrade`")
