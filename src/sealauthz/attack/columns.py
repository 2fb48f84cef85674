"""Which columns the rules of a bundle read, by record type, as far as the rules say of which type a record is.

What they compare of one type may not matter in another: a digest of a document is compared, that of a letter is not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields

from sealauthz.polar import RuleNode, Statement
from sealauthz.polar.contract import ARITIES
from sealauthz.polar.syntax import (
    Attribute,
    Call,
    In,
    Literal,
    Matches,
    Or,
    Term,
    TypePattern,
    Unify,
    Variable,
)
from sealauthz.polar.terms import nodes_of
from sealauthz.schema import Model

_WORD = re.compile(r"\w+")

_TELLS = frozenset({"parameter", "leads_nowhere"})
"""The rules that say what a next step tells people, and to whom it is not shown."""

_Types = frozenset[str] | None
"""The types that something may be of; None where that is not known."""


_Parameter = tuple[str, int, int]
"""A parameter: the name of its rule, how many that has, and which one it is."""


def columns_read(
    model: Model, statements: Iterable[Statement], is_looked_at: Callable[[RuleNode], bool] = lambda _: True
) -> frozenset[tuple[str, str]]:
    """Return the columns that rules may read: of each type that a record may be, and of all that have the column where
    nothing says of which type it is. `is_looked_at` tells of which rules that counts; the others still hand on.
    """
    columns: dict[str, set[str]] = {}
    for type_, shape in model.shapes.items():
        for column in shape.columns:
            columns.setdefault(column.name, set()).add(type_)
    relations = _related(model)
    nodes = [each for each in statements if isinstance(each, RuleNode)]
    rules = [_Rule(each, relations) for each in nodes]
    handed = _handed(rules)
    found: set[tuple[str, str]] = set()
    for node, rule in zip(nodes, rules, strict=True):
        if not is_looked_at(node):
            continue
        types = rule.types(handed)
        for base, name in rule.read:
            read = columns.get(name, set())
            of = rule.types_of(base, types)
            found |= {(type_, name) for type_ in (read if of is None else read & of)}
    return frozenset(found)


def columns_deciding(model: Model, statements: Iterable[Statement]) -> frozenset[tuple[str, str]]:
    """Return those of these columns that may alter an answer: not what rules read to tell people something in a next
    step for which nobody outside gives anything, nor what those rules read that are asked for nothing else.
    """
    statements = tuple(statements)
    rules = [each for each in statements if isinstance(each, RuleNode)]
    calls: dict[str, set[str]] = {}
    called: set[str] = set()
    for rule in rules:
        names = {each.name for each in nodes_of(rule) if isinstance(each, Call)}
        called |= names
        if not _only_tells(model, rule):
            calls.setdefault(rule.name, set()).update(names)
    reached: set[str] = set()
    waiting = [each for each in calls if each in ARITIES or each not in called]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += calls.get(name, ())
    counts = {id(each) for each in rules if each.name in reached and not _only_tells(model, each)}
    return columns_read(model, statements, lambda rule: id(rule) in counts)


def _only_tells(model: Model, rule: RuleNode) -> bool:
    """Tell whether a rule says no more than what people are told in a next step for which nobody gives anything."""
    step = rule.parameters[0].term if rule.name in _TELLS and rule.parameters else None
    return isinstance(step, Literal) and step.value not in model.provided


def _related(model: Model) -> Mapping[str, frozenset[str]]:
    """The types of the records that there are under the name of each relation, in records and in contexts."""
    found: dict[str, set[str]] = {}
    for shape in model.shapes.values():
        for relation in shape.relations:
            found.setdefault(relation.name, set()).add(relation.record)
    for context in {each.context for each in model.actions.values()}:
        for field in fields(context):
            found.get(field.name, set()).update(model.records.keys() & _WORD.findall(str(field.type)))
    return {name: frozenset(types) for name, types in found.items()}


def _handed(rules: Sequence[_Rule]) -> dict[_Parameter, _Types]:
    """The types of what other rules hand to each parameter; not those of what nobody calls."""
    found: dict[_Parameter, _Types] = {}
    is_new = True
    while is_new:
        is_new = False
        for rule in rules:
            types = rule.types(found)
            for key, argument in rule.handed:
                before, given = found.get(key, frozenset()), rule.types_of(argument, types)
                after = None if before is None or given is None else before | given
                is_new = is_new or key not in found or after != before
                found[key] = after
    return found


class _Rule:
    """What one rule says: attributes and what they are read of, the calls that it makes, and what its variables are."""

    def __init__(self, rule: RuleNode, relations: Mapping[str, frozenset[str]]) -> None:
        self._relations = relations
        self._known: dict[str, _Types] = {}
        """The types of variables, as far as the rule says them in every case."""
        self._given: list[tuple[str, _Parameter]] = []
        """The parameters of which a rule does not say the type."""
        self.read: list[tuple[Term, str]] = []
        """Each attribute that is named, and what it is read of."""
        self.handed: list[tuple[_Parameter, Term]] = []
        """What is handed to other rules."""
        for number, parameter in enumerate(rule.parameters):
            if parameter.variable and parameter.type:
                self._known[parameter.variable] = frozenset((parameter.type,))
            elif parameter.variable:
                self._given.append((parameter.variable, (rule.name, len(rule.parameters), number)))
        body = list(nodes_of(rule))
        # What is said in one case is not said in another.
        is_said_once = not any(isinstance(each, Or) for each in body)
        for node in body:
            self._take(node, is_said_once=is_said_once)

    def _take(self, node: object, *, is_said_once: bool) -> None:
        match node:
            case Attribute(base=base, name=name):
                self.read.append((base, name))
            case Call(name, arguments):
                count = len(arguments)
                self.handed += [((name, count, number), each) for number, each in enumerate(arguments)]
            case Matches(Variable(name), TypePattern(type_)) if is_said_once:
                self._known.setdefault(name, frozenset((type_,)))
            case In(Variable(name), Attribute(arguments=None) as of) if is_said_once:
                self._known.setdefault(name, self._relations.get(of.name))
            case Unify(Variable(name), Attribute(arguments=None) as of) if is_said_once:
                self._known.setdefault(name, self._relations.get(of.name))

    def types(self, handed: Mapping[_Parameter, _Types]) -> Mapping[str, _Types]:
        """Return the types that each variable may be of, from what the rule says and what others hand to it."""
        return {**{name: handed.get(key) for name, key in self._given}, **self._known}

    def types_of(self, term: Term, types: Mapping[str, _Types]) -> _Types:
        """Return the types that a term may be of, where its variables are of these."""
        match term:
            case Variable(name):
                return types.get(name)
            case Attribute(name=name, arguments=None):
                return self._relations.get(name)
        return None
