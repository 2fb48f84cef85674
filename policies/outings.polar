# Where a physical seal is: who carried it out of the house, until when, and who takes it back.
#
# What is out is with one person. Nobody else stamps with it, nobody carries it out once more, and it is not ended as if
# it lay in the safe. It comes back when it is due; until then its holder neither asks for another use nor leaves. Who
# keeps the seal takes it back and says so: never the holder alone, who could otherwise keep a copy of the key and call
# it returned. A seal that does not come back is reported lost. (Published company seal rules: a seal that is carried out
# is registered, and returned on the same day; the keeper signs for it.)

# --- at hand ---------------------------------------------------------------------------------------------------------

# A-09: While a physical seal is out, only the person who carried it out stamps with it, and no longer than until it is
# due. Overdue, it blocks new requests of that person. The holder does not leave before it is taken back by its keeper,
# or reported lost.
#@ A-09
group_requires("STAMPING", ["SEAL_AT_HAND"]);
meets(person: Person, "SEAL_AT_HAND", "stamp", seal: Seal, context) if
  forall(outing_of(seal, outing), is_in_hand_of(outing, person, context));
meets(_: Person, "SEAL_AT_HAND", "carry_out", seal: Seal, _) if not outing_of(seal, _);

# What is not there is not ended: a seal that nobody brings back is reported lost first.
#@ A-09 S-14
requires("revoke", _: Seal, "SEAL_AT_HAND");
requires("destroy", _: Seal, "SEAL_AT_HAND");
meets(_: Person, "SEAL_AT_HAND", "revoke", seal: Seal, _) if not outing_of(seal, _);
meets(_: Person, "SEAL_AT_HAND", "destroy", seal: Seal, _) if not outing_of(seal, _);

outing_of(seal: Seal, outing) if
  outing in seal.outings and
  outing.state = "OUT";

is_with(outing: SealOuting, person_id) if outing.holder.person_id = person_id;

is_in_hand_of(outing: SealOuting, person: Person, context) if
  is_with(outing, person.id) and
  context.now < outing.due_at;

because("SEAL_AT_HAND", "SEAL_OVERDUE", person: Person, seal: Seal, context) if
  outing_of(seal, outing) and
  is_with(outing, person.id) and
  outing.due_at <= context.now;

# --- due -------------------------------------------------------------------------------------------------------------

# The debt is the person's: leaving and joining again does not clear it.
outing_with(person_id, enterprise: Enterprise, outing) if
  membership in enterprise.memberships and
  membership.person_id = person_id and
  outing in membership.outings and
  outing.state = "OUT";

overdue_outing(person_id, enterprise: Enterprise, outing, context) if
  outing_with(person_id, enterprise, outing) and
  outing.due_at <= context.now;

# A person with a seal that is overdue asks for no other use, and carries no other seal out.
#@ A-09
requires("request_use", _: Seal, "NO_OVERDUE_OUTING");
requires("carry_out", _: Seal, "NO_OVERDUE_OUTING");
meets(person: Person, "NO_OVERDUE_OUTING", "request_use", seal: Seal, context) if
  forall(account_id(person, id), not overdue_outing(id, seal.enterprise, _, context));
meets(person: Person, "NO_OVERDUE_OUTING", "carry_out", seal: Seal, context) if
  forall(account_id(person, id), not overdue_outing(id, seal.enterprise, _, context));

# Nobody leaves with a seal. A revoked one binds nobody any more: an administrator, who cannot fetch it, does not wait for
# it; its holder returns it all the same.
#@ A-09 S-16
requires("end", _: Membership, "OUTINGS_RETURNED");
requires("resign", _: Membership, "OUTINGS_RETURNED");
meets(_: Person, "OUTINGS_RETURNED", "end", membership: Membership, _) if not binding_outing(membership, _);
meets(_: Person, "OUTINGS_RETURNED", "resign", membership: Membership, _) if
  not outing_of_human(membership.person_id, membership.enterprise, _);

binding_outing(membership: Membership, outing) if
  outing_of_human(membership.person_id, membership.enterprise, outing) and
  is_not_ended(outing.seal);

# By whatever account they carried it out.
#@ A-09 A-02
outing_of_human(person_id, enterprise: Enterprise, outing) if
  seal in enterprise.seals and
  outing_of(seal, outing) and
  is_of_human(outing.holder, person_id);

# --- taking it back --------------------------------------------------------------------------------------------------

resource SealOuting {
  permissions = ["record_return"];
}

has_permission(person: Person, "record_return", outing: SealOuting) if is_listed(person, outing.seal.enterprise);

