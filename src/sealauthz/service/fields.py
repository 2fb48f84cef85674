"""Fields of messages: texts, ids, instants and revision tokens, and the violations that are found in a request."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp

from sealauthz.runtime import base64url
from sealauthz.runtime.characters import text_fault
from sealauthz.runtime.errors import InvalidRequest, RevisionUnknown, Violation
from sealauthz.schema import FOREVER
from sealauthz_client.v1 import revision_pb2

MAX_ID_CHARACTERS = 128
MAX_TEXT_CHARACTERS = 1024

MAX_VIOLATIONS = 8
"""No more are reported: the details of an error travel in a trailer that holds 16 KiB."""

_SECOND = 1_000_000
_MAX_TOKEN_CHARACTERS = 512


def is_id(text: str) -> bool:
    """Tell whether a text can be an id, a name or a word: 1 to 128 printable characters."""
    return 0 < len(text) <= MAX_ID_CHARACTERS and text.isprintable()


class FieldViolations:
    """What is malformed in one request, in the order in which it was found."""

    def __init__(self) -> None:
        self._violations: list[Violation] = []

    def __len__(self) -> int:
        return len(self._violations)

    @property
    def is_full(self) -> bool:
        """Whether enough is known to stop looking."""
        return len(self._violations) >= MAX_VIOLATIONS

    def add(self, field: str, description: str) -> None:
        """Note that the field is malformed."""
        if not self.is_full:
            self._violations.append(Violation(field, description))

    def refuse(self) -> None:
        """Raise InvalidRequest if anything was found."""
        if self._violations:
            raise InvalidRequest(*self._violations)

    def check_id(self, field: str, text: str) -> None:
        """Note what is wrong with a required id, name or word."""
        if is_id(text):
            return
        if not text:
            self.add(field, "is required")
        elif len(text) > MAX_ID_CHARACTERS:
            self.add(field, f"must have at most {MAX_ID_CHARACTERS} characters")
        else:
            self.add(field, "must have printable characters only")

    def check_text(self, field: str, text: str) -> None:
        """Note what is wrong with a text, which may be empty."""
        if len(text) > MAX_TEXT_CHARACTERS:
            self.add(field, f"must have at most {MAX_TEXT_CHARACTERS:,} characters")
        elif fault := text_fault(text):
            self.add(field, fault)

    def check_count(self, field: str, count: int, most: int, least: int = 0) -> None:
        """Note that a list is too short or too long."""
        if not least <= count <= most:
            self.add(field, f"must have {least} to {most:,} items" if least else f"must have at most {most:,} items")

    def instant(self, field: str, moment: Timestamp) -> int:
        """Return the instant in microseconds, cut off; note one out of range, and return 0 for it."""
        micros = moment.seconds * _SECOND + moment.nanos // 1_000
        if not 0 <= moment.nanos < 1_000_000_000 or not 0 <= micros <= FOREVER:
            self.add(field, "must be from 1970-01-01T00:00:00Z to 9999-12-31T23:59:59Z")
            return 0
        return micros


def timestamp(micros: int) -> Timestamp:
    """Return an instant as a message."""
    message = Timestamp()
    set_timestamp(message, micros)
    return message


def set_timestamp(message: Timestamp, micros: int) -> None:
    """Fill a message with an instant."""
    message.seconds, rest = divmod(micros, _SECOND)
    message.nanos = rest * 1_000


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
    return base64url.encode(content.encode())


def token_from(text: str, field: str) -> Token:
    """Read a token. Raises InvalidRequest at `field` for a text that is none."""
    try:
        if len(text) > _MAX_TOKEN_CHARACTERS:
            raise ValueError
        content = json.loads(base64url.decode(text))
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
