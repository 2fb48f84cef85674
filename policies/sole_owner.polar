# The company of one: what its owner may do where a second person is asked for, and there is none.
#
# A reviewed certification says that the owner is the legal representative, and nobody else belonged to the company for a
# month, or ever. Then the representative's own authority covers sealing, the review of a seal, and the company's
# processes: with a fresh face check each time, a notice to the registered contact and an alert, and in person only. It
# does not cover what a second pair of eyes is for most: guarantees, what the owner agrees with themself, and the
# largest amounts; nor the time after the company changed hands. It is gone as soon as there is a second member.
# (Civil Code 61. A company with one shareholder and several members is something else.)

# A-03: In a company of one, where reviewers found that its owner is its legal representative, that person alone seals,
# reviews a seal and follows its processes, unless the company has changed hands lately.
#@ A-03
acts_alone(person: Person, enterprise: Enterprise, context) if
  member(person, enterprise, membership, context) and
  representative_today(person, enterprise, context) and
  is_alone(membership, enterprise, context.now, context) and
  is_certified_owner(person.id, enterprise, context.now) and
  is_settled(person.id, enterprise, context);

# Anyone who is a member, suspended or not, or was one until lately, is a second person; so is one of whom it is not known
# when they left.
is_alone(own: Membership, enterprise: Enterprise, at, context) if
  forall(other in enterprise.memberships,
         other.person_id = own.person_id or was_gone_long_before(other, at, context));

was_gone_long_before(other: Membership, at, context) if
  other.state = "ENDED" and
  other.ended_at + context.parameters.sole_owner_settled <= at;

# What reviewers found last. A reviewer who belongs or belonged to the company says nothing about it, by whatever account.
is_certified_owner(person_id, enterprise: Enterprise, at) if
  found in enterprise.authentications and
  names_owner(found, at) and
  found.owner_id matches String and
  found.owner_id = person_id and
  not has_later_owner(found, person_id, enterprise, at) and
  not is_decided_by_own(found, enterprise);

names_owner(found: EnterpriseAuthentication, at) if
  found.state = "PASSED" and
  found.reviewer_id matches String and
  found.decided_at > 0 and
  found.decided_at <= at;

# What was found later speaks against it, also where that certification is over by now.
has_later_owner(found: EnterpriseAuthentication, person_id, enterprise: Enterprise, at) if
  other in enterprise.authentications and
  other.state in ["PASSED", "EXPIRED"] and
  other.owner_id matches String and
  other.owner_id != person_id and
  found.decided_at <= other.decided_at and
  other.decided_at <= at;

# Nobody took it over, no other representative was seen, and the contact to whom notices go is the same, all for a month.
is_settled(person_id, enterprise: Enterprise, context) if
  not was_retrieved_lately(enterprise, context) and
  not has_had_other_representative(person_id, enterprise, context) and
  has_registered_contact(enterprise, context) and
  not changed_contact_lately(enterprise, context);

has_registered_contact(enterprise: Enterprise, context) if
  enterprise.contact_set_at > 0 and
  enterprise.contact_set_at <= context.now;

was_retrieved_lately(enterprise: Enterprise, context) if retrieved_lately(enterprise, _, context);
was_retrieved_lately(enterprise: Enterprise, context) if is_being_retrieved(enterprise, context);

# … until `at`.
retrieved_lately(enterprise: Enterprise, at, context) if
  case in enterprise.retrieval_cases and
  was_executed(case) and
  at = case.executed_at + context.parameters.sole_owner_settled and
  context.now < at;

is_being_retrieved(enterprise: Enterprise, context) if open_case(enterprise, _, context);
is_being_retrieved(enterprise: Enterprise, context) if is_held_by_retrieval(enterprise, context);

# The registry said something else, and has not said this for a month since.
has_had_other_representative(person_id, enterprise: Enterprise, context) if
  other in enterprise.registry_snapshots and
  names_no_more_than_another(other, person_id) and
  not has_long_named(person_id, other, enterprise, context);

names_no_more_than_another(other: RegistrySnapshot, _) if other.legal_rep_id = nil;
names_no_more_than_another(other: RegistrySnapshot, person_id) if
  other.legal_rep_id matches String and
  other.legal_rep_id != person_id;

has_long_named(person_id, other: RegistrySnapshot, enterprise: Enterprise, context) if
  since in enterprise.registry_snapshots and
  since.legal_rep_id matches String and
  since.legal_rep_id = person_id and
  other.fetched_at < since.fetched_at and
  since.fetched_at + context.parameters.sole_owner_settled <= context.now;

changed_contact_lately(enterprise: Enterprise, context) if
  context.now < enterprise.contact_changed_at + context.parameters.sole_owner_settled;

