"""Until when time may pass: the instants at which something may change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from sealauthz.policytools.attack.world import World
from sealauthz.schema import Instant

_MINUTE = 60_000_000
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_WITHIN = (_HOUR, _DAY, 5 * _DAY, 15 * _DAY, 45 * _DAY, 400 * _DAY)
"""Time passes to the next and to the last instant that matters within each of these."""


def lengths_of(parameters: Any) -> tuple[int, ...]:
    """The lengths of time among the parameters of a bundle: numbers of a minute or more."""
    values = (getattr(parameters, field.name) for field in fields(parameters))
    return tuple(value for value in values if isinstance(value, int) and value >= _MINUTE)


def ends_of_waits(world: World, first: World, now: Instant, lengths: Sequence[int]) -> list[Instant]:
    """Return until when time may pass, in order: every instant to come that a record holds, or held in the `first`
    world, and of those that lie a length of the parameters behind one, the next and the last within some lengths of
    time.
    """
    held = world.instants | first.instants
    behind = {at + length for at in held for length in lengths}
    ends = {at for at in held if at > now}
    low = now
    for length in _WITHIN:
        inside = [at for at in held | behind if low < at <= now + length]
        if inside:
            ends |= {min(inside), max(inside)}
        low = now + length
    return sorted(ends)
