"""Requests to use a seal, what they are for, and who approved them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from sealauthz.model.records.membership import Membership
from sealauthz.model.records.procedures import ApprovalProcess, ProcessStep
from sealauthz.model.records.seals import Seal
from sealauthz.runtime.instants import NEVER
from sealauthz.schema.record import Instant, PersonalText, Ref, many, one, record
from sealauthz.schema.rules import Check, Fixed, Life, OwnedByActs, Rising, Terms, Unique


class UseRequestState(StrEnum):
    """What became of a request to use a seal."""

    DRAFT = "DRAFT"
    IN_APPROVAL = "IN_APPROVAL"
    APPROVED = "APPROVED"
    IN_USE = "IN_USE"
    COMPLETED = "COMPLETED"
    FINISHED = "FINISHED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"
    EXPIRED = "EXPIRED"
    VOIDED = "VOIDED"


class ReportState(StrEnum):
    """Whether a controller's report was compared with what was allowed."""

    REPORTED = "REPORTED"
    COMPARED = "COMPARED"


class ApprovalVerdict(StrEnum):
    """What an approver decided."""

    PASSED = "PASSED"
    REJECTED = "REJECTED"


@record(
    Check("U-03", "valid_from < valid_to", says="a request is valid from before it ends"),
    Check(
        "I10",
        "uses >= 1 AND used >= 0 AND used <= uses",
        says="the uses are counted from 0 up to those that were asked for, at least 1",
    ),
    Check("U-23", "photos_owed >= 0", says="owed photos are counted from 0"),
    Fixed("I14", "applicant_id", says="another applicant takes a new request"),
    Rising("I10", "used", is_given_back=True),
    Life(
        {
            "DRAFT": ("IN_APPROVAL",),
            "IN_APPROVAL": ("REJECTED", "APPROVED"),
            "REJECTED": ("WITHDRAWN", "EXPIRED", "VOIDED"),
            "APPROVED": ("IN_USE", "WITHDRAWN"),
            "IN_USE": ("COMPLETED", "FINISHED", "EXPIRED", "VOIDED"),
        },
        # An approval is of exactly these documents: others begin again. What was rejected is the applicant's again.
        {"IN_APPROVAL": ("DRAFT",), "APPROVED": ("DRAFT",), "REJECTED": ("DRAFT",)},
        "U-15",
        # The photos of the last use are delivered after it.
        late=("used", "photos_owed"),
    ),
    Terms(
        "U-15",
        "state",
        "DRAFT",
        rises=("valid_to", "uses"),
        keeps=("contract_id", "process_id", "device_id", "is_out_of_hours", "carries_out", "submitted_at", "purpose"),
        details=("RequestDocument",),
        falls=("valid_from",),
    ),
    # The service of the controllers makes the codes that open them.
    OwnedByActs(but=("code_digest",)),
    home="seal_id",
    permanent=True,
)
class SealUseRequest:
    """A member's request to use a seal on exactly the documents listed, for one signing task or none.

    For a physical seal it names the device, and holds the digest of the code that opens it once, which the service of
    the controllers writes; `photos_owed` counts the photos of the use that the applicant has not delivered.
    """

    id: str
    seal_id: Annotated[str, Ref("Seal")]
    applicant_id: Annotated[str, Ref("Membership")]
    submitted_at: Instant
    valid_from: Instant
    valid_to: Instant
    contract_id: Annotated[str | None, Ref("Contract")] = None
    state: UseRequestState = UseRequestState.DRAFT
    uses: int = 1
    used: int = 0
    purpose: str = ""
    process_id: Annotated[str | None, Ref("ApprovalProcess")] = None
    is_out_of_hours: bool = False
    device_id: Annotated[str | None, Ref("Device")] = None
    code_digest: str = ""
    carries_out: bool = False
    photos_owed: int = 0

    seal: Seal = one("seal_id")
    applicant: Membership = one("applicant_id")
    process: ApprovalProcess | None = one("process_id")
    documents: list[RequestDocument] = many("request_id")
    approvals: list[Approval] = many("request_id")
    photos: list[UsePhoto] = many("request_id")
    stamp_reports: list[StampReport] = many("request_id")


@record(
    Unique("U-03", ("request_id", "digest"), says="a request lists each document once"),
    Fixed("U-15", "digest", says="another document takes a new row"),
    OwnedByActs(),
    home="request_id",
    permanent=True,
)
class RequestDocument:
    """One document, by its digest, that a request to use a seal is for."""

    id: str
    request_id: Annotated[str, Ref("SealUseRequest")]
    digest: str

    request: SealUseRequest = one("request_id")


@record(
    Unique("I14", ("request_id", "step", "approver_id"), says="an approver decides a step of a request once"),
    Check("U-03", "step >= 1", says="steps are ordered from 1"),
    Fixed(
        "I14",
        "approver_id",
        "step",
        "step_id",
        "verdict",
        "decided_at",
        says="who decided which step, how and when, is history",
    ),
    OwnedByActs(),
    home="request_id",
    permanent=True,
)
class Approval:
    """One approver's verdict on one step of a request; never the applicant's own.

    `step_id` is the step of the request's process that the verdict is on, where it follows one; `reason` is why it was
    refused, for the applicant.
    """

    id: str
    request_id: Annotated[str, Ref("SealUseRequest")]
    approver_id: Annotated[str, Ref("Membership")]
    verdict: ApprovalVerdict
    decided_at: Instant = NEVER
    step: int = 1
    step_id: Annotated[str | None, Ref("ProcessStep")] = None
    reason: Annotated[str, PersonalText(is_told=True)] = ""

    request: SealUseRequest = one("request_id")
    approver: Membership = one("approver_id")
    process_step: ProcessStep | None = one("step_id")


@record(
    Unique("U-23", ("request_id", "digest"), says="a photo is delivered for a request once"),
    Check("U-23", "digest <> ''", says="a photo has a digest"),
    Fixed("U-23", "digest", "delivered_at", "delivered_by_id", says="which photo was delivered is history"),
    OwnedByActs(),
    home="request_id",
    permanent=True,
)
class UsePhoto:
    """A photo of a use that was owed, by its digest, as somebody delivered it."""

    id: str
    request_id: Annotated[str, Ref("SealUseRequest")]
    digest: str
    delivered_at: Instant
    delivered_by_id: Annotated[str, Ref("Person")]

    request: SealUseRequest = one("request_id")


@record(
    Check("U-23", "impressions >= 0", says="impressions are counted from 0"),
    Fixed("U-23", "device_id", "impressions", "reported_at", says="what a controller reported is history"),
    Life({"REPORTED": ("COMPARED",)}, invariant="U-23"),
    OwnedByActs("state"),
    home="request_id",
    permanent=True,
)
class StampReport:
    """How many impressions a controller counted while it was open for a request, as its service reports it.

    It is COMPARED with what was allowed once; those who watch the seal are alerted of more.
    """

    id: str
    request_id: Annotated[str, Ref("SealUseRequest")]
    device_id: Annotated[str, Ref("Device")]
    impressions: int
    reported_at: Instant
    state: ReportState = ReportState.REPORTED

    request: SealUseRequest = one("request_id")
