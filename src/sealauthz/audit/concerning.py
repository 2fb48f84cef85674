"""Whom and what answers are about, as the facts have it: remembered for as long as these are the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sealauthz.audit.record import NOBODY, Concerned, look_up
from sealauthz.facts.memory.snapshot import FactSnapshot
from sealauthz.schema import Model

_MOST_KNOWN = 20_000


class Concerning:
    """Looks up what answers name. For one thread at a time."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._of: tuple[str, int] = "", -1  # the timeline, and its revision
        self._known: dict[tuple[str, str], Concerned] = {}
        self._alike: dict[Concerned, Concerned] = {}
        """Those that say the same are the same."""

    def of_each(self, answers: Sequence[Iterable[tuple[str, str]]], snapshot: FactSnapshot) -> list[Concerned]:
        """Return what a snapshot says of what each answer names, by type and id. Raises FactsUnavailable."""
        now = snapshot.timeline, snapshot.revision
        if now != self._of or len(self._known) > _MOST_KNOWN:
            self._of, self._known, self._alike = now, {}, {}
        return [self._of_one(named, snapshot) for named in answers]

    def _of_one(self, named: Iterable[tuple[str, str]], snapshot: FactSnapshot) -> Concerned:
        found = NOBODY
        for key in named:
            part = self._known.get(key)
            if part is None:
                part = look_up(self._model, [key], snapshot)
                self._known[key] = part = self._alike.setdefault(part, part)
            if part is found or part is NOBODY:
                continue
            # Most often one of them tells all there is to tell.
            if found is NOBODY:
                found = part
            elif part.missing or not part.tenants <= found.tenants:
                found = Concerned(found.missing | part.missing, found.tenants | part.tenants)
        return found
