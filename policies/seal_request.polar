# Requests to use a seal: who may ask for a use, who approves it, and when an approval stands in for a grant.
#
# Approval and use are separate duties: the right to approve is a grant of its own, and nobody approves what he asked for.
# (Electronic Seal Measures; published company seal rules: approval and use apart, approval before use.)

# --- asking ---------------------------------------------------------------------------------------------------------------

# A member without a grant may ask.
#@ U-03
requires("request_use", _: Seal, "SEAL_CAN_BE_REQUESTED");
meets(_: Person, "SEAL_CAN_BE_REQUESTED", "request_use", seal: Seal, _) if seal.state = "ACTIVE";

# --- approval -------------------------------------------------------------------------------------------------------------

own_request(person: Person, seal: Seal, contract: Contract, request) if
  request in seal.use_requests and
  request.applicant.person_id = person.id and
  request.applicant.state = "ACTIVE" and
  request.contract_id = contract.id;

approved_request(person: Person, seal: Seal, contract: Contract, request, context) if
  own_request(person, seal, contract, request) and
  is_approved(request, person, context) and
  request.valid_from <= context.now and
  context.now < request.valid_to and
  request.used < request.uses and
  is_for_these_documents(request, contract);

# Somebody else who may approve did so, and nobody who was asked refused. An approval counts while its approver may still
# approve: whoever has left or lost the right has to be replaced by another approver.
is_approved(request: SealUseRequest, person: Person, context) if
  request.state in ["APPROVED", "IN_USE"] and
  approval in request.approvals and
  approval.verdict = "PASSED" and
  approval.decided_at <= context.now and
  may_approve_use(approval.approver, request.seal, context) and
  not has_other_verdict(request, person);

# The right to approve is a grant of its own, never the custodian's; over the legal representative's seal it is his alone.
may_approve_use(approver: Membership, seal: Seal, context) if
  approver.state = "ACTIVE" and
  fit(approver.person) and
  legal_representative(approver.person, seal.enterprise) and
  not is_custodian(approver, seal) and
  approver.joined_at <= context.now;
may_approve_use(approver: Membership, seal: Seal, context) if
  seal.kind != "LEGAL_REP" and
  approver.state = "ACTIVE" and
  fit(approver.person) and
  not is_custodian(approver, seal) and
  grant in seal.grants and
  grant.right = "APPROVE" and
  grant.membership_id = approver.id and
  grant.state = "ACTIVE" and
  grant.confirmation in ["AUTH_LETTER", "INTENT"] and
  grant.valid_from <= context.now and
  context.now < grant.valid_to and
  grantor_stands(grant, context);

is_custodian(membership: Membership, seal: Seal) if
  seal.custodian_id matches String and
  seal.custodian_id = membership.id;

has_other_verdict(request: SealUseRequest, _: Person) if
  approval in request.approvals and
  approval.verdict != "PASSED";
has_other_verdict(request: SealUseRequest, person: Person) if
  approval in request.approvals and
  approval.approver.person_id = person.id;

# Exactly these documents: each document of the contract was requested, and each that was requested is in the contract.
is_for_these_documents(request: SealUseRequest, contract: Contract) if
  _ in contract.documents and
  forall(other in contract.documents, is_requested(request, other.digest)) and
  forall(asked in request.documents, is_in_contract(contract, asked.digest));

is_requested(request: SealUseRequest, digest) if document in request.documents and document.digest = digest;
is_in_contract(contract: Contract, digest) if document in contract.documents and document.digest = digest;
