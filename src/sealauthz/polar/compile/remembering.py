"""Functions that remember their last answer within one decision, which asks several rules about the same facts.

An answer is kept in one of some places behind the budget, with the number of its function and the arguments: it counts
for the very same objects alone, and never beyond the decision. Functions that do little do not remember, nor do
searches that may stop early. A list of all that a rule finds is whole, and nobody changes it.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from sealauthz.polar.compile import placed
from sealauthz.polar.compile.nodes import BUDGET, calls_of_rules, constant_node, name_node

PLACES = 48
"""How many answers are remembered at once. Functions get them in turn, so that those of one decision, which are made
one after the other, seldom share one.
"""

FIRST_PLACE = 3
"""Before them stand the steps and the depth that are left, and what takes the events of a trace."""

_FEWEST_CALLS = 4
_LAST = "last"


def pays(arguments: Sequence[str], body: Sequence[ast.stmt]) -> bool:
    """Whether a function with this body does so much that it should remember its last answer."""
    return bool(arguments) and calls_of_rules(body) >= _FEWEST_CALLS


def remembering(number: int, turn: int, arguments: Sequence[str], body: list[ast.stmt]) -> list[ast.stmt]:
    """Return the body of a function so that it remembers its last answer; `turn` tells in which place."""
    place = FIRST_PLACE + turn % PLACES
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
    """The statements of a function, with what keeps its answer before each return."""
    kept: list[ast.stmt] = []
    for statement in body:
        match statement:
            case ast.Return(ast.expr() as answer):
                values = [constant_node(number), answer, *map(name_node, arguments)]
                place_node = _remembered(place, ast.Store())
                kept += [placed.Assign([place_node], placed.Tuple(values, ast.Load())), statement]
            case ast.If(test, inner, []):
                kept.append(placed.If(test, _keeping(place, number, arguments, inner), []))
            case ast.For(target, source, inner, []):
                kept.append(placed.For(target, source, _keeping(place, number, arguments, inner), []))
            case _:
                kept.append(statement)
    return kept