# Who keeps the seal takes it back, or an administrator of seals: once.
#@ A-09
requires("record_return", _: SealOuting, "SEAL_STILL_OUT");
requires("record_return", _: SealOuting, "RETURN_RECEIVER");
meets(_: Person, "SEAL_STILL_OUT", "record_return", outing: SealOuting, _) if outing.state = "OUT";
meets(person: Person, "RETURN_RECEIVER", "record_return", outing: SealOuting, context) if
  is_present_keeper(person, outing.seal, context);
meets(person: Person, "RETURN_RECEIVER", "record_return", outing: SealOuting, context) if
  administers_seal(person, outing.seal, context);

is_present_keeper(person: Person, seal: Seal, context) if
  custodian = seal.custodian and
  custodian matches Membership and
  custodian.person_id = person.id and
  is_live(custodian, context);
is_present_keeper(person: Person, seal: Seal, context) if is_acting_custodian(person, seal, context);

# The holder takes nothing back from themself, nor through a straw man. In a company of one nobody else is there.
#@ A-09
requires("record_return", _: SealOuting, "RETURNED_TO_ANOTHER");
meets(person: Person, "RETURNED_TO_ANOTHER", "record_return", outing: SealOuting, context) if
  is_second_person(person, outing.holder.person_id, outing.seal.enterprise, context);
meets(person: Person, "RETURNED_TO_ANOTHER", "record_return", outing: SealOuting, context) if
  acts_alone(person, outing.seal.enterprise, context);

# Nor do they find it again after somebody reported it lost while they had it outside.
#@ A-09 S-12
requires("report_found", _: Seal, "RETURNED_TO_ANOTHER");
meets(person: Person, "RETURNED_TO_ANOTHER", "report_found", seal: Seal, context) if
  forall(
    lost_outside(seal, outing), is_second_person(person, outing.holder.person_id, seal.enterprise, context));

lost_outside(seal: Seal, outing) if
  outing in seal.outings and
  outing.state = "LOST" and
  not was_found_since(outing, seal);

# A loss that was reported since it was carried out, and is over.
was_found_since(outing: SealOuting, seal: Seal) if
  hold in seal.holds and
  hold.source = "LOSS" and
  hold.state = "RELEASED" and
  outing.out_from <= hold.placed_at;

# Nor does a person choose who keeps, and takes back, what they have themself. (Who chose a keeper before is not on record:
# to keep a seal takes the right to approve away and gives nobody a verdict, and what came back is there or not.)
#@ A-09
requires("assign_custodian", _: Seal, "SEAL_NOT_WITH_SELF");
meets(person: Person, "SEAL_NOT_WITH_SELF", "assign_custodian", seal: Seal, _) if
  not has_outside(person, seal);

has_outside(person: Person, seal: Seal) if
  outing_of(seal, outing) and
  account_id(person, outing.holder.person_id);

# --- after an allow --------------------------------------------------------------------------------------------------

# The one who opens the door writes down who has the seal and until when, and a loss ends that.
#@ A-09
obligation(_: Person, "carry_out", _: Seal, _, "RECORD_OUTING");
obligation_parameter("RECORD_OUTING", "holder_id", id, person: Person, "carry_out", seal: Seal, context) if
  own_named_request(person, seal, request, context) and
  id = request.applicant_id;
obligation_parameter("RECORD_OUTING", "due_at", at, _: Person, "carry_out", _: Seal, context) if
  at = context.day_ends and
  at matches Integer;
obligation(_: Person, "record_return", _: SealOuting, _, "NOTIFY_MONITORS");
obligation(_: Person, "report_lost", seal: Seal, _, "END_OUTING") if outing_of(seal, _);
obligation_parameter("END_OUTING", "outing_id", id, _: Person, "report_lost", seal: Seal, _) if
  outing_of(seal, outing) and
  id = outing.id;

# --- when the permission ends by itself ------------------------------------------------------------------------------

lapses(person: Person, "stamp", seal: Seal, _, at) if
  outing_of(seal, outing) and
  is_with(outing, person.id) and
  at = outing.due_at;
lapses(person: Person, "request_use", seal: Seal, _, at) if due_with(person, seal.enterprise, at);
lapses(person: Person, "carry_out", seal: Seal, _, at) if due_with(person, seal.enterprise, at);
lapses(person: Person, "record_return", outing: SealOuting, context, at) if
  seal_admin_lapses(person, outing.seal.enterprise, context, at);
