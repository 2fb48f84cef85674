"""Seals, their certificates and devices, what holds them back, how their faces are reviewed and how they end."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from sealauthz.model.normal_forms import name_problem, normalise_name, normalise_serial, serial_problem
from sealauthz.model.records.membership import Membership
from sealauthz.model.records.organisation import Enterprise
from sealauthz.model.verdicts import is_decided
from sealauthz.runtime.instants import NEVER
from sealauthz.schema.record import Instant, Normalised, Ref, many, one, record
from sealauthz.schema.rules import Check, Fixed, Life, OwnedByActs, SetOnce, Unique, Urgent, Valid

if TYPE_CHECKING:
    from sealauthz.model.records.cross_grants import CrossEnterpriseGrant
    from sealauthz.model.records.grants import OpenGrant, SealGrant
    from sealauthz.model.records.outings import SealOuting
    from sealauthz.model.records.requests import SealUseRequest


class CertificateState(StrEnum):
    """Whether a digital certificate may be used."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"


class SealKind(StrEnum):
    """What a seal stands for."""

    OFFICIAL = "OFFICIAL"
    CONTRACT = "CONTRACT"
    FINANCE = "FINANCE"
    PERSONNEL = "PERSONNEL"
    INVOICE = "INVOICE"
    LEGAL_REP = "LEGAL_REP"
    DEPARTMENT = "DEPARTMENT"
    OTHER = "OTHER"


class SealCategory(StrEnum):
    """Whether the seal is a key or a thing."""

    ELECTRONIC = "ELECTRONIC"
    PHYSICAL = "PHYSICAL"


class SealState(StrEnum):
    """Where a seal is in its life. A hold freezes it on top of its state."""

    DRAFT = "DRAFT"
    PENDING_REVIEW = "PENDING_REVIEW"
    REVIEW_REJECTED = "REVIEW_REJECTED"
    ACTIVE = "ACTIVE"
    DISABLED = "DISABLED"
    LOST = "LOST"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"
    COLLECTED = "COLLECTED"
    DESTROYED = "DESTROYED"


class HoldSource(StrEnum):
    """Who froze a seal."""

    ADMIN = "ADMIN"
    RETRIEVAL = "RETRIEVAL"
    PLATFORM = "PLATFORM"
    JUDICIAL = "JUDICIAL"
    LOSS = "LOSS"


class HoldState(StrEnum):
    """Whether a hold still holds."""

    PLACED = "PLACED"
    RELEASED = "RELEASED"


class DeviceState(StrEnum):
    """Whether a seal controller works."""

    ACTIVE = "ACTIVE"
    RETIRED = "RETIRED"


class SealReviewState(StrEnum):
    """What a review of a seal's face found."""

    IN_REVIEW = "IN_REVIEW"
    PASSED = "PASSED"
    REJECTED = "REJECTED"


class SealEnding(StrEnum):
    """How a seal is to end."""

    REVOKE = "REVOKE"
    DESTROY = "DESTROY"


class ProposalState(StrEnum):
    """What became of a proposal to end a seal."""

    OPEN = "OPEN"
    CARRIED_OUT = "CARRIED_OUT"
    WITHDRAWN = "WITHDRAWN"


@record(
    Unique("U-11", ("issuer", "serial"), says="an issuer gives each serial number once"),
    Valid("U-11", "issuer", name_problem, says="the name of an issuer is written in one way"),
    Valid("U-11", "serial", serial_problem, says="a serial number is written in one way"),
    Check("U-11", "not_before < not_after", says="a certificate begins before it ends"),
    Fixed("U-11", "issuer", "serial", "not_before", "not_after", says="a renewed certificate is another certificate"),
    Life(
        {"ACTIVE": ("SUSPENDED",), "SUSPENDED": ("EXPIRED",), "EXPIRED": ("REVOKED",)},
        {"SUSPENDED": ("ACTIVE",)},
        "U-11",
    ),
    home="enterprise_id",
    permanent=True,
)
class Certificate:
    """The digital certificate of an enterprise, under which its seals sign."""

    id: str
    enterprise_id: Annotated[str, Ref("Enterprise")]
    issuer: Annotated[str, Normalised(normalise_name)]
    serial: Annotated[str, Normalised(normalise_serial)]
    not_before: Instant
    not_after: Instant
    state: CertificateState = CertificateState.ACTIVE

    enterprise: Enterprise = one("enterprise_id")


