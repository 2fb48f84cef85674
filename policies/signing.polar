# Signing: whose turn a task is, who may carry it out, approve it or pass it on, and what must be settled before a
# signature.
#
# Named operators are asked to act, and get no authority by that: the person who seals needs authority over the seal as
# well (seal_use.polar). (Public help pages of signing platforms on who acts on a task, on internal review and on
# handing tasks over; Electronic Signature Law 3 and 13; company seal rules: no blank documents.)

# --- the task's turn -------------------------------------------------------------------------------------------------

# C-01: A task is carried out while its contract is being signed and it is its turn: the task is pending, and all tasks
# before it are signed.
#@ C-01
requires("open", _: SigningTask, "TASK_READY");
meets(_: Person, "TASK_READY", "open", task: SigningTask, context) if is_own_turn(task, context);
meets(_: Person, "TASK_READY", "sign", task: SigningTask, context) if is_own_turn(task, context);
meets(_: Person, "TASK_READY", "use", seal: Seal, context) if
  sealing_task(context, task) and
  is_turn_of(seal.enterprise, task, context) and
  not is_being_sealed(context);

# C-09: Nothing is signed or sealed from the deadline of the contract on.
#@ C-09
is_ready(task: SigningTask, context) if
  task.signatory.contract.state = "SIGNING" and
  context.now < task.signatory.contract.deadline and
  is_due_state(task) and
  not has_open_task_before(task) and
  not has_failed_task_before(task);

# A task before it is still to be done …
has_open_task_before(task: SigningTask) if
  party in task.signatory.contract.signatories and
  earlier in party.tasks and
  earlier.position < task.position and
  is_open_state(earlier);

# … or was refused or ran out: the turn never comes.
has_failed_task_before(task: SigningTask) if
  party in task.signatory.contract.signatories and
  earlier in party.tasks and
  earlier.position < task.position and
  has_failed(earlier, party);

has_failed(task: SigningTask, _: Signatory) if task.state in ["REJECTED", "EXPIRED"];
# … or is an approval of which nobody says that they gave it (decision 112).
#@ C-06 A-02
has_failed(task: SigningTask, _: Signatory) if
  task.action = "APPROVE" and
  task.state = "SIGNED" and
  task.signed_by_id = nil;
# … or was an approval that somebody called off: nobody puts the seal without it (decision 106). What was passed on,
# another one has in its place.
#@ C-06
has_failed(task: SigningTask, _: Signatory) if
  task.action = "APPROVE" and
  task.state = "VOIDED";
has_failed(task: SigningTask, party: Signatory) if
  task.action = "APPROVE" and
  task.state = "TRANSFERRED" and
  not has_approval_in_place(task, party);

has_approval_in_place(task: SigningTask, party: Signatory) if
  other in party.tasks and
  other.action = "APPROVE" and
  other.position = task.position and
  other.state != "TRANSFERRED";

# Like APPROVER_SETTLED, of the time at which it was given: what somebody of the own side approved who had just taken the
# enterprise over, or has a post from them since, counts for nothing. Where nothing says when, it may have been then.
#@ R-13 C-06
is_own_turn(task: SigningTask, context) if
  is_ready(task, context) and
  forall(owner(task, context, enterprise), not is_after_early_approval(task, enterprise, context));

is_turn_of(enterprise: Enterprise, task: SigningTask, context) if
  is_ready(task, context) and
  not is_after_early_approval(task, enterprise, context);

is_after_early_approval(task: SigningTask, enterprise: Enterprise, context) if
  party in task.signatory.contract.signatories and
  party.enterprise_id matches String and
  party.enterprise_id = enterprise.id and
  earlier in party.tasks and
  earlier.action = "APPROVE" and
  earlier.state = "SIGNED" and
  earlier.position < task.position and
  approver_id = earlier.signed_by_id and
  approver_id matches String and
  is_early_approval(earlier, approver_id, enterprise, context);

is_early_approval(task: SigningTask, _, _: Enterprise, context) if context.now < task.signed_at;
is_early_approval(task: SigningTask, approver_id, enterprise: Enterprise, context) if
  task.signed_at > 0 and
  waited_after_retrieval(approver_id, enterprise, task.signed_at, context);
is_early_approval(task: SigningTask, approver_id, enterprise: Enterprise, _) if
  task.signed_at = 0 and
  case in enterprise.retrieval_cases and
  was_executed(case) and
  is_or_was_put_by_applicant(approver_id, case, enterprise);

is_or_was_put_by_applicant(person_id, case: RetrievalCase, enterprise: Enterprise) if
  are_one_human(person_id, case.applicant_id, enterprise);
is_or_was_put_by_applicant(person_id, case: RetrievalCase, enterprise: Enterprise) if
  post_since_retrieval(person_id, case, enterprise, _);

# Why a task is not ready: the contract, its deadline, or the turn.
#@ C-01
because("TASK_READY", "CONTRACT_NOT_SIGNING", _: Person, task: SigningTask, context) if
  not_ready(task, "CONTRACT_NOT_SIGNING", context);
