"""The fact cache: the facts in memory as policies read them, whole units wired, and each answer from one revision.

A snapshot is what one decision or batch reads. It takes what is in memory at the revision of the cache, and holds no
lock while policies read. What is not in memory it loads, in one read transaction. A unit that has changed between the
two revisions makes the answer start again, at that of the transaction, so that no answer mixes two. The cache advances
with the first that observes a newer revision: the feed, a load, or a writer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from sealauthz.errors import (
    FactNotLoaded,
    FactsUnavailable,
    RevisionGone,
    RevisionUnknown,
    SealAuthzError,
    ServiceBusy,
)
from sealauthz.facts.memory.consistency import FROM_MEMORY, NO_DEADLINE, Consistency, Deadline, uptime_s
from sealauthz.facts.memory.entries import Entry, EntryCache
from sealauthz.facts.memory.footprint import footprint
from sealauthz.facts.memory.loading import touched_since
from sealauthz.facts.memory.permits import ReadPermits
from sealauthz.facts.memory.signal import Signal
from sealauthz.facts.memory.sources import RecordSource, Source, TransactionSource
from sealauthz.facts.memory.wiring import WiredUnit, wire
from sealauthz.facts.store.database import ReadTransaction
from sealauthz.facts.store.store import Commit, Store
from sealauthz.facts.store.values import text_problem
from sealauthz.facts.units import ROOTS, Unit, UnitKind, home_kind
from sealauthz.model import RECORDS

T = TypeVar("T")

DEFAULT_BUDGET = 512 * 1024 * 1024
DEFAULT_MAX_AGE_S = 5.0

_ROOT_OF = {kind: record_type for record_type, kind in ROOTS.items()}
_LONGEST_WAIT_S = 10.0
_FIRST_PAUSE_S = 0.01
_LONGEST_PAUSE_S = 0.25
_WRITER_WAITS_S = 1.0
_LOOKS = 5
_HOMES = 100_000
_CHANGES_REMEMBERED = 4_096
_RELOADED_AT_ONCE = 16
_WARMED_AT_ONCE = 100
_WARM_SHARE = 0.9
_NEVER = float("-inf")


@dataclass(slots=True)
class Statistics:
    """What a fact cache has done since it was made; close rather than exact, where threads race."""

    hits: int = 0
    loads: int = 0
    joined_loads: int = 0
    begun_again: int = 0
    resets: int = 0


class Timeline:
    """One line of history, as far as this process follows it. Changed under the lock of the fact cache only.

    INVARIANT: what `cache` holds was so at `revision`, and ever since `Entry.since`; and no newer revision than
    `revision` was committed at the instant `confirmed_at`.
    """

    __slots__ = (
        "_changed_at",
        "_kinds_changed_at",
        "_known_since",
        "cache",
        "confirmed_at",
        "mark",
        "revision",
        "timeline",
    )

    def __init__(
        self, timeline: str, revision: int, mark: tuple[Any, ...], budget: int, confirmed_at: float = _NEVER
    ) -> None:
        self.confirmed_at = confirmed_at
        self.timeline = timeline
        self.revision = revision
        self.mark = mark
        self.cache = EntryCache(budget)
        self._changed_at: dict[Unit, int] = {}
        self._kinds_changed_at: dict[str, int] = {}
        self._known_since = revision

    def move_on(self, revision: int, mark: tuple[Any, ...], changed: Iterable[Unit]) -> None:
        """Stand at a newer revision, between which and the one before these units changed."""
        for unit in changed:
            self.cache.drop(unit)
            self._changed_at[unit] = revision
            self._kinds_changed_at[unit.kind] = revision
        if len(self._changed_at) > _CHANGES_REMEMBERED:
            # In this order: what is no longer remembered must never pass for unchanged.
            self._known_since = revision
            self._changed_at = {}
        # Last: whoever reads this revision must no longer find what was so before it.
        self.mark = mark
        self.revision = revision

    def same_since(self, unit: Unit) -> int:
        """Return a revision since which a unit is as it is now."""
        return self._changed_at.get(unit, self._known_since)

    def kind_same_since(self, kind: str) -> int:
        """Return a revision since which all units of a kind are as they are now."""
        return self._kinds_changed_at.get(kind, self._known_since)


class HomeIndex:
    """Where records are at home, remembered: those asked for again outlive those asked for once."""

    def __init__(self, room: int) -> None:
        self._room = room // 2
        self._young: dict[tuple[str, str], Unit] = {}
        self._old: dict[tuple[str, str], Unit] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, record_type: str, record_id: str) -> Unit | None:
        """Return the unit that a record was at home in when it was last looked up."""
        key = (record_type, record_id)
        found = self._young.get(key)
        if found is None:
            found = self._old.get(key)
            if found is not None:
                self.remember(record_type, record_id, found)
        return found

    def remember(self, record_type: str, record_id: str, unit: Unit) -> None:
        """Remember where a record is at home."""
        if len(self._young) >= self._room:
            self._old, self._young = self._young, {}
        self._young[record_type, record_id] = unit


class StaleSnapshot(Exception):
    """A unit has changed since the revision that is read: the answer begins again."""


class WaitedForPermit(Exception):
    """The turn to read the database has come after a wait: the answer begins again, with facts and times of now."""


class ReadPermit:
    """The turn of one answer to read the database, from when it is first needed to the end."""

    def __init__(self, waits: ReadPermits, deadline: Deadline, is_list: bool = False) -> None:
        self._waits = waits
        self._deadline = deadline
        self._is_list = is_list
        self._taken: ExitStack | None = None
        self._refused: ServiceBusy | None = None

    @property
    def is_taken(self) -> bool:
        """Whether it is our turn."""
        return self._taken is not None

    def take(self) -> None:
        """See to it that it is our turn. Raises WaitedForPermit if that took a wait, TimeOver, ServiceBusy."""
        if self._taken is not None:
            return
        if self._refused is not None:
            raise self._refused  # the rest of a batch need not wait for the same again
        with ExitStack() as taking:
            try:
                has_waited = taking.enter_context(self._waits.turn(self._deadline, is_list=self._is_list))
            except ServiceBusy as error:
                self._refused = error
                raise
            self._taken = taking.pop_all()
        if has_waited:
            raise WaitedForPermit

    def close(self) -> None:
        """Let the next one read."""
        if self._taken is not None:
            taken, self._taken = self._taken, None
            taken.close()


class Reading(Protocol):
    """What a snapshot reads through: the facts at `revision` of the history `timeline`.

    `age_s` is how many seconds ago, at most, they were the newest.
    """

    revision: int
    timeline: str
    age_s: float

    def unit(self, unit: Unit) -> WiredUnit | None:
        """Return a wired unit; None if there is no such unit."""

    def home(self, record_type: str, record_id: str) -> Unit | None:
        """Look up the home of a record; None if there is no such record."""

    def matching(self, record_type: str, values: dict[str, str]) -> list[str]:
        """Look up the ids of the records that hold these values, in their order."""

    def after(self, record_type: str, column: str, after: str, size: int) -> list[str]:
        """Look up the first values of a column behind one, in their order and each once; nothing is no value."""


class FactSnapshot:
    """The facts at one revision, for one answer. Only for the call that was given it, and in one thread."""

    __slots__ = ("_held", "_homes", "_reading", "age_s", "revision", "timeline")

    def __init__(self, reading: Reading, homes: HomeIndex) -> None:
        self._reading = reading
        self._homes = homes
        self._held: dict[Unit, WiredUnit] = {}
        self.revision = reading.revision
        self.timeline = reading.timeline
        self.age_s = reading.age_s

    def find(self, record_type: str, record_id: str) -> Any:
        """Return the record in its home unit, wired; None if there is none of that type and id.

        Reading a relation that its unit does not hold raises AttributeError. Raises FactsUnavailable.
        """
        return self.locate(record_type, record_id)[0]

    def person(self, person_id: str) -> Any:
        """Return the person in the person's own unit; None if there is none."""
        return self.find("Person", person_id)

    def locate(self, record_type: str, record_id: str) -> tuple[Any, Unit | None]:
        """Return the record in its home unit, wired, and that unit; None for both if there is none of that type and id.

        Raises FactsUnavailable.
        """
        root = ROOTS.get(record_type)
        if root is not None:
            home = Unit(root, record_id)
            if home not in self._held and not _can_be_id(record_id):
                return None, None
        else:
            # A record's home never changes; but a record may be gone, and its id taken again elsewhere.
            known = self._homes.get(record_type, record_id)
            record = None if known is None else self._find_in(known, record_type, record_id)
            if record is not None:
                return record, known
            if record_type not in RECORDS or not _can_be_id(record_id):
                return None, None
            found = self._reading.home(record_type, record_id)
            if found is None:
                return None, None
            home = found
            self._homes.remember(record_type, record_id, home)
        record = self._find_in(home, record_type, record_id)
        return (None, None) if record is None else (record, home)

    def matching(self, record_type: str, **values: str) -> list[str]:
        """Return the ids of all records of a type that hold these values, in their order. Raises FactsUnavailable."""
        return self._reading.matching(record_type, values)

    def after(self, record_type: str, column: str, after: str, size: int) -> list[str]:
        """Return the first ids in a column behind one, in their order and each once. Raises FactsUnavailable."""
        return self._reading.after(record_type, column, after, size)

    def unit(self, unit: Unit) -> WiredUnit | None:
        """Return everything that a unit holds, by record type and id; None if there is no such unit."""
        # Ours to the end, whatever the fact cache keeps: within one snapshot a record is always the same object.
        records = self._held.get(unit)
        if records is None:
            records = self._reading.unit(unit)
            if records is not None:
                self._held[unit] = records
        return records

    def _find_in(self, unit: Unit, record_type: str, record_id: str) -> Any:
        records = self.unit(unit)
        some = None if records is None else records.get(record_type)
        return None if some is None else some.get(record_id)


