"""Wiring: the records of one unit, joined to each other by their relations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from sealauthz.domain import RECORDS, Relation, shape_of
from sealauthz.domain.record import Collection
from sealauthz.facts.units import COMPLETE, UnitKind

WiredUnit = Mapping[str, Mapping[str, Any]]
"""The records of a unit by type and id."""


@cache
def _collections(kind: UnitKind, record_type: str) -> tuple[Relation, ...]:
    """Return the collections of a record type that units of a kind hold in full."""
    names = COMPLETE[kind].get(record_type, ())
    return tuple(relation for relation in shape_of(RECORDS[record_type]).relations if relation.name in names)


@cache
def _references(record_type: str) -> tuple[Relation, ...]:
    """Return the relations of a record type to one record."""
    return tuple(relation for relation in shape_of(RECORDS[record_type]).relations if relation.is_one)


def wire(kind: UnitKind, loaded: Mapping[str, Iterable[Any]]) -> WiredUnit:
    """Wire the records of one unit to each other. Collections are in the order of their records' ids.

    What the unit does not hold stays unset, and raises AttributeError when read: it is not empty, it is not known.
    """
    unit = {
        record_type: {record.id: record for record in sorted(records, key=lambda record: record.id)}
        for record_type, records in loaded.items()
    }
    for record_type, records in unit.items():
        for relation in _references(record_type):
            targets = unit.get(relation.record, {})
            for record in records.values():
                key = getattr(record, relation.key)
                if key is None:
                    setattr(record, relation.name, None)
                elif key in targets:
                    setattr(record, relation.name, targets[key])
        for relation in _collections(kind, record_type):
            members: dict[str, Collection] = {record_id: Collection() for record_id in records}
            for member in unit.get(relation.record, {}).values():
                owner = getattr(member, relation.key)
                if owner in members:
                    members[owner].append(member)
            for record_id, record in records.items():
                setattr(record, relation.name, members[record_id])
    return unit
