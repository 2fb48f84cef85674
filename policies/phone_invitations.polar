# Inviting a phone: whom an invitation to somebody without an account admits.
#
# A-13: The invitation states a phone and a name, of which it keeps keyed hashes alone. It is claimed by the person for whom
# the carrier matches that phone with that name and their id number, on an account that had the phone before. Then the
# inviter confirms the person, and only then is it accepted like any other (membership.polar): to plain membership, once,
# within 7 days. A number that the carrier has given to another person matches another name.

actor Person {}

is_to_phone(invitation: Invitation) if invitation.phone_hash != "";

is_invited_phone(person: Person, invitation: Invitation) if
  is_to_phone(invitation) and
  invitation.phone_hash = person.phone_hash;

is_named_in(person: Person, invitation: Invitation) if
  invitation.target_id matches String and
  invitation.target_id = person.id;

is_inviter(person: Person, invitation: Invitation) if invitation.inviter.person_id = person.id;

# An invitation to a person needs nobody's confirmation: it was made for that identity.
is_confirmed_invitation(invitation: Invitation, _) if invitation.phone_hash = "";
is_confirmed_invitation(invitation: Invitation, context) if
  is_to_phone(invitation) and
  invitation.confirmed_at > 0 and
  invitation.confirmed_at <= context.now;

# --- claiming --------------------------------------------------------------------------------------------------------

# A claim rests on the carrier's match for the stated name, and on a phone that the account had before it.
#@ A-13
requires("claim", _: Invitation, "INVITATION_OPEN");
requires("claim", _: Invitation, "INVITER_ENTITLED");
requires("claim", _: Invitation, "INVITED_PHONE");
requires("claim", _: Invitation, "INVITATION_UNCLAIMED");
requires("claim", _: Invitation, "NOT_YET_MEMBER");
requires("claim", _: Invitation, "CARRIER_MATCH");
meets(_: Person, "INVITATION_OPEN", "claim", invitation: Invitation, context) if
  is_open_invitation(invitation, context);
meets(_: Person, "INVITER_ENTITLED", "claim", invitation: Invitation, context) if
  has_entitled_inviter(invitation, context);
meets(person: Person, "INVITED_PHONE", "claim", invitation: Invitation, _) if is_invited_phone(person, invitation);
meets(_: Person, "INVITATION_UNCLAIMED", "claim", invitation: Invitation, _) if
  is_to_phone(invitation) and
  invitation.target_id = nil;
meets(person: Person, "NOT_YET_MEMBER", "claim", invitation: Invitation, context) if
  not holds_membership(person, invitation.enterprise, context);
meets(person: Person, "CARRIER_MATCH", "claim", invitation: Invitation, context) if
  counts_as_match(context.verification, person, invitation, context);

# The match is of the phone that the account had then, for this invitation, and of the name that it states.
own_match(check, person: Person, invitation: Invitation) if
  check matches IdentityVerification and
  check.person_id = person.id and
  check.method = "MOBILE3" and
  check.purpose = "JOIN" and
  check.bound_type = "Invitation" and
  check.bound_id = invitation.id;

is_of_stated_name(check: IdentityVerification, invitation: Invitation) if
  check.bound_digest = invitation.contact_digest and
  invitation.contact_digest != "";

counts_as_match(check, person: Person, invitation: Invitation, context) if
  own_match(check, person, invitation) and
  is_of_stated_name(check, invitation) and
  check.state = "PASSED" and
  is_not_ahead(check.passed_at, context) and
  context.now < check.passed_at + context.parameters.match_for_invitation and
  # Numbers are recycled: a phone that came to the account after the match was not matched on it.
  person.phone_bound_at > 0 and
  person.phone_bound_at <= check.passed_at;

because("INVITATION_UNCLAIMED", "INVITATION_UNCONFIRMED", person: Person, invitation: Invitation, context) if
  is_named_in(person, invitation) and
  not is_confirmed_invitation(invitation, context);
because("INVITATION_UNCLAIMED", "INVITATION_TO_ACCEPT", person: Person, invitation: Invitation, context) if
  is_named_in(person, invitation) and
  is_confirmed_invitation(invitation, context);
because("INVITED_PHONE", "INVITATION_TO_ACCEPT", person: Person, invitation: Invitation, context) if
  is_named_in(person, invitation) and
  is_confirmed_invitation(invitation, context);
because("CARRIER_MATCH", "CARRIER_MATCH_EXPIRED", person: Person, invitation: Invitation, context: ClaimContext) if
  own_match(context.verification, person, invitation) and
  is_of_stated_name(context.verification, invitation) and
  is_old_match(context.verification, context);
because(
  "CARRIER_MATCH", "CARRIER_MATCH_OF_ANOTHER", person: Person, invitation: Invitation, context: ClaimContext) if
  own_match(context.verification, person, invitation) and
  is_of_another_name(context.verification, invitation);

is_old_match(check: IdentityVerification, context) if
  check.state in ["PASSED", "EXPIRED"] and
  check.passed_at + context.parameters.match_for_invitation <= context.now;
is_old_match(check: IdentityVerification, _) if check.state = "CONSUMED";

is_of_another_name(check: IdentityVerification, invitation: Invitation) if
  check.bound_digest != invitation.contact_digest;

