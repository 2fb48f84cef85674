"""Imports: enterprises whose facts come in parts, and about which nothing is decided until the last one is there.

The mark on an enterprise is a row, written with the first part and removed with the last. Loading the enterprise's unit
looks for it in the same transaction, so that a decision meets either no fact of an import or all of them. A contract is
marked by the first part that writes into it. A person is shut by what of them is at home where there is a mark, or by a
note of the import. Nobody else writes into what is marked, which is why what holds of an enterprise as a whole can wait
until the end.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, bindparam, delete, literal_column, select, update

from sealauthz.facts.store.batch import WriteReceipt
from sealauthz.facts.store.invariants import check_part, check_whole, owners_of_details, settled_types, types_of_whole
from sealauthz.facts.store.rows import (
    DatabaseRows,
    among,
    ids_parameter,
    marks_statement,
    pairs,
    pairs_parameters,
    within,
)
from sealauthz.facts.store.statements import Driver, compiled, dialect_of
from sealauthz.facts.store.system_tables import FACT_IMPORT, FACT_IMPORT_NEW, FACT_IMPORT_UNIT, FACT_REQUEST, TEXT
from sealauthz.facts.store.tables import Tables
from sealauthz.runtime.errors import FactConflict, InvariantBroken
from sealauthz.schema import Change, Changes, Rows, Unit, Units

INVARIANT = "IMPORT"
"""What a write breaks that an import stands in the way of, or that stands in the way of an import."""

_CHECKED_AT_ONCE = 100
"""Enterprises whose records are in memory at a time when the whole is checked."""


class ImportState(StrEnum):
    """How an import stands."""

    OPEN = "OPEN"
    FINISHED = "FINISHED"
    ABANDONED = "ABANDONED"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an import, counted from 1; `ends` with it or, without any facts, `is_abandoned`.

    One that `is_release`, without any facts and with the number of the last part there is, opens the contracts only.
    """

    import_id: str
    tenants: frozenset[str]
    number: int
    is_last: bool = False
    is_abandoned: bool = False
    is_release: bool = False

    @property
    def is_counted(self) -> bool:
        """Whether this is one of the parts that bring facts, in their order."""
        return not (self.is_abandoned or self.is_release)

    @property
    def ends(self) -> bool:
        """Whether the enterprises are decided about again once this is committed."""
        return self.is_last or self.is_abandoned

    @property
    def request_id(self) -> str:
        """The request that the part is: the same part again is the same request."""
        name = hashlib.sha256(self.import_id.encode()).hexdigest()[:32]
        kind = "abandon" if self.is_abandoned else f"release-{self.number}" if self.is_release else str(self.number)
        return f"import-{name}-{kind}"

    def digest(self, content: str) -> str:
        """Digest the part with the digest of its facts."""
        whole = [content, self.import_id, sorted(self.tenants), self.number, self.is_last, self.is_abandoned]
        return hashlib.sha256(json.dumps(whole).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class PartReceipt:
    """What a part made, how many parts are committed now, and whether the import is over."""

    written: WriteReceipt
    parts: int
    is_finished: bool


@dataclass(frozen=True, slots=True)
class OpenImport:
    """An import that has not ended, with its committed parts; it began `at` an instant in microseconds, and its last
    part came at `last_at`.
    """

    caller: str
    import_id: str
    tenants: frozenset[str]
    parts: int
    at: int
    last_at: int = 0


def open_imports(connection: Connection) -> list[OpenImport]:
    """Return the imports that are open, the oldest first."""
    row = FACT_IMPORT.c
    statement = select(FACT_IMPORT).where(row.state == ImportState.OPEN).order_by(row.at, row.caller, row.import_id)
    return [
        OpenImport(
            found.caller,
            found.import_id,
            frozenset(json.loads(found.enterprises)),
            found.parts,
            found.at,
            max(found.at, _answered_at(connection, found.caller, found.import_id, found.parts)),
        )
        for found in connection.execute(statement).all()
    ]


def _answered_at(connection: Connection, caller: str, import_id: str, number: int) -> int:
    """Return when a part of an import was committed; 0 if that is not known."""
    request = FACT_REQUEST.c
    part = Part(import_id, frozenset(), number)
    statement = select(request.at).where(request.caller == caller, request.request_id == part.request_id)
    return connection.execute(statement).scalar() or 0


def check_tenants(connection: Connection, tables: Tables, tenants: Iterable[str]) -> None:
    """Check what is true of the facts of some tenants at any time, as they are now. Raises InvariantBroken."""
    model, is_postgresql = tables.model, connection.dialect.name == "postgresql"
    ordered = sorted(tenants)
    for start in range(0, len(ordered), _CHECKED_AT_ONCE):
        ids = ids_parameter(ordered[start : start + _CHECKED_AT_ONCE], is_postgresql)
        records: list[Any] = []
        for record_type in types_of_whole(model):
            table = tables.of(record_type)
            statement = select(*(column for column in table.c if column.name != "revision"))
            condition = within(tables, record_type, "tenants", is_postgresql)
            if condition is not None:
                statement = statement.where(condition)
            cls = model.records[record_type]
            records += [cls(*row) for row in connection.execute(statement, {"tenants": ids})]
        check_whole(model, records, DatabaseRows(connection, tables))


def check_unmarked(connection: Connection, tables: Tables, homes: Iterable[Unit]) -> None:
    """Raise InvariantBroken if one of the units is being imported."""
    marked = sorted(_marks_on(connection, tables, homes))
    if marked:
        raise InvariantBroken(INVARIANT, f"{_name(marked[0])} is being imported")


def _marks_on(connection: Connection, tables: Tables, homes: Iterable[Unit]) -> dict[Unit, tuple[str, str]]:
    """Return those of the units that are being imported, with the caller and the id of the import."""
    units = {unit for unit in homes if not tables.units.is_of_subject(unit.kind)}
    if not units:
        return {}
    driver = Driver(connection)
    ids = ids_parameter({unit.id for unit in units}, driver.is_postgresql)
    rows = driver.rows(marks_statement(tables, driver.is_postgresql), {"ids": ids})
    found = {Unit(kind, unit_id): (caller, import_id) for kind, unit_id, caller, import_id in rows}
    return {unit: by for unit, by in found.items() if unit in units}


def _subjects_with(units: Units, records: Iterable[Any], rows: Rows) -> set[Unit]:
    """Return the units of the subjects that hold one of the records."""
    held = units.units_of(records, rows).values()
    return {unit for some in held for unit in some if units.is_of_subject(unit.kind)}


@cache
def _noted(table: Table, first: str, second: str, is_postgresql: bool) -> str:
    """Return the statement that notes pairs for an import, in their order, unless they are noted already."""
    named = [bindparam("caller", type_=TEXT), bindparam("import_id", type_=TEXT)]
    given = select(*named, *pairs(is_postgresql))
    if not is_postgresql:
        given = given.where(literal_column("true"))  # or SQLite takes ON CONFLICT for a join
    noting = dialect_of(is_postgresql).insert(table)
    noting = noting.from_select(["caller", "import_id", first, second], given).on_conflict_do_nothing()
    return compiled(noting.returning(table.c[first], table.c[second]), is_postgresql)


def _name(unit: Unit) -> str:
    return f"`{unit.kind.capitalize()}:{unit.id}`"


class Importing:
    """One part of an import inside the transaction that writes it."""

    def __init__(self, connection: Connection, tables: Tables, caller: str, part: Part, now: int) -> None:
        self._connection = connection
        self._tables = tables
        self._units = tables.units
        self._tenant = tables.units.roots[tables.units.tenant]
        self._is_postgresql = connection.dialect.name == "postgresql"
        self._caller = caller
        self._part = part
        self._now = now
        self.is_first = False
        self._locked: set[Unit] = set()
        self._key = {"caller": caller, "import_id": part.import_id}
        self._insert = dialect_of(self._is_postgresql).insert

    @property
    def locks_or_unlocks(self) -> bool:
        """Whether this part makes a revision even if it changes no fact."""
        if self.is_first or self._part.ends:
            return True
        shared = select(FACT_IMPORT_UNIT.c.id).where(self._marked_shared()).limit(1)
        return self._part.is_release and self._connection.execute(shared).first() is not None

    def _ours(self, table: Table) -> ColumnElement[bool]:
        """Return the condition that a row is of this import."""
        return (table.c.caller == self._caller) & (table.c.import_id == self._part.import_id)

    def _marked_shared(self) -> ColumnElement[bool]:
        kinds = [self._units.roots[root] for root in self._units.shared]
        return self._ours(FACT_IMPORT_UNIT) & FACT_IMPORT_UNIT.c.kind.in_(kinds)

    @property
    def locked(self) -> frozenset[str]:
        """The tenants of which the roots must be locked: nobody may be in the middle of writing into them."""
        return self._part.tenants if self.is_first else frozenset()

    def take(self) -> None:
        """Take the import, and begin it with its first part. Raises FactConflict, InvariantBroken."""
        part = self._part
        tenants = json.dumps(sorted(part.tenants))
        if part.number == 1 and part.is_counted:
            begun = self._connection.execute(
                self._insert(FACT_IMPORT)
                .values(**self._key, enterprises=tenants, state=ImportState.OPEN, parts=0, at=self._now)
                .on_conflict_do_nothing()
                .returning(FACT_IMPORT.c.import_id)
            ).all()
            self.is_first = bool(begun)
        statement = select(FACT_IMPORT).where(self._ours(FACT_IMPORT))
        if self._is_postgresql:
            statement = statement.with_for_update()
        row = self._connection.execute(statement).one_or_none()
        if row is None:
            broken = "an import begins with part 1" if part.is_counted else "there is no such import"
            raise InvariantBroken(INVARIANT, broken)
        if row.state != ImportState.OPEN:
            raise InvariantBroken(INVARIANT, f"the import is {row.state.lower()} already")
        if row.enterprises != tenants:
            raise FactConflict(INVARIANT, "the import was begun for other tenants")
        if part.is_counted and part.number != row.parts + 1:
            raise InvariantBroken(INVARIANT, f"expected part {row.parts + 1}, got {part.number}")
        if self.is_first:
            others = self._mark(Unit(self._tenant, tenant_id) for tenant_id in part.tenants)
            if others:
                said = f"{_name(others[0])} is being imported already: see `sealauthz facts imports`"
                raise FactConflict(INVARIANT, said)

    def _mark(self, units: Iterable[Unit]) -> list[Unit]:
        """Mark units, waiting for transactions that mark one of them; return those that another import has."""
        ordered = sorted(units)
        driver = Driver(self._connection)
        if ordered:
            of_units = pairs_parameters(ordered, driver.is_postgresql)
            marked = driver.rows(
                _noted(FACT_IMPORT_UNIT, "kind", "id", driver.is_postgresql), {**self._key, **of_units}
            )
            self._locked |= {Unit(kind, unit_id) for kind, unit_id in marked}
        ours = (self._caller, self._part.import_id)
        return sorted(unit for unit, by in _marks_on(self._connection, self._tables, ordered).items() if by != ours)

    def check_homes(self, homes: Iterable[Unit]) -> None:
        """Raise InvariantBroken if a record is of a tenant that the import does not name."""
        for unit in sorted(homes):
            if unit.kind == self._tenant and unit.id not in self._part.tenants:
                raise InvariantBroken(INVARIANT, f"the import does not name {_name(unit)}")

    def mark_shared(self, homes: Iterable[Unit]) -> None:
        """Mark the shared roots that this part changes. Raises InvariantBroken for one that another import changes."""
        others = self._mark(unit for unit in homes if self._units.root_of[unit.kind] in self._units.shared)
        if others:
            raise InvariantBroken(INVARIANT, f"{_name(others[0])} is being imported")

    def lock_subjects(self, changes: Changes, before: Rows, after: Rows) -> None:
        """Note the subjects that this part writes about, as far as their related records do not tell.

        Those are the ones of whom it changes a fact of their own, and those from whom it takes one of a tenant or a
        shared root: what makes up for that may come in a later part.
        """
        if self._part.ends:
            return
        units = self._units

        def is_own(change: Change) -> bool:
            return units.is_of_subject(units.home_kind(change.record_type))

        own = [change.after for change in changes if is_own(change)]
        others = [change for change in changes if not is_own(change)]
        subjects = set(units.homes_of(own, after).values())
        left = _subjects_with(units, [change.before for change in others if change.before is not None], before)
        if left:
            subjects |= left - _subjects_with(units, [change.after for change in others], after)
        if not subjects:
            return
        self._note_new((units.root_of[unit.kind], unit.id) for unit in sorted(subjects))

    def check(self, changes: Changes, rows: Rows) -> None:
        """Check what a part must keep by itself. Raises InvariantBroken."""
        owners = owners_of_details(self._tables.model, changes)
        check_part(self._tables.model, changes, rows, self._made_among(owners) if owners else ())
        made = [
            (change.record_type, change.id)
            for record_type in sorted(settled_types(self._tables.model))
            for change in changes.of(record_type)
            if change.before is None
        ]
        if made and not self._part.ends:
            self._note_new(made)

    def _note_new(self, records: Iterable[tuple[str, str]]) -> None:
        """Note records, by type and id, for the later parts of this import."""
        driver = Driver(self._connection)
        statement = _noted(FACT_IMPORT_NEW, "record_type", "record_id", driver.is_postgresql)
        driver.run(statement, {**self._key, **pairs_parameters(records, driver.is_postgresql)})

    def _made_among(self, records: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
        """Return those of the records that an earlier part of this import made."""
        new = FACT_IMPORT_NEW.c
        wanted = among(new.record_id, "ids", self._is_postgresql)
        statement = select(new.record_type, new.record_id).where(self._ours(FACT_IMPORT_NEW), wanted)
        ids = ids_parameter({record_id for _, record_id in records}, self._is_postgresql)
        return {(row.record_type, row.record_id) for row in self._connection.execute(statement, {"ids": ids})}

    def advance(self) -> set[Unit]:
        """Count the part, and end the import with its last. Raises InvariantBroken if the whole must not be opened.

        Return the units that this part shuts or opens: a process that holds one in memory must look again.
        """
        part = self._part
        values: dict[str, Any] = {}
        units: set[Unit] = set()
        if part.is_counted:
            values["parts"] = part.number
        if not part.ends:
            units |= self._locked
        if part.is_release:
            units |= self._unmark(self._marked_shared())
        if part.ends:
            values["state"] = ImportState.ABANDONED if part.is_abandoned else ImportState.FINISHED
            check_tenants(self._connection, self._tables, self._part.tenants)
            units |= self._unmark(self._ours(FACT_IMPORT_UNIT))
            new = FACT_IMPORT_NEW
            ended = delete(new).where(self._ours(new)).returning(new.c.record_type, new.c.record_id)
            noted = self._connection.execute(ended)
            roots = {name: self._units.roots[name] for name in self._units.subjects}
            units |= {Unit(roots[row.record_type], row.record_id) for row in noted if row.record_type in roots}
        if values:
            self._connection.execute(update(FACT_IMPORT).where(self._ours(FACT_IMPORT)).values(values))
        return units | self._subjects_of(units)

    def _unmark(self, which: ColumnElement[bool]) -> set[Unit]:
        """Remove marks, and return the units that had them."""
        mark = FACT_IMPORT_UNIT
        removed = self._connection.execute(delete(mark).where(which).returning(mark.c.kind, mark.c.id))
        return {Unit(row.kind, row.id) for row in removed}

    def _subjects_of(self, homes: Iterable[Unit]) -> set[Unit]:
        """Return the units of the subjects that hold records of some tenants and shared roots."""
        ordered = sorted(homes)
        subjects: set[Unit] = set()
        for start in range(0, len(ordered), _CHECKED_AT_ONCE):
            some = ordered[start : start + _CHECKED_AT_ONCE]
            rows = DatabaseRows(self._connection, self._tables)
            related: list[Any] = []
            tenants = {unit.id for unit in some if unit.kind == self._tenant}
            for record_type in self._units.known_to_subjects:
                related += rows.naming(record_type, self._tables.model.shapes[record_type].home, tenants)
            for root in self._units.shared:
                related += rows.get(root, {unit.id for unit in some if self._units.root_of[unit.kind] == root}).values()
            subjects |= _subjects_with(self._units, related, rows)
        return subjects

    def standing(self) -> tuple[int, bool]:
        """Return how many parts are committed, and whether the import is over."""
        row = self._connection.execute(select(FACT_IMPORT).where(self._ours(FACT_IMPORT))).one_or_none()
        return (0, False) if row is None else (row.parts, row.state != ImportState.OPEN)
