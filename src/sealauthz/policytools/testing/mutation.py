"""Would the tests notice? Runs them against each small mistake that the policies could hold.

A test is run only where it reaches what a mistake changes: everywhere else the policies answer as before. What the
compiler or the checker refuses counts neither as noticed nor as missed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import chain
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from sealauthz.decision import Bundle
from sealauthz.decision.bundle import Engine
from sealauthz.decision.checking import baseline_of
from sealauthz.decision.folder import PARAMETERS_FILE, Layout, installed_folder, layout_of, model_for, own_numbers
from sealauthz.decision.policies import Policies
from sealauthz.polar import trace
from sealauthz.polar.check import Baseline
from sealauthz.polar.syntax import RuleNode
from sealauthz.policytools.testing.conditions import Kind
from sealauthz.policytools.testing.coverage import UNMET, ClauseKey, Reach, Side, Standing
from sealauthz.policytools.testing.loading import load_suite
from sealauthz.policytools.testing.mistaken import requirement_of, statements_with, with_mistake
from sealauthz.policytools.testing.mutants import Mutant, mutants_of
from sealauthz.policytools.testing.suite import Ask, ListAsk, PolicyTest, failure_of
from sealauthz.runtime.errors import BundleRefused, EvaluationFailed
from sealauthz.runtime.process_pool import pool_of
from sealauthz.schema import Model

BATCH = 16
"""Mistakes that a process tries at a time, one after the other as they stand in the files."""


class Verdict(StrEnum):
    """What became of a mistake."""

    KILLED = "killed"
    SURVIVED = "survived"
    UNREACHED = "unreached"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one mistake, and the test that noticed it. `goal` is the one that noticed it instead: people reach
    with the mistake what must never happen.
    """

    mutant: Mutant
    verdict: Verdict
    killed_by: str = ""
    goal: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of all of them, in the order of the files."""

    outcomes: tuple[Outcome, ...]

    def of(self, *verdicts: Verdict) -> list[Outcome]:
        """Return the outcomes with one of these verdicts."""
        return [outcome for outcome in self.outcomes if outcome.verdict in verdicts]

    @property
    def percent(self) -> float:
        """The share of the mistakes that would be served that the tests notice."""
        noticed = len(self.of(Verdict.KILLED))
        missed = len(self.of(Verdict.SURVIVED, Verdict.UNREACHED))
        return 100.0 * noticed / (noticed + missed) if noticed + missed else 100.0


@dataclass(frozen=True, slots=True)
class Sample:
    """So many of the mistakes, the same ones for the same seed and the same policies."""

    size: int
    seed: int = 0

    def of(self, mutants: Sequence[Mutant]) -> list[Mutant]:
        """Choose among mistakes, each file by its share; those chosen keep their order."""
        chance = random.Random(self.seed)  # noqa: S311 (a sample, and the same one for the same seed)
        chosen = chance.sample(range(len(mutants)), min(self.size, len(mutants)))
        return [mutants[number] for number in sorted(chosen)]


@dataclass(frozen=True, slots=True)
class Reached:
    """What one question reaches, and whether it is answered as expected without any mistake."""

    number: int
    passes: bool
    sides: tuple[Side, ...]
    standings: tuple[Standing, ...]


class _Refused(BaseException):
    """The compiler refuses a mistake: passes through everything that turns errors into denials."""


class _Guarded:
    """An engine whose refusal to compile ends the test, rather than becoming a deny that a test notices."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def holds(self, rule: str, *arguments: object) -> bool:
        try:
            return self._engine.holds(rule, *arguments)
        except EvaluationFailed as error:
            raise _seen(error) from error

    def each(self, rule: str, *arguments: object) -> list[tuple[Any, ...]]:
        try:
            return self._engine.each(rule, *arguments)
        except EvaluationFailed as error:
            raise _seen(error) from error

    def explain(self, rule: str, *arguments: object) -> tuple[trace.Attempt, ...]:
        return self._engine.explain(rule, *arguments)


def _seen(error: EvaluationFailed) -> BaseException:
    return _Refused() if isinstance(error.__cause__, BundleRefused) else error


