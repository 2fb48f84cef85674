"""The law of searches that keep apart what does not concern each other: they find what a plain search finds."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import small_worlds
from effort import EFFORT, Effort
from small_worlds import goals_of, loaded, written
from tiny.model import TINY

from sealauthz.attack.altered import Altered
from sealauthz.attack.apart import Apart
from sealauthz.attack.candidates import Doer
from sealauthz.attack.found import Ended, Found, Limits
from sealauthz.attack.goals import Goal
from sealauthz.attack.moves import ActMove
from sealauthz.attack.noting import Noting
from sealauthz.attack.remembered import Remembered
from sealauthz.attack.report import report_of
from sealauthz.attack.search import Search, _Run
from sealauthz.attack.shown import Idle, Shown
from sealauthz.attack.touching import Footprint, Trace, What, trace_of
from sealauthz.attack.world import World
from sealauthz.decision import Bundle
from sealauthz.schema import Change

APART = Limits(together=0)
PLAIN = Limits(is_pruned=False)
SEEDS = range(20) if EFFORT is Effort.THOROUGH else (3, 11)
"""The fourth world has a goal that takes two acts of which neither leads further alone."""

TOGETHER = (
    """reached(folder: Folder, _: Attack) if
      one in folder.documents and two in folder.documents and one.id != two.id and
      one.state = "PUBLISHED" and two.state = "PUBLISHED";""",
    """reached(team: Team, _: Attack) if
      member in team.members and member.user_id = "dee" and
      folder in team.folders and document in folder.documents and document.state = "PUBLISHED";""",
    """reached(team: Team, _: Attack) if
      one in team.members and two in team.members and one.user_id = "cy" and two.user_id = "dee" and
      one.rank = two.rank;""",
)
"""Goals that rest on what acts leave that have nothing to do with each other, or on two rows of one collection."""


@dataclass(frozen=True)
class Compared:
    """One goal over one small world, and what a plain search finds."""

    goal: Goal
    search: Search
    plain: Found


def acts_of(found: Found) -> int:
    return sum(isinstance(step.move, ActMove) for step in found.steps)


def only_acts(goals: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return goals with nothing but acts of colluders, that do not ask whose act was the last one."""
    kept = [each for each in goals if "context.act" not in each["reached"]]
    return [{name: some for name, some in goal.items() if name not in ("waits", "deceived")} for goal in kept]


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> list[Compared]:
    found = []
    for seed in SEEDS:
        chance = random.Random(seed)
        facts = small_worlds.world(chance)
        asked = goals_of(chance, facts, depth=3)
        people = sorted({each["user_id"] for each in facts["TeamMember"].values()})[:2]
        asked += [
            {"goal": f"together {number}", "colluders": people, "depth": 3, "reached": reached}
            for number, reached in enumerate(TOGETHER)
        ]
        path = tmp_path_factory.mktemp("world") / "goals.yaml"
        goals, search = loaded(written(path, facts, only_acts(asked)))
        found += [Compared(goal, search, search.run(goal, PLAIN)) for goal in goals.goals]
    return found


def differs(each: Compared) -> bool:
    found = each.search.run(each.goal, APART)
    return (bool(found.record), acts_of(found)) != (bool(each.plain.record), acts_of(each.plain))


def test_a_search_apart_finds_what_a_plain_one_finds(compared: list[Compared]) -> None:
    assert [each.goal for each in compared if differs(each)] == []
    assert {acts_of(each.plain) for each in compared if each.plain.record} >= {1, 2, 3}


