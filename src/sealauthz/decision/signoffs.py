"""What a bundle may do only where its folder has signed it off, under `accepts` in `bundle.toml`.

A number outside of its range; a rule of the folder's own that always waives or always meets what the product requires
(a hold, say, or authority), or meets it wherever something is not so, that permits an action of the product to
everybody, or that always lets a helper hold on which the product's rules rest; and a requirement of the product that is
dropped with the file that it stood in, or from which the folder exempts an action. What the floor requires is no matter
of a signature; nobody else may waive it.

    [accepts]
    "parameters.face_for_use" = "Security, 2026-03-01: shared terminals in the workshop"
    "waived use Seal SEAL_USABLE" = "Wang Min, 2026-03-01: test enterprise without real seals"
"""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sealauthz.decision.always import Alike, Always, Found
from sealauthz.decision.folder import (
    BUNDLE_FILE,
    PARAMETERS_FILE,
    Layout,
    line_of_number,
    product_expansion,
    read_product_sources,
)
from sealauthz.errors import did_you_mean
from sealauthz.polar import FLOOR_FILE, RuleNode, Source, Statement
from sealauthz.polar.diagnostic import Diagnostic, Severity
from sealauthz.polar.gate import Files
from sealauthz.polar.groups import NOT_EXPANDED, Expansion, Groups, expanded
from sealauthz.polar.groups import remember as remember_spelled_out
from sealauthz.polar.parse import parse, remember
from sealauthz.polar.program import Key
from sealauthz.polar.remembered import Remembered
from sealauthz.polar.syntax import And, Call, Literal, Or, Place, Term
from sealauthz.polar.terms import placeless
from sealauthz.polar.types import TypeTable
from sealauthz.schema.parameters import ranges_of, written

if TYPE_CHECKING:
    from sealauthz.polar.check.covering import Together

SIGNOFF = "signoff"
"""The code of a diagnostic about what is not signed off, and about signatures that sign nothing."""

_PARAMETERS = "parameters."
_SETTLING = {"waived": (4, 0), "meets": (5, 1)}
"""Of each rule that settles a requirement: how many parameters it has, and the place of the requirement, which action
and type follow.
"""

_PERMISSION, _REQUIRES = ("has_permission", 3), ("requires", 3)
_ELSEWHERE = {_PERMISSION, _REQUIRES, *((name, arity) for name, (arity, _) in _SETTLING.items())}
"""Rules that are looked at by what they are about, not by name; more of what is required allows less."""

_ACTION = frozenset({1})
"""The place of the action in a permission."""

_RESTING = (("allow", 4), ("meets", 5), ("waived", 4))
"""What an allow begins with."""


@dataclass(frozen=True, slots=True)
class Excess:
    """One thing that needs a signature: the name that signs it off, what it does, and where it stands.

    `of` goes on to say what the product has to do with it.
    """

    name: str
    what: str
    place: Place
    of: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """One thing that is signed off: its name, what it does, and who agreed and why."""

    name: str
    what: str
    why: str


def excesses_of(
    layout: Layout,
    statements: Sequence[Statement],
    parameters: Any,
    installed: Path,
    groups: Groups | None = None,
    types: TypeTable | None = None,
) -> list[Excess]:
    """Find what needs a signature: the numbers first, in their order, then the rules.

    `installed` is the folder of the product's own policies. With `groups`, the statements are those that were spelled
    out of them. Without `types`, no words of a column are known. Raises BundleRefused where the policies cannot be
    read.
    """
    found = list(_numbers(layout, parameters))
    sources = read_product_sources(layout, installed)
    if sources and layout.own:
        if groups is None:
            expansion = expanded(statements)
            statements, groups = expansion.statements, expansion.groups
        product = product_expansion(sources).statements
        own = layout.own
        always, known = Always(statements, _last[0] if _last else None, own, types), _always_of(sources, types)

        @cache
        def kept() -> set[Place]:
            # Here, because it is asked of few bundles.
            from sealauthz.polar.check import check_product_floor

            return {each.place for each in check_product_floor(tuple(statements), tuple(product))}

        found += _settling(always, known, own, frozenset(source.file for source in sources))
        found += _permitting(always, known, own)
        found += _opening(always, known, own, kept)
        found += _dropped(always, known, groups)
        always.forget_before()
        _last[:] = [always]
    return list({each.name: each for each in reversed(found)}.values())[::-1]


