"""Performing acts: all or nothing, once for each request, and only on facts that still are what was decided on."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy
from facts_scene import restored
from tiny.model import TINY, Document, TeamMember, facts

from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint, Question
from sealauthz.decision.assembly import RequestOptions, Within
from sealauthz.facts import Batch, Delete, FactCache, Part, Put, Store, Update
from sealauthz.facts.memory.consistency import FULL
from sealauthz.facts.store import group_commit, writing
from sealauthz.operations import Operations, Performance, Performed
from sealauthz.runtime.errors import CallerNotPermitted, FactConflict, FactsUnavailable, InvalidRequest, InvariantBroken
from sealauthz.schema import Duty, MetBy, Outcome

OPTIONS = RequestOptions(caller="shop")


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.load(TINY)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, new_database: Callable[..., str]) -> str:
    return new_database(request.param, TINY)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store.open(url, TINY)
    store.write(Batch("test", "facts", tuple(map(Put, facts()))))
    yield store
    store.close()


@pytest.fixture
def operations(store: Store, bundle: Bundle) -> Operations:
    return Operations(store, PolicyDecisionPoint(FactCache(store), bundle))


def asked(
    action: str, resource: str, request_id: str, who: str = "ann", arguments: Any = None, **context: Any
) -> Performance:
    record_type, _, record_id = resource.partition(":")
    question = Question(Entity("User", who), action, Entity(record_type, record_id), context)
    return Performance(question, request_id, arguments or {})


def document(store: Store, document_id: str) -> Document | None:
    page = store.read("Document", {"id": document_id})
    return page.records[0].record if page.records else None


def codes(performed: Performed) -> list[str]:
    return [reason.code for reason in performed.decision.reasons]


def test_an_allowed_act_is_carried_out_with_its_events(store: Store, operations: Operations) -> None:
    before = store.revision()
    done = operations.perform(asked("publish", "Document:d1", "r1", "bob", approver="red-ann"), OPTIONS)
    assert done
    assert done.operation is not None
    assert not done.is_replay
    assert done.operation.revision == store.revision() == before + 1
    found = document(store, "d1")
    assert found is not None
    assert (found.state, found.published_at) == ("PUBLISHED", done.decision.evaluated_at)
    (told,) = store.events_after((0, 0), 10)
    assert (told.event.code, told.revision, told.event.recipients) == ("PUBLISHED", before + 1, ("ann", "bob"))
    assert store.events_after((told.revision, told.ordinal), 10) == []
    assert store.events_after((0, 0), 10, ["blue"]) == []


def test_a_deny_changes_nothing_and_is_not_remembered(store: Store, operations: Operations) -> None:
    before = store.revision()
    denied = operations.perform(asked("publish", "Document:d1", "r1", "bob"), OPTIONS)
    assert not denied
    assert codes(denied) == ["APPROVER_NEEDED"]
    assert store.revision() == before
    assert store.events_after((0, 0), 10) == []
    # The same request id stands for what it performs, not for what it was denied.
    assert operations.perform(asked("publish", "Document:d1", "r1", "bob", approver="red-ann"), OPTIONS)


def test_a_performed_request_is_answered_again_with_the_same_answer(store: Store, operations: Operations) -> None:
    request = asked("archive", "Document:d1", "r1")
    first = operations.perform(request, OPTIONS)
    revision = store.revision()
    # The document is gone; asked as a new request it would be denied.
    again = operations.perform(request, OPTIONS)
    assert again.is_replay
    assert again.operation == first.operation
    assert again.decision.decision_id == first.decision.decision_id
    assert bool(again.decision)
    assert store.revision() == revision
    assert first.operation is not None
    assert operations.operation(first.operation.operation_id, RequestOptions(caller="shop")) == first.operation
    assert operations.operation(first.operation.operation_id, RequestOptions(caller="other")) is None
    # Another caller's request of that id is another request.
    assert codes(operations.perform(request, RequestOptions(caller="other"))) == ["NOT_FOUND"]


def test_a_caller_that_lost_the_right_is_shown_nothing_of_what_it_performed(operations: Operations) -> None:
    request = asked("publish", "Document:d1", "r1", "bob", approver="red-ann")
    performed = operations.perform(request, OPTIONS).operation
    assert performed is not None
    for may_see, is_shown in ((Within(frozenset({"red"})), True), (Within(frozenset({"blue"})), False)):
        options = RequestOptions(may_see, OPTIONS.caller)
        found = operations.operation(performed.operation_id, options)
        assert found == (performed if is_shown else None)
        if is_shown:
            assert operations.perform(request, options).is_replay
        else:
            with pytest.raises(CallerNotPermitted):
                operations.perform(request, options)


def test_a_request_id_stands_for_one_content(store: Store, operations: Operations) -> None:
    operations.perform(asked("add", "Folder:plans", "r1", arguments={"titles": ["A"]}), OPTIONS)
    with pytest.raises(FactConflict, match="another content"):
        operations.perform(asked("add", "Folder:plans", "r1", arguments={"titles": ["B"]}), OPTIONS)
    store.write(Batch("shop", "w1", (Put(Document("d9", "plans", "ann", "Written")),)))
    with pytest.raises(FactConflict, match="another content"):
        operations.perform(asked("add", "Folder:plans", "w1", arguments={"titles": ["A"]}), OPTIONS)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "`arguments\\[user\\]` is missing"),
        ({"user": "cy", "rang": "OWNER"}, "`arguments\\[rang\\]` is no argument of this act; did you mean `rank`"),
        ({"user": "cy", "rank": "KING"}, "`arguments\\[rank\\]` is not one of the words"),
        ({"user": 7}, "`arguments\\[user\\]` must be text"),
        ({"user": "nobody"}, "`arguments\\[user\\]` names no User"),
        ({"user": "bob"}, "`arguments\\[user\\]` has a place in this team"),
        ({"user": ["cy"]}, "`arguments\\[user\\]` must be text"),
    ],
)
def test_arguments_are_checked_by_name(
    store: Store, operations: Operations, arguments: dict[str, Any], said: str
) -> None:
    before = store.revision()
    with pytest.raises(InvalidRequest, match=said):
        operations.perform(asked("invite", "Team:red", "r1", arguments=arguments), OPTIONS)
    assert store.revision() == before


def test_lists_of_arguments_are_checked_item_by_item(operations: Operations) -> None:
    with pytest.raises(InvalidRequest, match=r"`arguments\[titles\]\[1\]` must be text"):
        operations.perform(asked("add", "Folder:plans", "r1", arguments={"titles": ["A", 2]}), OPTIONS)
    with pytest.raises(InvalidRequest, match=r"`arguments\[titles\]` has more than 200 items"):
        operations.perform(asked("add", "Folder:plans", "r1", arguments={"titles": ["A"] * 201}), OPTIONS)
    done = operations.perform(asked("add", "Folder:plans", "r1", arguments={"titles": ["A", "B"]}), OPTIONS)
    assert done.operation is not None
    assert done.operation.values == {"count": 2}


def test_an_act_that_only_looks_makes_no_revision(store: Store, operations: Operations) -> None:
    before = store.revision()
    done = operations.perform(asked("read", "Document:d2", "r1"), OPTIONS)
    assert done
    assert store.revision() == before
    assert operations.perform(asked("read", "Document:d2", "r1"), OPTIONS).is_replay


def test_a_caller_performs_nothing_outside_its_right(store: Store, operations: Operations) -> None:
    before = store.revision()
    options = RequestOptions(caller="shop", may_see=lambda team: team == "blue")
    performed = operations.perform(asked("archive", "Document:d1", "r1"), options)
    assert [reason.code for reason in performed.decision.reasons] == ["NOT_FOUND"]
    assert store.revision() == before


def test_an_effect_changes_nothing_outside_the_right_of_the_caller(
    store: Store, operations: Operations, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The resource is the caller's to ask about; what the effect would change is another team's."""
    elsewhere = dataclasses.replace(
        TINY.actions["archive", "Document"],
        effect=lambda act: Outcome((Put(Document("d9", "notes", "cy", "theirs")),)),
    )
    monkeypatch.setitem(TINY.actions, ("archive", "Document"), elsewhere)
    before = store.revision()
    for may_see in (Within(frozenset({"red"})), lambda team: team == "red"):
        with pytest.raises(CallerNotPermitted, match="may not write facts of this team"):
            operations.perform(asked("archive", "Document:d1", "r1"), RequestOptions(may_see, "shop"))
    assert store.revision() == before
    both = RequestOptions(Within(frozenset({"red", "blue"})), "shop")
    assert operations.perform(asked("archive", "Document:d1", "r1"), both)


