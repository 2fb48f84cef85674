"""Seals, what holds them back, who may use them, and requests to use one."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from sealauthz.domain.organisation import Enterprise, Membership, RoleAssignment
from sealauthz.domain.record import NEVER, UNLIMITED, Check, Instant, Ref, Unique, many, one, record


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


class SealRight(StrEnum):
    """What a grant gives."""

    USE = "USE"
    APPROVE = "APPROVE"
    MANAGE = "MANAGE"
    AUDIT = "AUDIT"


class GrantScope(StrEnum):
    """Which contracts a grant covers: all, said explicitly, or the contract types listed."""

    ALL_CONTRACTS = "ALL_CONTRACTS"
    LISTED_TYPES = "LISTED_TYPES"


class GrantTerm(StrEnum):
    """Whether a grant ends within three years or is explicitly long-term."""

    FIXED = "FIXED"
    LONG_TERM = "LONG_TERM"


class GrantConfirmation(StrEnum):
    """How the grant was confirmed; NONE gives nothing yet."""

    NONE = "NONE"
    AUTH_LETTER = "AUTH_LETTER"
    INTENT = "INTENT"


class GrantState(StrEnum):
    """Whether a grant stands."""

    PENDING_CONFIRM = "PENDING_CONFIRM"
    PENDING_EFFECT = "PENDING_EFFECT"
    ACTIVE = "ACTIVE"
    EXHAUSTED = "EXHAUSTED"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"
    INVALIDATED = "INVALIDATED"


class GrantInvalidity(StrEnum):
    """Why a grant was invalidated."""

    ADMIN_CHANGED = "ADMIN_CHANGED"
    GRANTEE_LEFT = "GRANTEE_LEFT"
    NOT_SIGNED = "NOT_SIGNED"


class UseRequestState(StrEnum):
    """What became of a request to use a seal."""

    DRAFT = "DRAFT"
    IN_APPROVAL = "IN_APPROVAL"
    APPROVED = "APPROVED"
    IN_USE = "IN_USE"
    COMPLETED = "COMPLETED"
    FINISHED = "FINISHED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"
    VOIDED = "VOIDED"


class ApprovalVerdict(StrEnum):
    """What an approver decided."""

    PASSED = "PASSED"
    REJECTED = "REJECTED"


@record(
    Unique("U-11", ("issuer", "serial")),
    Check("U-11", "not_before < not_after"),
    permanent=True,
)
class Certificate:
    """The digital certificate of an enterprise, under which its seals sign."""

    id: str
    enterprise_id: Annotated[str, Ref("Enterprise")]
    issuer: str
    serial: str
    not_before: Instant
    not_after: Instant
    state: CertificateState = CertificateState.ACTIVE

    enterprise: Enterprise = one("enterprise_id")


@record(
    Unique(
        "I13",
        ("enterprise_id",),
        where="kind = 'LEGAL_REP' AND state NOT IN ('REVIEW_REJECTED', 'REVOKED', 'DESTROYED')",
    ),
    permanent=True,
)
class Seal:
    """A seal of an enterprise. REVOKED and DESTROYED are for ever."""

    id: str
    enterprise_id: Annotated[str, Ref("Enterprise")]
    name: str
    kind: SealKind
    state: SealState = SealState.DRAFT
    category: SealCategory = SealCategory.ELECTRONIC
    custodian_id: Annotated[str | None, Ref("Membership")] = None
    certificate_id: Annotated[str | None, Ref("Certificate")] = None

    enterprise: Enterprise = one("enterprise_id")
    custodian: Membership | None = one("custodian_id")
    certificate: Certificate | None = one("certificate_id")
    holds: list[SealHold] = many("seal_id")
    grants: list[SealGrant] = many("seal_id")
    use_requests: list[SealUseRequest] = many("seal_id")


@record(permanent=True)
class SealHold:
    """Something that freezes a seal until it is released. Several may overlap."""

    id: str
    seal_id: Annotated[str, Ref("Seal")]
    source: HoldSource
    placed_at: Instant
    state: HoldState = HoldState.PLACED
    placed_by_id: Annotated[str | None, Ref("Person")] = None

    seal: Seal = one("seal_id")


@record(
    Check("I10", "used >= 0 AND used <= use_limit"),
    Check("S-06", "valid_from < valid_to"),
    Check("S-06", "term = 'LONG_TERM' OR valid_to - valid_from <= 94694400000000"),
    Check("S-06", "state <> 'ACTIVE' OR confirmation <> 'NONE'"),
    permanent=True,
)
class SealGrant:
    """A right on a seal, given to one membership under one role assignment of the grantor.

    FIXED terms end within three years (1,096 days at most). `used` never passes `use_limit`.
    """

    id: str
    seal_id: Annotated[str, Ref("Seal")]
    membership_id: Annotated[str, Ref("Membership")]
    grantor_id: Annotated[str, Ref("RoleAssignment")]
    right: SealRight
    scope: GrantScope
    term: GrantTerm
    valid_from: Instant
    valid_to: Instant
    confirmation: GrantConfirmation = GrantConfirmation.NONE
    state: GrantState = GrantState.PENDING_CONFIRM
    invalid_reason: GrantInvalidity | None = None
    use_limit: int = UNLIMITED
    used: int = 0

    seal: Seal = one("seal_id")
    membership: Membership = one("membership_id")
    grantor: RoleAssignment = one("grantor_id")
    contract_types: list[GrantContractType] = many("grant_id")


@record(Unique("S-06", ("grant_id", "contract_type")))
class GrantContractType:
    """One contract type that a grant with scope LISTED_TYPES covers."""

    id: str
    grant_id: Annotated[str, Ref("SealGrant")]
    contract_type: str

    grant: SealGrant = one("grant_id")


@record(
    Check("U-03", "valid_from < valid_to"),
    Check("I10", "uses >= 1 AND used >= 0 AND used <= uses"),
    permanent=True,
)
class SealUseRequest:
    """A member's request to use a seal on exactly the documents listed, for one signing task or none."""

    id: str
    seal_id: Annotated[str, Ref("Seal")]
    applicant_id: Annotated[str, Ref("Membership")]
    submitted_at: Instant
    valid_from: Instant
    valid_to: Instant
    contract_id: Annotated[str | None, Ref("Contract")] = None
    state: UseRequestState = UseRequestState.DRAFT
    uses: int = 1
    used: int = 0
    purpose: str = ""

    seal: Seal = one("seal_id")
    applicant: Membership = one("applicant_id")
    documents: list[RequestDocument] = many("request_id")
    approvals: list[Approval] = many("request_id")


@record(Unique("U-03", ("request_id", "digest")), permanent=True)
class RequestDocument:
    """One document, by its digest, that a request to use a seal is for."""

    id: str
    request_id: Annotated[str, Ref("SealUseRequest")]
    digest: str

    request: SealUseRequest = one("request_id")


@record(Unique("I14", ("request_id", "step", "approver_id")), Check("U-03", "step >= 1"), permanent=True)
class Approval:
    """One approver's verdict on one step of a request; never the applicant's own."""

    id: str
    request_id: Annotated[str, Ref("SealUseRequest")]
    approver_id: Annotated[str, Ref("Membership")]
    verdict: ApprovalVerdict
    decided_at: Instant = NEVER
    step: int = 1

    request: SealUseRequest = one("request_id")
    approver: Membership = one("approver_id")
