"""Decisions and explanations as messages, cut down to what the caller may see."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from sealauthz.decision.decision import Decision, Effect, Explanation
from sealauthz.decision.listing import ListPage
from sealauthz.service.callers import EXPLAIN, Caller
from sealauthz.service.fields import revision_message, set_timestamp, timestamp
from sealauthz_client.answers import (
    Audience,
    ConditionalItem,
    NextStep,
    Obligation,
    ParameterValue,
    Reason,
    RequirementOutcome,
)
from sealauthz_client.v1 import authorization_pb2

EFFECTS = {Effect.ALLOW: authorization_pb2.EFFECT_ALLOW, Effect.DENY: authorization_pb2.EFFECT_DENY}
AUDIENCES = {Audience.USER: authorization_pb2.AUDIENCE_USER, Audience.OPERATOR: authorization_pb2.AUDIENCE_OPERATOR}

NOT_PERMITTED_NOW = Reason("NOT_PERMITTED_NOW", 0, Audience.USER, "", (NextStep("CONTACT_PLATFORM"),))
"""What a deny says whose reasons are all for operators: a deny never has none."""

_INSTANTS = ("_at", "_until")


def visible_reasons(decision: Decision, caller: Caller) -> tuple[Reason, ...]:
    """Return the reasons of a decision that the caller may see; of a deny there is always one."""
    reasons = decision.reasons
    if decision or caller.sees_operator_reasons:
        return reasons
    return tuple(reason for reason in reasons if reason.audience is Audience.USER) or (NOT_PERMITTED_NOW,)


def fill_decision(
    message: authorization_pb2.Decision, decision: Decision, caller: Caller, store_id: str, language: str = ""
) -> None:
    """Fill a message with what the caller may see of a decision; without a language it has no texts."""
    reasons = visible_reasons(decision, caller)
    if language:
        decision = dataclasses.replace(decision, reasons=reasons).localized(language)
        reasons = decision.reasons
    # In place, and of what many decisions have in common one copy: a deny has a dozen parts.
    message.effect = EFFECTS[decision.effect]
    message.decision_id = decision.decision_id
    message.policy_version = decision.policy_version
    message.revision.CopyFrom(revision_message(store_id, decision.timeline, decision.revision))
    set_timestamp(message.evaluated_at, decision.evaluated_at)
    set_timestamp(message.valid_until, decision.valid_until)
    message.facts_age.FromMilliseconds(max(0, round(decision.facts_age_s * 1_000)))
    if reasons:
        _fill_reasons(message, reasons, names_requirements=caller.may_call(EXPLAIN))
    for obligation in decision.obligations:
        fill_obligation(message.obligations.add(), obligation)


def _fill_reasons(
    message: authorization_pb2.Decision, reasons: tuple[Reason, ...], *, names_requirements: bool
) -> None:
    """Fill in the reasons with their next steps, and all next steps, each once."""
    made: dict[object, authorization_pb2.NextStep] = {}
    for reason in reasons:
        requirement = reason.requirement if names_requirements else ""
        steps = []
        for step in reason.next_steps:
            identity = step.identity
            if identity not in made:
                made[identity] = step_message(step)
            steps.append(made[identity])
        if reason.text or not all(map(_is_plain, reason.next_steps)):
            part = message.reasons.add(
                code=reason.code,
                stage=reason.stage,
                audience=AUDIENCES[reason.audience],
                requirement=requirement,
                text=reason.text,
            )
            part.next_steps.extend(steps)
        else:
            codes = tuple(step.code for step in reason.next_steps)
            message.reasons.append(_plain_reason(reason.code, reason.stage, reason.audience, requirement, codes))
    message.next_steps.extend(made.values())


def about_page(page: ListPage, store_id: str) -> dict[str, Any]:
    """Return the fields that a page of a list has in either message, besides its ids."""
    return {
        "next_page_token": page.next_page_token,
        "complete": page.is_complete,
        "revision": revision_message(store_id, page.timeline, page.revision),
        "policy_version": page.policy_version,
        "evaluated_at": timestamp(page.evaluated_at),
        "valid_until": timestamp(page.valid_until),
    }


def conditional_messages(items: Iterable[ConditionalItem]) -> list[authorization_pb2.ConditionalItem]:
    """Return what a list has that excepts requirements, as messages."""
    return [authorization_pb2.ConditionalItem(id=item.id, still_required=item.still_required) for item in items]


def explanation_message(
    explanation: Explanation, caller: Caller, store_id: str, language: str = ""
) -> authorization_pb2.Explanation:
    """Return what the caller may see of an explanation, as a message."""
    codes = {reason.code for reason in visible_reasons(explanation.decision, caller)}
    message = authorization_pb2.Explanation(
        requirements=[
            _outcome(outcome, None if caller.sees_operator_reasons else codes) for outcome in explanation.requirements
        ],
    )
    fill_decision(message.decision, explanation.decision, caller, store_id, language)
    return message


def _outcome(outcome: RequirementOutcome, codes: set[str] | None) -> authorization_pb2.RequirementOutcome:
    """`codes` are the reasons that may be seen; None for all."""
    if codes is not None and not codes.issuperset(outcome.reasons):
        # A rule that says why names its reason, and what stopped the others tells it: none is shown if one is hidden.
        seen = tuple(code for code in outcome.reasons if code in codes)
        outcome = dataclasses.replace(outcome, reasons=seen, because=(), attempts=())
    # The message and those in it have the names of our fields.
    fields: dict[str, Any] = dataclasses.asdict(outcome)
    return authorization_pb2.RequirementOutcome(**{**fields, "standing": f"STANDING_{outcome.standing}"})


@lru_cache(maxsize=4_096)
def _plain_reason(
    code: str, stage: int, audience: Audience, requirement: str, steps: tuple[str, ...]
) -> authorization_pb2.Reason:
    """Return a reason whose next steps carry nothing; it is for many decisions, and must not be changed."""
    return authorization_pb2.Reason(
        code=code,
        stage=stage,
        audience=AUDIENCES[audience],
        requirement=requirement,
        next_steps=map(_plain_step, steps),
    )


@lru_cache(maxsize=1_024)
def _plain_step(code: str) -> authorization_pb2.NextStep:
    """Return a next step that carries nothing; it is for many decisions, and must not be changed."""
    return authorization_pb2.NextStep(code=code)


def _is_plain(step: NextStep) -> bool:
    return not step.parameters and not step.text


def step_message(step: NextStep) -> authorization_pb2.NextStep:
    """Return a next step as a message; it may be for many decisions, and must not be changed."""
    if _is_plain(step):
        return _plain_step(step.code)
    message = authorization_pb2.NextStep(code=step.code, text=step.text)
    _fill_parameters(message.parameters, step.parameters)
    return message


def fill_obligation(message: authorization_pb2.Obligation, obligation: Obligation) -> None:
    """Fill a message with an obligation."""
    message.code, message.text = obligation.code, obligation.text
    _fill_parameters(message.parameters, obligation.parameters)


def _fill_parameters(messages: Any, parameters: Mapping[str, ParameterValue]) -> None:
    """Fill in what a next step or an obligation carries."""
    for name, value in parameters.items():
        if isinstance(value, str):
            messages[name].string_value = value
        elif isinstance(value, int):
            if is_instant(name):
                set_timestamp(messages[name].time_value, value)
            else:
                messages[name].int_value = value


def is_instant(name: str) -> bool:
    """Tell whether the value of a parameter is an instant: its name says so."""
    return name.endswith(_INSTANTS)
