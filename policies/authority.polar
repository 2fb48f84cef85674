# Authority over a seal: by what right does this person put this seal on this contract, now.
#
# One of five is enough: a grant of one's own, an approved request for exactly these documents (seal_request.polar), a grant
# that is open to members for documents of listed templates, a delegation by a member who holds a grant himself, or a grant
# across enterprises under which one's own enterprise named one. Each is written, has matter, scope and term, and is looked
# at in the moment of sealing; being an administrator, a colleague or the parent company gives nothing.
# (Civil Code 165, 166, 168, 169 and 171; Electronic Signature Law 13; e-sign platforms: grants, open grants, grants across
# enterprises.)

# A live USE grant of one's own that covers the contract.
#@ U-02 U-04 U-05 U-06 U-07 S-03 S-06 S-09 S-17
has_authority(person: Person, seal: Seal, contract, context) if live_grant(person, seal, contract, _, context);
# An APPROVED request for exactly these documents stands in for a grant.
#@ U-03
has_authority(person: Person, seal: Seal, contract, context) if approved_request(person, seal, contract, _, context);
# A grant that is open to all members, or to a department's.
#@ S-08
has_authority(person: Person, seal: Seal, contract, context) if live_open_grant(person, seal, contract, _, context);
# A colleague who holds a live grant lets this person act for him.
#@ U-18 U-19
has_authority(person: Person, seal: Seal, contract, context) if live_delegation(person, seal, contract, _, _, context);
# Another enterprise holds the seal by a grant of its owner, and named this person.
#@ U-20 U-21
has_authority(person: Person, seal: Seal, contract, context) if live_cross_grant(person, seal, contract, _, context);

# --- a grant of one's own ------------------------------------------------------------------------------------------------

use_grant(person: Person, seal: Seal, grant, context) if
  grant in seal.grants and
  grant.membership.person_id = person.id and
  grant.right = "USE" and
  grant.state in ["PENDING_CONFIRM", "PENDING_EFFECT", "ACTIVE", "EXHAUSTED", "EXPIRED", "INVALIDATED"] and
  is_live(grant.membership, context) and
  grant.membership.enterprise_id = seal.enterprise_id;

live_grant(person: Person, seal: Seal, contract: Contract, grant, context) if
  use_grant(person, seal, grant, context) and
  gives_authority(grant, contract, context);

gives_authority(grant: SealGrant, contract: Contract, context) if
  grant.state = "ACTIVE" and
  grant.confirmation in ["AUTH_LETTER", "INTENT"] and
  grant.valid_from <= context.now and
  context.now < grant.valid_to and
  grant.used < grant.use_limit and
  covers(grant, contract) and
  covers_amount(grant, contract) and
  within_parent_grant(grant, contract) and
  grantor_is_entitled(grant, context) and
  not gave_grant(grant.membership.person_id, grant);

# What a grant covers: all contracts, said explicitly, or the types listed. Where it lists templates, documents of those only.
covers(grant: SealGrant, contract: Contract) if
  grant.scope = "ALL_CONTRACTS" and
  is_for_template(grant, contract);
covers(grant: SealGrant, contract: Contract) if
  grant.scope = "LISTED_TYPES" and
  listed in grant.contract_types and
  listed.contract_type = contract.contract_type and
  is_for_template(grant, contract);

is_for_template(grant: SealGrant, _: Contract) if not lists_templates(grant);
is_for_template(grant: SealGrant, contract: Contract) if lists_template_of(grant, contract);

lists_templates(grant: SealGrant) if _ in grant.templates;
lists_template_of(grant: SealGrant, contract: Contract) if
  contract.template_id != "" and
  template in grant.templates and
  template.template_id = contract.template_id;

# Up to which amount, inclusive. The largest whole number says that there is no limit; a contract that is not about money has
# no amount to compare.
#@ U-04 U-05
covers_amount(grant: SealGrant, _: Contract) if grant.amount_max = 9223372036854775807;
covers_amount(grant: SealGrant, contract: Contract) if
  grant.currency = contract.currency and
  amount = contract.amount and
  amount matches Integer and
  amount <= grant.amount_max;
covers_amount(_: SealGrant, contract: Contract) if
  contract.is_monetary = false and
  contract.amount = nil;

