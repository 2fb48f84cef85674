"""Where a physical seal is while it is out of the house: who has it, until when, and how it came back."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from sealauthz.model.records.membership import Membership
from sealauthz.model.records.seals import Seal
from sealauthz.runtime.instants import NEVER
from sealauthz.schema.record import Instant, Ref, one, record
from sealauthz.schema.rules import Check, Fixed, Life, OwnedByActs, SetOnce, Unique


class OutingState(StrEnum):
    """Whether a seal is still out, came back, or was reported lost while it was out."""

    OUT = "OUT"
    RETURNED = "RETURNED"
    LOST = "LOST"


@record(
    Unique("A-09", ("seal_id",), where="state = 'OUT'", says="a seal is out with one person at a time"),
    Check("A-09", "out_from < due_at", says="a seal is due after it was carried out"),
    Check(
        "A-09",
        "(state = 'RETURNED') = (received_by_id IS NOT NULL) AND (state = 'RETURNED') = (returned_at > 0)",
        says="a seal that came back says who took it back, and when",
    ),
    Check("A-09", "returned_at = 0 OR out_from <= returned_at", says="a seal comes back after it was carried out"),
    Fixed("A-09", "holder_id", "out_from", "due_at", says="who carried a seal out, when and until when, is history"),
    SetOnce("A-09", "alerted_at", says="people are alerted of an outing once"),
    Life({"OUT": ("RETURNED", "LOST")}, invariant="A-09"),
    OwnedByActs(),
    home="seal_id",
    permanent=True,
)
class SealOuting:
    """A physical seal that a member carried out of the house, and has until it is taken back or reported lost.

    It is due at `due_at`; `alerted_at` is when people were alerted that it did not come back. `received_by_id` is who
    took it back: never the holder, unless nobody else is there.
    """

    id: str
    seal_id: Annotated[str, Ref("Seal")]
    holder_id: Annotated[str, Ref("Membership")]
    out_from: Instant
    due_at: Instant
    state: OutingState = OutingState.OUT
    returned_at: Instant = NEVER
    received_by_id: Annotated[str | None, Ref("Membership")] = None
    alerted_at: Instant = NEVER

    seal: Seal = one("seal_id")
    holder: Membership = one("holder_id")
