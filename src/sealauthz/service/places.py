"""Places in a stream of what revisions hold: the token behind which a watch goes on."""

from __future__ import annotations

from dataclasses import dataclass

from sealauthz.facts import Store
from sealauthz.runtime.errors import InvalidRequest
from sealauthz.service.fields import check_store, revision_message, token_from

WHOLE = 2**31
"""The number behind all that a revision holds."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the stream: behind the item of this number in a revision of a history."""

    timeline: str
    revision: int
    ordinal: int

    def text(self, store_id: str) -> str:
        """Return the token of the place."""
        token: str = revision_message(store_id, self.timeline, self.revision).token
        return f"{token}.{self.ordinal}"


def place_from(token: str, store: Store) -> Place:
    """Return where to begin: behind a token, or, where it is empty, with what comes now.

    Raises InvalidRequest, RevisionUnknown, RevisionGone.
    """
    if not token:
        page = store.changes_after(-1, 1)
        return Place(page.timeline, page.newest, WHOLE)
    text, _, ordinal = token.rpartition(".")
    if not ordinal.isascii() or not ordinal.isdigit() or len(ordinal) > 10:
        raise InvalidRequest.at("after", "is not the token of a place in this stream")
    revision = token_from(text, "after")
    check_store(revision, store.store_id)
    # It says whether what follows is still kept, and of this history.
    page = store.changes_after(revision.number, 1, revision.timeline_id)
    return Place(page.timeline, revision.number, int(ordinal))
