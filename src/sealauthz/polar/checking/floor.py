"""The floor: every action stands on it, and nothing outside of its file widens what it rests on."""

from __future__ import annotations

from sealauthz.polar.checking.bundle import Key, Rules
from sealauthz.polar.checking.contract import FLOOR_FILE, Contract
from sealauthz.polar.checking.finding import Findings
from sealauthz.polar.checking.terms import walk
from sealauthz.polar.syntax import Call, Place


def check_floor(contract: Contract, rules: Rules, found: Findings) -> None:
    """Find what would weaken the floor."""
    if not contract.floor:
        found.error("floor", f"the floor is missing: {FLOOR_FILE} requires nothing", Place(FLOOR_FILE, 1, 1))
        return
    standing = {(action, type_) for _, action, type_ in contract.floor}
    for action, type_ in contract.actions:
        if (action, type_) not in standing:
            clause = next(c for (_, a, t), c in contract.needs.items() if (a, t) == (action, type_))
            said = f"`{action}` on {type_} drops the floor: {FLOOR_FILE} requires nothing of it"
            found.error("floor", said, clause.place)
    for key in _under_the_floor(rules):
        clauses = rules.by_key[key]
        files = {clause.place.file for clause in clauses}
        owner = FLOOR_FILE if FLOOR_FILE in files else clauses[0].place.file
        for clause in clauses:
            if clause.place.file != owner:
                said = f"the floor rests on `{key[0]}`, which is defined in {owner}: no other file adds to it"
                found.error("floor", said, clause.place)


def _under_the_floor(rules: Rules) -> list[Key]:
    """The rules that `meets` and `waived` of the floor call, directly or not."""
    waiting = [c for name in ("meets", "waived") for c in rules.named(name) if c.place.file == FLOOR_FILE]
    reached: dict[Key, None] = {}
    while waiting:
        clause = waiting.pop()
        if clause.node.body is None:
            continue
        for node in walk(clause.node.body):
            if isinstance(node, Call):
                key = (node.name, len(node.arguments))
                if key in rules.by_key and key not in reached:
                    reached[key] = None
                    waiting.extend(rules.by_key[key])
    return list(reached)
