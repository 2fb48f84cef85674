"""A grant says which one of a predecessor it goes on with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sealauthz.model.migrations.altering import TEXT, alter

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# Code that does not know the column would confirm such a grant beside the one that it goes on with.
serves_from = "0015"
serves_without = ("seal_grant.adopts_id",)


def upgrade() -> None:
    """Add the column. What is there goes on with nothing."""
    alter(
        "seal_grant",
        columns=[(sa.Column("adopts_id", TEXT, nullable=True), "NULL")],
        checks={"seal_grant_a_11_7": "adopts_id IS NULL OR (parent_id IS NULL AND adopts_id <> id)"},
        references={"seal_grant_adopts_id_fkey": ("adopts_id", "seal_grant")},
    )
    live = sa.text("adopts_id IS NOT NULL AND state IN ('PENDING_CONFIRM', 'PENDING_EFFECT', 'ACTIVE', 'EXHAUSTED')")
    op.create_index(
        "seal_grant_a_11_8", "seal_grant", ["adopts_id"], unique=True, sqlite_where=live, postgresql_where=live
    )
    op.create_index("seal_grant_adopts_id_idx", "seal_grant", ["adopts_id"], unique=False)
