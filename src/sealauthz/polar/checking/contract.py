"""The contract of a bundle: the shapes of `requires`, `meets`, `waived` and the rest, and that they fit together.

They are strict for one reason: `requires` stands under a negation, where a requirement that goes missing would allow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from sealauthz.polar.checking.bundle import Clause, Rules
from sealauthz.polar.checking.finding import Findings, did_you_mean
from sealauthz.polar.checking.names import ARITIES
from sealauthz.polar.checking.terms import written
from sealauthz.polar.syntax import BlockNode, Literal, Parameter, Place, TypePattern, Variable
from sealauthz.polar.types import Types

CONTRACT_FILE = "contract.polar"
FLOOR_FILE = "floor.polar"

ASKED = ("allow", "settled", "visible", "has_standing", "has_permission")
"""The rules that the service asks of every bundle."""

PRODUCT_OWNED = frozenset({"allow", "settled", "unmet"})
_AUDIENCES = ("USER", "OPERATOR")
_FACTS = frozenset({"requires", "otherwise", "reason"})

Need = tuple[str, str, str]
"""A requirement of an action on a type: (requirement, action, type)."""


@dataclass(slots=True)
class Contract:
    """What a bundle requires, and what settles and explains it."""

    needs: dict[Need, Clause] = field(default_factory=dict)
    floor: set[Need] = field(default_factory=set)
    floor_wide: list[tuple[str, Clause]] = field(default_factory=list)
    """What meets a requirement of the floor whatever the action, which the floor's own file alone may say."""
    meets: dict[Need, list[Clause]] = field(default_factory=dict)
    waived: dict[Need, list[Clause]] = field(default_factory=dict)
    because: dict[str, list[Clause]] = field(default_factory=dict)
    otherwise: dict[str, Clause] = field(default_factory=dict)
    reasons: dict[str, list[Clause]] = field(default_factory=dict)

    @property
    def requirements(self) -> frozenset[str]:
        """Every requirement that an action has."""
        return frozenset(requirement for requirement, _, _ in self.needs)

    @property
    def actions(self) -> dict[tuple[str, str], list[str]]:
        """The requirements of each action on a type, in the order of the files."""
        found: dict[tuple[str, str], list[str]] = {}
        for requirement, action, type_ in self.needs:
            found.setdefault((action, type_), []).append(requirement)
        return found


def check_contract(rules: Rules, types: Types, product_reasons: Iterable[str], found: Findings) -> Contract:
    """Read the contract out of a bundle and find what is wrong with it."""
    contract = Contract()
    for statement in rules.statements:
        if isinstance(statement, BlockNode):
            continue
        if statement.name in PRODUCT_OWNED and statement.place.file != CONTRACT_FILE:
            said = f"`{statement.name}` is defined by {CONTRACT_FILE} alone"
            found.error("product-owned", said, statement.place)
    for clause in rules.clauses:
        name, arity = clause.key
        reader = _READERS.get(name)
        if reader is None or arity != ARITIES[name]:
            continue
        if name in _FACTS and clause.node.body is not None:
            found.error("fact", f"`{name}` is a fact and has no `if`", clause.place)
        reader(_Reading(contract, clause, types, found))
    _spread_floor(contract, found)
    missing = [f"`{name}`" for name in ASKED if (name, ARITIES[name]) not in rules.by_key]
    if missing:
        said = f"no rule {' or '.join(missing)} is defined, which the service asks for"
        found.error("rule", said, Place(CONTRACT_FILE, 1, 1))
    _check_settled(contract, found)
    _check_explained(contract, rules, tuple(product_reasons), found)
    _check_actions(contract, rules, found)
    return contract


# --- reading --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reading:
    contract: Contract
    clause: Clause
    types: Types
    found: Findings

    def literal(self, index: int, what: str) -> str | None:
        """The text at a parameter; None, and an error, where it is something else."""
        term = self.clause.node.parameters[index].term
        if isinstance(term, Literal) and isinstance(term.value, str) and term.value:
            return term.value
        said = f"the {what} of `{self.clause.key[0]}` is a literal, not `{written(term)}`"
        self.found.error("shape", said, self.clause.node.parameters[index].place)
        return None

    def resource(self, index: int) -> str | None:
        """The type at a parameter; None, and an error, where it names none."""
        parameter = self.clause.node.parameters[index]
        if not isinstance(parameter.pattern, TypePattern):
            said = f"the resource of `{self.clause.key[0]}` names its type, as in `_: Seal`"
            self.found.error("shape", said, parameter.place)
            return None
        name = parameter.pattern.name
        if name in self.types.classes and name not in self.types.records:
            self.found.error("class", f"`{name}` has actions but is no record", parameter.pattern.place)
        return name

    def need(self, requirement: int, action: int, resource: int) -> Need | None:
        parts = (self.literal(requirement, "requirement"), self.literal(action, "action"), self.resource(resource))
        return parts if all(parts) else None  # type: ignore[return-value]


