# The enterprise itself: handing over its administration, changing its name, taking its data out.
#
# These acts move or spread power over everything that the enterprise has, so only its administrator or legal
# representative does them, and none of them while a retrieval is decided or just after it.
# (Public products: change of administrator with both faces checked, no change of name while contracts are open.)

# Only an administrator or the legal representative hands over, renames or exports.
#@ M-07
requires("transfer_admin", _: Enterprise, "ENTERPRISE_ADMIN");
requires("change_name", _: Enterprise, "ENTERPRISE_ADMIN");
requires("export", _: Enterprise, "ENTERPRISE_ADMIN");
meets(person: Person, "ENTERPRISE_ADMIN", "transfer_admin", enterprise: Enterprise, context) if
  may_administer(person, enterprise, context);
meets(person: Person, "ENTERPRISE_ADMIN", "change_name", enterprise: Enterprise, context) if
  may_administer(person, enterprise, context);
meets(person: Person, "ENTERPRISE_ADMIN", "export", enterprise: Enterprise, context) if
  may_administer(person, enterprise, context);

# --- during and after a retrieval ------------------------------------------------------------------------------------

# What a case or an appeal is about stays as it is until that is decided.
#@ R-12
requires("transfer_admin", _: Enterprise, "NO_RETRIEVAL_HOLD");
requires("change_name", _: Enterprise, "NO_RETRIEVAL_HOLD");
requires("export", _: Enterprise, "NO_RETRIEVAL_HOLD");
meets(_: Person, "NO_RETRIEVAL_HOLD", "transfer_admin", enterprise: Enterprise, context) if
  not is_held_by_retrieval(enterprise, context);
meets(_: Person, "NO_RETRIEVAL_HOLD", "change_name", enterprise: Enterprise, context) if
  not is_held_by_retrieval(enterprise, context);
meets(_: Person, "NO_RETRIEVAL_HOLD", "export", enterprise: Enterprise, context) if
  not is_held_by_retrieval(enterprise, context);

# The new administrator waits, so that a wrong retrieval can be appealed before it has done harm.
#@ R-13
requires("transfer_admin", _: Enterprise, "COOLED_OFF");
requires("change_name", _: Enterprise, "COOLED_OFF");
requires("export", _: Enterprise, "COOLED_OFF");
meets(person: Person, "COOLED_OFF", "transfer_admin", enterprise: Enterprise, context) if
  not cooling_off(person, enterprise, _, context);
meets(person: Person, "COOLED_OFF", "change_name", enterprise: Enterprise, context) if
  not cooling_off(person, enterprise, _, context);
meets(person: Person, "COOLED_OFF", "export", enterprise: Enterprise, context) if
  not cooling_off(person, enterprise, _, context);

# --- handing over ----------------------------------------------------------------------------------------------------

# M-12: An enterprise is handed over by its administrator or legal representative to another present member with a
# verified name, who remains long enough to run it (M-08), and both show their faces, freshly.
#@ M-08 M-12
requires("transfer_admin", _: Enterprise, "NEW_ADMIN");
meets(person: Person, "NEW_ADMIN", "transfer_admin", enterprise: Enterprise, context) if
  receiver = context.receiver and
  receiver matches Membership and
  receiver.enterprise_id = enterprise.id and
  may_take_over(receiver, person, context);

may_take_over(receiver: Membership, person: Person, context) if
  is_live(receiver, context) and
  remains_until(receiver.ended_at, context) and
  receiver.person_id != person.id and
  is_active_and_verified(receiver.person) and
  not has_role_that_ends_soon(receiver, context);

# A person who has the role already keeps that one, with its end.
has_role_that_ends_soon(receiver: Membership, context) if
  assignment in receiver.assignments and
  assignment.role = "SYSTEM_ADMIN" and
  is_active_assignment(assignment, context) and
  not remains_until(assignment.valid_to, context);
# Nobody hands over to themself.
#@ M-11
because("NEW_ADMIN", "SELF_GRANT", person: Person, _: Enterprise, context: AdminChangeContext) if
  receiver = context.receiver and
  receiver matches Membership and
  receiver.person_id = person.id;

# Both show their faces, freshly and for this very act: the person who takes this enterprise over, and the person who
# gives it away, to that one. A face that was shown for one receiver, or to take another administrator's role, hands
# nothing over.
#@ M-12
requires("transfer_admin", _: Enterprise, "FRESH_FACE");
requires("transfer_admin", _: Enterprise, "NEW_ADMIN_FACE");
meets(person: Person, "FRESH_FACE", "transfer_admin", _: Enterprise, context) if
  receiver = context.receiver and
  receiver matches Membership and
  has_fresh_giver_face(context.verification, person, receiver, context);
meets(_: Person, "NEW_ADMIN_FACE", "transfer_admin", enterprise: Enterprise, context) if
  receiver = context.receiver and
  receiver matches Membership and
  has_fresh_admin_change_face(context.receiver_verification, receiver.person, enterprise.id, context);
because("FRESH_FACE", "FACE_VERIFICATION_EXPIRED", person: Person, _: Enterprise, context: AdminChangeContext) if
  receiver = context.receiver and
  receiver matches Membership and
  has_stale_giver_face(context.verification, person, receiver, context);
because("FRESH_FACE", "FACE_VERIFICATION_ALREADY_USED", person: Person, _: Enterprise, context: AdminChangeContext) if
  receiver = context.receiver and
  receiver matches Membership and
  used_face_check(context.verification, person, "ADMIN_CHANGE", "Membership", receiver.id);

