# What an enterprise's own rules ask before its seals are used: processes by amount and by category, working hours.
#
# They are facts of the enterprise that owns the seal, and they tighten what the other files ask: where they want an
# approval, it is wanted beside a grant as well. An enterprise that has set none is asked nothing here. An emergency use
# passes them by, and is approved afterwards. (Published company seal rules: larger amounts need a further review; use
# out of hours by approval.)

# U-08: Out of the owner's working hours, on its holidays, and where its local time is not known, a seal is used with an
# approval for just that, and with an alert. Amounts and categories may ask for a process as well.
#@ U-04 U-08
meets(_: Person, "PROCESS_FOLLOWED", "use", seal: Seal, context) if keeps_house_rules(seal, context);
meets(_: Person, "PROCESS_FOLLOWED", "auto_use", seal: Seal, context) if keeps_house_rules(seal, context);
because("PROCESS_FOLLOWED", "TASK_REQUIRED", _: Person, _: Seal, context) if lacks_task(context);

keeps_house_rules(seal: Seal, context: SealUseContext) if
  sealing_task(context, task) and
  contract = task.signatory.contract and
  amount_is_settled(seal, contract, context) and
  forall(category_id_of_owner(seal, contract, category_id),
         category_is_settled(seal, contract, category_id, context)) and
  hour_is_settled(seal, contract, context);

# A signature that stands for the enterprise keeps them like a seal that would stand in its place.
keeps_house_rules(seal: Seal, context: SignContext) if
  sealed_contract(context, contract) and
  amount_is_settled(seal, contract, context) and
  forall(category_id_of_owner(seal, contract, category_id),
         category_is_settled(seal, contract, category_id, context)) and
  hour_is_settled(seal, contract, context);

# An approved request, of any member of the owner, that followed the process.
process_was_followed(seal: Seal, contract: Contract, process_id: String, context) if
  approved_for(seal, contract, request, context) and
  request.process_id = process_id;

# An approval of one use is not one of every use: the requests that the owner's rules rest on are used up as well, each
# once. What the person's own request settles, which is used up anyway, takes no second one.
#@ U-06
obligation_parameter("DECREMENT_USE", "process_request_ids", id, person: Person, "use", seal: Seal, context) if
  sealed_contract(context, contract) and
  process_to_be_followed(seal, contract, process_id, context) and
  not (request_used_up(person, seal, contract, own, context) and follows(own, process_id)) and
  first_that_followed(seal, contract, process_id, request, context) and
  id = request.id;
obligation_parameter("DECREMENT_USE", "process_request_ids", id, person: Person, "use", seal: Seal, context) if
  sealed_contract(context, contract) and
  is_out_of_hours(seal.enterprise, context) and
  not (request_used_up(person, seal, contract, own, context) and own.is_out_of_hours = true) and
  first_out_of_hours(seal, contract, request, context) and
  id = request.id;
obligation_parameter("DECREMENT_USE", "process_request_ids", id, _: Person, "auto_use", seal: Seal, context) if
  sealed_contract(context, contract) and
  process_to_be_followed(seal, contract, process_id, context) and
  first_that_followed(seal, contract, process_id, request, context) and
  id = request.id;
obligation_parameter("DECREMENT_USE", "process_request_ids", id, _: Person, "auto_use", seal: Seal, context) if
  sealed_contract(context, contract) and
  is_out_of_hours(seal.enterprise, context) and
  first_out_of_hours(seal, contract, request, context) and
  id = request.id;
obligation_parameter("DECREMENT_USE", "process_request_ids", id, person: Person, "stamp", seal: Seal, context) if
  sealed_contract(context, contract) and
  process_to_be_followed(seal, contract, process_id, context) and
  not (own_named_request(person, seal, own, context) and follows(own, process_id)) and
  first_that_followed(seal, contract, process_id, request, context) and
  id = request.id;
