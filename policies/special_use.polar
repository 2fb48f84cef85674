# Sealing that is not a person's act at the screen: automatically, and in an emergency.
#
# Both ask all that a use asks of the owner, the task, the contract, the seal and the certificate; what they leave out,
# and why, is in sealing.polar. They rest on a grant of their own kind, which no other replaces: a grant to use seals
# nothing automatically, and neither does an approval.
# (e-sign platforms: silent signing only with an explicit grant, and only after the review; emergency use of seal
# controllers. Electronic Signature Law 13.)

# --- automatic sealing -----------------------------------------------------------------------------------------------

requires("auto_use", _: Seal, "AUTO_SIGN_GRANTED");

meets(_: Person, "LICENCE_EXISTING", "auto_use", seal: Seal, context) if has_licence(seal.enterprise, context);
meets(_: Person, "TASK_READY", "auto_use", seal: Seal, context) if
  sealing_task(context, task) and
  is_turn_of(seal.enterprise, task, context) and
  not is_being_sealed(context);
meets(_: Person, "SEAL_FOR_TASK", "auto_use", seal: Seal, context) if
  sealing_task(context, task) and
  task_takes_seal(task, seal);
meets(_: Person, "SEAL_USABLE", "auto_use", seal: Seal, context) if is_usable(seal, context);
meets(_: Person, "CERTIFICATE_VALID", "auto_use", seal: Seal, context) if has_valid_certificate(seal, context);
meets(_: Person, "DOCUMENTS_SEALABLE", "auto_use", _: Seal, context) if has_complete_documents(context);
meets(_: Person, "MATTER_SEALABLE", "auto_use", seal: Seal, context) if
  sealed_contract(context, contract) and
  is_suitable_for(seal, contract, context);
meets(_: Person, "AMOUNT_STATED", "auto_use", seal: Seal, context) if has_stated_amount(seal, context);
meets(_: Person, "SEAL_IN_CATEGORY", "auto_use", seal: Seal, context) if is_in_category(seal, context);
meets(person: Person, "NOT_AN_AUDITOR", "auto_use", seal: Seal, context) if not is_auditor(person, seal, context);
meets(person: Person, "NO_SELF_DEALING", "auto_use", seal: Seal, context) if
  sealed_contract(context, contract) and
  not deals_with_self(person, seal, contract, context);
meets(person: Person, "NO_DOUBLE_AGENCY", "auto_use", seal: Seal, context) if
  sealed_contract(context, contract) and
  not acts_for_both(person, seal, contract, context);

# Where operators are named, only for one of them. The legal representative's seal stands for their own intent and is
# never put automatically.
#@ C-02 U-22
meets(person: Person, "TASK_OPERATOR", "auto_use", _: Seal, context) if
  sealing_task(context, task) and
  is_automatic_operator(person, task);

is_automatic_operator(_: Person, task: SigningTask) if
  task.action = "CORPORATE_SEAL" and
  not has_named_operator(task);
is_automatic_operator(person: Person, task: SigningTask) if
  task.action = "CORPORATE_SEAL" and
  operator in task.operators and
  operator.person_id = person.id;

# A guarantee is nothing that is sealed without a person's face.
#@ U-17 U-22
requires("auto_use", _: Seal, "NOT_A_GUARANTEE");
meets(_: Person, "NOT_A_GUARANTEE", "auto_use", seal: Seal, context) if
  sealed_contract(context, contract) and
  not is_guarantee(seal, contract);
because("NOT_A_GUARANTEE", "TASK_REQUIRED", _: Person, _: Seal, context) if lacks_task(context);

# U-22: A seal is put automatically only by an explicit, live grant for just that, for documents of the templates that
# it lists.
#@ U-22
meets(person: Person, "AUTO_SIGN_GRANTED", "auto_use", seal: Seal, context) if
  sealed_contract(context, contract) and
  auto_grant(person, seal, contract, _, context);
because("AUTO_SIGN_GRANTED", "TASK_REQUIRED", _: Person, _: Seal, context) if lacks_task(context);

