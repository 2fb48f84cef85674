"""Rights on seals: who was given which, by whom, and who acts for whom."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from sealauthz.model.normal_forms import currency_problem, normalise_currency
from sealauthz.model.records.identity import Person
from sealauthz.model.records.membership import Membership, RoleAssignment
from sealauthz.model.records.organisation import Department
from sealauthz.model.records.seals import Seal
from sealauthz.runtime.instants import NEVER
from sealauthz.schema.record import UNLIMITED, Instant, Normalised, Ref, many, one, record
from sealauthz.schema.rules import Check, Fixed, Life, OwnedByActs, Rising, SetOnce, Terms, Unique, Valid

if TYPE_CHECKING:
    from sealauthz.model.records.letters import AuthLetter


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


_GRANT_ENDS = ("EXPIRED", "REVOKED", "INVALIDATED")


GRANT_LIFE = Life(
    {
        "PENDING_CONFIRM": ("PENDING_EFFECT", *_GRANT_ENDS),
        "PENDING_EFFECT": ("ACTIVE",),
        "ACTIVE": ("EXHAUSTED",),
        "EXHAUSTED": _GRANT_ENDS,
    },
    invariant="S-10",
    # A use before the end may be written down after it.
    late=("used",),
)


@record(
    Valid("U-05", "currency", currency_problem, says="a currency is its code of three letters"),
    Check("I10", "used >= 0 AND used <= use_limit", says="the uses are counted from 0 up to the limit"),
    Check("S-06", "valid_from < valid_to", says="a grant begins before it ends"),
    Check(
        "S-06",
        "term = 'LONG_TERM' OR valid_to - valid_from <= 94694400000000",
        says="a grant that is not explicitly long-term ends within three years (1,096 days)",
    ),
    Check("S-06", "state <> 'ACTIVE' OR confirmation <> 'NONE'", says="an active grant was confirmed"),
    Check(
        "U-05",
        "amount_max >= 0 AND (amount_max = 9223372036854775807) = (currency = '')",
        says="an amount limit needs its currency, and a currency its amount limit",
    ),
    Check("S-09", "parent_id IS NULL OR may_subgrant = FALSE", says="a sub-grant cannot be passed on"),
    Check(
        "A-11",
        "adopts_id IS NULL OR (parent_id IS NULL AND adopts_id <> id)",
        says="what a successor adopts is another grant, and none that was passed on",
    ),
    Unique(
        "A-11",
        ("adopts_id",),
        where="adopts_id IS NOT NULL AND state IN ('PENDING_CONFIRM', 'PENDING_EFFECT', 'ACTIVE', 'EXHAUSTED')",
        says="a grant is adopted once",
    ),
    Fixed(
        "S-10",
        "membership_id",
        "grantor_id",
        "right",
        "parent_id",
        "adopts_id",
        says="another grantee, grantor, right or parent takes a new grant",
    ),
    Rising("I10", "used", is_given_back=True),
    SetOnce("S-06", "confirmed_by_id", "confirmed_at", says="who confirmed a grant, and when, is history"),
    GRANT_LIFE,
    Terms(
        "S-10",
        "confirmation",
        "NONE",
        rises=("valid_to", "use_limit", "amount_max", "may_subgrant"),
        details=("GrantContractType", "GrantTemplate"),
        limits=("GrantTemplate",),
        falls=("valid_from",),
        narrow={"scope": "LISTED_TYPES"},
        limits_once_set=("currency",),
    ),
    OwnedByActs(),
    home="seal_id",
    permanent=True,
)
class SealGrant:
    """A right on a seal, given to one membership under one role assignment of the grantor.

    FIXED terms end within three years (1,096 days at most). `used` never passes `use_limit`. `amount_max` is in minor
    units of `currency`, inclusive. A sub-grant names the grant that it comes from in `parent_id`.
    `adopts_id` is the grant of a predecessor that this one goes on with: to the same member, and in nothing wider.
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
    currency: Annotated[str, Normalised(normalise_currency)] = ""
    may_subgrant: bool = False
    parent_id: Annotated[str | None, Ref("SealGrant")] = None
    confirmed_by_id: Annotated[str | None, Ref("Person")] = None
    confirmed_at: Instant = NEVER
    adopts_id: Annotated[str | None, Ref("SealGrant")] = None

    seal: Seal = one("seal_id")
    membership: Membership = one("membership_id")
    grantor: RoleAssignment = one("grantor_id")
    parent: SealGrant | None = one("parent_id")
    adopts: SealGrant | None = one("adopts_id")
    contract_types: list[GrantContractType] = many("grant_id")
    templates: list[GrantTemplate] = many("grant_id")
    letters: list[AuthLetter] = many("seal_grant_id")
    emergency_uses: list[EmergencyUse] = many("grant_id")


