"""A signal: the newest revision that this process knows, and a way to wait for a newer one."""

from __future__ import annotations

import threading
import time


class Signal:
    """Tells those who wait for changes that there are some. Any thread may use it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._revision = 0

    @property
    def revision(self) -> int:
        """The newest revision told."""
        return self._revision

    def tell(self, revision: int) -> None:
        """Say that this is the newest revision; a lower one than before means that history went back."""
        with self._changed:
            if revision != self._revision:
                self._revision = revision
                self._changed.notify_all()

    def wait_for_other(self, revision: int, timeout_s: float) -> int:
        """Wait until the newest revision is another than this one, or the time is over; return the newest."""
        until = time.monotonic() + timeout_s
        with self._changed:
            while self._revision == revision:
                rest = until - time.monotonic()
                if rest <= 0 or not self._changed.wait(rest):
                    break
            return self._revision
