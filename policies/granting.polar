# Granting: who gives out the right to a seal, confirms it, passes it on and takes it back; and who lets a colleague act
# for them.
#
# A grant names right, scope and term, and gives nothing before it is confirmed. Nobody gives themself a right, and
# nobody gives more than they have. Taking away is easy: it waits for nothing and nobody.
# (Civil Code 165: written authority states matter, scope and term; 168: no self-dealing; 169: sub-delegation needs
# consent.)
#
# A SealGrant is for one member, an OpenGrant for all members or a department's, a CrossEnterpriseGrant for another
# enterprise. What holds of all three is written once: `grant` then has no type.

# --- the life of a grant ---------------------------------------------------------------------------------------------

# A grant waits for its confirmation (PENDING_CONFIRM) and for its time (PENDING_EFFECT), and gives its right while it
# is ACTIVE. It ends when it is used up (EXHAUSTED), by time (EXPIRED), taken back (REVOKED) or with its grantor's role
# (INVALIDATED). The state is what somebody wrote down; confirmation, time, count and grantor are looked at in each
# decision.
is_live_grant(grant, context) if
  is_in_effect(grant, context) and
  grantor_is_entitled(grant, context);

is_in_effect(grant, context) if
  grant.state = "ACTIVE" and
  is_confirmed(grant, context.now, context) and
  is_within_time(grant, context);

# U-06: A grant or an approved request is used as often as it says, and no more.
#@ U-06
has_uses_left(grant) if grant.used < grant.use_limit;

awaits_confirmation(grant, context) if
  grant.state = "PENDING_CONFIRM" and
  context.now < grant.valid_to;

# A grant may be revoked until it has ended; one that is used up may be, too.
is_revocable(grant) if grant.state in ["PENDING_CONFIRM", "PENDING_EFFECT", "ACTIVE", "EXHAUSTED"];

has_expired(grant, _) if grant.state = "EXPIRED";
has_expired(grant, context) if
  grant.state in ["ACTIVE", "PENDING_EFFECT"] and
  grant.valid_to <= context.now;
# It goes with the post of its grantor, or of the one who gave what was passed on, when the time of that has passed.
has_expired(grant, context) if
  awaits_or_gives(grant) and
  has_run_out(grant.grantor, context);
has_expired(grant: SealGrant, context) if
  awaits_or_gives(grant) and
  parent = grant.parent and
  parent matches SealGrant and
  has_run_out(parent.grantor, context);

awaits_or_gives(grant) if grant.state in ["PENDING_CONFIRM", "PENDING_EFFECT", "ACTIVE"];

# The time of a role has passed, or that of its membership.
has_run_out(assignment: RoleAssignment, context) if
  assignment.state = "ACTIVE" and
  assignment.valid_to <= context.now;
has_run_out(assignment: RoleAssignment, context) if
  assignment.state = "ACTIVE" and
  assignment.membership.state in ["ACTIVE", "SUSPENDED"] and
  assignment.membership.ended_at <= context.now;

has_no_uses_left(grant) if grant.state = "EXHAUSTED";
has_no_uses_left(grant) if
  grant.state = "ACTIVE" and
  grant.used >= grant.use_limit;

lost_its_grantor(grant, _) if
  grant.state = "INVALIDATED" and
  grant.invalid_reason = "ADMIN_CHANGED";
lost_its_grantor(grant, context) if
  grant.state in ["PENDING_EFFECT", "ACTIVE"] and
  not has_expired(grant, context) and
  not carries_grant(grant, grant.grantor, context);

# The largest whole number stands for "no limit", of an amount and of a number of uses.
is_unlimited(limit) if limit = 9223372036854775807;

# S-17: A grant stands on the role of its grantor: it gives nothing once that person is no seal administrator any more.
# The legal representative's seal is granted by that representative alone, while the registry names them.
#@ S-17 S-05
stands_on_role(grant, seal: Seal, grantor: RoleAssignment, context) if
  seal.kind != "LEGAL_REP" and
  grantor.role = "SEAL_ADMIN" and
  carries_grant(grant, grantor, context);
stands_on_role(grant, seal: Seal, grantor: RoleAssignment, context) if
  grantor.role = "LEGAL_REP" and
  carries_grant(grant, grantor, context) and
  legal_representative(grantor.membership.person, seal.enterprise, context);

# A-11: To be suspended is not to be replaced: what a grantor gave stands while they are away. A suspension for suspicion
# holds what was confirmed within the last month before it, and one that does not say why or since when holds all.
#@ A-11
carries_grant(_, grantor: RoleAssignment, context) if
  is_active_assignment(grantor, context) and
  is_of_own_account(grantor.membership);
carries_grant(grant, grantor: RoleAssignment, context) if
  is_of_own_account(grantor.membership) and
  grantor.state = "ACTIVE" and
  is_within_time(grantor, context) and
  grantor.membership.state = "SUSPENDED" and
  context.now < grantor.membership.ended_at and
  is_beyond_suspicion(grant, grantor.membership, context);

is_beyond_suspicion(_, membership: Membership, _) if membership.suspended_for = "ABSENCE";
is_beyond_suspicion(grant, membership: Membership, context) if
  membership.suspended_for = "SUSPICION" and
  grant.confirmed_at > 0 and
  grant.confirmed_at + context.parameters.suspicion_reaches_back <= membership.suspended_at;

grantor_is_entitled(grant: SealGrant, context) if
  grant.parent_id = nil and
  stands_on_role(grant, grant.seal, grant.grantor, context);
grantor_is_entitled(grant: OpenGrant, context) if stands_on_role(grant, grant.seal, grant.grantor, context);
grantor_is_entitled(grant: CrossEnterpriseGrant, context) if stands_on_role(grant, grant.seal, grant.grantor, context);

