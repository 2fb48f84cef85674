"""The names that a bundle knows: what policy tests may say, and what editors may suggest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sealauthz.decision import Bundle
from sealauthz.policytools.testing import fact_forms
from sealauthz.schema.extension import INSTANT

Given = str | int | bool
"""A value of a context."""

_WANTED = {
    str: "must be text; put it in quotes",
    int: "must be a whole number, or a time where the key is an instant",
    bool: "must be `true` or `false`",
}


class Vocabulary:
    """The names that a bundle knows: what tests may say, and what editors may suggest."""

    def __init__(self, bundle: Bundle) -> None:
        book = bundle.rulebook
        self._bundle = bundle
        self.types = book.resource_types
        self.reasons = frozenset(book.reasons)
        self.steps = frozenset(step for entry in book.reasons.values() for step in entry.next_steps)
        self.obligations = frozenset(code for codes in book.obligations.values() for code in codes)
        self.rules = frozenset(tag for rules in book.rules.values() for rule in rules for tag in rule.tags)

    def suggestions(self) -> dict[str, list[str]]:
        """Return the words for an editor to offer, by the pattern that they fit."""
        return {
            fact_forms.ACTION_PATTERN: sorted({action for type_ in self.types for action in self.actions_of(type_)}),
            fact_forms.CODE_PATTERN: sorted(self.reasons | self.steps | self.obligations),
            fact_forms.RULE_PATTERN: sorted(self.rules),
            fact_forms.TYPE_PATTERN: sorted(self.types),
        }

    def actions_of(self, resource_type: str) -> tuple[str, ...]:
        """Return the actions of a type."""
        return self._bundle.rulebook.actions_of(resource_type)

    def record_keys(self, action: str, resource_type: str) -> Mapping[str, str]:
        """Return the context keys that name records, with the types of these."""
        return self._bundle.context_records(action, resource_type)

    def keys(self, action: str, resource_type: str) -> Sequence[str]:
        """Return all context keys of an action."""
        return tuple(self._bundle.context_keys(action, resource_type))

    def is_instant(self, action: str, resource_type: str, key: str) -> bool:
        """Tell whether a context key holds an instant."""
        return (key, INSTANT) in self._bundle.model.action(action, resource_type).further

    def misfit(self, action: str, resource_type: str, key: str, value: Given) -> str:
        """Say what is wrong with the type of a value of the context; empty where it fits."""
        wanted = self._bundle.context_keys(action, resource_type)[key]
        return "" if type(value) is wanted else _WANTED[wanted]
