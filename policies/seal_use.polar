# Seal use: may this person put this seal on the documents of this signing task, now.
#
# Authority over the seal (authority.polar) replaces none of the other checks: the task's turn, what the contract is
# about and that its documents have no blanks, the owner's licence, the seal's state, the certificate, duties that
# exclude each other, and a fresh face check. Sealing without a person present, and in an emergency: special_use.polar.
# (Civil Code 165, 168 and 171: authority is written, and it is looked at in the moment of sealing; nobody deals with
# themself or for both sides. Electronic Signature Law 3 and 13. Published company seal rules: no blank documents, no
# guarantee without a resolution.)

# The task that the seal is used for: without one there is nothing to seal.
has_task(context) if sealing_task(context, _);
sealing_task(context: SealUseContext, task) if task = context.task and task matches SigningTask;
sealed_contract(context, contract) if sealing_task(context, task) and contract = task.signatory.contract;
# A physical use has no task: its request names the contract (physical_use.polar).
sealed_contract(context: StampContext, contract) if contract = context.contract and contract matches Contract;
# So does a signature in person (signing.polar).
sealed_contract(context: SignContext, contract) if contract = context.contract;

lacks_task(context: SealUseContext) if not has_task(context);

# Without a task, nothing about it can be met.
because([
  "TASK_READY", "TASK_OPERATOR", "SEAL_FOR_TASK", "DOCUMENTS_SEALABLE", "MATTER_SEALABLE", "AMOUNT_STATED",
  "SEAL_IN_CATEGORY", "SEAL_AUTHORITY", "NO_SELF_DEALING", "NO_DOUBLE_AGENCY", "FRESH_FACE"
], "TASK_REQUIRED", _: Person, _: Seal, context) if lacks_task(context);

# A seal is put once on each document. While each is sealed, or reserved for the engine, nothing is left to use it for, and
# the use that is under way may hold the last count.
#@ U-25
because("TASK_READY", "DOCUMENTS_BEING_SEALED", _: Person, _: Seal, context: SealUseContext) if
  is_being_sealed(context);
reason("DOCUMENTS_BEING_SEALED", 60, "USER", "WAIT_SEALING");

is_being_sealed(context: SealUseContext) if
  sealing_task(context, task) and
  is_due_state(task) and
  _ in task.signatory.contract.documents and
  forall(document in task.signatory.contract.documents, is_begun(document, task));

is_begun(document: ContractDocument, task: SigningTask) if
  use in task.uses and
  use.digest = document.digest and
  use.state != "NOT_SEALED";

# --- the owner -------------------------------------------------------------------------------------------------------

# U-26: A seal is used only while the registry says that its owner exists and does business: a licence that was revoked
# or cancelled, a liquidation, or a licence of which nothing is known, carries no seal (licence.polar).
#@ U-26
meets(_: Person, "LICENCE_EXISTING", "use", seal: Seal, context) if has_licence(seal.enterprise, context);

# --- the seal --------------------------------------------------------------------------------------------------------

# U-01: A seal is used only while it is in use and nothing holds it: not a loss, a freeze, a retrieval or a court. A
# legal representative's seal is the present one's; and the face is the one that was reviewed.
#@ U-01 S-18 S-02
meets(_: Person, "SEAL_USABLE", "use", seal: Seal, context) if is_usable(seal, context);

is_usable(seal: Seal, context) if
  seal.state = "ACTIVE" and
  not is_held(seal) and
  has_current_legal_rep(seal) and
  has_usable_face(seal, context);

# A legal representative's seal that names nobody is nobody's: it does not pass to a successor.
#@ S-18
has_current_legal_rep(seal: Seal) if is_enterprise_seal(seal);
has_current_legal_rep(seal: Seal) if
  seal.kind = "LEGAL_REP" and
  seal.legal_rep_id matches String and
  registry_names(seal.legal_rep_id, seal.enterprise);

is_of_former_legal_rep(seal: Seal) if
  seal.kind = "LEGAL_REP" and
  seal.legal_rep_id matches String and
  not registry_names(seal.legal_rep_id, seal.enterprise);

# The newest review of the seal (each of them, where several are equally new) passed the face that the seal has now. A
# seal that was never reviewed stays in use as it is: it was taken over from before, and no face of it is known to have
# changed.
#@ S-02
has_usable_face(seal: Seal, context) if
  forall(review in seal.reviews,
         is_superseded(review, seal) or (has_passed_review(review, seal, context) and
                                         review.face_digest = seal.face_digest));

is_superseded(review: SealReview, seal: Seal) if
  newer in seal.reviews and
  review.submitted_at < newer.submitted_at;

# Decided by another person than the one who submitted it, whatever memberships they have, who ran the seals then; or in a
# company of one by its owner (sole_owner.polar).
#@ A-02 S-02
has_passed_review(review: SealReview, seal: Seal, context) if
  review.state = "PASSED" and
  review.submitted_at <= review.decided_at and
  review.decided_at <= context.now and
  was_decided_rightly(review, seal, context);

was_decided_rightly(review: SealReview, seal: Seal, context) if
  review.decided_by_id matches String and
  decider in seal.enterprise.memberships and
  decider.id = review.decided_by_id and
  (was_decided_by_second(review, decider, seal, context) or
   was_alone_at(decider, seal.enterprise, review.decided_at, context));

