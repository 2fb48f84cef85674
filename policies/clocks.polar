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

is_ahead_check(check, person: Person, context) if
  check matches IdentityVerification and
  check.person_id = person.id and
  check.state = "PASSED" and
  context.now + context.parameters.clock_skew < check.passed_at;
