"""Watching: whoever watches, joins, lags or comes back gets every revision once, in order, and no more than it may."""

from __future__ import annotations

import gc
import random
import threading
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import grpc
import pytest
from calls import TOKEN, Refusal, refusal_of
from conftest import Serve, Served, trusted
from sqlalchemy import create_engine, text

from sealauthz.facts import Batch, Put, Store
from sealauthz.facts.memory.signal import Signal
from sealauthz.facts.store.history import Changed, Revision
from sealauthz.model import MODEL
from sealauthz.model.records.contracts import Contract
from sealauthz.model.records.identity import Person
from sealauthz.model.records.organisation import Enterprise
from sealauthz.model.records.seals import Seal, SealKind, SealState
from sealauthz.model.records.signing import Signatory
from sealauthz.runtime.errors import FactsUnavailable, RevisionUnknown, ServiceBusy
from sealauthz.schema import shape_of
from sealauthz.service import watching
from sealauthz.service.callers import Call
from sealauthz.service.fields import revision_message
from sealauthz.service.records import WireForms, forms_of
from sealauthz.service.streams import stopping
from sealauthz.service.watching import Reached, Watches
from sealauthz_client import CallFailed, Changes, SealAuthzClient
from sealauthz_client.v1 import facts_pb2


def write(store: Store, *records: Any) -> int:
    return store.write(Batch("test", f"{time.monotonic_ns()}-{random.random()}", tuple(map(Put, records)))).revision


def seal(seal_id: str = "S1", enterprise: str = "E1", name: str = "contract seal") -> Seal:
    return Seal(seal_id, enterprise, name, SealKind.CONTRACT, SealState.ACTIVE)


@contextmanager
def following(store: Store) -> Iterator[Watches]:
    watches = Watches(store, Signal())
    watches.start()
    try:
        yield watches
    finally:
        watches.stop()


@pytest.fixture
def each_store(request: pytest.FixtureRequest, new_database: Any) -> Iterator[list[Store]]:
    """Two stores on one database, with the enterprise of the seals: once on SQLite, once on PostgreSQL."""
    url = new_database(request.param)
    stores = [Store.open(url, MODEL), Store.open(url, MODEL)]
    write(stores[0], Enterprise("E1", "Ying", "91350100M000100Y43"))
    yield stores
    for store in stores:
        store.close()


BOTH = pytest.mark.parametrize("each_store", ["sqlite", "postgresql"], indirect=True)


def numbers(steps: Iterator[tuple[str, Any]], until: int) -> list[int]:
    """The revisions that come, up to one."""
    seen = []
    for _, step in steps:
        if isinstance(step, Revision):
            seen.append(step.number)
        if step.number >= until:
            return seen
    return seen


def joined(watches: Watches, count: int = 1) -> None:
    """Wait until as many watchers are live."""
    deadline = time.monotonic() + 20
    while len(watches._outlets) < count:
        assert time.monotonic() < deadline
        time.sleep(0.001)


# --- the law ----------------------------------------------------------------------------------------------------------


