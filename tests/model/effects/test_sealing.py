"""Using a seal to the end: reserved with a receipt, sealed by the engine while all still holds, and reported."""

from __future__ import annotations

import json
from typing import Any

import pytest
from acting import ENGINE, PLATFORM, NewPlatform, Platform
from harness import NOW, SECOND

from sealauthz.facts import Batch, Update
from sealauthz.facts.store.batch import Precondition, PreconditionKind
from sealauthz.model.effects.engine import REPORTED_WITHIN
from sealauthz.model.records.seals import SealHold
from sealauthz.operations import Performed
from sealauthz.runtime.errors import InvalidRequest, InvariantBroken
from sealauthz_client.receipts import ReceiptRefused

BY_USER: dict[str, Any] = {"task": "t", "verification": "v-user"}


def used(here: Platform, **named: Any) -> Performed:
    """The seal `s`, used by `user` for the task `t`."""
    return here.perform("user", "use", "Seal:s", {"audience": ENGINE}, **BY_USER, **named)


def uses_of(done: Performed) -> list[str]:
    assert done.operation is not None
    return list(json.loads(str(done.operation.values["use_ids"])))


def by_engine(here: Platform, action: str, use_id: str) -> Performed:
    return here.perform("user", action, f"SealUse:{use_id}", caller=ENGINE)


def sealed(here: Platform, done: Performed) -> None:
    for use_id in uses_of(done):
        by_engine(here, "seal", use_id)
        by_engine(here, "confirm_sealed", use_id)


def test_a_use_is_reserved_sealed_and_confirmed(platform: NewPlatform) -> None:
    here = platform(drop=["SigningTask:t-hand"])
    done = used(here)
    (use_id,) = uses_of(done)
    use, task = here.get("SealUse", use_id), here.get("SigningTask", "t")
    assert (use.state, use.act, use.audience, use.person_id, use.grant_id) == (
        "RESERVED",
        "USE",
        ENGINE,
        "user",
        "g-user",
    )
    assert (use.digest, use.documents_digest, use.certificate_id) == ("digest-1", "digest-1", "cert")
    assert (task.state, task.signed_by_id) == ("IN_PROGRESS", None)
    assert here.get("SealGrant", "g-user").used == 1
    check = here.get("IdentityVerification", "v-user")
    assert (check.state, check.consumed_at) == ("CONSUMED", use.used_at)
    assert "SEAL_USED" in [event.code for event in here.told()]

    here.now += 2 * SECOND
    by_engine(here, "seal", use_id)
    assert here.get("SealUse", use_id).sealing_at == here.now
    assert here.get("SigningTask", "t").state == "IN_PROGRESS"
    by_engine(here, "confirm_sealed", use_id)
    use, task = here.get("SealUse", use_id), here.get("SigningTask", "t")
    assert (use.state, use.closed_at) == ("SEALED", here.now)
    assert (task.state, task.signed_by_id, task.signed_for_id) == ("SIGNED", "user", None)
    assert here.get("Contract", "c").state == "COMPLETE"
    assert here.get("SealGrant", "g-user").used == 1
    # It is over for everybody.
    assert here.codes("user", "seal", f"SealUse:{use_id}", caller=ENGINE)
    assert here.codes("user", "report_not_sealed", f"SealUse:{use_id}", caller=ENGINE) == ["USE_ALREADY_REPORTED"]
    assert here.codes("user", "confirm_sealed", f"SealUse:{use_id}", caller=ENGINE) == ["USE_NOT_IN_SEALING"]


