"""Who may stand for whom: matched representatives, causes of suspensions, two persons who lift a hold, one appeal.

A snapshot that is there matches nobody until the registry is asked again, and a suspension that is there counts as one
for suspicion.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sealauthz.model.migrations.altering import TEXT, alter

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, and the state of a case that is superseded."""
    alter("registry_snapshot", columns=[(sa.Column("is_matched", sa.Boolean(), nullable=False), "FALSE")])
    alter(
        "membership",
        columns=[
            (sa.Column("suspended_for", TEXT, nullable=True), "NULL"),
            (sa.Column("suspended_at", sa.BigInteger(), nullable=False), "0"),
        ],
        checks={"membership_suspended_for_words": "suspended_for IN ('SUSPICION', 'ABSENCE')"},
    )
    alter(
        "seal_hold",
        columns=[
            (sa.Column("lift_proposed_by_id", TEXT, nullable=True), "NULL"),
            (sa.Column("lift_proposed_at", sa.BigInteger(), nullable=False), "0"),
        ],
        checks={"seal_hold_s_13_1": "(lift_proposed_by_id IS NULL) = (lift_proposed_at = 0)"},
        references={"seal_hold_lift_proposed_by_id_fkey": ("lift_proposed_by_id", "person")},
    )
    op.create_index("seal_hold_lift_proposed_by_id_idx", "seal_hold", ["lift_proposed_by_id"], unique=False)
    alter(
        "retrieval_case",
        columns=[(sa.Column("appealed_at", sa.BigInteger(), nullable=False), "0")],
        checks={
            "retrieval_case_state_words": (
                "state IN ('DRAFT', 'CERTIFYING', 'IN_REVIEW', 'NOTICE', 'OBJECTED', 'APPROVED', 'REJECTED',"
                " 'REJECTED_FINAL', 'RESOLVED_BY_ADMIN', 'WITHDRAWN', 'EXPIRED', 'EXECUTED', 'UNDER_APPEAL',"
                " 'REVERSED', 'SUPERSEDED')"
            )
        },
    )
