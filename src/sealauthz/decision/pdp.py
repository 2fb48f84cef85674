"""The policy decision point: a question and the facts at one revision in, a decision out.

Rules it keeps. Whatever goes wrong in an evaluation denies. What the subject cannot see is answered like what does not
exist. Before standing, only gate reasons are given. A deny always has a reason, and every reason comes from the bundle.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from sealauthz.decision.assembly import DEFAULT_OPTIONS, Case, RequestOptions, check_seen, everything
from sealauthz.decision.bundle import Bundle
from sealauthz.decision.carried import shown_of
from sealauthz.decision.decision import Decision, Explanation
from sealauthz.decision.evaluation import GATE_STAGE, Evaluation
from sealauthz.decision.explain import explain, in_principle, needless, unmet
from sealauthz.decision.listing import Bounds, ListedActions, ListPage, check_exceptions, search_for
from sealauthz.decision.naming import MayRead, all_of_it, names_for
from sealauthz.decision.paging import Paging, consistency_of
from sealauthz.decision.policies import Policies
from sealauthz.decision.question import ContextValue, Entity, ListQuery, Question
from sealauthz.facts.memory.consistency import FROM_MEMORY, NO_DEADLINE, Consistency, Deadline
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.facts.memory.snapshot import FactSnapshot
from sealauthz.facts.store.acting import Observed
from sealauthz.facts.store.activations import POLICIES
from sealauthz.runtime.errors import EvaluationFailed, InvalidRequest, PoliciesUnavailable, SealAuthzError, did_you_mean
from sealauthz.runtime.spans import span
from sealauthz.schema import Event
from sealauthz_client.answers import ConditionalItem

__all__ = ["GATE_STAGE", "PolicyDecisionPoint", "RequestOptions", "everything", "system_clock"]

T = TypeVar("T")

Listener = Callable[[Question, RequestOptions], None]

DEFAULT_BOUNDS = Bounds()
FIRST_PAGE = Paging()


def system_clock() -> int:
    """The time now, as an instant."""
    return time.time_ns() // 1_000


class PolicyDecisionPoint:
    """Decides questions over one fact cache, with one bundle, or with that of several that decides at the revision of
    the facts. Safe to call from several threads.
    """

    def __init__(
        self,
        fact_cache: FactCache,
        bundle: Bundle | Policies,
        now: Callable[[], int] = system_clock,
        bounds: Bounds = DEFAULT_BOUNDS,
    ) -> None:
        self.policies = bundle if isinstance(bundle, Policies) else Policies(bundle)
        self._fact_cache = fact_cache
        self._now = now
        self._bounds = bounds
        self.listener: Listener | None = None
        """Is told each question that was decided, but for those of lists. It must not wait, nor raise."""

    @property
    def bundle(self) -> Bundle:
        """The bundle that is served now, for what is no decision. Raises PoliciesUnavailable."""
        return self.policies.newest.bundle

    @bundle.setter
    def bundle(self, bundle: Bundle) -> None:
        """Replace the bundle that decides where nothing was activated."""
        self.policies.replace_base(bundle)

    def bundle_of(self, version: str) -> Bundle | None:
        """Return the bundle of a version that decides here, or could; None where it is not here."""
        found = self.policies.loaded.get(version)
        if found is not None:
            return found.bundle
        base = self.policies.base
        return base if base is not None and base.version == version else None

    def now(self) -> int:
        """Return the time at which a question would be decided now, as an instant."""
        return self._now()

    def decide(
        self,
        question: Question,
        options: RequestOptions = DEFAULT_OPTIONS,
    ) -> Decision:
        """Decide one question. Raises InvalidRequest, CallerNotPermitted, or what a fact cache raises that cannot
        answer; never for a deny.
        """

        def work(snapshot: FactSnapshot) -> Decision:
            return self._evaluation(snapshot, options).decide(question)

        decision = self._answer(work, options.consistency, options.deadline, may_wait=options.may_wait)
        if self.listener is not None:
            self.listener(question, options)
        return decision

    def decide_to_act(
        self,
        question: Question,
        follow: Callable[[Case, Decision, FactSnapshot], T],
        options: RequestOptions = DEFAULT_OPTIONS,
    ) -> tuple[Decision, T | None, Observed]:
        """Decide one question, and where it is allowed what follows from it, on the same facts; with what was read.

        Raises as `decide` does, and what `follow` raises; an EvaluationFailed of it denies. Whether the policies are
        still those that decided, `has_policies` tells.
        """

        def work(snapshot: FactSnapshot) -> tuple[Decision, T | None, Observed]:
            observed = Observed()
            # An activation in between is a change of what was read, like any other.
            observed.units.add(POLICIES)
            observing = snapshot.observing(observed)
            catalog = self.policies.at(snapshot)
            evaluation = Evaluation(catalog, observing, self._now(), options)
            try:
                case = evaluation.case(question)
                if not isinstance(case, Case):
                    return evaluation.deny(question, [case]), None, observed
                decision = evaluation.evaluate(case, catalog.plan(question))
                return decision, follow(case, decision, observing) if decision else None, observed
            except EvaluationFailed as error:
                return evaluation.failed(question, error), None, observed

        done = self._answer(work, options.consistency, options.deadline)
        if self.listener is not None:
            self.listener(question, options)
        return done

    def check_seen(self, entity: Entity, options: RequestOptions) -> None:
        """Raise CallerNotPermitted where there is such a record, and the caller has no right to what it is about."""
        if options.may_see is everything:
            return
        model = self.bundle.model
        self._fact_cache.answer(
            lambda snapshot: check_seen(model, entity, snapshot, options.may_see),
            options.consistency,
            options.deadline,
        )

    def has_policies(self, version: str) -> bool:
        """Tell whether these are the policies that decide now."""
        try:
            return self.policies.at(self._fact_cache.timeline).bundle.version == version
        except PoliciesUnavailable:
            return False

    def decide_many(
        self,
        questions: Sequence[Question],
        options: RequestOptions = DEFAULT_OPTIONS,
    ) -> list[Decision | SealAuthzError]:
        """Decide questions in order, at one revision and one time; a question's own error stands in its place.

        Raises FactsUnavailable, RevisionUnknown, TimeOver or ServiceBusy where none can be answered.
        """

        def work(snapshot: FactSnapshot) -> list[Decision | SealAuthzError]:
            answers: list[Decision | SealAuthzError] = []
            evaluation = self._evaluation(snapshot, options)
            for question in questions:
                try:
                    answers.append(evaluation.decide(question))
                except SealAuthzError as error:
                    answers.append(error)
            return answers

        answers = self._answer(work, options.consistency, options.deadline, may_wait=options.may_wait)
        if self.listener is not None:
            for question in questions:
                self.listener(question, options)
        return answers

    def actions(
        self,
        subject: Entity,
        resource: Entity,
        context: Mapping[str, ContextValue] | None = None,
        options: RequestOptions = DEFAULT_OPTIONS,
    ) -> list[Decision]:
        """Decide every action of the resource's type; context keys that an action does not know are left out for it.

        A type without actions gives the one deny that says so.
        """

        def work(snapshot: FactSnapshot) -> list[Decision]:
            catalog = self.policies.at(snapshot)
            actions = catalog.bundle.rulebook.actions_of(resource.type) or ("",)
            questions = action_questions(catalog.bundle, subject, resource, actions, context or {})
            evaluation = Evaluation(catalog, snapshot, self._now(), options)
            return [evaluation.decide(question) for question in questions]

        return self._answer(work, options.consistency, options.deadline, may_wait=options.may_wait)

    def actions_except(
        self,
        subject: Entity,
        resource: Entity,
        exceptions: Sequence[str],
        context: Mapping[str, ContextValue] | None = None,
        options: RequestOptions = DEFAULT_OPTIONS,
    ) -> ListedActions:
        """The actions that are allowed, or would be if the excepted requirements alone were met. Permits nothing.

        Raises as `actions` does, and InvalidRequest where no action of the type has such a requirement.
        """

        def work(snapshot: FactSnapshot) -> ListedActions:
            catalog = self.policies.at(snapshot)
            bundle = catalog.bundle
            actions = bundle.actions.get(resource.type, ())
            if not actions:
                near = did_you_mean(resource.type, bundle.rulebook.resource_types)
                raise InvalidRequest.at("resource.type", f"is not a type that the policies have actions for{near}")
            known = {name for action in actions for name in bundle.rulebook.requirements[action, resource.type]}
            check_exceptions(exceptions, known, f"an action on {resource.type}")
            questions = action_questions(bundle, subject, resource, actions, context or {})
            now = self._now()
            evaluation = Evaluation(catalog, snapshot, now, options)
            found = ((question.action, evaluation.listed(question, frozenset(exceptions))) for question in questions)
            items = (ConditionalItem(action, entry.still_required) for action, entry in found if entry is not None)
            return ListedActions(
                tuple(items),
                tuple(questions),
                tuple(sorted(exceptions)),
                snapshot.timeline,
                snapshot.revision,
                bundle.version,
                now,
                bundle.digest,
            )

        return self._answer(work, options.consistency, options.deadline, may_wait=options.may_wait)

    def list_page(
        self,
        query: ListQuery,
        paging: Paging = FIRST_PAGE,
        options: RequestOptions = DEFAULT_OPTIONS,
    ) -> ListPage:
        """List what is allowed, one page. Of what the caller may not ask about, nothing is listed.

        Raises InvalidRequest, RevisionGone where facts or policies changed since the page before, CallerNotPermitted
        where what is known, or in the context, is outside the caller's right, and what a fact cache raises that cannot
        answer; NotAtOnce for a page that takes long, where the options say that it may not wait.
        """
        bounds = self._bounds if options.may_wait else self._bounds.at_once

        def work(snapshot: FactSnapshot) -> ListPage:
            catalog = self.policies.at(snapshot)
            # Here, because the time of a page begins when the facts can be read.
            begun = search_for(query, paging, catalog.plans, options.caller, self._now(), bounds, options.deadline)
            return Evaluation(catalog, snapshot, begun.start.evaluated_at, options).page(begun)

        return self._answer(
            work,
            consistency_of(query, paging.token, options.caller, options.consistency),
            options.deadline,
            is_list=True,
            may_wait=options.may_wait,
        )

    def shown_of(
        self, record_type: str, ids: Sequence[str], options: RequestOptions = DEFAULT_OPTIONS
    ) -> tuple[Mapping[str, str], ...]:
        """Return what may be shown of subjects, masked, in the order of the ids; none for those that are gone."""
        model = self.bundle.model

        def work(snapshot: FactSnapshot) -> tuple[Mapping[str, str], ...]:
            found = (snapshot.find(record_type, each) for each in ids)
            return tuple(shown_of(model, record) for record in found if record is not None)

        return self._fact_cache.answer(work, options.consistency, options.deadline)

    def look(self, work: Callable[[FactSnapshot], T], options: RequestOptions = DEFAULT_OPTIONS) -> T:
        """Return what `work` finds in the facts, without deciding anything. It may be called several times."""
        return self._fact_cache.answer(work, options.consistency, options.deadline)

    def names_for(
        self, event: Event, options: RequestOptions = DEFAULT_OPTIONS, may_read: MayRead = all_of_it
    ) -> Mapping[str, str]:
        """Return what the text of an event may name, beside its values, as all its recipients may see it now, and the
        caller may read it.
        """

        def work(snapshot: FactSnapshot) -> Mapping[str, str]:
            return names_for(self._evaluation(snapshot, options), snapshot, event, may_read)

        return self._fact_cache.answer(work, options.consistency, options.deadline)

    def explain(
        self,
        question: Question,
        options: RequestOptions = DEFAULT_OPTIONS,
    ) -> Explanation:
        """Decide and tell how each requirement came out, with the rules that could settle it."""

        def work(snapshot: FactSnapshot) -> Explanation:
            return explain(self._evaluation(snapshot, options), question)

        return self._answer(work, options.consistency, options.deadline, may_wait=options.may_wait)

    def unmet(self, question: Question, options: RequestOptions = DEFAULT_OPTIONS) -> tuple[str, ...] | None:
        """Tell which requirements nothing settles, without why; None where there is nothing to decide."""

        def work(snapshot: FactSnapshot) -> tuple[str, ...] | None:
            return unmet(self._evaluation(snapshot, options), question)

        return self._answer(work)

    def in_principle(self, question: Question) -> bool:
        """Tell whether the table of roles gives an action, the checklist apart. Permits nothing."""

        def work(snapshot: FactSnapshot) -> bool:
            return in_principle(self._evaluation(snapshot, DEFAULT_OPTIONS), question)

        return self._answer(work)

    def needless(self, question: Question, options: RequestOptions = DEFAULT_OPTIONS) -> tuple[tuple[str, str], ...]:
        """Tell the requirements that are met and have a reason why they are not, with it. Raises EvaluationFailed."""

        def work(snapshot: FactSnapshot) -> tuple[tuple[str, str], ...]:
            return needless(self._evaluation(snapshot, options), question)

        return self._answer(work)

    def _answer(
        self,
        work: Callable[[FactSnapshot], T],
        consistency: Consistency = FROM_MEMORY,
        deadline: Deadline = NO_DEADLINE,
        *,
        is_list: bool = False,
        may_wait: bool = True,
    ) -> T:
        """Decide something on a snapshot, as `FactCache.answer` gives it."""
        with span("decision"):
            return self._fact_cache.answer(work, consistency, deadline, is_list=is_list, may_wait=may_wait)

    def _evaluation(self, snapshot: FactSnapshot, options: RequestOptions) -> Evaluation:
        return Evaluation(self.policies.at(snapshot), snapshot, self._now(), options)


def action_questions(
    bundle: Bundle, subject: Entity, resource: Entity, actions: Sequence[str], given: Mapping[str, ContextValue]
) -> list[Question]:
    """The question about each action; context keys that only other actions know are left out for it."""
    known = {key for action in actions for key in bundle.context_keys(action, resource.type)}
    questions = []
    for action in actions:
        keys = bundle.context_keys(action, resource.type)
        fitting = {key: value for key, value in given.items() if key in keys or key not in known}
        questions.append(Question(subject, action, resource, fitting))
    return questions
