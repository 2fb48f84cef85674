"""From the syntax tree back to policy text, which reads as the same tree: for explanations, and for the reference."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from sealauthz.polar.syntax import (
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
    RuleNode,
    RuleTypeNode,
    Shorthand,
    Statement,
    Term,
    TypePattern,
    Unify,
    Variable,
)

# How tightly a term binds, as the grammar stacks its rules.
_OR, _AND, _NOT, _UNIFY, _COMPARE, _SUM, _PRODUCT, _IN, _LOOKUP, _ATOM = range(10)

_ESCAPED: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}
_ESCAPE = re.compile(r'[\\"\n\r\t\0]')


def written(term: Term | Pattern) -> str:
    """Write a term or pattern as one line of Polar."""
    return _term(term)[0]


def written_statement(statement: Statement) -> str:
    """Write a statement as Polar: a rule on one line, a block with a line for each of its parts. Tags are left out."""
    match statement:
        case RuleNode(name, parameters, body):
            head = f"{name}({', '.join(map(_parameter, parameters))})"
            return f"{head};" if body is None else f"{head} if {written(body)};"
        case RuleTypeNode(name, parameters):
            return f"type {name}({', '.join(map(_parameter, parameters))});"
        case BlockNode():
            return _block(statement)


def written_head(name: str, parameters: Iterable[Parameter]) -> str:
    """Write the head of a rule."""
    return f"{name}({', '.join(map(_parameter, parameters))})"


def _parameter(parameter: Parameter) -> str:
    if parameter.pattern is None:
        return _within(parameter.term, _SUM)
    return f"{written(parameter.term)}: {_class(parameter.pattern)}"


def _block(block: BlockNode) -> str:
    lines = [
        f"{name} = [{', '.join(map(written, strings))}];"
        for name, strings in (("roles", block.roles), ("permissions", block.permissions))
        if strings is not None
    ]
    if block.relations is not None:
        lines.append(f"relations = {{{', '.join(f'{name}: {related}' for name, related, _ in block.relations)}}};")
    lines += map(_shorthand, block.shorthands)
    return "\n".join((f"{block.keyword} {block.type} {{", *(f"  {line}" for line in lines), "}"))


def _shorthand(shorthand: Shorthand) -> str:
    on = f" on {written(shorthand.relation)}" if shorthand.relation is not None else ""
    return f"{written(shorthand.implied)} if {written(shorthand.implier)}{on};"


def _within(term: Term | Pattern, binding: int) -> str:
    """Write a term where only what binds at least so tightly may stand without brackets."""
    text, own = _term(term)
    return text if own >= binding else f"({text})"


def _list(items: tuple[Term, ...], rest: Variable | None) -> str:
    parts = [_within(item, _SUM) for item in items]
    return f"[{', '.join([*parts, f'*{rest.name}'] if rest is not None else parts)}]"


def _fields(fields: tuple[tuple[str, Term], ...] | tuple[tuple[str, Pattern], ...]) -> str:
    return f"{{{', '.join(f'{key}: {_within(value, _COMPARE)}' for key, value in fields)}}}"


def _class(pattern: Pattern) -> str:
    """Write a pattern that stands on its own, where a plain name is a class."""
    if isinstance(pattern, TypePattern) and not pattern.fields:
        return pattern.name
    return written(pattern)


def _term(term: Term | Pattern) -> tuple[str, int]:
    match term:
        case Literal(bool() as value):
            return ("true" if value else "false"), _ATOM
        case Literal(str() as value):
            return f'"{_ESCAPE.sub(lambda found: _ESCAPED[found[0]], value)}"', _ATOM
        case Literal(None):
            return "nil", _ATOM
        case Literal(value):
            return repr(value), _ATOM
        case Variable(name):
            return name, _ATOM
        case ListTerm(items, rest):
            return _list(items, rest), _ATOM
        case DictTerm(dictionary) | DictPattern(dictionary):
            return _fields(dictionary), _ATOM
        case TypePattern(name, fields):
            return f"{name}{_fields(fields)}", _ATOM
        case Call(name, arguments):
            return f"{name}({', '.join(map(written, arguments))})", _ATOM
        case Attribute(base, name, arguments):
            # `1.x` would be the number `1.` and a name.
            is_number = isinstance(base, Literal) and type(base.value) in {int, float}
            head = f"({written(base)})" if is_number else _within(base, _LOOKUP)
            called = "" if arguments is None else f"({', '.join(map(written, arguments))})"
            return f"{head}.{name}{called}", _LOOKUP
        case Forall(condition, action):
            return f"forall({written(condition)}, {written(action)})", _ATOM
        case Or(parts):
            # `and` within `or` needs no brackets; oso warns without.
            return " or ".join(_within(part, _NOT) for part in parts), _OR
        case And(parts):
            return " and ".join(_within(part, _NOT) for part in parts), _AND
        case Not(inner):
            return f"not {_within(inner, _UNIFY)}", _NOT
        case Unify(left, right):
            return f"{_within(left, _COMPARE)} = {_within(right, _COMPARE)}", _UNIFY
        case Assign(variable, value):
            return f"{variable.name} := {_within(value, _COMPARE)}", _UNIFY
        case Compare(operator, left, right):
            return f"{_within(left, _SUM)} {operator} {_within(right, _SUM)}", _COMPARE
        case Arithmetic(operator, left, right):
            own = _SUM if operator in {"+", "-"} else _PRODUCT
            return f"{_within(left, own)} {operator} {_within(right, own + 1)}", own
        case In(item, collection):
            return f"{_within(item, _LOOKUP)} in {_within(collection, _LOOKUP)}", _IN
        case Matches(inner, pattern):
            return f"{_within(inner, _LOOKUP)} matches {_class(pattern)}", _IN
