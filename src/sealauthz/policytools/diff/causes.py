"""Why one bundle allows what the other denies: the rules and conditions in which they differ."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sealauthz.polar import RuleNode, trace
from sealauthz.polar.program import Clause
from sealauthz.polar.syntax import Attribute, Call
from sealauthz.polar.terms import nodes_of
from sealauthz.polar.unparse import written, written_head
from sealauthz.policytools.diff.changes import Cause, CauseKind, SourceLine, Stop
from sealauthz.policytools.diff.clauses import BLOCK_RULES
from sealauthz.policytools.diff.report import delta
from sealauthz.policytools.diff.side import Prepared, Side, source_line

_MAX_STOPS = 3
_MAX_LINES = 3


def causes_of(prepared: Prepared, allowing: tuple[Side, Any], denying: tuple[Side, Any]) -> tuple[Cause, ...]:
    """Return why one side allows and the other denies."""
    yes, yes_context = allowing
    no, no_context = denying
    subject, action, resource = prepared.about
    if not no.knows(action, type(resource).__name__):
        return (Cause(CauseKind.ACTION),)
    causes: list[Cause] = []
    failure = no.failure(subject, action, resource, no_context)
    if failure:
        causes.append(Cause(CauseKind.FAILURE, error=failure))
    if not no.holds("visible", subject, resource, no_context):
        asks = ("visible", (subject, resource, yes_context), (subject, resource, no_context))
        causes.append(_cause(CauseKind.VISIBILITY, yes, no, asks))
    if not no.holds("has_permission", subject, action, resource):
        asks = ("has_permission", (subject, action, resource), (subject, action, resource))
        causes.append(_cause(CauseKind.PERMISSION, yes, no, asks))
    for requirement in no.unmet(subject, action, resource, no_context):
        causes.append(_unmet_cause(prepared, requirement, allowing, denying))
    return tuple(causes)


def _unmet_cause(prepared: Prepared, requirement: str, allowing: tuple[Side, Any], denying: tuple[Side, Any]) -> Cause:
    yes, yes_context = allowing
    no, no_context = denying
    subject, action, resource = prepared.about
    type_ = type(resource).__name__
    asks: tuple[str, tuple[Any, ...], tuple[Any, ...]] = (
        "meets",
        (subject, requirement, action, resource, yes_context),
        (subject, requirement, action, resource, no_context),
    )
    if yes.required_by(action, type_, requirement) is None:
        stops = _stops(no.tried(asks[0], *asks[2]))
        line = no.required_by(action, type_, requirement)
        return Cause(CauseKind.CHECKLIST, requirement, required_by=line, stops=stops)
    if not yes.holds(asks[0], *asks[1]):
        # Not met, so waived. The bundle that denies has no such exception, or one that does not hold.
        asks = (
            "waived",
            (requirement, action, resource, yes_context),
            (requirement, action, resource, no_context),
        )
    return _cause(CauseKind.REQUIREMENT, yes, no, asks, requirement)


def obliging(side: Side, prepared: Prepared, code: str) -> Cause:
    """Return the line behind an obligation."""
    type_ = type(prepared.resource).__name__
    rules = (
        rule
        for rule in side.rules.get("obligation", ())
        if (rule.parameters[1].literal, rule.parameters[2].type, rule.parameters[4].literal)
        == (prepared.action.name, type_, code)
    )
    lines = (source_line(rule.place) for rule in rules)
    return Cause(CauseKind.OBLIGATION, code, required_by=next(lines, None))


def _cause(
    kind: CauseKind,
    yes: Side,
    no: Side,
    asks: tuple[str, tuple[Any, ...], tuple[Any, ...]],
    requirement: str = "",
) -> Cause:
    """Find the clause that holds on the side that allows, and where the other side stops."""
    name, yes_arguments, no_arguments = asks
    proving = next((attempt.clause for attempt in yes.tried(name, *yes_arguments) if attempt.is_met), None)
    tried = no.tried(name, *no_arguments)
    if proving is None:
        return Cause(kind, requirement, stops=_stops(tried))
    words = _words(proving)
    # Where the rule is the same, what matters is where it stops now, not where its neighbours do.
    same = [attempt for attempt in tried if _words(attempt.clause) == words]
    line = source_line(proving.place)
    rule = yes.rule_at(line, name)
    below = _below(rule, yes, no)
    return Cause(
        kind,
        requirement,
        line,
        is_waived=name == "waived",
        is_rule_changed=not same and not no.has_twin(rule),
        only_allowing=tuple(other for other in _only_in(yes, no, below) if other != line)[:_MAX_LINES],
        only_denying=_only_in(no, yes, below)[:_MAX_LINES],
        parameters=_changed_parameters(rule, yes, no, below),
        stops=_stops(same or tried),
    )


def _below(rule: RuleNode | None, yes: Side, no: Side) -> set[str]:
    """The names of all rules that a rule calls, in either bundle; of a line in a block, those that blocks stand for."""
    waiting = list(BLOCK_RULES) if rule is None else _called(rule)
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in found or (name not in yes.rules and name not in no.rules):
            continue
        found.add(name)
        for side in (yes, no):
            for other in side.rules.get(name, ()):
                waiting += _called(other)
    return found


def _called(rule: RuleNode) -> list[str]:
    """The names of the rules that a rule calls."""
    return [node.name for node in nodes_of(rule) if isinstance(node, Call)]


def _only_in(side: Side, other: Side, names: set[str]) -> tuple[SourceLine, ...]:
    """The rules of these names that one bundle has and the other has not, word for word."""
    lines = (source_line(rule.place) for name in names for rule in side.rules.get(name, ()) if not other.has_twin(rule))
    return tuple(sorted(lines, key=lambda at: (at.file, at.line)))


def _changed_parameters(rule: RuleNode | None, yes: Side, no: Side, names: set[str]) -> tuple[str, ...]:
    """The parameters that differ, of those that a rule or the rules below it read."""
    rules = [some for name in names for side in (yes, no) for some in side.rules.get(name, ())]
    some_rules = (*rules, *([rule] if rule else []))
    read = {node.name for some in some_rules for node in nodes_of(some) if isinstance(node, Attribute)}
    changed = delta(yes.bundle, no.bundle).parameters
    return tuple(name for name, _, _ in changed if name in read)


def _words(clause: Clause) -> str:
    """A clause as text, wherever it stands."""
    return " ".join((written_head(clause.name, clause.parameters), *map(written, clause.goals)))


def _stops(attempts: Iterable[trace.Attempt]) -> tuple[Stop, ...]:
    """Where each attempt stopped, each place once."""
    stops: dict[Stop, None] = {}
    for attempt in attempts:
        if attempt.is_met or attempt.place is None:
            continue
        last = attempt
        # Down to the condition that decided, as long as there is one way down only.
        while len(last.under) == 1 and last.under[0].place is not None and not last.under[0].is_met:
            last = last.under[0]
        if last.place is not None:
            rule = source_line(attempt.clause.place)
            stops.setdefault(Stop(rule, source_line(last.place), last.condition, last.values))
    return tuple(stops)[:_MAX_STOPS]
