"""The interceptor: nothing unexpected leaks, a late call is not looked at, and each call is one line in the log."""

from __future__ import annotations

import io
import json
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import pytest
from calls import TOKEN, ask, entity, question, refused, use
from conftest import Serve, trusted
from fake_pdp import FLAGGED, FakePdp, allow, deny
from grpc_reflection.v1alpha import reflection
from sqlalchemy.exc import OperationalError

from sealauthz.facts import Store
from sealauthz.observability.log import make_log
from sealauthz.runtime.errors import EvaluationFailed, FactsUnavailable, SealAuthzError
from sealauthz.service.callers import Callers
from sealauthz.service.handling import RequestLog, behavior_of
from sealauthz.service.interceptor import Interceptor
from sealauthz.service.pools import Pools
from sealauthz_client.answers import Audience, Reason
from sealauthz_client.v1 import authorization_pb2, facts_pb2, records_pb2

SECRET = "s3cret-陈小明"


class Failing:
    """A decision point or a store whose every method fails, but for what the server needs to start."""

    def __init__(self, error: Exception, **kept: Any) -> None:
        self._error = error
        self.__dict__.update(kept)

    def __getattr__(self, name: str) -> Any:
        def fail(*_: Any, **__: Any) -> Any:
            raise self._error

        return fail


ERRORS = [
    ValueError(SECRET),
    KeyError(SECRET),
    EvaluationFailed(SECRET),
    SealAuthzError(SECRET),
    RecursionError(SECRET),
]


def caused(error: Exception) -> Exception:
    """An error of ours whose cause says more than the caller may know."""
    error.__cause__ = ValueError(SECRET)
    return error


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_the_text_of_an_unexpected_error_never_reaches_the_caller(serve: Serve, store: Store, error: Exception) -> None:
    failing_store = Failing(error, model=store.model, store_id=store.store_id, revision=store.revision)
    served = serve(pdp=Failing(error, bundle=FakePdp().bundle), facts=failing_store)
    two = {"subject": entity("Person:P1"), "resource": entity("Seal:S1")}
    removal = facts_pb2.FactChange(delete=facts_pb2.FactKey(record_type="Seal", id="S1"))
    calls = [
        (served.authorization.Authorize, use()),
        (served.authorization.AuthorizeBatch, authorization_pb2.AuthorizeBatchRequest(questions=[question()])),
        (served.authorization.ListActions, authorization_pb2.ListActionsRequest(**two)),
        (served.authorization.Explain, authorization_pb2.ExplainRequest(**two, action="use")),
        (served.facts.WriteFacts, facts_pb2.WriteFactsRequest(request_id="R1", changes=[removal])),
        (served.facts.ReadFacts, facts_pb2.ReadFactsRequest(record_type="Seal")),
    ]
    for method, request in calls:
        refusal = refused(method, request)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
        incident = refusal.metadata["incident"]
        assert refusal.message == f"internal error; incident {incident}"
        for text in (SECRET, "s3cret", type(error).__name__, "Traceback"):
            assert text not in refusal.everything
        assert served.last_call()["incident"] == incident
        assert any(entry["event"] == "incident" and entry["incident"] == incident for entry in served.log)


def test_the_text_of_an_unexpected_error_never_reaches_the_caller_of_a_batch(serve: Serve) -> None:
    def answer(asked: Any) -> Any:
        raise EvaluationFailed(SECRET)

    served = serve(pdp=FakePdp(answer))
    request = authorization_pb2.AuthorizeBatchRequest(questions=[question()])
    item = ask(served.authorization.AuthorizeBatch, request).items[0]
    assert (item.status.code, item.status.reason) == (13, "INTERNAL")
    assert item.status.message.startswith("internal error; incident ")
    assert item.status.message.removeprefix("internal error; incident ") in served.log_text


