"""Goals: what must never come about, as queries over the facts, read from the files of policy tests.

A goal is asked of every record of one type, together with when and by whose act it came about (`Attack`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sealauthz.decision import Bundle
from sealauthz.decision.analyses import Analyses, Checked
from sealauthz.decision.checking import attributes, plain_classes
from sealauthz.decision.product_reasons import PRODUCT_REASONS
from sealauthz.polar import RuleNode, Source, Statement, admit
from sealauthz.polar.check import Severity, analyse
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.syntax import (
    And,
    Attribute,
    In,
    ListTerm,
    Literal,
    Parameter,
    Unify,
    Variable,
)
from sealauthz.polar.types import TypeTable
from sealauthz.policytools.attack.views import Reads
from sealauthz.policytools.testing import form
from sealauthz.policytools.testing.fixtures import FactSet
from sealauthz.policytools.testing.library import Library, LoadedFile
from sealauthz.policytools.testing.possible import refusal
from sealauthz.policytools.testing.vocabulary import Vocabulary
from sealauthz.policytools.testing.yaml_text import Path as DocumentPath
from sealauthz.runtime.errors import BundleRefused, Fault, SuiteRefused, did_you_mean
from sealauthz.schema import Instant, Model

_REACHED = "reached"
_ARITY = 2
_OF_THE_ACT = ("actor", "action")
"""What a goal is told of the last act, beside what it changes."""


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal with the world that it is looked for in. `about` are the types of the records that it is asked of.

    `line` is where it stands in `file`.
    """

    name: str
    facts: FactSet = dataclasses.field(repr=False)
    now: Instant
    colluders: tuple[str, ...]
    deceived: tuple[str, ...]
    dutiful: tuple[form.Duty, ...]
    following: tuple[str, ...]
    outside: tuple[str, ...]
    callers: tuple[str, ...]
    acts: frozenset[str]
    depth: int
    waits: int
    about: tuple[str, ...]
    file: str
    line: int


class Goals:
    """The goals of some files, compiled with the rules of a bundle."""

    def __init__(self, bundle: Bundle, goals: tuple[Goal, ...], statements: tuple[Statement, ...]) -> None:
        model = bundle.model
        self.goals = goals
        self._model = model
        self._parameters = bundle.parameters
        self._context = context_class(model)
        whole = (*bundle.statements, *statements)
        self._engine = CompiledEngine(whole, model.records, (*plain_classes(model), self._context))
        self._statements = statements
        self._names = {goal.name: self._names_of(goal) for goal in goals}

    def _rules_of(self, goal: Goal) -> list[RuleNode]:
        """The rules that say when a goal is reached."""
        rules = (each for each in self._statements if isinstance(each, RuleNode) and each.name == _REACHED)
        return [each for each in rules if _said_first(each) == goal.name]

    def _names_of(self, goal: Goal) -> frozenset[str]:
        names: frozenset[str] = frozenset()
        for record_type in goal.about:
            names |= self._engine.mentioned(_REACHED, goal.name, self._model.records[record_type], self._context)
        return names

    def asks_of_the_act(self, goal: Goal) -> bool:
        """Tell whether a goal asks whose act was the last one, or which, beside what it changed."""
        return not self._names[goal.name].isdisjoint(_OF_THE_ACT)

    def last_acts(self, goal: Goal) -> frozenset[str] | None:
        """Return the names of acts one of which must be the last, where every rule of a goal says which; else None."""
        found: set[str] = set()
        for each in self._rules_of(goal):
            named = _acts_named(each)
            if named is None:
                return None
            found |= named
        return frozenset(found)

    def reads(self, goal: Goal) -> Reads:
        """What the query of a goal may look at."""
        if self.asks_of_the_act(goal):
            return Reads.all(self._model)  # whose act it was is seen whatever it changes
        return self.looks_at(goal)

    def looks_at(self, goal: Goal) -> Reads:
        """What the query of a goal may look at of the facts."""
        return Reads.of(self._model, self._names[goal.name], goal.about)

    def rests_on(self, goal: Goal) -> Reads:
        """What may alter whether a goal is reached by one act: what its query looks at, of who acts as well."""
        return Reads.of(self._model, self._names[goal.name], (*goal.about, *self._model.subjects))

    def context(self, now: Instant, began: Instant, actor: Any, action: str) -> Any:
        """Return what a goal is asked with."""
        return self._context(now, "", self._parameters, began, actor, action)

    def is_reached(self, goal: Goal, record: Any, context: Any) -> bool:
        """Tell whether a record is what a goal forbids. Raises EvaluationFailed."""
        return self._engine.holds(_REACHED, goal.name, record, context)


