# Membership: joining an enterprise, deciding applications, inviting, giving and taking roles, leaving.
#
# A person acts for an enterprise only as its member. Whoever is not one applies and waits for the named administrator, who
# may be reminded; the last administrator cannot leave without a successor.

# --- joining ---------------------------------------------------------------------------------------------------------

# Any verified person who is not a member may apply, once at a time.
#@ M-02
requires("join", _: Enterprise, "NOT_YET_MEMBER");
requires("join", _: Enterprise, "NO_OPEN_APPLICATION");
meets(person: Person, "NOT_YET_MEMBER", "join", enterprise: Enterprise, _) if not holds_membership(person, enterprise);
meets(person: Person, "NO_OPEN_APPLICATION", "join", enterprise: Enterprise, context) if
  not is_applicant(person, enterprise, context);
because("NOT_YET_MEMBER", "MEMBERSHIP_SUSPENDED", person: Person, enterprise: Enterprise, _) if suspended(person, enterprise);

holds_membership(person: Person, enterprise: Enterprise) if is_member(person, enterprise);
holds_membership(person: Person, enterprise: Enterprise) if suspended(person, enterprise);

# After a rejection the next application waits for the cool-down.
#@ M-05
requires("join", _: Enterprise, "REAPPLY_ALLOWED");
meets(person: Person, "REAPPLY_ALLOWED", "join", enterprise: Enterprise, context) if
  not rejected_lately(person, enterprise, _, context);

rejected_lately(person: Person, enterprise: Enterprise, allowed_at, context) if
  application in enterprise.applications and
  application.person_id = person.id and
  application.state = "REJECTED" and
  allowed_at = application.decided_at + context.parameters.reapply_cooldown and
  context.now < allowed_at;

# An invitation admits only the identity that it names, before it expires, once.
#@ M-06
requires("accept", _: Invitation, "INVITATION_OPEN");
requires("accept", _: Invitation, "INVITER_ENTITLED");
requires("accept", _: Invitation, "INVITEE");
requires("accept", _: Invitation, "NOT_YET_MEMBER");
meets(_: Person, "INVITATION_OPEN", "accept", invitation: Invitation, context) if
  invitation.state = "OPEN" and
  context.now < invitation.expires_at;
meets(_: Person, "INVITER_ENTITLED", "accept", invitation: Invitation, context) if
  may_administer(invitation.inviter.person, invitation.enterprise, context);
meets(person: Person, "INVITEE", "accept", invitation: Invitation, _) if invitation.target_id = person.id;
meets(person: Person, "NOT_YET_MEMBER", "accept", invitation: Invitation, _) if
  not holds_membership(person, invitation.enterprise);
because("INVITATION_OPEN", "INVITATION_USED", _: Person, invitation: Invitation, _) if invitation.state = "ACCEPTED";
because("NOT_YET_MEMBER", "MEMBERSHIP_SUSPENDED", person: Person, invitation: Invitation, _) if
  suspended(person, invitation.enterprise);

# --- not a member: what to do instead --------------------------------------------------------------------------------

#@ M-01
because("MEMBER", "JOIN_PENDING", person: Person, resource, context) if
  outsider(person, resource, context, enterprise) and
  has_administrator(enterprise, context) and
  is_applicant(person, enterprise, context);
because("MEMBER", "JOIN_REJECTED", person: Person, resource, context) if
  outsider(person, resource, context, enterprise) and
  has_administrator(enterprise, context) and
  not is_applicant(person, enterprise, context) and
  rejected_lately(person, enterprise, _, context);
# Only those with a tie learn that the enterprise has nobody to turn to.
because("MEMBER", "NO_ACTIVE_ADMIN", person: Person, resource, context) if
  outsider(person, resource, context, enterprise) and
  not has_administrator(enterprise, context) and
  tied(person, enterprise, context);

#@ M-13
because("MEMBER", "MEMBERSHIP_SUSPENDED", person: Person, resource, context) if
  owner(resource, context, enterprise) and
  suspended(person, enterprise) and
  not belongs(person, enterprise);
because("ENTERPRISE_OPERATING", "ENTERPRISE_CLOSED", _: Person, resource, context) if
  owner(resource, context, enterprise) and
  enterprise.operating_state = "CLOSED";

