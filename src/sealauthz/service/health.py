"""Health: SERVING while policies and facts are ready, NOT_SERVING before, after, and while no fact can be read.

After a restore that is not complete only the service of facts is SERVING: it takes writes, and the others answer
nothing.

It says whether answers can be had here, and not whether everything can: a proxy sends no calls where it is NOT_SERVING,
and all backends share one database. While that takes no writes, advice is given, and what must be written is refused.

grpcio's own servicer is not used: its non-blocking Watch sends under a lock that the serving thread needs, and hung the
server when a watcher left while the status changed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import grpc
from grpc_health.v1 import health_pb2  # type: ignore[import-untyped]

from sealauthz.facts import Store
from sealauthz.observability.log import Log
from sealauthz.runtime.background import Background
from sealauthz.runtime.errors import HistoryLost, RestoreIncomplete, SealAuthzError
from sealauthz.service.callers import SERVICES
from sealauthz_client.v1 import facts_pb2

_NAMES = ("", *(service.full_name for service in SERVICES))
_OF_FACTS = facts_pb2.DESCRIPTOR.services_by_name["FactsService"].full_name
_SERVING: int = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING: int = health_pb2.HealthCheckResponse.NOT_SERVING
_SERVICE_UNKNOWN: int = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


class HealthServicer:
    """`grpc.health.v1.Health`, for the server as a whole ("") and for each service; all have one status, but where only
    facts are written.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._is_serving = False
        self._takes_facts = False
        self._is_stopping = False

    @property
    def is_serving(self) -> bool:
        """What is said now."""
        return self._is_serving

    def say(self, is_serving: bool, *, takes_facts: bool = False) -> None:
        """Report this from now on, unless the server is stopping. `takes_facts`: facts are written, if nothing else."""
        with self._changed:
            self._is_serving = is_serving and not self._is_stopping
            self._takes_facts = takes_facts and not self._is_stopping
            self._changed.notify_all()

    def stop(self) -> None:
        """Say NOT_SERVING for good, and end every Watch, which would otherwise hold up a graceful stop."""
        with self._changed:
            self._is_stopping = True
            self._is_serving = self._takes_facts = False
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
        is_serving = self._is_serving or (self._takes_facts and name == _OF_FACTS)
        return _SERVING if is_serving else _NOT_SERVING

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()


class Readiness:
    """Asks periodically whether the store can be read and the threads that answers rest on work, and has `servicer` say
    so. `problem` tells what else stands in the way; `beside` are threads that no answer rests on.
    """

    def __init__(
        self,
        store: Store,
        interval_s: float,
        log: Log,
        threads: Iterable[Background] = (),
        problem: Callable[[], str] = lambda: "",
        beside: Iterable[Background] = (),
    ) -> None:
        self.servicer = HealthServicer()
        self._store = store
        self._interval_s = interval_s
        self._log = log
        self._threads = tuple(threads)
        self._beside = tuple(beside)
        self._problem = problem
        self.is_incomplete = False
        """Whether the facts were restored and are not complete."""
        self.latency_s = 0.0
        """How long the newest revision took to read, last."""
        self.thread = Background("readiness", self._step, self._fail)

    @property
    def threads(self) -> tuple[Background, ...]:
        """All threads of the background, its own among them."""
        return (*self._threads, *self._beside, self.thread)

    def start(self) -> None:
        """Ask once, and then periodically until stopped."""
        self._ask(is_first=True)
        self.thread.start()

    def stop(self) -> None:
        """Say NOT_SERVING from now on, and stop asking."""
        self.thread.stop()
        self.servicer.stop()

    def close(self) -> None:
        """Give the thread back, once the server takes no calls."""
        self.thread.join()

    def _step(self) -> None:
        self.thread.rest(self._interval_s)
        if not self.thread.is_stopping:
            self._ask()

    def _fail(self, thread: Background, error: BaseException) -> None:
        """Say that nobody can tell, until the next one who asks is told."""
        self.servicer.say(False)
        self._log.thread_failed(thread, error)

    def _ask(self, is_first: bool = False) -> None:
        was_serving, begun = self.servicer.is_serving, time.monotonic()
        try:
            self._store.revision()
            self.latency_s = time.monotonic() - begun
        except Exception as error:  # noqa: BLE001 (whatever it is, the facts cannot be read)
            was_incomplete, self.is_incomplete = self.is_incomplete, isinstance(error, RestoreIncomplete)
            self.servicer.say(False, takes_facts=self.is_incomplete)
            if was_serving or is_first or was_incomplete != self.is_incomplete:
                write = self._log.warning if isinstance(error, SealAuthzError) else self._log.error
                write("not_serving", error)
            if isinstance(error, HistoryLost) and error.is_known_here_only:
                self._store.distrust()
            return
        self.is_incomplete = False
        failing = [thread.name for thread in self._threads if thread.is_failing]
        problem = self._problem()
        self.servicer.say(not failing and not problem)
        if failing or problem:
            if was_serving or is_first:
                self._log.warning("not_serving", threads=failing, message=problem)
        elif not was_serving:
            self._log.info("serving")
