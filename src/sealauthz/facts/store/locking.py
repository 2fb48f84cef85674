"""The locks of a write: the roots of units in one order for all, and revisions one after the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from sqlalchemy import Connection, select

from sealauthz.facts.store.rows import among, ids_parameter
from sealauthz.facts.store.statements import Driver, compiled, driver
from sealauthz.facts.store.tables import Tables
from sealauthz.schema import Unit

_REVISION_LOCK = 0x5EA1_A072
"""The key of PostgreSQL's advisory lock under which revisions are given out."""


def lock_revisions(connection: Connection) -> None:
    """Take the lock under which revisions are given out, until the end of the transaction. SQLite has one writer."""
    if connection.dialect.name == "postgresql":
        driver(connection).execute(f"SELECT pg_advisory_xact_lock({_REVISION_LOCK})")


@cache
def _lock_statement(tables: Tables, root_type: str, is_patient: bool) -> str:
    """Return the statement that locks roots in their order; if not patient, those that nobody else has locked."""
    root = tables.of(root_type).c.id
    # NO KEY: rows that only refer to a root may still be inserted by others.
    statement = select(root).where(among(root, "ids", True)).order_by(root)
    return compiled(statement.with_for_update(key_share=True, skip_locked=not is_patient), True)


def lock_roots(driver: Driver, tables: Tables, units: Iterable[Unit]) -> None:
    """Lock the roots of units, in one order for all."""
    if driver.is_postgresql:  # on SQLite, BEGIN IMMEDIATE lets one writer in at a time
        _lock(driver, tables, units, is_patient=True)


def lock_free_roots(driver: Driver, tables: Tables, units: Iterable[Unit]) -> Callable[[], set[Unit]]:
    """Lock the roots of units that nobody else has locked, on PostgreSQL. Which those are is told once the pipeline is
    over.
    """
    asked = _lock(driver, tables, units, is_patient=False)
    return lambda: {Unit(kind, root_id) for kind, cursor in asked.items() for (root_id,) in cursor.fetchall()}


def _lock(driver: Driver, tables: Tables, units: Iterable[Unit], *, is_patient: bool) -> dict[str, Any]:
    roots: dict[str, set[str]] = defaultdict(set)
    for unit in units:
        roots[unit.kind].add(unit.id)
    return {
        kind: driver.run(_lock_statement(tables, root_type, is_patient), {"ids": ids_parameter(roots[kind], True)})
        for root_type, kind in tables.model.units.roots.items()
        if roots[kind]
    }
