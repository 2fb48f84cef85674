"""What was made last, by what it was made of: as `functools.lru_cache`, but that what another process made can be put
in.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """The values that were asked for last, so many at `most`. Any thread may use it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: dict[K, V] = {}
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """Return what was put in for a key; None where there is nothing, or nothing any more."""
        with self._lock:
            found = self._values.pop(key, None)
            if found is not None:
                self._values[key] = found
            return found

    def put(self, key: K, value: V) -> V:
        """Put a value in, in place of any that is there, and return it."""
        with self._lock:
            self._values.pop(key, None)
            self._values[key] = value
            while len(self._values) > self._most:
                del self._values[next(iter(self._values))]
            return value

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._values.clear()
