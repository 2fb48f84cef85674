"""Retention: records of long ago are dropped, and their hashes stay, so that every proof and checkpoint still holds.

What was dropped is said by a record of the log itself, which is in its place before the first one goes: who verifies
tells what was pruned from what is missing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, bindparam, delete, exists, func, select

from sealauthz.audit.finding import found_by
from sealauthz.audit.merkle import leaf_hash, tree_root
from sealauthz.audit.note import Checkpoint
from sealauthz.audit.record import content_of, event_record
from sealauthz.audit.sequencer import head_of, tile_fetcher
from sealauthz.audit.tiles import Tiles
from sealauthz.facts.store.rows import among, ids_parameter
from sealauthz.facts.store.statements import Driver, compiled
from sealauthz.facts.store.store import Store, now_us
from sealauthz.facts.store.system_tables import AUDIT_ABOUT, AUDIT_FOLLOWED, AUDIT_LOG
from sealauthz.runtime.errors import FactsUnavailable, InvalidRequest

KIND = "Pruned"
ABOUT = "Log:records"
"""What such a record is about: it is found by that."""

LEAST_DAYS = 30
_AT_ONCE = 5_000


class Pruned(NamedTuple):
    """What the newest record says that was pruned: of the records before place `until`, all but `left`.

    Those are about what is `held`, each as `Type:id`.
    """

    until: int = 0
    left: int = 0
    held: frozenset[str] = frozenset()

    @property
    def said(self) -> str:
        """For people."""
        return f"{self.until - self.left} of the records before {self.until} were pruned: only their hashes are kept"


NOTHING_PRUNED = Pruned()


def pruned_of(content: dict[str, Any]) -> Pruned | None:
    """Return what a record says that was pruned; None for any other record."""
    if content.get("kind") != KIND or content.get("resource") != ABOUT:
        return None
    return Pruned(int(content["until"]), int(content["left"]), frozenset(content.get("held", ())))


def newest_pruned(driver: Driver) -> Pruned:
    """Return what the log says that was pruned from it."""
    for (text,) in driver.rows(_statements(driver.is_postgresql).said, {"about": ABOUT}):
        try:
            found = pruned_of(content_of(text))
        except (ValueError, KeyError, TypeError):
            continue  # who verifies finds what has become of it
        if found is not None:
            return found
    return Pruned()


class Plan(NamedTuple):
    """What the log is to say; so many of the records that it then lacks are still there (`going`)."""

    pruned: Pruned
    going: int


class Retention:
    """Prunes the log of one store. All methods raise FactsUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def plan(self, before: int, kept: Checkpoint, held: Collection[str] = (), released: Collection[str] = ()) -> Plan:
        """Return what would be pruned of the records that got their places before an instant: only those of which a
        checkpoint speaks that was kept elsewhere, and which everybody has read who follows the log.

        What is `held` by this or an earlier call, each as `Type:id`, keeps what is about it, until it is `released`.
        Raises InvalidRequest for a checkpoint that is not of this log.
        """
        with self._store.plain_connection() as connection:
            driver = Driver(connection)
            statements, head = _statements(driver.is_postgresql), head_of(driver)
            try:
                root = tree_root(kept.size, Tiles(tile_fetcher(driver)).node) if 0 < kept.size <= head.size else b""
            except LookupError as error:
                raise FactsUnavailable("the log lacks hashes of its tree: run `sealauthz audit verify`") from error
            if root != kept.root:
                raise InvalidRequest.at(
                    "checkpoint", "is not of this log: nothing is pruned, run `sealauthz audit verify`"
                )
            said = newest_pruned(driver)
            until = kept.size
            for ((first,),) in (
                driver.rows(statements.first_since, {"since": before}),
                driver.rows(statements.followed),
            ):
                until = until if first is None else min(until, first)
            until = max(until, said.until)
            holds = said.held.union(held).difference(released)
            ids = ids_parameter(sorted(holds), driver.is_postgresql)
            ((there,),) = driver.rows(statements.there, {"until": until})
            ((left,),) = driver.rows(statements.left, {"until": until, "ids": ids})
        return Plan(Pruned(until, left, holds), there - left)

    def is_announced(self, plan: Plan) -> bool:
        """Tell whether the log says it."""
        with self._store.plain_connection() as connection:
            return newest_pruned(Driver(connection)) == plan.pruned

    def announce(self, plan: Plan) -> None:
        """Have the record wait for its place that says it."""
        until, left, held = plan.pruned
        at = now_us()
        record = event_record(KIND, at, resource=ABOUT, until=until, left=left, count=plan.going, held=sorted(held))
        with self._store.writing() as connection:
            driver = Driver(connection)
            driver.run(*self._store.waiting(driver.is_postgresql, at, record))

    def prune(self, plan: Plan) -> int:
        """Drop the records that the log says it lacks, some thousand in a transaction; return how many.

        A run that is broken off is taken up by the next. Raises InvalidRequest unless it is announced, and
        FactsUnavailable at a record that is not the one that was hashed: what was done to it would be gone with it.
        """
        if not self.is_announced(plan):
            raise InvalidRequest.at("before", "the log does not say yet what is pruned")
        until, _, held = plan.pruned
        count = 0
        for first in range(0, until, _AT_ONCE):
            with self._store.writing() as connection:
                driver = Driver(connection)
                statements = _statements(driver.is_postgresql)
                parameters = {
                    "first": first,
                    "until": min(first + _AT_ONCE, until),
                    "ids": ids_parameter(sorted(held), driver.is_postgresql),
                }
                rows = driver.rows(statements.unheld, parameters)
                driver.run_each(statements.drop, [{"of_number": number} for number, _ in rows])
                driver.run_each(statements.drop_about, _found_by(rows, Tiles(tile_fetcher(driver))))
            count += len(rows)
        return count