# A grant that was passed on stands on the grant that it comes from: in effect, not used up, marked as one that may be
# passed on, itself not passed on, and given to the person who passed it on. Only use is passed on, and never that of
# the legal representative's seal.
#@ S-09
grantor_is_entitled(grant: SealGrant, context) if
  parent = grant.parent and
  parent matches SealGrant and
  parent.may_subgrant = true and
  parent.parent_id = nil and
  parent.seal_id = grant.seal_id and
  parent.right = "USE" and
  grant.right = "USE" and
  grant.seal.kind != "LEGAL_REP" and
  grant.grantor.membership_id = parent.membership_id and
  carries_grant(grant, grant.grantor, context) and
  is_in_effect(parent, context) and
  may_count(parent, context) and
  stands_on_role(parent, parent.seal, parent.grantor, context);

# When what a grant stands on ends by itself.
grantor_entitlement_lapses(grant, at) if assignment_lapses(grant.grantor, at);
grantor_entitlement_lapses(grant: SealGrant, at) if
  parent = grant.parent and
  parent matches SealGrant and
  at = parent.valid_to;
grantor_entitlement_lapses(grant: SealGrant, at) if
  parent = grant.parent and
  parent matches SealGrant and
  assignment_lapses(parent.grantor, at);

grant_lapses(grant, at) if at = grant.valid_to;
grant_lapses(grant, at) if grantor_entitlement_lapses(grant, at);

# Who gave a right: its grantor and the person who confirmed it, and those of the right that it comes from. None of them
# gets it back, by any detour.
#@ S-09 A-02
gave_grant(person_id, grant) if
  giver_of(giver_id, grant) and
  are_one_human(giver_id, person_id, grant.seal.enterprise);

giver_of(person_id, grant) if granted_or_confirmed(person_id, grant);
giver_of(person_id, grant: SealGrant) if
  parent = grant.parent and
  parent matches SealGrant and
  granted_or_confirmed(person_id, parent);

granted_or_confirmed(person_id, grant) if grant.grantor.membership.person_id = person_id;
granted_or_confirmed(person_id, grant) if
  grant.confirmed_by_id matches String and
  grant.confirmed_by_id = person_id;

# An enterprise to which the grantor belongs is no other one: they would give the seal to themself.
#@ S-09 U-20
gave_to_own_enterprise(grant: CrossEnterpriseGrant, holder: Enterprise) if
  is_affiliated_with(grant.grantor.membership.person_id, holder);
# … and neither is one to which a person belongs who confirmed it, or who delivered or verified its letter.
#@ A-02
gave_to_own_enterprise(grant: CrossEnterpriseGrant, holder: Enterprise) if
  confirmer_id = grant.confirmed_by_id and
  confirmer_id matches String and
  is_affiliated_with(confirmer_id, holder);
gave_to_own_enterprise(grant: CrossEnterpriseGrant, holder: Enterprise) if
  letter in grant.letters and
  letter.state = "VERIFIED" and
  wrote_letter(person_id, letter) and
  is_affiliated_with(person_id, holder);

wrote_letter(person_id, letter: AuthLetter) if person_id = letter.delivered_by_id;
wrote_letter(person_id, letter: AuthLetter) if
  person_id = letter.verified_by_id and
  person_id matches String;

# A member, suspended or not, or the person whom the registry names, whatever state the licence is in.
is_affiliated_with(person_id, enterprise: Enterprise) if
  membership in enterprise.memberships and
  membership.person_id = person_id and
  membership.state != "ENDED";
is_affiliated_with(person_id, enterprise: Enterprise) if
  membership in enterprise.memberships and
  membership.state != "ENDED" and
  counting_id = membership.person.same_as_id and
  counting_id matches String and
  counting_id = person_id;
is_affiliated_with(person_id, enterprise: Enterprise) if registry_names_human(person_id, enterprise);

# The same, from the person's side.
is_of_enterprise(person: Person, enterprise_id) if
  account_of(person, account) and
  membership in account.memberships and
  membership.enterprise_id = enterprise_id and
  membership.state != "ENDED";
is_of_enterprise(person: Person, enterprise_id) if
  account_of(person, account) and
  snapshot in account.represented and
  snapshot.is_current = true and
  snapshot.enterprise_id = enterprise_id;

# --- who grants ------------------------------------------------------------------------------------------------------

# The grantor manages the seal; that of the legal representative is granted by that representative alone.
#@ S-01 S-05
requires("grant", _: Seal, "SEAL_MANAGER");
requires("confirm", _: SealGrant, "SEAL_MANAGER");
requires("extend", _: SealGrant, "SEAL_MANAGER");
requires("confirm", _: OpenGrant, "SEAL_MANAGER");
requires("confirm", _: CrossEnterpriseGrant, "SEAL_MANAGER");
meets(person: Person, "SEAL_MANAGER", "grant", seal: Seal, context: GrantingContext) if
  context.parent = nil and
  may_manage(person, seal, context);
meets(person: Person, "SEAL_MANAGER", "extend", grant: SealGrant, context) if may_grant(person, grant.seal, context);
meets(person: Person, "SEAL_MANAGER", "confirm", grant: SealGrant, context) if may_grant(person, grant.seal, context);
meets(person: Person, "SEAL_MANAGER", "confirm", grant: OpenGrant, context) if may_grant(person, grant.seal, context);
meets(person: Person, "SEAL_MANAGER", "confirm", grant: CrossEnterpriseGrant, context) if
  may_grant(person, grant.seal, context);

may_grant(person: Person, seal: Seal, context) if
  seal.kind != "LEGAL_REP" and
  administers_as_seal_administrator(person, seal, context);
may_grant(person: Person, seal: Seal, context) if representative_today(person, seal.enterprise, context);

because("SEAL_MANAGER", "REGISTRY_STALE", person: Person, grant, context) if
  grant_waits_for_registry(person, grant, context);

