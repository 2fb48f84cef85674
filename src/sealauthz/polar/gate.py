"""The gate before every engine: what the language has and policies must not contain, refused on the tree.

The parser has already refused `new`, `print`, `debug`, `cut`, inline queries, private attributes, and text that is too
long or too deep. What is left here are methods, attributes that no class has, field patterns, and parameters that are
neither a literal nor a variable (nor a list that is spelled out). It looks at single nodes and leaves types and modes
to the checker.
"""

from __future__ import annotations

from collections.abc import Sequence

from sealauthz.polar.diagnostic import refusal
from sealauthz.polar.groups import may_list
from sealauthz.polar.messages import REFUSED_WORDS
from sealauthz.polar.parse import forget_parsed, parse, remember
from sealauthz.polar.remembered import Remembered
from sealauthz.polar.source import FILES_REMEMBERED, Source
from sealauthz.polar.syntax import (
    Attribute,
    BlockNode,
    DictPattern,
    DictTerm,
    In,
    Literal,
    Parameter,
    Place,
    RuleNode,
    Statement,
    TypePattern,
    Variable,
)
from sealauthz.polar.terms import Node, nodes_of

Files = Sequence[tuple[Source, tuple[Statement, ...]]]
"""Files of policies, with the statements that each has."""

_admitted: Remembered[tuple[Source, frozenset[str]], tuple[Statement, ...]] = Remembered(FILES_REMEMBERED)


def remember_admitted(source: Source, attributes: frozenset[str], statements: tuple[Statement, ...]) -> None:
    """Take the statements of a file from who has read and admitted them."""
    remember(source, statements)
    _admitted.put((source, attributes), statements)


def forget_admitted() -> None:
    """Let the next file be read and looked at from nothing, for measurements."""
    _admitted.clear()
    forget_parsed()


def admit(source: Source, attributes: frozenset[str]) -> tuple[Statement, ...]:
    """Return the statements of a file that an engine may load; the last files are remembered.

    `attributes` are all names that a policy may read behind a dot. Raises BundleRefused with file, line and column.
    """
    statements = _admitted.get((source, attributes))
    if statements is not None:
        return statements
    statements = parse(source)
    for statement in statements:
        if isinstance(statement, BlockNode):
            for name, _, place in statement.relations or ():
                _refuse_word(name, place)
            continue
        for position, parameter in enumerate(statement.parameters):
            if not may_list(statement, position):
                _refuse_parameter(parameter)
        for node in nodes_of(statement) if isinstance(statement, RuleNode) else ():
            _refuse_node(node, attributes)
    return _admitted.put((source, attributes), statements)


def _refuse_parameter(parameter: Parameter) -> None:
    term, pattern = parameter.term, parameter.pattern
    if isinstance(term, Literal):
        value = term.value
        is_plain = pattern is None and type(value) is not float and not (type(value) is int and value < 0)
    else:
        is_class = isinstance(pattern, TypePattern) and not pattern.fields
        is_plain = isinstance(term, Variable) and (pattern is None or is_class)
    if not is_plain:
        message = "a parameter is a string, a whole number, or a variable with or without a type"
        raise refusal(message, parameter.place)


def _refuse_node(node: Node, attributes: frozenset[str]) -> None:
    match node:
        case Attribute(_, name, arguments, place):
            if arguments is not None:
                raise refusal(f"`{name}(` would call host code: methods are not accepted", place)
            if name not in attributes:
                raise refusal(f"no fact has an attribute `{name}`", place)
        case TypePattern(name, fields, place) if fields:
            raise refusal(f"`{name}{{`: field patterns pass over missing attributes and are not accepted", place)
        case DictPattern(_, place):
            raise refusal("field patterns pass over missing attributes and are not accepted", place)
        case DictTerm(fields, place):
            for key, _ in fields:
                _refuse_word(key, place)
        case In(_, DictTerm(_, place), _):
            raise refusal("`in` looks into a list: a dictionary is not accepted here", place)


def _refuse_word(name: str, place: Place) -> None:
    if name in REFUSED_WORDS:
        raise refusal(REFUSED_WORDS[name], place)
