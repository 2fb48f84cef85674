"""Whether a store takes what a move changes, worked out once for all worlds that look the same to it."""

from __future__ import annotations

from sealauthz.attack.moves import ActMove, OutsideMoved
from sealauthz.attack.reads import Relevance
from sealauthz.attack.views import View
from sealauthz.attack.world import World, Written

_MOST = 400_000
"""How many answers are kept at most; then all are forgotten."""


Change = ActMove | OutsideMoved
"""A move that changes facts."""


class Taking:
    """Asks the rules that every write keeps. Unless it remembers, each is asked where it is needed."""

    def __init__(self, relevance: Relevance, *, remembers: bool) -> None:
        self._relevance = relevance
        self._remembers = remembers
        self._views: dict[tuple[str, str], View] = {}
        self._known: dict[tuple[int, int], bool] = {}

    def takes(self, world: World, move: Change, written: Written, after: World | None = None) -> bool:
        """Tell whether a store that holds a world takes what a move writes there; `after` is the world behind it."""
        if not (self._remembers and isinstance(move, ActMove)):
            return (after or world.moved(written)).takes(written)
        key = (move.what, world.as_seen_by(self._view(move)))
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MOST:
                self._known.clear()
            found = self._known[key] = (after or world.moved(written)).takes(written)
        return found

    def takes_too(self, world: World, move: Change) -> bool:
        """Tell whether a move that is made elsewhere changes something here, and a store takes that."""
        written = move.writing.on(world)
        return written is not None and bool(written.after) and self.takes(world, move, written)

    def _view(self, move: ActMove) -> View:
        """What may alter whether a store takes what an act writes."""
        key = (move.asked.action, move.asked.resource[0])
        if key not in self._views:
            self._views[key] = View(self._relevance.taken(*key))
        return self._views[key]
