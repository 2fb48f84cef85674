# Holds: who freezes a seal or reports it lost, and who gives it free again.
#
# Stopping is easy and starting again is hard: everybody who keeps, uses or runs a seal may stop it alone and at once,
# but it takes another person, with a fresh face check, to let it go on. What a court or the platform holds, only they
# release.

# --- stopping --------------------------------------------------------------------------------------------------------

# S-12: A custodian, user, administrator or seal administrator stops a seal alone; it takes another person with a fresh
# face check to start it again, and a lost seal is never at once in use. No hold, no retrieval and no frozen enterprise
# is in the way of stopping, and no face check either.
#@ S-12
requires("freeze", _: Seal, "SEAL_GUARDIAN");
requires("report_lost", _: Seal, "SEAL_GUARDIAN");
requires("freeze", _: Seal, "SEAL_NOT_ENDED");
meets(person: Person, "SEAL_GUARDIAN", "freeze", seal: Seal, context) if is_seal_guardian(person, seal, context);
meets(person: Person, "SEAL_GUARDIAN", "report_lost", seal: Seal, context) if is_seal_guardian(person, seal, context);
meets(_: Person, "SEAL_NOT_ENDED", "freeze", seal: Seal, _) if is_not_ended(seal);

is_seal_guardian(person: Person, seal: Seal, context) if may_administer(person, seal.enterprise, context);
is_seal_guardian(person: Person, seal: Seal, context) if may_manage_seals(person, seal.enterprise, context);
is_seal_guardian(person: Person, seal: Seal, context) if
  custodian = seal.custodian and
  custodian matches Membership and
  custodian.person_id = person.id and
  is_live(custodian, context);
is_seal_guardian(person: Person, seal: Seal, context) if is_acting_custodian(person, seal, context);
is_seal_guardian(person: Person, seal: Seal, context) if guarding_grant(person, seal, _, context);
# Who has a seal outside sees first that it is gone.
#@ A-09 S-12
is_seal_guardian(person: Person, seal: Seal, context) if
  outing_of(seal, outing) and
  is_with(outing, person.id) and
  is_live(outing.holder, context);

is_acting_custodian(person: Person, seal: Seal, context) if
  custodian = seal.acting_custodian and
  custodian matches Membership and
  custodian.person_id = person.id and
  is_live(custodian, context) and
  is_time_of_acting_custodian(seal, context.now);

guarding_grant(person: Person, seal: Seal, grant, context) if
  grant in seal.grants and
  grant.right = "USE" and
  grant.membership.person_id = person.id and
  is_live(grant.membership, context) and
  grant.state = "ACTIVE" and
  is_within_time(grant, context) and
  grantor_is_entitled(grant, context);

# Lost is what was in use, switched off or collected. A seal that never passed its review, or has expired, would
# otherwise come back switched off instead of waiting for what it waits for; it can be frozen.
#@ S-12
requires("report_lost", _: Seal, "SEAL_CAN_BE_LOST");
meets(_: Person, "SEAL_CAN_BE_LOST", "report_lost", seal: Seal, _) if seal.state in ["ACTIVE", "DISABLED", "COLLECTED"];
# One that is lost without a report has nobody who could be told from the person who finds it: it is reported again.
meets(_: Person, "SEAL_CAN_BE_LOST", "report_lost", seal: Seal, _) if
  seal.state = "LOST" and
  not is_reported_lost(seal);
because("SEAL_CAN_BE_LOST", "SEAL_LOST", _: Person, seal: Seal, _) if
  seal.state = "LOST" and
  is_reported_lost(seal);
because("SEAL_CAN_BE_LOST", "SEAL_UNDER_REVIEW", _: Person, seal: Seal, _) if is_unreviewed(seal);
because("SEAL_CAN_BE_LOST", "SEAL_EXPIRED", _: Person, seal: Seal, _) if seal.state = "EXPIRED";

obligation(_: Person, "freeze", _: Seal, _, "VOID_TICKETS");
obligation(_: Person, "freeze", _: Seal, _, "NOTIFY_MONITORS");
obligation(_: Person, "report_lost", _: Seal, _, "VOID_TICKETS");
obligation(_: Person, "report_lost", _: Seal, _, "NOTIFY_MONITORS");

# --- a lost seal is found --------------------------------------------------------------------------------------------

# A seal administrator reports a lost seal found, but not the one who reported it lost. It is then switched off, never
# in use: switching it on is an act of its own.
#@ S-12
requires("report_found", _: Seal, "SEAL_ADMINISTRATION");
requires("report_found", _: Seal, "SEAL_IS_LOST");
requires("report_found", _: Seal, "REPORTED_BY_ANOTHER");
requires("report_found", _: Seal, "FRESH_FACE_OF_MANAGER");
meets(person: Person, "SEAL_ADMINISTRATION", "report_found", seal: Seal, context) if
  administers_seal(person, seal, context);
