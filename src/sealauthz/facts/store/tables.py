"""The tables of the facts, derived from the records, and the tables of the store itself.

Constraint names carry the invariant (`membership_i3_1`), so that a refused row can be answered with the rule it breaks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)
from sqlalchemy.types import TypeEngine

from sealauthz.schema import Model, Shape
from sealauthz.schema.rules import Check, Unique

SYSTEM = MetaData()
"""The tables of the store itself, which every model has beside those of its records."""

# The C collation orders text by code point, as SQLite and Python do, whatever the locale of the database.
TEXT: TypeEngine[str] = Text().with_variant(Text(collation="C"), "postgresql")

TYPES: dict[type, TypeEngine[object]] = {str: TEXT, int: BigInteger(), bool: Boolean()}  # type: ignore[dict-item]

FACT_CHANGE = Table(
    "fact_change",
    SYSTEM,
    Column("revision", BigInteger, autoincrement=False, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("caller", TEXT, nullable=False),
    Column("request_id", TEXT, nullable=False),
    Column("changes", Text, nullable=False),
    PrimaryKeyConstraint("revision", name="fact_change_pkey"),
)
"""What each revision changed. `changes` is JSON: per record its type, id, and images without personal text."""

FACT_CHANGE_UNIT = Table(
    "fact_change_unit",
    SYSTEM,
    Column("revision", BigInteger, nullable=False),
    Column("kind", TEXT, nullable=False),
    Column("id", TEXT, nullable=False),
    PrimaryKeyConstraint("revision", "kind", "id", name="fact_change_unit_pkey"),
    ForeignKeyConstraint(["revision"], ["fact_change.revision"], name="fact_change_unit_revision_fkey"),
)
"""Which units hold a record that a revision changed, before it or after it."""

FACT_REQUEST = Table(
    "fact_request",
    SYSTEM,
    Column("caller", TEXT, nullable=False),
    Column("request_id", TEXT, nullable=False),
    Column("digest", TEXT, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    PrimaryKeyConstraint("caller", "request_id", name="fact_request_pkey"),
)
"""Every request answered, so that it is answered the same way again; also those that changed nothing."""

FACT_IMPORT = Table(
    "fact_import",
    SYSTEM,
    Column("caller", TEXT, nullable=False),
    Column("import_id", TEXT, nullable=False),
    Column("enterprises", Text, nullable=False),
    Column("state", TEXT, nullable=False),
    Column("parts", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    PrimaryKeyConstraint("caller", "import_id", name="fact_import_pkey"),
    CheckConstraint("state IN ('OPEN', 'FINISHED', 'ABANDONED')", name="fact_import_state_words"),
)
"""Every import: the enterprises that it names (a JSON list), how many parts are committed, and when it began."""

FACT_IMPORT_UNIT = Table(
    "fact_import_unit",
    SYSTEM,
    Column("kind", TEXT, nullable=False),
    Column("id", TEXT, nullable=False),
    Column("caller", TEXT, nullable=False),
    Column("import_id", TEXT, nullable=False),
    PrimaryKeyConstraint("kind", "id", name="fact_import_unit_pkey"),
    ForeignKeyConstraint(
        ["caller", "import_id"], ["fact_import.caller", "fact_import.import_id"], name="fact_import_unit_import_id_fkey"
    ),
    Index("fact_import_unit_import_id_idx", "caller", "import_id"),
)
"""The enterprises and contracts that are being imported, by one import each. They need not exist yet."""

FACT_IMPORT_NEW = Table(
    "fact_import_new",
    SYSTEM,
    Column("caller", TEXT, nullable=False),
    Column("import_id", TEXT, nullable=False),
    Column("record_type", TEXT, nullable=False),
    Column("record_id", TEXT, nullable=False),
    PrimaryKeyConstraint("caller", "import_id", "record_type", "record_id", name="fact_import_new_pkey"),
    ForeignKeyConstraint(
        ["caller", "import_id"], ["fact_import.caller", "fact_import.import_id"], name="fact_import_new_import_id_fkey"
    ),
)
"""The rights that an open import has made, of which the limits may still come in a later part; and persons it shuts."""

STORE_IDENTITY = Table(
    "store_identity",
    SYSTEM,
    Column("store_id", TEXT, nullable=False),
    Column("timeline_id", TEXT, nullable=False),
    PrimaryKeyConstraint("store_id", name="store_identity_pkey"),
)
"""One row: which store this is, and which line of its history."""


def table_name(record_type: str) -> str:
    """Return the table of a record type: `RoleAssignment` -> `role_assignment`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", record_type).lower()


class Tables:
    """The tables of one model's records. Made once per model: `tables_of`."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.units = model.units
        self.metadata = MetaData()
        """Every table, those of the store itself among them."""
        self.invariants: dict[str, str] = {}
        """The invariant behind each named constraint and unique index."""
        self.unique_columns: dict[tuple[str, ...], str] = {}
        """The name of each unique index by table and columns, which is all that SQLite says about a conflict."""
        self._tables = {name: self._derive(shape) for name, shape in model.shapes.items()}
        for table in SYSTEM.sorted_tables:
            table.to_metadata(self.metadata)
        self.dependency_order: Mapping[str, int] = {
            table.info["record"]: position
            for position, table in enumerate(self.metadata.sorted_tables)
            if "record" in table.info
        }
        """The record types in the order in which rows may be inserted: what is referred to comes first."""

    def of(self, record_type: str) -> Table:
        """Return the table of a record type: its columns in the order of the shape, then `revision`."""
        return self._tables[record_type]

    def _derive(self, shape: Shape) -> Table:
        """Make the table of one record class."""
        name = table_name(shape.name)
        table = Table(name, self.metadata, info={"record": shape.name})
        for column in shape.columns:
            table.append_column(Column(column.name, TYPES[column.type], nullable=column.is_optional))
        table.append_column(Column("revision", BigInteger, nullable=False))
        table.append_constraint(PrimaryKeyConstraint("id", name=f"{name}_pkey"))
        for column in shape.columns:
            if column.words is not None:
                # An expression, not text, because `right` is a reserved word and must be quoted.
                is_word = table.c[column.name].in_([word.value for word in column.words])
                table.append_constraint(CheckConstraint(is_word, name=f"{name}_{column.name}_words"))
                self.invariants[f"{name}_{column.name}_words"] = "WORD"
            if column.ref is not None:
                target, key = f"{table_name(column.ref)}.id", f"{name}_{column.name}_fkey"
                table.append_constraint(ForeignKeyConstraint([column.name], [target], name=key))
                self.invariants[key] = "REFERENCE"
                Index(f"{name}_{column.name}_idx", table.c[column.name])
        for number, constraint in enumerate(shape.constraints, 1):
            slug = constraint.invariant.lower().replace("-", "_")
            constraint_name = f"{name}_{slug}_{number}"
            self.invariants[constraint_name] = constraint.invariant
            match constraint:
                case Unique(columns=columns, where=where):
                    only: dict[str, Any] = (
                        {"sqlite_where": text(where), "postgresql_where": text(where)} if where else {}
                    )
                    Index(constraint_name, *(table.c[key] for key in columns), unique=True, **only)
                    self.unique_columns[name, *columns] = constraint_name
                case Check(condition=condition):
                    table.append_constraint(CheckConstraint(condition, name=constraint_name))
        return table


@cache
def tables_of(model: Model) -> Tables:
    """Return the tables of a model."""
    return Tables(model)
