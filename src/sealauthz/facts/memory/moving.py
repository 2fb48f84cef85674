"""Moving a large unit on: what revisions changed in it is read, row by row, and changed in the unit in memory.

The law: what comes out is what a fresh load in the same transaction gives. Where that cannot be kept (the history has a
gap, too much has changed, others still read the unit) nothing comes out, and the unit is loaded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, cast

from sqlalchemy import BindParameter, bindparam, case, func, select

from sealauthz.facts.memory import loading
from sealauthz.facts.memory.changing import Held, change
from sealauthz.facts.memory.entries import Aside, Entry
from sealauthz.facts.memory.footprint import footprint
from sealauthz.facts.store.database import ReadTransaction
from sealauthz.facts.store.history import Changed, changes_in
from sealauthz.facts.store.rows import among, ids_parameter, leads
from sealauthz.facts.store.statements import compiled
from sealauthz.facts.store.system_tables import FACT_CHANGE, FACT_CHANGE_UNIT
from sealauthz.facts.store.tables import Tables
from sealauthz.schema import Unit
from sealauthz.schema.units import Path

_MOST_REVISIONS = 500
"""Behind by more than this, a unit is loaded."""

_MOST_CHARACTERS = 256 * 1024
"""Of the changes of one revision: with more, as of an import, a unit is loaded."""

_MOST_ROWS = 2_000


class _Way(NamedTuple):
    """How a change of a record tells which records of a type may come into a unit, or leave it.

    The values of `column`, before and after the change, are their ids; or, if there is a `statement`, what it takes.
    """

    record_type: str
    column: str
    statement: str | None


def moved(transaction: ReadTransaction, unit: Unit, aside: Aside, patience_s: float) -> Entry | None:
    """Return the unit as the transaction sees it, changed in place; None if it has to be loaded.

    The aside is the caller's own, whatever comes out. Raises FactNotLoaded as a load does, FactsUnavailable.
    """
    changes = _changes(transaction, unit, aside.revision)
    if changes is None:
        return None
    is_doubtful = loading.check_unmarked(transaction, unit)
    rows = _rows(transaction, unit, changes)
    if rows is None or not aside.entry.wait_until_left(patience_s):
        return None
    units, records = transaction.tables.units, cast("Held", aside.entry.records)
    change(transaction.tables.model, unit, records, rows)
    if units.root_of[unit.kind] not in records:
        return None
    if is_doubtful:
        loading.check_roots(transaction, unit, {name: some.values() for name, some in records.items()})
    return aside.entry.successor(footprint(records))


@cache
def _history_statements(is_postgresql: bool) -> tuple[str, str]:
    """Return the statements that count all revisions after one, and find the changes of those that touch a unit."""
    row, touched = FACT_CHANGE.c, FACT_CHANGE_UNIT.c
    since: BindParameter[int] = bindparam("since")
    count = select(func.count()).select_from(FACT_CHANGE).where(row.revision > since)
    # PostgreSQL knows the bytes of a long text without reading it.
    size = func.octet_length(row.changes) if is_postgresql else func.length(row.changes)
    changes = (
        select(case((size <= bindparam("most"), row.changes)))
        .join_from(FACT_CHANGE_UNIT, FACT_CHANGE, touched.revision == row.revision)
        .where(touched.revision > since, touched.kind == bindparam("kind"), touched.id == bindparam("unit"))
    )
    return compiled(count, is_postgresql), compiled(changes, is_postgresql)


def _changes(transaction: ReadTransaction, unit: Unit, since: int) -> list[Changed] | None:
    """Return what the revisions since one that touch a unit changed, in it and elsewhere; None if that is too much."""
    behind = transaction.revision - since
    if not 0 <= behind <= _MOST_REVISIONS:
        return None
    statements = _history_statements(transaction.is_postgresql)
    parameters = {"since": since, "kind": unit.kind, "unit": unit.id, "most": _MOST_CHARACTERS}
    ((count,),), texts = transaction.fetch_each(statements, parameters)
    if count != behind or any(text is None for (text,) in texts):
        return None
    changes = [changed for (text,) in texts for changed in changes_in(text)]
    return changes if len(changes) <= _MOST_ROWS else None


@cache
def _ways(tables: Tables, kind: str, is_postgresql: bool) -> Mapping[str, tuple[_Way, ...]]:
    """Return, by the type of a changed record, the ways to the records that it may bring into a unit of a kind.

    Of a path from a record to the root, take the first record that has changed. Those before it have not, so that they
    are found as they are now, from what the changed one named before and names now, or from what names it.
    """
    units, shapes = tables.units, tables.model.shapes
    ways: dict[str, list[_Way]] = defaultdict(list)
    for name in shapes:
        paths = units.paths_to(kind, name)
        if paths:
            ways[name].append(_Way(name, "id", None))
        for path in paths:
            if units.home_kind(name) == kind and path == units.home_path(name):
                continue  # what leads a record to its home never changes
            here = name
            for number, step in enumerate(path):
                if step.is_up and number == len(path) - 1:
                    break
                if step.is_up:
                    here = shapes[here].column(step.column).ref or ""
                    ways[here].append(_Way(name, "id", _leading(tables, name, path[: number + 1], is_postgresql)))
                else:
                    here = step.record
                    statement = _leading(tables, name, path[:number], is_postgresql) if number else None
                    ways[here].append(_Way(name, step.column, statement))
    return {name: tuple(dict.fromkeys(some)) for name, some in ways.items()}


def _leading(tables: Tables, record_type: str, path: Path, is_postgresql: bool) -> str:
    """Return the statement that finds the ids of the records from which a path leads to one of `ids`."""
    table = tables.of(record_type)
    condition = leads(tables, record_type, path, lambda column: among(column, "ids", is_postgresql))
    return compiled(select(table.c.id).where(condition), is_postgresql)


def _rows(transaction: ReadTransaction, unit: Unit, changes: Iterable[Changed]) -> dict[str, dict[str, Any]] | None:
    """Return the records that the changes may have altered in a unit, by type and id, as they are; None where it does
    not hold them. None instead of all where there are too many.
    """
    tables, is_postgresql = transaction.tables, transaction.is_postgresql
    ways = _ways(tables, unit.kind, is_postgresql)
    named: dict[_Way, set[str]] = defaultdict(set)
    for changed in changes:
        for way in ways.get(changed.record_type, ()):
            if way.column == "id":
                named[way].add(changed.id)
                continue
            values = {side.get(way.column) for side in (changed.before, changed.after) if side is not None}
            named[way] |= {value for value in values if value is not None}
    ids: dict[str, set[str]] = defaultdict(set)
    # By what names them, however many there are in the unit.
    for way, some in named.items():
        if way.statement is None:
            ids[way.record_type] |= some
        elif some:
            found = transaction.fetch(way.statement, {"ids": ids_parameter(some, is_postgresql)})
            ids[way.record_type].update(record_id for (record_id,) in found)
    if sum(map(len, ids.values())) > _MOST_ROWS:
        return None
    rows = _Rows(transaction)
    return {
        record_type: {**dict.fromkeys(some), **_held(tables, unit, record_type, some, rows)}
        for record_type, some in ids.items()
        if some
    }


def _held(tables: Tables, unit: Unit, record_type: str, ids: Collection[str], rows: _Rows) -> Mapping[str, Any]:
    """Return those of some records that a unit holds, by id."""
    found = rows.get(record_type, ids)
    held: dict[str, Any] = {}
    for path in tables.units.paths_to(unit.kind, record_type):
        # From the few records to the root: the other way round there may be very many between them.
        ends = tables.units.follow(record_type, path, found.values(), rows)
        held.update((record_id, found[record_id]) for record_id, roots in ends.items() if unit.id in roots)
    return held


class _Rows:
    """The records that a transaction sees, as a load makes them. Each is read at most once by its id."""

    def __init__(self, transaction: ReadTransaction) -> None:
        self._transaction = transaction
        self._known: dict[str, dict[str, Any]] = defaultdict(dict)
        self._shared = loading.words_of(transaction.tables.model).copy()

    def get(self, record_type: str, ids: Collection[str]) -> Mapping[str, Any]:
        """Return those of the records that exist, by id."""
        known = self._known[record_type]
        missing = [record_id for record_id in ids if record_id not in known]
        if missing:
            known.update(dict.fromkeys(missing))
            self._fetch(record_type, "id", missing)
        return {record_id: record for record_id in ids if (record := known[record_id]) is not None}

    def naming(self, record_type: str, column: str, ids: Collection[str]) -> Sequence[Any]:
        """Return the records of the type whose `column` holds one of the ids."""
        return self._fetch(record_type, column, ids) if ids else ()

    def _fetch(self, record_type: str, column: str, ids: Collection[str]) -> list[Any]:
        transaction, known = self._transaction, self._known[record_type]
        statement = _rows_statement(transaction.tables, record_type, column, transaction.is_postgresql)
        make = loading.maker_of(transaction.tables.model.records[record_type])
        parameters = {"ids": ids_parameter(ids, transaction.is_postgresql)}
        found = []
        for row in transaction.fetch(statement, parameters):
            record = known.get(row[0]) or make(row, self._shared)
            known[row[0]] = record
            found.append(record)
        return found


@cache
def _rows_statement(tables: Tables, record_type: str, column: str, is_postgresql: bool) -> str:
    """Return the statement that finds the rows whose column holds one of `ids`."""
    table = tables.of(record_type)
    columns = (table.c[each.name] for each in tables.model.shapes[record_type].columns)
    return compiled(select(*columns).where(among(table.c[column], "ids", is_postgresql)), is_postgresql)
