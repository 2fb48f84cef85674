"""The rules that every write keeps beside the constraints of the database, checked inside its transaction.

Each check looks only at what the transaction changed and at the rows next to it; the locks that the writer holds on the
roots concerned make that enough. An edit may not touch what the record's class declares: what never changes, what only
rises, what is over for good, and the terms of a right once somebody has confirmed them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Any

from sealauthz.schema import Change, Changes, Model, Rows, Shape, shape_of
from sealauthz.schema.changes import all_of, broken, in_backticks, name_of
from sealauthz.schema.rules import Fixed, Life, Rising, SetOnce, Terms, Valid

_HOME = Fixed("HOME", says="what a record is part of never changes")


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


@cache
def _references(cls: type) -> tuple[tuple[str, str], ...]:
    """Each key of a record: its column, and the type that it names."""
    return tuple((column.name, column.ref) for column in shape_of(cls).columns if column.ref is not None)


def check_references(records: Collection[Any], rows: Rows) -> None:
    """Check that every key names a record that exists. Raises InvariantBroken `REFERENCE`."""
    wanted: dict[str, dict[str, tuple[Any, str]]] = defaultdict(dict)
    for record in records:
        cls: type = type(record)
        for name, ref in _references(cls):
            target = getattr(record, name)
            if target is not None:
                wanted[ref].setdefault(target, (record, name))
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


def check_edit(change: Change, shape: Shape) -> None:
    """Check what an edit of a record may not touch. Raises InvariantBroken."""
    before, after = change.before, change.after
    fixed = shape.rules_of(Fixed)
    for rule in fixed:
        if rule.once is None:
            _check_kept(change, rule, rule.columns)
    if shape.home:
        _check_kept(change, _HOME, (shape.home,))
    for counter in shape.rules_of(Rising):
        if not counter.is_given_back and getattr(after, counter.column) < getattr(before, counter.column):
            broken(counter.invariant, f"{change} must not lower `{counter.column}`: {counter.says}")
    for life in shape.rules_of(Life):
        _check_life(change, life)
    for once in shape.rules_of(SetOnce):
        _check_kept(change, once, [column for column in once.columns if getattr(before, column)])
    for rule in fixed:
        if rule.once is not None and rule.once(before):
            _check_kept(change, rule, rule.columns)
    for terms in shape.rules_of(Terms):
        if terms.are_settled(before):
            _check_terms(change, terms)
    for life in shape.rules_of(Life):
        _check_final(change, life, shape)
    check_valid(change, shape)


def check_valid(change: Change, shape: Shape) -> None:
    """Check the columns that have a form of their own. Raises InvariantBroken."""
    for rule in shape.rules_of(Valid):
        problem = rule.problem(getattr(change.after, rule.column))
        if problem is not None:
            broken(rule.invariant, f"{change} is not valid in `{rule.column}`: {rule.says}; it {problem}")


def _check_life(change: Change, life: Life) -> None:
    """Check that no state goes back, or leaves a final one. Raises InvariantBroken."""
    before, after = getattr(change.before, life.column), getattr(change.after, life.column)
    allowed = life.reachable(before)
    if before == after or after in allowed:
        return
    if not allowed:
        said = f"{change} is {before} in `{life.column}`, which is final, and cannot become {after}"
        broken(life.invariant, said)
    cannot = "cannot go back to" if life.is_before(after, before) else "cannot become"
    right = ", ".join(sorted(allowed))
    said = f"{change} is {before} in `{life.column}` and {cannot} {after} in one write; it may become {right}"
    broken(life.invariant, said)


def _check_final(change: Change, life: Life, shape: Shape) -> None:
    """Check that a record whose state is final stays as it is. Raises InvariantBroken."""
    state = getattr(change.before, life.column)
    if life.column == "state" and not life.reachable(state):
        columns = [column.name for column in shape.columns if not column.is_personal and column.name not in life.late]
        _check_kept(change, Fixed(life.invariant, says=f"it is {state}, which is final"), columns)


def _check_kept(change: Change, rule: Fixed | SetOnce | Terms, columns: Sequence[str]) -> None:
    changed = [column for column in columns if getattr(change.before, column) != getattr(change.after, column)]
    if changed:
        broken(rule.invariant, f"{change} must keep its {in_backticks(changed)}: {rule.says}")


def _check_terms(change: Change, terms: Terms) -> None:
    """Check that settled terms do not grow."""
    before, after = change.before, change.after
    _check_kept(change, terms, terms.keeps)
    wider = [column for column in terms.rises if getattr(after, column) > getattr(before, column)]
    wider += [column for column in terms.falls if getattr(after, column) < getattr(before, column)]
    kept = [column for column, value in terms.narrow.items() if getattr(before, column) == value]
    kept += [column for column in terms.limits_once_set if getattr(before, column)]
    wider += [column for column in kept if getattr(after, column) != getattr(before, column)]
    if wider:
        broken(terms.invariant, f"{change} must not be widened in {in_backticks(wider)}: {terms.says}")


def settled_types(model: Model) -> tuple[str, ...]:
    """Return the record types with terms that are settled at some time."""
    return tuple(name for name, shape in model.shapes.items() if shape.rules_of(Terms))


@cache
def _details(model: Model) -> tuple[tuple[str, Terms, str, str], ...]:
    """Each type of rows that say terms: whose they are, the terms, the type, and the column that names their owner."""
    return tuple(
        (record_type, terms, detail_type, model.shapes[detail_type].home)
        for record_type, shape in model.shapes.items()
        for terms in shape.rules_of(Terms)
        for detail_type in terms.details
    )


def owners_of_details(model: Model, changes: Changes) -> set[tuple[str, str]]:
    """Return the rights whose terms are said by rows that come or go, by type and id."""
    return {
        (record_type, getattr(change.before if change.after is None else change.after, key))
        for record_type, _, detail_type, key in _details(model)
        for change in changes.of(detail_type)
    }


def check_details(model: Model, changes: Changes, rows: Rows, unfinished: Collection[tuple[str, str]] = ()) -> None:
    """No row comes or goes that gives more than the terms that were confirmed, accepted or submitted.

    `unfinished` are rights, by type and id, that an import is still writing down. Raises InvariantBroken.
    """
    for record_type, terms, detail_type, key in _details(model):
        before = {change.id: change.before for change in changes.of(record_type)}
        wider = [change.after for change in changes.of(detail_type) if change.before is None]
        if detail_type in terms.limits:
            gone = [change.before for change in changes.of(detail_type) if change.after is None]
            left = rows.naming(detail_type, key, {getattr(detail, key) for detail in gone})
            limited = {getattr(detail, key) for detail in left}
            wider += [detail for detail in gone if getattr(detail, key) not in limited]
        owners = {**all_of(rows, record_type, [getattr(detail, key) for detail in wider]), **before}
        for detail in wider:
            owner = owners[getattr(detail, key)]
            if (record_type, getattr(detail, key)) in unfinished:
                continue
            if owner is not None and terms.are_settled(owner):
                broken(terms.invariant, f"{name_of(detail)} would widen {name_of(owner)}: that takes a new one")
