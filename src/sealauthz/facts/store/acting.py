"""Writing what a decision rests on: nothing that the decision read may have changed by the time of the commit.

A decision reads one snapshot and notes what it found and what it missed. Under the lock under which revisions are given
out, its transaction looks at every revision since: where one of them touched what was read, the decision is made again.
Locks on rows only order the queue.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

from sqlalchemy import BigInteger, bindparam, case, func, literal_column, select

from sealauthz.facts.store.batch import Wanted, WriteReceipt
from sealauthz.facts.store.history import Changed, changes_in
from sealauthz.facts.store.identity import Seen
from sealauthz.facts.store.performed import used_up_statement
from sealauthz.facts.store.statements import Driver, compiled
from sealauthz.facts.store.system_tables import FACT_CHANGE, FACT_CHANGE_UNIT
from sealauthz.runtime.errors import AssertionNeeded
from sealauthz.schema import Unit

_MOST_REVISIONS = 500
_MOST_UNITS = 5_000
_MOST_CHARACTERS = 256 * 1024
"""Of the changes since the snapshot: above it, deciding again costs less than reading them."""


class Overtaken(Exception):
    """What the decision read has changed since: decide again."""


class Ended(Overtaken):
    """The time is over for which the decision, or the assertion that it rests on, holds: decide again."""


@dataclass(slots=True)
class Observed:
    """What a decision read: units and records, there or absent, and look-ups by values, whatever they found.

    `pages`: the types of which it read pages. `held` are those of the units that were found, as they were; a large one,
    which is changed in place later, is not among them.
    """

    units: set[Unit] = field(default_factory=set)
    records: set[tuple[str, str]] = field(default_factory=set)
    look_ups: set[tuple[str, tuple[tuple[str, str], ...]]] = field(default_factory=set)
    pages: set[str] = field(default_factory=set)
    held: dict[Unit, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)

    def may_be_touched_by(self, text: str) -> bool:
        """Tell whether the changes of a revision, as text, may be of a type that was looked for."""
        types = {*self.pages, *(key[0] for key in self.records), *(key[0] for key in self.look_ups)}
        return any(f'"{record_type}"' in text for record_type in types)

    def is_touched_by_any(self, units: Collection[Unit], changes: Iterable[Changed]) -> bool:
        """Tell whether what was read may be another after a write, which touched units and made changes."""
        return not self.units.isdisjoint(units) or any(map(self.is_touched_by, changes))

    def is_touched_by(self, changed: Changed) -> bool:
        """Tell whether a change may alter what was looked up, or makes or ends a record that was looked for."""
        if changed.record_type in self.pages or (changed.record_type, changed.id) in self.records:
            return True
        images = [image for image in (changed.before, changed.after) if image is not None]
        return any(
            record_type == changed.record_type and any(_may_match(image, values) for image in images)
            for record_type, values in self.look_ups
        )


def _may_match(image: Mapping[str, Any], values: tuple[tuple[str, str], ...]) -> bool:
    """Tell whether a record may be found by values; a column that an image does not hold may have any."""
    return all(name not in image or image[name] == value for name, value in values)


@dataclass(frozen=True, slots=True)
class UsedOnce:
    """A signed assertion that an act uses up: what stands for it, and the digest of the act."""

    assertion: str
    digest: str


@dataclass(frozen=True, slots=True)
class Basis:
    """What a decision rests on: a revision of a history, what it read there, until when it holds, and the policies.

    `until` is an instant. `has_same_policies` tells whether they are still those that decided. `once` is what no other
    act may have used up.
    """

    timeline: str
    revision: int
    observed: Observed
    until: int
    has_same_policies: Callable[[], bool]
    once: UsedOnce | None = None

    def ask(self, driver: Driver) -> Callable[[], Since]:
        """Ask what has changed since, under the lock of revisions; it is told once the pipeline is over."""
        asked = ask_since(driver, self.revision)
        if self.once is not None:
            asked.append(ask_used_up(driver, self.once))
        return lambda: Since(self.revision, *(cursor.fetchall() for cursor in asked))

    def check(self, since: Since, newest: Seen, now: int) -> None:
        """Raise Overtaken unless the decision still stands. Called under the lock of revisions.

        Raises AssertionNeeded where what it rests on was used up.
        """
        if newest.timeline != self.timeline or newest.revision < self.revision:
            raise Overtaken("the history is another one")
        newest.check_complete()
        if now >= self.until:
            raise Ended("the permission has ended")
        if not self.has_same_policies():
            raise Overtaken("the policies were replaced")
        if self.once is not None and since.used_up:
            raise AssertionNeeded("the assertion was used before: the person must sign another", self.once.digest)
        if newest.revision > self.revision:
            self._check_revisions(since, newest.revision)

    def _check_revisions(self, since: Since, newest: int) -> None:
        if newest - self.revision > _MOST_REVISIONS or len(since.units) > _MOST_UNITS:
            raise Overtaken("too much has changed to look at")
        units, base = self.observed.units, self.revision
        if any(revision > base and Unit(kind, unit_id) in units for revision, kind, unit_id in since.units):
            raise Overtaken("what the decision read has changed")
        if not since.is_whole(newest):
            raise Overtaken("what has changed is not kept, or too long to look at")
        for text in since.texts(self.revision):
            if self.observed.may_be_touched_by(text) and any(map(self.observed.is_touched_by, changes_in(text))):
                raise Overtaken("what the decision looked up has changed")


@dataclass(frozen=True, slots=True)
class Since:
    """What changed after revision `base`: the units of each revision, and from `base` on each revision with its mark
    and its changes as text. None stands for the text of `base` itself, and for those that are too long together.
    """

    base: int
    units: Sequence[tuple[int, str, str]]
    revisions: Sequence[tuple[Any, ...]]
    used_up: Sequence[Any] = ()
    """The operation that has used up what may be used once."""

    def is_whole(self, newest: int) -> bool:
        """Tell whether all that has changed until a revision is here."""
        later = [row for row in self.revisions if row[0] > self.base]
        numbers = range(self.base + 1, newest + 1)
        return [row[0] for row in later] == list(numbers) and all(row[4] is not None for row in later)

    def texts(self, revision: int) -> Iterator[str]:
        """Return the changes after a revision."""
        return (row[4] for row in self.revisions if row[0] > revision)

    def mark_of(self, revision: int) -> tuple[Any, ...] | None:
        """Return what marks a revision; None where that is not known."""
        if revision == 0:
            return (None, None, None)
        return next((tuple(row[1:4]) for row in self.revisions if row[0] == revision), None)


def ask_since(driver: Driver, revision: int) -> list[Any]:
    """Ask what has changed since a revision; return the cursors, whose rows are those of `Since`."""
    units, changes = _since_statements(driver.is_postgresql)
    parameters = {"revision": revision, "most": _MOST_CHARACTERS}
    return [driver.run(units, parameters), driver.run(changes, parameters)]


def ask_used_up(driver: Driver, once: UsedOnce) -> Any:
    """Ask which operation has used up what serves once; return the cursor."""
    return driver.run(used_up_statement(driver.is_postgresql), {"assertion": once.assertion})


@cache
def _since_statements(is_postgresql: bool) -> tuple[str, str]:
    """Return the statements that find the units changed after a revision, and the revisions from that one on."""
    unit, row = FACT_CHANGE_UNIT.c, FACT_CHANGE.c
    units = select(unit.revision, unit.kind, unit.id).where(unit.revision > bindparam("revision"))
    # PostgreSQL knows the bytes of a long text without reading it.
    size = func.octet_length(row.changes) if is_postgresql else func.length(row.changes)
    is_later = row.revision > bindparam("revision")
    until_here = func.sum(case((is_later, size), else_=literal_column("0"))).over(order_by=row.revision)
    text = case((is_later & (until_here <= bindparam("most", type_=BigInteger)), row.changes))
    changes = select(row.revision, row.at, row.caller, row.request_id, text)
    changes = changes.where(row.revision >= bindparam("revision")).order_by(row.revision)
    # Written by us: for SQLite, SQLAlchemy adds an offset as one more parameter.
    limits = _MOST_UNITS + 1, _MOST_REVISIONS + 2
    both = (compiled(statement, is_postgresql) for statement in (units.order_by(unit.revision), changes))
    first, second = (f"{text}\n LIMIT {most:d}" for text, most in zip(both, limits, strict=True))
    return first, second


class Conditions(Protocol):
    """What must hold at the commit of something; a `Basis`, where a decision is behind it."""

    @property
    def observed(self) -> Observed:
        """What was read for it."""

    def ask(self, driver: Driver) -> Callable[[], Since]:
        """Ask what there is to know, under the lock of revisions; it is told once the pipeline is over."""

    def check(self, since: Since, newest: Seen, now: int) -> None:
        """Raise unless what is intended may be committed."""


@dataclass(frozen=True, slots=True)
class Intended:
    """What a decision allows to be written, and what else its transaction keeps: `keep` gets the receipt to come, and
    returns compiled statements with their parameters, for PostgreSQL or for SQLite.

    `makes_revision`: it is a revision of its own even where it changes no fact, because people are told of it.
    """

    wanted: Wanted
    basis: Conditions
    keep: Callable[[bool, WriteReceipt], list[tuple[str, Mapping[str, Any]]]]
    makes_revision: bool = False
    touches: frozenset[Unit] = frozenset()
    """Units beside those of records that are another than before."""

    @property
    def known(self) -> Mapping[Unit, Mapping[str, Mapping[str, Any]]]:
        """The units that the decision read: none of them has changed, or it is decided again."""
        return self.basis.observed.held
