"""What a release brings: columns, a word of a column, and a table."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sealauthz.model.migrations.altering import TEXT, alter

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

serves_from = "0002"
serves_without = ("person.phone_hash", "seal.face_digest", "seal_witness")


def upgrade() -> None:
    """Bring them. The person `bob` gets another value than the default."""
    empty = sa.text("''")
    alter(
        "person",
        columns=[
            (
                sa.Column("phone_hash", TEXT, nullable=False, server_default=empty),
                "CASE id WHEN 'bob' THEN 'migrated' ELSE '' END",
            )
        ],
    )
    alter("seal", columns=[(sa.Column("face_digest", TEXT, nullable=False, server_default=empty), "''")])
    words = "operating_state IN ('ACTIVE', 'FROZEN', 'CLOSED')"
    alter("enterprise", checks={"enterprise_operating_state_words": words})
    op.create_table(
        "seal_witness",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("proposal_id", TEXT, nullable=False),
        sa.Column("membership_id", TEXT, nullable=False),
        sa.Column("agreed_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["membership_id"], ["membership.id"], name="seal_witness_membership_id_fkey"),
        sa.ForeignKeyConstraint(["proposal_id"], ["seal_proposal.id"], name="seal_witness_proposal_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="seal_witness_pkey"),
    )
    op.create_index("seal_witness_membership_id_idx", "seal_witness", ["membership_id"])
    op.create_index("seal_witness_proposal_id_idx", "seal_witness", ["proposal_id"])
    op.create_index("seal_witness_s_14_1", "seal_witness", ["proposal_id", "membership_id"], unique=True)
