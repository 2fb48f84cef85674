"""The state of one compilation that all functions share, and what they may ask of the compiler."""

from __future__ import annotations

import ast
import copy
import itertools
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Container, Iterator
from types import FunctionType
from typing import Generic, Self, TypeVar

from sealauthz.polar.compile.forms import CallPattern, Compiled, Condition
from sealauthz.polar.compile.nodes import name_node, numbered
from sealauthz.polar.program import Clause, Key, Program
from sealauthz.polar.syntax import Place, Term
from sealauthz.polar.terms import variables
from sealauthz.polar.types import Known, TypeTable

K = TypeVar("K")
V = TypeVar("V")


class Memory(Generic[K, V]):
    """What is known by key. A memory on top of another looks there for what it does not know and the other may tell."""

    def __init__(self, below: Memory[K, V] | None = None, hides: Callable[[K], bool] = lambda _: False) -> None:
        self._own: dict[K, V] = {}
        self._below = below
        self._hides = hides

    def get(self, key: K) -> V | None:
        """Return what is known by a key."""
        found = self._own.get(key)
        if found is None and self._below is not None and not self._hides(key):
            return self._below.get(key)
        return found

    def __contains__(self, key: K) -> bool:
        return self.get(key) is not None

    def __setitem__(self, key: K, value: V) -> None:
        self._own[key] = value

    def values(self) -> Iterator[V]:
        """Everything that is not hidden, what lies below first."""
        if self._below is not None:
            yield from self._below.values()
        yield from self._own.values()

    def mark(self) -> int:
        """How much it knows by itself, for `forget`."""
        return len(self._own)

    def forget(self, mark: int) -> None:
        """Forget what it has learnt since."""
        for key in list(self._own)[mark:]:
            del self._own[key]


class Session(ABC):
    """One compilation. `definitions` are the functions so far, in the order in which they were asked for. The engine
    replaces the tree of a function by the function itself when it defines it.
    """

    def __init__(self, program: Program, table: TypeTable, is_traced: bool) -> None:
        self.program = program
        self.table = table
        self.is_traced = is_traced
        self.conditions: list[Condition] = []
        self.numbers: dict[str, set[int]] = {}
        self.promised: set[str] = set()
        self.definitions: Memory[str, ast.FunctionDef | FunctionType] = Memory()
        self.classes_named: dict[str, tuple[type, ...]] = {}
        self.not_written_out: Memory[tuple[str, CallPattern], bool] = Memory()
        self.told_apart = 0
        self._condition_ids: dict[int, int] = {}
        self._class_names = {cls: numbered("c", at, cls.__name__) for at, cls in enumerate(table.classes.values())}
        self.classes = {name: cls for cls, name in self._class_names.items()}
        self._counted: dict[int, Counter[str]] = {}
        self._names = itertools.count(1)

    @abstractmethod
    def rule(self, name: str, pattern: CallPattern, place: Place | None = None, *, collects: bool = False) -> Compiled:
        """Compile a rule for a call pattern. Raises BundleRefused.

        What `collects` returns a list of all solutions, in any order where they are constants, some of them repeatedly.
        """

    @abstractmethod
    def candidates(self, name: str, pattern: CallPattern) -> list[Clause]:
        """The clauses of a rule that a call pattern does not rule out."""

    def changed(self, program: Program, users: Container[Key]) -> Self:
        """Return a copy for a policy that differs in some rules; `users` are those whose answers may depend on them."""
        other = copy.copy(self)
        other.program = program
        other.conditions = list(self.conditions)
        other.numbers = {name: set(numbers) for name, numbers in self.numbers.items()}
        other.promised = set(self.promised)
        other._condition_ids = dict(self._condition_ids)
        other.definitions = Memory(self.definitions)
        other.classes_named = dict(self.classes_named)
        other._counted = dict(self._counted)
        other.not_written_out = Memory(self.not_written_out, lambda known: (known[0], len(known[1])) in users)
        return other

    def note_class(self, cls: type) -> None:
        """Note that what is being compiled would be other code for a sibling of a class."""
        if self.table.stem(cls) is not None:
            self.told_apart += 1

    def attribute(self, cls: type, name: str) -> Known | None:
        """What an attribute of a class holds; None if the class has no such attribute or is not known."""
        if self.table.stem(cls) is not None and not self.table.is_common(cls, name):
            self.told_apart += 1
        return self.table.known(cls, name)

    def name_for(self, name: str) -> str:
        """A Python name that no function has yet."""
        return numbered("r", next(self._names), name)

    def counted(self, term: Term) -> Counter[str]:
        """How often each variable stands in a term of the program."""
        found = self._counted.get(id(term))
        if found is None:
            found = self._counted[id(term)] = Counter(variables(term))
        return found

    def clause_number(self, clause: Clause) -> int:
        """The number by which a trace names a clause."""
        return self._number(id(clause), Condition(clause, None))

    def condition(self, clause: Clause | None, term: Term) -> int:
        """The number by which a trace names a condition of a clause."""
        return self._number(id(term), Condition(clause, term))

    def _number(self, identity: int, condition: Condition) -> int:
        found = self._condition_ids.get(identity)
        if found is None:
            found = self._condition_ids[identity] = len(self.conditions)
            self.conditions.append(condition)
            if condition.clause is not None:
                self.numbers.setdefault(condition.clause.name, set()).add(found)
        return found

    def class_node(self, cls: type) -> ast.expr:
        """A name that stands for a class in compiled code."""
        return name_node(self._class_names[cls])
