"""The edge of every call: is there room, who calls, is it in time, how does it end, and its one line in the log."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

import grpc
from google.protobuf.message import DecodeError
from grpc_status import rpc_status  # type: ignore[import-untyped]

from sealauthz.errors import (
    CallerNotPermitted,
    CallerUnknown,
    FactsUnavailable,
    InvalidRequest,
    SealAuthzError,
    ServiceBusy,
)
from sealauthz.service.callers import SERVICES, Caller, Callers
from sealauthz.service.health import NothingSent, Patience
from sealauthz.service.log import Log
from sealauthz.service.pools import HEALTH, AtOnce, Pool, Pools, Share
from sealauthz.service.status import Failure, deadline_passed, failure_of
from sealauthz.service.streams import Intake, stopping

OURS = frozenset(service.full_name for service in SERVICES)

Behavior = Callable[..., Any]
Deserializer = Callable[[bytes], Any]
Serializer = Callable[[Any], bytes]

_MAX_CAUSE_CHARACTERS = 300
_NO_DEADLINE_S = 1e9
"""What grpcio says remains of a call without a deadline is more than this: thirty years."""
_BUSY_LINE_EVERY_S = 1.0


@dataclass(slots=True, eq=False)
class Call:
    """What a servicer of ours is given besides the request: who calls, until when, and what to add to the log.

    `deadline` is in seconds of `time.monotonic`, None if the caller set none.

    INVARIANT: `noted` holds no token, no personal text and no value of a context.
    """

    caller: Caller
    noted: dict[str, str | int] = field(default_factory=dict)
    deadline: float | None = None
    _context: grpc.ServicerContext | None = field(default=None, repr=False)
    _is_stopped: bool = False
    _on_stop: list[Callable[[], None]] = field(default_factory=list, repr=False)

    @property
    def is_stopped(self) -> bool:
        """Whether the server stops, and this stream with it."""
        return self._is_stopped

    def remaining_s(self) -> float | None:
        """How long an answer is still of use, in seconds and never below 0; None for as long as it takes."""
        return None if self.deadline is None else max(self.deadline - time.monotonic(), 0.0)

    def is_cancelled(self, within_s: float = 0.0) -> bool:
        """Tell whether nobody waits for an answer any longer: the caller left, or the server stops a stream.

        If somebody still does, it waits so many seconds for that to change.
        """
        if self._is_stopped or (self._context is not None and not self._context.is_active()):
            return True
        if within_s <= 0:
            return False
        over = threading.Event()
        return not self.on_cancel(over.set) or over.wait(within_s)

    def on_cancel(self, wake: Callable[[], None]) -> bool:
        """Have `wake` called, from another thread, when the call is over; False if it is over already.

        `wake` must not wait for anything: the thread may be the one that serves all calls.
        """
        self._on_stop.append(wake)
        is_registered = self._context is None or bool(self._context.add_callback(wake))
        return is_registered and not self._is_stopped

    def stop(self) -> None:
        """End a stream because the server stops."""
        self._is_stopped = True
        for wake in list(self._on_stop):
            wake()


class Edge(grpc.ServerInterceptor):
    """Stands around every handler, of our services and of others', and gives each its pool of threads.

    Health needs no caller, so that probes need no token. Reflection, where it is on, needs a known caller and no right.
    """

    def __init__(self, callers: Callers, log: Log, pools: Pools) -> None:
        self._callers = callers
        self._log = log
        self._pools = pools
        self._known: dict[str, _Entry] = {}
        self._shares: dict[str, Share] = {}
        self._at_once = AtOnce()
        self._patience = Patience()
        self._streaming: set[Call] = set()
        self._changing = threading.Lock()
        self._is_stopping = False

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Any],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Return a handler for this call; or one that refuses at once: no right to call, or no room.

        grpcio asks for each call, on the thread that serves all of them, before the call waits for a thread. Rights are
        looked at here because the thread would then wait for the message, for as long as a stranger likes.
        """
        entry = self._known.get(handler_call_details.method)
        if entry is None:
            handler = continuation(handler_call_details)
            if handler is None:
                return None  # and not remembered: whoever calls chooses the name
            entry = self._known[handler_call_details.method] = self._entry(handler, handler_call_details.method)
        visit = _Visit(self._log, entry.service, entry.method)
        if entry.service != HEALTH:
            try:
                caller = self._identify(visit, handler_call_details.invocation_metadata)
            except Exception as error:  # noqa: BLE001 (the edge)
                failure = visit.failed(error)
                visit.end(failure)
                return self._refusal(failure)
            if entry.pool is self._pools.streams:
                own = entry.of_callers.get(caller.name) or self._entry_of(entry, caller.name)
                return self._refused(entry) or self._refused(own) or own.handler_of(visit)
        return self._refused(entry) or entry.handler_of(visit)

    def _refused(self, entry: _Entry) -> Any:
        """Return what refuses a call if there is no room for it, and else None."""
        if entry.pool.has_room():
            return None
        entry.busy.note()
        return entry.refusal

    def end_streams(self) -> None:
        """End every stream of ours, and those to come: they would hold up a graceful stop for ever."""
        with self._changing:
            self._is_stopping = True
            streaming = list(self._streaming)
        for call in streaming:
            call.stop()

    def close(self) -> None:
        """Give the threads back, once the server takes no calls."""
        self._patience.close()

    def _entry(self, handler: Any, path: str) -> _Entry:
        service, _, method = path.lstrip("/").partition("/")
        pool = self._pools.of(f"{service}/{method}", handler.response_streaming)
        if service == HEALTH and not handler.request_streaming:
            handler = self._patient(handler, pool)
        make, behavior = _kind_of(handler)
        if service in OURS and handler.request_streaming and not handler.response_streaming:
            behavior = self._stoppable(behavior)
        behavior = _parsing(behavior, handler.request_deserializer, handler.request_streaming)
        wrap = self._wrap_stream if handler.response_streaming else self._wrap_unary
        wrapped = wrap(behavior, handler.response_serializer)
        failure = failure_of(ServiceBusy(f"the service has as many {pool.name} under way as it takes"))
        return _Entry(
            service,
            method,
            make,
            wrapped,
            # What grpcio looks for on a behavior: the pool is ours, and what else there is stays.
            {**getattr(behavior, "__dict__", {}), "experimental_thread_pool": pool},
            pool,
            self._refusal(failure),
            _Busy(self._log, pool),
            {},
        )

    def _entry_of(self, entry: _Entry, caller: str) -> _Entry:
        """Return the entry of a streaming method for one caller, all of whose streams count together."""
        share = self._shares.get(caller)
        if share is None:
            share = self._shares[caller] = Share(self._pools.streams, self._pools.max_streams_of_one)
        failure = failure_of(ServiceBusy(f"the caller has as many {share.name} under way as one may"))
        busy = _Busy(self._log, share, caller=caller)
        attributes = {**entry.attributes, "experimental_thread_pool": share}
        own = entry._replace(attributes=attributes, pool=share, refusal=self._refusal(failure), busy=busy)
        entry.of_callers[caller] = own
        return own

    def _patient(self, handler: Any, pool: Pool) -> Any:
        """Return a handler that does the same and waits for the one request only for a while."""
        _, behavior = _kind_of(handler)
        make = (
            grpc.stream_stream_rpc_method_handler
            if handler.response_streaming
            else grpc.stream_unary_rpc_method_handler
        )

        @functools.wraps(behavior)
        def call(requests: Iterator[bytes], context: grpc.ServicerContext) -> Any:
            message = self._patience.first(requests, context, lambda: pool.is_crowded)
            return behavior(_parsed(message, handler.request_deserializer), context)

        return make(call, None, handler.response_serializer)

    def _stoppable(self, behavior: Behavior) -> Behavior:
        """Return a behavior that does the same with a stream of requests, until the server stops."""

        @functools.wraps(behavior)
        def call(requests: Iterator[Any], admitted: Call) -> Any:
            self._begin_stream(admitted)
            try:
                with closing(Intake(requests, admitted)) as arriving:
                    return behavior(arriving, admitted)
            finally:
                self._end_stream(admitted)

        return call

    def _refusal(self, failure: Failure) -> Any:
        """Return a handler that ends a call so before anything waits."""

        def refuse(_requests: Any, context: grpc.ServicerContext) -> Any:
            _abort(context, failure)

        refuse.experimental_thread_pool = self._at_once  # type: ignore[attr-defined]
        # As if the requests were a stream, whatever they are: only then does grpcio not wait for the first of them,
        # which on this thread would be for ever.
        return grpc.stream_unary_rpc_method_handler(refuse)

    def _wrap_unary(self, behavior: Behavior, serializer: Serializer | None = None) -> Behavior:
        def call(request: Any, context: grpc.ServicerContext, visit: _Visit) -> Any:
            try:
                result = behavior(request, self._admit(visit, context))
                if serializer is not None:
                    result = serializer(result)
            except _Ended as ended:
                failure = ended.failure
            except NothingSent:
                _end_unasked(context)
            except Exception as error:  # noqa: BLE001 (the edge: grpcio would send the text of what is not mapped)
                failure = visit.failed(error)
            else:
                visit.end(None)
                return result
            visit.end(failure)
            _abort(context, failure)

        return call

    def _wrap_stream(self, behavior: Behavior, serializer: Serializer | None = None) -> Behavior:
        def call(request: Any, context: grpc.ServicerContext, visit: _Visit) -> Any:
            try:
                admitted = self._admit(visit, context)
                result = behavior(request, admitted)
                if serializer is not None:
                    result = _serialized(result, serializer)
            except _Ended as ended:
                failure = ended.failure
            except NothingSent:
                _end_unasked(context)
            except Exception as error:  # noqa: BLE001 (the edge)
                failure = visit.failed(error)
            else:
                return self._stream(result, admitted, context, visit)
            visit.end(failure)
            _abort(context, failure)

        return call

    def _stream(
        self, messages: Iterator[Any], call: Any, context: grpc.ServicerContext, visit: _Visit
    ) -> Iterator[Any]:
        is_ours = isinstance(call, Call)
        if is_ours:
            self._begin_stream(call)
        failure: Failure | None = None
        code = "OK"
        try:
            yield from messages
            if is_ours and call.is_stopped:
                failure = visit.failed(stopping())
            elif is_ours and call.is_cancelled():
                code = "CANCELLED"
        except GeneratorExit:
            visit.end(None, "CANCELLED")
            raise
        except Exception as error:  # noqa: BLE001 (the edge)
            failure = visit.failed(error)
        finally:
            if is_ours:
                self._end_stream(call)
        visit.end(failure, code)
        if failure is not None:
            _abort(context, failure)

    def _begin_stream(self, call: Call) -> None:
        with self._changing:
            self._streaming.add(call)
            is_stopping = self._is_stopping
        if is_stopping:
            call.stop()

    def _end_stream(self, call: Call) -> None:
        with self._changing:
            self._streaming.discard(call)

    def _identify(self, visit: _Visit, metadata: Any) -> Caller:
        """Return who calls. Raises CallerUnknown, and CallerNotPermitted where a method of ours calls for a right."""
        caller = self._callers.identify(metadata)
        visit.noted["caller"] = caller.name
        if visit.service in OURS:
            caller.check_rpc(f"{visit.service.rpartition('.')[2]}/{visit.method}")
        visit.caller = caller
        return caller

    def _admit(self, visit: _Visit, context: grpc.ServicerContext) -> Any:
        """Return what the handler is given beside the request. Raises what ends the call before it is looked at."""
        remaining = context.time_remaining()
        if (remaining is not None and remaining <= 0) or not context.is_active():
            raise _Ended(deadline_passed())
        if visit.service == HEALTH:
            return context
        if visit.caller is None:  # who arrives is asked for a token; should that ever be forgotten, nobody gets further
            raise CallerUnknown("the caller is not known")
        if visit.service not in OURS:
            return context
        has_deadline = remaining is not None and remaining < _NO_DEADLINE_S
        return Call(visit.caller, visit.noted, time.monotonic() + remaining if has_deadline else None, context)


