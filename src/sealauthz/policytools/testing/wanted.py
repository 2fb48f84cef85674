"""Types that a rule asks for twice: by `x matches T`, and by what stands behind it, which fails for anything else.

`namer_id matches String and could_name(namer_id, …)`: where each rule of `could_name` compares it with the id of a
record, nothing but a text gets through, and the first condition is there for the checker and for readers. Only the
first condition behind that reads the value counts: what stands between never sees it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sealauthz.polar import syntax
from sealauthz.polar.syntax import Call, Matches, RuleNode, Term, Variable
from sealauthz.polar.terms import conjuncts, walk
from sealauthz.polar.types import TypeTable
from sealauthz.polar.unparse import written
from sealauthz.policytools.testing.implied import TEXT, is_text, records_of


class Wanted:
    """What the rules of a bundle hold for. `rules`: by their name."""

    def __init__(self, rules: Mapping[str, Sequence[RuleNode]], types: TypeTable) -> None:
        self._rules = rules
        self._types = types
        self._found: dict[tuple[str, int, int, str], bool] = {}
        self._asking: list[tuple[str, int, int, str]] = []

    def is_asked_again(self, rule: RuleNode, goals: Sequence[Term], position: int) -> bool:
        """Whether a condition of a rule asks for a type alone, and the next one that reads the value for the same."""
        goal = goals[position]
        if not isinstance(goal, Matches) or not isinstance(goal.pattern, syntax.TypePattern) or goal.pattern.fields:
            return False
        return self._is_needed(rule, goals, position + 1, written(goal.term), goal.pattern.name, left_out=position)

    def _is_needed(
        self, rule: RuleNode, goals: Sequence[Term], start: int, value: str, type_: str, left_out: int = -1
    ) -> bool:
        """Whether the first condition from some place on that reads a value fails for all that is not of a type."""
        for at, goal in enumerate(goals[start:], start):
            if any(written(node) == value for node in walk(goal)):
                before = [each for number, each in enumerate(goals[:at]) if number != left_out]
                return self._fails(rule, before, goal, value, type_)
        return False

    def _fails(self, rule: RuleNode, before: Sequence[Term], goal: Term, value: str, type_: str) -> bool:
        match goal:
            case Matches(term, syntax.TypePattern() as pattern):
                return written(term) == value and pattern.name == type_
            case Call(arguments=arguments):
                places = (at for at, argument in enumerate(arguments) if written(argument) == value)
                return any(self._holds_only_for(goal, at, type_) for at in places)
            case syntax.Unify(left, right) if type_ == TEXT:
                known = records_of(rule, before, self._types)
                return any(
                    written(one) == value and is_text(other, known, self._types)
                    for one, other in ((left, right), (right, left))
                )
            case syntax.Or(parts):
                return all(self._is_needed(rule, [*before, part], len(before), value, type_) for part in parts)
            case _:
                return False

    def _holds_only_for(self, call: Call, position: int, type_: str) -> bool:
        key = call.name, len(call.arguments), position, type_
        if key in self._asking:
            return True  # a rule that asks itself holds, in the end, by one that does not
        if key not in self._found:
            alike = [rule for rule in self._rules.get(call.name, ()) if len(rule.parameters) == len(call.arguments)]
            self._asking.append(key)
            found = bool(alike) and all(self._is_only_for(rule, position, type_) for rule in alike)
            self._asking.pop()
            if self._asking:
                return found  # it may rest on what is not found out yet
            self._found[key] = found
        return self._found[key]

    def _is_only_for(self, rule: RuleNode, position: int, type_: str) -> bool:
        parameter = rule.parameters[position]
        if parameter.type is not None:
            return parameter.type == type_
        if parameter.literal is not None:
            return type_ == TEXT
        if not isinstance(parameter.term, Variable) or rule.body is None:
            return False
        return self._is_needed(rule, list(conjuncts(rule.body)), 0, parameter.term.name, type_)