outsider(person: Person, resource, context, enterprise) if
  owner(resource, context, enterprise) and
  not belongs(person, enterprise) and
  not suspended(person, enterprise) and
  not is_holders_user(person, resource, context);

because("ACCOUNT_ACTIVE", "ACCOUNT_CLOSED", person: Person, _, _) if person.account_state = "CLOSED";

# A suspended member, or a member of a frozen or closed enterprise, reads his own history and nothing else.
#@ M-13
requires("view_history", _: Membership, "OWN_MEMBERSHIP");
meets(person: Person, "OWN_MEMBERSHIP", "view_history", membership: Membership, _) if membership.person_id = person.id;

# --- deciding applications -------------------------------------------------------------------------------------------

# An administrator or the legal representative decides; never on the own application, and only once.
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
  may_administer(person, application.enterprise, context);
meets(person: Person, "ENTERPRISE_ADMIN", "reject_join", application: JoinApplication, context) if
  may_administer(person, application.enterprise, context);
meets(person: Person, "NOT_OWN_APPLICATION", "approve_join", application: JoinApplication, _) if
  application.person_id != person.id;
meets(person: Person, "NOT_OWN_APPLICATION", "reject_join", application: JoinApplication, _) if
  application.person_id != person.id;
meets(_: Person, "APPLICATION_PENDING", "approve_join", application: JoinApplication, context) if
  is_pending(application, context);
meets(_: Person, "APPLICATION_PENDING", "reject_join", application: JoinApplication, context) if
  is_pending(application, context);
meets(_: Person, "APPLICANT_FIT", "approve_join", application: JoinApplication, _) if fit(application.person);
meets(_: Person, "APPLICANT_NOT_MEMBER", "approve_join", application: JoinApplication, _) if
  not holds_membership(application.person, application.enterprise);
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

# The applicant may remind the administrator: with a gap between reminders, and not for ever.
#@ M-14
requires("remind", _: JoinApplication, "OWN_APPLICATION");
requires("remind", _: JoinApplication, "APPLICATION_PENDING");
requires("remind", _: JoinApplication, "ADMIN_PRESENT");
requires("remind", _: JoinApplication, "REMINDER_DUE");
meets(person: Person, "OWN_APPLICATION", "remind", application: JoinApplication, _) if application.person_id = person.id;
meets(_: Person, "APPLICATION_PENDING", "remind", application: JoinApplication, context) if is_pending(application, context);
meets(_: Person, "ADMIN_PRESENT", "remind", application: JoinApplication, context) if
  has_administrator(application.enterprise, context);
meets(_: Person, "REMINDER_DUE", "remind", application: JoinApplication, context) if
  application.reminders < context.parameters.reminder_limit and
  application.last_reminded_at + context.parameters.reminder_gap <= context.now;
because("REMINDER_DUE", "REMINDERS_USED_UP", _: Person, application: JoinApplication, context) if
  application.reminders >= context.parameters.reminder_limit;

# Who the administrator is, is told only to those with an own task or application, or who belong there.
#@ M-14
requires("view_administrator", _: Enterprise, "TIE_TO_ENTERPRISE");
requires("view_administrator", _: Enterprise, "ADMIN_PRESENT");
meets(person: Person, "TIE_TO_ENTERPRISE", "view_administrator", enterprise: Enterprise, context) if
  may_know_administrator(person, enterprise, context);
meets(_: Person, "ADMIN_PRESENT", "view_administrator", enterprise: Enterprise, context) if
  has_administrator(enterprise, context);

may_know_administrator(person: Person, enterprise: Enterprise, context) if
  fit(person) and is_applicant(person, enterprise, context);
may_know_administrator(person: Person, enterprise: Enterprise, _) if fit(person) and is_colleague(person, enterprise);
may_know_administrator(person: Person, enterprise: Enterprise, _) if
  fit(person) and task_tie(person, enterprise);

# --- running the enterprise ------------------------------------------------------------------------------------------

