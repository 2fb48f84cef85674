"""Shared views: those who watch the same thing by the same rights have it decided and read once.

A look is what is found of a view at one time: how far the facts are, whether the subject may watch, and what there is
behind a place. It serves all that watch the view until there is something newer, its decision ends, or a second has
passed; who needs a newer one makes it, while the others wait for it.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sealauthz.decision.assembly import RequestOptions
from sealauthz.decision.decision import Decision
from sealauthz.facts.memory.consistency import Consistency
from sealauthz.facts.store.activity import WHOLE, Activity
from sealauthz.facts.store.store import now_us
from sealauthz.operations.monitoring import Monitoring, View

LOOK_S = 1.0
"""How long a look serves at most: so often at least a view is decided again."""

_PAGE = 100
_MOST_PLACES = 16
"""Of so many places a look keeps what lies behind them: who watches live stands where the others do."""


@dataclass(frozen=True, slots=True)
class Behind:
    """What lies behind a place: what is shown of it, the place behind all that was read, and whether more follows."""

    items: tuple[Activity, ...]
    place: tuple[int, int]
    goes_on: bool


@dataclass(slots=True)
class Look:
    """What was found of a view. `decision` is None for a view that needs no right to the whole."""

    newest: int
    decision: Decision | None
    consistency: Consistency
    until: float
    """When it ends, in seconds of `time.monotonic`."""
    _behind: OrderedDict[tuple[int, int], Behind] = field(default_factory=OrderedDict)
    _standing: tuple[Activity, ...] | None = None

    @property
    def may_watch(self) -> bool:
        """Whether anything is shown."""
        return self.decision is None or bool(self.decision)

    def is_over(self) -> bool:
        """Whether it must be looked again, whatever the facts are: by either clock."""
        is_late = self.decision is not None and now_us() >= self.decision.valid_until
        return is_late or time.monotonic() >= self.until


class SharedView:
    """One view as all those watch it that may see the same. Any thread may use it."""

    def __init__(self, monitoring: Monitoring, view: View) -> None:
        self._monitoring = monitoring
        self._view = view
        self._looking = threading.Lock()
        self._last: Look | None = None
        self.watchers = 0

    def look(self, told: int, options: Callable[[], RequestOptions]) -> Look:
        """Return a look that knows the revision `told`; `options` are read for a new one, of the newest revision.

        Raises as `Monitoring.decide` does: then nothing is shared, and each looks for itself.
        """
        with self._looking:
            last = self._last
            if last is not None and last.newest >= told and not last.is_over():
                return last
            self._last = None
            until = time.monotonic() + LOOK_S
            # The revision first: an item of a later one is found the next time, and none is skipped.
            asked = options()
            newest = asked.consistency.at_least
            self._last = found = Look(newest, self._monitoring.decide(self._view, asked), asked.consistency, until)
            return found

    def behind(self, look: Look, place: tuple[int, int], options: RequestOptions) -> Behind:
        """Return what a look shows behind a place, up to its revision; `options` are those of who asks, with the
        consistency of the look. Raises as `Monitoring.decide` does.
        """
        with self._looking:
            known = look._behind.get(place)
            if known is not None:
                return known
            found = self._monitoring.between(self._view, place, (look.newest, WHOLE), _PAGE)
            shown = self._monitoring.seen(self._view, found, options)
            end = found[-1].place if found else place
            goes_on = len(found) == _PAGE
            if not goes_on and look.newest > end[0]:
                end = look.newest, WHOLE
            look._behind[place] = made = Behind(tuple(shown), end, goes_on)
            while len(look._behind) > _MOST_PLACES:
                look._behind.popitem(last=False)
            return made

    def standing(self, look: Look, options: RequestOptions) -> tuple[Activity, ...]:
        """Return what stands from before. Raises as `Monitoring.decide` does."""
        with self._looking:
            if look._standing is None:
                look._standing = tuple(self._monitoring.standing(self._view, options))
            return look._standing


class SharedViews:
    """The views that are watched now. Any thread may use it."""

    def __init__(self, monitoring: Monitoring) -> None:
        self._monitoring = monitoring
        self._changing = threading.Lock()
        self._views: dict[Hashable, SharedView] = {}

    @contextmanager
    def watched(self, view: View, *rights: Hashable) -> Iterator[SharedView]:
        """Give the view that is shared with all who watch the same by the same rights."""
        key = (view, *rights)
        with self._changing:
            shared = self._views.get(key)
            if shared is None:
                shared = self._views[key] = SharedView(self._monitoring, view)
            shared.watchers += 1
        try:
            yield shared
        finally:
            with self._changing:
                shared.watchers -= 1
                if not shared.watchers:
                    del self._views[key]
