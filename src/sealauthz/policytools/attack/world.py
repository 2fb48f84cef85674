"""The facts at one point of a search, as policies read them. A move makes another world, which shares what is the same.

Nothing here is in a database: what a move changes goes through the rules that every write keeps, and the constraints of
the tables are asked of tables in memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from typing import Any, NamedTuple

from sealauthz.facts.memory.snapshot import FactSnapshot
from sealauthz.facts.memory.timeline import HomeIndex
from sealauthz.facts.memory.wiring import WiredUnit, wire
from sealauthz.facts.store.activations import Activated
from sealauthz.facts.store.invariants import check_each, check_references, check_together
from sealauthz.facts.store.rows import RecordRows
from sealauthz.facts.store.values import checked, checked_values
from sealauthz.policytools.attack.views import View
from sealauthz.policytools.testing.fixtures import FactSet, Key
from sealauthz.policytools.testing.possible import check_constraints
from sealauthz.runtime.errors import FactConflict, InvariantBroken, SealAuthzError
from sealauthz.schema import (
    FOREVER,
    Change,
    Changes,
    Delete,
    Instant,
    Model,
    Put,
    RecordChange,
    Unit,
    Update,
    shape_of,
    values_of,
)
from sealauthz.schema.record import exact

_HOMES = 10_000

_MOST_WAYS = 64
"""In how many ways it is kept what a move writes; then all are forgotten."""

Digest = int


def digest_of(record: Any) -> Digest:
    """What a record is, as a number of 128 bits."""
    said = repr((type(record).__name__, *map(_plain, values_of(record))))
    return int.from_bytes(hashlib.blake2b(said.encode(), digest_size=16).digest())


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, str) else value


class Written:
    """What a move changes: the records that it changes, by key, each before and after, and the digest of all facts
    then.
    """

    __slots__ = ("after", "before", "digest")

    def __init__(self, before: Mapping[Key, Any], after: Mapping[Key, Any], digest: Digest) -> None:
        self.before = before
        self.after = after
        self.digest = digest

    @property
    def changes(self) -> Iterable[Change]:
        """The changes, record by record."""
        return [Change(*key, self.before[key], record) for key, record in self.after.items()]


class Writing:
    """The changes of a move, worked out once for each way in which the records that they change are found."""

    __slots__ = ("_keys", "_known", "changes")

    def __init__(self, changes: tuple[RecordChange, ...]) -> None:
        self.changes = changes
        self._keys = tuple(map(_key_of, changes))
        self._known: dict[tuple[Digest, ...], Written | None] = {}

    def on(self, world: World) -> Written | None:
        """Return what is written in a world, before any rule is asked; None where it cannot be."""
        found_as = tuple([world.digest_at(key) for key in self._keys])
        if found_as in self._known:
            known = self._known[found_as]
        else:
            if len(self._known) >= _MOST_WAYS:
                self._known.clear()
            known = self._known[found_as] = self._written(world)
        return None if known is None else Written(known.before, known.after, world.digest ^ known.digest)

    def _written(self, world: World) -> Written | None:
        try:
            written = world.written(self.changes)
        except SealAuthzError:
            return None
        return Written(written.before, written.after, world.digest ^ written.digest)


def _key_of(change: RecordChange) -> Key:
    if isinstance(change, Put):
        return type(change.record).__name__, change.record.id
    return change.record_type, change.id


def _moves(was: Any, record: Any) -> bool:
    """Tell whether a record names another record than it did."""
    cls: type = type(record)
    return any(getattr(was, name) != getattr(record, name) for name in _keys(cls))


@cache
def _keys(cls: type) -> tuple[str, ...]:
    return tuple(column.name for column in shape_of(cls).columns if column.ref is not None)


def _leading(model: Model) -> frozenset[str]:
    """The types of which a new record may lead others to a unit: those that are found by what they name."""
    paths = (path for kind in model.units.kinds for name in model.shapes for path in model.units.paths_to(kind, name))
    return frozenset(step.record for path in paths for step in path if not step.is_up)


class Held(NamedTuple):
    """Which units hold each record, which records each unit holds, and what it holds as a number."""

    units: dict[Key, set[Unit]]
    keys: dict[Unit, list[Key]]
    versions: dict[Unit, Digest]


class World:
    """Facts of a model, never changed. It is what `FactSnapshot` reads through: the units of these facts, wired."""

    revision = 1
    timeline = ""
    age_s = 0.0
    activated: tuple[Activated, ...] | None = ()

    def __init__(
        self,
        facts: FactSet,
        first: FactSet | None = None,
        before: World | None = None,
    ) -> None:
        self.facts = facts
        self.model: Model = facts.model
        self.units = self.model.units
        self._first = first or facts
        """The facts that the search began with."""
        self._before = before
        self._homes: HomeIndex = before._homes if before is not None else HomeIndex(_HOMES)
        self._leading: frozenset[str] = before._leading if before is not None else _leading(self.model)
        self._seen: dict[View, int] = {}
        self._wired: dict[Unit, WiredUnit | None] = {}
        self._changed: list[tuple[Key, Any, Any]] = [] if before is None else list(facts.since(before.facts))
        """What is another record than in the world before: its key, and it before and after."""
        self._records: dict[Key, Any] = dict(facts.items()) if before is None else dict(before._records)
        self._by_type: dict[str, dict[str, Any]] = {} if before is None else dict(before._by_type)
        self._digests: dict[Key, Digest] = {} if before is None else dict(before._digests)
        if before is None:
            for (record_type, record_id), record in self._records.items():
                self._by_type.setdefault(record_type, {})[record_id] = record
                self._digests[record_type, record_id] = digest_of(record)
        else:
            self._take_changes()

    def _take_changes(self) -> None:
        """Take over what is another record; what others see of the world before stays theirs."""
        for record_type in {key[0] for key, _, _ in self._changed}:
            self._by_type[record_type] = dict(self._by_type.get(record_type, {}))
        for key, _, record in self._changed:
            if record is None:
                del self._records[key], self._by_type[key[0]][key[1]], self._digests[key]
            else:
                self._records[key] = self._by_type[key[0]][key[1]] = record
                self._digests[key] = digest_of(record)

    def __contains__(self, key: Key) -> bool:
        return key in self._records

    @property
    def records(self) -> Mapping[str, Mapping[str, Any]]:
        """All records by type and id, unwired."""
        return self._by_type

    def ids(self, record_type: str) -> list[str]:
        """The ids of the records of a type."""
        return list(self._by_type.get(record_type, ()))

    @cached_property
    def instants(self) -> frozenset[Instant]:
        """The instants that records hold."""
        found: set[Instant] = set()
        for record_type, some in self.records.items():
            columns = [column.name for column in self.model.shapes[record_type].columns if column.is_instant]
            for record in some.values():
                found.update(at for name in columns if 0 < (at := getattr(record, name)) < FOREVER)
        return frozenset(found)

    @cached_property
    def digest(self) -> Digest:
        """What these facts are: equal facts have the same."""
        whole = 0
        for each in self._digests.values():
            whole ^= each
        return whole

    @cached_property
    def rows(self) -> RecordRows:
        """The records as rows."""
        if self._before is None:
            return RecordRows(self._records.values())
        gone = [key for key, _, record in self._changed if record is None]
        return RecordRows([record for _, _, record in self._changed if record is not None], self._before.rows, gone)

    @cached_property
    def _held(self) -> Held:
        """Which units hold which records. A unit loses or gets a record only by what `_leads_elsewhere` tells."""
        before = self._before
        if before is None or self._leads_elsewhere():
            by_key = self.units.units_of(self._records.values(), self.rows)
            held = Held(by_key, {}, {})
            for key, units in by_key.items():
                for unit in units:
                    held.keys.setdefault(unit, []).append(key)
                    held.versions[unit] = held.versions.get(unit, 0) ^ self._digests[key]
            return held
        old = before._held
        held = Held(dict(old.units), dict(old.keys), dict(old.versions))
        for key, units in self.units.units_of([new for _, was, new in self._changed if was is None], self.rows).items():
            held.units[key] = units
            for unit in units:
                held.keys[unit] = [*held.keys.get(unit, ()), key]
        for key, _, _ in self._changed:
            for unit in held.units[key]:
                held.versions[unit] = held.versions.get(unit, 0) ^ before._digests.get(key, 0) ^ self._digests[key]
        return held

    def _leads_elsewhere(self) -> bool:
        """Tell whether a change may move a record that it does not touch, or one that was there, to another unit."""
        for (record_type, _), was, record in self._changed:
            if record is None or (was is None and record_type in self._leading):
                return True
            if was is not None and _moves(was, record):
                return True
        return False

    def version(self, unit: Unit) -> Digest:
        """What a unit holds, as a number: 0 where there is no such unit."""
        return self._held.versions.get(unit, 0)

    def as_seen_by(self, view: View) -> int:
        """What these facts are in a view, as a number."""
        found = self._seen.get(view)
        if found is None:
            if self._before is None:
                found = 0
                for record in self._records.values():
                    found ^= view.mark(record)
            else:
                found = self._before.as_seen_by(view)
                for _, was, record in self._changed:
                    found ^= view.mark(was) ^ view.mark(record)
            self._seen[view] = found
        return found

    def digest_at(self, key: Key) -> Digest:
        """What a record is, as a number: 0 where there is none."""
        return self._digests.get(key, 0)

    @property
    def changed(self) -> Iterable[Change]:
        """What is another record than in the world that this one was made from."""
        return [Change(*key, was, record) for key, was, record in self._changed]

    def snapshot(self) -> FactSnapshot:
        """Return the facts as one decision reads them."""
        return FactSnapshot(self, self._homes)

    # --- what a snapshot reads through -------------------------------------------------------------------------------

    def unit(self, unit: Unit) -> WiredUnit | None:
        """Return a wired unit; None if there is no such unit."""
        if unit not in self._wired:
            self._wired[unit] = self._shared(unit) or self._wire(unit)
        return self._wired[unit]

    def _shared(self, unit: Unit) -> WiredUnit | None:
        before = self._before
        if before is None or before.version(unit) != self.version(unit):
            return None
        return before._wired.get(unit)

    def _wire(self, unit: Unit) -> WiredUnit | None:
        loaded: dict[str, list[Any]] = {}
        for key in self._held.keys.get(unit, ()):
            # A record is wired differently in each unit that holds it.
            record = self._records[key]
            own = type(record)(*values_of(record))
            loaded.setdefault(key[0], []).append(exact(own))
        if not loaded.get(self.units.root_of[unit.kind]):
            return None
        return wire(self.model, unit, loaded)

    def lasts(self, records: WiredUnit) -> bool:
        """Tell that a unit stays as it is."""
        return True

    def home(self, record_type: str, record_id: str) -> Unit | None:
        """Look up the home of a record."""
        record = self._records.get((record_type, record_id))
        return None if record is None else self.units.homes_of([record], self.rows).get((record_type, record_id))

    def matching(self, record_type: str, values: Mapping[str, str]) -> list[str]:
        """Look at every record of the type."""
        some = self._by_type.get(record_type, {})
        return sorted(
            each.id for each in some.values() if all(getattr(each, name) == value for name, value in values.items())
        )

    def after(self, record_type: str, column: str, after: str, size: int) -> list[str]:
        """Look at every record of the type."""
        values = {getattr(each, column) for each in self._by_type.get(record_type, {}).values()}
        return sorted(value for value in values if value is not None and value > after)[:size]

    # --- moves --------------------------------------------------------------------------------------------------------

    def written(self, changes: Iterable[RecordChange]) -> Written:
        """Return what a move changes, before any rule is asked. Raises FactConflict, and InvalidRequest for a value."""
        before: dict[Key, Any] = {}
        after: dict[Key, Any] = {}
        digest = self.digest
        for change in changes:
            key, new = _key_of(change), self._applied(change)
            old = self._records.get(key)
            if old == new:
                continue
            before[key], after[key] = old, new
            digest ^= (digest_of(old) if old is not None else 0) ^ (digest_of(new) if new is not None else 0)
        return Written(before, after, digest)

    def _applied(self, change: RecordChange) -> Any:
        if isinstance(change, Put):
            return checked(self.model, change.record, "changes")
        return None if isinstance(change, Delete) else self._updated(_key_of(change), change)

    def _updated(self, key: Key, change: Update) -> Any:
        old = self._records.get(key)
        if old is None:
            raise FactConflict("ABSENT", f"there is no `{key[0]}:{key[1]}` to update")
        values = checked_values(self.model, change.record_type, change.values, "changes")
        names = [column.name for column in shape_of(type(old)).columns]
        return type(old)(**{**dict(zip(names, values_of(old), strict=True)), **values})

    def with_records(self, records: Iterable[Any]) -> World:
        """Return the world with records that somebody outside gave; no rule is asked."""
        return World(self.facts.with_records(records), self._first, self)

    def moved(self, written: Written) -> World:
        """Return the world behind a move, whether a store would take what it changes or not."""
        gone = [key for key, record in written.after.items() if record is None]
        facts = self.facts.with_records([each for each in written.after.values() if each is not None], gone)
        return World(facts, self._first, self)

    def takes(self, written: Written) -> bool:
        """Tell whether a store would take the changes that led here."""
        changes = Changes(written.changes)
        try:
            check_each(self.model, changes)
            check_references([each for each in written.after.values() if each is not None], self.rows)
            check_together(self.model, changes, self.rows)
            check_constraints(self._first, self.facts)
        except (InvariantBroken, FactConflict):
            return False
        return True
