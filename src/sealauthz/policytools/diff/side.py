"""One of the two bundles, and what it answers."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint
from sealauthz.decision.plan import Plan
from sealauthz.decision.questions import named_by_obligations
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.polar import RuleNode, trace
from sealauthz.polar.engine import CompiledEngine, Work
from sealauthz.polar.runtime import FREE
from sealauthz.polar.syntax import Call, Place
from sealauthz.polar.terms import conjuncts
from sealauthz.polar.unparse import written_statement
from sealauthz.policytools.diff.changes import SourceLine
from sealauthz.runtime.errors import BundleRefused, EvaluationFailed
from sealauthz.schema import Action

DENY, ALLOW, FAILED = 0, 1, 2
"""What a bundle may answer."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A question with what it is decided on; each side has a context of its own, for its parameters."""

    subject: Any
    action: Action
    resource: Any
    old_context: Any
    new_context: Any

    @property
    def about(self) -> tuple[Any, str, Any]:
        """The arguments that policies are asked with, but for the context."""
        return self.subject, self.action.name, self.resource

    @property
    def names(self) -> tuple[Entity, str, Entity]:
        """Subject, action and resource by name."""
        subject, resource = (Entity(type(each).__name__, each.id) for each in (self.subject, self.resource))
        return subject, self.action.name, resource


