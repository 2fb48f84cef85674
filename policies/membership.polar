# Membership: joining an enterprise, deciding applications, inviting, giving and taking roles, leaving.
#
# A person acts for an enterprise only as its member. Everybody else applies and waits for the named administrator, who
# may be reminded. Nobody gives themself a role, the legal representative follows the registry, and the last
# administrator cannot leave without a successor.

# --- joining ---------------------------------------------------------------------------------------------------------

# M-02: Any verified person who is not a member may apply to join, with one open application at a time.
#@ M-02
requires("join", _: Enterprise, "NOT_YET_MEMBER");
requires("join", _: Enterprise, "NO_OPEN_APPLICATION");
meets(person: Person, "NOT_YET_MEMBER", "join", enterprise: Enterprise, context) if
  not holds_membership(person, enterprise, context);
meets(person: Person, "NO_OPEN_APPLICATION", "join", enterprise: Enterprise, context) if
  not is_applicant(person, enterprise, context);
because("NOT_YET_MEMBER", "MEMBERSHIP_SUSPENDED", person: Person, enterprise: Enterprise, context) if
  is_suspended_human(person, enterprise, context);
because("NOT_YET_MEMBER", "MEMBERSHIP_NOT_BEGUN", person: Person, enterprise: Enterprise, context) if
  begins_later(person, enterprise, _, context);
because("NO_OPEN_APPLICATION", "JOIN_UNANSWERED", person: Person, enterprise: Enterprise, context) if
  has_used_up_reminders(person, enterprise, context) and
  not is_retrieving(person, enterprise, context);
because("NO_OPEN_APPLICATION", "RETRIEVAL_NOT_EXECUTED", person: Person, enterprise: Enterprise, context) if
  is_applicant(person, enterprise, context) and
  is_retrieving(person, enterprise, context);

# Nobody keeps more than a few applications open, wherever they are; what cannot be counted is too many.
#@ M-02
requires("join", _: Enterprise, "ROOM_FOR_APPLICATION");
meets(_: Person, "ROOM_FOR_APPLICATION", "join", _: Enterprise, context) if
  context.open_applications < context.parameters.open_applications_limit;

# A membership whose time has passed holds nobody, whatever its state says; one that begins later does.
holds_membership(person: Person, enterprise: Enterprise, context) if is_member(person, enterprise, context);
holds_membership(person: Person, enterprise: Enterprise, context) if is_suspended_human(person, enterprise, context);
holds_membership(person: Person, enterprise: Enterprise, context) if begins_later(person, enterprise, _, context);

# M-05: A rejection carries a reason, and the next application waits for the cool-down.
#@ M-05
requires("join", _: Enterprise, "REAPPLY_ALLOWED");
meets(person: Person, "REAPPLY_ALLOWED", "join", enterprise: Enterprise, context) if
  not recent_rejection(person, enterprise, _, context);

recent_rejection(person: Person, enterprise: Enterprise, allowed_at, context) if
  account_id(person, id) and
  application in enterprise.applications and
  application.person_id = id and
  application.state = "REJECTED" and
  allowed_at = application.decided_at + context.parameters.reapply_cooldown and
  context.now < allowed_at;

# A person whom one enterprise has turned down several times within the window comes in by its invitation only.
#@ M-05
requires("join", _: Enterprise, "NOT_TURNED_DOWN_TOO_OFTEN");
meets(_: Person, "NOT_TURNED_DOWN_TOO_OFTEN", "join", _: Enterprise, context) if
  context.rejections < context.parameters.rejections_limit;

# An invitation admits only the identity that it names, before it expires, once.
#@ M-06
requires("accept", _: Invitation, "INVITATION_OPEN");
requires("accept", _: Invitation, "INVITER_ENTITLED");
requires("accept", _: Invitation, "INVITEE");
requires("accept", _: Invitation, "NOT_YET_MEMBER");
meets(_: Person, "INVITATION_OPEN", "accept", invitation: Invitation, context) if
  is_open_invitation(invitation, context);
# … and only while the inviter may still invite.
meets(_: Person, "INVITER_ENTITLED", "accept", invitation: Invitation, context) if
  has_entitled_inviter(invitation, context);
meets(person: Person, "INVITEE", "accept", invitation: Invitation, _) if invitation.target_id = person.id;
meets(person: Person, "NOT_YET_MEMBER", "accept", invitation: Invitation, context) if
  not holds_membership(person, invitation.enterprise, context);
because("INVITATION_OPEN", "INVITATION_USED", _: Person, invitation: Invitation, _) if invitation.state = "ACCEPTED";
because("NOT_YET_MEMBER", "MEMBERSHIP_SUSPENDED", person: Person, invitation: Invitation, context) if
  is_suspended_human(person, invitation.enterprise, context);
because("NOT_YET_MEMBER", "MEMBERSHIP_NOT_BEGUN", person: Person, invitation: Invitation, context) if
  begins_later(person, invitation.enterprise, _, context);

is_open_invitation(invitation: Invitation, context) if
  invitation.state = "OPEN" and
  context.now < invitation.expires_at;

has_entitled_inviter(invitation: Invitation, context) if
  is_active_and_verified(invitation.inviter.person) and
  may_use_power(invitation.inviter.person, invitation.enterprise, "INVITE", context);

# --- not a member: what to do instead --------------------------------------------------------------------------------

# What an outsider is told: that their application waits, was not answered or was turned down.
#@ M-01
because("MEMBER", "JOIN_PENDING", person: Person, resource, context) if
  is_outsider(person, resource, context, enterprise) and
  waits_for_answer(person, enterprise, context);
because("MEMBER", "JOIN_UNANSWERED", person: Person, resource, context) if
  is_outsider(person, resource, context, enterprise) and
  is_left_unanswered(person, enterprise, context);
because("MEMBER", "JOIN_REJECTED", person: Person, resource, context) if
  is_outsider(person, resource, context, enterprise) and
  was_turned_down(person, enterprise, context);
# Only those who are connected to the enterprise learn that it has nobody to turn to.
because("MEMBER", "NO_ACTIVE_ADMIN", person: Person, resource, context) if
  is_outsider(person, resource, context, enterprise) and
  has_nobody_to_turn_to(person, enterprise, context);

# What became of the wish to join.
waits_for_answer(person: Person, enterprise: Enterprise, context) if
  has_administrator(enterprise, context) and
  not is_retrieving(person, enterprise, context) and
  is_applicant(person, enterprise, context) and
  not has_used_up_reminders(person, enterprise, context);
is_left_unanswered(person: Person, enterprise: Enterprise, context) if
  has_administrator(enterprise, context) and
  not is_retrieving(person, enterprise, context) and
  has_used_up_reminders(person, enterprise, context);
was_turned_down(person: Person, enterprise: Enterprise, context) if
  has_administrator(enterprise, context) and
  not is_applicant(person, enterprise, context) and
  recent_rejection(person, enterprise, _, context);
has_nobody_to_turn_to(person: Person, enterprise: Enterprise, context) if
  not has_administrator(enterprise, context) and
  not is_retrieving(person, enterprise, context) and
  is_connected_to(person, enterprise, context);

# A person who retrieves the enterprise already is told to follow that, and not to retrieve it.
#@ A-10
because("MEMBER", "RETRIEVAL_NOT_EXECUTED", person: Person, resource, context) if
  is_outsider(person, resource, context, enterprise) and
  is_retrieving(person, enterprise, context);
because("ADMIN_PRESENT", "RETRIEVAL_NOT_EXECUTED", person: Person, resource, context) if
  owner(resource, context, enterprise) and
  not has_administrator(enterprise, context) and
  is_retrieving(person, enterprise, context);