@pytest.mark.parametrize(
    ("where", "what", "fault"),
    [
        (Apart, "_concerned", lambda *_, **__: None),
        (Footprint, "may_be_noticed_by", lambda *_: False),
        (Footprint, "is_noticed_by", lambda *_: False),
        (Altered, "is_lasting", lambda *_: True),
        (Remembered, "find", lambda known, question, _: next((e[:2] for e in known._known.get(question, ())), None)),
        (Altered, "learn", lambda *_: False),
    ],
    ids=[
        "nothing is put together",
        "nobody might notice another part",
        "nobody notices what was done",
        "what is denied stays so",
        "an answer stands everywhere",
        "what acts alter is not learned",
    ],
)
def test_what_keeps_too_much_apart_would_be_noticed(
    where: Any, what: str, fault: Any, compared: list[Compared], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted faults."""
    monkeypatch.setattr(where, what, fault)
    assert any(differs(each) for each in compared)


def test_what_a_bound_ended_says_up_to_how_many_acts_it_is_known(compared: list[Compared]) -> None:
    missed = next(each for each in compared if not each.plain.record and each.plain.states > 20)
    found = missed.search.run(missed.goal, Limits(together=0, states=4))
    assert (found.ended, found.is_apart) == (Ended.STATES, True)
    assert found.complete < 3
    report = report_of(small_worlds.BUNDLE, found)
    assert "what does not concern each other kept apart" in report.bound
    assert "before there were too many states" in report.bound


def test_who_is_passed_by_is_not_rested_on() -> None:
    """One of which only its own columns were read, and what stays; not the last one, behind which nobody was looked at,
    nor one of which more was read, nor anybody where an effect goes through them.
    """
    grants = (What.WALK, "Grant", "seal_id", "s")
    looked = [(What.MEMBER, "0", "Grant", name) for name in ("one", "two", "three")]
    events = [
        (What.SCAN, *grants[1:]),
        grants,
        looked[0],
        (What.COLUMN, "Grant", "one", "right"),
        (What.COLUMN, "Person", "ann", "name"),
        looked[1],
        (What.COLUMN, "Grant", "two", "right"),
        (What.COLUMN, "Person", "ann", "state"),
        looked[2],
        (What.COLUMN, "Grant", "three", "right"),
    ]
    trace = trace_of(events, lambda place: place[2] == "name")
    assert trace.walked == {(What.SCAN, *grants[1:])}
    assert trace.passed == {("Grant", "one", "right")}
    assert {place[1] for place in trace.rested} == {"two", "ann", "three"}
    assert {place[1] for place in trace_of(events, None).rested} >= {"one", "two", "three"}


def test_a_collection_that_is_taken_whole_is_rested_on() -> None:
    """Whether it is empty, or what it equals."""
    whole = (What.SCAN, "Grant", "seal_id", "s")
    assert trace_of([whole], lambda _: False).rested == {whole}


BOTH = """
requires("archive", _: Document, "BESIDE");
requires("archive", _: Document, "FOLLOWED");
meets(_: User, "BESIDE", "archive", document: Document, _) if document.id != "d";
meets(_: User, "FOLLOWED", "archive", document: Document, _) if document.id != "d";
meets(_: User, "BESIDE", "archive", document: Document, _) if
  folder in document.folder.team.folders and
  folder.id = "side" and
  other in folder.documents and
  other.state = "ARCHIVED";
meets(_: User, "FOLLOWED", "archive", document: Document, _) if
  other in document.folder.documents and
  other.state = "DRAFT";
otherwise("BESIDE", "NOT_BESIDE");
otherwise("FOLLOWED", "NOT_FOLLOWED");
reason("NOT_BESIDE", 50, "USER", "NONE");
reason("NOT_FOLLOWED", 50, "USER", "NONE");
"""


def test_acts_are_put_together_that_settle_one_requirement_each(tmp_path: Path) -> None:
    """Neither has anything to do with the other, and each leaves an act denied for the other requirement."""
    policies = tmp_path / "policies"
    shutil.copytree(TINY.policies, policies)
    (policies / "more.polar").write_text(BOTH, encoding="utf-8")
    bundle = Bundle.load(TINY, policies)
    facts = {
        "User": {"ann": {}, "dee": {}},
        "Team": {"red": {"title": "red"}},
        "TeamMember": {"red-ann": {"team_id": "red", "user_id": "ann", "rank": "OWNER"}},
        "Folder": {name: {"team_id": "red", "title": name} for name in ("plans", "side")},
        "Document": {
            name: {"folder_id": folder, "author_id": "ann", "title": "T", "words": 1, "state": "PUBLISHED"}
            for name, folder in (("d", "plans"), ("e", "side"))
        },
    }
    reached = 'reached(document: Document, _: Attack) if document.id = "d" and document.state = "ARCHIVED";'
    goal = {"goal": "both", "colluders": ["ann"], "depth": 3, "reached": reached}
    goals, search = loaded(written(tmp_path / "goals.yaml", facts, [goal]), bundle)
    assert acts_of(search.run(goals.goals[0], PLAIN)) == 3
    assert acts_of(search.run(goals.goals[0], APART)) == 3


APPROVED = """_: Document, context: PublishContext) if
  team = context.team and
  team matches Team and
  approver = context.approver and
  approver matches TeamMember and
  approver.team_id = team.id and
  approver.user_id != user.id;"""
KEPT_TOO = """document: Document, context: PublishContext) if
  approver = context.approver and
  approver matches TeamMember and
  approver.team_id = document.folder.team_id and
  approver.user_id != user.id and
  is_kept(document);
meets(_: User, "APPROVED", "publish", document: Document, _) if
  member in document.folder.team.members and
  member.user_id = "dee" and
  is_kept(document);
