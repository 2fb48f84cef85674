"""How what happens outside is made: states that go on, and records that come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sealauthz.schema import Instant, RecordChange, Update
from sealauthz.schema.outside import Found

Happening = tuple[str, tuple[RecordChange, ...]]
"""What is said of one thing that may happen, and what it changes."""


def becomes(
    record_type: str, column: str, states: Mapping[str, tuple[str, ...]], found: Found, _now: Instant
) -> Iterator[Happening]:
    """Records that are in one of some states get to one of those that may follow."""
    for record_id, record in found.get(record_type, {}).items():
        was = getattr(record, column)
        for state in states.get(was, ()):
            yield (
                f"{record_type}:{record_id} is {state}, and was {was}",
                (Update(record_type, record_id, {column: state}),),
            )


def fresh(found: Found, record_type: str, base: str) -> str:
    """Return an id that no record of a type has: the same in the same facts."""
    some: Mapping[str, Any] = found.get(record_type, {})
    number = 1
    while f"{base}-{number}" in some:
        number += 1
    return f"{base}-{number}"
