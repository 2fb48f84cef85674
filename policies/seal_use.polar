# Seal use: may this person put this seal on the documents of this signing task, now.
#
# Authority is either a live USE grant that covers the contract, or an approved request for exactly these documents. Neither
# replaces the other checks: the task's turn, the seal's state, the owner's certificate, and a fresh face check.
# (Civil Code 165 and 171: authority is written, and it is looked at in the moment of sealing.)

# The task that the seal is used for: without one there is nothing to seal.
has_task(context) if task = context.task and task matches SigningTask;
sealing_task(context, task) if task = context.task and task matches SigningTask;
sealed_contract(context, contract) if sealing_task(context, task) and contract = task.signatory.contract;

requires("use", _: Seal, "TASK_READY");
requires("use", _: Seal, "TASK_OPERATOR");
requires("use", _: Seal, "SEAL_FOR_TASK");
requires("use", _: Seal, "SEAL_USABLE");
requires("use", _: Seal, "CERTIFICATE_VALID");
requires("use", _: Seal, "SEAL_AUTHORITY");
requires("use", _: Seal, "FRESH_FACE");

because("TASK_READY", "TASK_REQUIRED", _: Person, _: Seal, context) if not has_task(context);
because("TASK_OPERATOR", "TASK_REQUIRED", _: Person, _: Seal, context) if not has_task(context);
because("SEAL_FOR_TASK", "TASK_REQUIRED", _: Person, _: Seal, context) if not has_task(context);
because("SEAL_AUTHORITY", "TASK_REQUIRED", _: Person, _: Seal, context) if not has_task(context);

# --- the seal --------------------------------------------------------------------------------------------------------

# The seal is ACTIVE and nothing holds it.
#@ U-01
meets(_: Person, "SEAL_USABLE", "use", seal: Seal, _) if
  seal.state = "ACTIVE" and
  not is_held(seal);
because("SEAL_USABLE", "SEAL_FROZEN", _: Person, seal: Seal, _) if
  hold in seal.holds and
  hold.state = "PLACED" and
  hold.source in ["ADMIN", "RETRIEVAL", "PLATFORM", "JUDICIAL"];
because("SEAL_USABLE", "SEAL_LOST", _: Person, seal: Seal, _) if
  hold in seal.holds and
  hold.state = "PLACED" and
  hold.source = "LOSS";
because("SEAL_USABLE", "SEAL_LOST", _: Person, seal: Seal, _) if seal.state = "LOST";
because("SEAL_USABLE", "SEAL_DISABLED", _: Person, seal: Seal, _) if seal.state in ["DISABLED", "COLLECTED"];
because("SEAL_USABLE", "SEAL_REVOKED", _: Person, seal: Seal, _) if seal.state in ["REVOKED", "DESTROYED"];
because("SEAL_USABLE", "SEAL_EXPIRED", _: Person, seal: Seal, _) if seal.state = "EXPIRED";
because("SEAL_USABLE", "SEAL_UNDER_REVIEW", _: Person, seal: Seal, _) if
  seal.state in ["DRAFT", "PENDING_REVIEW", "REVIEW_REJECTED"];

# Whatever is not released holds.
is_held(seal: Seal) if hold in seal.holds and hold.state != "RELEASED";

# The certificate of the seal's owner is valid at the time of use.
#@ U-11
meets(_: Person, "CERTIFICATE_VALID", "use", seal: Seal, context) if
  certificate_of(seal, certificate) and
  certificate.state = "ACTIVE" and
  certificate.not_before <= context.now and
  context.now < certificate.not_after;
because("CERTIFICATE_VALID", "CERT_SUSPENDED", _: Person, seal: Seal, _) if
  certificate_of(seal, certificate) and
  certificate.state = "SUSPENDED";
because("CERTIFICATE_VALID", "CERT_REVOKED", _: Person, seal: Seal, _) if
  certificate_of(seal, certificate) and
  certificate.state = "REVOKED";
because("CERTIFICATE_VALID", "CERT_EXPIRED", _: Person, seal: Seal, context) if
  certificate_of(seal, certificate) and
  certificate.state = "ACTIVE" and
  certificate.not_after <= context.now;
because("CERTIFICATE_VALID", "CERT_EXPIRED", _: Person, seal: Seal, _) if
  certificate_of(seal, certificate) and
  certificate.state = "EXPIRED";
because("CERTIFICATE_VALID", "CERT_NOT_YET_VALID", _: Person, seal: Seal, context) if
  certificate_of(seal, certificate) and
  certificate.state = "ACTIVE" and
  context.now < certificate.not_before;

certificate_of(seal: Seal, certificate) if
  certificate = seal.certificate and
  certificate matches Certificate and
  certificate.enterprise_id = seal.enterprise_id;

# --- authority -------------------------------------------------------------------------------------------------------

