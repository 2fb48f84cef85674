"""Why a rule holds or does not: what a traced evaluation went through, made into a tree.

A traced evaluation is the same compilation with events in it. Each event names a clause or a condition by number; the
tree is read off their order.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sealauthz.polar.compile import Condition
from sealauthz.polar.program import Clause
from sealauthz.polar.syntax import Place
from sealauthz.polar.unchanging import unchanging
from sealauthz.schema import FOREVER, NEVER, UNLIMITED

Event = tuple[str, int, Any]
"""What happened, to which clause or condition, and the values seen.

A clause is "tried" and "proved", a condition "met" or "unmet". A condition that calls rules is "asked" before, and
where it is searched for further solutions; it is "left" where it has no more.
"""

_ANSWERED = frozenset({"met", "unmet", "left"})

_EARLIEST_TIME = 1_000_000_000_000_000


@unchanging
class Attempt:
    """One clause that was tried: whether it held, else the first condition that no try of it got past.

    `values` are the values that the condition compared, as text; `under` are the clauses that the condition tried in
    turn.
    """

    clause: Clause
    is_met: bool
    condition: str = ""
    place: Place | None = None
    values: tuple[str, ...] = ()
    under: tuple[Attempt, ...] = ()


# --- reading a trace ------------------------------------------------------------------------------------------------


Numbered = Mapping[int, Condition]
"""The clauses and conditions of a rule by the numbers that events name them by."""


def attempts(events: Sequence[Event], rule: str, numbers: Mapping[str, Numbered]) -> tuple[Attempt, ...]:
    """The clauses of a rule that were tried, in order, each with what stopped it. `numbers` are those of each rule."""
    return tuple(_Trace(events, numbers).attempts(rule, 0, len(events)))


def proved(events: Iterable[Event], conditions: Sequence[Condition], own: Numbered) -> list[Clause]:
    """The clauses of a rule that were tried and held, each once; `own` are the numbers of its clauses and conditions.

    They are those of `attempts` that are met, without the time that it takes to tell of the others.
    """
    found: dict[int, None] = {}
    asked: list[int] = []
    for what, number, _ in events:
        if what == "asked":
            asked.append(number)
        elif asked:
            # What happens inside of a condition is not ours, even where it is the same rule that is called.
            if asked[-1] == number and what in _ANSWERED:
                asked.pop()
        elif what == "proved" and number in own:
            found[number] = None
    return [clause for clause in [conditions[number].clause for number in found] if clause is not None]


class _Trace:
    """The events of one evaluation, with the place at which each condition that was asked is answered."""

    def __init__(self, events: Sequence[Event], numbers: Mapping[str, Numbered]) -> None:
        self._events = events
        self._numbers = numbers
        # Where to go on behind each event: behind what is asked, with its answer.
        self._next = behind = [*range(1, len(events) + 1)]
        unanswered: list[tuple[int, int]] = []
        asked, at = -1, -1
        for position, (what, number, _) in enumerate(events):
            if what == "asked":
                unanswered.append((asked, at))
                asked, at = number, position
            elif number == asked and what in _ANSWERED:
                behind[at] = position
                asked, at = unanswered.pop()
        while unanswered:  # never answered: nothing behind it is
            behind[at] = len(events)
            asked, at = unanswered.pop()

    def attempts(self, rule: str, start: int, end: int) -> list[Attempt]:
        """The clauses of a rule that were tried between two places."""
        own = self._numbers.get(rule)
        if own is None:
            return []
        events, behind = self._events, self._next
        found: dict[int, _Try] = {}
        position = start
        attempt: _Try | None = None
        while position < end:
            what, number, values = events[position]
            condition = own.get(number)
            if condition is not None and (clause := condition.clause) is not None:
                if attempt is None or attempt.clause is not clause:
                    attempt = found.get(id(clause))
                    if attempt is None:
                        attempt = found[id(clause)] = _Try(clause)
                if what == "unmet":
                    reached = condition.position
                    if reached >= attempt.reached:
                        attempt.reached = reached
                        attempt.furthest = (condition, values, attempt.last + 1, position)
                elif what == "proved":
                    attempt.is_met = True
                attempt.last = position
            # What happens inside of a condition is not ours, even where it is the same rule that is called.
            position = behind[position]
        return [self._described(attempt) for attempt in found.values()]

    def _described(self, attempt: _Try) -> Attempt:
        """An attempt as a whole."""
        if attempt.is_met or attempt.furthest is None:
            return Attempt(attempt.clause, attempt.is_met)
        condition, values, start, end = attempt.furthest
        under: list[Attempt] = []
        if start < end:
            for called in condition.called:
                under += self.attempts(called, start, end)
        place = None if condition.term is None else condition.term.place
        return Attempt(attempt.clause, False, condition.text, place, tuple(map(shown, values)), tuple(under))


class _Try:
    """What is known so far of the tries of one clause: whether it held, else where the furthest of them stopped."""

    __slots__ = ("clause", "furthest", "is_met", "last", "reached")

    def __init__(self, clause: Clause) -> None:
        self.clause = clause
        self.is_met = False
        self.last = -1
        self.reached = 0
        self.furthest: tuple[Condition, tuple[Any, ...], int, int] | None = None


def shown(value: object) -> str:
    """A value as text: a record by type and id, an instant as a time. No personal text can be among them."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if value in {FOREVER, UNLIMITED}:
            return "forever" if value == FOREVER else "unlimited"
        if value == NEVER or value < _EARLIEST_TIME:
            return str(value)
        moment = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) + datetime.timedelta(microseconds=value)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list | tuple):
        return f"{len(value)} items"
    identity = getattr(value, "id", None)
    return f"{type(value).__name__}:{identity}" if isinstance(identity, str) else type(value).__name__
