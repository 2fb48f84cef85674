"""Seals, what holds them back, who may use them, and requests to use one."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from sealauthz.model.records.organisation import Department, Enterprise, Membership, RoleAssignment
from sealauthz.model.records.procedures import ApprovalProcess, ProcessStep
from sealauthz.schema.record import NEVER, UNLIMITED, Check, Instant, Ref, Unique, many, one, record


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
    AUTO_SIGN = "AUTO_SIGN"
    EMERGENCY = "EMERGENCY"


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


class HolderState(StrEnum):
    """Whether a holder's member still holds."""

    ACTIVE = "ACTIVE"
    REVOKED = "REVOKED"


class DelegationPower(StrEnum):
    """What a member lets another do for him. The last two are never delegated; a row with one is never accepted."""

    USE_SEAL = "USE_SEAL"
    PERSONAL_SIGNATURE = "PERSONAL_SIGNATURE"
    LEGAL_REP_INTENT = "LEGAL_REP_INTENT"


class DelegationState(StrEnum):
    """Whether a delegation stands."""

    PENDING_ACCEPT = "PENDING_ACCEPT"
    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"
    LAPSED = "LAPSED"


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


@record(Unique("U-23", ("enterprise_id", "serial")), permanent=True)
class Device:
    """A seal controller that holds a physical seal."""

    id: str
    enterprise_id: Annotated[str, Ref("Enterprise")]
    serial: str
    state: DeviceState = DeviceState.ACTIVE

    enterprise: Enterprise = one("enterprise_id")


@record(
    Unique(
        "I13",
        ("enterprise_id",),
        where="kind = 'LEGAL_REP' AND state NOT IN ('REVIEW_REJECTED', 'REVOKED', 'DESTROYED')",
    ),
    Check("S-05", "legal_rep_id IS NULL OR kind = 'LEGAL_REP'"),
    Check("S-16", "acting_custodian_id IS NULL OR acting_from < acting_to"),
    permanent=True,
)
class Seal:
    """A seal of an enterprise. REVOKED and DESTROYED are for ever.

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
    Check("U-05", "amount_max >= 0 AND (amount_max = 9223372036854775807) = (currency = '')"),
    Check("S-09", "parent_id IS NULL OR may_subgrant = FALSE"),
    permanent=True,
)
class SealGrant:
    """A right on a seal, given to one membership under one role assignment of the grantor.

    FIXED terms end within three years (1,096 days at most). `used` never passes `use_limit`. `amount_max` is in minor
    units of `currency`, inclusive. A sub-grant names the grant that it comes from in `parent_id`.
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
    amount_max: int = UNLIMITED
    currency: str = ""
    may_subgrant: bool = False
    parent_id: Annotated[str | None, Ref("SealGrant")] = None

    seal: Seal = one("seal_id")
    membership: Membership = one("membership_id")
    grantor: RoleAssignment = one("grantor_id")
    parent: SealGrant | None = one("parent_id")
    contract_types: list[GrantContractType] = many("grant_id")
    templates: list[GrantTemplate] = many("grant_id")
    emergency_uses: list[EmergencyUse] = many("grant_id")


@record(Unique("S-06", ("grant_id", "contract_type")))
class GrantContractType:
    """One contract type that a grant with scope LISTED_TYPES covers."""

    id: str
    grant_id: Annotated[str, Ref("SealGrant")]
    contract_type: str

    grant: SealGrant = one("grant_id")


@record(Unique("U-22", ("grant_id", "template_id")))
class GrantTemplate:
    """One template to which an AUTO_SIGN grant is limited."""

    id: str
    grant_id: Annotated[str, Ref("SealGrant")]
    template_id: str

    grant: SealGrant = one("grant_id")


