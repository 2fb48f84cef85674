"""Proposing and confirming changes of an enterprise's own rules, and writing them.

Writing replaces all rules of a kind. What is written on a change that two agreed to must have the digest that they
agreed to; what one person writes alone because it only tightens must do just that. Both are worked out here from the
rules themselves: what the client says of them in the context counts for nothing else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from sealauthz.model.effects.acting import refuse
from sealauthz.model.effects.rule_terms import rules_digest
from sealauthz.model.effects.told import administrators, persons, watchers
from sealauthz.model.normal_forms import currency_problem, normalise_currency
from sealauthz.model.records.organisation import CustomRole, CustomRolePower, Department, Holiday, WorkingHours
from sealauthz.model.records.procedures import AmountBand, RuleChange, RuleChangeState, RuleKind
from sealauthz.schema import Act, Delete, Duty, Event, MetBy, Outcome, Put, RecordChange, Update
from sealauthz.schema.effect import Value

_OPEN = ("PROPOSED", "CONFIRMED")


# --- agreeing ---------------------------------------------------------------------------------------------------------


def propose_rule_change(act: Act) -> Outcome:
    """Propose a change of rules, by their digest; another person confirms it."""
    enterprise, given = act.resource, act.arguments
    if not given.digest:
        refuse("arguments[digest]", "must be that of the rules as they are to be")
    of_enterprise = act.snapshot.matching("RuleChange", enterprise_id=enterprise.id, rule_kind=str(given.rule_kind))
    changes = (act.snapshot.find("RuleChange", change_id) for change_id in of_enterprise)
    if any(change is not None and change.state in _OPEN for change in changes):
        refuse("arguments[rule_kind]", "has an open proposal already, which is confirmed or withdrawn first")
    made = RuleChange(
        act.new_id("change"),
        enterprise.id,
        RuleKind(given.rule_kind),
        given.digest,
        given.counts_from,
        act.subject.id,
        act.now,
    )
    told = persons(administrators(enterprise, act.now), [act.subject.id])
    event = Event("RULE_CHANGE_PROPOSED", enterprise.id, ("RuleChange", made.id), told, _kind(act, made))
    return Outcome((Put(made),), (event,), {"change_id": made.id})


def confirm_change(act: Act) -> Outcome:
    """Confirm a change of rules: it can be written from its time on."""
    change = act.resource
    event = _to_author("RULE_CHANGE_CONFIRMED", act)
    return Outcome(
        (act.set(change, state=RuleChangeState.CONFIRMED, confirmed_by_id=act.subject.id, confirmed_at=act.now),),
        (event,),
    )


def withdraw_change(act: Act) -> Outcome:
    """Take a change of rules back, as long as it is not written."""
    return Outcome(
        (act.set(act.resource, state=RuleChangeState.WITHDRAWN),), (_to_author("RULE_CHANGE_WITHDRAWN", act),)
    )


def _kind(act: Act, change: Any) -> Mapping[str, Value]:
    return {"rule_kind": str(change.rule_kind), "counts_from_at": change.counts_from, "actor_id": act.subject.id}


def _to_author(code: str, act: Act) -> Event:
    change = act.resource
    told = persons([change.proposed_by_id], [act.subject.id])
    return Event(code, change.enterprise_id, ("RuleChange", change.id), told, _kind(act, change))


def check_agreed(act: Act, tightens: Callable[[], bool] | None = None) -> None:
    """Refuse rules that are not those that were agreed to, or that do more than tighten where they say only that."""
    digest = rules_digest(act.action, type(act.resource).__name__, act.resource.id, act.arguments)
    if "CARRY_OUT_CHANGE" in act.obligations:
        if act.context.change.digest != digest:
            refuse("context[change]", f"is of other rules: these have the digest `{digest}`")
    elif "CONSUME_VERIFICATION" in act.obligations:
        # The owner of a company of one, who showed their face for rules of a digest: these must be they.
        if act.context.verification.bound_digest != digest:
            refuse("context[verification]", f"is of other rules: these have the digest `{digest}`")
    elif tightens is None or not tightens():
        refuse("context[effect]", "is not true of these rules: they do more than tighten those that stand")


def written(act: Act, enterprise: Any, changes: Iterable[RecordChange], values: Mapping[str, Value]) -> Outcome:
    """What follows from writing rules: the changes, and those who run and watch the enterprise are told."""
    told = persons([*administrators(enterprise, act.now), *watchers(enterprise, act.now)], [act.subject.id])
    about = (type(act.resource).__name__, act.resource.id)
    event = Event("RULES_CHANGED", enterprise.id, about, told, {"action": act.action, "actor_id": act.subject.id})
    return Outcome(tuple(changes), (event,), values)


# --- amounts and times ------------------------------------------------------------------------------------------------


def set_amount_bands(act: Act) -> Outcome:
    """Write all amount bands of an enterprise."""
    enterprise = act.resource
    new = {(normalise_currency(band.currency), band.from_amount): band.process for band in act.arguments.bands}
    if len(new) < len(act.arguments.bands):
        refuse("arguments[bands]", "must name each amount of a currency once")
    old = {(band.currency, band.from_amount): band for band in enterprise.amount_bands}
    for (currency, from_amount), process in new.items():
        standing = old.get((currency, from_amount))
        found = enterprise.approval_processes.holding("id", process)
        is_kept = standing is not None and standing.process_id == process
        if not is_kept and (not found or found[0].state != "ENABLED"):
            refuse("arguments[bands]", "must name processes of this enterprise that are in force")
        if from_amount < 0 or not currency or currency_problem(currency) is not None:
            refuse("arguments[bands]", "must begin from 0 on, in a currency by its code of three letters")
    check_agreed(act)
    changes: list[RecordChange] = [Delete("AmountBand", band.id) for key, band in old.items() if key not in new]
    changes += [
        act.set(band, process_id=new[key])
        for key, band in old.items()
        if new.get(key, "") != band.process_id and key in new
    ]
    changes += [
        Put(AmountBand(act.new_id(f"band-{currency}-{amount}"), enterprise.id, process, currency, amount))
        for (currency, amount), process in new.items()
        if (currency, amount) not in old
    ]
    return written(act, enterprise, changes, {})


def set_working_hours(act: Act) -> Outcome:
    """Write all working hours of an enterprise; none at all means that it has no such limit."""
    enterprise = act.resource
    new = {(hours.weekday, hours.from_minute): hours.to_minute for hours in act.arguments.hours}
    if len(new) < len(act.arguments.hours):
        refuse("arguments[hours]", "must begin at different minutes of a weekday")
    for (weekday, begin), end in new.items():
        if not 1 <= weekday <= 7 or not 0 <= begin < end <= 1440:
            refuse("arguments[hours]", "must be within the 1,440 minutes of the weekdays 1 to 7")
    old = {(hours.weekday, hours.from_minute): hours for hours in enterprise.working_hours}
    check_agreed(act, lambda: hours_tighten({key: hours.to_minute for key, hours in old.items()}, new))
    changes: list[RecordChange] = [Delete("WorkingHours", hours.id) for key, hours in old.items() if key not in new]
    changes += [
        act.set(old[key], to_minute=end) for key, end in new.items() if key in old and old[key].to_minute != end
    ]
    changes += [
        Put(WorkingHours(act.new_id(f"hours-{weekday}-{begin}"), enterprise.id, weekday, begin, end))
        for (weekday, begin), end in new.items()
        if (weekday, begin) not in old
    ]
    return written(act, enterprise, changes, {})


def hours_tighten(old: Mapping[tuple[int, int], int], new: Mapping[tuple[int, int], int]) -> bool:
    """Tell whether hours only tighten: every minute of them was one of the old hours, where there were any."""
    if not new:
        return not old
    minutes: dict[int, set[int]] = defaultdict(set)
    for (weekday, begin), end in old.items():
        minutes[weekday].update(range(begin, end))
    return not old or all(minutes[weekday].issuperset(range(begin, end)) for (weekday, begin), end in new.items())


def set_holidays(act: Act) -> Outcome:
    """Write all days of an enterprise that are not what their weekdays say."""
    enterprise = act.resource
    new = {day.day: (str(day.kind), day.weekday) for day in act.arguments.days}
    if len(new) < len(act.arguments.days):
        refuse("arguments[days]", "must name each day once")
    for day, (kind, weekday) in new.items():
        if day < 0 or (kind == "WORKDAY") != (weekday is not None) or not 1 <= (weekday or 1) <= 7:
            refuse("arguments[days]", "must be days from 1970 on; a `WORKDAY` names the weekday that it makes up for")
    old = {day.day: day for day in enterprise.holidays}
    check_agreed(act, lambda: days_tighten({key: (day.kind, day.weekday) for key, day in old.items()}, new))
    changes: list[RecordChange] = [Delete("Holiday", day.id) for key, day in old.items() if key not in new]
    for key, (kind, weekday) in new.items():
        before = old.get(key)
        if before is None:
            # The day is named once, so that its id can tell it.
            made = Holiday(act.new_id(f"day-{key}"), enterprise.id, key)
            made.kind, made.weekday = kind, weekday  # type: ignore[assignment]
            changes.append(Put(made))
        elif (before.kind, before.weekday) != (kind, weekday):
            changes.append(act.set(before, kind=kind, weekday=weekday))
    return written(act, enterprise, changes, {})


def days_tighten(old: Mapping[int, tuple[str, int | None]], new: Mapping[int, tuple[str, int | None]]) -> bool:
    """Tell whether days only tighten: every free day stays, and each that is new or different is a free one."""
    return all(new.get(day) in (said, ("HOLIDAY", None)) for day, said in old.items()) and all(
        said[0] == "HOLIDAY" for day, said in new.items() if old.get(day) != said
    )


# --- settings ---------------------------------------------------------------------------------------------------------


def change_settings(act: Act) -> Outcome:
    """Change an organisation's settings: its time zone, its departments, and the roles of its own making."""
    enterprise, given = act.resource, act.arguments
    check_agreed(act)
    changes: list[RecordChange] = []
    if given.timezone is not None:
        try:
            ZoneInfo(given.timezone)
        except (KeyError, OSError, ValueError):
            refuse("arguments[timezone]", "is no time zone")
        changes.append(act.set(enterprise, timezone=given.timezone))
    for number, each in enumerate(given.departments):
        for named in (each.department, each.parent):
            if named is not None and not enterprise.departments.holding("id", named):
                refuse(f"arguments[departments][{number}]", "names a department of another enterprise")
        if not each.name or (each.department is not None and each.department == each.parent):
            refuse(f"arguments[departments][{number}]", "must have a name, and is not within itself")
        if each.department is not None:
            changes.append(Update("Department", each.department, {"name": each.name, "parent_id": each.parent}))
        else:
            made = Department(act.new_id(f"department-{number}"), enterprise.id, each.name, each.parent)
            changes.append(Put(made))
    for number, role in enumerate(given.custom_roles):
        changes += _custom_role(act, number, role)
    if not changes:
        refuse("arguments", "must say what changes")
    return written(act, enterprise, changes, {})


