# Enterprise retrieval: taking an enterprise back whose administrator is gone.
#
# Claiming that the administrator resigned opens a case; it never moves power, and asks those in charge first
# (claims.polar). Power moves in one transaction when the case is executed: after certification, review, notice, and
# without an open objection. Those who lose the enterprise by it can appeal.

# --- opening a case --------------------------------------------------------------------------------------------------

# A verified person who is connected to the enterprise: legal representative, pending application, own open task, or
# active member without the administrator's role.
#@ R-01
requires("retrieve", _: Enterprise, "RETRIEVAL_STANDING");
meets(person: Person, "RETRIEVAL_STANDING", "retrieve", enterprise: Enterprise, context) if
  may_open_case(person, enterprise, context);

may_open_case(person: Person, enterprise: Enterprise, context) if representative_today(person, enterprise, context);
may_open_case(person: Person, enterprise: Enterprise, context) if is_applicant(person, enterprise, context);
may_open_case(person: Person, enterprise: Enterprise, context) if has_open_sent_task(person, enterprise, context);
may_open_case(person: Person, enterprise: Enterprise, context) if
  is_member(person, enterprise, context) and
  not has_active_role(person, enterprise, "SYSTEM_ADMIN", context);

# A suspended member retrieves nothing, unless they are the legal representative.
#@ M-13
requires("retrieve", _: Enterprise, "NOT_SUSPENDED");
requires("submit", _: RetrievalCase, "NOT_SUSPENDED");
requires("execute", _: RetrievalCase, "NOT_SUSPENDED");
meets(person: Person, "NOT_SUSPENDED", "retrieve", enterprise: Enterprise, context) if
  not is_suspended_human(person, enterprise, context);
meets(person: Person, "NOT_SUSPENDED", "retrieve", enterprise: Enterprise, context) if
  representative_today(person, enterprise, context);
meets(person: Person, "NOT_SUSPENDED", "submit", case: RetrievalCase, context) if
  not is_suspended_human(person, case.enterprise, context);
meets(person: Person, "NOT_SUSPENDED", "submit", case: RetrievalCase, context) if
  representative_today(person, case.enterprise, context);
meets(person: Person, "NOT_SUSPENDED", "execute", case: RetrievalCase, context) if
  not is_suspended_human(person, case.enterprise, context);
meets(person: Person, "NOT_SUSPENDED", "execute", case: RetrievalCase, context) if
  representative_today(person, case.enterprise, context);

# A person who opened the case as a member and has left or was sent away since is a stranger, unless something else
# connects them.
#@ R-01
requires("submit", _: RetrievalCase, "RETRIEVAL_STANDING");
requires("execute", _: RetrievalCase, "RETRIEVAL_STANDING");
meets(person: Person, "RETRIEVAL_STANDING", "submit", case: RetrievalCase, context) if
  not has_lost_standing(person, case, context);
meets(person: Person, "RETRIEVAL_STANDING", "execute", case: RetrievalCase, context) if
  not has_lost_standing(person, case, context);

# A claim is only as good as what still connects its applicant.
has_lost_standing(person: Person, case: RetrievalCase, context) if
  case.claimed_until > 0 and
  not may_open_case(person, case.enterprise, context);
has_lost_standing(person: Person, case: RetrievalCase, context) if
  membership in case.enterprise.memberships and
  membership.person_id = person.id and
  not is_suspended_now(membership, context) and
  not is_live(membership, context) and
  case.opened_at < membership.ended_at and
  not is_member(person, case.enterprise, context) and
  not representative_today(person, case.enterprise, context) and
  not is_applicant(person, case.enterprise, context) and
  not has_open_sent_task(person, case.enterprise, context);

# Whose case an upheld objection ended opens no other one for a while, and claims nothing: the enterprise is not to
# answer the same again at once. The legal representative may.
#@ R-07 R-09
requires("retrieve", _: Enterprise, "NO_UPHELD_OBJECTION");
requires("claim_admin_gone", _: Enterprise, "NO_UPHELD_OBJECTION");
meets(person: Person, "NO_UPHELD_OBJECTION", "retrieve", enterprise: Enterprise, context) if
  not was_objected_to_lately(person, enterprise, _, context);
meets(person: Person, "NO_UPHELD_OBJECTION", "retrieve", enterprise: Enterprise, context) if
  representative_today(person, enterprise, context);
meets(person: Person, "NO_UPHELD_OBJECTION", "claim_admin_gone", enterprise: Enterprise, context) if
  not was_objected_to_lately(person, enterprise, _, context);
parameter("WAIT_UNTIL", "wait_until", at, person: Person, enterprise: Enterprise, context: RetrievalContext) if
  was_objected_to_lately(person, enterprise, at, context);

# The review that upheld it dates it.
was_objected_to_lately(person: Person, enterprise: Enterprise, until, context) if
  account_id(person, id) and
  case in enterprise.retrieval_cases and
  case.applicant_id = id and
  case.state = "REJECTED_FINAL" and
  refused_review(case, review) and
  until = review.decided_at + context.parameters.claim_barred_for and
  context.now < until;

# R-03: One open case per enterprise; others learn that there is one, and no more. The legal representative's path
# stands above a case of anybody else that is not executed yet.
#@ R-03 A-10
requires("retrieve", _: Enterprise, "NO_OPEN_CASE");
meets(_: Person, "NO_OPEN_CASE", "retrieve", enterprise: Enterprise, context) if not open_case(enterprise, _, context);
meets(person: Person, "NO_OPEN_CASE", "retrieve", enterprise: Enterprise, context) if
  representative_today(person, enterprise, context) and
  not is_retrieving(person, enterprise, context);

# The case that is superseded, or that its applicant let lie, ends in the transaction that opens the new one.
#@ R-03 A-10
obligation(_: Person, ["retrieve", "claim_admin_gone"], enterprise: Enterprise, _, "END_UNFINISHED_CASE") if
  unfinished_case(enterprise, _);