class _Entry(NamedTuple):
    """A method that was called before: how it is handled, and how it is refused; for streams, of each caller too."""

    service: str
    method: str
    make: Callable[..., Any]
    wrapped: Behavior
    attributes: dict[str, Any]
    pool: Pool | Share
    refusal: Any
    busy: _Busy
    of_callers: dict[str, _Entry]

    def handler_of(self, visit: _Visit) -> Any:
        """Return a handler for one call: it knows who calls, so that nobody asks twice.

        It takes and gives bytes. What grpcio itself cannot parse or serialize it answers with INTERNAL and without a
        line in the log, and it keeps the memory of such a call.
        """
        return self.make(_Arrival(self.wrapped, visit, self.attributes))


class _Arrival:
    """The behavior of one call."""

    def __init__(self, wrapped: Behavior, visit: _Visit, attributes: Mapping[str, Any]) -> None:
        self.__dict__.update(attributes)
        self._wrapped = wrapped
        self._visit = visit

    def __call__(self, request: Any, context: grpc.ServicerContext) -> Any:
        return self._wrapped(request, context, self._visit)


class _Busy:
    """The refusals of one method: a line in the log now and then, because refusing must cost less than answering."""

    def __init__(self, log: Log, pool: Pool | Share, **noted: str) -> None:
        self._log = log
        self._noted = noted
        self._pool = pool
        self._refused = 0
        self._next_at = 0.0

    def note(self) -> None:
        """Count one; write down how many there were since the last line, if that was a while ago."""
        self._refused += 1
        now = time.monotonic()
        if now >= self._next_at:
            limit = {"pool": self._pool.name, "most": self._pool.max_calls}
            self._log.warning("busy", **limit, refused=self._refused, **self._noted)
            self._refused, self._next_at = 0, now + _BUSY_LINE_EVERY_S


