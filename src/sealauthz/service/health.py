"""Health: SERVING while policies and facts are ready, NOT_SERVING before, after, and while no fact can be read.

grpcio's own servicer is not used: its non-blocking Watch sends under a lock that the serving thread needs, and hung the
server when a watcher left while the status changed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import grpc
from grpc_health.v1 import health_pb2  # type: ignore[import-untyped]

from sealauthz.errors import SealAuthzError
from sealauthz.facts import Store
from sealauthz.process.log import Log
from sealauthz.service.callers import SERVICES

MESSAGE_WITHIN_S = 5.0
"""How long a call may keep its thread without having sent its message."""

CROWDED_MESSAGE_WITHIN_S = 0.2
"""The same while others wait for the thread. A message comes with its headers, unless the client holds it back."""

_LOOK_EVERY_S = 0.05
_NAMES = ("", *(service.full_name for service in SERVICES))
_SERVING: int = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING: int = health_pb2.HealthCheckResponse.NOT_SERVING
_SERVICE_UNKNOWN: int = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


class HealthServicer:
    """`grpc.health.v1.Health`, for the server as a whole ("") and for each service; all have one status."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._is_serving = False
        self._is_stopping = False

    @property
    def is_serving(self) -> bool:
        """What is said now."""
        return self._is_serving

    def say(self, is_serving: bool) -> None:
        """Say this from now on, unless the server is stopping."""
        with self._changed:
            self._is_serving = is_serving and not self._is_stopping
            self._changed.notify_all()

    def stop(self) -> None:
        """Say NOT_SERVING for good, and end every Watch, which would otherwise hold up a graceful stop."""
        with self._changed:
            self._is_stopping = True
            self._is_serving = False
            self._changed.notify_all()

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Answer once. NOT_FOUND for an unknown service."""
        if request.service not in _NAMES:
            context.set_code(grpc.StatusCode.NOT_FOUND)
            return health_pb2.HealthCheckResponse()
        return health_pb2.HealthCheckResponse(status=self._status(request.service))

    def List(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Answer for every service."""
        return health_pb2.HealthListResponse(
            statuses={name: health_pb2.HealthCheckResponse(status=self._status(name)) for name in _NAMES}
        )

    def Watch(self, request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        """Answer now and at every change, until the watcher leaves or the server stops."""
        said: int | None = None
        has_left = not context.add_callback(self._wake)
        while not has_left:
            with self._changed:
                while not (has_left := self._is_stopping or not context.is_active()):
                    if self._status(request.service) != said:
                        break
                    self._changed.wait()
                status = self._status(request.service)
            if status != said and context.is_active():
                # INVARIANT: nothing is sent under the lock; the serving thread takes it in `_wake`.
                yield health_pb2.HealthCheckResponse(status=status)
                said = status

    def _status(self, name: str) -> int:
        if name not in _NAMES:
            return _SERVICE_UNKNOWN
        return _SERVING if self._is_serving else _NOT_SERVING

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()


class NothingSent(Exception):
    """A call that ends without a message that can be read."""


class Patience:
    """Takes the one message of a call that needs no token, and cancels a call that holds it back: its thread is wanted.

    grpcio waits for the message of a unary call on a thread of the pool, without a limit and before any code of ours.
    So these are handled as if their requests were a stream.
    """

    def __init__(self) -> None:
        self._waiting: dict[grpc.ServicerContext, tuple[float, Callable[[], bool]]] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    def first(self, requests: Iterator[bytes], context: grpc.ServicerContext, is_crowded: Callable[[], bool]) -> bytes:
        """Return the first message. Raises NothingSent if none comes in time."""
        self._begin(context, is_crowded)
        try:
            return next(requests)
        except (StopIteration, grpc.RpcError) as error:
            raise NothingSent from error
        finally:
            with self._changed:
                del self._waiting[context]

    def close(self) -> None:
        """Give the thread back, once the server takes no calls."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _begin(self, context: grpc.ServicerContext, is_crowded: Callable[[], bool]) -> None:
        with self._changed:
            if self._thread is None:
                thread = threading.Thread(target=self._watch, name="sealauthz-patience", daemon=True)
                try:
                    thread.start()
                except RuntimeError as error:  # nothing would end the call, so it must not wait
                    raise NothingSent from error
                self._thread = thread
            self._waiting[context] = (time.monotonic(), is_crowded)
            if len(self._waiting) == 1:
                self._changed.notify_all()

    def _watch(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_closed)
                if self._is_closed:
                    return
                now = time.monotonic()
                late = [context for context, since in self._waiting.items() if _is_late(now, *since)]
            for context in late:
                with suppress(Exception):
                    context.cancel()  # wakes its thread, which waits in `first`
            time.sleep(_LOOK_EVERY_S)


def _is_late(now: float, began: float, is_crowded: Callable[[], bool]) -> bool:
    return now - began > (CROWDED_MESSAGE_WITHIN_S if is_crowded() else MESSAGE_WITHIN_S)


class Readiness:
    """Asks the store periodically whether it can be read, and has `servicer` say so."""

    def __init__(self, store: Store, interval_s: float, log: Log) -> None:
        self.servicer = HealthServicer()
        self._store = store
        self._interval_s = interval_s
        self._log = log
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sealauthz-readiness", daemon=True)

    def start(self) -> None:
        """Ask once, and then periodically until stopped."""
        self._ask(is_first=True)
        self._thread.start()

    def stop(self) -> None:
        """Say NOT_SERVING from now on, and stop asking."""
        self._stopping.set()
        self.servicer.stop()

    def close(self) -> None:
        """Give the thread back, once the server takes no calls."""
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stopping.wait(self._interval_s):
                self._ask()
        finally:
            # Nothing asks any longer: stop saying SERVING.
            self.servicer.stop()

    def _ask(self, is_first: bool = False) -> None:
        was_serving = self.servicer.is_serving
        try:
            self._store.revision()
        except Exception as error:  # noqa: BLE001 (a thread that ended would never say SERVING again)
            self.servicer.say(False)
            if was_serving or is_first:
                write = self._log.warning if isinstance(error, SealAuthzError) else self._log.error
                write("not_serving", error)
            return
        self.servicer.say(True)
        if not was_serving:
            self._log.info("serving")