_last: list[Always] = []
"""What was found about the policies that were looked at last: most of it holds for the next."""


_products: Remembered[tuple[tuple[Source, ...], TypeTable | None], Always] = Remembered(2)


def _always_of(product: tuple[Source, ...], types: TypeTable | None) -> Always:
    """The same of the product's own policies."""
    known = _products.get((product, types))
    return known or _products.put((product, types), _always_in(product, types))


def _always_in(product: tuple[Source, ...], types: TypeTable | None) -> Always:
    files = frozenset(source.file for source in product)
    return Always(product_expansion(product).statements, None, files, types)


@dataclass(frozen=True, slots=True)
class KeptAlways:
    """What was found about policies and about the product's own, so that it can be written down; nothing where they are
    these themselves.
    """

    found: tuple[Found, ...] = ()
    alike: tuple[Alike, ...] = ()
    own: frozenset[str] = frozenset()
    product: Files = ()
    expansion: Expansion = NOT_EXPANDED
    of_product: tuple[Found, ...] = ()
    alike_of_product: tuple[Alike, ...] = ()


def always_kept(statements: Sequence[Statement], layout: Layout, installed: Path) -> KeptAlways:
    """Return what was found about policies that were looked at last."""
    product = read_product_sources(layout, installed)
    known = _products.get((product, _last[0].types)) if _last else None
    if known is None or not all(map(operator.is_, _last[0].statements, statements)):
        return KeptAlways()
    files = [(source, parse(source)) for source in product]
    last, expansion = _last[0], product_expansion(product)
    return KeptAlways(last.found, last.alike, last.own, files, expansion, known.found, known.alike)


def start_always(statements: Sequence[Statement], kept: KeptAlways, types: TypeTable) -> None:
    """Have the next policies be looked at from what was found about these with the same types."""
    _last[:] = [Always(statements, None, kept.own, types).take(kept.found, kept.alike)]
    if kept.product:
        for source, found in kept.product:
            remember(source, found)
        remember_spelled_out(kept.expansion)
        product = tuple(source for source, _ in kept.product)
        _products.put((product, types), _always_in(product, types).take(kept.of_product, kept.alike_of_product))


def forget_always() -> None:
    """Let the next policies be looked at from nothing, for measurements."""
    _last.clear()
    _products.clear()
    _resting_on.cache_clear()
    product_expansion.cache_clear()


def signoff_diagnostics_of(excesses: Iterable[Excess], layout: Layout) -> list[Diagnostic]:
    """Find what is not signed off, and signatures that sign nothing."""
    signed = dict(layout.accepts)
    known = {excess.name: excess for excess in excesses}
    found = []
    for excess in known.values():
        if excess.name not in signed:
            hint = f'change it, or sign it off in {BUNDLE_FILE}: [accepts] "{excess.name}" = "who agreed, and why"'
            message = f"{excess.what}{excess.of}: {hint}"
            found.append(Diagnostic(Severity.ERROR, SIGNOFF, message, excess.place))
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


# --- rules that hold without a condition ----------------------------------------------------------------------------

_Need = tuple[str | None, str | None, str | None]


def _always_settled(
    always: Always, files: frozenset[str], needs: Container[_Need] | None = None
) -> dict[tuple[str, _Need], RuleNode]:
    """Return the rules of some files that waive or meet a requirement, one of `needs` if they are given, on no
    condition, by what they settle.

    What is a condition on something else than subject, resource and context counts as none; nor does what meets one
    wherever something is not so: `x.id != ""` holds for all there is, and two rules can say `=` and `!=`.
    """
    found: dict[tuple[str, _Need], RuleNode] = {}
    for name, (arity, first) in _SETTLING.items():
        for rule in always.clauses.get((name, arity), ()):
            need = _need(rule, first + 1, first + 2, first)
            is_asked = rule.place.file in files - {FLOOR_FILE} and (needs is None or need in needs)
            if is_asked and always.holds(rule, leaves_out=name == "meets"):
                found.setdefault((name, need), rule)
    return found