was_decided_rightly(review: SealReview, _: Seal, context) if
  review.examiner_id matches String and
  is_outsider(review.examiner_id, review) and
  is_in_first_days(review.seal.enterprise, review.decided_at, context);

# Like SEAL_ADMINISTRATION (seal_management.polar), at an earlier time.
was_decided_by_second(review: SealReview, decider: Membership, seal: Seal, context) if
  was_second_person(
    decider.person_id, review.submitted_by.person_id, seal.enterprise, review.decided_at, context) and
  not is_submitted_for(decider.person_id, review, context) and
  ran_seals(decider.person_id, seal.enterprise, review.decided_at, context);

ran_seals(person_id, enterprise: Enterprise, at, context) if
  had_role(person_id, enterprise, "SEAL_ADMIN", at, context);
ran_seals(person_id, enterprise: Enterprise, at, context) if represented(person_id, enterprise, at, context);

newest_review(seal: Seal, review) if
  review in seal.reviews and
  not is_superseded(review, seal);

because("SEAL_USABLE", "SEAL_UNDER_REVIEW", _: Person, seal: Seal, context) if
  newest_review(seal, review) and
  not has_passed_review(review, seal, context);
because("SEAL_USABLE", "SEAL_FACE_CHANGED", _: Person, seal: Seal, context) if
  newest_review(seal, review) and
  has_passed_review(review, seal, context) and
  review.face_digest != seal.face_digest;
because("SEAL_USABLE", "SEAL_OF_NO_LEGAL_REP", _: Person, seal: Seal, _) if
  seal.kind = "LEGAL_REP" and
  seal.legal_rep_id = nil;

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
because("SEAL_USABLE", "SEAL_REVOKED", _: Person, seal: Seal, _) if is_ended(seal);
because("SEAL_USABLE", "SEAL_EXPIRED", _: Person, seal: Seal, _) if seal.state = "EXPIRED";
because("SEAL_USABLE", "SEAL_OF_FORMER_LEGAL_REP", _: Person, seal: Seal, _) if is_of_former_legal_rep(seal);
because("SEAL_USABLE", "SEAL_UNDER_REVIEW", _: Person, seal: Seal, _) if is_unreviewed(seal);

# A hold that is not released holds.
is_held(seal: Seal) if hold in seal.holds and hold.state != "RELEASED";

# U-11: The certificate is the seal owner's own, and valid at the time of use.
#@ U-11
meets(_: Person, "CERTIFICATE_VALID", "use", seal: Seal, context) if has_valid_certificate(seal, context);

has_valid_certificate(seal: Seal, context) if
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

# --- the contract ----------------------------------------------------------------------------------------------------

# U-16: No blank document is sealed: there is at least one document, and each is complete.
#@ U-16
meets(_: Person, "DOCUMENTS_SEALABLE", "use", _: Seal, context) if has_complete_documents(context);

has_complete_documents(context) if
  sealed_contract(context, contract) and
  _ in contract.documents and
  forall(document in contract.documents, is_complete(document));

# What has no digest cannot be told from what it might become.
is_complete(document: ContractDocument) if
  document.state = "COMPLETE" and
  document.digest != "";

# What a contract is about, and how much money it moves, its sender says in the contract. What another enterprise says
# binds nobody else's limits: the owner of the seal says it for itself, as the party that it is. Both count, so that the
# stricter decides. A sender need not say it twice; if it does, as the party that it is, that counts, too.
terms_of(_: Seal, contract: Contract, terms) if terms = contract;
terms_of(seal: Seal, contract: Contract, terms) if
  contract.initiator_id != seal.enterprise_id and
  own_party(seal, contract, terms);
terms_of(seal: Seal, contract: Contract, terms) if
  contract.initiator_id = seal.enterprise_id and
  own_party(seal, contract, terms) and
  says_terms(terms);

says_terms(party: Signatory) if party.matter != "UNSTATED";
says_terms(party: Signatory) if party.amount matches Integer;

own_party(seal: Seal, contract: Contract, party) if
  party in contract.signatories and
  party.enterprise_id matches String and
  party.enterprise_id = seal.enterprise_id;

# U-17: A seal is used for the matters that it is made for: the finance seal for finance alone, the personnel seal for
# personnel alone. A guarantee for somebody else binds by the official seal or the legal representative's, and needs a
# resolution.
# C-14: Documents on marriage, adoption, inheritance and the stop of a public utility are not sealed electronically, and
# a contract that does not state its matter is not sealed.
#@ U-17 C-14
meets(_: Person, "MATTER_SEALABLE", "use", seal: Seal, context) if
  sealed_contract(context, contract) and
  is_suitable_for(seal, contract, context);

is_suitable_for(seal: Seal, contract: Contract, context) if
  forall(terms_of(seal, contract, terms), suits_matter(seal, terms.matter, contract, context));

suits_matter(seal: Seal, matter, _: Contract, _) if
  matter in ["GENERAL", "FINANCE", "PERSONNEL"] and
  suits_any_matter(seal);
