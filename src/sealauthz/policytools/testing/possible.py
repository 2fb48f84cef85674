"""Whether a store would hold the facts of a test: they go through the checks that its writes go through.

A fixture is one write into an empty store. What a test gives differs from that as if it had always been so: it is
written as new, part by part, and what takes several records is looked at when all is given. A step of a story that
comes later is an edit: time has passed, and what was true before is history.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateIndex, CreateTable

from sealauthz.facts.store.invariants import check_each, check_same_tenant, check_together
from sealauthz.facts.store.rows import RecordRows
from sealauthz.facts.store.tables import Tables, refusal_of, tables_of
from sealauthz.policytools.testing.fixtures import FactSet
from sealauthz.runtime.errors import FactConflict, InvariantBroken
from sealauthz.schema import Change, Changes, Model, values_of


def refusal(facts: FactSet) -> str:
    """Say why a store would not hold these facts; empty if it would. Facts remember what was found."""
    if facts.refusal is None:
        before = facts.last_whole
        facts.refusal = "" if before is None else refusal(before) or _refusal_since(before, facts)
    return facts.refusal


def _refusal_since(before: FactSet, facts: FactSet) -> str:
    """Say what a store would refuse of all that led from facts that it holds to these."""
    try:
        for earlier, later in facts.writes_since(before):
            _check_write(earlier, later, facts)
        _check_standing(before, facts)
        _check_moved(before, facts)
        check_constraints(before, facts)
    except (InvariantBroken, FactConflict) as error:
        return str(error)
    return ""


def _check_moved(before: FactSet, facts: FactSet) -> None:
    """Check what names a record that is at home elsewhere than before: it names one of another tenant then.

    A store refuses that a record moves, and here it was always there. Raises InvariantBroken.
    """
    model = facts.model
    homes = {name: shape.home for name, shape in model.shapes.items() if shape.home}
    if any(
        old is not None and new is not None and key[0] in homes and _at_home(old, homes) != _at_home(new, homes)
        for earlier, later in facts.writes_since(before)
        for key, old, new in later.since(earlier)
    ):
        rows = RecordRows(facts.records)
        check_same_tenant(model, Changes(Change(*key, None, record) for key, record in facts.items()), rows)


def _at_home(record: Any, homes: Mapping[str, str]) -> Any:
    return getattr(record, homes[type(record).__name__])


def check_constraints(before: FactSet, facts: FactSet) -> None:
    """Check the constraints of the tables on facts that follow from others which keep them.

    Cheap where `before` is the same as the last time. Raises InvariantBroken and FactConflict.
    """
    _tables_of(facts.model).check(before, facts)


def _check_write(earlier: FactSet, later: FactSet, whole: FactSet) -> None:
    """Check one write of those that lead to the whole. Raises InvariantBroken."""
    # A part may name what a later part gives.
    model, rows = later.model, RecordRows(later.records, RecordRows(whole.records))
    if later.written is not None and later.written.is_edit:
        changes = Changes(Change(*key, old, new) for key, old, new in later.since(earlier))
        check_each(model, changes)
        check_together(model, changes, rows)
        return
    changes = Changes(Change(*key, None, new) for key, _, new in later.since(earlier) if new is not None)
    check_each(model, changes)
    check_same_tenant(model, changes, rows)
    for invariant in model.invariants:
        if not invariant.standing:
            invariant.check(changes, rows)


def _check_standing(before: FactSet, facts: FactSet) -> None:
    """Check what is true of facts at any time. Raises InvariantBroken."""
    changes, rows = Changes(Change(*key, old, new) for key, old, new in facts.since(before)), RecordRows(facts.records)
    for invariant in facts.model.invariants:
        if invariant.standing:
            invariant.check(changes, rows)


class _InMemory:
    """The tables of a model in memory, for the constraints that a database keeps.

    They hold the facts that were asked for last, because the next ones mostly differ little from the same base.
    """

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._held: FactSet | None = None
        # References are looked at when tests are loaded, with the place of each.
        self._database = sqlite3.connect(":memory:", isolation_level=None)
        dialect = sqlite.dialect()
        for name in tables.model.records:
            table = tables.constrained(name)
            self._database.execute(str(CreateTable(table).compile(dialect=dialect)))
            for index in table.indexes:
                if index.unique:
                    self._database.execute(str(CreateIndex(index).compile(dialect=dialect)))
        self._inserts = {name: _insert(tables, name, dialect) for name in tables.model.records}

    def check(self, before: FactSet, facts: FactSet) -> None:
        """Check the constraints on facts that follow from others. Raises InvariantBroken and FactConflict."""
        if self._held is not before:
            self._begin(before)
        self._database.execute("SAVEPOINT facts")
        try:
            differences = list(facts.since(before))
            for (record_type, record_id), old, _ in differences:
                if old is not None:
                    # The name is of a table of the model.
                    self._database.execute(f"DELETE FROM {self._tables.of(record_type).name} WHERE id = ?", [record_id])  # noqa: S608
            self._insert(new for _, _, new in differences if new is not None)
        finally:
            self._database.execute("ROLLBACK TO facts")
            self._database.execute("RELEASE facts")

    def _begin(self, facts: FactSet) -> None:
        """Hold these facts, which are known to keep the constraints."""
        self._held = None
        if self._database.in_transaction:
            self._database.execute("ROLLBACK")
        self._database.execute("BEGIN")
        self._insert(facts.records)
        self._held = facts

    def _insert(self, records: Iterable[Any]) -> None:
        for record in records:
            record_type = type(record).__name__
            try:
                self._database.execute(self._inserts[record_type], [_plain(value) for value in values_of(record)])
            except sqlite3.IntegrityError as error:
                refused = IntegrityError(None, None, error)
                raise refusal_of(refused, self._tables, f"`{record_type}:{record.id}`", is_taken=False) from error


@cache
def _tables_of(model: Model) -> _InMemory:
    return _InMemory(tables_of(model))


def _insert(tables: Tables, record_type: str, dialect: Any) -> str:
    """Return the statement that inserts a record, with a value for each of its columns."""
    table = tables.of(record_type)
    quote = dialect.identifier_preparer.quote
    columns: Sequence[str] = [column.name for column in tables.model.shapes[record_type].columns]
    names = ", ".join(quote(name) for name in (*columns, "revision"))
    values = ", ".join([*("?" for _ in columns), "0"])
    return f"INSERT INTO {table.name} ({names}) VALUES ({values})"  # noqa: S608 (names of the model's columns)


def _plain(value: Any) -> Any:
    """Return a value as the driver takes it: a word of an enumeration as its text."""
    return str(value) if isinstance(value, str) else value
