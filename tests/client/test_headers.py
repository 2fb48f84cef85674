"""What goes with each call beside its token: a trace, and the enterprise by which a proxy chooses a backend."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from sealauthz_client import AsyncSealAuthzClient, SealAuthzClient
from sealauthz_client.v1 import authorization_pb2, authorization_pb2_grpc, facts_pb2

ENTERPRISE = contextvars.ContextVar("enterprise", default="")


def headers() -> list[tuple[str, str]]:
    return [("sealauthz-enterprise", ENTERPRISE.get())]


class Service(authorization_pb2_grpc.AuthorizationServiceServicer):
    """Notes what comes with calls, and refuses the first."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.address = ""

    def Authorize(self, _request: Any, context: grpc.ServicerContext) -> authorization_pb2.AuthorizeResponse:
        self._note(context)
        if len(self.seen) == 1:
            context.abort(grpc.StatusCode.UNAVAILABLE, "again")
        return authorization_pb2.AuthorizeResponse()

    def WatchChanges(self, _request: Any, context: grpc.ServicerContext) -> Iterator[facts_pb2.WatchChangesResponse]:
        self._note(context)
        yield facts_pb2.WatchChangesResponse()

    def _note(self, context: grpc.ServicerContext) -> None:
        self.seen.append({key: value for key, value in context.invocation_metadata() if key != "user-agent"})


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    server = grpc.server(ThreadPoolExecutor(2))
    authorization_pb2_grpc.add_AuthorizationServiceServicer_to_server(service, server)  # type: ignore[no-untyped-call]
    handler = grpc.unary_stream_rpc_method_handler(
        service.WatchChanges,
        facts_pb2.WatchChangesRequest.FromString,
        facts_pb2.WatchChangesResponse.SerializeToString,
    )
    watches = grpc.method_handlers_generic_handler("sealauthz.v1.FactsService", {"WatchChanges": handler})
    server.add_generic_rpc_handlers((watches,))
    service.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield service
    server.stop(0)


WITH = {"authorization": "Bearer token", "sealauthz-enterprise": "e-1"}


def test_headers_go_with_each_attempt_and_each_watch(service: Service) -> None:
    ENTERPRISE.set("e-1")
    with SealAuthzClient(service.address, "token", insecure=True, timeout_s=10, headers=headers) as client:
        assert not client.authorize("Person:p", "use", "Seal:s")
        next(iter(client.watch_changes()))
    assert service.seen == [WITH, WITH, WITH]


def test_headers_of_a_task_go_with_its_calls(service: Service) -> None:
    async def ask(client: AsyncSealAuthzClient, enterprise: str) -> None:
        ENTERPRISE.set(enterprise)
        await client.authorize("Person:p", "use", "Seal:s")

    async def run() -> None:
        async with AsyncSealAuthzClient(
            service.address, "token", insecure=True, timeout_s=10, headers=headers
        ) as client:
            await ask(client, "e-0")
            await asyncio.gather(ask(client, "e-1"), ask(client, "e-2"))
            async for _ in client.watch_changes():
                break

    asyncio.run(run())
    assert sorted(each["sealauthz-enterprise"] for each in service.seen) == ["e-0", "e-0", "e-0", "e-1", "e-2"]


def test_no_header_takes_the_place_of_the_token(service: Service) -> None:
    with (
        SealAuthzClient(service.address, "token", insecure=True, headers=lambda: [("Authorization", "x")]) as client,
        pytest.raises(ValueError, match="give it as `token`"),
    ):
        client.authorize("Person:p", "use", "Seal:s")
    assert service.seen == []
