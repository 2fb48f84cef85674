"""The tables of the facts, derived from the records.

Constraint names carry the invariant (`membership_i3_1`), so that a refused row can be answered with the rule it breaks.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.compiler import compiles

from sealauthz.facts.store.system_tables import PARTIAL_INDEXES, SYSTEM, TYPES
from sealauthz.runtime.errors import FactConflict, InvariantBroken
from sealauthz.schema import Model, Shape
from sealauthz.schema.changes import in_backticks
from sealauthz.schema.rules import Check, Unique


def table_name(record_type: str) -> str:
    """Return the table of a record type: `RoleAssignment` -> `role_assignment`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", record_type).lower()


class _Absent(sa.Column[Any]):
    """A column that the database does not have yet. It reads as the default of the record, and is never written."""

    inherit_cache = True

    @property
    def literal(self) -> str:
        """The default as SQL."""
        value = self.info["default"]
        if value is None:
            return "NULL"
        if isinstance(value, bool):
            return "TRUE" if value else "FALSE"
        return str(value) if isinstance(value, int) else "'{}'".format(str(value).replace("'", "''"))


@compiles(_Absent)
def _read_absent(column: _Absent, compiler: Any, **how: Any) -> str:
    if (add := how.get("add_to_result_map")) is not None:
        add(column.name, column.name, (column, column.name, column.key), column.type)
    name = compiler.preparer.quote(column.name)
    return f"{column.literal} AS {name}" if how.get("within_columns_clause") else column.literal


class _AbsentTable(sa.Table):
    """A table that the database does not have yet. It reads as empty, and is never written."""

    inherit_cache = True


@compiles(_AbsentTable)
def _read_nothing(table: _AbsentTable, compiler: Any, **_how: Any) -> str:
    types = {str: "TEXT", int: "BIGINT", bool: "BOOLEAN"}
    quote = compiler.preparer.quote
    columns = ", ".join(f"CAST(NULL AS {types[c.type.python_type]}) AS {quote(c.name)}" for c in table.columns)
    return f"(SELECT {columns} WHERE 1 = 0) AS {quote(table.name)}"


class Tables:
    """The tables of one model's records. Made once per model: `tables_of`.

    `absent` are the columns, by table and name, that the database does not have yet, and whole tables, by an empty
    name. Constraints and indexes, which take three quarters of the time, are made when they, or what is said of them,
    are first asked for: who reads needs none.
    """

    def __init__(self, model: Model, absent: frozenset[tuple[str, str]] = frozenset()) -> None:
        self.model = model
        self.absent = absent
        self.units = model.units
        self._metadata = sa.MetaData()
        self._making = threading.Lock()
        self._tables = {name: self._derive(shape) for name, shape in model.shapes.items()}

    @cached_property
    def _constrained(self) -> _Constraints:
        """What constrains the tables, made once."""
        with self._making:
            made = self.__dict__.get("_constrained")  # another thread was first
            if made is None:
                made = _Constraints({}, {}, {})
                for name, shape in self.model.shapes.items():
                    _constrain(self._tables[name], shape, made)
                for table in SYSTEM.sorted_tables:
                    _index_in_part(table.to_metadata(self._metadata))
                self.__dict__["_constrained"] = made
        return made

    @property
    def metadata(self) -> sa.MetaData:
        """Every table, those of the store itself among them."""
        _ = self._constrained
        return self._metadata

    @property
    def invariants(self) -> Mapping[str, str]:
        """The invariant behind each named constraint and unique index."""
        return self._constrained.invariants

    @property
    def said(self) -> Mapping[str, tuple[str, str]]:
        """Of each constraint that a record declares: the columns that it is about, and the rule in words."""
        return self._constrained.said

    @property
    def unique_columns(self) -> Mapping[tuple[str, ...], str]:
        """The name of each unique index by table and columns, which is all that SQLite says about a conflict."""
        return self._constrained.unique_columns

    @cached_property
    def dependency_order(self) -> Mapping[str, int]:
        """The record types in the order in which rows may be inserted: what is referred to comes first."""
        tables = enumerate(self.metadata.sorted_tables)
        return {table.info["record"]: position for position, table in tables if "record" in table.info}

    @property
    def there(self) -> list[sa.Table]:
        """The tables that the database has."""
        return [table for table in self.metadata.sorted_tables if not isinstance(table, _AbsentTable)]

    def of(self, record_type: str) -> sa.Table:
        """Return the table of a record type: its columns in the order of the shape, then `revision`.

        For statements. It may be without what constrains it (`constrained`).
        """
        return self._tables[record_type]

    def constrained(self, record_type: str) -> sa.Table:
        """Return the table of a record type with its constraints and indexes."""
        _ = self._constrained
        return self._tables[record_type]

    def _derive(self, shape: Shape) -> sa.Table:
        """Make the table of one record class, without what constrains it."""
        name = table_name(shape.name)
        kind = _AbsentTable if (name, "") in self.absent else sa.Table
        table = kind(name, self._metadata, info={"record": shape.name})
        for column in shape.columns:
            if (name, column.name) in self.absent:
                info = {"default": column.default}
                table.append_column(_Absent(column.name, TYPES[column.type], nullable=True, info=info))
            else:
                table.append_column(sa.Column(column.name, TYPES[column.type], nullable=column.is_optional))
        table.append_column(sa.Column("revision", sa.BigInteger, nullable=False))
        table.append_constraint(sa.PrimaryKeyConstraint("id", name=f"{name}_pkey"))
        return table


