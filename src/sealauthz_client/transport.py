"""The transport of threads: a connection, attempt after attempt until the timeout, and watches that go on."""

from __future__ import annotations

import functools
import queue
import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Concatenate, ParamSpec, Self, TypeVar

import grpc
from google.protobuf.message import Message

from sealauthz_client.calls import Call, Pages, Steps, Watch
from sealauthz_client.channels import Wire, metadata_of
from sealauthz_client.failures import call_failed
from sealauthz_client.retrying import Attempts, Pauses, is_final
from sealauthz_client.tokens import FixedToken, TokenSource

P = ParamSpec("P")
R = TypeVar("R")


class Connection(Wire[TokenSource]):
    """A connection to the service; `SealAuthzClient` has its calls."""

    _makes: ClassVar[Any] = grpc
    _fixed: ClassVar[Any] = FixedToken

    @property
    def channel(self) -> grpc.Channel:
        """The channel, for services that are not ours, such as health."""
        channel: grpc.Channel = self._channel
        return channel

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._is_closed = True
        self._channel.close()

    def run(self, call: Call[R]) -> R:
        """Make a call, again where it may be made again, until its timeout. Raises CallFailed."""
        timeout_s = self._timeout_s if call.timeout_s is None else call.timeout_s
        attempts = Attempts(call, self._policy, self._budget, time.monotonic() + timeout_s)
        method = self._method(call.rpc)
        while True:
            token = self._token.current()
            try:
                reply = self._answer(method, call, attempts, token)
            except grpc.RpcError as error:
                failed = call_failed(error)
                if attempts.takes_another_token(failed):
                    self._token.refused(token)
                    if self._token.current() != token:
                        continue
                wait_s = attempts.wait_s(failed, time.monotonic())
                if wait_s is None:
                    failed.request_id = call.request_id
                    raise failed from error
                time.sleep(wait_s)
            else:
                self._budget.answered()
                return call.read(reply)

    def run_steps(self, steps: Steps[R]) -> R:
        """Make calls one after the other. Raises CallFailed."""
        try:
            call = next(steps)
            while True:
                call = steps.send(self.run(call))
        except StopIteration as ended:
            result: R = ended.value
            return result

    def run_pages(self, pages: Pages[Any, R]) -> Iterator[R]:
        """Yield what a list holds, each page requested when it is wanted. Raises CallFailed."""
        call: Call[Any] | None = pages.first
        while call is not None:
            page = self.run(call)
            yield from pages.items(page)
            call = pages.following(page)

    def run_watch(self, watch: Watch[R]) -> Iterator[R]:
        """Yield what a watch tells; it goes on after an outage, a restart of the server or a lag.

        Ends when the connection is closed. Raises CallFailed for what does not pass by itself.
        """
        is_out = False
        pauses = Pauses(self._policy)
        while not self._is_closed:
            stream = self._method(watch.rpc)(watch.request, metadata=metadata_of(self._token.current(), self._headers))
            wait_s = 0.0
            try:
                for message in stream:
                    pauses.begin_again()
                    is_out = False
                    watch.resume(watch.request, message)
                    item = watch.read(message)
                    if item is not None:
                        yield item
                    if watch.is_over is not None and watch.is_over(message):
                        return
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
            time.sleep(pauses.next_s(wait_s))

    def _answer(self, method: Any, call: Call[Any], attempts: Attempts, token: str) -> Any:
        """Return the reply to one attempt, sent beside itself where it takes long. Raises grpc.RpcError."""
        metadata = metadata_of(token, self._headers)
        hedge_after_s = attempts.hedge_after_s
        if hedge_after_s is None:
            sent = call.request if isinstance(call.request, Message) else iter(call.request)
            return method(sent, timeout=attempts.left_s(time.monotonic()), metadata=metadata)
        done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        started: list[Any] = []

        def start() -> None:
            started.append(method.future(call.request, timeout=attempts.left_s(time.monotonic()), metadata=metadata))
            started[-1].add_done_callback(done.put)

        failed = 0
        try:
            start()
            while True:
                try:
                    ended = done.get(timeout=hedge_after_s)
                except queue.Empty:
                    if attempts.take_hedge(len(started)):
                        start()
                    else:
                        hedge_after_s = None
                    continue
                if ended.code() == grpc.StatusCode.OK:
                    return ended.result()
                failed += 1
                if failed == len(started):
                    raise ended
                # It does not count yet: another one is under way, and may still answer.
                hedge_after_s = None
        finally:
            for each in started:
                each.cancel()


def blocking(build: Callable[P, Call[R]]) -> Callable[Concatenate[Connection, P], R]:
    """Return the method of a client that makes a call."""

    @functools.wraps(build)
    def method(self: Connection, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.run(build(*args, **kwargs))

    return method


def blocking_steps(build: Callable[P, Steps[R]]) -> Callable[Concatenate[Connection, P], R]:
    """Return the method of a client that makes calls one after the other."""

    @functools.wraps(build)
    def method(self: Connection, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.run_steps(build(*args, **kwargs))

    return method


def iterating(build: Callable[P, Pages[Any, R]]) -> Callable[Concatenate[Connection, P], Iterator[R]]:
    """Return the method of a client that yields what a list holds."""

    @functools.wraps(build)
    def method(self: Connection, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[R]:
        return self.run_pages(build(*args, **kwargs))

    return method


def watching(build: Callable[P, Watch[R]]) -> Callable[Concatenate[Connection, P], Iterator[R]]:
    """Return the method of a client that yields what a watch tells."""

    @functools.wraps(build)
    def method(self: Connection, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[R]:
        return self.run_watch(build(*args, **kwargs))

    return method
