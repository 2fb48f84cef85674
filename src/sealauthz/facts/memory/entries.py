"""The cache of loaded units: bounded by memory, and not emptied by a scan.

A unit that is loaded for the first time is on trial, in a queue of a tenth of the room. Only one that is read again
there, or that comes back soon after it had to leave, gets into the main queue; what a scan reads once never pushes out
what is read again and again. (The method is S3-FIFO: Yang et al., "FIFO queues are all you need for cache eviction",
SOSP 2023.)
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import NamedTuple

from sealauthz.facts.memory.wiring import WiredUnit
from sealauthz.schema import Unit

_TRIAL_SHARE = 10
_MOST_READS = 3
_SPARE = 64


@dataclass(slots=True)
class Entry:
    """A wired unit, the revision from which on it is known to have been so, and the bytes that it takes.

    `number` tells what was put in the place of it apart: the queues hold that, and no unit that was dropped.
    """

    records: WiredUnit
    since: int
    cost: int
    reads: int = 0
    is_on_trial: bool = True
    number: int = 0
    reach: Reach | None = None
    """Of a large unit, which is changed in place: who reads it."""

    def enter(self, reader: object) -> bool:
        """Begin to read. False for a unit that is about to be changed, or was."""
        return self.reach is None or self.reach.enter(reader)

    def leave(self, reader: object) -> None:
        """End to read."""
        if self.reach is not None:
            self.reach.leave(reader)

    def wait_until_left(self, timeout_s: float) -> bool:
        """Wait until nobody reads; False if that takes longer. Nobody begins any more."""
        return self.reach is not None and self.reach.wait_until_left(timeout_s)

    def successor(self, cost: int) -> Entry:
        """Return the entry of the same unit once it was changed."""
        return Entry(self.records, self.since, cost, self.reads, self.is_on_trial, reach=Reach())


class Reach:
    """Who reads one state of a unit that will be changed in place.

    INVARIANT: who has entered reads that state to the end, and nobody enters once it is closed. A reader first says
    that it is there and then looks whether it is closed; who changes the unit first closes it and then looks who is
    there.
    """

    __slots__ = ("_is_closed", "_left", "_readers")

    def __init__(self) -> None:
        self._readers: set[object] = set()
        self._is_closed = False
        self._left = threading.Event()

    def enter(self, reader: object) -> bool:
        """Begin to read; False if it is closed."""
        self._readers.add(reader)
        if self._is_closed:
            self.leave(reader)
            return False
        return True

    def leave(self, reader: object) -> None:
        """End to read."""
        self._readers.discard(reader)
        if self._is_closed:
            self._left.set()

    def close(self) -> None:
        """Let nobody enter any more."""
        self._is_closed = True

    def wait_until_left(self, timeout_s: float) -> bool:
        """Wait until nobody reads; False if that takes longer."""
        self.close()
        until = time.monotonic() + timeout_s
        while True:
            self._left.clear()  # before the look: who leaves after it is heard
            if not self._readers:
                return True
            if not self._left.wait(max(0.0, until - time.monotonic())):
                return not self._readers


class Aside(NamedTuple):
    """A large unit that has changed since `revision`, as it was then."""

    entry: Entry
    revision: int


class EntryCache:
    """Units by their names. Any thread may read; a thread that changes it holds the lock of its fact cache."""

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.bytes = 0
        self.evicted = 0
        self._units: dict[Unit, Entry] = {}
        self._trial: deque[tuple[Unit, int]] = deque()
        self._main: deque[tuple[Unit, int]] = deque()
        self._trial_bytes = 0
        self._number = 0
        self._left: OrderedDict[Unit, None] = OrderedDict()
        self._aside: OrderedDict[Unit, Aside] = OrderedDict()

    def __len__(self) -> int:
        return len(self._units)

    def __contains__(self, unit: object) -> bool:
        return unit in self._units

    def get(self, unit: Unit) -> Entry | None:
        """Return a unit that is here, and count the reading."""
        held = self._units.get(unit)
        if held is not None and held.reads < _MOST_READS:
            held.reads += 1
        return held

    def is_reloaded(self, unit: Unit) -> bool:
        """Tell whether a unit is here, was read again after it was loaded, and is loaded again when it changes."""
        held = self._units.get(unit)
        return held is not None and held.reach is None and _is_read_again(held)

    def put(self, unit: Unit, held: Entry) -> None:
        """Keep a unit, instead of what was kept for it, and let others go. One that is larger than all is not kept."""
        self.drop(unit)
        self.take_aside(unit)
        if held.cost > self.budget:
            return
        came_back = unit in self._left
        self._left.pop(unit, None)
        held.is_on_trial = not came_back and held.is_on_trial
        self._number += 1
        held.number = self._number
        self._units[unit] = held
        self.bytes += held.cost
        if held.is_on_trial:
            self._trial.append((unit, held.number))
            self._trial_bytes += held.cost
        else:
            self._main.append((unit, held.number))
        while self.bytes > self.budget:
            self._evict()
        self._tidy()

    def standing(self, unit: Unit) -> tuple[int, bool]:
        """Return how often a unit was read and whether it is on trial, for the newer state of it."""
        held = self._units.get(unit)
        return (0, True) if held is None else (held.reads, held.is_on_trial)

    def drop(self, unit: Unit) -> None:
        """Forget a unit. Those who hold it keep it."""
        held = self._units.pop(unit, None)
        if held is not None:
            self.bytes -= held.cost
            if held.is_on_trial:
                self._trial_bytes -= held.cost

    def drop_changed(self, unit: Unit, revision: int) -> None:
        """Forget a unit that is so no longer after a revision. A large one is laid aside, to be changed."""
        held = self._units.get(unit)
        self.drop(unit)
        if held is not None and held.reach is not None:
            self.lay_aside(unit, Aside(held, revision))

    def lay_aside(self, unit: Unit, aside: Aside) -> None:
        """Keep a large unit as it was at a revision, for who changes it. Nobody begins to read it any more."""
        if aside.entry.reach is not None:
            aside.entry.reach.close()
        self.take_aside(unit)
        if unit in self._units:
            return  # another one has loaded it
        self._aside[unit] = aside
        self.bytes += aside.entry.cost
        while self.bytes > self.budget:
            self._evict()

    def take_aside(self, unit: Unit) -> Aside | None:
        """Return what was laid aside of a unit, if anything was. It is the caller's from now on."""
        aside = self._aside.pop(unit, None)
        if aside is not None:
            self.bytes -= aside.entry.cost
        return aside

    def read_often(self) -> list[Unit]:
        """Return the units laid aside that were read again after they were loaded."""
        return [unit for unit, (entry, _) in self._aside.items() if _is_read_again(entry)]

    def _evict(self) -> None:
        """Let the next unit go, or move it to where it has earned to be."""
        if self._aside:
            self.take_aside(next(iter(self._aside)))
            return
        is_trial = bool(self._trial) and (self._trial_bytes * _TRIAL_SHARE >= self.budget or not self._main)
        unit, number = (self._trial if is_trial else self._main).popleft()
        held = self._units.get(unit)
        if held is None or held.number != number:
            return  # dropped or replaced since
        if is_trial:
            self._trial_bytes -= held.cost
            held.is_on_trial = False
        if held.reads > 0:
            held.reads = 0 if is_trial else held.reads - 1
            self._main.append((unit, number))
            return
        self.drop(unit)
        self.evicted += 1
        if is_trial:
            self._left[unit] = None
            while len(self._left) > len(self._units) + _SPARE:
                self._left.popitem(last=False)

    def _tidy(self) -> None:
        """Take what was dropped or replaced out of the queues, once it is half of them."""
        if len(self._trial) + len(self._main) > 2 * len(self._units) + _SPARE:
            self._trial = deque(filter(self._is_live, self._trial))
            self._main = deque(filter(self._is_live, self._main))

    def _is_live(self, entry: tuple[Unit, int]) -> bool:
        held = self._units.get(entry[0])
        return held is not None and held.number == entry[1]


def _is_read_again(entry: Entry) -> bool:
    return entry.reads > 0 or not entry.is_on_trial