@dataclass(frozen=True, slots=True)
class _Constraints:
    """What is known of the constraints of all tables; see `Tables`."""

    invariants: dict[str, str]
    said: dict[str, tuple[str, str]]
    unique_columns: dict[tuple[str, ...], str]


def _constrain(table: sa.Table, shape: Shape, made: _Constraints) -> None:
    """Give the table of one record class its constraints and indexes, and note them."""
    name = table.name
    for column in shape.columns:
        if column.words is not None:
            # An expression, not text, because `right` is a reserved word and must be quoted.
            is_word = table.c[column.name].in_([word.value for word in column.words])
            table.append_constraint(sa.CheckConstraint(is_word, name=f"{name}_{column.name}_words"))
            made.invariants[f"{name}_{column.name}_words"] = "WORD"
        if column.ref is not None:
            target, key = f"{table_name(column.ref)}.id", f"{name}_{column.name}_fkey"
            table.append_constraint(sa.ForeignKeyConstraint([column.name], [target], name=key))
            made.invariants[key] = "REFERENCE"
            sa.Index(f"{name}_{column.name}_idx", table.c[column.name])
    for number, constraint in enumerate(shape.constraints, 1):
        slug = constraint.invariant.lower().replace("-", "_")
        constraint_name = f"{name}_{slug}_{number}"
        made.invariants[constraint_name] = constraint.invariant
        made.said[constraint_name] = (in_backticks(_columns_of(constraint, shape)), constraint.says)
        match constraint:
            case Unique(columns=columns, where=where):
                only = _only(where) if where else {}
                sa.Index(constraint_name, *(table.c[key] for key in columns), unique=True, **only)
                made.unique_columns[name, *columns] = constraint_name
            case Check(condition=condition):
                table.append_constraint(sa.CheckConstraint(condition, name=constraint_name))


def _index_in_part(table: sa.Table) -> None:
    """Give a table of the store itself its index of some of its rows, where it has one."""
    if table.name in PARTIAL_INDEXES:
        name, column, where = PARTIAL_INDEXES[table.name]
        sa.Index(name, table.c[column], **_only(where))


def _only(where: str) -> dict[str, Any]:
    """Say to both databases which rows an index has."""
    return {f"{dialect}_where": sa.text(where) for dialect in ("sqlite", "postgresql")}


def tables_of(model: Model, absent: frozenset[tuple[str, str]] = frozenset()) -> Tables:
    """Return the tables of a model, in a database without some columns."""
    return _made(model, absent)


@cache
def _made(model: Model, absent: frozenset[tuple[str, str]]) -> Tables:
    """Make them once, however that nothing is absent is said."""
    return Tables(model, absent)


def refusal_of(error: IntegrityError, tables: Tables, name: str, is_taken: bool) -> FactConflict | InvariantBroken:
    """Return the error for a row that the database refused. `is_taken`: its id exists already."""
    constraint, is_unique = _constraint_of(error, tables)
    if is_taken:
        return FactConflict("ID", f"{name} exists")
    invariant = tables.invariants.get(constraint)
    columns, says = tables.said.get(constraint, ("", ""))
    if is_unique:
        invariant = invariant or "UNIQUE"
        if not columns:
            return FactConflict(invariant, f"{name} conflicts with a record that exists ({invariant})")
        return FactConflict(invariant, f"{name} conflicts in {columns} with a record that exists: {says} ({invariant})")
    if invariant is None or invariant == "REFERENCE":
        return InvariantBroken("REFERENCE", f"{name} names a record that does not exist, or is named by one that does")
    if not columns:
        return InvariantBroken(invariant, f"{name} holds a value that is not one of the words of its column")
    return InvariantBroken(invariant, f"{name} breaks a rule in {columns}: {says} ({invariant})")


def _columns_of(constraint: Unique | Check, shape: Shape) -> list[str]:
    """Return the columns that a constraint is about, in the order of the record."""
    words = constraint.columns if isinstance(constraint, Unique) else re.findall(r"\w+", constraint.condition)
    return [column.name for column in shape.columns if column.name in words]


def _constraint_of(error: IntegrityError, tables: Tables) -> tuple[str, bool]:
    """Return the name of the broken constraint (empty if unknown), and whether it is a unique one."""
    # Here, because a process on SQLite needs no driver of PostgreSQL until a row is refused.
    import psycopg

    cause = error.orig
    if isinstance(cause, psycopg.Error):
        return cause.diag.constraint_name or "", isinstance(cause, psycopg.errors.UniqueViolation)
    if isinstance(cause, sqlite3.IntegrityError):
        kind, _, detail = str(cause).partition(" constraint failed: ")
        if kind == "UNIQUE":
            places = [place.strip().split(".") for place in detail.split(",")]
            key = (places[0][0], *(column for _, column in places))
            return tables.unique_columns.get(key, ""), True
        named = re.match(r"\w+", detail)
        return named.group() if named else "", False
    return "", False
