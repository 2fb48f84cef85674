"""How requirements are settled: waived only by what is known, and without a condition only where that is meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sealauthz.polar.check.rules import Rules
from sealauthz.polar.contract import Rulebook
from sealauthz.polar.diagnostic import Diagnostics
from sealauthz.polar.program import NIL
from sealauthz.polar.source import FLOOR_FILE
from sealauthz.polar.syntax import (
    ALWAYS,
    And,
    Call,
    Compare,
    Forall,
    ListTerm,
    Not,
    Or,
    Parameter,
    RuleNode,
    Term,
    TypePattern,
    Unify,
    Variable,
)
from sealauthz.polar.terms import conjuncts


def check_settling(book: Rulebook, rules: Rules, found: Diagnostics) -> None:
    """Find waivers that rest on a negation, and rules that settle without a condition what others narrow."""
    opening = _Opening(rules)
    narrowed: dict[str, RuleNode] = {}
    for table in (book.meets, book.waived):
        for (requirement, _, _), settles in table.items():
            for rule in settles:
                if not opening.is_open(rule):
                    narrowed.setdefault(requirement, rule)
    for settles in book.waived.values():
        for rule in settles:
            _check_positive(rule, rules, found)
    for table in (book.meets, book.waived):
        for need, settles in table.items():
            other = narrowed.get(need[0])
            if other is not None and need in book.requires:
                for rule in settles:
                    if opening.is_open(rule):
                        _check_meant(rule, need in book.floor, other, found)


def _check_meant(rule: RuleNode, is_floor: bool, other: RuleNode, found: Diagnostics) -> None:
    if rule.is_always or (is_floor and rule.place.file != FLOOR_FILE):
        return
    verb = "waives" if rule.name == "waived" else "meets"
    message = f"this {verb} the requirement without a condition, and the rule at {other.place} asks for something"
    hint = f"add a condition, or a line `#@ {ALWAYS}` above the rule if that is meant"
    found.error("unconditional", message, rule.place, hint)


_LONGEST = 50
"""How many rules that call one another are followed; the checker itself refuses few more."""


class _Opening:
    """Tells which rules ask for nothing but the types of their arguments."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._known: dict[int, bool] = {}
        self._depth = 0

    def is_open(self, rule: RuleNode) -> bool:
        """Whether a rule asks for nothing but the requirement, the action and the types of its arguments.

        So does a waiver whose condition can read neither the resource nor the context: it is the same for every
        question; and a rule that only calls what holds for everything.
        """
        known = self._known.get(id(rule))
        if known is None:
            # Until it is known otherwise, a rule that comes back to itself asks for something.
            self._known[id(rule)] = False
            self._depth += 1
            known = self._known[id(rule)] = self._depth < _LONGEST and self._asks_nothing(rule)
            self._depth -= 1
        return known

    def _asks_nothing(self, rule: RuleNode) -> bool:
        if any(map(_is_narrow, rule.parameters)):
            return False
        if rule.body is None:
            return True
        if rule.name == "waived" and all(some.variable in (None, "_") for some in rule.parameters):
            return True
        types = {parameter.variable: parameter.type for parameter in rule.parameters}
        return all(isinstance(goal, Call) and self._takes_all(goal, types) for goal in conjuncts(rule.body))

    def _takes_all(self, call: Call, types: Mapping[str | None, str | None]) -> bool:
        """Whether one of the rules that are called holds whatever the arguments are, and nobody says it is meant to."""
        rules = (clause.node for clause in self._rules.by_key.get((call.name, len(call.arguments)), ()))
        return any(
            not rule.is_always and _takes_anything(rule.parameters, call.arguments, types) and self.is_open(rule)
            for rule in rules
        )


def _takes_anything(
    parameters: Sequence[Parameter], arguments: Sequence[Term], types: Mapping[str | None, str | None]
) -> bool:
    """Whether parameters are variables, no two the same, that ask for no class but that which the caller's head has."""
    named = [parameter.variable for parameter in parameters if parameter.variable != "_"]
    if {None, NIL} & set(named) or len(set(named)) < len(named):
        return False
    return all(
        parameter.type is None or (isinstance(argument, Variable) and types.get(argument.name) == parameter.type)
        for parameter, argument in zip(parameters, arguments, strict=True)
    )


def _is_narrow(parameter: Parameter) -> bool:
    pattern = parameter.pattern
    if pattern is None:
        return False
    return not isinstance(pattern, TypePattern) or bool(pattern.fields)


def _check_positive(rule: RuleNode, rules: Rules, found: Diagnostics) -> None:
    """Find what waives because something is not so: what nobody thought of, and what is not known, would waive."""
    waiting, seen = [(rule, rule.place)], {id(rule)}
    while waiting:
        node, called_at = waiting.pop()
        for goal, is_alone in _goals_of(node.body, True) if node.body is not None else ():
            place = goal.place if node is rule else called_at
            if _is_negative(goal) or (is_alone and isinstance(goal, Forall)):
                word = _word_of(goal)
                where = "" if node is rule else f" at {goal.place}"
                message = f"a waiver rests on `{word}`{where}: what is not known, or not thought of, would waive"
                found.error("waiver", message, place, "say of which it is not asked, as in `x.kind in […]`")
            elif isinstance(goal, Call):
                for clause in rules.by_key.get((goal.name, len(goal.arguments)), ()):
                    if id(clause.node) not in seen:
                        seen.add(id(clause.node))
                        waiting.append((clause.node, place))


def _goals_of(goal: Term, is_alone: bool) -> Iterator[tuple[Term, bool]]:
    """The conditions of each alternative, with whether nothing positive stands beside them."""
    if isinstance(goal, Or):
        for part in goal.parts:
            yield from _goals_of(part, is_alone)
    elif isinstance(goal, And):
        is_alone = is_alone and all(_is_negative(part) or isinstance(part, Forall | Or) for part in goal.parts)
        for part in goal.parts:
            yield from _goals_of(part, is_alone)
    else:
        yield goal, is_alone


def _word_of(goal: Term) -> str:
    """What makes a condition negative."""
    if isinstance(goal, Unify) or (isinstance(goal, Compare) and goal.operator == "=="):
        return "[]"
    return "forall" if isinstance(goal, Forall) else "!=" if isinstance(goal, Compare) else "not"


def _is_negative(goal: Term) -> bool:
    """Whether a condition says what is not so, or that nothing of a kind is there. That something is there at all is
    said by `!= nil`.
    """
    if isinstance(goal, Not):
        return not (isinstance(goal.term, Unify | Compare) and _is_about_nil(goal.term))
    if isinstance(goal, Unify) or (isinstance(goal, Compare) and goal.operator == "=="):
        return any(isinstance(side, ListTerm) and not side.items and not side.rest for side in (goal.left, goal.right))
    return isinstance(goal, Compare) and goal.operator == "!=" and not _is_about_nil(goal)


def _is_about_nil(goal: Unify | Compare) -> bool:
    return any(isinstance(side, Variable) and side.name == NIL for side in (goal.left, goal.right))
