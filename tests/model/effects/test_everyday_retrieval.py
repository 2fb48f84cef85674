"""Retrieval really ends the loop, as sentences that must come true. Each person does what the next steps tell them."""

from __future__ import annotations

import dataclasses
from typing import Any

from acting import NewPlatform
from harness import DAY, MINUTE, SECOND
from stories import Story

from sealauthz.facts import Batch, Update
from sealauthz.model.records.retrieval import NoticeDelivery
from sealauthz.schema import Put

OPEN = ("outsider", "open", "SigningTask:t")
RETRIEVE = ("outsider", "retrieve", "Enterprise:e")
BY_DOCUMENTS = {"path": "DOCUMENTS", "reason_text": "管理员一直未处理"}
UNREACHABLE: dict[str, Any] = {"reason": "ADMIN_UNREACHABLE"}


def refreshes_the_registry(here: Story, **said: Any) -> None:
    """Have the registry asked again."""
    (old,) = (each for each in here.platform.all("RegistrySnapshot", enterprise_id="e") if each.is_current)
    new = dataclasses.replace(old, id=f"reg-{here.now}", fetched_at=here.now, **said)
    changes = (Update("RegistrySnapshot", old.id, {"is_current": False}), Put(new))
    here.platform.store.write(Batch("facts", f"registry-{here.now}", changes))


def is_seen_elsewhere(here: Story, person: str) -> None:
    """Somebody is busy, elsewhere."""
    known = here.platform.get("Person", person)
    here.platform.write(dataclasses.replace(known, last_active_at=here.now - MINUTE))


def is_submitted(here: Story, case: str, method: str) -> None:
    """Certify a case as its step says, and submit it."""
    submit = ("outsider", "submit", case)
    step = "CERTIFY_LEGAL_REP_ONLINE" if method == "LEGAL_REP_ONLINE" else "SUBMIT_DOCUMENTS"
    here.is_told("CERTIFICATION_REQUIRED", step, *submit, alone=True)
    here.does("outsider", "certify", case, method=method)
    if method == "DOCUMENTS":
        here.is_told("REGISTRY_STALE", "REFRESH_REGISTRY", *submit)
        refreshes_the_registry(here)
    here.does(*submit)


def everybody_is_told(here: Story, case: str, *people: str) -> None:
    for person in people:
        notice = NoticeDelivery(f"notice-{person}", case.partition(":")[2], person, "SMS", here.now, "ACCEPTED")  # type: ignore[arg-type]
        here.platform.write(notice)


def is_executed_after_the_notice(here: Story, case: str) -> None:
    execute = ("outsider", "execute", case)
    here.platform.now = waited_for(here, "NOTICE_PERIOD", *execute) + SECOND
    refreshes_the_registry(here)
    here.does(*execute)
    assert here.platform.get("RetrievalCase", case.partition(":")[2]).state == "EXECUTED"


def waited_for(here: Story, code: str, *asked: Any, **context: Any) -> int:
    told = here.is_told(code, "WAIT_UNTIL", *asked, **context)
    assert isinstance(told["wait_until"], int)
    return told["wait_until"]


def test_an_administrator_who_answers_nothing_here_is_replaced_however_busy_elsewhere(platform: NewPlatform) -> None:
    here = Story(platform())
    told = here.is_told("NOT_A_MEMBER", "JOIN_ENTERPRISE", *OPEN)
    here.does("outsider", "join", f"Enterprise:{told['enterprise_id']}")
    for left in (3, 2, 1):
        told = here.is_told("JOIN_PENDING", "REMIND_ADMIN", *OPEN, says="a*****（138****1569）")
        assert told["reminders_left"] == left
        here.platform.now = max(here.now, told["remind_allowed_at"])
        remind = ("outsider", "remind", f"JoinApplication:{told['application_id']}")
        here.does(*remind)
    # No reminder is left, and nobody is told to remind.
    here.is_told("REMINDERS_USED_UP", "WAIT_ADMIN", *remind)
    here.is_told("JOIN_UNANSWERED", "WAIT_ADMIN", *OPEN)
    here.platform.now = waited_for(here, "ADMIN_HAS_TIME", *RETRIEVE, BY_DOCUMENTS, **UNREACHABLE)
    is_seen_elsewhere(here, "admin")
    told = here.is_told("JOIN_UNANSWERED", "RETRIEVE_ENTERPRISE", *OPEN)
    retrieve = ("outsider", "retrieve", f"Enterprise:{told['enterprise_id']}", BY_DOCUMENTS)
    case = f"RetrievalCase:{here.does(*retrieve, **UNREACHABLE)['case_id']}"
    # Whose case is open follows it, and retrieves nothing twice.
    asks: list[tuple[tuple[Any, ...], dict[str, Any]]] = [(OPEN, {}), (remind, {}), (retrieve, UNREACHABLE)]
    for asked, context in asks:
        reason = here.platform.try_to(*asked, **context).decision.reasons[0]
        assert [step.code for step in reason.next_steps] == ["VIEW_RETRIEVAL_PROGRESS"], reason
        here.does("outsider", "view_progress", f"RetrievalCase:{reason.next_steps[0].parameters['case_id']}")
    is_submitted(here, case, "DOCUMENTS")
    here.is_told("CASE_NOT_EXECUTABLE", "VIEW_RETRIEVAL_PROGRESS", "outsider", "execute", case)
    for reviewer in ("reviewer", "reviewer2"):
        here.does(reviewer, "review", case, {"verdict": "PASSED"})
    here.is_told("NOTICE_NOT_GIVEN", "WAIT_REVIEW", "outsider", "execute", case)
    everybody_is_told(here, case, "admin", "keeper", "boss")
    is_seen_elsewhere(here, "admin")
    is_executed_after_the_notice(here, case)
    here.does(*OPEN)


