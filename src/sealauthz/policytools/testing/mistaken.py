"""A bundle with a mistake in it, made in memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from sealauthz.decision import Bundle
from sealauthz.decision.bundle import Engine
from sealauthz.decision.checking import compiled_from
from sealauthz.polar import Rulebook
from sealauthz.polar.engine import CompiledEngine
from sealauthz.polar.syntax import RuleNode, Statement
from sealauthz.policytools.testing.conditions import Kind
from sealauthz.policytools.testing.mutants import Mutant


def with_mistake(bundle: Bundle, mutant: Mutant) -> Bundle:
    """Return a bundle with a mistake in it. Raises BundleRefused."""
    if mutant.parameters is not None:
        return dataclasses.replace(bundle, parameters=mutant.parameters)
    rulebook = bundle.rulebook
    if mutant.kind is Kind.REASON_SWAPPED:
        requirement = mutant.effect.partition(" ")[0]
        otherwise = {**rulebook.otherwise, requirement: mutant.reason}
        return dataclasses.replace(bundle, rulebook=dataclasses.replace(rulebook, otherwise=otherwise))
    if mutant.kind is Kind.REQUIREMENT_DROPPED:
        for dropped in (mutant.statement, *mutant.others):
            rulebook = _without(rulebook, bundle.statements[dropped])
    return dataclasses.replace(bundle, engine=_engine_with(bundle, mutant), rulebook=rulebook)


def statements_with(statements: Sequence[Statement], mutant: Mutant) -> tuple[Statement, ...]:
    """Return statements with a mistake in them."""
    replaced = (mutant.replacement,) if mutant.replacement is not None else ()
    before, after = statements[: mutant.statement], statements[mutant.statement + 1 :]
    # What else goes stands behind: the first of a group's is the one that is replaced.
    behind = enumerate(after, mutant.statement + 1)
    return (*before, *replaced, *(each for index, each in behind if index not in mutant.others))


def requirement_of(rule: RuleNode) -> tuple[str, str, str]:
    """Return the type, the action and the name of the requirement that a rule makes."""
    action, requirement = (getattr(rule.parameters[at].term, "value", "") for at in (0, 2))
    return getattr(rule.parameters[1].pattern, "name", ""), action, requirement


def _engine_with(bundle: Bundle, mutant: Mutant) -> Engine:
    old, new, engine = bundle.statements[mutant.statement], mutant.replacement, bundle.engine
    if not isinstance(old, RuleNode) or not (new is None or isinstance(new, RuleNode)):
        return compiled_from(bundle.model, statements_with(bundle.statements, mutant))
    if not isinstance(engine, CompiledEngine):
        raise TypeError("mistakes are made in compiled policies")
    if not mutant.others and (new is None or new.parameters == old.parameters):
        return engine.changed(old, new)
    return engine.reloaded(statements_with(bundle.statements, mutant))


def _without(book: Rulebook, statement: Statement) -> Rulebook:
    """Return a rulebook without the requirement that a statement makes."""
    if not isinstance(statement, RuleNode):
        raise TypeError("a requirement is a rule")
    type_, action, requirement = requirement_of(statement)
    requirements = {
        key: tuple(each for each in listed if key != (action, type_) or each != requirement)
        for key, listed in book.requirements.items()
    }
    return dataclasses.replace(book, requirements=requirements)
