"""Replay: what the log says is decided again, gives the same, or it is said what is not as it was."""

from __future__ import annotations

import contextlib
import json
import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, update
from test_as_of import CALLER, EDITS, QUESTIONS, Live
from tiny.model import TeamMember

from sealauthz.audit.as_of import AsOf
from sealauthz.audit.log import Log, Wanted
from sealauthz.audit.recorder import Answered, Listed, Recorder, What
from sealauthz.audit.replay import Outcome, Replay, Replayed
from sealauthz.audit.sequencer import Sequencer
from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint, Question
from sealauthz.decision.assembly import Within, everything
from sealauthz.decision.decision import Decision, Effect
from sealauthz.decision.paging import Paging
from sealauthz.decision.question import ListQuery
from sealauthz.facts import Delete, FactCache, Put, Store
from sealauthz.facts.store.system_tables import AUDIT_LOG, FACT_CHANGE, POLICY_ACTIVATION, POLICY_BUNDLE
from sealauthz.operations import Operations, Performance
from sealauthz.polar.reach import Root
from sealauthz.rollout import Archive
from sealauthz.rollout.kept import KeptPolicies
from sealauthz.runtime.background import ignored
from sealauthz.runtime.errors import CallerNotPermitted, FactConflict, InvariantBroken

BOB, D1 = Entity("User", "bob"), Entity("Document", "d1")
READS = Question(BOB, "read", D1)


KINDS = ("Authorize", "AuthorizeBatch", "ListActions")


class Logged(Live):
    """A service whose answers are in the log."""

    def __init__(self, store: Store, archives: list[Archive], bundles: list[Bundle]) -> None:
        super().__init__(store, archives, bundles)
        self.recorder = Recorder(store, FactCache(store), lambda *_: None, ignored)
        self.activate(0)

    def answered(self, kind: str, what: What) -> None:
        at = what.evaluated_at if isinstance(what, Decision) else self.pdp.now()
        self.recorder.note(Answered(kind, CALLER.caller, "", "", what, at, 1))
        while self.recorder.waiting:
            self.recorder._write()

    def replay(self) -> list[Replayed]:
        """Replay the log, the oldest record first."""
        Sequencer(self.store, "log").drain()
        entries = Log(self.store).backwards(0)
        fresh = AsOf(self.store, KeptPolicies(self.store, lambda _version: None).of)
        return list(Replay(self.store, fresh).run(entries))[::-1]

    def replay_texts(self) -> list[str]:
        """The records, the oldest first."""
        Sequencer(self.store, "log").drain()
        return [entry.text for entry in Log(self.store).backwards(0)][::-1]


@pytest.fixture
def logged(store: Store, archives: list[Archive], bundles: list[Bundle]) -> Logged:
    return Logged(store, archives, bundles)


def causes(found: list[Replayed]) -> list[str]:
    return [each.cause or str(each.outcome) for each in found]


def test_all_that_was_answered_is_answered_again(logged: Logged) -> None:
    rng = random.Random(3)
    for number in range(12):
        logged.answered("Authorize", logged.pdp.decide(rng.choice(QUESTIONS), CALLER))
        some = logged.pdp.decide_many(rng.sample(QUESTIONS, 3), CALLER)
        logged.answered("AuthorizeBatch", [each if isinstance(each, Decision) else "no" for each in some])
        logged.answered("ListActions", logged.pdp.actions(BOB, D1, options=CALLER))
        if number % 4 == 1:
            logged.activate(number % 3)
        with contextlib.suppress(InvariantBroken, FactConflict):
            logged.write(rng.choice([edit for edit in EDITS if not isinstance(edit, Delete)]))
    acts = Operations(logged.store, PolicyDecisionPoint(FactCache(logged.store), logged.policies))
    mine = Question(Entity("User", "ann"), "archive", Entity("Document", "d2"))
    assert acts.perform(Performance(mine, "r1"), CALLER)
    found = logged.replay()
    assert Counter(each.outcome for each in found) == {Outcome.SAME: len(found)}
    assert {each.kind for each in found} >= {
        "Authorize",
        "AuthorizeBatch",
        "ListActions",
        "PolicyActivation",
        "Perform",
    }


