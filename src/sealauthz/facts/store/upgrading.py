"""Bringing the schema of the database up to date."""

from __future__ import annotations

import uuid
from contextlib import closing

from alembic import command
from alembic.util import CommandError
from sqlalchemy import Column, Connection, MetaData, String, Table, insert

from sealauthz.errors import FactsUnavailable
from sealauthz.facts.store.database import driver, make_engine, parse, translated
from sealauthz.facts.store.identity import seal_statement
from sealauthz.facts.store.serving import alembic_config, current, head, serves_from
from sealauthz.facts.store.tables import STORE_IDENTITY, tables_of
from sealauthz.schema import Model

_UPGRADE_LOCK = 0x5EA1_A073
"""The key of PostgreSQL's advisory lock under which one upgrade runs at a time."""

_VERSION = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))


def upgrade(url: str, model: Model) -> str:
    """Bring the database up to the newest schema, in one transaction; return that schema's revision.

    A missing SQLite file is created. A model without migrations gets its tables in an empty database. Raises
    ConfigRefused, FactsUnavailable.
    """
    parsed = parse(url)
    engine = make_engine(parsed, must_exist=False)
    try:
        # SQLAlchemy's transaction keeps Alembic from committing; ours is the one that the database sees.
        with translated("upgraded"), closing(engine.connect()) as connection, connection.begin():
            is_postgresql = connection.dialect.name == "postgresql"
            if is_postgresql:
                driver(connection).execute("BEGIN")
                driver(connection).execute(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})")
            else:
                # A table that is made again must not take the rows that point to it along. Only this connection is so.
                driver(connection).execute("PRAGMA foreign_keys = OFF")
                driver(connection).execute("BEGIN IMMEDIATE")
            _bring_up(connection, model)
            if not is_postgresql and driver(connection).execute("PRAGMA foreign_key_check").fetchone():
                raise FactsUnavailable("the database holds a record that refers to none")
    except CommandError as error:
        raise FactsUnavailable("the database is at a schema that this version does not know") from error
    finally:
        engine.dispose()
    return head(model)


def _bring_up(connection: Connection, model: Model) -> None:
    if model.migrations:
        config = alembic_config(model)
        config.attributes["connection"] = connection
        config.attributes["metadata"] = tables_of(model).metadata
        command.upgrade(config, "head")
    elif not current(connection):
        tables_of(model).metadata.create_all(connection)
        connection.execute(insert(STORE_IDENTITY).values(store_id=str(uuid.uuid4()), timeline_id=str(uuid.uuid4())))
        _VERSION.create(connection)
        connection.execute(insert(_VERSION).values(version_num=head(model)))
    driver(connection).execute(seal_statement(connection.dialect.name == "postgresql", serves_from(model)))