because("REMINDER_DUE", "RETRIEVAL_NOT_EXECUTED", person: Person, application: JoinApplication, context) if
  application.reminders >= context.parameters.reminder_limit and
  is_retrieving(person, application.enterprise, context);

# The legal representative is told that the registry has to be asked again.
#@ A-14
because("MEMBER", "REGISTRY_STALE", person: Person, resource, context) if
  is_outsider(person, resource, context, enterprise) and
  representing_snapshot(person, enterprise, _);
because("ENTERPRISE_ADMIN", "REGISTRY_STALE", person: Person, resource, context) if
  owner(resource, context, enterprise) and
  is_stale_representative(person, enterprise, context) and
  not may_administer(person, enterprise, context) and
  not has_power(person, enterprise, _, context);

# A suspended member, and the member of a closed enterprise, are told so.
#@ M-13
because("MEMBER", "MEMBERSHIP_SUSPENDED", person: Person, resource, context) if
  owner(resource, context, enterprise) and
  suspended(person, enterprise, context) and
  not belongs(person, enterprise, context);
# … and one whose membership begins later is told when.
#@ M-01
because("MEMBER", "MEMBERSHIP_NOT_BEGUN", person: Person, resource, context) if
  owner(resource, context, enterprise) and
  begins_later(person, enterprise, _, context) and
  not belongs(person, enterprise, context);
because("ENTERPRISE_OPERATING", "ENTERPRISE_CLOSED", _: Person, resource, context) if
  owner(resource, context, enterprise) and
  enterprise.operating_state = "CLOSED";

is_outsider(person: Person, resource, context, enterprise) if
  owner(resource, context, enterprise) and
  not belongs(person, enterprise, context) and
  not suspended(person, enterprise, context) and
  not begins_later(person, enterprise, _, context) and
  not is_holders_user(person, resource, context);

because("ACCOUNT_ACTIVE", "ACCOUNT_CLOSED", person: Person, _, _) if person.account_state = "CLOSED";

# A suspended member still reads their own history.
#@ M-13
requires("view_history", _: Membership, "OWN_MEMBERSHIP");
meets(person: Person, "OWN_MEMBERSHIP", "view_history", membership: Membership, _) if membership.person_id = person.id;

# --- deciding applications -------------------------------------------------------------------------------------------

# M-04: An administrator, the legal representative, or a member with a custom role that contains it decides an
# application; only once, and never their own.
#@ M-04
requires("approve_join", _: JoinApplication, "ENTERPRISE_ADMIN");
requires("reject_join", _: JoinApplication, "ENTERPRISE_ADMIN");
requires("approve_join", _: JoinApplication, "NOT_OWN_APPLICATION");
requires("reject_join", _: JoinApplication, "NOT_OWN_APPLICATION");
requires("approve_join", _: JoinApplication, "APPLICATION_PENDING");
requires("reject_join", _: JoinApplication, "APPLICATION_PENDING");
requires("approve_join", _: JoinApplication, "APPLICANT_FIT");
requires("approve_join", _: JoinApplication, "APPLICANT_NOT_MEMBER");
meets(person: Person, "ENTERPRISE_ADMIN", "approve_join", application: JoinApplication, context) if
  may_use_power(person, application.enterprise, "DECIDE_APPLICATIONS", context);
meets(person: Person, "ENTERPRISE_ADMIN", "reject_join", application: JoinApplication, context) if
  may_use_power(person, application.enterprise, "DECIDE_APPLICATIONS", context);
meets(person: Person, "NOT_OWN_APPLICATION", "approve_join", application: JoinApplication, _) if
  not account_id(person, application.person_id);
meets(person: Person, "NOT_OWN_APPLICATION", "reject_join", application: JoinApplication, _) if
  not account_id(person, application.person_id);
meets(_: Person, "APPLICATION_PENDING", "approve_join", application: JoinApplication, context) if
  is_pending(application, context);
meets(_: Person, "APPLICATION_PENDING", "reject_join", application: JoinApplication, context) if
  is_pending(application, context);
meets(_: Person, "APPLICANT_FIT", "approve_join", application: JoinApplication, _) if
  is_active_and_verified(application.person);
meets(_: Person, "APPLICANT_NOT_MEMBER", "approve_join", application: JoinApplication, context) if
  not holds_membership(application.person, application.enterprise, context);
because("APPLICATION_PENDING", "ALREADY_DECIDED", _: Person, application: JoinApplication, _) if
  application.state in ["APPROVED", "REJECTED", "SUPERSEDED"];

is_pending(application: JoinApplication, context) if
  application.state = "PENDING" and
  context.now < application.expires_at;

# A rejection carries a reason.
#@ M-05
requires("reject_join", _: JoinApplication, "REASON_STATED");
meets(_: Person, "REASON_STATED", "reject_join", _: JoinApplication, context) if is_stated(context.reason);

is_stated(reason) if reason matches String and reason != "";

# The applicant takes their own application back while it waits.
#@ M-02
requires("withdraw", _: JoinApplication, "OWN_APPLICATION");
requires("withdraw", _: JoinApplication, "APPLICATION_PENDING");
meets(person: Person, "OWN_APPLICATION", "withdraw", application: JoinApplication, _) if
  application.person_id = person.id;
meets(_: Person, "APPLICATION_PENDING", "withdraw", application: JoinApplication, context) if
  is_pending(application, context);

# The applicant may remind the administrator: with a gap between reminders, and a limited number of times.
#@ M-14
requires("remind", _: JoinApplication, "OWN_APPLICATION");
requires("remind", _: JoinApplication, "APPLICATION_PENDING");
requires("remind", _: JoinApplication, "ADMIN_PRESENT");
requires("remind", _: JoinApplication, "REMINDER_DUE");
meets(person: Person, "OWN_APPLICATION", "remind", application: JoinApplication, _) if
  application.person_id = person.id;
meets(_: Person, "APPLICATION_PENDING", "remind", application: JoinApplication, context) if
  is_pending(application, context);
meets(_: Person, "ADMIN_PRESENT", "remind", application: JoinApplication, context) if
  has_administrator(application.enterprise, context);
meets(_: Person, "REMINDER_DUE", "remind", application: JoinApplication, context) if
  application.reminders < context.parameters.reminder_limit and
  application.last_reminded_at + context.parameters.reminder_gap <= context.now;
because("REMINDER_DUE", "REMINDERS_USED_UP", person: Person, application: JoinApplication, context) if
  application.reminders >= context.parameters.reminder_limit and
  not is_retrieving(person, application.enterprise, context);

# M-14: The administrator is named only to a verified person with a task or application of their own for that
# enterprise, or who belongs there.
#@ M-14
requires("view_administrator", _: Enterprise, "TIE_TO_ENTERPRISE");
requires("view_administrator", _: Enterprise, "ADMIN_PRESENT");
meets(person: Person, "TIE_TO_ENTERPRISE", "view_administrator", enterprise: Enterprise, context) if
  may_know_administrator(person, enterprise, context);
meets(_: Person, "ADMIN_PRESENT", "view_administrator", enterprise: Enterprise, context) if
  has_administrator(enterprise, context);

may_know_administrator(person: Person, enterprise: Enterprise, context) if
  is_active_and_verified(person) and
  is_applicant(person, enterprise, context);
may_know_administrator(person: Person, enterprise: Enterprise, context) if
  is_active_and_verified(person) and
  is_colleague(person, enterprise, context);
may_know_administrator(person: Person, enterprise: Enterprise, context) if
  is_active_and_verified(person) and
  has_open_sent_task(person, enterprise, context);

