# What a next step carries: parameter(step, name, value, subject, resource, context). A person as a value is never sent
# as such: the service sends a masked name and phone. counted(step, name, item, ...) sends how many items there are.

# The administrator is named only to those who may know them.
#@ M-14
shown_administrator(person: Person, resource, context, found) if
  owner(resource, context, enterprise) and
  may_know_administrator(person, enterprise, context) and
  named_administrator(enterprise, membership, context) and
  membership.person_id != person.id and
  found = membership.person;

parameter("WAIT_ADMIN", "administrator", found, person: Person, resource, context) if
  shown_administrator(person, resource, context, found);
parameter("REMIND_ADMIN", "administrator", found, person: Person, resource, context) if
  shown_administrator(person, resource, context, found);
parameter("CONTACT_ADMIN", "administrator", found, person: Person, resource, context) if
  shown_administrator(person, resource, context, found);
parameter("REMIND_ADMIN", "remind_allowed_at", at, person: Person, resource, context) if
  owner(resource, context, enterprise) and
  pending_application(person, enterprise, application, context) and
  at = application.last_reminded_at + context.parameters.reminder_gap and
  context.now < at;
parameter("REMIND_ADMIN", "remind_allowed_at", at, person: Person, resource, context) if
  owner(resource, context, enterprise) and
  pending_application(person, enterprise, application, context) and
  application.last_reminded_at + context.parameters.reminder_gap <= context.now and
  at = context.now;
parameter("WAIT_ADMIN", "wait_until", at, person: Person, resource, context) if
  owner(resource, context, enterprise) and
  pending_application(person, enterprise, application, context) and
  at = application.expires_at;
parameter("WAIT_ADMIN", "wait_until", at, person: Person, resource, context) if
  owner(resource, context, enterprise) and
  has_used_up_reminders(person, enterprise, context) and
  answer_may_still_come(person, enterprise, at, context);
parameter("REMIND_ADMIN", "application_id", id, person: Person, resource, context) if
  owner(resource, context, enterprise) and
  pending_application(person, enterprise, application, context) and
  id = application.id;
parameter("REMIND_ADMIN", "reminders_left", left, person: Person, resource, context) if
  owner(resource, context, enterprise) and
  pending_application(person, enterprise, application, context) and
  left = context.parameters.reminder_limit - application.reminders;
parameter("WAIT_UNTIL", "wait_until", at, _: Person, application: JoinApplication, context) if
  at = application.last_reminded_at + context.parameters.reminder_gap;

parameter("JOIN_ENTERPRISE", "enterprise_id", id, _: Person, resource, context) if
  enterprise_to_join(resource, context, id, _);
parameter("JOIN_ENTERPRISE", "enterprise_name", name, _: Person, resource, context) if
  enterprise_to_join(resource, context, _, name) and
  name != "";
parameter("RETRIEVE_ENTERPRISE", "enterprise_id", id, _: Person, resource, context) if
  enterprise_to_join(resource, context, id, _);
parameter("RETRIEVE_ENTERPRISE", "enterprise_name", name, _: Person, resource, context) if
  enterprise_to_join(resource, context, _, name) and
  name != "";
parameter("AUTHENTICATE_ENTERPRISE", "enterprise_id", id, _: Person, resource, context) if
  enterprise_to_join(resource, context, id, _);

# Where a second registration meets the authenticated one, that one is to be joined or retrieved. Its name is not known
# here, and the name of the second registration is not to be trusted.
enterprise_to_join(_: Enterprise, context, id, name) if
  context matches CertificationContext and
  id = context.twin_id and
  id matches String and
  name = "";
enterprise_to_join(enterprise: Enterprise, context, id, name) if
  context matches CertificationContext and
  context.twin_id = nil and
  id = enterprise.id and
  name = enterprise.name;
enterprise_to_join(resource, context, id, name) if
  not (context matches CertificationContext) and
  owner(resource, context, enterprise) and
  id = enterprise.id and
  name = enterprise.name;

parameter("REAPPLY_JOIN", "enterprise_id", id, _: Person, resource, context) if
  enterprise_to_join(resource, context, id, _);
parameter("INVITE_MEMBER", "enterprise_id", id, _: Person, resource, context) if
  enterprise_to_join(resource, context, id, _);

# A rejection tells its reason to the person whom it is about.
#@ M-05
parameter("REAPPLY_JOIN", "rejection", found, person: Person, resource, context) if
  owner(resource, context, enterprise) and
  recent_rejection(person, enterprise, allowed_at, context) and
  application in enterprise.applications and
  application.person_id = person.id and
  application.state = "REJECTED" and
  application.decided_at + context.parameters.reapply_cooldown = allowed_at and
  found = application;
parameter("REAPPLY_JOIN", "allowed_at", at, person: Person, resource, context) if
  owner(resource, context, enterprise) and
  recent_rejection(person, enterprise, at, context);

counted("TRANSFER_ADMIN", "candidates", membership, person: Person, resource, context) if
  owner(resource, context, enterprise) and
  belongs(person, enterprise, context) and
  membership in enterprise.memberships and
  may_take_over(membership, person, context);
counted("HANDOVER_TASKS", "tasks", task, _: Person, membership: Membership, context: MemberContext) if
  open_task_for(context.member, membership.enterprise_id, task) and
  can_be_handed_over(task);
# What nobody else may sign, or what the sender binds to its holder, is finished before the holder leaves.
#@ M-10 C-08
counted("FINISH_TASKS", "own_tasks", task, _: Person, membership: Membership, context: MemberContext) if
  task_to_settle(context.member, membership.enterprise_id, task) and
  not can_be_handed_over(task);
can_be_handed_over(task: SigningTask) if
  task.state in ["WAITING", "PENDING"] and
  task.action in ["CORPORATE_SEAL", "LEGAL_REP_SEAL", "APPROVE", "FILL"] and
  is_open_contract(task.signatory.contract) and
  task.signatory.contract.forbids_transfer = false;
counted("HANDOVER_TASKS", "seals", seal, _: Person, membership: Membership, context: MemberContext) if
  kept_seal(membership, seal, context);

# A case is shown to its parties only; others learn that there is one.
parameter("VIEW_RETRIEVAL_PROGRESS", "case_id", id, person: Person, resource, context) if
  case_to_follow(person, resource, context, case) and
  id = case.id;
parameter("WAIT_UNTIL", "wait_until", at, _: Person, case: RetrievalCase, context) if notice_end(case, context, at);

# Until when the last reminder may be answered.
#@ R-07
parameter("WAIT_UNTIL", "wait_until", at, person: Person, enterprise: Enterprise, context: RetrievalContext) if
  answer_may_still_come(person, enterprise, at, context);

# When a membership begins that is written down already.
#@ M-01
parameter("WAIT_UNTIL", "wait_until", at, person: Person, resource, context) if
  owner(resource, context, enterprise) and
  begins_later(person, enterprise, at, context);

# The new administrator learns when they may begin.
#@ R-13
parameter("WAIT_UNTIL", "wait_until", at, person: Person, enterprise: Enterprise, context) if
  cooling_off(person, enterprise, at, context);
