"""The floor: every action stands on it, and what it rests on is the product's, wherever that is defined."""

from __future__ import annotations

from sealauthz.polar.check.rules import Clause, Key, Rules
from sealauthz.polar.contract import Rulebook
from sealauthz.polar.diagnostic import Diagnostics
from sealauthz.polar.source import FLOOR_FILE
from sealauthz.polar.syntax import Call, Place
from sealauthz.polar.terms import placeless, walk


def check_floor(book: Rulebook, rules: Rules, found: Diagnostics) -> None:
    """Find what would weaken the floor."""
    if not book.floor:
        found.error("floor", f"the floor is missing: {FLOOR_FILE} requires nothing", Place(FLOOR_FILE, 1, 1))
        return
    standing = {(action, type_) for _, action, type_ in book.floor}
    for action, type_ in book.requirements:
        if (action, type_) not in standing:
            rule = next(rule for (_, *about), rule in book.requires.items() if about == [action, type_])
            message = f"`{action}` on {type_} drops the floor: {FLOOR_FILE} requires nothing of it"
            found.error("floor", message, rule.place)
    for key in rests_on(rules):
        clauses = rules.by_key[key]
        files = {clause.place.file for clause in clauses}
        owner = FLOOR_FILE if FLOOR_FILE in files else clauses[0].place.file
        for clause in clauses:
            if clause.place.file != owner:
                message = f"the floor rests on `{key[0]}`, which is defined in {owner}: no other file adds to it"
                found.error("floor", message, clause.place)


def check_kept(rules: Rules, product: Rules, found: Diagnostics) -> None:
    """Find where a bundle defines what the floor rests on in another way than the product's own bundle does.

    The rules are compared word for word; comments, layout and the order of rules do not matter.
    """
    for key in rests_on(product):
        if {*map(id, product.by_key[key])} == {*map(id, rules.by_key.get(key, ()))}:
            continue
        kept = {_words(clause): clause for clause in product.by_key[key]}
        there = rules.by_key.get(key, [])
        home = product.by_key[key][0].place.file
        message = f"the floor rests on `{key[0]}`, and"
        advice = (
            f"keep its rules as they are in the installed {home}, and write what is yours as a requirement of your own "
            "or as a rule of another name"
        )
        others = [clause for clause in there if _words(clause) not in kept]
        for clause in others:
            found.error("floor", f"{message} this rule of it is not the product's: {advice}", clause.place)
        if not others and kept.keys() - {_words(clause) for clause in there}:
            place = Place(there[0].place.file if there else home, 0, 0)
            found.error("floor", f"{message} {place.file} lacks a rule of it: {advice}", place)


def _words(clause: Clause) -> object:
    """What a clause says, wherever it stands."""
    return placeless(clause.node.parameters), placeless(clause.node.body)


def rests_on(rules: Rules) -> list[Key]:
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
