"""A policy as clauses: blocks written out as rules, `forall` as negation, and every name resolved.

A name that stands for a value is looked up here, once: `nil` becomes a literal, the name of a class is refused. What
is still a `Variable` behind this is one, so no later step may look at a name to find out what it means.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace

from sealauthz.polar.blocks import UNIONS, declared_by, undeclared, unions_of, written_out
from sealauthz.polar.diagnostic import refusal
from sealauthz.polar.groups import expanded
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
    Statement,
    Term,
    Unify,
    Variable,
)
from sealauthz.polar.terms import conjuncts, occurrences

Key = tuple[str, int]
"""A rule's name and its number of parameters."""

NIL = "nil"
"""The one constant of Polar that has a name."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One rule. `goals` is a conjunction, empty for a fact; `occurrences` counts each named variable in head and
    body; `rule` is what was written.
    """

    name: str
    parameters: tuple[Parameter, ...]
    goals: tuple[Term, ...]
    tags: tuple[str, ...]
    place: Place
    occurrences: Mapping[str, int]
    rule: RuleNode = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Program:
    """All clauses by key, the types that each union (`Actor`, `Resource`) stands for, and the names of all classes."""

    clauses: Mapping[Key, tuple[Clause, ...]]
    unions: Mapping[str, frozenset[str]]
    classes: frozenset[str] = UNIONS


def program_of(statements: Iterable[Statement], classes: Iterable[str] = (), before: Program | None = None) -> Program:
    """Write a policy out as clauses. `classes` are the names that stand for classes. A rule that was one of `before`
    has the same clause.

    Raises BundleRefused where a block or a group cannot be written out, or the name of a class stands where a value
    must.
    """
    statements = expanded(statements).statements
    names = UNIONS.union(classes)
    blocks = [statement for statement in statements if isinstance(statement, BlockNode)]
    clauses: dict[Key, list[Clause]] = {}
    declared = declared_by(blocks)
    for block in blocks:
        for shorthand in block.shorthands:
            for lacking in undeclared(block, shorthand, declared):
                raise refusal(str(lacking), lacking.name.place)
    written = written_out(blocks, declared, {NIL, *names})
    known: dict[int, Clause] = {}
    if before is not None and before.classes == names:
        known = {id(clause.rule): clause for found in before.clauses.values() for clause in found}
    for rule in (*(s for s in statements if isinstance(s, RuleNode)), *written):
        clause = known.get(id(rule)) or _clause(rule, names)
        clauses.setdefault((rule.name, len(rule.parameters)), []).append(clause)
    return Program({key: tuple(found) for key, found in clauses.items()}, unions_of(blocks), names)


def with_rule(program: Program, rule: RuleNode, replacement: RuleNode | None) -> Program:
    """Return a policy in which one of its rules is another of the same name and arity, or is gone.

    Raises BundleRefused where it is none of them.
    """
    key = (rule.name, len(rule.parameters))
    clauses = program.clauses.get(key, ())
    # By what it says as well: what is spelled out of one line has one place.
    if all(clause.rule != rule for clause in clauses):
        raise refusal("there is no such rule", rule.place)
    instead = () if replacement is None else (_clause(replacement, program.classes),)
    changed = tuple(new for old in clauses for new in ((old,) if old.rule != rule else instead))
    others = {other: found for other, found in program.clauses.items() if other != key}
    return Program({**others, key: changed} if changed else others, program.unions, program.classes)


def _clause(rule: RuleNode, classes: Container[str]) -> Clause:
    parameters = tuple([_parameter(parameter, classes) for parameter in rule.parameters])
    goals = tuple(conjuncts(_resolved(rule.body, classes))) if rule.body is not None else ()
    counted = occurrences(*[parameter.term for parameter in parameters], *goals)
    return Clause(rule.name, parameters, goals, rule.tags, rule.place, counted, rule)


def _parameter(parameter: Parameter, classes: Container[str]) -> Parameter:
    term = _resolved(parameter.term, classes)
    return parameter if term is parameter.term else replace(parameter, term=term)


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
    name = variable.name
    if name in classes:
        raise refusal(f"{class_as_value(name)}: {how_to_ask_for(name)}", variable.place)


def _refuse_constant(variable: Variable, classes: Container[str]) -> None:
    """Refuse to give a value to what has one."""
    _refuse_class(variable, classes)
    if variable.name == NIL:
        raise refusal("`nil` is a constant and takes no value", variable.place)
