"""Laws of goals that are out of reach without a search: what is said of them holds, and a search finds the same."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import small_worlds
from small_worlds import written
from tiny.model import TINY

from sealauthz.attack import barriers
from sealauthz.attack.barriers import Barriers
from sealauthz.attack.found import Ended, Found, Limits
from sealauthz.attack.goals import Goal, load_goals
from sealauthz.attack.moves import ActMove
from sealauthz.attack.reads import Relevance
from sealauthz.attack.search import Search, _Run
from sealauthz.decision import Bundle
from sealauthz.schema import OutsideMove, RecordChange, Update
from sealauthz.schema.model import Part

Happening = Iterable[tuple[str, tuple[RecordChange, ...]]]


def locking(records: Any, _now: int) -> Happening:
    for user in records["User"].values():
        yield f"{user.id} {not user.is_locked}", (Update("User", user.id, {"is_locked": not user.is_locked}),)


def naming(records: Any, _now: int) -> Happening:
    for team in records["Team"].values():
        yield f"{team.id} moves", (Update("Team", team.id, {"title": "Moved"}),)


def growing(records: Any, _now: int) -> Happening:
    for document in records.get("Document", {}).values():
        yield f"{document.id} grows", (Update("Document", document.id, {"words": 600}),)


LOCKED, MOVED, GROWN = "an account is locked or unlocked", "a team moves", "a text grows"
OUTSIDE = tuple(
    OutsideMove(name, "somebody", "happens", moves)
    for name, moves in ((LOCKED, locking), (MOVED, naming), (GROWN, growing))
)
MODEL = replace(TINY, parts=(*TINY.parts, Part((), outside=OUTSIDE)))
BUNDLE = Bundle.load(MODEL)

GOALS: tuple[dict[str, Any], ...] = (
    {
        "goal": "somebody whose account is locked acts",
        "outside": [LOCKED],
        "reached": "reached(user: User, context: Attack) if actor = context.actor and actor matches User and "
        "actor.id = user.id and user.is_locked;",
    },
    {
        "goal": "a text is too long when something is published",
        "outside": [GROWN],
        "acts": ["publish"],
        "reached": "reached(document: Document, context: Attack) if document.words > 500 and "
        'context.action = "publish";',
    },
    {
        "goal": "something is published when a team has moved",
        "outside": [MOVED],
        "acts": ["add", "publish"],
        "depth": 3,
        "reached": 'reached(team: Team, context: Attack) if team.title = "Moved" and context.action = "publish";',
    },
    {
        "goal": "something is published when a team has moved, and drafts may go",
        "outside": [MOVED],
        "acts": ["archive", "publish"],
        "depth": 3,
        "reached": 'reached(team: Team, context: Attack) if team.title = "Moved" and context.action = "publish";',
    },
    {
        "goal": "something is published",
        "outside": [GROWN],
        "acts": ["publish"],
        "reached": 'reached(document: Document, context: Attack) if document.state = "PUBLISHED" and '
        'context.action = "publish";',
    },
    {
        "goal": "something is archived when an account is locked",
        "outside": [LOCKED],
        "acts": ["archive", "add"],
        "reached": 'reached(user: User, context: Attack) if user.is_locked and context.action = "archive";',
    },
)


@dataclass(frozen=True)
class Searched:
    """A goal over a small world, what a search that leaves nothing out finds, and whether it is known without one."""

    search: Search
    goal: Goal
    plain: tuple[bool, int]
    is_barred: bool


def said(found: Found) -> tuple[bool, int]:
    return bool(found.record), sum(isinstance(step.move, ActMove) for step in found.steps)


TOO_MANY_DRAFTS: dict[str, Any] = {
    "User": {user: {} for user in small_worlds.USERS},
    "Team": {"red": {"title": "red"}},
    "TeamMember": {
        "red-ann": {"team_id": "red", "user_id": "ann", "rank": "OWNER"},
        "red-bob": {"team_id": "red", "user_id": "bob", "rank": "OWNER"},
    },
    "Folder": {"red-folder": {"team_id": "red", "title": "Folder"}},
    "Document": {
        f"d{number}": {"folder_id": "red-folder", "author_id": "ann", "title": "D", "words": 120} for number in range(4)
    },
}
"""Nothing can be published before a draft is gone."""
ONE_DRAFT = {**TOO_MANY_DRAFTS, "Document": {"d0": TOO_MANY_DRAFTS["Document"]["d0"]}}


def facts_of(chance: random.Random) -> dict[str, Any]:
    """A small world, in half of which somebody has too many drafts of some length to publish one of them."""
    facts = small_worlds.world(chance)
    for number in range(chance.choice((0, 4))):
        red = next(iter(facts["TeamMember"].values()))
        draft = {"folder_id": f"{red['team_id']}-folder", "author_id": red["user_id"], "title": "D", "words": 120}
        facts["Document"] |= {f"draft-{number}": draft}
    return facts


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> list[Searched]:
    found = []
    for seed in range(10):
        chance = random.Random(seed)
        facts = {0: TOO_MANY_DRAFTS, 9: ONE_DRAFT}.get(seed) or facts_of(chance)
        insiders = sorted({each["user_id"] for each in facts["TeamMember"].values()})
        goals = [{"colluders": [chance.choice(insiders)], "depth": 2, **each} for each in GOALS]
        path = written(tmp_path_factory.mktemp("world") / "goals.yaml", facts, goals)
        search = Search(BUNDLE, load_goals([path], BUNDLE), {})
        for goal in search.goals.goals:
            plain = said(search.run(goal, Limits(is_pruned=False)))
            found.append(Searched(search, goal, plain, _Run(search, goal, Limits())._barred() is not None))
    return found


def test_a_goal_that_is_out_of_reach_is_not_reached(searched: list[Searched]) -> None:
    assert [each.goal for each in searched if each.is_barred and each.plain[0]] == []
    assert all(said(each.search.run(each.goal, Limits())) == each.plain for each in searched)


def test_of_such_goals_some_are_barred_some_reached_and_some_neither(searched: list[Searched]) -> None:
    """Else the law above would prove little."""
    assert sum(each.is_barred for each in searched) >= 10
    assert {each.goal.name for each in searched if each.is_barred} >= {GOALS[0]["goal"], GOALS[1]["goal"]}
    assert {each.goal.name for each in searched if each.plain[0]} == {each["goal"] for each in GOALS[1:]}
    assert any(not each.is_barred and not each.plain[0] for each in searched)


@pytest.mark.parametrize(
    ("where", "what", "fault"),
    [
        (Barriers, "_is_written", lambda *_: False),
        (Barriers, "_may_come", lambda *_: False),
        (Barriers, "_after", lambda *_: iter(())),
        (Barriers, "_standing", lambda self, action: {*self._relevance.requirements(action.name, action.resource)}),
    ],
    ids=[
        "no act alters what the goal sees",
        "no record comes",
        "nothing happens outside",
        "nothing alters what stands in the way, nor what is said in an act",
    ],
)
def test_barriers_that_are_taken_to_stand_would_be_noticed(
    where: Any, what: str, fault: Any, searched: list[Searched], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted faults."""
    monkeypatch.setattr(where, what, fault)
    runs = (_Run(Search(BUNDLE, each.search.goals, {}), each.goal, Limits()) for each in searched if each.plain[0])
    assert any(run._barred() is not None for run in runs)


