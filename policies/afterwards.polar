# Words that are given around an act: the approval after an emergency, and the witness of a destruction.
#
# A-02: Who may approve an emergency use afterwards is who may approve a use, and never the one who used the seal; who
# witnesses says so themself. What the rules of use and of ending ask of the record (special_use.polar,
# seal_management.polar), these actions ask of its author.

# --- approving an emergency use afterwards ---------------------------------------------------------------------------

# The legal representative, or a person whose right to approve covers everything, in time and once.
#@ A-02 U-24
requires("approve_afterwards", _: EmergencyUse, "APPROVER_OF_EMERGENCY");
requires("approve_afterwards", _: EmergencyUse, "NOT_THE_USER");
requires("approve_afterwards", _: EmergencyUse, "NOT_THE_CUSTODIAN");
requires("approve_afterwards", _: EmergencyUse, "APPROVAL_MISSING");
requires("approve_afterwards", _: EmergencyUse, "APPROVED_IN_TIME");
meets(person: Person, "APPROVER_OF_EMERGENCY", "approve_afterwards", use: EmergencyUse, context) if
  legal_representative(person, use.grant.seal.enterprise, context);
meets(person: Person, "APPROVER_OF_EMERGENCY", "approve_afterwards", use: EmergencyUse, context) if
  right_afterwards(person, use, _, context);
meets(person: Person, "NOT_THE_USER", "approve_afterwards", use: EmergencyUse, _) if
  not account_id(person, use.grant.membership.person_id);

# Nor one to whom the user of the seal gave the right to approve just now. The legal representative needs no such right.
#@ M-11 U-24
requires("approve_afterwards", _: EmergencyUse, "APPROVER_SETTLED");
meets(person: Person, "APPROVER_SETTLED", "approve_afterwards", use: EmergencyUse, context) if
  not approver_afterwards_waits(person, use, _, context);

# … nor the new administrator just after a retrieval, nor whom they put in office since.
#@ R-13
approver_afterwards_waits(person: Person, use: EmergencyUse, at, context) if
  cooling_off(person, use.grant.seal.enterprise, at, context);
approver_afterwards_waits(person: Person, use: EmergencyUse, at, context) if
  not legal_representative(person, use.grant.seal.enterprise, context) and
  member(person, use.grant.seal.enterprise, membership, context) and
  right_to_approve_from_until(membership, use.grant.seal, use.grant.membership.person_id, at, context);
# … nor one whom the other side made an approver just then.
#@ M-11 U-12 U-13 U-24
approver_afterwards_waits(person: Person, use: EmergencyUse, at, context: AfterwardsContext) if
  not legal_representative(person, use.grant.seal.enterprise, context) and
  contract = context.contract and
  contract matches Contract and
  is_on_opposite_side(by_id, use.grant.seal, contract, context) and
  member(person, use.grant.seal.enterprise, membership, context) and
  right_to_approve_from_until(membership, use.grant.seal, by_id, at, context);
meets(person: Person, "NOT_THE_CUSTODIAN", "approve_afterwards", use: EmergencyUse, context) if
  not keeps_seal_now(person.id, use.grant.seal, context);
meets(_: Person, "APPROVAL_MISSING", "approve_afterwards", use: EmergencyUse, _) if use.approved_at = 0;
meets(_: Person, "APPROVED_IN_TIME", "approve_afterwards", use: EmergencyUse, context) if
  use.used_at <= context.now and
  context.now < use.used_at + context.parameters.post_approval_within;

# Nor does a person who is on the other side of what was sealed, as with a request for a use. Of a use that names no task
# it is not known which side that is.
#@ U-12 U-13 U-24
requires("approve_afterwards", _: EmergencyUse, "NOT_THE_COUNTERPARTY");
meets(person: Person, "NOT_THE_COUNTERPARTY", "approve_afterwards", use: EmergencyUse, context: AfterwardsContext) if
  contract = context.contract and
  contract matches Contract and
  has_no_tie_to_others(person, use.grant.seal, contract);
