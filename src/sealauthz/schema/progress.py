"""How far something is, as a person should see it: what is done, what is now, and what comes next.

A timeline reads states and times, and judges nothing: whose turn it is are those whom the policies would allow the act
that a stage waits for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from sealauthz.runtime.instants import FOREVER, NEVER
from sealauthz.schema.action import Snapshot
from sealauthz.schema.record import Instant


class StageState(StrEnum):
    """Where a stage is. What has ENDED came to its end without being done: rejected, withdrawn or expired."""

    DONE = "DONE"
    NOW = "NOW"
    NEXT = "NEXT"
    ENDED = "ENDED"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: when it was done, until when it may take (NEVER: not known), and the acts that it waits for.

    `values` are counts and words that its text names. INVARIANT: no personal text. `reports_nobody`: the acts ask for
    nothing that a person brings along, so that it is worth reporting where the policies would allow them to nobody.
    """

    code: str
    state: StageState
    at: Instant = NEVER
    until: Instant = NEVER
    waits_for: tuple[str, ...] = ()
    values: Mapping[str, str | int] = field(default_factory=dict)
    reports_nobody: bool = False


class ProgressInput(NamedTuple):
    """What a timeline reads: the record, wired, the time, the numbers of the policies and the facts beside it."""

    resource: Any
    now: Instant
    parameters: Any
    snapshot: Snapshot


Timeline = Callable[[ProgressInput], tuple[Stage, ...]]


def stage(code: str, *, done_at: Instant = NEVER, is_now: bool = False, **more: Any) -> Stage:
    """Return a stage that is done when it has a time, else now or next."""
    if done_at != NEVER:
        return Stage(code, StageState.DONE, done_at)
    if not is_now:
        return Stage(code, StageState.NEXT)
    until = more.pop("until", NEVER)
    return Stage(code, StageState.NOW, until=NEVER if until == FOREVER else until, **more)


def ended(code: str, at: Instant = NEVER, **values: str | int) -> Stage:
    """Return the stage in which something ended without being done."""
    return Stage(code, StageState.ENDED, at, values=values)