class _FixedReading:
    """Reads records given once."""

    timeline = ""
    age_s = 0.0

    def __init__(self, source: RecordSource, revision: int) -> None:
        self._source = source
        self._units: dict[Unit, WiredUnit | None] = {}
        self.revision = revision

    def unit(self, unit: Unit) -> WiredUnit | None:
        if unit not in self._units:
            self._units[unit] = _wired(self._source, unit)
        return self._units[unit]

    def home(self, record_type: str, record_id: str) -> Unit | None:
        return self._source.home(record_type, record_id)

    def matching(self, record_type: str, values: dict[str, str]) -> list[str]:
        return self._source.matching(record_type, values)

    def after(self, record_type: str, column: str, after: str, size: int) -> list[str]:
        return self._source.after(record_type, column, after, size)


class _StoreReading:
    """Reads from memory, and from one read transaction that is opened when something is not there."""

    def __init__(
        self, fact_cache: FactCache, store: Store, history: Timeline, age_s: float, deadline: Deadline, turn: ReadPermit
    ) -> None:
        self._fact_cache = fact_cache
        self._store = store
        self._deadline = deadline
        self._turn = turn
        self._history = history
        self._open: ExitStack | None = None
        self._transaction: ReadTransaction | None = None
        self._failed: FactsUnavailable | None = None
        self._seen: Timeline | None = None
        self.timeline = history.timeline
        self.revision = history.revision
        self.age_s = age_s

    def close(self) -> None:
        """End the transaction, if there is one."""
        if self._open is not None:
            self._open.close()

    def unit(self, unit: Unit) -> WiredUnit | None:
        records = self._in_memory(unit)
        if records is None:
            # Before others can wait for what we load: the one who loads must not stand in line behind them.
            self._turn.take()
            records = self._fact_cache.load(unit, self)
        return records

    def home(self, record_type: str, record_id: str) -> Unit | None:
        found = TransactionSource(self.pin()).home(record_type, record_id)
        if found is None:
            self._check_kind(home_kind(record_type))  # else the unit is checked when it is read
        return found

    def matching(self, record_type: str, values: dict[str, str]) -> list[str]:
        found = TransactionSource(self.pin()).matching(record_type, values)
        self._check_kind(home_kind(record_type))
        return found

    def after(self, record_type: str, column: str, after: str, size: int) -> list[str]:
        found = TransactionSource(self.pin()).after(record_type, column, after, size)
        self._check_kind(home_kind(record_type))
        return found

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
            if self._fact_cache.history is not self._history or self._transaction.timeline != self.timeline:
                raise StaleSnapshot
        return self._transaction

    def stand_at_newest(self) -> None:
        """Read at the revision of the transaction, where nothing can have moved."""
        transaction = self._transaction = self._transaction or self._begin()
        history = self._seen
        if history is None or history.revision < transaction.revision:
            # The fact cache went another way meanwhile. Nothing in its memory is ours then, and nothing of ours is
            # kept.
            history = Timeline(transaction.timeline, transaction.revision, transaction.mark, 0)
        self._history = history
        self.timeline = transaction.timeline
        self.revision = transaction.revision
        self.age_s = 0.0

    def stand_at(self, revision: int) -> None:
        """Read at a revision that may be over, as long as nothing that is read has changed since it."""
        transaction = self._transaction = self._transaction or self._begin()
        if transaction.revision == revision:
            self.stand_at_newest()
            return
        changed = touched_since(transaction, revision)
        if changed is None:
            raise RevisionGone("the facts at this revision are gone; begin again without a page token")
        # A history of our own, which knows exactly what changed since that revision.
        self._history = Timeline(transaction.timeline, revision, (), 0)
        self._history.move_on(transaction.revision, transaction.mark, changed)
        self.timeline = transaction.timeline
        self.revision = revision

    def load(self, unit: Unit) -> Load:
        """Load a unit in our transaction. Raises StaleSnapshot if it is not what it was at our revision."""
        transaction = self.pin()
        if transaction.revision != self.revision and self._history.same_since(unit) > self.revision:
            raise StaleSnapshot
        return Load(self._history, transaction.revision, _wired(TransactionSource(transaction), unit))

    def fits(self, load: Load, unit: Unit) -> bool:
        """Tell whether what another loaded is what the unit was at our revision."""
        if load.history is not self._history:
            return False
        return self._history.same_since(unit) <= min(self.revision, load.revision)

    def wait_for(self, loading: _Loading) -> Load | None:
        """Wait for what another loads; None if that went wrong."""
        # INVARIANT: both have a turn, so that the one who loads waits for nobody.
        loading.done.wait(self._deadline.rest(_LONGEST_WAIT_S))
        return loading.load

    def _in_memory(self, unit: Unit) -> WiredUnit | None:
        held = self._history.cache.get(unit)
        if held is None or held.since > self.revision:
            return None
        self._fact_cache.statistics.hits += 1
        return held.records

    def _begin(self) -> ReadTransaction:
        self._deadline.rest(_LONGEST_WAIT_S)
        self._turn.take()
        with ExitStack() as opening:  # what fails gives back at once what it took
            known, revision, started = self._fact_cache.history, self._fact_cache.history.revision, uptime_s()
            transaction = opening.enter_context(self._store.read_transaction())
            self._seen = self._fact_cache.saw(transaction, known, revision, started)
            self._open = opening.pop_all()
        return transaction

    def _check_kind(self, kind: str) -> None:
        transaction = self.pin()
        if transaction.revision != self.revision and self._history.kind_same_since(kind) > self.revision:
            raise StaleSnapshot


