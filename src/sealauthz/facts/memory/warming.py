"""Warming up: what questions need is in memory before the first call, as far as it fits.

First the tenants, in the order of their ids. Then what waits for somebody: the shared roots of which a record that
concerns subjects is not in a final state, as a contract with an open task, and those subjects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from sealauthz.facts.memory.snapshot import FactSnapshot
from sealauthz.runtime.errors import FactNotLoaded
from sealauthz.schema import Model, Unit
from sealauthz.schema.rules import Life

_AT_ONCE = 100


class Answering(Protocol):
    """Does some work on a snapshot, perhaps several times."""

    def __call__(self, work: Callable[[FactSnapshot], int]) -> int:
        """Return what the work returns."""


def warm_up(model: Model, answer: Answering, has_room: Callable[[], bool]) -> int:
    """Load what questions need until there is no more room; return how many of it are tenants.

    Raises FactsUnavailable.
    """
    tenants = _warm_tenants(model, answer, has_room)
    for record_type, state in waiting(model):
        _warm_waiting(model, answer, has_room, record_type, state)
    return tenants


def waiting(model: Model) -> Iterator[tuple[str, str]]:
    """Yield the types of records within shared roots that are related to subjects, each with its states that are not
    final.
    """
    units = model.units
    for name, shape in model.shapes.items():
        is_within = name not in units.roots and units.root_of[units.home_kind(name)] in units.shared
        if is_within and not shape.related_to.keys().isdisjoint(units.subjects):
            for life in shape.rules_of(Life):
                words = shape.column(life.column).words
                if life.column == "state" and words is not None:
                    yield from ((name, str(word)) for word in words if life.reachable(word))


def _warm_tenants(model: Model, answer: Answering, has_room: Callable[[], bool]) -> int:
    tenant, loaded = model.tenant, 0
    kind, ids = model.units.roots[tenant], [""]

    def load(snapshot: FactSnapshot) -> int:
        ids[1:] = snapshot.after(tenant, "id", ids[0], _AT_ONCE)
        return sum(_is_there(snapshot, Unit(kind, id_)) for id_ in ids[1:])

    while has_room():
        loaded += answer(load)
        if len(ids) <= _AT_ONCE:
            break
        ids = ids[-1:]
    return loaded


def _warm_waiting(model: Model, answer: Answering, has_room: Callable[[], bool], record_type: str, state: str) -> None:
    found: list[str] = []

    def look(snapshot: FactSnapshot) -> int:
        found[:] = snapshot.matching(record_type, state=state)
        return len(found)

    answer(look)
    for start in range(0, len(found), _AT_ONCE):
        if not has_room():
            return
        some: Sequence[str] = found[start : start + _AT_ONCE]

        def load(snapshot: FactSnapshot, some: Sequence[str] = some) -> int:
            return sum(_load_subjects(model, snapshot, record_type, record_id) for record_id in some)

        answer(load)


def _load_subjects(model: Model, snapshot: FactSnapshot, record_type: str, record_id: str) -> int:
    """Load what a record is part of, and the subjects that it concerns; return how many those are."""
    try:
        record = snapshot.find(record_type, record_id)
    except FactNotLoaded:
        return 0  # it is being imported
    return 0 if record is None else sum(_is_there(snapshot, unit) for unit in model.units.subjects_of(record))


def _is_there(snapshot: FactSnapshot, unit: Unit) -> bool:
    try:
        return snapshot.unit(unit) is not None
    except FactNotLoaded:
        return False  # it is being imported
