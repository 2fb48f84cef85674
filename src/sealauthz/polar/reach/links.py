"""Links: what must join a subject and a resource wherever a rule holds for them, and how links combine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sealauthz.polar.reach.paths import Path, Step

_DOWN = 8
"""How many records one step down is taken to lead to, when links are compared."""


@dataclass(frozen=True, slots=True)
class KnownOnly:
    """A condition on what is known alone: where the rule holds for it, anything may be joined to it.

    `arguments` are those of the rule, with None for what is known.
    """

    rule: str
    arguments: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Referenced:
    """A condition on what is sought alone: the key of some record at the end of this step down names it."""

    step: Step


Link = Path | KnownOnly | Referenced
Links = frozenset[Link] | None
"""At least one of these holds wherever the rule does: empty if it never holds, None if nothing is known."""

NEVER: frozenset[Link] = frozenset()


def any_of(several: Iterable[Links]) -> Links:
    """Return what is known where one of these is."""
    found = NEVER
    for links in several:
        if links is None:
            return None
        found |= links
    return found


def both(one: Links, other: Links) -> Links:
    """Return what is known where both are: either would do, so the one that leads to less."""
    if one is None or other is None:
        return one if other is None else other
    return min(one, other, key=_width)


def _width(links: frozenset[Link]) -> tuple[int, int, int, int]:
    """How much links lead to, at a guess: paths to little, a condition on one side to much."""
    referenced = sum(isinstance(link, Referenced) for link in links)
    known_only = sum(isinstance(link, KnownOnly) for link in links)
    paths = [link for link in links if isinstance(link, tuple)]
    reached = sum(_DOWN ** sum(not step.is_up for step in path) for path in paths)
    return referenced, known_only, reached, sum(map(len, paths))
