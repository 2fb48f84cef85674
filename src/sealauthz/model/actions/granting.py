"""Acts that give rights on seals, take them back, and approve single uses."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sealauthz.model.actions.bound import binding, columns, templates
from sealauthz.model.actions.common import Context, VerifiedContext
from sealauthz.model.actions.known import choosers, enablers, insiders_of
from sealauthz.model.actions.seals import holders_among
from sealauthz.model.effects import delegations, grants, new_grants, requests
from sealauthz.model.records.contracts import Contract
from sealauthz.model.records.grants import SealGrant
from sealauthz.model.records.identity import Person
from sealauthz.model.records.membership import Membership
from sealauthz.model.records.organisation import Enterprise
from sealauthz.model.records.procedures import ApprovalProcess
from sealauthz.schema import EMPTY, Action, Resolver, ResolverInput, actions, looks
from sealauthz.schema.effect import Effect


@dataclass(slots=True)
class UseRequestContext(Context):
    """Asking to use a seal: in which `process`, None where somebody with the right to approve decides."""

    process: ApprovalProcess | None = None


@dataclass(slots=True)
class RequestContext(Context):
    """Deciding on a request to use a seal. Of the server's making: `contract`, the one that it names; and, where it is
    approved, `insiders`, those who put the subject, or whom they stand in for, in that place within
    `parameters.cooling_off` before now, each with what they represent.
    """

    reason: str | None = None
    contract: Contract | None = None
    insiders: list[Person] = dataclasses.field(default_factory=list)


@dataclass(slots=True)
class AfterwardsContext(Context):
    """Approving an emergency use after it. Of the server's making: `contract`, the one that was sealed, None where
    nobody said so; and `insiders`, those who gave the subject the right to approve within `parameters.cooling_off`
    before now, each with what they represent.
    """

    contract: Contract | None = None
    insiders: list[Person] = dataclasses.field(default_factory=list)


@dataclass(slots=True)
class GrantingContext(Context):
    """Giving a right on a seal: `parent` is the grant that is passed on, None where the right is not from one."""

    parent: SealGrant | None = None


@dataclass(slots=True)
class HolderContext(Context):
    """An act of the enterprise that holds a seal of another one: `holder` is found by the server."""

    holder: Enterprise | None = None


@dataclass(slots=True)
class HolderMemberContext(HolderContext):
    """Naming who uses the seal of another enterprise: `member` is the membership of that person, at the holder."""

    member: Membership | None = None


@dataclass(slots=True)
class ConfirmationContext(VerifiedContext):
    """Confirming a grant: by a check of its terms, where no letter stands."""


@dataclass(slots=True, kw_only=True)
class CrossGrantContext(Context):
    """Confirming a grant across enterprises: `holder` is the enterprise that gets the seal."""

    holder: Enterprise


@dataclass(slots=True)
class GrantEndContext(Context):
    """Ending a grant across enterprises: by its owner, or by `holder`, the enterprise that holds it and that the
    subject belongs to, None where there is none.
    """

    holder: Enterprise | None = None


def _holder_act(query: ResolverInput) -> Mapping[str, Any]:
    return {"holder": next(iter(holders_among(query, [query.resource])), None)}


_GRANTED = ("seal_id", "grantor_id", "valid_from", "valid_to", "use_limit")
_TO_ONE = (
    "membership_id",
    "right",
    "scope",
    "term",
    "amount_max",
    "currency",
    "may_subgrant",
    "parent_id",
    "adopts_id",
)


def _terms(query: ResolverInput) -> Mapping[str, Any]:
    """All terms of a grant to one member, or of an open one."""
    grant = query.resource
    listed: dict[str, Any] = {"templates": templates(grant)}
    if type(grant).__name__ == "OpenGrant":
        return {**columns(grant, *_GRANTED, "department_id"), **listed}
    listed["contract_types"] = sorted(each.contract_type for each in grant.contract_types)
    return {**columns(grant, *_GRANTED, *_TO_ONE), **listed}


def _request(query: ResolverInput) -> Mapping[str, Any]:
    if query.action != "approve":
        return {"insiders": EMPTY}
    request = query.resource
    own = request.seal.enterprise.memberships.holding("person_id", query.subject.id)
    return {"insiders": insiders_of(query, set().union(*(choosers(query, request, each, query.now) for each in own)))}


def _afterwards(query: ResolverInput) -> Mapping[str, Any]:
    seal = query.resource.grant.seal
    own = seal.enterprise.memberships.holding("person_id", query.subject.id)
    return {"insiders": insiders_of(query, set().union(*(enablers(query, seal, each, query.now) for each in own)))}


_AFTERWARDS = Resolver(
    along={"contract": ("task_id", "signatory_id", "contract_id")}, find=_afterwards, is_about_subject=True
)
_REQUEST = Resolver(along={"contract": ("contract_id",)}, find=_request, is_about_subject=True)
_CONFIRMATION = binding("confirm", _terms)
_HOLDER = Resolver(find=_holder_act, paths={"holder": ("holder_id",)}, is_about_subject=True)


def _letters(resource: str) -> tuple[Action, ...]:
    return actions(resource, Context, "deliver_letter", arguments=grants.Letter, effect=grants.deliver_letter)


def _confirming(resource: str) -> tuple[Action, ...]:
    """Declare the confirmation of a grant."""
    given = ("verification",)
    return actions(resource, ConfirmationContext, "confirm", gives=given, resolver=_CONFIRMATION, effect=grants.confirm)


def _holding(context: type[Context], name: str, effect: Effect, *gives: str) -> tuple[Action, ...]:
    """Declare an act of the enterprise that holds the seal of another one, about one of its members."""
    return actions(
        "CrossEnterpriseGrant",
        context,
        name,
        gives=gives,
        resolver=_HOLDER,
        arguments=grants.HolderMember,
        effect=effect,
    )


ACTIONS = (
    *actions("SealUseRequest", RequestContext, "view_progress", resolver=_REQUEST, effect=looks),
    *actions(
        "Seal",
        GrantingContext,
        "grant",
        gives=("parent",),
        arguments=new_grants.NewGrant,
        effect=new_grants.grant,
    ),
    *_confirming("SealGrant"),
    *_confirming("OpenGrant"),
    *actions(
        "CrossEnterpriseGrant",
        CrossGrantContext,
        "confirm",
        resolver=Resolver(along={"holder": ("holder_id",)}),
        effect=grants.confirm,
    ),
    *actions("SealGrant", Context, "extend", arguments=grants.NewTerms, effect=grants.extend),
    *_letters("SealGrant"),
    *_letters("OpenGrant"),
    *_letters("CrossEnterpriseGrant"),
    *actions("AuthLetter", Context, "verify", arguments=grants.LetterFinding, effect=grants.verify_letter),
    *actions("AuthLetter", Context, "withdraw", effect=grants.withdraw_letter),
    *actions("SealGrant", Context, "revoke", effect=grants.revoke),
    *actions("OpenGrant", Context, "revoke", effect=grants.revoke),
    *actions("CrossEnterpriseGrant", GrantEndContext, "revoke", resolver=_HOLDER, effect=grants.revoke),
    *_holding(HolderMemberContext, "assign", grants.assign, "member"),
    *_holding(HolderContext, "unassign", grants.unassign),
    *actions("Membership", Context, "delegate", arguments=delegations.NewDelegation, effect=delegations.delegate),
    *actions("Delegation", Context, "accept", effect=delegations.accept),
    *actions("Delegation", Context, "revoke", effect=delegations.revoke),
    *actions(
        "Seal",
        UseRequestContext,
        "request_use",
        gives=("process",),
        arguments=requests.UseRequest,
        effect=requests.request_use,
    ),
    *actions("SealUseRequest", RequestContext, "approve", resolver=_REQUEST, effect=requests.approve),
    *actions("SealUseRequest", RequestContext, "reject", gives=("reason",), resolver=_REQUEST, effect=requests.reject),
    *actions("SealUseRequest", Context, "withdraw", effect=requests.withdraw),
    *actions("SealUseRequest", Context, "deliver_photos", arguments=requests.UsePhotos, effect=requests.deliver_photos),
    *actions(
        "EmergencyUse",
        AfterwardsContext,
        "approve_afterwards",
        resolver=_AFTERWARDS,
        effect=requests.approve_afterwards,
    ),
)
