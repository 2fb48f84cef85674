"""Honest people who follow next steps do what is asked of them, and nothing that nobody asks for."""

from __future__ import annotations

from pathlib import Path

import pytest

from sealauthz.decision import Bundle
from sealauthz.model import MODEL
from sealauthz.policytools.attack.following import Following
from sealauthz.policytools.attack.found import Found, Limits
from sealauthz.policytools.attack.goals import load_goals
from sealauthz.policytools.attack.moves import ActMove
from sealauthz.policytools.attack.replay import replay
from sealauthz.policytools.attack.search import Search
from sealauthz.runtime.errors import SuiteRefused

GOALS = """
include: ["default:fixtures.yaml"]
fixture: spruce
goals:
  - goal: approved on request
    given: [user holds no grant, approver may approve]
    colluders: [plain]
    {following}
    acts: [request_use, approve]
    depth: 2
    reached: |
      reached(approval: Approval, context: Attack) if
        context.began <= approval.decided_at and approval.verdict = "PASSED";
  - goal: approved unasked
    given:
      - user holds no grant
      - approver may approve
      - put:
          SealUseRequest: {{q: {{applicant_id: m-admin, state: IN_APPROVAL}}}}
          RequestDocument: {{qd: {{request_id: q, digest: digest-1}}}}
    colluders: [stranger]
    {following}
    acts: [approve, use]
    depth: 1
    reached: |
      reached(approval: Approval, context: Attack) if
        context.began <= approval.decided_at and approval.verdict = "PASSED";
"""


@pytest.fixture(scope="module")
def shipped() -> Bundle:
    return Bundle.load(MODEL)


def found_with(shipped: Bundle, folder: Path, following: str) -> list[Found]:
    path = folder / "goals.yaml"
    path.write_text(GOALS.format(following=following), encoding="utf-8")
    goals = load_goals([path], shipped)
    search = Search(shipped, goals, {})
    found = [search.run(goal, Limits()) for goal in goals.goals]
    for each in found:
        assert not each.record or replay(shipped, goals, each).is_reached
    return found


def who_did(found: Found) -> list[tuple[str, str]]:
    return [(s.move.asked.subject, s.move.asked.action) for s in found.steps if isinstance(s.move, ActMove)]


def test_who_follows_steps_approves_what_an_applicant_is_told_to_wait_for(shipped: Bundle, tmp_path: Path) -> None:
    asked, unasked = found_with(shipped, tmp_path, "following: [approver]")
    assert who_did(asked) == [("plain", "request_use"), ("approver", "approve")]
    assert not unasked.record


def test_who_follows_nothing_stays_silent(shipped: Bundle, tmp_path: Path) -> None:
    assert [each.record for each in found_with(shipped, tmp_path, "callers: []")] == ["", ""]


def test_what_is_done_unasked_would_be_noticed(
    shipped: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted fault: whatever an honest person may do is asked of them."""
    monkeypatch.setattr(Following, "is_asked", lambda *_: True)
    assert found_with(shipped, tmp_path, "following: [approver]")[1].record


def test_who_follows_must_be_there(shipped: Bundle, tmp_path: Path) -> None:
    with pytest.raises(SuiteRefused, match="there is nobody called `aprover`; did you mean `approver`"):
        found_with(shipped, tmp_path, "following: [aprover]")
