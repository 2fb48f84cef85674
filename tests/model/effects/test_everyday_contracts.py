"""Everyday acts around a contract, as sentences that must come true: who acts for whom, limits, a seal outside.

Each person does what the next steps tell them (`stories`), until the act is done.
"""

from __future__ import annotations

from typing import Any

from acting import ENGINE, NewPlatform
from harness import DAY, HOUR, MINUTE, SECOND
from stories import Story, use_of

from sealauthz.model.records.identity import IdentityVerification
from sealauthz_client.answers import NextStep

BY_RIGHT: dict[str, Any] = {"g-approver": {"membership_id": "m-approver", "right": "APPROVE"}}
ONLY_THE_SEAL: list[str] = ["SigningTask:t-hand"]


def dollars(amount: int) -> dict[str, Any]:
    """Both sides say an amount in dollars."""
    said = {"is_monetary": True, "amount": amount, "currency": "USD"}
    return {"Contract": {"c": said}, "Signatory": {"party-e": said}}


# --- who acts for whom ------------------------------------------------------------------------------------------------


def test_a_named_operator_on_vacation_lets_a_colleague_seal(platform: NewPlatform) -> None:
    here = Story(platform(drop=["TaskOperator:o-plain", *ONLY_THE_SEAL]))
    told = here.is_told("NOT_TASK_OPERATOR", "FORWARD_TO_OPERATOR", "plain", "open", "SigningTask:t")
    assert told["operator_phone"] == "138****1569"
    terms = {"delegate": "m-plain", "valid_to": here.now + 3 * DAY, "seal": "s", "reason": "休假"}
    made = here.does("user", "delegate", "Membership:m-user", terms)
    here.does("plain", "accept", f"Delegation:{made['delegation_id']}")
    here.does("plain", "open", "SigningTask:t")
    here.seals("plain", "s", "t")
    task = here.platform.get("SigningTask", "t")
    assert (task.signed_by_id, task.signed_for_id) == ("plain", "user")


def test_one_check_of_intent_seals_a_list(platform: NewPlatform) -> None:
    both = ("there is a second contract", "user has shown their face for both")
    here = Story(platform(*both, file="batches.yaml", drop=["IdentityVerification:v-list", *ONLY_THE_SEAL]))
    listed = {
        "bound_type": "IntentBatch",
        "bound_id": "b",
        "bound_digest": here.platform.get("IntentBatch", "b").digest,
    }
    check = here.shows_face("user", NextStep("VERIFY_FACE", {"purpose": "SIGN", **listed}))
    for task in ("t", "t2"):
        here.seals("user", "s", task, verification=check)


def test_a_member_of_two_holders_uses_the_way_that_is_open(platform: NewPlatform) -> None:
    here = Story(
        platform(
            file="several_ways.yaml", fixture="two holders", change={"Enterprise": {"a": {"operating_state": "FROZEN"}}}
        )
    )
    here.seals("outsider", "s", "t")


def test_a_representative_of_both_sides_signs_with_the_consent_of_each(platform: NewPlatform) -> None:
    here = Story(
        platform(
            "boss may use the seal",
            "boss represents both sides",
            file="both_sides.yaml",
            drop=["BoardResolution:br-e", "BoardResolution:br-f", *ONLY_THE_SEAL, "IdentityVerification:v-boss"],
        )
    )
    here.finds("DOUBLE_AGENCY", "REQUEST_CONSENTS", *use_of("boss", "s"), task="t")
    here.finds("SELF_DEALING", "ATTACH_RESOLUTION", *use_of("boss", "s"), task="t")
    terms = {"kind": "SELF_DEALING", "passed_at": here.now - HOUR, "valid_to": here.now + DAY}
    said = {"contract": "c", "beneficiary": "boss", "source": "SHAREHOLDERS"}
    for enterprise, recorder, second in (("e", "admin", "plain"), ("f", "one-f", "two-f")):
        made = here.does(recorder, "record_resolution", f"Enterprise:{enterprise}", terms, **said)
        here.does(second, "countersign", f"BoardResolution:{made['resolution_id']}")
    here.seals("boss", "s", "t")


def test_a_representative_who_guarantees_for_the_company_seals_for_it(platform: NewPlatform) -> None:
    given = ("boss may use the seal", "boss guarantees Spruce's debt")
    here = Story(platform(*given, file="both_sides.yaml", drop=[*ONLY_THE_SEAL, "IdentityVerification:v-boss"]))
    here.seals("boss", "s", "t")


