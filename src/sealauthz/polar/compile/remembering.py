"""Functions that remember their last answer within one decision, which asks several rules about the same facts.

An answer is kept behind the budget under the number of its function, with the arguments: it counts for the very same
objects alone, and never beyond the decision. Functions that do little do not remember, nor do those
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

ANSWERS = 6
"""Where the answers stand. Before them are the steps and the depth that are left, what takes the events of a trace, and
what a decision is about.
"""

_FEWEST_CALLS = 4
_FEWEST_CALLERS = 2
_LAST = "last"


class Remembering:
    """Which functions of one compilation remember."""

    def __init__(self) -> None:
        self._called: dict[str, tuple[str, ...]] = {}
        self._may: set[str] = set()
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
        body = _remembering(number_in(name), arguments, definition.body)
        return placed.FunctionDef(name, definition.args, body, [], **NO_TYPE_PARAMS)

    def state(self) -> tuple[dict[str, tuple[str, ...]], frozenset[str]]:
        """Return what functions call, and which may remember, for `of_state`."""
        return self._called, frozenset(self._may)

    @classmethod
    def of_state(cls, called: Mapping[str, tuple[str, ...]], may: Iterable[str]) -> Remembering:
        """From what `state` gave."""
        made = cls()
        made._called = dict(called)
        made._counted = Counter(itertools.chain.from_iterable(called.values()))
        made._may = set(may)
        return made

    def kept(self, names: Container[str]) -> Remembering:
        """The same of some of the functions, for another compilation."""
        other = Remembering()
        other._called = {name: called for name, called in self._called.items() if name in names}
        other._counted = Counter(itertools.chain.from_iterable(other._called.values()))
        other._may = {name for name in self._may if name in names}
        return other


def _remembering(number: int, arguments: Sequence[str], body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """The body of a function so that it remembers its last answer."""
    last = placed.Call(placed.Attribute(_answers(), "get", ast.Load()), [constant_node(number)], [])
    return [
        placed.Assign([placed.Name(_LAST, ast.Store())], last),
        placed.If(_is_the_same(arguments), [placed.Return(_item(0))], []),
        *_keeping(number, arguments, body),
    ]


def _answers() -> ast.expr:
    return placed.Subscript(name_node(BUDGET), constant_node(ANSWERS), ast.Load())


def _item(index: int) -> ast.expr:
    return placed.Subscript(name_node(_LAST), constant_node(index), ast.Load())


def _is_the_same(arguments: Sequence[str]) -> ast.expr:
    same = [placed.Compare(_item(index + 1), [ast.Is()], [name_node(name)]) for index, name in enumerate(arguments)]
    return placed.BoolOp(ast.And(), [placed.Compare(name_node(_LAST), [ast.IsNot()], [constant_node(None)]), *same])


def _keeping(number: int, arguments: Sequence[str], body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """The statements of a function, with what keeps its answer before each return."""
    kept: list[ast.stmt] = []
    for statement in body:
        match statement:
            case ast.Return(ast.expr() as answer):
                held = placed.Tuple([answer, *map(name_node, arguments)], ast.Load())
                place = placed.Subscript(_answers(), constant_node(number), ast.Store())
                kept += [placed.Assign([place], held), statement]
            case ast.If(test, inner, []):
                kept.append(placed.If(test, _keeping(number, arguments, inner), []))
            case ast.For(target, source, inner, []):
                kept.append(placed.For(target, source, _keeping(number, arguments, inner), []))
            case _:
                kept.append(statement)
    return kept
