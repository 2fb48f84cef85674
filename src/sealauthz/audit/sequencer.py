"""The sequencer: gives the records that wait their places in the log, and says by a checkpoint how far it has come.

Any number of processes may have one; a lock of the database lets one work at a time. A step is one transaction, so that
after a crash each record either waits or has its place: none is lost, and none has two.

INVARIANT: a checkpoint is signed only for a tree that extends, by records that were hashed here, the one that this
process signed or verified last. A tree of another process is verified by the signature of its checkpoint and the proof
that it extends ours; the first tree of a process, by that signature and the newest checkpoint of the anchor.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from typing import NamedTuple

from sqlalchemy import Connection, Table, bindparam, case, delete, insert, literal_column, select, update
from sqlalchemy.exc import IntegrityError

from sealauthz.audit.continuity import NO_EDGE, Edge, Known, LogTampered, extended, signed_checkpoint
from sealauthz.audit.finding import FoundBy, found_by
from sealauthz.audit.lateness import PERIOD_US, late_from
from sealauthz.audit.merkle import Growing, leaf_hash
from sealauthz.audit.note import Checkpoint, Signer, check_name, read_checkpoint
from sealauthz.audit.posting import AnchorRefused
from sealauthz.audit.record import event_record
from sealauthz.audit.tiles import FetchTile, Tiles
from sealauthz.facts.store.database import end
from sealauthz.facts.store.rows import among, ids_parameter
from sealauthz.facts.store.statements import Driver, array_of, compiled, dialect_of
from sealauthz.facts.store.store import Store, now_us
from sealauthz.facts.store.sweep import Report
from sealauthz.facts.store.system_tables import (
    AUDIT_ABOUT,
    AUDIT_CHECKPOINT,
    AUDIT_LOG,
    AUDIT_PENDING,
    AUDIT_TILE,
    TEXT,
)
from sealauthz.facts.store.waiting import FIRST_HELD, is_vouched
from sealauthz.runtime.background import SHORT_TURN, Background, Failed, in_turns
from sealauthz.runtime.errors import FactsUnavailable

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

CHECK_EVERY_S = 5.0
"""So often the log is verified that others may have extended: what is remembered of it is no older."""

RESUMED = "Resumed"
"""The kind of the record that says that an operator accepted the log as it was then."""

ABOUT_RESUMED = "Log:resumed"
"""What such a record is about: it is found by that."""

Anchor = Callable[[], Checkpoint | None]
"""Returns the newest checkpoint that was kept outside of the database. Raises AnchorRefused."""


_HELD = "no process vouches for records that wait: they are held back (`sealauthz audit held`)"


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


class _Found(NamedTuple):
    """The newest checkpoint, where the log grows, and rows that wait: the id of each, and its records."""

    head: Head
    edge: Edge
    pending: Sequence[tuple[str, str]]


class _Done(NamedTuple):
    """How many records got places (None: it was not done), and where the log grows now, as far as that was verified."""

    placed: int | None
    edge: Edge | None


def _unreported(_event: str, _numbers: Mapping[str, object], _error: BaseException | None) -> None:
    pass


class Sequencer:
    """Sequences the log of one store under its name. Without a signer its checkpoints are unsigned.

    With an `anchor`, the log that it finds first must extend the newest checkpoint kept there. Where the store has a
    key for what waits (`Store.pending_key`), rows that no process vouches for are held back.
    """

    def __init__(
        self,
        store: Store,
        name: str,
        signer: Signer | None = None,
        now: Callable[[], int] = now_us,
        anchor: Anchor | None = None,
        report: Report = _unreported,
    ) -> None:
        check_name(name)
        self._store = store
        self._name = name
        self._signer = signer
        self._now = now
        self._anchor = anchor
        self._report = report
        self._working = threading.Lock()
        self._edge: Edge | None = None  # of the log that was signed or verified last; None before the first
        self.problem = ""
        """Why nothing is signed, as the stored log is not the one that was signed; empty if nothing is wrong."""

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
            return bool(driver.rows(_statements(driver.is_postgresql).any_waiting))

    def check(self) -> None:
        """Verify that the stored log is one that this process may extend. Raises LogTampered, FactsUnavailable."""
        self._worked(self._checked)

    def _checked(self, connection: Connection, anchored: Checkpoint | None) -> _Done:
        found = self._found(Driver(connection), anchored)
        return _Done(None, None if found is None else found.edge)

    def resume(self) -> Checkpoint | None:
        """Accept the stored log as it is, no matter who signed its newest checkpoint, and record that: the log goes on
        from there. Return the checkpoint that was accepted; None where this log signed it, and nothing is done.

        The stored hashes must be those of that checkpoint, and it must extend the newest one of the anchor. Raises
        LogTampered where that is not so, and FactsUnavailable.
        """
        anchored = self._anchored()
        with self._store.plain_connection() as connection:
            driver = Driver(connection)
            head = head_of(driver)
            try:
                self._edge = self._verified(driver, head, anchored)
            except LogTampered:
                self._edge = self._verified(driver, head, anchored, accepts_any=True)
            else:
                return None
        size, root = self._edge.size, self._edge.root
        self.drain()
        said = event_record(RESUMED, self._now(), resource=ABOUT_RESUMED, count=size, root_sha256=root.hex())
        if not self.place([said]):
            raise FactsUnavailable("another process gives places, or too much waits: stop it, and resume again")
        return Checkpoint(self._name, size, root)

    def _integrate(self, left_of: _LeftOf, own: Sequence[str] = ()) -> int | None:
        """Give places; return to how many records, and None where `own` got none."""
        return self._worked(partial(self._place, left_of, own))

    def _worked(self, work: Callable[[Connection, Checkpoint | None], _Done]) -> int | None:
        """Work on the log in a transaction, and remember where it grows; return to how many records places were given.

        None where another thread works. Raises LogTampered, which is reported when it is another one than before.
        """
        if not self._working.acquire(blocking=False):
            return None
        try:
            anchored, tampered = self._anchored(), None
            with self._store.writing() as connection:
                try:
                    done = work(connection, anchored)
                except LogTampered as error:
                    # Nothing was written. It is raised once the transaction has ended: who reports it may take long.
                    tampered = error
            if tampered is not None:
                if str(tampered) != self.problem:
                    self.problem = str(tampered)
                    self._report("audit_tampered", {}, tampered)
                raise tampered
            # Where it is unknown whether that was committed, the next step verifies what it finds.
            self._edge = self._edge if done.edge is None else done.edge
            return done.placed
        finally:
            self._working.release()

    def _anchored(self) -> Checkpoint | None:
        """Return the newest checkpoint of the anchor, until the log was verified first. Call it before the newest
        checkpoint of the database is read: that one is never older. Raises FactsUnavailable.
        """
        if self._edge is not None or self._anchor is None:
            return None
        try:
            return self._anchor()
        except AnchorRefused as error:
            raise FactsUnavailable(f"the log cannot be compared with its anchor: {error}") from error

    def _verified(self, driver: Driver, head: Head, anchored: Checkpoint | None, *, accepts_any: bool = False) -> Edge:
        """Return where the stored log grows, if it is one to extend. Raises LogTampered.

        `anchored` is the newest checkpoint of the anchor. Who signed the head does not matter if it `accepts_any`.
        """
        before = self._edge
        if before is not None and before.note == head.note:
            return before
        known = [] if before is None else [Known(before.size, before.root, "as this process remembers")]
        if anchored is not None:
            known.append(Known(anchored.size, anchored.root, "by the newest checkpoint of the anchor"))
        checkpoint = signed_checkpoint(head.note, self._signer, accepts_any=accepts_any) if head.note else None
        return extended(head.note, checkpoint, known, Tiles(tile_fetcher(driver)))

    def _found(self, driver: Driver, anchored: Checkpoint | None) -> _Found | None:
        """Return the stored log, locked until the transaction ends, and what waits; None where another process has the
        lock. Raises LogTampered where it is not one to extend.
        """
        statements = _statements(driver.is_postgresql)
        expected = self._edge or NO_EDGE
        # In one go: most of what a few records cost is waiting for the database. Each of these reads what is committed
        # when its turn comes, so those behind the lock read what its last holder wrote; without it they say nothing.
        with driver.together():
            locked = driver.run(_TRY_LOCK) if driver.is_postgresql else None
            pending, states = driver.run(statements.waiting), driver.run(_STATE)
            tiles = {place: driver.run(statements.stored_tile, _of_tile(*place)) for place in expected.tiles}
        # All of it: on SQLite, a statement that is not read to its end keeps a lock, for as long as an error is kept.
        waiting, ((last, *newest),) = pending.fetchall(), states.fetchall()
        stored = {place: rows.fetchall() for place, rows in tiles.items()}
        if locked is not None and not locked.fetchall()[0][0]:
            return None
        head = Head(*newest) if newest[0] is not None else _NO_HEAD
        edge = self._verified(driver, head, anchored)
        if edge is expected and stored != {place: [(hashes,)] for place, hashes in edge.tiles.items()}:
            raise LogTampered("the stored hashes are not those of the newest checkpoint")
        if (-1 if last is None else last) != edge.size - 1:
            places = "no record" if last is None else f"records to {last}"
            raise LogTampered(f"the log has {places}, and its newest checkpoint counts {edge.size}")
        self.problem = ""
        return _Found(head, edge, waiting)

    def _place(
        self, left_of: _LeftOf, own: Sequence[str], connection: Connection, anchored: Checkpoint | None
    ) -> _Done:
        driver = Driver(connection)
        statements = _statements(driver.is_postgresql)
        found = self._found(driver, anchored)
        if found is None:
            return _Done(None, None)
        head, edge = found.head, found.edge
        first = edge.size
        key = self._store.pending_key()
        held: list[str] = []
        taken: list[str] = []
        waiting: list[str] = []
        for pending_id, lines in found.pending:
            if key and not is_vouched(pending_id, lines, key):
                held.append(pending_id)
                continue
            taken.append(pending_id)
            waiting += lines.split("\n")
            if len(waiting) >= _RECORDS_AT_ONCE:
                break
        if held:
            mark = f"-{uuid.uuid4()}"  # or else somebody could have taken the id before
            driver.run(statements.hold, {"ids": ids_parameter(held, driver.is_postgresql), "mark": mark})
            self._report("audit_held", {"writes": len(held)}, FactsUnavailable(_HELD))
        if own and (len(taken) + len(held) == _PENDING_AT_ONCE or len(waiting) >= _RECORDS_AT_ONCE):
            return _Done(None, edge)  # more may wait, and that goes first
        waiting += own
        if not waiting:
            return _Done(0, edge)
        by_id = left_of(driver, _by_id(waiting))
        records = [text for text, _ in by_id.values()]
        if not records:
            if taken:
                _delete(driver, taken)
            return _Done(0, edge)
        tiles = Tiles(tile_fetcher(driver), edge.tiles)
        leaves = [leaf_hash(record.encode("ascii")) for record in in_turns(records, SHORT_TURN)]
        changed = tiles.append(first, leaves)
        tree = Growing(first, edge.roots)
        for leaf in leaves:
            tree.add(leaf)
        # Never earlier than before: places and times are in the same order.
        at = max(self._now(), head.at)
        checkpoint = Checkpoint(self._name, tree.size, tree.root)
        note = checkpoint.unsigned if self._signer is None else self._signer.sign(checkpoint)
        late = late_from(at, (found.at for _, found in by_id.values()))
        period = max(at // PERIOD_US, head.period)
        kept = {"period": period, "size": tree.size, "at": at, "note": note, "late_from": late}
        grown = Edge(note, tree.size, tuple(tree.roots), tiles.edge(tree.size))
        with driver.together():
            _insert(driver, by_id, first, at)
            for (level, number), hashes in changed.items():
                driver.run(statements.tile, {"level": level, "number": number, "hashes": hashes})
            driver.run(statements.checkpoint, kept)
            if taken:
                _delete(driver, taken)
            end(connection)
        return _Done(len(records), grown)


class Sequencing:
    """Runs a sequencer in the background, from start to stop."""

    def __init__(
        self,
        sequencer: Sequencer,
        failed: Failed,
        every_s: float = EVERY_S,
        check_every_s: float = CHECK_EVERY_S,
    ) -> None:
        self._sequencer = sequencer
        self._every_s = every_s
        self._check_every_s = check_every_s
        self._check_at = 0.0  # of the steady clock
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
        if began >= self._check_at:
            self._sequencer.check()
            self._check_at = began + self._check_every_s
        while not self.thread.is_stopping and self._sequencer.step():
            pass
        self.thread.goes_well()
        # A share of the time only: the thread competes with those that answer.
        self.thread.rest(max(self._every_s, time.monotonic() - began))


class _Statements(NamedTuple):
    any_waiting: str
    waiting: str
    hold: str
    stored_tile: str
    tile: str
    checkpoint: str


@cache
def _statements(is_postgresql: bool) -> _Statements:
    pending, dialect = AUDIT_PENDING.c, dialect_of(is_postgresql)
    tile = dialect.insert(AUDIT_TILE)
    tile = tile.on_conflict_do_update(index_elements=["level", "number"], set_={"hashes": tile.excluded.hashes})
    checkpoint = dialect.insert(AUDIT_CHECKPOINT)
    kept, new = AUDIT_CHECKPOINT.c, checkpoint.excluded
    set_ = {name: new[name] for name in ("size", "at", "note")}
    is_earlier = (kept.late_from <= new.late_from) | new.late_from.is_(None)
    set_["late_from"] = case((is_earlier, kept.late_from), else_=new.late_from)
    checkpoint = checkpoint.on_conflict_do_update(index_elements=["period"], set_=set_)
    is_due = pending.id < literal_column(f"'{FIRST_HELD}'", TEXT)
    waiting = compiled(select(pending.id, pending.records).where(is_due).order_by(pending.id), is_postgresql)
    hold = update(AUDIT_PENDING).where(among(pending.id, "ids", is_postgresql))
    hold = hold.values(id=literal_column(f"'{FIRST_HELD}'", TEXT) + pending.id + bindparam("mark", type_=TEXT))
    return _Statements(
        compiled(select(pending.id).where(is_due), is_postgresql) + " LIMIT 1",
        f"{waiting} LIMIT {_PENDING_AT_ONCE:d}",
        compiled(hold, is_postgresql),
        _tile_statement(is_postgresql),
        compiled(tile, is_postgresql, ("level", "number", "hashes")),
        compiled(checkpoint, is_postgresql, ("period", *set_)),
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


def _of_tile(level: int, number: int) -> dict[str, int]:
    return {"of_level": level, "of_number": number}


def tile_fetcher(driver: Driver) -> FetchTile:
    """Return what reads tiles in the transaction of a connection."""

    def fetch(level: int, number: int) -> bytes:
        rows = driver.rows(_tile_statement(driver.is_postgresql), _of_tile(level, number))
        # SQLite keeps any value in any column, and a text is no hash.
        return rows[0][0] if rows and isinstance(rows[0][0], bytes) else b""

    return fetch