# --- running the enterprise ------------------------------------------------------------------------------------------

# M-07: Administrators and the legal representative invite, suspend, reinstate, end memberships and give or take roles.
# A custom role may contain the power to invite, to suspend or to end; never that to give or take roles, which would
# give everything.
#@ M-07
requires("invite", _: Enterprise, "ENTERPRISE_ADMIN");
requires("assign_role", _: Membership, "ENTERPRISE_ADMIN");
requires("suspend", _: Membership, "ENTERPRISE_ADMIN");
requires("reinstate", _: Membership, "ENTERPRISE_ADMIN");
requires("end", _: Membership, "ENTERPRISE_ADMIN");
requires("revoke", _: RoleAssignment, "ENTERPRISE_ADMIN");
meets(person: Person, "ENTERPRISE_ADMIN", "invite", enterprise: Enterprise, context) if
  may_use_power(person, enterprise, "INVITE", context);
meets(person: Person, "ENTERPRISE_ADMIN", "assign_role", membership: Membership, context) if
  may_administer(person, membership.enterprise, context);
meets(person: Person, "ENTERPRISE_ADMIN", "suspend", membership: Membership, context) if
  may_act_on(person, membership, "SUSPEND_MEMBERS", context);
meets(person: Person, "ENTERPRISE_ADMIN", "reinstate", membership: Membership, context) if
  may_administer(person, membership.enterprise, context);
meets(person: Person, "ENTERPRISE_ADMIN", "end", membership: Membership, context) if
  may_act_on(person, membership, "END_MEMBERSHIPS", context);
meets(person: Person, "ENTERPRISE_ADMIN", "revoke", assignment: RoleAssignment, context) if
  may_administer(person, assignment.membership.enterprise, context);

# What administrators may do, and members with a custom role that contains it.
may_use_power(person: Person, enterprise: Enterprise, _, context) if may_administer(person, enterprise, context);
may_use_power(person: Person, enterprise: Enterprise, power, context) if has_power(person, enterprise, power, context);

# A custom role is for ordinary members: it reaches nobody who runs the enterprise or its seals, or who watches them.
may_act_on(person: Person, membership: Membership, _, context) if
  may_administer(person, membership.enterprise, context);
may_act_on(person: Person, membership: Membership, power, context) if
  has_power(person, membership.enterprise, power, context) and
  not has_office(membership) and
  not registry_names_human(membership.person_id, membership.enterprise);

has_office(membership: Membership) if watch_of(membership, _);
has_office(membership: Membership) if
  assignment in membership.assignments and
  assignment.state = "ACTIVE" and
  assignment.role in ["SYSTEM_ADMIN", "SEAL_ADMIN", "LEGAL_REP", "SEAL_AUDITOR"];

# A power by a custom role of this enterprise that stands now.
has_power(person: Person, enterprise: Enterprise, power, context) if
  custom_assignment(person, enterprise, assignment, context) and
  role = assignment.custom_role and
  role matches CustomRole and
  contained in role.powers and
  contained.power = power;

custom_assignment(person: Person, enterprise: Enterprise, assignment, context) if
  member(person, enterprise, membership, context) and
  assignment in membership.assignments and
  assignment.role = "CUSTOM" and
  is_active_assignment(assignment, context);

# The applicant of a retrieval gains no right before it is executed.
#@ R-11
because("ENTERPRISE_ADMIN", "RETRIEVAL_NOT_EXECUTED", person: Person, resource, context) if
  owner(resource, context, enterprise) and
  is_retrieving(person, enterprise, context) and
  not may_administer(person, enterprise, context) and
  not has_power(person, enterprise, _, context);

# A person who gets a role has a verified name and an active account.
#@ M-07
requires("assign_role", _: Membership, "MEMBER_FIT");
requires("reinstate", _: Membership, "MEMBER_FIT");
meets(_: Person, "MEMBER_FIT", "assign_role", membership: Membership, _) if is_active_and_verified(membership.person);
meets(_: Person, "MEMBER_FIT", "reinstate", membership: Membership, _) if is_active_and_verified(membership.person);

# M-11: Nobody gives themself a role, nor lifts their own suspension, not even the legal representative. So an
# administrator is made seal administrator by another administrator or by the legal representative.
#@ M-11
requires("assign_role", _: Membership, "NOT_OWN_ROLE");
requires("reinstate", _: Membership, "NOT_OWN_ROLE");
meets(person: Person, "NOT_OWN_ROLE", "assign_role", membership: Membership, context) if
  membership.person_id != person.id and
  not returns_role(person, membership, context);
meets(person: Person, "NOT_OWN_ROLE", "assign_role", membership: Membership, context) if
  membership.person_id != person.id and
  is_minor_role(context.role);
meets(person: Person, "NOT_OWN_ROLE", "reinstate", membership: Membership, context) if
  membership.person_id != person.id and
  not returns_role(person, membership, context);

# Nobody gives themself a role through a straw man either: an administrator gives no power to the person from whom they
# have their own, nor to the one from whom that person has it. Another administrator does, or the legal representative.
#@ M-11
returns_role(person: Person, membership: Membership, context) if
  not representative_today(person, membership.enterprise, context) and
  own_admin_assignment(person, membership.enterprise, assignment, context) and
  comes_from(assignment, membership.person_id, membership.enterprise);

comes_from(assignment: RoleAssignment, person_id, enterprise: Enterprise) if
  assignment.granted_by_id matches String and
  are_one_human(assignment.granted_by_id, person_id, enterprise);
comes_from(assignment: RoleAssignment, person_id, enterprise: Enterprise) if
  giver_id = assignment.granted_by_id and
  giver_id matches String and
  membership in enterprise.memberships and
  earlier in membership.assignments and
  earlier.role = "SYSTEM_ADMIN" and
  earlier.granted_by_id matches String and
  are_one_human(membership.person_id, giver_id, enterprise) and
  are_one_human(earlier.granted_by_id, person_id, enterprise);

# The role is stated, and one that people give. The legal representative is the person whom the registry names: nobody
# makes one.
#@ M-09
requires("assign_role", _: Membership, "ROLE_STATED");
meets(_: Person, "ROLE_STATED", "assign_role", _: Membership, context) if
  context.role in ["SYSTEM_ADMIN", "SEAL_ADMIN", "CONTRACT_ADMIN", "SEAL_AUDITOR", "DEPT_ADMIN", "CUSTOM"];
because("ROLE_STATED", "LEGAL_REP_PROTECTED", _: Person, _: Membership, context: RoleContext) if
  context.role = "LEGAL_REP";

# To make another administrator is to hand the enterprise over to one more person: both show their faces, freshly, as
# when it is handed over (enterprise.polar). The roles that need no face check are listed.
#@ M-12
requires("assign_role", _: Membership, "FRESH_FACE");
requires("assign_role", _: Membership, "NEW_ADMIN_FACE");
meets(person: Person, "FRESH_FACE", "assign_role", membership: Membership, context) if
  has_fresh_giver_face(context.verification, person, membership, context);
meets(_: Person, "NEW_ADMIN_FACE", "assign_role", membership: Membership, context) if
  has_fresh_admin_change_face(context.receiver_verification, membership.person, membership.enterprise_id, context);
waived("FRESH_FACE", "assign_role", _: Membership, context: RoleContext) if needs_no_face_check(context.role);
waived("NEW_ADMIN_FACE", "assign_role", _: Membership, context: RoleContext) if needs_no_face_check(context.role);
because("FRESH_FACE", "FACE_VERIFICATION_EXPIRED", person: Person, membership: Membership, context: RoleContext) if
  has_stale_giver_face(context.verification, person, membership, context);
