"""Conditions that cannot hold together with what a called rule asks for, in the words of its caller; and calls that
compare a thing with itself.

Only a call that one rule alone can answer is followed: then that rule's conditions hold wherever the call does. What
stands in the caller by itself is told elsewhere; and that a condition says again what a called rule asks for is no
mistake.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet

from sealauthz.polar.check.contradictions import Known, Reader, negated_alone, order_with_itself
from sealauthz.polar.check.relations import EQUAL, Relation, key_of, relation_of
from sealauthz.polar.check.rules import Clause, Key, Rules
from sealauthz.polar.diagnostic import Diagnostics
from sealauthz.polar.program import NIL
from sealauthz.polar.syntax import (
    Arithmetic,
    Assign,
    Attribute,
    Call,
    Compare,
    In,
    ListTerm,
    Literal,
    Not,
    Or,
    Place,
    Term,
    Unify,
    Variable,
)
from sealauthz.polar.terms import conjuncts, walk
from sealauthz.polar.types import TypeTable
from sealauthz.polar.unparse import written

_DEEPEST = 3
"""How many rules that call one another are followed."""

_MOST_CONDITIONS = 12
"""How many conditions of called rules are followed from one call."""

_MOST_CLAUSES = 8
"""Among how many rules of a name the one that a call can mean is looked for."""

_MADE = "@"
"""Between the name of a variable of a called rule and its number: no name that is written holds it."""

_NUMBERED = re.compile(f"{_MADE}[0-9]+")


def check_called(clauses: Iterable[Clause], rules: Rules, types: TypeTable, found: Diagnostics) -> None:
    """Find the conditions of rules that never hold together with what a rule asks for that they call."""
    called = _Called(rules)
    for clause in clauses:
        body = clause.node.body
        if body is not None and any(_is_followed(rules.by_key.get(key, ())) for key, _, _ in clause.calls):
            _Follower(clause, called, types, found).conjunction(body, None)


def callers_of(changed: AbstractSet[Key], rules: Rules) -> set[int]:
    """Return the identities of the clauses that call one of these rules, as far as calls are followed."""
    found: set[int] = set()
    reached = set(changed)
    for _ in range(_DEEPEST):
        calling = {id(each): each.key for each in rules.clauses if any(key in reached for key, _, _ in each.calls)}
        found |= calling.keys()
        reached |= set(calling.values())
    return found


def _is_followed(clauses: Sequence[Clause]) -> bool:
    return 0 < len(clauses) <= _MOST_CLAUSES and any(clause.node.body is not None for clause in clauses)


class _Follower(Reader):
    """Reads the conditions of a rule with those of the rules that it calls, and tells only what the latter rule out."""

    def __init__(self, clause: Clause, called: _Called, types: TypeTable, found: Diagnostics) -> None:
        super().__init__(clause, types, found)
        self._called = called
        # The call of this rule that asks for a condition, by the identity of the condition.
        self._calls: dict[int, Call] = {}
        assert clause.node.body is not None  # noqa: S101 (only such are read)
        self._has_negation = any(isinstance(node, Not) for node in walk(clause.node.body))

    def conjunction(self, goal: Term, around: Known | None) -> None:
        """Read conditions that must hold together; `around` is what holds where they stand."""
        known = Known() if around is None else around.copy()
        goals = list(conjuncts(goal))
        for part in goals:
            for each in negated_alone(part):
                self._join(each, known)
                for asked in self._asked_by(each):
                    self._join(asked, known)
                self._with_the_same(each)
        for part in goals:
            self._within(part, known)

    def _alternatives(self, goal: Or, known: Known | None) -> None:
        for part in goal.parts:
            self.conjunction(part, known)

    def _with_the_same(self, goal: Term) -> None:
        """Find a call that asks for nothing, or for what never holds, because it names the same thing twice."""
        compared = self._called.compared_with_itself(goal) if isinstance(goal, Call) else []
        never = next((each for each in compared if each is not None and not _may_be_equal(each)), None)
        if never is not None:
            self._tell("never", f"`{_shown(goal)}` asks for `{_shown(never)}`, which never holds", goal.place)
        elif compared and None not in compared:
            self._tell("always", f"`{_shown(goal)}` always holds: it compares things with themselves", goal.place)

    # --- what is told -----------------------------------------------------------------------------------------------

    def _repeated(self, goal: Term) -> None:
        """Tell nothing: a rule may say again what another one asks for."""

    def _together(self, other: Term, goal: Term, equals: Relation | None = None) -> None:
        first, second = self._calls.get(id(other)), self._calls.get(id(goal))
        if first is second is None or other is second:
            return  # told elsewhere: within this rule, and that one leads back to its own negation
        one, two = _shown(other), _shown(goal)
        if first is second:
            message = f"asks for `{one}` and `{two}`, which never hold together"
        elif first is None:
            message = f"asks for `{two}`, which never holds together with `{one}`"
        elif second is None:
            self._tell("never", f"`{two}` never holds here: `{_shown(first)}` asks for `{one}`", goal.place)
            return
        else:
            message = f"asks for `{two}`, which never holds together with `{one}`, for which `{_shown(first)}` asks"
        calling = second or first
        assert calling is not None  # noqa: S101 (one of them is there)
        self._tell("never", f"`{_shown(calling)}` {message}", calling.place)

    def _error(self, code: str, message: str, goal: Term, hint: str = "") -> None:
        call = self._calls.get(id(goal))
        if code == "always":
            return
        if call is not None:
            message = f"{message}, as `{_shown(call)}` asks for it"
        self._tell(code, message, goal.place if call is None else call.place, hint)

    def _tell(self, code: str, message: str, place: Place, hint: str = "") -> None:
        if not self._found.has_error_at(place):
            self._found.error(code, _NUMBERED.sub("", message), place, _NUMBERED.sub("", hint))

    def _asked_by(self, goal: Term) -> list[Term]:
        """What a call asks for, in the words of this rule."""
        if not isinstance(goal, Call):
            return []
        asked, comparing = self._called.conditions_of(goal)
        if not self._has_negation:
            asked = comparing  # what compares nothing is ruled out by its negation only
        for condition in asked:
            self._calls[id(condition)] = goal
        return asked


class _Called:
    """What the rules of a bundle ask for, in the words of those that call them. Each call is followed once."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._numbers = itertools.count(1)
        self._known: dict[object, tuple[list[Term], list[Term]]] = {}

    def conditions_of(self, call: Call) -> tuple[list[Term], list[Term]]:
        """What a call asks for, and what of it compares; always the same terms for calls that say the same."""
        key = key_of(call)
        found = self._known.get(key)
        if found is None:
            asked = list(itertools.islice(self._conditions(call, _DEEPEST), _MOST_CONDITIONS))
            comparing = [condition for condition in asked if relation_of(condition) is not None]
            found = self._known[key] = asked, comparing
        return found

    def compared_with_itself(self, call: Call) -> list[Term | None]:
        """The conditions of the rule that a call means which compare a term with itself because of its arguments; None
        in the place of each other one.
        """
        said = [key_of(argument) for argument in call.arguments if not isinstance(argument, Literal | Call)]
        clause = self._only(call) if len(set(said)) < len(said) else None
        if clause is None or clause.node.body is None:
            return []
        names = {
            parameter.term.name: argument
            for parameter, argument in zip(clause.node.parameters, call.arguments, strict=True)
            if isinstance(parameter.term, Variable) and not _is_anonymous(argument)
        }
        found: list[Term | None] = []
        for part in conjuncts(clause.node.body):
            condition = self._renamed(part, names) if order_with_itself(part) is None else None
            found.append(None if condition is None or order_with_itself(condition) is None else condition)
        return found

    def _conditions(self, call: Call, depth: int) -> Iterator[Term]:
        clause = self._only(call)
        if clause is None or clause.node.body is None:
            return
        names: dict[str, Term] = {}
        for parameter, argument in zip(clause.node.parameters, call.arguments, strict=True):
            term = parameter.term
            given = self._fresh("_", argument.place) if _is_anonymous(argument) else argument
            if isinstance(term, Variable) and term.name not in ("_", NIL):
                if term.name in names:
                    yield Unify(names[term.name], given, call.place)
                names.setdefault(term.name, given)
        for part in conjuncts(clause.node.body):
            for each in negated_alone(part):
                condition = self._renamed(each, names)
                if condition is None:
                    continue
                yield condition
                if isinstance(condition, Call) and depth > 1:
                    yield from self._conditions(condition, depth - 1)

    def _only(self, call: Call) -> Clause | None:
        """The one clause that can answer a call; None where there are several, or that is not known."""
        clauses = self._rules.by_key.get((call.name, len(call.arguments)), ())
        if not _is_followed(clauses):
            return None
        fitting = [
            clause
            for clause in clauses
            if all(
                not isinstance(given := call.arguments[at], Literal) or given.value == value
                for at, value in clause.literals.items()
            )
        ]
        return fitting[0] if len(fitting) == 1 else None

    def _renamed(self, term: Term, names: dict[str, Term]) -> Term | None:
        """A condition of another rule with its arguments in place of its parameters, and variables of its own for all
        others; None where it is of a kind that is not followed.
        """
        # The commonest first, without a `match` and a closure.
        if type(term) is Literal:
            return term
        if type(term) is Variable:
            if term.name == NIL:
                return term
            if term.name == "_":
                return self._fresh("_", term.place)
            known = names.get(term.name)
            if known is None:
                known = names[term.name] = self._fresh(term.name, term.place)
            return known

        def all_of(terms: Sequence[Term]) -> tuple[Term, ...] | None:
            found = [self._renamed(each, names) for each in terms]
            made = tuple([each for each in found if each is not None])
            return made if len(made) == len(terms) else None

        match term:
            case Attribute(base, name, None, place):
                inner = self._renamed(base, names)
                return None if inner is None else Attribute(inner, name, None, place)
            case Call(name, arguments, place):
                given = all_of(arguments)
                return None if given is None else Call(name, given, place)
            case Unify(left, right, place) | Assign(left, right, place):
                sides = all_of((left, right))
                return None if sides is None else Unify(sides[0], sides[1], place)
            case Compare(sign, left, right, place):
                sides = all_of((left, right))
                return None if sides is None else Compare(sign, sides[0], sides[1], place)
            case Arithmetic(sign, left, right, place):
                sides = all_of((left, right))
                return None if sides is None else Arithmetic(sign, sides[0], sides[1], place)
            case In(item, collection, place):
                sides = all_of((item, collection))
                return None if sides is None else In(sides[0], sides[1], place)
            case Not(inner, place):
                negated = self._renamed(inner, names)
                return None if negated is None else Not(negated, place)
            case ListTerm(items, None, place):
                members = all_of(items)
                return None if members is None else ListTerm(members, None, place)
            case _:
                return None

    def _fresh(self, name: str, place: Place) -> Variable:
        return Variable(f"{name}{_MADE}{next(self._numbers)}", place)


def _may_be_equal(condition: Term) -> bool:
    """Whether a condition that compares a term with itself holds."""
    return bool((order_with_itself(condition) or 0) & EQUAL)


def _is_anonymous(term: Term) -> bool:
    return isinstance(term, Variable) and term.name == "_"


def _shown(term: Term) -> str:
    return _NUMBERED.sub("", written(term))
