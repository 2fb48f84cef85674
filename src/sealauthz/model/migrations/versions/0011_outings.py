"""Where a physical seal is: who carried it out, until when, and who took it back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sealauthz.model.migrations.altering import TEXT

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Code that does not know where a seal is would let it be stamped with, destroyed or carried out while it is away.
serves_from = "0011"
serves_without = ("seal_outing",)


def upgrade() -> None:
    """Create the table. A seal of which it says nothing is in the house."""
    op.create_table(
        "seal_outing",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("seal_id", TEXT, nullable=False),
        sa.Column("holder_id", TEXT, nullable=False),
        sa.Column("out_from", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("returned_at", sa.BigInteger(), nullable=False),
        sa.Column("received_by_id", TEXT, nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("out_from < due_at", name="seal_outing_a_09_2"),
        sa.CheckConstraint(
            "(state = 'RETURNED') = (received_by_id IS NOT NULL) AND (state = 'RETURNED') = (returned_at > 0)",
            name="seal_outing_a_09_3",
        ),
        sa.CheckConstraint("returned_at = 0 OR out_from <= returned_at", name="seal_outing_a_09_4"),
        sa.CheckConstraint("state IN ('OUT', 'RETURNED', 'LOST')", name="seal_outing_state_words"),
        sa.ForeignKeyConstraint(["holder_id"], ["membership.id"], name="seal_outing_holder_id_fkey"),
        sa.ForeignKeyConstraint(["received_by_id"], ["membership.id"], name="seal_outing_received_by_id_fkey"),
        sa.ForeignKeyConstraint(["seal_id"], ["seal.id"], name="seal_outing_seal_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="seal_outing_pkey"),
    )
    op.create_index(
        "seal_outing_a_09_1",
        "seal_outing",
        ["seal_id"],
        unique=True,
        sqlite_where=sa.text("state = 'OUT'"),
        postgresql_where=sa.text("state = 'OUT'"),
    )
    op.create_index("seal_outing_holder_id_idx", "seal_outing", ["holder_id"], unique=False)
    op.create_index("seal_outing_received_by_id_idx", "seal_outing", ["received_by_id"], unique=False)
    op.create_index("seal_outing_seal_id_idx", "seal_outing", ["seal_id"], unique=False)
