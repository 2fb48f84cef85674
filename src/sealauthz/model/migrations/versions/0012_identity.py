"""Where the identity of the store was written, by which a copy is recognised; and which code may serve it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sealauthz.model.migrations.altering import TEXT

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

serves_from = "0011"
serves_without = ("store_identity.origin", "store_identity.serves_from")


def upgrade() -> None:
    """Let the store say where its identity comes from."""
    op.add_column("store_identity", sa.Column("origin", TEXT, nullable=True))
    op.add_column("store_identity", sa.Column("serves_from", TEXT, nullable=True))
