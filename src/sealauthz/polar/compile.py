"""The compiler: clauses to Python, one function for each pattern in which a rule is called.

A call pattern says of each argument whether it is a constant, of a known type, just bound, to be found (FREE), or of
no interest (IGNORED). Literals and types fold away where the pattern decides them. A function without FREE arguments
answers True at its first solution; one with FREE arguments is a generator of their values, or, where the engine itself
asks, makes a list of them. Clauses that begin alike share what they begin with. Binding order is the order of the text:
what is unbound where a value is needed is refused, with its place.

Functions are built as `ast` nodes of a few kinds; no text of a policy reaches Python but as a constant, or as the name
of an attribute. Names of the code are a letter and a number, which alone tell them apart: `v3` is the third local, `a0`
the first argument, `r7` the seventh function, `c2` a class. What may follow behind `_` (`v3_seal`) is for readers.
"""

from __future__ import annotations

import ast
import copy
import dataclasses
import itertools
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, NoReturn, TypeGuard, TypeVar

from sealauthz.errors import BundleRefused
from sealauthz.polar.program import Clause, Key, Program
from sealauthz.polar.runtime import INDEXED_FROM, same
from sealauthz.polar.syntax import (
    And,
    Arithmetic,
    Assign,
    Attribute,
    Call,
    Compare,
    DictTerm,
    In,
    ListTerm,
    Literal,
    Matches,
    Not,
    Or,
    Parameter,
    Pattern,
    Place,
    Term,
    TypePattern,
    Unify,
    Variable,
)
from sealauthz.polar.terms import variables
from sealauthz.polar.types import Known, TypeTable

MAX_LOOPS = 16
"""Loops inside each other in one function; CPython itself stops at 20."""

MAX_INLINED = 8
"""Calls written out inside each other."""

MAX_INLINED_NODES = 60
"""The largest expression that is written out in place of a call, in nodes."""

BUDGET = "budget"
FOUND = "found"
"""Names of the code without a number, as the functions of the run time have them."""


@dataclass(frozen=True, slots=True)
class Bound:
    """An argument whose value is given, of a type that may be known."""

    known: Known | None = None


@dataclass(frozen=True, slots=True)
class Constant:
    """An argument whose value is known to the compiler; `kind` keeps True and 1 apart."""

    value: str | int | float | bool | None
    kind: type


FREE = "free"
IGNORED = "ignored"
Argument = Bound | Constant | str
CallPattern = tuple[Argument, ...]

Test = bool | ast.expr
"""A condition: decided already, or an expression that decides it."""


@dataclass(frozen=True, slots=True)
class Value:
    """A bound value: how to write it, and what is known of it."""

    node: ast.expr
    known: Known | None = None

    @property
    def is_constant(self) -> bool:
        """Whether the compiler knows the value itself."""
        return isinstance(self.node, ast.Constant)

    @property
    def constant(self) -> Any:
        """The value itself."""
        return self.node.value if isinstance(self.node, ast.Constant) else None


Env = Mapping[str, Value]
Rest = Callable[["Env"], list[ast.stmt]]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A compiled pattern: the name of its function, or the answer where it is the same for all values.

    It `tells_apart` classes of one stem where it would be other code for another of them.
    """

    name: str
    always: bool | None = None
    tells_apart: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that a trace can name, and the clause that it stands in; a clause itself has no term."""

    clause: Clause | None
    term: Term | None


K = TypeVar("K")
V = TypeVar("V")


class _Memory(Generic[K, V]):
    """What is known by key. A memory on top of another looks there for what it does not know and the other may tell."""

    def __init__(self, below: _Memory[K, V] | None = None, hides: Callable[[K], bool] = lambda _: False) -> None:
        self._own: dict[K, V] = {}
        self._below = below
        self._hides = hides

    def get(self, key: K) -> V | None:
        """Return what is known by a key."""
        found = self._own.get(key)
        if found is None and self._below is not None and not self._hides(key):
            return self._below.get(key)
        return found

    def __contains__(self, key: K) -> bool:
        return self.get(key) is not None

    def __setitem__(self, key: K, value: V) -> None:
        self._own[key] = value

    def values(self) -> Iterator[V]:
        """Everything that is not hidden, what lies below first."""
        if self._below is not None:
            yield from self._below.values()
        yield from self._own.values()

    def mark(self) -> int:
        """How much it knows by itself, for `forget`."""
        return len(self._own)

    def forget(self, mark: int) -> None:
        """Forget what it has learnt since."""
        for key in list(self._own)[mark:]:
            del self._own[key]


