# Monitoring: who watches what happens to the seals, who names them, and who ends a watch.
#
# Leaders see every use of their seals at any time, wherever they are. An auditor reads everything and does nothing
# else. The person who used a seal sees their own uses, and a person who is watched does not switch the watching off.
# That every decision is written down before it is given is the service's work, and no rule here can change what was
# written.

# --- who watches -----------------------------------------------------------------------------------------------------

# Those who watch all seals of an enterprise: its legal representative, its administrators and its auditors …
watches_all(person: Person, enterprise: Enterprise, context) if may_administer(person, enterprise, context);
watches_all(person: Person, enterprise: Enterprise, context) if
  has_active_role(person, enterprise, "SEAL_AUDITOR", context);
# … and the leaders who were named to watch all of them.
watches_all(person: Person, enterprise: Enterprise, context) if
  subscription_of(person, enterprise, subscription, context) and
  subscription.seal_id = nil;

# Some leaders watch one seal only.
watches(person: Person, enterprise: Enterprise, _, context) if watches_all(person, enterprise, context);
watches(person: Person, enterprise: Enterprise, seal_id, context) if
  subscription_of(person, enterprise, subscription, context) and
  subscription.seal_id = seal_id;

# A leader watches while they are a present member (of this enterprise, as invariant SAME_ENTERPRISE keeps it).
subscription_of(person: Person, enterprise: Enterprise, subscription, context) if
  subscription in enterprise.monitors and
  subscription.state = "ACTIVE" and
  subscription.leader.person_id = person.id and
  is_live(subscription.leader, context);

# The right to audit one seal is a grant like others: confirmed, within its time, and while its grantor may give it.
audit_grant(person: Person, seal: Seal, grant, context) if
  grant in seal.grants and
  grant.right = "AUDIT" and
  is_live_grant(grant, context) and
  is_live(grant.membership, context) and
  grant.membership.person_id = person.id;

# --- watching --------------------------------------------------------------------------------------------------------

# W-01: The legal representative, administrators, auditors and named leaders see what happens to the seals of their
# scope, at any time. The view of a whole enterprise is for those who watch all of its seals.
#@ W-01 S-04
requires("monitor", _: Enterprise, "MONITOR");
meets(person: Person, "MONITOR", "monitor", enterprise: Enterprise, context) if
  watches_all(person, enterprise, context);

# W-03: The owner of a seal sees every use, also by those whom it let use the seal; an enterprise that holds the seal
# sees its own uses only. So the log is read by the owner's watchers, and by no holder's.
#@ W-01 S-04 W-03
requires("view_log", _: Seal, "MONITOR");
meets(person: Person, "MONITOR", "view_log", seal: Seal, context) if watches(person, seal.enterprise, seal.id, context);
meets(person: Person, "MONITOR", "view_log", seal: Seal, context) if audit_grant(person, seal, _, context);

# Denied attempts are seen by those who read the log of the seal, and by those who run its seals: they are the ones who
# give the right that was missing, or take one away.
#@ W-01 W-05
requires("view_attempts", _: Seal, "MONITOR");
meets(person: Person, "MONITOR", "view_attempts", seal: Seal, context) if
  watches(person, seal.enterprise, seal.id, context);
meets(person: Person, "MONITOR", "view_attempts", seal: Seal, context) if audit_grant(person, seal, _, context);
meets(person: Person, "MONITOR", "view_attempts", seal: Seal, context) if administers_seal(person, seal, context);

# One use is seen by those who watch the seal for its owner …
#@ W-01 W-03
requires("view", _: SealUse, "MONITOR");
meets(person: Person, "MONITOR", "view", _: SealUse, context) if
  watches(person, context.seal.enterprise, context.seal.id, context);
meets(person: Person, "MONITOR", "view", _: SealUse, context) if
  audit_grant(person, context.seal, _, context);
# … for the enterprise that holds it, where the use was that enterprise's …
#@ W-03
meets(person: Person, "MONITOR", "view", use: SealUse, context) if
  holder = context.holder and
  holder matches Enterprise and
  watches(person, holder, use.seal_id, context);
# W-02: A person sees their own uses of seals, and those under the grants that they gave. The own uses …
#@ W-02
meets(person: Person, "MONITOR", "view", use: SealUse, _) if use.person_id = person.id;
# … and those under the grants, while the grantor is a member.
#@ W-02
meets(person: Person, "MONITOR", "view", use: SealUse, context) if
  used_under(use, context.seal, grant) and
  grant.grantor.membership.person_id = person.id and
  is_live(grant.grantor.membership, context);

