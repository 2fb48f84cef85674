"""A naive interpreter of the core form: what a policy means, without any of what makes the compiled engine fast.

Goals are solved in the order of the text, each solution of one before the next. A variable without a value where one is
needed is refused, as by the compiler. It is for tests alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeGuard

from sealauthz.polar import runtime
from sealauthz.polar.core.nodes import (
    All,
    AnyOf,
    Attribute,
    Calculation,
    Call,
    Classes,
    Clause,
    Constant,
    Core,
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
from sealauthz.polar.diagnostic import refusal
from sealauthz.polar.runtime import FREE
from sealauthz.polar.types import TypeTable
from sealauthz.runtime.errors import BundleRefused, EvaluationFailed

MAX_STEPS = 200_000
"""Goals of one question."""

_IGNORED = object()
"""Marks an argument that has no value and is of no interest."""

_Env = Mapping[int, Any]
"""The values of a clause's variables, by number."""


class Interpreter:
    """Answers questions by a policy's core form."""

    def __init__(self, core: Core, table: TypeTable) -> None:
        self._core = core
        self._table = table

    def holds(self, rule: str, *arguments: object) -> bool:
        """Whether a rule holds for these arguments. Raises EvaluationFailed; BundleRefused where it is no question."""
        return bool(self._answers(rule, arguments, at_most=1))

    def each(self, rule: str, *arguments: object) -> list[tuple[Any, ...]]:
        """Return the values that the FREE arguments can take, some perhaps repeatedly. Raises as `holds` does."""
        return self._answers(rule, arguments)

    def _answers(self, rule: str, arguments: Sequence[object], at_most: int | None = None) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = []
        try:
            for solution in _Search(self._core, self._table).rule((rule, len(arguments)), arguments):
                found.append(solution)
                if len(found) == at_most:
                    break
        except (BundleRefused, EvaluationFailed):
            raise
        except Exception as error:
            raise EvaluationFailed(f"`{rule}` could not be evaluated") from error
        return found