because("TASK_READY", "CONTRACT_NOT_SIGNING", _: Person, task: SigningTask, context) if
  is_ready(task, context) and
  not is_own_turn(task, context);
because("TASK_READY", "CONTRACT_EXPIRED", _: Person, task: SigningTask, context) if
  not_ready(task, "CONTRACT_EXPIRED", context);
because("TASK_READY", "NOT_YOUR_TURN", _: Person, task: SigningTask, context) if
  not_ready(task, "NOT_YOUR_TURN", context);
because("TASK_READY", "CONTRACT_NOT_SIGNING", _: Person, _: Seal, context) if
  sealing_task(context, task) and
  not_ready(task, "CONTRACT_NOT_SIGNING", context);
because("TASK_READY", "CONTRACT_NOT_SIGNING", _: Person, seal: Seal, context) if
  sealing_task(context, task) and
  is_ready(task, context) and
  not is_turn_of(seal.enterprise, task, context);
because("TASK_READY", "CONTRACT_EXPIRED", _: Person, _: Seal, context) if
  sealing_task(context, task) and
  not_ready(task, "CONTRACT_EXPIRED", context);
because("TASK_READY", "NOT_YOUR_TURN", _: Person, _: Seal, context) if
  sealing_task(context, task) and
  not_ready(task, "NOT_YOUR_TURN", context);

not_ready(task: SigningTask, "CONTRACT_NOT_SIGNING", _) if
  task.signatory.contract.state in [
    "DRAFT", "FILLING", "COMPLETE", "REJECTED", "RECALLED", "TERMINATING", "TERMINATED", "FORCE_FINISHED", "DELETED"];
not_ready(task: SigningTask, "CONTRACT_NOT_SIGNING", _) if
  task.signatory.contract.state = "SIGNING" and
  has_failed_task_before(task);
# The deadline has passed.
#@ C-09
not_ready(task: SigningTask, "CONTRACT_EXPIRED", _) if task.signatory.contract.state = "EXPIRED";
not_ready(task: SigningTask, "CONTRACT_EXPIRED", context) if
  task.signatory.contract.state = "SIGNING" and
  task.signatory.contract.deadline <= context.now;
# A task that waits though nobody comes first is one that was not opened yet: TASK_NOT_PENDING.
not_ready(task: SigningTask, "NOT_YOUR_TURN", _) if
  task.signatory.contract.state = "SIGNING" and
  (task.state = "WAITING" or is_due_state(task)) and
  has_open_task_before(task);

# --- who carries it out ----------------------------------------------------------------------------------------------

# C-02: A task is for its named operators and nobody else; where none are named, for those with authority over its fixed
# seal; where it has none, for the seal administrators.
#@ C-02
requires("open", _: SigningTask, "TASK_OPERATOR");
meets(person: Person, "TASK_OPERATOR", "open", task: SigningTask, context) if
  is_operator(person, task, context.enterprise, context);
meets(person: Person, "TASK_OPERATOR", "open", task: SigningTask, _) if is_named_person(person, task);
meets(person: Person, "TASK_OPERATOR", "use", seal: Seal, context) if
  sealing_task(context, task) and
  is_operator(person, task, seal.enterprise, context);

# Whether they have authority over its fixed seal, SEAL_AUTHORITY asks of the use itself, and says what is missing.
meets(_: Person, "TASK_OPERATOR", "use", seal: Seal, context) if
  sealing_task(context, task) and
  not has_named_operator(task) and
  has_fixed_seal(task) and
  task.action = "CORPORATE_SEAL" and
  task_takes_seal(task, seal);

is_operator(person: Person, task: SigningTask, _: Enterprise, _) if
  task.action = "CORPORATE_SEAL" and
  operator in task.operators and
  operator.person_id = person.id;
is_operator(person: Person, task: SigningTask, enterprise: Enterprise, context) if
  task.action = "CORPORATE_SEAL" and
  not has_named_operator(task) and
  fixed in task.fixed_seals and
  seal in enterprise.seals and
  seal.id = fixed.seal_id and
  has_authority(person, seal, task.signatory.contract, context);
is_operator(person: Person, task: SigningTask, enterprise: Enterprise, context) if
  task.action = "CORPORATE_SEAL" and
  not has_named_operator(task) and
  not has_fixed_seal(task) and
  has_active_role(person, enterprise, "SEAL_ADMIN", context);

# C-03: A task for the legal representative's seal is for that representative, or for a person with a grant on the seal.
#@ C-03
is_operator(person: Person, task: SigningTask, enterprise: Enterprise, context) if
  task.action = "LEGAL_REP_SEAL" and
  legal_representative(person, enterprise, context);
is_operator(person: Person, task: SigningTask, enterprise: Enterprise, context) if
  task.action = "LEGAL_REP_SEAL" and
  seal in enterprise.seals and
  seal.kind = "LEGAL_REP" and
  has_authority(person, seal, task.signatory.contract, context);

