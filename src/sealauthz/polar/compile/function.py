"""One Python function under construction: the clauses of a rule for a call pattern, or a part of a clause."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from sealauthz.polar.compile import placed
from sealauthz.polar.compile.clauses import Clauses
from sealauthz.polar.compile.forms import Bound, CallPattern, Compiled, Env, Value, Way
from sealauthz.polar.compile.nodes import (
    BUDGET,
    FOUND,
    NO_TYPE_PARAMS,
    all_of,
    argument_name,
    constant_node,
    counting_depth,
    is_marker,
    name_node,
    spend,
    yield_node,
)
from sealauthz.polar.core import nodes as core


class Function(Clauses):
    """One Python function under construction."""

    def of_rule(self, clauses: Sequence[core.Clause], pattern: CallPattern) -> Compiled:
        """Compile all clauses of a rule into one function."""
        names = [argument_name(index) for index, argument in enumerate(pattern) if isinstance(argument, Bound)]
        ways: list[Way] = []
        for clause in clauses:
            head = self.head(clause, pattern)
            if head is not None and all_of(head.tests) is not False:
                ways.append(Way(clause, head, clause.goals, head.env, self._numbers_of(clause, head, pattern)))
        outputs = [term for way in ways for term in way.head.outputs]
        # Each solution is the same constant, so that it does not matter in which turn of a common loop it is found.
        in_any_order = self._collects and all(isinstance(term, core.Constant) for term in outputs)
        return self._define(names, self._ways(ways, in_any_order))

    def of_part(
        self, goal: core.Goal, env: Env, captured: Sequence[int], outputs: Sequence[core.Variable] = ()
    ) -> Compiled:
        """Compile a part of a clause into a function of the variables that it reads, which gives the outputs back."""
        inner: dict[int, Value] = {number: value for number, value in env.items() if value.is_constant}
        names = []
        for variable in captured:
            if variable not in inner:
                names.append(self._local(""))
                inner[variable] = Value(name_node(names[-1]), env[variable].known)
        give = self._giving(outputs)
        body: list[ast.stmt] = []
        for alternative in goal.goals if isinstance(goal, core.AnyOf) else (goal,):
            body += self._goals([alternative], inner, give)
        return self._define(names, body)

    def _part(self, what: str, is_generator: bool) -> Function:
        """A function for a part of the clause under construction."""
        part = Function(self._compiler, self._compiler.name_for(f"{self._name}_{what}"), is_generator)
        part._typed, part._tracing, part._inside = self._typed, self._tracing, self._inside
        return part

    def _define(self, names: list[str], body: list[ast.stmt]) -> Compiled:
        is_promised = self._name in self._compiler.promised
        if not body and not self._is_generator and not is_promised:
            return Compiled(self._name, always=False)
        first = next((statement for statement in body if not is_marker(statement)), None)
        if isinstance(first, ast.Return) and not (self._is_generator or is_promised or self._tells):
            return Compiled(self._name, always=True)
        if self._collects:
            body = [
                placed.Assign([placed.Name(FOUND, ast.Store())], placed.List([], ast.Load())),
                *body,
                placed.Return(name_node(FOUND)),
            ]
        elif self._is_generator:
            # A generator without a yield would be a plain function.
            body = counting_depth(
                [*(body or [placed.Return(None)]), placed.If(constant_node(False), [yield_node([])], [])]
            )
        else:
            body.append(placed.Return(constant_node(False)))
        is_plain = not (self._is_generator or self._compiler.is_traced or is_promised or self._tells)
        if is_plain and self._compiler.passes.remembers:
            self._compiler.remembering.take(self._name, names, body, collects=self._collects)
        if is_promised and not self._is_generator:
            body = [*spend(constant_node(1)), *body]
        arguments = ast.arguments([], [placed.arg(name) for name in (BUDGET, *names)], None, [], [], None, [])
        definition = placed.FunctionDef(self._name, arguments, body, [], **NO_TYPE_PARAMS)
        self._compiler.define(self._name, definition)
        is_never = self._compiler.is_traced and not (is_promised or self._solutions_given)
        return Compiled(self._name, is_never=is_never)
