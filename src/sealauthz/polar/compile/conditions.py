"""Conditions: goals that bind nothing, as expressions; small rules are written out in place of a call."""

from __future__ import annotations

import ast
from abc import ABC, abstractmethod
from collections.abc import Sequence

from sealauthz.polar.compile import placed
from sealauthz.polar.compile.forms import IGNORED, Bound, CallPattern, Compiled, Env, Head, Template, Value
from sealauthz.polar.compile.heads import Heads
from sealauthz.polar.compile.nodes import (
    BUDGET,
    Test,
    all_of,
    any_of,
    argument_name,
    is_cheap,
    is_small,
    name_node,
    negated,
    reads_of,
    substituted,
)
from sealauthz.polar.core import nodes as core
from sealauthz.polar.diagnostic import refusal

MAX_INLINED = 8
"""Calls written out inside each other."""


class Conditions(Heads, ABC):
    """A function under construction, as far as it tests conditions."""

    @abstractmethod
    def _part(self, what: str, is_generator: bool) -> Conditions:
        """A function for a part of the clause under construction."""

    @abstractmethod
    def of_part(
        self, goal: core.Goal, env: Env, captured: Sequence[int], outputs: Sequence[core.Variable] = ()
    ) -> Compiled:
        """Compile a part of a clause into a function of the variables that it reads, which gives the outputs back."""

    def _test(self, goal: core.Goal, env: Env) -> Test | None:
        """A condition as an expression; None where it gives values to variables that are needed behind it."""
        self._compiler.charge(1, goal.place)
        match goal:
            case core.Call():
                return self._call_test(goal, env)
            case core.Equal():
                if self._is_unbound(goal.left, env) or self._is_unbound(goal.right, env):
                    return None
                return self._unified_test(goal.left, goal.right, env)
            case core.Ordered():
                return self._compare(goal.sign, self._value(goal.left, env), self._value(goal.right, env))
            case core.Member():
                return None if self._is_unbound(goal.item, env) else self._contains(goal.item, goal.collection, env)
            case core.Matched():
                return self._matches(self._value(goal.term, env), goal.pattern)
            case core.Truth():
                return self._truth(self._value(goal.term, env), goal.place)
            case core.Not():
                self._check_negation(goal, env)
                return negated(self._exists(goal.goal, env))
            case core.All():
                together = self._tests(goal.goals, env, True)
                return None if together is None else all_of(together)
            case core.AnyOf():
                either = self._tests(goal.goals, env, False)
                return None if either is None else any_of(either)
            case core.Decided():
                return goal.value
            case core.Impossible():
                raise refusal(goal.message, goal.at)
            case core.Given():
                return None

    def _tests(self, goals: Sequence[core.Goal], env: Env, is_conjunction: bool) -> list[Test] | None:
        """The goals as expressions; None as soon as one gives a value, on which the next may rely."""
        tests: list[Test] = []
        for goal in goals:
            test = self._test(goal, env)
            if test is None:
                return None
            tests.append(test)
            if test is False and is_conjunction:
                break
            env = self._learnt(goal, env) if is_conjunction else env
        return tests

    def _exists(self, goal: core.Goal, env: Env) -> Test:
        """Whether a goal has a solution; its own variables are of no interest outside."""
        test = self._test(goal, env)
        if test is not None:
            return test
        captured = [number for number in core.numbers_in(goal.variables) if number in env]
        compiled = self._part("part", False).of_part(goal, env, captured)
        if compiled.always is not None or compiled.is_never:
            return compiled.always is True
        passed = [env[number].node for number in captured if not env[number].is_constant]
        return placed.Call(name_node(compiled.name), [name_node(BUDGET), *passed], [])

    def _check_negation(self, goal: core.Not, env: Env) -> None:
        unbound = goal.first_open(env.__contains__)
        if unbound is not None:
            message = f"`{unbound.name}` has no value yet where it is negated, and is used outside the negation"
            raise refusal(message, unbound.place)

    def _call_test(self, call: core.Call, env: Env) -> Test | None:
        pattern, values, found = self._call_pattern(call, env)
        if found:
            return None
        if not self._compiler.is_traced and self._compiler.passes.writes_out:
            template = self._compiler.template(call.key, pattern)
            if template is not None and _is_written_once(template, pattern, values):
                named = {argument_name(i): value.node for i, value in enumerate(values) if value is not None}
                return substituted(template.test, named)
        compiled = self._compiler.rule(call.key[0], pattern, call.place)
        if compiled.always is not None or compiled.is_never:
            return compiled.always is True
        return placed.Call(name_node(compiled.name), [name_node(BUDGET), *passed(pattern, values)], [])

    # --- calls written out -------------------------------------------------------------------------------------------

    def template_of(self, clauses: Sequence[core.Clause], pattern: CallPattern) -> Template | None:
        """Make one expression of clauses, where they are small tests; None where they are not."""
        tests: list[Test] = []
        for clause in clauses:
            head = self.head(clause, pattern)
            test = False if head is None else self._clause_test(clause, head)
            if test is None or not (isinstance(test, bool) or is_small(test)):
                return None
            tests.append(test)
        either = any_of(tests)
        return Template(either) if isinstance(either, bool) or is_small(either) else None

    def _may_inline(self, call: core.Call) -> bool:
        if self._compiler.is_traced or not self._compiler.passes.writes_out:
            return False
        return call.key not in self._inside and len(self._inside) < MAX_INLINED

    def _clause_test(self, clause: core.Clause, head: Head) -> Test | None:
        """A clause that was entered as one expression; None where it is none."""
        self._typed = head.typed
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
        return all_of(tests)

    def _let(self, goal: core.Goal, env: Env) -> tuple[Test, Env] | None:
        """The environment with one more variable, where a goal only names a value that is cheap to write again."""
        if isinstance(goal, core.Call):
            return self._let_call(goal, env)
        if not isinstance(goal, core.Equal):
            return None
        for unbound, other in ((goal.left, goal.right), (goal.right, goal.left)):
            if self._is_unbound(unbound, env) and not self._is_unbound(other, env):
                value = self._value(other, env)
                if not unbound.is_anonymous and is_cheap(value.node):
                    test, value = self._admitted(unbound.number, value)
                    return test, {**env, unbound.number: value}
        return None

    def _let_call(self, call: core.Call, env: Env) -> tuple[Test, Env] | None:
        """The same, where a call has one clause that only names values, as `owner` does, behind some tests."""
        if not any(self._is_unbound(argument, env) for argument in call.arguments):
            return None
        pattern, values, found = self._call_pattern(call, env)
        if not found or IGNORED in pattern or not self._may_inline(call):
            return None
        candidates = self._compiler.candidates(call.key, pattern)
        if len(candidates) != 1:
            return None
        outer, inside = self._typed, self._inside
        self._inside = (*inside, call.key)
        try:
            entered = self._clause_given(candidates[0], values)
        finally:
            self._typed, self._inside = outer, inside
        if entered is None:
            return None
        tests, given = entered
        inner = dict(env)
        for variable, value in zip(found, given, strict=True):
            admitted, inner[variable.number] = self._admitted(variable.number, value)
            tests.append(admitted)
        return all_of(tests), inner

    def _clause_given(
        self, clause: core.Clause, arguments: Sequence[Value | None]
    ) -> tuple[list[Test], list[Value]] | None:
        """The tests of a clause and the values that it gives, where it needs no statement for them."""
        head = self._entered(clause, arguments)
        if head is None:
            return None
        self._typed = head.typed
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
        values = [self._value(term, inner) for term in head.outputs]
        return (tests, values) if all(is_cheap(value.node) for value in values) else None


def passed(pattern: CallPattern, values: Sequence[Value | None]) -> list[ast.expr]:
    """What a call passes to a function: the values that its pattern does not say."""
    pairs = zip(pattern, values, strict=True)
    return [value.node for argument, value in pairs if isinstance(argument, Bound) and value is not None]


def _is_written_once(template: Template, pattern: CallPattern, values: Sequence[Value | None]) -> bool:
    """Whether no argument that takes work would be written out twice."""
    takes_work = [
        argument_name(index)
        for index, (argument, value) in enumerate(zip(pattern, values, strict=True))
        if isinstance(argument, Bound) and value is not None and not is_cheap(value.node)
    ]
    return all(reads_of(template.test, name) < 2 for name in takes_work)
