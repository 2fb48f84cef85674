"""When a role was revoked, so that what its holder did before that stays what it was."""

from __future__ import annotations

import sqlalchemy as sa

from sealauthz.model.migrations.altering import alter

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the time. Of what was revoked before, it is not known."""
    alter(
        "role_assignment",
        columns=[(sa.Column("revoked_at", sa.BigInteger(), nullable=False), "0")],
        checks={"role_assignment_i8_4": "revoked_at = 0 OR state = 'REVOKED'"},
    )