because("FRESH_FACE", "FACE_VERIFICATION_ALREADY_USED", person: Person, membership: Membership, context: RoleContext) if
  used_face_check(context.verification, person, "ADMIN_CHANGE", "Membership", membership.id);

# LEGAL_REP is given to nobody, and a role that is not stated is none: what asks for it says so.
needs_no_face_check(role) if
  role in ["SEAL_ADMIN", "LEGAL_REP", "CONTRACT_ADMIN", "SEAL_AUDITOR", "DEPT_ADMIN", "CUSTOM"];
needs_no_face_check(role) if role = nil;

obligation(_: Person, "assign_role", _: Membership, context, "CONSUME_VERIFICATION") if context.role = "SYSTEM_ADMIN";
obligation(_: Person, "assign_role", _: Membership, context, "CONSUME_NEW_ADMIN_VERIFICATION") if
  context.role = "SYSTEM_ADMIN";
obligation_parameter("CONSUME_VERIFICATION", "verification_id", id, _: Person, "assign_role", _: Membership, context) if
  check_id(context.verification, id);
obligation_parameter(
  "CONSUME_NEW_ADMIN_VERIFICATION", "verification_id", id, _: Person, "assign_role", _: Membership, context) if
  check_id(context.receiver_verification, id);

# Only a membership that is not over can be acted on.
#@ M-07
requires("assign_role", _: Membership, "MEMBERSHIP_LIVE");
requires("suspend", _: Membership, "MEMBERSHIP_LIVE");
requires("reinstate", _: Membership, "IS_SUSPENDED");
requires("end", _: Membership, "MEMBERSHIP_LIVE");
requires("resign", _: Membership, "MEMBERSHIP_LIVE");
requires("revoke", _: RoleAssignment, "ASSIGNMENT_LIVE");
meets(_: Person, "MEMBERSHIP_LIVE", "assign_role", membership: Membership, context) if is_live(membership, context);
meets(_: Person, "MEMBERSHIP_LIVE", "suspend", membership: Membership, context) if is_live(membership, context);
meets(_: Person, "IS_SUSPENDED", "reinstate", membership: Membership, context) if
  membership.state = "SUSPENDED" and
  context.now < membership.ended_at;
meets(_: Person, "MEMBERSHIP_LIVE", "end", membership: Membership, context) if
  membership.state in ["ACTIVE", "SUSPENDED"] and
  context.now < membership.ended_at;
meets(_: Person, "MEMBERSHIP_LIVE", "resign", membership: Membership, context) if is_live(membership, context);
meets(_: Person, "ASSIGNMENT_LIVE", "revoke", assignment: RoleAssignment, context) if
  assignment.state = "ACTIVE" and
  context.now < assignment.valid_to and
  context.now < assignment.membership.ended_at;

requires("resign", _: Membership, "OWN_MEMBERSHIP");
meets(person: Person, "OWN_MEMBERSHIP", "resign", membership: Membership, _) if membership.person_id = person.id;

# While a retrieval is decided, nobody changes who runs the enterprise or its seals. Ending, suspending or reinstating
# the membership of such an officer comes to the same as taking or giving the role, and would silence those who may
# object.
#@ R-12
requires("assign_role", _: Membership, "NO_RETRIEVAL_HOLD");
requires("reinstate", _: Membership, "NO_RETRIEVAL_HOLD");
requires("suspend", _: Membership, "NO_RETRIEVAL_HOLD");
requires("end", _: Membership, "NO_RETRIEVAL_HOLD");
requires("revoke", _: RoleAssignment, "NO_RETRIEVAL_HOLD");
meets(_: Person, "NO_RETRIEVAL_HOLD", "assign_role", membership: Membership, context) if
  not is_held_by_retrieval(membership.enterprise, context);
meets(_: Person, "NO_RETRIEVAL_HOLD", "assign_role", membership: Membership, context) if
  gives_minor_role(membership, context);
meets(_: Person, "NO_RETRIEVAL_HOLD", "reinstate", membership: Membership, context) if
  not is_held_by_retrieval(membership.enterprise, context);
meets(_: Person, "NO_RETRIEVAL_HOLD", "reinstate", membership: Membership, _) if not holds_key_role(membership);
meets(_: Person, "NO_RETRIEVAL_HOLD", "suspend", membership: Membership, context) if
  not is_held_by_retrieval(membership.enterprise, context);
meets(_: Person, "NO_RETRIEVAL_HOLD", "suspend", membership: Membership, _) if not holds_key_role(membership);
meets(_: Person, "NO_RETRIEVAL_HOLD", "end", membership: Membership, context) if
  not is_held_by_retrieval(membership.enterprise, context);
meets(_: Person, "NO_RETRIEVAL_HOLD", "end", membership: Membership, _) if not holds_key_role(membership);
meets(_: Person, "NO_RETRIEVAL_HOLD", "revoke", assignment: RoleAssignment, context) if
  not is_held_by_retrieval(assignment.membership.enterprise, context);
meets(_: Person, "NO_RETRIEVAL_HOLD", "revoke", assignment: RoleAssignment, _) if is_minor_role(assignment.role);
# … and the new administrator waits a while after it.
#@ R-13
requires("assign_role", _: Membership, "COOLED_OFF");
requires("reinstate", _: Membership, "COOLED_OFF");
requires("suspend", _: Membership, "COOLED_OFF");
requires("end", _: Membership, "COOLED_OFF");
requires("revoke", _: RoleAssignment, "COOLED_OFF");
meets(person: Person, "COOLED_OFF", "assign_role", membership: Membership, context) if
  not cooling_off(person, membership.enterprise, _, context);
meets(_: Person, "COOLED_OFF", "assign_role", membership: Membership, context) if
  gives_minor_role(membership, context);
meets(person: Person, "COOLED_OFF", "reinstate", membership: Membership, context) if
  not cooling_off(person, membership.enterprise, _, context);
meets(_: Person, "COOLED_OFF", "reinstate", membership: Membership, _) if not holds_key_role(membership);
meets(person: Person, "COOLED_OFF", "suspend", membership: Membership, context) if
  not cooling_off(person, membership.enterprise, _, context);
meets(_: Person, "COOLED_OFF", "suspend", membership: Membership, _) if not holds_key_role(membership);
meets(person: Person, "COOLED_OFF", "end", membership: Membership, context) if
  not cooling_off(person, membership.enterprise, _, context);
meets(_: Person, "COOLED_OFF", "end", membership: Membership, _) if not holds_key_role(membership);
meets(person: Person, "COOLED_OFF", "revoke", assignment: RoleAssignment, context) if
  not cooling_off(person, assignment.membership.enterprise, _, context);
meets(_: Person, "COOLED_OFF", "revoke", assignment: RoleAssignment, _) if is_minor_role(assignment.role);

# A person who runs the seals loses that when they are made an auditor.
gives_minor_role(_: Membership, context) if
  role = context.role and
  role matches String and
  role != "SEAL_AUDITOR" and
  is_minor_role(role);
gives_minor_role(membership: Membership, context) if
  context.role = "SEAL_AUDITOR" and
  not holds_key_role(membership);

is_minor_role(role) if role in ["LEGAL_REP", "CONTRACT_ADMIN", "SEAL_AUDITOR", "DEPT_ADMIN", "CUSTOM"];

holds_key_role(membership: Membership) if
  assignment in membership.assignments and
  assignment.state = "ACTIVE" and
  not is_minor_role(assignment.role);