obligation_parameter(
  "END_UNFINISHED_CASE", "case_id", id, _: Person, ["retrieve", "claim_admin_gone"], enterprise: Enterprise, _) if
  unfinished_case(enterprise, case) and
  id = case.id;

unfinished_case(enterprise: Enterprise, case) if
  case in enterprise.retrieval_cases and
  case.state in ["DRAFT", "CLAIMED", "CERTIFYING", "IN_REVIEW", "NOTICE", "OBJECTED", "APPROVED", "REJECTED"];

# A retrieval states its reason.
#@ R-04
requires("retrieve", _: Enterprise, "REASON_STATED");
meets(_: Person, "REASON_STATED", "retrieve", _: Enterprise, context) if
  context.reason in ["ADMIN_RESIGNED", "ADMIN_UNREACHABLE", "ADMIN_DECEASED", "ADMIN_DISPUTE", "ACCOUNT_TAKEN"];

# R-14: The certifications for one enterprise, and the enterprises that one person tries to retrieve, are limited within
# a time. What a submission is counted with is its own certification, so the last attempt allowed still counts as one of
# them. The attempts of the legal representative and those of others do not count against each other.
#@ R-14 A-10
requires("retrieve", _: Enterprise, "ATTEMPTS_LEFT");
requires("submit", _: RetrievalCase, "ATTEMPTS_LEFT");
meets(_: Person, "ATTEMPTS_LEFT", "retrieve", _: Enterprise, context) if
  context.attempts < context.parameters.retrieval_attempts and
  has_enterprises_left(context);
meets(person: Person, "ATTEMPTS_LEFT", "retrieve", enterprise: Enterprise, context) if
  representative_today(person, enterprise, context) and
  context.own_attempts < context.parameters.retrieval_attempts and
  has_enterprises_left(context);
meets(_: Person, "ATTEMPTS_LEFT", "submit", case: RetrievalCase, context) if
  case.path = "LEGAL_REP_ONLINE" and
  case.attempt <= context.parameters.retrieval_attempts and
  context.own_attempts <= context.parameters.retrieval_attempts and
  has_enterprises_left(context);
meets(_: Person, "ATTEMPTS_LEFT", "submit", case: RetrievalCase, context) if
  case.path = "DOCUMENTS" and
  case.attempt <= context.parameters.retrieval_attempts and
  context.attempts <= context.parameters.retrieval_attempts and
  has_enterprises_left(context);

has_enterprises_left(context: RetrievalContext) if
  context.enterprises < context.parameters.retrieval_enterprises;

# R-07: While another administrator answers, the applicant asks them instead of retrieving; the legal representative
# need not.
#@ R-07
requires("retrieve", _: Enterprise, "ADMIN_GONE");
meets(person: Person, "ADMIN_GONE", "retrieve", enterprise: Enterprise, context) if
  not responsive_administrator(person, enterprise, _, context);
meets(person: Person, "ADMIN_GONE", "retrieve", enterprise: Enterprise, context) if
  representative_today(person, enterprise, context);
meets(person: Person, "ADMIN_GONE", "retrieve", enterprise: Enterprise, context) if
  administrators_do_not_answer(person, enterprise, _, context);
requires("execute", _: RetrievalCase, "ADMIN_GONE");
meets(person: Person, "ADMIN_GONE", "execute", case: RetrievalCase, context) if
  case.path = "DOCUMENTS" and
  not responsive_administrator(person, case.enterprise, _, context);
meets(_: Person, "ADMIN_GONE", "execute", case: RetrievalCase, _) if case.path = "LEGAL_REP_ONLINE";
meets(person: Person, "ADMIN_GONE", "execute", case: RetrievalCase, context) if
  case.path = "DOCUMENTS" and
  administrators_do_not_answer(person, case.enterprise, _, context);
meets(person: Person, "ADMIN_GONE", "execute", case: RetrievalCase, context) if
  case.path = "DOCUMENTS" and
  went_unanswered(case, context) and
  forall(responsive_administrator(person, case.enterprise, membership, context), was_asked(case, membership.person_id));
# Reminding goes on while there are reminders left, waiting while the last one may still be answered.
because("ADMIN_GONE", "ADMIN_HAS_TIME", person: Person, enterprise: Enterprise, context) if
  must_ask_administrators(person, enterprise, context) and
  answer_may_still_come(person, enterprise, _, context);
because("ADMIN_GONE", "ADMIN_BUSY", person: Person, enterprise: Enterprise, context) if
  must_ask_administrators(person, enterprise, context) and
  has_used_up_reminders(person, enterprise, context) and
  not answer_may_still_come(person, enterprise, _, context);

because("ADMIN_GONE", "ADMIN_BUSY", person: Person, case: RetrievalCase, context) if
  case.path = "DOCUMENTS" and
  responsive_administrator(person, case.enterprise, _, context) and
  not administrators_do_not_answer(person, case.enterprise, _, context) and
  has_used_up_reminders(person, case.enterprise, context);

# The legal representative need not ask them, but the registry.
#@ A-14
because("ADMIN_GONE", "REGISTRY_STALE", person: Person, enterprise: Enterprise, context) if
  must_ask_administrators(person, enterprise, context) and
  representing_snapshot(person, enterprise, _);
because("NO_OPEN_CASE", "REGISTRY_STALE", person: Person, enterprise: Enterprise, context) if
  open_case(enterprise, _, context) and
  not is_retrieving(person, enterprise, context) and
  is_stale_representative(person, enterprise, context);
because("RETRIEVAL_STANDING", "REGISTRY_STALE", person: Person, enterprise: Enterprise, context) if
  is_stale_representative(person, enterprise, context) and
  not is_applicant(person, enterprise, context) and
  not has_open_sent_task(person, enterprise, context) and
  not is_member(person, enterprise, context);

