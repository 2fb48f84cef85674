"""Revision tokens: a revision together with the store and the line of history it belongs to."""

from __future__ import annotations

import base64
import json
from functools import lru_cache
from typing import NamedTuple

from sealauthz.errors import InvalidRequest, RevisionUnknown
from sealauthz.v1 import revision_pb2

_MAX_TOKEN_CHARACTERS = 512


class Token(NamedTuple):
    """A revision of one store, in one line of its history."""

    store_id: str
    timeline_id: str
    number: int


def revision_message(store_id: str, timeline_id: str, number: int) -> revision_pb2.FactRevision:
    """Return a revision as a message; its token is opaque to clients and safe in a URL."""
    return revision_pb2.FactRevision(number=number, token=_text(Token(store_id, timeline_id, number)))


@lru_cache(maxsize=256)
def _text(token: Token) -> str:
    content = json.dumps(token, separators=(",", ":"))
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def token_from(text: str, field: str) -> Token:
    """Read a token. Raises InvalidRequest at `field` for a text that is none."""
    try:
        if len(text) > _MAX_TOKEN_CHARACTERS:
            raise ValueError
        content = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        store_id, timeline_id, number = content
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidRequest.at(field, "is not a revision token") from error
    if type(store_id) is not str or type(timeline_id) is not str or type(number) is not int or number < 0:
        raise InvalidRequest.at(field, "is not a revision token")
    return Token(store_id, timeline_id, number)


def check_store(token: Token, store_id: str) -> None:
    """Raise RevisionUnknown for the token of another store."""
    if token.store_id != store_id:
        raise RevisionUnknown("the revision token belongs to another store")
