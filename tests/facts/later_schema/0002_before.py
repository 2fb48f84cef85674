"""The schema as a release before might have had it: without some columns, a table and a word."""

from __future__ import annotations

from alembic import op

from sealauthz.model.migrations.altering import alter

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

serves_from = "0001"
serves_without = ()


def upgrade() -> None:
    """Take away what the next migration brings."""
    op.drop_column("person", "phone_hash")
    op.drop_column("seal", "face_digest")
    op.drop_table("seal_witness")
    alter("enterprise", checks={"enterprise_operating_state_words": "operating_state IN ('ACTIVE', 'CLOSED')"})
