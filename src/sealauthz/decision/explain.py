"""Explanations: how each requirement of an action came out, with the rules that settle it or say why it is unmet."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

from sealauthz.decision.assembly import Case
from sealauthz.decision.decision import Explanation, Standing
from sealauthz.decision.evaluation import Evaluation
from sealauthz.decision.plan import Plan
from sealauthz.decision.question import Question
from sealauthz.errors import EvaluationFailed
from sealauthz.polar import RuleNode, trace
from sealauthz.polar.engine import Work
from sealauthz.polar.runtime import FREE
from sealauthz_client.answers import Attempt, RequirementOutcome, RuleRef


def explain(evaluation: Evaluation, question: Question) -> Explanation:
    """Decide a question and tell how each requirement came out. Raises InvalidRequest, CallerNotPermitted."""
    try:
        case = evaluation.case(question)
        if not isinstance(case, Case):
            return Explanation(evaluation.deny(question, [case]), ())
        plan = evaluation.catalog.plan(question)
        return Explanation(evaluation.evaluate(case, plan), tuple(_outcomes(evaluation, case, plan)))
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


def _outcomes(evaluation: Evaluation, case: Case, plan: Plan) -> list[RequirementOutcome]:
    question = case.question
    work = plan.begin(case)
    unmet = set(evaluation.unmet(plan, work))
    return [
        (_unmet_outcome if requirement in unmet else _settled_outcome)(evaluation, case, plan, work, requirement)
        for requirement in evaluation.book.requirements[question.action, question.resource.type]
    ]


def _unmet_outcome(evaluation: Evaluation, case: Case, plan: Plan, work: Work, requirement: str) -> RequirementOutcome:
    question, book, engine = case.question, evaluation.book, evaluation.engine
    need = (requirement, question.action, question.resource.type)
    tried = (*book.meets.get(need, ()), *book.waived.get(need, ()))
    holding = evaluation.holding(plan, work, requirement)
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
        reasoned = evaluation.engine.explain("because", requirement, FREE, case.subject, case.resource, case.context)
        held = {(a.clause.place.file, a.clause.place.line) for a in reasoned if a.is_met}
        rules = [rule for rule in rules if (rule.place.file, rule.place.line) in held] or rules
    return rules


def _settled_outcome(
    evaluation: Evaluation, case: Case, plan: Plan, work: Work, requirement: str
) -> RequirementOutcome:
    question, book = case.question, evaluation.book
    need = (requirement, question.action, question.resource.type)
    is_met = plan.meets(requirement)(work)
    standing, settling = (Standing.MET, book.meets) if is_met else (Standing.WAIVED, book.waived)
    rules = settling.get(need, [])
    if len(rules) == 1:  # no other can have settled it
        refs = _refs(evaluation, rules)
        return RequirementOutcome(requirement, standing, (), refs, (), tuple(Attempt(ref, True) for ref in refs))
    arguments = (requirement, question.action, case.resource, case.context)
    engine = evaluation.engine
    attempts = engine.explain("meets", case.subject, *arguments) if is_met else engine.explain("waived", *arguments)
    proving = [attempt for attempt in attempts if attempt.is_met]
    held = {(attempt.clause.place.file, attempt.clause.place.line) for attempt in proving}
    refs = _refs(evaluation, [rule for rule in rules if (rule.place.file, rule.place.line) in held] or rules)
    return RequirementOutcome(requirement, standing, (), refs, (), _attempts(evaluation, proving))


def _attempts(evaluation: Evaluation, attempts: Sequence[trace.Attempt]) -> tuple[Attempt, ...]:
    """Tell attempts of the engine in the words of a decision."""
    return tuple(
        Attempt(
            rule=evaluation.catalog.ref(attempt.clause.rule),
            is_met=attempt.is_met,
            condition=attempt.condition,
            file=attempt.place.file if attempt.place else "",
            line=attempt.place.line if attempt.place else 0,
            values=attempt.values,
            under=_attempts(evaluation, attempt.under),
        )
        for attempt in attempts
    )


def _refs(evaluation: Evaluation, rules: Sequence[RuleNode]) -> tuple[RuleRef, ...]:
    return tuple(map(evaluation.catalog.ref, rules))
