"""Where a snapshot takes from what it does not have in memory: one read transaction, or records given once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Protocol

from sealauthz.facts.memory import loading
from sealauthz.facts.store.database import ReadTransaction
from sealauthz.facts.store.rows import RecordRows
from sealauthz.schema import Model, Unit, values_of
from sealauthz.schema.record import exact


class LookUps(Protocol):
    """What is found in the facts at one revision beside whole units."""

    def home(self, record_type: str, record_id: str) -> Unit | None:
        """Return the home unit of a record; None if there is no such record."""

    def matching(self, record_type: str, values: Mapping[str, str]) -> list[str]:
        """Return the ids of the records that hold these values, in their order."""

    def after(self, record_type: str, column: str, after: str, size: int) -> list[str]:
        """Return the first values of a column behind one, in their order and each once; nothing is no value."""


class Source(LookUps, Protocol):
    """The facts at one revision, unwired."""

    def load(self, unit: Unit) -> Mapping[str, Collection[Any]]:
        """Return the records of a unit by type, unwired and the caller's own."""


class TransactionSource:
    """Loads from one read transaction."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: ReadTransaction) -> None:
        self._transaction = transaction

    def load(self, unit: Unit) -> Mapping[str, Collection[Any]]:
        """Load with one statement per record type, in one round trip where that can be had."""
        return loading.load_unit(self._transaction, unit)

    def home(self, record_type: str, record_id: str) -> Unit | None:
        """Look up by joins from the record to its root."""
        transaction = self._transaction
        statement = loading.home_statement(transaction.tables, record_type, transaction.is_postgresql)
        rows = transaction.fetch(statement, {"record": record_id})
        return Unit(transaction.tables.units.home_kind(record_type), rows[0][0]) if rows else None

    def matching(self, record_type: str, values: Mapping[str, str]) -> list[str]:
        """Look up by the index of a column."""
        transaction = self._transaction
        statement = loading.matching_statement(
            transaction.tables, record_type, tuple(values), transaction.is_postgresql
        )
        return [record_id for (record_id,) in transaction.fetch(statement, dict(values))]

    def after(self, record_type: str, column: str, after: str, size: int) -> list[str]:
        """Look up by the index of the column."""
        transaction = self._transaction
        statement = loading.after_statement(transaction.tables, record_type, column, size, transaction.is_postgresql)
        return [value for (value,) in transaction.fetch(statement, {"after": after})]


class RecordSource:
    """Loads from records in memory, which are copied."""

    def __init__(self, model: Model, records: Iterable[Any]) -> None:
        records = [exact(type(record)(*values_of(record))) for record in map(model.own, records)]
        rows = RecordRows(records)
        self._records = records
        self._units: dict[Unit, dict[str, list[Any]]] = {}
        self._homes = model.units.homes_of(records, rows)
        held = model.units.units_of(records, rows)
        for record in records:
            record_type = type(record).__name__
            for unit in held[record_type, record.id]:
                self._units.setdefault(unit, {}).setdefault(record_type, []).append(record)

    def load(self, unit: Unit) -> Mapping[str, Collection[Any]]:
        """Return copies, because a record is wired differently in each unit that holds it."""
        held = self._units.get(unit, {})
        return {
            record_type: [type(record)(*values_of(record)) for record in records]
            for record_type, records in held.items()
        }

    def home(self, record_type: str, record_id: str) -> Unit | None:
        """Look up among the homes of all records."""
        return self._homes.get((record_type, record_id))

    def matching(self, record_type: str, values: Mapping[str, str]) -> list[str]:
        """Look at every record of the type."""
        return sorted(
            record.id
            for record in self._records
            if type(record).__name__ == record_type
            and all(getattr(record, column) == value for column, value in values.items())
        )

    def after(self, record_type: str, column: str, after: str, size: int) -> list[str]:
        """Look at every record of the type."""
        values = {getattr(record, column) for record in self._records if type(record).__name__ == record_type}
        return sorted(value for value in values if value is not None and value > after)[:size]