class Compiler:
    """Compiles rules on demand. `definitions` are the functions so far, in the order in which they were asked for."""

    def __init__(self, program: Program, table: TypeTable, is_traced: bool = False) -> None:
        self.program = program
        self.table = table
        self.is_traced = is_traced
        self.conditions: list[Condition] = []
        self.numbers: dict[str, set[int]] = {}
        self.promised: set[str] = set()
        self._condition_ids: dict[int, int] = {}
        self.definitions: _Memory[str, ast.FunctionDef] = _Memory()
        self._class_names = {cls: _numbered("c", at, cls.__name__) for at, cls in enumerate(table.classes.values())}
        self.classes = {name: cls for cls, name in self._class_names.items()}
        self._compiled: _Memory[tuple[Key, CallPattern, bool], Compiled] = _Memory()
        self._common: _Memory[tuple[Key, CallPattern, bool], Compiled] = _Memory()
        self._candidates: _Memory[tuple[str, CallPattern], tuple[list[Clause], bool]] = _Memory()
        self._told_apart = 0
        self.classes_named: dict[str, tuple[type, ...]] = {}
        self._counted: dict[int, Counter[str]] = {}
        self.not_written_out: _Memory[tuple[str, CallPattern], bool] = _Memory()
        self._ordered = {key: self._by_specificity(clauses) for key, clauses in program.clauses.items()}
        self._by_literal = {key: _by_literal(clauses) for key, clauses in self._ordered.items()}
        self._names = itertools.count(1)

    def changed(self, program: Program, key: Key, users: Container[Key]) -> Compiler:
        """Return a compiler of a policy in which the clauses of one rule differ; `users` are the rules whose answers
        may depend on it. What was compiled of all others stays.
        """
        other = copy.copy(self)
        other.program = program
        other.conditions = list(self.conditions)
        other.numbers = {name: set(numbers) for name, numbers in self.numbers.items()}
        other.promised = set(self.promised)
        other._condition_ids = dict(self._condition_ids)
        other.definitions = _Memory(self.definitions)
        other.classes_named = dict(self.classes_named)
        other._counted = dict(self._counted)
        other._compiled = _Memory(self._compiled, lambda known: known[0] in users)
        other._common = _Memory(self._common, lambda known: known[0] in users)
        other._candidates = _Memory(self._candidates, lambda known: (known[0], len(known[1])) == key)
        other.not_written_out = _Memory(self.not_written_out, lambda known: (known[0], len(known[1])) in users)
        other._ordered = dict(self._ordered)
        other._by_literal = dict(self._by_literal)
        if key in program.clauses:
            other._ordered[key] = other._by_specificity(program.clauses[key])
            other._by_literal[key] = _by_literal(other._ordered[key])
        else:
            del other._ordered[key], other._by_literal[key]
        return other

    def rule(self, name: str, pattern: CallPattern, place: Place | None = None, *, collects: bool = False) -> Compiled:
        """Compile a rule for a call pattern. Raises BundleRefused.

        What `collects` returns a list of all solutions, in any order where they are constants, some of them repeatedly.
        """
        key = (name, len(pattern))
        if key not in self.program.clauses:
            known = [arity for other, arity in self.program.clauses if other == name]
            what = f"`{name}` has {known[0]} parameters, not {len(pattern)}" if known else f"no rule is called `{name}`"
            _refuse(what, place)
        found = self._compiled.get((key, pattern, collects))
        if found is None:
            found = self._common.get((key, self._stemmed(pattern), collects))
        if found is not None and found.tells_apart:
            self._told_apart += 1
        if found is not None and found.always is None and found.name not in self.definitions:
            # It is being compiled and calls itself: whatever comes of it, its function has to exist.
            self.promised.add(found.name)
        if found is None:
            python_name = self.name_for(name)
            before = self._compiled.mark()
            told_apart = self._told_apart
            # Registered before its body is compiled, so that a recursive rule finds itself.
            self._compiled[key, pattern, collects] = Compiled(python_name, tells_apart=True)
            try:
                function = _Function(self, python_name, FREE in pattern and not collects, collects)
                found = function.of_rule(self.candidates(name, pattern), pattern)
            except (BundleRefused, RecursionError):
                # Whoever asks again must not find a function that was never finished, or one that calls it.
                self._compiled.forget(before)
                raise
            if self._told_apart != told_apart:
                found = replace(found, tells_apart=True)
            else:
                self._common[key, self._stemmed(pattern), collects] = found
            self._compiled[key, pattern, collects] = found
        return found

    def _stemmed(self, pattern: CallPattern) -> CallPattern:
        """A pattern in which classes of one stem are that stem: the code is the same where nothing told them apart."""
        stemmed: list[Argument] = []
        for argument in pattern:
            known = argument.known if isinstance(argument, Bound) else None
            stem = None if known is None else self.table.stem(known.cls)
            stemmed.append(argument if known is None or stem is None else Bound(replace(known, cls=stem)))
        return tuple(stemmed)

    def note_class(self, cls: type) -> None:
        """Note that what is being compiled would be other code for a sibling of a class."""
        if self.table.stem(cls) is not None:
            self._told_apart += 1

    def attribute(self, cls: type, name: str) -> Known | None:
        """What an attribute of a class holds; None if the class has no such attribute or is not known."""
        if self.table.stem(cls) is not None and not self.table.is_common(cls, name):
            self._told_apart += 1
        return self.table.known(cls, name)

    def name_for(self, name: str) -> str:
        """A Python name that no function has yet."""
        return _numbered("r", next(self._names), name)

    def counted(self, term: Term) -> Counter[str]:
        """How often each variable stands in a term of the program."""
        found = self._counted.get(id(term))
        if found is None:
            found = self._counted[id(term)] = Counter(variables(term))
        return found

    def clause_number(self, clause: Clause) -> int:
        """The number by which a trace names a clause."""
        return self._number(id(clause), Condition(clause, None))

    def condition(self, clause: Clause | None, term: Term) -> int:
        """The number by which a trace names a condition of a clause."""
        return self._number(id(term), Condition(clause, term))

    def _number(self, identity: int, condition: Condition) -> int:
        found = self._condition_ids.get(identity)
        if found is None:
            found = self._condition_ids[identity] = len(self.conditions)
            self.conditions.append(condition)
            if condition.clause is not None:
                self.numbers.setdefault(condition.clause.name, set()).add(found)
        return found

    def class_node(self, cls: type) -> ast.expr:
        """A name that stands for a class in compiled code."""
        return _name(self._class_names[cls])

    def candidates(self, name: str, pattern: CallPattern) -> list[Clause]:
        """The clauses of a rule that a call pattern does not rule out."""
        known = self._candidates.get((name, pattern))
        if known is None:
            probe = _Function(self, "", False)
            told_apart = self._told_apart
            likely = self._likely((name, len(pattern)), pattern)
            found = [c for c in likely if _may_fit(c, pattern) and probe.head(c, pattern, {}) is not None]
            known = self._candidates[name, pattern] = found, self._told_apart != told_apart
        elif known[1]:
            self._told_apart += 1
        return known[0]

    def _by_specificity(self, clauses: Sequence[Clause]) -> list[Clause]:
        """Clauses in the order in which oso tries them: argument by argument, a derived class before its base, a class
        before a union, and any of them before no type at all.
        """

        def rank(clause: Clause) -> list[tuple[int, int]]:
            ranks = []
            for parameter in clause.parameters:
                pattern = parameter.pattern
                if not isinstance(pattern, TypePattern):
                    ranks.append((2, 0))
                elif pattern.name in self.program.unions:
                    ranks.append((1, 0))
                else:
                    cls = self.table.classes.get(pattern.name, object)
                    ranks.append((0, -len(cls.__mro__)))
            return ranks

        return sorted(clauses, key=rank)

    def _likely(self, key: Key, pattern: CallPattern) -> Sequence[Clause]:
        """The clauses that a look-up by the most telling literal leaves."""
        clauses: Sequence[Clause] = self._ordered.get(key, ())
        by_position = self._by_literal.get(key, {})
        for position, argument in enumerate(pattern):
            if isinstance(argument, Constant) and argument.kind is str and position in by_position:
                some = by_position[position].get(str(argument.value), ())
                if len(some) < len(clauses):
                    clauses = some
        return clauses


@dataclass(slots=True)
class _Head:
    """A clause entered by a call pattern: what it binds, what is still to be tested, and what it gives back."""

    env: dict[str, Value]
    tests: list[Test]
    outputs: list[Parameter]
    typed: dict[str, tuple[Pattern, ...]]


@dataclass(slots=True)
class _Way:
    """A clause that was entered, with the goals that are left and the values so far.

    `numbers` gives the variables of clauses that begin alike the same numbers; it is None where nothing can be shared.
    """

    clause: Clause
    head: _Head
    goals: Sequence[Term]
    env: Env
    numbers: dict[str, int] | None


@dataclass(frozen=True, slots=True)
class _Scope:
    """What is known of the variables of a clause before they have values: how often each stands, and its types."""

    occurrences: Mapping[str, int]
    typed: Mapping[str, tuple[Pattern, ...]]