must_ask_administrators(person: Person, enterprise: Enterprise, context) if
  not representative_today(person, enterprise, context) and
  responsive_administrator(person, enterprise, _, context) and
  not administrators_do_not_answer(person, enterprise, _, context);

responsive_administrator(person: Person, enterprise: Enterprise, membership, context) if
  administrator(enterprise, membership, context) and
  membership.person_id != person.id and
  context.now < membership.person.last_active_at + context.parameters.admin_responsive_within;

# Administrators who are busy elsewhere are not there for this enterprise: nobody answered an application within three
# days of its last reminder, and none of them did anything else in this enterprise since. What anybody can bring about
# alone shows nothing: it takes a member, or the holder of a task that somebody unconnected sent. Any answer ends it.
#@ R-07
administrators_do_not_answer(person: Person, enterprise: Enterprise, application, context) if
  unanswered_application(enterprise, application, context) and
  application.last_reminded_at + context.parameters.admin_unresponsive_after <= context.now and
  has_independent_standing(person, enterprise, context);

# … and while the last reminder may still be answered: until `at`.
answer_may_still_come(person: Person, enterprise: Enterprise, at, context) if
  unanswered_application(enterprise, application, context) and
  at = application.last_reminded_at + context.parameters.admin_unresponsive_after and
  context.now < at and
  has_independent_standing(person, enterprise, context);

unanswered_application(enterprise: Enterprise, application, context) if
  application in enterprise.applications and
  application.state = "PENDING" and
  context.now < application.expires_at and
  application.reminders >= context.parameters.reminder_limit and
  application.last_reminded_at > 0 and
  not administrator_acted(enterprise, application.last_reminded_at, context);

has_used_up_reminders(person: Person, enterprise: Enterprise, context) if
  pending_application(person, enterprise, application, context) and
  application.reminders >= context.parameters.reminder_limit;

has_independent_standing(person: Person, enterprise: Enterprise, context) if is_member(person, enterprise, context);
has_independent_standing(person: Person, enterprise: Enterprise, context) if
  open_sent_task(person, enterprise, task, context) and
  not is_connected_to_sender(person, task.signatory.contract);

# A person who is or was in the sending enterprise, or at its head, could have sent it to themself.
is_connected_to_sender(person: Person, contract: Contract) if
  contract.initiated_by_id matches String and
  account_id(person, contract.initiated_by_id);
is_connected_to_sender(person: Person, contract: Contract) if
  account_of(person, account) and
  membership in account.memberships and
  membership.enterprise_id = contract.initiator_id;
is_connected_to_sender(person: Person, contract: Contract) if
  account_of(person, account) and
  snapshot in account.represented and
  snapshot.enterprise_id = contract.initiator_id;

# What an administrator leaves behind: an application decided, an invitation, a role given, an objection, a use
# approved, a right on a seal, an absence, a change of the rules, a resolution. An application is decided by them or by a
# person whom they trust with it; which of the two, is not asked.
administrator_acted(enterprise: Enterprise, since, _) if
  application in enterprise.applications and
  application.state in ["APPROVED", "REJECTED"] and
  application.decided_at >= since;
administrator_acted(enterprise: Enterprise, since, context) if
  invitation in enterprise.invitations and
  invitation.created_at >= since and
  holds_role(invitation.inviter, "SYSTEM_ADMIN", context);
administrator_acted(enterprise: Enterprise, since, context) if
  membership in enterprise.memberships and
  assignment in membership.assignments and
  assignment.valid_from >= since and
  assignment.granted_by_id matches String and
  administers(assignment.granted_by_id, enterprise, context);
administrator_acted(enterprise: Enterprise, since, context) if
  case in enterprise.retrieval_cases and
  objection in case.objections and
  objection.raised_at >= since and
  administers(objection.person_id, enterprise, context);
administrator_acted(enterprise: Enterprise, since, context) if
  seal in enterprise.seals and
  request in seal.use_requests and
  approval in request.approvals and
  approval.decided_at >= since and
  holds_role(approval.approver, "SYSTEM_ADMIN", context);

administrator_acted(enterprise: Enterprise, since, context) if
  seal in enterprise.seals and
  grant in seal.grants and
  is_done_by_administrator(grant.confirmed_by_id, grant.confirmed_at, enterprise, since, context);
administrator_acted(enterprise: Enterprise, since, context) if
  membership in enterprise.memberships and
  absence in membership.absences and
  is_done_by_administrator(absence.recorded_by_id, absence.recorded_at, enterprise, since, context);
administrator_acted(enterprise: Enterprise, since, context) if
  change in enterprise.rule_changes and
  is_done_by_administrator(change.proposed_by_id, change.proposed_at, enterprise, since, context);
administrator_acted(enterprise: Enterprise, since, context) if
  change in enterprise.rule_changes and
  is_done_by_administrator(change.confirmed_by_id, change.confirmed_at, enterprise, since, context);
administrator_acted(enterprise: Enterprise, since, context) if
  resolution in enterprise.resolutions and
  is_done_by_administrator(resolution.recorded_by_id, resolution.recorded_at, enterprise, since, context);
administrator_acted(enterprise: Enterprise, since, context) if
  resolution in enterprise.resolutions and
  is_done_by_administrator(resolution.confirmed_by_id, resolution.confirmed_at, enterprise, since, context);

is_done_by_administrator(person_id, at, enterprise: Enterprise, since, context) if
  at >= since and
  person_id matches String and
  administers(person_id, enterprise, context);

administers(person_id, enterprise: Enterprise, context) if
  membership in enterprise.memberships and
  membership.person_id = person_id and
  holds_role(membership, "SYSTEM_ADMIN", context);

