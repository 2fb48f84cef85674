"""Monitoring over a real port, with the real policies: who sees what, when, and until when."""

from __future__ import annotations

import itertools
import json
import queue
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from click.testing import CliRunner
from conftest import TOKEN, caller, trusted
from hypothesis import given, settings
from hypothesis import strategies as st
from signing_off import sign_off

from sealauthz.cli.monitoring import Screen, monitor
from sealauthz.decision import Bundle, PolicyDecisionPoint, RequestOptions, system_clock
from sealauthz.decision.decision import Decision as Decided
from sealauthz.decision.question import Entity, Question
from sealauthz.facts import Batch, Delete, FactCache, Put, Store, Update, upgrade
from sealauthz.facts.store.activity import WHOLE, ActivityFilter
from sealauthz.model import MODEL
from sealauthz.model.activity import CODES
from sealauthz.model.records.grants import GrantScope, GrantTerm, SealGrant, SealRight
from sealauthz.model.records.membership import JoinedVia, Role, RoleAssignment
from sealauthz.model.records.monitoring import Alert, DeniedAttempt
from sealauthz.model.records.organisation import Department, MonitorSubscription
from sealauthz.model.records.retrieval import CaseState, RetrievalCase, RetrievalPath, RetrievalReason
from sealauthz.model.records.seal_uses import SealUse, SealUseState
from sealauthz.model.records.seals import HoldSource, HoldState, Seal, SealHold, SealKind, SealState
from sealauthz.operations import Operations, shared_views
from sealauthz.operations.monitoring import END, Monitoring, View
from sealauthz.ops.demo.facts import DAY, digest, member, opening_facts, person
from sealauthz.service import Callers, Server, ServerSettings, build
from sealauthz.service.places import Place
from sealauthz_client import Activity, CallFailed, Decision, SealAuthzClient

YUNSHAN = ["e-yunshan"]
WITHIN_S = 20.0
OPTIONS = RequestOptions(caller="test")

# Who watches what of Yunshan: everything, the seal `seal-official`, or nothing: what the registry says of p-luo is old.
EVERYTHING = {"p-chen", "p-auditor", "p-leader"}
ONE_SEAL = {"p-one", "p-granted"}
PERSONS = sorted({*EVERYTHING, *ONE_SEAL, "p-zhou", "p-left", "p-suspended", "p-lin", "p-luo", "p-gu", "p-nobody"})


def watchers(now: int) -> list[Any]:
    """People who watch, or did, each with a right of another kind."""
    keys = ("auditor", "leader", "one", "granted", "left", "suspended", "nobody")
    made: list[Any] = [person(key, f"{key} 某", f"1310000{number:04d}", now) for number, key in enumerate(keys)]
    made.append(Department("d-sales", "e-yunshan", "Sales"))
    made.append(Department("d-north", "e-yunshan", "North", parent_id="d-sales"))
    for key in keys[:-1]:
        made.append(member(key, "yunshan", JoinedVia.INVITE, now - 50 * DAY))
    confirmed = {"state": "ACTIVE", "confirmation": "INTENT", "confirmed_by_id": "p-chen", "confirmed_at": now - DAY}
    made += [
        RoleAssignment("role-auditor", "m-auditor", Role.SEAL_AUDITOR, valid_from=now - 40 * DAY),
        RoleAssignment("role-left", "m-left", Role.SEAL_AUDITOR, valid_from=now - 40 * DAY),
        Seal("seal-other", "e-yunshan", "another one", SealKind.OTHER, SealState.ACTIVE),
        MonitorSubscription("watch-leader", "e-yunshan", "m-leader"),
        MonitorSubscription("watch-one", "e-yunshan", "m-one", "seal-official"),
        MonitorSubscription("watch-suspended", "e-yunshan", "m-suspended"),
        grant("granted", SealRight.AUDIT, now, **confirmed),
    ]
    return made


