"""Wiring: the records of one unit, joined to each other by their relations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection as Sized
from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from sealauthz.schema import Model, Unit
from sealauthz.schema.record import EMPTY, Collection

WiredUnit = Mapping[str, Mapping[str, Any]]
"""The records of a unit by type and id; a type of which it holds none is not in it."""

_id_of = attrgetter("id")


def wire(model: Model, of: Unit, loaded: Mapping[str, Sized[Any]]) -> WiredUnit:
    """Wire the records of one unit to each other. Collections are in the order of their records' ids.

    What the unit does not hold stays unset, and raises AttributeError when read: it is not empty, it is not known.
    """
    unit = {
        record_type: {record.id: record for record in sorted(records, key=_id_of)}
        for record_type, records in loaded.items()
        if records
    }
    root = model.units.root_of[of.kind]
    for record_type, records in unit.items():
        for relation in model.units.references(record_type):
            targets = unit.get(relation.record, {})
            for record in records.values():
                key = getattr(record, relation.key)
                if key is None:
                    setattr(record, relation.name, None)
                elif key in targets:
                    setattr(record, relation.name, targets[key])
        for relation in model.units.collections(of.kind, record_type):
            owners = records
            if record_type == root and root not in relation.whole_in:
                owners = {of.id: records[of.id]} if of.id in records else {}
            members: dict[str, Collection] = defaultdict(Collection)
            for member in unit.get(relation.record, {}).values():
                owner = getattr(member, relation.key)
                if owner in owners:
                    members[owner].append(member)
            for record_id, record in owners.items():
                setattr(record, relation.name, members.get(record_id, EMPTY))
    return unit
