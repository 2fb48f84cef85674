# Seal management: who makes, changes, reviews and ends seals, and who keeps them.
#
# Managing is not using: a seal administrator who wants to stamp needs a grant like everybody else. What is hard to undo
# takes two persons: one submits the face of a seal and another reviews it, one proposes an ending and another carries
# it out. (Electronic Seal Measures 17, 18 and 21; Tencent's seal review; published company seal rules: seals of
# different weight are kept apart, two witnesses see a seal destroyed.)

# --- who manages -----------------------------------------------------------------------------------------------------

# S-01: Only a seal administrator or the legal representative manages seals, and the legal representative's own seal
# only that representative.
#@ S-01
requires("create_seal", _: Enterprise, "SEAL_MANAGER");
requires("edit", _: Seal, "SEAL_MANAGER");
requires("submit_review", _: Seal, "SEAL_MANAGER");
requires("disable", _: Seal, "SEAL_MANAGER");
requires("enable", _: Seal, "SEAL_MANAGER");
requires("revoke", _: Seal, "SEAL_MANAGER");
requires("destroy", _: Seal, "SEAL_MANAGER");
requires("assign_custodian", _: Seal, "SEAL_MANAGER");
requires("collect", _: Seal, "SEAL_MANAGER");
meets(person: Person, "SEAL_MANAGER", "create_seal", enterprise: Enterprise, context: SealCreationContext) if
  administers_seals_of(person, enterprise, context) and
  is_enterprise_kind(context.kind);
# Who does not say yet which kind it is asks about a button; it is said when the seal is made.
meets(person: Person, "SEAL_MANAGER", "create_seal", enterprise: Enterprise, context: SealCreationContext) if
  administers_seals_of(person, enterprise, context) and
  context.kind = nil;
meets(person: Person, "SEAL_MANAGER", "create_seal", enterprise: Enterprise, context: SealCreationContext) if
  legal_representative(person, enterprise, context) and
  context.kind = "LEGAL_REP";
meets(person: Person, "SEAL_MANAGER", "edit", seal: Seal, context) if may_manage(person, seal, context);
meets(person: Person, "SEAL_MANAGER", "submit_review", seal: Seal, context) if may_manage(person, seal, context);
meets(person: Person, "SEAL_MANAGER", "disable", seal: Seal, context) if may_manage(person, seal, context);
meets(person: Person, "SEAL_MANAGER", "enable", seal: Seal, context) if may_manage(person, seal, context);
meets(person: Person, "SEAL_MANAGER", "revoke", seal: Seal, context) if may_manage(person, seal, context);
meets(person: Person, "SEAL_MANAGER", "destroy", seal: Seal, context) if may_manage(person, seal, context);
meets(person: Person, "SEAL_MANAGER", "assign_custodian", seal: Seal, context) if may_manage(person, seal, context);
meets(person: Person, "SEAL_MANAGER", "collect", seal: Seal, context) if may_manage(person, seal, context);

is_enterprise_kind(kind) if
  kind in ["OFFICIAL", "CONTRACT", "FINANCE", "PERSONNEL", "INVOICE", "DEPARTMENT", "OTHER"];

may_manage(person: Person, seal: Seal, context) if
  seal.kind != "LEGAL_REP" and
  administers_seal(person, seal, context);
may_manage(person: Person, seal: Seal, context) if legal_representative(person, seal.enterprise, context);

# S-05: The legal representative's seal is made, granted, switched on and ended by the present legal representative
# alone.
#@ S-05
because("SEAL_MANAGER", "LEGAL_REP_ONLY", person: Person, resource, context) if
  seal_of(resource, seal) and
  is_legal_rep_only(person, seal, context);

because("SEAL_MANAGER", "LEGAL_REP_ONLY", person: Person, enterprise: Enterprise, context: SealCreationContext) if
  context.kind = "LEGAL_REP" and
  not legal_representative(person, enterprise, context);

is_legal_rep_only(person: Person, seal: Seal, context) if
  seal.kind = "LEGAL_REP" and
  has_active_role(person, seal.enterprise, "SEAL_ADMIN", context) and
  not legal_representative(person, seal.enterprise, context);

