"""Goals that nothing reaches, however many acts there are: everybody is denied the last act, for something that no
act of the search can touch.

Of a goal that asks whose act was the last one it may be known without a search. Let no act write what the goal sees,
nor what decides what may happen outside. Then these facts are, behind any acts, what the moves outside alone made of
them, and so is what settles a requirement that no act writes anything for. So it is enough to follow the moves outside,
and to look by which last acts the goal would be reached, and whether each is denied for such a requirement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sealauthz.attack.acting import Acting
from sealauthz.attack.candidates import PLATFORM, Candidates, Doer
from sealauthz.attack.found import Ended
from sealauthz.attack.goals import Goal, Goals
from sealauthz.attack.moves import Asked, happening
from sealauthz.attack.reaching import Reaching
from sealauthz.attack.reads import Relevance
from sealauthz.attack.views import Reads, Writes
from sealauthz.attack.world import Digest, World
from sealauthz.policytest.fixtures import FactSet
from sealauthz.schema import Action, OutsideMove, Put

_MOST = 150_000
"""How many worlds are looked at that moves outside lead to."""


@dataclass(frozen=True, slots=True)
class Barred:
    """A goal that is out of reach of so many moves, the last one an act; what ended that, and how many worlds were
    looked at for it.
    """

    ended: Ended
    complete: int
    worlds: int


class Barriers:
    """What stands in the way of every last act of a goal. `doers` are all who may act, `acts` what they may do at
    all.
    """

    def __init__(
        self,
        relevance: Relevance,
        acting: Acting,
        candidates: Candidates,
        goals: Goals,
        goal: Goal,
        doers: Sequence[Doer],
        acts: Sequence[Action],
        outside: Sequence[OutsideMove],
    ) -> None:
        self._relevance = relevance
        self._acting = acting
        self._candidates = candidates
        self._goals = goals
        self._goal = goal
        self._doers = doers
        self._acts = acts
        self._outside = outside
        self._reaching = Reaching(goal.facts.model, goals, goal, remembers=True)
        self._known: dict[tuple[str, str], frozenset[str]] = {}
        self._samples: dict[str, tuple[Any, ...]] = {}

    def barred(self, depth: int, is_over: Callable[[], bool]) -> Barred | None:
        """Tell whether the goal is out of reach of so many moves, the last one an act; None where that is not known."""
        goal = self._goal
        if not self._goals.asks_of_the_act(goal) or goal.waits or goal.dutiful or goal.following:
            # Time alters what is denied, and what others do at once is no act of a doer.
            return None
        if not self._is_settled_outside():
            return None
        last = 1 if self._goals.ends_with_an_act(goal) else 0
        first, count = World(goal.facts), 0
        seen, some = {first.digest}, iter([goal.facts])
        for left in range(depth, last - 1, -1):
            kept = []
            for facts in some:
                world = World(facts, goal.facts, first)
                count += 1
                if count > _MOST or is_over():
                    # Whatever was reached by fewer moves outside was looked at.
                    cut = Ended.STATES if count > _MOST else Ended.TIME
                    return Barred(cut, max(depth - left - (1 - last), 0), count)
                if not last and self._is_reached(world, None, ""):
                    return None
                if left and not all(self._is_barred(world, doer, action) for doer, action in self._lasts(world)):
                    return None
                if left > last:
                    kept.append(facts)
            if not kept:
                return Barred(Ended.ALL if left > last else Ended.DEPTH, depth, count)
            some = self._after(kept, first, seen)
        return None

    def _is_settled_outside(self) -> bool:
        """Tell whether no act writes what the goal sees, or what decides what may happen outside."""
        whole = self._goals.rests_on(self._goal)
        for move in self._outside:
            whole |= self._relevance.outside(move)
        return not self._is_written(whole)

    def _is_written(self, reads: Reads) -> bool:
        return any(each.may_be_seen_by(reads) for each in self._writes)

    @cached_property
    def _writes(self) -> tuple[Writes, ...]:
        """What the acts may write, one by one."""
        return tuple(self._relevance.alters(each.name, each.resource) for each in self._acts)

    @cached_property
    def _writes_outside(self) -> tuple[Writes, ...]:
        """What may be written by what happens outside, one by one."""
        return tuple(self._relevance.happening(each) for each in self._outside)

    def _after(self, some: Sequence[FactSet], first: World, seen: set[Digest]) -> Iterator[FactSet]:
        """Return what moves outside lead to, whether a store takes it or not, each once."""
        for facts in some:
            world = World(facts, self._goal.facts, first)
            for move in self._outside:
                for moved in happening(move, world, self._goal.now):
                    written = moved.writing.on(world)
                    if written is not None and written.digest not in seen:
                        seen.add(written.digest)
                        yield world.moved(written).facts

    # --- last acts ----------------------------------------------------------------------------------------------------

    def _lasts(self, world: World) -> Iterator[tuple[Doer, Action]]:
        """Return the acts by which the goal would be reached, if they were done here."""
        last = self._goals.last_acts(self._goal)
        named: dict[tuple[str, str], bool] = {}
        for doer in self._doers:
            for action in self._acts:
                if last is not None and action.name not in last:
                    continue
                key = (doer.subject, action.name)
                if key not in named:
                    named[key] = self._is_reached(world, doer.subject, action.name)
                if named[key]:
                    yield doer, action

    def _is_reached(self, world: World, subject: str | None, action: str) -> bool:
        return bool(self._reaching.asked(world, self._goal.now, subject or "", action))

    def _is_barred(self, world: World, doer: Doer, action: Action) -> bool:
        """Tell whether an act is denied on every record that there is or may come, whatever else acts did before."""
        for caller in (PLATFORM, *doer.callers):
            for record_id in world.ids(action.resource):
                asked = Asked(doer.subject, action.name, (action.resource, record_id), (), caller)
                if not self._acting.lacks(world, self._goal.now, asked, self._standing(action)):
                    return False
            if self._may_come(action.resource):
                there = self._with_one(world, doer, action.resource)
                of_none = frozenset(each for each in self._standing(action) if self._is_of_none(each, action))
                if there is None:
                    return False
                asked = Asked(doer.subject, action.name, (action.resource, there.ids(action.resource)[0]), (), caller)
                if not self._acting.lacks(there, self._goal.now, asked, of_none):
                    return False
        return True

    def _standing(self, action: Action) -> frozenset[str]:
        """The requirements of an act of which neither an act nor a context alters whether they are met, and which no
        rule waives.
        """
        key = (action.name, action.resource)
        if key not in self._known:
            relevance = self._relevance
            self._known[key] = frozenset(
                each
                for each in relevance.requirements(*key)
                if not relevance.keys_of(each, *key) and not self._is_written(relevance.standing(each, *key))
            )
        return self._known[key]

    def _is_of_none(self, requirement: str, action: Action) -> bool:
        """Tell whether a requirement looks at nothing of the record that the act is done to."""
        about = action.resource
        reads = self._relevance.standing(requirement, action.name, about)
        return about not in reads.types and all(record_type != about for record_type, _ in reads.columns)

    def _may_come(self, record_type: str) -> bool:
        """Tell whether a record of a type may come by an act, or outside."""
        return any(each.makes(record_type) for each in (*self._writes, *self._writes_outside))

    def _with_one(self, world: World, doer: Doer, record_type: str) -> World | None:
        """Return a world with a record of a type: one that an act makes, where there is none."""
        if world.ids(record_type):
            return world
        if record_type not in self._samples:
            self._samples[record_type] = next(self._made(record_type), ())
        sample = self._samples[record_type]
        return world.with_records(sample) if sample else None

    def _made(self, record_type: str) -> Iterator[tuple[Any, ...]]:
        """Return the records that come with one of a type, for each act of the beginning that makes one."""
        world = World(self._goal.facts)
        for action, writes in zip(self._acts, self._writes, strict=True):
            for doer in self._doers if writes.makes(record_type) else ():
                for move in self._candidates.of(world, self._goal.now, doer, action, ()):
                    records = tuple(each.record for each in move.writing.changes if isinstance(each, Put))
                    if any(type(each).__name__ == record_type for each in records):
                        yield records
