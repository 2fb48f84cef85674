"""The contract of a bundle, read from the tree: which requirements each action has, what settles and explains them.

The shapes that `requires`, `meets`, `waived`, `because`, `otherwise`, `reason` and `obligation` must have are strict
for one reason: `requires` stands under a negation, where a requirement that goes missing would allow.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from sealauthz.polar.diagnostic import Diagnostics, did_you_mean, refusal
from sealauthz.polar.groups import FORMS, NO_GROUPS, Groups, Need, expanded
from sealauthz.polar.source import CONTRACT_FILE, FLOOR_FILE
from sealauthz.polar.syntax import BlockNode, Literal, Parameter, Place, RuleNode, RuleTypeNode, Statement
from sealauthz.polar.terms import written
from sealauthz.runtime.errors import BundleRefused

ARITIES = {
    "allow": 4,
    "visible": 3,
    "has_standing": 3,
    "settled": 5,
    "unmet": 5,
    "requires": 3,
    "meets": 5,
    "waived": 4,
    "because": 5,
    "otherwise": 2,
    "reason": 4,
    "obligation": 5,
    "obligation_parameter": 7,
    "parameter": 6,
    "counted": 6,
    "leads_nowhere": 4,
    "audited": 2,
    "lapses": 5,
    "has_role": 3,
    "has_permission": 3,
    "has_relation": 3,
}
"""The rules of the contract, which the service asks for or the blocks write out, and their parameters."""

_PRODUCT_OWNED = frozenset({"allow", "settled", "unmet"})
_AUDIENCES = ("USER", "OPERATOR")
_FACTS = frozenset({"requires", "otherwise", "reason", "audited"})


@dataclass(frozen=True, slots=True)
class ReasonEntry:
    """What the bundle says about a reason code; `next_steps` is in the order of the file and never empty."""

    stage: int
    audience: str
    next_steps: tuple[str, ...]


@dataclass(slots=True)
class Rulebook:
    """The bundle's contract. Mappings keep the order of the files."""

    rules: dict[str, list[RuleNode]] = field(default_factory=dict)
    """All rules by name."""
    requirements: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    requires: dict[Need, RuleNode] = field(default_factory=dict)
    floor: set[Need] = field(default_factory=set)
    floor_wide: list[tuple[str, RuleNode]] = field(default_factory=list)
    """What meets a requirement of the floor for every action, which the floor's own file alone may say."""
    meets: dict[Need, list[RuleNode]] = field(default_factory=dict)
    waived: dict[Need, list[RuleNode]] = field(default_factory=dict)
    because: dict[str, list[RuleNode]] = field(default_factory=dict)
    otherwise: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, ReasonEntry] = field(default_factory=dict)
    obligations: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    carried: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """By `parameter` or `counted` and a next step: the names of what the step carries."""
    audited: set[tuple[str, str]] = field(default_factory=set)
    """The actions of which every answer is in the log before it is given."""
    withheld: set[str] = field(default_factory=set)
    """The next steps that are left out where `leads_nowhere` holds for them."""
    groups: Groups = NO_GROUPS
    """The groups that some of the `requires` were spelled out of."""

    @property
    def names(self) -> frozenset[str]:
        """The names of all rules."""
        return frozenset(self.rules)

    @property
    def explained(self) -> frozenset[str]:
        """The requirements of which rules tell why they are not met."""
        return frozenset(self.because)

    @property
    def naming(self) -> frozenset[tuple[str, str]]:
        """The actions, each with its type of resource, of which an obligation may name something."""
        rules = self.rules.get("obligation_parameter", ())
        return frozenset((rule.parameters[4].literal or "", rule.parameters[5].type or "") for rule in rules)

    def actions_of(self, resource_type: str) -> tuple[str, ...]:
        """The actions that a resource type has, in the order in which the bundle mentions them."""
        return tuple(action for action, type_ in self.requirements if type_ == resource_type)

    def steps_of(self, requirements: Iterable[str], resource_type: str, *codes: str) -> frozenset[str]:
        """The next steps that a deny may have where these requirements of a resource type, or these codes, are its
        reasons.
        """
        given, types = set(codes), frozenset(self.resource_types)
        for requirement in requirements:
            given.add(self.otherwise[requirement])
            for rule in self.because.get(requirement, ()):
                # A type that is no resource's may stand for several: then the rule may be about any.
                about = rule.parameters[3].type
                if about == resource_type or about not in types:
                    given.add(rule.parameters[1].literal or "")
        return frozenset(step for code in given for step in self.reasons[code].next_steps)

    @property
    def resource_types(self) -> tuple[str, ...]:
        """The resource types that have actions."""
        return tuple(dict.fromkeys(type_ for _, type_ in self.requirements))

    @property
    def required(self) -> frozenset[str]:
        """Every requirement that an action has."""
        return frozenset(requirement for listed in self.requirements.values() for requirement in listed)


