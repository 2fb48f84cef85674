"""Unary calls: the same answers on arrival and on a thread, and a change of threads only where one must wait."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from calls import ask, entity, question, refused, use
from conftest import Serve, Served, caller, metadata, trusted
from fake_pdp import FLAGGED, FakePdp, allow, deny

from sealauthz.decision.question import Entity, Question
from sealauthz.facts import Batch, FactCache, Put, Store
from sealauthz.facts.memory.consistency import FULL, Consistency
from sealauthz.facts.memory.permits import NotAtOnce
from sealauthz.facts.memory.snapshot import FactSnapshot
from sealauthz.model.records.organisation import Enterprise
from sealauthz.runtime.errors import ConfigRefused, EvaluationFailed, FactsUnavailable, ServiceBusy
from sealauthz.schema import Unit
from sealauthz.service import RPCS, arrivals, budget, reception
from sealauthz.service.authorization import AuthorizationServicer
from sealauthz.service.budget import Budget
from sealauthz.service.callers import SERVICES
from sealauthz_client.v1 import authorization_pb2, facts_pb2

AUTHORIZE = "/sealauthz.v1.AuthorizationService/Authorize"
PATHS = {
    f"{service.name}/{method.name}": f"/{service.full_name}/{method.name}"
    for service in SERVICES
    for method in service.methods
}


def outcome(served: Served, path: str, message: bytes, sent: Any) -> Any:
    """All that a caller gets to see: the bytes of the answer, or the status with its details and trailers."""
    call: Any = served.channel.unary_unary(path)
    try:
        answer, made = call.with_call(message, metadata=sent, timeout=10)
    except grpc.RpcError as error:
        known: Any = error
        return known.code(), known.details(), tuple(known.trailing_metadata()), tuple(known.initial_metadata())
    return answer, made.code(), made.details(), tuple(made.trailing_metadata()), tuple(made.initial_metadata())


# --- who calls --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rpc", RPCS)
def test_no_way_leads_past_token_and_right(serve: Serve, rpc: str) -> None:
    others = frozenset(RPCS) - {rpc}
    pdp = FakePdp()
    served = serve(trusted(rpcs=others), caller("other", "o" * 40), pdp=pdp)
    tokens: dict[str, list[tuple[str, str]]] = {
        "UNAUTHENTICATED": [(), metadata("x" * 40), (*metadata(), *metadata()), (("authorization", "Basic x"),)],
        "PERMISSION_DENIED": [metadata(), metadata("o" * 40)],
    }  # type: ignore[dict-item]
    for code, sent in tokens.items():
        for each in sent:
            call: Any = served.channel.stream_stream(PATHS[rpc])
            with pytest.raises(grpc.RpcError) as caught:
                list(call(iter([b""]), metadata=each, timeout=10))
            assert caught.value.code().name == code
    assert not pdp.asked
    assert [line["code"] for line in served.log if line["event"] == "call"] == ["UNAUTHENTICATED"] * 4 + [
        "PERMISSION_DENIED"
    ] * 2


# --- the same answers -------------------------------------------------------------------------------------------------


def wrong(asked: Question) -> Any:
    raise {"freeze": FactsUnavailable("gone"), "use": ServiceBusy("busy", 3)}[asked.action]


@pytest.mark.parametrize("answer", [allow, deny, lambda asked: deny(asked, FLAGGED), wrong])
def test_what_is_answered_on_arrival_and_on_a_thread_has_the_same_bytes(
    serve: Serve, answer: Callable[[Question], Any]
) -> None:
    both = [serve(pdp=FakePdp(answer, waits=waits)) for waits in (False, True)]
    batch = authorization_pb2.AuthorizeBatchRequest(questions=[question(), authorization_pb2.Question(action="use")])
    messages = [
        (AUTHORIZE, use().SerializeToString()),
        (AUTHORIZE, authorization_pb2.AuthorizeRequest(language="zh-CN", **parts("freeze")).SerializeToString()),
        (AUTHORIZE, authorization_pb2.AuthorizeRequest(language="?", **parts("use")).SerializeToString()),
        (AUTHORIZE, b""),
        (AUTHORIZE, b"\xff"),
        (PATHS["AuthorizationService/AuthorizeBatch"], batch.SerializeToString()),
        (PATHS["AuthorizationService/AuthorizeBatch"], b""),
        (PATHS["FactsService/ReadFacts"], facts_pb2.ReadFactsRequest(record_type="Seal").SerializeToString()),
        (PATHS["FactsService/ReadFacts"], b""),
        ("/sealauthz.v1.AuthorizationService/Nothing", b""),
        ("/sealauthz.v1.Nothing/Authorize", b""),
    ]
    for path, message in messages:
        first, second = [outcome(served, path, message, metadata()) for served in both]
        assert first == second
    timed = {"time", "duration_ms", "waited_ms"}
    logs = [
        [{key: line[key] for key in line.keys() - timed} for line in served.log if line["event"] == "call"]
        for served in both
    ]
    assert logs[0] == logs[1]


def parts(action: str) -> dict[str, Any]:
    return {"subject": entity("Person:P1"), "resource": entity("Seal:S1"), "action": action}


# --- threads ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the threads on which questions are decided."""
    names: list[str] = []
    decide = AuthorizationServicer._decide

    def noting(self: Any, *args: Any) -> Any:
        answer = decide(self, *args)
        names.append(threading.current_thread().name.partition("_")[0])
        return answer

    monkeypatch.setattr(AuthorizationServicer, "_decide", noting)
    return names


