# Seal management: who makes, changes and ends seals, and who gives out the right to use them.
#
# Managing is not using: a seal administrator who wants to stamp needs a grant like everybody else.

# Only a seal administrator or the legal representative manages seals; the legal representative's own seal only he himself.
#@ S-01
requires("create_seal", _: Enterprise, "SEAL_MANAGER");
requires("edit", _: Seal, "SEAL_MANAGER");
requires("disable", _: Seal, "SEAL_MANAGER");
requires("enable", _: Seal, "SEAL_MANAGER");
requires("revoke", _: Seal, "SEAL_MANAGER");
requires("grant", _: Seal, "SEAL_MANAGER");
requires("confirm", _: SealGrant, "SEAL_MANAGER");
meets(person: Person, "SEAL_MANAGER", "create_seal", enterprise: Enterprise, context) if
  may_manage_seals(person, enterprise, context);
meets(person: Person, "SEAL_MANAGER", "edit", seal: Seal, context) if may_manage(person, seal, context);
meets(person: Person, "SEAL_MANAGER", "disable", seal: Seal, context) if may_manage(person, seal, context);
meets(person: Person, "SEAL_MANAGER", "enable", seal: Seal, context) if may_manage(person, seal, context);
meets(person: Person, "SEAL_MANAGER", "revoke", seal: Seal, context) if may_manage(person, seal, context);
meets(person: Person, "SEAL_MANAGER", "grant", seal: Seal, context) if may_manage(person, seal, context);
meets(person: Person, "SEAL_MANAGER", "confirm", grant: SealGrant, context) if may_manage(person, grant.seal, context);
#@ S-05
because("SEAL_MANAGER", "LEGAL_REP_ONLY", person: Person, seal: Seal, context) if is_legal_rep_only(person, seal, context);
because("SEAL_MANAGER", "LEGAL_REP_ONLY", person: Person, grant: SealGrant, context) if
  is_legal_rep_only(person, grant.seal, context);

may_manage(person: Person, seal: Seal, context) if
  seal.kind != "LEGAL_REP" and
  may_manage_seals(person, seal.enterprise, context);
may_manage(person: Person, seal: Seal, _) if
  seal.kind = "LEGAL_REP" and
  legal_representative(person, seal.enterprise);

is_legal_rep_only(person: Person, seal: Seal, context) if
  seal.kind = "LEGAL_REP" and
  has_standing_role(person, seal.enterprise, "SEAL_ADMIN", context) and
  not legal_representative(person, seal.enterprise);

# REVOKED and DESTROYED are for ever.
#@ S-01
requires("edit", _: Seal, "SEAL_NOT_ENDED");
requires("disable", _: Seal, "SEAL_NOT_ENDED");
requires("enable", _: Seal, "SEAL_NOT_ENDED");
requires("revoke", _: Seal, "SEAL_NOT_ENDED");
requires("grant", _: Seal, "SEAL_NOT_ENDED");
requires("request_use", _: Seal, "SEAL_NOT_ENDED");
requires("confirm", _: SealGrant, "SEAL_NOT_ENDED");
meets(_: Person, "SEAL_NOT_ENDED", "edit", seal: Seal, _) if is_not_ended(seal);
meets(_: Person, "SEAL_NOT_ENDED", "disable", seal: Seal, _) if is_not_ended(seal);
meets(_: Person, "SEAL_NOT_ENDED", "enable", seal: Seal, _) if is_not_ended(seal);
meets(_: Person, "SEAL_NOT_ENDED", "revoke", seal: Seal, _) if is_not_ended(seal);
meets(_: Person, "SEAL_NOT_ENDED", "grant", seal: Seal, _) if is_not_ended(seal);
meets(_: Person, "SEAL_NOT_ENDED", "request_use", seal: Seal, _) if is_not_ended(seal);
meets(_: Person, "SEAL_NOT_ENDED", "confirm", grant: SealGrant, _) if is_not_ended(grant.seal);

is_not_ended(seal: Seal) if
  seal.state in ["DRAFT", "PENDING_REVIEW", "REVIEW_REJECTED", "ACTIVE", "DISABLED", "LOST", "EXPIRED", "COLLECTED"];

