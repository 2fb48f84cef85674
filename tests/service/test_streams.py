"""Watchers: an outlet never waits for one, and 200 of them are in nobody's way."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from calls import TOKEN, ask, refusal_of, use
from conftest import Serve, Served
from fake_pdp import FakePdp, allow, deny

from sealauthz.runtime.errors import FactsUnavailable, SealAuthzError
from sealauthz.service.callers import Call
from sealauthz.service.facts import FactsServicer
from sealauthz.service.streams import Outlet, lagging
from sealauthz_client.v1 import facts_pb2, revision_pb2

METADATA = (("authorization", f"Bearer {TOKEN}"),)


def told(last: int | None) -> SealAuthzError:
    return lagging(last or 0)


# --- the outlet -------------------------------------------------------------------------------------------------------


def test_items_come_in_their_order_until_the_outlet_is_closed() -> None:
    outlet: Outlet[int] = Outlet(10, told)
    assert all(outlet.offer(number) for number in range(5))
    outlet.close()
    assert not outlet.offer(5)
    assert list(outlet) == [0, 1, 2, 3, 4]


def test_what_is_queued_is_given_before_the_error() -> None:
    outlet: Outlet[int] = Outlet(10, told)
    outlet.offer(1)
    outlet.close(FactsUnavailable("first"))
    outlet.close(FactsUnavailable("second"))
    given = []
    with pytest.raises(FactsUnavailable, match="first"):
        given.extend(outlet)
    assert list(iter_until_error(outlet)) == []


def iter_until_error(outlet: Outlet[int]) -> Iterator[int]:
    try:
        yield from outlet
    except SealAuthzError:
        return


@pytest.mark.parametrize("limit", [1, 3, 10])
@pytest.mark.parametrize("taken", [0, 1, 2])
def test_one_that_lags_gets_what_fits_and_is_told_where_to_go_on(limit: int, taken: int) -> None:
    outlet: Outlet[int] = Outlet(limit, told)
    given: list[int] = []
    items = iter(outlet)
    for number in range(1, taken + 1):
        assert outlet.offer(number)
        given.append(next(items))
    offered = [outlet.offer(number) for number in range(taken + 1, taken + limit + 4)]
    assert offered == [True] * limit + [False] * 3
    assert outlet.is_closed
    with pytest.raises(SealAuthzError) as caught:
        given.extend(items)
    assert given == list(range(1, taken + limit + 1))
    assert str(caught.value) == f"the watcher lags behind; resume after revision {taken + limit}"


def test_offering_never_waits_for_a_watcher_that_does_not_read() -> None:
    outlet: Outlet[int] = Outlet(3, told)
    items = iter(outlet)
    outlet.offer(0)
    next(items)  # and never again
    offering = threading.Thread(target=lambda: [outlet.offer(number) for number in range(1_000)], daemon=True)
    offering.start()
    offering.join(20)
    assert not offering.is_alive()
    assert outlet.is_closed


def test_a_watcher_that_waits_is_woken_by_each_way_to_end() -> None:
    ends: list[Callable[[Outlet[int]], Any]] = [
        lambda outlet: outlet.close(),
        lambda outlet: outlet.close(FactsUnavailable("gone")),
        lambda outlet: outlet.leave(),
    ]
    for end in ends:
        outlet: Outlet[int] = Outlet(3, told)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(lambda outlet=outlet: list(iter_until_error(outlet)))
            end(outlet)
            assert waiting.result(20) == []


def test_whoever_left_is_given_nothing_more_and_no_error() -> None:
    outlet: Outlet[int] = Outlet(1, told)
    outlet.offer(1)
    outlet.offer(2)
    outlet.leave()
    assert list(outlet) == []


def test_many_threads_may_offer_and_nothing_is_lost_or_doubled() -> None:
    outlet: Outlet[int] = Outlet(100_000, told)
    with ThreadPoolExecutor(8) as pool:
        for start in range(8):
            pool.submit(lambda start=start: [outlet.offer(start * 1_000 + number) for number in range(1_000)])
    outlet.close()
    assert sorted(outlet) == list(range(8_000))


# --- watches over a real port -----------------------------------------------------------------------------------------


class Town:
    """What happens, told to every watcher: a FactsService whose WatchChanges has an outlet for each call."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.outlets: list[Outlet[int]] = []
        self.ended = 0
        self._changing = threading.Condition()

    def watch(self, request: Any, call: Call) -> Iterator[Any]:
        outlet: Outlet[int] = Outlet(self.limit, told, call)
        with self._changing:
            # Large for the first, so that what lies between is soon full if it does not read.
            padding = "x" * (10 if self.outlets else 1_000_000)
            self.outlets.append(outlet)
        try:
            yield message(0, padding)
            for number in outlet:
                yield message(number, padding)
        finally:
            with self._changing:
                self.ended += 1
                self._changing.notify_all()

    def tell(self, number: int) -> None:
        for outlet in self.outlets:
            outlet.offer(number)

    def wait_for_the_end_of(self, count: int) -> None:
        with self._changing:
            assert self._changing.wait_for(lambda: self.ended >= count, 30)


def message(number: int, padding: str) -> Any:
    return facts_pb2.WatchChangesResponse(revision=revision_pb2.FactRevision(number=number, token=padding))


