# Physical seals: stamping with one, and carrying it out.
#
# A physical seal sits in a controller that opens for a one-time code. The person who stamps has an approved request of
# their own for it, and what the request names is what happens: this person, this seal, this device, so many times, in
# this window, with this code and a fresh face check. Carrying a seal out of the house is requested by itself and ends
# with the day. An electronic seal is not stamped, and a physical one is no key to sign with. (Published company seal
# rules: no use without approval, return on the same day; seal controllers: device, count, window, named user, photos of
# the use.)
#
# A stamp asks all that a use asks; what it leaves out, and why, is in sealing.polar.

# --- a key or a thing ------------------------------------------------------------------------------------------------

# U-23: A physical seal is stamped by the person, with the device, as often, in the window and with the code that an
# approved request names, and with a face check; photos that are owed come first, and carrying a seal out is approved by
# itself, for the same day. Only an electronic seal signs, and only a physical one stamps.
#@ U-23
group("SEALING_BY_KEY", _: Seal, ["use", "auto_use", "emergency_use"]);
group_requires("SEALING_BY_KEY", ["SEAL_ELECTRONIC"]);
group("STAMPING", _: Seal, ["stamp", "carry_out"]);
group_requires("STAMPING", [
  "SEAL_PHYSICAL", "STAMP_APPROVED", "CONTRACT_IN_SIGNING", "SEAL_OF_PARTY", "DOCUMENTS_AS_APPROVED"
]);
meets(_: Person, "SEAL_ELECTRONIC", "use", seal: Seal, _) if seal.category = "ELECTRONIC";
meets(_: Person, "SEAL_ELECTRONIC", "auto_use", seal: Seal, _) if seal.category = "ELECTRONIC";
meets(_: Person, "SEAL_ELECTRONIC", "emergency_use", seal: Seal, _) if seal.category = "ELECTRONIC";
meets(_: Person, "SEAL_PHYSICAL", "stamp", seal: Seal, _) if seal.category = "PHYSICAL";
meets(_: Person, "SEAL_PHYSICAL", "carry_out", seal: Seal, _) if seal.category = "PHYSICAL";

# --- the seal --------------------------------------------------------------------------------------------------------

# The seal is in use and nothing holds it, as for any use (seal_use.polar).
#@ U-01 U-23
meets(_: Person, "SEAL_USABLE", "stamp", seal: Seal, context) if is_usable(seal, context);
meets(_: Person, "SEAL_USABLE", "carry_out", seal: Seal, context) if is_usable(seal, context);

# --- the request -----------------------------------------------------------------------------------------------------

# An approved request of the person's own for this seal: a grant does not open a controller.
#@ U-23
meets(person: Person, "STAMP_APPROVED", "stamp", seal: Seal, context) if stamp_request(person, seal, _, context);
meets(person: Person, "STAMP_APPROVED", "carry_out", seal: Seal, context) if stamp_request(person, seal, _, context);

own_named_request(person: Person, seal: Seal, request, context) if
  request = context.request and
  request matches SealUseRequest and
  request.seal_id = seal.id and
  request.applicant.person_id = person.id and
  is_live(request.applicant, context);

stamp_request(person: Person, seal: Seal, request, context) if
  own_named_request(person, seal, request, context) and
  is_usable_request(request, context) and
  may_replace_grant(request, context);

# The approved request is over, or has not begun …
#@ U-07 U-23
because("STAMP_APPROVED", "REQUEST_EXPIRED", person: Person, seal: Seal, context) if
  own_named_request(person, seal, request, context) and
  was_approved(request, context) and
  request.valid_to <= context.now;
because("STAMP_APPROVED", "REQUEST_NOT_YET_VALID", person: Person, seal: Seal, context) if
  own_named_request(person, seal, request, context) and
  was_approved(request, context) and
  context.now < request.valid_from;
# … or was refused …
#@ U-03 U-23
because("STAMP_APPROVED", "REQUEST_REJECTED", person: Person, seal: Seal, context) if
  own_named_request(person, seal, request, context) and
  request.state = "REJECTED";
# … or is used up.
#@ U-06 U-23
because("STAMP_APPROVED", "REQUEST_USED_UP", person: Person, seal: Seal, context) if
  own_named_request(person, seal, request, context) and
  was_approved(request, context) and
  request.used >= request.uses;

