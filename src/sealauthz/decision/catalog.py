"""The reason catalog of a bundle: its reasons with their next steps, and what makes these."""

from __future__ import annotations

from functools import cached_property

from sealauthz.decision.bundle import Bundle
from sealauthz.decision.candidates import Plans
from sealauthz.decision.carried import StepMaker
from sealauthz.decision.decision import Standing
from sealauthz.decision.plan import Plan
from sealauthz.decision.question import Question
from sealauthz.polar import RuleNode
from sealauthz.polar.unparse import written_head
from sealauthz_client.answers import Attempt, Audience, NextStep, Reason, RequirementOutcome, RuleRef


class ReasonCatalog:
    """What a bundle says about its reasons, made once and shared by all evaluations."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.plans = Plans(bundle)
        self._plans: dict[tuple[str, str, str], Plan] = {}
        self.rank = {code: number for number, code in enumerate(bundle.rulebook.reasons)}
        self._reasons: dict[tuple[str, str], Reason] = {}
        self._behind: dict[str, dict[str, list[tuple[int, RuleNode]]]] = {}
        self._refs: dict[int, tuple[RuleNode, RuleRef]] = {}
        self._settled: dict[tuple[str, Standing, int], RequirementOutcome] = {}
        self._steps: dict[tuple[Plan, str], tuple[StepMaker, ...]] = {}

    def known_plan(self, question: Question) -> Plan | None:
        """The plan of a question if it was made already; a question that names something unknown never has one."""
        return self._plans.get((question.subject.type, question.action, question.resource.type))

    def plan(self, question: Question) -> Plan:
        """What the decision of a question asks; its action must be one of its type of resource."""
        subject, action, resource = question.subject.type, question.action, question.resource.type
        key = (subject, action, resource)
        found = self._plans.get(key)
        if found is None:
            names_obligations = (action, resource) in self.bundle.naming
            found = self._plans[key] = Plan(self.bundle, subject, action, resource, names_obligations)
        return found

    def steps_of(self, reason: Reason, plan: Plan) -> tuple[StepMaker, ...]:
        """What makes the next steps of a reason in one kind of decision; none where they are always the same."""
        key = (plan, reason.code)
        found = self._steps.get(key)
        if found is None:
            bundle = self.bundle
            makers = tuple(StepMaker(step, bundle.rulebook, bundle.model, plan) for step in reason.next_steps)
            found = self._steps[key] = () if all(maker.is_always_the_same for maker in makers) else makers
        return found

    def rules_behind(self, requirement: str, code: str) -> list[tuple[int, RuleNode]]:
        """The rules that may give a reason for an unmet requirement, each with its place among all of them."""
        if requirement not in self._behind:
            behind: dict[str, list[tuple[int, RuleNode]]] = {}
            for number, rule in enumerate(self.bundle.rulebook.because[requirement]):
                behind.setdefault(str(rule.parameters[1].literal), []).append((number, rule))
            self._behind[requirement] = behind
        return self._behind[requirement].get(code, [])

    @cached_property
    def otherwise(self) -> dict[str, list[RuleNode]]:
        """The rules that give a requirement the reason for which no other rule tells one."""
        found: dict[str, list[RuleNode]] = {}
        for rule in self.bundle.rulebook.rules["otherwise"]:
            found.setdefault(str(rule.parameters[0].literal), []).append(rule)
        return found

    def settled(self, requirement: str, standing: Standing, rule: RuleNode) -> RequirementOutcome:
        """How a requirement came out that no other rule can have settled. There are as many as the bundle has."""
        found = self._settled.get((requirement, standing, id(rule)))
        if found is None:
            ref = self.ref(rule)
            found = RequirementOutcome(requirement, standing, (), (ref,), (), (Attempt(ref, True),))
            self._settled[requirement, standing, id(rule)] = found
        return found

    def ref(self, rule: RuleNode) -> RuleRef:
        """How a rule of the bundle is named."""
        found = self._refs.get(id(rule))
        if found is None:
            place = rule.place
            ref = RuleRef(written_head(rule.name, rule.parameters), place.file, place.line, rule.tags)
            # The rule is kept with it, so that no other can have its id.
            found = self._refs[id(rule)] = rule, ref
        return found[1]

    def reason(self, code: str, requirement: str = "") -> Reason:
        """The reason without what its steps carry. There are as many as the bundle has."""
        found = self._reasons.get((code, requirement))
        if found is None:
            entry = self.bundle.rulebook.reasons[code]
            steps = tuple(NextStep(step) for step in entry.next_steps)
            found = Reason(code, entry.stage, Audience(entry.audience), requirement, steps)
            self._reasons[code, requirement] = found
        return found