suits_matter(seal: Seal, "FINANCE", _: Contract, _) if seal.kind = "FINANCE";
suits_matter(seal: Seal, "PERSONNEL", _: Contract, _) if seal.kind = "PERSONNEL";
suits_matter(seal: Seal, "GUARANTEE", contract: Contract, context) if
  binds_as_guarantor(seal) and
  may_guarantee(seal, contract, context);

suits_any_matter(seal: Seal) if
  seal.kind in ["OFFICIAL", "CONTRACT", "INVOICE", "LEGAL_REP", "DEPARTMENT", "OTHER"];

binds_as_guarantor(seal: Seal) if seal.kind in ["OFFICIAL", "LEGAL_REP"];

is_guarantee(seal: Seal, contract: Contract) if
  terms_of(seal, contract, terms) and
  terms.matter = "GUARANTEE";

may_guarantee(seal: Seal, contract: Contract, context) if
  resolution_of(seal.enterprise, contract, resolution, context) and
  resolution.kind = "GUARANTEE" and
  resolution.source in ["BOARD", "SHAREHOLDERS"];

# The law does not let it be sealed electronically.
#@ C-14
because("MATTER_SEALABLE", "DOCUMENT_TYPE_EXCLUDED", _: Person, seal: Seal, context: SealUseContext) if
  sealed_contract(context, contract) and
  terms_of(seal, contract, terms) and
  is_matter_for_paper(terms.matter);

is_matter_for_paper(matter) if matter in ["MARRIAGE", "ADOPTION", "INHERITANCE", "PUBLIC_UTILITY_STOP"];

# The matter is not stated, or a guarantee has no resolution.
#@ U-17
because("MATTER_SEALABLE", "MATTER_UNSTATED", _: Person, seal: Seal, context) if
  sealed_contract(context, contract) and
  terms_of(seal, contract, terms) and
  terms.matter = "UNSTATED";
because("MATTER_SEALABLE", "RESOLUTION_REQUIRED", _: Person, seal: Seal, context) if
  sealed_contract(context, contract) and
  is_guarantee(seal, contract) and
  binds_as_guarantor(seal) and
  not may_guarantee(seal, contract, context);

# A contract about money says how much.
#@ U-04
meets(_: Person, "AMOUNT_STATED", "use", seal: Seal, context) if has_stated_amount(seal, context);

has_stated_amount(seal: Seal, context) if
  sealed_contract(context, contract) and
  forall(terms_of(seal, contract, terms), states_amount(terms));

states_amount(terms) if terms.is_monetary = false;
states_amount(terms) if terms.amount matches Integer;

# Where the owner's own category for the contract lists seals, it takes no other: as each party that it is, and as the
# sender. A category that the owner does not have takes none.
#@ U-02
meets(_: Person, "SEAL_IN_CATEGORY", "use", seal: Seal, context) if is_in_category(seal, context);

is_in_category(seal: Seal, context) if
  sealed_contract(context, contract) and
  forall(category_id_of_owner(seal, contract, category_id), category_takes(seal, category_id));

category_id_of_owner(seal: Seal, contract: Contract, category_id) if
  own_party(seal, contract, party) and
  category_id = party.category_id and
  category_id matches String;
category_id_of_owner(seal: Seal, contract: Contract, category_id) if
  contract.initiator_id = seal.enterprise_id and
  category_id = contract.category_id and
  category_id matches String;

category_takes(seal: Seal, category_id) if
  own_category(seal.enterprise, category_id, category) and
  not lists_seals(category);
category_takes(seal: Seal, category_id) if
  own_category(seal.enterprise, category_id, category) and
  listed in category.seals and
  listed.seal_id = seal.id;

party_category(seal: Seal, party: Signatory, category) if
  category_id = party.category_id and
  category_id matches String and
  own_category(seal.enterprise, category_id, category);

lists_seals(category: BusinessCategory) if _ in category.seals;

# --- authority -------------------------------------------------------------------------------------------------------

# A right to the seal that covers this contract (authority.polar).
#@ U-02 U-03
meets(person: Person, "SEAL_AUTHORITY", "use", seal: Seal, context) if
  sealed_contract(context, contract) and
  has_authority(person, seal, contract, context);

# The legal representative's own seal is theirs without a grant: the one that names them, not a predecessor's and not
# nobody's.
#@ C-03 S-18
meets(person: Person, "SEAL_AUTHORITY", "use", seal: Seal, context) if
  has_task(context) and
  is_own_legal_rep_seal(person, seal, context);

is_own_legal_rep_seal(person: Person, seal: Seal, context) if
  seal.kind = "LEGAL_REP" and
  seal.legal_rep_id matches String and
  seal.legal_rep_id = person.id and
  legal_representative(person, seal.enterprise, context);

# --- duties that exclude each other ----------------------------------------------------------------------------------

# An auditor never uses a seal, from the day on which they are given the role or the right.
#@ S-04
meets(person: Person, "NOT_AN_AUDITOR", "use", seal: Seal, context) if not is_auditor(person, seal, context);

is_auditor(person: Person, seal: Seal, context) if
  member(person, seal.enterprise, membership, context) and
  assignment in membership.assignments and
  assignment.role = "SEAL_AUDITOR" and
  assignment.state = "ACTIVE" and
  context.now < assignment.valid_to;