# A grant of the right MANAGE gives the daily care of one seal: to edit it, to submit its face for review, to switch it
# off, to collect it and to say who keeps it. It starts nothing: who holds it neither switches the seal on nor grants it,
# decides no review and ends nothing. The legal representative's seal is in nobody else's care.
#@ S-01 S-05
meets(person: Person, "SEAL_MANAGER", "edit", seal: Seal, context) if cares_for(person, seal, _, context);
meets(person: Person, "SEAL_MANAGER", "submit_review", seal: Seal, context) if cares_for(person, seal, _, context);
meets(person: Person, "SEAL_MANAGER", "disable", seal: Seal, context) if cares_for(person, seal, _, context);
meets(person: Person, "SEAL_MANAGER", "assign_custodian", seal: Seal, context) if cares_for(person, seal, _, context);
meets(person: Person, "SEAL_MANAGER", "collect", seal: Seal, context) if cares_for(person, seal, _, context);

cares_for(person: Person, seal: Seal, grant, context) if
  seal.kind != "LEGAL_REP" and
  grant in seal.grants and
  grant.right = "MANAGE" and
  grant.membership.person_id = person.id and
  is_live(grant.membership, context) and
  grant.membership.enterprise_id = seal.enterprise_id and
  is_live_grant(grant, context) and
  not gave_grant(person.id, grant) and
  not audits_seal(person, seal, context);

# What must not depend on the legal representative alone, their own seal included: deciding a review, proposing an end,
# reporting a lost seal found. Any seal administrator does these, so that two persons can be found for them.
#@ S-01 S-02
requires("decide", _: SealReview, "SEAL_ADMINISTRATION");
requires("propose_end", _: Seal, "SEAL_ADMINISTRATION");
meets(person: Person, "SEAL_ADMINISTRATION", "decide", review: SealReview, context) if
  administers_seal(person, review.seal, context);
meets(person: Person, "SEAL_ADMINISTRATION", "propose_end", seal: Seal, context) if
  administers_seal(person, seal, context);

administers_seals_of(person: Person, enterprise: Enterprise, context) if
  has_active_role(person, enterprise, "SEAL_ADMIN", context) and
  not audits_seals_of(person, enterprise, context);
administers_seals_of(person: Person, enterprise: Enterprise, context) if
  legal_representative(person, enterprise, context);

administers_seal(person: Person, seal: Seal, context) if administers_as_seal_administrator(person, seal, context);
administers_seal(person: Person, seal: Seal, context) if legal_representative(person, seal.enterprise, context);

administers_as_seal_administrator(person: Person, seal: Seal, context) if
  has_active_role(person, seal.enterprise, "SEAL_ADMIN", context) and
  not audits_seal(person, seal, context);

# S-04: An auditor reads, and neither manages nor uses seals, whatever else they may be: nobody checks their own work.
# The legal representative is the exception: an administrator could otherwise shut them out of their own seal by making
# them an auditor.
#@ S-04
because("SEAL_MANAGER", "AUDITOR_READ_ONLY", person: Person, enterprise: Enterprise, context) if
  audits_seals_of(person, enterprise, context) and
  not legal_representative(person, enterprise, context);
because("SEAL_MANAGER", "AUDITOR_READ_ONLY", person: Person, resource, context) if
  seal_of(resource, seal) and
  is_only_auditor(person, seal, context);
because("SEAL_ADMINISTRATION", "AUDITOR_READ_ONLY", person: Person, resource, context) if
  seal_of(resource, seal) and
  is_only_auditor(person, seal, context);

is_only_auditor(person: Person, seal: Seal, context) if
  audits_seal(person, seal, context) and
  not legal_representative(person, seal.enterprise, context);

# A person whose audit is still to begin manages nothing either, so that no allow ends when it begins.
audits_seals_of(person: Person, enterprise: Enterprise, context) if
  member(person, enterprise, membership, context) and
  assignment in membership.assignments and
  assignment.role = "SEAL_AUDITOR" and
  assignment.state = "ACTIVE" and
  context.now < assignment.valid_to;

audits_seal(person: Person, seal: Seal, context) if audits_seals_of(person, seal.enterprise, context);
audits_seal(person: Person, seal: Seal, context) if
  grant in seal.grants and
  grant.right = "AUDIT" and
  grant.membership.person_id = person.id and
  grant.state in ["PENDING_EFFECT", "ACTIVE"] and
  context.now < grant.valid_to;

