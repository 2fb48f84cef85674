# An enterprise's own rules: who changes amount bands, working hours, holidays, processes, categories and settings.
#
# What these rules ask before a seal is used (procedures.polar) is worth as much as the way in which they are changed. One
# of those who run the enterprise proposes a change and another confirms it, by the digest of the rules as they are to be.
# What only tightens hours or holidays, one of them does at once. The question says which it is, and what it does not say
# loosens; who writes the rules compares them with those that stand, as Perform does.
# (A-06: what loosens hours needs two persons and counts from the next day.)

# --- proposing and confirming ----------------------------------------------------------------------------------------

# Those who run the enterprise propose a change; another of them confirms it, while it is proposed.
#@ A-02 A-06
requires("propose_rule_change", _: Enterprise, "ENTERPRISE_ADMIN");
requires("confirm_change", _: RuleChange, "ENTERPRISE_ADMIN");
requires("confirm_change", _: RuleChange, "CHANGE_PROPOSED");
requires("confirm_change", _: RuleChange, "PROPOSED_BY_ANOTHER");
requires("confirm_change", _: RuleChange, "COUNTS_FROM_NEXT_DAY");
meets(person: Person, "ENTERPRISE_ADMIN", "propose_rule_change", enterprise: Enterprise, context) if
  may_administer(person, enterprise, context);
meets(person: Person, "ENTERPRISE_ADMIN", "confirm_change", change: RuleChange, context) if
  may_administer(person, change.enterprise, context);
meets(_: Person, "CHANGE_PROPOSED", "confirm_change", change: RuleChange, context) if
  change.state = "PROPOSED" and
  not is_stale_change(change, context);
because("CHANGE_PROPOSED", "RULE_CHANGE_STALE", _: Person, change: RuleChange, context) if
  change.state = "PROPOSED" and
  is_stale_change(change, context);
reason("RULE_CHANGE_STALE", 60, "USER", "WITHDRAW_RULE_CHANGE");
reason("RULE_CHANGE_STALE", 60, "USER", "PROPOSE_RULE_CHANGE");

# What two agreed to they want now. Of one who said so long ago it is not known: they may have left, and another one would
# change the rules alone. It is withdrawn, and proposed again.
#@ A-06
is_stale_change(change: RuleChange, context) if
  change.state = "PROPOSED" and
  change.proposed_at <= context.now - context.parameters.rule_change_valid;
is_stale_change(change: RuleChange, context) if
  change.state = "CONFIRMED" and
  change.confirmed_at <= context.now - context.parameters.rule_change_valid and
  change.counts_from <= context.now - context.parameters.rule_change_valid;
meets(person: Person, "PROPOSED_BY_ANOTHER", "confirm_change", change: RuleChange, context) if
  is_second_person(person, change.proposed_by_id, change.enterprise, context);
because("PROPOSED_BY_ANOTHER", "COOLING_OFF", person: Person, change: RuleChange, context) if
  proposer_waits(person, change, _, context);

proposer_waits(person: Person, change: RuleChange, at, context) if
  change.proposed_by_id != person.id and
  appointed_lately(person.id, change.proposed_by_id, change.enterprise, at, context);

# Hours and days, and the time zone that they are read in, change from the next day on.
#@ A-06
meets(_: Person, "COUNTS_FROM_NEXT_DAY", "confirm_change", change: RuleChange, context) if
  change.rule_kind in ["WORKING_HOURS", "HOLIDAYS", "SETTINGS"] and
  ends = context.day_ends and
  ends matches Integer and
  ends <= change.counts_from;
meets(_: Person, "COUNTS_FROM_NEXT_DAY", "confirm_change", change: RuleChange, _) if
  change.rule_kind in ["AMOUNT_BANDS", "PROCESSES", "CATEGORIES"];

# One that counts too early is withdrawn, and another one proposed that counts from then.
parameter("WITHDRAW_RULE_CHANGE", "change_id", id, _: Person, change: RuleChange, _) if id = change.id;
parameter("PROPOSE_RULE_CHANGE", "counts_from_at", at, _: Person, change: RuleChange, context) if
  change.rule_kind in ["WORKING_HOURS", "HOLIDAYS", "SETTINGS"] and
  at = context.day_ends and
  at matches Integer;