def rulebook_of(
    statements: Iterable[Statement], product_reasons: Iterable[str], groups: Groups | None = None
) -> Rulebook:
    """Read the contract of a bundle. Raises BundleRefused for the first thing that is wrong with it.

    With `groups`, the statements are those that were spelled out of them.
    """
    diagnostics = Diagnostics()
    if groups is None:
        expansion = expanded(statements)
        statements, groups = expansion.statements, expansion.groups
    book = read_contract(statements, product_reasons, diagnostics, groups)
    for some in diagnostics.noted():
        raise refusal(some.message, some.place)
    if not book.floor:
        raise BundleRefused(f"the floor is missing: {FLOOR_FILE} requires nothing")
    return book


def read_contract(
    statements: Iterable[Statement],
    product_reasons: Iterable[str],
    diagnostics: Diagnostics,
    groups: Groups = NO_GROUPS,
) -> Rulebook:
    """Read the contract of a bundle and note every error in it.

    The statements are those that were spelled out of the `groups`. `product_reasons` are the codes that the service
    itself gives, which the bundle must describe. What has an error is left out. Nobody changes what is returned: a load
    reads the same contract twice.
    """
    reasons = tuple(product_reasons)
    for known in tuple(_read_last):
        if known.statements is statements and known.reasons == reasons and known.book.groups is groups:
            diagnostics.take(known.found)
            return known.book
    found = Diagnostics()
    book = _book_of(statements, reasons, found, groups)
    diagnostics.take(found)
    if isinstance(statements, tuple):
        _read_last.append(_Read(statements, reasons, book, found))
    return book


@dataclass(frozen=True, slots=True)
class _Read:
    """A contract that was read, and what is wrong with it."""

    statements: tuple[Statement, ...]
    reasons: tuple[str, ...]
    book: Rulebook
    found: Diagnostics


_read_last: deque[_Read] = deque(maxlen=2)


def _book_of(
    statements: Iterable[Statement], product_reasons: tuple[str, ...], diagnostics: Diagnostics, groups: Groups
) -> Rulebook:
    book = Rulebook(groups=groups)
    for statement in statements:
        if isinstance(statement, BlockNode):
            continue
        name, place = statement.name, statement.place
        if name in _PRODUCT_OWNED and place.file != CONTRACT_FILE:
            diagnostics.error("product-owned", f"`{name}` is defined by {CONTRACT_FILE} alone", place)
        if name in FORMS:
            diagnostics.error("group", f"`{name}` is not spelled out", place)
        if isinstance(statement, RuleTypeNode):
            continue
        book.rules.setdefault(name, []).append(statement)
        count, arity = len(statement.parameters), ARITIES.get(name)
        if arity is not None and count != arity:
            diagnostics.error("arity", f"`{name}` has {arity} parameters, not {count}", place)
            continue
        if name in _FACTS and statement.body is not None:
            diagnostics.error("fact", f"`{name}` is a fact and has no `if`", place)
        read = _READERS.get(name)
        if read is not None:
            read(_Reading(book, statement, diagnostics))
    _spread_floor(book, diagnostics)
    _check_settled(book, diagnostics)
    _check_explained(book, product_reasons, diagnostics)
    return book


