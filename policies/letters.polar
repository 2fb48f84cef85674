# Confirming a grant: by whom it counts, and what a letter of authorisation is worth.
#
# A-02: A grant is confirmed by a person who could do so then, and never by the one who gets it. That it was by a letter
# is not for the grantor to say: the letter is a document of its own with a digest, which one person delivers and another
# verifies. (Civil Code 165: written authority; e-sign platforms: a letter of authorisation is reviewed.)

# --- what counts -----------------------------------------------------------------------------------------------------

# S-06: A grant gives nothing before it is confirmed by a signed letter or a fresh face check, and from then on.
#@ S-06 A-02
is_confirmed(grant: SealGrant, at, context) if
  grant.confirmation = "INTENT" and
  was_confirmed_for_one(grant, at, context);
is_confirmed(grant: SealGrant, at, context) if
  grant.confirmation = "AUTH_LETTER" and
  was_confirmed_for_one(grant, at, context) and
  has_letter(grant, grant.confirmed_at, context);
is_confirmed(grant: OpenGrant, at, context) if
  grant.confirmation = "INTENT" and
  was_confirmed_for_all(grant, at, context);
is_confirmed(grant: OpenGrant, at, context) if
  grant.confirmation = "AUTH_LETTER" and
  was_confirmed_for_all(grant, at, context) and
  has_letter(grant, grant.confirmed_at, context);
# Another enterprise gets a seal by a letter only.
#@ U-20
is_confirmed(grant: CrossEnterpriseGrant, at, context) if
  grant.confirmation = "AUTH_LETTER" and
  was_confirmed_for_all(grant, at, context) and
  has_letter(grant, grant.confirmed_at, context);

# Like the requirements of `confirm` (granting.polar), at the time at which it was confirmed.
was_confirmed_for_one(grant: SealGrant, at, context) if
  was_confirmed_by(grant, confirmer_id, at, context) and
  could_confirm(confirmer_id, grant, context) and
  was_second_person(
    confirmer_id, grant.membership.person_id, grant.seal.enterprise, grant.confirmed_at, context) and
  not was_given_by_straw_man(grant, context);

was_given_by_straw_man(grant: SealGrant, context) if
  was_new_officer(
    grant.grantor.membership.person_id, grant.membership.person_id, grant.seal.enterprise, grant.confirmed_at, context);
was_given_by_straw_man(grant: SealGrant, context) if
  parent = grant.parent and
  parent matches SealGrant and
  granted_or_confirmed(giver_id, parent) and
  was_new_officer(giver_id, grant.membership.person_id, grant.seal.enterprise, grant.confirmed_at, context);

was_confirmed_for_all(grant, at, context) if
  was_confirmed_by(grant, confirmer_id, at, context) and
  managed_seal(confirmer_id, grant.seal, grant.confirmed_at, context) and
  was_another_or_legal_rep(confirmer_id, grant, context);

was_confirmed_by(grant, confirmer_id, at, context) if
  confirmer_id = grant.confirmed_by_id and
  confirmer_id matches String and
  grant.confirmed_at > 0 and
  grant.confirmed_at <= at and
  not waited_after_retrieval(confirmer_id, grant.seal.enterprise, grant.confirmed_at, context);

could_confirm(confirmer_id, grant: SealGrant, context) if
  managed_seal(confirmer_id, grant.seal, grant.confirmed_at, context);
could_confirm(confirmer_id, grant: SealGrant, _) if
  passed_on(confirmer_id, grant) and
  was_theirs_to_pass_on(grant);

# Nobody passes on what was not confirmed to them yet.
#@ S-09 A-02
was_theirs_to_pass_on(grant: SealGrant) if
  parent = grant.parent and
  parent matches SealGrant and
  parent.confirmed_at <= grant.confirmed_at;

passed_on(person_id, grant: SealGrant) if
  parent = grant.parent and
  parent matches SealGrant and
  grant.seal.kind != "LEGAL_REP" and
  parent.membership.person_id = person_id and
  grant.grantor.membership_id = parent.membership_id;

was_another_or_legal_rep(confirmer_id, grant, context) if
  was_second_person(
    confirmer_id, grant.grantor.membership.person_id, grant.seal.enterprise, grant.confirmed_at, context);
was_another_or_legal_rep(confirmer_id, grant, context) if
  represented(confirmer_id, grant.seal.enterprise, grant.confirmed_at, context);

# Like may_manage, at an earlier time.
managed_seal(person_id, seal: Seal, at, context) if
  seal.kind != "LEGAL_REP" and
  had_role(person_id, seal.enterprise, "SEAL_ADMIN", at, context);
