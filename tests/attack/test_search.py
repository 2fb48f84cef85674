"""Laws of the search: what it leaves out changes nothing, what it remembers is decided, and what it finds holds."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import small_worlds
from effort import EFFORT, Effort
from small_worlds import BUNDLE, QUERIES, goals_of, loaded, written
from spruce import a_goal
from tiny.model import TINY

from sealauthz.decision import Bundle, PolicyDecisionPoint, RequestOptions
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.model import MODEL
from sealauthz.policytools.attack.acting import Acting, Allowed
from sealauthz.policytools.attack.found import Ended, Found, Limits
from sealauthz.policytools.attack.goals import Goal, Goals
from sealauthz.policytools.attack.levels import Levels
from sealauthz.policytools.attack.moves import ActMove, Asked
from sealauthz.policytools.attack.reads import Relevance
from sealauthz.policytools.attack.replay import replay
from sealauthz.policytools.attack.report import report_of
from sealauthz.policytools.attack.runs import Attacker, Job, results_of
from sealauthz.policytools.attack.search import Search, _Run
from sealauthz.policytools.attack.views import Reads
from sealauthz.policytools.attack.world import World
from sealauthz.schema import Delete, Put, Update

PLAIN = Limits(is_pruned=False)
PRUNED = Limits()


def acts_of(found: Found) -> int:
    return sum(isinstance(step.move, ActMove) for step in found.steps)


@dataclass(frozen=True)
class Compared:
    """One goal over one small world, searched in both ways."""

    goal: Goal
    search: Search
    plain: Found
    pruned: Found
    is_replayed: bool | None
    """Whether a replay performed it: every second world has one."""


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> list[Compared]:
    found = []
    for seed in range(16):
        chance = random.Random(seed)
        facts = small_worlds.world(chance)
        path = tmp_path_factory.mktemp("world") / "goals.yaml"
        asked = goals_of(chance, facts, depth=2 + seed % 2)
        goals, search = loaded(written(path, facts, [without_the_dearest(each, facts) for each in asked]))
        for goal in goals.goals:
            plain, pruned = search.run(goal, PLAIN), search.run(goal, PRUNED)
            is_replayed = bool(pruned.steps) and replay(BUNDLE, goals, pruned).is_reached if seed % 2 else None
            found.append(Compared(goal, search, plain, pruned, is_replayed))
    return found


def without_the_dearest(goal: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """Return a goal that is searched no more than two acts deep where time may pass, unless there is little to do:
    these searches took more than half of the time, and no planted fault was noticed by them alone. `make thorough`
    searches all of them three acts deep.
    """
    is_dear = "waits" in goal and (bool(facts["Document"]) or "context.actor" in goal["reached"])
    return {**goal, "depth": 2} if is_dear and EFFORT is not Effort.THOROUGH else goal


def test_a_pruned_search_finds_what_a_plain_one_finds(compared: list[Compared]) -> None:
    for each in compared:
        assert bool(each.pruned.record) == bool(each.plain.record), each.goal
        assert acts_of(each.pruned) == acts_of(each.plain), each.goal


def differs(each: Compared) -> bool:
    """Search again, with a fault: tell whether that finds something else than a plain search."""
    found = each.search.run(each.goal, PRUNED)
    return (bool(found.record), acts_of(found)) != (bool(each.plain.record), acts_of(each.plain))


BLIND = Reads(frozenset(), frozenset())


@pytest.mark.parametrize(
    ("where", "what", "fault"),
    [
        (Levels, "sees", lambda *_: BLIND),
        (Levels, "acts", lambda self, _left: self._acts[0]),
        (Goals, "rests_on", lambda *_: BLIND),
    ],
    ids=[
        "nothing matters",
        "only acts that the goal sees are tried",
        "a goal that was asked once is not asked again",
    ],
)
def test_what_leaves_out_too_much_would_be_noticed(
    where: Any, what: str, fault: Any, compared: list[Compared], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted faults."""
    monkeypatch.setattr(where, what, fault)
    assert any(differs(each) for each in compared)


ARCHIVED_BY_BOB = """reached(document: Document, context: Attack) if
  context.action = "archive" and actor = context.actor and actor matches User and actor.id = "bob" and
  document.state = "ARCHIVED";"""