is_auditor(person: Person, seal: Seal, context) if
  grant in seal.grants and
  grant.right = "AUDIT" and
  grant.state in ["PENDING_EFFECT", "ACTIVE"] and
  grant.membership.person_id = person.id and
  is_live(grant.membership, context) and
  context.now < grant.valid_to;

# U-13: Nobody seals a contract between the enterprise and themself, an enterprise that they represent, or one that has
# named them to sign for it, unless a resolution of the owner permits it. The legal representative's consent is not asked
# from that representative. (Civil Code 168, first sentence.)
# What the owner agrees with its legal representative needs a resolution without them, even where an employee seals, who is
# under their orders. (Company Law 182.)
#@ U-13 A-05
meets(person: Person, "NO_SELF_DEALING", "use", seal: Seal, context) if
  sealed_contract(context, contract) and
  not deals_with_self(person, seal, contract, context);

deals_with_self(person: Person, seal: Seal, contract: Contract, context) if
  deals_in_person(person, seal, contract, context);
deals_with_self(_: Person, seal: Seal, contract: Contract, context) if
  deals_with_representative(seal, contract, context);

deals_in_person(person: Person, seal: Seal, contract: Contract, context) if
  is_opposite_in_person(person, seal, contract, context) and
  not has_self_dealing_resolution(person.id, seal, contract, context);
deals_in_person(person: Person, seal: Seal, contract: Contract, context) if
  represents_another_party(person, seal, contract) and
  not has_self_dealing_resolution(person.id, seal, contract, context);
deals_in_person(person: Person, seal: Seal, contract: Contract, context) if
  account_id(person, id) and
  is_named_by_other_party(id, person.id, seal, contract, context);

deals_with_representative(seal: Seal, contract: Contract, context) if
  party in contract.signatories and
  person_id = party.person_id and
  person_id matches String and
  registry_names_human(person_id, seal.enterprise) and
  not answers_for_owner(party, seal, contract, context) and
  not has_self_dealing_resolution(person_id, seal, contract, context);
# … whatever account they are a party by.
#@ A-02 A-05
deals_with_representative(seal: Seal, contract: Contract, context) if
  party in contract.signatories and
  person_id = party.person_id and
  person_id matches String and
  snapshot in seal.enterprise.registry_snapshots and
  snapshot.is_current = true and
  named_id = snapshot.legal_rep_id and
  named_id matches String and
  known_insider(named_id, known, context) and
  account in known.accounts and
  account.id = person_id and
  not answers_for_owner(party, seal, contract, context) and
  not has_self_dealing_resolution(named_id, seal, contract, context);

# They are on the owner's side where they answer for its debt, and somebody else signs: the creditor.
answers_for_owner(party: Signatory, seal: Seal, contract: Contract, context) if
  party.guarantor_for_id matches String and
  party.guarantor_for_id = seal.enterprise_id and
  creditor in contract.signatories and
  is_another_than(creditor, party, seal, context) and
  has_signature(creditor);

is_another_than(creditor: Signatory, _: Signatory, seal: Seal, _) if
  creditor.enterprise_id matches String and
  creditor.enterprise_id != seal.enterprise_id;
is_another_than(creditor: Signatory, party: Signatory, seal: Seal, context) if
  creditor.person_id matches String and
  party.person_id matches String and
  creditor.guarantor_for_id = nil and
  not are_one_human(creditor.person_id, party.person_id, seal.enterprise) and
  not are_one_insider(creditor.person_id, party.person_id, context);

are_one_insider(one_id, other_id, context) if
  known_insider(_, known, context) and
  account_id(known, one_id) and
  account_id(known, other_id);

because("NO_SELF_DEALING", "SELF_DEALING", person: Person, seal: Seal, context) if
  sealed_contract(context, contract) and
  deals_in_person(person, seal, contract, context);
because("NO_SELF_DEALING", "REPRESENTATIVE_IS_PARTY", person: Person, seal: Seal, context) if
  sealed_contract(context, contract) and
  not deals_in_person(person, seal, contract, context) and
  deals_with_representative(seal, contract, context);

is_party_personally(person_id, contract: Contract) if
  party in contract.signatories and
  party.person_id matches String and
  party.person_id = person_id;

# The legal representative who answers with their own property for the company's debt is on the company's side, if
# somebody else signs whom they do not represent: the creditor.
#@ A-05
is_opposite_in_person(person: Person, seal: Seal, contract: Contract, context) if
  party in contract.signatories and
  party.person_id matches String and
  account_id(person, party.person_id) and
  not guarantees_for_owner(party, person, seal, contract, context);

guarantees_for_owner(party: Signatory, person: Person, seal: Seal, contract: Contract, context) if
  party.guarantor_for_id matches String and
  party.guarantor_for_id = seal.enterprise_id and
  legal_representative(person, seal.enterprise, context) and
  has_other_creditor(person, seal, contract);

has_other_creditor(person: Person, seal: Seal, contract: Contract) if
  other_party(seal, contract, creditor) and
  not represents(person, creditor) and
  has_signature(creditor);
has_other_creditor(person: Person, _: Seal, contract: Contract) if
  creditor in contract.signatories and
  creditor.person_id matches String and
  not account_id(person, creditor.person_id) and
  creditor.guarantor_for_id = nil and
  has_signature(creditor);

