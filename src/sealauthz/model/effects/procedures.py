"""Writing approval processes and business categories."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sealauthz.model.effects.acting import member_of, refuse
from sealauthz.model.effects.own_rules import check_agreed, written
from sealauthz.model.effects.rule_terms import Step
from sealauthz.model.records.procedures import (
    ApprovalProcess,
    BusinessCategory,
    CategoryPermission,
    CategorySeal,
    CategoryState,
    FaceFallback,
    ProcessStep,
    StepApprover,
    StepMode,
)
from sealauthz.schema import FOREVER, Act, Delete, Outcome, Put, RecordChange

_MOVES = {
    CategoryState.ENABLED: (CategoryState.DISABLED,),
    CategoryState.DISABLED: (CategoryState.ENABLED, CategoryState.DELETED),
    CategoryState.DELETED: (),
}
"""What a category may become in one step."""


def create_process(act: Act) -> Outcome:
    """Make a process of approval, with steps that stand from now on."""
    enterprise, new = act.resource, act.arguments
    check_agreed(act)
    if not new.name or not new.steps:
        refuse("arguments[steps]", "must name the process and at least one step: one without steps approves nothing")
    made = ApprovalProcess(act.new_id("process"), enterprise.id, new.name, is_open=new.is_open)
    changes = [Put(made), *_begun(act, enterprise, made.id, new.steps)]
    return written(act, enterprise, changes, {"process_id": made.id})


def edit_process(act: Act) -> Outcome:
    """Change a process. Other steps begin beside those that end now: what was submitted before goes on as it began."""
    process, new = act.resource, act.arguments
    check_agreed(act)
    values = {name: getattr(new, name) for name in ("name", "state", "is_open") if getattr(new, name) is not None}
    if values.get("name") == "" or not (values or new.steps):
        refuse("arguments", "must say what changes, and a process has a name")
    changes: list[RecordChange] = [act.set(process, **values)] if values else []
    if new.steps:
        standing = [step for step in process.steps if step.valid_to == FOREVER]
        if any(step.valid_from >= act.now for step in standing):
            refuse("resource", "has steps that began in this moment; try again")
        changes += [act.set(step, valid_to=act.now) for step in standing]
        changes += _begun(act, process.enterprise, process.id, new.steps)
    return written(act, process.enterprise, changes, {})


def _begun(act: Act, enterprise: Any, process_id: str, steps: Iterable[Step]) -> Iterator[RecordChange]:
    for number, step in enumerate(steps):
        place = f"arguments[steps][{number}]"
        if step.position < 1 or not step.approvers:
            refuse(place, "must have a position from 1 on, and approvers")
        step_id = act.new_id(f"step-{number}")
        yield Put(ProcessStep(step_id, process_id, step.position, StepMode(step.mode), valid_from=act.now))
        for index, approver in enumerate(step.approvers):
            if (approver.member is None) == (approver.role is None):
                refuse(place, "names an approver who is neither a member nor a role, or both")
            if approver.member is not None:
                member_of(act, enterprise, approver.member, f"steps][{number}][approvers][{index}")
            line = StepApprover(
                act.new_id(f"approver-{number}-{index}"), step_id, approver.member, approver.role, valid_from=act.now
            )
            yield Put(line)


def create_category(act: Act) -> Outcome:
    """Make a kind of business, in which contracts can be started from now on."""
    enterprise, new = act.resource, act.arguments
    check_agreed(act)
    _check_category(act, enterprise)
    made = BusinessCategory(
        act.new_id("category"),
        enterprise.id,
        new.name,
        process_id=new.process,
        face_fallback=FaceFallback(new.face_fallback),
        holders_may_download=new.holders_may_download,
        holders_may_print=new.holders_may_print,
    )
    changes = [Put(made), *_listed(act, made.id, (), ())]
    return written(act, enterprise, changes, {"category_id": made.id})


def edit_category(act: Act) -> Outcome:
    """Write a category as it is to be. A deleted one stays on record and starts nothing more."""
    category, new = act.resource, act.arguments
    check_agreed(act)
    _check_category(act, category.enterprise)
    values = {
        "name": new.name,
        "process_id": new.process,
        "face_fallback": new.face_fallback,
        "holders_may_download": new.holders_may_download,
        "holders_may_print": new.holders_may_print,
    }
    if category.state == "DELETED":
        refuse("resource", "is deleted and does not change")
    if new.state is not None and new.state != category.state:
        if new.state not in _MOVES[category.state]:
            refuse("arguments[state]", "is none that the category can be in next")
        values["state"] = new.state
    changes = [act.set(category, **values), *_listed(act, category.id, category.seals, category.permissions)]
    return written(act, category.enterprise, changes, {})


def _check_category(act: Act, enterprise: Any) -> None:
    new = act.arguments
    if not new.name:
        refuse("arguments[name]", "must not be empty")
    if new.process is not None and not enterprise.approval_processes.holding("id", new.process):
        refuse("arguments[process]", "is none of this enterprise")
    for number, seal in enumerate(new.seals):
        if not enterprise.seals.holding("id", seal):
            refuse(f"arguments[seals][{number}]", "is none of this enterprise")
    for number, member in enumerate(new.members):
        member_of(act, enterprise, member, f"members][{number}")


def _listed(act: Act, category_id: str, seals: Iterable[Any], permissions: Iterable[Any]) -> Iterator[RecordChange]:
    """What lists the seals and members of a category, in place of what listed them before."""
    new_seals, new_members = set(act.arguments.seals), set(act.arguments.members)
    old_seals, old_members = {s.seal_id for s in seals}, {p.membership_id for p in permissions}
    yield from (Delete("CategorySeal", s.id) for s in seals if s.seal_id not in new_seals)
    yield from (Delete("CategoryPermission", p.id) for p in permissions if p.membership_id not in new_members)
    for seal in sorted(new_seals - old_seals):
        yield Put(CategorySeal(act.new_id(f"seal-{seal}"), category_id, seal))
    for member in sorted(new_members - old_members):
        yield Put(CategoryPermission(act.new_id(f"member-{member}"), category_id, member))
