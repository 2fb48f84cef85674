"""Paging: where the page of a list starts, and the opaque token that says so when the next page is asked for."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import NamedTuple

from sealauthz.decision.question import ListQuery
from sealauthz.facts.memory.consistency import Consistency
from sealauthz.facts.store.values import text_problem
from sealauthz.runtime import base64url
from sealauthz.runtime.errors import InvalidRequest, RevisionGone
from sealauthz.schema import Duration, Instant

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1_000

PAGES_GO_ON_FOR: Duration = 600_000_000
"""How long after its first page a list may be gone on with: all pages hold for the instant of the first."""

_CLOCKS_DIFFER_BY: Duration = 5_000_000
"""How far ahead the clock of the server that made the page before may have been."""

_SEAL_BYTES = 16
_MAX_TOKEN_CHARACTERS = 2_048


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page of a list."""

    size: int = 0
    token: str = ""


class Start(NamedTuple):
    """Where a page starts: behind the id `after`, at the instant, revision and policies of the first page.

    `timeline` and `revision` are empty for a first page, which takes the newest.
    """

    after: str
    timeline: str
    revision: int | None
    policy_version: str
    evaluated_at: Instant

    def check(self, timeline: str, revision: int) -> None:
        """Raises RevisionGone where the facts are not those of the first page."""
        if self.revision is not None and (self.timeline, self.revision) != (timeline, revision):
            raise RevisionGone("the facts have changed since the first page; begin again without a page token")


def page_size(asked: int) -> int:
    """Return how many ids a page holds at most. Raises InvalidRequest."""
    if asked < 0:
        raise InvalidRequest.at("page_size", "must not be negative")
    return min(asked or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)


def start_of(query: ListQuery, token: str, policy_version: str, caller: str, now: Instant) -> Start:
    """Return where the page of a token starts. Raises InvalidRequest for one of another query, RevisionGone."""
    if not token:
        return Start("", "", None, policy_version, now)
    start = _opened(query, token, caller)
    if start.policy_version != policy_version:
        raise RevisionGone("the policies have changed since the first page; begin again without a page token")
    if not now - PAGES_GO_ON_FOR < start.evaluated_at <= now + _CLOCKS_DIFFER_BY:
        raise RevisionGone("the first page is too long ago; begin again without a page token")
    return start


def consistency_of(query: ListQuery, token: str, caller: str, first: Consistency) -> Consistency:
    """Return what the facts of a page must be; `first` is what was asked for the first page. Raises InvalidRequest."""
    if not token:
        return first
    start = _opened(query, token, caller)
    return Consistency(at_revision=start.revision, timeline=start.timeline)


def token_of(query: ListQuery, start: Start, caller: str) -> str:
    """Return the token of the page that starts there."""
    content = json.dumps(start, separators=(",", ":")).encode()
    return base64url.encode(_seal(query, content, caller) + content)


def _opened(query: ListQuery, token: str, caller: str) -> Start:
    try:
        if len(token) > _MAX_TOKEN_CHARACTERS:
            raise ValueError
        sealed = base64url.decode(token)
        content = sealed[_SEAL_BYTES:]
        start = Start(*json.loads(content))
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidRequest.at("page_token", "is not a page token") from error
    if sealed[:_SEAL_BYTES] != _seal(query, content, caller):
        raise InvalidRequest.at("page_token", "is not a page token of this query")
    if tuple(map(type, start)) != (str, str, int, str, int) or text_problem(start.after, is_indexed=True):
        raise InvalidRequest.at("page_token", "is not a page token")
    return start


def _seal(query: ListQuery, content: bytes, caller: str) -> bytes:
    """Return a digest that binds a token to its query and caller. It hides nothing and grants nothing."""
    context = sorted(query.context.items())
    about = [query.root, query.known.type, query.known.id, query.action, query.sought, context, caller]
    bound = json.dumps([*about, sorted(query.exceptions)])
    return hashlib.sha256(bound.encode() + b"\0" + content).digest()[:_SEAL_BYTES]