# Only administrators (or the legal representative) invite, suspend, end memberships and give or take roles.
#@ M-07
requires("invite", _: Enterprise, "ENTERPRISE_ADMIN");
requires("assign_role", _: Membership, "ENTERPRISE_ADMIN");
requires("suspend", _: Membership, "ENTERPRISE_ADMIN");
requires("end", _: Membership, "ENTERPRISE_ADMIN");
requires("revoke", _: RoleAssignment, "ENTERPRISE_ADMIN");
meets(person: Person, "ENTERPRISE_ADMIN", "invite", enterprise: Enterprise, context) if
  may_administer(person, enterprise, context);
meets(person: Person, "ENTERPRISE_ADMIN", "assign_role", membership: Membership, context) if
  may_administer(person, membership.enterprise, context);
meets(person: Person, "ENTERPRISE_ADMIN", "suspend", membership: Membership, context) if
  may_administer(person, membership.enterprise, context);
meets(person: Person, "ENTERPRISE_ADMIN", "end", membership: Membership, context) if
  may_administer(person, membership.enterprise, context);
meets(person: Person, "ENTERPRISE_ADMIN", "revoke", assignment: RoleAssignment, context) if
  may_administer(person, assignment.membership.enterprise, context);

# The applicant of a retrieval gains no right before it is executed.
#@ R-11
because("ENTERPRISE_ADMIN", "RETRIEVAL_NOT_EXECUTED", person: Person, resource, context) if
  owner(resource, context, enterprise) and
  is_retrieving(person, enterprise) and
  not may_administer(person, enterprise, context);

# Only a membership that is not over can be acted on.
#@ M-07
requires("assign_role", _: Membership, "MEMBERSHIP_LIVE");
requires("suspend", _: Membership, "MEMBERSHIP_LIVE");
requires("end", _: Membership, "MEMBERSHIP_LIVE");
requires("resign", _: Membership, "MEMBERSHIP_LIVE");
requires("revoke", _: RoleAssignment, "ASSIGNMENT_LIVE");
meets(_: Person, "MEMBERSHIP_LIVE", "assign_role", membership: Membership, _) if membership.state = "ACTIVE";
meets(_: Person, "MEMBERSHIP_LIVE", "suspend", membership: Membership, _) if membership.state = "ACTIVE";
meets(_: Person, "MEMBERSHIP_LIVE", "end", membership: Membership, _) if membership.state in ["ACTIVE", "SUSPENDED"];
meets(_: Person, "MEMBERSHIP_LIVE", "resign", membership: Membership, _) if membership.state = "ACTIVE";
meets(_: Person, "ASSIGNMENT_LIVE", "revoke", assignment: RoleAssignment, _) if assignment.state = "ACTIVE";

requires("resign", _: Membership, "OWN_MEMBERSHIP");
meets(person: Person, "OWN_MEMBERSHIP", "resign", membership: Membership, _) if membership.person_id = person.id;

# The last administrator cannot be removed, suspended or demoted, nor resign: hand over first.
#@ M-08
requires("suspend", _: Membership, "NOT_LAST_ADMIN");
requires("end", _: Membership, "NOT_LAST_ADMIN");
requires("resign", _: Membership, "NOT_LAST_ADMIN");
requires("revoke", _: RoleAssignment, "NOT_LAST_ADMIN");
meets(_: Person, "NOT_LAST_ADMIN", "suspend", membership: Membership, context) if leaves_an_admin(membership, context);
meets(_: Person, "NOT_LAST_ADMIN", "end", membership: Membership, context) if leaves_an_admin(membership, context);
meets(_: Person, "NOT_LAST_ADMIN", "resign", membership: Membership, context) if leaves_an_admin(membership, context);
meets(_: Person, "NOT_LAST_ADMIN", "revoke", assignment: RoleAssignment, context) if
  assignment.role != "SYSTEM_ADMIN" or
  another_administrator(assignment.membership, context);

leaves_an_admin(membership: Membership, context) if not holds_role(membership, "SYSTEM_ADMIN", context);
leaves_an_admin(membership: Membership, context) if another_administrator(membership, context);

another_administrator(membership: Membership, context) if
  administrator(membership.enterprise, other, context) and
  other.id != membership.id;

