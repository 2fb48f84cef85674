"""Enterprises: what the registry says of them, their departments, own roles, hours, and who watches their seals."""

from __future__ import annotations

import string
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from sealauthz.model.normal_forms import normalise_realm, realm_problem
from sealauthz.runtime.instants import NEVER
from sealauthz.schema.record import Instant, Normalised, Ref, many, one, record
from sealauthz.schema.rules import Check, Fixed, Life, OwnedByActs, RelatedTo, SetOnce, Tenant, Unique, Valid

if TYPE_CHECKING:
    from sealauthz.model.records.identity import Person
    from sealauthz.model.records.membership import Invitation, JoinApplication, Membership
    from sealauthz.model.records.procedures import (
        AmountBand,
        ApprovalProcess,
        BoardResolution,
        BusinessCategory,
        RuleChange,
    )
    from sealauthz.model.records.retrieval import EnterpriseAuthentication, RetrievalCase
    from sealauthz.model.records.seals import Certificate, Device, Seal

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""The characters of a USCC, each worth its index (no I, O, S, V, Z). Source: GB 32100-2015."""

USCC_LENGTH = 18

_USCC_VALUES = {character: value for value, character in enumerate(USCC_ALPHABET)}
_USCC_WEIGHTS = tuple(pow(3, i, 31) for i in range(USCC_LENGTH - 1))

_UPPER = str.maketrans(string.ascii_lowercase, string.ascii_uppercase)


def normalise_uscc(text: str) -> str:
    """Return a USCC (unified social credit code) with ASCII letters in upper case: the only leniency there is.

    Only ASCII counts: a full-width `９` looks like a 9, and would make one organisation pass for two.
    """
    return text.translate(_UPPER)


def uscc_check_character(body: str) -> str:
    """Return the check character that the first 17 characters of a USCC call for. Source: GB 32100-2015.

    Raises KeyError for a character that no USCC has.
    """
    total = sum(_USCC_VALUES[c] * weight for c, weight in zip(body, _USCC_WEIGHTS, strict=True))
    # The outer modulo is not for show: a total of 0 mod 31 would otherwise call for a 32nd character.
    return USCC_ALPHABET[(31 - total % 31) % 31]


def uscc_problem(text: str) -> str | None:
    """Say what is wrong with a USCC, in words that never repeat it, or None if it is valid. Upper case only."""
    if len(text) != USCC_LENGTH:
        return f"must have {USCC_LENGTH} characters"
    if any(c not in _USCC_VALUES for c in text):
        return "must consist of ASCII digits and upper-case letters other than I, O, S, V and Z"
    if any(c not in string.digits for c in text[2:8]):
        return "must have digits in positions 3 to 8"
    if text[-1] != uscc_check_character(text[:-1]):
        return "has a wrong check character"
    return None


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
    """The licence state in the public registry. ABNORMAL is a licence that stands, of an enterprise on the list of
    abnormal operations; of what holds beside it (a liquidation, a revocation), that is stated.
    """

    EXISTING = "EXISTING"
    REVOKED = "REVOKED"
    CANCELLED = "CANCELLED"
    ABNORMAL = "ABNORMAL"
    LIQUIDATION = "LIQUIDATION"
    BANKRUPTCY = "BANKRUPTCY"


class AdminPower(StrEnum):
    """What a role of the enterprise's own making may contain. Giving roles is not among them: that gives everything."""

    INVITE = "INVITE"
    DECIDE_APPLICATIONS = "DECIDE_APPLICATIONS"
    SUSPEND_MEMBERS = "SUSPEND_MEMBERS"
    END_MEMBERSHIPS = "END_MEMBERSHIPS"


class DayKind(StrEnum):
    """What a day is that is not what its weekday says."""

    HOLIDAY = "HOLIDAY"
    WORKDAY = "WORKDAY"


class SubscriptionState(StrEnum):
    """Whether a leader still watches."""

    ACTIVE = "ACTIVE"
    ENDED = "ENDED"


@record(
    Unique(
        "I1",
        ("realm", "uscc"),
        where="auth_state = 'AUTHENTICATED'",
        says="an organisation is authenticated once per realm and code",
    ),
    Check("I2", "length(uscc) = 18", says="a unified social credit code has 18 characters"),
    Valid("I1", "realm", realm_problem, says="a realm is written in one way"),
    Valid("I2", "uscc", uscc_problem, says="a unified social credit code is well-formed"),
    Fixed(
        "I2",
        "uscc",
        "realm",
        once=lambda enterprise: enterprise.auth_state == "AUTHENTICATED",
        says="the code and the realm of an authenticated enterprise never change",
    ),
    Check(
        "A-03",
        "contact_changed_at = 0 OR (contact_set_at > 0 AND contact_set_at <= contact_changed_at)",
        says="a registered contact is set before it is changed",
    ),
    SetOnce("A-03", "contact_set_at", says="when the first contact was registered is history"),
    Life(
        {
            "UNREGISTERED": ("REGISTERED",),
            "REGISTERED": ("CERTIFYING",),
            "CERTIFYING": ("AUTHENTICATED",),
            "AUTHENTICATED": ("AUTH_FAILED",),
        },
        {"CERTIFYING": ("REGISTERED",), "AUTHENTICATED": ("CERTIFYING",), "AUTH_FAILED": ("REGISTERED", "CERTIFYING")},
        column="auth_state",
    ),
    Life({"ACTIVE": ("FROZEN",), "FROZEN": ("CLOSED",)}, {"FROZEN": ("ACTIVE",)}, column="operating_state"),
    OwnedByActs("auth_state"),
    root=Tenant(),
    permanent=True,
)
class Enterprise:
    """An organisation. It is authenticated once per realm and USCC; the first to pass wins.

    `contact_set_at` says when its contact was registered, to whom notices go, and `contact_changed_at` when that last
    changed.
    """

    id: str
    name: str
    uscc: Annotated[str, Normalised(normalise_uscc)]
    realm: Annotated[str, Normalised(normalise_realm)] = "PUBLIC"
    auth_state: AuthenticationState = AuthenticationState.REGISTERED
    operating_state: OperatingState = OperatingState.ACTIVE
    timezone: str = "Asia/Shanghai"
    parent_id: Annotated[str | None, Ref("Enterprise")] = None
    contact_set_at: Instant = NEVER
    contact_changed_at: Instant = NEVER

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
    rule_changes: list[RuleChange] = many("enterprise_id")
    monitors: list[MonitorSubscription] = many("enterprise_id")