def test_a_database_that_is_gone_is_unavailable_and_may_be_tried_again(serve: Serve) -> None:
    error = caused(FactsUnavailable("the facts cannot be read now"))
    served = serve(pdp=Failing(error, bundle=FakePdp().bundle))
    refusal = refused(served.authorization.Authorize, use())
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "FACTS_UNAVAILABLE")
    assert refusal.message == "the facts cannot be read now"
    assert refusal.retry_ms == 500
    assert "s3cret" not in refusal.everything


def test_a_call_that_waited_past_its_deadline_is_not_evaluated(serve: Serve) -> None:
    release = threading.Event()
    started = threading.Event()

    def slow(asked: Any) -> Any:
        started.set()
        release.wait(10)
        return allow(asked)

    pdp = FakePdp(slow, waits=True)
    served = serve(pdp=pdp, threads=1)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(ask, served.authorization.Authorize, use("Seal:S1"))
        assert started.wait(10)
        with pytest.raises(grpc.RpcError) as caught:
            ask(served.authorization.Authorize, use("Seal:late"), timeout=0.1)
        assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        release.set()
        first.result(10)
        ask(served.authorization.Authorize, use("Seal:next"))
    assert [asked.resource.id for asked in pdp.asked] == ["S1", "next"]


class Ended(Exception):
    """What grpcio raises to end a call."""


class LateContext:
    """The context of a call whose deadline has passed, or that was cancelled."""

    def __init__(self, remaining: float | None, is_active: bool) -> None:
        self._remaining = remaining
        self._is_active = is_active
        self.code: Any = None

    def time_remaining(self) -> float | None:
        return self._remaining

    def is_active(self) -> bool:
        return self._is_active

    def abort_with_status(self, status: Any) -> None:
        self.code = status.code
        raise Ended


@pytest.mark.parametrize(("remaining", "is_active"), [(0.0, True), (-1.0, True), (5.0, False), (None, False)])
def test_the_interceptor_does_not_look_at_a_call_that_is_over(remaining: float | None, is_active: bool) -> None:
    handler = grpc.unary_unary_rpc_method_handler(lambda *_: pytest.fail("looked at"))
    wrapped: Any = Interceptor(Callers([trusted()]), make_log(), Pools()).intercept_service(
        lambda _: handler, _Details()
    )  # type: ignore[arg-type]
    context = LateContext(remaining, is_active)
    with pytest.raises(Ended):
        behavior_of(wrapped)(iter([b""]), context)
    assert context.code == grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize("is_streaming", [False, True])
@pytest.mark.parametrize("service", ["sealauthz.v1.AuthorizationService", reflection.SERVICE_NAME])
def test_who_was_not_identified_on_arrival_gets_no_further(is_streaming: bool, service: str) -> None:
    log = make_log(io.StringIO())
    interceptor = Interceptor(Callers([trusted()]), log, Pools())
    wrapped = interceptor._wrap(lambda *_: pytest.fail("looked at"), None, is_streaming)
    context = LateContext(5.0, True)
    with pytest.raises(Ended):
        wrapped(None, context, RequestLog(log, service, "Authorize"))
    assert context.code == grpc.StatusCode.UNAUTHENTICATED


def test_a_call_lasts_from_its_arrival_on() -> None:
    stream = io.StringIO()
    log = make_log(stream)
    handler = grpc.unary_unary_rpc_method_handler(lambda *_: b"")
    wrapped: Any = Interceptor(Callers([trusted()]), log, Pools()).intercept_service(lambda _: handler, _Details())  # type: ignore[arg-type]
    time.sleep(0.05)  # as if it waited for a thread
    behavior_of(wrapped)(iter([b""]), LateContext(5.0, True))
    assert json.loads(stream.getvalue())["duration_ms"] >= 50


def test_more_calls_than_the_server_takes_are_refused_at_once(serve: Serve) -> None:
    release = threading.Event()

    def slow(asked: Any) -> Any:
        release.wait(10)
        return allow(asked)

    served = serve(pdp=FakePdp(slow, waits=True), threads=1, max_concurrent_calls=2)
    with ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(ask, served.authorization.Authorize, use()) for _ in range(8)]
        deadline = time.monotonic() + 10
        while sum(call.done() for call in calls) < 6 and time.monotonic() < deadline:
            time.sleep(0.01)
        release.set()
        errors = [call.exception(10) for call in calls]
    codes = [error.code() for error in errors if isinstance(error, grpc.RpcError)]
    assert codes == [grpc.StatusCode.RESOURCE_EXHAUSTED] * 6


