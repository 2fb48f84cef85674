"""Records that are held back: rows of `audit_pending` that no process of the service vouches for."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import NamedTuple

from sqlalchemy import bindparam, delete, literal_column, select

from sealauthz.facts.store.statements import Driver, compiled
from sealauthz.facts.store.store import Store, now_us
from sealauthz.facts.store.system_tables import AUDIT_PENDING, TEXT
from sealauthz.facts.store.waiting import FIRST_HELD, waiting_since


class HeldRow(NamedTuple):
    """A row: its id, when it says that it was written (0: it says nothing), and its records, one in a line."""

    id: str
    at: int
    records: str


class HeldRows:
    """The rows of one store that are held back. All methods raise FactsUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> list[HeldRow]:
        """Return all rows, the oldest first."""
        with self._store.plain_connection() as connection:
            return _rows(Driver(connection))

    def vouch(self, ids: Collection[str] | None = None) -> int:
        """Have the records of these rows (None: of all) wait again, vouched for; return of how many rows."""
        with self._store.writing() as connection:
            driver = Driver(connection)
            rows = [row for row in _rows(driver) if ids is None or row.id in ids]
            for row in rows:
                driver.run(*self._store.waiting(driver.is_postgresql, row.at or now_us(), row.records))
                driver.run(_drop(driver.is_postgresql), {"of_id": row.id})
        return len(rows)


def _rows(driver: Driver) -> list[HeldRow]:
    return [
        HeldRow(row_id, _written_at(row_id), records) for row_id, records in driver.rows(_held(driver.is_postgresql))
    ]


def _written_at(row_id: str) -> int:
    try:
        return waiting_since(row_id.removeprefix(FIRST_HELD))
    except ValueError:
        return 0


@cache
def _held(is_postgresql: bool) -> str:
    row = AUDIT_PENDING.c
    held = select(row.id, row.records).where(row.id >= literal_column(f"'{FIRST_HELD}'", TEXT))
    return compiled(held.order_by(row.id), is_postgresql)


@cache
def _drop(is_postgresql: bool) -> str:
    return compiled(delete(AUDIT_PENDING).where(AUDIT_PENDING.c.id == bindparam("of_id")), is_postgresql)
