"""The revisions that this process follows: what is in memory at the newest one, and since when it has been so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sealauthz.facts.memory.entries import EntryCache
from sealauthz.facts.memory.lookups import LookUps
from sealauthz.facts.store.activations import Activated
from sealauthz.facts.store.history import Changed
from sealauthz.schema import Unit

_CHANGES_REMEMBERED = 4_096
_NEVER = float("-inf")


class Timeline:
    """One line of history, as far as this process follows it. Changed under the lock of the fact cache only.

    INVARIANT: what `cache` and `look_ups` hold was so at `revision`, and ever since their `since`; and no newer
    revision than `revision` was committed at the instant `confirmed_at`. `activated` has every activation of policies
    up to `revision`; None where that is not known.
    """

    __slots__ = (
        "_changed_at",
        "_kinds_changed_at",
        "_known_since",
        "activated",
        "cache",
        "confirmed_at",
        "look_ups",
        "mark",
        "name",
        "revision",
    )

    def __init__(
        self,
        name: str,
        revision: int,
        mark: tuple[Any, ...],
        budget: int,
        confirmed_at: float = _NEVER,
        activated: tuple[Activated, ...] | None = None,
    ) -> None:
        self.confirmed_at = confirmed_at
        self.activated = activated
        self.name = name
        self.revision = revision
        self.mark = mark
        self.cache = EntryCache(budget)
        self.look_ups = LookUps(budget, revision)
        self._changed_at: dict[Unit, int] = {}
        self._kinds_changed_at: dict[str, int] = {}
        self._known_since = revision

    def advance(
        self,
        revision: int,
        mark: tuple[Any, ...],
        changed: Iterable[Unit],
        rows: Iterable[Changed] | None = None,
        activated: tuple[Activated, ...] | None = None,
    ) -> None:
        """Stand at a newer revision, between which and the one before these units changed, and these rows in them.

        None for rows: it is not known which. `activated` are all activations, where there are new ones.
        """
        if activated is not None:
            # Before the revision: who reads the new one finds them, and who reads the old one passes over them.
            self.activated = activated
        for unit in changed:
            self.cache.drop_changed(unit, self.revision)
            self._changed_at[unit] = revision
            self._kinds_changed_at[unit.kind] = revision
        if len(self._changed_at) > _CHANGES_REMEMBERED:
            # In this order: what is no longer remembered must never pass for unchanged.
            self._known_since = revision
            self._changed_at = {}
        self.look_ups.advance(revision, rows)
        # Last: a reader of this revision must no longer find what was so before it.
        self.mark = mark
        self.revision = revision

    def same_since(self, unit: Unit) -> int:
        """Return a revision since which a unit is as it is now."""
        return self._changed_at.get(unit, self._known_since)

    def kind_same_since(self, kind: str) -> int:
        """Return a revision since which all units of a kind are as they are now."""
        return self._kinds_changed_at.get(kind, self._known_since)


class HomeIndex:
    """Where records are at home, remembered: those asked for again outlive those asked for once."""

    def __init__(self, room: int) -> None:
        self._room = room // 2
        self._young: dict[tuple[str, str], Unit] = {}
        self._old: dict[tuple[str, str], Unit] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, record_type: str, record_id: str) -> Unit | None:
        """Return the unit that a record was at home in when it was last looked up."""
        key = (record_type, record_id)
        found = self._young.get(key)
        if found is None:
            found = self._old.get(key)
            if found is not None:
                self.remember(record_type, record_id, found)
        return found

    def remember(self, record_type: str, record_id: str, unit: Unit) -> None:
        """Remember where a record is at home."""
        if len(self._young) >= self._room:
            self._old, self._young = self._young, {}
        self._young[record_type, record_id] = unit
