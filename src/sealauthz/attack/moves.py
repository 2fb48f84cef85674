"""The moves of a search: acts, what happens outside, and time that passes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sealauthz.attack.views import View
from sealauthz.attack.world import World, Writing
from sealauthz.decision.question import Entity, Question
from sealauthz.schema import Delete, Instant, OutsideMove, Put, RecordChange, Update, values_of
from sealauthz.schema.effect import is_made_up

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

    @cached_property
    def what(self) -> int:
        """What is done and what it writes, as a number: the same act may write something else elsewhere."""
        return hash((self.asked, repr((sorted(self.arguments.items()), self.writing.changes))))

    def wrought(self, view: View | None) -> int:
        """Return, as a number, what it writes as a view sees it (None: all), whatever the ids are that it makes up:
        what is said in an act may alter these alone.
        """
        changes = self.writing.changes
        said = repr([told for each in changes if (told := _told(each, view)) is not None])
        made = [each.record.id for each in changes if isinstance(each, Put) and is_made_up(each.record.id)]
        for number, name in enumerate((self.operation_id, *made)):
            said = said.replace(name, f"<{number}>")
        return hash(said)


def _told(change: RecordChange, view: View | None) -> tuple[Any, ...] | None:
    """What a change writes, as a view sees it; None where it sees nothing of it."""
    match change:
        case Put():
            seen = values_of(change.record) if view is None else view.seen(change.record)
            return None if seen is None else (type(change.record).__name__, *seen)
        case Update():
            names = change.values if view is None else view.columns(change.record_type).intersection(change.values)
            read = [(name, change.values[name]) for name in sorted(names)]
            return (change.record_type, change.id, read) if read else None
        case Delete():
            is_seen = view is None or view.columns(change.record_type)
            return (change.record_type, change.id) if is_seen else None


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

    @cached_property
    def what(self) -> int:
        """What happens, as a number."""
        return hash((self.name, repr(self.changes)))


def happening(move: OutsideMove, world: World, now: Instant) -> Iterator[OutsideMoved]:
    """Return what may happen outside by one move."""
    for name, changes in move.moves(world.records, now):
        yield OutsideMoved(name, move.owner, move.says, changes)


@dataclass(frozen=True, slots=True)
class Waited:
    """Time that passed until an instant."""

    until: Instant


Move = ActMove | OutsideMoved | Waited


def leaves_of(value: Any) -> Iterator[Any]:
    """Return what is said in arguments, in whatever it is put together."""
    if isinstance(value, Mapping):
        for each in value.values():
            yield from leaves_of(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from leaves_of(each)
    else:
        yield value
