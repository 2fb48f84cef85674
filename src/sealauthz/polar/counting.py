"""How often conditions come out met and unmet in evaluations that are only counted.

A counted evaluation is the same compilation as a traced one. It tells each event as one whole number and no values.
There are millions of them in the tests of one policy folder, and most evaluations go the way of another: each way is
looked at once, and counted as often as it was gone.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sealauthz.polar.compile import Condition
from sealauthz.polar.compile.nodes import HAPPENED
from sealauthz.polar.program import Clause

_KINDS = len(HAPPENED)
_ASKED, _LEFT, _MET, _PROVED, _TRIED, _UNMET = range(_KINDS)
_CODES = "I"
"""How the events of a way are kept: four bytes each."""

_MOST = 2**24
"""How many bytes of ways are kept before they are counted."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often a condition was met and unmet; a clause counts its tries as unmet and its solutions as met."""

    condition: Condition
    met: int
    unmet: int


class Tally:
    """Counts evaluations. Conditions may be added to the end of `conditions` at any time."""

    def __init__(self, conditions: Sequence[Condition]) -> None:
        self._conditions = conditions
        self._numbers: dict[int, list[int]] = defaultdict(list)
        """The numbers of the conditions of each clause, by the identity of the clause."""
        self._known = 0
        self._times: dict[bytes, int] = {}
        self._size = 0
        self._happened: Counter[int] = Counter()
        self._decided: Counter[int] = Counter()

    def add(self, events: Iterable[int]) -> None:
        """Count one evaluation, by its events."""
        way = array(_CODES, events).tobytes()
        times = self._times.get(way, 0)
        if not times:
            self._size += len(way)
            if self._size > _MOST:
                self._settle()
                self._size = len(way)
        self._times[way] = times + 1

    def taken(self) -> tuple[list[Coverage], list[tuple[Clause, int]]]:
        """Return how often each condition came out met and unmet since the last time, in the order of their numbers,
        and how often each plain fact decided something.

        A fact that is asked with a free variable has a solution whenever it comes up. It decided only where everything
        that rests on that solution held, up to the question itself, or where a condition under a negation was unmet
        by it.
        """
        self._settle()
        met: Counter[int] = Counter()
        unmet: Counter[int] = Counter()
        for event, count in self._happened.items():
            number, kind = divmod(event, _KINDS)
            if kind in (_MET, _PROVED):
                met[number] += count
            elif kind in (_UNMET, _TRIED):
                unmet[number] += count
        conditions = self._conditions
        found = [Coverage(conditions[number], met[number], unmet[number]) for number in sorted({*met, *unmet})]
        decided = [
            (clause, count)
            for number, count in self._decided.items()
            if (clause := conditions[number].clause) is not None
        ]
        self._happened, self._decided = Counter(), Counter()
        return found, decided

    def _settle(self) -> None:
        """Count the ways that are kept."""
        for number in range(self._known, len(self._conditions)):
            self._numbers[id(self._conditions[number].clause)].append(number)
        self._known = len(self._conditions)
        for way, times in self._times.items():
            events = array(_CODES, way)
            happened, facts = Counter(events), self._deciding(events)
            for event, count in happened.items():
                self._happened[event] += times * count
            for fact, count in facts.items():
                self._decided[fact] += times * count
        self._times, self._size = {}, 0

    def _deciding(self, events: Iterable[int]) -> dict[int, int]:
        """Return how often each plain fact decided something in one evaluation, by the number of its clause."""
        counts: dict[int, int] = {}
        conditions, own = self._conditions, self._numbers

        def count(facts: Iterable[int]) -> None:
            for fact in facts:
                counts[fact] = counts.get(fact, 0) + 1

        asked: list[int] = []
        # What the present solution of a condition rests on; nothing where it is not named, as most are not.
        under: dict[int, set[int]] = {}
        for event in events:
            number, kind = divmod(event, _KINDS)
            if kind == _UNMET:
                if asked and asked[-1] == number:
                    asked.pop()
                if under:
                    count(under.pop(number, ()))
            elif kind in (_MET, _LEFT):
                if asked and asked[-1] == number:
                    asked.pop()
            elif kind == _TRIED:
                if under:
                    for each in own[id(conditions[number].clause)]:
                        under.pop(each, None)
            elif kind == _ASKED:
                asked.append(number)
                if under:
                    under.pop(number, None)
            else:
                clause = conditions[number].clause
                if clause is None:
                    continue
                if not clause.goals:
                    facts = {number}
                elif under:
                    facts = set().union(*(under[each] for each in own[id(clause)] if each in under))
                else:
                    continue
                if asked:
                    under.setdefault(asked[-1], set()).update(facts)
                else:
                    count(facts)
        return counts
