"""The policy decision point: a question and the facts at one revision in, a decision out.

Rules it keeps. Whatever goes wrong in an evaluation denies. What the subject cannot see is answered like what does not
exist. Before standing, only gate reasons are given. A deny always has a reason, and every reason comes from the bundle.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from sealauthz.decision.assembly import Case, MaySee, assemble, check_given, check_seen, everything
from sealauthz.decision.bundle import (
    FACT_UNAVAILABLE,
    NO_PERMISSION,
    NOT_FOUND,
    POLICY_ERROR,
    SUBJECT_TYPES,
    UNKNOWN_ACTION,
    UNKNOWN_TYPE,
    Bundle,
    named_by_obligations,
)
from sealauthz.decision.candidates import Plans
from sealauthz.decision.decision import (
    Attempt,
    Audience,
    Decision,
    Effect,
    Explanation,
    NextStep,
    Obligation,
    ParameterValue,
    Reason,
    RequirementOutcome,
    RuleRef,
    Standing,
)
from sealauthz.decision.listing import Bounds, ListPage, Search, find_page, search_for
from sealauthz.decision.paging import Paging
from sealauthz.decision.question import ContextValue, Entity, ListQuery, Question
from sealauthz.errors import EvaluationFailed, FactNotLoaded, SealAuthzError
from sealauthz.facts.memory.consistency import FROM_MEMORY, NO_DEADLINE, Consistency, Deadline
from sealauthz.facts.memory.fact_cache import FactCache, FactSnapshot
from sealauthz.model.masking import mask_name, mask_phone
from sealauthz.model.records.identity import Person
from sealauthz.polar import RuleNode, trace
from sealauthz.polar.reach import Root
from sealauthz.polar.runtime import FREE
from sealauthz.polar.unparse import written_head

__all__ = ["GATE_STAGE", "PolicyDecisionPoint", "everything", "system_clock"]

log = logging.getLogger(__name__)

GATE_STAGE = 40
"""The last stage of the ladder that a subject without standing is told about."""


DEFAULT_BOUNDS = Bounds()
FIRST_PAGE = Paging()


def system_clock() -> int:
    """The time now, as an instant."""
    return time.time_ns() // 1_000


class _Wording:
    """What a bundle says about its reasons, made once: reasons with their steps, and what steps carry."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.plans = Plans(bundle)
        self._listed: dict[tuple[str, str], dict[str, int]] = {}
        self.rank = {code: number for number, code in enumerate(bundle.rulebook.reasons)}
        self._reasons: dict[tuple[str, str], Reason] = {}
        carried = bundle.rulebook.carried
        self.parameters = frozenset(step for what, step in carried if what == "parameter")
        self.counted = {step: tuple(sorted(names)) for (what, step), names in carried.items() if what == "counted"}
        self.carrying = self.parameters | self.counted.keys()
        self.naming = frozenset(named_by_obligations(bundle.rulebook))

    def listed(self, action: str, type_: str) -> Mapping[str, int]:
        """The place of each requirement in the checklist of an action."""
        found = self._listed.get((action, type_))
        if found is None:
            requirements = self.bundle.rulebook.requirements[action, type_]
            found = {requirement: number for number, requirement in enumerate(requirements)}
            self._listed[action, type_] = found
        return found

    def reason(self, code: str, requirement: str) -> Reason:
        """The reason without what its steps carry. There are as many as the bundle has."""
        found = self._reasons.get((code, requirement))
        if found is None:
            entry = self.bundle.rulebook.reasons[code]
            steps = tuple(NextStep(step) for step in entry.next_steps)
            found = Reason(code, entry.stage, Audience(entry.audience), requirement, steps)
            self._reasons[code, requirement] = found
        return found


