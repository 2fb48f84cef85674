"""Fair shares: nobody waits behind all that another asked, or for messages that do not come; too much is refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from calls import ask, question, refusal_of, refused, use
from conftest import Serve, Served, metadata, trusted
from fake_pdp import FakePdp, allow

from sealauthz.service import patience
from sealauthz.service.pools import AnsweringPool, Line, Pool, Share
from sealauthz.service.shares import LONG_QUEUE, Bucket
from sealauthz_client.v1 import authorization_pb2, facts_pb2

AUTHORIZE = "/sealauthz.v1.AuthorizationService/Authorize"
READ = "/sealauthz.v1.FactsService/ReadFacts"
GREEDY = "g" * 40


def greedy(**limits: Any) -> Any:
    return trusted(name="greedy", token=GREEDY, **{"share": 0.5, **limits})


class Silent:
    """Calls that send headers and never a message, on a connection of their own."""

    def __init__(self, served: Served, path: str, count: int) -> None:
        self._over = threading.Event()
        self._channel = grpc.insecure_channel(served.address, options=[("grpc.use_local_subchannel_pool", 1)])
        method: Any = self._channel.stream_unary(path)
        self.calls = [method.future(self._never(), metadata=metadata(GREEDY), timeout=60) for _ in range(count)]

    def close(self) -> None:
        self._over.set()
        self._channel.close()

    def _never(self) -> Iterator[bytes]:
        self._over.wait(60)
        yield from ()


@pytest.fixture
def silent() -> Iterator[list[Silent]]:
    opened: list[Silent] = []
    yield opened
    for one in opened:
        one.close()


def wait_until_under_way(served: Served, pool: Pool, count: int) -> None:
    """Wait for so many calls, wherever they wait for their message."""
    reception = served.server._reception
    deadline = time.monotonic() + 10
    while pool.calls + (0 if reception is None else reception.without_message) < count:
        assert time.monotonic() < deadline
        time.sleep(0.005)


# --- messages that do not come ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [AUTHORIZE, READ])
def test_calls_that_send_no_message_hold_up_nobody(serve: Serve, silent: list[Silent], path: str) -> None:
    served = serve(trusted(), greedy(), threads=2, transaction_threads=2)
    pools = served.server._pools
    silent.append(Silent(served, path, 64))
    wait_until_under_way(served, pools.answers if path == AUTHORIZE else pools.transactions, 64)
    took = []
    for _ in range(20):
        began = time.monotonic()
        assert ask(served.authorization.Authorize, use(), timeout=3).HasField("decision")
        assert ask(served.facts.ReadFacts, facts_pb2.ReadFactsRequest(record_type="Seal"), timeout=3).facts
        took.append(time.monotonic() - began)
    assert max(took[10:]) < 1
    assert not any(call.done() for call in silent[0].calls), "they are still there"


def test_a_call_whose_message_does_not_come_is_ended_and_logged(
    serve: Serve, silent: list[Silent], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "MESSAGE_WITHIN_S", 0.1)
    served = serve(trusted(), greedy(), threads=2, max_streams=8)
    for path in (AUTHORIZE, READ, "/sealauthz.v1.FactsService/WatchChanges"):
        silent.append(Silent(served, path, 3))
        for call in silent[-1].calls:
            assert call.exception(10).code() == grpc.StatusCode.CANCELLED
        deadline = time.monotonic() + 10
        while len(ended := [line for line in served.log if line.get("reason") == "NO_MESSAGE"]) < 3:
            assert time.monotonic() < deadline
        assert {(line["method"], line["caller"], line["code"]) for line in ended} == {
            (path.lstrip("/"), "greedy", "CANCELLED")
        }
        served.forget_log()
    assert ask(served.authorization.Authorize, use()).HasField("decision")


def test_an_import_whose_first_message_does_not_come_is_ended(
    serve: Serve, silent: list[Silent], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "MESSAGE_WITHIN_S", 0.1)
    served = serve(greedy())
    silent.append(Silent(served, "/sealauthz.v1.FactsService/ImportFacts", 1))
    refusal = refusal_of(silent[0].calls[0].exception(10))
    assert (refusal.code, refusal.message) == (
        grpc.StatusCode.DEADLINE_EXCEEDED,
        "the first message did not come within 0.1 seconds",
    )
    assert served.last_call()["reason"] == "DEADLINE_PASSED"


def test_a_call_that_ends_without_a_message_is_told_so(serve: Serve) -> None:
    served = serve()
    with pytest.raises(grpc.RpcError) as caught:
        served.channel.stream_unary(AUTHORIZE)(iter(()), metadata=metadata(), timeout=10)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
    deadline = time.monotonic() + 10
    while not any(line["event"] == "call" for line in served.log):  # a little later
        assert time.monotonic() < deadline
        time.sleep(0.005)
    assert (served.last_call()["code"], served.last_call()["reason"]) == ("UNIMPLEMENTED", "NO_MESSAGE")


# --- calls that are answered on arrival -------------------------------------------------------------------------------


def test_queued_calls_whose_callers_left_count_no_more_and_are_not_decided(serve: Serve) -> None:
    def slowly(asked: Any) -> Any:
        time.sleep(0.02)
        return allow(asked)

    pdp = FakePdp(slowly)
    served = serve(trusted(), greedy(), pdp=pdp)
    queue = served.server._reception._queue  # type: ignore[union-attr]
    calls = [
        served.authorization.Authorize.future(use(), metadata=metadata(GREEDY), timeout=30)
        for _ in range(5 * LONG_QUEUE)
    ]
    deadline = time.monotonic() + 20
    while queue.calls("greedy") < 3 * LONG_QUEUE:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    for call in calls:
        call.cancel()
    while queue.calls("greedy"):
        assert time.monotonic() < deadline
        time.sleep(0.001)
    assert ask(served.authorization.Authorize, use()).HasField("decision")
    assert len(pdp.asked) < 3 * LONG_QUEUE


# --- concurrency ------------------------------------------------------------------------------------------------------


class Slow:
    """Answers once it is let go; the first `Seal:fast` at once."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def __call__(self, asked: Any) -> Any:
        if asked.resource.id != "fast":
            self.go.wait(30)
        return allow(asked)


