"""What holds of rights on seals: each stands on what it comes from and is no wider; nobody decides on their own act."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from sealauthz.schema.changes import Change, Changes, Invariant, Rows, all_of, broken, name_of

LIVE_GRANT = frozenset({"PENDING_CONFIRM", "PENDING_EFFECT", "ACTIVE"})
_STANDING_PARENT = LIVE_GRANT | {"EXHAUSTED"}
_GRANTS = ("SealGrant", "OpenGrant", "CrossEnterpriseGrant")

_CARRIED: Sequence[tuple[str, str, frozenset[str]]] = (
    ("RoleAssignment", "membership_id", frozenset({"ACTIVE"})),
    ("SealGrant", "membership_id", LIVE_GRANT),
    ("HolderAssignment", "membership_id", frozenset({"ACTIVE"})),
    ("Delegation", "principal_id", frozenset({"PENDING_ACCEPT", "ACTIVE"})),
    ("Delegation", "delegate_id", frozenset({"PENDING_ACCEPT", "ACTIVE"})),
)
"""What a membership carries: the record type, the column that names it, and the states in which the record stands."""


def check_ended(changes: Changes, rows: Rows) -> None:
    """I7: an ended membership carries no role, grant, assignment or delegation that stands."""
    ended = {m.id for m in changes.written("Membership") if m.state == "ENDED"}
    for record_type, column, states in _CARRIED:
        standing = [r for r in changes.written(record_type) if r.state in states]
        standing += [r for r in rows.naming(record_type, column, ended) if r.state in states]
        memberships = all_of(rows, "Membership", [getattr(record, column) for record in standing])
        for record in standing:
            membership = memberships[getattr(record, column)]
            if membership.state == "ENDED":
                broken("I7", f"{name_of(record)} stands and {name_of(membership)} has ended")


def check_grantor(changes: Changes, rows: Rows) -> None:
    """I8, I9: a live grant needs its grantor's role, stays within that role's term, and is never to oneself."""
    touched = [assignment.id for assignment in changes.written("RoleAssignment")]
    for record_type in _GRANTS:
        written = changes.written(record_type)
        live = {grant.id: grant for grant in written if grant.state in LIVE_GRANT}
        live.update((g.id, g) for g in rows.naming(record_type, "grantor_id", touched) if g.state in LIVE_GRANT)
        grantors = all_of(rows, "RoleAssignment", [grant.grantor_id for grant in (*live.values(), *written)])
        for grant in live.values():
            grantor = grantors[grant.grantor_id]
            if grantor.state != "ACTIVE":
                broken("I8", f"{name_of(grant)} stands and {name_of(grantor)} of its grantor does not")
            if grant.valid_from < grantor.valid_from or grant.valid_to > grantor.valid_to:
                broken("I9", f"{name_of(grant)} reaches beyond the term of {name_of(grantor)}")
        for grant in written if record_type == "SealGrant" else ():
            if grantors[grant.grantor_id].membership_id == grant.membership_id:
                broken("I9", f"{name_of(grant)} is granted to its own grantor")


def check_sub_grants(changes: Changes, rows: Rows) -> None:
    """I9: a live sub-grant comes from a standing grant that may be passed on, and is in nothing wider than that."""
    touched = touched_grants(changes) - {change.id for change in changes.of("SealGrant") if _only_counts(change)}
    if not touched:
        return
    below = {grant.id: grant for grant in rows.naming("SealGrant", "parent_id", touched)}
    grants = {**rows.get("SealGrant", touched), **below}
    subs = [grant for grant in grants.values() if grant.parent_id is not None and grant.state in LIVE_GRANT]
    if not subs:
        return
    parents = all_of(rows, "SealGrant", {sub.parent_id for sub in subs})
    grantors = all_of(rows, "RoleAssignment", {sub.grantor_id for sub in subs})
    involved = {*parents, *(sub.id for sub in subs)}
    types, templates = terms_of_grants(rows, involved)
    for sub in subs:
        parent = parents[sub.parent_id]
        if parent.state not in _STANDING_PARENT or not parent.may_subgrant:
            broken("I9", f"{name_of(sub)} stands and {name_of(parent)} does not, or may not be passed on")
        if grantors[sub.grantor_id].membership_id != parent.membership_id:
            broken("I9", f"{name_of(sub)} is not granted by the member who holds {name_of(parent)}")
        broader = wider(sub, parent, types, templates)
        if broader:
            broken("I9", f"{name_of(sub)} is wider than {name_of(parent)} in `{broader}`")


def _only_counts(change: Change) -> bool:
    """Tell whether a grant is used, or a use given back, and nothing else: its terms are what they were."""
    before, after = change.before, change.after
    if before is None or after is None or before.used == after.used:
        return False
    return bool(replace(before, used=after.used) == after)


def wider(sub: Any, parent: Any, types: dict[str, set[Any]], templates: dict[str, set[Any]]) -> str:
    """Say in what a grant is wider than the one that it comes from; empty where in nothing."""
    if sub.seal_id != parent.seal_id:
        return "seal_id"
    if sub.right != parent.right:
        return "right"
    if sub.valid_from < parent.valid_from:
        return "valid_from"
    if sub.valid_to > parent.valid_to:
        return "valid_to"
    if sub.use_limit > parent.use_limit:
        return "use_limit"
    if parent.currency and (sub.currency != parent.currency or sub.amount_max > parent.amount_max):
        return "amount_max"
    if parent.scope == "LISTED_TYPES" and (sub.scope != parent.scope or not types[sub.id] <= types[parent.id]):
        return "scope"
    if templates[parent.id] and not (templates[sub.id] and templates[sub.id] <= templates[parent.id]):
        return "templates"
    return ""


def touched_grants(changes: Changes) -> set[str]:
    """Return the ids of the grants that are written, or of which a term in a record of its own is."""
    listed = (*changes.of("GrantContractType"), *changes.of("GrantTemplate"))
    touched = {change.id for change in changes.of("SealGrant")}
    return touched | {side.grant_id for change in listed for side in (change.before, change.after) if side is not None}


def terms_of_grants(rows: Rows, ids: Collection[str]) -> tuple[dict[str, set[Any]], dict[str, set[Any]]]:
    """Return the contract types and the templates of grants, by the grant that they are of."""
    types = _listed_by_grant(rows.naming("GrantContractType", "grant_id", ids), "contract_type")
    return types, _listed_by_grant(rows.naming("GrantTemplate", "grant_id", ids), "template_id", "initiator_id")


def _listed_by_grant(records: Iterable[Any], *columns: str) -> dict[str, set[Any]]:
    """Return what the rows list in these columns, by the grant that they are of."""
    listed: dict[str, set[Any]] = defaultdict(set)
    for record in records:
        listed[record.grant_id].add(tuple(getattr(record, column) for column in columns))
    return listed


def check_counts(changes: Changes, rows: Rows) -> None:
    """I10: what uses a sub-grant up uses the grant that it comes from up as well, in the same write."""
    taken: dict[str, int] = defaultdict(int)
    given: dict[str, int] = defaultdict(int)
    for change in changes.of("SealGrant"):
        if change.before is None or change.after is None:
            continue
        count = change.after.used - change.before.used
        given[change.after.id] = count
        if change.after.parent_id is not None:
            taken[change.after.parent_id] += count
    for parent_id, count in sorted(taken.items()):
        if given[parent_id] < count:
            broken("I10", f"`SealGrant:{parent_id}` does not count the uses of the grants that come from it")


def check_holders(changes: Changes, rows: Rows) -> None:
    """U-20: a seal is granted to another enterprise than its owner, and that one names members of its own."""
    grants = changes.written("CrossEnterpriseGrant")
    seals = all_of(rows, "Seal", [grant.seal_id for grant in grants])
    for grant in grants:
        if grant.holder_id == seals[grant.seal_id].enterprise_id:
            broken("U-20", f"{name_of(grant)} is granted to the owner of the seal")
    named = changes.written("HolderAssignment")
    held = all_of(rows, "CrossEnterpriseGrant", [assignment.grant_id for assignment in named])
    memberships = all_of(rows, "Membership", [assignment.membership_id for assignment in named])
    for assignment in named:
        if memberships[assignment.membership_id].enterprise_id != held[assignment.grant_id].holder_id:
            broken("U-20", f"{name_of(assignment)} names a member who is not the holder's")


def check_emergency(changes: Changes, rows: Rows) -> None:
    """U-24, I14: an emergency use is under a grant for emergencies, for a task of the seal's owner, and approved by
    somebody else than its user.
    """
    uses = changes.written("EmergencyUse")
    grants = all_of(rows, "SealGrant", [use.grant_id for use in uses])
    approved = [use for use in uses if use.approved_by_id is not None]
    represented = [use for use in uses if use.representative_id is not None]
    users = [grants[use.grant_id].membership_id for use in (*approved, *represented)]
    memberships = all_of(rows, "Membership", [*users, *(use.approved_by_id for use in approved)])
    seals = all_of(rows, "Seal", [grant.seal_id for grant in grants.values()])
    owners = {grant.id: seals[grant.seal_id].enterprise_id for grant in grants.values()}
    tasks = all_of(rows, "SigningTask", [use.task_id for use in uses if use.task_id is not None])
    parties = all_of(rows, "Signatory", [task.signatory_id for task in tasks.values()])
    for use in uses:
        if grants[use.grant_id].right != "EMERGENCY":
            broken("U-24", f"{name_of(use)} is not under a grant for emergencies")
        if use.task_id is not None and parties[tasks[use.task_id].signatory_id].enterprise_id != owners[use.grant_id]:
            broken("U-24", f"{name_of(use)} is for a task of somebody else than the owner of the seal")
    approvers = [memberships[use.approved_by_id].person_id for use in approved]
    approvers += [use.representative_id for use in represented]
    for use, user, approver in zip((*approved, *represented), users, approvers, strict=True):
        if approver == memberships[user].person_id:
            broken("I14", f"{name_of(use)} is approved by its own user")


def check_approver(changes: Changes, rows: Rows) -> None:
    """I14, U-04: nobody approves their own request, and a step that is approved is one of the request's process."""
    requests = {request.id: request for request in changes.written("SealUseRequest")}
    approvals = {approval.id: approval for approval in changes.written("Approval")}
    approvals.update((a.id, a) for a in rows.naming("Approval", "request_id", requests.keys()))
    requests.update(all_of(rows, "SealUseRequest", [approval.request_id for approval in approvals.values()]))
    members = [a.approver_id for a in approvals.values()] + [r.applicant_id for r in requests.values()]
    memberships = all_of(rows, "Membership", members)
    steps = all_of(rows, "ProcessStep", [a.step_id for a in approvals.values() if a.step_id is not None])
    for approval in approvals.values():
        request = requests[approval.request_id]
        if memberships[approval.approver_id].person_id == memberships[request.applicant_id].person_id:
            broken("I14", f"{name_of(approval)} is by the applicant of its request")
        if approval.step_id is not None and steps[approval.step_id].process_id != request.process_id:
            broken("U-04", f"{name_of(approval)} is on a step that is not of its request's process")


