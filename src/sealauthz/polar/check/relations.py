"""What conditions say about how two terms stand to each other, as far as their text tells: before, equal or behind.

How two values stand is one of four: less, equal, greater, or not to be ordered (a text beside a number, or nil). A
condition allows some of them, which is a set of bits.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

from sealauthz.polar.program import NIL
from sealauthz.polar.syntax import (
    Arithmetic,
    Assign,
    Attribute,
    Call,
    Compare,
    In,
    ListTerm,
    Literal,
    Not,
    Or,
    Term,
    Unify,
    Variable,
)
from sealauthz.polar.terms import Node, placeless
from sealauthz.polar.unchanging import unchanging

LESS, EQUAL, GREATER, UNORDERED = 1, 2, 4, 8
ANY = LESS | EQUAL | GREATER | UNORDERED
ORDERED = LESS | EQUAL | GREATER

_BY_OPERATOR = {
    "==": EQUAL,
    "!=": ANY - EQUAL,
    "<": LESS,
    "<=": LESS | EQUAL,
    ">": GREATER,
    ">=": GREATER | EQUAL,
}

Key = object
"""What a term says, wherever it stands."""


@unchanging
class Relation:
    """How two terms stand if a condition holds: `allows` says how the left one stands to the right one."""

    left: Term
    right: Term
    left_key: Key
    right_key: Key
    allows: int

    @property
    def flipped(self) -> Relation:
        """The same, seen from the right."""
        return Relation(self.right, self.left, self.right_key, self.left_key, flip(self.allows))


def relation_of(goal: Term) -> Relation | None:
    """What a condition says about two terms; None where it says something else."""
    if isinstance(goal, Unify):
        left, right, allows = goal.left, goal.right, EQUAL
    elif isinstance(goal, Compare):
        left, right, allows = goal.left, goal.right, _BY_OPERATOR[goal.operator]
    elif isinstance(goal, Assign):
        left, right, allows = goal.variable, goal.term, EQUAL
    elif isinstance(goal, In) and (only := _only_member(goal.collection)) is not None:
        left, right, allows = goal.item, only, EQUAL
    elif isinstance(goal, Not) and isinstance(goal.term, Unify | Compare | In):
        inner = relation_of(goal.term)
        if inner is None:
            return None
        return Relation(inner.left, inner.right, inner.left_key, inner.right_key, ANY - inner.allows)
    else:
        return None
    return Relation(left, right, key_of(left), key_of(right), allows)


def _only_member(collection: Term) -> Term | None:
    """The one item of a list that is written out."""
    if isinstance(collection, ListTerm) and len(collection.items) == 1 and collection.rest is None:
        return collection.items[0]
    return None


def expansion_of(goal: Term) -> tuple[str, Term] | None:
    """The variable and the path that a condition says are equal; None where it says something else."""
    sides: tuple[Term, Term]
    if isinstance(goal, Assign):
        sides = goal.variable, goal.term
    elif isinstance(goal, Unify):
        sides = goal.left, goal.right
    else:
        return None
    for one, other in (sides, sides[::-1]):
        if isinstance(one, Variable) and one.name not in ("_", NIL) and _is_path(other, one.name):
            return one.name, other
    return None


def _is_path(term: Term, beside: str) -> bool:
    """Whether a term is a variable or an attribute, and not one of the variable itself."""
    while isinstance(term, Attribute) and term.arguments is None:
        term = term.base
    return isinstance(term, Variable) and term.name not in ("_", NIL, beside)


def compared_with_words(goal: Or) -> Term | None:
    """The one path that each alternative compares with words; None where there are others."""
    asked: Term | None = None
    for part in goal.parts:
        if isinstance(part, In) and isinstance(part.collection, ListTerm) and part.collection.rest is None:
            term, words = part.item, part.collection.items
        elif isinstance(part, Unify) or (isinstance(part, Compare) and part.operator == "=="):
            term, words = (part.right, (part.left,)) if isinstance(part.left, Literal) else (part.left, (part.right,))
        else:
            return None
        if not all(isinstance(word, Literal) for word in words):
            return None
        if asked is not None and key_of(asked) != key_of(term):
            return None
        asked = term
    return asked if isinstance(asked, Attribute) else None


def expanded(term: Any, paths: Mapping[str, Term], keys: Mapping[str, str]) -> Any:
    """A condition or term with paths in place of the variables that stand for them, and columns in place of the ids of
    the records that they lead to; the same one where it has none.

    `keys` are the columns of relations, by name.
    """
    # The commonest first, without a `match` and a closure: every condition is asked.
    kind = type(term)
    if kind is Variable:
        return paths.get(term.name, term)
    if kind is Literal:
        return term

    def of(inner: Any) -> Any:
        return expanded(inner, paths, keys)

    match term:
        case Attribute(base, name, None, place):
            inner = of(base)
            if name == "id" and isinstance(inner, Attribute) and inner.arguments is None and inner.name in keys:
                return Attribute(inner.base, keys[inner.name], None, place)
            return term if inner is base else Attribute(inner, name, None, place)
        case Unify(left, right, place):
            one, other = of(left), of(right)
            return term if one is left and other is right else Unify(one, other, place)
        case Compare(sign, left, right, place) | Arithmetic(sign, left, right, place):
            one, other = of(left), of(right)
            return term if one is left and other is right else kind(sign, one, other, place)
        case In(item, collection, place):
            one, other = of(item), of(collection)
            return term if one is item and other is collection else In(one, other, place)
        case Not(inner, place):
            return term if (found := of(inner)) is inner else Not(found, place)
        case Call(name, arguments, place):
            found = tuple([of(each) for each in arguments])
            return term if all(map(operator.is_, found, arguments)) else Call(name, found, place)
        case _:
            return term


def flip(allows: int) -> int:
    """How the right term may stand to the left one."""
    return (allows & (EQUAL | UNORDERED)) | (GREATER if allows & LESS else 0) | (LESS if allows & GREATER else 0)


def key_of(node: Node) -> Key:
    """What a term or condition says, wherever it stands: equal for two that say the same of the same variables."""
    if isinstance(node, Variable):
        return node.name
    if isinstance(node, Attribute) and node.arguments is None:
        return ".", key_of(node.base), node.name
    if isinstance(node, Call):
        return Call, node.name, *map(key_of, node.arguments)
    if isinstance(node, Compare | Arithmetic):
        return node.operator, key_of(node.left), key_of(node.right)
    if isinstance(node, Unify):
        return Unify, key_of(node.left), key_of(node.right)
    if isinstance(node, In):
        return In, key_of(node.item), key_of(node.collection)
    if isinstance(node, Not):
        return Not, key_of(node.term)
    return placeless(node)


def can_both_hold(allows: int, value: object, other_allows: int, other: object, *, is_whole: bool = False) -> bool:
    """Whether something may stand so to one constant and so to the other. What `is_whole` is a whole number."""
    order = order_of(value, other)
    if order is None:
        return not (allows == EQUAL and other_allows == EQUAL)
    if order == EQUAL:
        return bool(allows & other_allows)
    if order == GREATER:
        allows, other_allows, value, other = other_allows, allows, other, value
    if is_whole and type(value) is int and other == value + 1 and (allows, other_allows) == (GREATER, LESS):
        return False
    # The first constant is less: what lies before, on, between, on and behind the two.
    ways = ((LESS, LESS), (EQUAL, LESS), (GREATER, LESS), (GREATER, EQUAL), (GREATER, GREATER), (UNORDERED, UNORDERED))
    return any(allows & one and other_allows & two for one, two in ways)


def order_of(value: object, other: object) -> int | None:
    """How one constant stands to another; None where they are of sorts that are never equal."""
    if isinstance(value, bool) or isinstance(other, bool):
        is_alike = isinstance(value, bool) and isinstance(other, bool)
    else:
        is_alike = isinstance(value, str) == isinstance(other, str)
    if not is_alike:
        return None
    if value == other:
        return EQUAL
    return LESS if value < other else GREATER  # type: ignore[operator]
