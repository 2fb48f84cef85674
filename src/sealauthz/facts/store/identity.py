"""Which store a database is, and whether its history still is the one that this process has seen.

A restore brings back what was true once. Announced (`sealauthz db restored`), it begins a new history. One that nobody
announced is recognised in the snapshot of every transaction, and then nothing is answered: by what was seen of the
history before, and on PostgreSQL by the row of the identity, which says in which database and by which transaction it
was written. A copy of the row, however it came there, was written by another one.

An announced restore leaves the store incomplete: what was written after the backup is missing. Facts can be written and
nothing is answered, until somebody completes it (`sealauthz db complete`). The column `origin` of the identity holds
this state, in front of where the row was written, so that every snapshot has it, and code that does not know it takes
the row for a copy.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sealauthz.facts.store.extensions import GENERATION
from sealauthz.facts.store.tables import Tables
from sealauthz.runtime.errors import FactsUnavailable, HistoryLost, RestoreIncomplete

SERVER = (
    "SELECT system_identifier::text || '/' || (SELECT oid FROM pg_database WHERE datname = current_database())"
    " FROM pg_control_system()"
)
"""Names a database of a PostgreSQL cluster. A connection stays with one."""

_ANNOUNCE = "and nobody announced it: run `sealauthz db restored`"

UNTRUSTED = "went back"
"""What a process writes in the place of the origin of a store that it has seen go back: no origin is like it."""

_RESTORED = re.compile(r"restored (\d+) (\d+) ")
_RESTORED_SQL = "coalesce(substring(origin from '^restored [0-9]+ [0-9]+ '), '')"

_SEEN = (
    "SELECT store_id, timeline_id, (SELECT version_num FROM alembic_version){generation}, {copied},"
    " revision, at, caller, request_id FROM store_identity"
    " LEFT JOIN (SELECT revision, at, caller, request_id FROM fact_change ORDER BY revision DESC LIMIT 1) AS newest"
    " ON TRUE"
)
_MARK = "SELECT at, caller, request_id FROM fact_change WHERE revision = {:d}"
_OLDEST = "SELECT min(revision) FROM fact_change"
_ORIGIN = f"({SERVER}) || '/' || pg_current_xact_id()::xid::text"


def seal_statement(is_postgresql: bool, serves_from: str) -> str:
    """Return the statement that writes down where the identity is written, if nobody has or it was so until now.

    A copy stays a copy, and a store that is incomplete stays so. `serves_from`: the schema of the oldest code that may
    serve, from now on.
    """
    sets = [f"serves_from = '{serves_from}'"]
    if is_postgresql:
        is_ours = f"origin IS NULL OR origin = {_RESTORED_SQL} || ({SERVER}) || '/' || store_identity.xmin::text"
        sets.append(f"origin = CASE WHEN {is_ours} THEN {_RESTORED_SQL} || {_ORIGIN} ELSE origin END")
    return f"UPDATE store_identity SET {', '.join(sets)}"  # noqa: S608 (of our own parts)


@dataclass(frozen=True, slots=True)
class Restored:
    """A restore that is not complete: the newest revision of the backup, and the size of its log of decisions."""

    revision: int
    log_size: int


def origin_statement(is_postgresql: bool, restored: Restored | None = None) -> str:
    """Return the statement that makes the store of this database the one to serve: incomplete where it was restored."""
    state = f"'restored {restored.revision:d} {restored.log_size:d} '" if restored else "''"
    return f"UPDATE store_identity SET origin = {state}{f' || {_ORIGIN}' if is_postgresql else ''}"  # noqa: S608 (of our own parts)


Row = tuple[Any, ...]


@cache
def catalog_statement(tables: Tables, is_postgresql: bool) -> str:
    """Return the query of which the one value changes when any table of the store gets other files."""
    if not is_postgresql:
        return "PRAGMA schema_version"
    names = ", ".join(f"'{table.name}'" for table in tables.metadata.sorted_tables)
    # From the catalog itself, which is read in the snapshot; functions would tell what is so now.
    return (
        "SELECT sum(hashint8extended(relfilenode::int8, oid::int8)) FROM pg_class WHERE relkind = 'r' AND relnamespace"  # noqa: S608 (names of ours)
        f" = (SELECT relnamespace FROM pg_class WHERE oid = 'store_identity'::regclass) AND relname IN ({names})"
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """The newest revision that a transaction saw: of which history, and what marks it (Nones before the first)."""

    timeline: str
    revision: int
    mark: tuple[Any, ...]
    restored: Restored | None = None

    def check_complete(self) -> None:
        """Raise RestoreIncomplete where what was written after a backup may be missing: nothing may be decided."""
        if self.restored is not None:
            raise RestoreIncomplete(INCOMPLETE)


INCOMPLETE = (
    "the facts were restored and are not complete: write again what is missing, then run `sealauthz db complete`"
)


class SchemaMoved(Exception):
    """The schema of the database is not the one that statements were made for: make them again."""


class Identity:
    """What this process knows of the store that a database is. Any thread may use it."""

    def __init__(self, is_postgresql: bool) -> None:
        self._is_postgresql = is_postgresql
        self._lock = threading.Lock()
        self._left: set[str] = set()
        self.store_id = ""
        self.schema = ""
        """The schema that the statements of this process are made for; empty before it is known."""
        self.is_extended = False
        """Whether the statements of this process are made for what was added to the database."""
        self.last = Seen("", 0, ())
        """The newest revision that any transaction has seen."""

    @property
    def statement(self) -> str:
        """The query that tells which store this is, and its newest revision."""
        written_by = " || store_identity.xmin::text" if self._is_postgresql else ""
        return _SEEN.format(
            copied=f"origin || '//'{written_by}",
            generation=f" || '+' || {GENERATION}" if self.is_extended else "",
        )

    def check(self, rows: Sequence[Row], known: Seen, server: str, fetch: Callable[[str], Sequence[Row]]) -> Seen:
        """Return what the query found. `known` was the last revision before the snapshot; `fetch` asks more of it.

        Raises SchemaMoved, FactsUnavailable; HistoryLost for facts that are not, or no longer, what they say that they
        are.
        """
        if len(rows) != 1:
            # A restore that is under way, or that left this table out: nobody can say what the rest is.
            raise FactsUnavailable("the database does not say which store it is; is it being restored?")
        store_id, timeline, schema, copied, revision, *mark = rows[0]
        if self.schema not in ("", schema):
            raise SchemaMoved
        if self.store_id not in ("", store_id):
            raise HistoryLost("the database is another store than the one that this process has opened")
        restored = None
        if copied is not None:
            origin, _, written_by = copied.partition("//")
            if found := _RESTORED.match(origin):
                restored = Restored(int(found[1]), int(found[2]))
                origin = origin[found.end() :]
            if origin != (f"{server}/{written_by}" if self._is_postgresql else ""):
                raise HistoryLost(f"the database was restored or copied, {_ANNOUNCE}")
        seen = Seen(timeline, revision or 0, tuple(mark), restored)
        if timeline in self._left:
            said = f"the facts are of a history that was left before: they were restored, {_ANNOUNCE}"
            raise HistoryLost(said, is_known_here_only=True)
        if timeline == known.timeline:
            _check_goes_on(seen, known, fetch)
        self._advance(known, seen)
        return seen

    def wrote(self, seen: Seen) -> None:
        """Take note of a revision that this process has committed."""
        with self._lock:
            if seen.timeline == self.last.timeline and seen.revision > self.last.revision:
                self.last = seen

    def _advance(self, known: Seen, seen: Seen) -> None:
        with self._lock:
            last = self.last
            if last.timeline == seen.timeline:
                if seen.revision > last.revision:
                    self.last = seen
            elif last is known:  # else another transaction has seen more since
                if last.timeline:
                    self._left.add(last.timeline)
                self.last = seen


def _check_goes_on(seen: Seen, known: Seen, fetch: Callable[[str], Sequence[Row]]) -> None:
    """Raise HistoryLost unless a history goes on from what is known of it."""
    if seen.revision < known.revision:
        said = f"the facts went back from revision {known.revision} to {seen.revision}: they were restored"
        raise HistoryLost(f"{said}, {_ANNOUNCE}", is_known_here_only=True)
    if known.revision == 0:
        return
    marks = [seen.mark] if seen.revision == known.revision else fetch(_MARK.format(known.revision))
    if not marks and fetch(_OLDEST)[0][0] > known.revision:
        return  # it was pruned, and all before it
    if not marks or tuple(marks[0]) != known.mark:
        said = f"the facts have another revision {known.revision}: they were restored, {_ANNOUNCE}"
        raise HistoryLost(said, is_known_here_only=True)
