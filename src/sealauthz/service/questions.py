"""Questions out of messages: every malformed field is named by its path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

from sealauthz.decision.paging import Paging
from sealauthz.decision.question import ContextValue, Entity, ListQuery, Question
from sealauthz.decision.texts import LANGUAGES
from sealauthz.errors import InvalidRequest, Violation
from sealauthz.facts.memory.consistency import FROM_MEMORY, FULL, Consistency
from sealauthz.polar.reach import Root
from sealauthz.service.faults import Faults, is_id
from sealauthz.service.tokens import check_store, token_from
from sealauthz.v1 import authorization_pb2

MAX_BATCH = 1_000
MAX_CONTEXT_KEYS = 32


class AboutTwo(Protocol):
    """A message that names a subject, a resource and a context."""

    @property
    def subject(self) -> authorization_pb2.Entity: ...  # noqa: D102
    @property
    def resource(self) -> authorization_pb2.Entity: ...  # noqa: D102
    @property
    def context(self) -> Mapping[str, authorization_pb2.ContextValue]: ...  # noqa: D102


class Asks(AboutTwo, Protocol):
    """A message that asks one question."""

    @property
    def action(self) -> str: ...  # noqa: D102


class Asked(Protocol):
    """A message that says how fresh the facts must be."""

    @property
    def consistency(self) -> authorization_pb2.Consistency: ...  # noqa: D102
    def HasField(self, name: Literal["consistency"], /) -> bool: ...  # noqa: D102


class AsksForPage(Protocol):
    """A message that asks for one page of a list."""

    @property
    def page_size(self) -> int: ...  # noqa: D102
    @property
    def page_token(self) -> str: ...  # noqa: D102


class Speaks(Protocol):
    """A message that says in which language it wants texts."""

    @property
    def language(self) -> str: ...  # noqa: D102


def language_from(message: Speaks) -> str:
    """Read the language of the texts; empty for none. Raises InvalidRequest for one that there is not."""
    language = message.language
    if language and language not in LANGUAGES:
        raise InvalidRequest.at("language", f"must be empty or one of {', '.join(LANGUAGES)}")
    return language


def consistency_from(message: Asked, store_id: str) -> Consistency:
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


def question_from(message: Asks, prefix: str = "") -> Question:
    """Read a question. `prefix` goes before each path. Raises InvalidRequest naming every malformed field."""
    faults = Faults()
    subject, resource, context = _parts_from(message, prefix, faults)
    action = message.action
    faults.check_id(f"{prefix}action", action)
    faults.refuse()
    return Question(subject, action, resource, context)


def parts_from(message: AboutTwo) -> tuple[Entity, Entity, Mapping[str, ContextValue]]:
    """Read subject, resource and context. Raises InvalidRequest naming every malformed field."""
    faults = Faults()
    parts = _parts_from(message, "", faults)
    faults.refuse()
    return parts


def resources_query_from(message: authorization_pb2.ListResourcesRequest) -> ListQuery:
    """Read which resources to list. Raises InvalidRequest naming every malformed field."""
    faults = Faults()
    known = _entity_from(message.subject, "subject", faults)
    faults.check_id("action", message.action)
    faults.check_id("resource_type", message.resource_type)
    context = _context_from(message.context, "context", faults)
    faults.refuse()
    return ListQuery(Root.SUBJECT, known, message.action, message.resource_type, context)


def subjects_query_from(message: authorization_pb2.ListSubjectsRequest) -> ListQuery:
    """Read which subjects to list. Raises InvalidRequest naming every malformed field."""
    faults = Faults()
    known = _entity_from(message.resource, "resource", faults)
    faults.check_id("action", message.action)
    faults.check_id("subject_type", message.subject_type)
    context = _context_from(message.context, "context", faults)
    faults.refuse()
    return ListQuery(Root.RESOURCE, known, message.action, message.subject_type, context)


def paging_from(message: AsksForPage) -> Paging:
    """Read which page to return."""
    return Paging(message.page_size, message.page_token)


def with_prefix(error: InvalidRequest, prefix: str) -> InvalidRequest:
    """Return the error with `prefix` before each path."""
    return InvalidRequest(*(Violation(f"{prefix}{v.field}", v.description) for v in error.violations))


def _parts_from(message: AboutTwo, prefix: str, faults: Faults) -> tuple[Entity, Entity, Mapping[str, ContextValue]]:
    return (
        _entity_from(message.subject, f"{prefix}subject", faults),
        _entity_from(message.resource, f"{prefix}resource", faults),
        _context_from(message.context, f"{prefix}context", faults),
    )


def _entity_from(message: authorization_pb2.Entity, path: str, faults: Faults) -> Entity:
    kind, record_id = message.type, message.id
    if not (is_id(kind) and is_id(record_id)):
        if not kind and not record_id:
            faults.add(path, "is required")
        else:
            faults.check_id(f"{path}.type", kind)
            faults.check_id(f"{path}.id", record_id)
    return Entity(kind, record_id)


def _context_from(
    messages: Mapping[str, authorization_pb2.ContextValue], path: str, faults: Faults
) -> Mapping[str, ContextValue]:
    faults.check_count(path, len(messages), MAX_CONTEXT_KEYS)
    context: dict[str, ContextValue] = {}
    # Sorted: a map has no order on the wire, and the same request must name the same fields.
    for key in sorted(messages):
        if not is_id(key):
            faults.add(path, "must have keys of 1 to 128 printable characters")
            continue
        context[key] = _value_from(messages[key], f"{path}[{key}]", faults)
    return context


def _value_from(message: authorization_pb2.ContextValue, path: str, faults: Faults) -> ContextValue:
    match message.WhichOneof("value"):
        case "string_value":
            faults.check_text(path, message.string_value)
            return message.string_value
        case "int_value":
            return message.int_value
        case "bool_value":
            return message.bool_value
        case "time_value":
            return faults.instant(path, message.time_value)
        case _:
            faults.add(path, "must hold a value")
            return ""
