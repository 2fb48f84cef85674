"""Letters of authorisation: signed documents, each of which authorises one grant."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from sealauthz.model.records.cross_grants import CrossEnterpriseGrant
from sealauthz.model.records.grants import OpenGrant, SealGrant
from sealauthz.model.records.seals import Seal
from sealauthz.runtime.instants import NEVER
from sealauthz.schema.record import Instant, Ref, one, record
from sealauthz.schema.rules import Check, Fixed, Life, OwnedByActs, SetOnce


class LetterState(StrEnum):
    """What became of a letter of authorisation."""

    DELIVERED = "DELIVERED"
    VERIFIED = "VERIFIED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"


@record(
    Check(
        "A-02",
        "(CASE WHEN seal_grant_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN open_grant_id IS NULL THEN 0 ELSE 1 END)"
        " + (CASE WHEN cross_grant_id IS NULL THEN 0 ELSE 1 END) = 1",
        says="a letter authorises exactly one grant",
    ),
    Check("A-02", "digest <> ''", says="a letter has a digest"),
    Check(
        "A-02", "(verified_by_id IS NULL) = (verified_at = 0)", says="who verified a letter and when are told together"
    ),
    Check(
        "A-02",
        "verified_by_id IS NULL OR verified_by_id <> delivered_by_id",
        says="a letter is verified by another person than the one who delivered it",
    ),
    Fixed(
        "A-02",
        "seal_grant_id",
        "open_grant_id",
        "cross_grant_id",
        "digest",
        "delivered_by_id",
        "delivered_at",
        says="another letter, or one for another grant, is a new record",
    ),
    SetOnce("A-02", "verified_by_id", "verified_at", says="who verified a letter, and when, is history"),
    Life({"DELIVERED": ("VERIFIED", "REJECTED", "WITHDRAWN"), "VERIFIED": ("WITHDRAWN",)}, invariant="A-02"),
    OwnedByActs(),
    home="seal_id",
    permanent=True,
)
class AuthLetter:
    """A signed letter that authorises one grant: a document with a digest, which one person delivers and another
    verifies. It stands once it is VERIFIED.
    """

    id: str
    seal_id: Annotated[str, Ref("Seal")]
    digest: str
    delivered_by_id: Annotated[str, Ref("Person")]
    delivered_at: Instant
    state: LetterState = LetterState.DELIVERED
    verified_by_id: Annotated[str | None, Ref("Person")] = None
    verified_at: Instant = NEVER
    seal_grant_id: Annotated[str | None, Ref("SealGrant")] = None
    open_grant_id: Annotated[str | None, Ref("OpenGrant")] = None
    cross_grant_id: Annotated[str | None, Ref("CrossEnterpriseGrant")] = None

    seal: Seal = one("seal_id")
    seal_grant: SealGrant | None = one("seal_grant_id")
    open_grant: OpenGrant | None = one("open_grant_id")
    cross_grant: CrossEnterpriseGrant | None = one("cross_grant_id")
