"""What time alone ends is written down, once, and told; no answer rests on when."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from acting import NewPlatform, Platform
from harness import DAY, HOUR, NOW, bundle, facts
from hypothesis import given, settings
from hypothesis import strategies as st

from sealauthz.decision import Decision, Entity, PolicyDecisionPoint, Question
from sealauthz.decision.policies import Policies
from sealauthz.facts import Batch, FactCache, Put
from sealauthz.facts.store.store import Store
from sealauthz.model import MODEL
from sealauthz.model.idle_cases import is_left_idle
from sealauthz.model.records.identity import Person
from sealauthz.model.records.membership import JoinApplication
from sealauthz.model.records.retrieval import EnterpriseAuthentication, RetrievalCase, RetrievalReview
from sealauthz.operations import expiries
from sealauthz.operations.expiries import SWEEPER, Expiries
from sealauthz.runtime.background import ignored
from sealauthz.runtime.errors import PoliciesUnavailable


def expiries_of(store: Store, now: int) -> Expiries:
    return Expiries(store, FactCache(store), Policies(bundle()), ignored, now=lambda: now)


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

CASE = {"applicant_id": "user", "opened_at": "now", "notice_from": "never"}
IDLE = {"applicant_id": "user", "opened_at": "now - 20 days"}
REVIEWED = {"rv": {"case_id": "c", "staff_id": "staff-1", "verdict": "REJECTED", "decided_at": "now - 13 days"}}
EMERGENCY = {"g-em": {"membership_id": "m-user", "right": "EMERGENCY"}}

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
    "a case that its applicant let lie in draft": (
        {"put": {"RetrievalCase": {"c": {"state": "DRAFT", **CASE}}}},
        "RetrievalCase:c",
        "EXPIRED",
        "RETRIEVAL_ENDED",
        {"user"},
    ),
    "a case that was rejected": (
        {
            "put": {
                "RetrievalCase": {"c": {"state": "REJECTED", "notice_from": "never", **IDLE}},
                "RetrievalReview": REVIEWED,
            }
        },
        "RetrievalCase:c",
        "EXPIRED",
        "RETRIEVAL_ENDED",
        {"user"},
    ),
    "a case that was never executed": (
        {"put": {"RetrievalCase": {"c": {"state": "NOTICE", "notice_from": "now - 16 days", **IDLE}}}},
        "RetrievalCase:c",
        "EXPIRED",
        "RETRIEVAL_ENDED",
        {"user", "admin", "keeper", "boss"},
    ),
    "a role": (
        {
            "change": {
                "RoleAssignment": {"r-keeper": {"valid_to": "now + 1 day"}},
                "SealGrant": {"g-user": {"valid_to": "now + 1 day"}},
            }
        },
        "RoleAssignment:r-keeper",
        "EXPIRED",
        "ROLE_ENDED",
        {"keeper"},
    ),
    "a membership with roles and what was given under them": (
        {"change": {"Membership": {"m-keeper": {"ended_at": "now + 1 day"}}}},
        "Membership:m-keeper",
        "ENDED",
        "MEMBERSHIP_ENDED",
        {"keeper"},
    ),
    "a membership with a right": (
        {"change": {"Membership": {"m-user": {"ended_at": "now + 1 day"}}}},
        "Membership:m-user",
        "ENDED",
        "MEMBERSHIP_ENDED",
        {"user"},
    ),
    "a suspended membership": (
        {"change": {"Membership": {"m-plain": {"state": "SUSPENDED", "ended_at": "now + 1 day"}}}},
        "Membership:m-plain",
        "ENDED",
        "MEMBERSHIP_ENDED",
        {"plain"},
    ),
    "an emergency use that nobody approved": (
        {
            "put": {
                "SealGrant": EMERGENCY,
                "EmergencyUse": {"u": {"grant_id": "g-em", "used_at": "now - 1 hour", "reason": "夜里催签"}},
            }
        },
        "EmergencyUse:u",
        "",
        "EMERGENCY_USE_NOT_APPROVED",
        {"user", "keeper", "boss", "admin"},
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
        if action not in ("revoke", "withdraw") or record.startswith("RetrievalCase")
    ]
    decided: list[tuple[tuple[str, ...], Decision]] = [(each, here.ask(*each)) for each in asked]
    for person in persons:
        for action in ("use", "emergency_use"):
            context = (
                {"task": "t", "verification": f"v-{person}"} if person in ("keeper", "user", "plain") else {"task": "t"}
            )
            given = {"reason": "夜里催签"} if action == "emergency_use" else {}
            decided.append(((person, action, "Seal:s", "t"), here.ask(person, action, "Seal:s", **context, **given)))
    return [(each, bool(found), [reason.code for reason in found.reasons]) for each, found in decided]


@pytest.mark.parametrize("name", ENDING)
def test_what_is_over_is_written_and_told_once_and_no_answer_rests_on_it(platform: NewPlatform, name: str) -> None:
    what, resource, state, code, whom = ENDING[name]
    here = platform(**what)
    record_type, _, record_id = resource.partition(":")
    assert here.sweep() == []
    here.now += DAY
    before = answers(here, resource)
    told = here.sweep()
    assert getattr(here.get(record_type, record_id), "state", "") == state
    assert code in {event.code for event in told if event.about[1] in (record_id, "s")}
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


MISSED = {
    "SealGrant": EMERGENCY,
    "EmergencyUse": {"u": {"grant_id": "g-em", "used_at": "now - 25 hours", "reason": "x"}},
}


def test_several_processes_alert_of_a_missing_approval_once(platform: NewPlatform) -> None:
    here = platform(put=MISSED)
    here.told()
    begin = threading.Barrier(3)

    def run() -> None:
        sweeping = expiries_of(here.store, here.now)
        begin.wait()
        sweeping.sweep()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [event.code for event in here.told()] == ["EMERGENCY_USE_NOT_APPROVED"]
    assert here.get("EmergencyUse", "u").alerted_at == here.now


def test_a_crash_before_the_commit_alerts_of_nothing_and_the_next_sweep_once(
    platform: NewPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = platform(put=MISSED)
    here.told()
    kept = expiries.events_kept

    def crash(*given: Any) -> Any:
        kept(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(expiries, "events_kept", crash)
        with pytest.raises(KeyboardInterrupt):
            expiries_of(here.store, here.now).sweep()
    assert here.told() == []
    assert here.get("EmergencyUse", "u").alerted_at == 0
    assert [event.code for event in here.sweep()] == ["EMERGENCY_USE_NOT_APPROVED"]
    assert here.sweep() == []


@pytest.mark.parametrize("by", [{"approved_by_id": "m-approver"}, {"representative_id": "boss"}])
def test_nobody_is_alerted_of_what_was_approved(platform: NewPlatform, by: dict[str, str]) -> None:
    here = platform(put=MISSED, change={"EmergencyUse": {"u": {"approved_at": "now - 24 hours", **by}}})
    assert here.sweep() == []


class Longer:
    """Policies with another number."""

    def __init__(self, **numbers: int) -> None:
        parameters = dataclasses.replace(bundle().parameters, **numbers)
        self.found = SimpleNamespace(bundle=SimpleNamespace(parameters=parameters))

    def at(self, _snapshot: object) -> Any:
        return self.found


def test_the_policies_that_decide_say_how_long_an_approval_may_take(platform: NewPlatform) -> None:
    here = platform(put=MISSED)
    cache: Any = FactCache(here.store)
    policies: Any = Longer(post_approval_within=26 * HOUR)
    assert Expiries(here.store, cache, policies, ignored, now=lambda: here.now).sweep() == 0
    assert Expiries(here.store, cache, policies, ignored, now=lambda: here.now + HOUR).sweep() == 1


def test_without_the_policies_only_what_asks_them_waits(platform: NewPlatform) -> None:
    here = platform(put=MISSED)
    applications(here, 1)
    sweeping = Expiries(here.store, FactCache(here.store), Policies(None), ignored, now=lambda: here.now)
    with pytest.raises(PoliciesUnavailable):
        sweeping.sweep()
    assert here.get("JoinApplication", "j0").state == "EXPIRED"
    assert here.get("EmergencyUse", "u").alerted_at == 0


def test_what_is_looked_at_and_is_not_over_stands_in_nobodys_way(
    platform: NewPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiries, "_AT_ONCE", 2)
    monkeypatch.setattr(expiries, "_LOTS", 2)
    names = [f"e{number}" for number in range(6)]
    opened = {"opened_at": "now - 20 days", "state": "CERTIFYING", "notice_from": "never"}
    like = {"auth_state": "REGISTERED", "uscc": "91350100M000100Y43"}
    papers = {"method": "DOCUMENTS", "state": "REJECTED", "submitted_at": "now - 1 day", "decided_at": "now - 1 day"}
    here = platform(
        put={
            "Enterprise": {name: {"name": name, **like} for name in names},
            "RetrievalCase": {f"c-{name}": {"enterprise_id": name, **opened} for name in names},
            "EnterpriseAuthentication": {
                f"a-{name}": {"enterprise_id": name, "case_id": f"c-{name}", **papers} for name in names[:5]
            },
        }
    )
    sweeping = expiries_of(here.store, here.now)
    assert [sweeping.sweep() for _ in range(2)] == [0, 1]
    assert here.get("RetrievalCase", "c-e5").state == "EXPIRED"


def test_the_last_administrator_stays_on_record_whose_time_is_over(platform: NewPlatform) -> None:
    here = platform(
        "there is a second administrator", change={"RoleAssignment": {"r-admin": {"valid_to": "now - 1 hour"}}}
    )
    here.sweep()
    assert here.get("RoleAssignment", "r-admin").state == "EXPIRED"
    here = platform(change={"RoleAssignment": {"r-admin": {"valid_to": "now - 1 hour"}}})
    assert here.sweep() == []
    assert here.get("RoleAssignment", "r-admin").state == "ACTIVE"
    here = platform(change={"Membership": {"m-admin": {"ended_at": "now - 1 hour"}}})
    assert here.sweep() == []
    assert not here.ask("admin", "invite", "Enterprise:e")


def test_of_two_administrators_whose_time_is_over_one_stays_on_record(platform: NewPlatform) -> None:
    over = {"valid_to": "now - 1 hour"}
    here = platform("there is a second administrator", change={"RoleAssignment": {"r-admin": over, "r-second": over}})
    sweeping = expiries_of(here.store, here.now)
    assert sweeping.sweep() == 1
    assert sweeping.sweep() == 0
    assert not sweeping._refused
    assert sorted(here.get("RoleAssignment", each).state for each in ("r-admin", "r-second")) == ["ACTIVE", "EXPIRED"]


def test_who_waited_for_an_administrator_whose_time_is_over_waits_for_another_one(platform: NewPlatform) -> None:
    here = platform(
        "there is a second administrator",
        "outsider has applied to join",
        change={
            "JoinApplication": {"j": {"handler_id": "m-admin"}},
            "Membership": {"m-admin": {"ended_at": "now - 1 hour"}},
        },
    )
    codes = {event.code: event.recipients for event in here.sweep()}
    assert codes == {"MEMBERSHIP_ENDED": ("admin",), "APPLICATION_REROUTED": ("second",)}
    assert here.get("JoinApplication", "j").handler_id == "m-second"
    assert here.get("RoleAssignment", "r-admin").state == "EXPIRED"


STATES = ("DRAFT", "CERTIFYING", "IN_REVIEW", "NOTICE", "OBJECTED", "APPROVED", "REJECTED", "WITHDRAWN", "EXECUTED")


@given(
    st.sampled_from(STATES),
    st.integers(0, 40),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=2),
    st.lists(st.integers(0, 40), max_size=2),
    st.integers(0, 40),
    st.integers(0, 1),
)
@settings(max_examples=60, deadline=None)
def test_a_case_is_left_idle_when_the_policies_say_so(
    state: str, opened: int, papers: list[tuple[int, int]], reviewed: list[int], noticed: int, exact: int
) -> None:
    """What the sweep writes down, and the progress shows, is what the rules say."""
    case = RetrievalCase("c", "e", "outsider", "ADMIN_RESIGNED", "DOCUMENTS", NOW - opened * DAY, state)  # type: ignore[arg-type]
    case.notice_from = NOW - noticed * DAY + exact
    certified = [
        EnterpriseAuthentication(
            f"a{number}",
            "e",
            "outsider",
            "DOCUMENTS",
            NOW - first * DAY,
            "RETRIEVAL",
            case_id="c",
            decided_at=NOW - then * DAY,  # type: ignore[arg-type]
        )
        for number, (first, then) in enumerate(papers)
    ]
    reviews = [
        RetrievalReview(f"r{number}", "c", "staff-1", 1, "PASSED", NOW - then * DAY)  # type: ignore[arg-type]
        for number, then in enumerate(reviewed)
    ]
    known = FactCache.of_records(MODEL, (*facts().records, case, *certified, *reviews))
    pdp = PolicyDecisionPoint(known, bundle(), lambda: NOW)
    asked = Question(Entity("Person", "outsider"), "withdraw", Entity("RetrievalCase", "c"))
    is_over = "CASE_OVER" in [reason.code for reason in pdp.decide(asked).reasons]
    with known.read() as snapshot:
        found = snapshot.find("RetrievalCase", "c")
        assert found is not None
        is_idle = is_left_idle(found, bundle().parameters, NOW)
    assert is_over == (is_idle or state in ("WITHDRAWN", "EXECUTED"))
