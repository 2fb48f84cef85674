"""Running an enterprise: roles, suspensions and absences, who leaves, and to whom it is handed over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from sealauthz.model.effects import claims
from sealauthz.model.effects.acting import check_length, refuse
from sealauthz.model.effects.bound import check_arguments
from sealauthz.model.effects.counting import named_ids
from sealauthz.model.effects.members import Ending, administrators_of, give_role, held_roles, is_within_time
from sealauthz.model.effects.told import holders_of, persons
from sealauthz.model.effects.turns import task_event
from sealauthz.model.records.membership import Absence, EndReason, MembershipState, Role, SuspensionCause
from sealauthz.model.records.signing import TaskState
from sealauthz.schema import FOREVER, Act, Delete, Duty, Event, Instant, MetBy, Outcome, Put, RecordChange
from sealauthz.schema.record import Ref

EVENTS = {
    "ROLE_GIVEN": "A member got a role.",
    "MEMBERSHIP_ENDED": "Somebody is no member any more.",
    "TASK_PARKED": "A member has left whom a contract named; for those who name a handler or refuse.",
    "MEMBERSHIP_SUSPENDED": "A membership rests, and everything that its member may do with it.",
    "MEMBERSHIP_REINSTATED": "A suspension was lifted.",
    "ABSENCE_RECORDED": "Somebody approves in the place of a member who is away.",
    "ADMINISTRATION_HANDED_OVER": "An enterprise has another administrator.",
}


def _told(enterprise_id: str, code: str, record_type: str, record_id: str, *recipients: str, **values: Any) -> Event:
    return Event(code, enterprise_id, (record_type, record_id), recipients, values)


# --- roles ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AssignRoleArguments:
    """Giving a role: until when; with CUSTOM which role of the enterprise's own, with DEPT_ADMIN which department."""

    valid_to: Instant = FOREVER
    custom_role: Annotated[str | None, Ref("CustomRole")] = None
    department: Annotated[str | None, Ref("Department")] = None


def assign_role(act: Act) -> Outcome:
    """Give the role that the context states, from now on. It is never given twice: another term takes another one.

    Who names an administrator has answered a claim that there is none.
    """
    said: AssignRoleArguments = act.arguments
    if "CONSUME_VERIFICATION" in act.obligations:
        check_arguments(act)
    membership, role = act.resource, Role(act.context.role)
    enterprise = membership.enterprise
    if (role == "CUSTOM") != (said.custom_role is not None):
        refuse("arguments[custom_role]", "goes with the role CUSTOM, and with no other")
    if said.custom_role is not None and all(each.id != said.custom_role for each in enterprise.custom_roles):
        refuse("arguments[custom_role]", "is no role of this enterprise")
    if said.department is not None and role != "DEPT_ADMIN":
        refuse("arguments[department]", "goes with the role DEPT_ADMIN alone")
    if said.department is not None and all(each.id != said.department for each in enterprise.departments):
        refuse("arguments[department]", "is no department of this enterprise")
    if said.valid_to <= act.now:
        refuse("arguments[valid_to]", "must be in the future")
    if any(each.role == role and is_within_time(each, act.now) for each in held_roles(membership)):
        refuse("context[role]", "is held by this member already: revoke it first")
    ending = Ending(act.snapshot, act.now, enterprise)
    terms = {"valid_to": said.valid_to, "custom_role_id": said.custom_role, "department_id": said.department}
    assignment_id, changes = give_role(act, ending, role, membership.id, membership, act.subject.id, **terms)
    values = {"assignment_id": assignment_id}
    named = {**values, "role": str(role), "valid_until": said.valid_to}
    told = _told(enterprise.id, "ROLE_GIVEN", "RoleAssignment", assignment_id, membership.person_id, **named)
    answered = claims.waiting(enterprise, act.now) if role == "SYSTEM_ADMIN" else []
    over, heard = claims.resolved(answered, act.now)
    return Outcome((*ending.changes, *changes, *over), (*ending.events, told, *heard), values)


def revoke_role(act: Act) -> Outcome:
    """Take a role, with the grants that were given under it."""
    enterprise = act.resource.membership.enterprise
    ending = Ending(act.snapshot, act.now, enterprise)
    ending.assignment(act.resource)
    ending.reroute_to_named()
    return Outcome(ending.changes, tuple(ending.events))


# --- suspending -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SuspendArguments:
    """Suspending: on suspicion, or for an absence that casts no doubt on anything."""

    cause: SuspensionCause = SuspensionCause.SUSPICION


def suspend(act: Act) -> Outcome:
    """Let a membership rest. Nothing that hangs on it ends: no role, no grant, no delegation (A-11)."""
    membership = act.resource
    values = {"suspended_for": act.arguments.cause, "suspended_at": act.now}
    change = act.set(membership, state=MembershipState.SUSPENDED, **values)
    told = _told(membership.enterprise_id, "MEMBERSHIP_SUSPENDED", "Membership", membership.id, membership.person_id)
    return Outcome((change,), (told,))


def reinstate(act: Act) -> Outcome:
    """Lift a suspension. All roles come back that were not revoked and whose time is not over; none is given again."""
    membership = act.resource
    change = act.set(membership, state=MembershipState.ACTIVE)
    told = _told(membership.enterprise_id, "MEMBERSHIP_REINSTATED", "Membership", membership.id, membership.person_id)
    return Outcome((change,), (told,))


@dataclass(frozen=True, slots=True)
class AbsenceArguments:
    """Recording an absence: until when, and from when if not from now."""

    valid_to: Instant
    valid_from: Instant | None = None


