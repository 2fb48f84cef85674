"""Everyday acts: what the registry says of a company that is wound up, and make-up working days."""

from __future__ import annotations

import sqlalchemy as sa

from sealauthz.model.migrations.altering import TEXT, alter

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the states of a company that is wound up, and the kinds of days."""
    alter(
        "registry_snapshot",
        checks={
            "registry_snapshot_status_words": (
                "status IN ('EXISTING', 'REVOKED', 'CANCELLED', 'ABNORMAL', 'LIQUIDATION', 'BANKRUPTCY')"
            )
        },
    )
    alter(
        "holiday",
        columns=[
            (sa.Column("kind", TEXT, nullable=False), "'HOLIDAY'"),
            (sa.Column("weekday", sa.BigInteger(), nullable=True), "NULL"),
        ],
        checks={
            "holiday_a_06_3": "(kind = 'WORKDAY') = (weekday IS NOT NULL)",
            "holiday_a_06_4": "weekday IS NULL OR (weekday >= 1 AND weekday <= 7)",
            "holiday_kind_words": "kind IN ('HOLIDAY', 'WORKDAY')",
        },
    )