def test_a_repeated_request_is_compared_with_its_operation(logged: Logged) -> None:
    """It decides nothing, and an operation keeps neither texts that were given nor obligations that were met."""
    pdp = PolicyDecisionPoint(FactCache(logged.store), logged.policies)
    logged.policies.serve(pdp.decide(READS, CALLER).policy_version)
    acts = Operations(logged.store, pdp)
    wanted = Performance(Question(BOB, "publish", D1, {"approver": "red-ann", "note": "as agreed"}), "r1")
    done = acts.perform(wanted, CALLER)
    assert done.operation is not None
    again = acts.perform(wanted, CALLER)
    assert again.is_replay
    decision = replace(again.decision, decision_id="second")
    more = {"again": done.operation.operation_id}
    logged.recorder.note(Answered("Perform", CALLER.caller, "", "", decision, logged.pdp.now(), 1, more))
    wrong = replace(decision, decision_id="third", valid_until=decision.valid_until + 1)
    logged.recorder.note(Answered("Perform", CALLER.caller, "", "", wrong, logged.pdp.now(), 1, more))
    gone = {"again": "nothing"}
    logged.recorder.note(
        Answered("Perform", CALLER.caller, "", "", replace(decision, decision_id="fourth"), logged.pdp.now(), 1, gone)
    )
    while logged.recorder.waiting:
        logged.recorder._write()
    found = [each for each in logged.replay() if each.kind == "Perform"]
    assert causes(found) == ["WORDS_LEFT_OUT", "SAME", "OPERATION", "OPERATION_GONE"]
    assert found[2].found == {"until": decision.valid_until}