parameter("WAIT_UNTIL", "wait_until", at, person: Person, membership: Membership, context) if
  cooling_off(person, membership.enterprise, at, context);
parameter("WAIT_UNTIL", "wait_until", at, _: Person, membership: Membership, context) if
  may_still_appeal(membership, at, context);
parameter("WAIT_UNTIL", "wait_until", at, person: Person, assignment: RoleAssignment, context) if
  cooling_off(person, assignment.membership.enterprise, at, context);
parameter("WAIT_UNTIL", "wait_until", at, person: Person, process: ApprovalProcess, context) if
  cooling_off(person, process.enterprise, at, context);
parameter("WAIT_UNTIL", "wait_until", at, person: Person, category: BusinessCategory, context) if
  cooling_off(person, category.enterprise, at, context);
parameter("WAIT_UNTIL", "wait_until", at, person: Person, change: RuleChange, context) if
  cooling_off(person, change.enterprise, at, context) or
  proposer_waits(person, change, at, context);
parameter("WAIT_UNTIL", "wait_until", at, person: Person, resolution: BoardResolution, context) if
  cooling_off(person, resolution.enterprise, at, context) or
  recorder_waits(person, resolution, at, context) or
  is_from_beneficiary(person, resolution, at, context) or
  confirmer_is_from_another(person, resolution, at, context);
parameter("WAIT_UNTIL", "wait_until", at, person: Person, enterprise: Enterprise, context: ResolutionContext) if
  beneficiary_waits(person, enterprise, at, context) or
  recorder_is_from_another(person, enterprise, at, context);
parameter("WAIT_UNTIL", "wait_until", at, person: Person, party: Signatory, context: SpeakingContext) if
  speaker_waits(person, party, at, context);
parameter("WAIT_UNTIL", "wait_until", at, person: Person, letter: AuthLetter, context) if
  cooling_off(person, letter.seal.enterprise, at, context) or
  appointed_lately(person.id, letter.delivered_by_id, letter.seal.enterprise, at, context) or
  waits_to_verify(person, letter, at, context);
parameter("WAIT_UNTIL", "wait_until", at, person: Person, party: Signatory, context) if
  owner(party, context, enterprise) and
  cooling_off(person, enterprise, at, context);
parameter("WAIT_UNTIL", "wait_until", at, person: Person, contract: Contract, context) if
  is_side_of(enterprise, contract, context) and
  cooling_off(person, enterprise, at, context);
# … and so does a person who was made one more administrator.
#@ M-12
parameter("WAIT_UNTIL", "wait_until", at, person: Person, membership: Membership, context) if
  new_admin_waits(person, membership.enterprise, at, context);
parameter("WAIT_UNTIL", "wait_until", at, person: Person, assignment: RoleAssignment, context) if
  new_admin_waits(person, assignment.membership.enterprise, at, context);

parameter("REQUEST_SEAL_USE", "seal_id", id, _: Person, seal: Seal, _) if id = seal.id;
parameter("REQUEST_SEAL_USE", "seal_id", id, _: Person, delegation: Delegation, _) if
  id = delegation.seal_id and
  id matches String;
parameter("REQUEST_SEAL_USE", "seal_name", name, _: Person, seal: Seal, _) if name = seal.name;
parameter("REQUEST_SEAL_USE", "seal_id", id, _: Person, request: SealUseRequest, _) if id = request.seal_id;
parameter("REQUEST_SEAL_USE", "seal_name", name, _: Person, request: SealUseRequest, _) if name = request.seal.name;
# Why the own request was refused.
#@ U-03
parameter("REQUEST_SEAL_USE", "rejection", found, person: Person, request: SealUseRequest, _) if
  refused_for(person, request, found);
parameter("REQUEST_SEAL_USE", "rejection", found, person: Person, seal: Seal, context: StampContext) if
  own_named_request(person, seal, request, context) and
  refused_for(person, request, found);

refused_for(person: Person, request: SealUseRequest, found) if
  request.applicant.person_id = person.id and
  request.state = "REJECTED" and
  found in request.approvals and
  found.verdict = "REJECTED";
parameter("SUBMIT_APPROVAL", "seal_id", id, _: Person, seal: Seal, _) if id = seal.id;
parameter("RESUBMIT_APPROVAL", "seal_id", id, _: Person, seal: Seal, _) if id = seal.id;
# A request that says so is approved for a use out of hours, and no other one.
#@ U-08
parameter("SUBMIT_APPROVAL", "is_out_of_hours", "true", person: Person, seal: Seal, context: SealUseContext) if
  hour_still_to_ask(person, seal, context);
parameter("RESUBMIT_APPROVAL", "is_out_of_hours", "true", person: Person, seal: Seal, context: SealUseContext) if
  hour_still_to_ask(person, seal, context);
parameter("REQUEST_SEAL_USE", "is_out_of_hours", "true", person: Person, seal: Seal, context: SealUseContext) if
  hour_still_to_ask(person, seal, context);
parameter("REQUEST_SEAL_USE", "is_out_of_hours", "true", _: Person, seal: Seal, context: StampContext) if
  is_out_of_hours(seal.enterprise, context);
parameter("SUBMIT_APPROVAL", "is_out_of_hours", "true", _: Person, seal: Seal, context: StampContext) if
  is_out_of_hours(seal.enterprise, context);
parameter("UPLOAD_USE_PHOTOS", "request_id", id, person: Person, seal: Seal, _) if
  owes_photos(person, seal.enterprise, request) and
  id = request.id;
counted("UPLOAD_USE_PHOTOS", "requests", request, person: Person, seal: Seal, _) if
  owes_photos(person, seal.enterprise, request);
parameter("WAIT_UNTIL", "wait_until", at, person: Person, seal: Seal, context) if
  use_grant(person, seal, grant, context) and
  context.now < grant.valid_from and
  at = grant.valid_from;

parameter("WAIT_UNTIL", "wait_until", at, _: Person, seal: Seal, context: SealUseContext) if
  certificate = seal.certificate and
  certificate matches Certificate and
  context.now < certificate.not_before and
  at = certificate.not_before;
parameter("WAIT_UNTIL", "wait_until", at, person: Person, seal: Seal, context: SealUseContext) if
  sealed_contract(context, contract) and
  own_request(person, seal, contract, request, context) and
  context.now < request.valid_from and
  at = request.valid_from;

shown_seal_administrator(person: Person, resource, context, found) if
  owner(resource, context, enterprise) and
  belongs(person, enterprise, context) and
  named_seal_administrator(enterprise, membership, context) and
  membership.person_id != person.id and
  found = membership.person;
parameter("CONTACT_SEAL_ADMIN", "seal_administrator", found, person: Person, resource, context) if
  shown_seal_administrator(person, resource, context, found);
parameter("REQUEST_GRANT_RENEWAL", "seal_administrator", found, person: Person, resource, context) if
  shown_seal_administrator(person, resource, context, found);

# Who else may do what takes two: on seals another seal administrator, for the enterprise another administrator. It is the
# same act on the same record.
parameter("REQUEST_SECOND_PERSON", "second_person", found, person: Person, resource, context) if
  is_about_seals(resource) and
  shown_seal_administrator(person, resource, context, found) and
  not account_id(person, found.id);
