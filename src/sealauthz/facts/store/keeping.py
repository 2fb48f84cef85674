"""How long history and answered requests are kept: what is older goes, the history into an archive first.

A revision is needed by watchers that were away, by lists that go on at it, and by audit. So the history is taken from
its old end only, never its newest revision, and each piece is in the archive before it is gone; the events and the
activity of a revision go with it. Keys of requests that are older than any repetition go, with what they performed,
except for those of open imports. An act that used up an assertion is forgotten only after a day that the facts
themselves have seen go by: by a clock that was ahead for a moment, the assertion would be new again when the clock is
right.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, delete, exists, func, not_, or_, select, tuple_

from sealauthz.facts.store.database import Database, look
from sealauthz.facts.store.importing import Part, open_imports
from sealauthz.facts.store.system_tables import (
    FACT_ACTIVITY,
    FACT_CHANGE,
    FACT_CHANGE_UNIT,
    FACT_EVENT,
    FACT_OPERATION,
    FACT_REQUEST,
)

LEAST_DAYS = 30
"""What is younger is never pruned: so long a watcher may be away, and a request be repeated."""

_HOUR = 3_600_000_000
_HOURS_SEEN = 24
"""In so many hours, one after the other, something was written since an act whose assertion is forgotten."""

_REVISIONS_AT_ONCE = 100
_REQUESTS_AT_ONCE = 1_000

Archive = Callable[[Sequence[str]], None]
"""Is given revisions as lines of JSON, oldest first, and returns once they are safe. It may be given some twice."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many revisions and how many keys of requests were pruned."""

    revisions: int
    requests: int


def prune(database: Database, before: int, archive: Archive | None) -> Pruned:
    """Prune what is older than an instant, piece by piece; without an archive, no history. Raises FactsUnavailable."""
    revisions = requests = 0
    while archive is not None:
        with database.write() as connection:
            look(connection, database.identity)
            some = _prune_history(connection, before, archive)
        revisions += some
        if some < _REVISIONS_AT_ONCE:
            break
    while True:
        with database.write() as connection:
            look(connection, database.identity)
            some = _prune_requests(connection, before)
        requests += some
        if some < _REQUESTS_AT_ONCE:
            return Pruned(revisions, requests)


def _prune_history(connection: Connection, before: int, archive: Archive) -> int:
    row = FACT_CHANGE.c
    newest = select(func.max(row.revision)).scalar_subquery()
    oldest_first = select(FACT_CHANGE).order_by(row.revision).limit(_REVISIONS_AT_ONCE)
    found = []
    for revision in connection.execute(oldest_first.where(row.revision < newest)).all():
        if revision.at >= before:
            break  # a piece from the old end, whatever clocks said since
        found.append(revision)
    if not found:
        return 0
    archive([json.dumps({**line._mapping, "changes": json.loads(line.changes)}, ensure_ascii=False) for line in found])
    last = found[-1].revision
    connection.execute(delete(FACT_CHANGE_UNIT).where(FACT_CHANGE_UNIT.c.revision <= last))
    for table in (FACT_EVENT, FACT_ACTIVITY):
        connection.execute(delete(table).where(table.c.revision <= last))
    connection.execute(delete(FACT_CHANGE).where(row.revision <= last))
    return len(found)


def _long_ago(connection: Connection) -> int:
    """Return the newest revision that is a day old whatever a clock said once; 0 where there is none.

    An hour counts once however far the clock went in it: between two revisions it may have been ahead.
    """
    row = FACT_CHANGE.c
    newest_first = select(row.revision, row.at).order_by(row.revision.desc()).limit(1)
    found = connection.execute(newest_first).first()
    for _ in range(_HOURS_SEEN):
        if found is None:
            return 0
        is_earlier = (row.revision < found.revision) & (row.at <= found.at - _HOUR)
        found = connection.execute(newest_first.where(is_earlier)).first()
    return found.revision if found is not None else 0


def _prune_requests(connection: Connection, before: int) -> int:
    row = FACT_REQUEST.c
    kept = [
        and_(
            row.caller == item.caller, row.request_id.startswith(Part(item.import_id, item.tenants, 0).request_id[:-1])
        )
        for item in open_imports(connection)
    ]
    old = select(row.caller, row.request_id).where(row.at > 0, row.at < before).limit(_REQUESTS_AT_ONCE)
    if kept:
        old = old.where(not_(or_(*kept)))
    used = FACT_OPERATION.c
    is_recent = used.assertion.is_not(None) & (used.revision > _long_ago(connection))
    is_its_own = (used.caller == row.caller) & (used.request_id == row.request_id)
    old = old.where(not_(exists().where(is_its_own & is_recent)))
    keys = [tuple(key) for key in connection.execute(old).all()]
    if keys:
        connection.execute(delete(FACT_REQUEST).where(tuple_(row.caller, row.request_id).in_(keys)))
        connection.execute(delete(FACT_OPERATION).where(tuple_(used.caller, used.request_id).in_(keys)))
    return len(keys)
