"""Streams: what a caller is sent as it comes, through a queue that never makes the sender wait."""

from __future__ import annotations

import functools
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, Protocol, TypeVar

from sealauthz.errors import ServiceBusy

T = TypeVar("T")


class Ending(Protocol):
    """A call that tells when it ends (`grpc.ServicerContext`)."""

    def add_callback(self, callback: Callable[[], None]) -> bool:
        """Call back at the end; False if the call has ended."""


class Outlet(Generic[T]):
    """A bounded queue to one caller. A caller that lags behind by more than `capacity` is ended with ServiceBusy."""

    def __init__(self, capacity: int, context: Ending | None = None) -> None:
        self._changed = threading.Condition()
        self._items: deque[T] = deque()
        self._capacity = capacity
        self._is_closed = False
        self._error: BaseException | None = None
        if context is not None and not context.add_callback(self.close):
            self.close()

    def offer(self, item: T) -> bool:
        """Queue an item, never waiting; False once the outlet is closed or too full, after which it stays so."""
        with self._changed:
            if self._is_closed:
                return False
            if len(self._items) >= self._capacity:
                self._items.clear()
                self._end(ServiceBusy("the watcher lags behind; go on after the last revision that you got"))
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def close(self, error: BaseException | None = None) -> None:
        """End the stream behind what is queued, with an error or well. The first close counts."""
        with self._changed:
            self._end(error)

    def _end(self, error: BaseException | None) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._error = error
            self._changed.notify_all()

    def __iter__(self) -> Iterator[T]:
        """Yield the items as they come, until the outlet is closed. Raises the error that it was closed with."""
        while True:
            with self._changed:
                while not self._items and not self._is_closed:
                    self._changed.wait()
                if not self._items:
                    if self._error is not None:
                        raise self._error
                    return
                item = self._items.popleft()
            # INVARIANT: nothing is sent under the lock.
            yield item


def on_pool(behavior: Callable[..., Any], pool: ThreadPoolExecutor) -> Callable[..., Any]:
    """Return a handler that grpcio runs on a pool of its own."""

    @functools.wraps(behavior)
    def call(request: Any, context: Any) -> Any:
        return behavior(request, context)

    call.experimental_thread_pool = pool  # type: ignore[attr-defined]
    return call