# The face check for handing an enterprise over, to one more administrator (membership.polar) or to another one: the
# receiver's is bound to the enterprise, the giver's to the receiver's membership, and both to what is done.
has_fresh_admin_change_face(check, person: Person, enterprise_id, context) if
  max_age = context.parameters.face_for_admin_change and
  bound_face_check(check, person, "ADMIN_CHANGE", "Enterprise", enterprise_id, max_age, context);

has_fresh_giver_face(check, person: Person, receiver: Membership, context) if
  max_age = context.parameters.face_for_admin_change and
  bound_face_check(check, person, "ADMIN_CHANGE", "Membership", receiver.id, max_age, context);

has_stale_giver_face(check, person: Person, receiver: Membership, context) if
  max_age = context.parameters.face_for_admin_change and
  stale_face_check(check, person, "ADMIN_CHANGE", "Membership", receiver.id, max_age, context);

giver_face_lapses(check, person: Person, receiver: Membership, context, at) if
  max_age = context.parameters.face_for_admin_change and
  face_lapses(check, person, "ADMIN_CHANGE", "Membership", receiver.id, max_age, context, at);

admin_change_face_lapses(check, person: Person, enterprise_id, context, at) if
  max_age = context.parameters.face_for_admin_change and
  face_lapses(check, person, "ADMIN_CHANGE", "Enterprise", enterprise_id, max_age, context, at);

# Giving and taking are one act, so that the enterprise is never without an administrator.
#@ M-12
obligation(_: Person, "transfer_admin", _: Enterprise, _, "CONSUME_VERIFICATION");
obligation(_: Person, "transfer_admin", _: Enterprise, _, "CONSUME_NEW_ADMIN_VERIFICATION");
obligation(_: Person, "transfer_admin", _: Enterprise, _, "TRANSFER_IN_ONE_TRANSACTION");
obligation_parameter(
  "CONSUME_VERIFICATION", "verification_id", id, _: Person, "transfer_admin", _: Enterprise, context) if
  check_id(context.verification, id);
obligation_parameter(
  "CONSUME_NEW_ADMIN_VERIFICATION", "verification_id", id, _: Person, "transfer_admin", _: Enterprise, context) if
  check_id(context.receiver_verification, id);

# --- changing the name -----------------------------------------------------------------------------------------------

# S-18: A change of name or legal representative ends the seals that bear the old one, and no name changes while
# contracts are open. The name is the registry's: a snapshot fetched lately states another one than the enterprise bears
# here. Nobody types it in.
#@ S-18
requires("change_name", _: Enterprise, "NEW_NAME_REGISTERED");
meets(_: Person, "NEW_NAME_REGISTERED", "change_name", enterprise: Enterprise, context) if
  has_new_registered_name(enterprise, context);
because("NEW_NAME_REGISTERED", "REGISTRY_NOT_EXISTING", _: Person, enterprise: Enterprise, _) if
  is_struck_off(enterprise);
because("NEW_NAME_REGISTERED", "NAME_UNCHANGED", _: Person, enterprise: Enterprise, context) if
  fresh_snapshot(enterprise, snapshot, context) and
  snapshot.registered_name = enterprise.name;

has_new_registered_name(enterprise: Enterprise, context) if
  fresh_snapshot(enterprise, snapshot, context) and
  snapshot.registered_name != "" and
  snapshot.registered_name != enterprise.name;

fresh_snapshot(enterprise: Enterprise, snapshot, context) if
  snapshot in enterprise.registry_snapshots and
  snapshot.is_current = true and
  is_in_business(snapshot) and
  snapshot.fetched_at <= context.now and
  context.now < snapshot.fetched_at + context.parameters.registry_fresh_within;

# Contracts that are open name the enterprise as it is.
#@ S-18
requires("change_name", _: Enterprise, "NO_OPEN_CONTRACT");
meets(_: Person, "NO_OPEN_CONTRACT", "change_name", _: Enterprise, context) if not contract_waits(context);

contract_waits(context: NameChangeContext) if
  contract in context.contracts and
  is_unfinished_contract(contract);

# The seals and certificates that bear the old name end with it.
#@ S-18
obligation(_: Person, "change_name", _: Enterprise, _, "TAKE_REGISTERED_NAME");
obligation(_: Person, "change_name", _: Enterprise, _, "REVOKE_NAMED_SEALS");

# --- taking data out -------------------------------------------------------------------------------------------------

# W-07: What is shown or exported bears the viewer's name, and shows no more of a person than it must. What leaves is on
# record.
#@ W-07
obligation(_: Person, "export", _: Enterprise, _, "LOG_EXPORT");
obligation(_: Person, "export", _: Enterprise, _, "WATERMARK");
obligation(_: Person, "export", _: Enterprise, _, "MASK_PERSONAL_DATA");

# --- how long an answer holds ----------------------------------------------------------------------------------------

lapses(person: Person, "transfer_admin", enterprise: Enterprise, context, at) if
  admin_lapses(person, enterprise, context, at);
lapses(person: Person, "change_name", enterprise: Enterprise, context, at) if
  admin_lapses(person, enterprise, context, at);
lapses(person: Person, "export", enterprise: Enterprise, context, at) if admin_lapses(person, enterprise, context, at);
lapses(person: Person, "transfer_admin", _: Enterprise, context, at) if
  receiver = context.receiver and
  receiver matches Membership and
  giver_face_lapses(context.verification, person, receiver, context, at);
lapses(_: Person, "transfer_admin", enterprise: Enterprise, context, at) if
  receiver = context.receiver and
  receiver matches Membership and
  admin_change_face_lapses(context.receiver_verification, receiver.person, enterprise.id, context, at);
lapses(_: Person, "change_name", enterprise: Enterprise, context, at) if
  fresh_snapshot(enterprise, snapshot, context) and
  at = snapshot.fetched_at + context.parameters.registry_fresh_within;
