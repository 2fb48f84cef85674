# Reasons: where each stands on the ladder, who may see it, and what the person can do about it.
#
# The ladder, lowest first, is the order in which a person should fix things: 10 account, 20 real name, 30 enterprise,
# 40 membership, 50 retrieval, 60 task, 70 seal, 80 certificate, 90 grant or approval, 100 limits and time, 110 separation of
# duties, 120 freshness of identity. The face comes last, so that nobody is sent through a check in order to be told no.
# Up to 40 are the gate reasons: they are all that a person without standing is told.

# --- the service's own ------------------------------------------------------------------------------------------------

reason("NOT_FOUND", 0, "USER", "NONE");
reason("UNKNOWN_ACTION", 0, "USER", "NONE");
reason("UNKNOWN_TYPE", 0, "USER", "NONE");
reason("FACT_UNAVAILABLE", 0, "USER", "RETRY_LATER");
reason("POLICY_ERROR", 0, "USER", "CONTACT_PLATFORM");
reason("NO_PERMISSION", 90, "USER", "CONTACT_ADMIN");

# --- what an unmet requirement means where nothing more exact is known ------------------------------------------------

otherwise("ACCOUNT_ACTIVE", "ACCOUNT_LOCKED");
otherwise("REALNAME_VERIFIED", "REALNAME_REQUIRED");
otherwise("ENTERPRISE_AUTHENTICATED", "ENTERPRISE_NOT_AUTHENTICATED");
otherwise("ENTERPRISE_OPERATING", "ENTERPRISE_FROZEN");
otherwise("NOT_CLOSED", "ENTERPRISE_CLOSED");
otherwise("MEMBER", "NOT_A_MEMBER");
otherwise("NOT_YET_MEMBER", "ALREADY_MEMBER");
otherwise("NO_OPEN_APPLICATION", "DUPLICATE_APPLICATION");
otherwise("REAPPLY_ALLOWED", "REAPPLY_COOLDOWN");
otherwise("INVITATION_OPEN", "INVITATION_EXPIRED");
otherwise("INVITER_ENTITLED", "INVITATION_EXPIRED");
otherwise("INVITEE", "INVITATION_MISMATCH");
otherwise("OWN_MEMBERSHIP", "NOT_OWN_MEMBERSHIP");
otherwise("OWN_APPLICATION", "NOT_OWN_APPLICATION");
otherwise("ENTERPRISE_ADMIN", "NOT_ENTERPRISE_ADMIN");
otherwise("NOT_OWN_APPLICATION", "SELF_APPROVAL");
otherwise("APPLICATION_PENDING", "APPLICATION_OVER");
otherwise("APPLICANT_NOT_MEMBER", "APPLICANT_IS_MEMBER");
otherwise("NOT_SUSPENDED", "MEMBERSHIP_SUSPENDED");
otherwise("APPLICANT_FIT", "APPLICANT_NOT_VERIFIED");
otherwise("REASON_STATED", "REASON_REQUIRED");
otherwise("ADMIN_PRESENT", "NO_ACTIVE_ADMIN");
otherwise("REMINDER_DUE", "REMINDER_TOO_SOON");
otherwise("TIE_TO_ENTERPRISE", "NOT_FOUND");
otherwise("MEMBERSHIP_LIVE", "MEMBERSHIP_NOT_LIVE");
otherwise("ASSIGNMENT_LIVE", "ASSIGNMENT_NOT_LIVE");
otherwise("NOT_LAST_ADMIN", "LAST_ADMIN");
otherwise("TASKS_HANDED_OVER", "HANDOVER_REQUIRED");
otherwise("NOT_AUTHENTICATED_YET", "ORG_ALREADY_AUTHENTICATED");
otherwise("SEAL_MANAGER", "NOT_SEAL_ADMIN");
otherwise("SEAL_NOT_ENDED", "SEAL_REVOKED");
otherwise("SEAL_CAN_BE_ENABLED", "SEAL_NOT_DISABLED");
otherwise("SEAL_CAN_BE_REQUESTED", "SEAL_NOT_ACTIVE");
otherwise("GRANT_PENDING", "GRANT_NOT_PENDING");
otherwise("GRANT_CONFIRMATION", "GRANT_NOT_CONFIRMED");
otherwise("GRANTEE_MEMBER", "GRANTEE_NOT_MEMBER");
otherwise("NOT_OWN_GRANT", "SELF_GRANT");
otherwise("TASK_READY", "TASK_NOT_PENDING");
otherwise("TASK_OPERATOR", "NOT_TASK_OPERATOR");
otherwise("SEAL_FOR_TASK", "SEAL_NOT_PERMITTED_FOR_TASK");
otherwise("NAMED_PERSON", "IDENTITY_MISMATCH");
otherwise("SEAL_USABLE", "SEAL_NOT_ACTIVE");
otherwise("CERTIFICATE_VALID", "CERT_MISSING");
otherwise("SEAL_AUTHORITY", "NO_SEAL_GRANT");
otherwise("FRESH_FACE", "FACE_VERIFICATION_REQUIRED");
otherwise("FRESH_INTENT", "FACE_VERIFICATION_REQUIRED");
otherwise("RETRIEVAL_STANDING", "NO_STANDING");
otherwise("NO_OPEN_CASE", "RETRIEVAL_IN_PROGRESS");
otherwise("ADMIN_GONE", "ADMIN_AVAILABLE");
otherwise("CASE_APPLICANT", "NOT_CASE_APPLICANT");
otherwise("CASE_CAN_BE_SUBMITTED", "CASE_NOT_SUBMITTABLE");
otherwise("CERTIFICATION_GIVEN", "CERTIFICATION_REQUIRED");
otherwise("CERTIFICATION_PASSED", "CERTIFICATION_REQUIRED");
otherwise("REGISTRY_FRESH", "REGISTRY_DATA_STALE");
otherwise("REVIEWER", "NOT_A_REVIEWER");
otherwise("NO_REVIEW_CONFLICT", "REVIEWER_CONFLICT");
otherwise("CASE_IN_REVIEW", "CASE_NOT_IN_REVIEW");
otherwise("REVIEWED", "REVIEW_PENDING");
otherwise("OBJECTOR", "NOT_AN_OBJECTOR");
otherwise("IN_NOTICE", "NOT_IN_NOTICE");
otherwise("NO_OPEN_OBJECTION", "OBJECTION_OPEN");
otherwise("NOTICE_OVER", "NOTICE_PERIOD");
otherwise("CASE_CAN_BE_EXECUTED", "CASE_NOT_EXECUTABLE");
otherwise("CASE_PARTY", "NOT_FOUND");

