"""Explanations: how each requirement of an action came out, with the rules that settle it or say why it is unmet."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

from sealauthz.decision.assembly import Case
from sealauthz.decision.bundle import Engine
from sealauthz.decision.decision import Explanation, Standing
from sealauthz.decision.evaluation import Evaluation, Found
from sealauthz.decision.making import maker
from sealauthz.decision.plan import Plan
from sealauthz.decision.question import Question
from sealauthz.polar import RuleNode, trace
from sealauthz.polar.engine import CompiledEngine, Work
from sealauthz.polar.program import Clause
from sealauthz.polar.runtime import FREE
from sealauthz.runtime.errors import EvaluationFailed
from sealauthz_client.answers import Attempt, RequirementOutcome, RuleRef

_attempt = maker(Attempt)


def explain(evaluation: Evaluation, question: Question) -> Explanation:
    """Decide a question and tell how each requirement came out. Raises InvalidRequest, CallerNotPermitted."""
    try:
        case = evaluation.case(question)
        if not isinstance(case, Case):
            return Explanation(evaluation.deny(question, [case]), ())
        plan = evaluation.catalog.plan(question)
        work = plan.begin(case)
        found = Found()
        decision = evaluation.evaluate_with(case, plan, work, found)
        return Explanation(decision, tuple(_outcomes(evaluation, case, plan, work, found)))
    except EvaluationFailed as error:
        return Explanation(evaluation.failed(question, error), ())


def unmet(evaluation: Evaluation, question: Question) -> tuple[str, ...] | None:
    """Tell the requirements that nothing settles; None where there is nothing to decide, or it cannot be told.

    Raises InvalidRequest, CallerNotPermitted.
    """
    try:
        case = evaluation.case(question)
        if not isinstance(case, Case):
            return None
        plan = evaluation.catalog.plan(question)
        return tuple(evaluation.unmet(plan, plan.begin(case)))
    except EvaluationFailed:
        return None


def in_principle(evaluation: Evaluation, question: Question) -> bool:
    """Tell whether the table of roles gives an action, the checklist apart. Raises InvalidRequest, EvaluationFailed."""
    case = evaluation.case(question)
    if not isinstance(case, Case):
        return False
    plan = evaluation.catalog.plan(question)
    return bool(plan.has_permission(plan.begin(case)))


def needless(evaluation: Evaluation, question: Question) -> tuple[tuple[str, str], ...]:
    """Tell which requirements are met and still have a reason why they are not, and that reason; none is good.

    Raises InvalidRequest, CallerNotPermitted, and EvaluationFailed where a reason cannot be told.
    """
    case = evaluation.case(question)
    if not isinstance(case, Case):
        return ()
    plan = evaluation.catalog.plan(question)
    work = plan.begin(case)
    unmet = set(evaluation.unmet(plan, work))
    required = evaluation.book.requirements[question.action, question.resource.type]
    return tuple(
        (requirement, code)
        for requirement in required
        if requirement not in unmet
        for code in evaluation.holding(plan, work, requirement)
        if plan.meets(requirement)(work)  # what is waived is not asked, met or not
    )


def _outcomes(evaluation: Evaluation, case: Case, plan: Plan, work: Work, found: Found) -> list[RequirementOutcome]:
    question = case.question
    unmet = set(evaluation.unmet(plan, work, found))
    return [
        _unmet_outcome(evaluation, case, requirement, evaluation.holding(plan, work, requirement, found))
        if requirement in unmet
        else _settled_outcome(evaluation, case, plan, work, requirement)
        for requirement in evaluation.book.requirements[question.action, question.resource.type]
    ]


def _unmet_outcome(evaluation: Evaluation, case: Case, requirement: str, holding: list[str]) -> RequirementOutcome:
    question, book, engine = case.question, evaluation.book, evaluation.engine
    need = (requirement, question.action, question.resource.type)
    tried = (*book.meets.get(need, ()), *book.waived.get(need, ()))
    if holding:
        rules = _rules_behind(evaluation, case, requirement, holding)
    else:
        rules = evaluation.catalog.otherwise.get(requirement, [])
    arguments = (requirement, question.action, case.resource, case.context)
    attempts = engine.explain("meets", case.subject, *arguments)
    if need in book.waived:
        attempts += engine.explain("waived", *arguments)
    return RequirementOutcome(
        requirement,
        Standing.UNMET,
        tuple(holding or [book.otherwise[requirement]]),
        _refs(evaluation, tried),
        _refs(evaluation, rules),
        _attempts(evaluation, attempts),
    )


def _rules_behind(evaluation: Evaluation, case: Case, requirement: str, holding: list[str]) -> list[RuleNode]:
    """The rules that gave the reasons of an unmet requirement, in the order of the bundle; where the engine does not
    tell, all that may have.
    """
    type_ = case.question.resource.type
    possible = [
        (number, rule)
        for code in holding
        for number, rule in evaluation.catalog.rules_behind(requirement, code)
        if rule.parameters[3].type in (None, type_)
    ]
    rules = [rule for _, rule in sorted(possible, key=itemgetter(0))]
    if len(rules) > len(holding):  # each reason that holds has a rule
        proved = _proved(evaluation.engine, "because", requirement, FREE, case.subject, case.resource, case.context)
        held = {(clause.place.file, clause.place.line) for clause in proved}
        rules = [rule for rule in rules if (rule.place.file, rule.place.line) in held] or rules
    return rules


def _settled_outcome(
    evaluation: Evaluation, case: Case, plan: Plan, work: Work, requirement: str
) -> RequirementOutcome:
    question, book, catalog = case.question, evaluation.book, evaluation.catalog
    need = (requirement, question.action, question.resource.type)
    waiving = book.waived.get(need)
    # What nothing can waive is settled by what meets it.
    is_met = not waiving or plan.meets(requirement)(work)
    standing = Standing.MET if is_met else Standing.WAIVED
    rules = book.meets.get(need, []) if is_met else waiving or []
    if len(rules) == 1:  # no other can have settled it
        return catalog.settled(requirement, standing, rules[0])
    arguments = (requirement, question.action, case.resource, case.context)
    asked = ("meets", case.subject, *arguments) if is_met else ("waived", *arguments)
    proved = _first_proved(evaluation.engine, work, *asked)
    if len(proved) == 1 and any(proved[0].rule is rule for rule in rules):
        return catalog.settled(requirement, standing, proved[0].rule)
    held = {(clause.place.file, clause.place.line) for clause in proved}
    refs = _refs(evaluation, [rule for rule in rules if (rule.place.file, rule.place.line) in held] or rules)
    attempts = tuple([Attempt(catalog.ref(clause.rule), True) for clause in proved])
    return RequirementOutcome(requirement, standing, (), refs, (), attempts)


def _first_proved(engine: Engine, work: Work, rule: str, *arguments: object) -> list[Clause]:
    """The first clause of a rule that holds; none where the engine does not tell."""
    if isinstance(engine, CompiledEngine):
        found = engine.first_proved(work, rule, *arguments)
        return [] if found is None else [found]
    return [attempt.clause for attempt in engine.explain(rule, *arguments) if attempt.is_met]


def _proved(engine: Engine, rule: str, *arguments: object) -> list[Clause]:
    """The clauses of a rule that hold; none where the engine does not tell."""
    if isinstance(engine, CompiledEngine):
        return engine.proved(rule, *arguments)
    return [attempt.clause for attempt in engine.explain(rule, *arguments) if attempt.is_met]


def _attempts(evaluation: Evaluation, attempts: Sequence[trace.Attempt]) -> tuple[Attempt, ...]:
    """Tell attempts of the engine in the words of a decision."""
    ref = evaluation.catalog.ref
    told = []
    for attempt in attempts:
        rule, place = ref(attempt.clause.rule), attempt.place
        file, line = ("", 0) if place is None else (place.file, place.line)
        under = _attempts(evaluation, attempt.under) if attempt.under else ()
        told.append(_attempt(rule, attempt.is_met, attempt.condition, file, line, attempt.values, under))
    return tuple(told)


def _refs(evaluation: Evaluation, rules: Sequence[RuleNode]) -> tuple[RuleRef, ...]:
    return tuple(map(evaluation.catalog.ref, rules))
