"""What time alone changes, written down: a sweep materialises what has run out. Nothing depends on it being on time."""

from __future__ import annotations

from collections.abc import Callable

from sealauthz.background import Background, Failed
from sealauthz.facts.memory.consistency import FULL
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.facts.memory.snapshot import FactSnapshot
from sealauthz.facts.store.acting import Basis, Intended, Observed
from sealauthz.facts.store.batch import Batch, WriteReceipt, check
from sealauthz.facts.store.performed import Statement, events_kept
from sealauthz.facts.store.store import Store, now_us
from sealauthz.schema import Event, RecordChange
from sealauthz.schema.effect import merged

SWEEPER = "sealauthz"
"""The caller under which the sweep writes."""

_EVERY_S = 60.0
_JOIN_S = 5.0
_HOLDS_FOR = 60_000_000
"""How long after it was read a sweep may be written, in microseconds."""


class Expiries:
    """Sweeps a store every minute, from start to stop, in any number of processes: who comes second finds nothing."""

    def __init__(
        self,
        store: Store,
        fact_cache: FactCache,
        failed: Failed,
        every_s: float = _EVERY_S,
        now: Callable[[], int] = now_us,
    ) -> None:
        self._store = store
        self._fact_cache = fact_cache
        self._every_s = every_s
        self._now = now
        self.thread = Background("expiries", self._step, failed)

    def start(self) -> None:
        """Begin to sweep."""
        self.thread.start()

    def stop(self) -> None:
        """Sweep no longer, and wait a little for a sweep under way: it holds a connection."""
        self.thread.stop()
        self.thread.join(_JOIN_S)

    def sweep(self) -> int:
        """Write what has run out; return how many records changed. Raises FactsUnavailable, InvariantBroken."""
        changed = 0

        def intend() -> Intended | None:
            nonlocal changed
            now = self._now()
            timeline, revision, observed, changes, events = self._fact_cache.answer(
                lambda snapshot: self._found(snapshot, now), FULL
            )
            changed = len(changes)
            if not changes:
                return None
            basis = Basis(timeline, revision, observed, now + _HOLDS_FOR, lambda: True)
            wanted = check(Batch(SWEEPER, f"sweep-{timeline}-{revision}-{now}", changes), self._store.model)

            def keep(is_postgresql: bool, receipt: WriteReceipt) -> list[Statement]:
                return events_kept(is_postgresql, receipt, events)

            return Intended(wanted, basis, keep)

        self._store.act(intend)
        return changed

    def _found(
        self, snapshot: FactSnapshot, now: int
    ) -> tuple[str, int, Observed, tuple[RecordChange, ...], tuple[Event, ...]]:
        observed = Observed()
        observing = snapshot.observing(observed)
        outcomes = [sweep(observing, now) for sweep in self._store.model.sweeps]
        changes = merged(change for outcome in outcomes for change in outcome.changes)
        events = tuple(event for outcome in outcomes for event in outcome.events)
        return snapshot.timeline, snapshot.revision, observed, changes, events

    def _step(self) -> None:
        # Nothing has run out unseen that a minute more would matter to: a start has other things to do.
        self.thread.rest(self._every_s)
        if not self.thread.is_stopping:
            self.sweep()
