# What a party of a contract says itself: that a person also acts for another party, that a complete contract ends, and
# what its own review found.
#
# A-02: Evidence has an entitled author: a person who could speak for that side when they did, judged by that side's
# facts, and never the one who profits. It is about the documents that stood then: others are consented to, and
# reviewed, again. The same rules say who may give it (here) and whether it counts (`consent_stands`, `passed_by`), so
# that a record that its author could not have made is worth nothing.
# (Civil Code 168: nobody acts for both sides unless both agree. 562: parties end a contract by agreement.)

# --- what all of them ask --------------------------------------------------------------------------------------------

# The documents are there and have no blanks, so that what is said can be bound to them.
#@ A-02 U-16
requires("permit_double_agency", _: Signatory, "DOCUMENTS_STAND");
requires("agree_to_termination", _: Signatory, "DOCUMENTS_STAND");
requires("decide", _: InternalReview, "DOCUMENTS_STAND");
meets(_: Person, "DOCUMENTS_STAND", "permit_double_agency", party: Signatory, context) if
  documents_stand(party.contract, context);
meets(_: Person, "DOCUMENTS_STAND", "agree_to_termination", party: Signatory, context) if
  documents_stand(party.contract, context);
meets(_: Person, "DOCUMENTS_STAND", "decide", review: InternalReview, context) if
  documents_stand(review.signatory.contract, context);
# Papers that are not ready can be turned down.
waived("DOCUMENTS_STAND", "decide", _: InternalReview, context: PartyReviewContext) if
  context.verdict in ["REJECTED", "SIGN_REJECTED"];

documents_stand(contract: Contract, context) if
  context.documents_digest matches String and
  forall(document in contract.documents, is_complete(document));

# What was said of documents is said of these.
is_about_these_documents(evidence, context) if
  digest = context.documents_digest and
  digest matches String and
  evidence.bound_digest = digest;

# Up to the amount that was agreed to, in its currency. A contract about money that does not say how much is beyond it.
#@ A-05
covers_amount_of(evidence, contract: Contract) if
  covers_terms(evidence, contract) and
  forall(party_with_amount(contract, party), covers_terms(evidence, party));

covers_terms(_, terms) if
  terms.is_monetary = false and
  terms.amount = nil;
covers_terms(evidence, terms) if
  amount = terms.amount and
  amount matches Integer and
  evidence.currency = terms.currency and
  amount <= evidence.amount_max;

# What a party stated itself counts too.
party_with_amount(contract: Contract, party) if
  party in contract.signatories and
  party.amount matches Integer;

# --- acting for both sides -------------------------------------------------------------------------------------------

# A-05: That a person acts for both sides, each side permits itself: by its legal representative, and never one who
# permits it to themself. Administrators do not, because the representative directs them.
#@ A-05 U-14
requires("permit_double_agency", _: Signatory, "PARTY_REPRESENTED");
requires("permit_double_agency", _: Signatory, "BENEFICIARY_STATED");
requires("permit_double_agency", _: Signatory, "NOT_THE_BENEFICIARY");
requires("permit_double_agency", _: Signatory, "CONTRACT_UNDER_WAY");
meets(person: Person, "PARTY_REPRESENTED", "permit_double_agency", party: Signatory, context) if
  owner(party, context, enterprise) and
  representative_today(person, enterprise, context);
meets(_: Person, "BENEFICIARY_STATED", "permit_double_agency", _: Signatory, context: DoubleAgencyContext) if
  context.person matches Person;
meets(person: Person, "NOT_THE_BENEFICIARY", "permit_double_agency", _: Signatory, context: DoubleAgencyContext) if
  beneficiary = context.person and
  beneficiary matches Person and
  not account_id(person, beneficiary.id);
meets(_: Person, "CONTRACT_UNDER_WAY", "permit_double_agency", party: Signatory, _) if
  is_open_contract(party.contract);

# Nor who speaks for the other side as well: they would act for both through the person whom they let. What takes a
# resolution of each side when they do it themself, takes one when an employee does. (To be employed there is no bar, so
# that companies of one group may agree.)
#@ A-05 U-14
requires("permit_double_agency", _: Signatory, "NOT_THE_COUNTERPARTY");
meets(person: Person, "NOT_THE_COUNTERPARTY", "permit_double_agency", party: Signatory, context) if
  not spoke_for_another_party(person, party, context.now, context);
