"""What those who watch are alerted of, until one of them has seen it, and the attempts on seals that were denied."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from sealauthz.model.records.identity import Person
from sealauthz.model.records.organisation import Enterprise
from sealauthz.model.records.seals import Seal
from sealauthz.runtime.instants import NEVER
from sealauthz.schema.record import Instant, Ref, one, record
from sealauthz.schema.rules import Check, Fixed, Life, OwnedByActs, SetOnce


class AlertState(StrEnum):
    """Whether somebody who watches has seen an alert."""

    OPEN = "OPEN"
    ACKNOWLEDGED = "ACKNOWLEDGED"


@record(
    Check(
        "W-05",
        "(state = 'ACKNOWLEDGED') = (acknowledged_by_id IS NOT NULL)"
        " AND (state = 'ACKNOWLEDGED') = (acknowledged_at > 0)",
        says="an alert that was acknowledged says by whom, and when",
    ),
    Fixed("W-05", "kind", "raised_for", "raised_at", "seal_id", "person_id", says="what an alert says is history"),
    SetOnce("W-05", "acknowledged_by_id", "acknowledged_at", says="who acknowledged an alert, and when, is history"),
    Life({"OPEN": ("ACKNOWLEDGED",)}, invariant="W-05"),
    OwnedByActs(),
    home="enterprise_id",
)
class Alert:
    """Something that those who watch the seals of an enterprise must see. It is OPEN until one of them acknowledges it.

    `kind` says what it is, `raised_for` names the record or the operation that is its cause, once. `person_id` is who
    acted; empty `seal_id`: it is about the enterprise. The seal may be another enterprise's, which this one holds.
    """

    id: str
    enterprise_id: Annotated[str, Ref("Enterprise")]
    kind: str
    raised_for: str
    raised_at: Instant
    seal_id: Annotated[str | None, Ref("Seal", crosses=True)] = None
    person_id: Annotated[str | None, Ref("Person")] = None
    state: AlertState = AlertState.OPEN
    acknowledged_by_id: Annotated[str | None, Ref("Person")] = None
    acknowledged_at: Instant = NEVER

    enterprise: Enterprise = one("enterprise_id")


@record(
    Check("W-05", "within_day >= 1", says="attempts are counted from 1"),
    Fixed(
        "W-05",
        "person_id",
        "action",
        "reason",
        "attempted_at",
        "within_day",
        says="what was tried, and why it was denied, is history",
    ),
    OwnedByActs(),
    home="seal_id",
)
class DeniedAttempt:
    """An act with a seal that a person tried and was denied, as the log of decisions has it; its id is that decision's.

    `within_day` counts this person's denied attempts on this seal within a day.
    """

    id: str
    seal_id: Annotated[str, Ref("Seal")]
    person_id: Annotated[str, Ref("Person")]
    action: str
    reason: str
    attempted_at: Instant
    within_day: int

    seal: Seal = one("seal_id")
    person: Person = one("person_id")