parameter("REQUEST_SECOND_PERSON", "second_person", found, person: Person, resource, context) if
  not is_about_seals(resource) and
  shown_administrator(person, resource, context, found) and
  not account_id(person, found.id);

is_about_seals(_: Seal);
is_about_seals(_: SealReview);
is_about_seals(_: OpenGrant);
is_about_seals(_: CrossEnterpriseGrant);
is_about_seals(_: SealHold);
is_about_seals(_: SealOuting);
is_about_seals(_: SealProposal);
is_about_seals(_: AuthLetter);

counted("CHOOSE_OTHER_SEAL", "usable_seals", other, person: Person, seal: Seal, context: SealUseContext) if
  sealing_task(context, task) and
  other in seal.enterprise.seals and
  other.id != seal.id and
  is_usable(other, context) and
  task_takes_seal(task, other) and
  has_authority(person, other, task.signatory.contract, context);

parameter("FORWARD_TO_OPERATOR", "operator", found, person: Person, task: SigningTask, context: TaskContext) if
  task.signatory.kind = "ENTERPRISE" and
  belongs(person, context.enterprise, context) and
  operator in task.operators and
  membership in context.enterprise.memberships and
  membership.person_id = operator.person_id and
  found = membership.person;

# Where nobody is named for the task there is nobody to forward it to.
#@ C-02
leads_nowhere("FORWARD_TO_OPERATOR", _: Person, task: SigningTask, _) if not (_ in task.operators);
leads_nowhere("FORWARD_TO_OPERATOR", _: Person, _: Seal, context: SealUseContext) if
  sealing_task(context, task) and
  not (_ in task.operators);

# What the face check must be bound to.
parameter("VERIFY_FACE", "purpose", "SIGN", _: Person, _: Seal, _: SealUseContext);
parameter("VERIFY_FACE", "bound_type", "SigningTask", _: Person, _: Seal, _: SealUseContext);
parameter("VERIFY_FACE", "bound_id", id, _: Person, _: Seal, context: SealUseContext) if
  sealing_task(context, task) and
  id = task.id;
parameter("VERIFY_FACE", "purpose", "SIGN", _: Person, _: SigningTask, _);
parameter("VERIFY_FACE", "bound_type", "SigningTask", _: Person, _: SigningTask, _);
parameter("VERIFY_FACE", "bound_id", id, _: Person, task: SigningTask, _) if id = task.id;
# What is signed or sealed is shown: the check is of all documents of the contract as they are now.
parameter("VERIFY_FACE", "bound_digest", digest, _: Person, _: Seal, context: SealUseContext) if
  digest = context.documents_digest and
  digest matches String;
parameter("VERIFY_FACE", "bound_digest", digest, _: Person, _: SigningTask, context: TaskContext) if
  digest = context.documents_digest and
  digest matches String;
# … and to what is to be done with it, on what terms, where that is no document.
parameter("VERIFY_FACE", "bound_digest", digest, _: Person, _, context: VerifiedContext) if
  digest_of_act(digest, context);
parameter("VERIFY_FACE", "bound_digest", digest, _: Person, _, context: SubmissionContext) if
  digest_of_act(digest, context);
parameter("VERIFY_FACE", "bound_digest", digest, _: Person, _, context: AuthenticationContext) if
  digest_of_act(digest, context);
parameter("REQUEST_NEW_ADMIN_FACE", "bound_digest", digest, _: Person, _, context: VerifiedContext) if
  digest_of_act(digest, context);
parameter("VERIFY_FACE", "purpose", "RETRIEVE", _: Person, _: RetrievalCase, _);
parameter("VERIFY_FACE", "bound_type", "RetrievalCase", _: Person, _: RetrievalCase, _);
parameter("VERIFY_FACE", "bound_id", id, _: Person, case: RetrievalCase, _) if id = case.id;
# … and to manage a seal: to the seal that is found, or to the hold that is released.
parameter("VERIFY_FACE", "purpose", "SEAL_MANAGE", _: Person, _: Seal, _: VerifiedContext);
parameter("VERIFY_FACE", "bound_type", "Seal", _: Person, _: Seal, _: VerifiedContext);
parameter("VERIFY_FACE", "bound_id", id, _: Person, seal: Seal, _: VerifiedContext) if id = seal.id;
parameter("VERIFY_FACE", "purpose", "SEAL_MANAGE", _: Person, _: SealHold, _);
parameter("VERIFY_FACE", "bound_type", "SealHold", _: Person, _: SealHold, _);
parameter("VERIFY_FACE", "bound_id", id, _: Person, hold: SealHold, _) if id = hold.id;

# … and one who approves or reviews for the person who put them in that place.
#@ M-11
parameter("WAIT_UNTIL", "wait_until", at, person: Person, request: SealUseRequest, context) if
  approver_waits(person, request, at, context);
parameter("WAIT_UNTIL", "wait_until", at, person: Person, use: EmergencyUse, context) if
  approver_afterwards_waits(person, use, at, context);
parameter("WAIT_UNTIL", "wait_until", at, person: Person, review: InternalReview, context) if
  reviewer_waits(person, review, at, context);
parameter("WAIT_UNTIL", "wait_until", at, person: Person, task: SigningTask, context) if
  task_approver_waits(person, task, at, context);

# … and one who was made a seal administrator by the person for whom they confirm a grant.
#@ M-11
parameter("WAIT_UNTIL", "wait_until", at, person: Person, grant: SealGrant, context) if
  straw_man_waits(person, grant, at, context);
# … or who would act for a colleague on a grant by such a person.
#@ M-11 U-18
parameter("WAIT_UNTIL", "wait_until", at, _: Person, delegation: Delegation, context) if
  not delegable_grant(delegation, _, context) and
  lends_from_straw_man(delegation, at, context);
parameter("WAIT_UNTIL", "wait_until", at, person: Person, seal: Seal, context: SealUseContext) if
  lacks_authority(person, seal, context) and
  authority_that_waits(person, seal, at, context);

# … or who names a member of the holder whom they have just put in office, or who has put them there.
#@ M-11 U-20
parameter("WAIT_UNTIL", "wait_until", at, person: Person, _: CrossEnterpriseGrant, context: HolderMemberContext) if
  namer_waits(person, at, context);

# … or who names a substitute or a watching leader of that kind.
#@ M-11 A-07 W-06
parameter("WAIT_UNTIL", "wait_until", at, person: Person, membership: Membership, context: AbsenceContext) if
  recorder_of_absence_waits(person, membership, at, context);
parameter("WAIT_UNTIL", "wait_until", at, person: Person, enterprise: Enterprise, context: SubscriptionContext) if
  subscriber_waits(person, enterprise, at, context);

# … or who was made an administrator just now, and would end a watch.
#@ W-06 M-12
parameter("WAIT_UNTIL", "wait_until", at, person: Person, grant: SealGrant, context) if
  ends_audit_too_soon(person, grant, context) and
  new_admin_waits(person, grant.seal.enterprise, at, context);
