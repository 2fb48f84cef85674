"""Laws of a search for longer ways: it leaves out only ways on which too many acts at a time are unused."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import small_worlds
from small_worlds import BUNDLE, goals_of, loaded, written

from sealauthz.attack.candidates import Doer
from sealauthz.attack.found import Ended, Found, Limits
from sealauthz.attack.moves import ActMove
from sealauthz.attack.nodes import Seen, Unused
from sealauthz.attack.reads import Relevance
from sealauthz.attack.replay import replay
from sealauthz.attack.report import report_of
from sealauthz.attack.search import _Run
from sealauthz.attack.views import Reads
from sealauthz.attack.world import World

DEPTH = 3
SEEDS = (0, 1, 5)
"""Worlds in which the goals are reached by one to three acts, or not at all."""
TOGETHER_ONLY = (3, "goal 6")
"""A world, and a goal in it that takes two acts of which neither leads further alone."""


def acts_of(found: Found) -> int:
    return sum(isinstance(step.move, ActMove) for step in found.steps)


def differing(folder: Path, width: int, seeds: Iterable[int] = SEEDS, *names: str) -> list[str]:
    """The goals over some worlds, all or those of some names, that a search of some width does not reach by as many
    acts as one that tries every way.
    """
    differ = []
    for seed in seeds:
        chance = random.Random(seed)
        facts = small_worlds.world(chance)
        goals, search = loaded(written(folder / f"{seed}.yaml", facts, goals_of(chance, facts, DEPTH)))
        for goal in [each for each in goals.goals if not names or each.name in names]:
            whole = search.run(goal, Limits())
            some = _Run(search, goal, Limits(), width=width).found()
            if (bool(some.record), acts_of(some)) != (bool(whole.record), acts_of(whole)):
                differ.append(f"{seed}: {goal.name}")
    return differ


def test_what_is_reached_in_any_way_is_reached_with_two_acts_unused_at_a_time(tmp_path: Path) -> None:
    """No way of three acts needs more: the third uses the other two, or the goal does."""
    assert differing(tmp_path, 2) == []
    assert differing(tmp_path, 2, (TOGETHER_ONLY[0],), TOGETHER_ONLY[1]) == []


def test_what_takes_two_acts_that_are_used_together_is_not_reached_with_one_at_a_time(tmp_path: Path) -> None:
    assert differing(tmp_path, 1, (TOGETHER_ONLY[0],), TOGETHER_ONLY[1]) != []


def test_an_act_taken_for_unused_that_is_used_would_be_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault: what an act makes possible counts as possible without it."""
    before = _Run._after

    def after(run: Any, node: Any, world: Any, move: Any, _without: Any, **more: Any) -> Any:
        return before(run, node, world, move, [world for _ in node.unused], **more)

    monkeypatch.setattr(_Run, "_after", after)
    assert differing(tmp_path, 1, (3,), "goal 2", "goal 5") != []


def test_a_store_refuses_what_it_took_where_something_stands_against_it(tmp_path: Path) -> None:
    assert not is_taken_behind_another(tmp_path)


def test_a_store_that_was_asked_once_for_all_worlds_would_be_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted fault: what an act writes looks the same in all worlds."""
    monkeypatch.setattr(Relevance, "taken", lambda *_: Reads(frozenset(), frozenset({"User"})))
    assert is_taken_behind_another(tmp_path)


def is_taken_behind_another(folder: Path) -> bool:
    """Tell whether one owner's invitation of somebody is taken behind that of another owner: there is one place."""
    goals, search = search_of(folder, TOGETHER)
    goal = goals.goals[0]
    run, first = _Run(search, goal, Limits()), World(goal.facts)
    invite = BUNDLE.model.action("invite", "Team")
    doers = [Doer(each, frozenset({each})) for each in ("ann", "bob")]
    one, other = (
        next(m for m in run._candidates.of(first, goal.now, doer, invite, ()) if m.arguments["user"] == "dee")
        for doer in doers
    )
    assert run._taking.takes_too(first, one)
    assert run._taking.takes_too(first, other)
    behind = one.writing.on(first)
    assert behind is not None
    return run._taking.takes_too(first.moved(behind), other)


TOGETHER = """reached(document: Document, _: Attack) if
  document.author_id = "dee" and document.state = "ARCHIVED" and document.words = 0;"""
"""Somebody lets dee in, dee adds a draft, it is published, and archived: four acts, each of which allows the next."""


def search_of(folder: Path, reached: str) -> Any:
    facts = {
        "User": {user: {} for user in small_worlds.USERS},
        "Team": {"red": {"title": "red"}},
        "TeamMember": {f"red-{user}": {"team_id": "red", "user_id": user, "rank": "OWNER"} for user in ("ann", "bob")},
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


def test_how_far_longer_ways_were_followed_is_said_beside_what_was_tried_in_every_way(tmp_path: Path) -> None:
    goals, search = search_of(tmp_path, TOGETHER)
    goal = goals.goals[0]
    report = report_of(BUNDLE, search.run(goal, Limits(depth=1, far=3)))
    assert report.bound.startswith(
        "no attack up to 1 act, nor up to 3 acts of which each is used by the next, "
        "nor up to 3 acts of which no more than 2 are unused at a time ("
    )
    assert (report.complete, report.followed) == (1, (3, 3))
    over = report_of(BUNDLE, search.run(goal, Limits(depth=1, far=3, states=2)))
    assert (over.ended, over.followed) == (Ended.STATES, (0,))
    assert "before there were too many states" in over.bound


def test_where_nothing_was_left_out_every_way_was_tried(tmp_path: Path) -> None:
    """Nobody may do anything: that holds for any number of acts."""
    goals, search = search_of(tmp_path, 'reached(user: User, _: Attack) if user.id = "none";')
    found = search.run(goals.goals[0], Limits(depth=1, far=4))
    assert (found.ended, found.followed) == (Ended.ALL, ())


def test_a_state_is_met_again_only_with_less_unused_or_behind_fewer_acts() -> None:
    seen, state = Seen(), ("facts",)
    left = lambda *digests: tuple(Unused(None, each) for each in digests)  # type: ignore[arg-type]  # noqa: E731
    seen.add(state, 2, left(1, 2))
    assert seen.has(state, 2, left(1, 2, 3))
    assert not seen.has(state, 2, left(1))
    assert not seen.has(state, 1, left(1, 2))
    assert seen.has(state, 3, left())
    assert seen.is_nearer(state, 3)
    assert not seen.is_nearer(state, 2)
    seen.add(state, 2, left(3))
    assert seen.has(state, 2, left(1, 2))
    assert seen.has(state, 2, left(3, 4))
