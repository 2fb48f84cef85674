"""From the grammar to the syntax tree: one method for each rule of `grammar.lark`, called with what the rule matched.

Polar decides while it reads what is a value and what a condition: `f(x) + 1`, `a < b < c` and `1 and x` are errors of
the text, not of a run.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Generic, TypeVar

from sealauthz.polar import messages
from sealauthz.polar.diagnostic import refusal
from sealauthz.polar.syntax import (
    ALWAYS,
    And,
    Arithmetic,
    Assign,
    Attribute,
    BlockNode,
    Call,
    Compare,
    DictPattern,
    DictTerm,
    Forall,
    In,
    ListTerm,
    Literal,
    Matches,
    Not,
    Or,
    Parameter,
    Pattern,
    Place,
    RuleNode,
    RuleTypeNode,
    Shorthand,
    Statement,
    Term,
    TypePattern,
    Unify,
    Variable,
)
from sealauthz.runtime.characters import foreign_to_names

MAX_DEPTH = 60
"""Brackets in brackets, and terms in terms."""
MAX_CONDITIONS = 1_000
"""Parts of one `and` or `or`: oso needs time in the square of their number."""

_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}


class Token:
    """One token with its place; `tags` are the rulebook ids in force there."""

    __slots__ = ("_column", "_file", "_line", "tags", "text", "type")

    def __init__(self, type_: str, text: str, file: str, line: int, column: int, tags: tuple[str, ...]) -> None:
        self.type, self.text, self.tags = type_, text, tags
        self._file, self._line, self._column = file, line, column

    @property
    def place(self) -> Place:
        """Where it stands; made on demand, as most tokens are marks whose place is never needed."""
        return Place(self._file, self._line, self._column)


class _Sort(Enum):
    """What Polar knows of a term while it reads: a variable, an attribute or a boolean may be either."""

    VALUE = auto()
    CONDITION = auto()
    EITHER = auto()


_Node = TypeVar("_Node", Term, Pattern)


@dataclass(slots=True)
class _Part(Generic[_Node]):
    """A term or pattern while the tree grows; `place` is that of its first character, brackets included."""

    node: _Node
    sort: _Sort
    depth: int
    place: Place


_Term = _Part[Term]
_Field = tuple[Token, _Term]


class _Tree:
    """What to build for each rule of the grammar: one method per rule or alias, called with what the rule matched.

    Methods keep no state: one tree serves all parses.
    """

    # Statements.

    def policy(self, children: list[Statement]) -> tuple[Statement, ...]:
        return tuple(children)

    def rule(self, children: list[Any]) -> RuleNode:
        name, parameters, *body = children
        tags = name.tags
        is_always = ALWAYS in tags
        if is_always:
            tags = _ids(tags)
        return RuleNode(name.text, parameters, body[0] if body else None, tags, name.place, is_always)

    def rule_type(self, children: list[Any]) -> RuleTypeNode:
        keyword, name, parameters = children
        return RuleTypeNode(name.text, parameters, keyword.place)

    def parameters(self, children: list[Parameter]) -> tuple[Parameter, ...]:
        return tuple(children)

    def parameter(self, children: list[Any]) -> Parameter:
        _refuse_foreign(children[-1].node)
        if len(children) == 1:
            return Parameter(_value(children[0]), None, children[0].place)
        name, pattern = children
        return Parameter(Variable(name.text, name.place), _of_class(pattern.node), name.place)

    def condition(self, children: list[_Term]) -> Term:
        return _condition(children[0])

    # Blocks.

    def block(self, children: list[Any]) -> BlockNode:
        keyword, name, *entries = children
        if keyword.text not in {"actor", "resource"}:
            raise refusal(f"expected `actor` or `resource`, found `{keyword.text}`", keyword.place)
        found: dict[str, Any] = {}
        shorthands: list[Shorthand] = []
        for entry in entries:
            if isinstance(entry, Shorthand):
                shorthands.append(entry)
                continue
            declared, content = entry
            if declared.text in found:
                raise refusal(f"`{name.text}` declares its {declared.text} twice", declared.place)
            found[declared.text] = content
        return BlockNode(
            keyword.text,
            name.text,
            found.get("roles"),
            found.get("permissions"),
            found.get("relations"),
            tuple(shorthands),
            _ids(keyword.tags),
            keyword.place,
        )

    def strings(self, children: list[Token]) -> tuple[Token, tuple[Literal, ...]]:
        name, _, *strings = children
        if name.text == "relations":
            raise refusal("`relations` stand between `{` and `}`: names with their types", name.place)
        if name.text not in {"roles", "permissions"}:
            raise refusal(f"a block declares roles, permissions and relations, not `{name.text}`", name.place)
        return name, tuple(_name(token) for token in strings)

    def relations(self, children: list[Any]) -> tuple[Token, tuple[tuple[str, str, Place], ...]]:
        name, _, *relations = children
        if name.text in {"roles", "permissions"}:
            raise refusal(f"`{name.text}` stand between `[` and `]`: a list of strings", name.place)
        if name.text != "relations":
            raise refusal(f"a block declares roles, permissions and relations, not `{name.text}`", name.place)
        _refuse_twice([key for key, _ in relations])
        return name, tuple((key.text, related.text, key.place) for key, related in relations)

    def relation(self, children: list[Token]) -> tuple[Token, Token]:
        return children[0], children[1]

    def shorthand(self, children: list[Token]) -> Shorthand:
        implied, implier, *on = children
        if not on:
            return Shorthand(_name(implied), _name(implier), None, implied.place)
        word, relation = on
        if word.text != "on":
            raise refusal(f"expected `on` or `;`, found `{word.text}`", word.place)
        return Shorthand(_name(implied), _name(implier), _name(relation), implied.place)

    # Conditions.

    def disjunction(self, children: list[_Term]) -> _Term:
        place = children[0].place
        return _part(Or(_conditions(children), place), _Sort.CONDITION, place, children)

    def conjunction(self, children: list[_Term]) -> _Term:
        place = children[0].place
        return _part(And(_conditions(children), place), _Sort.CONDITION, place, children)

    def not_(self, children: list[Any]) -> _Term:
        word, part = children
        return _part(Not(_condition(part), word.place), _Sort.CONDITION, word.place, [part])

    def forall(self, children: list[Any]) -> _Term:
        word, condition, action = children
        node = Forall(_condition(condition), _condition(action), word.place)
        return _part(node, _Sort.CONDITION, word.place, [condition, action])

    def unify(self, children: list[_Term]) -> _Term:
        left, right = children
        return _part(Unify(_value(left), _value(right), left.place), _Sort.CONDITION, left.place, children)

    def assign(self, children: list[Any]) -> _Term:
        name, part = children
        node = Assign(Variable(name.text, name.place), _value(part), name.place)
        return _part(node, _Sort.CONDITION, name.place, [part])

    def compare(self, children: list[Any]) -> _Term:
        left, operator, right = children
        if isinstance(left.node, Compare):
            raise refusal(messages.no_chain(operator.text), operator.place)
        node = Compare(operator.text, _value(left), _value(right), left.place)
        return _part(node, _Sort.CONDITION, left.place, [left, right])

    def in_(self, children: list[_Term]) -> _Term:
        item, collection = children
        return _part(In(_value(item), _value(collection), item.place), _Sort.CONDITION, item.place, children)

    def matches(self, children: list[Any]) -> _Term:
        term, pattern = children
        node = Matches(_value(term), _of_class(pattern.node), term.place)
        return _part(node, _Sort.CONDITION, term.place, children)

    def call(self, children: list[Any]) -> _Term:
        name, arguments = children
        return _part(Call(name.text, _values(arguments), name.place), _Sort.CONDITION, name.place, arguments)

    # Values.

    def arithmetic(self, children: list[Any]) -> _Term:
        left, operator, right = children
        node = Arithmetic(operator.text, _value(left), _value(right), left.place)
        return _part(node, _Sort.VALUE, left.place, [left, right])

    def attribute(self, children: list[Any]) -> _Term:
        base, name = children
        return _attribute(base, name, None, [base])

    def method(self, children: list[Any]) -> _Term:
        base, name, arguments = children
        return _attribute(base, name, _values(arguments), [base, *arguments])

    def arguments(self, children: list[_Term]) -> list[_Term]:
        return children

    def variable(self, children: list[Token]) -> _Term:
        place = children[0].place
        return _Part(Variable(children[0].text, place), _Sort.EITHER, 1, place)

    def rest(self, children: list[Token]) -> Variable:
        return Variable(children[0].text, children[0].place)

    def list_(self, children: list[Any]) -> _Term:
        bracket, items, rest = _items(children)
        return _part(ListTerm(_values(items), rest, bracket.place), _Sort.VALUE, bracket.place, items)

    def dictionary(self, children: list[Any]) -> _Term:
        brace, *fields = children
        _refuse_twice([key for key, _ in fields])
        node = DictTerm(tuple((key.text, _value(part)) for key, part in fields), brace.place)
        return _part(node, _Sort.VALUE, brace.place, [part for _, part in fields])

    def field(self, children: list[Any]) -> _Field:
        # `{name}` is short for `{name: name}`.
        return (children[0], children[1]) if len(children) == 2 else (children[0], self.variable(children))

    def literal(self, children: list[Token]) -> _Term:
        token = children[-1]
        place = children[0].place
        if token.type == "STRING":
            return _Part(_string(token), _Sort.VALUE, 1, place)
        if token.type == "NUMBER":
            number = _number(token)
            return _Part(Literal(-number if children[0].text == "-" else number, place), _Sort.VALUE, 1, place)
        return _Part(Literal(token.type == "TRUE", place), _Sort.EITHER, 1, place)

    def group(self, children: list[Any]) -> _Term:
        bracket, part = children
        return _Part(part.node, part.sort, part.depth, bracket.place)

    # Patterns.

    def list_pattern(self, children: list[Any]) -> _Part[Pattern]:
        bracket, items, rest = _items(children)
        for item in items:
            if isinstance(item.node, TypePattern | DictPattern):
                raise refusal("inside the list of a pattern stand literals, variables and lists", item.place)
        node = ListTerm(tuple(item.node for item in items), rest, bracket.place)
        return _part(node, _Sort.VALUE, bracket.place, items)

    def field_pattern(self, children: list[Any]) -> _Part[Pattern]:
        name = children[0] if children[0].type == "NAME" else None
        fields: list[tuple[Token, _Part[Pattern]]] = children[2:] if name else children[1:]
        _refuse_twice([key for key, _ in fields])
        for key, _ in fields:
            _refuse_private(key)
        place = children[0].place
        contents = tuple((key.text, part.node) for key, part in fields)
        node = TypePattern(name.text, contents, place) if name else DictPattern(contents, place)
        return _part(node, _Sort.VALUE, place, [part for _, part in fields])

    pattern_field = field


def _part(node: _Node, sort: _Sort, place: Place, inner: Sequence[_Part[Any]]) -> _Part[_Node]:
    depth = 1 + max((part.depth for part in inner), default=0)
    if depth > MAX_DEPTH:
        raise refusal(f"terms nest deeper than {MAX_DEPTH}", place)
    return _Part(node, sort, depth, place)


def _value(part: _Term) -> Term:
    if part.sort is _Sort.CONDITION:
        raise refusal(messages.no_value(part.node), part.place)
    return part.node


def _condition(part: _Term) -> Term:
    if part.sort is _Sort.VALUE:
        raise refusal(messages.no_condition(part.node), part.place)
    return part.node


def _values(parts: Sequence[_Term]) -> tuple[Term, ...]:
    return tuple(_value(part) for part in parts)


def _conditions(parts: Sequence[_Term]) -> tuple[Term, ...]:
    if len(parts) > MAX_CONDITIONS:
        raise refusal(f"one `and` or `or` joins at most {MAX_CONDITIONS} conditions", parts[MAX_CONDITIONS].place)
    return tuple(_condition(part) for part in parts)


def _attribute(base: _Term, name: Token, arguments: tuple[Term, ...] | None, inner: Sequence[_Term]) -> _Term:
    _refuse_private(name)
    return _part(Attribute(_value(base), name.text, arguments, name.place), _Sort.EITHER, base.place, inner)


def _items(children: list[Any]) -> tuple[Token, list[Any], Variable | None]:
    bracket, *items = children
    rest = items.pop() if items and isinstance(items[-1], Variable) else None
    return bracket, items, rest


def _of_class(pattern: Pattern) -> Pattern:
    """A name that stands alone as a pattern is the name of a class."""
    return TypePattern(pattern.name, (), pattern.place) if isinstance(pattern, Variable) else pattern


def _string(token: Token) -> Literal:
    content = token.text[1:-1]
    if "\\" in content:
        content = _ESCAPE.sub(lambda escape: _ESCAPES.get(escape[1], escape[1]), content)
    return Literal(content, token.place)


def _name(token: Token) -> Literal:
    """A string of a block: the name of a role, a permission or a relation."""
    literal = _string(token)
    _refuse_foreign(literal)
    return literal


def _refuse_foreign(node: Term | Pattern) -> None:
    """Refuse letters that are not ASCII in the strings of a rule's head: they name actions, requirements and codes.

    Strings of conditions are compared with facts, which are in any script.
    """
    match node:
        case ListTerm(items=items):
            for item in items:
                _refuse_foreign(item)
        case Literal(value=str(text), place=place) if foreign := foreign_to_names(text):
            raise refusal(messages.not_ascii("a string in the head of a rule or in a block", foreign), place)


def _number(token: Token) -> int | float:
    text = token.text
    if text.isascii() and text.isdigit():
        digits = text.lstrip("0") or "0"
        # Cut first: converting thousands of digits is slow, and Python refuses it.
        number = int(digits[:20])
        if number >= 2**63:
            raise refusal(f"a whole number is at most {2**63 - 1}", token.place)
        return number
    try:
        value = float(text)
    except ValueError:
        raise refusal(f"`{text}` is no number", token.place) from None
    if math.isinf(value):
        raise refusal("this number is too large", token.place)
    return value


def _refuse_private(name: Token) -> None:
    if name.text.startswith("_"):
        raise refusal(f"`{name.text}` is not an attribute of a fact", name.place)


def _refuse_twice(keys: Sequence[Token]) -> None:
    seen: set[str] = set()
    for key in keys:
        if key.text in seen:
            raise refusal(f"the key `{key.text}` stands twice", key.place)
        seen.add(key.text)


def _ids(tags: tuple[str, ...]) -> tuple[str, ...]:
    """The ids of the rulebook among tags."""
    return tuple(tag for tag in tags if tag != ALWAYS)


def builder() -> object:
    """What lark calls with the children of each rule, by the names of rules."""
    return _Tree()