parameter("WAIT_UNTIL", "wait_until", at, person: Person, subscription: MonitorSubscription, context) if
  ends_watch_too_soon(person, subscription.leader, context) and
  new_admin_waits(person, subscription.enterprise, at, context);

# Until when the new administrator waits before they end a seal or give out rights to it.
parameter("WAIT_UNTIL", "wait_until", at, person: Person, seal: Seal, context) if
  not (context matches SealUseContext) and
  cooling_off(person, seal.enterprise, at, context);
parameter("WAIT_UNTIL", "wait_until", at, person: Person, grant: SealGrant, context) if
  cooling_off(person, grant.seal.enterprise, at, context);
parameter("WAIT_UNTIL", "wait_until", at, person: Person, grant: OpenGrant, context) if
  cooling_off(person, grant.seal.enterprise, at, context);
parameter("WAIT_UNTIL", "wait_until", at, person: Person, grant: CrossEnterpriseGrant, context) if
  owner(grant, context, enterprise) and
  cooling_off(person, enterprise, at, context);
parameter("WAIT_UNTIL", "wait_until", at, person: Person, delegation: Delegation, context) if
  cooling_off(person, delegation.principal.enterprise, at, context);

# Whose seal it is, and who delegated what is over.
parameter("REQUEST_CROSS_GRANT", "enterprise_id", id, _: Person, seal: Seal, _) if id = seal.enterprise_id;
parameter("REQUEST_CROSS_GRANT", "enterprise_name", name, _: Person, seal: Seal, _) if name = seal.enterprise.name;
parameter("REQUEST_DELEGATION", "principal", found, person: Person, seal: Seal, context) if
  delegation_to(person, seal, delegation, context) and
  (
    delegation_has_expired(delegation, context) or
    (delegation.state = "ACTIVE" and not was_offered(delegation, context))) and
  found = delegation.principal.person;
# Handing over asks for the faces of both: the receiver's for this enterprise, the giver's for this receiver.
#@ M-12
parameter("VERIFY_FACE", "purpose", "ADMIN_CHANGE", _: Person, _: Enterprise, _: AdminChangeContext);
parameter("VERIFY_FACE", "bound_type", "Membership", _: Person, _: Enterprise, _: AdminChangeContext);
parameter("VERIFY_FACE", "bound_id", id, _: Person, _: Enterprise, context: AdminChangeContext) if
  receiver = context.receiver and
  receiver matches Membership and
  id = receiver.id;
parameter("REQUEST_NEW_ADMIN_FACE", "purpose", "ADMIN_CHANGE", _: Person, _: Enterprise, _);
parameter("REQUEST_NEW_ADMIN_FACE", "bound_type", "Enterprise", _: Person, _: Enterprise, _);
parameter("REQUEST_NEW_ADMIN_FACE", "bound_id", id, _: Person, enterprise: Enterprise, _) if id = enterprise.id;
parameter("VERIFY_FACE", "purpose", "ADMIN_CHANGE", _: Person, _: Membership, _);
parameter("VERIFY_FACE", "bound_type", "Membership", _: Person, _: Membership, _);
parameter("VERIFY_FACE", "bound_id", id, _: Person, membership: Membership, _) if id = membership.id;
parameter("REQUEST_NEW_ADMIN_FACE", "purpose", "ADMIN_CHANGE", _: Person, _: Membership, _);
parameter("REQUEST_NEW_ADMIN_FACE", "bound_type", "Enterprise", _: Person, _: Membership, _);
parameter("REQUEST_NEW_ADMIN_FACE", "bound_id", id, _: Person, membership: Membership, _) if
  id = membership.enterprise_id;

parameter("REPORT_SEAL_FOUND", "seal_id", id, _: Person, resource, _) if seal_about(resource, seal) and id = seal.id;
parameter("SUBMIT_SEAL_REVIEW", "seal_id", id, _: Person, resource, _) if seal_about(resource, seal) and id = seal.id;
parameter("CREATE_OWN_SEAL", "enterprise_id", id, _: Person, seal: Seal, _) if id = seal.enterprise_id;

seal_about(seal: Seal, found) if found = seal;
seal_about(hold: SealHold, found) if found = hold.seal;
seal_about(review: SealReview, found) if found = review.seal;

# Confirming a grant: the face check that confirms it.
#@ S-06
parameter("VERIFY_FACE", "purpose", "SEAL_GRANT", _: Person, _: SealGrant, _);
parameter("VERIFY_FACE", "bound_type", "SealGrant", _: Person, _: SealGrant, _);
parameter("VERIFY_FACE", "bound_id", id, _: Person, grant: SealGrant, _) if id = grant.id;
parameter("VERIFY_FACE", "purpose", "SEAL_GRANT", _: Person, _: OpenGrant, _);
parameter("VERIFY_FACE", "bound_type", "OpenGrant", _: Person, _: OpenGrant, _);
parameter("VERIFY_FACE", "bound_id", id, _: Person, grant: OpenGrant, _) if id = grant.id;
parameter("REQUEST_DELEGATION", "principal", found, person: Person, delegation: Delegation, _) if
  delegation.delegate.person_id = person.id and
  found = delegation.principal.person;

# --- for whom, and until when ----------------------------------------------------------------------------------------

# Of one's own side, the person whose turn it is; who signs for others is theirs to say.
parameter("WAIT_PREVIOUS", "waiting_for", found, person: Person, task: SigningTask, context: TaskContext) if
  enterprise = context.enterprise and
  enterprise matches Enterprise and
  colleague_before(person, task, enterprise, found, context);
parameter("WAIT_PREVIOUS", "waiting_for", found, person: Person, seal: Seal, context: SealUseContext) if
  sealing_task(context, task) and
  colleague_before(person, task, seal.enterprise, found, context);
parameter("WAIT_PREVIOUS", "wait_until", at, _: Person, task: SigningTask, _) if at = task.signatory.contract.deadline;
parameter("WAIT_PREVIOUS", "wait_until", at, _: Person, _: Seal, context: SealUseContext) if
  sealing_task(context, task) and
  at = task.signatory.contract.deadline;
parameter("WAIT_PREVIOUS", "wait_until", at, _: Person, request: SealUseRequest, _) if at = request.valid_to;
parameter("WAIT_REVIEW", "wait_until", at, _: Person, task: SigningTask, _) if at = task.signatory.contract.deadline;
parameter("WAIT_REVIEW", "wait_until", at, _: Person, _: Seal, context: SealUseContext) if
  sealing_task(context, task) and
  at = task.signatory.contract.deadline;

colleague_before(person: Person, task: SigningTask, enterprise: Enterprise, found, context) if
  belongs(person, enterprise, context) and
  party in task.signatory.contract.signatories and
  party.enterprise_id matches String and
  party.enterprise_id = enterprise.id and
  other in party.tasks and
  other.position < task.position and
  is_open_state(other) and
  membership in enterprise.memberships and
  is_named_in_task(membership.person_id, other) and
  found = membership.person;

# Who decides on the request that waits: named to its applicant, masked.
#@ U-03
parameter("WAIT_APPROVAL", "approver", found, person: Person, seal: Seal, context) if
  waiting_request(person, seal, request, context) and
  awaited_approver(request, membership, context) and
  membership.person_id != person.id and
  found = membership.person;
