"""What the world outside may do while policies are attacked: what it gives to who asks for it, what happens there, and
what it is not made to do, with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping

from sealauthz.model.outside import people, registries, services
from sealauthz.model.outside.given import PROVIDED
from sealauthz.schema import OutsideMove

OUTSIDE: tuple[OutsideMove, ...] = (*registries.MOVES, *people.MOVES, *services.MOVES)

_BY_ACTS = "acts write each of its changes and are tried; a service that writes it beside them is the enterprise itself"

NOT_MOVED: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "AmountBand",
            "ApprovalProcess",
            "BusinessCategory",
            "CategoryPermission",
            "CategorySeal",
            "CustomRole",
            "CustomRolePower",
            "Department",
            "Holiday",
            "ProcessStep",
            "StepApprover",
            "WorkingHours",
        ),
        _BY_ACTS,
    ),
    "EnterpriseAuthentication": "acts hand it in and decide it, each of which is tried",
    "IntentBatch": "what a person is shown before a check; no next step asks for a check that is bound to a list",
    "IntentBatchItem": "as the list that it is in",
}
"""Records that a service outside may write, of which nothing is made to happen: why not."""

__all__ = ["NOT_MOVED", "OUTSIDE", "PROVIDED"]
