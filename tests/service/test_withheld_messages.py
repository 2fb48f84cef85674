"""Calls whose message never comes: without a token they stop nobody, and with one they take only a part."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from calls import ask, refusal_of, use
from conftest import Serve, Served, caller, metadata, trusted
from grpc_health.v1 import health_pb2, health_pb2_grpc

from sealauthz.facts import Store
from sealauthz.service import patience
from sealauthz.service.pools import Pool
from sealauthz_client.v1 import facts_pb2, records_pb2

AUTHORIZE = "/sealauthz.v1.AuthorizationService/Authorize"
WATCH_CHANGES = "/sealauthz.v1.FactsService/WatchChanges"
CHECK = "/grpc.health.v1.Health/Check"
WATCH = "/grpc.health.v1.Health/Watch"

Flood = Callable[..., list[Any]]


@pytest.fixture
def flood() -> Iterator[Flood]:
    """Open so many calls of a method that never send their message, on a connection of their own."""
    over = threading.Event()
    opened: list[grpc.Channel] = []
    held: list[Any] = []  # a call that nobody holds is cancelled

    def never() -> Iterator[bytes]:
        over.wait(60)
        yield from ()

    def start(served: Served, path: str, count: int, token: str | None = None) -> list[Any]:
        channel = grpc.insecure_channel(served.address, options=[("grpc.use_local_subchannel_pool", 1)])
        opened.append(channel)
        sent = () if token is None else metadata(token)
        call: Any = channel.stream_unary(path)
        calls = [call.future(never(), metadata=sent, timeout=60) for _ in range(count)]
        held.extend(calls)
        time.sleep(0.5)
        return calls

    yield start
    over.set()
    for channel in opened:
        channel.close()


def probe(served: Served, timeout: float = 10) -> int:
    stub = health_pb2_grpc.HealthStub(served.channel)
    status: int = stub.Check(health_pb2.HealthCheckRequest(), timeout=timeout).status
    return status


def all_answer(served: Served) -> None:
    assert ask(served.authorization.Authorize, use(), timeout=3).HasField("decision")
    assert probe(served) == health_pb2.HealthCheckResponse.SERVING
    watch = served.facts.WatchChanges(facts_pb2.WatchChangesRequest(), metadata=metadata(), timeout=10)
    assert next(watch).revision.number > 0
    watch.cancel()


@pytest.mark.parametrize("path", [AUTHORIZE, WATCH_CHANGES, CHECK, WATCH])
def test_calls_without_a_token_that_send_nothing_are_in_nobodys_way(serve: Serve, flood: Flood, path: str) -> None:
    served = serve(threads=2, transaction_threads=2, max_streams=8)
    flood(served, path, 32)
    all_answer(served)
    assert "incident" not in served.log_text


@pytest.mark.parametrize("path", [AUTHORIZE, WATCH_CHANGES])
def test_a_call_without_a_right_is_refused_before_its_message_comes(serve: Serve, flood: Flood, path: str) -> None:
    served = serve(trusted(), caller("nobody", "n" * 40))
    for token, code in ((None, grpc.StatusCode.UNAUTHENTICATED), ("n" * 40, grpc.StatusCode.PERMISSION_DENIED)):
        (call,) = flood(served, path, 1, token)
        error = call.exception(10)
        assert refusal_of(error).code == code
        line = served.last_call()
        assert (line["method"], line["code"]) == (path.lstrip("/"), code.name)


def test_a_probe_that_sends_nothing_gives_its_thread_back(
    serve: Serve, flood: Flood, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "MESSAGE_WITHIN_S", 0.2)
    served = serve()
    for path in (CHECK, WATCH):
        for call in flood(served, path, 3):
            assert call.exception(10).code() == grpc.StatusCode.CANCELLED
    assert probe(served) == health_pb2.HealthCheckResponse.SERVING
    assert [line["event"] for line in served.log] == ["serving"]


def test_a_probe_without_a_message_or_with_a_broken_one_is_refused(serve: Serve) -> None:
    served = serve()
    for path in (CHECK, WATCH):
        for requests, code in (([], "UNIMPLEMENTED"), ([b"\xff"], "INVALID_ARGUMENT")):
            with pytest.raises(grpc.RpcError) as caught:
                list(served.channel.stream_stream(path)(iter(requests), timeout=10))  # type: ignore[call-overload]
            assert caught.value.code().name == code
    assert [line.get("code") for line in served.log] == [None, "INVALID_ARGUMENT", "INVALID_ARGUMENT"]


def test_a_full_house_of_probes_that_send_nothing_is_gone_soon(serve: Serve, flood: Flood) -> None:
    served = serve()
    flood(served, CHECK, 64)
    flood(served, WATCH, 64)
    time.sleep(4)
    assert probe(served) == health_pb2.HealthCheckResponse.SERVING
    watch = health_pb2_grpc.HealthStub(served.channel).Watch(health_pb2.HealthCheckRequest(), timeout=10)
    assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
    watch.cancel()


def test_one_caller_has_at_most_half_of_the_streams(serve: Serve, flood: Flood) -> None:
    served = serve(trusted(), trusted(name="greedy", token="g" * 40, share=0.5), max_streams=8)
    calls = flood(served, WATCH_CHANGES, 6, "g" * 40)
    refused = [call for call in calls if call.done()]
    assert len(refused) == 2
    refusal = refusal_of(refused[0].exception())
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "SERVICE_BUSY")
    assert refusal.message == "too many concurrent streams of this caller; end one first"
    busy = next(line for line in served.log if line["event"] == "busy")
    assert (busy["pool"], busy["most"], busy["caller"]) == ("streams", 4, "greedy")
    all_answer(served)
    for call in calls:
        call.cancel()
    deadline = time.monotonic() + 10
    while any(call.done() for call in flood(served, WATCH_CHANGES, 1, "g" * 40)):
        assert time.monotonic() < deadline, "its places are not given back"


@pytest.mark.parametrize("sent", [0, 1])
def test_a_stop_ends_an_import_that_sends_nothing_at_once(serve: Serve, store: Store, sent: int) -> None:
    served = serve()
    over = threading.Event()

    def messages() -> Iterator[facts_pb2.ImportFactsRequest]:
        if sent:
            yield facts_pb2.ImportFactsRequest(import_id="I1", enterprise_ids=["E1"], part=1, facts=[seal("A")])
        over.wait(30)

    before = store.revision()
    call = served.facts.ImportFacts.future(messages(), metadata=metadata(), timeout=30)
    deadline = time.monotonic() + 10
    while store.revision() < before + sent or not served.server._interceptor._streaming:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    began = time.monotonic()
    served.server.stop(20)
    assert time.monotonic() - began < 5
    assert refusal_of(call.exception(5)).code == grpc.StatusCode.UNAVAILABLE
    assert refusal_of(call.exception(5)).message == "the server is stopping; reconnect"
    over.set()
    while any(thread.name == "sealauthz-intake" for thread in threading.enumerate()):
        assert time.monotonic() < deadline, "the thread stays"
        time.sleep(0.01)


def seal(seal_id: str) -> records_pb2.Fact:
    record = records_pb2.Seal(id=seal_id, enterprise_id="E1", name="seal", kind=records_pb2.SEAL_KIND_OTHER)
    return records_pb2.Fact(seal=record)


def test_the_thread_that_ends_such_calls_goes_on_whatever_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    """If it ended, calls that hold their message back would keep their threads for good."""
    failed, looked = threading.Event(), threading.Event()

    def look(_: Any) -> None:
        if not failed.is_set():
            raise TypeError
        looked.set()

    def messages() -> Iterator[bytes]:
        """A message that comes once somebody has looked again after a failure."""
        assert looked.wait(30)
        yield b"message"

    monkeypatch.setattr(patience.Patience, "_look", look)
    watched, pool = patience.Patience(lambda *_: failed.set()), Pool("test", 1, 1)
    context: Any = object()
    assert watched.first(messages(), context, pool, is_known=True) == b"message"
    assert watched.thread.failures == 1
    watched.close()
    assert watched.thread.join(10)
    pool.shutdown()
