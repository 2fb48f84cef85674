"""The lives of records: which states follow which, and which are final.

A write may take several steps forward at once, because a service writes what it has seen last: DRAFT → APPROVED is
right. A step back is taken alone. Nothing leaves a final state. A new record may begin in any state.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

LIFE = "LIFE"
"""What an edit breaks that no other rule names."""

Steps = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Life:
    """The states in one column of a record. INVARIANT: `forward` has no cycle."""

    forward: Steps
    back: Steps = field(default_factory=dict)
    invariant: str = LIFE
    column: str = "state"

    def reachable(self, state: str) -> frozenset[str]:
        """Return what a record in this state may become in one write; nothing if the state is final."""
        return frozenset(self._later(state)) | frozenset(self.back.get(state, ()))

    def is_before(self, state: str, other: str) -> bool:
        """Tell whether steps forward lead from `state` to `other`."""
        return other in self._later(state)

    def _later(self, state: str) -> Iterator[str]:
        for later in self.forward.get(state, ()):
            yield later
            yield from self._later(later)


_CASE_ENDS = ("WITHDRAWN", "EXPIRED", "REJECTED_FINAL")
_GRANT_ENDS = ("EXPIRED", "REVOKED", "INVALIDATED")
_GRANT = Life(
    {
        "PENDING_CONFIRM": ("PENDING_EFFECT", *_GRANT_ENDS),
        "PENDING_EFFECT": ("ACTIVE",),
        "ACTIVE": ("EXHAUSTED",),
        "EXHAUSTED": _GRANT_ENDS,
    },
    invariant="S-10",
)

LIVES: Mapping[str, tuple[Life, ...]] = {
    "Person": (
        Life(
            {"UNVERIFIED": ("VERIFIED",), "VERIFIED": ("REVOKED",)}, {"REVOKED": ("VERIFIED",)}, "I5", "realname_state"
        ),
        Life({"ACTIVE": ("LOCKED",), "LOCKED": ("CLOSED",)}, {"LOCKED": ("ACTIVE",)}, column="account_state"),
    ),
    "IdentityVerification": (
        Life({"STARTED": ("PASSED", "FAILED"), "PASSED": ("CONSUMED", "EXPIRED")}, invariant="I12"),
    ),
    # A post may be taken again.
    "PlatformStaff": (Life({"ACTIVE": ("ENDED",)}, {"ENDED": ("ACTIVE",)}),),
    "Enterprise": (
        Life(
            {
                "UNREGISTERED": ("REGISTERED",),
                "REGISTERED": ("CERTIFYING",),
                "CERTIFYING": ("AUTHENTICATED",),
                "AUTHENTICATED": ("AUTH_FAILED",),
            },
            {
                "CERTIFYING": ("REGISTERED",),
                "AUTHENTICATED": ("CERTIFYING",),
                "AUTH_FAILED": ("REGISTERED", "CERTIFYING"),
            },
            column="auth_state",
        ),
        Life({"ACTIVE": ("FROZEN",), "FROZEN": ("CLOSED",)}, {"FROZEN": ("ACTIVE",)}, column="operating_state"),
    ),
    "Membership": (Life({"ACTIVE": ("SUSPENDED",), "SUSPENDED": ("ENDED",)}, {"SUSPENDED": ("ACTIVE",)}, "I3"),),
    "RoleAssignment": (Life({"ACTIVE": ("REVOKED", "EXPIRED")}, invariant="I8"),),
    "MonitorSubscription": (Life({"ACTIVE": ("ENDED",)}, invariant="W-06"),),
    "Invitation": (Life({"OPEN": ("ACCEPTED", "DECLINED", "EXPIRED", "CANCELLED")}),),
    "JoinApplication": (
        Life({"PENDING": ("APPROVED", "REJECTED", "WITHDRAWN", "EXPIRED", "CANCELLED", "SUPERSEDED")}),
    ),
    "RetrievalCase": (
        Life(
            {
                "DRAFT": ("CERTIFYING",),
                "CERTIFYING": ("IN_REVIEW",),
                "IN_REVIEW": ("NOTICE", "REJECTED"),
                "REJECTED": _CASE_ENDS,
                "NOTICE": ("OBJECTED", "RESOLVED_BY_ADMIN"),
                "OBJECTED": ("APPROVED",),
                "APPROVED": ("EXECUTED", *_CASE_ENDS),
                "EXECUTED": ("UNDER_APPEAL",),
                "UNDER_APPEAL": ("REVERSED",),
            },
            # The objection was withdrawn; the case is tried again as its next attempt; the appeal was dismissed.
            {"OBJECTED": ("NOTICE",), "REJECTED": ("CERTIFYING",), "UNDER_APPEAL": ("EXECUTED",)},
        ),
    ),
    "EnterpriseAuthentication": (
        Life({"SUBMITTED": ("IN_REVIEW", "EXPIRED"), "IN_REVIEW": ("PASSED", "REJECTED"), "PASSED": ("EXPIRED",)}),
    ),
    "Objection": (Life({"OPEN": ("UPHELD", "DISMISSED")}),),
    "NoticeDelivery": (Life({"SENT": ("ACCEPTED", "FAILED")}, invariant="I17"),),
    "ApprovalProcess": (Life({"ENABLED": ("DISABLED",)}, {"DISABLED": ("ENABLED",)}),),
    "BusinessCategory": (Life({"ENABLED": ("DISABLED",), "DISABLED": ("DELETED",)}, {"DISABLED": ("ENABLED",)}),),
    "BoardResolution": (Life({"VALID": ("WITHDRAWN",)}, invariant="U-17"),),
    "Certificate": (
        Life(
            {"ACTIVE": ("SUSPENDED",), "SUSPENDED": ("EXPIRED",), "EXPIRED": ("REVOKED",)},
            {"SUSPENDED": ("ACTIVE",)},
            "U-11",
        ),
    ),
    "Device": (Life({"ACTIVE": ("RETIRED",)}, invariant="U-23"),),
    "Seal": (
        Life(
            {
                "DRAFT": ("PENDING_REVIEW",),
                "PENDING_REVIEW": ("REVIEW_REJECTED", "ACTIVE"),
                "REVIEW_REJECTED": ("REVOKED",),
                "ACTIVE": ("DISABLED",),
                "DISABLED": ("EXPIRED", "COLLECTED"),
                "EXPIRED": ("REVOKED",),
                "COLLECTED": ("LOST", "DESTROYED"),
                "LOST": ("REVOKED",),
            },
            # A seal that was found is disabled first, and enabled by a step of its own. A new face is reviewed again.
            # Nothing becomes a draft again, or its kind could be changed.
            {
                "REVIEW_REJECTED": ("PENDING_REVIEW",),
                "ACTIVE": ("PENDING_REVIEW",),
                "DISABLED": ("ACTIVE", "PENDING_REVIEW"),
                "EXPIRED": ("ACTIVE", "DISABLED"),
                "LOST": ("DISABLED",),
            },
            "I11",
        ),
    ),
    # To place a hold again only takes away.
    "SealHold": (Life({"PLACED": ("RELEASED",)}, {"RELEASED": ("PLACED",)}),),
    "SealGrant": (_GRANT,),
    "OpenGrant": (_GRANT,),
    "CrossEnterpriseGrant": (_GRANT,),
    "HolderAssignment": (Life({"ACTIVE": ("REVOKED",)}, invariant="U-20"),),
    "Delegation": (
        Life({"PENDING_ACCEPT": ("ACTIVE",), "ACTIVE": ("EXPIRED", "REVOKED", "LAPSED")}, invariant="U-18"),
    ),
    "SealReview": (Life({"IN_REVIEW": ("PASSED", "REJECTED")}, invariant="S-02"),),
    "SealProposal": (Life({"OPEN": ("CARRIED_OUT", "WITHDRAWN")}, invariant="S-14"),),
    "SealUseRequest": (
        Life(
            {
                "DRAFT": ("IN_APPROVAL",),
                "IN_APPROVAL": ("REJECTED", "APPROVED"),
                "REJECTED": ("WITHDRAWN", "EXPIRED", "VOIDED"),
                "APPROVED": ("IN_USE", "WITHDRAWN"),
                "IN_USE": ("COMPLETED", "FINISHED", "EXPIRED", "VOIDED"),
            },
            # An approval is of exactly these documents: others begin again. What was rejected is the applicant's again.
            {"IN_APPROVAL": ("DRAFT",), "APPROVED": ("DRAFT",), "REJECTED": ("DRAFT",)},
            "U-15",
        ),
    ),
    "Contract": (
        Life(
            {
                "DRAFT": ("FILLING", "DELETED"),
                "FILLING": ("SIGNING",),
                "SIGNING": ("COMPLETE", "REJECTED", "RECALLED", "EXPIRED", "FORCE_FINISHED"),
                "COMPLETE": ("TERMINATING", "DELETED"),
                "TERMINATING": ("TERMINATED",),
                "TERMINATED": ("DELETED",),
                "REJECTED": ("DELETED",),
                "RECALLED": ("DELETED",),
                "EXPIRED": ("DELETED",),
                "FORCE_FINISHED": ("DELETED",),
            },
            # The parties do not agree that it ends.
            {"TERMINATING": ("COMPLETE",)},
        ),
    ),
    "ContractDocument": (Life({"INCOMPLETE": ("COMPLETE",)}, {"COMPLETE": ("INCOMPLETE",)}),),
    "SigningTask": (
        Life(
            {
                "WAITING": ("PENDING",),
                "PENDING": ("IN_PROGRESS",),
                "IN_PROGRESS": ("SIGNED", "REJECTED", "TRANSFERRED", "VOIDED", "EXPIRED"),
            },
            # The signer began, and left again.
            {"IN_PROGRESS": ("PENDING",)},
        ),
    ),
    "InternalReview": (Life({"PENDING": ("PASSED", "REJECTED", "SIGN_REJECTED")}, invariant="C-07"),),
}
"""By record type, what each of its columns of states may become."""
