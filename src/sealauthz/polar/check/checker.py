"""The checker: everything that is wrong with a bundle, and what of it a small change makes wrong.

Nothing is evaluated. Rules are followed from the questions that the service asks, with what is known of each argument:
its type, its words, whether it may be nil, whether it has a value yet, and under how many negations it is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from sealauthz.polar.budget import Budget, TooMuch
from sealauthz.polar.check.called import callers_of, check_called
from sealauthz.polar.check.contradictions import check_conditions
from sealauthz.polar.check.entries import ContextOf, enter, enter_one, entries
from sealauthz.polar.check.floor import check_floor, check_kept
from sealauthz.polar.check.flow import Flow
from sealauthz.polar.check.graph import check_calls, check_graph, check_shapes, check_singletons
from sealauthz.polar.check.lacking import check_lacking
from sealauthz.polar.check.lapsing import check_lapsing
from sealauthz.polar.check.names import check_contract_names, check_names, check_names_of, check_unused_reasons
from sealauthz.polar.check.patterns import KeptFlow
from sealauthz.polar.check.rules import Clause, Rules
from sealauthz.polar.check.settling import check_settling
from sealauthz.polar.check.slips import check_slips
from sealauthz.polar.check.units import check_units
from sealauthz.polar.contract import Rulebook, read_contract
from sealauthz.polar.diagnostic import Diagnostic, Diagnostics
from sealauthz.polar.groups import NO_GROUPS, Groups, expand, expanded
from sealauthz.polar.source import Source
from sealauthz.polar.syntax import Statement
from sealauthz.polar.types import TypeTable


@dataclass(frozen=True, slots=True)
class _Service:
    """What a bundle is checked against: the types, the contexts, the service's own reasons, and who asks; with the
    groups that its statements were spelled out of.
    """

    types: TypeTable
    contexts: ContextOf
    product_reasons: tuple[str, ...]
    subjects: tuple[str, ...]
    groups: Groups = NO_GROUPS

    def read(
        self, rules: Rules, texts: dict[str, str], found: Diagnostics, before: Analysis | None = None
    ) -> tuple[Rulebook, bool]:
        """Find what can be seen without following any call; tell whether nothing was found in any clause by itself."""
        right = before.rules if before is not None and before.has_right_clauses else None
        fresh = self.read_clauses(rules, right, found)
        check_shapes(fresh, texts, found)
        has_right_clauses = not found.told
        book = self.contract(rules, found)
        self.read_whole(book, rules, found)
        return book, has_right_clauses

    def read_whole(self, book: Rulebook, rules: Rules, found: Diagnostics) -> None:
        """Find what can be seen of all rules together."""
        check_unused_reasons(book, self.product_reasons, found)
        check_graph(rules, found)
        check_lapsing(book, rules, found)
        check_lacking(book, found)

    def read_clauses(self, rules: Rules, right: Rules | None, found: Diagnostics) -> list[Clause]:
        """Find what is wrong with each rule by itself, and with names; not again in `right` ones. Return the others."""
        known = set() if right is None else {id(clause) for clause in right.clauses}
        fresh = [clause for clause in rules.clauses if id(clause) not in known and not clause.is_written_out]
        if right is not None and rules.names_all_of(right):
            for clause in fresh:
                check_names_of(clause, rules, self.types, found)
        else:
            check_names(rules, self.types, found)
        for clause in fresh:
            check_slips(clause, found)
            check_conditions(clause, self.types, found)
        calling = () if right is None else _calling_others(rules, right, fresh)
        check_called([*fresh, *calling], rules, self.types, found)
        return fresh

    def contract(self, rules: Rules, found: Diagnostics) -> Rulebook:
        """Read the contract and find the errors in it."""
        book = read_contract(rules.statements, self.product_reasons, found, self.groups)
        check_contract_names(book, rules, self.types, found)
        check_floor(book, rules, found)
        check_settling(book, rules, found)
        check_units(rules, found)
        return book

    def analyse(self, statements: tuple[Statement, ...], texts: dict[str, str], before: Analysis | None) -> Analysis:
        """Find everything that is wrong. Raises TooMuch."""
        rules = Rules(statements, None if before is None else before.rules)
        found = Diagnostics()
        book, has_right_clauses = self.read(rules, texts, found, before)
        budget = Budget.for_text(sum(map(len, texts.values()))) if texts else Budget()
        flow = self.flow(rules, book, found, None if before is None else before.flow, budget)
        enter(flow, rules, book, self.contexts, self.subjects, self.types.told, found)
        # A rule with an error gets no second message that it never matches.
        wrong = {clause for clause in map(rules.clause_at, found.errors()) if clause is not None}
        for code, place, message in flow.never():
            if rules.clause_at(place) not in wrong:
                found.error(code, message, place)
        return Analysis(found.by_place(), rules, None if found.errors() else flow, has_right_clauses)

    def analyse_alone(self, statements: tuple[Statement, ...], texts: dict[str, str]) -> Analysis:
        """Find what is wrong, where it may be that the policies are too deep or too large for all to be found."""
        try:
            return self.analyse(statements, texts, None)
        except TooMuch as error:
            message, place = error.message, error.place
        rules, found = Rules(statements), Diagnostics()
        self.read(rules, texts, found)
        found.error("too-much", message, place)
        return Analysis(found.by_place(), rules, None)

    def flow(
        self,
        rules: Rules,
        book: Rulebook,
        found: Diagnostics,
        before: Flow | None = None,
        budget: Budget | None = None,
    ) -> Flow:
        """What follows the calls of a bundle. Raises TooMuch."""
        names = {self.contexts(action, type_).__name__ for action, type_ in book.requirements}
        return Flow(rules, self.types, names, found, before, budget)


def _calling_others(rules: Rules, right: Rules, fresh: Sequence[Clause]) -> Iterator[Clause]:
    """The clauses that are the same in two bundles, and call rules that are not."""
    keys = rules.by_key.keys() | right.by_key.keys()
    changed = {key for key in keys if [*map(id, rules.by_key.get(key, ()))] != [*map(id, right.by_key.get(key, ()))]}
    calling = callers_of(changed, rules) - {*map(id, fresh)} if changed else set()
    return (clause for clause in rules.clauses if id(clause) in calling and not clause.is_written_out)


@dataclass(frozen=True, slots=True)
class Analysis:
    """A bundle that was checked: what is wrong with it, file by file from top to bottom, and what was found out on the
    way, from which the analysis of another bundle may start.
    """

    diagnostics: list[Diagnostic]
    rules: Rules
    flow: Flow | None
    has_right_clauses: bool = False
    """Whether nothing was found in any clause by itself, so that those that another bundle has too need no look."""

    def kept(self) -> KeptAnalysis | None:
        """Return what another analysis may begin with, for another process; None where there is an error, or it began
        with another one itself.
        """
        flow = None if self.flow is None else self.flow.kept()
        return None if flow is None else KeptAnalysis(self.diagnostics, self.rules, flow, self.has_right_clauses)

    @classmethod
    def of_kept(cls, kept: KeptAnalysis, types: TypeTable) -> Analysis:
        """Return an analysis to begin with, from what `kept` gave for the same types."""
        flow = Flow.of_kept(kept.flow, kept.rules, types)
        return cls(kept.diagnostics, kept.rules, flow, kept.has_right_clauses)


@dataclass(frozen=True, slots=True)
class KeptAnalysis:
    """An analysis so that it can be written down."""

    diagnostics: list[Diagnostic]
    rules: Rules
    flow: KeptFlow
    has_right_clauses: bool


def analyse(
    statements: Iterable[Statement],
    types: TypeTable,
    contexts: ContextOf,
    *,
    subjects: Iterable[str],
    product_reasons: Iterable[str] = (),
    sources: Iterable[Source] = (),
    before: Analysis | None = None,
    groups: Groups | None = None,
) -> Analysis:
    """Find everything that is wrong with a bundle.

    `contexts` says which class the context of an action on a resource type has; `subjects` are the types that may
    ask. `product_reasons` are the codes that the service itself gives. With `sources`, the warning about `and`
    beside `or` sees all brackets. What an analysis with the same types, contexts and subjects found out `before` is
    taken over where it still holds. With `groups`, the statements are those that were spelled out of them; without,
    groups are spelled out first, and where that fails nothing else is looked at.
    """
    if groups is None:
        found = Diagnostics()
        expansion = expand(statements, found)
        if found.errors():
            return Analysis(found.by_place(), Rules(expansion.statements), None)
        statements, groups = expansion.statements, expansion.groups
    statements = tuple(statements)
    service = _Service(types, contexts, tuple(product_reasons), tuple(subjects), groups)
    texts = {source.file: source.text for source in sources}
    try:
        return service.analyse(statements, texts, before)
    except TooMuch:
        # What was taken over counts at its highest, so that there may be less.
        return service.analyse_alone(statements, texts)


def check(
    statements: Iterable[Statement],
    types: TypeTable,
    contexts: ContextOf,
    *,
    subjects: Iterable[str],
    product_reasons: Iterable[str] = (),
    sources: Iterable[Source] = (),
) -> list[Diagnostic]:
    """Return everything that is wrong with a bundle, as `analyse` does."""
    return analyse(
        statements, types, contexts, subjects=subjects, product_reasons=product_reasons, sources=sources
    ).diagnostics


def check_product_floor(statements: Iterable[Statement], product: tuple[Statement, ...]) -> list[Diagnostic]:
    """Return where a bundle defines what the floor rests on in another way than the product's own bundle does."""
    statements, product = expanded(statements).statements, expanded(product).statements
    return [*_kept(_Same(statements), _Same(product))]