class _Function:
    """One Python function under construction."""

    def __init__(self, compiler: Compiler, name: str, is_generator: bool, collects: bool = False) -> None:
        self._compiler = compiler
        self._name = name
        self._is_generator = is_generator
        self._collects = collects
        self._locals = itertools.count(1)
        self._loops = 0
        self._scope = _Scope({}, {})
        self._inside: tuple[Key, ...] = ()
        self._tracing: Clause | None = None

    # --- functions ---------------------------------------------------------------------------------------------------

    def of_rule(self, clauses: Sequence[Clause], pattern: CallPattern) -> Compiled:
        """Compile all clauses of a rule into one function."""
        names = [_argument(index) for index, argument in enumerate(pattern) if isinstance(argument, Bound)]
        ways: list[_Way] = []
        for clause in clauses:
            head = self.head(clause, pattern, {})
            if head is not None and _all(head.tests) is not False:
                ways.append(_Way(clause, head, clause.goals, head.env, self._numbered(clause, head, pattern)))
        outputs = [parameter.term for way in ways for parameter in way.head.outputs]
        # Each solution is the same constant, so that it does not matter in which turn of a common loop it is found.
        in_any_order = self._collects and all(isinstance(term, Literal) for term in outputs)
        return self._define(names, self._ways(ways, in_any_order))

    def of_part(self, term: Term, env: Env, captured: Sequence[str], outputs: Sequence[Variable] = ()) -> Compiled:
        """Compile a part of a clause into a function of the variables that it reads, which gives the outputs back."""
        inner: dict[str, Value] = {name: value for name, value in env.items() if value.is_constant}
        names = []
        for variable in captured:
            if variable not in inner:
                names.append(self._local(variable))
                inner[variable] = replace(env[variable], node=_name(names[-1]))
        give = self._giving(outputs)
        body: list[ast.stmt] = []
        for alternative in term.parts if isinstance(term, Or) else (term,):
            body += self._goals([alternative], inner, give)
        return self._define(names, body)

    def _part(self, what: str, is_generator: bool) -> _Function:
        """A function for a part of the clause under construction."""
        part = _Function(self._compiler, self._compiler.name_for(f"{self._name}_{what}"), is_generator)
        part._scope, part._tracing, part._inside = self._scope, self._tracing, self._inside
        return part

    def _define(self, names: list[str], body: list[ast.stmt]) -> Compiled:
        is_promised = self._name in self._compiler.promised
        if not body and not self._is_generator and not is_promised:
            return Compiled(self._name, always=False)
        first = next((statement for statement in body if not _is_marker(statement)), None)
        if isinstance(first, ast.Return) and not self._is_generator and not is_promised:
            return Compiled(self._name, always=True)
        if self._collects:
            body = [
                ast.Assign([ast.Name(FOUND, ast.Store())], ast.List([], ast.Load())),
                *body,
                ast.Return(_name(FOUND)),
            ]
        elif self._is_generator:
            # A generator without a yield would be a plain function.
            body = _counting_depth([*(body or [ast.Return(None)]), ast.If(_constant(False), [_yield([])], [])])
        else:
            body.append(ast.Return(_constant(False)))
        if is_promised and not self._is_generator:
            body = [*_spend(_constant(1)), *body]
        arguments = ast.arguments([], [ast.arg(name) for name in (BUDGET, *names)], None, [], [], None, [])
        self._compiler.definitions[self._name] = ast.FunctionDef(self._name, arguments, body, [], **_TYPE_PARAMS)
        return Compiled(self._name)

    def _numbered(self, clause: Clause, head: _Head, pattern: CallPattern) -> dict[str, int] | None:
        """Numbers for the variables of a head, by their places; None where the head says more than types."""
        if self._compiler.is_traced or head.typed or _all(head.tests) is not True:
            return None
        numbers: dict[str, int] = {}
        for index, (parameter, argument) in enumerate(zip(clause.parameters, pattern, strict=True)):
            if isinstance(parameter.term, Variable) and parameter.term.name != "_":
                if parameter.term.name in numbers:
                    return None
                numbers[parameter.term.name] = index
            elif isinstance(argument, Bound) and not isinstance(parameter.term, Variable):
                return None
        return numbers

    def _ways(self, ways: Sequence[_Way], in_any_order: bool) -> list[ast.stmt]:
        """Compile clauses one after the other; those that go on alike go together for as long as they do."""
        body: list[ast.stmt] = []
        left = list(ways)
        while left:
            first, *others = left
            alike, left = self._alike(first, others, in_any_order)
            body += self._together([first, *alike], in_any_order) if alike else self._way(first)
        return body

    def _way(self, way: _Way) -> list[ast.stmt]:
        """Compile what is left of one clause."""
        outer = self._scope
        self._scope = _Scope(way.clause.occurrences, way.head.typed)
        self._tracing = way.clause if self._compiler.is_traced else None
        give = self._giving([parameter.term for parameter in way.head.outputs])

        def proved(end: Env) -> list[ast.stmt]:
            return [*self._event("proved", way.clause), *give(end)]

        tests = _all(way.head.tests) if way.goals is way.clause.goals else True
        body = _when(tests, [*self._event("tried", way.clause), *self._goals(way.goals, way.env, proved)])
        self._scope = outer
        return [_marker(way.clause.place), *body] if body else []

    def _alike(self, first: _Way, others: Sequence[_Way], in_any_order: bool) -> tuple[list[_Way], list[_Way]]:
        """The clauses whose next goal is that of the first, and the others.

        Where order matters these follow it directly, and the goal has one solution at most.
        """
        if first.numbers is None or not first.goals or not others:
            return [], list(others)
        if not in_any_order and not self._is_single(first):
            return [], list(others)
        wanted = self._next_shape(first, in_any_order)
        alike: list[_Way] = []
        left: list[_Way] = []
        for index, way in enumerate(others):
            if way.numbers is not None and way.goals and self._next_shape(way, in_any_order) == wanted:
                alike.append(way)
            elif in_any_order:
                left.append(way)
            else:
                return alike, [*others[index:]]
        return alike, left

    def _next_shape(self, way: _Way, in_any_order: bool) -> tuple[Any, ...]:
        """The next goal without places and names, and what is known of the variables in it."""
        numbers = dict(way.numbers or {})
        goal = way.goals[0]
        shape = _shape(goal, numbers)
        names = self._compiler.counted(goal)
        known = tuple((numbers[name], way.env[name].known) for name in names if name in way.env)
        needed = () if in_any_order else tuple(numbers[name] for name in names if self._is_used_later(way, name))
        return shape, known, needed

    def _is_used_later(self, way: _Way, name: str) -> bool:
        """Whether a variable stands anywhere but in the next goal."""
        inside = self._compiler.counted(way.goals[0])
        return way.clause.occurrences.get(name, 0) > inside[name]

    def _is_single(self, way: _Way) -> bool:
        """Whether the next goal has one solution at most."""
        outer = self._scope
        self._scope = _Scope(way.clause.occurrences, way.head.typed)
        try:
            goal = way.goals[0]
            is_binding = isinstance(goal, Unify | Assign)
            return is_binding or self._test(goal, way.env) is not None or self._let(goal, way.env) is not None
        finally:
            self._scope = outer

    def _together(self, ways: Sequence[_Way], in_any_order: bool) -> list[ast.stmt]:
        """Compile the goal that clauses have in common once, and what follows in each of them behind it."""
        first = ways[0]
        goal = first.goals[0]
        numbered = [(way, dict(way.numbers or {})) for way in ways]
        for way, numbers in numbered:
            _shape(way.goals[0], numbers)
        names = {number: name for name, number in numbered[0][1].items()}
        inside = self._compiler.counted(goal)
        needed = {
            names[numbers[name]]
            for way, numbers in numbered
            for name in numbers
            if name in self._compiler.counted(way.goals[0]) and self._is_used_later(way, name)
        }
        outer = self._scope
        self._scope = _Scope({name: inside[name] + (name in needed) for name in inside}, {})

        def behind(end: Env) -> list[ast.stmt]:
            scope = self._scope
            after = []
            for way, numbers in numbered:
                found = {name: end[names[number]] for name, number in numbers.items() if names.get(number) in end}
                env = {**way.env, **found}
                after.append(_Way(way.clause, way.head, way.goals[1:], env, numbers))
            body = self._ways(after, in_any_order)
            self._scope = scope
            return body

        body = self._goals([goal], first.env, behind)
        self._scope = outer
        return body

    def _event(self, what: str, clause: Clause) -> list[ast.stmt]:
        """Tell a trace that a clause is tried, or has a solution."""
        return [_told(what, self._compiler.clause_number(clause))] if self._compiler.is_traced else []

    def head(self, clause: Clause, pattern: CallPattern, env: dict[str, Value]) -> _Head | None:
        """Enter a clause by a call pattern; None where it cannot match."""
        head = _Head(env, [], [], {})
        for index, (parameter, argument) in enumerate(zip(clause.parameters, pattern, strict=True)):
            if isinstance(argument, str):
                self._leave_open(head, parameter)
                if argument == FREE:
                    head.outputs.append(parameter)
                continue
            if isinstance(argument, Constant):
                value = Value(_constant(argument.value), _KNOWN_LITERALS[argument.kind])
            else:
                known = argument.known if isinstance(argument, Bound) else None
                value = Value(_name(_argument(index)), known)
            if not self._enter(head, parameter, value):
                return None
        return head

    def _leave_open(self, head: _Head, parameter: Parameter) -> None:
        """Take in a parameter without a value: its type is tested as soon as head or body gives it one."""
        if parameter.pattern is None:
            return
        if not isinstance(parameter.term, Variable):
            head.tests.append(self._matches(self._value(parameter.term, head.env), parameter.pattern))
            return
        name = parameter.term.name
        if name in head.env:
            head.tests.append(self._matches(head.env[name], parameter.pattern))
        elif name != "_":
            # One that stands twice has to be of both types.
            head.typed[name] = (*head.typed.get(name, ()), parameter.pattern)

    def _enter(self, head: _Head, parameter: Parameter, value: Value) -> bool:
        test: Test = True
        if parameter.pattern is not None:
            test = self._matches(value, parameter.pattern)
            value = self._narrowed(value, parameter.pattern)
        if isinstance(parameter.term, Variable):
            name = parameter.term.name
            if name != "_":
                if name in head.env:
                    test = _all([test, self._same(head.env[name], value)])
                else:
                    head.env[name] = value
                    test = _all([test, *(self._matches(value, pattern) for pattern in head.typed.get(name, ()))])
        else:
            test = _all([test, self._same(self._value(parameter.term, head.env), value)])
        head.tests.append(test)
        return test is not False

    def _giving(self, terms: Sequence[Term]) -> Rest:
        """What to do with a solution: give it back."""

        def give(env: Env) -> list[ast.stmt]:
            if self._collects:
                solution = ast.Tuple([self._value(term, env).node for term in terms], ast.Load())
                return [ast.Expr(ast.Call(ast.Attribute(_name(FOUND), "append", ast.Load()), [solution], []))]
            if not self._is_generator:
                return [ast.Return(_constant(True))]
            return [_yield([self._value(term, env).node for term in terms])]

        return give

    # --- goals -------------------------------------------------------------------------------------------------------

    def _goals(self, goals: Sequence[Term], env: Env, rest: Rest) -> list[ast.stmt]:
        if not goals:
            return rest(env)
        first, others = goals[0], goals[1:]

        def then(now: Env) -> list[ast.stmt]:
            return self._goals(others, now, rest)

        test = self._test(first, env)
        if test is not None and self._tracing is not None:
            met, unmet = self._noted(first, env)
            if test is False:
                return [unmet]
            behind = [met, *then(self._learnt(first, env))]
            return behind if test is True else [ast.If(test, behind, [unmet])]
        if test is False:
            return []
        if test is not None:
            return _when(test, then(self._learnt(first, env)))
        if isinstance(first, In) and isinstance(first.item, Variable) and self._is_unbound(first.item, env):
            key = None if self._compiler.is_traced else self._index_key(first.item, others, env)
            return self._each(first, env, then, key)
        return self._binding(first, env, then)

    def _noted(self, term: Term, env: Env) -> tuple[ast.stmt, ast.stmt]:
        """What tells the trace that a test is met or unmet, and which values it saw."""
        number = self._compiler.condition(self._tracing, term)
        values: list[ast.expr] = []
        match term:
            case Unify(left, right, _) | Compare(_, left, right, _):
                values = [self._value(left, env).node, self._value(right, env).node]
            case In(item, _, _) | Matches(item, _, _):
                values = [self._value(item, env).node]
            case Variable() | Attribute():
                values = [self._value(term, env).node]
            case _:
                pass
        return _told("met", number, values), _told("unmet", number, values)

    def _walking(self, term: Term, walk: ast.For) -> list[ast.stmt]:
        """A loop that tells the trace whether there was anything to walk through."""
        if self._tracing is None:
            return [walk]
        number = self._compiler.condition(self._tracing, term)
        is_any = self._local("is_any")
        found = ast.Assign([ast.Name(is_any, ast.Store())], _constant(True))
        return [
            ast.Assign([ast.Name(is_any, ast.Store())], _constant(False)),
            ast.For(walk.target, walk.iter, [found, _told("met", number), *walk.body], []),
            ast.If(ast.UnaryOp(ast.Not(), _name(is_any)), [_told("unmet", number)], []),
        ]

    def _index_key(self, item: Variable, others: Sequence[Term], env: Env) -> tuple[str, ast.expr] | None:
        """A column and the value that a later goal says it has: what a look-up may go by."""
        for goal in others:
            if not isinstance(goal, Unify):
                continue
            for side, other in ((goal.left, goal.right), (goal.right, goal.left)):
                if isinstance(side, Attribute) and side.base == Variable(item.name, side.base.place):
                    if item.name in variables(other) or not self._is_harmless(other, env):
                        continue
                    value = self._value(other, env)
                    if value.known is not None and value.known.cls is str and not value.is_constant:
                        return side.name, value.node
        return None

    def _is_harmless(self, term: Term, env: Env) -> bool:
        """Whether a term may be read before its turn: nothing in front of it guards it from an error."""
        match term:
            case Variable(name, _):
                return name in env
            case Attribute(Variable(name, _), column, None, _):
                known = env[name].known if name in env else None
                if known is None or known.is_optional:
                    return False
                held = self._compiler.attribute(known.cls, column)
                return held is not None and held.cls is str
            case _:
                return False

    def _binding(self, goal: Term, env: Env, then: Rest) -> list[ast.stmt]:
        """Compile a goal that binds variables."""
        match goal:
            case And(parts, _):
                return self._goals(parts, env, then)
            case Unify(left, right, _):
                return self._unify(left, right, env, then)
            case Assign(variable, term, place):
                if variable.name in env:
                    _refuse(f"`{variable.name}` has a value already", place)
                if variable.name == "_":
                    return then(env)
                return self._bind(variable.name, self._value(term, env), env, then)
            case In():
                return self._each(goal, env, then, None)
            case Call():
                return self._solutions(goal, env, then)
            case Or():
                return self._either(goal, env, then)
            case _:
                _refuse("this cannot be compiled here", _place(goal))

    def _unify(self, left: Term, right: Term, env: Env, then: Rest) -> list[ast.stmt]:
        for unbound, other in ((left, right), (right, left)):
            if self._is_unbound(unbound, env) and isinstance(unbound, Variable):
                if self._is_unbound(other, env):
                    _refuse(f"`{unbound.name}` has no value yet, and neither has the other side", _place(unbound))
                if unbound.name == "_":
                    return then(env)
                return self._bind(unbound.name, self._value(other, env), env, then)
        _refuse("this unification needs values on one side", _place(left))

    def _admitted(self, name: str, value: Value) -> tuple[Test, Value]:
        """Whether a value may be given to a variable whose parameter has a type, and what is then known of it."""
        tests: list[Test] = []
        for pattern in self._scope.typed.get(name, ()):
            tests.append(self._matches(value, pattern))
            value = self._narrowed(value, pattern)
        return _all(tests), value

    def _bind(self, name: str, value: Value, env: Env, then: Rest) -> list[ast.stmt]:
        if isinstance(value.node, ast.Constant | ast.Name):
            test, value = self._admitted(name, value)
            return [] if test is False else _when(test, then({**env, name: value}))
        local = self._local(name)
        assign = ast.Assign([ast.Name(local, ast.Store())], value.node)
        test, bound = self._admitted(name, replace(value, node=_name(local)))
        body = [] if test is False else _when(test, then({**env, name: bound}))
        return [assign, *body] if body else []

    def _each(self, goal: In, env: Env, then: Rest, index: tuple[str, ast.expr] | None) -> list[ast.stmt]:
        """Loop over a collection whose member is to be found; over the members that an index gives, where one can."""
        item, collection = goal.item, goal.collection
        if not (isinstance(item, Variable) and self._is_unbound(item, env)):
            _refuse("this membership cannot be compiled", _place(item))
        if isinstance(collection, ListTerm):
            values = [self._value(member, env) for member in collection.items]
            known = values[0].known if values and all(v.known == values[0].known for v in values) else None
            return self._loop(goal, item, ast.Tuple([v.node for v in values], ast.Load()), known, env, then)
        source = self._value(collection, env)
        if source.known is not None and source.known.element is not None and not source.known.is_optional:
            node = source.node
            if index is not None and self._compiler.attribute(source.known.element, index[0]) is None:
                index = None
            return self._loop(goal, item, node, Known(source.known.element), env, then, index)
        return self._loop(goal, item, _runtime("items", source.node), None, env, then)

    def _loop(
        self,
        goal: In,
        item: Variable,
        source: ast.expr,
        known: Known | None,
        env: Env,
        then: Rest,
        index: tuple[str, ast.expr] | None = None,
    ) -> list[ast.stmt]:
        if self._loops == MAX_LOOPS:
            _refuse(f"more than {MAX_LOOPS} collections are walked through inside each other", item.place)
        self._loops += 1
        local = self._local(item.name)
        test, member = self._admitted(item.name, Value(_name(local), known))
        inner = dict(env) if item.name == "_" else {**env, item.name: member}
        body = [] if test is False else _when(test, then(inner))
        self._loops -= 1
        if not body:
            return []
        walked = self._local("items")
        # Few members are walked through for nothing: what their turns call or walk through in turn is counted there.
        length = ast.Call(_name("len"), [_name(walked)], [])
        counted = _spend(length)
        if index is not None:
            found = _runtime("where", _name(walked), _constant(index[0]), index[1])
            counted = [ast.Assign([ast.Name(walked, ast.Store())], found), *counted]
        many = ast.Compare(length, [ast.GtE()], [_constant(INDEXED_FROM)])
        return [
            ast.Assign([ast.Name(walked, ast.Store())], source),
            ast.If(many, counted, []),
            *self._walking(goal, ast.For(ast.Name(local, ast.Store()), _name(walked), _counted_turn(body), [])),
        ]

    def _solutions(self, call: Call, env: Env, then: Rest) -> list[ast.stmt]:
        """Compile a call that finds values for some of its arguments."""
        pattern, nodes, found = self._call_pattern(call, env)
        facts = self._as_facts(call, pattern)
        if facts is not None:
            body: list[ast.stmt] = []
            for values in facts:
                body += self._unified(found, values, env, then)
            return body
        inlined = self._inlined_solutions(call, pattern, env, then)
        if inlined is not None:
            return inlined
        compiled = self._compiler.rule(call.name, pattern, call.place)
        if self._loops == MAX_LOOPS:
            _refuse(f"more than {MAX_LOOPS} collections are walked through inside each other", call.place)
        self._loops += 1
        locals_ = [self._local(variable.name) for variable in found]
        values = [Value(_name(local), self._output_type(call, pattern, index)) for index, local in enumerate(locals_)]
        body = self._unified(found, values, env, then)
        self._loops -= 1
        if not body:
            return []
        target = ast.Tuple([ast.Name(local, ast.Store()) for local in locals_], ast.Store())
        source = ast.Call(_name(compiled.name), [_name(BUDGET), *nodes], [])
        return self._walking(call, ast.For(target, source, [*_spend(_constant(1)), *body], []))

    def _unified(self, found: Sequence[Variable], values: Sequence[Value], env: Env, then: Rest) -> list[ast.stmt]:
        """Bind found variables to values; one that stands twice must get equal values."""
        inner = dict(env)
        tests: list[Test] = []
        for variable, value in zip(found, values, strict=True):
            if variable.name in inner:
                tests.append(self._same(inner[variable.name], value))
            else:
                test, inner[variable.name] = self._admitted(variable.name, value)
                tests.append(test)
        return _when(_all(tests), then(inner)) if False not in tests else []

    def _as_facts(self, call: Call, pattern: CallPattern) -> list[list[Value]] | None:
        """The solutions of a call, where they are constants that the compiler knows."""
        solutions: list[list[Value]] = []
        for clause in self._compiler.candidates(call.name, pattern):
            head = self.head(clause, pattern, {})
            if clause.goals or head is None or any(test is not True for test in head.tests):
                return None
            if not all(isinstance(p.term, Literal) and p.pattern is None for p in head.outputs):
                return None
            solutions.append([self._value(p.term, {}) for p in head.outputs])
        return solutions if (call.name, len(pattern)) in self._compiler.program.clauses else None

    def _output_type(self, call: Call, pattern: CallPattern, index: int) -> Known | None:
        """What is known of a found value: its type, where every clause says so."""
        position = [number for number, argument in enumerate(pattern) if argument == FREE][index]
        found: set[Known | None] = set()
        for clause in self._compiler.candidates(call.name, pattern):
            parameter = clause.parameters[position]
            if isinstance(parameter.pattern, TypePattern) and parameter.pattern.name in self._compiler.table.classes:
                found.add(Known(self._compiler.table.classes[parameter.pattern.name], is_exact=False))
            elif isinstance(parameter.term, Literal):
                found.add(_KNOWN_LITERALS[type(parameter.term.value)])
            else:
                found.add(_Outputs(self._compiler).of(clause, pattern, parameter.term))
        return found.pop() if len(found) == 1 else None

    def _either(self, goal: Or, env: Env, then: Rest) -> list[ast.stmt]:
        """Compile alternatives that bind variables which are needed behind them."""
        inside = self._compiler.counted(goal)
        needed = [v for v in inside if v not in env and self._scope.occurrences.get(v, 0) > inside[v]]
        if not needed:
            return _when(self._exists(goal, env), then(env))
        captured = [v for v in inside if v in env and not env[v].is_constant]
        part = self._part("either", True).of_part(goal, env, captured, [Variable(v, goal.place) for v in needed])
        self._loops += 1
        locals_ = [self._local(v) for v in needed]
        # The types of parameters were tested where the alternatives gave them their values.
        then_body = then({**env, **{v: Value(_name(local)) for v, local in zip(needed, locals_, strict=True)}})
        self._loops -= 1
        if not then_body:
            return []
        target = ast.Tuple([ast.Name(local, ast.Store()) for local in locals_], ast.Store())
        source = ast.Call(_name(part.name), [_name(BUDGET), *(env[v].node for v in captured)], [])
        return [ast.For(target, source, [*_spend(_constant(1)), *then_body], [])]

    # --- tests -------------------------------------------------------------------------------------------------------

    def _test(self, term: Term, env: Env) -> Test | None:
        """A condition as an expression; None where it binds variables that are needed behind it."""
        match term:
            case Literal(value, place):
                if type(value) is not bool:
                    _refuse("this is no condition", place)
                return value
            case Not(inner, place):
                self._check_negation(inner, env, place)
                return _negated(self._exists(inner, env))
            case And(parts, _):
                together = self._tests(parts, env, True)
                return None if together is None else _all(together)
            case Or(parts, _):
                either = self._tests(parts, env, False)
                return None if either is None else _any(either)
            case Unify(left, right, _):
                if self._is_unbound(left, env) or self._is_unbound(right, env):
                    return None
                return self._unified_test(left, right, env)
            case Compare(sign, left, right, _):
                return self._compare(sign, self._value(left, env), self._value(right, env))
            case In(item, collection, _):
                return None if self._is_unbound(item, env) else self._contains(item, collection, env)
            case Matches(inner, pattern, _):
                return self._matches(self._value(inner, env), pattern)
            case Call():
                return self._call_test(term, env)
            case Variable() | Attribute():
                return self._truth(self._value(term, env), _place(term))
            case _:
                return None

    def _tests(self, parts: Sequence[Term], env: Env, is_conjunction: bool) -> list[Test] | None:
        """The parts as expressions; None as soon as one binds something, on which the next may rely."""
        tests: list[Test] = []
        for part in parts:
            test = self._test(part, env)
            if test is None:
                return None
            tests.append(test)
            if test is False and is_conjunction:
                break
            env = self._learnt(part, env) if is_conjunction else env
        return tests

    def _exists(self, term: Term, env: Env) -> Test:
        """Whether a term has a solution; its own variables are of no interest outside."""
        test = self._test(term, env)
        if test is not None:
            return test
        captured = [v for v in self._compiler.counted(term) if v in env]
        compiled = self._part("part", False).of_part(term, env, captured)
        if compiled.always is not None:
            return compiled.always
        passed = [env[v].node for v in captured if not env[v].is_constant]
        return ast.Call(_name(compiled.name), [_name(BUDGET), *passed], [])

    def _check_negation(self, term: Term, env: Env, place: Place) -> None:
        inside = self._compiler.counted(term)
        for variable, times in inside.items():
            outside = self._scope.occurrences.get(variable, 0) > times
            if variable not in env and outside:
                _refuse(f"`{variable}` has no value yet where it is negated, and is used outside the negation", place)

    def _call_test(self, call: Call, env: Env) -> Test | None:
        pattern, nodes, found = self._call_pattern(call, env)
        if found:
            return None
        inlined = self._inlined_test(call, pattern, env)
        if inlined is not None:
            return inlined
        compiled = self._compiler.rule(call.name, pattern, call.place)
        if compiled.always is not None:
            return compiled.always
        return ast.Call(_name(compiled.name), [_name(BUDGET), *nodes], [])

    def _may_inline(self, call: Call, pattern: CallPattern) -> bool:
        if self._compiler.is_traced or (call.name, pattern) in self._compiler.not_written_out:
            return False
        key = (call.name, len(call.arguments))
        return key not in self._inside and len(self._inside) < MAX_INLINED

    def _inlined_test(self, call: Call, pattern: CallPattern, env: Env) -> Test | None:
        """The rules of a call as one expression, where they are small tests; None where they are not."""
        if not self._may_inline(call, pattern) or (call.name, len(pattern)) not in self._compiler.program.clauses:
            return None
        outer, inside = self._scope, self._inside
        self._inside = (*inside, (call.name, len(pattern)))
        tests: list[Test] = []
        test: Test | None = False
        try:
            for clause in self._compiler.candidates(call.name, pattern):
                test = self._clause_test(clause, call, env)
                self._scope = outer
                if test is None:
                    break
                tests.append(test)
        finally:
            self._scope, self._inside = outer, inside
        result = None if test is None else _any(tests)
        if result is None or not (isinstance(result, bool) or _is_small(result)):
            # It would not be tried in vain again, wherever the rule is called in the same way.
            self._compiler.not_written_out[call.name, pattern] = True
            return None
        return result

    def _clause_test(self, clause: Clause, call: Call, env: Env) -> Test | None:
        head = self._entered(clause, call, env)
        if head is None:
            return False
        self._scope = _Scope(clause.occurrences, head.typed)
        tests: list[Test] = list(head.tests)
        inner: Env = head.env
        for goal in clause.goals:
            if False in tests:
                return False
            bound = self._let(goal, inner)
            if bound is not None:
                admitted, inner = bound
                tests.append(admitted)
                continue
            test = self._test(goal, inner)
            if test is None:
                return None
            tests.append(test)
            inner = self._learnt(goal, inner)
        return _all(tests)

    def _let(self, goal: Term, env: Env) -> tuple[Test, Env] | None:
        """The environment with one more variable, where a goal only names a value that is cheap to write again."""
        if isinstance(goal, Call):
            return self._let_call(goal, env)
        if not isinstance(goal, Unify):
            return None
        for unbound, other in ((goal.left, goal.right), (goal.right, goal.left)):
            if isinstance(unbound, Variable) and self._is_unbound(unbound, env) and not self._is_unbound(other, env):
                value = self._value(other, env)
                if unbound.name != "_" and _is_cheap(value.node):
                    test, value = self._admitted(unbound.name, value)
                    return test, {**env, unbound.name: value}
        return None

    def _let_call(self, call: Call, env: Env) -> tuple[Test, Env] | None:
        """The same, where a call has one clause that only names values, as `owner` does, behind some tests."""
        if not any(self._is_unbound(argument, env) for argument in call.arguments):
            return None
        pattern, _, found = self._call_pattern(call, env)
        if not found or IGNORED in pattern or not self._may_inline(call, pattern):
            return None
        candidates = self._compiler.candidates(call.name, pattern)
        if len(candidates) != 1:
            return None
        outer, inside = self._scope, self._inside
        self._inside = (*inside, (call.name, len(pattern)))
        try:
            entered = self._clause_given(candidates[0], call, env)
        finally:
            self._scope, self._inside = outer, inside
        if entered is None:
            return None
        tests, values = entered
        inner = dict(env)
        for variable, value in zip(found, values, strict=True):
            admitted, inner[variable.name] = self._admitted(variable.name, value)
            tests.append(admitted)
        return _all(tests), inner

    def _clause_given(self, clause: Clause, call: Call, env: Env) -> tuple[list[Test], list[Value]] | None:
        """The tests of a clause and the values that it gives, where it needs no statement for them."""
        head = self._entered(clause, call, env)
        if head is None:
            return None
        self._scope = _Scope(clause.occurrences, head.typed)
        tests: list[Test] = list(head.tests)
        inner: Env = head.env
        for goal in clause.goals:
            bound = self._let(goal, inner)
            if bound is None:
                test = self._test(goal, inner)
                if test is None:
                    return None
                bound = test, self._learnt(goal, inner)
            tests.append(bound[0])
            inner = bound[1]
            if False in tests:
                return None
        values = [self._value(parameter.term, inner) for parameter in head.outputs]
        return (tests, values) if all(_is_cheap(value.node) for value in values) else None

    def _entered(self, clause: Clause, call: Call, env: Env) -> _Head | None:
        """Enter a clause with the values of a call themselves; None where it cannot match."""
        head = _Head({}, [], [], {})
        for parameter, argument in zip(clause.parameters, call.arguments, strict=True):
            if self._is_unbound(argument, env):
                self._leave_open(head, parameter)
                head.outputs.append(parameter)
            elif not self._enter(head, parameter, self._value(argument, env)):
                return None
        return head

    def _inlined_solutions(self, call: Call, pattern: CallPattern, env: Env, then: Rest) -> list[ast.stmt] | None:
        """The one clause of a call written out in place; None where there are several, or it calls itself."""
        if not self._may_inline(call, pattern) or IGNORED in pattern:
            return None
        candidates = self._compiler.candidates(call.name, pattern)
        if len(candidates) != 1:
            return None
        clause = candidates[0]
        head = self._entered(clause, call, env)
        if head is None:
            return []
        found = [argument for argument in call.arguments if self._is_unbound(argument, env)]
        outer, inside = self._scope, self._inside
        scope = _Scope(clause.occurrences, head.typed)
        own = (*inside, (call.name, len(pattern)))

        def given(end: Env) -> list[ast.stmt]:
            values = [self._value(parameter.term, end) for parameter in head.outputs]
            self._scope, self._inside = outer, inside
            body = self._unified([v for v in found if isinstance(v, Variable)], values, env, then)
            self._scope, self._inside = scope, own
            return body

        self._scope, self._inside = scope, own
        try:
            body = _when(_all(head.tests), self._goals(clause.goals, head.env, given))
        finally:
            self._scope, self._inside = outer, inside
        return [_marker(clause.place), *body] if body else []

    def _call_pattern(self, call: Call, env: Env) -> tuple[CallPattern, list[ast.expr], list[Variable]]:
        """How a call calls: its pattern, the values that it passes, and the variables that it finds."""
        pattern: list[Argument] = []
        nodes: list[ast.expr] = []
        found: list[Variable] = []
        inside = self._compiler.counted(call)
        for argument in call.arguments:
            if self._is_unbound(argument, env) and isinstance(argument, Variable):
                is_needed = argument.name != "_" and (
                    self._scope.occurrences.get(argument.name, 0) > inside[argument.name] or inside[argument.name] > 1
                )
                if is_needed and any(argument.name == other.name for other in found):
                    # The rule would be searched for both places apart, where oso would make them one from the start.
                    _refuse(f"`{argument.name}` stands twice in this call and has no value yet", argument.place)
                pattern.append(FREE if is_needed else IGNORED)
                if is_needed:
                    found.append(argument)
                continue
            value = self._value(argument, env)
            # No float is part of a pattern: 0.0 and -0.0 are one key to Python, and give two results where one divides.
            if value.is_constant and type(value.constant) is not float:
                pattern.append(Constant(value.constant, type(value.constant)))
            else:
                pattern.append(Bound(value.known))
                nodes.append(value.node)
        return tuple(pattern), nodes, found

    def _contains(self, item: Term, collection: Term, env: Env) -> Test:
        value = self._value(item, env)
        if isinstance(collection, ListTerm) and collection.rest is None:
            return self._is_one_of(value, [self._value(member, env) for member in collection.items])
        return _runtime("contains", value.node, self._value(collection, env).node)

    def _is_one_of(self, value: Value, members: Sequence[Value]) -> Test:
        known = value.known
        if (
            known is not None
            and known.cls is not bool
            and _is_compared_by_python(known)
            and not value.is_constant
            and all(m.is_constant and type(m.constant) is known.cls for m in members)
        ):
            return ast.Compare(value.node, [ast.In()], [ast.Tuple([m.node for m in members], ast.Load())])
        return _any([self._same(value, member) for member in members])

    def _same(self, left: Value, right: Value) -> Test:
        """Whether two values unify."""
        if left.is_constant and right.is_constant:
            return same(left.constant, right.constant)
        for value, other in ((left, right), (right, left)):
            if other.is_constant and other.constant is None:
                if value.known is not None and not value.known.is_optional:
                    return False
                return ast.Compare(value.node, [ast.Is()], [_constant(None)])
        ours, theirs = left.known, right.known
        if _is_compared_by_python(ours) and _is_compared_by_python(theirs) and ours.cls is theirs.cls:
            sign = ast.Is() if ours.cls is bool else ast.Eq()
            return ast.Compare(left.node, [sign], [right.node])
        return _runtime("same", left.node, right.node)

    def _unified_test(self, left: Term, right: Term, env: Env) -> Test:
        """Whether two terms unify. A variable does with itself, whatever its value: that may be unequal to itself."""
        match left, right:
            case Variable(one, _), Variable(other, _) if one == other:
                return True
            case ListTerm(ours, None, _), ListTerm(theirs, None, _) if len(ours) == len(theirs):
                if all(map(_is_read_safely, (*ours, *theirs))):
                    return _all([self._unified_test(a, b, env) for a, b in zip(ours, theirs, strict=True)])
            case DictTerm(ours, _), DictTerm(theirs, _) if dict(ours).keys() == dict(theirs).keys():
                other_fields = dict(theirs)
                if all(map(_is_read_safely, (*dict(ours).values(), *other_fields.values()))):
                    return _all([self._unified_test(value, other_fields[key], env) for key, value in ours])
            case _:
                pass
        return self._same(self._value(left, env), self._value(right, env))

    def _compare(self, sign: str, left: Value, right: Value) -> Test:
        ours, theirs = left.known, right.known
        is_equality = sign in {"==", "!="}
        if ours is not None and theirs is not None and ours.cls is theirs.cls and ours.cls in {str, int}:
            # None is no number and no word to Polar's order, but it is unequal to both.
            may_be_none = ours.is_optional or theirs.is_optional
            if is_equality or not may_be_none:
                return ast.Compare(left.node, [_OPERATORS[sign]()], [right.node])
        return _runtime("compare", _constant(sign), left.node, right.node)

    def _truth(self, value: Value, place: Place) -> Test:
        if value.known is not None and value.known.cls is bool and not value.known.is_optional:
            return ast.Compare(value.node, [ast.Is()], [_constant(True)])
        if value.known is None or value.known.cls is bool:
            return _runtime("truth", value.node)
        _refuse("only a boolean is a condition by itself", place)

    def _matches(self, value: Value, pattern: Pattern) -> Test:
        if isinstance(pattern, Literal):
            return self._same(value, self._value(pattern, {}))
        if not isinstance(pattern, TypePattern) or pattern.fields:
            _refuse("only a type or a literal can be matched here", _place(pattern))
        classes = self._classes(pattern)
        known = value.known
        if known is not None:
            self._compiler.note_class(known.cls)
        if known is not None and (known.is_exact or all(issubclass(known.cls, cls) for cls in classes)):
            fits = issubclass(known.cls, classes)
            if not fits or not known.is_optional:
                return fits
            return ast.Compare(value.node, [ast.IsNot()], [_constant(None)])
        nodes = [self._compiler.class_node(cls) for cls in classes]
        node = nodes[0] if len(nodes) == 1 else ast.Tuple(nodes, ast.Load())
        return ast.Call(_name("isinstance"), [value.node, node], [])

    def _classes(self, pattern: TypePattern) -> tuple[type, ...]:
        found = self._compiler.classes_named.get(pattern.name)
        if found is None:
            table = self._compiler.table.classes
            union = self._compiler.program.unions.get(pattern.name)
            names = sorted(union) if union is not None else [pattern.name]
            for name in names:
                if name not in table:
                    _refuse(f"no class is called `{name}`", pattern.place)
            found = self._compiler.classes_named[pattern.name] = tuple(table[name] for name in names)
        return found

    def _narrowed(self, value: Value, pattern: Pattern) -> Value:
        """What is known of a value once it has matched."""
        if not isinstance(pattern, TypePattern):
            return value
        classes = self._classes(pattern)
        if value.known is not None and value.known.is_exact:
            return replace(value, known=replace(value.known, is_optional=False)) if value.known.is_optional else value
        return replace(value, known=Known(classes[0], is_exact=False)) if len(classes) == 1 else value

    def _learnt(self, goal: Term, env: Env) -> Env:
        """What is known of the variables once a test has passed."""
        match goal:
            case Matches(Variable(name, _), pattern, _) if name in env:
                return {**env, name: self._narrowed(env[name], pattern)}
            case And(parts, _):
                for part in parts:
                    env = self._learnt(part, env)
                return env
            case _:
                return env

    # --- values ------------------------------------------------------------------------------------------------------

    def _is_unbound(self, term: Term, env: Env) -> bool:
        return isinstance(term, Variable) and term.name not in env

    def _value(self, term: Term, env: Env) -> Value:
        match term:
            case Variable(name, place):
                if name in env:
                    return env[name]
                _refuse(f"`{name}` has no value yet", place)
            case Attribute(base, name, None, place):
                return self._attribute(self._value(base, env), name, place)
            case Literal(value, _):
                return Value(_constant(value), _KNOWN_LITERALS[type(value)])
            case Arithmetic(sign, left, right, _):
                return _calculated(sign, self._value(left, env), self._value(right, env))
            case ListTerm(members, None, _):
                return Value(ast.List([self._value(member, env).node for member in members], ast.Load()), Known(list))
            case DictTerm(fields, _):
                keys: list[ast.expr | None] = [_constant(key) for key, _ in fields]
                return Value(ast.Dict(keys, [self._value(value, env).node for _, value in fields]), Known(dict))
            case _:
                _refuse("this is not compiled as a value", _place(term))

    def _attribute(self, base: Value, name: str, place: Place) -> Value:
        node = ast.Attribute(base.node, name, ast.Load())
        known = base.known
        if known is None or known.cls is _NIL:
            return Value(_runtime("attribute", base.node, _constant(name)))
        found = self._compiler.attribute(known.cls, name)
        if found is None:
            if known.is_exact or not self._compiler.table.knows(known.cls):
                _refuse(f"{known.cls.__name__} has no attribute `{name}`", place)
            return Value(node)
        return Value(node, found)

    def _local(self, name: str) -> str:
        return _numbered("v", next(self._locals), name)


