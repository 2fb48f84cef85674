"""Records that got their places long after their answers: where a list of a time that is over has to look for them.

Places rise with the times at which they were given, and most are given at once: what was answered before an instant
stands before the first place of somewhat later. What waited, while the database took no records, may stand anywhere
behind it. So each checkpoint says since when those of its records were answered that came late, and all others are
passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from operator import le, sub
from typing import NamedTuple

from sqlalchemy import BigInteger, bindparam, func, select, text

from sealauthz.facts.store.statements import Driver, compiled
from sealauthz.facts.store.system_tables import AUDIT_CHECKPOINT, AUDIT_LOG, MAY_BE_LATE

LATE_US = 10_000_000
"""A record is late that got its place so long after its answer, or later."""

PERIOD_US = 60_000_000
"""Of the checkpoints within one, the last is kept."""

EVERYWHERE = 1 << 62
"""Behind every place."""

_CLOCKS_APART_US = 60_000_000
_MOST = 200
"""So many checkpoints with late records are told apart; before those, everything is looked at."""


def late_from(placed_at: int, answered: Iterable[int]) -> int | None:
    """Return when the first record was answered of those that are late; None where none is. A time is at least 0."""
    first = min((at for at in answered if placed_at - at >= LATE_US), default=None)
    return None if first is None else max(first, 0)


class Kept(NamedTuple):
    """What a checkpoint says of when its records were answered."""

    period: int
    size: int
    late_from: int | None

    def passes_over(self, at: int) -> bool:
        """Tell whether lists pass over late records that were answered at an instant."""
        return self.late_from is None or at < self.late_from


KEPT = "SELECT period, size, late_from FROM audit_checkpoint ORDER BY period"


class Times:
    """Checks record by record, in the order of their places, that no list of a time passes over one."""

    def __init__(self, checkpoints: Iterable[Kept]) -> None:
        self._left = list(checkpoints)[::-1]
        self._placed_at = 0

    def passes(self, placed_at: Sequence[int], answered_at: Sequence[int]) -> bool:
        """Tell whether nothing is wrong with the next records, of which each got its place at once; where that cannot
        be told of all at once, they are still the next.
        """
        in_order = placed_at[0] >= self._placed_at and all(map(le, placed_at, placed_at[1:]))
        if not in_order or max(map(sub, placed_at, answered_at)) >= LATE_US:
            return False
        self._placed_at = placed_at[-1]
        return True

    def wrong_with(self, number: int, placed_at: int, answered_at: int) -> str:
        """Say what is wrong; empty where nothing is."""
        while self._left and self._left[-1].size <= number:
            self._left.pop()
        before, self._placed_at = self._placed_at, max(self._placed_at, placed_at)
        if placed_at < before:
            return "is kept as if it had its place before the one before it"
        kept = self._left[-1] if self._left else None
        if kept is None or placed_at - answered_at < LATE_US:
            return ""
        if kept.period < placed_at // PERIOD_US or kept.passes_over(answered_at):
            return "is not found by when it was answered: its checkpoint says later"
        return ""


class Places(NamedTuple):
    """Places of the log from `first` on, before `end`."""

    first: int
    end: int


def places_of(driver: Driver, since: int, until: int, before: int) -> list[Places]:
    """Return where all stands that was answered since an instant, before another one (0: whenever), and has a place
    before some place: the newest first, without overlap. More may stand there.
    """
    statements, least = _statements(driver.is_postgresql), 0
    if since:
        # A record gets its place after it was answered: who places it may have another clock.
        first = driver.rows(statements.first_since, {"since": since - _CLOCKS_APART_US})[0][0]
        if first is None:
            return []
        least = first
    if least >= before:
        return []
    if not until:
        return [Places(least, before)]
    end = driver.rows(statements.first_since, {"since": until + LATE_US})[0][0]
    if end is None or end >= before:
        return [Places(least, before)]
    end = max(end, least)
    return _joined([*_late(driver, end, until, before), (least, end)])


def _late(driver: Driver, first: int, until: int, before: int) -> list[tuple[int, int]]:
    """Return where, from a place on, late records may stand that were answered before an instant; some ends are their
    beginnings, or before them.
    """
    statements = _statements(driver.is_postgresql)
    newest = driver.rows(statements.newest)
    found = [(max(newest[0][0] if newest else 0, first), before)]  # what no checkpoint counts
    parameters = {"period": (until + LATE_US) // PERIOD_US, "until": until}
    rows = driver.rows(statements.late, parameters)
    found += [(max(begin or 0, first), min(end, before)) for begin, end in rows]
    if len(rows) == _MOST:
        found.append((first, found[-1][0]))
    return found


def _joined(found: Iterable[tuple[int, int]]) -> list[Places]:
    """Return what is not empty, and as one what follows on each other."""
    places: list[Places] = []
    for begin, end in found:
        if begin >= end:
            continue
        if places and places[-1].first == end:
            places[-1] = Places(begin, places[-1].end)
        else:
            places.append(Places(begin, end))
    return places


class _Statements(NamedTuple):
    first_since: str
    newest: str
    late: str


@cache
def _statements(is_postgresql: bool) -> _Statements:
    row, kept, earlier = AUDIT_LOG.c, AUDIT_CHECKPOINT.c, AUDIT_CHECKPOINT.alias("earlier").c
    # Places and times rise together. A planner that looked for the least number would read all of them.
    since = select(func.min(row.at)).where(row.at >= bindparam("since", type_=BigInteger)).scalar_subquery()
    begin = select(earlier.size).where(earlier.period < kept.period).order_by(earlier.period.desc())
    late = (
        select(begin.suffix_with("LIMIT 1").scalar_subquery(), kept.size)
        .where(
            kept.period >= bindparam("period", type_=BigInteger),
            text(f"({MAY_BE_LATE})"),
            kept.late_from < bindparam("until", type_=BigInteger),
        )
        .order_by(kept.period.desc())
    )
    return _Statements(
        compiled(select(func.min(row.number)).where(row.at == since), is_postgresql),
        f"{compiled(select(kept.size).order_by(kept.period.desc()), is_postgresql)} LIMIT 1",
        f"{compiled(late, is_postgresql)} LIMIT {_MOST:d}",
    )
