# Certifying an enterprise: who proves what it is, and who of the platform's staff decides on that.
#
# A certification gives nothing by itself. The person who opened it asks to authenticate the enterprise once it has passed
# (membership.polar), or goes on with the retrieval that it is for (retrieval.polar). The papers of a retrieval are
# decided by its reviews, of which it takes two; everything else is decided by one reviewer who is not concerned.

# --- opening one -----------------------------------------------------------------------------------------------------

# An enterprise that is authenticated is certified again by nobody: it is joined, or retrieved.
#@ M-15
requires("certify", _: Enterprise, "NOT_AUTHENTICATED_YET");
requires("certify", _: Enterprise, "NOT_CLOSED");
requires("certify", _: Enterprise, "NOT_SUSPENDED");
requires("certify", _: Enterprise, "NO_OPEN_CERTIFICATION");
meets(_: Person, "NOT_AUTHENTICATED_YET", "certify", enterprise: Enterprise, context) if
  enterprise.auth_state != "AUTHENTICATED" and
  context.twin_id = nil;
meets(_: Person, "NOT_CLOSED", "certify", enterprise: Enterprise, _) if
  enterprise.operating_state in ["ACTIVE", "FROZEN"];
# One certification of a person waits at a time.
meets(person: Person, "NO_OPEN_CERTIFICATION", "certify", enterprise: Enterprise, _) if
  not has_open_certification(person, enterprise);

has_open_certification(person: Person, enterprise: Enterprise) if
  own_first_certification(person, enterprise, certification) and
  is_undecided(certification);

is_undecided(certification: EnterpriseAuthentication) if certification.state in ["SUBMITTED", "IN_REVIEW"];

# A suspended member does not come back as the administrator, unless they are the legal representative.
#@ M-13 M-15
requires("authenticate", _: Enterprise, "NOT_SUSPENDED");
meets(person: Person, "NOT_SUSPENDED", "certify", enterprise: Enterprise, context) if
  not is_suspended_human(person, enterprise, context);
meets(person: Person, "NOT_SUSPENDED", "certify", enterprise: Enterprise, context) if
  representative_today(person, enterprise, context);
meets(person: Person, "NOT_SUSPENDED", "authenticate", enterprise: Enterprise, context) if
  not is_suspended_human(person, enterprise, context);
meets(person: Person, "NOT_SUSPENDED", "authenticate", enterprise: Enterprise, context) if
  representative_today(person, enterprise, context);

# --- deciding it -----------------------------------------------------------------------------------------------------

# A reviewer of the platform decides what nobody has decided: neither the applicant nor one who belongs or belonged to
# the enterprise.
#@ M-15 R-08
requires("decide", _: EnterpriseAuthentication, "REVIEWER");
requires("decide", _: EnterpriseAuthentication, "NO_REVIEW_CONFLICT");
requires("decide", _: EnterpriseAuthentication, "CERTIFICATION_OPEN");
requires("decide", _: EnterpriseAuthentication, "DECIDED_BY_ONE");
meets(person: Person, "REVIEWER", "decide", _: EnterpriseAuthentication, _) if is_reviewer(person);
meets(person: Person, "NO_REVIEW_CONFLICT", "decide", certification: EnterpriseAuthentication, _) if
  not account_id(person, certification.applicant_id) and
  not has_belonged(person, certification.enterprise);
meets(_: Person, "CERTIFICATION_OPEN", "decide", certification: EnterpriseAuthentication, _) if
  is_undecided(certification);

has_belonged(person: Person, enterprise: Enterprise) if
  was_ever_member(person.id, enterprise) or
  was_ever_named(person.id, enterprise);

# The papers of a retrieval take two reviews of the case. A payment beside them arrived or did not: one looks.
#@ R-08 A-04
meets(_: Person, "DECIDED_BY_ONE", "decide", certification: EnterpriseAuthentication, _) if
  certification.purpose in ["FIRST", "INFO_CHANGE"];
meets(_: Person, "DECIDED_BY_ONE", "decide", certification: EnterpriseAuthentication, _) if
  certification.method = "BANK_TRANSFER";

# --- taking it back --------------------------------------------------------------------------------------------------

# Evidence is taken back by the person who gave it, until it is decided, and that of a retrieval until it is handed in.
#@ R-15
requires("withdraw", _: EnterpriseAuthentication, "OWN_CERTIFICATION");
requires("withdraw", _: EnterpriseAuthentication, "CERTIFICATION_OPEN");
requires("withdraw", _: EnterpriseAuthentication, "EVIDENCE_NOT_IN_REVIEW");
meets(person: Person, "OWN_CERTIFICATION", "withdraw", certification: EnterpriseAuthentication, _) if
  certification.applicant_id = person.id;
meets(_: Person, "CERTIFICATION_OPEN", "withdraw", certification: EnterpriseAuthentication, _) if
  is_undecided(certification);
meets(_: Person, "EVIDENCE_NOT_IN_REVIEW", "withdraw", certification: EnterpriseAuthentication, _) if
  certification.case_id = nil;
