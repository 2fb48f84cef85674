"""A policy as clauses: blocks written out as rules, and `forall` as negation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sealauthz.errors import BundleRefused
from sealauthz.polar.syntax import (
    And,
    Arithmetic,
    Assign,
    Attribute,
    BlockNode,
    Call,
    Compare,
    DictTerm,
    Forall,
    In,
    ListTerm,
    Literal,
    Matches,
    Not,
    Or,
    Parameter,
    Place,
    RuleNode,
    Shorthand,
    Statement,
    Term,
    TypePattern,
    Unify,
    Variable,
)

Key = tuple[str, int]
"""A rule's name and its number of parameters."""

_RELATED = "related"


@dataclass(frozen=True, slots=True)
class Clause:
    """One rule. `goals` is a conjunction, empty for a fact; `occurrences` counts each named variable in head and
    body.
    """

    name: str
    parameters: tuple[Parameter, ...]
    goals: tuple[Term, ...]
    tags: tuple[str, ...]
    place: Place
    occurrences: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Program:
    """All clauses by key, and the types that each union (`Actor`, `Resource`) stands for."""

    clauses: Mapping[Key, tuple[Clause, ...]]
    unions: Mapping[str, frozenset[str]]


def program_of(statements: Iterable[Statement]) -> Program:
    """Write a policy out as clauses. Raises BundleRefused where a block cannot be written out."""
    statements = tuple(statements)
    blocks = [statement for statement in statements if isinstance(statement, BlockNode)]
    clauses: dict[Key, list[Clause]] = {}
    for rule in (*(s for s in statements if isinstance(s, RuleNode)), *_written_out(blocks)):
        clauses.setdefault((rule.name, len(rule.parameters)), []).append(_clause(rule))
    unions = {
        "Actor": frozenset(block.type for block in blocks if block.keyword == "actor"),
        "Resource": frozenset(block.type for block in blocks),
    }
    return Program({key: tuple(found) for key, found in clauses.items()}, unions)


def with_rule(program: Program, rule: RuleNode, replacement: RuleNode | None) -> Program:
    """Return a policy in which one of its rules is another of the same name and arity, or is gone.

    Raises BundleRefused where it is none of them.
    """
    key = (rule.name, len(rule.parameters))
    clauses = program.clauses.get(key, ())
    if all(clause.place != rule.place for clause in clauses):
        raise BundleRefused("there is no such rule", rule.place.file, rule.place.line, rule.place.column)
    instead = () if replacement is None else (_clause(replacement),)
    changed = tuple(new for old in clauses for new in ((old,) if old.place != rule.place else instead))
    others = {other: found for other, found in program.clauses.items() if other != key}
    return Program({**others, key: changed} if changed else others, program.unions)


def users_of(program: Program) -> Mapping[Key, frozenset[Key]]:
    """Return for each rule all rules whose answers may depend on it: itself, and whatever calls one of them."""
    callers: dict[Key, set[Key]] = {key: set() for key in program.clauses}
    for key, clauses in program.clauses.items():
        for clause in clauses:
            for goal in clause.goals:
                for called in _calls(goal):
                    callers.setdefault(called, set()).add(key)
    users = {}
    for key in callers:
        found = {key}
        waiting = [key]
        while waiting:
            for caller in callers[waiting.pop()] - found:
                found.add(caller)
                waiting.append(caller)
        users[key] = frozenset(found)
    return users


def _calls(term: Term) -> Iterator[Key]:
    """The rules that a condition calls."""
    match term:
        case Call(name, arguments, _):
            yield name, len(arguments)
        case Not(inner, _):
            yield from _calls(inner)
        case And(parts, _) | Or(parts, _):
            for part in parts:
                yield from _calls(part)
        case _:
            pass


def _clause(rule: RuleNode) -> Clause:
    goals = tuple(_conjuncts(_without_forall(rule.body))) if rule.body is not None else ()
    counted = Counter(_head_variables(rule))
    for goal in goals:
        counted.update(variables(goal))
    return Clause(rule.name, rule.parameters, goals, rule.tags, rule.place, counted)


def _head_variables(rule: RuleNode) -> Iterator[str]:
    for parameter in rule.parameters:
        yield from variables(parameter.term)


def _conjuncts(term: Term) -> Iterator[Term]:
    if isinstance(term, And):
        for part in term.parts:
            yield from _conjuncts(part)
    else:
        yield term