class _Search:
    """One question."""

    def __init__(self, core: Core, table: TypeTable) -> None:
        self._core = core
        self._table = table
        self._budget: runtime.Budget = [MAX_STEPS]

    def rule(self, key: tuple[str, int], arguments: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        """Yield the values of the FREE arguments, for each solution of a rule."""
        for clause in self._core[key]:
            yield from self._clause(clause, arguments)

    def _clause(self, clause: Clause, arguments: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        frame = _Frame(self)
        env: _Env | None = {}
        for parameter, argument in zip(clause.parameters, arguments, strict=True):
            env = frame.entered(parameter, argument, env) if env is not None else None
        if env is None:
            return
        wanted = [
            parameter.term for parameter, argument in zip(clause.parameters, arguments, strict=True) if argument is FREE
        ]
        for end in frame.all(clause.goals, env):
            yield tuple(frame.value(term, end) for term in wanted)

    def count(self) -> None:
        """Count one step. Raises EvaluationFailed where there are too many."""
        runtime.spent(1, self._budget)

    def same(self, left: Any, right: Any) -> bool:
        """Whether two values unify."""
        return runtime.same(left, right, self._budget)

    def contains(self, item: Any, collection: Any) -> bool:
        """Whether a value is in a collection."""
        return runtime.contains(item, collection, self._budget)

    def attribute(self, value: Any, name: str) -> Any:
        """Read an attribute of a value."""
        cls = type(value)
        if self._table.knows(cls) and self._table.known(cls, name) is None:
            raise EvaluationFailed(f"{cls.__name__} has no attribute `{name}`")
        return getattr(value, name)


class _Frame:
    """One clause that is tried. `typed` are the patterns of parameters whose variables have no value yet."""

    def __init__(self, search: _Search) -> None:
        self._search = search
        self._typed: dict[int, list[Pattern]] = {}

    # --- heads ------------------------------------------------------------------------------------------------------

    def entered(self, parameter: Parameter, argument: Any, env: _Env) -> _Env | None:
        """Give a parameter its argument; None where they do not fit."""
        term, pattern = parameter.term, parameter.pattern
        if argument is FREE or argument is _IGNORED:
            if pattern is None:
                return env
            if isinstance(term, Variable) and term.number not in env:
                self._typed.setdefault(term.number, []).append(pattern)
                return env
            return env if self._matches(self.value(term, env), pattern) else None
        if pattern is not None and not self._matches(argument, pattern):
            return None
        if isinstance(term, Variable) and term.number not in env:
            return self._bound(env, term, argument)
        value = self.value(term, env)
        if isinstance(term, Variable) and pattern is not None and not self._matches(value, pattern):
            return None  # it has the value of its first place, which may equal one of another type
        return env if self._search.same(value, argument) else None

    def _bound(self, env: _Env, variable: Variable, value: Any) -> _Env | None:
        """Give a variable its value; None where its parameter does not take it."""
        if not all(self._matches(value, pattern) for pattern in self._typed.get(variable.number, ())):
            return None
        return {**env, variable.number: value}

    def _matches(self, value: Any, pattern: Pattern) -> bool:
        match pattern:
            case Classes(_, classes, _):
                return isinstance(value, classes)
            case Constant(other, _):
                return self._search.same(value, other)
            case Unsupported(message, place):
                raise refusal(message, place)

    # --- terms ------------------------------------------------------------------------------------------------------

    def _is_open(self, term: Term, env: _Env) -> TypeGuard[Variable]:
        return isinstance(term, Variable) and term.number not in env

    def value(self, term: Term, env: _Env) -> Any:
        """The value of a term. Raises BundleRefused where a variable has none."""
        match term:
            case Variable(number, name, place):
                if number not in env:
                    raise refusal(f"`{name}` has no value yet", place)
                return env[number]
            case Constant(value, _):
                return value
            case Attribute(base, name, _):
                return self._search.attribute(self.value(base, env), name)
            case Calculation(sign, left, right, _):
                return runtime.calculate(sign, self.value(left, env), self.value(right, env))
            case ListOf(items, _):
                return [self.value(item, env) for item in items]
            case DictOf(fields, _):
                return {key: self.value(value, env) for key, value in fields}
            case Unsupported(message, place):
                raise refusal(message, place)

    def _unified(self, left: Term, right: Term, env: _Env) -> bool:
        """Whether two terms with values are equal. A variable is equal to itself, even if its value is not."""
        match left, right:
            case Variable(one), Variable(other) if one == other:
                return True
            case ListOf(ours), ListOf(theirs) if len(ours) == len(theirs):
                return all(self._unified(a, b, env) for a, b in zip(ours, theirs, strict=True))
            case DictOf(ours), DictOf(theirs) if dict(ours).keys() == dict(theirs).keys():
                other_fields = dict(theirs)
                return all(self._unified(value, other_fields[key], env) for key, value in ours)
            case _:
                return self._search.same(self.value(left, env), self.value(right, env))

    # --- goals ------------------------------------------------------------------------------------------------------

    def all(self, goals: Sequence[Goal], env: _Env) -> Iterator[_Env]:
        """Yield the values of the variables for each way in which all goals hold."""
        if not goals:
            yield env
            return
        for now in self._each(goals[0], env):
            yield from self.all(goals[1:], now)

    def _each(self, goal: Goal, env: _Env) -> Iterator[_Env]:
        self._search.count()
        match goal:
            case All():
                yield from self.all(goal.goals, env)
            case AnyOf():
                for alternative in goal.goals:
                    yield from self._each(alternative, env)
            case Call():
                yield from self._call(goal, env)
            case Member() if self._is_open(goal.item, env):
                for member in runtime.items(self.value(goal.collection, env)):
                    self._search.count()
                    yield from self._give(goal.item, member, env)
            case Equal() if self._is_open(goal.left, env) or self._is_open(goal.right, env):
                yield from self._equal(goal, env)
            case Given():
                if goal.variable.number in env:
                    raise refusal(f"`{goal.variable.name}` has a value already", goal.place)
                yield from self._give(goal.variable, self.value(goal.value, env), env)
            case _:
                if self._holds(goal, env):
                    yield env

    def _holds(self, goal: Goal, env: _Env) -> bool:
        """Whether a goal that gives no variable a value holds."""
        match goal:
            case Decided():
                return goal.value
            case Equal():
                return self._unified(goal.left, goal.right, env)
            case Ordered():
                return runtime.compare(goal.sign, self.value(goal.left, env), self.value(goal.right, env))
            case Member():
                return self._search.contains(self.value(goal.item, env), self.value(goal.collection, env))
            case Matched():
                return self._matches(self.value(goal.term, env), goal.pattern)
            case Truth():
                return runtime.truth(self.value(goal.term, env))
            case Not():
                unbound = goal.first_open(env.__contains__)
                if unbound is not None:
                    raise refusal(f"`{unbound.name}` has no value yet where it is negated", goal.place)
                return next(self._each(goal.goal, env), None) is None
            case Impossible():
                raise refusal(goal.message, goal.at)
            case _:
                raise AssertionError("this goal gives values")

    def _give(self, variable: Variable, value: Any, env: _Env) -> Iterator[_Env]:
        bound = self._bound(env, variable, value)
        if bound is not None:
            yield bound

    def _equal(self, goal: Equal, env: _Env) -> Iterator[_Env]:
        for side, other in ((goal.left, goal.right), (goal.right, goal.left)):
            if self._is_open(side, env):
                if self._is_open(other, env):
                    raise refusal("neither side has a value yet", goal.place)
                yield from self._give(side, self.value(other, env), env)
                return

    def _call(self, goal: Call, env: _Env) -> Iterator[_Env]:
        arguments: list[Any] = []
        sought: list[Variable] = []
        for term in goal.arguments:
            if isinstance(term, Variable) and term.number not in env:
                bit = 1 << term.number
                is_sought = not goal.own & bit or bool(goal.repeated & bit)
                if is_sought and any(term.number == other.number for other in sought):
                    raise refusal(f"`{term.name}` stands twice in this call and has no value yet", term.place)
                arguments.append(FREE if is_sought else _IGNORED)
                sought += [term] if is_sought else []
            else:
                arguments.append(self.value(term, env))
        if goal.key not in self._search._core:
            raise refusal(f"no rule is called `{goal.key[0]}`", goal.place)
        for found in self._search.rule(goal.key, arguments):
            now: _Env | None = env
            for variable, value in zip(sought, found, strict=True):
                now = self._bound(now, variable, value) if now is not None else None
            if now is not None:
                yield now
