"""Threads that work beside the calls, each with a supervisor of its own: whatever a step raises, the next follows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0

_TURN = 4
SHORT_TURN = 64
"""For items of some microseconds: a thread that answers waits a fifth of a millisecond for them, at most.

To give way costs as much as several of them, and what it is given away to may keep it for a millisecond.
"""


def in_turns(items: Iterable[T], turn: int = _TURN) -> Iterator[T]:
    """Yield items of which each takes some microseconds, and let threads that answer go first after every few (`turn`).

    A thread that computes is interrupted after a millisecond only, and one that answers would wait for that each time.
    """
    for number, item in enumerate(items):
        if number % turn == turn - 1:
            time.sleep(0)
        yield item


Failed = Callable[["Background", BaseException], None]
"""Is told what a step of a thread raised: first, and when another error follows."""


def ignored(_thread: Background, _error: BaseException) -> None:
    """Tell nobody."""


class Background:
    """A thread that takes one step after the other until it is stopped. Start it once.

    A step that raises is counted and told, and taken again after a pause that grows.
    """

    def __init__(self, name: str, step: Callable[[], object], failed: Failed) -> None:
        self.name = name
        self.failures = 0
        """How many steps have failed since the start."""
        self._step = step
        self._failed = failed
        self._row = 0
        self._told: type[BaseException] | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"sealauthz-{name}", daemon=True)

    @property
    def is_failing(self) -> bool:
        """Whether its last step failed, or it has ended without having been stopped."""
        has_ended = self._thread.ident is not None and not self._thread.is_alive()
        return self._row > 0 or (has_ended and not self._stopping.is_set())

    @property
    def is_stopping(self) -> bool:
        """Whether no step is to follow."""
        return self._stopping.is_set()

    def start(self) -> None:
        """Take the first step. Raises RuntimeError where the process can have no further thread."""
        self._thread.start()

    def stop(self) -> None:
        """Take no further step, and do not wait for the one under way."""
        self._stopping.set()

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait until the thread has ended; False if it has not after the timeout."""
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def rest(self, seconds: float) -> None:
        """Wait inside of a step, unless and until it is stopped."""
        self._stopping.wait(seconds)

    def goes_well(self) -> None:
        """Say in the middle of a step that it has succeeded: what is left of it is to wait."""
        self._row, self._told = 0, None

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._step()
            except BaseException as error:  # noqa: BLE001 (also what ends threads: nobody would begin another one)
                self._stumble(error)
            else:
                self.goes_well()

    def _stumble(self, error: BaseException) -> None:
        self.failures += 1
        self._row += 1
        if self._told is not type(error):
            self._told = type(error)
            try:
                self._failed(self, error)
            except BaseException:  # noqa: BLE001 (who is told must not end the thread either)
                self._told = None
        self._stopping.wait(min(FIRST_PAUSE_S * 2 ** min(self._row - 1, 8), LONGEST_PAUSE_S))
