"""The feed: whatever others write is seen, whatever is lost on the way, and what is in memory is what is stored."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from facts_scene import BASE, edited, enterprise, everything, opened, scene, uscc, write
from test_world import EDITS, _key, roots_of, seen_in

from sealauthz.facts import FactCache, FactSnapshot, Feed, Store, Unit
from sealauthz.facts.memory import feed as feed_module
from sealauthz.facts.memory.consistency import uptime_s
from sealauthz.facts.memory.entries import Entry, EntryCache
from sealauthz.facts.memory.warming import waiting
from sealauthz.facts.store import database as database_module
from sealauthz.model import MODEL
from sealauthz.runtime.errors import FactConflict, FactsUnavailable, InvariantBroken

OLD = 1e9


class Followed:
    """A fact cache that a feed keeps, and what the feed reported."""

    def __init__(self, store: Store, poll_s: float | None = None, **settings: Any) -> None:
        self.reports: list[str] = []
        self.fact_cache = FactCache(store, **{"max_age_s": OLD, **settings})
        self.feed = Feed(self.fact_cache, store, self._report, poll_s)
        self.feed.start()

    def _report(self, event: str, _numbers: Mapping[str, float], _error: BaseException | None) -> None:
        self.reports.append(event)

    def until(self, is_so: Callable[[], bool], timeout_s: float = 30) -> None:
        until = time.monotonic() + timeout_s
        while not is_so():
            assert time.monotonic() < until, (self.fact_cache.numbers(), self.reports)
            time.sleep(0.005)


@pytest.fixture
def stores(database_url: str) -> Iterator[list[Store]]:
    with opened(database_url, 4) as stores:
        yield stores


@pytest.fixture
def follow() -> Iterator[Callable[..., Followed]]:
    running: list[Followed] = []

    def start(*arguments: Any, **settings: Any) -> Followed:
        running.append(Followed(*arguments, **settings))
        return running[-1]

    yield start
    for followed in running:
        followed.feed.stop()


def name(snapshot: FactSnapshot) -> str:
    return str(snapshot.find("Seal", "s1").name)


def rename(store: Store, text: str) -> int:
    return write(store, edited("Seal", "s1", name=text)).revision


def test_what_others_write_is_seen(stores: list[Store], follow: Callable[..., Followed]) -> None:
    write(stores[0], *scene())
    followed = follow(stores[0])
    assert followed.fact_cache.answer(name) == "合同章"
    rename(stores[1], "x")
    followed.until(lambda: followed.fact_cache.revision == 2)
    # What is read often was loaded anew by the feed: no answer waits for it.
    loads = followed.fact_cache.statistics.loads
    followed.fact_cache.answer(name)
    assert followed.fact_cache.answer(name) == "x"
    assert followed.fact_cache.statistics.loads <= loads + 1
    rename(stores[1], "y")
    followed.until(lambda: followed.fact_cache.revision == 3)
    loads = followed.fact_cache.statistics.loads
    assert followed.fact_cache.answer(name) == "y"
    assert followed.fact_cache.statistics.loads == loads


def test_what_this_process_wrote_itself_is_no_reason_to_look(
    new_database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(new_database("postgresql"), 2) as (ours, others):
        looks: list[int] = []
        refresh = FactCache.refresh

        def look(fact_cache: FactCache, *arguments: Any, **keywords: Any) -> Any:
            timeline = refresh(fact_cache, *arguments, **keywords)
            looks.append(timeline.revision)
            return timeline

        write(ours, *scene())
        monkeypatch.setattr(FactCache, "refresh", look)
        monkeypatch.setattr(feed_module, "POLL_ANNOUNCED_S", 60.0)
        monkeypatch.setattr(feed_module, "_OWN_WITHIN_S", 0.5)
        followed = Followed(ours)
        followed.until(lambda: looks == [1])
        write(ours, edited("Seal", "s1", name="ours"))
        assert followed.fact_cache.timeline.revision == 2
        write(others, edited("Seal", "s1", name="theirs"))
        followed.until(lambda: followed.fact_cache.timeline.revision == 3)
        followed.feed.stop()
        assert looks == [1, 3]


def test_an_announcement_that_is_lost_is_made_up_for(
    stores: list[Store], follow: Callable[..., Followed], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(stores[0], *scene())
    monkeypatch.setattr(feed_module, "POLL_ANNOUNCED_S", 0.2)
    monkeypatch.setattr(database_module.Listener, "take", lambda self: None)
    followed = follow(stores[0])
    followed.until(lambda: followed.fact_cache.revision == 1)
    with stores[1]._database.write() as connection:
        connection.exec_driver_sql("UPDATE seal SET name = 'x' WHERE id = 's1'")
        connection.exec_driver_sql("INSERT INTO fact_change VALUES (2, 2, 'quiet', 'quiet', '[]')")
        connection.exec_driver_sql("INSERT INTO fact_change_unit VALUES (2, 'ENTERPRISE', 'e1')")
    followed.until(lambda: followed.fact_cache.revision == 2)
    assert followed.fact_cache.answer(name) == "x"


def test_a_dead_connection_is_replaced(new_database: Any, postgresql_uri: str, follow: Callable[..., Followed]) -> None:
    url = new_database("postgresql")
    database = "facts_" + url.split("/facts_")[1].split("?")[0]
    store, other = Store.open(url, MODEL), Store.open(url, MODEL)
    write(store, *scene())
    followed = follow(store)
    followed.until(lambda: followed.fact_cache.revision == 1)
    for number in range(3):
        with psycopg.connect(postgresql_uri, autocommit=True) as connection:
            ends = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
            connection.execute(ends, [database])
        rename(other, f"x{number}")
        followed.until(lambda number=number: followed.fact_cache.revision == number + 2)  # type: ignore[misc]
        assert followed.fact_cache.answer(name) == f"x{number}"
    # Announcements are heard again, too.
    followed.until(lambda: followed.feed._listener is not None)
    followed.feed.stop()
    store.close()
    other.close()


def test_an_outage_is_reported_once_and_bounds_what_is_answered(
    new_database: Any, postgresql_uri: str, follow: Callable[..., Followed]
) -> None:
    url = new_database("postgresql")
    database = "facts_" + url.split("/facts_")[1].split("?")[0]
    store = Store.open(url, MODEL)
    write(store, *scene())
    followed = follow(store, max_age_s=0.5)
    followed.until(lambda: followed.fact_cache.revision == 1)
    assert followed.fact_cache.answer(name) == "合同章"
    with psycopg.connect(postgresql_uri, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false")
        ends = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
        connection.execute(ends, [database])
        followed.until(lambda: "feed_lost" in followed.reports)
        followed.until(lambda: followed.fact_cache.age_s > 0.5)
        with pytest.raises(FactsUnavailable):
            followed.fact_cache.answer(name)
        connection.execute(f"ALTER DATABASE {database} ALLOW_CONNECTIONS true")
    followed.until(lambda: "feed_back" in followed.reports)
    assert followed.fact_cache.answer(name) == "合同章"
    # A last look may find a connection that is not ended yet, and only miss the announcements.
    assert [event for event in followed.reports if event != "feed_deaf"] == ["feed_lost", "feed_back"]
    followed.feed.stop()
    store.close()


def test_after_a_long_pause_everything_is_loaded_anew(stores: list[Store], monkeypatch: pytest.MonkeyPatch) -> None:
    write(stores[0], *scene())
    fact_cache = FactCache(stores[0], max_age_s=OLD)
    fact_cache.answer(name)
    # More revisions than a follower catches up with one by one; and the rows that would say so are gone.
    with stores[1]._database.write() as connection:
        connection.exec_driver_sql("UPDATE seal SET name = 'x' WHERE id = 's1'")
        connection.exec_driver_sql("INSERT INTO fact_change VALUES (9000, 2, 'quiet', 'quiet', '[]')")
    fact_cache.refresh(uptime_s())
    assert (fact_cache.revision, fact_cache.answer(name), fact_cache.statistics.resets) == (9000, "x", 2)
    with stores[1]._database.write() as connection:
        connection.exec_driver_sql("UPDATE seal SET name = 'y' WHERE id = 's1'")
        connection.exec_driver_sql("INSERT INTO fact_change VALUES (9001, 3, 'quiet', 'quiet', '[]')")
        connection.exec_driver_sql("INSERT INTO fact_change_unit VALUES (9001, 'PERSON', 'ann')")
        connection.exec_driver_sql("DELETE FROM fact_change_unit WHERE revision < 9001")
        connection.exec_driver_sql("DELETE FROM fact_change WHERE revision < 9001")
    fact_cache.refresh(uptime_s())
    assert (fact_cache.revision, fact_cache.answer(name), fact_cache.statistics.resets) == (9001, "y", 3)


def test_no_revision_is_skipped_while_many_write(stores: list[Store], follow: Callable[..., Followed]) -> None:
    """Also with transactions that are long under way: after each announced revision the fact cache has all up to it."""
    for number in range(1, 5):
        write(stores[0], *enterprise(number))
    followed = follow(stores[0])
    written: dict[int, tuple[str, str]] = {}
    lock = threading.Lock()

    def work(number: int) -> None:
        store = stores[number % 4]
        for turn in range(12):
            text = f"{number}-{turn}"
            target = turn % 4 + 1
            receipt = write(store, edited("Enterprise", "e1", id=f"e{target}", name=text, uscc=uscc(target)))
            with lock:
                written[receipt.revision] = (f"e{target}", text)

    with ThreadPoolExecutor(4) as pool:
        for job in [pool.submit(work, number) for number in range(4)]:
            job.result()
    assert sorted(written) == list(range(5, 5 + 48))
    followed.until(lambda: followed.fact_cache.revision == 52)
    last = {target: text for _, (target, text) in sorted(written.items())}
    found = followed.fact_cache.answer(
        lambda snapshot: {target: snapshot.find("Enterprise", target).name for target in last}
    )
    assert found == last


def write_again(store: Store, *changes: Any) -> None:
    """Write, and try again once: SQLite is not fair to writers, and one that has waited five seconds is refused."""
    try:
        write(store, *changes)
    except FactsUnavailable:
        write(store, *changes)


def test_after_any_history_a_followed_world_is_what_a_fresh_load_gives(
    stores: list[Store], follow: Callable[..., Followed]
) -> None:
    """Two processes write at random, looked at all the while by two followers. One loads again what has changed, and
    keeps little; to the other every unit is so large that it is changed in memory.
    """
    write(stores[0], *scene())
    followers = [follow(stores[0], large_bytes=0), follow(stores[1], budget=60_000)]
    done = threading.Event()
    units = roots_of(scene())

    def agree(snapshot: FactSnapshot) -> None:
        """A unit and a look-up, each moved on in its own way, are of one revision."""
        for person_id in ("ann", "bob", "old"):
            operated = snapshot.find("Person", person_id).operated_tasks
            assert [row.id for row in operated] == snapshot.matching("TaskOperator", person_id=person_id)

    def look(followed: Followed, seed: int) -> int:
        chance, looks = random.Random(seed), 0
        while not done.is_set():
            some = chance.sample(units, 3)
            followed.fact_cache.answer(lambda snapshot, some=some: seen_in(snapshot, some))  # type: ignore[misc]
            followed.fact_cache.answer(agree)
            looks += 1
        return looks

    def change(store: Store, seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(40):
            some = {_key(change): change for change in chance.sample(EDITS, chance.randint(1, 3))}
            with contextlib.suppress(InvariantBroken, FactConflict):
                write_again(store, *some.values())

    with ThreadPoolExecutor(4) as pool:
        looking = [pool.submit(look, followed, number) for number, followed in enumerate(followers)]
        try:
            for job in [pool.submit(change, stores[2], 1), pool.submit(change, stores[0], 2)]:
                job.result()
        finally:
            done.set()
        assert all(job.result() > 0 for job in looking)
    newest = stores[3].revision()
    with FactCache(stores[3]).read() as fresh:
        expected = seen_in(fresh, roots_of(everything(stores[3])))
    for followed in followers:
        followed.until(lambda followed=followed: followed.fact_cache.revision == newest)  # type: ignore[misc]
        kept = followed.fact_cache.answer(lambda snapshot: seen_in(snapshot, list(expected)))
        assert kept == expected
        followed.fact_cache.answer(agree)
    assert followers[0].fact_cache.statistics.moved > 0
    assert followers[1].fact_cache.statistics.moved == 0


def test_warming_up_loads_every_enterprise_that_fits(stores: list[Store]) -> None:
    write(stores[0], *(record for number in range(1, 31) for record in enterprise(number)))
    fact_cache = FactCache(stores[0])
    assert fact_cache.warm_up() == 30
    loads = fact_cache.statistics.loads
    fact_cache.answer(lambda snapshot: [snapshot.find("Enterprise", f"e{number}") for number in range(1, 31)])
    assert fact_cache.statistics.loads == loads == 30
    small = FactCache(stores[0], budget=fact_cache.timeline.cache.bytes // 3)
    assert 0 < small.warm_up() <= 30
    assert small.timeline.cache.bytes <= small.timeline.cache.budget


def test_warming_up_loads_contracts_with_open_tasks_and_whom_they_wait_for(stores: list[Store]) -> None:
    assert list(waiting(MODEL)) == [("SigningTask", state) for state in ("WAITING", "PENDING", "IN_PROGRESS")]
    done = {"state": "SIGNED"}
    write(
        stores[0],
        *(
            edited("SigningTask", r.id, **done) if _key(r)[0] == "SigningTask" and r.id != "task1" else r
            for r in scene()
        ),
        edited("Contract", "c1", id="over"),
        edited("Signatory", BASE["SigningTask", "task2"].signatory_id, id="party", contract_id="over"),
        edited("SigningTask", "task2", id="signed", signatory_id="party", handler_id="old", **done),
    )
    fact_cache = FactCache(stores[0])
    fact_cache.warm_up()
    cache = fact_cache.timeline.cache
    assert Unit("CONTRACT", "c1") in cache
    assert Unit("CONTRACT", "over") not in cache
    # The operator of the open task and who handles it, and nobody else.
    persons = {id_ for id_ in ("ann", "bob", "old", "out") if Unit("PERSON", id_) in cache}
    assert persons == {"ann", "bob"}
    small = FactCache(stores[0], budget=1_000)
    small.warm_up()
    assert small.timeline.cache.bytes <= 1_000


# --- the cache --------------------------------------------------------------------------------------------------------


def unit(number: int) -> Unit:
    return Unit("ENTERPRISE", f"e{number}")


def read_through(cache: EntryCache, number: int) -> bool:
    """Read a unit, and load it if it is not there; return whether it was."""
    if cache.get(unit(number)) is not None:
        return True
    cache.put(unit(number), Entry({}, 0, 10))
    return False


@pytest.mark.parametrize("beside", [0, 1])
def test_a_scan_leaves_what_is_often_read(beside: int) -> None:
    """A scan of 10,000 enterprises, alone or with the usual reads in between, costs the hot ones less than 1 in 20."""
    cache = EntryCache(budget=1_000 * 10)
    chance = random.Random(1)
    hot = range(700)
    for _ in range(10_000):
        read_through(cache, chance.choice(hot))
    hits = reads = 0
    for number in range(10_000):
        read_through(cache, 1_000_000 + number)
        for _ in range(beside):
            hits += read_through(cache, chance.choice(hot))
            reads += 1
    for number in hot:
        hits += read_through(cache, number)
        reads += 1
    assert hits / reads >= 0.95
    assert cache.bytes <= cache.budget
    assert cache.bytes == 10 * len(cache)


def test_what_is_dropped_takes_no_room() -> None:
    cache = EntryCache(budget=1_000)
    for turn in range(3_000):
        read_through(cache, turn % 5)
        cache.drop(unit(turn % 3))
    assert cache.bytes == 10 * len(cache) <= 50
    assert len(cache._trial) + len(cache._main) < 200


def test_a_unit_that_is_larger_than_all_is_not_kept() -> None:
    cache = EntryCache(budget=1_000)
    read_through(cache, 1)
    cache.put(unit(2), Entry({}, 0, 1_001))
    assert unit(1) in cache
    assert unit(2) not in cache
