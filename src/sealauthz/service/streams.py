"""Streams: a bounded queue of items for a watcher, and an intake of messages that the server can end."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

from sealauthz.runtime.errors import FactsUnavailable, SealAuthzError, ServiceBusy, TimeOver

if TYPE_CHECKING:
    from sealauthz.service.callers import Call

T = TypeVar("T")


def lagging(revision: int) -> ServiceBusy:
    """Return how a watcher ends that did not keep up; `revision` is the last that it was given."""
    return ServiceBusy(f"the watcher lags behind; resume after revision {revision}")


def stopping() -> FactsUnavailable:
    """Return how a stream ends because the server does."""
    return FactsUnavailable("the server is stopping; reconnect")


def changed() -> FactsUnavailable:
    """Return how a stream ends because the rights of its caller have changed."""
    return FactsUnavailable("the rights of this caller have changed; reconnect")


def gone() -> FactsUnavailable:
    """Return how a stream ends because what its caller showed when it began counts no longer."""
    return FactsUnavailable("what this caller is known by has ended; reconnect")


class Outlet(Generic[T]):
    """Items for one watcher, in their order. Any thread may offer; the one thread of the watcher iterates, once.

    A watcher that lags more than `limit` items behind gets those and then an error: `lagged` of the last item that it
    was given (None if it was given none). `call` ends the iteration when the watcher leaves or the server stops.
    """

    def __init__(self, limit: int, lagged: Callable[[T | None], SealAuthzError], call: Call | None = None) -> None:
        self._limit = limit
        self._lagged = lagged
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._is_closed = False
        self._has_overflowed = False
        self._error: SealAuthzError | None = None
        if call is not None and not call.on_cancel(self.leave):
            self.leave()

    @property
    def is_closed(self) -> bool:
        """Whether nothing more can be offered."""
        return self._is_closed

    def offer(self, item: T) -> bool:
        """Queue an item, without ever waiting. False if the outlet is closed, or is so now because it was full."""
        with self._changed:
            if not self._is_closed and len(self._items) >= self._limit:
                self._is_closed = self._has_overflowed = True
            if not self._is_closed:
                self._items.append(item)
            self._changed.notify()
            return not self._is_closed

    def close(self, error: SealAuthzError | None = None) -> None:
        """End the iteration behind what is queued, with the error if there is one. The first call counts."""
        with self._changed:
            if not self._is_closed:
                self._is_closed = True
                self._error = error
            self._changed.notify()

    def leave(self) -> None:
        """End the iteration at once: the watcher is gone."""
        with self._changed:
            self._is_closed = True
            self._has_overflowed = False
            self._error = None
            self._items.clear()
            self._changed.notify()

    def __iter__(self) -> Iterator[T]:
        """Yield the items as they come, until the outlet is closed. Raises what it was closed with."""
        last: T | None = None
        # INVARIANT: nothing is yielded under the lock, because a watcher that does not read holds up this thread.
        while True:
            with self._changed:
                while not self._items and not self._is_closed:
                    self._changed.wait()
                if not self._items:
                    break
                last = self._items.popleft()
            yield last
        if self._has_overflowed:
            raise self._lagged(last)
        if self._error is not None:
            raise self._error


class Intake(Generic[T]):
    """The messages of a call as they come, one asked for at a time; iterated once, by one thread.

    A thread of its own waits for them, because only the client can end a wait of grpcio. When the server ends the call,
    the iteration raises why at once, and the thread ends with the call. Raises what `messages` raises, and TimeOver if
    the first does not come `first_within_s`.
    """

    def __init__(self, messages: Iterator[T], call: Call, first_within_s: float | None = None) -> None:
        self._messages = messages
        self._call = call
        self._within_s = first_within_s
        self._changed = threading.Condition()
        self._is_wanted = False
        self._is_closed = False
        self._arrived: list[T] = []
        self._end: Exception | None = None
        call.on_cancel(self._wake)
        try:
            threading.Thread(target=self._take, name="sealauthz-intake", daemon=True).start()
        except RuntimeError as error:
            raise ServiceBusy("the service cannot start a thread; try again later") from error

    def close(self) -> None:
        """Ask for nothing more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        with self._changed:
            self._is_wanted = True
            self._changed.notify_all()
            if not self._changed.wait_for(self._has_something, self._within_s):
                raise TimeOver(f"the first message did not come within {self._within_s:g} seconds")
            self._within_s = None
            if self._end is not None:
                raise self._end
            if self._call.stopped_by is not None:
                raise self._call.stopped_by
            return self._arrived.pop()

    def _has_something(self) -> bool:
        return bool(self._arrived) or self._end is not None or self._call.is_stopped

    def _take(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._is_wanted or self._is_closed)
                if self._is_closed:
                    return
                self._is_wanted = False
            end: Exception | None = None
            try:
                arrived = [next(self._messages)]
            except Exception as error:  # noqa: BLE001 (raised again where the messages are wanted)
                arrived, end = [], error
            with self._changed:
                self._arrived, self._end = arrived, end
                self._changed.notify_all()
                if end is not None:
                    return

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
