"""Lists as they are replayed: all that is listed as of then, and whether the page that was answered is a part of it.

A record holds how many ids a page had and the digest of them, and not where a later page began. So the first page must
be the beginning of the list, and a later one any part of it; one that says that it was the last must be the end.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sealauthz.audit.as_of import PastMoment
from sealauthz.audit.record import NOT_THERE
from sealauthz.decision.assembly import RequestOptions, Within, everything
from sealauthz.decision.question import Entity, ListQuery
from sealauthz.polar.reach import Root
from sealauthz.runtime.errors import CallerNotPermitted, PastUnknown

MOST_IDS = 20_000
_MOST_HASHED = 2_000_000
"""So many ids are hashed at most, to find where a later page began."""


class Whole(NamedTuple):
    """All that is listed, as far as it was looked for."""

    ids: Sequence[str]
    is_complete: bool


def differing_list(moment: PastMoment, content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is listed as of then that is not what was logged. Raises PastUnknown where that cannot be told."""
    if withheld := content.get("withheld"):
        names = ", ".join(f"`{name}`" for name in withheld)
        raise PastUnknown("WORDS_LEFT_OUT", f"the record leaves out what the client gave in words: {names}")
    if "evaluated_at" not in content:
        raise PastUnknown("LIST", "the record does not say what a list needs: it is of an earlier release")
    if "is_limited" in content and "within" not in content:
        raise PastUnknown("RIGHTS_LEFT_OUT", "the record leaves out to what the rights of the caller were limited")
    may_see = Within(frozenset(content["within"])) if "is_limited" in content else everything
    options = RequestOptions(may_see, content.get("caller", ""))
    try:
        found = _listed(moment, content, options)
    except CallerNotPermitted as error:
        raise PastUnknown("RIGHTS_LEFT_OUT", "the caller had no right to such a list") from error
    if _is_part(content, found):
        return {}
    return {"count": len(found.ids), "ids_sha256": _digest(found.ids), "is_complete": found.is_complete}


def _listed(moment: PastMoment, content: Mapping[str, Any], options: RequestOptions) -> Whole:
    """Return what is listed as of then: of a first page one id more than it had, of a later one everything."""
    context, exceptions = content.get("context", {}), tuple(content.get("except", ()))
    version, is_first = content["policy"], content.get("is_first", False)
    if "sought" not in content:
        subject, resource = _entity(content["subject"]), _entity(content["resource"])
        asked = moment.questions(subject, resource, context, version)
        return Whole(moment.actions_except(asked, exceptions, options, version), is_complete=True)
    is_of_resources = "subject" in content
    known = _entity(content["subject" if is_of_resources else "resource"])
    root = Root.SUBJECT if is_of_resources else Root.RESOURCE
    query = ListQuery(root, known, content["action"], content["sought"], context, exceptions)
    page = moment.list(query, options, content["count"] + 1 if is_first else MOST_IDS, version)
    if not is_first and not page.is_complete:
        raise PastUnknown("TOO_MUCH", f"a later page of a list of more than {MOST_IDS:,} ids")
    return Whole(page.ids, page.is_complete)


def _is_part(content: Mapping[str, Any], found: Whole) -> bool:
    """Tell whether a page that was logged is a part of what is listed."""
    count, wanted, ids = content["count"], content["ids_sha256"], found.ids
    is_last = content.get("is_complete", True)
    if content.get("is_first", True):
        fits = len(ids) == count and found.is_complete if is_last else len(ids) >= count
        return fits and _digest(ids[:count]) == wanted
    if count == 0:
        raise PastUnknown("EMPTY_PAGE", "a later page without an id says nothing that could be compared")
    places = range(len(ids) - count, len(ids) - count + 1) if is_last else range(len(ids) - count + 1)
    if len(places) * count > _MOST_HASHED:
        raise PastUnknown("TOO_MUCH", "a later page of a list that is too long to look for its place")
    return any(_digest(ids[at : at + count]) == wanted for at in places if at >= 0)


def _digest(ids: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()


def _entity(name: str) -> Entity:
    """Return what a list is about. Raises PastUnknown where its name was left out."""
    if name.startswith(NOT_THERE):
        raise PastUnknown("NAMES_LEFT_OUT", "the record holds a digest for a name that nothing had when it was written")
    type_, _, id_ = name.partition(":")
    return Entity(type_, id_)