has_named_operator(task: SigningTask) if _ in task.operators;
has_fixed_seal(task: SigningTask) if _ in task.fixed_seals;

# C-05: A task with a fixed seal takes only that seal; a task takes seals of its own party only.
#@ C-05
meets(_: Person, "SEAL_FOR_TASK", "use", seal: Seal, context) if
  sealing_task(context, task) and
  task_takes_seal(task, seal);

task_takes_seal(task: SigningTask, seal: Seal) if
  task.signatory.enterprise_id = seal.enterprise_id and
  task_takes_kind(task, seal) and
  fixed in task.fixed_seals and
  fixed.seal_id = seal.id;
task_takes_seal(task: SigningTask, seal: Seal) if
  task.signatory.enterprise_id = seal.enterprise_id and
  task_takes_kind(task, seal) and
  not has_fixed_seal(task);

task_takes_kind(task: SigningTask, seal: Seal) if
  task.action = "CORPORATE_SEAL" and
  is_enterprise_seal(seal);
task_takes_kind(task: SigningTask, seal: Seal) if
  task.action = "LEGAL_REP_SEAL" and
  seal.kind = "LEGAL_REP";

# --- signing in person -----------------------------------------------------------------------------------------------

# C-04: A handler's or personal signature is made by exactly the person named, as verified by identity and not by phone.
#@ C-04
requires("sign", _: SigningTask, "NAMED_PERSON");
meets(person: Person, "NAMED_PERSON", "sign", task: SigningTask, _) if is_named_person(person, task);
because("NAMED_PERSON", "SEAL_NEEDED", _: Person, task: SigningTask, _) if
  task.action in ["CORPORATE_SEAL", "LEGAL_REP_SEAL"];
because("NAMED_PERSON", "NOT_A_SIGNATURE", _: Person, task: SigningTask, _) if task.action in ["APPROVE", "FILL"];

# A person who is a party signs themself, also where others are named; for an enterprise, the named handler does.
is_named_person(person: Person, task: SigningTask) if
  task.action in ["HANDLER_SIGN", "PERSONAL_SIGN"] and
  task.signatory.kind = "ENTERPRISE" and
  task.handler_id = person.id;
is_named_person(person: Person, task: SigningTask) if
  task.action in ["HANDLER_SIGN", "PERSONAL_SIGN"] and
  task.signatory.kind = "PERSON" and
  task.signatory.person_id = person.id;

# A task to approve is for the persons named for it, on the side that sent the contract. A party that receives a
# contract reviews it on its own side.
#@ C-06
requires("approve", _: SigningTask, "TASK_READY");
requires("approve", _: SigningTask, "TASK_APPROVER");
meets(_: Person, "TASK_READY", "approve", task: SigningTask, context) if is_own_turn(task, context);
meets(person: Person, "TASK_APPROVER", "approve", task: SigningTask, _) if is_named_approver(person, task);
because("TASK_APPROVER", "NOT_AN_APPROVAL", _: Person, task: SigningTask, _) if
  task.action in ["CORPORATE_SEAL", "LEGAL_REP_SEAL", "HANDLER_SIGN", "PERSONAL_SIGN", "FILL"];

is_named_approver(person: Person, task: SigningTask) if
  task.action = "APPROVE" and
  task.signatory.enterprise_id = task.signatory.contract.initiator_id and
  operator in task.operators and
  operator.person_id = person.id;

# Nor does the new administrator approve it just after a retrieval, nor whom they put in office since. Until `at`.
#@ R-13
requires("approve", _: SigningTask, "APPROVER_SETTLED");
meets(person: Person, "APPROVER_SETTLED", "approve", task: SigningTask, context) if
  not task_approver_waits(person, task, _, context);

task_approver_waits(person: Person, task: SigningTask, at, context) if
  owner(task, context, enterprise) and
  cooling_off(person, enterprise, at, context);

# U-12: A person who has sealed or signed for the party already approves that no more, and a task to approve is not
# handed to one who seals or signs, nor the other way round.
#@ U-12 C-06
requires("approve", _: SigningTask, "APPROVES_BEFORE_SEALING");
requires("approve", _: SigningTask, "NOT_THE_COUNTERPARTY");
meets(person: Person, "APPROVES_BEFORE_SEALING", "approve", task: SigningTask, _) if
  forall(account_id(person, id), not has_sealed(id, task));

# Nor does a person who is on the other side, as with a request to use a seal.
#@ U-12 U-13
meets(person: Person, "NOT_THE_COUNTERPARTY", "approve", task: SigningTask, _) if
  not is_of_another_party(person, task.signatory);

has_sealed(person_id, task: SigningTask) if
  place_of(task.signatory, place) and
  other in place.tasks and
  is_act_of_sealing(other) and
  is_signed_for(other, person_id);

is_act_of_sealing(task: SigningTask) if task.action in ["CORPORATE_SEAL", "LEGAL_REP_SEAL", "HANDLER_SIGN"];

