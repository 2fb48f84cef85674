"""Physical seals, carried out: stamped with once, carried out of the house, and taken back."""

from __future__ import annotations

from typing import Any

import pytest
from acting import NewPlatform

from sealauthz.model.records.requests import StampReport
from sealauthz.runtime.errors import InvalidRequest, InvariantBroken

STAMPING: dict[str, Any] = {"request": "q", "verification": "v-stamp", "code_digest": "code-1"}


def test_a_stamp_uses_up_code_check_and_count_and_owes_a_photo(platform: NewPlatform) -> None:
    here = platform("plain may stamp", file="outings.yaml")
    here.perform("plain", "stamp", "Seal:s-p", **STAMPING)
    request = here.get("SealUseRequest", "q")
    assert (request.used, request.state, request.code_digest, request.photos_owed) == (1, "COMPLETED", "", 1)
    assert here.get("IdentityVerification", "v-stamp").state == "CONSUMED"
    assert "SEAL_USED" in [event.code for event in here.told()]
    assert not here.ask("plain", "stamp", "Seal:s-p", **STAMPING)


def test_a_request_for_several_stamps_is_in_use_until_the_last(platform: NewPlatform) -> None:
    here = platform("plain may stamp", file="outings.yaml", change={"SealUseRequest": {"q": {"uses": 2}}})
    here.perform("plain", "stamp", "Seal:s-p", **STAMPING)
    request = here.get("SealUseRequest", "q")
    assert (request.used, request.state) == (1, "IN_USE")


def test_a_seal_that_is_carried_out_comes_back_to_its_keeper(platform: NewPlatform) -> None:
    here = platform("plain may stamp", file="outings.yaml", change={"Seal": {"s-p": {"custodian_id": "m-keeper"}}})
    done = here.perform("plain", "carry_out", "Seal:s-p", **STAMPING)
    assert done.operation is not None
    outing_id = str(done.operation.values["outing_id"])
    outing = here.get("SealOuting", outing_id)
    assert (outing.holder_id, outing.out_from, outing.state) == ("m-plain", here.now, "OUT")
    assert here.now < outing.due_at
    request = here.get("SealUseRequest", "q")
    assert (request.used, request.code_digest) == (0, "")
    assert not here.ask("plain", "record_return", f"SealOuting:{outing_id}")
    here.perform("keeper", "record_return", f"SealOuting:{outing_id}")
    outing = here.get("SealOuting", outing_id)
    assert (outing.state, outing.received_by_id, outing.returned_at) == ("RETURNED", "m-keeper", here.now)
    assert "SEAL_RETURNED" in [event.code for event in here.told()]
    assert not here.ask("keeper", "record_return", f"SealOuting:{outing_id}")


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        ({"custodian_id": "m-user"}, {"user"}),
        (
            {
                "custodian_id": "m-user",
                "acting_custodian_id": "m-keeper",
                "acting_from": "now - 1 day",
                "acting_to": "now + 1 day",
            },
            {"user", "keeper"},
        ),
        (
            {
                "custodian_id": "m-user",
                "acting_custodian_id": "m-keeper",
                "acting_from": "now + 1 day",
                "acting_to": "now + 2 days",
            },
            {"user"},
        ),
    ],
)
def test_a_keeper_is_informed_when_somebody_carries_the_seal_out(
    platform: NewPlatform, kept: dict[str, Any], told: set[str]
) -> None:
    here = platform("plain may stamp", file="outings.yaml", change={"Seal": {"s-p": kept}})
    here.told()
    here.perform("plain", "carry_out", "Seal:s-p", **STAMPING)
    (event,) = [each for each in here.told() if each.code == "SEAL_CARRIED_OUT"]
    assert {"user", "keeper"} & set(event.recipients) == told


CONTROLLER = {"audience": "controller"}


def test_a_service_that_opens_the_controller_gets_a_receipt(platform: NewPlatform) -> None:
    here = platform("plain may stamp", file="outings.yaml")
    done = here.perform("plain", "stamp", "Seal:s-p", CONTROLLER, **STAMPING)
    receipt = here.receipt(done, audience="controller")
    assert receipt.permits == {
        "action": "stamp",
        "resource": "Seal:s-p",
        "enterprise_id": "e",
        "seal_id": "s-p",
        "device_id": "dev",
        "request_id": "q",
        "documents_digest": "digest-1",
        "impressions": 1,
    }
    assert receipt.expires_at - receipt.issued_at <= 60


def test_the_receipt_of_a_seal_that_leaves_says_until_when(platform: NewPlatform) -> None:
    here = platform("plain may stamp", file="outings.yaml")
    done = here.perform("plain", "carry_out", "Seal:s-p", CONTROLLER, **STAMPING)
    assert done.operation is not None
    outing = here.get("SealOuting", str(done.operation.values["outing_id"]))
    permits = here.receipt(done, audience="controller").permits
    assert (permits["outing_id"], permits["due_at"]) == (outing.id, outing.due_at // 1_000_000)


def test_without_a_service_there_is_no_receipt(platform: NewPlatform) -> None:
    here = platform("plain may stamp", file="outings.yaml")
    with pytest.raises(InvalidRequest, match="a letter or a digit"):
        here.perform("plain", "stamp", "Seal:s-p", {"audience": " "}, **STAMPING)
    done = here.perform("plain", "stamp", "Seal:s-p", **STAMPING)
    assert done.operation is not None
    assert done.operation.receipt == ""


def test_more_impressions_than_were_allowed_are_told_once(platform: NewPlatform) -> None:
    here = platform("plain may stamp", file="outings.yaml")
    here.perform("plain", "stamp", "Seal:s-p", **STAMPING)
    here.write(StampReport("r1", "q", "dev", 1, here.now))
    assert here.sweep() == []
    assert here.get("StampReport", "r1").state == "COMPARED"
    here.write(StampReport("r2", "q", "dev", 1, here.now))
    (event,) = here.sweep()
    assert (event.code, event.values["impressions"], event.values["used"]) == ("SEAL_STAMPED_TOO_OFTEN", 2, 1)
    assert {"admin", "boss", "plain"} <= set(event.recipients)
    said = "The controller of the seal 云杉实物章 of 云杉印务 counted 2 impressions where 1 were allowed"
    assert here.text(event) == said
    assert here.sweep() == []
    # Nothing was stamped: the use is used up all the same.
    assert here.get("SealUseRequest", "q").used == 1


def test_a_controller_reports_of_its_own_openings(platform: NewPlatform) -> None:
    here = platform("plain may stamp", "there is another controller", file="physical_use.yaml")
    with pytest.raises(InvariantBroken, match="another controller"):
        here.write(StampReport("r", "q", "dev-2", 1, here.now))
