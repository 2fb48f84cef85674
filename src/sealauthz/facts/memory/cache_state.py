"""The state of the fact cache: what it stands at, and what moves it on.

It advances with the first that observes a newer revision: the feed, a load, or a writer. It forgets everything where
no revision says what has changed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

from sealauthz.facts.memory.consistency import NO_DEADLINE, Deadline, uptime_s
from sealauthz.facts.memory.loading import Touched, touched_since
from sealauthz.facts.memory.loads import Loads
from sealauthz.facts.memory.reading import Statistics
from sealauthz.facts.memory.signal import Signal
from sealauthz.facts.memory.snapshot import wired_unit
from sealauthz.facts.memory.sources import TransactionSource
from sealauthz.facts.memory.timeline import HomeIndex, Timeline
from sealauthz.facts.memory.wiring import WiredUnit
from sealauthz.facts.store.activations import POLICIES, Activated, activated_in
from sealauthz.facts.store.commits import Commit
from sealauthz.facts.store.database import ReadTransaction
from sealauthz.facts.store.history import Changed, changed_of, changes_in
from sealauthz.facts.store.store import Store
from sealauthz.runtime.errors import FactNotLoaded, FactsUnavailable, HistoryLost, SealAuthzError
from sealauthz.schema import Unit

_LONGEST_WAIT_S = 10.0
_WRITER_WAITS_S = 1.0
_LOOKS = 5
_HOMES = 100_000
_RELOADED_AT_ONCE = 16
_MOST_IMAGES = 500
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


class CacheState:
    """The timeline of a fact cache with its units in memory, and what moves it on. Any thread may use it.

    `unseen_since` is an instant (`uptime_s`): what was committed then need not be in memory.
    """

    def __init__(self, budget: int, large_bytes: int) -> None:
        self._budget = budget
        self._lock = threading.Lock()
        self._looking = _Looking()
        self._catalog, self._catalog_at = "", _NEVER
        self._schema = ""
        self.unseen_since = _NEVER
        self.timeline = Timeline("", 0, (), budget)
        self.homes = HomeIndex(_HOMES)
        self.signal = Signal()
        self.statistics = Statistics()
        self.loads = Loads(self._lock, lambda: self.timeline, self.statistics, large_bytes)

    def refresh(
        self, store: Store, not_before: float, deadline: Deadline = NO_DEADLINE, *, reload: bool = False
    ) -> Timeline:
        """Advance to what was the newest revision of a store at an instant, or later (`uptime_s`).

        Those who want the same at the same time share one look. `reload`: load again what is read often and changed.
        Returns the timeline that is so. Raises FactsUnavailable, TimeOver, ServiceBusy.
        """
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
                with self.forgetting(), store.read_transaction() as transaction:
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
        return (
            name == timeline.name and revision.isascii() and revision.isdecimal() and int(revision) <= timeline.revision
        )

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

    def wrote(self, store: Store, commit: Commit) -> None:
        """Advance to a revision that this process has committed to a store, before its writer is answered."""
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
                self.refresh(store, now, Deadline(time.monotonic() + _WRITER_WAITS_S))
            except SealAuthzError:
                with self._lock:
                    self.unseen_since = max(self.unseen_since, now)


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