@BOTH
def test_a_watcher_that_joins_and_leaves_at_any_time_gets_every_revision_once_and_in_order(
    each_store: list[Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: with writers at work, what a watcher got over all its connections is every revision once, in order."""
    # Small, so that pages, lags and large revisions all happen.
    monkeypatch.setattr(watching, "_PAGE", 3)
    monkeypatch.setattr(watching, "_LARGE", 700)
    monkeypatch.setattr(watching, "CAPACITY", 4)
    monkeypatch.setattr(watching, "_POLL_S", 0.002)
    large: set[bool] = set()
    writes, writers, watchers = 40, 2, 4
    last = 1 + writes * writers

    def work(number: int) -> None:
        rng = random.Random(number)
        for turn in range(writes):
            many = [seal(f"S{number}-{i}", name=f"{turn}") for i in range(rng.choice((1, 1, 3)))]
            write(each_store[number], *many)
            time.sleep(rng.choice((0, 0, 0.002)))

    def watch(number: int) -> list[int]:
        rng = random.Random(100 + number)
        seen: list[int] = []
        at = 0
        while at < last:
            steps = watches.follow(at, "")
            with closing(steps):  # type: ignore[type-var]
                try:
                    for timeline, step in islice(steps, rng.randint(1, 12)):
                        if isinstance(step, Revision):
                            seen.append(step.number)
                            large.add(step.text is None)
                            with watches.whole(step, timeline) as whole:
                                assert whole is not None
                                assert whole.number == step.number
                                assert len(list(whole.changes)) in (1, 3)
                        assert step.number >= at
                        at = step.number
                        if at == last:
                            break
                        time.sleep(rng.choice((0, 0, 0.01)))
                except ServiceBusy:
                    continue
        return seen

    with following(each_store[0]) as watches, ThreadPoolExecutor(writers + watchers) as pool:
        watching_ = [pool.submit(watch, number) for number in range(watchers)]
        for job in [pool.submit(work, number) for number in range(writers)]:
            job.result()
        for job in watching_:
            assert job.result(60) == list(range(1, last + 1))
    assert large == {True, False}


@BOTH
def test_one_who_stays_gets_what_is_written_in_any_process(each_store: list[Store]) -> None:
    with following(each_store[0]) as watches, ThreadPoolExecutor(1) as pool:
        live = pool.submit(numbers, watches.follow(-1, ""), 21)
        joined(watches)
        for turn in range(20):
            write(each_store[1], seal(name=str(turn)))
        assert live.result(20) == list(range(2, 22))


# --- how a watch ends -------------------------------------------------------------------------------------------------


def test_one_who_does_not_read_is_ended_and_the_others_go_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "CAPACITY", 5)
    with following(store) as watches, ThreadPoolExecutor(1) as pool:
        idle = watches.follow(-1, "")
        assert isinstance(next(idle)[1], Reached)
        first = pool.submit(next, idle)
        joined(watches)
        write(store, seal(name="first"))
        assert first.result(10)[1].number == 2
        seen: list[int] = []

        def read() -> None:
            for _, step in watches.follow(-1, ""):
                seen.append(step.number)
                if step.number == 20:
                    return

        reading = pool.submit(read)
        joined(watches, 2)
        for turn in range(3, 21):
            write(store, seal(name=str(turn)))
            deadline = time.monotonic() + 20
            while seen[-1] < turn:
                assert time.monotonic() < deadline
                time.sleep(0.001)
        reading.result(20)
        assert sorted(set(seen)) == list(range(2, 21))
        with pytest.raises(ServiceBusy, match="lags behind"):
            list(idle)


def test_a_stop_ends_every_watch_well(store: Store) -> None:
    with following(store) as watches, ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(list, watches.follow(-1, "")) for _ in range(3)]
        joined(watches, 3)
        watches.stop()
        assert [len(job.result(10)) for job in jobs] == [1, 1, 1]
        assert len(list(watches.follow(-1, ""))) == 1, "and none is taken any more"


def test_an_outage_ends_every_watch_and_later_ones_are_served(store: Store, database: Path) -> None:
    with following(store) as watches, ThreadPoolExecutor(1) as pool:
        live = pool.submit(numbers, watches.follow(-1, ""), 9)
        joined(watches)
        away = database.with_name("away.db")
        database.rename(away)
        with pytest.raises(FactsUnavailable):
            live.result(10)
        away.rename(database)
        write(store, seal(name="new"))
        assert numbers(watches.follow(1, ""), 2) == [2]


def test_a_history_that_is_restored_away_ends_every_watch(store: Store, database: Path) -> None:
    with following(store) as watches, ThreadPoolExecutor(1) as pool:
        live = pool.submit(numbers, watches.follow(-1, ""), 9)
        joined(watches)
        engine = create_engine(f"sqlite:///{database}")
        with engine.begin() as connection:
            connection.execute(text("UPDATE store_identity SET timeline_id = 'another'"))
        engine.dispose()
        with pytest.raises(RevisionUnknown):
            live.result(10)
        write(store, seal(name="new"))
        timeline, step = next(iter(watches.follow(1, "")))
        assert (timeline, step.number) == ("another", 2)


def test_the_thread_of_the_watches_goes_on_whatever_is_raised(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise TypeError("'NoneType' object is not iterable")

    with following(store) as watches, ThreadPoolExecutor(1) as pool:
        for place in ("_page", "_say_reached", "_hand_on"):
            live = pool.submit(numbers, watches.follow(-1, ""), 9)
            joined(watches)
            with monkeypatch.context() as patched:
                patched.setattr(watches, place, fail)
                write(store, seal(name=place))
                with pytest.raises(FactsUnavailable):
                    live.result(10)
        write(store, seal(name="new"))
        assert numbers(watches.follow(4, ""), 2) == [5]


# --- what large revisions take ----------------------------------------------------------------------------------------


def reading(watches: Watches, store: Store, after: int = 0) -> Iterator[facts_pb2.WatchChangesResponse]:
    """A watch of its own, whose reader holds it up between any two messages."""
    request = facts_pb2.WatchChangesRequest()
    if after:
        request.after = revision_message(store.store_id, store.changes_after(-1, 1).timeline, after).token
    return watching.watch(watches, store.store_id, request, Call(trusted()))


def held_changes() -> int:
    """How many changes are held parsed, by anybody."""
    gc.collect()
    return sum(isinstance(found, Changed) for found in gc.get_objects())


@pytest.mark.parametrize("is_live", [False, True])
def test_watchers_that_do_not_read_hold_nothing_parsed_of_large_revisions(store: Store, is_live: bool) -> None:
    """However many they are and however far behind: at most the message that each of them was given."""
    many, size, watchers = 3, 1_000, 12

    def write_all() -> None:
        for turn in range(many):
            write(store, *(seal(f"L{number}", name=f"{turn} " * 30) for number in range(size)))

    if not is_live:
        write_all()
    with following(store) as watches, ThreadPoolExecutor(watchers) as pool:
        steps = [reading(watches, store, 1) if not is_live else reading(watches, store) for _ in range(watchers)]
        if is_live:
            for each in steps:
                assert not next(each).changes
            first = [pool.submit(next, each) for each in steps]
            joined(watches, watchers)
            write_all()
        gc.collect()
        tracemalloc.start()
        try:
            if not is_live:
                first = [pool.submit(next, each) for each in steps]
            # None waits for another, though nobody goes on reading.
            assert [len(job.result(30).changes) for job in first] == [size] * watchers
            first.clear()
            assert held_changes() == 0
            text = len(store.changes_after(1, 1).revisions[0].text or "")
            gc.collect()
            assert tracemalloc.get_traced_memory()[0] < text, "less than one of them as text, for all watchers"
        finally:
            tracemalloc.stop()
        for each in steps:
            rest = list(islice((message for message in each if message.changes), many - 1))
            assert [(message.revision.number, len(message.changes)) for message in rest] == [(3, size), (4, size)]


def test_two_large_revisions_at_most_are_in_use_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the reading until the message is made; whoever has left by then reads nothing."""
    monkeypatch.setattr(watching, "_LARGE", 10)
    now, most, reads = 0, 0, 0
    lock = threading.Lock()
    show, changes_after = watching.View.show, store.changes_after

    def counted(view: Any, changes: Any, message: Any) -> None:
        nonlocal most, now
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.02)
        show(view, changes, message)
        with lock:
            now -= 1

    def counted_read(*arguments: Any) -> Any:
        nonlocal reads
        reads += 1
        return changes_after(*arguments)

    write(store, seal(name="renamed"))
    with following(store) as watches, ThreadPoolExecutor(8) as pool:
        steps = [reading(watches, store, 1) for _ in range(8)]
        monkeypatch.setattr(watching.View, "show", counted)
        assert [job.result(20).revision.number for job in [pool.submit(next, each) for each in steps]] == [2] * 8
        assert most == 2
        call = Call(trusted())
        left = watching._messages(watches, store.store_id, watching.View({}, None, forms_of(MODEL)), 1, "", call)
        monkeypatch.setattr(store, "changes_after", counted_read)
        with watches._large, watches._large:
            leaving = pool.submit(list, left)
            time.sleep(0.1)
            call.stop(stopping())
        assert leaving.result(20) == []
        assert reads == 0


def test_what_is_not_shown_is_not_made_into_a_message(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    fact_of_image = WireForms.fact_of_image

    def counted(forms: WireForms, record_type: str, image: Any, hidden: Any) -> Any:
        made.append(image["id"])
        return fact_of_image(forms, record_type, image, hidden)

    monkeypatch.setattr(WireForms, "fact_of_image", counted)
    write(store, seal("S1", "E1", "a"), seal("S2", "E2", "b"), Enterprise("E1", "Renamed", "91350100M000100Y43"))
    request = facts_pb2.WatchChangesRequest(record_types=["Seal"], enterprise_ids=["E1"])
    view, message = watching.View.of(request, trusted()), facts_pb2.WatchChangesResponse()
    view.show(store.changes_after(1, 1).revisions[0].changes, message)
    assert keys(message) == ["Seal:S1"]
    assert made == ["S1", "S1"]


# --- over a real port: who is shown what ------------------------------------------------------------------------------


@pytest.fixture
def served(serve: Serve) -> Served:
    ours = trusted(name="ours", token="o" * 40, tenants=frozenset({"E1"}))
    few = trusted(name="few", token="f" * 40, read={"Seal": frozenset({"state"})})
    return serve(trusted(), ours, few)


def token_of(served: Served, number: int) -> str:
    """The token of a revision that is there."""
    return next(m.revision.token for m in watch(served) if m.revision.number == number)


def watch(served: Served, token: str = TOKEN, **fields: Any) -> Iterator[Any]:
    request = facts_pb2.WatchChangesRequest(**fields)
    messages: Iterator[Any] = served.facts.WatchChanges(
        request, metadata=(("authorization", f"Bearer {token}"),), timeout=20
    )
    return messages


def refused_watch(served: Served, token: str = TOKEN, **fields: Any) -> Refusal:
    with pytest.raises(grpc.RpcError) as caught:
        list(watch(served, token, **fields))
    return refusal_of(caught.value)


def keys(message: Any) -> list[str]:
    return [f"{change.key.record_type}:{change.key.id}" for change in message.changes]


def test_a_watch_says_at_once_from_where_it_goes_on(served: Served, store: Store) -> None:
    messages = watch(served)
    first = next(messages)
    assert (first.revision.number, keys(first)) == (1, [])
    assert first.committed_at.seconds > 0
    write(store, seal(name="renamed"))
    second = next(messages)
    assert (second.revision.number, keys(second)) == (2, ["Seal:S1"])
    (change,) = second.changes
    assert (change.before.seal.name, change.after.seal.name) == ("contract seal", "renamed")
    assert list(change.hidden_fields) == []
    resumed = next(watch(served, after=first.revision.token))
    assert resumed == second


def test_personal_fields_are_left_out_and_named(served: Served, store: Store) -> None:
    messages = watch(served)
    next(messages)
    write(store, Person("P1", real_name="王小明", phone="13812341569", id_last4="002X", id_hash="h2"))
    (change,) = next(messages).changes
    assert {"real_name", "phone", "id_last4"} <= set(change.hidden_fields)
    assert change.after.person.id_hash == ("" if "id_hash" in change.hidden_fields else "h2")
    assert not change.after.person.real_name
    assert not change.after.person.phone


def test_fields_and_types_that_a_caller_may_not_read_are_left_out(served: Served, store: Store) -> None:
    messages = watch(served, "f" * 40)
    next(messages)
    write(store, Enterprise("E1", "Renamed", "91350100M000100Y43"))
    write(store, seal(name="renamed"))
    message = next(m for m in messages if m.changes)
    assert (message.revision.number, keys(message)) == (3, ["Seal:S1"])
    (change,) = message.changes
    assert change.after.seal.state
    assert (change.after.seal.id, change.after.seal.name, change.after.seal.enterprise_id) == ("S1", "", "")
    assert list(change.hidden_fields) == [c.name for c in shape_of(Seal).columns if c.name not in ("id", "state")]


def test_a_caller_sees_its_own_enterprises_and_no_persons(served: Served, store: Store) -> None:
    first = next(watch(served))
    write(store, seal("S1", "E1", "a"), seal("S2", "E2", "b"), Person("P9", id_hash="h9"))
    write(store, Contract("C1", "E2", "SALES"))
    write(
        store, Contract("C1", "E2", "SALES", template_id="T7"), Signatory("Y1", "C1", "ENTERPRISE", enterprise_id="E1")
    )
    write(store, seal("S1", "E1", "end"))
    after = first.revision.token
    seen = list(islice((m for m in watch(served, "o" * 40, after=after) if m.changes), 3))
    assert [(m.revision.number, sorted(keys(m))) for m in seen] == [
        (2, ["Seal:S1"]),
        (4, ["Contract:C1", "Signatory:Y1"]),
        (5, ["Seal:S1"]),
    ]
    # What the contract was before it concerned the caller is not the caller's.
    contract = next(change for change in seen[1].changes if change.key.record_type == "Contract")
    assert not contract.HasField("before")
    assert contract.after.contract.template_id == "T7"
    everything = list(islice(watch(served, after=after), 4))
    assert [len(message.changes) for message in everything] == [3, 1, 2, 1]


def test_a_request_may_ask_for_less(served: Served, store: Store) -> None:
    first = next(watch(served)).revision.token
    write(store, seal("S1", "E1", "a"), seal("S2", "E2", "b"), Person("P9", id_hash="h9"))
    write(store, Enterprise("E2", "Renamed", "91110000633674814Q"))
    (one,) = islice((m for m in watch(served, after=first, enterprise_ids=["E2"]) if m.changes), 1)
    assert keys(one) == ["Seal:S2"]
    (one,) = islice((m for m in watch(served, after=first, record_types=["Enterprise"]) if m.changes), 1)
    assert (one.revision.number, keys(one)) == (3, ["Enterprise:E2"])


def test_old_changes_without_enterprises_are_shown_to_callers_of_every_enterprise_only(
    served: Served, store: Store, database: Path
) -> None:
    first = next(watch(served)).revision.token
    write(store, seal("S1", "E1", "old"))
    engine = create_engine(f"sqlite:///{database}")
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE fact_change SET changes = replace(changes, 'enterprises_', 'was_') WHERE revision = 2")
        )
    engine.dispose()
    write(store, seal("S1", "E1", "new"))
    assert next(watch(served, after=first)).revision.number == 2
    assert next(m for m in watch(served, "o" * 40, after=first) if m.changes).revision.number == 3


def test_what_is_not_shown_moves_the_cursor_too(served: Served, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    messages = watch(served, "o" * 40)
    next(messages)
    write(store, seal("S2", "E2", "theirs"))
    told = next(messages)
    assert (told.revision.number, keys(told)) == (2, [])
    # Without a pause as well, after some revisions.
    monkeypatch.setattr(watching, "_QUIET_REVISIONS", 5)
    monkeypatch.setattr(watching, "_QUIET_S", 60.0)
    for turn in range(10):
        write(store, seal("S2", "E2", str(turn)))
    assert [m.revision.number for m in islice(watch(served, "o" * 40, after=told.revision.token), 2)] == [7, 12]


def test_a_request_that_cannot_be_served_is_refused(served: Served, store: Store, database: Path) -> None:
    good = next(watch(served)).revision.token
    malformed = refused_watch(served, after="nonsense", record_types=["Sael"], enterprise_ids=[""])
    assert malformed.code == grpc.StatusCode.INVALID_ARGUMENT
    assert set(malformed.violations) == {"record_types[0]", "enterprise_ids[0]"}
    assert set(refused_watch(served, after="nonsense").violations) == {"after"}
    for token, fields in (
        ("o" * 40, {"enterprise_ids": ["E2"]}),
        ("o" * 40, {"record_types": ["Person"]}),
        ("f" * 40, {"record_types": ["Enterprise"]}),
    ):
        assert refused_watch(served, token, **fields).code == grpc.StatusCode.PERMISSION_DENIED
    write(store, seal(name="one"))
    with store.read_transaction() as snapshot:
        newer = revision_message(store.store_id, snapshot.timeline, snapshot.revision + 1).token
    ahead = refused_watch(served, after=newer)
    assert (ahead.code, ahead.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "REVISION_UNKNOWN")
    engine = create_engine(f"sqlite:///{database}")
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM fact_change_unit WHERE revision = 1"))
        connection.execute(text("DELETE FROM fact_change WHERE revision = 1"))
        connection.execute(text("UPDATE fact_change SET revision = 3 WHERE revision = 2"))
        connection.execute(text("UPDATE fact_change_unit SET revision = 3"))
    pruned = refused_watch(served, after=good)
    assert (pruned.code, pruned.reason) == (grpc.StatusCode.OUT_OF_RANGE, "REVISION_PRUNED")
    with engine.begin() as connection:
        connection.execute(text("UPDATE store_identity SET timeline_id = 'another'"))
    engine.dispose()
    assert refused_watch(served, after=good).reason == "REVISION_UNKNOWN"


def test_a_watcher_that_leaves_is_forgotten_and_logged(served: Served) -> None:
    messages = watch(served)
    next(messages)
    messages.cancel()  # type: ignore[attr-defined]
    deadline = time.monotonic() + 10
    while not any(entry.get("method", "").endswith("WatchChanges") for entry in served.log):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert served.last_call()["code"] == "CANCELLED"
    assert not served.server._watches._outlets


def test_watchers_do_not_take_the_threads_of_the_calls(serve: Serve, store: Store) -> None:
    served = serve(threads=1, transaction_threads=1)
    open_ = [watch(served) for _ in range(20)]
    for messages in open_:
        next(messages)
    write(store, seal(name="x"))
    assert [next(messages).revision.number for messages in open_] == [2] * 20


def flood(store: Store, count: int) -> None:
    """Write revisions that are too large for many of them to be on the way."""
    for turn in range(count):
        write(store, *(seal(f"F{number}", name=f"{turn:03}" * 300) for number in range(90)))


def test_a_watcher_that_does_not_read_is_ended_with_where_to_go_on(
    served: Served, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "CAPACITY", 4)
    idle = watch(served)
    last = next(idle).revision
    joined(served.server._watches)
    flood(store, 60)
    seen = []
    try:
        for message in idle:
            seen.append(message.revision.number)
            last = message.revision
    except grpc.RpcError as error:
        refusal = refusal_of(error)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "SERVICE_BUSY")
    assert refusal.retry_ms > 0
    assert seen == list(range(2, last.number + 1))
    assert last.number < 61, "the flood was too small to make it lag"
    rest = [message.revision.number for message in islice(watch(served, after=last.token), 61 - last.number)]
    assert rest == list(range(last.number + 1, 62))


def test_the_client_that_lags_gets_everything_all_the_same(
    served: Served, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "CAPACITY", 4)
    with SealAuthzClient(served.address, TOKEN, insecure=True) as client:
        changes = client.watch_changes()
        assert next(changes).revision == 1
        joined(served.server._watches)
        flood(store, 60)
        assert [next(c for c in changes if c.changes).revision for _ in range(60)] == list(range(2, 62))


# --- the client -------------------------------------------------------------------------------------------------------


def test_the_client_goes_on_over_a_restart_and_an_outage_without_loss_or_repeat(
    serve: Serve, store: Store, database: Path
) -> None:
    served = serve()
    seen: list[Changes] = []
    with SealAuthzClient(served.address, TOKEN, insecure=True) as client:

        def collect() -> None:
            for changes in client.watch_changes():
                seen.append(changes)
                if changes.revision == 7:
                    return

        def reached(number: int) -> bool:
            deadline = time.monotonic() + 20
            while not seen or seen[-1].revision < number:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            return True

        thread = threading.Thread(target=collect)
        thread.start()
        assert reached(1)
        write(store, seal(name="one"))
        assert reached(2)
        served.server.stop(0)
        write(store, seal(name="two"))
        write(store, seal(name="three"))
        serve(listen=served.address)
        assert reached(4)
        away = database.with_name("away.db")
        database.rename(away)
        time.sleep(0.5)
        away.rename(database)
        for name in ("four", "five", "six"):
            write(store, seal(name=name))
        thread.join(20)
        assert not thread.is_alive()
    shown = [changes for changes in seen if changes.changes]
    assert [changes.revision for changes in shown] == [2, 3, 4, 5, 6, 7]
    assert [changes.changes[0].after.seal.name for changes in shown] == ["one", "two", "three", "four", "five", "six"]


def test_the_client_raises_what_does_not_pass(served: Served) -> None:
    with SealAuthzClient(served.address, TOKEN, insecure=True) as client:
        with pytest.raises(CallFailed, match="INVALID_ARGUMENT"):
            next(client.watch_changes("nonsense"))
        with (
            pytest.raises(CallFailed, match="PERMISSION_DENIED"),
            SealAuthzClient(served.address, "f" * 40, insecure=True) as few,
        ):
            next(few.watch_changes(record_types=["Person"]))


def test_closing_the_client_ends_its_watches(served: Served) -> None:
    client = SealAuthzClient(served.address, TOKEN, insecure=True)
    with ThreadPoolExecutor(1) as pool:
        watch = client.watch_changes()
        next(watch)
        ending = pool.submit(list, watch)
        joined(served.server._watches)
        client.close()
        assert ending.result(10) == []


def test_every_type_has_its_place_in_a_view() -> None:
    request = facts_pb2.WatchChangesRequest()
    assert set(watching.View.of(request, trusted()).hidden) == set(MODEL.records)
