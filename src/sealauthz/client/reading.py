"""Messages of the service, read as answers."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from sealauthz.answers import (
    Attempt,
    Audience,
    Decision,
    Explanation,
    ListPage,
    NextStep,
    Obligation,
    ParameterValue,
    Reason,
    RequirementOutcome,
    RuleRef,
)
from sealauthz.v1 import authorization_pb2


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Why a question of a batch has no answer; always falsy. `violations` holds the malformed fields."""

    code: grpc.StatusCode
    reason: str
    message: str
    violations: tuple[tuple[str, str], ...]

    def __bool__(self) -> bool:
        return False


def decision_from(message: authorization_pb2.Decision) -> Decision:
    """Read a decision."""
    return Decision(
        is_allowed=message.effect == authorization_pb2.EFFECT_ALLOW,
        reasons=tuple(_reason(reason) for reason in message.reasons),
        next_steps=_next_steps(message.next_steps),
        obligations=tuple(
            Obligation(item.code, _parameters(item.parameters), item.text) for item in message.obligations
        ),
        decision_id=message.decision_id,
        policy_version=message.policy_version,
        revision=message.revision.number,
        revision_token=message.revision.token,
        evaluated_at=moment_from(message.evaluated_at),
        valid_until=moment_from(message.valid_until),
        facts_age=message.facts_age.ToTimedelta(),
    )


def list_page_from(
    message: authorization_pb2.ListResourcesResponse | authorization_pb2.ListSubjectsResponse, ids: Iterable[str]
) -> ListPage:
    """Read a page of a list, whose ids are given."""
    return ListPage(
        ids=tuple(ids),
        next_page_token=message.next_page_token,
        is_complete=message.complete,
        revision=message.revision.number,
        revision_token=message.revision.token,
        policy_version=message.policy_version,
        evaluated_at=moment_from(message.evaluated_at),
        valid_until=moment_from(message.valid_until),
    )


def _reason(message: authorization_pb2.Reason) -> Reason:
    audience = Audience.USER if message.audience == authorization_pb2.AUDIENCE_USER else Audience.OPERATOR
    steps = _next_steps(message.next_steps)
    return Reason(message.code, message.stage, audience, message.requirement, steps, message.text)


def _next_steps(messages: Iterable[authorization_pb2.NextStep]) -> tuple[NextStep, ...]:
    return tuple(NextStep(message.code, _parameters(message.parameters), message.text) for message in messages)


def _parameters(messages: Mapping[str, authorization_pb2.ParameterValue]) -> dict[str, ParameterValue]:
    return {name: _parameter(messages[name]) for name in sorted(messages)}


def _parameter(message: authorization_pb2.ParameterValue) -> ParameterValue:
    match message.WhichOneof("value"):
        case "int_value":
            return message.int_value
        case "time_value":
            return moment_from(message.time_value)
        case _:
            return message.string_value


def explanation_from(message: authorization_pb2.Explanation) -> Explanation:
    """Read an explanation."""
    return Explanation(decision_from(message.decision), tuple(map(_outcome, message.requirements)))


def _outcome(message: authorization_pb2.RequirementOutcome) -> RequirementOutcome:
    standing = authorization_pb2.Standing.Name(message.standing).removeprefix("STANDING_")
    return RequirementOutcome(
        message.requirement,
        standing,
        tuple(message.reasons),
        tuple(map(_rule, message.tried)),
        tuple(map(_rule, message.because)),
        tuple(map(_attempt, message.attempts)),
    )


def _attempt(message: authorization_pb2.Attempt) -> Attempt:
    return Attempt(
        rule=_rule(message.rule),
        is_met=message.is_met,
        condition=message.condition,
        file=message.file,
        line=message.line,
        values=tuple(message.values),
        under=tuple(map(_attempt, message.under)),
    )


def _rule(message: authorization_pb2.RuleRef) -> RuleRef:
    return RuleRef(message.head, message.file, message.line, tuple(message.rules))


def moment_from(message: Timestamp) -> datetime.datetime:
    """Read an instant, as a time in UTC."""
    return message.ToDatetime(tzinfo=datetime.UTC)


def no_answer_from(message: authorization_pb2.ItemStatus) -> NoAnswer:
    """Read why an item of a batch has no decision."""
    violations = tuple((violation.field, violation.description) for violation in message.field_violations)
    return NoAnswer(_code(message.code), message.reason, message.message, violations)


def _code(number: int) -> grpc.StatusCode:
    return next((code for code in grpc.StatusCode if code.value[0] == number), grpc.StatusCode.UNKNOWN)