parameter("WAIT_APPROVAL", "request_id", id, person: Person, seal: Seal, context) if
  waiting_request(person, seal, request, context) and
  id = request.id;
parameter("WAIT_APPROVAL", "wait_until", at, person: Person, seal: Seal, context) if
  waiting_request(person, seal, request, context) and
  at = request.valid_to;

# A request of one's own for these documents that is still being decided, and would settle something that is open. A bundle
# with a requirement of its own that an approval settles adds a `would_settle`.
waiting_request(person: Person, seal: Seal, request, context: SealUseContext) if
  sealed_contract(context, contract) and
  own_request(person, seal, contract, request, context) and
  awaits_verdicts(request, context) and
  is_for_these_documents(request, contract) and
  would_settle(person, seal, contract, request, context);

would_settle(person: Person, seal: Seal, _: Contract, request: SealUseRequest, context) if
  lacks_authority(person, seal, context) and
  may_replace_grant(request, context);
would_settle(_: Person, seal: Seal, contract: Contract, request: SealUseRequest, context) if
  needs_approval_of_process(seal, contract, process, context) and
  follows(request, process.id);
would_settle(_: Person, seal: Seal, contract: Contract, request: SealUseRequest, context) if
  request.is_out_of_hours = true and
  not hour_is_settled(seal, contract, context);

needs_approval_of_process(seal: Seal, contract: Contract, process, context) if
  process_of_amount_is_open(seal, contract, process, context);
needs_approval_of_process(seal: Seal, contract: Contract, process, context) if
  process_of_category_is_open(seal, contract, process, context);

# What nobody has asked for yet. Which requirement an approval settles, a bundle that extends this one may add to: so
# anything is still to ask while no request waits; and while one waits, a process or the hour that it does not settle.
is_still_to_ask(person: Person, seal: Seal, context) if not has_waiting_request(person, seal, context);
# A physical seal is stamped on a request, whatever grant there is.
is_still_to_ask(_: Person, seal: Seal, _) if seal.category = "PHYSICAL";
is_still_to_ask(person: Person, seal: Seal, context) if
  process_still_to_ask(person, seal, context, _);
is_still_to_ask(person: Person, seal: Seal, context) if
  hour_still_to_ask(person, seal, context);

process_still_to_ask(person: Person, seal: Seal, context, process) if
  sealed_contract(context, contract) and
  needs_approval_of_process(seal, contract, process, context) and
  not waits_for_process(person, seal, process, context);
waits_for_process(person: Person, seal: Seal, process: ApprovalProcess, context) if
  waiting_request(person, seal, request, context) and
  follows(request, process.id);

hour_still_to_ask(person: Person, seal: Seal, context) if
  sealed_contract(context, contract) and
  not hour_is_settled(seal, contract, context) and
  not (waiting_request(person, seal, request, context) and request.is_out_of_hours = true);
waiting_request(person: Person, seal: Seal, request, context: TaskContext) if
  own_request(person, seal, context.contract, request, context) and
  awaits_verdicts(request, context) and
  is_for_these_documents(request, context.contract) and
  may_replace_grant(request, context);
waiting_request(person: Person, seal: Seal, request, context: StampContext) if
  request = context.request and
  request matches SealUseRequest and
  request.seal_id = seal.id and
  request.applicant.person_id = person.id and
  awaits_verdicts(request, context);

# With the right to approve, or the legal representative; in a process those whom its current step names, and who stands in
# for one who is away. Not one who may not decide on this request.
#@ U-03 U-12 A-07
awaited_approver(request: SealUseRequest, membership, context) if
  request.process_id = nil and
  grant in request.seal.grants and
  grant.right = "APPROVE" and
  membership = grant.membership and
  could_give_verdict(membership, request, context) and
  grant_to_decide(membership, request, grant, context);
awaited_approver(request: SealUseRequest, membership, context) if
  request.process_id = nil and
  representing_member(request.seal.enterprise, membership, context) and
  could_give_verdict(membership, request, context);
awaited_approver(request: SealUseRequest, membership, context) if
  named_for_current_step(request, membership, context) and
  could_give_verdict(membership, request, context) and
  not is_away_now(membership, _, context);
awaited_approver(request: SealUseRequest, membership, context) if
  named_for_current_step(request, absent, context) and
  is_away_now(absent, membership, context) and
  could_give_verdict(membership, request, context);

named_for_current_step(request: SealUseRequest, membership, context) if
  follows_process(request, process) and
  step_of(process, request, step) and
  step_is_current(step, process, request, context) and
  approver_of(step, request, named) and
  membership in request.seal.enterprise.memberships and
  is_named_in_person(named, membership, request.applicant, context);

could_give_verdict(membership: Membership, request: SealUseRequest, context) if
  membership.person_id != request.applicant.person_id and
  may_act_as_approver(membership, request.seal, context) and
  not gave_verdict(membership.person, request);

is_away_now(absent: Membership, substitute, context) if
  absence in absent.absences and
  absence.recorded_at <= context.now and
  is_absent_at(absence, context.now) and
  substitute = absence.substitute;

# The legal representative, where they are a member.
representing_member(enterprise: Enterprise, membership, context) if
  snapshot in enterprise.registry_snapshots and
  snapshot.is_current = true and
  membership in enterprise.memberships and
  membership.person_id = snapshot.legal_rep_id and
  is_live(membership, context) and
  legal_representative(membership.person, enterprise, context);

parameter("WAIT_APPLICANT", "applicant", found, _: Person, application: JoinApplication, _) if
  found = application.person;
parameter("WAIT_APPLICANT", "wait_until", at, _: Person, application: JoinApplication, _) if
  at = application.expires_at;
parameter("WAIT_MEMBER", "member", found, _: Person, membership: Membership, _) if found = membership.person;

# --- what leads nowhere ----------------------------------------------------------------------------------------------

# A next step that cannot be taken, or would change nothing, is left out. Steps of which only the facts of another
# question could tell stay: the action that they lead to has a reason of its own.

# Where no enterprise is known, there is none to authenticate and none to join: who holds another one's seal is not told
# to those who are not of the holder.
#@ U-20
leads_nowhere("AUTHENTICATE_ENTERPRISE", _: Person, resource, context) if
  not enterprise_to_join(resource, context, _, _);
leads_nowhere("JOIN_ENTERPRISE", _: Person, resource, context) if not enterprise_to_join(resource, context, _, _);

# Nobody applies where they belong already or have applied, and not before the time after a rejection has passed.
leads_nowhere("JOIN_ENTERPRISE", person: Person, resource, context) if
  enterprise_around(resource, context, enterprise) and
  holds_membership(person, enterprise, context);
leads_nowhere("JOIN_ENTERPRISE", person: Person, resource, context) if
  enterprise_around(resource, context, enterprise) and
  is_applicant(person, enterprise, context);
leads_nowhere("JOIN_ENTERPRISE", person: Person, resource, context) if
  enterprise_around(resource, context, enterprise) and
  recent_rejection(person, enterprise, _, context);

