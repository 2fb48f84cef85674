"""The persons whom the server finds for a question, each in the unit that holds their accounts and offices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from typing import Any

from sealauthz.model.records.contracts import Contract
from sealauthz.model.records.organisation import Enterprise
from sealauthz.model.records.requests import SealUseRequest
from sealauthz.model.records.seals import Seal
from sealauthz.schema import EMPTY, Collection, Instant, ResolverInput


def principal_ids(query: ResolverInput, enterprise: Enterprise, seal_ids: Set[str]) -> set[str]:
    """Those who let the subject act for them at an enterprise, and who passed on a grant of one of its seals to the
    subject or to one of them.
    """
    own, principals = _acting(query, enterprise)
    return {principal.person_id for principal in principals} | passed_on_by((*own, *principals), seal_ids)


def _acting(query: ResolverInput, enterprise: Enterprise) -> tuple[list[Any], list[Any]]:
    """The memberships of the subject at an enterprise, and those of whom the subject may act for there."""
    members: Any = enterprise.memberships
    own = list(members.holding("person_id", query.subject.id))
    return own, [delegation.principal for membership in own for delegation in membership.delegations_received]


def passed_on_by(memberships: Iterable[Any], seal_ids: Set[str]) -> set[str]:
    """The persons who passed on one of the grants of these members to use one of the seals."""
    passed_on = (grant for grant in grants_of(memberships, seal_ids) if grant.parent_id is not None)
    return {grant.parent.membership.person_id for grant in passed_on}


def approvers_of(query: ResolverInput, requests: Iterable[SealUseRequest]) -> list[Any]:
    """Those who decided on the requests, and those in whose place, each in the unit that holds what they represent."""
    deciders = [approval.approver for request in requests for approval in request.approvals]
    absent = [absence.membership for decider in deciders for absence in decider.substitutions]
    return persons(query, {membership.person_id for membership in (*deciders, *absent)})


def authors_of(
    query: ResolverInput, enterprise: Enterprise, contract: Contract, others: Iterable[Enterprise] = ()
) -> list[Any]:
    """Those who reviewed a contract for an enterprise, recorded or confirmed a resolution about it, of that one or of
    others that are parties, or let a person act for several of its parties, by their ids.
    """
    ids: set[str | None] = {
        review.reviewer_id
        for party in contract.signatories
        if party.enterprise_id == enterprise.id
        for review in party.reviews
    }
    ids |= {
        consent.given_by_id
        for party in contract.signatories
        for consent in party.consents
        if consent.kind == "DOUBLE_AGENCY"
    }
    for each in (enterprise, *others):
        for resolution in _resolutions_about(each, contract):
            ids |= {resolution.recorded_by_id, resolution.confirmed_by_id}
    return persons(query, ids)


def persons(query: ResolverInput, ids: Set[str] | Set[str | None]) -> list[Any]:
    """Persons in the order of their ids, each in the unit that holds what they represent; None names nobody."""
    named = sorted(filter(None, ids))
    return Collection(query.snapshot.find("Person", person_id) for person_id in named) if named else EMPTY


def insiders_of(query: ResolverInput, ids: Set[str | None]) -> list[Any]:
    """The persons of these ids, and by which account each of them counts: what they represent is known with that."""
    found = persons(query, ids)
    counting = {person.same_as_id for person in found if person.same_as_id is not None}
    return persons(query, ids | counting) if counting else found


def given_to(query: ResolverInput, seal: Seal) -> Iterator[Any]:
    """The grants by which the subject may use a seal: their own, those of whom they may act for, and those that are
    open to members or to another enterprise.
    """
    own, principals = _acting(query, seal.enterprise)
    yield from grants_of((*own, *principals), {seal.id})
    yield from seal.open_grants
    yield from seal.cross_grants


def grants_of(memberships: Iterable[Any], seal_ids: Set[str]) -> Iterator[Any]:
    """The grants of these members on one of the seals."""
    return (grant for membership in memberships for grant in membership.grants if grant.seal_id in seal_ids)


def insiders(
    query: ResolverInput,
    enterprise: Enterprise,
    contract: Contract,
    grants: Iterable[Any],
    requests: Iterable[SealUseRequest] = (),
    others: Iterable[Enterprise] = (),
) -> list[Any]:
    """Those who gave or confirmed one of the grants, or what it was passed on from, within `parameters.cooling_off`
    before now, or named who uses the seal of another enterprise; those who had put somebody in place who decided on one
    of the requests, reviewed the contract or resolved about it, for this enterprise or one of the others; and, where a
    person is a party of the contract, whom the registry names for the enterprise.
    """
    since = query.now - query.parameters.cooling_off
    ids = set()
    for grant in grants:
        if grant.confirmed_at > since:
            ids |= _givers(grant)
            parent = getattr(grant, "parent", None)
            if parent is not None:
                ids |= _givers(parent)
        for named in getattr(grant, "holders", ()):
            if named.assigned_at > since:
                ids.add(named.assigned_by_id)
    for request in requests:
        for approval in request.approvals:
            ids |= choosers(query, request, approval.approver, approval.decided_at)
    for each in (enterprise, *others):
        ids |= appointers_of(query, each, _spoke_for(each, contract))
    if any(party.person_id is not None for party in contract.signatories):
        ids |= {snapshot.legal_rep_id for snapshot in enterprise.registry_snapshots if snapshot.is_current}
    return insiders_of(query, ids)


def _spoke_for(enterprise: Enterprise, contract: Contract) -> Iterator[tuple[str | None, Instant]]:
    """Who reviewed a contract for an enterprise, recorded or confirmed a resolution about it, and when."""
    for party in contract.signatories:
        if party.enterprise_id == enterprise.id:
            for review in party.reviews:
                yield review.reviewer_id, review.decided_at
    for resolution in _resolutions_about(enterprise, contract):
        yield resolution.recorded_by_id, resolution.recorded_at
        yield resolution.confirmed_by_id, resolution.confirmed_at


def _resolutions_about(enterprise: Enterprise, contract: Contract) -> Iterable[Any]:
    """The resolutions of an enterprise about a contract."""
    resolutions: Any = enterprise.resolutions
    return resolutions.holding("contract_id", contract.id) if resolutions else ()


def _givers(grant: Any) -> set[str | None]:
    return {grant.grantor.membership.person_id, grant.confirmed_by_id}


def choosers(query: ResolverInput, request: SealUseRequest, approver: Any, at: Instant) -> set[str | None]:
    """Those who had given an approver, or whom they stand in for, the place in which they decide on a request, within
    `parameters.cooling_off` before a time; and who had put those in office just then, and these.
    """
    if request.process_id is None:
        return enablers(query, request.seal, approver, at)
    since = at - query.parameters.cooling_off
    given = _appointers((approver, *(absence.membership for absence in approver.substitutions)), since)
    return given | _behind(given, request.seal.enterprise, since)


def enablers(query: ResolverInput, seal: Seal, approver: Any, at: Instant) -> set[str | None]:
    """Those who had given a member the right to approve uses of a seal within `parameters.cooling_off` before a time;
    and who had put those in office just then, and these.
    """
    since = at - query.parameters.cooling_off
    given: set[str | None] = set()
    for grant in grants_of((approver,), {seal.id}):
        if grant.right == "APPROVE" and grant.confirmed_at > since:
            given |= _givers(grant)
    return given | _behind(given, seal.enterprise, since)


def appointers_of(
    query: ResolverInput, enterprise: Enterprise, spoke: Iterable[tuple[str | None, Instant]]
) -> set[str | None]:
    """Those who had given persons, each by id, their post at an enterprise within `parameters.cooling_off` before a
    time of each; and who had put those in office just then, and these. None names nobody.
    """
    found: set[str | None] = set()
    members: Any = enterprise.memberships
    for person_id, at in spoke:
        since = at - query.parameters.cooling_off
        given = _appointers(_memberships(members, {person_id}), since) if person_id is not None else set()
        found |= given | _behind(given, enterprise, since)
    return found


def _behind(given: Set[str | None], enterprise: Enterprise, since: Instant) -> set[str | None]:
    """Those who had put these in office since a time, and who had put them there."""
    found: set[str | None] = set()
    members: Any = enterprise.memberships
    for _ in range(2):  # as far as the policies follow a row of appointments (`is_behind`)
        given = _appointers(_memberships(members, given), since)
        found |= given
    return found


def _memberships(members: Any, ids: Set[str | None]) -> Iterator[Any]:
    """The memberships of these persons, and by which account each of them counts."""
    for person_id in ids:
        for membership in members.holding("person_id", person_id):
            yield membership
            if membership.person.same_as_id is not None:
                yield from members.holding("person_id", membership.person.same_as_id)


def _appointers(memberships: Iterable[Any], since: Instant) -> set[str | None]:
    """Those who gave these members a post that is new since a time."""
    return {
        assignment.granted_by_id
        for membership in memberships
        for assignment in membership.assignments
        if max(assignment.valid_from, membership.joined_at) > since
    }


_EMERGENCY = frozenset({"emergency_use", "seal"})


def emergencies_of(query: ResolverInput, seal: Seal) -> dict[str, Any]:
    """The tasks that the subject, by any account, used a seal for in an emergency, and those who approved that, with
    who had given them the right just then; where that is asked.
    """
    if query.action not in _EMERGENCY:
        return {}
    members: Any = seal.enterprise.memberships
    uses = [
        use
        for account in (query.subject, *query.subject.accounts)
        for membership in members.holding("person_id", account.id)
        for grant in membership.grants
        if grant.right == "EMERGENCY" and grant.seal_id == seal.id
        for use in grant.emergency_uses
    ]
    if not uses:
        return {"emergencies": EMPTY, "afterwards": EMPTY}
    approved_by = {use.approved_by_id for use in uses}
    approving = {membership.id: membership for membership in members if membership.id in approved_by}
    approvers = {use.representative_id for use in uses} | {membership.person_id for membership in approving.values()}
    for use in uses:
        if use.approved_by_id in approving:
            approvers |= enablers(query, seal, approving[use.approved_by_id], use.approved_at)
    tasks = (query.snapshot.find("SigningTask", task_id) for task_id in sorted({u.task_id for u in uses if u.task_id}))
    return {
        "emergencies": Collection(task for task in tasks if task is not None),
        "afterwards": insiders_of(query, approvers),
    }
