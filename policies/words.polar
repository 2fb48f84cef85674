# The words that the other files are written in: who owns a thing, who belongs to an enterprise, who is what in it.
# Nothing here allows anything by itself. Authority is always a fact of the enterprise, read at the time of the
# question.

# The enterprise that a resource belongs to. A task belongs to the party that it is for.
owner(enterprise: Enterprise, _, found) if found = enterprise;
owner(invitation: Invitation, _, found) if found = invitation.enterprise;
owner(application: JoinApplication, _, found) if found = application.enterprise;
owner(membership: Membership, _, found) if found = membership.enterprise;
owner(assignment: RoleAssignment, _, found) if found = assignment.membership.enterprise;
owner(seal: Seal, _, found) if found = seal.enterprise;
owner(grant: SealGrant, _, found) if found = grant.seal.enterprise;
owner(grant: OpenGrant, _, found) if found = grant.seal.enterprise;
owner(resolution: BoardResolution, _, found) if found = resolution.enterprise;
owner(change: RuleChange, _, found) if found = change.enterprise;
owner(process: ApprovalProcess, _, found) if found = process.enterprise;
owner(use: EmergencyUse, _, found) if found = use.grant.seal.enterprise;
owner(proposal: SealProposal, _, found) if found = proposal.seal.enterprise;
owner(outing: SealOuting, _, found) if found = outing.seal.enterprise;
owner(letter: AuthLetter, _, found) if found = letter.seal.enterprise;
owner(hold: SealHold, _, found) if found = hold.seal.enterprise;
owner(review: SealReview, _, found) if found = review.seal.enterprise;
owner(request: SealUseRequest, _, found) if found = request.seal.enterprise;
owner(delegation: Delegation, _, found) if found = delegation.principal.enterprise;
owner(category: BusinessCategory, _, found) if found = category.enterprise;
owner(subscription: MonitorSubscription, _, found) if found = subscription.enterprise;
owner(alert: Alert, _, found) if found = alert.enterprise;
owner(case: RetrievalCase, _, found) if found = case.enterprise;
owner(certification: EnterpriseAuthentication, _, found) if found = certification.enterprise;
# A cross-enterprise grant belongs to the seal's owner; naming who uses it is an act of the enterprise that holds it.
owner(grant: CrossEnterpriseGrant, context, found) if
  not (context matches HolderContext) and
  found = grant.seal.enterprise;
owner(_: CrossEnterpriseGrant, context: HolderContext, found) if
  found = context.holder and
  found matches Enterprise;
# A contract belongs to the enterprise that sent it, a use to the owner of the seal.
owner(_: Contract, context: ContractContext, found) if
  found = context.enterprise;
owner(_: SealUse, context: UseRecordContext, found) if found = context.seal.enterprise;
owner(_: SealUse, context: SealingContext, found) if found = context.seal.enterprise;
owner(task: SigningTask, context, found) if
  task.signatory.kind = "ENTERPRISE" and
  found = context.enterprise and
  found matches Enterprise;
# What a party says is that party's; where it is a person, no enterprise's.
owner(party: Signatory, context, found) if party_enterprise(party, context, found);
owner(consent: PartyConsent, context, found) if party_enterprise(consent.signatory, context, found);
owner(review: InternalReview, context, found) if party_enterprise(review.signatory, context, found);

party_enterprise(party: Signatory, context, found) if
  party.kind = "ENTERPRISE" and
  found = context.enterprise and
  found matches Enterprise;

# A person whose account and real name stand.
is_active_and_verified(person: Person) if
  person.account_state = "ACTIVE" and
  person.realname_state = "VERIFIED";

# What has a time counts from `valid_from` on and ends before `valid_to`: roles, grants, delegations, requests.
# U-07: A grant or a request counts from its first instant on, and not in the instant in which it ends any more.
#@ U-07
is_within_time(dated, context) if
  dated.valid_from <= context.now and
  context.now < dated.valid_to;

# A membership counts while it is ACTIVE, from its beginning on and until it ends: a time beats the state.
is_live(membership: Membership, context) if
  membership.state = "ACTIVE" and
  membership.joined_at <= context.now and
  context.now < membership.ended_at;

# It is written down already, and begins later.
begins_later(person: Person, enterprise: Enterprise, at, context) if
  membership in enterprise.memberships and
  membership.person_id = person.id and
  membership.state = "ACTIVE" and
  at = membership.joined_at and
  context.now < at and
  at < membership.ended_at;

# The person's live membership.
member(person: Person, enterprise: Enterprise, membership, context) if
  membership in enterprise.memberships and
  membership.person_id = person.id and
  is_live(membership, context);

is_member(person: Person, enterprise: Enterprise, context) if member(person, enterprise, _, context);

suspended(person: Person, enterprise: Enterprise, context) if
  membership in enterprise.memberships and
  membership.person_id = person.id and
  is_suspended_now(membership, context);

# Suspended, until the time of the membership has passed: it has ended then, whatever its state says.
is_suspended_now(membership: Membership, context) if
  membership.state = "SUSPENDED" and
  context.now < membership.ended_at;