# --- submitting ------------------------------------------------------------------------------------------------------

# R-15: Only the applicant submits a case, submits it again after a rejection, executes it or gives it up.
#@ R-15
requires("submit", _: RetrievalCase, "CASE_APPLICANT");
requires("execute", _: RetrievalCase, "CASE_APPLICANT");
meets(person: Person, "CASE_APPLICANT", "submit", case: RetrievalCase, _) if case.applicant_id = person.id;
meets(person: Person, "CASE_APPLICANT", "execute", case: RetrievalCase, _) if case.applicant_id = person.id;

requires("submit", _: RetrievalCase, "CASE_CAN_BE_SUBMITTED");
meets(_: Person, "CASE_CAN_BE_SUBMITTED", "submit", case: RetrievalCase, context) if
  case.state in ["DRAFT", "CLAIMED", "CERTIFYING", "REJECTED"] and
  is_open_case(case, context);
# A case that was let lie is over: a new one is opened.
#@ A-10
because("CASE_CAN_BE_SUBMITTED", "CASE_LEFT_IDLE", _: Person, case: RetrievalCase, context) if
  was_left_idle(case, context);
because("CASE_CAN_BE_EXECUTED", "CASE_LEFT_IDLE", _: Person, case: RetrievalCase, context) if
  was_left_idle(case, context);

# … whether or not somebody has written that down.
was_left_idle(case: RetrievalCase, _) if case.state = "EXPIRED";
was_left_idle(case: RetrievalCase, context) if
  unfinished_case(case.enterprise, case) and
  not is_settled_claim(case) and
  not is_open_case(case, context);

# R-05: A case is certified by documents or by the legal representative online, on registry data that was fetched
# lately.
#@ R-05
requires("submit", _: RetrievalCase, "CERTIFICATION_GIVEN");
requires("submit", _: RetrievalCase, "REGISTRY_FRESH");
requires("execute", _: RetrievalCase, "CERTIFICATION_PASSED");
requires("execute", _: RetrievalCase, "REGISTRY_FRESH");
meets(_: Person, "CERTIFICATION_GIVEN", "submit", case: RetrievalCase, _) if
  certification(case, certification) and
  certification.state in ["SUBMITTED", "IN_REVIEW", "PASSED"];
meets(_: Person, "CERTIFICATION_PASSED", "execute", case: RetrievalCase, context) if
  certification(case, certification) and
  certification.state = "PASSED" and
  is_rightly_decided(certification, case.enterprise, context);
meets(_: Person, "REGISTRY_FRESH", "submit", case: RetrievalCase, context) if registry_supports(case, context);
meets(_: Person, "REGISTRY_FRESH", "execute", case: RetrievalCase, context) if registry_supports(case, context);
because("REGISTRY_FRESH", "REGISTRY_NOT_EXISTING", _: Person, case: RetrievalCase, _) if is_struck_off(case.enterprise);
because("REGISTRY_FRESH", "LEGAL_REP_MISMATCH", _: Person, case: RetrievalCase, context) if
  registry_is_fresh(case, context) and
  case.path = "LEGAL_REP_ONLINE" and
  not is_registered_legal_rep(case, context);

# What the registry no longer lists in good order is a matter for the platform's staff.
is_struck_off(enterprise: Enterprise) if
  snapshot in enterprise.registry_snapshots and
  snapshot.is_current = true and
  not is_in_business(snapshot);

certification(case: RetrievalCase, found) if
  found in case.certifications and
  found.purpose = "RETRIEVAL" and
  found.attempt = case.attempt and
  found.applicant_id = case.applicant_id and
  is_for_path(found.method, case.path);

is_for_path("LEGAL_REP_ONLINE", "LEGAL_REP_ONLINE");
is_for_path("DOCUMENTS", "DOCUMENTS");
is_for_path("AUTH_LETTER", "DOCUMENTS");
is_for_path("BANK_TRANSFER", "DOCUMENTS");

registry_is_fresh(case: RetrievalCase, context) if fresh_snapshot(case.enterprise, _, context);

is_registered_legal_rep(case: RetrievalCase, context) if
  fresh_snapshot(case.enterprise, snapshot, context) and
  snapshot.is_matched = true and
  snapshot.legal_rep_id = case.applicant_id;

registry_supports(case: RetrievalCase, context) if
  case.path = "DOCUMENTS" and
  registry_is_fresh(case, context);
registry_supports(case: RetrievalCase, context) if
  case.path = "LEGAL_REP_ONLINE" and
  is_registered_legal_rep(case, context);

# R-06: The applicant shows their own face, at submission and again at execution.
#@ R-06
requires("submit", _: RetrievalCase, "FRESH_FACE");
requires("execute", _: RetrievalCase, "FRESH_FACE");
meets(person: Person, "FRESH_FACE", "submit", case: RetrievalCase, context) if
  bound_face_check(
    context.verification, person, "RETRIEVE", "RetrievalCase", case.id, context.parameters.face_for_retrieval, context);
meets(person: Person, "FRESH_FACE", "execute", case: RetrievalCase, context) if
  bound_face_check(
    context.verification, person, "RETRIEVE", "RetrievalCase", case.id, context.parameters.face_for_retrieval, context);
because("FRESH_FACE", "FACE_VERIFICATION_EXPIRED", person: Person, case: RetrievalCase, context) if
  stale_face_check(
    context.verification, person, "RETRIEVE", "RetrievalCase", case.id, context.parameters.face_for_retrieval, context);
because("FRESH_FACE", "FACE_VERIFICATION_ALREADY_USED", person: Person, case: RetrievalCase, context) if
  used_face_check(context.verification, person, "RETRIEVE", "RetrievalCase", case.id);

# --- review ----------------------------------------------------------------------------------------------------------

