"""The invariants that no row constraint can carry, checked inside the transaction that could break them.

Each check looks only at what the transaction changed and at the rows next to it; the locks that the writer holds on the
enterprises, contracts and persons concerned make that enough.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from sealauthz.facts.store import authority
from sealauthz.facts.store.changes import Change, Changes, all_of, broken, name_of
from sealauthz.facts.store.edits import check_details, check_edit, check_uscc
from sealauthz.facts.units import HOME_KEY, ROOTS, Rows, UnitKind, home_kind, homes_of
from sealauthz.model import RECORDS, shape_of

_ELSEWHERE = frozenset({("HolderAssignment", "membership_id")})
"""The keys that lead from a record of one enterprise into another one, and have a check of their own."""


def check_each(changes: Changes) -> None:
    """Check what one record's own past and present decide. Raises InvariantBroken."""
    for change in changes:
        if change.after is None:
            if shape_of(RECORDS[change.record_type]).is_permanent:
                broken("I17", f"{change} is history and is never deleted")
        elif change.before is None:
            if change.record_type == "Enterprise":
                check_uscc(change)
        else:
            check_edit(change)


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
                broken("REFERENCE", f"{name} names `{record_type}:{target}` in `{column_name}`, which does not exist")


def check_together(changes: Changes, rows: Rows) -> None:
    """Check what several records decide together, on the rows as written. Raises InvariantBroken."""
    for check in _TOGETHER:
        check(changes, rows)


def check_part(changes: Changes, rows: Rows, unfinished: Collection[tuple[str, str]]) -> None:
    """Check one part of an import: all but what takes the whole. Raises InvariantBroken.

    `unfinished` are the rights that the import has made in its earlier parts, by type and id.
    """
    for check in _TOGETHER:
        if check is check_details:
            check_details(changes, rows, unfinished)
        elif check not in _STANDING:
            check(changes, rows)


def check_whole(records: Iterable[Any], rows: Rows) -> None:
    """Check what is true of facts at any time, on all records of some enterprises. Raises InvariantBroken."""
    # As if each had just been written: then every check looks at it.
    changes = Changes(Change(type(record).__name__, record.id, record, record) for record in records)
    for check in _STANDING:
        check(changes, rows)


def check_same_enterprise(changes: Changes, rows: Rows) -> None:
    """SAME_ENTERPRISE: what a record of an enterprise names in an enterprise is in the same one.

    Raises InvariantBroken.
    """
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
            if (change.record_type, column.name) in _ELSEWHERE:
                continue
            if column.name == HOME_KEY.get(change.record_type) or home_kind(column.ref) != UnitKind.ENTERPRISE:
                continue
            keys.append((record, column.name, column.ref, target))
            wanted[column.ref].add(target)
    found = {record_type: all_of(rows, record_type, ids) for record_type, ids in wanted.items()}
    sides = [(record, column_name, found[ref][target]) for record, column_name, ref, target in keys]
    homes = homes_of([record for side in sides for record in (side[0], side[2])], rows)
    for record, column_name, named in sides:
        record_type, named_type = type(record).__name__, type(named).__name__
        if homes.get((record_type, record.id)) != homes.get((named_type, named.id)):
            broken(
                "SAME_ENTERPRISE",
                f"`{record_type}:{record.id}` names a record of another enterprise in `{column_name}`",
            )


def _check_fixed_seals(changes: Changes, rows: Rows) -> None:
    """SAME_ENTERPRISE: a seal fixed for a task is one of the enterprise that signs."""
    fixed = changes.written("TaskSeal")
    seals = all_of(rows, "Seal", [task_seal.seal_id for task_seal in fixed])
    tasks = all_of(rows, "SigningTask", [task_seal.task_id for task_seal in fixed])
    signatories = all_of(rows, "Signatory", [task.signatory_id for task in tasks.values()])
    for task_seal in fixed:
        signatory = signatories[tasks[task_seal.task_id].signatory_id]
        if seals[task_seal.seal_id].enterprise_id != signatory.enterprise_id:
            broken("SAME_ENTERPRISE", f"`TaskSeal:{task_seal.id}` names a seal that is not the signatory's")


def _check_administrator(changes: Changes, rows: Rows) -> None:
    """I4: an authenticated, active enterprise keeps an active system administrator."""
    memberships = all_of(
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
        broken("I4", f"`Enterprise:{enterprise_id}` would have no active system administrator")


def _check_verified(changes: Changes, rows: Rows) -> None:
    """I5: who is or becomes an active member has a verified real name (revoking it later is always possible)."""
    active = [membership for membership in changes.written("Membership") if membership.state == "ACTIVE"]
    persons = all_of(rows, "Person", [membership.person_id for membership in active])
    for membership in active:
        if persons[membership.person_id].realname_state != "VERIFIED":
            broken("I5", f"`Membership:{membership.id}` is active and its person's real name is not verified")


def _check_reviewer(changes: Changes, rows: Rows) -> None:
    """R-08: a review is made from a reviewer's post that is held."""
    reviews = changes.written("RetrievalReview")
    posts = all_of(rows, "PlatformStaff", [review.staff_id for review in reviews])
    for review in reviews:
        post = posts[review.staff_id]
        if post.duty != "REVIEWER" or post.state != "ACTIVE":
            broken("R-08", f"`RetrievalReview:{review.id}` is not made from an active post of a reviewer")


def _check_categories(changes: Changes, rows: Rows) -> None:
    """SAME_ENTERPRISE: the category of a contract is its initiator's, that of a party the party's own."""
    kept = [(contract, contract.initiator_id) for contract in changes.written("Contract")]
    kept += [(signatory, signatory.enterprise_id) for signatory in changes.written("Signatory")]
    kept = [(record, enterprise_id) for record, enterprise_id in kept if record.category_id is not None]
    categories = all_of(rows, "BusinessCategory", [record.category_id for record, _ in kept])
    for record, enterprise_id in kept:
        if categories[record.category_id].enterprise_id != enterprise_id:
            broken("SAME_ENTERPRISE", f"{name_of(record)} names a category of another enterprise")


def _check_departments(changes: Changes, rows: Rows) -> None:
    """CYCLE: no department is within itself."""
    moved = [department for department in changes.written("Department") if department.parent_id is not None]
    beside = rows.naming("Department", "enterprise_id", {department.enterprise_id for department in moved})
    above = {department.id: department.parent_id for department in beside}
    for department in moved:
        passed = {department.id}
        at = department.parent_id
        while at is not None and at not in passed:
            passed.add(at)
            at = above.get(at)
        if at is not None:
            broken("CYCLE", f"{name_of(department)} would be within itself")


_STANDING: Sequence[Callable[[Changes, Rows], None]] = (*authority.STANDING, _check_administrator)
"""Those that are true of the facts at any time. The others look at how facts change, and cannot be caught up on."""

WHOLE: Sequence[str] = (
    "Enterprise",
    "Membership",
    "RoleAssignment",
    "SealGrant",
    "GrantContractType",
    "GrantTemplate",
    "OpenGrant",
    "CrossEnterpriseGrant",
    "HolderAssignment",
    "Delegation",
)
"""The record types that `check_whole` needs to be given."""

_TOGETHER: Sequence[Callable[[Changes, Rows], None]] = (
    check_same_enterprise,
    _check_fixed_seals,
    _check_categories,
    _check_departments,
    _check_verified,
    check_details,
    *authority.CHECKS,
    _check_reviewer,
    _check_administrator,
)
