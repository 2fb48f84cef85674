"""Who follows the steps of a deny is allowed in the end: the stories that a search does not find by itself.

`tests/decision/test_following_by_acts.py` lists which reasons these are. Each story asks, is denied for the reason with
the step, has those act whom the step means, and asks the same again.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from harness import DAY, MINUTE, NewWorld, World, face

from sealauthz.model.effects.delegations import NewDelegation
from sealauthz.model.effects.new_grants import GrantKind, NewGrant
from sealauthz.model.effects.seals import Ending, SealEdit
from sealauthz.model.records.grants import GrantScope
from sealauthz.model.records.seals import SealEnding

USING = {"task": "t", "verification": "v-user"}
HEAD = {
    "Person": {"head": {"real_name": "head某", "id_hash": "hash-head"}},
    "Membership": {"m-head": {"person_id": "head"}},
    "RoleAssignment": {"r-head": {"membership_id": "m-head", "role": "SEAL_ADMIN"}},
}


def denied(here: World, code: str, step: str, *asked: str, **context: Any) -> None:
    """It is denied for a reason, with this step."""
    decision = here.ask(*asked, **context)
    assert code in [each.code for each in decision.reasons]
    assert step in [each.code for each in decision.next_steps]


def confirmed(here: World, grant_id: str, by: str) -> None:
    """Confirm a grant by a face check."""
    digest = here.intent_digest(by, "confirm", f"SealGrant:{grant_id}")
    here.write(face(f"v-{grant_id}", by, "SEAL_GRANT", "SealGrant", grant_id, digest))
    here.perform(by, "confirm", f"SealGrant:{grant_id}", verification=f"v-{grant_id}")


def granted_anew(here: World, by: str) -> None:
    """Give user the right again."""
    given = NewGrant(GrantKind.MEMBER, valid_to=here.now + 30 * DAY, member="m-user", scope=GrantScope.ALL_CONTRACTS)
    confirmed(here, str(here.perform(by, "grant", "Seal:s", given).values["grant_id"]), by)


def test_a_missing_approval_is_given_by_the_legal_representative(world: NewWorld) -> None:
    missed = {"u": {"grant_id": "g-em", "used_at": "now - 1 hour", "reason": "flood"}}
    here = world(put={"SealGrant": {"g-em": {"membership_id": "m-user", "right": "EMERGENCY"}}, "EmergencyUse": missed})
    asked = ("user", "emergency_use", "Seal:s")
    denied(here, "POST_APPROVAL_MISSING", "REQUEST_POST_APPROVAL", *asked, **USING, reason="flood")
    here.perform("boss", "approve_afterwards", "EmergencyUse:u")
    assert here.ask(*asked, **USING, reason="flood")


def test_a_grant_that_waits_is_confirmed(world: NewWorld) -> None:
    waits = {"state": "PENDING_CONFIRM", "confirmation": "NONE", "confirmed_by_id": None, "confirmed_at": "never"}
    here = world(change={"SealGrant": {"g-user": waits}})
    denied(here, "GRANT_NOT_CONFIRMED", "CONTACT_SEAL_ADMIN", "user", "use", "Seal:s", **USING)
    confirmed(here, "g-user", "keeper")
    assert here.ask("user", "use", "Seal:s", **USING)


def test_a_grant_that_is_used_up_is_given_anew(world: NewWorld) -> None:
    here = world(change={"SealGrant": {"g-user": {"use_limit": 1, "used": 1}}})
    denied(here, "USE_LIMIT_EXHAUSTED", "REQUEST_GRANT_RENEWAL", "user", "use", "Seal:s", **USING)
    granted_anew(here, "keeper")
    assert here.ask("user", "use", "Seal:s", **USING)


def test_a_grant_that_is_over_is_given_anew(world: NewWorld) -> None:
    here = world(change={"SealGrant": {"g-user": {"valid_to": "now"}}})
    denied(here, "GRANT_EXPIRED", "REQUEST_GRANT_RENEWAL", "user", "use", "Seal:s", **USING)
    granted_anew(here, "keeper")
    assert here.ask("user", "use", "Seal:s", **USING)


def test_a_grant_that_fell_with_its_grantor_is_given_anew_by_another(world: NewWorld) -> None:
    here = world(
        put=HEAD,
        change={
            "RoleAssignment": {"r-keeper": {"state": "REVOKED", "revoked_at": "now - 1 hour"}},
            "SealGrant": {"g-user": {"state": "INVALIDATED", "invalid_reason": "ADMIN_CHANGED"}},
        },
    )
    asked = ("user", "use", "Seal:s")
    denied(here, "GRANT_INVALIDATED_ADMIN_CHANGED", "REQUEST_GRANT_RENEWAL", *asked, **USING)
    granted_anew(here, "head")
    assert here.ask(*asked, **USING)


def test_a_new_face_is_decided_on(world: NewWorld) -> None:
    here = world(put=HEAD, change={"RegistrySnapshot": {"reg-e": {"registered_name": "云杉印务"}}})
    here.perform("keeper", "edit", "Seal:s", SealEdit(face_digest="new", name_on_seal="云杉印务"))
    denied(here, "SEAL_UNDER_REVIEW", "CONTACT_SEAL_ADMIN", "user", "use", "Seal:s", **USING)
    (review,) = here.get("Seal", "s").reviews
    here.perform("head", "decide", f"SealReview:{review.id}", verdict="PASSED")
    assert here.ask("user", "use", "Seal:s", **USING)


def test_the_end_of_a_seal_is_proposed_first(world: NewWorld) -> None:
    here = world("no seal is fixed for the task", "the legal representative is a member")
    denied(here, "END_NOT_PROPOSED", "PROPOSE_END", "boss", "revoke", "Seal:s")
    here.perform("keeper", "propose_end", "Seal:s", Ending(SealEnding.REVOKE), reason="作废")
    assert here.ask("boss", "revoke", "Seal:s")


def test_an_application_is_taken_back_before_another_one(world: NewWorld) -> None:
    here = world("outsider has applied to join")
    denied(here, "DUPLICATE_APPLICATION", "WAIT_ADMIN", "outsider", "join", "Enterprise:e")
    here.perform("outsider", "withdraw", "JoinApplication:j")
    assert here.ask("outsider", "join", "Enterprise:e")


def test_a_lost_seal_is_found_and_enabled(world: NewWorld) -> None:
    here = world()
    here.perform("user", "report_lost", "Seal:s")
    denied(here, "SEAL_LOST", "CONTACT_SEAL_ADMIN", "user", "use", "Seal:s", **USING)
    digest = here.intent_digest("keeper", "report_found", "Seal:s")
    here.write(face("v-found", "keeper", "SEAL_MANAGE", "Seal", "s", digest))
    here.perform("keeper", "report_found", "Seal:s", verification="v-found")
    here.perform("keeper", "enable", "Seal:s")
    assert here.ask("user", "use", "Seal:s", **USING)


def test_a_delegation_that_is_over_is_given_anew(world: NewWorld) -> None:
    here = world("nobody is named for the task")
    asked, using = ("plain", "use", "Seal:s"), {"task": "t", "verification": "v-plain"}
    made = here.perform("user", "delegate", "Membership:m-user", NewDelegation("m-plain", here.now + MINUTE, seal="s"))
    here.perform("plain", "accept", f"Delegation:{made.values['delegation_id']}")
    here.now += MINUTE
    denied(here, "DELEGATION_EXPIRED", "REQUEST_DELEGATION", *asked, **using)
    made = here.perform("user", "delegate", "Membership:m-user", NewDelegation("m-plain", here.now + DAY, seal="s"))
    here.perform("plain", "accept", f"Delegation:{made.values['delegation_id']}")
    assert here.ask(*asked, **using)


def test_a_delegation_that_nobody_says_who_offered_is_given_by_its_principal(world: NewWorld) -> None:
    """As an import left it."""
    lent = {"principal_id": "m-user", "delegate_id": "m-plain", "power": "USE_SEAL", "scope": "ALL_CONTRACTS"}
    lent |= {"valid_from": "now - 1 day", "valid_to": "now + 1 day", "state": "ACTIVE"}
    unknown = {"offered_by_id": None, "offered_at": "1970-01-01T00:00:00Z"}
    here = world("nobody is named for the task", put={"Delegation": {"dl": {**lent, **unknown}}})
    asked, using = ("plain", "use", "Seal:s"), {"task": "t", "verification": "v-plain"}
    denied(here, "DELEGATION_NOT_OFFERED", "REQUEST_DELEGATION", *asked, **using)
    made = here.perform("user", "delegate", "Membership:m-user", NewDelegation("m-plain", here.now + DAY, seal="s"))
    here.perform("plain", "accept", f"Delegation:{made.values['delegation_id']}")
    assert here.ask(*asked, **using)


def test_a_certificate_that_has_run_out_is_renewed(world: NewWorld) -> None:
    here = world(change={"Certificate": {"cert": {"not_after": "now"}}})
    denied(here, "CERT_EXPIRED", "RENEW_CERTIFICATE", "user", "use", "Seal:s", **USING)
    old = here.get("Certificate", "cert")
    here.write(dataclasses.replace(old, id="new", serial="2", not_before=here.now, not_after=here.now + DAY))
    here.perform("keeper", "edit", "Seal:s", SealEdit(certificate="new"))
    assert here.ask("user", "use", "Seal:s", **USING)
