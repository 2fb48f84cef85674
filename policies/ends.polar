# When a permission ends by itself that rests on more than the person who asks: on another member, on a right that
# somebody else has, on a consent or a resolution. It stands no longer than what it rests on.

# --- a member ---------------------------------------------------------------------------------------------------------

# Who is given something, or is sent away, is a member until their membership ends.
#@ M-01
lapses(_: Person, ["assign_role", "suspend"], membership: Membership, context, at) if
  membership_lapses(membership, context, at);
lapses(_: Person, "transfer", _: SigningTask, context, at) if membership_lapses(context.receiver, context, at);
lapses(_: Person, "transfer_admin", _: Enterprise, context, at) if
  receiver = context.receiver and
  receiver matches Membership and
  at = receiver.ended_at - context.parameters.admin_remains_for;
lapses(_: Person, "assign_custodian", _: Seal, context, at) if membership_lapses(context.custodian, context, at);
lapses(_: Person, "confirm", grant: SealGrant, context, at) if membership_lapses(grant.membership, context, at);
lapses(_: Person, "accept", delegation: Delegation, context, at) if
  membership_lapses(delegation.principal, context, at);

# A witness of an ending is one as long as they belong to the enterprise.
#@ S-14
lapses(_: Person, "destroy", seal: Seal, context, at) if
  valid_proposal(seal, "DESTROY", proposal, context) and
  witness in proposal.witnesses and
  membership_lapses(witness.membership, context, at);

membership_lapses(membership, context, at) if
  membership matches Membership and
  at = membership.ended_at and
  context.now < at;

# --- a consent or a resolution ----------------------------------------------------------------------------------------

# What seals for the enterprise by a consent or a resolution does so while that stands: those of each side count.
#@ A-05 U-13 U-14 U-17
lapses(_: Person, ["use", "auto_use", "emergency_use", "stamp", "carry_out"], seal: Seal, context, at) if
  sealed_contract(context, contract) and
  word_lapses(seal.enterprise, contract, context, at);
lapses(_: Person, ["sign", "open"], task: SigningTask, context, at) if
  owner(task, context, enterprise) and
  word_lapses(enterprise, task.signatory.contract, context, at);
lapses(_: Person, "seal", _: SealUse, context, at) if
  put_seal(context, seal) and
  sealed_contract(context, contract) and
  word_lapses(seal.enterprise, contract, context, at);

# A contract is ended by the consents of all.
#@ C-10
lapses(_: Person, "terminate", contract: Contract, context, at) if consent_lapses(contract, context, at);

word_lapses(_: Enterprise, contract: Contract, context, at) if consent_lapses(contract, context, at);
word_lapses(enterprise: Enterprise, contract: Contract, context, at) if
  resolution_lapses(enterprise, contract, context, at);
word_lapses(_: Enterprise, contract: Contract, context: SealUseContext, at) if
  enterprise in context.parties and
  resolution_lapses(enterprise, contract, context, at);
word_lapses(_: Enterprise, contract: Contract, context: StampContext, at) if
  enterprise in context.parties and
  resolution_lapses(enterprise, contract, context, at);
word_lapses(_: Enterprise, contract: Contract, context: SignContext, at) if
  enterprise in context.parties and
  resolution_lapses(enterprise, contract, context, at);

consent_lapses(contract: Contract, context, at) if
  party in contract.signatories and
  consent in party.consents and
  consent.withdrawn_at = 0 and
  at = consent.valid_to and
  context.now < at;

resolution_lapses(enterprise, contract: Contract, context, at) if
  enterprise matches Enterprise and
  resolution in enterprise.resolutions and
  resolution.contract_id = contract.id and
  resolution.state = "VALID" and
  at = resolution.valid_to and
  context.now < at;

# --- somebody else's right --------------------------------------------------------------------------------------------

# A signature that stands for the enterprise rests on the approvals that the owner's rules ask for, like a use.
#@ A-01 U-06
lapses(person: Person, "sign", task: SigningTask, context, at) if
  signature_rests_on(person, task, seal, context) and
  approved_for(seal, task.signatory.contract, request, context) and
  request_lapses(request, context, at);

# A request that followed a process which nobody prescribed rests on the right to approve of who passed it.
#@ U-03
lapses(person: Person, "use", seal: Seal, context, at) if
  sealed_contract(context, contract) and
  approved_request(person, seal, contract, request, context) and
  request.process_id matches String and
  has_approval_by_right(request, context) and
  approval in request.approvals and
  right_to_approve_changes(approval.approver, seal, context, at);

# A right on a seal is given under a role of its giver, which is on record.
#@ S-17
lapses(person: Person, "grant", seal: Seal, context, at) if
  member(person, seal.enterprise, membership, context) and
  assignment in membership.assignments and
  is_active_assignment(assignment, context) and
  at = assignment.valid_to;

# What is looked at is seen by whose turn it is, who runs the contracts, and who belongs to the other enterprise of a use
# or of a contract.
#@ U-03 C-01 W-03 C-11 M-14
lapses(person: Person, "view_progress", request: SealUseRequest, context, at) if
  member(person, request.seal.enterprise, membership, context) and
  entitlement_lapses(membership, request, context, at);
lapses(person: Person, "view_progress", task: SigningTask, context, at) if
  owner(task, context, enterprise) and
  contract_administration_lapses(person, enterprise, context, at);
lapses(person: Person, "view", _: SealUse, context, at) if
  holder = context.holder and
  holder matches Enterprise and
  own_membership_lapses(person, holder, context, at);
lapses(person: Person, "view", contract: Contract, context, at) if
  membership in person.memberships and
  party in contract.signatories and
  party.enterprise_id matches String and
  party.enterprise_id = membership.enterprise_id and
  membership_lapses(membership, context, at);
lapses(person: Person, "view_administrator", enterprise: Enterprise, context, at) if
  own_membership_lapses(person, enterprise, context, at);

own_membership_lapses(person: Person, enterprise: Enterprise, context, at) if
  membership in enterprise.memberships and
  membership.person_id = person.id and
  membership_lapses(membership, context, at);

entitlement_lapses(membership: Membership, request: SealUseRequest, context, at) if
  approver_entitlement_changes(membership, request, context, at);
entitlement_lapses(membership: Membership, _: SealUseRequest, context, at) if
  membership_lapses(membership, context, at);
