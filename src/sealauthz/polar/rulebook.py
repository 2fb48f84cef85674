"""The contract of a bundle, read and checked: which requirements each action has, what settles and what explains them.

The shapes that `requires`, `meets`, `waived`, `because`, `otherwise`, `reason` and `obligation` must have are strict
for one reason: `requires` stands under a negation, where a requirement that goes missing would allow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from sealauthz.errors import BundleRefused
from sealauthz.polar.source import Block, Parameter, Rule, RuleType, Statement

CONTRACT_FILE = "contract.polar"
FLOOR_FILE = "floor.polar"

_PRODUCT_OWNED = frozenset({"allow", "settled", "unmet"})
_AUDIENCES = frozenset({"USER", "OPERATOR"})

Need = tuple[str, str, str]
"""A requirement of an action on a type: (requirement, action, type)."""


@dataclass(frozen=True, slots=True)
class ReasonEntry:
    """What the bundle says about a reason code; `next_steps` is in the order of the file and never empty."""

    stage: int
    audience: str
    next_steps: tuple[str, ...]


@dataclass(slots=True)
class Rulebook:
    """The bundle's contract. Mappings keep the order of the files."""

    requirements: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    meets: dict[Need, list[Rule]] = field(default_factory=dict)
    waived: dict[Need, list[Rule]] = field(default_factory=dict)
    because: dict[str, list[Rule]] = field(default_factory=dict)
    otherwise: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, ReasonEntry] = field(default_factory=dict)
    obligations: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    rules: dict[str, list[Rule]] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    floor_wide: list[tuple[str, Rule]] = field(default_factory=list)
    """What meets a requirement of the floor whatever the action, which the floor's own file alone may say."""
    carried: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """By `parameter` or `counted` and a next step: the names of what the step carries."""

    def actions_of(self, resource_type: str) -> tuple[str, ...]:
        """The actions that a resource type has, in the order in which the bundle mentions them."""
        return tuple(action for action, type_ in self.requirements if type_ == resource_type)

    def steps_of(self, requirements: Iterable[str], resource_type: str, *codes: str) -> frozenset[str]:
        """The next steps that a deny may have where these requirements of a resource type, or these codes, are its
        reasons.
        """
        given = set(codes)
        for requirement in requirements:
            given.add(self.otherwise[requirement])
            for rule in self.because.get(requirement, ()):
                # A type that is no resource's may stand for several: then the rule may be about any.
                about = rule.parameters[3].type
                if about == resource_type or about not in self.resource_types:
                    given.add(rule.parameters[1].literal or "")
        return frozenset(step for code in given for step in self.reasons[code].next_steps)

    @property
    def resource_types(self) -> tuple[str, ...]:
        """The resource types that have actions."""
        return tuple(dict.fromkeys(type_ for _, type_ in self.requirements))


def rulebook_of(statements: Iterable[Statement], product_reasons: Iterable[str]) -> Rulebook:
    """Read the contract out of a bundle's statements and check it.

    `product_reasons` are the codes that the service itself gives, which the bundle must describe. Raises BundleRefused.
    """
    book = Rulebook()
    floor: dict[Need, Rule] = {}
    for statement in statements:
        if isinstance(statement, Block):
            book.blocks.append(statement)
            continue
        if statement.name in _PRODUCT_OWNED and statement.file != CONTRACT_FILE:
            _refuse(statement, f"`{statement.name}` is defined by {CONTRACT_FILE} alone")
        if isinstance(statement, RuleType):
            continue
        book.rules.setdefault(statement.name, []).append(statement)
        read = _READERS.get(statement.name)
        if read is not None:
            read(book, statement)
        if statement.name == "requires" and statement.file == FLOOR_FILE:
            action, type_, requirement = _requires_parts(statement)
            floor[requirement, action, type_] = statement
    _spread_floor(book, floor)
    _check_settled(book, floor)
    _check_explained(book, product_reasons)
    return book


def _spread_floor(book: Rulebook, floor: Mapping[Need, Rule]) -> None:
    """Let what meets a requirement of the floor for every action meet it for each that the floor lists."""
    for requirement, rule in book.floor_wide:
        needs = [(requirement, *key) for key, listed in book.requirements.items() if requirement in listed]
        if not needs:
            _refuse(rule, f"no action requires `{requirement}`")
        for need in needs:
            if need not in floor:
                _, action, type_ = need
                said = f"`{requirement}` is met for every action by {FLOOR_FILE}, which alone may require it"
                _refuse(rule, f"{said}: `{action}` on {type_}")
            book.meets.setdefault(need, []).append(rule)


def _refuse(rule: Rule | RuleType, message: str) -> NoReturn:
    raise BundleRefused(message, rule.file, rule.line, rule.column)


def _literal(rule: Rule, index: int, what: str) -> str:
    parameter = rule.parameters[index]
    if not parameter.literal:
        _refuse(rule, f"the {what} of `{rule.name}` is a literal, not `{parameter.text}`")
    return parameter.literal


def _arity(rule: Rule, count: int) -> None:
    if len(rule.parameters) != count:
        _refuse(rule, f"`{rule.name}` has {count} parameters, not {len(rule.parameters)}")


def _fact(rule: Rule, count: int) -> None:
    _arity(rule, count)
    if rule.body:
        _refuse(rule, f"`{rule.name}` is a fact and has no `if`")


def _resource_type(rule: Rule, parameter: Parameter) -> str:
    if parameter.type is None:
        _refuse(rule, f"the resource of `{rule.name}` names its type, as in `_: Seal`")
    return parameter.type


def _requires_parts(rule: Rule) -> tuple[str, str, str]:
    _fact(rule, 3)
    return _literal(rule, 0, "action"), _resource_type(rule, rule.parameters[1]), _literal(rule, 2, "requirement")