obligation_parameter("DECREMENT_USE", "process_request_ids", id, person: Person, "stamp", seal: Seal, context) if
  sealed_contract(context, contract) and
  is_out_of_hours(seal.enterprise, context) and
  not (own_named_request(person, seal, own, context) and own.is_out_of_hours = true) and
  first_out_of_hours(seal, contract, request, context) and
  id = request.id;

process_to_be_followed(seal: Seal, contract: Contract, process_id, _) if
  terms_of(seal, contract, terms) and
  amount = terms.amount and
  amount matches Integer and
  band_for(seal.enterprise, terms.currency, amount, band) and
  process_id = band.process_id;
process_to_be_followed(seal: Seal, contract: Contract, process_id, _) if
  category_id_of_owner(seal, contract, category_id) and
  own_category(seal.enterprise, category_id, category) and
  process_id = category.process_id and
  process_id matches String;

follows(request: SealUseRequest, process_id: String) if request.process_id = process_id;

request_that_followed(seal: Seal, contract: Contract, process_id, request, context) if
  approved_for(seal, contract, request, context) and
  follows(request, process_id);
first_that_followed(seal: Seal, contract: Contract, process_id, request, context) if
  request_that_followed(seal, contract, process_id, request, context) and
  forall(request_that_followed(seal, contract, process_id, other, context), request.id <= other.id);

request_out_of_hours(seal: Seal, contract: Contract, request, context) if
  approved_for(seal, contract, request, context) and
  request.is_out_of_hours = true;
first_out_of_hours(seal: Seal, contract: Contract, request, context) if
  request_out_of_hours(seal, contract, request, context) and
  forall(request_out_of_hours(seal, contract, other, context), request.id <= other.id);

# --- amounts ---------------------------------------------------------------------------------------------------------

# The band with the largest amount that the contract reaches names the process, in the contract's own currency: nothing
# is converted, and a currency that the enterprise has no band for is refused. So is an amount that is not stated.
#@ U-04 U-05
amount_is_settled(seal: Seal, _: Contract, _) if not has_amount_bands(seal.enterprise);
amount_is_settled(seal: Seal, contract: Contract, context) if
  forall(terms_of(seal, contract, terms), band_is_settled(seal, contract, terms, context));

band_is_settled(_: Seal, _: Contract, terms, _) if
  terms.is_monetary = false and
  terms.amount = nil;
band_is_settled(seal: Seal, contract: Contract, terms, context) if
  amount = terms.amount and
  amount matches Integer and
  enterprise = seal.enterprise and
  currency = terms.currency and
  is_banded_currency(enterprise, currency) and
  forall(band_for(enterprise, currency, amount, band), process_was_followed(seal, contract, band.process_id, context));

has_amount_bands(enterprise: Enterprise) if _ in enterprise.amount_bands;

is_banded_currency(enterprise: Enterprise, currency) if
  band in enterprise.amount_bands and
  band.currency = currency;

band_for(enterprise: Enterprise, currency, amount, band) if
  band in enterprise.amount_bands and
  band.currency = currency and
  band.from_amount <= amount and
  not has_band_between(enterprise, band, amount);

has_band_between(enterprise: Enterprise, band: AmountBand, amount) if
  other in enterprise.amount_bands and
  other.currency = band.currency and
  band.from_amount < other.from_amount and
  other.from_amount <= amount;

because("PROCESS_FOLLOWED", "AMOUNT_EXCEEDS_LIMIT", person: Person, seal: Seal, context) if
  sealed_contract(context, contract) and
  not seals_alone(person, seal, contract, context) and
  process_of_amount_is_open(seal, contract, _, context);
because("PROCESS_FOLLOWED", "AMOUNT_CURRENCY_UNSUPPORTED", _: Person, seal: Seal, context) if
  sealed_contract(context, contract) and
  terms_of(seal, contract, terms) and
  terms.amount matches Integer and
  has_amount_bands(seal.enterprise) and
  not is_banded_currency(seal.enterprise, terms.currency);
