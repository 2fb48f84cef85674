"""What those who monitor are shown of each revision."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sealauthz.model.migrations.altering import TEXT

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

# What processes of before write meanwhile is not among the activity. No rule rests on any.
serves_from = "0021"
serves_without = ("fact_activity",)


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "fact_activity",
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", TEXT, nullable=False),
        sa.Column("topic_id", TEXT, nullable=False),
        sa.Column("subject_id", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("revision", "ordinal", name="fact_activity_pkey"),
    )
    place = ["revision", "ordinal"]
    op.create_index("fact_activity_tenant_id_idx", "fact_activity", ["tenant_id", *place])
    op.create_index("fact_activity_topic_id_idx", "fact_activity", ["topic_id", *place])