# A-04: A company on the list of abnormal operations may do business as before. In a liquidation or bankruptcy others
# speak for it: its legal representative's authority rests. A licence that was revoked or cancelled carries nothing.
#@ A-04
is_in_business(snapshot: RegistrySnapshot) if snapshot.status in ["EXISTING", "ABNORMAL"];

# The legal representative acts through the current snapshot of the registry, with or without a membership. Registries
# show namesakes: a snapshot counts where name, USCC, and the representative's name and id number were matched together.
# How old it is, only the tables that know no time do not ask.
#@ A-14
legal_representative(person: Person, enterprise: Enterprise) if representing_snapshot(person, enterprise, _);

representing_snapshot(person: Person, enterprise: Enterprise, snapshot) if
  snapshot in enterprise.registry_snapshots and
  snapshot.is_current = true and
  is_in_business(snapshot) and
  snapshot.is_matched = true and
  snapshot.legal_rep_id matches String and
  snapshot.legal_rep_id = person.id;

# A-14: What the registry said counts for a week, and for a day where power moves: to retrieve, authenticate or run an
# enterprise, to grant the legal representative's seal, to consent.
#@ A-14
legal_representative(person: Person, enterprise: Enterprise, context) if
  representing_snapshot(person, enterprise, snapshot) and
  is_fetched_within(snapshot, context.parameters.registry_valid_for, context.now);

representative_today(person: Person, enterprise: Enterprise, context) if
  representing_snapshot(person, enterprise, snapshot) and
  is_fetched_within(snapshot, context.parameters.registry_fresh_within, context.now);

is_fetched_within(snapshot: RegistrySnapshot, length, at) if
  snapshot.fetched_at <= at and
  at < snapshot.fetched_at + length;

# The registry names them, but it was not asked lately.
is_stale_representative(person: Person, enterprise: Enterprise, context) if
  representing_snapshot(person, enterprise, _) and
  not representative_today(person, enterprise, context);

# Whom the current snapshot of the registry names, whatever state the licence is in.
registry_names(person_id, enterprise: Enterprise) if
  snapshot in enterprise.registry_snapshots and
  snapshot.is_current = true and
  snapshot.legal_rep_id matches String and
  snapshot.legal_rep_id = person_id;

# Who was the legal representative at a time: the last that the registry had said by then, no longer than `length` before,
# names this person, and nothing that it had said speaks against that. What nobody had looked up by then is not known.
#@ A-14
was_legal_representative(person_id, enterprise: Enterprise, at, length) if
  representing_snapshot_then(person_id, enterprise, snapshot, at) and
  is_fetched_within(snapshot, length, at);

representing_snapshot_then(person_id, enterprise: Enterprise, snapshot, at) if
  snapshot in enterprise.registry_snapshots and
  is_in_business(snapshot) and
  snapshot.is_matched = true and
  snapshot.legal_rep_id matches String and
  snapshot.legal_rep_id = person_id and
  is_of_counting_account(snapshot) and
  snapshot.fetched_at <= at and
  not is_contradicted(snapshot, enterprise, at);

is_contradicted(snapshot: RegistrySnapshot, enterprise: Enterprise, at) if
  other in enterprise.registry_snapshots and
  other.fetched_at <= at and
  contradicts(other, snapshot) and
  snapshot.fetched_at <= other.fetched_at;
is_contradicted(snapshot: RegistrySnapshot, enterprise: Enterprise, at) if
  other in enterprise.registry_snapshots and
  other.fetched_at <= at and
  contradicts(other, snapshot) and
  other.is_current = true;

contradicts(other: RegistrySnapshot, _: RegistrySnapshot) if not is_in_business(other);
contradicts(other: RegistrySnapshot, _: RegistrySnapshot) if other.legal_rep_id = nil;
contradicts(other: RegistrySnapshot, snapshot: RegistrySnapshot) if
  other.legal_rep_id matches String and
  snapshot.legal_rep_id matches String and
  other.legal_rep_id != snapshot.legal_rep_id;

# A membership as it was at a time. Since when one is suspended is not known, nor when one ended that says no time for
# it.
was_member(person_id, enterprise: Enterprise, membership, at, context) if
  membership in enterprise.memberships and
  membership.person_id = person_id and
  membership.joined_at <= at and
  at < membership.ended_at and
  has_known_end(membership, context);

has_known_end(membership: Membership, _) if membership.state = "ACTIVE";
has_known_end(membership: Membership, context) if
  membership.state = "ENDED" and
  membership.ended_at <= context.now;

# An account of which somebody found that its human has another one counts for nothing, nor does what it did.
is_of_own_account(membership: Membership) if membership.person.same_as_id = nil;

# A role as it was at a time, with the membership that it is of. One that was revoked counts until then, where that is
# known.
was_active_assignment(assignment: RoleAssignment, at, context) if
  is_of_own_account(assignment.membership) and
  was_not_revoked_by(assignment, at, context) and
  assignment.valid_from <= at and
  at < assignment.valid_to and
  assignment.membership.joined_at <= at and
  at < assignment.membership.ended_at;

