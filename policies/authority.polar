# Authority over a seal: by what right does this person put this seal on this contract, now.
#
# One of five is enough: a grant of one's own, an approved request for exactly these documents (seal_request.polar), a
# grant that is open to members for documents of listed templates, a delegation by a member who holds a grant of their
# own, or a grant across enterprises under which one's own enterprise named one. Each is written, has matter, scope and
# term, and is looked at in the moment of sealing; being an administrator, a colleague or the parent company gives
# nothing.
# (Civil Code 165, 166, 168, 169 and 171; Electronic Signature Law 13; e-sign platforms: grants, open grants, grants
# across enterprises. The life of a grant: granting.polar.)

# A live USE grant of one's own that covers the contract.
# S-03: Managing seals does not include using them: a seal administrator needs a grant like everybody else.
#@ U-02 U-04 U-05 U-06 U-07 S-03 S-06 S-09 S-17
has_authority(person: Person, seal: Seal, contract, context) if live_grant(person, seal, contract, _, context);
# U-03: A member without a grant may ask for a use: an approved request for exactly these documents stands in for the
# grant.
#@ U-03
has_authority(person: Person, seal: Seal, contract, context) if approved_request(person, seal, contract, _, context);
# A grant that is open to all members, or to a department's.
#@ S-08
has_authority(person: Person, seal: Seal, contract, context) if live_open_grant(person, seal, contract, _, context);
# A colleague who holds a live grant lets this person act for them.
#@ U-18 U-19
has_authority(person: Person, seal: Seal, contract, context) if live_delegation(person, seal, contract, _, _, context);
# Another enterprise holds the seal by a grant of its owner, and named this person.
#@ U-20 U-21
has_authority(person: Person, seal: Seal, contract, context) if live_cross_grant(person, seal, contract, _, context);
# The owner of a company of one (sole_owner.polar).
#@ A-03
has_authority(person: Person, seal: Seal, contract, context) if seals_alone(person, seal, contract, context);

# --- a grant of one's own --------------------------------------------------------------------------------------------

# A grant to use the seal, of a present member of its owner, whatever became of it; only a revoked one says nothing any
# more.
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
  is_live_grant(grant, context) and
  may_count(grant, context) and
  covers(grant, contract) and
  covers_amount(grant, contract) and
  is_within_parent_grant(grant, contract) and
  is_passed_on_by_unconcerned(grant, contract, context) and
  not gave_grant(grant.membership.person_id, grant) and
  not came_from_concerned(grant, contract, _, context);

# U-02: A grant covers the contracts that it names: all of them, said explicitly, or the types listed; and where it
# lists templates, documents of those only.
#@ U-02
covers(grant: SealGrant, contract: Contract) if
  covers_type(grant, contract) and
  is_for_template(grant, contract);

# The scope of a grant of any kind, and of a delegation.
covers_type(given, _: Contract) if given.scope = "ALL_CONTRACTS";
covers_type(given, contract: Contract) if
  given.scope = "LISTED_TYPES" and
  listed in given.contract_types and
  listed.contract_type = contract.contract_type;

is_for_template(grant: SealGrant, _: Contract) if not lists_templates(grant);
is_for_template(grant: SealGrant, contract: Contract) if lists_template_of(grant, contract);

lists_templates(grant: SealGrant) if _ in grant.templates;
lists_template_of(grant: SealGrant, contract: Contract) if
  contract.template_id != "" and
  template in grant.templates and
  template.template_id = contract.template_id and
  is_template_of_sender(template, grant.seal, contract);

# A template is known by its id to the enterprise that made it, and another one's may have the same id. A grant lists
# templates of the owner; or, where it says so, of the enterprise that sends the contracts.
is_template_of_sender(template, seal: Seal, contract: Contract) if
  template.initiator_id = nil and
  contract.initiator_id = seal.enterprise_id;
is_template_of_sender(template, _: Seal, contract: Contract) if
  template.initiator_id matches String and
  template.initiator_id = contract.initiator_id;

# U-04: A grant reaches up to its amount, inclusive; above it, the use needs an approval. An amount that is not stated
# is covered by no limit, unless the contract is not about money.
# U-05: An amount is compared in the currency of the limit. Nothing is converted.
#@ U-04 U-05
covers_amount(grant, _: Contract) if is_unlimited(grant.amount_max);
covers_amount(grant, contract: Contract) if
  forall(terms_of(grant.seal, contract, terms), is_within_amount(grant, terms));

is_within_amount(grant, terms) if
  grant.currency = terms.currency and
  amount = terms.amount and
  amount matches Integer and
  amount <= grant.amount_max;
is_within_amount(_, terms) if
  terms.is_monetary = false and
  terms.amount = nil;

# A grant that was passed on covers no more than the grant that it comes from.
#@ S-09
is_within_parent_grant(grant: SealGrant, _: Contract) if grant.parent_id = nil;
is_within_parent_grant(grant: SealGrant, contract: Contract) if
  parent = grant.parent and
  parent matches SealGrant and
  covers(parent, contract) and
  covers_amount(parent, contract);

