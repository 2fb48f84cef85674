"""Policies that were proposed, from when on which of them decide, and which process has them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sealauthz.model.migrations.altering import TEXT

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# Code that does not know activations goes on with its folder. The first activation shuts it out (`policies.py`).
serves_from = "0020"
serves_without = ("policy_bundle", "policy_activation", "policy_process")


def upgrade() -> None:
    """Create the three tables. Until somebody activates policies, each process decides with its folder, as before."""
    op.create_table(
        "policy_bundle",
        sa.Column("version", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("author", TEXT, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", name="policy_bundle_pkey"),
    )
    op.create_table(
        "policy_activation",
        sa.Column("revision", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", TEXT, nullable=False),
        sa.Column("previous", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("author", TEXT, nullable=False),
        sa.Column("approver", TEXT, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("signed_by", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('ACTIVATE', 'ROLL_BACK')", name="policy_activation_kind_words"),
        sa.ForeignKeyConstraint(["version"], ["policy_bundle.version"], name="policy_activation_version_fkey"),
        sa.PrimaryKeyConstraint("revision", name="policy_activation_pkey"),
    )
    op.create_table(
        "policy_process",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("release", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("serves", TEXT, nullable=False),
        sa.Column("loaded", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="policy_process_pkey"),
    )
