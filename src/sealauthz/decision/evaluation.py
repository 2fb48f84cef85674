"""The evaluation of questions at one revision and one time: allow with obligations, or deny with reasons."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter

from sealauthz.decision.assembly import Case, Missing, RequestOptions, check_context
from sealauthz.decision.carried import Made, named_by
from sealauthz.decision.catalog import ReasonCatalog
from sealauthz.decision.decision import Decision, Effect
from sealauthz.decision.ids import new_id
from sealauthz.decision.listing import Entry, ListPage, Search, find_page
from sealauthz.decision.making import maker
from sealauthz.decision.plan import Plan
from sealauthz.decision.product_reasons import (
    CONTEXT_NOT_FOUND,
    FACT_UNAVAILABLE,
    NOT_FOUND,
    POLICY_ERROR,
    UNKNOWN_ACTION,
    UNKNOWN_TYPE,
)
from sealauthz.decision.question import Question
from sealauthz.decision.questions import NO_PERMISSION
from sealauthz.decision.texts import SERVICE_STEPS
from sealauthz.facts.memory.snapshot import FactSnapshot
from sealauthz.polar.engine import Work
from sealauthz.runtime.errors import CallerNotPermitted, EvaluationFailed, FactNotLoaded, nearest
from sealauthz_client.answers import NOTHING_TO_DO, NextStep, Obligation, Reason

log = logging.getLogger("sealauthz.decision.pdp")
"""Named for the decision point, as its lines in the log are known."""

GATE_STAGE = 40
"""The last stage of the ladder whose reasons a subject without standing may see."""

_STAGE = attrgetter("stage")

ALLOW, DENY = Effect.ALLOW, Effect.DENY
"""The effects, without what it takes to look them up in their class."""

_made_decision, _reason, _obligation = maker(Decision), maker(Reason), maker(Obligation)


@dataclass(slots=True)
class Found:
    """What was found about the requirements of one case with one work, for who asks again: those that are unmet, and
    the reasons that hold for each. Nobody changes the lists.
    """

    unmet: list[str] | None = None
    holding: dict[str, list[str]] = field(default_factory=dict)


class Evaluation:
    """Questions decided at one revision and one time."""

    def __init__(self, catalog: ReasonCatalog, snapshot: FactSnapshot, now: int, options: RequestOptions) -> None:
        self.catalog = catalog
        self._bundle = bundle = catalog.bundle
        self._model = bundle.model
        self.book = bundle.rulebook
        self.engine = bundle.engine
        self.snapshot = snapshot
        self._now = now
        self._may_see = options.may_see
        self._caller = options.caller

    def decide(self, question: Question) -> Decision:
        """Decide one question. Raises InvalidRequest.

        What is outside of the caller's right is denied as what does not exist, so that nobody learns that it does.
        """
        try:
            plan = self.catalog.known_plan(question) or self._plan(question)
            if isinstance(plan, Reason):
                return self.deny(question, [plan])
            # Within, because a tenant that is being imported cannot even be found.
            case = self._assembled(question, plan)
            if isinstance(case, Missing):
                return self.deny(question, [self._missing(case)])
            return self.evaluate(case, plan)
        except CallerNotPermitted:
            return self.deny(question, [self.catalog.reason(NOT_FOUND)])
        except EvaluationFailed as error:
            return self.failed(question, error)

    def page(self, search: Search) -> ListPage:
        """List one page. Raises as `PolicyDecisionPoint.list_page` does."""
        query = search.query
        check_context(self._model, query.about(""))
        empty_until = self._now + self._bundle.parameters.deny_valid_for
        listed = partial(self._listed, exceptions=query.exceptions)
        return find_page(search, self.catalog.plans, self.snapshot, listed, self._may_see, empty_until)

    def listed(self, question: Question, exceptions: frozenset[str]) -> Entry | None:
        """Whether a list has what is asked about: it is allowed, or would be if the exceptions alone were met. An error
        never lists anything.
        """
        try:
            return self._listed(question, exceptions)
        except CallerNotPermitted:
            return None

    def _listed(self, question: Question, exceptions: frozenset[str]) -> Entry | None:
        """The same. Raises CallerNotPermitted for what is outside of the caller's right."""
        try:
            plan = self.catalog.known_plan(question) or self._plan(question)
            if isinstance(plan, Reason):
                return None
            case = self._assembled(question, plan)
            if isinstance(case, Missing):
                return None
            work = plan.begin(case)
            if plan.allow(work):
                lapse = self._lapse(plan, work)
                self._obligations(plan, work)  # where they cannot be found out, it is a deny
                return Entry(lapse)
            if exceptions:
                return self._but_for(exceptions, plan, work)
        except EvaluationFailed as error:
            self.failed(question, error)
        return None

    def _but_for(self, exceptions: frozenset[str], plan: Plan, work: Work) -> Entry | None:
        """Why a denied case is listed all the same: nothing but exceptions is unmet.

        It tells no more than the deny does: what is answered like what does not exist is not listed, nor what a subject
        without standing would be told half of.
        """
        unmet = self.unmet(plan, work)
        if not unmet or not exceptions.issuperset(unmet):
            return None
        if not (plan.visible(work) and plan.has_standing(work) and plan.has_permission(work)):
            return None
        if any(NOT_FOUND in self._codes(plan, work, requirement) for requirement in unmet):
            return None
        return Entry(self._now + self._bundle.parameters.deny_valid_for, tuple(unmet))

    def case(self, question: Question) -> Case | Reason:
        """Return what to decide on, or the one reason for which there is nothing to decide."""
        plan = self.catalog.known_plan(question) or self._plan(question)
        if isinstance(plan, Reason):
            return plan
        try:
            case = self._assembled(question, plan)
            return self._missing(case) if isinstance(case, Missing) else case
        except CallerNotPermitted:
            return self.catalog.reason(NOT_FOUND)

    def _missing(self, missing: Missing) -> Reason:
        """The reason for which there is nothing to decide."""
        if missing.key is None:
            return self.catalog.reason(NOT_FOUND)
        return self._carrying(CONTEXT_NOT_FOUND, missing.key)

    def _assembled(self, question: Question, plan: Plan) -> Case | Missing:
        """What to decide on, or what is missing. Raises CallerNotPermitted where the resource is outside of the
        caller's right.
        """
        parameters = self._bundle.parameters
        return plan.assembly.case(question, self.snapshot, self._may_see, self._now, self._caller, parameters)

    def _plan(self, question: Question) -> Plan | Reason:
        """The plan of a question that has none yet, or the reason that it names something unknown."""
        if question.subject.type not in self._model.subjects:
            return self._unknown(UNKNOWN_TYPE, question.subject.type, self._model.subjects)
        if (question.action, question.resource.type) not in self.book.requirements:
            actions = self.book.actions_of(question.resource.type)
            if actions:
                return self._unknown(UNKNOWN_ACTION, question.action, actions)
            return self._unknown(UNKNOWN_TYPE, question.resource.type, self.book.resource_types)
        return self.catalog.plan(question)

    def _unknown(self, code: str, word: str, known: Iterable[str]) -> Reason:
        """The reason that there is no such word, with the near one in its step."""
        return self._carrying(code, nearest(word, known))

    def _carrying(self, code: str, word: str) -> Reason:
        """A reason of the service with the word that its step carries; a step without one leads nowhere."""
        reason, steps = self.catalog.reason(code), []
        for step in reason.next_steps:
            name = SERVICE_STEPS.get(step.code)
            if name is None:
                steps.append(step)
            elif word:
                steps.append(NextStep(step.code, {name: word}))
        return _with(reason, steps)

    def failed(self, question: Question, error: EvaluationFailed) -> Decision:
        """Deny because the evaluation went wrong, and log why."""
        code = FACT_UNAVAILABLE if isinstance(error, FactNotLoaded) else POLICY_ERROR
        if isinstance(error, FactNotLoaded) and error.importing is not None:
            return self.deny(question, [self.catalog.reason(code)])  # expected while an import is open
        log.error("%s deciding `%s` on %s", code, question.action, question.resource.type, exc_info=error)
        return self.deny(question, [self.catalog.reason(code)])

    def sees(self, case: Case) -> bool:
        """Tell whether the subject of a case may know of its resource. Raises EvaluationFailed."""
        plan = self.catalog.plan(case.question)
        return bool(plan.visible(plan.begin(case)))

    def evaluate(self, case: Case, plan: Plan) -> Decision:
        """Decide a case. Raises EvaluationFailed."""
        return self.evaluate_with(case, plan, plan.begin(case))

    def evaluate_with(self, case: Case, plan: Plan, work: Work, found: Found | None = None) -> Decision:
        """Decide a case with the work that was begun for it, and note in `found` what it finds for that work. Raises
        EvaluationFailed.
        """
        question = case.question
        if plan.allow(work):
            return self._decision(question, ALLOW, self._lapse(plan, work), (), self._obligations(plan, work))
        if not plan.visible(work):
            return self.deny(question, [self.catalog.reason(NOT_FOUND)])
        reasons = self._reasons(plan, work, found)
        if NOT_FOUND in [reason.code for reason in reasons]:
            reasons = [self.catalog.reason(NOT_FOUND)]
        elif not plan.has_standing(work):
            reasons = [reason for reason in reasons if reason.stage <= GATE_STAGE] or [self.catalog.reason(NOT_FOUND)]
        made: Made = {}
        return self.deny(question, [self._with_steps(reason, plan, work, made) for reason in reasons])

    def _lapse(self, plan: Plan, work: Work) -> int:
        """The end of an allow. Raises EvaluationFailed where the policies say that it is over: they contradict
        themselves, and what is over is no allow.
        """
        limit: int = self._now + self._bundle.parameters.allow_valid_for
        if plan.lapses is not None:
            for (at,) in plan.lapses(work):
                limit = min(limit, at)
            if limit <= self._now:
                raise EvaluationFailed("lapses: the rules allow what they say has ended")
        return limit

    def _obligations(self, plan: Plan, work: Work) -> tuple[Obligation, ...]:
        """What an allow obliges to, in the order of the bundle."""
        if not plan.obligations:
            return ()
        codes = {code for (code,) in plan.obligation(work)}
        carried = {} if plan.named is None else named_by(plan.named(work))
        return tuple(
            [
                _obligation(code, carried[code], "") if code in carried else plain
                for code, plain in plan.obligations.items()
                if code in codes
            ]
        )

    def deny(self, question: Question, reasons: list[Reason]) -> Decision:
        """Return the deny with these reasons."""
        limit = self._now + self._bundle.parameters.deny_valid_for
        return self._decision(question, DENY, limit, tuple(reasons), ())

    def _decision(
        self,
        question: Question,
        effect: Effect,
        valid_until: int,
        reasons: tuple[Reason, ...],
        obligations: tuple[Obligation, ...],
    ) -> Decision:
        snapshot, bundle = self.snapshot, self._bundle
        return _made_decision(
            question,
            effect,
            new_id(),
            bundle.version,
            snapshot.revision,
            self._now,
            valid_until,
            reasons,
            obligations,
            snapshot.timeline,
            snapshot.age_s,
            bundle.texts,
            bundle.digest,
        )

    # --- reasons -----------------------------------------------------------------------------------------------------

    def unmet(self, plan: Plan, work: Work, found: Found | None = None) -> list[str]:
        """The requirements that nothing settles, in the order of the bundle."""
        if found is not None and found.unmet is not None:
            return found.unmet
        unmet = [requirement for (requirement,) in plan.unmet(work)]
        if len(unmet) > 1:
            unmet.sort(key=plan.places.__getitem__)
        if found is not None:
            found.unmet = unmet
        return unmet

    def holding(self, plan: Plan, work: Work, requirement: str, found: Found | None = None) -> list[str]:
        """The reasons that hold for an unmet requirement, in the order of the bundle."""
        if found is not None and requirement in found.holding:
            return found.holding[requirement]
        because = plan.because(requirement)
        codes = [] if because is None else [code for (code,) in because(work)]
        if len(codes) > 1:
            codes.sort(key=self.catalog.rank.__getitem__)
        if found is not None:
            found.holding[requirement] = codes
        return codes

    def _codes(self, plan: Plan, work: Work, requirement: str, found: Found | None = None) -> list[str]:
        """The reasons for which a requirement is unmet; never none."""
        return self.holding(plan, work, requirement, found) or [self.book.otherwise[requirement]]

    def _reasons(self, plan: Plan, work: Work, found: Found | None) -> list[Reason]:
        """All reasons by stage, each code once; within a stage in the order of the requirements, then of the bundle."""
        by_code: dict[str, Reason] = {}
        for requirement in self.unmet(plan, work, found):
            for code in self._codes(plan, work, requirement, found):
                if code not in by_code:
                    by_code[code] = self.catalog.reason(code, requirement)
        if not by_code:
            # Nothing is missing and still it is not allowed: the table of permissions says no, or the bundle errs.
            if plan.has_permission(work):
                raise EvaluationFailed("the checklist is settled, the permission stands, and `allow` does not hold")
            return [self.catalog.reason(NO_PERMISSION)]
        return sorted(by_code.values(), key=_STAGE)

    def _with_steps(self, reason: Reason, plan: Plan, work: Work, made: Made) -> Reason:
        """The reason with those of its steps that lead somewhere, and what they carry; NONE where none does."""
        makers = self.catalog.steps_of(reason, plan)
        if not makers:
            return reason
        steps = []
        for each in makers:
            code = each.plain.code
            if code not in made:
                made[code] = each.make(work)
            step = made[code]
            if step is not None:
                steps.append(step)
        return _with(reason, steps)


def _with(reason: Reason, steps: list[NextStep]) -> Reason:
    """The reason with these steps; without any there is nothing to do."""
    kept = tuple(steps) or (NextStep(NOTHING_TO_DO),)
    return _reason(reason.code, reason.stage, reason.audience, reason.requirement, kept, "")
