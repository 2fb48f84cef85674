"""The law of searches that keep acts apart, where time passes once and goals ask whose act was the last one."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import small_times
from effort import EFFORT, Effort

from sealauthz.attack import apart as apart_module
from sealauthz.attack import orders
from sealauthz.attack import search as search_module
from sealauthz.attack.apart import Apart
from sealauthz.attack.found import Found, Limits
from sealauthz.attack.goals import Goal, Goals
from sealauthz.attack.moves import ActMove, Waited
from sealauthz.attack.replay import replay
from sealauthz.attack.search import Search
from sealauthz.decision import Bundle
from sealauthz.schema import Instant

APART = Limits(together=0)
MIXED = Limits(together=3)
"""In every mixture, with what cannot matter left out, which `test_search.py` holds against a search that tries all."""
PLAIN = Limits(is_pruned=False)
SEEDS = range(16) if EFFORT is Effort.THOROUGH else (11, 17, 19, 34)


@dataclass(frozen=True)
class Compared:
    """One goal over one small world, and what both ways to search find."""

    goal: Goal
    search: Search
    mixed: Found
    apart: Found


def acts_of(found: Found) -> int:
    return sum(isinstance(step.move, ActMove) for step in found.steps)


def differs(found: Found, mixed: Found) -> bool:
    return (bool(found.record), acts_of(found)) != (bool(mixed.record), acts_of(mixed))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return small_times.bundle(tmp_path_factory.mktemp("policies"))


@pytest.fixture(autouse=True)
def few_instants(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_module, "ends_of_waits", small_times.ends)
    monkeypatch.setattr(apart_module, "ends_of_waits", small_times.ends)


def both(search: Search, goal: Goal) -> Compared:
    """Search in both ways; time passes in every mixture until each instant that the other one knows as well."""
    with pytest.MonkeyPatch.context() as patch:
        known: set[Instant] = set()

        def ends(*about: Any) -> list[Instant]:
            known.update(small_times.ends(*about))
            return sorted(known) if is_known else small_times.ends(*about)

        is_known = False
        patch.setattr(search_module, "ends_of_waits", ends)
        patch.setattr(apart_module, "ends_of_waits", ends)
        apart = search.run(goal, APART)
        is_known, before = True, frozenset(known)
        mixed = search.run(goal, MIXED)
        assert known == before or mixed.record, "each instant that acts make was known before they were put together"
    return Compared(goal, search, mixed, apart)


@pytest.fixture(scope="module")
def compared(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> list[Compared]:
    found = []
    for seed in SEEDS:
        folder, facts = tmp_path_factory.mktemp("world"), small_times.world(random.Random(seed))
        search = small_times.searched(folder, bundle, facts, small_times.goals())
        found += [both(search, goal) for goal in search.goals.goals]
    return found


def test_a_search_apart_finds_what_one_in_every_mixture_finds(compared: list[Compared]) -> None:
    assert [each.goal for each in compared if differs(each.apart, each.mixed)] == []
    assert {acts_of(each.mixed) for each in compared if each.mixed.record} >= {1, 2, 3}
    assert any(each.apart.is_apart and not each.mixed.record for each in compared)


def test_what_is_found_can_be_performed(compared: list[Compared]) -> None:
    found = [each for each in compared if each.apart.steps]
    for each in found:
        played = replay(each.search.bundle, each.search.goals, each.apart)
        assert played.is_reached, (each.goal, played)
    order = {tuple(type(step.move) is Waited for step in each.apart.steps) for each in found}
    assert {(False, True, False), (False, True), (True, False)} <= order, "time passes between acts, and beside them"


OWNERS = ("ann", "bob")


def facts_of(
    since: str = "", states: tuple[str, ...] = (), words: int = 1, later: tuple[str, ...] = OWNERS
) -> dict[str, Any]:
    """Facts of two owners of a team, who come later or not, and of its documents."""
    begins = {user: {"since": since} if since and user in later else {} for user in OWNERS}
    document = {"folder_id": "f", "author_id": "bob", "title": "T", "words": words}
    return {
        "User": {user: {} for user in ("ann", "bob", "cy", "dee")},
        "Team": {"red": {"title": "red"}},
        "TeamMember": {f"red-{u}": {"team_id": "red", "user_id": u, "rank": "OWNER"} | begins[u] for u in OWNERS},
        "Folder": {"f": {"team_id": "red", "title": "Folder"}},
        "Document": {f"d{number}": document | {"state": state} for number, state in enumerate(states)},
    }


@dataclass(frozen=True)
class Case:
    """A goal and facts for which a fault is seen: by how many acts it is reached, None where it is not."""

    number: int
    acts: int | None
    facts: dict[str, Any]


SOON = "2026-09-23T14:13:20Z"
RIPENS = Case(0, 2, facts_of(states=("DRAFT", "DRAFT"), words=120))
LATE = Case(2, 2, facts_of(SOON, ("DRAFT",)))
TWICE = Case(3, None, facts_of(SOON, ("DRAFT", "DRAFT")))
GONE = Case(5, None, facts_of(SOON, ("DRAFT", "DRAFT"), words=120))
LAST = Case(7, None, facts_of(SOON, ("DRAFT", "DRAFT"), words=120, later=("ann",)))
BOB = Case(9, 2, facts_of(states=("DRAFT",)))
NOBODY = Case(10, 1, facts_of(SOON))


def as_expected(case: Case, folder: Path, bundle: Bundle) -> bool:
    asked = small_times.goals()[case.number]
    search = small_times.searched(folder, bundle, case.facts, [asked])
    found = search.run(search.goals.goals[0], replace(APART, depth=case.acts))
    return (acts_of(found) if found.record else None) == case.acts


CASES = (RIPENS, LATE, TWICE, GONE, LAST, BOB, NOBODY)


@pytest.mark.parametrize("case", CASES, ids=[str(each.number) for each in CASES])
def test_the_cases_of_the_faults_are_searched_right(case: Case, tmp_path: Path, bundle: Bundle) -> None:
    assert as_expected(case, tmp_path, bundle)
    search = small_times.searched(tmp_path, bundle, case.facts, [small_times.goals()[case.number]])
    mixed = search.run(search.goals.goals[0], replace(PLAIN, depth=case.acts))
    assert (acts_of(mixed) if mixed.record else None) == case.acts


def _nobody(apart: Apart, node: Any, now: Instant) -> dict[Any, Any]:
    return {("", ""): []}


@pytest.mark.parametrize(
    ("case", "where", "what", "fault"),
    [
        (RIPENS, Apart, "_learn_instants", lambda *_: None),
        (LATE, Apart, "_times", lambda apart, until: [until] if until else sorted(apart.instants)),
        (LATE, Apart, "_times", lambda apart, until: [until or apart._now]),
        (TWICE, apart_module, "may_meet", lambda *_: True),
        (GONE, orders, "_may_follow", lambda *_: True),
        (LAST, Apart, "_ordered", lambda _, node, __: node.moves),
        (BOB, Apart, "_last_acts", _nobody),
        (NOBODY, Goals, "last_acts", lambda *_: frozenset({""})),
        (BOB, Apart, "_asked_for", lambda *_: ("ann", "archive")),
        (NOBODY, Apart, "_last_acts", lambda _, node, __: {each.last: [each] for each in node.parts}),
    ],
    ids=[
        "time passes until no instant that an act makes",
        "nothing is done before time passes",
        "time does not pass",
        "time passes twice",
        "what is done before time passes is done behind it",
        "an act is the last one that cannot be",
        "nobody's act is the last one",
        "no act is tried that time follows",
        "another act is the last one",
        "an act is the last one behind which time passed",
    ],
)
def test_a_fault_would_be_noticed(
    case: Case,
    where: Any,
    what: str,
    fault: Any,
    tmp_path: Path,
    bundle: Bundle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Planted faults."""
    monkeypatch.setattr(where, what, fault)
    assert not as_expected(case, tmp_path, bundle)