grant_waits_for_registry(person: Person, grant: SealGrant, context) if
  is_stale_representative(person, grant.seal.enterprise, context) and
  not may_grant(person, grant.seal, context) and
  not passes_on(person, grant);
grant_waits_for_registry(person: Person, grant: OpenGrant, context) if
  is_stale_representative(person, grant.seal.enterprise, context) and
  not may_grant(person, grant.seal, context);
grant_waits_for_registry(person: Person, grant: CrossEnterpriseGrant, context) if
  is_stale_representative(person, grant.seal.enterprise, context) and
  not may_grant(person, grant.seal, context);

# A person who was allowed to pass their right on gives and confirms themself what they pass on.
#@ S-09
meets(person: Person, "SEAL_MANAGER", "grant", seal: Seal, context: GrantingContext) if
  passed_on_grant(person, seal, _, context);
because("SEAL_MANAGER", "GRANT_EXCEEDS_GRANTOR", person: Person, seal: Seal, context: GrantingContext) if
  context.parent matches SealGrant and
  not passed_on_grant(person, seal, _, context);

passed_on_grant(person: Person, seal: Seal, parent, context: GrantingContext) if
  seal.kind != "LEGAL_REP" and
  parent = context.parent and
  parent matches SealGrant and
  parent.seal_id = seal.id and
  parent.right = "USE" and
  parent.may_subgrant = true and
  parent.parent_id = nil and
  parent.membership.person_id = person.id and
  is_live(parent.membership, context) and
  is_live_grant(parent, context) and
  has_uses_left(parent) and
  not gave_grant(person.id, parent) and
  not audits_seal(person, seal, context);

meets(person: Person, "SEAL_MANAGER", "confirm", grant: SealGrant, context) if
  passes_on(person, grant) and
  not audits_seal(person, grant.seal, context);

passes_on(person: Person, grant: SealGrant) if
  parent = grant.parent and
  parent matches SealGrant and
  grant.seal.kind != "LEGAL_REP" and
  parent.membership.person_id = person.id and
  grant.grantor.membership_id = parent.membership_id;

# A seal that has ended is granted to nobody.
#@ S-01
requires("grant", _: Seal, "SEAL_NOT_ENDED");
requires("confirm", _: SealGrant, "SEAL_NOT_ENDED");
requires("confirm", _: OpenGrant, "SEAL_NOT_ENDED");
requires("confirm", _: CrossEnterpriseGrant, "SEAL_NOT_ENDED");
meets(_: Person, "SEAL_NOT_ENDED", "grant", seal: Seal, _) if is_not_ended(seal);
meets(_: Person, "SEAL_NOT_ENDED", "confirm", grant: SealGrant, _) if is_not_ended(grant.seal);
meets(_: Person, "SEAL_NOT_ENDED", "confirm", grant: OpenGrant, _) if is_not_ended(grant.seal);
meets(_: Person, "SEAL_NOT_ENDED", "confirm", grant: CrossEnterpriseGrant, _) if is_not_ended(grant.seal);

# A grant is confirmed only while its grantor may still give it.
#@ S-17
requires("confirm", _: SealGrant, "GRANTOR_ENTITLED");
requires("confirm", _: OpenGrant, "GRANTOR_ENTITLED");
requires("confirm", _: CrossEnterpriseGrant, "GRANTOR_ENTITLED");
meets(_: Person, "GRANTOR_ENTITLED", "confirm", grant: SealGrant, context) if may_still_give(grant, context);
meets(_: Person, "GRANTOR_ENTITLED", "confirm", grant: OpenGrant, context) if may_still_give(grant, context);
meets(_: Person, "GRANTOR_ENTITLED", "confirm", grant: CrossEnterpriseGrant, context) if may_still_give(grant, context);

# A grantor who is suspended gives nothing more.
may_still_give(grant, context) if
  is_active_assignment(grant.grantor, context) and
  grantor_is_entitled(grant, context);

because("GRANTOR_ENTITLED", "GRANT_INVALIDATED_ADMIN_CHANGED", _: Person, grant: SealGrant, context) if
  grant.parent_id = nil and
  not is_active_assignment(grant.grantor, context);
because("GRANTOR_ENTITLED", "GRANT_INVALIDATED_ADMIN_CHANGED", _: Person, grant: OpenGrant, context) if
  not is_active_assignment(grant.grantor, context);
because("GRANTOR_ENTITLED", "GRANT_INVALIDATED_ADMIN_CHANGED", _: Person, grant: CrossEnterpriseGrant, context) if
  not is_active_assignment(grant.grantor, context);
# The grant that a passed-on one comes from does not stand.
#@ S-09
because("GRANTOR_ENTITLED", "GRANT_EXCEEDS_GRANTOR", _: Person, grant: SealGrant, context) if
  grant.parent_id != nil and
  not may_still_give(grant, context);

# Nobody passes on more than they have: contracts, amount, term, number of uses.
#@ S-09
requires("confirm", _: SealGrant, "WITHIN_PARENT");
meets(_: Person, "WITHIN_PARENT", "confirm", grant: SealGrant, _) if grant.parent_id = nil;
meets(_: Person, "WITHIN_PARENT", "confirm", grant: SealGrant, _) if
  parent = grant.parent and
  parent matches SealGrant and
  parent.valid_from <= grant.valid_from and
  grant.valid_to <= parent.valid_to and
  grant.use_limit <= parent.use_limit and
  is_within_parents_amount(grant, parent) and
  is_within_scope(grant, parent);

is_within_parents_amount(_: SealGrant, parent: SealGrant) if parent.currency = "";
is_within_parents_amount(grant: SealGrant, parent: SealGrant) if
  grant.currency = parent.currency and
  grant.amount_max <= parent.amount_max;

