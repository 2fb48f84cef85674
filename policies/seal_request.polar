# Requests to use a seal: who may ask for a use, who approves it, and when an approval stands in for a grant.
#
# A member asks for one seal and exactly the documents that they name. The request follows an approval process of the
# seal's owner, step by step, or none; then a person with the right to approve decides. Approval and use are separate
# duties: the right to approve is a grant of its own or a place in a process, and nobody approves what they asked for,
# nor the use of a seal that they keep. (Electronic Seal Measures; Civil Code 165; published company seal rules:
# approval and use apart, approval before use, no approval by the custodian.)

# --- asking ----------------------------------------------------------------------------------------------------------

# A member without a grant may ask.
#@ U-03
requires("request_use", _: Seal, "SEAL_CAN_BE_REQUESTED");
meets(_: Person, "SEAL_CAN_BE_REQUESTED", "request_use", seal: Seal, _) if seal.state = "ACTIVE";

# A request that nobody else may decide would wait until it ends: it is decided by somebody with the right to approve, or
# in the process that it names.
#@ U-03
requires("request_use", _: Seal, "ANOTHER_MAY_DECIDE");
meets(person: Person, "ANOTHER_MAY_DECIDE", "request_use", seal: Seal, context: UseRequestContext) if
  context.process = nil and
  could_be_decided_by_right(person, seal, context);
meets(person: Person, "ANOTHER_MAY_DECIDE", "request_use", seal: Seal, context: UseRequestContext) if
  named_process(seal, process, context) and
  could_be_passed(process, person, seal, context);
# Who is no member is told that.
meets(person: Person, "ANOTHER_MAY_DECIDE", "request_use", seal: Seal, context: UseRequestContext) if
  not is_member(person, seal.enterprise, context);
because("ANOTHER_MAY_DECIDE", "PROCESS_DISABLED", _: Person, seal: Seal, context: UseRequestContext) if
  context.process matches ApprovalProcess and
  not named_process(seal, _, context);
named_process(seal: Seal, process, context: UseRequestContext) if
  process = context.process and
  process matches ApprovalProcess and
  process.enterprise_id = seal.enterprise_id and
  process.state = "ENABLED";

could_be_decided_by_right(person: Person, seal: Seal, context) if
  approver_by_right(seal, membership, context) and
  not account_id(person, membership.person_id);

approver_by_right(seal: Seal, membership, context) if
  grant in seal.grants and
  grant.right = "APPROVE" and
  has_uses_left(grant) and
  grant.state = "ACTIVE" and
  membership = grant.membership and
  approval_grant(membership, seal, grant, context) and
  may_act_as_approver(membership, seal, context);
approver_by_right(seal: Seal, membership, context) if
  representing_member(seal.enterprise, membership, context) and
  may_act_as_approver(membership, seal, context);

# Each step by somebody whom it names now, in person or in the place of one who is away. (Over the legal representative's
# seal a process replaces nothing: that one may decide as well.)
could_be_passed(process: ApprovalProcess, person: Person, seal: Seal, context) if
  process.state = "ENABLED" and
  step in process.steps and
  stood_at(step, context.now) and
  forall(other in process.steps, could_pass(other, person, seal, context) or not stood_at(other, context.now));

could_pass(step: ProcessStep, person: Person, seal: Seal, context) if
  step.mode = "ANY" and
  named in step.approvers and
  stood_at(named, context.now) and
  could_pass_line(named, person, seal, context);
could_pass(step: ProcessStep, person: Person, seal: Seal, context) if
  step.mode = "ALL" and
  named in step.approvers and
  stood_at(named, context.now) and
  forall(other in step.approvers, could_pass_line(other, person, seal, context) or not stood_at(other, context.now));

could_pass_line(named: StepApprover, person: Person, seal: Seal, context) if
  could_decide(person, seal, membership, context) and
  could_answer(membership, absent, context) and
  member(person, seal.enterprise, applicant, context) and
  is_named_in_person(named, absent, applicant, context);

# A member other than the applicant who may act as an approver.
could_decide(person: Person, seal: Seal, membership, context) if
  membership in seal.enterprise.memberships and
  not account_id(person, membership.person_id) and
  may_act_as_approver(membership, seal, context);

lapses(person: Person, "request_use", seal: Seal, context, at) if
  could_decide(person, seal, membership, context) and
  decider_changes(membership, seal, context, at);
lapses(person: Person, "request_use", seal: Seal, context, at) if
  named_process(seal, process, context) and
  member(person, seal.enterprise, applicant, context) and
  (head_of_applicant_changes(process, applicant, context, at) or steps_change(process, context, at));

decider_changes(membership: Membership, _: Seal, context, at) if
  membership_lapses(membership, context, at) or
  role_changes(membership, context, at) or
  substitution_changes(membership, context, at);
decider_changes(membership: Membership, seal: Seal, context, at) if
  right_to_approve_changes(membership, seal, context, at);
decider_changes(_: Membership, seal: Seal, context, at) if
  at in [seal.acting_from, seal.acting_to] and
  context.now < at;

steps_change(process: ApprovalProcess, context, at) if
  step in process.steps and
  (at in [step.valid_from, step.valid_to] or line_changes(step, at)) and
  context.now < at;

