# ruff: noqa: E501 (as Alembic renders it)
"""The first schema: every record, the changes made to them, policies, the log of decisions, and the store's identity.

A later migration says `serves_from` and `serves_without` (`sealauthz.facts.store.serving`).
"""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

from sealauthz.model.migrations.altering import TEXT

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

serves_from = "0001"
serves_without = ()


def upgrade() -> None:
    """Create every table, and give the store its identity."""
    op.create_table(
        "audit_about",
        sa.Column("about", TEXT, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("about", "number", name="audit_about_pkey"),
    )
    op.create_table(
        "audit_checkpoint",
        sa.Column("period", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("late_from", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("period", name="audit_checkpoint_pkey"),
    )
    op.create_index(
        "audit_checkpoint_late_idx",
        "audit_checkpoint",
        ["period"],
        unique=False,
        sqlite_where=sa.text("late_from IS NOT NULL"),
        postgresql_where=sa.text("late_from IS NOT NULL"),
    )
    op.create_table(
        "audit_followed",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="audit_followed_pkey"),
    )
    op.create_table(
        "audit_log",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("decision_id", TEXT, nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="audit_log_pkey"),
    )
    op.create_index("audit_log_at_idx", "audit_log", ["at"], unique=False)
    op.create_index("audit_log_decision_id_idx", "audit_log", ["decision_id"], unique=True)
    op.create_table(
        "audit_pending",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("records", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="audit_pending_pkey"),
    )
    op.create_table(
        "audit_tile",
        sa.Column("level", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "number", name="audit_tile_pkey"),
    )
    op.create_table(
        "enterprise",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("uscc", TEXT, nullable=False),
        sa.Column("realm", TEXT, nullable=False),
        sa.Column("auth_state", TEXT, nullable=False),
        sa.Column("operating_state", TEXT, nullable=False),
        sa.Column("timezone", TEXT, nullable=False),
        sa.Column("parent_id", TEXT, nullable=True),
        sa.Column("contact_set_at", sa.BigInteger(), nullable=False),
        sa.Column("contact_changed_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "auth_state IN ('UNREGISTERED', 'REGISTERED', 'CERTIFYING', 'AUTHENTICATED', 'AUTH_FAILED')",
            name="enterprise_auth_state_words",
        ),
        sa.CheckConstraint(
            "operating_state IN ('ACTIVE', 'FROZEN', 'CLOSED')", name="enterprise_operating_state_words"
        ),
        sa.CheckConstraint(
            "contact_changed_at = 0 OR (contact_set_at > 0 AND contact_set_at <= contact_changed_at)",
            name="enterprise_a_03_3",
        ),
        sa.CheckConstraint("length(uscc) = 18", name="enterprise_i2_2"),
        sa.ForeignKeyConstraint(["parent_id"], ["enterprise.id"], name="enterprise_parent_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="enterprise_pkey"),
    )
    op.create_index(
        "enterprise_i1_1",
        "enterprise",
        ["realm", "uscc"],
        unique=True,
        sqlite_where=sa.text("auth_state = 'AUTHENTICATED'"),
        postgresql_where=sa.text("auth_state = 'AUTHENTICATED'"),
    )
    op.create_index("enterprise_parent_id_idx", "enterprise", ["parent_id"], unique=False)
    op.create_table(
        "fact_activity",
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", TEXT, nullable=False),
        sa.Column("topic_id", TEXT, nullable=False),
        sa.Column("subject_id", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("revision", "ordinal", name="fact_activity_pkey"),
    )
    op.create_index("fact_activity_tenant_id_idx", "fact_activity", ["tenant_id", "revision", "ordinal"], unique=False)
    op.create_index("fact_activity_topic_id_idx", "fact_activity", ["topic_id", "revision", "ordinal"], unique=False)
    op.create_table(
        "fact_change",
        sa.Column("revision", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("caller", TEXT, nullable=False),
        sa.Column("request_id", TEXT, nullable=False),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("revision", name="fact_change_pkey"),
    )
    op.create_table(
        "fact_event",
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("revision", "ordinal", name="fact_event_pkey"),
    )
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
        "fact_operation",
        sa.Column("caller", TEXT, nullable=False),
        sa.Column("request_id", TEXT, nullable=False),
        sa.Column("operation_id", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("assertion", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("caller", "request_id", name="fact_operation_pkey"),
        sa.UniqueConstraint("operation_id", name="fact_operation_operation_id_key"),
    )
    op.create_index("fact_operation_assertion_idx", "fact_operation", ["assertion"], unique=True)
    op.create_table(
        "fact_request",
        sa.Column("caller", TEXT, nullable=False),
        sa.Column("request_id", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("caller", "request_id", name="fact_request_pkey"),
    )
    op.create_table(
        "person",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("realm", TEXT, nullable=False),
        sa.Column("realname_state", TEXT, nullable=False),
        sa.Column("account_state", TEXT, nullable=False),
        sa.Column("id_type", TEXT, nullable=False),
        sa.Column("id_hash", TEXT, nullable=False),
        sa.Column("id_last4", TEXT, nullable=False),
        sa.Column("real_name", TEXT, nullable=False),
        sa.Column("phone", TEXT, nullable=False),
        sa.Column("phone_bound_at", sa.BigInteger(), nullable=False),
        sa.Column("last_active_at", sa.BigInteger(), nullable=False),
        sa.Column("same_as_id", TEXT, nullable=True),
        sa.Column("phone_hash", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("account_state IN ('ACTIVE', 'LOCKED', 'CLOSED')", name="person_account_state_words"),
        sa.CheckConstraint("id_type IN ('RESIDENT_ID', 'PASSPORT', 'OTHER')", name="person_id_type_words"),
        sa.CheckConstraint("realname_state <> 'VERIFIED' OR id_hash <> ''", name="person_i5_2"),
        sa.CheckConstraint(
            "realname_state IN ('UNVERIFIED', 'VERIFIED', 'REVOKED')", name="person_realname_state_words"
        ),
        sa.CheckConstraint(
            "same_as_id IS NULL OR (realname_state <> 'VERIFIED' AND same_as_id <> id)", name="person_i5_3"
        ),
        sa.ForeignKeyConstraint(["same_as_id"], ["person.id"], name="person_same_as_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="person_pkey"),
    )
    op.create_index(
        "person_i5_1",
        "person",
        ["realm", "id_type", "id_hash"],
        unique=True,
        sqlite_where=sa.text("realname_state = 'VERIFIED' OR (same_as_id IS NOT NULL AND id_hash <> '')"),
        postgresql_where=sa.text("realname_state = 'VERIFIED' OR (same_as_id IS NOT NULL AND id_hash <> '')"),
    )
    op.create_index("person_same_as_id_idx", "person", ["same_as_id"], unique=False)
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
    op.create_table(
        "policy_shadow",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("version", TEXT, nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("cpu_share", sa.Float(), nullable=False),
        sa.Column("caller", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="policy_shadow_pkey"),
    )
    op.create_table(
        "policy_shadow_report",
        sa.Column("shadow", TEXT, nullable=False),
        sa.Column("told_by", TEXT, nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("shadow", "told_by", name="policy_shadow_report_pkey"),
    )
    op.create_table(
        "store_identity",
        sa.Column("store_id", TEXT, nullable=False),
        sa.Column("timeline_id", TEXT, nullable=False),
        sa.Column("origin", TEXT, nullable=True),
        sa.Column("serves_from", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("store_id", name="store_identity_pkey"),
    )
    op.create_table(
        "approval_process",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("enterprise_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('ENABLED', 'DISABLED')", name="approval_process_state_words"),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="approval_process_enterprise_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="approval_process_pkey"),
    )
    op.create_index("approval_process_enterprise_id_idx", "approval_process", ["enterprise_id"], unique=False)
    op.create_table(
        "certificate",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("enterprise_id", TEXT, nullable=False),
        sa.Column("issuer", TEXT, nullable=False),
        sa.Column("serial", TEXT, nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("not_after", sa.BigInteger(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('ACTIVE', 'SUSPENDED', 'REVOKED', 'EXPIRED')", name="certificate_state_words"),
        sa.CheckConstraint("not_before < not_after", name="certificate_u_11_2"),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="certificate_enterprise_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="certificate_pkey"),
    )
    op.create_index("certificate_enterprise_id_idx", "certificate", ["enterprise_id"], unique=False)
    op.create_index("certificate_u_11_1", "certificate", ["issuer", "serial"], unique=True)
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
        "fact_change_unit",
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["revision"], ["fact_change.revision"], name="fact_change_unit_revision_fkey"),
        sa.PrimaryKeyConstraint("revision", "kind", "id", name="fact_change_unit_pkey"),
    )
    op.create_index("fact_change_unit_unit_idx", "fact_change_unit", ["kind", "id", "revision"], unique=False)
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
        "holiday",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("enterprise_id", TEXT, nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("weekday", sa.BigInteger(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("(kind = 'WORKDAY') = (weekday IS NOT NULL)", name="holiday_a_06_3"),
        sa.CheckConstraint("kind IN ('HOLIDAY', 'WORKDAY')", name="holiday_kind_words"),
        sa.CheckConstraint("day >= 0", name="holiday_u_08_2"),
        sa.CheckConstraint("weekday IS NULL OR (weekday >= 1 AND weekday <= 7)", name="holiday_a_06_4"),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="holiday_enterprise_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="holiday_pkey"),
    )
    op.create_index("holiday_enterprise_id_idx", "holiday", ["enterprise_id"], unique=False)
    op.create_index("holiday_u_08_1", "holiday", ["enterprise_id", "day"], unique=True)
    op.create_table(
        "identity_verification",
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
        sa.CheckConstraint(
            "method IN ('FACE', 'SMS', 'PASSWORD', 'MOBILE3', 'BANK4')", name="identity_verification_method_words"
        ),
        sa.CheckConstraint(
            "purpose IN ('LOGIN', 'JOIN', 'SIGN', 'SEAL_GRANT', 'SEAL_MANAGE', 'APPROVE', 'RETRIEVE', 'ADMIN_CHANGE')",
            name="identity_verification_purpose_words",
        ),
        sa.CheckConstraint("state <> 'CONSUMED' OR consumed_at > 0", name="identity_verification_i12_2"),
        sa.CheckConstraint(
            "state IN ('STARTED', 'PASSED', 'CONSUMED', 'FAILED', 'EXPIRED')", name="identity_verification_state_words"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="identity_verification_person_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="identity_verification_pkey"),
    )
    op.create_index("identity_verification_i12_1", "identity_verification", ["provider_ref"], unique=True)
    op.create_index("identity_verification_person_id_idx", "identity_verification", ["person_id"], unique=False)
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
        "platform_staff",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("person_id", TEXT, nullable=False),
        sa.Column("duty", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("duty IN ('REVIEWER', 'SUPPORT', 'RISK')", name="platform_staff_duty_words"),
        sa.CheckConstraint("state IN ('ACTIVE', 'ENDED')", name="platform_staff_state_words"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="platform_staff_person_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="platform_staff_pkey"),
    )
    op.create_index("platform_staff_person_id_idx", "platform_staff", ["person_id"], unique=False)
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
        "registry_snapshot",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("enterprise_id", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("fetched_at", sa.BigInteger(), nullable=False),
        sa.Column("legal_rep_id", TEXT, nullable=True),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("registered_name", TEXT, nullable=False),
        sa.Column("is_matched", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "status IN ('EXISTING', 'REVOKED', 'CANCELLED', 'ABNORMAL', 'LIQUIDATION', 'BANKRUPTCY')",
            name="registry_snapshot_status_words",
        ),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="registry_snapshot_enterprise_id_fkey"),
        sa.ForeignKeyConstraint(["legal_rep_id"], ["person.id"], name="registry_snapshot_legal_rep_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="registry_snapshot_pkey"),
    )
    op.create_index("registry_snapshot_enterprise_id_idx", "registry_snapshot", ["enterprise_id"], unique=False)
    op.create_index("registry_snapshot_legal_rep_id_idx", "registry_snapshot", ["legal_rep_id"], unique=False)
    op.create_index(
        "registry_snapshot_r_05_1",
        "registry_snapshot",
        ["enterprise_id"],
        unique=True,
        sqlite_where=sa.text("is_current"),
        postgresql_where=sa.text("is_current"),
    )
    op.create_table(
        "retrieval_case",
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
        sa.Column("appealed_at", sa.BigInteger(), nullable=False),
        sa.Column("claimed_until", sa.BigInteger(), nullable=False),
        sa.Column("in_charge_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("path IN ('LEGAL_REP_ONLINE', 'DOCUMENTS')", name="retrieval_case_path_words"),
        sa.CheckConstraint(
            "reason IN ('ADMIN_RESIGNED', 'ADMIN_UNREACHABLE', 'ADMIN_DECEASED', 'ADMIN_DISPUTE', 'ACCOUNT_TAKEN')",
            name="retrieval_case_reason_words",
        ),
        sa.CheckConstraint("state <> 'CLAIMED' OR claimed_until > 0", name="retrieval_case_r_07_3"),
        sa.CheckConstraint(
            "state IN ('DRAFT', 'CERTIFYING', 'IN_REVIEW', 'NOTICE', 'OBJECTED', 'APPROVED', 'REJECTED', 'REJECTED_FINAL', 'RESOLVED_BY_ADMIN', 'WITHDRAWN', 'EXPIRED', 'EXECUTED', 'UNDER_APPEAL', 'REVERSED', 'SUPERSEDED', 'CLAIMED')",
            name="retrieval_case_state_words",
        ),
        sa.CheckConstraint("attempt >= 1", name="retrieval_case_i6_2"),
        sa.ForeignKeyConstraint(["applicant_id"], ["person.id"], name="retrieval_case_applicant_id_fkey"),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="retrieval_case_enterprise_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="retrieval_case_pkey"),
    )
    op.create_index("retrieval_case_applicant_id_idx", "retrieval_case", ["applicant_id"], unique=False)
    op.create_index("retrieval_case_enterprise_id_idx", "retrieval_case", ["enterprise_id"], unique=False)
    op.create_index(
        "retrieval_case_i6_1",
        "retrieval_case",
        ["enterprise_id"],
        unique=True,
        sqlite_where=sa.text(
            "state IN ('DRAFT', 'CLAIMED', 'CERTIFYING', 'IN_REVIEW', 'NOTICE', 'OBJECTED', 'APPROVED', 'REJECTED')"
        ),
        postgresql_where=sa.text(
            "state IN ('DRAFT', 'CLAIMED', 'CERTIFYING', 'IN_REVIEW', 'NOTICE', 'OBJECTED', 'APPROVED', 'REJECTED')"
        ),
    )
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
        sa.CheckConstraint(
            "rule_kind IN ('AMOUNT_BANDS', 'WORKING_HOURS', 'HOLIDAYS', 'PROCESSES', 'CATEGORIES', 'SETTINGS')",
            name="rule_change_rule_kind_words",
        ),
        sa.CheckConstraint(
            "state IN ('PROPOSED', 'CONFIRMED', 'CARRIED_OUT', 'WITHDRAWN')", name="rule_change_state_words"
        ),
        sa.CheckConstraint("(confirmed_by_id IS NULL) = (confirmed_at = 0)", name="rule_change_a_06_3"),
        sa.CheckConstraint("confirmed_by_id IS NULL OR confirmed_by_id <> proposed_by_id", name="rule_change_a_06_4"),
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
    op.create_table(
        "working_hours",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("enterprise_id", TEXT, nullable=False),
        sa.Column("weekday", sa.BigInteger(), nullable=False),
        sa.Column("from_minute", sa.BigInteger(), nullable=False),
        sa.Column("to_minute", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "from_minute >= 0 AND from_minute < to_minute AND to_minute <= 1440", name="working_hours_u_08_3"
        ),
        sa.CheckConstraint("weekday >= 1 AND weekday <= 7", name="working_hours_u_08_2"),
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
    op.create_table(
        "enterprise_authentication",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("enterprise_id", TEXT, nullable=False),
        sa.Column("applicant_id", TEXT, nullable=False),
        sa.Column("method", TEXT, nullable=False),
        sa.Column("submitted_at", sa.BigInteger(), nullable=False),
        sa.Column("purpose", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("case_id", TEXT, nullable=True),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", TEXT, nullable=True),
        sa.Column("reviewer_id", TEXT, nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("(purpose = 'RETRIEVAL') = (case_id IS NOT NULL)", name="enterprise_authentication_r_05_1"),
        sa.CheckConstraint(
            "method IN ('LEGAL_REP_ONLINE', 'AUTH_LETTER', 'BANK_TRANSFER', 'DOCUMENTS')",
            name="enterprise_authentication_method_words",
        ),
        sa.CheckConstraint(
            "purpose IN ('FIRST', 'RETRIEVAL', 'INFO_CHANGE')", name="enterprise_authentication_purpose_words"
        ),
        sa.CheckConstraint(
            "state IN ('SUBMITTED', 'IN_REVIEW', 'PASSED', 'REJECTED', 'EXPIRED')",
            name="enterprise_authentication_state_words",
        ),
        sa.CheckConstraint("owner_id IS NULL OR reviewer_id IS NOT NULL", name="enterprise_authentication_a_03_2"),
        sa.CheckConstraint(
            "reviewer_id IS NULL OR (reviewer_id <> applicant_id AND (owner_id IS NULL OR reviewer_id <> owner_id))",
            name="enterprise_authentication_a_03_3",
        ),
        sa.ForeignKeyConstraint(["applicant_id"], ["person.id"], name="enterprise_authentication_applicant_id_fkey"),
        sa.ForeignKeyConstraint(["case_id"], ["retrieval_case.id"], name="enterprise_authentication_case_id_fkey"),
        sa.ForeignKeyConstraint(
            ["enterprise_id"], ["enterprise.id"], name="enterprise_authentication_enterprise_id_fkey"
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["person.id"], name="enterprise_authentication_owner_id_fkey"),
        sa.ForeignKeyConstraint(["reviewer_id"], ["person.id"], name="enterprise_authentication_reviewer_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="enterprise_authentication_pkey"),
    )
    op.create_index(
        "enterprise_authentication_applicant_id_idx", "enterprise_authentication", ["applicant_id"], unique=False
    )
    op.create_index("enterprise_authentication_case_id_idx", "enterprise_authentication", ["case_id"], unique=False)
    op.create_index(
        "enterprise_authentication_enterprise_id_idx", "enterprise_authentication", ["enterprise_id"], unique=False
    )
    op.create_index("enterprise_authentication_owner_id_idx", "enterprise_authentication", ["owner_id"], unique=False)
    op.create_index(
        "enterprise_authentication_reviewer_id_idx", "enterprise_authentication", ["reviewer_id"], unique=False
    )
    op.create_table(
        "membership",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("person_id", TEXT, nullable=False),
        sa.Column("enterprise_id", TEXT, nullable=False),
        sa.Column("joined_via", TEXT, nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("end_reason", TEXT, nullable=True),
        sa.Column("department_id", TEXT, nullable=True),
        sa.Column("suspended_for", TEXT, nullable=True),
        sa.Column("suspended_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "end_reason IN ('RESIGNED', 'REMOVED', 'ENTERPRISE_CLOSED')", name="membership_end_reason_words"
        ),
        sa.CheckConstraint(
            "joined_via IN ('AUTHENTICATOR', 'INVITE', 'APPLICATION', 'IMPORT', 'RETRIEVAL')",
            name="membership_joined_via_words",
        ),
        sa.CheckConstraint("state <> 'ENDED' OR end_reason IS NOT NULL", name="membership_i3_2"),
        sa.CheckConstraint("state IN ('ACTIVE', 'SUSPENDED', 'ENDED')", name="membership_state_words"),
        sa.CheckConstraint("suspended_for IN ('SUSPICION', 'ABSENCE')", name="membership_suspended_for_words"),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name="membership_department_id_fkey"),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="membership_enterprise_id_fkey"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="membership_person_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="membership_pkey"),
    )
    op.create_index("membership_department_id_idx", "membership", ["department_id"], unique=False)
    op.create_index("membership_enterprise_id_idx", "membership", ["enterprise_id"], unique=False)
    op.create_index(
        "membership_i3_1",
        "membership",
        ["person_id", "enterprise_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('ACTIVE', 'SUSPENDED')"),
        postgresql_where=sa.text("state IN ('ACTIVE', 'SUSPENDED')"),
    )
    op.create_index("membership_person_id_idx", "membership", ["person_id"], unique=False)
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
        "objection",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("case_id", TEXT, nullable=False),
        sa.Column("person_id", TEXT, nullable=False),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("ground", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('OPEN', 'UPHELD', 'DISMISSED')", name="objection_state_words"),
        sa.ForeignKeyConstraint(["case_id"], ["retrieval_case.id"], name="objection_case_id_fkey"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="objection_person_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="objection_pkey"),
    )
    op.create_index("objection_case_id_idx", "objection", ["case_id"], unique=False)
    op.create_index("objection_person_id_idx", "objection", ["person_id"], unique=False)
    op.create_table(
        "process_step",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("process_id", TEXT, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("mode", TEXT, nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_to", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("mode IN ('ANY', 'ALL')", name="process_step_mode_words"),
        sa.CheckConstraint("position >= 1", name="process_step_u_04_1"),
        sa.CheckConstraint("valid_from < valid_to", name="process_step_u_04_2"),
        sa.ForeignKeyConstraint(["process_id"], ["approval_process.id"], name="process_step_process_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="process_step_pkey"),
    )
    op.create_index("process_step_process_id_idx", "process_step", ["process_id"], unique=False)
    op.create_table(
        "retrieval_appeal",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("case_id", TEXT, nullable=False),
        sa.Column("person_id", TEXT, nullable=False),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("decided_by_id", TEXT, nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(state = 'OPEN') = (decided_at = 0) AND (decided_at = 0) = (decided_by_id IS NULL)",
            name="retrieval_appeal_r_13_2",
        ),
        sa.CheckConstraint("state IN ('OPEN', 'UPHELD', 'DISMISSED')", name="retrieval_appeal_state_words"),
        sa.ForeignKeyConstraint(["case_id"], ["retrieval_case.id"], name="retrieval_appeal_case_id_fkey"),
        sa.ForeignKeyConstraint(["decided_by_id"], ["person.id"], name="retrieval_appeal_decided_by_id_fkey"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="retrieval_appeal_person_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="retrieval_appeal_pkey"),
    )
    op.create_index("retrieval_appeal_case_id_idx", "retrieval_appeal", ["case_id"], unique=False)
    op.create_index("retrieval_appeal_decided_by_id_idx", "retrieval_appeal", ["decided_by_id"], unique=False)
    op.create_index("retrieval_appeal_person_id_idx", "retrieval_appeal", ["person_id"], unique=False)
    op.create_index("retrieval_appeal_r_13_1", "retrieval_appeal", ["case_id", "person_id"], unique=True)
    op.create_table(
        "retrieval_review",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("case_id", TEXT, nullable=False),
        sa.Column("staff_id", TEXT, nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("verdict", TEXT, nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("verdict IN ('PASSED', 'REJECTED')", name="retrieval_review_verdict_words"),
        sa.ForeignKeyConstraint(["case_id"], ["retrieval_case.id"], name="retrieval_review_case_id_fkey"),
        sa.ForeignKeyConstraint(["staff_id"], ["platform_staff.id"], name="retrieval_review_staff_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="retrieval_review_pkey"),
    )
    op.create_index("retrieval_review_case_id_idx", "retrieval_review", ["case_id"], unique=False)
    op.create_index("retrieval_review_r_08_1", "retrieval_review", ["case_id", "attempt", "staff_id"], unique=True)
    op.create_index("retrieval_review_staff_id_idx", "retrieval_review", ["staff_id"], unique=False)
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
    op.create_table(
        "contract",
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
        sa.CheckConstraint("(amount IS NULL) = (currency = '')", name="contract_u_05_2"),
        sa.CheckConstraint(
            "matter IN ('UNSTATED', 'GENERAL', 'FINANCE', 'PERSONNEL', 'GUARANTEE', 'MARRIAGE', 'ADOPTION', 'INHERITANCE', 'PUBLIC_UTILITY_STOP')",
            name="contract_matter_words",
        ),
        sa.CheckConstraint(
            "state IN ('DRAFT', 'FILLING', 'SIGNING', 'COMPLETE', 'REJECTED', 'RECALLED', 'EXPIRED', 'TERMINATING', 'TERMINATED', 'FORCE_FINISHED', 'DELETED')",
            name="contract_state_words",
        ),
        sa.CheckConstraint("amount IS NULL OR amount >= 0", name="contract_u_04_1"),
        sa.ForeignKeyConstraint(["category_id"], ["business_category.id"], name="contract_category_id_fkey"),
        sa.ForeignKeyConstraint(["initiated_by_id"], ["person.id"], name="contract_initiated_by_id_fkey"),
        sa.ForeignKeyConstraint(["initiator_id"], ["enterprise.id"], name="contract_initiator_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="contract_pkey"),
    )
    op.create_index("contract_category_id_idx", "contract", ["category_id"], unique=False)
    op.create_index("contract_initiated_by_id_idx", "contract", ["initiated_by_id"], unique=False)
    op.create_index("contract_initiator_id_idx", "contract", ["initiator_id"], unique=False)
    op.create_table(
        "invitation",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("enterprise_id", TEXT, nullable=False),
        sa.Column("inviter_id", TEXT, nullable=False),
        sa.Column("token_hash", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("target_id", TEXT, nullable=True),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("phone_hash", TEXT, nullable=False),
        sa.Column("contact_digest", TEXT, nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "confirmed_at = 0 OR (phone_hash <> '' AND target_id IS NOT NULL AND confirmed_at >= created_at)",
            name="invitation_a_13_5",
        ),
        sa.CheckConstraint(
            "phone_hash = '' OR (contact_digest <> '' AND expires_at - created_at <= 604800000000)",
            name="invitation_a_13_4",
        ),
        sa.CheckConstraint("state <> 'ACCEPTED' OR phone_hash = '' OR confirmed_at > 0", name="invitation_a_13_6"),
        sa.CheckConstraint(
            "state IN ('OPEN', 'ACCEPTED', 'DECLINED', 'EXPIRED', 'CANCELLED')", name="invitation_state_words"
        ),
        sa.CheckConstraint("target_id IS NOT NULL OR phone_hash <> ''", name="invitation_a_13_3"),
        sa.CheckConstraint(
            "created_at < expires_at AND expires_at - created_at <= 2592000000000", name="invitation_m_06_2"
        ),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="invitation_enterprise_id_fkey"),
        sa.ForeignKeyConstraint(["inviter_id"], ["membership.id"], name="invitation_inviter_id_fkey"),
        sa.ForeignKeyConstraint(["target_id"], ["person.id"], name="invitation_target_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="invitation_pkey"),
    )
    op.create_index("invitation_enterprise_id_idx", "invitation", ["enterprise_id"], unique=False)
    op.create_index("invitation_inviter_id_idx", "invitation", ["inviter_id"], unique=False)
    op.create_index("invitation_m_06_1", "invitation", ["token_hash"], unique=True)
    op.create_index("invitation_target_id_idx", "invitation", ["target_id"], unique=False)
    op.create_table(
        "join_application",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("person_id", TEXT, nullable=False),
        sa.Column("enterprise_id", TEXT, nullable=False),
        sa.Column("applied_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("handler_id", TEXT, nullable=True),
        sa.Column("reminders", sa.BigInteger(), nullable=False),
        sa.Column("last_reminded_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_by_id", TEXT, nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state <> 'APPROVED' OR decided_by_id IS NOT NULL", name="join_application_m_04_5"),
        sa.CheckConstraint("state <> 'REJECTED' OR reason <> ''", name="join_application_m_05_2"),
        sa.CheckConstraint(
            "state IN ('PENDING', 'APPROVED', 'REJECTED', 'WITHDRAWN', 'EXPIRED', 'CANCELLED', 'SUPERSEDED')",
            name="join_application_state_words",
        ),
        sa.CheckConstraint("decided_by_id IS NULL OR decided_by_id <> person_id", name="join_application_i14_3"),
        sa.CheckConstraint("reminders >= 0", name="join_application_m_02_4"),
        sa.ForeignKeyConstraint(["decided_by_id"], ["person.id"], name="join_application_decided_by_id_fkey"),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="join_application_enterprise_id_fkey"),
        sa.ForeignKeyConstraint(["handler_id"], ["membership.id"], name="join_application_handler_id_fkey"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="join_application_person_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="join_application_pkey"),
    )
    op.create_index("join_application_decided_by_id_idx", "join_application", ["decided_by_id"], unique=False)
    op.create_index("join_application_enterprise_id_idx", "join_application", ["enterprise_id"], unique=False)
    op.create_index("join_application_handler_id_idx", "join_application", ["handler_id"], unique=False)
    op.create_index(
        "join_application_i6_1",
        "join_application",
        ["person_id", "enterprise_id"],
        unique=True,
        sqlite_where=sa.text("state = 'PENDING'"),
        postgresql_where=sa.text("state = 'PENDING'"),
    )
    op.create_index("join_application_person_id_idx", "join_application", ["person_id"], unique=False)
    op.create_table(
        "role_assignment",
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
        sa.Column("revoked_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("(role = 'CUSTOM') = (custom_role_id IS NOT NULL)", name="role_assignment_m_07_3"),
        sa.CheckConstraint("revoked_at = 0 OR state = 'REVOKED'", name="role_assignment_i8_4"),
        sa.CheckConstraint(
            "role IN ('SYSTEM_ADMIN', 'SEAL_ADMIN', 'LEGAL_REP', 'CONTRACT_ADMIN', 'SEAL_AUDITOR', 'DEPT_ADMIN', 'CUSTOM')",
            name="role_assignment_role_words",
        ),
        sa.CheckConstraint("state IN ('ACTIVE', 'REVOKED', 'EXPIRED')", name="role_assignment_state_words"),
        sa.CheckConstraint("valid_from < valid_to", name="role_assignment_i7_2"),
        sa.ForeignKeyConstraint(["custom_role_id"], ["custom_role.id"], name="role_assignment_custom_role_id_fkey"),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name="role_assignment_department_id_fkey"),
        sa.ForeignKeyConstraint(["granted_by_id"], ["person.id"], name="role_assignment_granted_by_id_fkey"),
        sa.ForeignKeyConstraint(["membership_id"], ["membership.id"], name="role_assignment_membership_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="role_assignment_pkey"),
    )
    op.create_index("role_assignment_custom_role_id_idx", "role_assignment", ["custom_role_id"], unique=False)
    op.create_index("role_assignment_department_id_idx", "role_assignment", ["department_id"], unique=False)
    op.create_index("role_assignment_granted_by_id_idx", "role_assignment", ["granted_by_id"], unique=False)
    op.create_index(
        "role_assignment_i7_1",
        "role_assignment",
        ["membership_id", "role"],
        unique=True,
        sqlite_where=sa.text("state = 'ACTIVE'"),
        postgresql_where=sa.text("state = 'ACTIVE'"),
    )
    op.create_index("role_assignment_membership_id_idx", "role_assignment", ["membership_id"], unique=False)
    op.create_table(
        "seal",
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
        sa.CheckConstraint(
            "state IN ('DRAFT', 'PENDING_REVIEW', 'REVIEW_REJECTED', 'ACTIVE', 'DISABLED', 'LOST', 'EXPIRED', 'REVOKED', 'COLLECTED', 'DESTROYED')",
            name="seal_state_words",
        ),
        sa.CheckConstraint("acting_custodian_id IS NULL OR acting_from < acting_to", name="seal_s_16_3"),
        sa.ForeignKeyConstraint(["acting_custodian_id"], ["membership.id"], name="seal_acting_custodian_id_fkey"),
        sa.ForeignKeyConstraint(["certificate_id"], ["certificate.id"], name="seal_certificate_id_fkey"),
        sa.ForeignKeyConstraint(["custodian_id"], ["membership.id"], name="seal_custodian_id_fkey"),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name="seal_device_id_fkey"),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="seal_enterprise_id_fkey"),
        sa.ForeignKeyConstraint(["legal_rep_id"], ["person.id"], name="seal_legal_rep_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="seal_pkey"),
    )
    op.create_index("seal_acting_custodian_id_idx", "seal", ["acting_custodian_id"], unique=False)
    op.create_index("seal_certificate_id_idx", "seal", ["certificate_id"], unique=False)
    op.create_index("seal_custodian_id_idx", "seal", ["custodian_id"], unique=False)
    op.create_index("seal_device_id_idx", "seal", ["device_id"], unique=False)
    op.create_index("seal_enterprise_id_idx", "seal", ["enterprise_id"], unique=False)
    op.create_index(
        "seal_i13_1",
        "seal",
        ["enterprise_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'LEGAL_REP' AND state NOT IN ('REVIEW_REJECTED', 'REVOKED', 'DESTROYED')"),
        postgresql_where=sa.text("kind = 'LEGAL_REP' AND state NOT IN ('REVIEW_REJECTED', 'REVOKED', 'DESTROYED')"),
    )
    op.create_index("seal_legal_rep_id_idx", "seal", ["legal_rep_id"], unique=False)
    op.create_table(
        "step_approver",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("step_id", TEXT, nullable=False),
        sa.Column("membership_id", TEXT, nullable=True),
        sa.Column("role", TEXT, nullable=True),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_to", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "role IN ('SYSTEM_ADMIN', 'SEAL_ADMIN', 'LEGAL_REP', 'CONTRACT_ADMIN', 'SEAL_AUDITOR', 'DEPT_ADMIN', 'CUSTOM')",
            name="step_approver_role_words",
        ),
        sa.CheckConstraint("(membership_id IS NULL) <> (role IS NULL)", name="step_approver_u_04_1"),
        sa.CheckConstraint("valid_from < valid_to", name="step_approver_u_04_2"),
        sa.ForeignKeyConstraint(["membership_id"], ["membership.id"], name="step_approver_membership_id_fkey"),
        sa.ForeignKeyConstraint(["step_id"], ["process_step.id"], name="step_approver_step_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="step_approver_pkey"),
    )
    op.create_index("step_approver_membership_id_idx", "step_approver", ["membership_id"], unique=False)
    op.create_index("step_approver_step_id_idx", "step_approver", ["step_id"], unique=False)
    op.create_table(
        "alert",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("enterprise_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("raised_for", TEXT, nullable=False),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.Column("seal_id", TEXT, nullable=True),
        sa.Column("person_id", TEXT, nullable=True),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("acknowledged_by_id", TEXT, nullable=True),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(state = 'ACKNOWLEDGED') = (acknowledged_by_id IS NOT NULL) AND (state = 'ACKNOWLEDGED') = (acknowledged_at > 0)",
            name="alert_w_05_1",
        ),
        sa.CheckConstraint("state IN ('OPEN', 'ACKNOWLEDGED')", name="alert_state_words"),
        sa.ForeignKeyConstraint(["acknowledged_by_id"], ["person.id"], name="alert_acknowledged_by_id_fkey"),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="alert_enterprise_id_fkey"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="alert_person_id_fkey"),
        sa.ForeignKeyConstraint(["seal_id"], ["seal.id"], name="alert_seal_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="alert_pkey"),
    )
    op.create_index("alert_acknowledged_by_id_idx", "alert", ["acknowledged_by_id"], unique=False)
    op.create_index("alert_enterprise_id_idx", "alert", ["enterprise_id"], unique=False)
    op.create_index("alert_person_id_idx", "alert", ["person_id"], unique=False)
    op.create_index("alert_seal_id_idx", "alert", ["seal_id"], unique=False)
    op.create_table(
        "board_resolution",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("enterprise_id", TEXT, nullable=False),
        sa.Column("contract_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("passed_at", sa.BigInteger(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("recorded_by_id", TEXT, nullable=True),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_by_id", TEXT, nullable=True),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=False),
        sa.Column("beneficiary_id", TEXT, nullable=True),
        sa.Column("bound_digest", TEXT, nullable=False),
        sa.Column("amount_max", sa.BigInteger(), nullable=False),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("valid_to", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_max >= 0 AND (amount_max = 0) = (currency = '')", name="board_resolution_a_05_1"),
        sa.CheckConstraint("kind IN ('GUARANTEE', 'SELF_DEALING')", name="board_resolution_kind_words"),
        sa.CheckConstraint("source IN ('BOARD', 'SHAREHOLDERS', 'LEGAL_REP')", name="board_resolution_source_words"),
        sa.CheckConstraint("state IN ('VALID', 'WITHDRAWN')", name="board_resolution_state_words"),
        sa.CheckConstraint("(confirmed_by_id IS NULL) = (confirmed_at = 0)", name="board_resolution_a_05_2"),
        sa.CheckConstraint(
            "confirmed_by_id IS NULL OR confirmed_by_id <> recorded_by_id", name="board_resolution_a_05_3"
        ),
        sa.ForeignKeyConstraint(["beneficiary_id"], ["person.id"], name="board_resolution_beneficiary_id_fkey"),
        sa.ForeignKeyConstraint(["confirmed_by_id"], ["person.id"], name="board_resolution_confirmed_by_id_fkey"),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name="board_resolution_contract_id_fkey"),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="board_resolution_enterprise_id_fkey"),
        sa.ForeignKeyConstraint(["recorded_by_id"], ["person.id"], name="board_resolution_recorded_by_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="board_resolution_pkey"),
    )
    op.create_index("board_resolution_beneficiary_id_idx", "board_resolution", ["beneficiary_id"], unique=False)
    op.create_index("board_resolution_confirmed_by_id_idx", "board_resolution", ["confirmed_by_id"], unique=False)
    op.create_index("board_resolution_contract_id_idx", "board_resolution", ["contract_id"], unique=False)
    op.create_index("board_resolution_enterprise_id_idx", "board_resolution", ["enterprise_id"], unique=False)
    op.create_index("board_resolution_recorded_by_id_idx", "board_resolution", ["recorded_by_id"], unique=False)
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
    op.create_table(
        "contract_document",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("contract_id", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('INCOMPLETE', 'COMPLETE')", name="contract_document_state_words"),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name="contract_document_contract_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="contract_document_pkey"),
    )
    op.create_index("contract_document_contract_id_idx", "contract_document", ["contract_id"], unique=False)
    op.create_index("contract_document_u_03_1", "contract_document", ["contract_id", "digest"], unique=True)
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
        sa.Column("confirmed_by_id", TEXT, nullable=True),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=False),
        sa.Column("amount_max", sa.BigInteger(), nullable=False),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "amount_max >= 0 AND (amount_max = 9223372036854775807) = (currency = '')",
            name="cross_enterprise_grant_u_05_4",
        ),
        sa.CheckConstraint(
            "confirmation IN ('NONE', 'AUTH_LETTER', 'INTENT')", name="cross_enterprise_grant_confirmation_words"
        ),
        sa.CheckConstraint(
            "invalid_reason IN ('ADMIN_CHANGED', 'GRANTEE_LEFT', 'NOT_SIGNED')",
            name="cross_enterprise_grant_invalid_reason_words",
        ),
        sa.CheckConstraint("scope IN ('ALL_CONTRACTS', 'LISTED_TYPES')", name="cross_enterprise_grant_scope_words"),
        sa.CheckConstraint("state <> 'ACTIVE' OR confirmation = 'AUTH_LETTER'", name="cross_enterprise_grant_u_20_3"),
        sa.CheckConstraint(
            "state IN ('PENDING_CONFIRM', 'PENDING_EFFECT', 'ACTIVE', 'EXHAUSTED', 'EXPIRED', 'REVOKED', 'INVALIDATED')",
            name="cross_enterprise_grant_state_words",
        ),
        sa.CheckConstraint("used >= 0 AND used <= use_limit", name="cross_enterprise_grant_i10_1"),
        sa.CheckConstraint(
            "valid_from < valid_to AND valid_to - valid_from <= 94694400000000", name="cross_enterprise_grant_s_06_2"
        ),
        sa.ForeignKeyConstraint(["confirmed_by_id"], ["person.id"], name="cross_enterprise_grant_confirmed_by_id_fkey"),
        sa.ForeignKeyConstraint(["grantor_id"], ["role_assignment.id"], name="cross_enterprise_grant_grantor_id_fkey"),
        sa.ForeignKeyConstraint(["holder_id"], ["enterprise.id"], name="cross_enterprise_grant_holder_id_fkey"),
        sa.ForeignKeyConstraint(["seal_id"], ["seal.id"], name="cross_enterprise_grant_seal_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="cross_enterprise_grant_pkey"),
    )
    op.create_index(
        "cross_enterprise_grant_confirmed_by_id_idx", "cross_enterprise_grant", ["confirmed_by_id"], unique=False
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
        sa.Column("offered_by_id", TEXT, nullable=True),
        sa.Column("offered_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "power IN ('USE_SEAL', 'PERSONAL_SIGNATURE', 'LEGAL_REP_INTENT')", name="delegation_power_words"
        ),
        sa.CheckConstraint("scope IN ('ALL_CONTRACTS', 'LISTED_TYPES')", name="delegation_scope_words"),
        sa.CheckConstraint("state <> 'ACTIVE' OR power = 'USE_SEAL'", name="delegation_u_19_3"),
        sa.CheckConstraint(
            "state IN ('PENDING_ACCEPT', 'ACTIVE', 'EXPIRED', 'REVOKED', 'LAPSED')", name="delegation_state_words"
        ),
        sa.CheckConstraint("(offered_by_id IS NULL) = (offered_at = 0)", name="delegation_a_02_4"),
        sa.CheckConstraint("principal_id <> delegate_id", name="delegation_u_18_1"),
        sa.CheckConstraint("valid_from < valid_to", name="delegation_u_18_2"),
        sa.ForeignKeyConstraint(["delegate_id"], ["membership.id"], name="delegation_delegate_id_fkey"),
        sa.ForeignKeyConstraint(["offered_by_id"], ["person.id"], name="delegation_offered_by_id_fkey"),
        sa.ForeignKeyConstraint(["principal_id"], ["membership.id"], name="delegation_principal_id_fkey"),
        sa.ForeignKeyConstraint(["seal_id"], ["seal.id"], name="delegation_seal_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="delegation_pkey"),
    )
    op.create_index("delegation_delegate_id_idx", "delegation", ["delegate_id"], unique=False)
    op.create_index("delegation_offered_by_id_idx", "delegation", ["offered_by_id"], unique=False)
    op.create_index("delegation_principal_id_idx", "delegation", ["principal_id"], unique=False)
    op.create_index("delegation_seal_id_idx", "delegation", ["seal_id"], unique=False)
    op.create_table(
        "denied_attempt",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("seal_id", TEXT, nullable=False),
        sa.Column("person_id", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("attempted_at", sa.BigInteger(), nullable=False),
        sa.Column("within_day", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("within_day >= 1", name="denied_attempt_w_05_1"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="denied_attempt_person_id_fkey"),
        sa.ForeignKeyConstraint(["seal_id"], ["seal.id"], name="denied_attempt_seal_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="denied_attempt_pkey"),
    )
    op.create_index("denied_attempt_person_id_idx", "denied_attempt", ["person_id"], unique=False)
    op.create_index("denied_attempt_seal_id_idx", "denied_attempt", ["seal_id"], unique=False)
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
        sa.Column("confirmed_by_id", TEXT, nullable=True),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("confirmation IN ('NONE', 'AUTH_LETTER', 'INTENT')", name="open_grant_confirmation_words"),
        sa.CheckConstraint(
            "invalid_reason IN ('ADMIN_CHANGED', 'GRANTEE_LEFT', 'NOT_SIGNED')", name="open_grant_invalid_reason_words"
        ),
        sa.CheckConstraint("state <> 'ACTIVE' OR confirmation <> 'NONE'", name="open_grant_s_06_3"),
        sa.CheckConstraint(
            "state IN ('PENDING_CONFIRM', 'PENDING_EFFECT', 'ACTIVE', 'EXHAUSTED', 'EXPIRED', 'REVOKED', 'INVALIDATED')",
            name="open_grant_state_words",
        ),
        sa.CheckConstraint("used >= 0 AND used <= use_limit", name="open_grant_i10_1"),
        sa.CheckConstraint(
            "valid_from < valid_to AND valid_to - valid_from <= 94694400000000", name="open_grant_s_06_2"
        ),
        sa.ForeignKeyConstraint(["confirmed_by_id"], ["person.id"], name="open_grant_confirmed_by_id_fkey"),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name="open_grant_department_id_fkey"),
        sa.ForeignKeyConstraint(["grantor_id"], ["role_assignment.id"], name="open_grant_grantor_id_fkey"),
        sa.ForeignKeyConstraint(["seal_id"], ["seal.id"], name="open_grant_seal_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="open_grant_pkey"),
    )
    op.create_index("open_grant_confirmed_by_id_idx", "open_grant", ["confirmed_by_id"], unique=False)
    op.create_index("open_grant_department_id_idx", "open_grant", ["department_id"], unique=False)
    op.create_index("open_grant_grantor_id_idx", "open_grant", ["grantor_id"], unique=False)
    op.create_index("open_grant_seal_id_idx", "open_grant", ["seal_id"], unique=False)
    op.create_table(
        "seal_grant",
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
        sa.Column("confirmed_by_id", TEXT, nullable=True),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=False),
        sa.Column("adopts_id", TEXT, nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "amount_max >= 0 AND (amount_max = 9223372036854775807) = (currency = '')", name="seal_grant_u_05_5"
        ),
        sa.CheckConstraint("confirmation IN ('NONE', 'AUTH_LETTER', 'INTENT')", name="seal_grant_confirmation_words"),
        sa.CheckConstraint(
            "invalid_reason IN ('ADMIN_CHANGED', 'GRANTEE_LEFT', 'NOT_SIGNED')", name="seal_grant_invalid_reason_words"
        ),
        sa.CheckConstraint("scope IN ('ALL_CONTRACTS', 'LISTED_TYPES')", name="seal_grant_scope_words"),
        sa.CheckConstraint("state <> 'ACTIVE' OR confirmation <> 'NONE'", name="seal_grant_s_06_4"),
        sa.CheckConstraint(
            "state IN ('PENDING_CONFIRM', 'PENDING_EFFECT', 'ACTIVE', 'EXHAUSTED', 'EXPIRED', 'REVOKED', 'INVALIDATED')",
            name="seal_grant_state_words",
        ),
        sa.CheckConstraint("term = 'LONG_TERM' OR valid_to - valid_from <= 94694400000000", name="seal_grant_s_06_3"),
        sa.CheckConstraint("term IN ('FIXED', 'LONG_TERM')", name="seal_grant_term_words"),
        sa.CheckConstraint(
            "\"right\" IN ('USE', 'APPROVE', 'MANAGE', 'AUDIT', 'AUTO_SIGN', 'EMERGENCY')",
            name="seal_grant_right_words",
        ),
        sa.CheckConstraint("adopts_id IS NULL OR (parent_id IS NULL AND adopts_id <> id)", name="seal_grant_a_11_7"),
        sa.CheckConstraint("parent_id IS NULL OR may_subgrant = FALSE", name="seal_grant_s_09_6"),
        sa.CheckConstraint("used >= 0 AND used <= use_limit", name="seal_grant_i10_1"),
        sa.CheckConstraint("valid_from < valid_to", name="seal_grant_s_06_2"),
        sa.ForeignKeyConstraint(["adopts_id"], ["seal_grant.id"], name="seal_grant_adopts_id_fkey"),
        sa.ForeignKeyConstraint(["confirmed_by_id"], ["person.id"], name="seal_grant_confirmed_by_id_fkey"),
        sa.ForeignKeyConstraint(["grantor_id"], ["role_assignment.id"], name="seal_grant_grantor_id_fkey"),
        sa.ForeignKeyConstraint(["membership_id"], ["membership.id"], name="seal_grant_membership_id_fkey"),
        sa.ForeignKeyConstraint(["parent_id"], ["seal_grant.id"], name="seal_grant_parent_id_fkey"),
        sa.ForeignKeyConstraint(["seal_id"], ["seal.id"], name="seal_grant_seal_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="seal_grant_pkey"),
    )
    op.create_index(
        "seal_grant_a_11_8",
        "seal_grant",
        ["adopts_id"],
        unique=True,
        sqlite_where=sa.text(
            "adopts_id IS NOT NULL AND state IN ('PENDING_CONFIRM', 'PENDING_EFFECT', 'ACTIVE', 'EXHAUSTED')"
        ),
        postgresql_where=sa.text(
            "adopts_id IS NOT NULL AND state IN ('PENDING_CONFIRM', 'PENDING_EFFECT', 'ACTIVE', 'EXHAUSTED')"
        ),
    )
    op.create_index("seal_grant_adopts_id_idx", "seal_grant", ["adopts_id"], unique=False)
    op.create_index("seal_grant_confirmed_by_id_idx", "seal_grant", ["confirmed_by_id"], unique=False)
    op.create_index("seal_grant_grantor_id_idx", "seal_grant", ["grantor_id"], unique=False)
    op.create_index("seal_grant_membership_id_idx", "seal_grant", ["membership_id"], unique=False)
    op.create_index("seal_grant_parent_id_idx", "seal_grant", ["parent_id"], unique=False)
    op.create_index("seal_grant_seal_id_idx", "seal_grant", ["seal_id"], unique=False)
    op.create_table(
        "seal_hold",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("seal_id", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("placed_at", sa.BigInteger(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("placed_by_id", TEXT, nullable=True),
        sa.Column("lift_proposed_by_id", TEXT, nullable=True),
        sa.Column("lift_proposed_at", sa.BigInteger(), nullable=False),
        sa.Column("reference", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "source IN ('ADMIN', 'RETRIEVAL', 'PLATFORM', 'JUDICIAL', 'LOSS')", name="seal_hold_source_words"
        ),
        sa.CheckConstraint("state IN ('PLACED', 'RELEASED')", name="seal_hold_state_words"),
        sa.CheckConstraint("(lift_proposed_by_id IS NULL) = (lift_proposed_at = 0)", name="seal_hold_s_13_1"),
        sa.ForeignKeyConstraint(["lift_proposed_by_id"], ["person.id"], name="seal_hold_lift_proposed_by_id_fkey"),
        sa.ForeignKeyConstraint(["placed_by_id"], ["person.id"], name="seal_hold_placed_by_id_fkey"),
        sa.ForeignKeyConstraint(["seal_id"], ["seal.id"], name="seal_hold_seal_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="seal_hold_pkey"),
    )
    op.create_index("seal_hold_lift_proposed_by_id_idx", "seal_hold", ["lift_proposed_by_id"], unique=False)
    op.create_index("seal_hold_placed_by_id_idx", "seal_hold", ["placed_by_id"], unique=False)
    op.create_index("seal_hold_seal_id_idx", "seal_hold", ["seal_id"], unique=False)
    op.create_table(
        "seal_outing",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("seal_id", TEXT, nullable=False),
        sa.Column("holder_id", TEXT, nullable=False),
        sa.Column("out_from", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("returned_at", sa.BigInteger(), nullable=False),
        sa.Column("received_by_id", TEXT, nullable=True),
        sa.Column("alerted_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(state = 'RETURNED') = (received_by_id IS NOT NULL) AND (state = 'RETURNED') = (returned_at > 0)",
            name="seal_outing_a_09_3",
        ),
        sa.CheckConstraint("state IN ('OUT', 'RETURNED', 'LOST')", name="seal_outing_state_words"),
        sa.CheckConstraint("out_from < due_at", name="seal_outing_a_09_2"),
        sa.CheckConstraint("returned_at = 0 OR out_from <= returned_at", name="seal_outing_a_09_4"),
        sa.ForeignKeyConstraint(["holder_id"], ["membership.id"], name="seal_outing_holder_id_fkey"),
        sa.ForeignKeyConstraint(["received_by_id"], ["membership.id"], name="seal_outing_received_by_id_fkey"),
        sa.ForeignKeyConstraint(["seal_id"], ["seal.id"], name="seal_outing_seal_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="seal_outing_pkey"),
    )
    op.create_index(
        "seal_outing_a_09_1",
        "seal_outing",
        ["seal_id"],
        unique=True,
        sqlite_where=sa.text("state = 'OUT'"),
        postgresql_where=sa.text("state = 'OUT'"),
    )
    op.create_index("seal_outing_holder_id_idx", "seal_outing", ["holder_id"], unique=False)
    op.create_index("seal_outing_received_by_id_idx", "seal_outing", ["received_by_id"], unique=False)
    op.create_index("seal_outing_seal_id_idx", "seal_outing", ["seal_id"], unique=False)
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
        sa.Column("examiner_id", TEXT, nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state = 'IN_REVIEW' OR (decided_by_id IS NULL) <> (examiner_id IS NULL)",
            name="seal_review_s_02_2",
        ),
        sa.CheckConstraint("state IN ('IN_REVIEW', 'PASSED', 'REJECTED')", name="seal_review_state_words"),
        sa.ForeignKeyConstraint(["decided_by_id"], ["membership.id"], name="seal_review_decided_by_id_fkey"),
        sa.ForeignKeyConstraint(["examiner_id"], ["person.id"], name="seal_review_examiner_id_fkey"),
        sa.ForeignKeyConstraint(["seal_id"], ["seal.id"], name="seal_review_seal_id_fkey"),
        sa.ForeignKeyConstraint(["submitted_by_id"], ["membership.id"], name="seal_review_submitted_by_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="seal_review_pkey"),
    )
    op.create_index("seal_review_decided_by_id_idx", "seal_review", ["decided_by_id"], unique=False)
    op.create_index("seal_review_examiner_id_idx", "seal_review", ["examiner_id"], unique=False)
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
    op.create_table(
        "seal_use_request",
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
        sa.CheckConstraint(
            "state IN ('DRAFT', 'IN_APPROVAL', 'APPROVED', 'IN_USE', 'COMPLETED', 'FINISHED', 'REJECTED', 'WITHDRAWN', 'EXPIRED', 'VOIDED')",
            name="seal_use_request_state_words",
        ),
        sa.CheckConstraint("photos_owed >= 0", name="seal_use_request_u_23_3"),
        sa.CheckConstraint("uses >= 1 AND used >= 0 AND used <= uses", name="seal_use_request_i10_2"),
        sa.CheckConstraint("valid_from < valid_to", name="seal_use_request_u_03_1"),
        sa.ForeignKeyConstraint(["applicant_id"], ["membership.id"], name="seal_use_request_applicant_id_fkey"),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name="seal_use_request_contract_id_fkey"),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name="seal_use_request_device_id_fkey"),
        sa.ForeignKeyConstraint(["process_id"], ["approval_process.id"], name="seal_use_request_process_id_fkey"),
        sa.ForeignKeyConstraint(["seal_id"], ["seal.id"], name="seal_use_request_seal_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="seal_use_request_pkey"),
    )
    op.create_index("seal_use_request_applicant_id_idx", "seal_use_request", ["applicant_id"], unique=False)
    op.create_index("seal_use_request_contract_id_idx", "seal_use_request", ["contract_id"], unique=False)
    op.create_index("seal_use_request_device_id_idx", "seal_use_request", ["device_id"], unique=False)
    op.create_index("seal_use_request_process_id_idx", "seal_use_request", ["process_id"], unique=False)
    op.create_index("seal_use_request_seal_id_idx", "seal_use_request", ["seal_id"], unique=False)
    op.create_table(
        "signatory",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("contract_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("person_id", TEXT, nullable=True),
        sa.Column("enterprise_id", TEXT, nullable=True),
        sa.Column("category_id", TEXT, nullable=True),
        sa.Column("needs_review", sa.Boolean(), nullable=False),
        sa.Column("matter", TEXT, nullable=False),
        sa.Column("is_monetary", sa.Boolean(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("guarantor_for_id", TEXT, nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("(amount IS NULL) = (currency = '')", name="signatory_u_05_3"),
        sa.CheckConstraint(
            "(kind = 'PERSON' AND person_id IS NOT NULL AND enterprise_id IS NULL) OR (kind = 'ENTERPRISE' AND enterprise_id IS NOT NULL AND person_id IS NULL)",
            name="signatory_c_02_1",
        ),
        sa.CheckConstraint("guarantor_for_id IS NULL OR kind = 'PERSON'", name="signatory_a_05_4"),
        sa.CheckConstraint("kind IN ('PERSON', 'ENTERPRISE')", name="signatory_kind_words"),
        sa.CheckConstraint(
            "matter IN ('UNSTATED', 'GENERAL', 'FINANCE', 'PERSONNEL', 'GUARANTEE', 'MARRIAGE', 'ADOPTION', 'INHERITANCE', 'PUBLIC_UTILITY_STOP')",
            name="signatory_matter_words",
        ),
        sa.CheckConstraint("amount IS NULL OR amount >= 0", name="signatory_u_04_2"),
        sa.ForeignKeyConstraint(["category_id"], ["business_category.id"], name="signatory_category_id_fkey"),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name="signatory_contract_id_fkey"),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="signatory_enterprise_id_fkey"),
        sa.ForeignKeyConstraint(["guarantor_for_id"], ["enterprise.id"], name="signatory_guarantor_for_id_fkey"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="signatory_person_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="signatory_pkey"),
    )
    op.create_index("signatory_category_id_idx", "signatory", ["category_id"], unique=False)
    op.create_index("signatory_contract_id_idx", "signatory", ["contract_id"], unique=False)
    op.create_index("signatory_enterprise_id_idx", "signatory", ["enterprise_id"], unique=False)
    op.create_index("signatory_guarantor_for_id_idx", "signatory", ["guarantor_for_id"], unique=False)
    op.create_index("signatory_person_id_idx", "signatory", ["person_id"], unique=False)
    op.create_table(
        "approval",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("request_id", TEXT, nullable=False),
        sa.Column("approver_id", TEXT, nullable=False),
        sa.Column("verdict", TEXT, nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("step_id", TEXT, nullable=True),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("verdict IN ('PASSED', 'REJECTED')", name="approval_verdict_words"),
        sa.CheckConstraint("step >= 1", name="approval_u_03_2"),
        sa.ForeignKeyConstraint(["approver_id"], ["membership.id"], name="approval_approver_id_fkey"),
        sa.ForeignKeyConstraint(["request_id"], ["seal_use_request.id"], name="approval_request_id_fkey"),
        sa.ForeignKeyConstraint(["step_id"], ["process_step.id"], name="approval_step_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="approval_pkey"),
    )
    op.create_index("approval_approver_id_idx", "approval", ["approver_id"], unique=False)
    op.create_index("approval_i14_1", "approval", ["request_id", "step", "approver_id"], unique=True)
    op.create_index("approval_request_id_idx", "approval", ["request_id"], unique=False)
    op.create_index("approval_step_id_idx", "approval", ["step_id"], unique=False)
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
        sa.CheckConstraint("digest <> ''", name="auth_letter_a_02_2"),
        sa.CheckConstraint(
            "state IN ('DELIVERED', 'VERIFIED', 'REJECTED', 'WITHDRAWN')", name="auth_letter_state_words"
        ),
        sa.CheckConstraint(
            "(CASE WHEN seal_grant_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN open_grant_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN cross_grant_id IS NULL THEN 0 ELSE 1 END) = 1",
            name="auth_letter_a_02_1",
        ),
        sa.CheckConstraint("(verified_by_id IS NULL) = (verified_at = 0)", name="auth_letter_a_02_3"),
        sa.CheckConstraint("verified_by_id IS NULL OR verified_by_id <> delivered_by_id", name="auth_letter_a_02_4"),
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
        "grant_contract_type",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("grant_id", TEXT, nullable=False),
        sa.Column("contract_type", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["grant_id"], ["seal_grant.id"], name="grant_contract_type_grant_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="grant_contract_type_pkey"),
    )
    op.create_index("grant_contract_type_grant_id_idx", "grant_contract_type", ["grant_id"], unique=False)
    op.create_index("grant_contract_type_s_06_1", "grant_contract_type", ["grant_id", "contract_type"], unique=True)
    op.create_table(
        "grant_template",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("grant_id", TEXT, nullable=False),
        sa.Column("template_id", TEXT, nullable=False),
        sa.Column("initiator_id", TEXT, nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["grant_id"], ["seal_grant.id"], name="grant_template_grant_id_fkey"),
        sa.ForeignKeyConstraint(["initiator_id"], ["enterprise.id"], name="grant_template_initiator_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="grant_template_pkey"),
    )
    op.create_index("grant_template_grant_id_idx", "grant_template", ["grant_id"], unique=False)
    op.create_index("grant_template_initiator_id_idx", "grant_template", ["initiator_id"], unique=False)
    op.create_index("grant_template_u_22_1", "grant_template", ["grant_id", "template_id"], unique=True)
    op.create_table(
        "holder_assignment",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("grant_id", TEXT, nullable=False),
        sa.Column("membership_id", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("assigned_by_id", TEXT, nullable=True),
        sa.Column("assigned_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('ACTIVE', 'REVOKED')", name="holder_assignment_state_words"),
        sa.CheckConstraint("(assigned_by_id IS NULL) = (assigned_at = 0)", name="holder_assignment_a_02_2"),
        sa.ForeignKeyConstraint(["assigned_by_id"], ["person.id"], name="holder_assignment_assigned_by_id_fkey"),
        sa.ForeignKeyConstraint(["grant_id"], ["cross_enterprise_grant.id"], name="holder_assignment_grant_id_fkey"),
        sa.ForeignKeyConstraint(["membership_id"], ["membership.id"], name="holder_assignment_membership_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="holder_assignment_pkey"),
    )
    op.create_index("holder_assignment_assigned_by_id_idx", "holder_assignment", ["assigned_by_id"], unique=False)
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
        sa.Column("bound_digest", TEXT, nullable=False),
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
        sa.Column("initiator_id", TEXT, nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["grant_id"], ["open_grant.id"], name="open_grant_template_grant_id_fkey"),
        sa.ForeignKeyConstraint(["initiator_id"], ["enterprise.id"], name="open_grant_template_initiator_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="open_grant_template_pkey"),
    )
    op.create_index("open_grant_template_grant_id_idx", "open_grant_template", ["grant_id"], unique=False)
    op.create_index("open_grant_template_initiator_id_idx", "open_grant_template", ["initiator_id"], unique=False)
    op.create_index("open_grant_template_s_08_1", "open_grant_template", ["grant_id", "template_id"], unique=True)
    op.create_table(
        "party_consent",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("signatory_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("given_by_id", TEXT, nullable=False),
        sa.Column("person_id", TEXT, nullable=True),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.Column("bound_digest", TEXT, nullable=False),
        sa.Column("amount_max", sa.BigInteger(), nullable=False),
        sa.Column("currency", TEXT, nullable=False),
        sa.Column("valid_to", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_max >= 0 AND (amount_max = 0) = (currency = '')", name="party_consent_a_05_2"),
        sa.CheckConstraint("kind <> 'DOUBLE_AGENCY' OR person_id IS NOT NULL", name="party_consent_u_14_1"),
        sa.CheckConstraint("kind IN ('DOUBLE_AGENCY', 'TERMINATION')", name="party_consent_kind_words"),
        sa.ForeignKeyConstraint(["given_by_id"], ["person.id"], name="party_consent_given_by_id_fkey"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="party_consent_person_id_fkey"),
        sa.ForeignKeyConstraint(["signatory_id"], ["signatory.id"], name="party_consent_signatory_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="party_consent_pkey"),
    )
    op.create_index("party_consent_given_by_id_idx", "party_consent", ["given_by_id"], unique=False)
    op.create_index("party_consent_person_id_idx", "party_consent", ["person_id"], unique=False)
    op.create_index("party_consent_signatory_id_idx", "party_consent", ["signatory_id"], unique=False)
    op.create_table(
        "request_document",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("request_id", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["seal_use_request.id"], name="request_document_request_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="request_document_pkey"),
    )
    op.create_index("request_document_request_id_idx", "request_document", ["request_id"], unique=False)
    op.create_index("request_document_u_03_1", "request_document", ["request_id", "digest"], unique=True)
    op.create_table(
        "seal_witness",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("proposal_id", TEXT, nullable=False),
        sa.Column("membership_id", TEXT, nullable=False),
        sa.Column("agreed_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["membership_id"], ["membership.id"], name="seal_witness_membership_id_fkey"),
        sa.ForeignKeyConstraint(["proposal_id"], ["seal_proposal.id"], name="seal_witness_proposal_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="seal_witness_pkey"),
    )
    op.create_index("seal_witness_membership_id_idx", "seal_witness", ["membership_id"], unique=False)
    op.create_index("seal_witness_proposal_id_idx", "seal_witness", ["proposal_id"], unique=False)
    op.create_index("seal_witness_s_14_1", "seal_witness", ["proposal_id", "membership_id"], unique=True)
    op.create_table(
        "signing_task",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("signatory_id", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("handler_id", TEXT, nullable=True),
        sa.Column("signed_by_id", TEXT, nullable=True),
        sa.Column("signed_for_id", TEXT, nullable=True),
        sa.Column("refused_by_id", TEXT, nullable=True),
        sa.Column("refused_at", sa.BigInteger(), nullable=False),
        sa.Column("refusal_reason", TEXT, nullable=False),
        sa.Column("signed_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "action IN ('CORPORATE_SEAL', 'LEGAL_REP_SEAL', 'HANDLER_SIGN', 'PERSONAL_SIGN', 'APPROVE', 'FILL')",
            name="signing_task_action_words",
        ),
        sa.CheckConstraint(
            "refused_by_id IS NULL OR (state = 'REJECTED' AND refused_at > 0)", name="signing_task_a_12_2"
        ),
        sa.CheckConstraint(
            "state IN ('WAITING', 'PENDING', 'IN_PROGRESS', 'SIGNED', 'REJECTED', 'TRANSFERRED', 'VOIDED', 'EXPIRED')",
            name="signing_task_state_words",
        ),
        sa.CheckConstraint("position >= 1", name="signing_task_c_01_1"),
        sa.ForeignKeyConstraint(["handler_id"], ["person.id"], name="signing_task_handler_id_fkey"),
        sa.ForeignKeyConstraint(["refused_by_id"], ["person.id"], name="signing_task_refused_by_id_fkey"),
        sa.ForeignKeyConstraint(["signatory_id"], ["signatory.id"], name="signing_task_signatory_id_fkey"),
        sa.ForeignKeyConstraint(["signed_by_id"], ["person.id"], name="signing_task_signed_by_id_fkey"),
        sa.ForeignKeyConstraint(["signed_for_id"], ["person.id"], name="signing_task_signed_for_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="signing_task_pkey"),
    )
    op.create_index("signing_task_handler_id_idx", "signing_task", ["handler_id"], unique=False)
    op.create_index("signing_task_refused_by_id_idx", "signing_task", ["refused_by_id"], unique=False)
    op.create_index("signing_task_signatory_id_idx", "signing_task", ["signatory_id"], unique=False)
    op.create_index("signing_task_signed_by_id_idx", "signing_task", ["signed_by_id"], unique=False)
    op.create_index("signing_task_signed_for_id_idx", "signing_task", ["signed_for_id"], unique=False)
    op.create_table(
        "stamp_report",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("request_id", TEXT, nullable=False),
        sa.Column("device_id", TEXT, nullable=False),
        sa.Column("impressions", sa.BigInteger(), nullable=False),
        sa.Column("reported_at", sa.BigInteger(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('REPORTED', 'COMPARED')", name="stamp_report_state_words"),
        sa.CheckConstraint("impressions >= 0", name="stamp_report_u_23_1"),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name="stamp_report_device_id_fkey"),
        sa.ForeignKeyConstraint(["request_id"], ["seal_use_request.id"], name="stamp_report_request_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="stamp_report_pkey"),
    )
    op.create_index("stamp_report_device_id_idx", "stamp_report", ["device_id"], unique=False)
    op.create_index("stamp_report_request_id_idx", "stamp_report", ["request_id"], unique=False)
    op.create_table(
        "use_photo",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("request_id", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("delivered_at", sa.BigInteger(), nullable=False),
        sa.Column("delivered_by_id", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("digest <> ''", name="use_photo_u_23_2"),
        sa.ForeignKeyConstraint(["delivered_by_id"], ["person.id"], name="use_photo_delivered_by_id_fkey"),
        sa.ForeignKeyConstraint(["request_id"], ["seal_use_request.id"], name="use_photo_request_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="use_photo_pkey"),
    )
    op.create_index("use_photo_delivered_by_id_idx", "use_photo", ["delivered_by_id"], unique=False)
    op.create_index("use_photo_request_id_idx", "use_photo", ["request_id"], unique=False)
    op.create_index("use_photo_u_23_1", "use_photo", ["request_id", "digest"], unique=True)
    op.create_table(
        "emergency_use",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("grant_id", TEXT, nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("approved_by_id", TEXT, nullable=True),
        sa.Column("approved_at", sa.BigInteger(), nullable=False),
        sa.Column("representative_id", TEXT, nullable=True),
        sa.Column("alerted_at", sa.BigInteger(), nullable=False),
        sa.Column("task_id", TEXT, nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("reason <> ''", name="emergency_use_u_24_2"),
        sa.CheckConstraint(
            "(approved_by_id IS NULL AND representative_id IS NULL) = (approved_at = 0)", name="emergency_use_u_24_1"
        ),
        sa.CheckConstraint("approved_by_id IS NULL OR representative_id IS NULL", name="emergency_use_u_24_3"),
        sa.ForeignKeyConstraint(["approved_by_id"], ["membership.id"], name="emergency_use_approved_by_id_fkey"),
        sa.ForeignKeyConstraint(["grant_id"], ["seal_grant.id"], name="emergency_use_grant_id_fkey"),
        sa.ForeignKeyConstraint(["representative_id"], ["person.id"], name="emergency_use_representative_id_fkey"),
        sa.ForeignKeyConstraint(["task_id"], ["signing_task.id"], name="emergency_use_task_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="emergency_use_pkey"),
    )
    op.create_index("emergency_use_approved_by_id_idx", "emergency_use", ["approved_by_id"], unique=False)
    op.create_index("emergency_use_grant_id_idx", "emergency_use", ["grant_id"], unique=False)
    op.create_index("emergency_use_representative_id_idx", "emergency_use", ["representative_id"], unique=False)
    op.create_index("emergency_use_task_id_idx", "emergency_use", ["task_id"], unique=False)
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
        sa.Column("state", TEXT, nullable=False),
        sa.Column("act", TEXT, nullable=False),
        sa.Column("operation_id", TEXT, nullable=False),
        sa.Column("audience", TEXT, nullable=False),
        sa.Column("documents_digest", TEXT, nullable=False),
        sa.Column("certificate_id", TEXT, nullable=True),
        sa.Column("verification_id", TEXT, nullable=True),
        sa.Column("open_grant_id", TEXT, nullable=True),
        sa.Column("cross_grant_id", TEXT, nullable=True),
        sa.Column("delegation_id", TEXT, nullable=True),
        sa.Column("signed_for_id", TEXT, nullable=True),
        sa.Column("position", TEXT, nullable=False),
        sa.Column("impressions", sa.BigInteger(), nullable=False),
        sa.Column("sealing_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("act IN ('USE', 'AUTO_USE', 'EMERGENCY_USE')", name="seal_use_act_words"),
        sa.CheckConstraint("closed_at = 0 OR state <> 'RESERVED'", name="seal_use_i16_4"),
        sa.CheckConstraint("state = 'SEALED' OR (audience <> '' AND operation_id <> '')", name="seal_use_i16_2"),
        sa.CheckConstraint("state IN ('RESERVED', 'SEALED', 'NOT_SEALED', 'UNKNOWN')", name="seal_use_state_words"),
        sa.CheckConstraint("impressions >= 1", name="seal_use_i16_5"),
        sa.CheckConstraint("sealing_at = 0 OR used_at <= sealing_at", name="seal_use_i16_3"),
        sa.ForeignKeyConstraint(["certificate_id"], ["certificate.id"], name="seal_use_certificate_id_fkey"),
        sa.ForeignKeyConstraint(["cross_grant_id"], ["cross_enterprise_grant.id"], name="seal_use_cross_grant_id_fkey"),
        sa.ForeignKeyConstraint(["delegation_id"], ["delegation.id"], name="seal_use_delegation_id_fkey"),
        sa.ForeignKeyConstraint(["grant_id"], ["seal_grant.id"], name="seal_use_grant_id_fkey"),
        sa.ForeignKeyConstraint(["holder_id"], ["enterprise.id"], name="seal_use_holder_id_fkey"),
        sa.ForeignKeyConstraint(["open_grant_id"], ["open_grant.id"], name="seal_use_open_grant_id_fkey"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="seal_use_person_id_fkey"),
        sa.ForeignKeyConstraint(["seal_id"], ["seal.id"], name="seal_use_seal_id_fkey"),
        sa.ForeignKeyConstraint(["signed_for_id"], ["person.id"], name="seal_use_signed_for_id_fkey"),
        sa.ForeignKeyConstraint(["task_id"], ["signing_task.id"], name="seal_use_task_id_fkey"),
        sa.ForeignKeyConstraint(
            ["verification_id"], ["identity_verification.id"], name="seal_use_verification_id_fkey"
        ),
        sa.PrimaryKeyConstraint("id", name="seal_use_pkey"),
    )
    op.create_index("seal_use_certificate_id_idx", "seal_use", ["certificate_id"], unique=False)
    op.create_index("seal_use_cross_grant_id_idx", "seal_use", ["cross_grant_id"], unique=False)
    op.create_index("seal_use_delegation_id_idx", "seal_use", ["delegation_id"], unique=False)
    op.create_index("seal_use_grant_id_idx", "seal_use", ["grant_id"], unique=False)
    op.create_index("seal_use_holder_id_idx", "seal_use", ["holder_id"], unique=False)
    op.create_index(
        "seal_use_i15_1",
        "seal_use",
        ["task_id", "seal_id", "digest"],
        unique=True,
        sqlite_where=sa.text("state <> 'NOT_SEALED'"),
        postgresql_where=sa.text("state <> 'NOT_SEALED'"),
    )
    op.create_index("seal_use_open_grant_id_idx", "seal_use", ["open_grant_id"], unique=False)
    op.create_index("seal_use_person_id_idx", "seal_use", ["person_id"], unique=False)
    op.create_index("seal_use_seal_id_idx", "seal_use", ["seal_id"], unique=False)
    op.create_index("seal_use_signed_for_id_idx", "seal_use", ["signed_for_id"], unique=False)
    op.create_index("seal_use_task_id_idx", "seal_use", ["task_id"], unique=False)
    op.create_index("seal_use_verification_id_idx", "seal_use", ["verification_id"], unique=False)
    op.create_table(
        "task_operator",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("task_id", TEXT, nullable=False),
        sa.Column("person_id", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="task_operator_person_id_fkey"),
        sa.ForeignKeyConstraint(["task_id"], ["signing_task.id"], name="task_operator_task_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="task_operator_pkey"),
    )
    op.create_index("task_operator_c_02_1", "task_operator", ["task_id", "person_id"], unique=True)
    op.create_index("task_operator_person_id_idx", "task_operator", ["person_id"], unique=False)
    op.create_index("task_operator_task_id_idx", "task_operator", ["task_id"], unique=False)
    op.create_table(
        "task_seal",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("task_id", TEXT, nullable=False),
        sa.Column("seal_id", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["seal_id"], ["seal.id"], name="task_seal_seal_id_fkey"),
        sa.ForeignKeyConstraint(["task_id"], ["signing_task.id"], name="task_seal_task_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="task_seal_pkey"),
    )
    op.create_index("task_seal_c_05_1", "task_seal", ["task_id", "seal_id"], unique=True)
    op.create_index("task_seal_seal_id_idx", "task_seal", ["seal_id"], unique=False)
    op.create_index("task_seal_task_id_idx", "task_seal", ["task_id"], unique=False)
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
    identity = sa.table("store_identity", sa.column("store_id"), sa.column("timeline_id"))
    op.bulk_insert(identity, [{"store_id": str(uuid.uuid4()), "timeline_id": str(uuid.uuid4())}])
