"""Executing a retrieval, in one write, and taking it back where an appeal is upheld."""

from __future__ import annotations

from typing import Any

from sealauthz.model.effects.acting import refuse
from sealauthz.model.effects.members import Ending, administrators_of, give_role, held_roles, persons_of, take_in
from sealauthz.model.effects.retrieval import concerned, told
from sealauthz.model.records.membership import ApplicationState, EndReason, JoinedVia, Role
from sealauthz.model.records.retrieval import AppealState, CaseState, RetrievalAppeal
from sealauthz.model.records.seals import HoldState
from sealauthz.schema import Act, Duty, MetBy, Outcome, Put, RecordChange

EVENTS = {
    "RETRIEVAL_EXECUTED": "The enterprise has another administrator, and its former ones may appeal.",
    "RETRIEVAL_APPEALED": "A former administrator appeals against the retrieval.",
    "RETRIEVAL_APPEAL_DECIDED": "The appeal was decided.",
}


# --- executing --------------------------------------------------------------------------------------------------------


def execute(act: Act) -> Outcome:
    """Give the enterprise to the applicant, in one write, in which everything else follows.

    The applicant becomes a member, unless they are one, and the administrator. All other administrators lose every role
    that they have, whether they run the enterprise, its seals or its contracts, and stay plain members; what they gave
    under these roles ends, and so do their delegations (I17). Only a role as the legal representative follows the
    registry. What a retrieval froze is released; holds of others stand. Open applications wait for the new
    administrator, and the applicant's own has done its part. Signing tasks stay where they are, to be handed over.
    """
    case, enterprise = act.resource, act.resource.enterprise
    ending = Ending(act.snapshot, act.now, enterprise)
    membership_id, membership, changes = take_in(act, ending, enterprise, case.applicant_id, JoinedVia.RETRIEVAL)
    replaced = [
        each
        for each in dict.fromkeys(_key(assignment.membership) for assignment in administrators_of(enterprise))
        if each[1] != case.applicant_id
    ]
    former = [each for each in enterprise.memberships if _key(each) in replaced]
    for each in former:
        for assignment in held_roles(each):
            if assignment.role != "LEGAL_REP":
                ending.assignment(assignment)
        for delegation in each.delegations_given:
            ending.delegation(delegation)
    assignment_id, given = give_role(act, ending, Role.SYSTEM_ADMIN, membership_id, membership, None, is_primary=True)
    changes += given
    changes += [
        act.set(hold, state=HoldState.RELEASED)
        for seal in enterprise.seals
        for hold in seal.holds
        if (hold.source, hold.state) == ("RETRIEVAL", "PLACED")
    ]
    changes += [
        act.set(each, state=ApplicationState.SUPERSEDED)
        for each in enterprise.applications
        if (each.person_id, each.state) == (case.applicant_id, "PENDING")
    ]
    ending.reroute(membership_id, case.applicant_id, case.applicant_id)
    changes.append(act.set(case, state=CaseState.EXECUTED, executed_at=act.now))
    whom = (case.applicant_id, *persons_of(former), *concerned(case))
    event = told(case, "RETRIEVAL_EXECUTED", *whom, appeal_until=act.now + act.context.parameters.appeal_within)
    values = {"membership_id": membership_id, "assignment_id": assignment_id}
    return Outcome((*ending.changes, *changes), (*ending.events, event), values)


def _key(membership: Any) -> tuple[str, str]:
    return membership.id, membership.person_id


# --- appeals ----------------------------------------------------------------------------------------------------------


def appeal(act: Act) -> Outcome:
    """Appeal against an executed case: what it gave is held until that is decided."""
    case = act.resource
    made = RetrievalAppeal(act.new_id("appeal"), case.id, act.subject.id, act.now)
    changes: list[RecordChange] = [Put(made)]
    if case.state != "UNDER_APPEAL":
        changes.append(act.set(case, state=CaseState.UNDER_APPEAL, appealed_at=case.appealed_at or act.now))
    event = told(case, "RETRIEVAL_APPEALED", case.applicant_id, appeal_id=made.id)
    return Outcome(tuple(changes), (event,), {"appeal_id": made.id})


