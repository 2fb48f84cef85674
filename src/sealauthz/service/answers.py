"""Decisions and explanations as messages, cut down to what the caller may see."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.duration_pb2 import Duration

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
from sealauthz.decision.listing import ListPage
from sealauthz.service.callers import EXPLAIN, Caller
from sealauthz.service.faults import timestamp
from sealauthz.service.tokens import revision_message
from sealauthz.v1 import authorization_pb2

_EFFECTS = {
    Effect.ALLOW: authorization_pb2.EFFECT_ALLOW,
    Effect.DENY: authorization_pb2.EFFECT_DENY,
}
_AUDIENCES = {
    Audience.USER: authorization_pb2.AUDIENCE_USER,
    Audience.OPERATOR: authorization_pb2.AUDIENCE_OPERATOR,
}
_STANDINGS = {
    Standing.MET: authorization_pb2.STANDING_MET,
    Standing.WAIVED: authorization_pb2.STANDING_WAIVED,
    Standing.UNMET: authorization_pb2.STANDING_UNMET,
}

NOT_PERMITTED_NOW = Reason("NOT_PERMITTED_NOW", 0, Audience.USER, "", (NextStep("CONTACT_PLATFORM"),))
"""What a deny says whose reasons are all for operators: a deny never has none."""

_INSTANTS = ("_at", "_until")


def visible(decision: Decision, caller: Caller) -> Decision:
    """Return the decision without what the caller may not see."""
    reasons = decision.reasons
    if decision or (reasons and caller.sees_operator_reasons and caller.may_call(EXPLAIN)):
        return decision
    if not caller.sees_operator_reasons:
        reasons = tuple(reason for reason in reasons if reason.audience == Audience.USER)
        if not reasons:
            reasons = (NOT_PERMITTED_NOW,)
    if not caller.may_call(EXPLAIN):
        reasons = tuple(dataclasses.replace(reason, requirement="") for reason in reasons)
    return dataclasses.replace(decision, reasons=reasons)


def decision_message(
    decision: Decision, caller: Caller, store_id: str, language: str = ""
) -> authorization_pb2.Decision:
    """Return what the caller may see of a decision, as a message; without a language it has no texts."""
    decision = visible(decision, caller)
    if language:
        decision = decision.told(language)
    return authorization_pb2.Decision(
        effect=_EFFECTS[decision.effect],
        reasons=[_reason(reason) for reason in decision.reasons],
        next_steps=_next_steps(decision.next_steps),
        obligations=[_obligation(obligation) for obligation in decision.obligations],
        decision_id=decision.decision_id,
        policy_version=decision.policy_version,
        revision=revision_message(store_id, decision.timeline, decision.revision),
        evaluated_at=timestamp(decision.evaluated_at),
        valid_until=timestamp(decision.valid_until),
        facts_age=_duration(decision.facts_age_s),
    )


def _duration(seconds: float) -> Duration:
    whole, rest = divmod(max(0, round(seconds * 1_000)), 1_000)
    return Duration(seconds=whole, nanos=rest * 1_000_000)


def resources_message(page: ListPage, store_id: str) -> authorization_pb2.ListResourcesResponse:
    """Return a page of resources as a message."""
    return authorization_pb2.ListResourcesResponse(resource_ids=page.ids, **_about_page(page, store_id))


def subjects_message(page: ListPage, store_id: str) -> authorization_pb2.ListSubjectsResponse:
    """Return a page of subjects as a message."""
    return authorization_pb2.ListSubjectsResponse(subject_ids=page.ids, **_about_page(page, store_id))


def _about_page(page: ListPage, store_id: str) -> dict[str, Any]:
    return {
        "next_page_token": page.next_page_token,
        "complete": page.is_complete,
        "revision": revision_message(store_id, page.timeline, page.revision),
        "policy_version": page.policy_version,
        "evaluated_at": timestamp(page.evaluated_at),
        "valid_until": timestamp(page.valid_until),
    }


def explanation_message(
    explanation: Explanation, caller: Caller, store_id: str, language: str = ""
) -> authorization_pb2.Explanation:
    """Return what the caller may see of an explanation, as a message."""
    codes = {reason.code for reason in visible(explanation.decision, caller).reasons}
    return authorization_pb2.Explanation(
        decision=decision_message(explanation.decision, caller, store_id, language),
        requirements=[
            _outcome(outcome, None if caller.sees_operator_reasons else codes) for outcome in explanation.requirements
        ],
    )


def _outcome(outcome: RequirementOutcome, codes: set[str] | None) -> authorization_pb2.RequirementOutcome:
    """`codes` are the reasons that may be seen; None for all."""
    reasons, because, attempts = outcome.reasons, outcome.because, outcome.attempts
    if codes is not None and not codes.issuperset(reasons):
        # A rule that says why names its reason, and what stopped the others tells it: none is shown if one is hidden.
        reasons, because, attempts = tuple(code for code in reasons if code in codes), (), ()
    return authorization_pb2.RequirementOutcome(
        requirement=outcome.requirement,
        standing=_STANDINGS[outcome.standing],
        reasons=reasons,
        tried=_rules(outcome.tried),
        because=_rules(because),
        attempts=[_attempt(attempt) for attempt in attempts],
    )


def _attempt(attempt: Attempt) -> authorization_pb2.Attempt:
    return authorization_pb2.Attempt(
        rule=_rule(attempt.rule),
        is_met=attempt.is_met,
        condition=attempt.condition,
        file=attempt.file,
        line=attempt.line,
        values=attempt.values,
        under=[_attempt(under) for under in attempt.under],
    )


def _rules(rules: Iterable[RuleRef]) -> list[authorization_pb2.RuleRef]:
    return [_rule(rule) for rule in rules]


def _rule(rule: RuleRef) -> authorization_pb2.RuleRef:
    return authorization_pb2.RuleRef(head=rule.head, file=rule.file, line=rule.line, rules=rule.rules)


def _reason(reason: Reason) -> authorization_pb2.Reason:
    return authorization_pb2.Reason(
        code=reason.code,
        stage=reason.stage,
        audience=_AUDIENCES[reason.audience],
        requirement=reason.requirement,
        next_steps=_next_steps(reason.next_steps),
        text=reason.text,
    )


def _next_steps(steps: Iterable[NextStep]) -> list[authorization_pb2.NextStep]:
    return [
        authorization_pb2.NextStep(code=step.code, parameters=_parameters(step.parameters), text=step.text)
        for step in steps
    ]


def _obligation(obligation: Obligation) -> authorization_pb2.Obligation:
    return authorization_pb2.Obligation(
        code=obligation.code, parameters=_parameters(obligation.parameters), text=obligation.text
    )


def _parameters(parameters: Mapping[str, ParameterValue]) -> dict[str, authorization_pb2.ParameterValue]:
    return {name: _parameter(name, value) for name, value in parameters.items()}


def _parameter(name: str, value: ParameterValue) -> authorization_pb2.ParameterValue:
    if isinstance(value, str):
        return authorization_pb2.ParameterValue(string_value=value)
    if name.endswith(_INSTANTS):
        return authorization_pb2.ParameterValue(time_value=timestamp(value))
    return authorization_pb2.ParameterValue(int_value=value)
