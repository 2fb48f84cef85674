"""Everyday acts: absences and their substitutes, companies of one person, and refusals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sealauthz.model.migrations.altering import TEXT, alter

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of absences, and say who owns an enterprise and whom to tell."""
    op.create_table(
        "absence",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("membership_id", TEXT, nullable=False),
        sa.Column("substitute_id", TEXT, nullable=False),
        sa.Column("recorded_by_id", TEXT, nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_to", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("membership_id <> substitute_id", name="absence_a_07_1"),
        sa.CheckConstraint("valid_from < valid_to", name="absence_a_07_2"),
        sa.ForeignKeyConstraint(["membership_id"], ["membership.id"], name="absence_membership_id_fkey"),
        sa.ForeignKeyConstraint(["recorded_by_id"], ["person.id"], name="absence_recorded_by_id_fkey"),
        sa.ForeignKeyConstraint(["substitute_id"], ["membership.id"], name="absence_substitute_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="absence_pkey"),
    )
    op.create_index("absence_membership_id_idx", "absence", ["membership_id"], unique=False)
    op.create_index("absence_recorded_by_id_idx", "absence", ["recorded_by_id"], unique=False)
    op.create_index("absence_substitute_id_idx", "absence", ["substitute_id"], unique=False)
    alter(
        "enterprise",
        columns=[
            (sa.Column("contact_set_at", sa.BigInteger(), nullable=False), "0"),
            (sa.Column("contact_changed_at", sa.BigInteger(), nullable=False), "0"),
        ],
        checks={
            "enterprise_a_03_3": (
                "contact_changed_at = 0 OR (contact_set_at > 0 AND contact_set_at <= contact_changed_at)"
            )
        },
    )
    alter(
        "enterprise_authentication",
        columns=[
            (sa.Column("owner_id", TEXT, nullable=True), "NULL"),
            (sa.Column("reviewer_id", TEXT, nullable=True), "NULL"),
        ],
        checks={
            "enterprise_authentication_a_03_2": "owner_id IS NULL OR reviewer_id IS NOT NULL",
            "enterprise_authentication_a_03_3": (
                "reviewer_id IS NULL OR (reviewer_id <> applicant_id AND (owner_id IS NULL OR reviewer_id <> owner_id))"
            ),
        },
        references={
            "enterprise_authentication_owner_id_fkey": ("owner_id", "person"),
            "enterprise_authentication_reviewer_id_fkey": ("reviewer_id", "person"),
        },
    )
    for column in ("owner_id", "reviewer_id"):
        op.create_index(f"enterprise_authentication_{column}_idx", "enterprise_authentication", [column], unique=False)
    # In a company of one there is nobody else to decide: what the whole enterprise decides is no matter of one row.
    alter("seal_review", dropped=["seal_review_s_02_3"])
    alter(
        "signing_task",
        columns=[
            (sa.Column("refused_by_id", TEXT, nullable=True), "NULL"),
            (sa.Column("refused_at", sa.BigInteger(), nullable=False), "0"),
            (sa.Column("refusal_reason", TEXT, nullable=False), "''"),
        ],
        checks={"signing_task_a_12_2": "refused_by_id IS NULL OR (state = 'REJECTED' AND refused_at > 0)"},
        references={"signing_task_refused_by_id_fkey": ("refused_by_id", "person")},
    )
    op.create_index("signing_task_refused_by_id_idx", "signing_task", ["refused_by_id"], unique=False)