# The contracts that a delegation or a passed-on grant covers are among those of the grant that it comes from.
is_within_scope(_, grant: SealGrant) if grant.scope = "ALL_CONTRACTS";
is_within_scope(given, grant: SealGrant) if
  given.scope = "LISTED_TYPES" and
  forall(listed in given.contract_types, lists_type(grant, listed.contract_type));

lists_type(grant: SealGrant, contract_type) if listed in grant.contract_types and listed.contract_type = contract_type;

# --- confirmation ----------------------------------------------------------------------------------------------------

# A grant waits for its confirmation, and is confirmed before it ends.
#@ S-06
requires("confirm", _: SealGrant, "GRANT_PENDING");
requires("confirm", _: OpenGrant, "GRANT_PENDING");
requires("confirm", _: CrossEnterpriseGrant, "GRANT_PENDING");
meets(_: Person, "GRANT_PENDING", "confirm", grant: SealGrant, context) if awaits_confirmation(grant, context);
meets(_: Person, "GRANT_PENDING", "confirm", grant: OpenGrant, context) if awaits_confirmation(grant, context);
meets(_: Person, "GRANT_PENDING", "confirm", grant: CrossEnterpriseGrant, context) if
  awaits_confirmation(grant, context);

# What confirms it: a signed letter that was delivered and verified (letters.polar), or a fresh face check of the person
# who confirms. A grant to another enterprise takes a letter.
#@ S-06
requires("confirm", _: SealGrant, "GRANT_CONFIRMATION");
requires("confirm", _: OpenGrant, "GRANT_CONFIRMATION");
requires("confirm", _: CrossEnterpriseGrant, "GRANT_CONFIRMATION");
meets(_: Person, "GRANT_CONFIRMATION", "confirm", grant: SealGrant, context) if has_letter(grant, context.now, context);
meets(_: Person, "GRANT_CONFIRMATION", "confirm", grant: OpenGrant, context) if has_letter(grant, context.now, context);
meets(_: Person, "GRANT_CONFIRMATION", "confirm", grant: CrossEnterpriseGrant, context) if
  has_letter(grant, context.now, context);
meets(person: Person, "GRANT_CONFIRMATION", "confirm", grant: SealGrant, context) if
  bound_face_check(
    context.verification, person, "SEAL_GRANT", "SealGrant", grant.id, context.parameters.face_for_grant, context);
meets(person: Person, "GRANT_CONFIRMATION", "confirm", grant: OpenGrant, context) if
  bound_face_check(
    context.verification, person, "SEAL_GRANT", "OpenGrant", grant.id, context.parameters.face_for_grant, context);

# The grantee is an active member with a verified name, of the enterprise that owns the seal.
#@ S-07
requires("confirm", _: SealGrant, "GRANTEE_MEMBER");
requires("confirm", _: OpenGrant, "GRANTEE_MEMBER");
meets(_: Person, "GRANTEE_MEMBER", "confirm", grant: SealGrant, context) if
  is_live(grant.membership, context) and
  grant.membership.enterprise_id = grant.seal.enterprise_id and
  is_active_and_verified(grant.membership.person);
meets(_: Person, "GRANTEE_MEMBER", "confirm", grant: OpenGrant, _) if grant.department_id = nil;
meets(_: Person, "GRANTEE_MEMBER", "confirm", grant: OpenGrant, _) if
  department in grant.seal.enterprise.departments and
  department.id = grant.department_id;

# S-09: Nobody gives a right to themself: the person who gets a grant neither gives nor confirms it, and a right is not
# passed on to the person who gave it.
#@ S-09
requires("confirm", _: SealGrant, "NOT_OWN_GRANT");
meets(person: Person, "NOT_OWN_GRANT", "confirm", grant: SealGrant, context) if
  is_second_person(person, grant.membership.person_id, grant.seal.enterprise, context) and
  not gave_grant(grant.membership.person_id, grant) and
  not is_from_straw_man(grant, context);
because("NOT_OWN_GRANT", "COOLING_OFF", person: Person, grant: SealGrant, context) if
  grant.membership.person_id != person.id and
  not gave_grant(grant.membership.person_id, grant) and
  straw_man_waits(person, grant, _, context);

# Neither the person who confirms nor the one who gives it was put in a post just now by the one who gets it.
#@ M-11 S-09
is_from_straw_man(grant: SealGrant, context) if came_from_straw_man(grant, grant.membership.person_id, _, context);

# … nor those from whom the right comes that is passed on, or lent, or open to them, or held by their enterprise.
came_from_straw_man(grant, person_id, at, context) if
  giver_of(giver_id, grant) and
  giver_id != person_id and
  new_officer(giver_id, person_id, grant.seal.enterprise, at, context);

straw_man_waits(person: Person, grant: SealGrant, at, context) if
  appointed_lately(person.id, grant.membership.person_id, grant.seal.enterprise, at, context);
straw_man_waits(_: Person, grant: SealGrant, at, context) if
  came_from_straw_man(grant, grant.membership.person_id, at, context);

# What is open to everybody, or leaves the house, has no grantee who would have to be another person. So it is confirmed
# by somebody else than its grantor, or by the legal representative.
#@ S-06 S-09
requires("confirm", _: OpenGrant, "CONFIRMED_BY_ANOTHER");
requires("confirm", _: CrossEnterpriseGrant, "CONFIRMED_BY_ANOTHER");
meets(person: Person, "CONFIRMED_BY_ANOTHER", "confirm", grant: OpenGrant, context) if
  may_confirm_for_all(person, grant, context);
meets(person: Person, "CONFIRMED_BY_ANOTHER", "confirm", grant: CrossEnterpriseGrant, context) if
  may_confirm_for_all(person, grant, context);

may_confirm_for_all(person: Person, grant, context) if
  is_second_person(person, grant.grantor.membership.person_id, grant.seal.enterprise, context) or
  representative_today(person, grant.seal.enterprise, context);