def _custom_role(act: Act, number: int, terms: Any) -> Iterable[RecordChange]:
    enterprise, powers = act.resource, set(terms.powers)
    if not terms.name:
        refuse(f"arguments[custom_roles][{number}]", "must have a name")
    if terms.role is None:
        role = CustomRole(act.new_id(f"role-{number}"), enterprise.id, terms.name)
        yield Put(role)
        old: Mapping[str, Any] = {}
    else:
        found = enterprise.custom_roles.holding("id", terms.role)
        role = found[0] if found else refuse(f"arguments[custom_roles][{number}]", "is a role of another enterprise")
        yield act.set(role, name=terms.name)
        old = {each.power: each for each in role.powers}
    yield from (Delete("CustomRolePower", each.id) for power, each in old.items() if power not in powers)
    for power in sorted(powers):
        if power not in old:
            yield Put(CustomRolePower(act.new_id(f"power-{number}-{power}"), role.id, power))


def _carry_out(act: Act, named: Mapping[str, Value]) -> Iterable[RecordChange]:
    """Use up the change that the rules are written on."""
    change = act.context.change
    if change is None or change.id != named["change_id"] or change.state != "CONFIRMED":
        refuse("context[change]", "is no change that can be carried out")
    yield act.set(change, state=RuleChangeState.CARRIED_OUT)


DUTIES = (Duty("CARRY_OUT_CHANGE", MetBy.TRANSACTION, meet=_carry_out),)

EVENTS = {
    "RULE_CHANGE_PROPOSED": "A change of an enterprise's own rules waits for a second person; for those who run it.",
    "RULE_CHANGE_CONFIRMED": "A change of rules was confirmed; for the person who proposed it.",
    "RULE_CHANGE_WITHDRAWN": "A change of rules was taken back; for the person who proposed it.",
    "RULES_CHANGED": "An enterprise's own rules were written; for those who run it and those who watch its seals.",
}
"""The codes of these events, each with what it tells."""
