"""Writing in attempts: a transaction that failed because others came first is tried again, more carefully."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import DBAPIError, IntegrityError

from sealauthz.facts.store.acting import Ended, Intended, Overtaken
from sealauthz.facts.store.batch import Wanted, WriteReceipt
from sealauthz.facts.store.commits import Commits
from sealauthz.facts.store.database import Database
from sealauthz.facts.store.group_commit import SETTINGS, GroupCommit
from sealauthz.facts.store.identity import SchemaMoved
from sealauthz.facts.store.importing import Part
from sealauthz.facts.store.locking import lock_revisions, lock_roots
from sealauthz.facts.store.statements import Driver
from sealauthz.facts.store.writing import Guard, Write
from sealauthz.runtime.errors import FactConflict, FactsUnavailable, InvariantBroken
from sealauthz.runtime.spans import span
from sealauthz.schema import Unit

T = TypeVar("T")

_ATTEMPTS = 5
_RETRIED_STATES = frozenset({"40P01", "40001"})
"""SQLSTATE of a deadlock and of a failed serialisation: nothing was written, and the next attempt may well succeed."""


class Attempts:
    """How a store writes: what others write meanwhile makes it try again, and no error leaves half of a batch."""

    def __init__(self, database: Database, now: Callable[[], int], commits: Commits) -> None:
        self._database = database
        self._now = now
        self._tell = commits.tell
        self._group = GroupCommit(database, now, commits.tell) if database.is_postgresql else None

    def write(
        self, wanted: Wanted, tenants: frozenset[str] | None, guard: Guard | None, part: Part | None = None
    ) -> WriteReceipt:
        """Try until the batch is written or refused."""
        is_careful = False
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._attempt(wanted, tenants, guard, is_careful, part)
            except SchemaMoved as error:
                self._database.adapt()
                failure: Exception = error
            except IntegrityError as error:
                # Again row by row: either a row is to blame, or only the order was, or another writer came first.
                is_careful = True
                failure = error
            except FactConflict as error:
                if error.invariant != "ID":
                    raise
                failure = error
            except FactsUnavailable as error:
                if attempt == _ATTEMPTS or not _is_retried(error):
                    raise
                failure = error
        if isinstance(failure, FactConflict):
            raise failure
        raise FactsUnavailable("the facts cannot be written now") from failure

    def _attempt(
        self, wanted: Wanted, tenants: frozenset[str] | None, guard: Guard | None, is_careful: bool, part: Part | None
    ) -> WriteReceipt:
        """Try once, in a transaction of its own."""
        with span("write"), self._database.write() as connection:
            identity = self._database.identity
            write = Write(
                connection, self._database.tables, identity, wanted, self._now, tenants, guard, is_careful, part
            )
            receipt = write.run()
        self._tell(write, wanted, receipt)
        return receipt

    def act(self, intend: Callable[[], Intended | T], tenants: frozenset[str] | None) -> WriteReceipt | T:
        """Write what a decision allows, as `Store.act` says."""
        failure: Exception | None = None
        is_careful = is_exclusive = False
        queued: set[Unit] = set()
        for attempt in range(1, _ATTEMPTS + 2):
            is_exclusive = is_exclusive or attempt >= _ATTEMPTS
            try:
                return self._act_once(intend, tenants, queued, is_careful=is_careful, is_exclusive=is_exclusive)
            except (Overtaken, IntegrityError, SchemaMoved, FactConflict, InvariantBroken, FactsUnavailable) as error:
                failure = error
                if isinstance(error, FactsUnavailable):
                    if not _is_retried(error):
                        raise
                elif isinstance(error, FactConflict | InvariantBroken):
                    # Others may have come between the decision and this: then the next decision tells.
                    if is_exclusive or (isinstance(error, FactConflict) and error.invariant == "REQUEST_ID"):
                        raise
                    is_exclusive = True
                elif isinstance(error, IntegrityError):
                    is_careful = True
                elif isinstance(error, SchemaMoved):
                    self._database.adapt()
        if isinstance(failure, Ended):
            raise FactsUnavailable("the permission has ended before the act was written: ask again") from failure
        raise FactsUnavailable("the facts cannot be written now") from failure

    def _act_once(
        self,
        intend: Callable[[], Intended | T],
        tenants: frozenset[str] | None,
        queued: set[Unit],
        *,
        is_careful: bool,
        is_exclusive: bool,
    ) -> WriteReceipt | T:
        """Try once. `queued` are the units whose roots the attempts have locked; what this one locks comes to them."""
        intended: Intended | T | None = None if is_exclusive else intend()
        if intended is not None and not isinstance(intended, Intended):
            return intended
        if intended is not None and self._group is not None and not is_careful and self._group.can_take(intended):
            with span("write"):
                together = self._group.write(intended, tenants, queued)
            if together is not None:
                return together
        with span("write"), self._database.write(SETTINGS) as connection:
            if intended is None:
                # First what others lock first: one of them would hold it, and wait for the lock of revisions.
                lock_roots(Driver(connection), self._database.tables, queued)
                lock_revisions(connection)
                intended = intend()
                if not isinstance(intended, Intended):
                    return intended
            wanted = intended.wanted
            identity = self._database.identity
            write = Write(
                connection,
                self._database.tables,
                identity,
                wanted,
                self._now,
                tenants,
                None,
                is_careful,
                intended=intended,
            )
            try:
                receipt = write.run()
            finally:
                queued |= write.locked
        self._tell(write, wanted, receipt)
        return receipt


def _is_retried(error: FactsUnavailable) -> bool:
    """Tell whether the database gave up this transaction in favour of another."""
    cause = error.__cause__
    raised = cause.orig if isinstance(cause, DBAPIError) else cause
    return getattr(raised, "sqlstate", None) in _RETRIED_STATES