@dataclass(frozen=True, slots=True)
class _Same:
    """Statements that are equal only to the very same ones."""

    statements: tuple[Statement, ...] = field(compare=False)
    names: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(map(id, self.statements)))


@lru_cache(maxsize=2)
def _kept(statements: _Same, product: _Same) -> tuple[Diagnostic, ...]:
    # A load asks twice.
    found, kept = Diagnostics(), _product_rules(product)
    check_kept(Rules(statements.statements, kept), kept, found)
    return tuple(found.by_place())


@lru_cache(maxsize=2)
def _product_rules(product: _Same) -> Rules:
    return Rules(product.statements)


class Baseline:
    """A bundle without errors, and what its analysis found out: a bundle that differs little is checked quickly."""

    def __init__(
        self,
        statements: Iterable[Statement],
        types: TypeTable,
        contexts: ContextOf,
        *,
        subjects: Iterable[str],
        product_reasons: Iterable[str] = (),
        groups: Groups = NO_GROUPS,
        known: Analysis | None = None,
    ) -> None:
        """Analyse a bundle; or take an analysis that is `known`, of the same statements with all else the same."""
        self._service = _Service(types, contexts, tuple(product_reasons), tuple(subjects), groups)
        analysis = known or analyse(
            statements,
            types,
            contexts,
            subjects=self._service.subjects,
            product_reasons=product_reasons,
            groups=groups,
        )
        self._rules, self._flow = analysis.rules, analysis.flow
        self._has_no_warning = not analysis.diagnostics

    def refuses(self, changed: Sequence[Statement]) -> bool:
        """Whether a bundle has errors that has other statements in place of some of these; or warnings, where this one
        has none: who writes policies without a warning, as CI wants them, does not overlook the first one.
        """
        rules, found = Rules(changed, self._rules), Diagnostics()
        book = self._read_changed(rules, found)
        if self._is_refused(found):
            return True
        try:
            return self._is_wrong(self._service.flow(rules, book, found, self._flow), rules, book, found)
        except TooMuch:
            found = Diagnostics()
        try:
            return self._is_wrong(self._service.flow(rules, book, found), rules, book, found)
        except TooMuch:
            return True

    def _is_wrong(self, flow: Flow, rules: Rules, book: Rulebook, found: Diagnostics) -> bool:
        for entry in entries(rules, book, self._service.contexts, self._service.subjects, self._service.types.told):
            enter_one(flow, entry, found)
            if self._is_refused(found):
                return True
        flow.enter_rest()
        return self._is_refused(found) or bool(flow.never())

    def _is_refused(self, found: Diagnostics) -> bool:
        return bool(found.told if self._has_no_warning else found.errors())

    def _read_changed(self, rules: Rules, found: Diagnostics) -> Rulebook:
        """Find what can be seen without following any call."""
        fresh = self._service.read_clauses(rules, self._rules, found)
        book = self._service.contract(rules, found)
        if not self._has_no_warning:
            check_calls(rules, found)  # all errors among what `read_whole` finds
            return book
        for clause in fresh:
            check_singletons(clause, found)
        self._service.read_whole(book, rules, found)
        return book