# What is proposed, and where: `propose_rule_change` wants both. What a disabled process stops is a matter of processes.
parameter("PROPOSE_RULE_CHANGE", "enterprise_id", id, _: Person, resource, context) if
  owner(resource, context, enterprise) and
  id = enterprise.id;
parameter("PROPOSE_RULE_CHANGE", "rule_kind", kind, _: Person, change: RuleChange, _) if kind = change.rule_kind;
parameter("PROPOSE_RULE_CHANGE", "rule_kind", kind, _: Person, _, context: RulesContext) if kind = context.rule_kind;
parameter("PROPOSE_RULE_CHANGE", "rule_kind", "PROCESSES", _: Person, resource, context) if
  not (resource matches RuleChange) and
  not (context matches RulesContext);

# The author takes a proposal back, and so do those who run the enterprise, until it is carried out.
#@ A-02
requires("withdraw", _: RuleChange, "CHANGE_AUTHOR");
requires("withdraw", _: RuleChange, "CHANGE_OPEN");
meets(person: Person, "CHANGE_AUTHOR", "withdraw", change: RuleChange, context) if
  change.proposed_by_id = person.id or
  may_administer(person, change.enterprise, context);
meets(_: Person, "CHANGE_OPEN", "withdraw", change: RuleChange, _) if change.state in ["PROPOSED", "CONFIRMED"];

# --- writing the rules -----------------------------------------------------------------------------------------------

# Each by those who run the enterprise, on a change that stands.
#@ A-06
group("CHANGING_RULES", _: Enterprise, ["set_amount_bands", "set_working_hours", "set_holidays", "change_settings"]);
group("CHANGING_RULES", _: Enterprise, ["create_process", "create_category"]);
group("CHANGING_RULES", _: ApprovalProcess, ["edit"]);
group("CHANGING_RULES", _: BusinessCategory, ["edit"]);
group_requires("CHANGING_RULES", ["ENTERPRISE_ADMIN", "CHANGE_AGREED", "NO_RETRIEVAL_HOLD", "COOLED_OFF"]);

# What tightens hours or holidays needs nobody else. A band never only tightens: what the process approves that it
# prescribes goes without a grant, and who writes the band chooses the process. All other changes were proposed by
# one of those who ran the enterprise and confirmed by another, for just these rules, and their time has come.
tightens_only("WORKING_HOURS", context) if context.effect = "TIGHTENS";
tightens_only("HOLIDAYS", context) if context.effect = "TIGHTENS";

is_agreed(_: Person, _: Enterprise, kind, context) if tightens_only(kind, context);
is_agreed(_: Person, enterprise: Enterprise, kind, context) if
  agreed_change(enterprise, kind, change, context) and
  change.counts_from <= context.now;
# A company of one has no second person: its owner shows their face.
#@ A-03
is_agreed(person: Person, enterprise: Enterprise, _, context) if changes_alone(person, enterprise, context);

changes_alone(person: Person, enterprise: Enterprise, context: RulesContext) if
  acts_alone(person, enterprise, context) and
  fresh_face_check(
    context.verification, person, "SEAL_MANAGE", "Enterprise", enterprise.id, context.parameters.face_for_management,
    context) and
  covers_these_rules(context.verification, context);

# What they saw when they showed their face are these very rules: the check serves no others.
covers_these_rules(check: IdentityVerification, context: RulesContext) if
  digest_of_rules(digest, context) and
  check.bound_digest = digest;

digest_of_rules(digest, context: RulesContext) if
  digest = context.digest and
  digest matches String and
  digest != "";

# They are told to show it, not to propose what nobody can confirm.
because("CHANGE_AGREED", "FACE_VERIFICATION_REQUIRED", person: Person, resource, context: RulesContext) if
  owner(resource, context, enterprise) and
  acts_alone(person, enterprise, context) and
  not changes_alone(person, enterprise, context) and
  not is_ahead_check(context.verification, person, context);
parameter("VERIFY_FACE", "purpose", "SEAL_MANAGE", _: Person, _, _: RulesContext);
parameter("VERIFY_FACE", "bound_type", "Enterprise", _: Person, _, _: RulesContext);
parameter("VERIFY_FACE", "bound_digest", digest, _: Person, _, context: RulesContext) if
  digest_of_rules(digest, context);
