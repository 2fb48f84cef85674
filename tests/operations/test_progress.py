"""Progress: the stages of what waits, whose turn it is by the policies, masked, and only for those who may look."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from facts_scene import DAY, NOW, scene

from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint
from sealauthz.decision.assembly import RequestOptions
from sealauthz.facts import FactCache
from sealauthz.model import MODEL
from sealauthz.model.records.contracts import Contract, ContractState
from sealauthz.model.records.membership import JoinApplication
from sealauthz.model.records.procedures import ApprovalProcess, ProcessStep, StepApprover
from sealauthz.model.records.requests import SealUseRequest, UseRequestState
from sealauthz.model.records.retrieval import RetrievalCase
from sealauthz.model.records.signing import PartyKind, Signatory, SigningTask, TaskAction, TaskState
from sealauthz.operations.progress import Progress, progress_of
from sealauthz.runtime.errors import InvalidRequest
from sealauthz.schema.progress import StageState

OPTIONS = RequestOptions(caller="shop")


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.load(MODEL)


def progress(bundle: Bundle, who: str, what: str, *changed: Any, now: int = NOW) -> Progress:
    """The progress of something in the scene, in which some records are other ones."""
    replaced = {(type(record).__name__, record.id): record for record in [*scene(), *changed]}
    pdp = PolicyDecisionPoint(FactCache.of_records(MODEL, replaced.values()), bundle, now=lambda: now)
    record_type, _, record_id = what.partition(":")
    return progress_of(MODEL, pdp, Entity("Person", who), Entity(record_type, record_id), OPTIONS)


def told(found: Progress) -> list[tuple[str, str]]:
    return [(shown.stage.code, str(shown.stage.state)) for shown in found.stages]


APPLICATION = JoinApplication("ja", "dan", "e1", NOW - DAY, NOW + DAY, handler_id="e1-m-boss", reminders=1)


def test_an_application_waits_for_the_administrators_masked(bundle: Bundle) -> None:
    found = progress(bundle, "dan", "JoinApplication:ja", APPLICATION)
    assert told(found) == [("APPLIED", "DONE"), ("JOIN_DECIDED", "NOW"), ("JOINED", "NEXT")]
    waiting = found.stages[1]
    assert waiting.stage.until == NOW + DAY
    assert waiting.stage.values == {"reminders": 1, "reminders_left": bundle.parameters.reminder_limit - 1}
    # The administrator, and the legal representative.
    assert waiting.actors == ({"name": "张***", "phone": "138****1569"},) * 2
    can = {decision.question.action for decision in found.actions if decision}
    assert can == {"remind", "withdraw"}


def test_who_acts_is_not_told_to_wait_for_themself(bundle: Bundle) -> None:
    found = progress(bundle, "e1-boss", "JoinApplication:ja", APPLICATION)
    assert len(found.stages[1].actors) == 1
    assert {decision.question.action for decision in found.actions if decision} >= {"approve_join"}


def test_who_may_not_look_is_told_nothing(bundle: Bundle) -> None:
    found = progress(bundle, "cat", "JoinApplication:ja", APPLICATION)
    assert not found
    assert (found.stages, found.actions) == ((), ())
    assert [reason.code for reason in found.decision.reasons] == ["NOT_FOUND"]


def test_a_time_that_has_passed_ends_it_whatever_the_state_says(bundle: Bundle) -> None:
    found = progress(bundle, "dan", "JoinApplication:ja", APPLICATION, now=NOW + 2 * DAY)
    assert told(found)[-1] == ("APPLICATION_EXPIRED", "ENDED")


@pytest.mark.parametrize(
    ("state", "last"),
    [
        ({"state": "APPROVED", "decided_by_id": "e1-boss", "decided_at": NOW}, ("JOINED", "DONE")),
        (
            {"state": "REJECTED", "decided_by_id": "e1-boss", "decided_at": NOW, "reason": "no"},
            ("APPLICATION_REJECTED", "ENDED"),
        ),
        ({"state": "WITHDRAWN"}, ("APPLICATION_WITHDRAWN", "ENDED")),
    ],
)
def test_how_an_application_ended_is_told(bundle: Bundle, state: dict[str, Any], last: tuple[str, str]) -> None:
    found = progress(bundle, "dan", "JoinApplication:ja", dataclasses.replace(APPLICATION, **state))
    assert told(found)[-1] == last


@pytest.mark.parametrize(
    ("state", "path", "now"),
    [
        ("DRAFT", "DOCUMENTS", "CERTIFIED"),
        ("IN_REVIEW", "DOCUMENTS", "REVIEWED"),
        ("NOTICE", "DOCUMENTS", "NOTICE_OVER"),
        ("OBJECTED", "DOCUMENTS", "OBJECTION_DECIDED"),
        ("OBJECTED", "LEGAL_REP_ONLINE", "NOTICE_OVER"),
        ("APPROVED", "DOCUMENTS", "RETRIEVED"),
    ],
)
def test_a_case_is_at_one_stage(bundle: Bundle, state: str, path: str, now: str) -> None:
    others = [record for record in scene() if isinstance(record, RetrievalCase) and record.enterprise_id == "e1"]
    ended = [dataclasses.replace(case, state="EXECUTED", executed_at=NOW - DAY) for case in others]
    case = RetrievalCase("rc", "e1", "ann", "ADMIN_RESIGNED", path, NOW - DAY // 2, state)
    found = progress(bundle, "ann", "RetrievalCase:rc", *ended, case)
    assert found
    states = [shown.stage.state for shown in found.stages]
    assert [shown.stage.code for shown in found.stages if shown.stage.state is StageState.NOW] == [now]
    assert states == sorted(states, key=list(StageState).index)


def test_a_case_that_was_let_lie_is_over_before_that_is_written_down(bundle: Bundle) -> None:
    others = [record for record in scene() if isinstance(record, RetrievalCase) and record.enterprise_id == "e1"]
    ended = [dataclasses.replace(case, state="EXECUTED", executed_at=NOW - DAY) for case in others]
    case = RetrievalCase("rc", "e1", "ann", "ADMIN_RESIGNED", "DOCUMENTS", NOW - DAY, "DRAFT")
    for each in (case, dataclasses.replace(case, state="EXPIRED")):
        assert told(progress(bundle, "ann", "RetrievalCase:rc", *ended, each))[-1] == ("CASE_EXPIRED", "ENDED")


def test_a_signature_that_names_nobody_waits_for_a_handler(bundle: Bundle) -> None:
    contract = Contract("c-hand", "e1", "SALES", state=ContractState.SIGNING, deadline=NOW + DAY)
    party = Signatory("party-hand", "c-hand", PartyKind.ENTERPRISE, enterprise_id="e1")
    task = SigningTask("task-hand", "party-hand", TaskAction.HANDLER_SIGN, state=TaskState.PENDING)

    def stages_of(handler_id: str | None) -> list[tuple[str, str]]:
        named = dataclasses.replace(task, handler_id=handler_id)
        return told(progress(bundle, "e1-boss", "SigningTask:task-hand", contract, party, named))[1:]

    later = ("CONTRACT_COMPLETE", "NEXT")
    assert stages_of(None) == [("HANDLER_NAMED", "NOW"), ("TASK_SIGNED", "NEXT"), later]
    assert stages_of("ann") == [("TASK_SIGNED", "NOW"), later]


def test_a_request_whose_approver_has_left_waits_for_nobody(bundle: Bundle) -> None:
    process = ApprovalProcess("process-left", "e1", "one step")
    step = ProcessStep("step-left", "process-left")
    request = SealUseRequest("q-left", "s1", "m-ann", NOW, NOW, NOW + DAY, state=UseRequestState.IN_APPROVAL)
    request = dataclasses.replace(request, process_id="process-left")

    def values_while_named(membership_id: str) -> Any:
        line = StepApprover("line-left", "step-left", membership_id=membership_id)
        found = progress(bundle, "ann", "SealUseRequest:q-left", process, step, line, request)
        return next(shown.stage.values for shown in found.stages if shown.stage.code == "APPROVED")

    assert values_while_named("m-cat") == {}
    assert values_while_named("m-old") == {"waits_for_nobody": 1}


def test_what_has_no_progress_is_refused(bundle: Bundle) -> None:
    with pytest.raises(InvalidRequest, match="has no progress to show"):
        progress(bundle, "ann", "Seal:s1")


def test_every_type_with_a_timeline_can_be_looked_at(bundle: Bundle) -> None:
    for record_type in MODEL.timelines:
        assert (MODEL.progress_action, record_type) in bundle.rulebook.requirements