because("NOT_THE_COUNTERPARTY", "SELF_DEALING", person: Person, party: Signatory, context: DoubleAgencyContext) if
  spoke_for_another_party(person, party, context.now, context);
parameter("ATTACH_RESOLUTION", "contract_id", id, _: Person, party: Signatory, _) if id = party.contract_id;

spoke_for_another_party(person: Person, party: Signatory, _, _) if
  account_id(person, id) and
  acts_for_another_party(id, party);
spoke_for_another_party(person: Person, party: Signatory, at, context) if
  enterprise_against(party, enterprise_id) and
  was_named_elsewhere(person, enterprise_id, at, context);

# It raises a person, so it waits while a retrieval holds the enterprise, and after one for the time in which its new
# administrator waits.
#@ R-12 R-13
requires("permit_double_agency", _: Signatory, "NO_RETRIEVAL_HOLD");
requires("permit_double_agency", _: Signatory, "COOLED_OFF");
meets(person: Person, "COOLED_OFF", "permit_double_agency", party: Signatory, context) if
  owner(party, context, enterprise) and
  not cooling_off(person, enterprise, _, context);
meets(_: Person, "NO_RETRIEVAL_HOLD", "permit_double_agency", party: Signatory, context) if
  owner(party, context, enterprise) and
  not is_held_by_retrieval(enterprise, context);

# A consent counts from the moment in which it was given until it ends or is taken back, for these documents.
#@ A-05
consent_stands(consent: PartyConsent, context) if
  consent.given_at > 0 and
  consent.given_at <= context.now and
  context.now < consent.valid_to and
  consent.withdrawn_at = 0 and
  is_about_these_documents(consent, context);

# --- ending a complete contract --------------------------------------------------------------------------------------

# That a complete contract ends, each party agrees to: a person themself; an enterprise by those who could end it for
# that side (contracts.polar), and by nobody who has agreed for another party.
#@ C-10 A-02
requires("agree_to_termination", _: Signatory, "CONTRACT_COMPLETE");
requires("agree_to_termination", _: Signatory, "PARTY_SPEAKER");
requires("agree_to_termination", _: Signatory, "SPEAKS_FOR_ONE_PARTY");
meets(_: Person, "CONTRACT_COMPLETE", "agree_to_termination", party: Signatory, _) if
  party.contract.state = "COMPLETE";
meets(person: Person, "PARTY_SPEAKER", "agree_to_termination", party: Signatory, _) if
  party.person_id matches String and
  party.person_id = person.id;
meets(person: Person, "PARTY_SPEAKER", "agree_to_termination", party: Signatory, context) if
  owner(party, context, enterprise) and
  administers_contracts(person, enterprise, context);
meets(person: Person, "PARTY_SPEAKER", "agree_to_termination", party: Signatory, context) if
  owner(party, context, enterprise) and
  enterprise.id = party.contract.initiator_id and
  party.contract.initiated_by_id = person.id and
  is_member(person, enterprise, context);
meets(person: Person, "SPEAKS_FOR_ONE_PARTY", "agree_to_termination", party: Signatory, _) if
  forall(account_id(person, id), not consents_for_other_party(id, party));

# Nor does a person agree for a side who is a party themself, signs for another party or represents it: they would let that one
# out of what it owes. So would one whom they have just put in office. A person who is a party speaks for nobody else.
#@ C-10 A-02 M-11
requires("agree_to_termination", _: Signatory, "NOT_THE_COUNTERPARTY");
meets(_: Person, "NOT_THE_COUNTERPARTY", "agree_to_termination", party: Signatory, _) if party.kind = "PERSON";
meets(person: Person, "NOT_THE_COUNTERPARTY", "agree_to_termination", party: Signatory, context) if
  owner(party, context, enterprise) and
  not spoke_for_another_party(person, party, context.now, context) and
  not is_from_another_party(person.id, party, enterprise, _, context);
because("NOT_THE_COUNTERPARTY", "COOLING_OFF", person: Person, party: Signatory, context: SpeakingContext) if
  speaker_waits(person, party, _, context);

speaker_waits(person: Person, party: Signatory, at, context: SpeakingContext) if
  owner(party, context, enterprise) and
  not spoke_for_another_party(person, party, context.now, context) and
  is_from_another_party(person.id, party, enterprise, at, context);

