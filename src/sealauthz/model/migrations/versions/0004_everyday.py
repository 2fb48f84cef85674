"""Everyday acts: what the registry says of a company that is wound up."""

from __future__ import annotations

from sealauthz.model.migrations.altering import alter

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the states of a company that is wound up."""
    alter(
        "registry_snapshot",
        checks={
            "registry_snapshot_status_words": (
                "status IN ('EXISTING', 'REVOKED', 'CANCELLED', 'ABNORMAL', 'LIQUIDATION', 'BANKRUPTCY')"
            )
        },
    )