# The enterprise that the question is about; not the twin of one that is being authenticated, which is not known here.
enterprise_around(resource, context, found) if
  not (context matches CertificationContext) and
  owner(resource, context, found);
enterprise_around(enterprise: Enterprise, context: CertificationContext, found) if
  context.twin_id = nil and
  found = enterprise;
enterprise_around(enterprise: Enterprise, context: CertificationContext, found) if
  context.twin_id matches String and
  context.twin_id = enterprise.id and
  found = enterprise;

# The enterprise is retrieved by those who may, once its administrators do not answer, one case at a time. Until then a
# claim asks them: that is shown to those who wait for them or ask to retrieve it, and to no member who asks for
# something else.
leads_nowhere("RETRIEVE_ENTERPRISE", person: Person, resource, context) if
  enterprise_around(resource, context, enterprise) and
  not could_retrieve(person, enterprise, context) and
  not could_claim(person, enterprise, context);
parameter("RETRIEVE_ENTERPRISE", "act", act, person: Person, resource, context) if
  way_to_retrieve(person, resource, context, act, _);
parameter("RETRIEVE_ENTERPRISE", "reasons", reasons, person: Person, resource, context) if
  way_to_retrieve(person, resource, context, _, reasons);

way_to_retrieve(person: Person, resource, context, act, reasons) if
  enterprise_around(resource, context, enterprise) and
  could_retrieve(person, enterprise, context) and
  act = "retrieve" and
  reasons = "ADMIN_RESIGNED, ADMIN_UNREACHABLE, ADMIN_DECEASED, ADMIN_DISPUTE, ACCOUNT_TAKEN";
way_to_retrieve(person: Person, resource, context, act, reasons) if
  enterprise_around(resource, context, enterprise) and
  not could_retrieve(person, enterprise, context) and
  could_claim(person, enterprise, context) and
  act = "claim_admin_gone" and
  reasons = "ADMIN_RESIGNED, ADMIN_UNREACHABLE, ADMIN_DECEASED, ADMIN_DISPUTE";

could_claim(person: Person, enterprise: Enterprise, context) if
  is_active_and_verified(person) and
  waits_or_retrieves(person, enterprise, context) and
  meets(person, "RETRIEVAL_STANDING", "claim_admin_gone", enterprise, context) and
  meets(person, "NOT_SUSPENDED", "claim_admin_gone", enterprise, context) and
  meets(person, "NO_OPEN_CASE", "claim_admin_gone", enterprise, context) and
  meets(person, "CLAIM_NEEDED", "claim_admin_gone", enterprise, context) and
  meets(person, "NOT_ANSWERED_LATELY", "claim_admin_gone", enterprise, context) and
  meets(person, "NO_UPHELD_OBJECTION", "claim_admin_gone", enterprise, context);

waits_or_retrieves(_: Person, _: Enterprise, context) if context matches RetrievalContext;
waits_or_retrieves(person: Person, enterprise: Enterprise, context) if is_applicant(person, enterprise, context);

could_retrieve(person: Person, enterprise: Enterprise, context) if
  meets(person, "RETRIEVAL_STANDING", "retrieve", enterprise, context) and
  meets(person, "NOT_SUSPENDED", "retrieve", enterprise, context) and
  meets(person, "NO_OPEN_CASE", "retrieve", enterprise, context) and
  meets(person, "NO_UPHELD_OBJECTION", "retrieve", enterprise, context) and
  meets(person, "ADMIN_GONE", "retrieve", enterprise, context);

# A case is followed by its parties; the others wait for its end.
leads_nowhere("VIEW_RETRIEVAL_PROGRESS", person: Person, resource, context) if
  not case_to_follow(person, resource, context, _);
leads_nowhere("WAIT_RETRIEVAL", person: Person, resource, context) if case_to_follow(person, resource, context, _);

case_to_follow(person: Person, case: RetrievalCase, context, found) if
  may_follow(person, case, context) and
  found = case;
case_to_follow(person: Person, resource, context, found) if
  not (resource matches RetrievalCase) and
  owner(resource, context, enterprise) and
  found in enterprise.retrieval_cases and
  is_under_way(found, context) and
  may_follow(person, found, context);

is_under_way(case: RetrievalCase, context) if is_open_case(case, context) or case.state = "UNDER_APPEAL";

may_follow(person: Person, case: RetrievalCase, context) if
  meets(person, "CASE_PARTY", "view_progress", case, context);

# There is an application to remind of, a reminder left, and somebody to remind.
leads_nowhere("REMIND_ADMIN", person: Person, resource, context) if
  owner(resource, context, enterprise) and
  not has_reminder_left(person, enterprise, context);

has_reminder_left(person: Person, enterprise: Enterprise, context) if
  pending_application(person, enterprise, application, context) and
  application.reminders < context.parameters.reminder_limit and
  has_administrator(enterprise, context);

leads_nowhere("WAIT_ADMIN", _: Person, resource, context) if
  owner(resource, context, enterprise) and
  not has_administrator(enterprise, context);
# Nobody is told to contact themself, or somebody who is not there.
leads_nowhere("CONTACT_ADMIN", person: Person, resource, context) if
  owner(resource, context, enterprise) and
  not has_other_administrator(person, enterprise, context);
leads_nowhere("CONTACT_SEAL_ADMIN", person: Person, resource, context) if
  owner(resource, context, enterprise) and
  not has_other_seal_administrator(person, enterprise, context);
leads_nowhere("CONTACT_LEGAL_REP", person: Person, resource, context) if
  owner(resource, context, enterprise) and
  legal_representative(person, enterprise);
leads_nowhere("CREATE_OWN_SEAL", person: Person, resource, context) if
  owner(resource, context, enterprise) and
  not legal_representative(person, enterprise);

has_other_administrator(person: Person, enterprise: Enterprise, context) if
  administrator(enterprise, membership, context) and
  membership.person_id != person.id;

has_other_seal_administrator(person: Person, enterprise: Enterprise, context) if
  named_seal_administrator(enterprise, membership, context) and
  membership.person_id != person.id;
has_other_seal_administrator(person: Person, enterprise: Enterprise, _) if registry_names_another(person, enterprise);

# A use is asked for of a seal that is in use, and not again while the request waits; not by those whom its holder named.
# A person who is no member yet is told so first.
leads_nowhere("REQUEST_SEAL_USE", person: Person, resource, context) if
  not could_request(person, resource, context);
leads_nowhere("SUBMIT_APPROVAL", person: Person, resource, context) if
  not could_request(person, resource, context);
leads_nowhere("RESUBMIT_APPROVAL", person: Person, resource, context) if
  not could_request(person, resource, context);
leads_nowhere("WAIT_APPROVAL", person: Person, resource, context) if not has_waiting_request(person, resource, context);

could_request(person: Person, seal: Seal, context: SealUseContext) if
  seal.state = "ACTIVE" and
  not is_holders_user(person, seal, context) and
  is_still_to_ask(person, seal, context) and
  could_be_approved(person, seal, context);
could_request(person: Person, seal: Seal, context) if
  not (context matches SealUseContext) and
  seal.state = "ACTIVE" and
  not is_holders_user(person, seal, context) and
  not has_waiting_request(person, seal, context) and
  could_be_approved(person, seal, context);
