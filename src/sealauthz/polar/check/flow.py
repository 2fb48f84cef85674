"""Following the calls of a bundle from its entry points: which arguments have a value, of what type, how negated."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from sealauthz.polar.check.goals import Goals
from sealauthz.polar.check.rules import Clause, Key, Rules
from sealauthz.polar.check.scope import Mode, Scope
from sealauthz.polar.check.values import FREE, Free, Value, both, either, literal
from sealauthz.polar.diagnostic import Diagnostics
from sealauthz.polar.syntax import Literal, Parameter, Place, TypePattern, Variable
from sealauthz.polar.terms import written
from sealauthz.polar.types import ANYTHING, TypeTable, ValueType

MAX_DEPTH = 50
"""Rules that call each other, one inside the other, before the checker stops."""

MAX_READINGS = 60_000
"""Readings of a clause, each with another pattern of arguments, before the checker stops: some seconds."""

NEVER_MATCHES = "this rule can never match"

_Pattern = tuple[Key, tuple[Value, ...], bool, bool]
_Taken = tuple[Value, ...] | None


class TooMuch(Exception):
    """The bundle is too deep or too large to be checked; `place` is where the checker stopped."""

    def __init__(self, message: str, place: Place) -> None:
        self.place = place
        super().__init__(message)


class Marks:
    """Numbers for clauses, conditions and rules, by what they are and where they stand: the same in every analysis of
    bundles that differ little.
    """

    def __init__(self) -> None:
        self._bits: dict[object, int] = {}

    def bit(self, what: object) -> int:
        """The number of a thing, as a set of one."""
        return 1 << self._bits.setdefault(what, len(self._bits))


@dataclass(slots=True)
class Reach:
    """What a question reads of a bundle, as sets of bits of `Marks`: which clauses and conditions were tried, which of
    them could hold, and which rules were called. It is partial where a rule that calls itself was still being read.
    """

    tried: int = 0
    held: int = 0
    called: int = 0
    is_partial: bool = False

    def add(self, other: Reach) -> None:
        """Take in what another question reads."""
        self.tried |= other.tried
        self.held |= other.held
        self.called |= other.called
        self.is_partial |= other.is_partial


@dataclass(slots=True)
class _Known:
    """What is known of a pattern: the arguments that it was first called with, what comes out, clause by clause, and
    whether it is still being found out.
    """

    values: tuple[Value, ...] = ()
    taken: _Taken = None
    is_open: bool = True
    is_recursive: bool = False
    by_clause: list[tuple[Clause, _Taken]] = field(default_factory=list)
    reach: Reach = field(default_factory=Reach)


@dataclass(slots=True)
class _Tried:
    place: Place
    what: str
    holds: bool
    why: str


class Flow:
    """Analyses rules by call pattern. Each pattern is analysed once, for all its callers.

    With `marks` it notes what each question reads.
    """

    def __init__(
        self, rules: Rules, types: TypeTable, contexts: AbstractSet[str], found: Diagnostics, marks: Marks | None = None
    ) -> None:
        self._rules = rules
        self._goals = Goals(rules, types, contexts, found, self)
        self._found = found
        self._known: dict[_Pattern, _Known] = {}
        self._tried: dict[int, _Tried] = {}
        self._called: set[Key] = set()
        self._depth = 0
        self._readings = 0
        self._marks = marks
        self._reading: list[Reach] = []
        self._elsewhere = Reach()

    # --- what the goals ask -----------------------------------------------------------------------------------------

    def call(self, key: Key, values: tuple[Value, ...], mode: Mode) -> _Taken:
        """The arguments after a call; None where no rule can match."""
        return self._of_pattern(key, tuple(FREE if isinstance(v, Free) else v for v in values), mode).taken

    def tried(self, node: object, place: Place, what: str, holds: bool) -> None:
        """Note that a condition was tried, and whether it could hold."""
        known = self._tried.get(id(node))
        if known is None:
            self._tried[id(node)] = _Tried(place, what, holds, "" if holds else self._goals.why)
        elif holds:
            known.holds = True
        if self._marks is not None and self._reading:
            bit = self._marks.bit((place, what))
            self._reading[-1].tried |= bit
            if holds:
                self._reading[-1].held |= bit

    # --- entries ----------------------------------------------------------------------------------------------------

    def enter(self, key: Key, values: tuple[Value, ...], decides: bool) -> list[tuple[Clause, tuple[Value, ...]]]:
        """Analyse a rule that the service asks for: its clauses that can match, with what their arguments become."""
        if key not in self._rules.by_key:
            return []
        mode = Mode(self._rules.by_key[key][0], decides, False)
        known = self._of_pattern(key, values, mode)
        return [(clause, taken) for clause, taken in known.by_clause if taken is not None]

    def enter_rest(self) -> None:
        """Analyse what nothing called, with arguments of the types that the heads name."""
        for clause in self._rules.clauses:
            if id(clause.node) not in self._tried and not self._is_called(clause.key):
                values = tuple(ANYTHING for _ in clause.node.parameters)
                self._clause(clause, values, Mode(clause, False, False))

    def never(self) -> list[tuple[Place, str]]:
        """The clauses and conditions that were tried and can never hold."""
        for clause in self._rules.clauses:
            is_tried = id(clause.node) in self._tried or self._is_elsewhere(clause.place, NEVER_MATCHES, held=False)
            if self._is_called(clause.key) and not is_tried:
                why = "no call has arguments that fit its head"
                self._tried[id(clause.node)] = _Tried(clause.place, NEVER_MATCHES, False, why)
        return [
            (tried.place, f"{tried.what}: {tried.why}")
            for tried in self._tried.values()
            if not tried.holds and not self._is_elsewhere(tried.place, tried.what, held=True)
        ]

    # --- questions that are known from another bundle ----------------------------------------------------------------

    def reach(self, key: Key, values: tuple[Value, ...], decides: bool) -> Reach:
        """What a question reads that was entered."""
        if key not in self._rules.by_key:
            return Reach()
        return self._known[key, values, False, decides].reach

    def take(self, elsewhere: Reach) -> None:
        """Take over what questions read that need not be entered."""
        self._elsewhere.add(elsewhere)

    def _is_called(self, key: Key) -> bool:
        if key in self._called:
            return True
        return self._marks is not None and bool(self._elsewhere.called & self._marks.bit(key))

    def _is_elsewhere(self, place: Place, what: str, *, held: bool) -> bool:
        if self._marks is None:
            return False
        noted = self._elsewhere.held if held else self._elsewhere.tried
        return bool(noted & self._marks.bit((place, what)))

    # --- patterns ---------------------------------------------------------------------------------------------------

    def _of_pattern(self, key: Key, values: tuple[Value, ...], mode: Mode) -> _Known:
        pattern = (key, values, mode.is_negative, mode.decides)
        known = self._known.get(pattern)
        if known is not None:
            known.is_recursive = known.is_recursive or known.is_open
            if self._goals.misspelt:
                for value, first in zip(values, known.values, strict=True):
                    self._goals.hand_on(value, first)
            if self._reading:
                self._reading[-1].add(known.reach)
                self._reading[-1].is_partial |= known.is_open
            return known
        if self._depth >= MAX_DEPTH:
            raise TooMuch(f"rules call each other deeper than {MAX_DEPTH}", mode.clause.place)
        self._called.add(key)
        known = self._known[pattern] = _Known(values)
        before = len(self._known)
        if self._marks is not None:
            known.reach.called |= self._marks.bit(key)
            self._reading.append(known.reach)
        self._depth += 1
        words = {
            at: value.words
            for at, value in enumerate(values)
            if isinstance(value, ValueType) and value.words is not None and not value.is_optional
        }
        clauses = list(self._rules.candidates(key, words))
        while True:
            known.is_recursive = False
            known.by_clause = [(clause, self._clause(clause, values, mode)) for clause in clauses]
            taken = _joined([found for _, found in known.by_clause])
            if not known.is_recursive or taken == known.taken:
                break
            # It called itself, so that what it found rests on less than it found: once more, with what it found.
            known.taken = taken
            for later in list(self._known)[before:]:
                if not self._known[later].is_open:
                    del self._known[later]
        self._depth -= 1
        known.taken, known.is_open = taken, False
        if self._marks is not None:
            self._reading.pop()
            if self._reading:
                self._reading[-1].add(known.reach)
        return known

    def _clause(self, clause: Clause, values: tuple[Value, ...], mode: Mode) -> _Taken:
        self._readings += 1
        if self._readings > MAX_READINGS:
            raise TooMuch("the rules call each other with too many patterns of arguments", clause.place)
        scope = Scope()
        mode = Mode(clause, mode.decides, mode.is_negative, mode.negation)
        given = tuple(zip(clause.node.parameters, values, strict=True))
        holds = all(self._enter_parameter(parameter, value, scope, mode) for parameter, value in given)
        body = clause.node.body
        if holds and body is not None:
            holds = self._goals.solve(body, scope, mode)
        self.tried(clause.node, clause.place, NEVER_MATCHES, holds)
        if not holds:
            return None
        return tuple(self._taken(parameter, value, scope) for parameter, value in given)

    def _enter_parameter(self, parameter: Parameter, value: Value, scope: Scope, mode: Mode) -> bool:
        """Bring an argument into the scope of a clause; whether the parameter can take it."""
        term, pattern, goals = parameter.term, parameter.pattern, self._goals
        if isinstance(value, Free):
            if isinstance(term, Variable) and isinstance(pattern, TypePattern) and term.name != "_":
                if isinstance(scope.of(term.name), Free):
                    scope.give(term.name, Free(pattern.name))
            elif not isinstance(term, Variable | Literal):
                goals.value(term, scope, mode, "a parameter")
            return True
        if isinstance(term, Literal):
            if value.is_optional:
                goals.absent_equal(term, value, parameter.place, mode)
            goals.why = f"no call has {written(term)} here"
            return both(value, literal(term.value), goals.types) is not None
        if isinstance(pattern, TypePattern):
            if value.is_optional and value.name != "nil":
                goals.absent_equal(term, value, parameter.place, mode)
            known = goals.as_class(term, value, pattern.name)
            if known is None or not goals.take_apart(pattern, known, scope, mode):
                return False
            value = known
        elif pattern is not None and not goals.take_apart(pattern, value, scope, mode):
            return False
        return goals.take_apart(term, value, scope, mode)

    def _taken(self, parameter: Parameter, value: Value, scope: Scope) -> Value:
        """What an argument is once a clause has matched."""
        match parameter.term:
            case Literal(content, _):
                return literal(content)
            case Variable("_", _):
                if isinstance(value, ValueType) and isinstance(parameter.pattern, TypePattern):
                    return self._goals.as_class(parameter.term, value, parameter.pattern.name) or value
                return value
            case Variable(name, _):
                known = scope.of(name)
                return FREE if isinstance(known, Free) else known
            case _:
                return ANYTHING if isinstance(value, Free) else value


def _joined(found: list[_Taken]) -> _Taken:
    """What comes out of a rule whose clauses give these."""
    joined: _Taken = None
    for taken in found:
        if taken is None:
            continue
        joined = taken if joined is None else tuple(map(either, joined, taken))
    return joined