was_not_revoked_by(assignment: RoleAssignment, _, _) if assignment.state in ["ACTIVE", "EXPIRED"];
was_not_revoked_by(assignment: RoleAssignment, at, context) if
  assignment.state = "REVOKED" and
  at < assignment.revoked_at and
  assignment.revoked_at <= context.now;

belongs(person: Person, enterprise: Enterprise, context) if
  is_member(person, enterprise, context) or
  legal_representative(person, enterprise, context);

# A role counts while its assignment is ACTIVE and within its time, on a live membership.
is_active_assignment(assignment: RoleAssignment, context) if
  assignment.state = "ACTIVE" and
  is_live(assignment.membership, context) and
  is_within_time(assignment, context);

# When a role ends by itself: with its assignment, or with its membership.
assignment_lapses(assignment: RoleAssignment, at) if at = assignment.valid_to;
assignment_lapses(assignment: RoleAssignment, at) if at = assignment.membership.ended_at;

# … and when the person's own role in an enterprise does.
own_role_lapses(person: Person, enterprise: Enterprise, role, context, at) if
  member(person, enterprise, membership, context) and
  assignment in membership.assignments and
  assignment.role = role and
  is_active_assignment(assignment, context) and
  assignment_lapses(assignment, at);

own_admin_role_lapses(person: Person, enterprise: Enterprise, context, at) if
  own_role_lapses(person, enterprise, "SYSTEM_ADMIN", context, at);
seal_admin_lapses(person: Person, enterprise: Enterprise, context, at) if
  own_role_lapses(person, enterprise, "SEAL_ADMIN", context, at);

holds_role(membership: Membership, role, context) if
  assignment in membership.assignments and
  assignment.role = role and
  is_active_assignment(assignment, context);

has_active_role(person: Person, enterprise: Enterprise, role, context) if
  member(person, enterprise, membership, context) and
  holds_role(membership, role, context);

# An administrator who can be turned to: the role stands, and so do account and real name.
administrator(enterprise: Enterprise, membership, context) if
  membership in enterprise.memberships and
  holds_role(membership, "SYSTEM_ADMIN", context) and
  is_active_and_verified(membership.person);

has_administrator(enterprise: Enterprise, context) if administrator(enterprise, _, context);

is_administrator(person: Person, enterprise: Enterprise, context) if
  administrator(enterprise, membership, context) and
  membership.person_id = person.id;

# The administrator who is named to outsiders: the primary one, else the one who joined first.
named_administrator(enterprise: Enterprise, membership, context) if
  primary_administrator(enterprise, membership, context);
named_administrator(enterprise: Enterprise, membership, context) if
  not primary_administrator(enterprise, _, context) and
  administrator(enterprise, membership, context) and
  forall(administrator(enterprise, other, context), membership.joined_at <= other.joined_at);

primary_administrator(enterprise: Enterprise, membership, context) if
  administrator(enterprise, membership, context) and
  assignment in membership.assignments and
  assignment.role = "SYSTEM_ADMIN" and
  assignment.is_primary = true and
  is_active_assignment(assignment, context);

# Who may run the enterprise, and who may run its seals. The legal representative may both; nobody else manages the
# legal representative's seal.
may_administer(person: Person, enterprise: Enterprise, context) if
  is_administrator(person, enterprise, context) or
  representative_today(person, enterprise, context);

may_manage_seals(person: Person, enterprise: Enterprise, context) if
  has_active_role(person, enterprise, "SEAL_ADMIN", context) or
  legal_representative(person, enterprise, context);

# Where it takes two persons, one whom the other gave a post less than a day ago that makes them one of the two is no
# second person: they would be a straw man. It does not matter which of the two acts first.
#@ M-11
is_second_person(person: Person, first_id, enterprise: Enterprise, context) if
  not account_id(person, first_id) and
  not appointed_lately(person.id, first_id, enterprise, _, context);

# … until `at`.
appointed_lately(one_id, other_id, enterprise: Enterprise, at, context) if
  new_officer(one_id, other_id, enterprise, at, context);
appointed_lately(one_id, other_id, enterprise: Enterprise, at, context) if
  new_officer(other_id, one_id, enterprise, at, context);

# The legal representative's appointees are nobody's straw men: that person could do it themself. Whom the registry named
# long ago, or only by a namesake, could not.
#@ M-11 A-14
new_officer(person_id, by_id, enterprise: Enterprise, at, context) if
  has_new_post_from(person_id, by_id, enterprise, at, context) and
  not can_do_alone(by_id, enterprise, context);

can_do_alone(person_id, enterprise: Enterprise, context) if
  was_legal_representative(person_id, enterprise, context.now, context.parameters.registry_valid_for);

has_new_post_from(person_id, by_id, enterprise: Enterprise, at, context) if
  new_post(person_id, giver_id, enterprise, at, context) and
  is_behind(giver_id, by_id, enterprise, context);

new_post(person_id, giver_id, enterprise: Enterprise, at, context) if
  membership_of_human(person_id, enterprise, membership) and
  assignment in membership.assignments and
  assignment.role in ["SYSTEM_ADMIN", "SEAL_ADMIN", "CONTRACT_ADMIN"] and
  assignment.state = "ACTIVE" and
  new_post_until(assignment, at, context) and
  assignment.granted_by_id matches String and
  giver_id = assignment.granted_by_id;

