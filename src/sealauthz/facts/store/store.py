"""The store: facts in one relational database, written in transactions that each make one revision."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from types import MappingProxyType
from typing import Any, TypeVar

from sqlalchemy import Connection, select

from sealauthz.facts.store import history
from sealauthz.facts.store.acting import Intended
from sealauthz.facts.store.activity import Activity, ActivityFilter, read_activity
from sealauthz.facts.store.attempts import Attempts
from sealauthz.facts.store.batch import Batch, WriteReceipt, check
from sealauthz.facts.store.commits import Commit, Commits
from sealauthz.facts.store.database import FEED_NAME, Database, Listener, ReadTransaction, translated
from sealauthz.facts.store.due import Place, due
from sealauthz.facts.store.following import follow_to, followed_to, logged_from, unraised
from sealauthz.facts.store.identity import Restored
from sealauthz.facts.store.importing import Importing, OpenImport, Part, PartReceipt, open_imports
from sealauthz.facts.store.keeping import Archive, Pruned, prune
from sealauthz.facts.store.performed import (
    Statement,
    StoredEvent,
    events_after,
    operation_by_id,
    operation_of,
)
from sealauthz.facts.store.reading import Filter, Page, Query, read_page
from sealauthz.facts.store.restoring import announce, complete, distrust
from sealauthz.facts.store.rows import DatabaseRows, RecordRows
from sealauthz.facts.store.system_tables import STORE_IDENTITY
from sealauthz.facts.store.tables import Tables
from sealauthz.facts.store.waiting import waiting
from sealauthz.facts.store.writing import Guard
from sealauthz.schema import Model, Put, Sweep
from sealauthz.schema.alarms import Alarm

T = TypeVar("T")


def now_us() -> int:
    """Return the time in microseconds since 1970."""
    return time.time_ns() // 1000


class Store:
    """Facts in one database. Any thread may use it; make it with `Store.open`."""

    def __init__(self, database: Database, store_id: str, now: Callable[[], int]) -> None:
        self._database = database
        self.model = database.model
        self.store_id = store_id
        self._commits = Commits(database.identity)
        self._attempts = Attempts(database, now, self._commits)
        self.pending_key: Callable[[], bytes] = bytes
        """Returns the key by which processes of the service know the rows of `audit_pending` that one of them wrote;
        empty without one. Raises ConfigRefused where it cannot be read.
        """

    @classmethod
    def open(cls, url: str, model: Model, now: Callable[[], int] = now_us) -> Store:
        """Open the store of a model. Raises ConfigRefused, and FactsUnavailable for a database that is not ready."""
        database = Database(url, model)
        try:
            database.adapt()
            with database.plain() as connection:
                store_id: str = connection.execute(select(STORE_IDENTITY.c.store_id)).scalar_one()
                database.identity.store_id = store_id
        except BaseException:
            database.close()
            raise
        return cls(database, store_id, now)

    @property
    def tables(self) -> Tables:
        """The tables, as the database has them now."""
        return self._database.tables

    def writing(self) -> AbstractContextManager[Connection]:
        """Open a transaction that writes what is no fact, and makes no revision. Raises FactsUnavailable."""
        return self._database.write()

    def waiting(self, is_postgresql: bool, at: int, *records: str) -> Statement:
        """Return what has records wait for their place in the log of decisions, vouched for by the key if there is one.

        Raises ConfigRefused.
        """
        return waiting(is_postgresql, at, *records, key=self.pending_key())

    def close(self) -> None:
        """Close the connections."""
        self._database.close()

    def on_commit(self, observer: Callable[[Commit], None]) -> None:
        """Call a method with each revision that this store writes, or answers a write with, before the writer is
        answered. This does not keep its object alive.
        """
        self._commits.follow(observer)

    def announce_restore(self, log_size: int = 0) -> Restored:
        """Announce that history was changed behind our back, as by a restore: tokens of before are no longer known, and
        nothing is answered until `complete_restore`.

        `log_size`: how many records the log of decisions has. Raises FactsUnavailable.
        """
        return announce(self._database, log_size, self.pending_key())

    def complete_restore(self, by: str, note: str) -> Restored | None:
        """Have questions answered again after a restore; who says so and why goes into the log of decisions.

        Returns what was restored; None for a store that is complete. Raises FactsUnavailable, and InvariantBroken while
        imports are open or a rule that takes the whole is broken.
        """
        return complete(self._database, by, note, self.pending_key())

    def distrust(self) -> None:
        """Have every process refuse a store that this process has seen go back, also those that begin later.

        Raises FactsUnavailable.
        """
        distrust(self._database)

    def read_transaction(self, *, may_be_incomplete: bool = False) -> AbstractContextManager[ReadTransaction]:
        """Open a read transaction; everything in it is read at its `revision`.

        `may_be_incomplete`: for what decides nothing, and completes a restore. Raises FactsUnavailable,
        RestoreIncomplete.
        """
        return self._database.read(may_be_incomplete=may_be_incomplete)

    def plain_connection(self) -> AbstractContextManager[Connection]:
        """Open a connection outside of any transaction, for what is kept beside the facts. Raises FactsUnavailable."""
        return self._database.plain()

    @property
    def connections(self) -> tuple[int, int]:
        """How many connections to the database are in use, and how many may be."""
        return self._database.connections

    def listen(self, name: str = FEED_NAME) -> Listener | None:
        """Listen for new revisions, as an application of this name; None where the database cannot announce them.

        Raises FactsUnavailable.
        """
        return self._database.listen(name)

    def revision(self) -> int:
        """Return the newest revision; 0 before the first write. Raises FactsUnavailable, RestoreIncomplete."""
        with self.read_transaction() as transaction:
            return transaction.revision

    @property
    def restored(self) -> Restored | None:
        """What was restored and is not complete; None for a store that is. Raises FactsUnavailable."""
        with self.read_transaction(may_be_incomplete=True) as transaction:
            return transaction.restored

    def read(
        self,
        record_type: str,
        filters: Mapping[str, Filter] = MappingProxyType({}),
        *,
        page_size: int = 0,
        page_token: str = "",
        tenants: frozenset[str] | None = None,
    ) -> Page:
        """Read records of one type, in the order of their ids. Raises InvalidRequest, FactsUnavailable.

        `page_size` is 100 when 0, and at most 1,000. `tenants`: only records that concern one of them (a record of a
        subject concerns none and is always returned).
        """
        with self.read_transaction(may_be_incomplete=True) as transaction:
            return read_page(transaction, Query(record_type, filters), page_size, page_token, tenants)

    def changes_after(self, revision: int, limit: int, timeline: str = "") -> history.Page:
        """Read what the revisions after one changed, at most `limit` of them, in order.

        `timeline` is the history that the revision belongs to; empty for the present one. Raises RevisionUnknown where
        it is another one or the revision is still to come, RevisionGone where changes after it are no longer kept, and
        FactsUnavailable.
        """
        with self.read_transaction() as transaction:
            return history.read_changes(transaction, revision, limit, timeline)

    def tenants_of(self, transaction: ReadTransaction, record: Any, beside: Iterable[Any] = ()) -> frozenset[str]:
        """Return the tenants that a record concerns; empty for a record of a subject.

        `beside` are records that would be written with it, and may be what leads it home.
        """
        rows = RecordRows([record, *beside], DatabaseRows(transaction.connection, self.tables))
        with translated("read"):
            return self.model.units.tenants_of([record], rows)[type(record).__name__, record.id]

    def write(self, batch: Batch, tenants: frozenset[str] | None = None, guard: Guard | None = None) -> WriteReceipt:
        """Apply a batch in one transaction. Nothing of it stays when an error is raised.

        `tenants`: the ones that the caller may write; None for all. `guard`: is shown every change, on the records
        as they are once nobody else can change them, and refuses by raising; a request that was answered before is not
        shown to it again. Raises InvalidRequest, FactConflict, InvariantBroken, CallerNotPermitted, FactsUnavailable
        (after which the same request may be sent again).
        """
        return self._attempts.write(check(batch, self.model), tenants, guard)

    def act(self, intend: Callable[[], Intended | T], tenants: frozenset[str] | None = None) -> WriteReceipt | T:
        """Write what a decision allows, once it is sure that what it read still stands.

        `intend` decides, perhaps several times, at last under the lock of all writers; what else it returns is
        returned, and nothing is written. Nothing is changed outside of `tenants` (None: all), as with `write`. An
        answer that is a replay wrote nothing either. Raises what `intend` and `write` raise, and FactsUnavailable where
        others wrote all the time, or what was decided had ended each time before it was written.
        """
        return self._attempts.act(intend, tenants)

    def import_part(
        self,
        caller: str,
        part: Part,
        records: Iterable[Any] = (),
        tenants: frozenset[str] | None = None,
        guard: Guard | None = None,
    ) -> PartReceipt:
        """Put the records of one part of an import in one transaction; the same part again changes nothing.

        A record may come inside of a `Put` that says what it leaves out.

        From the first part on nothing is decided about the tenants of the import, until it ends. Raises what
        `write` raises, and InvariantBroken and FactConflict `IMPORT` where the import does not stand so.
        """
        wanted = check(
            Batch(caller, part.request_id, tuple(r if isinstance(r, Put) else Put(r) for r in records)), self.model
        )
        wanted = replace(wanted, digest=part.digest(wanted.digest))
        receipt = self._attempts.write(wanted, tenants, guard, part)
        if not receipt.is_replay and not part.is_abandoned:
            return PartReceipt(receipt, part.number, part.is_last)
        with self._database.plain() as connection:
            parts, is_over = Importing(connection, self.tables, caller, part, 0).standing()
        return PartReceipt(receipt, parts, is_over)

    def open_imports(self) -> list[OpenImport]:
        """Return the imports that are open, the oldest first. Raises FactsUnavailable."""
        with self._database.plain() as connection:
            return open_imports(connection)

    def open_import(self, caller: str, import_id: str) -> OpenImport | None:
        """Return one of a caller's imports, if it is open. Raises FactsUnavailable."""
        ours = (item for item in self.open_imports() if (item.caller, item.import_id) == (caller, import_id))
        return next(ours, None)

    def operation(self, caller: str, request_id: str) -> dict[str, Any] | None:
        """Return what a request of a caller was answered with; None where it performed nothing.

        Raises FactsUnavailable.
        """
        with self._database.plain() as connection:
            return operation_of(connection, caller, request_id)

    def operation_by_id(self, caller: str, operation_id: str) -> dict[str, Any] | None:
        """Return what an operation of a caller was answered with; None where it has none of that id.

        Raises FactsUnavailable.
        """
        with self._database.plain() as connection:
            return operation_by_id(connection, caller, operation_id)

    def events_after(
        self, after: tuple[int, int], limit: int, tenants: Iterable[str] | None = None
    ) -> list[StoredEvent]:
        """Return events behind a place (a revision and a number), in their order. Raises FactsUnavailable."""
        with self._database.plain() as connection:
            return events_after(connection, after, limit, tenants)

    def activity(
        self,
        wanted: ActivityFilter,
        after: tuple[int, int],
        before: tuple[int, int],
        limit: int,
        *,
        is_newest_first: bool = False,
    ) -> list[Activity]:
        """Return activity between two places (each a revision and a number). Raises FactsUnavailable."""
        with self._database.plain() as connection:
            return read_activity(connection, wanted, after, before, limit, is_newest_first=is_newest_first)

    def log_to_follow(self, name: str, kind: str, limit: int) -> tuple[int, int, list[tuple[int, str]]]:
        """Return the number from which on the log of decisions is to be followed, up to which, not included, this call
        did, and the records of a kind between these, each with its number. Raises FactsUnavailable.

        At most so many are returned (`limit`), of the next 10,000. Some may only mention the kind.
        """
        with self._database.plain() as connection:
            begin = followed_to(connection, name)
            return begin, *logged_from(connection, begin, kind, limit)

    def follow_log(self, name: str, number: int) -> None:
        """Keep that the log was followed up to a record, not included. Raises FactsUnavailable."""
        with self.writing() as connection:
            follow_to(connection, name, number)

    def unraised(
        self, alarm: Alarm, caller: str, now: int, after: tuple[int, str], limit: int
    ) -> list[tuple[int, str]]:
        """Return causes for which nothing was performed yet, behind a place. Raises FactsUnavailable."""
        with self._database.plain() as connection:
            return unraised(connection, self.tables, alarm, caller, now, after, limit)

    def due(self, sweep: Sweep, until: int, limit: int, after: Place | None = None) -> list[Place]:
        """Return the places of records that may be due for a sweep: whose instant lies at `until` or before. Those come
        first that have waited longest; `after` is the place behind which to go on.

        Raises FactsUnavailable.
        """
        with self._database.plain() as connection:
            return due(connection, self.tables, sweep, until, limit, after)

    def prune(self, before: int, archive: Archive | None) -> Pruned:
        """Prune history and keys of requests older than an instant; the history goes to the archive, or stays.

        Raises FactsUnavailable.
        """
        return prune(self._database, before, archive)
