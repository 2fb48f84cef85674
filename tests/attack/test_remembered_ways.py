"""Law: moves that are remembered are those that would be found, whatever acts were done in between."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import small_worlds
from small_worlds import BUNDLE, goals_of, loaded, written
from tiny.model import TINY

from sealauthz.policytools.attack.acting import Acting
from sealauthz.policytools.attack.candidates import Candidates, Doer
from sealauthz.policytools.attack.moves import ActMove
from sealauthz.policytools.attack.reads import Relevance
from sealauthz.policytools.attack.said import Said
from sealauthz.policytools.attack.views import Reads, View
from sealauthz.policytools.attack.world import World
from sealauthz.policytools.testing.fixtures import FactSet

NOTHING = View(Reads(frozenset(), frozenset()))
DOERS = [Doer(user, frozenset()) for user in small_worlds.USERS]
EFFECTS = [action for action in TINY.actions.values() if action.effect is not None]


def candidates(*, remembers: bool) -> Candidates:
    relevance = Relevance(BUNDLE)
    return Candidates(BUNDLE, relevance, Acting(BUNDLE, relevance), Said(BUNDLE, {}), remembers=remembers)


def all_moves(found_by: Candidates, world: World, now: int, earlier: tuple[str, ...] = ()) -> list[ActMove]:
    return [move for doer in DOERS for action in EFFECTS for move in found_by.of(world, now, doer, action, earlier)]


def said_of(moves: list[ActMove]) -> list[Any]:
    return [(each.asked, dict(each.arguments), each.operation_id, each.writing.changes) for each in moves]


def walked(seed: int, folder: Path) -> list[tuple[FactSet, int]]:
    """Facts on a way of acts by chance, and when that is."""
    chance = random.Random(seed)
    facts = small_worlds.world(chance)
    goals, _ = loaded(written(folder / "goals.yaml", facts, goals_of(chance, facts, depth=2)))
    goal = goals.goals[0]
    world, way = World(goal.facts), [(goal.facts, goal.now)]
    for _ in range(5):
        moves = all_moves(candidates(remembers=False), world, goal.now)
        chance.shuffle(moves)
        for move in moves:
            then = move.writing.on(world)
            if then is not None and then.after and (after := world.moved(then)).takes(then):
                world = after
                way.append((world.facts, goal.now))
                break
    return way


def differences(folder: Path) -> int:
    """In how many worlds moves that are remembered from others are not those that are found there."""
    differs = 0
    for seed in range(6):
        way, remembering = walked(seed, folder), candidates(remembers=True)
        for facts, now in way:
            found = said_of(all_moves(candidates(remembers=False), World(facts), now))
            differs += said_of(all_moves(remembering, World(facts), now)) != found
    return differs


def test_moves_that_are_remembered_are_those_that_are_found(tmp_path: Path) -> None:
    assert differences(tmp_path) == 0


def test_what_is_remembered_too_long_would_be_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault: all worlds look the same to what is remembered."""
    monkeypatch.setattr(Candidates, "_view", lambda *_: NOTHING)
    assert differences(tmp_path) > 0


def test_what_is_done_once_more_gets_another_id(tmp_path: Path) -> None:
    facts, now = walked(0, tmp_path)[0]
    world, remembering = World(facts), candidates(remembers=True)
    first = all_moves(remembering, world, now)
    again = all_moves(remembering, world, now, (first[0].operation_id,))
    assert again[0].operation_id != first[0].operation_id
    assert [each.operation_id for each in again[1:]] == [each.operation_id for each in first[1:]]


def test_what_is_done_once_more_is_what_would_be_found(tmp_path: Path) -> None:
    """Whichever acts were done before, and how often."""
    facts, now = walked(1, tmp_path)[0]
    world, remembering = World(facts), candidates(remembers=True)
    first = [each.operation_id for each in all_moves(remembering, world, now)]
    assert len(first) > 3
    for earlier in ((first[0],), (first[1], first[-1]), (first[0], first[0][:-1] + "1"), tuple(first)):
        found = said_of(all_moves(candidates(remembers=False), world, now, earlier))
        assert said_of(all_moves(remembering, world, now, earlier)) == found
