# What a successor takes over: the grants of a seal administrator who hands over.
#
# A grant stands on the role of its grantor and ends with it (S-17). In an ordinary hand-over the successor goes on with
# those that are listed: a new grant for each, given by the successor, to the same member and in nothing wider, which
# names the one that it goes on with. One face check of the successor confirms them all, in the write that ends the old
# ones. It gives nobody anything that they do not have: a person without a standing grant is given a new one, with a check of
# its own. Who was removed or suspended hands nothing over, and a retrieval ends the grants of those whom it replaced.

# A-11: In an ordinary hand-over the successor goes on with the listed grants of the predecessor, while that one still
# has the role. A check for this hand-over confirms what is no wider than what stands.
#@ A-11 S-06
meets(person: Person, "GRANT_CONFIRMATION", "confirm", grant: SealGrant, context) if
  adopted_grant(person, grant, old, context) and
  fresh_face_check(
    context.verification, person, "SEAL_GRANT", "RoleAssignment", old.grantor_id, context.parameters.face_for_grant,
    context);

adopted_grant(person: Person, grant: SealGrant, old, context) if
  grant.grantor.membership.person_id = person.id and
  old = grant.adopts and
  old matches SealGrant and
  is_handed_over(old, person, context) and
  is_no_wider(grant, old);

# The predecessor is there, is another person, and what they gave stands by their own role.
is_handed_over(old: SealGrant, person: Person, context) if
  old.parent_id = nil and
  old.state in ["PENDING_EFFECT", "ACTIVE"] and
  context.now < old.valid_to and
  old.grantor.role = "SEAL_ADMIN" and
  old.grantor.membership.person_id != person.id and
  is_active_assignment(old.grantor, context) and
  is_active_and_verified(old.grantor.membership.person) and
  is_confirmed(old, context.now, context) and
  grantor_is_entitled(old, context);

is_no_wider(grant: SealGrant, old: SealGrant) if
  grant.parent_id = nil and
  grant.seal_id = old.seal_id and
  grant.membership_id = old.membership_id and
  grant.right = old.right and
  old.valid_from <= grant.valid_from and
  grant.valid_to <= old.valid_to and
  is_within_parents_amount(grant, old) and
  is_within_scope(grant, old) and
  is_within_templates(grant, old) and
  is_within_uses_left(grant, old) and
  is_passed_on_no_further(grant, old);

is_within_templates(_: SealGrant, old: SealGrant) if not lists_templates(old);
is_within_templates(grant: SealGrant, old: SealGrant) if
  lists_templates(grant) and
  forall(template in grant.templates, lists_same_template(old, template));

lists_same_template(old: SealGrant, template: GrantTemplate) if
  template.initiator_id = nil and
  other in old.templates and
  other.template_id = template.template_id and
  other.initiator_id = nil;
lists_same_template(old: SealGrant, template: GrantTemplate) if
  initiator_id = template.initiator_id and
  initiator_id matches String and
  other in old.templates and
  other.template_id = template.template_id and
  other.initiator_id = initiator_id;

is_within_uses_left(_: SealGrant, old: SealGrant) if is_unlimited(old.use_limit);
is_within_uses_left(grant: SealGrant, old: SealGrant) if grant.use_limit <= old.use_limit - old.used;

is_passed_on_no_further(grant: SealGrant, _: SealGrant) if grant.may_subgrant = false;
is_passed_on_no_further(_: SealGrant, old: SealGrant) if old.may_subgrant = true;

# The old one ends in the write in which the new one begins.
obligation(_: Person, "confirm", grant: SealGrant, _, "END_ADOPTED_GRANT") if grant.adopts matches SealGrant;
obligation_parameter("END_ADOPTED_GRANT", "grant_id", id, _: Person, "confirm", grant: SealGrant, _) if
  id = grant.adopts_id and
  id matches String;

# With the check, with the old grant, and with what that stands on.
lapses(person: Person, "confirm", grant: SealGrant, context, at) if
  adopted_grant(person, grant, old, context) and
  not has_letter(grant, context.now, context) and
  face_lapses(
    context.verification, person, "SEAL_GRANT", "RoleAssignment", old.grantor_id, context.parameters.face_for_grant,
    context, at);
lapses(person: Person, "confirm", grant: SealGrant, context, at) if
  adopted_grant(person, grant, old, context) and
  grant_lapses(old, at);

because("GRANT_CONFIRMATION", "FACE_VERIFICATION_ALREADY_USED", person: Person, grant: SealGrant, context) if
  adopted_grant(person, grant, old, context) and
  used_face_check(context.verification, person, "SEAL_GRANT", "RoleAssignment", old.grantor_id);