auto_grant(person: Person, seal: Seal, contract: Contract, grant, context) if
  grant in seal.grants and
  grant.right = "AUTO_SIGN" and
  grant.membership.person_id = person.id and
  is_live(grant.membership, context) and
  grant.membership.enterprise_id = seal.enterprise_id and
  lists_template_of(grant, contract) and
  gives_authority(grant, contract, context);

obligation(_: Person, "auto_use", _: Seal, _, "DECREMENT_USE");
obligation_parameter("DECREMENT_USE", "grant_id", id, person: Person, "auto_use", seal: Seal, context) if
  sealed_contract(context, contract) and
  auto_grant(person, seal, contract, grant, context) and
  id = grant.id;
obligation(_: Person, "auto_use", _: Seal, _, "APPEND_SEAL_LOG");
obligation(_: Person, "auto_use", _: Seal, _, "NOTIFY_MONITORS");
# Those who watch are told as with any use.
#@ W-05
obligation(person: Person, "auto_use", seal: Seal, context, "ALERT_NEAR_LIMIT") if
  sealed_contract(context, contract) and
  auto_grant(person, seal, contract, grant, context) and
  is_near_limit(grant.used, grant.use_limit);
obligation(person: Person, "auto_use", seal: Seal, context, "ALERT_FIRST_USE") if
  sealed_contract(context, contract) and
  auto_grant(person, seal, contract, grant, context) and
  grant.used = 0;
obligation(_: Person, "auto_use", seal: Seal, context, "ALERT_AFTER_ADMIN_CHANGE") if
  has_new_administration(seal.enterprise, context);

lapses(_: Person, "auto_use", seal: Seal, _, at) if certificate_of(seal, certificate) and at = certificate.not_after;
lapses(_: Person, "auto_use", _: Seal, context, at) if sealed_contract(context, contract) and at = contract.deadline;
lapses(person: Person, "auto_use", seal: Seal, context, at) if
  sealed_contract(context, contract) and
  auto_grant(person, seal, contract, grant, context) and
  grant_lapses(grant, at);

# --- emergency use ---------------------------------------------------------------------------------------------------

requires("emergency_use", _: Seal, "REASON_STATED");
requires("emergency_use", _: Seal, "EMERGENCY_GRANTED");

meets(_: Person, "LICENCE_EXISTING", "emergency_use", seal: Seal, context) if has_licence(seal.enterprise, context);
meets(_: Person, "TASK_READY", "emergency_use", seal: Seal, context) if
  sealing_task(context, task) and
  is_turn_of(seal.enterprise, task, context) and
  not is_being_sealed(context);
meets(_: Person, "SEAL_FOR_TASK", "emergency_use", seal: Seal, context) if
  sealing_task(context, task) and
  task_takes_seal(task, seal);
meets(_: Person, "SEAL_USABLE", "emergency_use", seal: Seal, context) if is_usable(seal, context);
meets(_: Person, "CERTIFICATE_VALID", "emergency_use", seal: Seal, context) if has_valid_certificate(seal, context);
meets(_: Person, "DOCUMENTS_SEALABLE", "emergency_use", _: Seal, context) if has_complete_documents(context);
meets(_: Person, "MATTER_SEALABLE", "emergency_use", seal: Seal, context) if
  sealed_contract(context, contract) and
  is_suitable_for(seal, contract, context);
meets(_: Person, "AMOUNT_STATED", "emergency_use", seal: Seal, context) if
  has_stated_amount(seal, context);
meets(_: Person, "SEAL_IN_CATEGORY", "emergency_use", seal: Seal, context) if is_in_category(seal, context);
meets(person: Person, "NOT_AN_AUDITOR", "emergency_use", seal: Seal, context) if not is_auditor(person, seal, context);
meets(person: Person, "NO_SELF_DEALING", "emergency_use", seal: Seal, context) if
  sealed_contract(context, contract) and
  not deals_with_self(person, seal, contract, context);
