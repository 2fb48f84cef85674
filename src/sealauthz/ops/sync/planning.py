"""What a sync would change: rows made into records, compared with what is stored.

Nothing is taken away on the word of a source that is empty, cannot be read whole, or lacks more than was declared.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sealauthz.facts import Delete, Precondition, PreconditionKind, Put, ReadTransaction, Store, Stored, Update
from sealauthz.facts.store.reading import Query, read_page
from sealauthz.facts.store.rows import DatabaseRows
from sealauthz.facts.store.values import checked, checked_values
from sealauthz.ops.sync.conversion import ValueRefused
from sealauthz.ops.sync.cursors import Cursor, is_before, moved, not_ahead, reached, read_cursor, said_cursor
from sealauthz.ops.sync.mapping import RecordMapping, SyncMapping
from sealauthz.ops.sync.sources import Source
from sealauthz.ops.sync.state import SyncState
from sealauthz.runtime.errors import InvalidRequest, InvariantBroken
from sealauthz.schema import Model

INVARIANT = "SYNC"
_LOOKED_UP = 1_000
_FEW = 10
"""So many rows may be rejected whatever their share is."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that is not written, and why. It repeats no value of a person."""

    place: str
    record_type: str
    record_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Planned:
    """One change, the condition on which it is made, and the place of its row; empty where the row is gone."""

    change: Put | Update | Delete
    condition: Precondition
    place: str

    @property
    def key(self) -> tuple[str, str]:
        """The type and the id of the record."""
        return self.condition.key


@dataclass(slots=True)
class Counts:
    """Of one record type."""

    rows: int = 0
    new: int = 0
    changed: int = 0
    gone: int = 0
    same: int = 0
    rejected: int = 0
    is_full: bool = True

    def with_(self, other: Counts | None) -> Counts:
        """Return what was counted here and elsewhere."""
        if other is None:
            return self
        names = ("rows", "new", "changed", "gone", "same", "rejected")
        sums = {name: getattr(self, name) + getattr(other, name) for name in names}
        return Counts(**sums, is_full=self.is_full and other.is_full)


@dataclass(slots=True)
class SyncPlan:
    """All that a sync would do, and up to where its rows go; planned at a revision of a history of the store."""

    changes: list[Planned] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    counts: dict[str, Counts] = field(default_factory=dict)
    cursors: dict[str, Cursor | None] = field(default_factory=dict)
    """None where rows are read from the start."""
    notes: list[str] = field(default_factory=list)
    timeline: str = ""
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Options:
    """`is_full`: every row, whatever was read before. `may_be_empty`: a source without rows is believed."""

    is_full: bool = False
    may_be_empty: bool = False


def key_of(record: RecordMapping) -> str:
    """Return under which name the state keeps the cursor: another mapping of the type begins from the start."""
    said = record.said.model_dump_json(exclude={"overlap", "max_step"})
    return f"{record.said.type}-{hashlib.sha256(said.encode()).hexdigest()[:12]}"


def plan(mapping: SyncMapping, source: Source, store: Store, state: SyncState, options: Options) -> SyncPlan:
    """Read the source and compare it. Raises InvariantBroken `SYNC` for what must not be done, FactsUnavailable."""
    found = SyncPlan()
    with store.read_transaction(may_be_incomplete=True) as transaction:
        if mapping.said.first_migration:
            _check_migration(mapping, transaction, state)
        found.timeline, found.revision = transaction.timeline, transaction.revision
        for record in mapping.records:
            last = None
            if record.said.cursor is not None:
                last = state.cursor_of(key_of(record), store.store_id, found.timeline, found.revision)
            counts = _Planning(mapping, record, store.model, transaction, options, found).run(source, last)
            found.counts[record.said.type] = counts.with_(found.counts.get(record.said.type))
    order = store.tables.dependency_order
    kinds = (Put, Update, Delete)
    found.changes.sort(
        key=lambda planned: (
            isinstance(planned.change, Delete),
            order[planned.key[0]] * (-1 if isinstance(planned.change, Delete) else 1),
            kinds.index(type(planned.change)),
        )
    )
    return found


def _check_migration(mapping: SyncMapping, transaction: ReadTransaction, state: SyncState) -> None:
    """Check that records that acts own are still brought in for the first time."""
    owned = [record for record in mapping.records if record.owned or record.is_owned]
    if not owned or state.migration == "begun":
        return
    if state.migration == "done":
        said = "the first migration is over: acts own this now; take `first_migration` and these types out"
        raise InvariantBroken(INVARIANT, f"`{owned[0].said.type}` is not synced: {said}")
    for record in owned:
        if next(_stored(transaction, record), None) is not None:
            said = "there are records already, and no first migration of this state has begun"
            raise InvariantBroken(INVARIANT, f"`{record.said.type}` is not synced: {said}")


