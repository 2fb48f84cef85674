"""Contracts and their tasks, carried out: signed by hand, approved, refused, passed on, recalled and ended."""

from __future__ import annotations

from typing import Any

import pytest
from acting import NewPlatform
from harness import DAY, NOW

from sealauthz.decision.assembly import Within
from sealauthz.model import MODEL
from sealauthz.runtime.errors import CallerNotPermitted, InvalidRequest

OWN_TYPES = {"Contract", "SigningTask", "Signatory", "InternalReview", "PartyConsent", "SealUse", "SealOuting"}
SEALING = {"use", "auto_use", "emergency_use", "stamp", "carry_out"}


def test_every_act_on_contracts_and_seals_put_has_an_effect() -> None:
    without = [
        (name, resource)
        for (name, resource), action in MODEL.actions.items()
        if (resource in OWN_TYPES or (resource == "Seal" and name in SEALING)) and action.effect is None
    ]
    assert without == []


def test_a_signature_by_hand_is_made_in_one_step_and_the_turn_goes_on(platform: NewPlatform) -> None:
    here = platform(
        "user has passed a face check for signing by hand",
        change={"SigningTask": {"t": {"position": 3, "state": "WAITING"}}},
    )
    here.perform("user", "sign", "SigningTask:t-hand", verification="v-hand")
    task, following = here.get("SigningTask", "t-hand"), here.get("SigningTask", "t")
    assert (task.state, task.signed_by_id, task.signed_at) == ("SIGNED", "user", here.now)
    assert following.state == "PENDING"
    assert here.get("IdentityVerification", "v-hand").state == "CONSUMED"
    (told,) = [event for event in here.told() if event.code == "TASK_DUE"]
    assert set(told.recipients) == {"user", "plain", "keeper", "outsider", "boss"}
    assert here.get("Contract", "c").state == "SIGNING"


def test_a_refusal_ends_the_task_and_tells_the_sender(platform: NewPlatform) -> None:
    here = platform(change={"Contract": {"c": {"initiated_by_id": "trader"}}})
    here.perform("user", "refuse", "SigningTask:t", reason="not as agreed")
    task = here.get("SigningTask", "t")
    assert (task.state, task.refused_by_id, task.refused_at) == ("REJECTED", "user", here.now)
    assert task.refusal_reason == "not as agreed"
    (told,) = [event for event in here.told() if event.code == "TASK_REFUSED"]
    assert (told.tenant_id, told.recipients) == ("f", ("trader",))
    assert "not as agreed" not in str(told)
    assert not here.ask("user", "use", "Seal:s", task="t", verification="v-user")


def test_a_task_is_passed_on_with_its_seal_and_its_old_holders_lose_it(platform: NewPlatform) -> None:
    here = platform()
    done = here.perform("admin", "transfer", "SigningTask:t", receiver="m-approver")
    assert done.operation is not None
    new_id = str(done.operation.values["task_id"])
    old, new = here.get("SigningTask", "t"), here.get("SigningTask", new_id)
    assert (old.state, new.state, new.action, new.position) == ("TRANSFERRED", "PENDING", old.action, old.position)
    assert [operator.person_id for operator in new.operators] == ["approver"]
    assert [fixed.seal_id for fixed in new.fixed_seals] == ["s"]
    assert not here.ask("user", "use", "Seal:s", task="t", verification="v-user")
    assert here.ask("approver", "open", f"SigningTask:{new_id}")
    assert not here.ask("user", "open", f"SigningTask:{new_id}")


PARKED: dict[str, Any] = {
    "put": {
        "SigningTask": {"t-plain": {"action": "HANDLER_SIGN", "state": "PENDING", "handler_id": "plain"}},
        "RoleAssignment": {"r-approver": {"membership_id": "m-approver", "role": "CONTRACT_ADMIN"}},
    },
    "change": {"Contract": {"c": {"initiated_by_id": "trader"}}},
    "drop": ["TaskOperator:o-plain"],
}


