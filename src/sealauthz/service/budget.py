"""What the thread that serves all calls may spend on one of them: questions that took long go to a pool for a while."""

from __future__ import annotations

import time
from collections.abc import Callable

from sealauthz.decision.question import ListQuery, Question
from sealauthz.facts.memory.permits import NotAtOnce

BUDGET_NS = 2_000_000
"""The CPU time that one answer may take there."""

MAX_QUESTIONS_AT_ONCE = 8
"""A question takes some 100 µs."""

_AWAY_S = 60.0
_TIMES = 2
_MAX_REMEMBERED = 4_096

Kind = tuple[str, str, str]
"""Action, type and id of a resource; of a list, action, type that is sought, and id of what is known."""

Began = tuple[Callable[[], int], int]
"""A clock, and what it said when an answer was begun."""


class Budget:
    """Remembers which questions and lists took too long: by their kind, because the rest is the caller's choice.

    Three times in a row. The first time, the time on the wall counts, which is never less than that of the CPU and
    costs no call of the system; on a busy host it says little. Then the CPU's counts, twice: once may be the collector
    of garbage, a rule that is compiled, or a host that gives the CPU to another guest.
    """

    def __init__(self) -> None:
        self._away_until: dict[Kind, float] = {}
        self._suspected: dict[Kind, int] = {}  # and how often by the time of the CPU

    def begin(self, asked: Question | ListQuery) -> Began:
        """Return what to end with. Raises NotAtOnce where the like took too long not long ago."""
        if self._away_until:
            until = self._away_until.get(_kind(asked))
            if until is not None and time.monotonic() < until:
                raise NotAtOnce
        is_suspected = bool(self._suspected) and _kind(asked) in self._suspected
        clock = time.thread_time_ns if is_suspected else time.perf_counter_ns
        return clock, clock()

    def end(self, asked: Question | ListQuery, began: Began) -> None:
        """Note how long something took."""
        clock, at = began
        is_over = clock() - at > BUDGET_NS
        if clock is time.perf_counter_ns:
            if is_over:
                self._suspect(_kind(asked))
            return
        kind = _kind(asked)
        times = self._suspected.pop(kind, 0) + 1
        if is_over and times < _TIMES:
            self._suspected[kind] = times
        elif is_over:
            self._send_away(kind)

    def leave(self, asked: Question | ListQuery) -> None:
        """Note that something takes too long, however fast the host is."""
        self._send_away(_kind(asked))

    def _send_away(self, kind: Kind) -> None:
        if len(self._away_until) >= _MAX_REMEMBERED:
            self._away_until.clear()
        self._away_until[kind] = time.monotonic() + _AWAY_S

    def _suspect(self, kind: Kind) -> None:
        if len(self._suspected) >= _MAX_REMEMBERED:
            self._suspected.clear()
        self._suspected[kind] = 0


def _kind(asked: Question | ListQuery) -> Kind:
    if isinstance(asked, Question):
        return asked.action, asked.resource.type, asked.resource.id
    return asked.action, asked.sought, asked.known.id