def test_a_guarantee_by_the_company_takes_the_resolution(platform: NewPlatform) -> None:
    here = Story(
        platform(
            file="resolutions.yaml",
            fixture="resolved",
            drop=["BoardResolution:br", "Signatory:party-u", *ONLY_THE_SEAL],
            change={"Contract": {"c": {"matter": "GUARANTEE"}}, "Signatory": {"party-e": {"matter": "GUARANTEE"}}},
        )
    )
    told = here.is_told("RESOLUTION_REQUIRED", "ATTACH_RESOLUTION", *use_of("user", "s"), task="t")
    terms = {"kind": "GUARANTEE", "passed_at": here.now - DAY, "valid_to": here.now + DAY}
    said = {"contract": str(told["contract_id"]), "source": "BOARD"}
    made = here.does("clerk", "record_resolution", "Enterprise:e", terms, **said)
    resolution = f"BoardResolution:{made['resolution_id']}"
    here.is_told("DUAL_CONTROL_REQUIRED", "REQUEST_SECOND_PERSON", "clerk", "countersign", resolution)
    here.does("second", "countersign", resolution)
    here.seals("user", "s", "t")


# --- coming in, and refusing ------------------------------------------------------------------------------------------


def test_a_phone_without_an_account_is_invited(platform: NewPlatform) -> None:
    phone = {"phone_hash": "phone-1", "contact_digest": "phone-1-newcomer"}
    here = Story(platform(put={"TaskOperator": {}}))
    invited = {"token_hash": "token", "expires_at": here.now + 7 * DAY, **phone}
    invitation = f"Invitation:{here.does('admin', 'invite', 'Enterprise:e', invited)['invitation_id']}"
    # Then the account is opened, with that phone.
    here.wait(HOUR)
    known = here.platform.get("Person", "outsider")
    here.arrives(known, "newcomer", phone_hash="phone-1", phone_bound_at=here.now)
    here.is_told("INVITATION_TO_CLAIM", "CLAIM_INVITATION", "newcomer", "accept", invitation)
    here.wait(MINUTE)
    told = here.is_told("CARRIER_MATCH_REQUIRED", "MATCH_PHONE", "newcomer", "claim", invitation)
    # The carrier matches the phone with the name that the inviter stated.
    matched = {**told, "bound_digest": "phone-1-newcomer"}
    check = here.shows_face("newcomer", NextStep("MATCH_PHONE", matched), str(told["method"]))
    here.does("newcomer", "claim", invitation, verification=check)
    here.is_told("INVITATION_UNCONFIRMED", "WAIT_INVITER", "newcomer", "accept", invitation)
    here.does("admin", "confirm_invitee", invitation)
    here.does("newcomer", "accept", invitation)
    (membership,) = here.platform.all("Membership", person_id="newcomer")
    assert (membership.state, membership.joined_via) == ("ACTIVE", "INVITE")


def test_a_named_signer_refuses_and_the_sender_reads_why(platform: NewPlatform) -> None:
    sent = {"Membership": {"m-f": {"person_id": "stranger", "enterprise_id": "f"}}}
    here = Story(platform(put=sent, change={"Contract": {"c": {"initiated_by_id": "stranger"}}}))
    here.is_told("REASON_REQUIRED", "STATE_REASON", "user", "refuse", "SigningTask:t")
    here.platform.told()
    here.does("user", "refuse", "SigningTask:t", reason="价格未谈妥")
    assert [(event.code, event.recipients) for event in here.platform.told()] == [("TASK_REFUSED", ("stranger",))]
    here.does("stranger", "view_refusal", "Contract:c")
    assert here.platform.get("SigningTask", "t").refusal_reason == "价格未谈妥"
    here.is_refused("TASK_NOT_PENDING", *use_of("user", "s"), task="t")


# --- limits, and clocks -----------------------------------------------------------------------------------------------


def test_a_providers_clock_may_be_half_a_minute_ahead(platform: NewPlatform) -> None:
    here = Story(platform(drop=ONLY_THE_SEAL))

    def shown(ahead: int) -> dict[str, Any]:
        check = f"ahead-{ahead}"
        bound = ("SigningTask", "t", "digest-1")
        here.platform.write(
            IdentityVerification(check, "user", "FACE", "SIGN", check, *bound, "PASSED", here.now + ahead * SECOND)  # type: ignore[arg-type]
        )
        return {"task": "t", "verification": check}

    here.is_told("VERIFICATION_TIME_AHEAD", "VERIFY_FACE", *use_of("user", "s"), **shown(31))
    here.seals("user", "s", **shown(30))


