"""Acts that were performed, and what people must be told of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sealauthz.model.migrations.altering import TEXT

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

serves_from = "0015"
serves_without = ("fact_operation", "fact_event")


def upgrade() -> None:
    """Create the two tables."""
    op.create_table(
        "fact_operation",
        sa.Column("caller", TEXT, nullable=False),
        sa.Column("request_id", TEXT, nullable=False),
        sa.Column("operation_id", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("caller", "request_id", name="fact_operation_pkey"),
        sa.UniqueConstraint("operation_id", name="fact_operation_operation_id_key"),
    )
    op.create_table(
        "fact_event",
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("revision", "ordinal", name="fact_event_pkey"),
    )
