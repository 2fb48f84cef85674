"""The state of one compilation that all functions share, and what they may ask of the compiler."""

from __future__ import annotations

import ast
import itertools
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import FunctionType

from sealauthz.polar import program as written
from sealauthz.polar.alike import Alike
from sealauthz.polar.budget import Budget
from sealauthz.polar.compile.forms import ALL_PASSES, CallPattern, Compiled, Condition, Passes, Template, class_names
from sealauthz.polar.compile.nodes import name_node, numbered, tell_count, tell_trace
from sealauthz.polar.compile.remembering import Remembering
from sealauthz.polar.core.nodes import Classes, Clause, Constant
from sealauthz.polar.program import Key, Program
from sealauthz.polar.syntax import Place, Term
from sealauthz.polar.types import Known, TypeTable


@dataclass(slots=True)
class Noted:
    """What code under construction depends on: the look-ups of clauses that it rests on, and what was asked of classes
    that have siblings, both as bits of a number.

    `made` are the names of the functions that were made for it.
    """

    reads: int = 0
    asked: int = 0
    made: list[str] = field(default_factory=list)


Demand = tuple[int, Constant | None, tuple[type, ...] | None]
"""What a head demands of an argument: its place, what it must be equal to, and of which classes it must be."""


class _Noting:
    """A part of the code whose notes are taken apart."""

    __slots__ = ("_noted", "_outer", "_session")

    def __init__(self, session: Session) -> None:
        self._session = session

    def __enter__(self) -> Noted:
        self._outer, self._noted = self._session.noted, Noted()
        self._session.noted = self._noted
        return self._noted

    def __exit__(self, *_: object) -> None:
        self._outer.reads |= self._noted.reads
        self._outer.asked |= self._noted.asked
        self._session.noted = self._outer


