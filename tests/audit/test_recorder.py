"""The recorder: what is answered is in the log within a moment, or first, and nothing is lost without being said."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from audit_logs import run
from tiny.model import TINY

from sealauthz import __version__
from sealauthz.audit import recorder as recording
from sealauthz.audit.log import Log, Wanted
from sealauthz.audit.recorder import Answered, Listed, Recorder, What
from sealauthz.audit.sequencer import Sequencer
from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint, Question
from sealauthz.decision.decision import Decision
from sealauthz.decision.paging import Paging
from sealauthz.decision.question import ListQuery
from sealauthz.facts import Batch, Delete, FactCache, Store
from sealauthz.facts.memory.permits import NotAtOnce
from sealauthz.polar.reach import Root
from sealauthz.runtime.background import ignored
from sealauthz.runtime.errors import FactsUnavailable

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.load(TINY)


@pytest.fixture
def cache(store: Store) -> FactCache:
    return FactCache(store)


@pytest.fixture
def pdp(cache: FactCache, bundle: Bundle) -> PolicyDecisionPoint:
    return PolicyDecisionPoint(cache, bundle)


class Reports:
    """What was reported."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def __call__(self, event: str, numbers: Mapping[str, object], error: BaseException | None) -> None:
        self.said.append(event)


@pytest.fixture
def reports() -> Reports:
    return Reports()


@pytest.fixture
def recorder(store: Store, cache: FactCache, reports: Reports) -> Iterator[Recorder]:
    """One that is not started: a test takes its steps, or starts it."""
    recorder = Recorder(store, cache, reports, ignored, every_s=0.01, most=20)
    yield recorder
    recorder.stop()


def answered(what: What, kind: str = "Authorize") -> Answered:
    return Answered(kind, "shop", "ipv4:127.0.0.1:4711", TRACE, what, 1_000_000, 250)


def asked(pdp: PolicyDecisionPoint, resource: str = "Document:d1", who: str = "ann", **context: Any) -> Decision:
    record_type, _, record_id = resource.partition(":")
    action = context.pop("action", "read")
    return pdp.decide(Question(Entity("User", who), action, Entity(record_type, record_id), context))


def records(store: Store, sequencer: Sequencer) -> list[dict[str, Any]]:
    sequencer.drain()
    return [entry.content for entry in Log(store).page(Wanted(), "Team").entries][::-1]


@contextmanager
def out_of_order(store: Store) -> Iterator[None]:
    """A database that takes no records."""
    run(store, "ALTER TABLE audit_pending RENAME TO gone")
    try:
        yield
    finally:
        run(store, "ALTER TABLE gone RENAME TO audit_pending")


def test_advice_is_written_beside_the_answers(
    store: Store, sequencer: Sequencer, recorder: Recorder, pdp: PolicyDecisionPoint
) -> None:
    decision = asked(pdp)
    recorder.note(answered(decision))
    assert recorder.waiting == 1
    recorder.start()
    recorder.stop()
    (found,) = records(store, sequencer)
    assert found == {
        "v": 2,
        "by_release": __version__,
        "kind": "Authorize",
        "id": decision.decision_id,
        "at": decision.evaluated_at,
        "caller": "shop",
        "peer": "ipv4:127.0.0.1:4711",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "duration_us": 250,
        "subject": "User:ann",
        "action": "read",
        "resource": "Document:d1",
        "effect": "ALLOW",
        "policy": decision.policy_version,
        "policy_sha256": base64.urlsafe_b64encode(bytes.fromhex(decision.policy_digest)).decode().rstrip("="),
        "revision": decision.revision,
        "timeline": decision.timeline,
        "until": decision.valid_until,
        "tenant": "Team",
        "tenants": ["red"],
    }


def test_a_deny_is_recorded_with_its_reasons(
    store: Store, sequencer: Sequencer, recorder: Recorder, pdp: PolicyDecisionPoint
) -> None:
    decision = asked(pdp, who="bob", action="publish")
    recorder.note(answered(decision))
    recorder.stop()
    (found,) = records(store, sequencer)
    assert found["effect"] == "DENY"
    assert [reason[0] for reason in found["reasons"]] == [reason.code for reason in decision.reasons]
    assert Log(store).page(Wanted(reason=decision.reasons[0].code), "Team").entries


