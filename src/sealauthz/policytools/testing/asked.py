"""Rules that no question of a bundle asks: a mistake in one of them changes no answer.

Followed are the calls from the rules that the service asks for, with the words that stand in them:
`time_after(at, 24, "hours", end)` never comes to `unit_of_time("weeks", …)`. Such rules are there for bundles that
extend this one, whose own tests ask them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sealauthz.polar.contract import ARITIES
from sealauthz.polar.syntax import Call, Literal, RuleNode, Statement, Term, Variable
from sealauthz.polar.terms import walk

_Key = tuple[str, int]
_Values = frozenset[str] | None
"""What a parameter can be: one of some texts, or anything (None)."""


class Asked:
    """What the rules of a bundle are asked with."""

    def __init__(self, statements: Iterable[Statement]) -> None:
        self._rules: dict[_Key, list[RuleNode]] = {}
        for statement in statements:
            if isinstance(statement, RuleNode):
                self._rules.setdefault(_key(statement), []).append(statement)
        self._values: dict[_Key, list[_Values]] = {
            key: [None] * key[1] for key in self._rules if ARITIES.get(key[0]) == key[1]
        }
        self._follow()

    def reaches(self, rule: RuleNode) -> bool:
        """Whether some question may come to a rule."""
        values = self._values.get(_key(rule))
        return values is not None and all(
            given is None or parameter.literal is None or parameter.literal in given
            for given, parameter in zip(values, rule.parameters, strict=True)
        )

    def _follow(self) -> None:
        waiting = list(self._values)
        while waiting:
            for rule in self._rules[waiting.pop()]:
                if self.reaches(rule):
                    waiting.extend(self._called(rule))

    def _called(self, rule: RuleNode) -> Iterable[_Key]:
        """Note what a rule asks others with, and return those that are asked with more than before."""
        if rule.body is None:
            return
        own = dict(self._own_values(rule))
        for call in walk(rule.body):
            if not isinstance(call, Call) or (call.name, len(call.arguments)) not in self._rules:
                continue
            key = call.name, len(call.arguments)
            given = [_given(argument, own) for argument in call.arguments]
            before = self._values.get(key)
            now = given if before is None else [_either(*pair) for pair in zip(before, given, strict=True)]
            if now != before:
                self._values[key] = now
                yield key

    def _own_values(self, rule: RuleNode) -> Iterable[tuple[str, _Values]]:
        for parameter, values in zip(rule.parameters, self._values[_key(rule)], strict=True):
            if isinstance(parameter.term, Variable):
                yield parameter.term.name, values


def _key(rule: RuleNode) -> _Key:
    return rule.name, len(rule.parameters)


def _given(argument: Term, own: Mapping[str, _Values]) -> _Values:
    if isinstance(argument, Literal):
        # A number equals others that are written differently.
        return frozenset([argument.value]) if isinstance(argument.value, str) else None
    return own.get(argument.name) if isinstance(argument, Variable) else None


def _either(one: _Values, other: _Values) -> _Values:
    return None if one is None or other is None else one | other
