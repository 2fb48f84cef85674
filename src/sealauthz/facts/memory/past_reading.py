"""Reading the facts as they were at a revision: rows of now, with what changed since then undone.

The law: a unit is what a load at that revision gave, but for personal text, which no history holds. Each record is
undone by the changes of the unit that it is at home in, because a record's home never changes while it exists: all its
changes touched that unit. One that names a root directly is undone by those of the unit around that root, because
that unit held it then. What could not be told so is looked for in the whole history since.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import select

from sealauthz.facts.memory import loading
from sealauthz.facts.memory.snapshot import FactSnapshot
from sealauthz.facts.memory.timeline import HomeIndex
from sealauthz.facts.memory.wiring import WiredUnit, wire
from sealauthz.facts.store.activations import Activated, activated_in
from sealauthz.facts.store.history import Image
from sealauthz.facts.store.past import Past, Undone
from sealauthz.facts.store.rows import among, ids_parameter
from sealauthz.facts.store.statements import compiled
from sealauthz.facts.store.tables import Tables
from sealauthz.runtime.errors import PastUnknown
from sealauthz.schema import Model, Unit
from sealauthz.schema.units import Path, Step

_NO_LISTS = "lists are not made of the past"
_LACKS = "the history of the facts lacks a change that the rows show"


class PastReading:
    """The facts at one revision of the past, as a snapshot reads them. `model` may have more than the database holds.

    Methods raise PastUnknown where the history does not tell, and FactsUnavailable.
    """

    def __init__(self, past: Past, revision: int, model: Model | None = None) -> None:
        transaction = past.transaction
        self.model = model or transaction.tables.model
        self.units = self.model.units
        self.revision = revision
        self.timeline = transaction.timeline
        self.age_s = 0.0
        self.activated: tuple[Activated, ...] | None = activated_in(transaction)
        self._past = past
        self._shared = loading.words_of(self.model).copy()
        self._known: dict[tuple[str, str], Any] = {}

    def snapshot(self) -> FactSnapshot:
        """Return a snapshot that reads through this."""
        return FactSnapshot(self, HomeIndex(1_000))

    def unit(self, unit: Unit) -> WiredUnit | None:
        """Return a wired unit; None if there was no such unit."""
        root = self.units.root_of[unit.kind]
        self._past.check_not_imported(unit, self.revision)
        roots = self._get(root, {unit.id})
        if not roots:
            return None
        loaded: dict[str, list[Any]] = {}
        for record_type in self.model.records:
            found: dict[str, Any] = {}
            for path in self.units.paths_to(unit.kind, record_type):
                found |= self._led(unit, record_type, path)
            if found:
                # Copies: a record is wired differently in each unit that holds it.
                make = self._maker(record_type)
                loaded[record_type] = [make(values) for values in found.values()]
        self._check_neighbours(unit, loaded)
        return wire(self.model, unit, loaded)

    def record(self, record_type: str, record_id: str) -> Any:
        """Return a record, unwired and without personal text; None if there was none."""
        found = self._get(record_type, {record_id}).get(record_id)
        return None if found is None else self._maker(record_type)(found)

    def lasts(self, records: WiredUnit) -> bool:
        """Tell that a unit stays as it is."""
        return True

    def home(self, record_type: str, record_id: str) -> Unit | None:
        """Return the home unit of a record; None if there was no such record."""
        return self._homes(record_type, {record_id}).get(record_id)

    def matching(self, record_type: str, values: Mapping[str, str]) -> list[str]:
        """Return the ids of the records that held these values, in their order."""
        ids = set(self._past.transaction.fetch(*self._matching_now(record_type, values)))
        candidates = {record_id for (record_id,) in ids}
        candidates |= self._past.held_before(record_type, values, self.revision)
        places = {name: self._place(record_type, name) for name in values}
        found = self._get(record_type, candidates)
        return sorted(
            record_id
            for record_id, held in found.items()
            if all(held[places[name]] == value for name, value in values.items())
        )

    def after(self, record_type: str, column: str, after: str, size: int) -> list[str]:
        """Refuse: it is for lists only."""
        raise PastUnknown("LIST", _NO_LISTS)

    # --- rows as they were: tuples of values in the order of the shape ------------------------------------------------

    def _led(self, unit: Unit, record_type: str, path: Path) -> dict[str, tuple[Any, ...]]:
        """Return the records from which a path led to the root of a unit, by id."""
        if not path:
            return self._get(record_type, {unit.id})
        types = [record_type]
        for step in path[:-1]:
            types.append(step.record or self.model.shapes[types[-1]].column(step.column).ref or "")
        ids = {unit.id}
        rows: dict[str, tuple[Any, ...]] = {}
        for here, step, number in zip(reversed(types), reversed(path), range(len(path)), strict=True):
            if step.is_up:
                rows = self._naming(here, step.column, ids)
            else:
                # `rows` are those whose key leads on to us: the step before was one of theirs.
                if number == 0:
                    raise PastUnknown("PATH", f"`{record_type}` cannot be rebuilt: a path ends with a step down")
                place = self._place(step.record, step.column)
                rows = self._get(here, {row[place] for row in rows.values() if row[place] is not None})
            ids = set(rows)
            if not ids:
                return {}
        return rows

    def _naming(self, record_type: str, column: str, ids: Collection[str]) -> dict[str, tuple[Any, ...]]:
        """Return the records whose key named one of some records, by id."""
        place = self._place(record_type, column)
        held_by = self._holders(record_type, column, ids)
        undone = self._undone(set(held_by.values()), record_type)
        found = {}
        for row, changed_at in self._rows_now(record_type, column, ids):
            if row[place] not in held_by or row[0] in undone[held_by[row[place]]]:
                continue
            if changed_at > self.revision:
                raise PastUnknown("GAP", _LACKS)
            found[row[0]] = row
        for unit, some in undone.items():
            for record_id, before in some.items():
                # A revision that touched a unit may have changed what was elsewhere, and not for the first time.
                if before is not None and held_by.get(before.get(column, "")) == unit:
                    found[record_id] = self._of_image(record_type, before)
        self._known.update({(record_type, record_id): row for record_id, row in found.items()})
        return found

    def _holders(self, record_type: str, column: str, ids: Collection[str]) -> dict[str, Unit]:
        """Return for each of the records that there were the unit that held all records whose key named it."""
        shape = self.model.shapes[record_type]
        named_type = shape.column(column).ref or ""
        if shape.home == column:
            return self._homes(named_type, ids)
        kind = self.units.roots.get(named_type)
        if kind is None or (Step("", column),) not in self.units.paths_to(kind, record_type):
            raise PastUnknown("PATH", f"`{record_type}` cannot be found by its `{column}` in the past")
        return {each: Unit(kind, each) for each in ids}

    def _undone(self, units: Collection[Unit], record_type: str) -> dict[Unit, Mapping[str, Image | None]]:
        by_kind: dict[str, set[str]] = defaultdict(set)
        for unit in units:
            by_kind[unit.kind].add(unit.id)
        return {
            Unit(kind, unit_id): undone.get(record_type, {})
            for kind, some in by_kind.items()
            for unit_id, undone in self._past.undone(kind, some, self.revision).items()
        }

    def _homes(self, record_type: str, ids: Collection[str]) -> dict[str, Unit]:
        """Return the homes of those of some records that there were."""
        kind = self.units.home_kind(record_type)
        standing = {each: each for each in self._get(record_type, ids)}
        for step in self.units.home_path(record_type):
            place = self._place(record_type, step.column)
            rows = self._get(record_type, set(standing.values()))
            standing = {each: rows[at][place] for each, at in standing.items() if at in rows}
            record_type = self.model.shapes[record_type].column(step.column).ref or ""
        return {each: Unit(kind, at) for each, at in standing.items()}

    def _get(self, record_type: str, ids: Collection[str]) -> dict[str, tuple[Any, ...]]:
        """Return those of some records that there were, by id."""
        missing = {each for each in ids if (record_type, each) not in self._known}
        if missing:
            self._find(record_type, missing)
        known = ((each, self._known[record_type, each]) for each in ids)
        return {each: row for each, row in known if row is not None}

    def _find(self, record_type: str, ids: Collection[str]) -> None:
        now = {row[0]: (row, changed_at) for row, changed_at in self._rows_now(record_type, "id", ids)}
        changed = []
        for each in ids:
            if each in now and now[each][1] <= self.revision:
                self._known[record_type, each] = now[each][0]
            else:
                changed.append(each)
        root = self.units.roots.get(record_type)
        undone: Mapping[str, Undone] = {}
        if root is not None and changed:
            undone = self._past.undone(root, changed, self.revision)
        for each in changed:
            before = undone[each].get(record_type, {}).get(each) if each in undone else None
            if before is None:
                # It is no root, is gone, or was made since, perhaps not for the first time: by its id, wherever it was.
                try:
                    before = self._past.before_next(record_type, each, self.revision)
                except KeyError:
                    if each in now:
                        raise PastUnknown("GAP", _LACKS) from None
            if before is None:
                self._known[record_type, each] = None
            else:
                self._known[record_type, each] = self._of_image(record_type, before)

    def _check_neighbours(self, unit: Unit, loaded: Mapping[str, Sequence[Any]]) -> None:
        """Raise PastUnknown where a subject's unit holds a record of what was being imported: nobody was told of it."""
        if not self.units.is_of_subject(unit.kind):
            return
        homes = {
            Unit(self.units.roots[self.units.tenant], getattr(record, self.model.shapes[record_type].home))
            for record_type in self.units.known_to_subjects
            for record in loaded.get(record_type, ())
        }
        homes |= {Unit(self.units.roots[root], each.id) for root in self.units.shared for each in loaded.get(root, ())}
        for home in sorted(homes):
            self._past.check_not_imported(home, self.revision)

    # --- rows as they are, and images -------------------------------------------------------------------------------

    def _rows_now(self, record_type: str, column: str, ids: Collection[str]) -> Iterable[tuple[tuple[Any, ...], int]]:
        """Yield the rows of now whose column holds one of the ids, each with the revision of its last change."""
        transaction = self._past.transaction
        there = _columns_there(transaction.tables, self.model, record_type)
        if column not in there:
            return
        statement = _rows_statement(transaction.tables, record_type, column, there, transaction.is_postgresql)
        read = _reader(self.model, record_type, there)
        for row in transaction.fetch(statement, {"ids": ids_parameter(ids, transaction.is_postgresql)}):
            yield read(row), row[-1]

    def _matching_now(self, record_type: str, values: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        transaction = self._past.transaction
        names = tuple(values)
        if not set(names) <= set(_columns_there(transaction.tables, self.model, record_type)):
            raise PastUnknown("GONE", f"a column of `{record_type}` is gone from the database")
        statement = loading.matching_statement(transaction.tables, record_type, names, transaction.is_postgresql)
        return statement, dict(values)

    def _of_image(self, record_type: str, image: Image) -> tuple[Any, ...]:
        return tuple(image.get(name, default) for name, default in _defaults(self.model, record_type))

    def _place(self, record_type: str, column: str) -> int:
        return _places(self.model, record_type)[column]

    def _maker(self, record_type: str) -> Callable[[tuple[Any, ...]], Any]:
        make, shared = loading.maker_of(self.model.records[record_type]), self._shared
        return lambda values: make(values, shared)


@cache
def _columns_there(tables: Tables, model: Model, record_type: str) -> tuple[str, ...]:
    """Return those columns of a record that the database has, in their order, without personal text."""
    if record_type not in tables.model.records:
        return ()
    table = tables.of(record_type)
    shape = model.shapes[record_type]
    return tuple(column.name for column in shape.columns if column.name in table.c and not column.is_personal)


@cache
def _rows_statement(tables: Tables, record_type: str, column: str, there: Sequence[str], is_postgresql: bool) -> str:
    table = tables.of(record_type)
    columns = (table.c[name] for name in (*there, "revision"))
    statement = select(*columns).where(among(table.c[column], "ids", is_postgresql))
    return compiled(statement, is_postgresql)


@cache
def _defaults(model: Model, record_type: str) -> tuple[tuple[str, Any], ...]:
    """Return each column with what it holds where an image does not say: personal text is blank, as once erased."""
    found = []
    for column in model.shapes[record_type].columns:
        blank = None if column.is_optional or not column.is_personal else ""
        default = column.default if column.has_default and not column.is_personal else blank
        found.append((column.name, default))
    return tuple(found)


@cache
def _places(model: Model, record_type: str) -> Mapping[str, int]:
    return {column.name: number for number, column in enumerate(model.shapes[record_type].columns)}


@cache
def _reader(model: Model, record_type: str, there: tuple[str, ...]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """Return what makes all values of a record of a row of those columns that are there."""
    defaults, places = _defaults(model, record_type), {name: number for number, name in enumerate(there)}
    plan = [(places.get(name), default) for name, default in defaults]
    return lambda row: tuple(default if place is None else row[place] for place, default in plan)