# --- account, real name, enterprise -----------------------------------------------------------------------------------

reason("ACCOUNT_LOCKED", 10, "USER", "CONTACT_PLATFORM");
reason("ACCOUNT_CLOSED", 10, "USER", "CONTACT_PLATFORM");
reason("REALNAME_REQUIRED", 20, "USER", "VERIFY_REALNAME");
reason("ENTERPRISE_NOT_AUTHENTICATED", 30, "USER", "AUTHENTICATE_ENTERPRISE");
reason("ENTERPRISE_FROZEN", 30, "USER", "CONTACT_PLATFORM");
reason("ENTERPRISE_CLOSED", 30, "USER", "CONTACT_PLATFORM");
reason("ORG_ALREADY_AUTHENTICATED", 30, "USER", "JOIN_ENTERPRISE");
reason("ORG_ALREADY_AUTHENTICATED", 30, "USER", "RETRIEVE_ENTERPRISE");

# --- membership -------------------------------------------------------------------------------------------------------

reason("NOT_A_MEMBER", 40, "USER", "JOIN_ENTERPRISE");
reason("JOIN_PENDING", 40, "USER", "WAIT_ADMIN");
reason("JOIN_PENDING", 40, "USER", "REMIND_ADMIN");
reason("JOIN_PENDING", 40, "USER", "RETRIEVE_ENTERPRISE");
reason("JOIN_REJECTED", 40, "USER", "REAPPLY_JOIN");
reason("JOIN_REJECTED", 40, "USER", "CONTACT_ADMIN");
reason("NO_ACTIVE_ADMIN", 40, "USER", "RETRIEVE_ENTERPRISE");
reason("MEMBERSHIP_SUSPENDED", 40, "USER", "CONTACT_ADMIN");
reason("NO_STANDING", 40, "USER", "NONE");
reason("ALREADY_MEMBER", 40, "USER", "NONE");
reason("DUPLICATE_APPLICATION", 40, "USER", "WAIT_ADMIN");
reason("DUPLICATE_APPLICATION", 40, "USER", "REMIND_ADMIN");
reason("REAPPLY_COOLDOWN", 40, "USER", "REAPPLY_JOIN");
reason("REAPPLY_COOLDOWN", 40, "USER", "CONTACT_ADMIN");
reason("INVITATION_EXPIRED", 40, "USER", "REQUEST_INVITATION");
reason("INVITATION_EXPIRED", 40, "USER", "JOIN_ENTERPRISE");
reason("INVITATION_USED", 40, "USER", "REQUEST_INVITATION");
reason("INVITATION_USED", 40, "USER", "JOIN_ENTERPRISE");
reason("INVITATION_MISMATCH", 40, "USER", "SWITCH_ACCOUNT");
reason("INVITATION_MISMATCH", 40, "USER", "JOIN_ENTERPRISE");
reason("NOT_OWN_MEMBERSHIP", 45, "USER", "NONE");
reason("NOT_OWN_APPLICATION", 45, "USER", "NONE");
reason("APPLICATION_OVER", 60, "USER", "NONE");
reason("ALREADY_DECIDED", 60, "USER", "NONE");
reason("APPLICANT_IS_MEMBER", 60, "USER", "NONE");
reason("APPLICANT_NOT_VERIFIED", 60, "USER", "WAIT_APPLICANT");
reason("MEMBERSHIP_NOT_LIVE", 60, "USER", "NONE");
reason("ASSIGNMENT_NOT_LIVE", 60, "USER", "NONE");
reason("REASON_REQUIRED", 60, "USER", "STATE_REASON");
reason("NOT_ENTERPRISE_ADMIN", 90, "USER", "CONTACT_ADMIN");
reason("LAST_ADMIN", 100, "USER", "TRANSFER_ADMIN");
reason("HANDOVER_REQUIRED", 100, "USER", "HANDOVER_TASKS");
reason("REMINDER_TOO_SOON", 100, "USER", "WAIT_UNTIL");
reason("REMINDERS_USED_UP", 100, "USER", "RETRIEVE_ENTERPRISE");
reason("SELF_APPROVAL", 110, "USER", "ASSIGN_OTHER_PERSON");

