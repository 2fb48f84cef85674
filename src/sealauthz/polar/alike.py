"""Which classes are alike in what was asked of them.

Contexts derive from one class, and most rules hand theirs on, or read what all contexts have. What is found out about
such a rule with one context, and the code that is made of it, hold for every other one that gives the same answers to
all that was asked on the way.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)

EVERYTHING = 1
"""The bit of what no two classes answer alike."""


class Alike(Generic[T]):
    """Questions about classes as bits of a number. A question keeps its bit for good."""

    def __init__(self) -> None:
        self._growing = threading.Lock()
        self._bits: dict[Hashable, int] = {}
        self._questions: list[Callable[[T], object]] = []
        self._answers: dict[T, list[object]] = {}
        self._differing: dict[tuple[T, T], tuple[int, int]] = {}

    def bit(self, name: Hashable, question: Callable[[T], object]) -> int:
        """The bit of a question that goes by a name."""
        bit = self._bits.get(name)
        return self._taken_in(name, question) if bit is None else bit

    def _taken_in(self, name: Hashable, question: Callable[[T], object]) -> int:
        # An engine that answers and the one that will replace it ask at the same time.
        with self._growing:
            if name not in self._bits:
                self._questions.append(question)
                self._bits[name] = 1 << len(self._questions)
            return self._bits[name]

    @property
    def names(self) -> tuple[Hashable, ...]:
        """The names of all questions so far, in the order of their bits."""
        with self._growing:
            return tuple(self._bits)

    def differing(self, one: T, other: T) -> int:
        """The questions that two classes answer otherwise."""
        if one == other:
            return 0
        seen, bits = self._differing.get((one, other), (0, EVERYTHING))
        count = len(self._questions)
        if seen < count:
            ours, theirs = self._answers_of(one, count), self._answers_of(other, count)
            for at in range(seen, count):
                bits |= 0 if ours[at] == theirs[at] else 2 << at
            self._differing[one, other] = count, bits
        return bits

    def _answers_of(self, cls: T, count: int) -> list[object]:
        """What a class answers to the first questions, and perhaps to more."""
        answers = self._answers.get(cls, [])
        if len(answers) < count:
            # A list of its own: others may read, and ask for more, at the same time.
            answers = [*answers, *(question(cls) for question in self._questions[len(answers) : count])]
            self._answers[cls] = answers
        return answers
