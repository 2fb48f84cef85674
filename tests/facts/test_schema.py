"""The schema: what the migrations make is what the records say, and nothing else is served."""

from __future__ import annotations

import dataclasses
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from facts_scene import everything, scene, write
from later_schema import AFTER, BEFORE, BROUGHT
from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy import column as sql_column
from sqlalchemy import table as sql_table
from sqlalchemy.exc import IntegrityError

from sealauthz.facts import Store, upgrade
from sealauthz.facts.store import serving as schema
from sealauthz.facts.store.database import Database
from sealauthz.facts.store.serving import chain, current, head
from sealauthz.facts.store.tables import tables_of
from sealauthz.model import MODEL
from sealauthz.runtime.errors import ConfigRefused, FactsUnavailable, InvariantBroken
from sealauthz.schema import Model, shape_of

CATALOG = {
    "sqlite": "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE tbl_name <> 'alembic_version'",
    "postgresql": """
        SELECT 'column', table_name::text, column_name::text,
               concat_ws(' ', data_type, is_nullable, collation_name) FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name <> 'alembic_version'
        UNION ALL SELECT 'constraint', conrelid::regclass::text, conname::text, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 'alembic_version'::regclass
        UNION ALL SELECT 'index', tablename::text, indexname::text, indexdef FROM pg_indexes
        WHERE schemaname = 'public' AND tablename <> 'alembic_version'
    """,
}


def engine_of(url: str) -> Engine:
    return create_engine(url.replace("postgresql:", "postgresql+psycopg:"))


def catalog(engine: Engine) -> list[tuple[Any, ...]]:
    """Everything that the database itself says about the schema."""
    with engine.connect() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS alembic_version (version_num text)"))
        rows = connection.execute(text(CATALOG[engine.dialect.name]))
        return sorted(tuple(_normal(str(value)) for value in row) for row in rows)


def _normal(definition: str) -> str:
    """A definition without its white space, the quotes of a table that was made anew, and the order of a table's
    constraints, which means nothing; and without defaults, which are there for code that does not know the column.
    """
    plain = re.sub(r'^CREATE TABLE "(\w+)"', r"CREATE TABLE \1", " ".join(definition.split()))
    plain = re.sub(r" DEFAULT (?:'\w*'|\d+)", "", plain)
    first, *constraints = plain.split(", CONSTRAINT ")
    return " / ".join([first, *sorted(constraint.rstrip(" )") for constraint in constraints)])


def test_what_the_migrations_make_is_what_the_records_say(database_url: str, new_database: Any) -> None:
    migrated = engine_of(database_url)
    with migrated.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables_of(MODEL).metadata) == []
    # Alembic compares neither checks nor conditions of indexes, so the catalogs are compared as well.
    derived = engine_of(new_database(migrated.dialect.name))
    tables_of(MODEL).metadata.drop_all(derived)
    tables_of(MODEL).metadata.create_all(derived)
    assert catalog(migrated) == catalog(derived)
    migrated.dispose()
    derived.dispose()


def test_a_table_has_the_columns_of_its_record_and_its_revision() -> None:
    for cls in MODEL.records.values():
        assert [c.name for c in tables_of(MODEL).of(cls.__name__).columns] == [
            *(c.name for c in shape_of(cls).columns),
            "revision",
        ]
        for column in shape_of(cls).columns:
            assert tables_of(MODEL).of(cls.__name__).c[column.name].nullable == column.is_optional
            if column.ref is not None and column.ref != cls.__name__:
                assert tables_of(MODEL).dependency_order[column.ref] < tables_of(MODEL).dependency_order[cls.__name__]


def test_upgrading_again_changes_nothing(database_url: str) -> None:
    store = Store.open(database_url, MODEL)
    assert upgrade(database_url, MODEL) == head(MODEL)
    again = Store.open(database_url, MODEL)
    assert again.store_id == store.store_id
    with again.read_transaction() as one, store.read_transaction() as other:
        assert one.timeline == other.timeline != store.store_id
    store.close()
    again.close()


def test_every_store_has_its_own_identity(tmp_path: Path) -> None:
    identities = set()
    for name in ("a", "b"):
        upgrade(f"sqlite:///{tmp_path}/{name}.db", MODEL)
        store = Store.open(f"sqlite:///{tmp_path}/{name}.db", MODEL)
        with store.read_transaction() as snapshot:
            identities |= {store.store_id, snapshot.timeline}
        store.close()
    assert len(identities) == 4


