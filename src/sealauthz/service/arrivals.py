"""Calls on the thread that serves all of them: the one module that knows grpcio's own names.

grpcio has one thread take what arrives, and hands each call to a thread of a pool, which then waits for the message. To
change threads twice costs more than most answers. Here the methods that are added are taken from grpcio's completion
queue as it takes its own (a tag of ours is called with what arrived), so that a call holds no thread until its message
is there, and is answered on this one if that takes no time. Ports, TLS, deadlines, shutdown and all other methods stay
grpcio's.

Whether the grpcio that is installed works like that, `problem` finds out by trying it.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import grpc

try:
    from grpc import _server as grpcio
    from grpc._cython import cygrpc  # type: ignore[attr-defined]
except ImportError:  # another grpcio
    cygrpc = grpcio = None  # type: ignore[assignment]

Begin = Callable[["ArrivedCall"], None]
"""Takes a call whose headers are there; on the thread that serves all calls."""

Failed = Callable[[BaseException], None]
"""Is told what went wrong in what takes a call or its message."""

_TRIAL = "/sealauthz.Trial/Answer"
_TRIAL_WITHIN_S = 5.0
_MAX_CHARACTERS = 200
_STARTED = "started"
_CERTIFICATE = b"x509_pem_cert"
_NO_FLAGS = 0
_NOW = 0.0
"""A deadline that has passed: poll without waiting."""
_MOST_EVENTS = 16
"""How many polls there are between two queued calls. A call has three events (headers, message, status), so that this
keeps up with clients that send the next call when one has ended, and a flood of headers cannot stop the answers."""
_EMPTY_POLLS = 3
"""After so many polls without an event, nothing more has arrived."""
_OK: int = grpc.StatusCode.OK.value[0]
_UNKNOWN: int = grpc.StatusCode.UNKNOWN.value[0]
_UNIMPLEMENTED: int = grpc.StatusCode.UNIMPLEMENTED.value[0]
_NOTHING_MORE: tuple[None, tuple[()]] = (None, ())
"""What a tag returns to grpcio while its call goes on; one that has ended returns itself."""


class Aborted(Exception):
    """Ends the handling of a call whose status is known."""


class ArrivedCall:
    """One call. To what handles it, it is the context that grpcio would give it, as far as that is used.

    Begun on the thread that serves all calls, where it is answered or from where it goes to another: `follow` it then.
    `may_wait` says which: whether the thread that handles it may wait.
    """

    __slots__ = (
        "_call",
        "_callbacks",
        "_changing",
        "_deadline",
        "_ended",
        "_is_answered",
        "_is_cancelled",
        "_is_followed",
        "_is_receiving",
        "_is_sent",
        "_of",
        "_then",
        "code",
        "details",
        "may_wait",
        "metadata",
        "trailing",
    )

    def __init__(self, of: Arrivals, event: Any) -> None:
        self._of = of
        self._call = event.call
        self._deadline: float = event.call_details.deadline
        self.metadata: tuple[tuple[str, str | bytes], ...] = event.invocation_metadata
        self.may_wait = False
        self._is_receiving = False
        self._is_followed = False
        self._is_answered = False
        self._is_sent = False
        self._is_cancelled = False
        self._ended: Callable[[bool], None] | None = None
        self.code: int = _OK
        self.details = b""
        self.trailing: Any = None

    # --- as grpcio's context ----------------------------------------------------------------------------------------

    def time_remaining(self) -> float:
        """The seconds until the deadline; far more than a lifetime without one."""
        return max(self._deadline - time.time(), 0.0)

    def is_active(self) -> bool:
        """Tell whether somebody waits for an answer."""
        return not self._is_cancelled and not self._is_answered

    def cancel(self) -> None:
        """End the call without an answer."""
        self._call.cancel()

    def add_callback(self, callback: Callable[[], None]) -> bool:
        """Have the callback called when the call is over; False if it is over already. For a call that is followed."""
        with self._changing:
            if self._is_cancelled:
                return False
            self._callbacks.append(callback)
            return True

    def peer(self) -> str:
        """Return the address that the call came from."""
        return self._call.peer().decode("utf-8", "replace")  # type: ignore[no-any-return]

    def invocation_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        """Return the metadata of the call."""
        return self.metadata

    def certificate(self) -> bytes | None:
        """Return the certificate that the other end of the connection showed, in PEM form; None if it showed none."""
        return _certificate_of(self._call)

    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn:
        """End the handling of the call with this status."""
        self.code, self.details = code.value[0], details.encode()
        raise Aborted

    def abort_with_status(self, status: Any) -> NoReturn:
        """End the handling of the call with this status."""
        self.code, self.details, self.trailing = status.code.value[0], status.details.encode(), status.trailing_metadata
        raise Aborted

    # --- what happens to it -----------------------------------------------------------------------------------------

    def receive(self, then: Callable[[ArrivedCall, bytes | None], None]) -> None:
        """Have the message given to `then`, on the thread that serves all calls; None if there is none.

        Nothing waits for it.
        """
        self._then = then
        self._is_receiving = True
        self._call.start_server_batch((cygrpc.ReceiveMessageOperation(_NO_FLAGS),), self._received)

    def follow(self) -> None:
        """Notice from now on when the caller leaves, and let other threads answer. A second time it does nothing."""
        if self._is_followed or self._is_cancelled:
            return
        self._changing = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []
        self._is_followed = True
        self._call.start_server_batch((cygrpc.ReceiveCloseOnServerOperation(_NO_FLAGS),), self._left)

    def answer(self, message: bytes) -> None:
        """Send the answer, and OK."""
        self._send(
            cygrpc.SendMessageOperation(message, _NO_FLAGS),
            cygrpc.SendStatusFromServerOperation(None, _OK, b"", _NO_FLAGS),
        )

    def end(self) -> None:
        """Send the status of a call that was aborted, or of any other the one that grpcio has for an error."""
        if self.code == _OK:
            self.code = _UNKNOWN
        self._send(cygrpc.SendStatusFromServerOperation(self.trailing, self.code, self.details, _NO_FLAGS))

    def end_with(self, code: grpc.StatusCode, details: str, ended: Callable[[bool], None] | None = None) -> None:
        """Send this status. `ended`, of a call that is not followed, is told whether its caller had left before."""
        self.code, self.details, self._ended = code.value[0], details.encode(), ended
        self.end()

    def _send(self, *operations: Any) -> None:
        initial = cygrpc.SendInitialMetadataOperation(None, _NO_FLAGS)
        if not self._is_followed:
            if self._is_cancelled:  # the call is over, and perhaps the server with it
                return
            self._is_answered = True
            close = cygrpc.ReceiveCloseOnServerOperation(_NO_FLAGS)
            self._call.start_server_batch((initial, *operations, close), self._sent)
            return
        with self._changing:
            if not self._is_cancelled:  # as above
                self._is_answered = True
                self._call.start_server_batch((initial, *operations), self._sent)

    # --- tags: called on the thread that serves all calls -------------------------------------------------------------

    # INVARIANT: a tag raises nothing, because that would end the thread.

    def _received(self, event: Any) -> Any:
        self._is_receiving = False
        if self._is_answered:
            return self._so_far()
        try:
            self._then(self, event.batch_operations[0].message())
        except BaseException as error:  # noqa: BLE001 (as above)
            self.fail(error)
        so_far = self._so_far()
        # While others run, this call may end, and be removed from what grpcio waits for: it must not return itself.
        return self._of.run_queued() if so_far is _NOTHING_MORE else so_far

    def _left(self, event: Any) -> Any:
        with self._changing:
            if event.batch_operations[0].cancelled() and not self._is_answered:
                self._is_cancelled = True
                self._is_sent = True
            self._is_followed = False
            callbacks = self._callbacks
            self._callbacks = []
        for callback in callbacks:
            try:
                callback()
            except BaseException as error:  # noqa: BLE001 (as above)
                self._of.failed(error)
        return self._so_far()

    def _sent(self, event: Any) -> Any:
        self._is_sent = True
        if self._ended is not None:
            try:
                self._ended(event.batch_operations[-1].cancelled())
            except BaseException as error:  # noqa: BLE001 (as above)
                self._of.failed(error)
        return self._so_far()

    def _so_far(self) -> Any:
        """Return what grpcio wants to know: this call if nothing more comes of it."""
        if self._is_sent and not self._is_receiving and not self._is_followed:
            return self, ()
        return _NOTHING_MORE

    def fail(self, error: BaseException) -> None:
        """Note what went wrong in the handling of a call, and end it if nothing has."""
        self._of.failed(error)
        try:
            if not self._is_answered and not self._is_cancelled:
                self.end()
        except BaseException as another:  # noqa: BLE001 (as above)
            self._of.failed(another)


class Arrivals:
    """Takes the calls of the methods that are added from a server of grpcio's."""

    def __init__(self, server: grpc.Server, failed: Failed) -> None:
        self.failed = failed
        self._server: Any = server
        self._methods: dict[str, Begin] = {}
        self._is_running = False
        self.run_next: Callable[[], bool] = lambda: False
        """Run one queued call; False if none is queued. It raises nothing."""
        self._emptied_at = 0.0
        self.longest_unseen_s = 0.0
        """How long what had arrived may have waited in grpcio or the kernel, at most, since this was last set to 0."""

    def add(self, path: str, begin: Begin) -> None:
        """Take the calls of a method; before the start."""
        self._server._cy_server.register_method(path)
        self._methods[path] = begin

    def start(self) -> None:
        """Take calls, once the server has started."""
        for path, begin in self._methods.items():
            method = _Method(self, self._server._state, path, begin)
            with self._server._state.lock:
                if method.ask():
                    self._server._state.rpc_states.add(method)

    def run_queued(self) -> Any:
        """Run what is queued, and before each of it take what has arrived, so that the queue knows of all who wait."""
        if self._is_running:
            return _NOTHING_MORE
        self._is_running = True
        self._emptied_at = time.perf_counter()
        # INVARIANT: while this is in it, grpcio does not take the last call that ends for the end of the server.
        self._server._state.rpc_states.add(self)
        try:
            self._take_arrived()
            while self.run_next():
                self._take_arrived()
        except BaseException as error:  # noqa: BLE001 (a tag raises nothing)
            self.failed(error)
        self._is_running = False
        return self, ()

    def _take_arrived(self) -> None:
        """Process what has arrived. One poll reads one connection, so that several without an event mean: no more."""
        state, empty = self._server._state, 0
        for _ in range(_MOST_EVENTS):
            event = state.completion_queue.poll(_NOW)
            if event.completion_type == cygrpc.CompletionType.queue_timeout:
                empty += 1
                if empty == _EMPTY_POLLS:
                    now = time.perf_counter()
                    self.longest_unseen_s = max(self.longest_unseen_s, now - self._emptied_at)
                    self._emptied_at = now
                    return
            else:
                empty = 0
                grpcio._process_event_and_continue(state, event)
            del event  # as grpcio does: before it polls again


