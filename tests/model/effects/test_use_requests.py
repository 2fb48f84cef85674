"""Asking for the use of a seal and deciding on that, carried out."""

from __future__ import annotations

from typing import Any

import pytest
from harness import DAY, HOUR, NOW, SECOND, NewWorld, World, bundle

from sealauthz.model.effects.requests import UsePhotos, UseRequest
from sealauthz.runtime.errors import InvalidRequest
from sealauthz.runtime.instants import FOREVER

USING = {"task": "t", "verification": "v-plain"}
SALE = UseRequest(NOW + DAY, contract="c", purpose="采购合同")


def requested(here: World, given: UseRequest = SALE, subject: str = "plain", **named: str) -> str:
    """Ask to use the seal, and return the request."""
    return f"SealUseRequest:{here.perform(subject, 'request_use', 'Seal:s', given, **named).values['request_id']}"


def state_of(here: World, request: str) -> str:
    """Where a request stands."""
    return str(here.get("SealUseRequest", request.partition(":")[2]).state)


def test_a_member_without_a_grant_uses_the_seal_once_that_is_approved(world: NewWorld) -> None:
    here = world("approver may approve", change={"SealGrant": {"g-approver": {"use_limit": "unlimited"}}})
    request = requested(here)
    assert set(here.events[-1].recipients) == {"approver", "boss"}
    assert [d.digest for d in here.get("SealUseRequest", request.partition(":")[2]).documents] == ["digest-1"]
    assert not here.ask("plain", "use", "Seal:s", **USING)
    here.perform("approver", "approve", request)
    assert state_of(here, request) == "APPROVED"
    assert here.events[-1].recipients == ("plain",)
    assert here.ask("plain", "use", "Seal:s", **USING)
    here.perform("plain", "withdraw", request)
    assert not here.ask("plain", "use", "Seal:s", **USING)


@pytest.mark.parametrize(
    "grant",
    [{"state": "REVOKED"}, {"valid_to": "now"}, {"valid_from": "now + 1 hour"}, {"use_limit": 1, "used": 1}],
    ids=" ".join,
)
def test_a_request_notifies_nobody_whose_grant_is_not_valid_now(world: NewWorld, grant: dict[str, Any]) -> None:
    change = {"SealGrant": {"g-approver": {"use_limit": "unlimited", **grant}}}
    here = world("the legal representative is a member", "approver may approve", change=change)
    requested(here)
    assert set(here.events[-1].recipients) == {"boss"}


def test_one_refusal_ends_a_request(world: NewWorld) -> None:
    here = world("approver may approve", change={"SealGrant": {"g-approver": {"use_limit": "unlimited"}}})
    request = requested(here)
    here.perform("approver", "reject", request, reason="金额有误")
    assert state_of(here, request) == "REJECTED"
    assert here.codes("boss", "approve", request)


def test_the_applicant_sees_why_their_request_was_refused(world: NewWorld) -> None:
    here = world("approver may approve", change={"SealGrant": {"g-approver": {"use_limit": "unlimited"}}})
    request = requested(here)
    here.perform("approver", "reject", request, reason="金额有误")
    (reason,) = here.ask("plain", "withdraw", request).reasons
    (step,) = reason.next_steps
    assert (reason.code, step.parameters["rejection_reason"]) == ("REQUEST_REJECTED", "金额有误")
    said = bundle().texts.reason(reason.code, "zh", step.parameters)
    assert said == "用印申请被驳回，原因：金额有误"
    assert "金额有误" not in str(here.ask("user", "withdraw", request).reasons)
    # What was written is about a person: no event has it.
    assert "金额有误" not in str(here.events)


def process(*steps: tuple[int, str, list[dict[str, Any]]], **more: Any) -> dict[str, Any]:
    """A process of Spruce that anybody may choose, with these steps: position, mode and approvers."""
    return {
        "ApprovalProcess": {"p": {"enterprise_id": "e", "name": "用印审批"}},
        "ProcessStep": {
            f"st{i}": {"process_id": "p", "position": position, "mode": mode}
            for i, (position, mode, _) in enumerate(steps)
        },
        "StepApprover": {
            f"sa{i}-{j}": {"step_id": f"st{i}", **named}
            for i, (_, _, approvers) in enumerate(steps)
            for j, named in enumerate(approvers)
        },
        **more,
    }


def test_a_request_follows_its_process_step_by_step(world: NewWorld) -> None:
    here = world(
        put=process(
            (1, "ANY", [{"membership_id": "m-user"}, {"membership_id": "m-approver"}]),
            (2, "ANY", [{"role": "SYSTEM_ADMIN"}]),
        )
    )
    request = requested(here, process="p")
    assert set(here.events[-1].recipients) == {"user", "approver"}
    assert here.codes("admin", "approve", request) == ["NOT_YOUR_TURN"]
    here.perform("user", "approve", request)
    assert (state_of(here, request), here.events[-1].recipients) == ("IN_APPROVAL", ("admin",))
    here.perform("admin", "approve", request)
    assert state_of(here, request) == "APPROVED"
    assert here.ask("plain", "use", "Seal:s", **USING)


