"""How requirements are settled: waived only by what is known, and without a condition only where that is meant."""

from __future__ import annotations

from collections.abc import Iterator

from sealauthz.polar.contract import Rulebook
from sealauthz.polar.diagnostic import Diagnostics
from sealauthz.polar.source import FLOOR_FILE
from sealauthz.polar.syntax import (
    ALWAYS,
    And,
    Compare,
    Forall,
    Not,
    Or,
    Parameter,
    RuleNode,
    Term,
    TypePattern,
    Unify,
    Variable,
)


def check_settling(book: Rulebook, found: Diagnostics) -> None:
    """Find waivers that rest on a negation, and rules that settle without a condition what others narrow."""
    narrowed: dict[str, RuleNode] = {}
    for table in (book.meets, book.waived):
        for (requirement, _, _), rules in table.items():
            for rule in rules:
                if not _is_open(rule):
                    narrowed.setdefault(requirement, rule)
    for rules in book.waived.values():
        for rule in rules:
            _check_positive(rule, found)
    for table in (book.meets, book.waived):
        for need, rules in table.items():
            other = narrowed.get(need[0])
            if other is not None and need in book.requires:
                for rule in rules:
                    _check_meant(rule, need in book.floor, other, found)


def _check_meant(rule: RuleNode, is_floor: bool, other: RuleNode, found: Diagnostics) -> None:
    if rule.is_always or not _is_open(rule) or (is_floor and rule.place.file != FLOOR_FILE):
        return
    verb = "waives" if rule.name == "waived" else "meets"
    message = f"this {verb} the requirement without a condition, and the rule at {other.place} asks for something"
    hint = f"add a condition, or a line `#@ {ALWAYS}` above the rule if that is meant"
    found.error("unconditional", message, rule.place, hint)


def _is_open(rule: RuleNode) -> bool:
    """Whether a rule asks for nothing but the requirement, the action and the types of its arguments.

    So does a waiver whose condition can read neither the resource nor the context: it is the same for every question.
    """
    if any(map(_is_narrow, rule.parameters)):
        return False
    is_waiver = rule.name == "waived"
    return rule.body is None or (is_waiver and all(some.variable in (None, "_") for some in rule.parameters))


def _is_narrow(parameter: Parameter) -> bool:
    pattern = parameter.pattern
    if pattern is None:
        return False
    return not isinstance(pattern, TypePattern) or bool(pattern.fields)


def _check_positive(rule: RuleNode, found: Diagnostics) -> None:
    """Find what waives because something is not so: what nobody thought of, and what is not known, would waive."""
    if rule.body is None:
        return
    for goal, is_alone in _goals_of(rule.body, True):
        if _is_negative(goal) or (is_alone and isinstance(goal, Forall)):
            word = "forall" if isinstance(goal, Forall) else "!=" if isinstance(goal, Compare) else "not"
            message = f"a waiver rests on `{word}`: what is not known, or not thought of, would waive"
            found.error("waiver", message, goal.place, "say of which it is not asked, as in `x.kind in […]`")


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


def _is_negative(goal: Term) -> bool:
    """Whether a condition says what is not so. That something is there at all is said by `!= nil`."""
    if isinstance(goal, Not):
        return not (isinstance(goal.term, Unify | Compare) and _is_about_nil(goal.term))
    return isinstance(goal, Compare) and goal.operator == "!=" and not _is_about_nil(goal)


def _is_about_nil(goal: Unify | Compare) -> bool:
    return any(isinstance(side, Variable) and side.name == "nil" for side in (goal.left, goal.right))
