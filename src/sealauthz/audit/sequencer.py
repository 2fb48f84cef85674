"""The sequencer: gives the records that wait their places in the log, and says by a checkpoint how far it has come.

Any number of processes may have one; a lock of the database lets one work at a time. A step is one transaction, so that
after a crash each record either waits or has its place: none is lost, and none has two.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from sqlalchemy import Connection, Table, bindparam, case, delete, insert, select
from sqlalchemy.exc import IntegrityError

from sealauthz.audit.finding import FoundBy, found_by
from sealauthz.audit.lateness import PERIOD_US, can_know, late_from
from sealauthz.audit.merkle import Growing, leaf_hash, perfect_subtrees
from sealauthz.audit.note import Checkpoint, Signer, check_name, read_checkpoint
from sealauthz.audit.tiles import FetchTile, Tiles
from sealauthz.background import SHORT_TURN, Background, Failed, in_turns
from sealauthz.errors import FactsUnavailable
from sealauthz.facts.store.database import end
from sealauthz.facts.store.rows import among, ids_parameter
from sealauthz.facts.store.statements import Driver, array_of, compiled, dialect_of
from sealauthz.facts.store.store import Store, now_us
from sealauthz.facts.store.system_tables import AUDIT_ABOUT, AUDIT_CHECKPOINT, AUDIT_LOG, AUDIT_PENDING, AUDIT_TILE

_LOCK = 0x5EA1_A0D1
"""The key of PostgreSQL's advisory lock under which records get their places."""

_HEAD = "SELECT period, at, note FROM audit_checkpoint ORDER BY period DESC LIMIT 1"
_STATE = (
    "SELECT last, period, at, note FROM (SELECT max(number) AS last FROM audit_log) AS placed"  # noqa: S608 (ours)
    f" LEFT JOIN ({_HEAD}) AS head ON true"
)
"""The last place that is taken, and the newest checkpoint; nulls where there is none."""
_TRY_LOCK = f"SELECT pg_try_advisory_xact_lock({_LOCK})"

_PENDING_AT_ONCE = 200
_RECORDS_AT_ONCE = 1_000

EVERY_S = 0.1


class Head(NamedTuple):
    """The newest checkpoint as it is stored; a log without one is empty."""

    period: int
    at: int
    note: str

    @property
    def size(self) -> int:
        """How many records have a place."""
        return read_checkpoint(self.note).size if self.note else 0


_NO_HEAD = Head(0, 0, "")


class _Edge(NamedTuple):
    """Where a log grows: the newest checkpoint, its size, the roots of the perfect subtrees as of that, the largest
    first (None: not known), and the tiles that records are added to.
    """

    note: str
    size: int
    roots: Sequence[bytes] | None
    tiles: Mapping[tuple[int, int], bytes]