# A seal that was reported lost, or is still under review, is not simply switched on.
#@ S-01
requires("enable", _: Seal, "SEAL_CAN_BE_ENABLED");
meets(_: Person, "SEAL_CAN_BE_ENABLED", "enable", seal: Seal, _) if seal.state in ["ACTIVE", "DISABLED"];

# A grant names right, scope and term, and is effective only after confirmation, by a signed letter or a fresh face check.
#@ S-06
requires("confirm", _: SealGrant, "GRANT_PENDING");
requires("confirm", _: SealGrant, "GRANT_CONFIRMATION");
meets(_: Person, "GRANT_PENDING", "confirm", grant: SealGrant, context) if
  grant.state = "PENDING_CONFIRM" and
  context.now < grant.valid_to and
  grantor_stands(grant, context);
meets(_: Person, "GRANT_CONFIRMATION", "confirm", grant: SealGrant, _) if grant.confirmation = "AUTH_LETTER";
meets(person: Person, "GRANT_CONFIRMATION", "confirm", grant: SealGrant, context) if
  fresh_face_check(
    context.verification, person, "SEAL_GRANT", "SealGrant", grant.id, context.parameters.face_for_grant, context);

# The grantee is an active member with a verified name, of the enterprise that owns the seal.
#@ S-07
requires("confirm", _: SealGrant, "GRANTEE_MEMBER");
meets(_: Person, "GRANTEE_MEMBER", "confirm", grant: SealGrant, _) if
  grant.membership.state = "ACTIVE" and
  grant.membership.enterprise_id = grant.seal.enterprise_id and
  fit(grant.membership.person);

# A grant stands on the role of whoever gave it: a seal administrator's, or the legal representative's while the registry
# names him. The legal representative's seal is granted by himself alone.
#@ S-17 S-05
grantor_stands(grant: SealGrant, context) if
  grant.seal.kind != "LEGAL_REP" and
  grant.grantor.role = "SEAL_ADMIN" and
  assignment_stands(grant.grantor, context);
grantor_stands(grant: SealGrant, context) if
  grant.grantor.role = "LEGAL_REP" and
  assignment_stands(grant.grantor, context) and
  legal_representative(grant.grantor.membership.person, grant.seal.enterprise);

# Nobody confirms a grant to himself.
#@ S-09
requires("confirm", _: SealGrant, "NOT_OWN_GRANT");
meets(person: Person, "NOT_OWN_GRANT", "confirm", grant: SealGrant, _) if grant.membership.person_id != person.id;

# A face check that confirmed a grant is used up; a signed letter needs none.
obligation(_: Person, "confirm", grant: SealGrant, _, "CONSUME_VERIFICATION") if grant.confirmation != "AUTH_LETTER";

lapses(person: Person, "confirm", grant: SealGrant, context, at) if
  grant.confirmation != "AUTH_LETTER" and
  face_lapses(
    context.verification, person, "SEAL_GRANT", "SealGrant", grant.id, context.parameters.face_for_grant, context, at);
lapses(_: Person, "confirm", grant: SealGrant, _, at) if at = grant.valid_to;
lapses(_: Person, "confirm", grant: SealGrant, _, at) if at = grant.grantor.valid_to;

# When a seal administrator's own role ends, so do the acts that rest on it.
lapses(person: Person, "create_seal", enterprise: Enterprise, context, at) if
  seal_admin_lapses(person, enterprise, context, at);
lapses(person: Person, "edit", seal: Seal, context, at) if seal_admin_lapses(person, seal.enterprise, context, at);
lapses(person: Person, "disable", seal: Seal, context, at) if seal_admin_lapses(person, seal.enterprise, context, at);
lapses(person: Person, "enable", seal: Seal, context, at) if seal_admin_lapses(person, seal.enterprise, context, at);
lapses(person: Person, "revoke", seal: Seal, context, at) if seal_admin_lapses(person, seal.enterprise, context, at);
lapses(person: Person, "grant", seal: Seal, context, at) if seal_admin_lapses(person, seal.enterprise, context, at);
lapses(person: Person, "confirm", grant: SealGrant, context, at) if
  seal_admin_lapses(person, grant.seal.enterprise, context, at);

seal_admin_lapses(person: Person, enterprise: Enterprise, context, at) if
  member(person, enterprise, membership) and
  assignment in membership.assignments and
  assignment.role = "SEAL_ADMIN" and
  assignment_stands(assignment, context) and
  at = assignment.valid_to;
