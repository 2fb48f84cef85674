"""The rules that an enterprise makes for itself: approval processes, amount bands, business categories, resolutions.

They tighten what the policies ask and never loosen it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from sealauthz.model.normal_forms import currency_problem, normalise_currency
from sealauthz.model.records.membership import Membership, Role
from sealauthz.model.records.organisation import Enterprise
from sealauthz.runtime.instants import FOREVER, NEVER
from sealauthz.schema.record import Instant, Normalised, Ref, many, one, record
from sealauthz.schema.rules import Check, Fixed, Life, OwnedByActs, SetOnce, Unique, Valid


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


class RuleKind(StrEnum):
    """Which of its own rules an enterprise changes."""

    AMOUNT_BANDS = "AMOUNT_BANDS"
    WORKING_HOURS = "WORKING_HOURS"
    HOLIDAYS = "HOLIDAYS"
    PROCESSES = "PROCESSES"
    CATEGORIES = "CATEGORIES"
    SETTINGS = "SETTINGS"


class RuleChangeState(StrEnum):
    """What became of a proposal to change the rules of an enterprise."""

    PROPOSED = "PROPOSED"
    CONFIRMED = "CONFIRMED"
    CARRIED_OUT = "CARRIED_OUT"
    WITHDRAWN = "WITHDRAWN"


def _has_ended(part: Any) -> bool:
    """Tell whether the end of a part of a process has been set."""
    return bool(part.valid_to != FOREVER)


@record(Life({"ENABLED": ("DISABLED",)}, {"DISABLED": ("ENABLED",)}), home="enterprise_id", permanent=True)
class ApprovalProcess:
    """How an enterprise approves the use of a seal: steps, each passed by its approvers.

    `is_open`: members may choose it for a request that no amount band and no category prescribes it for.
    """

    id: str
    enterprise_id: Annotated[str, Ref("Enterprise")]
    name: str
    state: ProcessState = ProcessState.ENABLED
    is_open: bool = False

    enterprise: Enterprise = one("enterprise_id")
    steps: list[ProcessStep] = many("process_id")


@record(
    Check("U-04", "position >= 1", says="steps are ordered from 1"),
    Check("U-04", "valid_from < valid_to", says="a step begins before it ends"),
    Fixed("U-04", "position", "mode", "valid_from", says="an edited step is a new one, beside the one that ended"),
    Fixed("U-04", "valid_to", once=_has_ended, says="a step that has an end keeps it"),
    home="process_id",
    permanent=True,
)
class ProcessStep:
    """One step of an approval process. `position` orders the steps.

    A request follows the steps that stood when it was submitted. So an edit ends one row and begins another.
    """

    id: str
    process_id: Annotated[str, Ref("ApprovalProcess")]
    position: int = 1
    mode: StepMode = StepMode.ANY
    valid_from: Instant = NEVER
    valid_to: Instant = FOREVER

    process: ApprovalProcess = one("process_id")
    approvers: list[StepApprover] = many("step_id")


@record(
    Check("U-04", "(membership_id IS NULL) <> (role IS NULL)", says="an approver is either a member or a role"),
    Check("U-04", "valid_from < valid_to", says="an approver of a step begins before they end"),
    Fixed("U-04", "membership_id", "role", "valid_from", says="another approver takes a new row"),
    Fixed("U-04", "valid_to", once=_has_ended, says="an approver who has an end keeps it"),
    home="step_id",
    permanent=True,
)
class StepApprover:
    """Who may pass a step: one member, or all who hold a role; of the requests that were submitted in its time."""

    id: str
    step_id: Annotated[str, Ref("ProcessStep")]
    membership_id: Annotated[str | None, Ref("Membership")] = None
    role: Role | None = None
    valid_from: Instant = NEVER
    valid_to: Instant = FOREVER

    step: ProcessStep = one("step_id")
    membership: Membership | None = one("membership_id")


@record(
    Valid("U-05", "currency", currency_problem, says="a currency is its code of three letters"),
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
    currency: Annotated[str, Normalised(normalise_currency)]
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
    Valid("U-05", "currency", currency_problem, says="a currency is its code of three letters"),
    Check(
        "A-05",
        "amount_max >= 0 AND (amount_max = 0) = (currency = '')",
        says="an amount limit needs its currency, and a currency its amount limit",
    ),
    Check(
        "A-05",
        "(confirmed_by_id IS NULL) = (confirmed_at = 0)",
        says="who confirmed a resolution and when are told together",
    ),
    Check(
        "A-05",
        "confirmed_by_id IS NULL OR confirmed_by_id <> recorded_by_id",
        says="a resolution is confirmed by another person than the one who recorded it",
    ),
    Fixed(
        "U-17",
        "contract_id",
        "kind",
        "source",
        "passed_at",
        "recorded_by_id",
        "recorded_at",
        "beneficiary_id",
        "bound_digest",
        "amount_max",
        "currency",
        "valid_to",
        says="what was resolved, by whom and when, is history",
    ),
    SetOnce("U-17", "confirmed_by_id", "confirmed_at", says="who confirmed a resolution, and when, is history"),
    Life({"VALID": ("WITHDRAWN",)}, invariant="U-17"),
    OwnedByActs(),
    home="enterprise_id",
    permanent=True,
)
class BoardResolution:
    """A resolution about one contract: of the board or the shareholders, or the legal representative's consent.

    One person of the enterprise records it and another confirms that; the legal representative's consent they record
    alone. It lets `beneficiary_id` deal with themself or for both sides, on these documents (`bound_digest`, as
    `whole_digest` gives it), up to this amount (in minor units of `currency`; 0 covers no contract about money), and
    until `valid_to`.
    """

    id: str
    enterprise_id: Annotated[str, Ref("Enterprise")]
    contract_id: Annotated[str, Ref("Contract")]
    kind: ResolutionKind
    source: ResolutionSource
    passed_at: Instant = NEVER
    state: ResolutionState = ResolutionState.VALID
    recorded_by_id: Annotated[str | None, Ref("Person")] = None
    recorded_at: Instant = NEVER
    confirmed_by_id: Annotated[str | None, Ref("Person")] = None
    confirmed_at: Instant = NEVER
    beneficiary_id: Annotated[str | None, Ref("Person")] = None
    bound_digest: str = ""
    amount_max: int = 0
    currency: Annotated[str, Normalised(normalise_currency)] = ""
    valid_to: Instant = NEVER

    enterprise: Enterprise = one("enterprise_id")


@record(
    Unique(
        "A-06",
        ("enterprise_id", "rule_kind"),
        where="state IN ('PROPOSED', 'CONFIRMED')",
        says="there is one open proposal to change the same rules",
    ),
    Check("A-06", "digest <> ''", says="a proposal has the digest of the rules as they are to be"),
    Check(
        "A-06",
        "(confirmed_by_id IS NULL) = (confirmed_at = 0)",
        says="who confirmed a proposal and when are told together",
    ),
    Check(
        "A-06",
        "confirmed_by_id IS NULL OR confirmed_by_id <> proposed_by_id",
        says="a proposal is confirmed by another person than the one who made it",
    ),
    Fixed(
        "A-06",
        "rule_kind",
        "digest",
        "counts_from",
        "proposed_by_id",
        "proposed_at",
        says="what was proposed, by whom and when, is history",
    ),
    SetOnce("A-06", "confirmed_by_id", "confirmed_at", says="who confirmed a proposal, and when, is history"),
    Life({"PROPOSED": ("CONFIRMED", "WITHDRAWN"), "CONFIRMED": ("CARRIED_OUT", "WITHDRAWN")}, invariant="A-06"),
    OwnedByActs(),
    home="enterprise_id",
    permanent=True,
)
class RuleChange:
    """A proposal to change an enterprise's own rules, which another person confirms. `digest` is that of the rules as
    they are to be; they are written from `counts_from` on.
    """

    id: str
    enterprise_id: Annotated[str, Ref("Enterprise")]
    rule_kind: RuleKind
    digest: str
    counts_from: Instant
    proposed_by_id: Annotated[str, Ref("Person")]
    proposed_at: Instant
    state: RuleChangeState = RuleChangeState.PROPOSED
    confirmed_by_id: Annotated[str | None, Ref("Person")] = None
    confirmed_at: Instant = NEVER

    enterprise: Enterprise = one("enterprise_id")
