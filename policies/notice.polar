# The notice of a retrieval: when its time begins to run.
#
# The platform writes to everybody concerned by every channel that it has, and what became of each writing is a fact that
# the platform owns (NoticeDelivery). A reviewer lets the time run once every one of them was answered for: what was
# delivered counts; where a channel is dead, or nobody is there to be told, the notice is made public beside it, and takes
# the long time (retrieval.polar). Those who are asked about a claim (claims.polar) are written to in the same way.

# A reviewer who is not concerned does it, for a case that waits for its notice.
#@ R-10
requires("publish_notice", _: RetrievalCase, "REVIEWER");
requires("publish_notice", _: RetrievalCase, "NO_REVIEW_CONFLICT");
requires("publish_notice", _: RetrievalCase, "CASE_IN_NOTICE");
requires("publish_notice", _: RetrievalCase, "NOTICE_NOT_RUNNING");
requires("publish_notice", _: RetrievalCase, "NOTICES_SENT");
meets(person: Person, "REVIEWER", "publish_notice", _: RetrievalCase, _) if is_reviewer(person);
meets(person: Person, "NO_REVIEW_CONFLICT", "publish_notice", case: RetrievalCase, _) if
  not account_id(person, case.applicant_id) and
  not is_biased_reviewer(person.id, case);
meets(_: Person, "CASE_IN_NOTICE", "publish_notice", case: RetrievalCase, context) if
  case.state in ["NOTICE", "OBJECTED"] and
  is_open_case(case, context);
meets(_: Person, "CASE_IN_NOTICE", "publish_notice", case: RetrievalCase, context) if
  is_waiting_claim(case, context) and
  is_open_case(case, context);
# Time that runs is not begun again, and is not waited for either.
meets(_: Person, "NOTICE_NOT_RUNNING", "publish_notice", case: RetrievalCase, context) if
  case.state != "CLAIMED" and
  not notice_runs(case, context);
meets(_: Person, "NOTICE_NOT_RUNNING", "publish_notice", case: RetrievalCase, _) if
  case.state = "CLAIMED" and
  not is_clock_running(case);
# Nobody is passed over: of every one of them some writing was delivered, or could not be.
meets(_: Person, "NOTICES_SENT", "publish_notice", case: RetrievalCase, context) if
  forall(to_be_told(case, person_id, context), is_answered_for(case, person_id, context));

is_answered_for(case: RetrievalCase, person_id, context) if
  notice in case.notices and
  notice.person_id = person_id and
  notice.state in ["ACCEPTED", "FAILED"] and
  is_about_case_now(notice, case) and
  notice.sent_at <= context.now;

is_reached(case: RetrievalCase, person_id, context) if
  notice in case.notices and
  notice.person_id = person_id and
  notice.state = "ACCEPTED" and
  is_about_case_now(notice, case) and
  notice.sent_at <= context.now;

is_about_case_now(notice: NoticeDelivery, case: RetrievalCase) if is_of_this_attempt(notice, case);
is_about_case_now(notice: NoticeDelivery, case: RetrievalCase) if
  case.state = "CLAIMED" and
  case.opened_at <= notice.sent_at;

to_be_told(case: RetrievalCase, person_id, context) if
  case.state != "CLAIMED" and
  concerned_now(case, person_id, context);
to_be_told(case: RetrievalCase, person_id, context) if
  case.state = "CLAIMED" and
  asked_now(case, person_id, context);

# A claim asks the administrators who can act, and the legal representative.
#@ R-07
asked_now(case: RetrievalCase, person_id, context) if
  administrator(case.enterprise, membership, context) and
  person_id = membership.person_id and
  not are_one_human(person_id, case.applicant_id, case.enterprise);
asked_now(case: RetrievalCase, person_id, _) if named_now(case, person_id);

# Whom the notice must reach if it runs from now on (must_be_notified, retrieval.polar).
concerned_now(case: RetrievalCase, person_id, context) if
  membership in case.enterprise.memberships and
  assignment in membership.assignments and
  is_officer_role(assignment.role) and
  is_active_assignment(assignment, context) and
  person_id = membership.person_id and
  not are_one_human(person_id, case.applicant_id, case.enterprise);
concerned_now(case: RetrievalCase, person_id, context) if
  membership in case.enterprise.memberships and
  office_of_suspended(membership, _, context) and
  person_id = membership.person_id and
  not are_one_human(person_id, case.applicant_id, case.enterprise);
concerned_now(case: RetrievalCase, person_id, _) if named_now(case, person_id);

named_now(case: RetrievalCase, person_id) if
  snapshot in case.enterprise.registry_snapshots and
  snapshot.is_current = true and
  person_id = snapshot.legal_rep_id and
  person_id matches String and
  not are_one_human(person_id, case.applicant_id, case.enterprise);

# Where somebody was not reached, or there is nobody to reach, the notice is made public.
#@ R-10
obligation(_: Person, "publish_notice", case: RetrievalCase, context, "MAKE_NOTICE_PUBLIC") if
  to_be_told(case, person_id, context) and
  not is_reached(case, person_id, context);
obligation(_: Person, "publish_notice", case: RetrievalCase, context, "MAKE_NOTICE_PUBLIC") if
  not to_be_told(case, _, context);
