"""What an attack is said in: its steps as lines for people, and goals that a change opens or closes."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sealauthz.policytools.attack.changes import GoalChange
    from sealauthz.policytools.attack.report import StepReport

_NARROWEST = 60


def width() -> int:
    """Return how wide lines may be."""
    return max(shutil.get_terminal_size().columns, _NARROWEST)


def step_lines(steps: Sequence[StepReport], columns: int) -> Iterator[str]:
    """Return the steps of an attack as lines."""
    for number, step in enumerate(steps, start=1):
        who = f"{step.who}: " if step.who else ""
        yield _filled(f"{number}. {who}{step.what}", 2, columns)
        for said in step.provided:
            yield _filled(said, 5, columns)
        if step.rules:
            yield _filled(f"allowed by {step.places}", 5, columns)
        for change in step.changes:
            yield _filled(change, 5, columns)


def _filled(text: str, indent: int, columns: int) -> str:
    """Fold a text that may be long: what follows its first line stands further in."""
    margin = " " * indent
    return textwrap.fill(
        text,
        columns,
        initial_indent=margin,
        subsequent_indent=f"{margin}    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def attack_lines(changes: Sequence[GoalChange], *, is_markdown: bool) -> Iterator[str]:
    """Return the goals that a change opens or closes as lines."""
    yield ""
    if not changes:
        yield "ATTACKS: no goal is reached under one of them only, within the bounds of the goals"
        return
    yield "## Attacks" if is_markdown else "ATTACKS"
    for change in sorted(changes, key=lambda each: not each.opens):
        goal = change.goal
        yield f"{'opens' if change.opens else 'closes'}  {goal.name} ({goal.file}:{goal.line})"
        fence = ["```"] if is_markdown else []
        yield from (*fence, *step_lines(change.steps, width()), *fence)


def attack_json(change: GoalChange) -> dict[str, Any]:
    """Return a goal that a change opens or closes as JSON."""
    from sealauthz.policytools.attack.report import step_json

    goal = change.goal
    steps = [step_json(step) for step in change.steps]
    return {"goal": goal.name, "file": goal.file, "line": goal.line, "opens": change.opens, "steps": steps}