# Neither the grantor nor the person who confirms belongs to the enterprise that gets the seal.
#@ S-09 U-20
requires("confirm", _: CrossEnterpriseGrant, "HOLDER_APART");
meets(person: Person, "HOLDER_APART", "confirm", grant: CrossEnterpriseGrant, context: CrossGrantContext) if
  not is_affiliated_with(person.id, context.holder) and
  not gave_to_own_enterprise(grant, context.holder);

# The custodian of a seal does not get the right to approve its use.
#@ S-15
requires("confirm", _: SealGrant, "APPROVER_NOT_CUSTODIAN");
meets(_: Person, "APPROVER_NOT_CUSTODIAN", "confirm", grant: SealGrant, _) if
  grant.right in ["USE", "MANAGE", "AUDIT", "AUTO_SIGN", "EMERGENCY"];
meets(_: Person, "APPROVER_NOT_CUSTODIAN", "confirm", grant: SealGrant, context) if
  not keeps_seal_now_or_later(grant.membership.person_id, grant.seal, context);

# S-08: All members, or a department's, get a seal only for documents of listed templates, and never one of the
# official, finance and legal representative's seals.
#@ S-08
requires("confirm", _: OpenGrant, "GRANT_NOT_TOO_BROAD");
meets(_: Person, "GRANT_NOT_TOO_BROAD", "confirm", grant: OpenGrant, _) if
  is_lesser_seal(grant.seal) and
  _ in grant.templates;

# The owner of a seal needs no grant of it.
#@ U-20
requires("confirm", _: CrossEnterpriseGrant, "HOLDER_IS_ANOTHER");
meets(_: Person, "HOLDER_IS_ANOTHER", "confirm", grant: CrossEnterpriseGrant, _) if
  grant.holder_id != grant.seal.enterprise_id;

# A face check that confirmed a grant is used up; a signed letter needs none.
obligation(_: Person, "confirm", grant: SealGrant, context, "CONSUME_VERIFICATION") if
  not has_letter(grant, context.now, context);
obligation(_: Person, "confirm", grant: OpenGrant, context, "CONSUME_VERIFICATION") if
  not has_letter(grant, context.now, context);
obligation_parameter("CONSUME_VERIFICATION", "verification_id", id, _: Person, "confirm", _: SealGrant, context) if
  check_id(context.verification, id);
obligation_parameter("CONSUME_VERIFICATION", "verification_id", id, _: Person, "confirm", _: OpenGrant, context) if
  check_id(context.verification, id);

# --- changing and taking back ----------------------------------------------------------------------------------------

# A longer term of a confirmed grant is a new grant, with its own confirmation. What is not confirmed can still be
# changed, but for what a letter already says.
#@ S-10
requires("extend", _: SealGrant, "GRANT_UNCONFIRMED");
meets(_: Person, "GRANT_UNCONFIRMED", "extend", grant: SealGrant, _) if
  grant.state = "PENDING_CONFIRM" and
  grant.confirmation = "NONE" and
  not has_open_letter(grant);

has_open_letter(grant: SealGrant) if
  letter in grant.letters and
  letter.state in ["DELIVERED", "VERIFIED"];

# Any seal administrator, the legal representative or the grantor takes a grant back at once. No hold stands in the way,
# and neither does an auditor's read-only post that one of them has as well. The issued tickets end with the grant.
#@ S-11
requires("revoke", _: SealGrant, "GRANT_REVOKER");
requires("revoke", _: OpenGrant, "GRANT_REVOKER");
requires("revoke", _: CrossEnterpriseGrant, "GRANT_REVOKER");
requires("revoke", _: SealGrant, "GRANT_NOT_OVER");
requires("revoke", _: OpenGrant, "GRANT_NOT_OVER");
requires("revoke", _: CrossEnterpriseGrant, "GRANT_NOT_OVER");
meets(person: Person, "GRANT_REVOKER", "revoke", grant: SealGrant, context) if may_revoke_grant(person, grant, context);
meets(person: Person, "GRANT_REVOKER", "revoke", grant: OpenGrant, context) if may_revoke_grant(person, grant, context);
meets(person: Person, "GRANT_REVOKER", "revoke", grant: CrossEnterpriseGrant, context) if
  may_revoke_grant(person, grant, context);
meets(_: Person, "GRANT_NOT_OVER", "revoke", grant: SealGrant, _) if is_revocable(grant);
meets(_: Person, "GRANT_NOT_OVER", "revoke", grant: OpenGrant, _) if is_revocable(grant);
meets(_: Person, "GRANT_NOT_OVER", "revoke", grant: CrossEnterpriseGrant, _) if is_revocable(grant);

# The right to audit a seal is not in the hands of those who are audited (monitoring.polar): administrators end it, too.
#@ W-06
meets(person: Person, "GRANT_REVOKER", "revoke", grant: SealGrant, context) if
  grant.right = "AUDIT" and
  may_administer(person, grant.seal.enterprise, context);

may_revoke_grant(person: Person, grant, context) if
  may_manage_seals(person, grant.seal.enterprise, context) or
  grant.grantor.membership.person_id = person.id;

# An enterprise that holds the seal of another one may give it back.
#@ U-20
meets(person: Person, "GRANT_REVOKER", "revoke", _: CrossEnterpriseGrant, context: GrantEndContext) if
  runs_holder(person, context.holder, context);

obligation(_: Person, "revoke", _: SealGrant, _, "VOID_TICKETS");
obligation(_: Person, "revoke", _: OpenGrant, _, "VOID_TICKETS");
obligation(_: Person, "revoke", _: CrossEnterpriseGrant, _, "VOID_TICKETS");

# --- the holder of another enterprise's seal -------------------------------------------------------------------------

