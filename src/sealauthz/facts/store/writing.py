"""One write transaction, from the batch to its revision.

The order matters. The request's key is taken first, so that the same request waits for itself. Then the roots of the
units concerned are locked in one fixed order, and everything that decides is read after that. The revision comes last,
under one lock for all writers, and nothing is locked after it: revision order is commit order, and a follower sees no
gap.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from sealauthz.errors import CallerNotPermitted, FactConflict, FactsUnavailable, InvariantBroken
from sealauthz.facts.store.acting import Intended
from sealauthz.facts.store.batch import Precondition, PreconditionKind, Wanted, WriteReceipt
from sealauthz.facts.store.database import CHANNEL, driver, look
from sealauthz.facts.store.identity import Identity, Seen
from sealauthz.facts.store.importing import Importing, Part, check_unmarked
from sealauthz.facts.store.invariants import check_each, check_references, check_together
from sealauthz.facts.store.rows import DatabaseRows, RecordRows, among, ids_parameter
from sealauthz.facts.store.tables import FACT_CHANGE, FACT_CHANGE_UNIT, FACT_REQUEST, Tables, refusal_of
from sealauthz.schema import Change, Changes, Unit, shape_of, values_of
from sealauthz.schema.changes import broken, in_backticks
from sealauthz.schema.rules import Rising, Urgent

Guard = Callable[[Any | None, Any | None], None]
"""Is shown each record before and after the write, None where it does not exist; what it raises refuses the batch."""

_NOBODY: frozenset[str] = frozenset()

_NOTIFY = text(f"NOTIFY {CHANNEL}")

_REVISION_LOCK = 0x5EA1_A072
"""The key of PostgreSQL's advisory lock under which revisions are given out."""


