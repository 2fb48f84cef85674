"""Small mistakes that a policy could hold: each is the policy with one thing changed.

A mistake that the compiler or the checker refuses is none that tests must find, so what would leave a variable without
a value, or a requirement without a rule that meets it, is not made here. Nor is one that changes no answer: a type is
not dropped from `x matches T and f(x)` where every rule of `f` asks for a T, nor where another condition asks for it
(`implied`), nor a rule changed that no question asks (`asked`).
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from sealauthz.decision import Bundle
from sealauthz.decision.checking import plain_classes
from sealauthz.decision.folder import PARAMETERS_FILE
from sealauthz.polar import syntax
from sealauthz.polar.groups import is_of_group
from sealauthz.polar.syntax import BlockNode, Literal, Place, RuleNode, Statement
from sealauthz.polar.terms import conjuncts, variables, walk
from sealauthz.polar.types import TypeTable
from sealauthz.polar.unparse import written, written_head
from sealauthz.policytools.testing.asked import Asked
from sealauthz.policytools.testing.conditions import Kind, changes_of, rewritten, swapped_words
from sealauthz.policytools.testing.coverage import READ_AT_LOAD
from sealauthz.policytools.testing.implied import Given, is_covered, is_implied
from sealauthz.policytools.testing.wanted import Wanted
from sealauthz.schema import Model
from sealauthz.schema.parameters import SECOND, counts_of


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake. `effect` completes "nobody would notice if …".

    `statement` is the position of the statement that is replaced (by None: taken away), `others` those of more that are
    taken away with it; `goal` is the position of the condition that changes in the clause, -1 where it is the whole. A
    shifted number has none of them: `parameters` holds it. `reason` is the one that a requirement has by mistake.
    """

    kind: Kind
    place: Place
    rule: str
    effect: str
    statement: int = -1
    replacement: Statement | None = None
    goal: int = -1
    parameters: Any = None
    others: tuple[int, ...] = ()
    reason: str = ""


def _everywhere(file: str) -> bool:
    return True


def mutants_of(
    bundle: Bundle, statements: Sequence[Statement], is_wanted: Callable[[str], bool] = _everywhere
) -> Iterator[Mutant]:
    """Return the mistakes that a bundle could hold in the files that are wanted, in the order of its files, then of its
    numbers.
    """
    met = _only_met(statements)
    entries = _entries(statements)
    reasons = list(bundle.rulebook.reasons)
    types = TypeTable(bundle.model.records, plain_classes(bundle.model))
    alike = _by_name(statements)
    given, wanted = Given(alike, types), Wanted(alike, types)
    reach = Asked(statements)
    for index, statement in enumerate(statements):
        if not is_wanted(statement.place.file):
            continue
        if isinstance(statement, RuleNode):
            others = alike[statement.name]
            for mutant in _of_rule(
                bundle.model, types, index, statement, wanted, others, given, is_needed=index in met
            ):
                changed = mutant.replacement
                if reach.reaches(statement) or (isinstance(changed, RuleNode) and reach.reaches(changed)):
                    yield mutant
            yield from _of_entry(bundle, index, statement, entries.get(index, ()))
            yield from _of_otherwise(index, statement, reasons)
        elif isinstance(statement, BlockNode):
            yield from _of_block(index, statement)
    if is_wanted(PARAMETERS_FILE):
        yield from _of_parameters(bundle.parameters)


def _by_name(statements: Sequence[Statement]) -> Mapping[str, Sequence[RuleNode]]:
    found: dict[str, list[RuleNode]] = {}
    for statement in statements:
        if isinstance(statement, RuleNode):
            found.setdefault(statement.name, []).append(statement)
    return found


def _entries(statements: Sequence[Statement]) -> dict[int, tuple[int, ...]]:
    """What was spelled out of each entry of a `group_requires`: by the first of its statements, the others."""
    found: dict[Place, list[int]] = {}
    for index, statement in enumerate(statements):
        if isinstance(statement, RuleNode) and is_of_group(statement):
            found.setdefault(statement.place, []).append(index)
    return {first: tuple(others) for first, *others in found.values()}


def _only_met(statements: Sequence[Statement]) -> frozenset[int]:
    """The statements that alone meet a requirement: a bundle without them does not load."""
    meeting: dict[tuple[Any, ...], list[int]] = {}
    for index, statement in enumerate(statements):
        if isinstance(statement, RuleNode) and statement.name == "meets" and len(statement.parameters) == 5:
            terms = [statement.parameters[position] for position in (1, 2, 3)]
            need = (written(terms[0].term), written(terms[1].term), getattr(terms[2].pattern, "name", ""))
            meeting.setdefault(need, []).append(index)
    return frozenset(found[0] for found in meeting.values() if len(found) == 1)


