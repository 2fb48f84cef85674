"""The checker: everything that is wrong with a bundle, and what of it a small change makes wrong.

Nothing is evaluated. Rules are followed from the questions that the service asks, with what is known of each argument:
its type, its words, whether it may be nil, whether it has a value yet, and under how many negations it is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sealauthz.polar.check.contradictions import check_conditions
from sealauthz.polar.check.entries import ContextOf, Entry, enter, enter_one, entries
from sealauthz.polar.check.floor import check_floor, check_kept
from sealauthz.polar.check.flow import NEVER_MATCHES, Flow, Marks, Reach, TooMuch
from sealauthz.polar.check.graph import check_calls, check_graph
from sealauthz.polar.check.lapsing import check_lapsing
from sealauthz.polar.check.names import check_contract_names, check_names, check_names_of, check_unused_reasons
from sealauthz.polar.check.rules import Clause, Rules
from sealauthz.polar.check.settling import check_settling
from sealauthz.polar.check.slips import check_slips
from sealauthz.polar.contract import Rulebook, read_contract
from sealauthz.polar.diagnostic import Diagnostic, Diagnostics
from sealauthz.polar.source import Source
from sealauthz.polar.syntax import RuleNode, Statement
from sealauthz.polar.types import TypeTable


@dataclass(frozen=True, slots=True)
class _Service:
    """What a bundle is checked against: the types, the contexts, the service's own reasons, and who asks."""

    types: TypeTable
    contexts: ContextOf
    product_reasons: tuple[str, ...]
    subjects: tuple[str, ...]

    def read(self, rules: Rules, texts: dict[str, str], found: Diagnostics) -> Rulebook:
        """Find what can be seen without following any call."""
        check_names(rules, self.types, found)
        book = self.contract(rules, found)
        check_unused_reasons(book, self.product_reasons, found)
        check_graph(rules, texts, found)
        check_lapsing(book, rules, found)
        for clause in rules.clauses:
            self.read_clause(clause, found)
        return book

    def read_clause(self, clause: Clause, found: Diagnostics) -> None:
        """Find what is wrong with one rule by itself."""
        if not clause.is_written_out:
            check_slips(clause, found)
            check_conditions(clause, self.types.intervals, found)

    def contract(self, rules: Rules, found: Diagnostics) -> Rulebook:
        """Read the contract and find the errors in it."""
        book = read_contract(rules.statements, self.product_reasons, found)
        check_contract_names(book, rules, self.types, found)
        check_floor(book, rules, found)
        check_settling(book, found)
        return book

    def flow(self, rules: Rules, book: Rulebook, found: Diagnostics, marks: Marks | None = None) -> Flow:
        """What follows the calls of a bundle."""
        names = {self.contexts(action, type_).__name__ for action, type_ in book.requirements}
        return Flow(rules, self.types, names, found, marks)


def check(
    statements: Iterable[Statement],
    types: TypeTable,
    contexts: ContextOf,
    *,
    subjects: Iterable[str],
    product_reasons: Iterable[str] = (),
    sources: Iterable[Source] = (),
) -> list[Diagnostic]:
    """Return everything that is wrong with a bundle, file by file from top to bottom.

    `contexts` says which class the context of an action on a resource type has; `subjects` are the types that may
    ask. `product_reasons` are the codes that the service itself gives. With `sources`, the warning about `and`
    beside `or` sees all brackets.
    """
    rules = Rules(statements)
    found = Diagnostics()
    service = _Service(types, contexts, tuple(product_reasons), tuple(subjects))
    book = service.read(rules, {source.file: source.text for source in sources}, found)
    flow = service.flow(rules, book, found)
    try:
        enter(flow, rules, book, contexts, service.subjects, found)
    except TooMuch as error:
        found.error("too-much", str(error), error.place)
        return found.by_place()
    except RecursionError:
        message = "rules and their conditions nest too deep to be checked"
        found.error("too-much", message, rules.statements[0].place)
        return found.by_place()
    # A rule with an error gets no second message that it never matches.
    wrong = {clause for clause in map(rules.clause_at, found.errors()) if clause is not None}
    for place, message in flow.never():
        if rules.clause_at(place) not in wrong:
            found.error("never", message, place)
    return found.by_place()


def check_product_floor(statements: Iterable[Statement], product: Iterable[Statement]) -> list[Diagnostic]:
    """Return where a bundle defines what the floor rests on in another way than the product's own bundle does."""
    found = Diagnostics()
    check_kept(Rules(statements), Rules(product), found)
    return found.by_place()


class Baseline:
    """A bundle without errors, and what each question of the service reads of it.

    A bundle that differs in the body of one rule is checked by the questions alone that read the rule.
    """

    def __init__(
        self,
        statements: Iterable[Statement],
        types: TypeTable,
        contexts: ContextOf,
        *,
        subjects: Iterable[str],
        product_reasons: Iterable[str] = (),
    ) -> None:
        self._service = _Service(types, contexts, tuple(product_reasons), tuple(subjects))
        self._marks = Marks()
        self._reaches: dict[Entry, Reach] = {}
        self._rules = rules = Rules(statements)
        found = Diagnostics()
        book = self._service.read(rules, {}, found)
        flow = self._service.flow(rules, book, found, self._marks)
        for entry in entries(rules, book, contexts, self._service.subjects):
            enter_one(flow, entry, found)
            self._reaches[entry] = flow.reach(entry.key, entry.values, entry.decides)

    def refuses(self, changed: Sequence[Statement], old: Statement, new: Statement | None) -> bool:
        """Whether a bundle has errors in which one statement is another, or is gone."""
        rules, found = Rules(changed, self._rules), Diagnostics()
        book = self._read_changed(rules, found)
        if found.errors():
            return True
        marks = self._marks
        flow = self._service.flow(rules, book, found, marks)
        # Where a head or a block is another, calls may read it that did not before.
        concerned = marks.bit((old.place, NEVER_MATCHES)) if _is_headed_alike(old, new) else -1
        try:
            for entry in entries(rules, book, self._service.contexts, self._service.subjects):
                known = self._reaches.get(entry)
                if known is not None and not known.is_partial and not known.tried & concerned:
                    flow.take(known)
                    continue
                enter_one(flow, entry, found)
                if found.errors():
                    return True
            flow.enter_rest()
        except (TooMuch, RecursionError):
            return True
        return bool(found.errors() or flow.never())

    def _read_changed(self, rules: Rules, found: Diagnostics) -> Rulebook:
        """Find the errors that can be seen without following any call; those in names only where something changed."""
        before = self._rules
        known = {id(clause) for clause in before.clauses}
        for clause in rules.clauses:
            if id(clause) not in known:
                self._service.read_clause(clause, found)
        if rules.by_key.keys() == before.by_key.keys() and [*map(id, rules.blocks)] == [*map(id, before.blocks)]:
            for clause in rules.clauses:
                if id(clause) not in known:
                    check_names_of(clause, rules, self._service.types, found)
        else:
            check_names(rules, self._service.types, found)
        book = self._service.contract(rules, found)
        check_calls(rules, found)
        return book


def _is_headed_alike(old: Statement, new: Statement | None) -> bool:
    if not isinstance(old, RuleNode):
        return False
    return new is None or (isinstance(new, RuleNode) and (old.name, old.parameters) == (new.name, new.parameters))
