"""Stopping seals and letting them go on, carried out."""

from __future__ import annotations

from harness import NewWorld, face

USING = {"task": "t", "verification": "v-user"}


def test_who_freezes_a_seal_stops_its_use_and_tells_who_watches(world: NewWorld) -> None:
    here = world(put={"MonitorSubscription": {"w": {"enterprise_id": "e", "leader_id": "m-plain"}}})
    assert here.ask("user", "use", "Seal:s", **USING)
    outcome = here.perform("keeper", "freeze", "Seal:s")
    hold = here.get("SealHold", str(outcome.values["hold_id"]))
    assert (hold.source, hold.placed_at, hold.placed_by_id) == ("ADMIN", here.now, "keeper")
    assert here.codes("user", "use", "Seal:s", **USING) == ["SEAL_FROZEN"]
    (event,) = here.events
    assert (event.code, event.tenant_id, event.about) == ("SEAL_FREEZE_PLACED", "e", ("Seal", "s"))
    assert set(event.recipients) == {"admin", "boss", "plain"}


def test_who_may_audit_one_seal_is_told_what_happens_to_it(world: NewWorld) -> None:
    """While the right counts, and of no other seal."""
    audit = {"right": "AUDIT"}
    here = world(
        put={
            "Seal": {"s2": {"name": "another", "kind": "CONTRACT"}},
            "SealGrant": {
                "g-plain": {**audit, "membership_id": "m-plain"},
                "g-over": {**audit, "membership_id": "m-approver", "valid_to": "now + 1 minute"},
                "g-other": {**audit, "membership_id": "m-user", "seal_id": "s2"},
            },
        }
    )
    here.now += 60_000_000
    here.perform("user", "freeze", "Seal:s")
    assert set(here.events[-1].recipients) == {"admin", "boss", "plain"}


def test_a_lost_seal_that_is_found_is_switched_off(world: NewWorld) -> None:
    here = world(put={"SealHold": {"other": {"source": "ADMIN", "placed_by_id": "plain"}}})
    here.perform("user", "report_lost", "Seal:s")
    assert here.get("Seal", "s").state == "LOST"
    digest = here.intent_digest("keeper", "report_found", "Seal:s")
    here.write(face("v-found", "keeper", "SEAL_MANAGE", "Seal", "s", digest))
    here.perform("keeper", "report_found", "Seal:s", verification="v-found")
    assert here.get("Seal", "s").state == "DISABLED"
    assert [hold.state for hold in here.get("Seal", "s").holds if hold.source == "LOSS"] == ["RELEASED"]
    assert here.get("SealHold", "other").state == "PLACED"
    assert here.get("IdentityVerification", "v-found").state == "CONSUMED"


def test_a_seal_lost_outside_is_not_out_any_more(world: NewWorld) -> None:
    outing = {"seal_id": "s", "holder_id": "m-user", "out_from": "now", "due_at": "now + 1 minute"}
    here = world(put={"SealOuting": {"out": outing}}, change={"Seal": {"s": {"category": "PHYSICAL"}}})
    here.perform("user", "report_lost", "Seal:s")
    assert here.get("SealOuting", "out").state == "LOST"


def test_another_person_lets_a_seal_go_on(world: NewWorld) -> None:
    here = world(put={"SealHold": {"h": {"source": "ADMIN", "placed_by_id": "user"}}})
    digest = here.intent_digest("keeper", "release", "SealHold:h")
    here.write(face("v-release", "keeper", "SEAL_MANAGE", "SealHold", "h", digest))
    assert here.codes("user", "use", "Seal:s", **USING) == ["SEAL_FROZEN"]
    here.perform("keeper", "release", "SealHold:h", verification="v-release")
    assert here.ask("user", "use", "Seal:s", **USING)
    assert [event.code for event in here.events] == ["SEAL_HOLD_RELEASED"]


def test_what_the_platform_holds_is_lifted_by_two_and_nobody_concerned_is_told(world: NewWorld) -> None:
    here = world(
        put={
            "Person": {
                "warden": {"real_name": "warden某", "id_hash": "hash-warden"},
                "second": {"real_name": "second某", "id_hash": "hash-second"},
            },
            "PlatformStaff": {
                "risk": {"person_id": "warden", "duty": "RISK"},
                "risk-2": {"person_id": "second", "duty": "RISK"},
            },
        }
    )
    outcome = here.perform("warden", "place_hold", "Seal:s", source="JUDICIAL", reference="(2026)闽01执1号")
    hold = f"SealHold:{outcome.values['hold_id']}"
    assert here.get("SealHold", str(outcome.values["hold_id"])).reference == "(2026)闽01执1号"
    assert here.codes("user", "use", "Seal:s", **USING) == ["SEAL_FROZEN"]
    here.perform("warden", "propose_lift", hold)
    assert here.codes("warden", "lift", hold) == ["DUAL_CONTROL_REQUIRED"]
    here.perform("second", "lift", hold)
    assert here.ask("user", "use", "Seal:s", **USING)
    assert here.events == []
