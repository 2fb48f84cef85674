"""Who acts: the membership and the role under which an act is on record, and how an effect refuses what it is given."""

from __future__ import annotations

from typing import Any, NoReturn

from sealauthz.runtime.errors import InvalidRequest
from sealauthz.schema import Act, Instant

_DAY = 86_400_000_000


def refuse(field: str, said: str) -> NoReturn:
    """Refuse an act for one of its fields, `arguments[member]` for example. Raises InvalidRequest."""
    raise InvalidRequest.at(field, said)


def check_length(begin: Instant, end: Instant, longest: int) -> None:
    """Refuse an end (`valid_to`) that lies further behind the beginning than a parameter allows."""
    if end - begin > longest:
        refuse("arguments[valid_to]", f"must be at most {longest // _DAY} days after the beginning")


def is_live(membership: Any, now: Instant) -> bool:
    """Tell whether a membership is active, has begun and has not ended."""
    return bool(membership.state == "ACTIVE" and membership.joined_at <= now < membership.ended_at)


def is_standing(assignment: Any, now: Instant) -> bool:
    """Tell whether a role is held now."""
    return bool(
        assignment.state == "ACTIVE"
        and assignment.valid_from <= now < assignment.valid_to
        and is_live(assignment.membership, now)
    )


def own_membership(act: Act, enterprise: Any) -> Any:
    """Return the membership under which the subject acts for an enterprise.

    A legal representative may act without one; what is on record under a membership they do as a member, as the
    policies require (`on_record.polar`).
    """
    for membership in enterprise.memberships.holding("person_id", act.subject.id):
        if is_live(membership, act.now):
            return membership
    return refuse("subject", "is no member of the enterprise, and this is on record under a membership")


def own_role(act: Act, enterprise: Any, *roles: str) -> Any:
    """Return the assignment of the subject to the first of some roles that they hold; to any where none is named."""
    standing = [a for a in own_membership(act, enterprise).assignments if is_standing(a, act.now)]
    for role in roles:
        for assignment in standing:
            if assignment.role == role:
                return assignment
    if standing and not roles:
        return standing[0]
    named = " or ".join(f"`{role}`" for role in roles) or "any role"
    return refuse("subject", f"holds no role {named} of the enterprise, under which this would be on record")


def member_of(act: Act, enterprise: Any, membership_id: str, argument: str) -> Any:
    """Return a live member of an enterprise whom an argument names. Raises InvalidRequest where there is none."""
    for membership in enterprise.memberships.holding("id", membership_id):
        if is_live(membership, act.now):
            return membership
    return refuse(f"arguments[{argument}]", "is no present member of the enterprise")
