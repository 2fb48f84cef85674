"""Rules that leave nothing out together: what one of them does not hold for, another one does.

`f(x: Seal) if x.flag = true;` and `f(x: Seal) if x.flag = false;` say what `f(_: Seal);` says. Rules with one head are
compared, condition by condition. Those about the same thing are put together: comparisons of one term with constants,
with another term, and a condition beside its negation. If one of them always holds, the rules hold where all that they
ask for besides does. A value that may be missing is one that must be there.
"""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from sealauthz.polar.check.contradictions import negated_alone
from sealauthz.polar.check.helpers import Helpers, is_plain, spread
from sealauthz.polar.check.relations import (
    ORDERED,
    UNORDERED,
    Key,
    expansion_of,
    key_of,
    order_of,
    relation_of,
)
from sealauthz.polar.program import NIL
from sealauthz.polar.syntax import (
    And,
    Attribute,
    Compare,
    In,
    ListTerm,
    Literal,
    Not,
    Or,
    Parameter,
    Pattern,
    Place,
    RuleNode,
    Term,
    TypePattern,
    Unify,
    Variable,
)
from sealauthz.polar.terms import placeless
from sealauthz.polar.types import TypeTable, ValueType

_MOST_WAYS = 16
"""So many alternatives of a rule are looked at, and so many conditions of each."""

_MOST_FOUND = 100
"""So many rules are put together of those with one head."""

_MOST_COMPARED = 60
"""Of so many conditions about the same it is looked at what is asked besides."""


