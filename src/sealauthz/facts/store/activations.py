"""Which policies decide from which revision on, and which process has what, as they are stored.

Who reads the facts reads this with them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, cast, extract, func, literal_column, select

from sealauthz.facts.store.database import ReadTransaction
from sealauthz.facts.store.statements import compiled
from sealauthz.facts.store.system_tables import POLICY_ACTIVATION, POLICY_PROCESS
from sealauthz.schema import Unit

POLICIES = Unit("POLICIES", "active")
"""What an activation touches."""

ACTIVATE, ROLL_BACK = "ACTIVATE", "ROLL_BACK"

LIVES_FOR_S = 10.0
"""A process that was not seen for longer is taken for dead: nobody waits for it, and it must look before it answers."""

SECOND = 1_000_000
"""In microseconds."""


class Activated(NamedTuple):
    """From which revision on which policies decide."""

    revision: int
    version: str


@dataclass(frozen=True, slots=True)
class Activation:
    """Policies that decide from a revision on, in the place of `previous` (empty: what each process had)."""

    revision: int
    version: str
    previous: str
    kind: str
    author: str
    approver: str
    note: str
    signed_by: str
    at: int


@dataclass(frozen=True, slots=True)
class Process:
    """A process that decides: what it serves now, and of other versions why it could not load them, or nothing."""

    id: str
    name: str
    release: str
    source: str
    serves: str
    loaded: Mapping[str, str]
    age_s: float = 0.0

    @property
    def is_live(self) -> bool:
        """Whether it was seen lately."""
        return self.age_s <= LIVES_FOR_S

    def problem(self, version: str) -> str:
        """Why this process could not switch to a version now; empty if it could."""
        if self.source == FOLDER:
            return "it serves its folder, as `[policies] source` of its configuration says"
        if version not in self.loaded:
            return "it has not loaded them yet"
        return self.loaded[version]


FOLDER, STORE = "folder", "store"
"""The sources of a process: its own folder whatever is activated, or what is."""


def activated_in(transaction: ReadTransaction) -> tuple[Activated, ...]:
    """Return every activation that a transaction sees, the first one first."""
    return tuple(Activated(*row) for row in transaction.fetch(_activated_statement(transaction.is_postgresql), {}))


def before_active(past: Sequence[Activation]) -> str:
    """Return what a roll-back would have decide again: what decided when the active ones were activated; empty where
    nothing did. `past` are the activations, the newest one first.

    What was rolled back from is not what was before, until two people activate it again: nobody gets that back alone.
    """
    standing: list[str] = []  # what decides, over what decided before it
    withdrawn: set[str] = set()
    for each in reversed(past):
        if not standing and each.previous:
            standing.append(each.previous)
        if each.kind == ACTIVATE:
            withdrawn.discard(each.version)
        else:
            withdrawn.add(each.previous)
            while standing and standing[-1] != each.version:
                standing.pop()
            standing = standing[:-1]
        standing.append(each.version)
    below = (version for version in reversed(standing[:-1]) if version != standing[-1])
    return next((version for version in below if version not in withdrawn), "")


@cache
def _activated_statement(is_postgresql: bool) -> str:
    row = POLICY_ACTIVATION.c
    return compiled(select(row.revision, row.version).order_by(row.revision), is_postgresql)


@cache
def last_statement(is_postgresql: bool) -> str:
    """Return the statement that reads the newest activation."""
    row = POLICY_ACTIVATION.c
    newest = select(*POLICY_ACTIVATION.c).order_by(row.revision.desc())
    # Written by us, as in `after_statement`.
    return f"{compiled(newest, is_postgresql)}\n LIMIT 1"


def database_now(is_postgresql: bool) -> Any:
    """The time by the clock of the database, in microseconds: processes of several machines are compared by it."""
    if is_postgresql:
        return cast(extract("epoch", func.clock_timestamp()) * literal_column(str(SECOND)), BigInteger)
    since_1970 = "(julianday('now') - 2440587.5) * 86400000000"
    return cast(literal_column(since_1970), BigInteger)


@cache
def processes_statement(is_postgresql: bool) -> str:
    """Return the statement that reads the processes, in the order of their names, as `process_of` takes them."""
    columns = [column for column in POLICY_PROCESS.c if column.name != POLICY_PROCESS.c.seen_at.name]
    age = database_now(is_postgresql) - POLICY_PROCESS.c.seen_at
    return compiled(select(*columns, age).order_by(POLICY_PROCESS.c.name), is_postgresql)


def process_of(row: Sequence[Any]) -> Process:
    """Return the process of a row."""
    id_, name, release, source, serves, loaded, age = row
    return Process(id_, name, release, source, serves, json.loads(loaded), age / SECOND)
