"""Loading one unit from a transaction: one statement per record type, compiled once per database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    bindparam,
    case,
    func,
    literal_column,
    select,
    union,
)

from sealauthz.facts.store.database import ReadTransaction
from sealauthz.facts.store.history import Changed, changes_in
from sealauthz.facts.store.rows import ids_along, ids_parameter, leads, marks_among
from sealauthz.facts.store.statements import compiled
from sealauthz.facts.store.system_tables import (
    FACT_CHANGE,
    FACT_CHANGE_UNIT,
    FACT_IMPORT,
    FACT_IMPORT_NEW,
    FACT_IMPORT_UNIT,
)
from sealauthz.facts.store.tables import Tables
from sealauthz.runtime.errors import FactNotLoaded
from sealauthz.schema import FOREVER, UNLIMITED, Model, Unit, shape_of

_MAX_REVISIONS = 2_000
"""With more revisions than this since the last look, everything is loaded again."""

_MAX_READ = 200
_MAX_CHARACTERS = 64 * 1024
"""With more revisions than this, or a larger one, as an import makes, look-ups are forgotten, and not moved on."""


def _is_unit(column: ColumnElement[str]) -> ColumnElement[bool]:
    return column == bindparam("unit")


@cache
def _unit_statements(tables: Tables, kind: str, is_postgresql: bool) -> tuple[tuple[type, ...], tuple[str, ...]]:
    """Return the record types that a kind of unit holds, and for each the statement that loads its rows."""
    classes = []
    statements = []
    for record_type, cls in tables.model.records.items():
        paths = tables.units.paths_to(kind, record_type)
        if not paths:
            continue
        table = tables.of(record_type)
        statement = select(*(table.c[column.name] for column in tables.model.shapes[record_type].columns))
        if len(paths) > 1:
            # A union inside one IN: with an OR of several, PostgreSQL would scan the whole table.
            ids = union(*(ids_along(tables, record_type, path, _is_unit) for path in paths))
            statement = statement.where(table.c.id.in_(ids))
        else:
            statement = statement.where(leads(tables, record_type, paths[0], _is_unit))
        classes.append(cls)
        statements.append(compiled(statement, is_postgresql))
    return tuple(classes), tuple(statements)


@cache
def _mark_statement(kind: str, is_postgresql: bool) -> str:
    """Return the statement that finds the mark of a unit that is being imported."""
    mark = FACT_IMPORT_UNIT.c
    statement = select(mark.id).where(mark.kind == literal_column(f"'{kind}'"), mark.id == bindparam("unit"))
    return compiled(statement, is_postgresql)


@cache
def _open_statements(subject: str, is_postgresql: bool) -> tuple[str, str]:
    """Return the statements that find whether any import is open, and whether one has written about a subject `unit`.

    `subject` is the record type of the subject.
    """
    unit, new, opened = FACT_IMPORT_UNIT, FACT_IMPORT_NEW.c, FACT_IMPORT.c
    # From the few open imports to their rows, by the primary key: there may be many rows.
    written = (
        select(new.record_id)
        .join_from(FACT_IMPORT, FACT_IMPORT_NEW, (new.caller == opened.caller) & (new.import_id == opened.import_id))
        .where(opened.state == literal_column("'OPEN'"), new.record_type == literal_column(f"'{subject}'"))
        .where(new.record_id == bindparam("unit"))
    )
    # Written by us, as in `after_statement`.
    return f"{compiled(select(unit.c.kind), is_postgresql)}\n LIMIT 1", compiled(written, is_postgresql)


@cache
def _marks_statement(tables: Tables, is_postgresql: bool) -> str:
    """Return the statement that finds which of some tenants and shared roots are being imported."""
    mark = FACT_IMPORT_UNIT.c
    return compiled(marks_among(tables, is_postgresql).with_only_columns(mark.kind, mark.id), is_postgresql)


@cache
def home_statement(tables: Tables, record_type: str, is_postgresql: bool) -> str:
    """Return the statement that finds the home root of one record."""
    table = tables.of(record_type)
    path = tables.units.home_path(record_type)
    source: Any = table
    here, current = record_type, table
    for step in path[:-1]:
        here = tables.model.shapes[here].column(step.column).ref or ""
        above = tables.of(here)
        source = source.join(above, current.c[step.column] == above.c.id)
        current = above
    root = current.c[path[-1].column] if path else table.c.id
    return compiled(select(root).select_from(source).where(table.c.id == bindparam("record")), is_postgresql)


@cache
def _touched_statements(is_postgresql: bool) -> tuple[str, str, str]:
    """Return the statements that find the units changed after a revision, what marks it, and what was changed."""
    unit, change = FACT_CHANGE_UNIT, FACT_CHANGE
    units = select(unit.c.kind, unit.c.id).where(unit.c.revision > bindparam("revision")).distinct()
    marks = select(change.c.at, change.c.caller, change.c.request_id).where(change.c.revision == bindparam("revision"))
    # PostgreSQL knows the bytes of a long text without reading it.
    size = func.octet_length(change.c.changes) if is_postgresql else func.length(change.c.changes)
    texts = select(case((size <= bindparam("most", type_=BigInteger), change.c.changes)))
    texts = texts.where(change.c.revision > bindparam("revision")).order_by(change.c.revision)
    # Written by us, as in `after_statement`.
    limited = f"{compiled(texts, is_postgresql)}\n LIMIT {_MAX_READ + 1:d}"
    return compiled(units, is_postgresql), compiled(marks, is_postgresql), limited


@cache
def words_of(model: Model) -> dict[Any, Any]:
    """Return every word of an enumeration, and the instants and counts that many records hold, each once."""
    columns = [column for shape in model.shapes.values() for column in shape.columns]
    words = {str(word) for column in columns for word in column.words or ()}
    return {value: value for value in (*sorted(words), FOREVER, UNLIMITED)}


@cache
def maker_of(cls: type) -> Callable[[Sequence[Any], dict[Any, Any]], Any]:
    """Return the function that makes a record of a row: exact types, and equal texts and large numbers shared.

    They are shared within a unit, and words with everybody; not by interning, which keeps a text to the end in CPython
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

    Raises FactNotLoaded for a tenant or a shared root that is being imported, and for a subject who is written about
    by an import that is open.
    """
    tables, is_postgresql = transaction.tables, transaction.is_postgresql
    classes, statements = _unit_statements(tables, unit.kind, is_postgresql)
    # In the same transaction: none of an import is seen, or all of it.
    marking = _marking(tables, unit.kind, is_postgresql)
    found = transaction.fetch_each((*statements, *marking), {"unit": unit.id})
    loaded, marks = found[: len(statements)], found[len(statements) :]
    is_doubtful = _check_marks(unit, marks)
    shared = words_of(tables.model).copy()
    records = {}
    for cls, rows in zip(classes, loaded, strict=True):
        make = maker_of(cls)
        records[cls.__name__] = [make(row, shared) for row in rows]
    if is_doubtful:
        check_roots(transaction, unit, records)
    return records


def check_unmarked(transaction: ReadTransaction, unit: Unit) -> bool:
    """Raise FactNotLoaded for a unit that is being imported. True: `check_roots` has to look at what it holds."""
    tables, is_postgresql = transaction.tables, transaction.is_postgresql
    return _check_marks(unit, transaction.fetch_each(_marking(tables, unit.kind, is_postgresql), {"unit": unit.id}))


def check_roots(transaction: ReadTransaction, unit: Unit, records: Mapping[str, Collection[Any]]) -> None:
    """Raise FactNotLoaded if a subject's unit holds a record of what is being imported."""
    if _has_marked_root(transaction, records):
        raise _locked(unit)


