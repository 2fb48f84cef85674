"""The compiler: from clauses to Python, one function for each pattern in which a rule is called."""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from sealauthz.polar.alike import EVERYTHING
from sealauthz.polar.budget import TooMuch
from sealauthz.polar.compile.forms import (
    ALL_PASSES,
    FREE,
    Argument,
    Bound,
    CallPattern,
    Compiled,
    Constant,
    Passes,
    Template,
)
from sealauthz.polar.compile.function import Function
from sealauthz.polar.compile.heads import may_fit
from sealauthz.polar.compile.outputs import Outputs
from sealauthz.polar.compile.session import Noted, Session
from sealauthz.polar.core.lower import Lowering
from sealauthz.polar.core.nodes import Classes, Clause, shape_of
from sealauthz.polar.core.nodes import Constant as CoreConstant
from sealauthz.polar.diagnostic import refusal
from sealauthz.polar.program import Key, Program
from sealauthz.polar.syntax import Place
from sealauthz.polar.types import Known, TypeTable
from sealauthz.polar.unchanging import unchanging
from sealauthz.runtime.errors import BundleRefused


@unchanging
class LookUp:
    """Clauses that were looked up; `bit` is that of the look-up in what code notes of its reads."""

    bit: int
    clauses: Sequence[Clause]
    asked: int


@unchanging
class _Kept:
    """Something found out about a rule, with what it rests on."""

    found: Any
    reads: int
    asked: int


_CommonKey = tuple[Key, CallPattern, bool]
"""A rule, a call pattern with the class that contexts derive from in place of a context, and whether it collects."""


_Shared = TypeVar("_Shared", Compiled, _Kept)
_K = TypeVar("_K")
_V = TypeVar("_V")


