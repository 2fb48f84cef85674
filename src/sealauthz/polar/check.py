"""Checking a bundle before it is served: names, types, modes, polarity, and the contract. Errors stop it.

Nothing is evaluated. Rules are followed from the questions that the service asks, with what is known of each argument:
its type, its words, whether it may be nil, whether it has a value yet, and under how many negations it is read.
"""

from __future__ import annotations

from collections.abc import Iterable

from sealauthz.polar.checking.bundle import Rules
from sealauthz.polar.checking.contract import check_contract
from sealauthz.polar.checking.entries import ContextOf, enter
from sealauthz.polar.checking.finding import Finding, Findings, Severity
from sealauthz.polar.checking.floor import check_floor
from sealauthz.polar.checking.flow import Flow, TooMuch
from sealauthz.polar.checking.graph import check_graph
from sealauthz.polar.checking.names import check_names
from sealauthz.polar.source import Source
from sealauthz.polar.syntax import Statement
from sealauthz.polar.types import Types

__all__ = ["ContextOf", "Finding", "Severity", "check"]


def check(
    statements: Iterable[Statement],
    types: Types,
    contexts: ContextOf,
    *,
    product_reasons: Iterable[str] = (),
    subjects: Iterable[str] = ("Person",),
    sources: Iterable[Source] = (),
) -> list[Finding]:
    """Return everything that is wrong with a bundle, file by file from top to bottom.

    `contexts` says which class the context of an action on a resource type has. `product_reasons` are the codes that
    the service itself gives. With `sources`, the warning about `and` beside `or` sees all brackets.
    """
    rules = Rules(statements)
    found = Findings()
    check_names(rules, types, found)
    contract = check_contract(rules, types, product_reasons, found)
    check_floor(contract, rules, found)
    check_graph(rules, {source.file: source.text for source in sources}, found)
    names = {contexts(action, type_).__name__ for action, type_ in contract.actions}
    flow = Flow(rules, types, names, found)
    try:
        enter(flow, rules, contract, contexts, subjects, found)
    except TooMuch as error:
        found.error("too-much", str(error), error.place)
        return found.by_place()
    except RecursionError:
        said = "rules and their conditions nest too deep to be checked"
        found.error("too-much", said, rules.statements[0].place)
        return found.by_place()
    # A rule with an error in it is not also told that it never matches.
    wrong = {clause for clause in map(rules.clause_at, found.errors()) if clause is not None}
    for place, said in flow.never():
        if rules.clause_at(place) not in wrong:
            found.error("never", said, place)
    return found.by_place()