def test_the_receipt_says_to_the_engine_what_it_may_seal(platform: NewPlatform) -> None:
    here = platform()
    placed = [{"document": "d", "position": "p1:120,540", "impressions": 2}]
    done = here.perform("user", "use", "Seal:s", {"audience": ENGINE, "placements": placed}, **BY_USER)
    receipt = here.receipt(done)
    assert done.operation is not None
    assert (receipt.operation_id, receipt.subject, receipt.caller, receipt.on_behalf_of) == (
        done.operation.operation_id,
        "Person:user",
        PLATFORM,
        "",
    )
    (use_id,) = uses_of(done)
    assert receipt.permits == {
        "action": "use",
        "resource": "Seal:s",
        "enterprise_id": "e",
        "seal_id": "s",
        "certificate_id": "cert",
        "contract_id": "c",
        "task_id": "t",
        "documents_digest": "digest-1",
        "documents": [{"use_id": use_id, "digest": "digest-1", "position": "p1:120,540", "impressions": 2}],
        "authority": {"grant_id": "g-user"},
    }
    assert receipt.expires_at - receipt.issued_at <= 60
    with pytest.raises(ReceiptRefused):
        here.receipt(done, audience=PLATFORM)
    here.now += 60 * SECOND
    with pytest.raises(ReceiptRefused):
        here.receipt(done)
    assert here.codes("user", "seal", f"SealUse:{use_id}", caller=ENGINE) == ["RECEIPT_EXPIRED"]


IN_BETWEEN: dict[str, tuple[Any, str]] = {
    "a hold": (SealHold("h", "s", "JUDICIAL", NOW), "SEAL_FROZEN"),  # type: ignore[arg-type]
    "the seal is disabled": (Update("Seal", "s", {"state": "DISABLED"}), "SEAL_DISABLED"),
    "the grant is revoked": (Update("SealGrant", "g-user", {"state": "REVOKED"}), "NO_SEAL_GRANT"),
    "the grant has ended": (Update("SealGrant", "g-user", {"valid_to": NOW}), "NO_SEAL_GRANT"),
    "the grant was narrowed": (Update("SealGrant", "g-user", {"amount_max": 1, "currency": "CNY"}), ""),
    "the member is suspended": (Update("Membership", "m-user", {"state": "SUSPENDED"}), "MEMBERSHIP_SUSPENDED"),
    "the account is locked": (Update("Person", "user", {"account_state": "LOCKED"}), "ACCOUNT_LOCKED"),
    "the certificate is revoked": (Update("Certificate", "cert", {"state": "REVOKED"}), "CERT_MISSING"),
    "the contract is recalled": (Update("Contract", "c", {"state": "RECALLED"}), "CONTRACT_NOT_SIGNING"),
    "the document is another one": (Update("ContractDocument", "d", {"digest": "digest-2"}), "DOCUMENT_CHANGED"),
    "the document has blanks": (Update("ContractDocument", "d", {"state": "INCOMPLETE"}), "DOCUMENT_INCOMPLETE"),
    "the enterprise is frozen": (Update("Enterprise", "e", {"operating_state": "FROZEN"}), "ENTERPRISE_FROZEN"),
}


@pytest.mark.parametrize("name", IN_BETWEEN)
def test_what_happens_in_between_voids_the_receipt(platform: NewPlatform, name: str) -> None:
    change, code = IN_BETWEEN[name]
    here = platform(change={"SigningTask": {"t-f": {"state": "VOIDED"}}})  # signed documents stay as they were signed
    (use_id,) = uses_of(used(here))
    if isinstance(change, Update):
        here.store.write(Batch("facts", "between", (change,)))
    else:
        here.write(change)
    if not code:  # covers the contract all the same: it is not about money
        assert by_engine(here, "seal", use_id)
        return
    assert code in here.codes("user", "seal", f"SealUse:{use_id}", caller=ENGINE)
    use = here.get("SealUse", use_id)
    assert (use.state, use.sealing_at) == ("RESERVED", 0)
    # The count comes back all the same, and by the engine only.
    assert here.codes("user", "report_not_sealed", f"SealUse:{use_id}") == ["NOT_THE_SEALING_ENGINE"]
    by_engine(here, "report_not_sealed", use_id)
    assert here.get("SealGrant", "g-user").used == 0


def test_a_use_that_comes_back_frees_the_task_and_tells(platform: NewPlatform) -> None:
    here = platform()
    (use_id,) = uses_of(used(here))
    by_engine(here, "seal", use_id)
    here.told()
    by_engine(here, "report_not_sealed", use_id)
    use = here.get("SealUse", use_id)
    assert (use.state, use.closed_at) == ("NOT_SEALED", here.now)
    assert here.get("SigningTask", "t").state == "PENDING"
    assert here.get("SealGrant", "g-user").used == 0
    (event,) = [each for each in here.told() if each.code == "SEAL_USE_NOT_SEALED"]
    assert {"user", "admin"} <= set(event.recipients)
    # The check stays used up; with another one the seal is used again.
    assert here.codes("user", "use", "Seal:s", {"audience": ENGINE}, **BY_USER) == ["FACE_VERIFICATION_ALREADY_USED"]


