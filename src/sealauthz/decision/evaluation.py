"""The evaluation of questions at one revision and one time: allow with obligations, or deny with reasons."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterable
from functools import partial
from operator import attrgetter

from sealauthz.answers import NOTHING_TO_DO, NextStep, Obligation, Reason
from sealauthz.decision.assembly import Case, RequestOptions, assemble, check_given, check_seen
from sealauthz.decision.bundle import (
    FACT_UNAVAILABLE,
    NOT_FOUND,
    POLICY_ERROR,
    UNKNOWN_ACTION,
    UNKNOWN_TYPE,
)
from sealauthz.decision.carried import Made, named_by
from sealauthz.decision.catalog import ReasonCatalog
from sealauthz.decision.decision import Decision, Effect
from sealauthz.decision.listing import Entry, ListPage, Search, find_page
from sealauthz.decision.plan import Plan
from sealauthz.decision.question import Question
from sealauthz.decision.questions import NO_PERMISSION
from sealauthz.decision.texts import SERVICE_STEPS
from sealauthz.errors import EvaluationFailed, FactNotLoaded, nearest
from sealauthz.facts.memory.snapshot import FactSnapshot
from sealauthz.polar.engine import Work
from sealauthz.polar.reach import Root

log = logging.getLogger("sealauthz.decision.pdp")
"""Named for the decision point, as its lines in the log are known."""

GATE_STAGE = 40
"""The last stage of the ladder whose reasons a subject without standing may see."""

_STAGE = attrgetter("stage")


class Evaluation:
    """Questions decided at one revision and one time."""

    def __init__(self, catalog: ReasonCatalog, snapshot: FactSnapshot, now: int, options: RequestOptions) -> None:
        self.catalog = catalog
        self._bundle = bundle = catalog.bundle
        self._model = bundle.model
        self.book = bundle.rulebook
        self.engine = bundle.engine
        self._snapshot = snapshot
        self._now = now
        self._may_see = options.may_see
        self._caller = options.caller

    def decide(self, question: Question) -> Decision:
        """Decide one question. Raises InvalidRequest, CallerNotPermitted."""
        try:
            # Within, because a tenant that is being imported cannot even be found.
            case = self.case(question)
            return self.evaluate(case) if isinstance(case, Case) else self.deny(question, [case])
        except EvaluationFailed as error:
            return self.failed(question, error)

    def page(self, search: Search) -> ListPage:
        """List one page. Raises as `PolicyDecisionPoint.list_page` does."""
        query = search.query
        check_given(self._model, query.about(""), self._snapshot, self._may_see)
        if query.root is Root.RESOURCE:
            check_seen(self._model, query.known, self._snapshot, self._may_see)
        empty_until = self._now + self._bundle.parameters.deny_valid_for
        listed = partial(self.listed, exceptions=query.exceptions)
        return find_page(search, self.catalog.plans, self._snapshot, listed, self._may_see, empty_until)

    def listed(self, question: Question, exceptions: frozenset[str]) -> Entry | None:
        """Whether a list has what is asked about: it is allowed, or would be if the exceptions alone were met. An error
        never lists anything.
        """
        try:
            case = self.case(question)
            if not isinstance(case, Case):
                return None
            plan = self.catalog.plan(question)
            work = plan.begin()
            if plan.allow(work, case.subject, case.resource, case.context):
                return Entry(self._allow(case, plan, work).valid_until)
            if exceptions:
                return self._but_for(exceptions, case, plan, work)
        except EvaluationFailed as error:
            self.failed(question, error)
        return None

    def _but_for(self, exceptions: frozenset[str], case: Case, plan: Plan, work: Work) -> Entry | None:
        """Why a denied case is listed all the same: nothing but exceptions is unmet.

        It tells no more than the deny does: what is answered like what does not exist is not listed, nor what a subject
        without standing would be told half of.
        """
        unmet = self.unmet(case, plan, work)
        subject, resource, context = case.subject, case.resource, case.context
        if not unmet or not exceptions.issuperset(unmet):
            return None
        if not (plan.visible(work, subject, resource, context) and plan.has_standing(work, subject, resource, context)):
            return None
        if not plan.has_permission(work, subject, resource):
            return None
        if any(NOT_FOUND in self._codes(case, plan, work, requirement) for requirement in unmet):
            return None
        return Entry(self._now + self._bundle.parameters.deny_valid_for, tuple(unmet))

    def case(self, question: Question) -> Case | Reason:
        """Return what to decide on, or the one reason for which there is nothing to decide."""
        if not self.catalog.has_plan(question):
            if question.subject.type not in self._model.subjects:
                return self._unknown(UNKNOWN_TYPE, question.subject.type, self._model.subjects)
            if (question.action, question.resource.type) not in self.book.requirements:
                actions = self.book.actions_of(question.resource.type)
                if actions:
                    return self._unknown(UNKNOWN_ACTION, question.action, actions)
                return self._unknown(UNKNOWN_TYPE, question.resource.type, self.book.resource_types)
        parameters = self._bundle.parameters
        case = assemble(self._model, question, self._snapshot, self._may_see, self._now, self._caller, parameters)
        return case or self.catalog.reason(NOT_FOUND)

    def _unknown(self, code: str, word: str, known: Iterable[str]) -> Reason:
        """The reason that there is no such word, with the near one in its step; a step without one leads nowhere."""
        reason, carried = self.catalog.reason(code), nearest(word, known)
        steps = []
        for step in reason.next_steps:
            name = SERVICE_STEPS.get(step.code)
            if name is None:
                steps.append(step)
            elif carried:
                steps.append(NextStep(step.code, {name: carried}))
        return _with(reason, steps)

    def failed(self, question: Question, error: EvaluationFailed) -> Decision:
        """Deny because the evaluation went wrong, and log why."""
        code = FACT_UNAVAILABLE if isinstance(error, FactNotLoaded) else POLICY_ERROR
        if isinstance(error, FactNotLoaded) and error.importing is not None:
            return self.deny(question, [self.catalog.reason(code)])  # expected while an import is open
        log.error("%s deciding `%s` on %s", code, question.action, question.resource.type, exc_info=error)
        return self.deny(question, [self.catalog.reason(code)])

    def evaluate(self, case: Case) -> Decision:
        """Decide a case. Raises EvaluationFailed."""
        question, subject, resource, context = case.question, case.subject, case.resource, case.context
        plan = self.catalog.plan(question)
        work = plan.begin()
        if plan.allow(work, subject, resource, context):
            return self._allow(case, plan, work)
        if not plan.visible(work, subject, resource, context):
            return self.deny(question, [self.catalog.reason(NOT_FOUND)])
        reasons = self._reasons(case, plan, work)
        if NOT_FOUND in [reason.code for reason in reasons]:
            reasons = [self.catalog.reason(NOT_FOUND)]
        elif not plan.has_standing(work, subject, resource, context):
            reasons = [reason for reason in reasons if reason.stage <= GATE_STAGE] or [self.catalog.reason(NOT_FOUND)]
        made: Made = {}
        return self.deny(question, [self._with_steps(reason, case, plan, work, made) for reason in reasons])

    def _allow(self, case: Case, plan: Plan, work: Work) -> Decision:
        subject, resource, context = case.subject, case.resource, case.context
        limit = self._now + self._bundle.parameters.allow_valid_for
        if plan.lapses is not None:
            for (at,) in plan.lapses(work, subject, resource, context):
                limit = min(limit, at)
        obligations: tuple[Obligation, ...] = ()
        if plan.obligations:
            codes = {code for (code,) in plan.obligation(work, subject, resource, context)}
            carried = {} if plan.named is None else named_by(plan.named(work, subject, resource, context))
            obligations = tuple(
                [
                    Obligation(code, carried[code]) if code in carried else plain
                    for code, plain in plan.obligations.items()
                    if code in codes
                ]
            )
        return self._decision(case.question, Effect.ALLOW, limit, obligations=obligations)

    def deny(self, question: Question, reasons: list[Reason]) -> Decision:
        """Return the deny with these reasons."""
        limit = self._now + self._bundle.parameters.deny_valid_for
        return self._decision(question, Effect.DENY, limit, reasons=tuple(reasons))

    def _decision(
        self,
        question: Question,
        effect: Effect,
        valid_until: int,
        reasons: tuple[Reason, ...] = (),
        obligations: tuple[Obligation, ...] = (),
    ) -> Decision:
        return Decision(
            question=question,
            effect=effect,
            decision_id=_uuid7(),
            policy_version=self._bundle.version,
            revision=self._snapshot.revision,
            timeline=self._snapshot.timeline,
            facts_age_s=self._snapshot.age_s,
            evaluated_at=self._now,
            valid_until=valid_until,
            reasons=reasons,
            obligations=obligations,
            texts=self._bundle.texts,
        )

    # --- reasons -----------------------------------------------------------------------------------------------------

    def unmet(self, case: Case, plan: Plan, work: Work) -> list[str]:
        """The requirements that nothing settles, in the order of the bundle."""
        unmet = [requirement for (requirement,) in plan.unmet(work, case.subject, case.resource, case.context)]
        if len(unmet) > 1:
            unmet.sort(key=plan.places.__getitem__)
        return unmet

    def holding(self, case: Case, plan: Plan, work: Work, requirement: str) -> list[str]:
        """The reasons that hold for an unmet requirement, in the order of the bundle."""
        because = plan.because(requirement)
        if because is None:
            return []
        found = [code for (code,) in because(work, case.subject, case.resource, case.context)]
        if len(found) > 1:
            found.sort(key=self.catalog.rank.__getitem__)
        return found

    def _codes(self, case: Case, plan: Plan, work: Work, requirement: str) -> list[str]:
        """The reasons for which a requirement is unmet; never none."""
        return self.holding(case, plan, work, requirement) or [self.book.otherwise[requirement]]

    def _reasons(self, case: Case, plan: Plan, work: Work) -> list[Reason]:
        """All reasons by stage, each code once; within a stage in the order of the requirements, then of the bundle."""
        by_code: dict[str, Reason] = {}
        for requirement in self.unmet(case, plan, work):
            for code in self._codes(case, plan, work, requirement):
                if code not in by_code:
                    by_code[code] = self.catalog.reason(code, requirement)
        if not by_code:
            # Nothing is missing and still it is not allowed: the table of permissions says no, or the bundle errs.
            if plan.has_permission(work, case.subject, case.resource):
                raise EvaluationFailed("the checklist is settled, the permission stands, and `allow` does not hold")
            return [self.catalog.reason(NO_PERMISSION)]
        return sorted(by_code.values(), key=_STAGE)

    def _with_steps(self, reason: Reason, case: Case, plan: Plan, work: Work, made: Made) -> Reason:
        """The reason with those of its steps that lead somewhere, and what they carry; NONE where none does."""
        makers = self.catalog.steps_of(reason, plan)
        if not makers:
            return reason
        steps = []
        for maker in makers:
            code = maker.plain.code
            if code not in made:
                made[code] = maker.make(work, case.subject, case.resource, case.context)
            step = made[code]
            if step is not None:
                steps.append(step)
        return _with(reason, steps)


def _with(reason: Reason, steps: list[NextStep]) -> Reason:
    """The reason with these steps; without any there is nothing to do."""
    kept = tuple(steps) or (NextStep(NOTHING_TO_DO),)
    return Reason(reason.code, reason.stage, reason.audience, reason.requirement, kept)


_TAILS_AT_ONCE = 256
_tails: dict[int, list[str]] = {}
"""The random parts of ids to come, by process: a forked one must not hand out the ids of its parent."""


def _uuid7() -> str:
    """Return a time-ordered unique id (RFC 9562, version 7). Its random part is drawn for many at once."""
    milliseconds = time.time_ns() // 1_000_000
    tails = _tails.setdefault(os.getpid(), [])
    while True:
        try:
            return f"{milliseconds >> 16:08x}-{milliseconds & 0xFFFF:04x}-{tails.pop()}"
        except IndexError:
            drawn = os.urandom(10 * _TAILS_AT_ONCE).hex()
            tails.extend(_tail(drawn[at : at + 20]) for at in range(0, len(drawn), 20))


def _tail(digits: str) -> str:
    """The part of an id behind its time: version and variant with 74 random bits."""
    return f"7{digits[:3]}-{'89ab'[int(digits[3], 16) & 3]}{digits[4:7]}-{digits[7:19]}"
