"""Loading one unit from a transaction: one statement per record type, compiled once per database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Dialect, Select, bindparam, literal_column, select, union
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from sealauthz.errors import FactNotLoaded
from sealauthz.facts.store.database import ReadTransaction
from sealauthz.facts.store.rows import among, ids_parameter
from sealauthz.facts.store.tables import (
    FACT_CHANGE,
    FACT_CHANGE_UNIT,
    FACT_IMPORT,
    FACT_IMPORT_NEW,
    FACT_IMPORT_UNIT,
    table_of,
)
from sealauthz.facts.units import Path, Unit, UnitKind, home_kind, home_path, paths_to
from sealauthz.model import FOREVER, RECORDS, shape_of
from sealauthz.schema.record import UNLIMITED

_MAX_REVISIONS = 2_000
"""With more revisions than this since the last look, everything is loaded anew."""

GUESTS_OF_ENTERPRISES: Mapping[str, str] = {
    "Membership": "person_id",
    "JoinApplication": "person_id",
    "Invitation": "target_id",
    "RetrievalCase": "applicant_id",
    "RegistrySnapshot": "legal_rep_id",
}
"""The records of an enterprise that make it known to a person's unit, and the column that names the person.

INVARIANT: any other guest of the unit (a role) comes with one of these, or with its contract.
"""


@cache
def _dialect(is_postgresql: bool) -> Dialect:
    """Return the dialect that writes parameters by name, as both drivers take them."""
    if is_postgresql:
        return PGDialect_psycopg()  # type: ignore[no-untyped-call]
    return SQLiteDialect_pysqlite(paramstyle="named")


def _compiled(statement: Select[Any] | CompoundSelect[Any], is_postgresql: bool) -> str:
    """Return a statement as text for the driver."""
    return str(statement.compile(dialect=_dialect(is_postgresql)))


def _ids_along(record_type: str, path: Path) -> Select[Any]:
    """Select the ids of the records from which a path leads to the unit `unit`."""
    table = table_of(RECORDS[record_type])
    if not path:
        return select(table.c.id).where(table.c.id == bindparam("unit"))
    step, rest = path[0], path[1:]
    if not step.is_up:
        below = table_of(RECORDS[step.record])
        return select(below.c[step.column]).where(_leads(step.record, rest))
    return select(table.c.id).where(_leads(record_type, path))


def _leads(record_type: str, path: Path) -> Any:
    """Return the condition that a path leads from a row to the unit `unit`."""
    table = table_of(RECORDS[record_type])
    step, rest = path[0], path[1:]
    if step.is_up and not rest:
        return table.c[step.column] == bindparam("unit")
    if step.is_up:
        above = shape_of(RECORDS[record_type]).column(step.column).ref or ""
        return table.c[step.column].in_(_ids_along(above, rest))
    return table.c.id.in_(_ids_along(record_type, path))


@cache
def _unit_statements(kind: UnitKind, is_postgresql: bool) -> tuple[tuple[type, ...], tuple[str, ...]]:
    """Return the record types that a kind of unit holds, and for each the statement that loads its rows."""
    classes = []
    statements = []
    for record_type, cls in RECORDS.items():
        paths = paths_to(kind, record_type)
        if not paths:
            continue
        table = table_of(cls)
        columns = [table.c[column.name] for column in shape_of(cls).columns]
        statement = select(*columns)
        if len(paths) > 1:
            # A union inside one IN: with an OR of several, PostgreSQL would scan the whole table.
            ids = union(*(_ids_along(record_type, path) for path in paths))
            statement = statement.where(table.c.id.in_(ids))
        elif paths[0]:
            statement = statement.where(_leads(record_type, paths[0]))
        else:
            statement = statement.where(table.c.id == bindparam("unit"))
        classes.append(cls)
        statements.append(_compiled(statement, is_postgresql))
    return tuple(classes), tuple(statements)


@cache
def _mark_statement(kind: UnitKind, is_postgresql: bool) -> str:
    """Return the statement that finds the mark of a unit that is being imported."""
    mark = FACT_IMPORT_UNIT.c
    statement = select(mark.id).where(mark.kind == literal_column(f"'{kind}'"), mark.id == bindparam("unit"))
    return _compiled(statement, is_postgresql)


@cache
def _open_statements(is_postgresql: bool) -> tuple[str, str]:
    """Return the statements that find whether any import is open, and whether one has written about a person `unit`."""
    unit, new, opened = FACT_IMPORT_UNIT, FACT_IMPORT_NEW.c, FACT_IMPORT.c
    # From the few open imports to their rows, by the primary key: there may be many rows.
    written = (
        select(new.record_id)
        .join_from(FACT_IMPORT, FACT_IMPORT_NEW, (new.caller == opened.caller) & (new.import_id == opened.import_id))
        .where(opened.state == literal_column("'OPEN'"), new.record_type == literal_column("'Person'"))
        .where(new.record_id == bindparam("unit"))
    )
    # Written by us, as in `_after_statement`.
    return f"{_compiled(select(unit.c.kind), is_postgresql)}\n LIMIT 1", _compiled(written, is_postgresql)


def marks_among(is_postgresql: bool) -> Select[Any]:
    """Select the marks on those of the enterprises and contracts `ids` that are being imported."""
    mark = FACT_IMPORT_UNIT.c
    # The kinds for the index, which begins with them.
    kinds: ColumnElement[bool] = mark.kind.in_([literal_column("'ENTERPRISE'"), literal_column("'CONTRACT'")])
    return select(FACT_IMPORT_UNIT).where(kinds, among(mark.id, "ids", is_postgresql))


@cache
def _marks_statement(is_postgresql: bool) -> str:
    """Return the statement that finds which of some enterprises and contracts are being imported."""
    mark = FACT_IMPORT_UNIT.c
    return _compiled(marks_among(is_postgresql).with_only_columns(mark.kind, mark.id), is_postgresql)


@cache
def _home_statement(record_type: str, is_postgresql: bool) -> str:
    """Return the statement that finds the home root of one record."""
    table = table_of(RECORDS[record_type])
    path = home_path(record_type)
    source: Any = table
    here, current = record_type, table
    for step in path[:-1]:
        here = shape_of(RECORDS[here]).column(step.column).ref or ""
        above = table_of(RECORDS[here])
        source = source.join(above, current.c[step.column] == above.c.id)
        current = above
    root = current.c[path[-1].column] if path else table.c.id
    return _compiled(select(root).select_from(source).where(table.c.id == bindparam("record")), is_postgresql)


@cache
def _touched_statements(is_postgresql: bool) -> tuple[str, str]:
    """Return the statements that find the units changed after a revision, and what marks that revision."""
    unit, change = FACT_CHANGE_UNIT, FACT_CHANGE
    units = select(unit.c.kind, unit.c.id).where(unit.c.revision > bindparam("revision")).distinct()
    marks = select(change.c.at, change.c.caller, change.c.request_id).where(change.c.revision == bindparam("revision"))
    return _compiled(units, is_postgresql), _compiled(marks, is_postgresql)


@cache
def _words() -> dict[Any, Any]:
    """Return every word of an enumeration, and the instants and counts that many records hold, each once."""
    columns = [column for cls in RECORDS.values() for column in shape_of(cls).columns]
    words = {str(word) for column in columns for word in column.words or ()}
    return {value: value for value in (*sorted(words), FOREVER, UNLIMITED)}


@cache
def _maker_of(cls: type) -> Callable[[Sequence[Any], dict[Any, Any]], Any]:
    """Return the function that makes a record of a row: exact types, and equal texts and large numbers shared.

    They are shared within a unit, and words with everybody; not by interning, which keeps a text for ever in CPython
    3.12.
    """
    booleans = [number for number, column in enumerate(shape_of(cls).columns) if column.type is bool]

    def make(row: Sequence[Any], shared: dict[Any, Any]) -> Any:
        values = [
            shared.setdefault(value, value) if type(value) is str or (type(value) is int and value > 256) else value
            for value in row
        ]
        for number in booleans:
            if values[number] is not None:
                values[number] = bool(values[number])
        return cls(*values)

    return make


def load_unit(transaction: ReadTransaction, unit: Unit) -> dict[str, list[Any]]:
    """Return the records of a unit by type, unwired; the root's list is empty if there is no such unit.

    Raises FactNotLoaded for an enterprise or a contract that is being imported, and for a person who is written about
    by an import that is open.
    """
    classes, statements = _unit_statements(unit.kind, transaction.is_postgresql)
    is_person = unit.kind == UnitKind.PERSON
    # In the same transaction: none of an import is seen, or all of it.
    if is_person:
        *loaded, opened, written = transaction.fetch_each(
            (*statements, *_open_statements(transaction.is_postgresql)), {"unit": unit.id}
        )
        is_marked = bool(written)
    else:
        statements = (*statements, _mark_statement(unit.kind, transaction.is_postgresql))
        *loaded, marks = transaction.fetch_each(statements, {"unit": unit.id})
        opened, is_marked = [], bool(marks)
    if is_marked:
        raise _shut(unit)
    shared = _words().copy()
    records = {}
    for cls, rows in zip(classes, loaded, strict=True):
        make = _maker_of(cls)
        records[cls.__name__] = [make(row, shared) for row in rows]
    if opened and _has_marked_guest(transaction, records):
        raise _shut(unit)
    return records


def _shut(unit: Unit) -> FactNotLoaded:
    return FactNotLoaded(f"{unit.kind.lower()} `{unit.id}` is being imported", importing=unit)


def _has_marked_guest(transaction: ReadTransaction, records: Mapping[str, list[Any]]) -> bool:
    """Tell whether a person's unit holds a record of an enterprise or a contract that is being imported."""
    homes = {
        Unit(UnitKind.ENTERPRISE, record.enterprise_id)
        for record_type in GUESTS_OF_ENTERPRISES
        for record in records[record_type]
    }
    homes |= {Unit(UnitKind.CONTRACT, contract.id) for contract in records["Contract"]}
    if not homes:
        return False
    ids = ids_parameter({home.id for home in homes}, transaction.is_postgresql)
    marks = transaction.fetch(_marks_statement(transaction.is_postgresql), {"ids": ids})
    return any(Unit(UnitKind(kind), unit_id) in homes for kind, unit_id in marks)


