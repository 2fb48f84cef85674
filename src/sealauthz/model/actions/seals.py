"""Managing seals and the rights on them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sealauthz.model.actions.common import Context, ReasonedContext, VerifiedContext, found
from sealauthz.model.actions.sealing import holder_of
from sealauthz.model.records.contracts import SigningTask
from sealauthz.model.records.membership import Membership
from sealauthz.model.records.organisation import Enterprise
from sealauthz.schema import Collection, Resolver, ResolverInput, actions


@dataclass(slots=True)
class SealEndContext(Context):
    """Ending a seal: `tasks` are the signing tasks that the seal is fixed for, in every state."""

    tasks: list[SigningTask] = dataclasses.field(default_factory=list)


@dataclass(slots=True)
class CustodyContext(Context):
    """Giving a seal into the keeping of a member."""

    custodian: Membership | None = None


@dataclass(slots=True)
class HolderContext(Context):
    """An act of the enterprise that holds a seal of another one: `holder` is found by the server."""

    holder: Enterprise | None = None


@dataclass(slots=True)
class CrossGrantContext(Context):
    """Confirming a grant across enterprises: `holder` is the enterprise that gets the seal."""

    holder: Enterprise | None = None


@dataclass(slots=True)
class GrantEndContext(Context):
    """Ending a grant across enterprises: by its owner, or by `holder`, the enterprise that holds it and that the
    subject belongs to, None where there is none.
    """

    holder: Enterprise | None = None


@dataclass(slots=True)
class ReviewContext(Context):
    """Deciding a review of a seal: PASSED or REJECTED."""

    verdict: str | None = None


def _seal_end(query: ResolverInput) -> Mapping[str, Any]:
    fixed = found(query.snapshot, "TaskSeal", set(query.snapshot.matching("TaskSeal", seal_id=query.resource.id)))
    return {"tasks": Collection(each.task for each in fixed)}


def _holder_act(query: ResolverInput) -> Mapping[str, Any]:
    return {"holder": holder_of(query, [query.resource])}


_HOLDER = Resolver(find=_holder_act, paths={"holder": ("holder_id",)}, is_about_subject=True)

ACTIONS = (
    *actions("Seal", VerifiedContext, "report_found", gives=("verification",)),
    *actions("Seal", ReasonedContext, "propose_end", gives=("reason",)),
    *actions("Seal", SealEndContext, "revoke", "destroy", resolver=Resolver(find=_seal_end)),
    *actions("Seal", CustodyContext, "assign_custodian", gives=("custodian",)),
    *actions("SealHold", VerifiedContext, "release", gives=("verification",)),
    *actions("SealReview", ReviewContext, "decide", gives=("verdict",)),
    *actions("SealGrant", VerifiedContext, "confirm", gives=("verification",)),
    *actions("OpenGrant", VerifiedContext, "confirm", gives=("verification",)),
    *actions("CrossEnterpriseGrant", HolderContext, "assign", resolver=_HOLDER),
    *actions("CrossEnterpriseGrant", CrossGrantContext, "confirm", resolver=Resolver(along={"holder": ("holder_id",)})),
    *actions("CrossEnterpriseGrant", GrantEndContext, "revoke", resolver=_HOLDER),
)
