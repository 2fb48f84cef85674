"""A policy as clauses: blocks written out as rules, `forall` as negation, and every name resolved.

A name that stands for a value is looked up here, once: `nil` becomes a literal, the name of a class is refused. What
is still a `Variable` behind this is one, so no later step may look at a name to find out what it means.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

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

NIL = "nil"
"""The one constant of Polar that has a name."""

UNIONS = frozenset({"Actor", "Resource"})
"""Names that stand for several classes."""

_RELATED = "related"
_ACTOR = "actor"


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
    """All clauses by key, the types that each union (`Actor`, `Resource`) stands for, and the names of all classes."""

    clauses: Mapping[Key, tuple[Clause, ...]]
    unions: Mapping[str, frozenset[str]]
    classes: frozenset[str] = UNIONS


def program_of(statements: Iterable[Statement], classes: Iterable[str] = ()) -> Program:
    """Write a policy out as clauses. `classes` are the names that stand for classes.

    Raises BundleRefused where a block cannot be written out, or the name of a class stands where a value must.
    """
    statements = tuple(statements)
    names = UNIONS.union(classes)
    blocks = [statement for statement in statements if isinstance(statement, BlockNode)]
    clauses: dict[Key, list[Clause]] = {}
    for rule in (*(s for s in statements if isinstance(s, RuleNode)), *_written_out(blocks, names)):
        clauses.setdefault((rule.name, len(rule.parameters)), []).append(_clause(rule, names))
    unions = {
        "Actor": frozenset(block.type for block in blocks if block.keyword == "actor"),
        "Resource": frozenset(block.type for block in blocks),
    }
    return Program({key: tuple(found) for key, found in clauses.items()}, unions, names)


def with_rule(program: Program, rule: RuleNode, replacement: RuleNode | None) -> Program:
    """Return a policy in which one of its rules is another of the same name and arity, or is gone.

    Raises BundleRefused where it is none of them.
    """
    key = (rule.name, len(rule.parameters))
    clauses = program.clauses.get(key, ())
    if all(clause.place != rule.place for clause in clauses):
        raise BundleRefused("there is no such rule", rule.place.file, rule.place.line, rule.place.column)
    instead = () if replacement is None else (_clause(replacement, program.classes),)
    changed = tuple(new for old in clauses for new in ((old,) if old.place != rule.place else instead))
    others = {other: found for other, found in program.clauses.items() if other != key}
    return Program({**others, key: changed} if changed else others, program.unions, program.classes)


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


def _clause(rule: RuleNode, classes: Container[str]) -> Clause:
    parameters = tuple(replace(p, term=_resolved(p.term, classes)) for p in rule.parameters)
    goals = tuple(_conjuncts(_resolved(rule.body, classes))) if rule.body is not None else ()
    counted: Counter[str] = Counter()
    for term in (*(parameter.term for parameter in parameters), *goals):
        counted.update(variables(term))
    return Clause(rule.name, parameters, goals, rule.tags, rule.place, counted)


def _conjuncts(term: Term) -> Iterator[Term]:
    if isinstance(term, And):
        for part in term.parts:
            yield from _conjuncts(part)
    else:
        yield term


def _resolved(term: Term, classes: Container[str]) -> Term:
    """A term with `nil` as a literal, and `forall(a, b)` as `not (a and not b)`. Raises BundleRefused for a class."""

    def of(inner: Term) -> Term:
        return _resolved(inner, classes)

    match term:
        case Literal():
            return term
        case Variable(name, place):
            if name == NIL:
                return Literal(None, place)
            _refuse_class(term, classes)
            return term
        case ListTerm(items, rest, place):
            if rest is not None:
                _refuse_constant(rest, classes)
            return ListTerm(tuple(map(of, items)), rest, place)
        case DictTerm(fields, place):
            return DictTerm(tuple((key, of(value)) for key, value in fields), place)
        case Attribute(base, name, arguments, place):
            return Attribute(of(base), name, None if arguments is None else tuple(map(of, arguments)), place)
        case Call(name, arguments, place):
            return Call(name, tuple(map(of, arguments)), place)
        case Not(inner, place):
            return Not(of(inner), place)
        case And(parts, place):
            return And(tuple(map(of, parts)), place)
        case Or(parts, place):
            return Or(tuple(map(of, parts)), place)
        case Forall(condition, action, place):
            return Not(And((of(condition), Not(of(action), place)), place), place)
        case Unify(left, right, place):
            return Unify(of(left), of(right), place)
        case Assign(variable, value, place):
            _refuse_constant(variable, classes)
            return Assign(variable, of(value), place)
        case Compare(sign, left, right, place):
            return Compare(sign, of(left), of(right), place)
        case Arithmetic(sign, left, right, place):
            return Arithmetic(sign, of(left), of(right), place)
        case In(item, collection, place):
            return In(of(item), of(collection), place)
        case Matches(inner, pattern, place):
            return Matches(of(inner), pattern, place)


def class_as_value(name: str) -> str:
    """Say that the name of a class stands where a value must."""
    return f"`{name}` is a class and no value"


def how_to_ask_for(name: str) -> str:
    """Say how a policy asks whether a value is of a class."""
    return f"write `x matches {name}`, or `x: {name}` in the head of a rule"


def _refuse_class(variable: Variable, classes: Container[str]) -> None:
    name, place = variable.name, variable.place
    if name in classes:
        message = f"{class_as_value(name)}: {how_to_ask_for(name)}"
        raise BundleRefused(message, place.file, place.line, place.column)


def _refuse_constant(variable: Variable, classes: Container[str]) -> None:
    """Refuse to give a value to what has one."""
    _refuse_class(variable, classes)
    if variable.name == NIL:
        place = variable.place
        raise BundleRefused("`nil` is a constant and takes no value", place.file, place.line, place.column)


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


def _written_out(blocks: list[BlockNode], classes: Container[str]) -> Iterator[RuleNode]:
    kinds = {block.type: dict(_declared(blocks, block.type)) for block in blocks}
    relations = {
        block.type: {name: type_ for b in blocks if b.type == block.type for name, type_, _ in b.relations or ()}
        for block in blocks
    }
    for block in blocks:
        for shorthand in block.shorthands:
            yield _rule_of(block, shorthand, kinds, relations, classes)


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
    classes: Container[str],
) -> RuleNode:
    place = shorthand.place
    name = block.type[:1].lower() + block.type[1:]
    while name in (_ACTOR, _RELATED, NIL) or name in classes:
        name += "_"
    this = Variable(name, place)
    actor = Variable(_ACTOR, place)
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
