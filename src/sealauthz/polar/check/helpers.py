"""Conditions with what they call written out: what rules say of their arguments, in place of the calls.

`is_physical(seal)` says what the rules of `is_physical` ask for. That is written out where it can be: a rule that takes
values and words, and calls itself nowhere. What cannot be written out stays a call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sealauthz.polar.program import NIL, Key
from sealauthz.polar.syntax import (
    And,
    Call,
    In,
    ListTerm,
    Literal,
    Matches,
    Not,
    Or,
    Parameter,
    Place,
    RuleNode,
    Term,
    TypePattern,
    Unify,
    Variable,
)
from sealauthz.polar.terms import occurrences, placeless, rebuilt

_MOST_CLAUSES = 16
"""A rule of more clauses is not written out: a table of words says nothing that is found by putting it together."""

_DEEPEST = 4
"""So many calls are written out inside each other."""

_MOST_CALLS = 40
"""So many calls of one rule are written out."""


@dataclass(slots=True, eq=False)
class Helpers:
    """Writes out what rules call. `may_be` tells whether a value of a type may be of another; `asked` are the rules
    that were looked at for it.
    """

    clauses: Mapping[Key, Sequence[RuleNode]]
    may_be: Callable[[str | None, str | None], bool]
    asked: set[Key] = field(default_factory=set)
    _calls: int = 0
    _names: int = 0

    def body_of(self, rule: RuleNode) -> Term | None:
        """What a rule asks for, with what it calls written out; None where it calls nothing that can be."""
        self._calls = self._names = 0
        types = {each.variable: each.type for each in rule.parameters if each.variable is not None}
        found: Term | None = self._opened(rule.body, types, ((rule.name, len(rule.parameters)),))
        return None if found is rule.body else found

    def _opened(self, term: Any, types: Mapping[str, str | None], path: tuple[Key, ...]) -> Any:
        return rebuilt(term, lambda node: self._called(node, types, path) if isinstance(node, Call) else node)

    def _called(self, call: Call, types: Mapping[str, str | None], path: tuple[Key, ...]) -> Term:
        """The alternatives that a call stands for; the call where it cannot be written out."""
        key = (call.name, len(call.arguments))
        self.asked.add(key)
        clauses = self.clauses.get(key, ())
        if not 0 < len(clauses) <= _MOST_CLAUSES or key in path or len(path) > _DEEPEST or self._calls >= _MOST_CALLS:
            return call
        self._calls += 1
        alternatives: list[Term] = []
        for clause in clauses:
            if not all(map(is_plain, clause.parameters)):
                return call
            goals = self._goals(clause, call, types)
            if goals is not None:
                opened = tuple([self._opened(goal, types, (*path, key)) for goal in goals])
                alternatives.append(opened[0] if len(opened) == 1 else And(opened, call.place))
        return alternatives[0] if len(alternatives) == 1 else Or(tuple(alternatives), call.place)

    def _goals(self, clause: RuleNode, call: Call, types: Mapping[str, str | None]) -> list[Term] | None:
        """What a clause asks for of the arguments of a call; None where it never fits them."""
        names: dict[str, Term] = {}
        goals: list[Term] = []
        for parameter, argument in zip(clause.parameters, call.arguments, strict=True):
            term, given = parameter.term, argument
            if isinstance(given, Variable) and not self.may_be(types.get(given.name), parameter.type):
                return None
            if isinstance(given, Variable) and given.name == "_":
                given = self._fresh(given.place)
            if isinstance(term, Variable) and term.name not in ("_", NIL):
                known = names.setdefault(term.name, given)
                goals += [] if placeless(known) == placeless(given) else [Unify(known, given, call.place)]
            elif isinstance(term, Literal) and isinstance(given, Literal):
                if placeless(term) != placeless(given):
                    return None
            elif given is argument and not (isinstance(term, Variable) and term.name == "_"):
                goals.append(Unify(given, term, call.place))
        return goals if clause.body is None else [*goals, self._with_names(clause.body, names)]

    def _with_names(self, body: Term, names: dict[str, Term]) -> Term:
        """A condition about other values; variables of its own get names that nobody else has."""

        def named(node: Any) -> Any:
            if isinstance(node, Variable) and node.name not in ("_", NIL):
                return names.get(node.name) or names.setdefault(node.name, self._fresh(node.place))
            return node

        found: Term = rebuilt(body, named)
        return found

    def _fresh(self, place: Place) -> Variable:
        self._names += 1
        return Variable(f"called {self._names}", place)


def spread(rule: RuleNode, body: Term) -> Term:
    """A condition with its negations inside, where that says the same: `not (a and b)` as `not a or not b`.

    What a negation finds for itself stays in it. A word of a list that is written out is one of several alternatives.
    """
    heads = {each.variable for each in rule.parameters} | {NIL}
    outside = occurrences(body)

    def of(term: Term) -> Term:
        match term:
            case And(parts, place):
                return And(tuple(map(of, parts)), place)
            case Or(parts, place):
                return Or(tuple(map(of, parts)), place)
            case In(Variable() as item, ListTerm(items, None), place) if 0 < len(items) <= _MOST_CLAUSES and all(
                isinstance(each, Literal) for each in items
            ):
                words = tuple([Unify(item, each, place) for each in items])
                return words[0] if len(words) == 1 else Or(words, place)
            case Matches(inner, Literal() as word, place):
                return Unify(inner, word, place)
            case Not(Or(parts, _), place):
                return And(tuple([of(Not(each, place)) for each in parts]), place)
            case Not(And(parts, _) as inner, place) if _finds_nothing(inner):
                return Or(tuple([of(Not(each, place)) for each in parts]), place)
            case Not(Not(inner, _), _) if _finds_nothing(inner):
                return of(inner)
            case Not(Matches(inner, Literal() as word, _), place):
                return Not(Unify(inner, word, place), place)
            case _:
                return term

    def _finds_nothing(term: Term) -> bool:
        within = occurrences(term)
        return all(name in heads or (name != "_" and count < outside[name]) for name, count in within.items())

    return of(body)


def is_plain(parameter: Parameter) -> bool:
    """Whether a parameter takes a value or names one, and asks for a type at most."""
    pattern = parameter.pattern
    is_type = pattern is None or (isinstance(pattern, TypePattern) and not pattern.fields)
    return is_type and isinstance(parameter.term, Variable | Literal)