class _Ended(Exception):
    """A call that ends before it is looked at."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.message)


class _Visit:
    """One call, from its arrival to its line in the log."""

    def __init__(self, log: Log, service: str, method: str) -> None:
        self._log = log
        self._started = time.perf_counter()
        self.service = service
        self.method = method
        self.caller: Caller | None = None
        self.noted: dict[str, str | int] = {}

    def failed(self, error: Exception) -> Failure:
        """Return how the error ends the call; write down what the caller must not see."""
        failure = failure_of(error)
        write_incident(self._log, failure, error)
        if isinstance(error, SealAuthzError) and not failure.incident:
            self.noted["reason"] = failure.reason
            if isinstance(error, CallerNotPermitted):
                self.noted["message"] = failure.message
            elif isinstance(error, FactsUnavailable) and error.__cause__ is not None:
                self.noted["cause"] = _named(error.__cause__)
        return failure

    def end(self, failure: Failure | None, code: str = "OK") -> None:
        """Write the one line of the call; a probe that is answered is not worth one."""
        if self.service == HEALTH and failure is None:
            return
        duration_ms = round((time.perf_counter() - self._started) * 1_000, 3)
        if failure is not None:
            code = failure.code.name
            if failure.incident:
                self.noted["incident"] = failure.incident
        self._log.info("call", method=f"{self.service}/{self.method}", code=code, duration_ms=duration_ms, **self.noted)


def write_incident(log: Log, failure: Failure, error: BaseException) -> None:
    """Write down an error that the caller is not shown, under its incident id."""
    if failure.incident:
        log.error("incident", error, incident=failure.incident)  # noqa: PLE1205 (a log of ours)


def _named(cause: BaseException) -> str:
    """Return what the database says, and not what SQLAlchemy adds to it: the statement with its parameters."""
    said = getattr(cause, "orig", None) or cause
    return f"{type(said).__name__}: {said}"[:_MAX_CAUSE_CHARACTERS]


def _kind_of(handler: Any) -> tuple[Callable[..., Any], Behavior]:
    """Return how to make a handler of the same kind, and the behavior to wrap."""
    for kind in ("unary_unary", "unary_stream", "stream_unary", "stream_stream"):
        behavior = getattr(handler, kind)
        if behavior is not None:
            return getattr(grpc, f"{kind}_rpc_method_handler"), behavior
    raise TypeError("a handler without a behavior")


def _parsing(behavior: Behavior, deserializer: Deserializer | None, is_streaming: bool) -> Behavior:
    """Return a behavior that does the same with requests that are still bytes; `is_streaming`: with a stream of them.

    They are parsed only once the call is admitted.
    """
    if deserializer is None:
        return behavior

    @functools.wraps(behavior)
    def call(request: Any, admitted: Any) -> Any:
        if is_streaming:
            return behavior((_parsed(message, deserializer) for message in request), admitted)
        return behavior(_parsed(request, deserializer), admitted)

    return call


def _parsed(message: bytes, deserializer: Deserializer) -> Any:
    """Return a request. Raises InvalidRequest where the bytes are not one."""
    try:
        return deserializer(message)
    except DecodeError as error:
        raise InvalidRequest.at(
            "request", "is not a protobuf message of the type that the method takes, or has text that is not UTF-8"
        ) from error


def _serialized(messages: Iterator[Any], serializer: Serializer) -> Iterator[bytes]:
    """Yield the messages as bytes, and close where they come from when nobody takes more of them."""
    try:
        for message in messages:
            yield serializer(message)
    finally:
        if isinstance(messages, Generator):
            messages.close()


def _end_unasked(context: grpc.ServicerContext) -> NoReturn:
    """End a call that has sent nothing to answer; if it was cancelled for that, nobody is told."""
    context.abort(grpc.StatusCode.UNIMPLEMENTED, "exactly one request message is needed")
    raise AssertionError("grpcio raises")


def _abort(context: grpc.ServicerContext, failure: Failure) -> NoReturn:
    """End the call; grpcio does that by raising."""
    context.abort_with_status(rpc_status.to_status(failure.status()))
