"""Whether a rule holds whatever it is asked about, as far as can be seen without knowing any value.

What is doubtful counts as holding: a question about the type of a value alone, say, or a chain of helpers that is too
long to follow, or a condition on the clock and the parameters alone, which hold for all at once. What a condition says
about other values is not judged. Conditions that the checker refuses as always true are not looked for here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sealauthz.polar.blocks import UNIONS, declared_by, unions_of, written_out
from sealauthz.polar.program import NIL, Key
from sealauthz.polar.syntax import (
    And,
    Assign,
    Attribute,
    BlockNode,
    Call,
    Compare,
    Literal,
    Matches,
    Not,
    Or,
    Parameter,
    Pattern,
    RuleNode,
    Statement,
    Term,
    TypePattern,
    Unify,
    Variable,
)
from sealauthz.polar.terms import placeless, variables, walk
from sealauthz.polar.types import BUILTIN, TypeTable
from sealauthz.schema.record import FOREVER

if TYPE_CHECKING:
    from sealauthz.polar.check.covering import Together

_CONSTANT, _FREE = "=", "?"
"""What is known of a value that is the same for every question, and of a variable that has no value yet."""

_SAME_FOR_ALL = frozenset({"now", "parameters"})
"""What each context has, and what is the same for all that is asked at one time."""

_Known = str | None
"""What is known of a value: its type, one of the two above, or None for any other that depends on the question."""

_LONGEST = 12
"""How many helpers call one another before it counts as holding."""


_AS_IT_STANDS, _SETTLES, _WRITTEN_OUT = range(3)
"""How rules are looked at together: each as it stands, as such that settle a requirement, and as such with what they
call written out.
"""


@dataclass(frozen=True, slots=True)
class Found:
    """Whether a rule always holds if these places are `named`, perhaps but for what it leaves out, and which rules were
    asked to know it.
    """

    rule: RuleNode
    named: frozenset[int]
    leaves_out: bool
    holds: bool
    asked: frozenset[Key]


@dataclass(frozen=True, slots=True)
class Alike:
    """Rules that can say something together, how they were looked at, what they say, and which rules were asked to know
    it.
    """

    rules: tuple[RuleNode, ...]
    how: int
    found: tuple[Together, ...]
    asked: frozenset[Key] = frozenset()


@dataclass(slots=True, eq=False)
class Always:
    """Tells whether the rules of a policy hold without a condition on what they are asked about.

    `clauses` are all its rules, those that its blocks stand for among them. What was found about the same rule in a
    policy `before` is taken over where all rules that it came to say the same. Rules of which one always holds count as
    one that holds, where one of them stands in a file that is the folder's `own`; `types` know the words of columns.
    """

    statements: Sequence[Statement]
    before: Always | None = None
    own: frozenset[str] = frozenset()
    types: TypeTable | None = None
    clauses: dict[Key, list[RuleNode]] = field(init=False)
    unions: Mapping[str, frozenset[str]] = field(init=False)
    _found: dict[tuple[int, frozenset[int], bool], Found] = field(init=False, default_factory=dict)
    _together: dict[Key, list[Together]] = field(init=False, default_factory=dict)
    _alike: dict[tuple[int, ...], Alike] = field(init=False, default_factory=dict)
    _same: dict[Key, bool] = field(init=False, default_factory=dict)
    _asked: set[Key] = field(init=False, default_factory=set)
    _leaves_out: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        blocks = [each for each in self.statements if isinstance(each, BlockNode)]
        written = written_out(blocks, declared_by(blocks), {NIL, *UNIONS})
        self.clauses = {}
        for rule in (*(each for each in self.statements if isinstance(each, RuleNode)), *written):
            self.clauses.setdefault((rule.name, len(rule.parameters)), []).append(rule)
        self.unions = unions_of(blocks)
        before = self.before
        if before is not None and (
            before.unions != self.unions or before.own != self.own or before.types is not self.types
        ):
            self.before = None

    def together(self, key: Key) -> list[Together]:
        """What rules of a name say together, the folder's own among them."""
        found = self._together.get(key)
        if found is None:
            # Here, because it is asked of few bundles.
            from sealauthz.polar.check.covering import of_one_head

            rules = self.clauses.get(key, ())
            is_own = any(rule.place.file in self.own for rule in rules)
            alike = of_one_head(rules) if is_own else []
            found = self._together[key] = [each for some in alike for each in self._of_alike(some, _AS_IT_STANDS)]
        return found

    def settled_together(self, rules: Iterable[RuleNode], *, writes_out: bool) -> tuple[Together, ...]:
        """What rules that settle one requirement say together, where one of the folder's own is among them; it stands
        where that one does. They are looked at as such that meet it for all who ask; what they call may be written out.
        """
        return self._of_alike(tuple(rules), _WRITTEN_OUT if writes_out else _SETTLES)

    def _of_alike(self, rules: tuple[RuleNode, ...], how: int) -> tuple[Together, ...]:
        about = (how, *map(id, rules))
        kept = self._alike.get(about)
        if kept is None:
            # It holds the rules themselves, so that no others can be taken for them.
            kept = None if self.before is None else self.before._alike.get(about)
            if kept is None or not all(map(self._is_same, kept.asked)):
                kept = self._put_together(rules, how)
            self._alike[about] = kept
        return kept.found

    def _put_together(self, rules: tuple[RuleNode, ...], how: int) -> Alike:
        from sealauthz.polar.check.covering import settling_all, together, together_of
        from sealauthz.polar.check.helpers import Helpers

        helpers = Helpers(self.clauses, self.may_be) if how == _WRITTEN_OUT else None
        if how == _AS_IT_STANDS:
            made = [*together_of(rules, self.types)]
        else:
            made = together(settling_all(rules, self.types), self.types, helpers)
        found = []
        for each in made:
            own = next((part for part in each.parts if part.place.file in self.own), None)
            if own is not None:
                found.append(replace(each, rule=replace(each.rule, place=own.place)))
        return Alike(rules, how, tuple(found), frozenset(() if helpers is None else helpers.asked))

    def forget_before(self) -> None:
        """Let go of the policy before, when everything was asked."""
        self.before = None

    @property
    def found(self) -> tuple[Found, ...]:
        """Everything that was found so far about single rules."""
        return tuple(self._found.values())

    @property
    def alike(self) -> tuple[Alike, ...]:
        """Everything that was found so far about rules together."""
        return tuple(self._alike.values())

    def take(self, found: Iterable[Found], alike: Iterable[Alike]) -> Always:
        """Take over what was found about the same statements; return this."""
        self._found.update({(id(each.rule), each.named, each.leaves_out): each for each in found})
        self._alike.update({(each.how, *map(id, each.rules)): each for each in alike})
        return self

    def holds(self, rule: RuleNode, named: frozenset[int] = frozenset(), *, leaves_out: bool = False) -> bool:
        """Whether a rule holds for all that is of the types in its head; a text in its head is no condition.

        Nor is what it says about the parameters at the places that are `named`: who asks names a text there. Where it
        `leaves_out`, what is not so, or is not equal, is no condition either.
        """
        about = (id(rule), named, leaves_out)
        kept = self._found.get(about)
        if kept is None:
            kept = None if self.before is None else self.before._found.get(about)
            if kept is None or kept.rule is not rule or not all(map(self._is_same, kept.asked)):
                self._asked, self._leaves_out = set(), leaves_out
                kept = Found(rule, named, leaves_out, self._holds(rule, named), frozenset(self._asked))
            self._found[about] = kept
        return kept.holds

    def _is_same(self, key: Key) -> bool:
        """Whether the rules of a name say what they said before, wherever they stand."""
        found = self._same.get(key)
        if found is None:
            before = () if self.before is None else self.before.clauses.get(key, ())
            now = self.clauses.get(key, ())
            found = self._same[key] = len(before) == len(now) and all(map(_say_the_same, before, now))
        return found

    def _holds(self, rule: RuleNode, named: frozenset[int]) -> bool:
        asked = tuple(map(_as_asked, rule.parameters))
        known = {
            each.name: _CONSTANT if place in named else None
            for place, each in enumerate(asked)
            if isinstance(each, Variable)
        }
        return self._clause(rule, asked, known, ())

    def _clause(
        self, clause: RuleNode, arguments: Sequence[Term], known: Mapping[str, _Known], path: tuple[object, ...]
    ) -> bool:
        """Whether a clause holds for arguments in which this is known of the variables."""
        inner: dict[str, _Known] = {NIL: _CONSTANT}
        bound: dict[str, object] = {}
        for parameter, argument in zip(clause.parameters, arguments, strict=True):
            given, name = _given(argument, known), parameter.variable
            if name is None or name == NIL:
                if not _may_equal(parameter.term, argument, given):
                    return False
                continue
            if name != "_" and bound.setdefault(name, placeless(argument)) != placeless(argument):
                return False
            if not _is_plain(parameter.pattern) or not self.may_be(given, parameter.type):
                return False
            if given is None and parameter.type not in UNIONS:
                given = parameter.type
            if given != _FREE and name != "_":
                inner[name] = given
        return clause.body is None or self._term(clause.body, inner, path)

    def _term(self, term: Term, known: dict[str, _Known], path: tuple[object, ...]) -> bool:
        """Whether a condition always holds. Notes in `known` what its variables are behind it."""
        holds = self._judged(term, known, path)
        depends = _depends(term, known)
        for name in variables(term):
            known.setdefault(name, None if depends else _CONSTANT)
        return holds

    def _judged(self, term: Term, known: dict[str, _Known], path: tuple[object, ...]) -> bool:
        match term:
            case Compare() if _takes_all(term):
                return True
            case Not() | Compare("!=") if self._leaves_out and not _is_about_nil(term):
                return True
            case And(terms, _):
                return all(self._term(each, known, path) for each in terms)
            case Or(terms, _):
                return any(self._term(each, dict(known), path) for each in terms)
            case Call(name, arguments, _):
                return self._call((name, len(arguments)), arguments, known, path)
            case Unify(left, right, _) | Assign(left, right, _):
                for one, other in ((left, right), (right, left)):
                    if _given(one, known) == _FREE:
                        if isinstance(one, Variable) and one.name != "_" and _given(other, known) != _FREE:
                            known[one.name] = _given(other, known)
                        return True
                return not _depends(term, known)
            case Matches(inner, TypePattern(type_, _, _) as pattern, _) if _is_plain(pattern):
                return self.may_be(_given(inner, known), type_)
            case _:
                return not _depends(term, known)

    def _call(self, key: Key, arguments: Sequence[Term], known: Mapping[str, _Known], path: tuple[object, ...]) -> bool:
        clauses = self.clauses.get(key, ())
        self._asked.add(key)
        asked = (key, *((placeless(each) if isinstance(each, Literal) else _given(each, known)) for each in arguments))
        if not clauses or asked in path:
            # What calls itself holds where another of its rules does.
            return False
        if len(path) >= _LONGEST or any(self._clause(each, arguments, known, (*path, asked)) for each in clauses):
            return True
        return any(self._clause(each.rule, arguments, known, (*path, asked)) for each in self.together(key))

    def may_be(self, given: _Known, type_: str | None) -> bool:
        """Whether what is known of a value leaves it open that it is of a type."""
        if type_ in (None, given) or given in (None, _CONSTANT, _FREE):
            return True
        if type_ in UNIONS:
            return given in self.unions[type_]
        # A record is of no other type. Of the others, such as contexts, one may be the base of the other.
        records = frozenset[str]().union(*self.unions.values())
        return not {given, type_} & records and not {given, type_} & BUILTIN.keys()