def test_the_legal_representative_overrides_an_abandoned_draft(platform: NewPlatform) -> None:
    here = Story(
        platform(
            put={
                "RetrievalCase": {
                    "k": {
                        "applicant_id": "signer",
                        "state": "DRAFT",
                        "opened_at": "now - 1 hour",
                        "notice_from": "never",
                    }
                }
            },
            change={"RegistrySnapshot": {"reg-e": {"legal_rep_id": "outsider", "fetched_at": "now - 2 days"}}},
        )
    )
    online = {"path": "LEGAL_REP_ONLINE", "reason_text": "管理员已离职"}
    retrieve = (*RETRIEVE, online)
    here.is_told("REGISTRY_STALE", "REFRESH_REGISTRY", *retrieve, reason="ADMIN_RESIGNED")
    refreshes_the_registry(here)
    case = f"RetrievalCase:{here.does(*retrieve, reason='ADMIN_RESIGNED')['case_id']}"
    assert here.platform.get("RetrievalCase", "k").state in ("EXPIRED", "SUPERSEDED", "WITHDRAWN")
    is_submitted(here, case, "LEGAL_REP_ONLINE")
    everybody_is_told(here, case, "admin", "keeper", "outsider")
    is_executed_after_the_notice(here, case)


def test_who_is_turned_down_reads_why_and_applies_again(platform: NewPlatform) -> None:
    here = Story(platform())
    application = here.does("outsider", "join", "Enterprise:e")["application_id"]
    here.does("admin", "reject_join", f"JoinApplication:{application}", reason="请先签订劳动合同")
    told = here.is_told("JOIN_REJECTED", "REAPPLY_JOIN", *OPEN, says="请先签订劳动合同")
    assert told["allowed_at"] == here.now + DAY
    here.is_told("REAPPLY_COOLDOWN", "REAPPLY_JOIN", "outsider", "join", "Enterprise:e", says="请先签订劳动合同")
    here.platform.now = told["allowed_at"]
    here.does("outsider", "join", f"Enterprise:{told['enterprise_id']}")


def test_who_opened_a_case_as_a_representative_that_they_are_not_begins_again_with_documents(
    platform: NewPlatform,
) -> None:
    here = Story(
        platform(
            "the administrator is away",
            "outsider's case can be executed",
            "outsider's case is a draft",
            change={
                "RetrievalCase": {"k": {"path": "LEGAL_REP_ONLINE", "notice_from": "never"}},
                "EnterpriseAuthentication": {"a-k": {"method": "LEGAL_REP_ONLINE", "state": "SUBMITTED"}},
            },
            drop=[
                "RetrievalReview:rv-1",
                "RetrievalReview:rv-2",
                "NoticeDelivery:n-admin",
                "NoticeDelivery:n-keeper",
                "NoticeDelivery:n-boss",
            ],
        )
    )
    here.is_told("LEGAL_REP_MISMATCH", "RETRIEVE_BY_DOCUMENTS", "outsider", "submit", "RetrievalCase:k", alone=True)
    here.does("outsider", "withdraw", "RetrievalCase:k")
    here.does(*RETRIEVE, BY_DOCUMENTS, reason="ADMIN_RESIGNED")
