"""Alerts: raised once for their cause, with it or by the service itself, told, and open until somebody has seen one."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from typing import Any

import pytest
from acting import NewPlatform, Platform
from harness import DAY, HOUR, NOW, bundle

from sealauthz.audit.recorder import Answered, Recorder
from sealauthz.audit.sequencer import Sequencer
from sealauthz.decision import PolicyDecisionPoint
from sealauthz.facts import FactCache, Store
from sealauthz.model import MODEL
from sealauthz.model.records.identity import IdentityVerification, VerificationState
from sealauthz.operations import Operations, Performed
from sealauthz.operations.alarms import Alarms
from sealauthz.runtime.background import ignored
from sealauthz.schema import Event

LEADER = {"MonitorSubscription": {"ms": {"enterprise_id": "e", "leader_id": "m-plain"}}}
OUT = {"out": {"seal_id": "s", "holder_id": "m-user", "out_from": "now - 2 hours", "due_at": "now + 1 hour"}}
PHYSICAL = {"Seal": {"s": {"category": "PHYSICAL", "custodian_id": "m-keeper"}}}


def alarms_of(here: Platform, store: Store | None = None) -> Alarms:
    store = store or here.store
    cache = FactCache(store)
    acts = Operations(store, PolicyDecisionPoint(cache, bundle(), lambda: here.now))
    return Alarms(store, cache, acts, ignored, now=lambda: here.now)


def raised(here: Platform) -> list[tuple[str, str, str | None]]:
    return sorted((each.kind, each.raised_for, each.person_id) for each in here.all("Alert"))


def alerts(events: list[Event]) -> list[tuple[str, tuple[str, ...]]]:
    return [(each.code, each.recipients) for each in events if each.code.startswith("ALERT_")]


def log(here: Platform, *answers: Performed) -> None:
    """Put denied acts into the log of decisions, as the service does."""
    recorder = Recorder(here.store, FactCache(here.store), lambda *_told: None, ignored)
    for each in answers:
        recorder.note(Answered("Perform", "platform", "", "", each.decision, each.decision.evaluated_at, 1))
    recorder.stop()
    Sequencer(here.store, "test").drain()


def denied(here: Platform, subject: str = "plain", action: str = "use", seal: str = "s") -> Performed:
    done = here.try_to(subject, action, f"Seal:{seal}", {"audience": "engine"} if action != "stamp" else {}, task="t")
    assert not done
    return done


def test_an_alert_of_a_use_is_kept_with_it_and_told(platform: NewPlatform) -> None:
    here = platform(put=LEADER)
    here.told()
    done = here.perform("user", "use", "Seal:s", {"audience": "engine"}, task="t", verification="v-user")
    assert done.operation is not None
    (alert,) = here.all("Alert")
    assert (alert.kind, alert.raised_for) == ("ALERT_FIRST_USE", f"Operation:{done.operation.operation_id}")
    assert (alert.enterprise_id, alert.seal_id, alert.person_id, alert.raised_at) == ("e", "s", "user", NOW)
    ((code, told),) = alerts(here.told())
    assert code == "ALERT_FIRST_USE"
    assert "plain" in told


WITH_A_USE: dict[str, tuple[tuple[Any, ...], dict[str, Any], str]] = {
    "more than four fifths of a right are used": ((), {"change": {"SealGrant": {"g-user": {"used": 8}}}}, "NEAR_LIMIT"),
    "it is out of hours": (
        ("Spruce works until six", "plain's request is approved for out of hours"),
        {"file": "procedures.yaml", "change": {"SealGrant": {"g-user": {"used": 1}}}},
        "OUT_OF_HOURS",
    ),
    "an administrator came within a day": (
        (),
        {
            "change": {
                "SealGrant": {"g-user": {"used": 1}},
                "RoleAssignment": {"r-admin": {"valid_from": "now - 2 hours"}},
            }
        },
        "AFTER_ADMIN_CHANGE",
    ),
}


@pytest.mark.parametrize("why", WITH_A_USE)
def test_a_use_that_those_who_watch_must_know_of_raises_an_alert(platform: NewPlatform, why: str) -> None:
    given, more, code = WITH_A_USE[why]
    here = platform(*given, put=LEADER, **more)
    here.told()
    done = here.perform("user", "use", "Seal:s", {"audience": "engine"}, task="t", verification="v-user")
    assert done.operation is not None
    assert raised(here) == [(f"ALERT_{code}", f"Operation:{done.operation.operation_id}", "user")]
    assert [told for told, _ in alerts(here.told())] == [f"ALERT_{code}"]


def test_a_signature_that_stands_for_the_enterprise_raises_the_alerts_of_a_use(platform: NewPlatform) -> None:
    """It puts no seal: those are told who watch the enterprise, and not one seal of it."""
    one_seal = {"ms-s": {"enterprise_id": "e", "leader_id": "m-keeper", "seal_id": "s"}}
    here = platform(
        "user has passed a face check for signing by hand",
        change={
            "SigningTask": {"t": {"state": "VOIDED"}},
            "RoleAssignment": {"r-admin": {"valid_from": "now - 2 hours"}},
        },
        put={"MonitorSubscription": {**LEADER["MonitorSubscription"], **one_seal}},
    )
    here.told()
    here.perform("user", "sign", "SigningTask:t-hand", verification="v-hand")
    expected = ["ALERT_AFTER_ADMIN_CHANGE", "ALERT_FIRST_USE"]
    assert raised(here) == [(code, "SigningTask:t-hand", "user") for code in expected]
    assert {(each.enterprise_id, each.seal_id) for each in here.all("Alert")} == {("e", None)}
    told = alerts(here.told())
    assert sorted(code for code, _ in told) == expected
    assert all("plain" in who and "keeper" not in who for _, who in told)
    name = f"Alert:{here.all('Alert')[0].id}"
    assert here.ask("plain", "view", name)
    assert not here.ask("keeper", "view", name)


def test_a_use_in_an_emergency_raises_an_alert(platform: NewPlatform) -> None:
    grant = {"g-e": {"membership_id": "m-user", "right": "EMERGENCY", "use_limit": 5, "used": 1}}
    here = platform("user holds no grant", put={**LEADER, "SealGrant": grant})
    asked = {"task": "t", "verification": "v-user", "reason": "flood"}
    done = here.perform("user", "emergency_use", "Seal:s", {"audience": "engine"}, **asked)
    assert done.operation is not None
    assert raised(here) == [("ALERT_EMERGENCY_USE", f"Operation:{done.operation.operation_id}", "user")]


def test_a_case_of_retrieval_that_is_submitted_raises_an_alert(platform: NewPlatform) -> None:
    here = platform("outsider's case can be executed", "outsider's case is a draft", file="retrieval.yaml", put=LEADER)
    asked = here.ask("outsider", "submit", "RetrievalCase:k")
    (said,) = [step.parameters for step in asked.next_steps if step.code == "VERIFY_FACE"]
    bound = {name: str(said[name]) for name in ("bound_type", "bound_id", "bound_digest")}
    check = IdentityVerification("v-in", "outsider", "FACE", str(said["purpose"]), "provider-v-in", **bound)  # type: ignore[arg-type]
    here.write(dataclasses.replace(check, state=VerificationState.PASSED, passed_at=here.now))
    here.told()
    here.perform("outsider", "submit", "RetrievalCase:k", verification="v-in")
    assert raised(here) == [("ALERT_RETRIEVAL_CASE", "RetrievalCase:k", "outsider")]
    assert [code for code, _ in alerts(here.told())] == ["ALERT_RETRIEVAL_CASE"]


def test_an_alert_is_open_until_one_of_those_who_watch_has_seen_it(platform: NewPlatform) -> None:
    here = platform(put=LEADER)
    here.perform("user", "use", "Seal:s", {"audience": "engine"}, task="t", verification="v-user")
    (alert,) = here.all("Alert")
    name = f"Alert:{alert.id}"
    assert here.codes("user", "acknowledge", name) == ["NOT_FOUND"]
    here.perform("plain", "acknowledge", name)
    seen = here.get("Alert", alert.id)
    assert (seen.state, seen.acknowledged_by_id, seen.acknowledged_at) == ("ACKNOWLEDGED", "plain", NOW)
    assert here.codes("plain", "acknowledge", name) == ["ALERT_SEEN"]
    here.now += 31 * DAY
    here.sweep()
    assert here.all("Alert") == []


def test_a_seal_that_does_not_come_back_is_an_alert_once(platform: NewPlatform) -> None:
    here = platform(put={**LEADER, "SealOuting": OUT}, change=PHYSICAL)
    alarms = alarms_of(here)
    assert alarms.look() == 0
    assert raised(here) == []
    here.now += HOUR
    here.told()
    assert alarms.look() == 1
    assert raised(here) == [("ALERT_UNRETURNED_SEAL", "SealOuting:out", "user")]
    assert [(what, number) for (_, what), number in alarms.counted.items() if number] == [("raised", 1)]
    assert [code for code, _ in alerts(here.told())] == ["ALERT_UNRETURNED_SEAL"]
    here.now += 9 * HOUR
    assert (alarms.look(), alarms_of(here).look()) == (0, 0)
    assert alerts(here.told()) == []


def test_a_receipt_that_nobody_closed_is_an_alert_however_late_somebody_looks(platform: NewPlatform) -> None:
    here = platform(put=LEADER)
    here.perform("user", "use", "Seal:s", {"audience": "engine"}, task="t", verification="v-user")
    (use,) = here.all("SealUse", state="RESERVED")
    here.now += 2 * HOUR
    alarms = alarms_of(here)
    assert alarms.look() == 0
    here.sweep()
    here.now += 5 * DAY
    assert alarms.look() == 1
    assert ("ALERT_UNCLOSED_RECEIPT", f"SealUse:{use.id}", "user") in raised(here)
    assert alarms.look() == 0


def test_the_third_denied_attempt_is_an_alert_and_each_is_on_record(platform: NewPlatform) -> None:
    here = platform(put=LEADER)
    alarms = alarms_of(here)
    log(here, denied(here), denied(here), denied(here, "stranger"))
    assert alarms.follow() == 0
    assert sorted((each.person_id, each.within_day) for each in here.all("DeniedAttempt")) == [
        ("plain", 1),
        ("plain", 2),
        ("stranger", 1),
    ]
    here.told()
    log(here, denied(here))
    assert alarms.follow() == 1
    (attempt,) = [each for each in here.all("DeniedAttempt") if each.within_day == 3]
    assert raised(here) == [("ALERT_DENIED_ATTEMPTS", f"DeniedAttempt:{attempt.id}", "plain")]
    assert [code for code, _ in alerts(here.told())] == ["ALERT_DENIED_ATTEMPTS"]
    log(here, denied(here))
    assert (alarms.follow(), alarms_of(here).follow()) == (0, 0)


def test_attempts_count_within_a_day(platform: NewPlatform) -> None:
    here = platform(put=LEADER)
    for _ in range(3):
        log(here, denied(here))
        here.now += DAY // 2 + 1
    assert alarms_of(here).follow() == 0
    assert [each.within_day for each in here.all("DeniedAttempt")].count(3) == 0


def test_who_is_denied_all_the_time_does_not_fill_the_facts(platform: NewPlatform) -> None:
    here = platform(put=LEADER)
    log(here, *(denied(here) for _ in range(25)))
    assert alarms_of(here).follow() == 1
    assert len(here.all("DeniedAttempt")) == 20


BLOCKED: dict[str, dict[str, Any]] = {
    "frozen": {"put": {**LEADER, "SealHold": {"h": {"source": "ADMIN"}}}},
    "frozen for a retrieval": {"put": {**LEADER, "SealHold": {"h": {"source": "RETRIEVAL"}}}},
    "lost": {"put": LEADER, "change": {"Seal": {"s": {"state": "LOST"}}}},
}
TRIED: dict[str, tuple[str, str, dict[str, str], dict[str, str]]] = {
    "by a user": ("user", "use", {"audience": "engine"}, {"task": "t"}),
    "without a task": ("user", "use", {"audience": "engine"}, {}),
    "for a task that is not open": ("user", "use", {"audience": "engine"}, {"task": "t-signed"}),
    "by an outsider": ("outsider", "use", {"audience": "engine"}, {"task": "t"}),
    "by machine": ("stranger", "auto_use", {"audience": "engine"}, {"task": "t"}),
    "with a stamp": ("plain", "stamp", {}, {}),
    "to carry it out": ("plain", "carry_out", {}, {}),
}


@pytest.mark.parametrize("tried", TRIED)
@pytest.mark.parametrize("state", BLOCKED)
def test_any_denied_use_of_a_blocked_seal_is_an_alert(platform: NewPlatform, state: str, tried: str) -> None:
    subject, action, arguments, context = TRIED[tried]
    here = platform(**BLOCKED[state])
    here.write(dataclasses.replace(here.get("SigningTask", "t"), id="t-signed", state="VOIDED"))
    done = here.try_to(subject, action, "Seal:s", arguments, **context)
    assert not done
    log(here, done)
    assert alarms_of(here).follow() == 1
    assert [(code, person) for code, _, person in raised(here)] == [("ALERT_BLOCKED_SEAL", subject)]


def test_a_denied_use_before_the_seal_was_frozen_is_no_alert(platform: NewPlatform) -> None:
    here = platform(put={**LEADER, "SealHold": {"h": {"source": "ADMIN", "placed_at": "now + 1 second"}}})
    log(here, denied(here))
    assert alarms_of(here).follow() == 0


def seal_acts() -> list[str]:
    return sorted(action for action, kind in MODEL.actions if kind == "Seal")


@pytest.mark.parametrize("action", seal_acts())
def test_every_denied_act_on_a_seal_is_an_attempt_but_a_hold_of_the_platform(
    platform: NewPlatform, action: str
) -> None:
    here = platform(put=LEADER)
    done = here.ask("stranger", action, "Seal:s")
    assert not done
    recorder = Recorder(here.store, FactCache(here.store), lambda *_told: None, ignored)
    recorder.note(Answered("Perform", "platform", "", "", done, NOW, 1))
    recorder.stop()
    Sequencer(here.store, "test").drain()
    alarms_of(here).follow()
    expected = [] if action == "place_hold" else [action]
    assert [each.action for each in here.all("DeniedAttempt")] == expected


def test_other_denied_acts_do_not_hide_a_denied_use(platform: NewPlatform) -> None:
    here = platform(put={**LEADER, "SealHold": {"h": {"source": "ADMIN"}}})
    log(here, *(here.try_to("plain", "freeze", "Seal:s") for _ in range(25)), denied(here))
    alarms_of(here).follow()
    assert [each.action for each in here.all("DeniedAttempt")].count("freeze") == 20
    assert [code for code, *_ in raised(here)] == ["ALERT_BLOCKED_SEAL", "ALERT_DENIED_ATTEMPTS"]


@pytest.mark.parametrize("source", ["JUDICIAL", "PLATFORM"])
def test_an_attempt_tells_those_who_watch_nothing_of_a_hold_of_authority(platform: NewPlatform, source: str) -> None:
    here = platform(put={**LEADER, "SealHold": {"h": {"source": source, "reference": "order 7"}}})
    log(here, denied(here, "user"))
    alarms_of(here).follow()
    assert [each.reason for each in here.all("DeniedAttempt")] == [""]
    assert raised(here) == []


def test_what_was_allowed_or_only_asked_or_of_nobody_is_no_attempt(platform: NewPlatform) -> None:
    here = platform(put=LEADER)
    asked = here.ask("plain", "use", "Seal:s", task="t")
    done = here.perform("user", "use", "Seal:s", {"audience": "engine"}, task="t", verification="v-user")
    recorder = Recorder(here.store, FactCache(here.store), lambda *_told: None, ignored)
    recorder.note(Answered("Authorize", "platform", "", "", asked, NOW, 1))
    recorder.stop()
    assert done
    log(here, denied(here, "nobody-there"), denied(here, seal="none"))
    assert alarms_of(here).follow() == 0
    assert here.all("DeniedAttempt") == []


def test_several_processes_raise_an_alert_once(platform: NewPlatform) -> None:
    here = platform(put={**LEADER, "SealOuting": OUT}, change=PHYSICAL)
    log(here, *(denied(here) for _ in range(4)))
    here.now += HOUR
    here.told()
    stores = [Store.open(here.url, MODEL, lambda: here.now) for _ in range(3)]
    counts: list[int] = []

    def run(alarms: Alarms) -> None:
        counts.append(alarms.follow() + alarms.look())

    threads = [threading.Thread(target=run, args=(alarms_of(here, store),)) for store in stores]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    for store in stores:
        store.close()
    assert sum(counts) == 2
    assert [code for code, *_ in raised(here)] == ["ALERT_DENIED_ATTEMPTS", "ALERT_UNRETURNED_SEAL"]
    assert sorted(code for code, _ in alerts(here.told())) == ["ALERT_DENIED_ATTEMPTS", "ALERT_UNRETURNED_SEAL"]
    assert sorted(each.within_day for each in here.all("DeniedAttempt")) == [1, 2, 3, 4]


@pytest.mark.parametrize("point", ["before the attempt", "after the attempt", "after the alert"])
def test_what_a_crash_breaks_off_is_done_again_and_once(
    platform: NewPlatform, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    here = platform(put=LEADER)
    log(here, *(denied(here) for _ in range(3)))
    here.told()

    class Crash(BaseException):
        """As if the process were gone."""

    def crashing(call: Callable[..., Any], at: int, *, is_after: bool) -> Callable[..., Any]:
        calls = 0

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == at and not is_after:
                raise Crash
            done = call(*args, **kwargs)
            if calls == at:
                raise Crash
            return done

        return wrapped

    alarms = alarms_of(here)
    third = 3
    if point == "after the alert":
        monkeypatch.setattr(alarms, "_raise", crashing(alarms._raise, third, is_after=True))
    else:
        monkeypatch.setattr(alarms, "_put", crashing(alarms._put, third, is_after=point == "after the attempt"))
    with pytest.raises(Crash):
        alarms.follow()
    alarms_of(here).follow()
    assert [code for code, *_ in raised(here)] == ["ALERT_DENIED_ATTEMPTS"]
    assert [code for code, _ in alerts(here.told())] == ["ALERT_DENIED_ATTEMPTS"]
    assert sorted(each.within_day for each in here.all("DeniedAttempt")) == [1, 2, 3]
