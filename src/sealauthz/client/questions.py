"""Questions as the messages that the service takes, and how fresh the facts must be that answer them."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

from google.protobuf.timestamp_pb2 import Timestamp

from sealauthz.v1 import authorization_pb2

ContextValue = str | int | bool | datetime.datetime


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a batch. `subject` and `resource` are `Type:id`."""

    subject: str
    action: str
    resource: str
    context: Mapping[str, ContextValue] | None = None


NEWEST = authorization_pb2.Consistency(fully_consistent=True)
"""Facts that include everything committed before the call."""


def at_least(revision_token: str) -> authorization_pb2.Consistency:
    """Return how to ask for facts that include a revision, such as that of a write (`Written.revision_token`)."""
    return authorization_pb2.Consistency(at_least_as_fresh=revision_token)


def entity_message(text: str) -> authorization_pb2.Entity:
    """Read `Type:id`; an id may hold colons. The service refuses what is malformed."""
    record_type, _, record_id = text.partition(":")
    return authorization_pb2.Entity(type=record_type, id=record_id)


def context_message(context: Mapping[str, ContextValue] | None) -> dict[str, authorization_pb2.ContextValue]:
    """Return a context as messages. Raises ValueError for a time without a time zone."""
    return {key: _context_value(value) for key, value in (context or {}).items()}


def _context_value(value: ContextValue) -> authorization_pb2.ContextValue:
    if isinstance(value, bool):
        return authorization_pb2.ContextValue(bool_value=value)
    if isinstance(value, int):
        return authorization_pb2.ContextValue(int_value=value)
    if isinstance(value, str):
        return authorization_pb2.ContextValue(string_value=value)
    if value.tzinfo is None:
        raise ValueError("a time in a context must have a time zone")
    moment = Timestamp()
    moment.FromDatetime(value)
    return authorization_pb2.ContextValue(time_value=moment)
