# Alerts: what those who watch the seals must see, until one of them has seen it.
#
# What a use of a seal alerts of stands with the use (seal_use.polar, special_use.polar, physical_use.polar, procedures.polar,
# licence.polar): an obligation whose code begins with ALERT_. Where no act is the cause, the service itself performs the
# act `alert`, once for each cause: on a seal that is out, on a use that was reserved, on an attempt that was denied.
# Whether there is an alert is said here: change the conditions to be alerted earlier, later or of more.

resource SealOuting {
  permissions = ["alert"];
}
resource SealUse {
  permissions = ["alert"];
}
resource DeniedAttempt {
  permissions = ["alert"];
}
resource Alert {
  permissions = ["acknowledge", "view"];
}

has_permission(person: Person, "alert", outing: SealOuting) if outing.holder.person_id = person.id;
has_permission(person: Person, "alert", use: SealUse) if use.person_id = person.id;
has_permission(person: Person, "alert", attempt: DeniedAttempt) if attempt.person_id = person.id;
has_permission(_: Person, "acknowledge", _: Alert);
has_permission(_: Person, "view", _: Alert);

# --- what time alone makes an alert of -------------------------------------------------------------------------------

# W-05: A physical seal that was carried out and is not back when it is due.
#@ W-05
requires("alert", _: SealOuting, "ALERT_DUE");
meets(_: Person, "ALERT_DUE", "alert", outing: SealOuting, context) if
  outing.state = "OUT" and
  outing.due_at <= context.now;
obligation(_: Person, "alert", _: SealOuting, _, "ALERT_UNRETURNED_SEAL");

# W-05: A receipt of which nobody said what became of it.
#@ W-05 U-25
requires("alert", _: SealUse, "ALERT_DUE");
meets(_: Person, "ALERT_DUE", "alert", use: SealUse, _) if use.state = "UNKNOWN";
obligation(_: Person, "alert", _: SealUse, _, "ALERT_UNCLOSED_RECEIPT");

# --- attempts that were denied ---------------------------------------------------------------------------------------

# W-05: The third denied act of a person on a seal within a day, and each denied use of a seal that is frozen or lost,
# whatever else was missing. The seal's own state decides that, not the reason that came first. A hold that the platform
# or a court placed is not reported here.
#@ W-05
requires("alert", _: DeniedAttempt, "ALERT_DUE");
meets(_: Person, "ALERT_DUE", "alert", attempt: DeniedAttempt, _) if is_one_too_many(attempt);
meets(_: Person, "ALERT_DUE", "alert", attempt: DeniedAttempt, _) if is_on_blocked_seal(attempt);
obligation(_: Person, "alert", attempt: DeniedAttempt, _, "ALERT_DENIED_ATTEMPTS") if is_one_too_many(attempt);
obligation(_: Person, "alert", attempt: DeniedAttempt, _, "ALERT_BLOCKED_SEAL") if is_on_blocked_seal(attempt);

is_one_too_many(attempt: DeniedAttempt) if attempt.within_day = 3;

is_on_blocked_seal(attempt: DeniedAttempt) if
  is_act_of_use(attempt) and
  attempt.seal.state = "LOST";
is_on_blocked_seal(attempt: DeniedAttempt) if
  is_act_of_use(attempt) and
  hold in attempt.seal.holds and
  hold.state = "PLACED" and
  hold.source in ["ADMIN", "RETRIEVAL"] and
  hold.placed_at <= attempt.attempted_at;

is_act_of_use(attempt: DeniedAttempt) if
  attempt.action in ["use", "auto_use", "emergency_use", "stamp", "carry_out"];

# --- a case of retrieval ---------------------------------------------------------------------------------------------

# W-05: Somebody applies to take the enterprise over, or claims that its administrator has gone.
#@ W-05
obligation(_: Person, "submit", _: RetrievalCase, _, "ALERT_RETRIEVAL_CASE");
obligation(_: Person, "claim_admin_gone", _: Enterprise, _, "ALERT_RETRIEVAL_CASE");

# --- seeing one ------------------------------------------------------------------------------------------------------

# W-05: Those who watch the seal, or the whole enterprise where it is about no seal, see an alert and acknowledge it …
#@ W-05 W-01
requires("view", _: Alert, "MONITOR");
requires("acknowledge", _: Alert, "MONITOR");
meets(person: Person, "MONITOR", "view", alert: Alert, context) if watches_alert(person, alert, context);
meets(person: Person, "MONITOR", "acknowledge", alert: Alert, context) if watches_alert(person, alert, context);

watches_alert(person: Person, alert: Alert, context) if watches_all(person, alert.enterprise, context);
watches_alert(person: Person, alert: Alert, context) if
  alert.seal_id matches String and
  watches(person, alert.enterprise, alert.seal_id, context);

# … once.
#@ W-05
requires("acknowledge", _: Alert, "ALERT_OPEN");
meets(_: Person, "ALERT_OPEN", "acknowledge", alert: Alert, _) if alert.state = "OPEN";

# W-06: Nobody puts aside what they are watched for, unless nobody else is there.
#@ W-06
requires("acknowledge", _: Alert, "ALERT_OF_ANOTHER");
meets(person: Person, "ALERT_OF_ANOTHER", "acknowledge", alert: Alert, _) if not is_alert_of(person, alert);
meets(person: Person, "ALERT_OF_ANOTHER", "acknowledge", alert: Alert, context) if
  acts_alone(person, alert.enterprise, context);

is_alert_of(person: Person, alert: Alert) if
  alert.person_id matches String and
  account_id(person, alert.person_id);

obligation(_: Person, "acknowledge", _: Alert, _, "CONSUME_ASSERTION");
obligation(_: Person, "view", _: Alert, _, "WATERMARK");
obligation(_: Person, "view", _: Alert, _, "MASK_PERSONAL_DATA");

lapses(person: Person, "view", alert: Alert, context, at) if watch_lapses(person, alert.enterprise, context, at);
lapses(person: Person, "acknowledge", alert: Alert, context, at) if watch_lapses(person, alert.enterprise, context, at);

# --- who knows of one ------------------------------------------------------------------------------------------------

visible(person: Person, alert: Alert, context) if watches_alert(person, alert, context);
visible(person: Person, attempt: DeniedAttempt, _) if attempt.person_id = person.id;
has_standing(_: Person, _: Alert, _);
has_standing(_: Person, _: DeniedAttempt, _);

# --- reasons ---------------------------------------------------------------------------------------------------------

otherwise("SERVICE_ITSELF", "NOTHING_TO_ALERT");
otherwise("ALERT_DUE", "NOTHING_TO_ALERT");
otherwise("ALERT_OPEN", "ALERT_SEEN");
otherwise("ALERT_OF_ANOTHER", "MONITORED_PERSON");
reason("NOTHING_TO_ALERT", 100, "USER", "NONE");
reason("ALERT_SEEN", 100, "USER", "NONE");
