"""Explanations: how each requirement of an action came out, with the rules that settle it or say why it is unmet."""

from __future__ import annotations

from collections.abc import Sequence

from sealauthz.answers import Attempt, RequirementOutcome, RuleRef
from sealauthz.decision.assembly import Case
from sealauthz.decision.decision import Explanation, Standing
from sealauthz.decision.evaluation import Evaluation
from sealauthz.decision.question import Question
from sealauthz.errors import EvaluationFailed
from sealauthz.polar import RuleNode, trace
from sealauthz.polar.runtime import FREE


def explain(evaluation: Evaluation, question: Question) -> Explanation:
    """Decide a question and tell how each requirement came out. Raises InvalidRequest, CallerNotPermitted."""
    try:
        case = evaluation.case(question)
        if not isinstance(case, Case):
            return Explanation(evaluation.deny(question, [case]), ())
        return Explanation(evaluation.evaluate(case), tuple(_outcomes(evaluation, case)))
    except EvaluationFailed as error:
        return Explanation(evaluation.failed(question, error), ())


def _outcomes(evaluation: Evaluation, case: Case) -> list[RequirementOutcome]:
    question = case.question
    unmet = set(evaluation.unmet(case))
    return [
        (_unmet_outcome if requirement in unmet else _settled_outcome)(evaluation, case, requirement)
        for requirement in evaluation.book.requirements[question.action, question.resource.type]
    ]


def _unmet_outcome(evaluation: Evaluation, case: Case, requirement: str) -> RequirementOutcome:
    question, book, engine = case.question, evaluation.book, evaluation.engine
    need = (requirement, question.action, question.resource.type)
    tried = (*book.meets.get(need, ()), *book.waived.get(need, ()))
    holding = evaluation.holding(case, requirement)
    codes = holding or [book.otherwise[requirement]]
    if holding:
        rules = [
            rule
            for rule in book.because[requirement]
            if rule.parameters[1].literal in codes and rule.parameters[3].type in (None, question.resource.type)
        ]
        reasoned = engine.explain("because", requirement, FREE, case.subject, case.resource, case.context)
        held = {(a.clause.place.file, a.clause.place.line) for a in reasoned if a.is_met}
        rules = [rule for rule in rules if (rule.place.file, rule.place.line) in held] or rules
    else:
        rules = [rule for rule in book.rules["otherwise"] if rule.parameters[0].literal == requirement]
    arguments = (requirement, question.action, case.resource, case.context)
    attempts = engine.explain("meets", case.subject, *arguments)
    if need in book.waived:
        attempts += engine.explain("waived", *arguments)
    return RequirementOutcome(
        requirement,
        Standing.UNMET,
        tuple(codes),
        _refs(evaluation, tried),
        _refs(evaluation, rules),
        _attempts(evaluation, attempts),
    )


def _settled_outcome(evaluation: Evaluation, case: Case, requirement: str) -> RequirementOutcome:
    question, book, engine = case.question, evaluation.book, evaluation.engine
    need = (requirement, question.action, question.resource.type)
    arguments = (requirement, question.action, case.resource, case.context)
    met = engine.holds("meets", case.subject, *arguments)
    attempts = engine.explain("meets", case.subject, *arguments) if met else engine.explain("waived", *arguments)
    proving = [attempt for attempt in attempts if attempt.is_met]
    held = {(attempt.clause.place.file, attempt.clause.place.line) for attempt in proving}
    settling = (book.meets if met else book.waived).get(need, [])
    refs = _refs(evaluation, [rule for rule in settling if (rule.place.file, rule.place.line) in held] or settling)
    standing = Standing.MET if met else Standing.WAIVED
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