def reached_by_bob(folder: Path, depth: int) -> bool:
    """Tell whether it is found that bob archives what ann may archive as well, who is asked first."""
    owners = {f"red-{user}": {"team_id": "red", "user_id": user, "rank": "OWNER"} for user in ("ann", "bob")}
    document = {"folder_id": "f", "author_id": "ann", "title": "T", "words": 1, "state": "PUBLISHED"}
    facts = {
        "User": {user: {} for user in small_worlds.USERS},
        "Team": {"red": {"title": "red"}},
        "TeamMember": owners,
        "Folder": {"f": {"team_id": "red", "title": "Folder"}},
        "Document": {"d": document},
    }
    goal = {"goal": "g", "colluders": ["ann", "bob"], "depth": depth, "reached": ARCHIVED_BY_BOB}
    goals, search = loaded(written(folder / "goals.yaml", facts, [goal]))
    return acts_of(search.run(goals.goals[0], PRUNED)) == 1


def test_a_state_that_another_one_led_to_is_asked_again_whose_act_it_was(tmp_path: Path) -> None:
    assert reached_by_bob(tmp_path, 1)
    assert reached_by_bob(tmp_path, 2)


@pytest.mark.parametrize(
    ("where", "what", "fault", "depth"),
    [(_Run, "_ended_by", lambda *_: None, 2), (Goals, "last_acts", lambda *_: frozenset({"add"}), 1)],
)
def test_a_last_act_that_is_not_asked_of_would_be_noticed(
    where: Any, what: str, fault: Any, depth: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted faults: a state that was met is not asked again, and another act must be the last."""
    monkeypatch.setattr(where, what, fault)
    assert not reached_by_bob(tmp_path, depth)


def test_a_pruned_search_tries_less(compared: list[Compared]) -> None:
    assert sum(each.pruned.decided for each in compared) < 0.9 * sum(each.plain.decided for each in compared)


def test_what_is_found_can_be_performed(compared: list[Compared]) -> None:
    replayed = [each for each in compared if each.is_replayed is not None]
    for each in replayed:
        assert each.is_replayed == bool(each.pruned.steps), each.goal
    assert sum(bool(each.is_replayed) for each in replayed) > 10


def test_random_worlds_reach_and_miss_every_kind_of_goal(compared: list[Compared]) -> None:
    """What the laws above compare is neither always reached nor never."""
    for name in {each.goal.name for each in compared}:
        reached = {bool(each.pruned.record) for each in compared if each.goal.name == name}
        assert reached == {True, False}, name
    assert {acts_of(each.pruned) for each in compared if each.pruned.record} >= {0, 1, 2, 3}
    assert any(acts_of(each.pruned) == 3 for each in compared if each.goal.waits and each.pruned.record)


def test_a_verdict_that_is_remembered_is_what_would_be_decided(tmp_path: Path) -> None:
    """Whatever acts are done in between: the answer of an earlier world stands only where it is still the same."""
    remembered = 0
    for seed in range(6):
        chance = random.Random(seed)
        facts = small_worlds.world(chance)
        goals, _ = loaded(written(tmp_path / "goals.yaml", facts, goals_of(chance, facts, depth=2)))
        goal = goals.goals[0]
        acting = Acting(BUNDLE, Relevance(BUNDLE))
        world = World(goal.facts)
        for _ in range(12):
            for asked in possible(world):
                before = acting.remembered
                verdict = acting.verdict(world, goal.now, asked, frozenset())
                remembered += acting.remembered - before
                assert verdict.is_allowed == bool(fresh(world, goal.now, asked)), asked
            world = done(acting, world, goal.now, chance)
    assert remembered > 500


def possible(world: World) -> list[Asked]:
    """Every act that anybody may try, with the first approver that there is."""
    found = []
    approvers = world.ids("TeamMember")[:2]
    for (name, record_type), action in TINY.actions.items():
        for record_id in world.ids(record_type):
            for user in world.ids("User"):
                plain = Asked(user, name, (record_type, record_id))
                found.append(plain)
                if "approver" in action.keys:
                    found += [plain.with_context("approver", each) for each in approvers]
    return found


def fresh(world: World, now: int, asked: Asked) -> object:
    """The decision on a cache of these facts alone."""
    cache = FactCache.of_records(TINY, world.facts.records)
    return PolicyDecisionPoint(cache, BUNDLE, lambda: now).decide(asked.question("User"), RequestOptions(caller=""))


def done(acting: Acting, world: World, now: int, chance: random.Random) -> World:
    """The world behind an act that is allowed; the same one where none was found."""
    acts = possible(world)
    chance.shuffle(acts)
    for asked in acts:
        verdict = acting.verdict(world, now, asked, frozenset())
        arguments = {"invite": {"user": chance.choice(world.ids("User"))}, "add": {"titles": ["New"]}}
        if verdict.is_allowed:
            allowed = acting.allowed(world, now, verdict)
            assert isinstance(allowed, Allowed)
            move = allowed.outcome(arguments.get(asked.action, {}), f"act-{chance.random()}")
            written_then = move.writing.on(world) if isinstance(move, ActMove) else None
            if written_then is not None and written_then.after:
                after = world.moved(written_then)
                if after.takes(written_then):
                    return after
    return world


def test_several_processes_find_what_one_finds(tmp_path: Path) -> None:
    chance = random.Random(4)
    facts = small_worlds.world(chance)
    path = written(tmp_path / "goals.yaml", facts, goals_of(chance, facts, depth=2))
    job = Job("tiny.model:TINY", Path(str(TINY.policies)), (path,), (path,), PRUNED)
    attacker = Attacker(job)
    one, several = (list(results_of(job, attacker, attacker.goals.goals, count)) for count in (1, 2))
    assert [replace(each, seconds=0.0) for each in several] == [replace(each, seconds=0.0) for each in one]


def test_a_bound_that_ended_the_search_is_said(tmp_path: Path) -> None:
    facts = small_worlds.world(random.Random(1))
    goal = {"goal": "g", "colluders": ["ann"], "reached": QUERIES[0].replace("PUBLISHED", "ARCHIVED"), "depth": 3}
    goals, search = loaded(written(tmp_path / "goals.yaml", facts, [goal]))
    found = search.run(goals.goals[0], Limits(seconds=0.0))
    assert found.ended is Ended.TIME
    assert "before the time was over" in report_of(BUNDLE, found).bound


def test_a_search_that_a_bound_ended_says_how_many_acts_were_tried_in_every_way(tmp_path: Path) -> None:
    """So many acts lead to nothing, whatever the bound was."""
    seen = set()
    for seed in range(5):
        chance = random.Random(seed)
        facts = small_worlds.world(chance)
        goals, search = loaded(written(tmp_path / "goals.yaml", facts, goals_of(chance, facts, depth=3)))
        for states in (2, 8, 100):
            for goal in goals.goals:
                found = search.run(goal, Limits(states=states))
                if found.ended is not Ended.STATES:
                    continue
                seen.add(found.complete)
                assert found.complete < 3
                if found.complete:
                    assert search.run(goal, Limits(depth=found.complete)).ended in (Ended.DEPTH, Ended.ALL)
                    assert f"no attack up to {found.complete} act" in report_of(BUNDLE, found).bound
    assert seen >= {0, 1}


def same_facts(moved: World) -> None:
    """A world behind moves is what its facts are in a world of their own."""
    own = World(moved.facts)
    assert moved.digest == own.digest
    assert {name: some for name, some in moved.records.items() if some} == own.records
    assert moved._held.units == own._held.units
    assert {unit: set(keys) for unit, keys in moved._held.keys.items() if keys} == {
        unit: set(keys) for unit, keys in own._held.keys.items()
    }
    assert all(moved.version(unit) == own.version(unit) for unit in {*moved._held.versions, *own._held.versions})


def test_a_world_behind_a_move_holds_what_its_facts_hold(tmp_path: Path) -> None:
    """Whatever was taken over from the world before: its units, what they hold, and what both are as numbers."""
    moves = 0
    for seed in range(16):
        chance = random.Random(seed)
        facts = small_worlds.world(chance)
        goals, _ = loaded(written(tmp_path / "goals.yaml", facts, goals_of(chance, facts, depth=2)))
        acting = Acting(BUNDLE, Relevance(BUNDLE))
        world = World(goals.goals[0].facts)
        for _ in range(6):
            after = done(acting, world, goals.goals[0].now, chance)
            moves += after is not world
            world = after
            same_facts(world)
    assert moves > 40


def test_a_world_of_the_shipped_model_holds_what_its_facts_hold(tmp_path: Path) -> None:
    """A record that leads another to a unit, one that goes, one that leads elsewhere, and such that only change."""
    world = World(a_goal(tmp_path, Bundle.load(MODEL)).facts)
    member = replace(world.records["Membership"]["m-user"], id="m-new", person_id="signer")
    grant = replace(world.records["SealGrant"]["g-user"], id="g-new", membership_id="m-new")
    for change in (
        Put(member),
        Put(grant),
        Update("SealGrant", "g-user", {"used": 1}),
        Update("SigningTask", "t", {"handler_id": "stranger"}),
        Delete("TaskOperator", "o-user"),
        Update("Seal", "s", {"name": "another"}),
    ):
        world = world.moved(world.written((change,)))
        same_facts(world)
