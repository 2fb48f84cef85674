"""What is asked: may this subject do this action to this resource, in this context; or who may, or to what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sealauthz.polar.reach import Root

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


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What to list: what of type `sought` goes with the one that is `known`, as `root` says, for this action."""

    root: Root
    known: Entity
    action: str
    sought: str
    context: Mapping[str, ContextValue] = field(default_factory=dict)
    except_requirements: tuple[str, ...] = ()
    """Requirements that need not be met yet. With any, what is listed is no permission."""

    @property
    def exceptions(self) -> frozenset[str]:
        """The requirements that need not be met yet, each once."""
        return frozenset(self.except_requirements)

    @property
    def resource_type(self) -> str:
        """The type of the resources of its questions."""
        return self.sought if self.root is Root.SUBJECT else self.known.type

    @property
    def subject_type(self) -> str:
        """The type of the subjects of its questions."""
        return self.known.type if self.root is Root.SUBJECT else self.sought

    def about(self, candidate_id: str) -> Question:
        """Return the question about one candidate."""
        candidate = Entity(self.sought, candidate_id)
        if self.root is Root.SUBJECT:
            return Question(self.known, self.action, candidate, self.context)
        return Question(candidate, self.action, self.known, self.context)