# Carrying a seal out is approved by itself, for one day.
#@ U-23
requires("carry_out", _: Seal, "CARRY_OUT_APPROVED");
requires("carry_out", _: Seal, "RETURN_DUE");
meets(person: Person, "CARRY_OUT_APPROVED", "carry_out", seal: Seal, context) if
  own_named_request(person, seal, request, context) and
  request.carries_out = true;
meets(_: Person, "RETURN_DUE", "carry_out", _: Seal, context) if context.day_ends matches Integer;

# --- the contract ----------------------------------------------------------------------------------------------------

# What is stamped is what the request names. Mostly that is a contract, and it is asked about like any contract that is
# sealed. Papers without a contract on the platform (a letter, a certificate) are stamped on the word of those who
# approved exactly these papers: nothing is known of their parties, matter and amount, so that there is nothing to ask
# where that is waived below. Where the answer could be no, it is no: a seal for one matter only, and an owner whose
# larger amounts follow a process, want a contract. (That the papers are not also those of a contract here is not looked
# for: one changed letter would hide it from every digest, and not from those who approve.)
is_without_contract(seal: Seal, context: StampContext) if
  request = context.request and
  request matches SealUseRequest and
  request.seal_id = seal.id and
  request.contract_id = nil;

# Without a request of one's own there is nothing to ask about.
lacks_request(person: Person, seal: Seal, context: StampContext) if not own_named_request(person, seal, _, context);

because("CONTRACT_IN_SIGNING", "STAMP_NOT_APPROVED", person: Person, seal: Seal, context) if
  lacks_request(person, seal, context);
because("SEAL_OF_PARTY", "STAMP_NOT_APPROVED", person: Person, seal: Seal, context) if
  lacks_request(person, seal, context);
because("DOCUMENTS_AS_APPROVED", "STAMP_NOT_APPROVED", person: Person, seal: Seal, context) if
  lacks_request(person, seal, context);
because("DOCUMENTS_SEALABLE", "STAMP_NOT_APPROVED", person: Person, seal: Seal, context) if
  lacks_request(person, seal, context);
because("MATTER_SEALABLE", "STAMP_NOT_APPROVED", person: Person, seal: Seal, context) if
  lacks_request(person, seal, context);
because("AMOUNT_STATED", "STAMP_NOT_APPROVED", person: Person, seal: Seal, context) if
  lacks_request(person, seal, context);
because("SEAL_IN_CATEGORY", "STAMP_NOT_APPROVED", person: Person, seal: Seal, context) if
  lacks_request(person, seal, context);
because("REVIEW_PASSED", "STAMP_NOT_APPROVED", person: Person, seal: Seal, context) if
  lacks_request(person, seal, context);
because("PROCESS_FOLLOWED", "STAMP_NOT_APPROVED", person: Person, seal: Seal, context) if
  lacks_request(person, seal, context);
because("APPROVER_NOT_STAMPER", "STAMP_NOT_APPROVED", person: Person, seal: Seal, context) if
  lacks_request(person, seal, context);
because("NO_SELF_DEALING", "STAMP_NOT_APPROVED", person: Person, seal: Seal, context) if
  lacks_request(person, seal, context);
because("NO_DOUBLE_AGENCY", "STAMP_NOT_APPROVED", person: Person, seal: Seal, context) if
  lacks_request(person, seal, context);

# The contract is being signed: a draft may still have blanks, and one that is complete, recalled, refused or over takes
# no impression any more. Until its deadline, and not in the second of it.
#@ U-16 C-01 C-09
meets(_: Person, "CONTRACT_IN_SIGNING", "stamp", seal: Seal, context) if
  is_being_signed(context) and
  not is_unapproved_by_own_side(seal, _, context);
meets(_: Person, "CONTRACT_IN_SIGNING", "carry_out", seal: Seal, context) if
  is_being_signed(context) and
  not is_unapproved_by_own_side(seal, _, context);
waived("CONTRACT_IN_SIGNING", "stamp", seal: Seal, context) if is_without_contract(seal, context);
waived("CONTRACT_IN_SIGNING", "carry_out", seal: Seal, context) if is_without_contract(seal, context);

is_being_signed(context) if
  sealed_contract(context, contract) and
  contract.state = "SIGNING" and
  context.now < contract.deadline;

# What the owner's side is asked to approve before it seals has been approved, as before a seal is put for a task
# (signing.polar): a stamp does not go around it.
#@ C-06 A-01 R-13
is_unapproved_by_own_side(seal: Seal, task, context) if
  approval_before_stamp(seal, task, context) and
  is_open_state(task);