def _marking(tables: Tables, kind: str, is_postgresql: bool) -> tuple[str, ...]:
    """Return the statements that tell whether a unit is being imported."""
    if tables.units.is_of_subject(kind):
        return _open_statements(tables.units.root_of[kind], is_postgresql)
    return (_mark_statement(kind, is_postgresql),)


def _check_marks(unit: Unit, marks: Sequence[list[tuple[Any, ...]]]) -> bool:
    """Raise FactNotLoaded where the last of the marks tells so; true where the first one says that others may."""
    if marks[-1]:
        raise _locked(unit)
    return bool(marks[0])


def _locked(unit: Unit) -> FactNotLoaded:
    return FactNotLoaded(f"{unit.kind.lower()} `{unit.id}` is being imported", importing=unit)


def _has_marked_root(transaction: ReadTransaction, records: Mapping[str, Collection[Any]]) -> bool:
    """Tell whether a subject's unit holds a record of a tenant or a shared root that is being imported."""
    tables = transaction.tables
    units, shapes = tables.units, tables.model.shapes
    homes = {
        Unit(units.roots[units.tenant], getattr(record, shapes[record_type].home))
        for record_type in units.known_to_subjects
        for record in records.get(record_type, ())
    }
    homes |= {Unit(units.roots[root], record.id) for root in units.shared for record in records.get(root, ())}
    if not homes:
        return False
    ids = ids_parameter({home.id for home in homes}, transaction.is_postgresql)
    marks = transaction.fetch(_marks_statement(tables, transaction.is_postgresql), {"ids": ids})
    return any(Unit(kind, unit_id) in homes for kind, unit_id in marks)


@cache
def matching_statement(tables: Tables, record_type: str, columns: tuple[str, ...], is_postgresql: bool) -> str:
    """Return the statement that finds the ids of the records with certain values in some columns."""
    table = tables.of(record_type)
    statement = select(table.c.id).order_by(table.c.id)
    for column in columns:
        statement = statement.where(table.c[column] == bindparam(column))
    return compiled(statement, is_postgresql)


@cache
def after_statement(tables: Tables, record_type: str, column: str, size: int, is_postgresql: bool) -> str:
    """Return the statement that finds the first values of a column behind one, each once."""
    found = tables.of(record_type).c[column]
    statement = select(found).where(found > bindparam("after")).order_by(found)
    if column != "id":
        statement = statement.distinct()
    # Written by us: for SQLite, SQLAlchemy adds an offset as one more parameter.
    return f"{compiled(statement, is_postgresql)}\n LIMIT {size:d}"


class Touched(NamedTuple):
    """What was changed after a revision: units, and the rows in their order; None for rows where they are too many."""

    units: frozenset[Unit]
    rows: tuple[Changed, ...] | None


def touched_since(transaction: ReadTransaction, revision: int, mark: tuple[Any, ...] | None = None) -> Touched | None:
    """Return what was changed after a revision; None if that is too long ago to say.

    `mark` is what a transaction said of this revision: None is returned as well where the history has another one
    there.
    """
    behind = transaction.revision - revision
    if not 0 <= behind <= _MAX_REVISIONS:
        return None
    statements = _touched_statements(transaction.is_postgresql)
    parameters = {"revision": revision, "most": _MAX_CHARACTERS}
    units, marks, texts = transaction.fetch_each(statements, parameters)
    if revision > 0 and (not marks or (mark is not None and marks[0] != mark)):
        # The row is gone, so those behind it may be too; or a database was restored, and its history is another one.
        return None
    is_known = len(texts) == behind and all(text is not None for (text,) in texts)
    rows = tuple(changed for (text,) in texts for changed in changes_in(text)) if is_known else None
    return Touched(frozenset(Unit(kind, unit_id) for kind, unit_id in units), rows)