# The giver, or who had just put the giver in office in turn, or that one's giver: three who were made one by the other in
# a day are one. Of a longer row the last one is nobody's second person, no matter who began it.
is_behind(giver_id, by_id, enterprise: Enterprise, _) if are_one_human(giver_id, by_id, enterprise);
is_behind(giver_id, by_id, enterprise: Enterprise, context) if
  giver_id != by_id and
  is_appointee(giver_id, second_id, enterprise, context) and
  are_one_human(second_id, by_id, enterprise);
is_behind(giver_id, by_id, enterprise: Enterprise, context) if
  giver_id != by_id and
  is_appointee(giver_id, second_id, enterprise, context) and
  is_appointee(second_id, third_id, enterprise, context) and
  are_one_human(third_id, by_id, enterprise);
is_behind(giver_id, by_id, enterprise: Enterprise, context) if
  giver_id != by_id and
  is_appointee(giver_id, second_id, enterprise, context) and
  is_appointee(second_id, third_id, enterprise, context) and
  is_appointee(third_id, fourth_id, enterprise, context) and
  not can_do_alone(fourth_id, enterprise, context);

is_appointee(person_id, giver_id, enterprise: Enterprise, context) if
  new_post(person_id, giver_id, enterprise, _, context) and
  not can_do_alone(person_id, enterprise, context);

# Who approves or reviews for a person who put them in that place just now, is no second person for them: a role that
# that person gave, or on a seal the right to approve.
#@ M-11
role_from_until(membership: Membership, by_id, at, context) if
  assignment in membership.assignments and
  assignment.state = "ACTIVE" and
  new_post_until(assignment, at, context) and
  assignment.granted_by_id matches String and
  giver_id = assignment.granted_by_id and
  is_behind(giver_id, by_id, membership.enterprise, context) and
  not can_do_alone(by_id, membership.enterprise, context);

right_to_approve_from_until(membership: Membership, seal: Seal, by_id, at, context) if
  grant in seal.grants and
  grant.right = "APPROVE" and
  grant.state = "ACTIVE" and
  grant.membership_id = membership.id and
  at = grant.confirmed_at + context.parameters.cooling_off and
  context.now < at and
  granted_or_confirmed(giver_id, grant) and
  is_behind(giver_id, by_id, seal.enterprise, context) and
  not can_do_alone(by_id, seal.enterprise, context);

# How long a post is new: from the day on which it was given, and from the day on which its holder joined.
new_post_until(assignment: RoleAssignment, at, context) if
  at in [
    assignment.valid_from + context.parameters.cooling_off,
    assignment.membership.joined_at + context.parameters.cooling_off] and
  context.now < at;

# What was so when it was done, is so when it is used: a record that says that a second person agreed counts only if they
# were one then. (Of a role that somebody took back later it is known that it was given.)
#@ M-11 A-02
was_second_person(person_id, first_id, enterprise: Enterprise, at, context) if
  not are_one_human(person_id, first_id, enterprise) and
  not was_new_officer(person_id, first_id, enterprise, at, context) and
  not was_new_officer(first_id, person_id, enterprise, at, context);

was_new_officer(person_id, by_id, enterprise: Enterprise, at, context) if
  had_new_post_from(person_id, by_id, enterprise, at, context) and
  not could_do_alone(by_id, enterprise, at, context);

had_new_post_from(person_id, by_id, enterprise: Enterprise, at, context) if
  had_new_post(person_id, giver_id, enterprise, at, context) and
  was_behind(giver_id, by_id, enterprise, at, context);

had_new_post(person_id, giver_id, enterprise: Enterprise, at, context) if
  membership_of_human(person_id, enterprise, membership) and
  assignment in membership.assignments and
  assignment.role in ["SYSTEM_ADMIN", "SEAL_ADMIN", "CONTRACT_ADMIN"] and
  was_new_post(assignment, at, context) and
  assignment.granted_by_id matches String and
  giver_id = assignment.granted_by_id;

was_behind(giver_id, by_id, enterprise: Enterprise, _, _) if are_one_human(giver_id, by_id, enterprise);
was_behind(giver_id, by_id, enterprise: Enterprise, at, context) if
  giver_id != by_id and
  was_appointee(giver_id, second_id, enterprise, at, context) and
  are_one_human(second_id, by_id, enterprise);
was_behind(giver_id, by_id, enterprise: Enterprise, at, context) if
  giver_id != by_id and
  was_appointee(giver_id, second_id, enterprise, at, context) and
  was_appointee(second_id, third_id, enterprise, at, context) and
  are_one_human(third_id, by_id, enterprise);
was_behind(giver_id, by_id, enterprise: Enterprise, at, context) if
  giver_id != by_id and
  was_appointee(giver_id, second_id, enterprise, at, context) and
  was_appointee(second_id, third_id, enterprise, at, context) and
  was_appointee(third_id, fourth_id, enterprise, at, context) and
  not could_do_alone(fourth_id, enterprise, at, context);

