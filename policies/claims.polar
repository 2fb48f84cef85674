# A claim that the administrator has gone: anybody connected with the enterprise may make it immediately, and it moves no power.
#
# A signatory judges from the name and phone that they are shown. So an administrator who was seen lately does not stop a
# claim; they are asked whether they are still in charge, with every other administrator and the legal representative, by
# every channel. An answer in time settles it: an application decided, a face shown, another administrator named. Silence
# lets the case go on to its certification (retrieval.polar). While it waits, nothing is held and nothing is frozen.

# --- claiming --------------------------------------------------------------------------------------------------------

# Who may retrieve may claim; where nobody has to be asked, the enterprise is retrieved without.
#@ R-01 R-07
requires("claim_admin_gone", _: Enterprise, "RETRIEVAL_STANDING");
requires("claim_admin_gone", _: Enterprise, "NOT_SUSPENDED");
requires("claim_admin_gone", _: Enterprise, "NO_OPEN_CASE");
requires("claim_admin_gone", _: Enterprise, "REASON_STATED");
requires("claim_admin_gone", _: Enterprise, "CLAIM_NEEDED");
requires("claim_admin_gone", _: Enterprise, "NOT_ANSWERED_LATELY");
requires("claim_admin_gone", _: Enterprise, "ATTEMPTS_LEFT");
meets(person: Person, "RETRIEVAL_STANDING", "claim_admin_gone", enterprise: Enterprise, context) if
  may_open_case(person, enterprise, context);
meets(person: Person, "NOT_SUSPENDED", "claim_admin_gone", enterprise: Enterprise, context) if
  not is_suspended_human(person, enterprise, context);
meets(_: Person, "NO_OPEN_CASE", "claim_admin_gone", enterprise: Enterprise, context) if
  not open_case(enterprise, _, context);
# An account that somebody took is no administrator who has gone.
meets(_: Person, "REASON_STATED", "claim_admin_gone", _: Enterprise, context) if
  context.reason in ["ADMIN_RESIGNED", "ADMIN_UNREACHABLE", "ADMIN_DECEASED", "ADMIN_DISPUTE"];
# Nobody asks themself, by whatever account.
meets(person: Person, "CLAIM_NEEDED", "claim_admin_gone", enterprise: Enterprise, context) if
  must_ask_administrators(person, enterprise, context) and
  responsive_administrator(person, enterprise, membership, context) and
  not account_id(person, membership.person_id);

# An administrator who answered that they are in charge is not asked by the same person again for a while.
#@ R-07
meets(person: Person, "NOT_ANSWERED_LATELY", "claim_admin_gone", enterprise: Enterprise, context) if
  not answered_lately(person, enterprise, _, context);

answered_lately(person: Person, enterprise: Enterprise, until, context) if
  account_id(person, id) and
  case in enterprise.retrieval_cases and
  case.applicant_id = id and
  case.in_charge_at > 0 and
  until = case.in_charge_at + context.parameters.claim_barred_for and
  context.now < until;

# Nobody claims this of one enterprise after the other, nor what they could not go on with.
#@ R-07 R-14
meets(_: Person, "ATTEMPTS_LEFT", "claim_admin_gone", _: Enterprise, context: AdminGoneContext) if
  context.claims < context.parameters.claim_limit and
  context.attempts < context.parameters.retrieval_attempts and
  has_enterprises_left(context);

lapses(person: Person, "claim_admin_gone", enterprise: Enterprise, context, at) if
  pending_application(person, enterprise, application, context) and
  at = application.expires_at;
lapses(person: Person, "claim_admin_gone", enterprise: Enterprise, context, at) if
  sent_task_lapses(person, enterprise, context, at);
lapses(person: Person, "claim_admin_gone", enterprise: Enterprise, context, at) if
  responsive_administrator(person, enterprise, membership, context) and
  at = membership.person.last_active_at + context.parameters.admin_responsive_within;

# A claim needs an administrator to be asked; and what was prepared for another claim may count as an attempt later.
lapses(person: Person, "claim_admin_gone", enterprise: Enterprise, context, at) if
  admin_lapses(person, enterprise, context, at);