is_unapproved_by_own_side(seal: Seal, task, context) if
  approval_before_stamp(seal, task, context) and
  has_failed(task, task.signatory);
is_unapproved_by_own_side(seal: Seal, task, context) if
  approval_before_stamp(seal, task, context) and
  task.state = "SIGNED" and
  approver_id = task.signed_by_id and
  approver_id matches String and
  is_early_approval(task, approver_id, seal.enterprise, context);

approval_before_stamp(seal: Seal, task, context) if
  sealed_contract(context, contract) and
  own_party(seal, contract, party) and
  task in party.tasks and
  task.action = "APPROVE" and
  not has_own_seal_before(task, seal, contract);

# … unless the order asks for it after the own seal, or beside it.
has_own_seal_before(task: SigningTask, seal: Seal, contract: Contract) if
  own_party(seal, contract, party) and
  other in party.tasks and
  is_act_of_sealing(other) and
  other.position <= task.position;

because("CONTRACT_IN_SIGNING", "NOT_YOUR_TURN", _: Person, seal: Seal, context: StampContext) if
  is_being_signed(context) and
  is_unapproved_by_own_side(seal, task, context) and
  is_open_state(task);
because("CONTRACT_IN_SIGNING", "CONTRACT_NOT_SIGNING", _: Person, seal: Seal, context: StampContext) if
  is_being_signed(context) and
  is_unapproved_by_own_side(seal, task, context) and
  not is_open_state(task);
because("CONTRACT_IN_SIGNING", "CONTRACT_EXPIRED", _: Person, _: Seal, context) if
  sealed_contract(context, contract) and
  contract.state = "EXPIRED";
because("CONTRACT_IN_SIGNING", "CONTRACT_EXPIRED", _: Person, _: Seal, context) if
  sealed_contract(context, contract) and
  contract.state = "SIGNING" and
  contract.deadline <= context.now;

# The owner of the seal is a party of the contract.
#@ C-05
meets(_: Person, "SEAL_OF_PARTY", "stamp", seal: Seal, context) if is_seal_of_party(seal, context);
meets(_: Person, "SEAL_OF_PARTY", "carry_out", seal: Seal, context) if is_seal_of_party(seal, context);
waived("SEAL_OF_PARTY", "stamp", seal: Seal, context) if is_without_contract(seal, context);
waived("SEAL_OF_PARTY", "carry_out", seal: Seal, context) if is_without_contract(seal, context);

is_seal_of_party(seal: Seal, context) if
  sealed_contract(context, contract) and
  own_party(seal, contract, _);

# The documents are the ones that the request was approved for, each of them and no other. A request that lists none is
# a blank cheque, with a contract or without.
#@ U-15 U-16
meets(person: Person, "DOCUMENTS_AS_APPROVED", "stamp", seal: Seal, context) if
  has_approved_documents(person, seal, context);
meets(person: Person, "DOCUMENTS_AS_APPROVED", "carry_out", seal: Seal, context) if
  has_approved_documents(person, seal, context);

has_approved_documents(person: Person, seal: Seal, context) if
  own_named_request(person, seal, request, context) and
  lists_documents(request) and
  is_for_documents_of(request, seal, context);

lists_documents(request: SealUseRequest) if
  _ in request.documents and
  forall(document in request.documents, document.digest != "");

is_for_documents_of(_: SealUseRequest, seal: Seal, context) if is_without_contract(seal, context);
is_for_documents_of(request: SealUseRequest, _: Seal, context) if
  sealed_contract(context, contract) and
  is_for_these_documents(request, contract);

because("DOCUMENTS_AS_APPROVED", "REQUEST_WITHOUT_DOCUMENTS", person: Person, seal: Seal, context) if
  own_named_request(person, seal, request, context) and
  not lists_documents(request);

# No document has blanks. Papers without a contract are looked at by those who approve them.
#@ U-16
meets(_: Person, "DOCUMENTS_SEALABLE", "stamp", _: Seal, context) if has_complete_documents(context);
meets(_: Person, "DOCUMENTS_SEALABLE", "carry_out", _: Seal, context) if has_complete_documents(context);
waived("DOCUMENTS_SEALABLE", "stamp", seal: Seal, context) if is_without_contract(seal, context);
waived("DOCUMENTS_SEALABLE", "carry_out", seal: Seal, context) if is_without_contract(seal, context);