class PolicyDecisionPoint:
    """Decides questions with one bundle over one fact cache. Safe to call from several threads."""

    def __init__(
        self,
        fact_cache: FactCache,
        bundle: Bundle,
        now: Callable[[], int] = system_clock,
        bounds: Bounds = DEFAULT_BOUNDS,
    ) -> None:
        self._wording = _Wording(bundle)
        self._fact_cache = fact_cache
        self._now = now
        self._bounds = bounds

    @property
    def bundle(self) -> Bundle:
        """The bundle that is served; another one may be put in its place at any time."""
        return self._wording.bundle

    @bundle.setter
    def bundle(self, bundle: Bundle) -> None:
        self._wording = _Wording(bundle)

    def decide(
        self,
        question: Question,
        may_see: MaySee = everything,
        caller: str = "",
        consistency: Consistency = FROM_MEMORY,
        deadline: Deadline = NO_DEADLINE,
    ) -> Decision:
        """Decide one question. Raises InvalidRequest, CallerNotPermitted, or what a fact cache raises that cannot
        answer; never for a deny.
        """
        wording = self._wording

        def work(snapshot: FactSnapshot) -> Decision:
            return _Evaluation(wording, snapshot, self._now(), may_see, caller).decide(question)

        return self._fact_cache.answer(work, consistency, deadline)

    def decide_many(
        self,
        questions: Sequence[Question],
        may_see: MaySee = everything,
        caller: str = "",
        consistency: Consistency = FROM_MEMORY,
        deadline: Deadline = NO_DEADLINE,
    ) -> list[Decision | SealAuthzError]:
        """Decide questions in order, at one revision and one time; a question's own error stands in its place.

        Raises FactsUnavailable, RevisionUnknown, TimeOver or ServiceBusy where none can be answered.
        """
        wording = self._wording

        def work(snapshot: FactSnapshot) -> list[Decision | SealAuthzError]:
            answers: list[Decision | SealAuthzError] = []
            evaluation = _Evaluation(wording, snapshot, self._now(), may_see, caller)
            for question in questions:
                try:
                    answers.append(evaluation.decide(question))
                except SealAuthzError as error:
                    answers.append(error)
            return answers

        return self._fact_cache.answer(work, consistency, deadline)

    def actions(
        self,
        subject: Entity,
        resource: Entity,
        context: Mapping[str, ContextValue] | None = None,
        may_see: MaySee = everything,
        caller: str = "",
        consistency: Consistency = FROM_MEMORY,
        deadline: Deadline = NO_DEADLINE,
    ) -> list[Decision]:
        """Decide every action of the resource's type; context keys that an action does not know are left out for it.

        A type without actions gives the one deny that says so.
        """
        given = context or {}
        # One bundle for all: another may take its place meanwhile.
        wording = self._wording
        bundle = wording.bundle
        actions = bundle.rulebook.actions_of(resource.type) or ("",)
        known = {key for action in actions for key in bundle.context_keys(action, resource.type)}

        def work(snapshot: FactSnapshot) -> list[Decision]:
            decisions = []
            evaluation = _Evaluation(wording, snapshot, self._now(), may_see, caller)
            for action in actions:
                keys = bundle.context_keys(action, resource.type)
                fitting = {key: value for key, value in given.items() if key in keys or key not in known}
                decisions.append(evaluation.decide(Question(subject, action, resource, fitting)))
            return decisions

        return self._fact_cache.answer(work, consistency, deadline)

    def list_page(
        self,
        query: ListQuery,
        paging: Paging = FIRST_PAGE,
        may_see: MaySee = everything,
        caller: str = "",
        consistency: Consistency = FROM_MEMORY,
        deadline: Deadline = NO_DEADLINE,
    ) -> ListPage:
        """List what is allowed, one page. Of what the caller may not ask about, nothing is listed.

        `consistency` is that of the first page; the others go on at its revision. Raises InvalidRequest, RevisionGone
        where a page cannot be gone on from, CallerNotPermitted where what is known, or in the context, is outside the
        caller's right, and what a fact cache raises that cannot answer.
        """
        wording = self._wording

        def search() -> Search:
            return search_for(query, paging, wording.plans, caller, self._now(), self._bounds, deadline)

        def work(snapshot: FactSnapshot) -> ListPage:
            # Here, because the time of a page begins when the facts can be read.
            begun = search()
            return _Evaluation(wording, snapshot, begun.start.evaluated_at, may_see, caller).page(begun)

        return self._fact_cache.answer(work, search().start.consistency(consistency), deadline, is_list=True)

    def explain(
        self,
        question: Question,
        may_see: MaySee = everything,
        caller: str = "",
        consistency: Consistency = FROM_MEMORY,
        deadline: Deadline = NO_DEADLINE,
    ) -> Explanation:
        """Decide and tell how each requirement came out, with the rules that could settle it."""
        wording = self._wording

        def work(snapshot: FactSnapshot) -> Explanation:
            return _Evaluation(wording, snapshot, self._now(), may_see, caller).explain(question)

        return self._fact_cache.answer(work, consistency, deadline)


