"""The tables of the facts, derived from the records, and the tables of the store itself.

Constraint names carry the invariant (`membership_i3_1`), so that a refused row can be answered with the rule it breaks.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import TypeEngine

from sealauthz.errors import FactConflict, InvariantBroken
from sealauthz.schema import Model, Shape
from sealauthz.schema.changes import in_backticks
from sealauthz.schema.rules import Check, Unique

SYSTEM = sa.MetaData()
"""The tables of the store itself, which every model has beside those of its records."""

# The C collation orders text by code point, as SQLite and Python do, whatever the locale of the database.
TEXT: TypeEngine[str] = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

TYPES: dict[type, TypeEngine[object]] = {str: TEXT, int: sa.BigInteger(), bool: sa.Boolean()}  # type: ignore[dict-item]


def _columns(**types: Any) -> Iterator[sa.Column[Any]]:
    """Yield columns that always hold a value, by their names."""
    return (sa.Column(name, type_, nullable=False) for name, type_ in types.items())


FACT_CHANGE = sa.Table(
    "fact_change",
    SYSTEM,
    sa.Column("revision", sa.BigInteger, autoincrement=False, nullable=False),
    *_columns(at=sa.BigInteger, caller=TEXT, request_id=TEXT, changes=sa.Text),
    sa.PrimaryKeyConstraint("revision", name="fact_change_pkey"),
)
"""What each revision changed. `changes` is JSON: per record its type, id, and images without personal text."""

FACT_CHANGE_UNIT = sa.Table(
    "fact_change_unit",
    SYSTEM,
    *_columns(revision=sa.BigInteger, kind=TEXT, id=TEXT),
    sa.PrimaryKeyConstraint("revision", "kind", "id", name="fact_change_unit_pkey"),
    sa.ForeignKeyConstraint(["revision"], ["fact_change.revision"], name="fact_change_unit_revision_fkey"),
    sa.Index("fact_change_unit_unit_idx", "kind", "id", "revision"),
)
"""Which units hold a record that a revision changed, before it or after it. The index finds the past of a unit."""

FACT_REQUEST = sa.Table(
    "fact_request",
    SYSTEM,
    *_columns(caller=TEXT, request_id=TEXT, digest=TEXT, revision=sa.BigInteger, at=sa.BigInteger),
    sa.PrimaryKeyConstraint("caller", "request_id", name="fact_request_pkey"),
)
"""Every request answered, so that it is answered the same way again; also those that changed nothing."""

FACT_IMPORT = sa.Table(
    "fact_import",
    SYSTEM,
    *_columns(caller=TEXT, import_id=TEXT, enterprises=sa.Text, state=TEXT, parts=sa.BigInteger, at=sa.BigInteger),
    sa.PrimaryKeyConstraint("caller", "import_id", name="fact_import_pkey"),
    sa.CheckConstraint("state IN ('OPEN', 'FINISHED', 'ABANDONED')", name="fact_import_state_words"),
)
"""Every import: the enterprises that it names (a JSON list), how many parts are committed, and when it began."""

FACT_IMPORT_UNIT = sa.Table(
    "fact_import_unit",
    SYSTEM,
    *_columns(kind=TEXT, id=TEXT, caller=TEXT, import_id=TEXT),
    sa.PrimaryKeyConstraint("kind", "id", name="fact_import_unit_pkey"),
    sa.ForeignKeyConstraint(
        ["caller", "import_id"], ["fact_import.caller", "fact_import.import_id"], name="fact_import_unit_import_id_fkey"
    ),
    sa.Index("fact_import_unit_import_id_idx", "caller", "import_id"),
)
"""The enterprises and contracts that are being imported, by one import each. They need not exist yet."""

FACT_IMPORT_NEW = sa.Table(
    "fact_import_new",
    SYSTEM,
    *_columns(caller=TEXT, import_id=TEXT, record_type=TEXT, record_id=TEXT),
    sa.PrimaryKeyConstraint("caller", "import_id", "record_type", "record_id", name="fact_import_new_pkey"),
    sa.ForeignKeyConstraint(
        ["caller", "import_id"], ["fact_import.caller", "fact_import.import_id"], name="fact_import_new_import_id_fkey"
    ),
)
"""The rights that an open import has made, of which the limits may still come in a later part; and persons it shuts."""

FACT_OPERATION = sa.Table(
    "fact_operation",
    SYSTEM,
    *_columns(
        caller=TEXT, request_id=TEXT, operation_id=TEXT, revision=sa.BigInteger, at=sa.BigInteger, answer=sa.Text
    ),
    sa.Column("assertion", TEXT, nullable=True),
    sa.PrimaryKeyConstraint("caller", "request_id", name="fact_operation_pkey"),
    sa.UniqueConstraint("operation_id", name="fact_operation_operation_id_key"),
    sa.Index("fact_operation_assertion_idx", "assertion", unique=True),
)
"""Every act that was performed: what it was answered with, as JSON, so that it is answered the same way again.
`assertion` stands for the signed assertion of the person that it used up: no other act may.
"""

FACT_EVENT = sa.Table(
    "fact_event",
    SYSTEM,
    *_columns(revision=sa.BigInteger, ordinal=sa.BigInteger, tenant_id=TEXT, at=sa.BigInteger, body=sa.Text),
    sa.PrimaryKeyConstraint("revision", "ordinal", name="fact_event_pkey"),
)
"""What people must be told, as JSON, in the order of revisions: `ordinal` counts the events of one from 0."""

FACT_ACTIVITY = sa.Table(
    "fact_activity",
    SYSTEM,
    *_columns(
        revision=sa.BigInteger,
        ordinal=sa.BigInteger,
        tenant_id=TEXT,
        topic_id=TEXT,
        subject_id=TEXT,
        at=sa.BigInteger,
        body=sa.Text,
    ),
    sa.PrimaryKeyConstraint("revision", "ordinal", name="fact_activity_pkey"),
    sa.Index("fact_activity_tenant_id_idx", "tenant_id", "revision", "ordinal"),
    sa.Index("fact_activity_topic_id_idx", "topic_id", "revision", "ordinal"),
)
"""What those who monitor are shown, as JSON, in the order of revisions: `ordinal` counts that of one from 0. Of a
record that is activity of two tenants there is a row for each. Empty ids stand for none.
"""

POLICY_BUNDLE = sa.Table(
    "policy_bundle",
    SYSTEM,
    *_columns(version=TEXT, digest=TEXT, content=sa.Text, author=TEXT, note=sa.Text, at=sa.BigInteger),
    sa.PrimaryKeyConstraint("version", name="policy_bundle_pkey"),
)
"""Policies that were proposed, by their version. `content` is an archive of all that they are made of, `digest` the
SHA-256 of it.
"""

POLICY_ACTIVATION = sa.Table(
    "policy_activation",
    SYSTEM,
    sa.Column("revision", sa.BigInteger, autoincrement=False, nullable=False),
    *_columns(
        version=TEXT,
        previous=TEXT,
        kind=TEXT,
        author=TEXT,
        approver=TEXT,
        note=sa.Text,
        signed_by=TEXT,
        at=sa.BigInteger,
    ),
    sa.PrimaryKeyConstraint("revision", name="policy_activation_pkey"),
    sa.ForeignKeyConstraint(["version"], ["policy_bundle.version"], name="policy_activation_version_fkey"),
    sa.CheckConstraint("kind IN ('ACTIVATE', 'ROLL_BACK')", name="policy_activation_kind_words"),
)
"""From which revision on which policies decide; before the first row it is those of each process's own folder.
`previous` is empty in the first row, `signed_by` names the key that signed the archive.
"""

POLICY_PROCESS = sa.Table(
    "policy_process",
    SYSTEM,
    *_columns(id=TEXT, name=TEXT, release=TEXT, source=TEXT, serves=TEXT, loaded=sa.Text, seen_at=sa.BigInteger),
    sa.PrimaryKeyConstraint("id", name="policy_process_pkey"),
)
"""The processes that decide: which policies each serves, and, as JSON, by version those that it has loaded, with an
empty text, and those that it could not, with why. `seen_at` is by the clock of the database where it has one.
"""

POLICY_SHADOW = sa.Table(
    "policy_shadow",
    SYSTEM,
    *_columns(id=TEXT, version=TEXT, share=sa.Float, cpu_share=sa.Float, caller=TEXT, at=sa.BigInteger),
    sa.PrimaryKeyConstraint("id", name="policy_shadow_pkey"),
)
"""The candidate that decides live questions in the shadow: one row, or none. `caller` began it, `at` this time."""

POLICY_SHADOW_REPORT = sa.Table(
    "policy_shadow_report",
    SYSTEM,
    *_columns(shadow=TEXT, told_by=TEXT, report=sa.Text),
    sa.PrimaryKeyConstraint("shadow", "told_by", name="policy_shadow_report_pkey"),
)
"""What each process has found of a candidate, as JSON."""

AUDIT_PENDING = sa.Table(
    "audit_pending",
    SYSTEM,
    *_columns(id=TEXT, records=sa.Text),
    sa.PrimaryKeyConstraint("id", name="audit_pending_pkey"),
)
"""Records of decisions that have no place in the log yet, line by line: those of one transaction in a row."""

AUDIT_LOG = sa.Table(
    "audit_log",
    SYSTEM,
    sa.Column("number", sa.BigInteger, autoincrement=False, nullable=False),
    *_columns(at=sa.BigInteger, decision_id=TEXT, record=sa.Text),
    sa.PrimaryKeyConstraint("number", name="audit_log_pkey"),
    sa.Index("audit_log_at_idx", "at"),
    sa.Index("audit_log_decision_id_idx", "decision_id", unique=True),
)
"""The log: every record at its place, as the text that is hashed. The other columns only find it."""

AUDIT_ABOUT = sa.Table(
    "audit_about",
    SYSTEM,
    *_columns(about=TEXT, number=sa.BigInteger),
    sa.PrimaryKeyConstraint("about", "number", name="audit_about_pkey"),
)
"""Whom and what each record of the log is about: subjects, resources and tenants, each as `Type:id`."""

AUDIT_FOLLOWED = sa.Table(
    "audit_followed",
    SYSTEM,
    *_columns(name=TEXT, number=sa.BigInteger),
    sa.PrimaryKeyConstraint("name", name="audit_followed_pkey"),
)
"""Up to which record of the log, not included, somebody who follows it has come. Who begins there again misses none."""

AUDIT_TILE = sa.Table(
    "audit_tile",
    SYSTEM,
    *_columns(level=sa.BigInteger, number=sa.BigInteger, hashes=sa.LargeBinary),
    sa.PrimaryKeyConstraint("level", "number", name="audit_tile_pkey"),
)
"""The hashes of the log's tree, 256 in a row: those of records at level 0, and at each level above those of the rows
below.
"""

AUDIT_CHECKPOINT = sa.Table(
    "audit_checkpoint",
    SYSTEM,
    sa.Column("period", sa.BigInteger, autoincrement=False, nullable=False),
    *_columns(size=sa.BigInteger, at=sa.BigInteger, note=sa.Text),
    sa.PrimaryKeyConstraint("period", name="audit_checkpoint_pkey"),
)
"""The last checkpoint of each minute in which the log grew. The newest one says how long the log is."""

STORE_IDENTITY = sa.Table(
    "store_identity",
    SYSTEM,
    *_columns(store_id=TEXT, timeline_id=TEXT),
    sa.Column("origin", TEXT, nullable=True),
    sa.Column("serves_from", TEXT, nullable=True),
    sa.PrimaryKeyConstraint("store_id", name="store_identity_pkey"),
)
"""One row: which store this is, and which line of its history. `origin` is where the row was written (`identity.py`),
`serves_from` the schema, and behind a colon that of the oldest code that may serve it (`serving.py`).
"""


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
                    if (table.name, "") not in self.absent:
                        table.to_metadata(self._metadata)
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
                only: Any = {f"{dialect}_where": sa.text(where) for dialect in ("sqlite", "postgresql") if where}
                sa.Index(constraint_name, *(table.c[key] for key in columns), unique=True, **only)
                made.unique_columns[name, *columns] = constraint_name
            case Check(condition=condition):
                table.append_constraint(sa.CheckConstraint(condition, name=constraint_name))


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