class Session(ABC):
    """One compilation. `definitions` are the functions so far, in the order in which they were asked for. The engine
    replaces the tree of a function by the function itself when it defines it.
    """

    def __init__(
        self,
        program: Program,
        table: TypeTable,
        is_traced: bool,
        passes: Passes = ALL_PASSES,
        first_name: int = 1,
        is_counted: bool = False,
    ) -> None:
        self.program = program
        self.table = table
        self.is_traced = is_traced
        self.is_counted = is_counted
        self.passes = passes
        self.conditions: list[Condition] = []
        self.numbers: dict[str, dict[int, Condition]] = {}
        self.promised: set[str] = set()
        self.definitions: dict[str, ast.FunctionDef | FunctionType] = {}
        self.noted = Noted()
        self.renew_budget()
        self._condition_ids: dict[int, int] = {}
        self._class_names = class_names(table)
        self.classes = {name: cls for cls, name in self._class_names.items()}
        # What was found, with what was asked of classes that have siblings.
        self._fitting: dict[tuple[type, bool, tuple[type, ...]], tuple[bool | None, int]] = {}
        self._attributes: dict[tuple[type, str], tuple[Known | None, int]] = {}
        self._names = itertools.count(first_name)
        self._demands: dict[Clause, tuple[Demand, ...]] = {}
        self.remembering = Remembering()
        self.alike = Alike[type | None]()

    @abstractmethod
    def rule(self, name: str, pattern: CallPattern, place: Place | None = None, *, collects: bool = False) -> Compiled:
        """Compile a rule for a call pattern. Raises BundleRefused.

        What `collects` returns a list of all solutions, in any order where they are constants, some of them repeatedly.
        """

    @abstractmethod
    def template(self, key: Key, pattern: CallPattern) -> Template | None:
        """The clauses of a rule as one small expression; None where they are none."""

    @abstractmethod
    def candidates(self, key: Key, pattern: CallPattern) -> Sequence[Clause]:
        """The clauses of a rule that a call pattern does not rule out."""

    @abstractmethod
    def has(self, key: Key) -> bool:
        """Whether there is such a rule."""

    @abstractmethod
    def all_clauses(self, key: Key) -> Sequence[Clause]:
        """All clauses of a rule; none where there is no such rule."""

    @abstractmethod
    def output_type(self, key: Key, pattern: CallPattern, position: int) -> Known | None:
        """What is known of what a rule finds for an argument."""

    def renew_budget(self) -> None:
        """Begin with a whole budget again."""
        self.budget = Budget.for_rules(sum(map(len, self.program.clauses.values())))

    def charge(self, steps: int, place: Place) -> None:
        """Count steps of work. Raises TooMuch."""
        self.budget.charge(steps, "the rules take too much code", place)

    def noting(self) -> _Noting:
        """Note what the code under construction depends on, and all that the code around it does with it."""
        return _Noting(self)

    def note(self, reads: int, asked: int) -> None:
        """Note that what is being compiled rests on something that is compiled already."""
        self.noted.reads |= reads
        self.noted.asked |= asked

    def attribute(self, cls: type, name: str) -> Known | None:
        """What an attribute of a class holds; None if the class has no such attribute or is not known."""
        found = self._attributes.get((cls, name))
        if found is None:
            asked = 0
            if self.table.stem(cls) is not None and not self.table.is_common(cls, name):
                asked = self.attribute_bit(name)
            found = self._attributes[cls, name] = self.table.known(cls, name), asked
        self.noted.asked |= found[1]
        return found[0]

    def next_number(self) -> int:
        """A number that no name has and that none will get."""
        return next(self._names)

    def name_for(self, name: str) -> str:
        """A Python name that no function has yet."""
        return numbered("r", self.next_number(), name)

    def define(self, name: str, definition: ast.FunctionDef) -> None:
        """Take in a function."""
        self.definitions[name] = definition
        self.noted.made.append(name)

    def fits(self, known: Known, classes: tuple[type, ...]) -> bool | None:
        """Whether a value of a known type, if there is one, is of one of some classes; None where it may be."""
        key = (known.cls, known.is_exact, classes)
        found = self._fitting.get(key)
        if found is None:
            asked = 0
            if self.table.stem(known.cls) is not None:
                asked = self.fits_bit(classes)
            is_certain = known.is_exact or all(issubclass(known.cls, cls) for cls in classes)
            found = self._fitting[key] = issubclass(known.cls, classes) if is_certain else None, asked
        self.noted.asked |= found[1]
        return found[0]

    def attribute_bit(self, name: str) -> int:
        """The bit of the question what an attribute of a class holds."""
        return self.alike.bit(name, lambda other: other and self.table.known(other, name))

    def fits_bit(self, classes: tuple[type, ...]) -> int:
        """The bit of the question of which of some classes a class is."""
        return self.alike.bit(classes, lambda other: other and [issubclass(other, c) for c in classes])

    def demands_of(self, clause: Clause) -> tuple[Demand, ...]:
        """What the head of a clause demands, place by place; nothing of arguments that may be anything."""
        found = self._demands.get(clause)
        if found is None:
            demands: list[Demand] = []
            for index, parameter in enumerate(clause.parameters):
                term = parameter.term if isinstance(parameter.term, Constant) else None
                classes = parameter.pattern.classes if isinstance(parameter.pattern, Classes) else None
                if not parameter.is_open and (term is not None or classes is not None):
                    demands.append((index, term, classes))
            found = self._demands[clause] = tuple(demands)
        return found

    def told(self, what: str, number: int, values: Sequence[ast.expr] = ()) -> ast.stmt:
        """Tell a trace what happened to a condition, with the values seen unless it is only counted."""
        return tell_count(what, number) if self.is_counted else tell_trace(what, number, values)

    def clause_number(self, clause: written.Clause) -> int:
        """The number by which a trace names a clause."""
        return self._number(id(clause), Condition(clause, None))

    def condition(self, clause: written.Clause | None, term: Term) -> int:
        """The number by which a trace names a condition of a clause."""
        return self._number(id(term), Condition(clause, term))

    def _number(self, identity: int, condition: Condition) -> int:
        found = self._condition_ids.get(identity)
        if found is None:
            found = self._condition_ids[identity] = len(self.conditions)
            self.conditions.append(condition)
            if condition.clause is not None:
                self.numbers.setdefault(condition.clause.name, {})[found] = condition
        return found

    def class_node(self, cls: type) -> ast.expr:
        """A name that stands for a class in compiled code."""
        return name_node(self._class_names[cls])