def find_home(transaction: ReadTransaction, record_type: str, record_id: str) -> Unit | None:
    """Return the home unit of a record; None if there is no such record."""
    rows = transaction.fetch(_home_statement(record_type, transaction.is_postgresql), {"record": record_id})
    return Unit(home_kind(record_type), rows[0][0]) if rows else None


@cache
def _matching_statement(record_type: str, columns: tuple[str, ...], is_postgresql: bool) -> str:
    """Return the statement that finds the ids of the records with certain values in some columns."""
    table = table_of(RECORDS[record_type])
    statement = select(table.c.id).order_by(table.c.id)
    for column in columns:
        statement = statement.where(table.c[column] == bindparam(column))
    return _compiled(statement, is_postgresql)


def find_matching(transaction: ReadTransaction, record_type: str, values: Mapping[str, str]) -> list[str]:
    """Return the ids of the records that hold these values, in their order."""
    statement = _matching_statement(record_type, tuple(values), transaction.is_postgresql)
    return [record_id for (record_id,) in transaction.fetch(statement, dict(values))]


@cache
def _after_statement(record_type: str, column: str, size: int, is_postgresql: bool) -> str:
    """Return the statement that finds the first values of a column behind one, each once."""
    found = table_of(RECORDS[record_type]).c[column]
    statement = select(found).where(found > bindparam("after")).order_by(found)
    if column != "id":
        statement = statement.distinct()
    # Written by us: for SQLite, SQLAlchemy adds an offset as one more parameter.
    return f"{_compiled(statement, is_postgresql)}\n LIMIT {size:d}"


def find_after(transaction: ReadTransaction, record_type: str, column: str, after: str, size: int) -> list[str]:
    """Return the first values of a column behind one, in their order and each once; nothing is no value."""
    statement = _after_statement(record_type, column, size, transaction.is_postgresql)
    return [value for (value,) in transaction.fetch(statement, {"after": after})]


def touched_since(
    transaction: ReadTransaction, revision: int, mark: tuple[Any, ...] | None = None
) -> frozenset[Unit] | None:
    """Return the units changed after a revision; None if that is too long ago to say.

    `mark` is what a transaction said of this revision: None is returned as well where the history has another one
    there.
    """
    if not 0 <= transaction.revision - revision <= _MAX_REVISIONS:
        return None
    statements = _touched_statements(transaction.is_postgresql)
    units, marks = transaction.fetch_each(statements, {"revision": revision})
    if revision > 0 and (not marks or (mark is not None and marks[0] != mark)):
        # The row is gone, so those behind it may be too; or a database was restored, and its history is another one.
        return None
    return frozenset(Unit(UnitKind(kind), unit_id) for kind, unit_id in units)
