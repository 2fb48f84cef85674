"""Who follows the steps of a deny comes by another way to what they wanted: with another seal, right, paper or person.

Stories like those of `test_steps_lead_on.py`, where the step leads to another act or thing than the one that was asked.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from harness import DAY, HOUR, MINUTE, NewWorld, World, face
from test_steps_lead_on import HEAD, USING, confirmed, denied

from sealauthz.model.effects.grants import Letter
from sealauthz.model.effects.joining import InviteArguments
from sealauthz.model.effects.new_grants import GrantKind, NewGrant, Template
from sealauthz.model.effects.requests import UseRequest
from sealauthz.model.effects.resolutions import NewResolution
from sealauthz.model.effects.seals import SealEdit
from sealauthz.model.records.grants import GrantScope, SealRight
from sealauthz.model.records.procedures import ResolutionKind

APPROVER = {"SealGrant": {"g-approver": {"membership_id": "m-approver", "right": "APPROVE"}}}
ALL = GrantScope.ALL_CONTRACTS


def approved(here: World, applicant: str) -> None:
    """Have the use of the seal for the contract asked for and approved."""
    made = here.perform(applicant, "request_use", "Seal:s", UseRequest(here.now + DAY, contract="c", purpose="合同"))
    here.perform("approver", "approve", f"SealUseRequest:{made.values['request_id']}")


def another_seal(**task: Any) -> dict[str, Any]:
    """A contract seal that user may use, too."""
    return {
        "Seal": {"s2": {"name": "云杉合同章", "kind": "CONTRACT"}},
        "SealGrant": {"g-s2": {"seal_id": "s2", "membership_id": "m-user"}},
        **task,
    }


def test_a_contract_that_no_grant_covers_is_approved(world: NewWorld) -> None:
    here = world(put=APPROVER, change={"SealGrant": {"g-user": {"scope": "LISTED_TYPES"}}})
    denied(here, "CONTRACT_TYPE_NOT_COVERED", "REQUEST_SEAL_USE", "user", "use", "Seal:s", **USING)
    approved(here, "user")
    assert here.ask("user", "use", "Seal:s", **USING)


def test_who_has_no_right_in_an_emergency_is_approved(world: NewWorld) -> None:
    here = world(put=APPROVER, drop=["SealGrant:g-user"])
    asked = ("user", "emergency_use", "Seal:s")
    denied(here, "EMERGENCY_NOT_ALLOWED", "SUBMIT_APPROVAL", *asked, **USING, reason="flood")
    approved(here, "user")
    assert here.ask("user", "use", "Seal:s", **USING)


def test_a_seal_that_the_category_does_not_list_gives_way_to_one_that_it_does(world: NewWorld) -> None:
    here = world(
        put=another_seal(
            BusinessCategory={"cat": {"enterprise_id": "e", "name": "采购"}},
            CategorySeal={"cs": {"category_id": "cat", "seal_id": "s2"}},
        ),
        change={"Signatory": {"party-e": {"category_id": "cat"}}},
        drop=["TaskSeal:ts"],
    )
    denied(here, "SEAL_NOT_IN_CATEGORY", "CHOOSE_OTHER_SEAL", "user", "use", "Seal:s", **USING)
    assert here.ask("user", "use", "Seal:s2", **USING)


def test_a_seal_that_the_task_does_not_take_gives_way_to_one_that_it_does(world: NewWorld) -> None:
    here = world(put=another_seal(), change={"TaskSeal": {"ts": {"seal_id": "s2"}}})
    denied(here, "SEAL_NOT_PERMITTED_FOR_TASK", "CHOOSE_OTHER_SEAL", "user", "use", "Seal:s", **USING)
    assert here.ask("user", "use", "Seal:s2", **USING)


def test_an_approval_beyond_ones_right_is_given_by_another(world: NewWorld) -> None:
    here = world("the legal representative is a member", put=APPROVER)
    here.change(("SealGrant", "g-approver", {"scope": "LISTED_TYPES"}))
    made = here.perform("user", "request_use", "Seal:s", UseRequest(here.now + DAY, contract="c", purpose="合同"))
    request = f"SealUseRequest:{made.values['request_id']}"
    denied(here, "APPROVAL_BEYOND_GRANT", "ASSIGN_OTHER_PERSON", "approver", "approve", request)
    assert here.ask("boss", "approve", request)


def test_a_seal_is_put_automatically_by_a_grant_for_that(world: NewWorld) -> None:
    here = world(change={"Contract": {"c": {"template_id": "sales"}}})
    denied(here, "AUTO_SIGN_NOT_GRANTED", "REQUEST_GRANT_RENEWAL", "user", "auto_use", "Seal:s", task="t")
    templates = (Template("sales", "f"),)
    given = NewGrant(
        GrantKind.MEMBER,
        valid_to=here.now + DAY,
        right=SealRight.AUTO_SIGN,
        member="m-user",
        scope=ALL,
        templates=templates,
    )
    confirmed(here, str(here.perform("keeper", "grant", "Seal:s", given).values["grant_id"]), "keeper")
    assert here.ask("user", "auto_use", "Seal:s", task="t")


def test_another_term_is_another_grant(world: NewWorld) -> None:
    here = world()
    denied(here, "GRANT_RECONFIRM_REQUIRED", "REQUEST_GRANT_RENEWAL", "keeper", "extend", "SealGrant:g-user")
    given = NewGrant(GrantKind.MEMBER, valid_to=here.now + DAY, member="m-user", scope=ALL)
    made = here.perform("keeper", "grant", "Seal:s", given)
    assert here.ask("keeper", "extend", f"SealGrant:{made.values['grant_id']}")


def test_a_grant_to_somebody_who_has_left_goes_to_another(world: NewWorld) -> None:
    here = world()
    given = NewGrant(GrantKind.MEMBER, valid_to=here.now + DAY, member="m-plain", scope=ALL)
    grant = f"SealGrant:{here.perform('keeper', 'grant', 'Seal:s', given).values['grant_id']}"
    here.change(("Person", "plain", {"realname_state": "REVOKED"}))
    denied(here, "GRANTEE_NOT_MEMBER", "CHOOSE_OTHER_GRANTEE", "keeper", "confirm", grant)
    given = dataclasses.replace(given, member="m-approver")
    confirmed(here, str(here.perform("keeper", "grant", "Seal:s", given).values["grant_id"]), "keeper")


def test_what_is_too_broad_for_all_is_given_to_one(world: NewWorld) -> None:
    open_grant = {
        "seal_id": "s",
        "grantor_id": "r-head",
        "valid_from": "now - 1 hour",
        "valid_to": "now + 1 day",
        "state": "PENDING_CONFIRM",
        "confirmation": "NONE",
        "confirmed_by_id": None,
        "confirmed_at": "never",
    }
    here = world(put={**HEAD, "OpenGrant": {"og": open_grant}})
    denied(here, "GRANT_TOO_BROAD", "NARROW_GRANT", "keeper", "confirm", "OpenGrant:og")
    given = NewGrant(GrantKind.MEMBER, valid_to=here.now + DAY, member="m-plain", scope=ALL)
    confirmed(here, str(here.perform("keeper", "grant", "Seal:s", given).values["grant_id"]), "keeper")


def test_a_guarantee_is_sealed_on_a_resolution(world: NewWorld) -> None:
    guarantee = {"matter": "GUARANTEE"}
    here = world(
        "there is a second administrator",
        change={"Contract": {"c": guarantee}, "Signatory": {"party-e": guarantee}},
    )
    denied(here, "RESOLUTION_REQUIRED", "ATTACH_RESOLUTION", "user", "use", "Seal:s", **USING)
    given = NewResolution(ResolutionKind.GUARANTEE, here.now - HOUR, here.now + DAY)
    made = here.perform("admin", "record_resolution", "Enterprise:e", given, source="BOARD", contract="c")
    here.perform("second", "countersign", f"BoardResolution:{made.values['resolution_id']}")
    assert here.ask("user", "use", "Seal:s", **USING)


def test_a_certificate_that_was_revoked_gives_way_to_another(world: NewWorld) -> None:
    here = world(change={"Certificate": {"cert": {"state": "REVOKED"}}})
    denied(here, "CERT_REVOKED", "RENEW_CERTIFICATE", "user", "use", "Seal:s", **USING)
    old = here.get("Certificate", "cert")
    here.write(dataclasses.replace(old, id="new", serial="2", state="ACTIVE"))
    here.perform("keeper", "edit", "Seal:s", SealEdit(certificate="new"))
    assert here.ask("user", "use", "Seal:s", **USING)


def test_what_a_court_holds_the_platform_lifts(world: NewWorld) -> None:
    here = world(
        put={
            "Person": {name: {"real_name": f"{name}某", "id_hash": f"hash-{name}"} for name in ("warden", "other")},
            "PlatformStaff": {f"risk-{name}": {"person_id": name, "duty": "RISK"} for name in ("warden", "other")},
            "SealHold": {"h": {"source": "JUDICIAL", "reference": "order-1"}},
        }
    )
    denied(here, "HOLD_NOT_RELEASABLE", "CONTACT_PLATFORM", "keeper", "release", "SealHold:h")
    here.perform("warden", "propose_lift", "SealHold:h")
    here.perform("other", "lift", "SealHold:h")
    assert here.ask("user", "use", "Seal:s", **USING)


def test_the_hold_of_a_loss_ends_when_the_seal_is_found(world: NewWorld) -> None:
    here = world()
    hold = str(here.perform("user", "report_lost", "Seal:s").values["hold_id"])
    denied(here, "SEAL_STILL_LOST", "REPORT_SEAL_FOUND", "keeper", "release", f"SealHold:{hold}")
    digest = here.intent_digest("keeper", "report_found", "Seal:s")
    check = here.get("IdentityVerification", "v-user")
    bound = {"purpose": "SEAL_MANAGE", "bound_type": "Seal", "bound_id": "s", "bound_digest": digest}
    here.write(dataclasses.replace(check, id="v-found", person_id="keeper", provider_ref="found", **bound))
    here.perform("keeper", "report_found", "Seal:s", verification="v-found")
    assert here.get("SealHold", hold).state == "RELEASED"


def test_a_phone_that_is_invited_is_claimed_confirmed_and_let_in(world: NewWorld) -> None:
    here = world(file="phone_invitations.yaml", fixture="invited phone")
    denied(here, "INVITATION_NOT_CLAIMED", "WAIT_INVITEE", "admin", "confirm_invitee", "Invitation:i")
    denied(here, "INVITATION_TO_CLAIM", "CLAIM_INVITATION", "newcomer", "accept", "Invitation:i")
    match = here.get("IdentityVerification", "v")
    here.write(dataclasses.replace(match, id="v-ahead", provider_ref="carrier-3", passed_at=here.now + HOUR))
    denied(here, "CARRIER_TIME_AHEAD", "MATCH_PHONE", "newcomer", "claim", "Invitation:i", verification="v-ahead")
    here.perform("newcomer", "claim", "Invitation:i", verification="v")
    here.perform("admin", "confirm_invitee", "Invitation:i")
    denied(here, "INVITATION_TO_ACCEPT", "ACCEPT_INVITATION", "newcomer", "claim", "Invitation:i", verification="v")
    here.now += MINUTE
    here.perform("newcomer", "accept", "Invitation:i")


def test_an_administrator_who_is_reminded_no_more_answers(world: NewWorld) -> None:
    reminded = {"reminders": 3, "last_reminded_at": "now - 2 days"}
    here = world("outsider has applied to join", change={"JoinApplication": {"j": reminded}})
    denied(here, "REMINDERS_USED_UP", "WAIT_ADMIN", "outsider", "remind", "JoinApplication:j")
    here.perform("admin", "approve_join", "JoinApplication:j")
    denied(here, "ALREADY_MEMBER", "NONE", "outsider", "join", "Enterprise:e")


def test_what_a_principal_cannot_lend_any_more_is_approved(world: NewWorld) -> None:
    lent = {"principal_id": "m-user", "delegate_id": "m-plain", "power": "USE_SEAL", "scope": "ALL_CONTRACTS"}
    times = {"valid_from": "now - 1 day", "valid_to": "now + 1 day", "state": "ACTIVE"}
    here = world(put={**APPROVER, "Delegation": {"dl": {**lent, **times}}})
    asked, using = ("plain", "use", "Seal:s"), {"task": "t", "verification": "v-plain"}
    here.perform("keeper", "revoke", "SealGrant:g-user")
    denied(here, "DELEGATION_EXCEEDS_PRINCIPAL", "REQUEST_SEAL_USE", *asked, **using)
    approved(here, "plain")
    assert here.ask(*asked, **using)


def test_what_a_retrieval_froze_its_new_administrator_releases(world: NewWorld) -> None:
    here = world(
        put={
            "RetrievalCase": {"k": {"applicant_id": "admin", "state": "EXECUTED", "executed_at": "now - 2 days"}},
            "SealHold": {"h": {"source": "RETRIEVAL", "placed_at": "now - 3 days"}},
        }
    )
    denied(here, "NEW_ADMIN_ONLY", "CONTACT_ADMIN", "keeper", "release", "SealHold:h")
    digest = here.intent_digest("admin", "release", "SealHold:h")
    here.write(face("v-release", "admin", "SEAL_MANAGE", "SealHold", "h", digest))
    here.perform("admin", "release", "SealHold:h", verification="v-release")


def test_who_bears_another_name_than_the_invited_one_is_invited_by_their_own(world: NewWorld) -> None:
    here = world(file="phone_invitations.yaml", fixture="invited phone")
    asked = ("heir", "claim", "Invitation:i")
    denied(here, "CARRIER_MATCH_OF_ANOTHER", "REQUEST_INVITATION", *asked, verification="v-heir")
    said = InviteArguments("token", here.now + 6 * DAY, phone_hash="phone-1", contact_digest="phone-1-heir")
    invitation = str(here.perform("admin", "invite", "Enterprise:e", said).values["invitation_id"])
    match = here.get("IdentityVerification", "v-heir")
    here.write(dataclasses.replace(match, id="v-own", provider_ref="carrier-3", bound_id=invitation))
    here.perform("heir", "claim", f"Invitation:{invitation}", verification="v-own")


def test_a_resolution_is_recorded_by_who_runs_the_contracts(world: NewWorld) -> None:
    here = world()
    asked = {"source": "BOARD", "contract": "c", "beneficiary": "user"}
    denied(here, "NOT_RESOLUTION_RECORDER", "CONTACT_ADMIN", "plain", "record_resolution", "Enterprise:e", **asked)
    assert here.ask("admin", "record_resolution", "Enterprise:e", **asked)


def test_what_nobody_entitled_reviewed_is_reviewed_again(world: NewWorld) -> None:
    reviewed = {"state": "PASSED", "reviewer_id": "approver", "decided_at": "now - 1 hour", "bound_digest": "digest-1"}
    here = world(
        file="consents.yaml",
        fixture="parties",
        change={"Signatory": {"party-e": {"needs_review": True}}, "InternalReview": {"asked": reviewed}},
    )
    denied(here, "REVIEWER_NOT_ENTITLED", "ASK_OTHER_REVIEWER", "user", "use", "Seal:s", **USING)
    made = here.perform("clerk", "request_review", "Signatory:party-e")
    here.perform("clerk", "decide", f"InternalReview:{made.values['review_id']}", verdict="PASSED")
    assert here.ask("user", "use", "Seal:s", **USING)


def held_anew(here: World) -> str:
    """Let the other enterprise hold the seal by a letter, and return the grant."""
    given = NewGrant(GrantKind.ENTERPRISE, valid_to=here.now + DAY, holder="f", scope=ALL)
    grant = f"CrossEnterpriseGrant:{here.perform('keeper', 'grant', 'Seal:s', given).values['grant_id']}"
    made = here.perform("keeper", "deliver_letter", grant, Letter("digest"))
    here.perform("admin", "verify", f"AuthLetter:{made.values['letter_id']}")
    here.perform("boss", "confirm", grant)
    return grant


def test_a_grant_to_the_holder_that_is_over_is_given_anew(world: NewWorld) -> None:
    here = world(put={"Membership": {"m-f2": {"person_id": "outsider", "enterprise_id": "f"}}})
    first = held_anew(here)
    here.perform("keeper", "revoke", first)
    denied(here, "CROSS_GRANT_NOT_LIVE", "REQUEST_CROSS_GRANT", "trader", "assign", first, member="m-f2")
    assert here.ask("trader", "assign", held_anew(here), member="m-f2")