def grant(key: str, right: SealRight, now: int, seal: str = "seal-official", number: int = 0, **more: Any) -> SealGrant:
    return SealGrant(
        f"grant-{key}-{number}",
        seal,
        f"m-{key}",
        "role-chen-seals",
        right,
        GrantScope.ALL_CONTRACTS,
        GrantTerm.FIXED,
        valid_from=now - DAY,
        valid_to=now + 100 * DAY,
        **more,
    )


def used(number: int, now: int, key: str = "zhou", seal: str = "seal-official", **more: Any) -> SealUse:
    what = digest(f"document {number}")
    more = {"grant_id": "grant-zhou-use", "audience": "engine", "operation_id": f"o-{number}", **more}
    state = more.pop("state", SealUseState.RESERVED)
    return SealUse(f"use-{number}", "task-cartons", seal, f"p-{key}", what, now, state=state, **more)


def happenings(now: int) -> list[tuple[Any, ...]]:
    """Transactions that each tell something, or that tell nothing."""
    return [
        (Put(used(1, now)), Put(used(2, now, seal="seal-other", grant_id=None))),
        (Update("SealUse", "use-1", {"sealing_at": now}),),
        (Update("SealUse", "use-1", {"state": SealUseState.SEALED, "closed_at": now}),),
        (Put(SealHold("hold-1", "seal-official", HoldSource.ADMIN, now, placed_by_id="p-chen")),),
        (Put(SealHold("hold-court", "seal-official", HoldSource.JUDICIAL, now, reference="order 7")),),
        (Update("SealHold", "hold-1", {"state": HoldState.RELEASED}),),
        (Update("SealHold", "hold-court", {"state": HoldState.RELEASED}),),
        (Put(grant("zhou", SealRight.USE, now, "seal-other", 7)),),
        (Update("Seal", "seal-other", {"state": SealState.DISABLED}),),
        (Put(RoleAssignment("role-zhou", "m-zhou", Role.SEAL_ADMIN, valid_from=now)),),
        (Put(case(now)),),
        (Update("RetrievalCase", "case-1", {"state": CaseState.CERTIFYING}),),
        (Update("SealUse", "use-2", {"state": SealUseState.NOT_SEALED, "closed_at": now}),),
    ]


def case(now: int) -> RetrievalCase:
    reason, path = RetrievalReason.ADMIN_UNREACHABLE, RetrievalPath.DOCUMENTS
    return RetrievalCase("case-1", "e-yunshan", "p-lin", reason, path, now)


TOLD = [
    ("SEAL_USE_RESERVED", "use-1", "seal-official"),
    ("SEAL_USE_RESERVED", "use-2", "seal-other"),
    ("SEAL_USE_SEALED", "use-1", "seal-official"),
    ("SEAL_HOLD_PLACED", "hold-1", "seal-official"),
    ("SEAL_HOLD_RELEASED", "hold-1", "seal-official"),
    ("SEAL_GRANT_GIVEN", "grant-zhou-7", "seal-other"),
    ("SEAL_DISABLED", "seal-other", "seal-other"),
    ("ROLE_GIVEN", "role-zhou", ""),
    ("RETRIEVAL_CASE_NEW", "case-1", ""),
    ("SEAL_USE_NOT_SEALED", "use-2", "seal-other"),
]
"""What all of that tells: the code, the id of the record, and the seal. Nothing of the court's hold."""