because("PROCESS_FOLLOWED", "AMOUNT_UNKNOWN", _: Person, seal: Seal, context) if
  sealed_contract(context, contract) and
  terms_of(seal, contract, terms) and
  terms.is_monetary = true and
  terms.amount = nil and
  has_amount_bands(seal.enterprise);

process_of_amount_is_open(seal: Seal, contract: Contract, process, context) if
  terms_of(seal, contract, terms) and
  amount = terms.amount and
  amount matches Integer and
  band_for(seal.enterprise, terms.currency, amount, band) and
  not process_was_followed(seal, contract, band.process_id, context) and
  process = band.process and
  process.state = "ENABLED";

# A process that is disabled takes no request: no step names it, and who runs the enterprise changes that.
#@ U-04
because("PROCESS_FOLLOWED", "PROCESS_DISABLED", person: Person, seal: Seal, context) if
  sealed_contract(context, contract) and
  not seals_alone(person, seal, contract, context) and
  is_blocked_by_disabled_process(seal, contract, context);

is_blocked_by_disabled_process(seal: Seal, contract: Contract, context) if
  process_to_be_followed(seal, contract, process_id, context) and
  process in seal.enterprise.approval_processes and
  process.id = process_id and
  process.state != "ENABLED";

# --- categories ------------------------------------------------------------------------------------------------------

# The category that the owner gave the contract may name a process. A category that is not the owner's settles nothing.
#@ U-04
category_is_settled(seal: Seal, _: Contract, category_id, _) if
  own_category(seal.enterprise, category_id, category) and
  category.process_id = nil;
category_is_settled(seal: Seal, contract: Contract, category_id, context) if
  own_category(seal.enterprise, category_id, category) and
  process_was_followed(seal, contract, category.process_id, context);

because("PROCESS_FOLLOWED", "APPROVAL_REQUIRED", _: Person, seal: Seal, context) if
  sealing_task(context, task) and
  contract = task.signatory.contract and
  category_id_of_owner(seal, contract, category_id) and
  not category_is_settled(seal, contract, category_id, context) and
  not is_blocked_by_disabled_process(seal, contract, context);

process_of_category_is_open(seal: Seal, contract: Contract, process, context) if
  category_id_of_owner(seal, contract, category_id) and
  not category_is_settled(seal, contract, category_id, context) and
  own_category(seal.enterprise, category_id, category) and
  process = category.process and
  process matches ApprovalProcess and
  process.state = "ENABLED";

# --- hours -----------------------------------------------------------------------------------------------------------

# A request that was approved for a use out of hours stands in for them.
#@ U-08
hour_is_settled(seal: Seal, _: Contract, _) if not has_working_hours(seal.enterprise);
hour_is_settled(seal: Seal, _: Contract, context) if is_in_working_hours(seal.enterprise, context);
hour_is_settled(seal: Seal, contract: Contract, context) if request_out_of_hours(seal, contract, _, context);

has_working_hours(enterprise: Enterprise) if _ in enterprise.working_hours;

in_working_hours(enterprise: Enterprise, left, context) if
  minute = context.local_minute and
  minute matches Integer and
  weekday_of_hours(enterprise, weekday, context) and
  hours in enterprise.working_hours and
  hours.weekday = weekday and
  hours.from_minute <= minute and
  minute < hours.to_minute and
  left = hours.to_minute - minute;

# A-06: The calendar of the State Council moves working days about. What is said of a day beats its weekday: a holiday
# has no hours, and a make-up working day those of the weekday that it makes up for.
#@ A-06
weekday_of_hours(enterprise: Enterprise, weekday, context) if
  day = context.local_day and
  day matches Integer and
  not special_day(enterprise, day, _) and
  weekday = context.local_weekday;
weekday_of_hours(enterprise: Enterprise, weekday, context) if
  day = context.local_day and
  day matches Integer and
  special_day(enterprise, day, special) and
  special.kind = "WORKDAY" and
  weekday = special.weekday;

special_day(enterprise: Enterprise, day, special) if
  special in enterprise.holidays and
  special.day = day;

