# Putting the seal: what the sealing engine does with a use that was reserved for it, and reports of it.
#
# A use is counted and reserved when a person uses a seal, and the engine gets a receipt. Between that and the impression
# something may happen: a seal is frozen, a right is taken away, a person leaves. So the engine says in the moment of
# sealing that it seals, and all that the use asked for is asked again, of the very grant or request that was counted. The
# person whose use it is stands for it, and only the engine that the receipt names may call.
# (Electronic Signature Law 13: the signer's control in the moment of signing. U-25: what was decided before is void.)

resource SealUse {
  permissions = ["seal", "confirm_sealed", "report_not_sealed"];
}

has_permission(person: Person, "seal", use: SealUse) if use.person_id = person.id;
has_permission(person: Person, "confirm_sealed", use: SealUse) if use.person_id = person.id;
has_permission(person: Person, "report_not_sealed", use: SealUse) if use.person_id = person.id;

# --- who calls, and when ---------------------------------------------------------------------------------------------

# U-25: Only the engine that the receipt is for seals, and reports: the caller is the audience of the receipt.
#@ U-25
requires("seal", _: SealUse, "SEALING_ENGINE");
meets(_: Person, "SEALING_ENGINE", "seal", use: SealUse, context) if is_called_by_engine(use, context);  # floor.polar

# Once, while the use is reserved, and before the receipt ends.
#@ U-25
requires("seal", _: SealUse, "USE_RESERVED");
requires("seal", _: SealUse, "RECEIPT_VALID");
meets(_: Person, "USE_RESERVED", "seal", use: SealUse, _) if
  use.state = "RESERVED" and
  use.sealing_at = 0;
meets(_: Person, "RECEIPT_VALID", "seal", use: SealUse, context) if
  use.used_at <= context.now and
  context.now < use.used_at + context.parameters.receipt_lasts;

# That the seal was put is reported once, also late; that it was not, only while nothing else was said.
#@ U-06 U-25
requires("confirm_sealed", _: SealUse, "SEALING_BEGUN");
requires("report_not_sealed", _: SealUse, "USE_UNREPORTED");
meets(_: Person, "SEALING_BEGUN", "confirm_sealed", use: SealUse, _) if
  use.sealing_at > 0 and
  use.state in ["RESERVED", "UNKNOWN"];
meets(_: Person, "USE_UNREPORTED", "report_not_sealed", use: SealUse, _) if use.state = "RESERVED";

# --- what was used ---------------------------------------------------------------------------------------------------

put_seal(context: SealingContext, seal) if seal = context.seal;

# What was counted for this use is not used up by it: its own count does not stand in its way.
#@ U-06
may_count(grant, _) if has_uses_left(grant);
may_count(grant: SealGrant, context: SealingContext) if is_counted_grant(grant, context);
may_count(grant: OpenGrant, context: SealingContext) if
  reserved_use(context, use) and
  use.open_grant_id matches String and
  use.open_grant_id = grant.id;
may_count(grant: CrossEnterpriseGrant, context: SealingContext) if
  reserved_use(context, use) and
  use.cross_grant_id matches String and
  use.cross_grant_id = grant.id;

may_count_request(request: SealUseRequest, _) if request.used < request.uses;
may_count_request(request: SealUseRequest, context: SealingContext) if is_counted_request(request, context);

reserved_use(context: SealingContext, use) if use = context.use;

# The grant, or the one that it comes from.
is_counted_grant(grant: SealGrant, context: SealingContext) if
  reserved_use(context, use) and
  use.grant_id matches String and
  use.grant_id = grant.id;
is_counted_grant(grant: SealGrant, context: SealingContext) if
  reserved_use(context, use) and
  use.grant_id matches String and
  passed_on in grant.seal.grants and
  passed_on.id = use.grant_id and
  passed_on.parent_id matches String and
  passed_on.parent_id = grant.id;

