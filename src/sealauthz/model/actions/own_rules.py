"""Acts on what an enterprise decides for itself: its resolutions, and the rules of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sealauthz.model.actions.common import Context
from sealauthz.model.actions.known import appointers_of, insiders_of
from sealauthz.model.actions.seals import end_of_day
from sealauthz.model.effects import own_rules, procedures, resolutions, rule_terms
from sealauthz.model.records.contracts import Contract
from sealauthz.model.records.identity import IdentityVerification, Person
from sealauthz.model.records.procedures import RuleChange, RuleKind
from sealauthz.schema import Action, Instant, Resolver, ResolverInput, actions, looks
from sealauthz.schema.effect import Effect


@dataclass(slots=True)
class ResolutionContext(Context):
    """Recording a resolution: of whom (BOARD, SHAREHOLDERS or LEGAL_REP), about which contract, and whom it benefits,
    None where nobody. Of the server's making: `insiders`, those who put the subject in office within
    `parameters.cooling_off` before now, each with what they represent.
    """

    source: str | None = None
    contract: Contract | None = None
    beneficiary: Person | None = None
    insiders: list[Person] = dataclasses.field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class RulesContext(Context):
    """Changing an enterprise's own rules: on which change that two agreed to, or on which intent check of an owner who
    is alone; the digest of the rules that are written, as they were confirmed; and whether that only TIGHTENS them.
    `day_ends` is as in RuleChangeContext, `rule_kind` the kind of rules that the act writes; both are the server's.
    """

    rule_kind: str
    change: RuleChange | None = None
    verification: IdentityVerification | None = None
    effect: str | None = None
    digest: str | None = None
    day_ends: Instant | None = None


@dataclass(slots=True)
class RuleChangeContext(Context):
    """Confirming a change: `day_ends` is the end of the present day where the enterprise is, found by the server; None
    where its time zone is not known.
    """

    day_ends: Instant | None = None


def _day(query: ResolverInput) -> Mapping[str, Any]:
    enterprise = getattr(query.resource, "enterprise", query.resource)
    return {"day_ends": end_of_day(enterprise.timezone, query.now)}


_DAY = Resolver(find=_day)


@dataclass(slots=True, kw_only=True)
class CountersignContext(Context):
    """Confirming that a resolution was passed: `contract` is the one that it is about, `insiders` as in
    ResolutionContext, both found by the server.
    """

    contract: Contract
    insiders: list[Person] = dataclasses.field(default_factory=list)


def _appointers(query: ResolverInput) -> Mapping[str, Any]:
    enterprise = getattr(query.resource, "enterprise", query.resource)
    return {"insiders": insiders_of(query, appointers_of(query, enterprise, [(query.subject.id, query.now)]))}


def _rules(query: ResolverInput) -> Mapping[str, Any]:
    written = _OF_ACTION.get(query.action) or _OF_EDITED[type(query.resource).__name__]
    return {**_day(query), "rule_kind": str(written)}


_OF_ACTION = {
    "set_amount_bands": RuleKind.AMOUNT_BANDS,
    "set_working_hours": RuleKind.WORKING_HOURS,
    "set_holidays": RuleKind.HOLIDAYS,
    "change_settings": RuleKind.SETTINGS,
    "create_process": RuleKind.PROCESSES,
    "create_category": RuleKind.CATEGORIES,
}
_OF_EDITED = {"ApprovalProcess": RuleKind.PROCESSES, "BusinessCategory": RuleKind.CATEGORIES}
_RULES = Resolver(find=_rules)


def _writing(resource: str, name: str, rules: type, effect: Effect) -> tuple[Action, ...]:
    """Declare an act that writes rules."""
    given = ("change", "verification", "effect", "digest")
    return actions(resource, RulesContext, name, gives=given, resolver=_RULES, arguments=rules, effect=effect)


ACTIONS = (
    *actions(
        "BoardResolution",
        CountersignContext,
        "countersign",
        resolver=Resolver(along={"contract": ("contract_id",)}, find=_appointers, is_about_subject=True),
        effect=resolutions.countersign,
    ),
    *actions("BoardResolution", Context, "withdraw", effect=resolutions.withdraw),
    *actions(
        "Enterprise",
        ResolutionContext,
        "record_resolution",
        gives=("source", "contract", "beneficiary"),
        resolver=Resolver(find=_appointers, is_about_subject=True),
        arguments=resolutions.NewResolution,
        effect=resolutions.record_resolution,
    ),
    *actions(
        "Enterprise",
        Context,
        "propose_rule_change",
        arguments=rule_terms.Proposal,
        effect=own_rules.propose_rule_change,
    ),
    *_writing("Enterprise", "set_amount_bands", rule_terms.Bands, own_rules.set_amount_bands),
    *_writing("Enterprise", "set_working_hours", rule_terms.Week, own_rules.set_working_hours),
    *_writing("Enterprise", "set_holidays", rule_terms.Days, own_rules.set_holidays),
    *_writing("Enterprise", "change_settings", rule_terms.Settings, own_rules.change_settings),
    *_writing("Enterprise", "create_process", rule_terms.NewProcess, procedures.create_process),
    *_writing("Enterprise", "create_category", rule_terms.NewCategory, procedures.create_category),
    *_writing("ApprovalProcess", "edit", rule_terms.ProcessEdit, procedures.edit_process),
    *_writing("BusinessCategory", "edit", rule_terms.CategoryEdit, procedures.edit_category),
    *actions("BusinessCategory", Context, "initiate", effect=looks),
    *actions(
        "RuleChange",
        RuleChangeContext,
        "confirm_change",
        resolver=_DAY,
        effect=own_rules.confirm_change,
    ),
    *actions("RuleChange", Context, "withdraw", effect=own_rules.withdraw_change),
)