meets(person: Person, "NO_DOUBLE_AGENCY", "emergency_use", seal: Seal, context) if
  sealed_contract(context, contract) and
  not acts_for_both(person, seal, contract, context);

# An emergency replaces an approval, and not the second pair of eyes of one that was given.
#@ U-12
meets(person: Person, "APPROVER_NOT_STAMPER", "emergency_use", seal: Seal, context) if
  sealed_contract(context, contract) and
  has_second_pair_of_eyes(person, seal, contract, context);

# The reason is stated, for those who approve it afterwards.
#@ U-24
meets(_: Person, "REASON_STATED", "emergency_use", _: Seal, context) if is_stated(context.reason);

# An emergency breaks no operator's privilege: it replaces the approval, not the task's choice of people.
#@ U-24 C-02
meets(person: Person, "TASK_OPERATOR", "emergency_use", _: Seal, context) if
  sealing_task(context, task) and
  is_emergency_operator(person, task);

is_emergency_operator(_: Person, task: SigningTask) if
  task.action in ["CORPORATE_SEAL", "LEGAL_REP_SEAL"] and
  not has_named_operator(task);
is_emergency_operator(person: Person, task: SigningTask) if
  task.action in ["CORPORATE_SEAL", "LEGAL_REP_SEAL"] and
  operator in task.operators and
  operator.person_id = person.id;

# U-24: In an emergency a seal is used without an approval by a grant for just that, with a stated reason and an alert,
# and the use is approved afterwards in time. While one emergency use of the seal by this person is not approved, there
# is no second one: under whatever grant and membership that use was, and whether its approval is still to come or was
# missed.
#@ U-24
meets(person: Person, "EMERGENCY_GRANTED", "emergency_use", seal: Seal, context) if
  sealed_contract(context, contract) and
  emergency_grant(person, seal, contract, _, context) and
  not has_unapproved_emergency_use(person, seal, context);
because("EMERGENCY_GRANTED", "TASK_REQUIRED", _: Person, _: Seal, context) if lacks_task(context);
because("EMERGENCY_GRANTED", "POST_APPROVAL_MISSING", person: Person, seal: Seal, context) if
  sealed_contract(context, contract) and
  emergency_grant(person, seal, contract, _, context) and
  has_unapproved_emergency_use(person, seal, context);

emergency_grant(person: Person, seal: Seal, contract: Contract, grant, context) if
  grant in seal.grants and
  grant.right = "EMERGENCY" and
  grant.membership.person_id = person.id and
  is_live(grant.membership, context) and
  grant.membership.enterprise_id = seal.enterprise_id and
  gives_authority(grant, contract, context);

has_unapproved_emergency_use(person: Person, seal: Seal, context) if
  grant in seal.grants and
  account_id(person, grant.membership.person_id) and
  use in grant.emergency_uses and
  not is_approved_afterwards(use, grant, seal, context);

# An emergency use is approved within its time, by another person who was entitled to approve at that time. An approval
# that came late is none: what was missed is for the enterprise to settle, with a grant to another person.
is_approved_afterwards(use: EmergencyUse, grant: SealGrant, seal: Seal, context) if
  use.approved_at > 0 and
  use.used_at <= use.approved_at and
  use.approved_at < use.used_at + context.parameters.post_approval_within and
  use.approved_at <= context.now and
  use.approved_by_id matches String and
  approver in seal.enterprise.memberships and
  approver.id = use.approved_by_id and
  not are_one_human(approver.person_id, grant.membership.person_id, seal.enterprise) and
  had_no_tie_to_others(approver.person_id, use, seal, context) and
  not waited_after_retrieval(approver.person_id, seal.enterprise, use.approved_at, context) and
  could_act_as_approver(approver, seal, use.approved_at, context) and
  had_right_to_approve(approver, grant.membership.person_id, seal, use.approved_at, context) and
  not had_right_from_other_side(approver, use, seal, context);

