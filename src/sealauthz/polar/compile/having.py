"""Which collections of a value must have members for goals to have a solution: what members may be looked up by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sealauthz.polar.compile.forms import Bound, CallPattern, Constant
from sealauthz.polar.compile.session import Session
from sealauthz.polar.core import nodes as core
from sealauthz.polar.program import Key

MAX_CALLS = 4
"""So many calls inside each other are looked into."""


class Needed:
    """Finds the collections of which a solution takes a member, without compiling anything."""

    def __init__(self, compiler: Session) -> None:
        self._compiler = compiler
        self._inside: list[Key] = []

    def of_all(self, goals: Iterable[core.Goal], number: int) -> Iterator[str]:
        """The names of collections of a variable that must have members for all goals to hold, in their order."""
        for goal in goals:
            yield from self._of(goal, number)

    def _of(self, goal: core.Goal, number: int) -> Sequence[str]:
        match goal:
            case core.Member(collection=core.Attribute(core.Variable(base), name)) if base == number:
                return (name,)
            case core.All():
                return tuple(self.of_all(goal.goals, number))
            case core.AnyOf():
                return _of_each(self._of(part, number) for part in goal.goals)
            case core.Call():
                return self._of_call(goal, number)
            case _:
                # Of what is negated, nothing follows.
                return ()

    def _of_call(self, call: core.Call, number: int) -> Sequence[str]:
        """What each clause of a rule needs of the variable, where it is handed over as it is."""
        place = next((i for i, each in enumerate(call.arguments) if _is_variable(each, number)), None)
        if place is None or call.key in self._inside or len(self._inside) == MAX_CALLS:
            return ()
        pattern: CallPattern = tuple(map(_like, call.arguments))
        self._inside.append(call.key)
        try:
            clauses = self._compiler.candidates(call.key, pattern)
            return _of_each(self._of_clause(clause, place) for clause in clauses)
        finally:
            self._inside.pop()

    def _of_clause(self, clause: core.Clause, place: int) -> Sequence[str]:
        term = clause.parameters[place].term
        # One that stands twice has the value of its first place, which may be another that is equal.
        if not isinstance(term, core.Variable) or sum(_is_variable(p.term, term.number) for p in clause.parameters) > 1:
            return ()
        return tuple(self.of_all(clause.goals, term.number))


def _of_each(found: Iterable[Sequence[str]]) -> Sequence[str]:
    """What is in all of some; nothing where there are none, or one has nothing."""
    common: Sequence[str] | None = None
    for names in found:
        common = names if common is None else tuple(name for name in common if name in names)
        if not common:
            return ()
    return common or ()


def _is_variable(term: core.Term, number: int) -> bool:
    return isinstance(term, core.Variable) and term.number == number


def _like(argument: core.Term) -> Bound | Constant:
    """An argument as far as it is certain: more clauses may fit than are tried."""
    if isinstance(argument, core.Constant):
        return Constant(argument.value, type(argument.value))
    return Bound()
