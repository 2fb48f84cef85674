"""Acts on what an enterprise decides for itself: its resolutions, and the rules of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sealauthz.model.actions.common import Context
from sealauthz.model.actions.seals import end_of_day
from sealauthz.model.records.contracts import Contract
from sealauthz.model.records.identity import IdentityVerification, Person
from sealauthz.model.records.procedures import RuleChange
from sealauthz.schema import Instant, Resolver, ResolverInput, actions


@dataclass(slots=True)
class ResolutionContext(Context):
    """Recording a resolution: of whom (BOARD, SHAREHOLDERS or LEGAL_REP), about which contract, and whom it benefits,
    None where nobody.
    """

    source: str | None = None
    contract: Contract | None = None
    beneficiary: Person | None = None


@dataclass(slots=True)
class RulesContext(Context):
    """Changing an enterprise's own rules: on which change that two agreed to, or on which intent check of an owner who
    is alone; the digest of the rules that are written, as they were confirmed; and whether that only TIGHTENS them.
    """

    change: RuleChange | None = None
    verification: IdentityVerification | None = None
    effect: str | None = None
    digest: str | None = None


@dataclass(slots=True)
class RuleChangeContext(Context):
    """Confirming a change: `day_ends` is the end of the present day where the enterprise is, found by the server; None
    where its time zone is not known.
    """

    day_ends: Instant | None = None


def _day(query: ResolverInput) -> Mapping[str, Any]:
    return {"day_ends": end_of_day(query.resource.enterprise.timezone, query.now)}


@dataclass(slots=True)
class CountersignContext(Context):
    """Confirming that a resolution was passed: `contract` is the one that it is about, found by the server."""

    contract: Contract | None = None


_GIVEN = ("change", "verification", "effect", "digest")

ACTIONS = (
    *actions(
        "BoardResolution", CountersignContext, "countersign", resolver=Resolver(along={"contract": ("contract_id",)})
    ),
    *actions("Enterprise", ResolutionContext, "record_resolution", gives=("source", "contract", "beneficiary")),
    *actions(
        "Enterprise",
        RulesContext,
        "set_amount_bands",
        "set_working_hours",
        "set_holidays",
        "change_settings",
        "create_process",
        "create_category",
        gives=_GIVEN,
    ),
    *actions("ApprovalProcess", RulesContext, "edit", gives=_GIVEN),
    *actions("BusinessCategory", RulesContext, "edit", gives=_GIVEN),
    *actions("RuleChange", RuleChangeContext, "confirm_change", resolver=Resolver(find=_day)),
)
