"""Rights on seals: given, confirmed, passed on and taken back, carried out."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from harness import DAY, NOW, Clock, NewWorld, World, face, facts

from sealauthz.facts import Store
from sealauthz.model import MODEL
from sealauthz.model.effects.delegations import NewDelegation
from sealauthz.model.effects.grants import HolderMember, Letter, LetterFinding, LetterVerdict, NewTerms
from sealauthz.model.effects.new_grants import GrantKind, NewGrant, Template
from sealauthz.model.records.grants import GrantScope, GrantTerm, SealRight
from sealauthz.runtime.errors import InvalidRequest

USING = {"task": "t", "verification": "v-plain"}
ALL = GrantScope.ALL_CONTRACTS
TO_PLAIN = NewGrant(GrantKind.MEMBER, valid_to=NOW + 30 * DAY, member="m-plain", scope=ALL)


@pytest.fixture(scope="module")
def spruce(new_database: Callable[[str], str]) -> Iterator[World]:
    """Spruce as it is, for what changes nothing."""
    clock = Clock()
    with contextlib.closing(Store.open(new_database("sqlite"), MODEL, clock)) as store:
        yield World(store, facts(), clock)


def granted(here: World, given: NewGrant, subject: str = "keeper", **context: Any) -> str:
    """Grant, and return the id."""
    return str(here.perform(subject, "grant", "Seal:s", given, **context).values["grant_id"])


def confirmed(here: World, grant_id: str, by: str = "keeper", kind: str = "SealGrant") -> None:
    """Confirm a grant by a face check."""
    digest = here.intent_digest(by, "confirm", f"{kind}:{grant_id}")
    here.write(face(f"v-{grant_id}", by, "SEAL_GRANT", kind, grant_id, digest))
    here.perform(by, "confirm", f"{kind}:{grant_id}", verification=f"v-{grant_id}")


def test_a_grant_gives_its_right_once_it_is_confirmed_and_until_it_is_taken_back(world: NewWorld) -> None:
    here = world()
    grant_id = granted(here, TO_PLAIN)
    assert here.codes("plain", "use", "Seal:s", **USING) == ["GRANT_NOT_CONFIRMED"]
    confirmed(here, grant_id)
    assert here.ask("plain", "use", "Seal:s", **USING)
    made = here.get("SealGrant", grant_id)
    assert (made.confirmation, made.confirmed_by_id, made.confirmed_at) == ("INTENT", "keeper", NOW)
    here.perform("keeper", "revoke", f"SealGrant:{grant_id}")
    assert not here.ask("plain", "use", "Seal:s", **USING)
    assert [event.code for event in here.events] == ["GRANT_TO_CONFIRM", "GRANT_CONFIRMED", "GRANT_REVOKED"]


def test_a_grant_that_is_still_to_begin_waits_for_nobody_to_say_so(world: NewWorld) -> None:
    here = world()
    grant_id = granted(here, NewGrant(GrantKind.MEMBER, NOW + 30_000_000, NOW + DAY, member="m-plain", scope=ALL))
    confirmed(here, grant_id)
    assert here.codes("plain", "use", "Seal:s", **USING) == ["GRANT_NOT_YET_EFFECTIVE"]
    here.now = NOW + 30_000_000
    assert here.ask("plain", "use", "Seal:s", **USING)


def test_a_letter_confirms_once_another_person_has_verified_it(world: NewWorld) -> None:
    here = world()
    grant_id = granted(here, TO_PLAIN)
    made = here.perform("keeper", "deliver_letter", f"SealGrant:{grant_id}", Letter("digest"))
    letter = f"AuthLetter:{made.values['letter_id']}"
    assert here.codes("keeper", "confirm", f"SealGrant:{grant_id}") == ["GRANT_CONFIRMATION_MISSING"]
    here.perform("admin", "verify", letter, LetterFinding())
    here.perform("keeper", "confirm", f"SealGrant:{grant_id}")
    assert here.get("SealGrant", grant_id).confirmation == "AUTH_LETTER"
    assert here.ask("plain", "use", "Seal:s", **USING)
    # What it has confirmed is revoked, by those who may.
    assert here.codes("keeper", "withdraw", letter) == ["GRANT_NOT_PENDING"]
    here.perform("keeper", "revoke", f"SealGrant:{grant_id}")
    assert here.codes("plain", "use", "Seal:s", **USING) == ["NO_SEAL_GRANT"]


def test_a_letter_that_is_not_genuine_confirms_nothing(world: NewWorld) -> None:
    here = world()
    grant_id = granted(here, TO_PLAIN)
    made = here.perform("keeper", "deliver_letter", f"SealGrant:{grant_id}", Letter("digest"))
    here.perform("admin", "verify", f"AuthLetter:{made.values['letter_id']}", LetterFinding(LetterVerdict.REJECTED))
    assert here.codes("keeper", "confirm", f"SealGrant:{grant_id}") == ["GRANT_CONFIRMATION_MISSING"]


def test_terms_change_until_the_grant_is_confirmed(world: NewWorld) -> None:
    here = world()
    grant_id = granted(here, TO_PLAIN)
    before = here.intent_digest("keeper", "confirm", f"SealGrant:{grant_id}")
    here.write(face("v-before", "keeper", "SEAL_GRANT", "SealGrant", grant_id, before))
    here.perform("keeper", "extend", f"SealGrant:{grant_id}", NewTerms(valid_to=NOW + 60 * DAY, use_limit=5))
    # Who showed their face before that saw other terms.
    denied = here.ask("keeper", "confirm", f"SealGrant:{grant_id}", verification="v-before")
    assert [reason.code for reason in denied.reasons] == ["GRANT_CONFIRMATION_MISSING"]
    assert (here.get("SealGrant", grant_id).valid_to, here.get("SealGrant", grant_id).use_limit) == (NOW + 60 * DAY, 5)
    with pytest.raises(InvalidRequest, match="at most 1096 days"):
        here.perform("keeper", "extend", f"SealGrant:{grant_id}", NewTerms(valid_to=NOW + 2000 * DAY))
    confirmed(here, grant_id)
    assert here.codes("keeper", "extend", f"SealGrant:{grant_id}") == ["GRANT_RECONFIRM_REQUIRED"]


# A user whose grant may be passed on holds some role, under which what they pass on is on record.
PASSABLE = {
    "put": {"RoleAssignment": {"r-user": {"membership_id": "m-user", "role": "CONTRACT_ADMIN"}}},
    "change": {"SealGrant": {"g-user": {"may_subgrant": True}}},
}


def test_a_right_that_may_be_passed_on_is(world: NewWorld) -> None:
    here = world(**PASSABLE)
    given = NewGrant(GrantKind.MEMBER, valid_to=NOW + DAY, member="m-plain", scope=ALL, use_limit=2)
    grant_id = granted(here, given, "user", parent="g-user")
    confirmed(here, grant_id, by="user")
    assert here.ask("plain", "use", "Seal:s", **USING)
    with pytest.raises(InvalidRequest, match="valid_to"):
        granted(here, dataclasses.replace(given, valid_to=NOW + 90 * DAY), "user", parent="g-user")
    # What was passed on ends with what it comes from.
    here.perform("keeper", "revoke", "SealGrant:g-user")
    assert here.get("SealGrant", grant_id).state == "REVOKED"
    assert not here.ask("plain", "use", "Seal:s", **USING)


def test_nobody_passes_on_the_right_of_somebody_else(world: NewWorld) -> None:
    here = world(**PASSABLE)
    assert here.codes("keeper", "grant", "Seal:s", parent="g-user") == ["GRANT_EXCEEDS_GRANTOR"]
    assert here.codes("plain", "grant", "Seal:s") == ["NOT_SEAL_ADMIN"]


def test_a_successor_goes_on_with_the_grants_of_a_predecessor(world: NewWorld) -> None:
    here = world(
        put={
            "Person": {"head": {"real_name": "head某", "id_hash": "hash-head"}},
            "Membership": {"m-head": {"person_id": "head"}},
            "RoleAssignment": {"r-head": {"membership_id": "m-head", "role": "SEAL_ADMIN"}},
        },
        change={"SealGrant": {"g-user": {"used": 3}}},
    )
    grant_id = granted(here, NewGrant(GrantKind.MEMBER, adopts="g-user"), "head")
    made = here.get("SealGrant", grant_id)
    assert (made.membership_id, made.grantor_id, made.use_limit) == ("m-user", "r-head", 7)
    here.write(face("v-over", "head", "SEAL_GRANT", "RoleAssignment", "r-keeper"))
    here.perform("head", "confirm", f"SealGrant:{grant_id}", verification="v-over")
    assert here.get("SealGrant", "g-user").state == "REVOKED"
    assert here.ask("user", "use", "Seal:s", task="t", verification="v-user")


def test_all_members_get_a_lesser_seal_for_templates(world: NewWorld) -> None:
    here = world(
        "there is another seal",
        put={"Membership": {"m-boss": {"person_id": "boss"}}},
    )
    given = NewGrant(GrantKind.ALL, valid_to=NOW + DAY, templates=(Template("sales", "f"),))
    made = here.perform("keeper", "grant", "Seal:s2", given)
    grant_id = str(made.values["grant_id"])
    assert made.values["grant_type"] == "OpenGrant"
    assert "DUAL_CONTROL_REQUIRED" in here.codes("keeper", "confirm", f"OpenGrant:{grant_id}")
    confirmed(here, grant_id, by="boss", kind="OpenGrant")
    assert here.get("OpenGrant", grant_id).state == "ACTIVE"
    here.perform("keeper", "revoke", f"OpenGrant:{grant_id}")
    assert here.get("OpenGrant", grant_id).state == "REVOKED"


def test_a_naming_of_which_nobody_knows_the_author_is_made_again(world: NewWorld) -> None:
    members = {"m-f2": {"person_id": "outsider", "enterprise_id": "f"}}
    here = world(put={"Membership": members, "AuthLetter": {"l": {"cross_grant_id": "x"}}, **HELD})
    using = {"task": "t", "verification": "v-outsider"}
    assert here.codes("outsider", "use", "Seal:s", **using) == ["NO_CROSS_ENTERPRISE_GRANT"]
    made = here.perform("trader", "assign", "CrossEnterpriseGrant:x", HolderMember("m-f2"), member="m-f2")
    assert made.values == {"assignment_id": "before"}
    assert here.get("HolderAssignment", "before").assigned_by_id == "trader"
    assert here.codes("outsider", "use", "Seal:s", **using) == ["SELF_DEALING"]


HELD: dict[str, Any] = {
    "CrossEnterpriseGrant": {
        "x": {
            "seal_id": "s",
            "holder_id": "f",
            "grantor_id": "r-keeper",
            "scope": "ALL_CONTRACTS",
            "valid_from": "now - 1 day",
            "valid_to": "now + 1 day",
            "confirmation": "AUTH_LETTER",
            "state": "ACTIVE",
            "use_limit": 10,
        }
    },
    "HolderAssignment": {
        "before": {"grant_id": "x", "membership_id": "m-f2", "assigned_by_id": None, "assigned_at": "never"}
    },
    "RegistrySnapshot": {"reg-f": {"enterprise_id": "f", "status": "EXISTING", "fetched_at": "now - 1 hour"}},
}
"""Cedar holds the seal; that it named `outsider`, an import said that named nobody who did."""


def test_another_enterprise_gets_a_seal_and_names_who_uses_it(world: NewWorld) -> None:
    here = world(put={"Membership": {"m-f2": {"person_id": "outsider", "enterprise_id": "f"}}})
    given = NewGrant(GrantKind.ENTERPRISE, valid_to=NOW + DAY, holder="f", scope=ALL)
    grant_id = granted(here, given)
    grant = f"CrossEnterpriseGrant:{grant_id}"
    made = here.perform("keeper", "deliver_letter", grant, Letter("digest"))
    here.perform("admin", "verify", f"AuthLetter:{made.values['letter_id']}")
    here.perform("boss", "confirm", grant)
    assert here.get("CrossEnterpriseGrant", grant_id).confirmation == "AUTH_LETTER"
    assert not here.ask("keeper", "assign", grant)
    assert here.codes("trader", "assign", grant, member="m-trader") == ["SELF_GRANT"]
    here.perform("trader", "assign", grant, HolderMember("m-f2"), member="m-f2")
    (named,) = here.get("CrossEnterpriseGrant", grant_id).holders
    assert (named.assigned_by_id, named.assigned_at) == ("trader", here.now)
    with pytest.raises(InvalidRequest, match="named already"):
        here.perform("trader", "assign", grant, HolderMember("m-f2"), member="m-f2")
    with pytest.raises(InvalidRequest, match="not the member whom the context names"):
        here.perform("trader", "assign", grant, HolderMember("m-trader"), member="m-f2")
    here.perform("trader", "unassign", grant, HolderMember("m-f2"))
    assert [each.state for each in here.get("CrossEnterpriseGrant", grant_id).holders] == ["REVOKED"]
    here.perform("trader", "revoke", grant)
    assert here.codes("trader", "assign", grant, member="m-f2") == ["CROSS_GRANT_NOT_LIVE"]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (NewGrant(GrantKind.MEMBER, member="m-plain", scope=ALL), "valid_to"),
        (NewGrant(GrantKind.MEMBER, valid_to=NOW + DAY, scope=ALL), "member"),
        (NewGrant(GrantKind.MEMBER, valid_to=NOW + DAY, member="m-keeper", scope=ALL), "member"),
        (NewGrant(GrantKind.MEMBER, valid_to=NOW + DAY, member="m-trader", scope=ALL), "member"),
        (NewGrant(GrantKind.MEMBER, valid_to=NOW + DAY, member="m-plain"), "contract_types"),
        (NewGrant(GrantKind.MEMBER, NOW + DAY, NOW + DAY, member="m-plain", scope=ALL), "valid_to"),
        (NewGrant(GrantKind.MEMBER, valid_to=NOW + 2000 * DAY, member="m-plain", scope=ALL), "valid_to"),
        (NewGrant(GrantKind.MEMBER, valid_to=NOW + DAY, member="m-plain", scope=ALL, use_limit=0), "use_limit"),
        (NewGrant(GrantKind.MEMBER, valid_to=NOW + DAY, member="m-plain", scope=ALL, amount_max=5), "amount_max"),
        (NewGrant(GrantKind.ALL, valid_to=NOW + DAY), "templates"),
        (NewGrant(GrantKind.ALL, valid_to=NOW + DAY, right=SealRight.APPROVE), "right"),
        (NewGrant(GrantKind.ALL, valid_to=NOW + DAY, member="m-plain"), "member"),
        (NewGrant(GrantKind.ENTERPRISE, valid_to=NOW + DAY, holder="e", scope=ALL), "holder"),
        (NewGrant(GrantKind.MEMBER, adopts="g-user"), "adopts"),
        (NewGrant(GrantKind.MEMBER, adopts="none"), "adopts"),
    ],
)
def test_what_no_grant_can_be_is_refused(spruce: World, given: NewGrant, field: str) -> None:
    with pytest.raises(InvalidRequest, match=f"arguments.{field}"):
        granted(spruce, given)


def test_an_explicitly_long_term_has_no_three_years(spruce: World) -> None:
    long = NewGrant(
        GrantKind.MEMBER, valid_to=NOW + 3000 * DAY, member="m-approver", scope=ALL, term=GrantTerm.LONG_TERM
    )
    assert spruce.get("SealGrant", granted(spruce, long)).term == "LONG_TERM"


def test_a_colleague_uses_a_seal_in_ones_place(world: NewWorld) -> None:
    here = world("nobody is named for the task")
    assert not here.ask("plain", "use", "Seal:s", **USING)
    assert here.codes("plain", "delegate", "Membership:m-user") == ["NOT_OWN_MEMBERSHIP"]
    with pytest.raises(InvalidRequest, match="delegates"):
        here.perform("user", "delegate", "Membership:m-user", NewDelegation("m-user", NOW + DAY))
    with pytest.raises(InvalidRequest, match="at most 180 days"):
        here.perform("user", "delegate", "Membership:m-user", NewDelegation("m-plain", NOW + 180 * DAY + 1))
    later = NewDelegation("m-plain", NOW + 181 * DAY, NOW + DAY)
    assert here.perform("user", "delegate", "Membership:m-user", later)
    here.events.clear()
    made = here.perform("user", "delegate", "Membership:m-user", NewDelegation("m-plain", NOW + DAY, seal="s"))
    delegation = f"Delegation:{made.values['delegation_id']}"
    offered = here.get("Delegation", made.values["delegation_id"])
    assert (offered.offered_by_id, offered.offered_at) == ("user", here.now)
    assert not here.ask("plain", "use", "Seal:s", **USING)
    here.perform("plain", "accept", delegation)
    assert here.ask("plain", "use", "Seal:s", **USING)
    here.perform("user", "revoke", delegation)
    assert not here.ask("plain", "use", "Seal:s", **USING)
    assert [event.recipients for event in here.events] == [("plain",), ("user",), ("plain",)]
