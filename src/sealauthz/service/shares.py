"""Fair shares: how much one caller may have under way in each pool, and how fast it may ask."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
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
    """The shares of all callers. The threads on which calls arrive ask for them: that of gRPC and that of HTTP."""

    def __init__(self) -> None:
        self._of_callers: dict[str, Shares] = {}
        self._changing = threading.Lock()

    def of(self, caller: Caller, pool: Pool) -> tuple[Share, Bucket | None]:
        """Return what a caller has of a pool, and its bucket.

        What the caller may do can have changed since; what it has under way counts on.
        """
        with self._changing:
            return self._of(caller, pool)

    def _of(self, caller: Caller, pool: Pool) -> tuple[Share, Bucket | None]:
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


LONG_QUEUE = 16
"""With so many calls waiting, what a caller's calls take counts twice: to receive them takes time as well, and a caller
with few under way keeps more than half beside one with many."""

Run = Callable[[], None]


class _Queued:
    """What one caller has queued, and the seconds that its calls have taken, as far as they count."""

    __slots__ = ("calls", "is_refusing", "refusals", "used_s")

    def __init__(self) -> None:
        self.calls: OrderedDict[Run, None] = OrderedDict()
        self.refusals: OrderedDict[Run, None] = OrderedDict()
        self.used_s = 0.0
        self.is_refusing = False

    def __bool__(self) -> bool:
        return bool(self.calls or self.refusals)

    def take(self) -> Run:
        """Take a call or a refusal, alternately where there are both."""
        self.is_refusing = bool(self.refusals) and not (self.is_refusing and self.calls)
        return (self.refusals if self.is_refusing else self.calls).popitem(last=False)[0]


class FairQueue:
    """Calls that one thread answers, by caller: next is the caller whose calls have taken the least time.

    A caller that had nothing queued begins with the time of the one that is next: nobody saves up time.
    """

    def __init__(self) -> None:
        self._of_callers: dict[str, _Queued] = {}
        self._waiting: set[str] = set()
        self._used_s = 0.0

    def calls(self, caller: str) -> int:
        """Return how many calls of a caller wait, without its refusals."""
        own = self._of_callers.get(caller)
        return 0 if own is None else len(own.calls)

    def add(self, caller: str, run: Run, *, is_refusal: bool = False) -> None:
        """Queue a call; or how it is refused, which costs the caller its time too, and is done soon."""
        own = self._of_callers.setdefault(caller, _Queued())
        if not own:
            own.used_s = max(own.used_s, self._used_s)
            self._waiting.add(caller)
        (own.refusals if is_refusal else own.calls)[run] = None

    def remove(self, caller: str, run: Run) -> bool:
        """Remove a call or a refusal; False if it is not queued any more."""
        own = self._of_callers[caller]
        queued = own.calls if run in own.calls else own.refusals
        if run not in queued:
            return False
        del queued[run]
        if not own:
            self._waiting.remove(caller)
        return True

    def run_next(self) -> bool:
        """Run what is next; False if nothing is queued."""
        waiting = self._waiting
        if not waiting:
            return False
        if len(waiting) == 1:
            (caller,) = waiting
        else:
            caller = min(waiting, key=lambda name: self._of_callers[name].used_s)
        own = self._of_callers[caller]
        self._used_s = own.used_s
        run = own.take()
        if not own:
            waiting.remove(caller)
        began = time.perf_counter()
        run()
        took_s = time.perf_counter() - began
        own.used_s += took_s if len(own.calls) < LONG_QUEUE else 2 * took_s
        return True