class Trial:
    """A bundle, its tests, and the mistakes that it could hold; the same in every process."""

    def __init__(
        self,
        model: Model,
        folder: Path | None,
        files: Sequence[Path],
        only: Sequence[str] = (),
        sample: Sample | None = None,
    ) -> None:
        self.bundle = Bundle.load(model_for(model, folder), folder, needs_signoff=False)
        self.tests = load_suite(files, self.bundle)
        self.asks: list[tuple[PolicyTest, Ask | ListAsk]] = [(test, ask) for test in self.tests for ask in test.asks]
        self.statements = self.bundle.statements
        layout = layout_of(folder or installed_folder())
        mutants = list(_wanted(self.bundle, layout, only))
        self.mutants = mutants if sample is None else sample.of(mutants)
        self._reach = Reach(self.bundle, {side for mutant in self.mutants for side in self.sides_about(mutant)})
        self._baseline: Baseline | None = None

    def sides_about(self, mutant: Mutant) -> list[Side]:
        """Return the sides of the clause that holds a mistake, and of the condition that it is about."""
        clauses = self.clauses_with(mutant)
        return [(*clause, at, word) for clause in clauses for at in (-1, mutant.goal) for word in ("met", "unmet")]

    def clauses_with(self, mutant: Mutant) -> list[ClauseKey]:
        """Return the clauses that come from the statement that holds a mistake; none for a number."""
        if mutant.parameters is not None:
            return []
        statement = self.statements[mutant.statement]
        place = mutant.place if mutant.kind is Kind.PERMISSION_DROPPED else statement.place
        names = [mutant.rule] if isinstance(statement, RuleNode) else ["has_permission", "has_role"]
        return [(place.file, place.line, place.column, name) for name in names]

    def reached(self, number: int) -> Reached:
        """Ask one question without any mistake, and return what it reaches."""
        test, ask = self.asks[number]
        questions = [ask.question] if isinstance(ask, Ask) else list(ask.questions.values())
        standings = {s for question in questions for s in self._reach.standings_of(ask, question)}
        passes, sides = self._reach.ask(test, ask)
        return Reached(number, passes, tuple(sides), tuple(standings))

    def outcomes(self, tasks: Iterable[tuple[int, Sequence[int]]]) -> Iterator[Outcome]:
        """Run for each mistake the questions that reach it, until one notices it.

        What noticed the mistakes in a rule before is asked first: it is likely to notice the next one.
        """
        noticing: dict[int, dict[int, None]] = defaultdict(dict)
        for number, asked in tasks:
            known = noticing[self.mutants[number].statement]
            reaching = set(asked)
            first = [each for each in known if each in reaching]
            outcome, killer = self._outcome(number, [*first, *(each for each in asked if each not in known)])
            if killer is not None:
                known[killer] = None
            yield outcome

    def _outcome(self, number: int, asked: Sequence[int]) -> tuple[Outcome, int | None]:
        """Run questions until one notices a mistake, and return which."""
        mutant = self.mutants[number]
        if asked:
            try:
                policies = Policies(self._with(mutant))
                for each in asked:
                    test, ask = self.asks[each]
                    if failure_of(test, ask, policies) is not None:
                        return Outcome(mutant, Verdict.KILLED, f"{test.file}: {test.name}"), each
            except (_Refused, BundleRefused):
                return Outcome(mutant, Verdict.REFUSED), None
        if self._is_refused(mutant):
            return Outcome(mutant, Verdict.REFUSED), None
        return Outcome(mutant, Verdict.SURVIVED if asked else Verdict.UNREACHED), None

    def _with(self, mutant: Mutant) -> Bundle:
        """Return the bundle with a mistake in it, which says by `_Refused` that the compiler refuses it."""
        bundle = with_mistake(self.bundle, mutant)
        if bundle.engine is self.bundle.engine:
            return bundle
        return dataclasses.replace(bundle, engine=_Guarded(bundle.engine))

    def _is_refused(self, mutant: Mutant) -> bool:
        """Whether `policy check` refuses a mistake that no test notices."""
        if mutant.statement < 0 or mutant.kind in {Kind.REQUIREMENT_DROPPED, Kind.REASON_SWAPPED}:
            # An author who takes a requirement away takes its rules away too, and then nothing refuses it.
            return False
        if self._baseline is None:
            self._baseline = baseline_of(self.bundle.model, tuple(self.statements), self.bundle.rulebook.groups)
        return self._baseline.refuses(statements_with(self.statements, mutant))


def _wanted(bundle: Bundle, layout: Layout, only: Sequence[str]) -> Iterator[Mutant]:
    """Return the mistakes in what the folder says itself, or in some of its files."""
    numbers = own_numbers(layout)

    def is_wanted(file: str) -> bool:
        return (file in layout.own or file == PARAMETERS_FILE) and (not only or file in only)

    for mutant in mutants_of(bundle, bundle.statements, is_wanted):
        if mutant.place.file in layout.own or mutant.rule in numbers:
            yield mutant


# --- many processes -------------------------------------------------------------------------------------------------


class TestsFail(Exception):
    """Tests fail without any mistake in the policies: they cannot show which mistakes they notice."""

    __test__ = False

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        super().__init__(", ".join(names))


def mutate(
    model: str,
    folder: Path | None,
    files: Sequence[Path],
    processes: int,
    only: Sequence[str] = (),
    sample: Sample | None = None,
    progress: Callable[[str, int, int], None] = lambda phase, done, total: None,
) -> Result:
    """Run the tests of some files against every mistake that the policies of a folder could hold.

    `model` is the name of the model, such as `package.module:MODEL`, as each process that is no fork imports it. Of all
    mistakes, only those of a `sample` are made where one is given.

    Raises BundleRefused, SuiteRefused, and TestsFail where tests fail without any mistake.
    """
    arguments = (model, folder, tuple(files), tuple(only), sample)
    trial = _load(*arguments)
    with _processes(processes, trial, arguments) as run:
        selected = _Selection()
        failing: dict[str, None] = {}
        total = len(trial.asks)
        for done, reached in enumerate(run(_reach, _batches(range(total))), 1):
            if not reached.passes:
                test, _ = trial.asks[reached.number]
                failing[f"{test.file}: {test.name}"] = None
            selected.add(reached)
            progress("finding what each test reaches", done, total)
        if failing:
            raise TestsFail(list(failing))
        tasks = [(number, selected.asks_for(trial, mutant)) for number, mutant in enumerate(trial.mutants)]
        outcomes: dict[int, Outcome] = {}
        for done, (number, outcome) in enumerate(run(_try, _batches(tasks)), 1):
            outcomes[number] = outcome
            progress("trying mistakes", done, len(tasks))
    return Result(tuple(outcomes[number] for number in range(len(tasks))))