# Nor does who passed it on put the seal through another where they may not put it: they are no less behind it than a
# colleague who delegates.
#@ S-09 U-12 U-13 U-14
is_passed_on_by_unconcerned(grant: SealGrant, _: Contract, _) if grant.parent_id = nil;
is_passed_on_by_unconcerned(grant: SealGrant, contract: Contract, context) if
  parent = grant.parent and
  parent matches SealGrant and
  not has_excluding_duty(parent.membership, grant.seal, contract, context) and
  is_reviewed_by_others(grant.membership.person, parent.membership, grant.seal, contract, context) and
  has_no_conflict_elsewhere(parent.membership, grant.seal, contract, context);

# Nor does who gave it less than a day ago, and is on the other side of the contract, or had just put there who approved
# its use: they would seal with themself, or alone, through its holder. (Of longer standing, it makes its holder a second
# person: decisions 105 and 125.) Until `at`.
#@ S-09 U-13 M-11
came_from_concerned(grant, contract: Contract, at, context) if
  given_lately(grant, at, context) and
  giver_of(giver_id, grant) and
  is_concerned(giver_id, grant.seal, contract, context);

given_lately(grant, at, context) if
  grant.confirmed_at > 0 and
  at = grant.confirmed_at + context.parameters.cooling_off and
  context.now < at;

is_concerned(giver_id, seal: Seal, contract: Contract, context) if
  is_opposite_human(giver_id, seal, contract, context);
# … or the one who had put the giver in office that day had done so with the approver, too: both are their picks.
#@ M-11 U-12
is_concerned(giver_id, seal: Seal, contract: Contract, context) if
  was_approved_by_appointee_of(giver_id, seal, contract, context);
is_concerned(giver_id, seal: Seal, contract: Contract, context) if
  is_appointee(giver_id, by_id, seal.enterprise, context) and
  was_approved_by_appointee_of(by_id, seal, contract, context);
# … or with the person who passed it in the owner's own review.
#@ M-11 C-07
is_concerned(giver_id, seal: Seal, contract: Contract, context) if
  was_reviewed_by_appointee_of(giver_id, seal, contract, context);
is_concerned(giver_id, seal: Seal, contract: Contract, context) if
  is_appointee(giver_id, by_id, seal.enterprise, context) and
  was_reviewed_by_appointee_of(by_id, seal, contract, context);

was_reviewed_by_appointee_of(person_id, seal: Seal, contract: Contract, context) if
  own_party(seal, contract, party) and
  party.needs_review = true and
  review in party.reviews and
  review.state = "PASSED" and
  reviewer_id = review.reviewer_id and
  reviewer_id matches String and
  was_made_by(reviewer_id, person_id, seal.enterprise, review.decided_at, context);

is_opposite_human(person_id, seal: Seal, contract: Contract, context) if
  account_of_insider(person_id, id, context) and
  party in contract.signatories and
  party.person_id matches String and
  are_one_human(id, party.person_id, seal.enterprise) and
  not answers_for_owner(party, seal, contract, context) and
  not has_self_dealing_resolution(party.person_id, seal, contract, context);
is_opposite_human(person_id, seal: Seal, contract: Contract, context) if
  account_of_insider(person_id, id, context) and
  is_named_by_other_party(id, person_id, seal, contract, context);
is_opposite_human(person_id, seal: Seal, contract: Contract, context) if
  known_insider(person_id, known, context) and
  represents_another_party(known, seal, contract) and
  not has_self_dealing_resolution(person_id, seal, contract, context);

# Where a seal is put, those of the owner who are not to be on the other side are known with their other accounts, and
# with what they represent.
known_insider(person_id, known, context: SealUseContext) if is_known(person_id, known, context.insiders);
known_insider(person_id, known, context: StampContext) if is_known(person_id, known, context.insiders);
known_insider(person_id, known, context: SignContext) if is_known(person_id, known, context.insiders);
known_insider(person_id, known, context: RequestContext) if is_known(person_id, known, context.insiders);
known_insider(person_id, known, context: ResolutionContext) if is_known(person_id, known, context.insiders);
known_insider(person_id, known, context: CountersignContext) if is_known(person_id, known, context.insiders);
known_insider(person_id, known, context: SpeakingContext) if is_known(person_id, known, context.insiders);
known_insider(person_id, known, context: PartyReviewContext) if is_known(person_id, known, context.insiders);
known_insider(person_id, known, context: TerminationContext) if is_known(person_id, known, context.insiders);
known_insider(person_id, known, context: AfterwardsContext) if is_known(person_id, known, context.insiders);

is_known(person_id, known, persons) if
  known in persons and
  known matches Person and
  known.id = person_id;

account_of_insider(person_id, id, _) if id = person_id;
account_of_insider(person_id, id, context) if
  known_insider(person_id, known, context) and
  account in known.accounts and
  id = account.id;

# --- a grant that is open to members ---------------------------------------------------------------------------------

# Never over the official, finance and legal representative's seals, and always limited to templates: what everybody may
# seal was written beforehand. It is open to all but the person who gave it, and who put one there just now who did.
#@ S-08 S-09 M-11
live_open_grant(person: Person, seal: Seal, contract: Contract, grant, context) if
  open_grant(person, seal, contract, grant, context) and
  is_live_grant(grant, context) and
  may_count(grant, context) and
  not gave_grant(person.id, grant) and
  not came_from_straw_man(grant, person.id, _, context) and
  not came_from_concerned(grant, contract, _, context);

