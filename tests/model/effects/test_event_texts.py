"""Whom the events of a use reach, and which names their texts say: those alone that everybody who is told may see."""

from __future__ import annotations

from types import SimpleNamespace

from acting import ENGINE, NewPlatform, Platform
from harness import DAY, HOUR, NOW, NewWorld

from sealauthz.decision import RequestOptions
from sealauthz.decision.assembly import Within
from sealauthz.model import MODEL
from sealauthz.model.effects.engine import REPORTED_WITHIN
from sealauthz.schema import Event

HELD = "the parent company holds the seal"
WATCH = {
    "Person": {"warden": {"real_name": "warden某", "id_hash": "hash-warden"}},
    "Membership": {"m-warden": {"person_id": "warden", "enterprise_id": "h"}},
    "MonitorSubscription": {"w": {"enterprise_id": "h", "leader_id": "m-warden"}},
}


def used_by_holder(platform: NewPlatform, **change: object) -> Platform:
    """The seal of `e`, used by the member of the company that holds it, `h`, of which `warden` watches the seals."""
    here = platform(HELD, file="authority.yaml", put=WATCH, change=change)
    here.perform("outsider", "use", "Seal:s", {"audience": ENGINE}, task="t", verification="v-outsider")
    return here


def by_tenant(events: list[Event], code: str) -> dict[str, set[str]]:
    return {event.tenant_id: set(event.recipients) for event in events if event.code == code}


def test_the_watchers_of_a_holder_are_told_of_its_own_uses(platform: NewPlatform) -> None:
    here = used_by_holder(platform, CrossEnterpriseGrant={"x": {"used": 8}})
    told = here.told()
    for code in ("SEAL_USED", "ALERT_NEAR_LIMIT"):
        assert by_tenant(told, code) == {"e": {"admin", "boss"}, "h": {"leader", "warden"}}
    near = next(event for event in told if event.code == "ALERT_NEAR_LIMIT" and event.tenant_id == "h")
    assert near.values["left"] == 1
    assert here.text(near) == "A right to use the seal 云杉公章 of 云杉印务 is nearly used up: 1 left"
    assert here.text(near, "zh") == "云杉印务的印章“云杉公章”的授权次数即将用完，剩余1次"


def test_what_became_of_a_holders_use_is_told_to_its_watchers_too(platform: NewPlatform) -> None:
    here = used_by_holder(platform)
    (use,) = here.all("SealUse", state="RESERVED")
    here.now += REPORTED_WITHIN
    assert by_tenant(here.sweep(), "SEAL_USE_UNKNOWN") == {"e": {"admin", "boss"}, "h": {"leader", "warden"}}
    here = used_by_holder(platform)
    here.told()
    (use,) = here.all("SealUse", state="RESERVED")
    here.perform("outsider", "report_not_sealed", f"SealUse:{use.id}", caller=ENGINE)
    told = by_tenant(here.told(), "SEAL_USE_NOT_SEALED")
    assert told == {"e": {"admin", "boss", "outsider"}, "h": {"leader", "warden"}}


def test_a_holder_is_not_told_of_the_owners_uses(platform: NewPlatform) -> None:
    here = platform(HELD, file="authority.yaml", put=WATCH)
    here.perform("user", "use", "Seal:s", {"audience": ENGINE}, task="t", verification="v-user")
    assert {event.tenant_id for event in here.told()} == {"e"}


def test_a_leader_who_left_the_holder_is_told_no_more(platform: NewPlatform) -> None:
    here = platform(
        HELD,
        file="authority.yaml",
        put=WATCH,
        change={"Membership": {"m-warden": {"state": "ENDED", "ended_at": "now - 1 day", "end_reason": "REMOVED"}}},
    )
    here.perform("outsider", "use", "Seal:s", {"audience": ENGINE}, task="t", verification="v-outsider")
    assert by_tenant(here.told(), "SEAL_USED")["h"] == {"leader"}


def event(code: str, *recipients: str, tenant: str = "e", **values: str | int) -> Event:
    return Event(code, tenant, ("Seal", "s"), recipients, {"seal_id": "s", **values})


def test_a_seal_is_named_only_where_everybody_who_is_told_may_see_it(world: NewWorld) -> None:
    here = world()
    frozen = "The seal 云杉公章 of 云杉印务 has been frozen"
    assert here.text(event("SEAL_FREEZE_PLACED", "admin", "boss")) == frozen
    # One of them cannot see it, or is not there at all; or we do not know who is told.
    for recipients in [("admin", "stranger"), ("nobody",), ()]:
        assert here.text(event("SEAL_FREEZE_PLACED", *recipients)) == "A seal has been frozen"
    # Nor is it named to a caller who has no right to its owner, or when it is gone.
    elsewhere = RequestOptions(Within(frozenset({"f"})))
    assert here.text(event("SEAL_FREEZE_PLACED", "admin"), options=elsewhere) == "A seal has been frozen"
    gone = Event("SEAL_FREEZE_PLACED", "e", ("Seal", "s"), ("admin",), {"seal_id": "none"})
    assert here.text(gone) == "A seal has been frozen"


def test_who_left_reads_the_name_of_a_seal_no_more(world: NewWorld) -> None:
    here = world("outsider holds no task")
    revoked = event("GRANT_REVOKED", "plain")
    assert here.text(revoked) == "A right on the seal 云杉公章 of 云杉印务 has been taken back"
    here.change(("Membership", "m-plain", {"state": "ENDED", "ended_at": NOW, "end_reason": "REMOVED"}))
    here.change(("SigningTask", "t", {"state": "VOIDED"}))
    assert here.text(revoked) == "A right on a seal has been taken back"


def test_the_seal_of_a_representative_bears_a_name_and_is_not_named(world: NewWorld) -> None:
    here = world(change={"Seal": {"s": {"name": "boss某之印", "kind": "LEGAL_REP", "legal_rep_id": "boss"}}})
    for language, said in (("en", "A seal of 云杉印务 has been frozen"), ("zh", "云杉印务的印章已被冻结")):
        assert here.text(event("SEAL_FREEZE_PLACED", "admin"), language) == said


def test_an_enterprise_is_named_to_everybody(world: NewWorld) -> None:
    here = world()
    assert here.text(event("APPLICATION_APPROVED", "stranger")) == "Your application to join 云杉印务 is approved"
    assert here.text(event("DATA_EXPORTED")) == "Data of 云杉印务 has been exported"
    due = event("TASK_DUE", "signer", sender_id="f", sign_until=NOW + DAY)
    assert here.text(due, "zh") == "雪松贸易发起的合同轮到您签署，请于2026-09-22 14:14 UTC前完成"


def test_texts_say_until_when(world: NewWorld) -> None:
    here = world()
    named = event("GRANT_CONFIRMED", "user", valid_until=NOW + HOUR)
    assert here.text(named).endswith(" until 2026-09-21 15:14 UTC")


def test_each_name_says_which_field_it_is_of() -> None:
    """A name that does not would be told to nobody; one of another field, to callers who may not read it."""
    seal = SimpleNamespace(kind="OFFICIAL", name="Seal.name", enterprise=SimpleNamespace(name="Enterprise.name"))
    enterprise = SimpleNamespace(name="Enterprise.name")
    for named in MODEL.named:
        said = named.says(seal if named.record_type == "Seal" else enterprise)
        assert said == {name: ".".join(column) for name, column in named.reads.items()}