class _Selection:
    """Which questions reach what."""

    def __init__(self) -> None:
        self._by_side: dict[tuple[Any, ...], list[int]] = defaultdict(list)
        self._by_standing: dict[Standing, list[int]] = defaultdict(list)

    def add(self, reached: Reached) -> None:
        """Note what one question reaches."""
        for side in reached.sides:
            self._by_side[side].append(reached.number)
        for standing in reached.standings:
            self._by_standing[standing].append(reached.number)

    def asks_for(self, trial: Trial, mutant: Mutant) -> list[int]:
        """Return the questions that reach what a mistake changes, the likeliest to notice first; lists, for which the
        changed policies must decide many actions, come last.
        """
        return sorted(self._reaching(trial, mutant), key=lambda number: isinstance(trial.asks[number][1], ListAsk))

    def _reaching(self, trial: Trial, mutant: Mutant) -> list[int]:
        if mutant.parameters is not None:
            return list(range(len(trial.asks)))
        statement = trial.statements[mutant.statement]
        if mutant.kind is Kind.REQUIREMENT_DROPPED and isinstance(statement, RuleNode):
            dropped = [statement, *(trial.statements[other] for other in mutant.others)]
            needs = [requirement_of(each) for each in dropped if isinstance(each, RuleNode)]
            return list(dict.fromkeys(ask for need in needs for ask in self._by_standing[*need, UNMET]))
        if mutant.kind is Kind.REASON_SWAPPED:
            told = (mutant.effect.partition(" ")[0], UNMET)
            asking = [asks for key, asks in self._by_standing.items() if key[2:] == told]
            return list(dict.fromkeys(ask for asks in asking for ask in asks))
        found: dict[int, None] = {}
        for clause in trial.clauses_with(mutant):
            goal = mutant.goal
            tried = [*self._by_side[*clause, -1, "met"], *self._by_side[*clause, -1, "unmet"]]
            if mutant.kind in {Kind.RULE_DROPPED, Kind.PERMISSION_DROPPED}:
                found |= dict.fromkeys(self._by_side[*clause, -1, "met"])
                continue
            unmet, met = self._by_side[*clause, goal, "unmet"], self._by_side[*clause, goal, "met"]
            first = (unmet, met) if mutant.kind is not Kind.CONDITION_NEGATED else (met, unmet)
            found |= dict.fromkeys([*first[0], *first[1]] or tried)
        return list(found)


_Work = Callable[[Trial, list[Any]], list[Any]]
_Run = Callable[[_Work, list[list[Any]]], Iterable[Any]]

_trial: Trial | None = None
"""The trial of a process of the pool."""


def _load(
    model: str, folder: Path | None, files: tuple[Path, ...], only: tuple[str, ...], sample: Sample | None
) -> Trial:
    return Trial(resolve_name(model), folder, files, only, sample)


def _start(trial: Trial) -> None:
    global _trial  # noqa: PLW0603 (a process of a pool has nowhere else to keep what it starts with)
    logging.disable(logging.CRITICAL)  # mistakes make errors, and each would be logged
    _trial = trial


def _of_process(work: _Work, batch: list[Any]) -> list[Any]:
    if _trial is None:
        raise RuntimeError("this process was not started by `mutate`")
    return work(_trial, batch)


def _reach(trial: Trial, numbers: Sequence[int]) -> list[Reached]:
    return [trial.reached(number) for number in numbers]


def _try(trial: Trial, tasks: Sequence[tuple[int, list[int]]]) -> list[tuple[int, Outcome]]:
    return [(number, outcome) for (number, _), outcome in zip(tasks, trial.outcomes(tasks), strict=True)]


def _batches(items: Sequence[Any]) -> list[list[Any]]:
    return [list(items[start : start + BATCH]) for start in range(0, len(items), BATCH)]


@contextlib.contextmanager
def _processes(count: int, trial: Trial, arguments: tuple[Any, ...]) -> Iterator[_Run]:
    """Give what does work in batches, in so many processes, and returns the results in the order of the batches.

    One process is this one, which has loaded everything already.
    """
    if count == 1:
        before = logging.root.manager.disable
        logging.disable(logging.CRITICAL)  # as in `_start`
        try:
            yield lambda work, batches: chain.from_iterable(work(trial, batch) for batch in batches)
        finally:
            logging.disable(before)
        return
    with pool_of(count, _start, trial, _load, *arguments) as pool:
        yield lambda work, batches: chain.from_iterable(pool.map(partial(_of_process, work), batches))
