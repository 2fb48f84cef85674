"""The server: TLS, plain text on loopback only, health, reflection, and stopping."""

from __future__ import annotations

import io
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from calls import ask, refused, use
from conftest import Serve, Served, trusted
from fake_acts import FakeActs
from fake_pdp import FakePdp, allow
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from sealauthz.facts import Store
from sealauthz.observability.log import make_log
from sealauthz.runtime.background import Background
from sealauthz.runtime.errors import ConfigRefused, FactsUnavailable
from sealauthz.service import Callers, ServerSettings, build, is_loopback
from sealauthz.service.health import Readiness
from sealauthz_client.v1 import authorization_pb2_grpc

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
NAMES = (
    "",
    "sealauthz.v1.AuditService",
    "sealauthz.v1.AuthorizationService",
    "sealauthz.v1.EventsService",
    "sealauthz.v1.FactsService",
    "sealauthz.v1.MonitorService",
    "sealauthz.v1.OperationsService",
    "sealauthz.v1.PolicyService",
)


def health(served: Served, name: str = "") -> int:
    stub = health_pb2_grpc.HealthStub(served.channel)
    return int(stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=10).status)


def wait_for(served: Served, status: int) -> None:
    deadline = time.monotonic() + 10
    while health(served) != status:
        assert time.monotonic() < deadline, "health did not change"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA, tmp_path: Path) -> dict[str, Any]:
    issued = authority.issue_cert("127.0.0.1", "localhost")
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"
    certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    key.write_bytes(issued.private_key_pem.bytes())
    return {"is_insecure": False, "tls_certificate": certificate, "tls_key": key}


# --- the listener -----------------------------------------------------------------------------------------------------


def test_calls_over_tls_are_answered_and_need_a_token_too(
    serve: Serve, authority: trustme.CA, tls: dict[str, Any]
) -> None:
    served = serve(**tls)
    credentials = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
    with grpc.secure_channel(served.address, credentials) as channel:
        stub: Any = authorization_pb2_grpc.AuthorizationServiceStub(channel)  # type: ignore[no-untyped-call]
        assert ask(stub.Authorize, use()).HasField("decision")
        assert refused(stub.Authorize, use(), token=None).code == grpc.StatusCode.UNAUTHENTICATED


def test_plain_text_to_a_tls_port_is_not_answered(serve: Serve, tls: dict[str, Any]) -> None:
    served = serve(**tls)
    with pytest.raises(grpc.RpcError) as caught:
        ask(served.authorization.Authorize, use(), timeout=5)
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE


REFUSED = {
    "plain text on every address": ({"listen": "0.0.0.0:0", "is_insecure": True}, "on loopback only"),
    "plain text on another address": ({"listen": "192.0.2.1:0", "is_insecure": True}, "on loopback only"),
    "plain text on a name": ({"listen": "localhost.example:0", "is_insecure": True}, "on loopback only"),
    "no certificate": ({"tls_key": Path("x")}, "TLS needs both a certificate and a key"),
    "no key": ({"tls_certificate": Path("x")}, "TLS needs both a certificate and a key"),
    "neither": ({}, "TLS needs both a certificate and a key"),
    "both ways": ({"is_insecure": True, "tls_key": Path("x")}, "either insecure or has a TLS certificate"),
    "missing files": (
        {"tls_certificate": Path("no-such.pem"), "tls_key": Path("no-such.key")},
        "the TLS key `no-such.key` cannot be read",
    ),
    "no port": ({"listen": "127.0.0.1", "is_insecure": True}, "must be `host:port`"),
    "a port too large": ({"listen": "127.0.0.1:70000", "is_insecure": True}, "must be `host:port`"),
}


@pytest.mark.parametrize(("settings", "message"), REFUSED.values(), ids=REFUSED)
def test_a_listener_that_must_not_be_is_refused(store: Store, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigRefused, match=message):
        build(ServerSettings(**{"listen": "127.0.0.1:0", **settings}), Callers(()), store, FakePdp(), FakeActs())


def test_a_port_that_is_taken_is_refused(serve: Serve, store: Store) -> None:
    served = serve()
    settings = ServerSettings(listen=served.address, is_insecure=True)
    with pytest.raises(ConfigRefused, match="cannot listen on"):
        build(settings, Callers(()), store, FakePdp(), FakeActs())


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1:0", True),
        ("127.9.9.9:0", True),
        ("[::1]:0", True),
        ("localhost:0", True),
        ("0.0.0.0:0", False),
        ("[::]:0", False),
        ("10.0.0.1:0", False),
        ("127.0.0.1.example:0", False),
    ],
)
def test_loopback_is_told_from_all_else(address: str, expected: bool) -> None:
    assert is_loopback(address) is expected