used_under(use: SealUse, seal: Seal, grant) if
  use.grant_id matches String and
  grant in seal.grants and
  grant.id = use.grant_id;

# --- after an allow --------------------------------------------------------------------------------------------------

# What is shown bears the viewer's name, and shows no more of a person than it must; one's own use hides nothing from
# oneself.
#@ W-07
obligation(_: Person, "monitor", _: Enterprise, _, "WATERMARK");
obligation(_: Person, "view_log", _: Seal, _, "WATERMARK");
obligation(_: Person, "view_attempts", _: Seal, _, "WATERMARK");
obligation(_: Person, "view", _: SealUse, _, "WATERMARK");
obligation(_: Person, "monitor", _: Enterprise, _, "MASK_PERSONAL_DATA");
obligation(_: Person, "view_log", _: Seal, _, "MASK_PERSONAL_DATA");
obligation(_: Person, "view_attempts", _: Seal, _, "MASK_PERSONAL_DATA");
obligation(person: Person, "view", use: SealUse, _, "MASK_PERSONAL_DATA") if use.person_id != person.id;

# --- naming who watches ----------------------------------------------------------------------------------------------

# Who runs the enterprise names leaders who watch: a present member with a verified name, and never themself, or the
# watch would outlive their post; nor through a person whom they have just put in office.
#@ W-01 W-06 M-11
requires("subscribe", _: Enterprise, "ENTERPRISE_ADMIN");
requires("subscribe", _: Enterprise, "LEADER_FIT");
requires("subscribe", _: Enterprise, "SEAL_OF_ENTERPRISE");
meets(person: Person, "ENTERPRISE_ADMIN", "subscribe", enterprise: Enterprise, context) if
  may_administer(person, enterprise, context);
meets(person: Person, "LEADER_FIT", "subscribe", enterprise: Enterprise, context) if
  leader = context.leader and
  leader matches Membership and
  leader.enterprise_id = enterprise.id and
  is_second_person(person, leader.person_id, enterprise, context) and
  is_live(leader, context) and
  is_active_and_verified(leader.person);
because("LEADER_FIT", "COOLING_OFF", person: Person, enterprise: Enterprise, context: SubscriptionContext) if
  subscriber_waits(person, enterprise, _, context);
because("LEADER_FIT", "SELF_GRANT", person: Person, _: Enterprise, context: SubscriptionContext) if
  leader = context.leader and
  leader matches Membership and
  leader.person_id = person.id;

subscriber_waits(person: Person, enterprise: Enterprise, at, context: SubscriptionContext) if
  leader = context.leader and
  leader matches Membership and
  leader.person_id != person.id and
  appointed_lately(person.id, leader.person_id, enterprise, at, context);

meets(_: Person, "SEAL_OF_ENTERPRISE", "subscribe", _: Enterprise, context) if context.seal = nil;
meets(_: Person, "SEAL_OF_ENTERPRISE", "subscribe", enterprise: Enterprise, context) if
  seal = context.seal and
  seal matches Seal and
  seal.enterprise_id = enterprise.id;

# A watch reads who sealed what: none is set up while a retrieval is decided, or by the new administrator just after it.
#@ R-12 R-13
requires("subscribe", _: Enterprise, "NO_RETRIEVAL_HOLD");
requires("subscribe", _: Enterprise, "COOLED_OFF");
meets(_: Person, "NO_RETRIEVAL_HOLD", "subscribe", enterprise: Enterprise, context) if
  not is_held_by_retrieval(enterprise, context);
meets(person: Person, "COOLED_OFF", "subscribe", enterprise: Enterprise, context) if
  not cooling_off(person, enterprise, _, context);

obligation(_: Person, "subscribe", _: Enterprise, _, "LOG_SUBSCRIPTION_CHANGE");

lapses(person: Person, "subscribe", enterprise: Enterprise, context, at) if
  admin_lapses(person, enterprise, context, at);
lapses(_: Person, "subscribe", _: Enterprise, context, at) if
  leader = context.leader and
  leader matches Membership and
  at = leader.ended_at;

# --- ending a watch --------------------------------------------------------------------------------------------------

