"""The answer: what was decided, why, and what must happen first. A deny is falsy, so that it can never pass an `if`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sealauthz.decision.question import Question
from sealauthz.decision.texts import SILENT, Texts

ParameterValue = str | int
"""A parameter of a next step or obligation. Names that end in `_at` or `_until` hold instants in microseconds."""


class Effect(StrEnum):
    """Whether the act is allowed."""

    ALLOW = "ALLOW"
    DENY = "DENY"


class Audience(StrEnum):
    """Who may be shown a reason: the person who asks, or only those who run the platform."""

    USER = "USER"
    OPERATOR = "OPERATOR"


@dataclass(frozen=True, slots=True)
class NextStep:
    """What the person can do about a reason, with what the client needs to offer it (names and phones are masked).

    `text` is empty until the decision is `told` in a language.
    """

    code: str
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    text: str = ""

    @property
    def identity(self) -> object:
        """What tells it from other steps: its code and what it carries. Hashable."""
        return (self.code, tuple(sorted(self.parameters.items()))) if self.parameters else self.code


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the answer is a deny. `stage` orders the reasons in the order in which a person should fix them, lowest
    first.

    `requirement` is empty where no requirement of the policy is behind the reason (`NOT_FOUND`, `POLICY_ERROR` …).
    """

    code: str
    stage: int
    audience: Audience
    requirement: str = ""
    next_steps: tuple[NextStep, ...] = ()
    text: str = ""

    @property
    def carried(self) -> Mapping[str, ParameterValue]:
        """What the next steps carry; of several values of a name, the first step's."""
        carried: dict[str, ParameterValue] = {}
        for step in self.next_steps:
            carried = {**step.parameters, **carried}
        return carried


@dataclass(frozen=True, slots=True)
class Obligation:
    """What the caller must do when it acts on an allow; a caller that cannot must treat the answer as a deny."""

    code: str
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """One answer. `reasons` is ordered by stage and empty exactly when allowed; `obligations` is empty when denied.

    `revision` is the fact revision, in the history `timeline`, and `policy_version` the bundle's digest that the answer
    rests on; `facts_age_s` is how many seconds ago, at most, these facts were the newest. `evaluated_at` and
    `valid_until` are instants in microseconds, and an allow must not be used at or after `valid_until`.
    """

    question: Question
    effect: Effect
    decision_id: str
    policy_version: str
    revision: int
    evaluated_at: int
    valid_until: int
    reasons: tuple[Reason, ...] = ()
    obligations: tuple[Obligation, ...] = ()
    timeline: str = field(default="", compare=False, repr=False)
    facts_age_s: float = field(default=0.0, compare=False, repr=False)
    texts: Texts = field(default=SILENT, compare=False, repr=False)
    """What the codes say to people, by the bundle that decided."""

    def __bool__(self) -> bool:
        return self.effect == Effect.ALLOW

    def told(self, language: str) -> Decision:
        """The decision with what its codes say to people in a language; as it is where there is none."""
        return dataclasses.replace(
            self,
            reasons=tuple(self._told_reason(reason, language) for reason in self.reasons),
            obligations=tuple(
                dataclasses.replace(item, text=self.texts.obligation(item.code, language, item.parameters))
                for item in self.obligations
            ),
        )

    def _told_reason(self, reason: Reason, language: str) -> Reason:
        steps = tuple(
            dataclasses.replace(step, text=self.texts.step(step.code, language, step.parameters))
            for step in reason.next_steps
        )
        text = self.texts.reason(reason.code, language, reason.carried)
        return dataclasses.replace(reason, next_steps=steps, text=text)

    @property
    def next_steps(self) -> tuple[NextStep, ...]:
        """All next steps, in the order of their reasons, each once."""
        steps: dict[object, NextStep] = {}
        for reason in self.reasons:
            for step in reason.next_steps:
                steps.setdefault(step.identity, step)
        return tuple(steps.values())


class Standing(StrEnum):
    """How a requirement came out."""

    MET = "MET"
    WAIVED = "WAIVED"
    UNMET = "UNMET"


@dataclass(frozen=True, slots=True)
class RuleRef:
    """A rule of the policy, by its head and its place. `rules` are the ids of the rulebook it carries (`U-01` …)."""

    head: str
    file: str
    line: int
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One rule that was tried: whether it held, else the first condition that no try of it got past.

    `condition` is the text of that condition and `file` and `line` its place (empty and 0 where the rule held, or its
    head did not fit). `values` are what it compared, as text: records by type and id, instants as times. `under` are
    the rules that the condition tried in turn.
    """

    rule: RuleRef
    is_met: bool
    condition: str = ""
    file: str = ""
    line: int = 0
    values: tuple[str, ...] = ()
    under: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True)
class RequirementOutcome:
    """How one requirement of the action came out, the rules that could meet or waive it, and why it is unmet.

    `tried` are the rules that met or waived it, or all that might have; `because` those that say why it is unmet: the
    ones that hold, or the `otherwise` of the requirement. `attempts` tell, of an unmet requirement, what stopped each
    rule; of another, which rule held. It is empty on engines that do not trace.
    """

    requirement: str
    standing: Standing
    reasons: tuple[str, ...]
    tried: tuple[RuleRef, ...]
    because: tuple[RuleRef, ...]
    attempts: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision with the rules that matter to it; `requirements` is ordered as the policy lists them."""

    decision: Decision
    requirements: tuple[RequirementOutcome, ...]