def _found_by(rows: Iterable[tuple[int, str]], tiles: Tiles) -> list[dict[str, Any]]:
    """Return what finds records, each with its place."""
    found = []
    for number, record in rows:
        try:
            if leaf_hash(record.encode()) != tiles.node(0, number):
                raise ValueError("the record was changed")
            names = found_by(record).about
        except (ValueError, LookupError) as error:
            said = f"record {number} is not the one that was hashed: run `sealauthz audit verify`"
            raise FactsUnavailable(said) from error
        found += [{"about": name, "of_number": number} for name in names]
    return found


class _Statements(NamedTuple):
    said: str
    first_since: str
    followed: str
    there: str
    left: str
    unheld: str
    drop: str
    drop_about: str


@cache
def _statements(is_postgresql: bool) -> _Statements:
    row, found = AUDIT_LOG.c, AUDIT_ABOUT.c
    until, first = bindparam("until", type_=BigInteger), bindparam("first", type_=BigInteger)
    said = select(row.record).join(AUDIT_ABOUT, found.number == row.number).where(found.about == bindparam("about"))
    is_held = exists().where(found.number == row.number, among(found.about, "ids", is_postgresql))
    texts = (
        said.order_by(row.number.desc()),
        select(func.min(row.number)).where(row.at >= bindparam("since", type_=BigInteger)),
        select(func.min(AUDIT_FOLLOWED.c.number)),
        select(func.count()).select_from(AUDIT_LOG).where(row.number < until),
        select(func.count()).select_from(AUDIT_LOG).where(row.number < until, is_held),
        select(row.number, row.record).where(row.number >= first, row.number < until, ~is_held),
        delete(AUDIT_LOG).where(row.number == bindparam("of_number", type_=BigInteger)),
        delete(AUDIT_ABOUT).where(
            found.about == bindparam("about"), found.number == bindparam("of_number", type_=BigInteger)
        ),
    )
    return _Statements(*(compiled(text, is_postgresql) for text in texts))
