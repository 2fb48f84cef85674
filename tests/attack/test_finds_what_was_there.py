"""The search finds what was there: with a protection taken out again, the attack that it closed, and a database takes
the same steps.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from effort import EFFORT, Effort
from protections import PROTECTIONS, Protection

from sealauthz.decision import Bundle
from sealauthz.decision.checking import attributes, compiled_from
from sealauthz.decision.folder import installed_folder
from sealauthz.decision.product_reasons import PRODUCT_REASONS
from sealauthz.model import MODEL
from sealauthz.polar import Source, admit, rulebook_of
from sealauthz.polar.groups import expanded
from sealauthz.policytools.attack import world
from sealauthz.policytools.attack.found import Limits
from sealauthz.policytools.attack.goals import Goals, load_goals
from sealauthz.policytools.attack.replay import replay
from sealauthz.policytools.attack.said import Words, words_of_tests
from sealauthz.policytools.attack.search import Search
from sealauthz.policytools.testing.library import Library
from sealauthz.runtime.errors import InvariantBroken

TESTS = installed_folder() / "tests"
SECONDS = 60.0

SAID_IN = (
    "administrators.yaml",
    "resolutions.yaml",
    "straw_men.yaml",
    "sealing.yaml",
    "seal_management.yaml",
)
"""Whose words are said in acts: reasons, roles, kinds, ways to certify."""


@cache
def shipped() -> Bundle:
    """The rulebook as it is."""
    return Bundle.load(MODEL)


@cache
def goals() -> Goals:
    """The goals that are shipped with it."""
    return load_goals([TESTS / "attacks.yaml"], shipped())


@cache
def words() -> Words:
    """What is said in acts."""
    library = Library(MODEL)
    loaded = [library.load(TESTS / name) for name in SAID_IN]
    return words_of_tests([each.written for each in loaded if each])


def test_what_is_taken_out_stands_there_once() -> None:
    """Of all of them, also those that this run leaves out."""
    texts = {each.file: each.text for each in shipped().sources}
    for protection in PROTECTIONS:
        for file, old, _ in protection.parts:
            assert not old or texts[file].count(old) == 1, (protection.goal, file, old)


def _without(protection: Protection) -> Bundle:
    """Return the rulebook without one protection."""
    bundle = shipped()
    texts = {each.file: each.text for each in bundle.sources}
    for file, old, new in protection.parts:
        texts[file] = texts[file].replace(old, new) if old else f"{texts[file]}\n{new}\n"
    sources = tuple(
        each if texts[each.file] == each.text else Source(each.file, texts[each.file]) for each in bundle.sources
    )
    expansion = expanded(statement for source in sources for statement in admit(source, attributes(MODEL)))
    return dataclasses.replace(
        bundle,
        sources=sources,
        read_statements=lambda: expansion.statements,
        rulebook=rulebook_of(expansion.statements, PRODUCT_REASONS, expansion.groups),
        engine=compiled_from(MODEL, expansion.statements),
    )


@contextlib.contextmanager
def store_without(invariant: str) -> Iterator[None]:
    """Let the worlds of a search take what breaks an invariant."""

    def lenient(check: Callable[..., None]) -> Callable[..., None]:
        def checked(*arguments: Any) -> None:
            try:
                check(*arguments)
            except InvariantBroken as error:
                if error.invariant != invariant:
                    raise

        return checked

    with pytest.MonkeyPatch.context() as patch:
        for name in ("check_each", "check_together", "check_constraints"):
            patch.setattr(world, name, lenient(getattr(world, name)))
        yield


@contextlib.contextmanager
def acts_without(protection: Protection) -> Iterator[None]:
    """Let an act do what it would do without what it protects itself."""
    if protection.does is None:
        yield
        return
    action = MODEL.action(*protection.act)
    before = action.effect
    object.__setattr__(action, "effect", protection.does)
    try:
        yield
    finally:
        object.__setattr__(action, "effect", before)


TRIED = PROTECTIONS if EFFORT is Effort.THOROUGH else PROTECTIONS[:: 5 if EFFORT is Effort.SHORT else 3]
"""Each is a search of some seconds: every run makes every third one."""


@pytest.mark.slow
@pytest.mark.usefixtures("replays_on_copies")
@pytest.mark.parametrize("protection", TRIED, ids=[each.goal for each in TRIED])
def test_without_a_protection_the_search_finds_the_attack_that_it_closed(protection: Protection) -> None:
    bundle = _without(protection)
    goal = next(each for each in goals().goals if each.name == protection.goal)
    with acts_without(protection):
        with store_without(protection.kept_by):
            found = Search(bundle, goals(), words()).run(goal, Limits(seconds=SECONDS))
        assert found.record
        assert len(found.steps) == protection.steps
        replayed = replay(bundle, goals(), found)
    # What the store keeps too, a database does not take.
    assert replayed.is_reached == (not protection.kept_by), replayed.said
    assert f"({protection.kept_by})" in replayed.said or not protection.kept_by


def test_each_shipped_goal_is_proved_to_be_within_reach() -> None:
    assert {goal.name for goal in goals().goals} == {each.goal for each in PROTECTIONS}


@pytest.mark.slow
def test_no_shipped_goal_is_reached_by_one_act_on_the_rulebook_as_it_is() -> None:
    """`make attack` goes deeper."""
    search = Search(shipped(), goals(), words())
    found = [search.run(goal, Limits(depth=1, seconds=SECONDS)) for goal in goals().goals]
    assert [each.goal.name for each in found if each.record] == []
    assert len(found) >= 25
