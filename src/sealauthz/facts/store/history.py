"""History: what each revision changed, read in order from the images that its transaction left."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import case, func, select

from sealauthz.facts.store.database import ReadTransaction, translated
from sealauthz.facts.store.system_tables import FACT_CHANGE
from sealauthz.runtime.errors import RevisionGone, RevisionUnknown

_PAGE_CHARACTERS = 256 * 1024
"""Of the changes in one page, unless it is a single revision: an import makes large ones."""

_decode = json.JSONDecoder().raw_decode
_BETWEEN = re.compile(r"\s*[\[,]\s*")

Image = Mapping[str, Any]
"""The columns of a record, without the personal ones and those that did not exist yet."""


@dataclass(frozen=True, slots=True)
class Changed:
    """One record before and after a revision; None where it did not exist.

    `concerned_before` and `concerned_after` are the tenants that it concerned then; None where nobody wrote down.
    """

    record_type: str
    id: str
    before: Image | None
    after: Image | None
    concerned_before: frozenset[str] | None
    concerned_after: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Revision:
    """What one transaction changed, and when, in microseconds. `text` is None where it is large and was left out.

    INVARIANT: it holds the changes as text, which is a small part of what they take when they are parsed.
    """

    number: int
    at: int
    text: str | None = field(repr=False)

    @property
    def changes(self) -> Iterator[Changed]:
        """The changes, parsed one at a time, each time again. Raises ValueError where they are left out or broken."""
        if self.text is None:
            raise ValueError(f"the changes of revision {self.number} are left out")
        return changes_in(self.text)


@dataclass(frozen=True, slots=True)
class Page:
    """Revisions that follow each other. `newest` is the last there was, `newest_at` when it was made (0: never)."""

    timeline: str
    revisions: tuple[Revision, ...]
    newest: int
    newest_at: int


def read_changes(
    transaction: ReadTransaction, after: int, limit: int, timeline: str = "", largest: int | None = None
) -> Page:
    """Read the revisions after one, at most `limit` (from 1) of them. `after` below 0 stands for the newest.

    The changes of a revision that are longer than `largest` are left out. Raises RevisionUnknown, RevisionGone.
    """
    if timeline and timeline != transaction.timeline:
        raise RevisionUnknown("the revision is of a history that was restored away")
    if after > transaction.revision:
        raise RevisionUnknown(f"there is no revision {after} yet")
    if after < 0:
        after = transaction.revision
    row = FACT_CHANGE.c
    # PostgreSQL knows the bytes of a long text without reading it.
    size = func.octet_length(row.changes) if transaction.is_postgresql else func.length(row.changes)
    changes = row.changes if largest is None else case((size <= largest, row.changes))
    newest = select(row.at).where(row.revision == transaction.revision)
    sizes = select(row.revision, size).where(row.revision > after).order_by(row.revision)
    with translated("read"):
        newest_at = transaction.connection.execute(newest).scalar() or 0
        # Row by row: SQLite reads a text to measure it, and those behind the page need not be.
        with transaction.connection.execute(sizes.limit(limit)) as measured:
            last = _last_of_page(measured, after, largest)
        if last == after and after < transaction.revision:
            raise RevisionGone(f"the changes after revision {after} are no longer kept", is_pruned=True)
        rows = select(row.revision, row.at, changes).where(row.revision.between(after + 1, last))
        found = transaction.connection.execute(rows.order_by(row.revision)).all() if last > after else []
    return Page(transaction.timeline, tuple(Revision(*row) for row in found), transaction.revision, newest_at)


def _last_of_page(sizes: Iterable[Any], after: int, largest: int | None) -> int:
    """Return the last of the revisions that follow without a gap and are together not too large; at least one."""
    last, room = after, _PAGE_CHARACTERS
    for revision, size in sizes:
        read = size if largest is None or size <= largest else 0
        if revision != last + 1 or (room < read and last > after):
            break
        last, room = revision, room - read
    return last


def changes_in(text: str) -> Iterator[Changed]:
    """Parse the changes of a revision, one at a time. Raises ValueError."""
    return map(changed_of, _entries(text))


def _entries(text: str) -> Iterator[Any]:
    """Parse the entries of a list one by one: at once, a large one would hold up every thread, and be held as a whole.

    Raises ValueError.
    """
    at = 0
    while between := _BETWEEN.match(text, at):
        at = between.end()
        if text.startswith("]", at):
            break
        entry, at = _decode(text, at)
        yield entry
    if text[at:].strip() != "]":
        raise ValueError("the list does not end")


def changed_of(entry: Mapping[str, Any]) -> Changed:
    """Return a change as its image tells it."""
    concerned = (_tenants(entry.get(f"enterprises_{when}")) for when in ("before", "after"))
    return Changed(entry["type"], entry["id"], entry["before"], entry["after"], *concerned)


def _tenants(found: list[str] | None) -> frozenset[str] | None:
    return None if found is None else frozenset(found)
