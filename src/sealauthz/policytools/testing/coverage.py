"""Which rules and conditions of the policies the tests reach, and which sides of each condition and requirement."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sealauthz.decision import Bundle, PolicyDecisionPoint, Question
from sealauthz.decision.bundle import Engine
from sealauthz.decision.policies import Policies
from sealauthz.polar import trace
from sealauthz.polar.compile import Condition
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.program import Clause, program_of
from sealauthz.polar.syntax import Assign, Call, In, Place, Term, Unify, Variable
from sealauthz.polar.terms import variables
from sealauthz.polar.unparse import written, written_head
from sealauthz.policytools.testing.suite import Ask, ListAsk, PolicyTest, failure_of, options_of
from sealauthz.runtime.errors import EvaluationFailed, SealAuthzError

READ_AT_LOAD = frozenset({"requires", "reason", "otherwise"})
"""Facts that are read when a bundle is loaded: no evaluation reaches them. Those about reasons are reached by a test
that expects what they say.
"""

_ABOUT_REASONS = READ_AT_LOAD - {"requires"}

ClauseKey = tuple[str, int, int, str]
"""A clause: its file, line, column and rule."""

Side = tuple[str, int, int, str, int, str]
"""A clause, the position of the condition in it (-1: the clause itself), and `met` or `unmet`; of a plain fact also
`decided`, where it decided something.
"""

Standing = tuple[str, str, str, str]
"""A type, an action, a requirement of it, and whether that came out SETTLED or UNMET."""

SETTLED, UNMET = "SETTLED", "UNMET"


@dataclass(frozen=True, slots=True)
class ConditionReport:
    """One condition of a rule, and how often it came out either way.

    A condition that finds a value has one side, that it found something: whether there is anything to find is told by
    the conditions behind it, and by those of the rule that it calls.
    """

    text: str
    place: Place
    met: int
    unmet: int
    finds: bool = False

    @property
    def sides(self) -> int:
        """How many sides it has."""
        return 1 if self.finds else 2

    @property
    def seen(self) -> int:
        """How many of them were seen."""
        return bool(self.met) if self.finds else bool(self.met) + bool(self.unmet)

    @property
    def missing(self) -> str:
        """Which sides were never seen."""
        if self.seen == self.sides:
            return ""
        if not self.met and not self.unmet:
            return "never reached"
        return "never met" if self.unmet else "never unmet"


@dataclass(frozen=True, slots=True)
class RuleReport:
    """One rule: how often it was tried and held, and its conditions. A plain fact holds where it decided something."""

    head: str
    place: Place
    tried: int
    held: int
    conditions: tuple[ConditionReport, ...]

    @property
    def missing(self) -> str:
        """What never happened to the rule."""
        return "" if self.held else "never held" if self.tried else "never reached"


@dataclass(frozen=True, slots=True)
class RequirementReport:
    """One requirement of an action, and how often it came out settled (met or waived) and unmet."""

    type: str
    action: str
    requirement: str
    settled: int
    unmet: int

    @property
    def missing(self) -> str:
        """Which sides were never seen."""
        if not self.settled and not self.unmet:
            return "never asked"
        return "" if self.settled and self.unmet else "never settled" if self.unmet else "never unmet"


@dataclass(frozen=True, slots=True)
class Report:
    """The coverage of a bundle, in the order of its files."""

    rules: tuple[RuleReport, ...]
    requirements: tuple[RequirementReport, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """The files that have rules."""
        return tuple(dict.fromkeys(rule.place.file for rule in self.rules))

    @property
    def percent(self) -> float:
        """The share of the sides of all conditions that was seen."""
        seen, sides = sides_of(self.rules)
        return 100.0 * seen / sides if sides else 100.0


def sides_of(rules: Iterable[RuleReport]) -> tuple[int, int]:
    """Return how many sides of the conditions were seen, and how many there are."""
    conditions = [condition for rule in rules for condition in rule.conditions]
    return sum(condition.seen for condition in conditions), sum(condition.sides for condition in conditions)


class Recorder:
    """An engine that answers like another; `record` is told of every question before it is asked."""

    def __init__(self, engine: CompiledEngine, record: Callable[..., None]) -> None:
        self._engine = engine
        self._record = record

    def holds(self, rule: str, *arguments: object) -> bool:
        """Whether a rule holds for these arguments."""
        self._tell(rule, arguments)
        return self._engine.holds(rule, *arguments)

    def each(self, rule: str, *arguments: object) -> list[tuple[Any, ...]]:
        """The values that the FREE arguments can take."""
        self._tell(rule, arguments)
        return self._engine.each(rule, *arguments)

    def explain(self, rule: str, *arguments: object) -> tuple[trace.Attempt, ...]:
        """The clauses that were tried, each with what stopped it."""
        return self._engine.explain(rule, *arguments)

    def _tell(self, rule: str, arguments: tuple[object, ...]) -> None:
        try:
            self._record(rule, *arguments)
        except EvaluationFailed:
            return  # the answer itself fails in the same way, and says so


class Reach:
    """Which of some sides the questions of tests reach in one bundle, each question by itself."""

    def __init__(self, bundle: Bundle, wanted: Collection[Side]) -> None:
        engine = _compiled(bundle)
        self._bundle = bundle
        self._notes = engine.notes()
        recording: Engine = Recorder(engine, partial(engine.note, self._notes))
        self._recorded = Policies(dataclasses.replace(bundle, engine=recording))
        self._policies = Policies(bundle)
        self._wanted = frozenset(wanted)
        self._known: set[int] = set()
        """The events that were seen, and which of them reach one of the sides: most never do."""
        self._reaching: dict[int, Side] = {}

    def ask(self, test: PolicyTest, ask: Ask | ListAsk) -> tuple[bool, list[Side]]:
        """Ask one question, and return whether it is answered as expected, and which of the sides it reaches."""
        passes = failure_of(test, ask, self._recorded) is None
        events = self._notes.taken()
        for event in events - self._known:
            self._known.add(event)
            side = self._side(event)
            if side in self._wanted:
                self._reaching[event] = side
        return passes, list({self._reaching[event] for event in self._reaching.keys() & events})

    def _side(self, event: int) -> Side | None:
        told = self._notes.told_by(event)
        key = _side_of(told[0]) if told is not None else None
        return None if told is None or key is None else (*key, "met" if told[1] else "unmet")

    def standings_of(self, ask: Ask | ListAsk, question: Question) -> Iterator[Standing]:
        """Return how each requirement of a question came out; none where the table of roles alone is asked."""
        return _standings_of(self._policies, self._bundle, ask, question)


class Coverage:
    """What tests reach in one bundle."""

    def __init__(self, bundle: Bundle) -> None:
        engine = _compiled(bundle)
        self._bundle = bundle
        self._tally = engine.tally()
        recording: Engine = Recorder(engine, lambda *asked: self._tally.add(engine.counted(*asked)))
        self._recorded = Policies(dataclasses.replace(bundle, engine=recording))
        self._policies = Policies(bundle)
        self._sides: Counter[Side] = Counter()
        self._standings: Counter[Standing] = Counter()
        program = program_of(bundle.statements)
        self._about_reasons = [
            _about_reason(clause)
            for clauses in program.clauses.values()
            for clause in clauses
            if clause.name in _ABOUT_REASONS
        ]
        self._steps = {code: len(entry.next_steps) for code, entry in bundle.rulebook.reasons.items()}

    def run(self, test: PolicyTest) -> None:
        """Ask the questions of a test, and count what they reach."""
        for ask in test.asks:
            failure_of(test, ask, self._recorded)
            unmet: set[str] = set()
            for question in [ask.question] if isinstance(ask, Ask) else ask.questions.values():
                standings = list(_standings_of(self._policies, self._bundle, ask, question))
                self._standings.update(standings)
                unmet |= {requirement for _, _, requirement, standing in standings if standing == UNMET}
            if isinstance(ask, Ask):
                self._sides.update(self._told(ask, unmet))

    def _told(self, ask: Ask, unmet: Collection[str]) -> Iterator[Side]:
        """Return the facts about reasons that a test rests on: it names what they say."""
        reasons, steps = ask.expected.reasons or (), {step.code for step in ask.expected.next_steps or ()}
        for side, first, last, is_otherwise in self._about_reasons:
            if is_otherwise:
                is_told = first in unmet and last in reasons
            else:
                # One of several next steps is told only where the steps are.
                is_told = first in reasons and (last in steps or self._steps[first] == 1)
            if is_told:
                yield side

    def _take(self) -> None:
        """Count what the tests since the last time reached, and which plain facts decided something."""
        reached, used = self._tally.taken()
        for fact, count in used:
            self._sides[*clause_key(fact), -1, "decided"] += count
        for covered in reached:
            key = _side_of(covered.condition)
            if key is None:
                continue
            if covered.met:
                self._sides[*key, "met"] += covered.met
            if covered.unmet:
                self._sides[*key, "unmet"] += covered.unmet

    def as_json(self) -> dict[str, Any]:
        """Return the counts as plain lists, for another process."""
        self._take()
        return {
            "sides": [[*side, count] for side, count in self._sides.items()],
            "standings": [[*standing, count] for standing, count in self._standings.items()],
        }

    def add_json(self, counts: Mapping[str, Any]) -> None:
        """Add what another process counted."""
        for *side, count in counts["sides"]:
            self._sides[tuple(side)] += count
        for *standing, count in counts["standings"]:
            self._standings[tuple(standing)] += count

    def report(self, files: Collection[str]) -> Report:
        """Return what is reached and what is not in some of the policy files."""
        self._take()
        rules = [self._rule(clause) for clause in clauses_of(self._bundle) if clause.place.file in files]
        order = {source.file: index for index, source in enumerate(self._bundle.sources)}
        rules.sort(key=lambda rule: (order[rule.place.file], rule.place.line, rule.place.column))
        requirements = []
        for action, type_, requirement in self._requirements(files):
            key = (type_, action, requirement)
            requirements.append(RequirementReport(*key, self._standings[*key, SETTLED], self._standings[*key, UNMET]))
        return Report(tuple(rules), tuple(requirements))

    def _requirements(self, files: Collection[str]) -> Iterator[tuple[str, str, str]]:
        """Return the requirements that some files make: action, type and requirement."""
        for rule in self._bundle.rulebook.rules["requires"]:
            action, resource, requirement = rule.parameters
            if rule.place.file in files and action.literal and resource.type and requirement.literal:
                yield action.literal, resource.type, requirement.literal

    def _rule(self, clause: Clause) -> RuleReport:
        key = clause_key(clause)
        conditions = tuple(
            ConditionReport(written(goal), goal.place, met, unmet, finds)
            for position, goal, finds in tests_of(clause)
            for met, unmet in [(self._sides[*key, position, "met"], self._sides[*key, position, "unmet"])]
            if met or unmet or not _may_name(goal)
        )
        # A clause counts its tries as unmet and its solutions as met.
        tried, held = self._sides[*key, -1, "unmet"], self._sides[*key, -1, "met" if clause.goals else "decided"]
        return RuleReport(written_head(clause.name, clause.parameters), clause.place, tried, held, conditions)


def _compiled(bundle: Bundle) -> CompiledEngine:
    if not isinstance(bundle.engine, CompiledEngine):
        raise TypeError("only the compiled engine tells what it reaches")
    return bundle.engine


def _standings_of(policies: Policies, bundle: Bundle, ask: Ask | ListAsk, question: Question) -> Iterator[Standing]:
    if isinstance(ask, ListAsk) and ask.in_principle:
        return
    point = PolicyDecisionPoint(ask.facts.fact_cache, policies, lambda: ask.now)
    try:
        unmet = point.unmet(question, options_of(ask))
    except SealAuthzError:
        return
    if unmet is None:
        return
    action, type_ = question.action, question.resource.type
    for requirement in bundle.rulebook.requirements[action, type_]:
        yield type_, action, requirement, UNMET if requirement in unmet else SETTLED


def _side_of(condition: Condition) -> tuple[str, int, int, str, int] | None:
    """Return the clause of a condition, and where it stands in it (-1: the clause itself); None for a part of one."""
    if condition.clause is None or (condition.term is not None and condition.position < 0):
        return None
    return (*clause_key(condition.clause), condition.position)


def _about_reason(clause: Clause) -> tuple[Side, Any, Any, bool]:
    """Return the side of a fact about reasons, its first and last values, and whether it is of `otherwise`."""
    first, *_, last = (getattr(parameter.term, "value", None) for parameter in clause.parameters)
    return (*clause_key(clause), -1, "decided"), first, last, clause.name == "otherwise"


def clauses_of(bundle: Bundle) -> Iterator[Clause]:
    """Return the clauses that can be reached, those of the blocks included; requirements are told apart."""
    program = program_of(bundle.statements)
    for clauses in program.clauses.values():
        yield from (clause for clause in clauses if clause.name != "requires")


def clause_key(clause: Clause) -> ClauseKey:
    """Name a clause, the same in every process."""
    return clause.place.file, clause.place.line, clause.place.column, clause.name


def tests_of(clause: Clause) -> Iterator[tuple[int, Term, bool]]:
    """Return the conditions of a clause that can come out either way, with their positions, and whether each finds a
    value; not what only names a value, and not what is read at load.
    """
    found = _FOUND.get(clause.name)
    known = {
        name
        for position, parameter in enumerate(clause.parameters)
        if position != found
        for name in variables(parameter.term)
    }
    for position, goal in enumerate(clause.goals):
        if not _names(goal, known) and not (isinstance(goal, Call) and goal.name in READ_AT_LOAD):
            # Under a `not` nothing is found.
            yield position, goal, isinstance(goal, Call | In) and not known.issuperset(variables(goal))
        known.update(variables(goal))


_FOUND = {"lapses": 4, "parameter": 2, "counted": 2}
"""The parameter of a rule of the contract that the decision point leaves open, by its position."""


def _names(goal: Term, known: set[str]) -> bool:
    """Whether a condition only gives a value a name."""
    match goal:
        case Assign():
            return True
        case Unify(Variable(name, _), _, _) | Unify(_, Variable(name, _), _):
            return name not in known
        case _:
            return False


def _may_name(goal: Term) -> bool:
    """Whether a condition gives a value to a parameter that the caller leaves open: it is no test then."""
    return isinstance(goal, Unify) and (isinstance(goal.left, Variable) or isinstance(goal.right, Variable))
