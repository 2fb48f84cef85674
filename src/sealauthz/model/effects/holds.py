"""Stopping a seal and letting it go on: frozen, lost and found, and what the platform or a court holds.

Every freeze is a hold of its own: who releases one does not release another. A receipt for a use that is not sealed
yet is void with the hold, because sealing is decided again on the facts as they are then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sealauthz.model.effects.acting import refuse
from sealauthz.model.records.outings import OutingState
from sealauthz.model.records.seals import HoldSource, HoldState, SealHold, SealState
from sealauthz.schema import Act, Duty, MetBy, Outcome, Put, RecordChange, Update
from sealauthz.schema.effect import Value


def _placed(act: Act, seal: Any, source: HoldSource, reference: str = "") -> SealHold:
    return SealHold(act.new_id("hold"), seal.id, source, act.now, placed_by_id=act.subject.id, reference=reference)


def freeze(act: Act) -> Outcome:
    """Freeze a seal: nobody uses it until another person releases the hold."""
    hold = _placed(act, act.resource, HoldSource.ADMIN)
    return Outcome((Put(hold),), values={"hold_id": hold.id})


def report_lost(act: Act) -> Outcome:
    """Report a seal lost: it is LOST, and a hold names who said so."""
    hold = _placed(act, act.resource, HoldSource.LOSS)
    return Outcome((act.set(act.resource, state=SealState.LOST), Put(hold)), values={"hold_id": hold.id})


def report_found(act: Act) -> Outcome:
    """Report a lost seal found: it is switched off, never in use, and the holds of its loss are over. Others stand."""
    seal = act.resource
    lost = [hold for hold in seal.holds if hold.source == "LOSS" and hold.state == "PLACED"]
    return Outcome(
        (act.set(seal, state=SealState.DISABLED), *(act.set(hold, state=HoldState.RELEASED) for hold in lost))
    )


def release(act: Act) -> Outcome:
    """Release one hold of the enterprise's own; the seal goes on where no other one stands."""
    return Outcome((act.set(act.resource, state=HoldState.RELEASED),))


def place_hold(act: Act) -> Outcome:
    """Hold a seal for the platform or for a court. Nobody of the enterprise is told."""
    hold = _placed(act, act.resource, HoldSource(act.context.source), act.context.reference)
    return Outcome((Put(hold),), values={"hold_id": hold.id})


def propose_lift(act: Act) -> Outcome:
    """Propose to lift what the platform or a court holds; another one of the staff does it, within a week.

    Nobody is told by an event: a service that watches for the enterprise would hear it, too.
    """
    return Outcome((act.set(act.resource, lift_proposed_by_id=act.subject.id, lift_proposed_at=act.now),))


def lift(act: Act) -> Outcome:
    """Lift what the platform or a court holds, as another one proposed."""
    if act.resource.lift_proposed_by_id is None:
        refuse("resource", "is a hold that nobody proposed to lift")
    return Outcome((act.set(act.resource, state=HoldState.RELEASED),))


def _end_outing(_act: Act, named: Mapping[str, Value]) -> Iterable[RecordChange]:
    """What is lost while it is out is not out any more."""
    yield Update("SealOuting", str(named["outing_id"]), {"state": OutingState.LOST})


DUTIES = (
    Duty("VOID_TICKETS", MetBy.EFFECT),
    Duty("LEAVE_SEAL_DISABLED", MetBy.EFFECT),
    Duty("END_OUTING", MetBy.TRANSACTION, meet=_end_outing),
)