managed_seal(person_id, seal: Seal, at, context) if represented(person_id, seal.enterprise, at, context);

had_role(person_id, enterprise: Enterprise, role, at, context) if
  membership in enterprise.memberships and
  membership.person_id = person_id and
  assignment in membership.assignments and
  assignment.role = role and
  was_active_assignment(assignment, at, context);

# A grant lasts for years, and what the registry said long ago may be gone. Whom it names now, by a full match, stands by
# what they did.
#@ A-14
represented(person_id, enterprise: Enterprise, at, context) if
  was_legal_representative(person_id, enterprise, at, context.parameters.registry_valid_for);
represented(person_id, enterprise: Enterprise, _, _) if
  snapshot in enterprise.registry_snapshots and
  snapshot.is_current = true and
  snapshot.is_matched = true and
  is_in_business(snapshot) and
  snapshot.legal_rep_id matches String and
  snapshot.legal_rep_id = person_id and
  is_of_counting_account(snapshot);

# A letter stands that one person delivered and another verified by then, each of them entitled: the first to manage the
# seal, the second to run the enterprise or its seals. Neither gets the grant, and the grantor does not verify it: nor does
# one whom they had just put in office.
#@ A-02 M-11
has_letter(grant, at, context) if
  letter in grant.letters and
  letter.state = "VERIFIED" and
  letter.seal_id = grant.seal_id and
  letter.delivered_at <= letter.verified_at and
  letter.verified_at <= at and
  verifier_id = letter.verified_by_id and
  verifier_id matches String and
  was_second_person(verifier_id, letter.delivered_by_id, grant.seal.enterprise, letter.verified_at, context) and
  was_second_person(
    verifier_id, grant.grantor.membership.person_id, grant.seal.enterprise, letter.verified_at, context) and
  not was_of_grantee(letter.delivered_by_id, grant, letter.delivered_at, context) and
  not was_of_grantee(verifier_id, grant, letter.verified_at, context) and
  not waited_after_retrieval(letter.delivered_by_id, grant.seal.enterprise, letter.delivered_at, context) and
  not waited_after_retrieval(verifier_id, grant.seal.enterprise, letter.verified_at, context) and
  could_deliver(letter.delivered_by_id, grant, letter.delivered_at, context) and
  ran_enterprise_or_seals(verifier_id, grant.seal.enterprise, letter.verified_at, context);

is_grantee(person_id, grant: SealGrant) if
  are_one_human(grant.membership.person_id, person_id, grant.seal.enterprise);

was_of_grantee(person_id, grant: SealGrant, _, _) if is_grantee(person_id, grant);
was_of_grantee(person_id, grant: SealGrant, at, context) if
  was_new_officer(person_id, grant.membership.person_id, grant.seal.enterprise, at, context);

could_deliver(person_id, grant, at, context) if managed_seal(person_id, grant.seal, at, context);
could_deliver(person_id, grant: SealGrant, _, _) if passed_on(person_id, grant);

ran_enterprise_or_seals(person_id, enterprise: Enterprise, at, context) if
  role in ["SYSTEM_ADMIN", "SEAL_ADMIN"] and
  had_role(person_id, enterprise, role, at, context);
ran_enterprise_or_seals(person_id, enterprise: Enterprise, at, context) if
  represented(person_id, enterprise, at, context);

# --- delivering one --------------------------------------------------------------------------------------------------

# Those who could confirm the grant deliver its letter, while it waits for that. The person who gets it does not, nor one
# whom they have just put in office.
#@ A-02 S-06
requires("deliver_letter", _: SealGrant, "SEAL_MANAGER");
requires("deliver_letter", _: OpenGrant, "SEAL_MANAGER");
requires("deliver_letter", _: CrossEnterpriseGrant, "SEAL_MANAGER");
requires("deliver_letter", _: SealGrant, "GRANT_PENDING");
requires("deliver_letter", _: OpenGrant, "GRANT_PENDING");
requires("deliver_letter", _: CrossEnterpriseGrant, "GRANT_PENDING");
requires("deliver_letter", _: SealGrant, "NOT_OWN_GRANT");
meets(person: Person, "SEAL_MANAGER", "deliver_letter", grant: SealGrant, context) if
  may_manage(person, grant.seal, context);
meets(person: Person, "SEAL_MANAGER", "deliver_letter", grant: SealGrant, context) if
  passes_on(person, grant) and
  not audits_seal(person, grant.seal, context);
meets(person: Person, "SEAL_MANAGER", "deliver_letter", grant: OpenGrant, context) if
  may_manage(person, grant.seal, context);
