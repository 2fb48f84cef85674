"""Policy tests once they are read: questions over facts with the answers that are expected, asking them, and a failure
as a person reads it: expected and actual side by side, and why the policies answer so.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from sealauthz.decision import Bundle, Decision, Effect, PolicyDecisionPoint, Question, Standing
from sealauthz.decision.assembly import IN_PROCESS, RequestOptions
from sealauthz.decision.policies import Policies
from sealauthz.policytools.testing.fixtures import FactSet
from sealauthz.policytools.testing.possible import refusal
from sealauthz.runtime.errors import EvaluationFailed, SealAuthzError
from sealauthz.runtime.terminal import decision_body, instant, requirements_tree, show, table, verdict
from sealauthz_client.answers import Explanation, ParameterValue


@dataclass(frozen=True, slots=True)
class Item:
    """A next step or obligation that is expected; None for parameters means that they may be anything."""

    code: str
    parameters: Mapping[str, ParameterValue] | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a decision must be. None means that this part may be anything."""

    effect: Effect
    reasons: tuple[str, ...] | None = None
    next_steps: tuple[Item, ...] | None = None
    obligations: tuple[Item, ...] | None = None
    valid_until: int | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """One question over some facts at one time, and its answer. `label` says which part of its test it is."""

    facts: FactSet = field(repr=False)
    now: int
    question: Question
    expected: Expectation
    label: str
    file: str
    line: int
    caller: str = IN_PROCESS


@dataclass(frozen=True, slots=True)
class ListAsk:
    """A question for everything that is allowed: of `questions`, by the name that stands for each, exactly those of
    `expected` are; `in_principle` asks the table of roles alone.
    """

    facts: FactSet = field(repr=False)
    now: int
    questions: Mapping[str, Question] = field(repr=False)
    expected: frozenset[str]
    label: str
    file: str
    line: int
    in_principle: bool = False
    caller: str = IN_PROCESS


def options_of(ask: Ask | ListAsk) -> RequestOptions:
    """Return what a question is asked with, beside itself."""
    return RequestOptions(caller=ask.caller)


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """One test: it passes when every answer is as expected."""

    name: str
    rules: tuple[str, ...]
    asks: tuple[Ask | ListAsk, ...]
    file: str
    line: int
    allow_impossible: str = ""
    """Why it holds facts that no store would take; empty where it holds none."""


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


def impossible_facts(test: PolicyTest) -> Iterator[Failure]:
    """Return the questions of a test over facts that no store would hold; of one that is to hold such, that it does."""
    refused = [(ask, said) for ask in test.asks if (said := refusal(ask.facts))]
    if not test.allow_impossible:
        for ask, said in refused:
            yield Failure(test, ask, (Difference("facts", "such as a store takes", said),))
    elif not refused:
        said = "a store would take them: drop `allow_impossible`"
        yield Failure(test, test.asks[0], (Difference("facts", "such as no store takes", said),))


def failures_of(test: PolicyTest, bundle: Bundle | Policies, *, is_brief: bool = False) -> Iterator[Failure]:
    """Ask the questions of a test, in order, and return those that are not answered as expected.

    What is worked out for a decision is kept in `Policies`: who asks many tests gives the same ones each time. What
    `is_brief` asks for answers only, and not after an allow for reasons that hold although all is met.
    """
    policies = bundle if isinstance(bundle, Policies) else Policies(bundle)
    for ask in test.asks:
        failure = failure_of(test, ask, policies, is_brief=is_brief)
        if failure is not None:
            yield failure


def failure_of(test: PolicyTest, ask: Ask | ListAsk, policies: Policies, *, is_brief: bool = False) -> Failure | None:
    """Ask one question; None where the answer is as expected."""
    point = PolicyDecisionPoint(ask.facts.fact_cache, policies, lambda: ask.now)
    if isinstance(ask, ListAsk):
        found = _found(point, ask)
        if found == ask.expected:
            return None
        missing, extra = sorted(ask.expected - found), sorted(found - ask.expected)
        differences = [Difference("missing", ", ".join(missing), "")] if missing else []
        differences += [Difference("too many", "", ", ".join(extra))] if extra else []
        return Failure(test, ask, tuple(differences))
    try:
        decision = point.decide(ask.question, options_of(ask))
    except SealAuthzError as error:
        return Failure(test, ask, (Difference("effect", str(ask.expected.effect), f"no answer: {error}"),))
    differences = list(differences_of(ask.expected, decision))
    if decision and not is_brief:
        differences += _needless(point, ask)
    return Failure(test, ask, tuple(differences), decision) if differences else None


