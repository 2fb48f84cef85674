"""What holds of an organisation's people together: members who are known, and an administrator."""

from __future__ import annotations

from typing import Any

from sealauthz.schema.changes import Changes, Invariant, Rows, all_of, broken, name_of


def check_administrator(changes: Changes, rows: Rows) -> None:
    """I4: an authenticated, active enterprise keeps an active system administrator.

    For how long is not asked here: a role that ends soon is true all the same. The acts by which an administrator stops
    being one ask whether another remains (M-08, `another_administrator`).

    INVARIANT: it has had one before the write. So only what takes one away, or calls for one, is looked at: members
    come and go, and there may be very many of them.
    """
    # What stands, as an import leaves it, comes as a change of itself.
    touched = {
        c.id for c in changes.of("Enterprise") if c.before is c.after or c.before is None or not _is_operating(c.before)
    }
    touched |= _without_administrator(changes, rows)
    operating = {
        enterprise.id for enterprise in all_of(rows, "Enterprise", touched).values() if _is_operating(enterprise)
    }
    active = {
        membership.id: membership.enterprise_id
        for membership in rows.naming("Membership", "enterprise_id", operating)
        if membership.state == "ACTIVE"
    }
    administered = {
        active[assignment.membership_id]
        for assignment in rows.naming("RoleAssignment", "membership_id", active.keys())
        if _is_administrator(assignment)
    }
    for enterprise_id in sorted(operating - administered):
        broken("I4", f"`Enterprise:{enterprise_id}` would have no active system administrator")


def _without_administrator(changes: Changes, rows: Rows) -> set[str]:
    """The enterprises of which one who administers is no longer active, or has the role no longer."""
    lost = {
        c.before.membership_id
        for c in changes.of("RoleAssignment")
        if c.before and _is_administrator(c.before) and not (c.after and _is_administrator(c.after))
    }
    left = {
        c.id: c.before.enterprise_id
        for c in changes.of("Membership")
        if c.before and c.before.state == "ACTIVE" and not (c.after and c.after.state == "ACTIVE")
    }
    administered = rows.naming("RoleAssignment", "membership_id", left)
    gone = {left[assignment.membership_id] for assignment in administered if _is_administrator(assignment)}
    return gone | {membership.enterprise_id for membership in all_of(rows, "Membership", lost).values()}


def _is_operating(enterprise: Any) -> bool:
    return bool(enterprise.auth_state == "AUTHENTICATED" and enterprise.operating_state == "ACTIVE")


def _is_administrator(assignment: Any) -> bool:
    return bool(assignment.role == "SYSTEM_ADMIN" and assignment.state == "ACTIVE")


def check_verified(changes: Changes, rows: Rows) -> None:
    """I5: who is or becomes an active member has a verified real name (revoking it later is always possible)."""
    active = [membership for membership in changes.written("Membership") if membership.state == "ACTIVE"]
    persons = all_of(rows, "Person", [membership.person_id for membership in active])
    for membership in active:
        if persons[membership.person_id].realname_state != "VERIFIED":
            broken("I5", f"`Membership:{membership.id}` is active and its person's real name is not verified")


def check_departments(changes: Changes, rows: Rows) -> None:
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


def check_reviewer(changes: Changes, rows: Rows) -> None:
    """R-08: a review is made from a reviewer's post that is held."""
    reviews = changes.written("RetrievalReview")
    posts = all_of(rows, "PlatformStaff", [review.staff_id for review in reviews])
    for review in reviews:
        post = posts[review.staff_id]
        if post.duty != "REVIEWER" or post.state != "ACTIVE":
            broken("R-08", f"`RetrievalReview:{review.id}` is not made from an active post of a reviewer")


def check_certifier(changes: Changes, rows: Rows) -> None:
    """M-15: a certification is decided by who has or had a reviewer's post on the platform's staff.

    Posts stay on record when they end, and a certification may come from before, so that one that ended is enough.
    """
    decided = changes.filled("EnterpriseAuthentication", "reviewer_id")
    posts = rows.naming("PlatformStaff", "person_id", {certification.reviewer_id for certification in decided})
    reviewers = {post.person_id for post in posts if post.duty == "REVIEWER"}
    for certification in decided:
        if certification.reviewer_id not in reviewers:
            broken("M-15", f"`EnterpriseAuthentication:{certification.id}` is not decided from the post of a reviewer")


def check_executed(changes: Changes, rows: Rows) -> None:
    """R-13: an executed case says when that was: what the applicant and those whom they put in office may do at first
    counts from then.
    """
    for case in changes.written("RetrievalCase"):
        if case.state == "EXECUTED" and not case.executed_at:
            broken("R-13", f"{name_of(case)} is executed and does not say when (`executed_at`)")


def check_accounts(changes: Changes, rows: Rows) -> None:
    """I5: an account that names the one that counts names no third by it: all accounts of a human name one.

    So whose accounts there are is known with the one that counts, and nobody is lost behind another one.
    """
    linked = [person for person in changes.written("Person") if person.same_as_id is not None]
    named = all_of(rows, "Person", [person.same_as_id for person in linked])
    for person in linked:
        counting = named[person.same_as_id]
        if counting.same_as_id is not None:
            broken("I5", f"`Person:{person.id}` is the account of somebody whose account `Person:{counting.id}` is not")
    for other in rows.naming("Person", "same_as_id", {person.id for person in linked}):
        broken("I5", f"`Person:{other.id}` names `Person:{other.same_as_id}`, which is not the account that counts")


MEMBERS = (Invariant(check_departments), Invariant(check_verified), Invariant(check_accounts))


ADMINISTRATORS = (
    Invariant(check_reviewer),
    Invariant(check_certifier),
    Invariant(check_executed),
    Invariant(check_administrator, standing=("Enterprise", "Membership", "RoleAssignment")),
)