open_grant(person: Person, seal: Seal, contract: Contract, grant, context) if
  grant in seal.open_grants and
  is_lesser_seal(seal) and
  member(person, seal.enterprise, membership, context) and
  is_open_to(grant, membership) and
  contract.template_id != "" and
  template in grant.templates and
  template.template_id = contract.template_id and
  is_template_of_sender(template, seal, contract);

is_open_to(grant: OpenGrant, _: Membership) if grant.department_id = nil;
is_open_to(grant: OpenGrant, membership: Membership) if
  grant.department_id matches String and
  department = membership.department and
  department matches Department and
  is_within_department(department, grant.department_id);

# --- acting for a colleague ------------------------------------------------------------------------------------------

# The delegation is live and covers seal and contract, and its principal could do the same now: by a grant of their own
# (what was delegated to them they do not delegate), as a member in good standing, free of the conflicts that would stop
# them. The delegate did not give that grant.
# U-19: What is bound to a person is not delegated: a personal signature, the legal representative's intent, and that
# representative's seal.
#@ U-18 U-19
live_delegation(person: Person, seal: Seal, contract: Contract, delegation, grant, context) if
  delegation_to(person, seal, delegation, context) and
  is_enterprise_seal(seal) and
  delegation.power = "USE_SEAL" and
  delegation.state = "ACTIVE" and
  is_within_time(delegation, context) and
  was_offered(delegation, context) and
  covers_type(delegation, contract) and
  grant_of_principal(delegation.principal, seal, contract, grant, context) and
  not gave_grant(person.id, grant) and
  not came_from_straw_man(grant, person.id, _, context) and
  not has_excluding_duty(delegation.principal, seal, contract, context) and
  is_reviewed_by_others(person, delegation.principal, seal, contract, context) and
  has_no_conflict_elsewhere(delegation.principal, seal, contract, context);

# Nobody but the principal lends what is theirs, and as a member. Of what nobody says by whom it was offered, it is not
# known.
#@ A-02 U-18
was_offered(delegation: Delegation, context) if
  delegation.offered_by_id matches String and
  delegation.offered_by_id = delegation.principal.person_id and
  delegation.principal.joined_at <= delegation.offered_at and
  delegation.offered_at <= context.now;

delegation_to(person: Person, seal: Seal, delegation, context) if
  member(person, seal.enterprise, membership, context) and
  delegation in membership.delegations_received and
  is_about_seal(delegation, seal.id);

is_about_seal(delegation: Delegation, _) if delegation.seal_id = nil;
is_about_seal(delegation: Delegation, seal_id) if delegation.seal_id = seal_id;

grant_of_principal(principal: Membership, seal: Seal, contract: Contract, grant, context) if
  is_live(principal, context) and
  is_active_and_verified(principal.person) and
  grant in seal.grants and
  grant.membership_id = principal.id and
  grant.right = "USE" and
  gives_authority(grant, contract, context);

# Duties that exclude each other exclude each other in the principal too: a person who approved a use of the official,
# finance or legal representative's seal does not put it through a colleague either.
#@ U-12 U-18
has_excluding_duty(principal: Membership, seal: Seal, contract: Contract, context) if
  known_principal(principal, known, context) and
  is_opposite_in_person(known, seal, contract, context) and
  not has_self_dealing_resolution(known.id, seal, contract, context);
has_excluding_duty(principal: Membership, seal: Seal, contract: Contract, context) if
  only_looks(context) and
  is_party_personally(principal.person_id, contract) and
  not has_self_dealing_resolution(principal.person_id, seal, contract, context);
has_excluding_duty(principal: Membership, seal: Seal, contract: Contract, context) if
  account_of_principal(principal, id, context) and
  is_named_by_other_party(id, principal.person_id, seal, contract, context);
has_excluding_duty(principal: Membership, seal: Seal, contract: Contract, context) if
  account_of_principal(principal, id, context) and
  has_signed_for_other_party(id, principal.person_id, seal, contract, context);
has_excluding_duty(principal: Membership, seal: Seal, _: Contract, context) if
  is_auditor(principal.person, seal, context);
has_excluding_duty(principal: Membership, seal: Seal, contract: Contract, context) if
  was_approved_by_appointee_of(principal.person_id, seal, contract, context);
has_excluding_duty(principal: Membership, seal: Seal, contract: Contract, context) if
  not is_lesser_seal(seal) and
  account_of_principal(principal, id, context) and
  gave_last_approval(id, seal, contract, context);

# Where a seal is used, a task is opened, or a signature stands for a seal, the principals are known, with their other
# accounts and what they represent; nothing else is sealed.
known_principal(principal: Membership, known, context: SealUseContext) if
  is_known(principal.person_id, known, context.principals);
known_principal(principal: Membership, known, context: TaskContext) if
  is_known(principal.person_id, known, context.principals);

