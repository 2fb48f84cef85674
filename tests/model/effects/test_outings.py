"""Physical seals, carried out: stamped with once, carried out of the house, and taken back."""

from __future__ import annotations

from typing import Any

from acting import NewPlatform

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
