"""What time alone ends is written down, once, and told; no answer rests on when."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from acting import NewPlatform, Platform
from harness import DAY, HOUR, NOW

from sealauthz.background import ignored
from sealauthz.facts import Batch, FactCache, Put
from sealauthz.facts.store.store import Store
from sealauthz.model import MODEL
from sealauthz.model.records.identity import Person
from sealauthz.model.records.membership import JoinApplication
from sealauthz.operations import expiries
from sealauthz.operations.expiries import SWEEPER, Expiries


def expiries_of(store: Store, now: int) -> Expiries:
    return Expiries(store, FactCache(store), ignored, now=lambda: now)


def test_a_use_that_nobody_reported_is_unknown_once_and_told(platform: NewPlatform) -> None:
    here = platform()
    here.perform("user", "use", "Seal:s", {"audience": "engine"}, task="t", verification="v-user")
    (use,) = here.all("SealUse", state="RESERVED")
    before = here.store.revision()
    assert expiries_of(here.store, here.now).sweep() == 0
    assert here.store.revision() == before
    here.told()
    late = here.now + HOUR + 1
    assert expiries_of(here.store, late).sweep() == 1
    assert here.get("SealUse", use.id).state == "UNKNOWN"
    (event,) = here.told()
    assert (event.code, event.about) == ("SEAL_USE_UNKNOWN", ("SealUse", use.id))
    assert here.store.changes_after(before, 1).revisions[0].number == before + 1
    # Another process, or the next minute, finds nothing more.
    assert expiries_of(here.store, late).sweep() == 0
    assert here.store.revision() == before + 1
    assert here.store.operation(SWEEPER, "any") is None


CROSS = {
    "Membership": {"m-leader": {"person_id": "trader", "enterprise_id": "f"}},
    "AuthLetter": {"letter-x": {"cross_grant_id": "x"}},
    "CrossEnterpriseGrant": {
        "x": {
            "seal_id": "s",
            "holder_id": "f",
            "grantor_id": "r-keeper",
            "scope": "ALL_CONTRACTS",
            "valid_from": "now - 30 days",
            "valid_to": "now + 1 day",
            "confirmation": "AUTH_LETTER",
            "state": "ACTIVE",
        }
    },
}

DELEGATION = {
    "principal_id": "m-user",
    "delegate_id": "m-plain",
    "power": "USE_SEAL",
    "scope": "ALL_CONTRACTS",
    "valid_from": "now - 1 day",
    "valid_to": "now + 1 day",
}

ENDING: dict[str, tuple[dict[str, Any], str, str, str, set[str]]] = {
    "an application": (
        {"put": {"JoinApplication": {"j": {"person_id": "stranger", "expires_at": "now + 1 day"}}}},
        "JoinApplication:j",
        "EXPIRED",
        "APPLICATION_EXPIRED",
        {"stranger"},
    ),
    "an invitation": (
        {"put": {"Invitation": {"i": {}}}},
        "Invitation:i",
        "EXPIRED",
        "INVITATION_EXPIRED",
        {"admin"},
    ),
    "a request that nobody decided": (
        {"put": {"SealUseRequest": {"q": {"applicant_id": "m-plain", "state": "IN_APPROVAL"}}}},
        "SealUseRequest:q",
        "EXPIRED",
        "REQUEST_EXPIRED",
        {"plain"},
    ),
    "a grant": (
        {"put": {"SealGrant": {"g": {"membership_id": "m-plain", "valid_to": "now + 1 day"}}}},
        "SealGrant:g",
        "EXPIRED",
        "GRANT_EXPIRED",
        {"plain"},
    ),
    "another enterprise's right": (
        {"put": {name: rows for name, rows in CROSS.items() if name != "Membership"}},
        "CrossEnterpriseGrant:x",
        "EXPIRED",
        "GRANT_EXPIRED",
        {"keeper", "trader"},
    ),
    "a delegation": (
        {"put": {"Delegation": {"d": {**DELEGATION, "state": "ACTIVE"}}}},
        "Delegation:d",
        "EXPIRED",
        "DELEGATION_EXPIRED",
        {"user", "plain"},
    ),
    "a delegation that nobody accepted": (
        {"put": {"Delegation": {"d": {**DELEGATION, "state": "PENDING_ACCEPT"}}}},
        "Delegation:d",
        "LAPSED",
        "DELEGATION_EXPIRED",
        {"user", "plain"},
    ),
    "a seal that is out": (
        {
            "put": {
                "SealOuting": {
                    "o": {"seal_id": "s", "holder_id": "m-user", "out_from": "now - 1 hour", "due_at": "now + 1 day"}
                }
            },
            "change": {"Seal": {"s": {"category": "PHYSICAL", "custodian_id": "m-plain"}}},
        },
        "SealOuting:o",
        "OUT",
        "SEAL_OVERDUE",
        {"user", "plain", "keeper", "boss", "admin"},
    ),
}


def answers(here: Platform, resource: str) -> list[tuple[Any, ...]]:
    """What everybody who is concerned may do now, with the record and with what it is about.

    But for taking back what is over: nobody can once that is written.
    """
    persons = ("admin", "keeper", "user", "plain", "stranger", "trader")
    about = (resource, "Enterprise:e", "Seal:s")
    asked = [
        (person, action, record)
        for person in persons
        for record in about
        for action in here.actions_of(record.partition(":")[0])
        if action not in ("revoke", "withdraw")
    ]
    decided = [(each, here.ask(*each)) for each in asked]
    return [(each, bool(found), [reason.code for reason in found.reasons]) for each, found in decided]


@pytest.mark.parametrize("name", ENDING)
def test_what_is_over_is_written_and_told_once_and_no_answer_rests_on_it(platform: NewPlatform, name: str) -> None:
    given, resource, state, code, whom = ENDING[name]
    here = platform(**given)
    record_type, _, record_id = resource.partition(":")
    assert here.sweep() == []
    here.now += DAY
    before = answers(here, resource)
    told = here.sweep()
    assert here.get(record_type, record_id).state == state
    assert {event.code for event in told if event.about[1] in (record_id, "s")} == {code}
    assert set().union(*(event.recipients for event in told if event.code == code)) == whom
    assert answers(here, resource) == before
    assert here.sweep() == []


def test_what_nobody_confirmed_can_still_get_another_time(platform: NewPlatform) -> None:
    here = platform("a grant for plain waits for keeper to confirm it")
    here.now += 90 * DAY
    here.sweep()
    assert here.get("SealGrant", "g-plain").state == "PENDING_CONFIRM"


def applications(here: Platform, count: int) -> None:
    """Applications that ran out a second ago, each of another person."""
    persons = [Person(f"p{number}") for number in range(count)]
    over = [JoinApplication(f"j{n}", f"p{n}", "e", NOW - DAY, NOW - 1) for n in range(count)]
    here.store.write(Batch("facts", "applications", tuple(map(Put, [*persons, *over]))))


def test_a_long_queue_is_worked_off_in_lots(platform: NewPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    here = platform()
    applications(here, 7)
    monkeypatch.setattr(expiries, "_AT_ONCE", 2)
    monkeypatch.setattr(expiries, "_LOTS", 2)
    assert [len(here.sweep()) for _ in range(3)] == [4, 3, 0]


def test_what_cannot_be_written_stands_in_nobodys_way(
    platform: NewPlatform, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    here = platform()
    applications(here, 3)
    (sweep,) = [each for each in MODEL.sweeps if each.record_type == "JoinApplication"]

    def write(snapshot: Any, record: Any, now: int) -> Any:
        found = sweep.write(snapshot, record, now)
        if record.id != "j0":
            return found
        (change,) = found.changes
        return found.__class__((change.__class__(change.record_type, change.id, {"state": "APPROVED"}),))

    monkeypatch.setitem(MODEL.__dict__, "sweeps", (sweep._replace(write=write),))
    sweeping = expiries_of(here.store, here.now)
    assert sweeping.sweep() == 2
    assert [here.get("JoinApplication", f"j{n}").state for n in range(3)] == ["PENDING", "EXPIRED", "EXPIRED"]
    assert "`JoinApplication:j0` is due and cannot be swept" in caplog.text
    caplog.clear()
    assert sweeping.sweep() == 0
    assert caplog.text == ""


def test_several_processes_tell_each_thing_once(platform: NewPlatform) -> None:
    here = platform()
    applications(here, 20)
    here.told()
    begin = threading.Barrier(3)
    errors: list[BaseException] = []

    def run(act: Callable[[], object]) -> None:
        begin.wait()
        try:
            act()
        except BaseException as error:  # noqa: BLE001 (told to the test)
            errors.append(error)

    threads = [threading.Thread(target=run, args=(expiries_of(here.store, here.now).sweep,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sorted(event.about[1] for event in here.told()) == sorted(f"j{n}" for n in range(20))