# R-08: Two reviewers decide: staff of the platform, neither applicant nor member of the enterprise, and nobody decides
# twice in one case.
#@ R-08
requires("review", _: RetrievalCase, "REVIEWER");
requires("review", _: RetrievalCase, "NO_REVIEW_CONFLICT");
requires("review", _: RetrievalCase, "CASE_IN_REVIEW");
meets(person: Person, "REVIEWER", "review", _: RetrievalCase, _) if is_reviewer(person);
meets(person: Person, "NO_REVIEW_CONFLICT", "review", case: RetrievalCase, _) if
  not account_id(person, case.applicant_id) and
  not is_biased_reviewer(person.id, case);
meets(_: Person, "CASE_IN_REVIEW", "review", case: RetrievalCase, _) if case.state = "IN_REVIEW";

# Two see more than one who looks twice: an attempt has one verdict of each person, from whatever post.
#@ R-08
requires("review", _: RetrievalCase, "NOT_REVIEWED_YET");
meets(person: Person, "NOT_REVIEWED_YET", "review", case: RetrievalCase, _) if
  not reviewed_attempt(person, case, case.attempt);

reviewed_attempt(person: Person, case: RetrievalCase, attempt) if
  review in case.reviews and
  review.attempt = attempt and
  account_id(person, review.staff.person_id);

# A person who is or was a member of the enterprise, or its legal representative, does not review its case.
is_biased_reviewer(person_id, case: RetrievalCase) if was_ever_member(person_id, case.enterprise);
is_biased_reviewer(person_id, case: RetrievalCase) if was_ever_named(person_id, case.enterprise);

is_reviewer(person: Person) if
  post in person.staff_posts and
  post.duty = "REVIEWER" and
  post.state = "ACTIVE";

# Two of them passed this attempt before the notice began, none refused it, and none who did either is in conflict. The
# legal representative's path needs no reviewers: the registry and their own face speak for them.
#@ R-08
requires("execute", _: RetrievalCase, "REVIEWED");
meets(_: Person, "REVIEWED", "execute", case: RetrievalCase, _) if case.path = "LEGAL_REP_ONLINE";
meets(_: Person, "REVIEWED", "execute", case: RetrievalCase, _) if
  case.path = "DOCUMENTS" and
  passed_review(case, first) and
  passed_review(case, second) and
  first.staff.person_id != second.staff.person_id and
  has_third_review(case, first, second) and
  not conflicted_review(case, _) and
  not refused_review(case, _);
because("REVIEWED", "REVIEWER_CONFLICT", _: Person, case: RetrievalCase, _) if
  case.path = "DOCUMENTS" and
  conflicted_review(case, _);

passed_review(case: RetrievalCase, review) if
  review in case.reviews and
  review.attempt = case.attempt and
  review.verdict = "PASSED" and
  review.staff.duty = "REVIEWER" and
  review.staff.person.same_as_id = nil and
  review.decided_at <= case.notice_from;

refused_review(case: RetrievalCase, review) if
  review in case.reviews and
  review.attempt = case.attempt and
  review.verdict != "PASSED";

conflicted_review(case: RetrievalCase, review) if
  review in case.reviews and
  review.attempt = case.attempt and
  is_of_reviewer(review, case.applicant_id);
conflicted_review(case: RetrievalCase, review) if
  review in case.reviews and
  review.attempt = case.attempt and
  is_biased_reviewer(review.staff.person_id, case);

# --- notice and objections -------------------------------------------------------------------------------------------

# R-09: A present administrator, the legal representative or a seal administrator may object within the notice, with a
# fresh face check; an open objection blocks the execution, except against the legal representative.
#@ R-09
requires("object", _: RetrievalCase, "OBJECTOR");
requires("object", _: RetrievalCase, "IN_NOTICE");
requires("object", _: RetrievalCase, "FRESH_FACE");
meets(person: Person, "OBJECTOR", "object", case: RetrievalCase, context) if
  may_object(person, case, context);
meets(_: Person, "IN_NOTICE", "object", case: RetrievalCase, context) if
  case.state in ["NOTICE", "OBJECTED"] and
  is_open_case(case, context) and
  not notice_is_over(case, context);
meets(person: Person, "FRESH_FACE", "object", case: RetrievalCase, context) if
  bound_face_check(
    context.verification, person, "RETRIEVE", "RetrievalCase", case.id, context.parameters.face_for_retrieval, context);

# R-17: A case concerns one enterprise: running its parent or a subsidiary gives no part in it.
#@ R-17
may_object(person: Person, case: RetrievalCase, context) if
  case.applicant_id != person.id and
  may_administer(person, case.enterprise, context);
may_object(person: Person, case: RetrievalCase, context) if
  case.applicant_id != person.id and
  may_manage_seals(person, case.enterprise, context);
# A person who was only suspended may still object, or one administrator could silence the others before letting a case
# pass.
may_object(person: Person, case: RetrievalCase, context) if
  case.applicant_id != person.id and
  is_active_and_verified(person) and
  suspended_office(person, case.enterprise, _, context);

# A role that would stand but for the suspension of its membership.
suspended_office(person: Person, enterprise: Enterprise, assignment, context) if
  membership in enterprise.memberships and
  membership.person_id = person.id and
  office_of_suspended(membership, assignment, context);

office_of_suspended(membership: Membership, assignment, context) if
  is_suspended_now(membership, context) and
  assignment in membership.assignments and
  assignment.state = "ACTIVE" and
  is_officer_role(assignment.role) and
  is_within_time(assignment, context);

# The roles that run an enterprise and its seals.
is_officer_role(role) if role in ["SYSTEM_ADMIN", "SEAL_ADMIN"];

is_suspended_officer(person: Person, enterprise: Enterprise, context) if
  suspended_office(person, enterprise, _, context);

lapses(person: Person, "object", case: RetrievalCase, context, at) if
  suspended_office(person, case.enterprise, assignment, context) and
  assignment_lapses(assignment, at);

