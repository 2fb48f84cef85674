"""Bytes that are no message: an error like any other, a line in the log like any other, and no memory kept."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from calls import Refusal, refusal_of
from conftest import Serve, Served, metadata, trusted
from fake_pdp import FakePdp
from grpc_health.v1 import health_pb2

from sealauthz.service.authorization import AuthorizationServicer
from sealauthz.service.callers import SERVICES
from sealauthz.service.facts import FactsServicer
from sealauthz_client.v1 import facts_pb2, records_pb2

MALFORMED = {
    "cut off": b"\x0a\xff\xff\xff\xff\x0f",
    "no field": b"\xff\xff\xff\xff",
    "not UTF-8": b"\x12\x02\xc3\x28",  # field 2: the action of AuthorizeRequest
    "nested too deep": b"\x0a\x80\x01" + b"\x0b" * 128,
}

METHODS = {
    **{
        f"/{service.full_name}/{method.name}": (method.client_streaming, method.server_streaming)
        for service in SERVICES
        for method in service.methods
    },
    "/grpc.health.v1.Health/Check": (False, False),
    "/grpc.health.v1.Health/List": (False, False),
    "/grpc.health.v1.Health/Watch": (False, True),
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": (True, True),
}


def send(served: Served, path: str, message: bytes, token: bool = True) -> Any:
    """Call a method with bytes."""
    takes_stream, gives_stream = METHODS[path]
    kind = f"{'stream' if takes_stream else 'unary'}_{'stream' if gives_stream else 'unary'}"
    method: Any = getattr(served.channel, kind)(path)
    answer = method(iter([message]) if takes_stream else message, metadata=metadata() if token else (), timeout=20)
    return list(answer) if gives_stream else answer


def refused(served: Served, path: str, message: bytes, token: bool = True) -> Refusal:
    with pytest.raises(grpc.RpcError) as caught:
        send(served, path, message, token)
    return refusal_of(caught.value)


def calls_in(served: Served) -> list[dict[str, Any]]:
    return [entry for entry in served.log if entry["event"] == "call"]


@pytest.mark.parametrize("path", METHODS)
def test_bytes_that_are_no_message_are_an_invalid_argument_and_one_line_in_the_log(serve: Serve, path: str) -> None:
    served = serve(has_reflection=True)
    refusal = refused(served, path, MALFORMED["cut off"])
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert refusal.domain == "sealauthz.dev"
    assert refusal.violations == {
        "request": "is not a protobuf message of the type that the method takes, or has text that is not UTF-8"
    }
    (line,) = calls_in(served)
    assert (line["method"], line["code"]) == (path.removeprefix("/"), "INVALID_ARGUMENT")
    assert line["reason"] == "INVALID_REQUEST"
    assert line.get("caller") == (None if "Health" in path else "demo")


@pytest.mark.parametrize("message", MALFORMED.values(), ids=MALFORMED)
def test_each_way_to_be_malformed_is_an_invalid_argument(serve: Serve, message: bytes) -> None:
    pdp = FakePdp()
    served = serve(pdp=pdp)
    refusal = refused(served, "/sealauthz.v1.AuthorizationService/Authorize", message)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")
    assert not pdp.asked


def test_a_caller_without_a_token_or_a_right_is_not_told_that_its_bytes_are_malformed(serve: Serve) -> None:
    served = serve(trusted(rpcs=frozenset()))
    path = "/sealauthz.v1.AuthorizationService/Authorize"
    assert refused(served, path, MALFORMED["cut off"], token=False).code == grpc.StatusCode.UNAUTHENTICATED
    assert refused(served, path, MALFORMED["cut off"]).code == grpc.StatusCode.PERMISSION_DENIED


def test_an_empty_message_is_still_a_message(serve: Serve) -> None:
    served = serve()
    assert refused(served, "/sealauthz.v1.AuthorizationService/Authorize", b"").code == grpc.StatusCode.INVALID_ARGUMENT
    status = health_pb2.HealthCheckResponse.FromString(send(served, "/grpc.health.v1.Health/Check", b"")).status
    assert status == health_pb2.HealthCheckResponse.SERVING


def test_a_malformed_message_in_the_middle_of_an_import_ends_it_there(serve: Serve) -> None:
    served = serve()
    fact = records_pb2.Fact(enterprise=records_pb2.Enterprise(id="E9", name="Nine", uscc="91350100M000100Y43"))
    first = facts_pb2.ImportFactsRequest(import_id="I1", enterprise_ids=["E9"], part=1, facts=[fact])
    method = served.channel.stream_unary("/sealauthz.v1.FactsService/ImportFacts")
    with pytest.raises(grpc.RpcError) as caught:
        method(iter([first.SerializeToString(), MALFORMED["cut off"]]), metadata=metadata(), timeout=20)
    refusal = refusal_of(caught.value)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "IMPORT_STOPPED")
    (line,) = calls_in(served)
    assert (line["parts"], line["code"]) == (1, "FAILED_PRECONDITION")


def test_an_answer_that_cannot_be_serialized_is_an_incident_and_shows_nothing(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AuthorizationServicer, "Authorize", lambda *_: "s3cret")

    def watch(*_: Any) -> Iterator[Any]:
        yield "s3cret"

    monkeypatch.setattr(FactsServicer, "WatchChanges", watch)
    served = serve()
    for path in ("/sealauthz.v1.AuthorizationService/Authorize", "/sealauthz.v1.FactsService/WatchChanges"):
        refusal = refused(served, path, b"")
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
        assert "s3cret" not in refusal.everything
        line = served.last_call()
        assert (line["method"], line["incident"]) == (path.removeprefix("/"), refusal.metadata["incident"])


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
@pytest.mark.parametrize(
    "path", ["/sealauthz.v1.AuthorizationService/Authorize", "/sealauthz.v1.FactsService/ImportFacts"]
)
def test_a_malformed_call_leaves_no_memory_behind(serve: Serve, path: str) -> None:
    served = serve()

    def many(count: int) -> None:
        for number, message in zip(range(count), itertools.cycle(MALFORMED.values()), strict=False):
            with pytest.raises(grpc.RpcError):
                send(served, path, message)
            if number % 50 == 0:
                served.forget_log()
                gc.collect(1)  # what waits for the collector, which has time in tests, is no leak

    many(200)
    gc.collect()
    before = resident_bytes()
    many(600)
    gc.collect()
    # Where grpcio parses the message, a call leaves some 19 kB behind: nearly 12 MB.
    assert resident_bytes() - before < 4 * 1024 * 1024