class Compiler(Session):
    """Compiles rules on demand."""

    def __init__(
        self,
        program: Program,
        table: TypeTable,
        is_traced: bool = False,
        passes: Passes = ALL_PASSES,
        first_name: int = 1,
        is_counted: bool = False,
    ) -> None:
        super().__init__(program, table, is_traced, passes, first_name, is_counted)
        self._compiled: dict[tuple[Key, CallPattern, bool], Compiled] = {}
        self._templates: dict[tuple[Key, CallPattern], _Kept] = {}
        # What holds for other contexts too, by the context that it was made with; and for which there is something.
        self._common: dict[tuple[_CommonKey, type | None], Compiled] = {}
        self._common_templates: dict[tuple[_CommonKey, type | None], _Kept] = {}
        self._siblings: dict[_CommonKey, list[type | None]] = {}
        self._telling: dict[tuple[Key, CallPattern], Compiled] = {}
        self._output_types: dict[tuple[Key, CallPattern, int], _Kept] = {}
        self._look_ups: dict[tuple[Key, CallPattern | None], LookUp] = {}
        self._reads: dict[str, int] = {}
        self._in_template: set[Key] = set()
        self._next_bit = 1
        self.has_begun_with_another = False
        self._lowering = Lowering(program, table.classes)
        # Of the rules that were looked at: to lower all of them takes as long as to compile those of a question.
        self._core: dict[Key, Sequence[Clause]] = {}
        self._by_literal: dict[Key, _Literals] = {}

    # --- rules ------------------------------------------------------------------------------------------------------

    def rule(self, name: str, pattern: CallPattern, place: Place | None = None, *, collects: bool = False) -> Compiled:
        """Compile a rule for a call pattern. Raises BundleRefused.

        What `collects` returns a list of all solutions, in any order where they are constants, some of them repeatedly.
        """
        key = (name, len(pattern))
        found = self._compiled.get((key, pattern, collects))
        if found is None:
            found = self._alike(self._common, key, pattern, collects)
        if found is None:
            if not self.has(key):
                raise self._no_rule(key, place)
            found = self._compile(key, pattern, collects)
        elif found.always is None and found.name not in self.definitions:
            # It is being compiled and calls itself: whatever comes of it, its function has to exist.
            self.promised.add(found.name)
        self.note(found.reads, found.asked)
        return found

    def telling(self, name: str, pattern: CallPattern) -> Compiled:
        """Compile a rule without FREE arguments so that it answers with the number of the first clause that holds, as
        `conditions` has it, and False where none does. Raises BundleRefused.

        Nobody calls it but the engine, so that it is neither shared nor kept for another policy.
        """
        key = (name, len(pattern))
        found = self._telling.get((key, pattern))
        if found is None:
            if not self.has(key):
                raise self._no_rule(key, None)
            with self.noting():
                function = Function(self, self.name_for(name), False, tells=True)
                try:
                    found = function.of_rule(self.candidates(key, pattern), pattern)
                except RecursionError:
                    raise self._too_deep(key) from None
                self._telling[key, pattern] = found
        return found

    def _compile(self, key: Key, pattern: CallPattern, collects: bool) -> Compiled:
        python_name = self.name_for(key[0])
        known = (key, pattern, collects)
        before = self._made()
        # Registered before its body is compiled, so that a recursive rule finds itself.
        self._compiled[known] = Compiled(python_name, asked=EVERYTHING)
        try:
            with self.noting() as noted:
                function = Function(self, python_name, FREE in pattern and not collects, collects)
                made = function.of_rule(self.candidates(key, pattern), pattern)
        except (BundleRefused, RecursionError) as error:
            # A later call must not find a function that was never finished, or one that calls it.
            for memory, start in zip(self._memories(), before, strict=False):
                for unfinished in list(memory)[start:]:
                    del memory[unfinished]
            if isinstance(error, RecursionError):
                raise self._too_deep(key) from None
            raise
        found = Compiled(made.name, made.always, made.is_never, noted.asked, noted.reads)
        if python_name in self.promised:
            # What was made in between may call it, and rests on all that it does.
            self._rests_on(found.reads, before)
        else:
            self._share(self._common, key, pattern, collects, found)
        self._compiled[known] = found
        self._reads |= dict.fromkeys(noted.made, found.reads)
        return found

    def _too_deep(self, key: Key) -> TooMuch:
        rule = f"`{key[0]}` and the rules that it calls nest too deep to be compiled"
        return TooMuch(rule, self.program.clauses[key][0].place)

    def _memories(self) -> tuple[dict[Any, Any], ...]:
        return self._compiled, self._common, self._templates, self._common_templates, self._output_types

    def _made(self) -> tuple[int, ...]:
        """How much was made so far, of each kind."""
        return (*map(len, self._memories()), len(self._reads))

    def _rests_on(self, reads: int, before: tuple[int, ...]) -> None:
        """Note look-ups on which everything rests that was made since there was so much of it."""
        for memory, start in zip(self._memories(), before, strict=False):
            for known in list(memory)[start:]:
                memory[known] = replace(memory[known], reads=memory[known].reads | reads)
        for name in list(self._reads)[before[-1] :]:
            self._reads[name] |= reads

    def _no_rule(self, key: Key, place: Place | None) -> BundleRefused:
        name, count = key
        known = [arity for other, arity in self.program.clauses if other == name]
        return refusal(
            f"`{name}` has {known[0]} parameters, not {count}" if known else f"no rule is called `{name}`", place
        )

    def _stemmed(self, pattern: CallPattern) -> tuple[type | None, CallPattern] | None:
        """The one class with siblings in a pattern, and the pattern with the class that these derive from in its place;
        None where there are several.
        """
        cls: type | None = None
        stemmed: list[Argument] = []
        for argument in pattern:
            known = argument.known if isinstance(argument, Bound) else None
            stem = None if known is None else self.table.stem(known.cls)
            if known is None or stem is None:
                stemmed.append(argument)
                continue
            if cls is not None and cls is not known.cls:
                return None
            cls = known.cls
            stemmed.append(Bound(Known(stem, known.is_optional, known.is_exact, known.element)))
        return cls, tuple(stemmed)

    def _alike(
        self, common: Mapping[tuple[_CommonKey, type | None], _Shared], key: Key, pattern: CallPattern, collects: bool
    ) -> _Shared | None:
        """What was made for a pattern with another context, if that one gave the same answers to all that was asked."""
        stemmed = self._stemmed(pattern)
        if stemmed is not None:
            cls, general = stemmed
            known = (key, general, collects)
            for other in self._siblings.get(known, ()):
                found = common.get((known, other))
                if found is not None and not found.asked & self.alike.differing(cls, other):
                    return found
        return None

    def _share(
        self,
        common: dict[tuple[_CommonKey, type | None], _Shared],
        key: Key,
        pattern: CallPattern,
        collects: bool,
        made: _Shared,
    ) -> None:
        """Keep something for other contexts."""
        if made.asked & EVERYTHING:
            return
        stemmed = self._stemmed(pattern)
        if stemmed is not None and stemmed[0] is not None:
            cls, general = stemmed
            known = (key, general, collects)
            common[known, cls] = made
            siblings = self._siblings.setdefault(known, [])
            if cls not in siblings:
                siblings.append(cls)

    def template(self, key: Key, pattern: CallPattern) -> Template | None:
        """The clauses of a rule as one small expression; None where they are none."""
        if key in self._in_template or not self.has(key):
            return None
        kept = self._templates.get((key, pattern))
        if kept is None:
            kept = self._alike(self._common_templates, key, pattern, False)
        if kept is None:
            self.charge(1 + len(pattern), self.program.clauses[key][0].place)
            self._in_template.add(key)
            try:
                with self.noting() as noted:
                    found = Function(self, "", False).template_of(self.candidates(key, pattern), pattern)
            finally:
                self._in_template.discard(key)
            kept = self._templates[key, pattern] = _Kept(found, noted.reads, noted.asked)
            self._share(self._common_templates, key, pattern, False, kept)
            self._reads |= dict.fromkeys(noted.made, noted.reads)
        self.note(kept.reads, kept.asked)
        template: Template | None = kept.found
        return template

    def output_type(self, key: Key, pattern: CallPattern, position: int) -> Known | None:
        """What is known of what a rule finds for an argument."""
        kept = self._output_types.get((key, pattern, position))
        if kept is None:
            with self.noting() as noted:
                found = Outputs(self).of_rule(self.candidates(key, pattern), pattern, position)
            kept = self._output_types[key, pattern, position] = _Kept(found, noted.reads, noted.asked)
        self.note(kept.reads, kept.asked)
        known: Known | None = kept.found
        return known

    # --- clauses ----------------------------------------------------------------------------------------------------

    def candidates(self, key: Key, pattern: CallPattern) -> Sequence[Clause]:
        """The clauses of a rule that a call pattern does not rule out."""
        found = self._look_ups.get((key, pattern))
        if found is None:
            if self.has(key):
                self.charge(1 + len(pattern), self.program.clauses[key][0].place)
            with self.noting() as noted:
                clauses = self._fitting_clauses(key, pattern)
            found = self._looked_up(key, pattern, clauses, noted)
        self.note(found.bit, found.asked)
        return found.clauses

    def has(self, key: Key) -> bool:
        """Whether there is such a rule."""
        return key in self.program.clauses

    def _lowered(self, key: Key) -> Sequence[Clause]:
        """The clauses of a rule in the order in which they are tried; none where there is no such rule."""
        found = self._core.get(key)
        if found is None:
            found = self._core[key] = lowered(self._lowering, self.program, key)
        return found

    def all_clauses(self, key: Key) -> Sequence[Clause]:
        """All clauses of a rule; none where there is no such rule."""
        found = self._look_ups.get((key, None))
        if found is None:
            found = self._looked_up(key, None, self._lowered(key), Noted())
        self.note(found.bit, 0)
        return found.clauses

    def _looked_up(self, key: Key, pattern: CallPattern | None, clauses: Sequence[Clause], noted: Noted) -> LookUp:
        found = self._look_ups[key, pattern] = LookUp(self._next_bit, clauses, noted.asked)
        self._next_bit <<= 1
        return found

    def _fitting_clauses(self, key: Key, pattern: CallPattern) -> Sequence[Clause]:
        return [clause for clause in self._likely(key, pattern) if may_fit(self, clause, pattern)]

    def _likely(self, key: Key, pattern: CallPattern) -> Sequence[Clause]:
        """The clauses that a look-up by the most telling literal leaves, in their order."""
        clauses = self._lowered(key)
        by_position = self._by_literal.get(key)
        if by_position is None:
            by_position = self._by_literal[key] = _by_literal(clauses)
        least, places = len(clauses), None
        for position, argument in enumerate(pattern):
            if isinstance(argument, Constant) and argument.kind is str and position in by_position:
                by_literal, open_ = by_position[position]
                found = by_literal.get(str(argument.value), [])
                if len(found) + len(open_) < least:
                    least, places = len(found) + len(open_), (found, open_)
        if places is None:
            return clauses
        found, open_ = places
        return [clauses[place] for place in (sorted(found + open_) if open_ else found)]

    # --- changes ----------------------------------------------------------------------------------------------------

    def changed(self, program: Program) -> Compiler:
        """Return a compiler of another policy over the same classes, with what is compiled and the same there."""
        if program.unions != self.program.unions or program.classes != self.program.classes:
            return Compiler(program, self.table, self.is_traced, self.passes)
        other = copy.copy(self)
        other.has_begun_with_another = True
        other.program = program
        other.renew_budget()
        other.noted = Noted()
        other._demands = {}
        other._telling = {}
        other._siblings = {known: [*classes] for known, classes in self._siblings.items()}
        other.conditions, other.numbers, other._condition_ids = [], {}, {}
        other._core, other._by_literal = dict(self._core), dict(self._by_literal)
        other._lowering = Lowering(program, self.table.classes)
        changed = set()
        for key in self._core:
            before, now = self.program.clauses.get(key, ()), program.clauses.get(key, ())
            if len(before) == len(now) and all(map(operator.is_, before, now)):
                continue
            changed.add(key)
            known = {id(clause.source): clause for clause in self._core[key]}
            made = [known.get(id(clause)) or other._lowering.clause(clause) for clause in now]
            other._core[key] = _by_specificity(made, program.unions)
            other._by_literal.pop(key, None)
        other._keep(self._stale(other, changed))
        return other

    def _stale(self, other: Compiler, changed: set[Key]) -> int:
        """The look-ups that find other clauses in another policy."""
        stale = 0
        # Where each clause says the same, as after a line was put in above, every look-up finds the same.
        changed = {key for key in changed if not _say_the_same(self._core[key], other._core[key])}
        for (key, pattern), look_up in self._look_ups.items():
            if key in changed:
                with other.noting() as noted:
                    clauses = other._core[key] if pattern is None else other._fitting_clauses(key, pattern)
                # A rule without a clause that fits holds for nothing; without any clause, it is none. And where more
                # is asked of a class than before, code for all that answered alike may be code for it no more.
                is_same = (
                    self.has(key) == other.has(key)
                    and noted.asked == look_up.asked
                    and _say_the_same(look_up.clauses, clauses)
                )
                stale |= 0 if is_same else look_up.bit
        return stale

    def _keep(self, stale: int) -> None:
        """Keep only what rests on none of these look-ups."""
        self._look_ups = _without(self._look_ups, lambda found: found.bit & stale)
        self._compiled = _without(self._compiled, lambda found: found.reads & stale)
        self._common = _without(self._common, lambda found: found.reads & stale)
        self._templates = _without(self._templates, lambda kept: kept.reads & stale)
        self._common_templates = _without(self._common_templates, lambda kept: kept.reads & stale)
        self._output_types = _without(self._output_types, lambda kept: kept.reads & stale)
        self._reads = _without(self._reads, lambda reads: reads & stale)
        self.definitions = {name: found for name, found in self.definitions.items() if name in self._reads}
        self.promised = self.promised & self.definitions.keys()
        self.remembering = self.remembering.kept(self.definitions)
        self._in_template = set()


