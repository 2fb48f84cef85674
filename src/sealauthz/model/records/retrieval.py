"""Retrieving an enterprise whose administrator is gone: the case, its certification, reviews and objections."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from sealauthz.model.records.identity import Person, PlatformStaff
from sealauthz.model.records.organisation import (
    CertificationMethod,
    CertificationPurpose,
    CertificationState,
    Enterprise,
)
from sealauthz.model.verdicts import is_decided
from sealauthz.runtime.instants import NEVER
from sealauthz.schema.record import Instant, Personal, Ref, many, one, record
from sealauthz.schema.rules import Check, Fixed, Life, OwnedByActs, RelatedTo, Rising, SetOnce, Unique


class RetrievalReason(StrEnum):
    """Why the enterprise has to be retrieved."""

    ADMIN_RESIGNED = "ADMIN_RESIGNED"
    ADMIN_UNREACHABLE = "ADMIN_UNREACHABLE"
    ADMIN_DECEASED = "ADMIN_DECEASED"
    ADMIN_DISPUTE = "ADMIN_DISPUTE"
    ACCOUNT_TAKEN = "ACCOUNT_TAKEN"


class RetrievalPath(StrEnum):
    """How the applicant proves the right to retrieve."""

    LEGAL_REP_ONLINE = "LEGAL_REP_ONLINE"
    DOCUMENTS = "DOCUMENTS"


class CaseState(StrEnum):
    """How far a retrieval case is."""

    DRAFT = "DRAFT"
    CERTIFYING = "CERTIFYING"
    IN_REVIEW = "IN_REVIEW"
    NOTICE = "NOTICE"
    OBJECTED = "OBJECTED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    REJECTED_FINAL = "REJECTED_FINAL"
    RESOLVED_BY_ADMIN = "RESOLVED_BY_ADMIN"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"
    EXECUTED = "EXECUTED"
    UNDER_APPEAL = "UNDER_APPEAL"
    REVERSED = "REVERSED"
    SUPERSEDED = "SUPERSEDED"
    CLAIMED = "CLAIMED"


class ReviewVerdict(StrEnum):
    """What a reviewer found."""

    PASSED = "PASSED"
    REJECTED = "REJECTED"


class NoticeChannel(StrEnum):
    """How a notice travels."""

    SMS = "SMS"
    EMAIL = "EMAIL"
    IN_APP = "IN_APP"
    POST = "POST"


class DeliveryState(StrEnum):
    """What became of a notice."""

    SENT = "SENT"
    ACCEPTED = "ACCEPTED"
    FAILED = "FAILED"


class ObjectionState(StrEnum):
    """What became of an objection."""

    OPEN = "OPEN"
    UPHELD = "UPHELD"
    DISMISSED = "DISMISSED"


class AppealState(StrEnum):
    """What became of an appeal."""

    OPEN = "OPEN"
    UPHELD = "UPHELD"
    DISMISSED = "DISMISSED"


@record(
    Unique(
        "I6",
        ("enterprise_id",),
        where=(
            "state IN ('DRAFT', 'CLAIMED', 'CERTIFYING', 'IN_REVIEW', 'NOTICE', 'OBJECTED', 'APPROVED', 'REJECTED')"
        ),
        says="an enterprise has one open retrieval case",
    ),
    Check("I6", "attempt >= 1", says="attempts are counted from 1"),
    Fixed("I17", "applicant_id", "opened_at", says="who opened a case, and when, is history"),
    Rising("I6", "attempt"),
    SetOnce("I17", "executed_at", says="when a case was executed is history"),
    SetOnce("R-13", "appealed_at", says="when a case was first appealed against is history"),
    Fixed(
        "I17",
        "reason",
        "path",
        once=lambda case: case.state not in ("DRAFT", "CLAIMED", "CERTIFYING", "REJECTED"),
        says="why and how an attempt is made stays as it was certified",
    ),
    Check("R-07", "state <> 'CLAIMED' OR claimed_until > 0", says="a claim waits for an answer until some time"),
    Fixed(
        "R-07",
        "claimed_until",
        once=lambda case: case.state != "CLAIMED",
        says="until when a claim waited for an answer is history",
    ),
    SetOnce("R-07", "in_charge_at", says="a claim is answered once"),
    Rising("R-06", "notice_from", says="a notice period never begins earlier than it did"),
    Rising("R-06", "published_at", says="a public notice is never older than it was"),
    Life(
        {
            "DRAFT": ("CERTIFYING",),
            "CLAIMED": ("CERTIFYING",),
            "CERTIFYING": ("IN_REVIEW",),
            "IN_REVIEW": ("NOTICE", "REJECTED"),
            "REJECTED": ("WITHDRAWN", "EXPIRED", "SUPERSEDED", "REJECTED_FINAL"),
            "NOTICE": ("OBJECTED", "RESOLVED_BY_ADMIN"),
            "OBJECTED": ("APPROVED",),
            "APPROVED": ("EXECUTED", "WITHDRAWN", "EXPIRED", "SUPERSEDED", "REJECTED_FINAL"),
            "EXECUTED": ("UNDER_APPEAL",),
            "UNDER_APPEAL": ("REVERSED",),
        },
        # The objection was withdrawn; the case is tried again as its next attempt; the appeal was dismissed.
        {"OBJECTED": ("NOTICE",), "REJECTED": ("CERTIFYING",), "UNDER_APPEAL": ("EXECUTED",)},
    ),
    RelatedTo("Person", "applicant_id", "applicant_id/same_as_id"),
    OwnedByActs(),
    home="enterprise_id",
    permanent=True,
)
class RetrievalCase:
    """One retrieval of one enterprise. A rejected case is tried again as the next attempt of the same case.

    `published_at` is when a public notice stood in for those whom no channel reaches. A case that the legal
    representative's own takes the place of is SUPERSEDED. `appealed_at` is when somebody first appealed.

    `claimed_until` is until when a claim that the administrator has gone waits for an answer: FOREVER until everybody
    was asked, which `notice_from` dates, and again once it was answered; NEVER for a case that was no claim.
    `in_charge_at` is when an administrator answered that they are in charge.
    """

    id: str
    enterprise_id: Annotated[str, Ref("Enterprise")]
    applicant_id: Annotated[str, Ref("Person")]
    reason: RetrievalReason
    path: RetrievalPath
    opened_at: Instant
    state: CaseState = CaseState.DRAFT
    attempt: int = 1
    notice_from: Instant = NEVER
    executed_at: Instant = NEVER
    reason_text: Personal = ""
    published_at: Instant = NEVER
    appealed_at: Instant = NEVER
    claimed_until: Instant = NEVER
    in_charge_at: Instant = NEVER

    enterprise: Enterprise = one("enterprise_id")
    applicant: Person = one("applicant_id")
    certifications: list[EnterpriseAuthentication] = many("case_id")
    reviews: list[RetrievalReview] = many("case_id")
    objections: list[Objection] = many("case_id")
    notices: list[NoticeDelivery] = many("case_id")
    appeals: list[RetrievalAppeal] = many("case_id")


@record(
    Check(
        "R-05",
        "(purpose = 'RETRIEVAL') = (case_id IS NOT NULL)",
        says="a certification for a retrieval names its case, and no other one does",
    ),
    Check(
        "A-03",
        "owner_id IS NULL OR reviewer_id IS NOT NULL",
        says="who owns an enterprise is what a reviewer found",
    ),
    Check(
        "A-03",
        "reviewer_id IS NULL OR (reviewer_id <> applicant_id AND (owner_id IS NULL OR reviewer_id <> owner_id))",
        says="a certification is reviewed by another person than its applicant and the owner",
    ),
    Fixed(
        "I17",
        "applicant_id",
        "method",
        "purpose",
        "case_id",
        "submitted_at",
        "attempt",
        says="who applied, when, how and what for, is history",
    ),
    Fixed(
        "I17",
        "decided_at",
        "owner_id",
        "reviewer_id",
        once=is_decided,
        says="when a certification was decided, by whom and what they found is history",
    ),
    Life({"SUBMITTED": ("IN_REVIEW", "EXPIRED"), "IN_REVIEW": ("PASSED", "REJECTED"), "PASSED": ("EXPIRED",)}),
    OwnedByActs("state", "decided_at", "owner_id", "reviewer_id"),
    home="enterprise_id",
    permanent=True,
)
class EnterpriseAuthentication:
    """One certification of an enterprise: the first, for a retrieval case, or for a change of its data.

    `owner_id` is the person whom `reviewer_id` found to be the sole owner and the legal representative.
    """

    id: str
    enterprise_id: Annotated[str, Ref("Enterprise")]
    applicant_id: Annotated[str, Ref("Person")]
    method: CertificationMethod
    submitted_at: Instant
    purpose: CertificationPurpose = CertificationPurpose.FIRST
    state: CertificationState = CertificationState.SUBMITTED
    case_id: Annotated[str | None, Ref("RetrievalCase")] = None
    attempt: int = 1
    decided_at: Instant = NEVER
    owner_id: Annotated[str | None, Ref("Person")] = None
    reviewer_id: Annotated[str | None, Ref("Person")] = None

    enterprise: Enterprise = one("enterprise_id")
    case: RetrievalCase | None = one("case_id")
    reviewer: Person | None = one("reviewer_id")


@record(
    Unique("R-08", ("case_id", "attempt", "staff_id"), says="a reviewer reviews an attempt of a case once"),
    Fixed(
        "R-08",
        "staff_id",
        "attempt",
        "verdict",
        "decided_at",
        says="who reviewed which attempt, what they found and when, is history",
    ),
    OwnedByActs(),
    home="case_id",
    permanent=True,
)
class RetrievalReview:
    """What one reviewer of the platform's staff, from that post, found in one attempt of a case."""

    id: str
    case_id: Annotated[str, Ref("RetrievalCase")]
    staff_id: Annotated[str, Ref("PlatformStaff")]
    attempt: int
    verdict: ReviewVerdict
    decided_at: Instant

    case: RetrievalCase = one("case_id")
    staff: PlatformStaff = one("staff_id")


