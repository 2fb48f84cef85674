"""Code as `ast` nodes of a few kinds: names, tests and their combinations, and what counts the steps of a question."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sealauthz.polar.compile import placed
from sealauthz.polar.runtime import HAVING_FROM, INDEXED_FROM
from sealauthz.polar.syntax import Place

MAX_INLINED_NODES = 60
"""The largest expression that is written out in place of a call, in nodes."""

BUDGET = "budget"
FOUND = "found"
"""Names of the code without a number, as the functions of the run time have them."""

LOAD = ast.Load()
"""One for all names that are read, as CPython's own parser has it."""

NO_TYPE_PARAMS: Mapping[str, Any] = {"type_params": []}
"""What a function has from Python 3.12 on."""

Test = bool | ast.expr
"""A condition: decided already, or an expression that decides it."""


def numbered(letter: str, number: int, hint: str) -> str:
    """A Python name that its letter and its number make unique; the hint is for readers.

    No other name of the code has a number behind its first letter. The hint is plain ASCII, which Python leaves as it
    is: of other letters it makes one where two were written, and so could make one name of two.
    """
    plain = _plain(hint)
    return f"{letter}{number}_{plain}" if plain else f"{letter}{number}"


@lru_cache(maxsize=2_000)
def _plain(hint: str) -> str:
    return "".join(char for char in hint if char.isascii() and (char.isalnum() or char == "_")).strip("_")


def number_in(name: str) -> int:
    """The number in a name that `numbered` made."""
    return int(name[1:].split("_", 1)[0])


def argument_name(index: int) -> str:
    """The Python name of an argument."""
    return f"a{index}"


@lru_cache(maxsize=10_000)
def name_node(name: str) -> ast.expr:
    """A name that is read: one node for all places, as nodes are never changed."""
    return placed.Name(name, LOAD)


def constant_node(value: Any) -> ast.expr:
    """A constant."""
    return placed.Constant(value)


def runtime_call(function: str, *arguments: ast.expr) -> ast.expr:
    """A call of a function of the run time."""
    return placed.Call(name_node(function), list(arguments), [])


Index = tuple[str, ast.expr | None]
"""What members of a collection are looked up by: a column and the value in it, or, without a value, the name of their
own collection that has members.
"""


def looked_up(collection: str, column: str, value: ast.expr | None) -> ast.expr:
    """The members of a collection of records that an index gives."""
    if value is None:
        having = placed.Attribute(name_node(collection), "having", ast.Load())
        return placed.Subscript(having, constant_node(column), ast.Load())
    by = placed.Attribute(name_node(collection), "by", ast.Load())
    by_column = placed.Subscript(by, constant_node(column), ast.Load())
    get = placed.Attribute(by_column, "get", ast.Load())
    return placed.Call(get, [value, placed.Tuple([], ast.Load())], [])


def tell_trace(what: str, number: int, values: Sequence[ast.expr] = ()) -> ast.stmt:
    """Tell a trace, whose list of events takes them through the budget, what happened to a condition."""
    event = placed.Tuple(
        [constant_node(what), constant_node(number), placed.Tuple(list(values), ast.Load())], ast.Load()
    )
    return placed.Expr(placed.Call(placed.Subscript(name_node(BUDGET), constant_node(2), ast.Load()), [event], []))


HAPPENED = ("asked", "left", "met", "proved", "tried", "unmet")
"""What may happen to a condition or a clause, in the order of its number in what is told to who only counts."""


def tell_count(what: str, number: int) -> ast.stmt:
    """Tell who only counts what happened to a condition: as one whole number, which `HAPPENED` takes apart."""
    event = constant_node(number * len(HAPPENED) + HAPPENED.index(what))
    return placed.Expr(placed.Call(placed.Subscript(name_node(BUDGET), constant_node(2), ast.Load()), [event], []))


def yield_node(nodes: list[ast.expr]) -> ast.stmt:
    """A statement that yields one solution."""
    return placed.Expr(placed.Yield(placed.Tuple(nodes, ast.Load())))


# --- size and time --------------------------------------------------------------------------------------------------


_Extent = tuple[int, tuple[str, ...], int]
"""How many nodes code has, which functions of rules it calls, each as often as the call stands there, and how deep its
loops stand in each other.
"""

_LEAVES = frozenset({placed.Name, placed.Constant})


def _extent(node: ast.AST) -> _Extent:
    """The extent of code. It is kept with the node, which is never changed, as larger code asks for it again."""
    kept = node.__dict__
    known: _Extent | None = kept.get("_extent")
    if known is None:
        kind = type(node)
        size, loops = 1, 0
        called = _rule_called(node) if kind is placed.Call else ()
        for each in _PARTS[kind](node):
            part: Any = each
            # Attributes of names are most of what there is, and call nothing.
            while type(part) is placed.Attribute:
                size += 1
                part = part.value
            if type(part) in _LEAVES:
                size += 1
                continue
            within = part.__dict__.get("_extent") or _extent(part)
            size += within[0]
            called += within[1]
            loops = max(loops, within[2])
        known = kept["_extent"] = size, called, loops + (kind is placed.For)
    return known


