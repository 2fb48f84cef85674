"""Delegations: what one member lets another do for them, for a time."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from sealauthz.model.records.grants import GrantScope
from sealauthz.model.records.membership import Membership
from sealauthz.runtime.instants import NEVER
from sealauthz.schema.record import Instant, Ref, many, one, record
from sealauthz.schema.rules import Check, Fixed, Life, OwnedByActs, Terms, Unique


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


def is_offered(delegation: Delegation) -> bool:
    """Tell whether it is known who offered a delegation. Of one of before, it can still be said."""
    return delegation.offered_by_id is not None


@record(
    Check("U-18", "principal_id <> delegate_id", says="nobody delegates to themselves"),
    Check("U-18", "valid_from < valid_to", says="a delegation begins before it ends"),
    Check("U-19", "state <> 'ACTIVE' OR power = 'USE_SEAL'", says="only the use of a seal can be delegated"),
    Check("A-02", "(offered_by_id IS NULL) = (offered_at = 0)", says="an offer has a time and an author, or neither"),
    Fixed("A-02", "offered_by_id", "offered_at", once=is_offered, says="who offered it, and when, is history"),
    Fixed("U-18", "delegate_id", "power", "seal_id", says="another delegate, power or seal takes a new delegation"),
    Life({"PENDING_ACCEPT": ("ACTIVE",), "ACTIVE": ("EXPIRED", "REVOKED", "LAPSED")}, invariant="U-18"),
    Terms(
        "U-18",
        "state",
        "PENDING_ACCEPT",
        rises=("valid_to",),
        details=("DelegationContractType",),
        falls=("valid_from",),
        narrow={"scope": "LISTED_TYPES"},
    ),
    OwnedByActs(),
    home="principal_id",
    permanent=True,
)
class Delegation:
    """What one member lets another do for him for a time: over one seal, or over all he may use (no `seal_id`).

    It counts only where the principal offered it themself.
    """

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
    offered_by_id: Annotated[str | None, Ref("Person")] = None
    offered_at: Instant = NEVER

    principal: Membership = one("principal_id")
    delegate: Membership = one("delegate_id")
    contract_types: list[DelegationContractType] = many("delegation_id")


@record(
    Unique("U-18", ("delegation_id", "contract_type"), says="a delegation lists each contract type once"),
    Fixed("U-18", "contract_type", says="another contract type takes a new row"),
    OwnedByActs(),
    home="delegation_id",
)
class DelegationContractType:
    """One contract type that a delegation with scope LISTED_TYPES covers."""

    id: str
    delegation_id: Annotated[str, Ref("Delegation")]
    contract_type: str

    delegation: Delegation = one("delegation_id")
