"""The tables of the store itself: history, requests, imports, acts, events, policies, and the log of decisions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

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
    sa.Column("late_from", sa.BigInteger, nullable=True),
    sa.PrimaryKeyConstraint("period", name="audit_checkpoint_pkey"),
)
"""The last checkpoint of each minute in which the log grew. The newest one says how long the log is.

`late_from` is when the first of its records was answered that got their places late (`audit/lateness.py`), and nothing
where none did.
"""

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

MAY_BE_LATE = "late_from IS NOT NULL"
"""Which checkpoints may have late records: a statement must say it like this for the index to be used."""

PARTIAL_INDEXES = {"audit_checkpoint": ("audit_checkpoint_late_idx", "period", MAY_BE_LATE)}
"""Of tables, an index of some of their rows: its name, its column, and which rows. They are not declared above, as the
condition of an index makes SQLAlchemy load the dialects of both databases, which no question needs.
"""
