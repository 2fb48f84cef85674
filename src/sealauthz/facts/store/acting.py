"""Writing what a decision rests on: nothing that the decision read may have changed by the time of the commit.

A decision reads one snapshot and notes what it found and what it missed. Under the lock under which revisions are given
out, its transaction looks at every revision since: where one of them touched what was read, the decision is made again.
Locks on rows only order the queue.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, func, select

from sealauthz.errors import AssertionNeeded
from sealauthz.facts.store.batch import Wanted, WriteReceipt
from sealauthz.facts.store.history import Changed, changes_in
from sealauthz.facts.store.identity import Seen
from sealauthz.facts.store.performed import is_used_up
from sealauthz.facts.store.tables import FACT_CHANGE, FACT_CHANGE_UNIT
from sealauthz.schema import Unit

_MOST_REVISIONS = 500
_MOST_CHARACTERS = 256 * 1024
"""Of the changes since the snapshot: above it, deciding again costs less than reading them."""


class Overtaken(Exception):
    """What the decision read has changed since: decide again."""


@dataclass(slots=True)
class Observed:
    """What a decision read: units and records, there or absent, and look-ups by values, whatever they found.

    `pages`: the types of which it read pages.
    """

    units: set[Unit] = field(default_factory=set)
    records: set[tuple[str, str]] = field(default_factory=set)
    look_ups: set[tuple[str, tuple[tuple[str, str], ...]]] = field(default_factory=set)
    pages: set[str] = field(default_factory=set)

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

    def check(self, connection: Connection, newest: Seen, now: int) -> None:
        """Raise Overtaken unless the decision still stands. Called under the lock of revisions.

        Raises AssertionNeeded where what it rests on was used up.
        """
        if newest.timeline != self.timeline or newest.revision < self.revision:
            raise Overtaken("the history is another one")
        if now >= self.until:
            raise Overtaken("the permission has ended")
        if not self.has_same_policies():
            raise Overtaken("the policies were replaced")
        if self.once is not None and is_used_up(connection, self.once.assertion):
            raise AssertionNeeded("the assertion was used before: the person must sign another", self.once.digest)
        if newest.revision > self.revision:
            self._check_revisions(connection, newest.revision)

    def _check_revisions(self, connection: Connection, newest: int) -> None:
        if newest - self.revision > _MOST_REVISIONS:
            raise Overtaken("too much has changed to look at")
        unit = FACT_CHANGE_UNIT.c
        touched = select(unit.kind, unit.id).where(unit.revision > self.revision).distinct()
        if any(Unit(kind, unit_id) in self.observed.units for kind, unit_id in connection.execute(touched)):
            raise Overtaken("what the decision read has changed")
        row = FACT_CHANGE.c
        since = row.revision > self.revision
        sizes = select(func.count(), func.coalesce(func.sum(func.length(row.changes)), 0)).where(since)
        count, characters = connection.execute(sizes).one()
        if count != newest - self.revision or characters > _MOST_CHARACTERS:
            raise Overtaken("what has changed is not kept, or too long to look at")
        for (text,) in connection.execute(select(row.changes).where(since)):
            if any(map(self.observed.is_touched_by, changes_in(text))):
                raise Overtaken("what the decision looked up has changed")


@dataclass(frozen=True, slots=True)
class Intended:
    """What a decision allows to be written, and what else its transaction keeps: `keep` gets the receipt to come.

    `makes_revision`: it is a revision of its own even where it changes no fact, because people are told of it.
    """

    wanted: Wanted
    basis: Basis
    keep: Callable[[Connection, WriteReceipt], None]
    makes_revision: bool = False
