"""Upgrades beside processes that serve: old code on the new schema, new code on the old one, and on no wrong one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest
from alembic import command
from facts_scene import edited, scene, write
from later_schema import AFTER, BEFORE
from sqlalchemy import Engine, create_engine, text

from sealauthz.facts import Consistency, FactCache, Store, upgrade
from sealauthz.facts.store import serving
from sealauthz.facts.store.serving import head, serves_from
from sealauthz.facts.store.tables import tables_of
from sealauthz.facts.store.upgrading import upgrade_statements
from sealauthz.model import MODEL
from sealauthz.runtime.errors import FactsUnavailable
from sealauthz.schema import Model

FULL, MEMORY = Consistency(is_full=True), Consistency()


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """Somebody who upgrades the database, and goes back."""
    engine = create_engine(database_url.replace("postgresql:", "postgresql+psycopg:"))
    yield engine
    engine.dispose()


def run(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


NEWER = (
    "ALTER TABLE seal ADD COLUMN shape TEXT",
    "ALTER TABLE seal ADD COLUMN weight BIGINT NOT NULL DEFAULT 7",
    "UPDATE alembic_version SET version_num = '9999'",
)


def name(cache: FactCache, consistency: Consistency = FULL) -> str:
    return cache.answer(lambda snapshot: str(snapshot.find("Seal", "s1").name), consistency)


def test_a_process_goes_on_to_serve_where_a_newer_schema_says_so(database_url: str, engine: Engine) -> None:
    """Before, during and after the upgrade; and a process that begins after it."""
    with closing(Store.open(database_url, MODEL)) as store:
        write(store, *scene())
        cache = FactCache(store, max_age_s=1e9)
        before = name(cache)
        run(engine, *NEWER, f"UPDATE store_identity SET origin = NULL, serves_from = '9999:{head(MODEL)}'")
        assert name(cache) == before
        write(store, edited("Seal", "s1", name="of old code"), edited("Seal", "s1", id="s9", name="new"))
        assert name(cache) == "of old code"
        with closing(Store.open(database_url, MODEL)) as other:
            assert name(FactCache(other)) == "of old code"
            assert {stored.record.id for stored in other.read("Seal").records} >= {"s1", "s9"}
    with engine.connect() as connection:
        assert connection.execute(text("SELECT weight FROM seal WHERE id = 's9'")).scalar() == 7


@pytest.mark.parametrize("said", ["9999:9999", "0000:0001", "0001", ""])
def test_a_process_answers_nothing_where_a_newer_schema_does_not_say_so(
    database_url: str, engine: Engine, said: str
) -> None:
    with closing(Store.open(database_url, MODEL)) as store:
        write(store, *scene())
        cache = FactCache(store, max_age_s=1e9)
        assert name(cache)
        run(engine, *NEWER, f"UPDATE store_identity SET origin = NULL, serves_from = '{said}'")
        for answer in (
            lambda: name(cache),
            store.revision,
            lambda: write(store, edited("Seal", "s1", name="x")),
            lambda: Store.open(database_url, MODEL),
        ):
            with pytest.raises(FactsUnavailable, match=r"at schema `9999`, not at"):
                answer()
        run(engine, f"UPDATE alembic_version SET version_num = '{head(MODEL)}'")
        assert name(cache)


@pytest.fixture
def at_old(database_url: str, engine: Engine, later: Model) -> Model:
    """The model of a database that was not upgraded yet."""
    tables_of(MODEL).metadata.drop_all(engine)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
        config = serving.alembic_config(later)
        config.attributes["connection"] = connection
        command.upgrade(config, BEFORE)
    return later


def test_new_code_serves_an_older_schema_and_learns_of_the_upgrade(
    database_url: str, engine: Engine, at_old: Model
) -> None:
    with closing(Store.open(database_url, at_old)) as store:
        new = new_of_scene(store)
        write(store, *(record for record in scene() if record not in new))
        cache = FactCache(store, max_age_s=1e9)
        assert name(cache)
        assert write(store, edited("Seal", "s1", name="x")).revision == 2
        assert name(cache) == "x"
        for record_type in MODEL.records:
            store.read(record_type)
        with pytest.raises(FactsUnavailable, match="run `sealauthz db upgrade`"):
            write(store, *new)
        assert upgrade(database_url, at_old) == AFTER
        assert write(store, edited("Seal", "s1", name="y")).revision == 3
        assert name(cache) == "y"
        write(store, *scene())
        assert store._database.identity.schema == AFTER


def test_the_statements_of_an_upgrade_are_shown_and_nothing_is_changed(
    database_url: str, engine: Engine, at_old: Model
) -> None:
    statements = upgrade_statements(database_url, at_old)
    assert any(statement.startswith("CREATE TABLE seal_witness (") for statement in statements)
    assert statements == upgrade_statements(database_url, at_old), "it was rolled back"
    assert not any(statement.split()[0] in ("SELECT", "PRAGMA", "BEGIN") for statement in statements)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement.replace("%", "%%"))
    assert upgrade_statements(database_url, at_old) == []
    with closing(Store.open(database_url, at_old)) as store:
        assert store._database.identity.schema == AFTER
        assert store.revision() == 0


def new_of_scene(store: Store) -> list[Any]:
    """The records of the scene that an older schema has no place for, and those that name one of them."""
    found: list[Any] = []
    for record in scene():
        columns = tables_of(MODEL).of(type(record).__name__).c.keys()
        ids = {each.id for each in found}
        if is_new(store, record) or any(getattr(record, name, None) in ids for name in columns if name != "id"):
            found.append(record)
    return found


def is_new(store: Store, record: Any) -> bool:
    """Whether the database has no table yet for a record, or no column for a value of it."""
    table = tables_of(MODEL).of(type(record).__name__)
    absent = {column for name, column in store.tables.absent if name == table.name}
    return "" in absent or any(getattr(record, column) for column in absent)


def test_a_column_that_is_not_there_yet_reads_as_its_default_and_loses_no_value(
    database_url: str, at_old: Model
) -> None:
    with closing(Store.open(database_url, at_old)) as store:
        new = new_of_scene(store)
        assert write(store, *(record for record in scene() if record not in new)).revision == 1
        cache = FactCache(store, max_age_s=1e9)

        def hashed(consistency: Consistency = MEMORY) -> str:
            return cache.answer(lambda snapshot: str(snapshot.find("Person", "bob").phone_hash), consistency)

        assert hashed(FULL) == hashed() == ""
        found = {stored.record.id: stored.record.phone_hash for stored in store.read("Person").records}
        assert found["bob"] == ""
        assert store.read("Person", {"id": "bob", "phone_hash": ""}).records
        assert not store.read("Person", {"phone_hash": "0a1b"}).records
        write(store, edited("Person", "bob", phone="1380000"))
        with pytest.raises(FactsUnavailable, match="has no `phone_hash` of `Person` yet: run `sealauthz db upgrade`"):
            write(store, edited("Person", "bob", phone_hash="0a1b2c3d4e5f60718293"))
        # Rows get another value than the default: what is in memory must not outlive the upgrade.
        upgrade(database_url, at_old)
        assert hashed(FULL) == hashed() == "migrated"
        write(store, edited("Person", "bob", phone_hash="0a1b2c3d4e5f60718293"))
        assert hashed() == "0a1b2c3d4e5f60718293"


@pytest.mark.parametrize(
    "statement", ["ALTER TABLE seal DROP COLUMN name", "DROP TABLE fact_import_new", "DROP TABLE seal_hold"]
)
def test_a_schema_that_lacks_more_is_not_served(
    database_url: str, engine: Engine, at_old: Model, statement: str
) -> None:
    run(engine, statement)
    with pytest.raises(FactsUnavailable, match="run `sealauthz db upgrade`"):
        Store.open(database_url, at_old)


def test_a_schema_that_no_migration_speaks_of_is_not_served(database_url: str, engine: Engine) -> None:
    run(engine, "UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(FactsUnavailable, match="at schema `0000`, not at"):
        Store.open(database_url, MODEL)


def test_each_migration_says_who_may_serve_beside_it() -> None:
    """Also where nobody may: then it was thought about."""
    scripts = serving.chain(MODEL)
    known = [script.revision for script in scripts]
    for script in scripts:
        assert script.module.serves_from in known[: known.index(script.revision) + 1], script.revision
        assert script.module.serves_without is not None, script.revision


def test_code_that_does_not_know_a_column_goes_on_to_write_its_record(
    database_url: str, engine: Engine, at_old: Model
) -> None:
    """As code of the schema before does, which names the columns that it knows."""
    upgrade(database_url, at_old)
    with closing(Store.open(database_url, at_old)) as store:
        write(store, *scene())
    table = tables_of(MODEL).of("Person")
    names = ", ".join(column.name for column in table.c if column.name not in ("id", "id_hash", "phone_hash"))
    run(
        engine,
        f"INSERT INTO person (id, id_hash, {names}) SELECT 'new-' || id, 'new-' || id_hash, {names} FROM person",
    )
    with engine.connect() as connection:
        found = connection.execute(text("SELECT phone_hash FROM person WHERE id LIKE 'new-%'"))
        assert set(found.scalars()) == {""}


def test_the_oldest_code_that_may_serve_is_that_of_the_most_demanding_migration(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def script(revision: str, **says: str) -> Any:
        return SimpleNamespace(revision=revision, module=SimpleNamespace(**says))

    def says(*scripts: Any) -> str:
        monkeypatch.setattr(serving, "chain", lambda _: list(scripts))
        return serves_from(MODEL)

    first, second = script("1"), script("2", serves_from="1")
    assert says(first) == "1:1"
    assert says(first, second) == "2:1"
    assert says(first, second, script("3", serves_from="2")) == "3:2"
    assert says(first, second, script("3")) == "3:3"
    assert says(first, script("2"), script("3", serves_from="1")) == "3:2"