meets(person: Person, "SEAL_MANAGER", "deliver_letter", grant: CrossEnterpriseGrant, context) if
  may_manage(person, grant.seal, context);
meets(_: Person, "GRANT_PENDING", "deliver_letter", grant: SealGrant, context) if awaits_confirmation(grant, context);
meets(_: Person, "GRANT_PENDING", "deliver_letter", grant: OpenGrant, context) if awaits_confirmation(grant, context);
meets(_: Person, "GRANT_PENDING", "deliver_letter", grant: CrossEnterpriseGrant, context) if
  awaits_confirmation(grant, context);
meets(person: Person, "NOT_OWN_GRANT", "deliver_letter", grant: SealGrant, context) if
  not is_grantee(person.id, grant) and
  not is_new_from_grantee(person, grant, _, context);
because("NOT_OWN_GRANT", "COOLING_OFF", person: Person, grant: SealGrant, context) if
  not is_grantee(person.id, grant) and
  is_new_from_grantee(person, grant, _, context);

is_new_from_grantee(person: Person, grant: SealGrant, at, context) if
  new_officer(person.id, grant.membership.person_id, grant.seal.enterprise, at, context);

# Nobody delivers or verifies the letter that lets their own enterprise have the seal of another.
#@ A-02 U-20
requires("deliver_letter", _: CrossEnterpriseGrant, "HOLDER_APART");
requires("verify", _: AuthLetter, "HOLDER_APART");
meets(person: Person, "HOLDER_APART", "deliver_letter", grant: CrossEnterpriseGrant, _) if
  not is_of_enterprise(person, grant.holder_id);
meets(person: Person, "HOLDER_APART", "verify", letter: AuthLetter, _) if not is_of_holder(person, letter);

is_of_holder(person: Person, letter: AuthLetter) if
  grant = letter.cross_grant and
  grant matches CrossEnterpriseGrant and
  is_of_enterprise(person, grant.holder_id);

# --- verifying one ---------------------------------------------------------------------------------------------------

# Another person who runs the enterprise or its seals verifies it, neither the grantor nor the one who gets the grant, nor
# one whom either has just put in office.
#@ A-02 M-11
requires("verify", _: AuthLetter, "LETTER_VERIFIER");
requires("verify", _: AuthLetter, "LETTER_DELIVERED");
requires("verify", _: AuthLetter, "NOT_THE_DELIVERER");
requires("verify", _: AuthLetter, "NOT_OWN_GRANT");
meets(person: Person, "LETTER_VERIFIER", "verify", letter: AuthLetter, context) if
  may_administer(person, letter.seal.enterprise, context);
meets(person: Person, "LETTER_VERIFIER", "verify", letter: AuthLetter, context) if
  administers_seal(person, letter.seal, context);
meets(_: Person, "LETTER_DELIVERED", "verify", letter: AuthLetter, context) if
  letter.state = "DELIVERED" and
  letter.delivered_at <= context.now;
meets(person: Person, "NOT_THE_DELIVERER", "verify", letter: AuthLetter, context) if
  is_second_person(person, letter.delivered_by_id, letter.seal.enterprise, context);
because("NOT_THE_DELIVERER", "COOLING_OFF", person: Person, letter: AuthLetter, context) if
  not account_id(person, letter.delivered_by_id) and
  appointed_lately(person.id, letter.delivered_by_id, letter.seal.enterprise, _, context);
meets(person: Person, "NOT_OWN_GRANT", "verify", letter: AuthLetter, context) if
  is_no_party_of_grant(person, letter) and
  not waits_to_verify(person, letter, _, context);
because("NOT_OWN_GRANT", "COOLING_OFF", person: Person, letter: AuthLetter, context) if
  is_no_party_of_grant(person, letter) and
  waits_to_verify(person, letter, _, context);

is_no_party_of_grant(person: Person, letter: AuthLetter) if
  authorised_grant(letter, grant) and
  not account_id(person, grant.grantor.membership.person_id) and
  not is_grantee(person.id, grant);

waits_to_verify(person: Person, letter: AuthLetter, at, context) if
  authorised_grant(letter, grant) and
  appointed_lately(person.id, grant.grantor.membership.person_id, letter.seal.enterprise, at, context);
waits_to_verify(person: Person, letter: AuthLetter, at, context) if
  grant = letter.seal_grant and
  grant matches SealGrant and
  is_new_from_grantee(person, grant, at, context);

