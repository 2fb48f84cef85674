# What stands in the way, and what to do about it.

reason("NOT_FOUND", 0, "USER", "NONE");
reason("UNKNOWN_ACTION", 0, "USER", "NONE");
reason("CONTEXT_NOT_FOUND", 0, "USER", "NONE");
reason("UNKNOWN_TYPE", 0, "USER", "NONE");
reason("FACT_UNAVAILABLE", 0, "USER", "RETRY_LATER");
reason("POLICY_ERROR", 0, "USER", "NONE");
reason("NO_PERMISSION", 90, "USER", "ASK_OWNER");
reason("LOCKED", 10, "USER", "NONE");
reason("DRAFT", 60, "USER", "ASK_OWNER");
reason("ALREADY_PUBLISHED", 60, "USER", "NONE");
reason("TOO_LONG", 70, "USER", "NONE");
reason("APPROVER_NEEDED", 80, "USER", "ASK_OWNER");
reason("APPROVER_IS_AUTHOR", 80, "USER", "ASK_OWNER");
reason("TOO_MANY_DRAFTS", 100, "USER", "NONE");

otherwise("NOT_LOCKED", "LOCKED");
otherwise("READABLE", "DRAFT");
otherwise("IS_DRAFT", "ALREADY_PUBLISHED");
otherwise("SHORT_ENOUGH", "TOO_LONG");
otherwise("APPROVED", "APPROVER_NEEDED");
otherwise("FEW_DRAFTS", "TOO_MANY_DRAFTS");
