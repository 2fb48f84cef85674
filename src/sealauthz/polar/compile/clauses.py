"""Clauses: one after the other, and those that begin alike together for as long as they do."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Sequence
from typing import Any

from sealauthz.polar.compile.forms import Bound, CallPattern, Env, Head, Scope, Way
from sealauthz.polar.compile.goals import Goals
from sealauthz.polar.compile.nodes import all_of, marker, tell_trace, when
from sealauthz.polar.program import Clause
from sealauthz.polar.syntax import Assign, Literal, Unify, Variable


class Clauses(Goals):
    """A function under construction, as far as it puts clauses together."""

    def _numbers_of(self, clause: Clause, head: Head, pattern: CallPattern) -> dict[str, int] | None:
        """Numbers for the variables of a head, by their places; None where the head says more than types."""
        if self._compiler.is_traced or head.typed or all_of(head.tests) is not True:
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

    def _ways(self, ways: Sequence[Way], in_any_order: bool) -> list[ast.stmt]:
        """Compile clauses one after the other; those that go on alike go together for as long as they do."""
        body: list[ast.stmt] = []
        left = list(ways)
        while left:
            first, *others = left
            alike, left = self._alike(first, others, in_any_order)
            body += self._together([first, *alike], in_any_order) if alike else self._way(first)
        return body

    def _way(self, way: Way) -> list[ast.stmt]:
        """Compile what is left of one clause."""
        outer = self._scope
        self._scope = Scope(way.clause.occurrences, way.head.typed)
        self._tracing = way.clause if self._compiler.is_traced else None
        give = self._giving([parameter.term for parameter in way.head.outputs])

        def proved(end: Env) -> list[ast.stmt]:
            return [*self._event("proved", way.clause), *give(end)]

        tests = all_of(way.head.tests) if way.goals is way.clause.goals else True
        body = when(tests, [*self._event("tried", way.clause), *self._goals(way.goals, way.env, proved)])
        self._scope = outer
        return [marker(way.clause.place), *body] if body else []

    def _event(self, what: str, clause: Clause) -> list[ast.stmt]:
        """Tell a trace that a clause is tried, or has a solution."""
        return [tell_trace(what, self._compiler.clause_number(clause))] if self._compiler.is_traced else []

    def _alike(self, first: Way, others: Sequence[Way], in_any_order: bool) -> tuple[list[Way], list[Way]]:
        """The clauses whose next goal is that of the first, and the others.

        Where order matters these follow it directly, and the goal has one solution at most.
        """
        if first.numbers is None or not first.goals or not others:
            return [], list(others)
        if not in_any_order and not self._is_single(first):
            return [], list(others)
        wanted = self._next_shape(first, in_any_order)
        alike: list[Way] = []
        left: list[Way] = []
        for index, way in enumerate(others):
            if way.numbers is not None and way.goals and self._next_shape(way, in_any_order) == wanted:
                alike.append(way)
            elif in_any_order:
                left.append(way)
            else:
                return alike, [*others[index:]]
        return alike, left

    def _next_shape(self, way: Way, in_any_order: bool) -> tuple[Any, ...]:
        """The next goal without places and names, and what is known of the variables in it."""
        numbers = dict(way.numbers or {})
        goal = way.goals[0]
        shape = numbered_shape(goal, numbers)
        names = self._compiler.counted(goal)
        known = tuple((numbers[name], way.env[name].known) for name in names if name in way.env)
        needed = () if in_any_order else tuple(numbers[name] for name in names if self._is_used_later(way, name))
        return shape, known, needed

    def _is_used_later(self, way: Way, name: str) -> bool:
        """Whether a variable stands anywhere but in the next goal."""
        inside = self._compiler.counted(way.goals[0])
        return way.clause.occurrences.get(name, 0) > inside[name]

    def _is_single(self, way: Way) -> bool:
        """Whether the next goal has one solution at most."""
        outer = self._scope
        self._scope = Scope(way.clause.occurrences, way.head.typed)
        try:
            goal = way.goals[0]
            is_binding = isinstance(goal, Unify | Assign)
            return is_binding or self._test(goal, way.env) is not None or self._let(goal, way.env) is not None
        finally:
            self._scope = outer

    def _together(self, ways: Sequence[Way], in_any_order: bool) -> list[ast.stmt]:
        """Compile the goal that clauses have in common once, and what follows in each of them behind it."""
        first = ways[0]
        goal = first.goals[0]
        numbered = [(way, dict(way.numbers or {})) for way in ways]
        for way, numbers in numbered:
            numbered_shape(way.goals[0], numbers)
        names = {number: name for name, number in numbered[0][1].items()}
        inside = self._compiler.counted(goal)
        needed = {
            names[numbers[name]]
            for way, numbers in numbered
            for name in numbers
            if name in self._compiler.counted(way.goals[0]) and self._is_used_later(way, name)
        }
        outer = self._scope
        self._scope = Scope({name: inside[name] + (name in needed) for name in inside}, {})

        def behind(end: Env) -> list[ast.stmt]:
            scope = self._scope
            after = []
            for way, numbers in numbered:
                found = {name: end[names[number]] for name, number in numbers.items() if names.get(number) in end}
                env = {**way.env, **found}
                after.append(Way(way.clause, way.head, way.goals[1:], env, numbers))
            body = self._ways(after, in_any_order)
            self._scope = scope
            return body

        body = self._goals([goal], first.env, behind)
        self._scope = outer
        return body


def numbered_shape(part: Any, numbers: dict[str, int]) -> Any:
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
            return tuple(numbered_shape(each, numbers) for each in part)
        case _ if dataclasses.is_dataclass(part):
            held = (getattr(part, field.name) for field in dataclasses.fields(part) if field.name != "place")
            return (type(part), *(numbered_shape(each, numbers) for each in held))
        case _:
            return part