lapses(person: Person, "record_return", outing: SealOuting, context, at) if
  is_acting_custodian(person, outing.seal, context) and
  at = outing.seal.acting_to;
lapses(person: Person, "record_return", outing: SealOuting, context, at) if
  sole_authority_lapses(person, outing.seal.enterprise, context, at);

due_with(person: Person, enterprise: Enterprise, at) if
  account_id(person, id) and
  outing_with(id, enterprise, outing) and
  at = outing.due_at;

# --- what is told ----------------------------------------------------------------------------------------------------

otherwise("SEAL_AT_HAND", "SEAL_OUT");
otherwise("NO_OVERDUE_OUTING", "SEAL_OVERDUE");
otherwise("OUTINGS_RETURNED", "SEAL_NOT_RETURNED");
otherwise("SEAL_STILL_OUT", "OUTING_OVER");
otherwise("RETURN_RECEIVER", "NOT_SEAL_KEEPER");
otherwise("RETURNED_TO_ANOTHER", "DUAL_CONTROL_REQUIRED");
otherwise("SEAL_NOT_WITH_SELF", "DUAL_CONTROL_REQUIRED");

reason("OUTING_OVER", 60, "USER", "NONE");
reason("SEAL_OUT", 70, "USER", "WAIT_RETURN");
reason("SEAL_OUT", 70, "USER", "RETURN_SEAL");
reason("NOT_SEAL_KEEPER", 90, "USER", "CONTACT_SEAL_ADMIN");
reason("SEAL_OVERDUE", 100, "USER", "RETURN_SEAL");
reason("SEAL_NOT_RETURNED", 100, "USER", "RETURN_SEAL");
reason("SEAL_NOT_RETURNED", 100, "USER", "WAIT_RETURN");
reason("SEAL_NOT_RETURNED", 100, "USER", "REPORT_SEAL_LOST");

# The seal that a person brings back, and who takes it; for the others, who has it and until when.
parameter("RETURN_SEAL", "seal_name", name, person: Person, resource, context) if
  own_outing(person, resource, context, outing) and
  name = outing.seal.name;
parameter("RETURN_SEAL", "outing_id", id, person: Person, resource, context) if
  own_outing(person, resource, context, outing) and
  id = outing.id;
parameter("RETURN_SEAL", "keeper", found, person: Person, resource, context) if
  own_outing(person, resource, context, outing) and
  keeper_to_return_to(outing, membership, context) and
  found = membership.person;
parameter("WAIT_RETURN", "holder", found, person: Person, resource, context) if
  outing_of_another(person, resource, context, outing) and
  found = outing.holder.person;
parameter("WAIT_RETURN", "wait_until", at, person: Person, resource, context) if
  outing_of_another(person, resource, context, outing) and
  at = outing.due_at and
  context.now < at;
parameter("REPORT_SEAL_LOST", "seal_id", id, _: Person, membership: Membership, _) if
  binding_outing(membership, outing) and
  id = outing.seal_id;

own_outing(person: Person, resource, context, outing) if
  owner(resource, context, enterprise) and
  outing_of_human(person.id, enterprise, outing);

outing_of_another(person: Person, seal: Seal, _, outing) if
  outing_of(seal, outing) and
  outing.holder.person_id != person.id;
outing_of_another(person: Person, membership: Membership, _, outing) if
  membership.person_id != person.id and
  outing_of_human(membership.person_id, membership.enterprise, outing);

keeper_to_return_to(outing: SealOuting, membership, context) if
  membership = outing.seal.custodian and
  membership matches Membership and
  membership.person_id != outing.holder.person_id and
  is_live(membership, context);
keeper_to_return_to(outing: SealOuting, membership, context) if
  membership = outing.seal.acting_custodian and
  membership matches Membership and
  membership.person_id != outing.holder.person_id and
  is_live(membership, context) and
  is_time_of_acting_custodian(outing.seal, context.now);

leads_nowhere("RETURN_SEAL", person: Person, resource, context) if not own_outing(person, resource, context, _);
leads_nowhere("WAIT_RETURN", person: Person, resource, context) if
  not outing_of_another(person, resource, context, _);
leads_nowhere("REPORT_SEAL_LOST", _: Person, membership: Membership, _) if not binding_outing(membership, _);
leads_nowhere("REPORT_SEAL_LOST", person: Person, membership: Membership, context) if
  binding_outing(membership, outing) and
  not could_report_lost(person, outing.seal, context);

could_report_lost(person: Person, seal: Seal, context) if
  is_seal_guardian(person, seal, context) and
  seal.state in ["ACTIVE", "DISABLED", "COLLECTED"];