def _settled_together(
    always: Always, known: Always, needs: Container[_Need] | None = None
) -> dict[tuple[str, _Need], Together]:
    """Return the rules of which one always waives or meets a requirement, one of `needs` if they are given, one of the
    rules the folder's own, by what they settle. What is above the floor can be settled in either way.

    What rules call is written out where one of them is not among those that are `known`, or all are.
    """
    by_need, before = _by_need(always), _by_need(known)
    found: dict[tuple[str, _Need], Together] = {}
    for need, rules in by_need.items():
        own = [rule for rule in rules if rule.place.file in always.own and (needs is None or need in needs)]
        writes_out = always is known or any(not _is_one_of(rule, before.get(need, ())) for rule in own)
        if own and (writes_out or len(rules) > 1):
            names = {rule.place: rule.name for rule in rules}
            for each in always.settled_together(rules, writes_out=writes_out):
                if always.holds(each.rule, leaves_out=True):
                    name = "meets" if "meets" in {names[part.place] for part in each.parts} else "waived"
                    found.setdefault((name, need), each)
    return found


def _by_need(always: Always) -> dict[_Need, list[RuleNode]]:
    """The rules that settle requirements above the floor, by what they settle."""
    found: dict[_Need, list[RuleNode]] = {}
    for name, (arity, first) in _SETTLING.items():
        for rule in always.clauses.get((name, arity), ()):
            if rule.place.file != FLOOR_FILE:
                found.setdefault(_need(rule, first + 1, first + 2, first), []).append(rule)
    return found


def _settling(always: Always, known: Always, own: frozenset[str], files: frozenset[str]) -> Iterator[Excess]:
    """What the folder's own rules always waive or meet, and the product's do not."""
    rules, in_parts = _always_settled(always, own), _settled_together(always, known)
    if not rules and not in_parts:
        return
    needs = {need for _, need in (*rules, *in_parts)}
    before = {**_always_settled(known, files, needs), **_settled_together(known, known, needs)}
    required = _required(known)
    for (name, need), rule in (*rules.items(), *((about, each.rule) for about, each in in_parts.items())):
        if need in required and (name, need) not in before:
            action, type_, requirement = need
            verb = "waives" if name == "waived" else "meets"
            what = f"always {verb} `{requirement}` of `{action}` on {type_}"
            if (name, need) not in rules:
                others = [part.place for part in in_parts[name, need].parts if part.place != rule.place]
                what = f"{what}, together with {', '.join(map(str, others))}" if others else f"{what}, by what it calls"
            elif not always.holds(rule):
                what = (
                    f"meets `{requirement}` of `{action}` on {type_} wherever something is not so, and asks for nothing"
                )
            yield Excess(f"{name} {action} {type_} {requirement}", what, rule.place, ", which the product requires")


def _permitting(always: Always, known: Always, own: frozenset[str]) -> Iterator[Excess]:
    """The actions of the product that the folder's own rules permit to everybody, and the product's do not."""
    rules = [each for each in _rules_of(always, _PERMISSION) if each.place.file in own and always.holds(each, _ACTION)]
    if not rules:
        return
    before = [each for each in known.clauses.get(_PERMISSION, ()) if known.holds(each, _ACTION)]
    for action, type_ in dict.fromkeys((action, type_) for action, type_, _ in _required(known)):
        if any(_permits(known, each, action, type_) for each in before):
            continue
        for rule in rules:
            if _permits(always, rule, action, type_):
                what = f"permits `{action}` on {type_} to everybody"
                yield Excess(f"permits {action} {type_}", what, rule.place, ", which is an action of the product")


def _rules_of(always: Always, key: Key) -> Iterator[RuleNode]:
    """The rules of a name, with what they say together."""
    yield from always.clauses.get(key, ())
    yield from (each.rule for each in always.together(key))


def _permits(always: Always, rule: RuleNode, action: str | None, type_: str | None) -> bool:
    """Whether the head of a permission takes an action and a type."""
    _, named, resource = rule.parameters
    return named.literal in (None, action) and always.may_be(type_, resource.type)


