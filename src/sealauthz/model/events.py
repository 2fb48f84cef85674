"""What people are told of the acts of the e-seal world: every event, with what it tells."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sealauthz.model.effects import (
    administration,
    counting,
    delegations,
    engine,
    enterprises,
    grants,
    joining,
    members,
    new_grants,
    own_rules,
    parties,
    requests,
    resolutions,
    retrieval,
    seals,
    signing,
    taking_over,
    told,
    turns,
)

_MODULES = (
    administration,
    counting,
    delegations,
    engine,
    enterprises,
    grants,
    joining,
    members,
    new_grants,
    own_rules,
    parties,
    requests,
    resolutions,
    retrieval,
    seals,
    signing,
    taking_over,
    told,
    turns,
)

EVENTS: Mapping[str, str] = MappingProxyType(
    {code: says for module in _MODULES for code, says in module.EVENTS.items()}
)
"""By its code, what each event tells."""
