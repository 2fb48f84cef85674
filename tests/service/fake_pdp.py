"""A decision point that answers what a test tells it to, so that it can be made to fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from sealauthz.decision import RequestOptions
from sealauthz.decision.decision import Decision, Effect, Explanation, Standing
from sealauthz.decision.listing import ListPage
from sealauthz.decision.paging import Paging
from sealauthz.decision.question import Entity, ListQuery, Question
from sealauthz.facts.memory.permits import NotAtOnce
from sealauthz.runtime.errors import CallerNotPermitted, SealAuthzError
from sealauthz_client.answers import Attempt, Audience, NextStep, Obligation, Reason, RequirementOutcome, RuleRef

OPTIONS = RequestOptions()
NOW = 1_760_000_000_123_456

JOIN = Reason(
    "NOT_A_MEMBER", 40, Audience.USER, "MEMBER", (NextStep("JOIN_ENTERPRISE", {"enterprise": "E1", "waiting": 2}),)
)
FLAGGED = Reason("RISK_FLAGGED", 10, Audience.OPERATOR, "NO_RISK", (NextStep("CONTACT_PLATFORM"),))


def allow(question: Question) -> Decision:
    return Decision(
        question,
        Effect.ALLOW,
        "D1",
        "v1",
        7,
        NOW,
        NOW + 60_000_000,
        (),
        (Obligation("DECREMENT_USE", {"grant": "G1"}),),
    )


def deny(question: Question, *reasons: Reason) -> Decision:
    return Decision(question, Effect.DENY, "D1", "v1", 7, NOW, NOW + 5_000_000, reasons or (JOIN,))


class FakePdp:
    """Answers each question with `answer`; a question about the enterprise of `Seal:S2` concerns E2, all others E1.

    `waits`: the answer takes long, as if facts had to be loaded.
    """

    def __init__(self, answer: Callable[[Question], Decision] = allow, *, waits: bool = False) -> None:
        self.bundle = SimpleNamespace(version="v1", actions={"Seal": ("use", "freeze"), "Enterprise": ("join",)})
        self.answer = answer
        self.waits = waits
        self.asked: list[Question] = []
        self.caller = ""
        self.consistency: Any = None
        self.deadline: Any = None
        self.listed: list[tuple[ListQuery, Paging]] = []

    def bundle_of(self, _version: str) -> None:
        """It has no bundle of any version."""

    def decide(self, question: Question, options: RequestOptions = OPTIONS) -> Decision:
        if self.waits and not options.may_wait:
            raise NotAtOnce
        self.asked.append(question)
        self.caller = options.caller
        self.consistency, self.deadline = options.consistency, options.deadline
        if not options.may_see("E2" if question.resource.id == "S2" else "E1"):
            raise CallerNotPermitted("this caller has no right to decisions about this enterprise")
        return self.answer(question)

    def decide_many(
        self,
        questions: Sequence[Question],
        options: RequestOptions = OPTIONS,
    ) -> list[Decision | SealAuthzError]:
        answers: list[Decision | SealAuthzError] = []
        for question in questions:
            try:
                answers.append(self.decide(question, options))
            except SealAuthzError as error:
                answers.append(error)
        return answers

    def actions(
        self,
        subject: Entity,
        resource: Entity,
        context: Mapping[str, Any] | None = None,
        options: RequestOptions = OPTIONS,
    ) -> list[Decision]:
        return [
            self.decide(Question(subject, action, resource, context or {}), options)
            for action in self.bundle.actions[resource.type]
        ]

    def list_page(
        self,
        query: ListQuery,
        paging: Paging | None = None,
        options: RequestOptions = OPTIONS,
    ) -> ListPage:
        """Two pages, of one id each; the second is the last."""
        paging = paging or Paging()
        self.listed.append((query, paging))
        self.caller = options.caller
        self.consistency, self.deadline = options.consistency, options.deadline
        ids, token = (("A1",), "") if paging.token else (("A0",), "T1")
        return ListPage(ids, token, "", 7, "v1", NOW, NOW + 60_000_000)

    def explain(self, question: Question, options: RequestOptions = OPTIONS) -> Explanation:
        decision = self.decide(question, options)
        rule = RuleRef('meets(_: Person, "MEMBER", …)', "membership.polar", 12, ("M-01",))
        inner = Attempt(rule, False, "membership.state = state", "words.polar", 25, ('"ENDED"', '"ACTIVE"'))
        outer = Attempt(rule, False, "is_member(person)", "membership.polar", 13, under=(inner,))
        return Explanation(
            decision,
            (
                RequirementOutcome("MEMBER", Standing.UNMET, ("NOT_A_MEMBER",), (rule,), (rule,), (outer,)),
                RequirementOutcome("NO_RISK", Standing.UNMET, ("RISK_FLAGGED",), (rule,), (rule,), (outer,)),
                RequirementOutcome("FRESH_FACE", Standing.WAIVED, (), (rule,), (), (Attempt(rule, True),)),
            ),
        )