# What is ended does not come back. So it waits for the end of a retrieval, and of the time in which its new administrator
# waits.
#@ R-12 R-13
requires("agree_to_termination", _: Signatory, "NO_RETRIEVAL_HOLD");
requires("agree_to_termination", _: Signatory, "COOLED_OFF");
meets(_: Person, "NO_RETRIEVAL_HOLD", "agree_to_termination", party: Signatory, _) if party.kind = "PERSON";
meets(_: Person, "NO_RETRIEVAL_HOLD", "agree_to_termination", party: Signatory, context) if
  owner(party, context, enterprise) and
  not is_held_by_retrieval(enterprise, context);
meets(_: Person, "COOLED_OFF", "agree_to_termination", party: Signatory, _) if party.kind = "PERSON";
meets(person: Person, "COOLED_OFF", "agree_to_termination", party: Signatory, context) if
  owner(party, context, enterprise) and
  not cooling_off(person, enterprise, _, context);

# --- taking back -----------------------------------------------------------------------------------------------------

# Only the author of a consent takes it back, or the person who represents that party now.
#@ A-02
requires("withdraw", _: PartyConsent, "CONSENT_AUTHOR");
requires("withdraw", _: PartyConsent, "CONSENT_NOT_WITHDRAWN");
meets(person: Person, "CONSENT_AUTHOR", "withdraw", consent: PartyConsent, _) if consent.given_by_id = person.id;
meets(person: Person, "CONSENT_AUTHOR", "withdraw", consent: PartyConsent, context) if
  owner(consent, context, enterprise) and
  legal_representative(person, enterprise, context);
meets(_: Person, "CONSENT_NOT_WITHDRAWN", "withdraw", consent: PartyConsent, _) if consent.withdrawn_at = 0;

# --- a party's own review --------------------------------------------------------------------------------------------

# A review is asked for by those who run the party's contracts, or who have a task of it, while the contract goes round.
#@ C-07
requires("request_review", _: Signatory, "REVIEW_CALLER");
requires("request_review", _: Signatory, "CONTRACT_UNDER_WAY");
meets(person: Person, "REVIEW_CALLER", "request_review", party: Signatory, context) if
  owner(party, context, enterprise) and
  administers_contracts(person, enterprise, context);
meets(person: Person, "REVIEW_CALLER", "request_review", party: Signatory, context) if
  owner(party, context, enterprise) and
  is_member(person, enterprise, context) and
  task in party.tasks and
  is_open_state(task) and
  is_named_in_task(person.id, task);
meets(_: Person, "CONTRACT_UNDER_WAY", "request_review", party: Signatory, _) if is_open_contract(party.contract);
# Once at a time: one that waits for its verdict is the one that is asked for.
requires("request_review", _: Signatory, "NO_REVIEW_WAITING");
meets(_: Person, "NO_REVIEW_WAITING", "request_review", party: Signatory, _) if
  forall(review in party.reviews, review.state != "PENDING");
otherwise("NO_REVIEW_WAITING", "REVIEW_PENDING");

# It is decided once, by a person who runs the party's contracts, who seals and signs nothing of it for the party, and
# who is not on the other side.
#@ A-02 C-07
requires("decide", _: InternalReview, "PARTY_REVIEWER");
requires("decide", _: InternalReview, "PARTY_REVIEW_OPEN");
requires("decide", _: InternalReview, "NOT_THE_SEALER");
requires("decide", _: InternalReview, "NOT_THE_COUNTERPARTY");
meets(person: Person, "PARTY_REVIEWER", "decide", review: InternalReview, context) if
  owner(review, context, enterprise) and
  administers_contracts(person, enterprise, context);
meets(_: Person, "PARTY_REVIEW_OPEN", "decide", review: InternalReview, _) if
  review.state = "PENDING" and
  is_open_contract(review.signatory.contract);
meets(person: Person, "NOT_THE_SEALER", "decide", review: InternalReview, _) if
  forall(account_id(person, id), not carries_out_for(id, review.signatory));

# Nor one to whom the person who seals or signs gave their post just now. Until `at`.
#@ M-11 C-07
requires("decide", _: InternalReview, "APPROVER_SETTLED");
meets(person: Person, "APPROVER_SETTLED", "decide", review: InternalReview, context) if
  not reviewer_waits(person, review, _, context);