class Sequencer:
    """Sequences the log of one store under its name. Without a signer its checkpoints are unsigned."""

    def __init__(self, store: Store, name: str, signer: Signer | None = None, now: Callable[[], int] = now_us) -> None:
        check_name(name)
        self._store = store
        self._name = name
        self._signer = signer
        self._now = now
        self._edge = _Edge("", 0, (), {})

    def step(self) -> int:
        """Give places to what waits, as much as fits into one transaction; return to how many records.

        0 also where another process is at it. Raises FactsUnavailable.
        """
        if not self._is_due():
            return 0
        try:
            return self._integrate(_no_others) or 0
        except IntegrityError:
            # Who lost the connection in a commit writes the same records again, which is rare: so they are looked for
            # only where an index says that one has its place already.
            return self._integrate(_without_placed) or 0

    def place(self, records: Sequence[str]) -> bool:
        """Give places to records that wait nowhere yet, behind all that wait; tell whether that was done.

        False, and then they have none, where another process gives places, or more waits than fits into one
        transaction. Raises FactsUnavailable, after which they may have them.
        """
        try:
            return self._integrate(_no_others, records) is not None
        except IntegrityError:
            return self._integrate(_without_placed, records) is not None

    def drain(self) -> int:
        """Give places to all that waits; return to how many records. Raises FactsUnavailable."""
        count = 0
        while done := self.step():
            count += done
        return count

    def _is_due(self) -> bool:
        """Whether anything waits: to look costs no lock."""
        with self._store.plain_connection() as connection:
            driver = Driver(connection)
            return bool(driver.rows(_statements(driver.is_postgresql, False).any_waiting))

    def _integrate(self, left_of: _LeftOf, own: Sequence[str] = ()) -> int | None:
        """Give places; return to how many records, and None where `own` got none."""
        with self._store.writing() as connection:
            return self._place(connection, left_of, own)

    def _place(self, connection: Connection, left_of: _LeftOf, own: Sequence[str]) -> int | None:
        driver = Driver(connection)
        statements = _statements(driver.is_postgresql, can_know(self._store.tables))
        # In one go: most of what a few records cost is waiting for the database. Each of these reads what is committed
        # when its turn comes, so those behind the lock read what its last holder wrote; without it they say nothing.
        with driver.together():
            locked = driver.run(_TRY_LOCK) if driver.is_postgresql else None
            rows, states = driver.run(statements.waiting), driver.run(_STATE)
        if locked is not None and not locked.fetchall()[0][0]:
            return None
        taken: list[str] = []
        waiting: list[str] = []
        for pending_id, lines in rows.fetchall():
            taken.append(pending_id)
            waiting += lines.split("\n")
            if len(waiting) >= _RECORDS_AT_ONCE:
                break
        if own and (len(taken) == _PENDING_AT_ONCE or len(waiting) >= _RECORDS_AT_ONCE):
            return None  # more may wait, and that goes first
        waiting += own
        if not waiting:
            return 0
        by_id = left_of(driver, _by_id(waiting))
        records = [text for text, _ in by_id.values()]
        if not records:
            if taken:
                _delete(driver, taken)
            return 0
        last, *stored = states.fetchall()[0]
        head = Head(*stored) if stored[0] is not None else _NO_HEAD
        edge = self._edge if self._edge.note == head.note else _Edge(head.note, head.size, None, {})
        first = edge.size
        if last is not None and last >= first:
            raise FactsUnavailable("the log has records that no checkpoint counts: run `sealauthz audit verify`")
        tiles = Tiles(tile_fetcher(driver), edge.tiles)
        leaves = [leaf_hash(record.encode("ascii")) for record in in_turns(records, SHORT_TURN)]
        try:
            roots = edge.roots
            if roots is None:
                roots = [tiles.node(*subtree) for subtree in perfect_subtrees(0, first)]
            changed = tiles.append(first, leaves)
        except LookupError as error:
            raise FactsUnavailable("the log lacks hashes of its tree: run `sealauthz audit verify`") from error
        tree = Growing(first, roots)
        for leaf in leaves:
            tree.add(leaf)
        # Never earlier than before: places and times are in the same order.
        at = max(self._now(), head.at)
        checkpoint = Checkpoint(self._name, tree.size, tree.root)
        note = checkpoint.unsigned if self._signer is None else self._signer.sign(checkpoint)
        kept = {"period": max(at // PERIOD_US, head.period), "size": tree.size, "at": at, "note": note}
        if can_know(self._store.tables):
            late = late_from(at, (found.at for _, found in by_id.values()))
            kept |= {"late_from": late, "known_to": tree.size}
        with driver.together():
            _insert(driver, by_id, first, at)
            for (level, number), hashes in changed.items():
                driver.run(statements.tile, {"level": level, "number": number, "hashes": hashes})
            driver.run(statements.checkpoint, kept)
            if taken:
                _delete(driver, taken)
            end(connection)
        # If that was not committed, the newest checkpoint is another one.
        self._edge = _Edge(note, tree.size, tuple(tree.roots), tiles.edge(tree.size))
        return len(records)


class Sequencing:
    """Runs a sequencer in the background, from start to stop."""

    def __init__(self, sequencer: Sequencer, failed: Failed, every_s: float = EVERY_S) -> None:
        self._sequencer = sequencer
        self._every_s = every_s
        self.thread = Background("sequencer", self._step, failed)

    def start(self) -> None:
        """Begin."""
        self.thread.start()

    def stop(self) -> None:
        """Stop, and wait a little for a step under way: it holds a connection."""
        self.thread.stop()
        self.thread.join(5.0)

    def _step(self) -> None:
        began = time.monotonic()
        while not self.thread.is_stopping and self._sequencer.step():
            pass
        self.thread.goes_well()
        # A share of the time only: the thread competes with those that answer.
        self.thread.rest(max(self._every_s, time.monotonic() - began))


class _Statements(NamedTuple):
    any_waiting: str
    waiting: str
    tile: str
    checkpoint: str


@cache
def _statements(is_postgresql: bool, knows_late: bool) -> _Statements:
    pending, dialect = AUDIT_PENDING.c, dialect_of(is_postgresql)
    tile = dialect.insert(AUDIT_TILE)
    tile = tile.on_conflict_do_update(index_elements=["level", "number"], set_={"hashes": tile.excluded.hashes})
    checkpoint = dialect.insert(AUDIT_CHECKPOINT)
    kept, new = AUDIT_CHECKPOINT.c, checkpoint.excluded
    names: tuple[str, ...] = ("size", "at", "note")
    set_ = {name: new[name] for name in names}
    if knows_late:
        # Where others have written the checkpoint so far, nothing is known of it, and nothing will be.
        is_known, is_earlier = kept.known_to == kept.size, (kept.late_from <= new.late_from) | new.late_from.is_(None)
        set_["known_to"] = case((is_known, new.known_to), else_=kept.known_to)
        set_["late_from"] = case((is_earlier, kept.late_from), else_=new.late_from)
        names = (*names, "late_from", "known_to")
    checkpoint = checkpoint.on_conflict_do_update(index_elements=["period"], set_=set_)
    waiting = compiled(select(pending.id, pending.records).order_by(pending.id), is_postgresql)
    return _Statements(
        compiled(select(pending.id), is_postgresql) + " LIMIT 1",
        f"{waiting} LIMIT {_PENDING_AT_ONCE:d}",
        compiled(tile, is_postgresql, ("level", "number", "hashes")),
        compiled(checkpoint, is_postgresql, ("period", *names)),
    )


_Waiting = dict[str, tuple[str, FoundBy]]
"""Records by their ids, in order: the text of each, and by what it is found."""

_LeftOf = Callable[[Driver, _Waiting], _Waiting]
"""Returns which of these have no place yet."""


def _by_id(waiting: Sequence[str]) -> _Waiting:
    """Return what waits by the ids. Raises FactsUnavailable for another record under the id of one."""
    found: _Waiting = {}
    for text in in_turns(waiting, SHORT_TURN):
        try:
            by = found_by(text)
        except ValueError as error:
            raise FactsUnavailable("what waits for the log is no record") from error
        if found.setdefault(by.decision_id, (text, by))[0] != text:
            raise FactsUnavailable(f"two records have the id `{by.decision_id}`")
    return found


def _no_others(_driver: Driver, waiting: _Waiting) -> _Waiting:
    """Return all, unless one has its place: then the database raises IntegrityError."""
    return waiting


def _without_placed(driver: Driver, found: _Waiting) -> _Waiting:
    """Return those that have no place. Raises FactsUnavailable for another record under the id of one that has."""
    parameters = {"ids": ids_parameter(set(found), driver.is_postgresql)}
    for decision_id, text in driver.rows(_known_statement(driver.is_postgresql), parameters):
        if found.pop(decision_id)[0] != text:
            raise FactsUnavailable(f"two records have the id `{decision_id}`")
    return found


@cache
def _known_statement(is_postgresql: bool) -> str:
    row = AUDIT_LOG.c
    known = among(row.decision_id, "ids", is_postgresql)
    return compiled(select(row.decision_id, row.record).where(known), is_postgresql)


def _insert(driver: Driver, by_id: _Waiting, first: int, at: int) -> None:
    """Insert records at their places from a number on, and what finds them."""
    numbers, abouts = [], []
    for number, (_, by) in in_turns(enumerate(by_id.values(), first), SHORT_TURN):
        for each in by.about:
            numbers.append(number)
            abouts.append(each)
    if driver.is_postgresql:
        texts = (text for text, _ in by_id.values())
        records = {"first": first, "at": at, "ids": array_of(by_id), "records": array_of(texts)}
        found = {"abouts": array_of(abouts), "numbers": array_of(map(str, numbers))}
        driver.run(_INSERT, records | found)
        return
    rows = [(number, at, key, text) for number, (key, (text, _)) in enumerate(by_id.items(), first)]
    driver.run_each(_insert_statement(AUDIT_LOG), _named(AUDIT_LOG, rows))
    driver.run_each(_insert_statement(AUDIT_ABOUT), _named(AUDIT_ABOUT, zip(abouts, numbers, strict=True)))


def _named(table: Table, rows: Iterable[Iterable[object]]) -> list[dict[str, object]]:
    names = table.c.keys()
    return [dict(zip(names, row, strict=True)) for row in rows]


# One statement for all rows goes with what else is sent at once; COPY waits three times.
_INSERT = (
    "WITH placed AS (INSERT INTO audit_log (number, at, decision_id, record)"
    " SELECT %(first)s::bigint + n - 1, %(at)s::bigint, id, record"
    " FROM unnest(%(ids)s::text[], %(records)s::text[]) WITH ORDINALITY AS given(id, record, n))"
    " INSERT INTO audit_about (about, number)"
    " SELECT about, number FROM unnest(%(abouts)s::text[], %(numbers)s::bigint[]) AS given(about, number)"
)


@cache
def _insert_statement(table: Table) -> str:
    return compiled(insert(table), False, tuple(table.c.keys()))


def _delete(driver: Driver, taken: Iterable[str]) -> None:
    """Delete what waited."""
    statement = delete(AUDIT_PENDING).where(among(AUDIT_PENDING.c.id, "ids", driver.is_postgresql))
    driver.run(compiled(statement, driver.is_postgresql), {"ids": ids_parameter(taken, driver.is_postgresql)})


def head_of(driver: Driver) -> Head:
    """Return the newest checkpoint."""
    rows = driver.rows(_HEAD)
    return Head(*rows[0]) if rows else _NO_HEAD


@cache
def _tile_statement(is_postgresql: bool) -> str:
    row = AUDIT_TILE.c
    wanted = (row.level == bindparam("of_level")) & (row.number == bindparam("of_number"))
    return compiled(select(row.hashes).where(wanted), is_postgresql)


def tile_fetcher(driver: Driver) -> FetchTile:
    """Return what reads tiles in the transaction of a connection."""

    def fetch(level: int, number: int) -> bytes:
        rows = driver.rows(_tile_statement(driver.is_postgresql), {"of_level": level, "of_number": number})
        return bytes(rows[0][0]) if rows else b""

    return fetch
