"""Stopping seals and letting them go on, carried out."""

from __future__ import annotations

from harness import NewWorld

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