def test_all_of_a_step_pass_it_each_for_their_own_line(world: NewWorld) -> None:
    step = (1, "ALL", [{"membership_id": "m-user"}, {"role": "SYSTEM_ADMIN"}])
    here = world("there is a second administrator", put=process(step))
    request = requested(here, process="p")
    here.perform("admin", "approve", request)
    # Another one of the same role says nothing for the member who is named.
    assert (state_of(here, request), set(here.events[-1].recipients)) == ("IN_APPROVAL", {"user", "second"})
    here.perform("second", "approve", request)
    assert state_of(here, request) == "IN_APPROVAL"
    here.perform("user", "approve", request)
    assert state_of(here, request) == "APPROVED"
    assert here.ask("plain", "use", "Seal:s", **USING)


def test_two_of_three_are_two_steps_at_one_place(world: NewWorld) -> None:
    lines = [{"membership_id": member} for member in ("m-user", "m-approver", "m-keeper")]
    here = world(put=process((1, "ANY", lines), (1, "ANY", lines)))
    request = requested(here, process="p")
    here.perform("user", "approve", request)
    assert state_of(here, request) == "IN_APPROVAL"
    here.perform("keeper", "approve", request)
    assert state_of(here, request) == "APPROVED"
    assert {approval.step_id for approval in here.get("SealUseRequest", request.partition(":")[2]).approvals} == {
        "st0",
        "st1",
    }
    assert here.ask("plain", "use", "Seal:s", **USING)


def test_a_substitute_passes_the_step_of_whom_they_stand_in_for(world: NewWorld) -> None:
    absence = {
        "membership_id": "m-approver",
        "substitute_id": "m-user",
        "recorded_by_id": "approver",
        "recorded_at": "now - 1 day",
        "valid_from": "now - 1 day",
        "valid_to": "now + 1 day",
    }
    here = world(put=process((1, "ALL", [{"membership_id": "m-approver"}]), Absence={"away": absence}))
    request = requested(here, process="p")
    here.perform("user", "approve", request)
    assert state_of(here, request) == "APPROVED"
    assert here.ask("plain", "use", "Seal:s", **USING)


def test_the_head_of_the_applicants_own_department_decides(world: NewWorld) -> None:
    here = world(
        put={
            **process((1, "ANY", [{"role": "DEPT_ADMIN"}]), (1, "ANY", [{"membership_id": "m-approver"}])),
            "Department": {
                "top": {"enterprise_id": "e", "name": "总部"},
                "sub": {"enterprise_id": "e", "name": "采购", "parent_id": "top"},
            },
            "RoleAssignment": {
                "head": {"membership_id": "m-user", "role": "DEPT_ADMIN", "department_id": "top"},
                "other": {"membership_id": "m-approver", "role": "DEPT_ADMIN", "department_id": None},
            },
        },
        change={"Membership": {"m-plain": {"department_id": "sub"}}},
    )
    request = requested(here, process="p")
    # The head of something else passes the step that names them in person.
    here.perform("approver", "approve", request)
    here.perform("user", "approve", request)
    assert state_of(here, request) == "APPROVED"
    assert here.ask("plain", "use", "Seal:s", **USING)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (UseRequest(NOW, contract="c"), "valid_to"),
        (UseRequest(NOW + 7 * DAY + 1, contract="c"), "valid_to"),
        (UseRequest(NOW + 9 * DAY, NOW + DAY, contract="c"), "valid_to"),
        (UseRequest(NOW + DAY, NOW - 365 * DAY, contract="c"), "valid_to"),
        (UseRequest(FOREVER, FOREVER - DAY, contract="c"), "valid_from"),
        (UseRequest(NOW + DAY, contract="c", uses=0), "uses"),
        (UseRequest(NOW + DAY), "documents"),
        (UseRequest(NOW + DAY, contract="c", documents=("digest-1",)), "documents"),
        (UseRequest(NOW + DAY, contract="own"), "contract"),
        (UseRequest(NOW + DAY, contract="c", carries_out=True), "carries_out"),
    ],
)
def test_what_nobody_can_ask_for_is_refused(world: NewWorld, given: UseRequest, field: str) -> None:
    here = world("approver may approve", put={"Contract": {"own": {"initiator_id": "f", "contract_type": "SALES"}}})
    with pytest.raises(InvalidRequest, match=f"arguments.{field}"):
        requested(here, given)


