"""Conditions without which a policy answers the same: another condition of the rule, or another rule, says as much.

`use.grant_id matches String and use.grant_id = grant.id`: what equals the id of a record is a text, and the first
condition is there for the checker and for readers. Found is only what follows from the text of one rule and from the
types of the model (`Given`: also of what other rules give to a variable), and of a word also from the other rules of
that head. (A number is not: where one is missing, `<` fails, and the condition before it changes the answer.)
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sealauthz.polar import syntax
from sealauthz.polar.syntax import Attribute, Call, Literal, Matches, RuleNode, Term, Variable
from sealauthz.polar.terms import conjuncts, rebuilt, walk
from sealauthz.polar.types import BUILTIN, TypeTable
from sealauthz.polar.unparse import written

TEXT = "String"
_NO_RECORDS = BUILTIN.keys() - {TEXT}


class Given:
    """What rules give to those who ask them: in `live_grant(person, seal, contract, grant, context)`, a grant.

    Only what all rules of a name give counts. `rules`: by their name.
    """

    def __init__(self, rules: Mapping[str, Sequence[RuleNode]], types: TypeTable) -> None:
        self._rules = rules
        self._types = types
        self._found: dict[tuple[str, int, int], str] = {}

    def class_at(self, call: Call, position: int) -> str:
        """The class of the record that an argument is whenever a call holds; empty where it may be anything else."""
        key = call.name, len(call.arguments), position
        if key not in self._found:
            self._found[key] = ""  # a rule that asks itself learns nothing from that
            alike = [rule for rule in self._rules.get(call.name, ()) if len(rule.parameters) == len(call.arguments)]
            classes = {self._class_in(rule, position) for rule in alike}
            self._found[key] = classes.pop() if len(classes) == 1 else ""
        return self._found[key]

    def _class_in(self, rule: RuleNode, position: int) -> str:
        term = rule.parameters[position].term
        goals = [] if rule.body is None else list(conjuncts(rule.body))
        return records_of(rule, goals, self._types, self).get(term.name, "") if isinstance(term, Variable) else ""


def is_implied(rule: RuleNode, goals: Sequence[Term], position: int, types: TypeTable, given: Given) -> bool:
    """Whether one of the conditions of a rule asks only for a text, and another one equals the same value to a text."""
    asked = _asked_for_text(goals[position])
    if asked is None:
        return False
    for at, other in enumerate(goals):
        sides = [written(side) for side in _sides(other)]
        if asked not in sides:
            continue
        if any(written(node) == asked for goal in goals[position + 1 : at] for node in walk(goal)):
            return False
        before = [goal for number, goal in enumerate(goals[:at]) if number != position]
        known = records_of(rule, before, types, given)
        texts = {_asked_for_text(goal) for goal in before}
        beside = [side for side in _sides(other) if written(side) != asked]
        if any(is_text(side, known, types) or written(side) in texts for side in beside):
            return True
    return False


def is_covered(
    rule: RuleNode, goals: Sequence[Term], position: int, others: Sequence[RuleNode], types: TypeTable
) -> bool:
    """Whether a condition asks a column for some of its words, and for each other word one of the other rules of the
    same name and head asks for no more than the rest of this one.

    `f(case) if case.path = "ONLINE"; f(case) if case.path = "DOCUMENTS" and g(case);`: `g(case)` is enough.
    """
    asked = _asked_for_words(goals[position])
    if asked is None:
        return False
    column, words = asked
    known = records_of(rule, goals[:position], types)
    owner = _record_of(column.base, known, types)
    found = types.attribute(owner, column.name) if owner else None
    if found is None or found.value.words is None or found.value.is_optional:
        return False
    rest = {written(goal) for at, goal in enumerate(goals) if at != position}
    bodies = [
        [_renamed(goal, names) for goal in conjuncts(other.body)]
        for other in others
        if other is not rule and other.body is not None and (names := _names_in(rule, other)) is not None
    ]
    return all(
        any(all(_holds(goal, written(column), word, rest) for goal in body) for body in bodies)
        for word in found.value.words - words
    )


def _names_in(rule: RuleNode, other: RuleNode) -> dict[str, Term] | None:
    """What the variables of another rule are called in this one, if it is tried whenever this one is; else None.

    What this rule does not name is called as nothing here is.
    """
    if rule.name != other.name or len(rule.parameters) != len(other.parameters) or other.body is None:
        return None
    names: dict[str, Term] = {}
    for own, its in zip(rule.parameters, other.parameters, strict=True):
        if its.pattern is not None and (own.pattern is None or written(own.pattern) != written(its.pattern)):
            return None
        if not isinstance(its.term, Variable):
            if written(own.term) != written(its.term):
                return None
        elif its.term.name in names:
            return None
        elif its.term.name != "_" and written(own.term) != "_":
            names[its.term.name] = own.term
    found = {node.name: node for node in walk(other.body) if isinstance(node, Variable) and node.name != "_"}
    return {name: Variable(f"{name}'", node.place) for name, node in found.items()} | names


def _renamed(goal: Term, names: Mapping[str, Term]) -> Term:
    """Return a condition with other names for its variables."""
    renamed: Term = rebuilt(goal, lambda part: names.get(part.name, part) if isinstance(part, Variable) else part)
    return renamed


def _holds(goal: Term, column: str, word: object, rest: Collection[str]) -> bool:
    """Whether a condition holds where some others do and a column has a word."""
    if written(goal) in rest:
        return True
    asked = _asked_for_words(goal)
    return asked is not None and written(asked[0]) == column and word in asked[1]


def _asked_for_words(goal: Term) -> tuple[Attribute, frozenset[object]] | None:
    """The column that a condition asks for words, and which."""
    listed: tuple[Term, ...]
    if isinstance(goal, syntax.Unify):
        column, listed = goal.left, (goal.right,)
    elif isinstance(goal, syntax.In) and isinstance(goal.collection, syntax.ListTerm):
        column, listed = goal.item, goal.collection.items
    else:
        return None
    if not isinstance(column, Attribute) or column.arguments is not None:
        return None
    words = frozenset(each.value for each in listed if isinstance(each, Literal) and isinstance(each.value, str))
    return (column, words) if len(words) == len(listed) else None


def _asked_for_text(goal: Term) -> str | None:
    """What a condition asks to be a text, if that is all that it asks."""
    if not isinstance(goal, Matches) or not isinstance(goal.pattern, syntax.TypePattern):
        return None
    return written(goal.term) if goal.pattern.name == TEXT and not goal.pattern.fields else None


def _sides(goal: Term) -> tuple[Term, ...]:
    return (goal.left, goal.right) if isinstance(goal, syntax.Unify) else ()


def is_text(term: Term, known: dict[str, str], types: TypeTable) -> bool:
    """Whether a value is a text whenever there is a solution: a literal, or a column that is never empty."""
    if isinstance(term, Literal):
        return type(term.value) is str
    if isinstance(term, Variable):
        return known.get(term.name) == TEXT
    if not isinstance(term, syntax.Attribute) or term.arguments is not None:
        return False
    owner = _record_of(term.base, known, types)
    found = types.attribute(owner, term.name) if owner else None
    return found is not None and found.value.name == "str" and not found.value.is_optional


def _record_of(term: Any, known: dict[str, str], types: TypeTable) -> str:
    """The class of the record that a term names; empty where it may be none, or is not known."""
    if isinstance(term, Variable):
        return known.get(term.name, "")
    if isinstance(term, syntax.Attribute) and term.arguments is None:
        owner = _record_of(term.base, known, types)
        found = types.attribute(owner, term.name) if owner else None
        if found is not None and found.sort == "one" and not found.value.is_optional:
            return found.value.name
    return ""


def records_of(rule: RuleNode, goals: Sequence[Term], types: TypeTable, given: Given | None = None) -> dict[str, str]:
    """The variables that are records of a class: by the head of the rule, or by a condition that stood before."""
    known = {
        parameter.term.name: parameter.type
        for parameter in rule.parameters
        if isinstance(parameter.term, Variable) and parameter.type and parameter.type not in _NO_RECORDS
    }
    for name, class_ in _found(goals, known, types, given):
        known.setdefault(name, class_)
    return known


def _found(
    goals: Sequence[Term], known: dict[str, str], types: TypeTable, given: Given | None
) -> Iterator[tuple[str, str]]:
    for goal in goals:
        if isinstance(goal, Call) and given is not None:
            for position, argument in enumerate(goal.arguments):
                if isinstance(argument, Variable) and (class_ := given.class_at(goal, position)):
                    yield argument.name, class_
        elif isinstance(goal, Matches) and isinstance(goal.term, Variable):
            if isinstance(goal.pattern, syntax.TypePattern) and goal.pattern.name not in BUILTIN:
                yield goal.term.name, goal.pattern.name
        elif isinstance(goal, syntax.In) and isinstance(goal.item, Variable):
            listed = goal.collection
            if isinstance(listed, syntax.Attribute) and listed.arguments is None:
                owner = _record_of(listed.base, known, types)
                found = types.attribute(owner, listed.name) if owner else None
                if found is not None and found.sort == "many" and found.value.element is not None:
                    yield goal.item.name, found.value.element.name
