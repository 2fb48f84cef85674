"""Snapshots: the facts at one revision, for one answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from sealauthz.facts.memory.sources import LookUps, RecordSource, Source
from sealauthz.facts.memory.timeline import HomeIndex
from sealauthz.facts.memory.wiring import WiredUnit, wire
from sealauthz.facts.store.acting import Observed
from sealauthz.facts.store.activations import Activated
from sealauthz.facts.store.values import text_problem
from sealauthz.schema import Model, Unit, Units


class StaleSnapshot(Exception):
    """A unit has changed since the revision that is read: the answer starts again."""


class Reading(LookUps, Protocol):
    """What a snapshot reads through: the facts at `revision` of the history `timeline`.

    `age_s` is how many seconds ago, at most, they were the newest. `activated` has every activation of policies up to
    the revision, and perhaps newer ones; None where that is not known.
    """

    units: Units
    revision: int
    timeline: str
    age_s: float
    activated: tuple[Activated, ...] | None

    def unit(self, unit: Unit) -> WiredUnit | None:
        """Return a wired unit; None if there is no such unit."""

    def lasts(self, records: WiredUnit) -> bool:
        """Tell whether a unit that was returned stays as it is when the answer is over."""


class FactSnapshot:
    """The facts at one revision, for one answer. Only for the call that was given it, and in one thread."""

    __slots__ = ("_held", "_homes", "_reading", "_units", "activated", "age_s", "revision", "timeline")

    def __init__(self, reading: Reading, homes: HomeIndex) -> None:
        self._reading = reading
        self._units = reading.units
        self._homes = homes
        self._held: dict[Unit, WiredUnit] = {}
        self.revision = reading.revision
        self.timeline = reading.timeline
        self.age_s = reading.age_s
        self.activated = reading.activated

    def observing(self, observed: Observed) -> FactSnapshot:
        """Return a snapshot of the same facts that notes what is read through it."""
        return FactSnapshot(ObservingReading(self._reading, observed), self._homes)

    def find(self, record_type: str, record_id: str) -> Any:
        """Return the record in its home unit, wired; None if there is none of that type and id.

        Reading a relation that its unit does not hold raises AttributeError. Raises FactsUnavailable.
        """
        return self.locate(record_type, record_id)[0]

    def locate(self, record_type: str, record_id: str) -> tuple[Any, Unit | None]:
        """Return the record in its home unit, wired, and that unit; None for both if there is none of that type and id.

        Raises FactsUnavailable.
        """
        units = self._units
        root = units.roots.get(record_type)
        if root is not None:
            home = Unit(root, record_id)
            held = self._held.get(home)
            if held is not None:
                return held[record_type][record_id], home
            if not _can_be_id(record_id):
                return None, None
        else:
            # A record's home never changes; but a record may be gone, and its id taken again elsewhere.
            known = self._homes.get(record_type, record_id)
            if known is not None:
                # As `_find_in` does, written out: this is done several times for each answer.
                held = self._held.get(known)
                if held is None:
                    held = self.unit(known)
                some = None if held is None else held.get(record_type)
                record = None if some is None else some.get(record_id)
                if record is not None:
                    return record, known
            if not units.knows(record_type) or not _can_be_id(record_id):
                return None, None
            found = self._home_among_held(record_type, record_id) or self._reading.home(record_type, record_id)
            if found is None:
                return None, None
            home = found
            self._homes.remember(record_type, record_id, home)
        record = self._find_in(home, record_type, record_id)
        return (None, None) if record is None else (record, home)

    def matching(self, record_type: str, **values: str) -> list[str]:
        """Return the ids of all records of a type that hold these values, in their order. Raises FactsUnavailable."""
        return self._reading.matching(record_type, values)

    def after(self, record_type: str, column: str, after: str, size: int) -> list[str]:
        """Return the first ids in a column behind one, in their order and each once. Raises FactsUnavailable."""
        return self._reading.after(record_type, column, after, size)

    def unit(self, unit: Unit) -> WiredUnit | None:
        """Return everything that a unit holds, by record type and id; None if there is no such unit."""
        # Ours to the end, whatever the fact cache keeps: within one snapshot a record is always the same object.
        records = self._held.get(unit)
        if records is None:
            records = self._reading.unit(unit)
            if records is not None:
                self._held[unit] = records
        return records

    def _home_among_held(self, record_type: str, record_id: str) -> Unit | None:
        """Return the home of a record that is at home in one of the units that were read already."""
        kind = self._units.home_kind(record_type)
        for unit, records in self._held.items():
            if unit.kind == kind:
                record = records.get(record_type, {}).get(record_id)
                if record is not None and self._units.is_at_home(record, unit, records):
                    return unit
        return None

    def _find_in(self, unit: Unit, record_type: str, record_id: str) -> Any:
        records = self.unit(unit)
        some = None if records is None else records.get(record_type)
        return None if some is None else some.get(record_id)


class ObservingReading:
    """Reads through another reading, and notes what is read: units and look-ups, and records that were not there."""

    def __init__(self, reading: Reading, observed: Observed) -> None:
        self._reading = reading
        self._observed = observed
        self.units = reading.units
        self.revision = reading.revision
        self.timeline = reading.timeline
        self.age_s = reading.age_s
        self.activated = reading.activated

    def unit(self, unit: Unit) -> WiredUnit | None:
        """Return a wired unit."""
        self._observed.units.add(unit)
        records = self._reading.unit(unit)
        if records is not None and self._reading.lasts(records):
            self._observed.held[unit] = records
        return records

    def lasts(self, records: WiredUnit) -> bool:
        """Tell whether a unit stays as it is."""
        return self._reading.lasts(records)

    def home(self, record_type: str, record_id: str) -> Unit | None:
        """Look up the home of a record, which may come to exist."""
        self._observed.records.add((record_type, record_id))
        return self._reading.home(record_type, record_id)

    def matching(self, record_type: str, values: Mapping[str, str]) -> list[str]:
        """Look up ids by values."""
        self._observed.look_ups.add((record_type, tuple(values.items())))
        return self._reading.matching(record_type, values)

    def after(self, record_type: str, column: str, after: str, size: int) -> list[str]:
        """Look up the next values of a column."""
        self._observed.pages.add(record_type)
        return self._reading.after(record_type, column, after, size)


class FixedReading(RecordSource):
    """Reads records given once."""

    timeline = ""
    age_s = 0.0
    activated: tuple[Activated, ...] | None = ()

    def __init__(self, model: Model, records: Iterable[Any], revision: int) -> None:
        super().__init__(model, records)
        self._model = model
        self.units = model.units
        self._wired: dict[Unit, WiredUnit | None] = {}
        self.revision = revision

    def unit(self, unit: Unit) -> WiredUnit | None:
        """Return a wired unit."""
        if unit not in self._wired:
            self._wired[unit] = wired_unit(self._model, self, unit)
        return self._wired[unit]

    def lasts(self, records: WiredUnit) -> bool:
        """Tell that a unit stays as it is."""
        return True


def wired_unit(model: Model, source: Source, unit: Unit) -> WiredUnit | None:
    """Load and wire a unit; None if there is no such unit."""
    loaded = source.load(unit)
    return wire(model, unit, loaded) if loaded.get(model.units.root_of[unit.kind]) else None


def _can_be_id(text: str) -> bool:
    """Tell whether a record can have this id; a database would refuse to be asked for some that none has."""
    return bool(text) and text_problem(text, is_indexed=True) is None