@pytest.fixture(scope="module")
def happened(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    """A database in which all of that has happened, and the revision before it."""
    path = tmp_path_factory.mktemp("monitoring") / "facts.db"
    upgrade(f"sqlite:///{path}", MODEL)
    store = Store.open(f"sqlite:///{path}", MODEL)
    now = system_clock()
    # Not imported, for an import tells nothing: what is there at the beginning is cut off by its revision.
    store.write(Batch("setup", "facts", tuple(map(Put, [*opening_facts(now), *watchers(now)]))))
    ended = {"state": "ENDED", "end_reason": "RESIGNED"}
    store.write(
        Batch(
            "setup",
            "left",
            (Update("RoleAssignment", "role-left", {"state": "REVOKED"}), Update("Membership", "m-left", ended)),
        )
    )
    suspended = Update("Membership", "m-suspended", {"state": "SUSPENDED"})
    start = store.write(Batch("setup", "suspended", (suspended,))).revision
    for number, changes in enumerate(happenings(now)):
        store.write(Batch("test", f"happening {number}", changes))
    store.close()
    return path, start


@pytest.fixture
def store(happened: tuple[Path, int], tmp_path: Path) -> Iterator[Store]:
    path = shutil.copy(happened[0], tmp_path / "facts.db")
    store = Store.open(f"sqlite:///{path}", MODEL)
    yield store
    store.close()


@pytest.fixture
def cache(store: Store) -> FactCache:
    return FactCache(store)


@pytest.fixture
def pdp(cache: FactCache, bundle: Bundle) -> PolicyDecisionPoint:
    return PolicyDecisionPoint(cache, bundle)


@pytest.fixture
def server(store: Store, cache: FactCache, pdp: PolicyDecisionPoint) -> Iterator[Server]:
    callers = [trusted(), caller("qinghe", "q" * 40, rpcs=trusted().rpcs, tenants=frozenset(["e-qinghe"]))]
    setting = ServerSettings(listen="127.0.0.1:0", is_insecure=True)
    server = build(setting, Callers(callers), store, pdp, Operations(store, pdp), signal=cache.signal)
    server.start()
    yield server
    server.stop(0)


@pytest.fixture
def client(server: Server) -> Iterator[SealAuthzClient]:
    with SealAuthzClient(f"127.0.0.1:{server.port}", TOKEN, insecure=True, timeout_s=WITHIN_S) as client:
        yield client


def token(store: Store, revision: int, ordinal: int = 2**31) -> str:
    return Place(store.changes_after(-1, 1).timeline, revision, ordinal).text(store.store_id)


def listed(client: SealAuthzClient, subject: str, after: str, size: int = 0, **how: Any) -> list[Activity]:
    """All pages of a list, the oldest first."""
    found: list[Activity] = []
    page_token = ""
    while True:
        page = client.seal_activity(
            f"Person:{subject}", YUNSHAN, after=after, page_size=size, page_token=page_token, **how
        )
        found += page.items
        page_token = page.next_page_token
        if not page_token:
            return found[::-1]


def brief(items: list[Activity]) -> list[tuple[str, str, str]]:
    return [(item.code, item.about.partition(":")[2], item.seal_id) for item in items]


def test_who_watches_an_enterprise_sees_all_that_happened_and_nothing_of_a_courts_hold(
    client: SealAuthzClient, store: Store, happened: tuple[Path, int]
) -> None:
    items = listed(client, "p-auditor", token(store, happened[1]))
    assert brief(items) == TOLD
    assert {item.code for item in items} <= CODES.keys()
    assert "court" not in str(items)
    assert [item.person_id for item in items][:4] == ["p-zhou", "p-zhou", "p-zhou", "p-chen"]


def test_a_view_of_a_whole_has_a_decision_with_what_the_caller_must_do(client: SealAuthzClient) -> None:
    decision = client.seal_activity("Person:p-chen", YUNSHAN).decision
    assert decision is not None
    assert {each.code for each in decision.obligations} == {"WATERMARK", "MASK_PERSONAL_DATA"}


@pytest.mark.parametrize("subject", ["p-zhou", "p-left", "p-suspended", "p-lin", "p-gu", "p-nobody"])
def test_who_may_not_watch_gets_a_deny_and_nothing_else(client: SealAuthzClient, subject: str) -> None:
    page = client.seal_activity(f"Person:{subject}", YUNSHAN)
    assert page.decision is not None
    assert not page.decision
    assert page.decision.reasons
    assert (page.items, page.next_page_token) == ((), "")
    told: list[Decision] = []
    assert list(client.watch_seal_activity(f"Person:{subject}", YUNSHAN, on_decision=told.append)) == []
    assert [bool(each) for each in told] == [False]


def test_a_leader_of_one_seal_sees_that_seal(client: SealAuthzClient, store: Store, happened: tuple[Path, int]) -> None:
    after = token(store, happened[1])
    items = listed(client, "p-one", after, seal_ids=["seal-official"])
    assert brief(items) == [each for each in TOLD if each[2] == "seal-official"]
    assert not client.seal_activity("Person:p-one", YUNSHAN, seal_ids=["seal-official", "seal-other"]).decision


def test_a_personal_view_shows_ones_own_uses_and_needs_no_right_to_the_whole(
    client: SealAuthzClient, store: Store, happened: tuple[Path, int]
) -> None:
    items = listed(client, "p-zhou", token(store, happened[1]), personal=True)
    assert brief(items) == [each for each in TOLD if each[0].startswith("SEAL_USE_")]
    assert client.seal_activity("Person:p-lin", YUNSHAN, personal=True).items == ()


def test_a_seal_administrator_sees_denied_attempts_also_after_their_record_is_forgotten(
    client: SealAuthzClient, store: Store, happened: tuple[Path, int]
) -> None:
    now = system_clock()
    attempts = (("use", "p-lin"), ("grant", "p-zhou"))
    made = [
        DeniedAttempt(f"d-{act}", "seal-official", who, act, "NOT_A_MEMBER", now, number + 1)
        for number, (act, who) in enumerate(attempts)
    ]
    runs_seals = RoleAssignment("role-seals", "m-suspended", Role.SEAL_ADMIN, valid_from=now - DAY)
    store.write(
        Batch(
            "test",
            "attempts",
            (Update("Membership", "m-suspended", {"state": "ACTIVE"}), Put(runs_seals), *map(Put, made)),
        )
    )
    expected = {("SEAL_USE_DENIED", "d-use", "seal-official"), ("SEAL_ACT_DENIED", "d-grant", "seal-official")}
    own = Update("MonitorSubscription", "watch-suspended", {"state": "ENDED"})
    store.write(Batch("test", "no leader", (own,)))
    for gone in ((), tuple(Delete("DeniedAttempt", each.id) for each in made)):
        if gone:
            store.write(Batch("test", "forgotten", gone))
        found = brief(listed(client, "p-suspended", token(store, happened[1]), personal=True))
        assert {each for each in found if each[0].endswith("_DENIED")} == expected
    assert listed(client, "p-lin", token(store, happened[1]), personal=True) == []


def test_a_view_is_of_persons_and_of_departments_with_those_below(
    client: SealAuthzClient, store: Store, happened: tuple[Path, int]
) -> None:
    after = token(store, happened[1])
    assert brief(listed(client, "p-chen", after, person_ids=["p-chen"])) == [TOLD[3], TOLD[4]]
    assert listed(client, "p-chen", after, branches=["Department:d-sales"]) == []
    store.write(Batch("test", "moved", (Update("Membership", "m-zhou", {"department_id": "d-north"}),)))
    of_zhou = [each for each in TOLD if each[1] in ("use-1", "use-2", "grant-zhou-7", "role-zhou")]
    assert brief(listed(client, "p-chen", after, branches=["Department:d-sales"])) == of_zhou
    assert brief(listed(client, "p-chen", after, branches=["Enterprise:e-yunshan"])) == TOLD
    with pytest.raises(CallFailed) as refused:
        client.seal_activity("Person:p-chen", YUNSHAN, branches=["Seal:seal-official"])
    assert refused.value.violations[0][0] == "view.branches[0].type"


def test_a_list_is_of_times_and_in_pages(client: SealAuthzClient, store: Store, happened: tuple[Path, int]) -> None:
    after = token(store, happened[1])
    items = listed(client, "p-chen", after)
    for size in (1, 3, len(TOLD), len(TOLD) + 1):
        assert listed(client, "p-chen", after, size) == items
    moments = [item.committed_at for item in items]
    since, until = moments[3], moments[7]
    fitting = [item for item in items if since <= item.committed_at < until]
    assert listed(client, "p-chen", after, since=since, until=until) == fitting
    assert fitting
    page = client.seal_activity("Person:p-chen", YUNSHAN, page_size=2)
    with pytest.raises(CallFailed, match="page_token"):
        client.seal_activity("Person:p-chen", YUNSHAN, page_size=2, page_token=page.next_page_token, personal=True)


def test_a_watch_from_any_place_shows_what_a_list_of_the_same_range_has(
    server: Server, client: SealAuthzClient, store: Store, happened: tuple[Path, int]
) -> None:
    items = listed(client, "p-chen", token(store, happened[1]))
    for number in (0, 2, 5, len(items) - 1):
        with SealAuthzClient(f"127.0.0.1:{server.port}", TOKEN, insecure=True) as other:
            watch = other.watch_seal_activity("Person:p-chen", YUNSHAN, items[number].token)
            wanted = listed(client, "p-chen", items[number].token)
            assert wanted == items[number + 1 :]
            assert list(itertools.islice(watch, len(wanted))) == wanted


class Watching:
    """A watch in a thread of its own: what it shows, and what it decides."""

    def __init__(self, client: SealAuthzClient, subject: str, **how: Any) -> None:
        self.items: queue.SimpleQueue[Activity | None] = queue.SimpleQueue()
        self.decisions: queue.SimpleQueue[Decision] = queue.SimpleQueue()

        def follow() -> None:
            watch = client.watch_seal_activity(f"Person:{subject}", YUNSHAN, on_decision=self.decisions.put, **how)
            try:
                for item in watch:
                    self.items.put(item)
            finally:
                self.items.put(None)

        threading.Thread(target=follow, daemon=True).start()
        self.first = self.decisions.get(timeout=WITHIN_S)
        assert self.first


def test_what_happens_now_is_shown_at_once(client: SealAuthzClient, store: Store) -> None:
    watching = Watching(client, "p-leader")
    store.write(Batch("test", "now", (Put(used(9, system_clock())),)))
    item = watching.items.get(timeout=WITHIN_S)
    assert item is not None
    assert (item.code, item.about) == ("SEAL_USE_RESERVED", "SealUse:use-9")


def test_equal_watchers_share_one_view_and_one_look(
    client: SealAuthzClient, store: Store, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_views, "LOOK_S", 3.0)
    asked: list[tuple[int, int]] = []
    activity = store.activity
    monkeypatch.setattr(store, "activity", lambda *how: asked.append(how[2]) or activity(*how))
    together = [Watching(client, "p-chen") for _ in range(6)]
    alone = Watching(client, "p-leader")
    receipt = store.write(Batch("test", "now", (Put(used(9, system_clock())),)))
    found = [each.items.get(timeout=WITHIN_S) for each in (*together, alone)]
    assert {brief([item])[0] for item in found if item is not None} == {("SEAL_USE_RESERVED", "use-9", "seal-official")}
    # Of each view one page, or another one where a look has ended meanwhile; not one for each who watches.
    assert 2 <= asked.count((receipt.revision, WHOLE)) <= 4
    ids = [each.first.decision_id for each in together]
    assert len(set(ids)) == len(ids)  # each has a record of its own


def _end_subscription() -> Any:
    return Update("MonitorSubscription", "watch-leader", {"state": "ENDED"})


def _suspend_member() -> Any:
    return Update("Membership", "m-leader", {"state": "SUSPENDED"})


@pytest.mark.parametrize("end", [_end_subscription, _suspend_member])
def test_a_right_that_ends_closes_the_stream_before_the_next_item(
    client: SealAuthzClient, store: Store, end: Callable[[], Any]
) -> None:
    watching = Watching(client, "p-leader")
    # In one transaction: the item is of the revision in which the right has ended.
    store.write(Batch("test", "end", (end(), Put(used(9, system_clock())))))
    assert watching.items.get(timeout=WITHIN_S) is None
    assert not watching.decisions.get(timeout=WITHIN_S)


def test_other_policies_close_the_stream(
    client: SealAuthzClient, pdp: PolicyDecisionPoint, tmp_path: Path, bundle: Bundle
) -> None:
    watching = Watching(client, "p-leader")
    folder = tmp_path / "policies"
    shutil.copytree(Path(__file__).parents[2] / "policies", folder)
    rules = folder / "monitoring.polar"
    text = rules.read_text()
    assert "subscription.seal_id = nil;\n" in text
    rules.write_text(text.replace('subscription.state = "ACTIVE" and\n', 'subscription.state = "ENDED" and\n', 1))
    sign_off(folder)
    pdp.bundle = Bundle.load(MODEL, folder)
    assert watching.items.get(timeout=WITHIN_S) is None
    assert not watching.decisions.get(timeout=WITHIN_S)


def test_a_caller_shows_nothing_of_enterprises_that_are_not_its_own(server: Server) -> None:
    with SealAuthzClient(f"127.0.0.1:{server.port}", "q" * 40, insecure=True, timeout_s=WITHIN_S) as qinghe:
        for call in (
            lambda: qinghe.seal_activity("Person:p-chen", YUNSHAN),
            lambda: next(qinghe.watch_seal_activity("Person:p-chen", YUNSHAN)),
        ):
            with pytest.raises(CallFailed) as refused:
                call()
            assert refused.value.code == grpc.StatusCode.PERMISSION_DENIED
        for seals in ((), ["seal-official"], ["none"]):
            assert not qinghe.seal_activity("Person:p-chen", ["e-qinghe"], seal_ids=seals).decision


@pytest.fixture(scope="module")
def shared(
    happened: tuple[Path, int], bundle: Bundle, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Monitoring, PolicyDecisionPoint, Store, int]]:
    path = shutil.copy(happened[0], tmp_path_factory.mktemp("shared") / "facts.db")
    store = Store.open(f"sqlite:///{path}", MODEL)
    pdp = PolicyDecisionPoint(FactCache(store), bundle)
    yield Monitoring(store, pdp), pdp, store, happened[1] + 1
    store.close()


