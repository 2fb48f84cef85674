# The licence of an enterprise, as the registry shows it now, and what follows from it.
#
# Being listed as abnormal (a report that was not filed, an address at which nobody was found) takes no capacity away:
# business goes on, those who watch are told, and a person who would retrieve the enterprise by papers proves more. A
# licence that was revoked or cancelled carries no seal. In a liquidation the committee speaks for the company, in a
# bankruptcy the administrator; neither acts here, and the authority that the legal representative has, and gave to
# others, rests until they have decided. (Company Law on liquidation; Enterprise Bankruptcy Law 25; rules on the list of
# abnormal operations.)

is_listed_as_abnormal(enterprise: Enterprise) if
  snapshot in enterprise.registry_snapshots and
  snapshot.is_current = true and
  snapshot.status = "ABNORMAL";

is_in_liquidation(enterprise: Enterprise) if
  snapshot in enterprise.registry_snapshots and
  snapshot.is_current = true and
  snapshot.status in ["LIQUIDATION", "BANKRUPTCY"];

# Those who watch learn of every use of a seal for a company that is listed as abnormal.
#@ A-04
obligation(_: Person, "use", seal: Seal, _, "ALERT_ABNORMAL_LICENCE") if is_listed_as_abnormal(seal.enterprise);
obligation(_: Person, "auto_use", seal: Seal, _, "ALERT_ABNORMAL_LICENCE") if is_listed_as_abnormal(seal.enterprise);
obligation(_: Person, "emergency_use", seal: Seal, _, "ALERT_ABNORMAL_LICENCE") if
  is_listed_as_abnormal(seal.enterprise);
obligation(_: Person, "stamp", seal: Seal, _, "ALERT_ABNORMAL_LICENCE") if is_listed_as_abnormal(seal.enterprise);
obligation(_: Person, "carry_out", seal: Seal, _, "ALERT_ABNORMAL_LICENCE") if is_listed_as_abnormal(seal.enterprise);

# A licence that was not looked up lately is looked up again: what the registry said carries a seal for so long, and an
# answer ends with it.
#@ U-26
because("LICENCE_EXISTING", "REGISTRY_STALE", _: Person, resource, context) if
  owner(resource, context, enterprise) and
  has_stale_licence(enterprise, context);

lapses(_: Person, ["use", "auto_use", "emergency_use", "stamp", "carry_out"], seal: Seal, context, at) if
  licence_lapses(seal.enterprise, context, at);
lapses(_: Person, "sign", task: SigningTask, context, at) if
  owner(task, context, enterprise) and
  licence_lapses(enterprise, context, at);
lapses(_: Person, "seal", use: SealUse, context, at) if
  owner(use, context, enterprise) and
  licence_lapses(enterprise, context, at);

licence_lapses(enterprise: Enterprise, context, at) if
  snapshot in enterprise.registry_snapshots and
  snapshot.is_current = true and
  at = snapshot.fetched_at + context.parameters.licence_valid_for and
  context.now < at;

# What stands in the way of a seal, and of the representative whose authority rests: nobody can mend it here.
#@ A-04
because("LICENCE_EXISTING", "ENTERPRISE_IN_LIQUIDATION", _: Person, seal: Seal, _) if
  is_in_liquidation(seal.enterprise);
because(["MEMBER", "ON_RECORD_AS_MEMBER"], "ENTERPRISE_IN_LIQUIDATION", person: Person, resource, context) if
  owner(resource, context, enterprise) and
  is_in_liquidation(enterprise) and
  registry_names(person.id, enterprise) and
  not belongs(person, enterprise, context);

# --- retrieving what is listed as abnormal ---------------------------------------------------------------------------

# An address at which nobody is found is also what a thief of a company would look for. Papers alone are not enough
# then: three reviewers have passed them, and the company paid from its own account.
#@ A-04
has_third_review(case: RetrievalCase, _: RetrievalReview, _: RetrievalReview) if
  not is_listed_as_abnormal(case.enterprise);
has_third_review(case: RetrievalCase, first: RetrievalReview, second: RetrievalReview) if
  passed_review(case, third) and
  third.staff.person_id != first.staff.person_id and
  third.staff.person_id != second.staff.person_id;

because("REVIEWED", "THIRD_REVIEW_PENDING", _: Person, case: RetrievalCase, _) if
  case.path = "DOCUMENTS" and
  is_listed_as_abnormal(case.enterprise) and
  passed_review(case, first) and
  passed_review(case, second) and
  first.staff.person_id != second.staff.person_id and
  not has_third_review(case, first, second);

requires("submit", _: RetrievalCase, "PAID_FROM_ACCOUNT");
requires("execute", _: RetrievalCase, "PAID_FROM_ACCOUNT");
meets(_: Person, "PAID_FROM_ACCOUNT", "submit", case: RetrievalCase, _) if
  payment_of(case, payment) and
  payment.state in ["SUBMITTED", "IN_REVIEW", "PASSED"];
meets(_: Person, "PAID_FROM_ACCOUNT", "execute", case: RetrievalCase, context) if
  payment_of(case, payment) and
  payment.state = "PASSED" and
  is_rightly_decided(payment, case.enterprise, context);
# The registry and the representative's own face speak for the other path; and where nothing is listed, papers are
# enough.
meets(_: Person, "PAID_FROM_ACCOUNT", "submit", case: RetrievalCase, _) if needs_no_payment(case);
meets(_: Person, "PAID_FROM_ACCOUNT", "execute", case: RetrievalCase, _) if needs_no_payment(case);

needs_no_payment(case: RetrievalCase) if case.path = "LEGAL_REP_ONLINE";
needs_no_payment(case: RetrievalCase) if not is_listed_as_abnormal(case.enterprise);

# The payment goes beside the papers of the same attempt: it is no certification in their place.
payment_of(case: RetrievalCase, payment) if
  payment in case.certifications and
  payment.purpose = "RETRIEVAL" and
  payment.method = "BANK_TRANSFER" and
  payment.attempt = case.attempt and
  payment.applicant_id = case.applicant_id and
  papers in case.certifications and
  papers.purpose = "RETRIEVAL" and
  papers.method in ["DOCUMENTS", "AUTH_LETTER"] and
  papers.attempt = case.attempt and
  papers.applicant_id = case.applicant_id and
  papers.state in ["SUBMITTED", "IN_REVIEW", "PASSED"];