# --- retrieval --------------------------------------------------------------------------------------------------------

reason("RETRIEVAL_NOT_EXECUTED", 50, "USER", "VIEW_RETRIEVAL_PROGRESS");
reason("RETRIEVAL_IN_PROGRESS", 50, "USER", "VIEW_RETRIEVAL_PROGRESS");
reason("ADMIN_AVAILABLE", 50, "USER", "REMIND_ADMIN");
reason("ADMIN_AVAILABLE", 50, "USER", "CONTACT_ADMIN");
reason("NOT_CASE_APPLICANT", 50, "USER", "CONTACT_APPLICANT");
reason("CASE_NOT_SUBMITTABLE", 50, "USER", "VIEW_RETRIEVAL_PROGRESS");
reason("CASE_NOT_EXECUTABLE", 50, "USER", "VIEW_RETRIEVAL_PROGRESS");
reason("CASE_NOT_IN_REVIEW", 50, "USER", "VIEW_RETRIEVAL_PROGRESS");
reason("CASE_OVER", 50, "USER", "VIEW_RETRIEVAL_PROGRESS");
reason("CERTIFICATION_REQUIRED", 55, "USER", "CERTIFY_LEGAL_REP_ONLINE");
reason("CERTIFICATION_REQUIRED", 55, "USER", "SUBMIT_DOCUMENTS");
reason("REGISTRY_DATA_STALE", 56, "USER", "RETRY_LATER");
reason("REGISTRY_NOT_EXISTING", 56, "USER", "CONTACT_PLATFORM");
reason("LEGAL_REP_MISMATCH", 56, "USER", "SUBMIT_DOCUMENTS");
reason("NOT_A_REVIEWER", 57, "OPERATOR", "NONE");
reason("REVIEWER_CONFLICT", 110, "USER", "ASSIGN_OTHER_PERSON");
reason("REVIEW_PENDING", 57, "USER", "WAIT_REVIEW");
reason("NOTICE_NOT_GIVEN", 58, "USER", "WAIT_REVIEW");
reason("NOTICE_PERIOD", 58, "USER", "WAIT_UNTIL");
reason("NOT_IN_NOTICE", 58, "USER", "CONTACT_PLATFORM");
reason("OBJECTION_OPEN", 59, "USER", "WAIT_REVIEW");
reason("NOT_AN_OBJECTOR", 59, "USER", "NONE");

# --- tasks ------------------------------------------------------------------------------------------------------------

reason("TASK_REQUIRED", 60, "USER", "CHOOSE_TASK");
reason("CONTRACT_NOT_SIGNING", 60, "USER", "CONTACT_INITIATOR");
reason("CONTRACT_EXPIRED", 60, "USER", "CONTACT_INITIATOR");
reason("TASK_NOT_PENDING", 61, "USER", "NONE");
reason("NOT_YOUR_TURN", 61, "USER", "WAIT_PREVIOUS");
reason("NOT_YOUR_TURN", 61, "USER", "URGE");
reason("NOT_TASK_OPERATOR", 62, "USER", "FORWARD_TO_OPERATOR");
reason("NOT_TASK_OPERATOR", 62, "USER", "REQUEST_TRANSFER");
reason("IDENTITY_MISMATCH", 62, "USER", "SWITCH_ACCOUNT");
reason("IDENTITY_MISMATCH", 62, "USER", "CONTACT_INITIATOR");
reason("SEAL_NEEDED", 63, "USER", "CHOOSE_SEAL");
reason("NOT_A_SIGNATURE", 63, "USER", "NONE");
reason("SEAL_NOT_PERMITTED_FOR_TASK", 64, "USER", "CHOOSE_OTHER_SEAL");

