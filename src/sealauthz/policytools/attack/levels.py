"""What may still be done, and what a change must touch to matter, by how many acts are left: the last act writes what
the goal sees, the one before what that one or the goal rests on, and so on.
"""

from __future__ import annotations

from collections.abc import Sequence

from sealauthz.policytools.attack.goals import Goal, Goals
from sealauthz.policytools.attack.reads import Relevance
from sealauthz.policytools.attack.said import Said
from sealauthz.policytools.attack.views import Reads
from sealauthz.schema import Action, OutsideMove


class Levels:
    """The acts of a search that leaves out what cannot matter."""

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

    def _near(self, acts: Sequence[Action], reads: Reads) -> list[Action]:
        writes = self._relevance.writes
        return [each for each in acts if writes(each.name, each.resource).may_be_seen_by(reads)]

    def acts(self, left: int) -> tuple[Action, ...]:
        """Return the acts of which one may matter when as many are left behind it."""
        return self._acts[left]

    def sees(self, left: int) -> Reads:
        """Return what matters when so many acts are left."""
        return self._matters[left]