was_appointee(person_id, giver_id, enterprise: Enterprise, at, context) if
  had_new_post(person_id, giver_id, enterprise, at, context) and
  not could_do_alone(person_id, enterprise, at, context);

had_new_role_from(membership: Membership, by_id, at, context) if
  assignment in membership.assignments and
  was_new_post(assignment, at, context) and
  assignment.granted_by_id matches String and
  giver_id = assignment.granted_by_id and
  was_behind(giver_id, by_id, membership.enterprise, at, context) and
  not could_do_alone(by_id, membership.enterprise, at, context);

had_new_right_to_approve_from(membership: Membership, seal: Seal, by_id, at, context) if
  grant in seal.grants and
  grant.right = "APPROVE" and
  grant.membership_id = membership.id and
  grant.confirmed_at > 0 and
  grant.confirmed_at <= at and
  at < grant.confirmed_at + context.parameters.cooling_off and
  granted_or_confirmed(giver_id, grant) and
  was_behind(giver_id, by_id, seal.enterprise, at, context) and
  not could_do_alone(by_id, seal.enterprise, at, context);

was_new_post(assignment: RoleAssignment, at, context) if
  assignment.valid_from <= at and
  began in [assignment.valid_from, assignment.membership.joined_at] and
  at < began + context.parameters.cooling_off and
  not had_been_revoked(assignment, at);

had_been_revoked(assignment: RoleAssignment, at) if
  assignment.revoked_at > 0 and
  assignment.revoked_at <= at;

could_do_alone(person_id, enterprise: Enterprise, at, context) if represented(person_id, enterprise, at, context);

# The named administrator of seals, for those who must ask for a grant.
named_seal_administrator(enterprise: Enterprise, membership, context) if
  membership in enterprise.memberships and
  holds_role(membership, "SEAL_ADMIN", context) and
  is_active_and_verified(membership.person);

# The states of tasks and contracts that several rules ask for.
is_open_state(task: SigningTask) if task.state in ["WAITING", "PENDING", "IN_PROGRESS"];
is_due_state(task: SigningTask) if task.state in ["PENDING", "IN_PROGRESS"];
is_open_contract(contract: Contract) if contract.state in ["FILLING", "SIGNING"];

# Drafts count where an act would leave a contract without what it names: they are sent as they are.
is_unfinished_contract(contract: Contract) if contract.state = "DRAFT";
is_unfinished_contract(contract: Contract) if is_open_contract(contract);

# A task that is not over, of a contract that is being filled in or signed. A draft is not there yet.
is_open_task(task: SigningTask) if
  is_open_state(task) and
  is_open_contract(task.signatory.contract);

# An open signing task that the person holds.
open_task(person: Person, task) if
  task in person.handled_tasks and
  is_open_task(task);
open_task(person: Person, task) if
  operated in person.operated_tasks and
  task = operated.task and
  is_open_task(task);

open_task_for(person: Person, enterprise_id, task) if
  open_task(person, task) and
  task.signatory.enterprise_id matches String and
  task.signatory.enterprise_id = enterprise_id;

# … and one that connects with an enterprise: the contract has been sent, and its deadline has not passed, whatever its
# state says. Nobody connects themself by drafting one.
has_open_sent_task(person: Person, enterprise: Enterprise, context) if open_sent_task(person, enterprise, _, context);

open_sent_task(person: Person, enterprise: Enterprise, task, context) if
  open_task_for(person, enterprise.id, task) and
  task.signatory.contract.state = "SIGNING" and
  context.now < task.signatory.contract.deadline;

# An enterprise's own category of contracts; another enterprise's says nothing.
own_category(enterprise: Enterprise, category_id, category) if
  category in enterprise.categories and
  category.id = category_id;

# Who holds a task: its handler, or one of its operators.
is_named_in_task(person_id, task: SigningTask) if
  task.handler_id matches String and
  task.handler_id = person_id;
is_named_in_task(person_id, task: SigningTask) if
  operator in task.operators and
  operator.person_id = person_id;

# An application counts until it expires, whether or not somebody has written that down.
pending_application(person: Person, enterprise: Enterprise, application, context) if
  application in enterprise.applications and
  application.person_id = person.id and
  application.state = "PENDING" and
  context.now < application.expires_at;

is_applicant(person: Person, enterprise: Enterprise, context) if pending_application(person, enterprise, _, context);

# A case that is neither executed nor over otherwise. What waits for the platform's staff stays open until they decide;
# what waits for the applicant is over when they let it lie, whether or not somebody has written that down.
#@ A-10 R-03
is_open_case(case: RetrievalCase, _) if case.state in ["IN_REVIEW", "OBJECTED"];
is_open_case(case: RetrievalCase, context) if
  case_waits_until(case, context, at) and
  context.now < at;

# Until when a case waits for its applicant: a draft for a day, anything else for two weeks after what happened last.
case_waits_until(case: RetrievalCase, context, at) if
  case.state = "DRAFT" and
  at = case.opened_at + context.parameters.retrieval_draft_for;
# A claim for as long as any case before everybody was asked, and then until it is answered or goes on.
case_waits_until(case: RetrievalCase, context, at) if
  case.state = "CLAIMED" and
  not is_clock_running(case) and
  at = case.opened_at + context.parameters.retrieval_idle_for;
