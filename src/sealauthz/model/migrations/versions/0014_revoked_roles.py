"""When a role was revoked, so that what its holder did before that stays what it was."""

from __future__ import annotations

import sqlalchemy as sa

from sealauthz.model.migrations.altering import alter

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# Code that does not write the time leaves it open, and then the role counts as never held.
serves_from = "0013"
serves_without = ("role_assignment.revoked_at",)


def upgrade() -> None:
    """Add the time. Of what was revoked before, it is not known."""
    alter(
        "role_assignment",
        columns=[(sa.Column("revoked_at", sa.BigInteger(), nullable=False, server_default="0"), "0")],
        checks={"role_assignment_i8_4": "revoked_at = 0 OR state = 'REVOKED'"},
    )
