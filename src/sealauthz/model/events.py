"""What people are told of the acts of the e-seal world: every event, with what it tells, and what its text may name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from sealauthz.model import effects
from sealauthz.schema import Named


def _declared() -> Iterator[tuple[str, str]]:
    """What each module of effects says of its own events."""
    for found in pkgutil.iter_modules(effects.__path__, f"{effects.__name__}."):
        yield from getattr(importlib.import_module(found.name), "EVENTS", {}).items()


EVENTS: Mapping[str, str] = MappingProxyType(dict(_declared()))
"""By its code, what each event tells."""


def _of_seal(seal: Any) -> dict[str, str]:
    """What is said of a seal. That of a legal representative bears a person's name, so that it goes without."""
    of_owner = {"seal_owner_name": seal.enterprise.name}
    return of_owner if seal.kind == "LEGAL_REP" else {"seal_name": seal.name, **of_owner}


_ENTERPRISE_NAME = ("Enterprise", "name")

NAMED = (
    Named(
        "",
        "Enterprise",
        "monitor",
        lambda enterprise: {"enterprise_name": enterprise.name},
        {"enterprise_name": _ENTERPRISE_NAME},
    ),
    Named(
        "sender_id",
        "Enterprise",
        "monitor",
        lambda enterprise: {"sender_name": enterprise.name},
        {"sender_name": _ENTERPRISE_NAME},
    ),
    # In the context of a use, the members of an enterprise that holds a seal see it like those of its owner.
    Named("seal_id", "Seal", "use", _of_seal, {"seal_name": ("Seal", "name"), "seal_owner_name": _ENTERPRISE_NAME}),
)
"""What the text of an event names beside what it holds."""