# An open or upheld objection blocks execution, except against the legal representative's path.
#@ R-09
requires("execute", _: RetrievalCase, "NO_OPEN_OBJECTION");
meets(_: Person, "NO_OPEN_OBJECTION", "execute", case: RetrievalCase, context) if
  case.path = "DOCUMENTS" and
  not has_standing_objection(case, context);
meets(_: Person, "NO_OPEN_OBJECTION", "execute", case: RetrievalCase, _) if case.path = "LEGAL_REP_ONLINE";

has_standing_objection(case: RetrievalCase, _) if
  objection in case.objections and
  objection.state != "DISMISSED";
# A dismissal that two have not found is none.
has_standing_objection(case: RetrievalCase, context) if
  objection in case.objections and
  not is_dismissed_by_two(objection, case, context);

# A reviewer who decides an objection writes a review of the attempt. It counts if they had not judged the case before
# the objection was raised: a reviewer who let the case pass would judge their own work.
is_dismissed_by_two(objection: Objection, case: RetrievalCase, context) if
  dismissing_review(objection, case, first, context) and
  dismissing_review(objection, case, second, context) and
  first.staff.person_id != second.staff.person_id;

dismissing_review(objection: Objection, case: RetrievalCase, review, context) if
  review in case.reviews and
  review.attempt = case.attempt and
  review.verdict = "PASSED" and
  review.staff.duty = "REVIEWER" and
  review.staff.person.same_as_id = nil and
  not is_by_reviewer(objection, review.staff.person_id) and
  review.decided_at <= context.now and
  not judged_before(review, objection, case);

judged_before(review: RetrievalReview, objection: Objection, case: RetrievalCase) if
  earlier in case.reviews and
  is_of_reviewer(earlier, review.staff.person_id) and
  earlier.decided_at < objection.raised_at;

is_by_reviewer(objection: Objection, person_id) if objection.person_id = person_id;
is_by_reviewer(objection: Objection, person_id) if
  counting_id = objection.person.same_as_id and
  counting_id matches String and
  counting_id = person_id;

is_of_reviewer(review: RetrievalReview, person_id) if review.staff.person_id = person_id;
is_of_reviewer(review: RetrievalReview, person_id) if
  counting_id = review.staff.person.same_as_id and
  counting_id matches String and
  counting_id = person_id;

# R-10: Nothing is executed before the notice has ended: long after documents, short for the legal representative. The
# clock runs from `notice_from`, and only if by then each of those concerned was reached by some channel, or a public
# notice stood in. A public notice reaches fewer, so it takes the long time on either path.
#@ R-10
requires("execute", _: RetrievalCase, "NOTICE_OVER");
meets(_: Person, "NOTICE_OVER", "execute", case: RetrievalCase, context) if notice_is_over(case, context);
because("NOTICE_OVER", "NOTICE_NOT_GIVEN", _: Person, case: RetrievalCase, context) if not notice_runs(case, context);

notice_end(case: RetrievalCase, context, at) if
  is_short_notice(case, context) and
  at = case.notice_from + context.parameters.notice_legal_rep;
notice_end(case: RetrievalCase, context, at) if
  notice_runs(case, context) and
  not is_short_notice(case, context) and
  at = case.notice_from + context.parameters.notice_documents;

is_short_notice(case: RetrievalCase, context) if
  case.path = "LEGAL_REP_ONLINE" and
  everyone_is_notified(case, context);

# Papers are not looked at by a public of nobody: where there is none to be told, it takes the public notice.
notice_runs(case: RetrievalCase, context) if is_short_notice(case, context);
notice_runs(case: RetrievalCase, context) if
  case.path = "DOCUMENTS" and
  everyone_is_notified(case, context) and
  must_be_notified(case, _, context);
notice_runs(case: RetrievalCase, _) if
  case.published_at > 0 and
  case.claimed_until <= case.published_at and
  case.published_at <= case.notice_from;

everyone_is_notified(case: RetrievalCase, context) if
  case.notice_from > 0 and
  forall(must_be_notified(case, person_id, context), is_notified(case, person_id));

is_notified(case: RetrievalCase, person_id) if
  notice in case.notices and
  notice.person_id = person_id and
  notice.state = "ACCEPTED" and
  is_of_this_attempt(notice, case) and
  notice.sent_at <= case.notice_from;

# Nobody was told of a case before it was opened, nor of an attempt before its evidence came in. Asking about a claim
# is no notice of the case that it became.
is_of_this_attempt(notice: NoticeDelivery, case: RetrievalCase) if
  case.opened_at <= notice.sent_at and
  case.claimed_until <= notice.sent_at and
  forall(certification(case, found), found.submitted_at <= notice.sent_at);

# The administrators and seal administrators whose role had begun when the notice did, whether they can act or not,
# suspended ones too, and the legal representative. A person who is appointed later cannot stop the clock.
must_be_notified(case: RetrievalCase, person_id, context) if
  membership in case.enterprise.memberships and
  assignment in membership.assignments and
  is_officer_role(assignment.role) and
  is_active_assignment(assignment, context) and
  assignment.valid_from <= case.notice_from and
  person_id = membership.person_id and
  not are_one_human(person_id, case.applicant_id, case.enterprise);
must_be_notified(case: RetrievalCase, person_id, context) if
  membership in case.enterprise.memberships and
  office_of_suspended(membership, assignment, context) and
  assignment.valid_from <= case.notice_from and
  person_id = membership.person_id and
  not are_one_human(person_id, case.applicant_id, case.enterprise);
must_be_notified(case: RetrievalCase, person_id, _) if
  snapshot in case.enterprise.registry_snapshots and
  snapshot.is_current = true and
  person_id = snapshot.legal_rep_id and
  person_id matches String and
  not are_one_human(person_id, case.applicant_id, case.enterprise);

