"""For which signing task a seal was used in an emergency, so that the other side of its contract does not approve that.

An existing row gets the task of the use that was reserved with it. Where there is none, as of an import, nobody says
what was sealed, and no approval of it counts until somebody adds the task.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sealauthz.model.migrations.altering import TEXT, alter

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

# Code that does not know the column leaves it empty, and judges a row as it did before this schema. Without it, no task
# is known, and no emergency use is approved.
serves_from = "0021"
serves_without = ("emergency_use.task_id",)

# One act writes both, at one time; several documents have one task.
_TASK_OF_USE = """(
    SELECT min(task_id) FROM seal_use
    WHERE seal_use.grant_id = emergency_use.grant_id
      AND seal_use.used_at = emergency_use.used_at
      AND seal_use.act = 'EMERGENCY_USE'
)"""


def upgrade() -> None:
    """Add the column, with what the uses tell."""
    alter(
        "emergency_use",
        columns=[(sa.Column("task_id", TEXT, nullable=True), _TASK_OF_USE)],
        references={"emergency_use_task_id_fkey": ("task_id", "signing_task")},
    )
    op.create_index("emergency_use_task_id_idx", "emergency_use", ["task_id"], unique=False)
