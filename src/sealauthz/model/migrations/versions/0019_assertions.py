"""Which signed assertion of the person an act used up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sealauthz.model.migrations.altering import TEXT

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# Code that does not know assertions asks for none, with or without the column: policies that do, it refuses to load.
serves_from = "0018"
serves_without = ("fact_operation.assertion",)


def upgrade() -> None:
    """Add the column. Acts of before used up none."""
    op.add_column("fact_operation", sa.Column("assertion", TEXT, nullable=True))
    op.create_index("fact_operation_assertion_idx", "fact_operation", ["assertion"], unique=True)