obligation(_: Person, "claim", _: Invitation, _, "NAME_INVITEE");
obligation(_: Person, "claim", _: Invitation, _, "CONSUME_CARRIER_MATCH");
obligation_parameter("NAME_INVITEE", "target_id", id, person: Person, "claim", _: Invitation, _) if id = person.id;
obligation_parameter("CONSUME_CARRIER_MATCH", "verification_id", id, _: Person, "claim", _: Invitation, context) if
  check_id(context.verification, id);

lapses(_: Person, "claim", invitation: Invitation, _, at) if at = invitation.expires_at;
lapses(person: Person, "claim", invitation: Invitation, context, at) if
  check = context.verification and
  check matches IdentityVerification and
  counts_as_match(check, person, invitation, context) and
  at = check.passed_at + context.parameters.match_for_invitation;
lapses(_: Person, "claim", invitation: Invitation, context, at) if
  admin_lapses(invitation.inviter.person, invitation.enterprise, context, at);
lapses(_: Person, "claim", invitation: Invitation, context, at) if
  custom_role_lapses(invitation.inviter.person, invitation.enterprise, context, at);

# --- confirming ------------------------------------------------------------------------------------------------------

# Only the inviter knows whom they meant, and only while they may still invite.
#@ A-13
requires("confirm_invitee", _: Invitation, "INVITATION_OPEN");
requires("confirm_invitee", _: Invitation, "INVITER");
requires("confirm_invitee", _: Invitation, "ENTERPRISE_ADMIN");
requires("confirm_invitee", _: Invitation, "INVITATION_CLAIMED");
meets(_: Person, "INVITATION_OPEN", "confirm_invitee", invitation: Invitation, context) if
  is_open_invitation(invitation, context);
meets(person: Person, "INVITER", "confirm_invitee", invitation: Invitation, _) if is_inviter(person, invitation);
meets(person: Person, "ENTERPRISE_ADMIN", "confirm_invitee", invitation: Invitation, context) if
  may_use_power(person, invitation.enterprise, "INVITE", context);
meets(_: Person, "INVITATION_CLAIMED", "confirm_invitee", invitation: Invitation, _) if
  is_to_phone(invitation) and
  invitation.target_id matches String and
  invitation.confirmed_at = 0;
because("INVITATION_CLAIMED", "INVITATION_CONFIRMED_BEFORE", _: Person, invitation: Invitation, _) if
  invitation.confirmed_at > 0;
because("INVITATION_CLAIMED", "CONFIRMATION_NOT_NEEDED", _: Person, invitation: Invitation, _) if
  invitation.phone_hash = "";

obligation(_: Person, "confirm_invitee", _: Invitation, _, "RECORD_CONFIRMATION");
obligation_parameter("RECORD_CONFIRMATION", "target_id", id, _: Person, "confirm_invitee", invitation: Invitation, _) if
  id = invitation.target_id and
  id matches String;

lapses(_: Person, "confirm_invitee", invitation: Invitation, _, at) if at = invitation.expires_at;
lapses(person: Person, "confirm_invitee", invitation: Invitation, context, at) if
  admin_lapses(person, invitation.enterprise, context, at);
lapses(person: Person, "confirm_invitee", invitation: Invitation, context, at) if
  custom_role_lapses(person, invitation.enterprise, context, at);

# --- accepting -------------------------------------------------------------------------------------------------------

# Nobody comes in by phone whom the inviter has not confirmed.
#@ A-13
requires("accept", _: Invitation, "INVITATION_CONFIRMED");
meets(_: Person, "INVITATION_CONFIRMED", "accept", invitation: Invitation, context) if
  is_confirmed_invitation(invitation, context);
# One that nobody has claimed is refused for that alone: it names nobody.
waived("INVITATION_CONFIRMED", "accept", invitation: Invitation, _) if invitation.target_id = nil;
because("INVITEE", "INVITATION_TO_CLAIM", person: Person, invitation: Invitation, _) if
  is_invited_phone(person, invitation) and
  invitation.target_id = nil;

obligation(_: Person, "accept", _: Invitation, _, "JOIN_IN_ONE_TRANSACTION");

# --- next steps ------------------------------------------------------------------------------------------------------

parameter("MATCH_PHONE", "method", "MOBILE3", _: Person, _: Invitation, _);
parameter("MATCH_PHONE", "purpose", "JOIN", _: Person, _: Invitation, _);
parameter("MATCH_PHONE", "bound_type", "Invitation", _: Person, _: Invitation, _);
parameter("MATCH_PHONE", "bound_id", id, _: Person, invitation: Invitation, _) if id = invitation.id;
leads_nowhere("MATCH_PHONE", person: Person, invitation: Invitation, _) if not is_invited_phone(person, invitation);
leads_nowhere("MATCH_PHONE", _: Person, invitation: Invitation, _) if invitation.target_id matches String;
# The digest is of what the carrier matched, so that it is not for us to tell.
parameter("WAIT_INVITER", "inviter", found, person: Person, invitation: Invitation, _) if
  is_named_in(person, invitation) and
  found = invitation.inviter.person;
parameter("WAIT_INVITER", "wait_until", at, person: Person, invitation: Invitation, _) if
  is_named_in(person, invitation) and
  at = invitation.expires_at;
parameter("WAIT_INVITEE", "wait_until", at, person: Person, invitation: Invitation, _) if
  is_inviter(person, invitation) and
  at = invitation.expires_at;
