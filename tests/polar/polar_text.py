"""Random policy text, right and slightly wrong, and syntax trees in the form in which oso tells them."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from hypothesis import strategies as st

from sealauthz.polar.syntax import (
    And,
    Arithmetic,
    Assign,
    Attribute,
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
    Place,
    TypePattern,
    Unify,
    Variable,
)

# --- text -----------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "x", "_", "_y", "seal_1", "ns::C", "ok?", "Seal", "State"])
KEYS = st.one_of(NAMES, st.sampled_from(["type", "in", "new", "print", "not", "if", "mod", "true"]))
STRINGS = st.sampled_from(['"s"', '""', '"印章 ✓"', r'"a\"b\\\n\t\0\q"', '"# no comment"', '"\t"'])
NUMBERS = st.sampled_from(
    ["0", "7", "-1", "+2", "1.5", "1.", "1e3", "2E-2", "9223372036854775807", "- 3", "007", "-0.0"]
)
LITERALS = st.one_of(STRINGS, NUMBERS, st.sampled_from(["true", "false"]))


def _joined(parts: st.SearchStrategy[str], trailing: bool = False) -> st.SearchStrategy[str]:
    end = st.sampled_from(["", "", "", ","]) if trailing else st.just("")
    return st.builds(lambda items, last: ", ".join(items) + (last if items else ""), st.lists(parts, max_size=3), end)


def _patterns(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    fields = _joined(st.one_of(st.builds("{}: {}".format, KEYS, inner), NAMES), trailing=True)
    return st.one_of(
        st.builds("{{{}}}".format, fields),
        st.builds("{}{{{}}}".format, NAMES, fields),
        st.builds("[{}]".format, _joined(inner, trailing=True)),
        st.builds("[{}, *{}]".format, inner, NAMES),
    )


PATTERNS = st.recursive(st.one_of(LITERALS, NAMES), _patterns, max_leaves=4)


def _terms(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Terms of terms, without a look at what is a value and what a condition."""
    operators = [
        "and",
        "or",
        "and",
        "or",
        "=",
        "==",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "+",
        "-",
        "*",
        "/",
        "mod",
        "rem",
        "in",
    ]
    arguments = _joined(inner)
    fields = _joined(st.one_of(st.builds("{}: {}".format, KEYS, inner), NAMES), trailing=True)
    return st.one_of(
        st.builds("{} {} {}".format, inner, st.sampled_from(operators), inner),
        st.builds("({} {} {})".format, inner, st.sampled_from(operators), inner),
        st.builds("{} {} {} {} {}".format, inner, *[st.sampled_from(operators), inner] * 2),
        st.builds("not {}".format, inner),
        st.builds("({})".format, inner),
        st.builds("{} matches {}".format, inner, PATTERNS),
        st.builds("{} := {}".format, NAMES, inner),
        st.builds("{}.{}".format, inner, KEYS),
        st.builds("{}.{}({})".format, inner, KEYS, arguments),
        st.builds("{}({})".format, NAMES, arguments),
        st.builds("forall({}, {})".format, inner, inner),
        st.builds("[{}]".format, _joined(inner, trailing=True)),
        st.builds("[{}, *{}]".format, inner, NAMES),
        st.builds("[*{}]".format, NAMES),
        st.builds("{{{}}}".format, fields),
    )


TERMS = st.recursive(st.one_of(NAMES, NAMES, LITERALS), _terms, max_leaves=8)

_PARAMETERS = _joined(st.one_of(NAMES, LITERALS, TERMS, st.builds("{}: {}".format, NAMES, PATTERNS)))
_DECLARATIONS = st.one_of(
    st.builds("{} = [{}];".format, st.sampled_from(["roles", "permissions", "rolls"]), _joined(STRINGS, trailing=True)),
    st.builds(
        "{} = {{{}}};".format,
        st.sampled_from(["relations", "roles"]),
        _joined(st.builds("{}: {}".format, KEYS, NAMES), trailing=True),
    ),
    st.builds("{} if {};".format, STRINGS, STRINGS),
    st.builds("{} if {} {} {};".format, STRINGS, STRINGS, st.sampled_from(["on", "on", "from"]), STRINGS),
)
STATEMENTS = st.one_of(
    st.builds("{}({}) if {};".format, NAMES, _PARAMETERS, TERMS),
    st.builds("{}({}) if {};".format, NAMES, _PARAMETERS, TERMS),
    st.builds("{}({});".format, NAMES, _PARAMETERS),
    st.builds("type {}({});".format, NAMES, _PARAMETERS),
    st.builds(
        "{} {} {{ {} }}".format,
        st.sampled_from(["resource", "actor", "resource", "thing", ""]),
        NAMES,
        st.builds(" ".join, st.lists(_DECLARATIONS, max_size=3)),
    ),
)