class _Evaluation:
    """Questions decided at one revision and one time."""

    def __init__(self, wording: _Wording, snapshot: FactSnapshot, now: int, may_see: MaySee, caller: str) -> None:
        self._wording = wording
        self._bundle = bundle = wording.bundle
        self._book = bundle.rulebook
        self._engine = bundle.engine
        self._snapshot = snapshot
        self._now = now
        self._may_see = may_see
        self._caller = caller

    def decide(self, question: Question) -> Decision:
        try:
            # Within, because an enterprise that is being imported cannot even be found.
            case = self._case(question)
            return self._evaluate(case) if isinstance(case, Case) else self._deny(question, [case])
        except EvaluationFailed as error:
            return self._failed(question, error)

    def explain(self, question: Question) -> Explanation:
        try:
            case = self._case(question)
            if not isinstance(case, Case):
                return Explanation(self._deny(question, [case]), ())
            return Explanation(self._evaluate(case), tuple(self._outcomes(case)))
        except EvaluationFailed as error:
            return Explanation(self._failed(question, error), ())

    def page(self, search: Search) -> ListPage:
        query = search.query
        check_given(query.about(""), self._snapshot, self._may_see)
        if query.root is Root.RESOURCE:
            check_seen(query.known, self._snapshot, self._may_see)
        empty_until = self._now + self._bundle.parameters.deny_valid_for
        return find_page(search, self._wording.plans, self._snapshot, self._allowed, self._may_see, empty_until)

    def _allowed(self, question: Question) -> Decision | None:
        """The decision where it allows, without the reasons of one that does not; an error never allows."""
        try:
            case = self._case(question)
            if not isinstance(case, Case):
                return None
            if self._engine.holds("allow", case.subject, question.action, case.resource, case.context):
                return self._allow(case)
        except EvaluationFailed as error:
            self._failed(question, error)
        return None

    def _case(self, question: Question) -> Case | Reason:
        """Return what to decide on, or the one reason for which there is nothing to decide."""
        key = (question.action, question.resource.type)
        if question.subject.type not in SUBJECT_TYPES:
            return self._reason(UNKNOWN_TYPE)
        if key not in self._book.requirements:
            is_known = question.resource.type in self._book.resource_types
            return self._reason(UNKNOWN_ACTION if is_known else UNKNOWN_TYPE)
        case = assemble(question, self._snapshot, self._may_see, self._now, self._caller, self._bundle.parameters)
        return case or self._reason(NOT_FOUND)

    def _failed(self, question: Question, error: EvaluationFailed) -> Decision:
        code = FACT_UNAVAILABLE if isinstance(error, FactNotLoaded) else POLICY_ERROR
        if isinstance(error, FactNotLoaded) and error.importing is not None:
            return self._deny(question, [self._reason(code)])  # as it should be while an import is open
        log.error("%s deciding `%s` on %s", code, question.action, question.resource.type, exc_info=error)
        return self._deny(question, [self._reason(code)])

    def _evaluate(self, case: Case) -> Decision:
        question = case.question
        if self._engine.holds("allow", case.subject, question.action, case.resource, case.context):
            return self._allow(case)
        if not self._engine.holds("visible", case.subject, case.resource, case.context):
            return self._deny(question, [self._reason(NOT_FOUND)])
        reasons = self._reasons(case)
        if any(reason.code == NOT_FOUND for reason in reasons):
            reasons = [self._reason(NOT_FOUND)]
        elif not self._engine.holds("has_standing", case.subject, case.resource, case.context):
            reasons = [reason for reason in reasons if reason.stage <= GATE_STAGE] or [self._reason(NOT_FOUND)]
        made: dict[str, NextStep] = {}
        return self._deny(question, [self._with_steps(reason, case, made) for reason in reasons])

    def _allow(self, case: Case) -> Decision:
        question = case.question
        limit = self._now + self._bundle.parameters.allow_valid_for
        if "lapses" in self._book.rules:
            lapses = self._engine.each("lapses", case.subject, question.action, case.resource, case.context, FREE)
            for (at,) in lapses:
                limit = min(limit, at)
        obligations: list[Obligation] = []
        key = (question.action, question.resource.type)
        if key in self._book.obligations:
            found = {
                code
                for (code,) in self._engine.each(
                    "obligation", case.subject, question.action, case.resource, case.context, FREE
                )
            }
            named = self._named(case) if key in self._wording.naming else {}
            listed = self._book.obligations[key]
            obligations = [Obligation(code, named.get(code, {})) for code in dict.fromkeys(listed) if code in found]
        return self._decision(question, Effect.ALLOW, limit, obligations=tuple(obligations))

    def _named(self, case: Case) -> dict[str, dict[str, ParameterValue]]:
        """What obligations name, by their codes.

        Of several values of a name the least counts, whichever comes first; a name that ends in `_ids` holds all of
        them, as a JSON array: an id may be any text.
        """
        named: dict[str, dict[str, ParameterValue]] = {}
        lists: dict[tuple[str, str], set[ParameterValue]] = {}
        found = self._engine.each(
            "obligation_parameter", FREE, FREE, FREE, case.subject, case.question.action, case.resource, case.context
        )
        for code, name, value in found:
            if type(value) is not str and type(value) is not int:
                raise EvaluationFailed(f"what `{code}` names as `{name}` is neither text nor a number")
            held = named.setdefault(code, {})
            if name.endswith("_ids"):
                lists.setdefault((code, name), set()).add(value)
            elif name not in held or _order(value) < _order(held[name]):
                held[name] = value
        for (code, name), values in lists.items():
            named[code][name] = json.dumps(sorted(values, key=_order), ensure_ascii=False)
        return named

    def _deny(self, question: Question, reasons: list[Reason]) -> Decision:
        limit = self._now + self._bundle.parameters.deny_valid_for
        return self._decision(question, Effect.DENY, limit, reasons=tuple(reasons))

    def _decision(
        self,
        question: Question,
        effect: Effect,
        valid_until: int,
        reasons: tuple[Reason, ...] = (),
        obligations: tuple[Obligation, ...] = (),
    ) -> Decision:
        return Decision(
            question=question,
            effect=effect,
            decision_id=_uuid7(),
            policy_version=self._bundle.version,
            revision=self._snapshot.revision,
            timeline=self._snapshot.timeline,
            facts_age_s=self._snapshot.age_s,
            evaluated_at=self._now,
            valid_until=valid_until,
            reasons=reasons,
            obligations=obligations,
            texts=self._bundle.texts,
        )

    # --- reasons -----------------------------------------------------------------------------------------------------

    def _reason(self, code: str, requirement: str = "") -> Reason:
        return self._wording.reason(code, requirement)

    def _unmet(self, case: Case) -> list[str]:
        """The requirements that nothing settles, in the order of the bundle."""
        question = case.question
        found = self._engine.each("unmet", case.subject, FREE, question.action, case.resource, case.context)
        unmet = [requirement for (requirement,) in found]
        if len(unmet) > 1:
            listed = self._wording.listed(question.action, question.resource.type)
            unmet.sort(key=listed.__getitem__)
        return unmet

    def _codes(self, case: Case, requirement: str) -> list[str]:
        """Why a requirement is unmet: every reason that holds, or the one that stands for it otherwise."""
        return self._holding(case, requirement) or [self._book.otherwise[requirement]]

    def _holding(self, case: Case, requirement: str) -> list[str]:
        """The reasons that hold, in the order of the bundle, whichever an engine finds first."""
        if requirement in self._book.because:
            found = self._engine.each("because", requirement, FREE, case.subject, case.resource, case.context)
            if len(found) > 1:
                return sorted((code for (code,) in found), key=self._wording.rank.__getitem__)
            if found:
                return [found[0][0]]
        return []

    def _reasons(self, case: Case) -> list[Reason]:
        """All reasons by stage, each code once; within a stage in the order of the requirements, then of the bundle."""
        by_code: dict[str, Reason] = {}
        for requirement in self._unmet(case):
            for code in self._codes(case, requirement):
                by_code.setdefault(code, self._reason(code, requirement))
        if not by_code:
            # Nothing is missing and still it is not allowed: the table of permissions says no, or the bundle errs.
            question = case.question
            if self._engine.holds("has_permission", case.subject, question.action, case.resource):
                raise EvaluationFailed("the checklist is settled, the permission stands, and `allow` does not hold")
            return [self._reason(NO_PERMISSION)]
        return sorted(by_code.values(), key=_STAGE)

    def _with_steps(self, reason: Reason, case: Case, made: dict[str, NextStep]) -> Reason:
        """The reason with what its steps carry. `made` holds the steps of the decision so far: several reasons may
        have one.
        """
        carrying = self._wording.carrying
        if carrying.isdisjoint(step.code for step in reason.next_steps):
            return reason
        steps = []
        for step in reason.next_steps:
            code = step.code
            if code not in made:
                made[code] = NextStep(code, self._parameters(code, case)) if code in carrying else step
            steps.append(made[code])
        return Reason(reason.code, reason.stage, reason.audience, reason.requirement, tuple(steps))

    def _parameters(self, step: str, case: Case) -> Mapping[str, ParameterValue]:
        """What a next step carries. Of several values of a name the least counts, whichever an engine finds first;
        persons are masked.
        """
        asked = (step, FREE, FREE, case.subject, case.resource, case.context)
        parameters: dict[str, ParameterValue] = {}
        if step in self._wording.parameters:
            least: dict[str, Any] = {}
            for name, value in self._engine.each("parameter", *asked):
                if name not in least or _order(value) < _order(least[name]):
                    least[name] = value
            for name, value in least.items():
                parameters |= _plain(name, value)
        counted = self._wording.counted.get(step)
        if counted is not None:
            counts = dict.fromkeys(counted, 0)
            for name, _item in self._engine.each("counted", *asked):
                counts[name] += 1
            parameters |= counts
        return parameters

    # --- explanation -------------------------------------------------------------------------------------------------

    def _outcomes(self, case: Case) -> list[RequirementOutcome]:
        question = case.question
        unmet = set(self._unmet(case))
        return [
            self._unmet_outcome(case, requirement) if requirement in unmet else self._settled_outcome(case, requirement)
            for requirement in self._book.requirements[question.action, question.resource.type]
        ]

    def _unmet_outcome(self, case: Case, requirement: str) -> RequirementOutcome:
        question = case.question
        need = (requirement, question.action, question.resource.type)
        tried = (*self._book.meets.get(need, ()), *self._book.waived.get(need, ()))
        holding = self._holding(case, requirement)
        codes = holding or [self._book.otherwise[requirement]]
        if holding:
            rules = [
                rule
                for rule in self._book.because[requirement]
                if rule.parameters[1].literal in codes and rule.parameters[3].type in (None, question.resource.type)
            ]
            reasoned = self._engine.explain("because", requirement, FREE, case.subject, case.resource, case.context)
            held = {(a.clause.place.file, a.clause.place.line) for a in reasoned if a.is_met}
            rules = [rule for rule in rules if (rule.place.file, rule.place.line) in held] or rules
        else:
            rules = [rule for rule in self._book.rules["otherwise"] if rule.parameters[0].literal == requirement]
        attempts = self._engine.explain(
            "meets", case.subject, requirement, question.action, case.resource, case.context
        )
        if need in self._book.waived:
            attempts += self._engine.explain("waived", requirement, question.action, case.resource, case.context)
        return RequirementOutcome(
            requirement, Standing.UNMET, tuple(codes), _refs(tried), _refs(rules), tuple(map(_attempt, attempts))
        )

    def _settled_outcome(self, case: Case, requirement: str) -> RequirementOutcome:
        question = case.question
        need = (requirement, question.action, question.resource.type)
        met = self._engine.holds("meets", case.subject, requirement, question.action, case.resource, case.context)
        if met:
            attempts = self._engine.explain(
                "meets", case.subject, requirement, question.action, case.resource, case.context
            )
        else:
            attempts = self._engine.explain("waived", requirement, question.action, case.resource, case.context)
        proving = [attempt for attempt in attempts if attempt.is_met]
        held = {(attempt.clause.place.file, attempt.clause.place.line) for attempt in proving}
        settling = (self._book.meets if met else self._book.waived).get(need, [])
        refs = _refs([rule for rule in settling if (rule.place.file, rule.place.line) in held] or settling)
        standing = Standing.MET if met else Standing.WAIVED
        return RequirementOutcome(requirement, standing, (), refs, (), tuple(map(_attempt, proving)))


