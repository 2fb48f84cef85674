"""How far a search goes, and what it found."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from sealauthz.policytools.attack.goals import Goal
from sealauthz.policytools.attack.moves import Move
from sealauthz.policytools.testing.fixtures import FactSet
from sealauthz.schema import Instant


class Ended(StrEnum):
    """What ended a search."""

    REACHED = "REACHED"
    DEPTH = "DEPTH"
    TIME = "TIME"
    STATES = "STATES"
    ALL = "ALL"
    """Nothing was left to try: no sequence of any length leads further."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a search goes: `depth` in acts (None: what the goal says), `seconds` of time, `states` it meets, each of
    which takes about four kilobytes.
    """

    depth: int | None = None
    seconds: float = 600.0
    states: int = 150_000
    is_pruned: bool = True
    """Whether last acts that the goal cannot see are left out; without it, everything is tried."""


@dataclass(frozen=True, slots=True)
class Made:
    """One step of an attack: the move, when it was made, and the world before and after it."""

    move: Move
    now: Instant
    before: FactSet = field(repr=False)
    after: FactSet = field(repr=False)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found: the steps to the goal and the record that reached it, or none, and how far it looked:
    everything of `complete` acts, where `depth` were asked for.
    """

    goal: Goal
    ended: Ended
    depth: int
    complete: int = 0
    steps: tuple[Made, ...] = ()
    record: str = ""
    states: int = 0
    decided: int = 0
    remembered: int = 0
    contexts_left_out: int = 0
    arguments_left_out: int = 0
    seconds: float = 0.0
