"""The moves of a search: acts, what happens outside, and time that passes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sealauthz.decision.question import Entity, Question
from sealauthz.policytools.attack.world import World, Writing
from sealauthz.schema import Instant, OutsideMove, RecordChange

Value = str | int | bool
"""What a client may give in the context of an act."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An act that somebody may try: who does what to what, with which context, asked by which service."""

    subject: str
    action: str
    resource: tuple[str, str]
    context: tuple[tuple[str, Value], ...] = ()
    caller: str = ""

    def question(self, subject_type: str) -> Question:
        """Return it as a question."""
        return Question(Entity(subject_type, self.subject), self.action, Entity(*self.resource), dict(self.context))

    def with_context(self, key: str, value: str) -> Asked:
        """Return the act with one more value in its context."""
        return Asked(self.subject, self.action, self.resource, (*self.context, (key, value)), self.caller)


@dataclass(frozen=True)
class ActMove:
    """An act that is performed at some time. `provided` are the records that somebody outside gave for it, each with
    whose they are and what was done; `operation_id` decides the ids of what it makes.
    """

    asked: Asked
    arguments: Mapping[str, Any]
    provided: tuple[tuple[str, str, Any], ...]
    operation_id: str
    at: Instant
    writing: Writing = field(repr=False, compare=False)


@dataclass(frozen=True)
class OutsideMoved:
    """Something that happened outside."""

    name: str
    owner: str
    says: str
    changes: tuple[RecordChange, ...] = field(repr=False)

    @property
    def writing(self) -> Writing:
        """The changes, to be worked out."""
        return Writing(self.changes)


def happening(move: OutsideMove, world: World, now: Instant) -> Iterator[OutsideMoved]:
    """Return what may happen outside by one move."""
    for name, changes in move.moves(world.records, now):
        yield OutsideMoved(name, move.owner, move.says, changes)


@dataclass(frozen=True, slots=True)
class Waited:
    """Time that passed until an instant."""

    until: Instant


Move = ActMove | OutsideMoved | Waited