meets(_: Person, "EVIDENCE_NOT_IN_REVIEW", "withdraw", certification: EnterpriseAuthentication, _) if
  case = certification.case and
  case matches RetrievalCase and
  case.state in ["DRAFT", "CLAIMED", "CERTIFYING"];

# --- certifying a retrieval ------------------------------------------------------------------------------------------

# The applicant certifies their case while it waits for them: as a draft, while a claim is still to be answered, or as a
# next attempt after a rejection.
#@ R-05 R-15
requires("certify", _: RetrievalCase, "CASE_APPLICANT");
requires("certify", _: RetrievalCase, "CASE_CAN_BE_SUBMITTED");
requires("certify", _: RetrievalCase, "METHOD_OF_PATH");
requires("certify", _: RetrievalCase, "NOT_CLOSED");
requires("certify", _: RetrievalCase, "NOT_SUSPENDED");
requires("certify", _: RetrievalCase, "RETRIEVAL_STANDING");
requires("certify", _: RetrievalCase, "ATTEMPTS_LEFT");
meets(person: Person, "CASE_APPLICANT", "certify", case: RetrievalCase, _) if case.applicant_id = person.id;
meets(_: Person, "CASE_CAN_BE_SUBMITTED", "certify", case: RetrievalCase, context) if
  case.state in ["DRAFT", "CLAIMED", "CERTIFYING", "REJECTED"] and
  is_open_case(case, context);
meets(_: Person, "METHOD_OF_PATH", "certify", case: RetrievalCase, context: EvidenceContext) if
  method = context.method and
  method matches String and
  is_for_path(method, case.path);
meets(_: Person, "NOT_CLOSED", "certify", case: RetrievalCase, _) if
  case.enterprise.operating_state in ["ACTIVE", "FROZEN"];
meets(person: Person, "NOT_SUSPENDED", "certify", case: RetrievalCase, context) if
  not is_suspended_human(person, case.enterprise, context);
meets(person: Person, "NOT_SUSPENDED", "certify", case: RetrievalCase, context) if
  representative_today(person, case.enterprise, context);
meets(person: Person, "RETRIEVAL_STANDING", "certify", case: RetrievalCase, context) if
  not has_lost_standing(person, case, context);

# What is given counts as an attempt, and the attempt that is begun is one of those that are allowed.
#@ R-14
meets(_: Person, "ATTEMPTS_LEFT", "certify", case: RetrievalCase, context: EvidenceContext) if
  case.path = "LEGAL_REP_ONLINE" and
  begins_allowed_attempt(case, context) and
  context.own_attempts < context.parameters.retrieval_attempts and
  has_enterprises_left(context);
meets(_: Person, "ATTEMPTS_LEFT", "certify", case: RetrievalCase, context: EvidenceContext) if
  case.path = "DOCUMENTS" and
  begins_allowed_attempt(case, context) and
  context.attempts < context.parameters.retrieval_attempts and
  has_enterprises_left(context);
# A payment goes with the papers of its attempt, and is none of its own.
#@ A-04 R-14
meets(_: Person, "ATTEMPTS_LEFT", "certify", case: RetrievalCase, context: EvidenceContext) if
  context.method = "BANK_TRANSFER" and
  has_papers(case) and
  not has_payment(case) and
  has_enterprises_left(context);

# After a rejection it is the next one.
begins_allowed_attempt(case: RetrievalCase, _) if case.state != "REJECTED";
begins_allowed_attempt(case: RetrievalCase, context) if case.attempt < context.parameters.retrieval_attempts;

has_papers(case: RetrievalCase) if
  certification(case, found) and
  found.method in ["DOCUMENTS", "AUTH_LETTER"] and
  is_undecided(found);

has_payment(case: RetrievalCase) if
  found in case.certifications and
  found.attempt = case.attempt and
  found.method = "BANK_TRANSFER";

lapses(_: Person, "certify", case: RetrievalCase, context, at) if case_idle_lapses(case, context, at);

# A case is certified in the way that it was opened for.
#@ R-05
leads_nowhere("CERTIFY_LEGAL_REP_ONLINE", _: Person, case: RetrievalCase, _) if case.path != "LEGAL_REP_ONLINE";
leads_nowhere("SUBMIT_DOCUMENTS", _: Person, case: RetrievalCase, _) if case.path = "LEGAL_REP_ONLINE";
# Who opened one as the legal representative whom the registry does not name begins again with documents.
leads_nowhere("RETRIEVE_BY_DOCUMENTS", person: Person, resource, context) if
  not could_begin_again(person, resource, context);
parameter("RETRIEVE_BY_DOCUMENTS", "case_id", id, _: Person, case: RetrievalCase, _) if id = case.id;
parameter("RETRIEVE_BY_DOCUMENTS", "enterprise_id", id, _: Person, case: RetrievalCase, _) if id = case.enterprise_id;

could_begin_again(person: Person, case: RetrievalCase, _) if
  case.path = "LEGAL_REP_ONLINE" and
  case.applicant_id = person.id;
