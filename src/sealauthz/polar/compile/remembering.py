"""Functions that remember their last answer within one decision, which asks several rules about the same facts.

An answer is kept in one of a few places behind the budget, with the number of its function and the arguments: it counts
for the very same objects alone, and never beyond the decision. Functions that do little do not remember.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from sealauthz.polar.compile import placed
from sealauthz.polar.compile.nodes import BUDGET, calls_of_rules, constant_node, name_node

PLACES = 13
"""How many answers are remembered at once."""

FIRST_PLACE = 3
"""Before them stand the steps and the depth that are left, and what takes the events of a trace."""

_FEWEST_CALLS = 3
_LAST = "last"


def remembering(number: int, arguments: Sequence[str], body: list[ast.stmt]) -> list[ast.stmt]:
    """Return the body of a test so that it remembers its last answer; unchanged where that would not pay."""
    if not arguments or calls_of_rules(body) < _FEWEST_CALLS:
        return body
    place = FIRST_PLACE + number % PLACES
    return [
        placed.Assign([placed.Name(_LAST, ast.Store())], _remembered(place, ast.Load())),
        placed.If(_is_the_same(number, arguments), [placed.Return(_item(1))], []),
        *_keeping(place, number, arguments, body),
    ]


def _remembered(place: int, context: ast.expr_context) -> ast.expr:
    return placed.Subscript(name_node(BUDGET), constant_node(place), context)


def _item(index: int) -> ast.expr:
    return placed.Subscript(name_node(_LAST), constant_node(index), ast.Load())


def _is_the_same(number: int, arguments: Sequence[str]) -> ast.expr:
    same = [placed.Compare(_item(index + 2), [ast.Is()], [name_node(name)]) for index, name in enumerate(arguments)]
    is_ours = placed.Compare(_item(0), [ast.Eq()], [constant_node(number)])
    return placed.BoolOp(
        ast.And(), [placed.Compare(name_node(_LAST), [ast.IsNot()], [constant_node(None)]), is_ours, *same]
    )


def _keeping(place: int, number: int, arguments: Sequence[str], body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """The statements of a test, with what keeps its answer before each return."""
    kept: list[ast.stmt] = []
    for statement in body:
        match statement:
            case ast.Return(ast.Constant(bool() as answer)):
                values = [constant_node(number), constant_node(answer), *map(name_node, arguments)]
                place_node = _remembered(place, ast.Store())
                kept += [placed.Assign([place_node], placed.Tuple(values, ast.Load())), statement]
            case ast.If(test, inner, []):
                kept.append(placed.If(test, _keeping(place, number, arguments, inner), []))
            case ast.For(target, source, inner, []):
                kept.append(placed.For(target, source, _keeping(place, number, arguments, inner), []))
            case _:
                kept.append(statement)
    return kept