def test_no_text_of_a_client_gets_into_the_log(
    store: Store, sequencer: Sequencer, recorder: Recorder, pdp: PolicyDecisionPoint
) -> None:
    """What is in the log cannot be erased. Who knows the text finds it by its digest."""
    recorder.note(answered(asked(pdp, "Document:13800001569")))
    recorder.note(answered(asked(pdp, who="张伟")))
    recorder.note(answered(asked(pdp, action="ask 13800001569")))
    recorder.note(answered(asked(pdp, action="publish", note="ring 13800001569", approver="13800001569")))
    recorder.stop()
    records(store, sequencer)
    texts = [entry.text for entry in Log(store).page(Wanted(), "Team").entries]
    assert len(texts) == 4
    assert not [text for text in texts if "13800001569" in text or "\\u" in text or "ring" in text]
    assert all("sha256-" in text for text in texts)


def test_a_decision_is_noted_as_the_text_that_the_look_up_of_a_writer_would_give(
    store: Store, recorder: Recorder, cache: FactCache, pdp: PolicyDecisionPoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that no decision is held until it is written. One that takes the database to be told of waits for its turn."""
    about = [asked(pdp), asked(pdp, who="bob", action="publish"), asked(pdp, "Document:none"), asked(pdp, action="odd")]
    from_memory = cache.answer
    with monkeypatch.context() as patch:
        patch.setattr(cache, "answer", _never_at_once(from_memory))
        for decision in about:
            recorder.note(answered(decision))
        assert [noted for noted, _ in recorder._noted] == [answered(each) for each in about]
        looked_up = recorder._lines(recorder._noted)
    assert recorder._write()
    for decision in about:
        recorder.note(answered(decision))
    assert [noted for noted, _ in recorder._noted] == looked_up
    assert recorder._write()
    store.write(Batch("test", "gone", (Delete("Document", "d1"),)))
    pdp.decide(about[0].question)
    recorder.note(answered(about[0]))
    (noted,) = [noted for noted, _ in recorder._noted]
    assert isinstance(noted, str), "a new revision is looked up in memory"
    recorder.note(answered([about[0]], "AuthorizeBatch"))
    assert [type(noted) for noted, _ in recorder._noted] == [str, Answered]


def _never_at_once(from_memory: Callable[..., Any]) -> Callable[..., Any]:
    def answer(work: Callable[..., Any], *, may_wait: bool = True) -> Any:
        if not may_wait:
            raise NotAtOnce
        return from_memory(work)

    return answer


def test_what_an_allow_was_about_is_named_though_it_has_gone_since(
    store: Store, sequencer: Sequencer, recorder: Recorder, pdp: PolicyDecisionPoint
) -> None:
    recorder.note(answered(asked(pdp, action="archive")))
    store.write(Batch("test", "gone", (Delete("Document", "d1"),)))
    recorder.note(answered(asked(pdp, action="archive")))
    recorder.stop()
    allowed, denied = records(store, sequencer)
    assert (allowed["resource"], denied["resource"][:7]) == ("Document:d1", "sha256-")


def test_a_batch_is_one_record_with_its_items(
    store: Store, sequencer: Sequencer, recorder: Recorder, pdp: PolicyDecisionPoint
) -> None:
    items = [asked(pdp), asked(pdp, "Document:gone"), "InvalidRequest"]
    recorder.note(answered(items, "AuthorizeBatch"))
    recorder.stop()
    (found,) = records(store, sequencer)
    assert (found["effect"], found["count"], len(found["items"])) == ("MIXED", 3, 3)
    assert found["items"][0]["resource"] == "Document:d1"
    assert found["items"][2] == {"error": "InvalidRequest"}
    assert Log(store).page(Wanted(resource="Document:d1"), "Team").entries
    assert not Log(store).page(Wanted(resource="Document:d9"), "Team").entries


@pytest.mark.parametrize("count", [2, 900])
def test_the_id_of_an_item_finds_the_record_of_its_batch(
    store: Store, sequencer: Sequencer, recorder: Recorder, pdp: PolicyDecisionPoint, count: int
) -> None:
    """It is what the client was given. Nine hundred items are packed in their record."""
    decisions = [asked(pdp) for _ in range(count + 2)]
    alone, *items, lost = decisions
    recorder.note(answered(alone))
    recorder.note(answered(items, "AuthorizeBatch"))
    recorder.stop()
    _, batch = records(store, sequencer)
    assert ("items" in batch) == (count == 2)
    log = Log(store)
    assert {entry.content["id"] for entry in map(log.entry, [each.decision_id for each in items]) if entry} == {
        batch["id"]
    }
    found = log.entry(alone.decision_id)
    assert found is not None
    assert found.content["id"] == alone.decision_id
    assert log.entry(lost.decision_id) is None
    run(store, f"UPDATE audit_log SET record = 'broken ' || record WHERE decision_id = '{batch['id']}'")
    assert log.entry(items[0].decision_id) is None


@pytest.mark.parametrize("id_", ["", "%", "01900000-0000-7000-8000-00000000000%", "not-an-id"])
def test_what_is_no_id_finds_nothing(
    store: Store, sequencer: Sequencer, recorder: Recorder, pdp: PolicyDecisionPoint, id_: str
) -> None:
    recorder.note(answered([asked(pdp)], "AuthorizeBatch"))
    recorder.stop()
    assert records(store, sequencer)
    assert Log(store).entry(id_) is None


def test_a_large_batch_is_recorded_by_its_digest(
    store: Store, sequencer: Sequencer, recorder: Recorder, pdp: PolicyDecisionPoint
) -> None:
    decision = asked(pdp)
    recorder.note(answered([decision] * 1_000, "AuthorizeBatch"))
    recorder.stop()
    (found,) = records(store, sequencer)
    assert (found["count"], found["effects"], found["effect"]) == (1_000, {"ALLOW": 1_000}, "ALLOW")
    assert len(found["items_sha256"]) == 64
    assert "items" not in found


def test_a_page_is_recorded_by_the_digest_of_its_ids(
    store: Store, sequencer: Sequencer, recorder: Recorder, pdp: PolicyDecisionPoint
) -> None:
    query = ListQuery(Root.SUBJECT, Entity("User", "ann"), "read", "Document")
    page = pdp.list_page(query, Paging(0, ""))
    recorder.note(answered(Listed(query, page), "ListResources"))
    recorder.stop()
    (found,) = records(store, sequencer)
    said = [found[name] for name in ("subject", "action", "sought", "effect", "count", "is_complete")]
    assert said == ["User:ann", "read", "Document", "LIST", len(page.ids), True]


def test_what_must_be_in_the_log_first_is_written_when_the_answer_is_given(
    store: Store, sequencer: Sequencer, recorder: Recorder, pdp: PolicyDecisionPoint
) -> None:
    recorder.start()
    recorder.record(answered(asked(pdp)))
    assert len(run(store, "SELECT * FROM audit_pending")) == 1


def test_many_that_wait_share_commits(
    store: Store, sequencer: Sequencer, recorder: Recorder, pdp: PolicyDecisionPoint
) -> None:
    decisions = [asked(pdp) for _ in range(8)]
    threads = [threading.Thread(target=recorder.record, args=(answered(each),)) for each in decisions]
    for thread in threads:
        thread.start()
    while recorder.waiting < 8:
        pass
    recorder.start()
    for thread in threads:
        thread.join()
    assert len(run(store, "SELECT * FROM audit_pending")) == 1
    assert {found["id"] for found in records(store, sequencer)} == {each.decision_id for each in decisions}


def test_what_cannot_be_recorded_is_refused_and_advice_is_kept(
    store: Store, sequencer: Sequencer, recorder: Recorder, pdp: PolicyDecisionPoint, reports: Reports
) -> None:
    advice, first = asked(pdp), asked(pdp)
    recorder.start()
    with out_of_order(store):
        recorder.note(answered(advice))
        for _ in range(2):
            with pytest.raises(FactsUnavailable, match="cannot be recorded now"):
                recorder.record(answered(first))
        assert reports.said == ["audit_unwritten"]
    recorder.record(answered(first))
    assert [found["id"] for found in records(store, sequencer)] == [advice.decision_id, first.decision_id]
    assert reports.said == ["audit_unwritten", "audit_written_again"]


def test_nothing_blocks_where_the_buffer_is_full_and_the_log_says_what_it_lacks(
    store: Store, sequencer: Sequencer, recorder: Recorder, pdp: PolicyDecisionPoint, reports: Reports
) -> None:
    for _ in range(25):
        recorder.note(answered(asked(pdp)))
    assert recorder.waiting == 20
    with pytest.raises(FactsUnavailable):
        recorder.record(answered(asked(pdp)))
    recorder.start()
    recorder.stop()
    found = records(store, sequencer)
    assert [each["kind"] for each in found] == ["Authorize"] * 20 + ["Lacking"]
    assert found[-1]["count"] == 5
    assert "audit_lacking" in reports.said


def test_a_batch_takes_the_room_of_its_decisions(
    store: Store, sequencer: Sequencer, recorder: Recorder, pdp: PolicyDecisionPoint
) -> None:
    """Else a caller of batches would fill the memory while nothing can be written."""
    items = [asked(pdp)] * 15
    with out_of_order(store):
        for _ in range(4):
            recorder.note(answered(items, "AuthorizeBatch"))
        assert recorder.waiting == 2
        recorder._write()  # it cannot, and keeps them as texts, with the one that says how many it lacks
        assert recorder.waiting == 3
        assert recorder._held == sum(1 + len(str(text)) // 2_048 for text, _ in recorder._noted)
    recorder.stop()
    assert [each["count"] for each in records(store, sequencer)] == [15, 15, 2]
    assert recorder._held == 0


def test_a_commit_whose_answer_was_lost_doubles_nothing(
    store: Store, sequencer: Sequencer, recorder: Recorder, pdp: PolicyDecisionPoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep: Callable[..., None] = recorder._keep
    lost: list[int] = []

    def keep_and_lose(lines: list[str], **how: bool) -> None:
        keep(lines, **how)
        if not lost:
            lost.append(1)
            raise FactsUnavailable("the connection was lost")

    monkeypatch.setattr(recorder, "_keep", keep_and_lose)
    recorder.note(answered(asked(pdp)))
    recorder.note(answered([asked(pdp), asked(pdp)], "AuthorizeBatch"))
    assert not recorder._write()
    assert recorder._write()
    assert len(run(store, "SELECT * FROM audit_pending")) == 2
    assert [found["kind"] for found in records(store, sequencer)] == ["Authorize", "AuthorizeBatch"]


@pytest.fixture
def placing(store: Store, cache: FactCache, reports: Reports, sequencer: Sequencer) -> Iterator[Recorder]:
    """One that gives places too, and is not started."""
    recorder = Recorder(store, cache, reports, ignored, sequencer=sequencer)
    yield recorder
    recorder.stop()


def test_advice_gets_its_place_at_once_and_what_is_awaited_gets_it_later(
    store: Store, sequencer: Sequencer, placing: Recorder, pdp: PolicyDecisionPoint
) -> None:
    advice, first = asked(pdp), asked(pdp)
    placing.note(answered(advice))
    assert placing._write()
    assert run(store, "SELECT decision_id FROM audit_log") == [(advice.decision_id,)]
    assert run(store, "SELECT * FROM audit_pending") == []
    placing.record_then(answered(first), lambda error: None)
    assert placing._write()
    assert len(run(store, "SELECT * FROM audit_pending")) == 1
    assert [found["id"] for found in records(store, sequencer)] == [advice.decision_id, first.decision_id]


@pytest.mark.parametrize("is_committed", [False, True])
def test_advice_waits_for_its_place_where_that_cannot_be_given(
    store: Store,
    sequencer: Sequencer,
    placing: Recorder,
    pdp: PolicyDecisionPoint,
    monkeypatch: pytest.MonkeyPatch,
    is_committed: bool,
) -> None:
    """Also where it was given, and the connection was lost in the commit."""
    place, tried = sequencer.place, []

    def place_and_lose(lines: list[str]) -> bool:
        tried.append(len(lines))
        if is_committed:
            place(lines)
        raise FactsUnavailable("the connection was lost")

    monkeypatch.setattr(sequencer, "place", place_and_lose)
    monkeypatch.setattr(recording, "_NO_PLACES_S", 3_600.0)  # on a busy machine two seconds are soon over
    decisions = [asked(pdp), asked(pdp)]
    for decision in decisions:
        placing.note(answered(decision))
        assert placing._write()
    assert tried == [1], "it is not tried again at once"
    assert len(run(store, "SELECT * FROM audit_pending")) == 2
    # What waits goes by the milliseconds in which it was written, and by chance within one.
    assert sorted(found["id"] for found in records(store, sequencer)) == sorted(each.decision_id for each in decisions)


def test_advice_waits_where_the_log_was_tampered_with(
    store: Store, sequencer: Sequencer, placing: Recorder, pdp: PolicyDecisionPoint
) -> None:
    """And the recorder goes on: why there are no places is for those to say who give them."""
    run(store, "INSERT INTO audit_checkpoint (period, size, at, note) VALUES (9, 9, 9, 'nothing')")
    placing.note(answered(asked(pdp)))
    assert placing._write()
    assert len(run(store, "SELECT * FROM audit_pending")) == 1


def test_what_nobody_can_look_up_now_is_looked_up_later(
    store: Store,
    sequencer: Sequencer,
    recorder: Recorder,
    pdp: PolicyDecisionPoint,
    cache: FactCache,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    decision = asked(pdp)
    with monkeypatch.context() as patch:
        patch.setattr(cache, "answer", lambda _, **how: (_ for _ in ()).throw(FactsUnavailable("not now")))
        recorder.note(answered(decision))
        assert not recorder._write()
    recorder.stop()
    assert len(records(store, sequencer)) == 1
