"""Ties: what must join a subject and a resource wherever a rule holds for them, and how ties combine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sealauthz.polar.walks import Step, Walk

_DOWN = 8
"""How many records one step down is taken to lead to, when ties are compared."""


@dataclass(frozen=True, slots=True)
class Alone:
    """A condition on what is known alone: where the rule holds for it, anything may be joined to it.

    `arguments` are those of the rule, with None for what is known.
    """

    rule: str
    arguments: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Holding:
    """A condition on what is sought alone: the key of some record at the end of this step down names it."""

    step: Step


Tie = Walk | Alone | Holding
Ties = frozenset[Tie] | None
"""At least one of these holds wherever the rule does: empty if it never holds, None if nothing is known."""

NEVER: frozenset[Tie] = frozenset()


def any_of(several: Iterable[Ties]) -> Ties:
    """Return what is known where one of these is."""
    found = NEVER
    for ties in several:
        if ties is None:
            return None
        found |= ties
    return found


def both(one: Ties, other: Ties) -> Ties:
    """Return what is known where both are: either would do, so the one that leads to less."""
    if one is None or other is None:
        return one if other is None else other
    return min(one, other, key=_width)


def _width(ties: frozenset[Tie]) -> tuple[int, int, int, int]:
    """How much ties lead to, at a guess: walks to little, a condition on one side to much."""
    holding = sum(isinstance(tie, Holding) for tie in ties)
    alone = sum(isinstance(tie, Alone) for tie in ties)
    walks = [tie for tie in ties if isinstance(tie, tuple)]
    reached = sum(_DOWN ** sum(not step.is_up for step in walk) for walk in walks)
    return holding, alone, reached, sum(map(len, walks))
