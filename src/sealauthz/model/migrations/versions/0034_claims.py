"""A case may begin as a claim that the administrator has gone, which those in charge are asked about."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sealauthz.model.migrations.altering import alter

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

# Code that does not know claims opens none, and takes one for a case that is over: it neither certifies nor executes
# it. An application that it decides answers the claim by the rules that know claims, an administrator whom it names
# was not asked about it, and the index keeps it from opening a second case.
serves_from = "0021"
serves_without = ("retrieval_case.claimed_until", "retrieval_case.in_charge_at")

_WORDS = (
    "state IN ('DRAFT', 'CERTIFYING', 'IN_REVIEW', 'NOTICE', 'OBJECTED', 'APPROVED', 'REJECTED',"
    " 'REJECTED_FINAL', 'RESOLVED_BY_ADMIN', 'WITHDRAWN', 'EXPIRED', 'EXECUTED', 'UNDER_APPEAL',"
    " 'REVERSED', 'SUPERSEDED', 'CLAIMED')"
)
_OPEN = "state IN ('DRAFT', 'CLAIMED', 'CERTIFYING', 'IN_REVIEW', 'NOTICE', 'OBJECTED', 'APPROVED', 'REJECTED')"


def upgrade() -> None:
    """Add the state and the columns. No case that is there was a claim."""
    number, never = sa.BigInteger(), sa.text("0")
    alter(
        "retrieval_case",
        columns=[
            (sa.Column("claimed_until", number, nullable=False, server_default=never), "0"),
            (sa.Column("in_charge_at", number, nullable=False, server_default=never), "0"),
        ],
        checks={
            "retrieval_case_state_words": _WORDS,
            "retrieval_case_r_07_3": "state <> 'CLAIMED' OR claimed_until > 0",
        },
    )
    op.drop_index("retrieval_case_i6_1", "retrieval_case")
    op.create_index(
        "retrieval_case_i6_1",
        "retrieval_case",
        ["enterprise_id"],
        unique=True,
        sqlite_where=sa.text(_OPEN),
        postgresql_where=sa.text(_OPEN),
    )
