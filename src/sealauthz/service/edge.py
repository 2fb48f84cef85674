"""The edge of every call: is there room, who calls, is it in time, how does it end, and its one line in the log."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

import grpc
from grpc_status import rpc_status  # type: ignore[import-untyped]
from structlog.typing import FilteringBoundLogger

from sealauthz.errors import CallerNotPermitted, FactsUnavailable, SealAuthzError, ServiceBusy
from sealauthz.service.callers import SERVICES, Caller, Callers
from sealauthz.service.pools import HEALTH, AtOnce, Pool, Pools
from sealauthz.service.status import Failure, deadline_passed, failure_of

OURS = frozenset(service.full_name for service in SERVICES)

Behavior = Callable[..., Any]

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

    def is_cancelled(self) -> bool:
        """Tell whether nobody waits for an answer any longer: the caller left, or the server stops a stream."""
        return self._is_stopped or (self._context is not None and not self._context.is_active())

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

    def __init__(self, callers: Callers, log: FilteringBoundLogger, pools: Pools) -> None:
        self._callers = callers
        self._log = log
        self._pools = pools
        self._known: dict[str, _Entry] = {}
        self._at_once = AtOnce()
        self._streaming: set[Call] = set()
        self._changing = threading.Lock()
        self._is_stopping = False

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Any],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Return the handler of a method, wrapped; or, where its pool is full, one that says so at once.

        grpcio asks for each call, on the thread that serves all of them, before the call waits for a thread.
        """
        entry = self._known.get(handler_call_details.method)
        if entry is None:
            handler = continuation(handler_call_details)
            if handler is None:
                return None  # and not remembered: whoever calls chooses the name
            entry = self._known[handler_call_details.method] = self._entry(handler, handler_call_details.method)
        if entry.pool.has_room(entry.is_probe):
            return entry.handler
        entry.busy.note()
        return entry.refusal

    def end_streams(self) -> None:
        """End every stream of ours, and those to come: they would hold up a graceful stop for ever."""
        with self._changing:
            self._is_stopping = True
            streaming = list(self._streaming)
        for call in streaming:
            call.stop()

    def _entry(self, handler: Any, path: str) -> _Entry:
        service, _, method = path.lstrip("/").partition("/")
        pool = self._pools.of(f"{service}/{method}", handler.response_streaming)
        make, behavior = _kind_of(handler)
        wrap = self._wrap_stream if handler.response_streaming else self._wrap_unary
        wrapped = wrap(behavior, service, method)
        wrapped.experimental_thread_pool = pool  # type: ignore[attr-defined]  # by this grpcio chooses
        return _Entry(
            make(
                wrapped,
                request_deserializer=handler.request_deserializer,
                response_serializer=handler.response_serializer,
            ),
            pool,
            service == HEALTH and not handler.response_streaming,  # a stream would wait for a thread for ever
            self._refusal(pool),
            _Busy(self._log, pool),
        )

    def _refusal(self, pool: Pool) -> Any:
        """Return a handler that refuses a call before anything waits."""
        failure = failure_of(ServiceBusy(f"the service has as many {pool.name} under way as it takes"))

        def refuse(_requests: Any, context: grpc.ServicerContext) -> Any:
            _abort(context, failure)

        refuse.experimental_thread_pool = self._at_once  # type: ignore[attr-defined]
        # As if the requests were a stream, whatever they are: only then does grpcio not wait for the first of them,
        # which on this thread would be for ever.
        return grpc.stream_unary_rpc_method_handler(refuse)

    def _wrap_unary(self, behavior: Behavior, service: str, method: str) -> Behavior:
        # `wraps` keeps the attributes by which grpcio picks a thread pool for a handler.
        @functools.wraps(behavior)
        def call(request: Any, context: grpc.ServicerContext) -> Any:
            visit = _Visit(self._log, service, method)
            try:
                result = behavior(request, self._admit(visit, context))
            except _Ended as ended:
                failure = ended.failure
            except Exception as error:  # noqa: BLE001 (the edge: grpcio would send the text of what is not mapped)
                failure = visit.failed(error)
            else:
                visit.end(None)
                return result
            visit.end(failure)
            _abort(context, failure)

        return call

    def _wrap_stream(self, behavior: Behavior, service: str, method: str) -> Behavior:
        @functools.wraps(behavior)
        def call(request: Any, context: grpc.ServicerContext) -> Any:
            visit = _Visit(self._log, service, method)
            try:
                admitted = self._admit(visit, context)
                result = behavior(request, admitted)
            except _Ended as ended:
                failure = ended.failure
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
                failure = visit.failed(FactsUnavailable("the server stops; go on with another"))
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

    def _admit(self, visit: _Visit, context: grpc.ServicerContext) -> Any:
        """Return what the handler is given beside the request. Raises what ends the call before it is looked at."""
        remaining = context.time_remaining()
        if (remaining is not None and remaining <= 0) or not context.is_active():
            raise _Ended(deadline_passed())
        if visit.service == HEALTH:
            return context
        caller = self._callers.identify(context.invocation_metadata())
        visit.noted["caller"] = caller.name
        if visit.service not in OURS:
            return context
        caller.check_rpc(f"{visit.service.rpartition('.')[2]}/{visit.method}")
        has_deadline = remaining is not None and remaining < _NO_DEADLINE_S
        return Call(caller, visit.noted, time.monotonic() + remaining if has_deadline else None, context)


class _Entry(NamedTuple):
    """A method that was called before: how it is handled, and how it is refused."""

    handler: Any
    pool: Pool
    is_probe: bool
    refusal: Any
    busy: _Busy


class _Busy:
    """The refusals of one method: a line in the log now and then, because refusing must cost less than answering."""

    def __init__(self, log: FilteringBoundLogger, pool: Pool) -> None:
        self._log = log
        self._pool = pool
        self._refused = 0
        self._next_at = 0.0

    def note(self) -> None:
        """Count one; write down how many there were since the last line, if that was a while ago."""
        self._refused += 1
        now = time.monotonic()
        if now >= self._next_at:
            self._log.warning("busy", pool=self._pool.name, most=self._pool.max_calls, refused=self._refused)
            self._refused, self._next_at = 0, now + _BUSY_LINE_EVERY_S


class _Ended(Exception):
    """A call that ends before it is looked at."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.message)


class _Visit:
    """One call, from its start to its line in the log."""

    def __init__(self, log: FilteringBoundLogger, service: str, method: str) -> None:
        self._log = log
        self._started = time.perf_counter()
        self.service = service
        self.method = method
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


def write_incident(log: FilteringBoundLogger, failure: Failure, error: BaseException) -> None:
    """Write down an error that the caller is not shown, under its incident id."""
    if failure.incident:
        log.error("incident", incident=failure.incident, exc_info=error)


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


def _abort(context: grpc.ServicerContext, failure: Failure) -> NoReturn:
    """End the call; grpcio does that by raising."""
    context.abort_with_status(rpc_status.to_status(failure.status()))
