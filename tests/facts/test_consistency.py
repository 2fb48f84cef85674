"""Answers from memory: at one revision each, as fresh as was asked for, and never staler than they say."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from facts_scene import NOW, edited, enterprise, opened, restored, scene, uscc, write

from sealauthz.facts import Consistency, Deadline, FactCache, FactSnapshot, Store, Unit
from sealauthz.facts.memory.consistency import NO_DEADLINE, uptime_s
from sealauthz.facts.memory.permits import ReadPermits
from sealauthz.facts.store import database as database_module
from sealauthz.model import MODEL
from sealauthz.model.records.seals import SealHold
from sealauthz.runtime.errors import FactsUnavailable, HistoryLost, RevisionGone, RevisionUnknown, ServiceBusy, TimeOver

FULL = Consistency(is_full=True)
OLD = 1e9
"""A bound on the age of facts that never makes anybody look."""

PACE_S = 0.0005
"""Between two questions of one who asks all the time: else they take most of the time from who writes."""


@pytest.fixture
def stores(database_url: str) -> Iterator[list[Store]]:
    """Two stores on one database, as two processes would have."""
    with opened(database_url, 2) as stores:
        yield stores


def name(snapshot: FactSnapshot) -> tuple[str, int]:
    return snapshot.find("Seal", "s1").name, snapshot.revision


def token(fact_cache: FactCache, revision: int) -> Consistency:
    return Consistency(at_least=revision, timeline=fact_cache.timeline.name)


def rename(store: Store, text: str) -> int:
    return write(store, edited("Seal", "s1", name=text)).revision


def test_what_another_process_writes_is_seen_when_it_must_be(stores: list[Store]) -> None:
    write(stores[0], *scene())
    fact_cache = FactCache(stores[0], max_age_s=OLD)
    assert fact_cache.answer(name) == ("合同章", 1)
    assert rename(stores[1], "x") == 2
    assert fact_cache.answer(name) == ("合同章", 1)
    assert fact_cache.answer(name, token(fact_cache, 1)) == ("合同章", 1)
    assert fact_cache.answer(name, token(fact_cache, 2)) == ("x", 2)
    assert rename(stores[1], "y") == 3
    assert fact_cache.answer(name) == ("x", 2)
    assert fact_cache.answer(name, FULL) == ("y", 3)
    assert fact_cache.answer(name) == ("y", 3)


def test_what_this_process_writes_is_seen_at_once(stores: list[Store]) -> None:
    write(stores[0], *scene())
    fact_cache = FactCache(stores[0], max_age_s=OLD)
    fact_cache.answer(name)
    assert fact_cache.answer(name, token(fact_cache, rename(stores[0], "x"))) == ("x", 2)
    assert rename(stores[0], "y") == 3
    assert fact_cache.answer(name) == ("y", 3)
    # Also when others have written meanwhile, of which we have not heard.
    rename(stores[1], "z")
    assert write(stores[0], edited("Seal", "s2", name="other")).revision == 5
    assert fact_cache.answer(name) == ("z", 5)


def test_from_memory_nothing_is_asked_of_the_database(stores: list[Store], monkeypatch: pytest.MonkeyPatch) -> None:
    write(stores[0], *scene())
    fact_cache = FactCache(stores[0], max_age_s=OLD)
    assert fact_cache.answer(name) == ("合同章", 1)
    monkeypatch.setattr(database_module.Database, "read", None)
    assert fact_cache.answer(name) == ("合同章", 1)
    assert fact_cache.answer(name, token(fact_cache, 1)) == ("合同章", 1)


def test_beyond_their_age_facts_are_looked_at_again_and_never_older(
    stores: list[Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(stores[0], *scene())
    fact_cache = FactCache(stores[0], max_age_s=0.2)
    assert fact_cache.answer(lambda snapshot: snapshot.age_s) <= 0.2
    rename(stores[1], "x")
    time.sleep(0.25)
    assert fact_cache.answer(name) == ("x", 2)
    assert fact_cache.answer(lambda snapshot: snapshot.age_s) <= 0.2

    @contextmanager
    def gone(_self: object, **_: Any) -> Iterator[Any]:
        raise FactsUnavailable("the facts cannot be read now")
        yield

    monkeypatch.setattr(database_module.Database, "read", gone)
    with pytest.raises(FactsUnavailable):
        fact_cache.answer(name, FULL)
    time.sleep(0.25)
    with pytest.raises(FactsUnavailable):
        fact_cache.answer(name)
    with pytest.raises(FactsUnavailable):
        fact_cache.answer(name, token(fact_cache, 2))


def test_a_clock_that_jumps_makes_no_facts_younger(stores: list[Store], monkeypatch: pytest.MonkeyPatch) -> None:
    write(stores[0], *scene())
    fact_cache = FactCache(stores[0], max_age_s=0.1)
    fact_cache.answer(name)
    rename(stores[1], "x")
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    time.sleep(0.15)
    assert fact_cache.answer(name) == ("x", 2)


def test_a_revision_of_another_history_is_unknown(stores: list[Store]) -> None:
    write(stores[0], *scene())
    fact_cache = FactCache(stores[0], max_age_s=OLD)
    for wanted in (Consistency(at_least=1, timeline="another"), Consistency(at_least=0, timeline="another")):
        with pytest.raises(RevisionUnknown):
            fact_cache.answer(name, wanted)


def test_a_revision_to_come_is_waited_for_until_the_deadline(stores: list[Store]) -> None:
    write(stores[0], *scene())
    fact_cache = FactCache(stores[0], max_age_s=OLD)
    fact_cache.answer(name)
    with pytest.raises(TimeOver):
        fact_cache.answer(name, token(fact_cache, 2), Deadline(time.monotonic() + 0.2))
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(fact_cache.answer, name, token(fact_cache, 2), Deadline(time.monotonic() + 60))
        time.sleep(0.1)
        assert not waiting.done()
        rename(stores[1], "x")
        assert waiting.result() == ("x", 2)


def test_a_call_without_time_left_does_not_wait(stores: list[Store]) -> None:
    write(stores[0], *scene())
    fact_cache = FactCache(stores[0], max_age_s=OLD)
    with pytest.raises(TimeOver):
        fact_cache.answer(name, deadline=Deadline(time.monotonic() - 1))
    fact_cache.answer(name)
    # What is in memory needs no time.
    assert fact_cache.answer(name, deadline=Deadline(time.monotonic() - 1)) == ("合同章", 1)


def test_only_so_many_read_and_the_others_wait_until_their_deadline(stores: list[Store]) -> None:
    write(stores[0], *scene(), *enterprise(7))
    fact_cache = FactCache(stores[0], max_age_s=OLD, permits=ReadPermits(1))
    fact_cache.answer(name)
    works: list[tuple[Callable[[FactSnapshot], Any], Consistency]] = [
        (lambda snapshot: snapshot.find("Enterprise", "e7"), Consistency()),
        (lambda snapshot: snapshot.matching("Seal", enterprise_id="e1"), Consistency()),
        (name, FULL),
        (name, token(fact_cache, 2)),
    ]
    with fact_cache.permits.turn(NO_DEADLINE):
        assert fact_cache.answer(name) == ("合同章", 1)
        for work, wanted in works:
            with pytest.raises(TimeOver):
                fact_cache.answer(work, wanted, Deadline(time.monotonic() + 0.05))
    for work, wanted in works[:3]:
        fact_cache.answer(work, wanted, Deadline(time.monotonic() + 20))


def test_who_waits_for_a_turn_gets_what_others_loaded_meanwhile(stores: list[Store]) -> None:
    write(stores[0], *scene())
    fact_cache = FactCache(stores[0], max_age_s=OLD, permits=ReadPermits(1))
    fact_cache.answer(lambda snapshot: snapshot.matching("Seal", enterprise_id="none"))
    with ThreadPoolExecutor(8) as pool:
        with fact_cache.permits.turn(NO_DEADLINE):
            waiting = [
                pool.submit(fact_cache.answer, lambda snapshot: snapshot.find("Enterprise", "e1")) for _ in range(8)
            ]
            time.sleep(0.2)
        assert all(one.result(20) is not None for one in waiting)
    assert fact_cache.statistics.loads == 1


def test_what_was_in_memory_before_a_wait_may_be_too_old_after_it(stores: list[Store]) -> None:
    write(stores[0], *scene())
    fact_cache = FactCache(stores[0], max_age_s=0.3, permits=ReadPermits(1))
    fact_cache.answer(name)

    def work(snapshot: FactSnapshot) -> str:
        seal: str = snapshot.find("Seal", "s1").name
        snapshot.after("Person", "id", "", 1)  # what changes below is of another kind
        return seal

    with ThreadPoolExecutor() as pool:
        with fact_cache.permits.turn(NO_DEADLINE):
            fact_cache.refresh(uptime_s())
            waiting = pool.submit(fact_cache.answer, work)
            while not fact_cache.permits.waiting:
                time.sleep(0.001)
            rename(stores[1], "new")
            time.sleep(0.4)
        assert waiting.result(20) == "new"


def test_a_call_that_was_let_in_to_wait_keeps_its_place_to_the_end(
    stores: list[Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looks several times. A call that comes in between is refused, and it is not."""
    write(stores[0], *scene())
    fact_cache = FactCache(stores[0], max_age_s=OLD, permits=ReadPermits(1, longest=1))
    looks: list[int] = []
    refresh = fact_cache.refresh

    def counted(*arguments: Any) -> Any:
        looks.append(fact_cache.permits.waiting)
        return refresh(*arguments)

    fact_cache.answer(name)
    monkeypatch.setattr(fact_cache, "refresh", counted)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(fact_cache.answer, name, token(fact_cache, 2), Deadline(time.monotonic() + 60))
        while len(looks) < 5 and not waiting.done():
            time.sleep(0.001)
        with pytest.raises(ServiceBusy):
            fact_cache.answer(name, token(fact_cache, 2), Deadline(time.monotonic() + 60))
        rename(stores[1], "x")
        assert waiting.result(20) == ("x", 2)
    assert set(looks[2:]) == {1}
    assert fact_cache.permits.waiting == 0


