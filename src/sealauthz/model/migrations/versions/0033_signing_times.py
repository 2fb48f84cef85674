"""When a task was signed, so that an approval of the day after a retrieval counts for nothing later."""

from __future__ import annotations

import sqlalchemy as sa

from sealauthz.model.migrations.altering import alter

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

# Code that does not know the column leaves it empty, and judges a task as it did before this schema. Without it,
# nothing says when a task was signed: what somebody approved who took the enterprise over counts for nothing.
serves_from = "0021"
serves_without = ("signing_task.signed_at",)


def upgrade() -> None:
    """Add the column. Of what was signed before nobody wrote down when."""
    number = sa.BigInteger()
    alter(
        "signing_task",
        columns=[(sa.Column("signed_at", number, nullable=False, server_default=sa.text("0")), "0")],
    )