line_changes(step: ProcessStep, at) if
  named in step.approvers and
  at in [named.valid_from, named.valid_to];

could_answer(membership: Membership, absent, _) if absent = membership;
could_answer(membership: Membership, absent, context) if
  absence in membership.substitutions and
  absence.recorded_at <= context.now and
  is_absent_at(absence, context.now) and
  absent = absence.membership;

# A person who owes photos of an earlier use delivers them first. The debt is the person's: leaving and joining again
# does not clear it.
#@ U-23
requires("request_use", _: Seal, "PHOTOS_DELIVERED");
meets(person: Person, "PHOTOS_DELIVERED", "request_use", seal: Seal, _) if not owes_photos(person, seal.enterprise, _);

owes_photos(person: Person, enterprise: Enterprise, request) if
  account_id(person, id) and
  membership in enterprise.memberships and
  membership.person_id = id and
  request in membership.use_requests and
  request.photos_owed > 0;

# The applicant delivers them, whatever has become of the request.
#@ U-23
requires("deliver_photos", _: SealUseRequest, "OWN_REQUEST");
requires("deliver_photos", _: SealUseRequest, "PHOTOS_ARE_OWED");
meets(person: Person, "OWN_REQUEST", "deliver_photos", request: SealUseRequest, _) if
  request.applicant.person_id = person.id;
meets(_: Person, "PHOTOS_ARE_OWED", "deliver_photos", request: SealUseRequest, _) if request.photos_owed > 0;

# --- deciding on a request -------------------------------------------------------------------------------------------

# A request is decided while it is in approval and not over; one refusal ends it.
#@ U-03
requires("approve", _: SealUseRequest, "REQUEST_IN_APPROVAL");
requires("reject", _: SealUseRequest, "REQUEST_IN_APPROVAL");
meets(_: Person, "REQUEST_IN_APPROVAL", "approve", request: SealUseRequest, context) if
  awaits_verdicts(request, context);
meets(_: Person, "REQUEST_IN_APPROVAL", "reject", request: SealUseRequest, context) if
  awaits_verdicts(request, context);

awaits_verdicts(request: SealUseRequest, context) if
  request.state = "IN_APPROVAL" and
  context.now < request.valid_to and
  not was_refused(request);

# Only those whose turn it is decide: the approvers of the current step, or without a process those with the right to
# approve.
#@ U-03
requires("approve", _: SealUseRequest, "STEP_APPROVER");
requires("reject", _: SealUseRequest, "STEP_APPROVER");
meets(person: Person, "STEP_APPROVER", "approve", request: SealUseRequest, context) if
  may_decide_now(person, request, context);
meets(person: Person, "STEP_APPROVER", "reject", request: SealUseRequest, context) if
  may_decide_now(person, request, context);
because("STEP_APPROVER", "PROCESS_DISABLED", _: Person, request: SealUseRequest, _) if
  request.process_id matches String and
  not follows_process(request, _);
because("STEP_APPROVER", "NOT_YOUR_TURN", person: Person, request: SealUseRequest, context) if
  not may_decide_now(person, request, context) and
  member(person, request.seal.enterprise, membership, context) and
  follows_process(request, process) and
  step_of(process, request, step) and
  names_approver(step, _, membership, request, context.now, context) and
  not step_is_passed(step, request, context);

# A right to approve covers what it says: these contracts, up to this amount, so many times.
#@ U-04 U-06
because("STEP_APPROVER", "APPROVAL_BEYOND_GRANT", person: Person, request: SealUseRequest, context) if
  lacks_covering_right(person, request, context) and
  right_to_approve(person, request, grant, context) and
  not grant_covers_request(grant, request, context);
because("STEP_APPROVER", "USE_LIMIT_EXHAUSTED", person: Person, request: SealUseRequest, context) if
  lacks_covering_right(person, request, context) and
  right_to_approve(person, request, grant, context) and
  not has_uses_left(grant);

lacks_covering_right(person: Person, request: SealUseRequest, context) if
  request.process_id = nil and
  not may_decide_now(person, request, context);

right_to_approve(person: Person, request: SealUseRequest, grant, context) if
  member(person, request.seal.enterprise, membership, context) and
  approval_grant(membership, request.seal, grant, context);

# Without a process, a person with the right to approve; with one, those whom the current step names.
#@ U-03
may_decide_now(person: Person, request: SealUseRequest, context) if
  request.process_id = nil and
  member(person, request.seal.enterprise, membership, context) and
  may_decide_by_right(membership, request, context);
may_decide_now(person: Person, request: SealUseRequest, context) if
  member(person, request.seal.enterprise, membership, context) and
  follows_process(request, process) and
  step_of(process, request, step) and
  names_approver(step, _, membership, request, context.now, context) and
  step_is_current(step, process, request, context);

# The current step is at the lowest position that is not passed yet; steps at one position stand side by side.
step_is_current(step: ProcessStep, process: ApprovalProcess, request: SealUseRequest, context) if
  not step_is_passed(step, request, context) and
  forall(step_of(process, request, earlier),
         earlier.position >= step.position or step_is_passed(earlier, request, context));

