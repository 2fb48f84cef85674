"""Acts that share a transaction come out as if each had one of its own, and none of them answers for another."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from tiny.model import TINY, Folder, Rank, Team, TeamMember, User, facts

from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint, Question
from sealauthz.decision.assembly import RequestOptions
from sealauthz.facts import Batch, FactCache, Put, Store, Update
from sealauthz.facts.store import group_commit
from sealauthz.facts.store.acting import Basis
from sealauthz.facts.store.commits import Commit
from sealauthz.operations import Operations, Performance, Performed
from sealauthz.runtime.errors import FactConflict, FactsUnavailable, InvariantBroken

OPTIONS = RequestOptions(caller="shop")
TEAMS = 5

pytestmark = pytest.mark.slow


class _Gathering(deque[Any]):
    """What waits, and whether one more came."""

    def __init__(self) -> None:
        super().__init__()
        self.came = threading.Semaphore(0)

    def append(self, turn: Any) -> None:
        super().append(turn)
        self.came.release()


@dataclass
class Service:
    """One process of a service, whose first act waits in its transaction for those that come to wait for it."""

    url: str
    store: Store
    operations: Operations
    monkeypatch: pytest.MonkeyPatch
    groups: list[int] = field(default_factory=list)

    def gathered(self, *acts: Performance, meanwhile: Callable[[], object] = lambda: None) -> list[Future[Performed]]:
        """Perform acts behind one that leads: they are decided, then `meanwhile` happens, then they are written."""
        group = self.store._attempts._group
        assert group is not None
        gathering = _Gathering()
        self.monkeypatch.setattr(group, "_waiting", gathering)
        plain, leads, go = group_commit.GroupCommit._write_together, threading.Event(), threading.Event()

        def write_together(self_: Any, turns: Any, later: Any) -> Any:
            self.groups.append(len(turns))
            if len(self.groups) == 1:
                leads.set()
                assert go.wait(60)
            return plain(self_, turns, later)

        self.monkeypatch.setattr(group_commit.GroupCommit, "_write_together", write_together)
        with ThreadPoolExecutor(len(acts) + 1) as pool:
            first = pool.submit(self.operations.perform, added("own", "first"), OPTIONS)
            assert leads.wait(60)
            rest = []
            for act in acts:
                rest.append(pool.submit(self.operations.perform, act, OPTIONS))
                assert gathering.came.acquire(timeout=60)
            meanwhile()
            go.set()
        assert first.result()
        return rest


def added(folder: str, title: str) -> Performance:
    """Who owns a folder puts a draft into it, under a request of that title."""
    question = Question(Entity("User", f"u-{folder}"), "add", Entity("Folder", folder), {})
    return Performance(question, title, {"titles": [title]})


class _Seen:
    """Notices when documents of some titles are committed."""

    def __init__(self, missing: set[str]) -> None:
        self.missing = missing
        self.all_are_there = threading.Event()

    def look(self, commit: Commit) -> None:
        self.missing -= {image["after"]["title"] for image in commit.images if image["type"] == "Document"}
        if not self.missing:
            self.all_are_there.set()


ACTS = [added(f"t{number}", f"title {number}") for number in range(3)]


def titles(store: Store) -> set[str]:
    return {found.record.title for found in store.read("Document", {}).records}


def teams() -> Iterator[Any]:
    """Teams of which nobody but their own member knows, so that none of their acts waits for another."""
    for name in ("own", *(f"t{number}" for number in range(TEAMS))):
        yield from (User(f"u-{name}"), Team(f"team-{name}", name), Folder(name, f"team-{name}", name))
        yield TeamMember(f"m-{name}", f"team-{name}", f"u-{name}", Rank.OWNER)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.load(TINY)


@pytest.fixture
def service(new_database: Callable[..., str], bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    url = new_database("postgresql", TINY)
    store = Store.open(url, TINY)
    store.write(Batch("test", "facts", (*map(Put, facts()), *map(Put, teams()))))
    yield Service(url, store, Operations(store, PolicyDecisionPoint(FactCache(store), bundle)), monkeypatch)
    store.close()


def test_acts_that_gather_share_a_transaction_and_have_revisions_of_their_own(service: Service) -> None:
    before = service.store.revision()
    acts = [added(f"t{number}", f"title {number}") for number in range(TEAMS)]
    done = [each.result() for each in service.gathered(*acts)]
    assert service.groups == [1, TEAMS]
    operations = [performed.operation for performed in done]
    assert [each.revision for each in operations if each] == list(range(before + 2, before + 2 + TEAMS))
    assert titles(service.store) >= {f"title {number}" for number in range(TEAMS)}
    again = Operations(service.store, service.operations._pdp)
    for act, performed in zip(acts, done, strict=True):
        kept = again.perform(act, OPTIONS)
        assert kept.is_replay
        assert kept.operation == performed.operation
    # Another process, which reads all of it from the database, has the same history.
    other = Store.open(service.url, TINY)
    try:
        with FactCache(other).read() as snapshot:
            assert snapshot.revision == before + 1 + TEAMS
        assert service.operations.perform(added("t0", "next"), OPTIONS).operation.revision == before + 2 + TEAMS  # type: ignore[union-attr]
    finally:
        other.close()


def test_one_that_was_overtaken_is_decided_again_and_holds_up_nobody(service: Service) -> None:
    """Meanwhile another process takes a member's place away: their act is denied, the others are performed."""
    other = Store.open(service.url, TINY)

    def demote() -> None:
        other.write(Batch("hr", "boss", (Put(TeamMember("m-boss", "team-t1", "ann", Rank.OWNER)),)))
        other.write(Batch("hr", "demoted", (Update("TeamMember", "m-t1", {"rank": "READER"}),)))

    try:
        results = service.gathered(*ACTS, meanwhile=demote)
    finally:
        other.close()
    done = [each.result() for each in results]
    assert [bool(performed) for performed in done] == [True, False, True]
    assert "title 1" not in titles(service.store)
    # What was denied is not remembered, and its key is free.
    assert service.store.operation("shop", "title 1") is None
    assert service.groups[:2] == [1, 3]


