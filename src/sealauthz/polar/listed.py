"""Rules that list several words where one stands otherwise: written once, and spelled out into a rule for each word.

because(["A", "B"], "TASK_REQUIRED", _: Person, _: Seal, context) if ...;       # the requirements that it explains
obligation(_: Person, ["use", "stamp"], _: Seal, _, "APPEND_SEAL_LOG");         # the actions that oblige to it
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from sealauthz.polar.remembered import Remembered
from sealauthz.polar.syntax import ListTerm, Literal, Parameter, Place, RuleNode
from sealauthz.polar.terms import written

LISTED = {"because": 0, "obligation": 1, "obligation_parameter": 4, "lapses": 1}
"""By the name of a rule, the position at which it may list words."""

_WHAT = {"because": "requirements"}


def lists_words(rule: RuleNode) -> bool:
    """Whether a rule lists words, or what should be words."""
    position = LISTED.get(rule.name, len(rule.parameters))
    return position < len(rule.parameters) and isinstance(rule.parameters[position].term, ListTerm)


def mistakes_in_list(rule: RuleNode) -> Iterator[tuple[str, Place, str]]:
    """Return what is wrong with the list of a rule: a message, its place and a hint."""
    parameter = rule.parameters[LISTED[rule.name]]
    called = f"the {_WHAT.get(rule.name, 'actions')} of `{rule.name}` are"
    listed = parameter.term
    items = listed.items if isinstance(listed, ListTerm) and listed.rest is None else ()
    if not items or parameter.pattern is not None:
        yield f"{called} a text, or a list of texts", parameter.place, ""
    seen: set[object] = set()
    for item in items:
        if not isinstance(item, Literal) or not isinstance(item.value, str):
            yield f"{called} a list of texts, and `{written(item)}` is none", item.place, ""
        elif item.value in seen:
            yield f"`{item.value}` stands twice in this list", item.place, "leave one out"
        else:
            seen.add(item.value)


def spelled_out(rule: RuleNode) -> tuple[RuleNode, ...]:
    """Return the rules that a rule with a list stands for, each at the place of its word."""
    found = _spelled.get(_Is(rule))
    return _spelled.put(_Is(rule), _spelled_out(rule)) if found is None else found


def forget_lists() -> None:
    """Let the next list be spelled out from nothing, for measurements."""
    _spelled.clear()


def remember_list(rule: RuleNode, became: tuple[RuleNode, ...]) -> None:
    """Take what a rule with a list stands for from who has spelled it out."""
    _spelled.put(_Is(rule), became)


class _Is:
    """A rule that is equal to no other; by their values `1` and `true` would be one."""

    __slots__ = ("rule",)

    def __init__(self, rule: RuleNode) -> None:
        self.rule = rule

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Is) and self.rule is other.rule

    def __hash__(self) -> int:
        return id(self.rule)


# What is spelled out of the same words at the same places is the same object: a reload finds what it kept of it.
_spelled: Remembered[_Is, tuple[RuleNode, ...]] = Remembered(500)


def _spelled_out(rule: RuleNode) -> tuple[RuleNode, ...]:
    position = LISTED[rule.name]
    before, after = rule.parameters[:position], rule.parameters[position + 1 :]
    listed = rule.parameters[position].term
    items = listed.items if isinstance(listed, ListTerm) else ()
    return tuple(
        dataclasses.replace(rule, parameters=(*before, Parameter(item, None, item.place), *after), place=item.place)
        for item in items
    )
