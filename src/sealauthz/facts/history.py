"""History: what each revision changed, read in order from the images that its transaction left."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from sealauthz.errors import RevisionGone, RevisionUnknown
from sealauthz.facts.database import Snapshot, translated
from sealauthz.facts.tables import FACT_CHANGE

_PAGE_CHARACTERS = 2_000_000
"""Of the changes in one page, unless it is a single revision: an import makes large ones."""

Image = Mapping[str, Any]
"""The columns of a record, without the personal ones and those that did not exist yet."""


@dataclass(frozen=True, slots=True)
class Changed:
    """One record before and after a revision; None where it did not exist.

    `concerned_before` and `concerned_after` are the enterprises that it concerned then; None where nobody wrote down.
    """

    record_type: str
    id: str
    before: Image | None
    after: Image | None
    concerned_before: frozenset[str] | None
    concerned_after: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Revision:
    """What one transaction changed, and when, in microseconds."""

    number: int
    at: int
    changes: tuple[Changed, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Revisions that follow each other. `newest` is the last there was, `newest_at` when it was made (0: never)."""

    timeline: str
    revisions: tuple[Revision, ...]
    newest: int
    newest_at: int


def read_changes(snapshot: Snapshot, after: int, limit: int, timeline: str = "") -> Page:
    """Read the revisions after one, at most `limit` (from 1) of them. `after` below 0 stands for the newest.

    Raises RevisionUnknown, RevisionGone.
    """
    if timeline and timeline != snapshot.timeline:
        raise RevisionUnknown("the revision is of a history that was restored away")
    if after > snapshot.revision:
        raise RevisionUnknown(f"there is no revision {after} yet")
    if after < 0:
        after = snapshot.revision
    row = FACT_CHANGE.c
    newest = select(row.at).where(row.revision == snapshot.revision)
    sizes = select(row.revision, func.length(row.changes)).where(row.revision > after).order_by(row.revision)
    with translated("read"):
        newest_at = snapshot.connection.execute(newest).scalar() or 0
        last = _last_of_page(snapshot.connection.execute(sizes.limit(limit)).all(), after)
        if last == after and after < snapshot.revision:
            raise RevisionGone(f"the changes after revision {after} are no longer kept", is_pruned=True)
        rows = select(row.revision, row.at, row.changes).where(row.revision.between(after + 1, last))
        found = snapshot.connection.execute(rows.order_by(row.revision)).all() if last > after else []
    return Page(snapshot.timeline, tuple(map(_revision, found)), snapshot.revision, newest_at)


def _last_of_page(sizes: Iterable[Any], after: int) -> int:
    """Return the last of the revisions that follow without a gap and are together not too large; at least one."""
    last, room = after, _PAGE_CHARACTERS
    for revision, size in sizes:
        if revision != last + 1 or (room < size and last > after):
            break
        last, room = revision, room - size
    return last


def _revision(row: Any) -> Revision:
    return Revision(row.revision, row.at, tuple(map(_changed, json.loads(row.changes))))


def _changed(entry: Mapping[str, Any]) -> Changed:
    return Changed(
        entry["type"],
        entry["id"],
        entry["before"],
        entry["after"],
        _enterprises(entry.get("enterprises_before")),
        _enterprises(entry.get("enterprises_after")),
    )


def _enterprises(found: list[str] | None) -> frozenset[str] | None:
    return None if found is None else frozenset(found)