@record(
    Unique("S-06", ("grant_id", "contract_type"), says="a grant lists each contract type once"),
    Fixed("S-10", "contract_type", says="another contract type takes a new row"),
    OwnedByActs(),
    home="grant_id",
)
class GrantContractType:
    """One contract type that a grant with scope LISTED_TYPES covers."""

    id: str
    grant_id: Annotated[str, Ref("SealGrant")]
    contract_type: str

    grant: SealGrant = one("grant_id")


@record(
    Unique("U-22", ("grant_id", "template_id"), says="a grant lists each template once"),
    Fixed("S-10", "template_id", "initiator_id", says="another template takes a new row"),
    OwnedByActs(),
    home="grant_id",
)
class GrantTemplate:
    """One template to which a grant is limited: the owner's of the seal, or that of `initiator_id`, whose contracts are
    made from it.
    """

    id: str
    grant_id: Annotated[str, Ref("SealGrant")]
    template_id: str
    initiator_id: Annotated[str | None, Ref("Enterprise")] = None

    grant: SealGrant = one("grant_id")


@record(
    Check(
        "U-24",
        "(approved_by_id IS NULL AND representative_id IS NULL) = (approved_at = 0)",
        says="an approval needs both its approver and its time",
    ),
    Check("U-24", "reason <> ''", says="an emergency use gives its reason"),
    Check(
        "U-24",
        "approved_by_id IS NULL OR representative_id IS NULL",
        says="an emergency use is approved by a member, or by the legal representative who is none",
    ),
    Fixed("I16", "used_at", "reason", says="when and why a seal was used in an emergency is history"),
    SetOnce(
        "I16",
        "approved_by_id",
        "representative_id",
        "approved_at",
        says="who approved an emergency use, and when, is history",
    ),
    SetOnce("U-24", "alerted_at", says="when a missing approval was alerted of is history"),
    SetOnce("U-24", "task_id", says="what was sealed in an emergency is history"),
    OwnedByActs(),
    home="grant_id",
    permanent=True,
)
class EmergencyUse:
    """One use of a seal under an EMERGENCY grant, which somebody approves afterwards: a member, or `representative_id`,
    the legal representative who was none. `alerted_at` is when those concerned were told that nobody did in time, and
    `task_id` the signing task that the seal was used for: who is on the other side of its contract approves nothing.
    """

    id: str
    grant_id: Annotated[str, Ref("SealGrant")]
    used_at: Instant
    reason: str
    approved_by_id: Annotated[str | None, Ref("Membership")] = None
    approved_at: Instant = NEVER
    representative_id: Annotated[str | None, Ref("Person")] = None
    alerted_at: Instant = NEVER
    task_id: Annotated[str | None, Ref("SigningTask")] = None

    grant: SealGrant = one("grant_id")
    representative: Person | None = one("representative_id")


@record(
    Check("I10", "used >= 0 AND used <= use_limit", says="the uses are counted from 0 up to the limit"),
    Check(
        "S-06",
        "valid_from < valid_to AND valid_to - valid_from <= 94694400000000",
        says="an open grant begins before it ends, and ends within three years (1,096 days)",
    ),
    Check("S-06", "state <> 'ACTIVE' OR confirmation <> 'NONE'", says="an active grant was confirmed"),
    Fixed("S-10", "grantor_id", says="another grantor takes a new grant"),
    Rising("I10", "used", is_given_back=True),
    SetOnce("S-06", "confirmed_by_id", "confirmed_at", says="who confirmed a grant, and when, is history"),
    GRANT_LIFE,
    Terms(
        "S-10",
        "confirmation",
        "NONE",
        rises=("valid_to", "use_limit"),
        keeps=("department_id",),
        details=("OpenGrantTemplate",),
        falls=("valid_from",),
    ),
    OwnedByActs(),
    home="seal_id",
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
    confirmed_by_id: Annotated[str | None, Ref("Person")] = None
    confirmed_at: Instant = NEVER

    seal: Seal = one("seal_id")
    grantor: RoleAssignment = one("grantor_id")
    department: Department | None = one("department_id")
    templates: list[OpenGrantTemplate] = many("grant_id")
    letters: list[AuthLetter] = many("open_grant_id")


@record(
    Unique("S-08", ("grant_id", "template_id"), says="a grant lists each template once"),
    Fixed("S-10", "template_id", "initiator_id", says="another template takes a new row"),
    OwnedByActs(),
    home="grant_id",
)
class OpenGrantTemplate:
    """One template to which an open grant is limited: the owner's of the seal, or that of `initiator_id`, whose
    contracts are made from it.
    """

    id: str
    grant_id: Annotated[str, Ref("OpenGrant")]
    template_id: str
    initiator_id: Annotated[str | None, Ref("Enterprise")] = None

    grant: OpenGrant = one("grant_id")