def lock_revisions(connection: Connection) -> None:
    """Take the lock under which revisions are given out, until the end of the transaction. SQLite has one writer."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_REVISION_LOCK)))


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
        self._is_careful = is_careful
        self._is_postgresql = connection.dialect.name == "postgresql"
        self._puts: Mapping[tuple[str, str], Any] = wanted.puts
        self._preconditions = [precondition.key for precondition in wanted.batch.preconditions]
        self._importing = None if part is None else Importing(connection, tables, wanted.batch.caller, part, now)
        self.is_revision = False
        self.units: frozenset[Unit] = frozenset()
        self.images: Sequence[Mapping[str, Any]] = ()
        self.before: tuple[Any, ...] = (None, None, None)

    def run(self) -> WriteReceipt:
        """Apply the batch. Raises InvariantBroken, FactConflict, CallerNotPermitted, and what the guard raises.

        Nothing may then be committed.
        """
        earlier = self._take_request()
        if earlier is not None:
            return earlier
        importing = self._importing
        if importing is not None:
            importing.take()
        homes = self._lock()
        before = DatabaseRows(self._connection, self._tables)
        self._puts = self._resolved(before)
        overlay = RecordRows(self._puts.values(), before)
        changes = self._changes(before)
        self._check_rights(before, overlay)
        if importing is not None:
            importing.check_homes(homes)
        elif not self._is_urgent(changes):
            check_unmarked(self._connection, self._tables, homes)
        if self._guard is not None:
            for change in changes:
                self._guard(change.before, change.after)
        self._check_preconditions(before)
        self._check_present()
        self._check_left_out(changes)
        if not changes and self._intended is not None and not self._intended.makes_revision:
            return self._finish(self._kept(self._intended))
        if not changes and self._intended is None and (importing is None or not importing.locks_or_unlocks):
            if importing is not None:
                importing.advance()
            revision, at, timeline = self._newest()
            # A part says when it came, so that an import is not taken for one that stands still.
            return self._finish(
                WriteReceipt(revision, at if importing is None else max(at, self._now), timeline=timeline)
            )
        if importing is not None:
            after_homes = self._model.units.homes_of([change.after for change in changes], overlay)
            importing.mark_shared(after_homes.values())
        check_each(self._model, changes)
        if importing is None and self._intended is None:
            self._check_counters(changes)
        check_references([change.after for change in changes if change.after is not None], overlay)
        units = self._units(changes, before, is_before=True)
        concerned_before = self._concerned(changes, before, is_before=True)
        self._apply(changes)
        after = DatabaseRows(self._connection, self._tables)
        if importing is None:
            check_together(self._model, changes, after)
        else:
            importing.check(changes, after)
            importing.lock_subjects(changes, before, after)
            units |= importing.advance()
        units |= self._units(changes, after, is_before=False)
        concerned_after = self._concerned(changes, after, is_before=False)
        images = [
            _image(change, concerned_before.get(key, _NOBODY), concerned_after.get(key, _NOBODY))
            for change in changes
            for key in ((change.record_type, change.id),)
        ]
        return self._commit_as_revision(changes, images, units)

    def _take_request(self) -> WriteReceipt | None:
        """Take the request's key, waiting for its holder; return the receipt if it was answered before."""
        batch = self._wanted.batch
        dialect = postgresql if self._is_postgresql else sqlite
        values = {"caller": batch.caller, "request_id": batch.request_id, "digest": self._wanted.digest}
        taken = self._connection.execute(
            dialect.insert(FACT_REQUEST)
            .values(**values, revision=0, at=0)
            .on_conflict_do_nothing()
            .returning(FACT_REQUEST.c.request_id)
        ).all()
        if taken:
            return None
        key = (FACT_REQUEST.c.caller == batch.caller) & (FACT_REQUEST.c.request_id == batch.request_id)
        row = self._connection.execute(select(FACT_REQUEST).where(key)).one()
        if row.digest != self._wanted.digest:
            raise FactConflict("REQUEST_ID", "the `request_id` was used before, for another content")
        return WriteReceipt(row.revision, row.at, is_replay=True, timeline=self._newest()[2])

    def _lock(self) -> set[Unit]:
        """Lock the home roots of all that the batch is about, and those whose place in a unit it decides.

        Return the homes.
        """
        # Read without locks, which is safe: what leads a record to its home never changes.
        unlocked = DatabaseRows(self._connection, self._tables)
        puts = self._resolved(unlocked)
        overlay = RecordRows(puts.values(), unlocked)
        about: list[Any] = list(puts.values())
        for record_type, ids in _by_type([*self._preconditions, *self._wanted.deletes]).items():
            about += unlocked.get(record_type, ids).values()
        roots: dict[str, set[str]] = defaultdict(set)
        related: dict[str, set[str]] = defaultdict(set)
        for record in about:
            cls: type = type(record)
            for column in self._model.units.locked_keys(cls.__name__):
                related_id = getattr(record, column)
                if related_id is not None:
                    related[shape_of(cls).column(column).ref or ""].add(related_id)
        for record_type, ids in related.items():
            about += overlay.get(record_type, ids).values()
        homes = set(self._model.units.homes_of(about, overlay).values())
        for unit in homes:
            roots[unit.kind].add(unit.id)
        if self._importing is not None:
            roots[self._model.units.roots[self._model.tenant]] |= self._importing.locked
        if not self._is_postgresql:
            return homes  # BEGIN IMMEDIATE lets one writer in at a time.
        for root_type, kind in self._model.units.roots.items():
            if roots[kind]:
                table = self._tables.of(root_type)
                # NO KEY: rows that only refer to a root may still be inserted by others.
                statement = (
                    select(table.c.id)
                    .where(among(table.c.id, "ids", True))
                    .order_by(table.c.id)
                    .with_for_update(key_share=True)
                )
                self._connection.execute(statement, {"ids": ids_parameter(roots[kind], True)}).all()
        return homes

    def _resolved(self, rows: DatabaseRows) -> dict[tuple[str, str], Any]:
        """Return the records as they are to be stored: those that are put, and those that exist and are updated."""
        puts = dict(self._wanted.puts)
        for record_type, ids in _by_type(self._wanted.updates).items():
            for record_id, record in rows.get(record_type, ids).items():
                key = (record_type, record_id)
                puts[key] = replace(record, **self._wanted.updates[key])
        return puts

    def _is_urgent(self, changes: Changes) -> bool:
        """Tell whether all that is wanted are new records that wait for no import."""

        def is_covered(record: Any) -> bool:
            return any(rule.covers(record) for rule in self._model.shapes[type(record).__name__].rules_of(Urgent))

        is_new = all(change.before is None for change in changes)
        return is_new and not self._wanted.deletes and all(is_covered(record) for record in self._puts.values())

    def _check_present(self) -> None:
        """Check that what is to be updated exists."""
        for key in self._wanted.updates:
            if key not in self._puts:
                said = f"`{key[0]}:{key[1]}` does not exist and cannot be updated: a new record is put as a whole"
                raise InvariantBroken("PRECONDITION", said)

    def _check_left_out(self, changes: Changes) -> None:
        """Check that a put wipes nothing that it does not name."""
        for change in changes:
            left_out = self._wanted.left_out.get((change.record_type, change.id))
            if left_out and change.before is not None:
                shape = self._model.shapes[change.record_type]
                wiped = [
                    column.name
                    for column in shape.columns
                    if column.name in left_out and getattr(change.before, column.name) != column.default
                ]
                if wiped:
                    said = "that the put leaves out: name it with its value, or change single fields with `update`"
                    broken("LEFT_OUT", f"{change} holds a value in {in_backticks(wiped)} {said}")

    def _check_counters(self, changes: Changes) -> None:
        """Check that a change of a counter names the revision it was read at, so that no count is lost."""
        read = {p.key for p in self._wanted.batch.preconditions if p.kind is PreconditionKind.AT_REVISION}
        for change in changes:
            if change.before is None or change.after is None or (change.record_type, change.id) in read:
                continue
            shape = self._model.shapes[change.record_type]
            for counter in shape.rules_of(Rising):
                if shape.column(counter.column).is_instant:
                    continue
                if getattr(change.after, counter.column) != getattr(change.before, counter.column):
                    said = "needs the precondition `at_revision` with the revision that it was read at"
                    why = "or a count of another writer would be lost"
                    broken("PRECONDITION", f"{change} changes the counter `{counter.column}`, which {said}, {why}")

    def _check_preconditions(self, rows: DatabaseRows) -> None:
        """Check what must hold before the batch is applied."""
        ids = _by_type(self._preconditions)
        found = {record_type: rows.stored(record_type, some) for record_type, some in ids.items()}
        for precondition in self._wanted.batch.preconditions:
            stored = found[precondition.record_type].get(precondition.id)
            self._check_precondition(precondition, None if stored is None else stored.revision)

    def _check_precondition(self, precondition: Precondition, revision: int | None) -> None:
        """Check one precondition against the revision of its record; None if there is no such record."""
        name = f"`{precondition.record_type}:{precondition.id}`"
        if precondition.kind is PreconditionKind.ABSENT:
            if revision is not None:
                raise FactConflict("PRECONDITION", f"{name} exists")
        elif revision is None:
            raise InvariantBroken("PRECONDITION", f"{name} does not exist")
        elif precondition.kind is PreconditionKind.AT_REVISION and revision != precondition.revision:
            said = f"{name} is at revision {revision}, not at {precondition.revision}"
            raise InvariantBroken("PRECONDITION", said)

    def _changes(self, before: DatabaseRows) -> Changes:
        """Compare what is wanted with what is there; what is equal is no change."""
        changes = []
        for record_type, some in _by_type(self._wanted.keys).items():
            found = before.get(record_type, some)
            for record_id in sorted(some):
                old, new = found.get(record_id), self._puts.get((record_type, record_id))
                if old != new:
                    changes.append(Change(record_type, record_id, old, new))
        return Changes(changes)

    def _check_rights(self, before: DatabaseRows, overlay: RecordRows) -> None:
        """Check that the caller may write into the tenants concerned, as they were and as they will be."""
        if self._tenants is None:
            return
        ids = _by_type([*self._wanted.keys, *self._preconditions])
        old = [record for record_type, some in ids.items() for record in before.get(record_type, some).values()]
        new = list(self._puts.values())
        # A new record of an old contract needs the right on the contract as it was: nobody lets themselves in.
        for records, rows in ((old, before), (new, overlay), (new, before)):
            for concerned in self._model.units.tenants_of(records, rows).values():
                if concerned and not concerned & self._tenants:
                    tenant = self._model.tenant.lower()
                    raise CallerNotPermitted(f"the caller may not write facts of this {tenant}")

    def _units(self, changes: Changes, rows: DatabaseRows, is_before: bool) -> set[Unit]:
        """Return the units that hold a changed record."""
        sides = (change.before if is_before else change.after for change in changes)
        held = self._model.units.units_of([record for record in sides if record is not None], rows)
        return {unit for units in held.values() for unit in units}

    def _concerned(
        self, changes: Changes, rows: DatabaseRows, is_before: bool
    ) -> Mapping[tuple[str, str], frozenset[str]]:
        """Return the tenants that each changed record concerns."""
        sides = (change.before if is_before else change.after for change in changes)
        return self._model.units.tenants_of([record for record in sides if record is not None], rows)

    def _apply(self, changes: Changes) -> None:
        """Write the rows. Their revision follows when it is known."""
        puts = sorted(
            (change for change in changes if change.after is not None),
            # Updates first: they may free what a new row takes.
            key=lambda change: (self._tables.dependency_order[change.record_type], change.before is None, change.id),
        )
        deletes = sorted(
            (change for change in changes if change.after is None),
            key=lambda change: (-self._tables.dependency_order[change.record_type], change.id),
        )
        if self._is_careful:
            self._apply_each([*puts, *deletes])
            return
        groups: dict[tuple[str, bool, bool], list[Change]] = defaultdict(list)
        for change in (*puts, *deletes):
            groups[change.record_type, change.before is None, change.after is None].append(change)
        for group in groups.values():
            self._execute(group)

    def _apply_each(self, pending: list[Change]) -> None:
        """Write row by row. A row that another row of the batch must make room for waits until that one is written."""
        while pending:
            waiting: list[Change] = []
            refusals: list[tuple[Change, IntegrityError]] = []
            for change in pending:
                savepoint = self._connection.exec_driver_sql
                savepoint("SAVEPOINT one_row")
                try:
                    self._execute([change])
                except IntegrityError as error:
                    savepoint("ROLLBACK TO SAVEPOINT one_row")
                    waiting.append(change)
                    refusals.append((change, error))
                savepoint("RELEASE SAVEPOINT one_row")
            if len(waiting) == len(pending):
                refused, cause = refusals[0]
                # The id of a new record may have come to exist since we looked.
                rows = DatabaseRows(self._connection, self._tables)
                is_taken = refused.before is None and bool(rows.get(refused.record_type, [refused.id]))
                raise refusal_of(cause, self._tables, str(refused), is_taken) from cause
            pending = waiting

    def _execute(self, group: list[Change]) -> None:
        """Run one statement for changes of one type and kind."""
        first = group[0]
        table = self._tables.of(first.record_type)
        if first.after is None:
            statement = table.delete().where(among(table.c.id, "ids", self._is_postgresql))
            ids = ids_parameter([change.id for change in group], self._is_postgresql)
            self._connection.execute(statement, {"ids": ids})
            return
        columns = [column.name for column in self._model.shapes[first.record_type].columns]
        rows = [dict(zip(columns, values_of(change.after), strict=True)) for change in group]
        if (table.name, "") in self._tables.absent:
            said = f"the database has no `{first.record_type}` yet"
            raise FactsUnavailable(f"{said}: run `sealauthz db upgrade`, and then write it again")
        for name in columns:
            if (table.name, name) in self._tables.absent:
                self._leave_out(first.record_type, name, rows)
        if first.before is None:
            self._connection.execute(insert(table), [{**row, "revision": 0} for row in rows])
            return
        update_one = update(table).where(table.c.id == bindparam("at_id"))
        self._connection.execute(update_one, [{"at_id": row.pop("id"), **row} for row in rows])

    def _leave_out(self, record_type: str, name: str, rows: list[dict[str, Any]]) -> None:
        """Leave out a column that the database does not have yet. Raises FactsUnavailable where that loses a value."""
        default = self._model.shapes[record_type].column(name).default
        if any(row.pop(name) != default for row in rows):
            said = f"the database has no `{name}` of `{record_type}` yet"
            raise FactsUnavailable(f"{said}: run `sealauthz db upgrade`, and then write it again")

    def _newest(self) -> tuple[int, int, str]:
        """Return the newest revision and its instant, zeros before the first, and the history that they belong to.

        Raises FactsUnavailable where nothing may be written.
        """
        seen = self._look()
        return seen.revision, seen.mark[0] or 0, seen.timeline

    def _look(self) -> Seen:
        seen = look(self._connection, self._identity)
        self.before = seen.mark
        return seen

    def _kept(self, intended: Intended) -> WriteReceipt:
        """Keep what an act that changes nothing was answered with, at the newest revision."""
        lock_revisions(self._connection)
        newest = self._look()
        intended.basis.check(self._connection, newest, self._clock())
        receipt = WriteReceipt(newest.revision, max(self._now, newest.mark[0] or 0), timeline=newest.timeline)
        intended.keep(self._connection, receipt)
        return receipt

    def _commit_as_revision(
        self, changes: Changes, images: Sequence[Mapping[str, Any]], units: Collection[Unit]
    ) -> WriteReceipt:
        """Take the next revision and stamp it on everything. INVARIANT: nothing is locked after this."""
        lock_revisions(self._connection)
        # A statement of its own: in one with the lock, the transaction would precede the wait.
        newest = self._look()
        if self._intended is not None:
            self._intended.basis.check(self._connection, newest, self._clock())
        receipt = WriteReceipt(newest.revision + 1, max(self._now, newest.mark[0] or 0), timeline=newest.timeline)
        self.is_revision = True
        self.units = frozenset(units)
        self.images = images
        # Nothing of what follows is waited for until all of it is sent.
        with driver(self._connection).pipeline() if self._is_postgresql else nullcontext():
            self._write_revision(changes, receipt)
        return receipt

    def _write_revision(self, changes: Changes, receipt: WriteReceipt) -> None:
        """Stamp the revision on everything, and keep what it changed."""
        written = ((change.record_type, change.id) for change in changes if change.after is not None)
        for record_type, ids in _by_type(written).items():
            table = self._tables.of(record_type)
            stamp = update(table).where(among(table.c.id, "ids", self._is_postgresql)).values(revision=receipt.revision)
            self._connection.execute(stamp, {"ids": ids_parameter(ids, self._is_postgresql)})
        batch = self._wanted.batch
        self._connection.execute(
            insert(FACT_CHANGE).values(
                revision=receipt.revision,
                at=receipt.at,
                caller=batch.caller,
                request_id=batch.request_id,
                changes=json.dumps(self.images, ensure_ascii=False),
            )
        )
        if self.units:
            self._connection.execute(
                insert(FACT_CHANGE_UNIT),
                [{"revision": receipt.revision, "kind": str(unit.kind), "id": unit.id} for unit in sorted(self.units)],
            )
        if self._intended is not None:
            self._intended.keep(self._connection, receipt)
        if self._is_postgresql:
            # Sent by the commit. What is said is only that there is something to look for.
            self._connection.execute(_NOTIFY)
        self._finish(receipt)

    def _finish(self, receipt: WriteReceipt) -> WriteReceipt:
        """Remember the answer to the request."""
        batch = self._wanted.batch
        key = (FACT_REQUEST.c.caller == batch.caller) & (FACT_REQUEST.c.request_id == batch.request_id)
        self._connection.execute(update(FACT_REQUEST).where(key).values(revision=receipt.revision, at=receipt.at))
        return receipt


def _by_type(keys: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """Return the ids of records, by type."""
    ids: dict[str, set[str]] = defaultdict(set)
    for record_type, record_id in keys:
        ids[record_type].add(record_id)
    return ids


def _image(change: Change, concerned_before: frozenset[str], concerned_after: frozenset[str]) -> dict[str, Any]:
    """Return a change with what the record said before and after, without personal text, and whom it concerned."""
    return {
        "type": change.record_type,
        "id": change.id,
        "before": _public(change.before),
        "after": _public(change.after),
        "enterprises_before": sorted(concerned_before),
        "enterprises_after": sorted(concerned_after),
    }


def _public(record: Any) -> dict[str, Any] | None:
    """Return a record's columns, except the personal ones."""
    if record is None:
        return None
    cls: type = type(record)
    return {name: getattr(record, name) for name in _public_columns(cls)}


@cache
def _public_columns(cls: type) -> tuple[str, ...]:
    return tuple(column.name for column in shape_of(cls).columns if not column.is_personal)
