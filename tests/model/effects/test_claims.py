"""A claim that the administrator has gone, and its ends: answered, decided, given up, superseded, silent."""

from __future__ import annotations

from typing import Any

import pytest
from acting import NewPlatform
from harness import DAY, HOUR, MINUTE
from stories import Story
from test_everyday_retrieval import (
    everybody_is_told,
    is_executed_after_the_notice,
    is_seen_elsewhere,
    refreshes_the_registry,
)
from test_expiries import expiries_of

from sealauthz.model.records.retrieval import DeliveryState, NoticeChannel, NoticeDelivery, RetrievalCase
from sealauthz.schema import FOREVER

OPEN = ("outsider", "open", "SigningTask:t")
CLAIM = ("outsider", "claim_admin_gone", "Enterprise:e")
SAID = {"path": "DOCUMENTS", "reason_text": "电话无人接听"}
GONE: dict[str, Any] = {"reason": "ADMIN_RESIGNED"}


def applies(here: Story) -> str:
    return f"JoinApplication:{here.does('outsider', 'join', 'Enterprise:e')['application_id']}"


def claims(here: Story) -> str:
    return f"RetrievalCase:{here.does(*CLAIM, SAID, **GONE)['case_id']}"


def are_asked(here: Story, case: str, *people: str) -> None:
    """Write to those in charge, and let the time to answer run."""
    case_id = case.partition(":")[2]
    for person in people or ("admin", "boss"):
        notice = f"asked-{person}"
        here.platform.write(
            NoticeDelivery(notice, case_id, person, NoticeChannel.SMS, here.now, DeliveryState.ACCEPTED)
        )
    here.does("reviewer", "publish_notice", case)


def found(here: Story, case: str) -> RetrievalCase:
    record = here.platform.get("RetrievalCase", case.partition(":")[2])
    assert isinstance(record, RetrievalCase)
    return record


def state_of(here: Story, case: str) -> str:
    return str(found(here, case).state)


def swept(here: Story) -> None:
    expiries_of(here.platform.store, here.now).sweep()


def is_handed_in(here: Story, case: str) -> None:
    is_seen_elsewhere(here, "admin")
    refreshes_the_registry(here)
    here.does("outsider", "submit", case)


def test_silence_leads_from_the_claim_to_the_execution_while_the_administrator_is_seen_every_day(
    platform: NewPlatform,
) -> None:
    here = Story(platform())
    applies(here)
    told = here.is_told("JOIN_PENDING", "RETRIEVE_ENTERPRISE", *OPEN)
    assert told["act"] == "claim_admin_gone"
    here.platform.told()
    case = claims(here)
    heard = {event.code: event.recipients for event in here.platform.told()}
    assert heard["RETRIEVAL_CLAIMED"] == ("admin", "boss")
    assert set(heard["ALERT_RETRIEVAL_CASE"]) == {"admin", "boss"}
    assert (state_of(here, case), found(here, case).claimed_until) == ("CLAIMED", FOREVER)
    here.is_told("RETRIEVAL_NOT_EXECUTED", "VIEW_RETRIEVAL_PROGRESS", *OPEN)
    are_asked(here, case)
    assert found(here, case).claimed_until == here.now + 72 * HOUR
    here.does("outsider", "certify", case, method="DOCUMENTS")
    assert state_of(here, case) == "CLAIMED"
    waited = here.is_told("CLAIM_PENDING", "WAIT_UNTIL", "outsider", "submit", case)["wait_until"]
    here.platform.now = waited
    is_handed_in(here, case)
    assert state_of(here, case) == "IN_REVIEW"
    for reviewer in ("reviewer", "reviewer2"):
        here.does(reviewer, "review", case, {"verdict": "PASSED"})
    here.is_told("NOTICE_NOT_GIVEN", "WAIT_REVIEW", "outsider", "execute", case)
    everybody_is_told(here, case, "admin", "keeper", "boss")
    is_seen_elsewhere(here, "admin")
    is_executed_after_the_notice(here, case)
    here.does(*OPEN)


def test_swept_silence_is_certifying_and_told(platform: NewPlatform) -> None:
    here = Story(platform())
    case = claims(here)
    are_asked(here, case)
    here.wait(72 * HOUR - 1)
    swept(here)
    assert state_of(here, case) == "CLAIMED"
    here.wait(1)
    here.platform.told()
    swept(here)
    assert state_of(here, case) == "CERTIFYING"
    (event,) = here.platform.told()
    assert (event.code, event.recipients) == ("RETRIEVAL_UNANSWERED", ("outsider", "admin", "boss"))
    here.is_refused("CLAIM_OVER", "admin", "answer_claim", case)
    here.does("outsider", "certify", case, method="DOCUMENTS")
    is_handed_in(here, case)


def test_a_claim_about_which_nobody_was_asked_never_goes_on_and_ends_after_two_weeks(platform: NewPlatform) -> None:
    here = Story(platform())
    case = claims(here)
    here.wait(14 * DAY - 1)
    swept(here)
    assert state_of(here, case) == "CLAIMED"
    here.wait(1)
    swept(here)
    assert state_of(here, case) == "EXPIRED"


def test_in_charge_without_an_application_ends_the_claim_and_bars_the_next_for_thirty_days(
    platform: NewPlatform,
) -> None:
    here = Story(platform())
    case = claims(here)
    are_asked(here, case)
    here.does("admin", "answer_claim", case)
    assert (state_of(here, case), found(here, case).claimed_until) == ("RESOLVED_BY_ADMIN", FOREVER)
    is_seen_elsewhere(here, "admin")
    until = here.is_told("ADMIN_IN_CHARGE", "WAIT_UNTIL", *CLAIM, SAID, **GONE)["wait_until"]
    assert until == here.now + 30 * DAY
    here.platform.now = until
    is_seen_elsewhere(here, "admin")
    claims(here)


