"""What became of each use of a seal, and what it counted against."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from sealauthz.model.records.signing import SigningTask
from sealauthz.runtime.instants import NEVER
from sealauthz.schema.record import Instant, Ref, many, one, record
from sealauthz.schema.rules import Check, Fixed, Life, OwnedByActs, SetOnce, Unique


class SealUseState(StrEnum):
    """What became of a use of a seal: whether the impression was made."""

    RESERVED = "RESERVED"
    SEALED = "SEALED"
    NOT_SEALED = "NOT_SEALED"
    UNKNOWN = "UNKNOWN"


class SealUseAct(StrEnum):
    """By which act a seal was used."""

    USE = "USE"
    AUTO_USE = "AUTO_USE"
    EMERGENCY_USE = "EMERGENCY_USE"


@record(
    Unique(
        "I15",
        ("task_id", "seal_id", "digest"),
        where="state <> 'NOT_SEALED'",
        says="a seal is used once for a task and a document",
    ),
    Check(
        "I16",
        "state = 'SEALED' OR (audience <> '' AND operation_id <> '')",
        says="a use that is reserved says by which operation, and who is to seal",
    ),
    Check("I16", "sealing_at = 0 OR used_at <= sealing_at", says="a seal is put after its use was reserved"),
    Check("I16", "closed_at = 0 OR state <> 'RESERVED'", says="what is reserved is not closed yet"),
    Check("I16", "impressions >= 1", says="impressions are counted from 1"),
    Fixed(
        "I16",
        "seal_id",
        "person_id",
        "digest",
        "used_at",
        "grant_id",
        "holder_id",
        "act",
        "operation_id",
        "audience",
        "documents_digest",
        "certificate_id",
        "verification_id",
        "open_grant_id",
        "cross_grant_id",
        "delegation_id",
        "signed_for_id",
        "position",
        "impressions",
        says="a use of a seal is history",
    ),
    OwnedByActs(),
    SetOnce("I16", "sealing_at", "closed_at", says="when a seal was put, and when that was known, is history"),
    # What nobody reported in time may turn out to be sealed, and never to be not.
    Life({"RESERVED": ("NOT_SEALED", "UNKNOWN"), "UNKNOWN": ("SEALED",)}, invariant="I16"),
    home="task_id",
    permanent=True,
)
class SealUse:
    """One use of a seal for a signing task: by whom, under which grant, for which holder if not for the owner.

    It is RESERVED from the act that counts it until the sealing engine (`audience`) reports what became of it; SEALED
    where a platform writes down what it sealed itself. `sealing_at` is when the engine was let put the seal,
    `closed_at` when the use left RESERVED. One act (`operation_id`) makes one use for each document and counts once:
    `grant_id`, `open_grant_id`, `cross_grant_id` and the counted requests say on what. `documents_digest` is of all
    documents then (`whole_digest`), `verification_id` the check that was used up, `signed_for_id` the person whose
    authority a delegate used.
    """

    id: str
    task_id: Annotated[str, Ref("SigningTask")]
    seal_id: Annotated[str, Ref("Seal")]
    person_id: Annotated[str, Ref("Person")]
    digest: str
    used_at: Instant
    grant_id: Annotated[str | None, Ref("SealGrant")] = None
    holder_id: Annotated[str | None, Ref("Enterprise")] = None
    state: SealUseState = SealUseState.SEALED
    act: SealUseAct = SealUseAct.USE
    operation_id: str = ""
    audience: str = ""
    documents_digest: str = ""
    certificate_id: Annotated[str | None, Ref("Certificate")] = None
    verification_id: Annotated[str | None, Ref("IdentityVerification")] = None
    open_grant_id: Annotated[str | None, Ref("OpenGrant")] = None
    cross_grant_id: Annotated[str | None, Ref("CrossEnterpriseGrant")] = None
    delegation_id: Annotated[str | None, Ref("Delegation")] = None
    signed_for_id: Annotated[str | None, Ref("Person")] = None
    position: str = ""
    impressions: int = 1
    sealing_at: Instant = NEVER
    closed_at: Instant = NEVER

    task: SigningTask = one("task_id")
    counted_requests: list[CountedRequest] = many("use_id")


@record(
    Unique("I10", ("use_id", "request_id"), says="a use takes one use of a request"),
    Fixed("I10", "request_id", says="on what a use was counted is history"),
    OwnedByActs(),
    home="use_id",
    permanent=True,
)
class CountedRequest:
    """A request of which one use was taken for a use of a seal: the applicant's, or one that the owner's rules want."""

    id: str
    use_id: Annotated[str, Ref("SealUse")]
    request_id: Annotated[str, Ref("SealUseRequest")]

    use: SealUse = one("use_id")
