"""What one condition of a policy could be instead, by one small mistake."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from sealauthz.polar import syntax
from sealauthz.polar.syntax import Literal, Not, Place, Term
from sealauthz.polar.terms import rebuilt, variables
from sealauthz.polar.unparse import written
from sealauthz.schema import Model


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
    PERSON_SWAPPED = "person swapped"
    CONTEXT_SWAPPED = "context swapped"
    FACT_CHANGED = "fact changed"
    REASON_SWAPPED = "reason swapped"


def rewritten(node: Any, target: Any, by: Any) -> Any:
    """Return a term with one of its parts, this very one, replaced."""
    return rebuilt(node, lambda part: by if part is target else part)


Change = tuple[Kind, Place, str, Term | None]
"""A kind, where, its effect in words, and the condition as it is then (None: gone)."""


def changes_of(model: Model, goal: Term, known: set[str], later: set[str]) -> Iterator[Change]:
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
            for kind, where, effect, changed in swapped_words(model, left, right):
                yield kind, where, f"{effect} in `{written(term)}`", syntax.Unify(left, changed, place)
            for kind, where, effect, changed in swapped_words(model, right, left):
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
                for kind, where, effect, changed in swapped_words(model, None, argument):
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
    for kind, where, effect, changed in (*swapped_words(model, left, right), *_summed(right)):
        yield kind, where, effect, syntax.Compare(operator, left, changed, place)
    for kind, where, effect, changed in _summed(left):
        yield kind, where, effect, syntax.Compare(operator, changed, right, place)


Swap = tuple[Kind, Place, str, Term]


def _summed(term: Term) -> Iterator[Swap]:
    if isinstance(term, syntax.Arithmetic) and term.operator in {"+", "-"}:
        other = "-" if term.operator == "+" else "+"
        effect = f"`{term.operator}` were `{other}` in `{written(term)}`"
        yield Kind.SIGN_SWAPPED, term.place, effect, syntax.Arithmetic(other, term.left, term.right, term.place)


def swapped_words(model: Model, beside: Term | None, term: Term) -> Iterator[Swap]:
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
