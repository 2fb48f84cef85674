"""A table that is rewritten, emptied or locked while it is read: what is read is what is in it, or nothing is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from facts_scene import edited, scene, write

from sealauthz.facts import Consistency, FactCache, FactSnapshot, Store, Unit
from sealauthz.facts.memory import cache_state
from sealauthz.facts.memory.consistency import uptime_s
from sealauthz.facts.store import database as database_module
from sealauthz.facts.store.tables import tables_of
from sealauthz.model import MODEL
from sealauthz.runtime.errors import FactsUnavailable

FULL = Consistency(is_full=True)

# Each makes the rows of the table new ones, which a snapshot from before does not see.
REWRITES = {
    "rewritten": ["ALTER TABLE seal_hold ALTER placed_at TYPE bigint USING placed_at + 0"],
    "emptied and filled": [
        "CREATE TEMP TABLE kept ON COMMIT DROP AS TABLE seal_hold",
        "TRUNCATE seal_hold",
        "INSERT INTO seal_hold TABLE kept",
    ],
    "made again": [
        "ALTER TABLE seal_hold RENAME TO old",
        "CREATE TABLE seal_hold AS TABLE old",
        "DROP TABLE old",
    ],
}


@pytest.fixture
def url(new_database: Any) -> str:
    return str(new_database("postgresql"))


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store.open(url, MODEL)
    write(store, *scene())
    yield store
    store.close()


@pytest.fixture
def admin(url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection of somebody who changes the schema."""
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def until_waiting(admin: psycopg.Connection[Any]) -> None:
    """Wait until somebody waits for a lock on a table of this database."""
    until = time.monotonic() + 30
    while not admin.execute(
        "SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database"
        " WHERE NOT granted AND locktype = 'relation' AND datname = current_database()"
    ).fetchall():
        assert time.monotonic() < until
        time.sleep(0.005)


def is_held(snapshot: FactSnapshot) -> bool:
    return bool(snapshot.find("Seal", "s1").holds)


@pytest.mark.parametrize("way", REWRITES)
def test_a_hold_is_seen_although_its_table_is_made_anew(
    store: Store, admin: psycopg.Connection[Any], url: str, way: str
) -> None:
    """A load that read the table as empty would stay in memory, and the frozen seal would be free for good."""
    fact_cache = FactCache(store)
    assert fact_cache.answer(is_held, FULL)
    write(store, edited("Seal", "s1", name="x"))
    with ThreadPoolExecutor(1) as threads, psycopg.connect(url, autocommit=True) as watcher:
        admin.execute("BEGIN")
        admin.execute("LOCK TABLE seal_hold IN ACCESS EXCLUSIVE MODE")
        answer = threads.submit(fact_cache.answer, is_held, FULL)
        until_waiting(watcher)
        for statement in REWRITES[way]:
            admin.execute(statement)  # type: ignore[call-overload]
        admin.execute("COMMIT")
        assert answer.result()
    assert fact_cache.answer(is_held)
    assert fact_cache.answer(is_held, FULL)


READS: dict[str, tuple[str, Callable[[Store], bool]]] = {
    "a look": ("fact_change", lambda store: store.revision() == 1),
    "a unit": ("seal", lambda store: FactCache(store).answer(lambda snapshot: snapshot.find("Seal", "s1") is not None)),
    "what matches": ("seal", lambda store: bool(FactCache(store).answer(lambda p: p.matching("Seal", id="s1")))),
    "what comes after": ("seal", lambda store: bool(FactCache(store).answer(lambda p: p.after("Seal", "id", "", 9)))),
    "a page of records": ("seal", lambda store: bool(store.read("Seal").records)),
    "a page of history": ("fact_change", lambda store: bool(store.changes_after(0, 9).revisions)),
    "a warm-up": ("enterprise", lambda store: FactCache(store).warm_up() > 0),
}


@pytest.mark.parametrize("read", READS)
def test_every_read_sees_a_table_as_it_is_after_it_was_rewritten(
    store: Store, admin: psycopg.Connection[Any], url: str, read: str
) -> None:
    table, is_right = READS[read]
    with ThreadPoolExecutor(1) as threads, psycopg.connect(url, autocommit=True) as watcher:
        admin.execute("BEGIN")
        admin.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        answer = threads.submit(is_right, store)
        until_waiting(watcher)
        admin.execute(f"ALTER TABLE {table} ALTER revision TYPE bigint USING revision + 0")
        admin.execute("COMMIT")
        assert answer.result()