def test_only_what_must_wait_changes_threads(serve: Serve, threads: list[str]) -> None:
    served = serve()
    ask(served.authorization.Authorize, use())
    assert threads[0] != "sealauthz-answers"
    waiting = serve(pdp=FakePdp(waits=True))
    ask(waiting.authorization.Authorize, use())
    assert threads[1:] == ["sealauthz-answers"]
    long = use()
    long.context["note"].string_value = "x" * reception.MAX_BYTES_AT_ONCE
    refused(served.authorization.Authorize, long)  # too long a text; read by a pool
    batch = authorization_pb2.AuthorizeBatchRequest(questions=[question()] * (budget.MAX_QUESTIONS_AT_ONCE + 1))
    assert len(ask(served.authorization.AuthorizeBatch, batch).items) == len(batch.questions)


def test_a_question_that_took_long_goes_to_a_pool_for_a_while(
    serve: Serve, threads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(asked: Question) -> Any:
        until = time.thread_time_ns() + 2 * budget.BUDGET_NS
        while asked.resource.id == "S1" and time.thread_time_ns() < until:
            pass
        return allow(asked)

    served = serve(pdp=FakePdp(slow))
    for seal in ("S1", "S1", "S1", "S1", "S2"):
        ask(served.authorization.Authorize, use(f"Seal:{seal}"))
    assert [name == "sealauthz-answers" for name in threads] == [False, False, False, True, False]
    monkeypatch.setattr(budget, "_AWAY_S", 0.0)
    kept, asked = Budget(), Question(Entity("Person", "P1"), "use", Entity("Seal", "S1"), {})

    def took(times: int) -> Any:
        """A question that took so many times what it may; which clock measured it."""
        clock, at = kept.begin(asked)
        kept.end(asked, (clock, at - times * budget.BUDGET_NS))
        return clock

    wall, cpu = time.perf_counter_ns, time.thread_time_ns
    # It did not take the CPU for so long; then once, and not again.
    assert [took(times) for times in (0, 2, 0, 2, 2, 0, 2)] == [wall, wall, cpu, wall, cpu, cpu, wall]
    assert not kept._away_until, "not twice in a row"
    assert [took(2), took(2)] == [cpu, cpu]
    assert kept._away_until
    assert kept.begin(asked)[0] is time.perf_counter_ns, "it may come back"


def test_a_caller_who_leaves_is_noticed_by_the_pool(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    over, started = threading.Event(), threading.Event()

    def until_left(self: Any, request: Any, call: Any) -> Any:
        if not call.may_wait:
            raise NotAtOnce
        assert call.on_cancel(over.set)
        started.set()
        assert over.wait(10)
        assert call.is_cancelled()
        assert not call.on_cancel(over.set)
        raise FactsUnavailable("nobody hears it")

    monkeypatch.setattr(AuthorizationServicer, "Authorize", until_left)
    served = serve()
    call = served.authorization.Authorize.future(use(), metadata=metadata(), timeout=10)
    assert started.wait(10)
    call.cancel()
    assert over.wait(10)
    served.server.stop(5)


def test_nothing_is_sent_to_a_caller_who_left(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    started, left, sent = threading.Event(), threading.Event(), []
    send = arrivals.ArrivedCall._send

    def until_left(self: Any, request: Any, call: Any) -> Any:
        if not call.may_wait:
            raise NotAtOnce
        assert call.on_cancel(left.set)
        started.set()
        assert left.wait(10)
        time.sleep(0.1)  # for the end of the call on the thread that serves all
        raise FactsUnavailable("nobody hears it")

    def sending(self: Any, *operations: Any) -> None:
        send(self, *operations)
        sent.append((self._is_cancelled, self._is_answered))

    monkeypatch.setattr(AuthorizationServicer, "Authorize", until_left)
    monkeypatch.setattr(arrivals.ArrivedCall, "_send", sending)
    served = serve()
    sent.clear()
    call = served.authorization.Authorize.future(use(), metadata=metadata(), timeout=10)
    assert started.wait(10)
    call.cancel()
    until(lambda: bool(sent))
    assert sent == [(True, False)]


# --- nothing ends the thread that serves all --------------------------------------------------------------------------


class _Wild(BaseException):
    """What nobody expects."""


@pytest.mark.parametrize("waits", [False, True])
def test_whatever_is_raised_ends_one_call_only(serve: Serve, waits: bool) -> None:
    def raising(asked: Question) -> Any:
        if asked.resource.id == "S1":
            raise _Wild("s3cret")
        return allow(asked)

    served = serve(pdp=FakePdp(raising, waits=waits))
    with pytest.raises(grpc.RpcError) as caught:
        ask(served.authorization.Authorize, use())
    assert caught.value.code() is grpc.StatusCode.UNKNOWN
    assert "s3cret" not in str(caught.value)
    assert ask(served.authorization.Authorize, use("Seal:S2"), timeout=5).HasField("decision")
    assert any(line["event"] == "call_failed" for line in served.log)


def test_the_oldest_call_without_a_message_gives_way(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reception, "MAX_WITHOUT_MESSAGE", 3)
    served = serve()
    over = threading.Event()

    def never() -> Iterator[bytes]:
        over.wait(30)
        yield from ()

    method: Any = served.channel.stream_unary(AUTHORIZE)
    calls = []
    for _ in range(5):
        calls.append(method.future(never(), metadata=metadata(), timeout=30))
        deadline = time.monotonic() + 10
        while served.server._reception.without_message < min(len(calls), 3):  # type: ignore[union-attr]
            assert time.monotonic() < deadline
            time.sleep(0.005)
    assert {call.exception(10).code() for call in calls[:2]} == {grpc.StatusCode.CANCELLED}
    assert not any(call.done() for call in calls[2:])
    assert ask(served.authorization.Authorize, use(), timeout=5).HasField("decision")
    over.set()


def test_the_log_tells_who_left_from_who_sent_no_message(serve: Serve) -> None:
    served = serve()
    over = threading.Event()

    def never() -> Iterator[bytes]:
        over.wait(30)
        yield from ()

    def ends() -> list[str]:
        return [line["code"] for line in served.log if line.get("reason") == "NO_MESSAGE"]

    call: Any = served.channel.stream_unary(AUTHORIZE)
    left = call.future(never(), metadata=metadata(), timeout=30)
    assert ask(served.authorization.Authorize, use()).HasField("decision")  # so the headers before it are there
    left.cancel()
    with pytest.raises(grpc.RpcError) as caught:
        call(iter(()), metadata=metadata(), timeout=10)
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    until(lambda: len(ends()) == 2)
    assert sorted(ends()) == ["CANCELLED", "UNIMPLEMENTED"]
    over.set()


def test_health_is_red_while_calls_without_a_message_are_not_ended(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(_: Any) -> None:
        raise _Wild

    with monkeypatch.context() as patched:
        patched.setattr(reception.Reception, "_end_late", look)
        served = serve()
        until(lambda: any(line["event"] == "not_serving" for line in served.log))
        assert ask(served.authorization.Authorize, use()).HasField("decision")
    (failed,) = [line for line in served.log if line["event"] == "thread_failed"]
    assert (failed["thread"], failed["failures"]) == ("reception", 1)
    assert [line["threads"] for line in served.log if line["event"] == "not_serving"] == [["reception"]]
    assert not any(line["event"] == "call_failed" for line in served.log)


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_grpcio_that_is_not_known_is_not_served_with(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    assert arrivals.problem() == "", "the grpcio of the lock is known"
    monkeypatch.setattr(arrivals, "problem", lambda: "AttributeError: another grpcio")
    with pytest.raises(ConfigRefused, match=re.escape(f"grpcio {grpc.__version__} ") + ".*: AttributeError"):
        serve()


@pytest.mark.parametrize(
    "broken",
    [
        "register_method",
        "request_registered_call",
        "SendStatusFromServerOperation",
        "CompletionType",
        "_process_event_and_continue",
    ],
)
def test_the_trial_finds_what_another_grpcio_lacks(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Without:
        def __init__(self, of: Any) -> None:
            self._of = of

        def __getattr__(self, name: str) -> Any:
            if name == broken:
                raise AttributeError(name)
            return getattr(self._of, name)

    monkeypatch.setattr(arrivals, "_TRIAL_WITHIN_S", 0.5)
    if broken.endswith(("Operation", "Type")):
        monkeypatch.setattr(arrivals, "cygrpc", Without(arrivals.cygrpc))
    elif broken.startswith("_"):
        monkeypatch.setattr(arrivals, "grpcio", Without(vars(arrivals)["grpcio"]))
    else:
        make = grpc.server

        def server(*args: Any, **kwargs: Any) -> Any:
            made: Any = make(*args, **kwargs)
            made._cy_server = made._state.server = Without(made._cy_server)
            return made

        monkeypatch.setattr(grpc, "server", server)
    assert broken in arrivals.problem.__wrapped__()


# --- memory alone -----------------------------------------------------------------------------------------------------


def test_what_is_not_in_memory_is_not_answered_at_once(store: Store) -> None:
    cache = FactCache(store)

    def seal(snapshot: FactSnapshot) -> Any:
        return snapshot.find("Seal", "S1")

    def swallowing(snapshot: FactSnapshot) -> Any:
        try:
            return seal(snapshot)
        except NotAtOnce:
            return "an answer"

    def hiding(snapshot: FactSnapshot) -> Any:
        try:
            return seal(snapshot)
        except NotAtOnce as error:
            raise EvaluationFailed("as the engine does with what a rule raises") from error

    for work in (seal, swallowing, hiding):
        with pytest.raises(NotAtOnce):
            cache.answer(work, may_wait=False)  # before anything was seen
    assert cache.answer(lambda snapshot: snapshot.find("Enterprise", "E2"))
    for work in (seal, swallowing, hiding):
        with pytest.raises(NotAtOnce):
            cache.answer(work, may_wait=False)
    assert cache.answer(seal).id == "S1"
    assert cache.answer(seal, may_wait=False).id == "S1"
    for consistency in (FULL, Consistency(store.revision() + 1, cache.timeline.name), Consistency(1, "another")):
        with pytest.raises(NotAtOnce):
            cache.answer(seal, consistency, may_wait=False)
    at_least = Consistency(store.revision(), cache.timeline.name)
    assert cache.answer(seal, at_least, may_wait=False).id == "S1"
    with pytest.raises(NotAtOnce):
        cache.answer(lambda snapshot: snapshot.matching("Seal", enterprise_id="E1"), may_wait=False)
    store.write(Batch("test", "R1", (Put(Enterprise("E1", "Ying again", "91350100M000100Y43")),)))
    with pytest.raises(NotAtOnce):  # what was changed is not what was in memory
        cache.answer(seal, may_wait=False)


def test_an_answer_at_once_leaves_the_large_units_that_it_read(store: Store) -> None:
    cache = FactCache(store, large_bytes=1)

    def failing(snapshot: FactSnapshot) -> Any:
        assert snapshot.find("Seal", "S1")
        raise FactsUnavailable("for some other reason")

    assert cache.answer(lambda snapshot: snapshot.find("Seal", "S1").id) == "S1"
    assert cache.answer(lambda snapshot: snapshot.find("Seal", "S1").id, may_wait=False) == "S1"
    with pytest.raises(FactsUnavailable):
        cache.answer(failing, may_wait=False)
    entry = cache.timeline.cache.get(Unit("ENTERPRISE", "E1"))
    assert entry is not None
    assert entry.reach is not None
    assert not entry.reach._readers