def check_faces(changes: Changes, rows: Rows) -> None:
    """S-02: the face of a seal that is beyond its review changes only to one that a review of the seal has passed."""
    changed = [
        change.after
        for change in changes.of("Seal")
        if None not in (change.before, change.after)
        and change.before.face_digest != change.after.face_digest
        and change.after.state not in ("DRAFT", "PENDING_REVIEW", "REVIEW_REJECTED")
    ]
    passed = {
        (review.seal_id, review.face_digest)
        for review in rows.naming("SealReview", "seal_id", [seal.id for seal in changed])
        if review.state == "PASSED"
    }
    for seal in changed:
        if (seal.id, seal.face_digest) not in passed:
            said = "has another face, which no review has passed: a changed face goes back to PENDING_REVIEW"
            broken("S-02", f"{name_of(seal)} {said}")


def check_face_reviewer(changes: Changes, rows: Rows) -> None:
    """I14: nobody decides the review that they submitted, by whichever membership, unless they are the only member."""
    reviews = changes.filled("SealReview", "decided_by_id")
    members = [member for review in reviews for member in (review.decided_by_id, review.submitted_by_id)]
    memberships = all_of(rows, "Membership", members)
    for review in reviews:
        decider = memberships[review.decided_by_id]
        if decider.person_id != memberships[review.submitted_by_id].person_id:
            continue
        if _has_colleague(decider, rows):
            broken("I14", f"{name_of(review)} is decided by who submitted it")