@record(
    Unique("U-23", ("enterprise_id", "serial"), says="an enterprise has each device once"),
    Valid("U-23", "serial", serial_problem, says="a serial number is written in one way"),
    Fixed("U-23", "serial", says="another serial number is another device"),
    Life({"ACTIVE": ("RETIRED",)}, invariant="U-23"),
    home="enterprise_id",
    permanent=True,
)
class Device:
    """A seal controller that holds a physical seal."""

    id: str
    enterprise_id: Annotated[str, Ref("Enterprise")]
    serial: Annotated[str, Normalised(normalise_serial)]
    state: DeviceState = DeviceState.ACTIVE

    enterprise: Enterprise = one("enterprise_id")


@record(
    Unique(
        "I13",
        ("enterprise_id",),
        where="kind = 'LEGAL_REP' AND state NOT IN ('REVIEW_REJECTED', 'REVOKED', 'DESTROYED')",
        says="an enterprise has one living seal of its legal representative",
    ),
    Check(
        "S-05",
        "legal_rep_id IS NULL OR kind = 'LEGAL_REP'",
        says="only the legal representative's seal names the legal representative",
    ),
    Check(
        "S-16",
        "acting_custodian_id IS NULL OR acting_from < acting_to",
        says="an acting custodian's term begins before it ends",
    ),
    # What was reviewed, granted and put into keeping is a seal of that kind, and of that person.
    Fixed(
        "S-02",
        "kind",
        "category",
        once=lambda seal: seal.state != "DRAFT",
        says="another kind or category takes a new seal, unless it is a draft",
    ),
    SetOnce("S-05", "legal_rep_id", says="the seal of another legal representative is a new seal"),
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
    OwnedByActs("state"),
    home="enterprise_id",
    permanent=True,
)
class Seal:
    """A seal of an enterprise. REVOKED and DESTROYED are final.

    `legal_rep_id` is the person whose seal a LEGAL_REP seal is; `acting_custodian_id` keeps the seal in
    `[acting_from, acting_to)` in place of the custodian.
    """

    id: str
    enterprise_id: Annotated[str, Ref("Enterprise")]
    name: str
    kind: SealKind
    state: SealState = SealState.DRAFT
    category: SealCategory = SealCategory.ELECTRONIC
    custodian_id: Annotated[str | None, Ref("Membership")] = None
    certificate_id: Annotated[str | None, Ref("Certificate")] = None
    legal_rep_id: Annotated[str | None, Ref("Person")] = None
    acting_custodian_id: Annotated[str | None, Ref("Membership")] = None
    acting_from: Instant = NEVER
    acting_to: Instant = NEVER
    device_id: Annotated[str | None, Ref("Device")] = None
    face_digest: str = ""

    enterprise: Enterprise = one("enterprise_id")
    custodian: Membership | None = one("custodian_id")
    acting_custodian: Membership | None = one("acting_custodian_id")
    device: Device | None = one("device_id")
    certificate: Certificate | None = one("certificate_id")
    holds: list[SealHold] = many("seal_id")
    grants: list[SealGrant] = many("seal_id")
    open_grants: list[OpenGrant] = many("seal_id")
    cross_grants: list[CrossEnterpriseGrant] = many("seal_id")
    use_requests: list[SealUseRequest] = many("seal_id")
    reviews: list[SealReview] = many("seal_id")
    proposals: list[SealProposal] = many("seal_id")
    outings: list[SealOuting] = many("seal_id")