class _Method:
    """One method, of which the next call is awaited. To grpcio it is a call that lasts until the server stops."""

    def __init__(self, of: Arrivals, state: Any, path: str, begin: Begin) -> None:
        self._of = of
        self._state = state
        self._path = path
        self._begin = begin

    def ask(self) -> bool:
        """Ask for the next call; False if there is none to come, because the server stops."""
        state = self._state
        with state.lock:
            if state.stage.value != _STARTED:
                return False
            queue = state.completion_queue
            state.server.request_registered_call(queue, queue, self._path, self._arrived)
        return True

    def _arrived(self, event: Any) -> Any:
        if not event.success:  # the server stops
            return self, ()
        call = None
        goes_on = False
        try:
            goes_on = self.ask()
            call = ArrivedCall(self._of, event)
            self._state.rpc_states.add(call)
            self._begin(call)
        except BaseException as error:  # noqa: BLE001 (a tag raises nothing)
            if call is None:
                self._of.failed(error)
            else:
                call.fail(error)
        return _NOTHING_MORE if goes_on else (self, ())


def certificate_in(arguments: Iterable[Any]) -> bytes | None:
    """Return the same of a call that grpcio gives to a pool: with its event among the arguments."""
    for argument in arguments:
        if isinstance(argument, cygrpc.BaseEvent):
            return _certificate_of(argument.call)
    return None


