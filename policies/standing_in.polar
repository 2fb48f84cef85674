# Standing in for somebody who is away: a substitute approves, a delegate carries out a task.
#
# A substitute approves in the place of the person whom a step names, for the time of a recorded absence. The two count
# as one: where the absent person has given a verdict, the substitute gives none. Nobody gets a say over what they asked
# for in this way, neither as the substitute nor through one. (Civil Code 165 and 169: authority is written.)

# --- approving -------------------------------------------------------------------------------------------------------

# The absence was recorded before the verdict, by somebody who may.
#@ A-07
stands_in_for(substitute: Membership, absent, request: SealUseRequest, at, context) if
  absence in substitute.substitutions and
  absence.recorded_at <= at and
  is_absent_at(absence, at) and
  absent = absence.membership and
  is_live(absent, context) and
  is_active_and_verified(absent.person) and
  absent.enterprise_id = request.seal.enterprise_id and
  not are_one_human(absent.person_id, request.applicant.person_id, request.seal.enterprise) and
  absent.person_id != substitute.person_id and
  not keeps_seal_now(absent.person_id, request.seal, context) and
  was_recorded_rightly(absence, request, at, context) and
  is_untied_absent(absent, request, context) and
  not gave_verdict(absent.person, request) and
  not spoke_through_another(absent, substitute, request, context);

# A person on the other side of the contract chooses nobody who decides in their place, as they decide nothing themself.
#@ U-12 U-13
is_untied_absent(absent: Membership, request: SealUseRequest, context) if
  is_independent_approver(absent, request, context) and
  not takes_part_elsewhere(absent, request, context);

takes_part_elsewhere(absent: Membership, request: SealUseRequest, context: RequestContext) if
  contract = context.contract and
  contract matches Contract and
  takes_part_for_other_party(absent.person_id, request.seal, contract);

# Several substitutes of one person have one say. A verdict that its author could give in person is their own.
spoke_through_another(absent: Membership, substitute: Membership, request: SealUseRequest, context) if
  other in request.approvals and
  other.approver.person_id != substitute.person_id and
  absence in other.approver.substitutions and
  absence.membership_id = absent.id and
  is_absent_at(absence, other.decided_at) and
  not is_given_in_person(other, request, context);

is_given_in_person(approval: Approval, request: SealUseRequest, context) if
  step = approval.process_step and
  step matches ProcessStep and
  approver_of(step, request, named) and
  is_named_in_person(named, approval.approver, request.applicant, context);

is_absent_at(absence: Absence, at) if
  absence.valid_from <= at and
  at < absence.valid_to and
  not was_withdrawn_by(absence, at);

was_withdrawn_by(absence: Absence, at) if
  absence.withdrawn_at > 0 and
  absence.withdrawn_at <= at;

# The absent person named their substitute, or the legal representative did, or an administrator: never the substitute,
# and never the applicant, who would choose their own judge.
was_recorded_rightly(absence: Absence, _: SealUseRequest, _, _) if
  absence.recorded_by_id = absence.membership.person_id;
was_recorded_rightly(absence: Absence, request: SealUseRequest, _, context) if
  is_recorded_by_another(absence, request) and
  not was_recorded_after_retrieval(absence, context) and
  was_legal_representative(
    absence.recorded_by_id, absence.membership.enterprise, absence.recorded_at,
    context.parameters.registry_fresh_within);
# What an administrator says of another counts a while later, and no more once that person was seen again: who is there
# is not replaced, and who is away hears of it in time.
was_recorded_rightly(absence: Absence, request: SealUseRequest, at, context) if
  is_recorded_by_second(absence, request, context) and
  not was_recorded_after_retrieval(absence, context) and
  absence.recorded_at + context.parameters.absence_notice <= at and
  not was_seen_since(absence, at) and
  was_administrator(absence.recorded_by_id, absence.membership.enterprise, absence.recorded_at, context);

is_recorded_by_another(absence: Absence, request: SealUseRequest) if
  absence.recorded_by_id != absence.substitute.person_id and
  not are_one_human(absence.recorded_by_id, request.applicant.person_id, request.seal.enterprise);

# … nor did who waited after a retrieval when they recorded it.
#@ R-13 A-02
was_recorded_after_retrieval(absence: Absence, context) if
  waited_after_retrieval(absence.recorded_by_id, absence.membership.enterprise, absence.recorded_at, context);

# Nor one whom the substitute or the applicant had just put in office, or who had put them there.
#@ M-11
is_recorded_by_second(absence: Absence, request: SealUseRequest, context) if
  is_second_recorder(absence, absence.substitute.person_id, context) and
  is_second_recorder(absence, request.applicant.person_id, context);

is_second_recorder(absence: Absence, person_id, context) if
  was_second_person(
    absence.recorded_by_id, person_id, absence.membership.enterprise, absence.recorded_at, context);

# The last time is known alone: who came back after a verdict takes nothing from it.
was_seen_since(absence: Absence, at) if
  absence.recorded_at < absence.membership.person.last_active_at and
  absence.membership.person.last_active_at <= at;

# Like may_administer, at an earlier time.
#@ A-14
ran_enterprise(person_id, enterprise: Enterprise, at, context) if
  was_administrator(person_id, enterprise, at, context);
