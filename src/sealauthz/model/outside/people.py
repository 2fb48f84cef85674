"""What those who know people may do: the provider of identities, that of accounts, the carrier, and the platform."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from sealauthz.model.outside.changes import Happening, becomes
from sealauthz.model.records.identity import AccountState, PostState, RealnameState, VerificationState
from sealauthz.schema import Instant, OutsideMove, Update
from sealauthz.schema.outside import Found


def _two_accounts(found: Found, _now: Instant) -> Iterator[Happening]:
    people = found.get("Person", {})
    for one in people.values():
        for other in people.values():
            if one.id != other.id and one.same_as_id is None and other.same_as_id is None:
                # Those that named the one name the other with it.
                named = [each.id for each in people.values() if each.same_as_id == one.id]
                yield (
                    f"{one.id} is found to be {other.id}",
                    (
                        Update("Person", one.id, {"same_as_id": other.id, "realname_state": RealnameState.REVOKED}),
                        *(Update("Person", each, {"same_as_id": other.id}) for each in named),
                    ),
                )


def _signs_in(found: Found, now: Instant) -> Iterator[Happening]:
    for person in found.get("Person", {}).values():
        if person.last_active_at < now:
            yield f"{person.id} signs in", (Update("Person", person.id, {"last_active_at": now}),)


def _number_passes_on(found: Found, now: Instant) -> Iterator[Happening]:
    people = found.get("Person", {})
    for one in people.values():
        for other in people.values():
            if one.phone_hash and one.id != other.id:
                yield (
                    f"the number of {one.id} is given to {other.id}",
                    (
                        Update("Person", one.id, {"phone_hash": "", "phone": ""}),
                        Update(
                            "Person",
                            other.id,
                            {"phone_hash": one.phone_hash, "phone": one.phone, "phone_bound_at": now},
                        ),
                    ),
                )


MOVES = (
    OutsideMove(
        "the provider of identities takes a verification back, or gives it",
        "the provider of identities",
        "writes whether a name is verified",
        partial(
            becomes,
            "Person",
            "realname_state",
            {
                RealnameState.UNVERIFIED: (RealnameState.VERIFIED,),
                RealnameState.VERIFIED: (RealnameState.REVOKED,),
                RealnameState.REVOKED: (RealnameState.VERIFIED,),
            },
        ),
    ),
    OutsideMove(
        "the provider of identities finds two accounts of one person",
        "the provider of identities",
        "writes which account counts no more",
        _two_accounts,
    ),
    OutsideMove(
        "the provider of identities ends a check",
        "the provider of identities",
        "writes that a check was not passed, or counts no more",
        partial(
            becomes,
            "IdentityVerification",
            "state",
            {
                VerificationState.STARTED: (VerificationState.FAILED,),
                VerificationState.PASSED: (VerificationState.EXPIRED,),
            },
        ),
    ),
    OutsideMove(
        "an account is locked, unlocked or closed",
        "the provider of accounts",
        "writes what an account is",
        partial(
            becomes,
            "Person",
            "account_state",
            {
                AccountState.ACTIVE: (AccountState.LOCKED,),
                AccountState.LOCKED: (AccountState.ACTIVE, AccountState.CLOSED),
            },
        ),
    ),
    OutsideMove("a person signs in", "the provider of accounts", "writes when somebody was there", _signs_in),
    OutsideMove(
        "the carrier gives a number to somebody else", "the carrier", "writes whose number it is", _number_passes_on
    ),
    OutsideMove(
        "a post on the platform's staff ends, or begins again",
        "the platform",
        "writes who works for it",
        partial(
            becomes,
            "PlatformStaff",
            "state",
            {PostState.ACTIVE: (PostState.ENDED,), PostState.ENDED: (PostState.ACTIVE,)},
        ),
    ),
)