# --- reading --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reading:
    """One rule that is read into a rulebook."""

    book: Rulebook
    rule: RuleNode
    diagnostics: Diagnostics

    def error(self, code: str, message: str, at: int | None = None, hint: str = "") -> None:
        """Note an error at the rule, or at one of its parameters."""
        place = self.rule.place if at is None else self.rule.parameters[at].place
        self.diagnostics.error(code, message, place, hint)

    def literal(self, index: int, what: str) -> str | None:
        """The text at a parameter; None, and an error, where it is something else."""
        parameter = self.rule.parameters[index]
        if not parameter.literal:
            message = f"the {what} of `{self.rule.name}` is a literal, not `{written(parameter.term)}`"
            self.error("shape", message, index)
        return parameter.literal or None

    def resource(self, index: int) -> str | None:
        """The type at a parameter; None, and an error, where it names none."""
        type_ = self.rule.parameters[index].type
        if type_ is None:
            self.error("shape", f"the resource of `{self.rule.name}` names its type, as in `_: Seal`", index)
        return type_

    def action(self, action: int, resource: int) -> tuple[str, str] | None:
        """The action and its type at two parameters."""
        named, type_ = self.literal(action, "action"), self.resource(resource)
        return None if named is None or type_ is None else (named, type_)

    def need(self, requirement: int, action: int, resource: int) -> Need | None:
        """The need at three parameters."""
        named, about = self.literal(requirement, "requirement"), self.action(action, resource)
        return None if named is None or about is None else (named, *about)


def _requires(reading: _Reading) -> None:
    need = reading.need(2, 0, 1)
    if need is None:
        return
    book, (requirement, *about) = reading.book, need
    if need in book.requires:
        reading.error("twice", f"`{need[1]}` on {need[2]} requires `{requirement}` already")
        return
    book.requires[need] = reading.rule
    key = (about[0], about[1])
    book.requirements[key] = (*book.requirements.get(key, ()), requirement)
    if reading.rule.place.file == FLOOR_FILE:
        book.floor.add(need)


def _meets(reading: _Reading) -> None:
    rule = reading.rule
    if rule.place.file == FLOOR_FILE and _is_open(rule.parameters[2]) and _is_open(rule.parameters[3]):
        requirement = reading.literal(1, "requirement")
        if requirement is not None:
            reading.book.floor_wide.append((requirement, rule))
        return
    need = reading.need(1, 2, 3)
    if need is not None:
        reading.book.meets.setdefault(need, []).append(rule)


def _is_open(parameter: Parameter) -> bool:
    """Whether a parameter takes every value."""
    return parameter.variable is not None and parameter.pattern is None


def _waived(reading: _Reading) -> None:
    need = reading.need(0, 1, 2)
    if need is not None:
        reading.book.waived.setdefault(need, []).append(reading.rule)


def _because(reading: _Reading) -> None:
    requirement, reason = reading.literal(0, "requirement"), reading.literal(1, "reason")
    if requirement is not None and reason is not None:
        reading.book.because.setdefault(requirement, []).append(reading.rule)


def _otherwise(reading: _Reading) -> None:
    requirement, reason = reading.literal(0, "requirement"), reading.literal(1, "reason")
    if requirement is None or reason is None:
        return
    if requirement in reading.book.otherwise:
        reading.error("twice", f"`otherwise` says already what `{requirement}` means")
        return
    reading.book.otherwise[requirement] = reason


def _reason(reading: _Reading) -> None:
    code, audience, step = (reading.literal(at, what) for at, what in ((0, "code"), (2, "audience"), (3, "next step")))
    term = reading.rule.parameters[1].term
    stage = term.value if isinstance(term, Literal) and type(term.value) is int else None
    if stage is None:
        reading.error("shape", "the stage of `reason` is a whole number", 1)
    if audience is not None and audience not in _AUDIENCES:
        message = f"the audience of `reason` is USER or OPERATOR, not `{audience}`"
        reading.error("shape", message, 2, did_you_mean(audience, _AUDIENCES))
    if code is None:
        return
    known = reading.book.reasons.get(code)
    if known is not None and (known.stage, known.audience) != (stage, audience):
        reading.error("twice", f"`{code}` stands at stage {known.stage} for {known.audience} already")
        return
    steps = (*(known.next_steps if known else ()), *([step] if step is not None else ()))
    reading.book.reasons[code] = ReasonEntry(stage or 0, audience or "", steps)


def _obligation(reading: _Reading) -> None:
    about, code = reading.action(1, 2), reading.literal(4, "obligation")
    if about is not None and code is not None:
        reading.book.obligations[about] = (*reading.book.obligations.get(about, ()), code)


def _obligation_parameter(reading: _Reading) -> None:
    reading.literal(0, "obligation")
    reading.literal(1, "name")
    reading.action(4, 5)


