"""How many threads may wait at once for a load or for a revision, so that the others still answer what is in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sealauthz.errors import ServiceBusy


class Waits:
    """Lets `most` threads wait at a time; one more is refused, and never waits for the right to wait."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._free = threading.Semaphore(most)

    @classmethod
    def for_threads(cls, threads: int) -> Waits:
        """Return the waits of a pool of answering threads: half of them, and one at least."""
        return cls(max(1, threads // 2))

    @contextmanager
    def one(self) -> Iterator[None]:
        """Stand around one wait. A thread takes one at a time. Raises ServiceBusy, at once."""
        if not self._free.acquire(blocking=False):
            raise ServiceBusy("too many calls wait for facts that are not in memory yet")
        try:
            yield
        finally:
            self._free.release()
