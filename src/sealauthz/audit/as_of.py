"""Deciding as of a moment of the past: the facts, the policies and the clock of that time, and no permission.

Facts are rebuilt from their history (`facts/memory/past_reading.py`). The policies are those that were activated at the
revision, or those that a record names. What cannot be told for sure is not answered: `PastUnknown` says why.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from sealauthz.decision.assembly import DEFAULT_OPTIONS, RequestOptions
from sealauthz.decision.bundle import Bundle
from sealauthz.decision.catalog import ReasonCatalog
from sealauthz.decision.decision import Decision, Explanation
from sealauthz.decision.evaluation import Evaluation
from sealauthz.decision.explain import explain
from sealauthz.decision.listing import Bounds, ListPage, Search, check_query
from sealauthz.decision.paging import Start
from sealauthz.decision.pdp import action_questions
from sealauthz.decision.question import ContextValue, Entity, ListQuery, Question
from sealauthz.facts.memory.consistency import NO_DEADLINE, Deadline
from sealauthz.facts.memory.past_reading import PastReading
from sealauthz.facts.memory.snapshot import FactSnapshot
from sealauthz.facts.store.acting import Observed
from sealauthz.facts.store.activations import activated_in
from sealauthz.facts.store.database import ReadTransaction
from sealauthz.facts.store.past import Past, revision_at
from sealauthz.facts.store.store import Store, now_us
from sealauthz.runtime.errors import InvalidRequest, PastUnknown
from sealauthz.schema import Model
from sealauthz_client import answers
from sealauthz_client.answers import moment as instant

BundleOf = Callable[[str], Bundle]
"""Returns the policies of a version. Raises PastUnknown where they are not kept, or cannot be loaded any more."""


class Moment(NamedTuple):
    """When to decide: at a revision, by the clock at that time; one of the two may be left out.

    Without a revision it is the newest one of that time; without a time it is when the revision was made.
    """

    revision: int | None = None
    at: int | None = None


@dataclass(frozen=True, slots=True)
class PastDecision:
    """What was decided, or would have been, at a moment of the past. It is no permission, and has no truth value.

    `is_activated`: the policies were those that were activated at the revision. Nobody can take the next steps of its
    reasons any more.
    """

    explanation: Explanation
    is_activated: bool

    def __bool__(self) -> bool:
        raise TypeError("a decision as of the past permits nothing: look at its effect")

    @property
    def decision(self) -> Decision:
        """The decision, for what compares it with another one."""
        return self.explanation.decision

    def answer(self) -> answers.PastDecision:
        """Return it as readers get it."""
        said = self.decision
        return answers.PastDecision(
            effect=str(said.effect),
            reasons=tuple(reason.code for reason in said.reasons),
            obligations=tuple(each.code for each in said.obligations),
            policy_version=said.policy_version,
            is_activated=self.is_activated,
            revision=said.revision,
            decided_at=instant(said.evaluated_at),
            requirements=self.explanation.requirements,
        )


class AsOf:
    """Decides as of the past of one store. Any thread may use it."""

    def __init__(self, store: Store, bundle_of: BundleOf) -> None:
        self._store = store
        self._bundle_of = bundle_of
        self._catalogs: dict[str, ReasonCatalog] = {}

    def decide(
        self,
        question: Question,
        moment: Moment,
        options: RequestOptions = DEFAULT_OPTIONS,
        policy_version: str = "",
        timeline: str = "",
        *,
        is_explained: bool = True,
    ) -> PastDecision:
        """Decide as of a moment. Raises PastUnknown, and what a decision raises.

        Unless it `is_explained`, how each requirement came out is left out.

        `policy_version` names the policies where none were activated then, or where others decided, and `timeline` the
        history that the revision is of, where that is known.
        """
        if moment.revision is None and moment.at is None:
            raise InvalidRequest.at("moment", "must name a revision or a time")
        with self.past(moment, options.deadline) as past:
            past.check_timeline(timeline or past.timeline)
            if not is_explained:
                return past.told(Explanation(past.decide(question, options, policy_version), ()))
            return past.explain(question, options, policy_version)

    @contextmanager
    def past(self, moment: Moment, deadline: Deadline = NO_DEADLINE) -> Iterator[PastMoment]:
        """Open a moment; the history is read until a deadline. Raises PastUnknown, FactsUnavailable."""
        with self._store.read_transaction() as transaction:
            revision = moment.revision
            if revision is None:
                if (moment.at or 0) > now_us() + _CLOCKS_APART_US:
                    raise PastUnknown("NOT_YET", "that time has not come: what is changed until then is not known")
                revision = revision_at(transaction, moment.at or 0)
            past = Past(transaction, revision, lambda: deadline.rest(1.0))
            at = past.instant_of(revision) if moment.at is None else moment.at
            yield PastMoment(self, past, revision, at)

    def catalog(self, version: str) -> ReasonCatalog:
        """Return what decides by policies of a version. Raises PastUnknown."""
        found = self._catalogs.get(version)
        if found is None:
            bundle = self._bundle_of(version)
            if bundle.version != version:
                raise PastUnknown("POLICY_NOT_KEPT", f"policies `{version}` are not kept")
            if len(self._catalogs) >= _CATALOGS:
                self._catalogs.clear()
            found = self._catalogs[version] = ReasonCatalog(bundle)
        return found


_CATALOGS = 4
_CLOCKS_APART_US = 60_000_000
_LIST_WITHIN_S = 60.0


class PastMoment:
    """One moment, within one read transaction of now."""

    def __init__(self, as_of: AsOf, past: Past, revision: int, at: int) -> None:
        self.revision = revision
        self.at = at
        self.activated = active_at(past.transaction, revision)
        """The version of the policies that were activated then; empty where none were."""
        self.timeline = past.transaction.timeline
        self._past = past
        self._as_of = as_of
        self._snapshots: dict[Model, FactSnapshot] = {}

    def check_timeline(self, timeline: str) -> None:
        """Raise PastUnknown where the revision is of another history than that of the facts."""
        if timeline != self.timeline:
            raise PastUnknown("OTHER_HISTORY", "the facts that it rests on are of a history that was restored away")

    def moved_to(self, at: int) -> PastMoment:
        """Return the moment at another time, on the same facts."""
        moved = copy.copy(self)
        moved.at = at
        return moved

    def explain(self, question: Question, options: RequestOptions, policy_version: str = "") -> PastDecision:
        """Decide, with the rules that proved it. Raises as `AsOf.decide` does."""
        return self.told(explain(self._evaluation(options, policy_version), question))

    def told(self, explanation: Explanation) -> PastDecision:
        """Return what was explained as a decision of this moment."""
        return PastDecision(explanation, explanation.decision.policy_version == self.activated)

    def observe(
        self, question: Question, options: RequestOptions, policy_version: str = ""
    ) -> tuple[PastDecision, Observed]:
        """Explain, and return what was read for it. Raises as `AsOf.decide` does."""
        evaluation, observed = self._evaluation(options, policy_version), Observed()
        evaluation.snapshot = evaluation.snapshot.observing(observed)
        return self.told(explain(evaluation, question)), observed

    def decide(self, question: Question, options: RequestOptions, policy_version: str = "") -> Decision:
        """Decide only. Raises as `AsOf.decide` does."""
        return self._evaluation(options, policy_version).decide(question)

    def list(self, query: ListQuery, options: RequestOptions, most: int, policy_version: str = "") -> ListPage:
        """List the first ids, so many at most. Raises as `AsOf.decide` does, and CallerNotPermitted, TimeOver."""
        evaluation = self._evaluation(options, policy_version)
        plans = evaluation.catalog.plans
        check_query(query, plans.bundle)
        start = Start("", "", None, plans.bundle.version, self.at)
        bounds = Bounds(candidates=most * 10, seconds=_LIST_WITHIN_S)
        until = time.monotonic() + bounds.seconds
        page = evaluation.page(Search(query, options.caller, start, most, plans.links(query), bounds, until, until))
        if not page.is_complete and len(page.ids) < most:
            raise PastUnknown("TOO_MUCH", "a list with more candidates than are decided again")
        return page

    def questions(
        self, subject: Entity, resource: Entity, context: Mapping[str, ContextValue], policy_version: str
    ) -> Sequence[Question]:
        """Return what a list of actions decides. Raises PastUnknown."""
        bundle = self._as_of.catalog(policy_version).bundle
        return action_questions(bundle, subject, resource, bundle.actions.get(resource.type, ()), context)

    def actions_except(
        self, asked: Sequence[Question], exceptions: Sequence[str], options: RequestOptions, policy_version: str
    ) -> tuple[str, ...]:
        """Return the actions that are allowed, or would be but for some requirements. Raises as `AsOf.decide` does."""
        evaluation = self._evaluation(options, policy_version)
        found = ((each.action, evaluation.listed(each, frozenset(exceptions))) for each in asked)
        return tuple(action for action, entry in found if entry is not None)

    def _evaluation(self, options: RequestOptions, policy_version: str) -> Evaluation:
        version = policy_version or self.activated
        if not version:
            said = (
                f"no policies were activated at revision {self.revision}: name the version that decided, as a record "
                "of the log has it (`policy_version`)"
            )
            raise PastUnknown("POLICY_UNKNOWN", said)
        catalog = self._as_of.catalog(version)
        model = catalog.bundle.model
        if model not in self._snapshots:
            self._snapshots[model] = PastReading(self._past, self.revision, model).snapshot()
        return Evaluation(catalog, self._snapshots[model], self.at, options)


def active_at(transaction: ReadTransaction, revision: int) -> str:
    """Return the version of the policies that were activated at a revision; empty where none were."""
    before = [each.version for each in activated_in(transaction) if each.revision <= revision]
    return before[-1] if before else ""
