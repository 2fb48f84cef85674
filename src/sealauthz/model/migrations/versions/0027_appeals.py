"""Each former administrator's appeal against a case is kept by itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sealauthz.model.migrations.altering import TEXT

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

# Code that does not know appeals takes no second one against a case.
serves_from = "0021"
serves_without = ("retrieval_appeal",)


def upgrade() -> None:
    """Create the table. Who appealed before, nobody wrote down: they may appeal once more while there is time."""
    number = sa.BigInteger()
    op.create_table(
        "retrieval_appeal",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("case_id", TEXT, nullable=False),
        sa.Column("person_id", TEXT, nullable=False),
        sa.Column("raised_at", number, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("decided_by_id", TEXT, nullable=True),
        sa.Column("decided_at", number, nullable=False),
        sa.Column("revision", number, nullable=False),
        sa.CheckConstraint("state IN ('OPEN', 'UPHELD', 'DISMISSED')", name="retrieval_appeal_state_words"),
        sa.CheckConstraint(
            "(state = 'OPEN') = (decided_at = 0) AND (decided_at = 0) = (decided_by_id IS NULL)",
            name="retrieval_appeal_r_13_2",
        ),
        sa.ForeignKeyConstraint(["case_id"], ["retrieval_case.id"], name="retrieval_appeal_case_id_fkey"),
        sa.ForeignKeyConstraint(["decided_by_id"], ["person.id"], name="retrieval_appeal_decided_by_id_fkey"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="retrieval_appeal_person_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="retrieval_appeal_pkey"),
    )
    op.create_index("retrieval_appeal_r_13_1", "retrieval_appeal", ["case_id", "person_id"], unique=True)
    for column in ("case_id", "decided_by_id", "person_id"):
        op.create_index(f"retrieval_appeal_{column}_idx", "retrieval_appeal", [column], unique=False)
