"""What the sweep looks after: each record that time alone ends, from when on, and what is written then."""

from __future__ import annotations

from sealauthz.model.effects import alerts, engine, lapses, outings, requests
from sealauthz.model.idle_cases import WAITING, is_left_idle
from sealauthz.runtime.instants import NEVER
from sealauthz.schema import Sweep

# What nobody has confirmed or submitted can still get another time, and gives nothing meanwhile.
_STANDING = ("PENDING_EFFECT", "ACTIVE")

SWEEPS = (
    Sweep("SealUse", "used_at", {"state": ("RESERVED",)}, engine.unreported, engine.REPORTED_WITHIN),
    Sweep("StampReport", "reported_at", {"state": ("REPORTED",)}, outings.overcounted),
    Sweep("SealOuting", "due_at", {"state": ("OUT",), "alerted_at": (0,)}, outings.overdue),
    Sweep("Alert", "acknowledged_at", {"state": ("ACKNOWLEDGED",)}, alerts.forgotten, alerts.KEPT_FOR),
    Sweep("DeniedAttempt", "attempted_at", {}, alerts.forgotten, alerts.KEPT_FOR),
    Sweep("JoinApplication", "expires_at", {"state": ("PENDING",)}, lapses.application),
    Sweep("Invitation", "expires_at", {"state": ("OPEN",)}, lapses.invitation),
    Sweep("SealUseRequest", "valid_to", {"state": ("IN_APPROVAL", "APPROVED", "IN_USE")}, lapses.request),
    Sweep("SealGrant", "valid_to", {"state": _STANDING}, lapses.grant),
    Sweep("OpenGrant", "valid_to", {"state": _STANDING}, lapses.grant),
    Sweep("CrossEnterpriseGrant", "valid_to", {"state": _STANDING}, lapses.cross_grant),
    Sweep("Delegation", "valid_to", {"state": ("PENDING_ACCEPT", "ACTIVE")}, lapses.delegation),
    # Behind the rights: what was given under a role does not outlast it, and is told as what it is.
    Sweep("RoleAssignment", "valid_to", {"state": ("ACTIVE",)}, lapses.role, is_over=lapses.may_end),
    Sweep("Membership", "ended_at", {"state": ("ACTIVE", "SUSPENDED")}, lapses.membership, is_over=lapses.may_end),
    Sweep(
        "EmergencyUse",
        "used_at",
        {"approved_at": (NEVER,), "alerted_at": (NEVER,)},
        requests.unapproved,
        "post_approval_within",
    ),
    Sweep("RetrievalCase", "claimed_until", {"state": ("CLAIMED",)}, lapses.claim),
    Sweep("RetrievalCase", "opened_at", {"state": ("DRAFT",)}, lapses.case, "retrieval_draft_for"),
    Sweep(
        "RetrievalCase",
        "opened_at",
        {"state": tuple(state for state in WAITING if state != "DRAFT")},
        lapses.case,
        "retrieval_idle_for",
        is_left_idle,
    ),
)
