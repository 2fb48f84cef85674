"""Enterprises, how they were authenticated, who belongs to them and who asks to."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from sealauthz.model.records.identity import Person
from sealauthz.schema.record import FOREVER, NEVER, Check, Instant, Personal, Ref, Unique, many, one, record

if TYPE_CHECKING:
    from sealauthz.model.records.procedures import AmountBand, ApprovalProcess, BoardResolution, BusinessCategory
    from sealauthz.model.records.retrieval import EnterpriseAuthentication, RetrievalCase
    from sealauthz.model.records.seals import Certificate, Delegation, Device, Seal, SealGrant, SealUseRequest


class AuthenticationState(StrEnum):
    """How far the enterprise's authentication is."""

    UNREGISTERED = "UNREGISTERED"
    REGISTERED = "REGISTERED"
    CERTIFYING = "CERTIFYING"
    AUTHENTICATED = "AUTHENTICATED"
    AUTH_FAILED = "AUTH_FAILED"


class OperatingState(StrEnum):
    """Whether the enterprise may act on the platform."""

    ACTIVE = "ACTIVE"
    FROZEN = "FROZEN"
    CLOSED = "CLOSED"


class CertificationMethod(StrEnum):
    """How an enterprise proves itself."""

    LEGAL_REP_ONLINE = "LEGAL_REP_ONLINE"
    AUTH_LETTER = "AUTH_LETTER"
    BANK_TRANSFER = "BANK_TRANSFER"
    DOCUMENTS = "DOCUMENTS"


class CertificationPurpose(StrEnum):
    """What a certification is for."""

    FIRST = "FIRST"
    RETRIEVAL = "RETRIEVAL"
    INFO_CHANGE = "INFO_CHANGE"


class CertificationState(StrEnum):
    """How far a certification is."""

    SUBMITTED = "SUBMITTED"
    IN_REVIEW = "IN_REVIEW"
    PASSED = "PASSED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


class RegistryStatus(StrEnum):
    """The licence state in the public registry."""

    EXISTING = "EXISTING"
    REVOKED = "REVOKED"
    CANCELLED = "CANCELLED"
    ABNORMAL = "ABNORMAL"


class JoinedVia(StrEnum):
    """How a member came in."""

    AUTHENTICATOR = "AUTHENTICATOR"
    INVITE = "INVITE"
    APPLICATION = "APPLICATION"
    IMPORT = "IMPORT"
    RETRIEVAL = "RETRIEVAL"


class MembershipState(StrEnum):
    """Whether a membership carries anything now."""

    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    ENDED = "ENDED"


class EndReason(StrEnum):
    """Why a membership ended."""

    RESIGNED = "RESIGNED"
    REMOVED = "REMOVED"
    ENTERPRISE_CLOSED = "ENTERPRISE_CLOSED"


class Role(StrEnum):
    """What a member is trusted with."""

    SYSTEM_ADMIN = "SYSTEM_ADMIN"
    SEAL_ADMIN = "SEAL_ADMIN"
    LEGAL_REP = "LEGAL_REP"
    CONTRACT_ADMIN = "CONTRACT_ADMIN"
    SEAL_AUDITOR = "SEAL_AUDITOR"
    DEPT_ADMIN = "DEPT_ADMIN"
    CUSTOM = "CUSTOM"


class AssignmentState(StrEnum):
    """Whether a role assignment stands."""

    ACTIVE = "ACTIVE"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"


class AdminPower(StrEnum):
    """What a role of the enterprise's own making may contain. Giving roles is not among them: that gives everything."""

    INVITE = "INVITE"
    DECIDE_APPLICATIONS = "DECIDE_APPLICATIONS"
    SUSPEND_MEMBERS = "SUSPEND_MEMBERS"
    END_MEMBERSHIPS = "END_MEMBERSHIPS"


class SubscriptionState(StrEnum):
    """Whether a leader still watches."""

    ACTIVE = "ACTIVE"
    ENDED = "ENDED"


class InvitationState(StrEnum):
    """What became of an invitation."""

    OPEN = "OPEN"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"