notice_is_over(case: RetrievalCase, context) if
  notice_end(case, context, at) and
  at <= context.now;

# A case is executed from its notice on, once.
#@ R-10
requires("execute", _: RetrievalCase, "CASE_CAN_BE_EXECUTED");
meets(_: Person, "CASE_CAN_BE_EXECUTED", "execute", case: RetrievalCase, context) if
  case.state in ["NOTICE", "APPROVED"] and
  is_open_case(case, context);
meets(_: Person, "CASE_CAN_BE_EXECUTED", "execute", case: RetrievalCase, _) if
  case.state = "OBJECTED" and
  case.path = "LEGAL_REP_ONLINE";
because("CASE_CAN_BE_EXECUTED", "OBJECTION_OPEN", _: Person, case: RetrievalCase, _) if
  case.state = "OBJECTED" and
  case.path = "DOCUMENTS";
because("CASE_CAN_BE_EXECUTED", "CASE_OVER", _: Person, case: RetrievalCase, _) if
  case.state in ["REJECTED_FINAL", "RESOLVED_BY_ADMIN", "WITHDRAWN", "EXECUTED", "UNDER_APPEAL", "REVERSED"];

obligation(_: Person, "execute", _: RetrievalCase, _, "CONSUME_VERIFICATION");
obligation(_: Person, "execute", _: RetrievalCase, _, "EXECUTE_IN_ONE_TRANSACTION");
obligation(_: Person, "submit", _: RetrievalCase, _, "CONSUME_VERIFICATION");
obligation(_: Person, "object", _: RetrievalCase, _, "CONSUME_VERIFICATION");
obligation(_: Person, "appeal", _: RetrievalCase, _, "CONSUME_VERIFICATION");
obligation(_: Person, "appeal", _: RetrievalCase, _, "RECORD_APPEAL");
obligation_parameter("CONSUME_VERIFICATION", "verification_id", id, _: Person, "execute", _: RetrievalCase, context) if
  check_id(context.verification, id);
obligation_parameter("CONSUME_VERIFICATION", "verification_id", id, _: Person, "submit", _: RetrievalCase, context) if
  check_id(context.verification, id);
obligation_parameter("CONSUME_VERIFICATION", "verification_id", id, _: Person, "object", _: RetrievalCase, context) if
  check_id(context.verification, id);
obligation_parameter("CONSUME_VERIFICATION", "verification_id", id, _: Person, "appeal", _: RetrievalCase, context) if
  check_id(context.verification, id);

lapses(person: Person, "submit", case: RetrievalCase, context, at) if case_face_lapses(person, case, context, at);
lapses(person: Person, "execute", case: RetrievalCase, context, at) if case_face_lapses(person, case, context, at);
lapses(person: Person, "object", case: RetrievalCase, context, at) if case_face_lapses(person, case, context, at);
lapses(person: Person, "appeal", case: RetrievalCase, context, at) if case_face_lapses(person, case, context, at);
lapses(_: Person, "submit", case: RetrievalCase, context, at) if case_idle_lapses(case, context, at);
lapses(_: Person, "execute", case: RetrievalCase, context, at) if case_idle_lapses(case, context, at);
lapses(_: Person, "submit", case: RetrievalCase, context, at) if registry_lapses(case, context, at);
lapses(_: Person, "execute", case: RetrievalCase, context, at) if registry_lapses(case, context, at);
lapses(_: Person, "object", case: RetrievalCase, context, at) if notice_end(case, context, at);
lapses(_: Person, "object", case: RetrievalCase, context, at) if case_idle_lapses(case, context, at);

lapses(person: Person, "retrieve", enterprise: Enterprise, context, at) if
  pending_application(person, enterprise, application, context) and
  at = application.expires_at;
lapses(person: Person, "retrieve", enterprise: Enterprise, context, at) if
  sent_task_lapses(person, enterprise, context, at);
lapses(person: Person, "retrieve", enterprise: Enterprise, context, at) if
  administrators_do_not_answer(person, enterprise, application, context) and
  at = application.expires_at;
lapses(person: Person, "execute", case: RetrievalCase, context, at) if
  administrators_do_not_answer(person, case.enterprise, application, context) and
  at = application.expires_at;
lapses(person: Person, "execute", case: RetrievalCase, context, at) if
  sent_task_lapses(person, case.enterprise, context, at);
lapses(person: Person, "retrieve", enterprise: Enterprise, context, at) if
  admin_lapses(person, enterprise, context, at);
lapses(person: Person, "execute", case: RetrievalCase, context, at) if
  admin_lapses(person, case.enterprise, context, at);
lapses(person: Person, "object", case: RetrievalCase, context, at) if
  admin_lapses(person, case.enterprise, context, at);
lapses(person: Person, "object", case: RetrievalCase, context, at) if
  seal_admin_lapses(person, case.enterprise, context, at);
lapses(person: Person, "view_progress", case: RetrievalCase, context, at) if
  admin_lapses(person, case.enterprise, context, at);

# A case that waits for its applicant is over at the last of these.
case_idle_lapses(case: RetrievalCase, context, at) if
  case_waits_until(case, context, at) and
  forall(case_waits_until(case, context, other), other <= at);

case_face_lapses(person: Person, case: RetrievalCase, context, at) if
  face_lapses(
    context.verification,
    person,
    "RETRIEVE",
    "RetrievalCase",
    case.id,
    context.parameters.face_for_retrieval,
    context,
    at);

registry_lapses(case: RetrievalCase, context, at) if
  fresh_snapshot(case.enterprise, snapshot, context) and
  at = snapshot.fetched_at + context.parameters.registry_fresh_within;

# --- deciding an objection, giving up, appealing ---------------------------------------------------------------------