def test_an_answer_begins_again_when_a_unit_has_moved(stores: list[Store]) -> None:
    write(stores[0], *scene(), *enterprise(7))
    fact_cache = FactCache(stores[0], max_age_s=OLD)
    fact_cache.answer(lambda snapshot: snapshot.find("Seal", "s1"))
    seen: list[tuple[str, str, int]] = []

    def work(snapshot: FactSnapshot) -> tuple[str, str, int]:
        first = snapshot.find("Seal", "s1").name
        if not seen:
            write(
                stores[1], edited("Seal", "s1", name="x"), edited("Enterprise", "e1", id="e7", name="x", uscc=uscc(7))
            )
        seen.append((first, snapshot.find("Enterprise", "e7").name, snapshot.revision))
        return seen[-1]

    answer = fact_cache.answer(work)
    assert answer == ("x", "x", 2)
    assert seen == [answer]
    assert fact_cache.statistics.restarts == 1


def test_a_unit_that_has_not_moved_is_loaded_later_without_beginning_again(stores: list[Store]) -> None:
    write(stores[0], *scene(), *enterprise(7), *enterprise(8))
    fact_cache = FactCache(stores[0], max_age_s=OLD)
    fact_cache.answer(name)

    def work(snapshot: FactSnapshot) -> tuple[int, str]:
        write(stores[1], edited("Enterprise", "e1", id="e7", name="x", uscc=uscc(7)))
        return snapshot.revision, snapshot.find("Enterprise", "e8").id

    assert fact_cache.answer(work) == (1, "e8")
    assert fact_cache.statistics.restarts == 0
    assert fact_cache.revision == 2