# --- rules ----------------------------------------------------------------------------------------------------------


def _of_rule(
    model: Model,
    types: TypeTable,
    index: int,
    rule: RuleNode,
    wanted: Wanted,
    alike: Sequence[RuleNode],
    given: Given,
    *,
    is_needed: bool,
) -> Iterator[Mutant]:
    head = written_head(rule.name, rule.parameters)
    if rule.name == "requires":
        action, type_, requirement = (written(p.term) for p in rule.parameters)
        named = getattr(rule.parameters[1].pattern, "name", type_)
        effect = f"{action} on {named} did not require {requirement}"
        yield Mutant(Kind.REQUIREMENT_DROPPED, rule.place, rule.name, effect, index)
        return
    if rule.name in READ_AT_LOAD:
        return
    if not is_needed:
        yield Mutant(Kind.RULE_DROPPED, rule.place, rule.name, f"this rule were gone: `{head}`", index)
    if rule.body is None:
        yield from _of_fact(model, index, rule)
        return
    yield from _of_names(model, index, rule)
    goals = list(conjuncts(rule.body))
    known = {name for parameter in rule.parameters for name in variables(parameter.term)}
    for position, goal in enumerate(goals):
        others = goals[position + 1 :]
        later = {name for other in others for name in variables(other)} | known
        is_said_again = (
            is_implied(rule, goals, position, types, given)
            or wanted.is_asked_again(rule, goals, position)
            or is_covered(rule, goals, position, alike, types)
        )
        for kind, place, effect, changed in changes_of(model, goal, known, later):
            if changed is None and is_said_again:
                continue
            made = [*goals[:position], *([changed] if changed is not None else []), *others]
            body = None if not made else made[0] if len(made) == 1 else syntax.And(tuple(made), rule.place)
            yield Mutant(kind, place, rule.name, effect, index, dataclasses.replace(rule, body=body), position)
        known |= set(variables(goal))


def _of_entry(bundle: Bundle, index: int, rule: RuleNode, others: tuple[int, ...]) -> Iterator[Mutant]:
    """Return a requirement less in the list of a group; where it has one member alone, that is no other mistake."""
    if not others:
        return
    action, type_, requirement = rule.parameters
    need = requirement.literal or "", action.literal or "", type_.type or ""
    names = " or ".join(bundle.rulebook.groups.given.get(need, ()))
    effect = f"the group {names} did not require {written(requirement.term)}"
    yield Mutant(Kind.REQUIREMENT_DROPPED, rule.place, rule.name, effect, index, others=others)


def _of_otherwise(index: int, rule: RuleNode, reasons: Sequence[str]) -> Iterator[Mutant]:
    """Return the requirement with the reason that the next one in the list has: it is read when a bundle is loaded."""
    if rule.name != "otherwise":
        return
    requirement, reason = (parameter.literal or "" for parameter in rule.parameters)
    if reason in reasons and len(reasons) > 1:
        other = reasons[(reasons.index(reason) + 1) % len(reasons)]
        effect = f"{requirement} that is unmet were told as {other}"
        yield Mutant(Kind.REASON_SWAPPED, rule.place, rule.name, effect, index, rule, reason=other)


def _of_fact(model: Model, index: int, rule: RuleNode) -> Iterator[Mutant]:
    """Return a plain fact of a helper with another word or number. What is about an action is named by its head."""
    if rule.name in _OF_CONTRACT:
        return
    for position, parameter in enumerate(rule.parameters):
        if parameter.pattern is not None or not isinstance(parameter.term, Literal):
            continue
        changes = list(swapped_words(model, None, parameter.term))
        if type(parameter.term.value) is int:
            more = Literal(parameter.term.value + 1, parameter.term.place)
            changes.append((Kind.FACT_CHANGED, more.place, f"{parameter.term.value} were {more.value}", more))
        for _, where, effect, changed in changes:
            made = dataclasses.replace(parameter, term=changed)
            others = (*rule.parameters[:position], made, *rule.parameters[position + 1 :])
            said = f"{effect} in `{written_head(rule.name, rule.parameters)}`"
            yield Mutant(Kind.FACT_CHANGED, where, rule.name, said, index, dataclasses.replace(rule, parameters=others))


_OF_CONTRACT = frozenset(
    {"allow", "requires", "meets", "waived", "because", "visible", "obligation", "obligation_parameter", "lapses"}
    | {"parameter", "counted", "has_permission", "has_role", "has_relation", "leads_nowhere"}
)
"""Rules that are asked for by the words in their heads."""


