"""Sealing: what each party states, for whom a delegate sealed, whose template a grant lists, and one limit more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sealauthz.model.migrations.altering import TEXT, alter

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_MATTERS = (
    "'UNSTATED', 'GENERAL', 'FINANCE', 'PERSONNEL', 'GUARANTEE', 'MARRIAGE', 'ADOPTION', 'INHERITANCE', "
    "'PUBLIC_UTILITY_STOP'"
)
_NAMING = (
    ("signatory", "guarantor_for_id"),
    ("signing_task", "signed_for_id"),
    ("grant_template", "initiator_id"),
    ("open_grant_template", "initiator_id"),
)


def upgrade() -> None:
    """Add the columns. No party has stated anything yet; the grants that there are have no limit of amount."""
    alter(
        "signatory",
        columns=(
            (sa.Column("matter", TEXT, nullable=False), "'UNSTATED'"),
            (sa.Column("is_monetary", sa.Boolean(), nullable=False), "TRUE"),
            (sa.Column("amount", sa.BigInteger(), nullable=True), "NULL"),
            (sa.Column("currency", TEXT, nullable=False), "''"),
            (sa.Column("guarantor_for_id", TEXT, nullable=True), "NULL"),
        ),
        checks={
            "signatory_matter_words": f"matter IN ({_MATTERS})",
            "signatory_u_04_2": "amount IS NULL OR amount >= 0",
            "signatory_u_05_3": "(amount IS NULL) = (currency = '')",
            "signatory_a_05_4": "guarantor_for_id IS NULL OR kind = 'PERSON'",
        },
        references={"signatory_guarantor_for_id_fkey": ("guarantor_for_id", "enterprise")},
    )
    alter(
        "signing_task",
        columns=((sa.Column("signed_for_id", TEXT, nullable=True), "NULL"),),
        references={"signing_task_signed_for_id_fkey": ("signed_for_id", "person")},
    )
    alter(
        "cross_enterprise_grant",
        columns=(
            (sa.Column("amount_max", sa.BigInteger(), nullable=False), "9223372036854775807"),
            (sa.Column("currency", TEXT, nullable=False), "''"),
        ),
        checks={
            "cross_enterprise_grant_u_05_4": (
                "amount_max >= 0 AND (amount_max = 9223372036854775807) = (currency = '')"
            )
        },
    )
    for table in ("grant_template", "open_grant_template"):
        alter(
            table,
            columns=((sa.Column("initiator_id", TEXT, nullable=True), "NULL"),),
            references={f"{table}_initiator_id_fkey": ("initiator_id", "enterprise")},
        )
    for table, column in _NAMING:
        op.create_index(f"{table}_{column}_idx", table, [column], unique=False)