def test_a_message_over_4_mib_is_refused(serve: Serve) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        ask(serve().authorization.Authorize, use("Seal:" + "x" * (4 * 1024 * 1024)))
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_decision_is_one_line_in_the_log_without_what_is_personal(serve: Serve) -> None:
    served = serve(pdp=FakePdp(lambda asked: deny(asked, FLAGGED)))
    ask(served.authorization.Authorize, use("Seal:S1", "Person:P1", reason="13812341569"))
    calls = [entry for entry in served.log if entry["event"] == "call"]
    assert len(calls) == 1
    line = calls[0]
    assert line.pop("duration_ms") >= 0
    assert line.pop("time").endswith("Z")
    assert line == {
        "event": "call",
        "level": "info",
        "method": "sealauthz.v1.AuthorizationService/Authorize",
        "caller": "demo",
        "code": "OK",
        "action": "use",
        "resource_type": "Seal",
        "decision_id": "D1",
        "effect": "DENY",
        "revision": 7,
        "policy": "v1",
        "reasons": ["RISK_FLAGGED"],
        "subject": "Person:P1",
        "resource": "Seal:S1",
    }
    for secret in (TOKEN, "13812341569"):
        assert secret not in served.log_text


@pytest.mark.parametrize("code", ["NOT_FOUND", "UNKNOWN_TYPE", "UNKNOWN_ACTION", "FACT_UNAVAILABLE"])
def test_ids_of_what_may_not_exist_are_not_in_the_log(serve: Serve, code: str) -> None:
    """They are whatever the client wrote there."""
    served = serve(pdp=FakePdp(lambda asked: deny(asked, Reason(code, 0, Audience.USER))))
    ask(served.authorization.Authorize, use("Seal:S-陈小明", "Person:陈小明"))
    assert served.last_call()["reasons"] == [code]
    assert "陈小明" not in served.log_text


def test_a_statement_that_fails_puts_nothing_personal_into_log_or_answer(serve: Serve, database: Path) -> None:
    served = serve()
    with closing(sqlite3.connect(database)) as admin, admin:
        admin.execute("CREATE TRIGGER broken BEFORE INSERT ON person BEGIN INSERT INTO missing VALUES (NEW.phone); END")
    person = records_pb2.Person(id="P2", real_name="陈小明", phone="13812341569", id_hash="a-hash")
    change = facts_pb2.FactChange(put=records_pb2.Fact(person=person))
    request = facts_pb2.WriteFactsRequest(request_id="R1", changes=[change])
    refusal = refused(served.facts.WriteFacts, request)
    assert refusal.code == grpc.StatusCode.UNAVAILABLE
    assert "missing" in served.last_call()["cause"]
    for personal in ("陈小明", "13812341569", "a-hash"):
        assert personal not in served.log_text
        assert personal not in refusal.everything


def test_words_that_the_policies_do_not_know_are_not_logged(serve: Serve) -> None:
    served = serve()
    ask(served.authorization.Authorize, use("陈小明:S1", action="13812341569"))
    assert "陈小明" not in served.log_text
    assert "13812341569" not in served.log_text


def test_a_batch_is_one_line_with_its_counts(serve: Serve) -> None:
    served = serve(pdp=FakePdp(lambda asked: allow(asked) if asked.action == "use" else deny(asked)))
    questions = [question(), question(action="freeze"), question(action="")]
    ask(served.authorization.AuthorizeBatch, authorization_pb2.AuthorizeBatchRequest(questions=questions))
    line = served.last_call()
    assert {key: line[key] for key in line if key.startswith("items")} == {
        "items": 3,
        "items_allow": 1,
        "items_deny": 1,
        "items_error": 1,
    }


