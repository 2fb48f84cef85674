"""Clauses: one after the other, and those that begin alike together for as long as they do."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any

from sealauthz.polar.compile import placed
from sealauthz.polar.compile.forms import NOT_TYPED, Bound, CallPattern, Env, Head, Rest, Way
from sealauthz.polar.compile.goals import Goals
from sealauthz.polar.compile.nodes import all_of, constant_node, marker, when
from sealauthz.polar.core import nodes as core


class Clauses(Goals):
    """A function under construction, as far as it puts clauses together."""

    def _numbers_of(self, clause: core.Clause, head: Head, pattern: CallPattern) -> dict[int, int] | None:
        """Numbers for the variables of a head, by their places; None where the head says more than types."""
        if self._compiler.is_traced or not self._compiler.passes.shares:
            return None
        if head.typed or all_of(head.tests) is not True:
            return None
        numbers: dict[int, int] = {}
        for index, (parameter, argument) in enumerate(zip(clause.parameters, pattern, strict=True)):
            term = parameter.term
            if isinstance(term, core.Variable):
                if term.number in numbers:
                    return None
                if not term.is_anonymous:
                    numbers[term.number] = index
            elif isinstance(argument, Bound):
                return None
        return numbers

    def _ways(self, ways: Sequence[Way], in_any_order: bool) -> list[ast.stmt]:
        """Compile clauses one after the other; those that go on alike go together for as long as they do."""
        body: list[ast.stmt] = []
        for alike in self._grouped(ways) if in_any_order else self._runs(ways):
            body += self._together(alike, in_any_order) if len(alike) > 1 else self._way(alike[0])
        return body

    def _way(self, way: Way) -> list[ast.stmt]:
        """Compile what is left of one clause."""
        outer = self._typed
        self._typed = way.head.typed
        self._tracing = way.clause.source if self._compiler.is_traced else None
        give = self._telling(way.clause) if self._tells else self._giving(way.head.outputs)

        def proved(end: Env) -> list[ast.stmt]:
            return [*self._event("proved", way.clause), *give(end)]

        tests = all_of(way.head.tests) if way.goals is way.clause.goals else True
        body = when(
            tests,
            [*self._event("tried", way.clause), *self._unless_refused(lambda: self._goals(way.goals, way.env, proved))],
        )
        self._typed = outer
        return [marker(way.clause.place), *body] if body else []

    def _telling(self, clause: core.Clause) -> Rest:
        """What to do with a solution of a clause: tell which one it is."""
        number = self._compiler.clause_number(clause.source)
        return lambda _env: [placed.Return(constant_node(number))]

    def _event(self, what: str, clause: core.Clause) -> list[ast.stmt]:
        """Tell a trace that a clause is tried, or has a solution."""
        compiler = self._compiler
        return [compiler.told(what, compiler.clause_number(clause.source))] if compiler.is_traced else []

    def _grouped(self, ways: Sequence[Way]) -> Iterable[Sequence[Way]]:
        """Clauses whose next goal is the same, wherever they are; in the order of the first of each."""
        kinds = Counter(type(way.goals[0]) for way in ways if way.numbers is not None and way.goals)
        groups: dict[object, list[Way]] = {}
        for at, way in enumerate(ways):
            is_alone = way.numbers is None or not way.goals or kinds[type(way.goals[0])] < 2
            # What takes long is asked last.
            key = at if is_alone else self._next_shape(way, in_any_order=True)
            groups.setdefault(key, []).append(way)
        return groups.values()

    def _runs(self, ways: Sequence[Way]) -> Iterator[Sequence[Way]]:
        """Clauses that follow each other and whose next goal is the same, with one solution at most."""
        at = 0
        while at < len(ways):
            first, end = ways[at], at + 1
            if first.numbers is not None and first.goals and end < len(ways):
                kind = type(first.goals[0])
                wanted: object = None
                while end < len(ways) and (way := ways[end]).numbers is not None and way.goals:
                    if type(way.goals[0]) is not kind:
                        break
                    wanted = wanted or self._next_shape(first, in_any_order=False)
                    if self._next_shape(way, in_any_order=False) != wanted:
                        break
                    end += 1
                if end > at + 1 and not self._is_single(first):
                    end = at + 1
            yield ways[at:end]
            at = end

    def _next_shape(self, way: Way, in_any_order: bool) -> tuple[Any, ...]:
        """The next goal without places and names, and what is known of the variables in it."""
        numbers = dict(way.numbers or {})
        goal = way.goals[0]
        shape = core.shape_of(goal, numbers)
        inside = [*core.numbers_in(goal.variables)]
        known = sorted([(numbers[v], way.env[v].known) for v in inside if v in way.env], key=itemgetter(0))
        needed: Sequence[int] = () if in_any_order else sorted(numbers[v] for v in inside if not goal.own >> v & 1)
        return shape, tuple(known), tuple(needed)

    def _is_single(self, way: Way) -> bool:
        """Whether the next goal has one solution at most."""
        outer = self._typed
        self._typed = way.head.typed
        try:
            goal = way.goals[0]
            is_binding = isinstance(goal, core.Equal | core.Given)
            return is_binding or self._test(goal, way.env) is not None or self._let(goal, way.env) is not None
        finally:
            self._typed = outer

    def _together(self, ways: Sequence[Way], in_any_order: bool) -> list[ast.stmt]:
        """Compile the goal that clauses have in common once, and what follows in each of them behind it."""
        first = ways[0]
        goal = first.goals[0]
        numbered = [(way, dict(way.numbers or {})) for way in ways]
        for way, numbers in numbered:
            core.shape_of(way.goals[0], numbers)
        names = {number: variable for variable, number in numbered[0][1].items()}
        needed = 0
        for way, numbers in numbered:
            outer_variables = way.goals[0].variables & ~way.goals[0].own
            for variable in core.numbers_in(outer_variables):
                needed |= 1 << names[numbers[variable]]
        goal = core.exposed(goal, needed)
        outer = self._typed
        self._typed = NOT_TYPED

        def behind(end: Env) -> list[ast.stmt]:
            typed = self._typed
            after = []
            for way, numbers in numbered:
                found = {
                    variable: end[names[number]] for variable, number in numbers.items() if names.get(number) in end
                }
                after.append(Way(way.clause, way.head, way.goals[1:], {**way.env, **found}, numbers))
            body = self._ways(after, in_any_order)
            self._typed = typed
            return body

        body = self._goals([goal], first.env, behind)
        self._typed = outer
        return body
