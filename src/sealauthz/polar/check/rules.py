"""A bundle as the checker sees it: its clauses by name and arity, blocks written out, and what the blocks declare."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from sealauthz.polar.blocks import declared_by, unions_of, written_out
from sealauthz.polar.syntax import (
    BlockNode,
    Call,
    Forall,
    Literal,
    Not,
    Place,
    RuleNode,
    RuleTypeNode,
    Statement,
    Term,
)
from sealauthz.polar.terms import occurrences, parts

Key = tuple[str, int]
"""A rule's name and the number of its parameters."""


@dataclass(slots=True, eq=False)
class Clause:
    """One rule. `literals` are what its parameters demand, by position; `counts` how often a variable stands in it;
    `calls` the rules that it calls, whether under a negation, and where; `said` what it says without its names, once
    somebody wants to know.
    """

    node: RuleNode
    is_written_out: bool
    key: Key = field(init=False)
    literals: dict[int, object] = field(init=False)
    counts: Mapping[str, int] = field(init=False)
    calls: tuple[tuple[Key, bool, Place], ...] = field(init=False)
    said: object = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.key = (self.node.name, len(self.node.parameters))
        terms = [parameter.term for parameter in self.node.parameters]
        self.literals = {at: term.value for at, term in enumerate(terms) if isinstance(term, Literal)}
        heads = [part for each in self.node.parameters for part in (each.term, each.pattern) if part is not None]
        body = self.node.body
        self.counts = occurrences(*heads) if body is None else occurrences(*heads, body)
        self.calls = () if body is None else tuple(_calls(body))

    @property
    def place(self) -> Place:
        """Where it starts."""
        return self.node.place


def _calls(body: Term) -> Iterator[tuple[Key, bool, Place]]:
    waiting: list[tuple[Term, bool]] = [(body, False)]
    while waiting:
        node, is_negated = waiting.pop()
        if isinstance(node, Call):
            yield (node.name, len(node.arguments)), is_negated, node.place
        is_negated = is_negated or isinstance(node, Not | Forall)
        waiting.extend((part, is_negated) for part in parts(node))  # type: ignore[misc]


class Rules:
    """All clauses of a bundle, the declarations of its blocks, and its rule types.

    `like` is a bundle that differs little: what both have is taken from it.
    """

    def __init__(self, statements: Iterable[Statement], like: Rules | None = None) -> None:
        self.statements = tuple(statements)
        self.blocks = [statement for statement in self.statements if isinstance(statement, BlockNode)]
        self.rule_types = [statement for statement in self.statements if isinstance(statement, RuleTypeNode)]
        self.declared = declared_by(self.blocks)
        known = {id(clause.node): clause for clause in like.clauses} if like is not None else {}
        nodes = [node for node in self.statements if isinstance(node, RuleNode)]
        clauses = [known.get(id(node)) or Clause(node, False) for node in nodes]
        if like is not None and [*map(id, self.blocks)] == [*map(id, like.blocks)]:
            blocks = [clause for clause in like.clauses if clause.is_written_out]
        else:
            blocks = [Clause(node, True) for node in written_out(self.blocks, self.declared, ())]
        self.clauses: list[Clause] = [*clauses, *blocks]
        self.by_key: dict[Key, list[Clause]] = {}
        for clause in self.clauses:
            self.by_key.setdefault(clause.key, []).append(clause)
        self.arities: dict[str, set[int]] = {}
        for name, arity in self.by_key:
            self.arities.setdefault(name, set()).add(arity)
        self.unions = unions_of(self.blocks)
        self._selected = {key: _Selection(clauses) for key, clauses in self.by_key.items()}
        self._words: dict[tuple[Key, int], frozenset[object]] = {}
        starts = [(clause.place.file, clause.place.line, clause.place.column) for clause in clauses]
        order = sorted(range(len(starts)), key=starts.__getitem__)
        self._starts = [starts[index] for index in order]
        self._started = [clauses[index] for index in order]

    def names_all_of(self, other: Rules) -> bool:
        """Whether all names that mean something there mean it here too: there are the same blocks and types, and all
        rules by name and arity.
        """
        ours, theirs = (*self.blocks, *self.rule_types), (*other.blocks, *other.rule_types)
        return self.by_key.keys() >= other.by_key.keys() and [*map(id, ours)] == [*map(id, theirs)]

    def named(self, name: str) -> list[Clause]:
        """The clauses of a name, whatever their arity, in the order of the files."""
        return [clause for clause in self.clauses if clause.key[0] == name]

    def candidates(self, key: Key, position_words: Mapping[int, frozenset[object]]) -> Iterable[Clause]:
        """The clauses that a call can reach whose arguments are known to be among these words."""
        return self._selected[key].candidates(position_words)

    def words_at(self, key: Key, position: int) -> frozenset[object]:
        """What the clauses of a rule demand at one of its parameters; empty where one of them takes anything."""
        known = self._words.get((key, position))
        if known is None:
            clauses = self.by_key[key]
            is_closed = all(position in clause.literals for clause in clauses)
            known = frozenset(clause.literals[position] for clause in clauses) if is_closed else frozenset()
            self._words[key, position] = known
        return known

    def clause_at(self, place: Place) -> Clause | None:
        """The clause that a place is in."""
        index = bisect.bisect_right(self._starts, (place.file, place.line, place.column)) - 1
        return self._started[index] if index >= 0 and self._starts[index][0] == place.file else None


class _Selection:
    """The clauses of one rule, found by the literal at the position that tells most of them apart."""

    def __init__(self, clauses: list[Clause]) -> None:
        self._all = clauses
        arity = clauses[0].key[1]
        spread = [len({clause.literals[at] for clause in clauses if at in clause.literals}) for at in range(arity)]
        self._position = spread.index(max(spread)) if spread and max(spread) > 1 else -1
        self._by_literal: dict[object, list[Clause]] = {}
        self._always: list[Clause] = []
        if self._position >= 0:
            for clause in clauses:
                if self._position in clause.literals:
                    self._by_literal.setdefault(clause.literals[self._position], []).append(clause)
                else:
                    self._always.append(clause)

    def candidates(self, words: Mapping[int, frozenset[object]]) -> Iterable[Clause]:
        wanted = words.get(self._position)
        found: Iterable[Clause]
        if wanted is None:
            found = self._all
        else:
            found = [
                *self._always,
                *(clause for word in sorted(wanted, key=str) for clause in self._by_literal.get(word, ())),
            ]
        for at, known in words.items():
            if at != self._position:
                found = [clause for clause in found if at not in clause.literals or clause.literals[at] in known]
        return found