has_excluding_task(receiver: Membership, task: SigningTask) if
  task.action = "APPROVE" and
  place_of(task.signatory, place) and
  other in place.tasks and
  is_act_of_sealing(other) and
  is_human_in(receiver, other);
has_excluding_task(receiver: Membership, task: SigningTask) if
  is_act_of_sealing(task) and
  place_of(task.signatory, place) and
  other in place.tasks and
  other.action = "APPROVE" and
  is_human_in(receiver, other);

# Whichever account they did it by: the approval or the use behind it would be refused to them.
is_human_in(receiver: Membership, task: SigningTask) if
  takes_part_in(person_id, task) and
  are_one_human(person_id, receiver.person_id, receiver.enterprise);

takes_part_in(person_id, task: SigningTask) if is_signed_for(task, person_id);
takes_part_in(person_id, task: SigningTask) if
  task.state in ["WAITING", "PENDING", "IN_PROGRESS"] and
  is_named_in_task(person_id, task);

# A task to sign, and the person is not the one named.
#@ C-04
because("TASK_OPERATOR", "IDENTITY_MISMATCH", person: Person, task: SigningTask, _) if
  task.action in ["HANDLER_SIGN", "PERSONAL_SIGN"] and
  not is_named_person(person, task);
because("TASK_OPERATOR", "NOT_A_SIGNATURE", _: Person, task: SigningTask, _) if task.action in ["APPROVE", "FILL"];

# --- what must be settled before -------------------------------------------------------------------------------------

# C-07: Where a party reviews its contracts itself, nothing is signed or sealed for it before the review has passed, not
# even automatically. A review that is open or has refused counts whether it was asked for or not.
#@ C-07
meets(_: Person, "REVIEW_PASSED", "sign", task: SigningTask, _) if
  task.signatory.kind = "PERSON" and
  needs_no_review(task.signatory);
meets(person: Person, "REVIEW_PASSED", "sign", task: SigningTask, context) if
  owner(task, context, enterprise) and
  is_reviewed_everywhere(task.signatory, enterprise, person.id, context);
meets(person: Person, "REVIEW_PASSED", "use", seal: Seal, context) if
  sealing_task(context, task) and
  is_reviewed_everywhere(task.signatory, seal.enterprise, person.id, context);
meets(person: Person, "REVIEW_PASSED", "auto_use", seal: Seal, context) if
  sealing_task(context, task) and
  is_reviewed_everywhere(task.signatory, seal.enterprise, person.id, context);
because("REVIEW_PASSED", "REVIEW_REJECTED", _: Person, task: SigningTask, _) if
  place_of(task.signatory, place) and
  is_refused_in_review(place);
because("REVIEW_PASSED", "REVIEW_REJECTED", _: Person, _: Seal, context) if
  sealing_task(context, task) and
  place_of(task.signatory, place) and
  is_refused_in_review(place);
because("REVIEW_PASSED", "TASK_REQUIRED", _: Person, _: Seal, context) if lacks_task(context);
# It has passed, but by nobody whose word counts: somebody from elsewhere, nobody who is named, or the very person who
# asks.
because("REVIEW_PASSED", "REVIEWER_NOT_ENTITLED", person: Person, task: SigningTask, context) if
  place_of(task.signatory, place) and
  is_passed_by_somebody(place, context) and
  not (owner(task, context, enterprise) and is_reviewed(place, enterprise, person.id, context));
because("REVIEW_PASSED", "REVIEWER_NOT_ENTITLED", person: Person, seal: Seal, context) if
  sealing_task(context, task) and
  place_of(task.signatory, place) and
  is_passed_by_somebody(place, context) and
  not is_reviewed(place, seal.enterprise, person.id, context);

# One enterprise may stand in a contract twice: what it reviews, approves and seals in one place, it does in all.
is_reviewed_everywhere(party: Signatory, enterprise: Enterprise, person_id, context) if
  forall(place_of(party, place), is_reviewed(place, enterprise, person_id, context));

is_reviewed(party: Signatory, _: Enterprise, _, _) if needs_no_review(party);
is_reviewed(party: Signatory, enterprise: Enterprise, person_id, context) if
  not has_unpassed_review(party) and
  passed_by(party, enterprise, review, context) and
  is_reviewed_for(review, person_id, enterprise, context);

needs_no_review(party: Signatory) if
  party.needs_review = false and
  not has_unpassed_review(party);

# Not by that person, nor by one to whom they gave their post just then.
is_reviewed_for(review: InternalReview, person_id, enterprise: Enterprise, context) if
  reviewer_id = review.reviewer_id and
  reviewer_id matches String and
  not are_one_human(reviewer_id, person_id, enterprise) and
  not was_made_by(reviewer_id, person_id, enterprise, review.decided_at, context);

