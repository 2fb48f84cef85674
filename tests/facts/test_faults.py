"""When the database is gone the answer is FactsUnavailable; when it is back, the same store serves."""

from __future__ import annotations

import contextlib
import gc
import logging
import sqlite3
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from facts_scene import NAME, PHONE, all_rows, edited, everything, person, scene, write
from sqlalchemy import event

from sealauthz.facts import FactCache, Store, upgrade
from sealauthz.facts.store import database as database_module
from sealauthz.facts.store import engine
from sealauthz.facts.store.database import Database
from sealauthz.model import MODEL
from sealauthz.runtime.errors import FactsUnavailable, HistoryLost, InvariantBroken, SealAuthzError


def path_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


def assert_nothing_is_answered(store: Store, fact_cache: FactCache) -> None:
    attempts: list[Callable[[], Any]] = [
        store.revision,
        lambda: store.read("Seal"),
        lambda: write(store, edited("Seal", "s1", name="lost")),
        lambda: fact_cache.read().__enter__(),
    ]
    for attempt in attempts:
        with pytest.raises(FactsUnavailable) as caught:
            attempt()
        assert "\n" not in str(caught.value)
        for word in ("psycopg", "sqlite3", "host", "connection", "/"):
            assert word not in str(caught.value)


def assert_all_is_answered(store: Store, fact_cache: FactCache) -> None:
    revision = write(store, edited("Seal", "s1", name=f"{store.revision()}")).revision
    with fact_cache.read() as snapshot:
        assert snapshot.revision == revision
        assert snapshot.find("Seal", "s1").name == f"{revision - 1}"


def test_postgresql_gone_and_back(new_database: Any, postgresql_uri: str) -> None:
    url = new_database("postgresql")
    name = url.split("/facts_")[1].split("?")[0]
    store = Store.open(url, MODEL)
    fact_cache = FactCache(store)
    write(store, *scene())
    assert_all_is_answered(store, fact_cache)
    with psycopg.connect(postgresql_uri, autocommit=True) as connection:
        ends = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
        connection.execute(f"ALTER DATABASE facts_{name} ALLOW_CONNECTIONS false")
        connection.execute(ends, [f"facts_{name}"])
        assert_nothing_is_answered(store, fact_cache)
        connection.execute(f"ALTER DATABASE facts_{name} ALLOW_CONNECTIONS true")
        assert_all_is_answered(store, fact_cache)
        # Idle connections that died, on a database that is there, are replaced without anybody noticing.
        connection.execute(ends, [f"facts_{name}"])
        assert_all_is_answered(store, fact_cache)
    store.close()


def test_sqlite_gone_and_back(new_database: Any) -> None:
    url = new_database("sqlite")
    store = Store.open(url, MODEL)
    fact_cache = FactCache(store)
    write(store, *scene())
    assert_all_is_answered(store, fact_cache)
    path = path_of(url)
    moved = path.rename(path.with_suffix(".moved"))
    assert_nothing_is_answered(store, fact_cache)
    assert not path.exists()
    moved.rename(path)
    assert_all_is_answered(store, fact_cache)
    store.close()


def test_another_file_in_its_place_is_seen_as_such(new_database: Any) -> None:
    url, other_url = new_database("sqlite"), new_database("sqlite")
    store, other = Store.open(url, MODEL), Store.open(other_url, MODEL)
    fact_cache = FactCache(store)
    write(store, *scene())
    write(other, *scene())
    write(other, edited("Seal", "s1", name="the other one"))
    other.close()
    with fact_cache.read() as snapshot:
        assert snapshot.find("Seal", "s1").name == "合同章"
    path_of(other_url).rename(path_of(url))
    for suffix in ("-wal", "-shm"):
        Path(f"{path_of(url)}{suffix}").unlink(missing_ok=True)
    with pytest.raises(HistoryLost, match="another store"), fact_cache.read():
        pass
    with closing(Store.open(url, MODEL)) as again, FactCache(again).read() as snapshot:
        assert snapshot.find("Seal", "s1").name == "the other one"
    store.close()


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "facts.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(FactsUnavailable):
        Store.open(f"sqlite:///{tmp_path}/facts.db", MODEL)