# --- the life of a seal ----------------------------------------------------------------------------------------------

# A seal that is revoked or destroyed is never changed again.
#@ S-01
requires("edit", _: Seal, "SEAL_NOT_ENDED");
requires("enable", _: Seal, "SEAL_NOT_ENDED");
requires("propose_end", _: Seal, "SEAL_NOT_ENDED");
requires("revoke", _: Seal, "SEAL_NOT_ENDED");
requires("assign_custodian", _: Seal, "SEAL_NOT_ENDED");
requires("request_use", _: Seal, "SEAL_NOT_ENDED");
meets(_: Person, "SEAL_NOT_ENDED", "edit", seal: Seal, _) if is_not_ended(seal);
meets(_: Person, "SEAL_NOT_ENDED", "enable", seal: Seal, _) if is_not_ended(seal);
meets(_: Person, "SEAL_NOT_ENDED", "propose_end", seal: Seal, _) if is_not_ended(seal);
meets(_: Person, "SEAL_NOT_ENDED", "revoke", seal: Seal, _) if is_not_ended(seal);
meets(_: Person, "SEAL_NOT_ENDED", "assign_custodian", seal: Seal, _) if is_not_ended(seal);
meets(_: Person, "SEAL_NOT_ENDED", "request_use", seal: Seal, _) if is_not_ended(seal);

# Only what was in use is switched off. A lost, expired, collected or unreviewed seal that could be "disabled" would
# come back into use by being enabled, past the check that it waits for.
#@ S-01
requires("disable", _: Seal, "SEAL_CAN_BE_DISABLED");
meets(_: Person, "SEAL_CAN_BE_DISABLED", "disable", seal: Seal, _) if seal.state in ["ACTIVE", "DISABLED"];
because("SEAL_CAN_BE_DISABLED", "SEAL_REVOKED", _: Person, seal: Seal, _) if is_ended(seal);
because("SEAL_CAN_BE_DISABLED", "SEAL_LOST", _: Person, seal: Seal, _) if seal.state = "LOST";
because("SEAL_CAN_BE_DISABLED", "SEAL_UNDER_REVIEW", _: Person, seal: Seal, _) if is_unreviewed(seal);
because("SEAL_CAN_BE_DISABLED", "SEAL_EXPIRED", _: Person, seal: Seal, _) if seal.state = "EXPIRED";

# A seal that was reported lost, or is still under review, is not simply switched on.
#@ S-01
requires("enable", _: Seal, "SEAL_CAN_BE_ENABLED");
meets(_: Person, "SEAL_CAN_BE_ENABLED", "enable", seal: Seal, _) if seal.state in ["ACTIVE", "DISABLED"];

# A thing that is switched off and at hand is collected. It is not used any more, and destroyed before witnesses or, where
# it is not found when that is to be done, reported lost.
#@ S-14
requires("collect", _: Seal, "SEAL_CAN_BE_COLLECTED");
requires("collect", _: Seal, "SEAL_AT_HAND");
meets(_: Person, "SEAL_CAN_BE_COLLECTED", "collect", seal: Seal, _) if
  seal.category = "PHYSICAL" and
  seal.state = "DISABLED";
because("SEAL_CAN_BE_COLLECTED", "SEAL_NOT_PHYSICAL", _: Person, seal: Seal, _) if seal.category = "ELECTRONIC";
because("SEAL_CAN_BE_COLLECTED", "SEAL_REVOKED", _: Person, seal: Seal, _) if is_ended(seal);
because("SEAL_CAN_BE_COLLECTED", "SEAL_LOST", _: Person, seal: Seal, _) if seal.state = "LOST";
because("SEAL_CAN_BE_COLLECTED", "SEAL_UNDER_REVIEW", _: Person, seal: Seal, _) if is_unreviewed(seal);
because("SEAL_CAN_BE_COLLECTED", "SEAL_EXPIRED", _: Person, seal: Seal, _) if seal.state = "EXPIRED";
meets(_: Person, "SEAL_AT_HAND", "collect", seal: Seal, _) if not outing_of(seal, _);

# --- review ----------------------------------------------------------------------------------------------------------

