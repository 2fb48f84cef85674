"""What an answer read, what acts wrote, and whether the one may have noticed the other: record by record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any
from weakref import WeakValueDictionary

from sealauthz.schema import Column, Model


class What(IntEnum):
    """What is noted of a reading."""

    COLUMN = 0
    """A column of a record: its type, its id, and the column."""
    LINK = 1
    """What a record names: its type, its id, and the column that names it."""
    SCAN = 2
    """Who names a record: their type, the column, and the id of what they name."""
    MEMBER = 3
    """One of a collection that is gone through: the number of that, its type and its id."""
    END = 4
    """The end of a collection that was gone through."""
    ONE = 5
    """Whether there is a record: its type and its id."""
    WALK = 7
    """That a collection begins to be gone through: as in `SCAN`."""
    SOME = 6
    """Who holds some values: their type."""
    WHOLE = 8
    """That a collection is taken as a whole, and not gone through: as in `SCAN`."""
    HOLDING = 9
    """Who of a collection holds a value: as in `SCAN`, and the column and the value."""


Event = tuple[Any, ...]
Place = tuple[Any, ...]

_COLUMN, _LINK, _SCAN, _MEMBER, _END = What.COLUMN, What.LINK, What.SCAN, What.MEMBER, What.END


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Trace:
    """What an answer read. `rested` are places that it rests on; `passed` are columns of members of collections that it
    passed by for what stands in them alone, and `walked` the collections that it went through.

    Most answers read the same as some others: equal traces that are made here are one object as long as any of them is
    there.
    """

    rested: frozenset[Place] = frozenset()
    passed: frozenset[Place] = frozenset()
    walked: frozenset[Place] = frozenset()

    def __or__(self, other: Trace) -> Trace:
        return self if other is self else self.union((other,))

    def union(self, others: Iterable[Trace]) -> Trace:
        """Return what was read for any of several answers."""
        some = list({id(each): each for each in (self, *others)}.values())
        if len(some) == 1:
            return self
        return _one(*(frozenset().union(*part) for part in zip(*map(_places, some), strict=True)))


_traces: WeakValueDictionary[tuple[frozenset[Place], frozenset[Place], frozenset[Place]], Trace] = WeakValueDictionary()


def _one(rested: frozenset[Place], passed: frozenset[Place], walked: frozenset[Place]) -> Trace:
    key = rested, passed, walked
    found = _traces.get(key)
    if found is None:
        found = _traces[key] = Trace(*key)
    return found


def _places(trace: Trace) -> tuple[frozenset[Place], frozenset[Place], frozenset[Place]]:
    return trace.rested, trace.passed, trace.walked


def trace_of(
    events: Sequence[Event],
    stays: Callable[[Place], bool] | None,
    is_no_matter: Callable[[Place], bool] = lambda _: False,
) -> Trace:
    """Return what was read. Where members of collections may be passed by, `stays` tells of what no act alters: one
    of which nothing else was read but its own columns before the next one was looked at did not count. So it is with
    rules, which keep nothing of what they passed by.
    """
    rested: set[Place] = set()
    passed: set[Place] = set()
    walked: set[Place] = set()
    scanned: dict[Place, int] = {}
    nexts: dict[str, int] = {}
    ends: dict[int, int] = {}
    if stays is not None:
        for at in range(len(events) - 1, -1, -1):
            event = events[at]
            if event[0] in (_MEMBER, _END):
                if event[0] is _MEMBER and event[1] in nexts:
                    ends[at] = nexts[event[1]]
                nexts[event[1]] = at
    at = 0
    while at < len(events):
        event = events[at]
        what = event[0]
        if what is _MEMBER:
            end = ends.get(at)
            within = None if end is None else events[at + 1 : end]
            if within is not None and stays is not None and _is_passed(event[2:4], within, stays):
                passed.update(e[1:] for e in within if e[1:3] == event[2:4] and not stays(e[1:]))
                at = end or at + 1
                continue
            rested.add((*event[2:4], "id"))
        elif what is _COLUMN or what is _LINK:
            rested.add(event[1:])
        elif what is _SCAN:
            scanned[event[1:]] = scanned.get(event[1:], 0) + 1
        elif what is What.WALK:
            scanned[event[1:]] = scanned.get(event[1:], 0) - 1
            walked.add((_SCAN, *event[1:]))
            if stays is None:
                rested.add((_SCAN, *event[1:]))
        elif what is What.WHOLE:
            if stays is None:
                rested.add((_SCAN, *event[1:]))
        elif what is not _END:
            rested.add(event)
        at += 1
    if stays is not None:
        # What was looked at as a whole, and not gone through: whether it is empty, or what it equals. Rules ask for the
        # length of what they go through, which decides nothing; what effects do with a collection is noted each time.
        rested.update((_SCAN, *place) for place, times in scanned.items() if times > 0)
    return _one(*(frozenset(e for e in some if not is_no_matter(e)) for some in (rested, passed, walked)))


def _is_passed(member: tuple[str, str], within: Sequence[Event], stays: Callable[[Place], bool]) -> bool:
    """Tell whether nothing was read but what stands in a member itself, or stays as it is."""
    return all(e[0] in (_COLUMN, _LINK) and (e[1:3] == member or stays(e[1:])) for e in within)


def plain(value: Any) -> Any:
    """Return what a column holds as it is compared: a word as the text that it is."""
    return str.__str__(value) if isinstance(value, str) else value


def _held(record_type: str, columns: Sequence[Column], record: Any) -> set[Place]:
    """Who is found by a record among those that name the same: by each column of it."""
    if record is None:
        return set()
    values = [(column.name, plain(getattr(record, column.name))) for column in columns]
    named = [(column.name, getattr(record, column.name)) for column in columns if column.ref is not None]
    return {
        (What.HOLDING, record_type, key, owner, *each) for key, owner in named if owner is not None for each in values
    }


class Footprint:
    """What facts are otherwise than those of the beginning, as readers may notice it."""

    __slots__ = ("changed", "ids", "is_everywhere", "left", "made", "places", "said", "scans", "types")

    def __init__(
        self,
        model: Model,
        changes: Iterable[tuple[tuple[str, str], Any, Any]],
        held: frozenset[Any],
        leading: frozenset[str],
    ) -> None:
        self.made: set[tuple[str, str]] = set()
        """The records that came, or went."""
        self.changed: set[Place] = set()
        """Columns of others that hold something else."""
        self.scans: set[Place] = set()
        """The collections that have other members."""
        self.left: set[Place] = set()
        """Those of them that somebody left."""
        self.places: set[Place] = set()
        self.types: set[str] = set()
        """The types of the records that came."""
        self.said: dict[tuple[str, str], set[Any]] = {}
        """What is said by column of a type, and was not in the beginning."""
        self.is_everywhere = False
        """Whether records may be found from elsewhere now than before."""
        self.ids: set[str] = set()
        for key, was, record in changes:
            self.places |= {(What.ONE, *key), (What.SOME, key[0])}
            columns = model.shapes[key[0]].columns
            self.scans |= _held(key[0], columns, was) ^ _held(key[0], columns, record)
            if was is None or record is None:
                self.made.add(key)
                self.types.add(key[0])
                self.ids.add(key[1])
                self.is_everywhere = self.is_everywhere or key[0] in leading
            for column in columns:
                old = None if was is None else getattr(was, column.name)
                new = None if record is None else getattr(record, column.name)
                if was is not None and record is not None and old == new:
                    continue
                if key not in self.made:
                    self.is_everywhere = self.is_everywhere or column.ref is not None
                    self.changed.add((*key, column.name))
                if column.ref is not None and old is not None:
                    self.left.add((What.SCAN, key[0], column.name, old))
                if column.ref is not None:
                    self.scans |= {(What.SCAN, key[0], column.name, each) for each in (old, new) if each is not None}
                if (
                    column.name != "id"
                    and column.words is None
                    and type(new) is not bool
                    and new is not None
                    and new not in held
                ):
                    some = {new} if not isinstance(new, int) else {new - 1, new, new + 1}
                    self.said.setdefault((key[0], column.name), set()).update(some - held)

    def has(self, text: str) -> bool:
        """Tell whether a text is said that was not in the beginning."""
        return any(text in some for some in self.said.values())

    def is_noticed_by(self, trace: Trace) -> bool:
        """Tell whether an answer that was given where this is so rests on it."""
        if self.is_everywhere:
            return True
        if not self.changed.isdisjoint(trace.rested) or not self.changed.isdisjoint(trace.passed):
            return True
        if not self.left.isdisjoint(trace.walked):
            return True
        if not self.places.isdisjoint(trace.rested) or not self.scans.isdisjoint(trace.rested):
            return True
        return any(place[:2] in self.made for place in trace.rested)

    def may_be_noticed_by(self, trace: Trace) -> bool:
        """Tell whether an answer that was given where this is not so might be another one where it is."""
        return self.is_noticed_by(trace) or not self.scans.isdisjoint(trace.walked)
