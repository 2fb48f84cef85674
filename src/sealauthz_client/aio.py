"""The transport of asyncio: as `transport`, with the same calls and the same policy."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, ClassVar, Concatenate, ParamSpec, Self, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import Message

from sealauthz_client.calls import Call, Pages, Steps, Watch
from sealauthz_client.channels import Wire, metadata_of
from sealauthz_client.failures import call_failed
from sealauthz_client.retrying import Attempts, Pauses, is_final
from sealauthz_client.tokens import AsyncTokenSource, FixedAsyncToken

P = ParamSpec("P")
R = TypeVar("R")


class AsyncConnection(Wire[AsyncTokenSource]):
    """A connection of one event loop, in which it is made; `AsyncSealAuthzClient` has its calls."""

    _makes: ClassVar[Any] = grpc.aio
    _fixed: ClassVar[Any] = FixedAsyncToken

    @property
    def channel(self) -> grpc.aio.Channel:
        """The channel, for services that are not ours, such as health."""
        channel: grpc.aio.Channel = self._channel
        return channel

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection."""
        self._is_closed = True
        await self._channel.close()

    async def run(self, call: Call[R]) -> R:
        """Make a call, again where it may be made again, until its timeout. Raises CallFailed."""
        timeout_s = self._timeout_s if call.timeout_s is None else call.timeout_s
        attempts = Attempts(call, self._policy, self._budget, time.monotonic() + timeout_s)
        method = self._method(call.rpc)
        while True:
            token = await self._token.current()
            try:
                reply = await self._answer(method, call, attempts, token)
            except grpc.RpcError as error:
                failed = call_failed(error)
                if attempts.takes_another_token(failed):
                    self._token.refused(token)
                    if await self._token.current() != token:
                        continue
                wait_s = attempts.wait_s(failed, time.monotonic())
                if wait_s is None:
                    failed.request_id = call.request_id
                    raise failed from error
                await asyncio.sleep(wait_s)
            else:
                self._budget.answered()
                return call.read(reply)

    async def run_steps(self, steps: Steps[R]) -> R:
        """Make calls one after the other. Raises CallFailed."""
        try:
            call = next(steps)
            while True:
                call = steps.send(await self.run(call))
        except StopIteration as ended:
            result: R = ended.value
            return result

    async def run_pages(self, pages: Pages[Any, R]) -> AsyncIterator[R]:
        """Yield what a list holds, each page requested when it is wanted. Raises CallFailed."""
        call: Call[Any] | None = pages.first
        while call is not None:
            page = await self.run(call)
            for item in pages.items(page):
                yield item
            call = pages.following(page)

    async def run_watch(self, watch: Watch[R]) -> AsyncIterator[R]:
        """Yield what a watch tells; it goes on after an outage, a restart of the server or a lag.

        Ends when the connection is closed. Raises CallFailed for what does not pass by itself.
        """
        is_out = False
        pauses = Pauses(self._policy)
        while not self._is_closed:
            token = await self._token.current()
            stream = self._method(watch.rpc)(watch.request, metadata=metadata_of(token, self._headers))
            wait_s = 0.0
            try:
                async for message in stream:
                    pauses.begin_again()
                    is_out = False
                    watch.resume(watch.request, message)
                    item = watch.read(message)
                    if item is not None:
                        yield item
                    if watch.is_over is not None and watch.is_over(message):
                        return
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if self._is_closed and (task is None or not task.cancelling()):
                    return
                raise
            except grpc.RpcError as error:
                failed = call_failed(error)
                if not self._is_closed and is_final(failed):
                    raise failed from error
                wait_s = failed.retry_after_s
                if failed.code == grpc.StatusCode.UNAVAILABLE and not is_out and not self._is_closed:
                    is_out = True
                    if watch.on_outage is not None:
                        watch.on_outage(failed)
            finally:
                stream.cancel()
                if watch.on_end is not None:
                    watch.on_end()
            await asyncio.sleep(pauses.next_s(wait_s))

    async def _answer(self, method: Any, call: Call[Any], attempts: Attempts, token: str) -> Any:
        """Return the reply to one attempt, sent beside itself where it takes long. Raises grpc.RpcError."""

        def send() -> Any:
            sent = call.request if isinstance(call.request, Message) else iter(call.request)
            return method(sent, timeout=attempts.left_s(time.monotonic()), metadata=metadata_of(token, self._headers))

        hedge_after_s = attempts.hedge_after_s
        if hedge_after_s is None:
            return await send()
        under_way: set[asyncio.Future[Any]] = set()
        made = 0
        try:
            while True:
                if not made or (hedge_after_s is not None and attempts.take_hedge(made)):
                    under_way.add(asyncio.ensure_future(_awaited(send())))
                    made += 1
                else:
                    hedge_after_s = None
                ended, under_way = await asyncio.wait(
                    under_way, timeout=hedge_after_s, return_when=asyncio.FIRST_COMPLETED
                )
                answered = [each for each in ended if each.exception() is None]
                if answered or (ended and not under_way):
                    return (answered or list(ended))[0].result()
                if ended:
                    # It does not count yet: another one is under way, and may still answer.
                    hedge_after_s = None
        finally:
            for each in under_way:
                each.cancel()


async def _awaited(call: Awaitable[R]) -> R:
    return await call


def awaiting(build: Callable[P, Call[R]]) -> Callable[Concatenate[AsyncConnection, P], Awaitable[R]]:
    """Return the method of a client that makes a call."""

    @functools.wraps(build)
    async def method(self: AsyncConnection, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await self.run(build(*args, **kwargs))

    return method


def awaiting_steps(build: Callable[P, Steps[R]]) -> Callable[Concatenate[AsyncConnection, P], Awaitable[R]]:
    """Return the method of a client that makes calls one after the other."""

    @functools.wraps(build)
    async def method(self: AsyncConnection, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await self.run_steps(build(*args, **kwargs))

    return method


def iterating(build: Callable[P, Pages[Any, R]]) -> Callable[Concatenate[AsyncConnection, P], AsyncIterator[R]]:
    """Return the method of a client that yields what a list holds."""

    @functools.wraps(build)
    def method(self: AsyncConnection, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[R]:
        return self.run_pages(build(*args, **kwargs))

    return method


def watching(build: Callable[P, Watch[R]]) -> Callable[Concatenate[AsyncConnection, P], AsyncIterator[R]]:
    """Return the method of a client that yields what a watch tells."""

    @functools.wraps(build)
    def method(self: AsyncConnection, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[R]:
        return self.run_watch(build(*args, **kwargs))

    return method