# A face that is shown for rules that nobody named serves none.
leads_nowhere("VERIFY_FACE", _: Person, _, context: RulesContext) if not digest_of_rules(_, context);
parameter("VERIFY_FACE", "bound_id", id, _: Person, resource, context: RulesContext) if
  owner(resource, context, enterprise) and
  id = enterprise.id;

agreed_change(enterprise: Enterprise, kind, change, context: RulesContext) if
  change = context.change and
  change matches RuleChange and
  change.enterprise_id = enterprise.id and
  change.rule_kind = kind and
  is_for_these_rules(change, context) and
  was_agreed(enterprise, change, context) and
  not is_stale_change(change, context) and
  has_waited_a_day(change, context);

# One of those who ran the enterprise proposed it, and another one confirmed it.
was_agreed(enterprise: Enterprise, change: RuleChange, context) if
  change.state = "CONFIRMED" and
  ran_enterprise(change.proposed_by_id, enterprise, change.proposed_at, context) and
  confirmer_id = change.confirmed_by_id and
  confirmer_id matches String and
  was_second_person(confirmer_id, change.proposed_by_id, enterprise, change.confirmed_at, context) and
  change.proposed_at <= change.confirmed_at and
  change.confirmed_at < change.proposed_at + context.parameters.rule_change_valid and
  change.confirmed_at <= context.now and
  not waited_after_retrieval(confirmer_id, enterprise, change.confirmed_at, context) and
  ran_enterprise(confirmer_id, enterprise, change.confirmed_at, context);

# Like COUNTS_FROM_NEXT_DAY, when the rules are written: the day on which it was confirmed is over.
#@ A-06
has_waited_a_day(change: RuleChange, _: RulesContext) if
  change.rule_kind in ["AMOUNT_BANDS", "PROCESSES", "CATEGORIES"];
has_waited_a_day(change: RuleChange, context: RulesContext) if
  change.rule_kind in ["WORKING_HOURS", "HOLIDAYS", "SETTINGS"] and
  ends = context.day_ends and
  ends matches Integer and
  time_after(change.confirmed_at, 24, "hours", a_day_later) and
  a_day_later <= ends;

# What was confirmed is what is written: these rules and no other.
is_for_these_rules(change: RuleChange, context) if
  digest = context.digest and
  digest matches String and
  change.digest = digest;
because("CHANGE_AGREED", "OTHER_RULES_AGREED", person: Person, resource, context: RulesContext) if
  change = context.change and
  change matches RuleChange and
  change.state = "CONFIRMED" and
  not is_for_these_rules(change, context) and
  not stands_without(change, person, resource, context);

meets(person: Person, "ENTERPRISE_ADMIN", "set_amount_bands", enterprise: Enterprise, context) if
  may_administer(person, enterprise, context);
meets(person: Person, "CHANGE_AGREED", "set_amount_bands", enterprise: Enterprise, context: RulesContext) if
  is_agreed(person, enterprise, "AMOUNT_BANDS", context);
meets(_: Person, "NO_RETRIEVAL_HOLD", "set_amount_bands", enterprise: Enterprise, context) if
  not is_held_by_retrieval(enterprise, context);
meets(person: Person, "COOLED_OFF", "set_amount_bands", enterprise: Enterprise, context) if
  not cooling_off(person, enterprise, _, context);

meets(person: Person, "ENTERPRISE_ADMIN", "set_working_hours", enterprise: Enterprise, context) if
  may_administer(person, enterprise, context);
meets(person: Person, "CHANGE_AGREED", "set_working_hours", enterprise: Enterprise, context: RulesContext) if
  is_agreed(person, enterprise, "WORKING_HOURS", context);
meets(_: Person, "NO_RETRIEVAL_HOLD", "set_working_hours", enterprise: Enterprise, context) if
  not is_held_by_retrieval(enterprise, context);
meets(person: Person, "COOLED_OFF", "set_working_hours", enterprise: Enterprise, context) if
  not cooling_off(person, enterprise, _, context);

meets(person: Person, "ENTERPRISE_ADMIN", "set_holidays", enterprise: Enterprise, context) if
  may_administer(person, enterprise, context);
meets(person: Person, "CHANGE_AGREED", "set_holidays", enterprise: Enterprise, context: RulesContext) if
  is_agreed(person, enterprise, "HOLIDAYS", context);
meets(_: Person, "NO_RETRIEVAL_HOLD", "set_holidays", enterprise: Enterprise, context) if
  not is_held_by_retrieval(enterprise, context);
