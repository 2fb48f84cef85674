"""Conditions: goals that bind nothing, as expressions; small rules are written out in place of a call."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from sealauthz.polar.compile import placed
from sealauthz.polar.compile.forms import IGNORED, CallPattern, Compiled, Env, Scope, Value
from sealauthz.polar.compile.heads import Heads
from sealauthz.polar.compile.nodes import BUDGET, Test, all_of, any_of, is_cheap, is_small, name_node, negated
from sealauthz.polar.diagnostic import refusal
from sealauthz.polar.program import Clause
from sealauthz.polar.syntax import (
    And,
    Attribute,
    Call,
    Compare,
    In,
    Literal,
    Matches,
    Not,
    Or,
    Place,
    Term,
    Unify,
    Variable,
)

MAX_INLINED = 8
"""Calls written out inside each other."""


class Conditions(Heads, ABC):
    """A function under construction, as far as it tests conditions."""

    @abstractmethod
    def _part(self, what: str, is_generator: bool) -> Conditions:
        """A function for a part of the clause under construction."""

    @abstractmethod
    def of_part(self, term: Term, env: Env, captured: Sequence[str], outputs: Sequence[Variable] = ()) -> Compiled:
        """Compile a part of a clause into a function of the variables that it reads, which gives the outputs back."""

    def _test(self, term: Term, env: Env) -> Test | None:
        """A condition as an expression; None where it binds variables that are needed behind it."""
        match term:
            case Literal(value, place):
                if type(value) is not bool:
                    raise refusal("this is no condition", place)
                return value
            case Not(inner, place):
                self._check_negation(inner, env, place)
                return negated(self._exists(inner, env))
            case And(parts, _):
                together = self._tests(parts, env, True)
                return None if together is None else all_of(together)
            case Or(parts, _):
                either = self._tests(parts, env, False)
                return None if either is None else any_of(either)
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
                return self._truth(self._value(term, env), term.place)
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
        return placed.Call(name_node(compiled.name), [name_node(BUDGET), *passed], [])

    def _check_negation(self, term: Term, env: Env, place: Place) -> None:
        inside = self._compiler.counted(term)
        for variable, times in inside.items():
            outside = self._scope.occurrences.get(variable, 0) > times
            if variable not in env and outside:
                raise refusal(
                    f"`{variable}` has no value yet where it is negated, and is used outside the negation", place
                )

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
        return placed.Call(name_node(compiled.name), [name_node(BUDGET), *nodes], [])

    # --- calls written out -------------------------------------------------------------------------------------------

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
        result = None if test is None else any_of(tests)
        if result is None or not (isinstance(result, bool) or is_small(result)):
            # Remembered, so that no other call of the rule with this pattern tries it again.
            self._compiler.not_written_out[call.name, pattern] = True
            return None
        return result

    def _clause_test(self, clause: Clause, call: Call, env: Env) -> Test | None:
        head = self._entered(clause, call, env)
        if head is None:
            return False
        self._scope = Scope(clause.occurrences, head.typed)
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

    def _let(self, goal: Term, env: Env) -> tuple[Test, Env] | None:
        """The environment with one more variable, where a goal only names a value that is cheap to write again."""
        if isinstance(goal, Call):
            return self._let_call(goal, env)
        if not isinstance(goal, Unify):
            return None
        for unbound, other in ((goal.left, goal.right), (goal.right, goal.left)):
            if isinstance(unbound, Variable) and self._is_unbound(unbound, env) and not self._is_unbound(other, env):
                value = self._value(other, env)
                if unbound.name != "_" and is_cheap(value.node):
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
        return all_of(tests), inner

    def _clause_given(self, clause: Clause, call: Call, env: Env) -> tuple[list[Test], list[Value]] | None:
        """The tests of a clause and the values that it gives, where it needs no statement for them."""
        head = self._entered(clause, call, env)
        if head is None:
            return None
        self._scope = Scope(clause.occurrences, head.typed)
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
        return (tests, values) if all(is_cheap(value.node) for value in values) else None
