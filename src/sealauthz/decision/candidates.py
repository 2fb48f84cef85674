"""Candidates: what could be in a list, found through what the policies say links subject and resource."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from sealauthz.decision.assembly import MaySee, Within, everything, is_there
from sealauthz.decision.bundle import Bundle, reachability_of
from sealauthz.decision.question import ListQuery
from sealauthz.facts.memory.snapshot import FactSnapshot
from sealauthz.polar.reach import Asked, KnownOnly, Links, Path, Reachability, Referenced, Root, Step
from sealauthz.runtime.errors import CallerNotPermitted, EvaluationFailed, FactNotLoaded
from sealauthz.schema import Model

_CHUNK = 256


class Plans:
    """How the lists of one bundle find their candidates; worked out when first asked for."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._reachability: Reachability | None = None

    def links(self, query: ListQuery) -> Links:
        """Return the links of a query, each path from what is known to what is sought; None where there are none."""
        if self._reachability is None:
            # Two threads may both make them; either is right.
            self._reachability = reachability_of(self.bundle)
        return self._reachability.between(*self._asked(query))

    def _asked(self, query: ListQuery) -> Asked:
        context = self.bundle.model.action(query.action, query.resource_type).context.__name__
        return query.subject_type, query.action, query.resource_type, context, query.root, query.exceptions

    def has_links(self, query: ListQuery) -> bool:
        """Tell whether the links of a query are known, so that they take no time."""
        return self._reachability is not None and self._reachability.knows(self._asked(query))

    def holds(self, link: KnownOnly, known: Any) -> bool:
        """Whether a condition on what is known lets anything be allowed. One that cannot be evaluated is no reason
        to leave anything out: each candidate is decided anyway.
        """
        arguments = [known if argument is None else argument for argument in link.arguments]
        try:
            return self.bundle.engine.holds(link.rule, *arguments)
        except EvaluationFailed:
            return True


Watch = Callable[[], None]
"""Raises TimeOver once there is no time left."""


def candidates(
    query: ListQuery, links: Links, plans: Plans, snapshot: FactSnapshot, after: str, may_see: MaySee, watch: Watch
) -> Iterator[str]:
    """Return the ids behind `after`, in their order, of all that could be allowed, and of some that are not.

    There are none where what is known does not exist within the caller's right, or is being imported. Raises TimeOver,
    and CallerNotPermitted where nothing links what is sought to what is known, so that the list would be of what is
    everybody's.
    """
    known = _open(snapshot, query.known.type, query.known.id)
    is_resource = query.root is Root.RESOURCE
    if known is None or (is_resource and not is_there(plans.bundle.model, query.known, snapshot, may_see)):
        return iter(())
    if links is None or any(plans.holds(link, known) for link in links if isinstance(link, KnownOnly)):
        return _all_of(plans.bundle.model, query.sought, snapshot, after, may_see)
    reached: set[str] = set()
    named: list[Iterable[str]] = []
    for link in links:
        if isinstance(link, Referenced):
            named.append(_values(snapshot, link.step.holder, link.step.column, after))
        elif not isinstance(link, KnownOnly):
            reached |= ends_of(plans.bundle.model, snapshot, query.known.id, link, watch)
    return _each_once(heapq.merge(sorted(found for found in reached if found > after), *named))


def _all_of(model: Model, record_type: str, snapshot: FactSnapshot, after: str, may_see: MaySee) -> Iterator[str]:
    """Every id of a type behind `after`, as far as the caller may know that there is such a record."""
    if may_see is everything:
        return _values(snapshot, record_type, "id", after)
    if record_type == model.tenant and isinstance(may_see, Within):
        return iter(sorted(id_ for id_ in may_see.tenants if id_ > after))
    raise CallerNotPermitted(
        f"this list is of any {record_type} that there is, which calls for a right on every {model.tenant.lower()}"
    )


def _open(snapshot: FactSnapshot, record_type: str, record_id: str) -> Any:
    """Return a record; None also for one that is being imported, because whatever needs it is denied."""
    try:
        return snapshot.find(record_type, record_id)
    except FactNotLoaded as error:
        if error.importing is None:
            raise
        return None


def _values(snapshot: FactSnapshot, record_type: str, column: str, after: str) -> Iterator[str]:
    """Every id in a column behind `after`, read a number at a time."""
    while True:
        values = snapshot.after(record_type, column, after, _CHUNK)
        yield from values
        if len(values) < _CHUNK:
            return
        after = values[-1]


def _each_once(ordered: Iterable[str]) -> Iterator[str]:
    last = ""
    for value in ordered:
        if value != last:
            yield value
        last = value


def ends_of(model: Model, snapshot: FactSnapshot, record_id: str, path: Path, watch: Watch) -> set[str]:
    """Return the ids that a path from a record leads to: through units where they hold all, else by an index."""
    # Records that a collection gave us hold their keys; of what a key names, only the id is known.
    standing: dict[str, Any] = {record_id: None}
    for step in path:
        onward: dict[str, Any] = {}
        for here, record in standing.items():
            watch()
            if step.is_up:
                holder = _open(snapshot, step.holder, here) if record is None else record
                key = getattr(holder, step.column, None)
                if key is not None:
                    onward[key] = None
            else:
                onward |= _holders(model, snapshot, step, here, record)
        standing = onward
    return set(standing)


def _holders(model: Model, snapshot: FactSnapshot, step: Step, record_id: str, record: Any) -> Mapping[str, Any]:
    """The records whose key names one, by id; None for a record of which only the id is known."""
    units = model.units
    name = units.collection(step.target, step.holder, step.column)
    if name is not None:
        # Unset where the unit at hand does not hold the collection; its home unit then may.
        found = getattr(record, name, None)
        is_whole = any(r.name == name for r in units.collections(units.home_kind(step.target), step.target))
        if found is None and is_whole:
            found = getattr(_open(snapshot, step.target, record_id), name, None)
        if found is not None:
            return {member.id: member for member in found}
    return dict.fromkeys(snapshot.matching(step.holder, **{step.column: record_id}))
