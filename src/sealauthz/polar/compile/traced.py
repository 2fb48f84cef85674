"""What traced code says of its conditions, so that an explanation can tell what stopped a rule.

An event is "met" or "unmet", with the values that a test saw. Before a condition that calls rules stands "asked", so
that what happens in between is known to happen inside of it; where a call is searched for further solutions, "asked"
stands again, and "left" where it has no more. What the plain code does not evaluate, because nothing behind it can
hold, the traced code does not either.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from sealauthz.polar.budget import TooMuch
from sealauthz.polar.compile import placed
from sealauthz.polar.compile.conditions import Conditions
from sealauthz.polar.compile.forms import Env, Rest
from sealauthz.polar.compile.nodes import Test, constant_node, name_node, runtime_call
from sealauthz.polar.core import nodes as core
from sealauthz.runtime.errors import BundleRefused


class Traced(Conditions):
    """A function under construction, as far as it tells a trace what happens."""

    def _tested(self, goal: core.Goal, test: Test, env: Env, then: Rest) -> list[ast.stmt]:
        """A test, what follows where it is met, and what a trace is told."""
        number = self._compiler.condition(self._tracing, goal.source)
        asked = self._asked(number)
        if test is False:
            return [*asked, self._compiler.told("unmet", number)]
        before = self._solutions_given
        behind = then(self._learnt(goal, env))
        if self._solutions_given == before:
            return behind
        if test is True:
            # It reads nothing, and so do we.
            return [*asked, self._compiler.told("met", number), *behind]
        seen = () if self._compiler.is_counted else _seen(goal)
        values = [self._value(term, env).node for term in seen]
        met = [self._compiler.told("met", number, values), *behind]
        return [*asked, placed.If(test, met, [self._compiler.told("unmet", number, values)])]

    def _searched(self, goal: core.Goal, search: Callable[[], list[ast.stmt]]) -> list[ast.stmt]:
        """A goal that finds values, and what a trace is told where nothing behind it can hold."""
        before = self._solutions_given
        code = search()
        if self._solutions_given > before:
            return code
        number = self._compiler.condition(self._tracing, goal.source)
        return [*self._asked(number), self._compiler.told("unmet", number)]

    def _unless_refused(self, compiled: Callable[[], list[ast.stmt]]) -> list[ast.stmt]:
        """What is compiled; where it is refused, the traced code fails once it gets there.

        The plain code may know that nothing gets there, where a call that is not written out does not tell.
        """
        if self._tracing is None:
            return compiled()
        loops = self._loops
        try:
            return compiled()
        except TooMuch:
            raise
        except BundleRefused:
            self._loops = loops
            self._solutions_given += 1
            return [placed.Expr(runtime_call("refused"))]

    def _walking(self, goal: core.Goal, walk: ast.For) -> list[ast.stmt]:
        """A loop that tells the trace whether there was anything to walk through."""
        if self._tracing is None:
            return [walk]
        number = self._compiler.condition(self._tracing, goal.source)
        is_any, asked = self._local("is_any"), self._asked(number)
        found = placed.Assign([placed.Name(is_any, ast.Store())], constant_node(True))
        left: list[ast.stmt] = [self._compiler.told("left", number)] if asked else []
        return [
            placed.Assign([placed.Name(is_any, ast.Store())], constant_node(False)),
            *asked,
            placed.For(walk.target, walk.iter, [found, self._compiler.told("met", number), *walk.body, *asked], []),
            placed.If(placed.UnaryOp(ast.Not(), name_node(is_any)), [self._compiler.told("unmet", number)], left),
        ]

    def _among_facts(
        self, call: core.Call, facts: Sequence[tuple[core.Clause, Callable[[list[ast.stmt]], list[ast.stmt]]]]
    ) -> list[ast.stmt]:
        """What follows each of the facts that a call may stand for, and what a trace is told of the fact."""
        if self._tracing is None:
            return [statement for _, follows in facts for statement in follows([])]
        number = self._compiler.condition(self._tracing, call.source)
        asked = self._asked(number)
        code: list[ast.stmt] = []
        for fact, follows in facts:
            clause = self._compiler.clause_number(fact.source)
            behind = follows([self._compiler.told("proved", clause), self._compiler.told("met", number)])
            # Nothing that stands behind reads what is told: where it never holds, it is not told either.
            code += [*asked, self._compiler.told("tried", clause), *behind] if behind else []
        return [*code, *asked, self._compiler.told("left", number)] if code and asked else code

    def _asked(self, number: int) -> list[ast.stmt]:
        return [self._compiler.told("asked", number)] if self._compiler.conditions[number].called else []


def _seen(goal: core.Goal) -> Sequence[core.Term]:
    """The terms whose values a test saw."""
    match goal:
        case core.Equal() | core.Ordered():
            return (goal.left, goal.right)
        case core.Member():
            return (goal.item,)
        case core.Matched() | core.Truth():
            return (goal.term,)
        case _:
            return ()
