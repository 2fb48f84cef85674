"""Call patterns, what comes of compiling one, and what a function under construction works with."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sealauthz.polar import program as written
from sealauthz.polar.compile.nodes import Test, numbered
from sealauthz.polar.core.nodes import Clause, Goal, Pattern, Term, Variable
from sealauthz.polar.syntax import And, Call, Not, Or
from sealauthz.polar.syntax import Term as Source
from sealauthz.polar.types import Known, TypeTable
from sealauthz.polar.unchanging import unchanging
from sealauthz.polar.unparse import written as text_of


@dataclass(frozen=True, slots=True)
class Passes:
    """What the compiler does to make code fast; without them all it says the same.

    It `writes_out` small rules in place of a call, `shares` what clauses begin with alike, `looks_up` members of large
    collections by a column, and lets tests that take long remember their last answer within a decision.
    """

    writes_out: bool = True
    shares: bool = True
    looks_up: bool = True
    remembers: bool = True


ALL_PASSES = Passes()


@unchanging
class Bound:
    """An argument whose value is given, of a type that may be known."""

    known: Known | None = None

    def __hash__(self) -> int:
        # Less than makes the difference, as that of `Known`.
        return 0 if self.known is None else hash(self.known.cls)


@unchanging
class Constant:
    """An argument whose value is known to the compiler; `kind` keeps True and 1 apart."""

    value: str | int | float | bool | None
    kind: type

    def __hash__(self) -> int:
        return hash(self.value)


FREE = "free"
IGNORED = "ignored"
Argument = Bound | Constant | str
CallPattern = tuple[Argument, ...]

NIL_TYPE = type(None)
KNOWN_LITERALS: Mapping[type, Known] = {
    **{cls: Known(cls) for cls in (str, int, float, bool)},
    NIL_TYPE: Known(NIL_TYPE, is_optional=True),
}
"""What is known of a literal, by its type."""


@unchanging
class Compiled:
    """A compiled pattern: the name of its function, or the answer where it is the same for all values.

    `asked` is what was asked of classes that have siblings: for one that answers alike it is the same code. `reads` are
    the look-ups of clauses that it rests on. One that `is_never` has a function, for what that tells a trace, and no
    solution.
    """

    name: str
    always: bool | None = None
    is_never: bool = False
    asked: int = 0
    reads: int = 0


@dataclass(frozen=True, slots=True)
class Template:
    """A rule as one expression of its arguments."""

    test: Test


@dataclass(frozen=True, eq=False)
class Condition:
    """A condition that a trace can name, and the clause that it stands in; a clause itself has no term."""

    clause: written.Clause | None
    term: Source | None

    @cached_property
    def position(self) -> int:
        """Which of the goals of its clause it is, from 0; -1 where it is a part of one, or the clause itself."""
        goals = () if self.clause is None else self.clause.goals
        return next((at for at, goal in enumerate(goals) if goal is self.term), -1)

    @cached_property
    def text(self) -> str:
        """The condition as it is written."""
        return "" if self.term is None else text_of(self.term)

    @cached_property
    def called(self) -> tuple[str, ...]:
        """The rules that it calls, each once."""
        return () if self.term is None else tuple(dict.fromkeys(_called(self.term)))


def _called(term: Source) -> Iterator[str]:
    match term:
        case Call(name, _, _):
            yield name
        case Not(inner, _):
            yield from _called(inner)
        case And(parts, _) | Or(parts, _):
            for part in parts:
                yield from _called(part)
        case _:
            pass


@dataclass(slots=True)
class Value:
    """A bound value: how to write it, and what is known of it. It is never changed; a frozen one takes twice as long to
    make, and a load makes a hundred thousand.
    """

    node: ast.expr
    known: Known | None = None

    @property
    def is_constant(self) -> bool:
        """Whether the compiler knows the value itself."""
        return isinstance(self.node, ast.Constant)

    @property
    def constant(self) -> Any:
        """The value itself."""
        return self.node.value if isinstance(self.node, ast.Constant) else None


Env = Mapping[int, Value]
"""The values of a clause's variables, by number."""

CallParts = tuple[CallPattern, list[Value | None], list[Variable]]
"""How a call calls: its pattern, the values of its arguments, and the variables that it finds."""

Rest = Callable[[Env], list[ast.stmt]]
"""What to compile behind a goal, with the values that are known by then."""


@dataclass(slots=True)
class Head:
    """A clause entered by a call pattern: what it binds, what is still to be tested, and what it gives back."""

    env: dict[int, Value]
    tests: list[Test]
    outputs: list[Term]
    typed: dict[int, tuple[Pattern, ...]]


@dataclass(slots=True)
class Way:
    """A clause that was entered, with the goals that are left and the values so far.

    `numbers` gives the variables of clauses that begin alike the same numbers; it is None where nothing can be shared.
    """

    clause: Clause
    head: Head
    goals: Sequence[Goal]
    env: Env
    numbers: dict[int, int] | None


Typed = Mapping[int, tuple[Pattern, ...]]
"""The types of parameters whose variables have no value yet, by the numbers of these."""

NOT_TYPED: Typed = {}


def class_names(table: TypeTable) -> dict[type, str]:
    """The names that stand for the classes of a table in compiled code."""
    return {cls: numbered("c", at, cls.__name__) for at, cls in enumerate(table.classes.values())}
