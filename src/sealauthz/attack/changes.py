"""Which goals become reachable, and which do not any more, when one bundle takes the place of another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sealauthz.attack.goals import load_goals
from sealauthz.attack.report import StepReport, steps_of
from sealauthz.attack.said import words_of_tests
from sealauthz.attack.search import Found, Limits, Search
from sealauthz.decision import Bundle
from sealauthz.policytest.library import Library


@dataclass(frozen=True, slots=True)
class GoalChange:
    """A goal that is reached under one of two bundles only; `steps` is the way there."""

    before: Found
    after: Found
    steps: tuple[StepReport, ...]

    @property
    def opens(self) -> bool:
        """Whether it is the new bundle under which the goal is reached."""
        return bool(self.after.record)


def goal_changes(before: Bundle, after: Bundle, files: Sequence[Path], limits: Limits) -> Iterator[GoalChange]:
    """Search for every goal of some files under both bundles. Raises SuiteRefused."""
    searches = [_Searched(bundle, files) for bundle in (before, after)]
    for name in searches[1].names:
        old, new = (each.run(name, limits) for each in searches)
        if bool(old.record) != bool(new.record):
            found, bundle = (new, after) if new.record else (old, before)
            yield GoalChange(old, new, tuple(steps_of(bundle, found)))


class _Searched:
    def __init__(self, bundle: Bundle, files: Sequence[Path]) -> None:
        library = Library(bundle.model)
        loaded = [library.load(path) for path in files]
        goals = load_goals(files, bundle)
        self._goals = {goal.name: goal for goal in goals.goals}
        self._search = Search(bundle, goals, words_of_tests([each.written for each in loaded if each]))
        self.names = tuple(self._goals)

    def run(self, name: str, limits: Limits) -> Found:
        """Search for one goal."""
        return self._search.run(self._goals[name], limits)
