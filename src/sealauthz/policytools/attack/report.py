"""What a search found, for people and for programs: the steps, the rules that allowed each, and what it changed."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sealauthz.decision import Bundle, PolicyDecisionPoint, RequestOptions, Standing
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.policytools.attack.found import Ended, Found, Made
from sealauthz.policytools.attack.moves import ActMove, OutsideMoved, Waited
from sealauthz.schema import FOREVER, NEVER, UNLIMITED, Model, values_of
from sealauthz.schema.arguments import Argument, arguments_of

_LONG = 20
"""Ids of more characters were made by an act."""

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True, slots=True)
class RuleAt:
    """A rule that settled a requirement of an act, and where it stands."""

    requirement: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class StepReport:
    """One step: who did what, what somebody outside gave for it, the rules that allowed it, and what it changed."""

    who: str
    what: str
    provided: tuple[str, ...]
    rules: tuple[RuleAt, ...]
    changes: tuple[str, ...]
    act: Mapping[str, Any] | None = None
    """The act as `perform` takes it; None for other moves."""

    @property
    def places(self) -> str:
        """Where the rules stand, file by file: `seal_use.polar:32,39`."""
        by_file: dict[str, dict[int, None]] = {}
        for rule in self.rules:
            by_file.setdefault(rule.file, {})[rule.line] = None
        return " ".join(f"{file}:{','.join(map(str, lines))}" for file, lines in by_file.items())


class Names:
    """Short names for the ids that acts and the outside make, so that a person can follow them: `SealUse:new-1`."""

    def __init__(self, found: Found) -> None:
        self._short: dict[str, str] = {}
        for step in found.steps:
            for (_, record_id), before, _ in step.after.since(step.before):
                if before is None and (record_id.startswith("given-") or len(record_id) > _LONG):
                    self._short.setdefault(record_id, f"new-{len(self._short) + 1}")

    def short(self, text: str) -> str:
        """Return a text with the short names in it."""
        for long, name in self._short.items():
            text = text.replace(long, name)
        return text


def steps_of(bundle: Bundle, found: Found) -> list[StepReport]:
    """Return the steps of an attack, with short names for what is new."""
    names = Names(found)
    steps = (_step(bundle, each) for each in found.steps)
    return [
        dataclasses.replace(
            step,
            what=names.short(step.what),
            provided=tuple(map(names.short, step.provided)),
            changes=tuple(map(names.short, step.changes)),
        )
        for step in steps
    ]


def _step(bundle: Bundle, made: Made) -> StepReport:
    model, move = bundle.model, made.move
    changes = tuple(_changes(model, made))
    match move:
        case ActMove():
            asked = move.asked
            context = "".join(f" {key}={value}" for key, value in asked.context)
            declared = arguments_of(model.action(asked.action, asked.resource[0]).arguments)
            said = {name: _readable(declared[name], value) for name, value in move.arguments.items()}
            arguments = f" {json.dumps(said, ensure_ascii=False)}" if said else ""
            what = f"{asked.action} {':'.join(asked.resource)}{context}{arguments}"
            provided = tuple(f"{whose} {says}" for whose, says, _ in move.provided)
            return StepReport(asked.subject, what, provided, tuple(_rules(bundle, made, move)), changes, _act(move))
        case OutsideMoved():
            return StepReport(move.owner, move.name, (), (), changes)
        case Waited():
            return StepReport("", f"time passes until {_instant(move.until)}", (), (), changes)


def _rules(bundle: Bundle, made: Made, move: ActMove) -> Iterator[RuleAt]:
    facts = made.before.with_records([record for _, _, record in move.provided])
    point = PolicyDecisionPoint(FactCache.of_records(bundle.model, facts.records), bundle, lambda: made.now)
    question = move.asked.question(bundle.model.subjects[0])
    explanation = point.explain(question, RequestOptions(caller=move.asked.caller))
    for outcome in explanation.requirements:
        if outcome.standing != Standing.UNMET:
            for rule in outcome.tried[:1]:
                yield RuleAt(outcome.requirement, rule.file, rule.line)


def _changes(model: Model, made: Made) -> Iterator[str]:
    for (record_type, record_id), before, after in made.after.since(made.before):
        name = f"{record_type}:{record_id}"
        if before is None:
            yield f"+ {name} {_columns(model, record_type, after, None)}"
        elif after is None:
            yield f"- {name}"
        else:
            yield f"~ {name} {_columns(model, record_type, after, before)}"


def _columns(model: Model, record_type: str, record: Any, before: Any) -> str:
    """Say what a record holds that its defaults do not say, or what is another value now."""
    columns = model.shapes[record_type].columns
    old = values_of(before) if before is not None else [column.default for column in columns]
    said = []
    for column, value, was in zip(columns, values_of(record), old, strict=True):
        if value == was or column.name == "id" or column.is_personal or value in (None, ""):
            continue
        said.append(f"{column.name}={_instant(value) if column.is_instant else _plain(value)}")
    return " ".join(said)


def _plain(value: Any) -> str:
    return "unlimited" if value == UNLIMITED else str(value)


def _readable(argument: Argument, value: Any) -> Any:
    if argument.column is not None and argument.column.is_instant and isinstance(value, int):
        return _instant(value)
    return _plain(value) if value == UNLIMITED else value


def _instant(value: int) -> str:
    if value == NEVER:
        return "never"
    if value >= FOREVER:
        return "forever"
    return (_EPOCH + datetime.timedelta(microseconds=value)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _act(move: ActMove) -> dict[str, Any]:
    asked = move.asked
    return {
        "subject": asked.subject,
        "action": asked.action,
        "resource": ":".join(asked.resource),
        "context": dict(asked.context),
        "arguments": dict(move.arguments),
        "caller": asked.caller,
    }


@dataclass(frozen=True, slots=True)
class Report:
    """What a search for one goal found, as plain values: one process can tell another."""

    goal: str
    file: str
    line: int
    ended: Ended
    depth: int
    complete: int
    record: str
    states: int
    acts: int
    contexts_left_out: int
    arguments_left_out: int
    seconds: float
    steps: tuple[StepReport, ...]
    is_replayed: bool | None = None
    """Whether a replay reached the goal; None where there was none."""
    replay_said: str = ""

    @property
    def bound(self) -> str:
        """How far a search looked that found nothing. INVARIANT: it never says that there is nothing to be found."""
        looked = f"{self.states:,} state{'' if self.states == 1 else 's'}, {self.acts:,} acts decided"
        none = f"no attack up to {_acts(self.complete)}" if self.complete else "no attack found"
        match self.ended:
            case Ended.TIME:
                return f"{none} before the time was over ({looked}; {_acts(self.depth)} were asked for)"
            case Ended.STATES:
                return f"{none} before there were too many states ({looked}; {_acts(self.depth)} were asked for)"
            case Ended.ALL:
                return f"no attack found: nothing that was tried leads further ({looked})"
            case _:
                return f"{none} ({looked})"

    @property
    def left_out(self) -> str:
        """What was not tried because there is too much of it; empty where all was."""
        said = []
        if self.contexts_left_out:
            said.append(f"{self.contexts_left_out:,} times some contexts of an act")
        if self.arguments_left_out:
            said.append(f"{self.arguments_left_out:,} times some arguments")
        return f"not tried: {' and '.join(said)}" if said else ""


def _acts(count: int) -> str:
    return f"{count} act{'s' if count > 1 else ''}"


def report_of(bundle: Bundle, found: Found) -> Report:
    """Return what a search found."""
    goal = found.goal
    return Report(
        goal.name,
        goal.file,
        goal.line,
        found.ended,
        found.depth,
        found.complete,
        Names(found).short(found.record),
        found.states,
        found.decided + found.remembered,
        found.contexts_left_out,
        found.arguments_left_out,
        found.seconds,
        tuple(steps_of(bundle, found)),
    )


def as_json(report: Report) -> dict[str, Any]:
    """Return what a search found as JSON."""
    said: dict[str, Any] = {
        "goal": report.goal,
        "file": report.file,
        "line": report.line,
        "ended": str(report.ended),
        "depth": report.depth,
        "complete": report.complete,
        "record": report.record,
        "states": report.states,
        "acts": report.acts,
        "left_out": {"contexts": report.contexts_left_out, "arguments": report.arguments_left_out},
        "seconds": round(report.seconds, 3),
        "steps": [step_json(step) for step in report.steps],
    }
    if report.is_replayed is not None:
        said["replayed"] = {"reached": report.is_replayed, "said": report.replay_said}
    return said


def step_json(step: StepReport) -> dict[str, Any]:
    """Return one step as JSON."""
    return {
        "who": step.who,
        "what": step.what,
        "provided": list(step.provided),
        "rules": [{"requirement": rule.requirement, "file": rule.file, "line": rule.line} for rule in step.rules],
        "changes": list(step.changes),
        **({} if step.act is None else {"performed": dict(step.act)}),
    }