def _acts_named(rule: RuleNode) -> set[str] | None:
    """The acts one of which must be the last for a rule of a goal to hold; None where any may be, or none."""
    context = rule.parameters[-1].variable
    for part in rule.body.parts if isinstance(rule.body, And) else (rule.body,):
        match part:
            case Unify(Attribute(Variable(name), "action", None), Literal(str(said))) if name == context and said:
                return {said}
            case In(Attribute(Variable(name), "action", None), ListTerm(items, None)) if name == context:
                names = {each.value for each in items if isinstance(each, Literal) and isinstance(each.value, str)}
                if len(names) == len(items) and "" not in names:
                    return names
    return None


def _said_first(rule: RuleNode) -> object:
    """The text that is the first parameter of a rule; None where it is no text."""
    term = rule.parameters[0].term
    return term.value if isinstance(term, Literal) else None


@cache
def context_class(model: Model) -> type:
    """The class of the context of goals: what every context holds, when it all began, and whose act was the last."""
    subject: Any = model.records[model.subjects[0]]
    fields = [("began", Instant), ("actor", subject | None), ("action", str)]
    made = dataclasses.make_dataclass("Attack", fields, bases=(model.context,), slots=True)
    made.__module__ = model.context.__module__  # where the names in the annotations of the base are known
    return made


def load_goals(files: Sequence[Path], bundle: Bundle) -> Goals:
    """Read the goals of test files for a bundle. Raises SuiteRefused with everything that is wrong with them."""
    library, vocabulary = Library(bundle.model), Vocabulary(bundle)
    goals: list[Goal] = []
    statements: list[Statement] = []
    places: list[tuple[LoadedFile, DocumentPath]] = []
    named: set[str] = set()
    for path in files:
        loaded = library.load(path)
        if loaded is None:
            continue
        places.append((loaded, ("goal_rules",)))
        statements += _parsed(loaded, loaded.written.goal_rules, ("goal_rules",), library, bundle.model)
        for index, written in enumerate(loaded.written.goals):
            place: DocumentPath = ("goals", index)
            if written.goal in named:
                library.report(loaded.document, (*place, "goal"), "there is another goal of this name")
                continue
            named.add(written.goal)
            places.append((loaded, (*place, "reached")))
            about, own = _query(loaded, written, (*place, "reached"), library, bundle.model)
            statements += own
            goals.append(_goal(library, vocabulary, loaded, written, place, about))
    library.refuse()
    _check(bundle, statements, places, library)
    library.refuse()
    _refuse_impossible(goals)
    return Goals(bundle, tuple(goals), tuple(statements))


def _goal(
    library: Library,
    vocabulary: Vocabulary,
    loaded: LoadedFile,
    written: form.Goal,
    place: DocumentPath,
    about: tuple[str, ...],
) -> Goal:
    document = loaded.document
    start = library.start_of(loaded, written, place)
    facts = library.changed(loaded, document, start, start.facts, written.given, (*place, "given"), start.now)
    library.check(document, facts, place)
    model = facts.model
    for key, people in (
        ("colluders", written.colluders),
        ("deceived", written.deceived),
        ("following", written.following),
    ):
        for number, person in enumerate(people):
            if facts.subject(person) not in facts:
                near = did_you_mean(person, facts.subjects)
                library.report(document, (*place, key, number), f"there is nobody called `{person}`{near}")
    known = {action for type_ in vocabulary.types for action in vocabulary.actions_of(type_)}
    for number, action in enumerate(written.acts):
        if action not in known:
            said = f"no type has an action `{action}`{did_you_mean(action, known)}"
            library.report(document, (*place, "acts", number), said)
    outside = {move.name: move for move in model.outside}
    for number, name in enumerate(written.outside):
        if name not in outside:
            said = f"there is no outside move `{name}`{did_you_mean(name, outside)}"
            library.report(document, (*place, "outside", number), said)
    for number, duty in enumerate(written.dutiful):
        if duty.action not in vocabulary.actions_of(duty.type):
            near = did_you_mean(duty.action, vocabulary.actions_of(duty.type))
            said = f"`{duty.type}` has no action `{duty.action}`{near}"
            library.report(document, (*place, "dutiful", number, "action"), said)
    if start.now is None:
        library.report(document, place, "the fixture has no `now`")
    return Goal(
        written.goal,
        facts,
        start.now or 0,
        tuple(written.colluders),
        tuple(written.deceived),
        tuple(written.dutiful),
        tuple(written.following),
        tuple(written.outside),
        tuple(written.callers),
        frozenset(written.acts),
        written.depth,
        written.waits,
        about,
        document.file,
        document.line(place),
    )


