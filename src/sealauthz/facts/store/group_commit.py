"""Group commit: acts that come at the same time share one transaction of PostgreSQL, its round trips and its flush.

While one thread writes, the acts of the others gather. Who leads next writes them all: each act with a revision of its
own, validated against its own decision, answered after the commit. They go together only where no two of them lock the
same root, so that none of them would have waited for another. An act whose key or roots are not free, that meets a rule
or changes nothing leaves the group, and is written by its own thread in a transaction of its own, which waits, retries
and says what is wrong: no act waits here for what concerns another one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cache

from sqlalchemy import Connection, bindparam, delete, literal_column
from sqlalchemy.exc import IntegrityError

from sealauthz.facts.store.acting import Basis, Intended, Overtaken, Since, ask_since, ask_used_up
from sealauthz.facts.store.batch import Wanted, WriteReceipt
from sealauthz.facts.store.database import Database, announced, end, look
from sealauthz.facts.store.engine import LOCK_TIMEOUT_S
from sealauthz.facts.store.identity import SchemaMoved, Seen
from sealauthz.facts.store.locking import lock_free_roots, lock_revisions
from sealauthz.facts.store.performed import Statement
from sealauthz.facts.store.rows_together import SETTINGS as OF_ROWS
from sealauthz.facts.store.rows_together import RowsTogether, keep_together, take_keys
from sealauthz.facts.store.statements import Driver, compiled
from sealauthz.facts.store.system_tables import FACT_REQUEST
from sealauthz.facts.store.writing import NOTIFY, Write
from sealauthz.runtime.errors import SealAuthzError
from sealauthz.schema import Changes, Unit

MOST_ACTS = 16
"""So many acts share a transaction at most: under the lock of revisions, others wait for all of them."""

_MOST_CHANGES = 50
"""An act that changes more has a transaction of its own."""

_MOST_BEHIND = 100
"""So too does one whose decision rests on a revision as old: all would read what has changed since."""

_ROUNDS = 2
"""So often a group is tried, the second time without those that had to leave it."""

_TURNS = 3
"""So often an act waits for the next group, because the one before has locked what it locks."""

SETTINGS = "; SET LOCAL plan_cache_mode = force_generic_plan"
"""For the statements of acts: they look for a few rows by their ids, and to plan them again costs as much as to run
them.
"""

_BRIEFLY = f"{SETTINGS}{OF_ROWS}; SET LOCAL lock_timeout = '100ms'"
_PATIENTLY = f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'"

Tell = Callable[[Write, Wanted, WriteReceipt], None]


@cache
def _give_back() -> str:
    """Return the statement that gives back the key of a request that was taken in this transaction."""
    key = FACT_REQUEST.c
    is_ours = (
        (key.caller == bindparam("caller"))
        & (key.request_id == bindparam("request_id"))
        & (key.revision == literal_column("0"))
    )
    return compiled(delete(FACT_REQUEST).where(is_ours), True)


class _Left(Exception):
    """Some acts had to leave the group after rows of theirs were written: begin again without them."""


class _Nobody(Exception):
    """All acts had to leave the group: nothing is left to be committed."""


class _Turn:
    """An act that waits to be written. Its outcome is None where it has to be written on its own."""

    def __init__(self, intended: Intended, tenants: frozenset[str] | None) -> None:
        self.intended = intended
        self.tenants = tenants
        self.outcome: WriteReceipt | Overtaken | None = None
        self.is_alone = False
        self.leads = False
        self.turns = 0
        self.homes: set[Unit] = set()
        self._woken = threading.Lock()
        self._woken.acquire()

    @property
    def key(self) -> tuple[str, str]:
        return self.intended.wanted.batch.caller, self.intended.wanted.batch.request_id

    @property
    def basis(self) -> Basis:
        basis = self.intended.basis
        if not isinstance(basis, Basis):
            raise TypeError("only what a decision is behind is written in a group")
        return basis

    def wait(self) -> None:
        self._woken.acquire()

    def wake(self) -> None:
        self._woken.release()

    def has_read(self, write: Write) -> bool:
        """Tell whether what the decision read is another after a write."""
        return self.basis.observed.is_touched_by_any(write.units, write.changed)


class _Member:
    """An act in a transaction that it shares."""

    def __init__(self, turn: _Turn, write: Write) -> None:
        self.turn = turn
        self.write = write
        self.changes = Changes(())
        self.text = ""
        self.kept: list[Statement] = []


class _Group:
    """Acts that share one transaction."""

    def __init__(self, database: Database, connection: Connection, now: Callable[[], int]) -> None:
        self._connection = connection
        self._driver = Driver(connection)
        self._tables, self._identity = database.tables, database.identity
        self._now = now
        self._returned: list[tuple[str, str]] = []
        self._rows = RowsTogether(connection, self._tables)
        self.members: list[_Member] = []

    def admit(self, turns: Sequence[_Turn]) -> list[_Turn]:
        """Let in the acts that have nothing to wait for from each other; return the others."""
        later: list[_Turn] = []
        locked: set[Unit] = set()
        keys: set[tuple[str, str]] = set()
        used: set[str] = set()
        for turn in turns:
            wanted, once = turn.intended.wanted, turn.basis.once
            write = Write(
                self._connection,
                self._tables,
                self._identity,
                wanted,
                self._now,
                turn.tenants,
                None,
                False,
                intended=turn.intended,
            )
            write.tries_what_is_refused = False
            turn.is_alone = True
            with suppress(Exception):  # whatever it is, its own thread finds it, and says so
                turn.homes = write.homes()
                turn.is_alone = False
            if turn.is_alone:
                continue
            if turn.homes & locked or turn.key in keys or (once is not None and once.assertion in used):
                later.append(turn)
                continue
            locked |= turn.homes
            keys.add(turn.key)
            if once is not None:
                used.add(once.assertion)
            self.members.append(_Member(turn, write))
        return later

    def take(self) -> None:
        """Take the keys and the roots of all, in one order for everybody; who does not get theirs leaves the group."""
        with self._driver.together():
            in_order = sorted(self.members, key=lambda member: member.turn.key)
            taking = take_keys(self._driver, [member.write.key_row for member in in_order])
            locking = lock_free_roots(self._driver, self._tables, set().union(*map(self._roots, in_order)))
        locked, taken = locking(), set(taking.fetchall())
        for member in list(self.members):
            if member.turn.key not in taken:
                self._part(member, has_key=False)
            elif not self._roots(member) <= locked:
                self._part(member)

    def work_out(self) -> list[_Turn]:
        """Work out what each changes; return those whose decision has read what one before them changes."""
        later: list[_Turn] = []
        staying: list[_Member] = []
        for member in list(self.members):
            if any(member.turn.has_read(other.write) for other in staying):
                self._part(member, is_alone=False)
                later.append(member.turn)
                continue
            changes = None
            with suppress(Exception):  # as above
                changes = member.write.work_out(member.turn.homes)
            if changes is None:
                self._part(member)
                continue
            member.changes, member.text = changes, member.write.text
            staying.append(member)
        return later

    def commit(self) -> list[WriteReceipt]:
        """Write the rows of all, give each a revision, and commit. Raises _Left, and what a write raises."""
        base = min(member.turn.basis.revision for member in self.members)
        with self._driver.together():
            for caller, request_id in self._returned:
                self._driver.run(_give_back(), {"caller": caller, "request_id": request_id})
            self._rows.write([member.changes for member in self.members])
            self._driver.run(_PATIENTLY)
            lock_revisions(self._connection)
            looking = look(self._connection, self._identity)
            asked = ask_since(self._driver, base)
            used = {
                member.turn.key: ask_used_up(self._driver, once)
                for member in self.members
                if (once := member.turn.basis.once) is not None
            }
        self._rows.check_deleted()
        newest = looking()
        since = Since(base, *(cursor.fetchall() for cursor in asked))
        for member in self.members:
            with self._leaves(member):
                cursor = used.get(member.turn.key)
                found = since if cursor is None else replace(since, used_up=cursor.fetchall())
                member.turn.basis.check(found, newest, self._now())
        self._check_all_stay()
        receipts = self._receipts(newest)
        self._check_all_stay()
        self.members[0].write.since = since
        with self._driver.together():
            self._rows.stamp([receipt.revision for receipt in receipts])
            self._keep(receipts)
            end(self._connection)
        for member in self.members:
            member.write.is_revision = True
        return receipts

    def _keep(self, receipts: Sequence[WriteReceipt]) -> None:
        """Keep what all have changed, touched and leave beside the facts, and answer their requests."""
        kept: list[Statement] = []
        units: list[dict[str, object]] = []
        answers: list[dict[str, object]] = []
        for member, receipt in zip(self.members, receipts, strict=True):
            kept += (*member.write.history(receipt, member.text), *member.kept)
            units += ({"revision": receipt.revision, "kind": kind, "id": id_} for kind, id_ in member.write.units)
            caller, request_id = member.turn.key
            answered = {"revision": receipt.revision, "at": receipt.at}
            answers.append({"caller": caller, "request_id": request_id, **answered})
        said = announced(receipts[-1].timeline, receipts[-1].revision)
        keep_together(self._driver, kept, units, answers, (NOTIFY, {"said": said}))

    def _receipts(self, newest: Seen) -> list[WriteReceipt]:
        """Give each act the next revision, and have it say what it keeps."""
        receipts = []
        for member in self.members:
            write = member.write
            receipt = write.receipt_after(newest)
            write.before = newest.mark
            with self._leaves(member):
                member.kept = member.turn.intended.keep(True, receipt)
            newest = Seen(receipt.timeline, receipt.revision, (receipt.at, *member.turn.key))
            receipts.append(receipt)
        return receipts

    def _check_all_stay(self) -> None:
        """Raise _Left where one has to leave."""
        if any(member.turn.is_alone or member.turn.outcome is not None for member in self.members):
            raise _Left

    @contextmanager
    def _leaves(self, member: _Member) -> Iterator[None]:
        """Let an act leave the group where it fails: to be decided again, or to fail on its own."""
        is_well = False
        with suppress(Exception):
            try:
                yield
                is_well = True
            except Overtaken as error:
                member.turn.outcome = error
        if not is_well and member.turn.outcome is None:
            member.turn.is_alone = True

    def _part(self, member: _Member, *, has_key: bool = True, is_alone: bool = True) -> None:
        """Let an act leave before anything of it was written; its key is free again once the others are committed."""
        self.members.remove(member)
        member.turn.is_alone = is_alone
        if has_key:
            self._returned.append(member.turn.key)

    def _roots(self, member: _Member) -> set[Unit]:
        """Return the roots that an act needs locked; one that it makes is not there yet."""
        root_of, made = self._tables.model.units.root_of, member.turn.intended.wanted.puts
        return {unit for unit in member.turn.homes if (root_of[unit.kind], unit.id) not in made}


class GroupCommit:
    """Writes the acts of one process on PostgreSQL. Any thread may use it. `tell` is told of each that is committed."""

    def __init__(self, database: Database, now: Callable[[], int], tell: Tell) -> None:
        self._database = database
        self._now = now
        self._tell = tell
        self._lock = threading.Lock()
        self._is_led = False
        self._waiting: deque[_Turn] = deque()

    def can_take(self, intended: Intended) -> bool:
        """Tell whether an act may share a transaction."""
        basis = intended.basis
        if not isinstance(basis, Basis) or len(intended.wanted.keys) > _MOST_CHANGES:
            return False
        last = self._database.identity.last
        return last.timeline == basis.timeline and last.revision - basis.revision <= _MOST_BEHIND

    def write(self, intended: Intended, tenants: frozenset[str] | None, queued: set[Unit]) -> WriteReceipt | None:
        """Write an act, with those of others that come meanwhile. Returns its receipt once it is committed.

        None where it has to be written on its own; nothing of it was. The units whose roots it locks come to `queued`.
        Raises Overtaken.
        """
        turn = _Turn(intended, tenants)
        with self._lock:
            turn.leads = not self._is_led
            self._is_led = True
            if not turn.leads:
                self._waiting.append(turn)
        if not turn.leads:
            turn.wait()
        if turn.leads:
            self._lead(turn)
        queued |= turn.homes
        if isinstance(turn.outcome, Overtaken):
            raise turn.outcome
        return turn.outcome

    def _lead(self, own: _Turn) -> None:
        """Write the acts that have gathered, and hand over to one that has come since."""
        with self._lock:
            group = [own]
            while self._waiting and len(group) < MOST_ACTS:
                group.append(self._waiting.popleft())
        again: list[_Turn] = []
        try:
            again = self._write_all(group)
        finally:
            self._hand_over([turn for turn in group if turn is not own], [turn for turn in again if turn is not own])

    def _hand_over(self, group: Sequence[_Turn], again: Sequence[_Turn]) -> None:
        with self._lock:
            self._waiting.extendleft(reversed(again))
            following = self._waiting.popleft() if self._waiting else None
            self._is_led = following is not None
        if following is not None:
            following.leads = True
            following.wake()
        for turn in group:
            if turn not in again:
                turn.wake()

    def _write_all(self, group: Sequence[_Turn]) -> list[_Turn]:
        """Write acts, in a transaction or two; return those that wait for the next."""
        for _ in range(_ROUNDS):
            later: list[_Turn] = []
            try:
                self._write_together(group, later)
            except _Left:
                group = [turn for turn in group if turn.outcome is None and not turn.is_alone]
                continue
            except (SealAuthzError, IntegrityError, SchemaMoved):
                return []  # each on its own: that tells whose it was, and what
            except _Nobody:
                pass
            for turn in later:
                turn.turns += 1
            return [turn for turn in later if turn.outcome is None and turn.turns < _TURNS]
        return []

    def _write_together(self, turns: Sequence[_Turn], later: list[_Turn]) -> None:
        """Write acts in one transaction. Those that wait for the next come to `later`. Raises _Left, _Nobody, and what
        a write raises.
        """
        with self._database.write(_BRIEFLY) as connection:
            group = _Group(self._database, connection, self._now)
            later += group.admit(turns)
            if group.members:
                group.take()
                later += group.work_out()
            if not group.members:
                raise _Nobody
            receipts = group.commit()
        with self._lock:
            waiting = [*later, *self._waiting]
            for member, receipt in zip(group.members, receipts, strict=True):
                member.turn.outcome = receipt
                for turn in waiting:
                    if turn.outcome is None and turn.basis.revision < receipt.revision and turn.has_read(member.write):
                        turn.outcome = Overtaken("what the decision read has changed")
            overtaken = [turn for turn in self._waiting if turn.outcome is not None]
            self._waiting = deque(turn for turn in self._waiting if turn.outcome is None)
        for turn in overtaken:
            turn.wake()
        for member, receipt in zip(group.members, receipts, strict=True):
            self._tell(member.write, member.turn.intended.wanted, receipt)