def _found(point: PolicyDecisionPoint, ask: ListAsk) -> frozenset[str]:
    if ask.in_principle:
        return frozenset(name for name, question in ask.questions.items() if point.in_principle(question))
    answers = zip(ask.questions, point.decide_many(list(ask.questions.values()), options_of(ask)), strict=True)
    return frozenset(name for name, answer in answers if isinstance(answer, Decision) and answer)


def _needless(point: PolicyDecisionPoint, ask: Ask) -> Iterator[Difference]:
    """Return the reasons that hold although all is met: a condition of a `because` is missing, or turned round."""
    try:
        needless = point.needless(ask.question, options_of(ask))
    except EvaluationFailed as error:
        yield Difference("because", "nothing: all is met", f"no answer: {error}")
        return
    for requirement, code in needless:
        yield Difference("because", f"nothing: {requirement} is met", code)


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
            tells = any(item.parameters is not None for item in items)
            yield Difference(part, _listed(map(_written, items)), _listed(_written(item, tells) for item in given))
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


def _written(item: Item, with_parameters: bool = True) -> str:
    parameters = sorted((item.parameters or {}).items()) if with_parameters else ()
    return item.code + "".join(f" {name}={value}" for name, value in parameters)


def _listed(words: Iterable[str]) -> str:
    return "\n".join(words) or "(none)"


def failure_text(failure: Failure, bundle: Bundle, width: int = 100, *, colour: bool = False) -> str:
    """Write a failure as text, in lines of at most `width` columns."""
    file = io.StringIO()
    console = Console(
        file=file,
        width=width,
        markup=False,
        highlight=False,
        emoji=False,
        force_terminal=colour,
        color_system="standard" if colour else None,
    )
    show(console, _page(failure, bundle))
    return file.getvalue()


def _page(failure: Failure, bundle: Bundle) -> RenderableType:
    ask = failure.ask
    label = f" ({ask.label})" if ask.label else ""
    lines: list[RenderableType] = [Text.assemble((f"{ask.file}:{ask.line}", "cyan"), f": {failure.test.name}{label}")]
    if isinstance(ask, Ask):
        lines.append(Padding(Text(_question(ask)), (0, 0, 0, 2)))
    rows = [
        (Text(d.part, style="bold"), Text(d.expected, style="green"), Text(d.actual, style="red"))
        for d in failure.differences
    ]
    lines += [Text(), Padding(table(("", "expected", "actual"), rows), (0, 0, 0, 2))]
    if isinstance(ask, Ask) and failure.decision is not None:
        explanation = PolicyDecisionPoint(ask.facts.fact_cache, bundle, lambda: ask.now).explain(
            ask.question, options_of(ask)
        )
        lines += [Text(), Padding(Group(*_why(explanation.answer())), (0, 0, 0, 2))]
    return Group(*lines)


def _why(explanation: Explanation) -> Iterator[RenderableType]:
    """Say why the policies answer as they do: of a deny, what is unmet; of an allow, what settled each requirement."""
    decision = explanation.decision
    yield Text.assemble("the policies say ", verdict(decision))
    if decision.reasons or decision.obligations:
        yield decision_body(decision)
    shown = [outcome for outcome in explanation.requirements if decision or outcome.standing == Standing.UNMET]
    if shown:
        yield Text()
        yield requirements_tree("what settled the requirements" if decision else "what is unmet", shown)
    settled = len(explanation.requirements) - len(shown)
    if settled:
        yield Text(f"{settled} other requirement{'s are' if settled > 1 else ' is'} settled", style="dim")


def _question(ask: Ask) -> str:
    question = ask.question
    context = ", ".join(f"{key}: {value}" for key, value in question.context.items())
    asked = f"{question.subject} {question.action} {question.resource}"
    by = f" by {ask.caller}" if ask.caller != IN_PROCESS else ""
    return f"{asked}{f' {{{context}}}' if context else ''}{by} at {instant(ask.now)}"
