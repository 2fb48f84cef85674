"""From a program to its core form: the one step that looks at what a name is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sealauthz.polar import program as written
from sealauthz.polar.core.nodes import (
    All,
    AnyOf,
    Attribute,
    Calculation,
    Call,
    Classes,
    Clause,
    Constant,
    Decided,
    DictOf,
    Equal,
    Given,
    Goal,
    Impossible,
    ListOf,
    Matched,
    Member,
    Not,
    Ordered,
    Parameter,
    Pattern,
    Term,
    Truth,
    Unsupported,
    Variable,
)
from sealauthz.polar.program import Key, Program
from sealauthz.polar.syntax import (
    And,
    Arithmetic,
    Assign,
    Compare,
    DictTerm,
    In,
    ListTerm,
    Literal,
    Matches,
    Or,
    Place,
    TypePattern,
    Unify,
)
from sealauthz.polar.syntax import Attribute as SourceAttribute
from sealauthz.polar.syntax import Call as SourceCall
from sealauthz.polar.syntax import Not as SourceNot
from sealauthz.polar.syntax import Pattern as SourcePattern
from sealauthz.polar.syntax import Term as Source
from sealauthz.polar.syntax import Variable as SourceVariable

ANONYMOUS = "_"


class Lowering:
    """Lowers the clauses of one program, each once. `classes` are all that a policy may name."""

    def __init__(self, program: Program, classes: Mapping[str, type]) -> None:
        self._classes = classes
        self._unions = program.unions
        self._patterns: dict[str, tuple[type, ...] | str] = {}

    def clauses(self, clauses: Sequence[written.Clause]) -> tuple[Clause, ...]:
        """Lower the clauses of one rule."""
        return tuple(map(self.clause, clauses))

    def clause(self, clause: written.Clause) -> Clause:
        """Lower one clause."""
        return _Clause(self, clause).lowered

    def classes_of(self, name: str, place: Place) -> Classes | Unsupported:
        """The classes that a name stands for."""
        found = self._patterns.get(name)
        if found is None:
            found = self._patterns[name] = self._find(name)
        return Unsupported(found, place) if isinstance(found, str) else Classes(name, found, place)

    def _find(self, name: str) -> tuple[type, ...] | str:
        union = self._unions.get(name)
        names = sorted(union) if union is not None else [name]
        lacking = [name for name in names if name not in self._classes]
        return f"no class is called `{lacking[0]}`" if lacking else tuple(self._classes[name] for name in names)


class _Clause:
    """Lowers one clause. `met` are the numbers of all variables so far, each as often as it was met."""

    def __init__(self, lowering: Lowering, clause: written.Clause) -> None:
        self._lowering = lowering
        self._times = clause.occurrences
        self._numbers: dict[str, int] = {}
        self._names: list[str] = []
        self._met: list[int] = []
        parameters = tuple([self._parameter(p.term, p.pattern) for p in clause.parameters])
        in_head = self._variables(0)
        goals = tuple([self._goal(goal) for goal in clause.goals])
        key: Key = (clause.name, len(parameters))
        self.lowered = Clause(key, parameters, goals, tuple(self._names), in_head, clause)

    # --- terms ------------------------------------------------------------------------------------------------------

    def _variable(self, name: str, place: Place) -> Variable:
        if name == ANONYMOUS:
            number = len(self._names)
            self._names.append(name)
        else:
            number = self._numbers.setdefault(name, len(self._names))
            if number == len(self._names):
                self._names.append(name)
        self._met.append(number)
        return Variable(number, name, place, name == ANONYMOUS)

    def _term(self, term: Source) -> Term:
        match term:
            case SourceVariable(name, place):
                return self._variable(name, place)
            case SourceAttribute(base, name, None, place):
                return Attribute(self._term(base), name, place)
            case Literal(value, place):
                return Constant(value, place)
            case Arithmetic(sign, left, right, place):
                return Calculation(sign, self._term(left), self._term(right), place)
            case ListTerm(items, None, place):
                return ListOf(tuple([self._term(item) for item in items]), place)
            case DictTerm(fields, place):
                return DictOf(tuple([(key, self._term(value)) for key, value in fields]), place)
            case _:
                # What stands in it counts as read, so that nobody takes a variable for one that stands once.
                for part in term.items if isinstance(term, ListTerm) else ():
                    self._term(part)
                if isinstance(term, ListTerm) and term.rest is not None:
                    self._variable(term.rest.name, term.rest.place)
                return Unsupported("this is not compiled as a value", term.place)

    def _parameter(self, term: Source, pattern: SourcePattern | None) -> Parameter:
        lowered = self._term(term)
        is_alone = isinstance(term, SourceVariable) and (term.name == ANONYMOUS or self._times[term.name] == 1)
        return Parameter(lowered, None if pattern is None else self._pattern(pattern), is_alone and pattern is None)

    def _pattern(self, pattern: SourcePattern) -> Pattern:
        match pattern:
            case Literal(value, place):
                return Constant(value, place)
            case TypePattern(name, (), place):
                return self._lowering.classes_of(name, place)
            case _:
                return Unsupported("only a type or a literal can be matched here", pattern.place)

    # --- goals ------------------------------------------------------------------------------------------------------

    def _goal(self, goal: Source) -> Goal:
        start = len(self._met)
        match goal:
            case SourceCall(name, arguments, _):
                terms = tuple([self._term(argument) for argument in arguments])
                return Call(*self._seen(start), goal, (name, len(terms)), terms, self._repeated(start))
            case Unify(left, right, _):
                sides = self._term(left), self._term(right)
                return Equal(*self._seen(start), goal, *sides)
            case Compare(sign, left, right, _):
                sides = self._term(left), self._term(right)
                return Ordered(*self._seen(start), goal, sign, *sides)
            case In(item, collection, _):
                sides = self._term(item), self._term(collection)
                return Member(*self._seen(start), goal, *sides)
            case Matches(term, pattern, _):
                value = self._term(term)
                return Matched(*self._seen(start), goal, value, self._pattern(pattern))
            case SourceNot(term, _):
                inner = self._goal(term)
                return Not(*self._seen(start), goal, inner, self._within(start, goal.place))
            case And(parts, _):
                goals = tuple([self._goal(part) for part in parts])
                return All(*self._seen(start), goal, goals)
            case Or(parts, _):
                goals = tuple([self._goal(part) for part in parts])
                return AnyOf(*self._seen(start), goal, goals, self._within(start, goal.place))
            case Assign(variable, term, _):
                target, value = self._variable(variable.name, variable.place), self._term(term)
                return Given(*self._seen(start), goal, target, value)
            case SourceVariable() | SourceAttribute():
                value = self._term(goal)
                return Truth(*self._seen(start), goal, value)
            case Literal(bool() as value, _):
                return Decided(0, 0, goal, value)
            case Literal(_, place):
                return Impossible(0, 0, goal, "this is no condition", place)
            case _:
                return Impossible(0, 0, goal, "this cannot be compiled here", goal.place)

    def _variables(self, start: int) -> int:
        found = 0
        for number in self._met[start:]:
            found |= 1 << number
        return found

    def _seen(self, start: int) -> tuple[int, int]:
        """The variables met since, and those of them that stand nowhere else."""
        met = self._met[start:]
        found = own = 0
        for number in met:
            bit = 1 << number
            if not found & bit:
                found |= bit
                name = self._names[number]
                if name == ANONYMOUS or met.count(number) == self._times[name]:
                    own |= bit
        return found, own

    def _repeated(self, start: int) -> int:
        """The variables met more than once since."""
        met = self._met[start:]
        return sum(1 << number for number in {number for number in met if met.count(number) > 1})

    def _within(self, start: int, place: Place) -> tuple[Variable, ...]:
        """The variables met since, each once."""
        return tuple(Variable(number, self._names[number], place) for number in dict.fromkeys(self._met[start:]))