# … nor does anybody end the membership of an administrator who was replaced, while an appeal may give them their role
# back. A suspension takes all power from them as well, and can be lifted.
#@ R-13
requires("end", _: Membership, "NO_APPEAL_RUNS");
meets(_: Person, "NO_APPEAL_RUNS", "end", membership: Membership, context) if
  not is_under_appeal(membership, context) and
  not may_still_appeal(membership, _, context);
because("NO_APPEAL_RUNS", "RETRIEVAL_HOLD", _: Person, membership: Membership, context) if
  is_under_appeal(membership, context);

is_under_appeal(membership: Membership, context) if
  case_that_replaced(membership, case, context) and
  case.state = "UNDER_APPEAL";

may_still_appeal(membership: Membership, at, context) if
  case_that_replaced(membership, case, context) and
  case.state = "EXECUTED" and
  at = case.executed_at + context.parameters.appeal_within and
  context.now < at;

case_that_replaced(membership: Membership, case, context) if
  case in membership.enterprise.retrieval_cases and
  was_replaced(membership.person, case, context);

# Nobody is made an administrator in order to remove the others at once: a person who takes another administrator's
# power has had the role, and the membership, for as long as one waits after a retrieval. The legal representative need
# not wait.
#@ M-12
requires("suspend", _: Membership, "SETTLED_ADMIN");
requires("end", _: Membership, "SETTLED_ADMIN");
requires("revoke", _: RoleAssignment, "SETTLED_ADMIN");
meets(person: Person, "SETTLED_ADMIN", "suspend", membership: Membership, context) if
  not removes_too_soon(person, membership, context);
meets(person: Person, "SETTLED_ADMIN", "end", membership: Membership, context) if
  not removes_too_soon(person, membership, context);
meets(person: Person, "SETTLED_ADMIN", "revoke", assignment: RoleAssignment, context) if
  not removes_too_soon(person, assignment, context);
because("SETTLED_ADMIN", "COOLING_OFF", person: Person, membership: Membership, context) if
  removes_too_soon(person, membership, context) and
  new_admin_waits(person, membership.enterprise, _, context);
because("SETTLED_ADMIN", "COOLING_OFF", person: Person, assignment: RoleAssignment, context) if
  removes_too_soon(person, assignment, context) and
  new_admin_waits(person, assignment.membership.enterprise, _, context);

# Another administrator than oneself, and not by the legal representative or by an administrator of longer standing.
removes_too_soon(person: Person, membership: Membership, context) if
  was_made_administrator(membership) and
  membership.person_id != person.id and
  not may_remove_admins(person, membership.enterprise, context);
removes_too_soon(person: Person, assignment: RoleAssignment, context) if
  assignment.role = "SYSTEM_ADMIN" and
  assignment.membership.person_id != person.id and
  not may_remove_admins(person, assignment.membership.enterprise, context);
# … or one who watches, or gave the right to (monitoring.polar).
removes_too_soon(person: Person, membership: Membership, context) if
  sends_watch_away_too_soon(person, membership, context);
removes_too_soon(person: Person, assignment: RoleAssignment, context) if
  sends_watch_away_too_soon(person, assignment, context);

was_made_administrator(membership: Membership) if
  assignment in membership.assignments and
  assignment.role = "SYSTEM_ADMIN" and
  assignment.state = "ACTIVE";

may_remove_admins(person: Person, enterprise: Enterprise, context) if representative_today(person, enterprise, context);
may_remove_admins(person: Person, enterprise: Enterprise, context) if
  own_admin_assignment(person, enterprise, _, context) and
  not new_admin_waits(person, enterprise, _, context);

own_admin_assignment(person: Person, enterprise: Enterprise, assignment, context) if
  member(person, enterprise, membership, context) and
  assignment in membership.assignments and
  assignment.role = "SYSTEM_ADMIN" and
  is_active_assignment(assignment, context);

# Until when a new administrator waits: from the day on which they got the role, and from the day on which they joined.
new_admin_waits(person: Person, enterprise: Enterprise, at, context) if
  own_admin_assignment(person, enterprise, assignment, context) and
  new_post_until(assignment, at, context);

# The last administrator cannot be removed, suspended or demoted, nor resign: hand over first. A person whose role or
# membership ends soon is no other administrator: the enterprise would be left without one a moment later.
#@ M-08
requires("suspend", _: Membership, "NOT_LAST_ADMIN");
requires("end", _: Membership, "NOT_LAST_ADMIN");
requires("resign", _: Membership, "NOT_LAST_ADMIN");
requires("revoke", _: RoleAssignment, "NOT_LAST_ADMIN");
meets(_: Person, "NOT_LAST_ADMIN", "suspend", membership: Membership, context) if
  leaves_an_administrator(membership, context);
meets(_: Person, "NOT_LAST_ADMIN", "end", membership: Membership, context) if
  leaves_an_administrator(membership, context);
meets(_: Person, "NOT_LAST_ADMIN", "resign", membership: Membership, context) if
  leaves_an_administrator(membership, context);
meets(_: Person, "NOT_LAST_ADMIN", "revoke", assignment: RoleAssignment, context) if
  assignment.role != "SYSTEM_ADMIN" or
  another_administrator(assignment.membership, context);

leaves_an_administrator(membership: Membership, context) if not holds_role(membership, "SYSTEM_ADMIN", context);
leaves_an_administrator(membership: Membership, context) if another_administrator(membership, context);

another_administrator(membership: Membership, context) if
  administrator(membership.enterprise, other, context) and
  other.id != membership.id and
  assignment in other.assignments and
  assignment.role = "SYSTEM_ADMIN" and
  is_active_assignment(assignment, context) and
  forall(assignment_lapses(assignment, ends_at), remains_until(ends_at, context));

remains_until(ends_at, context) if context.now + context.parameters.admin_remains_for < ends_at;

# M-09: The legal representative follows the registry: while it names a person, nobody takes their membership or that
# role from them. The role is taken once the registry names somebody else.
#@ M-09
requires("suspend", _: Membership, "NOT_LEGAL_REP");
requires("end", _: Membership, "NOT_LEGAL_REP");
requires("revoke", _: RoleAssignment, "NOT_LEGAL_REP");
meets(_: Person, "NOT_LEGAL_REP", "suspend", membership: Membership, _) if
  not registry_names_human(membership.person_id, membership.enterprise);
meets(_: Person, "NOT_LEGAL_REP", "end", membership: Membership, _) if
  not registry_names_human(membership.person_id, membership.enterprise);
meets(_: Person, "NOT_LEGAL_REP", "revoke", assignment: RoleAssignment, _) if assignment.role != "LEGAL_REP";
meets(_: Person, "NOT_LEGAL_REP", "revoke", assignment: RoleAssignment, _) if
  registry_names_another(assignment.membership.person, assignment.membership.enterprise);

registry_names_another(person: Person, enterprise: Enterprise) if
  snapshot in enterprise.registry_snapshots and
  snapshot.is_current = true and
  snapshot.legal_rep_id matches String and
  not is_named_by(snapshot, person.id);

# M-10: A member with open tasks hands them over before leaving. A suspension needs no handing over: it takes all power
# at once.
#@ M-10
requires("end", _: Membership, "TASKS_HANDED_OVER");
requires("resign", _: Membership, "TASKS_HANDED_OVER");
meets(_: Person, "TASKS_HANDED_OVER", "end", membership: Membership, context) if
  not task_to_settle(context.member, membership.enterprise_id, _);
meets(_: Person, "TASKS_HANDED_OVER", "resign", membership: Membership, context) if
  not task_to_settle(context.member, membership.enterprise_id, _);

task_to_settle(person: Person, enterprise_id, task) if
  open_task_for(person, enterprise_id, task) and
  not is_parked_on_leaving(task);

