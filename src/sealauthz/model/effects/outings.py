"""Physical seals: stamping with one, carrying it out of the house, and taking it back.

A stamp is final when the controller opens: its count is taken with the act, and no report gives it back.
"""

from __future__ import annotations

from typing import Any

from sealauthz.model.effects.acting import own_membership
from sealauthz.model.records.outings import OutingState, SealOuting
from sealauthz.schema import Act, Duty, MetBy, Outcome, Put


def stamp(act: Act) -> Outcome:
    """Stamp once with a physical seal: the count, the code and the photo that is owed are duties of the act."""
    return Outcome(values={"request_id": act.context.request.id})


def carry_out(act: Act) -> Outcome:
    """Carry a physical seal out: it is with the applicant until the day ends. No use is counted yet."""
    named: Any = act.obligations["RECORD_OUTING"]
    outing = SealOuting(
        act.new_id("outing"), act.resource.id, str(named["holder_id"]), act.now, due_at=int(named["due_at"])
    )
    return Outcome((Put(outing),), values={"outing_id": outing.id})


def record_return(act: Act) -> Outcome:
    """Take a seal back that was carried out."""
    outing = act.resource
    receiver = own_membership(act, outing.seal.enterprise)
    return Outcome((act.set(outing, state=OutingState.RETURNED, returned_at=act.now, received_by_id=receiver.id),))


DUTIES = (
    Duty("RECORD_OUTING", MetBy.EFFECT),
    Duty("RETURN_BY_DAY_END", MetBy.EFFECT),
)
