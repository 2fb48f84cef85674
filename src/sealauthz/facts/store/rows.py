"""Rows of the facts: which lead to a root or concern some tenants, and those that one transaction sees.

They are read in bulk, and each at most once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Connection, Select, any_, bindparam, func, literal_column, or_, select
from sqlalchemy import column as sql_column

from sealauthz.facts.store.statements import Driver, compiled
from sealauthz.facts.store.system_tables import FACT_IMPORT_UNIT, TEXT
from sealauthz.facts.store.tables import Tables
from sealauthz.schema import Rows, shape_of
from sealauthz.schema.units import Path

IsEnd = Callable[[ColumnElement[str]], ColumnElement[bool]]
"""The condition that the column with the id of a root is at the end of a path."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as it is stored, and the revision at which it last changed."""

    record: Any
    revision: int


def among(column: ColumnElement[Any], parameter: str, is_postgresql: bool) -> ColumnElement[bool]:
    """Say that a column holds one of the ids of a parameter: one parameter and one statement, however many ids."""
    if is_postgresql:
        return column == any_(bindparam(parameter, type_=ARRAY(TEXT)))
    each = func.json_each(bindparam(parameter)).table_valued(sql_column("value"))
    return column.in_(select(each.c.value))


def ids_parameter(ids: Iterable[str], is_postgresql: bool) -> Any:
    """Return ids in the form that `among` takes."""
    return list(ids) if is_postgresql else json.dumps(list(ids))


def pairs(is_postgresql: bool) -> tuple[ColumnElement[str], ColumnElement[str]]:
    """Return the two columns of the pairs that are given as parameters: one statement, however many pairs."""
    if is_postgresql:
        arrays = func.unnest(bindparam("firsts", type_=ARRAY(TEXT)), bindparam("seconds", type_=ARRAY(TEXT)))
        each = arrays.table_valued("first", "second").render_derived()
        return each.c.first, each.c.second
    each = func.json_each(bindparam("pairs")).table_valued(sql_column("value"))
    first, second = (func.json_extract(each.c.value, literal_column(f"'$[{n}]'")) for n in range(2))
    return first, second


def pairs_parameters(given: Iterable[tuple[str, str]], is_postgresql: bool) -> dict[str, Any]:
    """Return pairs in the form that `pairs` takes."""
    ordered = [(str(first), second) for first, second in given]
    if is_postgresql:
        return {"firsts": [first for first, _ in ordered], "seconds": [second for _, second in ordered]}
    return {"pairs": json.dumps(ordered)}


@cache
def _select(tables: Tables, record_type: str, column: str, is_postgresql: bool) -> str:
    """Select the rows of a record type whose column holds one of `ids`."""
    table = tables.of(record_type)
    statement = select(table).where(among(table.c[column], "ids", is_postgresql)).order_by(table.c.id)
    return compiled(statement, is_postgresql)


@cache
def _booleans(cls: type) -> tuple[int, ...]:
    """Return the places of the columns that SQLite gives as numbers."""
    return tuple(number for number, column in enumerate(shape_of(cls).columns) if column.type is bool)


def marks_among(tables: Tables, is_postgresql: bool) -> Select[Any]:
    """Select the marks on those of the units `ids` that are being imported."""
    mark, units = FACT_IMPORT_UNIT.c, tables.units
    # The kinds for the index, which begins with them.
    marked = (kind for kind in units.kinds if not units.is_of_subject(kind))
    kinds: ColumnElement[bool] = mark.kind.in_([literal_column(f"'{kind}'") for kind in marked])
    return select(FACT_IMPORT_UNIT).where(kinds, among(mark.id, "ids", is_postgresql))


@cache
def marks_statement(tables: Tables, is_postgresql: bool) -> str:
    """Return the statement of it: kind, id, caller and import."""
    return compiled(marks_among(tables, is_postgresql), is_postgresql)


def leads(tables: Tables, record_type: str, path: Path, is_end: IsEnd) -> ColumnElement[bool]:
    """Return the condition that a path leads from a row to an end; an empty one, that the row itself is the end."""
    table = tables.of(record_type)
    if not path:
        return is_end(table.c.id)
    step, rest = path[0], path[1:]
    if step.is_up and not rest:
        return is_end(table.c[step.column])
    if step.is_up:
        above = tables.model.shapes[record_type].column(step.column).ref or ""
        return table.c[step.column].in_(ids_along(tables, above, rest, is_end))
    return table.c.id.in_(ids_along(tables, record_type, path, is_end))


def ids_along(tables: Tables, record_type: str, path: Path, is_end: IsEnd) -> Select[tuple[str]]:
    """Select the ids of the records from which a path leads to an end."""
    if path and not path[0].is_up:
        step, rest = path[0], path[1:]
        below = tables.of(step.record)
        return select(below.c[step.column]).where(leads(tables, step.record, rest, is_end))
    table = tables.of(record_type)
    return select(table.c.id).where(leads(tables, record_type, path, is_end))