only_looks(context) if
  not (context matches SealUseContext) and
  not (context matches TaskContext);

account_of_principal(principal: Membership, id, _) if id = principal.person_id;
account_of_principal(principal: Membership, id, context) if
  known_principal(principal, known, context) and
  account in known.accounts and
  id = account.id;

# What the principal passed in the owner's own review is not reviewed for what is sealed in their place.
#@ C-07 U-18
is_reviewed_by_others(person: Person, principal: Membership, seal: Seal, contract: Contract, context) if
  forall(account_of_principal(principal, id, context), not has_reviewed(id, seal, contract)) or
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
  passed_by(party, seal.enterprise, review, context) and
  is_reviewed_for(review, person.id, seal.enterprise, context) and
  is_reviewed_for(review, principal.person_id, seal.enterprise, context);

# … nor what they represent elsewhere.
has_no_conflict_elsewhere(principal: Membership, seal: Seal, contract: Contract, context) if
  known_principal(principal, known, context) and
  has_no_other_party(known, seal, contract, context);
has_no_conflict_elsewhere(_: Membership, _: Seal, _: Contract, context) if only_looks(context);

has_no_other_party(person: Person, seal: Seal, contract: Contract, _) if
  not represents_another_party(person, seal, contract);
has_no_other_party(person: Person, seal: Seal, contract: Contract, context) if
  has_self_dealing_resolution(person.id, seal, contract, context);

# --- across enterprises ----------------------------------------------------------------------------------------------

# The owner granted the use of the seal to another enterprise by a signed letter, and that enterprise named one of its
# members, who is no auditor there. Image and certificate stay the owner's. The holder is in good standing like the owner,
# is not the grantor's own enterprise, and is not on the other side. Nor does it help a person who runs the owner, too, and
# put the grantor there just now.
#@ S-04 U-20 U-21 U-13 U-14 S-09 U-04 M-11
live_cross_grant(person: Person, seal: Seal, contract: Contract, grant, context: SealUseContext) if
  names_member_of_holder(person, seal, grant, holder, context) and
  is_in_good_standing(holder, context) and
  not is_suspended_human(person, seal.enterprise, context) and
  not audits_seals_of(person, holder, context) and
  not gave_to_own_enterprise(grant, holder) and
  not came_from_straw_man(grant, person.id, _, context) and
  not came_from_concerned(grant, contract, _, context) and
  may_count(grant, context) and
  not was_named_by_concerned(person, seal, grant, holder, contract, _, context) and
  covers_type(grant, contract) and
  covers_amount(grant, contract) and
  not is_on_other_side(person, holder, seal, contract, context);

# Nobody seals for the owner on the side of its counterparty: not the enterprise that holds the seal, not a subsidiary
# of the counterparty or the company above it, and not a person whom the counterparty named to use the seal as well, or
# who represents it. The sender of the contract counts as a counterparty, signatory or not: a contract that only the
# owner signs benefits its author. A resolution of the owner permits it; and both parties may agree to it, as companies
# of one group do. (Being employed by the counterparty is no bar, as it is none for the owner's own members: nobody
# else's facts decide about a seal.) (Civil Code 168.)
is_on_other_side(person: Person, holder: Enterprise, seal: Seal, contract: Contract, context) if
  other_party(seal, contract, party) and
  other_id = party.enterprise_id and
  other_id matches String and
  sides_with(person, holder, seal, other_id, context) and
  not has_self_dealing_resolution(person.id, seal, contract, context) and
  not have_both_consented(person.id, seal, contract, party, context);
is_on_other_side(person: Person, holder: Enterprise, seal: Seal, contract: Contract, context) if
  contract.initiator_id != seal.enterprise_id and
  sides_with(person, holder, seal, contract.initiator_id, context) and
  not is_party(contract.initiator_id, contract) and
  not has_self_dealing_resolution(person.id, seal, contract, context);

is_party(enterprise_id: String, contract: Contract) if
  party in contract.signatories and
  party.enterprise_id = enterprise_id;

sides_with(_: Person, holder: Enterprise, _: Seal, enterprise_id, _) if holder.id = enterprise_id;
sides_with(_: Person, holder: Enterprise, _: Seal, enterprise_id, _) if
  holder.parent_id matches String and
  holder.parent_id = enterprise_id;
sides_with(_: Person, holder: Enterprise, _: Seal, enterprise_id, context) if
  other in context.parties and
  other.id = enterprise_id and
  other.parent_id matches String and
  other.parent_id = holder.id;
sides_with(person: Person, _: Enterprise, seal: Seal, enterprise_id, _) if
  grant in seal.cross_grants and
  grant.holder_id = enterprise_id and
  named in grant.holders and
  named.state = "ACTIVE" and
  account_of(person, account) and
  membership in account.memberships and
  membership.id = named.membership_id;
sides_with(person: Person, _: Enterprise, _: Seal, enterprise_id, _) if
  account_of(person, account) and
  snapshot in account.represented and
  snapshot.is_current = true and
  snapshot.enterprise_id = enterprise_id;

