"""By what a record of the log is found: its id, when it was answered, and whom and what it is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from sealauthz.audit.record import READ, content_of


class FoundBy(NamedTuple):
    """The id of a record, when it was answered, and whom and what it is about, each as `Type:id`."""

    decision_id: str
    at: int
    about: set[str]


class _Item(msgspec.Struct):
    subject: str = ""
    resource: str = ""


class _Said(msgspec.Struct):
    v: int
    id: str
    at: int
    subject: str = ""
    resource: str = ""
    tenant: str = ""
    tenants: list[str] = []
    items: list[_Item] = []


_read = msgspec.json.Decoder(_Said).decode


def found_by(text: str) -> FoundBy:
    """Return by what a record is found.

    Reads the whole text, and keeps only that of it. Raises ValueError for a text that is no record.
    """
    try:
        said = _read(text)
    except msgspec.DecodeError:  # something in it is not of the type that we write, or half of a character
        content = content_of(text)
        at = content.get("at")
        # Of one that says no time, a list within any looks for itself.
        return FoundBy(content["id"], at if type(at) is int else 0, about(content))
    if said.v not in READ or text[0] != "{" or text[-1] != "}":
        raise ValueError("the text is no record of this version")
    found = {said.subject, said.resource}
    if said.tenants:
        tenant = said.tenant
        found.update([f"{tenant}:{each}" for each in said.tenants])
    for item in said.items:
        found.add(item.subject)
        found.add(item.resource)
    found.discard("")
    return FoundBy(said.id, said.at, found)


def about(content: Mapping[str, Any]) -> set[str]:
    """Return whom and what the content of a record is about, each as `Type:id`; what is no text names nobody."""
    items = content.get("items")
    parts = [content, *(items if isinstance(items, list) else ())]
    found = [part.get(key) for part in parts if isinstance(part, dict) for key in ("subject", "resource")]
    tenants = content.get("tenants")
    if isinstance(tenants, list):
        found.extend([f"{content.get('tenant', '')}:{each}" for each in tenants if isinstance(each, str)])
    return {each for each in found if isinstance(each, str) and each}
