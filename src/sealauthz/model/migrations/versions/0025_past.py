"""The changes of one unit are found at once, so that its facts can be rebuilt as they were."""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

# An index is nothing that code has to know.
serves_from = "0021"
serves_without = ()


def upgrade() -> None:
    """Create the index."""
    op.create_index("fact_change_unit_unit_idx", "fact_change_unit", ["kind", "id", "revision"])
