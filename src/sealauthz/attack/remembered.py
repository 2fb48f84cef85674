"""Answers that are remembered by what they rest on: in another world in which that is the same, they are the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from sealauthz.attack.world import World
from sealauthz.facts.store.acting import Observed
from sealauthz.policytest.fixtures import Key
from sealauthz.schema import Unit

T = TypeVar("T")

_MOST = 2_000_000
"""How many answers are kept at most; then all are forgotten."""


class _RestsOn(NamedTuple):
    """What an answer read: units, records that were looked for, and types of which some were looked up."""

    units: tuple[Unit, ...]
    records: tuple[Key, ...]
    types: tuple[str, ...]

    def state(self, world: World) -> tuple[Any, ...]:
        """What all that is in a world."""
        return (
            *map(world.version, self.units),
            *[key in world for key in self.records],
            *map(world.version_of_type, self.types),
        )


def _rests_on(observed: Observed) -> _RestsOn:
    types = {*observed.pages, *(record_type for record_type, _ in observed.look_ups)}
    return _RestsOn(tuple(sorted(observed.units)), tuple(sorted(observed.records)), tuple(sorted(types)))


class Remembered:
    """Answers to questions of any kind, by key. `made` counts those that were worked out, `found` the others."""

    def __init__(self) -> None:
        self._answers: dict[Any, dict[_RestsOn, dict[tuple[Any, ...], Any]]] = {}
        self._count = 0
        self.made = 0
        self.found = 0

    def answer(self, key: Any, world: World, make: Callable[[Observed], T]) -> T:
        """Return the answer for a world: one that rests on the same, or a new one, which notes what it reads."""
        kept = self._answers.get(key)
        if kept is not None:
            for rests_on, by_state in kept.items():
                state = rests_on.state(world)
                if state in by_state:
                    self.found += 1
                    return by_state[state]  # type: ignore[no-any-return]
        observed = Observed()
        made = make(observed)
        self.made += 1
        if self._count >= _MOST:
            self._answers.clear()
            self._count = 0
        self._count += 1
        rests_on = _rests_on(observed)
        self._answers.setdefault(key, {}).setdefault(rests_on, {})[rests_on.state(world)] = made
        return made