def _requires(reading: _Reading) -> None:
    need = reading.need(2, 0, 1)
    if need is None:
        return
    clause, contract = reading.clause, reading.contract
    if need in contract.needs:
        said = f"`{need[1]}` on {need[2]} requires `{need[0]}` already"
        reading.found.error("twice", said, clause.place)
        return
    contract.needs[need] = clause
    if clause.place.file == FLOOR_FILE:
        contract.floor.add(need)


def _meets(reading: _Reading) -> None:
    clause = reading.clause
    if clause.place.file == FLOOR_FILE and _is_open(clause.node.parameters[2]) and _is_open(clause.node.parameters[3]):
        requirement = reading.literal(1, "requirement")
        if requirement is not None:
            reading.contract.floor_wide.append((requirement, clause))
        return
    need = reading.need(1, 2, 3)
    if need is not None:
        reading.contract.meets.setdefault(need, []).append(clause)


def _is_open(parameter: Parameter) -> bool:
    """Whether a parameter takes every value."""
    return isinstance(parameter.term, Variable) and parameter.pattern is None


def _waived(reading: _Reading) -> None:
    need = reading.need(0, 1, 2)
    if need is not None:
        reading.contract.waived.setdefault(need, []).append(reading.clause)


def _because(reading: _Reading) -> None:
    requirement, _ = reading.literal(0, "requirement"), reading.literal(1, "reason")
    if requirement is not None:
        reading.contract.because.setdefault(requirement, []).append(reading.clause)


def _otherwise(reading: _Reading) -> None:
    requirement, _ = reading.literal(0, "requirement"), reading.literal(1, "reason")
    if requirement is None:
        return
    if requirement in reading.contract.otherwise:
        said = f"`otherwise` says already what `{requirement}` means"
        reading.found.error("twice", said, reading.clause.place)
        return
    reading.contract.otherwise[requirement] = reading.clause


def _reason(reading: _Reading) -> None:
    code, audience = reading.literal(0, "code"), reading.literal(2, "audience")
    reading.literal(3, "next step")
    clause, found = reading.clause, reading.found
    stage = clause.literals.get(1)
    if type(stage) is not int:
        found.error("shape", "the stage of `reason` is a whole number", clause.node.parameters[1].place)
    if audience is not None and audience not in _AUDIENCES:
        said = f"the audience of `reason` is USER or OPERATOR, not `{audience}`"
        found.error("shape", said, clause.node.parameters[2].place, did_you_mean(audience, _AUDIENCES))
    if code is None:
        return
    known = reading.contract.reasons.setdefault(code, [])
    if known and (known[0].literals.get(1), known[0].literals.get(2)) != (stage, audience):
        at, for_ = known[0].literals.get(1), known[0].literals.get(2)
        found.error("twice", f"`{code}` stands at stage {at} for {for_} already", clause.place)
    known.append(clause)


def _obligation(reading: _Reading) -> None:
    reading.literal(1, "action")
    reading.resource(2)
    reading.literal(4, "obligation")


def _obligation_parameter(reading: _Reading) -> None:
    reading.literal(0, "obligation")
    reading.literal(1, "name")
    reading.literal(4, "action")
    reading.resource(5)


_READERS: Mapping[str, Callable[[_Reading], None]] = {
    "requires": _requires,
    "meets": _meets,
    "waived": _waived,
    "because": _because,
    "otherwise": _otherwise,
    "reason": _reason,
    "obligation": _obligation,
    "obligation_parameter": _obligation_parameter,
}


def _spread_floor(contract: Contract, found: Findings) -> None:
    """Let what meets a requirement of the floor for every action meet it for each that the floor lists."""
    for requirement, clause in contract.floor_wide:
        needs = [need for need in contract.needs if need[0] == requirement]
        for need in needs:
            if need in contract.floor:
                contract.meets.setdefault(need, []).append(clause)
            else:
                said = f"`{requirement}` is met for every action by {FLOOR_FILE}, which alone may require it"
                found.error("floor", said, contract.needs[need].place)
        if not needs:
            said = f"no action requires `{requirement}`"
            found.error("requirement", said, _at(clause, 1), did_you_mean(requirement, contract.requirements))


