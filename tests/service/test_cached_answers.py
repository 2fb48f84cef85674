"""A cache of answers beside a real server: emptied by what is written, and silent once the server is gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from conftest import TOKEN, Serve, trusted
from fake_pdp import FakePdp

from sealauthz.decision.decision import Decision, Effect
from sealauthz_client import (
    AnswerCache,
    AsyncCachedAuthorizer,
    AsyncSealAuthzClient,
    CachedAuthorizer,
    CallFailed,
    Obligation,
    SealAuthzClient,
    put,
)
from sealauthz_client.v1 import records_pb2

QUESTION = ("Person:P1", "use", "Seal:S1", {"task": "T1"})


class Pdp(FakePdp):
    """Allows for a minute from now, at the revision that a test says."""

    def __init__(self, *owed: Obligation) -> None:
        super().__init__(self.allowed)
        self.owed = owed
        self.revision = 0

    def allowed(self, asked: Any) -> Decision:
        now = time.time_ns() // 1_000
        return Decision(asked, Effect.ALLOW, "D1", "v1", self.revision, now, now + 60_000_000, (), self.owed)


def seal(number: int) -> Any:
    return put(records_pb2.Seal(id=f"C{number}", enterprise_id="E1", name="x", kind=records_pb2.SEAL_KIND_OTHER))


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


async def until_later(condition: Callable[[], bool]) -> None:
    await asyncio.to_thread(until, condition)


def test_threads_ask_once_until_something_is_written_or_the_watch_breaks(serve: Serve) -> None:
    pdp = Pdp(Obligation("WATERMARK", {}))
    served = serve(pdp=pdp)
    with (
        SealAuthzClient(served.address, TOKEN, insecure=True, timeout_s=5) as client,
        CachedAuthorizer(client, AnswerCache(repeatable=["WATERMARK"])) as cached,
    ):
        until(lambda: cached.cache._is_whole)
        pdp.revision = cached.cache._watched
        assert all(cached.authorize(*QUESTION) for _ in range(5))
        assert len(pdp.asked) == 1
        pdp.revision = client.write_facts([seal(1)]).revision
        until(lambda: cached.cache._watched == pdp.revision)
        assert all(cached.authorize(*QUESTION) for _ in range(5))
        assert len(pdp.asked) == 2
        served.server.stop(0)
        until(lambda: not cached.cache._is_whole)
        with pytest.raises(CallFailed):
            cached.authorize(*QUESTION, timeout_s=0.1)
    assert cached.cache.get(QUESTION) is None


def test_tasks_ask_once_until_something_is_written_or_the_watch_breaks(serve: Serve) -> None:
    pdp = Pdp()
    served = serve(pdp=pdp)

    async def asked() -> None:
        async with (
            AsyncSealAuthzClient(served.address, TOKEN, insecure=True, timeout_s=5) as client,
            AsyncCachedAuthorizer(client, AnswerCache(max_answers=1)) as cached,
        ):
            await until_later(lambda: cached.cache._is_whole)
            pdp.revision = cached.cache._watched
            assert [bool(await cached.authorize(*QUESTION)) for _ in range(5)] == [True] * 5
            assert cached.cache._max_answers == 1
            assert len(pdp.asked) == 1
            pdp.revision = (await client.write_facts([seal(2)])).revision
            await until_later(lambda: cached.cache._watched == pdp.revision)
            assert await cached.authorize(*QUESTION)
            assert len(pdp.asked) == 2
            await asyncio.to_thread(served.server.stop, 0)
            await until_later(lambda: not cached.cache._is_whole)
            with pytest.raises(CallFailed):
                await cached.authorize(*QUESTION, timeout_s=0.1)

    asyncio.run(asked())


def test_a_caller_that_may_not_watch_asks_each_time_and_can_see_why(serve: Serve) -> None:
    pdp = Pdp()
    served = serve(trusted(rpcs=frozenset({"AuthorizationService/Authorize"})), pdp=pdp)
    with (
        SealAuthzClient(served.address, TOKEN, insecure=True, timeout_s=5) as client,
        CachedAuthorizer(client) as cached,
    ):
        until(lambda: cached.failure is not None)
        assert cached.failure is not None
        assert cached.failure.code.name == "PERMISSION_DENIED"
        assert all(cached.authorize(*QUESTION) for _ in range(3))
        assert len(pdp.asked) == 3
