"""How fresh the facts of an answer must be, and until when it may be waited for."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sealauthz.runtime.errors import TimeOver


@dataclass(frozen=True, slots=True)
class Consistency:
    """What the facts of one answer must be; by default, from memory and at most as old as the fact cache allows.

    `at_least` is a revision of the history `timeline` that they must include. `is_full`: nothing committed before the
    question may be missing. `at_revision` is the one revision that they must be of, as for the next page of a list.
    """

    at_least: int = 0
    timeline: str = ""
    is_full: bool = False
    at_revision: int | None = None


FROM_MEMORY = Consistency()
FULL = Consistency(is_full=True)


@dataclass(frozen=True, slots=True)
class Deadline:
    """An instant of the monotonic clock, in seconds, until which a call may wait; None for no such instant."""

    at: float | None = None

    def rest(self, most: float) -> float:
        """Return how many seconds are left, at most `most`. Raises TimeOver when none are."""
        if self.at is None:
            return most
        left = self.at - time.monotonic()
        if left <= 0:
            raise TimeOver("the deadline passed before the facts were there")
        return min(left, most)


NO_DEADLINE = Deadline()

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def uptime_s() -> float:
    """Return the seconds since some instant, sleep of the machine included, whatever happens to the wall clock."""
    return time.clock_gettime(_CLOCK)
