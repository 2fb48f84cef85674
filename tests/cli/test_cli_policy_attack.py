"""`policy attack` prints the way that leads to what must never happen, and is a gate for CI."""

import json

import pytest

from sealauthz.cli import policy_attack
from sealauthz.decision.folder import installed_folder

pytestmark = pytest.mark.usefixtures("replays_on_copies")

WORLD = """
include: ["default:fixtures.yaml"]
fixture: spruce
goals:
  - goal: somebody without a grant uses the seal
    given: user holds no grant
    colluders: [plain]
    depth: 1
    reached: |
      reached(use: SealUse, context: Attack) if context.began <= use.used_at;
  - goal: nobody uses the seal
    colluders: [user]
    depth: 1
    reached: |
      reached(use: SealUse, context: Attack) if context.began <= use.used_at;
"""


@pytest.fixture
def attack(sealauthz, tmp_path):
    """The command on the installed policies, with the goals above."""
    (tmp_path / "goals.yaml").write_text(WORLD, encoding="utf-8")
    words = ("policy", "attack", str(installed_folder()), "--goals", "goals.yaml", "-n", "1")
    return lambda *more: sealauthz(*words, *more)


def test_a_goal_that_is_reached_fails_and_the_way_is_printed(attack):
    code, out, err = attack("--goal", "nobody uses the seal", "--replay")
    assert (code, err) == (1, "")
    assert "REACHED  nobody uses the seal" in out
    assert "1. user: use Seal:s task=t verification=new-1" in out
    assert "user passes a check of their own face" in out
    assert "allowed by floor.polar:" in out
    assert "~ SealGrant:g-user used=1" in out
    assert "reached by SealUse:new-2" in out
    assert "replayed on a database: it is performed" in out
    assert out.endswith("\nthe goal is reached\n")


def test_a_goal_that_is_not_reached_says_how_far_was_looked(attack):
    code, out, err = attack("--goal", "somebody without a grant uses the seal")
    assert (code, err) == (0, "")
    assert "not reached  somebody without a grant uses the seal" in out
    assert "no attack up to 1 act (" in out
    assert "(1 state, " in out
    assert "acts decided)" in out
    assert "safe" not in out
    assert out.endswith("\nthe goal is not reached\n")


@pytest.mark.parametrize(
    ("reached", "searched", "said"),
    [
        (0, 2, "none of the 2 goals is reached"),
        (1, 2, "1 of 2 goals is reached"),
        (2, 3, "2 of 3 goals are reached"),
    ],
)
def test_how_many_of_several_goals_are_reached_is_said(reached, searched, said):
    assert policy_attack._sum(reached, searched) == said


def test_policies_that_cannot_be_loaded_are_no_goal_that_is_reached(sealauthz, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "broken.polar").write_text("allow(_, _, _, _);", encoding="utf-8")
    code, out, err = sealauthz("policy", "attack", "own")
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert "contract.polar" in err


def test_programs_get_the_same_as_json(attack):
    code, out, _ = attack("-o", "json", "--replay")
    assert code == 1
    first, second = json.loads(out)
    assert first["ended"] == "DEPTH"
    assert first["steps"] == []
    assert second["ended"] == "REACHED"
    assert second["replayed"]["reached"] is True
    (step,) = second["steps"]
    assert step["performed"]["action"] == "use"
    assert step["performed"]["resource"] == "Seal:s"
    assert {"requirement", "file", "line"} == set(step["rules"][0])


def test_a_goal_that_is_not_there_is_said(attack):
    code, _, err = attack("--goal", "nobody uses the sael")
    assert code == 2
    assert "there is no goal `nobody uses the sael`; did you mean `nobody uses the seal`?" in err


def test_a_folder_without_goals_is_said(sealauthz, tmp_path):
    (tmp_path / "none.yaml").write_text("tests: []\n", encoding="utf-8")
    code, _, err = sealauthz("policy", "attack", str(installed_folder()), "--goals", "none.yaml")
    assert code == 2
    assert "there are no goals in none.yaml" in err


def test_depth_above_three_acts_is_refused(attack):
    code, _, err = attack("--depth", "4")
    assert code == 2
    assert "4 is not in the range 1<=x<=3" in err