case_waits_until(case: RetrievalCase, _, at) if
  case.state = "CLAIMED" and
  is_clock_running(case) and
  at = case.claimed_until;
case_waits_until(case: RetrievalCase, context, at) if
  case.state = "CLAIMED" and
  is_clock_running(case) and
  not was_settled(case) and
  at = case.claimed_until + context.parameters.retrieval_idle_for;
case_waits_until(case: RetrievalCase, context, at) if
  case.state in ["CERTIFYING", "REJECTED", "NOTICE", "APPROVED"] and
  happened_in_case(case, context, moment) and
  at = moment + context.parameters.retrieval_idle_for;

happened_in_case(case: RetrievalCase, _, at) if at in [case.opened_at, case.claimed_until];
happened_in_case(case: RetrievalCase, _, at) if
  certification in case.certifications and
  at in [certification.submitted_at, certification.decided_at];
happened_in_case(case: RetrievalCase, _, at) if review in case.reviews and at = review.decided_at;
happened_in_case(case: RetrievalCase, context, at) if
  case.state in ["NOTICE", "APPROVED"] and
  at = case.notice_from + context.parameters.notice_documents;

# A claim waits for an answer; the time to answer runs once everybody was asked.
is_waiting_claim(case: RetrievalCase, context) if
  case.state = "CLAIMED" and
  context.now < case.claimed_until;

is_clock_running(case: RetrievalCase) if case.notice_from > 0;

# A claim that nobody answered in time is the case of a retrieval, whether or not somebody has written that down.
#@ R-07
went_unanswered(case: RetrievalCase, context) if
  case.state = "CLAIMED" and
  case.claimed_until <= context.now and
  not was_settled(case);
went_unanswered(case: RetrievalCase, _) if
  case.claimed_until > 0 and
  case.state in ["CERTIFYING", "IN_REVIEW", "NOTICE", "OBJECTED", "APPROVED", "REJECTED"];

# An administrator in charge decides the claimant's application; one that is gone needs no decision. An application that
# was decided in time answers the claim, no matter by whom.
was_settled(case: RetrievalCase) if
  case.in_charge_at > 0 and
  not application_left_undecided(case, _);
# In an enterprise that is frozen or closed nobody could decide it.
was_settled(case: RetrievalCase) if
  case.in_charge_at > 0 and
  case.enterprise.operating_state != "ACTIVE";
was_settled(case: RetrievalCase) if
  application in case.enterprise.applications and
  application.person_id = case.applicant_id and
  case.opened_at <= application.decided_at and
  application.decided_at < case.claimed_until;

is_settled_claim(case: RetrievalCase) if case.state = "CLAIMED" and was_settled(case);

application_left_undecided(case: RetrievalCase, application) if
  application in case.enterprise.applications and
  application.person_id = case.applicant_id and
  application.state in ["PENDING", "EXPIRED"] and
  case.claimed_until <= application.expires_at;
application_left_undecided(case: RetrievalCase, application) if
  application in case.enterprise.applications and
  application.person_id = case.applicant_id and
  case.claimed_until <= application.decided_at;

was_executed(case: RetrievalCase) if case.state in ["EXECUTED", "UNDER_APPEAL", "REVERSED"];

open_case(enterprise: Enterprise, case, context) if
  case in enterprise.retrieval_cases and
  is_open_case(case, context);

own_open_case(person: Person, enterprise: Enterprise, case, context) if
  open_case(enterprise, case, context) and
  case.applicant_id = person.id;

is_retrieving(person: Person, enterprise: Enterprise, context) if own_open_case(person, enterprise, _, context);

# A face check of this person, for this purpose and object, whatever its age and state.
own_face_check(check, person: Person, purpose, object_type, object_id) if
  check matches IdentityVerification and
  check.person_id = person.id and
  check.method = "FACE" and
  check.purpose = purpose and
  check.bound_type = object_type and
  check.bound_id = object_id;

# … and one that counts now: passed, not used yet, not older than `max_age`.
fresh_face_check(check, person: Person, purpose, object_type, object_id, max_age, context) if
  own_face_check(check, person, purpose, object_type, object_id) and
  check.state = "PASSED" and
  is_not_ahead(check.passed_at, context) and
  context.now < check.passed_at + max_age;

# … and one that was shown for this very act, on these terms: it serves no other on the same object.
bound_face_check(check: IdentityVerification, person: Person, purpose, object_type, object_id, max_age, context) if
  fresh_face_check(check, person, purpose, object_type, object_id, max_age, context) and
  digest_of_act(digest, context) and
  check.bound_digest = digest;

digest_of_act(digest, context) if
  digest = context.intent_digest;

# When such a check stops to count.
face_lapses(check, person: Person, purpose, object_type, object_id, max_age, context, at) if
  fresh_face_check(check, person, purpose, object_type, object_id, max_age, context) and
  at = check.passed_at + max_age;

stale_face_check(check, person: Person, purpose, object_type, object_id, max_age, context) if
  own_face_check(check, person, purpose, object_type, object_id) and
  check.state in ["PASSED", "EXPIRED"] and
  check.passed_at + max_age <= context.now;

