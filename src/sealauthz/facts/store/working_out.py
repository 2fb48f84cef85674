"""What a batch changes: which records it is about, what these are before and after it, and whom that concerns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from sealauthz.facts.store.batch import Wanted
from sealauthz.facts.store.demands import by_type
from sealauthz.facts.store.rows import RecordRows
from sealauthz.runtime.errors import CallerNotPermitted
from sealauthz.schema import Change, Changes, Model, Rows, Unit, shape_of
from sealauthz.schema.rules import Urgent


class WorkedOut:
    """What one batch changes. The rows are given each time: first as they are without locks, then under them."""

    def __init__(self, model: Model, wanted: Wanted) -> None:
        self._model = model
        self._wanted = wanted
        self._preconditions = [precondition.key for precondition in wanted.batch.preconditions]
        self._resolutions: dict[tuple[str, str], tuple[Any, Any]] = {}

    def puts(self, rows: Rows) -> dict[tuple[str, str], Any]:
        """Return the records as they are to be stored: those that are put, and those that exist and are updated."""
        puts = dict(self._wanted.puts)
        for record_type, ids in by_type(self._wanted.updates).items():
            for record_id, record in rows.get(record_type, ids).items():
                key = (record_type, record_id)
                of, puts[key] = self._resolutions.get(key, (None, None))
                if of is not record:  # a row that was read again
                    puts[key] = replace(record, **self._wanted.updates[key])
                    self._resolutions[key] = record, puts[key]
        return puts

    def homes(self, rows: Rows) -> dict[tuple[str, str], Unit]:
        """Return the homes of all that the batch is about, and of those whose place in a unit it decides, by record."""
        puts = self.puts(rows)
        overlay = RecordRows(puts.values(), rows)
        about: list[Any] = list(puts.values())
        for record_type, ids in by_type([*self._preconditions, *self._wanted.deletes]).items():
            about += rows.get(record_type, ids).values()
        related: dict[str, set[str]] = defaultdict(set)
        for record in about:
            cls: type = type(record)
            for column in self._model.units.locked_keys(cls.__name__):
                related_id = getattr(record, column)
                if related_id is not None:
                    related[shape_of(cls).column(column).ref or ""].add(related_id)
        for record_type, ids in related.items():
            about += overlay.get(record_type, ids).values()
        return dict(self._model.units.homes_of(about, overlay))

    def changes(self, puts: Mapping[tuple[str, str], Any], before: Rows) -> Changes:
        """Compare what is wanted with what is there; what is equal is no change."""
        changes = []
        for record_type, some in by_type(self._wanted.keys).items():
            found = before.get(record_type, some)
            for record_id in sorted(some):
                old, new = found.get(record_id), puts.get((record_type, record_id))
                if old != new:
                    changes.append(Change(record_type, record_id, old, new))
        return Changes(changes)

    def check_act_rights(
        self, tenants: frozenset[str] | None, puts: Mapping[tuple[str, str], Any], before: Rows, overlay: Rows
    ) -> None:
        """Check that each record concerns one of `tenants` (None: all), as it was and as it will be. Raises
        CallerNotPermitted.

        That is enough for an act, which may change what another side has.
        """
        if tenants is not None:
            self._check_concerned(tenants, self._found([*self._wanted.keys, *self._preconditions], before), before)
            self._check_concerned(tenants, puts.values(), overlay)
            self._check_concerned(tenants, puts.values(), before)

    def check_rights(
        self, tenants: frozenset[str] | None, puts: Mapping[tuple[str, str], Any], before: Rows, overlay: Rows
    ) -> None:
        """Check that who may write for `tenants` (None: all) may write each record, and each column that a change names
        or alters, as it was and as it will be. Raises CallerNotPermitted.

        What is not there, or is part of nothing that is, is refused as what is another's.
        """
        if tenants is None:
            return
        self.check_act_rights(tenants, puts, before, overlay)
        tenant = self._model.tenant.lower()
        for record_type, ids in by_type(self._wanted.keys).items():
            old = before.get(record_type, ids)
            new = {id_: puts[record_type, id_] for id_ in ids if (record_type, id_) in puts}
            sides = ((old, before), (new, overlay), (new, before))
            writers = self._model.units.writers[record_type]
            ours: dict[str, frozenset[str]] = dict.fromkeys(ids, frozenset())
            for paths, columns in writers.items():
                found = [self._model.units.first_ends(record_type, paths, some.values(), rows) for some, rows in sides]
                for id_ in ids:
                    owners = [ends[id_] for ends in found if id_ in ends]
                    if owners and all(each <= tenants for each in owners):
                        ours[id_] |= columns
            for id_ in sorted(ids if writers else ()):
                others = self._touched(record_type, old.get(id_), new.get(id_)) - ours[id_]
                if not ours[id_]:
                    raise CallerNotPermitted(f"the caller may not write facts of this {tenant}")
                if others:
                    column = f"{record_type}.{min(others)}"
                    raise CallerNotPermitted(f"the caller may not write `{column}` for the {tenant} whose it is")

    def _touched(self, record_type: str, old: Any | None, new: Any | None) -> set[str]:
        """Return the columns that a change names or alters: all of a record that is deleted, and of a new one `id` and
        what is not the default.
        """
        columns = self._model.shapes[record_type].columns
        if new is None:
            return {column.name for column in columns}
        if old is None:
            return {"id"} | {column.name for column in columns if getattr(new, column.name) != column.default}
        altered = {column.name for column in columns if getattr(new, column.name) != getattr(old, column.name)}
        return altered | self._wanted.updates.get((record_type, new.id), {}).keys()

    def _found(self, keys: Iterable[tuple[str, str]], rows: Rows) -> list[Any]:
        return [record for record_type, ids in by_type(keys).items() for record in rows.get(record_type, ids).values()]

    def _check_concerned(self, tenants: frozenset[str], records: Iterable[Any], rows: Rows) -> None:
        """Raise CallerNotPermitted where a record concerns tenants, and none of these."""
        for concerned in self._model.units.tenants_of(records, rows).values():
            if concerned and not concerned & tenants:
                raise CallerNotPermitted(f"the caller may not write facts of this {self._model.tenant.lower()}")

    def is_urgent(self, puts: Mapping[tuple[str, str], Any], changes: Changes) -> bool:
        """Tell whether all that is wanted are new records that wait for no import."""

        def is_covered(record: Any) -> bool:
            return any(rule.covers(record) for rule in self._model.shapes[type(record).__name__].rules_of(Urgent))

        is_new = all(change.before is None for change in changes)
        return is_new and not self._wanted.deletes and all(is_covered(record) for record in puts.values())


def held_by(model: Model, changes: Changes, rows: Rows, *, is_before: bool) -> set[Unit]:
    """Return the units that hold a changed record, as it was before or as it is after."""
    held = model.units.units_of(_sides(changes, is_before), rows)
    return {unit for units in held.values() for unit in units}


def concerned_by(
    model: Model, changes: Changes, rows: Rows, *, is_before: bool
) -> Mapping[tuple[str, str], frozenset[str]]:
    """Return the tenants that each changed record concerns, as it was before or as it is after."""
    return model.units.tenants_of(_sides(changes, is_before), rows)


def rows_after(changes: Changes, before: Rows) -> Rows:
    """Return the rows as they are once the changes are made."""
    gone: Collection[tuple[str, str]] = [(change.record_type, change.id) for change in changes if change.after is None]
    return RecordRows((change.after for change in changes if change.after is not None), before, gone)


def _sides(changes: Changes, is_before: bool) -> list[Any]:
    sides = (change.before if is_before else change.after for change in changes)
    return [record for record in sides if record is not None]
