"""The reception: unary calls hold no thread before their message is there, and are answered where it arrives if memory
has everything.

What cannot be answered at once goes to the pool of its method, with its message. Both ways run the same handling,
behind the same check of who calls (`Interceptor.arrived`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, cast

import grpc

from sealauthz.facts.memory.permits import NotAtOnce
from sealauthz.observability.log import Log
from sealauthz.runtime.background import Background
from sealauthz.runtime.errors import SealAuthzError
from sealauthz.service import patience
from sealauthz.service.arrivals import Aborted, Arrivals, ArrivedCall
from sealauthz.service.handling import Method, RequestLog
from sealauthz.service.held import HeldAnswers, Later, end
from sealauthz.service.interceptor import Interceptor
from sealauthz.service.shares import LONG_QUEUE, FairQueue
from sealauthz.service.status import Failure

MAX_WITHOUT_MESSAGE = 4_096
"""So many calls may be without their message. One more ends the oldest: a message comes with its headers, unless the
client holds it back."""

MAX_BYTES_AT_ONCE = 4_096
"""Longer messages go to the pool: even to parse them takes time."""

AT_ONCE = frozenset({"Authorize", "AuthorizeBatch", "ListResources", "ListSubjects"})
"""What may be answered where it arrives, a page if it has few candidates. An explanation and a write take long."""

_LOOK_EVERY_S = 0.5


class Server(Protocol):
    """Serves what is left of services, the streams: one of grpcio's, or that over HTTP."""

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Any) -> None:
        """Serve the methods that handlers know."""

    def add_registered_method_handlers(self, service_name: str, method_handlers: Any) -> None:
        """Serve the methods of a service."""


class Source(Protocol):
    """Where calls arrive, on one thread: over gRPC (`Arrivals`), or over HTTP."""

    run_next: Callable[[], bool]
    longest_unseen_s: float

    def add(self, path: str, begin: Callable[[ArrivedCall], None]) -> None:
        """Take the calls of a method; before the start."""

    def start(self) -> None:
        """Take calls."""


class Reception:
    """Serves the unary methods of services; what is left of them, the streams, a server serves.

    It takes the place of a server where generated code adds a servicer to one. There is one for each thread on which
    calls arrive; all share the interceptor, and with it callers, limits and pools.
    """

    def __init__(
        self,
        server: Server,
        interceptor: Interceptor,
        log: Log,
        arrivals: Source | None = None,
        name: str = "reception",
    ) -> None:
        self._server = server
        self._interceptor = interceptor
        self._log = log
        self._arrivals: Source = arrivals or Arrivals(cast(grpc.Server, server), self._failed)
        self._queue = FairQueue()
        self._arrivals.run_next = self._queue.run_next
        self._waiting: dict[ArrivedCall, tuple[float, RequestLog]] = {}
        self.held = HeldAnswers(self._failed)
        self.thread = Background(name, self._end_late, log.thread_failed)
        """Ends calls whose message does not come, or whose answer is held for too long."""

    def add_generic_rpc_handlers(self, _handlers: Any) -> None:
        """Add nothing: what is registered comes with `add_registered_method_handlers` again."""

    def add_registered_method_handlers(self, service: str, handlers: dict[str, Any]) -> None:
        """Serve the methods of a service."""
        streams = {name: handler for name, handler in handlers.items() if handler.unary_unary is None}
        for name, handler in handlers.items():
            if name not in streams:
                path = f"/{service}/{name}"
                method = self._interceptor.method(handler, path)
                self._arrivals.add(path, _Receiver(self, method, is_tried=name in AT_ONCE).begin)
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, streams),))
        self._server.add_registered_method_handlers(service, streams)

    def start(self) -> None:
        """Take calls, once the server has started."""
        self._arrivals.start()
        self.thread.start()

    def close(self) -> None:
        """Give the thread back, once the server takes no calls."""
        self.thread.stop()
        self.thread.join()

    @property
    def without_message(self) -> int:
        """How many calls have not sent their message."""
        return len(self._waiting)

    def take_longest_unseen(self) -> float:
        """Return the seconds that a call may have waited before it was received, at most, since this was last asked."""
        longest, self._arrivals.longest_unseen_s = self._arrivals.longest_unseen_s, 0.0
        return longest

    def arrived(self, method: Method, call: ArrivedCall) -> RequestLog | None:
        """Return the request of a call, if who calls may; else the call has ended."""
        begun = self._interceptor.arrived(method, call.metadata, call.certificate)
        if isinstance(begun, Failure):
            end(call, begun)
            return None
        return begun

    def room(self, method: Method, request_log: RequestLog, *, is_queued: bool = True) -> Method | Failure:
        """Return a method as its caller has it, if there is room."""
        return self._interceptor.room(method, request_log, is_queued=is_queued)

    def wait(self, call: ArrivedCall, request_log: RequestLog) -> None:
        """Note that a call is without its message."""
        self._waiting[call] = (time.monotonic(), request_log)
        if len(self._waiting) > MAX_WITHOUT_MESSAGE:
            self.give_up(next(iter(self._waiting)))

    def request_of(self, call: ArrivedCall) -> RequestLog | None:
        """Return the request of a call whose message is there; None if the call was ended meanwhile."""
        # INVARIANT: who takes it out, here or below, ends the call, and nobody else does.
        found = self._waiting.pop(call, None)
        return None if found is None else found[1]

    def work(self, method: Method, call: ArrivedCall, message: bytes, request_log: RequestLog) -> None:
        """Answer a call on a thread of a pool."""
        try:
            answer = method.wrapped(message, call, request_log)
        except Aborted:
            call.end()
        except BaseException as error:  # noqa: BLE001 (nobody else would end the call)
            self._failed(error)
            call.end()
        else:
            call.answer(answer)

    def queue(self, method: Method, call: ArrivedCall, request_log: RequestLog, answer: Callable[[], None]) -> None:
        """Queue a call that may be answered on this thread, behind those of its caller and fairly among callers."""
        caller = "" if request_log.caller is None else request_log.caller.name
        request_log.queue()
        queued = self._queue.calls(caller)
        refusal = self._interceptor.crowded(method, request_log, queued)
        run = partial(self._run, call, answer if refusal is None else partial(end, call, refusal))
        self._queue.add(caller, run, is_refusal=refusal is not None)
        if queued >= LONG_QUEUE:  # a call with fewer before it is answered too soon for its end to matter
            call.follow()
            call.add_callback(partial(self._left, caller, run))

    def _left(self, caller: str, run: Callable[[], None]) -> None:
        """End a queued call that nobody waits for: it counts no more towards the share of its caller."""
        if self._queue.remove(caller, run):
            run()

    def _run(self, call: ArrivedCall, run: Callable[[], None]) -> None:
        try:
            run()
        except BaseException as error:  # noqa: BLE001 (the thread goes on, and nobody else would end the call)
            call.fail(error)

    def give_up(self, call: ArrivedCall) -> None:
        """End a call that holds its message back."""
        request_log = self.request_of(call)
        if request_log is not None:
            request_log.nothing_came(has_ended=False)
            call.end_with(grpc.StatusCode.CANCELLED, "no message came")

    def refuse(self, call: ArrivedCall, error: SealAuthzError) -> None:
        """End a call whose message cannot be taken."""
        request_log = self.request_of(call)
        if request_log is not None:
            failure = request_log.failed(error)
            request_log.end(failure)
            end(call, failure)

    def _end_late(self) -> None:
        before = time.monotonic() - patience.MESSAGE_WITHIN_S
        for call, (since, _) in list(self._waiting.items()):
            if since > before:
                break
            self.give_up(call)
        self.held.end_late()
        self.thread.goes_well()
        self.thread.rest(_LOOK_EVERY_S)

    def _failed(self, error: BaseException) -> None:
        self._log.error("call_failed", error)