YEAR_ENDS = 1_798_732_800 * SECOND
"""The end of the year that NOW is in, in Shanghai."""


@pytest.mark.parametrize(("timezone", "later"), [("Asia/Tokyo", -1), ("UTC", 8), ("America/New_York", 13)])
def test_a_request_ends_with_the_year_in_which_it_begins(world: NewWorld, timezone: str, later: int) -> None:
    here = world("approver may approve", change={"Enterprise": {"e": {"timezone": timezone}}})
    ends = YEAR_ENDS + later * HOUR

    def end_of(begin: int) -> int:
        request = requested(here, UseRequest(begin + 7 * DAY, begin, contract="c"))
        return int(here.get("SealUseRequest", request.partition(":")[2]).valid_to)

    assert end_of(ends - 8 * DAY) == ends - DAY
    assert end_of(ends - DAY) == end_of(ends - 1) == ends
    assert end_of(ends) == ends + 7 * DAY


def test_a_request_lasts_as_long_as_it_may(world: NewWorld) -> None:
    here = world("approver may approve")
    request = requested(here, UseRequest(NOW + 7 * DAY, contract="c"))
    assert here.get("SealUseRequest", request.partition(":")[2]).valid_to == NOW + 7 * DAY


def test_a_request_for_a_seal_whose_owner_has_no_known_time_zone_is_refused(world: NewWorld) -> None:
    here = world("approver may approve", change={"Enterprise": {"e": {"timezone": "Nowhere/Else"}}})
    with pytest.raises(InvalidRequest, match="timezone"):
        requested(here)


def test_owed_photos_are_delivered_before_another_request(world: NewWorld) -> None:
    here = world(
        "plain's request is approved",
        change={"SealUseRequest": {"q": {"photos_owed": 2, "used": 1, "state": "COMPLETED"}}},
    )
    assert here.codes("plain", "request_use", "Seal:s") == ["PHOTO_OWED"]
    assert here.codes("user", "deliver_photos", "SealUseRequest:q") == ["NOT_OWN_REQUEST"]
    for wrong in ((), ("a", "a"), ("a", "b", "c")):
        with pytest.raises(InvalidRequest, match="digests"):
            here.perform("plain", "deliver_photos", "SealUseRequest:q", UsePhotos(wrong))
    here.perform("plain", "deliver_photos", "SealUseRequest:q", UsePhotos(("front", "back")))
    assert here.codes("plain", "deliver_photos", "SealUseRequest:q") == ["NO_PHOTO_OWED"]
    kept = {(photo.digest, photo.delivered_by_id) for photo in here.get("SealUseRequest", "q").photos}
    assert kept == {("front", "plain"), ("back", "plain")}
    here.change(("SealUseRequest", "q", {"photos_owed": 1}))
    with pytest.raises(InvalidRequest, match="delivered before"):
        here.perform("plain", "deliver_photos", "SealUseRequest:q", UsePhotos(("front",)))
    here.perform("plain", "deliver_photos", "SealUseRequest:q", UsePhotos(("side",)))
    assert here.ask("plain", "request_use", "Seal:s")


def test_the_legal_representative_approves_an_emergency_use_without_a_membership(world: NewWorld) -> None:
    missed = {"u": {"grant_id": "g-em", "used_at": "now - 1 hour", "reason": "flood"}}
    here = world(put={"SealGrant": {"g-em": {"membership_id": "m-user", "right": "EMERGENCY"}}, "EmergencyUse": missed})
    given = {"task": "t", "verification": "v-user", "reason": "flood"}
    assert not here.ask("user", "emergency_use", "Seal:s", **given)
    here.perform("boss", "approve_afterwards", "EmergencyUse:u")
    use = here.get("EmergencyUse", "u")
    assert (use.approved_by_id, use.representative_id, use.approved_at) == (None, "boss", here.now)
    assert (here.events[-1].code, here.events[-1].recipients) == ("EMERGENCY_USE_APPROVED", ("user",))
    assert here.ask("user", "emergency_use", "Seal:s", **given)
    assert not here.ask("boss", "approve_afterwards", "EmergencyUse:u")


def test_an_emergency_use_is_approved_afterwards(world: NewWorld) -> None:
    here = world(
        "approver may approve",
        put={
            "SealGrant": {"g-e": {"membership_id": "m-plain", "right": "EMERGENCY"}},
            "EmergencyUse": {"use": {"grant_id": "g-e", "used_at": "now - 1 hour", "reason": "夜间"}},
        },
    )
    here.perform("approver", "approve_afterwards", "EmergencyUse:use")
    use = here.get("EmergencyUse", "use")
    assert (use.approved_by_id, use.approved_at) == ("m-approver", NOW)
    assert here.events[-1].recipients == ("plain",)
