"""The edge of every call: who calls, whether it is still in time, how its errors end, and its one line in the log."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import grpc
from grpc_status import rpc_status  # type: ignore[import-untyped]
from structlog.typing import FilteringBoundLogger

from sealauthz.errors import CallerNotPermitted, FactsUnavailable, SealAuthzError
from sealauthz.service.callers import SERVICES, Caller, Callers
from sealauthz.service.status import Failure, deadline_passed, failure_of

HEALTH = "grpc.health.v1.Health"
OURS = frozenset(service.full_name for service in SERVICES)

Behavior = Callable[..., Any]

_MAX_CAUSE_CHARACTERS = 300
_NO_DEADLINE_S = 1e9
"""What grpcio says remains of a call without a deadline is more than this: thirty years."""


@dataclass(slots=True)
class Call:
    """What a servicer of ours is given besides the request: who calls, until when, and what to add to the log.

    `deadline` is in seconds of `time.monotonic`, None if the caller set none.

    INVARIANT: `noted` holds no token, no personal text and no value of a context.
    """

    caller: Caller
    noted: dict[str, str | int] = field(default_factory=dict)
    deadline: float | None = None


class Edge(grpc.ServerInterceptor):
    """Stands around every handler, of our services and of others'.

    Health needs no caller, so that probes need no token. Reflection, where it is on, needs a known caller and no right.
    """

    def __init__(self, callers: Callers, log: FilteringBoundLogger) -> None:
        self._callers = callers
        self._log = log

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Any],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Wrap the handler of a method, whichever of the four kinds it is."""
        handler = continuation(handler_call_details)
        if handler is None:
            return None
        service, _, method = handler_call_details.method.lstrip("/").partition("/")
        make, behavior = _kind_of(handler)
        wrap = self._wrap_stream if handler.response_streaming else self._wrap_unary
        wrapped = wrap(behavior, service, method)
        return make(
            wrapped,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )

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
                result = behavior(request, self._admit(visit, context))
            except _Ended as ended:
                failure = ended.failure
            except Exception as error:  # noqa: BLE001 (the edge)
                failure = visit.failed(error)
            else:
                return self._stream(result, context, visit)
            visit.end(failure)
            _abort(context, failure)

        return call

    def _stream(self, messages: Iterator[Any], context: grpc.ServicerContext, visit: _Visit) -> Iterator[Any]:
        try:
            yield from messages
        except Exception as error:  # noqa: BLE001 (the edge)
            failure = visit.failed(error)
        else:
            visit.end(None)
            return
        visit.end(failure)
        _abort(context, failure)

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
        return Call(caller, visit.noted, time.monotonic() + remaining if has_deadline else None)


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

    def end(self, failure: Failure | None) -> None:
        """Write the one line of the call; a probe that is answered is not worth one."""
        if self.service == HEALTH and failure is None:
            return
        duration_ms = round((time.perf_counter() - self._started) * 1_000, 3)
        code = "OK" if failure is None else failure.code.name
        if failure is not None and failure.incident:
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