because(
  "NOT_THE_COUNTERPARTY", "EMERGENCY_TASK_UNKNOWN", _: Person, use: EmergencyUse, _: AfterwardsContext) if
  use.task_id = nil;
reason("EMERGENCY_TASK_UNKNOWN", 110, "USER", "CONTACT_PLATFORM");

# It takes one use of a right that has a number of them, like any approval.
#@ U-06
obligation(person: Person, "approve_afterwards", use: EmergencyUse, context, "DECREMENT_USE") if
  counted_right_afterwards(person, use, _, context);
obligation_parameter(
  "DECREMENT_USE", "grant_id", id, person: Person, "approve_afterwards", use: EmergencyUse, context) if
  counted_right_afterwards(person, use, grant, context) and
  forall(counted_right_afterwards(person, use, other, context), grant.id <= other.id) and
  id = grant.id;

counted_right_afterwards(person: Person, use: EmergencyUse, grant, context) if
  not legal_representative(person, use.grant.seal.enterprise, context) and
  right_afterwards(person, use, grant, context) and
  not has_unlimited_right_afterwards(person, use, context);

has_unlimited_right_afterwards(person: Person, use: EmergencyUse, context) if
  right_afterwards(person, use, grant, context) and
  is_unlimited(grant.use_limit);

right_afterwards(person: Person, use: EmergencyUse, grant, context) if
  member(person, use.grant.seal.enterprise, membership, context) and
  approval_grant(membership, use.grant.seal, grant, context) and
  grant.parent_id = nil and
  grant.state = "ACTIVE" and
  has_uses_left(grant) and
  covers_everything(grant);

lapses(_: Person, "approve_afterwards", use: EmergencyUse, context, at) if
  at = use.used_at + context.parameters.post_approval_within;
lapses(person: Person, "approve_afterwards", use: EmergencyUse, context, at) if
  member(person, use.grant.seal.enterprise, membership, context) and
  right_to_approve_changes(membership, use.grant.seal, context, at);

# --- witnessing a destruction ----------------------------------------------------------------------------------------

# A member who did not propose it agrees to witness that a seal is destroyed, and once.
#@ A-02 S-14
requires("witness", _: SealProposal, "DESTRUCTION_PROPOSED");
requires("witness", _: SealProposal, "NOT_THE_PROPOSER");
requires("witness", _: SealProposal, "NOT_A_WITNESS_YET");
meets(_: Person, "DESTRUCTION_PROPOSED", "witness", proposal: SealProposal, _) if
  proposal.state = "OPEN" and
  proposal.ending = "DESTROY";
meets(person: Person, "NOT_THE_PROPOSER", "witness", proposal: SealProposal, _) if
  not account_id(person, proposal.proposed_by.person_id);
meets(person: Person, "NOT_A_WITNESS_YET", "witness", proposal: SealProposal, _) if
  not is_witness(person, proposal);

is_witness(person: Person, proposal: SealProposal) if
  witness in proposal.witnesses and
  account_id(person, witness.membership.person_id);

# The person who proposed an ending takes it back, and so do those who manage the seal: nothing ends by that.
#@ A-02 S-14
requires("withdraw", _: SealProposal, "PROPOSAL_AUTHOR");
requires("withdraw", _: SealProposal, "PROPOSAL_OPEN");
meets(person: Person, "PROPOSAL_AUTHOR", "withdraw", proposal: SealProposal, context) if
  proposal.proposed_by.person_id = person.id or
  may_manage(person, proposal.seal, context);
meets(_: Person, "PROPOSAL_OPEN", "withdraw", proposal: SealProposal, _) if proposal.state = "OPEN";

lapses(person: Person, "withdraw", proposal: SealProposal, context, at) if
  seal_admin_lapses(person, proposal.seal.enterprise, context, at);