class Side:
    """One of the two bundles, and what it answers."""

    def __init__(self, bundle: Bundle, fact_cache: FactCache, now: int) -> None:
        self.bundle = bundle
        self.engine = bundle.engine
        self.point = PolicyDecisionPoint(fact_cache, bundle, lambda: now)
        self.rules = bundle.rulebook.rules
        self._said: dict[str, frozenset[str]] = {}
        self._plans: dict[tuple[type, str, type], Plan] = {}
        self._begin = self.engine.begin if isinstance(self.engine, CompiledEngine) else _listed
        self._naming = named_by_obligations(bundle.rulebook)
        self._sees_first = _sees_first(self.rules.get("allow", ()))
        self._seen_by: dict[tuple[type, ...], frozenset[str] | None] = {}
        self._requires = {
            (action.literal, resource.type, requirement.literal): source_line(rule.place)
            for rule in self.rules.get("requires", ())
            for action, resource, requirement in (rule.parameters,)
        }

    def knows(self, action: str, resource_type: str) -> bool:
        """Whether the bundle has the action."""
        return (action, resource_type) in self.bundle.rulebook.requirements

    def outcome(self, subject: Any, action: str, resource: Any, context: Any) -> int:
        """What the decision point would answer, without its reasons."""
        try:
            return ALLOW if self._allows(subject, action, resource, context) else DENY
        except EvaluationFailed:
            return FAILED

    def is_out_of_sight(self, subject: Any, action: str, resource: Any, context: Any, given: frozenset[str]) -> bool:
        """Whether the subject sees the resource in no context that differs from this one in what is `given` alone.

        Then nothing is allowed in any of them, and no evaluation fails. False where that cannot be told.
        """
        if not self._sees_first:
            return False
        read = self._read_by_sight(type(subject), type(resource), type(context))
        if read is None or given & read:
            return False
        try:
            return not self._plan(subject, action, resource).visible(self._begin(subject, resource, context))
        except EvaluationFailed:
            return False

    def _read_by_sight(self, *kinds: type) -> frozenset[str] | None:
        """Every name that decides who sees what, for arguments of these classes; None where it is not known."""
        if kinds not in self._seen_by:
            found: frozenset[str] | None = None
            if isinstance(self.engine, CompiledEngine):
                with suppress(BundleRefused):
                    found = self.engine.mentioned("visible", *kinds)
            self._seen_by[kinds] = found
        return self._seen_by[kinds]

    def _allows(self, subject: Any, action: str, resource: Any, context: Any) -> bool:
        """Whether a question is allowed. Raises EvaluationFailed."""
        plan = self._plan(subject, action, resource)
        work = self._begin(subject, resource, context)
        if not plan.allow(work):
            return False
        # An allow says what must be done and how long it stands; the decision point denies where that fails.
        if plan.lapses is not None:
            plan.lapses(work)
        _codes(plan, work)
        return True

    def obligations(self, subject: Any, action: str, resource: Any, context: Any) -> frozenset[str]:
        """What an allow obliges to. Raises EvaluationFailed."""
        return _codes(self._plan(subject, action, resource), self._begin(subject, resource, context))

    def _plan(self, subject: Any, action: str, resource: Any) -> Plan:
        """What the decision point asks about a question, once for all of its kind."""
        key = (type(subject), action, type(resource))
        plan = self._plans.get(key)
        if plan is None:
            types = type(subject).__name__, type(resource).__name__
            plan = Plan(self.bundle, types[0], action, types[1], (action, types[1]) in self._naming)
            self._plans[key] = plan
        return plan

    def holds(self, rule: str, *arguments: object) -> bool:
        """Whether a rule holds; not where it cannot be evaluated."""
        try:
            return self.engine.holds(rule, *arguments)
        except EvaluationFailed:
            return False

    def failure(self, subject: Any, action: str, resource: Any, context: Any) -> str:
        """What goes wrong in a question that cannot be decided."""
        try:
            self._allows(subject, action, resource, context)
        except EvaluationFailed as error:
            return f"{error} ({type(error.__cause__).__name__})" if error.__cause__ is not None else str(error)
        return ""

    def unmet(self, subject: Any, action: str, resource: Any, context: Any) -> list[str]:
        """The requirements that nothing settles, in the order of the bundle."""
        listed = self.bundle.rulebook.requirements.get((action, type(resource).__name__), ())
        try:
            found = {code for (code,) in self.engine.each("unmet", subject, FREE, action, resource, context)}
        except EvaluationFailed:
            return []
        return [requirement for requirement in listed if requirement in found]

    def required_by(self, action: str, resource_type: str, requirement: str) -> SourceLine | None:
        """The `requires` line of a requirement."""
        return self._requires.get((action, resource_type, requirement))

    def tried(self, rule: str, *arguments: object) -> tuple[trace.Attempt, ...]:
        """The clauses that were tried; none where that is not known."""
        try:
            return self.engine.explain(rule, *arguments)
        except EvaluationFailed:
            return ()

    def proved(self, rule: str, *arguments: object) -> list[SourceLine]:
        """Where the clauses stand that held while a rule was evaluated; none where that is not known."""
        engine = self.engine
        if not isinstance(engine, CompiledEngine):
            return []
        try:
            return [source_line(clause.place) for clause in engine.proved_at_all(rule, *arguments)]
        except EvaluationFailed:
            return []

    def has_twin(self, rule: RuleNode | None) -> bool:
        """Whether the bundle has a rule that says the same, word for word."""
        if rule is None:
            return False
        if rule.name not in self._said:
            self._said[rule.name] = frozenset(map(written_statement, self.rules.get(rule.name, ())))
        return written_statement(rule) in self._said[rule.name]

    def rule_at(self, at: SourceLine, name: str) -> RuleNode | None:
        """The rule of that name that stands there."""
        return next((rule for rule in self.rules.get(name, ()) if source_line(rule.place) == at), None)


def _codes(plan: Plan, work: Work) -> frozenset[str]:
    """What an allow obliges to, by codes. Raises EvaluationFailed."""
    if not plan.obligations:
        return frozenset()
    found = frozenset(code for (code,) in plan.obligation(work))
    if found and plan.named is not None:
        plan.named(work)
    return found


def _listed(subject: Any, resource: Any, context: Any) -> Work:
    """What a decision is about, for an engine that finds nothing out ahead."""
    return [subject, resource, context]


def source_line(place: Place) -> SourceLine:
    """Return the line of a place."""
    return SourceLine(place.file, place.line)


def _sees_first(rules: Iterable[RuleNode]) -> bool:
    """Whether nothing is allowed, nor asked, of what the subject does not see (`contract.polar` says so)."""
    first = [next(iter(conjuncts(rule.body)), None) if rule.body is not None else None for rule in rules]
    return all(isinstance(goal, Call) and goal.name == "visible" for goal in first)
