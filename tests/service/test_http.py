"""The RPCs over HTTP: the callers, rights, limits, deadlines, errors and log of gRPC, on a real port."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from calls import refused, use
from conftest import TOKEN, Serve, caller, trusted
from fake_pdp import FakePdp, allow, deny
from http_calls import AUTHORIZE, LOCAL, QUESTION, asking, connected, post, until_closed

from sealauthz.runtime.errors import ConfigRefused
from sealauthz.service import RPCS, Callers
from sealauthz.service.http import application, listener
from sealauthz_client.v1 import authorization_pb2

OTHER = "o" * 40
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_http_is_off_by_default(serve: Serve) -> None:
    assert serve().server.http_port is None


def test_a_question_is_answered_and_logged_like_over_grpc(serve: Serve) -> None:
    served = serve(http_listen=LOCAL)
    response = post(served)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert response.headers["cache-control"] == "no-store"
    assert response.json()["decision"]["effect"] == "EFFECT_ALLOW"
    over_http = served.last_call()
    served.forget_log()
    served.authorization.Authorize(use(), metadata=(("authorization", f"Bearer {TOKEN}"),))
    over_grpc = served.last_call()
    changing = {"duration_ms", "time"}
    assert {k: v for k, v in over_http.items() if k not in changing} == {
        k: v for k, v in over_grpc.items() if k not in changing
    }


def test_a_deny_is_an_answer(serve: Serve) -> None:
    response = post(serve(http_listen=LOCAL, pdp=FakePdp(deny)))
    assert response.status_code == 200
    assert response.json()["decision"]["effect"] == "EFFECT_DENY"
    assert response.json()["decision"]["reasons"][0]["code"] == "NOT_A_MEMBER"


def test_requests_share_a_connection(serve: Serve) -> None:
    served = serve(http_listen=LOCAL)
    with asking(served) as client:
        answers = [client.post(AUTHORIZE, json=QUESTION) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200] * 5
        assert client.post(AUTHORIZE, json={}).status_code == 400
        assert client.post(AUTHORIZE, json=QUESTION).status_code == 200
    with connected(served) as connection:
        body = b'{"subject":{"type":"Person","id":"P1"},"action":"use","resource":{"type":"Seal","id":"S1"}}'
        head = f"POST {AUTHORIZE} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        connection.sendall((f"{head}\r\n".encode() + body) * 3 + f"{head}Connection: close\r\n\r\n".encode() + body)
        assert until_closed(connection).count(b"EFFECT_ALLOW") == 4


# --- who calls --------------------------------------------------------------------------------------------------------


def test_unknown_callers_are_unauthenticated(serve: Serve) -> None:
    served = serve(http_listen=LOCAL)
    for token in (None, "unknown", "x" * 5_000):
        response = post(served, token=token)
        assert (response.status_code, response.json()["reason"]) == (401, "CALLER_UNKNOWN"), token
        assert response.headers["www-authenticate"] == 'Bearer realm="sealauthz"'
        assert response.headers["content-type"] == "application/problem+json"
    with asking(served, None) as client:
        twice = [("authorization", f"Bearer {TOKEN}"), ("authorization", f"Bearer {TOKEN}")]
        assert client.post(AUTHORIZE, json=QUESTION, headers=twice).status_code == 401
        for shown_as in (f"Basic {TOKEN}", TOKEN, "Bearer", f"Bearer, {TOKEN}", f"Bearer  {TOKEN}", f"Bearer {TOKEN}ÿ"):
            shown = {"authorization": shown_as.encode("latin-1")}
            assert client.post(AUTHORIZE, json=QUESTION, headers=shown).status_code == 401


def test_a_caller_without_the_right_is_refused_before_its_body_is_read(serve: Serve) -> None:
    served = serve(trusted(rpcs=frozenset(RPCS) - {"AuthorizationService/Authorize"}), http_listen=LOCAL)
    for body in (None, b"garbage"):
        response = post(served, body=body)
        assert (response.status_code, response.json()["code"]) == (403, "PERMISSION_DENIED")
    assert post(served, "/v1/AuthorizationService/ListActions", {}).status_code == 400
    streaming = serve(trusted(rpcs=frozenset()), http_listen=LOCAL)
    assert post(streaming, "/v1/FactsService/WatchChanges", {}).status_code == 403


def test_enterprises_out_of_reach_are_refused(serve: Serve) -> None:
    served = serve(trusted(tenants=frozenset({"E1"})), http_listen=LOCAL)
    assert post(served).status_code == 200
    response = post(served, body={**QUESTION, "resource": {"type": "Seal", "id": "S2"}})
    assert (response.status_code, response.json()["reason"]) == (403, "CALLER_NOT_PERMITTED")


def test_rights_change_with_a_reload(serve: Serve) -> None:
    served = serve(http_listen=LOCAL)
    with asking(served) as client:
        assert client.post(AUTHORIZE, json=QUESTION).status_code == 200
        served.server.reload(Callers([caller()]))
        assert client.post(AUTHORIZE, json=QUESTION).status_code == 403
        served.server.reload(Callers([]))
        assert client.post(AUTHORIZE, json=QUESTION).status_code == 401


# --- limits -----------------------------------------------------------------------------------------------------------


def test_the_rate_of_a_caller_counts_over_both(serve: Serve) -> None:
    served = serve(trusted(calls_per_s=1), trusted(name="other", token=OTHER), http_listen=LOCAL)
    assert post(served).status_code == 200
    assert refused(served.authorization.Authorize, use()).reason == "SERVICE_BUSY"
    response = post(served)
    assert (response.status_code, response.json()["reason"]) == (429, "SERVICE_BUSY")
    assert 0 < response.json()["retryAfterSeconds"] <= 1
    assert response.headers["retry-after"] == "1"
    assert post(served, token=OTHER).status_code == 200


def test_the_share_of_a_caller_counts_over_both(serve: Serve) -> None:
    going, begun = threading.Event(), threading.Semaphore(0)

    def slow(question: Any) -> Any:
        begun.release()
        assert going.wait(20)
        return allow(question)

    served = serve(trusted(share=0.5), pdp=FakePdp(slow, waits=True), http_listen=LOCAL, max_concurrent_calls=4)
    answers: list[int] = []
    first = threading.Thread(target=lambda: answers.append(post(served).status_code))
    first.start()
    over_grpc = served.authorization.Authorize.future(use(), metadata=(("authorization", f"Bearer {TOKEN}"),))
    for _ in range(2):
        assert begun.acquire(timeout=10)
    assert post(served).status_code == 429
    going.set()
    first.join()
    assert over_grpc.result().decision.effect == authorization_pb2.EFFECT_ALLOW
    assert answers == [200]
    assert post(served).status_code == 200


def test_an_answer_that_does_not_come_in_time_is_a_timeout(serve: Serve) -> None:
    over = threading.Event()

    def slow(question: Any) -> Any:
        over.wait(1)
        return allow(question)

    served = serve(pdp=FakePdp(slow, waits=True), http_listen=LOCAL)
    begun = time.monotonic()
    response = post(served, request_timeout="0.2")
    assert (response.status_code, response.json()["code"]) == (504, "DEADLINE_EXCEEDED")
    assert time.monotonic() - begun < 0.9
    assert post(served, request_timeout="0").status_code == 504
    assert post(served, request_timeout="5").status_code == 200


def test_the_deadline_reaches_the_decision(serve: Serve) -> None:
    pdp = FakePdp()
    served = serve(pdp=pdp, http_listen=LOCAL)
    post(served)
    assert pdp.deadline.at is None
    post(served, request_timeout="7.5")
    assert 0 < pdp.deadline.at - time.monotonic() < 7.5


def test_a_call_is_part_of_its_trace(serve: Serve) -> None:
    served = serve(http_listen=LOCAL)
    post(served, traceparent=f"00-{TRACE}-00f067aa0ba902b7-01")
    assert served.last_call()["trace_id"] == TRACE


def test_a_caller_that_leaves_frees_its_place(serve: Serve) -> None:
    going = threading.Event()

    def slow(question: Any) -> Any:
        going.wait(20)
        return allow(question)

    pdp = FakePdp(slow, waits=True)
    served = serve(pdp=pdp, http_listen=LOCAL)
    with connected(served) as connection:
        body = b'{"subject":{"type":"Person","id":"P1"},"action":"use","resource":{"type":"Seal","id":"S1"}}'
        head = f"POST {AUTHORIZE} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        until = time.monotonic() + 10
        while not pdp.asked and time.monotonic() < until:
            time.sleep(0.01)
    assert pdp.asked
    going.set()
    until = time.monotonic() + 10
    while served.server._pools.answers.calls and time.monotonic() < until:
        time.sleep(0.01)
    assert served.server._pools.answers.calls == 0


# --- what fails -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("waits", [False, True])
def test_a_crash_shows_an_incident_and_no_more(serve: Serve, *, waits: bool) -> None:
    def crash(_question: Any) -> Any:
        raise RuntimeError("the secret of the store")

    served = serve(pdp=FakePdp(crash, waits=waits), http_listen=LOCAL)
    response = post(served)
    assert (response.status_code, response.json()["code"]) == (500, "INTERNAL")
    assert "secret" not in response.text
    incident = response.json()["metadata"]["incident"]
    assert any(line.get("incident") == incident and line["event"] == "incident" for line in served.log)
    assert "EFFECT" not in response.text


def test_a_crash_outside_of_the_handler_shows_an_incident_and_no_more(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(_scope: Any) -> Any:
        raise RuntimeError("the secret of the server")

    served = serve(http_listen=LOCAL)
    monkeypatch.setattr(application, "_checked_headers", crash)
    response = post(served)
    assert (response.status_code, response.json()["reason"]) == (500, "INTERNAL")
    assert "secret" not in response.text
    monkeypatch.undo()
    assert post(served).status_code == 200


def test_only_post_to_a_known_path_is_served(serve: Serve) -> None:
    served = serve(http_listen=LOCAL)
    with asking(served) as client:
        for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"):
            response = client.request(method, AUTHORIZE)
            assert (response.status_code, response.headers["allow"]) == (405, "POST"), method
        for path in (
            "/",
            "/v1",
            "/v1/",
            "/v1/AuthorizationService",
            "/v1/AuthorizationService/authorize",
            "/v1/AuthorizationService/Authorize/",
            "/v1/sealauthz.v1.AuthorizationService/Authorize",
            "/sealauthz.v1.AuthorizationService/Authorize",
            "/v1/FactsService/ImportFacts",
            "/v1/Health/Check",
            "/metrics",
            "//v1/AuthorizationService/Authorize",
        ):
            response = client.post(path, json=QUESTION)
            assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json"), path


def test_every_unary_rpc_is_served(serve: Serve) -> None:
    served = serve(http_listen=LOCAL)
    reached = {}
    for rpc in RPCS:
        reached[rpc] = post(served, f"/v1/{rpc}", {"unknown": 1}).json()
    assert reached.pop("FactsService/ImportFacts")["reason"] == "PATH_UNKNOWN"
    violations = {rpc: problem.get("fieldViolations") for rpc, problem in reached.items()}
    unknown = [{"field": "unknown", "description": "is not a field of the request"}]
    assert all(violation == unknown for violation in violations.values()), violations


def test_a_port_in_use_or_without_tls_outside_is_refused(serve: Serve) -> None:
    served = serve(http_listen=LOCAL)
    with pytest.raises(ConfigRefused, match="cannot listen on"):
        serve(http_listen=f"127.0.0.1:{served.server.http_port}")
    with pytest.raises(ConfigRefused, match="loopback only"):
        serve(http_listen="0.0.0.0:0")


# --- what strangers send ----------------------------------------------------------------------------------------------


def test_a_body_that_does_not_come_is_not_waited_for(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(application, "MESSAGE_WITHIN_S", 0.2)
    served = serve(http_listen=LOCAL)
    for path in (AUTHORIZE, "/v1/FactsService/WatchChanges"):
        with connected(served) as connection:
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
            head += "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
            connection.sendall(head.encode())
            found = until_closed(connection)
        assert found.startswith((b"HTTP/1.1 408 ", b"HTTP/1.1 400 ")), found
        assert b"EFFECT" not in found
    assert post(served).status_code == 200


def test_a_head_that_does_not_come_is_not_waited_for(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "HEAD_WITHIN_S", 0.2)
    served = serve(http_listen=LOCAL)
    for begun in (b"", b"POST / HT", b"POST / HTTP/1.1\r\nHost: x\r\nA"):
        with connected(served) as connection:
            connection.sendall(begun)
            assert until_closed(connection) == b""
    assert post(served).status_code == 200


def test_too_long_a_head_ends_the_connection(serve: Serve) -> None:
    served = serve(http_listen=LOCAL)
    with connected(served) as connection:
        try:
            connection.sendall(b"POST / HTTP/1.1\r\n")
            for number in range(20_000):
                connection.sendall(b"X-%d: %b\r\n" % (number, b"y" * 100))
        except (BrokenPipeError, ConnectionResetError):
            pass
        else:
            pytest.fail("two megabytes of headers were read")
    assert post(served).status_code == 200


def test_more_connections_than_there_is_room_for_are_closed(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "MAX_CONNECTIONS", 1)
    served = serve(http_listen=LOCAL)
    with connected(served) as first:
        first.sendall(b"POST ")
        with connected(served) as second:
            assert until_closed(second) == b""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            assert post(served).status_code == 200
            break
        except Exception:  # noqa: BLE001 (the first connection is not gone yet)
            time.sleep(0.05)
    else:
        pytest.fail("the first connection keeps its place")


def test_what_is_not_http_is_answered_with_an_error(serve: Serve) -> None:
    served = serve(http_listen=LOCAL)
    smuggled = (
        f"POST {AUTHORIZE} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    )
    for sent in (b"\x16\x03\x01\x02\x00", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GARBAGE\r\n\r\n", smuggled.encode()):
        with connected(served) as connection:
            connection.sendall(sent)
            assert until_closed(connection).startswith((b"HTTP/1.1 400", b"HTTP/1.1 401"))
    assert post(served).status_code == 200