# S-02: A seal goes into use with a face that another person has reviewed, and that bears the registered name. One that
# came without a face on file and was never reviewed (a physical seal, an old one taken over) has none that could have
# changed.
#@ S-02
requires("enable", _: Seal, "FACE_REVIEWED");
meets(_: Person, "FACE_REVIEWED", "enable", seal: Seal, _) if has_reviewed_face(seal);

has_reviewed_face(seal: Seal) if
  review in seal.reviews and
  review.state = "PASSED" and
  review.face_digest = seal.face_digest;
has_reviewed_face(seal: Seal) if
  seal.face_digest = "" and
  not (_ in seal.reviews);

# A new seal is submitted for review, one that was turned down again, and one in use when its face has changed.
#@ S-02
requires("submit_review", _: Seal, "REVIEW_DUE");
requires("submit_review", _: Seal, "NO_OPEN_REVIEW");
requires("submit_review", _: Seal, "FACE_ON_FILE");
meets(_: Person, "REVIEW_DUE", "submit_review", seal: Seal, _) if seal.state in ["DRAFT", "REVIEW_REJECTED"];
meets(_: Person, "REVIEW_DUE", "submit_review", seal: Seal, _) if
  seal.state in ["ACTIVE", "DISABLED"] and
  not has_reviewed_face(seal);
# … and one whose newest review does not let it be used (seal_use.polar), even where an earlier one passed the same
# face.
meets(_: Person, "REVIEW_DUE", "submit_review", seal: Seal, context) if
  seal.state in ["ACTIVE", "DISABLED"] and
  not has_usable_face(seal, context);
meets(_: Person, "NO_OPEN_REVIEW", "submit_review", seal: Seal, _) if not is_in_review(seal);
meets(_: Person, "FACE_ON_FILE", "submit_review", seal: Seal, _) if seal.face_digest != "";
because("REVIEW_DUE", "SEAL_UNDER_REVIEW", _: Person, seal: Seal, _) if seal.state = "PENDING_REVIEW";
because("REVIEW_DUE", "SEAL_REVOKED", _: Person, seal: Seal, _) if is_ended(seal);

is_in_review(seal: Seal) if review in seal.reviews and review.state = "IN_REVIEW";

# Somebody else decides, once: on the face that was submitted, and on the name that the registry gives the enterprise. A
# face that does not fit can only be turned down.
#@ S-02
requires("decide", _: SealReview, "REVIEW_OPEN");
requires("decide", _: SealReview, "NOT_OWN_REVIEW");
requires("decide", _: SealReview, "FACE_AS_SUBMITTED");
requires("decide", _: SealReview, "NAME_AS_REGISTERED");
meets(_: Person, "REVIEW_OPEN", "decide", review: SealReview, _) if is_open_review(review);

is_open_review(review: SealReview) if
  review.state = "IN_REVIEW" and
  review.seal.state = "PENDING_REVIEW";
meets(person: Person, "NOT_OWN_REVIEW", "decide", review: SealReview, context) if
  is_second_person(person, review.submitted_by.person_id, review.seal.enterprise, context) and
  not is_submitted_for(person.id, review, context);

# A person in whose care somebody put the seal submits it for that one, who is no second person for it.
is_submitted_for(person_id, review: SealReview, context) if
  grant in review.seal.grants and
  grant.right = "MANAGE" and
  are_one_human(grant.membership.person_id, review.submitted_by.person_id, review.seal.enterprise) and
  put_into_care(person_id, grant) and
  not ran_seals(review.submitted_by.person_id, review.seal.enterprise, review.submitted_at, context);

put_into_care(person_id, grant: SealGrant) if
  granted_or_confirmed(giver_id, grant) and
  are_one_human(giver_id, person_id, grant.seal.enterprise);

meets(_: Person, "FACE_AS_SUBMITTED", "decide", review: SealReview, _) if has_submitted_face(review);
meets(_: Person, "NAME_AS_REGISTERED", "decide", review: SealReview, _) if bears_registered_name(review);

has_submitted_face(review: SealReview) if
  review.face_digest != "" and
  review.face_digest = review.seal.face_digest;

bears_registered_name(review: SealReview) if
  review.seal.kind != "LEGAL_REP" and
  snapshot in review.seal.enterprise.registry_snapshots and
  snapshot.is_current = true and
  snapshot.registered_name != "" and
  snapshot.registered_name = review.name_on_seal;
