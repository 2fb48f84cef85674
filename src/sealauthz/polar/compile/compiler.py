"""The compiler: from clauses to Python, one function for each pattern in which a rule is called."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

from sealauthz.errors import BundleRefused
from sealauthz.polar.compile.forms import FREE, Argument, Bound, CallPattern, Compiled, Constant
from sealauthz.polar.compile.function import Function
from sealauthz.polar.compile.heads import may_fit
from sealauthz.polar.compile.session import Memory, Session
from sealauthz.polar.diagnostic import refusal
from sealauthz.polar.program import Clause, Key, Program
from sealauthz.polar.syntax import Literal, Place, TypePattern
from sealauthz.polar.types import TypeTable


class Compiler(Session):
    """Compiles rules on demand."""

    def __init__(self, program: Program, table: TypeTable, is_traced: bool = False) -> None:
        super().__init__(program, table, is_traced)
        self._compiled: Memory[tuple[Key, CallPattern, bool], Compiled] = Memory()
        self._common: Memory[tuple[Key, CallPattern, bool], Compiled] = Memory()
        self._candidates: Memory[tuple[str, CallPattern], tuple[list[Clause], bool]] = Memory()
        self._ordered = {key: self._by_specificity(clauses) for key, clauses in program.clauses.items()}
        self._by_literal = {key: _by_literal(clauses) for key, clauses in self._ordered.items()}

    def with_clauses(self, program: Program, key: Key, users: Container[Key]) -> Compiler:
        """Return a compiler of a policy in which the clauses of one rule differ; `users` are the rules whose answers
        may depend on it. What was compiled of all others stays.
        """
        other = self.changed(program, users)
        other._compiled = Memory(self._compiled, lambda known: known[0] in users)
        other._common = Memory(self._common, lambda known: known[0] in users)
        other._candidates = Memory(self._candidates, lambda known: (known[0], len(known[1])) == key)
        other._ordered = dict(self._ordered)
        other._by_literal = dict(self._by_literal)
        if key in program.clauses:
            other._ordered[key] = other._by_specificity(program.clauses[key])
            other._by_literal[key] = _by_literal(other._ordered[key])
        else:
            del other._ordered[key], other._by_literal[key]
        return other

    def rule(self, name: str, pattern: CallPattern, place: Place | None = None, *, collects: bool = False) -> Compiled:
        """Compile a rule for a call pattern. Raises BundleRefused.

        What `collects` returns a list of all solutions, in any order where they are constants, some of them repeatedly.
        """
        key = (name, len(pattern))
        if key not in self.program.clauses:
            known = [arity for other, arity in self.program.clauses if other == name]
            what = f"`{name}` has {known[0]} parameters, not {len(pattern)}" if known else f"no rule is called `{name}`"
            raise refusal(what, place)
        found = self._compiled.get((key, pattern, collects))
        if found is None:
            found = self._common.get((key, self._stemmed(pattern), collects))
        if found is not None and found.tells_apart:
            self.told_apart += 1
        if found is not None and found.always is None and found.name not in self.definitions:
            # It is being compiled and calls itself: whatever comes of it, its function has to exist.
            self.promised.add(found.name)
        if found is None:
            python_name = self.name_for(name)
            before = self._compiled.mark()
            told_apart = self.told_apart
            # Registered before its body is compiled, so that a recursive rule finds itself.
            self._compiled[key, pattern, collects] = Compiled(python_name, tells_apart=True)
            try:
                function = Function(self, python_name, FREE in pattern and not collects, collects)
                found = function.of_rule(self.candidates(name, pattern), pattern)
            except (BundleRefused, RecursionError):
                # A later call must not find a function that was never finished, or one that calls it.
                self._compiled.forget(before)
                raise
            if self.told_apart != told_apart:
                found = replace(found, tells_apart=True)
            else:
                self._common[key, self._stemmed(pattern), collects] = found
            self._compiled[key, pattern, collects] = found
        return found

    def _stemmed(self, pattern: CallPattern) -> CallPattern:
        """A pattern in which classes of one stem are that stem: the code is the same if nothing depended on which."""
        stemmed: list[Argument] = []
        for argument in pattern:
            known = argument.known if isinstance(argument, Bound) else None
            stem = None if known is None else self.table.stem(known.cls)
            stemmed.append(argument if known is None or stem is None else Bound(replace(known, cls=stem)))
        return tuple(stemmed)

    def candidates(self, name: str, pattern: CallPattern) -> list[Clause]:
        """The clauses of a rule that a call pattern does not rule out."""
        known = self._candidates.get((name, pattern))
        if known is None:
            probe = Function(self, "", False)
            told_apart = self.told_apart
            likely = self._likely((name, len(pattern)), pattern)
            found = [c for c in likely if may_fit(c, pattern) and probe.head(c, pattern, {}) is not None]
            known = self._candidates[name, pattern] = found, self.told_apart != told_apart
        elif known[1]:
            self.told_apart += 1
        return known[0]

    def _by_specificity(self, clauses: Sequence[Clause]) -> list[Clause]:
        """Clauses in the order in which oso tries them: argument by argument, a derived class before its base, a class
        before a union, and any of them before no type at all.
        """

        def rank(clause: Clause) -> list[tuple[int, int]]:
            ranks = []
            for parameter in clause.parameters:
                pattern = parameter.pattern
                if not isinstance(pattern, TypePattern):
                    ranks.append((2, 0))
                elif pattern.name in self.program.unions:
                    ranks.append((1, 0))
                else:
                    cls = self.table.classes.get(pattern.name, object)
                    ranks.append((0, -len(cls.__mro__)))
            return ranks

        return sorted(clauses, key=rank)

    def _likely(self, key: Key, pattern: CallPattern) -> Sequence[Clause]:
        """The clauses that a look-up by the most telling literal leaves."""
        clauses: Sequence[Clause] = self._ordered.get(key, ())
        by_position = self._by_literal.get(key, {})
        for position, argument in enumerate(pattern):
            if isinstance(argument, Constant) and argument.kind is str and position in by_position:
                some = by_position[position].get(str(argument.value), ())
                if len(some) < len(clauses):
                    clauses = some
        return clauses


def _by_literal(clauses: Sequence[Clause]) -> dict[int, dict[str, list[Clause]]]:
    """The clauses by the literal at each position where every clause has one."""
    positions: dict[int, dict[str, list[Clause]]] = {}
    for position in range(len(clauses[0].parameters)):
        terms = [clause.parameters[position].term for clause in clauses]
        if all(isinstance(term, Literal) and type(term.value) is str for term in terms):
            by_literal: dict[str, list[Clause]] = {}
            for clause, term in zip(clauses, terms, strict=True):
                by_literal.setdefault(str(term.value), []).append(clause)  # type: ignore[union-attr]
            positions[position] = by_literal
    return positions
