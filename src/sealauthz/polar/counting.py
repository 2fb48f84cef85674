"""How often conditions come out met and unmet in evaluations that are only counted.

A counted evaluation is the same compilation as a traced one. It tells each event as one whole number and no values.
There are millions of them in the tests of one policy folder, and most evaluations go the way of another: each way is
looked at once, and counted as often as it was gone.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sealauthz.polar.compile import Condition
from sealauthz.polar.compile.nodes import HAPPENED
from sealauthz.polar.program import Clause

_KINDS = len(HAPPENED)
_ASKED, _LEFT, _MET, _PROVED, _TRIED, _UNMET = range(_KINDS)
_IS_MET = {_MET: True, _PROVED: True, _UNMET: False, _TRIED: False}
"""The events that a condition, or a clause, comes out with."""

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
        self._clause_of: list[int] = []
        """The identity of the clause that each condition stands in, by the number of the condition."""
        self._is_fact: list[bool] = []
        """Whether that clause is a plain fact."""
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
            if kind in _IS_MET:
                (met if _IS_MET[kind] else unmet)[number] += count
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
        for condition in self._conditions[len(self._clause_of) :]:
            self._clause_of.append(id(condition.clause))
            self._is_fact.append(condition.clause is not None and not condition.clause.goals)
        for way, times in self._times.items():
            events = array(_CODES, way)
            happened, facts = Counter(events), self._deciding(events)
            for event, count in happened.items():
                self._happened[event] += times * count
            for fact, count in facts.items():
                self._decided[fact] += times * count
        self._times, self._size = {}, 0

    def _deciding(self, events: Iterable[int]) -> dict[int, int]:
        """Return how often each plain fact decided something in one evaluation, by the number of its clause.

        There are millions of events, and most mean little: each is looked at with as few steps as there can be. A
        condition or clause is known here by the first of its events, its number times the kinds of them.
        """
        counts: dict[int, int] = {}
        clause_of, is_fact = self._clause_of, self._is_fact
        asked: list[int] = []
        # What the present solution of a condition rests on, by the clause that it stands in; nothing where it is not
        # named, as most are not.
        under: dict[int, dict[int, set[int]]] = {}
        for event in events:
            kind = event % _KINDS
            first = event - kind
            if kind == _UNMET:
                if asked and asked[-1] == first:
                    asked.pop()
                if under and (beside := under.get(clause_of[first // _KINDS])):
                    _count(beside.pop(first, ()), counts)
            elif kind in (_MET, _LEFT):
                if asked and asked[-1] == first:
                    asked.pop()
            elif kind == _ASKED:
                asked.append(first)
                if under and (beside := under.get(clause_of[first // _KINDS])):
                    beside.pop(first, None)
            elif kind == _TRIED:
                if under:
                    under.pop(clause_of[first // _KINDS], None)
            else:
                number = first // _KINDS
                facts: Iterable[int]
                if is_fact[number]:
                    facts = (number,)
                elif under and (beside := under.get(clause_of[number])):
                    facts = set().union(*beside.values())
                else:
                    continue
                if asked:
                    last = asked[-1]
                    under.setdefault(clause_of[last // _KINDS], {}).setdefault(last, set()).update(facts)
                else:
                    _count(facts, counts)
        return counts


def _count(facts: Iterable[int], counts: dict[int, int]) -> None:
    for fact in facts:
        counts[fact] = counts.get(fact, 0) + 1


class Notes:
    """Notes which conditions come out met and unmet, each once: less work than to count them."""

    def __init__(self, conditions: Sequence[Condition]) -> None:
        self._conditions = conditions
        self.events: set[int] = set()
        """What happened since the last time."""

    def taken(self) -> set[int]:
        """Return the events since the last time."""
        events, self.events = self.events, set()
        return events

    def told_by(self, event: int) -> tuple[Condition, bool] | None:
        """Return the condition of an event, and whether it came out met; None where it came out neither way. A clause
        that was tried is unmet, and one that had a solution is met.
        """
        number, kind = divmod(event, _KINDS)
        return (self._conditions[number], _IS_MET[kind]) if kind in _IS_MET else None