@record(
    Check("U-24", "(approved_by_id IS NULL) = (approved_at = 0)"),
    Check("U-24", "reason <> ''"),
    permanent=True,
)
class EmergencyUse:
    """One use of a seal under an EMERGENCY grant, which somebody approves afterwards."""

    id: str
    grant_id: Annotated[str, Ref("SealGrant")]
    used_at: Instant
    reason: str
    approved_by_id: Annotated[str | None, Ref("Membership")] = None
    approved_at: Instant = NEVER

    grant: SealGrant = one("grant_id")


@record(
    Check("I10", "used >= 0 AND used <= use_limit"),
    Check("S-06", "valid_from < valid_to AND valid_to - valid_from <= 94694400000000"),
    Check("S-06", "state <> 'ACTIVE' OR confirmation <> 'NONE'"),
    permanent=True,
)
class OpenGrant:
    """The right to use a seal on documents of listed templates, given to all members or to a department's."""

    id: str
    seal_id: Annotated[str, Ref("Seal")]
    grantor_id: Annotated[str, Ref("RoleAssignment")]
    valid_from: Instant
    valid_to: Instant
    department_id: Annotated[str | None, Ref("Department")] = None
    confirmation: GrantConfirmation = GrantConfirmation.NONE
    state: GrantState = GrantState.PENDING_CONFIRM
    invalid_reason: GrantInvalidity | None = None
    use_limit: int = UNLIMITED
    used: int = 0

    seal: Seal = one("seal_id")
    grantor: RoleAssignment = one("grantor_id")
    department: Department | None = one("department_id")
    templates: list[OpenGrantTemplate] = many("grant_id")


@record(Unique("S-08", ("grant_id", "template_id")))
class OpenGrantTemplate:
    """One template to which an open grant is limited."""

    id: str
    grant_id: Annotated[str, Ref("OpenGrant")]
    template_id: str

    grant: OpenGrant = one("grant_id")


@record(
    Check("I10", "used >= 0 AND used <= use_limit"),
    Check("S-06", "valid_from < valid_to AND valid_to - valid_from <= 94694400000000"),
    Check("U-20", "state <> 'ACTIVE' OR confirmation = 'AUTH_LETTER'"),
    permanent=True,
)
class CrossEnterpriseGrant:
    """The right to use a seal, given by its owner to another enterprise by a signed letter; it names its members."""

    id: str
    seal_id: Annotated[str, Ref("Seal")]
    holder_id: Annotated[str, Ref("Enterprise")]
    grantor_id: Annotated[str, Ref("RoleAssignment")]
    scope: GrantScope
    valid_from: Instant
    valid_to: Instant
    confirmation: GrantConfirmation = GrantConfirmation.NONE
    state: GrantState = GrantState.PENDING_CONFIRM
    invalid_reason: GrantInvalidity | None = None
    use_limit: int = UNLIMITED
    used: int = 0

    seal: Seal = one("seal_id")
    grantor: RoleAssignment = one("grantor_id")
    contract_types: list[CrossGrantContractType] = many("grant_id")
    holders: list[HolderAssignment] = many("grant_id")


@record(Unique("U-20", ("grant_id", "contract_type")))
class CrossGrantContractType:
    """One contract type that a cross-enterprise grant with scope LISTED_TYPES covers."""

    id: str
    grant_id: Annotated[str, Ref("CrossEnterpriseGrant")]
    contract_type: str

    grant: CrossEnterpriseGrant = one("grant_id")


@record(Unique("U-20", ("grant_id", "membership_id"), where="state = 'ACTIVE'"), permanent=True)
class HolderAssignment:
    """A member of the holder enterprise whom it named to use a seal under a cross-enterprise grant."""

    id: str
    grant_id: Annotated[str, Ref("CrossEnterpriseGrant")]
    membership_id: Annotated[str, Ref("Membership")]
    state: HolderState = HolderState.ACTIVE

    grant: CrossEnterpriseGrant = one("grant_id")