is_counted_request(request: SealUseRequest, context: SealingContext) if
  reserved_use(context, use) and
  counted in use.counted_requests and
  counted.request_id = request.id;

# --- all that the use asked for --------------------------------------------------------------------------------------

meets(_: Person, "LICENCE_EXISTING", "seal", _: SealUse, context) if
  put_seal(context, seal) and
  has_licence(seal.enterprise, context);
meets(_: Person, "TASK_READY", "seal", _: SealUse, context) if
  put_seal(context, seal) and
  sealing_task(context, task) and
  is_turn_of(seal.enterprise, task, context);
meets(_: Person, "SEAL_FOR_TASK", "seal", _: SealUse, context) if
  put_seal(context, seal) and
  sealing_task(context, task) and
  task_takes_seal(task, seal);
meets(_: Person, "SEAL_USABLE", "seal", _: SealUse, context) if
  put_seal(context, seal) and
  is_usable(seal, context);
meets(_: Person, "DOCUMENTS_SEALABLE", "seal", _: SealUse, context) if has_complete_documents(context);
meets(_: Person, "MATTER_SEALABLE", "seal", _: SealUse, context) if
  put_seal(context, seal) and
  sealed_contract(context, contract) and
  is_suitable_for(seal, contract, context);
meets(_: Person, "AMOUNT_STATED", "seal", _: SealUse, context) if
  put_seal(context, seal) and
  has_stated_amount(seal, context);
meets(_: Person, "SEAL_IN_CATEGORY", "seal", _: SealUse, context) if
  put_seal(context, seal) and
  is_in_category(seal, context);
meets(person: Person, "REVIEW_PASSED", "seal", _: SealUse, context) if
  put_seal(context, seal) and
  sealing_task(context, task) and
  is_reviewed_everywhere(task.signatory, seal.enterprise, person.id, context);
meets(person: Person, "NOT_AN_AUDITOR", "seal", _: SealUse, context) if
  put_seal(context, seal) and
  not is_auditor(person, seal, context);
meets(person: Person, "NO_SELF_DEALING", "seal", _: SealUse, context) if
  put_seal(context, seal) and
  sealed_contract(context, contract) and
  not deals_with_self(person, seal, contract, context);
meets(person: Person, "NO_DOUBLE_AGENCY", "seal", _: SealUse, context) if
  put_seal(context, seal) and
  sealed_contract(context, contract) and
  not acts_for_both(person, seal, contract, context);
meets(person: Person, "APPROVER_NOT_STAMPER", "seal", _: SealUse, context) if
  put_seal(context, seal) and
  sealed_contract(context, contract) and
  has_second_pair_of_eyes(person, seal, contract, context);

# The certificate is the one that the receipt names: another one takes another receipt.
#@ U-11 U-25
meets(_: Person, "CERTIFICATE_VALID", "seal", use: SealUse, context) if
  put_seal(context, seal) and
  has_valid_certificate(seal, context) and
  use.certificate_id matches String and
  seal.certificate_id matches String and
  seal.certificate_id = use.certificate_id;

# The documents are those that were reserved, all of them.
#@ U-15 U-25
requires("seal", _: SealUse, "DOCUMENTS_UNCHANGED");
meets(_: Person, "DOCUMENTS_UNCHANGED", "seal", use: SealUse, context) if
  digest = context.documents_digest and
  digest matches String and
  use.documents_digest = digest and
  sealed_contract(context, contract) and
  document in contract.documents and
  document.digest = use.digest;

# Each act asks its own operators …
meets(person: Person, "TASK_OPERATOR", "seal", use: SealUse, context) if
  use.act = "USE" and
  put_seal(context, seal) and
  sealing_task(context, task) and
  is_operator(person, task, seal.enterprise, context);
meets(person: Person, "TASK_OPERATOR", "seal", use: SealUse, context) if
  use.act = "USE" and
  use.delegation_id matches String and
  put_seal(context, seal) and
  sealing_task(context, task) and
  is_delegate_of_operator(person, task, seal, context);