def test_only_what_is_left_to_the_caller_is_told_as_an_obligation(
    store: Store, operations: Operations, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The team was told by an event: a caller that met the obligation once more would tell it twice."""
    request = asked("publish", "Document:d1", "r1", "bob", approver="red-ann")
    assert operations.perform(request, OPTIONS).decision.obligations == ()
    assert operations.perform(request, OPTIONS).decision.obligations == ()
    monkeypatch.setitem(TINY.duties, "TELL_TEAM", Duty("TELL_TEAM", MetBy.CALLER))
    store.write(Batch("test", "d4", (Put(Document("d4", "plans", "bob", "Next")),)))
    done = operations.perform(asked("publish", "Document:d4", "r2", "bob", approver="red-ann"), OPTIONS)
    assert [obligation.code for obligation in done.decision.obligations] == ["TELL_TEAM"]
    assert done.decision.texts is bundle.texts


def test_nothing_is_kept_that_the_client_said_in_words(store: Store, operations: Operations) -> None:
    request = asked("publish", "Document:d1", "r1", "bob", approver="red-ann", note="13812341569")
    assert operations.perform(request, OPTIONS)
    kept = store.operation("shop", "r1")
    assert "13812341569" not in str(kept)
    assert operations.perform(request, OPTIONS).decision.question.context == {"approver": "red-ann"}


def test_a_request_is_told_from_another_by_type_and_id() -> None:
    first, second = (
        Performance(Question(subject, "read", Entity("Document", "d")), "r1").fingerprint
        for subject in (Entity("User", "a:b"), Entity("User:a", "b"))
    )
    assert first != second


class Interference:
    """Does something between the decision of an act and its commit, each time that one is decided."""

    def __init__(self, operations: Operations, do: Callable[[int], object]) -> None:
        self._pdp = operations._pdp
        self._do = do
        self.decisions = 0
        operations._pdp = self  # type: ignore[assignment]

    def decide_to_act(self, *arguments: Any) -> Any:
        self.decisions += 1
        decided = self._pdp.decide_to_act(*arguments)
        self._do(self.decisions)
        return decided

    def has_policies(self, version: str) -> bool:
        return self._pdp.has_policies(version)

    @property
    def bundle(self) -> Bundle:
        return self._pdp.bundle


@pytest.mark.parametrize(
    "change",
    [
        # What was found, in the unit of the resource and in that of the subject.
        Delete("TeamMember", "red-bob"),
        Update("User", "bob", {"is_locked": True}),
        Update("Document", "d1", {"words": 5000}),
    ],
)
def test_what_changes_meanwhile_is_decided_again(store: Store, operations: Operations, change: Any) -> None:
    def do(decision: int) -> None:
        if decision == 1:
            store.write(Batch("test", "meanwhile", (change,)))

    between = Interference(operations, do)
    done = operations.perform(asked("publish", "Document:d1", "r1", "bob", approver="red-ann"), OPTIONS)
    assert not done
    assert between.decisions == 2
    found = document(store, "d1")
    assert found is not None
    assert found.state == "DRAFT"


def _imported(*numbers: int) -> Callable[[Store], object]:
    """A part of an import for each number; the last of several ends it."""

    def do(store: Store) -> None:
        for number in numbers:
            store.import_part("importer", Part("i1", frozenset({"red"}), number, is_last=number == 2))

    return do


def _replaced(store: Store) -> None:
    """The document goes, and comes again as it was."""
    found = document(store, "d2")
    store.write(Batch("test", "gone", (Delete("Document", "d2"),)))
    store.write(Batch("test", "again", (Put(found),)))


@pytest.mark.parametrize(
    ("do", "why"),
    [
        (_imported(1), "FACT_UNAVAILABLE"),
        (_imported(1, 2), ""),
        (_replaced, ""),
        (restored, ""),
    ],
    ids=["import begins", "import comes and goes", "record replaced", "restored"],
)
def test_what_the_decision_has_read_is_not_written_upon_once_it_was_moved(
    store: Store, operations: Operations, do: Callable[[Store], object], why: str
) -> None:
    """Rows are those of the decision only while nothing happened to them, be they equal or not."""
    between = Interference(operations, lambda decision: do(store) if decision == 1 else None)
    done = operations.perform(asked("archive", "Document:d2", "r1"), OPTIONS)
    assert between.decisions == 2
    assert codes(done) == ([why] if why else [])
    (found,) = store.read("Document", {"id": "d2"}).records
    assert (found.record.state == "ARCHIVED") == bool(done)
    assert done.operation is None or found.revision == done.operation.revision == store.revision()


def test_what_others_change_is_not_waited_for(store: Store, operations: Operations) -> None:
    between = Interference(
        operations, lambda n: store.write(Batch("test", f"w{n}", (Update("Document", "d3", {"words": n}),)))
    )
    assert operations.perform(asked("archive", "Document:d2", "r1"), OPTIONS)
    assert between.decisions == 1


def test_a_busy_place_is_decided_under_the_lock_at_last(store: Store, operations: Operations) -> None:
    """Others write into the unit each time: the last decision keeps them out, so that the act comes to its end."""
    pool = ThreadPoolExecutor(1)

    def do(decision: int) -> None:
        # The one under the lock waits for us, so it must not be waited for.
        write = pool.submit(
            store.write, Batch("test", f"w{decision}", (Update("Document", "d1", {"words": decision}),))
        )
        with contextlib.suppress(TimeoutError):
            write.result(0.5 if decision >= 5 else 10)

    between = Interference(operations, do)
    assert operations.perform(asked("archive", "Document:d2", "r1"), OPTIONS)
    assert between.decisions == 5
    pool.shutdown()


def test_an_act_that_lapses_while_it_waits_is_decided_again(url: str, store: Store, bundle: Bundle) -> None:
    clock = [1_790_000_000_000_000]
    late = Store.open(url, TINY, lambda: clock[0])
    operations = Operations(late, PolicyDecisionPoint(FactCache(late), bundle, now=lambda: clock[0]))

    def do(decision: int) -> None:
        if decision == 1:
            clock[0] += 3_600_000_000

    between = Interference(operations, do)
    assert operations.perform(asked("archive", "Document:d2", "r1"), OPTIONS)
    assert between.decisions == 2
    late.close()


def test_an_act_that_has_ended_at_every_attempt_says_so_and_is_not_performed(
    url: str, store: Store, bundle: Bundle
) -> None:
    clock = [1_790_000_000_000_000]
    late = Store.open(url, TINY, lambda: clock[0])
    operations = Operations(late, PolicyDecisionPoint(FactCache(late), bundle, now=lambda: clock[0]))
    hour = 3_600_000_000

    def wait(_decision: int) -> None:
        clock[0] += hour

    before = store.revision()
    between = Interference(operations, wait)
    with pytest.raises(FactsUnavailable) as caught:
        operations.perform(asked("archive", "Document:d2", "r1"), OPTIONS)
    assert str(caught.value) == "the permission has ended before the act was written: ask again"
    assert between.decisions > 1
    assert store.revision() == before
    assert document(store, "d2") is not None
    hour = 0
    assert operations.perform(asked("archive", "Document:d2", "r1"), OPTIONS)
    late.close()


def test_policies_that_are_replaced_meanwhile_decide_again(
    store: Store, operations: Operations, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([False, True])
    between = Interference(operations, lambda _: None)
    monkeypatch.setattr(between, "has_policies", lambda _version: next(answers))
    assert operations.perform(asked("archive", "Document:d2", "r1"), OPTIONS)
    assert between.decisions == 2


def test_what_was_looked_for_and_missed_counts(store: Store, operations: Operations) -> None:
    """A record that was not there when it was looked for is there at the commit."""

    def do(decision: int) -> None:
        if decision == 1:
            store.write(Batch("test", "w", (Put(TeamMember("late", "red", "cy")),)))

    between = Interference(operations, do)
    with pytest.raises(InvalidRequest, match="has a place"):
        operations.perform(asked("invite", "Team:red", "r1", arguments={"user": "cy"}), OPTIONS)
    assert between.decisions == 2


def test_two_of_the_same_request_perform_once(store: Store, operations: Operations) -> None:
    request = asked("add", "Folder:plans", "r1", arguments={"titles": ["A"]})
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda _: operations.perform(request, OPTIONS), range(16)))
    assert len({performed.operation for performed in map(_hashable, done)}) == 1
    assert sum(not performed.is_replay for performed in done) == 1
    assert [r.record.title for r in store.read("Document", {"title": "A"}).records] == ["A"]


def _hashable(performed: Performed) -> Any:
    operation = performed.operation
    assert operation is not None
    return type("Seen", (), {"operation": (operation.operation_id, operation.revision, operation.at)})


def test_a_failure_of_any_statement_leaves_nothing(
    store: Store, operations: Operations, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever statement of the transaction fails, neither fact, event nor operation stays, and the next try works."""
    request = asked("publish", "Document:d1", "r1", "bob", approver="red-ann")
    before = store.revision()
    for name in ("lock_revisions", "check_together", "check_each", "check_references", "look"):
        with monkeypatch.context() as broken:
            for module in (writing, group_commit):  # acts that share a transaction, and one that has its own
                if hasattr(module, name):
                    broken.setattr(module, name, _fail)
            with pytest.raises(FactsUnavailable, match="pulled"):
                operations.perform(request, OPTIONS)
        found = document(store, "d1")
        assert found is not None
        assert found.state == "DRAFT"
        assert store.revision() == before
        assert store.events_after((0, 0), 9) == []
        assert store.operation("shop", "r1") is None
    assert operations.perform(request, OPTIONS)


@pytest.mark.parametrize(
    "act",
    [
        asked("publish", "Document:d1", "r1", "bob", approver="red-ann"),  # changes the row
        asked("archive", "Document:d1", "r1"),  # deletes it, because it is a draft
    ],
    ids=["changed", "deleted"],
)
def test_an_act_on_a_row_that_is_taken_out_of_the_database_in_between_is_not_performed(
    url: str, store: Store, operations: Operations, act: Performance
) -> None:
    """Past the service, so that no revision tells of it: the decision has read a row that is not there any more."""
    before = store.revision()

    def take(decision: int) -> None:
        if decision == 1:
            engine = sqlalchemy.create_engine(url)
            with engine.begin() as connection:
                connection.execute(sqlalchemy.text("DELETE FROM document WHERE id = 'd1'"))
            engine.dispose()

    between = Interference(operations, take)
    with pytest.raises(InvariantBroken, match="`Document:d1`"):
        operations.perform(act, OPTIONS)
    assert between.decisions > 1
    assert store.revision() == before
    assert store.operation("shop", "r1") is None
    assert store.events_after((0, 0), 9) == []
    # What is there can be written as before.
    assert operations.perform(asked("archive", "Document:d2", "r2"), OPTIONS)


def _fail(*_arguments: object) -> Any:
    raise FactsUnavailable("the plug was pulled")


def test_what_is_performed_is_in_memory_at_once(store: Store, operations: Operations) -> None:
    assert operations.perform(asked("archive", "Document:d2", "r1"), OPTIONS)
    # From memory, as the next question is.
    again = operations.perform(asked("publish", "Document:d2", "r2", approver="red-bob"), OPTIONS)
    assert codes(again) == ["ALREADY_PUBLISHED", "TOO_LONG"]


def test_what_others_wrote_meanwhile_comes_with_the_act(
    url: str, store: Store, operations: Operations, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the transaction compares with is all that memory needs: nobody has to look again."""
    other = Store.open(url, TINY)

    def write(decision: int) -> None:
        other.write(Batch("test", f"w{decision}", (Put(Document("late", "plans", "bob", "Late", words=9)),)))
        other.write(Batch("test", f"v{decision}", (Update("Document", "d2", {"words": 77}),)))

    fact_cache: FactCache = operations._pdp._fact_cache
    fact_cache.answer(lambda snapshot: snapshot.matching("Document", title="Late"))
    Interference(operations, write)
    with monkeypatch.context() as alone:
        alone.setattr(fact_cache, "refresh", _fail)
        done = operations.perform(asked("archive", "Document:d3", "r1", "cy"), OPTIONS)
    other.close()
    assert done.operation is not None
    assert fact_cache.timeline.revision == done.operation.revision == done.decision.revision + 3

    def seen(snapshot: Any) -> Any:
        return snapshot.find("Document", "d2").words, snapshot.matching("Document", title="Late")

    assert fact_cache.answer(seen) == (77, ["late"])


def test_the_decision_that_is_carried_out_is_still_allowed_at_its_commit(store: Store, operations: Operations) -> None:
    """What the audit will ask: of each performed act the decision is on the facts just before its revision."""
    done = operations.perform(asked("archive", "Document:d2", "r1"), RequestOptions(caller="shop", consistency=FULL))
    assert done.operation is not None
    assert done.decision.revision == done.operation.revision - 1
