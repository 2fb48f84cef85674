"""Goals: conditions one after the other, with the loops and calls that find values for variables."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace

from sealauthz.polar.compile import placed
from sealauthz.polar.compile.conditions import Conditions
from sealauthz.polar.compile.forms import FREE, IGNORED, KNOWN_LITERALS, CallPattern, Env, Rest, Scope, Value
from sealauthz.polar.compile.nodes import (
    BUDGET,
    FOUND,
    Test,
    all_of,
    constant_node,
    counted_turn,
    marker,
    name_node,
    runtime_call,
    spend,
    tell_trace,
    when,
    yield_node,
)
from sealauthz.polar.compile.outputs import Outputs
from sealauthz.polar.diagnostic import refusal
from sealauthz.polar.runtime import INDEXED_FROM
from sealauthz.polar.syntax import (
    And,
    Assign,
    Attribute,
    Call,
    Compare,
    In,
    ListTerm,
    Literal,
    Matches,
    Or,
    Term,
    TypePattern,
    Unify,
    Variable,
)
from sealauthz.polar.terms import variables
from sealauthz.polar.types import Known

MAX_LOOPS = 16
"""Loops inside each other in one function; CPython itself stops at 20."""


class Goals(Conditions):
    """A function under construction, as far as it solves goals."""

    def _giving(self, terms: Sequence[Term]) -> Rest:
        """What to do with a solution: give it back."""

        def give(env: Env) -> list[ast.stmt]:
            if self._collects:
                solution = placed.Tuple([self._value(term, env).node for term in terms], ast.Load())
                return [
                    placed.Expr(placed.Call(placed.Attribute(name_node(FOUND), "append", ast.Load()), [solution], []))
                ]
            if not self._is_generator:
                return [placed.Return(constant_node(True))]
            return [yield_node([self._value(term, env).node for term in terms])]

        return give

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
            return behind if test is True else [placed.If(test, behind, [unmet])]
        if test is False:
            return []
        if test is not None:
            return when(test, then(self._learnt(first, env)))
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
        return tell_trace("met", number, values), tell_trace("unmet", number, values)

    def _walking(self, term: Term, walk: ast.For) -> list[ast.stmt]:
        """A loop that tells the trace whether there was anything to walk through."""
        if self._tracing is None:
            return [walk]
        number = self._compiler.condition(self._tracing, term)
        is_any = self._local("is_any")
        found = placed.Assign([placed.Name(is_any, ast.Store())], constant_node(True))
        return [
            placed.Assign([placed.Name(is_any, ast.Store())], constant_node(False)),
            placed.For(walk.target, walk.iter, [found, tell_trace("met", number), *walk.body], []),
            placed.If(placed.UnaryOp(ast.Not(), name_node(is_any)), [tell_trace("unmet", number)], []),
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
                    raise refusal(f"`{variable.name}` has a value already", place)
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
                raise refusal("this cannot be compiled here", goal.place)

    def _unify(self, left: Term, right: Term, env: Env, then: Rest) -> list[ast.stmt]:
        for unbound, other in ((left, right), (right, left)):
            if self._is_unbound(unbound, env) and isinstance(unbound, Variable):
                if self._is_unbound(other, env):
                    raise refusal(f"`{unbound.name}` has no value yet, and neither has the other side", unbound.place)
                if unbound.name == "_":
                    return then(env)
                return self._bind(unbound.name, self._value(other, env), env, then)
        raise refusal("this unification needs values on one side", left.place)

    def _bind(self, name: str, value: Value, env: Env, then: Rest) -> list[ast.stmt]:
        if isinstance(value.node, ast.Constant | ast.Name):
            test, value = self._admitted(name, value)
            return [] if test is False else when(test, then({**env, name: value}))
        local = self._local(name)
        assign = placed.Assign([placed.Name(local, ast.Store())], value.node)
        test, bound = self._admitted(name, replace(value, node=name_node(local)))
        body = [] if test is False else when(test, then({**env, name: bound}))
        return [assign, *body] if body else []

    def _each(self, goal: In, env: Env, then: Rest, index: tuple[str, ast.expr] | None) -> list[ast.stmt]:
        """Loop over a collection whose member is to be found; over the members that an index gives, where one can."""
        item, collection = goal.item, goal.collection
        if not (isinstance(item, Variable) and self._is_unbound(item, env)):
            raise refusal("this membership cannot be compiled", item.place)
        if isinstance(collection, ListTerm):
            values = [self._value(member, env) for member in collection.items]
            known = values[0].known if values and all(v.known == values[0].known for v in values) else None
            return self._loop(goal, item, placed.Tuple([v.node for v in values], ast.Load()), known, env, then)
        source = self._value(collection, env)
        if source.known is not None and source.known.element is not None and not source.known.is_optional:
            node = source.node
            if index is not None and self._compiler.attribute(source.known.element, index[0]) is None:
                index = None
            return self._loop(goal, item, node, Known(source.known.element), env, then, index)
        return self._loop(goal, item, runtime_call("items", source.node), None, env, then)

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
            raise refusal(f"more than {MAX_LOOPS} collections are walked through inside each other", item.place)
        self._loops += 1
        local = self._local(item.name)
        test, member = self._admitted(item.name, Value(name_node(local), known))
        inner = dict(env) if item.name == "_" else {**env, item.name: member}
        body = [] if test is False else when(test, then(inner))
        self._loops -= 1
        if not body:
            return []
        walked = self._local("items")
        # Few members are walked through for nothing: what their turns call or walk through is counted there.
        length = placed.Call(name_node("len"), [name_node(walked)], [])
        counted = spend(length)
        if index is not None:
            found = runtime_call("where", name_node(walked), constant_node(index[0]), index[1])
            counted = [placed.Assign([placed.Name(walked, ast.Store())], found), *counted]
        many = placed.Compare(length, [ast.GtE()], [constant_node(INDEXED_FROM)])
        return [
            placed.Assign([placed.Name(walked, ast.Store())], source),
            placed.If(many, counted, []),
            *self._walking(
                goal, placed.For(placed.Name(local, ast.Store()), name_node(walked), counted_turn(body), [])
            ),
        ]

    # --- calls and alternatives that find values ---------------------------------------------------------------------

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
            raise refusal(f"more than {MAX_LOOPS} collections are walked through inside each other", call.place)
        self._loops += 1
        locals_ = [self._local(variable.name) for variable in found]
        values = [
            Value(name_node(local), self._output_type(call, pattern, index)) for index, local in enumerate(locals_)
        ]
        body = self._unified(found, values, env, then)
        self._loops -= 1
        if not body:
            return []
        target = placed.Tuple([placed.Name(local, ast.Store()) for local in locals_], ast.Store())
        source = placed.Call(name_node(compiled.name), [name_node(BUDGET), *nodes], [])
        return self._walking(call, placed.For(target, source, [*spend(constant_node(1)), *body], []))

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
        return when(all_of(tests), then(inner)) if False not in tests else []

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
                found.add(KNOWN_LITERALS[type(parameter.term.value)])
            else:
                found.add(Outputs(self._compiler).of(clause, pattern, parameter.term))
        return found.pop() if len(found) == 1 else None

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
        scope = Scope(clause.occurrences, head.typed)
        own = (*inside, (call.name, len(pattern)))

        def given(end: Env) -> list[ast.stmt]:
            values = [self._value(parameter.term, end) for parameter in head.outputs]
            self._scope, self._inside = outer, inside
            body = self._unified([v for v in found if isinstance(v, Variable)], values, env, then)
            self._scope, self._inside = scope, own
            return body

        self._scope, self._inside = scope, own
        try:
            body = when(all_of(head.tests), self._goals(clause.goals, head.env, given))
        finally:
            self._scope, self._inside = outer, inside
        return [marker(clause.place), *body] if body else []

    def _either(self, goal: Or, env: Env, then: Rest) -> list[ast.stmt]:
        """Compile alternatives that bind variables which are needed behind them."""
        inside = self._compiler.counted(goal)
        needed = [v for v in inside if v not in env and self._scope.occurrences.get(v, 0) > inside[v]]
        if not needed:
            return when(self._exists(goal, env), then(env))
        captured = [v for v in inside if v in env and not env[v].is_constant]
        part = self._part("either", True).of_part(goal, env, captured, [Variable(v, goal.place) for v in needed])
        self._loops += 1
        locals_ = [self._local(v) for v in needed]
        # The types of parameters were tested where the alternatives gave them their values.
        then_body = then({**env, **{v: Value(name_node(local)) for v, local in zip(needed, locals_, strict=True)}})
        self._loops -= 1
        if not then_body:
            return []
        target = placed.Tuple([placed.Name(local, ast.Store()) for local in locals_], ast.Store())
        source = placed.Call(name_node(part.name), [name_node(BUDGET), *(env[v].node for v in captured)], [])
        return [placed.For(target, source, [*spend(constant_node(1)), *then_body], [])]
