"""How far applications, requests, tasks and retrieval cases are: their timelines. What a time has ended is over."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from sealauthz.model.idle_cases import is_left_idle
from sealauthz.runtime.instants import NEVER
from sealauthz.schema.progress import ProgressInput, Stage, StageState, Timeline, ended, stage

VIEW = "view_progress"
"""The act of looking at a timeline, on each type that has one."""


def of_application(query: ProgressInput) -> tuple[Stage, ...]:
    """A person joins: applied, waiting for the named administrator, decided."""
    application, now = query.resource, query.now
    applied = stage("APPLIED", done_at=application.applied_at)
    if application.state == "APPROVED":
        return (
            applied,
            stage("JOIN_DECIDED", done_at=application.decided_at),
            stage("JOINED", done_at=application.decided_at),
        )
    if application.state != "PENDING":
        return applied, ended(f"APPLICATION_{application.state}", application.decided_at)
    if now >= application.expires_at:
        return applied, ended("APPLICATION_EXPIRED", application.expires_at)
    left = max(query.parameters.reminder_limit - application.reminders, 0)
    waiting = stage(
        "JOIN_DECIDED",
        is_now=True,
        until=application.expires_at,
        waits_for=("approve_join",),
        values={"reminders": application.reminders, "reminders_left": left},
    )
    return applied, waiting, stage("JOINED")


def of_request(query: ProgressInput) -> tuple[Stage, ...]:
    """The use of a seal is asked for, approved, and used as often as was approved."""
    request, now = query.resource, query.now
    uses = {"used": request.used, "uses": request.uses}
    asked = stage("REQUESTED", done_at=request.submitted_at, is_now=request.state == "DRAFT")
    verdicts = sorted(request.approvals, key=lambda approval: (approval.decided_at, approval.id))
    approved = tuple(
        Stage(
            "STEP_PASSED" if verdict.verdict == "PASSED" else "STEP_REJECTED",
            StageState.DONE if verdict.verdict == "PASSED" else StageState.ENDED,
            verdict.decided_at,
            values={"step": verdict.step},
        )
        for verdict in verdicts
    )
    if request.state in ("REJECTED", "WITHDRAWN", "VOIDED"):
        return asked, *approved, ended(f"REQUEST_{request.state}")
    if request.state in ("COMPLETED", "FINISHED"):
        return asked, *approved, Stage("USED", StageState.DONE, values=uses)
    if request.state == "EXPIRED" or now >= request.valid_to:
        return asked, *approved, ended("REQUEST_EXPIRED", request.valid_to, **uses)
    is_waiting = request.state == "IN_APPROVAL"
    if request.state in ("DRAFT", "IN_APPROVAL"):
        wait = stage("APPROVED", is_now=is_waiting, until=request.valid_to, waits_for=("approve",), reports_nobody=True)
        return asked, *approved, wait, stage("USED")
    done = Stage("APPROVED", StageState.DONE, verdicts[-1].decided_at if verdicts else NEVER)
    return asked, *approved, done, stage("USED", is_now=True, until=request.valid_to, values=uses)


def of_task(query: ProgressInput) -> tuple[Stage, ...]:
    """A contract is signed task by task: those before this one, this one, and those behind it."""
    task, contract = query.resource, query.resource.signatory.contract
    before, behind = _others(task, contract)
    waiting = sum(other.state in ("WAITING", "PENDING", "IN_PROGRESS") for other in before)
    earlier = Stage(
        "EARLIER_TASKS",
        StageState.NOW if waiting else StageState.DONE,
        values={"waiting": waiting, "tasks": len(before)},
    )
    later = Stage("CONTRACT_COMPLETE", StageState.NEXT, values={"tasks": len(behind)})
    over = contract.state in ("REJECTED", "RECALLED", "EXPIRED", "FORCE_FINISHED", "TERMINATED", "DELETED")
    if task.state == "SIGNED":
        last = later if contract.state != "COMPLETE" else Stage("CONTRACT_COMPLETE", StageState.DONE)
        return earlier, Stage("TASK_SIGNED", StageState.DONE), last
    if task.state in ("REJECTED", "TRANSFERRED", "VOIDED", "EXPIRED"):
        return earlier, ended(f"TASK_{task.state}", task.refused_at)
    if over or query.now >= contract.deadline:
        return earlier, ended("TASK_EXPIRED" if not over else f"CONTRACT_{contract.state}", NEVER)
    is_signature = task.action in ("HANDLER_SIGN", "PERSONAL_SIGN") and task.signatory.kind == "ENTERPRISE"
    if is_signature and not task.handler_id and not task.operators:
        naming = stage("HANDLER_NAMED", is_now=True, until=contract.deadline, values={"action": task.action})
        return earlier, naming, stage("TASK_SIGNED"), later
    turn = stage(
        "TASK_SIGNED", is_now=not waiting, until=contract.deadline, waits_for=("open",), values={"action": task.action}
    )
    return earlier, turn, later


def _others(task: Any, contract: Any) -> tuple[list[Any], list[Any]]:
    """The tasks of the contract at an earlier place, and those that are still open at this or a later one."""
    others = [other for party in contract.signatories for other in party.tasks if other.id != task.id]
    behind = [o for o in others if o.position >= task.position and o.state in ("WAITING", "PENDING", "IN_PROGRESS")]
    return [other for other in others if other.position < task.position], behind


_CASE_STAGES = ("CASE_OPENED", "CERTIFIED", "REVIEWED", "NOTICE_OVER", "RETRIEVED")
_STAGE_OF_CASE = {
    "DRAFT": 1,
    "CLAIMED": 1,
    "CERTIFYING": 1,
    "IN_REVIEW": 2,
    "NOTICE": 3,
    "OBJECTED": 3,
    "APPROVED": 4,
    "EXECUTED": 5,
    "UNDER_APPEAL": 5,
    "REVERSED": 5,
}
_WAITS_FOR = {
    "DRAFT": ("submit",),
    "IN_REVIEW": ("review",),
    "OBJECTED": ("adjudicate",),
    "APPROVED": ("execute",),
    "UNDER_APPEAL": ("decide_appeal",),
}


def of_case(query: ProgressInput) -> tuple[Stage, ...]:
    """An enterprise is retrieved: opened, certified, reviewed, the notice is over, executed.

    A claim waits for an answer before it is certified.

    When the notice is over, the rules say: the decision on `execute` tells until when to wait.
    """
    case = query.resource
    number = _STAGE_OF_CASE.get(case.state)
    opened = stage(_CASE_STAGES[0], done_at=case.opened_at)
    values = {"attempt": case.attempt}
    if is_left_idle(case, query.parameters, query.now):
        return opened, ended("CASE_EXPIRED", **values)
    if number is None:
        return opened, ended(f"CASE_{case.state}", **values)
    times = {1: _last(case.certifications), 2: _last(case.reviews), 4: case.executed_at}
    is_waiting = case.state == "CLAIMED" and query.now < case.claimed_until
    if is_waiting:
        next_act = "answer_claim" if case.notice_from > NEVER else "publish_notice"
        asked = stage("ADMIN_ANSWERED", is_now=True, until=case.claimed_until, waits_for=(next_act,))
        return opened, asked, *(Stage(code, StageState.NEXT) for code in _CASE_STAGES[1:])
    found = [opened]
    for place, code in enumerate(_codes(case), 1):
        if place < number:
            found.append(Stage(code, StageState.DONE, times.get(place, NEVER)))
        elif place > number:
            found.append(Stage(code, StageState.NEXT))
        else:
            waits = _WAITS_FOR.get(case.state, ())
            said = {**values, "objections": sum(each.state == "OPEN" for each in case.objections)}
            found.append(stage(code, is_now=True, waits_for=waits, values=said))
    if case.state == "UNDER_APPEAL":
        found.append(stage("APPEAL_DECIDED", is_now=True, waits_for=_WAITS_FOR[case.state]))
    elif case.state == "REVERSED":
        found.append(ended("CASE_REVERSED"))
    return tuple(found)


def _codes(case: Any) -> tuple[str, ...]:
    """Return the stages after the opening. By documents, a case waits for its objection, and for no time, until that is
    decided; the legal representative's goes on beside it.
    """
    is_stopped = (case.state, case.path) == ("OBJECTED", "DOCUMENTS")
    return tuple("OBJECTION_DECIDED" if is_stopped and code == "NOTICE_OVER" else code for code in _CASE_STAGES[1:])


def _last(records: Any) -> int:
    return max((record.decided_at for record in records), default=NEVER)


TIMELINES: Mapping[str, Timeline] = MappingProxyType(
    {
        "JoinApplication": of_application,
        "SealUseRequest": of_request,
        "SigningTask": of_task,
        "RetrievalCase": of_case,
    }
)
"""The timeline of each record type that has one."""