def test_the_last_use_of_a_grant_is_sealed_though_it_is_counted(platform: NewPlatform) -> None:
    here = platform(change={"SealGrant": {"g-user": {"use_limit": 1}}})
    done = used(here)
    assert here.get("SealGrant", "g-user").used == 1
    sealed(here, done)


def test_a_count_of_another_use_is_not_forgiven(platform: NewPlatform) -> None:
    # Another grant was counted: the limit of this one still says no.
    here = platform(put={"SealGrant": {"g-a": {"membership_id": "m-user", "use_limit": 1}}})
    (use_id,) = uses_of(used(here))
    assert here.get("SealUse", use_id).grant_id == "g-a"
    here.store.write(Batch("facts", "x", (Update("SealGrant", "g-a", {"state": "REVOKED"}),)))
    # `g-user` would do for a use of its own, and was not counted.
    assert here.codes("user", "seal", f"SealUse:{use_id}", caller=ENGINE) == ["NO_SEAL_GRANT"]


def test_the_engine_that_uses_the_seal_itself_needs_no_second_act(platform: NewPlatform) -> None:
    here = platform()
    done = used(here, caller=ENGINE)
    assert done.operation is not None
    assert done.operation.receipt == ""
    (use_id,) = uses_of(done)
    assert here.get("SealUse", use_id).sealing_at == here.now
    assert here.codes("user", "seal", f"SealUse:{use_id}", caller=ENGINE) == ["USE_NOT_RESERVED"]
    by_engine(here, "confirm_sealed", use_id)


@pytest.mark.parametrize("caller", [PLATFORM, "engine2", "Engine"])
def test_nobody_but_the_audience_seals_and_reports(platform: NewPlatform, caller: str) -> None:
    here = platform()
    (use_id,) = uses_of(used(here))
    for action in ("seal", "confirm_sealed", "report_not_sealed"):
        assert "NOT_THE_SEALING_ENGINE" in here.codes("user", action, f"SealUse:{use_id}", caller=caller)
    # Nor for somebody else.
    assert here.codes("plain", "seal", f"SealUse:{use_id}", caller=ENGINE) == ["NOT_FOUND"]
    assert "NO_PERMISSION" in here.codes("plain", "report_not_sealed", f"SealUse:{use_id}", caller=ENGINE)


def test_a_confirmation_needs_the_act_of_sealing(platform: NewPlatform) -> None:
    here = platform()
    (use_id,) = uses_of(used(here))
    assert here.codes("user", "confirm_sealed", f"SealUse:{use_id}", caller=ENGINE) == ["USE_NOT_IN_SEALING"]
    by_engine(here, "seal", use_id)
    assert here.codes("user", "seal", f"SealUse:{use_id}", caller=ENGINE) == ["USE_NOT_RESERVED"]


def test_what_is_being_sealed_is_not_used_again(platform: NewPlatform) -> None:
    here = platform(put={"IdentityVerification": {"v-2": {"person_id": "user", "provider_ref": "provider-2"}}})
    used(here)
    denied = here.try_to("user", "use", "Seal:s", {"audience": ENGINE}, task="t", verification="v-2")
    assert [reason.code for reason in denied.decision.reasons] == ["DOCUMENTS_BEING_SEALED"]
    assert here.get("SealGrant", "g-user").used == 1
    assert here.get("IdentityVerification", "v-2").state == "PASSED"


TWO_DOCUMENTS: dict[str, Any] = {
    "put": {"ContractDocument": {"d2": {"contract_id": "c", "digest": "digest-2", "state": "COMPLETE"}}},
}


def two_documents(platform: NewPlatform) -> Platform:
    from sealauthz.model.records.contracts import whole_digest

    whole = whole_digest(["digest-1", "digest-2"])
    return platform(**TWO_DOCUMENTS, change={"IdentityVerification": {"v-user": {"bound_digest": whole}}})


