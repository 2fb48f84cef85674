"""What may still be done, and what a change must touch to matter, by how many acts are left: the last act writes what
the goal sees, the one before what that one or the goal rests on, and so on.
"""

from __future__ import annotations

from collections.abc import Sequence

from sealauthz.attack.candidates import Candidates, Doer
from sealauthz.attack.goals import Goal, Goals
from sealauthz.attack.reads import Relevance
from sealauthz.attack.said import Said
from sealauthz.attack.views import Reads, View
from sealauthz.attack.world import World
from sealauthz.schema import Action, OutsideMove


class Levels:
    """The acts of a search that leaves out what cannot matter. `acts` are those that may be done at all."""

    def __init__(
        self,
        relevance: Relevance,
        said: Said,
        goals: Goals,
        goal: Goal,
        depth: int,
        acts: Sequence[Action],
        outside: Sequence[OutsideMove],
    ) -> None:
        self._relevance = relevance
        self._acts: list[tuple[Action, ...]] = []
        reads = goals.looks_at(goal)
        for duty in goal.dutiful:
            # What duties rest on matters always, because they are done at once.
            reads |= relevance.performing(duty.action, duty.type)
        seen = reads
        if goals.asks_of_the_act(goal):
            # Whose act the last one is is seen whatever that changes.
            seen = Reads.all(goal.facts.model)
            last = goals.last_acts(goal)
            acts_now = [each for each in acts if last is None or each.name in last]
        else:
            acts_now = self._near(acts, seen)
        self._matters = [seen]
        for _ in range(depth):
            self._acts.append(tuple(acts_now))
            for move in outside:
                reads |= relevance.outside(move)
            for each in acts_now:
                reads |= relevance.performing(each.name, each.resource) | said.reads(each)
            self._matters.append(reads)
            acts_now = self._near(acts, reads)
        self._views = [View(each) for each in self._matters]

    def _near(self, acts: Sequence[Action], reads: Reads) -> list[Action]:
        writes = self._relevance.writes
        return [each for each in acts if writes(each.name, each.resource).may_be_seen_by(reads)]

    def acts(self, left: int) -> tuple[Action, ...]:
        """Return the acts of which one may matter when as many are left behind it."""
        return self._acts[left]

    def sees(self, left: int) -> Reads:
        """Return what matters when so many acts are left."""
        return self._matters[left]

    def view(self, left: int) -> View:
        """Return the facts as all that may follow sees them when so many acts are left."""
        return self._views[left]


def possible(
    relevance: Relevance,
    candidates: Candidates,
    goal: Goal,
    doers: Sequence[Doer],
    acts: Sequence[Action],
    outside: Sequence[OutsideMove],
) -> list[Action]:
    """Return the acts that may be allowed at some time, with no other acts than these: not those that are denied on
    every record, each for something that no context settles and no such act may touch.
    """
    world, now = World(goal.facts), goal.now
    against = {
        (each.name, each.resource): [
            reasons for doer in doers for reasons in candidates.against(world, now, doer, each)
        ]
        for each in acts
    }
    writes = [relevance.happening(move) for move in outside]
    writes += [relevance.writes(duty.action, duty.type) for duty in goal.dutiful]
    waiting, found = list(acts), []
    while True:
        now_possible = [
            each
            for each in waiting
            if any(some.makes(each.resource) for some in writes)
            or any(
                all(any(some.may_be_seen_by(reads) for some in writes) for reads in reasons)
                for reasons in against[each.name, each.resource]
            )
        ]
        if not now_possible:
            return [each for each in acts if each in found]
        found += now_possible
        waiting = [each for each in waiting if each not in now_possible]
        writes += [relevance.writes(each.name, each.resource) for each in now_possible]
