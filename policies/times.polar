# The clock and the calendar in words, so that no rule counts microseconds. Rules of yours may call all of it; most of
# the product's own lengths of time are numbers of parameters.toml instead, as a house may want others.
#
# A length is a number and a unit: `30, "minutes"`. What has no time, or has never been (0), is neither near nor long ago.

# The lengths of the units. The checker knows them, and refuses others.
unit_of_time("second", 1000000);
unit_of_time("seconds", 1000000);
unit_of_time("minute", 60000000);
unit_of_time("minutes", 60000000);
unit_of_time("hour", 3600000000);
unit_of_time("hours", 3600000000);
unit_of_time("day", 86400000000);
unit_of_time("days", 86400000000);
unit_of_time("week", 604800000000);
unit_of_time("weeks", 604800000000);

# The time that is so long after another one, or before it: time_after(contract.sent_at, 3, "days", at).
time_after(at: Integer, count: Integer, unit, found) if
  unit_of_time(unit, length) and
  found = at + count * length;
time_before(at: Integer, count: Integer, unit, found) if
  unit_of_time(unit, length) and
  found = at - count * length;

# It was less than so long ago, and is not to come: is_within_last(check.passed_at, 30, "minutes", context).
is_within_last(at: Integer, count, unit, context) if
  at > 0 and
  time_after(at, count, unit, end) and
  at <= context.now and
  context.now < end;

# It was so long ago, or longer: is_ago(request.created_at, 3, "days", context).
is_ago(at: Integer, count, unit, context) if
  at > 0 and
  time_after(at, count, unit, end) and
  end <= context.now;

# Two times are less than so long apart, whichever is first: is_within(sealed_at, 30, "minutes", signed_at).
is_within(at: Integer, count, unit, other: Integer) if
  at > 0 and
  other > 0 and
  time_after(at, count, unit, latest) and
  other < latest and
  time_before(at, count, unit, earliest) and
  earliest < other;

# The beginning of the minute that a time is in.
minute_of(at: Integer, found) if
  unit_of_time("minute", length) and
  found = at - at mod length;

# --- where the enterprise is ---------------------------------------------------------------------------------------

# The day and the hour by the clock of the enterprise that a seal belongs to, in the acts that use one. Nothing of this
# holds where its time zone is not known.
is_on_day(day, context) if
  number_of_day(day, number) and
  weekday = context.local_weekday and
  weekday matches Integer and
  weekday = number;

number_of_day("Monday", 1);
number_of_day("Tuesday", 2);
number_of_day("Wednesday", 3);
number_of_day("Thursday", 4);
number_of_day("Friday", 5);
number_of_day("Saturday", 6);
number_of_day("Sunday", 7);

# From Monday to Friday, whatever the calendar of the State Council says (is_working_day asks that).
is_weekday(context) if
  weekday = context.local_weekday and
  weekday matches Integer and
  weekday <= 5;

# From one full hour until before another: is_between_hours(9, 18, context).
is_between_hours(first, end, context) if
  minute = context.local_minute and
  minute matches Integer and
  first * 60 <= minute and
  minute < end * 60;

# A day on which the enterprise has working hours, and within them (procedures.polar): what is said of a day, a holiday
# or a make-up working day, beats its weekday. An enterprise that has set no hours has neither.
#@ A-06
is_working_day(enterprise: Enterprise, context) if
  weekday_of_hours(enterprise, weekday, context) and
  hours in enterprise.working_hours and
  hours.weekday = weekday;

is_in_working_hours(enterprise: Enterprise, context) if in_working_hours(enterprise, _, context);
