"""One write transaction, from the batch to its revision.

The order matters. The request's key is taken first, so that the same request waits for itself. Then the roots of the
units concerned are locked in one fixed order, and everything that decides is read after that. The revision comes last,
under one lock for all writers, and nothing is locked after it: revision order is commit order, and a follower sees no
gap.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache, cached_property
from typing import Any

from sqlalchemy import BigInteger, Connection, bindparam, insert, select, update

from sealauthz.facts.store.acting import Intended, Since
from sealauthz.facts.store.activity import Found, activity_kept, activity_of
from sealauthz.facts.store.applying import Applying
from sealauthz.facts.store.batch import Wanted, WriteReceipt
from sealauthz.facts.store.database import CHANNEL, announced, end, look
from sealauthz.facts.store.demands import (
    check_counters,
    check_deletes_present,
    check_left_out,
    check_preconditions,
    check_updates_present,
)
from sealauthz.facts.store.erasing import with_erased
from sealauthz.facts.store.history import Changed, changed_of
from sealauthz.facts.store.identity import Identity, Seen
from sealauthz.facts.store.images import image_of, moves
from sealauthz.facts.store.importing import Importing, Part, check_unmarked
from sealauthz.facts.store.invariants import check_each, check_references, check_together
from sealauthz.facts.store.known import Known, KnownRows
from sealauthz.facts.store.locking import lock_revisions, lock_roots
from sealauthz.facts.store.performed import Statement
from sealauthz.facts.store.rows import DatabaseRows, RecordRows, pairs, pairs_parameters
from sealauthz.facts.store.statements import Driver, compiled, dialect_of, insert_row
from sealauthz.facts.store.system_tables import FACT_CHANGE, FACT_CHANGE_UNIT, FACT_REQUEST
from sealauthz.facts.store.tables import Tables
from sealauthz.facts.store.values import as_json
from sealauthz.facts.store.working_out import WorkedOut, concerned_by, held_by, rows_after
from sealauthz.runtime.errors import FactConflict, InvariantBroken
from sealauthz.schema import Changes, Rows, Unit

Guard = Callable[[Any | None, Any | None], None]
"""Is shown each record before and after the write, None where it does not exist; what it raises refuses the batch."""

_NOBODY: frozenset[str] = frozenset()

NOTIFY = f"SELECT CASE WHEN %(said)s::text <> '' THEN pg_notify('{CHANNEL}', %(said)s::text) END"
"""Says which revision there is, for those who know it already; the commit sends it."""


@cache
def _take_statement(is_postgresql: bool) -> str:
    """Return the statement that takes the key of a request, and tells whether it was free."""
    taking = (
        dialect_of(is_postgresql).insert(FACT_REQUEST).on_conflict_do_nothing().returning(FACT_REQUEST.c.request_id)
    )
    return compiled(taking, is_postgresql)


@cache
def _keep_units(is_postgresql: bool) -> str:
    """Return the statement that keeps the units that a revision touched."""
    row, revision = FACT_CHANGE_UNIT.c, bindparam("revision", type_=BigInteger)
    touched = select(revision, *pairs(is_postgresql))
    return compiled(insert(FACT_CHANGE_UNIT).from_select([row.revision, row.kind, row.id], touched), is_postgresql)


@cache
def _answer_request(is_postgresql: bool) -> str:
    key = FACT_REQUEST.c
    is_ours = (key.caller == bindparam("of_caller")) & (key.request_id == bindparam("of_request"))
    return compiled(update(FACT_REQUEST).where(is_ours), is_postgresql, ("revision", "at"))


class Write:
    """One attempt to apply a batch. `is_careful`: row by row, so that the row that breaks a constraint is known."""

    def __init__(
        self,
        connection: Connection,
        tables: Tables,
        identity: Identity,
        wanted: Wanted,
        clock: Callable[[], int],
        tenants: frozenset[str] | None,
        guard: Guard | None,
        is_careful: bool,
        part: Part | None = None,
        intended: Intended | None = None,
    ) -> None:
        self._intended = intended
        self._connection = connection
        self._tables = tables
        self._model = tables.model
        self._identity = identity
        self._wanted = wanted
        self._clock = clock
        self._now = now = clock()
        self._tenants = tenants
        self._guard = guard
        self._driver = Driver(connection)
        self._is_postgresql = self._driver.is_postgresql
        self._known = Known(tables.model, {} if intended is None or is_careful else intended.known)
        self._is_careful, self._is_part = is_careful, part is not None
        self.rows = self._applying()
        self._worked_out = WorkedOut(tables.model, wanted)
        self._importing = None if part is None else Importing(connection, tables, wanted.batch.caller, part, now)
        self._new: Collection[tuple[str, str]] = ()
        self.is_revision = False
        self.tries_what_is_refused = True
        self.units: frozenset[Unit] = frozenset()
        self.locked: set[Unit] = set()
        self.images: Sequence[Mapping[str, Any]] = ()
        self._activity: Sequence[Found] = ()
        self.before: tuple[Any, ...] = (None, None, None)
        self.since: Since | None = None

    def run(self) -> WriteReceipt:
        """Apply the batch. Raises InvariantBroken, FactConflict, CallerNotPermitted, and what the guard raises.

        Nothing may then be committed.
        """
        earlier, homes = self._take_request()
        if earlier is not None:
            return earlier
        changes = self.work_out(homes)
        return self._without_revision() if changes is None else self._commit_as_revision(changes)

    def work_out(self, homes: Collection[Unit]) -> Changes | None:
        """Return what is to be changed once all roots are locked; None where that makes no revision.

        `homes` are those of all that the batch is about. Raises as `run` does.
        """
        importing = self._importing
        before = self._rows_below()
        puts = self._worked_out.puts(before)
        overlay = RecordRows(puts.values(), before)
        changes = self._worked_out.changes(puts, before)
        check = self._worked_out.check_rights if self._intended is None else self._worked_out.check_act_rights
        check(self._tenants, puts, before, overlay)
        if importing is not None:
            importing.check_homes(homes)
        elif not self._worked_out.is_urgent(puts, changes):
            # A unit that a decision has read was not being imported; and to mark it is to touch it.
            check_unmarked(self._connection, self._tables, [home for home in homes if home not in self._known])
        if self._guard is not None:
            for change in changes:
                self._guard(change.before, change.after)
        changes = with_erased(self._model, changes)  # after the guard: who erases needs no right to what was added
        check_preconditions(self._wanted, before.below)
        if self._intended is not None:
            check_deletes_present(self._wanted, before)  # the act was decided on that
        check_updates_present(self._wanted, puts.keys())
        check_left_out(self._model, self._wanted, changes)
        makes_revision = self._intended is not None and self._intended.makes_revision
        if not changes and not makes_revision and (importing is None or not importing.locks_or_unlocks):
            return None
        if importing is not None:
            after_homes = self._model.units.homes_of([change.after for change in changes], overlay)
            importing.mark_shared(after_homes.values())
        check_each(self._model, changes)
        if importing is None and self._intended is None:
            check_counters(self._model, self._wanted, changes)
        check_references([change.after for change in changes if change.after is not None], overlay)
        has_moves = any(map(moves, changes))
        # Rows that only come, or that name what they did, lead wherever they led: what held a record still does.
        self.units = frozenset(held_by(self._model, changes, before, is_before=True) if has_moves else ())
        tells_anew = any(
            change.before is None and change.record_type in self._model.units.telling for change in changes
        )
        concerned_before = (
            concerned_by(self._model, changes, before, is_before=True) if has_moves or tells_anew else None
        )
        if importing is None:
            after = rows_after(changes, before)
            refusal = self._refusal(changes, after)
            if refusal is not None:
                if self.tries_what_is_refused:
                    self.rows.try_all(changes)  # what the database refuses is told first
                raise refusal
        else:
            if not self.rows.is_careful:
                # Nobody sees these rows yet; if others write meanwhile, they get another revision under the lock.
                self.rows = self._applying(expected=self._look().revision + 1)
            self.rows.write(changes)
            after = rows_after(changes, before)
            importing.check(changes, after)
            importing.lock_subjects(changes, before, after)
            self.units |= importing.advance()
        self.units |= held_by(self._model, changes, after, is_before=False)
        if self._intended is not None:
            self.units |= self._intended.touches
        concerned_after = concerned_by(self._model, changes, after, is_before=False)
        told = concerned_after if concerned_before is None else concerned_before
        self.images = [
            image_of(change, told.get(key, _NOBODY), concerned_after.get(key, _NOBODY))
            for change in changes
            for key in ((change.record_type, change.id),)
        ]
        # What an import brings in has happened elsewhere, and long ago.
        if importing is None:
            self._activity = activity_of(self._model, changes, after)
        return changes

    def _without_revision(self) -> WriteReceipt:
        """Answer where nothing changes."""
        if self._intended is not None:
            return self._finish(self._kept(self._intended))
        importing = self._importing
        if importing is not None:
            importing.advance()
        revision, at, timeline = self._newest()
        # A part says when it came, so that an import is not taken for one that stands still.
        return self._finish(WriteReceipt(revision, at if importing is None else max(at, self._now), timeline=timeline))

    def _applying(self, expected: int = 0) -> Applying:
        return Applying(
            self._connection,
            self._tables,
            is_careful=self._is_careful,
            in_two_steps=not self._is_part,
            expected=expected,
        )

    def _rows_below(self) -> KnownRows:
        """Return the rows as they are now."""
        below = DatabaseRows(self._connection, self._tables)
        # An id that others took meanwhile is refused by the database; then everything is read.
        return KnownRows(self._known, below, self._new)

    def _refusal(self, changes: Changes, after: Rows) -> InvariantBroken | None:
        """Return what several records together break; None where they keep all rules."""
        try:
            check_together(self._model, changes, after)
        except InvariantBroken as error:
            return error
        return None

    def _take_request(self) -> tuple[WriteReceipt | None, set[Unit]]:
        """Take the request's key, waiting for its holder, and then the locks.

        Return the receipt if the request was answered before, and the homes of all that the batch is about.
        """
        batch = self._wanted.batch
        statement, values = _take_statement(self._is_postgresql), self.key_row
        homes: set[Unit] = set()
        if self._importing is None:
            homes = self.homes()
            with self._driver.together():
                taken = self._driver.run(statement, values)
                self._lock(homes)
            is_taken = bool(taken.fetchall())
        else:
            is_taken = bool(self._driver.rows(statement, values))
            if is_taken:
                self._importing.take()
                homes = self.homes()
                self._lock(homes | {Unit(self._tenant_kind, id_) for id_ in self._importing.locked})
        if is_taken:
            return None, homes
        of_key = (FACT_REQUEST.c.caller == batch.caller) & (FACT_REQUEST.c.request_id == batch.request_id)
        row = self._connection.execute(select(FACT_REQUEST).where(of_key)).one()
        if row.digest != self._wanted.digest:
            raise FactConflict("REQUEST_ID", "the `request_id` was used before, for another content")
        return WriteReceipt(row.revision, row.at, is_replay=True, timeline=self._newest()[2]), homes

    @property
    def _tenant_kind(self) -> str:
        return self._model.units.roots[self._model.tenant]

    @property
    def key_row(self) -> dict[str, Any]:
        """The row that takes the request's key."""
        key = {"caller": self._wanted.batch.caller, "request_id": self._wanted.batch.request_id}
        return {**key, "digest": self._wanted.digest, "revision": 0, "at": 0}

    def homes(self) -> set[Unit]:
        """Return the homes of all that the batch is about, and of those whose place in a unit it decides."""
        # Read without locks, which is safe: what leads a record to its home never changes.
        homes = self._worked_out.homes(self._rows_below())
        self._new = {key for key in self._wanted.puts if homes.get(key) in self._known}
        return set(homes.values())

    def _lock(self, units: Collection[Unit]) -> None:
        """Lock the roots of units, and remember which."""
        self.locked.update(units)
        lock_roots(self._driver, self._tables, units)

    def _newest(self) -> tuple[int, int, str]:
        """Return the newest revision and its instant, zeros before the first, and the history that they belong to.

        Raises FactsUnavailable where nothing may be written.
        """
        seen = self._look()
        return seen.revision, seen.mark[0] or 0, seen.timeline

    def _look(self) -> Seen:
        return self._seen(look(self._connection, self._identity))

    def _seen(self, tell: Callable[[], Seen]) -> Seen:
        seen = tell()
        self.before = seen.mark
        return seen

    def _kept(self, intended: Intended) -> WriteReceipt:
        """Keep what an act that changes nothing was answered with, at the newest revision."""
        newest = self._newest_under_lock()
        receipt = WriteReceipt(newest.revision, max(self._now, newest.mark[0] or 0), timeline=newest.timeline)
        for statement, parameters in intended.keep(self._is_postgresql, receipt):
            self._driver.run(statement, parameters)
        return receipt

    def _newest_under_lock(self, changes: Changes | None = None) -> Seen:
        """Take the lock of revisions, in one round trip with the rows that come before; what was decided must stand."""
        asked = None
        if changes is not None and self.rows.is_careful:
            self.rows.write(changes)  # which has to know of each row how that went
        with self._driver.together():
            if changes is not None and not self.rows.is_careful:
                self.rows.write(changes)
            lock_revisions(self._connection)
            # A statement of its own: in one with the lock, the transaction would precede the wait.
            looking = look(self._connection, self._identity)
            if self._intended is not None:
                asked = self._intended.basis.ask(self._driver)
        self.rows.check_deleted()
        newest = self._seen(looking)
        if self._intended is not None and asked is not None:
            self.since = asked()
            self._intended.basis.check(self.since, newest, self._clock())
        return newest

    def _commit_as_revision(self, changes: Changes) -> WriteReceipt:
        """Take the next revision, stamp it on everything, and commit. INVARIANT: nothing is locked after this."""
        text = self.text
        newest = self._newest_under_lock(changes if self._importing is None else None)
        receipt = self.receipt_after(newest)
        self.is_revision = True
        # Nothing of what follows is waited for until all of it is sent.
        with self._driver.together():
            kept = () if self._intended is None else self._intended.keep(self._is_postgresql, receipt)
            self._write_revision(receipt, text, kept)
            end(self._connection)
        return receipt

    def receipt_after(self, newest: Seen) -> WriteReceipt:
        """Return the receipt of what comes next after a revision."""
        return WriteReceipt(newest.revision + 1, max(self._now, newest.mark[0] or 0), timeline=newest.timeline)

    @cached_property
    def changed(self) -> Sequence[Changed]:
        """What was changed, as its images tell it."""
        return tuple(map(changed_of, self.images))

    @property
    def text(self) -> str:
        """What was changed, as it is kept."""
        return as_json(self.images)

    def history(self, receipt: WriteReceipt, text: str) -> list[Statement]:
        """Return what keeps what changed (`text`), and what it tells those who monitor."""
        batch = self._wanted.batch
        row = {"revision": receipt.revision, "at": receipt.at, "caller": batch.caller, "request_id": batch.request_id}
        change = insert_row(FACT_CHANGE, (*row, "changes"), self._is_postgresql)
        return [(change, {**row, "changes": text}), *activity_kept(self._is_postgresql, receipt, self._activity)]

    def _write_revision(self, receipt: WriteReceipt, text: str, kept: Sequence[Statement]) -> None:
        """Stamp the revision on everything, keep what changed (`text`) and what an act keeps, and answer."""
        units = {"revision": receipt.revision, **pairs_parameters(sorted(self.units), self._is_postgresql)}
        stamps = self.rows.stamps(receipt.revision)
        change, *told = self.history(receipt, text)
        others = [change, (_keep_units(self._is_postgresql), units), *kept, *told, self._answered(receipt)]
        if self._is_postgresql:
            said = announced(receipt.timeline, receipt.revision)
            first = [(statement, parameters) for statement, parameters, _ in stamps]
            met = {number: count for number, (_, _, count) in enumerate(stamps)}
            self._driver.run_as_one([*first, *others], (NOTIFY, {"said": said}), met)
            return
        for statement, parameters, count in stamps:
            self._driver.run_counted(statement, parameters, count)
        for other, values in others:
            self._driver.run(other, values)

    def _finish(self, receipt: WriteReceipt) -> WriteReceipt:
        """Remember the answer to the request."""
        self._driver.run(*self._answered(receipt))
        return receipt

    def _answered(self, receipt: WriteReceipt) -> tuple[str, dict[str, Any]]:
        batch = self._wanted.batch
        parameters = {"of_caller": batch.caller, "of_request": batch.request_id}
        return _answer_request(self._is_postgresql), {**parameters, "revision": receipt.revision, "at": receipt.at}