could_request(person: Person, request: SealUseRequest, context) if could_request(person, request.seal, context);
could_request(person: Person, delegation: Delegation, context) if
  seal in delegation.principal.enterprise.seals and
  seal.id = delegation.seal_id and
  seal.state = "ACTIVE" and
  could_be_decided_by_right(person, seal, context);

has_waiting_request(person: Person, seal: Seal, context) if waiting_request(person, seal, _, context);

# A task with a fixed seal for which nobody is named is for those with authority over that seal, which an approved request
# gives.
#@ C-02 U-03
because("TASK_OPERATOR", "NO_SEAL_GRANT", person: Person, task: SigningTask, context: TaskContext) if
  could_request(person, task, context);
because("TASK_OPERATOR", "APPROVAL_REQUIRED", person: Person, task: SigningTask, context: TaskContext) if
  has_waiting_request(person, task, context);

seal_to_ask_for(person: Person, task: SigningTask, seal, context: TaskContext) if
  task.action = "CORPORATE_SEAL" and
  not has_named_operator(task) and
  enterprise = context.enterprise and
  enterprise matches Enterprise and
  not is_operator(person, task, enterprise, context) and
  fixed in task.fixed_seals and
  seal in enterprise.seals and
  seal.id = fixed.seal_id;

could_request(person: Person, task: SigningTask, context: TaskContext) if
  seal_to_ask_for(person, task, seal, context) and
  could_request(person, seal, context);
has_waiting_request(person: Person, task: SigningTask, context: TaskContext) if
  request_for_task(person, task, _, context);

request_for_task(person: Person, task: SigningTask, request, context: TaskContext) if
  seal_to_ask_for(person, task, seal, context) and
  waiting_request(person, seal, request, context);

parameter("REQUEST_SEAL_USE", "seal_id", id, person: Person, task: SigningTask, context: TaskContext) if
  seal_to_ask_for(person, task, seal, context) and
  id = seal.id;
parameter("REQUEST_SEAL_USE", "seal_name", name, person: Person, task: SigningTask, context: TaskContext) if
  seal_to_ask_for(person, task, seal, context) and
  name = seal.name;
parameter("WAIT_APPROVAL", "request_id", id, person: Person, task: SigningTask, context: TaskContext) if
  request_for_task(person, task, request, context) and
  id = request.id;
parameter("WAIT_APPROVAL", "wait_until", at, person: Person, task: SigningTask, context: TaskContext) if
  request_for_task(person, task, request, context) and
  at = request.valid_to;
parameter("WAIT_APPROVAL", "approver", found, person: Person, task: SigningTask, context: TaskContext) if
  request_for_task(person, task, request, context) and
  awaited_approver(request, membership, context) and
  membership.person_id != person.id and
  found = membership.person;

# The task takes this seal only, and is opened by who may use it.
leads_nowhere("CHOOSE_OTHER_SEAL", _: Person, _: SigningTask, _);
leads_nowhere("REQUEST_GRANT", _: Person, _: SigningTask, _);
leads_nowhere("LET_COLLEAGUE_ASK", _: Person, _: SigningTask, _);
leads_nowhere("SUBMIT_APPROVAL", _: Person, _: SigningTask, _);

# A request that nobody else could approve would wait for nobody: then who manages the seals gives a right, or a colleague
# asks, and the person approves.
#@ U-03 U-12
leads_nowhere("REQUEST_GRANT", person: Person, seal: Seal, context) if could_be_approved(person, seal, context);
leads_nowhere("REQUEST_GRANT", _: Person, seal: Seal, _: UseRequestContext) if seal.kind = "LEGAL_REP";
leads_nowhere("REQUEST_GRANT", person: Person, seal: Seal, context) if
  not has_other_seal_administrator(person, seal.enterprise, context);
leads_nowhere("LET_COLLEAGUE_ASK", person: Person, seal: Seal, context) if
  could_be_approved(person, seal, context) or
  not could_approve(person, seal, context) or
  is_only_member(person, seal.enterprise, context);
parameter("REQUEST_GRANT", "seal_administrator", found, person: Person, resource, context) if
  shown_seal_administrator(person, resource, context, found);
# To whom the right could be given that nobody else has.
parameter("REQUEST_GRANT", "candidate", found, person: Person, seal: Seal, context: UseRequestContext) if
  seal.kind != "LEGAL_REP" and
  could_decide(person, seal, membership, context) and
  found = membership.person;
# In which process, where it is not for somebody with the right to approve.
parameter("SUBMIT_APPROVAL", "process_id", id, person: Person, resource, context) if
  process_to_name(person, resource, context, process) and
  id = process.id;
parameter("SUBMIT_APPROVAL", "process_name", name, person: Person, resource, context) if
  process_to_name(person, resource, context, process) and
  name = process.name;
parameter("RESUBMIT_APPROVAL", "process_id", id, person: Person, resource, context) if
  process_to_name(person, resource, context, process) and
  id = process.id;
parameter("REQUEST_SEAL_USE", "process_id", id, person: Person, resource, context) if
  process_to_name(person, resource, context, process) and
  id = process.id;

process_to_name(person: Person, seal: Seal, context, process) if
  process_to_follow(person, seal, context, process) and
  could_be_passed(process, person, seal, context);
process_to_name(person: Person, seal: Seal, context, process) if
  not process_to_follow(person, seal, context, _) and
  not could_be_decided_by_right(person, seal, context) and
  process_to_choose(person, seal, context, process) and
  forall(process_to_choose(person, seal, context, other), process.id <= other.id);
process_to_name(person: Person, request: SealUseRequest, context, process) if
  process_to_name(person, request.seal, context, process);
process_to_name(person: Person, task: SigningTask, context: TaskContext, process) if
  seal_to_ask_for(person, task, seal, context) and
  process_to_name(person, seal, context, process);

parameter("LET_COLLEAGUE_ASK", "seal_id", id, _: Person, seal: Seal, _) if id = seal.id;

could_approve(person: Person, seal: Seal, context) if
  approver_by_right(seal, membership, context) and
  membership.person_id = person.id;

# What the owner's rules prescribe is asked for in that process; anything else of who has the right, or in an open one.
could_be_approved(person: Person, seal: Seal, context) if
  process_to_follow(person, seal, context, process) and
  could_be_passed(process, person, seal, context);
could_be_approved(person: Person, seal: Seal, context) if
  not process_to_follow(person, seal, context, _) and
  could_be_decided_by_right(person, seal, context);
could_be_approved(person: Person, seal: Seal, context) if
  not process_to_follow(person, seal, context, _) and
  process_to_choose(person, seal, context, _);

process_to_choose(person: Person, seal: Seal, context, process) if
  seal.kind != "LEGAL_REP" and
  process in seal.enterprise.approval_processes and
  may_choose(process, person, seal, context) and
  could_be_passed(process, person, seal, context);

