"""The pools: each method in its own, none waits behind another, and no call is queued above the cap."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from calls import TOKEN, ask, entity, question, refusal_of, refused, use
from conftest import Serve, Served
from fake_pdp import FakePdp, allow
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from sealauthz.facts.memory.permits import NotAtOnce
from sealauthz.runtime.errors import FactsUnavailable
from sealauthz.service.audit import AuditServicer
from sealauthz.service.authorization import AuthorizationServicer
from sealauthz.service.callers import RPCS, SERVICES, Call
from sealauthz.service.events import EventsServicer
from sealauthz.service.facts import FactsServicer
from sealauthz.service.monitoring import MonitorServicer
from sealauthz.service.operations import OperationsServicer
from sealauthz.service.policies import PolicyServicer
from sealauthz.service.pools import AtOnce, Pool, Pools
from sealauthz_client.v1 import authorization_pb2, facts_pb2

METADATA = (("authorization", f"Bearer {TOKEN}"),)

POOL_OF = {
    "AuthorizationService/Authorize": "answers",
    "AuthorizationService/AuthorizeBatch": "answers",
    "AuthorizationService/ListActions": "answers",
    "AuthorizationService/Explain": "answers",
    "AuthorizationService/ListResources": "answers",
    "AuthorizationService/ListSubjects": "answers",
    "FactsService/WriteFacts": "transactions",
    "FactsService/ReadFacts": "transactions",
    "FactsService/ListImports": "transactions",
    "FactsService/EndImport": "transactions",
    "FactsService/ImportFacts": "streams",
    "FactsService/WatchChanges": "streams",
    "OperationsService/Perform": "transactions",
    "EventsService/Watch": "streams",
    "MonitorService/WatchSealActivity": "streams",
    "MonitorService/ListSealActivity": "transactions",
    "OperationsService/GetProgress": "transactions",
    "OperationsService/GetOperation": "transactions",
    "OperationsService/GetKeys": "transactions",
    "PolicyService/ListVersions": "transactions",
    "PolicyService/GetPolicy": "transactions",
    "PolicyService/ValidatePolicy": "transactions",
    "PolicyService/ComparePolicies": "transactions",
    "PolicyService/Propose": "transactions",
    "PolicyService/Activate": "transactions",
    "PolicyService/RollBack": "transactions",
    "AuditService/GetDecision": "transactions",
    "AuditService/DecideAsOf": "transactions",
    "AuditService/ListDecisions": "transactions",
    "AuditService/GetConsistencyProof": "transactions",
    "AuditService/GetInclusionProof": "transactions",
    "AuditService/GetCheckpoint": "transactions",
    "PolicyService/GetShadow": "transactions",
    "PolicyService/EndShadow": "transactions",
    "PolicyService/BeginShadow": "transactions",
}


def stubs(served: Served) -> dict[str, Callable[..., Any]]:
    """Every RPC of ours as a call that sends an empty request and waits for what there is to wait for."""
    found = {}
    for service in SERVICES:
        for method in service.methods:
            found[f"{service.name}/{method.name}"] = getattr(served.stub_of(service.name), method.name)
    return found


def test_each_method_runs_in_its_pool(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: dict[str, str] = {}

    def noting(name: str, is_streaming: bool) -> Callable[..., Any]:
        def call(self: Any, request: Any, call: Call) -> Any:
            if not call.may_wait:
                raise NotAtOnce
            ran[name] = threading.current_thread().name
            raise FactsUnavailable("only the thread is of interest")

        def stream(self: Any, request: Any, call: Call) -> Iterator[Any]:
            yield call_now(self, request, call)

        call_now = call
        return stream if is_streaming else call

    servicers = {
        "AuditService": AuditServicer,
        "AuthorizationService": AuthorizationServicer,
        "EventsService": EventsServicer,
        "FactsService": FactsServicer,
        "MonitorService": MonitorServicer,
        "OperationsService": OperationsServicer,
        "PolicyService": PolicyServicer,
    }
    streaming = {f"{service.name}/{method.name}": method for service in SERVICES for method in service.methods}
    for rpc, method in streaming.items():
        service, _, name = rpc.partition("/")
        monkeypatch.setattr(servicers[service], name, noting(rpc, method.server_streaming), raising=False)
    served = serve()
    for rpc, stub in stubs(served).items():
        method = streaming[rpc]
        request = method.input_type._concrete_class()
        with pytest.raises(grpc.RpcError) as caught:
            list(stub(iter([request]) if method.client_streaming else request, metadata=METADATA, timeout=10))
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    assert set(POOL_OF) == set(RPCS), "a new RPC needs a pool"
    assert {rpc: thread.rpartition("_")[0] for rpc, thread in ran.items()} == {
        rpc: f"sealauthz-{pool}" for rpc, pool in POOL_OF.items()
    }


@pytest.mark.parametrize(
    ("method", "is_streaming", "pool"),
    [
        ("grpc.health.v1.Health/Check", False, "probes"),
        ("grpc.health.v1.Health/List", False, "probes"),
        ("grpc.health.v1.Health/Watch", True, "health watches"),
        ("grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", True, "streams"),
        ("other.Service/Anything", False, "transactions"),
    ],
)
def test_what_is_not_ours_has_a_pool_too(method: str, is_streaming: bool, pool: str) -> None:
    assert Pools().of(method, is_streaming).name == pool


class Gate:
    """Holds up whatever passes, and counts it."""

    def __init__(self) -> None:
        self.passed = 0
        self._open = threading.Event()
        self._arriving = threading.Condition()

    def __call__(self, asked: Any) -> Any:
        with self._arriving:
            self.passed += 1
            self._arriving.notify_all()
        self._open.wait(30)
        return allow(asked)

    def wait_for(self, count: int) -> None:
        with self._arriving:
            assert self._arriving.wait_for(lambda: self.passed >= count, 20)

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open()


def read(served: Served) -> Any:
    return ask(served.facts.ReadFacts, facts_pb2.ReadFactsRequest(record_type="Seal"))


def reading_waits(monkeypatch: pytest.MonkeyPatch, gate: Gate) -> None:
    def read_facts(self: Any, request: Any, call: Call) -> Any:
        gate(use())
        return facts_pb2.ReadFactsResponse()

    monkeypatch.setattr(FactsServicer, "ReadFacts", read_facts)


def test_transactions_that_hang_hold_up_no_answer_and_no_stream(
    serve: Serve, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading_waits(monkeypatch, gate)
    served = serve(threads=2, transaction_threads=4, max_streams=4)
    with ThreadPoolExecutor(8) as pool:
        hanging = [pool.submit(read, served) for _ in range(6)]
        gate.wait_for(4)
        assert ask(served.authorization.Authorize, use()).HasField("decision")
        assert next(watch_health(served)).status == health_pb2.HealthCheckResponse.SERVING
        gate.open()
        for call in hanging:
            call.result(10)


def test_answers_that_hang_hold_up_no_transaction_and_no_stream(serve: Serve, gate: Gate) -> None:
    served = serve(pdp=FakePdp(gate, waits=True), threads=2, max_streams=4)
    with ThreadPoolExecutor(8) as pool:
        hanging = [pool.submit(ask, served.authorization.Authorize, use()) for _ in range(4)]
        gate.wait_for(2)
        assert read(served).facts
        assert next(watch_health(served)).status == health_pb2.HealthCheckResponse.SERVING
        gate.open()
        for call in hanging:
            call.result(10)


def watch_health(served: Served) -> Any:
    return health_pb2_grpc.HealthStub(served.channel).Watch(health_pb2.HealthCheckRequest(), timeout=30)


def reflect(served: Served) -> Any:
    """Open a reflection stream that stays open, and return its first answer and the stream."""
    asked: threading.Event = threading.Event()

    def requests() -> Iterator[Any]:
        yield reflection_pb2.ServerReflectionRequest(list_services="")
        asked.wait(30)

    stub = reflection_pb2_grpc.ServerReflectionStub(served.channel)
    stream = stub.ServerReflectionInfo(requests(), metadata=METADATA, timeout=30)
    next(stream)
    return stream, asked


def test_as_many_streams_as_there_are_answering_threads_are_in_nobodys_way(serve: Serve) -> None:
    served = serve(threads=4, transaction_threads=4, has_reflection=True)
    watches = [watch_health(served) for _ in range(4)]
    assert [next(one).status for one in watches] == [health_pb2.HealthCheckResponse.SERVING] * 4
    reflecting = [reflect(served) for _ in range(4)]
    assert ask(served.authorization.Authorize, use()).HasField("decision")
    assert read(served).facts
    for stream, asked in reflecting:
        asked.set()
        stream.cancel()
    for one in watches:
        one.cancel()


# --- admission --------------------------------------------------------------------------------------------------------


def is_busy(call: Future[Any]) -> bool:
    error = call.exception(20)
    if error is None:
        return False
    refusal = refusal_of(error)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "SERVICE_BUSY")
    assert refusal.retry_ms > 0
    return True


@pytest.mark.parametrize(("threads", "cap"), [(1, 1), (1, 3), (2, 4)])
def test_what_is_above_the_cap_is_refused_at_once_and_everything_else_answered(
    serve: Serve, gate: Gate, threads: int, cap: int
) -> None:
    served = serve(pdp=FakePdp(gate, waits=True), threads=threads, max_concurrent_calls=cap)
    with ThreadPoolExecutor(12) as pool:
        calls = [pool.submit(ask, served.authorization.Authorize, use(), timeout=30) for _ in range(cap + 6)]
        deadline = time.monotonic() + 20
        # The refused ones are done while every thread still hangs.
        while sum(call.done() for call in calls) < 6:
            assert time.monotonic() < deadline
            time.sleep(0.005)
        gate.open()
        assert sum(map(is_busy, calls)) == 6
    assert ask(served.authorization.Authorize, use()).HasField("decision")


def test_each_pool_has_a_cap_of_its_own(serve: Serve, gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    reading_waits(monkeypatch, gate)
    served = serve(transaction_threads=1, max_transactions=1, max_streams=1, has_reflection=True)
    with ThreadPoolExecutor() as pool:
        hanging = pool.submit(read, served)
        gate.wait_for(1)
        request = facts_pb2.ReadFactsRequest(record_type="Seal")
        refusal = refused(served.facts.ReadFacts, request)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "SERVICE_BUSY")
        assert refusal.message == "too many concurrent transactions; try again later"
        stream, asked = reflect(served)
        with pytest.raises(grpc.RpcError) as caught:
            reflect(served)
        assert refusal_of(caught.value).message == "too many concurrent streams; try again later"
        assert ask(served.authorization.Authorize, use()).HasField("decision")
        asked.set()
        stream.cancel()
        gate.open()
        hanging.result(10)


def test_a_probe_is_answered_although_the_pool_is_full(serve: Serve, gate: Gate) -> None:
    served = serve(pdp=FakePdp(gate, waits=True), threads=2, max_concurrent_calls=2)
    stub = health_pb2_grpc.HealthStub(served.channel)
    with ThreadPoolExecutor() as pool:
        hanging = [pool.submit(ask, served.authorization.Authorize, use()) for _ in range(2)]
        gate.wait_for(2)
        probe = pool.submit(stub.Check, health_pb2.HealthCheckRequest(), timeout=20)
        assert refused(served.authorization.Authorize, use()).reason == "SERVICE_BUSY"
        gate.open()
        assert probe.result(20).status == health_pb2.HealthCheckResponse.SERVING
        for call in hanging:
            call.result(10)


def test_a_thousand_refusals_are_a_few_lines_in_the_log_and_harm_nothing(serve: Serve, gate: Gate) -> None:
    served = serve(pdp=FakePdp(gate, waits=True), threads=1, max_concurrent_calls=1)
    with ThreadPoolExecutor() as pool:
        hanging = pool.submit(ask, served.authorization.Authorize, use(), timeout=60)
        gate.wait_for(1)
        began = time.monotonic()
        for _ in range(1_000):
            assert refused(served.authorization.Authorize, use()).reason == "SERVICE_BUSY"
        took_s = time.monotonic() - began
        gate.open()
        hanging.result(20)
    assert ask(served.authorization.Authorize, use()).HasField("decision")
    lines = [entry for entry in served.log if entry["event"] == "busy"]
    assert 1 <= len(lines) <= took_s + 2
    assert {(line["pool"], line["most"]) for line in lines} == {("answers", 1)}
    assert lines[0]["refused"] == 1


def test_a_large_request_is_refused_at_once_too(serve: Serve, gate: Gate) -> None:
    served = serve(pdp=FakePdp(gate, waits=True), threads=1, max_concurrent_calls=1)
    with ThreadPoolExecutor() as pool:
        hanging = pool.submit(ask, served.authorization.Authorize, use())
        gate.wait_for(1)
        request = authorization_pb2.AuthorizeBatchRequest(questions=[question("Seal:" + "x" * 3_000)] * 1_000)
        assert refused(served.authorization.AuthorizeBatch, request).reason == "SERVICE_BUSY"
        gate.open()
        hanging.result(10)


def test_an_unknown_method_is_told_from_a_full_pool(serve: Serve, gate: Gate) -> None:
    served = serve(pdp=FakePdp(gate, waits=True), threads=1, max_concurrent_calls=1)
    with ThreadPoolExecutor() as pool:
        hanging = pool.submit(ask, served.authorization.Authorize, use())
        gate.wait_for(1)
        with pytest.raises(grpc.RpcError) as caught:
            served.channel.unary_unary("/sealauthz.v1.AuthorizationService/Nothing")(b"", timeout=10)
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
        gate.open()
        hanging.result(10)


def test_calls_that_give_up_while_they_wait_leave_their_place(serve: Serve, gate: Gate) -> None:
    served = serve(pdp=FakePdp(gate, waits=True), threads=1, max_concurrent_calls=4)
    with ThreadPoolExecutor() as pool:
        hanging = pool.submit(ask, served.authorization.Authorize, use("Seal:S1"), timeout=30)
        gate.wait_for(1)
        late = [pool.submit(ask, served.authorization.Authorize, use("Seal:late"), timeout=0.2) for _ in range(3)]
        for call in late:
            assert getattr(call.exception(20), "code")() == grpc.StatusCode.DEADLINE_EXCEEDED  # noqa: B009
        gate.open()
        hanging.result(20)
    assert ask(served.authorization.Authorize, use("Seal:S1")).HasField("decision")
    assert gate.passed == 2, "a call past its deadline was looked at"


# --- the pool itself --------------------------------------------------------------------------------------------------


def test_a_pool_counts_what_is_queued_and_forgets_it_whatever_becomes_of_it() -> None:
    release, started = threading.Event(), threading.Event()

    def wait() -> None:
        started.set()
        release.wait(10)

    def fail() -> None:
        raise ValueError

    with Pool("test", 1, 3) as pool:
        first = pool.submit(wait)
        assert started.wait(10)
        second, third = pool.submit(fail), pool.submit(int)
        assert (pool.calls, pool.has_room(), pool.is_crowded) == (3, False, True)
        third.cancel()
        assert (pool.calls, pool.has_room()) == (2, True)
        release.set()
        assert first.result(10) is None
        assert isinstance(second.exception(10), ValueError)
    assert pool.calls == 0


def test_submitting_never_raises_on_the_thread_that_serves() -> None:
    pool = Pool("test", 1, 3)
    pool.shutdown()
    assert pool.submit(int).cancelled()
    assert pool.calls == 0


def test_a_pool_without_a_thread_to_start_does_not_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    pool = Pool("test", 2, 3)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", cannot)
        waiting = pool.submit(int)
    assert pool.calls == 1, "what is queued is counted"
    assert pool.submit(str).result(10) == ""
    assert waiting.result(10) == 0
    pool.shutdown()
    assert pool.calls == 0


def test_a_full_pool_that_never_got_a_thread_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    pool = Pool("test", 2, 1)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", cannot)
        waiting = pool.submit(int)
        assert not pool.has_room()
    assert not pool.has_room()
    assert waiting.result(10) == 0
    pool.shutdown()


def test_at_once_runs_here_and_raises_nothing() -> None:
    at_once = AtOnce()
    assert at_once.submit(threading.current_thread).result() is threading.current_thread()
    assert isinstance(at_once.submit(int, "x").exception(), ValueError)


# --- what a call knows ------------------------------------------------------------------------------------------------


def looking(monkeypatch: pytest.MonkeyPatch, look: Callable[[Call], None]) -> None:
    """Look at the calls of ListActions."""

    def list_actions(self: Any, request: Any, call: Call) -> Any:
        look(call)
        return authorization_pb2.ListActionsResponse()

    monkeypatch.setattr(AuthorizationServicer, "ListActions", list_actions)


def test_a_call_knows_its_deadline(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Call] = []
    looking(monkeypatch, seen.append)
    served = serve()
    request = authorization_pb2.ListActionsRequest(subject=entity("Person:P1"), resource=entity("Seal:S1"))
    now = time.monotonic()
    served.authorization.ListActions(request, metadata=METADATA, timeout=50)
    served.authorization.ListActions(request, metadata=METADATA)
    assert seen[0].deadline is not None
    assert now + 20 < seen[0].deadline < time.monotonic() + 55
    assert 0 < (seen[0].remaining_s() or 0) < 55
    assert (seen[1].deadline, seen[1].remaining_s()) == (None, None)


def test_a_call_learns_that_its_caller_left(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    started, woken, learnt = threading.Event(), threading.Event(), threading.Event()

    def look(call: Call) -> None:
        assert not call.is_cancelled()
        assert call.on_cancel(woken.set)
        started.set()
        assert woken.wait(20)
        assert call.is_cancelled()
        assert not call.on_cancel(lambda: None)
        learnt.set()

    looking(monkeypatch, look)
    served = serve()
    request = authorization_pb2.ListActionsRequest(subject=entity("Person:P1"), resource=entity("Seal:S1"))
    call = served.authorization.ListActions.future(request, metadata=METADATA, timeout=30)
    assert started.wait(10)
    call.cancel()
    assert learnt.wait(20)