# U-12: The applicant approves nothing, the custodian neither, and with the seals that bind most the last approver does
# not put the seal. The applicant decides nothing, whatever membership, role or grant they have.
#@ U-12
requires("approve", _: SealUseRequest, "NOT_THE_APPLICANT");
requires("reject", _: SealUseRequest, "NOT_THE_APPLICANT");
meets(person: Person, "NOT_THE_APPLICANT", "approve", request: SealUseRequest, _) if
  not account_id(person, request.applicant.person_id);
meets(person: Person, "NOT_THE_APPLICANT", "reject", request: SealUseRequest, _) if
  not account_id(person, request.applicant.person_id);

# Nor does one approve whom the applicant put in that place just now: with a process by a role, otherwise by a grant. Until
# `at`. To refuse it they need not wait.
#@ M-11 U-12
requires("approve", _: SealUseRequest, "APPROVER_SETTLED");
meets(person: Person, "APPROVER_SETTLED", "approve", request: SealUseRequest, context) if
  not approver_waits(person, request, _, context);

approver_waits(person: Person, request: SealUseRequest, at, context) if
  place_from_until(person, request, request.applicant.person_id, at, context);
# Nor one whom the other side put there: a party, or who is named to sign for one.
#@ M-11 U-12 U-13
approver_waits(person: Person, request: SealUseRequest, at, context) if
  contract_of_request(request, contract, context) and
  is_on_opposite_side(by_id, request.seal, contract, context) and
  place_from_until(person, request, by_id, at, context);

# Nor the new administrator just after a retrieval, nor whom they put in office since, nor somebody in their place.
#@ R-13
approver_waits(person: Person, request: SealUseRequest, at, context) if
  waits_after_retrieval(person.id, request.seal.enterprise, at, context);
approver_waits(person: Person, request: SealUseRequest, at, context) if
  member(person, request.seal.enterprise, membership, context) and
  stands_in_for(membership, absent, request, context.now, context) and
  waits_after_retrieval(absent.person_id, request.seal.enterprise, at, context);

place_from_until(person: Person, request: SealUseRequest, by_id, at, context) if
  request.process_id matches String and
  member(person, request.seal.enterprise, membership, context) and
  role_from_until(membership, by_id, at, context);
place_from_until(person: Person, request: SealUseRequest, by_id, at, context) if
  request.process_id matches String and
  member(person, request.seal.enterprise, membership, context) and
  stands_in_for(membership, absent, request, context.now, context) and
  role_from_until(absent, by_id, at, context);
place_from_until(person: Person, request: SealUseRequest, by_id, at, context) if
  request.process_id = nil and
  member(person, request.seal.enterprise, membership, context) and
  right_to_approve_from_until(membership, request.seal, by_id, at, context);

is_on_opposite_side(person_id, _: Seal, contract: Contract, _) if
  party in contract.signatories and
  person_id = party.person_id and
  person_id matches String;
is_on_opposite_side(person_id, seal: Seal, contract: Contract, _) if
  other_party(seal, contract, party) and
  task in party.tasks and
  task.state != "TRANSFERRED" and
  is_named_in_task(person_id, task);
# … or represents one, or is a party or named for one by another account.
#@ A-02 U-13
is_on_opposite_side(person_id, seal: Seal, contract: Contract, context) if
  known_insider(person_id, known, context) and
  is_tied_to_other_party(known, seal, contract);

is_tied_to_other_party(person: Person, seal: Seal, contract: Contract) if
  account_id(person, id) and
  takes_part_for_other_party(id, seal, contract);
is_tied_to_other_party(person: Person, seal: Seal, contract: Contract) if
  represents_another_party(person, seal, contract);

# The custodian of a seal does not decide on its use.
#@ U-12
requires("approve", _: SealUseRequest, "NOT_THE_CUSTODIAN");
requires("reject", _: SealUseRequest, "NOT_THE_CUSTODIAN");
meets(person: Person, "NOT_THE_CUSTODIAN", "approve", request: SealUseRequest, context) if
  not keeps_seal_now(person.id, request.seal, context);
meets(person: Person, "NOT_THE_CUSTODIAN", "reject", request: SealUseRequest, context) if
  not keeps_seal_now(person.id, request.seal, context);

# Nor does a person decide who is on the other side: a party of the contract, one who is named to sign for another
# party, one of its members, or the person whom the registry names for it.
#@ U-12 U-13
requires("approve", _: SealUseRequest, "NOT_THE_COUNTERPARTY");
requires("reject", _: SealUseRequest, "NOT_THE_COUNTERPARTY");
meets(person: Person, "NOT_THE_COUNTERPARTY", "approve", request: SealUseRequest, context: RequestContext) if
  is_not_on_other_side(person, request, context);
meets(person: Person, "NOT_THE_COUNTERPARTY", "reject", request: SealUseRequest, context: RequestContext) if
  is_not_on_other_side(person, request, context);

is_not_on_other_side(_: Person, request: SealUseRequest, _: RequestContext) if request.contract_id = nil;
is_not_on_other_side(person: Person, request: SealUseRequest, context: RequestContext) if
  contract = context.contract and
  contract matches Contract and
  contract.id = request.contract_id and
  has_no_tie_to_others(person, request.seal, contract);