# The seal is made for the matter; of papers without a contract no matter is stated, and a seal for one matter only does
# not stamp them. On paper such a seal also puts what the law keeps from being sealed electronically, as what is signed
# on paper is not excluded.
#@ U-17 C-14
meets(_: Person, "MATTER_SEALABLE", "stamp", seal: Seal, context) if suits_matter_of_stamp(seal, context);
meets(_: Person, "MATTER_SEALABLE", "carry_out", seal: Seal, context) if suits_matter_of_stamp(seal, context);

suits_matter_of_stamp(seal: Seal, context) if
  sealed_contract(context, contract) and
  forall(terms_of(seal, contract, terms), suits_matter_on_paper(seal, terms.matter, contract, context));
suits_matter_of_stamp(seal: Seal, context) if
  is_without_contract(seal, context) and
  suits_any_matter(seal);

suits_matter_on_paper(seal: Seal, matter, contract: Contract, context) if
  suits_matter(seal, matter, contract, context);
suits_matter_on_paper(seal: Seal, matter, _: Contract, _) if
  is_matter_for_paper(matter) and
  suits_any_matter(seal);

because("MATTER_SEALABLE", "MATTER_UNSTATED", _: Person, seal: Seal, context: StampContext) if
  is_without_contract(seal, context) and
  not suits_any_matter(seal);

# A contract about money says how much. (Papers without a contract: keeps_house_rules, below.)
#@ U-04
meets(_: Person, "AMOUNT_STATED", "stamp", seal: Seal, context) if has_stated_amount(seal, context);
meets(_: Person, "AMOUNT_STATED", "carry_out", seal: Seal, context) if has_stated_amount(seal, context);
waived("AMOUNT_STATED", "stamp", seal: Seal, context) if is_without_contract(seal, context);
waived("AMOUNT_STATED", "carry_out", seal: Seal, context) if is_without_contract(seal, context);

# The owner's category for the contract takes this seal.
#@ U-02
meets(_: Person, "SEAL_IN_CATEGORY", "stamp", seal: Seal, context) if is_in_category(seal, context);
meets(_: Person, "SEAL_IN_CATEGORY", "carry_out", seal: Seal, context) if is_in_category(seal, context);
waived("SEAL_IN_CATEGORY", "stamp", seal: Seal, context) if is_without_contract(seal, context);
waived("SEAL_IN_CATEGORY", "carry_out", seal: Seal, context) if is_without_contract(seal, context);

# The owner's own review of the contract has passed.
#@ C-07
meets(person: Person, "REVIEW_PASSED", "stamp", seal: Seal, context) if is_reviewed_by_owner(person, seal, context);
meets(person: Person, "REVIEW_PASSED", "carry_out", seal: Seal, context) if is_reviewed_by_owner(person, seal, context);
waived("REVIEW_PASSED", "stamp", seal: Seal, context) if is_without_contract(seal, context);
waived("REVIEW_PASSED", "carry_out", seal: Seal, context) if is_without_contract(seal, context);

is_reviewed_by_owner(person: Person, seal: Seal, context) if
  sealed_contract(context, contract) and
  forall(own_party(seal, contract, party), is_reviewed(party, seal.enterprise, person.id, context));

because("REVIEW_PASSED", "REVIEW_REJECTED", _: Person, seal: Seal, context: StampContext) if
  sealed_contract(context, contract) and
  own_party(seal, contract, party) and
  is_refused_in_review(party);

# --- the owner and its rules -----------------------------------------------------------------------------------------

# The licence of the seal's owner exists.
#@ U-26
meets(_: Person, "LICENCE_EXISTING", "stamp", seal: Seal, context) if has_licence(seal.enterprise, context);
meets(_: Person, "LICENCE_EXISTING", "carry_out", seal: Seal, context) if has_licence(seal.enterprise, context);

# The processes by amount and by category are followed, and the hours kept (procedures.polar).
#@ U-04 U-08
meets(_: Person, "PROCESS_FOLLOWED", "stamp", seal: Seal, context) if keeps_house_rules(seal, context);
meets(_: Person, "PROCESS_FOLLOWED", "carry_out", seal: Seal, context) if keeps_house_rules(seal, context);

