"""Deciding as of the past: what was answered then is what is answered as of then, or it is said why nobody can tell."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import delete, update
from tiny.model import DocState, Document, Folder, TeamMember, User

from sealauthz.audit.as_of import AsOf, Moment, PastDecision
from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint, Question
from sealauthz.decision.assembly import RequestOptions, Within
from sealauthz.decision.decision import Decision
from sealauthz.decision.policies import Policies
from sealauthz.facts import Batch, Delete, FactCache, Put, Store
from sealauthz.facts.memory.consistency import FULL
from sealauthz.facts.store.policies import PolicyStore, Proposal
from sealauthz.facts.store.system_tables import FACT_CHANGE, POLICY_BUNDLE
from sealauthz.rollout import Archive
from sealauthz.rollout.kept import KeptPolicies
from sealauthz.runtime.errors import FactConflict, InvariantBroken, PastUnknown

CALLER = RequestOptions(caller="shop", consistency=FULL)
PEOPLE = [Entity("User", each) for each in ("ann", "bob", "cy", "dee")]
THINGS = [Entity("Document", each) for each in ("d1", "d2", "d3", "d4")] + [Entity("Folder", "plans")]
QUESTIONS = [
    Question(who, action, what)
    for who in PEOPLE
    for what in THINGS
    for action in (("read", "publish", "archive") if what.type == "Document" else ("list", "add"))
]
EDITS: list[Any] = [
    Put(User("dee", mail="dee@example.org")),
    Put(User("dee", mail="")),
    Put(User("bob", mail="", is_locked=True)),
    Put(User("bob", mail="bob@example.org")),
    Put(TeamMember("red-bob", "red", "bob", "OWNER")),
    Put(TeamMember("red-bob", "red", "bob", "READER")),
    Put(TeamMember("red-dee", "red", "dee", "EDITOR")),
    Put(TeamMember("red-cy", "red", "cy", "EDITOR")),
    Delete("TeamMember", "red-bob"),
    Delete("TeamMember", "red-cy"),
    Delete("TeamMember", "red-dee"),
    Put(Document("d1", "plans", "bob", "Budget", words=6)),
    Put(Document("d1", "plans", "bob", "Budget", words=600)),
    Put(Document("d1", "plans", "bob", "Budget", DocState.PUBLISHED, 6, 9_000_000)),
    Delete("Document", "d1"),
    Put(Document("d4", "plans", "ann", "Annex", words=3)),
    Put(Document("d4", "notes", "cy", "Annex", words=3)),
    Delete("Document", "d4"),
    Put(Document("d2", "plans", "ann", "Roadmap", DocState.ARCHIVED, 900, 7_000_000)),
    Put(Folder("plans", "red", "Plans, again")),
]


class Clock:
    """A clock that the test moves on."""

    def __init__(self) -> None:
        self.now = 1_700_000_000_000_000

    def __call__(self) -> int:
        self.now += 60_000_000
        return self.now


class Live:
    """A service that decides now, and what looks back from the same store."""

    def __init__(self, store: Store, archives: Sequence[Archive], bundles: Sequence[Bundle]) -> None:
        self.store = store
        self.kept = PolicyStore(store)
        self.archives, self.bundles = archives, bundles
        self.policies = Policies(None)
        for number, (archive, bundle) in enumerate(zip(archives, bundles, strict=True)):
            said = f"proposal {number}"
            self.kept.propose(Proposal(bundle.version, archive.digest, "ann", said, number, archive.text))
            self.policies.add(bundle)
        self.pdp = PolicyDecisionPoint(FactCache(store), self.policies, Clock())
        self.as_of = AsOf(store, KeptPolicies(store, lambda _version: None).of)

    def activate(self, number: int) -> None:
        activated = self.kept.activated()
        before = activated[-1].version if activated else ""
        version = self.bundles[number].version
        if version != before:
            self.kept.activate(version, self.archives[number].digest, before, "bob")

    def write(self, *edits: Any) -> None:
        self.store.write(Batch("test", f"r{random.random()}", edits))


@pytest.fixture
def live(store: Store, archives: list[Archive], bundles: list[Bundle]) -> Live:
    made = Live(store, archives, bundles)
    made.activate(0)
    return made


def said(decision: Decision) -> Any:
    """All of a decision but its name, and the steps that nobody can take any more."""
    reasons = [(reason.code, reason.requirement, reason.stage, reason.audience) for reason in decision.reasons]
    obligations = [(each.code, dict(each.parameters)) for each in decision.obligations]
    rests_on = (decision.policy_version, decision.revision, decision.timeline, decision.evaluated_at)
    return decision.question, decision.effect, reasons, obligations, rests_on, decision.valid_until


@pytest.mark.parametrize("seed", range(2))
def test_what_was_answered_live_is_answered_as_of_then(live: Live, seed: int) -> None:
    rng = random.Random(seed)
    answered: list[Decision] = []
    for _ in range(14):
        with contextlib.suppress(InvariantBroken, FactConflict):
            if rng.random() < 0.2:
                live.activate(rng.randrange(3))
            else:
                edits = {
                    (edit.record_type, edit.id) if isinstance(edit, Delete) else edit.record.id: edit
                    for edit in rng.sample(EDITS, rng.randint(1, 2))
                }
                live.write(*edits.values())
        some = live.pdp.decide_many(rng.sample(QUESTIONS, 12), CALLER)
        answered += [each for each in some if isinstance(each, Decision)]
    assert {str(each.effect) for each in answered} == {"ALLOW", "DENY"}
    assert len({each.policy_version for each in answered}) > 1
    rng.shuffle(answered)
    for each in answered[:100]:
        found = live.as_of.decide(each.question, Moment(each.revision, each.evaluated_at), CALLER)
        assert said(found.decision) == said(each)
        assert found.is_activated


def test_a_time_names_the_newest_revision_of_it(live: Live) -> None:
    asked = Question(PEOPLE[1], "archive", THINGS[0])
    live.write(Put(TeamMember("red-bob", "red", "bob", "READER")))
    page = live.store.changes_after(0, 10)
    for number, revision in enumerate(page.revisions):
        with live.as_of.past(Moment(at=revision.at)) as past:
            same = [each.number for each in page.revisions if each.at == revision.at]
            assert past.revision == same[-1]
        with live.as_of.past(Moment(at=revision.at - 1)) as past:
            assert past.revision == min(each.number for each in page.revisions if each.at == revision.at) - 1
        with live.as_of.past(Moment(number + 1)) as past:
            assert past.at == revision.at
    with pytest.raises(PastUnknown) as unknown:
        live.as_of.decide(asked, Moment(at=0))
    assert unknown.value.cause == "POLICY_UNKNOWN"
    with pytest.raises(PastUnknown) as unknown:
        live.as_of.decide(asked, Moment(99))
    assert unknown.value.cause == "NOT_YET"


def test_before_any_activation_the_policies_must_be_named(live: Live) -> None:
    asked = Question(PEOPLE[1], "read", THINGS[0])
    with pytest.raises(PastUnknown) as unknown:
        live.as_of.decide(asked, Moment(1))
    assert unknown.value.cause == "POLICY_UNKNOWN"
    found = live.as_of.decide(asked, Moment(1), policy_version=live.bundles[0].version)
    assert found.decision.effect == "ALLOW"
    assert not found.is_activated


def test_it_is_no_permission(live: Live) -> None:
    found = live.as_of.decide(Question(PEOPLE[1], "read", THINGS[0]), Moment(2))
    for each in (found, found.answer()):
        with pytest.raises(TypeError, match="permits nothing"):
            bool(each)
    assert found.answer().effect == "ALLOW"
    assert [each.standing for each in found.answer().requirements].count("UNMET") == 0


def test_it_tells_the_rules_that_proved_it(live: Live) -> None:
    found = live.as_of.decide(Question(PEOPLE[0], "read", THINGS[1]), Moment(2)).answer()
    for outcome in found.requirements:
        (*rules,) = (attempt.rule for attempt in outcome.attempts if attempt.is_met)
        assert rules, outcome.requirement
        assert all(rule.file.endswith(".polar") and rule.line > 0 for rule in rules)


def test_policies_that_are_gone_or_changed_are_not_guessed(live: Live) -> None:
    asked, version = Question(PEOPLE[1], "read", THINGS[0]), live.bundles[0].version
    with live.store.writing() as connection:
        other = live.archives[1].text
        connection.execute(update(POLICY_BUNDLE).where(POLICY_BUNDLE.c.version == version).values(content=other))
    assert _cause(live, asked, Moment(2)) == "POLICY_CHANGED"
    with live.store.writing() as connection:
        connection.execute(update(POLICY_BUNDLE).where(POLICY_BUNDLE.c.version == version).values(content="{}"))
    assert _cause(live, asked, Moment(2)) == "POLICY_NOT_LOADABLE"
    assert _cause(live, asked, Moment(2), "0123456789abcdef") == "POLICY_NOT_KEPT"


def test_what_is_pruned_or_missing_is_not_checkable(live: Live) -> None:
    asked = Question(PEOPLE[1], "read", THINGS[0])
    live.write(Delete("TeamMember", "red-bob"))
    live.write(Put(User("dee", mail="dee@example.org")))
    at = live.store.changes_after(0, 10).revisions
    assert live.as_of.decide(asked, Moment(2, at[1].at)).decision.effect == "ALLOW"
    row = FACT_CHANGE.c
    with live.store.writing() as connection:
        connection.exec_driver_sql("DELETE FROM fact_change_unit WHERE revision = 3")
        connection.execute(delete(FACT_CHANGE).where(row.revision == 3))
    # The member is gone from the rows, and nothing tells that it was there: that is no deny.
    assert _cause(live, asked, Moment(2, at[1].at)) == "GAP"
    with live.store.writing() as connection:
        connection.exec_driver_sql("DELETE FROM fact_change_unit WHERE revision < 3")
        connection.execute(delete(FACT_CHANGE).where(row.revision < 3))
    assert _cause(live, asked, Moment(2, at[1].at)) == "PRUNED"
    assert _cause(live, asked, Moment(at=at[1].at)) == "PRUNED"
    assert live.as_of.decide(asked, Moment(4)).decision.effect == "DENY"


def test_a_caller_learns_nothing_of_others(live: Live) -> None:
    asked = Question(PEOPLE[1], "archive", THINGS[0])
    live.write(Delete("Document", "d1"))
    for mine, others in (("red", "blue"), ("blue", "red")):
        options = RequestOptions(caller="auditor", may_see=Within(frozenset({mine})))
        if mine == "red":
            assert isinstance(live.as_of.decide(asked, Moment(2), options), PastDecision)
        else:
            found = live.as_of.decide(asked, Moment(2), options).decision
            assert [reason.code for reason in found.reasons] == ["NOT_FOUND"]
        assert others


def _cause(live: Live, asked: Question, moment: Moment, version: str = "") -> str:
    fresh = AsOf(live.store, KeptPolicies(live.store, lambda _version: None).of)
    with pytest.raises(PastUnknown) as unknown:
        fresh.decide(asked, moment, policy_version=version)
    return unknown.value.cause
