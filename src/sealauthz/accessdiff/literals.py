"""The words that the rules of a bundle compare with."""

from __future__ import annotations

from collections.abc import Iterable

from sealauthz.decision import Bundle
from sealauthz.polar import Kind, Rule


def literals_near(key: str, bundle: Bundle) -> set[str]:
    """The strings in rules that read an attribute of that name, and in all rules that those call."""
    rules_near = [
        rule
        for rules in bundle.rulebook.rules.values()
        for rule in rules
        if any(
            token.is_symbol(key) and rule.body[index - 1].is_mark(".") for index, token in enumerate(rule.body) if index
        )
    ]
    return literals_below(rules_near, bundle)


def literals_below(rules: Iterable[Rule], bundle: Bundle) -> set[str]:
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
        for token in rule.body:
            if token.kind is Kind.STRING:
                found.add(token.text)
            elif token.kind is Kind.SYMBOL:
                waiting += by_name.get(token.text, ())
    return found
