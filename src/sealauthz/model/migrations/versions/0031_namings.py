"""Who named a member of the enterprise that holds a seal, and who offered a delegation.

What an existing row gains permits nothing: nobody says who made it. A holder names such a member again, or an import
adds who did; a delegation is offered again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sealauthz.model.migrations.altering import TEXT, alter

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

# Code that does not know the columns leaves them empty, and judges a row as it did before this schema. Without them,
# nobody is known to have made a row, and none of them counts.
serves_from = "0021"
serves_without = (
    "holder_assignment.assigned_by_id",
    "holder_assignment.assigned_at",
    "delegation.offered_by_id",
    "delegation.offered_at",
)


def upgrade() -> None:
    """Add the columns. Of the rows of before, nobody says who made them."""
    for table, author, time, check in (
        ("holder_assignment", "assigned_by_id", "assigned_at", "holder_assignment_a_02_2"),
        ("delegation", "offered_by_id", "offered_at", "delegation_a_02_4"),
    ):
        alter(
            table,
            columns=[
                (sa.Column(author, TEXT, nullable=True), "NULL"),
                (sa.Column(time, sa.BigInteger(), nullable=False, server_default=sa.text("0")), "0"),
            ],
            checks={check: f"({author} IS NULL) = ({time} = 0)"},
            references={f"{table}_{author}_fkey": (author, "person")},
        )
        op.create_index(f"{table}_{author}_idx", table, [author], unique=False)