# U-20: Being the parent gives nothing: another enterprise uses a seal only by a grant that the owner signed, through
# members whom the holder's administrators or seal administrators name while that grant is live.
# U-21: The rules of the holder bind its members as well: a frozen holder uses no seal, and no seal of a frozen owner is
# used.
#@ U-20 U-21
requires("assign", _: CrossEnterpriseGrant, "HOLDER_ADMIN");
requires("assign", _: CrossEnterpriseGrant, "CROSS_GRANT_LIVE");
requires("assign", _: CrossEnterpriseGrant, "OWNER_OPERATING");
meets(person: Person, "HOLDER_ADMIN", "assign", _: CrossEnterpriseGrant, context: HolderContext) if
  runs_holder(person, context.holder, context);
meets(_: Person, "CROSS_GRANT_LIVE", "assign", grant: CrossEnterpriseGrant, context: HolderContext) if
  is_live_grant(grant, context) and
  has_uses_left(grant) and
  is_not_ended(grant.seal) and
  holder = context.holder and
  holder matches Enterprise and
  not gave_to_own_enterprise(grant, holder);
# Who belongs to no enterprise that holds the seal is told that, and nothing about an enterprise that there is not.
#@ U-20 U-21
because(
  "ENTERPRISE_AUTHENTICATED", "NOT_HOLDER_ADMIN", _: Person, _: CrossEnterpriseGrant, context: HolderMemberContext) if
  context.holder = nil;
because("ENTERPRISE_OPERATING", "NOT_HOLDER_ADMIN", _: Person, _: CrossEnterpriseGrant, context: HolderMemberContext) if
  context.holder = nil;
because("CROSS_GRANT_LIVE", "NOT_HOLDER_ADMIN", _: Person, _: CrossEnterpriseGrant, context: HolderMemberContext) if
  context.holder = nil;
because("NAMES_ANOTHER", "NOT_HOLDER_ADMIN", _: Person, _: CrossEnterpriseGrant, context: HolderMemberContext) if
  context.holder = nil;
because("NO_RETRIEVAL_HOLD", "NOT_HOLDER_ADMIN", _: Person, _: CrossEnterpriseGrant, context: HolderMemberContext) if
  context.holder = nil;
because("COOLED_OFF", "NOT_HOLDER_ADMIN", _: Person, _: CrossEnterpriseGrant, context: HolderMemberContext) if
  context.holder = nil;

# Nobody names themself, alone or through a person whom they have just put in office. The holder's legal representative
# may: there is nobody above them.
#@ S-09 M-11 U-20
requires("assign", _: CrossEnterpriseGrant, "NAMES_ANOTHER");
meets(person: Person, "NAMES_ANOTHER", "assign", _: CrossEnterpriseGrant, context: HolderMemberContext) if
  named_membership(context, membership) and
  is_second_person(person, membership.person_id, membership.enterprise, context);
meets(person: Person, "NAMES_ANOTHER", "assign", _: CrossEnterpriseGrant, context: HolderMemberContext) if
  named_membership(context, membership) and
  membership.person_id = person.id and
  representative_today(person, membership.enterprise, context);
because("NAMES_ANOTHER", "SELF_GRANT", person: Person, _: CrossEnterpriseGrant, context: HolderMemberContext) if
  named_membership(context, membership) and
  membership.person_id = person.id and
  not representative_today(person, membership.enterprise, context);
because("NAMES_ANOTHER", "COOLING_OFF", person: Person, _: CrossEnterpriseGrant, context: HolderMemberContext) if
  namer_waits(person, _, context);

namer_waits(person: Person, at, context: HolderMemberContext) if
  named_membership(context, membership) and
  membership.person_id != person.id and
  appointed_lately(person.id, membership.person_id, membership.enterprise, at, context);

# A present member of the enterprise that holds the seal.
named_membership(context: HolderMemberContext, membership) if
  membership = context.member and
  membership matches Membership and
  holder = context.holder and
  holder matches Enterprise and
  membership.enterprise_id = holder.id and
  is_live(membership, context);

# The grantor belongs to the holder, or the person who confirmed it does.
#@ S-09
because("CROSS_GRANT_LIVE", "SELF_GRANT", _: Person, grant: CrossEnterpriseGrant, context: HolderContext) if
  holder = context.holder and
  holder matches Enterprise and
  gave_to_own_enterprise(grant, holder);
# They take the seal from a member again at any time.
#@ U-20
requires("unassign", _: CrossEnterpriseGrant, "HOLDER_ADMIN");
meets(person: Person, "HOLDER_ADMIN", "unassign", _: CrossEnterpriseGrant, context: HolderContext) if
  runs_holder(person, context.holder, context);

# The owner still operates …
#@ U-20 U-21
meets(_: Person, "OWNER_OPERATING", "assign", grant: CrossEnterpriseGrant, _) if
  grant.seal.enterprise.auth_state = "AUTHENTICATED" and
  grant.seal.enterprise.operating_state = "ACTIVE";
# … and so does the holder.
#@ U-21
because(
  "ENTERPRISE_OPERATING", "HOLDER_ENTERPRISE_FROZEN", _: Person, _: CrossEnterpriseGrant, context: HolderContext) if
  holder = context.holder and
  holder matches Enterprise and
  holder.operating_state = "FROZEN";

runs_holder(person: Person, holder, context) if
  holder matches Enterprise and
  may_administer(person, holder, context);
runs_holder(person: Person, holder, context) if
  holder matches Enterprise and
  administers_seals_of(person, holder, context);

# --- delegation ------------------------------------------------------------------------------------------------------

# U-18: A colleague may use a seal in the place of a person who holds a grant of their own: by a delegation that the
# delegate accepted, and only where the principal could do the same now.
#@ U-18
requires("accept", _: Delegation, "DELEGATE");
requires("accept", _: Delegation, "DELEGATION_PENDING");
meets(person: Person, "DELEGATE", "accept", delegation: Delegation, _) if delegation.delegate.person_id = person.id;
meets(_: Person, "DELEGATION_PENDING", "accept", delegation: Delegation, context) if
  delegation.state = "PENDING_ACCEPT" and
  context.now < delegation.valid_to;