def _parsed(
    loaded: LoadedFile, text: str, place: DocumentPath, library: Library, model: Model
) -> tuple[Statement, ...]:
    """Read Polar that stands in a file; what is wrong with it is reported at its key."""
    if not text.strip():
        return ()
    known = attributes(model) | {each.name for each in dataclasses.fields(context_class(model))}
    try:
        return admit(Source(_name_of(loaded, place), text), known)
    except BundleRefused as error:
        library.report(loaded.document, place, f"is no Polar that a goal may hold: {error}")
        return ()


def _query(
    loaded: LoadedFile, written: form.Goal, place: DocumentPath, library: Library, model: Model
) -> tuple[tuple[str, ...], list[Statement]]:
    """Return the types that a goal is about, and its rules under its own name."""
    about: dict[str, None] = {}
    own: list[Statement] = []
    for statement in _parsed(loaded, written.reached, place, library, model):
        if not isinstance(statement, RuleNode) or statement.name != _REACHED or len(statement.parameters) != _ARITY:
            library.report(loaded.document, place, "holds rules `reached(record: Type, context: Attack) if ...;` only")
            continue
        type_ = statement.parameters[0].type or ""
        if type_ not in model.records:
            said = "must say of which record type it is: `reached(use: SealUse, context: Attack)`"
            library.report(loaded.document, place, said)
            continue
        about[type_] = None
        name = Parameter(Literal(written.goal, statement.place), None, statement.place)
        own.append(dataclasses.replace(statement, parameters=(name, *statement.parameters)))
    return tuple(about), own


def _name_of(loaded: LoadedFile, place: DocumentPath) -> str:
    return f"{loaded.document.file}:{loaded.document.line(place)}"


_analyses = Analyses()
"""Of policies with goals: from another file of goals, or from another bundle, little differs."""


@cache
def _types(model: Model) -> TypeTable:
    """The types that goals are checked against."""
    return TypeTable(model.records, (*plain_classes(model), context_class(model)))


def _check(
    bundle: Bundle,
    statements: Iterable[Statement],
    places: Iterable[tuple[LoadedFile, DocumentPath]],
    library: Library,
) -> None:
    """Check the rules of goals as those of a bundle are checked; what they name must be there."""
    model = bundle.model
    own = tuple(statements)
    if not own:
        return
    whole = (*bundle.statements, *own)
    before = _analyses.get(model)
    analysis = analyse(
        whole,
        _types(model),
        lambda action, type_: model.action(action, type_).context,
        product_reasons=PRODUCT_REASONS,
        subjects=model.subjects,
        sources=bundle.sources,
        before=None if before is None else before.analysis,
        groups=bundle.rulebook.groups,
    )
    if analysis.flow is not None:
        _analyses.keep(model, Checked(bundle.sources, whole, analysis))
    by_file = {_name_of(loaded, place): (loaded, place) for loaded, place in places}
    for diagnostic in analysis.diagnostics:
        found = by_file.get(diagnostic.place.file)
        if found is not None and diagnostic.severity is Severity.ERROR:
            loaded, place = found
            library.report(loaded.document, place, f"line {diagnostic.place.line} of it: {diagnostic.message}")


def _refuse_impossible(goals: Iterable[Goal]) -> None:
    """Raise SuiteRefused for worlds that no store would hold: what is reached from there proves nothing."""
    faults = []
    for goal in goals:
        said = refusal(goal.facts)
        if said:
            faults.append(Fault(goal.file, goal.line, 1, f"no store would hold the facts of this goal: {said}"))
    if faults:
        raise SuiteRefused(*faults)