# --- sealing ---------------------------------------------------------------------------------------------------------

# Every seal of the company, for what a second person is not needed most. Their own seal as the representative is theirs
# anyway.
#@ A-03
seals_alone(person: Person, seal: Seal, contract: Contract, context) if
  is_enterprise_seal(seal) and
  acts_alone(person, seal.enterprise, context) and
  is_within_sole_limits(person, seal, contract, context);

is_within_sole_limits(person: Person, seal: Seal, contract: Contract, context) if
  forall(account_id(person, id),
         not is_party_personally(id, contract) and not is_named_for_other_party(id, seal, contract)) and
  not represents_another_party(person, seal, contract) and
  forall(terms_of(seal, contract, terms),
         terms.matter in ["GENERAL", "FINANCE", "PERSONNEL"] and is_below_top_band(seal.enterprise, terms, context));

is_named_for_other_party(person_id, seal: Seal, contract: Contract) if
  other_party(seal, contract, party) and
  task in party.tasks and
  is_named_in_task(person_id, task);

is_below_top_band(_: Enterprise, terms, _) if
  terms.is_monetary = false and
  terms.amount = nil;
is_below_top_band(enterprise: Enterprise, terms, _) if
  amount = terms.amount and
  amount matches Integer and
  band in enterprise.amount_bands and
  band.currency = terms.currency and
  amount < band.from_amount;
is_below_top_band(enterprise: Enterprise, terms, context) if
  not has_amount_bands(enterprise) and
  amount = terms.amount and
  amount matches Integer and
  terms.currency = "CNY" and
  amount < context.parameters.sole_owner_limit * 100000;

# The company's processes are for those who ask others; their hours and amounts are the owner's own word here.
#@ A-03
meets(person: Person, "PROCESS_FOLLOWED", "use", seal: Seal, context) if
  sealed_contract(context, contract) and
  seals_alone(person, seal, contract, context);

# Each time with the owner's own face, whatever the kind of seal, and nothing in its place.
#@ A-03
requires("use", _: Seal, "SOLE_OWNER_PRESENT");
meets(person: Person, "SOLE_OWNER_PRESENT", "use", seal: Seal, context) if
  not acts_alone(person, seal.enterprise, context);
meets(person: Person, "SOLE_OWNER_PRESENT", "use", _: Seal, context) if
  sealing_task(context, task) and
  fresh_face_check(
    context.verification, person, "SIGN", "SigningTask", task.id, context.parameters.face_for_use, context) and
  covers_all_documents(context.verification, context);

obligation(person: Person, "use", seal: Seal, context, "CONSUME_VERIFICATION") if
  acts_alone(person, seal.enterprise, context);
obligation(person: Person, "use", seal: Seal, context, "NOTIFY_REGISTERED_CONTACT") if
  acts_alone(person, seal.enterprise, context);
obligation(person: Person, "use", seal: Seal, context, "ALERT_SOLE_OWNER") if
  acts_alone(person, seal.enterprise, context);

# --- stamping --------------------------------------------------------------------------------------------------------

# A physical seal is stamped on a request of one's own. There is nobody to approve the owner's: what it says of papers,
# device, times and code still holds. Papers whose contract is not known are not stamped alone.
#@ A-03
meets(person: Person, "STAMP_APPROVED", "stamp", seal: Seal, context) if stamps_alone(person, seal, context);
meets(person: Person, "PROCESS_FOLLOWED", "stamp", seal: Seal, context) if stamps_alone(person, seal, context);

stamps_alone(person: Person, seal: Seal, context) if
  own_named_request(person, seal, request, context) and
  is_approved_state(request) and
  not was_refused(request) and
  is_within_time(request, context) and
  request.used < request.uses and
  sealed_contract(context, contract) and
  seals_alone(person, seal, contract, context);

obligation(person: Person, "stamp", seal: Seal, context, "NOTIFY_REGISTERED_CONTACT") if
  acts_alone(person, seal.enterprise, context);
obligation(person: Person, "stamp", seal: Seal, context, "ALERT_SOLE_OWNER") if
  acts_alone(person, seal.enterprise, context);

lapses(person: Person, "stamp", seal: Seal, context, at) if
  stamps_alone(person, seal, context) and
  own_named_request(person, seal, request, context) and
  at = request.valid_to;

# --- reviewing a seal ------------------------------------------------------------------------------------------------

# The first seal of the company, and every other that is not the representative's own: with their own face.
#@ A-03
meets(person: Person, "NOT_OWN_REVIEW", "decide", review: SealReview, context) if
  review.submitted_by.person_id = person.id and
  review.seal.kind != "LEGAL_REP" and
  acts_alone(person, review.seal.enterprise, context) and
  bound_face_check(
    context.verification, person, "SEAL_MANAGE", "SealReview", review.id, context.parameters.face_for_management,
    context);
