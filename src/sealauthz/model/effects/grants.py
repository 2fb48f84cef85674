"""Confirming rights on seals, with or without a letter, and taking them back; who holds another enterprise's seal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from sealauthz.model.effects.acting import member_of, refuse
from sealauthz.model.effects.new_grants import check_terms, uses_left
from sealauthz.model.effects.told import about_seal, administrators, persons, seal_administrators
from sealauthz.model.records.cross_grants import HolderAssignment, HolderState
from sealauthz.model.records.grants import GrantState, GrantTerm
from sealauthz.model.records.letters import AuthLetter, LetterState
from sealauthz.schema import Act, Duty, Event, Instant, MetBy, Outcome, Put, RecordChange
from sealauthz.schema.effect import Value
from sealauthz.schema.record import Ref

_REVOCABLE = ("PENDING_CONFIRM", "PENDING_EFFECT", "ACTIVE", "EXHAUSTED")
_IN_EFFECT = ("PENDING_EFFECT", "ACTIVE")


@dataclass(frozen=True, slots=True)
class NewTerms:
    """Other terms of a grant that nobody has confirmed yet; what is left out stays."""

    valid_from: Instant | None = None
    valid_to: Instant | None = None
    term: GrantTerm | None = None
    use_limit: int | None = None
    amount_max: int | None = None
    currency: str | None = None
    may_subgrant: bool | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A signed letter of authorisation, by the digest of the document."""

    digest: str


class LetterVerdict(StrEnum):
    """What the person who verifies a letter finds."""

    VERIFIED = "VERIFIED"
    REJECTED = "REJECTED"


_FOUND = {LetterVerdict.VERIFIED: LetterState.VERIFIED, LetterVerdict.REJECTED: LetterState.REJECTED}


@dataclass(frozen=True, slots=True)
class LetterFinding:
    """What the person who verifies a letter found."""

    verdict: LetterVerdict = LetterVerdict.VERIFIED


@dataclass(frozen=True, slots=True)
class HolderMember:
    """A member of the enterprise that holds a seal of another one."""

    member: Annotated[str, Ref("Membership")]


# --- confirming and changing ------------------------------------------------------------------------------------------


def confirm(act: Act) -> Outcome:
    """Confirm a grant: by its letter where one stands, else by the face check that this uses up.

    It is ACTIVE from then on, and gives its right in its time; what is still to begin waits for nobody to say so.
    """
    grant_, is_by_face = act.resource, "CONSUME_VERIFICATION" in act.obligations
    values: dict[str, Any] = {
        "state": GrantState.ACTIVE,
        "confirmation": "INTENT" if is_by_face else "AUTH_LETTER",
        "confirmed_by_id": act.subject.id,
        "confirmed_at": act.now,
    }
    if getattr(grant_, "adopts", None) is not None:
        if grant_.adopts.state not in _IN_EFFECT:
            refuse("resource", "goes on with a grant that has ended")
        # What was used since it was listed is not given again.
        values["use_limit"] = min(grant_.use_limit, uses_left(grant_.adopts))
    named = {"grant_id": grant_.id, "valid_until": grant_.valid_to}
    event = about_seal("GRANT_CONFIRMED", act, grant_.seal, _grantees(grant_), **named)
    return Outcome((act.set(grant_, **values),), (event,))


def extend(act: Act) -> Outcome:
    """Give a grant that nobody has confirmed other terms, within what its grantor, and its parent, may give."""
    grant_, new = act.resource, act.arguments
    names = ("valid_from", "valid_to", "term", "use_limit", "amount_max", "currency", "may_subgrant")
    values = {name: getattr(new, name) for name in names if getattr(new, name) is not None}
    if not values:
        refuse("arguments", "must say what changes")
    changed = _Terms(grant_, values)
    check_terms(act, changed, grant_.grantor, has_no_end=changed.term == GrantTerm.LONG_TERM)
    for name, above in (("parent", grant_.parent), ("adopts", grant_.adopts)):
        if above is not None and _widens(changed, above, is_parent=name == "parent"):
            refuse("arguments", "gives more than the grant that it comes from")
    return Outcome((act.set(grant_, **values),))


class _Terms:
    """A grant with some other terms."""

    def __init__(self, grant_: Any, values: Mapping[str, Any]) -> None:
        self._grant, self._values = grant_, values

    def __getattr__(self, name: str) -> Any:
        return self._values[name] if name in self._values else getattr(self._grant, name)


def _widens(changed: Any, above: Any, *, is_parent: bool) -> bool:
    amount = above.currency and (changed.currency != above.currency or changed.amount_max > above.amount_max)
    return bool(
        changed.valid_from < above.valid_from
        or changed.valid_to > above.valid_to
        or changed.use_limit > above.use_limit
        or amount
        or (changed.may_subgrant and (is_parent or not above.may_subgrant))
    )


def deliver_letter(act: Act) -> Outcome:
    """Deliver the signed letter of a grant; somebody else verifies it."""
    grant_, digest = act.resource, act.arguments.digest
    if not digest:
        refuse("arguments[digest]", "must not be empty")
    key = {"SealGrant": "seal_grant_id", "OpenGrant": "open_grant_id"}.get(type(grant_).__name__, "cross_grant_id")
    letter = AuthLetter(act.new_id("letter"), grant_.seal_id, digest, act.subject.id, act.now)
    setattr(letter, key, grant_.id)
    enterprise = grant_.seal.enterprise
    verifiers = [*administrators(enterprise, act.now), *seal_administrators(enterprise, act.now)]
    told = persons(verifiers, [act.subject.id, grant_.grantor.membership.person_id, *_grantees(grant_)])
    event = about_seal("LETTER_TO_VERIFY", act, grant_.seal, told, letter_id=letter.id)
    return Outcome((Put(letter),), (event,), {"letter_id": letter.id})


