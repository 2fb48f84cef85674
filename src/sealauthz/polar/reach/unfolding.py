"""The unfolding of a rule into the ways in which it can hold, each with the links that are known by then.

What is not understood is dropped, which only makes the answer wider.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sealauthz.polar.program import Clause, Key, Program
from sealauthz.polar.reach.links import NEVER, KnownOnly, Links, Referenced, any_of, both
from sealauthz.polar.reach.paths import (
    UNKNOWN,
    Constant,
    Endpoint,
    Given,
    Members,
    Root,
    Shapes,
    Value,
    attribute_of,
    back,
    member_of,
)
from sealauthz.polar.syntax import (
    And,
    Assign,
    Attribute,
    Call,
    Compare,
    In,
    Literal,
    Matches,
    Not,
    Or,
    Parameter,
    Term,
    TypePattern,
    Unify,
    Variable,
)

MAX_DEPTH = 24
"""Rules that call each other deeper than this are not followed."""

MAX_WAYS = 32
"""With more ways than this in which a rule can hold, what it says about its arguments is dropped."""

Words = tuple[tuple[int, str], ...]
"""The texts in the head of a clause, by position: most clauses differ in them."""

_Env = Mapping[str, Value]
Arguments = tuple[Value | None, ...]
"""The arguments of a call; None where the rule finds the value."""


@dataclass(frozen=True, slots=True)
class _Way:
    """One way in which goals can hold: what the variables are then, and the links that are known by then."""

    env: _Env
    links: Links = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One way in which a call can hold: the values that it found (None: not known which), and its links."""

    found: tuple[Value | None, ...]
    links: Links


Known = dict[tuple[str, Arguments], list[Outcome]]
"""The ways in which rules can hold for arguments, as far as they were looked for."""