def _opening(always: Always, known: Always, own: frozenset[str], kept: Callable[[], set[Place]]) -> Iterator[Excess]:
    """The folder's own rules that always hold, of those that rules of the product rest on.

    `kept` finds the places of what the floor rests on, which no signature allows.
    """
    keys = known.clauses.keys() & always.clauses.keys() - _ELSEWHERE
    rules = [rule for key in keys for rule in _rules_of(always, key) if rule.place.file in own]
    resting = _resting_on(known) if rules else {}
    for rule in sorted(rules, key=lambda rule: (rule.place.file, rule.place.line, rule.place.column)):
        key = (rule.name, len(rule.parameters))
        calls = [(call, by) for call, by in resting.get(key, ()) if _can_call(call, rule)]
        for named, by in {_texts(call): by for call, by in reversed(calls)}.items():
            if always.holds(rule, named) and rule.place not in kept() and not _is_one_of(rule, known.clauses[key]):
                what = f"always lets `{rule.name}` hold, on which `{by.name}` in {by.place.file}:{by.place.line} rests"
                yield Excess(f"opens {rule.name}/{len(rule.parameters)}", what, rule.place)
                break


@lru_cache(maxsize=2)
def _resting_on(known: Always) -> dict[Key, list[tuple[Call, RuleNode]]]:
    """The calls on which an allow of the product rests, by what they call, with the rule that each stands in.

    What stands under `not` or `forall` is left out: where it holds, less is allowed.
    """
    found: dict[Key, list[tuple[Call, RuleNode]]] = {}
    waiting = deque(rule for key in _RESTING for rule in known.clauses.get(key, ()))
    while waiting:
        rule = waiting.popleft()
        for call in _calls(rule.body):
            key = (call.name, len(call.arguments))
            if key not in found and key not in _RESTING:
                waiting += known.clauses.get(key, ())
            found.setdefault(key, []).append((call, rule))
    return found


def _calls(condition: Term | None) -> Iterator[Call]:
    if isinstance(condition, Call):
        yield condition
    elif isinstance(condition, And | Or):
        for each in condition.parts:
            yield from _calls(each)


def _can_call(call: Call, rule: RuleNode) -> bool:
    """Whether a call can be about what the head of a rule names."""
    pairs = zip(call.arguments, (parameter.term for parameter in rule.parameters), strict=True)
    return all(one.value == two.value for one, two in pairs if isinstance(one, Literal) and isinstance(two, Literal))


def _dropped(always: Always, known: Always, groups: Groups) -> Iterator[Excess]:
    """What the product requires and the bundle no longer does: a `requires` that is gone, or one of a group from which
    the folder exempts.
    """
    kept = _required(always)
    for need, rule in _required(known).items():
        if need not in kept:
            action, type_, requirement = need
            what = f"drops `{requirement}` of `{action}` on {type_}"
            exemption = groups.exemption_of((requirement or "", action or "", type_ or ""))
            place = Place(rule.place.file, 0, 0) if exemption is None else exemption.place
            yield Excess(f"drops {action} {type_} {requirement}", what, place, ", which the product requires")


def _required(always: Always) -> dict[_Need, RuleNode]:
    return {_need(rule, 0, 1, 2): rule for rule in always.clauses.get(_REQUIRES, ())}


def _need(rule: RuleNode, action: int, type_: int, requirement: int) -> _Need:
    """What a rule is about: action, type and requirement."""
    parameters = rule.parameters
    return parameters[action].literal, parameters[type_].type, parameters[requirement].literal


def _texts(call: Call) -> frozenset[int]:
    """The places at which a call names a text."""
    return frozenset(place for place, each in enumerate(call.arguments) if isinstance(each, Literal))


def _is_one_of(rule: RuleNode, others: Iterable[RuleNode]) -> bool:
    """Whether a rule says the same as one of others, wherever they stand."""
    words = placeless(rule.parameters), placeless(rule.body)
    return any(words == (placeless(other.parameters), placeless(other.body)) for other in others)