# A member asks for that themself, for their own membership; what they lend is looked at when it is accepted.
#@ U-18
requires("delegate", _: Membership, "OWN_MEMBERSHIP");
requires("delegate", _: Membership, "MEMBERSHIP_LIVE");
meets(person: Person, "OWN_MEMBERSHIP", "delegate", membership: Membership, _) if membership.person_id = person.id;
meets(_: Person, "MEMBERSHIP_LIVE", "delegate", membership: Membership, context) if is_live(membership, context);

# The principal offered it, and nobody in their name.
#@ A-02 U-18
requires("accept", _: Delegation, "OFFERED_BY_PRINCIPAL");
meets(_: Person, "OFFERED_BY_PRINCIPAL", "accept", delegation: Delegation, context) if was_offered(delegation, context);

# Both are active members of one enterprise, with verified names, and two persons.
#@ U-18 S-09
requires("accept", _: Delegation, "DELEGATION_PARTIES");
requires("accept", _: Delegation, "NOT_OWN_DELEGATION");
meets(_: Person, "DELEGATION_PARTIES", "accept", delegation: Delegation, context) if
  is_live(delegation.principal, context) and
  is_live(delegation.delegate, context) and
  delegation.delegate.enterprise_id = delegation.principal.enterprise_id and
  is_active_and_verified(delegation.principal.person);
meets(_: Person, "NOT_OWN_DELEGATION", "accept", delegation: Delegation, _) if
  delegation.principal.person_id != delegation.delegate.person_id;

# Only the use of a seal is delegated: a personal signature and the legal representative's intent are bound to the
# person, and so is that representative's seal.
#@ U-19
requires("accept", _: Delegation, "DELEGABLE");
meets(_: Person, "DELEGABLE", "accept", delegation: Delegation, _) if
  delegation.power = "USE_SEAL" and
  delegation.seal_id = nil;
meets(_: Person, "DELEGABLE", "accept", delegation: Delegation, _) if
  delegation.power = "USE_SEAL" and
  delegation.seal_id matches String and
  seal in delegation.principal.enterprise.seals and
  seal.id = delegation.seal_id and
  seal.kind != "LEGAL_REP";

# The principal lends a live grant of their own to use the seal, which covers the contracts and the term. What was
# delegated to them is no such grant, so nothing is delegated twice; and what the delegate gave does not come back to
# them.
#@ U-18
requires("accept", _: Delegation, "WITHIN_PRINCIPAL");
meets(_: Person, "WITHIN_PRINCIPAL", "accept", delegation: Delegation, context) if
  delegable_grant(delegation, _, context);
# The delegate, or the principal, gave the grant, or one gave it whom the delegate put there just now.
#@ S-09
because("WITHIN_PRINCIPAL", "COOLING_OFF", _: Person, delegation: Delegation, context) if
  not delegable_grant(delegation, _, context) and
  lends_from_straw_man(delegation, _, context);
because("WITHIN_PRINCIPAL", "SELF_GRANT", _: Person, delegation: Delegation, context) if
  not delegable_grant(delegation, _, context) and
  grant in delegation.principal.grants and
  is_about_seal(delegation, grant.seal_id) and
  grant.right = "USE" and
  grant.state = "ACTIVE" and
  gave_grant(delegation.delegate.person_id, grant);

lends_from_straw_man(delegation: Delegation, at, context) if
  grant in delegation.principal.grants and
  is_about_seal(delegation, grant.seal_id) and
  grant.right = "USE" and
  grant.state = "ACTIVE" and
  came_from_straw_man(grant, delegation.delegate.person_id, at, context);

delegable_grant(delegation: Delegation, grant, context) if
  grant in delegation.principal.grants and
  is_about_seal(delegation, grant.seal_id) and
  grant.right = "USE" and
  grant.state = "ACTIVE" and
  is_confirmed(grant, context.now, context) and
  grant.valid_from <= delegation.valid_from and
  delegation.valid_to <= grant.valid_to and
  has_uses_left(grant) and
  is_within_scope(delegation, grant) and
  grantor_is_entitled(grant, context) and
  not gave_grant(delegation.principal.person_id, grant) and
  not gave_grant(delegation.delegate.person_id, grant) and
  not came_from_straw_man(grant, delegation.delegate.person_id, _, context);

# Either of the two ends it, and so does an administrator or the legal representative.
#@ U-18
requires("revoke", _: Delegation, "DELEGATION_REVOKER");
requires("revoke", _: Delegation, "DELEGATION_NOT_OVER");
meets(person: Person, "DELEGATION_REVOKER", "revoke", delegation: Delegation, context) if
  delegation.principal.person_id = person.id or
  delegation.delegate.person_id = person.id or
  may_administer(person, delegation.principal.enterprise, context);
meets(_: Person, "DELEGATION_NOT_OVER", "revoke", delegation: Delegation, _) if
  delegation.state in ["PENDING_ACCEPT", "ACTIVE"];

obligation(_: Person, "revoke", _: Delegation, _, "VOID_TICKETS");

# --- while the enterprise is being retrieved -------------------------------------------------------------------------

# No right to a seal is given out while a retrieval holds the enterprise. Taking away goes on.
#@ R-12
requires("grant", _: Seal, "NO_RETRIEVAL_HOLD");
requires("confirm", _: SealGrant, "NO_RETRIEVAL_HOLD");
requires("confirm", _: OpenGrant, "NO_RETRIEVAL_HOLD");
requires("confirm", _: CrossEnterpriseGrant, "NO_RETRIEVAL_HOLD");
requires("assign", _: CrossEnterpriseGrant, "NO_RETRIEVAL_HOLD");
requires("accept", _: Delegation, "NO_RETRIEVAL_HOLD");
meets(_: Person, "NO_RETRIEVAL_HOLD", "grant", seal: Seal, context) if
  not is_held_by_retrieval(seal.enterprise, context);