def _rule_called(call: Any) -> tuple[str, ...]:
    """The function of a rule that is called, if it is one: it is handed the budget."""
    return (call.func.id,) if call.args and getattr(call.args[0], "id", "") == BUDGET else ()


# By the type: nearly all code is looked at, and the fields that `ast` names of a node would be most of the work.
_PARTS: Mapping[type[ast.AST], Callable[[Any], Sequence[ast.AST]]] = {
    placed.Assign: lambda node: [*node.targets, node.value],
    placed.Attribute: lambda node: (node.value,),
    placed.AugAssign: lambda node: (node.target, node.value),
    placed.BinOp: lambda node: (node.left, node.right),
    placed.BoolOp: lambda node: node.values,
    placed.Call: lambda node: [node.func, *node.args],
    placed.Compare: lambda node: [node.left, *node.comparators],
    placed.Constant: lambda _: (),
    placed.Dict: lambda node: [*node.keys, *node.values],
    placed.Expr: lambda node: (node.value,),
    placed.For: lambda node: [node.target, node.iter, *node.body],
    placed.If: lambda node: [node.test, *node.body, *node.orelse],
    placed.List: lambda node: node.elts,
    placed.Name: lambda _: (),
    placed.Return: lambda node: () if node.value is None else (node.value,),
    placed.Set: lambda node: node.elts,
    placed.Subscript: lambda node: (node.value, node.slice),
    placed.Try: lambda node: [*node.body, *node.finalbody],
    placed.Tuple: lambda node: node.elts,
    placed.UnaryOp: lambda node: (node.operand,),
    placed.Yield: lambda node: () if node.value is None else (node.value,),
}


def is_small(node: ast.expr) -> bool:
    """Whether an expression may be written out in place of a call."""
    return _extent(node)[0] <= MAX_INLINED_NODES