# The legal representative approves with a membership or without one.
is_approved_afterwards(use: EmergencyUse, grant: SealGrant, seal: Seal, context) if
  use.approved_at > 0 and
  use.used_at <= use.approved_at and
  use.approved_at < use.used_at + context.parameters.post_approval_within and
  use.approved_at <= context.now and
  approver = use.representative and
  approver matches Person and
  not are_one_human(approver.id, grant.membership.person_id, seal.enterprise) and
  had_no_tie_to_others(approver.id, use, seal, context) and
  not waited_after_retrieval(approver.id, seal.enterprise, use.approved_at, context) and
  approver.realname_state = "VERIFIED" and
  not is_custodian(approver.id, seal) and
  not was_acting_custodian(approver.id, seal, use.approved_at) and
  was_legal_representative(
    approver.id, seal.enterprise, use.approved_at, context.parameters.registry_valid_for);

# Like NOT_THE_COUNTERPARTY, when it was approved. Of a use that names no task, nobody says what was approved.
#@ A-02 U-12 U-13
had_no_tie_to_others(person_id, use: EmergencyUse, seal: Seal, context: SealUseContext) if
  task in context.emergencies and
  task.id = use.task_id and
  known in context.afterwards and
  known.id = person_id and
  contract = task.signatory.contract and
  forall(account_id(known, id), not takes_part_for_other_party(id, seal, contract)) and
  not belonged_to_other_party(known, seal, contract, use.approved_at, context);

# Like APPROVER_SETTLED, when it was approved.
#@ A-02 M-11 U-12 U-13
had_right_from_other_side(approver: Membership, use: EmergencyUse, seal: Seal, context: SealUseContext) if
  use.task_id matches String and
  task in context.emergencies and
  task.id = use.task_id and
  is_on_side_against(by_id, seal, task.signatory.contract, context) and
  not was_legal_representative(
    approver.person_id, seal.enterprise, use.approved_at, context.parameters.registry_valid_for) and
  had_new_right_to_approve_from(approver, seal, by_id, use.approved_at, context);

is_on_side_against(person_id, seal: Seal, contract: Contract, context) if
  is_on_opposite_side(person_id, seal, contract, context);
is_on_side_against(person_id, seal: Seal, contract: Contract, context) if
  known in context.afterwards and
  person_id = known.id and
  is_tied_to_other_party(known, seal, contract);

# Like may_act_as_approver, at an earlier instant, as far as the facts tell: they do not say since when a person is
# suspended, so that a suspension does not count; of the custodian they say today's, and of an acting one each day's.
could_act_as_approver(approver: Membership, seal: Seal, at, context) if
  was_member(approver.person_id, seal.enterprise, membership, at, context) and
  membership.id = approver.id and
  approver.person.realname_state = "VERIFIED" and
  not is_custodian(approver.person_id, seal) and
  not was_acting_custodian(approver.person_id, seal, at);

was_acting_custodian(person_id, seal: Seal, at) if
  is_named_acting_custodian(person_id, seal) and
  is_time_of_acting_custodian(seal, at);

# Like has_right_to_approve. What was sealed the use does not tell, so that only a right without limits covers it. Nobody
# has it newly from the one who used the seal.
had_right_to_approve(approver: Membership, _, seal: Seal, at, context) if
  was_legal_representative(approver.person_id, seal.enterprise, at, context.parameters.registry_valid_for);
had_right_to_approve(approver: Membership, user_id, seal: Seal, at, context) if
  seal.kind != "LEGAL_REP" and
  grant in seal.grants and
  grant.right = "APPROVE" and
  grant.membership_id = approver.id and
  had_force(grant) and
  not had_new_right_to_approve_from(approver, seal, user_id, at, context) and
  is_confirmed(grant, at, context) and
  covers_everything(grant) and
  grant.parent_id = nil and
  grant.valid_from <= at and
  at < grant.valid_to and
  was_entitled_to_grant(grant.grantor, seal.enterprise, at, context);

had_force(grant: SealGrant) if is_in_force(grant);
had_force(grant: SealGrant) if grant.state = "EXPIRED";

