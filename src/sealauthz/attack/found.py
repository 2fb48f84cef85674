"""How far a search goes, and what it found."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from enum import StrEnum

from sealauthz.attack.goals import Goal
from sealauthz.attack.moves import Move
from sealauthz.policytest.fixtures import FactSet
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
    together: int = 3
    """Up to how many acts everything is done in every mixture; behind that, what does not concern each other is kept
    apart where the goal allows it.
    """
    far: int = 0
    """Up to how many acts it follows ways further on which few acts at a time are unused."""


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
    followed: tuple[int, ...] = ()
    """Up to how many acts ways were followed on which one act at a time is unused, on which two are, and so on."""
    steps: tuple[Made, ...] = ()
    record: str = ""
    states: int = 0
    is_apart: bool = False
    """Whether acts that do not concern each other were not mixed: then states are these parts, and what was put
    together of them.
    """
    decided: int = 0
    remembered: int = 0
    contexts_left_out: int = 0
    arguments_left_out: int = 0
    seconds: float = 0.0


def both(found: Found, further: Found, *, is_all: bool) -> Found:
    """Return what was found by a search in every way, and so far, and by one that left more unused on the way.
    `is_all` where that one left nothing out.
    """
    is_whole = is_all and further.ended in (Ended.DEPTH, Ended.ALL)
    is_cut = further.ended in (Ended.REACHED, Ended.TIME, Ended.STATES)
    return dataclasses.replace(
        found,
        ended=further.ended if is_cut or is_whole else found.ended,
        depth=further.depth if is_cut or is_whole else found.depth,
        complete=further.complete if is_whole else found.complete,
        followed=() if is_whole else (*found.followed, further.complete),
        steps=further.steps,
        record=further.record,
        states=found.states + further.states,
        decided=further.decided,
        remembered=further.remembered,
        contexts_left_out=further.contexts_left_out,
        arguments_left_out=further.arguments_left_out,
        seconds=found.seconds + further.seconds,
    )