def test_the_signature_of_a_member_who_leaves_waits_for_another_handler(platform: NewPlatform) -> None:
    here = platform(**PARKED)
    here.perform("admin", "end", "Membership:m-plain")
    task = here.get("SigningTask", "t-plain")
    assert (task.state, task.handler_id) == ("PENDING", None)
    (told,) = [event for event in here.told() if event.code == "TASK_PARKED"]
    assert (told.tenant_id, told.about) == ("e", ("SigningTask", "t-plain"))
    assert set(told.recipients) == {"admin", "boss", "approver"}
    done = here.perform("approver", "transfer", "SigningTask:t-plain", receiver="m-user")
    assert done.operation is not None
    new = here.get("SigningTask", str(done.operation.values["task_id"]))
    assert (new.action, new.state, new.handler_id, list(new.operators)) == ("HANDLER_SIGN", "PENDING", "user", [])
    (told,) = [event for event in here.told() if event.code == "HANDLER_NAMED"]
    assert (told.tenant_id, told.recipients) == ("f", ("trader",))


def test_the_signature_of_a_member_who_leaves_is_refused_by_an_administrator(platform: NewPlatform) -> None:
    here = platform(**PARKED)
    here.perform("plain", "resign", "Membership:m-plain")
    here.perform("admin", "refuse", "SigningTask:t-plain", reason="nobody here signs that")
    assert here.get("SigningTask", "t-plain").state == "REJECTED"


def test_a_signature_that_was_begun_is_parked_as_one_that_was_not(platform: NewPlatform) -> None:
    here = platform(
        put={"SigningTask": {"t-plain": {"action": "HANDLER_SIGN", "state": "IN_PROGRESS", "handler_id": "plain"}}},
        drop=["TaskOperator:o-plain"],
    )
    here.perform("admin", "end", "Membership:m-plain")
    task = here.get("SigningTask", "t-plain")
    assert (task.state, task.handler_id) == ("PENDING", None)


def test_an_operator_whom_the_sender_binds_is_named_no_more_after_leaving(platform: NewPlatform) -> None:
    here = platform(change={"Contract": {"c": {"forbids_transfer": True}}})
    here.perform("admin", "end", "Membership:m-plain")
    task = here.get("SigningTask", "t")
    assert {operator.person_id for operator in task.operators} == {"user", "keeper", "outsider", "boss"}
    assert (task.state, task.handler_id) == ("PENDING", None)


def test_a_task_that_a_seal_is_reserved_for_is_not_passed_on(platform: NewPlatform) -> None:
    here = platform()
    here.perform("user", "use", "Seal:s", {"audience": "engine"}, task="t", verification="v-user")
    assert here.codes("admin", "transfer", "SigningTask:t", receiver="m-approver") == ["TRANSFER_NOT_ALLOWED"]


def test_a_recall_ends_what_is_open_and_keeps_what_is_signed(platform: NewPlatform) -> None:
    here = platform()
    here.perform("trader", "recall", "Contract:c")
    assert here.get("Contract", "c").state == "RECALLED"
    states = {task_id: here.get("SigningTask", task_id).state for task_id in ("t-f", "t", "t-hand")}
    assert states == {"t-f": "SIGNED", "t": "VOIDED", "t-hand": "VOIDED"}
    assert {event.about[1] for event in here.told() if event.code == "CONTRACT_RECALLED"} == {"t", "t-hand"}
    assert not here.ask("trader", "recall", "Contract:c")


def test_a_contract_is_recalled_for_a_caller_with_the_right_on_its_sender(platform: NewPlatform) -> None:
    here = platform()
    with pytest.raises(CallerNotPermitted):
        here.perform("trader", "recall", "Contract:c", may_see=Within(frozenset({"e"})))
    assert here.get("Contract", "c").state == "SIGNING"
    here.perform("trader", "recall", "Contract:c", may_see=Within(frozenset({"f"})))
    assert here.get("Contract", "c").state == "RECALLED"


LATER = {"valid_to": NOW + DAY}


