"""One admitted call: its caller, its deadline, its fields in the log, and how it learns that nobody waits any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import grpc

from sealauthz.service.callers import Caller


@dataclass(slots=True, eq=False)
class Call:
    """An admitted call, as a servicer gets it besides the request: who calls, until when, and what to add to the log.

    `deadline` is in seconds of `time.monotonic`, None if the caller set none.

    INVARIANT: `noted` holds no token, no personal text and no value of a context.
    """

    caller: Caller
    noted: dict[str, str | int] = field(default_factory=dict)
    deadline: float | None = None
    _context: grpc.ServicerContext | None = field(default=None, repr=False)
    _is_stopped: bool = False
    _on_stop: list[Callable[[], None]] = field(default_factory=list, repr=False)

    @property
    def is_stopped(self) -> bool:
        """Whether the server stops, and this stream with it."""
        return self._is_stopped

    def remaining_s(self) -> float | None:
        """The seconds until the deadline, never below 0; None without a deadline."""
        return None if self.deadline is None else max(self.deadline - time.monotonic(), 0.0)

    def is_cancelled(self, within_s: float = 0.0) -> bool:
        """Tell whether nobody waits for an answer: the caller left, or the server stops a stream.

        Waits `within_s` seconds for that.
        """
        if self._is_stopped or (self._context is not None and not self._context.is_active()):
            return True
        if within_s <= 0:
            return False
        over = threading.Event()
        return not self.on_cancel(over.set) or over.wait(within_s)

    def on_cancel(self, wake: Callable[[], None]) -> bool:
        """Call `wake` from another thread when the call is over; return False if it is over already.

        `wake` must not wait for anything: the thread may be the one that serves all calls.
        """
        self._on_stop.append(wake)
        is_registered = self._context is None or bool(self._context.add_callback(wake))
        return is_registered and not self._is_stopped

    def stop(self) -> None:
        """End a stream because the server stops."""
        self._is_stopped = True
        for wake in list(self._on_stop):
            wake()