@record(
    Fixed("I17", "source", "placed_at", "placed_by_id", "reference", says="who placed a hold, when and why is history"),
    Check(
        "S-13",
        "(lift_proposed_by_id IS NULL) = (lift_proposed_at = 0)",
        says="who proposes to lift a hold does so at a time",
    ),
    # What the platform or a court freezes waits for no import.
    Urgent("source", (HoldSource.PLATFORM, HoldSource.JUDICIAL)),
    # To place a hold again only takes away.
    Life({"PLACED": ("RELEASED",)}, {"RELEASED": ("PLACED",)}),
    OwnedByActs(),
    home="seal_id",
    permanent=True,
)
class SealHold:
    """Something that freezes a seal until it is released. Several may overlap.

    `lift_proposed_by_id` is who of the platform's staff proposed to lift what it or a court placed: another one does.
    `reference` names the order or the finding that such a hold rests on.
    """

    id: str
    seal_id: Annotated[str, Ref("Seal")]
    source: HoldSource
    placed_at: Instant
    state: HoldState = HoldState.PLACED
    placed_by_id: Annotated[str | None, Ref("Person")] = None
    lift_proposed_by_id: Annotated[str | None, Ref("Person")] = None
    lift_proposed_at: Instant = NEVER
    reference: str = ""

    seal: Seal = one("seal_id")


@record(
    Unique("S-02", ("seal_id",), where="state = 'IN_REVIEW'", says="a seal is in one review at a time"),
    Check(
        "S-02",
        "state = 'IN_REVIEW' OR (decided_by_id IS NULL) <> (examiner_id IS NULL)",
        says="a decided review says who decided it: a member, or an examiner of the platform",
    ),
    Fixed(
        "S-02",
        "submitted_by_id",
        "submitted_at",
        "face_digest",
        "name_on_seal",
        says="what was submitted for review, by whom and when, is history",
    ),
    Fixed(
        "S-02",
        "decided_by_id",
        "examiner_id",
        "decided_at",
        once=is_decided,
        says="who decided a review, and when, is history",
    ),
    Life({"IN_REVIEW": ("PASSED", "REJECTED")}, invariant="S-02"),
    OwnedByActs(),
    home="seal_id",
    permanent=True,
)
class SealReview:
    """A review of a new seal, or of a changed face: by a member other than who submitted it, or in the first days of an
    enterprise by `examiner_id`, one of the platform's reviewers.
    """

    id: str
    seal_id: Annotated[str, Ref("Seal")]
    submitted_by_id: Annotated[str, Ref("Membership")]
    submitted_at: Instant
    face_digest: str
    name_on_seal: str
    state: SealReviewState = SealReviewState.IN_REVIEW
    decided_by_id: Annotated[str | None, Ref("Membership")] = None
    decided_at: Instant = NEVER
    examiner_id: Annotated[str | None, Ref("Person")] = None

    seal: Seal = one("seal_id")
    submitted_by: Membership = one("submitted_by_id")


@record(
    Unique("S-14", ("seal_id",), where="state = 'OPEN'", says="a seal has one open proposal to end it"),
    Check("S-14", "reason <> ''", says="a proposal gives its reason"),
    Fixed(
        "S-14",
        "proposed_by_id",
        "proposed_at",
        "ending",
        "reason",
        says="what was proposed, by whom, when and why, is history",
    ),
    Life({"OPEN": ("CARRIED_OUT", "WITHDRAWN")}, invariant="S-14"),
    OwnedByActs(),
    home="seal_id",
    permanent=True,
)
class SealProposal:
    """A proposal to end a seal, which somebody else carries out."""

    id: str
    seal_id: Annotated[str, Ref("Seal")]
    ending: SealEnding
    proposed_by_id: Annotated[str, Ref("Membership")]
    proposed_at: Instant
    reason: str
    state: ProposalState = ProposalState.OPEN

    seal: Seal = one("seal_id")
    proposed_by: Membership = one("proposed_by_id")
    witnesses: list[SealWitness] = many("proposal_id")


@record(
    Unique("S-14", ("proposal_id", "membership_id"), says="a proposal names each witness once"),
    Fixed("S-14", "membership_id", "agreed_at", says="who agreed to witness, and when, is history"),
    OwnedByActs(),
    home="proposal_id",
    permanent=True,
)
class SealWitness:
    """A member who will witness, or has witnessed, the destruction of a seal, and said so themself at `agreed_at`."""

    id: str
    proposal_id: Annotated[str, Ref("SealProposal")]
    membership_id: Annotated[str, Ref("Membership")]
    agreed_at: Instant = NEVER

    proposal: SealProposal = one("proposal_id")
    membership: Membership = one("membership_id")