def _attempt(attempt: trace.Attempt) -> Attempt:
    """Tell an attempt of the engine in the words of a decision."""
    clause = attempt.clause
    rule = RuleRef(written_head(clause.name, clause.parameters), clause.place.file, clause.place.line, clause.tags)
    return Attempt(
        rule=rule,
        is_met=attempt.is_met,
        condition=attempt.condition,
        file=attempt.place.file if attempt.place else "",
        line=attempt.place.line if attempt.place else 0,
        values=attempt.values,
        under=tuple(map(_attempt, attempt.under)),
    )


def _refs(rules: Sequence[RuleNode]) -> tuple[RuleRef, ...]:
    return tuple(
        RuleRef(written_head(rule.name, rule.parameters), rule.place.file, rule.place.line, rule.tags) for rule in rules
    )


def _plain(name: str, value: Any) -> dict[str, ParameterValue]:
    """Make a parameter fit to leave the service."""
    if isinstance(value, Person):
        return {f"{name}_name": mask_name(value.real_name), f"{name}_phone": mask_phone(value.phone)}
    if type(value) is str or type(value) is int:
        return {name: value}
    raise EvaluationFailed(f"the parameter `{name}` is neither text, nor a number, nor a person")


_STAGE = attrgetter("stage")


def _order(value: Any) -> tuple[str, Any]:
    """What puts the values of a parameter in an order: numbers and texts as they are, persons by their ids."""
    return (type(value).__name__, value.id if isinstance(value, Person) else value)


_TAILS_AT_ONCE = 256
_tails: dict[int, list[str]] = {}
"""The random parts of ids to come, by process: a forked one must not hand out the ids of its parent."""


def _uuid7() -> str:
    """A time-ordered unique id (RFC 9562, version 7). Its random part is drawn for many at once."""
    milliseconds = time.time_ns() // 1_000_000
    tails = _tails.setdefault(os.getpid(), [])
    while True:
        try:
            return f"{milliseconds >> 16:08x}-{milliseconds & 0xFFFF:04x}-{tails.pop()}"
        except IndexError:
            drawn = os.urandom(10 * _TAILS_AT_ONCE).hex()
            tails.extend(_tail(drawn[at : at + 20]) for at in range(0, len(drawn), 20))


def _tail(digits: str) -> str:
    """The part of an id behind its time: version and variant with 74 random bits."""
    return f"7{digits[:3]}-{'89ab'[int(digits[3], 16) & 3]}{digits[4:7]}-{digits[7:19]}"
