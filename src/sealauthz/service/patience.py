"""The wait for the one message of a call: it holds up nobody else, and has an end.

grpcio waits for the message of a unary call on a thread of the pool, without a limit and before any code of ours. So
these calls are handled as if their requests were a stream.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import grpc

from sealauthz.runtime.background import Background, Failed, ignored
from sealauthz.service.pools import Pool

MESSAGE_WITHIN_S = 5.0
"""How long a call may go on without having sent its message."""

CROWDED_MESSAGE_WITHIN_S = 0.2
"""The same for a call without a known caller, while others wait for its thread. A message comes with its headers,
unless the client holds it back."""

_LOOK_EVERY_S = 0.02


class NothingSent(Exception):
    """A call that ends without a message. `has_ended`: the client ended it, and did not hold the message back."""

    def __init__(self, *, has_ended: bool = False) -> None:
        self.has_ended = has_ended


@dataclass(slots=True)
class _Wait:
    """A call that waits for its message. `is_known`: its caller is; `is_aside`: it gave up its place in the pool."""

    pool: Pool
    is_known: bool
    began: float
    is_aside: bool = False
    is_cancelled: bool = False

    def is_late(self, now: float) -> bool:
        """Tell whether the call has waited for long enough."""
        is_hurried = not self.is_known and self.pool.is_crowded
        return now - self.began > (CROWDED_MESSAGE_WITHIN_S if is_hurried else MESSAGE_WITHIN_S)


class Patience:
    """Takes the message of each call. One that does not come at once costs a thread but no place among those that work;
    a call that holds it back is cancelled.
    """

    def __init__(self, failed: Failed = ignored) -> None:
        self._waiting: dict[grpc.ServicerContext, _Wait] = {}
        self._changed = threading.Condition()
        self.thread = Background("patience", self._watch, failed)
        self._is_started = False
        self._is_closed = False

    def first(self, requests: Iterator[bytes], context: grpc.ServicerContext, pool: Pool, *, is_known: bool) -> bytes:
        """Return the first message. Raises NothingSent if none comes in time."""
        wait = _Wait(pool, is_known, time.monotonic())
        self._begin(context, wait)
        try:
            return next(requests)
        except StopIteration as error:
            raise NothingSent(has_ended=not wait.is_cancelled) from error
        except grpc.RpcError as error:
            raise NothingSent from error
        finally:
            with self._changed:
                del self._waiting[context]
            if wait.is_aside:
                pool.step_back()

    def close(self) -> None:
        """Give the thread back, once the server takes no calls."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self.thread.stop()
        self.thread.join()

    def _begin(self, context: grpc.ServicerContext, wait: _Wait) -> None:
        with self._changed:
            if not self._is_started:
                try:
                    self.thread.start()
                except RuntimeError as error:  # nothing would end the call, so it must not wait
                    raise NothingSent from error
                self._is_started = True
            self._waiting[context] = wait
            if len(self._waiting) == 1:
                self._changed.notify_all()

    def _watch(self) -> None:
        with self._changed:
            if not self._waiting:
                self.thread.goes_well()
            self._changed.wait_for(lambda: self._waiting or self._is_closed)
            if self._is_closed:
                return
        time.sleep(_LOOK_EVERY_S)
        self._look()

    def _look(self) -> None:
        now = time.monotonic()
        with self._changed:
            for wait in self._waiting.values():
                if not wait.is_aside and now - wait.began >= _LOOK_EVERY_S:
                    wait.is_aside = True
                    wait.pool.step_aside()
            late = [context for context, wait in self._waiting.items() if wait.is_late(now)]
            for context in late:
                self._waiting[context].is_cancelled = True
        for context in late:
            with suppress(Exception):
                context.cancel()  # wakes its thread, which waits in `first`