def test_what_is_in_memory_is_forgotten_when_a_table_is_rewritten(
    store: Store, admin: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No revision says that the rows are others now, so the feed looks at the files of the tables."""
    monkeypatch.setattr(cache_state, "_CATALOG_EVERY_S", 0.0)
    fact_cache = FactCache(store, max_age_s=1e9)
    assert fact_cache.answer(is_held)
    fact_cache.refresh(uptime_s(), reload=True)
    assert fact_cache.answer(is_held)
    assert fact_cache.statistics.resets == 1
    admin.execute("ALTER TABLE seal_hold DISABLE TRIGGER ALL")
    admin.execute("TRUNCATE seal_hold CASCADE")
    fact_cache.refresh(uptime_s(), reload=True)
    assert not fact_cache.answer(is_held)


def test_a_write_is_checked_on_what_is_there_after_a_rewrite(
    store: Store, admin: psycopg.Connection[Any], url: str
) -> None:
    """Each statement of a write takes its snapshot behind its locks: nothing is locked for it beforehand."""
    with ThreadPoolExecutor(1) as threads, psycopg.connect(url, autocommit=True) as watcher:
        admin.execute("BEGIN")
        admin.execute("LOCK TABLE membership IN ACCESS EXCLUSIVE MODE")
        # Refused where the membership is not seen.
        answer = threads.submit(write, store, edited("SealGrant", "g2", id="g3"))
        until_waiting(watcher)
        admin.execute("ALTER TABLE membership ALTER joined_at TYPE bigint USING joined_at + 0")
        admin.execute("COMMIT")
        assert answer.result().revision == 2


def test_a_read_locks_every_table_that_there_is(store: Store) -> None:
    with store.read_transaction() as snapshot:
        locked = snapshot.fetch(
            "SELECT relname FROM pg_locks JOIN pg_class ON pg_class.oid = relation"
            " WHERE pid = pg_backend_pid() AND mode = 'AccessShareLock' AND relkind = 'r'",
            {},
        )
        tables = snapshot.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", {})
    assert {name for (name,) in tables} <= {name for (name,) in locked}
    assert {table.name for table in tables_of(MODEL).metadata.sorted_tables} <= {name for (name,) in locked}


def test_a_table_that_stays_locked_is_no_answer_and_later_one(
    store: Store, admin: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "LOCK_TIMEOUT_S", 1)
    fact_cache = FactCache(store)
    assert fact_cache.answer(is_held, FULL)
    write(store, edited("Seal", "s1", name="x"))
    admin.execute("BEGIN")
    admin.execute("LOCK TABLE seal_hold IN ACCESS EXCLUSIVE MODE")
    began = time.monotonic()
    for attempt in (lambda: fact_cache.answer(is_held, FULL), lambda: fact_cache.answer(is_held), store.revision):
        with pytest.raises(FactsUnavailable):
            attempt()
    assert time.monotonic() - began < 15
    admin.execute("ROLLBACK")
    assert fact_cache.answer(is_held, FULL)


def test_a_read_that_waits_lets_go_of_what_a_restore_wants(
    store: Store, admin: psycopg.Connection[Any], url: str
) -> None:
    """Otherwise PostgreSQL would end one of the two, and which one is a matter of chance."""
    first, last = tables_of(MODEL).metadata.sorted_tables[0].name, tables_of(MODEL).metadata.sorted_tables[-1].name
    with ThreadPoolExecutor(1) as threads, psycopg.connect(url, autocommit=True) as watcher:
        admin.execute("BEGIN")
        admin.execute(f"LOCK TABLE {last} IN ACCESS EXCLUSIVE MODE")
        answer = threads.submit(store.revision)
        until_waiting(watcher)
        time.sleep(1.2)  # by now PostgreSQL has looked whether the read waits for somebody who waits for it
        admin.execute(f"LOCK TABLE {first} IN ACCESS EXCLUSIVE MODE")
        admin.execute("COMMIT")
        assert answer.result() == 1


def test_a_unit_is_loaded_where_a_table_was_rewritten_long_ago(store: Store, admin: psycopg.Connection[Any]) -> None:
    """What the connections of the pool have prepared still fits, or is prepared again."""
    for name in "xyz" * 4:
        write(store, edited("Seal", "s1", name=name))
        assert FactCache(store).answer(is_held)
    admin.execute("ALTER TABLE seal_hold ALTER placed_at TYPE bigint USING placed_at + 0")
    fact_cache = FactCache(store)
    assert fact_cache.answer(lambda snapshot: snapshot.unit(Unit("ENTERPRISE", "e1"))) is not None
    assert fact_cache.answer(is_held)