# Who only fills in or approves, or has nothing to do at all, binds themself to nothing.
has_signature(party: Signatory) if
  task in party.tasks and
  task.action in ["CORPORATE_SEAL", "LEGAL_REP_SEAL", "HANDLER_SIGN", "PERSONAL_SIGN"] and
  task.state in ["WAITING", "PENDING", "IN_PROGRESS", "SIGNED"];

represents(person: Person, party: Signatory) if
  account_of(person, account) and
  snapshot in account.represented and
  snapshot.is_current = true and
  party.enterprise_id matches String and
  party.enterprise_id = snapshot.enterprise_id;

represents_another_party(person: Person, seal: Seal, contract: Contract) if
  account_of(person, account) and
  snapshot in account.represented and
  snapshot.is_current = true and
  snapshot.enterprise_id != seal.enterprise_id and
  party in contract.signatories and
  party.enterprise_id matches String and
  party.enterprise_id = snapshot.enterprise_id;
# What the owner alone signs benefits the side that drew it up: a debt that is acknowledged, a waiver.
represents_another_party(person: Person, seal: Seal, contract: Contract) if
  is_for_its_sender(contract, seal.enterprise_id) and
  account_of(person, account) and
  snapshot in account.represented and
  snapshot.is_current = true and
  snapshot.enterprise_id = contract.initiator_id;

is_for_its_sender(contract: Contract, enterprise_id) if
  contract.initiator_id != enterprise_id and
  forall(party in contract.signatories, is_place_of(party, enterprise_id) or not has_signature(party));

is_place_of(party: Signatory, enterprise_id) if
  party.enterprise_id matches String and
  party.enterprise_id = enterprise_id;

# Both enterprises may agree to it, as they may agree that one person acts for both. `own_id` is one of the accounts of
# the person: what permits it must be about the one that counts.
is_named_by_other_party(own_id, person_id, seal: Seal, contract: Contract, context) if
  other_party(seal, contract, party) and
  task in party.tasks and
  task.state in ["WAITING", "PENDING", "IN_PROGRESS", "SIGNED"] and
  is_named_in_task(own_id, task) and
  not has_self_dealing_resolution(person_id, seal, contract, context) and
  not have_both_consented(person_id, seal, contract, party, context);

other_party(seal: Seal, contract: Contract, party) if
  party in contract.signatories and
  party.enterprise_id matches String and
  party.enterprise_id != seal.enterprise_id;

has_self_dealing_resolution(person_id, seal: Seal, contract: Contract, context) if
  permits_self_dealing(person_id, seal.enterprise, contract, source, context) and
  source in ["BOARD", "SHAREHOLDERS"];
has_self_dealing_resolution(person_id, seal: Seal, contract: Contract, context) if
  permits_self_dealing(person_id, seal.enterprise, contract, "LEGAL_REP", context) and
  not registry_names_human(person_id, seal.enterprise);

# U-14: Nobody seals or stamps for two enterprises of one contract, unless both consented to that, by somebody else's
# word. What a delegate sealed for a person, that person sealed. (Civil Code 168, second sentence.)
#@ U-14
meets(person: Person, "NO_DOUBLE_AGENCY", "use", seal: Seal, context) if
  sealed_contract(context, contract) and
  not acts_for_both(person, seal, contract, context);

acts_for_both(person: Person, seal: Seal, contract: Contract, context) if
  account_id(person, id) and
  has_signed_for_other_party(id, person.id, seal, contract, context);

has_signed_for_other_party(own_id, person_id, seal: Seal, contract: Contract, context) if
  other_party(seal, contract, party) and
  task in party.tasks and
  is_signed_for(task, own_id) and
  not have_both_consented(person_id, seal, contract, party, context);

# A stamp is in no task: what tells of it is the request that it used up.
has_signed_for_other_party(own_id, person_id, seal: Seal, contract: Contract, context) if
  other_party(seal, contract, party) and
  has_stamped_for(own_id, party, contract, context) and
  not have_both_consented(person_id, seal, contract, party, context);

has_stamped_for(person_id, party: Signatory, contract: Contract, context: SealUseContext) if
  used_request_for(person_id, party, contract, context.parties);
has_stamped_for(person_id, party: Signatory, contract: Contract, context: StampContext) if
  used_request_for(person_id, party, contract, context.parties);
has_stamped_for(person_id, party: Signatory, contract: Contract, context: SignContext) if
  used_request_for(person_id, party, contract, context.parties);

used_request_for(person_id, party: Signatory, contract: Contract, parties) if
  enterprise in parties and
  enterprise matches Enterprise and
  party.enterprise_id matches String and
  enterprise.id = party.enterprise_id and
  membership in enterprise.memberships and
  membership.person_id = person_id and
  request in membership.use_requests and
  request.used > 0 and
  request.contract_id matches String and
  request.contract_id = contract.id;

is_signed_for(task: SigningTask, person_id) if
  task.signed_by_id matches String and
  task.signed_by_id = person_id;
is_signed_for(task: SigningTask, person_id) if
  task.signed_for_id matches String and
  task.signed_for_id = person_id;