meets(_: Person, "SEAL_IS_LOST", "report_found", seal: Seal, _) if seal.state = "LOST";
# Who reported it is in the hold that the report placed; where that does not say, nobody can be known to be another.
meets(person: Person, "REPORTED_BY_ANOTHER", "report_found", seal: Seal, context) if
  is_reported_lost(seal) and
  forall(placed_for_loss(seal, hold), is_placed_by_another(hold, person, context));
because("REPORTED_BY_ANOTHER", "LOSS_NOT_REPORTED", _: Person, seal: Seal, _) if
  seal.state = "LOST" and
  not is_reported_lost(seal);
reason("LOSS_NOT_REPORTED", 70, "USER", "REPORT_SEAL_LOST");
parameter("REPORT_SEAL_LOST", "seal_id", id, _: Person, seal: Seal, _) if id = seal.id;
meets(person: Person, "FRESH_FACE_OF_MANAGER", "report_found", seal: Seal, context: FoundContext) if
  bound_face_check(
    context.verification, person, "SEAL_MANAGE", "Seal", seal.id, context.parameters.face_for_management, context);
because("FRESH_FACE_OF_MANAGER", "FACE_VERIFICATION_EXPIRED", person: Person, seal: Seal, context: VerifiedContext) if
  stale_face_check(
    context.verification, person, "SEAL_MANAGE", "Seal", seal.id, context.parameters.face_for_management, context);
because(
  "FRESH_FACE_OF_MANAGER", "FACE_VERIFICATION_ALREADY_USED", person: Person, seal: Seal, context: VerifiedContext) if
  used_face_check(context.verification, person, "SEAL_MANAGE", "Seal", seal.id);

placed_for_loss(seal: Seal, hold) if
  hold in seal.holds and
  hold.source = "LOSS" and
  hold.state = "PLACED";

is_reported_lost(seal: Seal) if placed_for_loss(seal, _);

is_placed_by_another(hold: SealHold, person: Person, context) if
  hold.placed_by_id matches String and
  is_second_person(person, hold.placed_by_id, hold.seal.enterprise, context);

obligation(_: Person, "report_found", _: Seal, _, "CONSUME_VERIFICATION");
obligation_parameter("CONSUME_VERIFICATION", "verification_id", id, _: Person, "report_found", _: Seal, context) if
  check_id(context.verification, id);
obligation(_: Person, "report_found", _: Seal, _, "LEAVE_SEAL_DISABLED");
obligation(_: Person, "report_found", _: Seal, _, "NOTIFY_MONITORS");

# --- releasing a hold ------------------------------------------------------------------------------------------------

# S-13: A hold is released only by its source: what the platform or a court placed, no enterprise releases. What the
# enterprise itself placed, it may release; a loss ends with the report that the seal was found.
#@ S-13
requires("release", _: SealHold, "HOLD_STANDS");
requires("release", _: SealHold, "HOLD_OF_ENTERPRISE");
meets(_: Person, "HOLD_STANDS", "release", hold: SealHold, _) if hold.state = "PLACED";
meets(_: Person, "HOLD_OF_ENTERPRISE", "release", hold: SealHold, _) if hold.source in ["ADMIN", "RETRIEVAL"];
because("HOLD_OF_ENTERPRISE", "SEAL_STILL_LOST", _: Person, hold: SealHold, _) if hold.source = "LOSS";

# A seal administrator releases what was frozen by hand, the new administrator what a retrieval froze: the person whom
# the retrieval put in charge, not one of those whom it replaced.
#@ S-12 R-12
requires("release", _: SealHold, "HOLD_RELEASER");
meets(person: Person, "HOLD_RELEASER", "release", hold: SealHold, context) if
  hold.source != "RETRIEVAL" and
  administers_seal(person, hold.seal, context);
meets(person: Person, "HOLD_RELEASER", "release", hold: SealHold, context) if
  hold.source = "RETRIEVAL" and
  is_new_administrator(person, hold, context);
# Where the retrieval failed, nobody was put in charge, and what it froze is released like what was frozen by hand.
meets(person: Person, "HOLD_RELEASER", "release", hold: SealHold, context) if
  is_of_failed_retrieval(hold, context) and
  administers_seal(person, hold.seal, context);
because("HOLD_RELEASER", "NEW_ADMIN_ONLY", person: Person, hold: SealHold, context) if
  hold.source = "RETRIEVAL" and
  not is_of_failed_retrieval(hold, context) and
  not is_new_administrator(person, hold, context);