has_no_tie_to_others(person: Person, seal: Seal, contract: Contract) if
  forall(account_id(person, id), not takes_part_for_other_party(id, seal, contract)) and
  not belongs_to_other_party(person, seal, contract);

takes_part_for_other_party(person_id, _: Seal, contract: Contract) if is_party_personally(person_id, contract);
takes_part_for_other_party(person_id, seal: Seal, contract: Contract) if
  other_party(seal, contract, party) and
  task in party.tasks and
  task.state != "TRANSFERRED" and
  is_named_in_task(person_id, task);
takes_part_for_other_party(person_id, seal: Seal, contract: Contract) if
  other_party(seal, contract, party) and
  task in party.tasks and
  is_signed_for(task, person_id);

belongs_to_other_party(person: Person, seal: Seal, contract: Contract) if
  other_party(seal, contract, party) and
  party.enterprise_id matches String and
  account_of(person, account) and
  membership in account.memberships and
  membership.enterprise_id = party.enterprise_id and
  membership.state != "ENDED";
belongs_to_other_party(person: Person, seal: Seal, contract: Contract) if
  is_for_its_sender(contract, seal.enterprise_id) and
  account_of(person, account) and
  membership in account.memberships and
  membership.enterprise_id = contract.initiator_id and
  membership.state != "ENDED";
belongs_to_other_party(person: Person, seal: Seal, contract: Contract) if
  represents_another_party(person, seal, contract);

# One person gives one verdict on a request: N of M are N different persons, and a second step is a second pair of eyes.
#@ U-03
requires("approve", _: SealUseRequest, "NO_VERDICT_YET");
requires("reject", _: SealUseRequest, "NO_VERDICT_YET");
meets(person: Person, "NO_VERDICT_YET", "approve", request: SealUseRequest, _) if not has_verdict_of(person, request);
meets(person: Person, "NO_VERDICT_YET", "reject", request: SealUseRequest, _) if not has_verdict_of(person, request);

gave_verdict(person: Person, request: SealUseRequest) if
  approval in request.approvals and
  approval.approver.person_id = person.id;

has_verdict_of(person: Person, request: SealUseRequest) if
  approval in request.approvals and
  account_id(person, approval.approver.person_id);

# A refusal says why.
#@ U-03
requires("reject", _: SealUseRequest, "REASON_STATED");
meets(_: Person, "REASON_STATED", "reject", _: SealUseRequest, context) if is_stated(context.reason);

# An approval by a right with a limited number of uses takes one of them.
#@ U-06
obligation(person: Person, "approve", request: SealUseRequest, context, "DECREMENT_USE") if
  limited_right(person, request, _, context);
obligation_parameter("DECREMENT_USE", "grant_id", id, person: Person, "approve", request: SealUseRequest, context) if
  limited_right(person, request, grant, context) and
  id = grant.id;

limited_right(person: Person, request: SealUseRequest, grant, context) if
  request.process_id = nil and
  member(person, request.seal.enterprise, membership, context) and
  not legal_representative(person, request.seal.enterprise, context) and
  grant_to_decide(membership, request, grant, context) and
  not has_unlimited_right(membership, request, context);

has_unlimited_right(membership: Membership, request: SealUseRequest, context) if
  grant_to_decide(membership, request, grant, context) and
  is_unlimited(grant.use_limit);

# The applicant takes back what is not used yet.
#@ U-03
requires("withdraw", _: SealUseRequest, "OWN_REQUEST");
requires("withdraw", _: SealUseRequest, "REQUEST_NOT_USED");
meets(person: Person, "OWN_REQUEST", "withdraw", request: SealUseRequest, _) if request.applicant.person_id = person.id;
meets(_: Person, "REQUEST_NOT_USED", "withdraw", request: SealUseRequest, _) if
  request.state in ["DRAFT", "IN_APPROVAL", "APPROVED"];

# What was refused says so wherever its applicant goes on with it, and tells them why.
#@ U-03
because("REQUEST_NOT_USED", "REQUEST_REJECTED", person: Person, request: SealUseRequest, _) if
  request.state = "REJECTED" and
  request.applicant.person_id = person.id;

# A decision on a request ends where the request does, and wherever an entitlement that it rests on begins or ends.
lapses(_: Person, "approve", request: SealUseRequest, _, at) if at = request.valid_to;
lapses(_: Person, "reject", request: SealUseRequest, _, at) if at = request.valid_to;
lapses(person: Person, "approve", request: SealUseRequest, context, at) if
  verdict_entitlement_changes(person, request, context, at);
lapses(person: Person, "reject", request: SealUseRequest, context, at) if
  verdict_entitlement_changes(person, request, context, at);

verdict_entitlement_changes(person: Person, request: SealUseRequest, context, at) if
  member(person, request.seal.enterprise, membership, context) and
  approver_entitlement_changes(membership, request, context, at);
verdict_entitlement_changes(_: Person, request: SealUseRequest, context, at) if
  approval in request.approvals and
  approver_entitlement_changes(approval.approver, request, context, at);
verdict_entitlement_changes(_: Person, request: SealUseRequest, context, at) if
  approval in request.approvals and
  at = approval.decided_at and
  context.now < at;
