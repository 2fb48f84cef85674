# ruff: noqa: E501 (as Alembic renders it)
"""The first schema: the records of the founding story, the changes made to them, and the store's identity."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Ordered by code point whatever the locale of the database.
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Create every table, and give the store its identity."""
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
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "auth_state IN ('UNREGISTERED', 'REGISTERED', 'CERTIFYING', 'AUTHENTICATED', 'AUTH_FAILED')",
            name="enterprise_auth_state_words",
        ),
        sa.CheckConstraint(
            "operating_state IN ('ACTIVE', 'FROZEN', 'CLOSED')", name="enterprise_operating_state_words"
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
        "fact_change",
        sa.Column("revision", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("caller", TEXT, nullable=False),
        sa.Column("request_id", TEXT, nullable=False),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("revision", name="fact_change_pkey"),
    )
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
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("account_state IN ('ACTIVE', 'LOCKED', 'CLOSED')", name="person_account_state_words"),
        sa.CheckConstraint("id_type IN ('RESIDENT_ID', 'PASSPORT', 'OTHER')", name="person_id_type_words"),
        sa.CheckConstraint("realname_state <> 'VERIFIED' OR id_hash <> ''", name="person_i5_2"),
        sa.CheckConstraint(
            "realname_state IN ('UNVERIFIED', 'VERIFIED', 'REVOKED')", name="person_realname_state_words"
        ),
        sa.PrimaryKeyConstraint("id", name="person_pkey"),
    )
    op.create_index(
        "person_i5_1",
        "person",
        ["realm", "id_type", "id_hash"],
        unique=True,
        sqlite_where=sa.text("realname_state = 'VERIFIED'"),
        postgresql_where=sa.text("realname_state = 'VERIFIED'"),
    )
    op.create_table(
        "store_identity",
        sa.Column("store_id", TEXT, nullable=False),
        sa.Column("timeline_id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("store_id", name="store_identity_pkey"),
    )
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
        "contract",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("initiator_id", TEXT, nullable=False),
        sa.Column("contract_type", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("deadline", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('DRAFT', 'FILLING', 'SIGNING', 'COMPLETE', 'REJECTED', 'RECALLED', 'EXPIRED', 'TERMINATING', 'TERMINATED', 'FORCE_FINISHED', 'DELETED')",
            name="contract_state_words",
        ),
        sa.ForeignKeyConstraint(["initiator_id"], ["enterprise.id"], name="contract_initiator_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="contract_pkey"),
    )
    op.create_index("contract_initiator_id_idx", "contract", ["initiator_id"], unique=False)
    op.create_table(
        "fact_change_unit",
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["revision"], ["fact_change.revision"], name="fact_change_unit_revision_fkey"),
        sa.PrimaryKeyConstraint("revision", "kind", "id", name="fact_change_unit_pkey"),
    )
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
            "purpose IN ('LOGIN', 'JOIN', 'SIGN', 'SEAL_GRANT', 'SEAL_MANAGE', 'APPROVE', 'RETRIEVE')",
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
        "membership",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("person_id", TEXT, nullable=False),
        sa.Column("enterprise_id", TEXT, nullable=False),
        sa.Column("joined_via", TEXT, nullable=False),
        sa.Column("joined_at", sa.BigInteger(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("end_reason", TEXT, nullable=True),
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
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="membership_enterprise_id_fkey"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="membership_person_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="membership_pkey"),
    )
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
        "platform_staff",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("person_id", TEXT, nullable=False),
        sa.Column("duty", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("duty IN ('REVIEWER', 'SUPPORT')", name="platform_staff_duty_words"),
        sa.CheckConstraint("state IN ('ACTIVE', 'ENDED')", name="platform_staff_state_words"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="platform_staff_person_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="platform_staff_pkey"),
    )
    op.create_index("platform_staff_person_id_idx", "platform_staff", ["person_id"], unique=False)
    op.create_table(
        "registry_snapshot",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("enterprise_id", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("fetched_at", sa.BigInteger(), nullable=False),
        sa.Column("legal_rep_id", TEXT, nullable=True),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "status IN ('EXISTING', 'REVOKED', 'CANCELLED', 'ABNORMAL')", name="registry_snapshot_status_words"
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
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("path IN ('LEGAL_REP_ONLINE', 'DOCUMENTS')", name="retrieval_case_path_words"),
        sa.CheckConstraint(
            "reason IN ('ADMIN_RESIGNED', 'ADMIN_UNREACHABLE', 'ADMIN_DECEASED', 'ADMIN_DISPUTE', 'ACCOUNT_TAKEN')",
            name="retrieval_case_reason_words",
        ),
        sa.CheckConstraint(
            "state IN ('DRAFT', 'CERTIFYING', 'IN_REVIEW', 'NOTICE', 'OBJECTED', 'APPROVED', 'REJECTED', 'REJECTED_FINAL', 'RESOLVED_BY_ADMIN', 'WITHDRAWN', 'EXPIRED', 'EXECUTED', 'UNDER_APPEAL', 'REVERSED')",
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
            "state IN ('DRAFT', 'CERTIFYING', 'IN_REVIEW', 'NOTICE', 'OBJECTED', 'APPROVED', 'REJECTED')"
        ),
        postgresql_where=sa.text(
            "state IN ('DRAFT', 'CERTIFYING', 'IN_REVIEW', 'NOTICE', 'OBJECTED', 'APPROVED', 'REJECTED')"
        ),
    )
    op.create_table(
        "contract_document",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("contract_id", TEXT, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name="contract_document_contract_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="contract_document_pkey"),
    )
    op.create_index("contract_document_contract_id_idx", "contract_document", ["contract_id"], unique=False)
    op.create_index("contract_document_u_03_1", "contract_document", ["contract_id", "digest"], unique=True)
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
        sa.ForeignKeyConstraint(["applicant_id"], ["person.id"], name="enterprise_authentication_applicant_id_fkey"),
        sa.ForeignKeyConstraint(["case_id"], ["retrieval_case.id"], name="enterprise_authentication_case_id_fkey"),
        sa.ForeignKeyConstraint(
            ["enterprise_id"], ["enterprise.id"], name="enterprise_authentication_enterprise_id_fkey"
        ),
        sa.PrimaryKeyConstraint("id", name="enterprise_authentication_pkey"),
    )
    op.create_index(
        "enterprise_authentication_applicant_id_idx", "enterprise_authentication", ["applicant_id"], unique=False
    )
    op.create_index("enterprise_authentication_case_id_idx", "enterprise_authentication", ["case_id"], unique=False)
    op.create_index(
        "enterprise_authentication_enterprise_id_idx", "enterprise_authentication", ["enterprise_id"], unique=False
    )
    op.create_table(
        "invitation",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("enterprise_id", TEXT, nullable=False),
        sa.Column("inviter_id", TEXT, nullable=False),
        sa.Column("target_id", TEXT, nullable=False),
        sa.Column("token_hash", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('OPEN', 'ACCEPTED', 'DECLINED', 'EXPIRED', 'CANCELLED')", name="invitation_state_words"
        ),
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
        "role_assignment",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("membership_id", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("granted_by_id", TEXT, nullable=True),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_to", sa.BigInteger(), nullable=False),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "role IN ('SYSTEM_ADMIN', 'SEAL_ADMIN', 'LEGAL_REP', 'CONTRACT_ADMIN', 'SEAL_AUDITOR', 'DEPT_ADMIN', 'CUSTOM')",
            name="role_assignment_role_words",
        ),
        sa.CheckConstraint("state IN ('ACTIVE', 'REVOKED', 'EXPIRED')", name="role_assignment_state_words"),
        sa.CheckConstraint("valid_from < valid_to", name="role_assignment_i7_2"),
        sa.ForeignKeyConstraint(["granted_by_id"], ["person.id"], name="role_assignment_granted_by_id_fkey"),
        sa.ForeignKeyConstraint(["membership_id"], ["membership.id"], name="role_assignment_membership_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="role_assignment_pkey"),
    )
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
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("category IN ('ELECTRONIC', 'PHYSICAL')", name="seal_category_words"),
        sa.CheckConstraint(
            "kind IN ('OFFICIAL', 'CONTRACT', 'FINANCE', 'PERSONNEL', 'INVOICE', 'LEGAL_REP', 'DEPARTMENT', 'OTHER')",
            name="seal_kind_words",
        ),
        sa.CheckConstraint(
            "state IN ('DRAFT', 'PENDING_REVIEW', 'REVIEW_REJECTED', 'ACTIVE', 'DISABLED', 'LOST', 'EXPIRED', 'REVOKED', 'COLLECTED', 'DESTROYED')",
            name="seal_state_words",
        ),
        sa.ForeignKeyConstraint(["certificate_id"], ["certificate.id"], name="seal_certificate_id_fkey"),
        sa.ForeignKeyConstraint(["custodian_id"], ["membership.id"], name="seal_custodian_id_fkey"),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="seal_enterprise_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="seal_pkey"),
    )
    op.create_index("seal_certificate_id_idx", "seal", ["certificate_id"], unique=False)
    op.create_index("seal_custodian_id_idx", "seal", ["custodian_id"], unique=False)
    op.create_index("seal_enterprise_id_idx", "seal", ["enterprise_id"], unique=False)
    op.create_index(
        "seal_i13_1",
        "seal",
        ["enterprise_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'LEGAL_REP' AND state NOT IN ('REVIEW_REJECTED', 'REVOKED', 'DESTROYED')"),
        postgresql_where=sa.text("kind = 'LEGAL_REP' AND state NOT IN ('REVIEW_REJECTED', 'REVOKED', 'DESTROYED')"),
    )
    op.create_table(
        "signatory",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("contract_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("person_id", TEXT, nullable=True),
        sa.Column("enterprise_id", TEXT, nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(kind = 'PERSON' AND person_id IS NOT NULL AND enterprise_id IS NULL) OR (kind = 'ENTERPRISE' AND enterprise_id IS NOT NULL AND person_id IS NULL)",
            name="signatory_c_02_1",
        ),
        sa.CheckConstraint("kind IN ('PERSON', 'ENTERPRISE')", name="signatory_kind_words"),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name="signatory_contract_id_fkey"),
        sa.ForeignKeyConstraint(["enterprise_id"], ["enterprise.id"], name="signatory_enterprise_id_fkey"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="signatory_person_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="signatory_pkey"),
    )
    op.create_index("signatory_contract_id_idx", "signatory", ["contract_id"], unique=False)
    op.create_index("signatory_enterprise_id_idx", "signatory", ["enterprise_id"], unique=False)
    op.create_index("signatory_person_id_idx", "signatory", ["person_id"], unique=False)
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
        sa.Column("revision", sa.BigInteger(), nullable=False),
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
        sa.CheckConstraint("\"right\" IN ('USE', 'APPROVE', 'MANAGE', 'AUDIT')", name="seal_grant_right_words"),
        sa.CheckConstraint("used >= 0 AND used <= use_limit", name="seal_grant_i10_1"),
        sa.CheckConstraint("valid_from < valid_to", name="seal_grant_s_06_2"),
        sa.ForeignKeyConstraint(["grantor_id"], ["role_assignment.id"], name="seal_grant_grantor_id_fkey"),
        sa.ForeignKeyConstraint(["membership_id"], ["membership.id"], name="seal_grant_membership_id_fkey"),
        sa.ForeignKeyConstraint(["seal_id"], ["seal.id"], name="seal_grant_seal_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="seal_grant_pkey"),
    )
    op.create_index("seal_grant_grantor_id_idx", "seal_grant", ["grantor_id"], unique=False)
    op.create_index("seal_grant_membership_id_idx", "seal_grant", ["membership_id"], unique=False)
    op.create_index("seal_grant_seal_id_idx", "seal_grant", ["seal_id"], unique=False)
    op.create_table(
        "seal_hold",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("seal_id", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("placed_at", sa.BigInteger(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("placed_by_id", TEXT, nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "source IN ('ADMIN', 'RETRIEVAL', 'PLATFORM', 'JUDICIAL', 'LOSS')", name="seal_hold_source_words"
        ),
        sa.CheckConstraint("state IN ('PLACED', 'RELEASED')", name="seal_hold_state_words"),
        sa.ForeignKeyConstraint(["placed_by_id"], ["person.id"], name="seal_hold_placed_by_id_fkey"),
        sa.ForeignKeyConstraint(["seal_id"], ["seal.id"], name="seal_hold_seal_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="seal_hold_pkey"),
    )
    op.create_index("seal_hold_placed_by_id_idx", "seal_hold", ["placed_by_id"], unique=False)
    op.create_index("seal_hold_seal_id_idx", "seal_hold", ["seal_id"], unique=False)
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
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('DRAFT', 'IN_APPROVAL', 'APPROVED', 'IN_USE', 'COMPLETED', 'FINISHED', 'REJECTED', 'WITHDRAWN', 'EXPIRED', 'VOIDED')",
            name="seal_use_request_state_words",
        ),
        sa.CheckConstraint("uses >= 1 AND used >= 0 AND used <= uses", name="seal_use_request_i10_2"),
        sa.CheckConstraint("valid_from < valid_to", name="seal_use_request_u_03_1"),
        sa.ForeignKeyConstraint(["applicant_id"], ["membership.id"], name="seal_use_request_applicant_id_fkey"),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name="seal_use_request_contract_id_fkey"),
        sa.ForeignKeyConstraint(["seal_id"], ["seal.id"], name="seal_use_request_seal_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="seal_use_request_pkey"),
    )
    op.create_index("seal_use_request_applicant_id_idx", "seal_use_request", ["applicant_id"], unique=False)
    op.create_index("seal_use_request_contract_id_idx", "seal_use_request", ["contract_id"], unique=False)
    op.create_index("seal_use_request_seal_id_idx", "seal_use_request", ["seal_id"], unique=False)
    op.create_table(
        "signing_task",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("signatory_id", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("handler_id", TEXT, nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "action IN ('CORPORATE_SEAL', 'LEGAL_REP_SEAL', 'HANDLER_SIGN', 'PERSONAL_SIGN', 'APPROVE', 'FILL')",
            name="signing_task_action_words",
        ),
        sa.CheckConstraint(
            "state IN ('WAITING', 'PENDING', 'IN_PROGRESS', 'SIGNED', 'REJECTED', 'TRANSFERRED', 'VOIDED', 'EXPIRED')",
            name="signing_task_state_words",
        ),
        sa.CheckConstraint("position >= 1", name="signing_task_c_01_1"),
        sa.ForeignKeyConstraint(["handler_id"], ["person.id"], name="signing_task_handler_id_fkey"),
        sa.ForeignKeyConstraint(["signatory_id"], ["signatory.id"], name="signing_task_signatory_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="signing_task_pkey"),
    )
    op.create_index("signing_task_handler_id_idx", "signing_task", ["handler_id"], unique=False)
    op.create_index("signing_task_signatory_id_idx", "signing_task", ["signatory_id"], unique=False)
    op.create_table(
        "approval",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("request_id", TEXT, nullable=False),
        sa.Column("approver_id", TEXT, nullable=False),
        sa.Column("verdict", TEXT, nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("verdict IN ('PASSED', 'REJECTED')", name="approval_verdict_words"),
        sa.CheckConstraint("step >= 1", name="approval_u_03_2"),
        sa.ForeignKeyConstraint(["approver_id"], ["membership.id"], name="approval_approver_id_fkey"),
        sa.ForeignKeyConstraint(["request_id"], ["seal_use_request.id"], name="approval_request_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="approval_pkey"),
    )
    op.create_index("approval_approver_id_idx", "approval", ["approver_id"], unique=False)
    op.create_index("approval_i14_1", "approval", ["request_id", "step", "approver_id"], unique=True)
    op.create_index("approval_request_id_idx", "approval", ["request_id"], unique=False)
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
    identity = sa.table("store_identity", sa.column("store_id", sa.Text), sa.column("timeline_id", sa.Text))
    op.bulk_insert(identity, [{"store_id": str(uuid.uuid4()), "timeline_id": str(uuid.uuid4())}])
