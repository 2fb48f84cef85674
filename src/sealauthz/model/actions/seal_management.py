"""Acts on seals that put none: making, reviewing, keeping, stopping and ending them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sealauthz.model.actions.bound import binding, columns, given_text
from sealauthz.model.actions.common import Context, ReasonedContext, VerifiedContext, found
from sealauthz.model.effects import holds, seals
from sealauthz.model.records.identity import Person
from sealauthz.model.records.membership import Membership
from sealauthz.model.records.signing import SigningTask
from sealauthz.schema import Collection, Resolver, ResolverInput, actions, looks


@dataclass(slots=True)
class LiftContext(Context):
    """Lifting a hold: `proposer` is who of the platform's staff proposed it, with their posts."""

    proposer: Person | None = None


@dataclass(slots=True)
class SealCreationContext(Context):
    """Making a seal of a kind: who may depends on that."""

    kind: str | None = None


@dataclass(slots=True)
class HoldContext(Context):
    """Holding a seal for the platform or a court (PLATFORM or JUDICIAL); `reference` names what the hold rests on."""

    source: str | None = None
    reference: str | None = None


@dataclass(slots=True)
class SealEndContext(Context):
    """Ending a seal: `tasks` are the signing tasks that the seal is fixed for, in every state."""

    tasks: list[SigningTask] = dataclasses.field(default_factory=list)


@dataclass(slots=True)
class FoundContext(VerifiedContext):
    """Reporting that a lost seal was found: on a check for these reports of its loss."""


@dataclass(slots=True)
class ReleaseContext(VerifiedContext):
    """Releasing a hold: on a check for what was placed."""


@dataclass(slots=True)
class CustodyContext(Context):
    """Giving a seal into the keeping of a member."""

    custodian: Membership | None = None


@dataclass(slots=True)
class ExamineContext(Context):
    """Deciding a review of a seal as a reviewer of the platform: PASSED or REJECTED."""

    verdict: str | None = None


@dataclass(slots=True)
class ReviewContext(VerifiedContext):
    """Deciding a review of a seal: PASSED or REJECTED; on an own check where nobody else is there to decide."""

    verdict: str | None = None


def _seal_end(query: ResolverInput) -> Mapping[str, Any]:
    fixed = found(query.snapshot, "TaskSeal", set(query.snapshot.matching("TaskSeal", seal_id=query.resource.id)))
    return {"tasks": Collection(each.task for each in fixed)}


def _losses(query: ResolverInput) -> Mapping[str, Any]:
    return {"holds": sorted(h.id for h in query.resource.holds if (h.source, h.state) == ("LOSS", "PLACED"))}


def _hold(query: ResolverInput) -> Mapping[str, Any]:
    return columns(query.resource, "seal_id", "source", "placed_at", "placed_by_id", "reference")


def _reviewed(query: ResolverInput) -> Mapping[str, Any]:
    review = query.resource
    return {**columns(review, "seal_id", "face_digest", "name_on_seal"), "verdict": given_text(query, "verdict")}


_SEAL_END = Resolver(find=_seal_end)
_PROPOSER = Resolver(along={"proposer": ("lift_proposed_by_id",)})

ACTIONS = (
    *actions(
        "Enterprise",
        SealCreationContext,
        "create_seal",
        gives=("kind",),
        arguments=seals.NewSeal,
        effect=seals.create_seal,
    ),
    *actions("Seal", Context, "edit", arguments=seals.SealEdit, effect=seals.edit),
    *actions("Seal", Context, "submit_review", arguments=seals.Submission, effect=seals.submit_review),
    *actions("Seal", Context, "disable", effect=seals.disable),
    *actions("Seal", Context, "enable", effect=seals.enable),
    *actions("Seal", Context, "collect", effect=seals.collect),
    *actions("Seal", Context, "view", "view_log", "view_attempts", effect=looks),
    *actions("Seal", Context, "freeze", effect=holds.freeze),
    *actions("Seal", Context, "report_lost", effect=holds.report_lost),
    *actions(
        "Seal",
        FoundContext,
        "report_found",
        gives=("verification",),
        resolver=binding("report_found", _losses),
        effect=holds.report_found,
    ),
    *actions(
        "Seal", ReasonedContext, "propose_end", gives=("reason",), arguments=seals.Ending, effect=seals.propose_end
    ),
    *actions("Seal", SealEndContext, "revoke", resolver=_SEAL_END, effect=seals.revoke),
    *actions("Seal", SealEndContext, "destroy", resolver=_SEAL_END, effect=seals.destroy),
    *actions(
        "Seal",
        CustodyContext,
        "assign_custodian",
        gives=("custodian",),
        arguments=seals.Custody,
        effect=seals.assign_custodian,
    ),
    *actions("Seal", HoldContext, "place_hold", gives=("source", "reference"), effect=holds.place_hold),
    *actions(
        "SealHold",
        ReleaseContext,
        "release",
        gives=("verification",),
        resolver=binding("release", _hold),
        effect=holds.release,
    ),
    *actions("SealHold", Context, "propose_lift", effect=holds.propose_lift),
    *actions("SealHold", LiftContext, "lift", resolver=_PROPOSER, effect=holds.lift),
    *actions(
        "SealReview",
        ReviewContext,
        "decide",
        gives=("verification", "verdict"),
        resolver=binding("decide", _reviewed),
        effect=seals.decide,
    ),
    *actions("SealReview", ExamineContext, "examine", gives=("verdict",), effect=seals.examine),
    *actions("SealProposal", Context, "witness", effect=seals.witness),
    *actions("SealProposal", Context, "withdraw", effect=seals.withdraw_proposal),
)