# --- health -----------------------------------------------------------------------------------------------------------


class Switched:
    """A store that can be out of reach."""

    def __init__(self, store: Store, is_gone: bool = False) -> None:
        self.model, self.store_id = store.model, store.store_id
        self.is_gone = is_gone
        self._store = store

    def revision(self) -> int:
        if self.is_gone:
            raise FactsUnavailable("the facts cannot be read now")
        return self._store.revision()


def test_health_needs_no_caller_and_tells_of_every_service(serve: Serve) -> None:
    served = serve()
    assert [health(served, name) for name in NAMES] == [SERVING] * len(NAMES)


def test_health_of_an_unknown_service_is_not_found(serve: Serve) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        health(serve(), "nobody")
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


def test_health_is_not_serving_until_the_facts_can_be_read_and_follows_the_database(serve: Serve, store: Store) -> None:
    switched = Switched(store, is_gone=True)
    served = serve(facts=switched)
    assert [health(served, name) for name in NAMES] == [NOT_SERVING] * len(NAMES)
    switched.is_gone = False
    wait_for(served, SERVING)
    switched.is_gone = True
    wait_for(served, NOT_SERVING)
    assert [health(served, name) for name in NAMES] == [NOT_SERVING] * len(NAMES)
    switched.is_gone = False
    wait_for(served, SERVING)


