"""Each checkpoint says since when its records were answered that came late, so that a list of a time long over ends."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0028"
branch_labels = None
depends_on = None

# Of what code of before writes, `known_to` is not the size: that is looked through, as all of before is.
serves_from = "0021"
serves_without = ("audit_checkpoint.late_from", "audit_checkpoint.known_to")


def upgrade() -> None:
    """Add the columns, and the index of what a list cannot pass over."""
    op.add_column("audit_checkpoint", sa.Column("late_from", sa.BigInteger(), nullable=True))
    op.add_column("audit_checkpoint", sa.Column("known_to", sa.BigInteger(), nullable=True))
    is_late = sa.text("known_to IS NULL OR known_to <> size OR late_from IS NOT NULL")
    op.create_index(
        "audit_checkpoint_late_idx", "audit_checkpoint", ["period"], sqlite_where=is_late, postgresql_where=is_late
    )
