"""Who approved an emergency use without a membership, and that a missing approval was alerted of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sealauthz.model.migrations.altering import TEXT, alter

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

# Code that does not know the column takes a use for unapproved that a representative without a membership approved.
serves_from = "0021"
serves_without = ("emergency_use.representative_id", "emergency_use.alerted_at")


def upgrade() -> None:
    """Add the two columns. Uses that nobody approved are alerted of once, from now on."""
    number = sa.BigInteger()
    alter(
        "emergency_use",
        columns=[
            (sa.Column("representative_id", TEXT, nullable=True), "NULL"),
            (sa.Column("alerted_at", number, nullable=False, server_default=sa.text("0")), "0"),
        ],
        checks={
            "emergency_use_u_24_1": "(approved_by_id IS NULL AND representative_id IS NULL) = (approved_at = 0)",
            "emergency_use_u_24_3": "approved_by_id IS NULL OR representative_id IS NULL",
        },
        references={"emergency_use_representative_id_fkey": ("representative_id", "person")},
    )
    op.create_index("emergency_use_representative_id_idx", "emergency_use", ["representative_id"], unique=False)