is_out_of_hours(enterprise: Enterprise, context) if
  has_working_hours(enterprise) and
  not is_in_working_hours(enterprise, context);

because("PROCESS_FOLLOWED", "OUT_OF_HOURS", person: Person, seal: Seal, context) if
  sealed_contract(context, contract) and
  not seals_alone(person, seal, contract, context) and
  not hour_is_settled(seal, contract, context);

obligation(_: Person, "use", seal: Seal, context, "ALERT_OUT_OF_HOURS") if is_out_of_hours(seal.enterprise, context);
obligation(_: Person, "auto_use", seal: Seal, context, "ALERT_OUT_OF_HOURS") if
  is_out_of_hours(seal.enterprise, context);

# --- changed documents -----------------------------------------------------------------------------------------------

# Where something is missing and a request was approved for other documents, that is what has to be done again.
#@ U-15
because("PROCESS_FOLLOWED", "DOCUMENT_CHANGED", _: Person, seal: Seal, context) if
  sealed_contract(context, contract) and
  not keeps_house_rules(seal, context) and
  request in seal.use_requests and
  request.contract_id = contract.id and
  is_usable_request(request, context) and
  not is_for_these_documents(request, contract);

# --- approver and stamper --------------------------------------------------------------------------------------------

# Over the official, finance and legal representative's seals, the last approval of a use and the use itself are acts of
# two persons, whatever grant the approver has. A kind of seal that is not listed as a lesser one counts among them.
#@ U-12
meets(person: Person, "APPROVER_NOT_STAMPER", "use", seal: Seal, context) if
  sealed_contract(context, contract) and
  has_second_pair_of_eyes(person, seal, contract, context);
meets(person: Person, "APPROVER_NOT_STAMPER", "auto_use", seal: Seal, context) if
  sealed_contract(context, contract) and
  has_second_pair_of_eyes(person, seal, contract, context);
because("APPROVER_NOT_STAMPER", "TASK_REQUIRED", _: Person, _: Seal, context) if lacks_task(context);
because("APPROVER_NOT_STAMPER", "SOD_APPROVER_FROM_STAMPER", person: Person, seal: Seal, context) if
  sealed_contract(context, contract) and
  was_approved_by_appointee(person, seal, contract, context);
because("APPROVER_NOT_STAMPER", "SOD_APPROVER_IS_STAMPER", person: Person, seal: Seal, context) if
  sealed_contract(context, contract) and
  not is_lesser_seal(seal) and
  approved_last(person, seal, contract, context);

has_second_pair_of_eyes(person: Person, seal: Seal, contract: Contract, context) if
  is_lesser_seal(seal) and
  not was_approved_by_appointee(person, seal, contract, context);
has_second_pair_of_eyes(person: Person, seal: Seal, contract: Contract, context) if
  not is_lesser_seal(seal) and
  not approved_last(person, seal, contract, context) and
  not was_approved_by_appointee(person, seal, contract, context);

# Over no seal does the one who puts it choose who approves that: not one to whom they had just given their post, or the
# right. What they asked for themself is looked at where it is approved (APPROVER_SETTLED).
#@ M-11 U-12
was_approved_by_appointee(person: Person, seal: Seal, contract: Contract, context) if
  was_approved_by_appointee_of(person.id, seal, contract, context);

was_approved_by_appointee_of(person_id, seal: Seal, contract: Contract, context) if
  request in seal.use_requests and
  request.contract_id matches String and
  request.contract_id = contract.id and
  request.applicant.person_id != person_id and
  is_approved_state(request) and
  context.now < request.valid_to and
  approval in request.approvals and
  had_place_from(approval, request, person_id, context);

had_place_from(approval: Approval, request: SealUseRequest, by_id, context) if
  request.process_id matches String and
  had_role_from(approval, request, by_id, context);
had_place_from(approval: Approval, request: SealUseRequest, by_id, context) if
  request.process_id = nil and
  had_right_from(approval, request, by_id, context);

