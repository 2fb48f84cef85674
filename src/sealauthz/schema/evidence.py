"""How the questions of an access diff are sampled: what clients would give with them, and what is good for minutes.

A model needs to declare none of it: a client could then name every record of a key's type, and nothing is supposed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sealauthz.schema.action import Action
from sealauthz.schema.record import Instant

RecordKey = tuple[str, str]
"""The type and the id of a record."""


class SampledFacts(Protocol):
    """The facts of a diff, as samples are chosen from them."""

    def of(self, record_type: str) -> Mapping[str, Any]:
        """Return the records of a type by id."""

    def naming(self, record_type: str, column: str, record_id: str) -> Sequence[Any]:
        """Return the records of a type whose column names this id."""

    def of_subject(self, subject: RecordKey, record_type: str) -> Collection[str]:
        """Return the ids of the records of a type that are held in the unit of a subject."""

    def tenant_of(self, record: RecordKey) -> str:
        """Return the id of the tenant that a record is at home in; empty where that is none."""

    def of_tenant(self, tenant_id: str, record_type: str) -> Collection[str]:
        """Return the ids of the records of a type that concern a tenant."""


class Fresh(str):
    """A record that is supposed to have been made just now. The text stands for its id in a report."""

    __slots__ = ()


Ranked = tuple[int, str]
"""How telling an id is (0: the most), and the id. What is cut is cut from the end."""


@dataclass(frozen=True, slots=True)
class SampleQuery:
    """A question of which the context is filled in: `given` are the values of the keys before this one, in order.

    `subject` is None for all who hold no record of the types that the action's keys name.
    """

    subject: RecordKey | None
    action: Action
    resource: RecordKey
    given: Sequence[str | None]


@dataclass(frozen=True, slots=True)
class FreshQuery:
    """A question for which the record of one key is made, after all other keys of its context are filled in."""

    subject: Any
    action: Action
    resource: Any
    given: Sequence[str | None]
    key: str
    context: Any


class Samples:
    """Which records of one type clients would name at one time: every one, unless a model declares another class."""

    depends_on_subject = False
    """Whether subjects who hold records of the type are offered others."""

    def __init__(self, record_type: str, facts: SampledFacts, now: Instant) -> None:
        self.record_type = record_type
        self.facts = facts
        self.now = now

    def choose(self, query: SampleQuery) -> Sequence[Ranked]:
        """Return the records to name."""
        return [(0, record_id) for record_id in sorted(self.facts.of(self.record_type))]

    def fresh(self, query: SampleQuery, words: Collection[str]) -> Sequence[tuple[int, Fresh]]:
        """Return the records to suppose. `words` are those that the rules of the action compare with."""
        return ()

    def make(self, fresh: Fresh, query: FreshQuery) -> Any:
        """Make a record that is supposed, of those that `fresh` returns."""
        raise NotImplementedError(f"no {self.record_type} is supposed")


@dataclass(frozen=True, slots=True)
class Stated:
    """A word that stands in policy tests for what only the server can say: in this column of a record that a question
    names, for what it finds under this key of the context.
    """

    record_type: str
    column: str
    word: str
    key: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a model says of the questions of an access diff."""

    samples: Mapping[str, type[Samples]] = field(default_factory=dict)
    """By record type, where clients would not name every record of it."""
    fresh_context: Callable[[Any, Any], Any] = lambda context, _resource: context
    """Returns a context, for a resource, at a time of the clock at which acts are usual."""
    to_come: frozenset[str] = frozenset()
    """Columns that end like instants of the past (`_at`), and may hold one that is still to come."""
    traits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What tells kinds of subjects apart: columns, by the type of records in the units of subjects."""
    concerned: tuple[str, ...] = ()
    """Record types: a subject whose unit holds one is concerned with every resource."""
    stated: tuple[Stated, ...] = ()


NO_EVIDENCE = Evidence()