def is_cheap(node: ast.expr) -> bool:
    """Whether an expression may stand several times: names, constants, and attributes of them."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name | ast.Constant)


def called_in(body: Iterable[ast.AST]) -> tuple[str, ...]:
    """The functions of rules that code calls, each as often as the call stands there."""
    return tuple(name for node in body for name in _extent(node)[1])


def walks(body: Iterable[ast.AST]) -> bool:
    """Whether code walks through something."""
    return any(_extent(node)[2] for node in body)


def _takes_time(node: ast.AST) -> bool:
    """Whether code calls a rule, or walks through something inside of something."""
    _, called, loops = _extent(node)
    return bool(called) or loops > 1


def counted_turn(body: list[ast.stmt]) -> list[ast.stmt]:
    """Count a turn of a loop where it comes to a call of a rule or to another loop, if it does."""
    first = next((index for index, statement in enumerate(body) if _takes_time(statement)), None)
    if first is None:
        return body
    statement = body[first]
    only_there = not any(map(_takes_time, body[first + 1 :]))
    if only_there and isinstance(statement, ast.If) and not statement.orelse and not _takes_time(statement.test):
        return [*body[:first], placed.If(statement.test, counted_turn(statement.body), []), *body[first + 1 :]]
    return [*body[:first], *spend(constant_node(1)), *body[first:]]


def counted_walk(walked: str, source: ast.expr, index: Index | None) -> list[ast.stmt]:
    """Count the members that are walked through of a collection, whose name is `walked`; look them up by an `index`
    where they are many.
    """
    if isinstance(source, ast.Tuple):
        return spend(constant_node(len(source.elts)))
    length = placed.Call(name_node("len"), [name_node(walked)], [])
    if index is None:
        return spend(length)
    many = constant_node(INDEXED_FROM if index[1] is not None else HAVING_FROM)
    look_up = placed.Assign([placed.Name(walked, ast.Store())], looked_up(walked, *index))
    return [placed.If(placed.Compare(length, [ast.GtE()], [many]), [look_up], []), *spend(length)]


def spend(steps: ast.expr) -> list[ast.stmt]:
    """Take steps from the budget."""
    left = placed.Subscript(name_node(BUDGET), constant_node(0), ast.Store())
    taken = placed.AugAssign(left, ast.Sub(), steps)
    test = placed.Compare(
        placed.Subscript(name_node(BUDGET), constant_node(0), ast.Load()), [ast.Lt()], [constant_node(0)]
    )
    return [taken, placed.If(test, [placed.Expr(runtime_call("exhausted"))], [])]


def counting_depth(body: list[ast.stmt]) -> list[ast.stmt]:
    """Count the generators that are alive inside each other.

    CPython aborts the process when it runs out of stack in a deep nest of generators, so it must never come to that.
    """

    def left(context: ast.expr_context) -> ast.expr:
        return placed.Subscript(name_node(BUDGET), constant_node(1), context)

    down: list[ast.stmt] = [
        placed.AugAssign(left(ast.Store()), ast.Sub(), constant_node(1)),  # type: ignore[arg-type]
        placed.If(
            placed.Compare(left(ast.Load()), [ast.Lt()], [constant_node(0)]),
            [placed.Expr(runtime_call("exhausted"))],
            [],
        ),
    ]
    up: list[ast.stmt] = [placed.AugAssign(left(ast.Store()), ast.Add(), constant_node(1))]  # type: ignore[arg-type]
    return [*down, placed.Try(body, [], [], up)]


def substituted(test: Test, values: Mapping[str, ast.expr]) -> Test:
    """An expression with other expressions in place of some names."""
    return test if isinstance(test, bool) else _substituted(test, values)


def _substituted(node: ast.expr, values: Mapping[str, ast.expr]) -> ast.expr:
    kind = type(node)
    if kind is placed.Name:
        return values.get(node.id, node)  # type: ignore[attr-defined]
    return node if kind is placed.Constant else _SUBSTITUTED[kind](node, values)


def _all_substituted(nodes: Iterable[ast.expr], values: Mapping[str, ast.expr]) -> list[ast.expr]:
    return [_substituted(node, values) for node in nodes]


def _attribute_substituted(node: Any, values: Mapping[str, ast.expr]) -> ast.expr:
    base = _substituted(node.value, values)
    return node if base is node.value else placed.Attribute(base, node.attr, LOAD)


# By the type, for the same reason.
_SUBSTITUTED: Mapping[type[ast.AST], Callable[[Any, Mapping[str, ast.expr]], ast.expr]] = {
    placed.Attribute: _attribute_substituted,
    placed.Compare: lambda node, values: placed.Compare(
        _substituted(node.left, values), node.ops, _all_substituted(node.comparators, values)
    ),
    placed.Call: lambda node, values: placed.Call(node.func, _all_substituted(node.args, values), []),
    placed.BoolOp: lambda node, values: placed.BoolOp(node.op, _all_substituted(node.values, values)),
    placed.UnaryOp: lambda node, values: placed.UnaryOp(node.op, _substituted(node.operand, values)),
    placed.BinOp: lambda node, values: placed.BinOp(
        _substituted(node.left, values), node.op, _substituted(node.right, values)
    ),
    placed.Tuple: lambda node, values: placed.Tuple(_all_substituted(node.elts, values), LOAD),
    placed.Set: lambda node, _: node,  # of constants
    placed.List: lambda node, values: placed.List(_all_substituted(node.elts, values), LOAD),
    placed.Dict: lambda node, values: placed.Dict(node.keys, _all_substituted(node.values, values)),
}


def reads_of(test: Test, name: str) -> int:
    """How often a name is read in an expression."""
    if isinstance(test, bool):
        return 0
    return sum(isinstance(node, ast.Name) and node.id == name for node in ast.walk(test))


# --- tests and markers ----------------------------------------------------------------------------------------------


def when(test: Test, body: list[ast.stmt]) -> list[ast.stmt]:
    """A body that runs where a test holds; nothing where it never does."""
    if test is False or not body:
        return []
    if test is True:
        return body
    return [placed.If(test, body, [])]


def all_of(tests: Iterable[Test]) -> Test:
    """Whether all tests hold."""
    left = [test for test in tests if test is not True]
    if False in left:
        return False
    nodes = [test for test in left if not isinstance(test, bool)]
    if not nodes:
        return True
    return nodes[0] if len(nodes) == 1 else placed.BoolOp(ast.And(), nodes)


def any_of(tests: Iterable[Test]) -> Test:
    """Whether one of the tests holds."""
    left = [test for test in tests if test is not False]
    if True in left:
        return True
    nodes = [test for test in left if not isinstance(test, bool)]
    if not nodes:
        return False
    return nodes[0] if len(nodes) == 1 else placed.BoolOp(ast.Or(), nodes)


def negated(test: Test) -> Test:
    """Whether a test does not hold."""
    return not test if isinstance(test, bool) else placed.UnaryOp(ast.Not(), test)


def marker(place: Place) -> ast.stmt:
    """A constant that CPython drops and that the printed code shows as a comment."""
    return placed.Expr(constant_node(f"@ {place}"))


def is_marker(statement: ast.stmt) -> bool:
    """Whether a statement is a marker."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