meets(person: Person, "TASK_OPERATOR", "seal", use: SealUse, context) if
  use.act = "AUTO_USE" and
  sealing_task(context, task) and
  is_automatic_operator(person, task);
meets(person: Person, "TASK_OPERATOR", "seal", use: SealUse, context) if
  use.act = "EMERGENCY_USE" and
  sealing_task(context, task) and
  is_emergency_operator(person, task);

# … and the owner's own rules, which an emergency puts off.
meets(_: Person, "PROCESS_FOLLOWED", "seal", use: SealUse, context) if
  use.act in ["USE", "AUTO_USE"] and
  put_seal(context, seal) and
  keeps_house_rules(seal, context);
meets(person: Person, "PROCESS_FOLLOWED", "seal", use: SealUse, context) if
  use.act = "USE" and
  put_seal(context, seal) and
  sealed_contract(context, contract) and
  seals_alone(person, seal, contract, context);
meets(_: Person, "PROCESS_FOLLOWED", "seal", use: SealUse, _) if use.act = "EMERGENCY_USE";

# --- the right that was counted --------------------------------------------------------------------------------------

# The very right that was counted stands: another one, of the same person, was not, and takes another use.
#@ U-02 U-03 U-25
meets(person: Person, "SEAL_AUTHORITY", "seal", use: SealUse, context) if
  use.act = "USE" and
  put_seal(context, seal) and
  sealed_contract(context, contract) and
  rests_on_counted(person, seal, contract, use, context);

rests_on_counted(person: Person, seal: Seal, contract: Contract, use: SealUse, context) if
  use.delegation_id = nil and
  use.grant_id matches String and
  live_grant(person, seal, contract, grant, context) and
  grant.id = use.grant_id;
rests_on_counted(person: Person, seal: Seal, contract: Contract, use: SealUse, context) if
  use.delegation_id matches String and
  use.grant_id matches String and
  live_delegation(person, seal, contract, delegation, grant, context) and
  delegation.id = use.delegation_id and
  grant.id = use.grant_id;
rests_on_counted(person: Person, seal: Seal, contract: Contract, _: SealUse, context) if
  approved_request(person, seal, contract, request, context) and
  is_counted_request(request, context);
rests_on_counted(person: Person, seal: Seal, contract: Contract, use: SealUse, context) if
  use.open_grant_id matches String and
  live_open_grant(person, seal, contract, grant, context) and
  grant.id = use.open_grant_id;
rests_on_counted(person: Person, seal: Seal, contract: Contract, use: SealUse, context) if
  use.cross_grant_id matches String and
  live_cross_grant(person, seal, contract, grant, context) and
  grant.id = use.cross_grant_id;
# The legal representative's own seal, and the owner of a company of one, count no use.
rests_on_counted(person: Person, seal: Seal, _: Contract, use: SealUse, context) if
  counts_no_grant(use) and
  is_own_legal_rep_seal(person, seal, context);
rests_on_counted(person: Person, seal: Seal, contract: Contract, use: SealUse, context) if
  counts_no_grant(use) and
  seals_alone(person, seal, contract, context);

counts_no_grant(use: SealUse) if
  use.grant_id = nil and
  use.open_grant_id = nil and
  use.cross_grant_id = nil and
  use.delegation_id = nil;

# Automatically: the grant for just that.
#@ U-22 U-17 U-25
meets(person: Person, "SEAL_AUTHORITY", "seal", use: SealUse, context) if
  use.act = "AUTO_USE" and
  put_seal(context, seal) and
  sealed_contract(context, contract) and
  not is_guarantee(seal, contract) and
  use.grant_id matches String and
  auto_grant(person, seal, contract, grant, context) and
  grant.id = use.grant_id;

