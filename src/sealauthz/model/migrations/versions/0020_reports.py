"""A refused request says why; photos of uses are kept, what a controller counted, and that an outing was alerted of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sealauthz.model.migrations.altering import TEXT, alter

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

serves_from = "0019"
serves_without = ("approval.reason", "seal_outing.alerted_at", "use_photo", "stamp_report")


def upgrade() -> None:
    """Add them. Why older requests were refused, and with which photos, nobody wrote down."""
    number = sa.BigInteger()
    alter(
        "approval",
        columns=[(sa.Column("reason", TEXT, nullable=False, server_default=sa.text("''")), "''")],
    )
    alter(
        "seal_outing",
        columns=[(sa.Column("alerted_at", number, nullable=False, server_default=sa.text("0")), "0")],
    )
    op.create_table(
        "use_photo",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("request_id", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("delivered_at", number, nullable=False),
        sa.Column("delivered_by_id", TEXT, nullable=False),
        sa.Column("revision", number, nullable=False),
        sa.CheckConstraint("digest <> ''", name="use_photo_u_23_2"),
        sa.ForeignKeyConstraint(["delivered_by_id"], ["person.id"], name="use_photo_delivered_by_id_fkey"),
        sa.ForeignKeyConstraint(["request_id"], ["seal_use_request.id"], name="use_photo_request_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="use_photo_pkey"),
    )
    op.create_index("use_photo_u_23_1", "use_photo", ["request_id", "digest"], unique=True)
    op.create_index("use_photo_delivered_by_id_idx", "use_photo", ["delivered_by_id"], unique=False)
    op.create_index("use_photo_request_id_idx", "use_photo", ["request_id"], unique=False)
    op.create_table(
        "stamp_report",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("request_id", TEXT, nullable=False),
        sa.Column("device_id", TEXT, nullable=False),
        sa.Column("impressions", number, nullable=False),
        sa.Column("reported_at", number, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("revision", number, nullable=False),
        sa.CheckConstraint("impressions >= 0", name="stamp_report_u_23_1"),
        sa.CheckConstraint("state IN ('REPORTED', 'COMPARED')", name="stamp_report_state_words"),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name="stamp_report_device_id_fkey"),
        sa.ForeignKeyConstraint(["request_id"], ["seal_use_request.id"], name="stamp_report_request_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="stamp_report_pkey"),
    )
    op.create_index("stamp_report_device_id_idx", "stamp_report", ["device_id"], unique=False)
    op.create_index("stamp_report_request_id_idx", "stamp_report", ["request_id"], unique=False)
