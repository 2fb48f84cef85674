"""The backlog: how many records wait in the database for their place in the log, and since when, and what is held back.

It is looked at in a thread of its own: while the database does not answer, who asks still learns since when the oldest
has waited, and waits for nothing.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from sqlalchemy import literal_column, select

from sealauthz.facts.store.statements import Driver, compiled
from sealauthz.facts.store.store import Store
from sealauthz.facts.store.system_tables import AUDIT_PENDING, TEXT
from sealauthz.facts.store.waiting import FIRST_HELD, waiting_since
from sealauthz.runtime.background import Background, Failed

EVERY_S = 5.0

MOST_COUNTED = 10_000
"""Of writes: more are counted as so many. Each holds up to a thousand records."""


class Waiting(NamedTuple):
    """How many writes wait whose records have no place yet, and since when the oldest does; 0 where none does. And how
    many are held back, as no process vouches for them.
    """

    writes: int
    since: int
    held: int = 0

    def oldest_s(self, now: int) -> float:
        """For how long the oldest has waited at an instant."""
        return max(0.0, (now - self.since) / 1_000_000) if self.writes else 0.0


class Backlog:
    """Looks at what waits in one store, from start to stop."""

    def __init__(self, store: Store, failed: Failed, every_s: float = EVERY_S) -> None:
        self._store = store
        self._every_s = every_s
        self.waiting = Waiting(0, 0)
        """As it was looked at last."""
        self.thread = Background("backlog", self._step, failed)

    def start(self) -> None:
        """Begin to look."""
        self.thread.start()

    def stop(self) -> None:
        """Look no longer."""
        self.thread.stop()
        self.thread.join(1.0)

    def look(self) -> None:
        """Look once. Raises FactsUnavailable."""
        with self._store.plain_connection() as connection:
            driver = Driver(connection)
            writes = driver.rows(_statement(driver.is_postgresql, MOST_COUNTED, is_held=False))
            held = driver.rows(_statement(driver.is_postgresql, MOST_COUNTED, is_held=True))
        self.waiting = Waiting(len(writes), waiting_since(writes[0][0]) if writes else 0, len(held))

    def _step(self) -> None:
        self.look()
        self.thread.goes_well()
        self.thread.rest(self._every_s)


@cache
def _statement(is_postgresql: bool, most: int, *, is_held: bool) -> str:
    """Return the statement that finds so many of what waits, or is held back, the oldest first."""
    pending, first = AUDIT_PENDING.c.id, literal_column(f"'{FIRST_HELD}'", TEXT)
    wanted = select(pending).where(pending >= first if is_held else pending < first)
    return f"{compiled(wanted.order_by(pending), is_postgresql)} LIMIT {most:d}"