# Of somebody else's request that is approved and not over, the person gave the latest verdict that counts, or one of the
# latest: one that is dated ahead counts for nothing yet. (Their verdict on their own request counts for nothing anyway.)
approved_last(person: Person, seal: Seal, contract: Contract, context) if
  account_id(person, id) and
  gave_last_approval(id, seal, contract, context);

gave_last_approval(person_id, seal: Seal, contract: Contract, context) if
  request in seal.use_requests and
  request.contract_id matches String and
  request.contract_id = contract.id and
  request.applicant.person_id != person_id and
  is_approved_state(request) and
  context.now < request.valid_to and
  approval in request.approvals and
  approval.approver.person_id = person_id and
  forall(other in request.approvals,
         other.decided_at <= approval.decided_at or context.now < other.decided_at);

# … or, in the contract itself, signed a task of the owner's side to approve it.
gave_last_approval(person_id, seal: Seal, contract: Contract, _) if
  own_party(seal, contract, party) and
  task in party.tasks and
  task.action = "APPROVE" and
  is_signed_for(task, person_id);

# --- when the permission ends by itself ------------------------------------------------------------------------------

# With the minute in which the working hours end …
lapses(_: Person, "use", seal: Seal, context, at) if working_hours_lapse(seal.enterprise, context, at);
lapses(_: Person, "auto_use", seal: Seal, context, at) if working_hours_lapse(seal.enterprise, context, at);

working_hours_lapse(enterprise: Enterprise, context, at) if
  in_working_hours(enterprise, left, context) and
  minute_of(context.now, minute) and
  time_after(minute, left, "minutes", at);

# … and with the approvals that the enterprise's rules asked for. What an own request rests on, beside its own end, is
# here too.
lapses(_: Person, "use", seal: Seal, context, at) if required_approval_lapses(seal, context, at);
lapses(_: Person, "auto_use", seal: Seal, context, at) if required_approval_lapses(seal, context, at);
lapses(person: Person, "use", seal: Seal, context, at) if
  sealed_contract(context, contract) and
  approved_request(person, seal, contract, request, context) and
  approval_changes(request, context, at);

required_approval_lapses(seal: Seal, context, at) if
  sealing_task(context, task) and
  requires_approval(seal, task, context) and
  contract = task.signatory.contract and
  approved_for(seal, contract, request, context) and
  request_lapses(request, context, at);

requires_approval(seal: Seal, _: SigningTask, _) if has_amount_bands(seal.enterprise);
requires_approval(seal: Seal, task: SigningTask, _) if category_id_of_owner(seal, task.signatory.contract, _);
requires_approval(seal: Seal, _: SigningTask, context) if is_out_of_hours(seal.enterprise, context);

request_lapses(request: SealUseRequest, _, at) if at = request.valid_to;
request_lapses(request: SealUseRequest, context, at) if at = request.applicant.ended_at and context.now < at;
request_lapses(request: SealUseRequest, context, at) if approval_changes(request, context, at);

approval_changes(request: SealUseRequest, context, at) if
  approval in request.approvals and
  approver_entitlement_changes(approval.approver, request, context, at);
approval_changes(request: SealUseRequest, context, at) if
  approval in request.approvals and
  at = approval.approver.ended_at and
  context.now < at;

# --- what to submit --------------------------------------------------------------------------------------------------

# The process that is still to be followed: by amount, else by category.
process_to_follow(person: Person, seal: Seal, context, process) if
  sealed_contract(context, contract) and
  process_of_amount_is_open(seal, contract, process, context) and
  process_still_to_ask(person, seal, context, process);
process_to_follow(person: Person, seal: Seal, context, process) if
  sealing_task(context, task) and
  not amount_still_to_ask(person, seal, context) and
  process_of_category_is_open(seal, task.signatory.contract, process, context) and
  process_still_to_ask(person, seal, context, process);

amount_still_to_ask(person: Person, seal: Seal, context) if
  sealed_contract(context, contract) and
  process_of_amount_is_open(seal, contract, process, context) and
  process_still_to_ask(person, seal, context, process);
