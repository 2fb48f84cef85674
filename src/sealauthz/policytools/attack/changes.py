"""Which goals become reachable, and which do not any more, when one bundle takes the place of another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sealauthz.decision import Bundle
from sealauthz.policytools.attack.found import Limits
from sealauthz.policytools.attack.goals import Goal
from sealauthz.policytools.attack.report import StepReport, steps_of
from sealauthz.policytools.attack.runs import search_for


@dataclass(frozen=True, slots=True)
class GoalChange:
    """A goal that is reached under one of two bundles only; `steps` is the way there."""

    goal: Goal
    opens: bool
    """Whether it is the new bundle under which the goal is reached."""
    steps: tuple[StepReport, ...]


def goal_changes(before: Bundle, after: Bundle, files: Sequence[Path], limits: Limits) -> Iterator[GoalChange]:
    """Search for every goal of some files under both bundles. Raises SuiteRefused."""
    searches = [search_for(bundle, files, files) for bundle in (before, after)]
    for pair in zip(*(search.goals.goals for search in searches), strict=True):
        old, new = (search.run(goal, limits) for search, goal in zip(searches, pair, strict=True))
        if bool(old.record) != bool(new.record):
            found, bundle = (new, after) if new.record else (old, before)
            yield GoalChange(new.goal, bool(new.record), tuple(steps_of(bundle, found)))
