"""Small mistakes that a policy could hold: each is the policy with one thing changed.

A mistake that the compiler or the checker refuses is none that tests must find, so what would leave a variable without
a value, or a requirement without a rule that meets it, is not made here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sealauthz.decision import Bundle
from sealauthz.decision.folder import PARAMETERS_FILE
from sealauthz.polar import syntax
from sealauthz.polar.groups import is_of_group
from sealauthz.polar.syntax import BlockNode, Literal, Not, Place, RuleNode, Statement, Term
from sealauthz.polar.terms import conjuncts, variables
from sealauthz.polar.unparse import written, written_head
from sealauthz.policytest.coverage import READ_AT_LOAD
from sealauthz.schema import Model
from sealauthz.schema.parameters import SECOND, counts_of


class Kind(StrEnum):
    """What kind of mistake it is."""

    CONDITION_DROPPED = "condition dropped"
    CONDITION_NEGATED = "condition negated"
    WORD_SWAPPED = "word swapped"
    WORD_DROPPED = "word dropped"
    COMPARISON_SHIFTED = "comparison shifted"
    SIGN_SWAPPED = "sign swapped"
    RULE_DROPPED = "rule dropped"
    REQUIREMENT_DROPPED = "requirement dropped"
    PERMISSION_DROPPED = "permission dropped"
    NUMBER_SHIFTED = "number shifted"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake. `effect` completes "nobody would notice if …".

    `statement` is the position of the statement that is replaced (by None: taken away), `others` those of more that are
    taken away with it; `goal` is the position of the condition that changes in the clause, -1 where it is the whole. A
    shifted number has none of them: `parameters` holds it.
    """

    kind: Kind
    place: Place
    rule: str
    effect: str
    statement: int = -1
    replacement: Statement | None = None
    goal: int = -1
    parameters: Any = None
    others: tuple[int, ...] = ()


def mutants_of(bundle: Bundle, statements: Sequence[Statement]) -> Iterator[Mutant]:
    """Return the mistakes that a bundle could hold, in the order of its files, then of its numbers."""
    met = _only_met(statements)
    entries = _entries(statements)
    for index, statement in enumerate(statements):
        if isinstance(statement, RuleNode):
            yield from _of_rule(bundle.model, index, statement, is_needed=index in met)
            yield from _of_entry(bundle, index, statement, entries.get(index, ()))
        elif isinstance(statement, BlockNode):
            yield from _of_block(index, statement)
    yield from _of_parameters(bundle.parameters)


def _entries(statements: Sequence[Statement]) -> dict[int, tuple[int, ...]]:
    """What was spelled out of each entry of a `group_requires`: by the first of its statements, the others."""
    found: dict[Place, list[int]] = {}
    for index, statement in enumerate(statements):
        if isinstance(statement, RuleNode) and is_of_group(statement):
            found.setdefault(statement.place, []).append(index)
    return {first: tuple(others) for first, *others in found.values()}


def _only_met(statements: Sequence[Statement]) -> frozenset[int]:
    """The statements that alone meet a requirement: a bundle without them does not load."""
    meeting: dict[tuple[Any, ...], list[int]] = {}
    for index, statement in enumerate(statements):
        if isinstance(statement, RuleNode) and statement.name == "meets" and len(statement.parameters) == 5:
            terms = [statement.parameters[position] for position in (1, 2, 3)]
            need = (written(terms[0].term), written(terms[1].term), getattr(terms[2].pattern, "name", ""))
            meeting.setdefault(need, []).append(index)
    return frozenset(found[0] for found in meeting.values() if len(found) == 1)


# --- rules ----------------------------------------------------------------------------------------------------------


def _of_rule(model: Model, index: int, rule: RuleNode, *, is_needed: bool) -> Iterator[Mutant]:
    head = written_head(rule.name, rule.parameters)
    if rule.name == "requires":
        action, type_, requirement = (written(p.term) for p in rule.parameters)
        named = getattr(rule.parameters[1].pattern, "name", type_)
        effect = f"{action} on {named} did not require {requirement}"
        yield Mutant(Kind.REQUIREMENT_DROPPED, rule.place, rule.name, effect, index)
        return
    if rule.name in READ_AT_LOAD:
        return
    if not is_needed:
        yield Mutant(Kind.RULE_DROPPED, rule.place, rule.name, f"this rule were gone: `{head}`", index)
    if rule.body is None:
        return
    goals = list(conjuncts(rule.body))
    known = {name for parameter in rule.parameters for name in variables(parameter.term)}
    for position, goal in enumerate(goals):
        others = goals[position + 1 :]
        later = {name for other in others for name in variables(other)} | known
        for kind, place, effect, changed in _changes(model, goal, known, later):
            made = [*goals[:position], *([changed] if changed is not None else []), *others]
            body = None if not made else made[0] if len(made) == 1 else syntax.And(tuple(made), rule.place)
            yield Mutant(kind, place, rule.name, effect, index, dataclasses.replace(rule, body=body), position)
        known |= set(variables(goal))