_PIECE = re.compile(r'"(?:[^"\\]|\\.)*"|\w+|[^\w\s]|\s+')
_MARKS = list("()[]{},;:.=*+-<>!?|' ")
_WORDS = ["and", "or", "not", "in", "matches", "forall", "cut", "print", "debug", "new", "if", "type", "mod", "isa"]
_LITERALS = ["inf", "nan", "true", "1", "1.5", "1e5-", "9223372036854775808", '"s"', '"', "\\"]
_OTHERS = [
    "x",
    "on",
    "\n",
    "\t",
    "# x\n",
    "==",
    ":=",
    "?=",
    "::",
    "，",
    "；",
    "\u3000",
    "\xa0",
    "é",
    "e\u0301",
    "²",
    "٣",
]
_PIECES = st.sampled_from([*_MARKS, *_WORDS, *_LITERALS, *_OTHERS])


@st.composite
def slightly_wrong(draw: st.DrawFn, right: st.SearchStrategy[str]) -> str:
    """Text with some of its pieces left out, doubled, replaced or made two."""
    pieces = _PIECE.findall(draw(right))
    for _ in range(draw(st.integers(0, 2))):
        if not pieces:
            break
        at = draw(st.integers(0, len(pieces) - 1))
        how = draw(st.sampled_from(["leave out", "double", "replace", "insert", "swap"]))
        if how == "leave out":
            del pieces[at]
        elif how == "double":
            pieces.insert(at, pieces[at])
        elif how == "replace":
            pieces[at] = draw(_PIECES)
        elif how == "insert":
            pieces.insert(at, draw(_PIECES))
        else:
            other = draw(st.integers(0, len(pieces) - 1))
            pieces[at], pieces[other] = pieces[other], pieces[at]
    return "".join(pieces)


# --- trees ----------------------------------------------------------------------------------------------------------


def placeless(node: object) -> object:
    """Return a tree without its places, to compare."""
    if dataclasses.is_dataclass(node):
        fields = [getattr(node, field.name) for field in dataclasses.fields(node)]
        return (type(node).__name__, *(placeless(value) for value in fields if not isinstance(value, Place)))
    if isinstance(node, tuple):
        return tuple(placeless(item) for item in node if not isinstance(item, Place))
    return (type(node).__name__, node)


_OPERATORS = {
    **{"==": "Eq", "!=": "Neq", "<": "Lt", "<=": "Leq", ">": "Gt", ">=": "Geq"},
    **{"+": "Add", "-": "Sub", "*": "Mul", "/": "Div", "mod": "Mod", "rem": "Rem"},
}


def as_oso(node: object) -> dict[str, Any]:
    """Write a term or pattern as oso does when it quotes what it has read."""
    match node:
        case Literal(bool() as value):
            return _value("Boolean", value)
        case Literal(str() as value):
            return _value("String", value)
        case Literal(int() as value):
            return _value("Number", {"Integer": value})
        case Literal(value):
            return _value("Number", {"Float": value})
        case Variable(name):
            return _value("Variable", name)
        case ListTerm(items, rest):
            return _value("List", [as_oso(i) for i in items] + ([_value("RestVariable", rest.name)] if rest else []))
        case DictTerm(fields):
            return _value("Dictionary", _fields(fields))
        case DictPattern(fields):
            return _value("Pattern", {"Dictionary": _fields(fields)})
        case TypePattern(name, fields):
            return _value("Pattern", {"Instance": {"tag": name, "fields": _fields(fields)}})
        case Call(name, arguments):
            return _call(name, arguments)
        case Attribute(base, name, None):
            return _operation("Dot", as_oso(base), _value("String", name))
        case Attribute(base, name, arguments):
            return _operation("Dot", as_oso(base), _call(name, arguments or ()))
        case And(parts):
            return _chain("And", parts)
        case Or(parts):
            return _chain("Or", parts)
        case Not(term):
            return _operation("Not", as_oso(term))
        case Forall(condition, action):
            return _operation("ForAll", as_oso(condition), as_oso(action))
        case Unify(left, right):
            return _operation("Unify", as_oso(left), as_oso(right))
        case Assign(variable, term):
            return _operation("Assign", as_oso(variable), as_oso(term))
        case Compare(operator, left, right) | Arithmetic(operator, left, right):
            return _operation(_OPERATORS[operator], as_oso(left), as_oso(right))
        case In(item, collection):
            return _operation("In", as_oso(item), as_oso(collection))
        case Matches(term, pattern):
            return _operation("Isa", as_oso(term), as_oso(pattern))
    raise AssertionError(f"no term: {node!r}")


def _value(kind: str, value: object) -> dict[str, Any]:
    return {"value": {kind: value}}


def _operation(operator: str, *arguments: dict[str, Any]) -> dict[str, Any]:
    return _value("Expression", {"operator": operator, "args": list(arguments)})


def _call(name: str, arguments: tuple[object, ...]) -> dict[str, Any]:
    return _value("Call", {"name": name, "args": [as_oso(argument) for argument in arguments], "kwargs": None})


def _fields(fields: tuple[tuple[str, object], ...]) -> dict[str, Any]:
    return {"fields": {key: as_oso(value) for key, value in fields}}


def _chain(operator: str, parts: tuple[object, ...]) -> dict[str, Any]:
    """oso makes one operation of `a and (b and c)`, and two of `(a and b) and c`."""
    *heads, last = map(as_oso, parts)
    expression = last["value"].get("Expression")
    tail = expression["args"] if expression and expression["operator"] == operator else [last]
    return _operation(operator, *heads, *tail)