def test_a_task_is_signed_with_the_last_of_its_documents_and_counted_once(platform: NewPlatform) -> None:
    here = two_documents(platform)
    first, second = uses_of(used(here))
    assert here.get("SealGrant", "g-user").used == 1
    by_engine(here, "seal", first)
    by_engine(here, "confirm_sealed", first)
    assert here.get("SigningTask", "t").state == "IN_PROGRESS"
    by_engine(here, "seal", second)
    by_engine(here, "confirm_sealed", second)
    assert here.get("SigningTask", "t").state == "SIGNED"


def test_a_count_comes_back_when_nothing_of_the_act_was_sealed(platform: NewPlatform) -> None:
    here = two_documents(platform)
    first, second = uses_of(used(here))
    by_engine(here, "report_not_sealed", first)
    assert here.get("SealGrant", "g-user").used == 1
    by_engine(here, "report_not_sealed", second)
    assert here.get("SealGrant", "g-user").used == 0


def test_a_count_stays_when_one_document_was_sealed(platform: NewPlatform) -> None:
    here = two_documents(platform)
    first, second = uses_of(used(here))
    by_engine(here, "seal", first)
    by_engine(here, "confirm_sealed", first)
    by_engine(here, "report_not_sealed", second)
    assert here.get("SealGrant", "g-user").used == 1
    assert here.get("SigningTask", "t").state == "IN_PROGRESS"


def test_what_nobody_reports_is_unknown_and_counts(platform: NewPlatform) -> None:
    here = platform()
    (use_id,) = uses_of(used(here))
    by_engine(here, "seal", use_id)
    here.now += REPORTED_WITHIN - 1
    assert here.sweep() == []
    here.now += 1
    told = here.sweep()
    use = here.get("SealUse", use_id)
    assert (use.state, use.closed_at) == ("UNKNOWN", here.now)
    assert [event.code for event in told] == ["SEAL_USE_UNKNOWN"]
    assert here.get("SealGrant", "g-user").used == 1
    assert here.sweep() == []
    # It may turn out to be sealed, and not to be not.
    assert here.codes("user", "report_not_sealed", f"SealUse:{use_id}", caller=ENGINE) == ["USE_ALREADY_REPORTED"]
    by_engine(here, "confirm_sealed", use_id)
    assert here.get("SigningTask", "t").state == "SIGNED"


def test_nobody_lowers_a_count_beside_a_report(platform: NewPlatform) -> None:
    here = platform()
    used(here)
    page = here.store.read("SealGrant", {"id": "g-user"})
    read = Precondition("SealGrant", "g-user", PreconditionKind.AT_REVISION, page.records[0].revision)
    with pytest.raises(InvariantBroken, match="never goes back"):
        here.store.write(Batch("facts", "x", (Update("SealGrant", "g-user", {"used": 0}),), (read,)))


def test_a_request_is_completed_by_its_last_use(platform: NewPlatform) -> None:
    here = platform("plain's request is approved")
    done = here.perform("plain", "use", "Seal:s", {"audience": ENGINE}, task="t", verification="v-plain")
    request = here.get("SealUseRequest", "q")
    assert (request.used, request.state) == (1, "IN_USE")
    (use_id,) = uses_of(done)
    assert here.receipt(done).permits["authority"] == {"request_ids": ["q"], "approval_ids": ["qa"]}
    here.perform("plain", "seal", f"SealUse:{use_id}", caller=ENGINE)
    here.perform("plain", "confirm_sealed", f"SealUse:{use_id}", caller=ENGINE)
    request = here.get("SealUseRequest", "q")
    assert (request.used, request.state) == (1, "COMPLETED")


def test_a_request_comes_back_and_is_used_again(platform: NewPlatform) -> None:
    here = platform(
        "plain's request is approved",
        put={"IdentityVerification": {"v-2": {"person_id": "plain", "provider_ref": "provider-2"}}},
    )
    done = here.perform("plain", "use", "Seal:s", {"audience": ENGINE}, task="t", verification="v-plain")
    (use_id,) = uses_of(done)
    here.perform("plain", "report_not_sealed", f"SealUse:{use_id}", caller=ENGINE)
    request = here.get("SealUseRequest", "q")
    assert (request.used, request.state) == (0, "IN_USE")
    assert here.perform("plain", "use", "Seal:s", {"audience": ENGINE}, task="t", verification="v-2")