meets(person: Person, "COOLED_OFF", "set_holidays", enterprise: Enterprise, context) if
  not cooling_off(person, enterprise, _, context);

meets(person: Person, "ENTERPRISE_ADMIN", "change_settings", enterprise: Enterprise, context) if
  may_administer(person, enterprise, context);
meets(person: Person, "CHANGE_AGREED", "change_settings", enterprise: Enterprise, context: RulesContext) if
  is_agreed(person, enterprise, "SETTINGS", context);
meets(_: Person, "NO_RETRIEVAL_HOLD", "change_settings", enterprise: Enterprise, context) if
  not is_held_by_retrieval(enterprise, context);
meets(person: Person, "COOLED_OFF", "change_settings", enterprise: Enterprise, context) if
  not cooling_off(person, enterprise, _, context);

meets(person: Person, "ENTERPRISE_ADMIN", "create_process", enterprise: Enterprise, context) if
  may_administer(person, enterprise, context);
meets(person: Person, "CHANGE_AGREED", "create_process", enterprise: Enterprise, context: RulesContext) if
  is_agreed(person, enterprise, "PROCESSES", context);
meets(_: Person, "NO_RETRIEVAL_HOLD", "create_process", enterprise: Enterprise, context) if
  not is_held_by_retrieval(enterprise, context);
meets(person: Person, "COOLED_OFF", "create_process", enterprise: Enterprise, context) if
  not cooling_off(person, enterprise, _, context);

meets(person: Person, "ENTERPRISE_ADMIN", "create_category", enterprise: Enterprise, context) if
  may_administer(person, enterprise, context);
meets(person: Person, "CHANGE_AGREED", "create_category", enterprise: Enterprise, context: RulesContext) if
  is_agreed(person, enterprise, "CATEGORIES", context);
meets(_: Person, "NO_RETRIEVAL_HOLD", "create_category", enterprise: Enterprise, context) if
  not is_held_by_retrieval(enterprise, context);
meets(person: Person, "COOLED_OFF", "create_category", enterprise: Enterprise, context) if
  not cooling_off(person, enterprise, _, context);

meets(person: Person, "ENTERPRISE_ADMIN", "edit", process: ApprovalProcess, context) if
  may_administer(person, process.enterprise, context);
meets(person: Person, "CHANGE_AGREED", "edit", process: ApprovalProcess, context: RulesContext) if
  is_agreed(person, process.enterprise, "PROCESSES", context);
meets(_: Person, "NO_RETRIEVAL_HOLD", "edit", process: ApprovalProcess, context) if
  not is_held_by_retrieval(process.enterprise, context);
meets(person: Person, "COOLED_OFF", "edit", process: ApprovalProcess, context) if
  not cooling_off(person, process.enterprise, _, context);

meets(person: Person, "ENTERPRISE_ADMIN", "edit", category: BusinessCategory, context) if
  may_administer(person, category.enterprise, context);
meets(person: Person, "CHANGE_AGREED", "edit", category: BusinessCategory, context: RulesContext) if
  is_agreed(person, category.enterprise, "CATEGORIES", context);
meets(_: Person, "NO_RETRIEVAL_HOLD", "edit", category: BusinessCategory, context) if
  not is_held_by_retrieval(category.enterprise, context);
meets(person: Person, "COOLED_OFF", "edit", category: BusinessCategory, context) if
  not cooling_off(person, category.enterprise, _, context);

# What the owner of a company of one writes alone uses up their face check, and is told like all that they do alone.
#@ A-03
obligation(person: Person, [
  "set_amount_bands", "set_working_hours", "set_holidays", "change_settings", "create_process", "create_category"
], enterprise: Enterprise, context, "CONSUME_VERIFICATION") if
  changes_alone(person, enterprise, context);
obligation(person: Person, [
  "set_amount_bands", "set_working_hours", "set_holidays", "change_settings", "create_process", "create_category"
], enterprise: Enterprise, context, "NOTIFY_REGISTERED_CONTACT") if
  changes_alone(person, enterprise, context);
obligation(person: Person, [
  "set_amount_bands", "set_working_hours", "set_holidays", "change_settings", "create_process", "create_category"
], enterprise: Enterprise, context, "ALERT_SOLE_OWNER") if
  changes_alone(person, enterprise, context);