class _Outputs:
    """Finds what type a clause gives a free parameter, without compiling it."""

    def __init__(self, compiler: Compiler) -> None:
        self._compiler = compiler
        self._asked: set[tuple[int, str]] = set()

    def of(self, clause: Clause, pattern: CallPattern, term: Term) -> Known | None:
        """The type of an output variable, where a goal of the clause makes it plain."""
        if not isinstance(term, Variable) or (id(clause), term.name) in self._asked:
            return None
        self._asked.add((id(clause), term.name))
        try:
            return self._of(clause, pattern, term)
        finally:
            self._asked.discard((id(clause), term.name))

    def _of(self, clause: Clause, pattern: CallPattern, term: Variable) -> Known | None:
        types: dict[str, Known] = {}
        bound: set[str] = set()
        heads = Counter(p.term.name for p in clause.parameters if isinstance(p.term, Variable))
        for parameter, argument in zip(clause.parameters, pattern, strict=True):
            if isinstance(parameter.term, Variable):
                known = self._declared(parameter.pattern)
                if isinstance(argument, Bound) and argument.known is not None:
                    known = argument.known if known is None else known
                elif isinstance(argument, Constant) and known is None:
                    known = _KNOWN_LITERALS[argument.kind]
                # One that stands twice has the value of its first place, which may equal that of another type.
                if known is not None and heads[parameter.term.name] == 1:
                    types[parameter.term.name] = known
                if not isinstance(argument, str):
                    bound.add(parameter.term.name)
        for goal in clause.goals:
            match goal:
                case In(Variable(name, _), collection, _) if name not in bound:
                    source = self._type(collection, types)
                    if source is not None and source.element is not None:
                        types.setdefault(name, Known(source.element))
                case Unify(Variable(name, _), other, _) if name not in bound:
                    source = self._type(other, types)
                    if source is not None:
                        types.setdefault(name, source)
                case Matches(Variable(name, _), pattern_, _):
                    declared = self._declared(pattern_)
                    if declared is not None:
                        types[name] = declared
                case Call(name, arguments, _):
                    self._learn_call(name, arguments, types, bound)
                case _:
                    pass
            # What has a value keeps its type: that of what it equals may be another, as 1.0 equals 1.
            bound.update(variables(goal))
        return types.get(term.name)

    def _learn_call(self, name: str, arguments: Sequence[Term], types: dict[str, Known], bound: Container[str]) -> None:
        """Learn the types of variables that a called rule finds."""
        clauses = self._compiler.program.clauses.get((name, len(arguments)), ())
        for index, argument in enumerate(arguments):
            if not isinstance(argument, Variable) or argument.name in bound or argument.name == "_":
                continue
            if argument.name in types:
                continue
            pattern = tuple(
                FREE if position == index else Bound(self._type(other, types))
                for position, other in enumerate(arguments)
            )
            found = {self.of(clause, pattern, clause.parameters[index].term) for clause in clauses}
            known = found.pop() if len(found) == 1 else None
            if known is not None:
                types[argument.name] = known

    def _declared(self, pattern: Pattern | None) -> Known | None:
        if isinstance(pattern, TypePattern) and pattern.name in self._compiler.table.classes:
            return Known(self._compiler.table.classes[pattern.name], is_exact=False)
        return None

    def _type(self, term: Term, types: Mapping[str, Known]) -> Known | None:
        match term:
            case Variable(name, _):
                return types.get(name)
            case Attribute(base, name, None, _):
                owner = self._type(base, types)
                return None if owner is None else self._compiler.attribute(owner.cls, name)
            case Literal(value, _):
                return _KNOWN_LITERALS[type(value)]
            case _:
                return None