# What is being sealed counts like what is, and one sealed document like all: two sides are not begun at once.
is_signed_for(task: SigningTask, person_id) if
  use in task.uses and
  use.state != "NOT_SEALED" and
  is_use_for(use, person_id);

is_use_for(use: SealUse, person_id) if use.person_id = person_id;
is_use_for(use: SealUse, person_id) if
  use.signed_for_id matches String and
  use.signed_for_id = person_id;

# Each side says so itself: by its legal representative, or by a resolution.
have_both_consented(person_id, seal: Seal, contract: Contract, other: Signatory, context: SealUseContext) if
  both_consented(person_id, seal, contract, other, context.parties, context);
have_both_consented(person_id, seal: Seal, contract: Contract, other: Signatory, context: StampContext) if
  both_consented(person_id, seal, contract, other, context.parties, context);

both_consented(person_id, seal: Seal, contract: Contract, other: Signatory, parties, context) if
  enterprise in parties and
  enterprise matches Enterprise and
  enterprise.id = other.enterprise_id and
  permits_double_agency(person_id, other, enterprise, context) and
  own in contract.signatories and
  own.enterprise_id = seal.enterprise_id and
  permits_double_agency(person_id, own, seal.enterprise, context);
have_both_consented(person_id, seal: Seal, contract: Contract, other: Signatory, context: SignContext) if
  both_consented(person_id, seal, contract, other, context.parties, context);
# A person who only opens a task seals nothing, and the other side is not looked at.
have_both_consented(person_id, seal: Seal, contract: Contract, other: Signatory, context: TaskContext) if
  not (context matches SignContext) and
  has_consented(person_id, other, _, context) and
  own in contract.signatories and
  own.enterprise_id = seal.enterprise_id and
  has_consented(person_id, own, _, context);

# An administrator does not consent, because the representative directs them; and nobody consents to their own acting, nor
# through an employee: who speaks for the other side, too, permits nothing for this one. A person who represents an
# enterprise acts for both sides by a resolution of its board or shareholders.
permits_double_agency(person_id, party: Signatory, enterprise: Enterprise, context) if
  has_consented(person_id, party, consent, context) and
  was_legal_representative(
    consent.given_by_id, enterprise, consent.given_at, context.parameters.registry_fresh_within) and
  not waited_after_retrieval(consent.given_by_id, enterprise, consent.given_at, context) and
  author in context.authors and
  author.id = consent.given_by_id and
  not spoke_for_another_party(author, party, consent.given_at, context);
permits_double_agency(person_id, party: Signatory, enterprise: Enterprise, context) if
  permits_self_dealing(person_id, enterprise, party.contract, source, context) and
  source in ["BOARD", "SHAREHOLDERS"];

has_consented(person_id, party: Signatory, consent, context) if
  consent in party.consents and
  consent.kind = "DOUBLE_AGENCY" and
  consent.person_id = person_id and
  consent.given_by_id != person_id and
  consent_stands(consent, context) and
  covers_amount_of(consent, party.contract);

# --- the person, now -------------------------------------------------------------------------------------------------

# U-09: A use needs a fresh face check, bound to this task and to all documents of its contract, not used before.
# Low-risk seals go without; a kind that is not named here needs it.
#@ U-09
meets(person: Person, "FRESH_FACE", "use", _: Seal, context) if
  sealing_task(context, task) and
  fresh_face_check(
    context.verification, person, "SIGN", "SigningTask", task.id, context.parameters.face_for_use, context) and
  covers_all_documents(context.verification, context);
waived("FRESH_FACE", "use", seal: Seal, _) if seal.kind in ["DEPARTMENT", "OTHER"];

# U-10: Where no face check can be made, three or four factors of the identity stand in for it, if the owner's category
# for the contract says so. It never happens by itself.
#@ U-10
meets(person: Person, "FRESH_FACE", "use", seal: Seal, context) if
  sealing_task(context, task) and
  fresh_fallback_check(context.verification, person, seal, task, context) and
  covers_all_documents(context.verification, context);
because("FRESH_FACE", "FALLBACK_NOT_ALLOWED", person: Person, seal: Seal, context) if
  sealing_task(context, task) and
  own_fallback_check(context.verification, person, task) and
  not allows_fallback(context.verification, seal, task);
because("FRESH_FACE", "FACE_VERIFICATION_EXPIRED", person: Person, seal: Seal, context) if
  sealing_task(context, task) and
  own_fallback_check(context.verification, person, task) and
  allows_fallback(context.verification, seal, task) and
  is_stale_fallback(context.verification, context);
because("FRESH_FACE", "FACE_VERIFICATION_ALREADY_USED", person: Person, seal: Seal, context) if
  sealing_task(context, task) and
  own_fallback_check(context.verification, person, task) and
  allows_fallback(context.verification, seal, task) and
  is_used_fallback(context.verification);

own_fallback_check(check, person: Person, task: SigningTask) if
  check matches IdentityVerification and
  check.person_id = person.id and
  check.method in ["MOBILE3", "BANK4"] and
  check.purpose = "SIGN" and
  check.bound_type = "SigningTask" and
  check.bound_id = task.id;

allows_fallback(check: IdentityVerification, seal: Seal, task: SigningTask) if
  check.fallback_from = "FACE" and
  party_category(seal, task.signatory, category) and
  category.state = "ENABLED" and
  category.face_fallback = check.method;