may_choose(process: ApprovalProcess, _: Person, _: Seal, _) if process.is_open = true;
# A stamp names its contract by its request only. Without one, any process may be followed that the owner prescribes for
# some contract: which one, the request says.
#@ U-23 U-04
may_choose(process: ApprovalProcess, person: Person, seal: Seal, context: StampContext) if
  lacks_request(person, seal, context) and
  is_prescribed_for_some(process, seal.enterprise);

is_prescribed_for_some(process: ApprovalProcess, enterprise: Enterprise) if
  band in enterprise.amount_bands and
  band.process_id = process.id;
is_prescribed_for_some(process: ApprovalProcess, enterprise: Enterprise) if
  category in enterprise.categories and
  category.state = "ENABLED" and
  category.process_id matches String and
  category.process_id = process.id;

# Those whom the holder of a seal named ask for a grant to the holder.
leads_nowhere("REQUEST_CROSS_GRANT", person: Person, seal: Seal, context) if belongs(person, seal.enterprise, context);

# The enterprise is handed over by those who run it; where nobody could take it, somebody is invited first.
leads_nowhere("TRANSFER_ADMIN", person: Person, resource, context) if
  owner(resource, context, enterprise) and
  not may_administer(person, enterprise, context);
leads_nowhere("INVITE_MEMBER", person: Person, resource, context) if
  owner(resource, context, enterprise) and
  not may_administer(person, enterprise, context);
leads_nowhere("INVITE_MEMBER", person: Person, resource, context) if
  owner(resource, context, enterprise) and
  membership in enterprise.memberships and
  may_take_over(membership, person, context);

# A seal's face is uploaded and submitted by those who manage the seal, once; a review is rejected where it is decided.
leads_nowhere("SUBMIT_SEAL_REVIEW", person: Person, resource, context) if
  not could_submit_review(person, resource, context);
leads_nowhere("UPLOAD_SEAL_FACE", person: Person, resource, context) if
  seal_about(resource, seal) and
  not may_manage(person, seal, context);
leads_nowhere("UPLOAD_SEAL_FACE", _: Person, resource, _) if
  seal_about(resource, seal) and
  seal.face_digest != "";
leads_nowhere("REJECT_SEAL_REVIEW", _: Person, resource, _) if not (resource matches SealReview);
leads_nowhere("ASK_FOR_SEAL_REVIEW", person: Person, resource, context) if
  seal_about(resource, seal) and
  may_manage(person, seal, context);
leads_nowhere("WAIT_SEAL_REVIEW", _: Person, resource, _) if not is_about_review(resource);

# Who may decide on it does not wait for somebody else.
#@ S-02 A-03
leads_nowhere("DECIDE_SEAL_REVIEW", person: Person, resource, context) if
  not could_decide_review(person, resource, _, context);
parameter("DECIDE_SEAL_REVIEW", "review_id", id, person: Person, seal: Seal, context) if
  could_decide_review(person, seal, review, context) and
  id = review.id;

# Only what `decide` itself does not refuse: an open review, of a seal that waits for it.
could_decide_review(person: Person, seal: Seal, review, context) if
  open_review_to_decide(person, seal, review, context) and
  is_second_person(person, review.submitted_by.person_id, seal.enterprise, context) and
  not is_submitted_for(person.id, review, context);
could_decide_review(person: Person, seal: Seal, review, context) if
  open_review_to_decide(person, seal, review, context) and
  seal.kind != "LEGAL_REP" and
  decides_own_review(person, review, context);

open_review_to_decide(person: Person, seal: Seal, review, context) if
  review in seal.reviews and
  meets(person, "REVIEW_OPEN", "decide", review, context) and
  meets(person, "SEAL_ADMINISTRATION", "decide", review, context);

could_submit_review(person: Person, seal: Seal, context) if
  meets(person, "SEAL_MANAGER", "submit_review", seal, context) and
  meets(person, "REVIEW_DUE", "submit_review", seal, context) and
  meets(person, "NO_OPEN_REVIEW", "submit_review", seal, context) and
  meets(person, "FACE_ON_FILE", "submit_review", seal, context);

is_about_review(seal: Seal) if is_in_review(seal);

# The end of a seal is proposed by those who manage it, while no other proposal is open.
leads_nowhere("PROPOSE_END", person: Person, seal: Seal, context) if not may_manage(person, seal, context);
leads_nowhere("PROPOSE_END", _: Person, seal: Seal, _) if is_proposed_to_end(seal);
# A witness proposes nothing, and a proposal that is over is none to withdraw.
leads_nowhere("PROPOSE_END", _: Person, _: SealProposal, _);
leads_nowhere("WITHDRAW_PROPOSAL", _: Person, _: SealProposal, _);
leads_nowhere("WITHDRAW_PROPOSAL", _: Person, seal: Seal, _) if not is_proposed_to_end(seal);
leads_nowhere("REPORT_SEAL_FOUND", person: Person, resource, context) if
  seal_about(resource, seal) and
  not may_manage(person, seal, context);

leads_nowhere("REPORT_SEAL_FOUND", _: Person, resource, _) if
  seal_about(resource, seal) and
  seal.state != "LOST";

# A grant across enterprises is confirmed by its letter alone.
leads_nowhere("VERIFY_FACE", _: Person, _: CrossEnterpriseGrant, _);
# A face is shown for a request: without one of one's own for this seal, it would be shown for nothing, and there is no code.
leads_nowhere("VERIFY_FACE", person: Person, seal: Seal, context: StampContext) if lacks_request(person, seal, context);
leads_nowhere("ENTER_USE_CODE", person: Person, seal: Seal, context: StampContext) if
  lacks_request(person, seal, context);
# The seal is put with the check that the use took up: another one, shown now, would not be asked.
#@ U-09 U-25
leads_nowhere("VERIFY_FACE", _: Person, _: SealUse, _);

# What one's own side has not stated the sender cannot mend; and what only that side has not stated is not theirs.
#@ U-04 U-17
leads_nowhere("STATE_OWN_TERMS", _: Person, resource, context) if not lacks_own_terms(resource, context);
leads_nowhere("CONTACT_INITIATOR", _: Person, seal: Seal, context) if
  lacks_own_terms(seal, context) and
  sealed_contract(context, contract) and
  contract.state = "SIGNING" and
  context.now < contract.deadline and
  not is_unstated(contract) and
  forall(document in contract.documents, is_complete(document));

parameter("STATE_OWN_TERMS", "contract_id", id, _: Person, _: Seal, context) if
  sealed_contract(context, contract) and
  id = contract.id;
# What is resolved, is resolved of this contract.
parameter("ATTACH_RESOLUTION", "contract_id", id, _: Person, _: Seal, context) if
  sealed_contract(context, contract) and
  id = contract.id;

lacks_own_terms(seal: Seal, context) if
  sealed_contract(context, contract) and
  contract.initiator_id != seal.enterprise_id and
  own_party(seal, contract, party) and
  is_unstated(party);
lacks_own_terms(task: SigningTask, _) if
  task.signatory.kind = "ENTERPRISE" and
  task.signatory.enterprise_id != task.signatory.contract.initiator_id and
  is_unstated(task.signatory);

is_unstated(terms) if terms.matter = "UNSTATED";
is_unstated(terms) if
  terms.is_monetary = true and
  terms.amount = nil;
