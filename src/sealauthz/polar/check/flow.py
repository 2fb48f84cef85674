"""Following the calls of a bundle from its entry points: which arguments have a value, of what type, how negated."""

from __future__ import annotations

import operator
import sys
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from sealauthz.polar.check.asked import Asked, renamed
from sealauthz.polar.check.goals import Goals
from sealauthz.polar.check.rules import Clause, Key, Rules
from sealauthz.polar.check.scope import Mode, Scope
from sealauthz.polar.check.units import LENGTH, LENGTH_OF_UNIT
from sealauthz.polar.check.values import FREE, Free, Value, both, either, literal
from sealauthz.polar.diagnostic import Diagnostics
from sealauthz.polar.source import TIMES_FILE
from sealauthz.polar.syntax import Literal, Parameter, Place, TypePattern, Variable
from sealauthz.polar.terms import written
from sealauthz.polar.types import ANYTHING, TypeTable, ValueType

MAX_DEPTH = 50
"""Rules that call each other, one inside the other, before the checker stops."""

MAX_READINGS = 120_000
"""Readings of a clause, each with another pattern of arguments, before the checker stops: some seconds."""

NEVER_MATCHES = "this rule can never match"

_Pattern = tuple[Key, tuple[Value, ...], bool, bool]
_Taken = tuple[Value, ...] | None


class TooMuch(Exception):
    """The bundle is too deep or too large to be checked; `place` is where the checker stopped."""

    def __init__(self, message: str, place: Place) -> None:
        self.place = place
        super().__init__(message)


_NOTHING = sys.maxsize
"""Behind the turn of every pattern."""


@dataclass(slots=True)
class _Reach:
    """What the analysis of a pattern rests on and says, as sets of bits: the look-ups of clauses that it made, which
    clauses and conditions it tried, which of them could hold, which rules it called, and what it asked of the classes
    of its arguments.

    It is silent where nothing was wrong; it `uses_mode` where it may say something else under a negation, or where it
    decides. `height` is how many calls, one inside the other, it may take at most. `rests_on` is the turn of the
    outermost of the patterns that it rests on and that were still being read then: what it found may not be all.
    """

    look_ups: int = 0
    tried: int = 0
    held: int = 0
    called: int = 0
    asked: int = 0
    uses_mode: bool = False
    is_silent: bool = True
    height: int = 1
    rests_on: int = _NOTHING

    @property
    def is_partial(self) -> bool:
        """Whether it may not be all."""
        return self.rests_on != _NOTHING

    def add(self, other: _Reach) -> None:
        """Take in the reach of a pattern that this one rests on."""
        self.height = max(self.height, other.height + 1)
        self.look_ups |= other.look_ups
        self.tried |= other.tried
        self.held |= other.held
        self.called |= other.called
        self.asked |= other.asked
        self.uses_mode |= other.uses_mode
        self.is_silent &= other.is_silent
        self.rests_on = min(self.rests_on, other.rests_on)


class _Bits:
    """Numbers for things, as sets of one. `things` are kept, so that nothing else can be taken for one of them."""

    def __init__(self, like: _Bits | None = None) -> None:
        self.things: list[object] = [] if like is None else [*like.things]
        self._bits: dict[object, int] = {} if like is None else dict(like._bits)

    def of(self, name: object, thing: object) -> int:
        """The bit of a thing that goes by a name."""
        bit = self._bits.get(name)
        if bit is None:
            bit = self._bits[name] = 1 << len(self.things)
            self.things.append(thing)
        return bit

    def known(self, name: object) -> int:
        """The bit of a thing; none where it has none."""
        return self._bits.get(name, 0)

    def among(self, bits: int) -> Iterator[object]:
        """The things whose bits are in a set."""
        while bits:
            lowest = bits & -bits
            yield self.things[lowest.bit_length() - 1]
            bits ^= lowest


@dataclass(slots=True)
class _Known:
    """What is known of a pattern: the arguments that it was first called with, what comes out, clause by clause, and
    whether it is still being found out; `turn` counts the patterns that were begun before it. Where it was found out
    with another class, `instead_of` names that one and its own, for what the clauses say.
    """

    values: tuple[Value, ...] = ()
    taken: _Taken = None
    is_open: bool = True
    turn: int = 0
    is_recursive: bool = False
    by_clause: list[tuple[Clause, _Taken]] = field(default_factory=list)
    reach: _Reach = field(default_factory=_Reach)
    instead_of: tuple[str, str] | None = None