def _of_entry(bundle: Bundle, index: int, rule: RuleNode, others: tuple[int, ...]) -> Iterator[Mutant]:
    """Return a requirement less in the list of a group; where it has one member alone, that is no other mistake."""
    if not others:
        return
    action, type_, requirement = rule.parameters
    need = requirement.literal or "", action.literal or "", type_.type or ""
    names = " or ".join(bundle.rulebook.groups.given.get(need, ()))
    effect = f"the group {names} did not require {written(requirement.term)}"
    yield Mutant(Kind.REQUIREMENT_DROPPED, rule.place, rule.name, effect, index, others=others)


Change = tuple[Kind, Place, str, Term | None]
"""A kind, where, its effect in words, and the condition as it is then (None: gone)."""


def _changes(model: Model, goal: Term, known: set[str], later: set[str]) -> Iterator[Change]:
    """Return what one condition could be instead."""
    text = written(goal)
    gives = (set(variables(goal)) - known) & later
    outputs = {name for name in known if name in variables(goal)} if _is_naming(goal, known) else set()
    if not gives and not outputs:
        yield Kind.CONDITION_DROPPED, goal.place, f"`{text}` were dropped", None
        if not isinstance(goal, Not):
            yield Kind.CONDITION_NEGATED, goal.place, f"`{text}` were negated", Not(goal, goal.place)
    if isinstance(goal, Not):
        yield Kind.CONDITION_NEGATED, goal.place, f"the `not` in `{text}` were dropped", goal.term
    yield from _inside(model, goal)


def _is_naming(goal: Term, known: set[str]) -> bool:
    """Whether a condition may give a value to a parameter of the rule: dropped, the caller would get none."""
    sides = (goal.left, goal.right) if isinstance(goal, syntax.Unify) else ()
    named = any(isinstance(side, syntax.Variable) and side.name in known and side.name != "_" for side in sides)
    return named and not any(isinstance(side, Literal) for side in sides)


def _inside(model: Model, term: Term) -> Iterator[Change]:
    """Return what could be changed inside a condition, the rest of it as it is."""
    match term:
        case syntax.And(parts, place) | syntax.Or(parts, place):
            yield from _parts(model, term, parts, place)
        case Not(inner, place):
            for kind, where, effect, changed in _inside(model, inner):
                if changed is not None:
                    yield kind, where, effect, Not(changed, place)
        case syntax.Forall(condition, action, place):
            for kind, where, effect, changed in _inside(model, condition):
                if changed is not None:
                    yield kind, where, effect, syntax.Forall(changed, action, place)
            for kind, where, effect, changed in _inside(model, action):
                if changed is not None:
                    yield kind, where, effect, syntax.Forall(condition, changed, place)
        case syntax.Compare():
            yield from _compared(model, term)
        case syntax.Unify(left, right, place):
            for kind, where, effect, changed in _swapped(model, left, right):
                yield kind, where, f"{effect} in `{written(term)}`", syntax.Unify(left, changed, place)
            for kind, where, effect, changed in _swapped(model, right, left):
                yield kind, where, f"{effect} in `{written(term)}`", syntax.Unify(changed, right, place)
            for kind, where, effect, changed in _summed(right):
                yield kind, where, effect, syntax.Unify(left, changed, place)
        case syntax.In(item, syntax.ListTerm(items, None, at), place):
            for index, each in enumerate(items):
                rest = (*items[:index], *items[index + 1 :])
                if rest:
                    effect = f"{written(each)} were not in `{written(term)}`"
                    yield Kind.WORD_DROPPED, each.place, effect, syntax.In(item, syntax.ListTerm(rest, None, at), place)
        case syntax.Call(name, arguments, place):
            for index, argument in enumerate(arguments):
                for kind, where, effect, changed in _swapped(model, None, argument):
                    others = (*arguments[:index], changed, *arguments[index + 1 :])
                    yield kind, where, f"{effect} in `{written(term)}`", syntax.Call(name, others, place)