# A person who ran the contracts of the party when they passed these documents, and who is not on the other side. What a
# person passed is not reviewed for that person's own act.
#@ A-02 C-07
passed_by(party: Signatory, enterprise: Enterprise, review, context) if
  party.enterprise_id matches String and
  party.enterprise_id = enterprise.id and
  is_passed(party, review, context) and
  reviewer_id = review.reviewer_id and
  reviewer_id matches String and
  is_about_these_documents(review, context) and
  ran_contracts(reviewer_id, enterprise, review.decided_at, context) and
  not was_made_by_named_sealer(reviewer_id, party, enterprise, review.decided_at, context) and
  not waited_after_retrieval(reviewer_id, enterprise, review.decided_at, context) and
  not was_from_another_party(reviewer_id, party, enterprise, review.decided_at, context) and
  not is_or_was_of_another_party(reviewer_id, party, review.decided_at, context);

# Like APPROVER_SETTLED, when it was decided: the one who seals or signs did not put the reviewer there just then.
#@ M-11 C-07
was_made_by_named_sealer(reviewer_id, party: Signatory, enterprise: Enterprise, at, context) if
  place_of(party, place) and
  task in place.tasks and
  task.state in ["WAITING", "PENDING", "IN_PROGRESS", "SIGNED"] and
  is_act_of_sealing(task) and
  membership in enterprise.memberships and
  membership.person_id = reviewer_id and
  is_named_in_task(sealer_id, task) and
  had_new_role_from(membership, sealer_id, at, context);

was_made_by(reviewer_id, person_id, enterprise: Enterprise, at, context) if
  membership in enterprise.memberships and
  membership.person_id = reviewer_id and
  had_new_role_from(membership, person_id, at, context);

is_passed(party: Signatory, review, context) if
  review in party.reviews and
  review.state = "PASSED" and
  review.decided_at > 0 and
  review.decided_at <= context.now;

is_passed_by_somebody(party: Signatory, context) if
  not has_unpassed_review(party) and
  is_passed(party, _, context);

has_unpassed_review(party: Signatory) if review in party.reviews and review.state != "PASSED";

is_refused_in_review(party: Signatory) if
  review in party.reviews and
  review.state in ["REJECTED", "SIGN_REJECTED"];

# Nothing is signed that still has blanks, and a contract without any document is nothing to sign.
#@ U-16
requires("sign", _: SigningTask, "SIGNED_DOCUMENTS_COMPLETE");
meets(_: Person, "SIGNED_DOCUMENTS_COMPLETE", "sign", task: SigningTask, _) if
  _ in task.signatory.contract.documents and
  forall(document in task.signatory.contract.documents, is_complete(document));

# Some matters are not signed electronically at all, and a matter that nobody stated is not known to be another one.
#@ C-14
requires("sign", _: SigningTask, "SIGNED_MATTER");
meets(_: Person, "SIGNED_MATTER", "sign", task: SigningTask, _) if
  task.signatory.contract.matter in ["GENERAL", "FINANCE", "PERSONNEL", "GUARANTEE"];

# A-01: A signature for an enterprise that seals nothing in the contract stands for the enterprise, and asks all that a
# seal in its place would ask. So the person signs who could put one seal on this contract now, by a grant or a request
# of their own, or who represents the enterprise; and all is asked of that one seal, so that the authority over one and
# the approval of another do not add up. Beside a seal, and for a person, a signature is the signer's own.
# (Civil Code 61, 165, 168, 170 and 171.)
#@ A-01
requires("sign", _: SigningTask, "SIGNING_AUTHORITY");
meets(person: Person, "SIGNING_AUTHORITY", "sign", task: SigningTask, context) if
  stands_for_enterprise(person, task, _, context);
waived("SIGNING_AUTHORITY", "sign", task: SigningTask, _) if task.signatory.kind = "PERSON";
waived("SIGNING_AUTHORITY", "sign", task: SigningTask, _) if is_beside_seal(task);

meets(_: Person, "LICENCE_EXISTING", "sign", task: SigningTask, context) if
  owner(task, context, enterprise) and
  has_licence(enterprise, context);
waived("LICENCE_EXISTING", "sign", task: SigningTask, _) if task.signatory.kind = "PERSON";
waived("LICENCE_EXISTING", "sign", task: SigningTask, _) if is_beside_seal(task);

is_beside_seal(task: SigningTask) if
  other in task.signatory.tasks and
  other.action in ["CORPORATE_SEAL", "LEGAL_REP_SEAL"] and
  other.state in ["WAITING", "PENDING", "IN_PROGRESS", "SIGNED"];

stands_for_enterprise(person: Person, task: SigningTask, seal, context) if
  could_seal_instead(person, task, seal, context) and
  is_suitable_for(seal, task.signatory.contract, context) and
  has_stated_amount(seal, context) and
  is_in_category(seal, context) and
  keeps_house_rules(seal, context) and
  not is_auditor(person, seal, context) and
  not deals_with_self(person, seal, task.signatory.contract, context) and
  not acts_for_both(person, seal, task.signatory.contract, context) and
  has_second_pair_of_eyes(person, seal, task.signatory.contract, context);