def test_an_incident_in_the_log_shows_no_token_and_nothing_of_the_request(serve: Serve) -> None:
    def fail(asked: Any) -> Any:
        raise ValueError("a fault of ours")

    served = serve(pdp=FakePdp(fail))
    refused(served.authorization.Authorize, use("Seal:S-陈小明", "Person:陈小明", reason="13812341569"))
    assert "a fault of ours" in served.log_text
    assert "fake_pdp.py" in served.log_text
    for secret in (TOKEN, "陈小明", "13812341569"):
        assert secret not in served.log_text


def test_the_cause_of_an_outage_is_in_the_log_without_the_parameters_of_the_statement(serve: Serve) -> None:
    error = FactsUnavailable("the facts cannot be read now")
    error.__cause__ = OperationalError("SELECT … WHERE phone = ?", ("13812341569",), ConnectionError("refused"))
    served = serve(pdp=Failing(error, bundle=FakePdp().bundle))
    refused(served.authorization.Authorize, use())
    assert served.last_call()["cause"] == "ConnectionError: refused"
    assert "13812341569" not in served.log_text


def test_a_refused_call_says_in_the_log_who_was_refused_and_why(serve: Serve) -> None:
    served = serve(trusted(rpcs=frozenset()))
    refused(served.authorization.Authorize, use())
    line = served.last_call()
    assert (line["caller"], line["code"], line["reason"]) == ("demo", "PERMISSION_DENIED", "CALLER_NOT_PERMITTED")


# --- the four kinds of handler ----------------------------------------------------------------------------------------


class _Details:
    method = "/other.Service/Anything"
    invocation_metadata = (("authorization", f"Bearer {TOKEN}"),)


@pytest.mark.parametrize("kind", ["unary_unary", "unary_stream", "stream_unary", "stream_stream"])
def test_every_kind_of_handler_is_wrapped_keeps_its_attributes_and_gets_a_pool(kind: str) -> None:
    def behavior(request: Any, context: Any) -> Any:
        raise ValueError(SECRET)

    behavior.note = "kept"  # type: ignore[attr-defined]
    handler = getattr(grpc, f"{kind}_rpc_method_handler")(behavior)
    wrapped: Any = Interceptor(Callers([trusted()]), make_log(), Pools()).intercept_service(
        lambda _: handler, _Details()
    )  # type: ignore[arg-type]
    assert behavior_of(wrapped) is not behavior
    assert behavior_of(wrapped).note == "kept"  # type: ignore[attr-defined]
    assert behavior_of(wrapped).experimental_thread_pool.name == (  # type: ignore[attr-defined]
        "streams" if handler.response_streaming else "transactions"
    )
    # One message is taken like a stream of them: the wait for it is ours.
    assert (wrapped.request_streaming, wrapped.response_streaming) == (True, handler.response_streaming)


@pytest.mark.parametrize("kind", ["unary_stream", "stream_stream", "stream_unary"])
def test_nothing_leaks_from_a_streaming_handler(kind: str) -> None:
    def raise_at_once(request: Any, context: Any) -> Any:
        raise ValueError(SECRET)

    def raise_later(request: Any, context: Any) -> Any:
        yield b"one"
        raise ValueError(SECRET)

    methods = {"now": getattr(grpc, f"{kind}_rpc_method_handler")(raise_at_once)}
    if kind != "stream_unary":
        methods["later"] = getattr(grpc, f"{kind}_rpc_method_handler")(raise_later)
    with ThreadPoolExecutor(2) as pool:
        callers = Callers([trusted()])
        server = grpc.server(pool, interceptors=[Interceptor(callers, make_log(), Pools())])
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("other.Service", methods),))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            for name in methods:
                call: Any = getattr(channel, kind)(f"/other.Service/{name}")
                request = b"" if kind.startswith("unary") else iter([b""])
                with pytest.raises(grpc.RpcError) as caught:
                    list(call(request, metadata=[("authorization", f"Bearer {TOKEN}")], timeout=10))
                assert caught.value.code() == grpc.StatusCode.INTERNAL
                assert "s3cret" not in str(caught.value)
        server.stop(0).wait()