def _by_literal(clauses: Sequence[Clause]) -> dict[int, dict[str, list[Clause]]]:
    """The clauses by the literal at each position where every clause has one."""
    positions: dict[int, dict[str, list[Clause]]] = {}
    for position in range(len(clauses[0].parameters)):
        terms = [clause.parameters[position].term for clause in clauses]
        if all(isinstance(term, Literal) and type(term.value) is str for term in terms):
            by_literal: dict[str, list[Clause]] = {}
            for clause, term in zip(clauses, terms, strict=True):
                by_literal.setdefault(str(term.value), []).append(clause)  # type: ignore[union-attr]
            positions[position] = by_literal
    return positions


def _may_fit(clause: Clause, pattern: CallPattern) -> bool:
    """Whether no word of a head is another than that of the call: the first and cheapest look."""
    for parameter, argument in zip(clause.parameters, pattern, strict=True):
        term = parameter.term
        if not isinstance(argument, Constant) or not isinstance(term, Literal):
            continue
        # What Python takes for unequal is unequal; most are words, and are that.
        if argument.value != term.value or not same(argument.value, term.value):
            return False
    return True


def _shape(part: Any, numbers: dict[str, int]) -> Any:
    """A term without places, its variables as numbers; a variable that is met for the first time gets the next one."""
    match part:
        case Variable("_", _):
            return Variable, "_"
        case Variable(name, _):
            return Variable, numbers.setdefault(name, len(numbers) + 1_000)
        case Literal(value, _):
            # 0.0 and -0.0 are equal to Python and not the same.
            return Literal, type(value), repr(value)
        case tuple():
            return tuple(_shape(each, numbers) for each in part)
        case _ if dataclasses.is_dataclass(part):
            held = (getattr(part, field.name) for field in dataclasses.fields(part) if field.name != "place")
            return (type(part), *(_shape(each, numbers) for each in held))
        case _:
            return part