@record(
    Check("U-18", "principal_id <> delegate_id"),
    Check("U-18", "valid_from < valid_to"),
    Check("U-19", "state <> 'ACTIVE' OR power = 'USE_SEAL'"),
    permanent=True,
)
class Delegation:
    """What one member lets another do for him for a time: over one seal, or over all he may use (no `seal_id`)."""

    id: str
    principal_id: Annotated[str, Ref("Membership")]
    delegate_id: Annotated[str, Ref("Membership")]
    power: DelegationPower
    scope: GrantScope
    valid_from: Instant
    valid_to: Instant
    seal_id: Annotated[str | None, Ref("Seal")] = None
    state: DelegationState = DelegationState.PENDING_ACCEPT
    reason: str = ""

    principal: Membership = one("principal_id")
    delegate: Membership = one("delegate_id")
    contract_types: list[DelegationContractType] = many("delegation_id")


@record(Unique("U-18", ("delegation_id", "contract_type")))
class DelegationContractType:
    """One contract type that a delegation with scope LISTED_TYPES covers."""

    id: str
    delegation_id: Annotated[str, Ref("Delegation")]
    contract_type: str

    delegation: Delegation = one("delegation_id")


@record(
    Unique("S-02", ("seal_id",), where="state = 'IN_REVIEW'"),
    Check("S-02", "state = 'IN_REVIEW' OR decided_by_id IS NOT NULL"),
    Check("S-02", "decided_by_id IS NULL OR decided_by_id <> submitted_by_id"),
    permanent=True,
)
class SealReview:
    """A review of a new seal, or of a changed face: by somebody else than who submitted it."""

    id: str
    seal_id: Annotated[str, Ref("Seal")]
    submitted_by_id: Annotated[str, Ref("Membership")]
    submitted_at: Instant
    face_digest: str
    name_on_seal: str
    state: SealReviewState = SealReviewState.IN_REVIEW
    decided_by_id: Annotated[str | None, Ref("Membership")] = None
    decided_at: Instant = NEVER

    seal: Seal = one("seal_id")
    submitted_by: Membership = one("submitted_by_id")


@record(
    Unique("S-14", ("seal_id",), where="state = 'OPEN'"),
    Check("S-14", "reason <> ''"),
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


@record(Unique("S-14", ("proposal_id", "membership_id")), permanent=True)
class SealWitness:
    """A member who will witness, or has witnessed, the destruction of a seal."""

    id: str
    proposal_id: Annotated[str, Ref("SealProposal")]
    membership_id: Annotated[str, Ref("Membership")]

    proposal: SealProposal = one("proposal_id")
    membership: Membership = one("membership_id")


@record(
    Check("U-03", "valid_from < valid_to"),
    Check("I10", "uses >= 1 AND used >= 0 AND used <= uses"),
    Check("U-23", "photos_owed >= 0"),
    permanent=True,
)
class SealUseRequest:
    """A member's request to use a seal on exactly the documents listed, for one signing task or none.

    For a physical seal it names the device, and holds the digest of the code that opens it once; `photos_owed` counts
    the photos of the use that the applicant has not delivered.
    """

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
    process_id: Annotated[str | None, Ref("ApprovalProcess")] = None
    is_out_of_hours: bool = False
    device_id: Annotated[str | None, Ref("Device")] = None
    code_digest: str = ""
    carries_out: bool = False
    photos_owed: int = 0

    seal: Seal = one("seal_id")
    applicant: Membership = one("applicant_id")
    process: ApprovalProcess | None = one("process_id")
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
    """One approver's verdict on one step of a request; never the applicant's own.

    `step_id` is the step of the request's process that the verdict is on, where it follows one.
    """

    id: str
    request_id: Annotated[str, Ref("SealUseRequest")]
    approver_id: Annotated[str, Ref("Membership")]
    verdict: ApprovalVerdict
    decided_at: Instant = NEVER
    step: int = 1
    step_id: Annotated[str | None, Ref("ProcessStep")] = None

    request: SealUseRequest = one("request_id")
    approver: Membership = one("approver_id")
    process_step: ProcessStep | None = one("step_id")
