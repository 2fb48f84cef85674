"""What is known at one point of a clause: the values of its variables, and what tests have shown about attributes."""

from __future__ import annotations

from dataclasses import dataclass, field

from sealauthz.polar.check.rules import Clause
from sealauthz.polar.check.values import FREE, Free, Value, either_of
from sealauthz.polar.syntax import Attribute, Place, Term, Variable
from sealauthz.polar.types import ValueType


@dataclass(slots=True)
class Mode:
    """Where a condition stands. `decides`: it can allow something; `is_negative`: what is missing makes it hold.

    It is never changed; a frozen one takes twice as long to make.
    """

    clause: Clause
    decides: bool
    is_negative: bool
    negation: Place | None = None

    def flipped(self, place: Place) -> Mode:
        """The mode under a negation that stands at `place`."""
        return Mode(self.clause, self.decides, not self.is_negative, place)


@dataclass(slots=True)
class Scope:
    """The variables of a clause, and paths such as `seal.certificate`, with their values. Others are free."""

    values: dict[str, Value] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)

    def copy(self) -> Scope:
        """A scope that goes its own way."""
        return Scope(dict(self.values), dict(self.links))

    def of(self, name: str) -> Value:
        """The value of a variable."""
        return self.values.get(self._root(name) if self.links else name, FREE)

    def give(self, name: str, value: Value) -> None:
        """Let a variable have a value."""
        self.values[self._root(name)] = value

    def link(self, name: str, other: str) -> None:
        """Make one variable of two that have no value yet."""
        name, other = self._root(name), self._root(other)
        if name != other:
            limit = self.values.pop(name, FREE)
            self.links[name] = other
            if isinstance(limit, Free) and limit.limit and self.values.get(other, FREE) == FREE:
                self.values[other] = limit

    def path(self, term: Term) -> str | None:
        """Where to note what is found out about a term: a variable, or attributes of one."""
        names: list[str] = []
        while isinstance(term, Attribute):
            if term.arguments is not None:
                return None
            names.append(term.name)
            term = term.base
        if not isinstance(term, Variable) or term.name in ("_", "nil"):
            return None
        names.append(self._root(term.name))
        return ".".join(reversed(names))

    def narrow(self, term: Term, value: ValueType) -> None:
        """Note what a test has shown about a term."""
        path = self.path(term)
        if path is not None:
            self.values[path] = value

    def become_either(self, others: list[Scope]) -> None:
        """Know only what all of these know."""
        first, *rest = others
        self.links = {name: to for name, to in first.links.items() if all(s.links.get(name) == to for s in rest)}
        values: dict[str, Value] = {}
        for name, value in first.values.items():
            joined = either_of([value, *(scope.values.get(name, FREE) for scope in rest)])
            if not isinstance(joined, Free) or name in self.values:
                values[name] = joined if not isinstance(joined, Free) else self.values[name]
        self.values = values

    def _root(self, name: str) -> str:
        while name in self.links:
            name = self.links[name]
        return name
