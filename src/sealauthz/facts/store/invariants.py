"""The rules that every write keeps beside the constraints of the database, checked inside its transaction.

Each check looks only at what the transaction changed and at the rows next to it; the locks that the writer holds on the
roots concerned make that enough.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from sealauthz.facts.store.edits import check_details, check_edit, check_valid
from sealauthz.schema import Change, Changes, Model, Rows, shape_of
from sealauthz.schema.changes import all_of, broken


def check_each(model: Model, changes: Changes) -> None:
    """Check what one record's own past and present decide. Raises InvariantBroken."""
    for change in changes:
        shape = model.shapes[change.record_type]
        if change.after is None:
            if shape.is_permanent:
                broken("I17", f"{change} is history and is never deleted")
        elif change.before is None:
            check_valid(change, shape)
        else:
            check_edit(change, shape)


def check_references(records: Collection[Any], rows: Rows) -> None:
    """Check that every key names a record that exists. Raises InvariantBroken `REFERENCE`."""
    wanted: dict[str, dict[str, tuple[Any, str]]] = defaultdict(dict)
    for record in records:
        cls: type = type(record)
        for column in shape_of(cls).columns:
            target = getattr(record, column.name)
            if column.ref is not None and target is not None:
                wanted[column.ref].setdefault(target, (record, column.name))
    for record_type, targets in wanted.items():
        found = rows.get(record_type, targets.keys())
        for target, (record, column_name) in targets.items():
            if target not in found:
                name = f"`{type(record).__name__}:{record.id}`"
                broken("REFERENCE", f"{name} names `{record_type}:{target}` in `{column_name}`, which does not exist")


def check_together(model: Model, changes: Changes, rows: Rows) -> None:
    """Check what several records decide together, on the rows as written. Raises InvariantBroken."""
    check_same_tenant(model, changes, rows)
    check_details(model, changes, rows)
    for invariant in model.invariants:
        invariant.check(changes, rows)


def check_part(model: Model, changes: Changes, rows: Rows, unfinished: Collection[tuple[str, str]]) -> None:
    """Check one part of an import: all but what takes the whole. Raises InvariantBroken.

    `unfinished` are the rights that the import has made in its earlier parts, by type and id.
    """
    check_same_tenant(model, changes, rows)
    check_details(model, changes, rows, unfinished)
    for invariant in model.invariants:
        if not invariant.standing:
            invariant.check(changes, rows)


def types_of_whole(model: Model) -> tuple[str, ...]:
    """Return the record types that `check_whole` needs to be given."""
    return tuple(dict.fromkeys(name for invariant in model.invariants for name in invariant.standing))


def check_whole(model: Model, records: Iterable[Any], rows: Rows) -> None:
    """Check what is true of facts at any time, on all records of some tenants. Raises InvariantBroken."""
    # As if each had just been written: then every check looks at it.
    changes = Changes(Change(type(record).__name__, record.id, record, record) for record in records)
    for invariant in model.invariants:
        if invariant.standing:
            invariant.check(changes, rows)


def check_same_tenant(model: Model, changes: Changes, rows: Rows) -> None:
    """SAME_…: what a record of a tenant names in a tenant is in the same one. Raises InvariantBroken."""
    units = model.units
    tenant = units.roots[units.tenant]
    keys: list[tuple[Any, str, str, str]] = []
    wanted: dict[str, set[str]] = defaultdict(set)
    for change in changes:
        record = change.after
        if record is None or units.home_kind(change.record_type) != tenant:
            continue
        shape = model.shapes[change.record_type]
        for column in shape.columns:
            target = getattr(record, column.name)
            if column.ref is None or target is None or column.ref in units.roots or column.crosses:
                continue
            if column.name == shape.home or units.home_kind(column.ref) != tenant:
                continue
            keys.append((record, column.name, column.ref, target))
            wanted[column.ref].add(target)
    found = {record_type: all_of(rows, record_type, ids) for record_type, ids in wanted.items()}
    sides = [(record, column_name, found[ref][target]) for record, column_name, ref, target in keys]
    homes = units.homes_of([record for side in sides for record in (side[0], side[2])], rows)
    for record, column_name, named in sides:
        record_type, named_type = type(record).__name__, type(named).__name__
        if homes.get((record_type, record.id)) != homes.get((named_type, named.id)):
            broken(
                f"SAME_{tenant}",
                f"`{record_type}:{record.id}` names a record of another {units.tenant.lower()} in `{column_name}`",
            )
