"""The invariants that no row constraint can carry, checked inside the transaction that could break them.

Each check looks only at what the transaction changed and at the rows next to it; the locks that the writer holds on the
enterprises, contracts and persons concerned make that enough.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from sealauthz.domain import RECORDS, shape_of
from sealauthz.domain.identifiers import uscc_problem
from sealauthz.errors import InvariantBroken
from sealauthz.facts.units import HOME_KEY, ROOTS, Rows, UnitKind, home_kind, homes_of

_LIVE_GRANT = frozenset({"PENDING_CONFIRM", "PENDING_EFFECT", "ACTIVE"})
_TERMINAL_SEAL = frozenset({"REVOKED", "DESTROYED"})

_FIXED: Mapping[str, Sequence[tuple[str, str]]] = {
    # Another person in the same membership would inherit its roles and grants: joining again makes a new one.
    "Membership": (("I3", "person_id"),),
    "IdentityVerification": (
        ("I12", "person_id"),
        ("I12", "method"),
        ("I12", "purpose"),
        ("I12", "provider_ref"),
        ("I12", "bound_type"),
        ("I12", "bound_id"),
        ("I12", "bound_digest"),
    ),
    # Whoever is a party stays the same party: tasks, fixed seals and the rights of callers hang on it.
    "Contract": (("C-02", "initiator_id"),),
    "Signatory": (("C-02", "kind"), ("C-02", "person_id"), ("C-02", "enterprise_id")),
}
"""Columns that never change, beside the home keys, with the invariant that says so."""

_RISING: Mapping[str, str] = {"SealGrant": "used", "SealUseRequest": "used"}


@dataclass(frozen=True, slots=True)
class Change:
    """One record before and after the transaction; None where it does not exist."""

    record_type: str
    id: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"`{self.record_type}:{self.id}`"


class Changes:
    """What a transaction changes, by record type."""

    def __init__(self, changes: Iterable[Change]) -> None:
        self._by_type: dict[str, list[Change]] = defaultdict(list)
        for change in changes:
            self._by_type[change.record_type].append(change)

    def __iter__(self) -> Iterator[Change]:
        for changes in self._by_type.values():
            yield from changes

    def __bool__(self) -> bool:
        return bool(self._by_type)

    def of(self, record_type: str) -> Sequence[Change]:
        """Return the changes of one type."""
        return self._by_type.get(record_type, ())

    def written(self, record_type: str) -> list[Any]:
        """Return the records of one type that were inserted or updated, as they are now."""
        return [change.after for change in self.of(record_type) if change.after is not None]


def check_each(changes: Changes) -> None:
    """Check what one record's own past and present decide. Raises InvariantBroken."""
    for change in changes:
        if change.after is None:
            if shape_of(RECORDS[change.record_type]).is_permanent:
                _broken("I17", f"{change} is history and is never deleted")
        elif change.before is None:
            if change.record_type == "Enterprise":
                _check_uscc(change)
        else:
            _check_edit(change)


def _check_edit(change: Change) -> None:
    """Check what an edit of a record may not touch."""
    before, after = change.before, change.after
    home_key = HOME_KEY.get(change.record_type)
    fixed = _FIXED.get(change.record_type, ())
    for invariant, column in (*fixed, *([("HOME", home_key)] if home_key else ())):
        if getattr(before, column) != getattr(after, column):
            _broken(invariant, f"{change} must keep its `{column}`")
    rising = _RISING.get(change.record_type)
    if rising is not None and getattr(after, rising) < getattr(before, rising):
        _broken("I10", f"{change} must not lower `{rising}`")
    match change.record_type:
        case "Enterprise":
            if before.auth_state == "AUTHENTICATED" and before.uscc != after.uscc:
                _broken("I2", f"{change} is authenticated and must keep its `uscc`")
            _check_uscc(change)
        case "Seal":
            if before.state in _TERMINAL_SEAL and before.state != after.state:
                _broken("I11", f"{change} is {before.state.lower()} for ever")
        case "IdentityVerification":
            if before.state == "CONSUMED" and (after.state, after.consumed_at) != ("CONSUMED", before.consumed_at):
                _broken("I12", f"{change} is consumed for ever")
        case _:
            pass


def _check_uscc(change: Change) -> None:
    """Check the enterprise's USCC."""
    problem = uscc_problem(change.after.uscc)
    if problem is not None:
        _broken("I2", f"{change} has a `uscc` that is not valid: {problem}")