def _read_requires(book: Rulebook, rule: Rule) -> None:
    action, type_, requirement = _requires_parts(rule)
    listed = book.requirements.get((action, type_), ())
    if requirement in listed:
        _refuse(rule, f"`{action}` on {type_} requires `{requirement}` already")
    book.requirements[action, type_] = (*listed, requirement)


def _read_meets(book: Rulebook, rule: Rule) -> None:
    _arity(rule, 5)
    action, resource = rule.parameters[2], rule.parameters[3]
    if rule.file == FLOOR_FILE and action.variable and resource.variable and resource.type is None:
        book.floor_wide.append((_literal(rule, 1, "requirement"), rule))
        return
    need = (_literal(rule, 1, "requirement"), _literal(rule, 2, "action"), _resource_type(rule, rule.parameters[3]))
    book.meets.setdefault(need, []).append(rule)


def _read_waived(book: Rulebook, rule: Rule) -> None:
    _arity(rule, 4)
    need = (_literal(rule, 0, "requirement"), _literal(rule, 1, "action"), _resource_type(rule, rule.parameters[2]))
    book.waived.setdefault(need, []).append(rule)


def _read_because(book: Rulebook, rule: Rule) -> None:
    _arity(rule, 5)
    _literal(rule, 1, "reason")
    book.because.setdefault(_literal(rule, 0, "requirement"), []).append(rule)


def _read_otherwise(book: Rulebook, rule: Rule) -> None:
    _fact(rule, 2)
    requirement = _literal(rule, 0, "requirement")
    if requirement in book.otherwise:
        _refuse(rule, f"`otherwise` says already what `{requirement}` means")
    book.otherwise[requirement] = _literal(rule, 1, "reason")


def _read_reason(book: Rulebook, rule: Rule) -> None:
    _fact(rule, 4)
    code = _literal(rule, 0, "code")
    stage = rule.parameters[1].number
    audience = _literal(rule, 2, "audience")
    if stage is None:
        _refuse(rule, "the stage of `reason` is a whole number")
    if audience not in _AUDIENCES:
        _refuse(rule, f"the audience of `reason` is USER or OPERATOR, not `{audience}`")
    entry = book.reasons.get(code)
    if entry is not None and (entry.stage, entry.audience) != (stage, audience):
        _refuse(rule, f"`{code}` stands at stage {entry.stage} for {entry.audience} already")
    steps = entry.next_steps if entry else ()
    book.reasons[code] = ReasonEntry(stage, audience, (*steps, _literal(rule, 3, "next step")))


def _read_obligation(book: Rulebook, rule: Rule) -> None:
    _arity(rule, 5)
    key = (_literal(rule, 1, "action"), _resource_type(rule, rule.parameters[2]))
    book.obligations[key] = (*book.obligations.get(key, ()), _literal(rule, 4, "obligation"))


def _read_carried(book: Rulebook, rule: Rule) -> None:
    _arity(rule, 6)
    step = _literal(rule, 0, "next step")
    book.carried.setdefault((rule.name, step), set()).add(_literal(rule, 1, "name"))


_READERS: Mapping[str, Callable[[Rulebook, Rule], None]] = {
    "requires": _read_requires,
    "meets": _read_meets,
    "waived": _read_waived,
    "because": _read_because,
    "otherwise": _read_otherwise,
    "reason": _read_reason,
    "obligation": _read_obligation,
    "parameter": _read_carried,
    "counted": _read_carried,
}


def _check_settled(book: Rulebook, floor: Mapping[Need, Rule]) -> None:
    needs = {(requirement, *key): None for key, listed in book.requirements.items() for requirement in listed}
    for table, verb in ((book.meets, "meets"), (book.waived, "waives")):
        for need, rules in table.items():
            requirement, action, type_ = need
            if need not in needs:
                _refuse(rules[0], f"this {verb} `{requirement}`, which `{action}` on {type_} does not require")
            for rule in rules:
                if need in floor and rule.file != FLOOR_FILE:
                    _refuse(
                        rule,
                        f"`{requirement}` of `{action}` on {type_} belongs to the floor: only {FLOOR_FILE} {verb} it",
                    )
    for need in needs:
        if need not in book.meets:
            requirement, action, type_ = need
            place = next(
                rule for rule in book.rules["requires"] if _requires_parts(rule) == (action, type_, requirement)
            )
            _refuse(place, f"nothing meets `{requirement}` for `{action}` on {type_}")
    if not floor:
        raise BundleRefused(f"the floor is missing: {FLOOR_FILE} requires nothing")


def _check_explained(book: Rulebook, product_reasons: Iterable[str]) -> None:
    required = {requirement for listed in book.requirements.values() for requirement in listed}
    for requirement in sorted(required - book.otherwise.keys()):
        raise BundleRefused(f"`otherwise` does not say what an unmet `{requirement}` means")
    for rule in book.rules.get("otherwise", []):
        if _literal(rule, 0, "requirement") not in required:
            _refuse(rule, f"no action requires `{rule.parameters[0].literal}`")
        _known_reason(book, rule)
    for requirement, rules in book.because.items():
        for rule in rules:
            if requirement not in required:
                _refuse(rule, f"no action requires `{requirement}`")
            _known_reason(book, rule)
    for code in product_reasons:
        if code not in book.reasons:
            raise BundleRefused(f"`reason` does not describe `{code}`, which the service gives")


def _known_reason(book: Rulebook, rule: Rule) -> None:
    code = rule.parameters[1].literal
    if code not in book.reasons:
        _refuse(rule, f"`reason` does not describe `{code}`")