keeps_house_rules(seal: Seal, context: StampContext) if
  sealed_contract(context, contract) and
  amount_is_settled(seal, contract, context) and
  forall(category_id_of_owner(seal, contract, category_id),
         category_is_settled(seal, contract, category_id, context)) and
  hour_is_settled(seal, contract, context);
# Of papers without a contract the amount is not known: it could be one whose process nobody followed.
keeps_house_rules(seal: Seal, context: StampContext) if
  is_without_contract(seal, context) and
  not has_amount_bands(seal.enterprise) and
  hour_of_papers_is_settled(seal, context);

hour_of_papers_is_settled(seal: Seal, _) if not has_working_hours(seal.enterprise);
hour_of_papers_is_settled(seal: Seal, context) if in_working_hours(seal.enterprise, _, context);
hour_of_papers_is_settled(_: Seal, context) if
  request = context.request and
  request matches SealUseRequest and
  request.is_out_of_hours = true;

because("PROCESS_FOLLOWED", "APPROVAL_REQUIRED", _: Person, seal: Seal, context: StampContext) if
  sealed_contract(context, contract) and
  category_id_of_owner(seal, contract, category_id) and
  not category_is_settled(seal, contract, category_id, context) and
  not is_blocked_by_disabled_process(seal, contract, context);
because("PROCESS_FOLLOWED", "REQUEST_WITHOUT_CONTRACT", _: Person, seal: Seal, context: StampContext) if
  is_without_contract(seal, context) and
  has_amount_bands(seal.enterprise);
because("PROCESS_FOLLOWED", "OUT_OF_HOURS", _: Person, seal: Seal, context: StampContext) if
  is_without_contract(seal, context) and
  not hour_of_papers_is_settled(seal, context);

# --- the controller --------------------------------------------------------------------------------------------------

# The device that holds the seal is the one that the request names, and it is in service.
#@ U-23
group_requires("STAMPING", ["DEVICE_OF_SEAL", "ONE_TIME_CODE", "FRESH_FACE_FOR_STAMP"]);
meets(person: Person, "DEVICE_OF_SEAL", "stamp", seal: Seal, context) if request_names_device(person, seal, context);
meets(person: Person, "DEVICE_OF_SEAL", "carry_out", seal: Seal, context) if
  request_names_device(person, seal, context);

request_names_device(person: Person, seal: Seal, context) if
  own_named_request(person, seal, request, context) and
  device = seal.device and
  device matches Device and
  request.device_id = device.id and
  device.state = "ACTIVE";

because("DEVICE_OF_SEAL", "DEVICE_RETIRED", _: Person, seal: Seal, _) if
  device = seal.device and
  device matches Device and
  device.state = "RETIRED";

# The code of the request, which opens the controller once. No code is no right code.
#@ U-23
meets(person: Person, "ONE_TIME_CODE", "stamp", seal: Seal, context) if gives_use_code(person, seal, context);
meets(person: Person, "ONE_TIME_CODE", "carry_out", seal: Seal, context) if gives_use_code(person, seal, context);

gives_use_code(person: Person, seal: Seal, context) if
  own_named_request(person, seal, request, context) and
  request.code_digest != "" and
  context.code_digest = request.code_digest;

# --- duties that exclude each other ----------------------------------------------------------------------------------

# An auditor stamps nothing and carries nothing out.
#@ S-04
meets(person: Person, "NOT_AN_AUDITOR", "stamp", seal: Seal, context) if not is_auditor(person, seal, context);
meets(person: Person, "NOT_AN_AUDITOR", "carry_out", seal: Seal, context) if not is_auditor(person, seal, context);

# Of papers without a contract there is no party to deal with. Their approver is not the applicant, who stamps
# (STAMP_APPROVED).
#@ U-13
meets(person: Person, "NO_SELF_DEALING", "stamp", seal: Seal, context) if
  stamps_without_self_dealing(person, seal, context);
meets(person: Person, "NO_SELF_DEALING", "carry_out", seal: Seal, context) if
  stamps_without_self_dealing(person, seal, context);
waived("NO_SELF_DEALING", "stamp", seal: Seal, context) if is_without_contract(seal, context);
waived("NO_SELF_DEALING", "carry_out", seal: Seal, context) if is_without_contract(seal, context);

stamps_without_self_dealing(person: Person, seal: Seal, context) if
  sealed_contract(context, contract) and
  not deals_with_self(person, seal, contract, context);

