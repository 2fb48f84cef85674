"""What a clause of a policy says, whatever its variables and the rules that it calls are named."""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from sealauthz.polar import Source, Statement
from sealauthz.polar.program import Clause, Key, Program, program_of
from sealauthz.polar.syntax import (
    And,
    Attribute,
    Call,
    Literal,
    Not,
    Or,
    Parameter,
    Place,
    RuleNode,
    TypePattern,
    Variable,
)
from sealauthz.polar.terms import Node, in_parameter, placeless, walk

ALLOW: Key = ("allow", 4)
BLOCK_RULES = ("has_permission", "has_role", "has_relation")
_NEEDS: Mapping[Key, tuple[int, int, int]] = {
    ("requires", 3): (0, 1, 2),
    ("meets", 5): (2, 3, 1),
    ("waived", 4): (1, 2, 0),
}
"""Where the head of a rule names action, type and requirement."""
OBLIGATION: Key = ("obligation", 5)
LAPSES: Key = ("lapses", 5)
WAIVED = "waived"
ANY_PARAMETER = "*"
"""What a condition reads that takes all parameters at once."""
FIXED = frozenset(
    {*_NEEDS, OBLIGATION, LAPSES, ALLOW, ("visible", 3), ("settled", 5), *((name, 3) for name in BLOCK_RULES)}
)
"""Rules that are asked for by name, so that one of another name is no match."""

Need = tuple[str, str, str]
"""An action, a type and a requirement; one that a head leaves open is empty."""


@dataclass(frozen=True, slots=True)
class RuleText:
    """The rules of a bundle; those of two bundles are the same where their files are. `statements` may raise
    BundleRefused.
    """

    sources: tuple[Source, ...]
    statements: Callable[[], tuple[Statement, ...]] = field(compare=False, repr=False)


def program_of_text(text: RuleText) -> Program:
    """Return the program of a bundle's rules, kept for as long as it is used."""
    return _read(text)[0]


def forms_of(text: RuleText) -> Mapping[int, ClauseForm]:
    """Return what each clause of a program says, by the clause's identity; the program is kept as long as this is."""
    return _read(text)[1]


_Read = tuple[Program, Mapping[int, "ClauseForm"]]


@lru_cache(maxsize=4)
def _read(text: RuleText) -> _Read:
    """Read a program. What two bundles have in common, which is most of them, is read once."""
    before = _last[0] if _last else None
    if before is None:
        program = program_of(text.statements())
    else:
        program = program_of(_in_common(before[0], text.statements()), before=before[0])
    known = before[1] if before is not None and before[0].unions == program.unions else {}
    clauses = (clause for some in program.clauses.values() for clause in some)
    read = program, {id(each): known.get(id(each)) or _form_of(each, program.unions) for each in clauses}
    _last[:] = [read]
    return read


def _in_common(before: Program, statements: Iterable[Statement]) -> Iterator[Statement]:
    """The statements, and instead of what a program has word for word at the same place the rule that it has."""
    there = defaultdict[Place, list[RuleNode]](list)  # what is spelled out of one line has one place
    for clauses in before.clauses.values():
        for clause in clauses:
            there[clause.place].append(clause.rule)
    for statement in statements:
        yield next((rule for rule in there.get(statement.place, ()) if rule == statement), statement)


_last: list[_Read] = []
"""The program that was read last. It is kept with what its clauses say, which is known by their identities."""


@dataclass(frozen=True, slots=True)
class ClauseForm:
    """What a clause says whatever its variables are called, but for the rules that it calls, which stand apart."""

    said: str
    calls: tuple[Key, ...]
    signed_calls: tuple[tuple[Key, bool, str | None], ...]
    """Each call, whether it is under a negation, and the word of a permission, role or relation that it asks for."""
    parameters: frozenset[str]
    """The names of the parameters of the bundle that it reads; `ANY_PARAMETER` where that cannot be told."""