# A grant that was passed on reaches no further than the one that it comes from (which stands: granting.polar).
#@ S-09
within_parent_grant(grant: SealGrant, _: Contract) if grant.parent_id = nil;
within_parent_grant(grant: SealGrant, contract: Contract) if
  parent = grant.parent and
  parent matches SealGrant and
  covers(parent, contract) and
  covers_amount(parent, contract);

# --- a grant that is open to members ---------------------------------------------------------------------------------------

# Never over the seals that bind most, and always limited to templates: what everybody may seal was written beforehand. It is
# open to all but the person who gave it.
#@ S-08 S-09
live_open_grant(person: Person, seal: Seal, contract: Contract, grant, context) if
  open_grant(person, seal, contract, grant, context) and
  grant.state = "ACTIVE" and
  grant.confirmation in ["AUTH_LETTER", "INTENT"] and
  grant.valid_from <= context.now and
  context.now < grant.valid_to and
  grant.used < grant.use_limit and
  grantor_is_entitled(grant, context) and
  not gave_grant(person.id, grant);

open_grant(person: Person, seal: Seal, contract: Contract, grant, context) if
  grant in seal.open_grants and
  seal.kind in ["CONTRACT", "PERSONNEL", "INVOICE", "DEPARTMENT", "OTHER"] and
  member(person, seal.enterprise, membership, context) and
  is_open_to(grant, membership) and
  contract.template_id != "" and
  template in grant.templates and
  template.template_id = contract.template_id;

is_open_to(grant: OpenGrant, _: Membership) if grant.department_id = nil;
is_open_to(grant: OpenGrant, membership: Membership) if
  grant.department_id matches String and
  grant.department_id = membership.department_id;

# --- acting for a colleague ------------------------------------------------------------------------------------------------

# The delegation is live and covers seal and contract, and the one who gave it could do the same himself, now: by a grant of
# his own (what was delegated to him he does not delegate), as a member in good standing, free of the conflicts that would
# stop him. It is not the delegate himself who gave that grant. The legal representative's seal stands for his own intent and is not delegated.
#@ U-18 U-19
live_delegation(person: Person, seal: Seal, contract: Contract, delegation, grant, context) if
  delegation_to(person, seal, delegation, context) and
  seal.kind in ["OFFICIAL", "CONTRACT", "FINANCE", "PERSONNEL", "INVOICE", "DEPARTMENT", "OTHER"] and
  delegation.power = "USE_SEAL" and
  delegation.state = "ACTIVE" and
  delegation.valid_from <= context.now and
  context.now < delegation.valid_to and
  delegation_covers(delegation, contract) and
  grant_of_principal(delegation.principal, seal, contract, grant, context) and
  not gave_grant(person.id, grant) and
  not has_excluding_duty(delegation.principal, seal, contract, context) and
  is_reviewed_by_others(person, delegation.principal, seal, contract, context) and
  has_no_conflict_elsewhere(delegation.principal, seal, contract, context);

delegation_to(person: Person, seal: Seal, delegation, context) if
  member(person, seal.enterprise, membership, context) and
  delegation in membership.delegations_received and
  is_about(delegation, seal);

is_about(delegation: Delegation, _: Seal) if delegation.seal_id = nil;
is_about(delegation: Delegation, seal: Seal) if delegation.seal_id = seal.id;

delegation_covers(delegation: Delegation, _: Contract) if delegation.scope = "ALL_CONTRACTS";
delegation_covers(delegation: Delegation, contract: Contract) if
  delegation.scope = "LISTED_TYPES" and
  listed in delegation.contract_types and
  listed.contract_type = contract.contract_type;

grant_of_principal(principal: Membership, seal: Seal, contract: Contract, grant, context) if
  is_live(principal, context) and
  is_active_and_verified(principal.person) and
  grant in seal.grants and
  grant.membership_id = principal.id and
  grant.right = "USE" and
  gives_authority(grant, contract, context);

# Duties that exclude each other exclude each other in the principal too: whoever approved a use does not put a seal that binds
# most through a colleague either.
#@ U-12 U-18
has_excluding_duty(principal: Membership, seal: Seal, contract: Contract, context) if
  is_party_personally(principal.person_id, contract) and
  not has_self_dealing_resolution(principal.person, seal, contract, context);