meets(_: Person, "NO_RETRIEVAL_HOLD", "confirm", grant: SealGrant, context) if
  not is_held_by_retrieval(grant.seal.enterprise, context);
meets(_: Person, "NO_RETRIEVAL_HOLD", "confirm", grant: OpenGrant, context) if
  not is_held_by_retrieval(grant.seal.enterprise, context);
meets(_: Person, "NO_RETRIEVAL_HOLD", "confirm", grant: CrossEnterpriseGrant, context) if
  not is_held_by_retrieval(grant.seal.enterprise, context);
meets(_: Person, "NO_RETRIEVAL_HOLD", "assign", grant: CrossEnterpriseGrant, context) if
  owner(grant, context, holder) and
  not is_held_by_retrieval(holder, context);
meets(_: Person, "NO_RETRIEVAL_HOLD", "accept", delegation: Delegation, context) if
  not is_held_by_retrieval(delegation.principal.enterprise, context);
# … nor by the new administrator in the time after it.
#@ R-13
requires("grant", _: Seal, "COOLED_OFF");
requires("confirm", _: SealGrant, "COOLED_OFF");
requires("confirm", _: OpenGrant, "COOLED_OFF");
requires("confirm", _: CrossEnterpriseGrant, "COOLED_OFF");
requires("assign", _: CrossEnterpriseGrant, "COOLED_OFF");
requires("accept", _: Delegation, "COOLED_OFF");
meets(person: Person, "COOLED_OFF", "grant", seal: Seal, context) if
  not cooling_off(person, seal.enterprise, _, context);
meets(person: Person, "COOLED_OFF", "confirm", grant: SealGrant, context) if
  not cooling_off(person, grant.seal.enterprise, _, context);
meets(person: Person, "COOLED_OFF", "confirm", grant: OpenGrant, context) if
  not cooling_off(person, grant.seal.enterprise, _, context);
meets(person: Person, "COOLED_OFF", "confirm", grant: CrossEnterpriseGrant, context) if
  not cooling_off(person, grant.seal.enterprise, _, context);
meets(person: Person, "COOLED_OFF", "assign", grant: CrossEnterpriseGrant, context) if
  owner(grant, context, holder) and
  not cooling_off(person, holder, _, context);
meets(person: Person, "COOLED_OFF", "accept", delegation: Delegation, context) if
  not cooling_off(person, delegation.principal.enterprise, _, context);

# --- when the permission ends by itself ------------------------------------------------------------------------------

lapses(person: Person, "grant", seal: Seal, context, at) if seal_admin_lapses(person, seal.enterprise, context, at);

lapses(person: Person, "grant", seal: Seal, context, at) if
  passed_on_grant(person, seal, parent, context) and
  grant_lapses(parent, at);

lapses(person: Person, "confirm", grant, context, at) if seal_admin_lapses(person, grant.seal.enterprise, context, at);
lapses(_: Person, "confirm", grant, _, at) if grant_lapses(grant, at);
lapses(person: Person, "confirm", grant: SealGrant, context, at) if
  not has_letter(grant, context.now, context) and
  face_lapses(
    context.verification, person, "SEAL_GRANT", "SealGrant", grant.id, context.parameters.face_for_grant, context, at);
lapses(person: Person, "confirm", grant: OpenGrant, context, at) if
  not has_letter(grant, context.now, context) and
  face_lapses(
    context.verification, person, "SEAL_GRANT", "OpenGrant", grant.id, context.parameters.face_for_grant, context, at);

lapses(person: Person, "extend", grant: SealGrant, context, at) if
  seal_admin_lapses(person, grant.seal.enterprise, context, at);

lapses(person: Person, "revoke", grant: SealGrant, context, at) if
  seal_admin_lapses(person, grant.seal.enterprise, context, at);
lapses(person: Person, "revoke", grant: SealGrant, context, at) if
  grant.right = "AUDIT" and
  own_admin_role_lapses(person, grant.seal.enterprise, context, at);
lapses(person: Person, "revoke", grant: OpenGrant, context, at) if
  seal_admin_lapses(person, grant.seal.enterprise, context, at);
lapses(person: Person, "revoke", grant: CrossEnterpriseGrant, context, at) if
  seal_admin_lapses(person, grant.seal.enterprise, context, at);
lapses(person: Person, "revoke", _: CrossEnterpriseGrant, context, at) if
  runs_holder_lapses(person, context.holder, context, at);

lapses(_: Person, "assign", grant: CrossEnterpriseGrant, _, at) if grant_lapses(grant, at);
lapses(_: Person, "assign", _: CrossEnterpriseGrant, context, at) if
  named_membership(context, membership) and
  at = membership.ended_at;
lapses(person: Person, "assign", _: CrossEnterpriseGrant, context, at) if
  runs_holder_lapses(person, context.holder, context, at);

lapses(person: Person, "unassign", _: CrossEnterpriseGrant, context, at) if
  runs_holder_lapses(person, context.holder, context, at);

runs_holder_lapses(person: Person, holder, context, at) if
  holder matches Enterprise and
  own_admin_role_lapses(person, holder, context, at);
runs_holder_lapses(person: Person, holder, context, at) if
  holder matches Enterprise and
  seal_admin_lapses(person, holder, context, at);

lapses(_: Person, "delegate", membership: Membership, _, at) if at = membership.ended_at;
lapses(_: Person, "accept", delegation: Delegation, _, at) if at = delegation.valid_to;
lapses(_: Person, "accept", delegation: Delegation, context, at) if
  delegable_grant(delegation, grant, context) and
  grantor_entitlement_lapses(grant, at);
lapses(person: Person, "revoke", delegation: Delegation, context, at) if
  own_admin_role_lapses(person, delegation.principal.enterprise, context, at);
