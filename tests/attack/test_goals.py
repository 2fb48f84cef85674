"""Goals are read from files of policy tests, and what is wrong with one is said at its place."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import small_worlds
from small_worlds import loaded, written

from sealauthz.policytools.attack.found import Ended, Limits
from sealauthz.runtime.errors import SuiteRefused

REACHED = 'reached(document: Document, _: Attack) if document.state = "ARCHIVED";'


def goal(**changes: Any) -> dict[str, Any]:
    return {"goal": "g", "colluders": ["ann"], "reached": REACHED, **changes}


def path_of(folder: Path, *goals: dict[str, Any]) -> Path:
    return written(folder / "goals.yaml", small_worlds.world(random.Random(5)), list(goals))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"colluders": ["anne"]}, "there is nobody called `anne`; did you mean `ann`?"),
        ({"deceived": ["nobody"]}, "there is nobody called `nobody`"),
        ({"acts": ["publsh"]}, "no type has an action `publsh`; did you mean `publish`?"),
        ({"outside": ["the sky falls"]}, "there is no outside move `the sky falls`"),
        (
            {"dutiful": [{"subject": "ann", "action": "archve", "type": "Document"}]},
            "`Document` has no action `archve`",
        ),
        ({"depth": 0}, "`depth`"),
        ({"depth": 4}, "`depth` is 4: a search tries up to 3 acts, so begin nearer to what must never happen"),
        ({"reached": "reached(document: Document) if true;"}, "reached(record: Type, context: Attack)"),
        ({"reached": "reached(document, _: Attack) if true;"}, "must say of which record type it is"),
        (
            {"reached": "reached(document: Document, _: Attack) if document.stat = 1;"},
            "no fact has an attribute `stat`",
        ),
        ({"reached": "reached(team: Team, _: Attack) if team.words = 1;"}, "words"),
        ({"reached": "reached(document: Document, _: Attack) if cut;"}, "is no Polar that a goal may hold"),
        ({"reached": "allow(_, _, _, _);"}, "holds rules `reached"),
        ({"given": "no such situation"}, "there is no situation `no such situation`"),
        ({"unknown": 1}, "`unknown` is not known here"),
    ],
)
def test_what_is_wrong_with_a_goal_is_said(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(SuiteRefused) as refused:
        loaded(path_of(tmp_path, goal(**changes)))
    assert said in str(refused.value)


def test_two_goals_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SuiteRefused, match="there is another goal of this name"):
        loaded(path_of(tmp_path, goal(), goal()))


def test_a_world_that_no_store_would_hold_is_refused(tmp_path: Path) -> None:
    without_owner = {"change": {"TeamMember": {"red-x": {"rank": "READER"}}}}
    facts = small_worlds.world(random.Random(5))
    facts["TeamMember"] = {"red-x": {"team_id": "red", "user_id": "ann", "rank": "OWNER"}}
    facts["Document"] = {}
    with pytest.raises(SuiteRefused, match="no store would hold the facts of this goal"):
        loaded(written(tmp_path / "goals.yaml", facts, [goal(given=without_owner)]))


def test_a_goal_that_holds_from_the_beginning_is_reached_without_an_act(tmp_path: Path) -> None:
    everything = 'reached(team: Team, _: Attack) if team.id != "none";'
    goals, search = loaded(path_of(tmp_path, goal(reached=everything)))
    found = search.run(goals.goals[0], Limits())
    assert found.ended is Ended.REACHED
    assert found.steps == ()


def test_goals_share_rules_of_their_file(tmp_path: Path) -> None:
    path = path_of(tmp_path, goal(reached="reached(document: Document, _: Attack) if is_over(document);"))
    text = path.read_text(encoding="utf-8")
    shared = '"goal_rules": "is_over(document: Document) if document.state = \\"ARCHIVED\\";", "goals"'
    path.write_text(text.replace('"goals"', shared), encoding="utf-8")
    goals, _ = loaded(path)
    assert [each.about for each in goals.goals] == [("Document",)]


def test_what_is_wrong_with_shared_rules_is_said(tmp_path: Path) -> None:
    path = path_of(tmp_path, goal(reached="reached(document: Document, _: Attack) if is_over(document);"))
    text = path.read_text(encoding="utf-8")
    shared = '"goal_rules": "is_over(document: Document) if document.folder.words = 1;", "goals"'
    path.write_text(text.replace('"goals"', shared), encoding="utf-8")
    with pytest.raises(SuiteRefused, match="words"):
        loaded(path)


def test_a_goal_sees_whose_act_was_the_last_and_when_it_all_began(tmp_path: Path) -> None:
    """What `Attack` holds is what the search says, not what a fact says."""
    facts = small_worlds.world(random.Random(5))
    facts["User"] = {name: {"is_locked": False} for name in small_worlds.USERS}
    facts["TeamMember"] = {
        "m1": {"team_id": "red", "user_id": "ann", "rank": "OWNER"},
        "m2": {"team_id": "red", "user_id": "bob", "rank": "OWNER"},
    }
    facts["Document"] = {"d": {"folder_id": "red-folder", "author_id": "bob", "title": "T", "state": "PUBLISHED"}}
    by = 'reached(document: Document, context: Attack) if document.state = "ARCHIVED" and context.action = "archive"'
    query = by + ' and actor = context.actor and actor matches User and actor.id = "{who}";'
    goals, search = loaded(
        written(
            tmp_path / "goals.yaml",
            facts,
            [
                goal(reached=query.format(who="ann"), depth=1),
                goal(goal="by another", reached=query.format(who="bob"), depth=1),
                goal(goal="by either", reached=query.format(who="bob"), colluders=["ann", "bob"], depth=2),
            ],
        )
    )
    by_ann, by_bob, by_either = (search.run(each, Limits()) for each in goals.goals)
    assert by_ann.record == "Document:d"
    assert by_bob.record == ""
    # What either leaves is the same, and still it is not: the goal asks who did it.
    assert by_either.record == "Document:d"
    assert by_either.steps[0].move.asked.subject == "bob"  # type: ignore[union-attr]


def test_an_honest_person_is_deceived_once(tmp_path: Path) -> None:
    """The owner invites one stranger whom a colluder wants in, and not a second one."""
    facts = small_worlds.world(random.Random(5))
    facts["User"] = {name: {"is_locked": False} for name in small_worlds.USERS}
    facts["TeamMember"] = {"m1": {"team_id": "red", "user_id": "ann", "rank": "OWNER"}}
    facts["Document"] = {}
    facts["Team"] = {"red": {"title": "red"}}
    facts["Folder"] = {"red-folder": {"team_id": "red", "title": "Folder"}}
    one = 'reached(member: TeamMember, _: Attack) if member.user_id = "bob";'
    both = (
        "reached(team: Team, _: Attack) if "
        'one in team.members and one.user_id = "bob" and two in team.members and two.user_id = "cy";'
    )
    deceived = {"colluders": ["bob", "cy"], "deceived": ["ann"], "depth": 2}
    reader = {"acts": ["invite"]}
    goals, search = loaded(
        written(
            tmp_path / "goals.yaml",
            facts,
            [
                goal(goal="one", reached=one, **deceived, **reader),
                goal(goal="both", reached=both, **{**deceived, "colluders": ["dee"]}, **reader),
                goal(goal="silent", reached=one, colluders=["bob"], depth=2),
            ],
        )
    )
    found = {each.name: search.run(each, Limits()) for each in goals.goals}
    assert [bool(found[name].record) for name in ("one", "both", "silent")] == [True, False, False]


def test_the_dutiful_do_what_they_may_at_once(tmp_path: Path) -> None:
    """An owner who archives whatever is published leaves nothing that stays published."""
    facts = small_worlds.world(random.Random(5))
    facts["User"] = {name: {"is_locked": False} for name in small_worlds.USERS}
    facts["TeamMember"] = {
        "m1": {"team_id": "red", "user_id": "ann", "rank": "OWNER"},
        "m2": {"team_id": "red", "user_id": "bob", "rank": "EDITOR"},
    }
    facts["Team"] = {"red": {"title": "red"}}
    facts["Folder"] = {"red-folder": {"team_id": "red", "title": "Folder"}}
    facts["Document"] = {"d": {"folder_id": "red-folder", "author_id": "bob", "title": "T", "words": 1}}
    published = 'reached(document: Document, _: Attack) if document.id = "d" and document.state = "PUBLISHED";'
    archived = 'reached(document: Document, _: Attack) if document.id = "d" and document.state = "ARCHIVED";'
    duty = {"subject": "ann", "action": "archive", "type": "Document"}
    goals, search = loaded(
        written(
            tmp_path / "goals.yaml",
            facts,
            [
                goal(goal="published", colluders=["bob"], reached=published, depth=1),
                goal(goal="archived", colluders=["bob"], reached=archived, depth=1, dutiful=[duty]),
            ],
        )
    )
    found = {each.name: search.run(each, Limits()) for each in goals.goals}
    assert found["published"].record == "Document:d"
    # A draft that is archived is deleted: the owner does that before anybody acts.
    assert found["archived"].record == ""


def test_the_dutiful_do_what_they_may_on_every_record(tmp_path: Path) -> None:
    """However many there are: what is left undone would be taken for an attack."""
    facts = small_worlds.world(random.Random(5))
    facts["User"] = {name: {"is_locked": False} for name in small_worlds.USERS}
    facts["TeamMember"] = {
        "m1": {"team_id": "red", "user_id": "ann", "rank": "OWNER"},
        "m2": {"team_id": "red", "user_id": "bob", "rank": "EDITOR"},
    }
    facts["Team"] = {"red": {"title": "red"}}
    facts["Folder"] = {"red-folder": {"team_id": "red", "title": "Folder"}}
    published = {"folder_id": "red-folder", "author_id": "bob", "title": "T", "state": "PUBLISHED"}
    facts["Document"] = {f"d{number}": published for number in range(6)}
    left = (
        'reached(document: Document, _: Attack) if document.state = "DRAFT" and '
        'other in document.folder.documents and other.state = "PUBLISHED";'
    )
    duty = {"subject": "ann", "action": "archive", "type": "Document"}
    goals, search = loaded(
        written(
            tmp_path / "goals.yaml",
            facts,
            [
                goal(goal="left alone", colluders=["bob"], reached=left, depth=1),
                goal(goal="left undone", colluders=["bob"], reached=left, depth=1, dutiful=[duty]),
            ],
        )
    )
    found = {each.name: search.run(each, Limits()) for each in goals.goals}
    assert found["left alone"].record
    assert found["left undone"].record == ""