def _form_of(clause: Clause, unions: Mapping[str, frozenset[str]]) -> ClauseForm:
    names: dict[str, int] = {}
    calls: list[Key] = []
    head = _said(clause.parameters, names, calls)
    goals = [_said(goal, names, calls) for goal in sorted(clause.goals, key=_blank)]
    body = [node for goal in clause.goals for node in walk(goal)]
    nodes = [*(node for parameter in clause.parameters for node in in_parameter(parameter)), *body]
    types = {node.name for node in nodes if isinstance(node, TypePattern)}
    # A block more makes `Resource` a type wider, wherever it is asked for.
    wide = [sorted(unions[name]) for name in sorted(types & unions.keys())]
    signed = tuple(call for goal in clause.goals for call in _signed_calls(goal, False))
    return ClauseForm(repr((head, goals, wide)), tuple(calls), signed, frozenset(_parameters(body)))


def _blank(term: object) -> str:
    """What a condition says whatever the names in it: an order that does not depend on how it is written."""
    return repr(_said(term, None, []))


def _said(value: object, names: dict[str, int] | None, calls: list[Key]) -> object:
    match value:
        case Place():
            return None
        case Variable(name, _):
            if name in {"_", "nil"} or name[:1].isupper():
                return ("name", name)
            return "variable" if names is None else ("variable", names.setdefault(name, len(names)))
        case Literal(said, _):
            return (type(said).__name__, said)
        case Call(name, arguments, _):
            key = (name, len(arguments))
            calls.append(key)
            return ("call", name if key in FIXED else len(arguments), _said(arguments, names, calls))
        case And(parts, _) | Or(parts, _):
            return (type(value).__name__, [_said(part, names, calls) for part in sorted(parts, key=_blank)])
        case tuple():
            return [_said(part, names, calls) for part in value]
    if dataclasses.is_dataclass(value):
        fields = dataclasses.fields(value)
        return (type(value).__name__, *(_said(getattr(value, each.name), names, calls) for each in fields))
    return value


def _signed_calls(term: object, is_negated: bool) -> Iterator[tuple[Key, bool, str | None]]:
    match term:
        case Call(name, arguments, _):
            word = arguments[1] if name in BLOCK_RULES and len(arguments) == 3 else None
            said = word.value if isinstance(word, Literal) and isinstance(word.value, str) else None
            yield (name, len(arguments)), is_negated, said
        case Not(inner, _):
            yield from _signed_calls(inner, not is_negated)
        case And(parts, _) | Or(parts, _):
            for part in parts:
                yield from _signed_calls(part, is_negated)
        case _:
            pass


def _parameters(nodes: Sequence[Node]) -> Iterator[str]:
    """The parameters of the bundle that conditions read, as in `context.parameters.face_for_use`."""
    bases = set[int]()
    for node in nodes:
        if isinstance(node, Attribute) and isinstance(node.base, Attribute) and node.base.name == "parameters":
            bases.add(id(node.base))
            yield node.name
    if any(isinstance(node, Attribute) and node.name == "parameters" and id(node) not in bases for node in nodes):
        yield ANY_PARAMETER


def _words_of(clause: Clause) -> tuple[Counter[object], object]:
    return Counter(placeless(goal) for goal in clause.goals), placeless(clause.parameters)


def says_less(one: Clause, other: Clause) -> bool:
    """Tell whether a clause has the head of another and no condition that it lacks, so that it holds more often."""
    mine, head = _words_of(one)
    theirs, other_head = _words_of(other)
    return head == other_head and mine <= theirs


def need_of(clause: Clause) -> Need | None:
    """Return the action, type and requirement that the head of a contract's rule names; None for another rule."""
    at = _NEEDS.get((clause.name, len(clause.parameters)))
    if at is None:
        return None
    action, type_, requirement = at
    parameters = clause.parameters
    return literal_of(parameters[action]), type_of(parameters[type_]), literal_of(parameters[requirement])


def literal_of(parameter: Parameter) -> str:
    """Return the text that a parameter is; empty where it is none."""
    term = parameter.term
    return term.value if isinstance(term, Literal) and isinstance(term.value, str) else ""


def type_of(parameter: Parameter) -> str:
    """Return the type that a parameter must have; empty where it may have any."""
    return parameter.pattern.name if isinstance(parameter.pattern, TypePattern) else ""
