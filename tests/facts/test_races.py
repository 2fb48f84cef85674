"""Rare orders of events, made to happen: whoever comes in between, no answer is staler than it says or mixes two."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from facts_scene import edited, enterprise, opened, restored, scene, uscc, write
from test_importing import send

from sealauthz.facts import Batch, Consistency, Deadline, FactCache, FactSnapshot, Feed, Put, Store, Unit
from sealauthz.facts.memory import cache_state
from sealauthz.facts.memory import feed as feed_module
from sealauthz.facts.memory.consistency import uptime_s
from sealauthz.facts.memory.entries import Entry, EntryCache
from sealauthz.facts.memory.permits import ReadPermits
from sealauthz.facts.store import database as database_module
from sealauthz.model import MODEL
from sealauthz.runtime.errors import FactsUnavailable, HistoryLost, TimeOver

OLD = 1e9
FULL = Consistency(is_full=True)


@pytest.fixture
def stores(new_database: Any) -> Iterator[list[Store]]:
    with opened(new_database("sqlite"), 2) as stores:
        write(stores[0], *scene(), *enterprise(7), *enterprise(8))
        yield stores


@pytest.fixture
def fact_cache(stores: list[Store]) -> FactCache:
    fact_cache = FactCache(stores[0], max_age_s=OLD)
    assert fact_cache.answer(name) == ("合同章", 1)
    return fact_cache


def name(snapshot: FactSnapshot) -> tuple[str, int]:
    return snapshot.find("Seal", "s1").name, snapshot.revision


def rename(store: Store, text: str) -> int:
    return write(store, edited("Seal", "s1", name=text)).revision


def seven(text: str) -> Any:
    return edited("Enterprise", "e1", id="e7", name=text, uscc=uscc(7))


class Backup:
    """A copy of a SQLite database, to come back in the place of it."""

    def __init__(self, store: Store) -> None:
        self.path = Path(store._database._path or "")
        with store._database.plain() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        self._kept = shutil.copy(self.path, self.path.with_suffix(".kept"))

    def restore(self) -> Store:
        shutil.move(self._kept, self.path)
        for suffix in ("-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)
        return Store.open(f"sqlite:///{self.path}", MODEL)


# --- own writes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["touched_since", "_confirm"])
def test_a_look_that_began_before_an_own_write_does_not_vouch_for_it(
    stores: list[Store], fact_cache: FactCache, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Another process writes, a look sees that, and before it is taken in this process writes as well."""
    home: Any = cache_state if where == "touched_since" else cache_state.CacheState
    real = getattr(home, where)

    def slow(*arguments: Any, **options: Any) -> Any:
        monkeypatch.setattr(home, where, real)
        if where == "_confirm":
            write(stores[1], seven("x"))
        assert rename(stores[0], "ours") == 3
        return real(*arguments, **options)

    if where == "touched_since":
        write(stores[1], seven("x"))
    monkeypatch.setattr(home, where, slow)
    fact_cache.refresh(uptime_s())
    assert fact_cache.answer(name) == ("ours", 3)


