"""Solving conditions without facts: which can hold, what they give to variables, and what is wrong with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Any, Protocol

from sealauthz.polar.check.asked import Asked
from sealauthz.polar.check.relations import compared_with_words, expansion_of
from sealauthz.polar.check.rules import Clause, Key, Rules
from sealauthz.polar.check.scope import Mode, Scope
from sealauthz.polar.check.unifying import Unifier
from sealauthz.polar.check.values import NUMBERS, Free, Value, both, either_of, literal
from sealauthz.polar.diagnostic import Diagnostics, did_you_mean
from sealauthz.polar.syntax import (
    And,
    Assign,
    Attribute,
    Call,
    Compare,
    Forall,
    In,
    ListTerm,
    Literal,
    Matches,
    Not,
    Or,
    Place,
    Term,
    TypePattern,
    Unify,
    Variable,
)
from sealauthz.polar.terms import Node, nodes_of, occurrences, walk, written
from sealauthz.polar.types import ANYTHING, TypeTable, ValueType


class Caller(Protocol):
    """What calls rules, and keeps a record of which conditions could hold."""

    def call(self, key: Key, values: tuple[Value, ...], mode: Mode) -> tuple[Value, ...] | None:
        """The arguments after a call; None where no rule can match."""
        ...

    def tried(self, node: object, place: Place, what: str, holds: bool) -> None:
        """Note that a condition was tried, and whether it could hold."""
        ...

    def charge(self, steps: int, mode: Mode) -> None:
        """Count steps of work. Raises TooMuch."""
        ...


class Goals(Unifier):
    """Solves conditions in a scope: says whether each can hold, and notes in the scope what follows."""

    def __init__(
        self,
        rules: Rules,
        types: TypeTable,
        contexts: AbstractSet[str],
        found: Diagnostics,
        asking: Asked,
        caller: Caller,
    ) -> None:
        super().__init__(rules, types, contexts, found, asking)
        self._caller = caller
        self._counts: dict[int, Counter[str]] = {}
        self._texts: dict[int, ValueType] = {}
        self._solvers: dict[type, Callable[[Any, Scope, Mode], bool]] = {
            And: self._and,
            Or: self._or,
            Not: self._not,
            Forall: self._forall,
            Call: self._call,
            Unify: self._unify,
            Assign: self._assign,
            Compare: self._compare,
            In: self._in,
            Matches: self._matches,
            Attribute: self._condition,
            Variable: self._condition,
            Literal: self._condition,
        }

    def solve(self, goal: Term, scope: Scope, mode: Mode) -> bool:
        """Whether a condition can hold."""
        solver = self._solvers.get(type(goal))
        return solver is None or solver(goal, scope, mode)

    # --- logic ------------------------------------------------------------------------------------------------------

    def _and(self, goal: And, scope: Scope, mode: Mode) -> bool:
        for part in goal.parts:  # noqa: SIM110 (the generator of an `all` takes longer than most conditions)
            if not self.solve(part, scope, mode):
                return False
        return True

    def _or(self, goal: Or, scope: Scope, mode: Mode) -> bool:
        asked = compared_with_words(goal)
        before = self.value(asked, scope, mode, "`or`") if asked is not None else None
        possible = []
        for part in goal.parts:
            self._caller.charge(1 + len(scope.values), mode)
            branch = scope.copy()
            holds = self.solve(part, branch, mode)
            self._caller.tried(part, _place_of(part), "this part of `or` can never hold", holds)
            if holds:
                possible.append(branch)
        if possible:
            self._caller.charge(len(possible) * len(possible[0].values), mode)
            scope.become_either(possible)
        if asked is not None and before is not None:
            self._all_words(goal, asked, before, scope)
        return bool(possible)

    def _all_words(self, goal: Or, asked: Term, before: ValueType, scope: Scope) -> None:
        """Find alternatives that compare one column with all of its words."""
        after = scope.values.get(scope.path(asked) or "")
        is_any = isinstance(after, ValueType) and self._is_any_word(before, after)
        if is_any:
            self.why = f"`{written(asked)}` has no other word"
        self._caller.tried(goal, goal.place, "this condition always holds", not is_any)

    def _not(self, goal: Not, scope: Scope, mode: Mode) -> bool:
        self._refuse_open([goal.term], "not", goal.place, scope, mode)
        # The product's `unmet` is the complement of `settled`: what is missing there makes a requirement unmet.
        inner = mode if mode.clause.key[0] == "unmet" else mode.flipped(goal.place)
        holds = self.solve(goal.term, scope.copy(), inner)
        self._caller.tried(goal.term, goal.place, "this negation always holds", holds)
        self._narrow_by_not_nil(goal.term, scope)
        return True

    def _narrow_by_not_nil(self, term: Term, scope: Scope) -> None:
        if isinstance(term, Unify) or (isinstance(term, Compare) and term.operator == "=="):
            for side, other in ((term.left, term.right), (term.right, term.left)):
                if isinstance(other, Variable) and other.name == "nil":
                    self._narrow_present(side, scope)

    def _narrow_present(self, term: Term, scope: Scope) -> None:
        path = scope.path(term)
        if path is None:
            return
        known = scope.values.get(path)
        if known is None and isinstance(term, Attribute):
            base = scope.values.get(scope.path(term.base) or "")
            attribute = self.attribute(base.name, term.name) if isinstance(base, ValueType) else None
            known = attribute.value if attribute is not None else ANYTHING
        if isinstance(known, ValueType):
            scope.values[path] = known.present()

    def _forall(self, goal: Forall, scope: Scope, mode: Mode) -> bool:
        self._refuse_open([goal.condition, goal.action], "forall", goal.place, scope, mode)
        inner = scope.copy()
        holds = self.solve(goal.condition, inner, mode.flipped(goal.place))
        self._caller.tried(goal.condition, goal.place, "this `forall` always holds", holds)
        if holds:
            self.solve(goal.action, inner, mode)
        return True

    def _refuse_open(self, terms: Sequence[Term], word: str, place: Place, scope: Scope, mode: Mode) -> None:
        inside: Counter[str] = Counter()
        for term in terms:
            inside.update(self._occurrences(term))
        for name, count in inside.items():
            if mode.clause.counts.get(name, 0) > count and isinstance(scope.of(name), Free) and name != "nil":
                at = next(
                    node.place
                    for term in terms
                    for node in walk(term)
                    if isinstance(node, Variable) and node.name == name
                )
                message = f"`{name}` has no value before `{word}`, and gets none from it for the rest of the rule"
                self.found.error("unbound", message, at)

    def _occurrences(self, term: Term) -> Counter[str]:
        found = self._counts.get(id(term))
        if found is None:
            found = self._counts[id(term)] = occurrences(term)
        return found

    # --- calls ------------------------------------------------------------------------------------------------------

    def _call(self, goal: Call, scope: Scope, mode: Mode) -> bool:
        key = (goal.name, len(goal.arguments))
        given = tuple([self._argument(argument, scope, mode) for argument in goal.arguments])
        if key not in self.rules.by_key:
            taken: tuple[Value, ...] | None = tuple(ANYTHING if isinstance(v, Free) else v for v in given)
        else:
            taken = self._caller.call(key, given, mode)
        if taken is None:
            message = ", ".join("…" if isinstance(value, Free) else str(value) for value in given)
            self.why = f"no rule `{goal.name}` fits ({message})"
            if key in self.rules.by_key:
                self._blame_words(key, goal, given)
            return False
        for each in zip(goal.arguments, given, taken, strict=True):  # noqa: SIM110 (as above)
            if not self._take(*each, scope):
                return False
        return True

    def _blame_words(self, key: Key, goal: Call, given: Sequence[Value]) -> None:
        """Find a word because of which a call fits no rule, and note it where it was written."""
        for at, (argument, value) in enumerate(zip(goal.arguments, given, strict=True)):
            if isinstance(value, Free) or value.origin is None or not value.words:
                continue
            words = self.rules.words_at(key, at)
            if words and not value.words & words:
                wrong = min(map(str, value.words))
                message = f'no rule `{key[0]}` takes "{wrong}", as it is asked at {goal.place}'
                self.unfit.setdefault(value.origin, (message, did_you_mean(wrong, sorted(map(str, words)))))
            if value.origin in self.unfit:
                self.blamed = self.why, value.origin
                if isinstance(argument, Literal):
                    message, hint = self.unfit[value.origin]
                    self.found.error("word", message, argument.place, hint)

    def _argument(self, argument: Term, scope: Scope, mode: Mode) -> Value:
        """The value of an argument; of a text, with the place where it was written."""
        if type(argument) is not Literal or type(argument.value) is not str:
            return self.side(argument, scope, mode)
        known = self._texts.get(id(argument))
        if known is None:
            known = self._texts[id(argument)] = replace(literal(argument.value), origin=argument.place)
        return known

    def _take(self, argument: Term, given: Value, taken: Value, scope: Scope) -> bool:
        """Note what an argument turned out to be."""
        if isinstance(taken, Free):
            return True
        if isinstance(given, ValueType):
            if taken != given:
                scope.narrow(argument, taken)
            return True
        if not isinstance(argument, Variable) or argument.name == "_":
            return True
        return self.give(argument, taken, scope)

    # --- tests ------------------------------------------------------------------------------------------------------

    def _unify(self, goal: Unify, scope: Scope, mode: Mode) -> bool:
        return self.unify(goal.left, goal.right, goal.place, scope, mode)

    def _assign(self, goal: Assign, scope: Scope, mode: Mode) -> bool:
        value = self.value(goal.term, scope, mode, "`:=`")
        if isinstance(scope.of(goal.variable.name), ValueType):
            message = f"`{goal.variable.name}` has a value already: `:=` gives one to a new variable only"
            self.found.error("bound", message, goal.place)
            return True
        return self.give(goal.variable, value, scope)

    def _compare(self, goal: Compare, scope: Scope, mode: Mode) -> bool:
        needed_by = f"`{goal.operator}`"
        left = self.value(goal.left, scope, mode, needed_by)
        right = self.value(goal.right, scope, mode, needed_by)
        if goal.operator in ("==", "!=") and self._has_impossible_items(goal.left, goal.right, goal.place, scope, mode):
            return True
        if goal.operator == "==":
            return self.equal((goal.left, left), (goal.right, right), goal.place, scope, mode)
        if goal.operator == "!=":
            return self._differ_in(goal, left, right, scope, mode)
        for term, value in ((goal.left, left), (goal.right, right)):
            if value.is_optional:
                self.absent(term, value, f"`{goal.operator}` fails then", goal.place, mode)
                scope.narrow(term, value.present())
        kinds = {value.name for value in (left, right)} - {""}
        if not (kinds <= set(NUMBERS) or kinds == {"str"}):
            message = f"`{goal.operator}` compares numbers or texts, not {left} with {right}"
            self.found.error("types", message, goal.place)
        for value in (left, right):
            if self.types.words_of(value.column):
                message = f"`{goal.operator}` compares the words of `{value.column}` by their letters"
                self.found.error("word", message, goal.place, "say which are meant, as in `in […]`")
        if not self.mixes_units((goal.left, left), (goal.right, right), goal.place):
            self.names_others((goal.left, left), (goal.right, right), goal.place)
        return True

    def _has_impossible_items(self, left: Term, right: Term, place: Place, scope: Scope, mode: Mode) -> bool:
        """Note what stands in two lists that are compared, at the same place of both, and is never equal."""
        if not (isinstance(left, ListTerm) and isinstance(right, ListTerm)) or left.rest or right.rest:
            return False
        if len(left.items) != len(right.items):
            return False
        found = False
        for one, other in zip(left.items, right.items, strict=True):
            values = [(term, self.value(term, scope, mode, "a list")) for term in (one, other)]
            found |= self.is_impossible(values[0], values[1], place)
        return found

    def _differ_in(self, goal: Compare, left: ValueType, right: ValueType, scope: Scope, mode: Mode) -> bool:
        sides = ((goal.left, left), (goal.right, right))
        if "nil" in (left.name, right.name):
            term, value = sides[1] if left.name == "nil" else sides[0]
            scope.narrow(term, value.present())
            may_be_nil = value.is_optional or not value.name
            if not may_be_nil:
                self.why = f"`{written(term)}` is never nil"
            self._caller.tried(goal, goal.place, "this condition always holds", may_be_nil)
            return value.name != "nil"
        for term, value in sides:
            if value.is_optional:
                self.absent_equal(term, value, goal.place, mode.flipped(goal.place))
        if self.is_impossible(*sides, goal.place):
            return True
        for (term, value), (_, other) in (sides, sides[::-1]):
            if value.words is not None and other.words is not None and len(other.words) == 1 and not other.is_optional:
                left_over = value.words - other.words
                if not left_over and not value.is_optional:
                    self.why = f'`{written(term)}` is always "{next(iter(other.words))}" here'
                    return False
                if left_over:
                    scope.narrow(
                        term, ValueType(value.name, value.is_optional, left_over, None, value.is_given, value.column)
                    )
        return True

    def _in(self, goal: In, scope: Scope, mode: Mode) -> bool:
        if isinstance(goal.collection, ListTerm) and goal.collection.rest is None:
            return self._in_list(goal, goal.collection, scope, mode)
        collection = self.value(goal.collection, scope, mode, "`in`")
        if collection.is_optional:
            self.absent(goal.collection, collection, "`in` fails then", goal.place, mode)
        if collection.name not in ("", "list", "dict"):
            message = f"`{written(goal.collection)}` is {collection}, and `in` walks through a collection"
            self.found.error("types", message, goal.place)
            element = ANYTHING
        else:
            element = collection.element or ANYTHING
        if self.is_open(goal.item, scope):
            return self.take_apart(goal.item, element, scope, mode)
        item = self.value(goal.item, scope, mode, "`in`")
        if item.is_optional:
            self.absent_equal(goal.item, item, goal.place, mode)
        self.is_impossible((goal.item, item), (goal.collection, element), goal.place)
        return True

    def _in_list(self, goal: In, listed: ListTerm, scope: Scope, mode: Mode) -> bool:
        self._caller.charge(len(listed.items), mode)
        values = [(term, self.value(term, scope, mode, "a list")) for term in listed.items]
        if not values:
            self.why = "nothing is in `[]`"
            return False
        if self.is_open(goal.item, scope):
            joined = either_of(value for _, value in values)
            return self.take_apart(goal.item, joined if isinstance(joined, ValueType) else ANYTHING, scope, mode)
        item = self.value(goal.item, scope, mode, "`in`")
        if item.is_optional:
            self.absent_equal(goal.item, item, goal.place, mode)
        fits: list[Value] = []
        is_impossible = False
        for term, value in values:
            if self._has_impossible_items(goal.item, term, goal.place, scope, mode) or self.is_impossible(
                (goal.item, item), (term, value), goal.place
            ):
                is_impossible = True
                continue
            common = both(item, value, self.types)
            if common is not None:
                fits.append(common)
        if not fits:
            self.why = f"`{written(goal.item)}` is none of these here"
            return is_impossible
        fitting = either_of(fits)
        is_any = isinstance(fitting, ValueType) and self._is_any_word(item, fitting)
        if is_any:
            self.why = f"`{written(goal.item)}` has no other word"
        self._caller.tried(goal, goal.place, "this condition always holds", not is_any)
        if isinstance(fitting, ValueType) and fitting != item:
            scope.narrow(goal.item, fitting)
        return True

    def _is_any_word(self, item: ValueType, fitting: ValueType) -> bool:
        """Whether a column of an enumeration, of which nothing was known, is asked for all of its words."""
        words = self.types.words_of(item.column)
        return bool(words) and not item.is_optional and words == item.words == fitting.words

    def _matches(self, goal: Matches, scope: Scope, mode: Mode) -> bool:
        value = self.value(goal.term, scope, mode, "`matches`")
        if not isinstance(goal.pattern, TypePattern):
            return self.take_apart(goal.pattern, value, scope, mode)
        known = self.as_class(goal.term, value, goal.pattern.name)
        if known is None:
            return False
        says_something = known != value or bool(goal.pattern.fields) or not _is_declared(goal, mode.clause)
        if says_something:
            scope.narrow(goal.term, known)
        else:
            self.why = f"`{written(goal.term)}` is never anything else"
        self._caller.tried(goal.pattern, goal.place, "this `matches` always holds", says_something)
        return self._take_fields(known, goal.pattern.fields, scope, mode)

    def _condition(self, goal: Attribute | Variable | Literal, scope: Scope, mode: Mode) -> bool:
        value = self.value(goal, scope, mode, "a condition")
        if value.name not in ("", "bool"):
            self.found.error("types", f"`{written(goal)}` is {value}, and a condition is true or false", goal.place)
            return True
        if value.is_optional:
            self.absent(goal, value, "is no condition then", goal.place, mode)
        if value.words == frozenset({False}):
            self.why = f"`{written(goal)}` is never true here"
            return False
        return True


def _is_declared(goal: Matches, clause: Clause) -> bool:
    """Whether what a term is stands in the head of the rule or in the records, and does not follow from other rules."""
    if isinstance(goal.term, Attribute):
        return True
    if isinstance(goal.term, Variable) and _is_read(goal.term.name, clause):
        return True
    heads = (parameter for parameter in clause.node.parameters if parameter.variable == written(goal.term))
    return any(isinstance(parameter.pattern, TypePattern) for parameter in heads)


def _is_read(name: str, clause: Clause) -> bool:
    """Whether a rule says that a variable is an attribute."""
    expansions = (expansion_of(node) for node in nodes_of(clause.node) if isinstance(node, Unify | Assign))
    return any(each is not None and each[0] == name and isinstance(each[1], Attribute) for each in expansions)


def _place_of(node: Node) -> Place:
    return node.place