# Nobody stamps for two parties of one contract, either.
#@ U-14
meets(person: Person, "NO_DOUBLE_AGENCY", "stamp", seal: Seal, context) if
  stamps_without_double_agency(person, seal, context);
meets(person: Person, "NO_DOUBLE_AGENCY", "carry_out", seal: Seal, context) if
  stamps_without_double_agency(person, seal, context);
waived("NO_DOUBLE_AGENCY", "stamp", seal: Seal, context) if is_without_contract(seal, context);
waived("NO_DOUBLE_AGENCY", "carry_out", seal: Seal, context) if is_without_contract(seal, context);

stamps_without_double_agency(person: Person, seal: Seal, context) if
  sealed_contract(context, contract) and
  not acts_for_both(person, seal, contract, context);

# The person who approved last does not stamp, with the seals that bind most.
#@ U-12
meets(person: Person, "APPROVER_NOT_STAMPER", "stamp", seal: Seal, context) if
  sealed_contract(context, contract) and
  has_second_pair_of_eyes(person, seal, contract, context);
meets(person: Person, "APPROVER_NOT_STAMPER", "carry_out", seal: Seal, context) if
  sealed_contract(context, contract) and
  has_second_pair_of_eyes(person, seal, contract, context);
waived("APPROVER_NOT_STAMPER", "stamp", seal: Seal, context) if is_without_contract(seal, context);
waived("APPROVER_NOT_STAMPER", "carry_out", seal: Seal, context) if is_without_contract(seal, context);

# --- the person, now -------------------------------------------------------------------------------------------------

# A fresh face check for this request and all that it has stamped, as it is now. No kind of seal goes without.
#@ U-09 U-23
meets(person: Person, "FRESH_FACE_FOR_STAMP", "stamp", seal: Seal, context) if
  has_fresh_face_for_stamp(person, seal, context);
meets(person: Person, "FRESH_FACE_FOR_STAMP", "carry_out", seal: Seal, context) if
  has_fresh_face_for_stamp(person, seal, context);

has_fresh_face_for_stamp(person: Person, seal: Seal, context) if
  own_named_request(person, seal, request, context) and
  fresh_face_check(
    context.verification, person, "SIGN", "SealUseRequest", request.id, context.parameters.face_for_use, context) and
  covers_all_documents(context.verification, context);

because("FRESH_FACE_FOR_STAMP", "FACE_VERIFICATION_EXPIRED", person: Person, seal: Seal, context) if
  own_named_request(person, seal, request, context) and
  stale_face_check(
    context.verification, person, "SIGN", "SealUseRequest", request.id, context.parameters.face_for_use, context);
because("FRESH_FACE_FOR_STAMP", "FACE_VERIFICATION_ALREADY_USED", person: Person, seal: Seal, context) if
  own_named_request(person, seal, request, context) and
  used_face_check(context.verification, person, "SIGN", "SealUseRequest", request.id);

# --- after an allow --------------------------------------------------------------------------------------------------

# A stamp uses up the face check, the code and one use of the request, and is photographed, logged and reported.
#@ U-23
obligation(_: Person, "stamp", _: Seal, _, "CONSUME_VERIFICATION");
obligation(_: Person, "stamp", _: Seal, _, "CONSUME_USE_CODE");
obligation(_: Person, "stamp", _: Seal, _, "DECREMENT_USE");
obligation_parameter("CONSUME_VERIFICATION", "verification_id", id, _: Person, "stamp", _: Seal, context) if
  check_id(context.verification, id);
obligation_parameter("CONSUME_USE_CODE", "request_id", id, person: Person, "stamp", seal: Seal, context) if
  own_named_request(person, seal, request, context) and
  id = request.id;
obligation_parameter("DECREMENT_USE", "request_id", id, person: Person, "stamp", seal: Seal, context) if
  own_named_request(person, seal, request, context) and
  id = request.id;
obligation_parameter("DECREMENT_USE", "approval_ids", id, person: Person, "stamp", seal: Seal, context) if
  own_named_request(person, seal, request, context) and
  approval in request.approvals and
  id = approval.id;
