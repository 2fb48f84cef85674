"""What a hold of the platform or a court rests on."""

from __future__ import annotations

import sqlalchemy as sa

from sealauthz.model.migrations.altering import TEXT, alter

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# Code that does not write the reference leaves it open; nothing is decided by it.
serves_from = "0016"
serves_without = ("seal_hold.reference",)


def upgrade() -> None:
    """Add the reference. Of the holds that there are, none is known."""
    alter("seal_hold", columns=[(sa.Column("reference", TEXT, nullable=False, server_default=""), "''")])
