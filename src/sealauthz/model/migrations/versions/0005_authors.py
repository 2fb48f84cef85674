# ruff: noqa: E501 (as the tables are rendered)
"""Evidence has an author: who confirmed, recorded, verified and agreed, on which documents, up to what and until when.

What an existing row gains permits nothing: a consent without an end, a resolution that nobody recorded and a grant that
nobody confirmed count for nothing until their owner says more. Steps of a process count as they did.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from sealauthz.model.migrations.altering import TEXT, alter

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create two tables, and give the others their authors."""
    op.create_table(
        "auth_letter",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("seal_id", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("delivered_by_id", TEXT, nullable=False),
        sa.Column("delivered_at", sa.BigInteger(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("verified_by_id", TEXT, nullable=True),
        sa.Column("verified_at", sa.BigInteger(), nullable=False),
        sa.Column("seal_grant_id", TEXT, nullable=True),
        sa.Column("open_grant_id", TEXT, nullable=True),
        sa.Column("cross_grant_id", TEXT, nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(CASE WHEN seal_grant_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN open_grant_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN cross_grant_id IS NULL THEN 0 ELSE 1 END) = 1",
            name="auth_letter_a_02_1",
        ),
        sa.CheckConstraint("digest <> ''", name="auth_letter_a_02_2"),
        sa.CheckConstraint("(verified_by_id IS NULL) = (verified_at = 0)", name="auth_letter_a_02_3"),
        sa.CheckConstraint("verified_by_id IS NULL OR verified_by_id <> delivered_by_id", name="auth_letter_a_02_4"),
        sa.CheckConstraint(
            "state IN ('DELIVERED', 'VERIFIED', 'REJECTED', 'WITHDRAWN')", name="auth_letter_state_words"
        ),
        sa.ForeignKeyConstraint(
            ["cross_grant_id"], ["cross_enterprise_grant.id"], name="auth_letter_cross_grant_id_fkey"
        ),
        sa.ForeignKeyConstraint(["delivered_by_id"], ["person.id"], name="auth_letter_delivered_by_id_fkey"),
        sa.ForeignKeyConstraint(["open_grant_id"], ["open_grant.id"], name="auth_letter_open_grant_id_fkey"),
        sa.ForeignKeyConstraint(["seal_grant_id"], ["seal_grant.id"], name="auth_letter_seal_grant_id_fkey"),
        sa.ForeignKeyConstraint(["seal_id"], ["seal.id"], name="auth_letter_seal_id_fkey"),
        sa.ForeignKeyConstraint(["verified_by_id"], ["person.id"], name="auth_letter_verified_by_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="auth_letter_pkey"),
    )
    op.create_index("auth_letter_cross_grant_id_idx", "auth_letter", ["cross_grant_id"], unique=False)
    op.create_index("auth_letter_delivered_by_id_idx", "auth_letter", ["delivered_by_id"], unique=False)
    op.create_index("auth_letter_open_grant_id_idx", "auth_letter", ["open_grant_id"], unique=False)
    op.create_index("auth_letter_seal_grant_id_idx", "auth_letter", ["seal_grant_id"], unique=False)
    op.create_index("auth_letter_seal_id_idx", "auth_letter", ["seal_id"], unique=False)
    op.create_index("auth_letter_verified_by_id_idx", "auth_letter", ["verified_by_id"], unique=False)
    op.create_table(
        "rule_change",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("enterprise_id", TEXT, nullable=False),
        sa.Column("rule_kind", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("counts_from", sa.BigInteger(), nullable=False),
        sa.Column("proposed_by_id", TEXT, nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("confirmed_by_id", TEXT, nullable=True),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("digest <> ''", name="rule_change_a_06_2"),
        sa.CheckConstraint("(confirmed_by_id IS NULL) = (confirmed_at = 0)", name="rule_change_a_06_3"),
        sa.CheckConstraint("confirmed_by_id IS NULL OR confirmed_by_id <> proposed_by_id", name="rule_change_a_06_4"),
        sa.CheckConstraint(
            "state IN ('PROPOSED', 'CONFIRMED', 'CARRIED_OUT', 'WITHDRAWN')", name="rule_change_state_words"
        ),
        sa.CheckConstraint(
            "rule_kind IN ('AMOUNT_BANDS', 'WORKING_HOURS', 'HOLIDAYS', 'PROCESSES', 'CATEGORIES', 'SETTINGS')",
            name="rule_change_rule_kind_words",
        ),
        sa.ForeignKeyConstraint(["confirmed_by_id"], ["person.id"], name="rule_change_confirmed_by_id_fkey"),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="rule_change_enterprise_id_fkey"),
        sa.ForeignKeyConstraint(["proposed_by_id"], ["person.id"], name="rule_change_proposed_by_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="rule_change_pkey"),
    )
    op.create_index(
        "rule_change_a_06_1",
        "rule_change",
        ["enterprise_id", "rule_kind"],
        unique=True,
        sqlite_where=sa.text("state IN ('PROPOSED', 'CONFIRMED')"),
        postgresql_where=sa.text("state IN ('PROPOSED', 'CONFIRMED')"),
    )
    op.create_index("rule_change_confirmed_by_id_idx", "rule_change", ["confirmed_by_id"], unique=False)
    op.create_index("rule_change_enterprise_id_idx", "rule_change", ["enterprise_id"], unique=False)
    op.create_index("rule_change_proposed_by_id_idx", "rule_change", ["proposed_by_id"], unique=False)
    alter("internal_review", columns=[(sa.Column("bound_digest", TEXT, nullable=False), "''")])
    alter(
        "party_consent",
        columns=[
            (sa.Column("bound_digest", TEXT, nullable=False), "''"),
            (sa.Column("amount_max", sa.BigInteger(), nullable=False), "0"),
            (sa.Column("currency", TEXT, nullable=False), "''"),
            (sa.Column("valid_to", sa.BigInteger(), nullable=False), "0"),
            (sa.Column("withdrawn_at", sa.BigInteger(), nullable=False), "0"),
        ],
        checks={"party_consent_a_05_2": "amount_max >= 0 AND (amount_max = 0) = (currency = '')"},
    )
    alter("approval_process", columns=[(sa.Column("is_open", sa.Boolean(), nullable=False), "false")])
    alter(
        "process_step",
        columns=[
            (sa.Column("valid_from", sa.BigInteger(), nullable=False), "0"),
            (sa.Column("valid_to", sa.BigInteger(), nullable=False), "253402300799000000"),
        ],
        checks={"process_step_u_04_2": "valid_from < valid_to"},
    )
    alter(
        "step_approver",
        columns=[
            (sa.Column("valid_from", sa.BigInteger(), nullable=False), "0"),
            (sa.Column("valid_to", sa.BigInteger(), nullable=False), "253402300799000000"),
        ],
        checks={"step_approver_u_04_2": "valid_from < valid_to"},
    )
    alter(
        "board_resolution",
        columns=[
            (sa.Column("recorded_by_id", TEXT, nullable=True), "NULL"),
            (sa.Column("recorded_at", sa.BigInteger(), nullable=False), "0"),
            (sa.Column("confirmed_by_id", TEXT, nullable=True), "NULL"),
            (sa.Column("confirmed_at", sa.BigInteger(), nullable=False), "0"),
            (sa.Column("beneficiary_id", TEXT, nullable=True), "NULL"),
            (sa.Column("bound_digest", TEXT, nullable=False), "''"),
            (sa.Column("amount_max", sa.BigInteger(), nullable=False), "0"),
            (sa.Column("currency", TEXT, nullable=False), "''"),
            (sa.Column("valid_to", sa.BigInteger(), nullable=False), "0"),
        ],
        checks={
            "board_resolution_a_05_1": "amount_max >= 0 AND (amount_max = 0) = (currency = '')",
            "board_resolution_a_05_2": "(confirmed_by_id IS NULL) = (confirmed_at = 0)",
            "board_resolution_a_05_3": "confirmed_by_id IS NULL OR confirmed_by_id <> recorded_by_id",
        },
        references={
            "board_resolution_beneficiary_id_fkey": ("beneficiary_id", "person"),
            "board_resolution_confirmed_by_id_fkey": ("confirmed_by_id", "person"),
            "board_resolution_recorded_by_id_fkey": ("recorded_by_id", "person"),
        },
    )
    op.create_index("board_resolution_beneficiary_id_idx", "board_resolution", ["beneficiary_id"], unique=False)
    op.create_index("board_resolution_confirmed_by_id_idx", "board_resolution", ["confirmed_by_id"], unique=False)
    op.create_index("board_resolution_recorded_by_id_idx", "board_resolution", ["recorded_by_id"], unique=False)
    alter("seal_witness", columns=[(sa.Column("agreed_at", sa.BigInteger(), nullable=False), "0")])
    alter(
        "seal_grant",
        columns=[
            (sa.Column("confirmed_by_id", TEXT, nullable=True), "NULL"),
            (sa.Column("confirmed_at", sa.BigInteger(), nullable=False), "0"),
        ],
        references={"seal_grant_confirmed_by_id_fkey": ("confirmed_by_id", "person")},
    )
    op.create_index("seal_grant_confirmed_by_id_idx", "seal_grant", ["confirmed_by_id"], unique=False)
    alter(
        "open_grant",
        columns=[
            (sa.Column("confirmed_by_id", TEXT, nullable=True), "NULL"),
            (sa.Column("confirmed_at", sa.BigInteger(), nullable=False), "0"),
        ],
        references={"open_grant_confirmed_by_id_fkey": ("confirmed_by_id", "person")},
    )
    op.create_index("open_grant_confirmed_by_id_idx", "open_grant", ["confirmed_by_id"], unique=False)
    alter(
        "cross_enterprise_grant",
        columns=[
            (sa.Column("confirmed_by_id", TEXT, nullable=True), "NULL"),
            (sa.Column("confirmed_at", sa.BigInteger(), nullable=False), "0"),
        ],
        references={"cross_enterprise_grant_confirmed_by_id_fkey": ("confirmed_by_id", "person")},
    )
    op.create_index(
        "cross_enterprise_grant_confirmed_by_id_idx", "cross_enterprise_grant", ["confirmed_by_id"], unique=False
    )
