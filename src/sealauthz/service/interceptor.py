"""The interceptor around every request: is there room, who calls, is it in time, how does it end? And its log line."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, NoReturn

import grpc
from grpc_status import rpc_status  # type: ignore[import-untyped]

from sealauthz.facts.memory.permits import NotAtOnce
from sealauthz.observability.log import Log
from sealauthz.observability.tracing.parents import parent_in
from sealauthz.observability.tracing.tracer import Tracer
from sealauthz.runtime.background import Background
from sealauthz.runtime.errors import CallerUnknown, SealAuthzError, ServiceBusy
from sealauthz.runtime.spans import working_on
from sealauthz.service import handling, patience
from sealauthz.service.callers import SERVICES, Call, Caller, Callers, Known, Metadata, Shown
from sealauthz.service.door import Door
from sealauthz.service.handling import Behavior, Method, RefusalLog, RequestLog, Serializer, behavior_of
from sealauthz.service.held import Later
from sealauthz.service.patience import NothingSent, Patience
from sealauthz.service.peers import Peers
from sealauthz.service.pools import HEALTH, AtOnce, Pool, Pools
from sealauthz.service.shares import CallerShares
from sealauthz.service.status import Failure, deadline_passed, failure_of
from sealauthz.service.streams import Intake, changed, gone, stopping

OURS = frozenset(service.full_name for service in SERVICES)

_LOOK_EVERY_S = 1.0

_NO_DEADLINE_S = 1e9
"""Of a call without a deadline, grpcio says that more than this remains: thirty years."""


class Interceptor(grpc.ServerInterceptor):
    """Wraps every handler, of our services and of others, and gives each its pool of threads.

    Health needs no caller, so that probes need no token. Reflection, if it is on, needs a known caller but no right.
    """

    def __init__(self, callers: Callers, log: Log, pools: Pools, tracer: Tracer | None = None) -> None:
        self.peers: Peers | None = None
        """Tells whose the certificates of connections are, where each has to show one. Set it before the first call."""
        self._callers = callers
        self._log = log
        self._pools = pools
        self._tracer = tracer
        self._known: dict[str, Method] = {}
        self._shares = CallerShares()
        self._at_once = AtOnce()
        self._patience = Patience(log.thread_failed)
        self._streaming: set[Call] = set()
        self._changing = threading.Lock()
        self._is_stopping = False
        self.standing = Background("standing", self._look, log.thread_failed)
        """Ends streams of callers whose token, certificate or right has ended meanwhile."""

    def intercept_service(
        self, continuation: Callable[[grpc.HandlerCallDetails], Any], handler_call_details: grpc.HandlerCallDetails
    ) -> Any:
        """Return a handler for this request; or one that refuses it at once: no right to call, or no room.

        grpcio asks for each request, on the thread that serves all of them, before it waits for a thread of the pool.
        Rights are checked here because that thread would wait for the message, as long as an unknown client likes.
        """
        method = self._known.get(handler_call_details.method)
        if method is None:
            handler = continuation(handler_call_details)
            if handler is None:
                return None  # and not remembered: the client chooses the name
            method = self._known[handler_call_details.method] = self.method(handler, handler_call_details.method)
        metadata = handler_call_details.invocation_metadata
        if self.peers is not None and method.service != HEALTH:
            return self._at_the_door(method, metadata)
        request_log = self.arrived(method, metadata)
        if isinstance(request_log, Failure):
            return self._refusal(request_log)
        room = self.room(method, request_log)
        return self._refusal(room) if isinstance(room, Failure) else room.handler_of(request_log)

    def arrived(
        self, method: Method, metadata: Metadata, certificate: Callable[[], bytes | None] = lambda: None
    ) -> RequestLog | Failure:
        """Begin a request whose headers are there; or return how it ends: who calls has no right to, or asks too fast.

        `certificate` returns the one that its connection showed, where connections have to.

        INVARIANT: every call comes by here before anything else is done about it, on whichever way it is served.
        """
        request_log = RequestLog(self._log, method.service, method.path)
        if method.service == HEALTH:
            return request_log
        try:
            shown = Shown(metadata, None if self.peers is None else certificate())
            caller = self._identify(method, request_log, shown)
        except Exception as error:  # noqa: BLE001 (the outermost handler)
            failure = request_log.failed(error)
            request_log.end(failure)
            return failure
        own = self._own(method, caller)
        bucket = request_log.bucket = own.bucket
        if bucket is not None and (after_s := bucket.take()):
            own.refusals.note(per_s=bucket.per_s)
            return failure_of(ServiceBusy(f"this caller may ask {bucket.per_s:g} times a second; slow down", after_s))
        return request_log

    def room(self, method: Method, request_log: RequestLog, *, is_queued: bool = True) -> Method | Failure:
        """Return a method as its caller has it, to whose pool the request goes now; or how it ends for lack of room.

        Unless it `is_queued`, it is answered already, and takes up room until that may be given.
        """
        if is_queued:
            request_log.queue()
        own = method if request_log.caller is None else self._own(method, request_log.caller)
        return method.refused() or own.refused() or own

    def crowded(self, method: Method, request_log: RequestLog, queued: int) -> Failure | None:
        """Return how a call ends whose caller has queued its share of them already, and count it; else None."""
        if request_log.caller is None:
            return None
        own = self._own(method, request_log.caller)
        return own.refused_above(queued)

    def end_streams(self) -> None:
        """End every stream of ours, and those to come: they would hold up a graceful stop."""
        with self._changing:
            self._is_stopping = True
            streaming = list(self._streaming)
        for call in streaming:
            call.stop(stopping())

    def know(self, callers: Callers) -> None:
        """Know these callers from now on, and end the streams of those whose rights are not the same."""
        with self._changing:
            self._callers = callers
            streaming = [call for call in self._streaming if not self._is_still(callers, call)]
        for call in streaming:
            call.stop(changed())

    def end_gone(self) -> None:
        """End the streams whose callers would no longer be let in with what they showed."""
        with self._changing:
            callers = self._callers
            streaming = list(self._streaming)
        for call in streaming:
            if not call.is_stopped and not self._is_still(callers, call):
                call.stop(gone())

    @property
    def thread(self) -> Background:
        """The thread that ends calls whose message does not come."""
        return self._patience.thread

    def close(self) -> None:
        """Give the threads back, once the server takes no calls."""
        self._patience.close()
        self.standing.stop()
        self.standing.join()

    def method(self, handler: Any, path: str) -> Method:
        """Return how the calls of a method are handled, from their admission to their line in the log."""
        path = path.lstrip("/")
        service, _, name = path.partition("/")
        pool = self._pools.of(path, handler.response_streaming)
        behavior = behavior_of(handler)
        if service in OURS and handler.request_streaming and not handler.response_streaming:
            behavior = self._stoppable(behavior)
        behavior = handling.parsing(behavior, handler.request_deserializer, handler.request_streaming)
        wrapped = self._wrap(behavior, handler.response_serializer, handler.response_streaming)
        # Taken as a stream, so that the wait for the one message is ours.
        kind = "stream_stream" if handler.response_streaming else "stream_unary"
        return Method(
            service,
            path,
            f"{service.rpartition('.')[2]}/{name}" if service in OURS else "",
            getattr(grpc, f"{kind}_rpc_method_handler"),
            wrapped,
            wrapped if handler.request_streaming else self._awaiting(wrapped, pool),
            dict(getattr(behavior, "__dict__", {})),
            pool,
            failure_of(ServiceBusy(f"too many concurrent {pool.name}; try again later")),
            RefusalLog(self._log),
            {},
        )

    def _own(self, method: Method, caller: Caller) -> Method:
        """Return a method as a caller has it: its calls of a pool count together, and all that it asks at its rate."""
        own = method.of_callers.get(caller.name)
        if own is not None and own.caller is caller:
            return own
        share, bucket = self._shares.of(caller, method.pool)
        what = "end one first" if share.name == self._pools.streams.name else "try again later"
        own = method._replace(
            share=share,
            busy=failure_of(ServiceBusy(f"too many concurrent {share.name} of this caller; {what}")),
            refusals=RefusalLog(self._log, caller=caller.name),
            bucket=bucket,
            caller=caller,
        )
        method.of_callers[caller.name] = own
        return own

    def _awaiting(self, wrapped: Behavior, pool: Pool) -> Behavior:
        """Return what handles a call whose message may not be there yet, on a thread of the pool."""

        def handle(requests: Iterator[bytes], context: grpc.ServicerContext, request_log: RequestLog) -> Any:
            request_log.begin()
            try:
                message = self._patience.first(requests, context, pool, is_known=request_log.caller is not None)
            except NothingSent as nothing:
                request_log.nothing_came(nothing.has_ended)
                # If the call was cancelled for that, nobody hears of it.
                context.abort(grpc.StatusCode.UNIMPLEMENTED, "exactly one request message is needed")
                raise AssertionError("grpcio raises") from None
            return wrapped(message, context, request_log)

        return handle

    def _stoppable(self, behavior: Behavior) -> Behavior:
        """Return a behavior that does the same with a stream of requests, until the server stops."""

        @functools.wraps(behavior)
        def stoppable(requests: Iterator[Any], call: Call) -> Any:
            self._begin_stream(call)
            try:
                with closing(Intake(requests, call, patience.MESSAGE_WITHIN_S)) as arriving:
                    return behavior(arriving, call)
            finally:
                self._end_stream(call)

        return stoppable

    def _refusal(self, failure: Failure) -> Any:
        """Return a handler that ends a request with a failure, before anything waits."""

        def refuse(_requests: Any, context: grpc.ServicerContext) -> Any:
            _abort(context, failure)

        refuse.experimental_thread_pool = self._at_once  # type: ignore[attr-defined]
        # As if it took a stream of requests: otherwise grpcio waits for the first, on the thread that serves all calls.
        return grpc.stream_unary_rpc_method_handler(refuse)

    def _wrap(self, behavior: Behavior, serializer: Serializer | None, is_streaming: bool) -> Behavior:
        """Return what handles a request from its admission to its line in the log; `is_streaming`: the response is."""

        def handle(request: Any, context: grpc.ServicerContext, request_log: RequestLog) -> Any:
            remaining_s, waited_s = context.time_remaining(), request_log.begin()
            if (remaining_s is not None and remaining_s <= 0) or not context.is_active():
                failure = deadline_passed()
                request_log.end(failure)
                _abort(context, failure)
            try:
                if remaining_s is not None and waited_s > remaining_s and request_log.service in OURS:
                    # All would be answered too late that stand in a line as long as their deadlines.
                    raise ServiceBusy("the call has waited for longer than it has left")
                call = self._admit(request_log, context, remaining_s)
                with working_on(request_log.trace):
                    result = behavior(request, call)
                    if serializer is not None and type(result) is not bytes:  # some answers come written
                        result = handling.serialized(result, serializer) if is_streaming else serializer(result)
            except NotAtOnce:
                raise  # for another thread to try again
            except Exception as error:  # noqa: BLE001 (outermost: grpcio would send the text of an unmapped error)
                failure = request_log.failed(error)
            else:
                if is_streaming:
                    return self._stream(result, call, context, request_log)
                if isinstance(call, Call) and call.given_once is not None:
                    return Later(result, call.given_once)
                request_log.end(None)
                return result
            request_log.end(failure)
            _abort(context, failure)

        return handle

    def _stream(
        self, messages: Iterator[Any], call: Any, context: grpc.ServicerContext, request_log: RequestLog
    ) -> Iterator[Any]:
        is_ours = isinstance(call, Call)
        if is_ours:
            self._begin_stream(call)
        failure: Failure | None = None
        code = "OK"
        try:
            yield from messages
            if is_ours and call.stopped_by is not None:
                failure = request_log.failed(call.stopped_by)
            elif is_ours and call.is_cancelled():
                code = "CANCELLED"
        except GeneratorExit:
            request_log.end(None, "CANCELLED")
            raise
        except Exception as error:  # noqa: BLE001 (the outermost handler)
            failure = request_log.failed(error)
        finally:
            if is_ours:
                self._end_stream(call)
        request_log.end(failure, code)
        if failure is not None:
            _abort(context, failure)

    def _look(self) -> None:
        self.end_gone()
        self.standing.goes_well()
        self.standing.rest(_LOOK_EVERY_S)

    def _begin_stream(self, call: Call) -> None:
        with self._changing:
            self._streaming.add(call)
            is_stopping, is_known = self._is_stopping, self._is_still(self._callers, call)
        if is_stopping or not is_known:
            call.stop(stopping() if is_stopping else changed())

    def _end_stream(self, call: Call) -> None:
        with self._changing:
            self._streaming.discard(call)

    def _identify(self, method: Method, request_log: RequestLog, shown: Shown) -> Caller:
        """Return who calls. Raises CallerUnknown, and CallerNotPermitted without the right to a method of ours."""
        caller, by = self._known_by(self._callers, shown)
        request_log.noted["caller"] = caller.name
        if by:
            request_log.noted.update(by)
        if method.rpc:
            caller.check_rpc(method.rpc)
        request_log.caller, request_log.shown = caller, shown
        # Not before it is known who calls: nobody else has anything kept.
        self._trace(request_log, shown.metadata)
        return caller

    def _trace(self, request_log: RequestLog, metadata: Metadata) -> None:
        """Note which trace a request is part of, and begin its part if that is kept."""
        parent = parent_in(metadata)
        if self._tracer is not None:
            request_log.trace_id, request_log.trace = self._tracer.begin(request_log.path, parent)
        elif parent is not None:
            request_log.trace_id = parent.trace_id
        if request_log.trace_id:
            request_log.noted["trace_id"] = request_log.trace_id

    def _known_by(self, callers: Callers, shown: Shown) -> Known:
        """Return who calls. Raises CallerUnknown, KeysUnavailable."""
        if self.peers is None:
            return callers.known(shown.metadata)
        if shown.certificate is None:  # TLS asked for one, so this is a fault of ours, and nobody gets by through it
            raise CallerUnknown("the connection shows no certificate")
        return callers.known(shown.metadata, self.peers.name(shown.certificate))

    def _is_still(self, callers: Callers, call: Call) -> bool:
        """Tell whether what a call showed when it began stands for the same caller, with exactly the same rights."""
        if call.shown is None:
            return callers.has(call.caller)
        try:
            return self._known_by(callers, call.shown).caller == call.caller
        except SealAuthzError:
            return False

    def _at_the_door(self, method: Method, metadata: Metadata) -> Any:
        """Return a handler for a request of which only its pool learns what certificate its connection showed."""
        door = Door(
            lambda certificate: self._let_in(method, metadata, certificate),
            self._at_once,
            lambda failure, context: _abort(context, failure),
        )
        door.__dict__.update(method.attributes, experimental_thread_pool=door.pool)
        return method.make(door)

    def _let_in(
        self, method: Method, metadata: Metadata, certificate: bytes | None
    ) -> tuple[Method, RequestLog] | Failure:
        request_log = self.arrived(method, metadata, lambda: certificate)
        if isinstance(request_log, Failure):
            return request_log
        room = self.room(method, request_log)
        return room if isinstance(room, Failure) else (room, request_log)

    def _admit(self, request_log: RequestLog, context: grpc.ServicerContext, remaining_s: float | None) -> Any:
        """Return what the handler gets besides the request."""
        if request_log.service == HEALTH:
            return context
        if request_log.caller is None:  # identified on arrival; should that ever be forgotten, nothing is answered
            raise CallerUnknown("unknown bearer token")
        if request_log.service not in OURS:
            return context
        deadline = None
        if remaining_s is not None and remaining_s < _NO_DEADLINE_S:
            deadline = time.monotonic() + remaining_s
        owe = None if request_log.bucket is None else request_log.bucket.owe
        # grpcio's own contexts are for threads that may wait.
        may_wait = getattr(context, "may_wait", True)
        shown = request_log.shown
        return Call(
            request_log.caller,
            request_log.noted,
            deadline,
            context,
            owe=owe,
            may_wait=may_wait,
            shown=shown,
            trace_id=request_log.trace_id,
        )


def _abort(context: grpc.ServicerContext, failure: Failure) -> NoReturn:
    """End the call; grpcio does that by raising."""
    context.abort_with_status(rpc_status.to_status(failure.status()))