obligation(_: Person, "stamp", _: Seal, _, "CAPTURE_PHOTO");
obligation(_: Person, "stamp", _: Seal, _, "APPEND_SEAL_LOG");
obligation(_: Person, "stamp", _: Seal, _, "NOTIFY_MONITORS");
# Carrying out is no use yet; a photo of the seal at the door, and it is back before the day ends.
obligation(_: Person, "carry_out", _: Seal, _, "CONSUME_VERIFICATION");
obligation(_: Person, "carry_out", _: Seal, _, "CONSUME_USE_CODE");
obligation_parameter("CONSUME_VERIFICATION", "verification_id", id, _: Person, "carry_out", _: Seal, context) if
  check_id(context.verification, id);
obligation_parameter("CONSUME_USE_CODE", "request_id", id, person: Person, "carry_out", seal: Seal, context) if
  own_named_request(person, seal, request, context) and
  id = request.id;
obligation(_: Person, "carry_out", _: Seal, _, "CAPTURE_PHOTO");
obligation(_: Person, "carry_out", _: Seal, _, "APPEND_SEAL_LOG");
obligation(_: Person, "carry_out", _: Seal, _, "NOTIFY_MONITORS");
obligation(_: Person, "carry_out", _: Seal, _, "RETURN_BY_DAY_END");
# Those who watch are told of a stamp out of working hours, and of one shortly after the administrators changed. It takes
# from a request, and not from a grant whose count could come to its end.
#@ U-08 W-05
obligation(_: Person, "stamp", seal: Seal, context, "ALERT_OUT_OF_HOURS") if is_out_of_hours(seal.enterprise, context);
obligation(_: Person, "carry_out", seal: Seal, context, "ALERT_OUT_OF_HOURS") if
  is_out_of_hours(seal.enterprise, context);
obligation(_: Person, "stamp", seal: Seal, context, "ALERT_AFTER_ADMIN_CHANGE") if
  has_new_administration(seal.enterprise, context);
obligation(_: Person, "carry_out", seal: Seal, context, "ALERT_AFTER_ADMIN_CHANGE") if
  has_new_administration(seal.enterprise, context);

# When the permission ends by itself: with the request and its approvers, with the face check, with the contract's
# deadline, with the working hours and the approvals that the owner's rules ask for, and for carrying out with the day.
lapses(person: Person, "stamp", seal: Seal, context, at) if stamping_lapses(person, seal, context, at);
lapses(person: Person, "carry_out", seal: Seal, context, at) if stamping_lapses(person, seal, context, at);
lapses(_: Person, "carry_out", _: Seal, context, at) if at = context.day_ends and at matches Integer;

stamping_lapses(person: Person, seal: Seal, context, at) if
  stamp_request(person, seal, request, context) and
  request_lapses(request, context, at);
stamping_lapses(person: Person, seal: Seal, context, at) if
  own_named_request(person, seal, request, context) and
  face_lapses(
    context.verification, person, "SIGN", "SealUseRequest", request.id, context.parameters.face_for_use, context, at);
stamping_lapses(_: Person, _: Seal, context, at) if
  sealed_contract(context, contract) and
  at = contract.deadline;
stamping_lapses(_: Person, seal: Seal, context, at) if working_hours_lapse(seal.enterprise, context, at);
stamping_lapses(_: Person, seal: Seal, context, at) if
  sealed_contract(context, contract) and
  stamp_requires_approval(seal, contract, context) and
  approved_for(seal, contract, request, context) and
  request_lapses(request, context, at);

stamp_requires_approval(seal: Seal, _: Contract, _) if has_amount_bands(seal.enterprise);
stamp_requires_approval(seal: Seal, contract: Contract, _) if category_id_of_owner(seal, contract, _);
stamp_requires_approval(seal: Seal, _: Contract, context) if is_out_of_hours(seal.enterprise, context);

# --- what next steps carry -------------------------------------------------------------------------------------------

parameter("VERIFY_FACE", "purpose", "SIGN", _: Person, _: Seal, _: StampContext);
parameter("VERIFY_FACE", "bound_type", "SealUseRequest", _: Person, _: Seal, _: StampContext);
parameter("VERIFY_FACE", "bound_id", id, person: Person, seal: Seal, context: StampContext) if
  own_named_request(person, seal, request, context) and
  id = request.id;
parameter("VERIFY_FACE", "bound_digest", digest, person: Person, seal: Seal, context: StampContext) if
  own_named_request(person, seal, _, context) and
  digest = context.documents_digest and
  digest matches String;
parameter("WAIT_UNTIL", "wait_until", at, person: Person, seal: Seal, context: StampContext) if
  own_named_request(person, seal, request, context) and
  at = request.valid_from;
