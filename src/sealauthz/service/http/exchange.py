"""One request and its response: to what handles calls, it is the context that grpcio would give it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn, TypeAlias

import grpc
from google.rpc import status_pb2

from sealauthz.service.arrivals import Aborted
from sealauthz.service.http.problems import plain_status, status_of
from sealauthz.service.status import deadline_passed

Answer: TypeAlias = bytes | status_pb2.Status
"""What a call ends with: its answer, or why there is none."""

_NO_DEADLINE_S = 2e9


class Exchange:
    """One call. Begun on the thread of the event loop; any thread may end it.

    It has the methods of `arrivals.ArrivedCall`, so that `Reception` serves it as it serves calls of gRPC.
    """

    def __init__(
        self,
        metadata: tuple[tuple[str, str], ...],
        peer: str,
        certificate: bytes | None,
        timeout_s: float | None,
        failed: Callable[[BaseException], None],
    ) -> None:
        self.metadata = metadata
        self.may_wait = False
        self.answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.take: Callable[[Any, bytes | None], None] | None = None
        """Takes the message, once the headers have let the call in."""
        self.http_status: int | None = None
        """The status of the response where HTTP has one of its own for what is wrong."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._peer = peer
        self._certificate = certificate
        self._deadline = None if timeout_s is None else time.monotonic() + timeout_s
        self._failed = failed
        self._status: status_pb2.Status | None = None
        self._is_over = False
        self._callbacks: list[Callable[[], None]] = []
        self._changing = threading.Lock()

    # --- as grpcio's context ----------------------------------------------------------------------------------------

    def time_remaining(self) -> float:
        """The seconds until the deadline; far more than a lifetime without one."""
        return _NO_DEADLINE_S if self._deadline is None else max(self._deadline - time.monotonic(), 0.0)

    def is_active(self) -> bool:
        """Tell whether somebody waits for an answer."""
        return not self._is_over and self.time_remaining() > 0

    def cancel(self) -> None:
        """End the call without an answer."""
        self.end_with(grpc.StatusCode.CANCELLED, "the call was cancelled")

    def add_callback(self, callback: Callable[[], None]) -> bool:
        """Call the callback when the call is over; return False if it is over already."""
        with self._changing:
            if self._is_over:
                return False
            self._callbacks.append(callback)
            return True

    def peer(self) -> str:
        """Return the address that the call came from."""
        return self._peer

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        """Return the headers that a call over gRPC has as metadata."""
        return self.metadata

    def certificate(self) -> bytes | None:
        """Return the certificate that the other end of the connection showed, in PEM form; None if it showed none."""
        return self._certificate

    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn:
        """End the handling of the call with this status."""
        self._status = plain_status(code, details)
        raise Aborted

    def abort_with_status(self, status: Any) -> NoReturn:
        """End the handling of the call with this status."""
        self._status = status_of(status)
        raise Aborted

    # --- as a call that has arrived -----------------------------------------------------------------------------------

    def receive(self, then: Callable[[Any, bytes | None], None]) -> None:
        """Give the message to `then`, once it is there."""
        self.take = then

    def follow(self) -> None:
        """Notice when the caller leaves: every exchange does."""

    def answer(self, message: bytes) -> None:
        """Give the answer."""
        self._give(message)

    def end(self) -> None:
        """Give the status of a call that was aborted; of any other the one of an error."""
        self._give(self._status or plain_status(grpc.StatusCode.UNKNOWN, "no answer"))

    def end_with(self, code: grpc.StatusCode, details: str, ended: Callable[[bool], None] | None = None) -> None:
        """Give this status. `ended` is told whether the caller had left before."""
        if ended is not None:
            ended(self._is_over)
        self._give(plain_status(code, details))

    def fail(self, error: BaseException) -> None:
        """Note what went wrong in the handling of a call, and end it."""
        self._failed(error)
        self.end()

    @property
    def is_left(self) -> bool:
        """Whether nobody waits for an answer any more."""
        return self._is_over

    @property
    def status(self) -> status_pb2.Status | None:
        """The status that the call was aborted with."""
        return self._status

    def leave(self) -> None:
        """Note that nobody waits for an answer any more."""
        with self._changing:
            self._is_over = True
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            try:
                callback()
            except BaseException as error:  # noqa: BLE001 (the others are called all the same)
                self._failed(error)

    def expire(self) -> None:
        """End the call because its deadline has passed; on the thread of the event loop."""
        self._set(deadline_passed().status())
        self.leave()

    def _give(self, answer: Answer) -> None:
        try:
            if threading.get_ident() == self._thread:
                self._set(answer)
            else:
                self._loop.call_soon_threadsafe(self._set, answer)
        except RuntimeError:  # the loop is closed: the server has stopped
            self.leave()

    def _set(self, answer: Answer) -> None:
        if not self.answered.done():
            self.answered.set_result(answer)
