"""Whom and what answers are about, as the facts have it: remembered for as long as these are the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sealauthz.audit.record import NOBODY, Concerned, look_up
from sealauthz.facts.memory.snapshot import FactSnapshot
from sealauthz.schema import Model

_MOST_KNOWN = 20_000


class _Known:
    """What one revision of a timeline says of single records. Who looks one up again finds the same, so that several
    threads may.
    """

    __slots__ = ("alike", "of", "parts")

    def __init__(self, timeline: str, revision: int) -> None:
        self.of = timeline, revision
        self.parts: dict[tuple[str, str], Concerned] = {}
        self.alike: dict[Concerned, Concerned] = {}
        """Those that say the same are the same."""


class Concerning:
    """Looks up what answers name. Any thread may use it."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._known = _Known("", -1)  # replaced as one: other threads use it

    def of_each(self, answers: Sequence[Iterable[tuple[str, str]]], snapshot: FactSnapshot) -> list[Concerned]:
        """Return what a snapshot says of what each answer names, by type and id. Raises FactsUnavailable."""
        known = self._known
        if (snapshot.timeline, snapshot.revision) != known.of or len(known.parts) > _MOST_KNOWN:
            self._known = known = _Known(snapshot.timeline, snapshot.revision)
        return [self._of_one(named, known, snapshot) for named in answers]

    def remembered(self, named: Iterable[tuple[str, str]], timeline: str, revision: int) -> Concerned | None:
        """Return what a revision says of what one answer names, without a look-up; None where that takes one."""
        known = self._known
        if known.of != (timeline, revision):
            return None
        found = NOBODY
        for key in named:
            part = known.parts.get(key)
            if part is None:
                return None
            found = _together(found, part)
        return found

    def _of_one(self, named: Iterable[tuple[str, str]], known: _Known, snapshot: FactSnapshot) -> Concerned:
        found = NOBODY
        for key in named:
            part = known.parts.get(key)
            if part is None:
                part = look_up(self._model, [key], snapshot)
                known.parts[key] = part = known.alike.setdefault(part, part)
            found = _together(found, part)
        return found


def _together(found: Concerned, part: Concerned) -> Concerned:
    # Most often one of them tells all there is to tell.
    if part is found or part is NOBODY:
        return found
    if found is NOBODY:
        return part
    if part.missing or not part.tenants <= found.tenants:
        return Concerned(found.missing | part.missing, found.tenants | part.tenants)
    return found
