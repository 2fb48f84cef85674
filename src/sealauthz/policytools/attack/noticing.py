"""Which mistakes in the policies let people reach a goal: what no test notices, the search may.

Only goals that nobody reaches without the mistake count, and only those are searched for of which an act rests on the
rule that is wrong.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name

from sealauthz.decision import Bundle
from sealauthz.decision.folder import model_for
from sealauthz.policytools.attack.found import Limits
from sealauthz.policytools.attack.goals import Goal
from sealauthz.policytools.attack.reads import Relevance
from sealauthz.policytools.attack.runs import search_for
from sealauthz.policytools.testing.conditions import Kind
from sealauthz.policytools.testing.mistaken import with_mistake
from sealauthz.policytools.testing.mutants import Mutant
from sealauthz.policytools.testing.mutation import Outcome, Result, Verdict
from sealauthz.runtime.errors import BundleRefused
from sealauthz.runtime.process_pool import pool_of

_NEVER_OPENS = frozenset({Kind.PERMISSION_DROPPED, Kind.REASON_SWAPPED})
"""Mistakes that give nobody anything: not searched."""


@dataclass(frozen=True, slots=True)
class Place:
    """What is attacked: the model by its name, the policies in a folder, the files of goals, those of the tests whose
    words are said in acts, and how far a search for one goal goes.
    """

    model: str
    folder: Path | None
    goals: tuple[Path, ...]
    words_from: tuple[Path, ...]
    limits: Limits


class Attacked:
    """The goals of some files, searched for in policies with a mistake. Raises BundleRefused and SuiteRefused."""

    def __init__(self, place: Place) -> None:
        self.place = place
        model = model_for(resolve_name(place.model), place.folder)
        self._bundle = Bundle.load(model, place.folder, needs_signoff=False)
        self._search = search_for(self._bundle, place.goals, place.words_from)
        self._limits = place.limits
        self._reached: dict[str, bool] = {}
        self.goals = self._search.goals.goals

    def noticed(self, mutant: Mutant) -> Goal | None:
        """Return a goal that is reached with a mistake and not without it; None where none is found."""
        if mutant.kind in _NEVER_OPENS:
            return None
        try:
            bundle = with_mistake(self._bundle, mutant)
        except BundleRefused:
            return None
        search = self._search.with_bundle(bundle)
        touched = self._touched(search.relevance, mutant)
        for goal in self.goals:
            if touched.isdisjoint(search.tried(goal, self._limits)):
                continue
            if search.run(goal, self._limits).record and not self._is_reached(goal):
                return goal
        return None

    def _touched(self, changed: Relevance, mutant: Mutant) -> frozenset[tuple[str, str]]:
        """The acts that a mistake may alter: those that read a number that is wrong, or rest on a rule that is."""
        acts = self._bundle.model.actions
        before = self._search.relevance
        if mutant.parameters is not None:
            return frozenset(key for key in acts if mutant.rule in before.rests_on(*key))
        return frozenset(key for key in acts if before.rests_on(*key) != changed.rests_on(*key))

    def _is_reached(self, goal: Goal) -> bool:
        """Whether a goal is reached without any mistake, and so shows none."""
        if goal.name not in self._reached:
            self._reached[goal.name] = bool(self._search.run(goal, self._limits).record)
        return self._reached[goal.name]


def with_goals(
    result: Result, attacked: Attacked, processes: int, progress: Callable[[str, int, int], None] = lambda *_: None
) -> Result:
    """Search with every mistake that no test notices, and return a result that counts those that a goal notices."""
    missed = result.of(Verdict.SURVIVED, Verdict.UNREACHED)
    noticed: dict[int, Outcome] = {}
    with _processes(processes, attacked) as noticed_by:
        for done, (outcome, name) in enumerate(zip(missed, noticed_by([o.mutant for o in missed]), strict=True), 1):
            if name:
                noticed[id(outcome)] = dataclasses.replace(outcome, verdict=Verdict.KILLED, goal=name)
            progress("searching for attacks", done, len(missed))
    return Result(tuple(noticed.get(id(outcome), outcome) for outcome in result.outcomes))


_attacked: list[Attacked] = []
"""What a process of the pool attacks."""


def _start(attacked: Attacked) -> None:
    logging.disable(logging.CRITICAL)  # mistakes make errors, and each would be logged
    _attacked[:] = [attacked]


def _try(mutant: Mutant) -> str:
    return _said(_attacked[0], mutant)


def _said(attacked: Attacked, mutant: Mutant) -> str:
    goal = attacked.noticed(mutant)
    return "" if goal is None else f"{goal.file}: {goal.name}"


_Noticing = Callable[[Sequence[Mutant]], Iterable[str]]


@contextmanager
def _processes(count: int, attacked: Attacked) -> Iterator[_Noticing]:
    """Give what tells of each mistake which goal notices it, in so many processes; one is this one, which has loaded
    everything already.
    """
    if count == 1:
        before = logging.root.manager.disable
        logging.disable(logging.CRITICAL)  # as in `_start`
        try:
            yield lambda mutants: (_said(attacked, mutant) for mutant in mutants)
        finally:
            logging.disable(before)
        return
    with pool_of(count, _start, attacked, Attacked, attacked.place) as pool:
        yield lambda mutants: pool.map(_try, mutants)
