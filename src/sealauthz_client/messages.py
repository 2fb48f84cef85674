"""Messages of the service, read as answers."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from sealauthz_client import answers
from sealauthz_client.v1 import authorization_pb2, facts_pb2

ContextValue = str | int | bool | datetime.datetime


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a batch. `subject` and `resource` are `Type:id`."""

    subject: str
    action: str
    resource: str
    context: Mapping[str, ContextValue] | None = None


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Why a question of a batch has no answer; always falsy. `violations` holds the malformed fields."""

    code: grpc.StatusCode
    reason: str
    message: str
    violations: tuple[tuple[str, str], ...]

    def __bool__(self) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class Written:
    """What a write made. `is_replay`: this `request_id` had been written before, and nothing was changed now."""

    revision: int
    revision_token: str
    committed_at: datetime.datetime
    is_replay: bool


@dataclass(frozen=True, slots=True)
class Page:
    """One page of facts, as messages. `next_page_token` is empty on the last page."""

    facts: tuple[facts_pb2.StoredFact, ...]
    next_page_token: str
    revision: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What one revision changed, as far as the caller may read it; `revision_token` resumes the watch behind it.

    Without changes it says that nothing else was changed up to here. `committed_at` is None before the first revision.
    """

    revision: int
    revision_token: str
    committed_at: datetime.datetime | None
    changes: tuple[facts_pb2.ChangedFact, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """How an import stands: its committed parts, and the facts that this call put.

    `is_finished`: the enterprises are decided about again.
    """

    parts: int
    facts: int
    revision: int
    revision_token: str
    is_finished: bool


@dataclass(frozen=True, slots=True)
class OpenImport:
    """An import that has not ended: nothing is decided about its enterprises."""

    caller: str
    import_id: str
    enterprise_ids: frozenset[str]
    parts: int
    began_at: datetime.datetime | None
    last_part_at: datetime.datetime | None


def open_import_from(message: facts_pb2.OpenImport) -> OpenImport:
    """Read an open import."""
    return OpenImport(
        message.caller,
        message.import_id,
        frozenset(message.enterprise_ids),
        message.parts,
        moment_from(message.began_at),
        moment_from(message.last_part_at),
    )


def decision_from(message: authorization_pb2.Decision) -> answers.Decision:
    """Read a decision."""
    return answers.Decision(
        is_allowed=message.effect == authorization_pb2.EFFECT_ALLOW,
        reasons=tuple(_reason(reason) for reason in message.reasons),
        next_steps=_next_steps(message.next_steps),
        obligations=tuple(
            answers.Obligation(item.code, _parameters(item.parameters), item.text) for item in message.obligations
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
) -> answers.ListPage:
    """Read a page of a list, whose ids are given."""
    return answers.ListPage(ids=tuple(ids), **_frame(message))


def conditional_items_from(items: Iterable[authorization_pb2.ConditionalItem]) -> tuple[answers.ConditionalItem, ...]:
    """Read what would be allowed but for excepted requirements."""
    return tuple(answers.ConditionalItem(item.id, tuple(item.still_required)) for item in items)


def conditional_page_from(
    message: authorization_pb2.ListResourcesResponse | authorization_pb2.ListSubjectsResponse,
    items: Iterable[authorization_pb2.ConditionalItem],
    except_requirements: Iterable[str],
) -> answers.ConditionalPage:
    """Read a page of what would be allowed but for requirements, whose items are given."""
    return answers.ConditionalPage(
        items=conditional_items_from(items),
        except_requirements=tuple(sorted(set(except_requirements))),
        **_frame(message),
    )


def _frame(message: authorization_pb2.ListResourcesResponse | authorization_pb2.ListSubjectsResponse) -> dict[str, Any]:
    """What every page holds beside what was found."""
    return {
        "next_page_token": message.next_page_token,
        "is_complete": message.complete,
        "revision": message.revision.number,
        "revision_token": message.revision.token,
        "policy_version": message.policy_version,
        "evaluated_at": moment_from(message.evaluated_at),
        "valid_until": moment_from(message.valid_until),
    }


def _reason(message: authorization_pb2.Reason) -> answers.Reason:
    is_for_users = message.audience == authorization_pb2.AUDIENCE_USER
    audience = answers.Audience.USER if is_for_users else answers.Audience.OPERATOR
    steps = _next_steps(message.next_steps)
    return answers.Reason(message.code, message.stage, audience, message.requirement, steps, message.text)


def _next_steps(messages: Iterable[authorization_pb2.NextStep]) -> tuple[answers.NextStep, ...]:
    return tuple(answers.NextStep(message.code, _parameters(message.parameters), message.text) for message in messages)


def _parameters(messages: Mapping[str, authorization_pb2.ParameterValue]) -> dict[str, answers.ParameterValue]:
    return {name: _parameter(messages[name]) for name in sorted(messages)}


def _parameter(message: authorization_pb2.ParameterValue) -> answers.ParameterValue:
    match message.WhichOneof("value"):
        case "int_value":
            return message.int_value
        case "time_value":
            return moment_from(message.time_value)
        case _:
            return message.string_value


def explanation_from(message: authorization_pb2.Explanation) -> answers.Explanation:
    """Read an explanation."""
    return answers.Explanation(decision_from(message.decision), tuple(map(outcome_from, message.requirements)))


def outcome_from(message: authorization_pb2.RequirementOutcome) -> answers.RequirementOutcome:
    """Read how a requirement came out."""
    standing = authorization_pb2.Standing.Name(message.standing).removeprefix("STANDING_")
    return answers.RequirementOutcome(
        message.requirement,
        standing,
        tuple(message.reasons),
        tuple(map(_rule, message.tried)),
        tuple(map(_rule, message.because)),
        tuple(map(_attempt, message.attempts)),
    )


def _attempt(message: authorization_pb2.Attempt) -> answers.Attempt:
    return answers.Attempt(
        rule=_rule(message.rule),
        is_met=message.is_met,
        condition=message.condition,
        file=message.file,
        line=message.line,
        values=tuple(message.values),
        under=tuple(map(_attempt, message.under)),
    )


def _rule(message: authorization_pb2.RuleRef) -> answers.RuleRef:
    return answers.RuleRef(message.head, message.file, message.line, tuple(message.rules))


def moment_from(message: Timestamp) -> datetime.datetime:
    """Read an instant, as a time in UTC."""
    return message.ToDatetime(tzinfo=datetime.UTC)


def no_answer_from(message: authorization_pb2.ItemStatus) -> NoAnswer:
    """Read why an item of a batch has no decision."""
    violations = tuple((violation.field, violation.description) for violation in message.field_violations)
    return NoAnswer(_code(message.code), message.reason, message.message, violations)


def _code(number: int) -> grpc.StatusCode:
    return next((code for code in grpc.StatusCode if code.value[0] == number), grpc.StatusCode.UNKNOWN)