because("NOT_OWN_REVIEW", "FACE_VERIFICATION_REQUIRED", person: Person, review: SealReview, context) if
  review.submitted_by.person_id = person.id and
  review.seal.kind != "LEGAL_REP" and
  acts_alone(person, review.seal.enterprise, context) and
  not bound_face_check(
    context.verification, person, "SEAL_MANAGE", "SealReview", review.id, context.parameters.face_for_management,
    context) and
  not is_ahead_check(context.verification, person, context);

# A face that was reviewed so stays reviewed: it was right when it was decided.
was_alone_at(decider: Membership, enterprise: Enterprise, at, context) if
  decider.joined_at <= at and
  at < decider.ended_at and
  was_legal_representative(decider.person_id, enterprise, at, context.parameters.registry_fresh_within) and
  is_certified_owner(decider.person_id, enterprise, at) and
  forall(other in enterprise.memberships,
         other.person_id = decider.person_id or at < other.joined_at or was_gone_long_before(other, at, context));

obligation(person: Person, "decide", review: SealReview, context, "CONSUME_VERIFICATION") if
  decides_own_review(person, review, context);
obligation(person: Person, "decide", review: SealReview, context, "NOTIFY_REGISTERED_CONTACT") if
  decides_own_review(person, review, context);
obligation(person: Person, "decide", review: SealReview, context, "ALERT_SOLE_OWNER") if
  decides_own_review(person, review, context);
obligation_parameter("CONSUME_VERIFICATION", "verification_id", id, _: Person, "decide", _: SealReview, context) if
  check_id(context.verification, id);

decides_own_review(person: Person, review: SealReview, context) if
  review.submitted_by.person_id = person.id and
  acts_alone(person, review.seal.enterprise, context);

lapses(person: Person, "decide", review: SealReview, context, at) if
  face_lapses(
    context.verification, person, "SEAL_MANAGE", "SealReview", review.id, context.parameters.face_for_management,
    context, at);

parameter("VERIFY_FACE", "purpose", "SEAL_MANAGE", _: Person, _: SealReview, _);
parameter("VERIFY_FACE", "bound_type", "SealReview", _: Person, _: SealReview, _);
parameter("VERIFY_FACE", "bound_id", id, _: Person, review: SealReview, _) if id = review.id;

# --- when it ends, and what to do instead ----------------------------------------------------------------------------

lapses(person: Person, "use", seal: Seal, context, at) if sole_authority_lapses(person, seal.enterprise, context, at);
lapses(person: Person, "open", task: SigningTask, context, at) if
  owner(task, context, enterprise) and
  sole_authority_lapses(person, enterprise, context, at);
lapses(person: Person, "stamp", seal: Seal, context, at) if sole_authority_lapses(person, seal.enterprise, context, at);
lapses(person: Person, "decide", review: SealReview, context, at) if
  sole_authority_lapses(person, review.seal.enterprise, context, at);

sole_authority_lapses(person: Person, enterprise: Enterprise, context, at) if
  acts_alone(person, enterprise, context) and
  fresh_snapshot(enterprise, snapshot, context) and
  at = snapshot.fetched_at + context.parameters.registry_fresh_within;
lapses(person: Person, "use", seal: Seal, context, at) if
  acts_alone(person, seal.enterprise, context) and
  sealing_task(context, task) and
  face_lapses(
    context.verification, person, "SIGN", "SigningTask", task.id, context.parameters.face_for_use, context, at);

# The owner who is the only member, and may not do this alone, hears that it takes a second person, …
#@ A-03
because(["SEAL_AUTHORITY", "NOT_OWN_REVIEW"], "SECOND_PERSON_NEEDED", person: Person, resource, context) if
  lacks_second_person(person, resource, _, context);

lacks_second_person(person: Person, seal: Seal, enterprise, context) if
  lacks_authority(person, seal, context) and
  enterprise = seal.enterprise and
  is_only_member(person, enterprise, context);
lacks_second_person(person: Person, review: SealReview, enterprise, context) if
  review.submitted_by.person_id = person.id and
  enterprise = review.seal.enterprise and
  is_only_member(person, enterprise, context) and
  not decides_own_review(person, review, context);

is_only_member(person: Person, enterprise: Enterprise, context) if
  member(person, enterprise, _, context) and
  legal_representative(person, enterprise, context) and
  forall(other in enterprise.memberships, other.person_id = person.id or other.state = "ENDED");

