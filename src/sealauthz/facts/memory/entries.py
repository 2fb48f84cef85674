"""The cache of loaded units: bounded by memory, and not emptied by a scan.

A unit that is loaded for the first time is on trial, in a queue of a tenth of the room. Only one that is read again
there, or that comes back soon after it had to leave, gets into the main queue; what a scan reads once never pushes out
what is read again and again. (The method is S3-FIFO: Yang et al., "FIFO queues are all you need for cache eviction",
SOSP 2023.)
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass

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

    def is_hot(self, unit: Unit) -> bool:
        """Tell whether a unit is here and was read again after it was loaded."""
        held = self._units.get(unit)
        return held is not None and (held.reads > 0 or not held.is_on_trial)

    def put(self, unit: Unit, held: Entry) -> None:
        """Keep a unit, instead of what was kept for it, and let others go. One that is larger than all is not kept."""
        self.drop(unit)
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

    def _evict(self) -> None:
        """Let the next unit go, or move it to where it has earned to be."""
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
