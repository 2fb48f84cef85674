"""The locks of a write: the roots of units in one order for all, and revisions one after the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cache

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
def _lock_statement(tables: Tables, root_type: str) -> str:
    """Return the statement that locks roots in their order."""
    root = tables.of(root_type).c.id
    # NO KEY: rows that only refer to a root may still be inserted by others.
    statement = select(root).where(among(root, "ids", True)).order_by(root).with_for_update(key_share=True)
    return compiled(statement, True)


def lock_roots(driver: Driver, tables: Tables, units: Iterable[Unit]) -> None:
    """Lock the roots of units, in one order for all."""
    if not driver.is_postgresql:
        return  # BEGIN IMMEDIATE lets one writer in at a time.
    roots: dict[str, set[str]] = defaultdict(set)
    for unit in units:
        roots[unit.kind].add(unit.id)
    for root_type, kind in tables.model.units.roots.items():
        if roots[kind]:
            driver.run(_lock_statement(tables, root_type), {"ids": ids_parameter(roots[kind], True)})