obligation_parameter("CONSUME_VERIFICATION", "verification_id", id, _: Person, [
  "set_amount_bands", "set_working_hours", "set_holidays", "change_settings", "create_process", "create_category"
], _: Enterprise, context) if
  check_id(context.verification, id);
obligation(person: Person, "edit", process: ApprovalProcess, context, "CONSUME_VERIFICATION") if
  changes_alone(person, process.enterprise, context);
obligation(person: Person, "edit", process: ApprovalProcess, context, "NOTIFY_REGISTERED_CONTACT") if
  changes_alone(person, process.enterprise, context);
obligation(person: Person, "edit", process: ApprovalProcess, context, "ALERT_SOLE_OWNER") if
  changes_alone(person, process.enterprise, context);
obligation_parameter("CONSUME_VERIFICATION", "verification_id", id, _: Person, "edit", _: ApprovalProcess, context) if
  check_id(context.verification, id);
obligation(person: Person, "edit", category: BusinessCategory, context, "CONSUME_VERIFICATION") if
  changes_alone(person, category.enterprise, context);
obligation(person: Person, "edit", category: BusinessCategory, context, "NOTIFY_REGISTERED_CONTACT") if
  changes_alone(person, category.enterprise, context);
obligation(person: Person, "edit", category: BusinessCategory, context, "ALERT_SOLE_OWNER") if
  changes_alone(person, category.enterprise, context);
obligation_parameter("CONSUME_VERIFICATION", "verification_id", id, _: Person, "edit", _: BusinessCategory, context) if
  check_id(context.verification, id);

# A change is used up by what is written on it. One that is not agreed, or is of other rules, is not touched by an act that
# stands without it.
obligation(_: Person, "set_amount_bands", enterprise: Enterprise, context, "CARRY_OUT_CHANGE") if
  carried_out_change(enterprise, "AMOUNT_BANDS", context, _);
obligation(_: Person, "set_working_hours", enterprise: Enterprise, context, "CARRY_OUT_CHANGE") if
  carried_out_change(enterprise, "WORKING_HOURS", context, _);
obligation(_: Person, "set_holidays", enterprise: Enterprise, context, "CARRY_OUT_CHANGE") if
  carried_out_change(enterprise, "HOLIDAYS", context, _);
obligation(_: Person, "change_settings", enterprise: Enterprise, context, "CARRY_OUT_CHANGE") if
  carried_out_change(enterprise, "SETTINGS", context, _);
obligation(_: Person, "create_process", enterprise: Enterprise, context, "CARRY_OUT_CHANGE") if
  carried_out_change(enterprise, "PROCESSES", context, _);
obligation(_: Person, "create_category", enterprise: Enterprise, context, "CARRY_OUT_CHANGE") if
  carried_out_change(enterprise, "CATEGORIES", context, _);
obligation(_: Person, "edit", process: ApprovalProcess, context, "CARRY_OUT_CHANGE") if
  carried_out_change(process.enterprise, "PROCESSES", context, _);
obligation(_: Person, "edit", category: BusinessCategory, context, "CARRY_OUT_CHANGE") if
  carried_out_change(category.enterprise, "CATEGORIES", context, _);
obligation_parameter(
  "CARRY_OUT_CHANGE", "change_id", id, _: Person, "set_amount_bands", enterprise: Enterprise, context) if
  carried_out_change(enterprise, "AMOUNT_BANDS", context, id);
obligation_parameter(
  "CARRY_OUT_CHANGE", "change_id", id, _: Person, "set_working_hours", enterprise: Enterprise, context) if
  carried_out_change(enterprise, "WORKING_HOURS", context, id);
obligation_parameter("CARRY_OUT_CHANGE", "change_id", id, _: Person, "set_holidays", enterprise: Enterprise, context) if
  carried_out_change(enterprise, "HOLIDAYS", context, id);
obligation_parameter(
  "CARRY_OUT_CHANGE", "change_id", id, _: Person, "change_settings", enterprise: Enterprise, context) if
  carried_out_change(enterprise, "SETTINGS", context, id);
obligation_parameter(
  "CARRY_OUT_CHANGE", "change_id", id, _: Person, "create_process", enterprise: Enterprise, context) if
  carried_out_change(enterprise, "PROCESSES", context, id);
