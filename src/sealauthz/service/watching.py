"""Watching: every revision to everybody who watches, once and in order, as far as each may read it.

One thread reads the history as it grows and hands it on. A watcher first reads for itself what it has missed, and joins
the others where the thread stands; what lies between is read once more, up to exactly there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sealauthz.facts import Store
from sealauthz.facts.memory.signal import Signal
from sealauthz.facts.store.history import Changed, Page, Revision, read_changes
from sealauthz.observability.log import Log
from sealauthz.runtime.background import Background, ignored
from sealauthz.runtime.errors import CallerNotPermitted, FactsUnavailable, SealAuthzError
from sealauthz.service.callers import Call, Caller
from sealauthz.service.fields import FieldViolations, check_store, revision_message, timestamp, token_from
from sealauthz.service.records import WireForms, forms_of
from sealauthz.service.streams import Outlet, lagging
from sealauthz_client.v1 import facts_pb2

MAX_WATCHED_ENTERPRISES = 1_000
CAPACITY = 256
"""How many revisions a watcher may lag behind."""

_PAGE = 100
_LARGE = 32 * 1024
"""Of a revision with longer changes only the number is kept for a watcher, which reads it when its turn comes."""

_LARGE_AT_ONCE = 2

_POLL_S = 0.2
_QUIET_S = 1.0
_QUIET_REVISIONS = 100
"""How long, and for how many revisions, a watcher that is shown nothing is not told how far history has come."""


@dataclass(frozen=True, slots=True)
class Reached:
    """Nothing more has changed up to this revision, made at `at` (0: there is none yet)."""

    number: int
    at: int


_Item = Revision | Reached


class Watches:
    """Follows the history of one store for all watchers of this process."""

    def __init__(self, store: Store, signal: Signal, log: Log | None = None) -> None:
        self._store = store
        self._signal = signal
        self._changed = threading.Condition()
        self._outlets: set[Outlet[_Item]] = set()
        # Where the thread stands; only while somebody watches.
        self._timeline = ""
        self._at = 0
        self._newest_at = 0
        self._told = 0
        self._is_stopping = False
        self._large = threading.BoundedSemaphore(_LARGE_AT_ONCE)
        self.thread = Background("watches", self._step, ignored if log is None else log.thread_failed)

    @property
    def count(self) -> int:
        """How many watch now."""
        return len(self._outlets)

    def start(self) -> None:
        """Begin to follow."""
        self.thread.start()

    def stop(self) -> None:
        """End every watch well, take no more, and return when the thread has ended."""
        self.thread.stop()
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        self._end_all(None)
        self.thread.join()

    def follow(self, after: int, timeline: str, call: Call | None = None) -> Iterator[tuple[str, Revision | Reached]]:
        """Yield every revision after one, each with its timeline, and from time to time how far history has come.

        A large revision comes without its changes; `whole` reads them. Nothing is held parsed while a watcher reads.
        `after` below 0 begins at the newest. Ends when the caller leaves or the server stops. Raises ServiceBusy for
        one that lags, RevisionUnknown, RevisionGone, FactsUnavailable.
        """
        if after < 0:
            page = self._store.changes_after(-1, 1)
            after, timeline = page.newest, page.timeline
            yield timeline, Reached(page.newest, page.newest_at)
        # What is behind first, so that nothing queues up meanwhile.
        while call is None or not call.is_cancelled():
            page = self._page(after, _PAGE, timeline)
            timeline = page.timeline
            for revision in page.revisions:
                yield timeline, revision
                after = revision.number
            if after >= page.newest:
                if page.revisions:
                    yield timeline, Reached(page.newest, page.newest_at)
                break
        yield from self._join(after, timeline, call)

    def _join(self, after: int, timeline: str, call: Call | None) -> Iterator[tuple[str, Revision | Reached]]:
        """Go on with the others."""
        outlet: Outlet[_Item] = Outlet(CAPACITY, lambda last: lagging(max(after, last.number if last else 0)), call)
        with self._changed:
            if self._is_stopping:
                return
            if not self._outlets:
                self._at, self._timeline, self._told = after, timeline, after
            elif self._timeline != timeline:
                raise FactsUnavailable("the facts were restored just now")
            self._outlets.add(outlet)
            joined = self._at
            self._changed.notify_all()
        try:
            while after < joined:
                page = self._page(after, min(_PAGE, joined - after), timeline)
                for revision in page.revisions:
                    yield timeline, revision
                    after = revision.number
                if after >= joined:
                    yield timeline, Reached(after, page.revisions[-1].at)
            for item in outlet:
                if isinstance(item, Reached):
                    if item.number >= after:
                        yield timeline, item
                elif item.number > after:
                    after = item.number
                    yield timeline, item
        finally:
            with self._changed:
                self._outlets.discard(outlet)

    @contextmanager
    def whole(self, revision: Revision, timeline: str, call: Call | None = None) -> Iterator[Revision | None]:
        """Give a revision with its changes; a large one is read now, and two at a time are in use in this process.

        So nothing that waits for a reader belongs in here. None if the caller left before the turn came. Raises
        RevisionUnknown, RevisionGone, FactsUnavailable.
        """
        if revision.text is not None:
            yield revision
            return
        with self._large:
            if call is not None and call.is_cancelled():
                yield None
                return
            (read,) = self._store.changes_after(revision.number - 1, 1, timeline).revisions
            yield read

    def _page(self, after: int, limit: int, timeline: str) -> Page:
        with self._store.read_transaction() as transaction:
            return read_changes(transaction, after, limit, timeline, _LARGE)

    def _step(self) -> None:
        """Wait for watchers, and hand on what comes next. What it raises ends every watch."""
        with self._changed:
            if not self._outlets:
                self.thread.goes_well()  # who comes next begins from the start
            while not self._outlets and not self._is_stopping:
                self._changed.wait()
            if self._is_stopping:
                return
            at, timeline = self._at, self._timeline
        try:
            self._hand_on_from(at, timeline)
        except SealAuthzError as error:
            self._end_all(error)
        except BaseException as error:
            unread = FactsUnavailable("the changes cannot be read now")
            unread.__cause__ = error
            self._end_all(unread)
            raise

    def _hand_on_from(self, at: int, timeline: str) -> None:
        """Read what comes next and hand it on; wait a little where there is nothing."""
        seen = self._signal.revision
        page = self._page(at, _PAGE, timeline)
        if page.revisions:
            self._hand_on(at, timeline, page.revisions)
        else:
            self._say_reached(page.newest_at)
            self._signal.wait_for_other(seen, _POLL_S)

    def _hand_on(self, after: int, timeline: str, revisions: tuple[Revision, ...]) -> None:
        """Hand revisions to every watcher, unless all have left meanwhile and others come in elsewhere."""
        with self._changed:
            if (self._at, self._timeline) != (after, timeline):
                return
            for revision in revisions:
                self._offer(revision)
            self._at = revisions[-1].number
            self._newest_at = time.monotonic_ns()

    def _say_reached(self, at: int) -> None:
        """Tell those who were shown nothing how far history has come, once it pauses."""
        with self._changed:
            has_paused = time.monotonic_ns() - self._newest_at >= _QUIET_S * 1_000_000_000
            if self._told < self._at and has_paused:
                self._offer(Reached(self._at, at))
                self._told = self._at

    def _offer(self, item: _Item) -> None:
        self._outlets = {outlet for outlet in self._outlets if outlet.offer(item)}

    def _end_all(self, error: SealAuthzError | None) -> None:
        with self._changed:
            for outlet in self._outlets:
                outlet.close(error)
            self._outlets = set()


@dataclass(frozen=True, slots=True)
class View:
    """What one watcher is shown: of each record type the fields that are hidden, of which tenants (None: all)."""

    hidden: Mapping[str, tuple[str, ...]]
    tenants: frozenset[str] | None
    forms: WireForms

    @classmethod
    def of(cls, request: facts_pb2.WatchChangesRequest, caller: Caller) -> View:
        """Return the view that a request asks for. Raises InvalidRequest, CallerNotPermitted."""
        violations = FieldViolations()
        violations.check_count("record_types", len(request.record_types), len(caller.model.records))
        for number, record_type in enumerate(request.record_types):
            if record_type not in caller.model.records:
                violations.add(f"record_types[{number}]", "is not a record type")
        tenants = watched_tenants(request.enterprise_ids, caller, violations)
        record_types = request.record_types or [name for name in caller.model.records if _is_readable(name, caller)]
        if not record_types:
            raise CallerNotPermitted(f"the caller `{caller.name}` may not read any record type")
        hidden = {}
        for record_type in record_types:
            readable = caller.readable(record_type)
            columns = caller.model.shapes[record_type].columns
            hidden[record_type] = tuple(c.name for c in columns if c.is_personal or c.name not in readable)
        return cls(hidden, tenants, forms_of(caller.model))

    def show(self, changes: Iterable[Changed], message: facts_pb2.WatchChangesResponse) -> None:
        """Add to a message what is shown of changes. What is not shown is never made into a message."""
        for change in changes:
            hidden = self.hidden.get(change.record_type)
            if hidden is None:
                continue
            before = change.before if self._concerns(change.concerned_before) else None
            after = change.after if self._concerns(change.concerned_after) else None
            if before is None and after is None:
                continue
            # In place: a copy of a large message would be as large.
            shown = message.changes.add(
                key=facts_pb2.FactKey(record_type=change.record_type, id=change.id), hidden_fields=hidden
            )
            if before is not None:
                shown.before.CopyFrom(self.forms.fact_of_image(change.record_type, before, hidden))
            if after is not None:
                shown.after.CopyFrom(self.forms.fact_of_image(change.record_type, after, hidden))

    def _concerns(self, tenants: frozenset[str] | None) -> bool:
        # Of old changes nobody wrote down whom they concern: only who may see everything is shown them.
        return self.tenants is None or bool(tenants and tenants & self.tenants)


def watched_tenants(
    ids: Sequence[str], caller: Caller, violations: FieldViolations, field: str = "enterprise_ids"
) -> frozenset[str] | None:
    """Return the tenants that a watch is of, those of the caller where it names none; None for all.

    Raises InvalidRequest, with what else `violations` has noted, and CallerNotPermitted.
    """
    violations.check_count(field, len(ids), MAX_WATCHED_ENTERPRISES)
    for number, tenant_id in enumerate(ids):
        violations.check_id(f"{field}[{number}]", tenant_id)
    violations.refuse()
    for tenant_id in ids:
        if not caller.may_see(tenant_id):
            tenant = caller.model.tenant.lower()
            raise CallerNotPermitted(f"the caller `{caller.name}` may not see the {tenant} `{tenant_id}`")
    return frozenset(ids) or caller.tenants


def _is_readable(record_type: str, caller: Caller) -> bool:
    units = caller.model.units
    is_in_scope = caller.tenants is None or not units.is_of_subject(units.home_kind(record_type))
    return record_type in caller.read and is_in_scope


def watch(
    watches: Watches, store_id: str, request: facts_pb2.WatchChangesRequest, call: Call
) -> Iterator[facts_pb2.WatchChangesResponse]:
    """Stream what is written, as far as the caller may read it.

    Raises InvalidRequest, CallerNotPermitted, and what `Watches.follow` raises.
    """
    view = View.of(request, call.caller)
    after, timeline = -1, ""
    if request.after:
        token = token_from(request.after, "after")
        check_store(token, store_id)
        after, timeline = token.number, token.timeline_id
    return _messages(watches, store_id, view, after, timeline, call)


def _messages(
    watches: Watches, store_id: str, view: View, after: int, timeline: str, call: Call
) -> Iterator[facts_pb2.WatchChangesResponse]:
    sent, revisions, sent_at = (after, 0, time.monotonic())
    call.noted["revisions"] = 0
    for at_timeline, step in watches.follow(after, timeline, call):
        message = facts_pb2.WatchChangesResponse()
        if isinstance(step, Revision):
            if not _show(watches, view, step, at_timeline, message, call):
                return
            revisions += 1
            call.noted["revisions"] = revisions
        if not message.changes and step.number <= sent:
            continue
        is_quiet = isinstance(step, Reached) or (
            step.number - sent >= _QUIET_REVISIONS or time.monotonic() - sent_at >= _QUIET_S
        )
        if not message.changes and not is_quiet:
            continue
        message.revision.CopyFrom(revision_message(store_id, at_timeline, step.number))
        if step.number:
            message.committed_at.CopyFrom(timestamp(step.at))
        yield message
        # Not kept while the next one waits for its turn.
        del message
        sent, sent_at = step.number, time.monotonic()


def _show(
    watches: Watches, view: View, revision: Revision, timeline: str, message: facts_pb2.WatchChangesResponse, call: Call
) -> bool:
    """Add to a message what is shown of a revision; False if the watcher left before its turn came.

    A function of its own, so that the text of a large revision goes with it.
    """
    with watches.whole(revision, timeline, call) as whole:
        if whole is not None:
            view.show(whole.changes, message)
        return whole is not None