# A live USE grant covers person and contract …
#@ U-02 S-03 S-06 S-17 U-06 U-07
meets(person: Person, "SEAL_AUTHORITY", "use", seal: Seal, context) if
  sealed_contract(context, contract) and
  live_grant(person, seal, contract, _, context);

# … or an APPROVED request for exactly these documents stands in for it.
#@ U-03
meets(person: Person, "SEAL_AUTHORITY", "use", seal: Seal, context) if
  sealed_contract(context, contract) and
  approved_request(person, seal, contract, _, context);

# The legal representative's own seal is his without a grant.
#@ C-03
meets(person: Person, "SEAL_AUTHORITY", "use", seal: Seal, context) if
  has_task(context) and
  seal.kind = "LEGAL_REP" and
  legal_representative(person, seal.enterprise);

has_authority(person: Person, seal: Seal, contract, context) if live_grant(person, seal, contract, _, context);
has_authority(person: Person, seal: Seal, contract, context) if approved_request(person, seal, contract, _, context);

use_grant(person: Person, seal: Seal, grant) if
  grant in seal.grants and
  grant.membership.person_id = person.id and
  grant.right = "USE" and
  grant.state in ["PENDING_CONFIRM", "PENDING_EFFECT", "ACTIVE", "EXHAUSTED", "EXPIRED", "INVALIDATED"] and
  grant.membership.state = "ACTIVE" and
  grant.membership.enterprise_id = seal.enterprise_id;

live_grant(person: Person, seal: Seal, contract: Contract, grant, context) if
  use_grant(person, seal, grant) and
  grant.state = "ACTIVE" and
  grant.confirmation in ["AUTH_LETTER", "INTENT"] and
  grant.valid_from <= context.now and
  context.now < grant.valid_to and
  grant.used < grant.use_limit and
  covers(grant, contract) and
  grantor_stands(grant, context);

# What a grant covers: all contracts, said explicitly, or the types listed.
covers(grant: SealGrant, _: Contract) if grant.scope = "ALL_CONTRACTS";
covers(grant: SealGrant, contract: Contract) if
  grant.scope = "LISTED_TYPES" and
  listed in grant.contract_types and
  listed.contract_type = contract.contract_type;

# --- why there is no authority ---------------------------------------------------------------------------------------

# Each grant that the person has on the seal says what is wrong with it, but only where nothing else gives authority. All that
# explain it ask this first, so that it is found out once.
lacks_authority(person: Person, seal: Seal, context) if
  sealed_contract(context, contract) and
  not has_authority(person, seal, contract, context) and
  not is_own_legal_rep_seal(person, seal);

is_own_legal_rep_seal(person: Person, seal: Seal) if
  seal.kind = "LEGAL_REP" and
  legal_representative(person, seal.enterprise);

