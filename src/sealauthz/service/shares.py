"""Fair shares: how much one caller may have under way in each pool, and how fast it may ask."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from sealauthz.service.callers import Caller
from sealauthz.service.pools import Pool, Share

_MOST_OWED_S = 60.0


class Bucket:
    """Tokens that come at a rate, up to those of one second. A call takes one; what it costs beyond that is owed."""

    def __init__(self, per_s: float) -> None:
        self.per_s = per_s
        self._most = max(per_s, 1.0)
        self._tokens = self._most
        self._at = time.monotonic()
        self._changing = threading.Lock()

    def take(self) -> float:
        """Take a token and return 0; or take none, and return in how many seconds there will be one."""
        with self._changing:
            now = time.monotonic()
            self._tokens = min(self._tokens + (now - self._at) * self.per_s, self._most)
            self._at = now
            if self._tokens < 1:
                return (1 - self._tokens) / self.per_s
            self._tokens -= 1
            return 0.0

    def owe(self, count: int) -> None:
        """Take so many more, also where there are none; a minute of tokens at most."""
        with self._changing:
            self._tokens = max(self._tokens - count, -_MOST_OWED_S * self.per_s)


@dataclass(slots=True)
class Shares:
    """What one caller has of each pool, by its name, and its bucket if its rate is limited."""

    of_pools: dict[str, Share] = field(default_factory=dict)
    bucket: Bucket | None = None


class CallerShares:
    """The shares of all callers. Only the thread that serves all calls asks for them."""

    def __init__(self) -> None:
        self._of_callers: dict[str, Shares] = {}

    def of(self, caller: Caller, pool: Pool) -> tuple[Share, Bucket | None]:
        """Return what a caller has of a pool, and its bucket.

        What the caller may do can have changed since; what it has under way counts on.
        """
        shares = self._of_callers.setdefault(caller.name, Shares())
        most = max(int(pool.max_calls * caller.share), 1)
        share = shares.of_pools.get(pool.name)
        if share is None:
            share = shares.of_pools[pool.name] = Share(pool, caller.name, most)
        share.max_calls = most
        if caller.calls_per_s is None:
            shares.bucket = None
        elif shares.bucket is None or shares.bucket.per_s != caller.calls_per_s:
            shares.bucket = Bucket(caller.calls_per_s)
        return share, shares.bucket