def test_a_page_goes_on_at_its_revision_or_not_at_all(stores: list[Store]) -> None:
    write(stores[0], *scene(), *enterprise(7))
    fact_cache = FactCache(stores[0], max_age_s=OLD)
    timeline = fact_cache.answer(lambda snapshot: snapshot.timeline)
    at_one = Consistency(at_revision=1, timeline=timeline)
    assert fact_cache.answer(name, at_one) == ("合同章", 1)
    write(stores[1], edited("Enterprise", "e1", id="e7", name="x", uscc=uscc(7)))
    assert fact_cache.answer(name, at_one) == ("合同章", 1)
    with pytest.raises(RevisionGone):
        fact_cache.answer(lambda snapshot: snapshot.find("Enterprise", "e7"), at_one)
    with pytest.raises(RevisionGone):
        fact_cache.answer(lambda snapshot: snapshot.matching("Enterprise", realm="PUBLIC"), at_one)
    # No seal has changed, though an enterprise that could have some has.
    assert fact_cache.answer(lambda snapshot: snapshot.matching("Seal", enterprise_id="e7"), at_one) == []
    assert fact_cache.answer(lambda snapshot: snapshot.matching("TaskSeal", seal_id="s1"), at_one) is not None
    with pytest.raises(RevisionGone):
        fact_cache.answer(name, Consistency(at_revision=9, timeline=timeline))
    with pytest.raises(RevisionGone):
        fact_cache.answer(name, Consistency(at_revision=1, timeline="another"))


