"""The fact cache: the facts in memory as policies read them, whole units wired, and each answer from one revision.

A snapshot is what one decision or batch reads. It takes what is in memory at the revision of the cache, and holds no
lock while policies read. What is not in memory it loads, in one read transaction. A unit that has changed between the
two revisions makes the answer start again, at that of the transaction, so that no answer mixes two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, TypeVar

from sealauthz.facts.memory.cache_state import CacheState
from sealauthz.facts.memory.consistency import FROM_MEMORY, NO_DEADLINE, Consistency, Deadline, uptime_s
from sealauthz.facts.memory.loads import DEFAULT_LARGE_BYTES
from sealauthz.facts.memory.permits import NoPermit, NotAtOnce, ReadPermit, ReadPermits, WaitedForPermit
from sealauthz.facts.memory.reading import StoreReading
from sealauthz.facts.memory.snapshot import FactSnapshot, FixedReading, StaleSnapshot
from sealauthz.facts.memory.timeline import HomeIndex, Timeline
from sealauthz.facts.memory.warming import warm_up
from sealauthz.facts.store.commits import Commit
from sealauthz.facts.store.store import Store
from sealauthz.runtime.errors import FactsUnavailable, RevisionGone, RevisionUnknown
from sealauthz.schema import Model

T = TypeVar("T")

DEFAULT_BUDGET = 512 * 1024 * 1024
DEFAULT_MAX_AGE_S = 5.0

_LONGEST_WAIT_S = 10.0
_FIRST_PAUSE_S = 0.01
_LONGEST_PAUSE_S = 0.25
_WARM_SHARE = 0.9


class FactCache:
    """The facts of a store, unit by unit in memory. Any thread may use it.

    `budget` is in bytes, of the units that are kept; what an answer reads stays whole even when the fact cache drops
    it. `max_age_s` is how long ago facts may have been the newest when an answer comes from memory. Units from
    `large_bytes` on are changed in place, and only while nobody reads them; the others are loaded again. `signal` is
    told each revision that is reached; `state` is what moves it on.
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
        self._fixed: FixedReading | None = None
        self.state = CacheState(budget, large_bytes)
        self.permits = permits or ReadPermits()
        self.signal = self.state.signal
        self.statistics = self.state.statistics
        if store is not None:
            store.on_commit(self._wrote)

    @classmethod
    def of_records(cls, model: Model, records: Iterable[Any], revision: int = 1) -> FactCache:
        """Return a fact cache of these records of a model alone, without a database. They are copied."""
        fact_cache = cls(None)
        fact_cache._fixed = FixedReading(model, records, revision)
        return fact_cache

    @property
    def timeline(self) -> Timeline:
        """The timeline that the fact cache stands on; another one after everything was forgotten."""
        return self.state.timeline

    @property
    def homes(self) -> HomeIndex:
        """Where records are at home, as far as it was asked."""
        return self.state.homes

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
        return warm_up(
            self._store.model, self.answer, lambda: self.state.timeline.cache.bytes <= self._budget * _WARM_SHARE
        )

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
            result = work(FactSnapshot(reading, self.state.homes))
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
                return work(FactSnapshot(reading, self.state.homes))
            except StaleSnapshot:
                if consistency.at_revision is not None:
                    raise RevisionGone("the facts have changed; begin again without a page token") from None
            self.statistics.restarts += 1
            # Else somebody could wait for us to have read what we do not read any more.
            reading.leave()
            reading.pin_newest()
            _check(reading, consistency)
            try:
                return work(FactSnapshot(reading, self.state.homes))
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
        reading = StoreReading(self.state, self._store, self.state.timeline, 0.0, NO_DEADLINE, permit)
        try:
            reading.pin_newest()
            yield FactSnapshot(reading, self.state.homes)
        finally:
            reading.close()
            permit.close()

    def refresh(self, not_before: float, deadline: Deadline = NO_DEADLINE, *, reload: bool = False) -> Timeline:
        """Advance to what was the newest revision at an instant, or later (`uptime_s`).

        `reload`: load again what is read often and changed. Returns the timeline that is so. Raises FactsUnavailable,
        TimeOver, ServiceBusy.
        """
        if self._store is None:
            return self.state.timeline
        return self.state.refresh(self._store, not_before, deadline, reload=reload)

    def has_seen(self, told: str) -> bool:
        """Tell whether a revision that was announced is no newer than the facts in memory."""
        return self.state.has_seen(told)

    def _wrote(self, commit: Commit) -> None:
        if self._store is not None:
            self.state.wrote(self._store, commit)

    def _fixed_snapshot(self) -> FactSnapshot:
        if self._fixed is None:
            raise TypeError("a fact cache has a store or records")
        return FactSnapshot(self._fixed, self.state.homes)

    def _reading(self, store: Store, consistency: Consistency, deadline: Deadline, permit: ReadPermit) -> StoreReading:
        """Return a reading that is as fresh as it must be."""
        now = uptime_s()
        is_newest = consistency.is_full or consistency.at_revision is not None
        oldest = max(now if is_newest else now - self._max_age_s, self.state.unseen_since)
        timeline = self.state.timeline
        # Read before the revision: who advances the cache in between makes our facts newer than we say.
        confirmed_at = timeline.confirmed_at
        if confirmed_at < oldest:
            timeline = self._look(oldest, deadline, permit)
            confirmed_at = timeline.confirmed_at
        if consistency.timeline:
            self._reach(consistency, now, deadline, permit)
            if timeline is not self.state.timeline:
                timeline = self.state.timeline
                confirmed_at = timeline.confirmed_at
        age_s = max(0.0, uptime_s() - confirmed_at)
        reading = StoreReading(self.state, store, timeline, age_s, deadline, permit)
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
        timeline = self.state.timeline
        return timeline.name == consistency.timeline and timeline.revision >= consistency.at_least

    def _is_behind(self, consistency: Consistency) -> bool:
        timeline = self.state.timeline
        return timeline.name == consistency.timeline and timeline.revision < consistency.at_least


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