class _Receiver:
    """Takes the calls of one method."""

    def __init__(self, reception: Reception, method: Method, *, is_tried: bool) -> None:
        self._reception = reception
        self._method = method
        self._is_tried = is_tried

    def begin(self, call: ArrivedCall) -> None:
        """Take a call whose headers are there."""
        request_log = self._reception.arrived(self._method, call)
        if request_log is None:
            return
        # What may be answered at once needs no room.
        if self._is_tried or self._room(call, request_log) is not None:
            self._reception.wait(call, request_log)
            call.receive(self._take)

    def _take(self, call: ArrivedCall, message: bytes | None) -> None:
        """Take the message of a call: answer at once, or have a thread of the pool do it."""
        request_log = self._reception.request_of(call)
        if request_log is None:
            return
        if message is None:
            # Only how the call ends tells whether its caller has left.
            call.end_with(
                grpc.StatusCode.UNIMPLEMENTED,
                "exactly one request message is needed",
                lambda has_left: request_log.nothing_came(has_ended=not has_left),
            )
            return
        if self._is_tried and len(message) <= MAX_BYTES_AT_ONCE:
            self._reception.queue(self._method, call, request_log, partial(self._try, call, message, request_log))
        else:
            self._submit(call, message, request_log)

    def _try(self, call: ArrivedCall, message: bytes, request_log: RequestLog) -> None:
        """Answer a call here if memory has everything, or have a thread of the pool do it."""
        try:
            answer = self._method.wrapped(message, call, request_log)
        except NotAtOnce:
            self._submit(call, message, request_log)
        except Aborted:
            call.end()
        else:
            if type(answer) is Later:
                self._hold(answer, call, request_log)
            else:
                call.answer(answer)

    def _submit(self, call: ArrivedCall, message: bytes, request_log: RequestLog) -> None:
        own = self._room(call, request_log)
        if own is not None:
            call.follow()
            call.may_wait = True
            own.executor.submit(self._reception.work, own, call, message, request_log)

    def _hold(self, answer: Later, call: ArrivedCall, request_log: RequestLog) -> None:
        """Give an answer later; it needs room until then."""
        room = self._reception.room(self._method, request_log, is_queued=False)
        if isinstance(room, Failure):
            end(call, room)
        else:
            self._reception.held.hold(answer, call, request_log, room.executor)

    def _room(self, call: ArrivedCall, request_log: RequestLog) -> Method | None:
        """Return the method as its caller has it, if its pool has room; else the call has ended."""
        room = self._reception.room(self._method, request_log)
        if isinstance(room, Failure):
            end(call, room)
            return None
        return room
