"""What is asked: may this subject do this action to this resource, in this context."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ContextValue = str | int | bool
"""A value that the client may give in the context. Instants are microseconds since 1970-01-01T00:00:00Z."""


@dataclass(frozen=True, slots=True)
class Entity:
    """A subject or a resource: the name of its record type, and its id."""

    type: str
    id: str

    def __str__(self) -> str:
        return f"{self.type}:{self.id}"


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `context` holds only what the client knows; `now` and the parameters are the server's."""

    subject: Entity
    action: str
    resource: Entity
    context: Mapping[str, ContextValue] = field(default_factory=dict)