def check_outings(changes: Changes, rows: Rows) -> None:
    """A-09: a thing is carried out, and lost where its seal is lost; somebody else than its holder takes it back.

    Where nobody else belongs to the enterprise, the holder does.
    """
    outings = changes.written("SealOuting")
    seals = all_of(rows, "Seal", [outing.seal_id for outing in outings])
    for outing in outings:
        if seals[outing.seal_id].category != "PHYSICAL":
            broken("A-09", f"{name_of(outing)} is of a seal that is no thing")
    for change in changes.of("SealOuting"):
        if change.before is None or change.after is None or change.after.state != "LOST":
            continue
        if seals[change.after.seal_id].state not in ("LOST", "REVOKED", "DESTROYED"):
            broken("A-09", f"{name_of(change.after)} is lost, and its seal is not reported lost")
    returned = changes.filled("SealOuting", "received_by_id")
    members = [member for outing in returned for member in (outing.received_by_id, outing.holder_id)]
    memberships = all_of(rows, "Membership", members)
    for outing in returned:
        receiver = memberships[outing.received_by_id]
        if receiver.person_id == memberships[outing.holder_id].person_id and _has_colleague(receiver, rows):
            broken("A-09", f"{name_of(outing)} is taken back by its holder")


def _has_colleague(membership: Any, rows: Rows) -> bool:
    """Tell whether somebody else belongs to the enterprise of a membership, suspended or not."""
    others = rows.naming("Membership", "enterprise_id", {membership.enterprise_id})
    return any(other.person_id != membership.person_id and other.state != "ENDED" for other in others)