# --- fitting together -----------------------------------------------------------------------------------------------


def _at(clause: Clause, index: int) -> Place:
    return clause.node.parameters[index].place


def _check_settled(contract: Contract, found: Findings) -> None:
    for table, verb, position in ((contract.meets, "meets", 1), (contract.waived, "waives", 0)):
        for need, clauses in table.items():
            requirement, action, type_ = need
            for clause in clauses:
                if need not in contract.needs:
                    near = [known for known, *key in contract.needs if key == [action, type_]]
                    if not near:
                        continue  # _check_actions says that there is no such action
                    said = f"this {verb} `{requirement}`, which `{action}` on {type_} does not require"
                    found.error("requirement", said, _at(clause, position), did_you_mean(requirement, near))
                elif need in contract.floor and clause.place.file != FLOOR_FILE:
                    said = f"`{requirement}` of `{action}` on {type_} belongs to the floor: only {FLOOR_FILE} {verb} it"
                    found.error("floor", said, clause.place)
    for need, clause in contract.needs.items():
        if need not in contract.meets:
            requirement, action, type_ = need
            found.error("unmeetable", f"nothing meets `{requirement}` for `{action}` on {type_}", clause.place)


def _check_explained(contract: Contract, rules: Rules, product_reasons: Iterable[str], found: Findings) -> None:
    required = contract.requirements
    seen: set[str] = set()
    for (requirement, _, _), clause in contract.needs.items():
        if requirement not in contract.otherwise and requirement not in seen:
            seen.add(requirement)
            said = f"`otherwise` does not say what an unmet `{requirement}` means"
            found.error("unexplained", said, clause.place)
    explaining = [*contract.otherwise.values(), *(c for clauses in contract.because.values() for c in clauses)]
    for clause in explaining:
        requirement, code = str(clause.literals[0]), clause.literals.get(1)
        if requirement not in required:
            hint = did_you_mean(requirement, required)
            found.error("requirement", f"no action requires `{requirement}`", _at(clause, 0), hint)
        if isinstance(code, str) and code not in contract.reasons:
            hint = did_you_mean(code, contract.reasons)
            found.error("reason", f"`reason` does not describe `{code}`", _at(clause, 1), hint)
    given = {*product_reasons, *(clause.literals.get(1) for clause in explaining)}
    for code, clauses in contract.reasons.items():
        if code not in given:
            found.warning("unused", f"nothing gives the reason `{code}`", clauses[0].place)
    missing = [f"`{code}`" for code in product_reasons if code not in contract.reasons]
    if missing:
        said = f"`reason` does not describe {' or '.join(missing)}, which the service gives"
        found.error("reason", said, Place(CONTRACT_FILE, 1, 1))
    steps = {str(clause.literals.get(3)) for clauses in contract.reasons.values() for clause in clauses}
    for clause in (*rules.named("parameter"), *rules.named("counted")):
        step = clause.literals.get(0)
        if isinstance(step, str) and step not in steps:
            said = f"no reason has the next step `{step}`"
            found.error("next-step", said, _at(clause, 0), did_you_mean(step, steps))


_ACTION_AT = {"meets": (2, 3), "waived": (1, 2), "obligation": (1, 2), "obligation_parameter": (4, 5), "lapses": (1, 3)}


def _check_actions(contract: Contract, rules: Rules, found: Findings) -> None:
    """Every action that a rule names has a checklist, and every action with a checklist is a permission of its type."""
    actions = contract.actions
    for name, (action_at, type_at) in _ACTION_AT.items():
        for clause in rules.by_key.get((name, ARITIES[name]), ()):
            action, pattern = clause.literals.get(action_at), clause.node.parameters[type_at].pattern
            type_ = pattern.name if isinstance(pattern, TypePattern) else None
            if action is None or (action, type_) in actions or (type_ is None and any(a == action for a, _ in actions)):
                continue
            known = [a for a, t in actions if type_ in (None, t)]
            said = f"no checklist has the action `{action}`" + (f" on {type_}" if type_ else "")
            found.error("action", said, _at(clause, action_at), did_you_mean(str(action), known))
    for action, type_ in actions:
        declared = rules.declared.get(type_)
        permissions = declared.of_kind("permission") if declared else ()
        if permissions and action not in permissions:
            clause = next(c for (_, a, t), c in contract.needs.items() if (a, t) == (action, type_))
            said = f"{type_} declares no permission `{action}`, so that nobody can be allowed"
            found.error("permission", said, _at(clause, 0), did_you_mean(action, permissions))
