"""The facts of the shipped fixture, as a goal has them that nobody asks to reach."""

from __future__ import annotations

from pathlib import Path

from sealauthz.decision import Bundle
from sealauthz.policytools.attack.goals import Goal, load_goals

_TEXT = """
include: ["default:fixtures.yaml"]
fixture: spruce
goals:
  - goal: none
    colluders: [plain]
    reached: 'reached(seal: Seal, _: Attack) if seal.id = "none";'
"""


def a_goal(folder: Path, bundle: Bundle) -> Goal:
    """The goal, read from a file in a folder."""
    path = folder / "goals.yaml"
    path.write_text(_TEXT, encoding="utf-8")
    return load_goals([path], bundle).goals[0]