# To refuse it they need not wait.
meets(_: Person, "APPROVER_SETTLED", "decide", _: InternalReview, context) if
  context.verdict in ["REJECTED", "SIGN_REJECTED"];

# … nor the new administrator just after a retrieval, nor whom they put in office since.
#@ R-13
reviewer_waits(person: Person, review: InternalReview, at, context) if
  owner(review, context, enterprise) and
  cooling_off(person, enterprise, at, context);
reviewer_waits(person: Person, review: InternalReview, at, context) if
  owner(review, context, enterprise) and
  place_of(review.signatory, place) and
  task in place.tasks and
  task.state in ["WAITING", "PENDING", "IN_PROGRESS", "SIGNED"] and
  task.action in ["CORPORATE_SEAL", "LEGAL_REP_SEAL", "HANDLER_SIGN", "PERSONAL_SIGN"] and
  member(person, enterprise, membership, context) and
  is_named_in_task(sealer_id, task) and
  role_from_until(membership, sealer_id, at, context);
# Nor one to whom somebody on the other side did.
#@ M-11 C-07
reviewer_waits(person: Person, review: InternalReview, at, context) if
  owner(review, context, enterprise) and
  is_from_another_party(person.id, review.signatory, enterprise, at, context);

# Nor one who is on the other side themself.
#@ A-02 C-07
meets(person: Person, "NOT_THE_COUNTERPARTY", "decide", review: InternalReview, _) if
  not is_of_another_party(person, review.signatory);

carries_out_for(person_id, party: Signatory) if
  place_of(party, place) and
  task in place.tasks and
  task.state in ["WAITING", "PENDING", "IN_PROGRESS", "SIGNED"] and
  task.action in ["CORPORATE_SEAL", "LEGAL_REP_SEAL", "HANDLER_SIGN", "PERSONAL_SIGN"] and
  is_named_in_task(person_id, task);
carries_out_for(person_id, party: Signatory) if
  place_of(party, place) and
  task in place.tasks and
  is_signed_for(task, person_id);

is_of_another_party(person: Person, party: Signatory) if
  account_id(person, id) and
  acts_for_another_party(id, party);
is_of_another_party(person: Person, party: Signatory) if belongs_to_another_party(person, party);

# A person is on the other side who is a party, signs for another party or is named for that …
acts_for_another_party(person_id, party: Signatory) if
  another_party(party, other) and
  other.person_id matches String and
  other.person_id = person_id;
acts_for_another_party(person_id, party: Signatory) if
  another_party(party, other) and
  task in other.tasks and
  task.state != "TRANSFERRED" and
  is_named_in_task(person_id, task);
acts_for_another_party(person_id, party: Signatory) if
  another_party(party, other) and
  task in other.tasks and
  is_signed_for(task, person_id);

# … and who is a member of one, suspended or not, or whom the registry names for it. What a party alone signs benefits its
# sender: those who belong there are on the other side, too.
belongs_to_another_party(person: Person, party: Signatory) if
  enterprise_against(party, enterprise_id) and
  is_of_enterprise(person, enterprise_id);

enterprise_against(party: Signatory, enterprise_id) if
  another_party(party, other) and
  enterprise_id = other.enterprise_id and
  enterprise_id matches String;
enterprise_against(party: Signatory, enterprise_id) if
  own_id = party.enterprise_id and
  own_id matches String and
  is_for_its_sender(party.contract, own_id) and
  enterprise_id = party.contract.initiator_id;

# … or was one of them when they gave evidence for this party. Who wrote the evidence down makes no difference.
belonged_to_another_party(person_id, party: Signatory, at, context) if
  author in context.authors and
  author.id = person_id and
  enterprise_against(party, enterprise_id) and
  belonged_to(author, enterprise_id, at, context);

belonged_to(person: Person, enterprise_id, at, _) if
  account_of(person, account) and
  membership in account.memberships and
  membership.enterprise_id = enterprise_id and
  membership.joined_at <= at and
  at < membership.ended_at;
belonged_to(person: Person, enterprise_id, at, context) if was_named_elsewhere(person, enterprise_id, at, context);