# … but no other enterprise keeps a member from leaving by naming them for what cannot be handed over. Such a task is
# parked: it names them no more, and the party's administrators name another handler or refuse it (signing.polar).
#@ M-10 C-08
obligation(_: Person, "end", membership: Membership, context, "PARK_TASKS") if
  parked_task(context.member, membership, _);
obligation(_: Person, "resign", membership: Membership, context, "PARK_TASKS") if
  parked_task(context.member, membership, _);
obligation_parameter("PARK_TASKS", "task_ids", id, _: Person, "end", membership: Membership, context) if
  parked_task(context.member, membership, task) and
  id = task.id;
obligation_parameter("PARK_TASKS", "task_ids", id, _: Person, "resign", membership: Membership, context) if
  parked_task(context.member, membership, task) and
  id = task.id;

parked_task(person: Person, membership: Membership, task) if
  open_task_for(person, membership.enterprise_id, task) and
  is_parked_on_leaving(task);

# In an enterprise that does not operate nobody signs, and nobody hands over: its tasks are parked, and hold up nobody who
# leaves. Nor do its electronic seals, which nobody can use. A physical seal is in somebody's hands.
#@ M-10 M-13
meets(_: Person, "TASKS_HANDED_OVER", "resign", membership: Membership, context) if
  not operating(membership, context);
meets(_: Person, "SEALS_HANDED_OVER", "resign", membership: Membership, context) if
  not operating(membership, context) and
  forall(kept_seal(membership, seal, context), seal.category = "ELECTRONIC");
because("SEALS_HANDED_OVER", "ENTERPRISE_FROZEN", _: Person, membership: Membership, context) if
  membership.enterprise.operating_state = "FROZEN" and
  kept_seal(membership, seal, context) and
  seal.category != "ELECTRONIC";
because("SEALS_HANDED_OVER", "ENTERPRISE_CLOSED", _: Person, membership: Membership, context) if
  membership.enterprise.operating_state = "CLOSED" and
  kept_seal(membership, seal, context) and
  seal.category != "ELECTRONIC";
because("NOT_LAST_ADMIN", "ENTERPRISE_FROZEN", _: Person, membership: Membership, context) if
  membership.enterprise.operating_state = "FROZEN" and
  not leaves_an_administrator(membership, context);
because("NOT_LAST_ADMIN", "ENTERPRISE_CLOSED", _: Person, membership: Membership, context) if
  membership.enterprise.operating_state = "CLOSED" and
  not leaves_an_administrator(membership, context);

# S-16: No seal stays behind without a keeper: its custodian hands it over before leaving, or an acting custodian keeps
# it now.
#@ S-16
requires("end", _: Membership, "SEALS_HANDED_OVER");
requires("resign", _: Membership, "SEALS_HANDED_OVER");
meets(_: Person, "SEALS_HANDED_OVER", "end", membership: Membership, context) if not kept_seal(membership, _, context);
meets(_: Person, "SEALS_HANDED_OVER", "resign", membership: Membership, context) if
  not kept_seal(membership, _, context);

kept_seal(membership: Membership, seal, context) if
  seal_in_custody(membership.enterprise, seal) and
  seal.custodian_id matches String and
  seal.custodian_id = membership.id and
  not is_kept_by_acting_custodian(seal, context);
kept_seal(membership: Membership, seal, context) if
  seal_in_custody(membership.enterprise, seal) and
  seal.acting_custodian_id matches String and
  seal.acting_custodian_id = membership.id and
  is_time_of_acting_custodian(seal, context.now);

# A seal whose life is not over is in somebody's keeping.
seal_in_custody(enterprise: Enterprise, seal) if
  seal in enterprise.seals and
  not is_ended(seal);

# Another present member keeps the seal in the custodian's place.
is_kept_by_acting_custodian(seal: Seal, context) if
  acting = seal.acting_custodian and
  acting matches Membership and
  is_live(acting, context) and
  is_time_of_acting_custodian(seal, context.now);

# --- authenticating an enterprise ------------------------------------------------------------------------------------

# An organisation is authenticated once. A second certification is refused: join it, or retrieve it.
#@ M-15
requires("authenticate", _: Enterprise, "NOT_AUTHENTICATED_YET");
meets(_: Person, "NOT_AUTHENTICATED_YET", "authenticate", enterprise: Enterprise, context) if
  enterprise.auth_state != "AUTHENTICATED" and
  context.twin_id = nil;

# It takes a certification of the person who asks, which somebody examined, and the registry's own word of an enterprise
# in good order. Nobody becomes the first administrator of a company by saying so.
# A-14: What the registry said counts for a day where power moves: retrieving, authenticating, changing the name.
#@ M-15 A-14
requires("authenticate", _: Enterprise, "CERTIFIED");
meets(person: Person, "CERTIFIED", "authenticate", enterprise: Enterprise, context) if
  founding_certification(person, enterprise, _, context);

founding_certification(person: Person, enterprise: Enterprise, certification, context) if
  own_first_certification(person, enterprise, certification) and
  is_passed_lately(certification, context) and
  is_rightly_decided(certification, enterprise, context) and
  was_examined(certification) and
  not has_served(certification, enterprise, context) and
  is_by_registered_representative(certification, enterprise, context) and
  fresh_snapshot(enterprise, _, context);
# What somebody proved years ago proves nothing of now: it counts as long as what the registry said of a licence.
#@ M-15 U-26
is_passed_lately(certification: EnterpriseAuthentication, context) if
  certification.state = "PASSED" and
  context.now < certification.decided_at + context.parameters.licence_valid_for;

# A-02: Nobody who belongs to the enterprise decided it, and not at a time that has not come.
#@ A-02
is_rightly_decided(certification: EnterpriseAuthentication, enterprise: Enterprise, context) if
  certification.decided_at <= context.now and
  not is_decided_by_own(certification, enterprise);

# It makes an administrator once: an enterprise that is to be authenticated again is certified again, and whom it sent away
# does not come back on what they showed before.
#@ M-15
has_served(certification: EnterpriseAuthentication, enterprise: Enterprise, _) if
  membership in enterprise.memberships and
  is_of_human(membership, certification.applicant_id) and
  assignment in membership.assignments and
  assignment.role = "SYSTEM_ADMIN" and
  certification.decided_at <= assignment.valid_from;
has_served(certification: EnterpriseAuthentication, enterprise: Enterprise, context) if
  membership in enterprise.memberships and
  is_of_human(membership, certification.applicant_id) and
  is_over(membership, context) and
  certification.decided_at <= membership.ended_at;

# A membership is over in its last state, and at its end, whether or not somebody has written that down.
is_over(membership: Membership, _) if membership.state = "ENDED";
is_over(membership: Membership, context) if membership.ended_at <= context.now;

# Papers are looked at by somebody, after they came in. (That a reviewer has or had a post for it, the store sees to.) The
# other two prove themselves, so they may pass without a person: the registry names the representative, who shows their
# face, and a payment came from the enterprise's own account, as the bank says and no reviewer could know better.
was_examined(certification: EnterpriseAuthentication) if certification.method in ["LEGAL_REP_ONLINE", "BANK_TRANSFER"];
was_examined(certification: EnterpriseAuthentication) if
  certification.method in ["DOCUMENTS", "AUTH_LETTER"] and
  certification.reviewer_id matches String and
  certification.submitted_at <= certification.decided_at;

is_decided_by_own(certification: EnterpriseAuthentication, enterprise: Enterprise) if
  reviewer_id = certification.reviewer_id and
  reviewer_id matches String and
  was_ever_member(reviewer_id, enterprise);