obligation_parameter(
  "CARRY_OUT_CHANGE", "change_id", id, _: Person, "create_category", enterprise: Enterprise, context) if
  carried_out_change(enterprise, "CATEGORIES", context, id);
obligation_parameter("CARRY_OUT_CHANGE", "change_id", id, _: Person, "edit", process: ApprovalProcess, context) if
  carried_out_change(process.enterprise, "PROCESSES", context, id);
obligation_parameter("CARRY_OUT_CHANGE", "change_id", id, _: Person, "edit", category: BusinessCategory, context) if
  carried_out_change(category.enterprise, "CATEGORIES", context, id);

carried_out_change(enterprise: Enterprise, kind, context: RulesContext, id) if
  agreed_change(enterprise, kind, change, context) and
  change.counts_from <= context.now and
  id = change.id;

because("CHANGE_AGREED", "CHANGE_NOT_YET_DUE", person: Person, resource, context: RulesContext) if
  change = context.change and
  change matches RuleChange and
  change.state = "CONFIRMED" and
  waits_until(change, _, context) and
  not stands_without(change, person, resource, context);

waits_until(change: RuleChange, at, context) if
  at = change.counts_from and
  context.now < at;
waits_until(change: RuleChange, at, context: RulesContext) if
  change.counts_from <= context.now and
  not has_waited_a_day(change, context) and
  at = context.day_ends and
  at matches Integer;

# Rules of the kind of a change that need no such change: they tighten, or their author is alone.
stands_without(change: RuleChange, _: Person, _, context: RulesContext) if tightens_only(change.rule_kind, context);
stands_without(_: RuleChange, person: Person, resource, context: RulesContext) if
  owner(resource, context, enterprise) and
  changes_alone(person, enterprise, context);

parameter("WAIT_UNTIL", "wait_until", at, _: Person, _, context: RulesContext) if
  change = context.change and
  change matches RuleChange and
  change.state = "CONFIRMED" and
  waits_until(change, at, context);

# A confirmation waits, too, while a retrieval holds the enterprise, and a new administrator confirms nothing yet.
#@ R-12 R-13
requires("confirm_change", _: RuleChange, "NO_RETRIEVAL_HOLD");
requires("confirm_change", _: RuleChange, "COOLED_OFF");
meets(person: Person, "COOLED_OFF", "confirm_change", change: RuleChange, context) if
  not cooling_off(person, change.enterprise, _, context);
meets(_: Person, "NO_RETRIEVAL_HOLD", "confirm_change", change: RuleChange, context) if
  not is_held_by_retrieval(change.enterprise, context);

# --- what to do about a proposal that is open -------------------------------------------------------------------------

# For rules of a kind one proposal is open at a time. It is confirmed, carried out or withdrawn before the next is made.
#@ A-06
leads_nowhere("PROPOSE_RULE_CHANGE", _: Person, resource, context: RulesContext) if open_change(resource, _, context);
leads_nowhere("PROPOSE_RULE_CHANGE", person: Person, resource, context) if
  owner(resource, context, enterprise) and
  not may_administer(person, enterprise, context);
leads_nowhere("CONFIRM_RULE_CHANGE", person: Person, resource, context) if
  not could_confirm_change(person, resource, context);
leads_nowhere("WAIT_RULE_CHANGE", person: Person, resource, context) if
  not waits_for_confirmation(person, resource, context);
leads_nowhere("NAME_RULE_CHANGE", _: Person, resource, context) if not change_to_carry_out(resource, context);
leads_nowhere("WITHDRAW_RULE_CHANGE", person: Person, resource, context: RulesContext) if
  not could_withdraw_change(person, resource, context);

open_change(resource, change, context: RulesContext) if
  owner(resource, context, enterprise) and
  change in enterprise.rule_changes and
  change.rule_kind = context.rule_kind and
  change.state in ["PROPOSED", "CONFIRMED"];

proposed_change(resource, change, context: RulesContext) if
  open_change(resource, change, context) and
  change.state = "PROPOSED" and
  not is_stale_change(change, context);

# What `confirm_change` would not refuse.
could_confirm_change(person: Person, resource, context: RulesContext) if
  proposed_change(resource, change, context) and
  meets(person, "ENTERPRISE_ADMIN", "confirm_change", change, context) and
  meets(person, "PROPOSED_BY_ANOTHER", "confirm_change", change, context) and
  meets(person, "COUNTS_FROM_NEXT_DAY", "confirm_change", change, context);