def _without_forall(term: Term) -> Term:
    """Say `forall(a, b)` as `not (a and not b)`, everywhere in a condition."""
    match term:
        case Forall(condition, action, place):
            inner = Not(_without_forall(action), place)
            return Not(And((_without_forall(condition), inner), place), place)
        case Not(inner, place):
            return Not(_without_forall(inner), place)
        case And(parts, place):
            return And(tuple(map(_without_forall, parts)), place)
        case Or(parts, place):
            return Or(tuple(map(_without_forall, parts)), place)
        case _:
            return term


def variables(term: Term) -> Iterator[str]:
    """Every occurrence of a named variable in a term; `_` is none."""
    match term:
        case Variable(name, _):
            if name != "_":
                yield name
        case Literal():
            pass
        case ListTerm(items, rest, _):
            for item in items:
                yield from variables(item)
            if rest is not None:
                yield from variables(rest)
        case DictTerm(fields, _):
            for _key, value in fields:
                yield from variables(value)
        case Attribute(base, _, arguments, _):
            yield from variables(base)
            for argument in arguments or ():
                yield from variables(argument)
        case Call(_, arguments, _):
            for argument in arguments:
                yield from variables(argument)
        case Not(inner, _) | Matches(inner, _, _):
            yield from variables(inner)
        case And(parts, _) | Or(parts, _):
            for part in parts:
                yield from variables(part)
        case Assign(variable, value, _):
            yield from variables(variable)
            yield from variables(value)
        case Forall(left, right, _) | Unify(left, right, _) | In(left, right, _):
            yield from variables(left)
            yield from variables(right)
        case Compare(_, left, right, _) | Arithmetic(_, left, right, _):
            yield from variables(left)
            yield from variables(right)


# --- blocks ---------------------------------------------------------------------------------------------------------

_RULE_OF = {"role": "has_role", "permission": "has_permission", "relation": "has_relation"}


def _written_out(blocks: list[BlockNode]) -> Iterator[RuleNode]:
    kinds = {block.type: dict(_declared(blocks, block.type)) for block in blocks}
    relations = {
        block.type: {name: type_ for b in blocks if b.type == block.type for name, type_, _ in b.relations or ()}
        for block in blocks
    }
    for block in blocks:
        for shorthand in block.shorthands:
            yield _rule_of(block, shorthand, kinds, relations)


def _declared(blocks: list[BlockNode], type_: str) -> Iterator[tuple[str, str]]:
    for block in blocks:
        if block.type == type_:
            for kind, names in (("role", block.roles), ("permission", block.permissions)):
                for name in names or ():
                    yield str(name.value), kind
            for relation, _type, _place in block.relations or ():
                yield relation, "relation"


def _rule_of(
    block: BlockNode,
    shorthand: Shorthand,
    kinds: Mapping[str, Mapping[str, str]],
    relations: Mapping[str, Mapping[str, str]],
) -> RuleNode:
    place = shorthand.place
    this = Variable(block.type[:1].lower() + block.type[1:], place)
    actor = Variable("actor", place)
    head = _kind(kinds, block.type, shorthand.implied)
    if shorthand.relation is None:
        body: Term = Call(
            _RULE_OF[_kind(kinds, block.type, shorthand.implier)], (actor, shorthand.implier, this), place
        )
    else:
        target = relations[block.type].get(str(shorthand.relation.value))
        if target is None:
            _refuse(shorthand.relation, f"{block.type} declares no relation `{shorthand.relation.value}`")
        related = Variable(_RELATED, place)
        implier = Call(
            _RULE_OF[_kind(kinds, target or "", shorthand.implier)], (actor, shorthand.implier, related), place
        )
        body = And((Call("has_relation", (related, shorthand.relation, this), place), implier), place)
    parameters = (
        Parameter(actor, TypePattern("Actor", (), place), place),
        Parameter(shorthand.implied, None, place),
        Parameter(this, TypePattern(block.type, (), place), place),
    )
    return RuleNode(_RULE_OF[head], parameters, body, block.tags, place)


def _kind(kinds: Mapping[str, Mapping[str, str]], type_: str, name: Literal) -> str:
    kind = kinds.get(type_, {}).get(str(name.value))
    if kind is None:
        _refuse(name, f"{type_} declares no role, permission or relation `{name.value}`")
    return str(kind)


def _refuse(literal: Literal, message: str) -> None:
    raise BundleRefused(message, literal.place.file, literal.place.line, literal.place.column)