def test_one_that_breaks_a_rule_fails_alone(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def check(self: Basis, *arguments: Any) -> None:
        plain(self, *arguments)
        if any(unit.id == "team-t1" for unit in self.observed.units):
            raise InvariantBroken("TEST", "not this one")

    plain = Basis.check
    monkeypatch.setattr(Basis, "check", check)
    results = service.gathered(*ACTS)
    with pytest.raises(InvariantBroken, match="not this one"):
        results[1].result()
    assert results[0].result()
    assert results[2].result()
    assert titles(service.store) >= {"title 0", "title 2"}
    assert "title 1" not in titles(service.store)
    assert service.groups[:3] == [1, 3, 2]


def test_a_row_that_the_database_refuses_undoes_only_its_own_act(service: Service) -> None:
    """Two operations have one id: the database tells, in the middle of what all of them write."""
    before = service.store.revision()
    service.operations._new_id = iter(["own", "same", "other", "same"]).__next__
    results = service.gathered(added("t0", "title"), added("t1", "other"), added("t2", "title"))
    came = [each.exception() for each in results]
    assert came[1] is None
    (refused,) = (error for error in came if error is not None)
    assert isinstance(refused, FactConflict | FactsUnavailable)
    assert "other" in titles(service.store)
    assert service.store.revision() == before + 3


def test_acts_on_the_same_root_go_one_after_the_other(service: Service) -> None:
    acts = [added("t0", f"title {number}") for number in range(TEAMS)]
    done = [each.result() for each in service.gathered(*acts)]
    assert all(done)
    revisions = [performed.operation.revision for performed in done if performed.operation]
    assert len(set(revisions)) == TEAMS
    assert titles(service.store) >= {f"title {number}" for number in range(TEAMS)}


def test_the_same_request_twice_in_a_group_is_performed_once(service: Service) -> None:
    done = [each.result() for each in service.gathered(*[added("t0", "once")] * 3, added("t1", "other"))]
    assert all(done)
    assert sorted(performed.is_replay for performed in done) == [False, False, True, True]
    assert len({performed.operation.operation_id for performed in done[:3] if performed.operation}) == 1
    found = service.store.read("Document", {"title": "once"}).records
    assert len(found) == 1


def test_an_act_whose_root_another_transaction_holds_is_waited_for_by_nobody(service: Service) -> None:
    with psycopg.connect(service.url.replace("+psycopg", "")) as holder:
        holder.execute("SELECT id FROM team WHERE id = 'team-t1' FOR NO KEY UPDATE")
        others = ThreadPoolExecutor(1)
        try:
            waiting = others.submit(lambda: service.gathered(*ACTS))
            seen = _Seen({"title 0", "title 2"})
            service.store.on_commit(seen.look)
            assert seen.all_are_there.wait(60)
            assert "title 1" not in titles(service.store)
            holder.rollback()
            assert all(each.result() for each in waiting.result(60))
        finally:
            others.shutdown()
    assert "title 1" in titles(service.store)


def test_a_connection_that_is_lost_leaves_all_or_nothing_of_each(service: Service) -> None:
    """The server ends the transaction that acts share, in the middle of it: each is performed, on its own."""
    plain = group_commit.lock_revisions
    lost: list[int] = []

    def cut(connection: Any) -> None:
        if service.groups[-1] > 1 and not lost:
            lost.append(1)
            pid = connection.connection.driver_connection.info.backend_pid
            with psycopg.connect(service.url.replace("+psycopg", ""), autocommit=True) as admin:
                admin.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        plain(connection)

    service.monkeypatch.setattr(group_commit, "lock_revisions", cut)
    before = service.store.revision()
    done = [each.result() for each in service.gathered(*ACTS)]
    assert lost
    assert all(done)
    assert titles(service.store) >= {f"title {number}" for number in range(3)}
    assert service.store.revision() == before + 4