# An auditor releases nothing.
#@ S-04
because("HOLD_RELEASER", "AUDITOR_READ_ONLY", person: Person, hold: SealHold, context) if
  is_released_by_seal_administrator(hold, context) and
  is_only_auditor(person, hold.seal, context);

is_new_administrator(person: Person, hold: SealHold, context) if
  is_administrator(person, hold.seal.enterprise, context) and
  took_over_after_hold(person, hold);

took_over_after_hold(person: Person, hold: SealHold) if
  case in hold.seal.enterprise.retrieval_cases and
  case.applicant_id = person.id and
  case.state = "EXECUTED" and
  hold.placed_at <= case.executed_at;

is_released_by_seal_administrator(hold: SealHold, _) if hold.source != "RETRIEVAL";
is_released_by_seal_administrator(hold: SealHold, context) if is_of_failed_retrieval(hold, context);

# No case is open that may have placed it, and none was executed since, unless that was reversed.
is_of_failed_retrieval(hold: SealHold, context) if
  hold.source = "RETRIEVAL" and
  not open_case(hold.seal.enterprise, _, context) and
  not has_stood_since(hold);

has_stood_since(hold: SealHold) if
  case in hold.seal.enterprise.retrieval_cases and
  case.state in ["EXECUTED", "UNDER_APPEAL"] and
  hold.placed_at <= case.executed_at;

# Nobody releases alone what they froze: another person does, with a fresh face check.
#@ S-12
requires("release", _: SealHold, "PLACED_BY_ANOTHER");
requires("release", _: SealHold, "FRESH_FACE_OF_MANAGER");
meets(person: Person, "PLACED_BY_ANOTHER", "release", hold: SealHold, context) if
  is_placed_by_another(hold, person, context);
meets(_: Person, "PLACED_BY_ANOTHER", "release", hold: SealHold, _) if hold.source != "ADMIN";
meets(person: Person, "FRESH_FACE_OF_MANAGER", "release", hold: SealHold, context: ReleaseContext) if
  bound_face_check(
    context.verification, person, "SEAL_MANAGE", "SealHold", hold.id, context.parameters.face_for_management, context);
because(
  "FRESH_FACE_OF_MANAGER", "FACE_VERIFICATION_EXPIRED", person: Person, hold: SealHold, context: VerifiedContext) if
  stale_face_check(
    context.verification, person, "SEAL_MANAGE", "SealHold", hold.id, context.parameters.face_for_management, context);
because(
  "FRESH_FACE_OF_MANAGER", "FACE_VERIFICATION_ALREADY_USED",
  person: Person, hold: SealHold, context: VerifiedContext) if
  used_face_check(context.verification, person, "SEAL_MANAGE", "SealHold", hold.id);

obligation(_: Person, "release", _: SealHold, _, "CONSUME_VERIFICATION");
obligation_parameter("CONSUME_VERIFICATION", "verification_id", id, _: Person, "release", _: SealHold, context) if
  check_id(context.verification, id);
obligation(_: Person, "release", _: SealHold, _, "NOTIFY_MONITORS");

# --- what the platform or a court holds ------------------------------------------------------------------------------

# The platform's risk staff lift what the platform placed for itself or for a court, and only where they are not
# concerned. It takes two: one proposes it, and another carries it out within a week, while the first still has the post.
#@ S-13
requires("propose_lift", _: SealHold, "RISK_STAFF");
requires("propose_lift", _: SealHold, "HOLD_STANDS");
requires("propose_lift", _: SealHold, "HOLD_OF_AUTHORITY");
requires("propose_lift", _: SealHold, "STAFF_NOT_CONCERNED");
meets(person: Person, "RISK_STAFF", "propose_lift", _: SealHold, _) if is_risk_staff(person);
meets(_: Person, "HOLD_STANDS", "propose_lift", hold: SealHold, _) if hold.state = "PLACED";
meets(_: Person, "HOLD_OF_AUTHORITY", "propose_lift", hold: SealHold, _) if hold.source in ["PLATFORM", "JUDICIAL"];
meets(person: Person, "STAFF_NOT_CONCERNED", "propose_lift", hold: SealHold, context) if
  not is_concerned(person, hold.seal.enterprise, context);
requires("lift", _: SealHold, "LIFT_PROPOSED");
meets(person: Person, "LIFT_PROPOSED", "lift", hold: SealHold, context) if
  lift_proposer(hold, proposer, context) and
  proposer.id != person.id;
because("LIFT_PROPOSED", "DUAL_CONTROL_REQUIRED", person: Person, hold: SealHold, context) if
  lift_proposer(hold, proposer, context) and
  proposer.id = person.id;

