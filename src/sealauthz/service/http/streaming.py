"""Streams as server-sent events: the id of each is the token behind which `Last-Event-ID` resumes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from typing import Any, TypeVar

from google.protobuf.message import Message
from google.rpc import status_pb2
from starlette.types import Receive, Send

from sealauthz.observability.log import Log
from sealauthz.runtime.errors import InvalidRequest
from sealauthz.service.arrivals import Aborted
from sealauthz.service.http.exchange import Exchange
from sealauthz.service.http.json_reader import read
from sealauthz.service.http.json_writer import written
from sealauthz.service.http.problems import problem
from sealauthz.service.status import deadline_passed, failure_of

M = TypeVar("M", bound=Message)

QUIET_S = 15.0
"""After so long without an event a comment is sent, so that proxies keep the connection and a dead one is noticed."""

TAKEN_WITHIN_S = 60.0
"""A client that takes nothing for so long is left."""

_HEADERS = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]
_COMMENT = b":\n\n"


def request_of_stream(asked: tuple[bytes, str], kind: type[M]) -> M:
    """Return the request in a body, to be resumed behind the last event that the client has. Raises InvalidRequest."""
    body, last_event_id = asked
    request: Any = read(body, kind)
    if last_event_id:
        if "after" not in request.DESCRIPTOR.fields_by_name:
            raise InvalidRequest.at("Last-Event-ID", "cannot resume this stream")
        request.after = last_event_id
    return request  # type: ignore[no-any-return]


def event_of(message: Any) -> bytes:
    """Return a message as an event."""
    has_token = "token" in message.DESCRIPTOR.fields_by_name
    token: str = message.token if has_token else message.revision.token
    named = f"id: {token}\n".encode() if token else b""
    return b"%bdata: %b\n\n" % (named, written(message))


def event_of_problem(status: status_pb2.Status) -> bytes:
    """Return how a stream ends as its last event."""
    return b"event: problem\ndata: %b\n\n" % problem(status).body


class Following:
    """One stream: a thread of a pool takes its messages, and the event loop sends them, one behind the other."""

    def __init__(
        self, exchange: Exchange, receive: Receive, send: Send, abort: Callable[[], None] | None, log: Log
    ) -> None:
        self._exchange = exchange
        self._receive = receive
        self._send = send
        self._abort = abort
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[bytes | status_pb2.Status | None] = asyncio.Queue(1)
        self._is_begun = False
        self._is_expired = False

    def pump(self, begin: Callable[[], Iterator[bytes]]) -> None:
        """Take the messages of a stream until it ends; on a thread of its pool. Raises nothing."""
        ended: status_pb2.Status | None = None
        try:
            events = begin()
            with contextlib.closing(events):  # type: ignore[type-var]
                self._put(b"")
                for event in events:
                    self._put(event)
        except Aborted:
            ended = self._exchange.status
        except (CancelledError, RuntimeError):  # the loop is gone, and with it the connection
            return
        except BaseException as error:  # noqa: BLE001 (nobody else would end the stream)
            self._log.error("call_failed", error)
            ended = failure_of(error).status()
        with contextlib.suppress(CancelledError, RuntimeError):
            self._put(ended)

    async def send_events(self) -> status_pb2.Status | None:
        """Send what comes, until it ends. Return how the call ends where it ends before the stream begins."""
        watching = asyncio.ensure_future(self._watch())
        timer = None
        if (remaining_s := self._exchange.time_remaining()) < 1e9:
            timer = self._loop.call_later(remaining_s, self._expire)
        taking = asyncio.ensure_future(self._events.get())
        try:
            while True:
                done, _ = await asyncio.wait({taking}, timeout=QUIET_S)
                event: bytes | status_pb2.Status | None = taking.result() if done else _COMMENT
                if done and isinstance(event, bytes):
                    taking = asyncio.ensure_future(self._events.get())
                if isinstance(event, bytes):
                    await self._write(event)
                    continue
                if self._is_expired:
                    event = deadline_passed().status()
                if event is not None and not self._is_begun:
                    return event
                if event is not None:
                    await self._write(event_of_problem(event))
                await self._write(b"", is_last=True)
                return None
        finally:
            watching.cancel()
            if timer is not None:
                timer.cancel()

    async def _write(self, event: bytes, *, is_last: bool = False) -> None:
        if self._exchange.is_left and not self._is_expired:
            return
        try:
            async with asyncio.timeout(TAKEN_WITHIN_S):
                if not self._is_begun:
                    self._is_begun = True
                    await self._send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
                    await self._send({"type": "http.response.body", "body": _COMMENT, "more_body": True})
                if event or is_last:
                    await self._send({"type": "http.response.body", "body": event, "more_body": not is_last})
        except TimeoutError:
            if self._abort is not None:
                self._abort()
            self._exchange.leave()

    def _put(self, event: bytes | status_pb2.Status | None) -> None:
        asyncio.run_coroutine_threadsafe(self._events.put(event), self._loop).result()

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._exchange.leave()

    def _expire(self) -> None:
        self._is_expired = True
        self._exchange.leave()