def test_in_charge_and_the_application_decided_ends_the_claim(platform: NewPlatform) -> None:
    here = Story(platform())
    application, case = applies(here), claims(here)
    are_asked(here, case)
    here.wait(71 * HOUR)
    here.does("admin", "answer_claim", case)
    here.platform.told()
    assert (state_of(here, case), found(here, case).claimed_until) == ("CLAIMED", here.now + 72 * HOUR)
    here.is_refused("CLAIM_OVER", "admin", "answer_claim", case)
    here.wait(72 * HOUR - 1)
    swept(here)
    here.does("admin", "approve_join", application)
    assert state_of(here, case) == "RESOLVED_BY_ADMIN"
    assert "RETRIEVAL_RESOLVED" in [event.code for event in here.platform.told()]
    here.wait(DAY)
    swept(here)
    assert state_of(here, case) == "RESOLVED_BY_ADMIN"


def test_in_charge_and_nothing_decided_in_time_counts_as_unanswered(platform: NewPlatform) -> None:
    here = Story(platform())
    applies(here)
    case = claims(here)
    are_asked(here, case)
    here.does("outsider", "certify", case, method="DOCUMENTS")
    here.does("admin", "answer_claim", case)
    here.wait(72 * HOUR)
    here.is_refused("CLAIM_OVER", "admin", "answer_claim", case)
    is_handed_in(here, case)


def test_in_charge_before_everybody_was_asked_starts_no_clock(platform: NewPlatform) -> None:
    here = Story(platform())
    applies(here)
    case = claims(here)
    here.does("admin", "answer_claim", case)
    assert found(here, case).claimed_until == FOREVER
    are_asked(here, case)
    assert found(here, case).claimed_until == here.now + 72 * HOUR
    here.is_refused("CLAIM_OVER", "admin", "answer_claim", case)
    here.is_refused("NOTICE_ALREADY_RUNNING", "reviewer", "publish_notice", case)


@pytest.mark.parametrize("decision", ["approve_join", "reject_join"])
def test_deciding_the_application_answers_the_claim(platform: NewPlatform, decision: str) -> None:
    here = Story(platform())
    application, case = applies(here), claims(here)
    reason = {"reason": "unknown here"} if decision == "reject_join" else {}
    here.does("admin", decision, application, **reason)
    assert (state_of(here, case), found(here, case).claimed_until) == ("RESOLVED_BY_ADMIN", FOREVER)


def test_taking_the_application_back_gives_the_claim_up(platform: NewPlatform) -> None:
    here = Story(platform())
    application, case = applies(here), claims(here)
    are_asked(here, case)
    here.does("admin", "answer_claim", case)
    here.does("outsider", "withdraw", application)
    assert state_of(here, case) == "WITHDRAWN"
    is_seen_elsewhere(here, "admin")
    here.is_refused("ADMIN_IN_CHARGE", *CLAIM, SAID, **GONE)


def test_an_application_that_expired_before_the_time_to_decide_settles_the_claim(platform: NewPlatform) -> None:
    here = Story(platform())
    applies(here)
    here.wait(28 * DAY)
    is_seen_elsewhere(here, "admin")
    refreshes_the_registry(here)
    case = claims(here)
    are_asked(here, case)
    here.does("admin", "answer_claim", case)
    here.wait(3 * DAY)
    swept(here)
    assert (state_of(here, case), found(here, case).claimed_until) == ("RESOLVED_BY_ADMIN", FOREVER)


def test_the_legal_representative_who_names_another_administrator_answers_the_claim(platform: NewPlatform) -> None:
    here = Story(platform())
    case = claims(here)
    here.does("boss", "assign_role", "Membership:m-approver", role="SYSTEM_ADMIN", receiver="approver")
    assert state_of(here, case) == "RESOLVED_BY_ADMIN"


def test_the_legal_representative_retrieves_over_a_claim_at_once(platform: NewPlatform) -> None:
    here = Story(platform())
    case = claims(here)
    online = {"path": "LEGAL_REP_ONLINE", "reason_text": "管理员已离职"}
    here.does("boss", "retrieve", "Enterprise:e", online, **GONE)
    assert (state_of(here, case), found(here, case).claimed_until) == ("SUPERSEDED", FOREVER)


def test_a_third_claim_in_thirty_days_is_too_many_and_none_of_them_is_an_attempt(platform: NewPlatform) -> None:
    here = Story(platform())
    for _ in range(2):
        case = claims(here)
        for _ in range(3):
            here.does("outsider", "certify", case, method="DOCUMENTS")
        here.does("outsider", "withdraw", case)
    here.is_refused("TOO_MANY_ATTEMPTS", *CLAIM, SAID, **GONE)
    # Nobody else's attempts are used up by that.
    here.does("approver", "claim_admin_gone", "Enterprise:e", SAID, **GONE)


def test_a_claim_without_words_is_refused(platform: NewPlatform) -> None:
    here = Story(platform())
    with pytest.raises(Exception, match="reason_text"):
        here.does(*CLAIM, {"path": "DOCUMENTS", "reason_text": "  "}, **GONE)


def test_a_claim_moves_and_holds_nothing(platform: NewPlatform) -> None:
    here = Story(platform())
    before = {name: list(here.platform.all(name)) for name in ("Membership", "RoleAssignment", "SealHold", "SealGrant")}
    case = claims(here)
    are_asked(here, case)
    here.wait(72 * HOUR + MINUTE)
    swept(here)
    assert {name: list(here.platform.all(name)) for name in before} == before