verdict_entitlement_changes(_: Person, request: SealUseRequest, context, at) if
  approval in request.approvals and
  at = approval.approver.joined_at and
  context.now < at;
# Who approves in the place of another does so while that one could; an earlier approver counts while they are a member.
#@ A-07 U-04
verdict_entitlement_changes(person: Person, request: SealUseRequest, context, at) if
  member(person, request.seal.enterprise, membership, context) and
  stands_in_for(membership, absent, request, context.now, context) and
  entitlement_lapses(absent, request, context, at);
verdict_entitlement_changes(_: Person, request: SealUseRequest, context, at) if
  approval in request.approvals and
  membership_lapses(approval.approver, context, at);

# --- a request that stands -------------------------------------------------------------------------------------------

own_request(person: Person, seal: Seal, contract: Contract, request, context) if
  member(person, seal.enterprise, membership, context) and
  request in membership.use_requests and
  request.seal_id = seal.id and
  request.contract_id = contract.id;

# A request of the person's own, for exactly these documents, that gives them authority now.
approved_request(person: Person, seal: Seal, contract: Contract, request, context) if
  own_request(person, seal, contract, request, context) and
  is_usable_request(request, context) and
  may_replace_grant(request, context) and
  is_for_these_documents(request, contract);

# The applicant picks the process, so a process replaces a grant only where the enterprise says so: it prescribes it for
# the contract, by amount or by a category that is in force, or leaves it open to any request. Otherwise it takes a right
# to approve.
#@ U-03 U-04
may_replace_grant(request: SealUseRequest, _) if request.process_id = nil;
may_replace_grant(request: SealUseRequest, context) if has_approval_by_right(request, context);
may_replace_grant(request: SealUseRequest, _) if
  follows_process(request, process) and
  process.is_open = true;
may_replace_grant(request: SealUseRequest, context) if
  contract_of_request(request, contract, context) and
  follows_process(request, process) and
  is_prescribed(process.id, request.seal, contract);

is_prescribed(process_id: String, seal: Seal, contract: Contract) if
  terms_of(seal, contract, terms) and
  amount = terms.amount and
  amount matches Integer and
  band_for(seal.enterprise, terms.currency, amount, band) and
  band.process_id = process_id;
is_prescribed(process_id: String, seal: Seal, contract: Contract) if
  category_id_of_owner(seal, contract, category_id) and
  own_category(seal.enterprise, category_id, category) and
  category.state = "ENABLED" and
  category.process_id = process_id;

# … and one of any member: what the enterprise's own procedures ask for, whichever person puts the seal.
approved_for(seal: Seal, contract: Contract, request, context) if
  request in seal.use_requests and
  request.contract_id = contract.id and
  is_live(request.applicant, context) and
  is_usable_request(request, context) and
  is_for_these_documents(request, contract);

# Approved, within its time, and not used up.
is_usable_request(request: SealUseRequest, context) if
  was_approved(request, context) and
  is_within_time(request, context) and
  may_count_request(request, context);

# Others than the applicant approved, and nobody who was asked refused. An approval counts while its approver may still
# approve: an approver who has left or lost the right has to be replaced by another one.
was_approved(request: SealUseRequest, context) if
  is_approved_state(request) and
  not was_refused(request) and
  not decided_by_applicant(request) and
  approval_is_complete(request, context);

is_approved_state(request: SealUseRequest) if request.state in ["APPROVED", "IN_USE"];
was_refused(request: SealUseRequest) if
  approval in request.approvals and
  approval.verdict != "PASSED";
decided_by_applicant(request: SealUseRequest) if
  approval in request.approvals and
  are_one_human(approval.approver.person_id, request.applicant.person_id, request.seal.enterprise);

# Without a process, one person with the right to approve is enough.
#@ U-03
approval_is_complete(request: SealUseRequest, context) if
  request.process_id = nil and
  has_approval_by_right(request, context);

# With one, every step is passed. Over the legal representative's seal no process replaces that representative's own
# word.
#@ U-04 S-05
approval_is_complete(request: SealUseRequest, context) if
  request.seal.kind != "LEGAL_REP" and
  every_step_is_passed(request, context);
approval_is_complete(request: SealUseRequest, context) if
  has_approval_by_right(request, context) and
  every_step_is_passed(request, context);

has_approval_by_right(request: SealUseRequest, context) if
  approval in request.approvals and
  approval.verdict = "PASSED" and
  was_decided_in_time(approval, request, context) and
  may_act_as_approver(approval.approver, request.seal, context) and
  decided_by_right(approval.approver, request, approval.decided_at, context) and
  not decided_from_other_side(approval, request, context) and
  not had_right_from(approval, request, request.applicant.person_id, context) and
  not had_place_from_other_side(approval, request, context) and
  not decided_after_retrieval(approval, request, context) and
  is_independent_approver(approval.approver, request, context);

# Like APPROVER_SETTLED, when it was decided.
#@ M-11 U-12 U-13
had_place_from_other_side(approval: Approval, request: SealUseRequest, context) if
  contract_of_request(request, contract, context) and
  is_on_opposite_side(by_id, request.seal, contract, context) and
  had_place_from(approval, request, by_id, context);
