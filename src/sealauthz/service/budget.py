"""What the thread that serves all calls may spend on one of them: questions that took long go to a pool for a while."""

from __future__ import annotations

import time

from sealauthz.decision.question import Question
from sealauthz.facts.memory.permits import NotAtOnce

BUDGET_NS = 2_000_000
"""The CPU time that one answer may take there."""

MAX_QUESTIONS_AT_ONCE = 8
"""A question takes some 100 µs."""

_AWAY_S = 60.0
_MAX_REMEMBERED = 4_096

Kind = tuple[str, str, str]


class Budget:
    """Remembers which questions took too long: by action and resource, because the rest is the caller's choice.

    Twice in a row: once may be the collector of garbage, or a rule that is compiled.
    """

    def __init__(self) -> None:
        self._away_until: dict[Kind, float] = {}
        self._once: set[Kind] = set()

    def begin(self, question: Question) -> int:
        """Return what to end with. Raises NotAtOnce where such a question took too long not long ago."""
        if self._away_until:
            until = self._away_until.get(_kind(question))
            if until is not None and time.monotonic() < until:
                raise NotAtOnce
        return time.thread_time_ns()

    def end(self, question: Question, began: int) -> None:
        """Note how long a question took."""
        is_over = time.thread_time_ns() - began > BUDGET_NS
        if not is_over and not self._once:
            return
        kind = _kind(question)
        if not is_over:
            self._once.discard(kind)
        elif kind in self._once:
            self._once.discard(kind)
            if len(self._away_until) >= _MAX_REMEMBERED:
                self._away_until.clear()
            self._away_until[kind] = time.monotonic() + _AWAY_S
        else:
            if len(self._once) >= _MAX_REMEMBERED:
                self._once.clear()
            self._once.add(kind)


def _kind(question: Question) -> Kind:
    return question.action, question.resource.type, question.resource.id