def test_a_writer_that_waits_too_long_is_told_so(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (database_module, engine):
        monkeypatch.setattr(module, "LOCK_TIMEOUT_S", 1)
    monkeypatch.setattr(engine, "PRAGMAS", ("PRAGMA busy_timeout = 200", *engine.PRAGMAS[1:]))
    store = Store.open(database_url, MODEL)
    write(store, *scene())
    if database_url.startswith("sqlite"):
        blocker: Any = sqlite3.connect(path_of(database_url), isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
    else:
        blocker = psycopg.connect(database_url)
        blocker.execute("SELECT * FROM enterprise WHERE id = 'e1' FOR UPDATE")
    before = everything(store)
    with pytest.raises(FactsUnavailable):
        write(store, edited("Seal", "s1", name="x"), request_id="r")
    assert everything(store) == before
    blocker.execute("ROLLBACK")
    blocker.close()
    receipt = write(store, edited("Seal", "s1", name="x"), request_id="r")
    assert (receipt.revision, receipt.is_replay) == (2, False)
    store.close()


def test_what_the_driver_logs_of_a_failed_pipeline_quotes_no_row(
    postgresql_uri: str, caplog: pytest.LogCaptureFixture
) -> None:
    with psycopg.connect(postgresql_uri) as connection, contextlib.suppress(KeyError), connection.pipeline():
        connection.execute("SELECT 'quoted'::bigint")
        raise KeyError
    assert "InvalidTextRepresentation" in caplog.text
    assert "quoted" not in caplog.text


def _triggered(body: str) -> list[str]:
    return [
        f"CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; END $$",
        "CREATE TRIGGER broken BEFORE INSERT ON person FOR EACH ROW EXECUTE FUNCTION broken()",
    ]


BREAKS: dict[str, dict[str, list[str]]] = {
    "sqlite": {
        "a missing table": [
            "CREATE TRIGGER broken BEFORE INSERT ON person BEGIN INSERT INTO missing VALUES (NEW.phone); END"
        ],
        "a row that is refused": ["CREATE TRIGGER broken BEFORE INSERT ON person BEGIN SELECT RAISE(ABORT, 'no'); END"],
    },
    "postgresql": {
        "a missing table": _triggered("INSERT INTO missing VALUES (NEW.phone)"),
        "a row that is refused": ["ALTER TABLE person ADD CONSTRAINT never CHECK (real_name = '') NOT VALID"],
        "a value that is refused": _triggered("NEW.revision = NEW.real_name"),
        "what a trigger says": _triggered("RAISE EXCEPTION 'not %', NEW"),
    },
}


@pytest.mark.parametrize(("backend", "case"), [(backend, case) for backend in BREAKS for case in BREAKS[backend]])
def test_an_unexpected_failure_tells_nothing_personal(
    new_database: Any, backend: str, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    url = new_database(backend)
    store = Store.open(url, MODEL)
    write(store, person("bob", real_name="", phone=""))
    admin: Any = sqlite3.connect(path_of(url)) if backend == "sqlite" else psycopg.connect(url, autocommit=True)
    for statement in BREAKS[backend][case]:
        admin.execute(statement)
    admin.close()
    caplog.set_level(logging.DEBUG)
    with pytest.raises(SealAuthzError) as caught:
        write(store, person("ann"))
    # With every cause of the error, as a log would have it.
    told = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert "person" in told
    for personal in (NAME, PHONE, "hash-ann"):
        assert personal not in told
    store.close()


@pytest.mark.parametrize("table", ["seal", "fact_change", "fact_change_unit", "fact_request"])
def test_nothing_stays_of_a_transaction_that_the_database_breaks(database_url: str, table: str) -> None:
    """Wherever the database fails within the transaction, none of it is seen, and the request may be sent again."""
    store = Store.open(database_url, MODEL)
    write(store, *scene())
    before = all_rows(store)
    if database_url.startswith("sqlite"):
        admin: Any = sqlite3.connect(path_of(database_url), isolation_level=None)
        event = "UPDATE" if table == "seal" else "INSERT"
        create = [f"CREATE TRIGGER broken BEFORE {event} ON {table} BEGIN SELECT RAISE(ABORT, 'disk full'); END"]
        drop = ["DROP TRIGGER broken"]
    else:
        admin = psycopg.connect(database_url, autocommit=True)
        create = [
            "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'disk full' USING ERRCODE = '53100'; END $$",
            f"CREATE TRIGGER broken BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION broken()",
        ]
        drop = [f"DROP TRIGGER broken ON {table}"]
    for statement in create:
        admin.execute(statement)
    # What a trigger raises is to SQLite a broken constraint, and of a record's table that is the row's fault.
    is_rows_fault = database_url.startswith("sqlite") and table == "seal"
    with pytest.raises(InvariantBroken if is_rows_fault else FactsUnavailable) as caught:
        write(store, edited("Seal", "s1", name="x"), request_id="r")
    assert "disk full" not in str(caught.value)
    for statement in drop:
        admin.execute(statement)
    admin.close()
    assert all_rows(store) == before
    assert not write(store, edited("Seal", "s1", name="x"), request_id="r").is_replay
    store.close()


def test_a_connection_given_back_to_a_pool_that_is_gone_is_closed(database_url: str) -> None:
    database = Database(database_url, MODEL)
    with database.plain() as held:
        driven = held.connection.driver_connection
        assert driven is not None
        database.close()
        driven.execute("SELECT 1")
    with pytest.raises((psycopg.OperationalError, sqlite3.ProgrammingError), match="closed"):
        driven.execute("SELECT 1")
    with database.plain() as fresh:
        kept = fresh.connection.driver_connection
        assert kept is not driven
    with database.plain() as again:
        assert again.connection.driver_connection is kept
    database.close()


def test_a_transaction_that_nobody_ended_in_a_store_that_was_closed_is_no_error(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream that was broken off may be garbage for a while, with what it read."""
    told: list[object] = []
    monkeypatch.setattr("sys.unraisablehook", told.append)
    database = Database(database_url, MODEL)

    def break_off() -> None:
        reading = database.read()
        garbage: list[object] = [reading, reading.__enter__()]
        garbage.append(garbage)

    gc.disable()
    try:
        break_off()
        database.close()
    finally:
        gc.enable()
    gc.collect()
    assert told == []


def test_a_connection_made_while_the_file_was_replaced_serves_nobody_again(tmp_path: Path) -> None:
    """It leads to a file that no longer has a name, and would keep answering with what that file held."""
    path, other = tmp_path / "facts.db", tmp_path / "other.db"
    for file, name in ((path, "old"), (other, "new")):
        upgrade(f"sqlite:///{file}", MODEL)
        with closing(sqlite3.connect(file)) as made, made:
            made.execute("CREATE TABLE which (name TEXT)")
            made.execute("INSERT INTO which VALUES (?)", [name])
    database = Database(f"sqlite:///{path}", MODEL)

    def which() -> str:
        with database.plain() as connection:
            return str(connection.exec_driver_sql("SELECT name FROM which").scalar_one())

    def replace(*_: object) -> None:
        if other.exists():
            for end in ("-wal", "-shm"):
                Path(f"{path}{end}").unlink(missing_ok=True)
            other.replace(path)
            with ThreadPoolExecutor(1) as thread:
                assert thread.submit(which).result(60) == "new"  # somebody else notices first

    with database.plain():  # so that the next one is a new one
        event.listen(database.engine, "connect", replace, insert=True)
        assert which() == "old"  # as one that was asked just before
    assert {which() for _ in range(8)} == {"new"}  # each time with the one that was longest in the pool
    database.close()


def test_when_all_connections_die_at_once_none_is_left_behind(new_database: Any, postgresql_uri: str) -> None:
    url = new_database("postgresql")
    name = url.split("/facts_")[1].split("?")[0]
    database = Database(url, MODEL)
    others = "FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
    together = threading.Barrier(8, timeout=60)

    def ask(_: int) -> None:
        together.wait()
        with database.read():
            together.wait()  # so that there are as many connections

    with ThreadPoolExecutor(8) as threads, psycopg.connect(postgresql_uri, autocommit=True) as owner:
        for _ in range(5):
            list(threads.map(ask, range(8)))
            owner.execute(f"SELECT pg_terminate_backend(pid, 5000) {others}", [f"facts_{name}"])
            list(threads.map(ask, range(8)))
        database.close()
        while owner.execute(f"SELECT pid {others}", [f"facts_{name}"]).fetchall():
            pass