@dataclass(slots=True)
class Search:
    """One unfolding of a policy, for one context class and from one side."""

    program: Program
    shapes: Shapes
    heads: Mapping[Key, Sequence[tuple[Clause, Words]]]
    resolved: Mapping[str, Endpoint]
    is_a: Callable[[str, str], bool]
    known: Root
    excepted: frozenset[str]
    shared: Known
    """What any other search with this context and side finds as well, so that it is found once."""
    _own: Known = field(default_factory=dict)
    """What depends on the exceptions, or on the rules that were entered before."""
    _reasons_of_its_own: int = 0
    """How often anything was met on which that depends."""
    _entered: list[tuple[str, Arguments]] = field(default_factory=list)

    # --- calls -------------------------------------------------------------------------------------------------------

    def outcomes(self, rule: str, arguments: Arguments) -> list[Outcome]:
        """The ways in which a rule can hold for these arguments; none if it cannot."""
        key = (rule, arguments)
        found = self.shared.get(key)
        if found is not None:
            return found
        found = self._own.get(key)
        if found is not None:
            self._reasons_of_its_own += 1
            return found
        if key in self._entered or len(self._entered) == MAX_DEPTH:
            self._reasons_of_its_own += 1
            return [Outcome(tuple(None for value in arguments if value is None), None)]
        self._entered.append(key)
        before = self._reasons_of_its_own
        words = tuple(value.value if isinstance(value, Constant) else None for value in arguments)
        try:
            ways = [
                Outcome(self._found_by(clause, arguments, way.env), way.links)
                for clause, literals in self.heads.get((rule, len(arguments)), ())
                if not any(type(words[at]) is str and words[at] != word for at, word in literals)
                for way in self._enter(clause, arguments)
            ]
        finally:
            self._entered.pop()
        made = self._guarded(rule, arguments, _merged(ways))
        (self.shared if self._reasons_of_its_own == before else self._own)[key] = made
        return made

    def _guarded(self, rule: str, arguments: Arguments, outcomes: list[Outcome]) -> list[Outcome]:
        """Remember a rule about the known side alone: where that does not hold, nothing is joined by it."""
        root = Endpoint(self.known, (), self._type_of_root(arguments))
        if root not in arguments or any(outcome.found for outcome in outcomes):
            return outcomes
        written: list[str | None] = []
        for value in arguments:
            if value == root:
                written.append(None)
            elif isinstance(value, Constant) and type(value.value) is str:
                written.append(value.value)
            else:
                return outcomes
        known_only: Links = frozenset({KnownOnly(rule, tuple(written))})
        return [Outcome((), known_only if outcome.links is None else outcome.links) for outcome in outcomes]

    def _type_of_root(self, arguments: Arguments) -> str:
        endpoints = (value for value in arguments if isinstance(value, Endpoint))
        return next((endpoint.type for endpoint in endpoints if endpoint.root == self.known and not endpoint.path), "")

    def _enter(self, clause: Clause, arguments: Arguments) -> list[_Way]:
        """The ways in which one clause can hold for these arguments."""
        way: _Way | None = _Way({})
        for parameter, value in zip(clause.parameters, arguments, strict=True):
            if way is None:
                return []
            way = self._take(way, parameter, value)
        return [] if way is None else self._all(clause.goals, [way])

    def _take(self, way: _Way, parameter: Parameter, value: Value | None) -> _Way | None:
        """Give a parameter its argument; None where they do not fit."""
        if value is None:
            return way
        if isinstance(parameter.pattern, TypePattern) and not self._fits(value, parameter.pattern.name):
            return None
        return self._equal(way, parameter.term, value)

    def _fits(self, value: Value, pattern: str) -> bool:
        """Whether a value may be of a class, or of one of those that `Actor` and `Resource` stand for."""
        match value:
            case Endpoint(is_record=True):
                union = self.program.unions.get(pattern)
                return value.type in union if union is not None else self.is_a(value.type, pattern)
            case Given(type):
                return self.is_a(type, pattern)
            case _:
                return True

    def _found_by(self, clause: Clause, arguments: Arguments, env: _Env) -> tuple[Value | None, ...]:
        """The values of those parameters that the call left open."""
        pairs = zip(clause.parameters, arguments, strict=True)
        return tuple(self._value(parameter.term, env) for parameter, value in pairs if value is None)

    # --- goals -------------------------------------------------------------------------------------------------------

    def _all(self, goals: Iterable[Term], ways: list[_Way]) -> list[_Way]:
        """The ways that are left once all goals hold."""
        for goal in goals:
            ways = _once_each(next_way for way in ways for next_way in self._one(goal, way))
            if len(ways) > MAX_WAYS:
                # What the variables are is forgotten, but for what all ways say of them.
                first = ways[0].env
                common = {
                    name: value for name, value in first.items() if all(way.env.get(name) == value for way in ways)
                }
                ways = [_Way(common, any_of(way.links for way in ways))]
        return ways

    def _one(self, goal: Term, way: _Way) -> list[_Way]:
        """The ways that are left of one way once a goal holds."""
        kept: _Way | None = way
        match goal:
            case Call(name, arguments, _):
                return self._called(name, arguments, way)
            case And(parts, _):
                return self._all(parts, [way])
            case Or(parts, _):
                return [found for part in parts for found in self._one(part, way)]
            case Not(And((Call() as condition, Not(action, _)), _), _):
                return self._for_each(condition, action, way)
            case Unify(left, right, _) | Compare("==", left, right, _):
                kept = self._unified(way, left, right)
            case Assign(variable, term, _):
                kept = self._unified(way, variable, term)
            case In(item, collection, _):
                members = self._value(collection, way.env)
                if isinstance(members, Members):
                    kept = self._equal(self._referenced(way, members), item, member_of(members))
                elif isinstance(members, Endpoint):
                    # What a resolver found, several of it: each lies at the end of this path.
                    kept = self._equal(way, item, members.present())
            case Matches(term, TypePattern(name, _, _), _):
                kept = self._matching(way, term, name)
            case _:
                pass
        return [] if kept is None else [kept]

    def _called(self, name: str, terms: Sequence[Term], way: _Way) -> list[_Way]:
        arguments = tuple(self._value(term, way.env) for term in terms)
        free = [term for term, value in zip(terms, arguments, strict=True) if value is None]
        ways = []
        for outcome in self.outcomes(name, arguments):
            kept: _Way | None = _Way(way.env, both(way.links, outcome.links))
            for term, value in zip(free, outcome.found, strict=True):
                if kept is not None and value is not None:
                    kept = self._equal(kept, term, value)
            if kept is not None and kept.links != NEVER:
                ways.append(kept)
        return ways

    def _for_each(self, condition: Call, action: Term, way: _Way) -> list[_Way]:
        """`forall(condition, action)` where the condition is a list of facts: the action holds for each of them.

        A fact of which it is not certain that it is one of them says nothing.
        """
        arguments = tuple(self._value(term, way.env) for term in condition.arguments)
        free = [term for term, value in zip(condition.arguments, arguments, strict=True) if value is None]
        names = [term.name for term in free if isinstance(term, Variable) and term.name != "_"]
        if len(set(names)) < len(names):
            return [way]  # one variable twice: not every fact is one of them
        links = way.links
        for fact in self.program.clauses.get((condition.name, len(arguments)), ()):
            if fact.goals or not all(map(self._is_certain, fact.parameters, arguments)):
                continue
            if self._is_excepted(fact):
                continue
            env = dict(way.env)
            for term, parameter in zip(condition.arguments, fact.parameters, strict=True):
                if isinstance(term, Variable) and term.name in names and isinstance(parameter.term, Literal):
                    env[term.name] = Constant(parameter.term.value)
            links = both(links, any_of(found.links for found in self._one(action, _Way(env))))
        return [] if links == NEVER else [_Way(way.env, links)]

    def _is_excepted(self, fact: Clause) -> bool:
        """Whether a fact lists a requirement that need not be met."""
        if fact.name != "requires":
            return False
        self._reasons_of_its_own += 1
        requirement = fact.parameters[2].term
        return isinstance(requirement, Literal) and requirement.value in self.excepted

    def _is_certain(self, parameter: Parameter, value: Value | None) -> bool:
        """Whether an argument fits a parameter of a fact, whatever the facts of the question are."""
        pattern = parameter.pattern
        if isinstance(parameter.term, Literal):
            is_same = isinstance(value, Constant) and _is_same(value.value, parameter.term.value)
            return pattern is None and (value is None or is_same)
        if not isinstance(parameter.term, Variable):
            return False
        if pattern is None:
            return True
        is_plain = isinstance(pattern, TypePattern) and not pattern.fields
        is_there = isinstance(value, Endpoint) and value.is_record and not value.may_be_nil
        return is_plain and is_there and self._fits(value, pattern.name)  # type: ignore[arg-type, union-attr]

    def _referenced(self, way: _Way, members: Members) -> _Way:
        """The way once what is sought is known to have members."""
        if members.endpoint.root == self.known or members.endpoint.path:
            return way
        return _Way(way.env, both(way.links, frozenset({Referenced(members.step)})))

    def _matching(self, way: _Way, term: Term, pattern: str) -> _Way | None:
        value = self._value(term, way.env)
        if value is None:
            return way
        is_named = pattern in self.shapes or isinstance(value, Given)
        if is_named and not self._fits(value, pattern):
            return None
        if isinstance(term, Variable) and isinstance(value, Endpoint) and term.name in way.env:
            return _Way({**way.env, term.name: value.present()}, way.links)
        return way

    def _unified(self, way: _Way, left: Term, right: Term) -> _Way | None:
        value = self._value(right, way.env)
        if value is not None:
            return self._equal(way, left, value)
        value = self._value(left, way.env)
        return way if value is None else self._equal(way, right, value)

    def _equal(self, way: _Way, term: Term, value: Value) -> _Way | None:
        """The way once a term has a value; None where it cannot have it."""
        is_variable = isinstance(term, Variable) and term.name != "_"
        present = self._value(term, way.env)
        if present is None:
            return _Way({**way.env, term.name: value}, way.links) if is_variable else way  # type: ignore[union-attr]
        match present, value:
            case Constant(one), Constant(other):
                is_other = type(one) is str and type(other) is str and one != other
                return None if is_other else way
            case Endpoint(), Endpoint():
                return _Way(way.env, both(way.links, self._link(present, value)))
        if present is UNKNOWN and is_variable and term.name in way.env:  # type: ignore[union-attr]
            return _Way({**way.env, term.name: value}, way.links)  # type: ignore[union-attr]
        return way

    def _link(self, one: Endpoint, other: Endpoint) -> Links:
        """The link of two endpoints that are the same; None where that says nothing about subject and resource."""
        if one.root == other.root or one.type != other.type or (one.may_be_nil and other.may_be_nil):
            return None
        ours, theirs = (one, other) if one.root == self.known else (other, one)
        return frozenset({(*ours.path, *back(theirs.path))})

    # --- values ------------------------------------------------------------------------------------------------------

    def _value(self, term: Term, env: _Env) -> Value | None:
        """What a term stands for; None for a variable that has no value yet."""
        match term:
            case Literal(value, _):
                return Constant(value)
            case Variable(name, _):
                return env.get(name)
            case Attribute(base, name, None, _):
                on = self._value(base, env)
                if isinstance(on, Endpoint):
                    return attribute_of(self.shapes, on, name)
                return self.resolved.get(name, UNKNOWN) if isinstance(on, Given) else UNKNOWN
            case _:
                return UNKNOWN


