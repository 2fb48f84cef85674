"""What a bundle may do only where its folder has signed it off, under `accepts` in `bundle.toml`.

A number outside of its range, and a rule of the folder's own that always waives or always meets what the product
requires: a hold, say, or authority. What the floor requires is no matter of a signature; nobody else may waive it.

    [accepts]
    "parameters.face_for_use" = "Security, 2026-03-01: shared terminals in the workshop"
    "waived use Seal SEAL_USABLE" = "Wang Min, 2026-03-01: test enterprise without real seals"
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sealauthz.decision.folder import BUNDLE_FILE, PARAMETERS_FILE, Layout, line_of_number, read_product_sources
from sealauthz.errors import did_you_mean
from sealauthz.polar import FLOOR_FILE, RuleNode, Statement
from sealauthz.polar.check import Diagnostic, Severity
from sealauthz.polar.parse import parse
from sealauthz.polar.syntax import And, Call, Or, Parameter, Place, Term, TypePattern, Variable
from sealauthz.polar.terms import variables
from sealauthz.schema.parameters import ranges_of, written

SIGNOFF = "signoff"
"""The code of a diagnostic about what is not signed off, or signed off in vain."""

_PARAMETERS = "parameters."
_SETTLING = {"waived": (4, 0, (2, 3)), "meets": (5, 1, (0, 3, 4))}
"""Of each rule that settles a requirement: how many parameters it has, the place of the requirement, which action and
type follow, and the places of what its condition may be about.
"""


@dataclass(frozen=True, slots=True)
class Excess:
    """One thing that needs a signature: the name that signs it off, what it does, and where it stands."""

    name: str
    what: str
    place: Place


@dataclass(frozen=True, slots=True)
class Accepted:
    """One thing that is signed off: its name, what it does, and who agreed and why."""

    name: str
    what: str
    why: str


def excesses_of(layout: Layout, statements: Sequence[Statement], parameters: Any, installed: Path) -> list[Excess]:
    """Find what needs a signature: the numbers first, in their order, then the rules.

    `installed` is the folder of the product's own policies. Raises BundleRefused where they cannot be read.
    """
    found = list(_numbers(layout, parameters))
    rules = _always_settled(statements, layout.own)
    if rules:
        sources = read_product_sources(layout, installed)
        product = [statement for source in sources for statement in parse(source)]
        known = _always_settled(product, frozenset(source.file for source in sources))
        required = {_need(rule, 0, 1, 2) for rule in _named(product, "requires")}
        for (name, need), rule in rules.items():
            if need in required and (name, need) not in known:
                action, type_, requirement = need
                verb = "waives" if name == "waived" else "meets"
                what = f"always {verb} `{requirement}` of `{action}` on {type_}"
                found.append(Excess(f"{name} {action} {type_} {requirement}", what, rule.place))
    return found


def signoff_diagnostics_of(excesses: Iterable[Excess], layout: Layout) -> list[Diagnostic]:
    """Find what is not signed off, and what is signed off in vain."""
    signed = dict(layout.accepts)
    known = {excess.name: excess for excess in excesses}
    found = []
    for excess in known.values():
        if excess.name not in signed:
            hint = f'change it, or sign it off in {BUNDLE_FILE}: [accepts] "{excess.name}" = "who agreed, and why"'
            is_number = excess.name.startswith(_PARAMETERS)
            message = excess.what if is_number else f"{excess.what}, which the product requires"
            found.append(Diagnostic(Severity.ERROR, SIGNOFF, f"{message}: {hint}", excess.place))
    for name in signed:
        if name not in known:
            said = f"`{name}` under `accepts` accepts nothing: remove it{did_you_mean(name, known)}"
            found.append(Diagnostic(Severity.ERROR, SIGNOFF, said, Place(BUNDLE_FILE, 0, 0)))
    return found


def accepted_of(excesses: Iterable[Excess], layout: Layout) -> tuple[Accepted, ...]:
    """Return what is signed off, in the order in which it was found."""
    signed = dict(layout.accepts)
    return tuple(Accepted(each.name, each.what, signed[each.name]) for each in excesses if each.name in signed)


def _numbers(layout: Layout, parameters: Any) -> Iterator[Excess]:
    kind = type(parameters)
    for name, allowed in ranges_of(kind).items():
        value = getattr(parameters, name)
        if value not in allowed:
            least, most = (written(kind, name, limit) for limit in (allowed.least, allowed.most))
            what = f"`{name}` is {written(kind, name, value)}, outside of its range from {least} to {most}"
            place = Place(PARAMETERS_FILE, line_of_number(layout, name), 0)
            yield Excess(f"{_PARAMETERS}{name}", what, place)


# --- rules that always settle a requirement -------------------------------------------------------------------------

_Need = tuple[str | None, str | None, str | None]
_Types = Mapping[str, str | None]


def _always_settled(statements: Sequence[Statement], files: frozenset[str]) -> dict[tuple[str, _Need], RuleNode]:
    """Return the rules of some files that waive or meet a requirement on no condition, by what they settle.

    What is a condition on something else than subject, resource and context counts as none.
    """
    found: dict[tuple[str, _Need], RuleNode] = {}
    clauses: dict[tuple[str, int], list[RuleNode]] = {}
    for statement in statements:
        if isinstance(statement, RuleNode):
            clauses.setdefault((statement.name, len(statement.parameters)), []).append(statement)
    for name, (arity, first, about) in _SETTLING.items():
        for rule in clauses.get((name, arity), ()):
            if rule.place.file not in files or rule.place.file == FLOOR_FILE:
                continue
            parameters = [rule.parameters[position] for position in about]
            if all(map(_is_open, parameters)) and _Condition(clauses).always(rule.body, _types(parameters)):
                found.setdefault((name, _need(rule, first + 1, first + 2, first)), rule)
    return found


@dataclass(slots=True)
class _Condition:
    """Tells whether a condition always holds, as far as can be seen from facts without a condition."""

    clauses: Mapping[tuple[str, int], Sequence[RuleNode]]

    def always(self, term: Term | None, types: _Types, depth: int = 8) -> bool:
        """Whether a condition holds whatever the variables with these types are."""
        match term:
            case None:
                return True
            case And(terms, _):
                return all(self.always(each, types, depth) for each in terms)
            case Or(terms, _):
                return any(self.always(each, types, depth) for each in terms)
            case Call(name, arguments, _):
                called = self.clauses.get((name, len(arguments)), ())
                return depth > 0 and any(self._holds(clause, arguments, types, depth - 1) for clause in called)
            case _:
                return not types.keys() & set(variables(term))

    def _holds(self, clause: RuleNode, arguments: Sequence[Term], types: _Types, depth: int) -> bool:
        for parameter, argument in zip(clause.parameters, arguments, strict=True):
            given = types.get(argument.name) if isinstance(argument, Variable) else None
            if not _is_open(parameter) or parameter.type not in (None, given):
                return False
        return self.always(clause.body, _types(clause.parameters), depth)


def _is_open(parameter: Parameter) -> bool:
    """Whether a parameter takes whatever there is, or whatever is of a type."""
    pattern = parameter.pattern
    is_type = pattern is None or (isinstance(pattern, TypePattern) and not pattern.fields)
    return is_type and parameter.variable is not None


def _types(parameters: Iterable[Parameter]) -> dict[str, str | None]:
    return {name: each.type for each in parameters if (name := each.variable) is not None and name != "_"}


def _named(statements: Iterable[Statement], name: str) -> Iterator[RuleNode]:
    for statement in statements:
        if isinstance(statement, RuleNode) and statement.name == name and len(statement.parameters) == 3:
            yield statement


def _need(rule: RuleNode, action: int, type_: int, requirement: int) -> _Need:
    """What a rule is about: action, type and requirement."""
    parameters = rule.parameters
    return parameters[action].literal, parameters[type_].type, parameters[requirement].literal
