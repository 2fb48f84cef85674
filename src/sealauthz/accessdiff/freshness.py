"""Facts that are good for minutes, as if they were fresh: checks of identity, one-time codes, working hours.

An export is looked at when it is hours or months old. By then every face check in it has expired, and nobody may do
what asks for one, whatever the rules say. So the access diff asks its questions a second time: at the time of the
facts, with a check that the subject has passed just now, bound to the very thing that is asked about, with the code of
the request, and within the working hours. None of it is written anywhere.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sealauthz.model.records.identity import (
    IdentityVerification,
    VerificationMethod,
    VerificationPurpose,
    VerificationState,
)
from sealauthz.schema import Instant, shape_of

_TO_COME = frozenset({"expires_at", "ended_at"})
"""Columns that look as if they said when something happened, and may say when it will."""

_DAYS_BACK = 14


class Supposed(str):
    """An identity check that is supposed: its id in a report, and what it is."""

    __slots__ = ("digest", "method", "purpose")

    method: str
    purpose: str
    digest: str | None

    def __new__(cls, method: str, purpose: str, digest: str | None) -> Supposed:
        """Suppose a check; with None as its digest it is bound to all documents, which the context has a digest of."""
        made = super().__new__(cls, ":".join(("fresh", method, purpose, *([] if digest == "" else [digest or "all"]))))
        made.method, made.purpose, made.digest = method, purpose, digest
        return made


class SupposedCode(str):
    """A one-time code that a request has not been given yet."""

    __slots__ = ()


SUPPOSED_CODE = SupposedCode("fresh")


def time_of(records: Iterable[Any], now: Instant) -> Instant:
    """Return when these facts were written last, as far as they tell: the latest thing that happened, not after now."""
    names: dict[type, list[str]] = {}
    latest = 0
    for record in records:
        cls = type(record)
        if cls not in names:
            columns = (column.name for column in shape_of(cls).columns)
            names[cls] = [name for name in columns if name.endswith("_at") and name not in _TO_COME]
        for name in names[cls]:
            at = getattr(record, name)
            if latest < at <= now:
                latest = at
    return latest or now


def check_of(supposed: Supposed, person: Any, bound: tuple[str, str], context: Any, now: Instant) -> Any:
    """Make the check that is supposed: passed just now by this person, for this object."""
    digest = supposed.digest if supposed.digest is not None else getattr(context, "documents_digest", None)
    check = IdentityVerification(
        id=str(supposed),
        person_id=person.id,
        method=VerificationMethod(supposed.method),
        purpose=VerificationPurpose(supposed.purpose),
        provider_ref=str(supposed),
        bound_type=bound[0],
        bound_id=bound[1],
        bound_digest=digest or "",
        state=VerificationState.PASSED,
        passed_at=now,
        fallback_from=None if supposed.method == VerificationMethod.FACE else VerificationMethod.FACE,
    )
    check.person = person
    return check


def with_code(record: Any, key: str) -> Any:
    """Return a request as if it had been given the supposed code."""
    given = copy.copy(record)
    setattr(given, key, str(SUPPOSED_CODE))
    return given


def within_hours(context: Any, resource: Any) -> Any:
    """Return a context at the latest time of the clock that is within the working hours of the resource's enterprise.

    The context as it is where it has no local time, the enterprise no hours, or the time is within them already.
    """
    day, weekday, minute = (getattr(context, name, None) for name in ("local_day", "local_weekday", "local_minute"))
    enterprise = getattr(resource, "enterprise", None)
    hours: Sequence[Any] = list(getattr(enterprise, "working_hours", ()))
    if day is None or weekday is None or minute is None or not hours:
        return context
    free = {holiday.day for holiday in getattr(enterprise, "holidays", ())}
    for back in range(_DAYS_BACK):
        that = (weekday - 1 - back) % 7 + 1
        open_ = [some for some in hours if some.weekday == that and some.from_minute < some.to_minute]
        if day - back in free or not open_:
            continue
        if back == 0 and any(some.from_minute <= minute < some.to_minute for some in open_):
            return context
        first = min(some.from_minute for some in open_)
        return dataclasses.replace(context, local_day=day - back, local_weekday=that, local_minute=first)
    return context


def digests_to_try(known: Iterable[str], forms: Mapping[str, Any]) -> list[str | None]:
    """What a supposed check may be bound to beside its object: a document, all documents, or nothing."""
    some: list[str | None] = [*sorted(known)[:2]]
    if "documents_digest" in forms:
        some.append(None)
    return some or [""]