def _say_the_same(one: RuleNode, other: RuleNode) -> bool:
    """Whether two rules say the same, wherever they stand."""
    if one is other:
        return True
    return placeless(one.parameters) == placeless(other.parameters) and placeless(one.body) == placeless(other.body)


def _as_asked(parameter: Parameter) -> Term:
    """What stands for the argument in a question that a rule is made for."""
    if isinstance(parameter.term, Literal):
        return parameter.term
    place = parameter.place
    return Variable(f"{parameter.variable} at {place.line}:{place.column}", place)


def _given(term: Term, known: Mapping[str, _Known]) -> _Known:
    """What is known of an argument."""
    if isinstance(term, Variable):
        return known.get(term.name, _CONSTANT if term.name == NIL else _FREE)
    return None if _depends(term, known) else _CONSTANT


def _depends(term: Term, known: Mapping[str, _Known]) -> bool:
    """Whether a term is about what the rule is asked about; the clock and the parameters are not."""
    nodes = [*walk(term)]
    same = {id(node.base) for node in nodes if isinstance(node, Attribute) and node.name in _SAME_FOR_ALL}
    return any(
        known.get(node.name, _FREE) not in (_FREE, _CONSTANT)
        for node in nodes
        if isinstance(node, Variable) and node.name != "_" and id(node) not in same
    )