def _parts(model: Model, term: syntax.And | syntax.Or, parts: tuple[Term, ...], place: Place) -> Iterator[Change]:
    """Return an alternative or a part less, or one that is changed inside."""
    for index, part in enumerate(parts):
        rest = (*parts[:index], *parts[index + 1 :])
        effect = f"`{written(part)}` were dropped from `{written(term)}`"
        yield Kind.CONDITION_DROPPED, part.place, effect, rest[0] if len(rest) == 1 else type(term)(rest, place)
        for kind, where, said, changed in _inside(model, part):
            if changed is not None:
                yield kind, where, said, type(term)((*parts[:index], changed, *parts[index + 1 :]), place)


_SHIFTED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}


def _compared(model: Model, term: syntax.Compare) -> Iterator[Change]:
    operator, left, right, place = term.operator, term.left, term.right, term.place
    if operator in _SHIFTED:
        other = _SHIFTED[operator]
        effect = f"`{operator}` were `{other}` in `{written(term)}`"
        yield Kind.COMPARISON_SHIFTED, place, effect, syntax.Compare(other, left, right, place)
    for kind, where, effect, changed in (*_swapped(model, left, right), *_summed(right)):
        yield kind, where, effect, syntax.Compare(operator, left, changed, place)
    for kind, where, effect, changed in _summed(left):
        yield kind, where, effect, syntax.Compare(operator, changed, right, place)


Swap = tuple[Kind, Place, str, Term]


def _summed(term: Term) -> Iterator[Swap]:
    if isinstance(term, syntax.Arithmetic) and term.operator in {"+", "-"}:
        other = "-" if term.operator == "+" else "+"
        effect = f"`{term.operator}` were `{other}` in `{written(term)}`"
        yield Kind.SIGN_SWAPPED, term.place, effect, syntax.Arithmetic(other, term.left, term.right, term.place)


def _swapped(model: Model, beside: Term | None, term: Term) -> Iterator[Swap]:
    """Return a word of an enumeration as the next word of it; `beside` is what it is compared with, if anything."""
    if not isinstance(term, Literal):
        return
    if type(term.value) is bool:
        other = Literal(not term.value, term.place)
        yield Kind.WORD_SWAPPED, term.place, f"{written(term)} were {written(other)}", other
        return
    if type(term.value) is not str:
        return
    column = beside.name if isinstance(beside, syntax.Attribute) else None
    words = _words_with(model, term.value, column)
    if words:
        word = words[(words.index(term.value) + 1) % len(words)]
        swapped = Literal(word, term.place)
        effect = f"{written(term)} were {written(swapped)}"
        yield Kind.WORD_SWAPPED, term.place, effect, swapped


def _words_with(model: Model, word: str, column: str | None) -> list[str]:
    """The words of the first enumeration that has a word, among columns of a name where one is given."""
    for shape in model.shapes.values():
        for each in shape.columns:
            if each.words is not None and column in (None, each.name):
                words = [str(other) for other in each.words]
                if word in words and len(words) > 1:
                    return words
    return []


# --- blocks and numbers ---------------------------------------------------------------------------------------------


def _of_block(index: int, block: BlockNode) -> Iterator[Mutant]:
    for position, shorthand in enumerate(block.shorthands):
        rest = (*block.shorthands[:position], *block.shorthands[position + 1 :])
        on = f" on {written(shorthand.relation)}" if shorthand.relation is not None else ""
        effect = f"{written(shorthand.implier)}{on} did not give {written(shorthand.implied)} on {block.type}"
        replacement = dataclasses.replace(block, shorthands=rest)
        yield Mutant(Kind.PERMISSION_DROPPED, shorthand.place, block.type, effect, index, replacement)


def _of_parameters(parameters: Any) -> Iterator[Mutant]:
    counts = counts_of(type(parameters))
    for field in dataclasses.fields(parameters):
        value = getattr(parameters, field.name)
        step, unit = (1, "1") if field.name in counts else (SECOND, "a second")
        for sign, word in ((1, "more"), (-1, "less")):
            effect = f"`{field.name}` were {unit} {word}"
            shifted = dataclasses.replace(parameters, **{field.name: value + sign * step})
            place = Place(PARAMETERS_FILE, 0, 0)
            yield Mutant(Kind.NUMBER_SHIFTED, place, field.name, effect, parameters=shifted)