# The legal representative's seal bears their name, not the enterprise's: it must be the seal of the present one.
bears_registered_name(review: SealReview) if
  review.seal.kind = "LEGAL_REP" and
  review.name_on_seal != "" and
  review.seal.legal_rep_id matches String and
  snapshot in review.seal.enterprise.registry_snapshots and
  snapshot.is_current = true and
  snapshot.is_matched = true and
  snapshot.legal_rep_id = review.seal.legal_rep_id;
waived("FACE_AS_SUBMITTED", "decide", _: SealReview, context: ReviewContext) if context.verdict = "REJECTED";
waived("NAME_AS_REGISTERED", "decide", _: SealReview, context: ReviewContext) if context.verdict = "REJECTED";

# In the first days of an enterprise a reviewer of the platform is the second pair of eyes, so that nobody has to join
# before its first seals are in use: not one who ever belonged to it.
#@ S-02
requires("examine", _: SealReview, "REVIEWER");
requires("examine", _: SealReview, "NO_REVIEW_CONFLICT");
requires("examine", _: SealReview, "FIRST_DAYS");
requires("examine", _: SealReview, "REVIEW_OPEN");
requires("examine", _: SealReview, "FACE_AS_SUBMITTED");
requires("examine", _: SealReview, "NAME_AS_REGISTERED");
meets(person: Person, "REVIEWER", "examine", _: SealReview, _) if is_reviewer(person);
meets(person: Person, "NO_REVIEW_CONFLICT", "examine", review: SealReview, _) if is_outsider(person.id, review);
meets(_: Person, "FIRST_DAYS", "examine", review: SealReview, context) if
  is_in_first_days(review.seal.enterprise, context.now, context);
meets(_: Person, "REVIEW_OPEN", "examine", review: SealReview, _) if is_open_review(review);
meets(_: Person, "FACE_AS_SUBMITTED", "examine", review: SealReview, _) if has_submitted_face(review);
meets(_: Person, "NAME_AS_REGISTERED", "examine", review: SealReview, _) if bears_registered_name(review);
waived("FACE_AS_SUBMITTED", "examine", _: SealReview, context: ExamineContext) if context.verdict = "REJECTED";
waived("NAME_AS_REGISTERED", "examine", _: SealReview, context: ExamineContext) if context.verdict = "REJECTED";

is_outsider(person_id, review: SealReview) if
  enterprise = review.seal.enterprise and
  not was_ever_member(person_id, enterprise) and
  not was_ever_named(person_id, enterprise);

is_in_first_days(enterprise: Enterprise, at, context) if
  found in enterprise.authentications and
  found.purpose = "FIRST" and
  found.state = "PASSED" and
  found.decided_at <= at and
  at < found.decided_at + context.parameters.first_days;

# --- ending a seal ---------------------------------------------------------------------------------------------------

# S-14: A seal is ended by two persons, with a reason, and not while a task waits for it. One proposes it, one at a time
# …
#@ S-14
requires("propose_end", _: Seal, "REASON_STATED");
requires("propose_end", _: Seal, "NO_OPEN_PROPOSAL");
meets(_: Person, "REASON_STATED", "propose_end", _: Seal, context) if is_stated(context.reason);
meets(_: Person, "NO_OPEN_PROPOSAL", "propose_end", seal: Seal, _) if not is_proposed_to_end(seal);

is_proposed_to_end(seal: Seal) if proposal in seal.proposals and proposal.state = "OPEN";

# … and another carries it out, while the first still administers the seals.
#@ S-14
requires("revoke", _: Seal, "END_PROPOSED");
requires("destroy", _: Seal, "END_PROPOSED");
meets(person: Person, "END_PROPOSED", "revoke", seal: Seal, context) if
  is_proposed_by_another(person, seal, "REVOKE", context);
meets(person: Person, "END_PROPOSED", "destroy", seal: Seal, context) if
  is_proposed_by_another(person, seal, "DESTROY", context);
because("END_PROPOSED", "DUAL_CONTROL_REQUIRED", person: Person, seal: Seal, _) if
  is_proposed_to_end(seal) and
  not has_proposal_of_another(person, seal);

valid_proposal(seal: Seal, ending, proposal, context) if
  proposal in seal.proposals and
  proposal.state = "OPEN" and
  proposal.ending = ending and
  proposal.proposed_at <= context.now and
  administers_seal(proposal.proposed_by.person, seal, context);