# A member with open tasks hands them over before leaving.
#@ M-10
requires("end", _: Membership, "TASKS_HANDED_OVER");
requires("resign", _: Membership, "TASKS_HANDED_OVER");
meets(_: Person, "TASKS_HANDED_OVER", "end", membership: Membership, context) if has_no_open_task(membership, context.member);
meets(_: Person, "TASKS_HANDED_OVER", "resign", membership: Membership, context) if has_no_open_task(membership, context.member);

task_to_hand_over(membership: Membership, member, task) if
  member matches Person and
  member.id = membership.person_id and
  open_task_for(member, membership.enterprise_id, task);

has_no_open_task(membership: Membership, member) if
  member matches Person and
  member.id = membership.person_id and
  not open_task_for(member, membership.enterprise_id, _);

# --- authenticating an enterprise ------------------------------------------------------------------------------------

# An organisation is authenticated once. A second certification is refused: join it, or retrieve it.
#@ M-15
requires("authenticate", _: Enterprise, "NOT_AUTHENTICATED_YET");
meets(_: Person, "NOT_AUTHENTICATED_YET", "authenticate", enterprise: Enterprise, context) if
  enterprise.auth_state != "AUTHENTICATED" and
  context.twin_id = nil;

requires("authenticate", _: Enterprise, "NOT_CLOSED");
requires("retrieve", _: Enterprise, "NOT_CLOSED");
requires("submit", _: RetrievalCase, "NOT_CLOSED");
requires("execute", _: RetrievalCase, "NOT_CLOSED");
#@ R-02
meets(_: Person, "NOT_CLOSED", "authenticate", enterprise: Enterprise, _) if enterprise.operating_state in ["ACTIVE", "FROZEN"];
meets(_: Person, "NOT_CLOSED", "retrieve", enterprise: Enterprise, _) if enterprise.operating_state in ["ACTIVE", "FROZEN"];
meets(_: Person, "NOT_CLOSED", "submit", case: RetrievalCase, _) if case.enterprise.operating_state in ["ACTIVE", "FROZEN"];
meets(_: Person, "NOT_CLOSED", "execute", case: RetrievalCase, _) if case.enterprise.operating_state in ["ACTIVE", "FROZEN"];

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
lapses(person: Person, "end", membership: Membership, context, at) if
  admin_lapses(person, membership.enterprise, context, at);
lapses(person: Person, "revoke", assignment: RoleAssignment, context, at) if
  admin_lapses(person, assignment.membership.enterprise, context, at);
lapses(_: Person, "approve_join", application: JoinApplication, _, at) if at = application.expires_at;
lapses(_: Person, "reject_join", application: JoinApplication, _, at) if at = application.expires_at;
lapses(_: Person, "remind", application: JoinApplication, _, at) if at = application.expires_at;
lapses(_: Person, "accept", invitation: Invitation, _, at) if at = invitation.expires_at;
lapses(_: Person, "accept", invitation: Invitation, context, at) if
  admin_lapses(invitation.inviter.person, invitation.enterprise, context, at);

lapses(person: Person, "resign", membership: Membership, context, at) if
  admin_lapses(person, membership.enterprise, context, at);
lapses(person: Person, "remind", application: JoinApplication, context, at) if
  admin_lapses(person, application.enterprise, context, at);
lapses(person: Person, "view_administrator", enterprise: Enterprise, context, at) if
  admin_lapses(person, enterprise, context, at);
lapses(person: Person, "view_administrator", enterprise: Enterprise, context, at) if
  pending_application(person, enterprise, application, context) and
  at = application.expires_at;

# The earliest end of any administrator's role matters too: the last one left decides who is the last.
admin_lapses(_: Person, enterprise: Enterprise, context, at) if
  membership in enterprise.memberships and
  assignment in membership.assignments and
  assignment.role = "SYSTEM_ADMIN" and
  assignment_stands(assignment, context) and
  at = assignment.valid_to;
# … and so does its beginning: whoever becomes an administrator can be the last one, or be asked.
admin_lapses(_: Person, enterprise: Enterprise, context, at) if
  membership in enterprise.memberships and
  assignment in membership.assignments and
  assignment.role = "SYSTEM_ADMIN" and
  assignment.state = "ACTIVE" and
  context.now < assignment.valid_from and
  at = assignment.valid_from;