@record(
    Fixed("I17", "person_id", "raised_at", says="who objected, and when, is history"),
    Life({"OPEN": ("UPHELD", "DISMISSED")}),
    OwnedByActs(),
    home="case_id",
    permanent=True,
)
class Objection:
    """A present administrator's, the legal representative's or a seal administrator's objection to a case."""

    id: str
    case_id: Annotated[str, Ref("RetrievalCase")]
    person_id: Annotated[str, Ref("Person")]
    raised_at: Instant
    state: ObjectionState = ObjectionState.OPEN
    ground: Personal = ""

    case: RetrievalCase = one("case_id")
    person: Person = one("person_id")


@record(
    Unique("R-13", ("case_id", "person_id"), says="a former administrator appeals against a case once"),
    Check(
        "R-13",
        "(state = 'OPEN') = (decided_at = 0) AND (decided_at = 0) = (decided_by_id IS NULL)",
        says="a decided appeal says who decided it, and when",
    ),
    Fixed("I17", "person_id", "raised_at", says="who appealed, and when, is history"),
    SetOnce("I17", "decided_by_id", "decided_at", says="who decided an appeal, and when, is history"),
    Life({"OPEN": ("UPHELD", "DISMISSED")}, invariant="I17"),
    OwnedByActs(),
    home="case_id",
    permanent=True,
)
class RetrievalAppeal:
    """A former administrator's appeal against an executed case, and the reviewer who decided it."""

    id: str
    case_id: Annotated[str, Ref("RetrievalCase")]
    person_id: Annotated[str, Ref("Person")]
    raised_at: Instant
    state: AppealState = AppealState.OPEN
    decided_by_id: Annotated[str | None, Ref("Person")] = None
    decided_at: Instant = NEVER

    case: RetrievalCase = one("case_id")


@record(
    Fixed("I17", "person_id", "channel", "sent_at", says="whom a notice was sent to, how and when, is history"),
    Life({"SENT": ("ACCEPTED", "FAILED")}, invariant="I17"),
    home="case_id",
    permanent=True,
)
class NoticeDelivery:
    """One notice of a case, to one person by one channel."""

    id: str
    case_id: Annotated[str, Ref("RetrievalCase")]
    person_id: Annotated[str, Ref("Person")]
    channel: NoticeChannel
    sent_at: Instant
    state: DeliveryState = DeliveryState.SENT

    case: RetrievalCase = one("case_id")