def check_uses(changes: Changes, rows: Rows) -> None:
    """I15, U-20: a seal was used for its owner's task, under a grant on it, by a holder that it was granted to."""
    uses = [change.after for change in changes.of("SealUse") if change.before is None]
    seals = all_of(rows, "Seal", [use.seal_id for use in uses])
    tasks = all_of(rows, "SigningTask", [use.task_id for use in uses])
    signatories = all_of(rows, "Signatory", [task.signatory_id for task in tasks.values()])
    grants = all_of(rows, "SealGrant", [use.grant_id for use in uses if use.grant_id is not None])
    held_seals = {use.seal_id for use in uses if use.holder_id is not None}
    held = {(g.seal_id, g.holder_id) for g in rows.naming("CrossEnterpriseGrant", "seal_id", held_seals)}
    for use in uses:
        if seals[use.seal_id].enterprise_id != signatories[tasks[use.task_id].signatory_id].enterprise_id:
            broken("SAME_ENTERPRISE", f"{name_of(use)} names a seal that is not the signatory's")
        if use.grant_id is not None and grants[use.grant_id].seal_id != use.seal_id:
            broken("I15", f"{name_of(use)} names a grant on another seal")
        if use.holder_id is not None and (use.seal_id, use.holder_id) not in held:
            broken("U-20", f"{name_of(use)} names a holder to whom the seal was never granted")


RIGHTS = (
    Invariant(check_ended, standing=("Membership", "RoleAssignment", "SealGrant", "HolderAssignment", "Delegation")),
    Invariant(check_grantor, standing=("RoleAssignment", "SealGrant", "OpenGrant", "CrossEnterpriseGrant")),
    Invariant(check_sub_grants, standing=("SealGrant", "GrantContractType", "GrantTemplate")),
    Invariant(check_counts),
    Invariant(check_holders),
    Invariant(check_emergency),
    Invariant(check_approver),
    Invariant(check_faces),
    Invariant(check_face_reviewer),
    Invariant(check_outings),
    Invariant(check_uses),
)
