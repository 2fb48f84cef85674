"""The fact cache: the facts in memory as policies read them, whole units wired, and each answer from one revision.

A snapshot is what one decision or batch reads. It takes what is in memory at the revision of the cache, and holds no
lock while policies read. What is not in memory it loads, in one read transaction. A unit that has changed between the
two revisions makes the answer start again, at that of the transaction, so that no answer mixes two. The cache advances
with the first that observes a newer revision: the feed, a load, or a writer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import chain
from typing import Any, TypeVar

from sealauthz.errors import FactNotLoaded, FactsUnavailable, HistoryLost, RevisionGone, RevisionUnknown, SealAuthzError
from sealauthz.facts.memory.consistency import FROM_MEMORY, NO_DEADLINE, Consistency, Deadline, uptime_s
from sealauthz.facts.memory.loading import Touched, touched_since
from sealauthz.facts.memory.loads import DEFAULT_LARGE_BYTES, Loads
from sealauthz.facts.memory.permits import NoPermit, NotAtOnce, ReadPermit, ReadPermits, WaitedForPermit
from sealauthz.facts.memory.reading import Statistics, StoreReading
from sealauthz.facts.memory.signal import Signal
from sealauthz.facts.memory.snapshot import FactSnapshot, FixedReading, StaleSnapshot, wired_unit
from sealauthz.facts.memory.sources import TransactionSource
from sealauthz.facts.memory.timeline import HomeIndex, Timeline
from sealauthz.facts.memory.warming import warm_up
from sealauthz.facts.memory.wiring import WiredUnit
from sealauthz.facts.store.database import ReadTransaction
from sealauthz.facts.store.history import Changed, changed_of, changes_in
from sealauthz.facts.store.policies import POLICIES, Activated, activated_in
from sealauthz.facts.store.store import Commit, Store
from sealauthz.schema import Model, Unit

T = TypeVar("T")

DEFAULT_BUDGET = 512 * 1024 * 1024
DEFAULT_MAX_AGE_S = 5.0

_LONGEST_WAIT_S = 10.0
_FIRST_PAUSE_S = 0.01
_LONGEST_PAUSE_S = 0.25
_WRITER_WAITS_S = 1.0
_LOOKS = 5
_HOMES = 100_000
_RELOADED_AT_ONCE = 16
_MOST_IMAGES = 500
_WARM_SHARE = 0.9
_CATALOG_EVERY_S = 1.0
_NEVER = float("-inf")


class _Looking:
    """The right to look for the newest revision, for one thread at a time, and since when it has looked."""

    __slots__ = ("lock", "since")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.since = uptime_s()


def _reloaded(transaction: ReadTransaction, unit: Unit) -> WiredUnit | None:
    """Load a unit again; None if there is no such unit, or if it must not be held because it is being imported."""
    try:
        return wired_unit(transaction.tables.model, TransactionSource(transaction), unit)
    except FactNotLoaded:
        return None


class FactCache:
    """The facts of a store, unit by unit in memory. Any thread may use it.

    `budget` is in bytes, of the units that are kept; what an answer reads stays whole even when the fact cache drops
    it. `max_age_s` is how long ago facts may have been the newest when an answer comes from memory. Units from
    `large_bytes` on are changed in place, and only while nobody reads them; the others are loaded again. `signal` is
    told each revision that is reached.
    """

    def __init__(
        self,
        store: Store | None,
        budget: int = DEFAULT_BUDGET,
        max_age_s: float = DEFAULT_MAX_AGE_S,
        permits: ReadPermits | None = None,
        large_bytes: int = DEFAULT_LARGE_BYTES,
    ) -> None:
        self._store = store
        self._budget = budget
        self._max_age_s = max_age_s
        self._lock = threading.Lock()
        self._looking = _Looking()
        self._unseen_since = _NEVER  # what was committed then need not be in memory
        self._catalog, self._catalog_at = "", _NEVER
        self._schema = ""
        self._fixed: FixedReading | None = None
        self.permits = permits or ReadPermits()
        self.timeline = Timeline("", 0, (), budget)
        self.homes = HomeIndex(_HOMES)
        self.signal = Signal()
        self.statistics = Statistics()
        self.loads = Loads(self._lock, lambda: self.timeline, self.statistics, large_bytes)
        if store is not None:
            store.on_commit(self._wrote)

    @classmethod
    def of_records(cls, model: Model, records: Iterable[Any], revision: int = 1) -> FactCache:
        """Return a fact cache of these records of a model alone, without a database. They are copied."""
        fact_cache = cls(None)
        fact_cache._fixed = FixedReading(model, records, revision)
        return fact_cache

    @property
    def revision(self) -> int:
        """The revision that the fact cache stands at; 0 before it has seen any."""
        return self.timeline.revision

    @property
    def age_s(self) -> float:
        """How many seconds ago, at most, the facts in memory were the newest; infinite before any were seen."""
        return uptime_s() - self.timeline.confirmed_at

    def numbers(self) -> dict[str, float]:
        """Return what there is to measure: counts since the start, and what is in memory now."""
        cache, done = self.timeline.cache, self.statistics
        return {
            "revision": self.timeline.revision,
            "age_s": round(self.age_s, 3),
            "units": len(cache),
            "bytes": cache.bytes,
            "budget": cache.budget,
            "evicted": cache.evicted,
            "hits": done.hits,
            "loads": done.loads,
            "joined_loads": done.joined_loads,
            "moved": done.moved,
            "restarts": done.restarts,
            "resets": done.resets,
        }

    def warm_up(self) -> int:
        """Load what questions need, as far as there is room; return how many tenants that are.

        Raises FactsUnavailable.
        """
        if self._store is None:
            return 0
        return warm_up(self._store.model, self.answer, lambda: self.timeline.cache.bytes <= self._budget * _WARM_SHARE)

    def answer(
        self,
        work: Callable[[FactSnapshot], T],
        consistency: Consistency = FROM_MEMORY,
        deadline: Deadline = NO_DEADLINE,
        *,
        is_list: bool = False,
        may_wait: bool = True,
    ) -> T:
        """Do some work on a snapshot and return its result. The work may be done several times, and must not mind.

        `is_list`: it reads the database for long. Unless it `may_wait`, it is done once, on what is in memory.
        Raises FactsUnavailable, RevisionUnknown, RevisionGone, TimeOver, ServiceBusy, NotAtOnce, and what the work
        raises.
        """
        if self._store is None:
            return work(self._fixed_snapshot())
        if not may_wait:
            return self._answer_at_once(self._store, work, consistency, deadline)
        permit = ReadPermit(self.permits, deadline, is_list)
        try:
            while True:
                try:
                    return self._attempt(self._store, work, consistency, deadline, permit)
                except WaitedForPermit:
                    # Once: it is our turn from now on. What was in memory before the wait may be too old by now.
                    continue
        finally:
            permit.close()

    def _answer_at_once(
        self, store: Store, work: Callable[[FactSnapshot], T], consistency: Consistency, deadline: Deadline
    ) -> T:
        """Do some work on what is in memory. Raises NotAtOnce where that is not enough."""
        permit = NoPermit(self.permits, deadline)
        reading = self._reading(store, consistency, deadline, permit)
        try:
            result = work(FactSnapshot(reading, self.homes))
        except Exception as error:
            if permit.is_refused or isinstance(error, StaleSnapshot):
                raise NotAtOnce from error
            raise
        finally:
            reading.close()
        if permit.is_refused:
            raise NotAtOnce
        return result

    def _attempt(
        self,
        store: Store,
        work: Callable[[FactSnapshot], T],
        consistency: Consistency,
        deadline: Deadline,
        permit: ReadPermit,
    ) -> T:
        reading = self._reading(store, consistency, deadline, permit)
        try:
            try:
                return work(FactSnapshot(reading, self.homes))
            except StaleSnapshot:
                if consistency.at_revision is not None:
                    raise RevisionGone("the facts have changed; begin again without a page token") from None
            self.statistics.restarts += 1
            # Else somebody could wait for us to have read what we do not read any more.
            reading.leave()
            reading.pin_newest()
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
        permit = ReadPermit(ReadPermits(), NO_DEADLINE)  # for a caller with a thread of its own
        reading = StoreReading(self, self._store, self.timeline, 0.0, NO_DEADLINE, permit)
        try:
            reading.pin_newest()
            yield FactSnapshot(reading, self.homes)
        finally:
            reading.close()
            permit.close()

    def refresh(self, not_before: float, deadline: Deadline = NO_DEADLINE, *, reload: bool = False) -> Timeline:
        """Advance to what was the newest revision at an instant, or later (`uptime_s`).

        Those who want the same at the same time share one look. `reload`: load again what is read often and changed.
        Returns the timeline that is so. Raises FactsUnavailable, TimeOver, ServiceBusy.
        """
        if self._store is None:
            return self.timeline
        looking = self._looking
        if not looking.lock.acquire(timeout=deadline.rest(_LONGEST_WAIT_S)):
            if uptime_s() - looking.since > _LONGEST_WAIT_S:
                # The one that looks gets no answer. The next one looks on another connection, and does not wait.
                self._looking = _Looking()
            deadline.rest(_LONGEST_WAIT_S)
            raise FactsUnavailable("the facts cannot be read now")
        try:
            for _ in range(_LOOKS):
                timeline = self.timeline
                if timeline.confirmed_at >= not_before:
                    return timeline
                known, revision, started = timeline, timeline.revision, uptime_s()
                looking.since = started
                with self.forgetting(), self._store.read_transaction() as transaction:
                    self._check_catalog(transaction, started, reload)
                    seen = self.observe(transaction, known, revision, started, reload=reload)
                    if reload and seen is not None:
                        self.loads.move_on(seen, transaction)
            raise FactsUnavailable("the facts cannot be read now")
        finally:
            looking.lock.release()

    def has_seen(self, told: str) -> bool:
        """Tell whether a revision that was announced is no newer than the facts in memory."""
        timeline = self.timeline
        name, _, revision = told.partition("/")
        return name == timeline.name and revision.isdecimal() and int(revision) <= timeline.revision

    def observe(
        self, transaction: ReadTransaction, known: Timeline, revision: int, started: float, *, reload: bool = False
    ) -> Timeline | None:
        """Advance to what a read transaction sees. `known` and `revision` are where the cache stood before it began.

        Returns the timeline that the transaction is known to be of, if it is.
        """
        timeline = self.timeline
        if timeline is not known:
            return None  # it was reset since
        with self._lock:
            if transaction.schema != self._schema:
                # What is in memory lacks the columns of the new schema, or holds defaults in their place.
                self._schema = transaction.schema
                self._forget()
            if timeline is not self.timeline:
                return None
            base, mark = timeline.revision, timeline.mark
        if transaction.timeline == timeline.name:
            if transaction.revision > base:
                changed = touched_since(transaction, base, mark)
                if changed is not None:
                    hot = [unit for unit in changed.units if reload and timeline.cache.is_reloaded(unit)]
                    loaded = {unit: _reloaded(transaction, unit) for unit in hot[:_RELOADED_AT_ONCE]}
                    activated = activated_in(transaction) if POLICIES in changed.units else None
                    return self._advance(timeline, transaction, changed, loaded, started, activated)
            elif transaction.revision == base and transaction.mark == mark:
                return self._confirm(timeline, started)
            elif revision <= transaction.revision < base:
                return self._confirm(timeline, started)  # others have seen more
        return self._reset(timeline, base, transaction, started, activated_in(transaction))

    def _advance(
        self,
        timeline: Timeline,
        transaction: ReadTransaction,
        changed: Touched,
        loaded: dict[Unit, WiredUnit | None],
        started: float,
        activated: tuple[Activated, ...] | None,
    ) -> Timeline | None:
        with self._lock:
            if self.timeline is not timeline:
                return None
            if transaction.revision > timeline.revision:
                standing = {unit: timeline.cache.standing(unit) for unit in loaded}
                timeline.advance(transaction.revision, transaction.mark, changed.units, changed.rows, activated)
                for unit, records in loaded.items():
                    if records is not None:
                        entry = self.loads.entry(records)
                        entry.since = transaction.revision
                        entry.reads, entry.is_on_trial = standing[unit]
                        timeline.cache.put(unit, entry)
            timeline.confirmed_at = max(timeline.confirmed_at, started)
            self.signal.tell(timeline.revision)
        return timeline

    def _confirm(self, timeline: Timeline, started: float) -> Timeline | None:
        with self._lock:
            if self.timeline is not timeline:
                return None
            timeline.confirmed_at = max(timeline.confirmed_at, started)
        return timeline

    def _reset(
        self,
        timeline: Timeline,
        base: int,
        transaction: ReadTransaction,
        started: float,
        activated: tuple[Activated, ...],
    ) -> Timeline | None:
        """Forget everything: it is of another timeline, or of too long ago."""
        with self._lock:
            if self.timeline is not timeline or timeline.revision != base:
                return None
            self.timeline = Timeline(
                transaction.timeline, transaction.revision, transaction.mark, self._budget, started, activated
            )
            self.homes = HomeIndex(_HOMES)
            self.statistics.resets += 1
            self.signal.tell(transaction.revision)
            return self.timeline

    @contextmanager
    def forgetting(self) -> Iterator[None]:
        """Forget everything where it turns out that the facts in memory are of a history that is lost."""
        try:
            yield
        except HistoryLost:
            with self._lock:
                self._forget()
            raise

    def _forget(self) -> None:
        if self.timeline.name:
            self.timeline = Timeline("", 0, (), self._budget)
            self.homes = HomeIndex(_HOMES)
            self.statistics.resets += 1

    def _check_catalog(self, transaction: ReadTransaction, started: float, is_regular: bool) -> None:
        """Forget everything where a table was rewritten, emptied or made again: no revision says what is in it now.

        A regular look does so from time to time, and the first look does, so that nothing is loaded before it.
        """
        with self._lock:
            is_due = started - self._catalog_at >= _CATALOG_EVERY_S if is_regular else not self._catalog
        if not is_due:
            return
        catalog = transaction.catalog()
        with self._lock:
            self._catalog_at = started
            if self._catalog not in ("", catalog):
                self._forget()
            self._catalog = catalog

    def _wrote(self, commit: Commit) -> None:
        """Advance to a revision that this process has committed, before its writer is answered."""
        now = uptime_s()
        with self._lock:
            timeline = self.timeline
            is_there = False
            if timeline.name == commit.timeline:
                if _mark_before(commit, timeline.revision) == timeline.mark:
                    units, rows = _changed_after(commit, timeline.revision)
                    if POLICIES not in units:  # which policies those are, a look tells
                        timeline.advance(commit.revision, commit.mark, units, rows)
                        self.signal.tell(commit.revision)
                is_there = timeline.revision == commit.revision and timeline.mark == commit.mark
        if not is_there:
            # Others wrote as well. Only a look that begins after this commit is sure to see it: the writer's own.
            try:
                self.refresh(now, Deadline(time.monotonic() + _WRITER_WAITS_S))
            except SealAuthzError:
                with self._lock:
                    self._unseen_since = max(self._unseen_since, now)

    def _fixed_snapshot(self) -> FactSnapshot:
        if self._fixed is None:
            raise TypeError("a fact cache has a store or records")
        return FactSnapshot(self._fixed, self.homes)

    def _reading(self, store: Store, consistency: Consistency, deadline: Deadline, permit: ReadPermit) -> StoreReading:
        """Return a reading that is as fresh as it must be."""
        now = uptime_s()
        is_newest = consistency.is_full or consistency.at_revision is not None
        oldest = max(now if is_newest else now - self._max_age_s, self._unseen_since)
        timeline = self.timeline
        # Read before the revision: who advances the cache in between makes our facts newer than we say.
        confirmed_at = timeline.confirmed_at
        if confirmed_at < oldest:
            timeline = self._look(oldest, deadline, permit)
            confirmed_at = timeline.confirmed_at
        if consistency.timeline:
            self._reach(consistency, now, deadline, permit)
            if timeline is not self.timeline:
                timeline = self.timeline
                confirmed_at = timeline.confirmed_at
        age_s = max(0.0, uptime_s() - confirmed_at)
        reading = StoreReading(self, store, timeline, age_s, deadline, permit)
        try:
            if consistency.at_revision is not None:
                reading.pin_at(consistency.at_revision)
            _check(reading, consistency)
        except BaseException:
            reading.close()
            raise
        return reading

    def _look(self, not_before: float, deadline: Deadline, permit: ReadPermit, *, has_place: bool = False) -> Timeline:
        if not permit.may_wait:
            permit.take()
        with nullcontext() if permit.is_taken else self.permits.turn(deadline, has_place=has_place):
            # Not before: what was new enough may be too old after a wait.
            return self.refresh(max(not_before, uptime_s() - self._max_age_s), deadline)

    def _reach(self, consistency: Consistency, now: float, deadline: Deadline, permit: ReadPermit) -> None:
        """Wait until the cache has reached a revision, up to the deadline; without one, some seconds."""
        if self._has_reached(consistency):
            return
        self._look(now, deadline, permit)
        until = now + (_LONGEST_WAIT_S if deadline.at is None else float("inf"))
        if not self._is_behind(consistency):
            return
        # On one database the first look sees whatever was committed. A replica may need more of them.
        seen, pause_s = self.signal.revision, _FIRST_PAUSE_S
        with self.permits.place():
            while self._is_behind(consistency):
                rest = deadline.rest(until - uptime_s())
                if rest <= 0:
                    raise FactsUnavailable("the facts are not at the revision of the token yet")
                with self.permits.step_aside():
                    seen = self.signal.wait_for_other(seen, min(rest, pause_s))
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
                self._look(uptime_s(), deadline, permit, has_place=True)

    def _has_reached(self, consistency: Consistency) -> bool:
        timeline = self.timeline
        return timeline.name == consistency.timeline and timeline.revision >= consistency.at_least

    def _is_behind(self, consistency: Consistency) -> bool:
        timeline = self.timeline
        return timeline.name == consistency.timeline and timeline.revision < consistency.at_least


def _mark_before(commit: Commit, revision: int) -> tuple[Any, ...] | None:
    """Return what marks a revision of which a commit tells all that has changed since; None where it does not."""
    if revision == commit.revision - 1:
        return commit.before
    since = commit.since
    if since is None or not since.base <= revision < commit.revision:
        return None
    return since.mark_of(revision)


def _changed_after(commit: Commit, revision: int) -> tuple[Collection[Unit], Iterable[Changed] | None]:
    """Return what has changed after a revision up to a commit: units, and rows; None for too many rows."""
    units = set(commit.units)
    if len(commit.images) > _MOST_IMAGES:
        rows: Iterable[Changed] | None = None
    else:
        rows = map(changed_of, commit.images)
    if revision < commit.revision - 1 and commit.since is not None:
        units |= {Unit(kind, unit_id) for at, kind, unit_id in commit.since.units if at > revision}
        if rows is not None:
            rows = chain(chain.from_iterable(map(changes_in, commit.since.texts(revision))), rows)
    return units, rows


def _check(reading: StoreReading, consistency: Consistency) -> None:
    """Raise RevisionUnknown unless a reading is of the timeline that was asked for, and far enough; RevisionGone where
    it was to go on at a revision.
    """
    if not consistency.timeline:
        return
    if reading.timeline != consistency.timeline or reading.revision < consistency.at_least:
        if consistency.at_revision is not None:
            raise RevisionGone("the facts at this revision are gone; begin again without a page token")
        raise RevisionUnknown("the token is not of the present timeline of this store")
