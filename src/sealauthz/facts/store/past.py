"""The past as the history tells it: what each record was before its first change after a revision.

The rows of the facts are those of now. What a record was at a revision is the image that its first change since then
left of it; a record that has not changed since is what it is now. Nothing here is guessed: where the history does not
reach back, or does not fit the rows, `PastUnknown` says so.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, bindparam, func, literal_column, select

from sealauthz.facts.store.database import ReadTransaction
from sealauthz.facts.store.history import Image
from sealauthz.facts.store.importing import ImportState, Part
from sealauthz.facts.store.rows import among, ids_parameter
from sealauthz.facts.store.statements import compiled
from sealauthz.facts.store.system_tables import FACT_CHANGE, FACT_CHANGE_UNIT, FACT_IMPORT
from sealauthz.runtime.errors import PastUnknown
from sealauthz.schema import Unit

Undone = Mapping[str, Mapping[str, Image | None]]
"""What records were at a revision, by type and id, of those that changed since; None where there was none."""

_FIRST_PAGE = 50
_AT_ONCE = 500
"""Revisions that are read at once, at first and at most."""

_LARGE_PAGE = 8 * 1024 * 1024
"""Above so many characters the next page is shorter: an import makes revisions of megabytes."""

_MOST_CHARACTERS = 512 * 1024 * 1024
_HEAD = re.compile(r'\{"type": "(\w+)", "id": ("(?:[^"\\]|\\.)*")')
"""How the change of a record begins, as it is written. No text within one can look like it: its quotes are escaped."""

_IMPORT, _BEHIND_IMPORTS = "import-", "import."


class UnitHistory:
    """The changes of the revisions that touched one unit, the oldest first, as text: most of them are never parsed."""

    def __init__(self) -> None:
        self._revisions: list[int] = []
        self._texts: list[str] = []
        self._last: tuple[int, Undone] | None = None
        self.characters = 0

    def add(self, revision: int, text: str) -> None:
        """Add the changes of one more revision."""
        self._revisions.append(revision)
        self._texts.append(text)
        self.characters += len(text)

    def undone(self, revision: int) -> Undone:
        """Return what the records that changed after a revision were at it."""
        if self._last is None or self._last[0] != revision:
            found: dict[str, dict[str, Image | None]] = defaultdict(dict)
            seen: set[tuple[str, ...]] = set()
            for text in self._texts[bisect_right(self._revisions, revision) :]:
                # Of a record only the first change counts, and the heads of changes tell whose they are.
                heads = _HEAD.findall(text)
                if not heads or not seen.issuperset(heads):
                    seen.update(heads)
                    for entry in json.loads(text):
                        found[entry["type"]].setdefault(entry["id"], entry["before"])
            self._last = revision, found
        return self._last[1]


class Past:
    """What one read transaction knows of the time before it, from the revision `floor` on.

    `go_on` is called before each page of history is read; what it raises ends the reading.
    """

    def __init__(self, transaction: ReadTransaction, floor: int, go_on: Callable[[], object] = lambda: None) -> None:
        self.transaction = transaction
        self.floor = floor
        self._go_on = go_on
        self._is_postgresql = transaction.is_postgresql
        self._units: dict[Unit, UnitHistory] = {}
        self._imports: dict[tuple[str, str], tuple[int, str]] | None = None
        self.oldest = self._check_whole()
        self.check_kept(floor)

    def _check_whole(self) -> int:
        """Return the oldest revision that is kept. Raises PastUnknown where one behind the floor is missing."""
        row = FACT_CHANGE.c
        oldest = select(func.min(row.revision)).scalar_subquery()
        behind = row.revision > bindparam("floor", type_=BigInteger)
        statement = select(func.count(), oldest).select_from(FACT_CHANGE).where(behind)
        rows = self.transaction.fetch(compiled(statement, self._is_postgresql), {"floor": self.floor})
        ((count, first),) = rows
        first = int(first or 1)
        if count != max(0, self.transaction.revision - max(self.floor, first - 1)):
            raise PastUnknown("GAP", "revisions are missing from the history of the facts")
        return first

    def check_kept(self, revision: int) -> None:
        """Raise PastUnknown for a revision from which on the history is not kept."""
        if revision > self.transaction.revision:
            raise PastUnknown("NOT_YET", f"there is no revision {revision} yet")
        if revision < self.oldest - 1:
            said = f"the changes after revision {revision} are no longer kept: the oldest that is kept is {self.oldest}"
            raise PastUnknown("PRUNED", said)

    def instant_of(self, revision: int) -> int:
        """Return when a revision was made, in microseconds. Raises PastUnknown where nothing tells."""
        found = self.transaction.fetch(_instant_statement(self._is_postgresql), {"revision": revision})
        if not found:
            said = f"it is not known when revision {revision} was made: name the time, too"
            raise PastUnknown("PRUNED" if revision else "NO_TIME", said)
        return int(found[0][0])

    def undone(self, kind: str, ids: Collection[str], revision: int) -> Mapping[str, Undone]:
        """Return for each unit of a kind what records were at a revision (from `floor` on), of those that changed in
        revisions that touched the unit.
        """
        missing = {each for each in ids if Unit(kind, each) not in self._units}
        if missing:
            self._read(kind, missing)
        return {each: self._units[Unit(kind, each)].undone(revision) for each in ids}

    def _read(self, kind: str, ids: Collection[str]) -> None:
        made = {each: UnitHistory() for each in ids}
        statement = _unit_statement(self._is_postgresql)
        named = ids_parameter(ids, self._is_postgresql)
        after, size = (self.floor, ""), _FIRST_PAGE
        while True:
            parameters = {"kind": kind, "ids": named, "since": after[0], "after": after[1], "size": size}
            rows = self._page(statement, parameters)
            for unit_id, revision, text in rows:
                made[unit_id].add(revision, text)
            if self.size + sum(history.characters for history in made.values()) > _MOST_CHARACTERS:
                raise PastUnknown("TOO_MUCH", "too much has changed since then to be held in memory")
            if len(rows) < size:
                break
            after, size = (rows[-1][1], rows[-1][0]), _next_size(size, sum(len(text) for _, _, text in rows))
        self._units.update({Unit(kind, each): history for each, history in made.items()})

    @property
    def size(self) -> int:
        """How many characters of changes are in memory."""
        return sum(history.characters for history in self._units.values())

    def before_next(self, record_type: str, record_id: str, revision: int) -> Image | None:
        """Return what a record was before its first change after a revision; None where it was not there.

        The whole history since then is looked through. Raises KeyError where nothing of it has changed.
        """
        for changed_id, before in self._changes_with([record_id], record_type, revision):
            if changed_id == record_id:
                return before
        raise KeyError(record_id)

    def held_before(self, record_type: str, values: Mapping[str, str], revision: int) -> set[str]:
        """Return the ids of records that may have held some values at a revision, of those that changed since then.

        The whole history since then is looked through.
        """
        return {
            changed_id
            for changed_id, before in self._changes_with([*values.values()], record_type, revision)
            if before is not None and all(before.get(name, value) == value for name, value in values.items())
        }

    def _changes_with(
        self, texts: Collection[str], record_type: str, revision: int
    ) -> Iterator[tuple[str, Image | None]]:
        """Yield the changes of records of a type in those revisions after one that hold all of some texts, in order.

        INVARIANT: no more than a page of revisions is in memory: a text may stand in all of them.
        """
        names = [f"text{number}" for number in range(len(texts))]
        statement = _texts_statement(len(names), self._is_postgresql)
        # As the images are written.
        parameters = dict(zip(names, (json.dumps(text, ensure_ascii=False) for text in texts), strict=True))
        after, size = revision, _FIRST_PAGE
        while rows := self._page(statement, {**parameters, "since": after, "size": size}):
            size = _next_size(size, sum(len(text) for _, text in rows))
            for after, text in rows:  # noqa: B007 (goes on behind the last)
                yield from (
                    (entry["id"], entry["before"]) for entry in json.loads(text) if entry["type"] == record_type
                )

    def _page(self, statement: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        self._go_on()
        return self.transaction.fetch(statement, parameters)

    def check_not_imported(self, unit: Unit, revision: int) -> None:
        """Raise PastUnknown if a unit was being imported at a revision, or may have been: it was not decided on then.

        From the first part of an import that touched the unit to the last, nobody was answered about it.
        """
        if self._imports is None:
            rows = self.transaction.fetch(_imports_statement(self._is_postgresql), {})
            self._imports = {(caller, import_id): (at, state) for caller, import_id, at, state in rows}
        if not self._imports:
            return
        parameters = {"kind": unit.kind, "unit": unit.id, "least": _IMPORT, "most": _BEHIND_IMPORTS}
        touches: dict[tuple[str, str], list[int]] = defaultdict(list)
        for number, caller, request_id in self.transaction.fetch(_touches_statement(self._is_postgresql), parameters):
            touches[caller, request_id.rsplit("-", 1)[0].removesuffix("-release")].append(number)
        oldest_at = self.instant_of(self.oldest) if self.oldest > 1 else 0
        for (caller, import_id), (at, state) in self._imports.items():
            found = touches.get((caller, _name_of(import_id)))
            if found is None:
                continue
            first = 0 if at <= oldest_at else found[0]  # parts of before what is kept are not seen
            if first <= revision and (state == ImportState.OPEN or revision < found[-1]):
                # Which they are is not said: the one who asks may not know what it rests on.
                raise PastUnknown("BEING_IMPORTED", f"facts of it were being imported at revision {revision}")


def revision_at(transaction: ReadTransaction, instant: int) -> int:
    """Return the newest revision at an instant, in microseconds; 0 before the first. Raises PastUnknown."""
    statement = _instant_statement(transaction.is_postgresql)
    oldest = select(func.min(FACT_CHANGE.c.revision))
    ((first,),) = transaction.fetch(compiled(oldest, transaction.is_postgresql), {})
    low, high = int(first or 1) - 1, transaction.revision  # instants never go back as revisions go on
    while low < high:
        middle = (low + high + 1) // 2
        found = transaction.fetch(statement, {"revision": middle})
        if not found:
            raise PastUnknown("GAP", "revisions are missing from the history of the facts")
        low, high = (middle, high) if found[0][0] <= instant else (low, middle - 1)
    if low and low < int(first or 1):
        raise PastUnknown("PRUNED", f"the history of that time is no longer kept: the oldest revision kept is {first}")
    return low


def _next_size(size: int, characters: int) -> int:
    """Return how many revisions to read next, after so many that had so many characters."""
    return max(size // 4, 1) if characters > _LARGE_PAGE else min(size * 2, _AT_ONCE)


def _name_of(import_id: str) -> str:
    """Return how the requests of an import begin."""
    return Part(import_id, frozenset(), 0).request_id.rsplit("-", 1)[0]


@cache
def _instant_statement(is_postgresql: bool) -> str:
    row = FACT_CHANGE.c
    return compiled(select(row.at).where(row.revision == bindparam("revision", type_=BigInteger)), is_postgresql)


@cache
def _unit_statement(is_postgresql: bool) -> str:
    row, touched = FACT_CHANGE.c, FACT_CHANGE_UNIT.c
    since = bindparam("since", type_=BigInteger)
    is_behind = (touched.revision > since) | ((touched.revision == since) & (touched.id > bindparam("after")))
    statement = (
        select(touched.id, touched.revision, row.changes)
        .join_from(FACT_CHANGE_UNIT, FACT_CHANGE, touched.revision == row.revision)
        .where(touched.kind == bindparam("kind"), among(touched.id, "ids", is_postgresql))
        .where(touched.revision >= since, is_behind)
        .order_by(touched.revision, touched.id)
    )
    return _a_page_of(compiled(statement, is_postgresql), is_postgresql)


@cache
def _texts_statement(count: int, is_postgresql: bool) -> str:
    row = FACT_CHANGE.c
    place = func.strpos if is_postgresql else func.instr
    statement = select(row.revision, row.changes).where(row.revision > bindparam("since", type_=BigInteger))
    for number in range(count):
        statement = statement.where(place(row.changes, bindparam(f"text{number}")) > literal_column("0"))
    return _a_page_of(compiled(statement.order_by(row.revision), is_postgresql), is_postgresql)


def _a_page_of(statement: str, is_postgresql: bool) -> str:
    # By hand: of SQLAlchemy's own, SQLite's has an offset whose value is not in the text.
    return f"{statement}\n LIMIT {'%(size)s' if is_postgresql else ':size'}"


@cache
def _imports_statement(is_postgresql: bool) -> str:
    row = FACT_IMPORT.c
    return compiled(select(row.caller, row.import_id, row.at, row.state), is_postgresql)


@cache
def _touches_statement(is_postgresql: bool) -> str:
    row, touched = FACT_CHANGE.c, FACT_CHANGE_UNIT.c
    statement = (
        select(row.revision, row.caller, row.request_id)
        .join_from(FACT_CHANGE_UNIT, FACT_CHANGE, touched.revision == row.revision)
        .where(touched.kind == bindparam("kind"), touched.id == bindparam("unit"))
        .where(row.request_id > bindparam("least"), row.request_id < bindparam("most"))
        .order_by(row.revision)
    )
    return compiled(statement, is_postgresql)