# --- nodes ----------------------------------------------------------------------------------------------------------

_TYPE_PARAMS: dict[str, Any] = {"type_params": []}

_NOWHERE = Place("", 0, 0)
_NIL = type(None)
_KNOWN_LITERALS: Mapping[type, Known] = {
    **{cls: Known(cls) for cls in (str, int, float, bool)},
    _NIL: Known(_NIL, is_optional=True),
}
_PLAIN_ARITHMETIC: Mapping[str, type[ast.operator]] = {"+": ast.Add, "-": ast.Sub}
"""What Python calculates with whole numbers as Polar does, but for the size of the result."""

_OPERATORS: Mapping[str, type[ast.cmpop]] = {
    "==": ast.Eq,
    "!=": ast.NotEq,
    "<": ast.Lt,
    "<=": ast.LtE,
    ">": ast.Gt,
    ">=": ast.GtE,
}


def _numbered(letter: str, number: int, hint: str) -> str:
    """A Python name that its letter and its number make unique; the hint is for readers.

    No other name of the code has a number behind its first letter. The hint is plain ASCII, which Python leaves as it
    is: of other letters it makes one where two were written, and so could make one name of two.
    """
    plain = "".join(char for char in hint if char.isascii() and (char.isalnum() or char == "_")).strip("_")
    return f"{letter}{number}_{plain}" if plain else f"{letter}{number}"