# A grant stood on the role of the one who gave it, and on their membership.
was_entitled_to_grant(grantor: RoleAssignment, _: Enterprise, at, context) if
  grantor.role = "SEAL_ADMIN" and
  was_active_assignment(grantor, at, context);
was_entitled_to_grant(grantor: RoleAssignment, enterprise: Enterprise, at, context) if
  grantor.role = "LEGAL_REP" and
  was_active_assignment(grantor, at, context) and
  was_legal_representative(grantor.membership.person_id, enterprise, at, context.parameters.registry_valid_for);

# An emergency puts the approval off. It does not put aside what the party's own review of the contract has to say.
#@ C-07 U-24
meets(person: Person, "REVIEW_PASSED", "emergency_use", seal: Seal, context) if
  sealing_task(context, task) and
  is_reviewed_everywhere(task.signatory, seal.enterprise, person.id, context);

# Always a face check: no kind of seal goes without one in an emergency.
#@ U-09 U-24
meets(person: Person, "FRESH_FACE", "emergency_use", _: Seal, context) if
  sealing_task(context, task) and
  fresh_face_check(
    context.verification, person, "SIGN", "SigningTask", task.id, context.parameters.face_for_use, context) and
  covers_all_documents(context.verification, context);
# … or three or four factors of the identity, where the owner's category allows that.
#@ U-10
meets(person: Person, "FRESH_FACE", "emergency_use", seal: Seal, context) if
  sealing_task(context, task) and
  fresh_fallback_check(context.verification, person, seal, task, context) and
  covers_all_documents(context.verification, context);

obligation(_: Person, "emergency_use", _: Seal, _, "CONSUME_VERIFICATION");
obligation(_: Person, "emergency_use", _: Seal, _, "DECREMENT_USE");
obligation_parameter("CONSUME_VERIFICATION", "verification_id", id, _: Person, "emergency_use", _: Seal, context) if
  check_id(context.verification, id);
obligation_parameter("DECREMENT_USE", "grant_id", id, person: Person, "emergency_use", seal: Seal, context) if
  emergency_grant_used_up(person, seal, context, id);
obligation_parameter("POST_APPROVAL", "grant_id", id, person: Person, "emergency_use", seal: Seal, context) if
  emergency_grant_used_up(person, seal, context, id);

emergency_grant_used_up(person: Person, seal: Seal, context, id) if
  sealed_contract(context, contract) and
  emergency_grant(person, seal, contract, grant, context) and
  id = grant.id;

obligation(_: Person, "emergency_use", _: Seal, _, "APPEND_SEAL_LOG");
obligation(_: Person, "emergency_use", _: Seal, _, "NOTIFY_MONITORS");
# Those who watch are told at once, and the use is approved afterwards. An emergency may be at any hour: that alert tells
# all that one of the hour or of a new administrator would.
#@ U-24 W-05
obligation(_: Person, "emergency_use", _: Seal, _, "ALERT_EMERGENCY_USE");
obligation(_: Person, "emergency_use", _: Seal, _, "POST_APPROVAL");

lapses(person: Person, "emergency_use", _: Seal, context, at) if
  sealing_task(context, task) and
  face_lapses(
    context.verification, person, "SIGN", "SigningTask", task.id, context.parameters.face_for_use, context, at);
lapses(person: Person, "emergency_use", seal: Seal, context, at) if
  sealing_task(context, task) and
  fallback_lapses(context.verification, person, seal, task, context, at);
lapses(_: Person, "emergency_use", seal: Seal, _, at) if
  certificate_of(seal, certificate) and
  at = certificate.not_after;
lapses(_: Person, "emergency_use", _: Seal, context, at) if
  sealed_contract(context, contract) and
  at = contract.deadline;
lapses(person: Person, "emergency_use", seal: Seal, context, at) if
  sealed_contract(context, contract) and
  emergency_grant(person, seal, contract, grant, context) and
  grant_lapses(grant, at);
