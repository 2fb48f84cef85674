"""What a face check is bound to beside its object: the digest of what is to be done, as it is decided and as it stands.

A check that was shown for one act serves no other on the same object, and none on other terms. `intent_digest` is
`sha256:` and the SHA-256, in hexadecimal, of the JSON of the action, the resource (`Type:id`) and the terms: keys in
their order, no spaces, text as it is (UTF-8). The step that asks for the check (VERIFY_FACE) tells it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sealauthz.model.actions.common import VerifiedContext
from sealauthz.schema import Resolver, ResolverInput

Terms = Callable[[ResolverInput], Mapping[str, Any]]


@dataclass(slots=True)
class ArgumentsContext(VerifiedContext):
    """An act of which the check is shown for its arguments, too: `digest` is theirs (`rules_digest`), and left out
    where they are.
    """

    digest: str | None = None


def binding(action: str, terms: Terms) -> Resolver:
    """Return the resolver that finds nothing but the digest of an act."""

    def find(query: ResolverInput) -> Mapping[str, Any]:
        return {"intent_digest": intent_digest(action, query.resource, terms(query))}

    return Resolver(find=find, find_again=find)


def intent_digest(action: str, resource: Any, terms: Mapping[str, Any]) -> str:
    """Return the digest of an act on a resource, on these terms."""
    whole = {"action": action, "resource": f"{type(resource).__name__}:{resource.id}", "terms": terms}
    text = json.dumps(whole, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def columns(record: Any, *names: str) -> dict[str, Any]:
    """Return what these columns of a record hold."""
    return {name: getattr(record, name) for name in names}


def templates(grant: Any) -> list[list[str]]:
    """Return the templates to which a grant is limited, each with whose it is."""
    return sorted([each.template_id, each.initiator_id or ""] for each in grant.templates)


def given_id(query: ResolverInput, key: str) -> str:
    """Return the id of the record that the client named under a key; empty where there is none."""
    record = query.given.get(key)
    return "" if record is None else str(record.id)


def given_text(query: ResolverInput, key: str) -> str:
    """Return the text that the client gave under a key; empty where there is none."""
    return str(query.given.get(key) or "")
