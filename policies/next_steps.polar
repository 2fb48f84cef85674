# What a next step carries: parameter(step, name, value, subject, resource, context). A person as a value is never sent
# as such: the service sends a masked name and phone. counted(step, name, item, ...) sends how many items there are.

# The administrator is named only to those who may know them.
#@ M-14
shown_administrator(person: Person, resource, context, found) if
  owner(resource, context, enterprise) and
  may_know_administrator(person, enterprise, context) and
  named_administrator(enterprise, membership, context) and
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

parameter("REAPPLY_JOIN", "allowed_at", at, person: Person, resource, context) if
  owner(resource, context, enterprise) and
  recent_rejection(person, enterprise, at, context);

counted("TRANSFER_ADMIN", "candidates", membership, person: Person, resource, context) if
  owner(resource, context, enterprise) and
  belongs(person, enterprise, context) and
  membership in enterprise.memberships and
  is_live(membership, context) and
  membership.person_id != person.id and
  is_active_and_verified(membership.person);
counted("HANDOVER_TASKS", "tasks", task, _: Person, membership: Membership, context: MemberContext) if
  task_to_hand_over(membership, context.member, task);
counted("HANDOVER_TASKS", "seals", seal, _: Person, membership: Membership, context: MemberContext) if
  kept_seal(membership, seal, context);

# A case is shown to its parties only; others learn that there is one.
parameter("VIEW_RETRIEVAL_PROGRESS", "case_id", id, person: Person, resource, context) if
  owner(resource, context, enterprise) and
  own_open_case(person, enterprise, case, context) and
  id = case.id;
parameter("VIEW_RETRIEVAL_PROGRESS", "case_id", id, _: Person, case: RetrievalCase, _) if id = case.id;
parameter("WAIT_UNTIL", "wait_until", at, _: Person, case: RetrievalCase, context) if notice_end(case, context, at);

# Until when the last reminder may be answered.
#@ R-07
parameter("WAIT_UNTIL", "wait_until", at, person: Person, enterprise: Enterprise, context: RetrievalContext) if
  answer_may_still_come(person, enterprise, at, context);

# The new administrator learns when they may begin.
#@ R-13
parameter("WAIT_UNTIL", "wait_until", at, person: Person, enterprise: Enterprise, context) if
  cooling_off(person, enterprise, at, context);
parameter("WAIT_UNTIL", "wait_until", at, person: Person, membership: Membership, context) if
  cooling_off(person, membership.enterprise, at, context);
parameter("WAIT_UNTIL", "wait_until", at, person: Person, assignment: RoleAssignment, context) if
  cooling_off(person, assignment.membership.enterprise, at, context);
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
parameter("REQUEST_SEAL_USE", "seal_name", name, _: Person, seal: Seal, _) if name = seal.name;
parameter("SUBMIT_APPROVAL", "seal_id", id, _: Person, seal: Seal, _) if id = seal.id;
parameter("RESUBMIT_APPROVAL", "seal_id", id, _: Person, seal: Seal, _) if id = seal.id;
counted("UPLOAD_USE_PHOTOS", "requests", request, person: Person, seal: Seal, _) if
  owes_photos(person, seal.enterprise, request);
parameter("WAIT_UNTIL", "wait_until", at, person: Person, seal: Seal, context) if
  use_grant(person, seal, grant, context) and
  context.now < grant.valid_from and
  at = grant.valid_from;

parameter("WAIT_UNTIL", "wait_until", at, person: Person, seal: Seal, context: SealUseContext) if
  sealed_contract(context, contract) and
  own_request(person, seal, contract, request, context) and
  context.now < request.valid_from and
  at = request.valid_from;

shown_seal_administrator(person: Person, resource, context, found) if
  owner(resource, context, enterprise) and
  belongs(person, enterprise, context) and
  named_seal_administrator(enterprise, membership, context) and
  found = membership.person;
parameter("CONTACT_SEAL_ADMIN", "seal_administrator", found, person: Person, resource, context) if
  shown_seal_administrator(person, resource, context, found);
parameter("REQUEST_GRANT_RENEWAL", "seal_administrator", found, person: Person, resource, context) if
  shown_seal_administrator(person, resource, context, found);
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

# What the face check must be bound to.
parameter("VERIFY_FACE", "purpose", "SIGN", _: Person, _: Seal, _: SealUseContext);
parameter("VERIFY_FACE", "bound_type", "SigningTask", _: Person, _: Seal, _: SealUseContext);
parameter("VERIFY_FACE", "bound_id", id, _: Person, _: Seal, context: SealUseContext) if
  sealing_task(context, task) and id = task.id;
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

# … and one who was made a seal administrator by the person for whom they confirm a grant.
#@ M-11
parameter("WAIT_UNTIL", "wait_until", at, person: Person, grant: SealGrant, context) if
  straw_man_waits(person, grant, at, context);

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
  delegation_has_expired(delegation, context) and
  found = delegation.principal.person;
# Handing over asks for the faces of both: the receiver's for this enterprise, the giver's for this receiver.
#@ M-12
parameter("VERIFY_FACE", "purpose", "ADMIN_CHANGE", _: Person, _: Enterprise, _);
parameter("VERIFY_FACE", "bound_type", "Membership", _: Person, _: Enterprise, _);
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