# A seal of this enterprise that binds it, is in use, and is this person's to put on the contract.
could_seal_instead(person: Person, task: SigningTask, seal, context: SignContext) if
  owner(task, context, enterprise) and
  seal in enterprise.seals and
  seal.category = "ELECTRONIC" and
  seal.kind in ["OFFICIAL", "CONTRACT", "FINANCE", "PERSONNEL"] and
  is_usable(seal, context) and
  may_bind_by(person, seal, task.signatory.contract, context);

may_bind_by(person: Person, seal: Seal, contract: Contract, context) if
  live_grant(person, seal, contract, _, context);
may_bind_by(person: Person, seal: Seal, contract: Contract, context) if
  approved_request(person, seal, contract, _, context);
may_bind_by(person: Person, seal: Seal, _: Contract, context) if
  legal_representative(person, seal.enterprise, context);

# What stands in the way, of the seals that the person could put.
bars_signature(person: Person, task: SigningTask, seal, context) if
  not is_beside_seal(task) and
  not stands_for_enterprise(person, task, _, context) and
  could_seal_instead(person, task, seal, context);

because("SIGNING_AUTHORITY", "AUDITOR_READ_ONLY", person: Person, task: SigningTask, context) if
  bars_signature(person, task, seal, context) and
  is_auditor(person, seal, context);
because("SIGNING_AUTHORITY", "SELF_DEALING", person: Person, task: SigningTask, context) if
  bars_signature(person, task, seal, context) and
  deals_in_person(person, seal, task.signatory.contract, context);
because("SIGNING_AUTHORITY", "REPRESENTATIVE_IS_PARTY", person: Person, task: SigningTask, context) if
  bars_signature(person, task, seal, context) and
  not deals_in_person(person, seal, task.signatory.contract, context) and
  deals_with_representative(seal, task.signatory.contract, context);
because("SIGNING_AUTHORITY", "DOUBLE_AGENCY", person: Person, task: SigningTask, context) if
  bars_signature(person, task, seal, context) and
  acts_for_both(person, seal, task.signatory.contract, context);
because("SIGNING_AUTHORITY", "SOD_APPROVER_IS_STAMPER", person: Person, task: SigningTask, context) if
  bars_signature(person, task, seal, context) and
  not is_lesser_seal(seal) and
  approved_last(person, seal, task.signatory.contract, context);
because("SIGNING_AUTHORITY", "SOD_APPROVER_FROM_STAMPER", person: Person, task: SigningTask, context) if
  bars_signature(person, task, seal, context) and
  was_approved_by_appointee(person, seal, task.signatory.contract, context);
because("SIGNING_AUTHORITY", "AMOUNT_UNKNOWN", person: Person, task: SigningTask, context) if
  bars_signature(person, task, seal, context) and
  not has_stated_amount(seal, context);
because("SIGNING_AUTHORITY", "OUT_OF_HOURS", person: Person, task: SigningTask, context) if
  bars_signature(person, task, seal, context) and
  not hour_is_settled(seal, task.signatory.contract, context);
because("SIGNING_AUTHORITY", "APPROVAL_REQUIRED", person: Person, task: SigningTask, context) if
  bars_signature(person, task, seal, context) and
  hour_is_settled(seal, task.signatory.contract, context) and
  not is_blocked_by_disabled_process(seal, task.signatory.contract, context) and
  not keeps_house_rules(seal, context);
because("SIGNING_AUTHORITY", "PROCESS_DISABLED", person: Person, task: SigningTask, context) if
  bars_signature(person, task, seal, context) and
  is_blocked_by_disabled_process(seal, task.signatory.contract, context);
because("SIGNING_AUTHORITY", "RESOLUTION_REQUIRED", person: Person, task: SigningTask, context) if
  bars_signature(person, task, seal, context) and
  is_guarantee(seal, task.signatory.contract) and
  binds_as_guarantor(seal) and
  not may_guarantee(seal, task.signatory.contract, context);

# The signature is what binds the enterprise: no seal is put beside it.
signs_for_enterprise(person: Person, task: SigningTask, context) if
  not is_beside_seal(task) and
  stands_for_enterprise(person, task, _, context);

# A signature that stands for the enterprise counts and is told like the use of a seal.
#@ A-01 U-06 W-05
obligation(person: Person, "sign", task: SigningTask, context, "NOTIFY_MONITORS") if
  signs_for_enterprise(person, task, context);
obligation(person: Person, "sign", task: SigningTask, context, "DECREMENT_USE") if
  signs_for_enterprise(person, task, context);
obligation_parameter("DECREMENT_USE", "grant_id", id, person: Person, "sign", task: SigningTask, context) if
  signature_rests_on(person, task, seal, context) and
  own_grant_used_up(person, seal, task.signatory.contract, grant, context) and
  id = grant.id;
obligation_parameter("DECREMENT_USE", "parent_grant_id", id, person: Person, "sign", task: SigningTask, context) if
  signature_rests_on(person, task, seal, context) and
  own_grant_used_up(person, seal, task.signatory.contract, grant, context) and
  id = grant.parent_id and
  id matches String;
obligation_parameter("DECREMENT_USE", "request_id", id, person: Person, "sign", task: SigningTask, context) if
  signature_rests_on(person, task, seal, context) and
  request_used_up(person, seal, task.signatory.contract, request, context) and
  id = request.id;