def test_those_who_want_a_unit_at_once_load_it_once(stores: list[Store]) -> None:
    write(stores[0], *scene(), *enterprise(7))
    fact_cache = FactCache(stores[0], max_age_s=OLD)
    fact_cache.answer(name)
    loads = fact_cache.statistics.loads
    barrier = threading.Barrier(8)

    def look() -> Any:
        barrier.wait()
        return fact_cache.answer(lambda snapshot: snapshot.find("Enterprise", "e7"))

    with ThreadPoolExecutor(8) as pool:
        found = [job.result() for job in [pool.submit(look) for _ in range(8)]]
    assert len({id(one) for one in found}) == 1
    assert fact_cache.statistics.loads == loads + 1


def test_who_cannot_use_what_another_loads_loads_for_itself(
    stores: list[Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A load that fails fails for its own answer only."""
    write(stores[0], *scene(), *enterprise(7))
    fact_cache = FactCache(stores[0], max_age_s=OLD)
    fact_cache.answer(name)
    started, failed = threading.Event(), threading.Event()
    read = database_module.Database.read

    @contextmanager
    def fails_once(self: Any, **options: Any) -> Iterator[Any]:
        if not started.is_set():
            started.set()
            failed.wait(10)
            raise FactsUnavailable("the facts cannot be read now")
        with read(self, **options) as snapshot:
            yield snapshot

    monkeypatch.setattr(database_module.Database, "read", fails_once)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(fact_cache.answer, lambda snapshot: snapshot.find("Enterprise", "e7").id)
        assert started.wait(10)
        second = pool.submit(fact_cache.answer, lambda snapshot: snapshot.find("Enterprise", "e7").id)
        time.sleep(0.05)
        failed.set()
        with pytest.raises(FactsUnavailable):
            first.result()
        assert second.result() == "e7"


@pytest.mark.usefixtures("quick_switches")
def test_answers_never_mix_two_commits(stores: list[Store]) -> None:
    """Without a feed, with room for two units, while another process writes: every answer is of one revision."""
    write(stores[0], *scene())
    write(
        stores[0],
        edited("Seal", "s1", name="0"),
        edited("Enterprise", "e1", name="0"),
        edited("Person", "ann", phone="0"),
    )
    fact_cache = FactCache(stores[0], budget=30_000, max_age_s=0.01)
    done = threading.Event()

    def change() -> None:
        try:
            for number in range(1, 80):
                text = str(number)
                write(
                    stores[1],
                    edited("Seal", "s1", name=text),
                    edited("Enterprise", "e1", name=text),
                    edited("Person", "ann", phone=text),
                    SealHold(f"h{number}", "s1", "ADMIN", NOW),
                )
        finally:
            done.set()

    def work(snapshot: FactSnapshot) -> int:
        seal = snapshot.find("Seal", "s1")
        texts = {seal.name, seal.enterprise.name, snapshot.find("Person", "ann").phone}
        texts |= {member.person.phone for member in seal.enterprise.memberships if member.person_id == "ann"}
        assert texts == {str(len(seal.holds) - 1)}
        assert snapshot.revision == len(seal.holds) + 1
        return snapshot.revision

    def look() -> int:
        newest, looks = 0, 0
        while not done.wait(PACE_S):
            revision = fact_cache.answer(work)
            assert revision >= newest
            newest, looks = revision, looks + 1
        return looks

    with ThreadPoolExecutor(4) as pool:
        looking = [pool.submit(look) for _ in range(3)]
        pool.submit(change).result()
        assert all(job.result() > 3 for job in looking)
    assert fact_cache.answer(work, FULL) == 81


@pytest.mark.usefixtures("quick_switches")
def test_after_a_revoke_no_process_allows_to_who_carries_its_token(stores: list[Store]) -> None:
    """Two processes without a feed, asked all the time: a request with the token sees the revoke wherever it goes."""
    write(stores[0], *scene())
    worlds = [FactCache(store, max_age_s=OLD) for store in stores]
    done = threading.Event()

    def state(snapshot: FactSnapshot) -> str:
        return str(snapshot.find("Seal", "s1").state)

    def load(fact_cache: FactCache) -> int:
        count = 0
        while not done.wait(PACE_S):
            fact_cache.answer(state)
            count += 1
        return count

    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(load, fact_cache) for fact_cache in worlds for _ in range(2)]
        try:
            for number in range(40):
                writer = number % 2
                written = write(stores[writer], edited("Seal", "s1", state="DISABLED"))
                carried = Consistency(at_least=written.revision, timeline=written.timeline)
                assert {fact_cache.answer(state, carried) for fact_cache in worlds} == {"DISABLED"}
                write(stores[writer], edited("Seal", "s1", state="ACTIVE"))
        finally:
            done.set()
        assert all(job.result() > 0 for job in jobs)


def test_a_restored_file_is_another_history(new_database: Any) -> None:
    url = new_database("sqlite")
    path = Path(url.removeprefix("sqlite:///"))
    store = Store.open(url, MODEL)
    write(store, *scene())
    fact_cache = FactCache(store, max_age_s=OLD)
    fact_cache.answer(name)
    with store._database.plain() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = Path(shutil.copy(path, path.with_suffix(".kept")))
    rename(store, "lost")
    assert fact_cache.answer(name, FULL) == ("lost", 2)
    # The copy comes back and goes on to a revision that the fact cache has seen already, in another history.
    shutil.move(kept, path)
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    other = Store.open(url, MODEL)
    rename(other, "found")
    for consistency in (FULL, Consistency()):
        with pytest.raises(HistoryLost):
            fact_cache.answer(name, consistency)
    restored(other)
    assert fact_cache.answer(name, FULL) == ("found", 2)
    assert rename(other, "further") == 3
    assert fact_cache.answer(name, FULL) == ("further", 3)
    assert fact_cache.statistics.resets == 3
    for one in (store, other):
        one.close()


def test_a_new_timeline_is_another_history(stores: list[Store]) -> None:
    write(stores[0], *scene())
    fact_cache = FactCache(stores[0], max_age_s=OLD)
    fact_cache.answer(name)
    before = token(fact_cache, 1)
    assert fact_cache.answer(name, before) == ("合同章", 1)
    restored(stores[1])
    assert fact_cache.answer(name, FULL) == ("合同章", 1)
    with pytest.raises(RevisionUnknown):
        fact_cache.answer(name, before)
    assert fact_cache.answer(name, token(fact_cache, 1)) == ("合同章", 1)


def test_a_connection_that_dies_while_an_answer_loads_is_unavailable(new_database: Any, postgresql_uri: str) -> None:
    url = new_database("postgresql")
    store = Store.open(url, MODEL)
    write(store, *scene(), *enterprise(7))
    fact_cache = FactCache(store, max_age_s=OLD)
    fact_cache.answer(name)

    def work(snapshot: FactSnapshot) -> str:
        snapshot.find("Enterprise", "e7")
        with psycopg.connect(postgresql_uri, autocommit=True) as connection:
            ends = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
            connection.execute(ends, ["facts_" + url.split("/facts_")[1].split("?")[0]])
        return str(snapshot.unit(Unit("CONTRACT", "c1")))

    with pytest.raises(FactsUnavailable):
        fact_cache.answer(work)
    assert fact_cache.answer(name, FULL) == ("合同章", 1)
    store.close()
