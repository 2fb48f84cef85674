"""Keys that an extension adds to the context of an action: checked, given in their types, tested and refused."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from sealauthz.decision import Bundle, Entity, PolicyDecisionPoint, Question
from sealauthz.decision.folder import model_for
from sealauthz.facts import FactCache
from sealauthz.policytools.testing.loading import PolicyTests
from sealauthz.runtime.errors import InvalidRequest, SuiteRefused
from tiny.model import TINY, facts

POLICIES = Path(__file__).parent / "policies"

ADDED = """
[context.Document.publish]
urgency = "Integer"
due_at = "Instant"
is_forced = "Boolean"
ticket = "String"
source = "Document"
"""

RULES = """
requires("publish", _: Document, "NOT_URGENT");
meets(_: User, "NOT_URGENT", "publish", document: Document, context: PublishContext) if
  context.urgency matches Integer and
  context.urgency < 3 and
  context.due_at matches Integer and
  context.now <= context.due_at and
  context.is_forced = true and
  context.ticket = "T-1" and
  source = context.source and
  source matches Document and
  source.author_id = document.author_id;
otherwise("NOT_URGENT", "URGENT");
reason("URGENT", 10, "USER", "WAIT");
"""

TESTS = """
fixtures:
  two teams:
    now: 2026-03-02T09:00:00Z
    facts:
      User: {ann: {mail: ann@example.org}, bob: {mail: bob@example.org}}
      Team: {red: {title: Red}}
      TeamMember:
        red-ann: {team_id: red, user_id: ann, rank: OWNER}
        red-bob: {team_id: red, user_id: bob, rank: EDITOR}
      Folder: {plans: {team_id: red, title: Plans}}
      Document: {d1: {folder_id: plans, author_id: bob, title: Budget, words: 120}}
fixture: two teams
tests:
  - name: in time and with a ticket it goes out
    subject: bob
    action: publish
    resource: Document:d1
    context:
      {approver: red-ann, urgency: 2, due_at: now + 1 minute, is_forced: true, ticket: T-1, source: d1}
    expect: allow
    but: {context: {due_at: now - 1 second}}
    then: [URGENT]
  - name: three is urgent
    subject: bob
    action: publish
    resource: Document:d1
    context: {approver: red-ann, urgency: 2, due_at: now, is_forced: true, ticket: T-1, source: d1}
    expect: allow
    but: {context: {urgency: 3}}
    then: [URGENT]
  - name: the members who may publish it
    list: subjects
    action: publish
    resource: Document:d1
    context: {approver: red-ann, urgency: 2, due_at: now, is_forced: true, ticket: T-1, source: d1}
    expect: [bob]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = shutil.copytree(POLICIES, tmp_path_factory.mktemp("tiny") / "policies")
    (made / "model.toml").write_text(ADDED)
    (made / "urgent.polar").write_text(RULES)
    return made


def test_policy_tests_give_them_in_their_types(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "tests.yaml"
    path.write_text(TESTS)
    assert [*PolicyTests(TINY, folder, [path]).failures()] == []


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("urgency: 2", "urgency: high", "must be a whole number"),
        ("urgency: 2", "urgency: true", "must be a whole number"),
        ("is_forced: true", "is_forced: 1", "must be `true` or `false`"),
        ("ticket: T-1", "ticket: 1", "must be text"),
        ("due_at: now + 1 minute", "due_at: soon", "is no time"),
        ("urgency: 2", "urgncy: 2", "did you mean `urgency`?"),
        ("source: d1", "source: d9", "there is no `Document:d9`"),
    ],
)
def test_what_does_not_fit_is_told_where_it_stands(
    folder: Path, tmp_path: Path, right: str, wrong: str, said: str
) -> None:
    path = tmp_path / "tests.yaml"
    path.write_text(TESTS.replace(right, wrong, 1))
    with pytest.raises(SuiteRefused) as refused:
        PolicyTests(TINY, folder, [path])
    assert said in str(refused.value)
    assert "tests.yaml:" in str(refused.value)


def test_a_question_gives_them_in_their_types_or_is_malformed(folder: Path) -> None:
    model = model_for(TINY, folder)
    pdp = PolicyDecisionPoint(FactCache.of_records(model, facts()), Bundle.load(model, folder), lambda: 5)
    given = {"approver": "red-ann", "urgency": 2, "due_at": 5, "is_forced": True, "ticket": "T-1", "source": "d1"}
    asked = Question(Entity("User", "bob"), "publish", Entity("Document", "d1"), given)
    assert pdp.decide(asked)
    for key, value in {"urgency": "2", "due_at": "now", "is_forced": 1, "ticket": 1}.items():
        with pytest.raises(InvalidRequest, match=rf"context\[{key}\]` must be of type"):
            pdp.decide(dataclasses.replace(asked, context={**given, key: value}))
    for key in given:
        without = {name: value for name, value in given.items() if name != key}
        assert not pdp.decide(dataclasses.replace(asked, context=without)), key