def test_one_caller_has_its_share_of_the_answers_and_the_rest_is_for_others(serve: Serve) -> None:
    slow = Slow()
    served = serve(trusted(), greedy(), pdp=FakePdp(slow, waits=True), threads=1, max_concurrent_calls=8)
    with ThreadPoolExecutor(16) as pool:
        calls = [pool.submit(ask, served.authorization.Authorize, use(), GREEDY, 30) for _ in range(8)]
        deadline = time.monotonic() + 10
        while sum(call.done() for call in calls) < 4:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        others = [pool.submit(ask, served.authorization.Authorize, use(), timeout=30) for _ in range(4)]
        slow.go.set()
        for call in others:
            assert call.result(10).HasField("decision")
    errors = [refusal_of(error) for call in calls if (error := call.exception(10)) is not None]
    assert {(error.code, error.reason, error.retry_ms) for error in errors} == {
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "SERVICE_BUSY", 500)
    }
    assert {error.message for error in errors} == {"too many concurrent answers of this caller; try again later"}
    busy = next(line for line in served.log if line["event"] == "busy")
    assert (busy["pool"], busy["most"], busy["caller"]) == ("answers", 4, "greedy")


def test_callers_take_turns() -> None:
    line: Line[str] = Line()
    for each in ("a1", "a2", "a3", "b1", "c1", "b2"):
        line.add(each[0], each)
    taken = []
    while line:
        taken.append(line.take())
    assert taken == ["a1", "b1", "c1", "a2", "b2", "a3"]
    with pytest.raises(KeyError):
        line.take()


def test_a_call_waits_behind_one_call_of_another_and_not_behind_all() -> None:
    pool = AnsweringPool("test", 1, 100)
    many, one = Share(pool, "many", 50), Share(pool, "one", 50)
    go, order = threading.Event(), []
    first: Future[Any] = many.submit(go.wait, 10)
    calls = [many.submit(order.append, f"many {number}") for number in range(20)]
    calls.append(one.submit(order.append, "one"))
    go.set()
    for call in (first, *calls):
        call.result(10)
    assert order.index("one") == 1
    pool.shutdown()


# --- rate -------------------------------------------------------------------------------------------------------------


def test_a_bucket_gives_what_comes_in_and_at_most_that_of_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    bucket = Bucket(4)
    assert [bucket.take() for _ in range(5)] == [0, 0, 0, 0, 0.25]
    now += 0.125
    assert bucket.take() == 0.125
    now += 0.125
    assert bucket.take() == 0
    now += 1_000
    assert [bucket.take() for _ in range(5)] == [0, 0, 0, 0, 0.25]
    bucket.owe(8)
    assert bucket.take() == 2.25
    bucket.owe(1_000_000)
    assert bucket.take() == 60.25, "a minute is the most that is owed"