def test_what_was_listed_is_listed_again(logged: Logged, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole pages, first and later ones, with exceptions, within rights; and nothing else passes for them."""
    by_subject, by_resource = Root.SUBJECT, Root.RESOURCE
    queries = [
        ListQuery(by_subject, BOB, "read", "Document"),
        ListQuery(by_subject, BOB, "publish", "Document", {}, ("APPROVED",)),
        ListQuery(by_resource, D1, "read", "User"),
    ]
    within = frozenset({"red"})
    count = 0
    for number in range(4):
        for query in queries:
            for tenants in (None, within):
                options = replace(CALLER, may_see=everything if tenants is None else Within(tenants))
                token = ""
                while True:
                    try:
                        page = logged.pdp.list_page(query, Paging(1, token), options)
                    except CallerNotPermitted:
                        break
                    logged.answered("List", Listed(query, page, not token, tenants))
                    count += bool(page.ids or not token)
                    token = page.next_page_token
                    if not token:
                        break
        logged.answered("ListActions", logged.pdp.actions_except(BOB, D1, ["APPROVED"], {}, CALLER))
        count += 1
        with contextlib.suppress(InvariantBroken, FactConflict):
            logged.write(EDITS[number])
    found = [each for each in logged.replay() if each.cause != "EMPTY_PAGE"][1:]
    assert Counter((each.outcome, each.cause) for each in found) == {(Outcome.SAME, ""): count}
    assert count > 20


@pytest.mark.parametrize("is_first", [True, False])
def test_a_page_that_is_no_part_of_the_list_is_different(logged: Logged, is_first: bool) -> None:
    query = ListQuery(Root.RESOURCE, D1, "read", "User")
    page = logged.pdp.list_page(query, options=CALLER)
    assert len(page.ids) == 2
    logged.answered("List", Listed(query, page, is_first))
    assert [each.outcome for each in logged.replay()][1:] == [Outcome.SAME]
    wrong = [
        replace(page, ids=page.ids[::-1]),
        replace(page, ids=page.ids[:-1]),  # it says that nothing follows
        replace(page, ids=(*page.ids, "zoe")),
        replace(page, ids=page.ids[1:] if is_first else page.ids[:1]),
        replace(page, ids=("zoe",)),
    ]
    for each in wrong:
        logged.answered("List", Listed(query, each, is_first))
    shown = logged.pdp.actions_except(BOB, D1, ["APPROVED"], {}, CALLER)
    logged.answered("ListActions", replace(shown, items=shown.items[1:]))
    assert Counter(each.outcome for each in logged.replay()[1:]) == {Outcome.SAME: 1, Outcome.DIFFERENT: 6}


def test_a_long_batch_is_decided_again(logged: Logged) -> None:
    """Its items are packed into its record."""
    decided = [each for each in logged.pdp.decide_many([READS] * 600, CALLER) if isinstance(each, Decision)]
    logged.answered("AuthorizeBatch", decided)
    flipped = replace(decided[7], effect=Effect.DENY if decided[7] else Effect.ALLOW, obligations=())
    logged.answered("AuthorizeBatch", [*decided[:7], flipped, *decided[8:]])
    assert "items_deflated" in logged.replay_texts()[-1]
    assert Counter(each.outcome for each in logged.replay()[1:]) == {Outcome.SAME: 1, Outcome.DIFFERENT: 1}


def test_what_nobody_can_decide_again_is_said(logged: Logged, monkeypatch: pytest.MonkeyPatch) -> None:
    query = ListQuery(Root.SUBJECT, BOB, "read", "Document")
    page = logged.pdp.list_page(query)
    logged.answered("ListResources", Listed(query, page, within=frozenset(map(str, range(101)))))
    logged.answered("ListResources", Listed(ListQuery(Root.SUBJECT, Entity("User", "none"), "read", "Document"), page))
    logged.answered("ListResources", Listed(query, replace(page, ids=()), is_first=False))
    words = Question(BOB, "publish", D1, {"note": "Dear Ms Ann"})
    logged.answered("Authorize", logged.pdp.decide(words, CALLER))
    monkeypatch.setattr("sealauthz.audit.record.MAX_BYTES", 900)
    logged.answered("AuthorizeBatch", [logged.pdp.decide(READS, CALLER)] * 600)
    monkeypatch.undo()
    logged.answered("Authorize", replace(logged.pdp.decide(READS, CALLER), timeline="another"))
    logged.answered("AuthorizeBatch", [logged.pdp.decide(READS, CALLER), "INVALID_REQUEST"])
    assert Counter(causes(logged.replay())) == {
        "SAME": 2,  # one is the activation
        "RIGHTS_LEFT_OUT": 1,
        "NAMES_LEFT_OUT": 1,
        "EMPTY_PAGE": 1,
        "WORDS_LEFT_OUT": 1,
        "DIGEST_ONLY": 1,
        "OTHER_HISTORY": 1,
    }


@pytest.mark.parametrize(
    "asked",
    [
        Question(Entity("User", "nobody"), "read", D1),
        Question(BOB, "read", Entity("Document", "none")),
        Question(BOB, "dance", D1),
        Question(BOB, "read", Entity("Cupboard", "c")),
    ],
    ids=str,
)
def test_names_that_nothing_had_are_decided_again_by_their_digests(logged: Logged, asked: Question) -> None:
    logged.answered("Authorize", logged.pdp.decide(asked, CALLER))
    found = logged.replay()[-1]
    assert found.outcome is Outcome.SAME or found.cause == "NAMES_LEFT_OUT"
    assert (found.outcome is Outcome.SAME) is (asked.resource.type == "Document")


def test_an_answer_that_was_not_given_so_is_found(logged: Logged) -> None:
    decision = logged.pdp.decide(READS, CALLER)
    forged = [
        replace(decision, decision_id="forged-1", effect=Effect.DENY),
        replace(decision, decision_id="forged-2", valid_until=decision.valid_until + 1),
        replace(logged.pdp.decide(Question(BOB, "archive", D1), CALLER), reasons=()),
    ]
    for each in forged:
        logged.answered("Authorize", each)
    found = logged.replay()[1:]
    assert [(each.outcome, each.cause) for each in found] == [(Outcome.DIFFERENT, "FACTS")] * 3
    # In which order the log takes what was answered at one time, nobody says.
    by_what = {tuple(each.found or ()): each for each in found}
    assert set(by_what) == {("effect",), ("until",), ("reasons",)}
    assert by_what["effect",].logged == {"effect": "DENY"}
    assert by_what["effect",].found == {"effect": "ALLOW"}


def test_other_policies_and_releases_are_named(logged: Logged) -> None:
    decision = logged.pdp.decide(Question(BOB, "publish", D1, {"approver": "red-ann"}), CALLER)
    other = logged.bundles[1].version
    decision = replace(decision, policy_digest=logged.bundles[1].digest)
    logged.answered("Authorize", replace(decision, policy_version=other, decision_id="other"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sealauthz.audit.record_text.__version__", "0.0.9")
        logged.answered("Authorize", replace(decision, policy_version=other))
    assert set(causes(logged.replay())[1:]) == {"OTHER_POLICY", "OTHER_RELEASE"}


def test_words_that_somebody_has_kept_are_replayed(logged: Logged) -> None:
    """Only those that the client gave: the record holds their digest, and no word."""
    text = "Dear Ms Ann"
    decision = logged.pdp.decide(Question(BOB, "publish", D1, {"note": text, "approver": "red-ann"}), CALLER)
    logged.answered("Authorize", decision)
    logged.answered("AuthorizeBatch", [logged.pdp.decide(READS, CALLER), replace(decision, decision_id="item")])
    records = logged.replay_texts()[1:]
    assert not any("Dear" in each for each in records)
    digests = {each for record in records for each in re.findall(r'"note":"([0-9a-f]{64})"', record)}
    assert len(digests) == 2  # the same words twice are not seen to be the same

    def found(**words: Any) -> set[str]:
        entries = Log(logged.store).backwards(1)
        fresh = AsOf(logged.store, KeptPolicies(logged.store, lambda _version: None).of)
        return set(causes(list(Replay(logged.store, fresh, words).run(entries))))

    mine = {decision.decision_id: {"note": text}, "item": {"note": text}}
    assert found() == {"WORDS_LEFT_OUT"}
    assert found(**mine) == {"SAME"}
    assert found(**mine | {"item": {"note": text, "more": "is not asked for"}}) == {"SAME"}
    assert found(**mine | {"item": {"note": "Dear Ms Bob"}}) == {"SAME", "OTHER_WORDS"}
    assert found(**mine | {"item": {"approver": "red-ann"}}) == {"SAME", "OTHER_WORDS"}
    assert found(item={"note": text}) == {"SAME", "WORDS_LEFT_OUT"}


def test_other_policies_of_the_same_version_are_found(logged: Logged) -> None:
    """64 bits name policies to people; the record binds the whole digest. One of before it did is replayed as ever."""
    decision = logged.pdp.decide(READS, CALLER)
    collides = decision.policy_digest[:-1] + ("0" if decision.policy_digest[-1] != "0" else "1")
    query = ListQuery(Root.SUBJECT, BOB, "read", "Document")
    page = logged.pdp.list_page(query, options=CALLER)
    asked = logged.pdp.actions_except(BOB, D1, ["APPROVED"], {}, CALLER)
    for digest in (decision.policy_digest, "", collides):
        logged.answered("Authorize", replace(decision, policy_digest=digest, decision_id=f"d-{digest}"))
        logged.answered("ListResources", Listed(query, replace(page, policy_digest=digest)))
        logged.answered("ListActions", replace(asked, policy_digest=digest))
    assert Counter(causes(logged.replay())[1:]) == {"SAME": 6, "POLICY_CHANGED": 3}
    texts = logged.replay_texts()[1:]
    assert Counter(len(json.loads(text).get("policy_sha256", "")) for text in texts) == {43: 6, 0: 3}


def _hand(logged: Logged, change: Callable[[Live], object]) -> str:
    """Have somebody who can write the database change something; return what a replay says."""
    logged.answered("Authorize", logged.pdp.decide(READS, CALLER))
    logged.write(Put(TeamMember("red-bob", "red", "bob", "OWNER")))
    Sequencer(logged.store, "log").drain()
    with logged.store.writing() as connection:
        connection.execute(change(logged))  # type: ignore[call-overload]
    return causes(logged.replay())[1]


def test_what_was_changed_by_hand_is_told_apart(logged: Logged) -> None:
    log = AUDIT_LOG.c
    assert _hand(logged, lambda _: update(AUDIT_LOG).where(log.number == 1).values(record="{}")) == "TAMPERED"


def test_a_changed_record_is_told_by_its_hash(logged: Logged) -> None:
    log = AUDIT_LOG.c
    logged.answered("Authorize", logged.pdp.decide(READS, CALLER))
    Sequencer(logged.store, "log").drain()
    text = Log(logged.store).page(Wanted(kind="Authorize"), "Team").entries[0].text
    with logged.store.writing() as connection:
        forged = text.replace("ALLOW", "DENY")
        connection.execute(update(AUDIT_LOG).where(log.number == 1).values(record=forged))
    assert causes(logged.replay()) == ["SAME", "TAMPERED"]


def test_a_changed_history_is_found(logged: Logged) -> None:
    def change(_live: Live) -> object:
        made = logged.store.changes_after(2, 10).revisions[-1]
        assert made.text is not None
        forged = made.text.replace('"rank": "EDITOR"', '"rank": "READER"').replace(
            '"user_id": "bob"', '"user_id": "cy"', 1
        )
        return update(FACT_CHANGE).where(FACT_CHANGE.c.revision == made.number).values(changes=forged)

    assert _hand(logged, change) == "FACTS"


def test_changed_activations_and_policies_are_found(logged: Logged) -> None:
    logged.activate(1)
    with logged.store.writing() as connection:
        row = POLICY_ACTIVATION.c
        connection.execute(update(POLICY_ACTIVATION).where(row.revision == 3).values(author="mallory"))
    found = logged.replay()
    assert causes(found) == ["SAME", "ACTIVATION"]
    assert found[1].found == {"author": "mallory"}
    with logged.store.writing() as connection:
        connection.execute(update(POLICY_ACTIVATION).where(row.revision == 3).values(author="ann"))
    assert causes(logged.replay()) == ["SAME", "SAME"]
    with logged.store.writing() as connection:  # other policies that were made to have the same 64 bits
        kept = POLICY_BUNDLE.c
        forged = update(POLICY_BUNDLE).where(kept.version == logged.bundles[1].version)
        connection.execute(forged.values(content=kept.content + " "))
    assert set(logged.replay()[1].found or ()) == {"archive_sha256"}
    with logged.store.writing() as connection:
        connection.execute(delete(POLICY_ACTIVATION).where(row.revision == 3))
    assert causes(logged.replay()) == ["SAME", "ACTIVATION"]
    logged.answered("Authorize", logged.pdp.decide(READS, CALLER))
    with logged.store.writing() as connection:
        connection.execute(delete(POLICY_ACTIVATION))
        connection.execute(delete(POLICY_BUNDLE))
    assert causes(logged.replay())[2] == "POLICY_NOT_KEPT"