@given(
    subject=st.sampled_from(PERSONS),
    seals=st.sets(st.sampled_from(["seal-official", "seal-other", "seal-none"])),
    persons=st.sets(st.sampled_from(["p-zhou", "p-chen", "p-lin"])),
    is_personal=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_nobody_sees_what_they_have_no_right_to(
    shared: tuple[Monitoring, PolicyDecisionPoint, Store, int],
    subject: str,
    seals: set[str],
    persons: set[str],
    is_personal: bool,
) -> None:
    monitoring, pdp, store, start = shared
    wanted = ActivityFilter(frozenset(YUNSHAN), frozenset(seals), frozenset(persons))
    view = View(Entity("Person", subject), wanted, is_personal=is_personal)
    decision = monitoring.decide(view, OPTIONS)
    items = monitoring.page(view, 100, (start, 0), END, OPTIONS).items
    # The table above says who watches what; a personal view asks of each item whether its subject may see it.
    may_watch = subject in EVERYTHING or (subject in ONE_SEAL and seals == {"seal-official"})
    if "seal-none" in seals and subject in EVERYTHING:
        may_watch = True  # who watches the whole sees of a seal that is not there what happened to it
    assert is_personal or bool(decision) == may_watch
    for item in items:
        judge = Question(Entity("Person", subject), item.judged[0], Entity(*item.judged[1:]))
        verdict = pdp.decide(judge, OPTIONS)
        assert isinstance(verdict, Decided)
        assert verdict
        assert (
            subject in EVERYTHING
            or item.subject_id == subject
            or (subject in ONE_SEAL and item.topic_id == "seal-official")
        )
        assert not seals or item.topic_id in seals
        assert not persons or item.subject_id in persons
    everything = store.activity(wanted, (start, 0), END, 100)
    if subject in EVERYTHING:
        assert sorted(each.place for each in items) == [each.place for each in everything]


# --- alerts that stand, and the command -------------------------------------------------------------------------------


def alert(number: int, now: int, **more: Any) -> Alert:
    return Alert(f"alert-{number}", "e-yunshan", "ALERT_FIRST_USE", f"Operation:{number}", now + number, **more)


def test_a_watch_begins_with_the_alerts_that_nobody_has_acknowledged(
    server: Server, client: SealAuthzClient, store: Store
) -> None:
    now = system_clock()
    seen = {"state": "ACKNOWLEDGED", "acknowledged_by_id": "p-chen", "acknowledged_at": now}
    made = (alert(1, now), alert(2, now, seal_id="seal-official"), alert(3, now, **seen))
    store.write(Batch("test", "alerts", tuple(map(Put, made))))
    watching = Watching(client, "p-leader")
    standing = [watching.items.get(timeout=WITHIN_S) for _ in range(2)]
    assert [(each.about, each.is_standing, each.token) for each in standing if each] == [
        ("Alert:alert-1", True, ""),
        ("Alert:alert-2", True, ""),
    ]
    of_one_seal = Watching(client, "p-one", seal_ids=["seal-official"])
    item = of_one_seal.items.get(timeout=WITHIN_S)
    assert item is not None
    assert item.about == "Alert:alert-2"
    # The next item of either is what happens now.
    store.write(Batch("test", "now", (Put(used(9, now)),)))
    for each in (watching, of_one_seal):
        item = each.items.get(timeout=WITHIN_S)
        assert item is not None
        assert (item.about, item.is_standing) == ("SealUse:use-9", False)


def command(server: Server, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[int, str]:
    monkeypatch.setenv("SEALAUTHZ_TOKEN", TOKEN)
    where = ("--server", f"127.0.0.1:{server.port}", "--insecure", "--enterprise", "e-yunshan")
    done = CliRunner().invoke(monitor, [*arguments, *where], standalone_mode=False)
    assert done.exception is None
    return int(done.return_value), done.output


def test_the_command_shows_what_happened_in_lines(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    code, shown = command(server, monkeypatch, "Person:p-chen", "--once", "--before", "3")
    assert code == 0
    lines = [line.split()[1:] for line in shown.splitlines()]
    assert [line[:2] for line in lines] == [
        ["ROLE_GIVEN", "e-yunshan"],
        ["RETRIEVAL_CASE_NEW", "e-yunshan"],
        ["SEAL_USE_NOT_SEALED", "seal-other"],
    ]
    assert "\x1b" not in shown
    code, shown = command(server, monkeypatch, "Person:p-chen", "--once", "--before", "3", "-o", "json")
    items = [json.loads(line) for line in shown.splitlines()]
    assert [item["code"] for item in items] == [line[0] for line in lines]
    code, rest = command(server, monkeypatch, "Person:p-chen", "--once", "--after", items[0]["token"], "-o", "json")
    assert [json.loads(line) for line in rest.splitlines()] == items[1:]


@pytest.mark.parametrize("wrong", [("p-chen",), ("Person:p-chen", "--branch", "d-north")])
def test_the_command_says_how_a_subject_and_a_branch_are_written(wrong: tuple[str, ...]) -> None:
    done = CliRunner().invoke(monitor, [*wrong, "--enterprise", "e-yunshan"])
    assert done.exit_code == 2
    assert f"`{wrong[-1]}` is not a reference: write TYPE:ID" in done.output


def test_the_command_ends_where_its_subject_may_not_watch(
    server: Server, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for arguments in (("--once",), ()):
        code, shown = command(server, monkeypatch, "Person:p-lin", *arguments)
        assert (code, shown.split()[:3]) == (1, ["DENY", "Person:p-lin", "monitor"])
    (ended,) = (_end_subscription(),)
    shown_first = threading.Event()
    show = Screen.show

    def noticed(screen: Screen, item: Activity) -> None:
        show(screen, item)
        shown_first.set()

    def end() -> None:
        assert shown_first.wait(WITHIN_S)
        store.write(Batch("test", "end", (ended,)))

    monkeypatch.setattr(Screen, "show", noticed)
    ending = threading.Thread(target=end)
    ending.start()
    code, shown = command(server, monkeypatch, "Person:p-leader", "--before", "1", "-o", "json")
    ending.join()
    first, last = (json.loads(line) for line in shown.splitlines())
    assert (code, first["code"], last["decision"]["effect"]) == (1, "SEAL_USE_NOT_SEALED", "DENY")
