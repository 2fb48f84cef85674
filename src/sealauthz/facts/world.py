"""The world: the facts in memory as policies read them, whole units wired and all at one revision.

The cached units are an immutable mapping, swapped by one reference. A picture takes the reference once, opens one read
transaction, and drops what has changed since; so whatever it returns belongs to the revision it names, and no lock is
held while a policy reads.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from sealauthz.domain import RECORDS, exact
from sealauthz.domain.record import values_of
from sealauthz.facts import loading
from sealauthz.facts.database import Snapshot
from sealauthz.facts.rows import RecordRows
from sealauthz.facts.store import Store
from sealauthz.facts.units import ROOTS, Unit, homes_of, units_of
from sealauthz.facts.values import text_problem
from sealauthz.facts.wiring import WiredUnit, wire

DEFAULT_MAX_UNITS = 4096
_ROOT_OF = {kind: record_type for record_type, kind in ROOTS.items()}
_HOMES_PER_UNIT = 16


class Source(Protocol):
    """Where a picture loads from what it does not have yet."""

    def load(self, unit: Unit) -> Mapping[str, Iterable[Any]]:
        """Return the records of a unit by type, unwired and the caller's own."""

    def home(self, record_type: str, record_id: str) -> Unit | None:
        """Return the home unit of a record; None if there is no such record."""

    def matching(self, record_type: str, values: Mapping[str, str]) -> list[str]:
        """Return the ids of the records that hold these values, in their order."""

    def after(self, record_type: str, column: str, after: str, size: int) -> list[str]:
        """Return the first values of a column behind one, in their order and each once; nothing is no value."""


@dataclass(slots=True)
class _Cached:
    """A wired unit, and whether a later picture has used it since the cache last looked for something to drop."""

    records: WiredUnit
    is_used: bool = False


@dataclass(frozen=True, slots=True)
class _State:
    """Units that are all valid at one revision of one history. Never changed, only replaced."""

    timeline: str
    revision: int
    units: Mapping[Unit, _Cached] = field(default_factory=dict)


class Picture:
    """The facts at one revision, for one decision or one batch. Use it inside its `with` block only, in one thread."""

    def __init__(self, world: World, state: _State, source: Source) -> None:
        self._world = world
        self._state = state
        self._source = source
        self._loaded: dict[Unit, WiredUnit] = {}
        self.revision = state.revision
        self.timeline = state.timeline

    def find(self, record_type: str, record_id: str) -> Any:
        """Return the record in its home unit, wired; None if there is none of that type and id.

        Reading a relation that its unit does not hold raises AttributeError. Raises FactsUnavailable.
        """
        unit = self.home(record_type, record_id)
        return None if unit is None else self._find_in(unit, record_type, record_id)

    def person(self, person_id: str) -> Any:
        """Return the person in the person's own unit; None if there is none."""
        return self.find("Person", person_id)

    def home(self, record_type: str, record_id: str) -> Unit | None:
        """Return the home unit of a record; None if there is no such record. Raises FactsUnavailable."""
        if record_type not in RECORDS or not record_id or text_problem(record_id, is_indexed=True):
            return None
        if record_type in ROOTS:
            unit = Unit(ROOTS[record_type], record_id)
            return None if self._find_in(unit, record_type, record_id) is None else unit
        # A record's home never changes; but a record may be gone, and its id taken again elsewhere.
        known = self._world.homes.get((record_type, record_id))
        if known is not None and self._find_in(known, record_type, record_id) is not None:
            return known
        found = self._source.home(record_type, record_id)
        if found is not None:
            self._world.remember_home(record_type, record_id, found)
        return found

    def matching(self, record_type: str, **values: str) -> list[str]:
        """Return the ids of all records of a type that hold these values, in their order. Raises FactsUnavailable."""
        return self._source.matching(record_type, values)

    def after(self, record_type: str, column: str, after: str, size: int) -> list[str]:
        """Return the first ids in a column behind one, in their order and each once. Raises FactsUnavailable."""
        return self._source.after(record_type, column, after, size)

    def unit(self, unit: Unit) -> WiredUnit | None:
        """Return everything that a unit holds, by record type and id; None if there is no such unit."""
        cached = self._state.units.get(unit)
        if cached is not None:
            if not cached.is_used:
                cached.is_used = True
            return cached.records
        # Ours to the end, whatever the world keeps: within one picture a record is always the same object.
        records = self._loaded.get(unit)
        if records is None:
            loaded = self._source.load(unit)
            if not loaded.get(_ROOT_OF[unit.kind]):
                return None
            records = self._loaded[unit] = wire(unit.kind, loaded)
            self._world.keep(self._state, unit, _Cached(records))
        return records

    def _find_in(self, unit: Unit, record_type: str, record_id: str) -> Any:
        records = self.unit(unit)
        return None if records is None else records.get(record_type, {}).get(record_id)


