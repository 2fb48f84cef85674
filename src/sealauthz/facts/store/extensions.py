"""What was added to the tables of a database: columns of records, and records of its own, as policy folders declare.

The table `fact_extension` remembers each declaration, so that the database says itself which model it holds. It is made
with the first of them: a database without it costs nothing. `generation` rises with each change, so that a process
whose statements were made before one notices it.

Expand first: what is added has a default, and code that does not know it goes on to read and write beside it. What is
taken away holds no values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, inspect
from sqlalchemy.schema import CreateIndex, CreateTable

from sealauthz.facts.store.system_tables import TEXT, TYPES
from sealauthz.facts.store.tables import table_name, tables_of
from sealauthz.runtime.errors import ExtensionRefused, FactsUnavailable
from sealauthz.schema import NO_EXTENSION, Extension, ExtensionProblem, Model, Shape, extended
from sealauthz.schema.extension import AddedColumn, AddedRecord, from_json, to_json

FACT_EXTENSION = sa.Table(
    "fact_extension",
    sa.MetaData(),
    sa.Column("name", TEXT, nullable=False),
    sa.Column("declaration", TEXT, nullable=False),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("name", name="fact_extension_pkey"),
)
"""Every declaration that was applied, as JSON. The row without a name keeps the generation where none is left."""

GENERATION = "(SELECT CAST(max(generation) AS TEXT) FROM fact_extension)"
"""The generation, as text, for a database that has the table."""

_IN_DATABASE = "in the database"


def applied(connection: Connection) -> tuple[Extension, int]:
    """Return what was applied to a database, and the generation of that; 0 where nothing ever was.

    Raises FactsUnavailable for what this version cannot read.
    """
    if not inspect(connection).has_table(FACT_EXTENSION.name):
        return NO_EXTENSION, 0
    rows = connection.execute(sa.select(FACT_EXTENSION)).all()
    try:
        found = Extension.of(from_json(row.declaration) for row in rows if row.name)
    except ValueError as error:
        raise FactsUnavailable(f"the database was extended by another version: {error}") from error
    return found, max((row.generation for row in rows), default=0)


def model_of(connection: Connection, model: Model) -> Model:
    """Return the model that a database holds: the one that is built in, with what was applied to the database.

    Raises FactsUnavailable where they do not fit together.
    """
    return _fitting(model, applied(connection)[0])


def check_has(found: Extension, model: Model) -> None:
    """Raise FactsUnavailable unless a database with this extension has all that a model was extended by."""
    try:
        lacking = found.lacks(model.extension)
    except ExtensionProblem as error:
        raise FactsUnavailable(f"the database has another model than this process: {error}") from error
    if lacking:
        names = ", ".join(f"`{each.key}`" for each in lacking[:3])
        raise FactsUnavailable(f"the database lacks {names}; run `sealauthz db upgrade --policies FOLDER`")


def apply(connection: Connection, model: Model, *, drop_unused: bool) -> bool:
    """Add what a model was extended by, and take away what is there beside that, if asked to. Tell whether that was
    anything.

    Raises ExtensionRefused; nothing is changed then, once the transaction is rolled back.
    """
    there, generation = applied(connection)
    _fitting(model, there)
    try:
        wanted = there.and_(model.extension, _IN_DATABASE, "in the folder")
        whole = extended(model, wanted)
    except ExtensionProblem as error:
        said = "two declarations of one name must be the same: change one of them, or name it otherwise"
        raise ExtensionRefused(f"{error}; {said}") from error
    unused = there.without(model.extension) if drop_unused else NO_EXTENSION
    if wanted == there and not unused:
        return False
    FACT_EXTENSION.create(connection, checkfirst=True)
    for statement in _added(connection, whole, wanted.without(there)):
        connection.exec_driver_sql(statement)
    kept = wanted
    if unused:
        kept = wanted.without(unused)
        try:
            extended(model, kept)
        except ExtensionProblem as error:
            raise ExtensionRefused(f"what is unused cannot be dropped: {error}") from error
        for statement in _dropped(connection, whole, unused):
            connection.exec_driver_sql(statement)
    connection.execute(sa.delete(FACT_EXTENSION))
    rows = [{"name": each.key, "declaration": to_json(each)} for each in kept.declarations]
    rows.append({"name": "", "declaration": ""})
    connection.execute(sa.insert(FACT_EXTENSION), [{**row, "generation": generation + 1} for row in rows])
    return True


def _fitting(model: Model, extension: Extension) -> Model:
    """Return a model extended by what a database has. Raises FactsUnavailable where a newer model has it itself."""
    try:
        return extended(model, extension)
    except ExtensionProblem as error:
        said = "export what it holds and drop it with the version before (`db upgrade --drop-unused`), then upgrade"
        raise ExtensionRefused(
            f"the database was extended by what this version has otherwise: {error}; {said}"
        ) from error


def _added(connection: Connection, model: Model, extension: Extension) -> Iterator[str]:
    """Yield the statements that add what an extension declares."""
    tables, dialect = tables_of(model), connection.dialect
    names = {record.name for record in extension.records}
    for name in sorted(names, key=tables.dependency_order.__getitem__):
        table = tables.constrained(name)
        yield str(CreateTable(table).compile(dialect=dialect))
        for index in sorted(table.indexes, key=lambda each: str(each.name)):
            yield str(CreateIndex(index).compile(dialect=dialect))
    for column in extension.columns:
        if column.of in names:
            continue
        if not column.may_be_left_out:
            said = "records that are there have no value for it: give a `default`, or say `optional = true`"
            raise ExtensionRefused(f"`{column.key}` cannot be added to a record that the database has: {said}")
        yield from _added_column(model.shapes[column.of], column, connection)


def _added_column(shape: Shape, added: AddedColumn, connection: Connection) -> Iterator[str]:
    table, column = table_name(shape.name), shape.column(added.name)
    is_postgresql = connection.dialect.name == "postgresql"
    type_ = TYPES[column.type].compile(dialect=connection.dialect)
    default = "" if column.is_optional else f" DEFAULT {literal(column.default)} NOT NULL"
    quote = connection.dialect.identifier_preparer.quote
    held, name = quote(table), quote(added.name)
    made = f"ALTER TABLE {held} ADD COLUMN {name} {type_}{default}"
    words = f"{name} IN ({', '.join(map(literal, added.words))})"
    if added.words and not is_postgresql:
        made += f" CONSTRAINT {table}_{added.name}_words CHECK ({words})"
    if added.names:
        made += f" CONSTRAINT {table}_{added.name}_fkey REFERENCES {quote(table_name(added.names))} (id)"
    yield made
    if added.words and is_postgresql:
        # Every row holds the default: to look at each of them would keep the table locked.
        yield f"ALTER TABLE {held} ADD CONSTRAINT {table}_{added.name}_words CHECK ({words}) NOT VALID"
    if added.names:
        yield f"CREATE INDEX {table}_{added.name}_idx ON {held} ({name})"


def _dropped(connection: Connection, model: Model, extension: Extension) -> Iterator[str]:
    """Yield the statements that take away what an extension declares. Raises ExtensionRefused where it holds values."""
    tables = tables_of(model)
    names = {record.name for record in extension.records}
    said = "export them (`sealauthz facts export`), then delete or clear them, then run this again"
    for declared in extension.declarations:
        if isinstance(declared, AddedRecord):
            count = connection.execute(sa.select(sa.func.count()).select_from(tables.of(declared.name))).scalar()
            if count:
                raise ExtensionRefused(f"`{declared.key}` cannot be dropped: there are {count} of them; {said}")
        elif isinstance(declared, AddedColumn) and declared.of not in names:
            held = tables.of(declared.of).c[declared.name]
            default = model.shapes[declared.of].column(declared.name).default
            holds = held.is_not(None) if default is None else held.is_distinct_from(default)
            count = connection.execute(sa.select(sa.func.count()).where(holds)).scalar()
            if count:
                raise ExtensionRefused(
                    f"`{declared.key}` cannot be dropped: {count} records hold a value in it; {said}"
                )
    quote = connection.dialect.identifier_preparer.quote
    for name in sorted(names, key=tables.dependency_order.__getitem__, reverse=True):
        yield f"DROP TABLE {quote(table_name(name))}"
    for declared in extension.columns:
        if declared.of in names:
            continue
        table = table_name(declared.of)
        if declared.names:
            yield f"DROP INDEX {table}_{declared.name}_idx"
        yield f"ALTER TABLE {quote(table)} DROP COLUMN {quote(declared.name)}"


def literal(value: Any) -> str:
    """Return a value as SQL."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return str(value) if isinstance(value, int) else "'{}'".format(str(value).replace("'", "''"))