# Somebody of that kind named this person for the holder that day: like one who gave a right. Until `at`.
#@ U-13 U-20 M-11
was_named_by_concerned(
  person: Person, seal: Seal, grant: CrossEnterpriseGrant, holder: Enterprise, contract: Contract, at, context) if
  member(person, holder, membership, context) and
  named in grant.holders and
  named.membership_id = membership.id and
  named.state = "ACTIVE" and
  at = named.assigned_at + context.parameters.cooling_off and
  context.now < at and
  namer_id = named.assigned_by_id and
  namer_id matches String and
  is_concerned(namer_id, seal, contract, context);

names_member_of_holder(person: Person, seal: Seal, grant, holder, context: SealUseContext) if
  holder in context.holders and
  grant in seal.cross_grants and
  grant.holder_id = holder.id and
  is_live_grant(grant, context) and
  member(person, holder, membership, context) and
  named in grant.holders and
  named.membership_id = membership.id and
  named.state = "ACTIVE" and
  was_named(named, membership, grant, holder, context);

# Like the requirements of `assign` (granting.polar), at the time of the naming: by a person who ran the holder or its
# seals, not the one who is named nor whom that one had just put there, under a grant that was confirmed. Of whom nobody
# says by whom they were named, the holder did not name.
#@ A-02 U-20
was_named(named: HolderAssignment, membership: Membership, grant, holder: Enterprise, context) if
  namer_id = named.assigned_by_id and
  namer_id matches String and
  named.assigned_at <= context.now and
  grant.confirmed_at <= named.assigned_at and
  membership.joined_at <= named.assigned_at and
  not waited_after_retrieval(namer_id, holder, named.assigned_at, context) and
  could_name(namer_id, membership, holder, named.assigned_at, context);

could_name(namer_id, membership: Membership, holder: Enterprise, at, context) if
  ran_enterprise_or_seals(namer_id, holder, at, context) and
  was_second_person(namer_id, membership.person_id, holder, at, context);
could_name(namer_id, _: Membership, holder: Enterprise, at, context) if represented(namer_id, holder, at, context);

is_in_good_standing(enterprise: Enterprise, context) if
  operates(enterprise) and
  has_licence(enterprise, context);

operates(enterprise: Enterprise) if
  enterprise.auth_state = "AUTHENTICATED" and
  enterprise.operating_state = "ACTIVE";

# Whether more stands in the way than that the registry was not asked lately.
is_out_of_order(enterprise: Enterprise, _) if not operates(enterprise);
is_out_of_order(enterprise: Enterprise, context) if
  not has_licence(enterprise, context) and
  not has_stale_licence(enterprise, context);

# The registry says now that the enterprise exists. What it said long ago, before a licence could have been revoked, says
# nothing of now.
#@ U-26
has_licence(enterprise: Enterprise, context) if
  snapshot in enterprise.registry_snapshots and
  snapshot.is_current = true and
  is_in_business(snapshot) and
  is_fetched_within(snapshot, context.parameters.licence_valid_for, context.now);

has_stale_licence(enterprise: Enterprise, context) if
  snapshot in enterprise.registry_snapshots and
  snapshot.is_current = true and
  is_in_business(snapshot) and
  not is_fetched_within(snapshot, context.parameters.licence_valid_for, context.now);

# A person who does not belong to the seal's owner may ask to use it if the enterprise that holds it named them and is
# in good standing. A member whom the owner suspended does not come back through the holder.
is_holders_user(person: Person, seal: Seal, context: SealUseContext) if
  names_member_of_holder(person, seal, _, holder, context) and
  is_in_good_standing(holder, context) and
  not is_suspended_human(person, seal.enterprise, context);

is_named_by_holder(person: Person, seal: Seal, context: SealUseContext) if
  names_member_of_holder(person, seal, _, _, context);

# One of the holder's people, or of the parent company's: being that gives nothing.
is_of_the_group(_: Person, _: Seal, context: SealUseContext) if _ in context.holders;
is_of_the_group(person: Person, seal: Seal, context) if
  seal.enterprise.parent_id matches String and
  membership in person.memberships and
  membership.enterprise_id = seal.enterprise.parent_id and
  is_live(membership, context);

# The person belongs to the holder or to the parent company, and nothing more.
#@ U-20
because("MEMBER", "NO_CROSS_ENTERPRISE_GRANT", person: Person, seal: Seal, context: SealUseContext) if
  lacks_cross_grant(person, seal, context);
# The holder named the person and is not in good standing.
#@ U-21
because("MEMBER", "HOLDER_ENTERPRISE_FROZEN", person: Person, seal: Seal, context: SealUseContext) if
  is_blocked_by_holder(person, seal, context);

lacks_cross_grant(person: Person, seal: Seal, context: SealUseContext) if
  not belongs(person, seal.enterprise, context) and
  not suspended(person, seal.enterprise, context) and
  is_of_the_group(person, seal, context) and
  not is_named_by_holder(person, seal, context);

is_blocked_by_holder(person: Person, seal: Seal, context: SealUseContext) if
  not belongs(person, seal.enterprise, context) and
  not suspended(person, seal.enterprise, context) and
  not is_holders_user(person, seal, context) and
  names_member_of_holder(person, seal, _, holder, context) and
  is_out_of_order(holder, context);

