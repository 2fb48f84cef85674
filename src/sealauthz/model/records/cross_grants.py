"""Rights on a seal that its owner gives to another enterprise, and the members whom that names."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from sealauthz.model.normal_forms import currency_problem, normalise_currency
from sealauthz.model.records.grants import GRANT_LIFE, GrantConfirmation, GrantInvalidity, GrantScope, GrantState
from sealauthz.model.records.membership import RoleAssignment
from sealauthz.model.records.seals import Seal
from sealauthz.runtime.instants import NEVER
from sealauthz.schema.record import UNLIMITED, Instant, Normalised, Ref, many, one, record
from sealauthz.schema.rules import ActsFor, Check, Fixed, Life, OwnedByActs, Rising, SetOnce, Terms, Unique, Valid

if TYPE_CHECKING:
    from sealauthz.model.records.letters import AuthLetter


class HolderState(StrEnum):
    """Whether a holder's member still holds."""

    ACTIVE = "ACTIVE"
    REVOKED = "REVOKED"


@record(
    Valid("U-05", "currency", currency_problem, says="a currency is its code of three letters"),
    Check("I10", "used >= 0 AND used <= use_limit", says="the uses are counted from 0 up to the limit"),
    Check(
        "S-06",
        "valid_from < valid_to AND valid_to - valid_from <= 94694400000000",
        says="a cross-enterprise grant begins before it ends, and ends within three years (1,096 days)",
    ),
    Check(
        "U-20",
        "state <> 'ACTIVE' OR confirmation = 'AUTH_LETTER'",
        says="an active cross-enterprise grant was confirmed by a signed letter",
    ),
    Check(
        "U-05",
        "amount_max >= 0 AND (amount_max = 9223372036854775807) = (currency = '')",
        says="an amount limit needs its currency, and a currency its amount limit",
    ),
    Fixed("S-10", "holder_id", "grantor_id", says="another holder or grantor takes a new grant"),
    Rising("I10", "used", is_given_back=True),
    SetOnce("S-06", "confirmed_by_id", "confirmed_at", says="who confirmed a grant, and when, is history"),
    GRANT_LIFE,
    Terms(
        "S-10",
        "confirmation",
        "NONE",
        rises=("valid_to", "use_limit", "amount_max"),
        details=("CrossGrantContractType",),
        falls=("valid_from",),
        narrow={"scope": "LISTED_TYPES"},
        limits_once_set=("currency",),
    ),
    OwnedByActs(),
    home="seal_id",
    permanent=True,
)
class CrossEnterpriseGrant:
    """The right to use a seal, given by its owner to another enterprise by a signed letter; it names its members.

    `amount_max` is in minor units of `currency`, inclusive.
    """

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
    confirmed_by_id: Annotated[str | None, Ref("Person")] = None
    confirmed_at: Instant = NEVER
    amount_max: int = UNLIMITED
    currency: Annotated[str, Normalised(normalise_currency)] = ""

    seal: Seal = one("seal_id")
    grantor: RoleAssignment = one("grantor_id")
    contract_types: list[CrossGrantContractType] = many("grant_id")
    holders: list[HolderAssignment] = many("grant_id")
    letters: list[AuthLetter] = many("cross_grant_id")


@record(
    Unique("U-20", ("grant_id", "contract_type"), says="a grant lists each contract type once"),
    Fixed("S-10", "contract_type", says="another contract type takes a new row"),
    OwnedByActs(),
    home="grant_id",
)
class CrossGrantContractType:
    """One contract type that a cross-enterprise grant with scope LISTED_TYPES covers."""

    id: str
    grant_id: Annotated[str, Ref("CrossEnterpriseGrant")]
    contract_type: str

    grant: CrossEnterpriseGrant = one("grant_id")


@record(
    Unique(
        "U-20",
        ("grant_id", "membership_id"),
        where="state = 'ACTIVE'",
        says="a member is named once as a holder under a grant",
    ),
    Check(
        "A-02",
        "(assigned_by_id IS NULL) = (assigned_at = 0)",
        says="a naming has a time and the person who named, or neither",
    ),
    Fixed("U-20", "membership_id", says="another member takes a new assignment"),
    SetOnce("A-02", "assigned_by_id", "assigned_at", says="who named a holder's member, and when, is history"),
    Life({"ACTIVE": ("REVOKED",)}, invariant="U-20"),
    # The seal is the owner's; whom of its members the holder names is the holder's.
    ActsFor("grant_id/holder_id"),
    OwnedByActs(),
    home="grant_id",
    permanent=True,
)
class HolderAssignment:
    """A member of the holder enterprise whom it named to use a seal under a cross-enterprise grant.

    It counts only where somebody named them who could. One of which nobody says who did may be completed, once.
    """

    id: str
    grant_id: Annotated[str, Ref("CrossEnterpriseGrant")]
    membership_id: Annotated[str, Ref("Membership", crosses=True)]
    state: HolderState = HolderState.ACTIVE
    assigned_by_id: Annotated[str | None, Ref("Person")] = None
    assigned_at: Instant = NEVER

    grant: CrossEnterpriseGrant = one("grant_id")