had_right_from(approval: Approval, request: SealUseRequest, by_id, context) if
  not legal_representative(approval.approver.person, request.seal.enterprise, context) and
  had_new_right_to_approve_from(approval.approver, request.seal, by_id, approval.decided_at, context);

had_role_from(approval: Approval, _: SealUseRequest, by_id, context) if
  had_new_role_from(approval.approver, by_id, approval.decided_at, context);
had_role_from(approval: Approval, request: SealUseRequest, by_id, context) if
  stands_in_for(approval.approver, absent, request, approval.decided_at, context) and
  had_new_role_from(absent, by_id, approval.decided_at, context);

# … nor in the day after a retrieval, by who waited then, or in their place.
#@ R-13 A-02
decided_after_retrieval(approval: Approval, request: SealUseRequest, context) if
  waited_after_retrieval(approval.approver.person_id, request.seal.enterprise, approval.decided_at, context);
decided_after_retrieval(approval: Approval, request: SealUseRequest, context) if
  stands_in_for(approval.approver, absent, request, approval.decided_at, context) and
  waited_after_retrieval(absent.person_id, request.seal.enterprise, approval.decided_at, context);

# What was decided before the request was handed in, or handed in again with other documents, was about something else.
#@ A-02 U-15
was_decided_in_time(approval: Approval, request: SealUseRequest, context) if
  request.submitted_at <= approval.decided_at and
  approval.decided_at <= context.now and
  approval.approver.joined_at <= approval.decided_at;

# --- the right to approve --------------------------------------------------------------------------------------------

# An approver is a present member with a verified name and does not keep the seal.
may_act_as_approver(approver: Membership, seal: Seal, context) if
  is_live(approver, context) and
  is_active_and_verified(approver.person) and
  not keeps_seal_now(approver.person_id, seal, context);

# Who decides now: a person with a right that covers this request and is not used up, or the legal representative. The
# right is a grant of its own, never the custodian's; over the legal representative's seal it is that representative's
# alone.
#@ U-04 U-06
may_decide_by_right(approver: Membership, request: SealUseRequest, context) if
  legal_representative(approver.person, request.seal.enterprise, context);
may_decide_by_right(approver: Membership, request: SealUseRequest, context) if
  grant_to_decide(approver, request, _, context);

grant_to_decide(approver: Membership, request: SealUseRequest, grant, context) if
  approval_grant(approver, request.seal, grant, context) and
  grant.state = "ACTIVE" and
  has_uses_left(grant) and
  grant_covers_request(grant, request, context);

# Who decided: their right still covers the request. What it was counted for stands, though the count has come to its
# end.
decided_by_right(approver: Membership, request: SealUseRequest, at, context) if
  legal_representative(approver.person, request.seal.enterprise, context) and
  represented(approver.person_id, request.seal.enterprise, at, context);
decided_by_right(approver: Membership, request: SealUseRequest, at, context) if
  approval_grant(approver, request.seal, grant, context) and
  grant.valid_from <= at and
  is_confirmed(grant, at, context) and
  grant_covers_request(grant, request, context);

approval_grant(approver: Membership, seal: Seal, grant, context) if
  seal.kind != "LEGAL_REP" and
  grant in seal.grants and
  grant.right = "APPROVE" and
  grant.membership_id = approver.id and
  is_in_force(grant) and
  is_confirmed(grant, context.now, context) and
  is_within_time(grant, context) and
  grantor_is_entitled(grant, context) and
  not gave_grant(approver.person_id, grant);

# A count that came to its end ended with an approval that was counted.
is_in_force(grant: SealGrant) if grant.state = "ACTIVE";
is_in_force(grant: SealGrant) if grant.state = "EXHAUSTED" and grant.used = grant.use_limit;

# Every contract, whatever its amount, or the contract that the request names, which is known. Where it names none, a
# limit cannot be looked at.
grant_covers_request(grant: SealGrant, _: SealUseRequest, _) if covers_everything(grant);
grant_covers_request(grant: SealGrant, request: SealUseRequest, context) if
  contract_of_request(request, contract, context) and
  covers(grant, contract) and
  covers_amount(grant, contract);

covers_everything(grant: SealGrant) if
  grant.scope = "ALL_CONTRACTS" and
  not lists_templates(grant) and
  is_unlimited(grant.amount_max);

contract_of_request(request: SealUseRequest, contract, context: RequestContext) if
  contract_with_id(context.contract, request.contract_id, contract);
contract_of_request(request: SealUseRequest, contract, context: TaskContext) if
  contract_with_id(context.contract, request.contract_id, contract);
contract_of_request(request: SealUseRequest, contract, context: StampContext) if
  contract_with_id(context.contract, request.contract_id, contract);
contract_of_request(request: SealUseRequest, contract, context: SealUseContext) if
  sealed_contract(context, contract) and
  request.contract_id matches String and
  contract.id = request.contract_id;

contract_with_id(known, id, contract) if
  contract = known and
  contract matches Contract and
  id matches String and
  contract.id = id;

