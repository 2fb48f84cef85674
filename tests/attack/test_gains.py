"""Laws of a search that follows gains: over small worlds it finds what a search in every way finds, and further in."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import small_worlds
from small_worlds import BUNDLE, goals_of, loaded, written

from sealauthz.attack import candidates
from sealauthz.attack.found import Ended, Limits
from sealauthz.attack.gains import Gains
from sealauthz.attack.replay import replay
from sealauthz.attack.report import report_of
from sealauthz.attack.world import World

DEPTH = 3
SEEDS = (3, 6, 14)
"""Worlds in which the goals are reached by one to three acts, or not at all."""


def differing(folder: Path, seeds: Iterable[int], *names: str) -> list[str]:
    """The goals over some worlds, all or those of some names, that one of two searches reaches, or reaches earlier: one
    in every way, and one of which every act but the last must be a gain.
    """
    differ = []
    for seed in seeds:
        chance = random.Random(seed)
        facts = small_worlds.world(chance)
        goals, search = loaded(written(folder / f"{seed}.yaml", facts, goals_of(chance, facts, DEPTH)))
        for goal in [each for each in goals.goals if not names or each.name in names]:
            whole = search.run(goal, Limits())
            far = search.run(goal, Limits(depth=1, far=DEPTH))
            if (bool(far.record), len(far.steps)) != (bool(whole.record), len(whole.steps)):
                differ.append(f"{seed}: {goal.name}")
    return differ


def test_what_is_reached_in_any_way_is_reached_by_gains(tmp_path: Path) -> None:
    assert differing(tmp_path, SEEDS) == []


def test_gains_that_were_none_of_the_goal_would_be_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault: what a goal sees of the facts is no gain."""
    monkeypatch.setattr(World, "as_seen_by", _nothing_of_goals(World.as_seen_by))
    assert differing(tmp_path, (3,), "goal 6") != []


def _nothing_of_goals(before: Any) -> Any:
    def seen(world: World, view: Any) -> int:
        return 0 if view.reads.types == {"Folder", "Document"} else int(before(world, view))

    return seen


def test_moves_taken_for_the_same_that_write_something_else_would_be_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted fault: an act is taken for the same whatever it writes."""

    def what(move: Any, _provided: Any) -> int:
        return hash((move.asked, repr(move.arguments)))

    monkeypatch.setattr(candidates, "_what", what)
    monkeypatch.setattr(Gains, "are_in", _without_goals(Gains.are_in))
    assert differing(tmp_path, (6,), "goal 1") != []


def _without_goals(before: Any) -> Any:
    return lambda gains, kept, _seen, acts: before(gains, kept, -1, acts)


TOGETHER = """reached(document: Document, _: Attack) if
  document.author_id = "dee" and document.state = "ARCHIVED" and document.words = 0;"""
"""Somebody lets dee in, dee adds a draft, it is published, and archived: four acts, each of which allows the next."""


def search_of(folder: Path, reached: str) -> Any:
    facts = {
        "User": {user: {} for user in small_worlds.USERS},
        "Team": {"red": {"title": "red"}},
        "TeamMember": {"red-ann": {"team_id": "red", "user_id": "ann", "rank": "OWNER"}},
        "Folder": {"red-folder": {"team_id": "red", "title": "Folder"}},
        "Document": {},
    }
    goal = {"goal": "g", "colluders": ["ann", "dee"], "depth": 2, "reached": reached}
    return loaded(written(folder / "goals.yaml", facts, [goal]))


def test_a_way_that_is_longer_than_what_is_tried_in_every_way_is_found_and_performed(tmp_path: Path) -> None:
    goals, search = search_of(tmp_path, TOGETHER)
    goal = goals.goals[0]
    assert search.run(goal, Limits()).ended is Ended.DEPTH
    assert not search.run(goal, Limits(far=3)).record
    found = search.run(goal, Limits(far=5))
    assert found.ended is Ended.REACHED
    assert [step.move.asked.action for step in found.steps] == ["invite", "add", "publish", "archive"]
    assert replay(BUNDLE, goals, found).is_reached


def test_how_far_gains_were_followed_is_said_beside_what_was_tried_in_every_way(tmp_path: Path) -> None:
    goals, search = search_of(tmp_path, TOGETHER)
    report = report_of(BUNDLE, search.run(goals.goals[0], Limits(depth=1, far=3)))
    assert report.bound.startswith("no attack up to 1 act, nor up to 3 acts of which each lets somebody do more (")
    assert (report.complete, report.followed) == (1, 3)
    over = report_of(BUNDLE, search.run(goals.goals[0], Limits(depth=1, far=3, states=2)))
    assert (over.ended, over.followed) == (Ended.STATES, 0)
    assert "before there were too many states" in over.bound


def test_what_lets_nobody_do_more_is_not_followed() -> None:
    gains = Gains()
    may = lambda *unmet: [candidates.Kept((), frozenset({(1, frozenset(unmet))}), 0, 0, 0)]  # noqa: E731
    assert gains.are_in(may("A", "B"), 0, 0)
    assert not gains.are_in(may("A", "B"), 0, 1)
    assert not gains.are_in(may("A", "B", "C"), 0, 1)
    assert gains.are_in(may("A"), 0, 1)
    assert gains.are_in(may("A"), 0, 1), "every shortest way there is followed"
    assert not gains.are_in(may("A"), 0, 2)
    assert gains.are_in(may("A"), 1, 2), "the goal sees something else"
    assert gains.are_in(may(), 1, 3)
