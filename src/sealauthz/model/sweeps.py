"""What the sweep looks after: each record that time alone ends, from when on, and what is written then."""

from __future__ import annotations

from sealauthz.model.effects import engine, lapses, outings
from sealauthz.schema import Sweep

# What nobody has confirmed or submitted can still get another time, and gives nothing meanwhile.
_STANDING = ("PENDING_EFFECT", "ACTIVE")

SWEEPS = (
    Sweep("SealUse", "used_at", {"state": ("RESERVED",)}, engine.unreported, engine.REPORTED_WITHIN),
    Sweep("StampReport", "reported_at", {"state": ("REPORTED",)}, outings.overcounted),
    Sweep("SealOuting", "due_at", {"state": ("OUT",), "alerted_at": (0,)}, outings.overdue),
    Sweep("JoinApplication", "expires_at", {"state": ("PENDING",)}, lapses.application),
    Sweep("Invitation", "expires_at", {"state": ("OPEN",)}, lapses.invitation),
    Sweep("SealUseRequest", "valid_to", {"state": ("IN_APPROVAL", "APPROVED", "IN_USE")}, lapses.request),
    Sweep("SealGrant", "valid_to", {"state": _STANDING}, lapses.grant),
    Sweep("OpenGrant", "valid_to", {"state": _STANDING}, lapses.grant),
    Sweep("CrossEnterpriseGrant", "valid_to", {"state": _STANDING}, lapses.cross_grant),
    Sweep("Delegation", "valid_to", {"state": ("PENDING_ACCEPT", "ACTIVE")}, lapses.delegation),
)