@record(
    Unique(
        "R-05", ("enterprise_id",), where="is_current", says="an enterprise has one current snapshot of the registry"
    ),
    Fixed(
        "R-05",
        "status",
        "fetched_at",
        "legal_rep_id",
        "registered_name",
        says="what the registry said, and when, is history: what it says now is a new snapshot",
    ),
    Fixed(
        "R-05",
        "is_current",
        once=lambda snapshot: not snapshot.is_current,
        says="a snapshot that is no longer current stays so",
    ),
    RelatedTo("Person", "legal_rep_id", "legal_rep_id/same_as_id"),
    home="enterprise_id",
    permanent=True,
)
class RegistrySnapshot:
    """What the public registry said about an enterprise when it was asked. One is current.

    `registered_name` is the name in the registry; empty where the registry was not asked for it. `is_matched` says
    that the registry confirmed name, USCC, and the representative's name and id number together: namesakes do not
    represent anybody.
    """

    id: str
    enterprise_id: Annotated[str, Ref("Enterprise")]
    status: RegistryStatus
    fetched_at: Instant
    legal_rep_id: Annotated[str | None, Ref("Person")] = None
    is_current: bool = True
    registered_name: str = ""
    is_matched: bool = False

    enterprise: Enterprise = one("enterprise_id")
    legal_rep: Person | None = one("legal_rep_id")


@record(home="enterprise_id", permanent=True)
class Department:
    """A department of an enterprise, within another one or not."""

    id: str
    enterprise_id: Annotated[str, Ref("Enterprise")]
    name: str
    parent_id: Annotated[str | None, Ref("Department")] = None

    enterprise: Enterprise = one("enterprise_id")
    parent: Department | None = one("parent_id")


@record(home="enterprise_id")
class CustomRole:
    """A role of the enterprise's own making, by the powers that it contains."""

    id: str
    enterprise_id: Annotated[str, Ref("Enterprise")]
    name: str

    enterprise: Enterprise = one("enterprise_id")
    powers: list[CustomRolePower] = many("role_id")


@record(Unique("M-07", ("role_id", "power"), says="a role contains each power once"), home="role_id")
class CustomRolePower:
    """One power that a custom role contains."""

    id: str
    role_id: Annotated[str, Ref("CustomRole")]
    power: AdminPower

    role: CustomRole = one("role_id")


@record(
    Unique("U-08", ("enterprise_id", "weekday", "from_minute"), says="hours of a weekday begin at different minutes"),
    Check("U-08", "weekday >= 1 AND weekday <= 7", says="weekdays are numbered from 1 (Monday) to 7"),
    Check(
        "U-08",
        "from_minute >= 0 AND from_minute < to_minute AND to_minute <= 1440",
        says="hours begin before they end, within the 1,440 minutes of a day",
    ),
    home="enterprise_id",
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


@record(
    Unique("U-08", ("enterprise_id", "day"), says="an enterprise names each holiday once"),
    Check("U-08", "day >= 0", says="days are counted from 1970-01-01"),
    Check(
        "A-06",
        "(kind = 'WORKDAY') = (weekday IS NOT NULL)",
        says="a make-up working day names the weekday whose hours apply, and a holiday none",
    ),
    Check(
        "A-06",
        "weekday IS NULL OR (weekday >= 1 AND weekday <= 7)",
        says="weekdays are numbered from 1 (Monday) to 7",
    ),
    home="enterprise_id",
)
class Holiday:
    """A day (counted from 1970-01-01 in the enterprise's time zone) that is not what its weekday says: free (HOLIDAY),
    or a make-up working day (WORKDAY), with the hours of the `weekday` that it makes up for.
    """

    id: str
    enterprise_id: Annotated[str, Ref("Enterprise")]
    day: int
    kind: DayKind = DayKind.HOLIDAY
    weekday: int | None = None

    enterprise: Enterprise = one("enterprise_id")


@record(
    Fixed("W-06", "leader_id", "seal_id", says="another leader or seal takes a new subscription"),
    Life({"ACTIVE": ("ENDED",)}, invariant="W-06"),
    OwnedByActs(),
    home="enterprise_id",
    permanent=True,
)
class MonitorSubscription:
    """A leader who was named to watch what happens to an enterprise's seals: to one, or to all (no `seal_id`)."""

    id: str
    enterprise_id: Annotated[str, Ref("Enterprise")]
    leader_id: Annotated[str, Ref("Membership")]
    seal_id: Annotated[str | None, Ref("Seal")] = None
    state: SubscriptionState = SubscriptionState.ACTIVE

    enterprise: Enterprise = one("enterprise_id")
    leader: Membership = one("leader_id")