def test_a_database_that_is_not_at_the_newest_schema_is_refused(database_url: str) -> None:
    engine = engine_of(database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    with pytest.raises(FactsUnavailable, match=r"is at schema `0000`, not at `.*`; run `sealauthz db upgrade`"):
        Store.open(database_url, MODEL)
    with pytest.raises(FactsUnavailable, match="at a schema that this version does not know"):
        upgrade(database_url, MODEL)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    with pytest.raises(FactsUnavailable, match=r"is without a schema, .* run `sealauthz db upgrade`"):
        Store.open(database_url, MODEL)
    engine.dispose()


@pytest.fixture
def empty_url(database_url: str) -> str:
    """A database with nothing in it."""
    engine = engine_of(database_url)
    tables_of(MODEL).metadata.drop_all(engine)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    engine.dispose()
    return database_url


def test_an_upgrade_that_fails_leaves_nothing(empty_url: str) -> None:
    engine = engine_of(empty_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE task_seal (id text)"))  # in the way of one of the last tables
    with pytest.raises(FactsUnavailable):
        upgrade(empty_url, MODEL)
    assert inspect(engine).get_table_names() == ["task_seal"]
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE task_seal"))
    engine.dispose()
    assert upgrade(empty_url, MODEL) == head(MODEL)
    Store.open(empty_url, MODEL).close()


@pytest.fixture
def before_url(empty_url: str, later: Model) -> str:
    """A database at the schema before an upgrade, with a row for each record of the scene that it knows."""
    engine = engine_of(empty_url)
    with engine.begin() as connection:
        config = schema.alembic_config(later)
        config.attributes["connection"] = connection
        command.upgrade(config, BEFORE)
        known = set(inspect(connection).get_table_names())
        rows = [record for record in scene() if tables_of(MODEL).of(type(record).__name__).name in known]
        for record in sorted(rows, key=lambda record: tables_of(MODEL).dependency_order[type(record).__name__]):
            name = tables_of(MODEL).of(type(record).__name__).name
            columns = [column["name"] for column in inspect(connection).get_columns(name)]
            values = {column: getattr(record, column, 7) for column in columns}
            connection.execute(sql_table(name, *map(sql_column, columns)).insert(), values)
    engine.dispose()
    return empty_url


def test_what_was_written_before_an_upgrade_is_kept(before_url: str, later: Model) -> None:
    expected = {}
    for record in scene():
        name = tables_of(MODEL).of(type(record).__name__).name
        added = [each.partition(".")[2] for each in BROUGHT if each.startswith(f"{name}.")]
        if name not in BROUGHT:
            defaults = {column: shape_of(type(record)).column(column).default for column in added}
            expected[type(record).__name__, record.id] = dataclasses.replace(record, **defaults)
    expected["Person", "bob"] = dataclasses.replace(expected["Person", "bob"], phone_hash="migrated")
    assert len(expected) == len(scene()) - 1
    assert upgrade(before_url, later) == AFTER
    store = Store.open(before_url, later)
    assert {(type(record).__name__, record.id): record for record in everything(store)} == expected
    assert {stored.revision for stored in store.read("CustomRole").records} == {7}
    # Every row can still be written, and what it names is still checked.
    del expected["Person", "bob"]
    write(store, *expected.values())
    with pytest.raises(InvariantBroken, match="`Person:none` in `handler_id`"):
        write(store, dataclasses.replace(expected["SigningTask", "task1"], handler_id="none"))
    store.close()


def test_what_an_upgrade_makes_is_what_the_records_say(before_url: str, later: Model, new_database: Any) -> None:
    upgrade(before_url, later)
    upgraded = engine_of(before_url)
    derived = engine_of(new_database(upgraded.dialect.name))
    assert catalog(upgraded) == catalog(derived)
    upgraded.dispose()
    derived.dispose()


def test_a_row_that_refers_to_none_stops_the_upgrade(before_url: str, later: Model) -> None:
    engine = engine_of(before_url)
    lost = text("UPDATE task_seal SET seal_id = 'none'")
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection, pytest.raises(IntegrityError):
            connection.execute(lost)
        engine.dispose()
        return
    with engine.begin() as connection:
        connection.execute(lost)
    before = catalog(engine)
    with pytest.raises(FactsUnavailable, match="refers to none"):
        upgrade(before_url, later)
    assert catalog(engine) == before
    engine.dispose()


def test_two_upgrades_at_once_take_turns(empty_url: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(upgrade, [empty_url] * 2, [MODEL] * 2)) == [head(MODEL)] * 2
    Store.open(empty_url, MODEL).close()


def test_a_missing_file_is_refused_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(FactsUnavailable, match="run `sealauthz db upgrade`"):
        Store.open(f"sqlite:///{tmp_path}/none.db", MODEL)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url", ["", "nonsense", "sqlite://", "sqlite:///:memory:", "mysql://host/db", "postgresql+asyncpg://h/d"]
)
def test_a_url_that_facts_cannot_be_kept_in_is_refused(url: str) -> None:
    for action in (Store.open, upgrade):
        with pytest.raises(ConfigRefused):
            action(url, MODEL)


def test_the_database_itself_refuses_what_breaks_a_constraint(database_url: str) -> None:
    """The constraints hold for whoever writes past the checks of the store."""
    database = Database(database_url, MODEL)
    hold = "id, seal_id, source, placed_at, state, lift_proposed_at, reference, revision"
    person = "'VERIFIED', 'ACTIVE', 'OTHER', 'h', '', '', '', 0, 0, '', 0)"
    columns = [column.name for column in MODEL.shapes["Person"].columns if column.name != "same_as_id"]
    into = f"INSERT INTO person ({', '.join([*columns, 'revision'])}) VALUES"
    statements = {
        f"INSERT INTO seal_hold ({hold}) VALUES ('h', 'none', 'ADMIN', 1, 'PLACED', 0, '', 0)": "foreign key",
        f"{into} ('p', '', {person.replace('ACTIVE', 'MAYBE')}": "check",
        f"{into} ('p', NULL, {person}": "not.null",
    }
    for statement, kind in statements.items():
        with database.engine.connect() as connection, pytest.raises(IntegrityError, match=f"(?i){kind}"):
            connection.execute(text(statement))
    database.close()


def test_the_newest_schema_is_read_from_the_files_as_alembic_reads_it() -> None:
    assert head(MODEL) == chain(MODEL)[-1].revision


def test_a_database_says_its_schema_as_alembic_reads_it(database_url: str) -> None:
    database = Database(database_url, MODEL)
    with closing(database.engine.connect()) as connection:
        assert current(connection) == MigrationContext.configure(connection).get_current_revision() == head(MODEL)
        connection.exec_driver_sql("DELETE FROM alembic_version")
        assert current(connection) == ""
        connection.exec_driver_sql("DROP TABLE alembic_version")
        assert current(connection) == ""
    database.close()
