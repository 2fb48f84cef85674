"""Shadows in the store: which candidate decides live questions beside the active policies, and what was found."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, delete, insert, select, update

from sealauthz.facts.store.store import Store
from sealauthz.facts.store.system_tables import POLICY_SHADOW, POLICY_SHADOW_REPORT


@dataclass(frozen=True, slots=True)
class ShadowRun:
    """A candidate in the shadow. `share` is the part of the questions, `cpu_share` that of one core in each process."""

    id: str
    version: str
    share: float
    cpu_share: float
    caller: str
    at: int


def _newest() -> Select[Any]:
    row = POLICY_SHADOW.c
    return select(*row).order_by(row.at.desc(), row.id).limit(1)


class ShadowStore:
    """The shadow of a store. Any thread may use it. Methods raise FactsUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def run(self) -> ShadowRun | None:
        """Return what runs; None where nothing does."""
        with self._store.read_transaction() as transaction:
            # Two that began at once have both written theirs: the later one counts, for everybody.
            row = transaction.connection.execute(_newest()).first()
            return None if row is None else ShadowRun(*row)

    def begin(self, version: str, share: float, cpu_share: float, caller: str, at: int) -> ShadowRun:
        """Have a candidate run, in the place of what runs; all counts begin again."""
        begun = ShadowRun(str(uuid.uuid4()), version, share, cpu_share, caller, at)
        with self._store.writing() as connection:
            connection.execute(delete(POLICY_SHADOW))
            connection.execute(delete(POLICY_SHADOW_REPORT))
            row = {name: getattr(begun, name) for name in POLICY_SHADOW.c.keys()}  # noqa: SIM118 (no mapping)
            connection.execute(insert(POLICY_SHADOW).values(**row))
        return begun

    def end(self) -> bool:
        """Have nothing run, and keep what was found until the next begins; False where nothing ran."""
        with self._store.writing() as connection:
            return bool(connection.execute(delete(POLICY_SHADOW)).rowcount)

    def tell(self, run: ShadowRun, process: str, report: str) -> None:
        """Keep what a process has found; not of a run that is over."""
        row = POLICY_SHADOW_REPORT.c
        with self._store.writing() as connection:
            found = connection.execute(_newest()).first()
            if found is None or found.id != run.id:
                return
            of_this = (row.shadow == run.id) & (row.told_by == process)
            if not connection.execute(update(POLICY_SHADOW_REPORT).where(of_this).values(report=report)).rowcount:
                connection.execute(insert(POLICY_SHADOW_REPORT).values(shadow=run.id, told_by=process, report=report))

    def reports(self) -> list[str]:
        """Return what was found by each process in the last run."""
        with self._store.read_transaction() as transaction:
            row = POLICY_SHADOW_REPORT.c
            found = transaction.connection.execute(select(row.shadow, row.report).order_by(row.told_by)).fetchall()
            running = transaction.connection.execute(_newest()).first()
            return [report for shadow, report in found if running is None or shadow == running.id]