fresh_fallback_check(check, person: Person, seal: Seal, task: SigningTask, context) if
  own_fallback_check(check, person, task) and
  allows_fallback(check, seal, task) and
  check.state = "PASSED" and
  is_not_ahead(check.passed_at, context) and
  context.now < check.passed_at + context.parameters.face_for_use;

is_stale_fallback(check: IdentityVerification, context) if
  check.state in ["PASSED", "EXPIRED"] and
  check.passed_at + context.parameters.face_for_use <= context.now;
is_used_fallback(check: IdentityVerification) if check.state = "CONSUMED";

because("FRESH_FACE", "FACE_VERIFICATION_EXPIRED", person: Person, _: Seal, context) if
  sealing_task(context, task) and
  stale_face_check(
    context.verification, person, "SIGN", "SigningTask", task.id, context.parameters.face_for_use, context);
because("FRESH_FACE", "FACE_VERIFICATION_ALREADY_USED", person: Person, _: Seal, context) if
  sealing_task(context, task) and
  used_face_check(context.verification, person, "SIGN", "SigningTask", task.id);

# What a person saw when they showed their face is all that they seal: the check names the whole of it as it is now.
covers_all_documents(check: IdentityVerification, context) if
  digest = context.documents_digest and
  digest matches String and
  check.bound_digest = digest;

# --- after an allow --------------------------------------------------------------------------------------------------

# (A check for a list is used up item by item: batches.polar.)
obligation(_: Person, "use", seal: Seal, context, "CONSUME_VERIFICATION") if
  not waived("FRESH_FACE", "use", seal, context) and
  not is_for_batch(context.verification);
obligation(_: Person, "use", _: Seal, _, "DECREMENT_USE");
obligation(_: Person, "use", _: Seal, _, "APPEND_SEAL_LOG");
obligation(_: Person, "use", _: Seal, _, "NOTIFY_MONITORS");
# What is used up is named: the check, and the one authority that the use rests on. Where several would do, it is the
# first of a grant of one's own, an approved request, a grant that is open to members, a colleague's, and one across
# enterprises; of several of a kind the one with the lowest id. The legal representative's own seal counts no use.
obligation_parameter("CONSUME_VERIFICATION", "verification_id", id, _: Person, "use", _: Seal, context) if
  check_id(context.verification, id);
obligation_parameter("DECREMENT_USE", "grant_id", id, person: Person, "use", seal: Seal, context) if
  sealed_contract(context, contract) and
  grant_used_up(person, seal, contract, grant, context) and
  id = grant.id;
obligation_parameter("DECREMENT_USE", "parent_grant_id", id, person: Person, "use", seal: Seal, context) if
  sealed_contract(context, contract) and
  grant_used_up(person, seal, contract, grant, context) and
  id = grant.parent_id and
  id matches String;
obligation_parameter("DECREMENT_USE", "request_id", id, person: Person, "use", seal: Seal, context) if
  sealed_contract(context, contract) and
  request_used_up(person, seal, contract, request, context) and
  id = request.id;
obligation_parameter("DECREMENT_USE", "approval_ids", id, person: Person, "use", seal: Seal, context) if
  sealed_contract(context, contract) and
  request_used_up(person, seal, contract, request, context) and
  approval in request.approvals and
  id = approval.id;
obligation_parameter("DECREMENT_USE", "open_grant_id", id, person: Person, "use", seal: Seal, context) if
  sealed_contract(context, contract) and
  open_grant_used_up(person, seal, contract, grant, context) and
  id = grant.id;
obligation_parameter("DECREMENT_USE", "delegation_id", id, person: Person, "use", seal: Seal, context) if
  sealed_contract(context, contract) and
  delegation_used_up(person, seal, contract, delegation, _, context) and
  id = delegation.id;
obligation_parameter(
  "DECREMENT_USE", "cross_grant_id", id, person: Person, "use", seal: Seal, context: SealUseContext) if
  sealed_contract(context, contract) and
  cross_grant_used_up(person, seal, contract, grant, context) and
  id = grant.id;

# One's own, or that of the principal who delegated. A grant that was passed on takes from the one that it comes from.
grant_used_up(person: Person, seal: Seal, contract: Contract, grant, context) if
  own_grant_used_up(person, seal, contract, grant, context);
grant_used_up(person: Person, seal: Seal, contract: Contract, grant, context) if
  delegation_used_up(person, seal, contract, _, grant, context);

own_grant_used_up(person: Person, seal: Seal, contract: Contract, grant, context) if
  live_grant(person, seal, contract, grant, context) and
  forall(live_grant(person, seal, contract, other, context), grant.id <= other.id);

request_used_up(person: Person, seal: Seal, contract: Contract, request, context) if
  approved_request(person, seal, contract, request, context) and
  not live_grant(person, seal, contract, _, context) and
  forall(approved_request(person, seal, contract, other, context), request.id <= other.id);

open_grant_used_up(person: Person, seal: Seal, contract: Contract, grant, context) if
  live_open_grant(person, seal, contract, grant, context) and
  not live_grant(person, seal, contract, _, context) and
  not approved_request(person, seal, contract, _, context) and
  forall(live_open_grant(person, seal, contract, other, context), grant.id <= other.id);