def test_a_slow_rate_gives_one_call_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    bucket = Bucket(0.5)
    assert [bucket.take(), bucket.take()] == [0, 2]


def test_who_asks_too_fast_is_told_when_to_try_again_and_others_are_not(serve: Serve) -> None:
    served = serve(trusted(), greedy(calls_per_s=0.1))
    assert ask(served.authorization.Authorize, use(), GREEDY).HasField("decision")
    refusal = refused(served.facts.ReadFacts, facts_pb2.ReadFactsRequest(record_type="Seal"), GREEDY)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "SERVICE_BUSY")
    assert refusal.message == "this caller may ask 0.1 times a second; slow down"
    assert 5_000 < refusal.retry_ms <= 10_000
    assert ask(served.authorization.Authorize, use()).HasField("decision")
    busy = next(line for line in served.log if line["event"] == "busy")
    assert (busy["per_s"], busy["caller"], busy["refused"]) == (0.1, "greedy", 1)


def test_a_batch_counts_as_many_as_its_questions_and_a_write_as_its_changes(serve: Serve) -> None:
    served = serve(greedy(calls_per_s=10))
    batch = authorization_pb2.AuthorizeBatchRequest(questions=[question()] * 100)
    assert len(ask(served.authorization.AuthorizeBatch, batch, GREEDY).items) == 100
    assert 8_000 < refused(served.authorization.Authorize, use(), GREEDY).retry_ms <= 9_200


# --- a line that is too long ------------------------------------------------------------------------------------------


def test_a_call_that_waited_for_longer_than_it_has_left_is_refused_instead_of_answered_too_late(serve: Serve) -> None:
    slow = Slow()
    pdp = FakePdp(slow, waits=True)
    served = serve(pdp=pdp, threads=1)
    with ThreadPoolExecutor(3) as pool:
        calls = [pool.submit(ask, served.authorization.Authorize, use(), timeout=30)]
        wait_until_under_way(served, served.server._pools.answers, 1)
        calls += [pool.submit(ask, served.authorization.Authorize, use(), timeout=within) for within in (3, 30)]
        wait_until_under_way(served, served.server._pools.answers, 3)
        time.sleep(1.6)
        slow.go.set()
        refusal = refusal_of(calls[1].exception(10))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "SERVICE_BUSY")
        assert refusal.message == "the call has waited for longer than it has left"
        assert refusal.retry_ms == 500
        for call in (calls[0], calls[2]):
            assert call.result(10).HasField("decision")
    assert len(pdp.asked) == 2


@pytest.mark.slow
def test_at_three_times_what_it_can_do_the_service_does_as_much_as_it_can(serve: Serve) -> None:
    def slowly(asked: Any) -> Any:
        time.sleep(0.03)  # so much that the client in this process is not what is measured
        return allow(asked)

    served = serve(pdp=FakePdp(slowly, waits=True), threads=2)
    ask(served.authorization.Authorize, use())

    def answered_per_s(rate: float, within_s: float) -> float:
        """Ask at a rate, without waiting for answers."""
        calls: list[Any] = []
        began = time.monotonic()
        while (passed := time.monotonic() - began) < within_s:
            while len(calls) < passed * rate:
                calls.append(served.authorization.Authorize.future(use(), metadata=metadata(), timeout=0.5))
            time.sleep(0.002)
        return sum(call.exception() is None for call in calls) / within_s

    with ThreadPoolExecutor(4) as pool:
        began = time.monotonic()
        list(pool.map(lambda _: ask(served.authorization.Authorize, use()), range(30)))
        peak = 30 / (time.monotonic() - began)
    assert answered_per_s(3 * peak, 2.0) >= 0.8 * peak


# --- what a connection takes ------------------------------------------------------------------------------------------


def test_more_calls_than_a_connection_takes_wait_at_the_client(serve: Serve) -> None:
    def slowly(asked: Any) -> Any:
        time.sleep(0.001)
        return allow(asked)

    served = serve(trusted(share=0.5), pdp=FakePdp(slowly))
    calls = [served.authorization.Authorize.future(use(), metadata=metadata(), timeout=30) for _ in range(400)]
    assert all(call.result().HasField("decision") for call in calls)