# In an emergency: the grant for just that, and no other use of the seal by this person is still to be approved.
#@ U-24 U-25
meets(person: Person, "SEAL_AUTHORITY", "seal", use: SealUse, context) if
  use.act = "EMERGENCY_USE" and
  put_seal(context, seal) and
  sealed_contract(context, contract) and
  use.grant_id matches String and
  emergency_grant(person, seal, contract, grant, context) and
  grant.id = use.grant_id and
  not has_other_unapproved_use(person, seal, use, context);

has_other_unapproved_use(person: Person, seal: Seal, own: SealUse, context) if
  grant in seal.grants and
  account_id(person, grant.membership.person_id) and
  use in grant.emergency_uses and
  not is_record_of(use, own) and
  not is_approved_afterwards(use, grant, seal, context);

is_record_of(emergency: EmergencyUse, use: SealUse) if
  use.grant_id matches String and
  emergency.grant_id = use.grant_id and
  emergency.used_at = use.used_at;

# --- the person ------------------------------------------------------------------------------------------------------

# The check that the use took up counts as its own, while it is fresh: the person still meant it a moment ago.
#@ U-09 U-10 U-25
meets(person: Person, "FRESH_FACE", "seal", use: SealUse, context) if
  use.act in ["USE", "EMERGENCY_USE"] and
  has_own_face_check(person, use, context);
meets(person: Person, "FRESH_FACE", "seal", use: SealUse, context) if
  use.act in ["USE", "EMERGENCY_USE"] and
  put_seal(context, seal) and
  sealing_task(context, task) and
  own_fallback_check(context.verification, person, task) and
  allows_fallback(context.verification, seal, task) and
  is_taken_up(context.verification, use, context) and
  covers_all_documents(context.verification, context) and
  not acts_alone(person, seal.enterprise, context);
# A list: the item that it took up.
#@ A-08
meets(person: Person, "FRESH_FACE", "seal", use: SealUse, context) if
  use.act = "USE" and
  put_seal(context, seal) and
  listed_item(person, seal, item, context) and
  item.used_at > 0 and
  item.used_at = use.used_at and
  is_within_batch_limits(person, seal, context) and
  not acts_alone(person, seal.enterprise, context);
# Low-risk seals go without, and so does what is sealed automatically. The owner of a company of one shows their own face
# each time.
meets(person: Person, "FRESH_FACE", "seal", use: SealUse, context) if
  use.act = "USE" and
  put_seal(context, seal) and
  seal.kind in ["DEPARTMENT", "OTHER"] and
  not acts_alone(person, seal.enterprise, context);
meets(_: Person, "FRESH_FACE", "seal", use: SealUse, _) if use.act = "AUTO_USE";

has_own_face_check(person: Person, use: SealUse, context) if
  sealing_task(context, task) and
  own_face_check(context.verification, person, "SIGN", "SigningTask", task.id) and
  is_taken_up(context.verification, use, context) and
  covers_all_documents(context.verification, context);

is_taken_up(check: IdentityVerification, use: SealUse, context) if
  use.verification_id matches String and
  check.id = use.verification_id and
  check.state = "CONSUMED" and
  check.consumed_at = use.used_at and
  is_not_ahead(check.passed_at, context) and
  context.now < check.passed_at + context.parameters.face_for_use;

# --- why not ---------------------------------------------------------------------------------------------------------

because("SEAL_USABLE", "SEAL_FROZEN", _: Person, _: SealUse, context) if
  put_seal(context, seal) and
  hold in seal.holds and
  hold.state = "PLACED" and
  hold.source in ["ADMIN", "RETRIEVAL", "PLATFORM", "JUDICIAL"];
because("SEAL_USABLE", "SEAL_LOST", _: Person, _: SealUse, context) if
  put_seal(context, seal) and
  seal.state = "LOST";
because("SEAL_USABLE", "SEAL_DISABLED", _: Person, _: SealUse, context) if
  put_seal(context, seal) and
  seal.state = "DISABLED";
because("SEAL_USABLE", "SEAL_REVOKED", _: Person, _: SealUse, context) if
  put_seal(context, seal) and
  is_ended(seal);