is_kept(document: Document) if other in document.folder.documents and other.state = "ARCHIVED";"""


@pytest.fixture(scope="module")
def approving(tmp_path_factory: pytest.TempPathFactory) -> tuple[Search, dict[str, Goal]]:
    """A document is published if an approver of its team is shown, or `dee` is in it, and something in its folder was
    archived: each by an act of its own. Members of another team may be shown as well.
    """
    folder = tmp_path_factory.mktemp("shown")
    policies = folder / "policies"
    shutil.copytree(TINY.policies, policies)
    rules = (policies / "documents.polar").read_text(encoding="utf-8")
    (policies / "documents.polar").write_text(rules.replace(APPROVED, KEPT_TOO), encoding="utf-8")
    assert rules.count(APPROVED) == 1
    facts = {
        "User": {"ann": {}, "cy": {}},
        "Team": {name: {"title": name} for name in ("red", "blue")},
        "TeamMember": {f"{name}-ann": {"team_id": name, "user_id": "ann", "rank": "OWNER"} for name in ("red", "blue")},
        "Folder": {"plans": {"team_id": "red", "title": "plans"}},
        "Document": {
            "old": {"folder_id": "plans", "author_id": "ann", "title": "T", "words": 1, "state": "PUBLISHED"},
        },
    }
    goal = {"colluders": ["ann"], "depth": 4, "acts": ["invite", "add", "archive", "publish"]}
    new = 'document.id != "old" and document.state = "PUBLISHED"'
    asked = [
        {**goal, "goal": "published", "reached": f"reached(document: Document, _: Attack) if {new};"},
        {
            **goal,
            "goal": "never",
            "reached": f"reached(document: Document, _: Attack) if {new} and document.words = 7;",
        },
    ]
    goals, search = loaded(written(folder / "goals.yaml", facts, asked), Bundle.load(TINY, policies))
    return search, {each.name: each for each in goals.goals}


def test_what_is_shown_and_serves_is_put_together_with_what_it_is_shown_for(
    approving: tuple[Search, dict[str, Goal]],
) -> None:
    """Who approves, and what is published, come by acts of which neither notices the other; and the act is denied, as
    long as nothing is archived.
    """
    search, goals = approving
    assert acts_of(search.run(goals["published"], PLAIN)) == 4
    assert acts_of(search.run(goals["published"], APART)) == 4


@pytest.mark.parametrize(
    ("where", "what", "fault"),
    [
        (Shown, "serves", lambda *_: (False, [])),
        (Noting, "_serving_nothing", lambda *_: Trace()),
        (Altered, "is_lasting", lambda *_: True),
    ],
    ids=["no rule holds", "nothing serves", "whatever holds stays so"],
)
def test_what_takes_too_much_to_serve_nothing_would_be_noticed(
    where: Any, what: str, fault: Any, approving: tuple[Search, dict[str, Goal]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted faults."""
    search, goals = approving
    monkeypatch.setattr("sealauthz.attack.world._leading", lambda _: frozenset())
    monkeypatch.setattr(where, what, fault)
    assert acts_of(search.run(goals["published"], APART)) != 4


def test_what_serves_nothing_is_not_put_together_with_what_it_is_shown_for(
    approving: tuple[Search, dict[str, Goal]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if no new member led their team's facts elsewhere, which everybody might notice."""
    search, goals = approving
    monkeypatch.setattr("sealauthz.attack.world._leading", lambda _: frozenset())
    assert acts_of(search.run(goals["published"], APART)) == 4
    found = search.run(goals["never"], APART)
    monkeypatch.setattr(Idle, "is_apart", lambda *_: False)
    all_kept = search.run(goals["never"], APART)
    assert (found.record, all_kept.record) == ("", "")
    assert found.states < all_kept.states


def test_what_an_act_is_refused_for_is_noted(tmp_path: Path) -> None:
    """Who is a member already is not invited: where that is otherwise, it is asked again."""
    facts = small_worlds.world(random.Random(3))
    owner = next(each["user_id"] for each in facts["TeamMember"].values() if each["team_id"] == "red")
    reached = 'reached(team: Team, _: Attack) if team.id = "none";'
    goal = {"goal": "none", "colluders": [owner], "depth": 3, "reached": reached}
    goals, search = loaded(written(tmp_path / "goals.yaml", facts, [goal]))
    run, first = _Run(search, goals.goals[0], APART), World(goals.goals[0].facts, tells=True)
    noting = Noting(small_worlds.BUNDLE, search.relevance, run._acting, run._said, first)
    came = TINY.records["TeamMember"]("new", "red", "dee")
    assert noting.altered.learn([Change("TeamMember", "new", None, came)])
    doer = Doer(owner, frozenset())
    look = noting.look(first, goals.goals[0].now, doer, TINY.action("invite", "Team"), (), frozenset())
    refused = [named for trace, named, _ in look.denied if (What.SCAN, "TeamMember", "team_id", "red") in trace.rested]
    assert any({"red", owner} <= named for named in refused)
