"""Functions that remember their last answer within one decision, which asks several rules about the same facts.

An answer is kept in one of some places behind the budget, with the number of its function and the arguments: it counts
for the very same objects alone, and never beyond the decision. Functions that do little do not remember, nor do those
that are called from one place alone, nor searches that may stop early. A list of all that a rule finds is whole, and
nobody changes it.
"""

from __future__ import annotations

import ast
import itertools
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence

from sealauthz.polar.compile import placed
from sealauthz.polar.compile.nodes import (
    BUDGET,
    NO_TYPE_PARAMS,
    called_in,
    constant_node,
    name_node,
    number_in,
    walks,
)

PLACES = 48
"""How many answers are remembered at once. Functions get them in turn, so that those of one decision, which are made
one after the other, seldom share one.
"""

FIRST_PLACE = 6
"""Before them stand the steps and the depth that are left, what takes the events of a trace, and what a decision is
about.
"""

_FEWEST_CALLS = 4
_FEWEST_CALLERS = 2
_LAST = "last"


class Remembering:
    """Which functions of one compilation remember."""

    def __init__(self) -> None:
        self._called: dict[str, tuple[str, ...]] = {}
        self._may: set[str] = set()
        self._turns = itertools.count()
        self._counted: Counter[str] = Counter()

    def take(self, name: str, arguments: Sequence[str], body: Sequence[ast.stmt], *, collects: bool) -> None:
        """Take in a function: whether it does so much that it may remember, and what it calls."""
        self._counted.subtract(self._called.get(name, ()))
        called = self._called[name] = called_in(body)
        self._counted.update(called)
        if arguments and (len(called) >= _FEWEST_CALLS or (collects and (called or walks(body)))):
            self._may.add(name)

    def finished(self, definition: ast.FunctionDef) -> ast.FunctionDef:
        """A function as it is to be defined.

        Only now, when all is compiled that a decision asks, is it known from how many places it is called.
        """
        name = definition.name
        if name not in self._may:
            return definition
        if self._counted[name] < _FEWEST_CALLERS:
            return definition
        _, *arguments = [argument.arg for argument in definition.args.args]
        body = _remembering(number_in(name), next(self._turns), arguments, definition.body)
        return placed.FunctionDef(name, definition.args, body, [], **NO_TYPE_PARAMS)

    def state(self) -> tuple[dict[str, tuple[str, ...]], frozenset[str], int]:
        """Return what functions call, which may remember, and whose turn it is, for `of_state`."""
        return self._called, frozenset(self._may), next(self._turns)

    @classmethod
    def of_state(cls, called: Mapping[str, tuple[str, ...]], may: Iterable[str], turn: int) -> Remembering:
        """From what `state` gave."""
        made = cls()
        made._called = dict(called)
        made._counted = Counter(itertools.chain.from_iterable(called.values()))
        made._may = set(may)
        made._turns = itertools.count(turn)
        return made

    def kept(self, names: Container[str]) -> Remembering:
        """The same of some of the functions, for another compilation."""
        other = Remembering()
        other._called = {name: called for name, called in self._called.items() if name in names}
        other._counted = Counter(itertools.chain.from_iterable(other._called.values()))
        other._may = {name for name in self._may if name in names}
        other._turns = self._turns
        return other


def _remembering(number: int, turn: int, arguments: Sequence[str], body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """The body of a function so that it remembers its last answer; `turn` tells in which place."""
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
