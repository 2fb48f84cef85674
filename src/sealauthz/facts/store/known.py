"""Rows that a decision has read, for the transaction that carries it out: what is not known is read below.

INVARIANT: they are used only where the transaction, before it commits, compares the units that hold them with all that
has changed since (`Basis.check`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sealauthz.facts.store.rows import DatabaseRows
from sealauthz.schema import Model, Unit


class Known:
    """The units that a decision read, as they were then."""

    def __init__(self, model: Model, held: Mapping[Unit, Mapping[str, Mapping[str, Any]]]) -> None:
        self._model = model
        self._units = model.units
        self._held = held
        self._found: dict[tuple[str, str], Any] = {}

    def __contains__(self, unit: object) -> bool:
        return unit in self._held

    def find(self, record_type: str, record_id: str) -> Any:
        """Return a record; None if it is in none of the units."""
        key = (record_type, record_id)
        if key not in self._found:
            self._found[key] = self._look_for(record_type, record_id)
        return self._found[key]

    def _look_for(self, record_type: str, record_id: str) -> Any:
        root = self._units.roots.get(record_type)
        if root is not None:
            unit = self._held.get(Unit(root, record_id))
            if unit is not None:
                return unit[record_type][record_id]
        for unit in self._held.values():
            some = unit.get(record_type)
            if some is not None and record_id in some:
                return some[record_id]
        return None

    def naming(self, record_type: str, column: str, named_id: str) -> Sequence[Any] | None:
        """Return all records of a type whose column names a record; None where the units do not hold all of them."""
        named_type = self._model.shapes[record_type].column(column).ref
        if named_type is None:
            return None
        name = self._units.collection(named_type, record_type, column)
        is_home = self._model.shapes[record_type].home == column
        for unit, records in self._held.items():
            named = records.get(named_type, {}).get(named_id)
            if named is None:
                continue
            # A record of another unit of the kind may be held beside ours, and then not all that names it.
            if unit.kind == self._units.home_kind(named_type) and not self._units.is_at_home(named, unit, records):
                continue
            whole = self._units.collections(unit.kind, named_type)
            if name is not None and any(each.name == name for each in whole):
                return getattr(named, name)  # type: ignore[no-any-return]
            if is_home and unit.kind == self._units.home_kind(named_type):
                some = records.get(record_type, {}).values()
                return [record for record in some if getattr(record, column) == named_id]
        return None


class KnownRows:
    """Rows of units that are known, and of the database below. `new` are records that are not there yet."""

    def __init__(self, known: Known, below: DatabaseRows, new: Collection[tuple[str, str]] = ()) -> None:
        self._known = known
        self._new = new
        self.below = below

    def get(self, record_type: str, ids: Collection[str]) -> dict[str, Any]:
        """Return those of the records that exist, by id."""
        found = {}
        missing = []
        for record_id in ids:
            record = self._known.find(record_type, record_id)
            if record is not None:
                found[record_id] = record
            elif (record_type, record_id) not in self._new:
                missing.append(record_id)
        if missing:
            found.update(self.below.get(record_type, missing))
        return found

    def naming(self, record_type: str, column: str, ids: Collection[str]) -> Sequence[Any]:
        """Return the records of the type whose `column` holds one of the ids."""
        found: list[Any] = []
        missing = []
        for named_id in ids:
            some = self._known.naming(record_type, column, named_id)
            if some is None:
                missing.append(named_id)
            else:
                found += some
        if missing:
            found += self.below.naming(record_type, column, missing)
        return found