def test_a_foreign_currency_under_a_limit_is_approved_by_a_person(platform: NewPlatform) -> None:
    limited = {"SealGrant": {"g-user": {"amount_max": 100_000, "currency": "CNY"}}}
    here = Story(platform(put={"SealGrant": BY_RIGHT}, change={**dollars(5_000), **limited}, drop=ONLY_THE_SEAL))
    here.is_told("AMOUNT_CURRENCY_UNSUPPORTED", "SUBMIT_APPROVAL", *use_of("user", "s"), task="t")
    request = here.does("user", "request_use", "Seal:s", {"valid_to": here.now + DAY, "contract": "c"})["request_id"]
    here.is_told("APPROVAL_REQUIRED", "WAIT_APPROVAL", *use_of("user", "s"), task="t", says="审批人a********")
    here.does("approver", "approve", f"SealUseRequest:{request}")
    here.seals("user", "s", "t")


def test_a_currency_without_a_band_is_a_matter_for_those_who_set_the_bands(platform: NewPlatform) -> None:
    banded = {
        "ApprovalProcess": {"p": {"enterprise_id": "e", "name": "一级审批"}},
        "AmountBand": {"b": {"enterprise_id": "e", "process_id": "p", "currency": "CNY", "from_amount": 0}},
    }
    here = Story(platform(put=banded, change=dollars(5_000), drop=ONLY_THE_SEAL))
    done = here.platform.try_to(*use_of("user", "s"), task="t")
    steps = [step.code for step in done.decision.reasons[0].next_steps]
    assert (done.decision.reasons[0].code, steps) == (
        "AMOUNT_CURRENCY_UNSUPPORTED",
        ["CONTACT_SEAL_ADMIN", "CONTACT_ADMIN"],
    )


# --- where a physical seal is -----------------------------------------------------------------------------------------


def test_a_physical_seal_is_with_somebody_until_it_comes_back(platform: NewPlatform) -> None:
    here = Story(
        platform(
            "plain may stamp",
            file="physical_use.yaml",
            put={
                "SealUseRequest": {
                    "q-user": {
                        "seal_id": "s-p",
                        "applicant_id": "m-user",
                        "contract_id": None,
                        "device_id": "dev",
                        "code_digest": "code-2",
                    }
                }
            },
            change={
                "Seal": {"s-p": {"custodian_id": "m-keeper"}},
                "SealUseRequest": {"q": {"uses": 3, "carries_out": True}},
            },
            drop=["IdentityVerification:v-stamp", "TaskOperator:o-plain"],
        )
    )
    using = {"request": "q", "code_digest": "code-1"}
    outing = here.does("plain", "carry_out", "Seal:s-p", {"audience": ENGINE}, **using)["outing_id"]
    told = here.finds("SEAL_OUT", "WAIT_RETURN", "user", "stamp", "Seal:s-p", request="q-user", code_digest="code-2")
    assert told["holder_name"][0] == "p"
    told = here.is_told("SEAL_NOT_RETURNED", "RETURN_SEAL", "plain", "resign", "Membership:m-plain")
    assert (told["outing_id"], told["keeper_name"]) == (outing, "k******")
    here.platform.now = told_until(here, "user")
    asks = ("plain", "request_use", "Seal:s-p", {"valid_to": here.now + DAY, "contract": "c"})
    here.is_told("SEAL_OVERDUE", "RETURN_SEAL", *asks, says="逾期")
    here.does("keeper", "record_return", f"SealOuting:{outing}")
    told = here.is_told("PHOTO_OWED", "UPLOAD_USE_PHOTOS", *asks)
    here.does("plain", "deliver_photos", f"SealUseRequest:{told['request_id']}", {"digests": ["photo-1"]})
    here.does(*asks)
    here.does("plain", "resign", "Membership:m-plain")


def told_until(here: Story, who: str) -> int:
    """When the seal is due back, as somebody is told who waits for it."""
    told = here.finds("SEAL_OUT", "WAIT_RETURN", who, "stamp", "Seal:s-p", request="q-user", code_digest="code-2")
    assert isinstance(told["wait_until"], int)
    return told["wait_until"]
