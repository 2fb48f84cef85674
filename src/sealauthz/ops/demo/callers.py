"""Who calls in the demonstration, and what each of them may do."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from sealauthz.model import MODEL
from sealauthz.schema import shape_of
from sealauthz.service import RPCS, Caller

PLATFORM = "platform"
"""The signing platform: it has performed whatever people do, and writes no fact."""
ENGINE = "sealing-engine"
"""The sealing engine: it seals what it has a receipt for, and says what became of it."""
OUTSIDE = "outside"
"""Those who own what the world knows: registry, certificate authority, identity provider, contracts, deliveries."""
MIGRATION = "migration"
"""What brings facts in from somewhere else, with the right to import."""

_IMPORT = "FactsService/ImportFacts"
_ENGINE_PERFORMS = frozenset({"SealUse/seal", "SealUse/confirm_sealed", "SealUse/report_not_sealed"})
_OF_FACTS = frozenset({"FactsService/ReadFacts", "FactsService/WriteFacts"})
_OF_SEALING = frozenset({"OperationsService/Perform", "OperationsService/GetKeys"})
_OF_ACTS = frozenset(
    {
        "AuthorizationService/Authorize",
        "OperationsService/Perform",
        "OperationsService/GetOperation",
        "OperationsService/GetProgress",
        "EventsService/Watch",
    }
)


def demo_caller(token: str) -> Caller:
    """Return a caller that may call, read, write and perform everything: for demonstrations only."""
    return _caller("demo", token, RPCS, performs=None, has_facts=True)


def story_caller(name: str, token: str) -> Caller:
    """Return a caller of the story with the rights that it needs."""
    if name == PLATFORM:
        return _caller(name, token, _OF_ACTS, performs=_all_but(_ENGINE_PERFORMS))
    if name == ENGINE:
        return _caller(name, token, _OF_SEALING, performs=_ENGINE_PERFORMS)
    return _caller(name, token, _OF_FACTS | {_IMPORT} if name == MIGRATION else _OF_FACTS, has_facts=True)


def _all_but(left_out: frozenset[str]) -> frozenset[str]:
    return frozenset(f"{type_}/{action}" for action, type_ in MODEL.actions) - left_out


def _caller(
    name: str,
    token: str,
    rpcs: Iterable[str],
    *,
    performs: frozenset[str] | None = frozenset(),
    has_facts: bool = False,
) -> Caller:
    everything = {type_: frozenset(c.name for c in shape_of(cls).columns) for type_, cls in MODEL.records.items()}
    return Caller(
        name=name,
        tokens=frozenset({hashlib.sha256(token.encode()).digest()}),
        rpcs=frozenset(rpcs),
        model=MODEL,
        tenants=None,
        read=everything if has_facts else {},
        write=everything if has_facts else {},
        performs=performs,
        sees_operator_reasons=True,
    )
