"""Loads: what is not in memory is brought there, once for all who want it at the same time.

Small units are loaded. Large ones that were in memory and have changed are moved on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from sealauthz.facts.memory.entries import Aside, Entry, Reach
from sealauthz.facts.memory.footprint import footprint
from sealauthz.facts.memory.lookups import Key
from sealauthz.facts.memory.moving import moved
from sealauthz.facts.memory.reading import Load, Loading, Statistics, StoreReading
from sealauthz.facts.memory.snapshot import wired_unit
from sealauthz.facts.memory.sources import TransactionSource
from sealauthz.facts.memory.timeline import Timeline
from sealauthz.facts.memory.wiring import WiredUnit
from sealauthz.facts.store.database import ReadTransaction
from sealauthz.runtime.errors import FactNotLoaded
from sealauthz.schema import Unit

DEFAULT_LARGE_BYTES = 200_000
"""Some 400 facts: what takes about 5 ms to load."""

_PATIENCE_S = 0.01
_LOAD_S_PER_BYTE = 3e-8
_MOVED_AT_ONCE = 16


class Loads:
    """The loads of one fact cache, under its lock. `timeline` says which one it follows now.

    Units from `large_bytes` on are changed in place.
    """

    def __init__(
        self, lock: threading.Lock, timeline: Callable[[], Timeline], statistics: Statistics, large_bytes: int
    ) -> None:
        self._lock = lock
        self._timeline = timeline
        self._statistics = statistics
        self._large_bytes = large_bytes
        self._loading: dict[Unit, Loading] = {}

    def load(self, unit: Unit, reading: StoreReading) -> WiredUnit | None:
        """Load a unit for a reading, once for all who want it at the same time, and keep it. Raises StaleSnapshot."""
        with self._lock:
            loading = self._loading.get(unit)
            is_ours = loading is None
            if loading is None:
                loading = self._loading[unit] = Loading(threading.Event())
        if not is_ours:
            load = reading.wait_for(loading)
            if load is not None and reading.fits(load, unit) and (load.entry is None or reading.enter(load.entry)):
                self._statistics.joined_loads += 1
                return None if load.entry is None else load.entry.records
            return self._keep(unit, reading.load(unit), reading)
        try:
            loading.load = reading.load(unit)
            return self._keep(unit, loading.load, reading)
        finally:
            self._loaded(unit, loading)

    def _loaded(self, unit: Unit, loading: Loading) -> None:
        """Tell those who wait for a load that it is over."""
        with self._lock:
            del self._loading[unit]
        loading.done.set()

    def made(self, unit: Unit, line: Timeline, transaction: ReadTransaction, patience_s: float) -> Entry | None:
        """Return a unit as a transaction of a timeline sees it; None if there is no such unit.

        A large one that was in memory is moved on, once nobody reads it as it was; else it is loaded.
        """
        with self._lock:
            aside = line.cache.take_aside(unit)
            if aside is not None and aside.revision > transaction.revision:
                line.cache.lay_aside(unit, aside)  # others have seen more than this transaction
                aside = None
        if aside is not None:
            # Not longer than loading would take.
            entry = moved(transaction, unit, aside, min(patience_s, _PATIENCE_S + aside.entry.cost * _LOAD_S_PER_BYTE))
            if entry is not None:
                self._statistics.moved += 1
                return entry
        self._statistics.loads += 1
        records = wired_unit(transaction.tables.model, TransactionSource(transaction), unit)
        return None if records is None else self.entry(records)

    def keep(self, line: Timeline, key: Key, values: Sequence[str], revision: int) -> None:
        """Keep what a look-up found at a revision of a timeline, if that is still what it finds."""
        with self._lock:
            if self._timeline() is line and revision <= line.revision:
                line.look_ups.keep(key, values, revision)

    def renew(self, line: Timeline, key: Key) -> None:
        """Keep a look-up that was asked for again."""
        with self._lock:
            line.look_ups.renew(key)

    def entry(self, records: WiredUnit) -> Entry:
        """Return the entry of a unit that was loaded."""
        cost = footprint(records)
        return Entry(records, 0, cost, reach=Reach() if cost >= self._large_bytes else None)

    def _keep(self, unit: Unit, load: Load, reading: StoreReading | None) -> WiredUnit | None:
        """Keep what was loaded, if it is still what the unit is; a large unit that is behind is laid aside."""
        entry = load.entry
        if entry is None:
            return None
        if reading is not None:
            reading.enter(entry)  # before others can see it, and change it
        with self._lock:
            since = load.timeline.same_since(unit)
            if self._timeline() is load.timeline and load.revision <= load.timeline.revision:
                entry.since = since
                if since <= load.revision:
                    load.timeline.cache.put(unit, entry)
                elif entry.reach is not None:
                    load.timeline.cache.lay_aside(unit, Aside(entry, load.revision))
        return entry.records

    def move_on(self, timeline: Timeline, transaction: ReadTransaction) -> None:
        """Move on what is large, read often, and was changed, unless others do."""
        with self._lock:
            units = timeline.cache.read_often()[:_MOVED_AT_ONCE]
        for unit in units:
            with self._lock:
                if self._timeline() is not timeline or unit in self._loading:
                    continue
                aside = timeline.cache.take_aside(unit)
                if aside is None:
                    continue
                if aside.revision > transaction.revision or not aside.entry.wait_until_left(0):
                    timeline.cache.lay_aside(unit, aside)  # who needs it next waits for it
                    continue
                loading = self._loading[unit] = Loading(threading.Event())
            try:
                with suppress(FactNotLoaded):  # it is being imported, and must not be held
                    entry = moved(transaction, unit, aside, _PATIENCE_S)
                    if entry is not None:
                        self._statistics.moved += 1
                        loading.load = Load(timeline, transaction.revision, entry)
                        self._keep(unit, loading.load, None)
            finally:
                self._loaded(unit, loading)
