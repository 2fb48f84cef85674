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
  suspended(person, enterprise) and
  not is_member(person, enterprise, context);

is_not_on_record(person: Person, resource, context, enterprise) if
  owner(resource, context, enterprise) and
  not is_member(person, enterprise, context) and
  not suspended(person, enterprise);