def shows_certificates() -> bool:
    """Tell whether the grpcio that is installed shows the certificate of a connection where we look for it."""
    return hasattr(cygrpc, "auth_context") and hasattr(cygrpc, "BaseEvent")


def _certificate_of(call: Any) -> bytes | None:
    shown = (cygrpc.auth_context(call) or {}).get(_CERTIFICATE)
    # One, and not the names in it, which grpcio has flattened: who fills them in could write what looks like an id.
    return bytes(shown[0]) if shown is not None and len(shown) == 1 else None


@functools.cache
def problem() -> str:
    """Return why calls cannot be taken like this from the grpcio that is installed; nothing if they can.

    A server of its own is asked, which takes some milliseconds.
    """
    errors: list[BaseException] = []
    queued: list[tuple[ArrivedCall, bytes]] = []
    until = time.monotonic() + _TRIAL_WITHIN_S

    def begin(call: ArrivedCall) -> None:
        call.receive(answer)

    def answer(call: ArrivedCall, message: bytes | None) -> None:
        if message == b"end":
            call.code, call.details, call.trailing = _UNIMPLEMENTED, b"as told", (("why", "told"),)
            call.end()
            return
        call.follow()
        queued.append((call, message or b""))

    def run_next() -> bool:
        if len(queued) == 1:  # the second call arrives while the first is queued
            return time.monotonic() < until
        for call, message in queued:
            call.answer(message)
        queued.clear()
        return False

    server = grpc.server(ThreadPoolExecutor(1))
    try:
        arrivals = Arrivals(server, errors.append)
        arrivals.run_next = run_next
        arrivals.add(_TRIAL, begin)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        arrivals.start()
        _try(port)
    except Exception as error:  # noqa: BLE001 (whatever another grpcio does; the ordinary way is there)
        errors.append(error)
    # Not with a grace of 0, for which grpcio waits itself, and without a limit.
    if not server.stop(_TRIAL_WITHIN_S).wait(2 * _TRIAL_WITHIN_S):
        errors.append(RuntimeError("a server that takes calls like this does not stop"))
    return f"{type(errors[0]).__name__}: {errors[0]}"[:_MAX_CHARACTERS] if errors else ""


def _try(port: int) -> None:
    """Make the calls of a trial. Raises RuntimeError where something else is answered than should be."""
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.enable_http_proxy", 0)]) as channel:
        ask: Any = channel.unary_unary(_TRIAL)
        asked = [ask.future(sent, timeout=_TRIAL_WITHIN_S, metadata=(("a", "b"),)) for sent in (b"1", b"2")]
        if [call.result() for call in asked] != [b"1", b"2"]:
            raise RuntimeError("a trial call has another answer")
        try:
            ask(b"end", timeout=_TRIAL_WITHIN_S)
        except grpc.RpcError as error:
            call: Any = error
            if call.code() is not grpc.StatusCode.UNIMPLEMENTED or call.details() != "as told":
                raise RuntimeError(f"a trial call ends with {call.code()}") from error
            if ("why", "told") not in tuple(call.trailing_metadata()):
                raise RuntimeError("a trial call has other trailing metadata") from error
        else:
            raise RuntimeError("a trial call has no status")