used_face_check(check, person: Person, purpose, object_type, object_id) if
  own_face_check(check, person, purpose, object_type, object_id) and
  check.state = "CONSUMED";

# The check that was shown, by its id, for what uses it up.
check_id(check, id) if
  check matches IdentityVerification and
  id = check.id;

# --- one human with several accounts ---------------------------------------------------------------------------------

# An account of which somebody found that its human has another one names that one, does nothing more and gives nothing;
# what it did before stands. So where two must not be one human, all their accounts are compared. Those of a person who
# asks, or whom the server found, are known with that person.
#@ A-02
account_of(person: Person, account) if account = person;
account_of(person: Person, account) if account in person.accounts;

account_id(person: Person, id) if
  account_of(person, account) and
  id = account.id;

# The memberships by an account, and by the one that counts instead. (Those by accounts that count no more give their human
# nothing to act by: a post of theirs, new or old, makes them nobody's second person. Where such an account acted itself,
# it is asked of by its own id.)
membership_of_human(person_id, enterprise: Enterprise, membership) if
  membership in enterprise.memberships and
  membership.person_id = person_id;
membership_of_human(person_id, enterprise: Enterprise, membership) if
  counts_as(person_id, counting_id, enterprise) and
  membership in enterprise.memberships and
  membership.person_id = counting_id;

# Of whom an enterprise has known, it is known there by which account they count.
are_one_human(one_id, other_id, _: Enterprise) if one_id = other_id;
are_one_human(one_id, other_id, enterprise: Enterprise) if
  counts_as(one_id, counting_id, enterprise) and
  is_or_counts_as(other_id, counting_id, enterprise);
are_one_human(one_id, other_id, enterprise: Enterprise) if
  counts_as(other_id, counting_id, enterprise) and
  counting_id = one_id;

is_or_counts_as(person_id, counting_id, _: Enterprise) if person_id = counting_id;
is_or_counts_as(person_id, counting_id, enterprise: Enterprise) if
  counts_as(person_id, found_id, enterprise) and
  found_id = counting_id;

counts_as(person_id, counting_id, enterprise: Enterprise) if
  membership in enterprise.memberships and
  membership.person_id = person_id and
  counting_id = membership.person.same_as_id and
  counting_id matches String;
counts_as(person_id, counting_id, enterprise: Enterprise) if
  snapshot in enterprise.registry_snapshots and
  snapshot.legal_rep_id matches String and
  snapshot.legal_rep_id = person_id and
  other_account_named(snapshot, counting_id);

# Who is or ever was a member, by whatever account.
was_ever_member(person_id, enterprise: Enterprise) if
  membership in enterprise.memberships and
  is_of_human(membership, person_id);

is_of_human(membership: Membership, person_id) if membership.person_id = person_id;
is_of_human(membership: Membership, person_id) if
  counting_id = membership.person.same_as_id and
  counting_id matches String and
  counting_id = person_id;

# Whom an enterprise suspended is suspended there, by whatever account they come back.
#@ M-13 A-02
is_suspended_human(person: Person, enterprise: Enterprise, context) if
  membership in enterprise.memberships and
  is_suspended_now(membership, context) and
  is_of_human(membership, person.id);

# Whom the registry has ever named …
was_ever_named(person_id, enterprise: Enterprise) if
  snapshot in enterprise.registry_snapshots and
  is_named_by(snapshot, person_id);

# … or names now, by whatever account.
registry_names_human(person_id, enterprise: Enterprise) if
  snapshot in enterprise.registry_snapshots and
  snapshot.is_current = true and
  is_named_by(snapshot, person_id);

is_named_by(snapshot: RegistrySnapshot, person_id) if
  snapshot.legal_rep_id matches String and
  snapshot.legal_rep_id = person_id;
is_named_by(snapshot: RegistrySnapshot, person_id) if
  other_account_named(snapshot, counting_id) and
  counting_id = person_id;

other_account_named(snapshot: RegistrySnapshot, counting_id) if
  named = snapshot.legal_rep and
  named matches Person and
  counting_id = named.same_as_id and
  counting_id matches String;

# The registry names somebody by an account that counts.
is_of_counting_account(snapshot: RegistrySnapshot) if
  named = snapshot.legal_rep and
  named matches Person and
  named.same_as_id = nil;

# --- retrieval -------------------------------------------------------------------------------------------------------

# R-12: A case holds the enterprise's high-risk acts once its notice has begun, and again while an appeal is decided: no
# grants, no ending of seals, no export, no change of administrators. Not before: until the reviewers have passed it,
# anybody who files papers could freeze an enterprise with them.
# Nor for longer than the case is open: one that is let lie holds nothing.
#@ R-12
is_held_by_retrieval(enterprise: Enterprise, context) if
  open_case(enterprise, case, context) and
  case.state in ["NOTICE", "OBJECTED", "APPROVED"];
is_held_by_retrieval(enterprise: Enterprise, _) if
  case in enterprise.retrieval_cases and
  case.state = "UNDER_APPEAL";

