"""Colluders who are interchangeable: what one of them may do another may do too, with the same outcome.

Two people are, where the facts are the same with their ids in each other's place, and those of the records that are
theirs: then of two moves that differ in this alone one is enough. Columns that nobody reads may differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sealauthz.attack.moves import ActMove
from sealauthz.attack.views import Reads
from sealauthz.policytest.fixtures import FactSet
from sealauthz.schema import Change, Model, values_of


@dataclass(frozen=True, slots=True)
class Swap:
    """Two people who are interchangeable, and each id that takes the place of another with them."""

    first: str
    second: str
    ids: Mapping[str, str]

    def touches(self, changes: Iterable[Change]) -> bool:
        """Tell whether a change is about one of the two more than about the other."""
        images = (image for change in changes for image in (change.before, change.after) if image is not None)
        texts = [value for image in images for value in values_of(image) if isinstance(value, str)]
        return any(each in text for each in self.ids for text in texts)

    def makes_less_of(self, move: ActMove, colluders: tuple[str, ...]) -> bool:
        """Tell whether a move is another one, which comes before it, when the two take each other's place."""
        subject = move.asked.subject
        swapped = self.ids.get(subject, subject)
        if swapped != subject:
            return colluders.index(swapped) < colluders.index(subject)
        said = (move.asked.resource, move.asked.context, sorted(move.arguments.items()))
        return repr(self._in_place(said)) < repr(said)

    def _in_place(self, value: Any) -> Any:
        match value:
            case str():
                return self.ids.get(value, value)
            case list() | tuple():
                return type(value)(self._in_place(each) for each in value)
            case Mapping():
                return {name: self._in_place(each) for name, each in value.items()}
            case _:
                return value


def swaps_of(facts: FactSet, colluders: tuple[str, ...], reads: Reads, named: Collection[str]) -> tuple[Swap, ...]:
    """Return which colluders are interchangeable, two by two. `reads` is all that anybody reads, and all that is
    written; `named` are texts that rules and goals say, which have no such pair among them.
    """
    found = []
    for number, first in enumerate(colluders):
        for second in colluders[number + 1 :]:
            ids = _Pairing(facts, reads).ids(first, second)
            if ids and ids.keys().isdisjoint(named):
                found.append(Swap(first, second, ids))
    return tuple(found)


class _Pairing:
    """Finds which record takes the place of which, when two people take each other's place."""

    def __init__(self, facts: FactSet, reads: Reads) -> None:
        self._model: Model = facts.model
        self._records: list[Any] = facts.records
        self._reads = reads
        self._ids: dict[str, str] = {}

    def ids(self, first: str, second: str) -> Mapping[str, str] | None:
        """Return each id that takes the place of another; None where the facts are not the same then."""
        self._ids = {first: second, second: first}
        while self._paired():
            pass
        return self._ids if self._is_same() else None

    def _paired(self) -> bool:
        """Pair the next record that belongs to one of the two with that of the other."""
        for record in self._records:
            if record.id not in self._ids and self._seen(record) != self._seen(record, is_swapped=True):
                for other in self._records:
                    if other.id not in self._ids and self._seen(other) == self._seen(record, is_swapped=True):
                        self._ids[record.id], self._ids[other.id] = other.id, record.id
                        return True
        return False

    def _seen(self, record: Any, *, is_swapped: bool = False) -> tuple[Any, ...]:
        """What is read of a record beside its id, as it is or in its place."""
        name = type(record).__name__
        values = (
            getattr(record, column.name)
            for column in self._model.shapes[name].columns
            if column.name != "id" and (column.ref is not None or (name, column.name) in self._reads.columns)
        )
        if not is_swapped:
            return name, *values
        return name, *(self._ids.get(value, value) if isinstance(value, str) else value for value in values)

    def _is_same(self) -> bool:
        by_key = {(type(record).__name__, record.id): record for record in self._records}
        times = Counter(record.id for record in self._records)
        if any(times[each] != 1 for each in self._ids):
            return False  # an id in a text might be of either record
        for (name, record_id), record in by_key.items():
            other = by_key.get((name, self._ids.get(record_id, record_id)))
            if other is None or self._seen(other) != self._seen(record, is_swapped=True):
                return False
            if other is not record and not self._differ_freely(record, other):
                return False
        return True

    def _differ_freely(self, record: Any, other: Any) -> bool:
        """Tell whether what nobody reads is the same, or at least in no other record: then no constraint can tell."""
        name = type(record).__name__
        for column in self._model.shapes[name].columns:
            one, two = getattr(record, column.name), getattr(other, column.name)
            if (
                one == two
                or column.name == "id"
                or column.ref is not None
                or (name, column.name) in self._reads.columns
            ):
                continue
            held = Counter(getattr(each, column.name) for each in self._records if type(each).__name__ == name)
            if not (one and two) or held[one] != 1 or held[two] != 1:
                return False
        return True