def check_references(records: Collection[Any], rows: Rows) -> None:
    """Check that every key names a record that exists. Raises InvariantBroken `REFERENCE`."""
    wanted: dict[str, dict[str, tuple[Any, str]]] = defaultdict(dict)
    for record in records:
        cls: type = type(record)
        for column in shape_of(cls).columns:
            target = getattr(record, column.name)
            if column.ref is not None and target is not None:
                wanted[column.ref].setdefault(target, (record, column.name))
    for record_type, targets in wanted.items():
        found = rows.get(record_type, targets.keys())
        for target, (record, column_name) in targets.items():
            if target not in found:
                name = f"`{type(record).__name__}:{record.id}`"
                _broken("REFERENCE", f"{name} names `{record_type}:{target}` in `{column_name}`, which does not exist")


def check_together(changes: Changes, rows: Rows) -> None:
    """Check what several records decide together, on the rows as written. Raises InvariantBroken."""
    for check in _TOGETHER:
        check(changes, rows)


def _check_same_enterprise(changes: Changes, rows: Rows) -> None:
    """SAME_ENTERPRISE: what a record of an enterprise names in an enterprise is in the same one."""
    keys: list[tuple[Any, str, str, str]] = []
    wanted: dict[str, set[str]] = defaultdict(set)
    for change in changes:
        record = change.after
        if record is None or home_kind(change.record_type) != UnitKind.ENTERPRISE:
            continue
        for column in shape_of(RECORDS[change.record_type]).columns:
            target = getattr(record, column.name)
            if column.ref is None or target is None or column.ref in ROOTS:
                continue
            if column.name == HOME_KEY.get(change.record_type) or home_kind(column.ref) != UnitKind.ENTERPRISE:
                continue
            keys.append((record, column.name, column.ref, target))
            wanted[column.ref].add(target)
    found = {record_type: _all(rows, record_type, ids) for record_type, ids in wanted.items()}
    sides = [(record, column_name, found[ref][target]) for record, column_name, ref, target in keys]
    homes = homes_of([record for side in sides for record in (side[0], side[2])], rows)
    for record, column_name, named in sides:
        record_type, named_type = type(record).__name__, type(named).__name__
        if homes.get((record_type, record.id)) != homes.get((named_type, named.id)):
            _broken(
                "SAME_ENTERPRISE",
                f"`{record_type}:{record.id}` names a record of another enterprise in `{column_name}`",
            )


def _check_fixed_seals(changes: Changes, rows: Rows) -> None:
    """SAME_ENTERPRISE: a seal fixed for a task is one of the enterprise that signs."""
    fixed = changes.written("TaskSeal")
    seals = _all(rows, "Seal", [task_seal.seal_id for task_seal in fixed])
    tasks = _all(rows, "SigningTask", [task_seal.task_id for task_seal in fixed])
    signatories = _all(rows, "Signatory", [task.signatory_id for task in tasks.values()])
    for task_seal in fixed:
        signatory = signatories[tasks[task_seal.task_id].signatory_id]
        if seals[task_seal.seal_id].enterprise_id != signatory.enterprise_id:
            _broken("SAME_ENTERPRISE", f"`TaskSeal:{task_seal.id}` names a seal that is not the signatory's")


def _check_administrator(changes: Changes, rows: Rows) -> None:
    """I4: an authenticated, active enterprise keeps an active system administrator."""
    memberships = _all(
        rows, "Membership", [a.membership_id for c in changes.of("RoleAssignment") for a in (c.before, c.after) if a]
    )
    touched = {c.id for c in changes.of("Enterprise")}
    touched |= {m.enterprise_id for c in changes.of("Membership") for m in (c.before, c.after) if m}
    touched |= {m.enterprise_id for m in memberships.values()}
    operating = {
        enterprise.id
        for enterprise in rows.get("Enterprise", touched).values()
        if enterprise.auth_state == "AUTHENTICATED" and enterprise.operating_state == "ACTIVE"
    }
    active = {
        membership.id: membership.enterprise_id
        for membership in rows.naming("Membership", "enterprise_id", operating)
        if membership.state == "ACTIVE"
    }
    administered = {
        active[assignment.membership_id]
        for assignment in rows.naming("RoleAssignment", "membership_id", active.keys())
        if assignment.role == "SYSTEM_ADMIN" and assignment.state == "ACTIVE"
    }
    for enterprise_id in sorted(operating - administered):
        _broken("I4", f"`Enterprise:{enterprise_id}` would have no active system administrator")