def _of_names(model: Model, index: int, rule: RuleNode) -> Iterator[Mutant]:
    """Return a rule that compares another person, memberships instead of persons, or reads another key of the context.

    What the checker or the compiler refuses because of it counts for nothing.
    """
    if rule.body is None:
        return
    goals = list(conjuncts(rule.body))
    keys = {f"{subject.lower()}_id" for subject in model.subjects}
    named = {written(node): node for node in walk(rule.body) if _is_key(node, keys)}
    persons = list(named)
    for position, goal in enumerate(goals):
        swaps: list[tuple[Kind, Any, Any, str]] = []
        for node in walk(goal):
            if isinstance(node, syntax.Compare | syntax.Unify):
                sides = [side for side in (node.left, node.right) if _is_key(side, keys)]
                if len(sides) > 1:
                    # The ids of two memberships are never those of one person.
                    left, right = (dataclasses.replace(side, name="id") for side in sides)
                    both = dataclasses.replace(node, left=left, right=right)
                    swaps.append((Kind.PERSON_SWAPPED, node, both, written(both)))
                for side in sides:
                    # The next person of the rule, but for the one on the other side.
                    other = written(node.right if side is node.left else node.left)
                    at = persons.index(written(side))
                    beside = next((each for each in (*persons[at + 1 :], *persons[:at]) if each != other), None)
                    if beside is not None:
                        swaps.append((Kind.PERSON_SWAPPED, side, named[beside], beside))
            elif _is_of_context(node):
                key = _like(model, rule, node.name)
                if key:
                    changed = dataclasses.replace(node, name=key)
                    swaps.append((Kind.CONTEXT_SWAPPED, node, changed, written(changed)))
        for kind, node, by, said in swaps:
            made = [*goals[:position], rewritten(goal, node, by), *goals[position + 1 :]]
            body = made[0] if len(made) == 1 else syntax.And(tuple(made), rule.place)
            effect = f"`{written(node)}` were `{said}` in `{written(goal)}`"
            yield Mutant(kind, node.place, rule.name, effect, index, dataclasses.replace(rule, body=body), position)


def _is_key(node: Any, keys: Collection[str]) -> TypeGuard[syntax.Attribute]:
    return isinstance(node, syntax.Attribute) and node.name in keys


def _is_of_context(node: Any) -> TypeGuard[syntax.Attribute]:
    if not isinstance(node, syntax.Attribute) or not isinstance(node.base, syntax.Variable):
        return False
    return node.base.name == "context" and node.name not in {"parameters", "now", "caller"}


def _like(model: Model, rule: RuleNode, key: str) -> str:
    """The next key of the context of a rule that holds the same type; empty where there is none.

    Of a helper, which is asked in several contexts, the first that has such a key.
    """
    words = [parameter.literal for parameter in rule.parameters if parameter.literal]
    types = [parameter.type for parameter in rule.parameters if parameter.type]
    own = [model.action(*pair).context for pair in itertools.product(words, types) if pair in model.actions]
    for context in own or model.contexts:
        fields = {field.name: str(field.type) for field in dataclasses.fields(context)}
        alike = [name for name, type_ in fields.items() if type_ == fields.get(key)]
        if len(alike) > 1:
            return alike[(alike.index(key) + 1) % len(alike)]
    return ""


# --- blocks and numbers ---------------------------------------------------------------------------------------------


def _of_block(index: int, block: BlockNode) -> Iterator[Mutant]:
    for position, shorthand in enumerate(block.shorthands):
        rest = (*block.shorthands[:position], *block.shorthands[position + 1 :])
        on = f" on {written(shorthand.relation)}" if shorthand.relation is not None else ""
        effect = f"{written(shorthand.implier)}{on} did not give {written(shorthand.implied)} on {block.type}"
        replacement = dataclasses.replace(block, shorthands=rest)
        yield Mutant(Kind.PERMISSION_DROPPED, shorthand.place, block.type, effect, index, replacement)


def _of_parameters(parameters: Any) -> Iterator[Mutant]:
    counts = counts_of(type(parameters))
    for field in dataclasses.fields(parameters):
        value = getattr(parameters, field.name)
        step, unit = (1, "1") if field.name in counts else (SECOND, "a second")
        for sign, word in ((1, "more"), (-1, "less")):
            effect = f"`{field.name}` were {unit} {word}"
            shifted = dataclasses.replace(parameters, **{field.name: value + sign * step})
            place = Place(PARAMETERS_FILE, 0, 0)
            yield Mutant(Kind.NUMBER_SHIFTED, place, field.name, effect, parameters=shifted)
