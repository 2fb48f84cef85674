"""Giving tables that hold rows new columns and constraints, alike on both databases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

# Ordered by code point whatever the locale of the database.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def alter(
    table: str,
    *,
    columns: Sequence[tuple[sa.Column[Any], str]] = (),
    checks: Mapping[str, str] | None = None,
    references: Mapping[str, tuple[str, str]] | None = None,
) -> None:
    """Change a table: `columns` it gains, with what the rows that are there get, as SQL (and with a `server_default`
    where code that does not know the column goes on to write); `checks` it gains, or gets in
    the place of those of that name; and `references`, by their name the column and the table that it names.

    SQLite changes no constraint of a table, so there a new table takes its place, made of the definition of the old
    one. The foreign keys that point to it keep pointing to its name.
    """
    added = {name: f"CHECK ({condition})" for name, condition in (checks or {}).items()}
    for name, (key, target) in (references or {}).items():
        added[name] = f"FOREIGN KEY({key}) REFERENCES {target} (id)"
    if op.get_bind().dialect.name == "sqlite":
        _rebuild(table, columns, added)
        return
    for column, value in columns:
        default = column.server_default
        op.add_column(table, sa.Column(column.name, column.type, nullable=True, server_default=default))
        if value != "NULL":
            op.execute(f"UPDATE {table} SET {column.name} = {value}")  # noqa: S608 (names of ours)
        op.alter_column(table, column.name, nullable=column.nullable)
    for name, definition in added.items():
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")


def _rebuild(
    table: str,
    columns: Sequence[tuple[sa.Column[Any], str]],
    added: Mapping[str, str],
) -> None:
    connection = op.get_bind()
    master = sa.text("SELECT sql FROM sqlite_master WHERE tbl_name = :table AND type = :type AND sql IS NOT NULL")
    (definition,) = connection.execute(master, {"table": table, "type": "table"}).scalars()
    indexes = list(connection.execute(master, {"table": table, "type": "index"}).scalars())
    elements = [e.strip() for e in definition[definition.index("(") + 1 : definition.rindex(")")].split(", \n\t")]
    own = [element for element in elements if not element.startswith("CONSTRAINT ")]
    kept = [e for e in elements if e.startswith("CONSTRAINT ") and e.split()[1] not in added]
    names = [element.split()[0] for element in own]
    # What was added to the table since stands behind the last column, within its element (`facts.store.extensions`).
    held = [row[1] for row in connection.exec_driver_sql(f"PRAGMA table_info({table})")]
    gained = [str(sa.schema.CreateColumn(column).compile(dialect=connection.dialect)) for column, _ in columns]
    # The revision stands behind all that a record declares.
    place = names.index("revision")
    made = [*own[:place], *gained, *own[place:], *kept, *(f"CONSTRAINT {n} {d}" for n, d in added.items())]
    op.execute(f"CREATE TABLE {table}_new (\n\t" + ", \n\t".join(made) + "\n)")
    targets = ", ".join([*held, *(column.name for column, _ in columns)])
    sources = ", ".join([*held, *(value for _, value in columns)])
    op.execute(f"INSERT INTO {table}_new ({targets}) SELECT {sources} FROM {table}")  # noqa: S608 (names of ours)
    op.drop_table(table)
    op.rename_table(f"{table}_new", table)
    for index in indexes:
        op.execute(index)
