"""Acts that give rights on seals, take them back, and approve single uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sealauthz.model.actions.common import Context, VerifiedContext
from sealauthz.model.actions.seals import holders_among
from sealauthz.model.records.contracts import Contract
from sealauthz.model.records.organisation import Enterprise
from sealauthz.schema import Resolver, ResolverInput, actions, looks


@dataclass(slots=True)
class RequestContext(Context):
    """Deciding on a request to use a seal: `contract` is the one that it names, found by the server."""

    reason: str | None = None
    contract: Contract | None = None


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


def _holder_act(query: ResolverInput) -> Mapping[str, Any]:
    return {"holder": next(iter(holders_among(query, [query.resource])), None)}


_REQUEST = Resolver(along={"contract": ("contract_id",)})
_HOLDER = Resolver(find=_holder_act, paths={"holder": ("holder_id",)}, is_about_subject=True)

ACTIONS = (
    *actions("SealUseRequest", RequestContext, "view_progress", resolver=_REQUEST, effect=looks),
    *actions("SealUseRequest", RequestContext, "approve", resolver=_REQUEST),
    *actions("SealUseRequest", RequestContext, "reject", gives=("reason",), resolver=_REQUEST),
    *actions("SealGrant", VerifiedContext, "confirm", gives=("verification",)),
    *actions("OpenGrant", VerifiedContext, "confirm", gives=("verification",)),
    *actions("CrossEnterpriseGrant", HolderContext, "assign", resolver=_HOLDER),
    *actions("CrossEnterpriseGrant", CrossGrantContext, "confirm", resolver=Resolver(along={"holder": ("holder_id",)})),
    *actions("CrossEnterpriseGrant", GrantEndContext, "revoke", resolver=_HOLDER),
)