is_proposed_by_another(person: Person, seal: Seal, ending, context) if
  valid_proposal(seal, ending, proposal, context) and
  is_second_person(person, proposal.proposed_by.person_id, seal.enterprise, context);

has_proposal_of_another(person: Person, seal: Seal) if
  proposal in seal.proposals and
  proposal.state = "OPEN" and
  not account_id(person, proposal.proposed_by.person_id);

# No seal ends under a contract that waits for it.
#@ S-14
requires("revoke", _: Seal, "NO_TASK_WAITS");
requires("destroy", _: Seal, "NO_TASK_WAITS");
meets(_: Person, "NO_TASK_WAITS", "revoke", _: Seal, context: SealEndContext) if not task_waits(context);
meets(_: Person, "NO_TASK_WAITS", "destroy", _: Seal, context: SealEndContext) if not task_waits(context);

task_waits(context: SealEndContext) if
  task in context.tasks and
  is_open_state(task) and
  is_unfinished_contract(task.signatory.contract);

# A physical seal is destroyed after it was collected, before two witnesses who neither proposed it nor do it.
#@ S-14
requires("destroy", _: Seal, "SEAL_COLLECTED");
requires("destroy", _: Seal, "WITNESSED");
meets(_: Person, "SEAL_COLLECTED", "destroy", seal: Seal, _) if
  seal.category = "PHYSICAL" and
  seal.state = "COLLECTED";
because("SEAL_COLLECTED", "SEAL_REVOKED", _: Person, seal: Seal, _) if is_ended(seal);
because("SEAL_COLLECTED", "SEAL_NOT_PHYSICAL", _: Person, seal: Seal, _) if seal.category = "ELECTRONIC";
meets(person: Person, "WITNESSED", "destroy", seal: Seal, context) if
  valid_proposal(seal, "DESTROY", proposal, context) and
  one in proposal.witnesses and
  may_witness(one, proposal, person, context) and
  other in proposal.witnesses and
  other.membership.person_id != one.membership.person_id and
  may_witness(other, proposal, person, context);

# A witness said so themself, once it was proposed, and is still a present member.
#@ A-02
may_witness(witness: SealWitness, proposal: SealProposal, person: Person, context) if
  proposal.proposed_at <= witness.agreed_at and
  witness.agreed_at <= context.now and
  is_live(witness.membership, context) and
  witness.membership.enterprise_id = proposal.seal.enterprise_id and
  is_active_and_verified(witness.membership.person) and
  witness.membership.person_id != person.id and
  not are_one_human(witness.membership.person_id, proposal.proposed_by.person_id, proposal.seal.enterprise);

# No seal ends while the enterprise is being retrieved …
#@ R-12
requires("revoke", _: Seal, "NO_RETRIEVAL_HOLD");
requires("destroy", _: Seal, "NO_RETRIEVAL_HOLD");
meets(_: Person, "NO_RETRIEVAL_HOLD", "revoke", seal: Seal, context) if
  not is_held_by_retrieval(seal.enterprise, context);
meets(_: Person, "NO_RETRIEVAL_HOLD", "destroy", seal: Seal, context) if
  not is_held_by_retrieval(seal.enterprise, context);
# … nor by the new administrator in the time after it.
#@ R-13
requires("revoke", _: Seal, "COOLED_OFF");
requires("destroy", _: Seal, "COOLED_OFF");
meets(person: Person, "COOLED_OFF", "revoke", seal: Seal, context) if
  not cooling_off(person, seal.enterprise, _, context);
meets(person: Person, "COOLED_OFF", "destroy", seal: Seal, context) if
  not cooling_off(person, seal.enterprise, _, context);

# --- custody ---------------------------------------------------------------------------------------------------------

# A seal is kept by an active member with a verified name, of the enterprise that owns it.
#@ S-15
requires("assign_custodian", _: Seal, "CUSTODIAN_MEMBER");
meets(_: Person, "CUSTODIAN_MEMBER", "assign_custodian", seal: Seal, context: CustodyContext) if
  custodian = context.custodian and
  custodian matches Membership and
  is_live(custodian, context) and
  custodian.enterprise_id = seal.enterprise_id and
  is_active_and_verified(custodian.person);