def verify_letter(act: Act) -> Outcome:
    """Say what a letter is worth: a verified one can confirm its grant."""
    letter, verdict = act.resource, LetterVerdict(act.arguments.verdict)
    event = about_seal("LETTER_VERIFIED", act, letter.seal, [letter.delivered_by_id], verdict=str(verdict))
    return Outcome(
        (act.set(letter, state=_FOUND[verdict], verified_by_id=act.subject.id, verified_at=act.now),), (event,)
    )


def withdraw_letter(act: Act) -> Outcome:
    """Take a letter back. A grant that was confirmed by it is confirmed no longer, and gives nothing."""
    return Outcome((act.set(act.resource, state=LetterState.WITHDRAWN),))


# --- taking back ------------------------------------------------------------------------------------------------------


def ended(act: Act, grant_: Any, **values: Any) -> Iterator[RecordChange]:
    """Return what ends a member's grant, and with it every grant that was passed on from it."""
    yield act.set(grant_, **values)
    for below in grant_.seal.grants.holding("parent_id", grant_.id):
        if below.state in _REVOCABLE:
            yield act.set(below, **values)


def revoke(act: Act) -> Outcome:
    """Take a grant back at once, with all that was passed on from it or assigned under it."""
    grant_ = act.resource
    changes: list[RecordChange]
    match type(grant_).__name__:
        case "SealGrant":
            changes = [*ended(act, grant_, state=GrantState.REVOKED)]
        case "CrossEnterpriseGrant":
            standing = [holder for holder in grant_.holders if holder.state == "ACTIVE"]
            changes = [
                act.set(grant_, state=GrantState.REVOKED),
                *(act.set(each, state=HolderState.REVOKED) for each in standing),
            ]
        case _:
            changes = [act.set(grant_, state=GrantState.REVOKED)]
    told = [grant_.grantor.membership.person_id, *_grantees(grant_)]
    return Outcome(tuple(changes), (about_seal("GRANT_REVOKED", act, grant_.seal, told, grant_id=grant_.id),))


def _grantees(grant_: Any) -> list[str]:
    """The ids of the persons to whom a grant is; of all members or of another enterprise, none is named."""
    return [grant_.membership.person_id] if type(grant_).__name__ == "SealGrant" else []


# --- the holder of another enterprise's seal --------------------------------------------------------------------------


def assign(act: Act) -> Outcome:
    """Name a member of the holder who uses the seal of the other enterprise."""
    if act.arguments.member != act.context.member.id:
        refuse("arguments[member]", "is not the member whom the context names")
    member = member_of(act, act.context.holder, act.arguments.member, "member")
    named = _assignments(act.resource, member.id)
    if named and named[0].assigned_by_id is not None:
        refuse("arguments[member]", "is named already")
    event = _to_holder("HOLDER_ASSIGNED", act, member)
    if named:  # of whom nobody says who named them
        change = act.set(named[0], assigned_by_id=act.subject.id, assigned_at=act.now)
        return Outcome((change,), (event,), {"assignment_id": named[0].id})
    made = HolderAssignment(
        act.new_id("assignment"), act.resource.id, member.id, assigned_by_id=act.subject.id, assigned_at=act.now
    )
    return Outcome((Put(made),), (event,), {"assignment_id": made.id})


def unassign(act: Act) -> Outcome:
    """Take back that a member of the holder uses the seal."""
    found = _assignments(act.resource, act.arguments.member)
    if not found:
        refuse("arguments[member]", "is not named")
    member = act.context.holder.memberships.holding("id", act.arguments.member)[0]
    return Outcome((act.set(found[0], state=HolderState.REVOKED),), (_to_holder("HOLDER_UNASSIGNED", act, member),))


def _assignments(grant_: Any, membership_id: str) -> list[Any]:
    return [each for each in grant_.holders.holding("membership_id", membership_id) if each.state == "ACTIVE"]


def _to_holder(code: str, act: Act, member: Any) -> Event:
    """An event of the enterprise that holds the seal, to one of its members."""
    about = ("CrossEnterpriseGrant", act.resource.id)
    grant_ = act.resource
    values = {"actor_id": act.subject.id, "seal_id": grant_.seal_id, "valid_until": grant_.valid_to}
    return Event(code, act.context.holder.id, about, (member.person_id,), values)


def _end_adopted(act: Act, named: Mapping[str, Value]) -> Iterable[RecordChange]:
    """The predecessor's grant ends in the write in which the successor's begins, and what was passed on from it."""
    old = act.resource.adopts
    if old is None or old.id != named["grant_id"]:
        refuse("resource", "goes on with another grant than the one that is to end")
    return ended(act, old, state=GrantState.REVOKED)


DUTIES = (Duty("END_ADOPTED_GRANT", MetBy.TRANSACTION, meet=_end_adopted),)

EVENTS = {
    "GRANT_CONFIRMED": "A right on a seal was confirmed; for the person who got it.",
    "GRANT_REVOKED": "A right on a seal was taken back; for the person who had it, and the one who gave it.",
    "LETTER_TO_VERIFY": "A letter of authorisation was delivered; for those who may verify it.",
    "LETTER_VERIFIED": "A letter of authorisation was verified, or not; for the person who delivered it.",
    "HOLDER_ASSIGNED": "A member was named to use another enterprise's seal; for that member.",
    "HOLDER_UNASSIGNED": "A member may no longer use another enterprise's seal; for that member.",
}
"""The codes of these events, each with what it tells."""
