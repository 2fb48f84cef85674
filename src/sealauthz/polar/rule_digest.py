"""Digests of rules: two rules have the same one where they are written alike.

Layout, comments, tags and the names of variables do not count; `nil`, literals with their types, and the order of the
conditions do. What a rule calls is part of its digest as far as the caller of `digest_of` passes it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

from sealauthz.polar.program import NIL, Key
from sealauthz.polar.syntax import Call, Literal, Place, RuleNode, Variable
from sealauthz.polar.terms import nodes_of

_HEX_DIGITS = 32
"""128 bits: nobody finds two rules with one digest, one to have signed and one to put in its place."""


def key_of(rule: RuleNode) -> Key:
    """Return the name of a rule and the number of its parameters."""
    return rule.name, len(rule.parameters)


def form_of(rule: RuleNode) -> str:
    """Return a rule in the one form of all rules that are written alike."""
    names: dict[str, int] = {}
    return repr((rule.name, _form(rule.parameters, names), _form(rule.body, names)))


def digest_of(rule: RuleNode, helpers: Mapping[Key, Sequence[RuleNode]], more: Iterable[str] = ()) -> str:
    """Return the digest of a rule with those `helpers` that it calls, directly or through others, and with `more`."""
    called = sorted(form_of(each) for each in called_by(rule, helpers))
    return digest_of_text(repr((form_of(rule), called, sorted(more))))


def digest_of_text(text: str) -> str:
    """Return the digest of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_HEX_DIGITS]


def called_by(rule: RuleNode, helpers: Mapping[Key, Sequence[RuleNode]]) -> Iterator[RuleNode]:
    """Yield the rules of `helpers` that a rule calls, directly or through others of them; each once."""
    waiting, seen = [rule], set[Key]()
    while waiting:
        for node in nodes_of(waiting.pop()):
            if isinstance(node, Call):
                key = node.name, len(node.arguments)
                if key not in seen:
                    seen.add(key)
                    waiting += helpers.get(key, ())
                    yield from helpers.get(key, ())


_fields: dict[type, Callable[[Any], tuple[Any, ...]]] = {}


def _form(value: Any, names: dict[str, int]) -> object:
    """A part of a tree as tuples of plain values."""
    kind = type(value)
    if kind is tuple:
        return tuple([_form(each, names) for each in value])
    if kind is Variable:
        # `nil` is a constant, and each `_` is another variable.
        return value.name if value.name in (NIL, "_") else names.setdefault(value.name, len(names))
    if kind is Literal:
        return "literal", type(value.value).__name__, value.value
    if value is None or kind is str:
        return value
    return kind.__name__, *[_form(each, names) for each in _fields_of(kind)(value)]


def _fields_of(kind: Any) -> Callable[[Any], tuple[Any, ...]]:
    """What reads the fields of a node but for its place, which is the last."""
    found = _fields.get(kind)
    if found is None:
        named = [name for name, type_ in kind.__annotations__.items() if type_ not in (Place, Place.__name__)]
        only = attrgetter(*named)
        found = _fields[kind] = only if len(named) > 1 else lambda node: (only(node),)
    return found
