"""The law of sign-offs: whatever is dropped from, altered in or added to the product's statements needs a line.

Each statement of the product is taken in turn: all of them by `make thorough`, else a share that the day chooses.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Iterator
from functools import cache

import pytest
from effort import EFFORT, Effort

from sealauthz.decision.checking import attributes
from sealauthz.decision.folder import installed_folder, layout_of, read_sources
from sealauthz.decision.signoffs import differences_of
from sealauthz.model import MODEL
from sealauthz.polar import Source, Statement, admit
from sealauthz.polar.groups import EXEMPT, FORMS, GROUP, GROUP_REQUIRES, expanded
from sealauthz.polar.syntax import (
    And,
    BlockNode,
    ListTerm,
    Literal,
    Not,
    Parameter,
    RuleNode,
    RuleTypeNode,
    Term,
    Unify,
)
from sealauthz.runtime.errors import BundleRefused
from sealauthz.schema import NO_EXTENSION

ONE_IN = {Effort.QUICK: 200, Effort.SHORT: 100, Effort.FULL: 40, Effort.THOROUGH: 1}[EFFORT]


@cache
def product() -> tuple[tuple[Source, ...], tuple[Statement, ...]]:
    """The files of the product, and their statements."""
    sources = tuple(read_sources(layout_of(installed_folder())))
    return sources, tuple(each for source in sources for each in admit(source, attributes(MODEL)))


def todays_share() -> Iterator[int]:
    """The numbers of the statements that are taken today."""
    count = len(product()[1])
    return iter(range(datetime.datetime.now(datetime.UTC).toordinal() % ONE_IN, count, ONE_IN))


def is_refused(statements: Iterable[Statement]) -> bool:
    """Whether something needs a line, or is refused before."""
    sources, _ = product()
    try:
        changed = expanded(statements)
    except BundleRefused:
        return True
    return any(True for _ in differences_of(changed, sources, NO_EXTENSION))


def replaced(at: int, *instead: Statement) -> tuple[Statement, ...]:
    """The product with other statements in place of one."""
    _, statements = product()
    return (*statements[:at], *instead, *statements[at + 1 :])


def other(term: Term) -> Term:
    """Another term than a literal, or than a list of some."""
    if isinstance(term, ListTerm):
        return dataclasses.replace(term, items=(other(term.items[0]), *term.items[1:]))
    assert isinstance(term, Literal)
    value = term.value
    return dataclasses.replace(term, value=f"{value}_" if isinstance(value, str) else 7_654_321)


def altered(statement: Statement) -> Statement:
    """The statement with one thing in it that is otherwise."""
    if isinstance(statement, RuleTypeNode):
        return dataclasses.replace(statement, parameters=statement.parameters[1:])
    if isinstance(statement, BlockNode):
        if statement.shorthands:
            return dataclasses.replace(statement, shorthands=statement.shorthands[1:])
        return dataclasses.replace(statement, keyword="actor" if statement.keyword == "resource" else "resource")
    body = statement.body
    if isinstance(body, And):
        return dataclasses.replace(statement, body=body.parts[0])
    if body is not None:
        return dataclasses.replace(statement, body=Not(body, body.place))
    places = [at for at, each in enumerate(statement.parameters) if isinstance(each.term, Literal | ListTerm)]
    at = 3 if statement.name == EXEMPT else places[-1] if places else None
    if at is None:
        return dataclasses.replace(statement, parameters=tuple(map(untyped, statement.parameters)))
    changed = dataclasses.replace(statement.parameters[at], term=other(statement.parameters[at].term))
    return dataclasses.replace(
        statement, parameters=(*statement.parameters[:at], changed, *statement.parameters[at + 1 :])
    )


def untyped(parameter: Parameter) -> Parameter:
    return dataclasses.replace(parameter, pattern=None)


def alternative(statement: Statement) -> Statement:
    """Another statement about the same: a rule that always holds, a member more, a way more to a permission."""
    if isinstance(statement, RuleNode) and statement.name not in FORMS:
        one = Literal(1, statement.place)
        return dataclasses.replace(statement, body=Unify(one, one, statement.place))
    if isinstance(statement, BlockNode) and statement.shorthands:
        first = statement.shorthands[0]
        return dataclasses.replace(
            statement,
            roles=None,
            permissions=None,
            relations=None,
            shorthands=(dataclasses.replace(first, implied=first.implier, implier=first.implied, relation=None),)
            if first.relation is None
            else (first,),
        )
    return altered(statement)


def test_the_product_itself_needs_no_line() -> None:
    assert not is_refused(product()[1])


def test_each_day_has_its_share_of_the_statements_and_all_days_have_all() -> None:
    assert len([*todays_share()]) >= len(product()[1]) // ONE_IN


def test_a_statement_that_is_dropped_needs_a_line() -> None:
    free = [str(product()[1][at].place) for at in todays_share() if not is_refused(replaced(at))]
    assert free == []


def test_a_statement_that_is_altered_needs_a_line() -> None:
    _, statements = product()
    free = [str(statements[at].place) for at in todays_share() if not is_refused(replaced(at, altered(statements[at])))]
    assert free == []


FREE = ("requires", "lapses", GROUP_REQUIRES)
"""Of which one more only makes an allow rarer or shorter."""


def test_an_alternative_beside_a_statement_needs_a_line_unless_it_is_stricter() -> None:
    _, statements = product()
    for at in todays_share():
        statement = statements[at]
        is_free = isinstance(statement, RuleNode) and statement.name in FREE
        beside = alternative(statement)
        assert is_refused(replaced(at, statement, beside)) != is_free, str(statement.place)


@pytest.mark.parametrize("name", [GROUP, EXEMPT, "reason", "obligation", "obligation_parameter", "meets", "visible"])
def test_each_kind_of_statement_is_taken(name: str) -> None:
    _, statements = product()
    at = next(number for number, each in enumerate(statements) if isinstance(each, RuleNode) and each.name == name)
    assert is_refused(replaced(at))
    assert is_refused(replaced(at, altered(statements[at])))
    assert is_refused(replaced(at, statements[at], alternative(statements[at])))