@dataclass(slots=True)
class _Tried:
    """A clause or condition that was tried: where it stands, what is wrong if it never holds, and why it did not."""

    place: Place
    what: str
    holds: bool
    why: str


@dataclass(frozen=True, slots=True)
class _Shared:
    """What is known of a pattern, as far as it holds for other classes and in other modes too."""

    known: _Known
    cls: str
    is_negative: bool
    decides: bool


_Words = tuple[tuple[int, frozenset[object]], ...]
_LOOK_UPS_AT_MOST = 50_000


class Flow:
    """Analyses rules by call pattern. Each pattern is analysed once, for all its callers.

    What an analysis of a bundle without errors found out `before` is taken over, where the same clauses are found and
    nothing was wrong.
    """

    def __init__(
        self,
        rules: Rules,
        types: TypeTable,
        contexts: AbstractSet[str],
        found: Diagnostics,
        before: Flow | None = None,
    ) -> None:
        self._rules = rules
        self._asking: Asked = Asked(types) if before is None else before._asking
        self._goals = Goals(rules, types, contexts, found, self._asking, self)
        self._found = found
        self._known: dict[_Pattern, _Known] = {}
        self._shared: dict[tuple[Key, tuple[Value, ...]], list[_Shared]] = {}
        self._sharing: list[list[_Shared]] = []
        self._tried: dict[int, _Tried] = {}
        self._called: set[Key] = set()
        self._depth = 0
        self._turns = 0
        self._readings = 0
        self._readings_before = 0
        self._reading: list[_Reach] = []
        self._elsewhere = _Reach()
        if before is not None and not before._is_like(rules):
            before = None
        self._before: Mapping[_Pattern, _Known] = {} if before is None else before._known
        self._tried_before: Mapping[int, _Tried] = {}
        self._bits: _Bits = _Bits()
        if before is not None:
            self._readings_before = before._readings + before._readings_before
            self._tried_before = {**before._tried_before, **before._tried}
            self._bits = _Bits(before._bits)
        self._look_ups: dict[tuple[Key, _Words], tuple[int, Sequence[Clause]]] = {}
        self._stale = 0 if before is None else self._take_look_ups(before)

    def _is_like(self, rules: Rules) -> bool:
        """Whether much of this analysis may hold for other rules too."""
        is_small = len(self._bits.things) < _LOOK_UPS_AT_MOST
        return is_small and self._rules.unions == rules.unions and self._rules.declared == rules.declared

    def _take_look_ups(self, before: Flow) -> int:
        """Take over the look-ups that find the same clauses, and return the others."""
        same = {
            key
            for key, clauses in before._rules.by_key.items()
            if len(clauses) == len(self._rules.by_key.get(key, ()))
            and all(map(operator.is_, clauses, self._rules.by_key[key]))
        }
        stale = 0
        for (key, words), (bit, clauses) in before._look_ups.items():
            if key not in same:
                now = list(self._rules.candidates(key, dict(words))) if key in self._rules.by_key else None
                if now is None or len(now) != len(clauses) or not all(map(operator.is_, now, clauses)):
                    stale |= bit
                    continue
            self._look_ups[key, words] = bit, clauses
        return stale

    @property
    def written_ids(self) -> list[tuple[str, str, Place]]:
        """The ids that stand in the policies, each with the type of the record and its place.

        All of them only where nothing was found out before.
        """
        return sorted(
            self._goals.written_ids, key=lambda found: (found[2].file, found[2].line, found[2].column, found[:2])
        )

    # --- what the goals ask -----------------------------------------------------------------------------------------

    def call(self, key: Key, values: tuple[Value, ...], mode: Mode) -> _Taken:
        """The arguments after a call; None where no rule can match."""
        return self._of_pattern(key, tuple([FREE if isinstance(v, Free) else v for v in values]), mode).taken

    def tried(self, node: object, place: Place, what: str, holds: bool) -> None:
        """Note that a condition was tried, and whether it could hold."""
        known = self._tried.get(id(node))
        if known is None:
            self._tried[id(node)] = _Tried(place, what, holds, "" if holds else self._goals.why)
        elif holds:
            known.holds = True
        elif not known.why:
            known.why = self._goals.why
        if self._reading:
            bit = self._bits.of(id(node), node)
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
        found = [(clause, taken) for clause, taken in known.by_clause if taken is not None]
        if known.instead_of is None:
            return found
        cls, other = known.instead_of
        return [(clause, tuple([renamed(value, cls, other) for value in taken])) for clause, taken in found]

    def enter_rest(self) -> None:
        """Analyse what nothing called, with arguments of the types that the heads name."""
        for clause in self._rules.clauses:
            if not self._is_tried(clause.node) and not self._is_called(clause.key):
                values = tuple(ANYTHING for _ in clause.node.parameters)
                self._clause(clause, values, Mode(clause, False, False))

    def never(self) -> list[tuple[Place, str]]:
        """The clauses and conditions that were tried and can never hold."""
        for clause in self._rules.clauses:
            is_offered = clause.place.file == TIMES_FILE  # nobody need call it with all that it takes
            if not is_offered and self._is_called(clause.key) and not self._is_tried(clause.node):
                why = "no call has arguments that fit its head"
                self._tried[id(clause.node)] = _Tried(clause.place, NEVER_MATCHES, False, why)
        for node in self._bits.among(self._elsewhere.tried & ~self._elsewhere.held):
            self._tried.setdefault(id(node), replace(self._tried_before[id(node)], holds=False))
        return [
            (tried.place, f"{tried.what}: {tried.why}")
            for name, tried in self._tried.items()
            if not tried.holds and not self._elsewhere.held & self._bits.known(name)
        ]

    def _is_called(self, key: Key) -> bool:
        return key in self._called or bool(self._elsewhere.called & self._bits.of(key, key))

    def _is_tried(self, node: object) -> bool:
        return id(node) in self._tried or bool(self._elsewhere.tried & self._bits.of(id(node), node))

    # --- patterns ---------------------------------------------------------------------------------------------------

    def _of_pattern(self, key: Key, values: tuple[Value, ...], mode: Mode) -> _Known:
        pattern = (key, values, mode.is_negative, mode.decides)
        known = self._known.get(pattern) or self._kept(pattern, mode)
        if known is None:
            known = self._alike(pattern)
        if known is not None:
            known.is_recursive = known.is_recursive or known.is_open
            if self._goals.misspelt:
                for value, first in zip(values, known.values, strict=True):
                    self._goals.hand_on(value, first)
            if self._reading:
                self._reading[-1].add(known.reach)
                if known.is_open:
                    self._reading[-1].rests_on = min(self._reading[-1].rests_on, known.turn)
            return known
        if self._depth >= MAX_DEPTH:
            raise TooMuch(f"rules call each other deeper than {MAX_DEPTH}", mode.clause.place)
        self._called.add(key)
        known = self._known[pattern] = _Known(values, turn=self._turns)
        self._turns += 1
        before, shared, told = len(self._known), len(self._sharing), self._found.told
        goals = self._goals
        outer = goals.asked, goals.uses_mode
        goals.asked, goals.uses_mode = 0, False
        known.reach.called |= self._bits.of(key, key)
        self._reading.append(known.reach)
        self._depth += 1
        clauses = self._candidates(key, values)
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
            for alike in self._sharing[shared:]:
                alike.clear()
            del self._sharing[shared:]
        self._depth -= 1
        known.reach.asked |= goals.asked
        known.reach.uses_mode |= goals.uses_mode
        goals.asked, goals.uses_mode = outer
        known.taken, known.is_open = taken, False
        known.reach.is_silent &= self._found.told == told
        if known.reach.rests_on >= known.turn:
            # It rests on nothing that is still being read but itself, and what it was read with last is what it gives.
            known.reach.rests_on = _NOTHING
        self._reading.pop()
        if self._reading:
            self._reading[-1].add(known.reach)
        self._share(pattern, known)
        return known

    def _kept(self, pattern: _Pattern, mode: Mode) -> _Known | None:
        """What an earlier analysis found out about a pattern, if that holds for these rules."""
        known = self._before.get(pattern)
        if known is None or not self._is_kept(known.reach):
            return None
        if self._depth + known.reach.height > MAX_DEPTH:
            raise TooMuch(f"rules call each other deeper than {MAX_DEPTH}", mode.clause.place)
        self._known[pattern] = known
        self._elsewhere.add(known.reach)
        return known

    def _share(self, pattern: _Pattern, known: _Known) -> None:
        """Keep what was found out for patterns that differ in the class of a context or in the mode alone."""
        key, values, is_negative, decides = pattern
        stemmed = None if known.reach.is_partial else self._asking.stemmed(values)
        if stemmed is not None:
            cls, general = stemmed
            alike = self._shared.setdefault((key, general), [])
            alike.append(_Shared(known, cls, is_negative, decides))
            self._sharing.append(alike)

    def _alike(self, pattern: _Pattern) -> _Known | None:
        """What is known of a pattern that gave the same answers to all that was asked."""
        key, values, is_negative, decides = pattern
        stemmed = self._asking.stemmed(values)
        if stemmed is None:
            return None
        cls, general = stemmed
        for shared in self._shared.get((key, general), ()):
            reach = shared.known.reach
            if reach.uses_mode and (shared.is_negative, shared.decides) != (is_negative, decides):
                continue
            if reach.asked & self._asking.differing(cls, shared.cls):
                continue
            known = shared.known
            if cls != shared.cls:
                names = shared.cls, cls
                known = _Known(
                    values,
                    _renamed(known.taken, *names),
                    is_open=False,
                    by_clause=known.by_clause,
                    reach=reach,
                    instead_of=names,
                )
            self._known[pattern] = known
            return known
        return None

    def _is_kept(self, reach: _Reach) -> bool:
        """Whether what an earlier analysis said of a pattern holds for these rules."""
        return reach.is_silent and not reach.is_partial and not reach.look_ups & self._stale

    def _candidates(self, key: Key, values: tuple[Value, ...]) -> Sequence[Clause]:
        """The clauses that a pattern can reach, by the words that its arguments can be."""
        words = tuple(
            [
                (at, value.words)
                for at, value in enumerate(values)
                if isinstance(value, ValueType) and value.words is not None and not value.is_optional
            ]
        )
        found = self._look_ups.get((key, words))
        if found is None:
            clauses = list(self._rules.candidates(key, dict(words)))
            found = self._look_ups[key, words] = self._bits.of((key, words), None), clauses
        self._reading[-1].look_ups |= found[0]
        return found[1]

    def _clause(self, clause: Clause, values: tuple[Value, ...], mode: Mode) -> _Taken:
        self._readings += 1
        if self._readings + self._readings_before > MAX_READINGS:
            raise TooMuch("the rules call each other with too many patterns of arguments", clause.place)
        scope = Scope()
        mode = Mode(clause, mode.decides, mode.is_negative, mode.negation)
        parameters = clause.node.parameters
        holds = True
        for parameter, value in zip(parameters, values, strict=True):
            if not self._enter_parameter(parameter, value, scope, mode):
                holds = False
                break
        body = clause.node.body
        if holds and body is not None:
            holds = self._goals.solve(body, scope, mode)
        self.tried(clause.node, clause.place, NEVER_MATCHES, holds)
        if not holds:
            return None
        taken = tuple(
            [self._taken(parameter, value, scope) for parameter, value in zip(parameters, values, strict=True)]
        )
        return (taken[0], LENGTH) if clause.key == LENGTH_OF_UNIT else taken

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
            if both(value, literal(term.value), goals.types) is not None:
                goals.note_ids((term, literal(term.value)), (term, value), parameter.place)
                return True
            goals.why = f"no call has {written(term)} here"
            return False
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
        term = parameter.term
        if isinstance(term, Literal):
            return literal(term.value)
        if not isinstance(term, Variable):
            return ANYTHING if isinstance(value, Free) else value
        if term.name == "_":
            if isinstance(value, ValueType) and isinstance(parameter.pattern, TypePattern):
                return self._goals.as_class(term, value, parameter.pattern.name) or value
            return value
        known = scope.of(term.name)
        return FREE if isinstance(known, Free) else known


def _renamed(taken: _Taken, cls: str, other: str) -> _Taken:
    return None if taken is None else tuple([renamed(value, cls, other) for value in taken])


def _joined(found: list[_Taken]) -> _Taken:
    """What comes out of a rule whose clauses give these."""
    joined = [taken for taken in found if taken is not None]
    # Two and two: one after the other, the words of each fact would be put together with those of all before it.
    while len(joined) > 1:
        pairs = zip(joined[::2], joined[1::2], strict=False)
        last = joined[-1:] if len(joined) % 2 else []
        joined = [*(tuple(map(either, left, right)) for left, right in pairs), *last]
    return joined[0] if joined else None
