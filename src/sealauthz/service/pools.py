"""The three pools of threads, so that no kind of call waits behind another, and how many calls each of them takes."""

from __future__ import annotations

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
        f"{HEALTH}/Check",
        f"{HEALTH}/List",
    }
)
_STREAMS = frozenset({"sealauthz.v1.FactsService/ImportFacts"})
"""What holds its thread for as long as its caller takes to send."""
_ROOM_FOR_PROBES = 32


class Pool(ThreadPoolExecutor):
    """Threads for one kind of call. It takes `max_calls`, those that still wait for a thread included.

    It is for the edge to ask `has_room` first: both run on the one thread that serves all calls, so that no other call
    comes in between.
    """

    def __init__(self, name: str, threads: int, max_calls: int) -> None:
        super().__init__(threads, thread_name_prefix=f"sealauthz-{name}")
        self.name = name
        self.max_calls = max_calls
        self._calls = 0
        self._counting = threading.Lock()

    @property
    def calls(self) -> int:
        """How many calls are under way or wait for a thread."""
        return self._calls

    def has_room(self, is_probe: bool = False) -> bool:
        """Tell whether one more call is taken. A probe has room left, or load would look like a server that is ill."""
        return self._calls < self.max_calls + (_ROOM_FOR_PROBES if is_probe else 0)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a call on the next free thread.

        INVARIANT: nothing is raised, because the thread that serves all calls would end by it. Where no thread can be
        started, the call waits for one that is there, or ends at its deadline.
        """
        with self._counting:
            self._calls += 1
        try:
            future = super().submit(fn, *args, **kwargs)
        except RuntimeError:
            future = Future()
            future.cancel()
        future.add_done_callback(self._leave)
        return future

    def _leave(self, _future: Future[Any]) -> None:
        with self._counting:
            self._calls -= 1


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

    Watchers and imports are streams. One never waits for a thread, so there are as many of them as threads.
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

    def of(self, method: str, is_streaming: bool) -> Pool:
        """Return the pool of `package.Service/Method`; `is_streaming`: it answers with a stream.

        What is not known to be decided from memory counts as a transaction.
        """
        if is_streaming or method in _STREAMS:
            return self.streams
        return self.answers if method in _ANSWERS else self.transactions

    def close(self) -> None:
        """Give the threads back, once the server takes no calls."""
        for pool in (self.answers, self.transactions, self.streams):
            pool.shutdown(wait=True, cancel_futures=True)