lapses(_: Person, "claim_admin_gone", enterprise: Enterprise, context, at) if
  case in enterprise.retrieval_cases and
  context.now < case.claimed_until and
  at = case.claimed_until;

# --- answering -------------------------------------------------------------------------------------------------------

# An administrator answers once, with a fresh face check, while the claim waits. A co-administrator's answer is enough.
# The legal representative answers by naming another administrator, or by deciding the application.
#@ R-07
requires("answer_claim", _: RetrievalCase, "ENTERPRISE_ADMIN");
requires("answer_claim", _: RetrievalCase, "CLAIM_WAITS");
requires("answer_claim", _: RetrievalCase, "FRESH_FACE");
meets(person: Person, "ENTERPRISE_ADMIN", "answer_claim", case: RetrievalCase, context) if
  is_administrator(person, case.enterprise, context) and
  not account_id(person, case.applicant_id);
meets(_: Person, "CLAIM_WAITS", "answer_claim", case: RetrievalCase, context) if
  is_waiting_claim(case, context) and
  case.in_charge_at = 0;
meets(person: Person, "FRESH_FACE", "answer_claim", case: RetrievalCase, context) if
  bound_face_check(
    context.verification, person, "RETRIEVE", "RetrievalCase", case.id, context.parameters.face_for_retrieval, context);

obligation(_: Person, "answer_claim", _: RetrievalCase, _, "CONSUME_VERIFICATION");
obligation_parameter(
  "CONSUME_VERIFICATION", "verification_id", id, _: Person, "answer_claim", _: RetrievalCase, context) if
  check_id(context.verification, id);

lapses(person: Person, "answer_claim", case: RetrievalCase, context, at) if case_face_lapses(person, case, context, at);
lapses(person: Person, "answer_claim", case: RetrievalCase, context, at) if
  admin_lapses(person, case.enterprise, context, at);
lapses(_: Person, "answer_claim", case: RetrievalCase, _, at) if at = case.claimed_until;
lapses(_: Person, "answer_claim", case: RetrievalCase, context, at) if case_idle_lapses(case, context, at);

# Those in charge are written to while the claim waits, and its applicant prepares the case while they are connected.
lapses(_: Person, "publish_notice", case: RetrievalCase, context, at) if
  context.now < case.claimed_until and
  at = case.claimed_until;
lapses(person: Person, ["certify", "submit", "execute"], case: RetrievalCase, context, at) if
  case.claimed_until > 0 and
  pending_application(person, case.enterprise, application, context) and
  at = application.expires_at;
lapses(person: Person, ["certify", "submit", "execute"], case: RetrievalCase, context, at) if
  case.claimed_until > 0 and
  sent_task_lapses(person, case.enterprise, context, at);

# --- silence ---------------------------------------------------------------------------------------------------------

# Silence is that of those who were asked: not of an administrator who came, or came back, later.
was_asked(case: RetrievalCase, person_id) if
  notice in case.notices and
  notice.person_id = person_id and
  notice.state in ["ACCEPTED", "FAILED"] and
  case.opened_at <= notice.sent_at and
  notice.sent_at < case.claimed_until;

# Until then the case is prepared, and waits.
#@ R-07
requires("submit", _: RetrievalCase, "CLAIM_UNANSWERED");
meets(_: Person, "CLAIM_UNANSWERED", "submit", case: RetrievalCase, context) if case.claimed_until <= context.now;
because("CLAIM_UNANSWERED", "NOTICE_NOT_GIVEN", _: Person, case: RetrievalCase, context) if
  is_waiting_claim(case, context) and
  not is_clock_running(case);
because("CASE_CAN_BE_SUBMITTED", "CLAIM_OVER", _: Person, case: RetrievalCase, context) if
  is_settled_claim(case) and
  not is_open_case(case, context);
parameter("WAIT_UNTIL", "wait_until", at, _: Person, case: RetrievalCase, context) if
  is_waiting_claim(case, context) and
  is_clock_running(case) and
  at = case.claimed_until;
parameter("WAIT_UNTIL", "wait_until", at, person: Person, enterprise: Enterprise, context: AdminGoneContext) if
  answered_lately(person, enterprise, at, context);