class _SnapshotSource:
    """Loads from one read transaction."""

    __slots__ = ("_snapshot",)

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def load(self, unit: Unit) -> Mapping[str, Iterable[Any]]:
        return loading.load_unit(self._snapshot, unit)

    def home(self, record_type: str, record_id: str) -> Unit | None:
        return loading.find_home(self._snapshot, record_type, record_id)

    def matching(self, record_type: str, values: Mapping[str, str]) -> list[str]:
        return loading.find_matching(self._snapshot, record_type, values)

    def after(self, record_type: str, column: str, after: str, size: int) -> list[str]:
        return loading.find_after(self._snapshot, record_type, column, after, size)


class _RecordSource:
    """Loads from records in memory."""

    def __init__(self, records: Iterable[Any]) -> None:
        records = [exact(type(record)(*values_of(record))) for record in records]
        rows = RecordRows(records)
        self._records = records
        self._units: dict[Unit, dict[str, list[Any]]] = {}
        self._homes = homes_of(records, rows)
        held = units_of(records, rows)
        for record in records:
            record_type = type(record).__name__
            for unit in held[record_type, record.id]:
                self._units.setdefault(unit, {}).setdefault(record_type, []).append(record)

    def load(self, unit: Unit) -> Mapping[str, Iterable[Any]]:
        # Copies, because a record is wired differently in each unit that holds it.
        held = self._units.get(unit, {})
        return {
            record_type: [type(record)(*values_of(record)) for record in records]
            for record_type, records in held.items()
        }

    def home(self, record_type: str, record_id: str) -> Unit | None:
        return self._homes.get((record_type, record_id))

    def matching(self, record_type: str, values: Mapping[str, str]) -> list[str]:
        return sorted(
            record.id
            for record in self._records
            if type(record).__name__ == record_type
            and all(getattr(record, column) == value for column, value in values.items())
        )

    def after(self, record_type: str, column: str, after: str, size: int) -> list[str]:
        values = {getattr(record, column) for record in self._records if type(record).__name__ == record_type}
        return sorted(value for value in values if value is not None and value > after)[:size]


class World:
    """The facts of a store, unit by unit in memory. Any thread may use it.

    At most `max_units` units are kept; what a picture holds stays whole even when the world drops it.
    """

    def __init__(self, store: Store | None, max_units: int = DEFAULT_MAX_UNITS) -> None:
        self._store = store
        self._max_units = max_units
        self._state = _State("", 0)
        self._swap = threading.Lock()
        self._fixed: Source | None = None
        self.homes: dict[tuple[str, str], Unit] = {}

    @classmethod
    def of_records(cls, records: Iterable[Any], revision: int = 1) -> World:
        """Return a world of these records alone, without a database. They are copied."""
        world = cls(None)
        world._fixed = _RecordSource(records)
        world._state = _State("", revision)
        return world

    @contextmanager
    def read(self) -> Iterator[Picture]:
        """Open a picture of the newest committed revision. Raises FactsUnavailable."""
        if self._store is None:
            if self._fixed is None:
                raise TypeError("a world has a store or records")
            yield Picture(self, self._state, self._fixed)
            return
        # Taken before the snapshot, so that the snapshot is never the older one unless history itself went back.
        state = self._state
        with self._store.snapshot() as snapshot:
            if snapshot.revision != state.revision or snapshot.timeline != state.timeline:
                state = self._advance(state, snapshot)
            yield Picture(self, state, _SnapshotSource(snapshot))

    def _advance(self, state: _State, snapshot: Snapshot) -> _State:
        """Return the units of a state that are still valid at the snapshot's revision."""
        touched = None
        if snapshot.timeline == state.timeline and snapshot.revision > state.revision:
            touched = loading.touched_since(snapshot, state.revision)
        # Another timeline, an older revision or too many changes: nothing is known to be still valid.
        units = {} if touched is None else {unit: held for unit, held in state.units.items() if unit not in touched}
        advanced = _State(snapshot.timeline, snapshot.revision, units)
        with self._swap:
            current = self._state
            is_same_history = current.timeline == advanced.timeline
            if is_same_history and current.revision == advanced.revision:
                return current  # another picture came first, and may have loaded more
            if current is state or not is_same_history or current.revision < advanced.revision:
                self._state = advanced
        return advanced

    def keep(self, state: _State, unit: Unit, cached: _Cached) -> None:
        """Let later pictures have a unit that one loaded, unless the world has moved on since."""
        with self._swap:
            current = self._state
            if (current.timeline, current.revision) == (state.timeline, state.revision):
                units = _bounded({**current.units, unit: cached}, unit, self._max_units)
                self._state = _State(state.timeline, state.revision, units)

    def remember_home(self, record_type: str, record_id: str, unit: Unit) -> None:
        """Remember where a record is at home."""
        if len(self.homes) >= self._max_units * _HOMES_PER_UNIT:
            self.homes.clear()
        self.homes[record_type, record_id] = unit


def _bounded(units: dict[Unit, _Cached], newest: Unit, limit: int) -> dict[Unit, _Cached]:
    """Return the units to keep: the oldest go first, but one that later pictures used goes to the end of the queue.

    So a scan, which uses every unit once, does not push out what is used again and again.
    """
    for candidate in list(units):
        if len(units) <= limit:
            break
        cached = units.pop(candidate)
        if cached.is_used or candidate == newest:
            cached.is_used = False
            units[candidate] = cached
    while len(units) > limit:
        del units[next(iter(units))]
    return units