@dataclass(frozen=True, slots=True)
class Together:
    """What rules say together: one rule, and the parts that it is put together of."""

    rule: RuleNode
    parts: tuple[RuleNode, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Way:
    """What a rule asks for, condition by condition, with its variables named by their places."""

    parameters: tuple[Parameter, ...]
    conditions: Mapping[Key, Term]
    parts: tuple[RuleNode, ...]


def settling(rule: RuleNode) -> RuleNode:
    """A rule that meets a requirement or waives it, as one that meets it for all who ask: one of either is enough."""
    if rule.name != "waived":
        first, *others = rule.parameters
        return replace(rule, parameters=(replace(first, pattern=None), *others)) if is_plain(first) else rule
    anybody = Parameter(Variable("_", rule.place), None, rule.place)
    return replace(rule, name="meets", parameters=(anybody, *rule.parameters))


def settling_all(rules: Iterable[RuleNode], types: TypeTable | None) -> list[RuleNode]:
    """Rules that settle one requirement, as `settling` says; each takes the context that one of them names: what asks
    for the requirement is of that type whether a rule says so or not.
    """
    found = [settling(rule) for rule in rules]
    patterns = {each.type: each.pattern for rule in found for each in rule.parameters[-1:] if each.type is not None}
    classes = {} if types is None else types.classes
    named = sorted(patterns, key=lambda name: len(getattr(classes.get(name), "__mro__", ())))
    if not all(_derives(classes, named[-1], base) for base in named[:-1]):
        return found
    return [_with_last(rule, patterns[named[-1]]) for rule in found] if named else found


def _derives(classes: Mapping[str, type], name: str, base: str) -> bool:
    return name in classes and base in classes and issubclass(classes[name], classes[base])


def _with_last(rule: RuleNode, pattern: Pattern | None) -> RuleNode:
    """A rule whose last parameter asks for a type, if it takes a value."""
    *others, last = rule.parameters
    is_value = isinstance(last.term, Variable) and last.term.name != NIL
    return replace(rule, parameters=(*others, replace(last, pattern=pattern))) if is_value else rule


def together(rules: Iterable[RuleNode], types: TypeTable | None, helpers: Helpers | None = None) -> list[Together]:
    """Find what rules say together and none of them says alone. Without `types`, no column's words are known; with
    `helpers`, what the rules call is written out, and a rule that does so may say alone what its text does not.
    """
    least = 2 if helpers is None else 1
    return [each for alike in of_one_head(rules, least) for each in together_of(alike, types, helpers)]


def of_one_head(rules: Iterable[RuleNode], least: int = 2) -> list[tuple[RuleNode, ...]]:
    """The rules that can say something together, apart by what their heads ask for: so many at `least`."""
    by_head: dict[object, list[RuleNode]] = {}
    for rule in rules:
        if rule.body is not None and all(map(is_plain, rule.parameters)):
            by_head.setdefault(_head(rule), []).append(rule)
    return [tuple(alike) for alike in by_head.values() if len(alike) >= least]


@dataclass(frozen=True, slots=True, eq=False)
class _One:
    """One condition of a way, with the keys of all others."""

    way: _Way
    said: _Said
    rest: frozenset[Key]


def together_of(
    rules: Sequence[RuleNode], types: TypeTable | None, helpers: Helpers | None = None
) -> Iterator[Together]:
    """Find what rules of one head say together."""
    ways = [way for rule in rules for way in _ways(rule, rule.body)]
    if helpers is not None:
        ways += [way for rule in rules for way in _ways(rule, helpers.body_of(rule))]
    known = {frozenset(way.conditions) for way in ways}
    least, most, before = 2 if helpers is None else 1, len(ways) + _MOST_FOUND, 0
    while before < len(ways) < most:
        before = len(ways)
        for group in _about_the_same(ways):
            first = group[0]
            # Of most, none always holds whatever is asked besides.
            if not first.said.covers([one.said for one in group], _typed(first.said.term, first.way, types)):
                continue
            for rest in dict.fromkeys(
                one.rest | other.rest for one in group[:_MOST_COMPARED] for other in group[:_MOST_COMPARED]
            ):
                made = None if any(each <= rest for each in known) else _put_together(first, rest, group, types)
                # What may be missing is asked for besides.
                if made is not None and frozenset(made.conditions) not in known:
                    known.add(frozenset(made.conditions))
                    ways.append(made)
                    if len(made.parts) >= least:
                        yield Together(_rule_of(made), made.parts)


def _about_the_same(ways: Sequence[_Way]) -> Iterator[list[_One]]:
    """The conditions of ways that are about the same thing as those of others."""
    groups: dict[object, list[_One]] = {}
    for way in ways:
        for key, condition in way.conditions.items():
            one = _One(way, _said(condition), frozenset(way.conditions) - {key})
            groups.setdefault(one.said.about, []).append(one)
    return (group for group in groups.values() if len(group) > 1)


def _put_together(one: _One, rest: frozenset[Key], group: Sequence[_One], types: TypeTable | None) -> _Way | None:
    """The ways that ask for no more than the rest beside what they say about the same, as one that asks for the rest;
    None where it may be that none of them holds.
    """
    beside = [each for each in group if each.rest <= rest]
    said, alternatives = one.said, [each.said for each in beside]
    if not said.covers(alternatives, _typed(said.term, one.way, types)):
        return None
    conditions = {
        key: condition for each in beside for key, condition in each.way.conditions.items() if key in each.rest
    }
    if not said.covers_nil(alternatives):
        for term in (said.term, said.other):
            value = _typed(term, one.way, types)
            if term is not None and value is not None and value.is_optional:
                there = Compare("!=", term, Variable(NIL, term.place), term.place)
                conditions[key_of(there)] = there
    parts = {id(part): part for each in beside for part in each.way.parts}
    return _Way(one.way.parameters, conditions, tuple(parts.values()))


def _rule_of(way: _Way) -> RuleNode:
    first = way.parts[-1]
    conditions = tuple(way.conditions.values())
    body = None if not conditions else conditions[0] if len(conditions) == 1 else And(conditions, first.place)
    return RuleNode(first.name, way.parameters, body, first.tags, first.place)


# --- what a rule asks for -------------------------------------------------------------------------------------------


def _head(rule: RuleNode) -> object:
    """What the head of a rule asks for."""
    asked = [
        (each.term.name == NIL if isinstance(each.term, Variable) else placeless(each.term), placeless(each.pattern))
        for each in rule.parameters
    ]
    return rule.name, tuple(asked)


def _ways(rule: RuleNode, body: Term | None) -> Iterator[_Way]:
    if body is None:
        return
    names: dict[str, Term] = {}
    parameters: list[Parameter] = []
    for at, parameter in enumerate(rule.parameters):
        term: Term = parameter.term
        if isinstance(term, Variable) and term.name != NIL:
            name, term = term.name, Variable(f"${at}", term.place)
            if names.setdefault(name, term) is not term and name != "_":
                return  # it asks for two equal arguments
        parameters.append(replace(parameter, term=term))
    names.pop("_", None)
    for goals in itertools.islice(_alternatives(spread(rule, body)), _MOST_WAYS):
        conditions = _conditions(goals, dict(names))
        if len(conditions) <= _MOST_WAYS:
            yield _Way(tuple(parameters), conditions, (rule,))


def _alternatives(goal: Term) -> Iterator[tuple[Term, ...]]:
    """The conjunctions of which a condition says that one holds."""
    if isinstance(goal, Or):
        for part in goal.parts:
            yield from _alternatives(part)
    elif isinstance(goal, And):
        of_parts = [[*itertools.islice(_alternatives(part), _MOST_WAYS)] for part in goal.parts]
        yield from (tuple(itertools.chain(*found)) for found in itertools.product(*of_parts))
    else:
        yield (goal,)


def _conditions(goals: Iterable[Term], names: dict[str, Term]) -> dict[Key, Term]:
    """What goals ask for; one that only names a value asks for nothing."""
    conditions: dict[Key, Term] = {}
    for goal in goals:
        path = expansion_of(goal) or _word_of(goal)
        if path is not None and path[0] not in names:
            names[path[0]] = _renamed(path[1], names)
            continue
        for each in negated_alone(goal):
            said = _renamed(each, names)
            conditions.setdefault(key_of(said), said)
    return conditions


def _word_of(goal: Term) -> tuple[str, Term] | None:
    """The variable and the constant that a condition says are equal; None where it says something else."""
    sides = (goal.left, goal.right) if isinstance(goal, Unify) else ()
    for one, other in (sides, sides[::-1]) if sides else ():
        if isinstance(one, Variable) and one.name not in ("_", NIL) and isinstance(other, Literal):
            return one.name, other
    return None


def _renamed(node: Any, names: dict[str, Term]) -> Any:
    """A term with other names; a variable that has none yet gets one that tells how many have."""
    if isinstance(node, Variable):
        return node if node.name in ("_", NIL) else names.get(node.name) or _named(node, names)
    if isinstance(node, tuple):
        return tuple([_renamed(each, names) for each in node])
    if not is_dataclass(node) or isinstance(node, type | Place | Literal):
        return node
    changed = {each.name: _renamed(getattr(node, each.name), names) for each in fields(node)}
    return type(node)(**changed)


def _named(node: Variable, names: dict[str, Term]) -> Term:
    """A name for a variable that stands for nothing else, by how many there are."""
    others = {each.name for each in names.values() if isinstance(each, Variable)}
    return names.setdefault(node.name, Variable(f"?{len(others)}", node.place))


def _typed(term: Term | None, way: _Way, types: TypeTable | None) -> ValueType | None:
    """What is known of a term."""
    if types is None or term is None:
        return None
    if isinstance(term, Variable):
        for parameter in way.parameters:
            if isinstance(parameter.term, Variable) and parameter.term.name == term.name:
                return ValueType(parameter.pattern.name) if isinstance(parameter.pattern, TypePattern) else None
        for condition in way.conditions.values():
            if isinstance(condition, In) and key_of(condition.item) == term.name:
                collection = _typed(condition.collection, way, types)
                return None if collection is None else collection.element
        return None
    if isinstance(term, Attribute) and term.arguments is None:
        base = _typed(term.base, way, types)
        held = None if base is None else types.attribute(base.name, term.name)
        if base is None or held is None:
            return None
        return replace(held.value, is_optional=True) if base.is_optional else held.value
    return None


# --- what a condition says ------------------------------------------------------------------------------------------

_Holds = Callable[[object], bool]


@dataclass(frozen=True, slots=True)
class _Said:
    """What a condition is `about`, and what it says of that: how two terms may stand to each other, of which constants
    it holds, or whether something is so.
    """

    about: object
    term: Term | None = None
    other: Term | None = None
    allows: int = 0
    constants: tuple[object, ...] = ()
    holds: _Holds | None = None
    is_so: bool = True

    def covers(self, said: Sequence[_Said], value: ValueType | None) -> bool:
        """Whether one of several about the same, of which this is one, always holds where there is a value."""
        if self.holds is not None:
            points = _points([each for one in said for each in one.constants], value)
            return bool(points) and all(any(one.holds(point) for one in said if one.holds) for point in points)
        if self.other is not None:
            return _allowed(said) & ORDERED == ORDERED
        return {one.is_so for one in said} == {True, False}

    def covers_nil(self, said: Sequence[_Said]) -> bool:
        """Whether one of them holds where there is none."""
        if self.holds is not None:
            return any(one.holds(None) for one in said if one.holds)
        return self.other is None or bool(_allowed(said) & UNORDERED)


def _allowed(said: Iterable[_Said]) -> int:
    """How two terms may stand to each other if one of several conditions holds."""
    return functools.reduce(operator.or_, (one.allows for one in said))


def _said(condition: Term) -> _Said:
    relation = relation_of(condition)
    if relation is not None:
        if isinstance(relation.left, Literal):
            relation = relation.flipped
        if isinstance(relation.right, Literal):
            allows, constant = relation.allows, relation.right.value
            return _of_constants(relation.left, (constant,), lambda value: bool(allows & _order(value, constant)))
        if str(relation.left_key) > str(relation.right_key):
            relation = relation.flipped
        about = relation.left_key, relation.right_key
        return _Said(about, relation.left, relation.right, relation.allows)
    inner = condition.term if isinstance(condition, Not) else condition
    is_so = inner is condition
    if isinstance(inner, In) and isinstance(inner.collection, ListTerm) and inner.collection.rest is None:
        items = [each.value for each in inner.collection.items if isinstance(each, Literal)]
        if len(items) == len(inner.collection.items):
            listed = frozenset(map(_told_apart, items))
            return _of_constants(inner.item, items, lambda value: (_told_apart(value) in listed) is is_so)
    if isinstance(inner, Attribute):
        return _of_constants(inner, (True,), lambda value: (value is True) is is_so)
    return _Said(key_of(inner), is_so=is_so)


def _of_constants(term: Term, constants: Iterable[object], holds: _Holds) -> _Said:
    return _Said((key_of(term), "constants"), term, constants=tuple(constants), holds=holds)


def _told_apart(value: object) -> object:
    """A value as Polar tells it apart: `true` is not 1, and 1.0 is."""
    return (bool, value) if isinstance(value, bool) else value


def _order(value: object, constant: object) -> int:
    return UNORDERED if value is None else order_of(value, constant) or UNORDERED


_OTHER = "\0"
"""A word that no policy has."""


def _points(constants: Sequence[object], value: ValueType | None) -> list[object]:
    """Values that stand for all that a term can be; none where constants are of several sorts."""
    if all(isinstance(each, bool) for each in constants):
        return [True, False]
    if all(isinstance(each, str) for each in constants):
        words = None if value is None else value.words
        return [_OTHER, *constants] if words is None else [*words]
    numbers = sorted({each for each in constants if isinstance(each, int | float) and not isinstance(each, bool)})
    if len(numbers) < len(set(constants)):
        return []
    # Numbers of records are whole; between two that follow each other there is none.
    between = [(one + other) / 2 for one, other in itertools.pairwise(numbers) if other - one > 1]
    return [numbers[0] - 1, *numbers, *between, numbers[-1] + 1]
