"""A use of a seal says what became of it, who was to seal, and on what it was counted."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from sealauthz.model.migrations.altering import TEXT, alter

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

serves_from = "0017"
serves_without = (
    "seal_use.state",
    "seal_use.act",
    "seal_use.operation_id",
    "seal_use.audience",
    "seal_use.documents_digest",
    "seal_use.certificate_id",
    "seal_use.verification_id",
    "seal_use.open_grant_id",
    "seal_use.cross_grant_id",
    "seal_use.delegation_id",
    "seal_use.signed_for_id",
    "seal_use.position",
    "seal_use.impressions",
    "seal_use.sealing_at",
    "seal_use.closed_at",
    "counted_request",
)

_REFERENCES = {
    "certificate_id": "certificate",
    "verification_id": "identity_verification",
    "open_grant_id": "open_grant",
    "cross_grant_id": "cross_enterprise_grant",
    "delegation_id": "delegation",
    "signed_for_id": "person",
}


def upgrade() -> None:
    """Add the columns. What is there was sealed, as its writer said; so is what older code writes."""
    number = sa.BigInteger()
    words = {"state": "SEALED", "act": "USE"}
    texts = ("state", "act", "operation_id", "audience", "documents_digest")
    columns = [_filled(name, TEXT, f"'{words.get(name, '')}'") for name in texts]
    columns += [(sa.Column(name, TEXT, nullable=True), "NULL") for name in _REFERENCES]
    columns.append(_filled("position", TEXT, "''"))
    columns += [_filled("impressions", number, "1"), _filled("sealing_at", number, "0")]
    columns.append(_filled("closed_at", number, "0"))
    alter(
        "seal_use",
        columns=columns,
        checks={
            "seal_use_state_words": "state IN ('RESERVED', 'SEALED', 'NOT_SEALED', 'UNKNOWN')",
            "seal_use_act_words": "act IN ('USE', 'AUTO_USE', 'EMERGENCY_USE')",
            "seal_use_i16_2": "state = 'SEALED' OR (audience <> '' AND operation_id <> '')",
            "seal_use_i16_3": "sealing_at = 0 OR used_at <= sealing_at",
            "seal_use_i16_4": "closed_at = 0 OR state <> 'RESERVED'",
            "seal_use_i16_5": "impressions >= 1",
        },
        references={f"seal_use_{column}_fkey": (column, table) for column, table in _REFERENCES.items()},
    )
    op.drop_index("seal_use_i15_1", "seal_use")
    standing = sa.text("state <> 'NOT_SEALED'")
    key = ["task_id", "seal_id", "digest"]
    op.create_index("seal_use_i15_1", "seal_use", key, unique=True, sqlite_where=standing, postgresql_where=standing)
    for column in _REFERENCES:
        op.create_index(f"seal_use_{column}_idx", "seal_use", [column], unique=False)
    op.create_table(
        "counted_request",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("use_id", TEXT, nullable=False),
        sa.Column("request_id", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["seal_use_request.id"], name="counted_request_request_id_fkey"),
        sa.ForeignKeyConstraint(["use_id"], ["seal_use.id"], name="counted_request_use_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="counted_request_pkey"),
    )
    op.create_index("counted_request_i10_1", "counted_request", ["use_id", "request_id"], unique=True)
    op.create_index("counted_request_request_id_idx", "counted_request", ["request_id"], unique=False)
    op.create_index("counted_request_use_id_idx", "counted_request", ["use_id"], unique=False)


def _filled(name: str, type_: sa.types.TypeEngine[Any], value: str) -> tuple[sa.Column[Any], str]:
    return sa.Column(name, type_, nullable=False, server_default=sa.text(value)), value
