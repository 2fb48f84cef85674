"""Allows that would outlive what they rest on: a check that gets too old, or a membership that ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sealauthz.polar.check.rules import Clause, Key, Rules
from sealauthz.polar.contract import ARITIES, Rulebook
from sealauthz.polar.diagnostic import Diagnostics
from sealauthz.polar.syntax import And, Arithmetic, Attribute, Compare, Or, Place, Term

_About = tuple[str, str]
"""An action and the type of its resource."""

_Rests = Mapping[Key, set[Key]]
"""By a rule, the rules that end by themselves and that it rests on."""

_SETTLING = ("meets", "waived")
"""The rules that an allow rests on for a requirement."""

_NOW = "now"


def check_lapsing(book: Rulebook, rules: Rules, found: Diagnostics) -> None:
    """Find actions that rest on what ends by itself and have no `lapses` for it, where another action has one.

    What ends is a rule that compares `now` with its end. For the floor that is any such rule; for other requirements
    one that adds a length of time to an instant, as a face check does that gets too old.
    """
    ending = {
        key: is_window
        for key, clauses in rules.by_key.items()
        if key[0] not in ARITIES and (is_window := _ends(clauses)) is not None
    }
    if not ending:
        return
    rests = _what_rests_on(ending, rules)
    lapses, for_every_action = _lapses_by_action(rules, rests)
    settling = (clause for name in _SETTLING for clause in rules.by_key.get((name, ARITIES[name]), ()))
    by_node = {id(clause.node): clause for clause in settling}
    resting: dict[Key, dict[_About, Place]] = {}
    for need, nodes in (*book.meets.items(), *book.waived.items()):
        is_floor = need in book.floor
        for node in nodes:
            for key in _of_clause(by_node[id(node)], rests) - for_every_action:
                if is_floor or ending[key]:
                    resting.setdefault(key, {}).setdefault((need[1], need[2]), node.place)
    for key, places in resting.items():
        sibling = next((about for about in places if key in lapses.get(about, ())), None)
        for about, place in places.items():
            if sibling is not None and key not in lapses.get(about, ()):
                message = (
                    f"`{about[0]}` on {about[1]} rests on `{key[0]}`, which ends by itself, and has no `lapses` that "
                    f"reads it: `{sibling[0]}` on {sibling[1]} has one"
                )
                hint = f"an allow would outlive it: add a `lapses` of `{about[0]}` that asks for it"
                found.error("lapse", message, place, hint)


def _lapses_by_action(rules: Rules, rests: _Rests) -> tuple[dict[_About, set[Key]], set[Key]]:
    """What the `lapses` of each action rest on, and what those for every action do."""
    found: dict[_About, set[Key]] = {}
    for_every_action: set[Key] = set()
    for clause in rules.by_key.get(("lapses", 5), ()):
        action, type_ = clause.literals.get(1), clause.node.parameters[2].type
        keys = _of_clause(clause, rests)
        if isinstance(action, str) and type_ is not None:
            found.setdefault((action, type_), set()).update(keys)
        else:
            for_every_action |= keys
    return found, for_every_action


def _what_rests_on(ending: Iterable[Key], rules: Rules) -> _Rests:
    """Which of the rules that end each rule calls, directly or not, and not under a negation; itself included."""
    callers: dict[Key, set[Key]] = {}
    for key, clauses in rules.by_key.items():
        if key[0] not in ARITIES:
            for clause in clauses:
                for called, is_negated, _ in clause.calls:
                    if not is_negated:
                        callers.setdefault(called, set()).add(key)
    rests: dict[Key, set[Key]] = {}
    for key in ending:
        waiting = [key]
        while waiting:
            user = waiting.pop()
            known = rests.setdefault(user, set())
            if key not in known:
                known.add(key)
                waiting.extend(callers.get(user, ()))
    return rests


def _of_clause(clause: Clause, rests: _Rests) -> set[Key]:
    """What a clause rests on."""
    found: set[Key] = set()
    for called, is_negated, _ in clause.calls:
        if not is_negated and called in rests:
            found |= rests[called]
    return found


def _ends(clauses: Iterable[Clause]) -> bool | None:
    """Whether a rule holds for a length of time from some instant on; None where it does not end by itself."""
    ends: bool | None = None
    for clause in clauses:
        for end in _ends_in(clause.node.body):
            ends = bool(ends) or isinstance(end, Arithmetic)
    return ends


def _ends_in(goal: Term | None) -> Iterable[Term]:
    """What `now` must be less than."""
    if isinstance(goal, And | Or):
        for part in goal.parts:
            yield from _ends_in(part)
    elif isinstance(goal, Compare):
        if goal.operator in ("<", "<="):
            now, end = goal.left, goal.right
        elif goal.operator in (">", ">="):
            now, end = goal.right, goal.left
        else:
            return
        if isinstance(now, Attribute) and now.name == _NOW:
            yield end