has_excluding_duty(principal: Membership, seal: Seal, contract: Contract, context) if
  is_named_by_other_party(principal.person_id, principal.person, seal, contract, context);
has_excluding_duty(principal: Membership, seal: Seal, contract: Contract, context) if
  has_signed_for_other_party(principal.person_id, seal, contract, context);
has_excluding_duty(principal: Membership, seal: Seal, _: Contract, context) if is_auditor(principal.person, seal, context);
has_excluding_duty(principal: Membership, seal: Seal, contract: Contract, context) if
  not may_be_stamped_by_approver(seal) and
  approved_last(principal.person, seal, contract, context);

# What the principal passed in the owner's own review is not reviewed for what is sealed in their place.
#@ C-07 U-18
is_reviewed_by_others(person: Person, principal: Membership, seal: Seal, contract: Contract, context) if
  not has_reviewed(principal.person_id, seal, contract) or
  is_reviewed_by_third(person, principal, seal, contract, context);

has_reviewed(person_id, seal: Seal, contract: Contract) if
  party in contract.signatories and
  party.enterprise_id matches String and
  party.enterprise_id = seal.enterprise_id and
  party.needs_review = true and
  review in party.reviews and
  review.reviewer_id matches String and
  review.reviewer_id = person_id;

is_reviewed_by_third(person: Person, principal: Membership, seal: Seal, contract: Contract, context) if
  party in contract.signatories and
  party.needs_review = true and
  passed_by(party, seal.enterprise, reviewer_id, context) and
  reviewer_id != person.id and
  reviewer_id != principal.person_id;

# What the principal represents elsewhere is known where a seal is used; nothing else is sealed.
has_no_conflict_elsewhere(principal: Membership, seal: Seal, contract: Contract, context: SealUseContext) if
  known in context.principals and
  known.id = principal.person_id and
  has_no_other_party(known, seal, contract, context);
has_no_conflict_elsewhere(_: Membership, _: Seal, _: Contract, context) if not (context matches SealUseContext);

has_no_other_party(person: Person, seal: Seal, contract: Contract, _) if not represents_another_party(person, seal, contract);
has_no_other_party(person: Person, seal: Seal, contract: Contract, context) if has_self_dealing_resolution(person, seal, contract, context);

# --- across enterprises ----------------------------------------------------------------------------------------------------

# The owner granted the use of the seal to another enterprise by a signed letter, and that enterprise named one of its
# members. Image and certificate stay the owner's. The holder must be as sound as the owner, another than the grantor's own, and
# may not sit on the other side.
#@ U-20 U-21 U-13 U-14 S-09
live_cross_grant(person: Person, seal: Seal, contract: Contract, grant, context: SealUseContext) if
  names_member_of_holder(person, seal, grant, holder, context) and
  is_in_good_standing(holder) and
  not suspended(person, seal.enterprise) and
  not gave_to_own_enterprise(grant, holder) and
  grant.used < grant.use_limit and
  covers_across(grant, contract) and
  not is_on_other_side(person, holder, seal, contract, context);

# Nobody seals for the owner by the word of its counterparty: not the enterprise that holds the seal, not a subsidiary of the
# counterparty, and not a person whom the counterparty named to use the seal as well, or who represents it. The sender of the
# contract counts as a counterparty, signatory or not: a contract that only the owner signs benefits the one that drew it up. A
# resolution of the owner permits it; and both parties may agree to it, as companies of one group do. (Being employed by the
# counterparty is no bar, as it is none for the owner's own members: nobody else's facts decide about a seal.) (Civil Code 168.)
is_on_other_side(person: Person, holder: Enterprise, seal: Seal, contract: Contract, context) if
  other_party(seal, contract, party) and
  other_id = party.enterprise_id and
  other_id matches String and
  sides_with(person, holder, seal, other_id) and
  not has_self_dealing_resolution(person, seal, contract, context) and
  not have_both_consented(person.id, seal, contract, party, context);
is_on_other_side(person: Person, holder: Enterprise, seal: Seal, contract: Contract, context) if
  contract.initiator_id != seal.enterprise_id and
  sides_with(person, holder, seal, contract.initiator_id) and
  not is_party(contract.initiator_id, contract) and
  not has_self_dealing_resolution(person, seal, contract, context);

