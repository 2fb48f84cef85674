"""Alerts until somebody has seen them, denied attempts on seals, and how far the log of decisions was followed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sealauthz.model.migrations.altering import TEXT

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

# Code that does not know alerts raises none.
serves_from = "0021"
serves_without = ("alert", "denied_attempt", "audit_followed")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "audit_followed",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="audit_followed_pkey"),
    )
    op.create_table(
        "alert",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("enterprise_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("raised_for", TEXT, nullable=False),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.Column("seal_id", TEXT, nullable=True),
        sa.Column("person_id", TEXT, nullable=True),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("acknowledged_by_id", TEXT, nullable=True),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(state = 'ACKNOWLEDGED') = (acknowledged_by_id IS NOT NULL)"
            " AND (state = 'ACKNOWLEDGED') = (acknowledged_at > 0)",
            name="alert_w_05_1",
        ),
        sa.CheckConstraint("state IN ('OPEN', 'ACKNOWLEDGED')", name="alert_state_words"),
        sa.ForeignKeyConstraint(["acknowledged_by_id"], ["person.id"], name="alert_acknowledged_by_id_fkey"),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="alert_enterprise_id_fkey"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="alert_person_id_fkey"),
        sa.ForeignKeyConstraint(["seal_id"], ["seal.id"], name="alert_seal_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="alert_pkey"),
    )
    for column in ("acknowledged_by_id", "enterprise_id", "person_id", "seal_id"):
        op.create_index(f"alert_{column}_idx", "alert", [column])
    op.create_table(
        "denied_attempt",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("seal_id", TEXT, nullable=False),
        sa.Column("person_id", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("attempted_at", sa.BigInteger(), nullable=False),
        sa.Column("within_day", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("within_day >= 1", name="denied_attempt_w_05_1"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="denied_attempt_person_id_fkey"),
        sa.ForeignKeyConstraint(["seal_id"], ["seal.id"], name="denied_attempt_seal_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="denied_attempt_pkey"),
    )
    for column in ("person_id", "seal_id"):
        op.create_index(f"denied_attempt_{column}_idx", "denied_attempt", [column])
