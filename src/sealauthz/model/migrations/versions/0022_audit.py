"""The log of decisions: records that wait, the log with its tree and its checkpoints."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sealauthz.model.migrations.altering import TEXT

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

# What processes of the version before answer and perform meanwhile is not in the log. Newer ones go on to answer before
# there is one, and perform nothing that they cannot record.
serves_from = "0021"
serves_without = ("audit_pending", "audit_log", "audit_about", "audit_tile", "audit_checkpoint")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "audit_pending",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("records", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="audit_pending_pkey"),
    )
    op.create_table(
        "audit_log",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("decision_id", TEXT, nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="audit_log_pkey"),
    )
    op.create_index("audit_log_at_idx", "audit_log", ["at"])
    op.create_index("audit_log_decision_id_idx", "audit_log", ["decision_id"], unique=True)
    op.create_table(
        "audit_about",
        sa.Column("about", TEXT, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("about", "number", name="audit_about_pkey"),
    )
    op.create_table(
        "audit_tile",
        sa.Column("level", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "number", name="audit_tile_pkey"),
    )
    op.create_table(
        "audit_checkpoint",
        sa.Column("period", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("period", name="audit_checkpoint_pkey"),
    )
