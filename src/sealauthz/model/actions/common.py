"""What the contexts of all actions hold, and the small ones that several actions share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sealauthz.model.parameters import Parameters
from sealauthz.model.records.identity import IdentityVerification
from sealauthz.schema import EMPTY, Collection, Instant
from sealauthz.schema.action import Snapshot


@dataclass(slots=True)
class Context:
    """What every action's context holds, set by the server."""

    now: Instant
    caller: str
    parameters: Parameters


@dataclass(slots=True, kw_only=True)
class VerifiedContext(Context):
    """An act that rests on an intent check: `intent_digest`, found by the server, is what the check is bound to
    (`bound`).
    """

    intent_digest: str
    verification: IdentityVerification | None = None


@dataclass(slots=True)
class ReasonedContext(Context):
    """An act that must state a reason."""

    reason: str | None = None


def enterprises_of(person: Any) -> Iterator[str]:
    """The ids of the enterprises that a person, in the person's own unit, belongs to or was suspended in."""
    for membership in person.memberships:
        if membership.state != "ENDED":
            yield membership.enterprise_id
    for snapshot in person.represented:
        if snapshot.is_current:
            yield snapshot.enterprise_id


def found(snapshot: Snapshot, record_type: str, ids: set[str]) -> list[Any]:
    """The records of some ids that there are, in the order of their ids, each in its home unit."""
    if not ids:
        return EMPTY
    records = (snapshot.find(record_type, record_id) for record_id in sorted(ids))
    return Collection(record for record in records if record is not None)