def _argument(index: int) -> str:
    """The Python name of an argument."""
    return f"a{index}"


def _is_read_safely(term: Term) -> bool:
    """Whether reading a term cannot fail, so that it makes no difference whether it is read."""
    match term:
        case Variable() | Literal():
            return True
        case ListTerm(items, None, _):
            return all(map(_is_read_safely, items))
        case DictTerm(fields, _):
            return all(_is_read_safely(value) for _, value in fields)
        case _:
            return False


def _is_compared_by_python(known: Known | None) -> TypeGuard[Known]:
    """Whether values of a type are equal to Polar exactly where they are to Python, if both are of it.

    What only matches Integer may be a boolean: to Python, True is 1.
    """
    return known is not None and (known.cls is str or known.cls is bool or (known.cls is int and known.is_exact))


def _refuse(message: str, place: Place | None) -> NoReturn:
    place = place or _NOWHERE
    raise BundleRefused(message, place.file, place.line, place.column)


def _place(term: Term | Pattern) -> Place:
    return term.place


def _name(name: str) -> ast.expr:
    return ast.Name(name, ast.Load())


def _constant(value: Any) -> ast.expr:
    return ast.Constant(value)


def _runtime(function: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(_name(function), list(arguments), [])


def _told(what: str, number: int, values: Sequence[ast.expr] = ()) -> ast.stmt:
    """Tell a trace, whose list of events takes them through the budget, what happened to a condition."""
    event = ast.Tuple([_constant(what), _constant(number), ast.Tuple(list(values), ast.Load())], ast.Load())
    return ast.Expr(ast.Call(ast.Subscript(_name(BUDGET), _constant(2), ast.Load()), [event], []))


def _yield(nodes: list[ast.expr]) -> ast.stmt:
    return ast.Expr(ast.Yield(ast.Tuple(nodes, ast.Load())))


def _is_small(node: ast.expr) -> bool:
    """Whether an expression may be written out in place of a call."""
    return _size(node) <= MAX_INLINED_NODES


def _size(node: ast.AST) -> int:
    """How many nodes code has. It is kept with the node, which is never changed, as larger code asks for it again."""
    known: int | None = node.__dict__.get("_size")
    if known is None:
        known = node.__dict__["_size"] = 1 + sum(map(_size, _parts(node)))
    return known


def _is_cheap(node: ast.expr) -> bool:
    """Whether an expression may stand several times: names, constants, and attributes of them."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name | ast.Constant)


def _marker(place: Place) -> ast.stmt:
    """A constant that CPython drops and that the printed code shows as a comment."""
    return ast.Expr(_constant(f"@ {place}"))


def _is_marker(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _calculated(sign: str, left: Value, right: Value) -> Value:
    # A value that only matches Integer may be a boolean, with which Polar does not calculate.
    if sign != "/" and left.known == right.known == Known(int):
        if sign in _PLAIN_ARITHMETIC:
            return Value(_runtime("whole", ast.BinOp(left.node, _PLAIN_ARITHMETIC[sign](), right.node)), Known(int))
        return Value(_runtime("calculate", _constant(sign), left.node, right.node), Known(int))
    return Value(_runtime("calculate", _constant(sign), left.node, right.node))


def _takes_time(node: ast.AST, loops: int = 0) -> bool:
    """Whether code calls a rule (which is handed the budget), or walks through something inside of something.

    It is kept with the node, as `_size` is.
    """
    name = "_takes_time_inside" if loops else "_takes_time"
    known: bool | None = node.__dict__.get(name)
    if known is None:
        known = node.__dict__[name] = _finds_what_takes_time(node, loops)
    return known


def _finds_what_takes_time(node: ast.AST, loops: int) -> bool:
    if isinstance(node, ast.Call) and node.args and getattr(node.args[0], "id", "") == BUDGET:
        return True
    if isinstance(node, ast.For):
        loops += 1
        if loops > 1:
            return True
    return any(_takes_time(part, loops) for part in _parts(node))


def _parts(node: ast.AST) -> Iterator[ast.AST]:
    """The statements and expressions in code."""
    for name in node._fields:
        held = getattr(node, name)
        if isinstance(held, list):
            yield from held
        elif isinstance(held, ast.expr):
            yield held


def _counted_turn(body: list[ast.stmt]) -> list[ast.stmt]:
    """Count a turn of a loop where it comes to a call of a rule or to another loop, if it does."""
    first = next((index for index, statement in enumerate(body) if _takes_time(statement)), None)
    if first is None:
        return body
    statement = body[first]
    only_there = not any(map(_takes_time, body[first + 1 :]))
    if only_there and isinstance(statement, ast.If) and not statement.orelse and not _takes_time(statement.test):
        return [*body[:first], ast.If(statement.test, _counted_turn(statement.body), []), *body[first + 1 :]]
    return [*body[:first], *_spend(_constant(1)), *body[first:]]


def _spend(steps: ast.expr) -> list[ast.stmt]:
    """Take steps from the budget."""
    left = ast.Subscript(_name(BUDGET), _constant(0), ast.Store())
    taken = ast.AugAssign(left, ast.Sub(), steps)
    test = ast.Compare(ast.Subscript(_name(BUDGET), _constant(0), ast.Load()), [ast.Lt()], [_constant(0)])
    return [taken, ast.If(test, [ast.Expr(_runtime("exhausted"))], [])]


def _counting_depth(body: list[ast.stmt]) -> list[ast.stmt]:
    """Count the generators that are alive inside each other.

    CPython aborts the process when it runs out of stack in a deep nest of generators, so it must never come to that.
    """

    def left(context: ast.expr_context) -> ast.expr:
        return ast.Subscript(_name(BUDGET), _constant(1), context)

    down: list[ast.stmt] = [
        ast.AugAssign(left(ast.Store()), ast.Sub(), _constant(1)),  # type: ignore[arg-type]
        ast.If(ast.Compare(left(ast.Load()), [ast.Lt()], [_constant(0)]), [ast.Expr(_runtime("exhausted"))], []),
    ]
    up: list[ast.stmt] = [ast.AugAssign(left(ast.Store()), ast.Add(), _constant(1))]  # type: ignore[arg-type]
    return [*down, ast.Try(body, [], [], up)]


def _when(test: Test, body: list[ast.stmt]) -> list[ast.stmt]:
    if test is False or not body:
        return []
    if test is True:
        return body
    return [ast.If(test, body, [])]


def _all(tests: Iterable[Test]) -> Test:
    left = [test for test in tests if test is not True]
    if False in left:
        return False
    nodes = [test for test in left if not isinstance(test, bool)]
    if not nodes:
        return True
    return nodes[0] if len(nodes) == 1 else ast.BoolOp(ast.And(), nodes)


def _any(tests: Iterable[Test]) -> Test:
    left = [test for test in tests if test is not False]
    if True in left:
        return True
    nodes = [test for test in left if not isinstance(test, bool)]
    if not nodes:
        return False
    return nodes[0] if len(nodes) == 1 else ast.BoolOp(ast.Or(), nodes)


def _negated(test: Test) -> Test:
    return not test if isinstance(test, bool) else ast.UnaryOp(ast.Not(), test)
