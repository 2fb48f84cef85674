"""Everyday acts: absences and their substitutes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sealauthz.model.migrations.altering import TEXT

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of absences."""
    op.create_table(
        "absence",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("membership_id", TEXT, nullable=False),
        sa.Column("substitute_id", TEXT, nullable=False),
        sa.Column("recorded_by_id", TEXT, nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_to", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("membership_id <> substitute_id", name="absence_a_07_1"),
        sa.CheckConstraint("valid_from < valid_to", name="absence_a_07_2"),
        sa.ForeignKeyConstraint(["membership_id"], ["membership.id"], name="absence_membership_id_fkey"),
        sa.ForeignKeyConstraint(["recorded_by_id"], ["person.id"], name="absence_recorded_by_id_fkey"),
        sa.ForeignKeyConstraint(["substitute_id"], ["membership.id"], name="absence_substitute_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="absence_pkey"),
    )
    op.create_index("absence_membership_id_idx", "absence", ["membership_id"], unique=False)
    op.create_index("absence_recorded_by_id_idx", "absence", ["recorded_by_id"], unique=False)
    op.create_index("absence_substitute_id_idx", "absence", ["substitute_id"], unique=False)