because("TASK_READY", "CONTRACT_NOT_SIGNING", _: Person, _: SealUse, context) if
  sealing_task(context, task) and
  not_ready(task, "CONTRACT_NOT_SIGNING", context);
because("TASK_READY", "CONTRACT_NOT_SIGNING", _: Person, _: SealUse, context) if
  put_seal(context, seal) and
  sealing_task(context, task) and
  is_ready(task, context) and
  not is_turn_of(seal.enterprise, task, context);
because("TASK_READY", "CONTRACT_EXPIRED", _: Person, _: SealUse, context) if
  sealing_task(context, task) and
  not_ready(task, "CONTRACT_EXPIRED", context);

otherwise("SEALING_ENGINE", "NOT_THE_SEALING_ENGINE");
otherwise("USE_RESERVED", "USE_NOT_RESERVED");
otherwise("RECEIPT_VALID", "RECEIPT_EXPIRED");
otherwise("SEALING_BEGUN", "USE_NOT_IN_SEALING");
otherwise("USE_UNREPORTED", "USE_ALREADY_REPORTED");
otherwise("DOCUMENTS_UNCHANGED", "DOCUMENT_CHANGED");

reason("NOT_THE_SEALING_ENGINE", 60, "USER", "NONE");
reason("USE_NOT_RESERVED", 60, "USER", "NONE");
reason("USE_NOT_IN_SEALING", 60, "USER", "NONE");
reason("USE_ALREADY_REPORTED", 60, "USER", "NONE");
reason("RECEIPT_EXPIRED", 100, "USER", "REPORT_NOT_SEALED");
parameter("REPORT_NOT_SEALED", "use_id", id, _: Person, use: SealUse, _) if id = use.id;

# --- when it ends by itself ------------------------------------------------------------------------------------------

lapses(_: Person, "seal", use: SealUse, context, at) if at = use.used_at + context.parameters.receipt_lasts;
lapses(_: Person, "seal", _: SealUse, context, at) if
  put_seal(context, seal) and
  certificate_of(seal, certificate) and
  at = certificate.not_after;
lapses(_: Person, "seal", _: SealUse, context, at) if sealed_contract(context, contract) and at = contract.deadline;
lapses(_: Person, "seal", _: SealUse, context, at) if
  put_seal(context, seal) and
  working_hours_lapse(seal.enterprise, context, at);
lapses(person: Person, "seal", _: SealUse, context, at) if
  put_seal(context, seal) and
  sealed_contract(context, contract) and
  authority_lapses(person, seal, contract, context, at);
lapses(person: Person, "seal", _: SealUse, context, at) if
  put_seal(context, seal) and
  seal_admin_lapses(person, seal.enterprise, context, at);
lapses(person: Person, "seal", _: SealUse, context, at) if
  put_seal(context, seal) and
  sole_authority_lapses(person, seal.enterprise, context, at);
lapses(_: Person, "seal", _: SealUse, context, at) if
  put_seal(context, seal) and
  required_approval_lapses(seal, context, at);
lapses(_: Person, "seal", use: SealUse, context, at) if
  check = context.verification and
  is_taken_up(check, use, context) and
  at = check.passed_at + context.parameters.face_for_use;
lapses(person: Person, "seal", _: SealUse, context, at) if
  batch in person.intent_batches and
  face_lapses(
    context.verification, person, "SIGN", "IntentBatch", batch.id, context.parameters.face_for_batch, context, at);
lapses(person: Person, "seal", _: SealUse, context, at) if
  put_seal(context, seal) and
  sealed_contract(context, contract) and
  counted_grant_lapses(person, seal, contract, context, at);

counted_grant_lapses(person: Person, seal: Seal, contract: Contract, context, at) if
  auto_grant(person, seal, contract, grant, context) and
  grant_lapses(grant, at);
counted_grant_lapses(person: Person, seal: Seal, contract: Contract, context, at) if
  emergency_grant(person, seal, contract, grant, context) and
  grant_lapses(grant, at);
