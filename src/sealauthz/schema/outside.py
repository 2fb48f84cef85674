"""What the world outside may do while policies are attacked: what it gives to who asks for it, and what happens there.

Acts are moves by themselves. These are the others: facts that no act writes, each with who owns them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from sealauthz.schema.effect import RecordChange
from sealauthz.schema.record import Instant

Found = Mapping[str, Mapping[str, Any]]
"""All records by type and id, unwired."""


class Provided(NamedTuple):
    """What somebody outside gives a person whom a next step sends there: a record, named in the context under `key`.

    `whose` says from what was asked (subject, resource, context) who must go there, by id; None where nobody can.
    `made` makes the record from its id, that person, what the step names, and the time.
    """

    step: str
    key: str
    owner: str
    says: str
    whose: Callable[[Any, Any, Any], str | None]
    made: Callable[[str, str, Mapping[str, Any], Instant], Any]


class OutsideMove(NamedTuple):
    """What may happen outside. `moves` returns what each possible move is called and changes, for facts at a time."""

    name: str
    owner: str
    says: str
    moves: Callable[[Found, Instant], Iterable[tuple[str, tuple[RecordChange, ...]]]]
