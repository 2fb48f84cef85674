"""What is performed is recorded in the transaction that performs it; what is not performed leaves no such record."""

from __future__ import annotations

import base64
import dataclasses
import json
from typing import Any

import pytest
from audit_logs import run
from tiny.model import TINY

from sealauthz import __version__
from sealauthz.audit.log import Log, Wanted
from sealauthz.audit.record import word_digest
from sealauthz.audit.sequencer import Sequencer
from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint, Question
from sealauthz.decision.assembly import RequestOptions
from sealauthz.facts import Batch, FactCache, Put, Store, Update
from sealauthz.operations import Operations, Performance
from sealauthz.runtime.errors import FactsUnavailable

OPTIONS = RequestOptions(caller="shop", peer="ipv4:127.0.0.1:4711", trace_id="0af7651916cd43dd8448eb211c80319c")


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.load(TINY)


@pytest.fixture
def operations(store: Store, bundle: Bundle) -> Operations:
    return Operations(store, PolicyDecisionPoint(FactCache(store), bundle))


def asked(action: str, resource: str, request_id: str, who: str = "ann", **context: Any) -> Performance:
    record_type, _, record_id = resource.partition(":")
    return Performance(Question(Entity("User", who), action, Entity(record_type, record_id), context), request_id)


PUBLISH = asked("publish", "Document:d1", "r1", "bob", approver="red-ann", note="Dear Ms Ann, please look at it")


def records(store: Store, sequencer: Sequencer) -> list[dict[str, Any]]:
    sequencer.drain()
    return [entry.content for entry in Log(store).page(Wanted(), "Team").entries]


def test_an_act_is_recorded_with_all_that_decided_it(
    store: Store, operations: Operations, sequencer: Sequencer
) -> None:
    done = operations.perform(PUBLISH, OPTIONS)
    assert done.operation is not None
    decision = done.decision
    (found,) = records(store, sequencer)
    assert found.pop("duration_us") > 0
    assert base64.urlsafe_b64decode(found["policy_sha256"] + "=").hex() == decision.policy_digest
    assert found == {
        "v": 2,
        "by_release": __version__,
        "kind": "Perform",
        "id": decision.decision_id,
        "at": decision.evaluated_at,
        "caller": "shop",
        "peer": "ipv4:127.0.0.1:4711",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "subject": "User:bob",
        "action": "publish",
        "resource": "Document:d1",
        "context": {"approver": "red-ann"},
        "withheld": ["note"],
        "words_sha256": {"note": word_digest(decision.decision_id, "note", PUBLISH.question.context["note"])},
        "effect": "ALLOW",
        "obligations": found["obligations"],
        "policy": decision.policy_version,
        "policy_sha256": found["policy_sha256"],
        "revision": decision.revision,
        "timeline": decision.timeline,
        "until": decision.valid_until,
        "tenant": "Team",
        "tenants": ["red"],
        "operation": {
            "operation_id": done.operation.operation_id,
            "revision": done.operation.revision,
            "at": done.operation.at,
            "made": dict(done.operation.values),
        },
    }


def test_a_record_is_one_line_of_ascii_and_holds_no_word_of_a_person(
    store: Store, operations: Operations, sequencer: Sequencer
) -> None:
    operations.perform(PUBLISH, OPTIONS)
    sequencer.drain()
    ((text,),) = run(store, "SELECT record FROM audit_log")
    assert text.isascii()
    assert "\n" not in text
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    assert "Dear" not in text
    assert "@" not in text


def test_what_is_denied_or_asked_again_changes_nothing_and_is_not_recorded_with_the_facts(
    store: Store, operations: Operations, sequencer: Sequencer
) -> None:
    assert not operations.perform(asked("publish", "Document:d1", "r0", "bob"), OPTIONS)
    assert operations.perform(PUBLISH, OPTIONS)
    assert operations.perform(PUBLISH, OPTIONS).is_replay
    assert [found["kind"] for found in records(store, sequencer)] == ["Perform"]


def test_an_act_that_only_looks_is_recorded_too(store: Store, operations: Operations, sequencer: Sequencer) -> None:
    looked = operations.perform(asked("read", "Document:d1", "r1"), OPTIONS)
    assert looked
    (found,) = records(store, sequencer)
    assert (found["action"], found["operation"]["revision"]) == ("read", store.revision())


def test_what_was_decided_again_is_recorded_as_it_was_decided_at_last(
    store: Store, operations: Operations, sequencer: Sequencer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record of an attempt that was rolled back goes with it."""
    act_once, tries = store._attempts._act_once, []

    def interrupted(intend: Any, *arguments: Any, **keywords: Any) -> Any:
        def after() -> Any:
            intended = intend()
            if not tries:
                tries.append(1)
                store.write(Batch("other", "w1", (Update("Document", "d1", {"words": 7}),)))
            return intended

        return act_once(after, *arguments, **keywords)

    monkeypatch.setattr(store._attempts, "_act_once", interrupted)
    done = operations.perform(PUBLISH, OPTIONS)
    (found,) = records(store, sequencer)
    assert tries
    assert found["id"] == done.decision.decision_id
    assert found["revision"] == done.decision.revision


def test_erasing_a_person_leaves_the_log_and_its_proofs(
    store: Store, operations: Operations, sequencer: Sequencer
) -> None:
    operations.perform(PUBLISH, OPTIONS)
    sequencer.drain()
    log = Log(store)
    before, checkpoint = log.page(Wanted(subject="User:bob"), "Team").entries, log.checkpoint()
    (bob,) = store.read("User", {"id": "bob"}).records
    store.write(Batch("privacy", "erase", (Put(dataclasses.replace(bob.record, mail="")),)))
    assert log.page(Wanted(subject="User:bob"), "Team").entries == before
    assert log.checkpoint() == checkpoint
    assert bob.record.mail
    assert bob.record.mail not in before[0].text


def test_what_cannot_be_recorded_is_not_performed(store: Store, operations: Operations) -> None:
    before = store.revision()
    run(store, "ALTER TABLE audit_pending RENAME TO gone")
    with pytest.raises(FactsUnavailable):
        operations.perform(PUBLISH, OPTIONS)
    run(store, "ALTER TABLE gone RENAME TO audit_pending")
    assert store.revision() == before
    assert operations.perform(PUBLISH, OPTIONS)
