"""The candidate that decides live questions in the shadow, and what each process has found of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sealauthz.model.migrations.altering import TEXT

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

# Code that does not know shadows has none.
serves_from = "0021"
serves_without = ("policy_shadow", "policy_shadow_report")


def upgrade() -> None:
    """Create the two tables."""
    op.create_table(
        "policy_shadow",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("version", TEXT, nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("cpu_share", sa.Float(), nullable=False),
        sa.Column("caller", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="policy_shadow_pkey"),
    )
    op.create_table(
        "policy_shadow_report",
        sa.Column("shadow", TEXT, nullable=False),
        sa.Column("told_by", TEXT, nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("shadow", "told_by", name="policy_shadow_report_pkey"),
    )