authorised_grant(letter: AuthLetter, grant) if grant = letter.seal_grant and grant matches SealGrant;
authorised_grant(letter: AuthLetter, grant) if grant = letter.open_grant and grant matches OpenGrant;
authorised_grant(letter: AuthLetter, grant) if grant = letter.cross_grant and grant matches CrossEnterpriseGrant;

# A letter raises somebody, so that none is delivered or verified while a retrieval holds the enterprise, nor by a new
# administrator in the time after it.
#@ R-12 R-13
requires("deliver_letter", _: SealGrant, "NO_RETRIEVAL_HOLD");
requires("deliver_letter", _: OpenGrant, "NO_RETRIEVAL_HOLD");
requires("deliver_letter", _: CrossEnterpriseGrant, "NO_RETRIEVAL_HOLD");
requires("deliver_letter", _: SealGrant, "COOLED_OFF");
requires("deliver_letter", _: OpenGrant, "COOLED_OFF");
requires("deliver_letter", _: CrossEnterpriseGrant, "COOLED_OFF");
requires("verify", _: AuthLetter, "NO_RETRIEVAL_HOLD");
requires("verify", _: AuthLetter, "COOLED_OFF");
meets(_: Person, "NO_RETRIEVAL_HOLD", "deliver_letter", grant: SealGrant, context) if
  not is_held_by_retrieval(grant.seal.enterprise, context);
meets(_: Person, "NO_RETRIEVAL_HOLD", "deliver_letter", grant: OpenGrant, context) if
  not is_held_by_retrieval(grant.seal.enterprise, context);
meets(_: Person, "NO_RETRIEVAL_HOLD", "deliver_letter", grant: CrossEnterpriseGrant, context) if
  not is_held_by_retrieval(grant.seal.enterprise, context);
meets(_: Person, "NO_RETRIEVAL_HOLD", "verify", letter: AuthLetter, context) if
  not is_held_by_retrieval(letter.seal.enterprise, context);
meets(person: Person, "COOLED_OFF", "deliver_letter", grant: SealGrant, context) if
  not cooling_off(person, grant.seal.enterprise, _, context);
meets(person: Person, "COOLED_OFF", "deliver_letter", grant: OpenGrant, context) if
  not cooling_off(person, grant.seal.enterprise, _, context);
meets(person: Person, "COOLED_OFF", "deliver_letter", grant: CrossEnterpriseGrant, context) if
  not cooling_off(person, grant.seal.enterprise, _, context);
meets(person: Person, "COOLED_OFF", "verify", letter: AuthLetter, context) if
  not cooling_off(person, letter.seal.enterprise, _, context);

# --- taking one back -------------------------------------------------------------------------------------------------

# The person who delivered a letter takes it back, and so may those who manage seals: no hold stands in the way. A grant
# that was confirmed by it is revoked instead, by those who may do that: who watches a seal by it is not sent away so.
#@ A-02 S-11 W-06
requires("withdraw", _: AuthLetter, "LETTER_WITHDRAWER");
requires("withdraw", _: AuthLetter, "LETTER_STANDS");
meets(person: Person, "LETTER_WITHDRAWER", "withdraw", letter: AuthLetter, context) if
  letter.delivered_by_id = person.id or
  may_manage_seals(person, letter.seal.enterprise, context);
meets(_: Person, "LETTER_STANDS", "withdraw", letter: AuthLetter, _) if letter.state = "DELIVERED";
meets(_: Person, "LETTER_STANDS", "withdraw", letter: AuthLetter, _) if
  letter.state = "VERIFIED" and
  not has_confirmed(letter);
because("LETTER_STANDS", "GRANT_NOT_PENDING", _: Person, letter: AuthLetter, _) if
  letter.state = "VERIFIED" and
  has_confirmed(letter);

has_confirmed(letter: AuthLetter) if
  authorised_grant(letter, grant) and
  grant.confirmation = "AUTH_LETTER" and
  grant.confirmed_at > 0;

# --- when the permission ends by itself ------------------------------------------------------------------------------

lapses(person: Person, "deliver_letter", grant, context, at) if
  seal_admin_lapses(person, grant.seal.enterprise, context, at);
lapses(_: Person, "deliver_letter", grant, _, at) if at = grant.valid_to;
lapses(person: Person, "verify", letter: AuthLetter, context, at) if
  seal_admin_lapses(person, letter.seal.enterprise, context, at);
lapses(person: Person, "verify", letter: AuthLetter, context, at) if
  own_admin_role_lapses(person, letter.seal.enterprise, context, at);
lapses(person: Person, "withdraw", letter: AuthLetter, context, at) if
  seal_admin_lapses(person, letter.seal.enterprise, context, at);
