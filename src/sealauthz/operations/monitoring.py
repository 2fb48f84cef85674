"""Monitoring: what happened, as far as one subject may see it.

A view is decided as a whole, again for everything that is read, and each piece of activity by itself: what the subject
may not see is left out, and nothing says that it was.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sealauthz.decision.assembly import RequestOptions
from sealauthz.decision.decision import Decision
from sealauthz.decision.pdp import PolicyDecisionPoint
from sealauthz.decision.product_reasons import FACT_UNAVAILABLE
from sealauthz.decision.question import Entity, Question
from sealauthz.facts.memory.snapshot import FactSnapshot
from sealauthz.facts.store.activity import Activity, ActivityFilter, standing_of
from sealauthz.facts.store.store import Store
from sealauthz.runtime.errors import FactsUnavailable, SealAuthzError
from sealauthz.schema import Monitored

_READ_AT_ONCE = 200
_LOOKED_AT = 2_000
"""How much activity is read for one page: a rare thing may be in none of it, and then the page is empty."""

END = (2**62, 0)
"""The place behind all activity."""


@dataclass(frozen=True, slots=True)
class View:
    """Who watches, and what. `branches` are `Type:id`, empty for all. A view that `is_personal` shows what the subject
    may see piece by piece, and needs no right to the whole.
    """

    subject: Entity
    wanted: ActivityFilter
    branches: frozenset[str] = frozenset()
    is_personal: bool = False


@dataclass(frozen=True, slots=True)
class ActivityPage:
    """Activity, the newest first. There may be more before the place `before`; None where there is none."""

    items: tuple[Activity, ...]
    before: tuple[int, int] | None


class Monitoring:
    """Reads the activity of one store for those who may see it. Any thread may use it."""

    def __init__(self, store: Store, pdp: PolicyDecisionPoint) -> None:
        self._store = store
        self._pdp = pdp
        self._tenant = store.model.tenant

    @property
    def _monitored(self) -> Monitored:
        monitored = self._store.model.monitored
        if monitored is None:
            raise FactsUnavailable("there is nothing to monitor here")
        return monitored

    def decide(self, view: View, options: RequestOptions) -> Decision | None:
        """Decide on a view as a whole: the first deny, or an allow; None for one that needs no right to the whole.

        Each topic that it names must be allowed, or else each tenant. Raises what decisions raise, and FactsUnavailable
        where the facts of the view are not there, which is no deny.
        """
        if view.is_personal:
            return None
        rule, wanted = self._monitored, view.wanted
        topics = [Question(view.subject, rule.topic_action, Entity(rule.topic_type, each)) for each in wanted.topics]
        tenants = [Question(view.subject, rule.tenant_action, Entity(self._tenant, each)) for each in wanted.tenants]
        found = self._all_of(topics, options) if topics else None
        if found is None or not found:
            other = self._all_of(tenants, options)
            found = other if found is None or other else found
        return found

    def seen(self, view: View, found: Sequence[Activity], options: RequestOptions) -> list[Activity]:
        """Return what of some activity the subject may see, and the view shows. Raises as `decide` does."""
        found = self._in_branches(view, found, options) if view.branches else found
        asked = {each.judged: Question(view.subject, each.judged[0], Entity(*each.judged[1:])) for each in found}
        if not asked:
            return []
        decided = dict(zip(asked, self._pdp.decide_many(list(asked.values()), options), strict=True))
        for decision in decided.values():
            _check_answered(decision)
        # An error is no allow, and what the caller may not ask about is not shown.
        return [each for each in found if isinstance(decided[each.judged], Decision) and decided[each.judged]]

    def standing(self, view: View, options: RequestOptions) -> list[Activity]:
        """Return what stands from before and still has to be seen, as far as the view shows it, the oldest first.

        Raises as `decide` does.
        """
        standing = self._monitored.standing
        if standing is None:
            return []

        def look(snapshot: FactSnapshot) -> list[Activity]:
            rows = _Found(snapshot)
            return [
                activity
                for tenant in sorted(view.wanted.tenants)
                for record, at in standing(snapshot, tenant)
                for activity in standing_of(self._store.model, record, at, rows)
                if view.wanted.fits(activity)
            ]

        found = self._pdp.look(look, options)
        return self.seen(view, sorted(found, key=lambda each: (each.at, each.about)), options)

    def between(self, view: View, after: tuple[int, int], before: tuple[int, int], size: int) -> list[Activity]:
        """Return the first activity between two places that a view may be about, also what its subject may not see."""
        return self._store.activity(view.wanted, after, before, size)

    def page(
        self, view: View, size: int, after: tuple[int, int], before: tuple[int, int], options: RequestOptions
    ) -> ActivityPage:
        """Return the newest activity between two places. Raises as `decide` does."""
        kept: list[Activity] = []
        looked_at = 0
        while looked_at < _LOOKED_AT:
            found = self._store.activity(view.wanted, after, before, _READ_AT_ONCE, is_newest_first=True)
            kept += self.seen(view, found, options)
            if len(kept) > size or (len(kept) == size and len(found) == _READ_AT_ONCE):
                return ActivityPage(tuple(kept[:size]), kept[size - 1].place)
            if len(found) < _READ_AT_ONCE:
                return ActivityPage(tuple(kept), None)
            before = found[-1].place
            looked_at += len(found)
        return ActivityPage(tuple(kept), before)

    def _all_of(self, questions: Sequence[Question], options: RequestOptions) -> Decision:
        first: Decision | None = None
        for decision in self._pdp.decide_many(questions, options):
            _check_answered(decision)
            if isinstance(decision, SealAuthzError):
                raise decision
            if not decision:
                return decision
            first = first or decision
        if first is None:
            raise TypeError("a view is of some tenants")
        return first

    def _in_branches(self, view: View, found: Sequence[Activity], options: RequestOptions) -> list[Activity]:
        belongs = self._monitored.branches
        pairs = dict.fromkeys((each.tenant_id, each.subject_id) for each in found)

        def look(snapshot: FactSnapshot) -> set[tuple[str, str]]:
            return {pair for pair in pairs if not view.branches.isdisjoint(belongs(snapshot, *pair) if belongs else ())}

        within = self._pdp.look(look, options)
        return [each for each in found if (each.tenant_id, each.subject_id) in within]


class _Found:
    """The records of a snapshot, as activity looks them up."""

    def __init__(self, snapshot: FactSnapshot) -> None:
        self._snapshot = snapshot

    def get(self, record_type: str, ids: Collection[str]) -> dict[str, Any]:
        """Return those of the records that exist, by id."""
        found = {each: self._snapshot.find(record_type, each) for each in ids}
        return {each: record for each, record in found.items() if record is not None}

    def naming(self, record_type: str, column: str, ids: Collection[str]) -> Sequence[Any]:
        """Return the records of the type whose `column` holds one of the ids."""
        return [
            self._snapshot.find(record_type, found)
            for each in ids
            for found in self._snapshot.matching(record_type, **{column: each})
        ]


def _check_answered(decision: Decision | SealAuthzError) -> None:
    """Raise FactsUnavailable for a deny for want of facts: what is not known now would be left out for good."""
    if isinstance(decision, Decision) and any(reason.code == FACT_UNAVAILABLE for reason in decision.reasons):
        raise FactsUnavailable("the facts of what is watched are not there now")