def two_accounts(folder: Path) -> Search:
    """Return what searches for an act with an account that is locked: two are locked or not, in four worlds."""
    facts = {
        "User": {user: {} for user in ("ann", "bob")},
        "Team": {"red": {"title": "red"}},
        "TeamMember": {"red-ann": {"team_id": "red", "user_id": "ann", "rank": "OWNER"}},
        "Folder": {"f": {"team_id": "red", "title": "F"}},
        "Document": {"d": {"folder_id": "f", "author_id": "ann", "title": "T", "words": 1}},
    }
    path = written(folder / "goals.yaml", facts, [{"colluders": ["ann"], "depth": 8, **GOALS[0]}])
    return Search(BUNDLE, load_goals([path], BUNDLE), {})


def test_a_goal_is_out_of_reach_for_good_when_nothing_more_happens_outside(tmp_path: Path) -> None:
    search = two_accounts(tmp_path)
    found = search.run(search.goals.goals[0], Limits())
    assert (found.ended, found.complete, found.states) == (Ended.ALL, 8, 4)
    shorter = search.run(search.goals.goals[0], Limits(depth=1))
    assert (shorter.ended, shorter.complete) == (Ended.DEPTH, 1)


def test_what_may_happen_outside_is_worked_out_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in each world: that took three quarters of the time."""
    search = two_accounts(tmp_path)
    before, asked = Relevance.happening, []

    def happening(self: Relevance, move: OutsideMove) -> Any:
        asked.append(move.name)
        return before(self, move)

    monkeypatch.setattr(Relevance, "happening", happening)
    run = _Run(search, search.goals.goals[0], Limits())
    asked.clear()
    assert run._barred() is not None
    assert asked == [LOCKED]


def test_how_far_was_looked_is_said_when_a_bound_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three of the four worlds are those of at most one move outside."""
    monkeypatch.setattr(barriers, "_MOST", 3)
    search = two_accounts(tmp_path)
    found = search.run(search.goals.goals[0], Limits())
    assert (found.ended, found.complete) == (Ended.STATES, 1)
    over = search.run(search.goals.goals[0], Limits(seconds=0.0))
    assert (over.ended, over.complete) == (Ended.TIME, 0)