# W-06: A person who is watched does not end the watching. A leader stops watching when they like. Of others, the legal
# representative decides, or an administrator whom the watch does not concern: one who neither manages, keeps nor uses
# any of the seals that it covers, and never did.
#@ W-06
requires("end", _: MonitorSubscription, "MAY_END_MONITORING");
requires("end", _: MonitorSubscription, "SUBSCRIPTION_LIVE");
meets(person: Person, "MAY_END_MONITORING", "end", subscription: MonitorSubscription, _) if
  subscription.leader.person_id = person.id;
meets(person: Person, "MAY_END_MONITORING", "end", subscription: MonitorSubscription, context) if
  representative_today(person, subscription.enterprise, context);
meets(person: Person, "MAY_END_MONITORING", "end", subscription: MonitorSubscription, context) if
  is_administrator(person, subscription.enterprise, context) and
  not is_watched(person, subscription);
because("MAY_END_MONITORING", "MONITORED_PERSON", person: Person, subscription: MonitorSubscription, context) if
  subscription.leader.person_id != person.id and
  not representative_today(person, subscription.enterprise, context) and
  is_administrator(person, subscription.enterprise, context) and
  is_watched(person, subscription);
meets(_: Person, "SUBSCRIPTION_LIVE", "end", subscription: MonitorSubscription, _) if subscription.state = "ACTIVE";

# Whom a watch concerns, by what they did or could do with the seals: what has not begun counts, and so does what is
# over. Nobody lays down the seals in order to send away the person who watched them.
is_watched(person: Person, subscription: MonitorSubscription) if is_watched_everywhere(person, subscription.enterprise);
is_watched(person: Person, subscription: MonitorSubscription) if
  watched_seal(subscription, seal) and
  is_watched_at(person, seal);

is_watched_everywhere(person: Person, enterprise: Enterprise) if
  account_id(person, id) and
  membership in enterprise.memberships and
  membership.person_id = id and
  assignment in membership.assignments and
  assignment.role = "SEAL_ADMIN";
is_watched_everywhere(person: Person, enterprise: Enterprise) if
  account_id(person, id) and
  membership in enterprise.memberships and
  membership.person_id = id and
  delegation in membership.delegations_received and
  not delegation.state in ["EXPIRED", "REVOKED", "LAPSED"];

is_watched_at(person: Person, seal: Seal) if is_custodian(person.id, seal);
is_watched_at(person: Person, seal: Seal) if is_named_acting_custodian(person.id, seal);
is_watched_at(person: Person, seal: Seal) if
  grant in seal.grants and
  grant.right != "AUDIT" and
  account_id(person, grant.membership.person_id) and
  gives_or_gave_something(grant);
is_watched_at(_: Person, seal: Seal) if
  grant in seal.open_grants and
  not gives_nothing_more(grant);
is_watched_at(person: Person, seal: Seal) if
  grant in seal.cross_grants and
  named in grant.holders and
  account_of(person, account) and
  membership in account.memberships and
  membership.id = named.membership_id;
is_watched_at(person: Person, seal: Seal) if
  request in seal.use_requests and
  account_id(person, request.applicant.person_id);

watched_seal(subscription: MonitorSubscription, seal) if
  seal in subscription.enterprise.seals and
  subscription.seal_id = nil;
watched_seal(subscription: MonitorSubscription, seal) if
  seal in subscription.enterprise.seals and
  subscription.seal_id matches String and
  seal.id = subscription.seal_id;

gives_or_gave_something(grant: SealGrant) if not gives_nothing_more(grant);
gives_or_gave_something(grant: SealGrant) if grant.used > 0;

gives_nothing_more(grant) if grant.state in ["EXHAUSTED", "EXPIRED", "REVOKED", "INVALIDATED"];

# To take the auditor's post, or the membership of a person who watches, comes to the same as ending the watch: so it is
# for those who may end it. That goes for a suspension too, and for the right to audit one seal.
#@ W-06
requires("suspend", _: Membership, "MONITORING_STANDS");
requires("end", _: Membership, "MONITORING_STANDS");
requires("revoke", _: RoleAssignment, "MONITORING_STANDS");
requires("revoke", _: SealGrant, "MONITORING_STANDS");
requires("confirm", _: SealGrant, "MONITORING_STANDS");
meets(person: Person, "MONITORING_STANDS", "suspend", membership: Membership, context) if
  not sends_away_watcher(person, membership, context) and
  not holds_given_audit(person, membership, context);