# Whom the registry named for an enterprise then.
was_named_elsewhere(person: Person, enterprise_id, at, _) if
  account_of(person, account) and
  snapshot in account.represented and
  snapshot.is_current = true and
  snapshot.enterprise_id = enterprise_id and
  snapshot.fetched_at <= at;
# What the registry had said by then counts for as long as for the representative's own acts, whom it may name since.
#@ A-14
was_named_elsewhere(person: Person, enterprise_id, at, context) if
  account_of(person, account) and
  snapshot in account.represented and
  snapshot.enterprise_id = enterprise_id and
  is_fetched_within(snapshot, context.parameters.registry_valid_for, at);

# Either of them: who gave evidence at that time for this party, and was on the other side.
is_or_was_of_another_party(person_id, party: Signatory, _, _) if acts_for_another_party(person_id, party);
is_or_was_of_another_party(person_id, party: Signatory, _, context) if
  author in context.authors and
  author.id = person_id and
  account in author.accounts and
  acts_for_another_party(account.id, party);
is_or_was_of_another_party(person_id, party: Signatory, at, context) if
  belonged_to_another_party(person_id, party, at, context);

# Whom somebody on the other side has just put in office speaks for that one. Until `at`. Whom the registry names is nobody's
# straw man.
#@ M-11 A-02
is_from_another_party(person_id, party: Signatory, enterprise: Enterprise, at, context) if
  new_post(person_id, giver_id, enterprise, at, context) and
  not can_do_alone(person_id, enterprise, context) and
  is_on_another_side(by_id, party, context.now, context) and
  is_behind(giver_id, by_id, enterprise, context);

# … and as it was when they spoke.
was_from_another_party(person_id, party: Signatory, enterprise: Enterprise, at, context) if
  had_new_post(person_id, giver_id, enterprise, at, context) and
  not could_do_alone(person_id, enterprise, at, context) and
  is_on_another_side(by_id, party, at, context) and
  was_behind(giver_id, by_id, enterprise, at, context);

is_on_another_side(person_id, party: Signatory, _, _) if
  another_party(party, other) and
  person_id = other.person_id and
  person_id matches String;
is_on_another_side(person_id, party: Signatory, _, _) if
  another_party(party, other) and
  task in other.tasks and
  task.state != "TRANSFERRED" and
  is_named_in_task(person_id, task);
# … or represents one, or is a party or named for one by another account.
is_on_another_side(person_id, party: Signatory, at, context) if
  known_insider(person_id, known, context) and
  spoke_for_another_party(known, party, at, context);

# Where a party stands in its contract: an enterprise perhaps in several places.
place_of(party: Signatory, place) if
  party.kind = "PERSON" and
  place = party;
place_of(party: Signatory, place) if
  place in party.contract.signatories and
  place.enterprise_id matches String and
  party.enterprise_id matches String and
  place.enterprise_id = party.enterprise_id;

# One enterprise may stand in a contract twice; it is no other side to itself.
another_party(party: Signatory, other) if
  other in party.contract.signatories and
  other.id != party.id and
  other.person_id matches String;
another_party(party: Signatory, other) if
  other in party.contract.signatories and
  other.id != party.id and
  other.enterprise_id matches String and
  other.enterprise_id != party.enterprise_id;

# Who ran the contracts of an enterprise at a time: like administers_contracts.
#@ A-02
ran_contracts(person_id, enterprise: Enterprise, at, context) if
  was_legal_representative(person_id, enterprise, at, context.parameters.registry_fresh_within);
ran_contracts(person_id, enterprise: Enterprise, at, context) if
  was_member(person_id, enterprise, membership, at, context) and
  assignment in membership.assignments and
  assignment.role in ["CONTRACT_ADMIN", "SYSTEM_ADMIN"] and
  was_active_assignment(assignment, at, context);

# --- when the permission ends by itself ------------------------------------------------------------------------------

lapses(person: Person, "agree_to_termination", party: Signatory, context, at) if
  owner(party, context, enterprise) and
  contract_administration_lapses(person, enterprise, context, at);
lapses(person: Person, "request_review", party: Signatory, context, at) if
  owner(party, context, enterprise) and
  contract_administration_lapses(person, enterprise, context, at);
lapses(person: Person, "decide", review: InternalReview, context, at) if
  owner(review, context, enterprise) and
  contract_administration_lapses(person, enterprise, context, at);
