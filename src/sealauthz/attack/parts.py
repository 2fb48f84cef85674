"""Parts: acts that notice each other, and what is there where some parts are put together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sealauthz.attack.candidates import base_of
from sealauthz.attack.goals import LastAct
from sealauthz.attack.moves import ActMove, leaves_of
from sealauthz.attack.touching import Footprint, Trace
from sealauthz.attack.views import Reads
from sealauthz.attack.world import Digest
from sealauthz.policytest.fixtures import FactSet
from sealauthz.schema import Change, Instant

NO_ACT = ("", "")
"""What a goal is told where the last thing that came about was no act."""

Name = tuple[Digest, Instant, LastAct]
"""What a part leaves, until when time passes before its last act, and that act."""

Key = tuple[int, str, Instant]
"""Who asks, by number, what for, and when."""


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Acts each of which notices those before it, in their order; what they leave."""

    moves: tuple[ActMove, ...]
    digest: Digest
    footprint: Footprint
    changes: tuple[Change, ...]
    until: Instant
    """Until when time passes before its last act; 0 where it does not."""
    last: LastAct
    """Whose act the last one is, and which, if the goal asks for that."""

    @property
    def name(self) -> Name:
        """What tells it from other parts."""
        return self.digest, self.until, self.last

    @property
    def operations(self) -> frozenset[str]:
        """What was done, whatever its number."""
        return frozenset(base_of(each.operation_id) for each in self.moves)


@dataclass(slots=True, eq=False)
class Node:
    """Parts that were put together, and what is asked there that rests on all of them."""

    parts: tuple[Part, ...]
    moves: tuple[ActMove, ...]
    facts: FactSet
    digest: Digest
    following: list[tuple[ActMove, Key]] = field(default_factory=list)
    """The moves that may be made."""
    asks: dict[Key, Trace] = field(default_factory=dict)
    """What the answers rest on that rest on all parts, by who asks, what for and when."""
    reaches: Trace = field(default_factory=Trace)
    """What the goal rests on."""
    refused: list[tuple[Key, Reads]] = field(default_factory=list)
    looked: set[Key] = field(default_factory=set)
    is_open: bool = True
    until: Instant = 0
    """Until when time passed; 0 where it did not yet."""

    @property
    def made(self) -> set[str]:
        """The types of the records that came."""
        return {each for part in self.parts for each in part.footprint.types}


def may_meet(node: Node, part: Part) -> bool:
    """Tell whether time passes until the same instant, if in both: it passes once."""
    return not (node.until and part.until) or node.until == part.until


def values_in(records: Iterable[Any]) -> frozenset[Any]:
    """All that records hold."""
    found: set[Any] = set()
    for record in records:
        for name in type(record).__dataclass_fields__:
            value = getattr(record, name, None)
            if type(value) in (str, int) or isinstance(value, str):
                found.add(value)
    return frozenset(found)


def values_of(move: ActMove) -> frozenset[Any]:
    """What is named and said in an act, and in what somebody outside gave for it."""
    found: set[Any] = {move.asked.resource[1]}
    found.update(value for _, value in move.asked.context if type(value) is not bool)
    found.update(value for value in leaves_of(move.arguments) if type(value) is not bool)
    for _, _, record in move.provided:
        found |= {each for each in values_in([record]) if isinstance(each, str)}
    return frozenset(found)