def lowered(lowering: Lowering, program: Program, key: Key) -> Sequence[Clause]:
    """The clauses of a rule in their core form, in the order in which they are tried."""
    return _by_specificity(lowering.clauses(program.clauses.get(key, ())), program.unions)


def _by_specificity(clauses: Sequence[Clause], unions: Container[str]) -> list[Clause]:
    """Clauses in the order in which oso tries them: argument by argument, a derived class before its base, a class
    before a union, and any of them before no type at all.
    """

    def rank(clause: Clause) -> list[tuple[int, int]]:
        ranks = []
        for parameter in clause.parameters:
            pattern = parameter.pattern
            if not isinstance(pattern, Classes):
                ranks.append((2, 0))
            elif pattern.name in unions:
                ranks.append((1, 0))
            else:
                ranks.append((0, -len(pattern.classes[0].__mro__)))
        return ranks

    return sorted(clauses, key=rank) if len(clauses) > 1 else list(clauses)


def _without(known: Mapping[_K, _V], is_stale: Callable[[_V], int]) -> dict[_K, _V]:
    """A copy without what is stale. Most is not: to copy all and delete some asks for no hash of the others."""
    kept = dict(known)
    for key in [key for key, found in known.items() if is_stale(found)]:
        del kept[key]
    return kept


def _say_the_same(one: Sequence[Clause], other: Sequence[Clause]) -> bool:
    """Whether clauses say the same, wherever they stand and whatever their variables are called."""
    return len(one) == len(other) and all(
        a is b or shape_of((a.parameters, a.goals), {}) == shape_of((b.parameters, b.goals), {})
        for a, b in zip(one, other, strict=True)
    )


_Literals = Mapping[int, tuple[Mapping[str, list[int]], list[int]]]
"""By a position in heads: the places of the clauses with each word there, and of those with anything else."""


def _by_literal(clauses: Sequence[Clause]) -> _Literals:
    """The places of clauses by the words at each position where one has a word."""
    positions: dict[int, tuple[dict[str, list[int]], list[int]]] = {}
    for position in range(len(clauses[0].parameters) if clauses else 0):
        by_literal: dict[str, list[int]] = {}
        others: list[int] = []
        for place, clause in enumerate(clauses):
            term = clause.parameters[position].term
            if isinstance(term, CoreConstant) and type(term.value) is str:
                by_literal.setdefault(term.value, []).append(place)
            else:
                others.append(place)
        if by_literal:
            positions[position] = by_literal, others
    return positions