# An approver who is on the other side of the contract approved for that side. Where a seal is used, what each
# represents is known.
#@ U-12 U-13
is_independent_approver(approver: Membership, request: SealUseRequest, context: SealUseContext) if
  contract_of_request(request, contract, context) and
  known in context.approvers and
  has_no_tie_to_other_party(known, approver, request, contract);
is_independent_approver(approver: Membership, request: SealUseRequest, context: StampContext) if
  contract_of_request(request, contract, context) and
  known in context.approvers and
  has_no_tie_to_other_party(known, approver, request, contract);
is_independent_approver(approver: Membership, request: SealUseRequest, context: SignContext) if
  contract_of_request(request, contract, context) and
  known in context.approvers and
  has_no_tie_to_other_party(known, approver, request, contract);
is_independent_approver(_: Membership, request: SealUseRequest, _: StampContext) if request.contract_id = nil;
# While others still decide, or a task is opened, it is not looked at: that the seal is used is what counts.
is_independent_approver(_: Membership, _: SealUseRequest, _: RequestContext);
is_independent_approver(_: Membership, _: SealUseRequest, context: TaskContext) if
  not (context matches SignContext);

has_no_tie_to_other_party(known: Person, approver: Membership, request: SealUseRequest, contract: Contract) if
  known.id = approver.person_id and
  has_no_tie_to_others(known, request.seal, contract);

# Nor did they belong there when they approved, though they have left it since.
#@ A-02 U-12
decided_from_other_side(approval: Approval, request: SealUseRequest, context: SealUseContext) if
  known in context.approvers and
  belonged_elsewhere(known, approval, request, context);
decided_from_other_side(approval: Approval, request: SealUseRequest, context: StampContext) if
  known in context.approvers and
  belonged_elsewhere(known, approval, request, context);
decided_from_other_side(approval: Approval, request: SealUseRequest, context: SignContext) if
  known in context.approvers and
  belonged_elsewhere(known, approval, request, context);

belonged_elsewhere(known: Person, approval: Approval, request: SealUseRequest, context) if
  known.id = approval.approver.person_id and
  contract_of_request(request, contract, context) and
  belonged_to_other_party(known, request.seal, contract, approval.decided_at, context);

belonged_to_other_party(person: Person, seal: Seal, contract: Contract, at, context) if
  other_party(seal, contract, party) and
  enterprise_id = party.enterprise_id and
  enterprise_id matches String and
  belonged_to(person, enterprise_id, at, context);
# What the owner alone signs benefits its sender.
belonged_to_other_party(person: Person, seal: Seal, contract: Contract, at, context) if
  is_for_its_sender(contract, seal.enterprise_id) and
  belonged_to(person, contract.initiator_id, at, context);

# --- processes -------------------------------------------------------------------------------------------------------

# A request follows a process of the seal's owner that is in force; another enterprise's counts for nothing.
follows_process(request: SealUseRequest, process) if
  process in request.seal.enterprise.approval_processes and
  process.id = request.process_id and
  process.state = "ENABLED";

# A process without steps approves nothing.
every_step_is_passed(request: SealUseRequest, context) if
  follows_process(request, process) and
  step_of(process, request, _) and
  forall(step_of(process, request, step), step_is_passed(step, request, context));

# The steps, and their approvers, count as they were when the request was submitted: what an enterprise edits since is for
# those that come.
#@ U-04
step_of(process: ApprovalProcess, request: SealUseRequest, step) if
  step in process.steps and
  stood_at(step, request.submitted_at);

approver_of(step: ProcessStep, request: SealUseRequest, named) if
  named in step.approvers and
  stood_at(named, request.submitted_at);

stood_at(part, at) if
  part.valid_from <= at and
  at < part.valid_to;

# One of those whom the step names is enough, or each of them passes it.
step_is_passed(step: ProcessStep, request: SealUseRequest, context) if
  step.mode = "ANY" and
  counted_approval(step, request, approval, context) and
  names_approver(step, _, approval.approver, request, approval.decided_at, context);
step_is_passed(step: ProcessStep, request: SealUseRequest, context) if
  step.mode = "ALL" and
  approver_of(step, request, _) and
  forall(approver_of(step, request, named), has_passed(named, step, request, context));

# A person who is named by their role passes for the role alone, and a substitute for one person alone: not while
# another line of the step names them too.
has_passed(named: StepApprover, step: ProcessStep, request: SealUseRequest, context) if
  counted_approval(step, request, approval, context) and
  named.membership_id matches String and
  named.membership_id = approval.approver_id;
has_passed(named: StepApprover, step: ProcessStep, request: SealUseRequest, context) if
  counted_approval(step, request, approval, context) and
  is_named_approver_of_step(named, approval.approver, request, approval.decided_at, context) and
  not is_named_again_in_step(named, step, approval, request, context);

is_named_again_in_step(named: StepApprover, step: ProcessStep, approval: Approval, request: SealUseRequest, context) if
  names_approver(step, other, approval.approver, request, approval.decided_at, context) and
  other.id != named.id;