# … or was not looked up lately.
#@ U-21 U-26
because("MEMBER", "REGISTRY_STALE", person: Person, seal: Seal, context: SealUseContext) if
  not belongs(person, seal.enterprise, context) and
  not suspended(person, seal.enterprise, context) and
  not is_holders_user(person, seal, context) and
  names_member_of_holder(person, seal, _, holder, context) and
  waits_for_licence(holder, context);

waits_for_licence(enterprise: Enterprise, context) if
  operates(enterprise) and
  has_stale_licence(enterprise, context);

# --- why there is no authority ---------------------------------------------------------------------------------------

# Each grant that the person has on the seal says what is wrong with it, but only where nothing else gives authority.
# All rules that explain ask this first, so that it is found out once.
lacks_authority(person: Person, seal: Seal, context) if
  sealed_contract(context, contract) and
  not has_authority(person, seal, contract, context) and
  not is_own_legal_rep_seal(person, seal, context);

# The person gave the grant, or the right that it comes from.
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
# One gave the grant, or confirmed it, whom the person put there just now, or who did so just now and is on the other
# side, or chose the approver.
#@ M-11 U-18 S-08 U-20
because("SEAL_AUTHORITY", "COOLING_OFF", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  authority_that_waits(person, seal, _, context);

authority_that_waits(person: Person, seal: Seal, at, context) if
  sealed_contract(context, contract) and
  delegation_to(person, seal, delegation, context) and
  delegation.state = "ACTIVE" and
  grant_of_principal(delegation.principal, seal, contract, grant, context) and
  came_from_straw_man(grant, person.id, at, context);
authority_that_waits(person: Person, seal: Seal, at, context) if
  sealed_contract(context, contract) and
  use_grant(person, seal, grant, context) and
  is_live_grant(grant, context) and
  came_from_concerned(grant, contract, at, context);
authority_that_waits(person: Person, seal: Seal, at, context) if
  sealed_contract(context, contract) and
  delegation_to(person, seal, delegation, context) and
  delegation.state = "ACTIVE" and
  grant in seal.grants and
  grant.membership_id = delegation.principal_id and
  is_live_grant(grant, context) and
  came_from_concerned(grant, contract, at, context);
authority_that_waits(person: Person, seal: Seal, at, context) if
  sealed_contract(context, contract) and
  open_grant(person, seal, contract, grant, context) and
  is_live_grant(grant, context) and
  (came_from_straw_man(grant, person.id, at, context) or came_from_concerned(grant, contract, at, context));
authority_that_waits(person: Person, seal: Seal, at, context: SealUseContext) if
  sealed_contract(context, contract) and
  names_member_of_holder(person, seal, grant, holder, context) and
  was_named_by_concerned(person, seal, grant, holder, contract, at, context);
authority_that_waits(person: Person, seal: Seal, at, context: SealUseContext) if
  sealed_contract(context, contract) and
  names_member_of_holder(person, seal, grant, _, context) and
  (came_from_straw_man(grant, person.id, at, context) or came_from_concerned(grant, contract, at, context));

# The grant waits for its confirmation.
#@ S-06
because("SEAL_AUTHORITY", "GRANT_NOT_CONFIRMED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  use_grant(person, seal, grant, context) and
  grant.state = "PENDING_CONFIRM" and
  not has_expired(grant, context);
# The role of the grantor has ended, and the grant with it.
#@ S-17
because("SEAL_AUTHORITY", "GRANT_INVALIDATED_ADMIN_CHANGED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  use_grant(person, seal, grant, context) and
  lost_its_grantor(grant, context);
because("SEAL_AUTHORITY", "GRANT_INVALIDATED_ADMIN_CHANGED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  open_grant(person, seal, contract, grant, context) and
  lost_its_grantor(grant, context);
# The grantor still has a role, which does not let them grant this seal.
#@ S-05 S-17
because("SEAL_AUTHORITY", "GRANTOR_NOT_ENTITLED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  use_grant(person, seal, grant, context) and
  grant.state in ["PENDING_EFFECT", "ACTIVE"] and
  is_active_assignment(grant.grantor, context) and
  not has_expired(grant, context) and
  not grantor_is_entitled(grant, context);
# The grant that a passed-on one comes from does not cover the contract.
#@ S-09
because("SEAL_AUTHORITY", "GRANTOR_NOT_ENTITLED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  use_grant(person, seal, grant, context) and
  grant.state in ["PENDING_EFFECT", "ACTIVE"] and
  not has_expired(grant, context) and
  not is_within_parent_grant(grant, contract);
# The person who passed it on may not put the seal on this contract.
#@ S-09 U-13
because("SEAL_AUTHORITY", "GRANTOR_NOT_ENTITLED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  use_grant(person, seal, grant, context) and
  grant.state = "ACTIVE" and
  is_within_parent_grant(grant, contract) and
  not is_passed_on_by_unconcerned(grant, contract, context);
# The grant is over, or has not begun.
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
# The very use that is under way holds the last count of the grant.
#@ U-06 U-25
because("SEAL_AUTHORITY", "DOCUMENTS_BEING_SEALED", person: Person, seal: Seal, context: SealUseContext) if
  lacks_authority(person, seal, context) and
  is_being_sealed(context);
# The grant is used up.
#@ U-06
because("SEAL_AUTHORITY", "USE_LIMIT_EXHAUSTED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  not is_being_sealed(context) and
  use_grant(person, seal, grant, context) and
  has_no_uses_left(grant);
because("SEAL_AUTHORITY", "USE_LIMIT_EXHAUSTED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  not is_being_sealed(context) and
  sealed_contract(context, contract) and
  open_grant(person, seal, contract, grant, context) and
  has_no_uses_left(grant);
because("SEAL_AUTHORITY", "USE_LIMIT_EXHAUSTED", person: Person, seal: Seal, context: SealUseContext) if
  lacks_authority(person, seal, context) and
  not is_being_sealed(context) and
  names_member_of_holder(person, seal, grant, _, context) and
  not has_uses_left(grant);
# The grant does not cover the kind of contract …
#@ U-02
because("SEAL_AUTHORITY", "CONTRACT_TYPE_NOT_COVERED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  use_grant(person, seal, grant, context) and
  grant.state = "ACTIVE" and
  sealed_contract(context, contract) and
  not covers(grant, contract);
# … nor does the delegation …
#@ U-18
because("SEAL_AUTHORITY", "CONTRACT_TYPE_NOT_COVERED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  delegation_to(person, seal, delegation, context) and
  delegation.state = "ACTIVE" and
  not covers_type(delegation, contract);
# … nor the grant across enterprises.
#@ U-20
because("SEAL_AUTHORITY", "CONTRACT_TYPE_NOT_COVERED", person: Person, seal: Seal, context: SealUseContext) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  names_member_of_holder(person, seal, grant, _, context) and
  not covers_type(grant, contract);
# The amount is above the limit of the grant, or not stated.
#@ U-04
because("SEAL_AUTHORITY", "AMOUNT_EXCEEDS_LIMIT", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  limiting_grant(person, seal, grant, context) and
  terms_of(seal, contract, terms) and
  grant.currency = terms.currency and
  amount = terms.amount and
  amount matches Integer and
  grant.amount_max < amount;
because("SEAL_AUTHORITY", "AMOUNT_UNKNOWN", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  limiting_grant(person, seal, _, context) and
  terms_of(seal, contract, terms) and
  terms.amount = nil and
  terms.is_monetary = true;
# The limit is in another currency.
#@ U-05
because("SEAL_AUTHORITY", "AMOUNT_CURRENCY_UNSUPPORTED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  limiting_grant(person, seal, grant, context) and
  terms_of(seal, contract, terms) and
  terms.amount matches Integer and
  grant.currency != terms.currency;

# A grant that ends at an amount: the person's own, or one across enterprises under which their enterprise named them.
limiting_grant(person: Person, seal: Seal, grant, context) if
  use_grant(person, seal, grant, context) and
  grant.state = "ACTIVE" and
  not is_unlimited(grant.amount_max);
limiting_grant(person: Person, seal: Seal, grant, context: SealUseContext) if
  names_member_of_holder(person, seal, grant, _, context) and
  not is_unlimited(grant.amount_max);
# The request for this contract is not approved, or was approved for other documents.
#@ U-03
because("SEAL_AUTHORITY", "APPROVAL_REQUIRED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  own_request(person, seal, contract, request, context) and
  not was_approved(request, context);
because("SEAL_AUTHORITY", "DOCUMENT_CHANGED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  own_request(person, seal, contract, request, context) and
  was_approved(request, context) and
  not is_for_these_documents(request, contract);
# The approved request is over …
#@ U-07
because("SEAL_AUTHORITY", "REQUEST_EXPIRED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  own_request(person, seal, contract, request, context) and
  was_approved(request, context) and
  request.valid_to <= context.now;
# … used up …
#@ U-06
because("SEAL_AUTHORITY", "USE_LIMIT_EXHAUSTED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  not is_being_sealed(context) and
  sealed_contract(context, contract) and
  own_request(person, seal, contract, request, context) and
  was_approved(request, context) and
  request.used >= request.uses;
# … or has not begun.
#@ U-07
because("SEAL_AUTHORITY", "GRANT_NOT_YET_EFFECTIVE", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  own_request(person, seal, contract, request, context) and
  was_approved(request, context) and
  context.now < request.valid_from;

# A delegation of what is bound to a person.
#@ U-19
because("SEAL_AUTHORITY", "NOT_DELEGABLE", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  delegation_to(person, seal, delegation, context) and
  delegation.state in ["PENDING_ACCEPT", "ACTIVE"] and
  is_not_delegable(delegation, seal);
# Nothing says that the principal offered it.
#@ A-02 U-18
because("SEAL_AUTHORITY", "DELEGATION_NOT_OFFERED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  is_enterprise_seal(seal) and
  delegation_to(person, seal, delegation, context) and
  delegation.state = "ACTIVE" and
  delegation.power = "USE_SEAL" and
  context.now < delegation.valid_to and
  not was_offered(delegation, context);
# The delegation is over, or gives more than its principal could do now.
#@ U-18
because("SEAL_AUTHORITY", "DELEGATION_EXPIRED", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  delegation_to(person, seal, delegation, context) and
  delegation_has_expired(delegation, context);
because("SEAL_AUTHORITY", "DELEGATION_EXCEEDS_PRINCIPAL", person: Person, seal: Seal, context) if
  lacks_authority(person, seal, context) and
  seal.kind != "LEGAL_REP" and
  sealed_contract(context, contract) and
  delegation_to(person, seal, delegation, context) and
  delegation.state = "ACTIVE" and
  delegation.power = "USE_SEAL" and
  context.now < delegation.valid_to and
  was_offered(delegation, context) and
  covers_type(delegation, contract) and
  not principal_may_use(person, delegation.principal, seal, contract, context);

is_not_delegable(_: Delegation, seal: Seal) if seal.kind = "LEGAL_REP";
is_not_delegable(delegation: Delegation, _: Seal) if delegation.power in ["PERSONAL_SIGNATURE", "LEGAL_REP_INTENT"];

principal_may_use(person: Person, principal: Membership, seal: Seal, contract: Contract, context) if
  grant_of_principal(principal, seal, contract, _, context) and
  not has_excluding_duty(principal, seal, contract, context) and
  is_reviewed_by_others(person, principal, seal, contract, context) and
  has_no_conflict_elsewhere(principal, seal, contract, context);

# The person belongs to the holder or to the parent company, and nothing more.
#@ U-20
because("SEAL_AUTHORITY", "NO_CROSS_ENTERPRISE_GRANT", person: Person, seal: Seal, context: SealUseContext) if
  lacks_authority(person, seal, context) and
  lacks_cross_grant(person, seal, context);
# Who audits the holder sees what it seals, and seals nothing.
#@ S-04 U-21
because("SEAL_AUTHORITY", "AUDITOR_READ_ONLY", person: Person, seal: Seal, context: SealUseContext) if
  lacks_authority(person, seal, context) and
  names_member_of_holder(person, seal, _, holder, context) and
  audits_seals_of(person, holder, context);
# The holder or the person is on the other side of the contract.
#@ U-13 U-20
because("SEAL_AUTHORITY", "SELF_DEALING", person: Person, seal: Seal, context: SealUseContext) if
  lacks_authority(person, seal, context) and
  sealed_contract(context, contract) and
  names_member_of_holder(person, seal, _, holder, context) and
  is_on_other_side(person, holder, seal, contract, context);
# The holder is not in good standing.
#@ U-21
because("SEAL_AUTHORITY", "HOLDER_ENTERPRISE_FROZEN", person: Person, seal: Seal, context: SealUseContext) if
  lacks_authority(person, seal, context) and
  names_member_of_holder(person, seal, _, holder, context) and
  is_out_of_order(holder, context);
because("SEAL_AUTHORITY", "REGISTRY_STALE", person: Person, seal: Seal, context: SealUseContext) if
  lacks_authority(person, seal, context) and
  names_member_of_holder(person, seal, _, holder, context) and
  waits_for_licence(holder, context);

delegation_has_expired(delegation: Delegation, _) if delegation.state = "EXPIRED";
delegation_has_expired(delegation: Delegation, context) if
  delegation.state = "ACTIVE" and
  delegation.valid_to <= context.now;

# --- when it ends by itself ------------------------------------------------------------------------------------------

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
  live_delegation(person, seal, contract, _, _, context) and
  registry_word_ends(seal.enterprise, context, at);
authority_lapses(person: Person, seal: Seal, contract: Contract, context, at) if
  live_delegation(person, seal, contract, _, grant, context) and
  grant_lapses(grant, at);
authority_lapses(person: Person, seal: Seal, contract: Contract, context, at) if
  live_open_grant(person, seal, contract, grant, context) and
  grant_lapses(grant, at);
authority_lapses(person: Person, seal: Seal, contract: Contract, context, at) if
  live_open_grant(person, seal, contract, _, context) and
  registry_word_ends(seal.enterprise, context, at);
authority_lapses(person: Person, seal: Seal, contract: Contract, context: SealUseContext, at) if
  live_cross_grant(person, seal, contract, grant, context) and
  grant_lapses(grant, at);
authority_lapses(person: Person, seal: Seal, contract: Contract, context: SealUseContext, at) if
  live_cross_grant(person, seal, contract, _, context) and
  registry_word_ends(seal.enterprise, context, at);
authority_lapses(person: Person, seal: Seal, _: Contract, context: SealUseContext, at) if
  names_member_of_holder(person, seal, _, holder, context) and
  member(person, holder, membership, context) and
  at = membership.ended_at;
authority_lapses(person: Person, seal: Seal, _: Contract, context: SealUseContext, at) if
  names_member_of_holder(person, seal, _, holder, context) and
  licence_lapses(holder, context, at);
authority_lapses(person: Person, seal: Seal, contract: Contract, context, at) if
  approved_request(person, seal, contract, request, context) and
  at = request.valid_to;
authority_lapses(person: Person, seal: Seal, contract: Contract, context, at) if
  approved_request(person, seal, contract, request, context) and
  approval_changes(request, context, at);
