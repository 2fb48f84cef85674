"""Who belongs to an enterprise, in which roles, and who asks or is asked to."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from sealauthz.model.normal_forms import hash_problem, normalise_hash
from sealauthz.model.records.identity import Person
from sealauthz.model.verdicts import is_decided
from sealauthz.runtime.instants import FOREVER, NEVER
from sealauthz.schema.record import Instant, Normalised, PersonalText, Ref, many, one, record
from sealauthz.schema.rules import Check, Fixed, Life, OwnedByActs, RelatedTo, Rising, SetOnce, Unique, Valid

if TYPE_CHECKING:
    from sealauthz.model.records.delegations import Delegation
    from sealauthz.model.records.grants import SealGrant
    from sealauthz.model.records.outings import SealOuting
    from sealauthz.model.records.requests import SealUseRequest


from sealauthz.model.records.organisation import CustomRole, Department, Enterprise


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


class SuspensionCause(StrEnum):
    """Why a membership is suspended: on suspicion, or for an absence that casts no doubt on what the member did."""

    SUSPICION = "SUSPICION"
    ABSENCE = "ABSENCE"


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
    Unique(
        "I3",
        ("person_id", "enterprise_id"),
        where="state IN ('ACTIVE', 'SUSPENDED')",
        says="a person has one membership in an enterprise that has not ended",
    ),
    Check("I3", "state <> 'ENDED' OR end_reason IS NOT NULL", says="an ended membership says why it ended"),
    # Another person in the same membership would inherit its roles and grants: joining again makes a new one.
    Fixed("I3", "person_id", says="another person takes a new membership"),
    Fixed("I17", "joined_via", "joined_at", says="how and when somebody joined is history"),
    Life({"ACTIVE": ("SUSPENDED",), "SUSPENDED": ("ENDED",)}, {"SUSPENDED": ("ACTIVE",)}, "I3"),
    RelatedTo("Person", "person_id", "person_id/same_as_id"),
    OwnedByActs(),
    home="enterprise_id",
    permanent=True,
)
class Membership:
    """A person's place in an enterprise. Joining again makes a new one, so that old grants stay dead.

    `suspended_for` and `suspended_at` are about the suspension that lasts, or the last one. Where nobody says why, it
    counts as suspicion.
    """

    id: str
    person_id: Annotated[str, Ref("Person")]
    enterprise_id: Annotated[str, Ref("Enterprise")]
    joined_via: JoinedVia
    joined_at: Instant
    state: MembershipState = MembershipState.ACTIVE
    ended_at: Instant = FOREVER
    end_reason: EndReason | None = None
    department_id: Annotated[str | None, Ref("Department")] = None
    suspended_for: SuspensionCause | None = None
    suspended_at: Instant = NEVER

    person: Person = one("person_id")
    enterprise: Enterprise = one("enterprise_id")
    department: Department | None = one("department_id")
    assignments: list[RoleAssignment] = many("membership_id", whole_in=("Person",))
    absences: list[Absence] = many("membership_id")
    substitutions: list[Absence] = many("substitute_id")
    grants: list[SealGrant] = many("membership_id")
    use_requests: list[SealUseRequest] = many("applicant_id")
    outings: list[SealOuting] = many("holder_id")
    delegations_given: list[Delegation] = many("principal_id")
    delegations_received: list[Delegation] = many("delegate_id")


@record(
    Unique("I7", ("membership_id", "role"), where="state = 'ACTIVE'", says="a member holds a role once"),
    Check("I7", "valid_from < valid_to", says="a role begins before it ends"),
    Check(
        "M-07",
        "(role = 'CUSTOM') = (custom_role_id IS NOT NULL)",
        says="a CUSTOM role names the custom role, and no other role does",
    ),
    Check("I8", "revoked_at = 0 OR state = 'REVOKED'", says="a role that has a time of its revocation is revoked"),
    Fixed("I8", "role", "custom_role_id", says="another role takes a new assignment"),
    SetOnce("I17", "granted_by_id", says="who gave a role is history"),
    SetOnce("I17", "revoked_at", says="when a role was revoked is history"),
    Life({"ACTIVE": ("REVOKED", "EXPIRED")}, invariant="I8"),
    RelatedTo("Person", "membership_id/person_id", "membership_id/person_id/same_as_id"),
    OwnedByActs(),
    home="membership_id",
    permanent=True,
)
class RoleAssignment:
    """A role given to a member for a time. `department_id` is the department that a DEPT_ADMIN runs. Of a role that was
    revoked, `revoked_at` is when; where that is not known, it counts as never held.
    """

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
    revoked_at: Instant = NEVER

    membership: Membership = one("membership_id")
    custom_role: CustomRole | None = one("custom_role_id")


@record(
    Check("A-07", "membership_id <> substitute_id", says="nobody is their own substitute"),
    Check("A-07", "valid_from < valid_to", says="an absence begins before it ends"),
    Fixed(
        "A-07",
        "membership_id",
        "substitute_id",
        "recorded_by_id",
        "recorded_at",
        "valid_from",
        "valid_to",
        says="another absence or substitute takes a new record",
    ),
    SetOnce("A-07", "withdrawn_at", says="an absence that was withdrawn stays withdrawn"),
    OwnedByActs(),
    home="membership_id",
    permanent=True,
)
class Absence:
    """A time in which a member is away and another one approves in their place; recorded before it is used.

    It ends at `valid_to`, or at `withdrawn_at` where that is set.
    """

    id: str
    membership_id: Annotated[str, Ref("Membership")]
    substitute_id: Annotated[str, Ref("Membership")]
    recorded_by_id: Annotated[str, Ref("Person")]
    recorded_at: Instant
    valid_from: Instant
    valid_to: Instant
    withdrawn_at: Instant = NEVER

    membership: Membership = one("membership_id")
    substitute: Membership = one("substitute_id")


@record(
    Unique("M-06", ("token_hash",), says="an invitation has a token of its own"),
    Check(
        "M-06",
        "created_at < expires_at AND expires_at - created_at <= 2592000000000",
        says="an invitation ends after it begins, and within 30 days",
    ),
    Check(
        "A-13",
        "target_id IS NOT NULL OR phone_hash <> ''",
        says="an invitation names the person, or the phone of one who has no account yet",
    ),
    Check(
        "A-13",
        "phone_hash = '' OR (contact_digest <> '' AND expires_at - created_at <= 604800000000)",
        says="an invitation to a phone states a name too, and ends within 7 days",
    ),
    Check(
        "A-13",
        "confirmed_at = 0 OR (phone_hash <> '' AND target_id IS NOT NULL AND confirmed_at >= created_at)",
        says="the inviter confirms who claimed an invitation to a phone",
    ),
    Check(
        "A-13",
        "state <> 'ACCEPTED' OR phone_hash = '' OR confirmed_at > 0",
        says="an invitation to a phone is accepted once the inviter has confirmed",
    ),
    Fixed("I17", "inviter_id", "created_at", says="who invited, and when, is history"),
    Fixed(
        "M-06",
        "token_hash",
        "phone_hash",
        "contact_digest",
        says="an invitation stays with the token and the phone that it was made for",
    ),
    SetOnce("M-06", "target_id", says="an invitation stays with the person whom it names"),
    SetOnce("A-13", "confirmed_at", says="when the inviter confirmed is history"),
    Valid("A-13", "phone_hash", hash_problem, says="a hash is written in one way"),
    Life({"OPEN": ("ACCEPTED", "DECLINED", "EXPIRED", "CANCELLED")}),
    RelatedTo("Person", "target_id"),
    OwnedByActs(),
    home="enterprise_id",
    permanent=True,
)
class Invitation:
    """An invitation to join: for one verified identity, at most 30 days, used once.

    One to a phone has no target before somebody claims it, whom the inviter then confirms; it ends within 7 days. It
    holds keyed hashes, and neither the phone nor the name: the person may never have heard of us.
    """

    id: str
    enterprise_id: Annotated[str, Ref("Enterprise")]
    inviter_id: Annotated[str, Ref("Membership")]
    token_hash: str
    created_at: Instant
    expires_at: Instant
    target_id: Annotated[str | None, Ref("Person")] = None
    state: InvitationState = InvitationState.OPEN
    phone_hash: Annotated[str, Normalised(normalise_hash)] = ""
    contact_digest: str = ""
    confirmed_at: Instant = NEVER

    enterprise: Enterprise = one("enterprise_id")
    inviter: Membership = one("inviter_id")
    target: Person | None = one("target_id")


@record(
    Unique(
        "I6",
        ("person_id", "enterprise_id"),
        where="state = 'PENDING'",
        says="a person has one open application to an enterprise",
    ),
    Check("M-05", "state <> 'REJECTED' OR reason <> ''", says="a rejection gives its reason"),
    Check("I14", "decided_by_id IS NULL OR decided_by_id <> person_id", says="nobody decides their own application"),
    Check("M-02", "reminders >= 0", says="reminders are counted from 0"),
    Check("M-04", "state <> 'APPROVED' OR decided_by_id IS NOT NULL", says="an approval says who approved"),
    Fixed("I17", "person_id", "applied_at", says="who applied, and when, is history"),
    Rising("M-02", "reminders"),
    Fixed(
        "I17", "decided_by_id", "decided_at", once=is_decided, says="who decided an application, and when, is history"
    ),
    Life({"PENDING": ("APPROVED", "REJECTED", "WITHDRAWN", "EXPIRED", "CANCELLED", "SUPERSEDED")}),
    RelatedTo("Person", "person_id"),
    OwnedByActs(),
    home="enterprise_id",
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
    reason: Annotated[str, PersonalText(is_told=True)] = ""

    person: Person = one("person_id")
    enterprise: Enterprise = one("enterprise_id")
    handler: Membership | None = one("handler_id")
