"""One request: its handler, as the interceptor makes it, and what the log says of it.

A request has a line in the log, and so has each hidden error; those refused for lack of room are counted.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError

from sealauthz.observability.log import Log
from sealauthz.runtime.errors import (
    CallerNotPermitted,
    CallerUnknown,
    FactsUnavailable,
    InvalidRequest,
    KeysUnavailable,
    SealAuthzError,
)
from sealauthz.runtime.spans import Trace
from sealauthz.service.callers import Caller, Shown
from sealauthz.service.pools import HEALTH, Pool, Share
from sealauthz.service.shares import Bucket
from sealauthz.service.status import Failure, failure_of

Behavior = Callable[..., Any]
Deserializer = Callable[[bytes], Any]
Serializer = Callable[[Any], bytes]

_MAX_CAUSE_CHARACTERS = 300
_REFUSAL_LINE_EVERY_S = 1.0
_NOTED_WAIT_S = 0.01
"""From here on, the line of a call has the time that it waited for its turn or for a thread."""


class RequestLog:
    """What is known of one request, from its arrival to its line in the log."""

    def __init__(self, log: Log, service: str, path: str) -> None:
        self._log = log
        self._started = time.perf_counter()
        self.service = service
        self.path = path
        self.caller: Caller | None = None
        self.shown: Shown | None = None
        self.bucket: Bucket | None = None
        self.trace_id = ""
        self.trace: Trace | None = None
        self._queued_at: float | None = None
        self._waited_s = 0.0
        self.noted: dict[str, str | int | list[str]] = {}

    def queue(self) -> None:
        """Note that the request goes to a pool now."""
        self._queued_at = time.perf_counter()
        if self.trace is not None:
            self.trace.forget()  # what was tried on the thread that serves all calls

    def begin(self) -> float:
        """Note that a thread has it; return for how many seconds it waited for that, 0 if it never did."""
        if self._queued_at is not None:
            waited_s, self._queued_at = time.perf_counter() - self._queued_at, None
            self._waited_s += waited_s
            if self.trace is not None:
                self.trace.waited(waited_s)
        return self._waited_s

    def failed(self, error: Exception) -> Failure:
        """Return how an error ends the request; log what the caller must not see."""
        failure = failure_of(error)
        write_incident(self._log, failure, error)
        if isinstance(error, SealAuthzError) and not failure.incident:
            self.noted["reason"] = failure.reason
            if isinstance(error, CallerNotPermitted | CallerUnknown | KeysUnavailable):
                self.noted["message"] = failure.message
            elif isinstance(error, FactsUnavailable) and error.__cause__ is not None:
                self.noted["cause"] = _database_error(error.__cause__)
        return failure

    def end(self, failure: Failure | None, code: str = "OK") -> None:
        """Write the line of the request; a probe that is answered gets none."""
        if self.service == HEALTH and failure is None:
            return
        duration_ms = round((time.perf_counter() - self._started) * 1_000, 3)
        if failure is not None:
            code = failure.code.name
            if failure.incident:
                self.noted["incident"] = failure.incident
        if self._waited_s >= _NOTED_WAIT_S:
            self.noted["waited_ms"] = round(self._waited_s * 1_000)
        self._log.info("call", method=self.path, code=code, duration_ms=duration_ms, **self.noted)
        if self.trace is not None:
            self.trace.end(code, self.noted)

    def nothing_came(self, has_ended: bool) -> None:
        """Write the line of a call whose message did not come; `has_ended`: the client has ended it so."""
        if self.service != HEALTH:
            self.noted["reason"] = "NO_MESSAGE"
            self.end(None, "UNIMPLEMENTED" if has_ended else "CANCELLED")


class RefusalLog:
    """The refusals of one method: a line every second at most, because refusing must cost less than answering."""

    def __init__(self, log: Log, **noted: str) -> None:
        self._log = log
        self._noted = noted
        self._refused = 0
        self._next_at = 0.0

    def note(self, **limit: str | float) -> None:
        """Count a refusal for this limit; log how many there were since the last line, if that is due."""
        self._refused += 1
        now = time.monotonic()
        if now >= self._next_at:
            self._log.warning("busy", **limit, refused=self._refused, **self._noted)
            self._refused, self._next_at = 0, now + _REFUSAL_LINE_EVERY_S


def write_incident(log: Log, failure: Failure, error: BaseException) -> None:
    """Log an error that the caller is not shown, under its incident id."""
    if failure.incident:
        log.error("incident", error, incident=failure.incident)  # noqa: PLE1205 (a log of ours)


def _database_error(cause: BaseException) -> str:
    """Return what the database says, without what SQLAlchemy adds: the statement with its parameters."""
    said = getattr(cause, "orig", None) or cause
    return f"{type(said).__name__}: {said}"[:_MAX_CAUSE_CHARACTERS]


class Method(NamedTuple):
    """A method of a service, for all callers or for one of them: how it is handled, and refused where there is no room.

    `wrapped` takes a message; `awaiting` takes the stream that it comes in, of which grpcio's own threads read.
    `of_callers` has what the method is for each `caller`: with that caller's `share` of the pool, and a `bucket` where
    the rate is limited. `path` is its name for the log, and `rpc` that of the right to it; empty where it needs none.
    """

    service: str
    path: str
    rpc: str
    make: Callable[..., Any]
    wrapped: Behavior
    awaiting: Behavior
    attributes: dict[str, Any]
    pool: Pool
    busy: Failure
    refusals: RefusalLog
    of_callers: dict[str, Method]
    share: Share | None = None
    bucket: Bucket | None = None
    caller: Caller | None = None

    @property
    def executor(self) -> Pool | Share:
        """What runs the calls, and knows whether there is room."""
        return self.share or self.pool

    def refused(self) -> Failure | None:
        """Return how a request ends for which there is no room, and count it; None if there is room."""
        executor = self.executor
        if executor.has_room():
            return None
        self.refusals.note(pool=executor.name, most=executor.max_calls)
        return self.busy

    def refused_above(self, queued: int) -> Failure | None:
        """Return the same for a call that is answered on arrival, behind so many of its caller."""
        executor = self.executor
        if queued < executor.max_calls:
            return None
        self.refusals.note(pool=executor.name, most=executor.max_calls)
        return self.busy

    def handler_of(self, request_log: RequestLog) -> Any:
        """Return a handler for one request, whose caller is identified.

        It takes and gives bytes: what grpcio itself cannot parse or serialize it answers with INTERNAL, without a line
        in the log, and leaks the memory of the call.
        """
        behavior = functools.partial(self.awaiting, request_log=request_log)
        # grpcio looks for attributes of a behavior: the pool is ours, the others stay.
        behavior.__dict__.update(self.attributes, experimental_thread_pool=self.executor)
        return self.make(behavior)


def behavior_of(handler: Any) -> Behavior:
    """Return the behavior of a handler, whatever its kind."""
    for kind in ("unary_unary", "unary_stream", "stream_unary", "stream_stream"):
        behavior: Behavior | None = getattr(handler, kind)
        if behavior is not None:
            return behavior
    raise TypeError("a handler without a behavior")


def parsing(behavior: Behavior, deserializer: Deserializer | None, is_streaming: bool) -> Behavior:
    """Return a behavior that takes a request as bytes, or a stream of them, and parses it once the call is admitted."""
    if deserializer is None:
        return behavior

    @functools.wraps(behavior)
    def parse(request: Any, call: Any) -> Any:
        if is_streaming:
            return behavior((parsed(message, deserializer) for message in request), call)
        return behavior(parsed(request, deserializer), call)

    return parse


def parsed(message: bytes, deserializer: Deserializer) -> Any:
    """Return a request. Raises InvalidRequest where the bytes are not one."""
    try:
        return deserializer(message)
    except DecodeError as error:
        raise InvalidRequest.at(
            "request", "is not a protobuf message of the type that the method takes, or has text that is not UTF-8"
        ) from error


def serialized(messages: Iterator[Any], serializer: Serializer) -> Iterator[bytes]:
    """Yield the messages as bytes, and close their source when nobody takes more of them."""
    try:
        for message in messages:
            yield serializer(message)
    finally:
        if isinstance(messages, Generator):
            messages.close()
