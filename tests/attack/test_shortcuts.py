"""Laws of the shortcuts: moves that are remembered, and values that may fit."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
import small_worlds
from small_worlds import BUNDLE, loaded, written
from tiny.model import TINY

from sealauthz.decision import Bundle
from sealauthz.model import MODEL
from sealauthz.polar import Source, admit
from sealauthz.policytools.attack.acting import Acting
from sealauthz.policytools.attack.candidates import Candidates, Doer
from sealauthz.policytools.attack.compared import comparisons
from sealauthz.policytools.attack.goals import load_goals
from sealauthz.policytools.attack.moves import ActMove
from sealauthz.policytools.attack.reads import Relevance
from sealauthz.policytools.attack.said import Said
from sealauthz.policytools.attack.views import Reads
from sealauthz.policytools.attack.world import World
from sealauthz.schema import Action, looks

SPRUCE = """
include: ["default:fixtures.yaml"]
fixture: spruce
goals:
  - goal: none
    given: {change: {RegistrySnapshot: {reg-e: {registered_name: 云杉印务}}}}
    colluders: [keeper, plain]
    reached: 'reached(seal: Seal, _: Attack) if seal.id = "none";'
"""


@pytest.fixture(scope="module")
def shipped() -> Bundle:
    return Bundle.load(MODEL)


def differences(bundle: Bundle, path: Path, *, to_first: bool = False) -> tuple[int, int]:
    """Walk through worlds of the shipped model, and compare the moves that are remembered with those found afresh.

    How often they differ, and how often something was remembered; `to_first` goes no further than the first difference.
    """
    path.write_text(SPRUCE, encoding="utf-8")
    goal = load_goals([path], bundle).goals[0]
    chance = random.Random(7)
    acts = [each for each in MODEL.actions.values() if each.effect not in (None, looks)]
    told = [MODEL.action("grant", "Seal"), MODEL.action("confirm", "SealGrant"), MODEL.action("use", "Seal")]
    tried: list[Action] = [*told, *chance.sample(acts, 15)]
    relevance = Relevance(bundle)
    acting, said = Acting(bundle, relevance), Said(bundle, {})
    afresh = Candidates(bundle, relevance, Acting(bundle, relevance), said, remembers=False)
    remembering = Candidates(bundle, relevance, acting, said, remembers=True)
    doers = [Doer(each, frozenset(goal.colluders)) for each in goal.colluders]
    first, differ = World(goal.facts), 0
    for walk in range(4):
        world = first
        for step in range(3):
            moves: list[ActMove] = []
            for action in tried:
                for doer in doers:
                    some = remembering.of(world, goal.now, doer, action, ())
                    afresh._acting = Acting(bundle, relevance)
                    differ += some != afresh.of(world, goal.now, doer, action, ())
                    if differ and to_first:
                        return differ, acting.remembered
                    moves += some
            # The first walk tells a story, in which an act allows the next; the others go anywhere.
            story = [move for move in moves if walk == 0 and move.asked.action == told[step].name]
            story = [move for move in story if move.arguments.get("member") == "m-plain"] or story
            written_then = chance.choice(story or moves).writing.on(world) if moves else None
            if written_then is not None and written_then.after:
                world = world.moved(written_then)
    return differ, acting.remembered


@pytest.mark.slow
def test_moves_that_are_remembered_are_those_that_would_be_found(shipped: Bundle, tmp_path: Path) -> None:
    differ, remembered = differences(shipped, tmp_path / "goals.yaml")
    assert differ == 0
    assert remembered > 100


@pytest.mark.slow
def test_moves_remembered_by_who_sees_too_little_would_be_noticed(
    shipped: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted fault: a requirement is taken to read nothing but the people."""
    monkeypatch.setattr(Relevance, "requirement", lambda *_: Reads(frozenset(), frozenset({"Person"})))
    assert differences(shipped, tmp_path / "goals.yaml", to_first=True)[0] > 0


def test_what_rules_compare_is_known_over_variables() -> None:
    text = """
    fits(one, two) if name = one.said and name = two.registered and name != "";
    less(one, two) if one.count <= two.most and one.kind in ["A", "B"];
    """
    found = comparisons(admit(Source("rules.polar", text), frozenset({"said", "registered", "count", "most", "kind"})))
    assert found["said"].names == {"registered"}
    assert found["registered"].values == {""}
    assert found["count"].names == {"most"}
    assert found["kind"].values == {"A", "B"}


def test_a_text_is_said_that_a_rule_compares_with_what_records_hold(shipped: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "goals.yaml"
    path.write_text(SPRUCE, encoding="utf-8")
    world = World(load_goals([path], shipped).goals[0].facts)
    assert "云杉印务" in Said(shipped, {})._fitting(world, "name_on_seal")


def test_numbers_are_said_on_both_sides_of_each_threshold(tmp_path: Path) -> None:
    facts = small_worlds.world(random.Random(5))
    goal = {"goal": "g", "colluders": ["ann"], "reached": small_worlds.QUERIES[0]}
    goals, _ = loaded(written(tmp_path / "goals.yaml", facts, [goal]))
    longest = BUNDLE.parameters.longest
    some = Said(BUNDLE, {})._thresholds(World(goals.goals[0].facts), "words")
    assert {longest - 1, longest, longest + 1, 9, 10, 11} <= set(some)


def test_numbers_instants_and_yes_or_no_are_said_in_contexts(tmp_path: Path) -> None:
    """Those on both sides of what a rule compares with them; the present instant, and those that records hold."""
    further = (("count", "Integer"), ("on", "Instant"), ("is_late", "Boolean"))
    action = Action("publish", "Document", TINY.context, further=further)
    facts = small_worlds.world(random.Random(5))
    facts["TeamMember"]["red-ann"] = {"team_id": "red", "user_id": "ann", "rank": "OWNER", "since": "now - 1 day"}
    goal = {"goal": "g", "colluders": ["ann"], "reached": small_worlds.QUERIES[0]}
    goals, _ = loaded(written(tmp_path / "goals.yaml", facts, [goal]))
    rules = "a(one, two) if one.count <= 7 and one.on < two.since; b(one, two) if one.on <= two.now;"
    names = frozenset({"count", "on", "since", "now"})
    said = Said(BUNDLE, {})
    said._compared = comparisons(admit(Source("rules.polar", rules), names))
    now, world = goals.goals[0].now, World(goals.goals[0].facts)

    def values(key: str) -> set[object]:
        return {each and each[1] for each in said._choices(world, now, action, key, "ann", is_shown=False)}

    assert values("is_late") == {None, False, True}
    assert {6, 7, 8} <= values("count")
    day = 86_400_000_000
    assert {now - 1, now, now + 1, now - day - 1, now - day, now - day + 1} <= values("on")


def test_a_digest_is_each_that_rules_compare_and_one_that_is_none_of_them(shipped: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "goals.yaml"
    path.write_text(SPRUCE, encoding="utf-8")
    world, said = World(load_goals([path], shipped).goals[0].facts), Said(shipped, {})
    action = MODEL.action("assign_role", "Membership")
    now = load_goals([path], shipped).goals[0].now
    texts = {each and each[1] for each in said._choices(world, now, action, "digest", "plain", is_shown=False)}
    assert {None, "digest-1", "fresh"} <= texts
    check = replace(world.records["IdentityVerification"]["v-user"], bound_digest="fresh")
    later = world.with_records([check])
    texts = {each and each[1] for each in said._choices(later, now, action, "digest", "plain", is_shown=False)}
    assert {"fresh", "fresh-too"} <= texts
