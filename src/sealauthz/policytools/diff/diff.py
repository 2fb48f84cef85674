"""The access diff: who gains and who loses what when one bundle takes the place of another, over one set of facts.

Every subject, action and resource is decided under both bundles, in every context that the facts offer, unless the two
have the same rules and parameters for the action, down to the last helper: then they answer alike. What they answer
differently is a change, and each change names the rules that are responsible for it.

What is good for minutes only is decided twice: as it is, and as if it were fresh (`freshness.py`). And what the rules
themselves say to be looser is held against what the questions showed (`loosening.py`): where no question showed any
effect of it, the diff cannot tell.

Rules it keeps. Nothing is left out silently: what was not decided is counted in the extent. A question that a bundle
cannot decide is never taken for a denial like any other. Contexts are compared one by one, so that a subject who may
do something for one task today, and for two tomorrow, is a change too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from sealauthz.decision import Bundle
from sealauthz.facts.memory.fact_cache import FactCache
from sealauthz.policytools.diff.changes import Change, ChangeKind
from sealauthz.policytools.diff.comparison import Comparison, Limits, Progress, View
from sealauthz.policytools.diff.contexts import PolicyWords
from sealauthz.policytools.diff.facts import FactIndex
from sealauthz.policytools.diff.freshness import time_of
from sealauthz.policytools.diff.report import AccessDiff, not_covered_by
from sealauthz.policytools.diff.rule_comparison import changes_of


def compare(
    old: Bundle,
    new: Bundle,
    records: Iterable[Any],
    now: int,
    limits: Limits | None = None,
    progress: Progress | None = None,
    name: str = "",
) -> AccessDiff:
    """Decide everything about these records under both bundles and return what differs.

    First as they are at `now`. Then, where the rules could decide differently, as if what lasts for minutes were fresh:
    when the facts were written, and at `now`.
    """
    facts = FactIndex(new.model, records)
    fact_cache = FactCache.of_records(facts.model, facts.records)
    limits = limits or Limits()
    rules, words = changes_of(old, new), PolicyWords((old, new))
    with fact_cache.read() as snapshot:
        view = View(now, rules.concerned | rules.told)
        as_they_are = Comparison(old, new, facts, fact_cache, snapshot, view, limits, name, words)
        found = as_they_are.run(progress)
        signs = set(as_they_are.signs)
        fresh: list[Change] = []
        decisions = cut = 0
        # What fails as it is has been reported, takes longest, and can be approved by nobody.
        failing = frozenset((c.subject, c.action, c.resource) for c in found.of(ChangeKind.BROKEN))
        for instant in dict.fromkeys((time_of(facts.model, facts.records, now), now)) if rules.concerned else ():
            view = View(instant, rules.concerned, is_fresh=True, leaves_out=failing)
            comparison = Comparison(old, new, facts, fact_cache, snapshot, view, limits, name, words)
            more = comparison.run(None)
            decisions += more.extent.decisions
            cut += more.extent.cut
            signs |= comparison.signs
            fresh += not_covered_by((*found.changes, *fresh), more.changes)
    return dataclasses.replace(
        found,
        extent=dataclasses.replace(found.extent, fresh_decisions=decisions, fresh_cut=cut),
        fresh=tuple(fresh),
        loosenings=rules.loosenings,
        shown=frozenset(loosening for loosening in rules.loosenings if loosening.sign in signs),
        differences=rules.differences,
    )