def words_of(clause: Clause) -> Words:
    """Return the texts in the head of a clause, by position."""
    return tuple(
        (at, parameter.term.value)
        for at, parameter in enumerate(clause.parameters)
        if isinstance(parameter.term, Literal) and type(parameter.term.value) is str
    )


def _is_same(one: object, other: object) -> bool:
    return type(one) is type(other) and one == other


# --- ways -----------------------------------------------------------------------------------------------------------


def _merged(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Outcomes with the same values as one; too many as one that does not say which."""
    by_found: dict[tuple[Value | None, ...], list[Links]] = {}
    for outcome in outcomes:
        by_found.setdefault(outcome.found, []).append(outcome.links)
    if len(by_found) > MAX_WAYS:
        nothing = tuple(None for _ in next(iter(by_found)))
        return [Outcome(nothing, any_of(links for several in by_found.values() for links in several))]
    return [Outcome(found, any_of(several)) for found, several in by_found.items()]


def _once_each(ways: Iterable[_Way]) -> list[_Way]:
    """Ways with the same variables as one."""
    by_env: dict[frozenset[tuple[str, Value]], list[_Way]] = {}
    for way in ways:
        by_env.setdefault(frozenset(way.env.items()), []).append(way)
    return [_Way(several[0].env, any_of(way.links for way in several)) for several in by_env.values()]
