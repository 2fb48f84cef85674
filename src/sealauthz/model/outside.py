"""What the world outside may do while policies are attacked: identity checks, and the registry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sealauthz.model.records.identity import IdentityVerification, VerificationMethod, VerificationState
from sealauthz.schema import Instant, OutsideMove, Provided, Put, RecordChange, Update
from sealauthz.schema.outside import Found

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


def _new_representatives(found: Found, now: Instant) -> Iterable[tuple[str, tuple[RecordChange, ...]]]:
    """The registry names somebody else as the legal representative of an enterprise."""
    for snapshot in found.get("RegistrySnapshot", {}).values():
        if not snapshot.is_current:
            continue
        for person_id in found.get("Person", {}):
            if person_id != snapshot.legal_rep_id:
                new = replace(snapshot, id=f"{snapshot.id}-{person_id}", legal_rep_id=person_id, fetched_at=now)
                yield (
                    f"{person_id} becomes the legal representative of {snapshot.enterprise_id}",
                    (Update("RegistrySnapshot", snapshot.id, {"is_current": False}), Put(new)),
                )


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

OUTSIDE = (
    OutsideMove(
        "the registry names a new legal representative",
        "the registry",
        "writes a new snapshot",
        _new_representatives,
    ),
)