# --- seal and certificate ---------------------------------------------------------------------------------------------

reason("SEAL_FROZEN", 70, "USER", "CONTACT_SEAL_ADMIN");
reason("SEAL_FROZEN", 70, "USER", "CHOOSE_OTHER_SEAL");
reason("SEAL_LOST", 70, "USER", "CONTACT_SEAL_ADMIN");
reason("SEAL_LOST", 70, "USER", "CHOOSE_OTHER_SEAL");
reason("SEAL_DISABLED", 70, "USER", "CONTACT_SEAL_ADMIN");
reason("SEAL_DISABLED", 70, "USER", "CHOOSE_OTHER_SEAL");
reason("SEAL_NOT_DISABLED", 70, "USER", "NONE");
reason("SEAL_NOT_ACTIVE", 70, "USER", "CONTACT_SEAL_ADMIN");
reason("SEAL_REVOKED", 70, "USER", "CHOOSE_OTHER_SEAL");
reason("SEAL_REVOKED", 70, "USER", "CONTACT_INITIATOR");
reason("SEAL_EXPIRED", 70, "USER", "CHOOSE_OTHER_SEAL");
reason("SEAL_EXPIRED", 70, "USER", "CONTACT_INITIATOR");
reason("SEAL_UNDER_REVIEW", 70, "USER", "CONTACT_SEAL_ADMIN");
reason("CERT_MISSING", 80, "USER", "RENEW_CERTIFICATE");
reason("CERT_SUSPENDED", 80, "USER", "RENEW_CERTIFICATE");
reason("CERT_REVOKED", 80, "USER", "RENEW_CERTIFICATE");
reason("CERT_EXPIRED", 80, "USER", "RENEW_CERTIFICATE");
reason("CERT_NOT_YET_VALID", 80, "USER", "RENEW_CERTIFICATE");

# --- grants and approvals ---------------------------------------------------------------------------------------------

reason("NOT_SEAL_ADMIN", 90, "USER", "CONTACT_SEAL_ADMIN");
reason("LEGAL_REP_ONLY", 90, "USER", "CONTACT_LEGAL_REP");
reason("NO_SEAL_GRANT", 90, "USER", "REQUEST_SEAL_USE");
reason("NO_SEAL_GRANT", 90, "USER", "CHOOSE_OTHER_SEAL");
reason("APPROVAL_REQUIRED", 90, "USER", "SUBMIT_APPROVAL");
reason("DOCUMENT_CHANGED", 90, "USER", "RESUBMIT_APPROVAL");
reason("GRANT_NOT_CONFIRMED", 91, "USER", "CONFIRM_GRANT");
reason("GRANT_NOT_PENDING", 91, "USER", "NONE");
reason("GRANTEE_NOT_MEMBER", 91, "USER", "CHOOSE_OTHER_GRANTEE");
reason("GRANT_INVALIDATED_ADMIN_CHANGED", 92, "USER", "REQUEST_GRANT_RENEWAL");
reason("GRANTOR_NOT_ENTITLED", 92, "USER", "REQUEST_GRANT_RENEWAL");
reason("CONTRACT_TYPE_NOT_COVERED", 93, "USER", "REQUEST_SEAL_USE");
reason("CONTRACT_TYPE_NOT_COVERED", 93, "USER", "CHOOSE_OTHER_SEAL");
reason("GRANT_EXPIRED", 100, "USER", "REQUEST_GRANT_RENEWAL");
reason("REQUEST_EXPIRED", 100, "USER", "SUBMIT_APPROVAL");
reason("GRANT_NOT_YET_EFFECTIVE", 100, "USER", "WAIT_UNTIL");
reason("USE_LIMIT_EXHAUSTED", 100, "USER", "REQUEST_GRANT_RENEWAL");
reason("SELF_GRANT", 110, "USER", "ASSIGN_OTHER_PERSON");

# --- freshness of identity --------------------------------------------------------------------------------------------

reason("FACE_VERIFICATION_REQUIRED", 120, "USER", "VERIFY_FACE");
reason("FACE_VERIFICATION_EXPIRED", 120, "USER", "VERIFY_FACE");
reason("FACE_VERIFICATION_ALREADY_USED", 120, "USER", "VERIFY_FACE");