# An objection is decided by reviewers who did not judge the case before, in no attempt of it, and who are not
# concerned.
#@ R-08 R-09
requires("adjudicate", _: RetrievalCase, "REVIEWER");
requires("adjudicate", _: RetrievalCase, "NO_REVIEW_CONFLICT");
requires("adjudicate", _: RetrievalCase, "CASE_OBJECTED");
meets(person: Person, "REVIEWER", "adjudicate", _: RetrievalCase, _) if is_reviewer(person);
meets(person: Person, "NO_REVIEW_CONFLICT", "adjudicate", case: RetrievalCase, _) if
  is_uninvolved_reviewer(person, case);
meets(_: Person, "CASE_OBJECTED", "adjudicate", case: RetrievalCase, _) if case.state = "OBJECTED";

# The same goes for an appeal: neither a person who reviewed an attempt nor one who dismissed an objection or an
# earlier appeal decides it.
#@ R-08
requires("decide_appeal", _: RetrievalCase, "REVIEWER");
requires("decide_appeal", _: RetrievalCase, "NO_REVIEW_CONFLICT");
requires("decide_appeal", _: RetrievalCase, "CASE_UNDER_APPEAL");
meets(person: Person, "REVIEWER", "decide_appeal", _: RetrievalCase, _) if is_reviewer(person);
meets(person: Person, "NO_REVIEW_CONFLICT", "decide_appeal", case: RetrievalCase, _) if
  is_uninvolved_reviewer(person, case);
meets(_: Person, "CASE_UNDER_APPEAL", "decide_appeal", case: RetrievalCase, _) if case.state = "UNDER_APPEAL";

is_uninvolved_reviewer(person: Person, case: RetrievalCase) if
  not account_id(person, case.applicant_id) and
  not is_biased_reviewer(person.id, case) and
  not reviewed_attempt(person, case, _) and
  not raised_objection(person, case) and
  not decided_appeal(person, case);

decided_appeal(person: Person, case: RetrievalCase) if
  appeal in case.appeals and
  appeal.decided_by_id matches String and
  account_id(person, appeal.decided_by_id);

raised_objection(person: Person, case: RetrievalCase) if
  objection in case.objections and
  account_id(person, objection.person_id);

# The applicant may give the case up while it is open.
#@ R-15
requires("withdraw", _: RetrievalCase, "CASE_APPLICANT");
requires("withdraw", _: RetrievalCase, "CASE_OPEN");
meets(person: Person, "CASE_APPLICANT", "withdraw", case: RetrievalCase, _) if case.applicant_id = person.id;
meets(_: Person, "CASE_OPEN", "withdraw", case: RetrievalCase, context) if is_open_case(case, context);
lapses(_: Person, "withdraw", case: RetrievalCase, context, at) if case_idle_lapses(case, context, at);

# R-13: After an execution the new administrator waits a while before their first high-risk act, and a former
# administrator may appeal. A former administrator is one until the case was executed.
#@ R-13
requires("appeal", _: RetrievalCase, "FORMER_ADMIN");
requires("appeal", _: RetrievalCase, "CASE_EXECUTED");
requires("appeal", _: RetrievalCase, "APPEAL_IN_TIME");
requires("appeal", _: RetrievalCase, "FIRST_APPEAL");
requires("appeal", _: RetrievalCase, "FRESH_FACE");
meets(person: Person, "FIRST_APPEAL", "appeal", case: RetrievalCase, _) if not has_appealed(person, case);
meets(person: Person, "FRESH_FACE", "appeal", case: RetrievalCase, context) if
  bound_face_check(
    context.verification, person, "RETRIEVE", "RetrievalCase", case.id, context.parameters.face_for_retrieval, context);
meets(person: Person, "FORMER_ADMIN", "appeal", case: RetrievalCase, context) if was_replaced(person, case, context);
meets(_: Person, "CASE_EXECUTED", "appeal", case: RetrievalCase, _) if case.state in ["EXECUTED", "UNDER_APPEAL"];
meets(_: Person, "APPEAL_IN_TIME", "appeal", case: RetrievalCase, context) if
  case.executed_at <= context.now and
  context.now < case.executed_at + context.parameters.appeal_within;

# Each of them once: neither does one who was turned down take the enterprise's time again, nor does one whom the new
# administrator has on their side use up the appeal of the others.
has_appealed(person: Person, case: RetrievalCase) if
  appeal in case.appeals and
  account_id(person, appeal.person_id);

# Their role began before the case was executed, had not run out when it was opened, and is not active any more.
was_replaced(person: Person, case: RetrievalCase, context) if
  was_executed(case) and
  case.applicant_id != person.id and
  membership in case.enterprise.memberships and
  membership.person_id = person.id and
  assignment in membership.assignments and
  assignment.role = "SYSTEM_ADMIN" and
  assignment.valid_from < case.executed_at and
  case.opened_at < assignment.valid_to and
  not was_revoked_before(assignment, case) and
  not is_active_assignment(assignment, context);

# Whose role had been taken long before did not lose it by this.
was_revoked_before(assignment: RoleAssignment, case: RetrievalCase) if
  assignment.revoked_at > 0 and
  assignment.revoked_at <= case.opened_at;

lapses(_: Person, "appeal", case: RetrievalCase, context, at) if
  at = case.executed_at + context.parameters.appeal_within;

# --- progress --------------------------------------------------------------------------------------------------------

# R-16: The applicant, present administrators and the legal representative follow the progress; to others there is no
# case.
#@ R-16
requires("view_progress", _: RetrievalCase, "CASE_PARTY");
meets(person: Person, "CASE_PARTY", "view_progress", case: RetrievalCase, _) if case.applicant_id = person.id;
meets(person: Person, "CASE_PARTY", "view_progress", case: RetrievalCase, context) if
  may_administer(person, case.enterprise, context);
