"""Questions out of messages: every malformed field is named by its path."""

from __future__ import annotations

from collections.abc import Mapping

from sealauthz.decision.paging import Paging
from sealauthz.decision.question import ContextValue, Entity, ListQuery, Question
from sealauthz.decision.texts import LANGUAGES
from sealauthz.errors import InvalidRequest, Violation
from sealauthz.facts.memory.consistency import FROM_MEMORY, FULL, Consistency
from sealauthz.polar.reach import Root
from sealauthz.service.tokens import check_store, token_from
from sealauthz.service.violations import FieldViolations, is_id
from sealauthz.v1 import authorization_pb2

MAX_BATCH = 1_000
MAX_CONTEXT_KEYS = 32


AsksOne = authorization_pb2.Question | authorization_pb2.AuthorizeRequest | authorization_pb2.ExplainRequest
AsksPage = authorization_pb2.ListResourcesRequest | authorization_pb2.ListSubjectsRequest
AsksWithTexts = (
    authorization_pb2.AuthorizeRequest
    | authorization_pb2.AuthorizeBatchRequest
    | authorization_pb2.ListActionsRequest
    | authorization_pb2.ExplainRequest
)


def language_from(message: AsksWithTexts) -> str:
    """Read the language of the texts; empty for none. Raises InvalidRequest for an unknown one."""
    language = message.language
    if language and language not in LANGUAGES:
        raise InvalidRequest.at("language", f"must be empty or one of {', '.join(LANGUAGES)}")
    return language


def consistency_from(message: AsksWithTexts | AsksPage, store_id: str) -> Consistency:
    """Read how fresh the facts must be. Raises InvalidRequest, and RevisionUnknown for the token of another store."""
    if not message.HasField("consistency"):
        return FROM_MEMORY
    wanted = message.consistency
    match wanted.WhichOneof("requirement"):
        case "fully_consistent" if wanted.fully_consistent:
            return FULL
        case "at_least_as_fresh":
            token = token_from(wanted.at_least_as_fresh, "consistency.at_least_as_fresh")
            check_store(token, store_id)
            return Consistency(at_least=token.number, timeline=token.timeline_id)
        case None | "minimize_latency" if not wanted.fully_consistent:
            return FROM_MEMORY
        case _:
            raise InvalidRequest.at("consistency", "must not say `fully_consistent: false`; leave it out instead")


def question_from(message: AsksOne, prefix: str = "") -> Question:
    """Read a question. `prefix` goes before each path. Raises InvalidRequest naming every malformed field."""
    violations = FieldViolations()
    subject, resource, context = _parts_from(message, prefix, violations)
    action = message.action
    violations.check_id(f"{prefix}action", action)
    violations.refuse()
    return Question(subject, action, resource, context)


def parts_from(message: authorization_pb2.ListActionsRequest) -> tuple[Entity, Entity, Mapping[str, ContextValue]]:
    """Read subject, resource and context. Raises InvalidRequest naming every malformed field."""
    violations = FieldViolations()
    parts = _parts_from(message, "", violations)
    violations.refuse()
    return parts


def resources_query_from(message: authorization_pb2.ListResourcesRequest) -> ListQuery:
    """Read which resources to list. Raises InvalidRequest naming every malformed field."""
    violations = FieldViolations()
    known = _entity_from(message.subject, "subject", violations)
    violations.check_id("action", message.action)
    violations.check_id("resource_type", message.resource_type)
    context = _context_from(message.context, "context", violations)
    violations.refuse()
    return ListQuery(Root.SUBJECT, known, message.action, message.resource_type, context)


def subjects_query_from(message: authorization_pb2.ListSubjectsRequest) -> ListQuery:
    """Read which subjects to list. Raises InvalidRequest naming every malformed field."""
    violations = FieldViolations()
    known = _entity_from(message.resource, "resource", violations)
    violations.check_id("action", message.action)
    violations.check_id("subject_type", message.subject_type)
    context = _context_from(message.context, "context", violations)
    violations.refuse()
    return ListQuery(Root.RESOURCE, known, message.action, message.subject_type, context)


def paging_from(message: AsksPage) -> Paging:
    """Read which page to return."""
    return Paging(message.page_size, message.page_token)


def with_prefix(error: InvalidRequest, prefix: str) -> InvalidRequest:
    """Return the error with `prefix` before each path."""
    return InvalidRequest(*(Violation(f"{prefix}{v.field}", v.description) for v in error.violations))


def _parts_from(
    message: AsksOne | authorization_pb2.ListActionsRequest, prefix: str, violations: FieldViolations
) -> tuple[Entity, Entity, Mapping[str, ContextValue]]:
    return (
        _entity_from(message.subject, f"{prefix}subject", violations),
        _entity_from(message.resource, f"{prefix}resource", violations),
        _context_from(message.context, f"{prefix}context", violations),
    )


def _entity_from(message: authorization_pb2.Entity, path: str, violations: FieldViolations) -> Entity:
    kind, record_id = message.type, message.id
    if not (is_id(kind) and is_id(record_id)):
        if not kind and not record_id:
            violations.add(path, "is required")
        else:
            violations.check_id(f"{path}.type", kind)
            violations.check_id(f"{path}.id", record_id)
    return Entity(kind, record_id)


def _context_from(
    messages: Mapping[str, authorization_pb2.ContextValue], path: str, violations: FieldViolations
) -> Mapping[str, ContextValue]:
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
    match message.WhichOneof("value"):
        case "string_value":
            violations.check_text(path, message.string_value)
            return message.string_value
        case "int_value":
            return message.int_value
        case "bool_value":
            return message.bool_value
        case "time_value":
            return violations.instant(path, message.time_value)
        case _:
            violations.add(path, "must hold a value")
            return ""
