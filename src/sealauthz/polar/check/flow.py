"""Following the calls of a bundle from its entry points: which arguments have a value, of what type, how negated."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from sealauthz.polar.budget import Budget, TooMuch
from sealauthz.polar.check.asked import Asked, renamed
from sealauthz.polar.check.goals import Goals
from sealauthz.polar.check.patterns import NOTHING, Bits, KeptFlow, Known, Pattern, Reach, Shared, Taken, Tried, Words
from sealauthz.polar.check.rules import Clause, Key, Rules
from sealauthz.polar.check.scope import Mode, Scope
from sealauthz.polar.check.units import LENGTH, LENGTH_OF_UNIT
from sealauthz.polar.check.values import FREE, Free, Value, both, either_of, literal
from sealauthz.polar.diagnostic import Diagnostics
from sealauthz.polar.program import NIL
from sealauthz.polar.source import TIMES_FILE
from sealauthz.polar.syntax import Literal, Parameter, Place, TypePattern, Variable
from sealauthz.polar.terms import written
from sealauthz.polar.types import ANYTHING, TypeTable, ValueType

MAX_DEPTH = 50
"""Rules that call each other, one inside the other, before the checker stops."""

_THINGS_PER_STEP = 1_000
"""How many things a set of bits takes in for each step that is charged where two sets are joined."""

NEVER_MATCHES = "this rule can never match"

_TOO_MANY = "the rules call each other with too many patterns of arguments"

_ALWAYS_HOLDS = "always holds"
"""What is wrong with a condition that asks for nothing ends so; any other can never hold."""


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
        budget: Budget | None = None,
    ) -> None:
        self._rules = rules
        self._budget = budget or Budget()
        self._asking: Asked = Asked(types) if before is None else before._asking
        self._goals = Goals(rules, types, contexts, found, self._asking, self)
        self._found = found
        self._known: dict[Pattern, Known] = {}
        self._shared: dict[tuple[Key, tuple[Value, ...]], list[Shared]] = {}
        self._sharing: list[list[Shared]] = []
        self._tried: dict[int, Tried] = {}
        self._called: set[Key] = set()
        self._depth = 0
        self._turns = 0
        self._seeds: dict[Pattern, Taken] = {}
        self._is_unsettled = False
        self._spent_before = 0
        self._reading: list[Reach] = []
        self._elsewhere = Reach()
        if before is not None and not before._is_like(rules):
            before = None
        self._before: Mapping[Pattern, Known] = {} if before is None else before._known
        self._tried_before: Mapping[int, Tried] = {}
        self._bits: Bits = Bits()
        if before is not None:
            self._spent_before = before._spent
            self._budget.charge(self._spent_before, _TOO_MANY, Place("", 0, 0))
            self._tried_before = {**before._tried_before, **before._tried}
            self._bits = Bits(before._bits)
        self._look_ups: dict[tuple[Key, Words], tuple[int, Sequence[Clause]]] = {}
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
    def _spent(self) -> int:
        """What this analysis took, with those that it began with."""
        return self._budget.spent

    def kept(self) -> KeptFlow | None:
        """Return what another analysis may begin with, for another process; None where this one began with another."""
        if self._spent_before or self._tried_before:
            return None
        tried = {}
        for place, thing in enumerate(self._bits.things):
            found = self._tried.get(id(thing))
            if found is not None:
                tried[place] = found
        named = self._bits.things_named()
        return KeptFlow(self._asking.questions, self._known, named, tried, self._look_ups, self._spent)

    @classmethod
    def of_kept(cls, kept: KeptFlow, rules: Rules, types: TypeTable) -> Flow:
        """Return an analysis for others to begin with, from what `kept` gave for the same types. It says nothing."""
        flow = cls(rules, types, frozenset(), Diagnostics())
        flow._asking.ask_again(kept.questions)
        flow._known, flow._look_ups = kept.known, kept.look_ups
        flow._budget.charge(kept.steps, _TOO_MANY, Place("", 0, 0))
        flow._bits = Bits.of_things(kept.things)
        flow._tried = {id(flow._bits.things[place]): found for place, found in kept.tried.items()}
        return flow

    @property
    def written_ids(self) -> list[tuple[str, str, Place]]:
        """The ids that stand in the policies, each with the type of the record and its place.

        All of them only where nothing was found out before.
        """
        return sorted(
            self._goals.written_ids, key=lambda found: (found[2].file, found[2].line, found[2].column, found[:2])
        )

    # --- what the goals ask -----------------------------------------------------------------------------------------

    def charge(self, steps: int, mode: Mode) -> None:
        """Count steps of work. Raises TooMuch."""
        self._budget.charge(steps, _TOO_MANY, mode.clause.place)

    def call(self, key: Key, values: tuple[Value, ...], mode: Mode) -> Taken:
        """The arguments after a call; None where no rule can match."""
        self.charge(1 + len(values) + len(self._bits.things) // _THINGS_PER_STEP, mode)
        return self._of_pattern(key, tuple([FREE if isinstance(v, Free) else v for v in values]), mode).taken

    def tried(self, node: object, place: Place, what: str, holds: bool) -> None:
        """Note that a condition was tried, and whether it could hold."""
        known = self._tried.get(id(node))
        if known is None:
            known = self._tried[id(node)] = Tried(place, what, holds, "")
        known.holds = known.holds or holds
        if not (holds or known.why):
            why, word = self._goals.blamed
            known.why = self._goals.why
            known.word = word if why is known.why else None
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

    def never(self) -> list[tuple[str, Place, str]]:
        """The clauses and conditions that were tried and can never hold, or always do: code, place and message."""
        for clause in self._rules.clauses:
            is_offered = clause.place.file == TIMES_FILE  # nobody need call it with all that it takes
            if not is_offered and self._is_called(clause.key) and not self._is_tried(clause.node):
                why = "no call has arguments that fit its head"
                self._tried[id(clause.node)] = Tried(clause.place, NEVER_MATCHES, False, why)
        for node in self._bits.among(self._elsewhere.tried & ~self._elsewhere.held):
            self._tried.setdefault(id(node), replace(self._tried_before[id(node)], holds=False))
        return [
            ("always" if tried.what.endswith(_ALWAYS_HOLDS) else "never", tried.place, f"{tried.what}: {tried.why}")
            for name, tried in self._tried.items()
            if not tried.holds
            and not self._elsewhere.held & self._bits.known(name)
            and not (tried.word is not None and self._found.has_error_at(tried.word))
        ]

    def _is_called(self, key: Key) -> bool:
        return key in self._called or bool(self._elsewhere.called & self._bits.of(key, key))

    def _is_tried(self, node: object) -> bool:
        return id(node) in self._tried or bool(self._elsewhere.tried & self._bits.of(id(node), node))

    # --- patterns ---------------------------------------------------------------------------------------------------

    def _of_pattern(self, key: Key, values: tuple[Value, ...], mode: Mode) -> Known:
        pattern = (key, values, mode.is_negative, mode.decides)
        known = self._known.get(pattern)
        if known is None and self._before:
            known = self._kept(pattern, mode)
        stemmed = None
        if known is None:
            stemmed = self._asking.stemmed(values)
            known = None if stemmed is None else self._alike(pattern, *stemmed)
        if known is not None:
            known.is_recursive = known.is_recursive or known.is_open
            if self._goals.misspelt or self._goals.unfit:
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
        known = self._known[pattern] = Known(values, self._seeds.get(pattern), turn=self._turns)
        self._turns += 1
        before, shared, told = len(self._known), len(self._sharing), self._found.told
        goals = self._goals
        outer = goals.asked, goals.uses_mode
        goals.asked, goals.uses_mode = 0, False
        known.reach.called |= self._bits.of(key, key)
        self._reading.append(known.reach)
        self._depth += 1
        clauses = self._candidates(key, values)
        was_unsettled = self._is_unsettled
        while True:
            known.is_recursive = self._is_unsettled = False
            try:
                known.by_clause = [(clause, self._clause(clause, values, mode)) for clause in clauses]
            except RecursionError:
                raise TooMuch("rules and their conditions nest too deep to be checked", mode.clause.place) from None
            taken = _joined([found for _, found in known.by_clause])
            has_changed = known.is_recursive and taken != known.taken
            is_within = known.reach.rests_on < known.turn
            if is_within or not (has_changed or self._is_unsettled):
                break
            # It called itself, or rules within it did, so that what was found depends on less than was found: again,
            # with what was found. Only the outermost of rules that call each other repeats: if each did, the turns
            # would double with each rule.
            known.taken = taken
            while len(self._known) > before:
                self._known.popitem()
            for alike in self._sharing[shared:]:
                alike.clear()
            del self._sharing[shared:]
        if is_within and has_changed:
            self._seeds[pattern] = taken
        self._is_unsettled = was_unsettled or (is_within and (has_changed or self._is_unsettled))
        self._depth -= 1
        known.reach.asked |= goals.asked
        known.reach.uses_mode |= goals.uses_mode
        goals.asked, goals.uses_mode = outer
        known.taken, known.is_open = taken, False
        known.reach.is_silent &= self._found.told == told
        if known.reach.rests_on >= known.turn:
            # It rests on nothing that is still being read but itself, and what it was read with last is what it gives.
            known.reach.rests_on = NOTHING
        self._reading.pop()
        if self._reading:
            self._reading[-1].add(known.reach)
        if stemmed is not None and not known.reach.is_partial:
            self._share(pattern, known, *stemmed)
        return known

    def _kept(self, pattern: Pattern, mode: Mode) -> Known | None:
        """What an earlier analysis found out about a pattern, if that holds for these rules."""
        known = self._before.get(pattern)
        if known is None or not self._is_kept(known.reach):
            return None
        if self._depth + known.reach.height > MAX_DEPTH:
            raise TooMuch(f"rules call each other deeper than {MAX_DEPTH}", mode.clause.place)
        self._known[pattern] = known
        self._elsewhere.add(known.reach)
        return known

    def _share(self, pattern: Pattern, known: Known, cls: str, general: tuple[Value, ...]) -> None:
        """Keep what was found out for patterns that differ in the class of a context or in the mode alone."""
        key, _, is_negative, decides = pattern
        alike = self._shared.setdefault((key, general), [])
        alike.append(Shared(known, cls, is_negative, decides))
        self._sharing.append(alike)

    def _alike(self, pattern: Pattern, cls: str, general: tuple[Value, ...]) -> Known | None:
        """What is known of a pattern that gave the same answers to all that was asked."""
        key, values, is_negative, decides = pattern
        for shared in self._shared.get((key, general), ()):
            reach = shared.known.reach
            if reach.uses_mode and (shared.is_negative, shared.decides) != (is_negative, decides):
                continue
            if reach.asked & self._asking.differing(cls, shared.cls):
                continue
            known = shared.known
            if cls != shared.cls:
                names = shared.cls, cls
                known = Known(
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

    def _is_kept(self, reach: Reach) -> bool:
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
            self._budget.charge(1 + sum(len(known) for _, known in words), _TOO_MANY, self._rules.by_key[key][0].place)
            found = self._look_ups[key, words] = self._bits.of((key, words), None), clauses
        self._reading[-1].look_ups |= found[0]
        return found[1]

    def _clause(self, clause: Clause, values: tuple[Value, ...], mode: Mode) -> Taken:
        self._budget.charge(1 + len(values), _TOO_MANY, clause.place)
        scope = Scope({}, {})
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
            # To take it apart asks for its class once more, and for its fields.
            if known is None or (pattern.fields and not goals.take_apart(pattern, known, scope, mode)):
                return False
            value = known
        elif pattern is not None and not goals.take_apart(pattern, value, scope, mode):
            return False
        if type(term) is Variable and term.name not in scope.values and not scope.links:
            # As below, for nearly all: a variable that stands in the head for the first time.
            if term.name == "_":
                return True
            if term.name != NIL:
                scope.values[term.name] = value
                return True
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


def _renamed(taken: Taken, cls: str, other: str) -> Taken:
    return None if taken is None else tuple([renamed(value, cls, other) for value in taken])


def _joined(found: list[Taken]) -> Taken:
    """What comes out of a rule whose clauses give these."""
    joined = [taken for taken in found if taken is not None]
    return tuple(map(either_of, zip(*joined, strict=True))) if joined else None
