"""What time alone changes, written down: a sweep materialises what has run out. Nothing depends on it being on time."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from sealauthz.decision.policies import Policies
from sealauthz.facts.memory.consistency import FULL
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.facts.memory.snapshot import FactSnapshot
from sealauthz.facts.store.acting import Basis, Intended, Observed
from sealauthz.facts.store.activations import POLICIES
from sealauthz.facts.store.batch import Batch, WriteReceipt, check
from sealauthz.facts.store.due import Place
from sealauthz.facts.store.performed import Statement, events_kept
from sealauthz.facts.store.store import Store, now_us
from sealauthz.runtime.background import Background, Failed
from sealauthz.runtime.errors import EvaluationFailed, FactConflict, FactNotLoaded, InvariantBroken
from sealauthz.schema import Outcome, Sweep
from sealauthz.schema.effect import merged

log = logging.getLogger("sealauthz.operations.expiries")

SWEEPER = "sealauthz"
"""The caller under which the sweep writes."""

_EVERY_S = 60.0
_JOIN_S = 5.0
_AT_ONCE = 50
"""How many records are written in one transaction."""

_LOTS = 20
"""How many times in a round, for each type: what is left waits for the next minute."""

_MOST_REFUSED = 1_000
_HOLDS_FOR = 60_000_000
"""How long after it was read a sweep may be written, in microseconds."""


class Expiries:
    """Sweeps a store every minute, from start to stop, in any number of processes: who comes second finds nothing."""

    def __init__(
        self,
        store: Store,
        fact_cache: FactCache,
        policies: Policies,
        failed: Failed,
        every_s: float = _EVERY_S,
        now: Callable[[], int] = now_us,
    ) -> None:
        self._store = store
        self._fact_cache = fact_cache
        self._policies = policies
        self._every_s = every_s
        self._now = now
        self._places: dict[int, Place] = {}
        """Behind which record each sweep goes on in the next round, by its number; without one, it begins again."""
        self._refused: set[tuple[str, str]] = set()
        """What could not be written, by type and id: it is not tried again by this process."""
        self.thread = Background("expiries", self._step, failed)

    def start(self) -> None:
        """Begin to sweep."""
        self.thread.start()

    def stop(self) -> None:
        """Sweep no longer, and wait a little for a sweep under way: it holds a connection."""
        self.thread.stop()
        self.thread.join(_JOIN_S)

    def sweep(self) -> int:
        """Write what has run out; return how many records changed.

        Raises FactsUnavailable, and PoliciesUnavailable where this process does not have the policies that say when
        something is over.
        """
        return sum(self._swept(number, sweep) for number, sweep in enumerate(self._store.model.sweeps))

    def _swept(self, number: int, sweep: Sweep) -> int:
        """Sweep the records of one type, some at a time: each lot is written as a whole, or not at all.

        Some of those that are looked at may not be over, and stand in nobody's way: the next round goes on behind them.
        """
        changed = 0
        for _ in range(_LOTS):
            until = self._now() - self._fact_cache.answer(lambda at: sweep.delay_by(self._parameters(sweep, at)))
            found = self._store.due(sweep, until, _AT_ONCE, self._places.pop(number, None))
            if len(found) == _AT_ONCE:
                self._places[number] = found[-1]
            ids = [record_id for _, record_id in found if (sweep.record_type, record_id) not in self._refused]
            changed += self._write_lot(sweep, ids) if ids else 0
            if number not in self._places or self.thread.is_stopping:
                break
        return changed

    def _parameters(self, sweep: Sweep, at: FactSnapshot) -> Any:
        """Return the parameters of the policies that decide there; None where the sweep asks for none."""
        return self._policies.at(at).bundle.parameters if sweep.asks_policies else None

    def _write_lot(self, sweep: Sweep, ids: Sequence[str]) -> int:
        try:
            return self._write(sweep, ids)
        except (InvariantBroken, FactConflict, EvaluationFailed) as error:
            if len(ids) > 1:
                return sum(self._write_lot(sweep, [record_id]) for record_id in ids)
            # One that cannot be written must not stand in the way of the others, in this round or in the next.
            if len(self._refused) < _MOST_REFUSED:
                self._refused.add((sweep.record_type, ids[0]))
            log.error("`%s:%s` is due and cannot be swept", sweep.record_type, ids[0], exc_info=error)
            return 0

    def _write(self, sweep: Sweep, ids: Sequence[str]) -> int:
        """Write what is due of some records, in one transaction; what has changed since is looked at again."""
        changed = 0

        def intend() -> Intended | None:
            nonlocal changed
            now = self._now()
            timeline, revision, observed, outcomes = self._fact_cache.answer(
                lambda snapshot: _due(sweep, ids, snapshot, self._parameters(sweep, snapshot), now), FULL
            )
            changed = len(outcomes)
            if not outcomes:
                return None
            basis = Basis(timeline, revision, observed, now + _HOLDS_FOR, lambda: True)
            changes = merged(change for outcome in outcomes for change in outcome.changes)
            name = f"sweep-{sweep.record_type}-{timeline}-{revision}-{now}"
            wanted = check(Batch(SWEEPER, name, changes), self._store.model)

            def keep(is_postgresql: bool, receipt: WriteReceipt) -> list[Statement]:
                events = [event for outcome in outcomes for event in outcome.events]
                return events_kept(is_postgresql, receipt, events)

            return Intended(wanted, basis, keep)

        self._store.act(intend)
        return changed

    def _step(self) -> None:
        # Nothing has run out unseen that a minute more would matter to: a start has other things to do.
        self.thread.rest(self._every_s)
        if not self.thread.is_stopping:
            self.sweep()


def _due(
    sweep: Sweep, ids: Sequence[str], snapshot: FactSnapshot, parameters: Any, now: int
) -> tuple[str, int, Observed, list[Outcome]]:
    """What is to be written of the records that are still due. What is being imported waits for the next round."""
    observed = Observed()
    if sweep.asks_policies:
        # Other policies may say that it is not over: what is written then was looked at again.
        observed.units.add(POLICIES)
    observing = snapshot.observing(observed)
    outcomes = []
    for record_id in ids:
        try:
            record = observing.find(sweep.record_type, record_id)
            if record is not None and sweep.is_due(record, parameters, now):
                outcomes.append(sweep.write(observing, record, now))
        except FactNotLoaded as error:
            if error.importing is None:
                raise
    return snapshot.timeline, snapshot.revision, observed, outcomes
