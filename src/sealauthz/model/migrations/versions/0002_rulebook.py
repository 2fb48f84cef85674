# ruff: noqa: E501 (as the tables are rendered)
"""The records of the whole rulebook: thirty tables more, and what the tables of the founding story gain.

What an existing row gains holds the record's default, which permits nothing: a contract's matter is UNSTATED and its
documents are INCOMPLETE until their owner says otherwise.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Ordered by code point whatever the locale of the database.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _change(table: str, elements: Sequence[Any], *, added: Mapping[str, str], replaced: Sequence[str] = ()) -> None:
    """Give a table these columns and constraints, and its rows these values in the columns that are added.

    SQLite changes no constraint of a table, so there a new table takes its place and its indexes are lost; the foreign
    keys that point to it keep pointing to its name.
    """
    if op.get_bind().dialect.name == "sqlite":
        columns = [element.name for element in elements if isinstance(element, sa.Column)]
        values = ", ".join(added.get(column, f'"{column}"') for column in columns)
        names = ", ".join(f'"{column}"' for column in columns)
        op.create_table(f"{table}_0002", *elements)
        op.execute(f"INSERT INTO {table}_0002 ({names}) SELECT {values} FROM {table}")  # noqa: S608 (names of ours)
        op.drop_table(table)
        op.rename_table(f"{table}_0002", table)
        return
    for name in replaced:
        op.drop_constraint(name, table, type_="check")
    inspector = sa.inspect(op.get_bind())
    known = {found["name"] for found in (*inspector.get_check_constraints(table), *inspector.get_foreign_keys(table))}
    for element in elements:
        match element:
            case sa.Column(name=name) if name in added:
                op.add_column(table, sa.Column(name, element.type, nullable=True))
                if added[name] != "NULL":
                    op.execute(f"UPDATE {table} SET {name} = {added[name]}")  # noqa: S608 (names of ours)
                op.alter_column(table, name, nullable=element.nullable)
            case sa.CheckConstraint(name=str(name), sqltext=condition) if name not in known:
                op.create_check_constraint(name, table, condition)
            case sa.ForeignKeyConstraint(name=str(name)) if name not in known:
                (key,) = element.elements
                target = key.target_fullname.removesuffix(".id")
                op.create_foreign_key(name, table, target, list(element.column_keys), ["id"])


def _name_custom_roles() -> None:
    """Give those who hold a role of their enterprise's own one without powers: what it contained was never said."""
    bind = op.get_bind()
    held = bind.execute(
        sa.text(
            "SELECT enterprise_id, max(role_assignment.revision) FROM role_assignment"
            " JOIN membership ON membership.id = membership_id WHERE role = 'CUSTOM' GROUP BY enterprise_id"
        )
    ).all()
    for enterprise_id, newest in held:
        role = {"id": str(uuid.uuid4()), "enterprise_id": enterprise_id, "revision": newest}
        bind.execute(sa.text("INSERT INTO custom_role VALUES (:id, :enterprise_id, 'CUSTOM', :revision)"), role)


