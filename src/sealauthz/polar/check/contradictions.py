"""Conditions that cannot hold together, always hold, or test an interval the wrong way round.

What stands in the text is compared: the same two terms in an order that there is not, two bounds of one term that leave
nothing, a condition and its negation, one condition twice. A variable that is said to equal a path stands for the path,
and the id of a related record for the column that holds it; nothing else is inferred.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sealauthz.polar.check.relations import (
    ANY,
    EQUAL,
    GREATER,
    LESS,
    ORDERED,
    Key,
    Relation,
    can_both_hold,
    expanded,
    expansion_of,
    flip,
    key_of,
    order_of,
    relation_of,
)
from sealauthz.polar.check.rules import Clause
from sealauthz.polar.check.sums import order_of_sums
from sealauthz.polar.diagnostic import Diagnostics
from sealauthz.polar.syntax import (
    Attribute,
    Compare,
    Forall,
    In,
    ListTerm,
    Literal,
    Not,
    Or,
    Term,
    Unify,
    Variable,
)
from sealauthz.polar.terms import conjuncts, placeless
from sealauthz.polar.types import TypeTable
from sealauthz.polar.unparse import written

NOT_WRITTEN_YET = "context.now < 0"
"""The condition of a rule that nobody has written yet (`sealauthz policy new-rule`): it never holds, and says so."""

_MOST_REMEMBERED = 50
"""So many conditions are compared with each other; of more, the time to check them would grow faster than they do."""


def check_conditions(clause: Clause, types: TypeTable, found: Diagnostics) -> None:
    """Find the conditions of a rule that cannot be meant as they are written."""
    if clause.node.body is not None:
        Reader(clause, types, found).conjunction(clause.node.body, None)


@dataclass(slots=True)
class Known:
    """What the conditions of a conjunction say, with where: of pairs of terms, of terms and constants, of bounds; and
    which paths variables stand for.
    """

    held: dict[Key, Term] = field(default_factory=dict)
    pairs: dict[tuple[Key, Key], tuple[int, Term]] = field(default_factory=dict)
    constants: dict[Key, list[tuple[int, object, Term]]] = field(default_factory=dict)
    bounds: dict[tuple[Key, Key, str], int] = field(default_factory=dict)
    paths: dict[str, Term] = field(default_factory=dict)

    def copy(self) -> Known:
        """What is known, for an alternative that goes its own way."""
        constants = {key: list(listed) for key, listed in self.constants.items()}
        return Known(dict(self.held), dict(self.pairs), constants, dict(self.bounds), dict(self.paths))


class Reader:
    """Reads conditions, and notes what is wrong with them."""

    def __init__(self, clause: Clause, types: TypeTable, found: Diagnostics) -> None:
        self._counts = clause.counts
        self._found = found
        self._uppers = types.intervals.uppers
        self._lowers = types.intervals.lowers
        self._keys = types.keys_of_relations
        self._whole = types.whole_numbers
        self._moments = types.moments
        self._least = types.least

    def conjunction(self, goal: Term, around: Known | None) -> None:
        """Read conditions that must hold together; `around` is what holds where they stand."""
        goals = list(conjuncts(goal))
        known = around
        if len(goals) > 1 or around is not None:
            known = around.copy() if around is not None else Known()
        for part in goals:
            self._alone(part)
            if known is not None:
                for each in negated_alone(part):
                    self._join(each, known)
        for part in goals:
            self._within(part, known)

    def _within(self, goal: Term, known: Known | None) -> None:
        if isinstance(goal, Or):
            self._alternatives(goal, known)
        elif isinstance(goal, Not):
            self.conjunction(goal.term, None)
        elif isinstance(goal, Forall):
            self.conjunction(goal.condition, None)
            self.conjunction(goal.action, None)

    def _alternatives(self, goal: Or, known: Known | None) -> None:
        parts = list(_alternatives_of(goal))
        if known is not None and len(known.held) > _MOST_REMEMBERED:
            known = None
        for part in parts:
            self.conjunction(part, known)
        seen: dict[Key, Term] = {}
        together: dict[tuple[Key, Key], tuple[int, Term]] = {}
        relations: list[tuple[Relation, Term]] = []
        for part in parts:
            relation, key, opposite = _said_by(part)
            other = seen.get(opposite) or (relation and _leaves_nothing(relation, part, together))
            if key in seen or (relation is not None and _turned(relation) in seen):
                self._found.error("always", f"`{written(part)}` stands twice in this `or`", part.place)
            elif other:
                self._found.error("always", f"`{written(other)} or {written(part)}` always holds", part.place)
            seen.setdefault(key, part)
            if relation is not None:
                relations.append((relation, part))
        self._outside(relations)

    # --- one condition ----------------------------------------------------------------------------------------------

    def _alone(self, goal: Term) -> None:
        """Find a condition that says nothing, whatever stands beside it."""
        if isinstance(goal, Unify | Compare):
            self._itself(goal)
        elif isinstance(goal, In) and isinstance(goal.collection, ListTerm):
            self._listed(goal, goal.collection.items)
        elif isinstance(goal, Literal) and goal.value is True:
            self._always(goal)

    def _listed(self, goal: In, items: Sequence[Term]) -> None:
        """Find a term in a list in which it stands itself, or anything in a list that is not empty."""
        if not items:
            return
        if self._is_anything(goal.item):
            self._always(goal, "`_` is in every list that is not empty")
        elif placeless(goal.item) in map(placeless, items):
            self._always(goal)

    def _is_anything(self, term: Term) -> bool:
        """Whether a term is a variable that stands nowhere else."""
        return isinstance(term, Variable) and term.name[0] == "_" and self._counts.get(term.name, 1) == 1

    def _itself(self, goal: Unify | Compare) -> None:
        """Find a condition that compares a term with itself, constants, or anything with `_`."""
        left, right = goal.left, goal.right
        said = expanded(goal, {}, self._keys)
        if isinstance(goal, Unify) and (self._is_anything(left) or self._is_anything(right)):
            self._always(goal, "`_` compares with nothing: give the variable a name")
        relation = relation_of(said)
        if relation is not None and self._is_settled(goal, relation):
            return
        if type(left) is not type(right):
            self._since_the_beginning(goal, said)
            return
        if relation is None:
            return
        order = EQUAL if relation.left_key == relation.right_key else None
        if isinstance(left, Literal) and isinstance(right, Literal):
            order = order_of(left.value, right.value) or ANY - ORDERED
        self._follows(goal, relation, order)

    def _is_settled(self, goal: Term, relation: Relation, hint: str = "") -> bool:
        """Find sums whose difference is known; whether there is something wrong with them."""
        return self._follows(goal, relation, order_of_sums(relation.left, relation.right, self._least), hint)

    def _follows(self, goal: Term, relation: Relation, orders: int | None, hint: str = "") -> bool:
        """Note whether a condition always or never holds, where it is known how its sides may stand."""
        if orders is None or (orders & relation.allows and orders & ~relation.allows):
            return False
        word = "always" if orders & relation.allows else "never"
        self._error(word, f"`{written(goal)}` {word} holds", goal, hint)
        return True

    def _since_the_beginning(self, goal: Term, said: Term) -> None:
        """Find a condition that asks whether it is later than 0, the beginning of time."""
        relation = relation_of(said)
        for seen in (relation, relation.flipped) if relation is not None else ():
            is_moment = isinstance(seen.left, Attribute) and seen.left.name in self._moments
            beginning = seen.right.value if is_moment and isinstance(seen.right, Literal) else None
            if type(beginning) is int and beginning <= 0:
                word = "always" if seen.allows & GREATER else "never"
                if written(goal) == NOT_WRITTEN_YET:
                    continue
                self._error(word, f"`{written(goal)}` {word} holds: every moment is later than 0", goal)

    def _error(self, code: str, message: str, goal: Term, hint: str = "") -> None:
        """Note what is wrong with a condition."""
        self._found.error(code, message, goal.place, hint)

    def _always(self, goal: Term, hint: str = "") -> None:
        self._found.error("always", f"`{written(goal)}` always holds", goal.place, hint)

    # --- conditions together ----------------------------------------------------------------------------------------

    def _join(self, goal: Term, known: Known) -> None:
        """Add a condition to what is known, and find what it contradicts or repeats."""
        said = expanded(goal, known.paths, self._keys)
        if said is not goal and _said_by(goal)[1] in known.held:
            self._repeated(goal)
            return
        if said is not goal:
            self._since_the_beginning(goal, said)
        order = order_with_itself(said) if said is not goal else None
        if order is not None:
            self._with_itself("always" if order & EQUAL else "never", goal, said)
            return
        path = expansion_of(said)
        if path is not None:
            known.paths.setdefault(*path)
        relation, key, opposite = _said_by(said)
        if said is not goal and relation is not None and self._is_settled(goal, relation, f"it says `{written(said)}`"):
            return
        if key in known.held:
            self._repeated(goal)
            return
        if opposite in known.held:
            self._together(known.held[opposite], goal)
        known.held[key] = goal
        if relation is not None and relation.left_key != relation.right_key:
            self._join_pair(relation, goal, known)
            self._join_constant(relation, goal, known)
            self._join_bounds(relation, goal, known)

    def _with_itself(self, word: str, goal: Term, said: Term) -> None:
        self._error(word, f"`{written(goal)}` {word} holds here: both sides are `{_side(said)}`", goal)

    def _join_pair(self, relation: Relation, goal: Term, known: Known) -> None:
        pair, allows = (relation.left_key, relation.right_key), relation.allows
        if pair not in known.pairs and pair[::-1] in known.pairs:
            pair, allows = pair[::-1], flip(allows)
        before = known.pairs.get(pair)
        if before is None:
            known.pairs[pair] = allows, goal
        elif before[0] == allows:
            self._repeated(goal)
        elif not before[0] & allows:
            self._together(before[1], goal)
        else:
            known.pairs[pair] = before[0] & allows, goal

    def _join_constant(self, relation: Relation, goal: Term, known: Known) -> None:
        if isinstance(relation.left, Literal):
            relation = relation.flipped
        constant = relation.right
        if not isinstance(constant, Literal) or isinstance(relation.left, Literal):
            return
        listed = known.constants.setdefault(relation.left_key, [])
        for allows, value, other in listed:
            if value == constant.value and type(value) is type(constant.value):
                continue  # the same pair of terms
            is_whole = isinstance(relation.left, Attribute) and relation.left.name in self._whole
            if not can_both_hold(allows, value, relation.allows, constant.value, is_whole=is_whole):
                self._together(other, goal, relation if allows == relation.allows == EQUAL else None)
                break
        if len(listed) < _MOST_REMEMBERED:
            listed.append((relation.allows, constant.value, goal))

    def _repeated(self, goal: Term) -> None:
        message = f"`{written(goal)}` stands there already, so that it always holds here"
        self._found.error("always", message, goal.place)

    def _together(self, other: Term, goal: Term, equals: Relation | None = None) -> None:
        """Note two conditions of which one rules the other out; `equals` is what the second says, where both give a
        value.
        """
        message = f"`{written(other)}` and `{written(goal)}` never hold together"
        if equals is not None:
            message = f"`{written(equals.left)}` is never {written(equals.right)} here: `{written(other)}`"
        self._error("never", message, goal)

    # --- intervals --------------------------------------------------------------------------------------------------

    def _join_bounds(self, relation: Relation, goal: Term, known: Known) -> None:
        self._in_order(relation, goal)
        for seen, bound in self._bounds_in(relation):
            base = key_of(bound.base)
            known.bounds[seen.left_key, base, bound.name] = seen.allows
            for name in self._others_of(bound.name):
                other = known.bounds.get((seen.left_key, base, name))
                if other is not None:
                    lower, upper = (seen.allows, other) if bound.name in self._uppers else (other, seen.allows)
                    if _is_before(lower) and _is_before(flip(upper)):
                        self._wrong_way_round(seen.left, bound, name, goal, "never holds")

    def _in_order(self, relation: Relation, goal: Term) -> None:
        """Find the end of an interval before its beginning, which the record itself rules out."""
        left, right = relation.left, relation.right
        if type(left) is not Attribute or type(right) is not Attribute or key_of(left.base) != key_of(right.base):
            return
        allows = relation.allows if right.name in self._uppers.get(left.name, ()) else flip(relation.allows)
        if right.name in self._others_if_any(left.name) and not allows & (LESS | EQUAL):
            self._error("never", f"`{written(goal)}` never holds", goal)

    def _others_if_any(self, name: str) -> frozenset[str]:
        return self._uppers.get(name) or self._lowers.get(name, frozenset())

    def _outside(self, alternatives: Sequence[tuple[Relation, Term]]) -> None:
        """Find alternatives of which one always holds: not before the beginning, or before the end."""
        known: dict[tuple[Key, Key, str], int] = {}
        for relation, goal in alternatives if len(alternatives) > 1 else ():
            for seen, bound in self._bounds_in(relation):
                base = key_of(bound.base)
                known[seen.left_key, base, bound.name] = seen.allows
                for name in self._others_of(bound.name):
                    other = known.get((seen.left_key, base, name))
                    if other is not None:
                        lower, upper = (seen.allows, other) if bound.name in self._uppers else (other, seen.allows)
                        if _is_before(flip(lower)) and _is_before(upper):
                            self._wrong_way_round(seen.left, bound, name, goal, "always holds")

    def _bounds_in(self, relation: Relation) -> Iterator[tuple[Relation, Attribute]]:
        """A relation for each of its sides that is a bound of an interval, seen from the other side."""
        for bound in (relation.right, relation.left):
            if type(bound) is Attribute and (bound.name in self._uppers or bound.name in self._lowers):
                yield (relation if bound is relation.right else relation.flipped), bound

    def _others_of(self, name: str) -> frozenset[str]:
        return self._uppers.get(name) or self._lowers[name]

    def _wrong_way_round(self, instant: Term, bound: Attribute, other: str, goal: Term, when: str) -> None:
        at, base = written(instant), written(bound.base)
        lower, upper = (bound.name, other) if bound.name in self._uppers else (other, bound.name)
        message = f"this {when}: `{at}` is compared the wrong way round with `{lower}` and `{upper}` of `{base}`"
        hint = f"inside is `{base}.{lower} <= {at}` and `{at} < {base}.{upper}`"
        self._error("interval", message, goal, hint)


def _alternatives_of(goal: Term) -> Iterator[Term]:
    if isinstance(goal, Or):
        for part in goal.parts:
            yield from _alternatives_of(part)
    else:
        yield goal


def _said_by(goal: Term) -> tuple[Relation | None, Key, Key]:
    """What a condition says of two terms, what it says at all, and what its negation would say."""
    relation = relation_of(goal)
    if relation is not None:
        left, right, allows = relation.left_key, relation.right_key, relation.allows
        return relation, (left, allows, right), (left, ANY - allows, right)
    if isinstance(goal, Not):
        key = key_of(goal.term)
        return None, (Not, key), key
    key = key_of(goal)
    return None, key, (Not, key)


def order_with_itself(goal: Term) -> int | None:
    """What a condition that compares a term with itself allows; None for any other."""
    relation = relation_of(goal)
    return None if relation is None or relation.left_key != relation.right_key else relation.allows


def _side(goal: Term) -> str:
    relation = relation_of(goal)
    return "" if relation is None else written(relation.left)


def _turned(relation: Relation) -> Key:
    """What `_said_by` tells of the same relation, written from the right."""
    return relation.right_key, flip(relation.allows), relation.left_key


def negated_alone(goal: Term) -> Iterator[Term]:
    """A condition; or instead of the negation of an `or`, that of each of its alternatives."""
    if isinstance(goal, Not) and isinstance(goal.term, Or):
        for part in _alternatives_of(goal.term):
            yield Not(part, part.place)
    else:
        yield goal


def _leaves_nothing(relation: Relation, goal: Term, together: dict[tuple[Key, Key], tuple[int, Term]]) -> Term | None:
    """Add an alternative to those about the same two terms; one before it if now one of them always holds."""
    pair, allows = (relation.left_key, relation.right_key), relation.allows
    if pair not in together and pair[::-1] in together:
        pair, allows = pair[::-1], flip(allows)
    before = together.get(pair)
    together[pair] = (allows | before[0], before[1]) if before is not None else (allows, goal)
    return before[1] if before is not None and (allows | before[0]) & ORDERED == ORDERED else None


def _is_before(allows: int) -> bool:
    """Whether the left one must lie before the right one, or at most on it."""
    return bool(allows & LESS) and not allows & GREATER
