"""The places of a search: facts that were reached, how, and which acts on the way there nothing has used yet.

An act is used by a move behind it that could not be made without it, or would write something else. What nothing uses
is needed for nothing but what the goal sees, so that a shortest way holds no more of these at a time than one move, or
the goal, can use together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sealauthz.attack.candidates import Doer
from sealauthz.attack.moves import ActMove, Move
from sealauthz.attack.symmetry import Swap
from sealauthz.attack.world import Digest, World
from sealauthz.policytest.fixtures import FactSet
from sealauthz.schema import Action, Instant


@dataclass(frozen=True, slots=True)
class Unused:
    """An act that nothing has used yet: the facts as they would be without it."""

    facts: FactSet
    digest: Digest


@dataclass(slots=True)
class Node:
    """Facts that were reached, how, and what may still be done. `world` is there only while they are looked at."""

    facts: FactSet
    digest: Digest
    world: World | None
    now: Instant
    parent: Node | None
    move: Move | None
    acts: int
    waits: int
    is_deceived: bool
    swaps: tuple[Swap, ...] = ()
    """The colluders who are interchangeable still."""
    unused: tuple[Unused, ...] = ()


def earlier(node: Node, doer: Doer, action: Action) -> tuple[str, ...]:
    """The operations that somebody did by an action before."""
    found = []
    for move in _moves(node):
        asked = move.asked
        if (asked.subject, asked.action, asked.resource[0]) == (doer.subject, action.name, action.resource):
            found.append(move.operation_id)
    return tuple(found)


def done(node: Node) -> frozenset[str]:
    """All operations that were done before."""
    return frozenset(move.operation_id for move in _moves(node))


def _moves(node: Node) -> list[ActMove]:
    found = []
    at: Node | None = node
    while at is not None:
        if isinstance(at.move, ActMove):
            found.append(at.move)
        at = at.parent
    return found


class Seen:
    """Which states were met: each with the fewest acts that lead there, and what these leave unused."""

    def __init__(self) -> None:
        self._met: dict[tuple[Any, ...], tuple[int, list[frozenset[Digest]]]] = {}

    def __len__(self) -> int:
        return len(self._met)

    def is_nearer(self, state: tuple[Any, ...], acts: int) -> bool:
        """Tell whether a state was met behind fewer acts."""
        met = self._met.get(state)
        return met is not None and met[0] < acts

    def has(self, state: tuple[Any, ...], acts: int, unused: Sequence[Unused] = ()) -> bool:
        """Tell whether a state was met behind fewer acts, or behind as many that leave no more unused."""
        met = self._met.get(state)
        if met is None or acts < met[0]:
            return False
        left = frozenset(each.digest for each in unused)
        return acts > met[0] or any(each <= left for each in met[1])

    def add(self, state: tuple[Any, ...], acts: int, unused: Sequence[Unused] = ()) -> None:
        """Note that a state was met."""
        left = frozenset(each.digest for each in unused)
        met = self._met.get(state)
        if met is None or acts < met[0]:
            self._met[state] = (acts, [left])
        elif acts == met[0]:
            met[1][:] = [*(each for each in met[1] if not left <= each), left]
