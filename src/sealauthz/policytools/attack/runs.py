"""Searching for many goals, in several processes: each has the policies and takes one goal after the other."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name

from sealauthz.decision import Bundle
from sealauthz.decision.bundle_cache import BundleCache
from sealauthz.decision.folder import model_for
from sealauthz.policytools.attack.found import Limits
from sealauthz.policytools.attack.goals import Goal, load_goals
from sealauthz.policytools.attack.replay import replay
from sealauthz.policytools.attack.report import Report, report_of
from sealauthz.policytools.attack.said import words_of_tests
from sealauthz.policytools.attack.search import Search
from sealauthz.policytools.testing.library import Library
from sealauthz.runtime.errors import did_you_mean
from sealauthz.runtime.process_pool import pool_of


@dataclass(frozen=True, slots=True)
class Job:
    """What is searched: the model by its name, the policies in a folder, the files of goals, and how far."""

    model: str
    folder: Path
    files: tuple[Path, ...]
    words_from: tuple[Path, ...]
    """The files of tests whose words are said in acts."""
    limits: Limits
    is_replayed: bool = False
    cache: BundleCache | None = None


def search_for(bundle: Bundle, files: Sequence[Path], words_from: Sequence[Path]) -> Search:
    """Return what searches for the goals of some files, with the words of the tests in others. Raises SuiteRefused."""
    goals, library = load_goals(files, bundle), Library(bundle.model)
    loaded = [library.load(path) for path in words_from]
    return Search(bundle, goals, words_of_tests([each.written for each in loaded if each]))


class Attacker:
    """Searches for the goals of one job in this process. Raises BundleRefused and SuiteRefused."""

    def __init__(self, job: Job) -> None:
        self._job = job
        model = model_for(resolve_name(job.model), job.folder)
        self.bundle = Bundle.load(model, job.folder, needs_signoff=False, cache=job.cache)
        self._search = search_for(self.bundle, job.files, job.words_from)
        self.goals = self._search.goals

    def run(self, name: str) -> Report:
        """Search for one goal by its name."""
        goal = next(each for each in self.goals.goals if each.name == name)
        found = self._search.run(goal, self._job.limits)
        report = report_of(self.bundle, found)
        if not (self._job.is_replayed and found.record):
            return report
        replayed = replay(self.bundle, self.goals, found)
        said = "" if replayed.is_reached else f"step {replayed.done + 1}: {replayed.said}"
        return dataclasses.replace(report, is_replayed=replayed.is_reached, replay_said=said)


def chosen(goals: Sequence[Goal], names: Sequence[str]) -> list[Goal]:
    """Return the goals of these names, all without any. Raises KeyError, whose text says which one is meant."""
    if not names:
        return list(goals)
    known = {goal.name: goal for goal in goals}
    for name in names:
        if name not in known:
            raise KeyError(f"there is no goal `{name}`{did_you_mean(name, known)}")
    return [known[name] for name in names]


def results_of(job: Job, attacker: Attacker, goals: Sequence[Goal], processes: int) -> Iterator[Report]:
    """Search for goals, and return what came of each, in their order."""
    names = [goal.name for goal in goals]
    count = min(processes, len(names))
    if count <= 1:
        yield from map(attacker.run, names)
        return
    with pool_of(count, _start, attacker, Attacker, job) as pool:
        yield from pool.map(_run, names)


_of_process: list[Attacker] = []


def _start(attacker: Attacker) -> None:
    _of_process[:] = [attacker]


def _run(name: str) -> Report:
    return _of_process[0].run(name)