obligation_parameter("DECREMENT_USE", "approval_ids", id, person: Person, "sign", task: SigningTask, context) if
  signature_rests_on(person, task, seal, context) and
  request_used_up(person, seal, task.signatory.contract, request, context) and
  approval in request.approvals and
  id = approval.id;
obligation_parameter("DECREMENT_USE", "process_request_ids", id, person: Person, "sign", task: SigningTask, context) if
  signature_rests_on(person, task, seal, context) and
  contract = task.signatory.contract and
  process_to_be_followed(seal, contract, process_id, context) and
  not (request_used_up(person, seal, contract, own, context) and follows(own, process_id)) and
  first_that_followed(seal, contract, process_id, request, context) and
  id = request.id;
obligation_parameter("DECREMENT_USE", "process_request_ids", id, person: Person, "sign", task: SigningTask, context) if
  signature_rests_on(person, task, seal, context) and
  contract = task.signatory.contract and
  is_out_of_hours(seal.enterprise, context) and
  not (request_used_up(person, seal, contract, own, context) and own.is_out_of_hours = true) and
  first_out_of_hours(seal, contract, request, context) and
  id = request.id;

# Those who watch the enterprise are alerted of it as of the use of a seal (seal_use.polar).
#@ A-01 W-05
obligation(person: Person, "sign", task: SigningTask, context, "ALERT_NEAR_LIMIT") if
  signature_count(person, task, used, limit, context) and
  is_near_limit(used, limit);
obligation(person: Person, "sign", task: SigningTask, context, "ALERT_FIRST_USE") if
  signature_count(person, task, 0, _, context);
obligation(person: Person, "sign", task: SigningTask, context, "ALERT_AFTER_ADMIN_CHANGE") if
  owner(task, context, enterprise) and
  has_new_administration(enterprise, context) and
  signs_for_enterprise(person, task, context);
obligation(person: Person, "sign", task: SigningTask, context, "ALERT_OUT_OF_HOURS") if
  owner(task, context, enterprise) and
  is_out_of_hours(enterprise, context) and
  signs_for_enterprise(person, task, context);
obligation(person: Person, "sign", task: SigningTask, context, "ALERT_ABNORMAL_LICENCE") if
  owner(task, context, enterprise) and
  is_listed_as_abnormal(enterprise) and
  signs_for_enterprise(person, task, context);

signature_count(person: Person, task: SigningTask, used, limit, context) if
  signature_rests_on(person, task, seal, context) and
  own_grant_used_up(person, seal, task.signatory.contract, grant, context) and
  counts_of(grant, used, limit);

# Of several seals, the first by its id.
signature_rests_on(person: Person, task: SigningTask, seal, context) if
  not is_beside_seal(task) and
  stands_for_enterprise(person, task, seal, context) and
  not rests_on_seal_before(seal, person, task, context);

rests_on_seal_before(seal: Seal, person: Person, task: SigningTask, context) if
  other in seal.enterprise.seals and
  other.id < seal.id and
  stands_for_enterprise(person, task, other, context);

lapses(person: Person, "sign", task: SigningTask, context, at) if
  signature_rests_on(person, task, seal, context) and
  authority_lapses(person, seal, task.signatory.contract, context, at);
lapses(person: Person, "sign", task: SigningTask, context, at) if
  signature_rests_on(person, task, seal, context) and
  working_hours_lapse(seal.enterprise, context, at);

# A signature needs a fresh check of intent, for this task and not used before.
#@ U-09
requires("sign", _: SigningTask, "FRESH_INTENT");
meets(person: Person, "FRESH_INTENT", "sign", task: SigningTask, context) if
  fresh_face_check(
    context.verification, person, "SIGN", "SigningTask", task.id, context.parameters.intent_for_signing, context) and
  covers_all_documents(context.verification, context);
because("FRESH_INTENT", "FACE_VERIFICATION_EXPIRED", person: Person, task: SigningTask, context) if
  stale_face_check(
    context.verification, person, "SIGN", "SigningTask", task.id, context.parameters.intent_for_signing, context);
because("FRESH_INTENT", "FACE_VERIFICATION_ALREADY_USED", person: Person, task: SigningTask, context) if
  used_face_check(context.verification, person, "SIGN", "SigningTask", task.id);

obligation(_: Person, "sign", _: SigningTask, _, "CONSUME_VERIFICATION");
obligation_parameter("CONSUME_VERIFICATION", "verification_id", id, _: Person, "sign", _: SigningTask, context) if
  check_id(context.verification, id);
obligation(_: Person, "sign", _: SigningTask, _, "APPEND_SEAL_LOG");

lapses(person: Person, "sign", task: SigningTask, context, at) if
  face_lapses(
    context.verification, person, "SIGN", "SigningTask", task.id, context.parameters.intent_for_signing, context, at);