is_decided_by_own(certification: EnterpriseAuthentication, enterprise: Enterprise) if
  reviewer_id = certification.reviewer_id and
  reviewer_id matches String and
  was_ever_named(reviewer_id, enterprise);
# Nor an account that counts no more: it may be one of them by its other account.
is_decided_by_own(certification: EnterpriseAuthentication, _: Enterprise) if
  reviewer = certification.reviewer and
  reviewer matches Person and
  reviewer.same_as_id matches String;

# Whom the registry named when the certification passed, it may name no more: who proved to be the representative is
# compared with it again.
#@ M-15 A-14
is_by_registered_representative(certification: EnterpriseAuthentication, _: Enterprise, _) if
  certification.method in ["DOCUMENTS", "AUTH_LETTER", "BANK_TRANSFER"];
is_by_registered_representative(certification: EnterpriseAuthentication, enterprise: Enterprise, context) if
  certification.method = "LEGAL_REP_ONLINE" and
  fresh_snapshot(enterprise, snapshot, context) and
  snapshot.is_matched = true and
  snapshot.legal_rep_id matches String and
  snapshot.legal_rep_id = certification.applicant_id;
because("CERTIFIED", "LEGAL_REP_MISMATCH", person: Person, enterprise: Enterprise, context) if
  has_passed_certification(person, enterprise, context) and
  fresh_snapshot(enterprise, _, context) and
  forall(own_first_certification(person, enterprise, certification),
         not is_passed_lately(certification, context) or
         not is_by_registered_representative(certification, enterprise, context));
because("CERTIFIED", "CERTIFICATION_UNDER_REVIEW", person: Person, enterprise: Enterprise, context) if
  own_first_certification(person, enterprise, certification) and
  certification.state in ["SUBMITTED", "IN_REVIEW"] and
  not has_passed_certification(person, enterprise, context);
because("CERTIFIED", "REGISTRY_STALE", person: Person, enterprise: Enterprise, context) if
  has_passed_certification(person, enterprise, context) and
  not fresh_snapshot(enterprise, _, context);

# Who certified it shows their own face for this very act: the legal representative whom the registry names, or the
# applicant whose papers passed. The check is bound to the certification. Without one there is nothing to bind it to, and
# CERTIFIED denies.
#@ M-15
requires("authenticate", _: Enterprise, "FRESH_FACE");
meets(person: Person, "FRESH_FACE", "authenticate", enterprise: Enterprise, context) if
  founding_certification(person, enterprise, certification, context) and
  has_fresh_founder_face(person, certification, context);
meets(person: Person, "FRESH_FACE", "authenticate", enterprise: Enterprise, context) if
  not founding_certification(person, enterprise, _, context);
because(
  "FRESH_FACE", "FACE_VERIFICATION_EXPIRED", person: Person, enterprise: Enterprise, context: AuthenticationContext) if
  founding_certification(person, enterprise, certification, context) and
  stale_face_check(
    context.verification, person, "ADMIN_CHANGE", "EnterpriseAuthentication", certification.id,
    context.parameters.face_for_admin_change, context);
because(
  "FRESH_FACE", "FACE_VERIFICATION_ALREADY_USED", person: Person, enterprise: Enterprise,
  context: AuthenticationContext) if
  founding_certification(person, enterprise, certification, context) and
  used_face_check(context.verification, person, "ADMIN_CHANGE", "EnterpriseAuthentication", certification.id);

has_fresh_founder_face(person: Person, certification: EnterpriseAuthentication, context) if
  bound_face_check(
    context.verification, person, "ADMIN_CHANGE", "EnterpriseAuthentication", certification.id,
    context.parameters.face_for_admin_change, context);

obligation(_: Person, "authenticate", _: Enterprise, _, "CONSUME_VERIFICATION");
obligation_parameter(
  "CONSUME_VERIFICATION", "verification_id", id, _: Person, "authenticate", _: Enterprise, context) if
  check_id(context.verification, id);

lapses(person: Person, "authenticate", enterprise: Enterprise, context, at) if
  founding_certification(person, enterprise, certification, context) and
  face_lapses(
    context.verification, person, "ADMIN_CHANGE", "EnterpriseAuthentication", certification.id,
    context.parameters.face_for_admin_change, context, at);

parameter("VERIFY_FACE", "purpose", "ADMIN_CHANGE", _: Person, _: Enterprise, _: AuthenticationContext);
parameter("VERIFY_FACE", "bound_type", "EnterpriseAuthentication", _: Person, _: Enterprise, _: AuthenticationContext);
parameter("VERIFY_FACE", "bound_id", id, person: Person, enterprise: Enterprise, context: AuthenticationContext) if
  founding_certification(person, enterprise, certification, context) and
  id = certification.id;

# What is authenticated already is refused for that alone.
waived("FRESH_FACE", "authenticate", enterprise: Enterprise, _) if enterprise.auth_state = "AUTHENTICATED";
waived("FRESH_FACE", "authenticate", _: Enterprise, context) if context.twin_id matches String;
waived("CERTIFIED", "authenticate", enterprise: Enterprise, _) if enterprise.auth_state = "AUTHENTICATED";
waived("CERTIFIED", "authenticate", _: Enterprise, context) if context.twin_id matches String;

own_first_certification(person: Person, enterprise: Enterprise, certification) if
  certification in enterprise.authentications and
  certification.purpose = "FIRST" and
  certification.applicant_id = person.id;

has_passed_certification(person: Person, enterprise: Enterprise, context) if
  own_first_certification(person, enterprise, certification) and
  is_passed_lately(certification, context);

lapses(_: Person, "authenticate", enterprise: Enterprise, context, at) if
  fresh_snapshot(enterprise, snapshot, context) and
  at = snapshot.fetched_at + context.parameters.registry_fresh_within;
lapses(person: Person, "authenticate", enterprise: Enterprise, context, at) if
  own_first_certification(person, enterprise, certification) and
  is_passed_lately(certification, context) and
  at = certification.decided_at + context.parameters.licence_valid_for;

lapses(person: Person, "authenticate", enterprise: Enterprise, context, at) if
  membership in enterprise.memberships and
  is_of_human(membership, person.id) and
  at = membership.ended_at and
  context.now < at;

requires("authenticate", _: Enterprise, "NOT_CLOSED");
requires("retrieve", _: Enterprise, "NOT_CLOSED");
requires("submit", _: RetrievalCase, "NOT_CLOSED");
requires("execute", _: RetrievalCase, "NOT_CLOSED");
# A closed enterprise is neither authenticated nor retrieved.
#@ R-02
meets(_: Person, "NOT_CLOSED", "authenticate", enterprise: Enterprise, _) if
  enterprise.operating_state in ["ACTIVE", "FROZEN"];
meets(_: Person, "NOT_CLOSED", "retrieve", enterprise: Enterprise, _) if
  enterprise.operating_state in ["ACTIVE", "FROZEN"];
meets(_: Person, "NOT_CLOSED", "submit", case: RetrievalCase, _) if
  case.enterprise.operating_state in ["ACTIVE", "FROZEN"];
meets(_: Person, "NOT_CLOSED", "execute", case: RetrievalCase, _) if
  case.enterprise.operating_state in ["ACTIVE", "FROZEN"];

# When an administrator's own role ends, so do the acts that rest on it.
lapses(person: Person, "invite", enterprise: Enterprise, context, at) if admin_lapses(person, enterprise, context, at);
lapses(person: Person, "approve_join", application: JoinApplication, context, at) if
  admin_lapses(person, application.enterprise, context, at);
lapses(person: Person, "reject_join", application: JoinApplication, context, at) if
  admin_lapses(person, application.enterprise, context, at);