BAD_ARGUMENTS: list[tuple[dict[str, Any], str]] = [
    ({}, "audience"),
    ({"audience": " "}, "audience"),
    ({"audience": "e" * 257}, "audience"),
    ({"audience": ENGINE, "placements": [{"document": "d"}, {"document": "d"}]}, "twice"),
    ({"audience": ENGINE, "placements": [{"document": "nobody"}]}, "document"),
    ({"audience": ENGINE, "placements": [{"document": "d", "impressions": 0}]}, "impressions"),
    ({"audience": ENGINE, "placements": [{"document": "d", "position": "x" * 257}]}, "position"),
    ({"audience": ENGINE, "seal": "s"}, "seal"),
]


def test_what_cannot_be_sealed_so_is_refused_and_nothing_is_counted(platform: NewPlatform) -> None:
    here = platform()
    before = here.store.revision()
    for arguments, named in BAD_ARGUMENTS:
        with pytest.raises(InvalidRequest, match=named):
            here.try_to("user", "use", "Seal:s", arguments, **BY_USER)
    assert here.store.revision() == before


def test_an_emergency_use_is_on_record_and_is_the_last_one(platform: NewPlatform) -> None:
    here = platform(
        "user holds no grant",
        put={
            "SealGrant": {"g-e": {"membership_id": "m-user", "right": "EMERGENCY", "use_limit": 5}},
            "IdentityVerification": {"v-2": {"person_id": "user", "provider_ref": "provider-2"}},
        },
    )
    done = here.perform("user", "emergency_use", "Seal:s", {"audience": ENGINE}, reason="flood", **BY_USER)
    assert done.operation is not None
    emergency = here.get("EmergencyUse", str(done.operation.values["emergency_use_id"]))
    assert (emergency.grant_id, emergency.used_at, emergency.reason) == ("g-e", here.now, "flood")
    assert emergency.task_id == "t"
    assert "ALERT_EMERGENCY_USE" in [event.code for event in here.told()]
    # Its own record does not stand in the way of sealing, and stands in the way of the next one.
    sealed(here, done)
    again = here.ask("user", "emergency_use", "Seal:s", reason="flood", task="t", verification="v-2")
    assert "POST_APPROVAL_MISSING" in [reason.code for reason in again.reasons]


def test_a_seal_is_put_automatically_by_the_grant_for_that(platform: NewPlatform) -> None:
    here = platform(
        put={
            "SealGrant": {"g-auto": {"membership_id": "m-user", "right": "AUTO_SIGN", "use_limit": 1}},
            "GrantTemplate": {"gt": {"grant_id": "g-auto", "template_id": "tpl"}},
        },
        change={"Contract": {"c": {"template_id": "tpl"}}},
    )
    done = here.perform("user", "auto_use", "Seal:s", {"audience": ENGINE}, task="t")
    (use_id,) = uses_of(done)
    use = here.get("SealUse", use_id)
    assert (use.act, use.grant_id, use.verification_id) == ("AUTO_USE", "g-auto", None)
    sealed(here, done)
    assert here.get("SealGrant", "g-auto").used == 1


def test_a_check_that_got_too_old_in_between_is_asked_again(platform: NewPlatform) -> None:
    here = platform(change={"IdentityVerification": {"v-user": {"passed_at": "now - 1790 seconds"}}})
    (use_id,) = uses_of(used(here))
    here.now += 10 * SECOND
    assert "FACE_VERIFICATION_REQUIRED" in here.codes("user", "seal", f"SealUse:{use_id}", caller=ENGINE)


def test_a_use_without_a_certificate_of_then_is_not_sealed(platform: NewPlatform) -> None:
    other = {
        "enterprise_id": "e",
        "issuer": "CA",
        "serial": "2",
        "not_before": "now - 1 hour",
        "not_after": "now + 1 hour",
    }
    here = platform(put={"Certificate": {"cert2": other}})
    (use_id,) = uses_of(used(here))
    here.store.write(Batch("facts", "x", (Update("Seal", "s", {"certificate_id": "cert2"}),)))
    assert here.ask("user", "seal", f"SealUse:{use_id}", caller=ENGINE).reasons[0].code == "CERT_MISSING"
