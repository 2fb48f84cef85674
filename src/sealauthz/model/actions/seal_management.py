"""Acts on seals that put none: making, reviewing, keeping, stopping and ending them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sealauthz.model.actions.common import Context, ReasonedContext, VerifiedContext, found
from sealauthz.model.effects import holds
from sealauthz.model.records.contracts import SigningTask
from sealauthz.model.records.identity import IdentityVerification, Person
from sealauthz.model.records.membership import Membership
from sealauthz.schema import Collection, Resolver, ResolverInput, actions


@dataclass(slots=True)
class LiftContext(Context):
    """Lifting a hold: `proposer` is who of the platform's staff proposed it, with their posts."""

    proposer: Person | None = None


@dataclass(slots=True)
class SealEndContext(Context):
    """Ending a seal: `tasks` are the signing tasks that the seal is fixed for, in every state."""

    tasks: list[SigningTask] = dataclasses.field(default_factory=list)


@dataclass(slots=True)
class CustodyContext(Context):
    """Giving a seal into the keeping of a member."""

    custodian: Membership | None = None


@dataclass(slots=True)
class ReviewContext(Context):
    """Deciding a review of a seal: PASSED or REJECTED; on an own check where nobody else is there to decide."""

    verdict: str | None = None
    verification: IdentityVerification | None = None


def _seal_end(query: ResolverInput) -> Mapping[str, Any]:
    fixed = found(query.snapshot, "TaskSeal", set(query.snapshot.matching("TaskSeal", seal_id=query.resource.id)))
    return {"tasks": Collection(each.task for each in fixed)}


_PROPOSER = Resolver(along={"proposer": ("lift_proposed_by_id",)})

ACTIONS = (
    *actions("Seal", Context, "freeze", effect=holds.freeze),
    *actions("Seal", Context, "report_lost", effect=holds.report_lost),
    *actions("Seal", VerifiedContext, "report_found", gives=("verification",), effect=holds.report_found),
    *actions("Seal", ReasonedContext, "propose_end", gives=("reason",)),
    *actions("Seal", SealEndContext, "revoke", "destroy", resolver=Resolver(find=_seal_end)),
    *actions("Seal", CustodyContext, "assign_custodian", gives=("custodian",)),
    *actions("SealHold", VerifiedContext, "release", gives=("verification",), effect=holds.release),
    *actions("SealHold", Context, "propose_lift", effect=holds.propose_lift),
    *actions("SealHold", LiftContext, "lift", resolver=_PROPOSER, effect=holds.lift),
    *actions("SealReview", ReviewContext, "decide", gives=("verification", "verdict")),
)
