# Acts that are on record under a membership: the record names the member who did it, and not only a person.
#
# The legal representative acts for the enterprise with or without a membership. What is written down as a member's they
# do as a member: they join first. Other acts that end up under a membership ask for one by what they are (approving a
# request, carrying a seal out).

# M-01: Who acts for an enterprise as its legal representative alone is no member whom a record could name.
#@ M-01
requires("invite", _: Enterprise, "ON_RECORD_AS_MEMBER");
requires("grant", _: Seal, "ON_RECORD_AS_MEMBER");
requires("request_use", _: Seal, "ON_RECORD_AS_MEMBER");
requires("submit_review", _: Seal, "ON_RECORD_AS_MEMBER");
requires("propose_end", _: Seal, "ON_RECORD_AS_MEMBER");
requires("decide", _: SealReview, "ON_RECORD_AS_MEMBER");
requires("witness", _: SealProposal, "ON_RECORD_AS_MEMBER");
requires("record_return", _: SealOuting, "ON_RECORD_AS_MEMBER");
meets(person: Person, "ON_RECORD_AS_MEMBER", "invite", enterprise: Enterprise, context) if
  is_member(person, enterprise, context);
meets(person: Person, "ON_RECORD_AS_MEMBER", "grant", seal: Seal, context) if
  is_member(person, seal.enterprise, context);
meets(person: Person, "ON_RECORD_AS_MEMBER", "request_use", seal: Seal, context) if
  is_member(person, seal.enterprise, context);
meets(person: Person, "ON_RECORD_AS_MEMBER", "submit_review", seal: Seal, context) if
  is_member(person, seal.enterprise, context);
meets(person: Person, "ON_RECORD_AS_MEMBER", "propose_end", seal: Seal, context) if
  is_member(person, seal.enterprise, context);
meets(person: Person, "ON_RECORD_AS_MEMBER", "decide", review: SealReview, context) if
  is_member(person, review.seal.enterprise, context);
meets(person: Person, "ON_RECORD_AS_MEMBER", "witness", proposal: SealProposal, context) if
  is_member(person, proposal.seal.enterprise, context);
meets(person: Person, "ON_RECORD_AS_MEMBER", "record_return", outing: SealOuting, context) if
  is_member(person, outing.seal.enterprise, context);

otherwise("ON_RECORD_AS_MEMBER", "NOT_A_MEMBER");

# S-17: A grant is on record under a role of the one who gives it, and stands on that: what is passed on under any, what
# is given of one's own under that of a seal administrator or of the legal representative, and the legal representative's
# seal under the latter alone. Anyone else who may not give it is told why elsewhere.
#@ S-17 S-05
requires("grant", _: Seal, "ON_RECORD_UNDER_ROLE");
meets(person: Person, "ON_RECORD_UNDER_ROLE", "grant", seal: Seal, context) if
  not is_member(person, seal.enterprise, context);
meets(person: Person, "ON_RECORD_UNDER_ROLE", "grant", seal: Seal, context: GrantingContext) if
  context.parent = nil and
  not legal_representative(person, seal.enterprise, context);
meets(person: Person, "ON_RECORD_UNDER_ROLE", "grant", seal: Seal, context: GrantingContext) if
  member(person, seal.enterprise, membership, context) and
  assignment in membership.assignments and
  is_active_assignment(assignment, context) and
  may_be_granted_under(assignment.role, seal, context);

may_be_granted_under("LEGAL_REP", _: Seal, _: GrantingContext);
may_be_granted_under("SEAL_ADMIN", seal: Seal, _: GrantingContext) if seal.kind != "LEGAL_REP";
may_be_granted_under(_, _: Seal, context: GrantingContext) if context.parent != nil;

otherwise("ON_RECORD_UNDER_ROLE", "NO_ROLE_TO_GRANT_UNDER");
because("ON_RECORD_UNDER_ROLE", "REPRESENTATIVE_ROLE_MISSING", person: Person, seal: Seal, context: GrantingContext) if
  seal.kind = "LEGAL_REP" and
  context.parent = nil and
  is_member(person, seal.enterprise, context) and
  legal_representative(person, seal.enterprise, context) and
  not has_representatives_role(person, seal, context);
reason("NO_ROLE_TO_GRANT_UNDER", 90, "USER", "CONTACT_ADMIN");
reason("REPRESENTATIVE_ROLE_MISSING", 90, "USER", "CONTACT_PLATFORM");

has_representatives_role(person: Person, seal: Seal, context) if
  member(person, seal.enterprise, membership, context) and
  assignment in membership.assignments and
  assignment.role = "LEGAL_REP" and
  is_active_assignment(assignment, context);

# A representative is told what an outsider is told: what became of their application, or that they retrieve already.
because("ON_RECORD_AS_MEMBER", "JOIN_PENDING", person: Person, resource, context) if
  is_not_on_record(person, resource, context, enterprise) and
  waits_for_answer(person, enterprise, context);
because("ON_RECORD_AS_MEMBER", "JOIN_UNANSWERED", person: Person, resource, context) if
  is_not_on_record(person, resource, context, enterprise) and
  is_left_unanswered(person, enterprise, context);
because("ON_RECORD_AS_MEMBER", "JOIN_REJECTED", person: Person, resource, context) if
  is_not_on_record(person, resource, context, enterprise) and
  was_turned_down(person, enterprise, context);
because("ON_RECORD_AS_MEMBER", "NO_ACTIVE_ADMIN", person: Person, resource, context) if
  is_not_on_record(person, resource, context, enterprise) and
  has_nobody_to_turn_to(person, enterprise, context);
because("ON_RECORD_AS_MEMBER", "RETRIEVAL_NOT_EXECUTED", person: Person, resource, context) if
  is_not_on_record(person, resource, context, enterprise) and
  is_retrieving(person, enterprise, context);
because("ON_RECORD_AS_MEMBER", "MEMBERSHIP_SUSPENDED", person: Person, resource, context) if
  owner(resource, context, enterprise) and
  suspended(person, enterprise, context) and
  not is_member(person, enterprise, context);
because("ON_RECORD_AS_MEMBER", "MEMBERSHIP_NOT_BEGUN", person: Person, resource, context) if
  owner(resource, context, enterprise) and
  begins_later(person, enterprise, _, context);

is_not_on_record(person: Person, resource, context, enterprise) if
  owner(resource, context, enterprise) and
  not is_member(person, enterprise, context) and
  not suspended(person, enterprise, context) and
  not begins_later(person, enterprise, _, context);
