"""How much memory a wired unit takes, estimated from what it holds: exact sums would cost more than the loading."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

from sealauthz.facts.memory.wiring import WiredUnit
from sealauthz.schema import shape_of

_UNIT_BYTES = 800
"""A unit without records: its name, its place in the cache, and the table of its types."""

_TYPE_BYTES = 230
"""A type of which the unit holds a record: the table of its records by id."""

_PLACE_BYTES = 60
"""The places of a record in the tables and collections of its unit."""

_TEXT_BYTES = 24
"""What a text takes on average: of equal ones a unit has a single copy."""

_NUMBER_BYTES = 8
"""What a number takes on average: small ones and equal ones take none."""


@cache
def _record_bytes(cls: type) -> int:
    """Return the bytes of one record, with its places in its unit."""
    shape = shape_of(cls)
    texts = sum(1 for column in shape.columns if column.type is str and column.words is None)
    numbers = sum(1 for column in shape.columns if column.type is int)
    itself = sys.getsizeof(object.__new__(cls))
    return itself + texts * _TEXT_BYTES + numbers * _NUMBER_BYTES + _PLACE_BYTES


def _class_of(records: Mapping[str, Any]) -> type:
    return type(next(iter(records.values())))


def footprint(records: WiredUnit) -> int:
    """Return the bytes that a wired unit takes, to within a third or so."""
    held = sum(len(some) * _record_bytes(_class_of(some)) for some in records.values())
    return _UNIT_BYTES + len(records) * _TYPE_BYTES + held