lapses(person: Person, "assign_role", membership: Membership, context, at) if
  admin_lapses(person, membership.enterprise, context, at);
lapses(person: Person, "suspend", membership: Membership, context, at) if
  admin_lapses(person, membership.enterprise, context, at);
lapses(person: Person, "reinstate", membership: Membership, context, at) if
  admin_lapses(person, membership.enterprise, context, at);
lapses(person: Person, "end", membership: Membership, context, at) if
  admin_lapses(person, membership.enterprise, context, at);
lapses(person: Person, "revoke", assignment: RoleAssignment, context, at) if
  admin_lapses(person, assignment.membership.enterprise, context, at);
lapses(person: Person, "assign_role", membership: Membership, context, at) if
  context.role = "SYSTEM_ADMIN" and
  giver_face_lapses(context.verification, person, membership, context, at);
lapses(_: Person, "assign_role", membership: Membership, context, at) if
  context.role = "SYSTEM_ADMIN" and
  admin_change_face_lapses(context.receiver_verification, membership.person, membership.enterprise_id, context, at);
lapses(_: Person, "approve_join", application: JoinApplication, _, at) if at = application.expires_at;
lapses(_: Person, "reject_join", application: JoinApplication, _, at) if at = application.expires_at;
lapses(_: Person, "remind", application: JoinApplication, _, at) if at = application.expires_at;
lapses(_: Person, "withdraw", application: JoinApplication, _, at) if at = application.expires_at;
lapses(_: Person, "accept", invitation: Invitation, _, at) if at = invitation.expires_at;
lapses(_: Person, "accept", invitation: Invitation, context, at) if
  admin_lapses(invitation.inviter.person, invitation.enterprise, context, at);
lapses(_: Person, "accept", invitation: Invitation, context, at) if
  custom_role_lapses(invitation.inviter.person, invitation.enterprise, context, at);

# … and so it is with a custom role.
lapses(person: Person, "invite", enterprise: Enterprise, context, at) if
  custom_role_lapses(person, enterprise, context, at);
lapses(person: Person, "approve_join", application: JoinApplication, context, at) if
  custom_role_lapses(person, application.enterprise, context, at);
lapses(person: Person, "reject_join", application: JoinApplication, context, at) if
  custom_role_lapses(person, application.enterprise, context, at);
lapses(person: Person, "suspend", membership: Membership, context, at) if
  custom_role_lapses(person, membership.enterprise, context, at);
lapses(person: Person, "end", membership: Membership, context, at) if
  custom_role_lapses(person, membership.enterprise, context, at);

custom_role_lapses(person: Person, enterprise: Enterprise, context, at) if
  custom_assignment(person, enterprise, assignment, context) and
  assignment_lapses(assignment, at);

# A seal passes to and from an acting custodian at set times.
lapses(_: Person, "end", membership: Membership, context, at) if custody_lapses(membership, context, at);
lapses(_: Person, "resign", membership: Membership, context, at) if custody_lapses(membership, context, at);

custody_lapses(membership: Membership, context, at) if
  seal_in_custody(membership.enterprise, seal) and
  seal.custodian_id = membership.id and
  at = seal.acting_to and
  context.now < at;
custody_lapses(membership: Membership, context, at) if
  seal_in_custody(membership.enterprise, seal) and
  seal.acting_custodian_id = membership.id and
  context.now < seal.acting_from and
  at = seal.acting_from;

lapses(person: Person, "resign", membership: Membership, context, at) if
  admin_lapses(person, membership.enterprise, context, at);
lapses(person: Person, "remind", application: JoinApplication, context, at) if
  admin_lapses(person, application.enterprise, context, at);
lapses(person: Person, "view_administrator", enterprise: Enterprise, context, at) if
  admin_lapses(person, enterprise, context, at);
lapses(person: Person, "view_administrator", enterprise: Enterprise, context, at) if
  pending_application(person, enterprise, application, context) and
  at = application.expires_at;
lapses(person: Person, "view_administrator", enterprise: Enterprise, context, at) if
  sent_task_lapses(person, enterprise, context, at);

# A task connects with an enterprise until the deadline of its contract.
sent_task_lapses(person: Person, enterprise: Enterprise, context, at) if
  open_sent_task(person, enterprise, task, context) and
  at = task.signatory.contract.deadline;

# Another administrator remains as long as their role and membership have that much time left.
#@ M-08
lapses(_: Person, ["suspend", "end", "resign"], membership: Membership, context, at) if
  remaining_administrator_lapses(membership.enterprise, context, at);
lapses(_: Person, "transfer_admin", enterprise: Enterprise, context, at) if
  remaining_administrator_lapses(enterprise, context, at);
lapses(_: Person, "revoke", assignment: RoleAssignment, context, at) if
  remaining_administrator_lapses(assignment.membership.enterprise, context, at);

remaining_administrator_lapses(enterprise: Enterprise, context, at) if
  membership in enterprise.memberships and
  assignment in membership.assignments and
  assignment.role = "SYSTEM_ADMIN" and
  is_active_assignment(assignment, context) and
  assignment_lapses(assignment, ends_at) and
  at = ends_at - context.parameters.admin_remains_for and
  context.now < at;

# The earliest end of any administrator's role matters too: the last one left decides who is the last.
admin_lapses(_: Person, enterprise: Enterprise, context, at) if
  membership in enterprise.memberships and
  assignment in membership.assignments and
  assignment.role = "SYSTEM_ADMIN" and
  is_active_assignment(assignment, context) and
  assignment_lapses(assignment, at);
# … and so does its beginning: a new administrator can be the last one, or be asked.
admin_lapses(_: Person, enterprise: Enterprise, context, at) if
  membership in enterprise.memberships and
  assignment in membership.assignments and
  assignment.role = "SYSTEM_ADMIN" and
  assignment.state = "ACTIVE" and
  context.now < assignment.valid_from and
  at = assignment.valid_from;

# What is allowed to the legal representative ends when the registry has to be asked again.
#@ A-14
lapses(person: Person, _, resource, context, at) if
  owner(resource, context, enterprise) and
  representing_snapshot(person, enterprise, snapshot) and
  at in [
    snapshot.fetched_at + context.parameters.registry_fresh_within,
    snapshot.fetched_at + context.parameters.registry_valid_for] and
  context.now < at;

# … and so does what rests on it that their new appointees are nobody's straw men.
#@ A-14 M-11
lapses(_: Person, [
  "accept", "approve", "approve_afterwards", "confirm", "confirm_change", "countersign", "decide", "deliver_letter",
  "destroy", "record_resolution", "record_return", "release", "report_found", "revoke", "verify"
], resource, context, at) if
  owner(resource, context, enterprise) and
  registry_word_ends(enterprise, context, at);

registry_word_ends(enterprise: Enterprise, context, at) if
  snapshot in enterprise.registry_snapshots and
  snapshot.is_current = true and
  snapshot.legal_rep_id matches String and
  at = snapshot.fetched_at + context.parameters.registry_valid_for and
  context.now < at;

# What is done to a membership or a role ends with it.
lapses(_: Person, "reinstate", membership: Membership, _, at) if at = membership.ended_at;
lapses(_: Person, "end", membership: Membership, _, at) if at = membership.ended_at;
lapses(_: Person, "revoke", assignment: RoleAssignment, _, at) if assignment_lapses(assignment, at);

# Whatever is allowed to a member ends with the membership.
lapses(person: Person, _, resource, context, at) if
  owner(resource, context, enterprise) and
  member(person, enterprise, membership, context) and
  at = membership.ended_at;
