"""Answers that stand wherever what they read is the same, record by record."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from sealauthz.attack.touching import Footprint, Trace

T = TypeVar("T")

Beside = frozenset[Footprint]
"""What facts are otherwise than those of the beginning: what the parts wrote that they are put together of."""

_MOST_PLACES = 6
"""Of how many facts the answer to one question is kept at most."""

_MOST = 30_000
"""How many answers are kept at most, each with what it read; then all are forgotten."""


class Remembered(Generic[T]):
    """Answers by question, each with what it read, and beside what. One stands beside something else where nothing that
    came may be noticed by it, and nothing is gone that it rests on.
    """

    def __init__(self) -> None:
        self._known: dict[Any, list[tuple[T, Trace, Beside]]] = {}
        self._size = 0

    def find(self, question: Any, beside: Beside) -> tuple[T, Trace] | None:
        """Return an answer that stands beside some footprints, with what it read; None where none is known."""
        for answer, trace, then in self._known.get(question, ()):
            if any(each.may_be_noticed_by(trace) for each in beside - then):
                continue
            if not any(each.is_noticed_by(trace) for each in then - beside):
                return answer, trace
        return None

    def add(self, question: Any, beside: Beside, answer: T, trace: Trace) -> None:
        """Keep an answer that was given beside some footprints."""
        if self._size >= _MOST:
            self.clear()
        known = self._known.setdefault(question, [])
        if len(known) >= _MOST_PLACES:
            # The first one is that of the fewest acts, and stands most often.
            del known[1]
            self._size -= 1
        known.append((answer, trace, beside))
        self._size += 1

    def clear(self) -> None:
        """Forget everything."""
        self._known.clear()
        self._size = 0