def within(tables: Tables, record_type: str, parameter: str, is_postgresql: bool) -> ColumnElement[bool] | None:
    """Return the condition that a row concerns one of the tenants of a parameter; None where none is needed."""
    units = tables.units
    kind = units.home_kind(record_type)
    if units.is_of_subject(kind):
        return None

    path = units.home_path(record_type)

    def is_tenant(column: ColumnElement[str]) -> ColumnElement[bool]:
        return among(column, parameter, is_postgresql)

    if units.is_of_tenant(kind):
        return leads(tables, record_type, path, is_tenant)
    root = units.root_of[kind]
    concerned = or_(*(leads(tables, root, concern, is_tenant) for concern in units.shared[root]))
    if not path:
        return concerned
    roots = select(tables.of(root).c.id).where(concerned)
    return leads(tables, record_type, path, lambda column: column.in_(roots))


class DatabaseRows:
    """The rows that a connection sees now. Rows once read are kept: make a new one after writing."""

    def __init__(self, connection: Connection, tables: Tables) -> None:
        self._driver = Driver(connection)
        self._tables = tables
        self._known: dict[str, dict[str, Stored | None]] = {}

    def stored(self, record_type: str, ids: Collection[str]) -> dict[str, Stored]:
        """Return those of the records that exist, by id, with their revisions."""
        known = self._known.setdefault(record_type, {})
        missing = [record_id for record_id in ids if record_id not in known]
        if missing:
            known.update(dict.fromkeys(missing))
            self._fetch(record_type, "id", missing)
        return {record_id: row for record_id in ids if (row := known[record_id]) is not None}

    def get(self, record_type: str, ids: Collection[str]) -> dict[str, Any]:
        """Return those of the records that exist, by id."""
        return {record_id: row.record for record_id, row in self.stored(record_type, ids).items()}

    def naming(self, record_type: str, column: str, ids: Collection[str]) -> Sequence[Any]:
        """Return the records of the type whose `column` holds one of the ids."""
        return [row.record for row in self._fetch(record_type, column, ids)] if ids else []

    def _fetch(self, record_type: str, column: str, ids: Collection[str]) -> list[Stored]:
        known = self._known.setdefault(record_type, {})
        cls = self._tables.model.records[record_type]
        is_postgresql = self._driver.is_postgresql
        statement = _select(self._tables, record_type, column, is_postgresql)
        booleans = () if is_postgresql else _booleans(cls)
        found = []
        for row in self._driver.rows(statement, {"ids": ids_parameter(ids, is_postgresql)}):
            *values, revision = row
            for number in booleans:
                if values[number] is not None:
                    values[number] = bool(values[number])
            found.append(Stored(cls(*values), revision))
            known[found[-1].record.id] = found[-1]
        return found


class RecordRows:
    """Records in memory, before or instead of the rows below. `gone` are those of below that there are no more."""

    def __init__(
        self, records: Iterable[Any], below: Rows | None = None, gone: Collection[tuple[str, str]] = ()
    ) -> None:
        self._gone = frozenset(gone)
        self._records: dict[str, dict[str, Any]] = {}
        for record in records:
            self._records.setdefault(type(record).__name__, {})[record.id] = record
        self._below = below
        self._index: dict[tuple[str, str], dict[str, list[Any]]] = {}

    def get(self, record_type: str, ids: Collection[str]) -> Mapping[str, Any]:
        """Return those of the records that exist, by id."""
        if not ids:
            return {}
        ours = self._records.get(record_type)
        if ours is None:
            if self._below is None:
                return {}
            if not self._gone:
                return self._below.get(record_type, ids)
            ours = {}
        found = {record_id: ours[record_id] for record_id in ids if record_id in ours}
        if self._below is not None and len(found) < len(ids):
            others = (record_id for record_id in ids if record_id not in found)
            found.update(self._below.get(record_type, [id_ for id_ in others if (record_type, id_) not in self._gone]))
        return found

    def naming(self, record_type: str, column: str, ids: Collection[str]) -> Sequence[Any]:
        """Return the records of the type whose `column` holds one of the ids."""
        if not ids:
            return []
        index = self._index.get((record_type, column))
        if index is None:
            index = self._index[record_type, column] = {}
            for record in self._records.get(record_type, {}).values():
                index.setdefault(getattr(record, column), []).append(record)
        found = [record for record_id in ids for record in index.get(record_id, ())]
        if self._below is not None:
            ours = self._records.get(record_type, {})
            below = self._below.naming(record_type, column, ids)
            found += [r for r in below if r.id not in ours and (record_type, r.id) not in self._gone]
        return found
