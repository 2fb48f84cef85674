"""What no test notices, a goal may: with the mistake people reach what must never happen."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from small_worlds import goals_of, world, written
from tiny.model import TINY

from sealauthz.decision import Bundle
from sealauthz.policytools.attack.found import Limits
from sealauthz.policytools.attack.goals import load_goals
from sealauthz.policytools.attack.noticing import Attacked, Place, with_goals
from sealauthz.policytools.attack.search import Search
from sealauthz.policytools.testing.conditions import Kind
from sealauthz.policytools.testing.mistaken import with_mistake
from sealauthz.policytools.testing.mutants import Mutant, mutants_of
from sealauthz.policytools.testing.mutation import Outcome, Result, Verdict

BUNDLE = Bundle.load(TINY)

ALONE = {
    "goal": "a text that is too long is published",
    "colluders": ["bob"],
    "depth": 1,
    "reached": 'reached(document: Document, _: Attack) if document.id = "d" and document.state = "PUBLISHED";',
}
ANYWAY = {
    "goal": "reached without any mistake",
    "colluders": ["bob"],
    "depth": 1,
    "reached": 'reached(document: Document, _: Attack) if document.id = "short" and document.state = "PUBLISHED";',
}
FACTS = {
    "User": {"ann": {}, "bob": {}},
    "Team": {"red": {"title": "red"}},
    "TeamMember": {
        "m1": {"team_id": "red", "user_id": "ann", "rank": "OWNER"},
        "m2": {"team_id": "red", "user_id": "bob", "rank": "EDITOR"},
    },
    "Folder": {"f": {"team_id": "red", "title": "Folder"}},
    "Document": {
        "d": {"folder_id": "f", "author_id": "bob", "title": "T", "words": 100_000},
        "short": {"folder_id": "f", "author_id": "bob", "title": "T", "words": 1},
    },
}


def attacked_at(path: Path, depth: int = 1) -> Attacked:
    return Attacked(Place("tiny.model:TINY", None, (path,), (path,), Limits(depth, 20.0)))


def mistake(effect: str) -> Mutant:
    (found,) = [each for each in mutants_of(BUNDLE, BUNDLE.statements) if effect in each.effect]
    return found


def test_a_goal_that_a_mistake_opens_notices_it(tmp_path: Path) -> None:
    attacked = attacked_at(written(tmp_path / "goals.yaml", FACTS, [ANYWAY, ALONE]))
    dropped = mistake('"publish" on Document did not require "SHORT_ENOUGH"')
    goal = attacked.noticed(dropped)
    assert goal is not None
    assert goal.name == "a text that is too long is published"


def test_what_is_reached_anyway_shows_no_mistake(tmp_path: Path) -> None:
    attacked = attacked_at(written(tmp_path / "goals.yaml", FACTS, [ANYWAY]))
    assert attacked.noticed(mistake('"publish" on Document did not require "SHORT_ENOUGH"')) is None


def test_without_it_the_same_goal_is_reached(tmp_path: Path) -> None:
    """Else the law above would prove nothing."""
    goals = load_goals([written(tmp_path / "goals.yaml", FACTS, [ANYWAY])], BUNDLE)
    assert Search(BUNDLE, goals, {}).run(goals.goals[0], Limits()).record == "Document:short"


def test_only_goals_are_searched_for_of_which_an_act_rests_on_the_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attacked = attacked_at(written(tmp_path / "goals.yaml", FACTS, [ALONE]))
    searched: list[str] = []
    run: Callable[..., object] = Search.run
    monkeypatch.setattr(Search, "run", lambda self, goal, limits: searched.append(goal.name) or run(self, goal, limits))
    assert attacked.noticed(mistake('"read" on Document did not require "READABLE"')) is None
    assert searched == []


def test_goals_that_are_left_out_are_not_opened(tmp_path: Path) -> None:
    """Each mistake in the small policies, with and without leaving goals out."""
    chance = random.Random(3)
    facts = world(chance)
    path = written(tmp_path / "goals.yaml", facts, goals_of(chance, facts, depth=1))
    attacked = attacked_at(path)
    base = Search(BUNDLE, load_goals([path], BUNDLE), {})
    before = {goal.name: base.run(goal, Limits()).record for goal in base.goals.goals}
    noticed = set()
    for each in mutants_of(BUNDLE, BUNDLE.statements):
        if each.kind is Kind.PERMISSION_DROPPED:
            continue
        search = base.with_bundle(with_mistake(BUNDLE, each))
        opened = {goal.name for goal in base.goals.goals if search.run(goal, Limits()).record and not before[goal.name]}
        goal = attacked.noticed(each)
        noticed.add(goal is not None)
        assert (goal.name in opened) if goal is not None else not opened, each.effect
    assert noticed == {True, False}


def test_a_result_counts_what_goals_notice(tmp_path: Path) -> None:
    attacked = attacked_at(written(tmp_path / "goals.yaml", FACTS, [ALONE]))
    opening = Outcome(mistake('"publish" on Document did not require "SHORT_ENOUGH"'), Verdict.SURVIVED)
    other = Outcome(mistake('"read" on Document did not require "READABLE"'), Verdict.UNREACHED)
    told = Outcome(mistake('"invite" on Team did not require "NOT_LOCKED"'), Verdict.KILLED, "a test")
    seen: list[tuple[str, int, int]] = []
    result = with_goals(Result((opening, other, told)), attacked, 1, lambda *said: seen.append(said))
    by = f"{tmp_path / 'goals.yaml'}: a text that is too long is published"
    assert result.outcomes == (replace(opening, verdict=Verdict.KILLED, goal=by), other, told)
    assert result.percent == pytest.approx(200 / 3)
    assert seen == [("searching for attacks", 1, 2), ("searching for attacks", 2, 2)]