def test_health_recovers_from_what_nobody_expected(serve: Serve, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that ended of it would leave a sound server NOT_SERVING until it is restarted."""
    served = serve()
    wait_for(served, SERVING)

    def fail() -> int:
        raise TypeError("cannot unpack non-iterable NoneType object")

    with monkeypatch.context() as patched:
        patched.setattr(store, "revision", fail)
        wait_for(served, NOT_SERVING)
    wait_for(served, SERVING)
    assert [(entry["event"], entry["level"]) for entry in served.log] == [
        ("serving", "info"),
        ("not_serving", "error"),
        ("serving", "info"),
    ]
    assert "TypeError" in served.log_text


def test_health_waits_until_a_restore_says_which_store_it_is(serve: Serve, store: Store, database: Path) -> None:
    served = serve()
    wait_for(served, SERVING)
    with closing(sqlite3.connect(database)) as admin:
        with admin:
            admin.execute("CREATE TABLE kept AS SELECT * FROM store_identity")
            admin.execute("DELETE FROM store_identity")
        wait_for(served, NOT_SERVING)
        with admin:
            admin.execute("INSERT INTO store_identity SELECT * FROM kept")
    wait_for(served, SERVING)
    assert served.log[1]["level"] == "warning"


def test_the_file_of_the_database_may_go_and_come_back_without_a_restart(serve: Serve, database: Path) -> None:
    served = serve()
    away = database.with_name("away.db")
    database.rename(away)
    wait_for(served, NOT_SERVING)
    away.rename(database)
    wait_for(served, SERVING)


def watch(served: Served, name: str = "") -> Any:
    stub = health_pb2_grpc.HealthStub(served.channel)
    return stub.Watch(health_pb2.HealthCheckRequest(service=name), timeout=30)


def test_every_service_is_listed(serve: Serve) -> None:
    stub = health_pb2_grpc.HealthStub(serve().channel)
    statuses = stub.List(health_pb2.HealthListRequest(), timeout=10).statuses
    assert {name: answer.status for name, answer in statuses.items()} == dict.fromkeys(NAMES, SERVING)


def test_a_watcher_is_told_of_every_change(serve: Serve, store: Store) -> None:
    switched = Switched(store)
    served = serve(facts=switched)
    watching, unknown = watch(served), watch(served, "nobody")
    assert next(watching).status == SERVING
    assert next(unknown).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
    switched.is_gone = True
    assert next(watching).status == NOT_SERVING
    switched.is_gone = False
    assert next(watching).status == SERVING
    served.server.stop(10)
    assert [answer.status for answer in watching] == [NOT_SERVING]


def test_watching_health_holds_no_thread_of_the_calls(serve: Serve) -> None:
    served = serve(threads=1)
    watches = [watch(served) for _ in range(3)]
    assert [next(one).status for one in watches] == [SERVING] * 3
    ask(served.authorization.Authorize, use())
    for one in watches:
        one.cancel()


def test_watchers_that_leave_while_health_changes_hang_nothing(serve: Serve, store: Store) -> None:
    switched = Switched(store)
    served = serve(facts=switched, health_interval_s=0.001)
    for round_ in range(30):
        watches = [watch(served) for _ in range(5)]
        for one in watches:
            next(one)
        switched.is_gone = round_ % 2 == 0
        for one in watches:
            one.cancel()
    switched.is_gone = False
    wait_for(served, SERVING)
    ask(served.authorization.Authorize, use())


def test_an_answered_probe_is_not_logged(serve: Serve) -> None:
    served = serve()
    health(served)
    assert [entry["event"] for entry in served.log] == ["serving"]


# --- reflection -------------------------------------------------------------------------------------------------------


def services(served: Served, **call: Any) -> list[str]:
    stub = reflection_pb2_grpc.ServerReflectionStub(served.channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    reply = next(stub.ServerReflectionInfo(iter([request]), timeout=10, **call))
    return [service.name for service in reply.list_services_response.service]


def test_reflection_needs_a_known_caller_and_no_right(serve: Serve) -> None:
    served = serve(trusted(rpcs=frozenset()), has_reflection=True)
    assert services(served, metadata=[("authorization", f"Bearer {'t' * 40}")]) == [
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
        "sealauthz.v1.AuditService",
        "sealauthz.v1.AuthorizationService",
        "sealauthz.v1.EventsService",
        "sealauthz.v1.FactsService",
        "sealauthz.v1.MonitorService",
        "sealauthz.v1.OperationsService",
        "sealauthz.v1.PolicyService",
    ]
    with pytest.raises(grpc.RpcError) as caught:
        services(served)
    assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED


def test_reflection_is_off_unless_it_is_switched_on(serve: Serve) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        services(serve(), metadata=[("authorization", f"Bearer {'t' * 40}")])
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


# --- stopping ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def release() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_stopping_says_not_serving_and_lets_calls_under_way_finish(serve: Serve, release: threading.Event) -> None:
    started = threading.Event()

    def slow(asked: Any) -> Any:
        started.set()
        release.wait(10)
        return allow(asked)

    served = serve(pdp=FakePdp(slow, waits=True))
    watching = watch(served)
    assert next(watching).status == SERVING
    with ThreadPoolExecutor() as pool:
        call = pool.submit(ask, served.authorization.Authorize, use())
        assert started.wait(10)
        stopping = pool.submit(served.server.stop, 10)
        assert next(watching).status == NOT_SERVING
        release.set()
        assert call.result(10).HasField("decision")
        stopping.result(10)
    with pytest.raises(grpc.RpcError) as caught:
        ask(served.authorization.Authorize, use(), timeout=2)
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE


def test_a_stopped_server_can_be_waited_for(serve: Serve) -> None:
    served = serve()
    assert not served.server.wait(0.01)
    served.server.stop(0)
    assert served.server.wait(10)


def test_health_is_red_while_a_thread_fails_that_answers_rest_on_and_no_longer(store: Store) -> None:
    """Those that write down what answers do not rest on fail while the database takes no writes: advice is given."""
    is_broken = threading.Event()

    def step() -> None:
        time.sleep(0.001)
        if is_broken.is_set():
            raise TypeError

    log = io.StringIO()
    thread = Background("feed", step, lambda *_: None)
    beside = Background("sweep", stop_at_once, lambda *_: None)
    readiness = Readiness(store, 0.01, make_log(log), [thread], beside=[beside])
    for each in (thread, beside):
        each.start()
    while not beside.is_failing:
        time.sleep(0.001)
    readiness.start()
    assert readiness.servicer.is_serving
    is_broken.set()
    until_said(readiness, is_serving=False)
    is_broken.clear()
    until_said(readiness, is_serving=True)
    assert beside in readiness.threads, "that it fails is counted"
    assert beside.is_failing
    for each in (thread, beside):
        each.stop()
    readiness.stop()
    readiness.close()
    assert '"threads": ["feed"]' in log.getvalue()


def stop_at_once() -> None:
    raise FactsUnavailable("the facts cannot be written now")


def test_who_asks_for_readiness_goes_on_whatever_is_raised(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what ends a thread, and what the log raises: it would say NOT_SERVING for good."""
    log = io.StringIO()
    readiness = Readiness(store, 0.01, make_log(log))
    readiness.start()

    def leave(*_: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(store, "revision", leave)
        until_said(readiness, is_serving=False)
    until_said(readiness, is_serving=True)
    readiness.stop()
    readiness.close()
    assert "thread_failed" in log.getvalue()
    assert readiness.thread.failures > 0


def until_said(readiness: Readiness, *, is_serving: bool) -> None:
    end = time.monotonic() + 30
    while readiness.servicer.is_serving != is_serving:
        assert time.monotonic() < end
        time.sleep(0.005)