def _carried(reading: _Reading) -> None:
    step, name = reading.literal(0, "next step"), reading.literal(1, "name")
    if step is not None and name is not None:
        reading.book.carried.setdefault((reading.rule.name, step), set()).add(name)


def _audited(reading: _Reading) -> None:
    about = reading.action(0, 1)
    if about is not None:
        reading.book.audited.add(about)


def _leads_nowhere(reading: _Reading) -> None:
    step = reading.literal(0, "next step")
    if step is not None:
        reading.book.withheld.add(step)


_READERS: Mapping[str, Callable[[_Reading], None]] = {
    "requires": _requires,
    "meets": _meets,
    "waived": _waived,
    "because": _because,
    "otherwise": _otherwise,
    "reason": _reason,
    "obligation": _obligation,
    "obligation_parameter": _obligation_parameter,
    "parameter": _carried,
    "counted": _carried,
    "leads_nowhere": _leads_nowhere,
    "audited": _audited,
}


# --- fitting together -----------------------------------------------------------------------------------------------


def _spread_floor(book: Rulebook, diagnostics: Diagnostics) -> None:
    """Let what meets a requirement of the floor for every action meet it for each that the floor lists."""
    for requirement, rule in book.floor_wide:
        needs = [need for need in book.requires if need[0] == requirement]
        for need in needs:
            if need in book.floor:
                book.meets.setdefault(need, []).append(rule)
            else:
                message = f"`{requirement}` is met for every action by {FLOOR_FILE}, which alone may require it"
                diagnostics.error("floor", message, book.requires[need].place)
        if not needs:
            hint = did_you_mean(requirement, book.required)
            diagnostics.error("requirement", f"no action requires `{requirement}`", rule.parameters[1].place, hint)


def _check_settled(book: Rulebook, diagnostics: Diagnostics) -> None:
    for table, verb, position in ((book.meets, "meets", 1), (book.waived, "waives", 0)):
        for need, rules in table.items():
            requirement, action, type_ = need
            for rule in rules:
                listed = book.requirements.get((action, type_))
                if listed is None:
                    continue  # the checker says that there is no such action
                if requirement not in listed:
                    message = f"this {verb} `{requirement}`, which `{action}` on {type_} does not require"
                    hint = did_you_mean(requirement, listed)
                    diagnostics.error("requirement", message, rule.parameters[position].place, hint)
                elif need in book.floor and rule.place.file != FLOOR_FILE:
                    message = (
                        f"`{requirement}` of `{action}` on {type_} belongs to the floor: only {FLOOR_FILE} {verb} it"
                    )
                    diagnostics.error("floor", message, rule.place)
    unmeetable: dict[Place, list[Need]] = {}
    for need, rule in book.requires.items():
        if need not in book.meets:
            unmeetable.setdefault(rule.place, []).append(need)
    for place, needs in unmeetable.items():
        acts = ", ".join(f"`{action}` on {type_}" for _, action, type_ in needs)
        diagnostics.error("unmeetable", f"nothing meets `{needs[0][0]}` for {acts}", place)


def _check_explained(book: Rulebook, product_reasons: tuple[str, ...], diagnostics: Diagnostics) -> None:
    required = book.required
    seen: set[str] = set()
    for (requirement, _, _), rule in book.requires.items():
        if requirement not in book.otherwise and requirement not in seen:
            seen.add(requirement)
            message = f"`otherwise` does not say what an unmet `{requirement}` means"
            diagnostics.error("unexplained", message, rule.place)
    explaining = [rule for name in ("otherwise", "because") for rule in book.rules.get(name, ())]
    for rule in (rule for rule in explaining if len(rule.parameters) == ARITIES[rule.name]):
        requirement, code = (parameter.literal or "" for parameter in rule.parameters[:2])
        if requirement and requirement not in required:
            hint = did_you_mean(requirement, required)
            message = f"no action requires `{requirement}`"
            diagnostics.error("requirement", message, rule.parameters[0].place, hint)
        if code and code not in book.reasons:
            message = f"`reason` does not describe `{code}`"
            diagnostics.error("reason", message, rule.parameters[1].place, did_you_mean(code, book.reasons))
    missing = [f"`{code}`" for code in product_reasons if code not in book.reasons]
    if missing:
        message = f"`reason` does not describe {' or '.join(missing)}, which the service gives"
        diagnostics.error("reason", message, Place(CONTRACT_FILE, 1, 1))