# A person who took the enterprise over waits until `at` before their first high-risk act, so that an appeal can come in
# time, and also when it has come.
cooling_off(person: Person, enterprise: Enterprise, at, context) if
  lately_retrieved(case, enterprise, at, context) and
  account_id(person, case.applicant_id);
# … and so does each person who has a post from them since.
cooling_off(person: Person, enterprise: Enterprise, at, context) if
  has_post_since_retrieval(person.id, enterprise, at, context);

# … by their ids.
waits_after_retrieval(person_id, enterprise: Enterprise, at, context) if
  lately_retrieved(case, enterprise, at, context) and
  are_one_human(person_id, case.applicant_id, enterprise);
waits_after_retrieval(person_id, enterprise: Enterprise, at, context) if
  has_post_since_retrieval(person_id, enterprise, at, context);

has_post_since_retrieval(person_id, enterprise: Enterprise, at, context) if
  lately_retrieved(case, enterprise, at, context) and
  post_since_retrieval(person_id, case, enterprise, _);

lately_retrieved(case, enterprise: Enterprise, at, context) if
  case in enterprise.retrieval_cases and
  case.state in ["EXECUTED", "UNDER_APPEAL"] and
  at = case.executed_at + context.parameters.cooling_off and
  context.now < at;

post_since_retrieval(person_id, case: RetrievalCase, enterprise: Enterprise, assignment) if
  membership in enterprise.memberships and
  are_one_human(membership.person_id, person_id, enterprise) and
  assignment in membership.assignments and
  assignment.granted_by_id matches String and
  are_one_human(assignment.granted_by_id, case.applicant_id, enterprise) and
  case.executed_at <= assignment.valid_from;

# What they did in that time all the same, or what somebody brought in as done then, counts for nothing later either.
#@ R-13 A-02
waited_after_retrieval(person_id, enterprise: Enterprise, at, context) if
  had_been_retrieved_lately(case, enterprise, at, context) and
  are_one_human(person_id, case.applicant_id, enterprise);
waited_after_retrieval(person_id, enterprise: Enterprise, at, context) if
  had_been_retrieved_lately(case, enterprise, at, context) and
  post_since_retrieval(person_id, case, enterprise, assignment) and
  assignment.valid_from <= at;

had_been_retrieved_lately(case, enterprise: Enterprise, at, context) if
  case in enterprise.retrieval_cases and
  was_executed(case) and
  case.executed_at <= at and
  at < case.executed_at + context.parameters.cooling_off;

# --- kinds and states of seals ---------------------------------------------------------------------------------------

# The seal that a resource is or is about.
seal_of(seal: Seal, found) if found = seal;
seal_of(grant: SealGrant, found) if found = grant.seal;
seal_of(grant: OpenGrant, found) if found = grant.seal;
seal_of(grant: CrossEnterpriseGrant, found) if found = grant.seal;
seal_of(review: SealReview, found) if found = review.seal;

# The seals that bind an enterprise most, those that bind it less, and all that are the enterprise's and not the legal
# representative's. A kind that stands in no list is none of these.
is_key_seal(seal: Seal) if seal.kind in ["OFFICIAL", "FINANCE", "LEGAL_REP"];
is_lesser_seal(seal: Seal) if seal.kind in ["CONTRACT", "PERSONNEL", "INVOICE", "DEPARTMENT", "OTHER"];
is_enterprise_seal(seal: Seal) if
  seal.kind in ["OFFICIAL", "CONTRACT", "FINANCE", "PERSONNEL", "INVOICE", "DEPARTMENT", "OTHER"];

# A seal that is revoked or destroyed has ended and does not come back.
is_ended(seal: Seal) if seal.state in ["REVOKED", "DESTROYED"];
is_not_ended(seal: Seal) if
  seal.state in ["DRAFT", "PENDING_REVIEW", "REVIEW_REJECTED", "ACTIVE", "DISABLED", "LOST", "EXPIRED", "COLLECTED"];
is_unreviewed(seal: Seal) if seal.state in ["DRAFT", "PENDING_REVIEW", "REVIEW_REJECTED"];

# Who keeps a seal: its custodian, or the acting custodian in the custodian's place, within their time. By person, so
# that a second membership does not help.
is_custodian(person_id, seal: Seal) if
  custodian = seal.custodian and
  custodian matches Membership and
  are_one_human(custodian.person_id, person_id, seal.enterprise);

is_named_acting_custodian(person_id, seal: Seal) if
  custodian = seal.acting_custodian and
  custodian matches Membership and
  are_one_human(custodian.person_id, person_id, seal.enterprise);

is_time_of_acting_custodian(seal: Seal, at) if
  seal.acting_from <= at and
  at < seal.acting_to;

keeps_seal_now(person_id, seal: Seal, _) if is_custodian(person_id, seal);
keeps_seal_now(person_id, seal: Seal, context) if
  is_named_acting_custodian(person_id, seal) and
  is_time_of_acting_custodian(seal, context.now);

keeps_seal_now_or_later(person_id, seal: Seal, _) if is_custodian(person_id, seal);
keeps_seal_now_or_later(person_id, seal: Seal, context) if
  is_named_acting_custodian(person_id, seal) and
  context.now < seal.acting_to;
