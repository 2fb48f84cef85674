"""What acts alter, as far as a search has found it: all else is taken to stay as it is."""

from __future__ import annotations

from collections.abc import Iterable

from sealauthz.attack.touching import Place, Trace, What
from sealauthz.attack.world import World
from sealauthz.schema import Change, Model


class Altered:
    """What acts that were found change, make and delete. `first` is the world before any of them."""

    def __init__(self, model: Model, first: World) -> None:
        self._model = model
        self._first = first
        self._columns: set[tuple[str, str]] = set()
        """The columns of records that are there which acts changed."""
        self._made: set[str] = set()
        self._gone: set[str] = set()
        """The types of which records came, and went."""
        self._joined: set[tuple[str, str]] = set()
        """The columns by which a record that came names one that was there before."""

    def learn(self, changes: Iterable[Change]) -> bool:
        """Take note of what an act changes; tell whether some of it was taken to stay as it is."""
        before = self._learned
        changes = tuple(changes)
        came = {(each.record_type, each.id) for each in changes if each.before is None}
        for change in changes:
            if change.before is None:
                self._made.add(change.record_type)
                columns = self._model.shapes[change.record_type].columns
                self._joined |= {
                    (change.record_type, each.name)
                    for each in columns
                    if each.ref is not None
                    and (named := getattr(change.after, each.name)) is not None
                    and (each.ref, named) not in came
                }
            elif change.after is None:
                self._gone.add(change.record_type)
            else:
                columns = self._model.shapes[change.record_type].columns
                self._columns |= {
                    (change.record_type, each.name)
                    for each in columns
                    if getattr(change.before, each.name) != getattr(change.after, each.name)
                }
        return self._learned > before

    @property
    def _learned(self) -> int:
        return len(self._columns) + len(self._made) + len(self._gone) + len(self._joined)

    def is_lasting(self, trace: Trace) -> bool:
        """Tell whether no act alters what an answer rests on."""
        return all(map(self.stays, trace.rested | trace.passed | trace.walked))

    def stays(self, place: Place) -> bool:
        """Tell whether no act alters what is read at a place."""
        what = place[0]
        if what is What.SCAN or what is What.HOLDING:
            # A member comes by an act that makes it beside what it names, or that lets it name something else.
            is_same = what is What.SCAN or (place[1], place[4]) not in self._columns
            key = place[1:3]
            return is_same and not (key in self._joined or place[1] in self._gone or key in self._columns)
        if what is What.SOME:
            return not (
                place[1] in self._made or place[1] in self._gone or any(each == place[1] for each, _ in self._columns)
            )
        if what is What.ONE:
            return place[1] not in self._gone
        return place[0] not in self._gone and (place[0], place[2]) not in self._columns

    def is_no_matter(self, place: Place) -> bool:
        """Tell whether a place is one of a record that was there from the beginning, and stays as it is."""
        if place[0] is What.SCAN or place[0] is What.HOLDING:
            return self.stays(place)
        return type(place[0]) is str and place[:2] in self._first and self.stays(place)
