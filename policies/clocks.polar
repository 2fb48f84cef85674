# Clocks: those who check a face have one of their own.

# A-14: A provider's instant that is a little ahead of ours counts as now: two clocks never agree. One that is further
# ahead counts for nothing, or a check could be made to last, and the person is told that it is the time that is wrong.
#@ A-14
is_not_ahead(at, context) if at <= context.now + context.parameters.clock_skew;

because(
  ["FRESH_FACE", "FRESH_INTENT", "FRESH_FACE_FOR_STAMP", "FRESH_FACE_OF_MANAGER", "SOLE_OWNER_PRESENT"],
  "VERIFICATION_TIME_AHEAD", person: Person, _, context) if is_ahead_check(context.verification, person, context);
because("GRANT_CONFIRMATION", "VERIFICATION_TIME_AHEAD", person: Person, _: SealGrant, context) if
  is_ahead_check(context.verification, person, context);
because("GRANT_CONFIRMATION", "VERIFICATION_TIME_AHEAD", person: Person, _: OpenGrant, context) if
  is_ahead_check(context.verification, person, context);

# … whose clock it was, decides who tries again.
because("NEW_ADMIN_FACE", "NEW_ADMIN_TIME_AHEAD", _: Person, membership: Membership, context: RoleContext) if
  is_ahead_check(context.receiver_verification, membership.person, context);
because("NEW_ADMIN_FACE", "NEW_ADMIN_TIME_AHEAD", _: Person, _: Enterprise, context: AdminChangeContext) if
  receiver = context.receiver and
  receiver matches Membership and
  is_ahead_check(context.receiver_verification, receiver.person, context);
because("CARRIER_MATCH", "CARRIER_TIME_AHEAD", person: Person, _: Invitation, context: ClaimContext) if
  is_ahead_check(context.verification, person, context);
because("CHANGE_AGREED", "VERIFICATION_TIME_AHEAD", person: Person, _, context: RulesContext) if
  is_ahead_check(context.verification, person, context);
because("NOT_OWN_REVIEW", "VERIFICATION_TIME_AHEAD", person: Person, _: SealReview, context) if
  is_ahead_check(context.verification, person, context);

is_ahead_check(check, person: Person, context) if
  check matches IdentityVerification and
  check.person_id = person.id and
  check.state = "PASSED" and
  context.now + context.parameters.clock_skew < check.passed_at;