@dataclass(frozen=True, slots=True)
class Load:
    """A unit as it was loaded at a revision of a history; `records` is None if there is no such unit."""

    history: Timeline
    revision: int
    records: WiredUnit | None


class _Looking:
    """The right to look for the newest revision, for one thread at a time, and since when it has looked."""

    __slots__ = ("lock", "since")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.since = uptime_s()


@dataclass(slots=True)
class _Loading:
    """A load under way, for all who want the unit meanwhile."""

    done: threading.Event
    load: Load | None = None


def _wired(source: Source, unit: Unit) -> WiredUnit | None:
    """Load and wire a unit; None if there is no such unit."""
    loaded = source.load(unit)
    return wire(unit.kind, loaded) if loaded.get(_ROOT_OF[unit.kind]) else None


def _reloaded(transaction: ReadTransaction, unit: Unit) -> WiredUnit | None:
    """Load a unit anew; None if there is no such unit, or if it must not be held because it is being imported."""
    try:
        return _wired(TransactionSource(transaction), unit)
    except FactNotLoaded:
        return None


class FactCache:
    """The facts of a store, unit by unit in memory. Any thread may use it.

    `budget` is in bytes, of the units that are kept; what an answer reads stays whole even when the fact cache drops
    it. `max_age_s` is how long ago facts may have been the newest when an answer comes from memory. `signal` is told
    each revision that is reached.
    """

    def __init__(
        self,
        store: Store | None,
        budget: int = DEFAULT_BUDGET,
        max_age_s: float = DEFAULT_MAX_AGE_S,
        waits: ReadPermits | None = None,
    ) -> None:
        self._store = store
        self._budget = budget
        self._max_age_s = max_age_s
        self._lock = threading.Lock()
        self._looking = _Looking()
        self._loading: dict[Unit, _Loading] = {}
        self._unseen_since = _NEVER  # what was committed then need not be in memory
        self._fixed: _FixedReading | None = None
        self.waits = waits or ReadPermits()
        self.history = Timeline("", 0, (), budget)
        self.homes = HomeIndex(_HOMES)
        self.signal = Signal()
        self.statistics = Statistics()
        if store is not None:
            store.on_commit(self._wrote)

    @classmethod
    def of_records(cls, records: Iterable[Any], revision: int = 1) -> FactCache:
        """Return a fact cache of these records alone, without a database. They are copied."""
        fact_cache = cls(None)
        fact_cache._fixed = _FixedReading(RecordSource(records), revision)
        return fact_cache

    @property
    def revision(self) -> int:
        """The revision that the fact cache stands at; 0 before it has seen any."""
        return self.history.revision

    @property
    def age_s(self) -> float:
        """How many seconds ago, at most, the facts in memory were the newest; infinite before any were seen."""
        return uptime_s() - self.history.confirmed_at

    def numbers(self) -> dict[str, float]:
        """Return what there is to measure: counts since the start, and what is in memory now."""
        cache, done = self.history.cache, self.statistics
        return {
            "revision": self.history.revision,
            "age_s": round(self.age_s, 3),
            "units": len(cache),
            "bytes": cache.bytes,
            "budget": cache.budget,
            "evicted": cache.evicted,
            "hits": done.hits,
            "loads": done.loads,
            "joined_loads": done.joined_loads,
            "begun_again": done.begun_again,
            "resets": done.resets,
        }

    def warm_up(self) -> int:
        """Load enterprises, in the order of their ids, until all are there or the memory is used; return how many.

        Raises FactsUnavailable.
        """
        if self._store is None:
            return 0
        loaded, after = 0, ""

        def load(snapshot: FactSnapshot) -> tuple[list[str], int]:
            ids = snapshot.after("Enterprise", "id", after, _WARMED_AT_ONCE)
            return ids, sum(_is_there(snapshot, Unit(UnitKind.ENTERPRISE, id_)) for id_ in ids)

        while self.history.cache.bytes <= self._budget * _WARM_SHARE:
            ids, found = self.answer(load)
            loaded += found
            if len(ids) < _WARMED_AT_ONCE:
                break
            after = ids[-1]
        return loaded

    def answer(
        self,
        work: Callable[[FactSnapshot], T],
        consistency: Consistency = FROM_MEMORY,
        deadline: Deadline = NO_DEADLINE,
        *,
        is_list: bool = False,
    ) -> T:
        """Do some work on a snapshot and return its result. The work may be done several times, and must not mind.

        `is_list`: it reads the database for long.
        Raises FactsUnavailable, RevisionUnknown, RevisionGone, TimeOver, ServiceBusy, and what the work raises.
        """
        if self._store is None:
            return work(self._fixed_snapshot())
        turn = ReadPermit(self.waits, deadline, is_list)
        try:
            while True:
                try:
                    return self._attempt(self._store, work, consistency, deadline, turn)
                except WaitedForPermit:
                    # Once: it is our turn from now on. What was in memory before the wait may be too old by now.
                    continue
        finally:
            turn.close()

    def _attempt(
        self,
        store: Store,
        work: Callable[[FactSnapshot], T],
        consistency: Consistency,
        deadline: Deadline,
        turn: ReadPermit,
    ) -> T:
        reading = self._reading(store, consistency, deadline, turn)
        try:
            try:
                return work(FactSnapshot(reading, self.homes))
            except StaleSnapshot:
                if consistency.at_revision is not None:
                    raise RevisionGone("the facts have changed; begin again without a page token") from None
            self.statistics.begun_again += 1
            reading.stand_at_newest()
            _check(reading, consistency)
            try:
                return work(FactSnapshot(reading, self.homes))
            except StaleSnapshot as error:
                raise FactsUnavailable("the facts cannot be read now") from error
        finally:
            reading.close()

    @contextmanager
    def read(self) -> Iterator[FactSnapshot]:
        """Open a snapshot of the newest committed revision. Raises FactsUnavailable."""
        if self._store is None:
            yield self._fixed_snapshot()
            return
        turn = ReadPermit(ReadPermits(), NO_DEADLINE)  # for a caller with a thread of its own
        reading = _StoreReading(self, self._store, self.history, 0.0, NO_DEADLINE, turn)
        try:
            reading.stand_at_newest()
            yield FactSnapshot(reading, self.homes)
        finally:
            reading.close()
            turn.close()

    def refresh(self, not_before: float, deadline: Deadline = NO_DEADLINE, *, reload: bool = False) -> Timeline:
        """See to it that the fact cache stands at what was the newest revision at an instant, or later (`uptime_s`).

        Those who want the same at the same time share one look. `reload`: load anew what is often read and has changed.
        Returns the history that is so. Raises FactsUnavailable, TimeOver, ServiceBusy.
        """
        if self._store is None:
            return self.history
        looking = self._looking
        if not looking.lock.acquire(timeout=deadline.rest(_LONGEST_WAIT_S)):
            if uptime_s() - looking.since > _LONGEST_WAIT_S:
                # Whoever looks gets no answer. The next one looks on another connection, and need not wait for him.
                self._looking = _Looking()
            deadline.rest(_LONGEST_WAIT_S)
            raise FactsUnavailable("the facts cannot be read now")
        try:
            for _ in range(_LOOKS):
                history = self.history
                if history.confirmed_at >= not_before:
                    return history
                known, revision, started = history, history.revision, uptime_s()
                looking.since = started
                with self._store.read_transaction() as transaction:
                    self.saw(transaction, known, revision, started, reload=reload)
            raise FactsUnavailable("the facts cannot be read now")
        finally:
            looking.lock.release()

    def saw(
        self, transaction: ReadTransaction, known: Timeline, revision: int, started: float, *, reload: bool = False
    ) -> Timeline | None:
        """Move on to what a read transaction sees. `known` and `revision` are where the fact cache stood before it
        began.

        Returns the history that the transaction is known to be of, if it is.
        """
        history = self.history
        if history is not known:
            return None  # somebody has begun anew since
        with self._lock:
            base, mark = history.revision, history.mark
        if transaction.timeline == history.timeline:
            if transaction.revision > base:
                changed = touched_since(transaction, base, mark)
                if changed is not None:
                    hot = [unit for unit in changed if reload and history.cache.is_hot(unit)][:_RELOADED_AT_ONCE]
                    loaded = {unit: _reloaded(transaction, unit) for unit in hot}
                    return self._move_on(history, transaction, changed, loaded, started)
            elif transaction.revision == base and transaction.mark == mark:
                return self._confirm(history, started)
            elif revision <= transaction.revision < base:
                return self._confirm(history, started)  # others have seen more
        return self._begin_anew(history, base, transaction, started)

    def _move_on(
        self,
        history: Timeline,
        transaction: ReadTransaction,
        changed: Iterable[Unit],
        loaded: dict[Unit, WiredUnit | None],
        started: float,
    ) -> Timeline | None:
        with self._lock:
            if self.history is not history:
                return None
            if transaction.revision > history.revision:
                standing = {unit: history.cache.standing(unit) for unit in loaded}
                history.move_on(transaction.revision, transaction.mark, changed)
                for unit, records in loaded.items():
                    if records is not None:
                        history.cache.put(
                            unit, Entry(records, transaction.revision, footprint(records), *standing[unit])
                        )
            history.confirmed_at = max(history.confirmed_at, started)
            self.signal.tell(history.revision)
        return history

    def _confirm(self, history: Timeline, started: float) -> Timeline | None:
        with self._lock:
            if self.history is not history:
                return None
            history.confirmed_at = max(history.confirmed_at, started)
        return history

    def _begin_anew(
        self, history: Timeline, base: int, transaction: ReadTransaction, started: float
    ) -> Timeline | None:
        """Forget everything: it is of another history, or of too long ago."""
        with self._lock:
            if self.history is not history or history.revision != base:
                return None
            self.history = Timeline(transaction.timeline, transaction.revision, transaction.mark, self._budget, started)
            self.statistics.resets += 1
            self.signal.tell(transaction.revision)
            return self.history

    def _wrote(self, commit: Commit) -> None:
        """Move on to a revision that this process has committed, before its writer is told so."""
        now = uptime_s()
        with self._lock:
            history = self.history
            is_there = False
            if history.timeline == commit.timeline:
                if history.revision == commit.revision - 1 and history.mark == commit.before:
                    history.move_on(commit.revision, commit.mark, commit.units)
                    self.signal.tell(commit.revision)
                is_there = history.revision == commit.revision and history.mark == commit.mark
        if not is_there:
            # Others wrote as well. Only a look that begins after this commit is sure to see it: the writer's own.
            try:
                self.refresh(now, Deadline(time.monotonic() + _WRITER_WAITS_S))
            except SealAuthzError:
                with self._lock:
                    self._unseen_since = max(self._unseen_since, now)

    def load(self, unit: Unit, reading: _StoreReading) -> WiredUnit | None:
        """Load a unit for a reading, once for all who want it at the same time, and keep it. Raises StaleSnapshot."""
        with self._lock:
            loading = self._loading.get(unit)
            is_ours = loading is None
            if loading is None:
                loading = self._loading[unit] = _Loading(threading.Event())
        if not is_ours:
            load = reading.wait_for(loading)
            if load is not None and reading.fits(load, unit):
                self.statistics.joined_loads += 1
                return load.records
            return self._keep(unit, reading.load(unit))
        try:
            loading.load = reading.load(unit)
            return self._keep(unit, loading.load)
        finally:
            with self._lock:
                del self._loading[unit]
            loading.done.set()

    def _keep(self, unit: Unit, load: Load) -> WiredUnit | None:
        """Keep what was loaded, if it is still what the unit is."""
        self.statistics.loads += 1
        if load.records is not None:
            cost = footprint(load.records)
            with self._lock:
                since = load.history.same_since(unit)
                if self.history is load.history and since <= load.revision <= load.history.revision:
                    load.history.cache.put(unit, Entry(load.records, since, cost))
        return load.records

    def _fixed_snapshot(self) -> FactSnapshot:
        if self._fixed is None:
            raise TypeError("a fact cache has a store or records")
        return FactSnapshot(self._fixed, self.homes)

    def _reading(self, store: Store, consistency: Consistency, deadline: Deadline, turn: ReadPermit) -> _StoreReading:
        """Return a reading that is as fresh as it must be."""
        now = uptime_s()
        is_newest = consistency.is_full or consistency.at_revision is not None
        oldest = max(now if is_newest else now - self._max_age_s, self._unseen_since)
        history = self.history
        # Read before the revision: whoever moves the fact cache on in between makes our facts newer than we say.
        confirmed_at = history.confirmed_at
        if confirmed_at < oldest:
            history = self._look(oldest, deadline, turn)
            confirmed_at = history.confirmed_at
        if consistency.timeline:
            self._reach(consistency, now, deadline, turn)
            if history is not self.history:
                history = self.history
                confirmed_at = history.confirmed_at
        age_s = max(0.0, uptime_s() - confirmed_at)
        reading = _StoreReading(self, store, history, age_s, deadline, turn)
        try:
            if consistency.at_revision is not None:
                reading.stand_at(consistency.at_revision)
            _check(reading, consistency)
        except BaseException:
            reading.close()
            raise
        return reading

    def _look(self, not_before: float, deadline: Deadline, turn: ReadPermit) -> Timeline:
        with nullcontext() if turn.is_taken else self.waits.turn(deadline):
            # Not before: what was new enough may be too old after a wait.
            return self.refresh(max(not_before, uptime_s() - self._max_age_s), deadline)

    def _reach(self, consistency: Consistency, now: float, deadline: Deadline, turn: ReadPermit) -> None:
        """Wait until the cache has reached a revision, up to the deadline; without one, some seconds."""
        if self._has_reached(consistency):
            return
        self._look(now, deadline, turn)
        until = now + (_LONGEST_WAIT_S if deadline.at is None else float("inf"))
        # On one database the first look sees whatever was committed. A replica may need more of them.
        seen, pause_s = self.signal.revision, _FIRST_PAUSE_S
        while self.history.timeline == consistency.timeline and not self._has_reached(consistency):
            rest = deadline.rest(until - uptime_s())
            if rest <= 0:
                raise FactsUnavailable("the facts are not at the revision of the token yet")
            with self.waits.wait():
                seen = self.signal.wait_for_other(seen, min(rest, pause_s))
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
            self._look(uptime_s(), deadline, turn)

    def _has_reached(self, consistency: Consistency) -> bool:
        history = self.history
        return history.timeline == consistency.timeline and history.revision >= consistency.at_least


def _can_be_id(text: str) -> bool:
    """Tell whether a record can have this id; a database would refuse to be asked for some that none has."""
    return bool(text) and text_problem(text, is_indexed=True) is None


def _is_there(snapshot: FactSnapshot, unit: Unit) -> bool:
    try:
        return snapshot.unit(unit) is not None
    except FactNotLoaded:
        return False  # it is being imported


def _check(reading: _StoreReading, consistency: Consistency) -> None:
    """Raise RevisionUnknown unless a reading is of the history that was asked for, and far enough; RevisionGone where
    it was to go on at a revision.
    """
    if not consistency.timeline:
        return
    if reading.timeline != consistency.timeline or reading.revision < consistency.at_least:
        if consistency.at_revision is not None:
            raise RevisionGone("the facts at this revision are gone; begin again without a page token")
        raise RevisionUnknown("the token is not of the present history of this store")