# … and each condition that is missing for acting alone.
#@ A-03 A-14
because(["SEAL_AUTHORITY", "NOT_OWN_REVIEW"], "REGISTRY_STALE", person: Person, resource, context) if
  lacks_second_person(person, resource, enterprise, context) and
  not representative_today(person, enterprise, context);
because(["SEAL_AUTHORITY", "NOT_OWN_REVIEW"], "SOLE_OWNER_UNCONFIRMED", person: Person, resource, context) if
  lacks_second_person(person, resource, enterprise, context) and
  not is_certified_owner(person.id, enterprise, context.now);
because(["SEAL_AUTHORITY", "NOT_OWN_REVIEW"], "FORMER_MEMBER_LATELY", person: Person, resource, context) if
  lacks_second_person(person, resource, enterprise, context) and
  former_member_lately(person.id, enterprise, _, context);
because(["SEAL_AUTHORITY", "NOT_OWN_REVIEW"], "CONTACT_NOT_REGISTERED", person: Person, resource, context) if
  lacks_second_person(person, resource, enterprise, context) and
  not has_registered_contact(enterprise, context);
because(["SEAL_AUTHORITY", "NOT_OWN_REVIEW"], "CONTACT_CHANGED_LATELY", person: Person, resource, context) if
  lacks_second_person(person, resource, enterprise, context) and
  changed_contact_lately(enterprise, context);
because(["SEAL_AUTHORITY", "NOT_OWN_REVIEW"], "REPRESENTATIVE_CHANGED_LATELY", person: Person, resource, context) if
  lacks_second_person(person, resource, enterprise, context) and
  has_had_other_representative(person.id, enterprise, context);
because(["SEAL_AUTHORITY", "NOT_OWN_REVIEW"], "RETRIEVED_LATELY", person: Person, resource, context) if
  lacks_second_person(person, resource, enterprise, context) and
  retrieved_lately(enterprise, _, context);
because(["SEAL_AUTHORITY", "NOT_OWN_REVIEW"], "RETRIEVAL_HOLD", person: Person, resource, context) if
  lacks_second_person(person, resource, enterprise, context) and
  is_being_retrieved(enterprise, context);

reason("SOLE_OWNER_UNCONFIRMED", 110, "USER", "CONTACT_PLATFORM");
reason("FORMER_MEMBER_LATELY", 110, "USER", "WAIT_UNTIL");
reason("CONTACT_NOT_REGISTERED", 110, "USER", "CONTACT_PLATFORM");
reason("CONTACT_CHANGED_LATELY", 110, "USER", "WAIT_UNTIL");
reason("REPRESENTATIVE_CHANGED_LATELY", 110, "USER", "WAIT_UNTIL");
reason("RETRIEVED_LATELY", 110, "USER", "WAIT_UNTIL");

# Until all of them have settled, as far as time settles them.
parameter("WAIT_UNTIL", "wait_until", at, person: Person, resource, context) if
  lacks_second_person(person, resource, enterprise, context) and
  settles_at(person.id, enterprise, at, context) and
  not settles_later(person.id, enterprise, at, context);

settles_later(person_id, enterprise: Enterprise, at, context) if
  settles_at(person_id, enterprise, later, context) and
  at < later;

settles_at(person_id, enterprise: Enterprise, at, context) if former_member_lately(person_id, enterprise, at, context);
settles_at(_, enterprise: Enterprise, at, context) if
  changed_contact_lately(enterprise, context) and
  at = enterprise.contact_changed_at + context.parameters.sole_owner_settled;
settles_at(_, enterprise: Enterprise, at, context) if retrieved_lately(enterprise, at, context);
settles_at(person_id, enterprise: Enterprise, at, context) if
  has_had_other_representative(person_id, enterprise, context) and
  since in enterprise.registry_snapshots and
  is_named_since(person_id, since, enterprise) and
  not was_named_before(person_id, since, enterprise) and
  at = since.fetched_at + context.parameters.sole_owner_settled;

is_named_since(person_id, since: RegistrySnapshot, enterprise: Enterprise) if
  since.legal_rep_id matches String and
  since.legal_rep_id = person_id and
  forall(other in enterprise.registry_snapshots,
         not names_no_more_than_another(other, person_id) or other.fetched_at < since.fetched_at);

was_named_before(person_id, since: RegistrySnapshot, enterprise: Enterprise) if
  earlier in enterprise.registry_snapshots and
  is_named_since(person_id, earlier, enterprise) and
  earlier.fetched_at < since.fetched_at;

former_member_lately(person_id, enterprise: Enterprise, at, context) if
  other in enterprise.memberships and
  other.person_id != person_id and
  other.state = "ENDED" and
  at = other.ended_at + context.parameters.sole_owner_settled and
  context.now < at;
