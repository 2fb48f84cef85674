"""The pools of threads, so that no kind of call waits behind another, and how many calls each of them takes."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

HEALTH = "grpc.health.v1.Health"
AUTHORIZATION = "sealauthz.v1.AuthorizationService"

_ANSWERS = frozenset(
    {
        f"{AUTHORIZATION}/Authorize",
        f"{AUTHORIZATION}/AuthorizeBatch",
        f"{AUTHORIZATION}/ListActions",
        f"{AUTHORIZATION}/Explain",
        f"{AUTHORIZATION}/ListResources",
        f"{AUTHORIZATION}/ListSubjects",
    }
)
_STREAMS = frozenset({"sealauthz.v1.FactsService/ImportFacts"})
"""What holds its thread for as long as its caller takes to send."""
_PROBE_THREADS = 4
_MAX_PROBES = 64
_MAX_HEALTH_WATCHES = 64


class _Counted(ThreadPoolExecutor):
    """An executor that knows how many calls are under way, those that still wait for a thread included."""

    def __init__(self, name: str, threads: int, max_calls: int) -> None:
        super().__init__(threads, thread_name_prefix=f"sealauthz-{name}")
        self.name = name
        self.max_calls = max_calls
        self._calls = 0
        self._counting = threading.Lock()

    def has_room(self) -> bool:
        """Tell whether one more call is taken."""
        return self._calls < self.max_calls

    def _count(self, run: Callable[[], Future[T]]) -> Future[T]:
        """Count a call until it has ended."""
        with self._counting:
            self._calls += 1
        future = run()
        future.add_done_callback(self._leave)
        return future

    def _leave(self, _future: Future[Any]) -> None:
        with self._counting:
            self._calls -= 1


class Pool(_Counted):
    """Threads for one kind of call. It takes `max_calls`, those that still wait for a thread included.

    It is for the edge to ask `has_room` first: both run on the one thread that serves all calls, so that no other call
    comes in between.
    """

    @property
    def calls(self) -> int:
        """How many calls are under way or wait for a thread."""
        return self._calls

    @property
    def is_crowded(self) -> bool:
        """Whether calls wait for a thread, or one more would be refused."""
        return self._calls > self._max_workers or self._calls >= self.max_calls

    def has_room(self) -> bool:
        """Tell whether one more call is taken."""
        if super().has_room():
            return True
        # Full, and perhaps only because no thread could be started: nobody else would try again.
        if len(self._threads) < self._max_workers:
            self._adjust_thread_count()
        return False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a call on the next free thread.

        INVARIANT: nothing is raised, because the thread that serves all calls would end by it. Where no thread can be
        started, the call counts and waits for one that is there, or for the next attempt to start one.
        """
        return self._count(lambda: self._queued(fn, *args, **kwargs))

    def _queued(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        try:
            return super().submit(fn, *args, **kwargs)
        except RuntimeError:  # it was shut down
            future: Future[T] = Future()
            future.cancel()
            return future

    def _adjust_thread_count(self) -> None:
        # By now the call is queued: to raise would return nothing to count it by.
        with contextlib.suppress(RuntimeError):
            super()._adjust_thread_count()


class Share(_Counted):
    """What one caller may have under way in a pool, whose threads it uses. Like a pool it is asked `has_room` first."""

    def __init__(self, pool: Pool, max_calls: int) -> None:
        super().__init__(pool.name, 1, max_calls)  # grpcio takes no other executor; the thread is never started
        self._pool = pool

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a call in the pool. Like `Pool.submit` it raises nothing."""
        return self._count(lambda: self._pool.submit(fn, *args, **kwargs))


class AtOnce(ThreadPoolExecutor):
    """Runs what ends a call on the thread that serves all calls: only for what waits for nothing."""

    def __init__(self) -> None:
        super().__init__(1)  # grpcio takes no other executor; the thread is never started

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run it now. Like `Pool.submit` it raises nothing."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 (the edge: see Pool.submit)
            future.set_exception(error)
        return future


class Pools:
    """*answers* for what is decided from memory, *transactions* for what goes to the database, *streams* for the rest.

    Watchers and imports are streams. One never waits for a thread, so there are as many of them as threads. Health
    needs no token and has pools of its own: calls never take the threads of probes, and strangers never those of calls.
    """

    def __init__(
        self,
        threads: int = 8,
        max_calls: int = 256,
        transaction_threads: int = 16,
        max_transactions: int = 128,
        max_streams: int = 256,
    ) -> None:
        self.answers = Pool("answers", threads, max_calls)
        self.transactions = Pool("transactions", transaction_threads, max_transactions)
        self.streams = Pool("streams", max_streams, max_streams)
        self.max_streams_of_one = max(max_streams // 2, 1)
        self.probes = Pool("probes", _PROBE_THREADS, _MAX_PROBES)
        self.health_watches = Pool("health watches", _MAX_HEALTH_WATCHES, _MAX_HEALTH_WATCHES)

    def of(self, method: str, is_streaming: bool) -> Pool:
        """Return the pool of `package.Service/Method`; `is_streaming`: it answers with a stream.

        What is not known to be decided from memory counts as a transaction.
        """
        if method.startswith(f"{HEALTH}/"):
            return self.health_watches if is_streaming else self.probes
        if is_streaming or method in _STREAMS:
            return self.streams
        return self.answers if method in _ANSWERS else self.transactions

    def close(self) -> None:
        """Give the threads back, once the server takes no calls."""
        for pool in (self.answers, self.transactions, self.streams, self.probes, self.health_watches):
            pool.shutdown(wait=True, cancel_futures=True)
