"""Questions as messages: what they ask, in which language, and what the log may say of them."""

from __future__ import annotations

from collections.abc import Mapping

from sealauthz.decision.assembly import MaySee, Within, everything
from sealauthz.decision.bundle import Bundle
from sealauthz.decision.decision import Decision, Effect
from sealauthz.decision.product_reasons import (
    CONTEXT_NOT_FOUND,
    FACT_UNAVAILABLE,
    NOT_FOUND,
    UNKNOWN_ACTION,
    UNKNOWN_TYPE,
)
from sealauthz.decision.question import ContextValue, Entity, Question
from sealauthz.decision.texts import LANGUAGES
from sealauthz.runtime.errors import InvalidRequest
from sealauthz.service.callers import Call, Caller
from sealauthz.service.fields import FieldViolations, is_id
from sealauthz_client.v1 import audit_pb2, authorization_pb2, operations_pb2

MAX_CONTEXT_KEYS = 32

AsksOne = (
    authorization_pb2.Question
    | authorization_pb2.AuthorizeRequest
    | authorization_pb2.ExplainRequest
    | operations_pb2.PerformRequest
    | audit_pb2.DecideAsOfRequest
)


def question_from(message: AsksOne, prefix: str = "") -> Question:
    """Read a question. `prefix` goes before each path. Raises InvalidRequest naming every malformed field."""
    violations = FieldViolations()
    question = read_question(message, prefix, violations)
    violations.refuse()
    return question


def read_question(message: AsksOne, prefix: str, violations: FieldViolations) -> Question:
    """Read a question, and note what is malformed in it."""
    subject, resource, context = parts_from(message, prefix, violations)
    action = message.action
    violations.check_id(f"{prefix}action", action)
    return Question(subject, action, resource, context)


def parts_from(
    message: AsksOne | authorization_pb2.ListActionsRequest, prefix: str, violations: FieldViolations
) -> tuple[Entity, Entity, Mapping[str, ContextValue]]:
    """Read subject, resource and context, and note what is malformed in them."""
    return (
        entity_from(message.subject, f"{prefix}subject", violations),
        entity_from(message.resource, f"{prefix}resource", violations),
        context_from(message.context, f"{prefix}context", violations),
    )


def entity_from(message: authorization_pb2.Entity, path: str, violations: FieldViolations) -> Entity:
    """Read a subject or a resource, and note what is malformed in it."""
    kind, record_id = message.type, message.id
    if not (is_id(kind) and is_id(record_id)):
        if not kind and not record_id:
            violations.add(path, "is required")
        else:
            violations.check_id(f"{path}.type", kind)
            violations.check_id(f"{path}.id", record_id)
    return Entity(kind, record_id)


def context_from(
    messages: Mapping[str, authorization_pb2.ContextValue], path: str, violations: FieldViolations
) -> Mapping[str, ContextValue]:
    """Read a context, and note what is malformed in it."""
    violations.check_count(path, len(messages), MAX_CONTEXT_KEYS)
    context: dict[str, ContextValue] = {}
    # Sorted: a map has no order on the wire, and the same request must name the same fields.
    for key in sorted(messages):
        if not is_id(key):
            violations.add(path, "must have keys of 1 to 128 printable characters")
            continue
        context[key] = _value_from(messages[key], f"{path}[{key}]", violations)
    return context


def _value_from(message: authorization_pb2.ContextValue, path: str, violations: FieldViolations) -> ContextValue:
    which = message.WhichOneof("value")
    if which is None:
        violations.add(path, "must hold a value")
        return ""
    if which == "time_value":
        return violations.instant(path, message.time_value)
    if which == "string_value":
        violations.check_text(path, message.string_value)
    value: ContextValue = getattr(message, which)
    return value


def checked_language(language: str) -> str:
    """Return the language of the texts; empty for none. Raises InvalidRequest for an unknown one."""
    if language and language not in LANGUAGES:
        raise InvalidRequest.at("language", f"must be empty or one of {', '.join(LANGUAGES)}")
    return language


_NOTHING_THERE = frozenset({NOT_FOUND, CONTEXT_NOT_FOUND, UNKNOWN_ACTION, UNKNOWN_TYPE, FACT_UNAVAILABLE})


def may_see_of(caller: Caller) -> MaySee:
    """Return which tenants a caller may ask about."""
    return everything if caller.tenants is None else Within(caller.tenants)


def note_question(call: Call, bundle: Bundle, action: str, resource_type: str) -> None:
    """Note for the log what is asked: only words of the vocabulary, any other text may be personal."""
    actions = bundle.actions.get(resource_type)
    if actions is not None:
        call.noted["resource_type"] = resource_type
        if action in actions:
            call.noted["action"] = action


def note_decision(call: Call, decision: Decision) -> None:
    """Note for the log how it was decided. Ids of what does not exist, as far as the subject knows, may be any text of
    the client's own: they are left out.
    """
    noted, question = call.noted, decision.question
    noted["decision_id"] = decision.decision_id
    noted["effect"] = str(Effect(decision.effect))
    noted["revision"] = decision.revision
    noted["policy"] = decision.policy_version
    codes = [reason.code for reason in decision.reasons]
    if codes:
        noted["reasons"] = codes
    if "action" in noted and _NOTHING_THERE.isdisjoint(codes):
        noted["subject"] = str(question.subject)
        noted["resource"] = str(question.resource)
