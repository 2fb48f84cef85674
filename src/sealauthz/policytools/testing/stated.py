"""What policy tests leave to the server to say: a word in a record stands for what it finds for the question.

A face check is bound to the digest of what is to be done, which nobody can write by hand; a test says `this act`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from operator import is_
from typing import Any

from sealauthz.decision import Bundle, Question
from sealauthz.decision.assembly import Missing, assemble, everything
from sealauthz.policytools.testing.fixtures import FactSet, Key
from sealauthz.policytools.testing.suite import Ask, Item, ListAsk, PolicyTest
from sealauthz.schema.evidence import Stated


def with_stated(test: PolicyTest, bundle: Bundle) -> PolicyTest:
    """Return a test of which the facts, and the next steps that it expects, hold what the words in them stand for."""
    asks = tuple(_complete(ask, bundle) for ask in test.asks)
    return test if all(map(is_, asks, test.asks)) else dataclasses.replace(test, asks=asks)


def _complete(ask: Ask | ListAsk, bundle: Bundle) -> Ask | ListAsk:
    questions = [ask.question] if isinstance(ask, Ask) else [ask.questions[name] for name in sorted(ask.expected)]
    made: dict[Key, Any] = {}
    for question in questions:
        for stated, key in _records(ask.facts, question, bundle):
            if key not in made and (found := _found(ask, question, stated, bundle)) is not None:
                made[key] = dataclasses.replace(ask.facts.get(key), **{stated.column: found})
    if isinstance(ask, Ask):
        ask = _expecting(ask, bundle)
    return ask if not made else dataclasses.replace(ask, facts=ask.facts.with_records(made.values()))


def _records(facts: FactSet, question: Question, bundle: Bundle) -> Iterator[tuple[Stated, Key]]:
    """Return the records that a question names in which a word stands."""
    action, type_ = question.action, question.resource.type
    if not question.context or (action, type_) not in bundle.model.actions:
        return
    given = bundle.model.action(action, type_).records
    for stated in bundle.model.evidence.stated:
        for name, record_type in given.items():
            key = (record_type, str(question.context.get(name, "")))
            is_one = record_type == stated.record_type and key in facts
            if is_one and getattr(facts.get(key), stated.column) == stated.word:
                yield stated, key


def _expecting(ask: Ask, bundle: Bundle) -> Ask:
    """Return a question of which the expected next steps name what a word stands for."""
    steps = ask.expected.next_steps or ()
    for stated in bundle.model.evidence.stated:
        if any((step.parameters or {}).get(stated.column) == stated.word for step in steps):
            found = {stated.column: _found(ask, ask.question, stated, bundle)}
            steps = tuple(
                Item(step.code, {**step.parameters, **found})
                if step.parameters and step.parameters.get(stated.column) == stated.word
                else step
                for step in steps
            )
            ask = dataclasses.replace(ask, expected=dataclasses.replace(ask.expected, next_steps=steps))
    return ask


def _found(ask: Ask | ListAsk, question: Question, stated: Stated, bundle: Bundle) -> Any:
    """Return what the server finds under a key of the context; None where there is none, or nothing to ask about."""
    with ask.facts.fact_cache.read() as snapshot:
        case = assemble(bundle.model, question, snapshot, everything, ask.now, ask.caller, bundle.parameters)
    ask.facts.release()
    return None if isinstance(case, Missing) else getattr(case.context, stated.key, None)