delegation_used_up(person: Person, seal: Seal, contract: Contract, delegation, grant, context) if
  live_delegation(person, seal, contract, delegation, grant, context) and
  lacks_own_authority(person, seal, context) and
  forall(live_delegation(person, seal, contract, other, grant_of_other, context),
         delegation.id < other.id or (delegation.id = other.id and grant.id <= grant_of_other.id));

cross_grant_used_up(person: Person, seal: Seal, contract: Contract, grant, context: SealUseContext) if
  live_cross_grant(person, seal, contract, grant, context) and
  lacks_own_authority(person, seal, context) and
  not live_delegation(person, seal, contract, _, _, context) and
  forall(live_cross_grant(person, seal, contract, other, context), grant.id <= other.id);

# What a delegate does is logged as done by one person for another, and the task says for whom.
#@ U-18
obligation(person: Person, "use", seal: Seal, context, "LOG_ON_BEHALF") if
  lacks_own_authority(person, seal, context) and
  sealed_contract(context, contract) and
  live_delegation(person, seal, contract, _, _, context);
obligation_parameter("LOG_ON_BEHALF", "principal_id", id, person: Person, "use", seal: Seal, context) if
  sealed_contract(context, contract) and
  delegation_used_up(person, seal, contract, delegation, _, context) and
  id = delegation.principal.person_id;

lacks_own_authority(person: Person, seal: Seal, context) if
  sealed_contract(context, contract) and
  not live_grant(person, seal, contract, _, context) and
  not approved_request(person, seal, contract, _, context) and
  not live_open_grant(person, seal, contract, _, context);

# W-05: Those who watch a seal are told at once of a count that comes to its end, of the first use of a grant, of a use
# shortly after the administrators changed, of one out of hours and of one in an emergency.
#@ W-05
obligation(person: Person, "use", seal: Seal, context, "ALERT_NEAR_LIMIT") if
  sealed_contract(context, contract) and
  use_count(person, seal, contract, used, limit, context) and
  is_near_limit(used, limit);
obligation(person: Person, "use", seal: Seal, context, "ALERT_FIRST_USE") if
  sealed_contract(context, contract) and
  use_count(person, seal, contract, 0, _, context);
obligation(_: Person, "use", seal: Seal, context, "ALERT_AFTER_ADMIN_CHANGE") if
  has_new_administration(seal.enterprise, context);

# The count of the grant that the use takes from.
use_count(person: Person, seal: Seal, contract: Contract, used, limit, context) if
  grant_used_up(person, seal, contract, grant, context) and
  counts_of(grant, used, limit);
use_count(person: Person, seal: Seal, contract: Contract, used, limit, context) if
  open_grant_used_up(person, seal, contract, grant, context) and
  used = grant.used and
  limit = grant.use_limit;
use_count(person: Person, seal: Seal, contract: Contract, used, limit, context: SealUseContext) if
  cross_grant_used_up(person, seal, contract, grant, context) and
  used = grant.used and
  limit = grant.use_limit;

# What a use takes from a grant counts against the one that it was passed on from, too.
counts_of(grant: SealGrant, used, limit) if
  used = grant.used and
  limit = grant.use_limit;
counts_of(grant: SealGrant, used, limit) if
  parent = grant.parent and
  parent matches SealGrant and
  used = parent.used and
  limit = parent.use_limit;

# With this use, more than four fifths are used. (What is left is small enough to be multiplied, or far from the end.)
is_near_limit(used, limit) if
  limit - used < 1000000000000000000 and
  (limit - used - 1) * 5 < limit;

# An administrator is new, or an enterprise was retrieved, a short while ago.
has_new_administration(enterprise: Enterprise, context) if
  membership in enterprise.memberships and
  assignment in membership.assignments and
  assignment.role = "SYSTEM_ADMIN" and
  assignment.valid_from <= context.now and
  context.now < assignment.valid_from + context.parameters.alert_after_admin_change;
has_new_administration(enterprise: Enterprise, context) if
  case in enterprise.retrieval_cases and
  was_executed(case) and
  case.executed_at <= context.now and
  context.now < case.executed_at + context.parameters.alert_after_admin_change;

# When the permission ends by itself, at the latest.
lapses(person: Person, "use", seal: Seal, context, at) if
  not waived("FRESH_FACE", "use", seal, context) and
  sealing_task(context, task) and
  face_lapses(
    context.verification, person, "SIGN", "SigningTask", task.id, context.parameters.face_for_use, context, at);
lapses(person: Person, "use", seal: Seal, context, at) if
  not waived("FRESH_FACE", "use", seal, context) and
  sealing_task(context, task) and
  fallback_lapses(context.verification, person, seal, task, context, at);
lapses(_: Person, "use", seal: Seal, _, at) if certificate_of(seal, certificate) and at = certificate.not_after;
lapses(person: Person, "use", seal: Seal, context, at) if
  sealed_contract(context, contract) and
  authority_lapses(person, seal, contract, context, at);

fallback_lapses(check, person: Person, seal: Seal, task: SigningTask, context, at) if
  fresh_fallback_check(check, person, seal, task, context) and
  at = check.passed_at + context.parameters.face_for_use;