def test_a_complete_contract_ends_when_all_parties_have_agreed(platform: NewPlatform) -> None:
    here = platform(change={"Contract": {"c": {"state": "COMPLETE"}}})
    assert not here.ask("trader", "terminate", "Contract:c")
    here.perform("trader", "agree_to_termination", "Signatory:party-f", LATER)
    done = here.perform("admin", "agree_to_termination", "Signatory:party-e", LATER)
    assert done.operation is not None
    consent = here.get("PartyConsent", str(done.operation.values["consent_id"]))
    assert (consent.kind, consent.given_by_id, consent.given_at) == ("TERMINATION", "admin", here.now)
    assert (consent.bound_digest, consent.valid_to) == ("digest-1", NOW + DAY)
    assert here.ask("trader", "terminate", "Contract:c")
    # Who takes the word back in time stops it.
    here.perform("admin", "withdraw", f"PartyConsent:{consent.id}")
    assert not here.ask("trader", "terminate", "Contract:c")
    here.perform("admin", "agree_to_termination", "Signatory:party-e", LATER)
    here.perform("trader", "terminate", "Contract:c")
    assert here.get("Contract", "c").state == "TERMINATED"


def test_a_consent_ends_later_than_now(platform: NewPlatform) -> None:
    here = platform(change={"Contract": {"c": {"state": "COMPLETE"}}})
    with pytest.raises(InvalidRequest, match="later than now"):
        here.try_to("admin", "agree_to_termination", "Signatory:party-e", {"valid_to": NOW})


def test_a_permit_of_double_agency_covers_what_the_contract_says_now(platform: NewPlatform) -> None:
    amounts: dict[str, Any] = {
        "Contract": {"c": {"is_monetary": True, "amount": 500, "currency": "CNY"}},
        "Signatory": {"party-e": {"amount": 700, "currency": "CNY", "is_monetary": True}},
    }
    here = platform(change=amounts)
    done = here.perform("boss", "permit_double_agency", "Signatory:party-e", LATER, person="user")
    assert done.operation is not None
    consent = here.get("PartyConsent", str(done.operation.values["consent_id"]))
    assert (consent.kind, consent.person_id, consent.amount_max, consent.currency) == (
        "DOUBLE_AGENCY",
        "user",
        700,
        "CNY",
    )


def test_a_review_is_asked_for_once_and_opens_the_way_when_it_passes(platform: NewPlatform) -> None:
    here = platform(change={"Signatory": {"party-e": {"needs_review": True}}})
    using = {"task": "t", "verification": "v-user"}
    assert not here.ask("user", "use", "Seal:s", **using)
    done = here.perform("admin", "request_review", "Signatory:party-e")
    again = here.try_to("admin", "request_review", "Signatory:party-e")
    assert [reason.code for reason in again.decision.reasons] == ["REVIEW_PENDING"]
    assert done.operation is not None
    review_id = str(done.operation.values["review_id"])
    with pytest.raises(InvalidRequest, match="must be one of"):
        here.try_to("admin", "decide", f"InternalReview:{review_id}", verdict="PENDING")
    here.perform("admin", "decide", f"InternalReview:{review_id}", verdict="PASSED")
    review = here.get("InternalReview", review_id)
    assert (review.state, review.reviewer_id, review.bound_digest) == ("PASSED", "admin", "digest-1")
    assert here.ask("user", "use", "Seal:s", **using)


def test_a_review_may_end_the_signing_for_everybody(platform: NewPlatform) -> None:
    here = platform(put={"InternalReview": {"ir": {"signatory_id": "party-e", "bound_digest": ""}}})
    here.perform("admin", "decide", "InternalReview:ir", verdict="SIGN_REJECTED")
    assert here.get("Contract", "c").state == "REJECTED"
    assert here.get("SigningTask", "t").state == "VOIDED"


def test_a_task_to_approve_is_signed_by_its_approver(platform: NewPlatform) -> None:
    here = platform(
        put={
            "SigningTask": {"t-app": {"action": "APPROVE", "position": 1, "state": "PENDING"}},
            "TaskOperator": {"o-app": {"task_id": "t-app", "person_id": "approver"}},
        },
        change={"Contract": {"c": {"initiator_id": "e"}}, "SigningTask": {"t": {"state": "WAITING"}}},
    )
    here.perform("approver", "approve", "SigningTask:t-app")
    approved = here.get("SigningTask", "t-app")
    assert (approved.signed_by_id, approved.signed_at) == ("approver", here.now)
    assert here.get("SigningTask", "t").state == "PENDING"