@pytest.fixture
def town(monkeypatch: pytest.MonkeyPatch) -> Town:
    town = Town(limit=8)

    def watch_changes(servicer: Any, request: Any, call: Call) -> Iterator[Any]:
        return town.watch(request, call)

    monkeypatch.setattr(FactsServicer, "WatchChanges", watch_changes, raising=False)
    return town


def watch(served: Served, channel: grpc.Channel | None = None, timeout: float = 60) -> Any:
    method = (channel or served.channel).unary_stream(
        "/sealauthz.v1.FactsService/WatchChanges",
        request_serializer=facts_pb2.WatchChangesRequest.SerializeToString,
        response_deserializer=facts_pb2.WatchChangesResponse.FromString,
    )
    return method(facts_pb2.WatchChangesRequest(), metadata=METADATA, timeout=timeout)


def answers(served: Served, count: int) -> tuple[float, list[int]]:
    """Ask one after another; return the median time of one call, and the effects."""
    took, effects = [], []
    for number in range(count):
        began = time.perf_counter()
        reply = ask(served.authorization.Authorize, use("Seal:S1", action="use" if number % 2 else "freeze"))
        took.append(time.perf_counter() - began)
        effects.append(reply.decision.effect)
    return statistics.median(took), effects


def test_200_watches_and_one_that_does_not_read_are_in_nobodys_way(serve: Serve, town: Town) -> None:
    pdp = FakePdp(lambda asked: allow(asked) if asked.action == "use" else deny(asked))
    served = serve(pdp=pdp, max_streams=400)  # one caller has half of them
    answers(served, 50)
    alone_s, alone = answers(served, 200)
    with grpc.insecure_channel(served.address) as unread, ThreadPoolExecutor(1) as asking:
        # grpcio asks for one message at a time, so that this one takes the first and leaves the others where they are.
        stuck = watch(served, unread)
        next(stuck)
        watches = [watch(served) for _ in range(199)]
        assert [next(one).revision.number for one in watches] == [0] * 199
        meanwhile = asking.submit(answers, served, 200)
        number = 0
        while not town.outlets[0].is_closed:
            number += 1
            assert number < 200, "the watcher that does not read holds nothing up"
            town.tell(number)
            assert {next(one).revision.number for one in watches} == {number}
        assert [outlet.is_closed for outlet in town.outlets] == [True] + [False] * 199
        assert meanwhile.result(60)[1] == alone
        watched_s, watched = answers(served, 200)
        assert watched == alone
        assert watched_s < 4 * alone_s
        # It gets what there was room for, without a gap, and is told where to go on.
        got = [0]
        with pytest.raises(grpc.RpcError) as caught:
            got.extend(one.revision.number for one in stuck)
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert got == list(range(len(got)))
        assert f"resume after revision {got[-1]}" in str(caught.value.details())
    for one in watches:
        one.cancel()
    town.wait_for_the_end_of(200)


def test_a_watcher_that_lagged_got_every_revision_before_the_one_to_go_on_after(serve: Serve, town: Town) -> None:
    served = serve()
    watching = watch(served)
    assert next(watching).revision.number == 0
    last = 0
    while town.outlets[0].offer(last + 1):
        last += 1
    got = []
    with pytest.raises(grpc.RpcError) as caught:  # noqa: PT012 (what came before the error counts)
        for one in watching:
            got.append(one.revision.number)
    assert got == list(range(1, last + 1))
    assert refusal_of(caught.value).message == f"the watcher lags behind; resume after revision {last}"


def test_watchers_that_leave_are_forgotten(serve: Serve, town: Town) -> None:
    served = serve(max_streams=6)
    for ended in range(3, 31, 3):
        watches = [watch(served) for _ in range(3)]
        for one in watches:
            next(one)
            one.cancel()
        town.wait_for_the_end_of(ended)
    wait_until(lambda: len([line for line in served.log if line["event"] == "call"]) == 30)
    assert {line["code"] for line in served.log if line["event"] == "call"} == {"CANCELLED"}
    assert all(outlet.is_closed for outlet in town.outlets)


def test_a_watch_ends_with_its_deadline(serve: Serve, town: Town) -> None:
    served = serve()
    watching = watch(served, timeout=0.5)
    next(watching)
    with pytest.raises(grpc.RpcError) as caught:
        next(watching)
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    town.wait_for_the_end_of(1)


def test_stopping_ends_every_watch_and_does_not_wait_for_the_grace(serve: Serve, town: Town) -> None:
    served = serve()
    watches = [watch(served) for _ in range(20)]
    for one in watches:
        next(one)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(served.server.stop, 600).result(60)
    for one in watches:
        with pytest.raises(grpc.RpcError) as caught:
            list(one)
        assert refusal_of(caught.value).message == "the server is stopping; reconnect"
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE


def test_a_watcher_that_does_not_read_holds_up_a_stop_for_the_grace_and_no_longer(serve: Serve, town: Town) -> None:
    served = serve()
    stuck = watch(served)
    next(stuck)
    number = 0
    while not town.outlets[0].is_closed:
        number += 1
        town.tell(number)
        time.sleep(0.001)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(served.server.stop, 0.5).result(60)
    town.wait_for_the_end_of(1)


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)
