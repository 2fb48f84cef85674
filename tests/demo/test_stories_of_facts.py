"""Each story is a set of facts that every store takes, and on which its question is allowed for as long as it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sealauthz.decision import Bundle, Effect, Entity, PolicyDecisionPoint
from sealauthz.decision import Question as Asked
from sealauthz.facts import Batch, FactCache, Put, Store
from sealauthz.model import MODEL
from sealauthz.ops.demo.stories import STORIES

NOW = 1_790_000_000_000_000
SECOND = 1_000_000


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return Bundle.load(MODEL)


@pytest.fixture
def empty(new_database: Any) -> Iterator[Store]:
    store = Store.open(new_database("sqlite"), MODEL)
    yield store
    store.close()


def asked(name: str, prefix: str) -> Asked:
    question = STORIES[name].question(prefix)
    subject, resource = (Entity(*text.split(":", 1)) for text in (question.subject, question.resource))
    return Asked(subject, question.action, resource, dict(question.context))


@pytest.mark.parametrize("name", STORIES)
def test_the_question_of_a_story_is_allowed_until_it_says(name: str, empty: Store, bundle: Bundle) -> None:
    story = STORIES[name]
    for prefix in ("new", "a-2"):
        empty.write(Batch("t", prefix, tuple(map(Put, story.records(prefix, NOW)))))
        for moment in (NOW, NOW + story.lasts_us - SECOND):
            decision = PolicyDecisionPoint(FactCache(empty), bundle, lambda at=moment: at).decide(asked(name, prefix))  # type: ignore[misc]
            assert decision.effect is Effect.ALLOW, decision.reasons


@pytest.mark.parametrize("left_out", ["grant", "operator", "check", "document", "company-registry"])
def test_without_a_part_of_it_the_use_is_denied(left_out: str, empty: Store, bundle: Bundle) -> None:
    records = [record for record in STORIES["seal-use"].records("new", NOW) if record.id != f"new-{left_out}"]
    empty.write(Batch("t", "w", tuple(map(Put, records))))
    decision = PolicyDecisionPoint(FactCache(empty), bundle, lambda: NOW).decide(asked("seal-use", "new"))
    assert decision.effect is Effect.DENY