is_party(enterprise_id, contract: Contract) if
  party in contract.signatories and
  party.enterprise_id matches String and
  party.enterprise_id = enterprise_id;

sides_with(_: Person, holder: Enterprise, _: Seal, enterprise_id) if holder.id = enterprise_id;
sides_with(_: Person, holder: Enterprise, _: Seal, enterprise_id) if
  holder.parent_id matches String and
  holder.parent_id = enterprise_id;
sides_with(person: Person, _: Enterprise, seal: Seal, enterprise_id) if
  grant in seal.cross_grants and
  grant.holder_id = enterprise_id and
  named in grant.holders and
  named.state = "ACTIVE" and
  membership in person.memberships and
  membership.id = named.membership_id;
sides_with(person: Person, _: Enterprise, _: Seal, enterprise_id) if
  snapshot in person.represented and
  snapshot.is_current = true and
  snapshot.enterprise_id = enterprise_id;

covers_across(grant: CrossEnterpriseGrant, _: Contract) if grant.scope = "ALL_CONTRACTS";
covers_across(grant: CrossEnterpriseGrant, contract: Contract) if
  grant.scope = "LISTED_TYPES" and
  listed in grant.contract_types and
  listed.contract_type = contract.contract_type;

names_member_of_holder(person: Person, seal: Seal, grant, holder, context: SealUseContext) if
  holder = context.holder and
  holder matches Enterprise and
  grant in seal.cross_grants and
  grant.holder_id = holder.id and
  grant.state = "ACTIVE" and
  grant.confirmation = "AUTH_LETTER" and
  grant.valid_from <= context.now and
  context.now < grant.valid_to and
  grantor_is_entitled(grant, context) and
  member(person, holder, membership, context) and
  named in grant.holders and
  named.membership_id = membership.id and
  named.state = "ACTIVE";

is_in_good_standing(enterprise: Enterprise) if
  enterprise.auth_state = "AUTHENTICATED" and
  enterprise.operating_state = "ACTIVE" and
  has_licence(enterprise);

# The registry says now that the enterprise exists.
has_licence(enterprise: Enterprise) if
  snapshot in enterprise.registry_snapshots and
  snapshot.is_current = true and
  snapshot.status = "EXISTING";

# Who may ask to use the seal without belonging to its owner: whoever the sound enterprise that holds it named. A member whom
# the owner suspended does not come back through the holder.
is_holders_user(person: Person, seal: Seal, context: SealUseContext) if
  names_member_of_holder(person, seal, _, holder, context) and
  is_in_good_standing(holder) and
  not suspended(person, seal.enterprise);

is_named_by_holder(person: Person, seal: Seal, context: SealUseContext) if names_member_of_holder(person, seal, _, _, context);

# One of the holder's people, or of the parent company's: being that gives nothing.
is_of_the_group(_: Person, _: Seal, context: SealUseContext) if context.holder matches Enterprise;
is_of_the_group(person: Person, seal: Seal, context) if
  seal.enterprise.parent_id matches String and
  membership in person.memberships and
  membership.enterprise_id = seal.enterprise.parent_id and
  is_live(membership, context);

#@ U-20
because("MEMBER", "NO_CROSS_ENTERPRISE_GRANT", person: Person, seal: Seal, context: SealUseContext) if
  lacks_cross_grant(person, seal, context);
#@ U-21
because("MEMBER", "HOLDER_ENTERPRISE_FROZEN", person: Person, seal: Seal, context: SealUseContext) if
  is_blocked_by_holder(person, seal, context);

lacks_cross_grant(person: Person, seal: Seal, context: SealUseContext) if
  not belongs(person, seal.enterprise, context) and
  not suspended(person, seal.enterprise) and
  is_of_the_group(person, seal, context) and
  not is_named_by_holder(person, seal, context);

is_blocked_by_holder(person: Person, seal: Seal, context: SealUseContext) if
  not belongs(person, seal.enterprise, context) and
  not suspended(person, seal.enterprise) and
  names_member_of_holder(person, seal, _, holder, context) and
  not is_in_good_standing(holder);

# --- why there is no authority -----------------------------------------------------------------------------------------------

