"""Goals: conditions one after the other, with the loops and calls that find values for variables."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from sealauthz.polar.compile import placed
from sealauthz.polar.compile.conditions import passed
from sealauthz.polar.compile.forms import FREE, IGNORED, CallPattern, Env, Rest, Value
from sealauthz.polar.compile.having import Needed
from sealauthz.polar.compile.nodes import (
    BUDGET,
    FOUND,
    Index,
    Test,
    all_of,
    constant_node,
    counted_turn,
    counted_walk,
    marker,
    name_node,
    runtime_call,
    spend,
    when,
    yield_node,
)
from sealauthz.polar.compile.traced import Traced
from sealauthz.polar.core import nodes as core
from sealauthz.polar.diagnostic import refusal
from sealauthz.polar.types import Known

MAX_LOOPS = 16
"""Loops inside each other in one function; CPython itself stops at 20."""

MAX_COPIES = 1_000
"""How often the code behind calls of facts is written, once for each fact; a function finds more of them."""


class Goals(Traced):
    """A function under construction, as far as it solves goals."""

    def _giving(self, terms: Sequence[core.Term]) -> Rest:
        """What to do with a solution: give it back."""

        def give(env: Env) -> list[ast.stmt]:
            self._solutions_given += 1
            if self._collects:
                solution = placed.Tuple([self._value(term, env).node for term in terms], ast.Load())
                return [
                    placed.Expr(placed.Call(placed.Attribute(name_node(FOUND), "append", ast.Load()), [solution], []))
                ]
            if not self._is_generator:
                return [placed.Return(constant_node(True))]
            return [yield_node([self._value(term, env).node for term in terms])]

        return give

    def _goals(self, goals: Sequence[core.Goal], env: Env, rest: Rest) -> list[ast.stmt]:
        if not goals:
            return rest(env)
        first, others = goals[0], goals[1:]
        self._compiler.charge(1, first.place)

        def then(now: Env) -> list[ast.stmt]:
            return self._unless_refused(lambda: self._goals(others, now, rest))

        def search() -> list[ast.stmt]:
            if isinstance(first, core.Member) and self._is_unbound(first.item, env):
                looks_up = self._compiler.passes.looks_up and not self._compiler.is_traced
                index = self._index(first.item, others, env) if looks_up else None
                return self._each(first, first.item, env, then, index)
            return self._binding(first, env, then)

        test = self._test(first, env)
        if self._tracing is not None:
            return self._searched(first, search) if test is None else self._tested(first, test, env, then)
        if test is None:
            return search()
        return [] if test is False else when(test, then(self._learnt(first, env)))

    def _index(self, item: core.Variable, others: Sequence[core.Goal], env: Env) -> Index | None:
        """What members may be looked up by: the value that a later goal says is in a column, or a collection of theirs
        that later goals take a member of.
        """
        return self._index_key(item, others, env) or self._index_having(item, others)

    def _index_having(self, item: core.Variable, others: Sequence[core.Goal]) -> Index | None:
        name = next(Needed(self._compiler).of_all(others, item.number), None)
        return None if name is None else (name, None)

    def _index_key(self, item: core.Variable, others: Sequence[core.Goal], env: Env) -> Index | None:
        for goal in others:
            if not isinstance(goal, core.Equal):
                continue
            for side, other in ((goal.left, goal.right), (goal.right, goal.left)):
                if not (isinstance(side, core.Attribute) and isinstance(side.base, core.Variable)):
                    continue
                if side.base.number != item.number or not self._is_harmless(other, env):
                    continue
                value = self._value(other, env)
                if value.known is not None and value.known.cls is str and not value.is_constant:
                    return side.name, value.node
        return None

    def _is_harmless(self, term: core.Term, env: Env) -> bool:
        """Whether a term may be read before its turn: nothing in front of it guards it from an error."""
        match term:
            case core.Variable(number):
                return number in env
            case core.Attribute(core.Variable(number), column):
                known = env[number].known if number in env else None
                if known is None or known.is_optional:
                    return False
                held = self._compiler.attribute(known.cls, column)
                return held is not None and held.cls is str
            case _:
                return False

    def _binding(self, goal: core.Goal, env: Env, then: Rest) -> list[ast.stmt]:
        """Compile a goal that gives variables their values."""
        match goal:
            case core.All():
                return self._goals(goal.goals, env, then)
            case core.Equal():
                return self._unify(goal, env, then)
            case core.Given():
                variable = goal.variable
                if variable.number in env:
                    raise refusal(f"`{variable.name}` has a value already", goal.place)
                if variable.is_anonymous:
                    return then(env)
                return self._bind(variable, self._value(goal.value, env), env, then)
            case core.Call():
                return self._solutions(goal, env, then)
            case core.AnyOf():
                return self._either(goal, env, then)
            case _:
                raise refusal("this cannot be compiled here", goal.place)

    def _unify(self, goal: core.Equal, env: Env, then: Rest) -> list[ast.stmt]:
        for unbound, other in ((goal.left, goal.right), (goal.right, goal.left)):
            if self._is_unbound(unbound, env):
                if self._is_unbound(other, env):
                    raise refusal(f"`{unbound.name}` has no value yet, and neither has the other side", unbound.place)
                if unbound.is_anonymous:
                    return then(env)
                return self._bind(unbound, self._value(other, env), env, then)
        raise refusal("this unification needs values on one side", goal.place)

    def _bind(self, variable: core.Variable, value: Value, env: Env, then: Rest) -> list[ast.stmt]:
        if isinstance(value.node, ast.Constant | ast.Name):
            test, value = self._admitted(variable.number, value)
            return [] if test is False else when(test, then({**env, variable.number: value}))
        local = self._local(variable.name)
        assign = placed.Assign([placed.Name(local, ast.Store())], value.node)
        test, bound = self._admitted(variable.number, Value(name_node(local), value.known))
        body = [] if test is False else when(test, then({**env, variable.number: bound}))
        return [assign, *body] if body else []

    def _each(
        self, goal: core.Member, item: core.Variable, env: Env, then: Rest, index: Index | None
    ) -> list[ast.stmt]:
        """Loop over a collection whose member is to be found; over the members that an index gives, where one can."""
        collection = goal.collection
        if isinstance(collection, core.ListOf):
            values = [self._value(member, env) for member in collection.items]
            known = values[0].known if values and all(v.known == values[0].known for v in values) else None
            return self._loop(goal, item, placed.Tuple([v.node for v in values], ast.Load()), known, env, then)
        source = self._value(collection, env)
        if source.known is not None and source.known.element is not None and not source.known.is_optional:
            node = source.node
            if index is not None and not self._has(source.known.element, index):
                index = None
            return self._loop(goal, item, node, Known(source.known.element), env, then, index)
        return self._loop(goal, item, runtime_call("items", source.node), None, env, then)

    def _has(self, cls: type, index: Index) -> bool:
        """Whether the members of a collection have what they would be looked up by."""
        name, value = index
        held = self._compiler.attribute(cls, name)
        if held is None or value is not None:
            return held is not None
        return held.element is not None and not held.is_optional

    def _loop(
        self,
        goal: core.Member,
        item: core.Variable,
        source: ast.expr,
        known: Known | None,
        env: Env,
        then: Rest,
        index: Index | None = None,
    ) -> list[ast.stmt]:
        if self._loops == MAX_LOOPS:
            raise refusal(f"more than {MAX_LOOPS} collections are walked through inside each other", item.place)
        self._loops += 1
        local = self._local(item.name)
        test, member = self._admitted(item.number, Value(name_node(local), known))
        inner = {**env, item.number: member}
        body = [] if test is False else when(test, then(inner))
        self._loops -= 1
        if not body:
            return []
        walked = self._local("items")
        loop = placed.For(placed.Name(local, ast.Store()), name_node(walked), body, [])
        walk = [*counted_walk(walked, source, index), *self._walking(goal, loop)]
        if self._tracing is None and not isinstance(source, ast.Tuple):
            # Most collections of records are the empty one, and asking for that costs a third of a loop over nothing.
            walk = [placed.If(placed.Compare(name_node(walked), [ast.IsNot()], [name_node("EMPTY")]), walk, [])]
        return [placed.Assign([placed.Name(walked, ast.Store())], source), *walk]

    # --- calls and alternatives that find values ---------------------------------------------------------------------

    def _solutions(self, call: core.Call, env: Env, then: Rest) -> list[ast.stmt]:
        """Compile a call that finds values for some of its arguments."""
        pattern, arguments, found = self._call_pattern(call, env)
        facts = self._as_facts(call, pattern)
        if facts is not None and (len(facts) < 2 or self._copies * len(facts) <= MAX_COPIES):
            outer, self._copies = self._copies, self._copies * max(len(facts), 1)
            try:
                return self._among_facts(
                    call, [(clause, self._unified_by(found, values, env, then)) for clause, values in facts]
                )
            finally:
                self._copies = outer
        inlined = self._inlined_solutions(call, pattern, arguments, found, env, then)
        if inlined is not None:
            return inlined
        # Where all solutions are wanted, those of the call are wanted at once, and a list is cheaper than a generator.
        compiled = self._compiler.rule(call.key[0], pattern, call.place, collects=self._collects)
        if compiled.always is False or compiled.is_never:
            return []
        if self._loops == MAX_LOOPS:
            raise refusal(f"more than {MAX_LOOPS} collections are walked through inside each other", call.place)
        self._loops += 1
        locals_ = [self._local(variable.name) for variable in found]
        positions = [index for index, argument in enumerate(pattern) if argument == FREE]
        values = [
            Value(name_node(local), self._compiler.output_type(call.key, pattern, position))
            for local, position in zip(locals_, positions, strict=True)
        ]
        body = self._unified(found, values, env, then)
        self._loops -= 1
        if not body:
            return []
        target = placed.Tuple([placed.Name(local, ast.Store()) for local in locals_], ast.Store())
        source = placed.Call(name_node(compiled.name), [name_node(BUDGET), *passed(pattern, arguments)], [])
        if not self._collects:
            return self._walking(call, placed.For(target, source, [*spend(constant_node(1)), *body], []))
        walked = self._local("found")
        return [
            placed.Assign([placed.Name(walked, ast.Store())], source),
            *counted_walk(walked, source, None),
            *self._walking(call, placed.For(target, name_node(walked), counted_turn(body), [])),
        ]

    def _unified(self, found: Sequence[core.Variable], values: Sequence[Value], env: Env, then: Rest) -> list[ast.stmt]:
        """Bind found variables to values; one that stands twice must get equal values."""
        inner = dict(env)
        tests: list[Test] = []
        for variable, value in zip(found, values, strict=True):
            if variable.number in inner:
                tests.append(self._same(inner[variable.number], value))
            else:
                test, inner[variable.number] = self._admitted(variable.number, value)
                tests.append(test)
        return when(all_of(tests), then(inner)) if False not in tests else []

    def _unified_by(
        self, found: Sequence[core.Variable], values: Sequence[Value], env: Env, then: Rest
    ) -> Callable[[list[ast.stmt]], list[ast.stmt]]:
        """What is to be done with one solution, after what a trace is told of it."""
        return lambda told: self._unified(found, values, env, lambda inner: [*told, *then(inner)])

    def _as_facts(self, call: core.Call, pattern: CallPattern) -> list[tuple[core.Clause, list[Value]]] | None:
        """The solutions of a call, each with its fact, where they are constants that the compiler knows."""
        solutions: list[tuple[core.Clause, list[Value]]] = []
        for clause in self._compiler.candidates(call.key, pattern):
            if clause.goals:
                return None
            head = self.head(clause, pattern)
            if head is None:
                continue
            if head.tests or head.typed or not all(isinstance(term, core.Constant) for term in head.outputs):
                return None
            solutions.append((clause, [self._value(term, {}) for term in head.outputs]))
        return solutions if self._compiler.has(call.key) else None

    def _inlined_solutions(
        self,
        call: core.Call,
        pattern: CallPattern,
        arguments: Sequence[Value | None],
        found: Sequence[core.Variable],
        env: Env,
        then: Rest,
    ) -> list[ast.stmt] | None:
        """The one clause of a call written out in place; None where there are several, or it calls itself."""
        if not self._may_inline(call) or IGNORED in pattern:
            return None
        candidates = self._compiler.candidates(call.key, pattern)
        if len(candidates) != 1:
            return None
        clause = candidates[0]
        head = self._entered(clause, arguments)
        if head is None:
            return []
        outer, inside = self._typed, self._inside
        own = (*inside, call.key)

        def given(end: Env) -> list[ast.stmt]:
            values = [self._value(term, end) for term in head.outputs]
            self._typed, self._inside = outer, inside
            body = self._unified(found, values, env, then)
            self._typed, self._inside = head.typed, own
            return body

        self._typed, self._inside = head.typed, own
        try:
            body = when(all_of(head.tests), self._goals(clause.goals, head.env, given))
        finally:
            self._typed, self._inside = outer, inside
        return [marker(clause.place), *body] if body else []

    def _either(self, goal: core.AnyOf, env: Env, then: Rest) -> list[ast.stmt]:
        """Compile alternatives that give values to variables which are needed behind them."""
        needed = [v for v in goal.within if v.number not in env and not goal.own >> v.number & 1]
        if not needed:
            return when(self._exists(goal, env), then(env))
        inside = (v.number for v in goal.within)
        captured = [number for number in inside if number in env and not env[number].is_constant]
        part = self._part("either", True).of_part(goal, env, captured, needed)
        self._loops += 1
        locals_ = [self._local(variable.name) for variable in needed]
        # The types of parameters were tested where the alternatives gave them their values.
        given = {v.number: Value(name_node(local)) for v, local in zip(needed, locals_, strict=True)}
        then_body = then({**env, **given})
        self._loops -= 1
        if not then_body:
            return []
        target = placed.Tuple([placed.Name(local, ast.Store()) for local in locals_], ast.Store())
        source = placed.Call(name_node(part.name), [name_node(BUDGET), *(env[v].node for v in captured)], [])
        return [placed.For(target, source, [*spend(constant_node(1)), *then_body], [])]
