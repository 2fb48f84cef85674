"""Asks the questions of a policy test, and says where an answer is not as expected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sealauthz.answers import ParameterValue
from sealauthz.decision import Bundle, Decision, Effect, Explanation, PolicyDecisionPoint
from sealauthz.errors import SealAuthzError
from sealauthz.policytest.suite import Ask, Expectation, Item, ListAsk, PolicyTest
from sealauthz.terminal import instant


@dataclass(frozen=True, slots=True)
class Difference:
    """One part of an answer: its name, what was expected, and what came."""

    part: str
    expected: str
    actual: str


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer that is not as expected. `decision` is None where there was none, or where a list was asked for."""

    test: PolicyTest
    ask: Ask | ListAsk
    differences: tuple[Difference, ...]
    decision: Decision | None = None


def failures_of(test: PolicyTest, bundle: Bundle) -> Iterator[Failure]:
    """Ask the questions of a test, in order, and return those that are not answered as expected."""
    for ask in test.asks:
        failure = failure_of(test, ask, bundle)
        if failure is not None:
            yield failure


def failure_of(test: PolicyTest, ask: Ask | ListAsk, bundle: Bundle) -> Failure | None:
    """Ask one question; None where the answer is as expected."""
    point = PolicyDecisionPoint(ask.facts.fact_cache, bundle, lambda: ask.now)
    if isinstance(ask, ListAsk):
        found = allowed(point, ask)
        if found == ask.expected:
            return None
        missing, extra = sorted(ask.expected - found), sorted(found - ask.expected)
        differences = [Difference("missing", ", ".join(missing), "")] if missing else []
        differences += [Difference("too many", "", ", ".join(extra))] if extra else []
        return Failure(test, ask, tuple(differences))
    try:
        decision = point.decide(ask.question)
    except SealAuthzError as error:
        return Failure(test, ask, (Difference("effect", str(ask.expected.effect), f"no answer: {error}"),))
    differences = list(differences_of(ask.expected, decision))
    return Failure(test, ask, tuple(differences), decision) if differences else None


def allowed(point: PolicyDecisionPoint, ask: ListAsk) -> frozenset[str]:
    """Return the names of the questions of a list that are allowed."""
    answers = point.decide_many(list(ask.questions.values()))
    return frozenset(
        name for name, answer in zip(ask.questions, answers, strict=True) if isinstance(answer, Decision) and answer
    )


def explain(failure: Failure, bundle: Bundle) -> Explanation | None:
    """Explain the decision of a failure; None where there is no single decision."""
    ask = failure.ask
    if isinstance(ask, ListAsk) or failure.decision is None:
        return None
    return PolicyDecisionPoint(ask.facts.fact_cache, bundle, lambda: ask.now).explain(ask.question)


def differences_of(expected: Expectation, decision: Decision) -> Iterator[Difference]:
    """Compare a decision with what is expected of it, part by part."""
    if decision.effect is not expected.effect:
        yield Difference("effect", str(expected.effect), str(decision.effect))
    if expected.reasons is not None or (expected.effect is Effect.ALLOW and not decision):
        codes = tuple(reason.code for reason in decision.reasons)
        wanted = expected.reasons or ()
        if codes != wanted:
            yield Difference("reasons", _listed(wanted), _listed(codes))
    for part, items, found in (
        ("next steps", expected.next_steps, decision.next_steps),
        ("obligations", expected.obligations, decision.obligations),
    ):
        given = [Item(item.code, item.parameters) for item in found]
        if items is not None and not _is_same(items, given):
            plain = _needs_parameters(items)
            yield Difference(part, _items(items, True), _items(given, plain))
    if expected.valid_until is not None and decision.valid_until != expected.valid_until:
        yield Difference("valid until", instant(expected.valid_until), instant(decision.valid_until))


def _is_same(expected: Sequence[Item], found: Sequence[Item]) -> bool:
    """Whether two lists hold the same items, in any order; an item without parameters stands for any."""
    left = list(found)
    for item in sorted(expected, key=lambda item: item.parameters is None):
        match = next((f for f in left if f.code == item.code and item.parameters in (None, f.parameters)), None)
        if match is None:
            return False
        left.remove(match)
    return not left


def _needs_parameters(items: Iterable[Item]) -> bool:
    return any(item.parameters is not None for item in items)


def _items(items: Iterable[Item], with_parameters: bool) -> str:
    return _listed(
        [
            item.code + _parameters(item.parameters.items() if with_parameters and item.parameters else ())
            for item in items
        ]
    )


def _parameters(parameters: Iterable[tuple[str, ParameterValue]]) -> str:
    return "".join(f" {name}={value}" for name, value in sorted(parameters))


def _listed(words: Iterable[str]) -> str:
    return "\n".join(words) or "(none)"