ran_enterprise(person_id, enterprise: Enterprise, at, context) if
  was_legal_representative(person_id, enterprise, at, context.parameters.registry_fresh_within);

was_administrator(person_id, enterprise: Enterprise, at, context) if
  membership in enterprise.memberships and
  membership.person_id = person_id and
  assignment in membership.assignments and
  assignment.role = "SYSTEM_ADMIN" and
  was_active_assignment(assignment, at, context);

substitution_changes(substitute: Membership, context, at) if
  absence in substitute.substitutions and
  at in [absence.valid_from, absence.valid_to, absence.withdrawn_at, absence.membership.ended_at] and
  context.now < at;

# --- recording an absence --------------------------------------------------------------------------------------------

resource Membership {
  permissions = ["record_absence"];

  "record_absence" if "administrator" on "enterprise";
  "record_absence" if "legal_representative" on "enterprise";
}

has_permission(person: Person, "record_absence", membership: Membership) if membership.person_id = person.id;

# A member records their own absence; an administrator or the legal representative records everybody's, but names nobody
# less than another person than themself.
#@ A-07
requires("record_absence", _: Membership, "ABSENCE_RECORDER");
requires("record_absence", _: Membership, "MEMBERSHIP_LIVE");
requires("record_absence", _: Membership, "SUBSTITUTE_FIT");
meets(person: Person, "ABSENCE_RECORDER", "record_absence", membership: Membership, _) if
  membership.person_id = person.id;
meets(person: Person, "ABSENCE_RECORDER", "record_absence", membership: Membership, context) if
  may_administer(person, membership.enterprise, context) and
  substitute = context.substitute and
  substitute matches Membership and
  is_second_person(person, substitute.person_id, membership.enterprise, context);
because("ABSENCE_RECORDER", "COOLING_OFF", person: Person, membership: Membership, context: AbsenceContext) if
  recorder_of_absence_waits(person, membership, _, context);
because("ABSENCE_RECORDER", "SELF_GRANT", person: Person, membership: Membership, context: AbsenceContext) if
  may_administer(person, membership.enterprise, context) and
  substitute = context.substitute and
  substitute matches Membership and
  substitute.person_id = person.id;
# Nor a person whom they have just put in office, or who has put them there. Until `at`.
#@ M-11
recorder_of_absence_waits(person: Person, membership: Membership, at, context: AbsenceContext) if
  membership.person_id != person.id and
  may_administer(person, membership.enterprise, context) and
  substitute = context.substitute and
  substitute matches Membership and
  substitute.person_id != person.id and
  appointed_lately(person.id, substitute.person_id, membership.enterprise, at, context);

meets(_: Person, "MEMBERSHIP_LIVE", "record_absence", membership: Membership, context) if is_live(membership, context);
meets(_: Person, "SUBSTITUTE_FIT", "record_absence", membership: Membership, context) if
  substitute = context.substitute and
  substitute matches Membership and
  substitute.enterprise_id = membership.enterprise_id and
  substitute.person_id != membership.person_id and
  is_live(substitute, context) and
  is_active_and_verified(substitute.person);

# Who names another's substitute gives a say away: not while a retrieval holds the enterprise, nor as a new administrator
# in the time after it. One's own absence one may record at any time.
#@ R-12 R-13
requires("record_absence", _: Membership, "NO_RETRIEVAL_HOLD");
requires("record_absence", _: Membership, "COOLED_OFF");
meets(_: Person, "NO_RETRIEVAL_HOLD", "record_absence", membership: Membership, context) if
  not is_held_by_retrieval(membership.enterprise, context);
meets(person: Person, "NO_RETRIEVAL_HOLD", "record_absence", membership: Membership, _) if
  membership.person_id = person.id;
meets(person: Person, "COOLED_OFF", "record_absence", membership: Membership, context) if
  not cooling_off(person, membership.enterprise, _, context);
meets(person: Person, "COOLED_OFF", "record_absence", membership: Membership, _) if membership.person_id = person.id;

lapses(person: Person, "record_absence", membership: Membership, context, at) if
  admin_lapses(person, membership.enterprise, context, at);
lapses(_: Person, "record_absence", membership: Membership, _, at) if at = membership.ended_at;
lapses(_: Person, "record_absence", _: Membership, context, at) if
  substitute = context.substitute and
  substitute matches Membership and
  at = substitute.ended_at;

# --- carrying out a task ---------------------------------------------------------------------------------------------

# A person whom a named operator lets act for them is an operator as that one is: for a seal that the task takes, and
# while the delegation gives authority over it. A signature in person is nobody else's.
#@ A-07 U-18
meets(person: Person, "TASK_OPERATOR", "use", seal: Seal, context) if
  sealing_task(context, task) and
  is_delegate_of_operator(person, task, seal, context);
meets(person: Person, "TASK_OPERATOR", "open", task: SigningTask, context) if
  enterprise = context.enterprise and
  enterprise matches Enterprise and
  seal in enterprise.seals and
  task_takes_seal(task, seal) and
  is_delegate_of_operator(person, task, seal, context);

is_delegate_of_operator(person: Person, task: SigningTask, seal: Seal, context) if
  task.action = "CORPORATE_SEAL" and
  operator in task.operators and
  live_delegation(person, seal, task.signatory.contract, delegation, _, context) and
  delegation.principal.person_id = operator.person_id;