# S-15: One person does not keep two of the official, finance and legal representative's seals, and does not approve the
# use of a seal that they keep. An acting custodian, now or later, counts too.
#@ S-15
requires("assign_custodian", _: Seal, "CUSTODY_APART");
meets(_: Person, "CUSTODY_APART", "assign_custodian", seal: Seal, context: CustodyContext) if
  not keeps_conflicting_seal(context.custodian, seal, context);

keeps_conflicting_seal(custodian, seal: Seal, context) if
  custodian matches Membership and
  is_key_seal(seal) and
  other in seal.enterprise.seals and
  is_key_seal(other) and
  other.kind != seal.kind and
  not is_ended(other) and
  keeps_seal_now_or_later(custodian.person_id, other, context);

# A person who approves the use of a seal does not keep it.
#@ S-15
requires("assign_custodian", _: Seal, "CUSTODIAN_NOT_APPROVER");
meets(_: Person, "CUSTODIAN_NOT_APPROVER", "assign_custodian", seal: Seal, context: CustodyContext) if
  not approves_use_of(context.custodian, seal, context);

approves_use_of(custodian, seal: Seal, context) if
  custodian matches Membership and
  grant in seal.grants and
  grant.right = "APPROVE" and
  are_one_human(grant.membership.person_id, custodian.person_id, seal.enterprise) and
  is_revocable(grant) and
  context.now < grant.valid_to;

# --- when the permission ends by itself ------------------------------------------------------------------------------

# When a seal administrator's own role ends, so do the acts that rest on it.
lapses(person: Person, "create_seal", enterprise: Enterprise, context, at) if
  seal_admin_lapses(person, enterprise, context, at);
lapses(person: Person, "edit", seal: Seal, context, at) if seal_admin_lapses(person, seal.enterprise, context, at);
lapses(person: Person, "submit_review", seal: Seal, context, at) if
  seal_admin_lapses(person, seal.enterprise, context, at);
lapses(person: Person, "decide", review: SealReview, context, at) if
  seal_admin_lapses(person, review.seal.enterprise, context, at);
lapses(_: Person, "examine", review: SealReview, context, at) if
  found in review.seal.enterprise.authentications and
  found.purpose = "FIRST" and
  at = found.decided_at + context.parameters.first_days and
  context.now < at;
lapses(person: Person, "disable", seal: Seal, context, at) if seal_admin_lapses(person, seal.enterprise, context, at);
lapses(person: Person, "enable", seal: Seal, context, at) if seal_admin_lapses(person, seal.enterprise, context, at);
lapses(person: Person, "propose_end", seal: Seal, context, at) if
  seal_admin_lapses(person, seal.enterprise, context, at);
lapses(person: Person, "revoke", seal: Seal, context, at) if seal_admin_lapses(person, seal.enterprise, context, at);
lapses(person: Person, "destroy", seal: Seal, context, at) if seal_admin_lapses(person, seal.enterprise, context, at);
lapses(person: Person, "assign_custodian", seal: Seal, context, at) if
  seal_admin_lapses(person, seal.enterprise, context, at);

lapses(person: Person, "collect", seal: Seal, context, at) if seal_admin_lapses(person, seal.enterprise, context, at);
lapses(person: Person, "edit", seal: Seal, context, at) if care_lapses(person, seal, context, at);
lapses(person: Person, "submit_review", seal: Seal, context, at) if care_lapses(person, seal, context, at);
lapses(person: Person, "disable", seal: Seal, context, at) if care_lapses(person, seal, context, at);
lapses(person: Person, "assign_custodian", seal: Seal, context, at) if care_lapses(person, seal, context, at);
lapses(person: Person, "collect", seal: Seal, context, at) if care_lapses(person, seal, context, at);

care_lapses(person: Person, seal: Seal, context, at) if
  cares_for(person, seal, grant, context) and
  grant_lapses(grant, at);

# … and an ending rests on the role of its proposer, too.
lapses(_: Person, "revoke", seal: Seal, context, at) if
  valid_proposal(seal, "REVOKE", proposal, context) and
  seal_admin_lapses(proposal.proposed_by.person, seal.enterprise, context, at);
lapses(_: Person, "destroy", seal: Seal, context, at) if
  valid_proposal(seal, "DESTROY", proposal, context) and
  seal_admin_lapses(proposal.proposed_by.person, seal.enterprise, context, at);