# A verdict on this step, by somebody who may act as an approver and gave no other verdict on the request.
counted_approval(step: ProcessStep, request: SealUseRequest, approval, context) if
  approval in request.approvals and
  approval.step_id matches String and
  approval.step_id = step.id and
  approval.verdict = "PASSED" and
  was_decided_in_time(approval, request, context) and
  may_act_as_approver(approval.approver, request.seal, context) and
  is_independent_approver(approval.approver, request, context) and
  not decided_from_other_side(approval, request, context) and
  not had_role_from(approval, request, request.applicant.person_id, context) and
  not had_place_from_other_side(approval, request, context) and
  not decided_after_retrieval(approval, request, context) and
  not gave_another_verdict(approval, request);

gave_another_verdict(approval: Approval, request: SealUseRequest) if
  other in request.approvals and
  other.id != approval.id and
  other.approver.person_id = approval.approver.person_id;

names_approver(step: ProcessStep, named, membership: Membership, request: SealUseRequest, at, context) if
  approver_of(step, request, named) and
  is_named_approver_of_step(named, membership, request, at, context);

# In person, or as the substitute of somebody who was away at that time (standing_in.polar).
is_named_approver_of_step(named: StepApprover, membership: Membership, request: SealUseRequest, at, context) if
  is_named_in_person(named, membership, request.applicant, context) and
  was_named_by_then(named, membership, at, context);
is_named_approver_of_step(named: StepApprover, membership: Membership, request: SealUseRequest, at, context) if
  stands_in_for(membership, absent, request, at, context) and
  is_named_in_person(named, absent, request.applicant, context) and
  was_named_by_then(named, absent, at, context);

# A verdict from before the role, or from between two terms of it, is none, though its author has the role now.
#@ A-02
was_named_by_then(named: StepApprover, _: Membership, _, _) if named.role = nil;
was_named_by_then(named: StepApprover, membership: Membership, at, context) if
  role = named.role and
  role matches String and
  role = "LEGAL_REP" and
  represented(membership.person_id, membership.enterprise, at, context);
was_named_by_then(named: StepApprover, membership: Membership, at, context) if
  role = named.role and
  role matches String and
  assignment in membership.assignments and
  assignment.role = role and
  was_active_assignment(assignment, at, context);

is_named_in_person(named: StepApprover, membership: Membership, _: Membership, _) if
  named.membership_id matches String and
  named.membership_id = membership.id;
is_named_in_person(named: StepApprover, membership: Membership, applicant: Membership, context) if
  role = named.role and
  role matches String and
  holds_role_of_step(membership, role, applicant, context);

# The legal representative is whom the registry names today. CUSTOM names nobody: it says nothing of which role.
holds_role_of_step(membership: Membership, "LEGAL_REP", _: Membership, context) if
  legal_representative(membership.person, membership.enterprise, context);
holds_role_of_step(membership: Membership, role, _: Membership, context) if
  role in ["SYSTEM_ADMIN", "SEAL_ADMIN", "CONTRACT_ADMIN", "SEAL_AUDITOR"] and
  holds_role(membership, role, context);
# The head of a department is that of the applicant's own (departments.polar).
#@ A-07
holds_role_of_step(membership: Membership, "DEPT_ADMIN", applicant: Membership, context) if
  is_head_of_applicant(membership, applicant, context);

# When an approver's entitlement begins or ends: a right to approve, a role that a process may name, an acting custody.
approver_entitlement_changes(approver: Membership, request: SealUseRequest, context, at) if
  request.process_id = nil and
  right_to_approve_changes(approver, request.seal, context, at);
approver_entitlement_changes(approver: Membership, request: SealUseRequest, context, at) if
  request.process_id matches String and
  role_changes(approver, context, at);
approver_entitlement_changes(approver: Membership, request: SealUseRequest, context, at) if
  request.process_id matches String and
  substitution_changes(approver, context, at);
approver_entitlement_changes(_: Membership, request: SealUseRequest, context, at) if
  follows_process(request, process) and
  head_of_applicant_changes(process, request.applicant, context, at);
approver_entitlement_changes(approver: Membership, request: SealUseRequest, context, at) if
  is_named_acting_custodian(approver.person_id, request.seal) and
  at in [request.seal.acting_from, request.seal.acting_to] and
  context.now < at;

right_to_approve_changes(approver: Membership, seal: Seal, context, at) if
  grant in seal.grants and
  grant.right = "APPROVE" and
  grant.state in ["ACTIVE", "EXHAUSTED"] and
  grant.membership_id = approver.id and
  at in [grant.valid_to, grant.grantor.valid_to, grant.grantor.membership.ended_at] and
  context.now < at;

role_changes(approver: Membership, context, at) if
  assignment in approver.assignments and
  assignment.state = "ACTIVE" and
  at in [assignment.valid_from, assignment.valid_to] and
  context.now < at;

# --- the documents ---------------------------------------------------------------------------------------------------

# U-15: An approval is for exactly these documents, by their digests: each document of the contract was requested, and
# each that was requested is in the contract. A changed document is approved again.
#@ U-15
is_for_these_documents(request: SealUseRequest, contract: Contract) if
  _ in contract.documents and
  forall(other in contract.documents, is_requested(request, other.digest)) and
  forall(asked in request.documents, is_in_contract(contract, asked.digest));

is_requested(request: SealUseRequest, digest) if document in request.documents and document.digest = digest;
is_in_contract(contract: Contract, digest) if document in contract.documents and document.digest = digest;