meets(person: Person, "MONITORING_STANDS", "end", membership: Membership, context) if
  not sends_away_watcher(person, membership, context) and
  not ends_given_audit(person, membership, context);
meets(person: Person, "MONITORING_STANDS", "revoke", assignment: RoleAssignment, context) if
  not takes_audit_from_watcher(person, assignment, context) and
  not takes_given_audit(person, assignment, _, context);
meets(person: Person, "MONITORING_STANDS", "revoke", grant: SealGrant, context) if
  not ends_own_audit(person, grant, context);
meets(person: Person, "MONITORING_STANDS", "confirm", grant: SealGrant, context) if
  not shortens_audit(person, grant, context);

sends_away_watcher(person: Person, membership: Membership, context) if
  is_anothers_watch(person, membership, context) and
  watch_of(membership, seal) and
  is_watched_by(person, seal);

takes_audit_from_watcher(person: Person, assignment: RoleAssignment, context) if
  assignment.role = "SEAL_AUDITOR" and
  is_anothers_watch(person, assignment.membership, context) and
  seal in assignment.membership.enterprise.seals and
  is_watched_by(person, seal);

ends_own_audit(person: Person, grant: SealGrant, context) if
  grant.right = "AUDIT" and
  is_anothers_watch(person, grant.membership, context) and
  is_watched_by(person, grant.seal);

# A right to audit stands on the role of its grantor (S-17). So a person whom it concerns does not take that role, nor end
# the membership that it is of, before a successor has gone on with the right (A-11). Who leaves is not kept.
#@ W-06 S-17
takes_given_audit(person: Person, assignment: RoleAssignment, grant, context) if
  audit_under(assignment, grant, context) and
  is_anothers_watch(person, grant.membership, context) and
  is_watched_by(person, grant.seal);

ends_given_audit(person: Person, membership: Membership, context) if
  assignment in membership.assignments and
  takes_given_audit(person, assignment, _, context);

# A suspension holds what its grantor gave lately, where it is for suspicion.
#@ W-06 A-11
holds_given_audit(person: Person, membership: Membership, context) if
  assignment in membership.assignments and
  takes_given_audit(person, assignment, grant, context) and
  context.now < grant.confirmed_at + context.parameters.suspicion_reaches_back;

audit_under(assignment: RoleAssignment, grant, context) if
  seal in assignment.membership.enterprise.seals and
  grant in seal.grants and
  grant.right = "AUDIT" and
  grant.state in ["PENDING_EFFECT", "ACTIVE"] and
  grant.grantor_id = assignment.id and
  context.now < grant.valid_to;

# Nor does who goes on with it make it shorter, or begin it later.
#@ W-06 A-11
shortens_audit(person: Person, grant: SealGrant, context) if
  old = grant.adopts and
  old matches SealGrant and
  old.right = "AUDIT" and
  is_anothers_watch(person, old.membership, context) and
  is_watched_by(person, old.seal) and
  is_shorter(grant, old, context);

is_shorter(grant: SealGrant, old: SealGrant, _) if
  grant.valid_to < old.valid_to and
  grant.valid_to < old.grantor.valid_to;
is_shorter(grant: SealGrant, old: SealGrant, context) if
  old.valid_from < grant.valid_from and
  context.now < grant.valid_from;

# Nobody is made an administrator in order to end a watch at once that the others may not end.
#@ W-06 M-12
requires("end", _: MonitorSubscription, "SETTLED_ADMIN");
requires("revoke", _: SealGrant, "SETTLED_ADMIN");
meets(person: Person, "SETTLED_ADMIN", "end", subscription: MonitorSubscription, context) if
  not ends_watch_too_soon(person, subscription.leader, context);
meets(person: Person, "SETTLED_ADMIN", "revoke", grant: SealGrant, context) if
  not ends_audit_too_soon(person, grant, context);
because("SETTLED_ADMIN", "COOLING_OFF", person: Person, subscription: MonitorSubscription, context) if
  ends_watch_too_soon(person, subscription.leader, context);
because("SETTLED_ADMIN", "COOLING_OFF", person: Person, grant: SealGrant, context) if
  ends_audit_too_soon(person, grant, context);