def _check_verified(changes: Changes, rows: Rows) -> None:
    """I5: who is or becomes an active member has a verified real name (revoking it later is always possible)."""
    active = [membership for membership in changes.written("Membership") if membership.state == "ACTIVE"]
    persons = _all(rows, "Person", [membership.person_id for membership in active])
    for membership in active:
        if persons[membership.person_id].realname_state != "VERIFIED":
            _broken("I5", f"`Membership:{membership.id}` is active and its person's real name is not verified")


def _check_ended(changes: Changes, rows: Rows) -> None:
    """I7: an ended membership carries no active role and no live grant."""
    assignments = [a for a in changes.written("RoleAssignment") if a.state == "ACTIVE"]
    grants = [g for g in changes.written("SealGrant") if g.state in _LIVE_GRANT]
    ended = {m.id for m in changes.written("Membership") if m.state == "ENDED"}
    assignments += [a for a in rows.naming("RoleAssignment", "membership_id", ended) if a.state == "ACTIVE"]
    grants += [g for g in rows.naming("SealGrant", "membership_id", ended) if g.state in _LIVE_GRANT]
    memberships = _all(rows, "Membership", [carried.membership_id for carried in (*assignments, *grants)])
    for carried in (*assignments, *grants):
        if memberships[carried.membership_id].state == "ENDED":
            name = f"{type(carried).__name__}:{carried.id}"
            _broken("I7", f"`{name}` stands and `Membership:{carried.membership_id}` has ended")


def _check_grantor(changes: Changes, rows: Rows) -> None:
    """I8, I9: a live grant needs its grantor's role, stays within that role's term, and is never to oneself."""
    written = changes.written("SealGrant")
    grants = {g.id: g for g in written if g.state in _LIVE_GRANT}
    touched = [a.id for a in changes.written("RoleAssignment")]
    grants.update((g.id, g) for g in rows.naming("SealGrant", "grantor_id", touched) if g.state in _LIVE_GRANT)
    grantors = _all(rows, "RoleAssignment", [grant.grantor_id for grant in (*grants.values(), *written)])
    for grant in grants.values():
        grantor = grantors[grant.grantor_id]
        if grantor.state != "ACTIVE":
            _broken("I8", f"`SealGrant:{grant.id}` stands and `RoleAssignment:{grantor.id}` of its grantor does not")
        if grant.valid_from < grantor.valid_from or grant.valid_to > grantor.valid_to:
            _broken("I9", f"`SealGrant:{grant.id}` reaches beyond the term of `RoleAssignment:{grantor.id}`")
    for grant in written:
        if grantors[grant.grantor_id].membership_id == grant.membership_id:
            _broken("I9", f"`SealGrant:{grant.id}` is granted to its own grantor")


def _check_approver(changes: Changes, rows: Rows) -> None:
    """I14: nobody approves their own request."""
    requests = {request.id: request for request in changes.written("SealUseRequest")}
    approvals = {approval.id: approval for approval in changes.written("Approval")}
    approvals.update((a.id, a) for a in rows.naming("Approval", "request_id", requests.keys()))
    requests.update(_all(rows, "SealUseRequest", [approval.request_id for approval in approvals.values()]))
    members = [a.approver_id for a in approvals.values()] + [r.applicant_id for r in requests.values()]
    memberships = _all(rows, "Membership", members)
    for approval in approvals.values():
        applicant = memberships[requests[approval.request_id].applicant_id]
        if memberships[approval.approver_id].person_id == applicant.person_id:
            _broken("I14", f"`Approval:{approval.id}` is by the applicant of its request")


def _check_reviewer(changes: Changes, rows: Rows) -> None:
    """R-08: a review is made from a reviewer's post that is held."""
    reviews = changes.written("RetrievalReview")
    posts = _all(rows, "PlatformStaff", [review.staff_id for review in reviews])
    for review in reviews:
        post = posts[review.staff_id]
        if post.duty != "REVIEWER" or post.state != "ACTIVE":
            _broken("R-08", f"`RetrievalReview:{review.id}` is not made from an active post of a reviewer")


_TOGETHER: Sequence[Callable[[Changes, Rows], None]] = (
    _check_same_enterprise,
    _check_fixed_seals,
    _check_verified,
    _check_ended,
    _check_grantor,
    _check_approver,
    _check_reviewer,
    _check_administrator,
)


def _all(rows: Rows, record_type: str, ids: Collection[str]) -> Mapping[str, Any]:
    """Return the records of these ids, which the foreign keys say exist."""
    return rows.get(record_type, ids) if ids else {}


def _broken(invariant: str, message: str) -> NoReturn:
    raise InvariantBroken(invariant, message)
