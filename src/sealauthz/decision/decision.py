"""The decision as the decision point makes it, with its question and its instants as numbers; `answer` is for readers.

A deny is falsy, so that it can never pass an `if`.
"""

from __future__ import annotations

import dataclasses
import datetime
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from sealauthz.decision.question import Question
from sealauthz.decision.texts import SILENT, Texts
from sealauthz.schema import Instant
from sealauthz_client import answers
from sealauthz_client.answers import (
    NextStep,
    Obligation,
    ParameterValue,
    Reason,
    RequirementOutcome,
    distinct_steps,
    moment,
)

Item = TypeVar("Item", NextStep, Obligation)


class Effect(StrEnum):
    """Whether the act is allowed."""

    ALLOW = "ALLOW"
    DENY = "DENY"


class Standing(StrEnum):
    """How a requirement came out."""

    MET = "MET"
    WAIVED = "WAIVED"
    UNMET = "UNMET"


@dataclass(frozen=True, slots=True)
class Decision:
    """One answer. `reasons` is ordered by stage and empty exactly when allowed; `obligations` is empty when denied.

    `revision` is the fact revision, in the history `timeline`, and `policy_version` the bundle's digest that the answer
    rests on; `facts_age_s` is how many seconds ago, at most, these facts were the newest. `evaluated_at` and
    `valid_until` are instants in microseconds, and so are parameters of next steps and obligations whose names end in
    `_at` or `_until`. An allow must not be used at or after `valid_until`.
    """

    question: Question
    effect: Effect
    decision_id: str
    policy_version: str
    revision: int
    evaluated_at: Instant
    valid_until: Instant
    reasons: tuple[Reason, ...] = ()
    obligations: tuple[Obligation, ...] = ()
    timeline: str = field(default="", compare=False, repr=False)
    facts_age_s: float = field(default=0.0, compare=False, repr=False)
    texts: Texts = field(default=SILENT, compare=False, repr=False)
    """What the codes say to people, by the bundle that decided."""
    policy_digest: str = field(default="", compare=False, repr=False)
    """The whole digest that `policy_version` begins; empty for a decision that was kept without it."""

    def __bool__(self) -> bool:
        return self.effect == Effect.ALLOW

    @property
    def next_steps(self) -> tuple[NextStep, ...]:
        """All next steps, in the order of their reasons, each once."""
        return distinct_steps(self.reasons)

    def localized(self, language: str) -> Decision:
        """Return the decision with what its codes say to people in a language; as it is where there is none."""
        return dataclasses.replace(
            self,
            reasons=tuple(self._localized_reason(reason, language) for reason in self.reasons),
            obligations=tuple(
                dataclasses.replace(item, text=self.texts.obligation(item.code, language, item.parameters))
                for item in self.obligations
            ),
        )

    def _localized_reason(self, reason: Reason, language: str) -> Reason:
        steps = tuple(
            dataclasses.replace(step, text=self.texts.step(step.code, language, step.parameters))
            for step in reason.next_steps
        )
        # Of several values of a name, the first step's.
        carried = {name: value for step in reversed(steps) for name, value in step.parameters.items()}
        text = self.texts.reason(reason.code, language, carried)
        return dataclasses.replace(reason, next_steps=steps, text=text)

    def answer(self, language: str = "") -> answers.Decision:
        """Return the decision as readers get it; with texts where a language is named."""
        said = self.localized(language) if language else self
        return answers.Decision(
            is_allowed=bool(self),
            reasons=tuple(
                dataclasses.replace(reason, next_steps=tuple(map(_dated, reason.next_steps))) for reason in said.reasons
            ),
            next_steps=tuple(map(_dated, said.next_steps)),
            obligations=tuple(map(_dated, said.obligations)),
            decision_id=self.decision_id,
            policy_version=self.policy_version,
            revision=self.revision,
            revision_token="",
            evaluated_at=moment(self.evaluated_at),
            valid_until=moment(self.valid_until),
            facts_age=datetime.timedelta(seconds=self.facts_age_s),
        )


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision with the rules that matter to it; `requirements` is ordered as the policy lists them."""

    decision: Decision
    requirements: tuple[RequirementOutcome, ...]

    def answer(self, language: str = "") -> answers.Explanation:
        """Return the explanation as readers get it."""
        return answers.Explanation(self.decision.answer(language), self.requirements)


def _dated(item: Item) -> Item:
    """Return a next step or an obligation with its instants as times."""
    return dataclasses.replace(item, parameters={name: _value(name, value) for name, value in item.parameters.items()})


def _value(name: str, value: ParameterValue) -> ParameterValue:
    return moment(value) if isinstance(value, int) and name.endswith(("_at", "_until")) else value
