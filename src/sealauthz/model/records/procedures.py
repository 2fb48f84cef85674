"""The rules that an enterprise makes for itself: approval processes, amount bands, business categories, resolutions.

They tighten what the policies ask and never loosen it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from sealauthz.model.records.membership import Membership, Role
from sealauthz.model.records.organisation import Enterprise
from sealauthz.schema.record import NEVER, Instant, Ref, many, one, record
from sealauthz.schema.rules import Check, Fixed, Life, Unique


class ProcessState(StrEnum):
    """Whether a process can be followed."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"


class StepMode(StrEnum):
    """Whether one of the approvers of a step is enough. N of M is N steps at one position, each ANY of the M."""

    ANY = "ANY"
    ALL = "ALL"


class CategoryState(StrEnum):
    """Whether contracts of a category may be started."""

    ENABLED = "ENABLED"
    DISABLED = "DISABLED"
    DELETED = "DELETED"


class FaceFallback(StrEnum):
    """What stands in for a face check that cannot be made."""

    NONE = "NONE"
    MOBILE3 = "MOBILE3"
    BANK4 = "BANK4"


class ResolutionKind(StrEnum):
    """What a resolution permits."""

    GUARANTEE = "GUARANTEE"
    SELF_DEALING = "SELF_DEALING"


class ResolutionSource(StrEnum):
    """Who passed a resolution."""

    BOARD = "BOARD"
    SHAREHOLDERS = "SHAREHOLDERS"
    LEGAL_REP = "LEGAL_REP"


class ResolutionState(StrEnum):
    """Whether a resolution stands."""

    VALID = "VALID"
    WITHDRAWN = "WITHDRAWN"


@record(Life({"ENABLED": ("DISABLED",)}, {"DISABLED": ("ENABLED",)}), home="enterprise_id", permanent=True)
class ApprovalProcess:
    """How an enterprise approves the use of a seal: steps, each passed by its approvers."""

    id: str
    enterprise_id: Annotated[str, Ref("Enterprise")]
    name: str
    state: ProcessState = ProcessState.ENABLED

    enterprise: Enterprise = one("enterprise_id")
    steps: list[ProcessStep] = many("process_id")


@record(Check("U-04", "position >= 1", says="steps are ordered from 1"), home="process_id", permanent=True)
class ProcessStep:
    """One step of an approval process. `position` orders the steps."""

    id: str
    process_id: Annotated[str, Ref("ApprovalProcess")]
    position: int = 1
    mode: StepMode = StepMode.ANY

    process: ApprovalProcess = one("process_id")
    approvers: list[StepApprover] = many("step_id")


@record(
    Check("U-04", "(membership_id IS NULL) <> (role IS NULL)", says="an approver is either a member or a role"),
    home="step_id",
)
class StepApprover:
    """Who may pass a step: one member, or all who hold a role."""

    id: str
    step_id: Annotated[str, Ref("ProcessStep")]
    membership_id: Annotated[str | None, Ref("Membership")] = None
    role: Role | None = None

    step: ProcessStep = one("step_id")
    membership: Membership | None = one("membership_id")


@record(
    Unique(
        "U-04",
        ("enterprise_id", "currency", "from_amount"),
        says="an enterprise has one band from an amount of a currency on",
    ),
    Check("U-04", "from_amount >= 0", says="an amount is not negative"),
    home="enterprise_id",
)
class AmountBand:
    """From this amount on (minor units of the currency), a contract is sealed only after this process."""

    id: str
    enterprise_id: Annotated[str, Ref("Enterprise")]
    process_id: Annotated[str, Ref("ApprovalProcess")]
    currency: str
    from_amount: int

    enterprise: Enterprise = one("enterprise_id")
    process: ApprovalProcess = one("process_id")


@record(
    Life({"ENABLED": ("DISABLED",), "DISABLED": ("DELETED",)}, {"DISABLED": ("ENABLED",)}),
    home="enterprise_id",
    permanent=True,
)
class BusinessCategory:
    """A kind of business of an enterprise: who may start it, which process and seals it takes, what holders may do."""

    id: str
    enterprise_id: Annotated[str, Ref("Enterprise")]
    name: str
    state: CategoryState = CategoryState.ENABLED
    process_id: Annotated[str | None, Ref("ApprovalProcess")] = None
    face_fallback: FaceFallback = FaceFallback.NONE
    holders_may_download: bool = False
    holders_may_print: bool = False

    enterprise: Enterprise = one("enterprise_id")
    process: ApprovalProcess | None = one("process_id")
    seals: list[CategorySeal] = many("category_id")
    permissions: list[CategoryPermission] = many("category_id")


@record(Unique("U-02", ("category_id", "seal_id"), says="a category lists each seal once"), home="category_id")
class CategorySeal:
    """A seal that a category allows. Where any is listed, contracts of the category take no other."""

    id: str
    category_id: Annotated[str, Ref("BusinessCategory")]
    seal_id: Annotated[str, Ref("Seal")]

    category: BusinessCategory = one("category_id")


@record(Unique("C-13", ("category_id", "membership_id"), says="a category lists each member once"), home="category_id")
class CategoryPermission:
    """A member who may start contracts of a category."""

    id: str
    category_id: Annotated[str, Ref("BusinessCategory")]
    membership_id: Annotated[str, Ref("Membership")]

    category: BusinessCategory = one("category_id")


@record(
    Fixed("U-17", "contract_id", "kind", "source", "passed_at", says="what was resolved, by whom and when, is history"),
    Life({"VALID": ("WITHDRAWN",)}, invariant="U-17"),
    home="enterprise_id",
    permanent=True,
)
class BoardResolution:
    """A resolution about one contract: of the board or the shareholders, or the legal representative's consent."""

    id: str
    enterprise_id: Annotated[str, Ref("Enterprise")]
    contract_id: Annotated[str, Ref("Contract")]
    kind: ResolutionKind
    source: ResolutionSource
    passed_at: Instant = NEVER
    state: ResolutionState = ResolutionState.VALID

    enterprise: Enterprise = one("enterprise_id")