def upgrade() -> None:
    """Create the new tables and change the old ones."""
    op.create_table(
        "approval_process",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("enterprise_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('ENABLED', 'DISABLED')", name="approval_process_state_words"),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="approval_process_enterprise_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="approval_process_pkey"),
    )
    op.create_index("approval_process_enterprise_id_idx", "approval_process", ["enterprise_id"], unique=False)
    op.create_table(
        "custom_role",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("enterprise_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="custom_role_enterprise_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="custom_role_pkey"),
    )
    op.create_index("custom_role_enterprise_id_idx", "custom_role", ["enterprise_id"], unique=False)
    op.create_table(
        "department",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("enterprise_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("parent_id", TEXT, nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="department_enterprise_id_fkey"),
        sa.ForeignKeyConstraint(["parent_id"], ["department.id"], name="department_parent_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="department_pkey"),
    )
    op.create_index("department_enterprise_id_idx", "department", ["enterprise_id"], unique=False)
    op.create_index("department_parent_id_idx", "department", ["parent_id"], unique=False)
    op.create_table(
        "device",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("enterprise_id", TEXT, nullable=False),
        sa.Column("serial", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('ACTIVE', 'RETIRED')", name="device_state_words"),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="device_enterprise_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="device_pkey"),
    )
    op.create_index("device_enterprise_id_idx", "device", ["enterprise_id"], unique=False)
    op.create_index("device_u_23_1", "device", ["enterprise_id", "serial"], unique=True)
    op.create_table(
        "holiday",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("enterprise_id", TEXT, nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("day >= 0", name="holiday_u_08_2"),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="holiday_enterprise_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="holiday_pkey"),
    )
    op.create_index("holiday_enterprise_id_idx", "holiday", ["enterprise_id"], unique=False)
    op.create_index("holiday_u_08_1", "holiday", ["enterprise_id", "day"], unique=True)
    _change(
        "identity_verification",
        [
            sa.Column("id", TEXT, nullable=False),
            sa.Column("person_id", TEXT, nullable=False),
            sa.Column("method", TEXT, nullable=False),
            sa.Column("purpose", TEXT, nullable=False),
            sa.Column("provider_ref", TEXT, nullable=False),
            sa.Column("bound_type", TEXT, nullable=False),
            sa.Column("bound_id", TEXT, nullable=False),
            sa.Column("bound_digest", TEXT, nullable=False),
            sa.Column("state", TEXT, nullable=False),
            sa.Column("passed_at", sa.BigInteger(), nullable=False),
            sa.Column("consumed_at", sa.BigInteger(), nullable=False),
            sa.Column("fallback_from", TEXT, nullable=True),
            sa.Column("revision", sa.BigInteger(), nullable=False),
            sa.CheckConstraint(
                "fallback_from IN ('FACE', 'SMS', 'PASSWORD', 'MOBILE3', 'BANK4')",
                name="identity_verification_fallback_from_words",
            ),
            sa.CheckConstraint("state <> 'CONSUMED' OR consumed_at > 0", name="identity_verification_i12_2"),
            sa.CheckConstraint(
                "method IN ('FACE', 'SMS', 'PASSWORD', 'MOBILE3', 'BANK4')", name="identity_verification_method_words"
            ),
            sa.CheckConstraint(
                "purpose IN ('LOGIN', 'JOIN', 'SIGN', 'SEAL_GRANT', 'SEAL_MANAGE', 'APPROVE', 'RETRIEVE', 'ADMIN_CHANGE')",
                name="identity_verification_purpose_words",
            ),
            sa.CheckConstraint(
                "state IN ('STARTED', 'PASSED', 'CONSUMED', 'FAILED', 'EXPIRED')",
                name="identity_verification_state_words",
            ),
            sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="identity_verification_person_id_fkey"),
            sa.PrimaryKeyConstraint("id", name="identity_verification_pkey"),
        ],
        added={},
        replaced=("identity_verification_purpose_words",),
    )
    op.create_index(
        "identity_verification_i12_1", "identity_verification", ["provider_ref"], unique=True, if_not_exists=True
    )
    op.create_index(
        "identity_verification_person_id_idx", "identity_verification", ["person_id"], unique=False, if_not_exists=True
    )
    _change(
        "platform_staff",
        [
            sa.Column("id", TEXT, nullable=False),
            sa.Column("person_id", TEXT, nullable=False),
            sa.Column("duty", TEXT, nullable=False),
            sa.Column("state", TEXT, nullable=False),
            sa.Column("revision", sa.BigInteger(), nullable=False),
            sa.CheckConstraint("duty IN ('REVIEWER', 'SUPPORT', 'RISK')", name="platform_staff_duty_words"),
            sa.CheckConstraint("state IN ('ACTIVE', 'ENDED')", name="platform_staff_state_words"),
            sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="platform_staff_person_id_fkey"),
            sa.PrimaryKeyConstraint("id", name="platform_staff_pkey"),
        ],
        added={},
        replaced=("platform_staff_duty_words",),
    )
    op.create_index("platform_staff_person_id_idx", "platform_staff", ["person_id"], unique=False, if_not_exists=True)
    _change(
        "registry_snapshot",
        [
            sa.Column("id", TEXT, nullable=False),
            sa.Column("enterprise_id", TEXT, nullable=False),
            sa.Column("status", TEXT, nullable=False),
            sa.Column("fetched_at", sa.BigInteger(), nullable=False),
            sa.Column("legal_rep_id", TEXT, nullable=True),
            sa.Column("is_current", sa.Boolean(), nullable=False),
            sa.Column("registered_name", TEXT, nullable=False),
            sa.Column("revision", sa.BigInteger(), nullable=False),
            sa.CheckConstraint(
                "status IN ('EXISTING', 'REVOKED', 'CANCELLED', 'ABNORMAL')", name="registry_snapshot_status_words"
            ),
            sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="registry_snapshot_enterprise_id_fkey"),
            sa.ForeignKeyConstraint(["legal_rep_id"], ["person.id"], name="registry_snapshot_legal_rep_id_fkey"),
            sa.PrimaryKeyConstraint("id", name="registry_snapshot_pkey"),
        ],
        added={"registered_name": "''"},
    )
    op.create_index(
        "registry_snapshot_enterprise_id_idx", "registry_snapshot", ["enterprise_id"], unique=False, if_not_exists=True
    )
    op.create_index(
        "registry_snapshot_legal_rep_id_idx", "registry_snapshot", ["legal_rep_id"], unique=False, if_not_exists=True
    )
    op.create_index(
        "registry_snapshot_r_05_1",
        "registry_snapshot",
        ["enterprise_id"],
        unique=True,
        sqlite_where=sa.text("is_current"),
        postgresql_where=sa.text("is_current"),
        if_not_exists=True,
    )
    _change(
        "retrieval_case",
        [
            sa.Column("id", TEXT, nullable=False),
            sa.Column("enterprise_id", TEXT, nullable=False),
            sa.Column("applicant_id", TEXT, nullable=False),
            sa.Column("reason", TEXT, nullable=False),
            sa.Column("path", TEXT, nullable=False),
            sa.Column("opened_at", sa.BigInteger(), nullable=False),
            sa.Column("state", TEXT, nullable=False),
            sa.Column("attempt", sa.BigInteger(), nullable=False),
            sa.Column("notice_from", sa.BigInteger(), nullable=False),
            sa.Column("executed_at", sa.BigInteger(), nullable=False),
            sa.Column("reason_text", TEXT, nullable=False),
            sa.Column("published_at", sa.BigInteger(), nullable=False),
            sa.Column("revision", sa.BigInteger(), nullable=False),
            sa.CheckConstraint("attempt >= 1", name="retrieval_case_i6_2"),
            sa.CheckConstraint("path IN ('LEGAL_REP_ONLINE', 'DOCUMENTS')", name="retrieval_case_path_words"),
            sa.CheckConstraint(
                "reason IN ('ADMIN_RESIGNED', 'ADMIN_UNREACHABLE', 'ADMIN_DECEASED', 'ADMIN_DISPUTE', 'ACCOUNT_TAKEN')",
                name="retrieval_case_reason_words",
            ),
            sa.CheckConstraint(
                "state IN ('DRAFT', 'CERTIFYING', 'IN_REVIEW', 'NOTICE', 'OBJECTED', 'APPROVED', 'REJECTED', 'REJECTED_FINAL', 'RESOLVED_BY_ADMIN', 'WITHDRAWN', 'EXPIRED', 'EXECUTED', 'UNDER_APPEAL', 'REVERSED')",
                name="retrieval_case_state_words",
            ),
            sa.ForeignKeyConstraint(["applicant_id"], ["person.id"], name="retrieval_case_applicant_id_fkey"),
            sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="retrieval_case_enterprise_id_fkey"),
            sa.PrimaryKeyConstraint("id", name="retrieval_case_pkey"),
        ],
        added={"published_at": "0"},
    )
    op.create_index(
        "retrieval_case_applicant_id_idx", "retrieval_case", ["applicant_id"], unique=False, if_not_exists=True
    )
    op.create_index(
        "retrieval_case_enterprise_id_idx", "retrieval_case", ["enterprise_id"], unique=False, if_not_exists=True
    )
    op.create_index(
        "retrieval_case_i6_1",
        "retrieval_case",
        ["enterprise_id"],
        unique=True,
        sqlite_where=sa.text(
            "state IN ('DRAFT', 'CERTIFYING', 'IN_REVIEW', 'NOTICE', 'OBJECTED', 'APPROVED', 'REJECTED')"
        ),
        postgresql_where=sa.text(
            "state IN ('DRAFT', 'CERTIFYING', 'IN_REVIEW', 'NOTICE', 'OBJECTED', 'APPROVED', 'REJECTED')"
        ),
        if_not_exists=True,
    )
    op.create_table(
        "working_hours",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("enterprise_id", TEXT, nullable=False),
        sa.Column("weekday", sa.BigInteger(), nullable=False),
        sa.Column("from_minute", sa.BigInteger(), nullable=False),
        sa.Column("to_minute", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("weekday >= 1 AND weekday <= 7", name="working_hours_u_08_2"),
        sa.CheckConstraint(
            "from_minute >= 0 AND from_minute < to_minute AND to_minute <= 1440", name="working_hours_u_08_3"
        ),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="working_hours_enterprise_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="working_hours_pkey"),
    )
    op.create_index("working_hours_enterprise_id_idx", "working_hours", ["enterprise_id"], unique=False)
    op.create_index("working_hours_u_08_1", "working_hours", ["enterprise_id", "weekday", "from_minute"], unique=True)
    op.create_table(
        "amount_band",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("enterprise_id", TEXT, nullable=False),
        sa.Column("process_id", TEXT, nullable=False),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("from_amount", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("from_amount >= 0", name="amount_band_u_04_2"),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="amount_band_enterprise_id_fkey"),
        sa.ForeignKeyConstraint(["process_id"], ["approval_process.id"], name="amount_band_process_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="amount_band_pkey"),
    )
    op.create_index("amount_band_enterprise_id_idx", "amount_band", ["enterprise_id"], unique=False)
    op.create_index("amount_band_process_id_idx", "amount_band", ["process_id"], unique=False)
    op.create_index("amount_band_u_04_1", "amount_band", ["enterprise_id", "currency", "from_amount"], unique=True)
    op.create_table(
        "business_category",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("enterprise_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("process_id", TEXT, nullable=True),
        sa.Column("face_fallback", TEXT, nullable=False),
        sa.Column("holders_may_download", sa.Boolean(), nullable=False),
        sa.Column("holders_may_print", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "face_fallback IN ('NONE', 'MOBILE3', 'BANK4')", name="business_category_face_fallback_words"
        ),
        sa.CheckConstraint("state IN ('ENABLED', 'DISABLED', 'DELETED')", name="business_category_state_words"),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="business_category_enterprise_id_fkey"),
        sa.ForeignKeyConstraint(["process_id"], ["approval_process.id"], name="business_category_process_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="business_category_pkey"),
    )
    op.create_index("business_category_enterprise_id_idx", "business_category", ["enterprise_id"], unique=False)
    op.create_index("business_category_process_id_idx", "business_category", ["process_id"], unique=False)
    op.create_table(
        "custom_role_power",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("role_id", TEXT, nullable=False),
        sa.Column("power", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "power IN ('INVITE', 'DECIDE_APPLICATIONS', 'SUSPEND_MEMBERS', 'END_MEMBERSHIPS')",
            name="custom_role_power_power_words",
        ),
        sa.ForeignKeyConstraint(["role_id"], ["custom_role.id"], name="custom_role_power_role_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="custom_role_power_pkey"),
    )
    op.create_index("custom_role_power_m_07_1", "custom_role_power", ["role_id", "power"], unique=True)
    op.create_index("custom_role_power_role_id_idx", "custom_role_power", ["role_id"], unique=False)
    _change(
        "membership",
        [
            sa.Column("id", TEXT, nullable=False),
            sa.Column("person_id", TEXT, nullable=False),
            sa.Column("enterprise_id", TEXT, nullable=False),
            sa.Column("joined_via", TEXT, nullable=False),
            sa.Column("joined_at", sa.BigInteger(), nullable=False),
            sa.Column("state", TEXT, nullable=False),
            sa.Column("ended_at", sa.BigInteger(), nullable=False),
            sa.Column("end_reason", TEXT, nullable=True),
            sa.Column("department_id", TEXT, nullable=True),
            sa.Column("revision", sa.BigInteger(), nullable=False),
            sa.CheckConstraint(
                "end_reason IN ('RESIGNED', 'REMOVED', 'ENTERPRISE_CLOSED')", name="membership_end_reason_words"
            ),
            sa.CheckConstraint("state <> 'ENDED' OR end_reason IS NOT NULL", name="membership_i3_2"),
            sa.CheckConstraint(
                "joined_via IN ('AUTHENTICATOR', 'INVITE', 'APPLICATION', 'IMPORT', 'RETRIEVAL')",
                name="membership_joined_via_words",
            ),
            sa.CheckConstraint("state IN ('ACTIVE', 'SUSPENDED', 'ENDED')", name="membership_state_words"),
            sa.ForeignKeyConstraint(["department_id"], ["department.id"], name="membership_department_id_fkey"),
            sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="membership_enterprise_id_fkey"),
            sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="membership_person_id_fkey"),
            sa.PrimaryKeyConstraint("id", name="membership_pkey"),
        ],
        added={"department_id": "NULL"},
    )
    op.create_index("membership_department_id_idx", "membership", ["department_id"], unique=False, if_not_exists=True)
    op.create_index("membership_enterprise_id_idx", "membership", ["enterprise_id"], unique=False, if_not_exists=True)
    op.create_index(
        "membership_i3_1",
        "membership",
        ["person_id", "enterprise_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('ACTIVE', 'SUSPENDED')"),
        postgresql_where=sa.text("state IN ('ACTIVE', 'SUSPENDED')"),
        if_not_exists=True,
    )
    op.create_index("membership_person_id_idx", "membership", ["person_id"], unique=False, if_not_exists=True)
    op.create_table(
        "notice_delivery",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("case_id", TEXT, nullable=False),
        sa.Column("person_id", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("channel IN ('SMS', 'EMAIL', 'IN_APP', 'POST')", name="notice_delivery_channel_words"),
        sa.CheckConstraint("state IN ('SENT', 'ACCEPTED', 'FAILED')", name="notice_delivery_state_words"),
        sa.ForeignKeyConstraint(["case_id"], ["retrieval_case.id"], name="notice_delivery_case_id_fkey"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="notice_delivery_person_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="notice_delivery_pkey"),
    )
    op.create_index("notice_delivery_case_id_idx", "notice_delivery", ["case_id"], unique=False)
    op.create_index("notice_delivery_person_id_idx", "notice_delivery", ["person_id"], unique=False)
    op.create_table(
        "process_step",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("process_id", TEXT, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("mode IN ('ANY', 'ALL')", name="process_step_mode_words"),
        sa.CheckConstraint("position >= 1", name="process_step_u_04_1"),
        sa.ForeignKeyConstraint(["process_id"], ["approval_process.id"], name="process_step_process_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="process_step_pkey"),
    )
    op.create_index("process_step_process_id_idx", "process_step", ["process_id"], unique=False)
    op.create_table(
        "category_permission",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("category_id", TEXT, nullable=False),
        sa.Column("membership_id", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["category_id"], ["business_category.id"], name="category_permission_category_id_fkey"),
        sa.ForeignKeyConstraint(["membership_id"], ["membership.id"], name="category_permission_membership_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="category_permission_pkey"),
    )
    op.create_index("category_permission_c_13_1", "category_permission", ["category_id", "membership_id"], unique=True)
    op.create_index("category_permission_category_id_idx", "category_permission", ["category_id"], unique=False)
    op.create_index("category_permission_membership_id_idx", "category_permission", ["membership_id"], unique=False)
    _change(
        "contract",
        [
            sa.Column("id", TEXT, nullable=False),
            sa.Column("initiator_id", TEXT, nullable=False),
            sa.Column("contract_type", TEXT, nullable=False),
            sa.Column("state", TEXT, nullable=False),
            sa.Column("deadline", sa.BigInteger(), nullable=False),
            sa.Column("matter", TEXT, nullable=False),
            sa.Column("is_monetary", sa.Boolean(), nullable=False),
            sa.Column("amount", sa.BigInteger(), nullable=True),
            sa.Column("currency", TEXT, nullable=False),
            sa.Column("template_id", TEXT, nullable=False),
            sa.Column("initiated_by_id", TEXT, nullable=True),
            sa.Column("category_id", TEXT, nullable=True),
            sa.Column("forbids_transfer", sa.Boolean(), nullable=False),
            sa.Column("revision", sa.BigInteger(), nullable=False),
            sa.CheckConstraint(
                "matter IN ('UNSTATED', 'GENERAL', 'FINANCE', 'PERSONNEL', 'GUARANTEE', 'MARRIAGE', 'ADOPTION', 'INHERITANCE', 'PUBLIC_UTILITY_STOP')",
                name="contract_matter_words",
            ),
            sa.CheckConstraint(
                "state IN ('DRAFT', 'FILLING', 'SIGNING', 'COMPLETE', 'REJECTED', 'RECALLED', 'EXPIRED', 'TERMINATING', 'TERMINATED', 'FORCE_FINISHED', 'DELETED')",
                name="contract_state_words",
            ),
            sa.CheckConstraint("amount IS NULL OR amount >= 0", name="contract_u_04_1"),
            sa.CheckConstraint("(amount IS NULL) = (currency = '')", name="contract_u_05_2"),
            sa.ForeignKeyConstraint(["category_id"], ["business_category.id"], name="contract_category_id_fkey"),
            sa.ForeignKeyConstraint(["initiated_by_id"], ["person.id"], name="contract_initiated_by_id_fkey"),
            sa.ForeignKeyConstraint(["initiator_id"], ["enterprise.id"], name="contract_initiator_id_fkey"),
            sa.PrimaryKeyConstraint("id", name="contract_pkey"),
        ],
        added={
            "matter": "'UNSTATED'",
            "is_monetary": "TRUE",
            "amount": "NULL",
            "currency": "''",
            "template_id": "''",
            "initiated_by_id": "NULL",
            "category_id": "NULL",
            "forbids_transfer": "FALSE",
        },
    )
    op.create_index("contract_category_id_idx", "contract", ["category_id"], unique=False, if_not_exists=True)
    op.create_index("contract_initiated_by_id_idx", "contract", ["initiated_by_id"], unique=False, if_not_exists=True)
    op.create_index("contract_initiator_id_idx", "contract", ["initiator_id"], unique=False, if_not_exists=True)
    _name_custom_roles()
    _change(
        "role_assignment",
        [
            sa.Column("id", TEXT, nullable=False),
            sa.Column("membership_id", TEXT, nullable=False),
            sa.Column("role", TEXT, nullable=False),
            sa.Column("state", TEXT, nullable=False),
            sa.Column("granted_by_id", TEXT, nullable=True),
            sa.Column("valid_from", sa.BigInteger(), nullable=False),
            sa.Column("valid_to", sa.BigInteger(), nullable=False),
            sa.Column("is_primary", sa.Boolean(), nullable=False),
            sa.Column("custom_role_id", TEXT, nullable=True),
            sa.Column("department_id", TEXT, nullable=True),
            sa.Column("revision", sa.BigInteger(), nullable=False),
            sa.CheckConstraint("valid_from < valid_to", name="role_assignment_i7_2"),
            sa.CheckConstraint("(role = 'CUSTOM') = (custom_role_id IS NOT NULL)", name="role_assignment_m_07_3"),
            sa.CheckConstraint(
                "role IN ('SYSTEM_ADMIN', 'SEAL_ADMIN', 'LEGAL_REP', 'CONTRACT_ADMIN', 'SEAL_AUDITOR', 'DEPT_ADMIN', 'CUSTOM')",
                name="role_assignment_role_words",
            ),
            sa.CheckConstraint("state IN ('ACTIVE', 'REVOKED', 'EXPIRED')", name="role_assignment_state_words"),
            sa.ForeignKeyConstraint(["custom_role_id"], ["custom_role.id"], name="role_assignment_custom_role_id_fkey"),
            sa.ForeignKeyConstraint(["department_id"], ["department.id"], name="role_assignment_department_id_fkey"),
            sa.ForeignKeyConstraint(["granted_by_id"], ["person.id"], name="role_assignment_granted_by_id_fkey"),
            sa.ForeignKeyConstraint(["membership_id"], ["membership.id"], name="role_assignment_membership_id_fkey"),
            sa.PrimaryKeyConstraint("id", name="role_assignment_pkey"),
        ],
        added={
            "custom_role_id": "CASE WHEN role = 'CUSTOM' THEN (SELECT custom_role.id FROM custom_role JOIN membership ON membership.enterprise_id = custom_role.enterprise_id WHERE membership.id = role_assignment.membership_id) END",
            "department_id": "NULL",
        },
    )
    op.create_index(
        "role_assignment_custom_role_id_idx", "role_assignment", ["custom_role_id"], unique=False, if_not_exists=True
    )
    op.create_index(
        "role_assignment_department_id_idx", "role_assignment", ["department_id"], unique=False, if_not_exists=True
    )
    op.create_index(
        "role_assignment_granted_by_id_idx", "role_assignment", ["granted_by_id"], unique=False, if_not_exists=True
    )
    op.create_index(
        "role_assignment_i7_1",
        "role_assignment",
        ["membership_id", "role"],
        unique=True,
        sqlite_where=sa.text("state = 'ACTIVE'"),
        postgresql_where=sa.text("state = 'ACTIVE'"),
        if_not_exists=True,
    )
    op.create_index(
        "role_assignment_membership_id_idx", "role_assignment", ["membership_id"], unique=False, if_not_exists=True
    )
    _change(
        "seal",
        [
            sa.Column("id", TEXT, nullable=False),
            sa.Column("enterprise_id", TEXT, nullable=False),
            sa.Column("name", TEXT, nullable=False),
            sa.Column("kind", TEXT, nullable=False),
            sa.Column("state", TEXT, nullable=False),
            sa.Column("category", TEXT, nullable=False),
            sa.Column("custodian_id", TEXT, nullable=True),
            sa.Column("certificate_id", TEXT, nullable=True),
            sa.Column("legal_rep_id", TEXT, nullable=True),
            sa.Column("acting_custodian_id", TEXT, nullable=True),
            sa.Column("acting_from", sa.BigInteger(), nullable=False),
            sa.Column("acting_to", sa.BigInteger(), nullable=False),
            sa.Column("device_id", TEXT, nullable=True),
            sa.Column("face_digest", TEXT, nullable=False),
            sa.Column("revision", sa.BigInteger(), nullable=False),
            sa.CheckConstraint("category IN ('ELECTRONIC', 'PHYSICAL')", name="seal_category_words"),
            sa.CheckConstraint(
                "kind IN ('OFFICIAL', 'CONTRACT', 'FINANCE', 'PERSONNEL', 'INVOICE', 'LEGAL_REP', 'DEPARTMENT', 'OTHER')",
                name="seal_kind_words",
            ),
            sa.CheckConstraint("legal_rep_id IS NULL OR kind = 'LEGAL_REP'", name="seal_s_05_2"),
            sa.CheckConstraint("acting_custodian_id IS NULL OR acting_from < acting_to", name="seal_s_16_3"),
            sa.CheckConstraint(
                "state IN ('DRAFT', 'PENDING_REVIEW', 'REVIEW_REJECTED', 'ACTIVE', 'DISABLED', 'LOST', 'EXPIRED', 'REVOKED', 'COLLECTED', 'DESTROYED')",
                name="seal_state_words",
            ),
            sa.ForeignKeyConstraint(["acting_custodian_id"], ["membership.id"], name="seal_acting_custodian_id_fkey"),
            sa.ForeignKeyConstraint(["certificate_id"], ["certificate.id"], name="seal_certificate_id_fkey"),
            sa.ForeignKeyConstraint(["custodian_id"], ["membership.id"], name="seal_custodian_id_fkey"),
            sa.ForeignKeyConstraint(["device_id"], ["device.id"], name="seal_device_id_fkey"),
            sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="seal_enterprise_id_fkey"),
            sa.ForeignKeyConstraint(["legal_rep_id"], ["person.id"], name="seal_legal_rep_id_fkey"),
            sa.PrimaryKeyConstraint("id", name="seal_pkey"),
        ],
        added={
            "legal_rep_id": "NULL",
            "acting_custodian_id": "NULL",
            "acting_from": "0",
            "acting_to": "0",
            "device_id": "NULL",
            "face_digest": "''",
        },
    )
    op.create_index("seal_acting_custodian_id_idx", "seal", ["acting_custodian_id"], unique=False, if_not_exists=True)
    op.create_index("seal_certificate_id_idx", "seal", ["certificate_id"], unique=False, if_not_exists=True)
    op.create_index("seal_custodian_id_idx", "seal", ["custodian_id"], unique=False, if_not_exists=True)
    op.create_index("seal_device_id_idx", "seal", ["device_id"], unique=False, if_not_exists=True)
    op.create_index("seal_enterprise_id_idx", "seal", ["enterprise_id"], unique=False, if_not_exists=True)
    op.create_index(
        "seal_i13_1",
        "seal",
        ["enterprise_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'LEGAL_REP' AND state NOT IN ('REVIEW_REJECTED', 'REVOKED', 'DESTROYED')"),
        postgresql_where=sa.text("kind = 'LEGAL_REP' AND state NOT IN ('REVIEW_REJECTED', 'REVOKED', 'DESTROYED')"),
        if_not_exists=True,
    )
    op.create_index("seal_legal_rep_id_idx", "seal", ["legal_rep_id"], unique=False, if_not_exists=True)
    op.create_table(
        "step_approver",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("step_id", TEXT, nullable=False),
        sa.Column("membership_id", TEXT, nullable=True),
        sa.Column("role", TEXT, nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "role IN ('SYSTEM_ADMIN', 'SEAL_ADMIN', 'LEGAL_REP', 'CONTRACT_ADMIN', 'SEAL_AUDITOR', 'DEPT_ADMIN', 'CUSTOM')",
            name="step_approver_role_words",
        ),
        sa.CheckConstraint("(membership_id IS NULL) <> (role IS NULL)", name="step_approver_u_04_1"),
        sa.ForeignKeyConstraint(["membership_id"], ["membership.id"], name="step_approver_membership_id_fkey"),
        sa.ForeignKeyConstraint(["step_id"], ["process_step.id"], name="step_approver_step_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="step_approver_pkey"),
    )
    op.create_index("step_approver_membership_id_idx", "step_approver", ["membership_id"], unique=False)
    op.create_index("step_approver_step_id_idx", "step_approver", ["step_id"], unique=False)
    op.create_table(
        "board_resolution",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("enterprise_id", TEXT, nullable=False),
        sa.Column("contract_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("passed_at", sa.BigInteger(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('GUARANTEE', 'SELF_DEALING')", name="board_resolution_kind_words"),
        sa.CheckConstraint("source IN ('BOARD', 'SHAREHOLDERS', 'LEGAL_REP')", name="board_resolution_source_words"),
        sa.CheckConstraint("state IN ('VALID', 'WITHDRAWN')", name="board_resolution_state_words"),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name="board_resolution_contract_id_fkey"),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="board_resolution_enterprise_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="board_resolution_pkey"),
    )
    op.create_index("board_resolution_contract_id_idx", "board_resolution", ["contract_id"], unique=False)
    op.create_index("board_resolution_enterprise_id_idx", "board_resolution", ["enterprise_id"], unique=False)
    op.create_table(
        "category_seal",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("category_id", TEXT, nullable=False),
        sa.Column("seal_id", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["category_id"], ["business_category.id"], name="category_seal_category_id_fkey"),
        sa.ForeignKeyConstraint(["seal_id"], ["seal.id"], name="category_seal_seal_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="category_seal_pkey"),
    )
    op.create_index("category_seal_category_id_idx", "category_seal", ["category_id"], unique=False)
    op.create_index("category_seal_seal_id_idx", "category_seal", ["seal_id"], unique=False)
    op.create_index("category_seal_u_02_1", "category_seal", ["category_id", "seal_id"], unique=True)
    _change(
        "contract_document",
        [
            sa.Column("id", TEXT, nullable=False),
            sa.Column("contract_id", TEXT, nullable=False),
            sa.Column("digest", TEXT, nullable=False),
            sa.Column("state", TEXT, nullable=False),
            sa.Column("revision", sa.BigInteger(), nullable=False),
            sa.CheckConstraint("state IN ('INCOMPLETE', 'COMPLETE')", name="contract_document_state_words"),
            sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name="contract_document_contract_id_fkey"),
            sa.PrimaryKeyConstraint("id", name="contract_document_pkey"),
        ],
        added={"state": "'INCOMPLETE'"},
    )
    op.create_index(
        "contract_document_contract_id_idx", "contract_document", ["contract_id"], unique=False, if_not_exists=True
    )
    op.create_index(
        "contract_document_u_03_1", "contract_document", ["contract_id", "digest"], unique=True, if_not_exists=True
    )
    op.create_table(
        "cross_enterprise_grant",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("seal_id", TEXT, nullable=False),
        sa.Column("holder_id", TEXT, nullable=False),
        sa.Column("grantor_id", TEXT, nullable=False),
        sa.Column("scope", TEXT, nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_to", sa.BigInteger(), nullable=False),
        sa.Column("confirmation", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("invalid_reason", TEXT, nullable=True),
        sa.Column("use_limit", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "confirmation IN ('NONE', 'AUTH_LETTER', 'INTENT')", name="cross_enterprise_grant_confirmation_words"
        ),
        sa.CheckConstraint("used >= 0 AND used <= use_limit", name="cross_enterprise_grant_i10_1"),
        sa.CheckConstraint(
            "invalid_reason IN ('ADMIN_CHANGED', 'GRANTEE_LEFT', 'NOT_SIGNED')",
            name="cross_enterprise_grant_invalid_reason_words",
        ),
        sa.CheckConstraint(
            "valid_from < valid_to AND valid_to - valid_from <= 94694400000000", name="cross_enterprise_grant_s_06_2"
        ),
        sa.CheckConstraint("scope IN ('ALL_CONTRACTS', 'LISTED_TYPES')", name="cross_enterprise_grant_scope_words"),
        sa.CheckConstraint(
            "state IN ('PENDING_CONFIRM', 'PENDING_EFFECT', 'ACTIVE', 'EXHAUSTED', 'EXPIRED', 'REVOKED', 'INVALIDATED')",
            name="cross_enterprise_grant_state_words",
        ),
        sa.CheckConstraint("state <> 'ACTIVE' OR confirmation = 'AUTH_LETTER'", name="cross_enterprise_grant_u_20_3"),
        sa.ForeignKeyConstraint(["grantor_id"], ["role_assignment.id"], name="cross_enterprise_grant_grantor_id_fkey"),
        sa.ForeignKeyConstraint(["holder_id"], ["enterprise.id"], name="cross_enterprise_grant_holder_id_fkey"),
        sa.ForeignKeyConstraint(["seal_id"], ["seal.id"], name="cross_enterprise_grant_seal_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="cross_enterprise_grant_pkey"),
    )
    op.create_index("cross_enterprise_grant_grantor_id_idx", "cross_enterprise_grant", ["grantor_id"], unique=False)
    op.create_index("cross_enterprise_grant_holder_id_idx", "cross_enterprise_grant", ["holder_id"], unique=False)
    op.create_index("cross_enterprise_grant_seal_id_idx", "cross_enterprise_grant", ["seal_id"], unique=False)
    op.create_table(
        "delegation",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("principal_id", TEXT, nullable=False),
        sa.Column("delegate_id", TEXT, nullable=False),
        sa.Column("power", TEXT, nullable=False),
        sa.Column("scope", TEXT, nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_to", sa.BigInteger(), nullable=False),
        sa.Column("seal_id", TEXT, nullable=True),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "power IN ('USE_SEAL', 'PERSONAL_SIGNATURE', 'LEGAL_REP_INTENT')", name="delegation_power_words"
        ),
        sa.CheckConstraint("scope IN ('ALL_CONTRACTS', 'LISTED_TYPES')", name="delegation_scope_words"),
        sa.CheckConstraint(
            "state IN ('PENDING_ACCEPT', 'ACTIVE', 'EXPIRED', 'REVOKED', 'LAPSED')", name="delegation_state_words"
        ),
        sa.CheckConstraint("principal_id <> delegate_id", name="delegation_u_18_1"),
        sa.CheckConstraint("valid_from < valid_to", name="delegation_u_18_2"),
        sa.CheckConstraint("state <> 'ACTIVE' OR power = 'USE_SEAL'", name="delegation_u_19_3"),
        sa.ForeignKeyConstraint(["delegate_id"], ["membership.id"], name="delegation_delegate_id_fkey"),
        sa.ForeignKeyConstraint(["principal_id"], ["membership.id"], name="delegation_principal_id_fkey"),
        sa.ForeignKeyConstraint(["seal_id"], ["seal.id"], name="delegation_seal_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="delegation_pkey"),
    )
    op.create_index("delegation_delegate_id_idx", "delegation", ["delegate_id"], unique=False)
    op.create_index("delegation_principal_id_idx", "delegation", ["principal_id"], unique=False)
    op.create_index("delegation_seal_id_idx", "delegation", ["seal_id"], unique=False)
    op.create_table(
        "monitor_subscription",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("enterprise_id", TEXT, nullable=False),
        sa.Column("leader_id", TEXT, nullable=False),
        sa.Column("seal_id", TEXT, nullable=True),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('ACTIVE', 'ENDED')", name="monitor_subscription_state_words"),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="monitor_subscription_enterprise_id_fkey"),
        sa.ForeignKeyConstraint(["leader_id"], ["membership.id"], name="monitor_subscription_leader_id_fkey"),
        sa.ForeignKeyConstraint(["seal_id"], ["seal.id"], name="monitor_subscription_seal_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="monitor_subscription_pkey"),
    )
    op.create_index("monitor_subscription_enterprise_id_idx", "monitor_subscription", ["enterprise_id"], unique=False)
    op.create_index("monitor_subscription_leader_id_idx", "monitor_subscription", ["leader_id"], unique=False)
    op.create_index("monitor_subscription_seal_id_idx", "monitor_subscription", ["seal_id"], unique=False)
    op.create_table(
        "open_grant",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("seal_id", TEXT, nullable=False),
        sa.Column("grantor_id", TEXT, nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_to", sa.BigInteger(), nullable=False),
        sa.Column("department_id", TEXT, nullable=True),
        sa.Column("confirmation", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("invalid_reason", TEXT, nullable=True),
        sa.Column("use_limit", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("confirmation IN ('NONE', 'AUTH_LETTER', 'INTENT')", name="open_grant_confirmation_words"),
        sa.CheckConstraint("used >= 0 AND used <= use_limit", name="open_grant_i10_1"),
        sa.CheckConstraint(
            "invalid_reason IN ('ADMIN_CHANGED', 'GRANTEE_LEFT', 'NOT_SIGNED')", name="open_grant_invalid_reason_words"
        ),
        sa.CheckConstraint(
            "valid_from < valid_to AND valid_to - valid_from <= 94694400000000", name="open_grant_s_06_2"
        ),
        sa.CheckConstraint("state <> 'ACTIVE' OR confirmation <> 'NONE'", name="open_grant_s_06_3"),
        sa.CheckConstraint(
            "state IN ('PENDING_CONFIRM', 'PENDING_EFFECT', 'ACTIVE', 'EXHAUSTED', 'EXPIRED', 'REVOKED', 'INVALIDATED')",
            name="open_grant_state_words",
        ),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name="open_grant_department_id_fkey"),
        sa.ForeignKeyConstraint(["grantor_id"], ["role_assignment.id"], name="open_grant_grantor_id_fkey"),
        sa.ForeignKeyConstraint(["seal_id"], ["seal.id"], name="open_grant_seal_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="open_grant_pkey"),
    )
    op.create_index("open_grant_department_id_idx", "open_grant", ["department_id"], unique=False)
    op.create_index("open_grant_grantor_id_idx", "open_grant", ["grantor_id"], unique=False)
    op.create_index("open_grant_seal_id_idx", "open_grant", ["seal_id"], unique=False)
    _change(
        "seal_grant",
        [
            sa.Column("id", TEXT, nullable=False),
            sa.Column("seal_id", TEXT, nullable=False),
            sa.Column("membership_id", TEXT, nullable=False),
            sa.Column("grantor_id", TEXT, nullable=False),
            sa.Column("right", TEXT, nullable=False),
            sa.Column("scope", TEXT, nullable=False),
            sa.Column("term", TEXT, nullable=False),
            sa.Column("valid_from", sa.BigInteger(), nullable=False),
            sa.Column("valid_to", sa.BigInteger(), nullable=False),
            sa.Column("confirmation", TEXT, nullable=False),
            sa.Column("state", TEXT, nullable=False),
            sa.Column("invalid_reason", TEXT, nullable=True),
            sa.Column("use_limit", sa.BigInteger(), nullable=False),
            sa.Column("used", sa.BigInteger(), nullable=False),
            sa.Column("amount_max", sa.BigInteger(), nullable=False),
            sa.Column("currency", TEXT, nullable=False),
            sa.Column("may_subgrant", sa.Boolean(), nullable=False),
            sa.Column("parent_id", TEXT, nullable=True),
            sa.Column("revision", sa.BigInteger(), nullable=False),
            sa.CheckConstraint(
                "confirmation IN ('NONE', 'AUTH_LETTER', 'INTENT')", name="seal_grant_confirmation_words"
            ),
            sa.CheckConstraint("used >= 0 AND used <= use_limit", name="seal_grant_i10_1"),
            sa.CheckConstraint(
                "invalid_reason IN ('ADMIN_CHANGED', 'GRANTEE_LEFT', 'NOT_SIGNED')",
                name="seal_grant_invalid_reason_words",
            ),
            sa.CheckConstraint(
                "\"right\" IN ('USE', 'APPROVE', 'MANAGE', 'AUDIT', 'AUTO_SIGN', 'EMERGENCY')",
                name="seal_grant_right_words",
            ),
            sa.CheckConstraint("valid_from < valid_to", name="seal_grant_s_06_2"),
            sa.CheckConstraint(
                "term = 'LONG_TERM' OR valid_to - valid_from <= 94694400000000", name="seal_grant_s_06_3"
            ),
            sa.CheckConstraint("state <> 'ACTIVE' OR confirmation <> 'NONE'", name="seal_grant_s_06_4"),
            sa.CheckConstraint("parent_id IS NULL OR may_subgrant = FALSE", name="seal_grant_s_09_6"),
            sa.CheckConstraint("scope IN ('ALL_CONTRACTS', 'LISTED_TYPES')", name="seal_grant_scope_words"),
            sa.CheckConstraint(
                "state IN ('PENDING_CONFIRM', 'PENDING_EFFECT', 'ACTIVE', 'EXHAUSTED', 'EXPIRED', 'REVOKED', 'INVALIDATED')",
                name="seal_grant_state_words",
            ),
            sa.CheckConstraint("term IN ('FIXED', 'LONG_TERM')", name="seal_grant_term_words"),
            sa.CheckConstraint(
                "amount_max >= 0 AND (amount_max = 9223372036854775807) = (currency = '')", name="seal_grant_u_05_5"
            ),
            sa.ForeignKeyConstraint(["grantor_id"], ["role_assignment.id"], name="seal_grant_grantor_id_fkey"),
            sa.ForeignKeyConstraint(["membership_id"], ["membership.id"], name="seal_grant_membership_id_fkey"),
            sa.ForeignKeyConstraint(["parent_id"], ["seal_grant.id"], name="seal_grant_parent_id_fkey"),
            sa.ForeignKeyConstraint(["seal_id"], ["seal.id"], name="seal_grant_seal_id_fkey"),
            sa.PrimaryKeyConstraint("id", name="seal_grant_pkey"),
        ],
        added={"amount_max": "9223372036854775807", "currency": "''", "may_subgrant": "FALSE", "parent_id": "NULL"},
        replaced=("seal_grant_right_words",),
    )
    op.create_index("seal_grant_grantor_id_idx", "seal_grant", ["grantor_id"], unique=False, if_not_exists=True)
    op.create_index("seal_grant_membership_id_idx", "seal_grant", ["membership_id"], unique=False, if_not_exists=True)
    op.create_index("seal_grant_parent_id_idx", "seal_grant", ["parent_id"], unique=False, if_not_exists=True)
    op.create_index("seal_grant_seal_id_idx", "seal_grant", ["seal_id"], unique=False, if_not_exists=True)
    op.create_table(
        "seal_proposal",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("seal_id", TEXT, nullable=False),
        sa.Column("ending", TEXT, nullable=False),
        sa.Column("proposed_by_id", TEXT, nullable=False),
        sa.Column("proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("ending IN ('REVOKE', 'DESTROY')", name="seal_proposal_ending_words"),
        sa.CheckConstraint("reason <> ''", name="seal_proposal_s_14_2"),
        sa.CheckConstraint("state IN ('OPEN', 'CARRIED_OUT', 'WITHDRAWN')", name="seal_proposal_state_words"),
        sa.ForeignKeyConstraint(["proposed_by_id"], ["membership.id"], name="seal_proposal_proposed_by_id_fkey"),
        sa.ForeignKeyConstraint(["seal_id"], ["seal.id"], name="seal_proposal_seal_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="seal_proposal_pkey"),
    )
    op.create_index("seal_proposal_proposed_by_id_idx", "seal_proposal", ["proposed_by_id"], unique=False)
    op.create_index(
        "seal_proposal_s_14_1",
        "seal_proposal",
        ["seal_id"],
        unique=True,
        sqlite_where=sa.text("state = 'OPEN'"),
        postgresql_where=sa.text("state = 'OPEN'"),
    )
    op.create_index("seal_proposal_seal_id_idx", "seal_proposal", ["seal_id"], unique=False)
    op.create_table(
        "seal_review",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("seal_id", TEXT, nullable=False),
        sa.Column("submitted_by_id", TEXT, nullable=False),
        sa.Column("submitted_at", sa.BigInteger(), nullable=False),
        sa.Column("face_digest", TEXT, nullable=False),
        sa.Column("name_on_seal", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("decided_by_id", TEXT, nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state = 'IN_REVIEW' OR decided_by_id IS NOT NULL", name="seal_review_s_02_2"),
        sa.CheckConstraint("decided_by_id IS NULL OR decided_by_id <> submitted_by_id", name="seal_review_s_02_3"),
        sa.CheckConstraint("state IN ('IN_REVIEW', 'PASSED', 'REJECTED')", name="seal_review_state_words"),
        sa.ForeignKeyConstraint(["decided_by_id"], ["membership.id"], name="seal_review_decided_by_id_fkey"),
        sa.ForeignKeyConstraint(["seal_id"], ["seal.id"], name="seal_review_seal_id_fkey"),
        sa.ForeignKeyConstraint(["submitted_by_id"], ["membership.id"], name="seal_review_submitted_by_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="seal_review_pkey"),
    )
    op.create_index("seal_review_decided_by_id_idx", "seal_review", ["decided_by_id"], unique=False)
    op.create_index(
        "seal_review_s_02_1",
        "seal_review",
        ["seal_id"],
        unique=True,
        sqlite_where=sa.text("state = 'IN_REVIEW'"),
        postgresql_where=sa.text("state = 'IN_REVIEW'"),
    )
    op.create_index("seal_review_seal_id_idx", "seal_review", ["seal_id"], unique=False)
    op.create_index("seal_review_submitted_by_id_idx", "seal_review", ["submitted_by_id"], unique=False)
    _change(
        "seal_use_request",
        [
            sa.Column("id", TEXT, nullable=False),
            sa.Column("seal_id", TEXT, nullable=False),
            sa.Column("applicant_id", TEXT, nullable=False),
            sa.Column("submitted_at", sa.BigInteger(), nullable=False),
            sa.Column("valid_from", sa.BigInteger(), nullable=False),
            sa.Column("valid_to", sa.BigInteger(), nullable=False),
            sa.Column("contract_id", TEXT, nullable=True),
            sa.Column("state", TEXT, nullable=False),
            sa.Column("uses", sa.BigInteger(), nullable=False),
            sa.Column("used", sa.BigInteger(), nullable=False),
            sa.Column("purpose", TEXT, nullable=False),
            sa.Column("process_id", TEXT, nullable=True),
            sa.Column("is_out_of_hours", sa.Boolean(), nullable=False),
            sa.Column("device_id", TEXT, nullable=True),
            sa.Column("code_digest", TEXT, nullable=False),
            sa.Column("carries_out", sa.Boolean(), nullable=False),
            sa.Column("photos_owed", sa.BigInteger(), nullable=False),
            sa.Column("revision", sa.BigInteger(), nullable=False),
            sa.CheckConstraint("uses >= 1 AND used >= 0 AND used <= uses", name="seal_use_request_i10_2"),
            sa.CheckConstraint(
                "state IN ('DRAFT', 'IN_APPROVAL', 'APPROVED', 'IN_USE', 'COMPLETED', 'FINISHED', 'REJECTED', 'WITHDRAWN', 'EXPIRED', 'VOIDED')",
                name="seal_use_request_state_words",
            ),
            sa.CheckConstraint("valid_from < valid_to", name="seal_use_request_u_03_1"),
            sa.CheckConstraint("photos_owed >= 0", name="seal_use_request_u_23_3"),
            sa.ForeignKeyConstraint(["applicant_id"], ["membership.id"], name="seal_use_request_applicant_id_fkey"),
            sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name="seal_use_request_contract_id_fkey"),
            sa.ForeignKeyConstraint(["device_id"], ["device.id"], name="seal_use_request_device_id_fkey"),
            sa.ForeignKeyConstraint(["process_id"], ["approval_process.id"], name="seal_use_request_process_id_fkey"),
            sa.ForeignKeyConstraint(["seal_id"], ["seal.id"], name="seal_use_request_seal_id_fkey"),
            sa.PrimaryKeyConstraint("id", name="seal_use_request_pkey"),
        ],
        added={
            "process_id": "NULL",
            "is_out_of_hours": "FALSE",
            "device_id": "NULL",
            "code_digest": "''",
            "carries_out": "FALSE",
            "photos_owed": "0",
        },
    )
    op.create_index(
        "seal_use_request_applicant_id_idx", "seal_use_request", ["applicant_id"], unique=False, if_not_exists=True
    )
    op.create_index(
        "seal_use_request_contract_id_idx", "seal_use_request", ["contract_id"], unique=False, if_not_exists=True
    )
    op.create_index(
        "seal_use_request_device_id_idx", "seal_use_request", ["device_id"], unique=False, if_not_exists=True
    )
    op.create_index(
        "seal_use_request_process_id_idx", "seal_use_request", ["process_id"], unique=False, if_not_exists=True
    )
    op.create_index("seal_use_request_seal_id_idx", "seal_use_request", ["seal_id"], unique=False, if_not_exists=True)
    _change(
        "signatory",
        [
            sa.Column("id", TEXT, nullable=False),
            sa.Column("contract_id", TEXT, nullable=False),
            sa.Column("kind", TEXT, nullable=False),
            sa.Column("person_id", TEXT, nullable=True),
            sa.Column("enterprise_id", TEXT, nullable=True),
            sa.Column("category_id", TEXT, nullable=True),
            sa.Column("needs_review", sa.Boolean(), nullable=False),
            sa.Column("revision", sa.BigInteger(), nullable=False),
            sa.CheckConstraint(
                "(kind = 'PERSON' AND person_id IS NOT NULL AND enterprise_id IS NULL) OR (kind = 'ENTERPRISE' AND enterprise_id IS NOT NULL AND person_id IS NULL)",
                name="signatory_c_02_1",
            ),
            sa.CheckConstraint("kind IN ('PERSON', 'ENTERPRISE')", name="signatory_kind_words"),
            sa.ForeignKeyConstraint(["category_id"], ["business_category.id"], name="signatory_category_id_fkey"),
            sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name="signatory_contract_id_fkey"),
            sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="signatory_enterprise_id_fkey"),
            sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="signatory_person_id_fkey"),
            sa.PrimaryKeyConstraint("id", name="signatory_pkey"),
        ],
        added={"category_id": "NULL", "needs_review": "FALSE"},
    )
    op.create_index("signatory_category_id_idx", "signatory", ["category_id"], unique=False, if_not_exists=True)
    op.create_index("signatory_contract_id_idx", "signatory", ["contract_id"], unique=False, if_not_exists=True)
    op.create_index("signatory_enterprise_id_idx", "signatory", ["enterprise_id"], unique=False, if_not_exists=True)
    op.create_index("signatory_person_id_idx", "signatory", ["person_id"], unique=False, if_not_exists=True)
    _change(
        "approval",
        [
            sa.Column("id", TEXT, nullable=False),
            sa.Column("request_id", TEXT, nullable=False),
            sa.Column("approver_id", TEXT, nullable=False),
            sa.Column("verdict", TEXT, nullable=False),
            sa.Column("decided_at", sa.BigInteger(), nullable=False),
            sa.Column("step", sa.BigInteger(), nullable=False),
            sa.Column("step_id", TEXT, nullable=True),
            sa.Column("revision", sa.BigInteger(), nullable=False),
            sa.CheckConstraint("step >= 1", name="approval_u_03_2"),
            sa.CheckConstraint("verdict IN ('PASSED', 'REJECTED')", name="approval_verdict_words"),
            sa.ForeignKeyConstraint(["approver_id"], ["membership.id"], name="approval_approver_id_fkey"),
            sa.ForeignKeyConstraint(["request_id"], ["seal_use_request.id"], name="approval_request_id_fkey"),
            sa.ForeignKeyConstraint(["step_id"], ["process_step.id"], name="approval_step_id_fkey"),
            sa.PrimaryKeyConstraint("id", name="approval_pkey"),
        ],
        added={"step_id": "NULL"},
    )
    op.create_index("approval_approver_id_idx", "approval", ["approver_id"], unique=False, if_not_exists=True)
    op.create_index(
        "approval_i14_1", "approval", ["request_id", "step", "approver_id"], unique=True, if_not_exists=True
    )
    op.create_index("approval_request_id_idx", "approval", ["request_id"], unique=False, if_not_exists=True)
    op.create_index("approval_step_id_idx", "approval", ["step_id"], unique=False, if_not_exists=True)
    op.create_table(
        "cross_grant_contract_type",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("grant_id", TEXT, nullable=False),
        sa.Column("contract_type", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["grant_id"], ["cross_enterprise_grant.id"], name="cross_grant_contract_type_grant_id_fkey"
        ),
        sa.PrimaryKeyConstraint("id", name="cross_grant_contract_type_pkey"),
    )
    op.create_index("cross_grant_contract_type_grant_id_idx", "cross_grant_contract_type", ["grant_id"], unique=False)
    op.create_index(
        "cross_grant_contract_type_u_20_1", "cross_grant_contract_type", ["grant_id", "contract_type"], unique=True
    )
    op.create_table(
        "delegation_contract_type",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("delegation_id", TEXT, nullable=False),
        sa.Column("contract_type", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delegation_id"], ["delegation.id"], name="delegation_contract_type_delegation_id_fkey"
        ),
        sa.PrimaryKeyConstraint("id", name="delegation_contract_type_pkey"),
    )
    op.create_index(
        "delegation_contract_type_delegation_id_idx", "delegation_contract_type", ["delegation_id"], unique=False
    )
    op.create_index(
        "delegation_contract_type_u_18_1", "delegation_contract_type", ["delegation_id", "contract_type"], unique=True
    )
    op.create_table(
        "emergency_use",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("grant_id", TEXT, nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("approved_by_id", TEXT, nullable=True),
        sa.Column("approved_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("(approved_by_id IS NULL) = (approved_at = 0)", name="emergency_use_u_24_1"),
        sa.CheckConstraint("reason <> ''", name="emergency_use_u_24_2"),
        sa.ForeignKeyConstraint(["approved_by_id"], ["membership.id"], name="emergency_use_approved_by_id_fkey"),
        sa.ForeignKeyConstraint(["grant_id"], ["seal_grant.id"], name="emergency_use_grant_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="emergency_use_pkey"),
    )
    op.create_index("emergency_use_approved_by_id_idx", "emergency_use", ["approved_by_id"], unique=False)
    op.create_index("emergency_use_grant_id_idx", "emergency_use", ["grant_id"], unique=False)
    op.create_table(
        "grant_template",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("grant_id", TEXT, nullable=False),
        sa.Column("template_id", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["grant_id"], ["seal_grant.id"], name="grant_template_grant_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="grant_template_pkey"),
    )
    op.create_index("grant_template_grant_id_idx", "grant_template", ["grant_id"], unique=False)
    op.create_index("grant_template_u_22_1", "grant_template", ["grant_id", "template_id"], unique=True)
    op.create_table(
        "holder_assignment",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("grant_id", TEXT, nullable=False),
        sa.Column("membership_id", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('ACTIVE', 'REVOKED')", name="holder_assignment_state_words"),
        sa.ForeignKeyConstraint(["grant_id"], ["cross_enterprise_grant.id"], name="holder_assignment_grant_id_fkey"),
        sa.ForeignKeyConstraint(["membership_id"], ["membership.id"], name="holder_assignment_membership_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="holder_assignment_pkey"),
    )
    op.create_index("holder_assignment_grant_id_idx", "holder_assignment", ["grant_id"], unique=False)
    op.create_index("holder_assignment_membership_id_idx", "holder_assignment", ["membership_id"], unique=False)
    op.create_index(
        "holder_assignment_u_20_1",
        "holder_assignment",
        ["grant_id", "membership_id"],
        unique=True,
        sqlite_where=sa.text("state = 'ACTIVE'"),
        postgresql_where=sa.text("state = 'ACTIVE'"),
    )
    op.create_table(
        "internal_review",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("signatory_id", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("reviewer_id", TEXT, nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('PENDING', 'PASSED', 'REJECTED', 'SIGN_REJECTED')", name="internal_review_state_words"
        ),
        sa.ForeignKeyConstraint(["reviewer_id"], ["person.id"], name="internal_review_reviewer_id_fkey"),
        sa.ForeignKeyConstraint(["signatory_id"], ["signatory.id"], name="internal_review_signatory_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="internal_review_pkey"),
    )
    op.create_index("internal_review_reviewer_id_idx", "internal_review", ["reviewer_id"], unique=False)
    op.create_index("internal_review_signatory_id_idx", "internal_review", ["signatory_id"], unique=False)
    op.create_table(
        "open_grant_template",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("grant_id", TEXT, nullable=False),
        sa.Column("template_id", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["grant_id"], ["open_grant.id"], name="open_grant_template_grant_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="open_grant_template_pkey"),
    )
    op.create_index("open_grant_template_grant_id_idx", "open_grant_template", ["grant_id"], unique=False)
    op.create_index("open_grant_template_s_08_1", "open_grant_template", ["grant_id", "template_id"], unique=True)
    op.create_table(
        "party_consent",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("signatory_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("given_by_id", TEXT, nullable=False),
        sa.Column("person_id", TEXT, nullable=True),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('DOUBLE_AGENCY', 'TERMINATION')", name="party_consent_kind_words"),
        sa.CheckConstraint("kind <> 'DOUBLE_AGENCY' OR person_id IS NOT NULL", name="party_consent_u_14_1"),
        sa.ForeignKeyConstraint(["given_by_id"], ["person.id"], name="party_consent_given_by_id_fkey"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="party_consent_person_id_fkey"),
        sa.ForeignKeyConstraint(["signatory_id"], ["signatory.id"], name="party_consent_signatory_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="party_consent_pkey"),
    )
    op.create_index("party_consent_given_by_id_idx", "party_consent", ["given_by_id"], unique=False)
    op.create_index("party_consent_person_id_idx", "party_consent", ["person_id"], unique=False)
    op.create_index("party_consent_signatory_id_idx", "party_consent", ["signatory_id"], unique=False)
    op.create_table(
        "seal_witness",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("proposal_id", TEXT, nullable=False),
        sa.Column("membership_id", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["membership_id"], ["membership.id"], name="seal_witness_membership_id_fkey"),
        sa.ForeignKeyConstraint(["proposal_id"], ["seal_proposal.id"], name="seal_witness_proposal_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="seal_witness_pkey"),
    )
    op.create_index("seal_witness_membership_id_idx", "seal_witness", ["membership_id"], unique=False)
    op.create_index("seal_witness_proposal_id_idx", "seal_witness", ["proposal_id"], unique=False)
    op.create_index("seal_witness_s_14_1", "seal_witness", ["proposal_id", "membership_id"], unique=True)
    _change(
        "signing_task",
        [
            sa.Column("id", TEXT, nullable=False),
            sa.Column("signatory_id", TEXT, nullable=False),
            sa.Column("action", TEXT, nullable=False),
            sa.Column("position", sa.BigInteger(), nullable=False),
            sa.Column("state", TEXT, nullable=False),
            sa.Column("handler_id", TEXT, nullable=True),
            sa.Column("signed_by_id", TEXT, nullable=True),
            sa.Column("revision", sa.BigInteger(), nullable=False),
            sa.CheckConstraint(
                "action IN ('CORPORATE_SEAL', 'LEGAL_REP_SEAL', 'HANDLER_SIGN', 'PERSONAL_SIGN', 'APPROVE', 'FILL')",
                name="signing_task_action_words",
            ),
            sa.CheckConstraint("position >= 1", name="signing_task_c_01_1"),
            sa.CheckConstraint(
                "state IN ('WAITING', 'PENDING', 'IN_PROGRESS', 'SIGNED', 'REJECTED', 'TRANSFERRED', 'VOIDED', 'EXPIRED')",
                name="signing_task_state_words",
            ),
            sa.ForeignKeyConstraint(["handler_id"], ["person.id"], name="signing_task_handler_id_fkey"),
            sa.ForeignKeyConstraint(["signatory_id"], ["signatory.id"], name="signing_task_signatory_id_fkey"),
            sa.ForeignKeyConstraint(["signed_by_id"], ["person.id"], name="signing_task_signed_by_id_fkey"),
            sa.PrimaryKeyConstraint("id", name="signing_task_pkey"),
        ],
        added={"signed_by_id": "NULL"},
    )
    op.create_index("signing_task_handler_id_idx", "signing_task", ["handler_id"], unique=False, if_not_exists=True)
    op.create_index("signing_task_signatory_id_idx", "signing_task", ["signatory_id"], unique=False, if_not_exists=True)
    op.create_index("signing_task_signed_by_id_idx", "signing_task", ["signed_by_id"], unique=False, if_not_exists=True)
    op.create_table(
        "seal_use",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("task_id", TEXT, nullable=False),
        sa.Column("seal_id", TEXT, nullable=False),
        sa.Column("person_id", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
        sa.Column("grant_id", TEXT, nullable=True),
        sa.Column("holder_id", TEXT, nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["grant_id"], ["seal_grant.id"], name="seal_use_grant_id_fkey"),
        sa.ForeignKeyConstraint(["holder_id"], ["enterprise.id"], name="seal_use_holder_id_fkey"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="seal_use_person_id_fkey"),
        sa.ForeignKeyConstraint(["seal_id"], ["seal.id"], name="seal_use_seal_id_fkey"),
        sa.ForeignKeyConstraint(["task_id"], ["signing_task.id"], name="seal_use_task_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="seal_use_pkey"),
    )
    op.create_index("seal_use_grant_id_idx", "seal_use", ["grant_id"], unique=False)
    op.create_index("seal_use_holder_id_idx", "seal_use", ["holder_id"], unique=False)
    op.create_index("seal_use_i15_1", "seal_use", ["task_id", "seal_id", "digest"], unique=True)
    op.create_index("seal_use_person_id_idx", "seal_use", ["person_id"], unique=False)
    op.create_index("seal_use_seal_id_idx", "seal_use", ["seal_id"], unique=False)
    op.create_index("seal_use_task_id_idx", "seal_use", ["task_id"], unique=False)
