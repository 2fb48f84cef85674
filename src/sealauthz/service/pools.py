"""The pools of threads: no kind of call waits behind another, and each pool takes a limited number of calls."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

HEALTH = "grpc.health.v1.Health"
AUTHORIZATION = "sealauthz.v1.AuthorizationService"

_ANSWERS = frozenset(
    f"{AUTHORIZATION}/{name}"
    for name in ("Authorize", "AuthorizeBatch", "ListActions", "Explain", "ListResources", "ListSubjects")
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

    def hold(self, over: Future[Any]) -> None:
        """Count a call that has no thread until it is over."""
        self._count(lambda: over)

    def _leave(self, _future: Future[Any]) -> None:
        with self._counting:
            self._calls -= 1


class Pool(_Counted):
    """Threads for one kind of call. It takes `max_calls`, those that still wait for a thread included.

    The interceptor asks `has_room` first, on the thread on which the call arrived. Where calls arrive on two threads,
    over gRPC and over HTTP, one may come in between: the pool then takes one call more. `most_threads` may exceed the
    number that work at a time, where some wait aside.
    """

    def __init__(self, name: str, threads: int, max_calls: int, most_threads: int = 0) -> None:
        super().__init__(name, max(threads, most_threads), max_calls)
        self._places = threads

    @property
    def calls(self) -> int:
        """How many calls are under way or wait for a thread."""
        return self._calls

    @property
    def is_crowded(self) -> bool:
        """Whether calls wait for a thread, or one more would be refused."""
        return self._calls > self._places or self._calls >= self.max_calls

    def has_room(self) -> bool:
        """Tell whether one more call is taken."""
        if super().has_room():
            return True
        # Full, perhaps because no thread could be started: nothing else would try again.
        if len(self._threads) < self._places:
            self._adjust_thread_count()
        return False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a call on the next free thread.

        INVARIANT: nothing is raised, because it would end the thread that serves all calls. If no thread can be
        started, the call waits for a running one, or for the next attempt to start one.
        """
        return self.submit_of("", fn, *args, **kwargs)

    def submit_of(self, caller: str, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """The same for a call of one caller."""
        return self._count(lambda: self._queued(caller, fn, *args, **kwargs))

    def step_aside(self) -> None:
        """Have another thread work in the place of one that waits, where the pool can."""

    def step_back(self) -> None:
        """Take a place again after `step_aside`."""

    def _queued(self, caller: str, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        try:
            return super().submit(fn, *args, **kwargs)
        except RuntimeError:  # it was shut down
            future: Future[T] = Future()
            future.cancel()
            return future

    def _adjust_thread_count(self) -> None:
        # The call is queued by now: raising would leave it uncounted.
        with contextlib.suppress(RuntimeError):
            super()._adjust_thread_count()


class Line(Generic[T]):
    """What waits for a thread: callers in turn, and the calls of each in their order."""

    def __init__(self) -> None:
        self._of_callers: OrderedDict[str, deque[T]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._of_callers)

    def add(self, caller: str, waiting: T) -> None:
        """Put something at the end of the caller's own line."""
        self._of_callers.setdefault(caller, deque()).append(waiting)

    def take(self) -> T:
        """Take what is first in the line of the caller whose turn it is. Raises KeyError if nothing waits."""
        caller, own = self._of_callers.popitem(last=False)
        taken = own.popleft()
        if own:
            self._of_callers[caller] = own
        return taken


class AnsweringPool(Pool):
    """A pool whose threads may step aside while they wait for something, so that others work in their place.

    Callers take turns: nobody waits behind all that another asked. `threads` work at a time, besides those that come
    back from waiting. There are more threads only while some wait, or after some did: these are idle.
    """

    def __init__(self, name: str, threads: int, max_calls: int) -> None:
        super().__init__(name, threads, max_calls, threads + max_calls)
        self._working = 0
        self._placing = threading.Lock()
        self._line: Line[tuple[Future[Any], Callable[[], Any]]] = Line()
        self._own = threading.local()

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Stand around a wait. Another thread takes calls meanwhile; for a thread of another pool nothing happens."""
        if not getattr(self._own, "is_at_work", False):
            yield
            return
        self.step_aside()
        try:
            yield
        finally:
            self.step_back()

    def step_aside(self) -> None:
        """Give up the place of a thread that waits: another takes it, or it is left."""
        with self._placing:
            is_taken = bool(self._line) and self._working <= self._places
            if not is_taken:
                self._working -= 1
        if is_taken:
            self._begin()

    def step_back(self) -> None:
        """Count the thread among those that work again."""
        with self._placing:
            self._working += 1

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; cancel those that wait for a thread, if that is wanted."""
        if cancel_futures:
            self._cancel_line()
        super().shutdown(wait, cancel_futures=cancel_futures)

    def _queued(self, caller: str, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        with self._placing:
            self._line.add(caller, (future, functools.partial(fn, *args, **kwargs)))
            has_place = self._working < self._places
            if has_place:
                self._working += 1
        if has_place:
            self._begin()
        return future

    def _begin(self) -> None:
        """Have one more thread take calls; its place is counted already."""
        if super()._queued("", self._work).cancelled():  # the pool was shut down
            with self._placing:
                self._working -= 1
            self._cancel_line()

    def _work(self) -> None:
        """Do what stands in line, until nothing does or more threads work than should."""
        self._own.is_at_work = True
        while True:
            with self._placing:
                if not self._line or self._working > self._places:
                    self._working -= 1
                    return
                future, call = self._line.take()
            if future.set_running_or_notify_cancel():
                try:
                    result = call()
                except BaseException as error:  # noqa: BLE001 (as every executor does)
                    future.set_exception(error)
                else:
                    future.set_result(result)
                    del result
            del future, call

    def _cancel_line(self) -> None:
        cancelled = []
        with self._placing:
            while self._line:
                cancelled.append(self._line.take()[0])
        for future in cancelled:
            future.cancel()


class Share(_Counted):
    """What one caller may have under way in a pool, whose threads it uses. Ask `has_room` first, as of a pool."""

    def __init__(self, pool: Pool, caller: str, max_calls: int) -> None:
        super().__init__(pool.name, 1, max_calls)  # grpcio takes no other executor; the thread is never started
        self._pool = pool
        self._caller = caller

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a call in the pool. Like `Pool.submit` it raises nothing."""
        return self._count(lambda: self._pool.submit_of(self._caller, fn, *args, **kwargs))

    def hold(self, over: Future[Any]) -> None:
        """Count a call that has no thread until it is over, in the pool too."""
        self._pool.hold(over)
        super().hold(over)


class AtOnce(ThreadPoolExecutor):
    """Runs what ends a call on the thread that serves all calls: only for what waits for nothing."""

    def __init__(self) -> None:
        super().__init__(1)  # grpcio takes no other executor; the thread is never started

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run it now. Like `Pool.submit` it raises nothing."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 (as in Pool.submit)
            future.set_exception(error)
        return future


class Pools:
    """*answers* for what is decided from memory, *transactions* for what goes to the database, *streams* for the rest.

    Watchers and imports are streams; each has a thread. Health needs no token and has pools of its own: calls never
    take the threads of probes, nor unknown clients those of calls.
    """

    def __init__(
        self,
        threads: int = 8,
        max_calls: int = 512,
        transaction_threads: int = 16,
        max_transactions: int = 128,
        max_streams: int = 256,
    ) -> None:
        self.answers = AnsweringPool("answers", threads, max_calls)
        self.transactions = AnsweringPool("transactions", transaction_threads, max_transactions)
        self.streams = Pool("streams", max_streams, max_streams)
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

    @property
    def all(self) -> tuple[Pool, ...]:
        """Every pool."""
        return (self.answers, self.transactions, self.streams, self.probes, self.health_watches)

    def close(self) -> None:
        """Give the threads back, once the server takes no calls."""
        for pool in self.all:
            pool.shutdown(wait=True, cancel_futures=True)
