"""When a call is sent again, and when not: one policy for every transport, with a budget against storms of retries."""

from __future__ import annotations

import dataclasses
import random
import threading
from dataclasses import dataclass
from typing import Any

import grpc

from sealauthz_client.calls import Call, Repeats
from sealauthz_client.failures import CallFailed
from sealauthz_client.requests import unexpected

MAX_ATTEMPTS = 6

RETRIED = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED})
"""A draining server may cancel a few calls."""

RESUMED = RETRIED | {grpc.StatusCode.RESOURCE_EXHAUSTED}
"""A watch also ends when the watcher lags behind, or when there are too many watchers."""

_BUSY = "SERVICE_BUSY"
"""The reason with which a server refuses a call that it did not begin: too many are under way."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How a client repeats calls. Its timeout bounds all attempts of a call, and what the server says (`RetryInfo`) is
    waited out. Writes and acts, which take effect once, are repeated until then; other calls `max_attempts` times. With
    one attempt nothing is repeated.

    A call that only reads is sent a second time, beside the first, if that takes longer than `hedge_after_s` (None:
    never), up to `max_hedges` times; the first answer counts. `budget` is how many repetitions all calls of a client
    together may make in a row, half of it for hedges at most; each answer gives `budget_share` of one back. When
    nothing answers any more, that is soon used up: each call is sent once, and writes and acts after the longest pause.
    """

    max_attempts: int = MAX_ATTEMPTS
    first_pause_s: float = 0.05
    longest_pause_s: float = 2.0
    hedge_after_s: float | None = None
    max_hedges: int = 1
    budget: float = 1_000.0
    budget_share: float = 0.2

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            is_left_out = value is None and field.name == "hedge_after_s"
            if not is_left_out and (isinstance(value, bool) or not isinstance(value, int | float)):
                raise unexpected(f"retry.{field.name}", "a number", value)
        if self.max_attempts < 1 or self.max_hedges < 0 or self.budget < 0 or not 0 <= self.budget_share <= 1:
            raise ValueError("a retry policy has 1 attempt at least, no negative numbers, and a share from 0 to 1")
        if not 0 < self.first_pause_s <= self.longest_pause_s or (self.hedge_after_s or 1) <= 0:
            raise ValueError("the pauses of a retry policy are longer than 0, and the first is not the longest")


class RetryBudget:
    """What is left to all calls of a client for repetitions. Any thread may use it."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._most = policy.budget
        self._share = policy.budget_share
        self._left = policy.budget
        self._lock = threading.Lock()

    @property
    def left(self) -> float:
        """How many repetitions may be made now."""
        return self._left

    def answered(self) -> None:
        """Note a call that the server answered."""
        if self._left < self._most:
            with self._lock:
                self._left = min(self._left + self._share, self._most)

    def take(self) -> bool:
        """Take one repetition; False where there is none left."""
        return self._take(0.0)

    def take_hedge(self) -> bool:
        """Take one for a hedge; False where half is used up: the rest is for calls that have failed."""
        return self._take(self._most / 2)

    def _take(self, kept: float) -> bool:
        with self._lock:
            if self._left - 1 < kept:
                return False
            self._left -= 1
            return True


class Pauses:
    """Pauses that grow, and differ from one client to the next."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._policy = policy
        self._pause_s = policy.first_pause_s

    def next_s(self, at_least_s: float = 0.0) -> float:
        """Return how long to wait now: longer than the server wants."""
        pause_s = self._pause_s
        self._pause_s = min(pause_s * 2, self._policy.longest_pause_s)
        wait_s = random.uniform(pause_s / 2, pause_s)  # noqa: S311 (spreads the retries; nothing depends on it)
        return max(wait_s, at_least_s + min(wait_s, self._policy.first_pause_s)) if at_least_s else wait_s

    def begin_again(self) -> None:
        """Forget that there were pauses."""
        self._pause_s = self._policy.first_pause_s


class Attempts:
    """The attempts of one call, until its deadline (on the clock of `time.monotonic`)."""

    def __init__(self, call: Call[Any], policy: RetryPolicy, budget: RetryBudget, deadline: float) -> None:
        self._call = call
        self._policy = policy
        self._budget = budget
        self._pauses = Pauses(policy)
        self._made = 0
        self._is_refused = False
        self.deadline = deadline

    def left_s(self, now: float) -> float:
        """Return how long the next attempt may take."""
        return max(self.deadline - now, 0.001)

    def wait_s(self, failed: CallFailed, now: float) -> float | None:
        """Note a failed attempt; return after how long to make another one, or None where that is the end."""
        self._made += 1
        if self._call.rpc.repeats is Repeats.NEVER and failed.reason != _BUSY:
            return None
        if failed.code not in RETRIED and failed.reason != _BUSY:
            return None
        wait_s = self._pauses.next_s(failed.retry_after_s)
        if now + wait_s >= self.deadline:
            return None
        if self._call.rpc.repeats is Repeats.TAKES_EFFECT_ONCE and self._policy.max_attempts > 1:
            # A caller who gives up does not know whether it took effect. Without budget it is sent less often.
            wait_s = wait_s if self._budget.take() else max(wait_s, self._policy.longest_pause_s)
            return wait_s if now + wait_s < self.deadline else None
        return wait_s if self._made < self._policy.max_attempts and self._budget.take() else None

    def takes_another_token(self, failed: CallFailed) -> bool:
        """Whether the call is to be made with a fresh token: once, and only where the server did not know the first."""
        if failed.code != grpc.StatusCode.UNAUTHENTICATED or self._is_refused:
            return False
        self._is_refused = True
        return True

    @property
    def hedge_after_s(self) -> float | None:
        """After how long the call is sent beside itself; None where it never is."""
        return self._policy.hedge_after_s if self._call.rpc.repeats is Repeats.READS else None

    def take_hedge(self, made: int) -> bool:
        """Whether one more may be sent beside those that were."""
        return made <= self._policy.max_hedges and self._budget.take_hedge()


def is_final(failed: CallFailed) -> bool:
    """Whether a watch that ended like this would end like it again. A message that is too large would be that again."""
    return failed.code not in RESUMED or "larger than" in failed.message
