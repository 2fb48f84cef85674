"""The shipped policies decide as of the past what they decided live: any action, whatever happened to the facts."""

from __future__ import annotations

import contextlib
import random
from typing import Any

import pytest
from facts_scene import BASE, NOW, edited, opened, scene, write
from test_world import EDITS, _key

from sealauthz.audit.as_of import AsOf, Moment
from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint, Question
from sealauthz.decision.assembly import RequestOptions
from sealauthz.decision.decision import Decision
from sealauthz.facts import Delete, FactCache, Store
from sealauthz.facts.memory.consistency import FULL, Deadline
from sealauthz.model import MODEL
from sealauthz.runtime.errors import FactConflict, InvariantBroken, TimeOver

OPTIONS = RequestOptions(caller="test", consistency=FULL)
PEOPLE = [Entity("Person", record_id) for name, record_id in BASE if name == "Person"]


@pytest.fixture
def store(new_database: Any) -> Any:
    with opened(new_database("sqlite"), 1) as (store,):
        write(store, *scene())
        yield store


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.load(MODEL)


def asked(rng: random.Random, bundle: Bundle) -> Question:
    record_type, record_id = rng.choice([key for key in BASE if key[0] in bundle.actions])
    action = rng.choice(bundle.actions[record_type])
    context = {}
    for key, named in MODEL.actions[action, record_type].records.items():
        some = [other for name, other in BASE if name == named]
        if some and rng.random() < 0.7:
            context[key] = rng.choice(some)
    return Question(rng.choice(PEOPLE), action, Entity(record_type, record_id), context)


def said(decision: Decision) -> Any:
    reasons = [(reason.code, reason.requirement) for reason in decision.reasons]
    return decision.effect, reasons, [each.code for each in decision.obligations], decision.valid_until


def test_each_answer_is_given_again_by_the_facts_of_then(store: Store, bundle: Bundle) -> None:
    rng, now = random.Random(11), [NOW]

    def clock() -> int:
        now[0] += rng.randint(1, 3_600_000_000)
        return now[0]

    pdp = PolicyDecisionPoint(FactCache(store), bundle, clock)
    answered = []
    while store.revision() < 6:
        edit = rng.choice(EDITS)
        with contextlib.suppress(InvariantBroken, FactConflict):
            write(store, edit if rng.random() < 0.7 else Delete(*_key(edit)))
            answered += [pdp.decide(asked(rng, bundle), OPTIONS) for _ in range(8)]
    assert {str(each.effect) for each in answered} == {"ALLOW", "DENY"}
    assert len({each.revision for each in answered}) > 2
    as_of = AsOf(store, lambda _version: bundle)
    for each in answered:
        with as_of.past(Moment(each.revision, each.evaluated_at)) as past:
            found = past.decide(each.question, OPTIONS, each.policy_version)
        assert said(found) == said(each), each.question


def test_the_past_is_not_looked_through_longer_than_the_caller_waits(
    store: Store, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sealauthz.facts.store.past._FIRST_PAGE", 1)
    monkeypatch.setattr("sealauthz.facts.store.past._AT_ONCE", 1)
    for number in range(9):
        write(store, edited("Seal", "s1", name=f"n{number}"))
    pages = 0

    class Ends(Deadline):
        def rest(self, most: float) -> float:
            nonlocal pages
            pages += 1
            if pages == 3:
                raise TimeOver("over")
            return most

    question = Question(PEOPLE[0], "use", Entity("Seal", "s1"))
    options = RequestOptions(caller="test", deadline=Ends())
    with pytest.raises(TimeOver):
        AsOf(store, lambda _: bundle).decide(question, Moment(1), options, bundle.version)
    assert pages == 3, "and nothing is read any more"
