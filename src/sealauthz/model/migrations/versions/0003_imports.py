"""Imports: which ones there were, what is being imported, and the rights that an open one has made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Ordered by code point whatever the locale of the database.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create the three tables."""
    op.create_table(
        "fact_import",
        sa.Column("caller", TEXT, nullable=False),
        sa.Column("import_id", TEXT, nullable=False),
        sa.Column("enterprises", sa.Text(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("parts", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('OPEN', 'FINISHED', 'ABANDONED')", name="fact_import_state_words"),
        sa.PrimaryKeyConstraint("caller", "import_id", name="fact_import_pkey"),
    )
    op.create_table(
        "fact_import_unit",
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("caller", TEXT, nullable=False),
        sa.Column("import_id", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["caller", "import_id"],
            ["fact_import.caller", "fact_import.import_id"],
            name="fact_import_unit_import_id_fkey",
        ),
        sa.PrimaryKeyConstraint("kind", "id", name="fact_import_unit_pkey"),
    )
    op.create_index("fact_import_unit_import_id_idx", "fact_import_unit", ["caller", "import_id"], unique=False)
    op.create_table(
        "fact_import_new",
        sa.Column("caller", TEXT, nullable=False),
        sa.Column("import_id", TEXT, nullable=False),
        sa.Column("record_type", TEXT, nullable=False),
        sa.Column("record_id", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["caller", "import_id"],
            ["fact_import.caller", "fact_import.import_id"],
            name="fact_import_new_import_id_fkey",
        ),
        sa.PrimaryKeyConstraint("caller", "import_id", "record_type", "record_id", name="fact_import_new_pkey"),
    )