def test_an_own_write_that_cannot_be_looked_for_is_not_answered_around(
    stores: list[Store], fact_cache: FactCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = database_module.Database.read

    @contextmanager
    def gone(_self: Any, **_: Any) -> Iterator[Any]:
        raise FactsUnavailable("the facts cannot be read now")
        yield

    write(stores[1], seven("x"))
    monkeypatch.setattr(database_module.Database, "read", gone)
    assert rename(stores[0], "ours") == 3
    with pytest.raises(FactsUnavailable):
        fact_cache.answer(name)
    monkeypatch.setattr(database_module.Database, "read", read)
    assert fact_cache.answer(name) == ("ours", 3)


def test_a_write_whose_answer_was_lost_is_seen_once_it_is_answered(
    stores: list[Store], fact_cache: FactCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = Batch("caller", "one-request", (Put(edited("Seal", "s1", name="ours")),))
    real = database_module.Database.write

    @contextmanager
    def lost(self: Any) -> Iterator[Any]:
        monkeypatch.setattr(database_module.Database, "write", real)
        with real(self) as connection:
            yield connection
        raise FactsUnavailable("the connection died in the answer to COMMIT")

    monkeypatch.setattr(database_module.Database, "write", lost)
    with pytest.raises(FactsUnavailable):
        stores[0].write(batch)
    receipt = stores[0].write(batch)
    assert (receipt.revision, receipt.is_replay) == (2, True)
    assert fact_cache.answer(name) == ("ours", 2)


# --- restores ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("writes", [0, 1])
def test_a_restore_is_noticed_though_the_next_write_fits(
    stores: list[Store], fact_cache: FactCache, writes: int
) -> None:
    """A backup comes back, and goes on to the revision that we stand at before we write the next one."""
    backup = Backup(stores[0])
    rename(stores[0], "lost")
    assert fact_cache.answer(name, FULL) == ("lost", 2)
    other = backup.restore()
    for _ in range(writes):
        assert write(other, seven("x")).revision == 2
    with pytest.raises(HistoryLost):
        write(stores[0], seven("y"))
    for consistency in (FULL, Consistency()):
        with pytest.raises(HistoryLost):
            fact_cache.answer(name, consistency)
    restored(other)
    assert write(stores[0], seven("y")).revision == 2 + writes
    assert fact_cache.answer(name) == ("合同章", 2 + writes)
    assert fact_cache.answer(name, FULL) == ("合同章", 2 + writes)
    other.close()


def test_an_answer_never_mixes_two_histories(stores: list[Store], fact_cache: FactCache) -> None:
    backup = Backup(stores[0])
    seen: list[Any] = []
    opened: list[Store] = []

    def work(snapshot: FactSnapshot) -> Any:
        if not opened:
            opened.append(stores[1])
            write(stores[1], seven("lost"), edited("Seal", "s1", name="lost"))
            snapshot.find("Enterprise", "e8")  # from here on in a transaction, in the history that is lost
            opened.append(backup.restore())
            rename(opened[-1], "found")
            restored(opened[-1])
            assert fact_cache.answer(name, FULL) == ("found", 2)
        seen.append((snapshot.find("Seal", "s1").name, snapshot.find("Enterprise", "e7").name, snapshot.revision))
        return seen[-1]

    assert fact_cache.answer(work) in (("lost", "lost", 2), ("found", "Enterprise 7", 2))
    opened[-1].close()


def test_the_newest_is_not_what_another_saw_who_looked_before(
    stores: list[Store], fact_cache: FactCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody begins a new history from a transaction that is older than the question."""
    restored(stores[1])
    has_seen, may_go_on = threading.Event(), threading.Event()
    real = cache_state.CacheState.observe

    def observe(self: cache_state.CacheState, *arguments: Any, **options: Any) -> Any:
        if threading.current_thread().name == "early":
            has_seen.set()
            may_go_on.wait(10)
        elif not may_go_on.is_set():
            may_go_on.set()
            early.join(10)
        return real(self, *arguments, **options)

    def look() -> None:
        with fact_cache.read() as snapshot:
            snapshot.find("Seal", "s1")

    monkeypatch.setattr(cache_state.CacheState, "observe", observe)
    early = threading.Thread(target=look, name="early")
    early.start()
    assert has_seen.wait(10)
    rename(stores[1], "before the question")
    assert fact_cache.answer(name, FULL) == ("before the question", 2)


# --- what goes wrong does not go on -----------------------------------------------------------------------------------


def test_a_batch_whose_time_is_over_takes_no_wait_with_it(stores: list[Store]) -> None:
    waits = ReadPermits(2)
    fact_cache = FactCache(stores[0], max_age_s=OLD, permits=waits)
    fact_cache.answer(name)

    def work(snapshot: FactSnapshot) -> int:
        over = 0
        for _ in range(5):
            try:
                snapshot.find("Enterprise", "e7")
            except TimeOver:
                over += 1
        return over

    assert fact_cache.answer(work, deadline=Deadline(time.monotonic() - 1)) == 5


def test_a_look_that_never_ends_is_given_up(new_database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is well, but one connection never answers."""
    store = Store.open(new_database("postgresql"), MODEL)
    write(store, *scene())
    fact_cache = FactCache(store, max_age_s=0.1)
    fact_cache.answer(name)
    hang = threading.Event()
    real = database_module.ReadTransaction.__init__

    def begin(self: Any, *arguments: Any, **options: Any) -> None:
        if threading.current_thread().name == "hanging":
            hang.wait(60)
        real(self, *arguments, **options)

    monkeypatch.setattr(database_module.ReadTransaction, "__init__", begin)
    monkeypatch.setattr(cache_state, "_LONGEST_WAIT_S", 0.5)
    thread = threading.Thread(target=lambda: fact_cache.refresh(uptime_s()), name="hanging", daemon=True)
    thread.start()
    time.sleep(0.3)
    answers = []
    for _ in range(4):
        try:
            answers.append(fact_cache.answer(name))
        except FactsUnavailable:
            answers.append(None)
    hang.set()
    thread.join()
    store.close()
    assert answers[-1] == ("合同章", 1)


def test_warming_up_leaves_out_what_is_being_imported(stores: list[Store]) -> None:
    send(stores[0], 1, edited("Enterprise", "e1", name="Renamed"))
    fact_cache = FactCache(stores[0])
    enterprises = stores[0].read("Enterprise").records
    assert fact_cache.warm_up() == len(enterprises) - 1


def test_the_feed_goes_on_with_a_thousand_files_open(new_database: Any) -> None:
    store = Store.open(new_database("postgresql"), MODEL)
    write(store, *scene())
    fact_cache = FactCache(store, max_age_s=OLD)
    held = [os.open("/dev/null", os.O_RDONLY) for _ in range(1_100)]
    feed = Feed(fact_cache, store, lambda *_: None)
    try:
        feed.start()
        fact_cache.signal.wait_for_other(0, 30)
        other = Store.open(store._database.engine.url.render_as_string(hide_password=False), MODEL)
        rename(other, "x")
        other.close()
        assert fact_cache.signal.wait_for_other(1, 30) == 2
    finally:
        feed.stop()
        for descriptor in held:
            os.close(descriptor)
        store.close()


def test_the_feed_goes_on_when_nobody_takes_its_reports(stores: list[Store], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "_REPORTED_EVERY_S", 0.01)
    reported = threading.Event()

    def report(*_: Any) -> None:
        reported.set()
        raise BrokenPipeError("the log is gone")

    fact_cache = FactCache(stores[0], max_age_s=OLD)
    feed = Feed(fact_cache, stores[0], report)
    feed.start()
    assert reported.wait(30)
    rename(stores[1], "x")
    assert fact_cache.signal.wait_for_other(1, 30) == 2
    feed.stop()


def test_the_feed_looks_often_where_it_cannot_listen(new_database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    url = new_database("postgresql")
    store, other = Store.open(url, MODEL), Store.open(url, MODEL)
    write(store, *scene())

    def deaf(_self: Any) -> Any:
        raise FactsUnavailable("the facts cannot be followed now")

    monkeypatch.setattr(Store, "listen", deaf)
    monkeypatch.setattr(feed_module, "POLL_ANNOUNCED_S", 3_600)
    reports: list[str] = []
    fact_cache = FactCache(store, max_age_s=OLD)
    feed = Feed(fact_cache, store, lambda event, *_: reports.append(event))
    feed.start()
    fact_cache.signal.wait_for_other(0, 30)
    rename(other, "x")
    assert fact_cache.signal.wait_for_other(1, 30) == 2
    feed.stop()
    assert reports == ["feed_deaf"]
    store.close()
    other.close()


def test_the_cache_holds_nothing_of_what_was_replaced() -> None:
    cache = EntryCache(512_000_000)
    for number in range(1_000):
        cache.put(Unit("ENTERPRISE", str(number)), Entry({}, 1, 10_000))
    often = Unit("ENTERPRISE", "often")
    made = []
    for number in range(900):
        cache.drop(often)
        made.append(Entry({}, number, 5_000_000))
        cache.put(often, made[-1])
    kept = {id(entry) for queue in (cache._trial, cache._main) for entry in queue}
    assert not kept & {id(held) for held in made}
    assert cache.bytes == 1_000 * 10_000 + 5_000_000