def _stored(transaction: ReadTransaction, record: RecordMapping) -> Iterator[Stored]:
    """Yield the stored records of a type within its scope."""
    token: str | None = None
    while token != "":
        page = read_page(transaction, Query(record.said.type, dict(record.scope)), _LOOKED_UP, token or "", None)
        yield from page.records
        token = page.next_page_token


class _Planning:
    """The plan for one record type."""

    def __init__(
        self,
        mapping: SyncMapping,
        record: RecordMapping,
        model: Model,
        transaction: ReadTransaction,
        options: Options,
        found: SyncPlan,
    ) -> None:
        self._mapping = mapping
        self._record = record
        self._model = model
        self._transaction = transaction
        self._options = options
        self._found = found
        self._type = record.said.type
        self._counts = Counts()
        self._seen: set[str] = set()
        self._is_readable = True
        self._most: Any = None
        self._numbers: dict[str, int] = {}
        self._behind: set[str] = set()

    def run(self, source: Source, last: Cursor | None) -> Counts:
        """Plan all rows of the mapping, and what is gone. Return what was counted of it.

        `last` is up to where the last run read, which a full one does not go by.
        """
        record, counts = self._record, self._counts
        since = None if self._options.is_full else last
        behind = None if last is None or since is not None else moved(last, -record.said.overlap)
        counts.is_full = since is None
        wanted: dict[str, tuple[str, dict[str, Any]]] = {}
        twice: set[str] = set()
        rejected = len(self._found.rejected)
        bound = moved(since, -record.said.overlap) if since is not None else None
        for place, row in source.rows(record, said_cursor(bound)):
            cursor, is_told = self._cursor_of(place, row)
            if not is_told or (bound is not None and cursor is not None and is_before(cursor, bound)):
                continue
            counts.rows += 1
            made = self._made(place, row)
            if made is None:
                continue
            record_id = made["id"]
            if isinstance(cursor, int):
                self._numbers[record_id] = max(cursor, self._numbers.get(record_id, cursor))
            if behind is not None and cursor is not None and is_before(cursor, behind):
                self._behind.add(record_id)
            if record_id in wanted and wanted[record_id][1] != made:
                twice.add(record_id)
                self._reject(place, record_id, f"says something else than {wanted[record_id][0]}")
            else:
                wanted[record_id] = (place, made)
        for record_id in twice:
            place, _ = wanted.pop(record_id)
            self._reject(place, record_id, "another row says of this record something else")
        counts.rejected = len(self._found.rejected) - rejected
        if counts.rejected > max(_FEW, self._mapping.said.max_rejected * counts.rows):
            first = self._found.rejected[rejected]
            said = f"{counts.rejected} of {counts.rows} rows of `{self._type}` are rejected, more than `max_rejected`"
            raise InvariantBroken(INVARIANT, f"{said}; the first: {first.place}: {first.reason}")
        rows = DatabaseRows(self._transaction.connection, self._transaction.tables)
        for some in _by(wanted.items(), _LOOKED_UP):
            stored = rows.stored(self._type, [record_id for record_id, _ in some])
            for record_id, (place, made) in some:
                self._compare(place, record_id, made, stored.get(record_id))
        counts.rejected = len(self._found.rejected) - rejected
        if record.said.deletes != "never" and since is None:
            self._plan_gone()
        if record.said.cursor is not None:
            self._note_cursor(since)
            self._note_passed_over()
        return counts

    def _reject(self, place: str, record_id: str, reason: str) -> None:
        self._found.rejected.append(Rejected(place, self._type, record_id, reason))

    def _cursor_of(self, place: str, row: Mapping[str, Any]) -> tuple[Any, bool]:
        """Return the cursor of a row, None where it has none, and whether that can be told."""
        name = self._record.said.cursor
        if name is None or row[name] is None or row[name] == "":
            return None, True
        cursor = read_cursor(row[name])
        if cursor is None or (self._most is not None and type(cursor) is not type(self._most)):
            self._is_readable = False
            self._counts.rows += 1
            self._reject(place, "", f"`{name}` is no cursor: a whole number or a time is")
            return None, False
        if self._most is None or is_before(self._most, cursor):
            self._most = cursor
        return cursor, True

    def _made(self, place: str, row: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the fields that a row makes; None where it is rejected."""
        rules = self._record.rules
        try:
            record_id = str(rules["id"].convert(row))
        except ValueRefused as error:
            # It may be any of the records that look as if they were gone.
            self._is_readable = False
            self._reject(place, "", f"`id`: {error}")
            return None
        self._seen.add(record_id)
        made = {"id": record_id}
        for name, rule in rules.items():
            try:
                made[name] = rule.convert(row)
            except ValueRefused as error:
                self._reject(place, record_id, f"`{name}`: {error}")
                return None
        for name, value in self._record.scope.items():
            if made.get(name, value) != value:
                self._reject(place, record_id, f"`{name}` is outside of the scope of this source")
                return None
        return made

    def _compare(self, place: str, record_id: str, made: dict[str, Any], stored: Stored | None) -> None:
        counts = self._counts
        try:
            if stored is None:
                record = checked(self._model, self._model.records[self._type](**made), "row")
                self._add(Put(record), record_id, place, PreconditionKind.ABSENT, 0)
                counts.new += 1
                return
            for name, value in self._record.scope.items():
                if getattr(stored.record, name) != value:
                    self._reject(place, record_id, f"is stored outside of the scope of this source (`{name}`)")
                    return
            differs = {name: value for name, value in made.items() if getattr(stored.record, name) != value}
            if not differs:
                counts.same += 1
                return
            owned = sorted(differs.keys() & self._record.shape.owned_by_acts)
            if owned:
                said = f"differs in `{owned[0]}`, which acts own once the record is there"
                self._reject(place, record_id, said)
                return
            values = checked_values(self._model, self._type, differs, "row")
            self._add(
                Update(self._type, record_id, values), record_id, place, PreconditionKind.AT_REVISION, stored.revision
            )
            counts.changed += 1
        except InvalidRequest as error:
            violation = error.violations[0]
            self._reject(place, record_id, f"`{violation.field.removeprefix('row.')}` {violation.description}")

    def _add(
        self, change: Put | Update | Delete, record_id: str, place: str, kind: PreconditionKind, revision: int
    ) -> None:
        self._found.changes.append(Planned(change, Precondition(self._type, record_id, kind, revision), place))

    def _plan_gone(self) -> None:
        """Plan what becomes of the records that the source no longer has. Raises InvariantBroken."""
        record, counts, said = self._record, self._counts, self._record.said
        held = list(_stored(self._transaction, record))
        gone = [stored for stored in held if stored.record.id not in self._seen]
        if said.deletes == "set":
            gone = [
                stored
                for stored in gone
                if any(getattr(stored.record, name) != value for name, value in record.gone.items())
            ]
        if not gone:
            return
        if not self._is_readable:
            why = "a row of the source has an id that cannot be read"
            self._found.notes.append(f"{len(gone)} `{self._type}` that look gone stay: {why}")
            return
        if not counts.rows and not self._options.may_be_empty:
            raise InvariantBroken(INVARIANT, f"the source has no row of `{self._type}`, and {len(held)} are stored")
        most = self._mapping.said.max_deletes
        if len(gone) > most * len(held) and not (not counts.rows and self._options.may_be_empty):
            share = f"{len(gone)} of {len(held)} `{self._type}` are gone from the source"
            raise InvariantBroken(INVARIANT, f"{share}, more than `max_deletes` ({most:g})")
        for stored in gone:
            record_id = stored.record.id
            change: Update | Delete = Delete(self._type, record_id)
            if said.deletes == "set":
                change = Update(self._type, record_id, dict(record.gone))
            self._add(change, record_id, "", PreconditionKind.AT_REVISION, stored.revision)
        counts.gone = len(gone)

    def _note_cursor(self, since: Cursor | None) -> None:
        """Note up to where rows need not be read again; nothing is passed over while one is rejected."""
        if self._counts.rejected:
            return
        said = self._record.said
        if isinstance(self._most, int):
            found: Cursor | None = reached(since, self._numbers.values(), said.max_step)
            if found != self._most and (not isinstance(since, int) or since < self._most):
                where = "before the first row" if found is None else f"at {found}"
                far = f"a few rows lie more than `max_step` ({said.max_step}) beyond it, up to {self._most}"
                self._found.notes.append(f"the cursor of `{self._type}` stays {where}: {far}")
        else:
            found = since if self._most is None else said_cursor(not_ahead(self._most))
        self._found.cursors[key_of(self._record)] = found

    def _note_passed_over(self) -> None:
        """Tell of what a full run has found and the others never would: it lies before the cursor, and differs."""
        late = sum(planned.key[0] == self._type and planned.key[1] in self._behind for planned in self._found.changes)
        if late:
            why = "what is committed later than `overlap` says, or a cursor that is not true, is read by --full only"
            self._found.notes.append(f"{late} changes of `{self._type}` lay before the cursor of the last run: {why}")


def _by(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(items)
    while some := list(itertools.islice(rest, size)):
        yield some
