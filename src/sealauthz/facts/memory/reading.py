"""Reading for one answer: from memory, and from one read transaction that opens when something is not there."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Protocol

from sealauthz.facts.memory.consistency import Deadline, uptime_s
from sealauthz.facts.memory.entries import Entry
from sealauthz.facts.memory.loading import touched_since
from sealauthz.facts.memory.lookups import Following, Key, holding
from sealauthz.facts.memory.permits import ReadPermit
from sealauthz.facts.memory.snapshot import StaleSnapshot
from sealauthz.facts.memory.sources import TransactionSource
from sealauthz.facts.memory.timeline import Timeline
from sealauthz.facts.memory.wiring import WiredUnit
from sealauthz.facts.store.activations import POLICIES, activated_in
from sealauthz.facts.store.database import ReadTransaction
from sealauthz.facts.store.store import Store
from sealauthz.runtime.errors import FactsUnavailable, RevisionGone
from sealauthz.runtime.spans import span
from sealauthz.schema import Unit

_LONGEST_WAIT_S = 10.0


@dataclass(slots=True)
class Statistics:
    """What a fact cache has done since it was made; close rather than exact, where threads race."""

    hits: int = 0
    loads: int = 0
    moved: int = 0
    joined_loads: int = 0
    restarts: int = 0
    resets: int = 0


@dataclass(frozen=True, slots=True)
class Load:
    """A unit as it was loaded at a revision of a timeline; `entry` is None if there is no such unit."""

    timeline: Timeline
    revision: int
    entry: Entry | None


@dataclass(slots=True)
class Loading:
    """A load under way, for all who want the unit meanwhile."""

    done: threading.Event
    load: Load | None = None


class Loader(Protocol):
    """Brings units into memory."""

    def load(self, unit: Unit, reading: StoreReading) -> WiredUnit | None:
        """Load a unit for a reading, once for all who want it at the same time, and keep it."""

    def made(self, unit: Unit, line: Timeline, transaction: ReadTransaction, patience_s: float) -> Entry | None:
        """Return a unit as a transaction of a timeline sees it: moved on, or loaded."""

    def keep(self, line: Timeline, key: Key, values: Sequence[str], revision: int) -> None:
        """Keep what a look-up found at a revision of a timeline."""

    def renew(self, line: Timeline, key: Key) -> None:
        """Keep a look-up that was asked for again."""


class Side(Protocol):
    """What a reading needs of the state of the fact cache that it reads from."""

    timeline: Timeline
    statistics: Statistics

    @property
    def loads(self) -> Loader:
        """What brings units into memory."""

    def forgetting(self) -> AbstractContextManager[None]:
        """Forget everything where it turns out that the facts in memory are of a history that is lost."""

    def observe(self, transaction: ReadTransaction, known: Timeline, revision: int, started: float) -> Timeline | None:
        """Advance to what a read transaction sees."""


class StoreReading:
    """Reads from memory, and from one read transaction that is opened when something is not there."""

    def __init__(
        self, state: Side, store: Store, timeline: Timeline, age_s: float, deadline: Deadline, permit: ReadPermit
    ) -> None:
        self._state = state
        self._store = store
        self.units = store.model.units
        self._deadline = deadline
        self._permit = permit
        self._line = timeline
        self._open: ExitStack | None = None
        self._transaction: ReadTransaction | None = None
        self._failed: FactsUnavailable | None = None
        self._seen: Timeline | None = None
        self._entered: list[Entry] = []
        self.timeline = timeline.name
        self.revision = timeline.revision
        # After the revision, because those of a newer one may be added in between.
        self.activated = timeline.activated
        self.age_s = age_s

    def close(self) -> None:
        """End the transaction, if there is one. What was read may then change."""
        self.leave()
        if self._open is not None:
            self._open.close()

    def enter(self, entry: Entry) -> bool:
        """Begin to read a unit, until `leave`; False if it is not to be read any more."""
        if not entry.enter(self):
            return False
        if entry.reach is not None:
            self._entered.append(entry)
        return True

    def leave(self) -> None:
        """Read nothing any more that was found so far."""
        for entry in self._entered:
            entry.leave(self)
        self._entered.clear()

    def unit(self, unit: Unit) -> WiredUnit | None:
        """Return a wired unit, as a `Reading` does."""
        records = self._in_memory(unit)
        if records is None:
            # Before others can wait for what we load: the one who loads must not stand in line behind them.
            self._permit.take()
            with span("load"):
                records = self._state.loads.load(unit, self)
        return records

    def lasts(self, records: WiredUnit) -> bool:
        """Tell whether a unit stays as it is: a large one is changed in place, once it is not read any more."""
        return all(entry.records is not records for entry in self._entered)

    def home(self, record_type: str, record_id: str) -> Unit | None:
        """Look up the home of a record, as a `Reading` does."""
        with span("load"):
            found = TransactionSource(self.pin()).home(record_type, record_id)
        if found is None:
            self._check_same(record_type)  # else the unit is checked when it is read
        return found

    def matching(self, record_type: str, values: Mapping[str, str]) -> list[str]:
        """Look up ids by values, as a `Reading` does."""
        key = holding(record_type, values)
        found = self._known(key)
        if found is None:
            with span("load"):
                found = self._looked_up(key, TransactionSource(self.pin()).matching(record_type, values))
        return list(found)

    def after(self, record_type: str, column: str, after: str, size: int) -> list[str]:
        """Look up the next values of a column, as a `Reading` does."""
        key = Following(record_type, column, after, size)
        found = self._known(key)
        if found is None:
            with span("load"):
                found = self._looked_up(key, TransactionSource(self.pin()).after(record_type, column, after, size))
        return list(found)

    def pin(self) -> ReadTransaction:
        """Return the transaction, opened now if it is not.

        Raises StaleSnapshot, WaitedForPermit, FactsUnavailable, TimeOver, ServiceBusy.
        """
        if self._transaction is None:
            if self._failed is not None:
                raise self._failed  # the rest of a batch need not wait for the same again
            try:
                self._transaction = self._begin()
            except FactsUnavailable as error:
                self._failed = error
                raise
            # What is not known to be of our timeline may be of a database that was restored meanwhile.
            if self._seen is not self._line or self._state.timeline is not self._line:
                raise StaleSnapshot
        return self._transaction

    def pin_newest(self) -> None:
        """Read at the revision of the transaction, where nothing can have moved."""
        transaction = self._transaction = self._transaction or self._begin()
        timeline = self._seen
        if timeline is None or timeline.revision < transaction.revision:
            # The fact cache went another way meanwhile. Nothing in its memory is ours then, and nothing of ours is
            # kept.
            timeline = Timeline(
                transaction.timeline, transaction.revision, transaction.mark, 0, activated=activated_in(transaction)
            )
        self._line = timeline
        self.timeline = transaction.timeline
        self.revision = transaction.revision
        self.activated = timeline.activated
        self.age_s = 0.0

    def pin_at(self, revision: int) -> None:
        """Read at a revision that may be over, as long as nothing that is read has changed since it."""
        transaction = self._transaction = self._transaction or self._begin()
        if transaction.revision == revision:
            self.pin_newest()
            return
        changed = touched_since(transaction, revision)
        if changed is None:
            raise RevisionGone("the facts at this revision are gone; begin again without a page token")
        if POLICIES in changed.units:
            raise RevisionGone("the policies have changed since the first page; begin again without a page token")
        # A timeline of our own, which knows exactly what changed since that revision.
        self._line = Timeline(transaction.timeline, revision, (), 0)
        self._line.advance(transaction.revision, transaction.mark, changed.units, changed.rows)
        self.timeline = transaction.timeline
        self.revision = revision
        # None since this revision, or they would have changed.
        self.activated = activated_in(transaction)

    def load(self, unit: Unit) -> Load:
        """Load a unit in our transaction. Raises StaleSnapshot if it is not what it was at our revision."""
        transaction = self.pin()
        if transaction.revision != self.revision and self._line.same_since(unit) > self.revision:
            raise StaleSnapshot
        patience_s = self._deadline.rest(_LONGEST_WAIT_S)
        entry = self._state.loads.made(unit, self._line, transaction, patience_s)
        return Load(self._line, transaction.revision, entry)

    def fits(self, load: Load, unit: Unit) -> bool:
        """Tell whether what another loaded is what the unit was at our revision."""
        return load.timeline is self._line and self._line.same_since(unit) <= min(self.revision, load.revision)

    def wait_for(self, loading: Loading) -> Load | None:
        """Wait for what another loads; None if that went wrong."""
        # INVARIANT: both have a turn, so that the one who loads waits for nobody.
        loading.done.wait(self._deadline.rest(_LONGEST_WAIT_S))
        return loading.load

    def _in_memory(self, unit: Unit) -> WiredUnit | None:
        held = self._line.cache.get(unit)
        if held is None or held.since > self.revision or not self.enter(held):
            return None
        self._state.statistics.hits += 1
        return held.records

    def _begin(self) -> ReadTransaction:
        self._deadline.rest(_LONGEST_WAIT_S)
        self._permit.take()
        with ExitStack() as opening:  # what fails gives back at once what it took
            known, revision, started = self._state.timeline, self._state.timeline.revision, uptime_s()
            with self._state.forgetting():
                transaction = opening.enter_context(self._store.read_transaction())
            self._seen = self._state.observe(transaction, known, revision, started)
            self._open = opening.pop_all()
        return transaction

    def _known(self, key: Key) -> tuple[str, ...] | None:
        """Return what a look-up finds, if that is in memory."""
        found = self._line.look_ups.get(key)
        if found is None or found.since > self.revision:
            return None
        self._state.statistics.hits += 1
        if self._line.look_ups.is_old(key):
            self._state.loads.renew(self._line, key)
        return found.values

    def _looked_up(self, key: Key, values: Sequence[str]) -> tuple[str, ...]:
        """Keep what our transaction finds, and return it. Raises StaleSnapshot if it is not what was to be found."""
        self._check_same(key.record_type)
        self._state.loads.keep(self._line, key, values, self.pin().revision)
        return tuple(values)

    def _check_same(self, record_type: str) -> None:
        """Raise StaleSnapshot where records of a type may have changed between our revision and our transaction."""
        line = self._line
        same_since = min(line.kind_same_since(self.units.home_kind(record_type)), line.look_ups.same_since(record_type))
        if self.pin().revision != self.revision and same_since > self.revision:
            raise StaleSnapshot