def record_absence(act: Act) -> Outcome:
    """Record that a member is away, and that the member of the context approves in their place."""
    said: AbsenceArguments = act.arguments
    membership, substitute = act.resource, act.context.substitute
    valid_from = act.now if said.valid_from is None else said.valid_from
    if valid_from < act.now:
        refuse("arguments[valid_from]", "is over: an absence is recorded before it is used")
    if said.valid_to <= valid_from:
        refuse("arguments[valid_to]", "must be after the absence begins")
    check_length(valid_from, said.valid_to, act.context.parameters.absence_longest)
    made = Absence(
        act.new_id("absence"), membership.id, substitute.id, act.subject.id, act.now, valid_from, said.valid_to
    )
    whom = (substitute.person_id, membership.person_id)
    told = _told(membership.enterprise_id, "ABSENCE_RECORDED", "Absence", made.id, *whom, valid_until=said.valid_to)
    return Outcome((Put(made),), (told,), {"absence_id": made.id})


# --- leaving ----------------------------------------------------------------------------------------------------------


def end_membership(act: Act) -> Outcome:
    """Remove a member, with everything that the membership carries."""
    return _leave(act, EndReason.REMOVED)


def resign(act: Act) -> Outcome:
    """Leave, with everything that the membership carries."""
    return _leave(act, EndReason.RESIGNED)


def _leave(act: Act, reason: EndReason) -> Outcome:
    membership, enterprise = act.resource, act.resource.enterprise
    ending = Ending(act.snapshot, act.now, enterprise)
    ending.membership(membership, reason)
    ending.reroute_to_named()
    told = _told(
        enterprise.id, "MEMBERSHIP_ENDED", "Membership", membership.id, membership.person_id, reason=str(reason)
    )
    unnamed, parked = _park_tasks(act)
    return Outcome((*ending.changes, *unnamed), (*ending.events, told, *parked))


def _park_tasks(act: Act) -> tuple[list[RecordChange], list[Event]]:
    """Name the member no more for the tasks that the obligation lists, and tell those who administer contracts."""
    membership = act.resource
    changes: list[RecordChange] = []
    events: list[Event] = []
    runners = holders_of(membership.enterprise, act.now, "SYSTEM_ADMIN", "LEGAL_REP", "CONTRACT_ADMIN")
    recipients = persons(runners, without=(membership.person_id,))
    person = act.context.member
    tasks = {task.id: task for task in (*person.handled_tasks, *(each.task for each in person.operated_tasks))}
    for task_id in named_ids(act.obligations.get("PARK_TASKS", {}).get("task_ids")):
        task = tasks[task_id]
        if task.handler_id == person.id:
            # A signer who had begun has left again.
            state = TaskState.PENDING if task.state == "IN_PROGRESS" else task.state
            changes.append(act.set(task, handler_id=None, state=state))
        named = [operator for operator in person.operated_tasks if operator.task_id == task_id]
        changes += [Delete("TaskOperator", operator.id) for operator in named]
        events.append(task_event("TASK_PARKED", task, recipients, person_id=membership.person_id))
    return changes, events


# --- handing over -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TransferAdminArguments:
    """Handing over: which administrator's role is taken, where it is not the subject's own."""

    taken: Annotated[str | None, Ref("RoleAssignment")] = None


def transfer_admin(act: Act) -> Outcome:
    """Give the enterprise to the receiver, and take it from one administrator in the same act.

    An administrator gives their own role away, and nobody else's. The legal representative who is no administrator
    names whose role is taken; only where nobody has it, none is. What the predecessor gave under that role ends; what
    they gave as a seal administrator stands with that role. It answers a claim that the administrator has gone.
    """
    said: TransferAdminArguments = act.arguments
    check_arguments(act)
    enterprise, receiver = act.resource, act.context.receiver
    held = list(administrators_of(enterprise))
    own = next((each for each in held if each.membership.person_id == act.subject.id), None)
    taken = own if said.taken is None else next((each for each in held if each.id == said.taken), None)
    if taken is None and said.taken is not None:
        refuse("arguments[taken]", "is no role of an administrator of this enterprise that stands")
    if own is not None and taken is not own:
        refuse("arguments[taken]", "is not the role of the administrator who hands over")
    if taken is None and held:
        refuse("arguments[taken]", "must name the administrator's role that is taken")
    if taken is not None and taken.membership_id == receiver.id:
        refuse("arguments[taken]", "is the role of the person who receives it")
    ending = Ending(act.snapshot, act.now, enterprise)
    is_primary = not any(each.is_primary for each in held if each is not taken)
    if taken is not None:
        ending.assignment(taken)
    assignment_id, changes = give_role(
        act, ending, Role.SYSTEM_ADMIN, receiver.id, _of(enterprise, receiver.id), act.subject.id, is_primary=is_primary
    )
    ending.reroute(receiver.id, receiver.person_id)
    values = {"assignment_id": assignment_id}
    told = _told(
        enterprise.id, "ADMINISTRATION_HANDED_OVER", "RoleAssignment", assignment_id, receiver.person_id, **values
    )
    over, heard = claims.resolved(claims.waiting(enterprise, act.now), act.now)
    return Outcome((*ending.changes, *changes, *over), (*ending.events, told, *heard), values)


def _of(enterprise: Any, membership_id: str) -> Any:
    """Return a membership as the enterprise's unit holds it, where all of its roles are."""
    return next(each for each in enterprise.memberships if each.id == membership_id)


DUTIES = (Duty("TRANSFER_IN_ONE_TRANSACTION", MetBy.EFFECT), Duty("PARK_TASKS", MetBy.EFFECT))
