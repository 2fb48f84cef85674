"""Why a rule holds or does not: what a traced evaluation went through, made into a tree.

A traced evaluation is the same compilation with events in it. Each event names a clause or a condition by number; the
tree is read off their order. Coverage counts the same events.
"""

from __future__ import annotations

import datetime
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sealauthz.domain.record import FOREVER, NEVER, UNLIMITED
from sealauthz.polar.compile import Condition
from sealauthz.polar.program import Clause
from sealauthz.polar.syntax import And, Call, Not, Or, Place, Term
from sealauthz.polar.unparse import written

Event = tuple[str, int, Any]
"""What happened ("tried", "proved", "met", "unmet"), to which clause or condition, and the values seen."""

_EARLIEST_TIME = 1_000_000_000_000_000


@dataclass(frozen=True, slots=True)
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


# --- what traced code calls -----------------------------------------------------------------------------------------


def tried(budget: list[Any], number: int) -> None:
    """A clause is tried."""
    budget[2].append(("tried", number, ()))


def proved(budget: list[Any], number: int) -> None:
    """A clause has a solution."""
    budget[2].append(("proved", number, ()))


def noted(budget: list[Any], number: int, result: object, *values: object) -> object:
    """A condition came out one way or the other."""
    budget[2].append(("met" if result else "unmet", number, values))
    return result


class walked:
    """Members or solutions that are walked through; the trace learns whether there were any."""

    __slots__ = ("_budget", "_number", "_source")

    def __init__(self, budget: list[Any], number: int, source: Any) -> None:
        self._budget, self._number, self._source = budget, number, source

    def __len__(self) -> int:
        return len(self._source)

    def __iter__(self) -> Iterator[Any]:
        events, number = self._budget[2], self._number
        is_met = False
        for item in self._source:
            is_met = True
            events.append(("met", number, ()))
            yield item
        if not is_met:
            events.append(("unmet", number, ()))


HOOKS = {"tried": tried, "proved": proved, "noted": noted, "walked": walked}
"""The names that traced code is given."""


# --- reading a trace ------------------------------------------------------------------------------------------------


def attempts(events: Sequence[Event], conditions: Sequence[Condition], rule: str) -> tuple[Attempt, ...]:
    """The clauses of a rule that were tried, in order, each with what stopped it."""
    found: dict[int, _Try] = {}
    for position, (what, number, values) in enumerate(events):
        condition = conditions[number]
        clause = condition.clause
        if clause is None or clause.name != rule:
            continue
        attempt = found.setdefault(id(clause), _Try(clause))
        attempt.take(what, condition.term, values, position)
    return tuple(attempt.told(events, conditions) for attempt in found.values())


class _Try:
    """What is known so far of the tries of one clause."""

    def __init__(self, clause: Clause) -> None:
        self._clause = clause
        self._order = {id(goal): index for index, goal in enumerate(clause.goals)}
        self._is_met = False
        self._last = -1
        self._furthest: tuple[int, Term, tuple[Any, ...], int, int] | None = None

    def take(self, what: str, term: Term | None, values: tuple[Any, ...], position: int) -> None:
        """Take in one event of the clause."""
        if what == "proved":
            self._is_met = True
        elif what == "unmet" and term is not None and id(term) in self._order:
            index = self._order[id(term)]
            if self._furthest is None or index >= self._furthest[0]:
                self._furthest = (index, term, values, self._last + 1, position)
        self._last = position

    def told(self, events: Sequence[Event], conditions: Sequence[Condition]) -> Attempt:
        """The attempt as a whole."""
        if self._is_met:
            return Attempt(self._clause, True)
        if self._furthest is None:
            return Attempt(self._clause, False)
        _, term, values, start, end = self._furthest
        under: list[Attempt] = []
        for called in dict.fromkeys(_called(term)):
            under += attempts(events[start:end], conditions, called)
        return Attempt(self._clause, False, written(term), term.place, tuple(map(shown, values)), tuple(under))


def _called(term: Term) -> Generator[str, None, None]:
    """The rules that a condition calls."""
    match term:
        case Call(name, _, _):
            yield name
        case Not(inner, _):
            yield from _called(inner)
        case And(parts, _) | Or(parts, _):
            for part in parts:
                yield from _called(part)
        case _:
            pass


def shown(value: object) -> str:
    """A value as text: a record by type and id, an instant as a time. No personal text can be among them."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if value in {FOREVER, UNLIMITED}:
            return "for ever" if value == FOREVER else "unlimited"
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


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often a condition was met and unmet; a clause counts its tries as unmet and its solutions as met."""

    condition: Condition
    met: int
    unmet: int


def coverage(traces: Iterable[Sequence[Event]], conditions: Sequence[Condition]) -> list[Coverage]:
    """Count the events of traces, for every condition that the compiler knows."""
    counts = [[0, 0] for _ in conditions]
    for events in traces:
        for what, number, _ in events:
            counts[number][0 if what in {"met", "proved"} else 1] += 1
    return [Coverage(condition, met, unmet) for condition, (met, unmet) in zip(conditions, counts, strict=True)]