lift_proposer(hold: SealHold, proposer, context: LiftContext) if
  proposer = context.proposer and
  proposer matches Person and
  proposer.id = hold.lift_proposed_by_id and
  is_risk_staff(proposer) and
  is_active_and_verified(proposer) and
  not is_concerned(proposer, hold.seal.enterprise, context) and
  hold.placed_at <= hold.lift_proposed_at and
  hold.lift_proposed_at <= context.now and
  context.now < hold.lift_proposed_at + context.parameters.lift_proposal_valid;

obligation(_: Person, "propose_lift", _: SealHold, _, "NOTIFY_MONITORS");
obligation(_: Person, "lift", _: SealHold, _, "NOTIFY_MONITORS");

lapses(_: Person, "lift", hold: SealHold, context, at) if
  at = hold.lift_proposed_at + context.parameters.lift_proposal_valid;

requires("lift", _: SealHold, "RISK_STAFF");
requires("lift", _: SealHold, "HOLD_STANDS");
requires("lift", _: SealHold, "HOLD_OF_AUTHORITY");
requires("lift", _: SealHold, "STAFF_NOT_CONCERNED");
meets(person: Person, "RISK_STAFF", "lift", _: SealHold, _) if is_risk_staff(person);
meets(_: Person, "HOLD_STANDS", "lift", hold: SealHold, _) if hold.state = "PLACED";
meets(_: Person, "HOLD_OF_AUTHORITY", "lift", hold: SealHold, _) if hold.source in ["PLATFORM", "JUDICIAL"];
meets(person: Person, "STAFF_NOT_CONCERNED", "lift", hold: SealHold, context) if
  not is_concerned(person, hold.seal.enterprise, context);

# They place one, too: for the platform or for a court, on an order or a finding that they name, and nobody of the
# enterprise is told by us.
#@ S-13
requires("place_hold", _: Seal, "RISK_STAFF");
requires("place_hold", _: Seal, "HOLD_SOURCE_STATED");
requires("place_hold", _: Seal, "HOLD_REFERENCE_STATED");
requires("place_hold", _: Seal, "SEAL_NOT_ENDED");
requires("place_hold", _: Seal, "STAFF_NOT_CONCERNED");
meets(person: Person, "RISK_STAFF", "place_hold", _: Seal, _) if is_risk_staff(person);
meets(_: Person, "HOLD_SOURCE_STATED", "place_hold", _: Seal, context: HoldContext) if
  context.source in ["PLATFORM", "JUDICIAL"];
meets(_: Person, "HOLD_REFERENCE_STATED", "place_hold", _: Seal, context: HoldContext) if
  is_stated(context.reference);
meets(_: Person, "SEAL_NOT_ENDED", "place_hold", seal: Seal, _) if is_not_ended(seal);
meets(person: Person, "STAFF_NOT_CONCERNED", "place_hold", seal: Seal, context) if
  not is_concerned(person, seal.enterprise, context);

is_concerned(person: Person, enterprise: Enterprise, context) if
  account_of(person, account) and
  holds_membership(account, enterprise, context);
is_concerned(person: Person, enterprise: Enterprise, _) if registry_names_human(person.id, enterprise);

# --- when the permission ends by itself ------------------------------------------------------------------------------

lapses(person: Person, "freeze", seal: Seal, context, at) if guard_lapses(person, seal, context, at);
lapses(person: Person, "report_lost", seal: Seal, context, at) if guard_lapses(person, seal, context, at);
lapses(person: Person, "report_found", seal: Seal, context, at) if
  seal_admin_lapses(person, seal.enterprise, context, at);
lapses(person: Person, "report_found", seal: Seal, context, at) if
  face_lapses(
    context.verification, person, "SEAL_MANAGE", "Seal", seal.id, context.parameters.face_for_management, context, at);
lapses(person: Person, "release", hold: SealHold, context, at) if
  is_released_by_seal_administrator(hold, context) and
  seal_admin_lapses(person, hold.seal.enterprise, context, at);
lapses(person: Person, "release", hold: SealHold, context, at) if
  hold.source = "RETRIEVAL" and
  own_admin_role_lapses(person, hold.seal.enterprise, context, at);
lapses(person: Person, "release", hold: SealHold, context, at) if
  face_lapses(
    context.verification,
    person, "SEAL_MANAGE", "SealHold", hold.id, context.parameters.face_for_management, context, at);

guard_lapses(person: Person, seal: Seal, context, at) if seal_admin_lapses(person, seal.enterprise, context, at);
guard_lapses(person: Person, seal: Seal, context, at) if own_admin_role_lapses(person, seal.enterprise, context, at);
guard_lapses(person: Person, seal: Seal, context, at) if
  is_acting_custodian(person, seal, context) and
  at = seal.acting_to;
guard_lapses(person: Person, seal: Seal, context, at) if
  guarding_grant(person, seal, grant, context) and
  grant_lapses(grant, at);