def _may_equal(literal: Term, argument: Term, given: _Known) -> bool:
    """Whether an argument can be what the head of a rule names, without a condition on the question."""
    if isinstance(argument, Literal):
        return placeless(literal) == placeless(argument)
    return isinstance(literal, Literal | Variable) and given in (_FREE, _CONSTANT)


def _takes_all(term: Compare) -> bool:
    """Whether a comparison with a constant holds for all that records have: texts that are not empty, and numbers from
    0 to the instant without an end.
    """
    from sealauthz.polar.check.relations import EQUAL, GREATER, LESS, relation_of

    relation = relation_of(term)
    if relation is None:
        return False
    relation = relation.flipped if isinstance(relation.left, Literal) else relation
    value = relation.right.value if isinstance(relation.right, Literal) else None
    if isinstance(value, str):
        return value == "" and bool(relation.allows & GREATER)
    if value is None or isinstance(value, bool):
        return False
    is_equal = bool(relation.allows & EQUAL)
    is_from_0 = relation.allows & GREATER and (value < 0 or (value == 0 and is_equal))
    is_to_end = relation.allows & LESS and (value > FOREVER or (value == FOREVER and is_equal))
    return bool(is_from_0 or is_to_end)


def _is_about_nil(term: Not | Compare) -> bool:
    """Whether a condition says that something is there at all."""
    inner = term.term if isinstance(term, Not) else term
    return isinstance(inner, Unify | Compare) and any(
        isinstance(side, Variable) and side.name == NIL for side in (inner.left, inner.right)
    )


def _is_plain(pattern: Pattern | None) -> bool:
    """Whether a pattern asks for nothing but a type."""
    return pattern is None or (isinstance(pattern, TypePattern) and not pattern.fields)