# Each grant that the person has on the seal says what is wrong with it, but only where nothing else gives authority. All that
# explain it ask this first, so that it is found out once.
lacks_authority(person: Person, seal: Seal, context) if
  sealed_contract(context, contract) and
  not has_authority(person, seal, contract, context) and
  not is_own_legal_rep_seal(person, seal);

#@ S-09
because("SEAL_AUTHORITY", "SELF_GRANT", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  use_grant(person, seal, grant, context) and
  gave_grant(person.id, grant);
because("SEAL_AUTHORITY", "SELF_GRANT", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  open_grant(person, seal, contract, grant, context) and
  gave_grant(person.id, grant);
because("SEAL_AUTHORITY", "SELF_GRANT", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  delegation_to(person, seal, delegation, context) and
  delegation.state = "ACTIVE" and
  grant_of_principal(delegation.principal, seal, contract, grant, context) and
  gave_grant(person.id, grant);
because("SEAL_AUTHORITY", "SELF_GRANT", person: Person, seal: Seal, context: SealUseContext) if
  lacks_authority(person, seal, context) and
  names_member_of_holder(person, seal, grant, holder, context) and
  gave_to_own_enterprise(grant, holder);
#@ S-06
because("SEAL_AUTHORITY", "GRANT_NOT_CONFIRMED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  use_grant(person, seal, grant, context) and
  grant.state = "PENDING_CONFIRM";
#@ S-17
because("SEAL_AUTHORITY", "GRANT_INVALIDATED_ADMIN_CHANGED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  use_grant(person, seal, grant, context) and
  grant.state = "INVALIDATED" and
  grant.invalid_reason = "ADMIN_CHANGED";
because("SEAL_AUTHORITY", "GRANT_INVALIDATED_ADMIN_CHANGED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  use_grant(person, seal, grant, context) and
  grant.state in ["PENDING_EFFECT", "ACTIVE"] and
  not is_active_assignment(grant.grantor, context);
because("SEAL_AUTHORITY", "GRANT_INVALIDATED_ADMIN_CHANGED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  open_grant(person, seal, contract, grant, context) and
  is_invalidated(grant, context);
#@ S-05 S-17
because("SEAL_AUTHORITY", "GRANTOR_NOT_ENTITLED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  use_grant(person, seal, grant, context) and
  grant.state in ["PENDING_EFFECT", "ACTIVE"] and
  is_active_assignment(grant.grantor, context) and
  not grantor_is_entitled(grant, context);
# The grant that it comes from does not reach this far.
#@ S-09
because("SEAL_AUTHORITY", "GRANTOR_NOT_ENTITLED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  use_grant(person, seal, grant, context) and
  grant.state in ["PENDING_EFFECT", "ACTIVE"] and
  not within_parent_grant(grant, contract);
#@ U-07
because("SEAL_AUTHORITY", "GRANT_EXPIRED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  use_grant(person, seal, grant, context) and
  has_expired(grant, context);
because("SEAL_AUTHORITY", "GRANT_EXPIRED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  open_grant(person, seal, contract, grant, context) and
  has_expired(grant, context);
because("SEAL_AUTHORITY", "GRANT_NOT_YET_EFFECTIVE", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  use_grant(person, seal, grant, context) and
  grant.state in ["ACTIVE", "PENDING_EFFECT"] and
  context.now < grant.valid_from;
#@ U-06
because("SEAL_AUTHORITY", "USE_LIMIT_EXHAUSTED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  use_grant(person, seal, grant, context) and
  has_no_uses_left(grant);
because("SEAL_AUTHORITY", "USE_LIMIT_EXHAUSTED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  open_grant(person, seal, contract, grant, context) and
  has_no_uses_left(grant);
because("SEAL_AUTHORITY", "USE_LIMIT_EXHAUSTED", person: Person, seal: Seal, context: SealUseContext) if
  lacks_authority(person, seal, context) and
  names_member_of_holder(person, seal, grant, _, context) and
  grant.used >= grant.use_limit;
#@ U-02
because("SEAL_AUTHORITY", "CONTRACT_TYPE_NOT_COVERED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  use_grant(person, seal, grant, context) and
  grant.state = "ACTIVE" and
  sealed_contract(context, contract) and
  not covers(grant, contract);
#@ U-18
because("SEAL_AUTHORITY", "CONTRACT_TYPE_NOT_COVERED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  delegation_to(person, seal, delegation, context) and
  delegation.state = "ACTIVE" and
  not delegation_covers(delegation, contract);
#@ U-20
because("SEAL_AUTHORITY", "CONTRACT_TYPE_NOT_COVERED", person: Person, seal: Seal, context: SealUseContext) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  names_member_of_holder(person, seal, grant, _, context) and
  not covers_across(grant, contract);
#@ U-04
because("SEAL_AUTHORITY", "AMOUNT_EXCEEDS_LIMIT", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  use_grant(person, seal, grant, context) and
  grant.state = "ACTIVE" and
  grant.currency = contract.currency and
  amount = contract.amount and
  amount matches Integer and
  grant.amount_max < amount;
because("SEAL_AUTHORITY", "AMOUNT_UNKNOWN", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  use_grant(person, seal, grant, context) and
  grant.state = "ACTIVE" and
  grant.amount_max < 9223372036854775807 and
  contract.amount = nil and
  contract.is_monetary = true;
#@ U-05
because("SEAL_AUTHORITY", "CURRENCY_MISMATCH", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  use_grant(person, seal, grant, context) and
  grant.state = "ACTIVE" and
  grant.amount_max < 9223372036854775807 and
  contract.amount matches Integer and
  grant.currency != contract.currency;
#@ U-03
because("SEAL_AUTHORITY", "APPROVAL_REQUIRED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  own_request(person, seal, contract, request, context) and
  not is_approved(request, person, context);
because("SEAL_AUTHORITY", "DOCUMENT_CHANGED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  own_request(person, seal, contract, request, context) and
  is_approved(request, person, context) and
  not is_for_these_documents(request, contract);
#@ U-07
because("SEAL_AUTHORITY", "REQUEST_EXPIRED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  own_request(person, seal, contract, request, context) and
  is_approved(request, person, context) and
  request.valid_to <= context.now;
#@ U-06
because("SEAL_AUTHORITY", "USE_LIMIT_EXHAUSTED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  own_request(person, seal, contract, request, context) and
  is_approved(request, person, context) and
  request.used >= request.uses;
#@ U-07
because("SEAL_AUTHORITY", "GRANT_NOT_YET_EFFECTIVE", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  own_request(person, seal, contract, request, context) and
  is_approved(request, person, context) and
  context.now < request.valid_from;

#@ U-19
because("SEAL_AUTHORITY", "NOT_DELEGABLE", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  delegation_to(person, seal, delegation, context) and
  delegation.state in ["PENDING_ACCEPT", "ACTIVE"] and
  is_not_delegable(delegation, seal);
#@ U-18
because("SEAL_AUTHORITY", "DELEGATION_EXPIRED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  delegation_to(person, seal, delegation, context) and
  has_expired(delegation, context);
because("SEAL_AUTHORITY", "DELEGATION_EXCEEDS_PRINCIPAL", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  seal.kind != "LEGAL_REP" and
  sealed_contract(context, contract) and
  delegation_to(person, seal, delegation, context) and
  delegation.state = "ACTIVE" and
  delegation.power = "USE_SEAL" and
  context.now < delegation.valid_to and
  delegation_covers(delegation, contract) and
  not principal_may_use(person, delegation.principal, seal, contract, context);

is_not_delegable(_: Delegation, seal: Seal) if seal.kind = "LEGAL_REP";
is_not_delegable(delegation: Delegation, _: Seal) if delegation.power in ["PERSONAL_SIGNATURE", "LEGAL_REP_INTENT"];

principal_may_use(person: Person, principal: Membership, seal: Seal, contract: Contract, context) if
  grant_of_principal(principal, seal, contract, _, context) and
  not has_excluding_duty(principal, seal, contract, context) and
  is_reviewed_by_others(person, principal, seal, contract, context) and
  has_no_conflict_elsewhere(principal, seal, contract, context);

#@ U-20
because("SEAL_AUTHORITY", "NO_CROSS_ENTERPRISE_GRANT", person: Person, seal: Seal, context: SealUseContext) if
  lacks_authority(person, seal, context) and
  lacks_cross_grant(person, seal, context);
#@ U-13 U-20
because("SEAL_AUTHORITY", "SELF_DEALING", person: Person, seal: Seal, context: SealUseContext) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  names_member_of_holder(person, seal, _, holder, context) and
  is_on_other_side(person, holder, seal, contract, context);
#@ U-21
because("SEAL_AUTHORITY", "HOLDER_ENTERPRISE_FROZEN", person: Person, seal: Seal, context: SealUseContext) if
  lacks_authority(person, seal, context) and
  names_member_of_holder(person, seal, _, holder, context) and
  not is_in_good_standing(holder);

has_expired(grant: SealGrant, _) if grant.state = "EXPIRED";
has_expired(grant: SealGrant, context) if
  grant.state in ["ACTIVE", "PENDING_EFFECT"] and
  grant.valid_to <= context.now;
has_expired(grant: OpenGrant, _) if grant.state = "EXPIRED";
has_expired(grant: OpenGrant, context) if
  grant.state in ["ACTIVE", "PENDING_EFFECT"] and
  grant.valid_to <= context.now;

has_no_uses_left(grant: SealGrant) if grant.state = "EXHAUSTED";
has_no_uses_left(grant: SealGrant) if grant.state = "ACTIVE" and grant.used >= grant.use_limit;
has_no_uses_left(grant: OpenGrant) if grant.state = "EXHAUSTED";
has_no_uses_left(grant: OpenGrant) if grant.state = "ACTIVE" and grant.used >= grant.use_limit;

is_invalidated(grant: OpenGrant, _) if
  grant.state = "INVALIDATED" and
  grant.invalid_reason = "ADMIN_CHANGED";
is_invalidated(grant: OpenGrant, context) if
  grant.state in ["PENDING_EFFECT", "ACTIVE"] and
  not is_active_assignment(grant.grantor, context);

has_expired(delegation: Delegation, _) if delegation.state = "EXPIRED";
has_expired(delegation: Delegation, context) if
  delegation.state = "ACTIVE" and
  delegation.valid_to <= context.now;

# --- when it ends by itself ------------------------------------------------------------------------------------------------

authority_lapses(person: Person, seal: Seal, contract: Contract, context, at) if
  live_grant(person, seal, contract, grant, context) and
  grant_lapses(grant, at);
authority_lapses(person: Person, seal: Seal, contract: Contract, context, at) if
  live_delegation(person, seal, contract, delegation, _, context) and
  at = delegation.valid_to;
authority_lapses(person: Person, seal: Seal, contract: Contract, context, at) if
  live_delegation(person, seal, contract, delegation, _, context) and
  at = delegation.principal.ended_at;
authority_lapses(person: Person, seal: Seal, contract: Contract, context, at) if
  live_delegation(person, seal, contract, _, grant, context) and
  grant_lapses(grant, at);
authority_lapses(person: Person, seal: Seal, contract: Contract, context, at) if
  live_open_grant(person, seal, contract, grant, context) and
  at = grant.valid_to;
authority_lapses(person: Person, seal: Seal, contract: Contract, context, at) if
  live_open_grant(person, seal, contract, grant, context) and
  assignment_lapses(grant.grantor, at);
authority_lapses(person: Person, seal: Seal, contract: Contract, context: SealUseContext, at) if
  live_cross_grant(person, seal, contract, grant, context) and
  at = grant.valid_to;
authority_lapses(person: Person, seal: Seal, contract: Contract, context: SealUseContext, at) if
  live_cross_grant(person, seal, contract, grant, context) and
  assignment_lapses(grant.grantor, at);
authority_lapses(person: Person, seal: Seal, _: Contract, context: SealUseContext, at) if
  names_member_of_holder(person, seal, _, holder, context) and
  member(person, holder, membership, context) and
  at = membership.ended_at;
authority_lapses(person: Person, seal: Seal, contract: Contract, context, at) if
  approved_request(person, seal, contract, request, context) and
  at = request.valid_to;
authority_lapses(person: Person, seal: Seal, contract: Contract, context, at) if
  approved_request(person, seal, contract, request, context) and
  approval_changes(request, context, at);

grant_lapses(grant: SealGrant, at) if at = grant.valid_to;
grant_lapses(grant: SealGrant, at) if grantor_entitlement_lapses(grant, at);