waits_for_confirmation(person: Person, resource, context: RulesContext) if
  proposed_change(resource, change, context) and
  meets(person, "COUNTS_FROM_NEXT_DAY", "confirm_change", change, context) and
  not could_confirm_change(person, resource, context);

could_withdraw_change(person: Person, resource, context: RulesContext) if
  open_change(resource, change, context) and
  meets(person, "CHANGE_AUTHOR", "withdraw", change, context);

# Two agreed to it, and the question names another one, or is of other rules.
change_to_carry_out(resource, context: RulesContext) if
  open_change(resource, change, context) and
  not carries_out(change, context) and
  not is_stale_change(change, context) and
  was_agreed(change.enterprise, change, context);

carries_out(change: RuleChange, context: RulesContext) if
  context.change = change and
  is_for_these_rules(change, context);

parameter("CONFIRM_RULE_CHANGE", "change_id", id, _: Person, resource, context: RulesContext) if
  open_change(resource, change, context) and
  id = change.id;
parameter("WAIT_RULE_CHANGE", "change_id", id, _: Person, resource, context: RulesContext) if
  open_change(resource, change, context) and
  id = change.id;
parameter("NAME_RULE_CHANGE", "change_id", id, _: Person, resource, context: RulesContext) if
  open_change(resource, change, context) and
  id = change.id;
parameter("WITHDRAW_RULE_CHANGE", "change_id", id, _: Person, resource, context: RulesContext) if
  open_change(resource, change, context) and
  id = change.id;
parameter("CONFIRM_RULE_CHANGE", "proposer", found, _: Person, resource, context: RulesContext) if
  proposed_change(resource, change, context) and
  membership in change.enterprise.memberships and
  membership.person_id = change.proposed_by_id and
  found = membership.person;
parameter("WAIT_RULE_CHANGE", "administrator", found, person: Person, resource, context) if
  shown_administrator(person, resource, context, found);

# --- when the permission ends by itself ------------------------------------------------------------------------------

rules_change_lapses(person: Person, enterprise: Enterprise, context, at) if
  own_admin_role_lapses(person, enterprise, context, at);
rules_change_lapses(person: Person, enterprise: Enterprise, context, at) if
  sole_authority_lapses(person, enterprise, context, at);
rules_change_lapses(person: Person, enterprise: Enterprise, context: RulesContext, at) if
  face_lapses(
    context.verification, person, "SEAL_MANAGE", "Enterprise", enterprise.id, context.parameters.face_for_management,
    context, at);

rules_change_lapses(_: Person, _: Enterprise, context: RulesContext, at) if
  change = context.change and
  change matches RuleChange and
  change.state = "CONFIRMED" and
  change.counts_from <= change.confirmed_at and
  at = change.confirmed_at + context.parameters.rule_change_valid and
  context.now < at;
rules_change_lapses(_: Person, _: Enterprise, context: RulesContext, at) if
  change = context.change and
  change matches RuleChange and
  change.state = "CONFIRMED" and
  change.confirmed_at < change.counts_from and
  change.counts_from <= context.now and
  at = change.counts_from + context.parameters.rule_change_valid and
  context.now < at;

lapses(person: Person, "propose_rule_change", enterprise: Enterprise, context, at) if
  own_admin_role_lapses(person, enterprise, context, at);
lapses(person: Person, "confirm_change", change: RuleChange, context, at) if
  own_admin_role_lapses(person, change.enterprise, context, at);
lapses(_: Person, "confirm_change", change: RuleChange, context, at) if
  at = change.proposed_at + context.parameters.rule_change_valid;
lapses(person: Person, "withdraw", change: RuleChange, context, at) if
  own_admin_role_lapses(person, change.enterprise, context, at);
lapses(person: Person, [
  "set_amount_bands", "set_working_hours", "set_holidays", "change_settings", "create_process", "create_category"
], enterprise: Enterprise, context, at) if
  rules_change_lapses(person, enterprise, context, at);
lapses(person: Person, "edit", process: ApprovalProcess, context, at) if
  rules_change_lapses(person, process.enterprise, context, at);
lapses(person: Person, "edit", category: BusinessCategory, context, at) if
  rules_change_lapses(person, category.enterprise, context, at);