class ApplicationState(StrEnum):
    """What became of an application to join."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    SUPERSEDED = "SUPERSEDED"


@record(
    Unique("I1", ("realm", "uscc"), where="auth_state = 'AUTHENTICATED'"),
    Check("I2", "length(uscc) = 18"),
    permanent=True,
)
class Enterprise:
    """An organisation. It is authenticated once per realm and USCC; the first to pass wins."""

    id: str
    name: str
    uscc: str
    realm: str = "PUBLIC"
    auth_state: AuthenticationState = AuthenticationState.REGISTERED
    operating_state: OperatingState = OperatingState.ACTIVE
    timezone: str = "Asia/Shanghai"
    parent_id: Annotated[str | None, Ref("Enterprise")] = None

    authentications: list[EnterpriseAuthentication] = many("enterprise_id")
    registry_snapshots: list[RegistrySnapshot] = many("enterprise_id")
    departments: list[Department] = many("enterprise_id")
    custom_roles: list[CustomRole] = many("enterprise_id")
    working_hours: list[WorkingHours] = many("enterprise_id")
    holidays: list[Holiday] = many("enterprise_id")
    memberships: list[Membership] = many("enterprise_id")
    invitations: list[Invitation] = many("enterprise_id")
    applications: list[JoinApplication] = many("enterprise_id")
    retrieval_cases: list[RetrievalCase] = many("enterprise_id")
    seals: list[Seal] = many("enterprise_id")
    certificates: list[Certificate] = many("enterprise_id")
    devices: list[Device] = many("enterprise_id")
    approval_processes: list[ApprovalProcess] = many("enterprise_id")
    amount_bands: list[AmountBand] = many("enterprise_id")
    categories: list[BusinessCategory] = many("enterprise_id")
    resolutions: list[BoardResolution] = many("enterprise_id")
    monitors: list[MonitorSubscription] = many("enterprise_id")


@record(Unique("R-05", ("enterprise_id",), where="is_current"))
class RegistrySnapshot:
    """What the public registry said about an enterprise when it was asked. One is current.

    `registered_name` is the name in the registry; empty where the registry was not asked for it.
    """

    id: str
    enterprise_id: Annotated[str, Ref("Enterprise")]
    status: RegistryStatus
    fetched_at: Instant
    legal_rep_id: Annotated[str | None, Ref("Person")] = None
    is_current: bool = True
    registered_name: str = ""

    enterprise: Enterprise = one("enterprise_id")


@record(permanent=True)
class Department:
    """A department of an enterprise, within another one or not."""

    id: str
    enterprise_id: Annotated[str, Ref("Enterprise")]
    name: str
    parent_id: Annotated[str | None, Ref("Department")] = None

    enterprise: Enterprise = one("enterprise_id")


@record()
class CustomRole:
    """A role of the enterprise's own making, by the powers that it contains."""

    id: str
    enterprise_id: Annotated[str, Ref("Enterprise")]
    name: str

    enterprise: Enterprise = one("enterprise_id")
    powers: list[CustomRolePower] = many("role_id")


@record(Unique("M-07", ("role_id", "power")))
class CustomRolePower:
    """One power that a custom role contains."""

    id: str
    role_id: Annotated[str, Ref("CustomRole")]
    power: AdminPower

    role: CustomRole = one("role_id")


@record(
    Unique("U-08", ("enterprise_id", "weekday", "from_minute")),
    Check("U-08", "weekday >= 1 AND weekday <= 7"),
    Check("U-08", "from_minute >= 0 AND from_minute < to_minute AND to_minute <= 1440"),
)
class WorkingHours:
    """When an enterprise seals without further approval: minutes `[from, to)` of a weekday (Monday is 1), in its own
    time zone. An enterprise that has set none has no such limit.
    """

    id: str
    enterprise_id: Annotated[str, Ref("Enterprise")]
    weekday: int
    from_minute: int
    to_minute: int

    enterprise: Enterprise = one("enterprise_id")


@record(Unique("U-08", ("enterprise_id", "day")), Check("U-08", "day >= 0"))
class Holiday:
    """A day (counted from 1970-01-01 in the enterprise's time zone) that is free though it is a weekday."""

    id: str
    enterprise_id: Annotated[str, Ref("Enterprise")]
    day: int

    enterprise: Enterprise = one("enterprise_id")