lapses(_: Person, "sign", task: SigningTask, _, at) if at = task.signatory.contract.deadline;
lapses(_: Person, "open", task: SigningTask, _, at) if at = task.signatory.contract.deadline;
lapses(_: Person, "approve", task: SigningTask, _, at) if at = task.signatory.contract.deadline;
lapses(_: Person, "use", _: Seal, context, at) if sealed_contract(context, contract) and at = contract.deadline;
# A person who opens a task by authority over a seal, or as a seal administrator, does so while they have it.
lapses(person: Person, "open", task: SigningTask, context, at) if
  owner(task, context, enterprise) and
  seal in enterprise.seals and
  authority_lapses(person, seal, task.signatory.contract, context, at);
lapses(person: Person, "open", task: SigningTask, context, at) if
  owner(task, context, enterprise) and
  seal_admin_lapses(person, enterprise, context, at);
lapses(person: Person, "use", seal: Seal, context, at) if seal_admin_lapses(person, seal.enterprise, context, at);

# --- passing a task on -----------------------------------------------------------------------------------------------

# C-08: A task that nobody has begun is passed on by the legal representative, an administrator, a contract
# administrator or the person who holds it, to an active member with a verified name, unless the sender forbids it; the
# old holder loses it. The deadline is not asked for: a person who leaves must be able to hand over what is overdue as
# well, and nothing can be signed on it.
#@ C-08
requires("transfer", _: SigningTask, "TASK_TRANSFERABLE");
requires("transfer", _: SigningTask, "TASK_TRANSFEROR");
requires("transfer", _: SigningTask, "TASK_RECEIVER");
meets(_: Person, "TASK_TRANSFERABLE", "transfer", task: SigningTask, _) if
  task.state in ["WAITING", "PENDING"] and
  task.action in ["CORPORATE_SEAL", "LEGAL_REP_SEAL", "APPROVE", "FILL"] and
  is_open_contract(task.signatory.contract) and
  task.signatory.contract.forbids_transfer = false;

# A signature in person is nobody else's to make.
#@ C-08 U-19
because("TASK_TRANSFERABLE", "NOT_DELEGABLE", _: Person, task: SigningTask, _) if
  task.action in ["HANDLER_SIGN", "PERSONAL_SIGN"] and
  not is_unnamed(task);

# … but where nobody is named for an enterprise's signature, those who administer its contracts name a handler. So it is
# with a task whose holder has left.
#@ C-08 M-10
meets(_: Person, "TASK_TRANSFERABLE", "transfer", task: SigningTask, _) if
  task.state in ["WAITING", "PENDING"] and
  is_unnamed(task) and
  is_open_contract(task.signatory.contract) and
  task.signatory.contract.forbids_transfer = false;

is_unnamed(task: SigningTask) if
  task.action in ["HANDLER_SIGN", "PERSONAL_SIGN"] and
  task.signatory.kind = "ENTERPRISE" and
  task.handler_id = nil and
  not has_named_operator(task);

# What its holder cannot pass on: a signature in person, and what the sender binds to its operators. Where another
# enterprise sent the contract, that keeps no member from leaving (membership.polar). What somebody is about to seal is
# sealed, or given back, first.
#@ M-10 C-08
is_parked_on_leaving(task: SigningTask) if
  is_from_another_enterprise(task) and
  task.action in ["HANDLER_SIGN", "PERSONAL_SIGN"];
is_parked_on_leaving(task: SigningTask) if
  is_from_another_enterprise(task) and
  task.state in ["WAITING", "PENDING"] and
  task.signatory.contract.forbids_transfer = true;

is_from_another_enterprise(task: SigningTask) if
  task.signatory.enterprise_id matches String and
  task.signatory.contract.initiator_id != task.signatory.enterprise_id;

# The legal representative, an administrator or a contract administrator of the party passes it on, or the person who
# holds it.
#@ C-08
meets(person: Person, "TASK_TRANSFEROR", "transfer", task: SigningTask, context) if
  owner(task, context, enterprise) and
  administers_contracts(person, enterprise, context);
meets(person: Person, "TASK_TRANSFEROR", "transfer", task: SigningTask, _) if is_named_in_task(person.id, task);

# It goes to an active member of the same party whose real name is verified, who does not hold it already, and who does
# not approve what they seal.
#@ C-08 U-12
meets(_: Person, "TASK_RECEIVER", "transfer", task: SigningTask, context) if
  receiver = context.receiver and
  receiver matches Membership and
  is_live(receiver, context) and
  receiver.enterprise_id = task.signatory.enterprise_id and
  is_active_and_verified(receiver.person) and
  not is_named_in_task(receiver.person_id, task) and
  not has_excluding_task(receiver, task);
because("TASK_RECEIVER", "SOD_APPROVER_IS_STAMPER", _: Person, task: SigningTask, context) if
  receiver = context.receiver and
  receiver matches Membership and
  has_excluding_task(receiver, task);

lapses(person: Person, "transfer", task: SigningTask, context, at) if
  owner(task, context, enterprise) and
  contract_administration_lapses(person, enterprise, context, at);
