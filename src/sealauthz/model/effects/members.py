"""What follows when somebody comes, goes, gets a role or loses it: all of it at once, each record once.

A role that ends takes the grants that were given under it, and a membership that ends takes everything that it carries
(I7, I8). A suspension takes nothing: what a member had stands still and comes back with a reinstatement (A-11).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sealauthz.model.effects.acting import is_live
from sealauthz.model.records.cross_grants import HolderState
from sealauthz.model.records.delegations import DelegationState
from sealauthz.model.records.grants import GrantState
from sealauthz.model.records.membership import (
    AssignmentState,
    EndReason,
    JoinedVia,
    Membership,
    MembershipState,
    Role,
    RoleAssignment,
)
from sealauthz.model.records.organisation import SubscriptionState
from sealauthz.model.right_invariants import LIVE_GRANT
from sealauthz.schema import FOREVER, Act, Event, Instant, Put, RecordChange, Update
from sealauthz.schema.action import Snapshot

EVENTS = {
    "APPLICATION_REROUTED": "An application to join waits for another administrator now.",
    "ROLE_ENDED": "A member lost a role.",
    "GRANT_INVALIDATED": "A right on a seal ended with the role under which it was given.",
}


_STANDING = LIVE_GRANT | {"EXHAUSTED"}


def is_within_time(dated: Any, now: Instant) -> bool:
    """Tell whether something has begun and is not over."""
    return bool(dated.valid_from <= now < dated.valid_to)


def live_membership(enterprise: Any, person_id: str, now: Instant) -> Any:
    """Return the live membership of a person in an enterprise; None if there is none."""
    own = enterprise.memberships
    return next((each for each in own if each.person_id == person_id and is_live(each, now)), None)


def administrators(enterprise: Any, now: Instant, but: frozenset[str] = frozenset()) -> list[Any]:
    """Return the memberships of the administrators who can be turned to, the one first who is named to outsiders: the
    primary one, else the one who joined first. `but` are ids of memberships that do not count.
    """
    found: list[tuple[bool, Instant, str, Any]] = []
    for membership in enterprise.memberships:
        person = membership.person
        if membership.id in but or not is_live(membership, now):
            continue
        if (person.account_state, person.realname_state) != ("ACTIVE", "VERIFIED"):
            continue
        posts = [
            assignment
            for assignment in membership.assignments
            if assignment.role == "SYSTEM_ADMIN" and assignment.state == "ACTIVE" and is_within_time(assignment, now)
        ]
        if posts:
            is_other = not any(assignment.is_primary for assignment in posts)
            found.append((is_other, membership.joined_at, membership.id, membership))
    return [each[-1] for each in sorted(found, key=lambda each: each[:-1])]


class Ending:
    """What ends at once, in one enterprise: each record once, for the first reason that it ends for."""

    def __init__(self, snapshot: Snapshot, now: Instant, enterprise: Any) -> None:
        self._snapshot = snapshot
        self._now = now
        self._enterprise = enterprise
        self._found: dict[tuple[str, str], Update] = {}
        self.events: list[Event] = []

    @property
    def changes(self) -> tuple[RecordChange, ...]:
        """What changes, in the order in which it was found."""
        return tuple(self._found.values())

    def has(self, record: Any) -> bool:
        """Tell whether a record ends."""
        return (type(record).__name__, record.id) in self._found

    def _end(self, record: Any, **values: Any) -> bool:
        """Note the end of a record; False if that is known."""
        if self.has(record):
            return False
        key = (type(record).__name__, record.id)
        self._found[key] = Update(*key, values)
        return True

    def membership(self, membership: Any, reason: EndReason, at: Instant | None = None) -> None:
        """End a membership with its roles, the grants to it, its delegations both ways, its places as a holder of
        another enterprise's seal, and its watches. `at` is when its time was over, where that is what ends it: then its
        roles, and the grants to it and under them, have expired with it.
        """
        is_by_time = at is not None
        ended_at = self._now if at is None else at
        if not self._end(membership, state=MembershipState.ENDED, ended_at=ended_at, end_reason=reason):
            return
        for assignment in membership.assignments:
            self.assignment(assignment, is_by_time=is_by_time)
        for grant in membership.grants:
            self.grant(grant, None if is_by_time else "GRANTEE_LEFT")
        for delegation in (*membership.delegations_given, *membership.delegations_received):
            self.delegation(delegation)
        for subscription in self._enterprise.monitors:
            if subscription.leader_id == membership.id and subscription.state == "ACTIVE":
                self._end(subscription, state=SubscriptionState.ENDED)
        # They are kept with the seals of their owners.
        named = self._snapshot.matching("HolderAssignment", membership_id=membership.id, state="ACTIVE")
        for assignment_id in named:
            key = ("HolderAssignment", assignment_id)
            self._found.setdefault(key, Update(*key, {"state": HolderState.REVOKED}))

    def assignment(self, assignment: Any, is_by_time: bool = False) -> None:
        """End a role, with every grant that was given under it: the successor gives new ones, or adopts them before."""
        if assignment.state != "ACTIVE":
            return
        now = self._now
        if is_by_time or assignment.valid_to <= now:  # it was over before
            if self._end(assignment, state=AssignmentState.EXPIRED):
                self._grants_under(assignment, None)
        elif self._end(assignment, state=AssignmentState.REVOKED, revoked_at=now):
            self._grants_under(assignment, "ADMIN_CHANGED")
            values = {"assignment_id": assignment.id, "role": str(assignment.role)}
            self._tell("ROLE_ENDED", assignment, (assignment.membership.person_id,), values)

    def _grants_under(self, assignment: Any, reason: str | None) -> None:
        for seal in self._enterprise.seals:
            for grant in (*seal.grants, *seal.open_grants, *seal.cross_grants):
                if grant.grantor_id == assignment.id:
                    self.grant(grant, reason)

    def grant(self, grant: Any, reason: str | None) -> None:
        """End a grant that stands, with what was passed on of it; without a reason it has only expired."""
        ended: dict[str, Any] = {"state": GrantState.EXPIRED}
        if reason is not None:
            ended = {"state": GrantState.INVALIDATED, "invalid_reason": reason}
        if grant.state not in _STANDING or not self._end(grant, **ended):
            return
        if reason is not None and type(grant).__name__ == "SealGrant":
            self._tell("GRANT_INVALIDATED", grant, (grant.membership.person_id,), {"seal_id": grant.seal_id})
        for other in grant.seal.grants if type(grant).__name__ == "SealGrant" else ():
            if other.parent_id == grant.id:
                self.grant(other, reason)

    def delegation(self, delegation: Any) -> None:
        """Let a delegation lapse that stands or waits."""
        if delegation.state in ("PENDING_ACCEPT", "ACTIVE"):
            self._end(delegation, state=DelegationState.LAPSED)

    def reroute(self, to_id: str | None, to_person: str | None, but: str = "") -> None:
        """Give the open applications that waited for somebody who is no administrator any more to another one; but for
        those of a person.
        """
        now = self._now
        for application in self._enterprise.applications:
            if application.state != "PENDING" or application.expires_at <= now or application.person_id == but:
                continue
            handler = application.handler
            if handler is not None and self._still_administers(handler):
                continue
            if application.handler_id != to_id and self._end(application, handler_id=to_id):
                told = () if to_person is None else (to_person,)
                self._tell(
                    "APPLICATION_REROUTED",
                    application,
                    told,
                    {"application_id": application.id, "expires_at": application.expires_at},
                )

    def _still_administers(self, membership: Any) -> bool:
        now = self._now
        return is_live(membership, now) and any(
            each.role == "SYSTEM_ADMIN"
            and each.state == "ACTIVE"
            and is_within_time(each, now)
            and not self.has(each)
            and not self.has(membership)
            for each in membership.assignments
        )

    def reroute_to_named(self) -> None:
        """Give them to the administrator who is named to outsiders after all this."""
        now = self._now
        left = (each for each in administrators(self._enterprise, now) if self._still_administers(each))
        named = next(left, None)
        self.reroute(named and named.id, named and named.person_id)

    def _tell(self, code: str, record: Any, recipients: tuple[str, ...], values: dict[str, Any]) -> None:
        about = (type(record).__name__, record.id)
        self.events.append(Event(code, self._enterprise.id, about, recipients, values))


def take_in(
    act: Act, ending: Ending, enterprise: Any, person_id: str, via: JoinedVia, department_id: str | None = None
) -> tuple[str, Any, list[RecordChange]]:
    """Make a person a present member: return the id of the membership, the one that there was, and what changes.

    One that is suspended is lifted, where the policies let the person act all the same. One whose time is over has
    ended: joining again makes a new one, so that old grants stay dead.
    """
    own = [each for each in enterprise.memberships if each.person_id == person_id and each.state != "ENDED"]
    for membership in own:
        if act.now < membership.ended_at:
            lifted = membership.state == "SUSPENDED"
            return membership.id, membership, [act.set(membership, state=MembershipState.ACTIVE)] if lifted else []
        ending.membership(membership, membership.end_reason or EndReason.REMOVED, membership.ended_at)
    made = Membership(
        act.new_id(f"membership {person_id}"), person_id, enterprise.id, via, act.now, department_id=department_id
    )
    return made.id, None, [Put(made)]


def give_role(
    act: Act,
    ending: Ending,
    role: Role,
    membership_id: str,
    membership: Any,
    given_by: str | None,
    **values: Any,
) -> tuple[str, list[RecordChange]]:
    """Give a role to a membership: return the id of the assignment, and what changes.

    A role that the member has now is kept. One that is over, or has not begun, ends for the new one. `membership` is
    None where the membership is made in the same act; `given_by` is None where the role comes from no person.
    """
    held = next((each for each in held_roles(membership) if each.role == role), None)
    if held is not None and is_within_time(held, act.now) and not ending.has(held):
        is_risen = bool(values.get("is_primary")) and not held.is_primary
        return held.id, [act.set(held, is_primary=True)] if is_risen else []
    if held is not None:
        ending.assignment(held)
    made = RoleAssignment(
        act.new_id(f"role {role} {membership_id}"),
        membership_id,
        role,
        granted_by_id=given_by,
        **{"valid_from": act.now, "valid_to": FOREVER, **values},
    )
    return made.id, [Put(made)]


def held_roles(membership: Any) -> Iterator[Any]:
    """Return the assignments of a membership that nobody has ended, whatever their time."""
    for assignment in () if membership is None else membership.assignments:
        if assignment.state == "ACTIVE":
            yield assignment


def administrators_of(enterprise: Any) -> Iterator[Any]:
    """Return every assignment of an administrator that nobody has ended: of suspended members and of any time, too."""
    for membership in enterprise.memberships:
        for assignment in held_roles(membership):
            if assignment.role == "SYSTEM_ADMIN":
                yield assignment


def persons_of(memberships: Iterable[Any]) -> tuple[str, ...]:
    """Return the persons behind memberships, each once, in order."""
    return tuple(dict.fromkeys(membership.person_id for membership in memberships))