@record(
    Unique("I3", ("person_id", "enterprise_id"), where="state IN ('ACTIVE', 'SUSPENDED')"),
    Check("I3", "state <> 'ENDED' OR end_reason IS NOT NULL"),
    permanent=True,
)
class Membership:
    """A person's place in an enterprise. Joining again makes a new one, so that old grants stay dead."""

    id: str
    person_id: Annotated[str, Ref("Person")]
    enterprise_id: Annotated[str, Ref("Enterprise")]
    joined_via: JoinedVia
    joined_at: Instant
    state: MembershipState = MembershipState.ACTIVE
    ended_at: Instant = FOREVER
    end_reason: EndReason | None = None
    department_id: Annotated[str | None, Ref("Department")] = None

    person: Person = one("person_id")
    enterprise: Enterprise = one("enterprise_id")
    assignments: list[RoleAssignment] = many("membership_id")
    grants: list[SealGrant] = many("membership_id")
    use_requests: list[SealUseRequest] = many("applicant_id")
    delegations_given: list[Delegation] = many("principal_id")
    delegations_received: list[Delegation] = many("delegate_id")


@record(
    Unique("I7", ("membership_id", "role"), where="state = 'ACTIVE'"),
    Check("I7", "valid_from < valid_to"),
    Check("M-07", "(role = 'CUSTOM') = (custom_role_id IS NOT NULL)"),
    permanent=True,
)
class RoleAssignment:
    """A role given to a member for a time. `department_id` is the department that a DEPT_ADMIN runs."""

    id: str
    membership_id: Annotated[str, Ref("Membership")]
    role: Role
    state: AssignmentState = AssignmentState.ACTIVE
    granted_by_id: Annotated[str | None, Ref("Person")] = None
    valid_from: Instant = NEVER
    valid_to: Instant = FOREVER
    is_primary: bool = False
    custom_role_id: Annotated[str | None, Ref("CustomRole")] = None
    department_id: Annotated[str | None, Ref("Department")] = None

    membership: Membership = one("membership_id")
    custom_role: CustomRole | None = one("custom_role_id")


@record(
    Unique("M-06", ("token_hash",)),
    Check("M-06", "created_at < expires_at AND expires_at - created_at <= 2592000000000"),
)
class Invitation:
    """An invitation to join: for one verified identity, at most 30 days, used once."""

    id: str
    enterprise_id: Annotated[str, Ref("Enterprise")]
    inviter_id: Annotated[str, Ref("Membership")]
    target_id: Annotated[str, Ref("Person")]
    token_hash: str
    created_at: Instant
    expires_at: Instant
    state: InvitationState = InvitationState.OPEN

    enterprise: Enterprise = one("enterprise_id")
    inviter: Membership = one("inviter_id")


@record(
    Unique("I6", ("person_id", "enterprise_id"), where="state = 'PENDING'"),
    Check("M-05", "state <> 'REJECTED' OR reason <> ''"),
    Check("I14", "decided_by_id IS NULL OR decided_by_id <> person_id"),
    Check("M-02", "reminders >= 0"),
    Check("M-04", "state <> 'APPROVED' OR decided_by_id IS NOT NULL"),
    permanent=True,
)
class JoinApplication:
    """A person's application to join an enterprise, waiting for the administrator named in it."""

    id: str
    person_id: Annotated[str, Ref("Person")]
    enterprise_id: Annotated[str, Ref("Enterprise")]
    applied_at: Instant
    expires_at: Instant
    state: ApplicationState = ApplicationState.PENDING
    handler_id: Annotated[str | None, Ref("Membership")] = None
    reminders: int = 0
    last_reminded_at: Instant = NEVER
    decided_by_id: Annotated[str | None, Ref("Person")] = None
    decided_at: Instant = NEVER
    reason: Personal = ""

    person: Person = one("person_id")
    enterprise: Enterprise = one("enterprise_id")
    handler: Membership | None = one("handler_id")


@record(permanent=True)
class MonitorSubscription:
    """A leader who was named to watch what happens to an enterprise's seals: to one, or to all (no `seal_id`)."""

    id: str
    enterprise_id: Annotated[str, Ref("Enterprise")]
    leader_id: Annotated[str, Ref("Membership")]
    seal_id: Annotated[str | None, Ref("Seal")] = None
    state: SubscriptionState = SubscriptionState.ACTIVE

    enterprise: Enterprise = one("enterprise_id")
    leader: Membership = one("leader_id")
