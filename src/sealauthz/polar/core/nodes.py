"""The core form: a constant is a constant, a class a class, a rule a key, and a variable a number of its clause.

Two variables of one clause have two numbers, wherever they stand and whatever they are called; `_` has one for each
time it stands. Names are kept for messages alone. Every goal knows which variables stand in it, as bits of an integer
(variable 3 is bit 3), so that no later step has to look for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sealauthz.polar import program as written
from sealauthz.polar.program import Key
from sealauthz.polar.syntax import Place
from sealauthz.polar.syntax import Term as Source
from sealauthz.polar.unchanging import unchanging

Scalar = str | int | float | bool | None

# --- terms ----------------------------------------------------------------------------------------------------------


@unchanging
class Variable:
    """A variable of a clause. One that `is_anonymous` stands once, as `_`."""

    number: int
    name: str
    place: Place
    is_anonymous: bool = False


@unchanging
class Constant:
    """A value; None is `nil`."""

    value: Scalar
    place: Place


@unchanging
class Attribute:
    """`base.name`."""

    base: Term
    name: str
    place: Place


@unchanging
class Calculation:
    """`left sign right`: a number."""

    sign: str
    left: Term
    right: Term
    place: Place


@unchanging
class ListOf:
    """A list of these items."""

    items: tuple[Term, ...]
    place: Place


@unchanging
class DictOf:
    """A dictionary with these fields."""

    fields: tuple[tuple[str, Term], ...]
    place: Place


@unchanging
class Unsupported:
    """What the language has and no engine of ours evaluates; whatever needs it is refused for this reason."""

    message: str
    place: Place


Term = Variable | Constant | Attribute | Calculation | ListOf | DictOf | Unsupported

# --- goals ----------------------------------------------------------------------------------------------------------


@unchanging
class _Goal:
    """A condition. `variables` stand in it, `own` of them stand nowhere else in the clause, `source` is its text."""

    variables: int
    own: int
    source: Source

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self.source.place


@unchanging
class Decided(_Goal):
    """`true` or `false`."""

    value: bool


@unchanging
class Equal(_Goal):
    """`left = right`: both are equal, or one is a variable that takes the value of the other."""

    left: Term
    right: Term


@unchanging
class Given(_Goal):
    """`variable := value`: a variable that had no value takes one."""

    variable: Variable
    value: Term


@unchanging
class Ordered(_Goal):
    """`left sign right`: a comparison."""

    sign: str
    left: Term
    right: Term


@unchanging
class Member(_Goal):
    """`item in collection`: a member is equal to the item, or the variable takes each member in turn."""

    item: Term
    collection: Term


@unchanging
class Matched(_Goal):
    """`term matches pattern`."""

    term: Term
    pattern: Pattern


@unchanging
class Truth(_Goal):
    """A value that is a condition by itself: it is true."""

    term: Term


@unchanging
class Call(_Goal):
    """A call of a rule. `repeated` are the variables that stand in it more than once."""

    key: Key
    arguments: tuple[Term, ...]
    repeated: int


@unchanging
class Not(_Goal):
    """The goal has no solution. `within` are the variables that stand in it, each once."""

    goal: Goal
    within: tuple[Variable, ...]

    def first_open(self, has_value: Callable[[int], bool]) -> Variable | None:
        """A variable that stands outside too and has no value yet, which nobody may negate."""
        outer = self.variables & ~self.own
        for variable in self.within:
            if outer >> variable.number & 1 and not has_value(variable.number):
                return variable
        return None


@unchanging
class All(_Goal):
    """All goals hold, one after the other."""

    goals: tuple[Goal, ...]


@unchanging
class AnyOf(_Goal):
    """One of the goals holds. `within` are the variables that stand in it, each once."""

    goals: tuple[Goal, ...]
    within: tuple[Variable, ...]


@unchanging
class Impossible(_Goal):
    """A condition that no engine of ours evaluates, for this reason."""

    message: str
    at: Place


Goal = Decided | Equal | Given | Ordered | Member | Matched | Truth | Call | Not | All | AnyOf | Impossible

# --- clauses --------------------------------------------------------------------------------------------------------


@unchanging
class Classes:
    """A pattern: an instance of one of these classes. `name` is that of the class or the union."""

    name: str
    classes: tuple[type, ...]
    place: Place


Pattern = Classes | Constant | Unsupported


@unchanging
class Parameter:
    """A parameter: what its argument is equal to, or the variable that takes it, and what it matches.

    One that `is_open` says nothing of its argument and gives it to nothing.
    """

    term: Term
    pattern: Pattern | None
    is_open: bool


@dataclass(frozen=True, slots=True, eq=False)
class Clause:
    """One rule. `names` are those of its variables by number; `in_head` are the variables of its head."""

    key: Key
    parameters: tuple[Parameter, ...]
    goals: tuple[Goal, ...]
    names: tuple[str, ...]
    in_head: int
    source: written.Clause

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self.source.place


Core = Mapping[Key, tuple[Clause, ...]]
"""The clauses of a policy by key."""


def numbers_in(variables: int) -> Iterator[int]:
    """The numbers of variables, from the lowest."""
    while variables:
        lowest = variables & -variables
        yield lowest.bit_length() - 1
        variables ^= lowest


def exposed(goal: Goal, variables: int) -> Goal:
    """A goal some of whose own variables are needed outside of it."""
    if not goal.own & variables:
        return goal
    own = goal.own & ~variables
    match goal:
        case Not():
            return replace(goal, own=own, goal=exposed(goal.goal, variables))
        case All() | AnyOf():
            return replace(goal, own=own, goals=tuple(exposed(part, variables) for part in goal.goals))
        case _:
            return replace(goal, own=own)


def shape_of(part: Any, numbers: dict[int, int]) -> Any:
    """A goal or term without places and names; a variable that is met for the first time gets the next number."""
    match part:
        case Variable(_, _, _, True):
            return "_"
        case Variable(number):
            return numbers.setdefault(number, len(numbers) + 1_000)
        case Constant(value):
            # 0.0 and -0.0 are equal to Python and not the same.
            return type(value), repr(value)
        case tuple():
            return tuple([shape_of(each, numbers) for each in part])
        case Attribute(base, name):
            return "attribute", shape_of(base, numbers), name
        case Calculation(sign, left, right):
            return "calculation", sign, shape_of(left, numbers), shape_of(right, numbers)
        case ListOf(items):
            return "list", shape_of(items, numbers)
        case DictOf(fields):
            return "dict", shape_of(fields, numbers)
        case Classes(_, classes):
            return "classes", classes
        case Parameter(term, pattern):
            return "parameter", shape_of(term, numbers), shape_of(pattern, numbers)
        case Call():
            return "call", part.key, shape_of(part.arguments, numbers)
        case Equal():
            return "equal", shape_of(part.left, numbers), shape_of(part.right, numbers)
        case Ordered():
            return "ordered", part.sign, shape_of(part.left, numbers), shape_of(part.right, numbers)
        case Member():
            return "member", shape_of(part.item, numbers), shape_of(part.collection, numbers)
        case Matched():
            return "matched", shape_of(part.term, numbers), shape_of(part.pattern, numbers)
        case Truth():
            return "truth", shape_of(part.term, numbers)
        case Given():
            return "given", shape_of(part.variable, numbers), shape_of(part.value, numbers)
        case Not():
            return "not", shape_of(part.goal, numbers)
        case All():
            return "all", shape_of(part.goals, numbers)
        case AnyOf():
            return "any", shape_of(part.goals, numbers)
        case Decided():
            return "decided", part.value
        case str() | None:
            return part
        case _:
            # What no engine evaluates is like nothing else.
            return "unsupported", id(part)