sends_watch_away_too_soon(person: Person, membership: Membership, context) if
  watch_of(membership, _) and
  ends_watch_too_soon(person, membership, context);
sends_watch_away_too_soon(person: Person, membership: Membership, context) if
  assignment in membership.assignments and
  audit_under(assignment, grant, context) and
  ends_watch_too_soon(person, grant.membership, context);
sends_watch_away_too_soon(person: Person, assignment: RoleAssignment, context) if
  assignment.role = "SEAL_AUDITOR" and
  ends_watch_too_soon(person, assignment.membership, context);
sends_watch_away_too_soon(person: Person, assignment: RoleAssignment, context) if
  audit_under(assignment, grant, context) and
  ends_watch_too_soon(person, grant.membership, context);

ends_audit_too_soon(person: Person, grant: SealGrant, context) if
  grant.right = "AUDIT" and
  grant.state in ["PENDING_EFFECT", "ACTIVE"] and
  ends_watch_too_soon(person, grant.membership, context);

ends_watch_too_soon(person: Person, membership: Membership, context) if
  is_anothers_watch(person, membership, context) and
  new_admin_waits(person, membership.enterprise, _, context);

# A leader or auditor lays down their own watch, and the legal representative decides.
is_anothers_watch(person: Person, membership: Membership, context) if
  membership.person_id != person.id and
  not representative_today(person, membership.enterprise, context);

is_watched_by(person: Person, seal: Seal) if is_watched_everywhere(person, seal.enterprise);
is_watched_by(person: Person, seal: Seal) if is_watched_at(person, seal);

# The seals that a member watches: all of them as an auditor, some as a leader or by a grant.
watch_of(membership: Membership, seal) if
  is_auditor(membership) and
  seal in membership.enterprise.seals;
watch_of(membership: Membership, seal) if
  subscription in membership.enterprise.monitors and
  subscription.state = "ACTIVE" and
  subscription.leader_id = membership.id and
  watched_seal(subscription, seal);
watch_of(membership: Membership, seal) if
  seal in membership.enterprise.seals and
  grant in seal.grants and
  grant.right = "AUDIT" and
  not gives_nothing_more(grant) and
  grant.membership_id = membership.id;

is_auditor(membership: Membership) if
  assignment in membership.assignments and
  assignment.role = "SEAL_AUDITOR" and
  assignment.state = "ACTIVE";

# Ending a watch is on record.
#@ W-06
obligation(_: Person, "end", _: MonitorSubscription, _, "LOG_SUBSCRIPTION_CHANGE");

# --- how long an answer holds ----------------------------------------------------------------------------------------

lapses(person: Person, "monitor", enterprise: Enterprise, context, at) if watch_lapses(person, enterprise, context, at);
lapses(person: Person, "view_log", seal: Seal, context, at) if watch_lapses(person, seal.enterprise, context, at);
lapses(person: Person, "view_log", seal: Seal, context, at) if audit_lapses(person, seal, context, at);
lapses(person: Person, "view_attempts", seal: Seal, context, at) if
  watch_lapses(person, seal.enterprise, context, at);
lapses(person: Person, "view_attempts", seal: Seal, context, at) if audit_lapses(person, seal, context, at);
lapses(person: Person, "view_attempts", seal: Seal, context, at) if
  seal_admin_lapses(person, seal.enterprise, context, at);
lapses(person: Person, "view", _: SealUse, context, at) if
  watch_lapses(person, context.seal.enterprise, context, at);
lapses(person: Person, "view", _: SealUse, context, at) if
  audit_lapses(person, context.seal, context, at);
lapses(person: Person, "view", _: SealUse, context, at) if
  holder = context.holder and
  holder matches Enterprise and
  watch_lapses(person, holder, context, at);
lapses(person: Person, "end", subscription: MonitorSubscription, context, at) if
  admin_lapses(person, subscription.enterprise, context, at);

# Only the watching person's own roles matter.
watch_lapses(person: Person, enterprise: Enterprise, context, at) if
  member(person, enterprise, membership, context) and
  assignment in membership.assignments and
  assignment.role in ["SYSTEM_ADMIN", "SEAL_AUDITOR"] and
  is_active_assignment(assignment, context) and
  assignment_lapses(assignment, at);

audit_lapses(person: Person, seal: Seal, context, at) if
  audit_grant(person, seal, grant, context) and
  grant_lapses(grant, at);
