"""The words that the rules of a bundle compare with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sealauthz.decision import Bundle
from sealauthz.polar import RuleNode
from sealauthz.polar.syntax import Attribute, Call, Literal
from sealauthz.polar.terms import nodes_of


def rules_by_attribute(bundle: Bundle) -> Mapping[str, Iterable[RuleNode]]:
    """Return for each attribute the rules that read one of that name."""
    found: dict[str, list[RuleNode]] = {}
    for rules in bundle.rulebook.rules.values():
        for rule in rules:
            for name in {node.name for node in nodes_of(rule) if isinstance(node, Attribute)}:
                found.setdefault(name, []).append(rule)
    return found


def literals_below(rules: Iterable[RuleNode], bundle: Bundle) -> set[str]:
    """The strings in rules, and in all rules that those call."""
    by_name = bundle.rulebook.rules
    waiting = list(rules)
    seen: set[int] = set()
    found: set[str] = set()
    while waiting:
        rule = waiting.pop()
        if id(rule) in seen:
            continue
        seen.add(id(rule))
        for node in nodes_of(rule):
            if isinstance(node, Literal) and isinstance(node.value, str):
                found.add(node.value)
            elif isinstance(node, Call):
                waiting += by_name.get(node.name, ())
    return found