def decide_appeal(act: Act) -> Outcome:
    """Decide the open appeals. Dismissed, the execution stands. Upheld, it is taken back in one write, as it was made.

    Those who administered until then do so again, as a member in whose place they were: one whom the new administrator
    suspended or removed since is let in again. The retrieval's applicant loses the membership that it made, or every
    role of since then, and what they passed on of it falls with it: the roles that they gave, and those that the ones
    appointed by them gave, each with the grants under it; the grants that they confirmed; their delegations.
    """
    case = act.resource
    is_open = [each for each in case.appeals if each.state == "OPEN"]
    whom = (case.applicant_id, *(each.person_id for each in (*_replaced(case), *is_open)))
    decided = told(case, "RETRIEVAL_APPEAL_DECIDED", *whom)
    by = {"decided_by_id": act.subject.id, "decided_at": act.now}
    if act.arguments.finding == "DISMISSED":
        dismissed = [act.set(each, state=AppealState.DISMISSED, **by) for each in is_open]
        return Outcome((*dismissed, act.set(case, state=CaseState.EXECUTED)), (decided,))
    enterprise = case.enterprise
    ending = Ending(act.snapshot, act.now, enterprise)
    _take_back(case, ending)
    changes: list[RecordChange] = [act.set(each, state=AppealState.UPHELD, **by) for each in is_open]
    restored: list[str] = []
    for former in _replaced(case):
        person = former.person
        if (person.account_state, person.realname_state) != ("ACTIVE", "VERIFIED"):
            continue
        if former.state == "SUSPENDED" and former.suspended_at < case.executed_at:
            continue
        if former.state == "ENDED" and former.ended_at < case.executed_at:
            continue
        membership_id, membership, made = take_in(act, ending, enterprise, person.id, JoinedVia.RETRIEVAL)
        _, given = give_role(act, ending, Role.SYSTEM_ADMIN, membership_id, membership, None, is_primary=not restored)
        changes += (*made, *given)
        restored.append(membership_id)
    if not restored:
        refuse("arguments[finding]", "nobody can run the enterprise again whom the case replaced")
    ending.reroute(restored[0], None)
    changes.append(act.set(case, state=CaseState.REVERSED))
    return Outcome((*ending.changes, *changes), (*ending.events, decided))


def _replaced(case: Any) -> list[Any]:
    """Return the memberships that lost the administrator's role by the execution, one of each person."""
    found: dict[str, Any] = {}
    for membership in sorted(case.enterprise.memberships, key=lambda each: (each.joined_at, each.id)):
        lost = any(
            each.role == "SYSTEM_ADMIN" and each.revoked_at == case.executed_at for each in membership.assignments
        )
        if lost and membership.person_id != case.applicant_id:
            found.setdefault(membership.person_id, membership)
    return list(found.values())


def _take_back(case: Any, ending: Ending) -> None:
    """End what the applicant has of the execution, and what came of it."""
    enterprise, since = case.enterprise, case.executed_at
    for membership in enterprise.memberships:
        if membership.person_id != case.applicant_id or membership.state == "ENDED":
            continue
        if membership.joined_via == "RETRIEVAL" and membership.joined_at == since:
            ending.membership(membership, EndReason.REMOVED)
        for assignment in held_roles(membership):
            if assignment.valid_from >= since:
                ending.assignment(assignment)
        for delegation in membership.delegations_given:
            ending.delegation(delegation)
    appointed = {case.applicant_id}
    waiting = [each for membership in enterprise.memberships for each in held_roles(membership)]
    while fallen := [each for each in waiting if each.granted_by_id in appointed and each.valid_from >= since]:
        for assignment in fallen:
            ending.assignment(assignment)
            appointed.add(assignment.membership.person_id)
        waiting = [each for each in waiting if each not in fallen]
    for seal in enterprise.seals:
        for grant in (*seal.grants, *seal.open_grants, *seal.cross_grants):
            if grant.confirmed_by_id == case.applicant_id and grant.confirmed_at >= since:
                ending.grant(grant, "ADMIN_CHANGED")


DUTIES = (
    Duty("EXECUTE_IN_ONE_TRANSACTION", MetBy.EFFECT),
    Duty("RECORD_APPEAL", MetBy.EFFECT),
)
