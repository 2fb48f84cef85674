"""Lists of signing tasks that one check of intent is for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sealauthz.model.migrations.altering import TEXT

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

serves_from = "0012"
serves_without = ("intent_batch", "intent_batch_item")


def upgrade() -> None:
    """Create the two tables."""
    op.create_table(
        "intent_batch",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("person_id", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(total IS NULL) = (currency = '') AND (total IS NULL OR total >= 0)", name="intent_batch_a_08_1"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="intent_batch_person_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="intent_batch_pkey"),
    )
    op.create_index("intent_batch_person_id_idx", "intent_batch", ["person_id"], unique=False)
    op.create_table(
        "intent_batch_item",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("batch_id", TEXT, nullable=False),
        sa.Column("task_id", TEXT, nullable=False),
        sa.Column("seal_id", TEXT, nullable=False),
        sa.Column("documents_digest", TEXT, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(amount IS NULL) = (currency = '') AND (amount IS NULL OR amount >= 0)", name="intent_batch_item_a_08_2"
        ),
        sa.CheckConstraint("documents_digest <> ''", name="intent_batch_item_a_08_3"),
        sa.ForeignKeyConstraint(["batch_id"], ["intent_batch.id"], name="intent_batch_item_batch_id_fkey"),
        sa.ForeignKeyConstraint(["seal_id"], ["seal.id"], name="intent_batch_item_seal_id_fkey"),
        sa.ForeignKeyConstraint(["task_id"], ["signing_task.id"], name="intent_batch_item_task_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="intent_batch_item_pkey"),
    )
    op.create_index("intent_batch_item_a_08_1", "intent_batch_item", ["batch_id", "task_id"], unique=True)
    op.create_index("intent_batch_item_batch_id_idx", "intent_batch_item", ["batch_id"], unique=False)
    op.create_index("intent_batch_item_seal_id_idx", "intent_batch_item", ["seal_id"], unique=False)
    op.create_index("intent_batch_item_task_id_idx", "intent_batch_item", ["task_id"], unique=False)