#@ S-06
because("SEAL_AUTHORITY", "GRANT_NOT_CONFIRMED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  use_grant(person, seal, grant) and
  grant.state = "PENDING_CONFIRM";
#@ S-17
because("SEAL_AUTHORITY", "GRANT_INVALIDATED_ADMIN_CHANGED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  use_grant(person, seal, grant) and
  grant.state = "INVALIDATED" and
  grant.invalid_reason = "ADMIN_CHANGED";
because("SEAL_AUTHORITY", "GRANT_INVALIDATED_ADMIN_CHANGED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  use_grant(person, seal, grant) and
  grant.state in ["PENDING_EFFECT", "ACTIVE"] and
  not assignment_stands(grant.grantor, context);
#@ S-05 S-17
because("SEAL_AUTHORITY", "GRANTOR_NOT_ENTITLED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  use_grant(person, seal, grant) and
  grant.state in ["PENDING_EFFECT", "ACTIVE"] and
  assignment_stands(grant.grantor, context) and
  not grantor_stands(grant, context);
#@ U-07
because("SEAL_AUTHORITY", "GRANT_EXPIRED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  use_grant(person, seal, grant) and
  is_over(grant, context);
because("SEAL_AUTHORITY", "GRANT_NOT_YET_EFFECTIVE", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  use_grant(person, seal, grant) and
  grant.state in ["ACTIVE", "PENDING_EFFECT"] and
  context.now < grant.valid_from;
#@ U-06
because("SEAL_AUTHORITY", "USE_LIMIT_EXHAUSTED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  use_grant(person, seal, grant) and
  is_used_up(grant);
#@ U-02
because("SEAL_AUTHORITY", "CONTRACT_TYPE_NOT_COVERED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  use_grant(person, seal, grant) and
  grant.state = "ACTIVE" and
  sealed_contract(context, contract) and
  not covers(grant, contract);
#@ U-03
because("SEAL_AUTHORITY", "APPROVAL_REQUIRED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  own_request(person, seal, contract, request) and
  not is_approved(request, person, context);
because("SEAL_AUTHORITY", "DOCUMENT_CHANGED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  own_request(person, seal, contract, request) and
  is_approved(request, person, context) and
  not is_for_these_documents(request, contract);
#@ U-07
because("SEAL_AUTHORITY", "REQUEST_EXPIRED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  own_request(person, seal, contract, request) and
  is_approved(request, person, context) and
  request.valid_to <= context.now;

#@ U-06
because("SEAL_AUTHORITY", "USE_LIMIT_EXHAUSTED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  own_request(person, seal, contract, request) and
  is_approved(request, person, context) and
  request.used >= request.uses;
#@ U-07
because("SEAL_AUTHORITY", "GRANT_NOT_YET_EFFECTIVE", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  own_request(person, seal, contract, request) and
  is_approved(request, person, context) and
  context.now < request.valid_from;

is_over(grant: SealGrant, _) if grant.state = "EXPIRED";
is_over(grant: SealGrant, context) if
  grant.state in ["ACTIVE", "PENDING_EFFECT"] and
  grant.valid_to <= context.now;

is_used_up(grant: SealGrant) if grant.state = "EXHAUSTED";
is_used_up(grant: SealGrant) if grant.state = "ACTIVE" and grant.used >= grant.use_limit;

# --- the person, now -------------------------------------------------------------------------------------------------

# A fresh face check, bound to this task and one of its documents, not used before. Low-risk seals go without; a kind that is not
# named here needs it.
#@ U-09
meets(person: Person, "FRESH_FACE", "use", _: Seal, context) if
  sealing_task(context, task) and
  fresh_face_check(
    context.verification, person, "SIGN", "SigningTask", task.id, context.parameters.face_for_use, context) and
  is_for_a_document(context.verification, task);
waived("FRESH_FACE", "use", seal: Seal, _) if seal.kind in ["DEPARTMENT", "OTHER"];
because("FRESH_FACE", "TASK_REQUIRED", _: Person, _: Seal, context) if not has_task(context);
because("FRESH_FACE", "FACE_VERIFICATION_EXPIRED", person: Person, _: Seal, context) if
  sealing_task(context, task) and
  stale_face_check(
    context.verification, person, "SIGN", "SigningTask", task.id, context.parameters.face_for_use, context);
because("FRESH_FACE", "FACE_VERIFICATION_ALREADY_USED", person: Person, _: Seal, context) if
  sealing_task(context, task) and
  used_face_check(context.verification, person, "SIGN", "SigningTask", task.id);

is_for_a_document(check, task: SigningTask) if
  check matches IdentityVerification and
  is_in_contract(task.signatory.contract, check.bound_digest);

# --- after an allow --------------------------------------------------------------------------------------------------

obligation(_: Person, "use", seal: Seal, _, "CONSUME_VERIFICATION") if not waived("FRESH_FACE", "use", seal, nil);
obligation(_: Person, "use", _: Seal, _, "DECREMENT_USE");
obligation(_: Person, "use", _: Seal, _, "APPEND_SEAL_LOG");
obligation(_: Person, "use", _: Seal, _, "NOTIFY_MONITORS");

# When the permission ends by itself, at the latest.
lapses(person: Person, "use", seal: Seal, context, at) if
  not waived("FRESH_FACE", "use", seal, context) and
  sealing_task(context, task) and
  face_lapses(
    context.verification, person, "SIGN", "SigningTask", task.id, context.parameters.face_for_use, context, at);
lapses(_: Person, "use", seal: Seal, _, at) if certificate_of(seal, certificate) and at = certificate.not_after;
lapses(person: Person, "use", seal: Seal, context, at) if
  sealed_contract(context, contract) and
  authority_lapses(person, seal, contract, context, at);

authority_lapses(person: Person, seal: Seal, contract: Contract, context, at) if
  live_grant(person, seal, contract, grant, context) and
  at = grant.valid_to;
authority_lapses(person: Person, seal: Seal, contract: Contract, context, at) if
  live_grant(person, seal, contract, grant, context) and
  at = grant.grantor.valid_to;
authority_lapses(person: Person, seal: Seal, contract: Contract, context, at) if
  approved_request(person, seal, contract, request, context) and
  at = request.valid_to;
authority_lapses(person: Person, seal: Seal, contract: Contract, context, at) if
  approved_request(person, seal, contract, request, context) and
  right_to_approve(request, seal, grant) and
  at = grant.valid_to;
authority_lapses(person: Person, seal: Seal, contract: Contract, context, at) if
  approved_request(person, seal, contract, request, context) and
  right_to_approve(request, seal, grant) and
  at = grant.grantor.valid_to;

right_to_approve(request: SealUseRequest, seal: Seal, grant) if
  approval in request.approvals and
  grant in seal.grants and
  grant.right = "APPROVE" and
  grant.state = "ACTIVE" and
  grant.membership_id = approval.approver_id;
