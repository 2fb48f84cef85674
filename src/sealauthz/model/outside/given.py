"""What somebody outside gives a person whom a next step sends there: checks of faces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sealauthz.model.records.identity import IdentityVerification, VerificationMethod, VerificationState
from sealauthz.schema import Instant, Provided

_BEFORE = 1_000_000
"""How long before the act a check was passed, in microseconds."""


def _face(check_id: str, person_id: str, named: Mapping[str, Any], now: Instant) -> IdentityVerification:
    return IdentityVerification(
        check_id,
        person_id,
        VerificationMethod.FACE,
        named["purpose"],
        f"provider-{check_id}",
        named.get("bound_type", ""),
        named.get("bound_id", ""),
        named.get("bound_digest", ""),
        VerificationState.PASSED,
        now - _BEFORE,
    )


def _subject(subject: Any, _resource: Any, _context: Any) -> str | None:
    return str(subject.id)


def _receiver(_subject: Any, resource: Any, context: Any) -> str | None:
    """The one who gets the office: the member whom the context names, or the one that the act is about."""
    receiver = getattr(context, "receiver", None) or resource
    return getattr(receiver, "person_id", None)


PROVIDED = (
    Provided(
        "VERIFY_FACE",
        "verification",
        "the identity provider",
        "passes a check of their own face",
        _subject,
        _face,
    ),
    Provided(
        "REQUEST_NEW_ADMIN_FACE",
        "receiver_verification",
        "the identity provider",
        "passes a check of their own face",
        _receiver,
        _face,
    ),
)
